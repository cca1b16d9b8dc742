"""Exact projections of many points, without a Python integer for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.exact import ExactArray, row_chunks

__all__ = ["Projection"]

_LIMB = 62  # bits: limbs and carries fit into int64


@dataclass(frozen=True, eq=False)
class Projection:
    """The numbers `t_i = u . x_i`, exactly: integers in limbs over one denominator.

    `limbs` has shape `(L, K)` and dtype int64, most significant first: the integer of point `i` is
    `sum_l limbs[l, i] 2^(width (L-1-l))`. All limbs but the first lie in `0 .. 2^width - 1`, so
    the lexicographic order of the limbs is the order of the numbers.

    >>> from constructions.exact import exact_array
    >>> t = Projection.of(exact_array([[2.0**70, 0.5], [0, 1], [2.0**70, 0]], "points"), (1, -1))
    >>> t.numerators(t.order).tolist() == [-2, 2**71 - 1, 2**71], t.denominator, t.limbs.shape
    (True, 2, (2, 3))
    """

    direction: tuple[int, ...]
    limbs: NDArray[np.int64]
    width: int
    denominator: int

    @classmethod
    def of(cls, points: ExactArray, direction: tuple[int, ...]) -> Projection:
        """Project `points`, shape `(K, d)`, onto an integer vector of length `d`."""
        low, high = points.span
        size = sum(map(abs, direction)).bit_length()  # |u . x| < 2^size max |x_j|
        bits = max(high - low, 1) + size
        if points.values.dtype.kind == "f" and bits > _LIMB and size <= 20:
            limbs, width = _by_digits(points, direction, bits - size, 53 - size)
        else:
            limbs, width = _by_integers(points, direction, bits), _LIMB
        return cls(direction, limbs, width, points.denominator)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """The points from left to right, equal ones in the order of their indices."""
        order = np.argsort(self.limbs[0], kind="stable")
        if len(self.limbs) > 1:
            first = self.limbs[0][order]
            equal = first[1:] == first[:-1]
            tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
            among = order[tied]  # few as a rule; each run of them stays in its place
            order[tied] = among[np.lexsort(self.limbs[::-1, among])]
        return order

    @cached_property
    def together(self) -> NDArray[np.bool_]:
        """Shape `(K-1,)`: whether a point in `order` and the next one have the same projection."""
        equal = np.ones(max(self.limbs.shape[1] - 1, 0), dtype=bool)
        for limb in self.limbs:
            t = limb[self.order]
            equal &= t[1:] == t[:-1]
        return equal

    def numerators(self, indices: NDArray[Any]) -> NDArray[Any]:
        """The integers of some points, as objects."""
        first, *others = self.limbs[:, indices].astype(object)
        for limb in others:
            first = (first << self.width) + limb
        return first  # type: ignore[no-any-return]


def _by_integers(points: ExactArray, direction: tuple[int, ...], bits: int) -> NDArray[np.int64]:
    count = -(-bits // _LIMB)
    limbs = np.empty((count, len(points.values)), dtype=np.int64)
    u = np.array(direction, dtype=np.int64 if bits <= _LIMB else object)
    for rows in row_chunks(points.values):
        t = points.integers(rows).astype(u.dtype, copy=False) @ u
        for limb in limbs[:0:-1]:
            limb[rows] = t & ((1 << _LIMB) - 1)
            t = t >> _LIMB
        limbs[0, rows] = t
    return limbs


def _by_digits(
    points: ExactArray, direction: tuple[int, ...], bits: int, most: int
) -> tuple[NDArray[np.int64], int]:
    """Cut floats of `bits` bits into digits so short (`most` bits) that plain float arithmetic
    projects each digit exactly, in any order of summation."""
    count = -(-bits // most)
    width = -(-bits // count)
    limbs = np.empty((count, len(points.values)), dtype=np.int64)
    used = np.flatnonzero(direction)
    u = np.array(direction, dtype=np.float64)[used]
    units = [math.ldexp(1.0, points.span[0] + width * k) for k in reversed(range(count))]
    for rows in row_chunks(points.values):
        rest = np.ascontiguousarray(points.values[rows].T[used], dtype=np.float64)
        part = limbs[:, rows]
        with np.errstate(under="ignore"):
            for limb, unit in zip(part, units, strict=True):
                # by a power of two: exact, unless the quotient is far below 1 and cut to 0
                digits = np.trunc(rest / unit)
                rest -= digits * unit
                limb[:] = u @ digits
        for k in range(count - 1, 0, -1):
            carry = part[k] >> width
            part[k] -= carry << width
            part[k - 1] += carry
    return limbs, width
