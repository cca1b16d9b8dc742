"""`ftc check --model`: a certificate beside what models, data and labels give now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from conftest import Run
from model_files import files, labels
from sklearn.linear_model import LogisticRegression


class Wobbly:
    """Scores that differ in the last bit from run to run, as those of a forest with threads do."""

    classes_ = np.array([0, 1])
    runs = 0

    def decision_function(self, points: Any) -> Any:
        type(self).runs += 1
        return np.column_stack([points[:, 0], points[:, 1]]) * (1 + (self.runs % 2) * 2.0**-52)

    def predict(self, points: Any) -> Any:
        return (points[:, 0] < points[:, 1]).astype(int)


class Late:
    """Scores of which those of the last row can be moved a little."""

    classes_ = np.array([0, 1])

    def __init__(self, shift: float = 0) -> None:
        self.shift = shift

    def decision_function(self, points: Any) -> Any:
        scores = points[:, :2].copy()
        scores[-1, 1] += self.shift
        return scores

    def predict(self, points: Any) -> Any:
        return self.decision_function(points).argmax(axis=1)


POINTS = np.random.default_rng(0).normal(size=(30, 2))


def patched(run: Run, model: Any, rows: Any, folder: str = "fixed") -> tuple[str, ...]:
    """Options to check its certificate with."""
    given = files(model, POINTS, {i: int(POINTS[i, 0] >= POINTS[i, 1]) for i in rows})
    assert run("patch", *given, "-o", folder) == 0
    return "check", folder, "--model", "model.joblib", "--data", "data.npy"


def difference(run: Run, capsys: Any, *arguments: str) -> str | None:
    capsys.readouterr()
    code = run(*arguments, "--json")
    found = json.loads(capsys.readouterr().out)["difference"]
    assert code == (0 if found is None else 3)
    return found


def test_a_model_that_gives_other_bits_when_it_runs_again(run, capsys) -> None:
    again = patched(run, Wobbly(), [3, 4])
    found = []
    for Wobbly.runs in (0, 1):
        found.append(difference(run, capsys, *again))
    assert found.count(None) == 1
    text = next(text for text in found if text is not None)
    assert text.startswith("base: the score of row ")
    assert "; but two runs of this model differ as well, first at row " in text
    assert "n_jobs" in text


def test_a_difference_in_the_last_row(run, capsys) -> None:
    again = patched(run, Late(), [3, 4])
    assert difference(run, capsys, *again) is None
    joblib.dump(Late(1e-9), "model.joblib")
    found = difference(run, capsys, *again)
    assert found is not None
    assert found.startswith("base: the score of row 29, column 1 is ")
    assert "two runs" not in found


def test_labels_are_compared(run, capsys) -> None:
    again = (*patched(run, Late(), [3, 4]), "--labels", "edits.csv")
    wanted = {i: int(POINTS[i, 0] >= POINTS[i, 1]) for i in (3, 4)}
    assert difference(run, capsys, *again) is None
    for other, message in (
        (
            wanted | {3: 1 - wanted[3]},
            f"index 3 gets the class of column {wanted[3]} in the certificate, and",
        ),
        (
            {3: wanted[3]},
            f"index 4 gets the class of column {wanted[4]} in the certificate, and has no label in",
        ),
        (wanted | {9: 1}, "index 9 has no label in the certificate, and gets the class of column 1 in edits"),
    ):
        labels("edits.csv", other)
        found = difference(run, capsys, *again)
        assert found is not None
        assert message in found
    labels("edits.csv", {30: 1})
    assert run(*again) == 2
    assert "edits.csv: index 30 is out of range: the data has 30 rows" in capsys.readouterr().err
    assert run("check", "fixed", "--labels", "edits.csv") == 2
    assert "--model and --data go together, and --protect, --labels" in capsys.readouterr().err


def test_certificates_of_patches_on_patches(run, capsys) -> None:
    """Each is about the model that was patched, by itself or below the one that came of it."""
    model = LogisticRegression().fit(POINTS, POINTS[:, 0] > POINTS[:, 1])
    below: Any = model
    for k in range(3):
        joblib.dump(below, "model.joblib")
        wanted = {i: not below.predict(POINTS[[i]])[0] for i in (3 * k, 3 * k + 1)}
        assert run("patch", *files(below, POINTS, wanted), "-o", f"patch-{k}") == 0
        Path("model.joblib").rename(f"model-{k}.joblib")
        below = joblib.load(f"patch-{k}/model.joblib")
    for k in range(3):
        for name in ("model-0", "model-1", "model-2", "patch-0/model", "patch-1/model", "patch-2/model"):
            found = difference(
                run, capsys, "check", f"patch-{k}", "--model", f"{name}.joblib", "--data", "data.npy"
            )
            fits = name in (f"model-{k}", f"patch-{k - 1}/model", f"model-{k + 1}", f"patch-{k}/model")
            assert (found is None) == fits, (k, name, found)


def test_the_same_network_in_other_floats(run, capsys) -> None:
    again = patched(run, LogisticRegression().fit(POINTS, POINTS.argmax(axis=1)), [3])
    again = (*again[:3], "fixed/model.joblib", *again[4:])
    assert difference(run, capsys, *again) is None
    model = joblib.load("fixed/model.joblib")
    model.layers_ = [(w.astype(np.float64), b.astype(np.float64)) for w, b in model.layers_]
    joblib.dump(model, "fixed/model.joblib")
    found = difference(run, capsys, *again)
    assert found == "network: the patched model runs it in float64, and the certificate is about float32"


@pytest.mark.parametrize("option", ["--scores x", "--features x", "--classes x,y"])
def test_names_are_for_graphs(run, capsys, option) -> None:
    again = patched(run, Late(), [3])
    assert run(*again, *option.split()) == 2
    assert "--scores, --features and --classes are for ONNX models, and model.joblib does not" in (
        capsys.readouterr().err
    )


def test_of_a_patch_with_labels_edits_by_value_are_none(run, capsys) -> None:
    patched(run, Late(), [3])
    Path("values.csv").write_text("index,value\n3,1\n")
    found = difference(run, capsys, "check", "fixed", "--points", "data.npy", "--edits", "values.csv")
    assert found == "it is about labels, not values: compare it by --model M --data X --labels EDITS.csv"
