"""Groups of points on hyperplanes, exactly: affine functions that vanish there, and ones with given values.

A function is `d` weights and a bias last; points come with a last coordinate 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from flint import fmpq, fmpq_mat

from constructions.linear import near, pivots

__all__ = ["dot", "interpolating", "vanishing"]

Vector = Sequence[fmpq]


def dot(a: Vector, b: Vector) -> fmpq:
    """The value of a function at a point."""
    return sum((x * y for x, y in zip(a, b, strict=True)), fmpq(0))


def vanishing(
    group: Sequence[Vector], others: Sequence[Vector], guess: Sequence[float] = ()
) -> list[fmpq] | None:
    """A function that is 0 at the group and at no other point; None if every one is 0 at some.

    One near the guess is taken, if it will do. Else, among sums `sum_k t^k n_k` of independent ones, each
    point that some `n_k` tells apart excludes finitely many `t`.

    >>> vanishing([[fmpq(0), fmpq(0), fmpq(1)]], [[fmpq(1), fmpq(-1), fmpq(1)]])
    [4, 2, 0]
    """
    if guess:
        equations = [(dict(enumerate(point)), fmpq(0)) for point in group]
        found = near(equations, dict(enumerate(guess)))
        if found is not None:
            h = [found[k] for k in range(len(guess))]
            if all(dot(h, x) != 0 for x in others):
                return h
    basis = _null_space(group)
    if not basis or any(all(dot(n, x) == 0 for n in basis) for x in others):
        return None
    for t in itertools.count(2):
        h = [
            sum((t ** (len(basis) - k) * n[i] for k, n in enumerate(basis)), fmpq(0))
            for i in range(len(group[0]))
        ]
        if all(dot(h, x) != 0 for x in others):
            return h
    raise AssertionError


def interpolating(group: Sequence[Vector], values: Vector) -> list[fmpq] | None:
    """The function of least size with these values at the group; None if the points are affinely dependent.

    >>> interpolating([[fmpq(2), fmpq(0), fmpq(1)]], [fmpq(5)])
    [2, 0, 1]
    """
    rows = fmpq_mat([list(point) for point in group])
    gram = rows * rows.transpose()
    if gram.rank() < len(group):
        return None
    found = rows.transpose() * gram.solve(fmpq_mat(len(values), 1, list(values)))
    return [found[k, 0] for k in range(rows.ncols())]


def _null_space(rows: Sequence[Vector]) -> list[list[fmpq]]:
    reduced, _ = fmpq_mat([list(row) for row in rows]).rref()
    width, leading = reduced.ncols(), pivots(reduced)
    out = []
    for free in (k for k in range(width) if k not in leading):
        vector = [fmpq(int(k == free)) for k in range(width)]
        for r, k in enumerate(leading):
            vector[k] = -reduced[r, free]
        out.append(vector)
    return out
