"""Groups of points on hyperplanes, exactly: affine functions that vanish there, and ones with given values.

A function is `d` weights and a bias last. A point is a row of integers, `d` numerators and their positive
common denominator: what the function gives there, times this denominator, is the sum of products.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from constructions.linear import pivots
from constructions.margin import widest_direction

__all__ = ["Integers", "interpolating", "null_space", "vanishing"]

_FINE = 2.0**10  # of the length of weights, to which they are rounded
_WORST = 1e9  # condition of a basis

Integers = NDArray[Any]
"""Python integers as objects."""


def vanishing(group: Integers, others: Integers, heights: Integers | int = 1) -> Integers | None:
    """Integer weights, shape `(d + 1,)`, of a function that is 0 at the group and at no other point; None
    if every one is 0 at some.

    It is the one found in floats with the largest least `|h| / height` over the other points, for weights of
    length 1, rounded; at no other point it is 0 all the same. `heights` are positive integers. Where
    rounding makes it 0 somewhere, it is the first of the combinations `sum_k t^k n_k` of independent ones
    that will do: each point that some `n_k` tells apart from the group excludes finitely many `t`.

    >>> vanishing(np.array([[0, 0, 1]], dtype=object), np.array([[1, -1, 1]], dtype=object)).tolist()
    [1, -1, 0]
    """
    basis = null_space(group)
    values = others @ basis.T
    if not len(basis) or not (values != 0).any(axis=1).all():
        return None
    for factors in itertools.chain(_widest(basis, values, heights), _powers(len(basis))):
        if (values @ factors != 0).all():
            found: Integers = factors @ basis
            return found // math.gcd(*found)
    raise AssertionError


def _powers(count: int) -> Iterator[Integers]:
    return (np.array([t**k for k in range(count)], dtype=object) for t in itertools.count(1))


def _widest(basis: Integers, values: Integers, heights: Integers | int) -> Iterator[Integers]:
    """Factors of the basis, if floats can tell them."""
    try:
        lengths = (basis[:, :-1] / abs(basis).max()).astype(np.float64)
        rows = (values / np.reshape(heights, (-1, 1))).astype(np.float64)
    except OverflowError:
        return
    across: NDArray[np.float64] = np.linalg.qr(lengths.T)[1]
    if not len(rows) or not np.isfinite(rows).all() or np.linalg.cond(across) > _WORST:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.linalg.solve(across.T, rows.T).T
    most = np.abs(scaled).max()
    if not 0 < most < np.inf:
        return
    direction, least = widest_direction(scaled / most, np.random.default_rng(0))
    if least > 0:  # factors of weights of length 1
        fine = _FINE * np.linalg.norm(lengths, axis=1).max()
        yield np.array([round(x) for x in fine * np.linalg.solve(across, direction)], dtype=object)


def null_space(rows: Integers) -> Integers:
    """A basis, as integer rows, of the vectors on which all rows vanish."""
    reduced, _ = fmpq_mat(rows.tolist()).rref()
    width, leading = rows.shape[1], pivots(reduced)
    out = np.zeros((width - len(leading), width), dtype=object)
    for row, free in zip(out, (k for k in range(width) if k not in leading), strict=True):
        column = [reduced[r, free] for r in range(len(leading))]
        row[free] = math.lcm(*(int(x.q) for x in column))
        for k, x in zip(leading, column, strict=True):
            row[k] = -int(x * int(row[free]))
    return out


def interpolating(group: Integers, values: Sequence[fmpq]) -> list[fmpq] | None:
    """Weights of a function with these values at the group; None if there is none, as can be if the points
    are affinely dependent.

    >>> interpolating(np.array([[2, 0, 1], [3, 0, 1], [4, 0, 1]], dtype=object), [fmpq(5), fmpq(6), fmpq(7)])
    [1, 0, 3]
    """
    width = group.shape[1]
    table = [[*row, value * int(row[-1])] for row, value in zip(group.tolist(), values, strict=True)]
    reduced, _ = fmpq_mat(len(table), width + 1, [fmpq(x) for row in table for x in row]).rref()
    leading = pivots(reduced)
    if leading[-1] == width:
        return None
    found = [fmpq(0)] * width
    for r, k in enumerate(leading):
        found[k] = reduced[r, width]
    return found
