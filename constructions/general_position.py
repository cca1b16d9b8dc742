"""Networks of inputs in `R^d` that fix a group of up to `d` edits by three or four neurons, exactly.

In general position a hyperplane goes through any `d` points and through no other point, so that far fewer
neurons do than along a line: `4 ceil(N/d)` in two layers [Bubeck2020], after [Baum1988]; by sign, and with a
lift of signs, three a group. Real data is not in general position: groups are made for the rank that it has,
and one whose hyperplane meets a foreign point is cut in two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq, nmod_mat

from constructions.four_layer import lowered
from constructions.hyperplanes import Integers, interpolating, vanishing
from constructions.line import power_of_two_at_least
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem, rational

__all__ = ["Bump", "Places", "bumps", "general_position", "general_position_lift", "joined"]

_PRIME = 2**61 - 1


@dataclass(frozen=True)
class Bump:
    """A group of points with values of size `largest` at most: `h` is 0 there and at none of the `others`,
    `v` has the values there."""

    h: Integers
    v: list[fmpq]
    largest: fmpq
    others: Integers

    def rows(self, *, one_sign: bool) -> tuple[Integers, list[fmpq]]:
        """Integer rows with the bias last, and output weights. With `M` so large that `|M h| >= c + |v|` at
        the others, where `c` is `largest`, or 0 for positive values:

            relu(M h + c + v) - relu(M h + c) - relu(M h - c + v) + relu(M h - c), or
            relu(M h + v) + relu(M h - v) - 2 relu(M h)

        is `v` where `h = 0`, and 0 at the others. Rows are integers, since `relu(f z) / f = relu(z)`
        for `f > 0`.
        """
        c = fmpq(0) if one_sign else self.largest
        factor = math.lcm(int(c.q), *(int(x.q) for x in self.v))
        v, steepness = np.array([int(factor * x) for x in self.v], dtype=object), fmpq(0)
        if len(self.others):
            below = int(self.others[0, -1])
            most, least = int(abs(self.others @ v).max()), int(abs(self.others @ self.h).min())
            steepness = (c * below + fmpq(most, factor)) / least
        m = power_of_two_at_least(steepness or fmpq(1))
        factor, v = factor * int(m.q), v * int(m.q)
        h, shift = int(factor * m) * self.h, np.zeros_like(self.h)
        shift[-1] = int(factor * c)
        if one_sign:
            return np.array([h + v, h - v, h]), [fmpq(1, factor), fmpq(1, factor), fmpq(-2, factor)]
        signs = [fmpq(sign, factor) for sign in (1, -1, -1, 1)]
        return np.array([h + shift + v, h + shift, h - shift + v, h - shift]), signs


@dataclass(frozen=True)
class Places:
    """The different points of a problem: numerators and the common denominator, shape `(places, d + 1)`."""

    points: Integers

    @classmethod
    def of(cls, problem: FineTuningProblem) -> tuple[Places, dict[int, fmpq]]:
        """And the changes that are not 0, by place."""
        rows = [(*row, problem.points.denominator) for row in problem.points.numerators.tolist()]
        place = {row: k for k, row in enumerate(dict.fromkeys(rows))}
        values = {place[rows[i]]: rational(change) for i, change in problem.delta.items()}
        return cls(np.array(list(place), dtype=object)), values

    @property
    def rank(self) -> int:
        """Of the differences of points, at least 1: modulo a large prime, which is at most the true one."""
        rows = (self.points[1:] - self.points[0]) % _PRIME
        return max(1, nmod_mat(rows.tolist(), _PRIME).rank() if len(rows) else 0)

    def bump(self, values: Mapping[int, fmpq]) -> Bump | None:
        """One for the values at these places; None if a foreign point is on every hyperplane through them,
        or if no affine function has the values."""
        members = list(values)
        foreign = np.ones(len(self.points), dtype=bool)
        foreign[members] = False
        others = self.points[foreign]
        v = interpolating(self.points[members], list(values.values()))
        if v is None:
            return None
        largest = max(map(abs, values.values()))
        factor = math.lcm(int(largest.q), *(int(x.q) for x in v))
        sizes = abs(others @ np.array([int(factor * x) for x in v], dtype=object))
        h = vanishing(self.points[members], others, sizes + int(factor * largest) * others[:, -1])
        return None if h is None else Bump(h, v, largest, others)


def bumps(places: Places, values: Mapping[int, fmpq], size: int) -> list[Bump]:
    """Bumps for all values, in groups of at most `size`.

    >>> places, values = Places.of(FineTuningProblem([[0, 0], [1, 0], [2, 0], [0, 1]], edits={0: 1, 1: 1}))
    >>> len(bumps(places, values, 2))  # a line through both edits meets the third point
    2
    """
    order = sorted(values, key=lambda k: (values[k], k))
    waiting = [order[k : k + size] for k in range(0, len(order), size)][::-1]
    out = []
    while waiting:
        members = waiting.pop()
        found = places.bump({k: values[k] for k in members})
        if found is not None:
            out.append(found)
        else:  # of two points or more: some hyperplane through one point avoids all others
            half = len(members) // 2
            waiting += [members[half:], members[:half]]
    return out


def general_position(problem: FineTuningProblem, size: int | None = None) -> ReLUNetwork:
    """Two layers. With groups of `size` (by default the rank of the points) that need not be cut:
    `4 ceil(N / size)` neurons, or `3 ceil(P / size) + 3 ceil(M / size)` for `P` positive and `M` negative
    changes, if that is not more.

    >>> square = FineTuningProblem([[0, 0], [0, 1], [1, 0], [3, 2]], edits={0: 1, 1: -2, 2: 3})
    >>> net = general_position(square)
    >>> net.neurons, net(square.points) == [1, -2, 3, 0]
    (6, True)
    """
    places, values = Places.of(problem)
    size = size or places.rank
    signs = [{k: abs(x) for k, x in values.items() if (x > 0) == positive} for positive in (True, False)]
    if 3 * sum(-(-len(part) // size) for part in signs) > 4 * -(-len(values) // size):
        return joined([(bump, 0) for bump in bumps(places, values, size)], problem.d)
    parts = zip(signs, (1, -1), strict=True)
    return joined([(bump, sign) for part, sign in parts for bump in bumps(places, part, size)], problem.d)


def general_position_lift(problem: FineTuningProblem, size: int | None = None) -> ReLUNetwork:
    """Three layers: `3 ceil(N / size) + 2` neurons, if no group is cut: bumps of positive heights, lowered.

    >>> square = FineTuningProblem([[0, 0], [0, 1], [1, 0], [3, 2]], edits={0: 1, 1: -2, 2: 3})
    >>> net = general_position_lift(square)
    >>> net.widths, net(square.points) == [1, -2, 3, 0]
    ((6, 2), True)
    """
    places, values = Places.of(problem)
    lift = 4 * power_of_two_at_least(max(map(abs, values.values()), default=fmpq(1)))
    heights = {k: value + lift for k, value in values.items()}
    groups = [(bump, 1) for bump in bumps(places, heights, size or places.rank)]
    return lowered(joined(groups, problem.d), lift)


def joined(signed: Sequence[tuple[Bump, int]], inputs: int) -> ReLUNetwork:
    """All bumps side by side, each times its sign: 1, or -1, for one of positive values; 0 stands for
    values of both signs, as they are."""
    rows: list[list[int]] = []
    out: list[fmpq] = []
    for bump, sign in signed:
        found, weights = bump.rows(one_sign=sign != 0)
        rows += found.tolist()
        out += [(sign or 1) * weight for weight in weights]
    hidden = ([[fmpq(x) for x in row[:-1]] for row in rows], [fmpq(row[-1]) for row in rows])
    return ReLUNetwork.of([hidden, ([out], [fmpq(0)])], inputs)
