"""The classifier's fine-tuning problem: points as the patch will see them, frozen scores, wanted labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LabelProblem"]


class LabelProblem:
    """`K` points, the frozen scores of `C` classes there, and the labels that `N` of them must get.

    A network `g` solves the problem if `base[i] + g(points[i])` is largest at the wanted label for every
    edited index, strictly, and `g` is 0 at every other point.

    Args:
        points: shape `(K, d)`, numbers; they are rounded to `dtype`, in which `g` will run.
        base: shape `(K, C)`, `C >= 2`: the scores of the frozen model, kept as float32 or else as float64.
        labels: `{index: column of base}`.
        dtype: `float32` or `float64`.
        names: of the classes, for messages; their columns if None.

    Raises:
        ValueError: a shape, a number that is not finite, an index or label out of range, or two points that
            are equal (as numbers of `dtype`) of which one is edited and the other is not, or not so.

    >>> problem = LabelProblem([[0, 1], [1, 1]], [[1.0, 0.0], [0.5, 0.0]], {1: 1})
    >>> problem.deficit
    {1: Fraction(1, 2)}
    >>> LabelProblem([[0, 1], [1e-60, 1]], [[1.0, 0.0], [0.5, 0.0]], {1: 1})
    Traceback (most recent call last):
    ValueError: points 0 and 1 are equal in float32, but point 0 is protected and point 1 gets the label 1
    """

    def __init__(
        self,
        points: Any,
        base: Any,
        labels: Mapping[int, int],
        dtype: str = "float32",
        names: Sequence[str] | None = None,
    ) -> None:
        if dtype not in ("float32", "float64"):
            raise ValueError(f"dtype is {dtype!r}: expected float32 or float64")
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        given = np.asarray(points)
        if given.ndim != 2 or 0 in given.shape or given.dtype.kind not in "fiu":
            raise ValueError(
                f"points has shape {given.shape} and dtype {given.dtype}: expected numbers (K, d)"
            )
        with np.errstate(over="ignore"):
            self.points: NDArray[Any] = given.astype(self.dtype) + 0  # no -0.0
        _finite(self.points, given, f"points as {dtype}")
        scores = np.asarray(base)
        if scores.dtype.kind not in "fiu":
            raise ValueError(f"base has dtype {scores.dtype}: expected numbers (K, C)")
        self.base: NDArray[Any] = scores if scores.dtype == np.float32 else scores.astype(np.float64)
        if self.base.ndim != 2 or self.base.shape[0] != self.K or self.base.shape[1] < 2:
            raise ValueError(f"base has shape {self.base.shape}: expected ({self.K}, C) with C >= 2")
        _finite(self.base, self.base, "base")
        self.labels: dict[int, int] = {}
        for i, label in sorted(labels.items()):
            for what, number in (("edit index", i), (f"the label of point {i}", label)):
                if isinstance(number, bool) or not isinstance(number, int | np.integer):
                    raise ValueError(f"{what} is {number!r}: expected an integer")
            if not 0 <= i < self.K:
                raise ValueError(f"edit index {i} is out of range: there are {self.K} points, from 0")
            if not 0 <= label < self.C:
                raise ValueError(
                    f"the label of point {i} is {label}: expected a class from 0 to {self.C - 1}"
                )
            self.labels[int(i)] = int(label)
        self._refuse_conflicts(names or range(self.C))

    @property
    def K(self) -> int:  # noqa: N802 - the name of the theorems
        """The number of points."""
        return int(self.points.shape[0])

    @property
    def d(self) -> int:
        """The dimension of the points."""
        return int(self.points.shape[1])

    @property
    def C(self) -> int:  # noqa: N802
        """The number of classes."""
        return int(self.base.shape[1])

    @property
    def N(self) -> int:  # noqa: N802
        """The number of edits."""
        return len(self.labels)

    @property
    def sum(self) -> np.dtype[Any]:
        """The type of `base + g` as numpy adds them."""
        return np.result_type(self.base.dtype, self.dtype)

    @property
    def deficit(self) -> dict[int, Fraction]:
        """By how much the largest other score is above that of the wanted label, at every edit, exactly."""
        out = {}
        for i, label in self.labels.items():
            largest = Fraction(float(np.delete(self.base[i], label).max()))
            out[i] = largest - Fraction(float(self.base[i, label]))
        return out

    def _refuse_conflicts(self, names: Sequence[object]) -> None:
        first: dict[bytes, int] = {self.points[i].tobytes(): i for i in reversed(self.labels)}
        rows = np.ascontiguousarray(self.points).view(
            np.dtype((np.void, self.points.dtype.itemsize * self.d))
        )
        edited = rows.reshape(-1)[list(self.labels)]
        for j in np.flatnonzero(np.isin(rows.reshape(-1), edited)).tolist():
            i = first[self.points[j].tobytes()]
            if self.labels[i] != self.labels.get(j):
                a, b = sorted((i, j))
                wanted = [self.labels.get(k) for k in (a, b)]
                said = ["is protected" if w is None else f"gets the label {names[w]}" for w in wanted]
                roles = [f"point {k} {role}" for k, role in zip((a, b), said, strict=True)]
                raise ValueError(f"points {a} and {b} are equal in {self.dtype}, but {' and '.join(roles)}")


def _finite(array: NDArray[Any], given: NDArray[Any], name: str) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        i, k = bad[0].tolist()
        raise ValueError(f"{name}[{i}, {k}] is {given[i, k]}: every number must be finite")
