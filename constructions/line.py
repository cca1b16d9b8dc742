"""The problem on a line: sorted distinct positions, and the change wanted at each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpq

from constructions.problem import FineTuningProblem, rational
from constructions.projection import Projection

__all__ = ["LineProblem", "dyadic_between", "dyadic_pair", "power_of_two_at_least", "to_line"]


@dataclass(frozen=True)
class LineProblem:
    """Distinct positions in increasing order with the wanted values of `g` there.

    `edits` lists the places (indices into `positions`) whose value is not 0. A thinned line (see
    `to_line`) leaves out some protected positions; `distinct` is the number of positions with them.
    """

    positions: list[fmpq]
    values: list[fmpq]
    distinct: int | None = None

    @property
    def count(self) -> int:
        """The number of distinct positions, those that were left out too."""
        return len(self.positions) if self.distinct is None else self.distinct

    @cached_property
    def edits(self) -> list[int]:
        return [i for i, value in enumerate(self.values) if value != 0]

    @cached_property
    def one_sign(self) -> bool:
        return len({self.values[i] > 0 for i in self.edits}) <= 1

    @cached_property
    def largest(self) -> fmpq:
        """The largest absolute value that is wanted anywhere (0 if nothing is)."""
        return max((abs(value) for value in self.values), default=fmpq(0))

    def gap(self, place: int) -> fmpq:
        """Distance from a place to the nearest other one (1 if there is no other)."""
        x = self.positions
        sides = [abs(x[j] - x[place]) for j in (place - 1, place + 1) if 0 <= j < len(x)]
        return min(sides, default=fmpq(1))


def to_line(
    problem: FineTuningProblem, along: tuple[int, ...] | Projection, *, thin: bool = False
) -> LineProblem:
    """Project, sort, and merge equal projections.

    With `thin`, a run of neighbouring protected positions keeps its first, second and last one.
    Constructions that look at the edits, the positions next to them and the ends of the line alone
    (tents, grid, sign lift, band crossing) make of a thinned line the very network that the whole
    line gives. So does `fewest_breakpoints`: the interpolant is 0 on a run, no second difference
    inside one counts, and as long as there is one inside, those at the two ends are no neighbours
    and share no breakpoint; hence three positions and not two. A memorizer needs them all.

    Raises:
        ValueError: two points with different changes have the same projection.

    >>> to_line(FineTuningProblem([[2], [0], [2]], edits={1: 5}), (1,)).positions
    [0, 2]
    >>> to_line(FineTuningProblem([[i] for i in range(9)], edits={1: 5}), (1,), thin=True).positions
    [0, 1, 2, 3, 8]
    """
    t = along if isinstance(along, Projection) else Projection.of(problem.points, along)
    kind = problem.kinds[t.order]
    conflicts = np.flatnonzero(t.together & (kind[1:] != kind[:-1]))
    if len(conflicts):
        raise ValueError(
            f"direction {t.direction} gives point {t.order[conflicts[0] + 1]} the same projection as "
            "another point with a different change"
        )
    kept = np.flatnonzero(np.append(True, ~t.together))
    count = len(kept)
    if thin:
        edited = np.concatenate(([True, True], kind[kept] != 0, [True]))  # beyond the ends, too
        kept = kept[edited[2:-1] | edited[1:-2] | edited[:-3] | edited[3:]]
    points = t.order[kept]
    zero, denominator = fmpq(0), t.denominator
    changes = {i: rational(change) for i, change in problem.delta.items()}
    positions = [fmpq(numerator, denominator) for numerator in t.numerators(points)]
    values = [changes.get(i, zero) for i in points.tolist()]
    return LineProblem(positions, values, count)


def power_of_two_at_least(x: fmpq) -> fmpq:
    """The least power of two (negative exponents too) that is at least `x > 0`.

    >>> power_of_two_at_least(fmpq(3, 8)), power_of_two_at_least(fmpq(4))
    (1/2, 4)
    """
    if x <= 0:
        raise ValueError(f"expected a positive number, got {x}")
    exponent = int(x.p).bit_length() - int(x.q).bit_length() - 1
    while _two_to(exponent) < x:
        exponent += 1
    return _two_to(exponent)


def _two_to(exponent: int) -> fmpq:
    return fmpq(1 << exponent) if exponent >= 0 else fmpq(1, 1 << -exponent)


def dyadic_between(low: fmpq, high: fmpq) -> fmpq:
    """A short dyadic rational in the middle half of the open interval.

    >>> dyadic_between(fmpq(5), fmpq(6)), dyadic_between(fmpq(-3), fmpq(9))
    (11/2, 0)
    """
    quarter = (high - low) / 4
    low, high = low + quarter, high - quarter
    if low <= 0 <= high:
        return fmpq(0)
    step = power_of_two_at_least(high - low) / 2
    best = (low / step).ceil() * step
    while True:
        step *= 2
        candidate = (low / step).ceil() * step
        if candidate > high:
            return best
        best = candidate


def dyadic_pair(low: fmpq, high: fmpq) -> tuple[fmpq, fmpq]:
    """Two dyadic rationals in the open interval whose distance is a power of two.

    >>> dyadic_pair(fmpq(0), fmpq(1))
    (1/4, 1/2)
    """
    step = power_of_two_at_least(high - low) / 4  # below half the length
    first = ((low / step).floor() + 1) * step
    return first, first + step
