"""Networks of inputs in `R^d` that fix a group of up to `d` edits by three or four neurons, exactly.

In general position a hyperplane goes through any `d` points and through no other point, so that far fewer
neurons do than along a line: `4 ceil(N/d)` in two layers [Bubeck2020], after [Baum1988]; by sign, and with a
lift of signs, three a group. Real data is not in general position: groups are made for the rank that it has, and
one whose hyperplane meets a foreign point is cut in two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from constructions.four_layer import lowered
from constructions.hyperplanes import dot, interpolating, vanishing
from constructions.line import power_of_two_at_least
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem, rational
from constructions.slabs import Cloud, slab

__all__ = ["Bump", "Places", "bumps", "general_position", "general_position_lift", "joined"]

Rows = tuple[list[list[fmpq]], list[fmpq]]


@dataclass(frozen=True)
class Bump:
    """A group of points with values: `h` is 0 there and nowhere else, `v` has the values there."""

    h: list[fmpq]
    v: list[fmpq]
    largest: fmpq

    def rows(self, others: Sequence[Sequence[fmpq]], *, one_sign: bool) -> Rows:
        """Rows with the bias last, and output weights. With `M` so large that `|M h| >= c + |v|` at the others,
        `c` the largest size of a value, or 0 for positive values:

            relu(M h + c + v) - relu(M h + c) - relu(M h - c + v) + relu(M h - c), or
            relu(M h + v) + relu(M h - v) - 2 relu(M h)

        is `v` where `h = 0`, and 0 at the others.
        """
        c = fmpq(0) if one_sign else self.largest
        steepness = max(((c + abs(dot(self.v, x))) / abs(dot(self.h, x)) for x in others), default=fmpq(1))
        steep = [power_of_two_at_least(steepness or fmpq(1)) * a for a in self.h]
        units = (
            [(1, 0, 1), (-1, 0, 1), (0, 0, -2)]
            if one_sign
            else [(1, 1, 1), (0, 1, -1), (1, -1, -1), (0, -1, 1)]
        )
        rows = []
        for with_v, with_c, _ in units:
            row = [a + with_v * b for a, b in zip(steep, self.v, strict=True)]
            row[-1] += with_c * c
            rows.append(row)
        return rows, [fmpq(out) for _, _, out in units]


@dataclass(frozen=True)
class Places:
    """The different points of a problem, with a last coordinate 1, and as floats if these tell them apart."""

    points: list[list[fmpq]]
    cloud: Cloud | None

    @classmethod
    def of(cls, problem: FineTuningProblem) -> tuple[Places, dict[int, fmpq]]:
        """And the changes that are not 0, by place."""
        array = problem.points
        rows = [tuple(row) for row in array.numerators.tolist()]
        place = {row: k for k, row in enumerate(dict.fromkeys(rows))}
        points = [[*(fmpq(x, array.denominator) for x in row), fmpq(1)] for row in place]
        values = {place[rows[i]]: rational(change) for i, change in problem.delta.items()}
        floats = np.array(
            [
                [float(x.p) / float(x.q) if x.q < 2**1000 > abs(x.p) else np.inf for x in p[:-1]]
                for p in points
            ]
        )
        cloud = Cloud(floats) if np.isfinite(floats).all() and np.abs(floats).max() < 1e150 else None
        return cls(points, cloud), values

    @property
    def rank(self) -> int:
        """Of the points as floats show it; `d` if they do not."""
        return max(1, self.cloud.rank if self.cloud else len(self.points[0]) - 1)

    def guess(self, members: Sequence[int], values: Sequence[fmpq]) -> list[float]:
        """Weights, as floats, of a function that vanishes near the members and is large elsewhere."""
        if self.cloud is None:
            return []
        largest = max(map(abs, values))
        codes = np.array([float(value / largest) for value in values])
        found = slab(self.cloud, np.array(members, dtype=np.intp), codes, np.random.default_rng(0))
        if found is None or not found.h.any():
            return []
        return [float(x) for x in np.round(found.h / np.abs(found.h).max() * 2**20)]


def bumps(places: Places, values: Mapping[int, fmpq], size: int) -> list[tuple[Bump, list[list[fmpq]]]]:
    """Bumps for all values, each with the points that are foreign to it, in groups of at most `size`.

    >>> places, values = Places.of(FineTuningProblem([[0, 0], [1, 0], [2, 0], [0, 1]], edits={0: 1, 1: 1}))
    >>> len(bumps(places, values, 2))  # a line through both edits meets the third point
    2
    """
    order = sorted(values, key=lambda k: (values[k], k))
    waiting = [order[k : k + size] for k in range(0, len(order), size)]
    out = []
    while waiting:
        members = waiting.pop(0)
        group, wanted = [places.points[k] for k in members], [values[k] for k in members]
        inside = set(members)
        others = [point for k, point in enumerate(places.points) if k not in inside]
        v = interpolating(group, wanted)
        h = vanishing(group, others, places.guess(members, wanted)) if v is not None else None
        if v is not None and h is not None:
            out.append((Bump(h, v, max(map(abs, wanted))), others))
        else:  # of two points or more: a hyperplane through one point avoids all others
            half = len(members) // 2
            waiting[:0] = [members[:half], members[half:]]
    return out


def general_position(problem: FineTuningProblem, size: int | None = None) -> ReLUNetwork:
    """Two layers. With groups of `size` (by default the rank of the points, as floats see it) that need not
    be cut: `4 ceil(N / size)` neurons, or `3 ceil(P / size) + 3 ceil(M / size)` for `P` positive and `M`
    negative changes, if that is less.

    >>> square = FineTuningProblem([[0, 0], [0, 1], [1, 0], [3, 2]], edits={0: 1, 1: -2, 2: 3})
    >>> net = general_position(square)
    >>> net.neurons, net(square.points) == [1, -2, 3, 0]
    (6, True)
    """
    places, values = Places.of(problem)
    size = size or places.rank
    signs = [{k: abs(x) for k, x in values.items() if (x > 0) == positive} for positive in (True, False)]
    if 3 * sum(-(-len(part) // size) for part in signs) <= 4 * -(-len(values) // size):
        groups = [
            (bump, others, sign)
            for part, sign in zip(signs, (1, -1), strict=True)
            for bump, others in bumps(places, part, size)
        ]
    else:
        groups = [(bump, others, 0) for bump, others in bumps(places, values, size)]
    return joined(groups, problem.d)


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
    groups = [(bump, others, 1) for bump, others in bumps(places, heights, size or places.rank)]
    return lowered(joined(groups, problem.d), lift)


def joined(groups: list[tuple[Bump, list[list[fmpq]], int]], inputs: int) -> ReLUNetwork:
    """All bumps side by side; sign 0 stands for values of both signs."""
    rows: list[list[fmpq]] = []
    out: list[fmpq] = []
    for bump, others, sign in groups:
        found, weights = bump.rows(others, one_sign=sign != 0)
        rows += found
        out += [(sign or 1) * weight for weight in weights]
    hidden = ([row[:-1] for row in rows], [row[-1] for row in rows])
    return ReLUNetwork.of([hidden, ([out], [fmpq(0)])], inputs)
