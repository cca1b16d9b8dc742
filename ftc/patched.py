"""What a patch is added to, and how: frozen scores, the network that runs, and patches on patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Patched", "count", "frozen_scores", "numbers", "run", "seen", "still_where_strange", "trusted_scores",
    "with_edits",
]  # fmt: skip


class Patched(Protocol):
    """A classifier `base` with an additive patch: its scores are those of `base`, and `change` added once,
    which is a function of what is `seen` of an input."""

    @property
    def base(self) -> Any: ...

    def change(self, X: Any) -> NDArray[Any]: ...  # noqa: N803 - as in scikit-learn


def frozen_scores(model: Any, X: Any) -> NDArray[Any]:  # noqa: N803
    """The scores of a fitted classifier, shape `(K, C)`, in `classes_` order, as float32 or else float64:
    its `decision_function`, else its `predict_proba`; one column `s` of two classes counts as `(0, s)`.

    Raises:
        ValueError: it has neither, or the shape is another.
    """
    score = getattr(model, "decision_function", None) or getattr(model, "predict_proba", None)
    given: Any = getattr(model, "classes_", ())
    if len(given) and np.ndim(given[0]):
        raise ValueError(
            f"this {type(model).__name__} has {len(given)} outputs with classes of their own: expected a "
            "classifier of one output, whose classes_ are a list of labels"
        )
    classes = np.asarray(given)
    if score is not None and classes.shape == (1,):
        raise ValueError(f"this {type(model).__name__} knows 1 class only: expected two or more")
    if score is None or classes.ndim != 1 or len(classes) < 2:
        raise ValueError(
            f"a {type(model).__name__} will not do: expected a fitted classifier with classes_ and "
            "decision_function or predict_proba"
        )
    scores = np.asarray(score(X))
    scores = scores if scores.dtype == np.float32 else scores.astype(np.float64)
    if scores.ndim == 1 and len(classes) == 2:
        scores = np.column_stack([np.zeros_like(scores), scores])
    if scores.shape != (count(X), len(classes)):
        raise ValueError(
            f"the scores of the {type(model).__name__} have shape {scores.shape}: expected one row each for "
            f"{count(X)} inputs and one column for each of {len(classes)} classes"
        )
    return scores


def trusted_scores(model: Any, X: Any) -> NDArray[Any]:  # noqa: N803
    """`frozen_scores`, if they are what the model decides by.

    Raises:
        ValueError: a score is not finite, or another class than that of the largest score is predicted.
    """
    scores = frozen_scores(model, X)
    classes = np.asarray(model.classes_)
    bad = np.argwhere(~np.isfinite(scores))
    if len(bad):
        i, k = bad[0].tolist()
        raise ValueError(f"the score of row {i} for the class {classes[k]} is {scores[i, k]}")
    predicted, largest = np.asarray(model.predict(X)), scores.argmax(axis=1)
    off = np.flatnonzero(predicted != classes[largest])
    if len(off):
        i = int(off[0])
        raise ValueError(
            f"row {i} is predicted as {predicted[i]}, but the largest score is that of "
            f"{classes[largest[i]]}: a patch adds to scores, and this model decides otherwise"
        )
    return scores


def run(layers: Sequence[tuple[NDArray[Any], NDArray[Any]]], X: Any) -> NDArray[Any]:  # noqa: N803
    """A ReLU network at the rows of `X`, in the dtype of its weights. A row gives the same numbers alone and
    among others: the order of summation, unlike that of `@`, does not hang on how many there are.

    Args:
        layers: weights `(out, in)` and biases `(out,)`, of one dtype; no ReLU after the last.
        X: numbers, shape `(K, d)`.

    >>> one = np.ones((1, 1), np.float32)
    >>> run([(one, np.float32([-2])), (3 * one, np.float32([0]))], [[1.0], [4.0]]).tolist()
    [[0.0], [6.0]]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        a = np.ascontiguousarray(X, layers[0][0].dtype)
        for k, (weight, bias) in enumerate(layers):
            a = np.einsum("ij,kj->ik", np.maximum(a, 0) if k else a, np.ascontiguousarray(weight)) + bias
    return np.asarray(a)


def still_where_strange(change: NDArray[Any]) -> NDArray[Any]:
    """0 in the rows where floats give no finite number, as at an input that is NaN."""
    change[~np.isfinite(change).all(axis=1)] = 0
    return change


def count(X: Any) -> int:  # noqa: N803
    """How many rows, of a sparse matrix too."""
    return int(X.shape[0] if hasattr(X, "shape") else len(np.asarray(X)))


def numbers(X: Any) -> NDArray[Any]:  # noqa: N803
    """An array of `X`, a data frame or a sparse matrix for instance, of numbers as they are or else of
    float64.

    Raises:
        ValueError: an entry is no number.
    """
    array = np.asarray(X.toarray() if hasattr(X, "toarray") else X)
    return array if array.dtype.kind in "fiu" else array.astype(np.float64)


def seen(model: Any, X: Any) -> NDArray[Any]:  # noqa: N803
    """What a patch of `model` acts on, shape `(K, d)`: its `features`, if it has such, or else the inputs."""
    return np.asarray(model.features(X)) if hasattr(model, "features") else numbers(X)


def with_edits(model: Any, X: Any) -> Any:  # noqa: N803
    """`X`, and after it the inputs that patches of `model`, the latest first, have edited and that are no
    rows of `X`: what a further patch must know. A data frame stays one.

    The patches are `model` itself, its `base` and so on, as far as they have `edited_` inputs.
    """
    edited = []
    while getattr(model, "edited_", None) is not None:
        edited.append(model.edited_)
        model = model.base
    if not edited:
        return X
    points = numbers(X)
    known = {row.tobytes() for row in points.astype(np.float64) + 0}
    below = np.concatenate([part.reshape(len(part), *points.shape[1:]) for part in edited])
    new = [row.tobytes() not in known for row in below.astype(np.float64) + 0]
    if not any(new):
        return X
    together = np.concatenate([points, below[new]])
    return type(X)(together, columns=X.columns).astype(dict(X.dtypes)) if hasattr(X, "iloc") else together
