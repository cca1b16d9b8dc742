"""Patches for outputs of several numbers, exactly: a code for the change that a point needs, then its
decoder.

The changes that occur get the codes `1..T`. The code is a sum of bumps at points in general position; a curve
that is piecewise linear goes from 0 through the changes in the order of their codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq

from constructions.direction import best_projection
from constructions.exact import ExactArray, exact_array
from constructions.general_position import general_position
from constructions.line import LineProblem, to_line
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem, rational
from constructions.two_layer import tents

__all__ = ["VectorPatch", "VectorProblem", "patch_vectors"]

Row = tuple[Fraction, ...]


class VectorProblem:
    """`K` points, the frozen outputs there, `C` numbers each, and the outputs that `N` of them must get.

    A network `g` solves the problem if `base[i] + g(points[i])` is the wanted row at every edited index, and
    `base[i]` at every other one, exactly.

    Args:
        points: shape `(K, d)`, exact numbers: see `FineTuningProblem`.
        base: shape `(K, C)`, exact numbers.
        edits: `{index: row of C numbers}`.

    Raises:
        ValueError: NaN or infinity, wrong shapes, no points, an index out of range, or two equal points that
            need different changes; the message names the place.
        TypeError: an entry that is no exact number, or an index that is no integer.

    >>> problem = VectorProblem([[0], [1]], [[0.5, 1], [0, 0]], {0: [1, 1]})
    >>> problem.delta
    {0: (Fraction(1, 2), Fraction(0, 1))}
    >>> VectorProblem([[0], [1]], [[0.5, 1], [0, 0]], {0: [1]})
    Traceback (most recent call last):
    ValueError: the values of edit 0 have shape (1,): expected (2,)
    """

    def __init__(self, points: Any, base: Any, edits: Mapping[int, Any]) -> None:
        self.base: ExactArray = exact_array(base, "base")
        shape = self.base.shape
        if len(shape) != 2 or shape[1] == 0:
            raise ValueError(f"base has shape {shape}: expected (K, C) with C >= 1")
        self.values: dict[int, Row] = {}
        self.delta: dict[int, Row] = {}
        codes: dict[Row, int] = {(Fraction(0),) * shape[1]: 0}
        numbers = {}
        for i in edits:
            if isinstance(i, bool) or not isinstance(i, int | np.integer):
                raise TypeError(f"edit index {i!r} is not an integer")
            if not 0 <= i < shape[0]:
                raise ValueError(f"edit index {i} is out of range: there are {shape[0]} points, from 0")
        for i in sorted(edits):
            row = exact_array(edits[i], f"the values of edit {i}")
            if row.shape != shape[1:]:
                raise ValueError(f"the values of edit {i} have shape {row.shape}: expected {shape[1:]}")
            self.values[i] = tuple(row[k] for k in range(shape[1]))
            change = tuple(value - self.base[i, k] for k, value in enumerate(self.values[i]))
            numbers[i] = codes.setdefault(change, len(codes))
            if any(change):
                self.delta[int(i)] = change
        self.codes = FineTuningProblem(points, edits=numbers)
        """The problem with one output: the number of the change that a point needs, from 1; 0 for none."""
        if shape[0] != self.codes.K:
            raise ValueError(f"base has shape {shape}: expected ({self.codes.K}, C)")
        self.changes: list[Row] = list(codes)[1:]
        """The changes by number."""

    @property
    def points(self) -> ExactArray:
        return self.codes.points

    @property
    def K(self) -> int:  # noqa: N802 - the name of the theorems
        """The number of listed points."""
        return self.codes.K

    @property
    def C(self) -> int:  # noqa: N802
        """The number of outputs."""
        return int(self.base.shape[1])

    @property
    def N(self) -> int:  # noqa: N802
        """The number of edits that change something."""
        return self.codes.N


@dataclass(frozen=True)
class VectorPatch:
    """A network that solves `problem`, and how it was made."""

    problem: VectorProblem
    network: ReLUNetwork
    construction: str
    direction: tuple[int, ...] | None


def patch_vectors(problem: VectorProblem) -> VectorPatch:
    """Three layers: `3 G + T` neurons for `T` different changes, where `G >= N / rank` bumps in general
    position give the codes; or two layers of at most `3 N` neurons along a line, if these are fewer.

    The curve is `sum_k a_k relu(s - k + 1)`, `k = 1..T`, where `a_k` is the second difference of
    `0, change 1, .., change T` at its vertex `k - 1`: 0 for all `s <= 0`.

    >>> points = [[0, 0], [2, 9], [9, 4], [5, 5], [3, 2]]
    >>> edits = {0: [1, 2], 1: [1, 2], 2: [5, 0], 3: [5, 0]}
    >>> patch = patch_vectors(VectorProblem(points, [[0, 0]] * 5, edits))
    >>> patch.network.widths, patch.construction
    ((6, 2), 'general position and a curve')
    >>> outputs = patch.network.hidden(points)[-1]
    >>> [[int(outputs[i, k]) for k in range(2)] for i in range(5)]
    [[1, 2], [1, 2], [5, 0], [5, 0], [0, 0]]
    """
    if not problem.changes:
        network = ReLUNetwork.of([([], []), ([[]] * problem.C, [fmpq(0)] * problem.C)], problem.codes.d)
        return VectorPatch(problem, network, "nothing to do", None)
    changes = [[rational(x) for x in change] for change in problem.changes]
    bumps = general_position(problem.codes)
    projection = best_projection(problem.codes)
    line = to_line(problem.codes, projection, thin=True)
    if 3 * len(line.edits) > bumps.neurons + len(changes):
        return VectorPatch(problem, _curve(bumps, changes), "general position and a curve", None)
    network = _tents(line, changes).along(projection.direction)
    return VectorPatch(problem, network, "tents", projection.direction)


def _curve(code: ReLUNetwork, changes: list[list[fmpq]]) -> ReLUNetwork:
    """The curve through the changes after a network that gives their numbers."""
    *hidden, last = code.layers
    row = [fmpq(w, last.denominator[0]) for w in last.weight[0]]
    vertices = [[fmpq(0)] * len(changes[0]), *changes]
    slopes = _differences(vertices)
    bends = [slopes[0], *_differences(slopes)]
    out = [list(column) for column in zip(*bends, strict=True)]
    stage = ([row] * len(bends), [fmpq(-k) for k in range(len(bends))])
    decoder = ReLUNetwork.of([stage, (out, [fmpq(0)] * len(out))], len(row))
    return ReLUNetwork((*hidden, *decoder.layers))


def _differences(rows: list[list[fmpq]]) -> list[list[fmpq]]:
    return [[b - a for a, b in zip(*pair, strict=True)] for pair in zip(rows, rows[1:], strict=False)]


def _tents(line: LineProblem, changes: list[list[fmpq]]) -> ReLUNetwork:
    """The tents of a line with the numbers of changes, each with the change for its number."""
    hidden, last = tents(line).layers
    numbers = [line.values[i] for i in line.edits for _ in range(3)]
    signs = [fmpq(w) for w in last.weight[0]]
    out = [
        [sign * changes[int(number.p) - 1][k] / number for sign, number in zip(signs, numbers, strict=True)]
        for k in range(len(changes[0]))
    ]
    return ReLUNetwork((hidden, *ReLUNetwork.of([(out, [fmpq(0)] * len(out))], len(signs)).layers))
