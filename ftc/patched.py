"""A frozen classifier and an additive patch, as one classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PatchedClassifier", "frozen_scores"]

_DELEGATED = ("n_features_in_", "feature_names_in_")


def frozen_scores(model: Any, X: Any) -> NDArray[Any]:  # noqa: N803 - as in scikit-learn
    """The scores of a fitted classifier, shape `(K, C)`, in `classes_` order, as float32 or else float64:
    its `decision_function`, else its `predict_proba`; one column `s` of two classes counts as `(0, s)`.

    Raises:
        ValueError: it has neither, or the shape is another.
    """
    score = getattr(model, "decision_function", None) or getattr(model, "predict_proba", None)
    classes = np.asarray(getattr(model, "classes_", ()))
    if score is None or classes.ndim != 1 or len(classes) < 2:
        raise ValueError(
            f"a {type(model).__name__} will not do: expected a fitted classifier with classes_ and "
            "decision_function or predict_proba"
        )
    scores = np.asarray(score(X))
    scores = scores if scores.dtype == np.float32 else scores.astype(np.float64)
    if scores.ndim == 1 and len(classes) == 2:
        scores = np.column_stack([np.zeros_like(scores), scores])
    if scores.shape != (len(X), len(classes)):
        raise ValueError(
            f"the scores of the {type(model).__name__} have shape {scores.shape}: expected one row each for "
            f"{len(X)} inputs and one column for each of {len(classes)} classes"
        )
    return scores


class PatchedClassifier:
    """Predicts like `base`, except where the network `g` is not 0: there the largest of `scores` decides.

    `scores` are `frozen_scores` plus `g`, added once, which is what a certificate speaks of. Where `g` is 0
    they equal the frozen ones. They are no probabilities, whatever those of `base` are, so there is no
    `predict_proba`. The base is never changed.

    Args:
        base: a fitted classifier with `decision_function` or `predict_proba`.
        layers: weights `(out, in)` and biases `(out,)` of `g`, floats of one dtype, in which `g` runs.

    >>> from types import SimpleNamespace
    >>> base = SimpleNamespace(classes_=np.array(["no", "yes"]), decision_function=lambda X: X[:, 0],
    ...     predict=lambda X: np.where(X[:, 0] > 0, "yes", "no"))
    >>> one = np.ones((1, 1), np.float32)
    >>> g = [(one, np.float32([-2])), (np.float32([[9], [0]]), np.zeros(2, np.float32))]
    >>> patched = PatchedClassifier(base, g)
    >>> patched.predict(np.array([[-1.0], [1.0], [3.0]])).tolist()
    ['no', 'yes', 'no']
    >>> patched.decision_function(np.array([[-1.0], [1.0], [3.0]])).tolist()
    [-1.0, 1.0, -6.0]
    """

    def __init__(self, base: Any, layers: list[tuple[NDArray[Any], NDArray[Any]]]) -> None:
        self.base = base
        self.layers = layers

    def __getattr__(self, name: str) -> Any:
        if name in _DELEGATED:
            return getattr(self.base, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @property
    def classes_(self) -> NDArray[Any]:
        return np.asarray(self.base.classes_)

    def change(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """`g`, shape `(K, C)`; 0 where floats give no finite number, as for an input that is NaN."""
        with np.errstate(over="ignore", invalid="ignore"):
            a = np.asarray(X).astype(self.layers[0][0].dtype)
            for k, (weight, bias) in enumerate(self.layers):
                a = (np.maximum(a, 0) if k else a) @ weight.T + bias
        a[~np.isfinite(a).all(axis=1)] = 0
        return np.asarray(a)

    def scores(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """`frozen_scores + g`, shape `(K, C)`."""
        return np.asarray(frozen_scores(self.base, X) + self.change(X))

    def decision_function(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The scores; for two classes the second less the first, shape `(K,)`."""
        scores = self.scores(X)
        return scores if scores.shape[1] > 2 else np.asarray(scores[:, 1] - scores[:, 0])

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Labels, shape `(K,)`: those of the base wherever `g` is 0."""
        labels = np.array(self.base.predict(X))
        change = self.change(X)
        touched = change.any(axis=1)
        if touched.any():
            scores = frozen_scores(self.base, X) + change
            labels[touched] = self.classes_[scores[touched].argmax(axis=1)]
        return labels
