"""Real values at points in general position with `4 ceil(N/d)` neurons [Bubeck2020], after [Baum1988]."""

from __future__ import annotations

import itertools
import math

from flint import fmpq, fmpq_mat

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
    rows = [[*row, problem.points.denominator] for row in problem.points.numerators.tolist()]
    points = [[fmpq(x, row[-1]) for x in row] for row in rows]
    edits, d = list(problem.delta), problem.d
    weight, bias, signs = [], [], []
    for start in range(0, len(edits), d):
        group = edits[start : start + d]
        places = {tuple(points[i]) for i in group}
        others = [point for point in points if tuple(point) not in places]
        values = [rational(problem.delta[i]) for i in group]
        h = _vanishing([points[i] for i in group], others)
        v = _interpolating([points[i] for i in group], values)
        c = max(map(abs, values))
        m = max(((c + abs(_dot(v, x))) / abs(_dot(h, x)) for x in others), default=fmpq(1))
        # integer rows are evaluated faster: relu(factor z) / factor = relu(z)
        factor = fmpq(math.lcm(*(int(x.q) for x in (c, *v, *(m * entry for entry in h)))))
        for sign, shift, with_v in ((1, c, True), (-1, c, False), (-1, -c, True), (1, -c, False)):
            row = [m * a + (b if with_v else 0) for a, b in zip(h, v, strict=True)]
            weight.append([factor * entry for entry in row[:-1]])
            bias.append(factor * (row[-1] + shift))
            signs.append(sign / factor)
    return ReLUNetwork.of([(weight, bias), ([signs], [fmpq(0)])], inputs=d)


def _dot(a: list[fmpq], b: list[fmpq]) -> fmpq:
    return sum((x * y for x, y in zip(a, b, strict=True)), fmpq(0))


def _vanishing(group: list[list[fmpq]], others: list[list[fmpq]]) -> list[fmpq]:
    """An affine function that is 0 at the group and at no other point: among combinations `sum t^k n_k` of
    independent ones, each point that some `n_k` tells apart excludes finitely many `t`."""
    basis = _null_space(group)
    if not basis or any(all(_dot(n, x) == 0 for n in basis) for x in others):
        raise ValueError("a point lies on every hyperplane through a group of others")
    for t in itertools.count(1):
        h = [sum((t**k * n[i] for k, n in enumerate(basis)), fmpq(0)) for i in range(len(group[0]))]
        if all(_dot(h, x) != 0 for x in others):
            return h
    raise AssertionError


def _null_space(rows: list[list[fmpq]]) -> list[list[fmpq]]:
    reduced, _ = fmpq_mat(rows).rref()
    width, leading = len(rows[0]), pivots(reduced)
    out = []
    for free in (k for k in range(width) if k not in leading):
        vector = [fmpq(int(k == free)) for k in range(width)]
        for r, k in enumerate(leading):
            vector[k] = -reduced[r, free]
        out.append(vector)
    return out


def _interpolating(group: list[list[fmpq]], values: list[fmpq]) -> list[fmpq]:
    """An affine function with these values at affinely independent points."""
    rows = fmpq_mat(group)
    gram = rows * rows.transpose()
    if gram.rank() < len(group):
        raise ValueError("a group of points is affinely dependent")
    factors = gram.solve(fmpq_mat(len(values), 1, values))
    found = rows.transpose() * factors
    return [found[k, 0] for k in range(len(group[0]))]
