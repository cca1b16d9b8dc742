"""Real values at points in general position with `4 ceil(N/d)` neurons [Bubeck2020], after [Baum1988]."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from constructions.line import power_of_two_at_least
from constructions.linear import pivots
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem, rational

__all__ = ["slabs"]


def slabs(problem: FineTuningProblem) -> ReLUNetwork:
    """Two layers, four neurons for each group of `d` edits.

    `h` is an affine function that is 0 at the group and at no other point, `v` one with the wanted values
    there, `c` the largest of their sizes, and `M` so large that `|M h| >= c + |v|` at all other points. Then

        relu(M h + c + v) - relu(M h + c) - relu(M h - c + v) + relu(M h - c)

    is `v` where `M h = 0` and 0 where `|M h| >= c + |v|`.

    Raises:
        ValueError: some other point lies on every hyperplane through a group, or a group is affinely
            dependent: the points are not in general position.

    >>> square = FineTuningProblem([[0, 0], [0, 1], [1, 0], [3, 2]], edits={0: 1, 1: -2, 2: 3})
    >>> net = slabs(square)
    >>> net.neurons, net(square.points) == [1, -2, 3, 0]
    (8, True)
    """
    table = [(*row, problem.points.denominator) for row in problem.points.numerators.tolist()]
    rows, edits, d = np.array(table, dtype=object), list(problem.delta), problem.d
    weight, bias, signs = [], [], []
    for start in range(0, len(edits), d):
        group = edits[start : start + d]
        places = {table[i] for i in group}
        others = rows[[row not in places for row in table]]
        values = [rational(problem.delta[i]) for i in group]
        points = [[fmpq(x, table[i][-1]) for x in table[i]] for i in group]
        h, v = _vanishing(points, others), _interpolating(points, values)
        c = max(map(abs, values))
        # integer rows are evaluated faster: relu(factor z) / factor = relu(z)
        factor = math.lcm(int(c.q), *(int(x.q) for x in v))
        m, vf = fmpq(1), np.array([int(factor * x) for x in v], dtype=object)
        if len(others):
            most, least = abs(others @ vf).max(), abs(others @ h).min()
            m = power_of_two_at_least((c * table[0][-1] + fmpq(most, factor)) / int(least))
        if m < 1:
            factor *= int(m.q)
        for sign, shift, with_v in ((1, c, True), (-1, c, False), (-1, -c, True), (1, -c, False)):
            row = [factor * (m * int(a) + (b if with_v else 0)) for a, b in zip(h, v, strict=True)]
            weight.append(row[:-1])
            bias.append(row[-1] + factor * shift)
            signs.append(fmpq(sign, factor))
    return ReLUNetwork.of([(weight, bias), ([signs], [fmpq(0)])], inputs=d)


def _vanishing(group: list[list[fmpq]], others: NDArray[Any]) -> NDArray[Any]:
    """An affine function that is 0 at the group and at no other point: among combinations `sum t^k n_k` of
    independent ones, each point that some `n_k` tells apart excludes finitely many `t`."""
    basis = _null_space(group)
    values = others @ basis.T
    if not len(basis) or not (values != 0).any(axis=1).all():
        raise ValueError("a point lies on every hyperplane through a group of others")
    for t in itertools.count(1):
        factors = np.array([t**k for k in range(len(basis))], dtype=object)
        if (values @ factors != 0).all():
            found: NDArray[Any] = factors @ basis
            return found
    raise AssertionError


def _null_space(rows: list[list[fmpq]]) -> NDArray[Any]:
    """A basis, in integers, of the vectors on which all rows vanish."""
    reduced, _ = fmpq_mat(rows).rref()
    width, leading = len(rows[0]), pivots(reduced)
    out = np.zeros((width - len(leading), width), dtype=object)
    for row, free in zip(out, (k for k in range(width) if k not in leading), strict=True):
        column = [reduced[r, free] for r in range(len(leading))]
        row[free] = math.lcm(*(int(x.q) for x in column))
        for k, x in zip(leading, column, strict=True):
            row[k] = -int(x * row[free])
    return out


def _interpolating(group: list[list[fmpq]], values: list[fmpq]) -> list[fmpq]:
    """An affine function with these values at affinely independent points."""
    width = len(group[0])
    reduced, _ = fmpq_mat([[*row, value] for row, value in zip(group, values, strict=True)]).rref()
    leading = pivots(reduced)
    if len(leading) < len(group) or leading[-1] == width:
        raise ValueError("a group of points is affinely dependent")
    found = [fmpq(0)] * width
    for r, k in enumerate(leading):
        found[k] = reduced[r, width]
    return found
