"""Models, data and wanted labels as the files that `ftc patch` reads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from onnx import ModelProto


def fitted(model: Any, points: Any, labels: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an iteration that is stopped early
        return model.fit(points, labels)


def files(model: Any, points: Any, wanted: dict[int, Any]) -> tuple[str, ...]:
    """They are written here; these are the options that name them."""
    if isinstance(model, ModelProto):
        name = "model.onnx"
        Path(name).write_bytes(model.SerializeToString())
    else:
        name = "model.joblib"
        joblib.dump(model, name)
    np.save("data.npy", points)
    labels("edits.csv", wanted)
    return "--model", name, "--data", "data.npy", "--labels", "edits.csv"


def labels(name: str, wanted: dict[int, Any]) -> None:
    rows = "".join(f"{i},{label}\n" for i, label in wanted.items())
    Path(name).write_text("index,label\n" + rows)
