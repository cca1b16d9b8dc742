"""A classifier and an additive patch as one scikit-learn estimator. Needs scikit-learn 1.6 or newer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.classifier import ClassifierPatch, patch_classifier
from constructions.labels import LabelProblem
from ftc.accepted import accepted
from ftc.models import INSTALL, loaded
from ftc.patched import (
    count,
    frozen_scores,
    numbers,
    run,
    still_where_strange,
    trusted_scores,
    with_edits,
)
from verify.kernel import Verdict

try:
    from sklearn import get_config
    from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
    from sklearn.frozen import FrozenEstimator
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(f"ftc.sklearn needs scikit-learn 1.6 or newer ({error}): {INSTALL}") from None

__all__ = ["AdditivePatch", "FrozenFile"]

_SHOWN = 20


class FrozenFile(FrozenEstimator):  # type: ignore[misc]
    """A fitted model with the content of its joblib file, which is what is stored in its place. So the file
    can be written again byte for byte."""

    def __init__(self, estimator: Any, content: bytes) -> None:
        super().__init__(estimator)
        self.content = content

    def set_params(self, **parameters: Any) -> FrozenFile:
        if parameters:
            raise ValueError("a FrozenFile stays what its file holds: use another FrozenEstimator")
        return self

    def __reduce__(self) -> Any:
        return _from_content, (self.content,)


def _from_content(content: bytes) -> FrozenFile:
    return FrozenFile(loaded(content), content)


class AdditivePatch(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier, and a network `g` of floats added to its scores: chosen training rows get their labels,
    the scores at all other training rows stay as they are, bit for bit.

    `fit` clones and fits the estimator, and patches it then; inside a `FrozenEstimator` a model that is there
    already is patched as it is, be it any object with `classes_`, `predict` and `decision_function` or
    `predict_proba`. It is never changed. A patch memorizes, it does not generalise.

    The scores are `frozen_scores` plus `g`, added once, which is what a certificate speaks of. Patched scores
    are no probabilities, whatever those of the estimator are, so there is no `predict_proba`;
    `decision_function` serves for rankings. `predict` asks the estimator wherever `g` is 0, as it is where an
    input is NaN.

    *Stack and undo.* A patch on a patch, `AdditivePatch(FrozenEstimator(patched))`, protects what the patches
    right below it have edited, unless `fit` is given such a row with a new wish. `base` is the model below,
    the same object: using it removes the patch.

    Args:
        estimator: a classifier, or a fitted one inside a `FrozenEstimator`.
        margin, radius, reach, slabs: what is asked for, as in `constructions.classifier.patch_classifier`.
        dtype: `float32` or `float64`, in which `g` runs. Rows that are equal in it are one.
        random_state: of the search for `g`.

    Attributes:
        estimator_: the fitted estimator, or the `FrozenEstimator`.
        layers_: weights `(out, in)` and biases `(out,)` of `g`.
        edited_: the edited rows as numbers, shape `(N, d)`.
        wanted_: their labels, shape `(N,)`.
        patch_: `g` as a `ClassifierPatch` of the edited rows alone: `neurons`, `parameters`, `margin`,
            `radius`. The other training rows are not kept.
        classes_, n_features_in_, feature_names_in_: as in scikit-learn.

    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "yes", "no", "yes"])
    >>> model = LogisticRegression().fit(X, y)
    >>> model.predict(X).tolist()
    ['no', 'no', 'yes', 'yes']
    >>> patched = AdditivePatch(FrozenEstimator(model)).fit(X, y)
    >>> patched.predict(X).tolist()
    ['no', 'yes', 'no', 'yes']
    >>> bool((patched.decision_function(X) == model.decision_function(X))[[0, 3]].all())
    True
    >>> patched.patch_.neurons, patched.base is model
    (8, True)
    """

    def __init__(
        self,
        estimator: Any,
        *,
        margin: float = 0.0,
        radius: float = 0.0,
        reach: Any = "tight",
        slabs: int = 2,
        dtype: str = "float32",
        random_state: Any = 0,
    ) -> None:
        self.estimator = estimator
        self.margin = margin
        self.radius = radius
        self.reach = reach
        self.slabs = slabs
        self.dtype = dtype
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, edits: Any = "errors", **fit_params: Any) -> AdditivePatch:  # noqa: N803
        """Fit the estimator, unless it is frozen, and patch it.

        Args:
            X: finite numbers, shape `(K, d)`, or a data frame of them. (All other methods but `certify` take
                sparse matrices and NaN too, if the estimator does. `g` is 0 at NaN: an estimator that learns
                from such rows is fitted first, and patched, frozen, at the others.)
            y: labels, shape `(K,)`; a frozen estimator needs none if `edits` holds the labels.
            edits: which rows must get their label: `errors`, those where the fitted estimator predicts
                something else than `y`; row numbers or a mask of shape `(K,)` (which cross-validation cuts
                along with `X`), for the labels in `y`; `{row: label}`; or None.
            fit_params: for the `fit` of the estimator, by metadata routing if that is enabled.

        Raises:
            ValueError: a row or label that is none; rows that are equal as numbers of `dtype`, but must not
                be treated alike; scores by which the estimator does not decide; a margin, radius or reach
                that cannot be had.
        """
        validate_data(self, X, dtype="numeric")
        y = None if y is None else column_or_1d(y, warn=True)
        if isinstance(self.estimator, FrozenEstimator):
            model = self.estimator
        else:
            if get_config()["enable_metadata_routing"]:
                fit_params = process_routing(self, "fit", **fit_params).estimator.fit
            model = clone(self.estimator).fit(X, y, **fit_params)
        known, rows = with_edits(model, X), count(X)
        try:
            scores = trusted_scores(model, known)
            wanted = _columns(self._wanted(edits, X, y, rows, model), np.asarray(model.classes_))
            problem = LabelProblem(numbers(known), scores, wanted, self.dtype)
            seed = self.random_state
            if not isinstance(seed, int | np.integer):
                seed = int(check_random_state(seed).randint(2**31 - 1))
            with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is checked
                found = patch_classifier(
                    problem,
                    margin=self.margin,
                    radius=self.radius,
                    reach=self.reach,
                    slabs=self.slabs,
                    seed=int(seed),
                )
        except ValueError as error:
            more = count(known) > rows
            where = f"; points from {rows} on were edited by earlier patches" if more else ""
            raise ValueError(f"{error}{where}") from None
        return self._take(model, found, known)

    @classmethod
    def from_patch(cls, model: Any, found: ClassifierPatch, X: Any, **parameters: Any) -> AdditivePatch:  # noqa: N803
        """A fitted model with a patch that was made for it: as if `fit` had found it.

        Args:
            model: a fitted classifier, inside a `FrozenEstimator` or not, which is kept frozen.
            found: a patch; its points are the rows of `X` as numbers of its dtype.
            parameters: those of the class, by name.

        Raises:
            RuntimeError: the patch does not do what it is made for.
        """
        self = cls(model if isinstance(model, FrozenEstimator) else FrozenEstimator(model), **parameters)
        validate_data(self, X, skip_check_array=True)
        return self._take(self.estimator, found, X)

    def _wanted(self, edits: Any, X: Any, y: Any, count: int, model: Any) -> dict[Any, Any]:  # noqa: N803
        """`{row: label}`."""
        if edits is None:
            return {}
        if isinstance(edits, Mapping):
            wanted = dict(edits)
        else:
            if y is None:
                raise ValueError(
                    f"{type(self).__name__} requires y to be passed, but the target y is None: "
                    "only edits={row: label} needs none"
                )
            if len(y) != count:
                raise ValueError(f"y has {len(y)} labels for {count} rows of X")
            wanted = {row: y[row] for row in _rows(edits, model, X, y)}
        for row in wanted:
            if isinstance(row, bool) or not isinstance(row, int | np.integer) or not 0 <= row < count:
                raise ValueError(f"edits: {row!r} is no row of X, which has {count}, from 0")
        return wanted

    def _take(self, model: Any, found: ClassifierPatch, X: Any) -> AdditivePatch:  # noqa: N803
        """All that is fitted, with one point for a patch without edits."""
        problem, points = found.problem, numbers(X)
        edits = list(problem.labels)
        self.estimator_ = model
        self.classes_ = np.asarray(model.classes_)
        self.layers_ = found.layers
        self.edited_ = points[edits]
        self.wanted_ = self.classes_[list(problem.labels.values())]
        kept = edits or [0]
        labels = dict(enumerate(problem.labels.values()))
        own = LabelProblem(problem.points[kept], problem.base[kept], labels, str(problem.dtype))
        self.patch_ = replace(found, problem=own)
        change = run(self.layers_, points)
        columns = (problem.base[edits] + change[edits]).argmax(axis=1)
        if np.delete(change, edits, axis=0).any() or columns.tolist() != list(labels.values()):
            raise RuntimeError("the patched model does not give what was asked for when it runs")
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "layers_")

    @property
    def base(self) -> Any:
        """The model below the patch, as it was."""
        check_is_fitted(self)
        frozen = isinstance(self.estimator_, FrozenEstimator)
        return self.estimator_.estimator if frozen else self.estimator_

    def change(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """`g`, shape `(K, C)`; 0 where floats give no finite number, as for an input that is NaN."""
        check_is_fitted(self)
        return still_where_strange(run(self.layers_, numbers(self._inputs(X))))

    def scores(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """`frozen_scores + g`, shape `(K, C)`; the very bits of the first where `g` is 0."""
        change = self.change(X)
        return np.asarray(frozen_scores(self.estimator_, X) - (0 - change))  # -0.0 + 0.0 would be 0.0

    def decision_function(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The scores; for two classes the second less the first, shape `(K,)`."""
        scores = self.scores(X)
        return scores if scores.shape[1] > 2 else np.asarray(scores[:, 1] - scores[:, 0])

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Labels, shape `(K,)`: those of the estimator wherever `g` is 0."""
        change = self.change(X)
        labels = np.array(self.estimator_.predict(X))
        touched = change.any(axis=1)
        if touched.any():
            scores = frozen_scores(self.estimator_, X) + change
            labels[touched] = self.classes_[scores[touched].argmax(axis=1)]
        return labels

    def certify(self, X: Any, path: str | os.PathLike[str]) -> Verdict:  # noqa: N803
        """Write a certificate of this patch at the rows of `X`, with the scores that the model below gives
        there now: edited rows have their labels, and `g` is 0 at all others, in every float evaluation.

        `X` must hold the edited rows, and is the training data in general; what earlier patches have edited
        is added. `path` is a `.json` file or else a new folder. The kernel must accept it.

        Raises:
            ValueError: an edited row is not in `X`, or the kernel does not accept the certificate: nothing
                is written.
            FileExistsError, FileNotFoundError: the path will not do.
        """
        self._inputs(X)
        known = with_edits(self.estimator_, X)
        own = self.patch_.problem
        points = numbers(known).astype(own.dtype) + 0
        columns = {own.points[i].tobytes(): column for i, column in own.labels.items()}
        places = [row.tobytes() for row in points]
        there = set(places)
        for i in own.labels:
            if own.points[i].tobytes() not in there:
                raise ValueError(f"the edited row {self.edited_[i].tolist()} is not in X")
        labels = {i: columns[place] for i, place in enumerate(places) if place in columns}
        problem = LabelProblem(numbers(known), trusted_scores(self.estimator_, known), labels, str(own.dtype))
        with accepted(replace(self.patch_, problem=problem), path) as (_, verdict):
            return verdict

    def _inputs(self, X: Any) -> Any:  # noqa: N803
        check_is_fitted(self)
        kinds = {"dtype": "numeric", "accept_sparse": "csr", "ensure_all_finite": False}
        return validate_data(self, X, reset=False, **kinds)

    def get_metadata_routing(self) -> Any:
        """`edits` for `fit`, and what the `fit` of the estimator asks for."""
        calls = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=calls)


def _rows(edits: Any, model: Any, X: Any, labels: NDArray[Any]) -> list[Any]:  # noqa: N803
    if isinstance(edits, str):
        if edits != "errors":
            raise ValueError(f"edits is {edits!r}: expected 'errors', rows, a mask or {{row: label}}")
        return list(np.flatnonzero(np.asarray(model.predict(X)) != labels).tolist())
    rows = np.asarray(edits)
    if rows.dtype == bool and rows.shape == labels.shape:
        return list(np.flatnonzero(rows).tolist())
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        raise ValueError(
            f"edits has shape {rows.shape} and dtype {rows.dtype}: expected row numbers, or a mask of shape "
            f"({len(labels)},)"
        )
    return list(rows.tolist())


def _columns(wanted: dict[Any, Any], classes: NDArray[Any]) -> dict[int, int]:
    columns = {label: k for k, label in enumerate(classes.tolist())}
    labels = {int(row): np.asarray(label).item() for row, label in wanted.items()}
    for row, label in labels.items():
        if label not in columns:
            names = [str(name) for name in columns][:_SHOWN] + ([".."] if len(columns) > _SHOWN else [])
            raise ValueError(f"the label of row {row} is {label!r}, which is none of {', '.join(names)}")
    return {row: columns[label] for row, label in labels.items()}
