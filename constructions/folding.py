"""Folding the line: groups of edits, and a first hidden layer with knots between the groups.

One always-active unit and the knots make every pre-activation of the second layer a free choice
of one line a group, as long as neighbouring lines meet at the knot between them. Two knots in a
data-free gap (a restart) lift even that condition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flint import fmpq

from constructions.line import dyadic_between, dyadic_pair, power_of_two_at_least

__all__ = ["Folding", "Limits", "Line", "NumbersTooLongError", "fold"]


class NumbersTooLongError(ArithmeticError):
    """A number passed the allowed length; restarts make numbers shorter."""


class Limits(NamedTuple):
    """The most bits of a reduced numerator or denominator, and of an integer as it is written, over the
    common denominator of its row."""

    reduced: int
    written: int


class Line(NamedTuple):
    """The affine function with this slope and the value `y` at `t`."""

    slope: fmpq
    t: fmpq
    y: fmpq

    def __call__(self, t: fmpq) -> fmpq:
        return self.y + self.slope * (t - self.t)

    @classmethod
    def through(cls, t0: fmpq, y0: fmpq, t1: fmpq, y1: fmpq) -> Line:
        return cls((y1 - y0) / (t1 - t0), t1, y1)


@dataclass(frozen=True)
class Folding:
    """`groups[k]` holds places of consecutive edits; `knots[k]` one or two knots behind them."""

    anchor: fmpq
    groups: list[list[int]]
    knots: list[tuple[fmpq, ...]]

    @property
    def first_layer(self) -> tuple[list[list[fmpq]], list[fmpq]]:
        """Weight and bias: `relu(t - anchor)`, always active on the data, and the knots."""
        points = [self.anchor, *(knot for gap in self.knots for knot in gap)]
        return [[fmpq(1)] for _ in points], [-point for point in points]

    def fresh(self, group: int) -> bool:
        """Whether the lines of this group are free: the first group, or behind a restart."""
        return group == 0 or len(self.knots[group - 1]) == 2

    def pre_activation(self, lines: Sequence[Line], limits: Limits | None = None) -> tuple[list[fmpq], fmpq]:
        """The row and the bias over the first layer of the function with these lines.

        Raises:
            NumbersTooLongError: an entry or the common denominator of the row is longer than its
                limit, by more than a quarter.
        """
        row, slope = [lines[0].slope], lines[0].slope
        for gap, before, after in zip(self.knots, lines, lines[1:], strict=False):
            if len(gap) == 2:
                low, high = gap
                bridge = (after(high) - before(low)) / (high - low)
                row.append(bridge - slope)
                slope = bridge
            row.append(after.slope - slope)
            slope = after.slope
        if limits is not None:
            common = 1
            for entry in row:
                # numbers may still cancel: some room is left
                if 4 * max(int(entry.p).bit_length(), int(entry.q).bit_length()) > 5 * limits.reduced:
                    raise NumbersTooLongError(f"a weight has more than {limits.reduced} bits")
                common = math.lcm(common, int(entry.q))
                if 4 * common.bit_length() > 5 * limits.written:
                    raise NumbersTooLongError(f"a row has a denominator of more than {limits.written} bits")
        return row, lines[0](self.anchor)


def fold(
    positions: Sequence[fmpq], edits: Sequence[int], size: int, restart_every: int | None = None
) -> Folding:
    """Cut the edits into groups of `size`; the knots are short dyadic rationals.

    A knot stands anywhere strictly between two groups. With `restart_every = s`, every s-th gap
    holds two knots, a power of two apart, in the data-free interval behind the group.
    """
    if not 1 <= size <= len(edits):
        raise ValueError(
            f"columns is {size}: expected an integer from 1 to the number of edits, {len(edits)}"
        )
    if restart_every is not None and restart_every < 1:
        raise ValueError(f"restart_every is {restart_every}: expected a positive integer")
    groups = [list(edits[k : k + size]) for k in range(0, len(edits), size)]
    knots: list[tuple[fmpq, ...]] = []
    for k, (group, after) in enumerate(zip(groups, groups[1:], strict=False), start=1):
        last = group[-1]
        if restart_every is not None and k % restart_every == 0:
            knots.append(dyadic_pair(positions[last], positions[last + 1]))
        else:
            knots.append((dyadic_between(positions[last], positions[after[0]]),))
    spread = positions[-1] - positions[0]
    step = power_of_two_at_least(spread if spread > 0 else fmpq(1))
    return Folding((positions[0] / step).floor() * step, groups, knots)
