"""An instance as the exact searches see it: distinct points in affine coordinates of their own."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat

from constructions.linear import pivots
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem, rational

__all__ = ["Instance", "Mean"]

Mean = tuple[int, list[tuple[int, int]]]
"""A point, and integer weights of other points whose weighted mean it is."""
_MOST_SIMPLICES = 20_000


@dataclass(frozen=True)
class Instance:
    """`rows[k] = (y, 1)` for the distinct points `x`, where `y = (x - middle) / half` in coordinates of the
    affine space that they span: the `columns` of the given ones that determine the others there.
    `indices[k]` is the first index of the point and `changes[k]` the wanted change over `unit`. All are
    of size at most 1. What networks of two layers can do at the points depends on nothing else.
    """

    problem: FineTuningProblem
    indices: list[int]
    columns: list[int]
    middle: list[fmpq]
    half: list[fmpq]
    unit: fmpq
    rows: list[list[fmpq]]
    changes: list[fmpq]

    @classmethod
    def of(cls, problem: FineTuningProblem) -> Instance:
        """
        >>> cube = FineTuningProblem([[1, 2, 3], [2, 4, 3], [1, 2, 3], [3, 6, 3]], edits={1: 5})
        >>> Instance.of(cube).rows, Instance.of(cube).indices
        ([[-1, 1], [0, 1], [1, 1]], [0, 1, 3])
        """
        first: dict[tuple[int, ...], int] = {}
        for i, row in enumerate(problem.points.numerators.tolist()):
            first.setdefault(tuple(row), i)
        indices = list(first.values())
        points = [[fmpq(x, problem.points.denominator) for x in row] for row in first]
        steps = [[a - b for a, b in zip(point, points[0], strict=True)] for point in points]
        columns = pivots(fmpq_mat(steps).rref()[0])
        ends = [(min(row[k] for row in points), max(row[k] for row in points)) for k in columns]
        middle, half = [(a + b) / 2 for a, b in ends], [(b - a) / 2 for a, b in ends]
        rows = [
            [*((point[k] - m) / h for k, m, h in zip(columns, middle, half, strict=True)), fmpq(1)]
            for point in points
        ]
        changes = [rational(problem.delta.get(i, Fraction(0))) for i in indices]
        unit = max(map(abs, changes)) or fmpq(1)
        return cls(problem, indices, columns, middle, half, unit, rows, [x / unit for x in changes])

    def network(self, constant: fmpq, neurons: list[tuple[int, list[fmpq]]]) -> ReLUNetwork:
        """`unit (c + sum_j s_j relu(z_j))` in the given coordinates, from signs `s_j` and the factors of
        `z_j` here."""
        weight, bias, signs = [], [], []
        for sign, (*factors, offset) in neurons:
            row = [fmpq(0)] * self.problem.d
            for k, m, h, factor in zip(self.columns, self.middle, self.half, factors, strict=True):
                row[k] = self.unit * factor / h
                offset -= factor * m / h
            weight.append(row)
            bias.append(self.unit * offset)
            signs.append(fmpq(sign))
        layers = [(weight, bias), ([signs], [self.unit * constant])]
        return ReLUNetwork.of(layers, inputs=self.problem.d)

    def means(self) -> list[Mean]:
        """Every point that lies inside a simplex of others (a segment, a triangle, ..) which holds no
        further point: all else that convexity says follows from these. Simplices of a dimension in which
        there are too many are left out, and larger ones."""
        count, dimension, out = len(self.rows), len(self.columns), []
        for size in range(2, dimension + 2):
            if math.comb(count, size) > _MOST_SIMPLICES:
                break
            for corners in itertools.combinations(range(count), size):
                found = self._only_point_inside(corners)
                if found is not None:
                    out.append(found)
        return out

    def _only_point_inside(self, corners: tuple[int, ...]) -> Mean | None:
        others = [i for i in range(len(self.rows)) if i not in corners]
        if not others:
            return None
        columns = [self.rows[i] for i in (*corners, *others)]
        table, rank = fmpq_mat([list(row) for row in zip(*columns, strict=True)]).rref()
        size = len(corners)
        if pivots(table)[:size] != list(range(size)):
            return None  # no simplex
        inside = []
        for k, i in enumerate(others, start=size):
            weights = [table[r, k] for r in range(size)]
            if min(weights) >= 0 and not any(table[r, k] for r in range(size, rank)):
                inside.append((i, weights))
        if len(inside) != 1 or min(inside[0][1]) == 0:
            return None
        i, weights = inside[0]
        common = math.lcm(*(int(weight.q) for weight in weights))
        return i, [(a, int(weight * common)) for a, weight in zip(corners, weights, strict=True)]
