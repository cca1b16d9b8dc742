"""The fine-tuning problem: points, frozen outputs, and the edits that must come true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from constructions.exact import ExactArray, exact_array, exact_scalar, row_chunks

__all__ = ["FineTuningProblem"]


class FineTuningProblem:
    """`K` points, the frozen outputs there, and the `N` outputs that must change.

    A network `g` solves the problem if `base[i] + g(points[i])` equals the wanted value at every
    edited index and `base[i]` at every other one, exactly [Sohn2024, section 3].

    Args:
        points: shape `(K, d)`; floats, integers, `Fraction`s, `Decimal`s or sympy `Rational`s.
            A float is the rational that its bits denote. A read-only array is not copied.
        base: shape `(K,)`, the outputs of the frozen model; 0 if left out.
        edits: `{index: wanted output}` or pairs `(index, wanted output)`.

    Raises:
        ValueError: NaN or infinity, wrong shapes, no points, an index twice or out of range, or
            two equal points that need different changes; the message names the place.
        TypeError: an entry that is no exact number.

    >>> problem = FineTuningProblem([[0], [1], [2]], base=[0.5, 0.5, 1], edits={1: 0.75})
    >>> problem.delta
    {1: Fraction(1, 4)}
    >>> FineTuningProblem([[1, 2], [1, 2]], edits={1: 3})
    Traceback (most recent call last):
    ValueError: points 0 and 1 are equal but need different changes: 0 and 3
    """

    points: ExactArray
    base: ExactArray | None
    values: dict[int, Fraction]
    delta: dict[int, Fraction]

    def __init__(
        self,
        points: Any,
        base: Any = None,
        edits: Mapping[int, Any] | Iterable[tuple[int, Any]] = (),
    ) -> None:
        self.points = exact_array(points, "points")
        if self.points.shape[:1] == (0,):
            raise ValueError("points is empty: at least one point is needed")
        if len(self.points.shape) != 2 or self.points.shape[1] == 0:
            raise ValueError(f"points has shape {self.points.shape}: expected (K, d) with d >= 1")
        self.base = None if base is None else exact_array(base, "base")
        if self.base is not None and self.base.shape != (self.K,):
            raise ValueError(f"base has shape {self.base.shape}: expected ({self.K},)")
        self.values = {}
        pairs = edits.items() if isinstance(edits, Mapping) else edits
        for k, pair in enumerate(pairs):
            if not isinstance(pair, Sequence) or len(pair) != 2:
                raise ValueError(f"edits[{k}] is {pair!r}: expected a pair (index, value)")
            self._add(*pair)
        changes = ((i, self.values[i] - self._base(i)) for i in sorted(self.values))
        self.delta = {i: change for i, change in changes if change != 0}
        self._refuse_conflicts()

    @property
    def K(self) -> int:  # noqa: N802 - the name of the theorems
        """The number of listed points."""
        return int(self.points.shape[0])

    @property
    def d(self) -> int:
        """The dimension of the points."""
        return int(self.points.shape[1])

    @property
    def N(self) -> int:  # noqa: N802
        """The number of edits that change something: those whose delta is not 0."""
        return len(self.delta)

    @property
    def one_sign(self) -> bool:
        """Whether all changes have the same sign (true when there is none)."""
        return len({change > 0 for change in self.delta.values()}) <= 1

    @cached_property
    def kinds(self) -> NDArray[np.int32]:
        """A number for each point: 0 where nothing changes, equal where the changes are equal."""
        numbers = {change: k for k, change in enumerate(dict.fromkeys(self.delta.values()), start=1)}
        kinds = np.zeros(self.K, dtype=np.int32)
        kinds[list(self.delta)] = [numbers[change] for change in self.delta.values()]
        return kinds

    def _base(self, index: int) -> Fraction:
        return Fraction(0) if self.base is None else self.base[index]

    def _add(self, index: Any, value: Any) -> None:
        if isinstance(index, bool) or not isinstance(index, (int, np.integer)):
            raise TypeError(f"edit index {index!r} is not an integer")
        i = int(index)
        if not 0 <= i < self.K:
            raise ValueError(f"edit index {i} is out of range: there are {self.K} points, from 0")
        if i in self.values:
            raise ValueError(f"edit index {i} is given twice")
        self.values[i] = Fraction(*exact_scalar(value, f"the value of edit {i}"))

    def _row(self, index: int) -> tuple[Any, ...]:
        return tuple(self.points.values[index].tolist())

    def _refuse_conflicts(self) -> None:
        if not self.delta:
            return
        edited = list(self.delta)
        prints = _fingerprints(self.points)
        seen = np.zeros(1 << 24, dtype=bool)
        seen[prints[edited]] = True
        changed = {self._row(i): i for i in edited}
        for j in np.flatnonzero(seen[prints]).tolist():
            i = changed.get(self._row(j))
            change = self.delta.get(j, Fraction(0))
            if i is not None and self.delta[i] != change:
                (a, da), (b, db) = sorted([(i, self.delta[i]), (j, change)])
                need = f"{_short(da)} and {_short(db)}"
                raise ValueError(f"points {a} and {b} are equal but need different changes: {need}")


def _fingerprints(points: ExactArray) -> NDArray[np.uint64]:
    """24 bits a point, the same for equal points."""
    prints = np.zeros(len(points.values), dtype=np.uint64)
    for rows in row_chunks(points.values):
        part = points.values[rows]
        if part.dtype.kind == "O":
            prints[rows] = [hash(tuple(row)) & (1 << 64) - 1 for row in part.tolist()]
            continue
        if part.dtype.kind == "f":
            part = (part.astype(np.float64) + 0.0).view(np.uint64)  # -0.0 equals 0.0
        for column in np.ascontiguousarray(part.T).astype(np.uint64, copy=False):
            mixed = (prints[rows] ^ column) * np.uint64(0x9E3779B97F4A7C15)
            prints[rows] = mixed ^ (mixed >> np.uint64(29))
    return prints >> np.uint64(40)


def _short(value: Fraction) -> str:
    bits = value.numerator.bit_length() + value.denominator.bit_length()
    return str(value) if bits < 400 else f"a rational of {bits} bits"


def rational(value: Fraction) -> fmpq:
    """A `Fraction` as a flint rational."""
    return fmpq(value.numerator, value.denominator)
