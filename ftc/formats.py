"""Kinds of model files: how a model is loaded and patched, and how its last patch comes off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from constructions.classifier import ClassifierPatch
from ftc.models import dumped, load_joblib
from ftc.patched import Patched

__all__ = ["FORMATS", "Format", "Merged", "Place", "format_of"]


@dataclass(frozen=True)
class Place:
    """Where in a graph a patch goes, by the names of values, and the classes of its scores; None for what
    can be meant alone."""

    scores: str | None = None
    features: str | None = None
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Merged:
    """A patched model, the content of its file, and what was seen when that ran, if it was tried."""

    model: Patched
    content: bytes
    observed: str | None = None


@dataclass(frozen=True)
class Format:
    """`load` a model from a path; `merge` a patch, made for these inputs, into the model of a path; and
    `undo`: the content of the file below, and what can be said of it.

    Models are classifiers as in scikit-learn. A patched one has `layers_`, the network of its last patch,
    `edited_`, the inputs that it was made for, and `base`, the model below. `shaped`: an input can be an
    array; `longest`: the largest dtype that a patch of a model can have.
    """

    name: str
    load: Callable[[Path, Place], Any]
    merge: Callable[[Any, Path, ClassifierPatch, Any, dict[str, Any]], Merged]
    undo: Callable[[Path], tuple[bytes, str]]
    longest: Callable[[Any], str] = lambda model: "float64"
    shaped: bool = False


def format_of(path: Path) -> Format:
    """Of a model's file, by the end of its name; joblib files can have any.

    Raises:
        ValueError: there is no such file.
    """
    if not path.is_file():
        raise ValueError(f"{path} is no file" if path.exists() else f"{path} does not exist")
    return FORMATS.get(path.suffix.lower(), FORMATS[".joblib"])


def _load_joblib(path: Path, place: Place) -> Any:
    if place != Place():
        raise ValueError(
            f"--scores, --features and --classes are for ONNX models, and {path} does not end in .onnx"
        )
    try:
        return load_joblib(path)
    except ValueError as error:
        if path.suffix.lower() in FORMATS:
            raise
        raise ValueError(f"{error}; models that can be patched end in {' or in '.join(FORMATS)}") from None


def _merge_joblib(model: Any, path: Path, found: ClassifierPatch, X: Any, asked: dict[str, Any]) -> Merged:  # noqa: N803
    from ftc.sklearn import AdditivePatch, FrozenFile

    patched = AdditivePatch.from_patch(FrozenFile(model, path.read_bytes()), found, X, **asked)
    return Merged(patched, dumped(patched))


def _undo_joblib(path: Path) -> tuple[bytes, str]:
    from ftc.sklearn import AdditivePatch, FrozenFile

    patched = load_joblib(path)
    if not isinstance(patched, AdditivePatch) or not hasattr(patched, "layers_"):
        raise ValueError(f"{path} holds a {type(patched).__name__}: expected a model from ftc patch")
    if isinstance(patched.estimator_, FrozenFile):
        return patched.estimator_.content, "the file that was patched, byte for byte"
    return dumped(patched.base), "the model that was patched"


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors name the file."""
    try:
        yield
    except ValueError as error:
        raise ValueError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def _load_onnx(path: Path, place: Place) -> Any:
    from ftc.onnx import OnnxClassifier

    with _named(path):
        model = OnnxClassifier(path, scores=place.scores, features=place.features, classes=place.classes)
        if len(model.input_names) != 1:
            names = ", ".join(model.input_names)
            raise ValueError(f"it has the inputs {names}, and --data is one: use ftc.onnx")
        return model


def _merge_onnx(model: Any, path: Path, found: ClassifierPatch, X: Any, asked: dict[str, Any]) -> Merged:  # noqa: N803, ARG001
    from ftc.onnx import OnnxClassifier, compare

    labels, place = found.problem.labels, model.place
    content = model.merge(found.layers, edited=model.inputs(X)[list(labels)]).SerializeToString()
    return Merged(
        OnnxClassifier(content, **place), content, compare(model.content, content, X, labels, **place).text()
    )


def _undo_onnx(path: Path) -> tuple[bytes, str]:
    from ftc.onnx import unmerge

    with _named(path):
        restored = unmerge(path)
    how = "byte for byte" if restored.exact else "as a graph; its bytes are not those of that file"
    return restored.content, f"the file that was patched, {how}"


FORMATS = {
    ".joblib": Format("model.joblib", _load_joblib, _merge_joblib, _undo_joblib),
    ".onnx": Format(
        "model.onnx", _load_onnx, _merge_onnx, _undo_onnx,
        longest=lambda model: str(np.dtype(model.target.dtype)), shaped=True,
    ),
}  # fmt: skip
