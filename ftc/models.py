"""Models and labels from files, and the scores that a patch is about."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ftc.patched import trusted_scores
from ftc.tables import InputError, parse_number, read_labels, read_matrix

__all__ = [
    "INSTALL", "columns_of", "dumped", "load_joblib", "loaded", "read_classes", "read_edits", "read_points",
    "scores_at",
]  # fmt: skip

INSTALL = "pip install 'fine-tuning-capacity[models]'"
_SHOWN = 20


def load_joblib(path: Path) -> Any:
    """The object in a joblib file. Loading one runs code that the file names: only from those you trust.

    Raises:
        ValueError: joblib is not there, or it cannot load the file.
    """
    try:
        import joblib  # noqa: F401
    except ImportError:
        raise ValueError(f"models are read by joblib, which is not installed: {INSTALL}") from None
    try:
        return loaded(path.read_bytes())
    except ModuleNotFoundError as error:
        raise ValueError(f"{path} needs the module {error.name}, which is not installed") from None
    except Exception as error:  # a pickle can fail in any way
        raise ValueError(f"{path} cannot be loaded by joblib: {str(error) or type(error).__name__}") from None


def loaded(content: bytes) -> Any:
    """The object in the content of a joblib file."""
    import joblib

    return joblib.load(io.BytesIO(content))


def dumped(model: Any) -> bytes:
    """The content of a joblib file."""
    import joblib

    content = io.BytesIO()
    joblib.dump(model, content)
    return content.getvalue()


def read_points(data: Path, protect: Sequence[Path] = (), *, shaped: bool = False) -> NDArray[Any]:
    """The rows of `data` and of the files `protect` in order, from `.npy` files; if `shaped`, a row can be
    an array."""
    parts = []
    for path in (data, *protect):
        if path.suffix.lower() != ".npy":
            raise InputError(f"{path}: the file name must end in .npy")
        parts.append(read_matrix(path, shaped))
        have, want = ("x".join(map(str, part.shape[1:])) for part in (parts[-1], parts[0]))
        if have != want:
            raise InputError(f"{path}: rows of {have} numbers, expected {want} as in {data}")
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def columns_of(model: Any) -> dict[str, int]:
    """The classes of a model, which has scores, as text, and their columns."""
    return {str(label): k for k, label in enumerate(np.asarray(model.classes_).tolist())}


def read_edits(path: Path, columns: dict[str, int], rows: int) -> dict[int, int]:
    """`{index: column}` from a CSV file with the header `index,label`.

    Raises:
        InputError: an index is no row of the data, or a label none of the classes.
    """
    edits = {}
    for index, label in read_labels(path):
        if index >= rows:
            raise InputError(f"{path}: index {index} is out of range: the data has {rows} rows, from 0")
        edits[index] = _column(label, columns)
        if edits[index] < 0:
            names = [*columns][:_SHOWN] + ([".."] if len(columns) > _SHOWN else [])
            raise InputError(
                f"{path}: the label of index {index} is {label[:40]!r}, which is none of the model's "
                f"classes: {', '.join(names)}"
            )
    return edits


def read_classes(path: Path, columns: dict[str, int], rows: int) -> NDArray[np.intp]:
    """The columns of the labels in a `.npy` file of shape `(rows,)`; -1 for one that the model does not
    know.

    Raises:
        InputError: there are no such labels, or the model knows none of them.
    """
    try:
        labels = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = "objects: save text labels as an array of strings" if "allow_pickle" in str(error) else error
        raise InputError(f"{path} cannot be read: {' '.join(str(reason).split())}") from None
    if not isinstance(labels, np.ndarray) or labels.shape != (rows,):
        raise InputError(
            f"{path}: expected labels of shape ({rows},), got {getattr(labels, 'shape', 'more')}"
        )
    found = np.array([_column(str(label), columns) for label in labels.tolist()], dtype=np.intp)
    if len(found) and (found < 0).all():
        raise InputError(
            f"{path}: no label, {str(labels[0])[:40]!r} for instance, is one of the model's classes: "
            f"{', '.join([*columns][:_SHOWN])}"
        )
    return found


def _column(label: str, columns: dict[str, int]) -> int:
    """Of a class by its text, or else as a number; -1 if there is none."""
    if label in columns or (number := _number(label)) is None:
        return columns.get(label, -1)
    return next((k for name, k in columns.items() if _number(name) == number), -1)


def _number(text: str) -> Fraction | None:
    try:
        return parse_number(text)
    except ValueError:
        return None


def scores_at(model: Any, points: NDArray[Any], path: Path) -> NDArray[Any]:
    """The frozen scores at all points, shape `(K, C)`.

    Raises:
        ValueError: the model cannot score the points, gives a number that is not finite, or predicts another
            class than that of its largest score.
    """
    try:
        return trusted_scores(model, points)
    except Exception as error:  # whatever model it is
        raise ValueError(f"{path}: {str(error) or type(error).__name__}") from None
