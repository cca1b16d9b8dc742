"""The crossing function: one steep crossing of a band `(0, H)` at every edit.

`S = sum_j s_j relu(P_j)` with signs `s_j = +1, -1, +1, ..` hits a chosen height inside the band
at every edit and stays outside of the band at every other data point. It costs
`ceil(N/r) + r` neurons: `r` columns `P_j`, and one knot between neighbouring groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from flint import fmpq

from constructions.folding import Folding, Limits, Line, NumbersTooLongError, fold
from constructions.line import power_of_two_at_least

__all__ = ["crossing"]


def crossing(
    positions: Sequence[fmpq],
    heights: Mapping[int, fmpq],
    band: fmpq,
    columns: int,
    restart_every: int | None = None,
    limits: Limits | None = None,
) -> tuple[list[tuple[list[list[fmpq]], list[fmpq]]], list[fmpq]]:
    """Two hidden layers and output signs with `S = heights` at the edits, outside `(0, band)`
    at every other position. All heights lie strictly inside the band.

    In a *rising* group every `P_j` starts negative and the edits are handled from left to
    right: `P_j` crosses zero between the edit before and its own edit, where it has the value
    that is still missing. In a *falling* group everything is mirrored. Rising and falling groups
    take turns, and a restart begins with a rising group whose slopes are free: powers of two,
    each `2^e` times the least that works within the group. With growing `e` the slopes of
    neighbouring columns draw apart, and for all large `e` every later group works as well: `e`
    grows until the exact check passes. With `restart_every = 1` no group depends on another,
    `e = 0` always passes, and dyadic data give dyadic weights.

    Raises:
        NumbersTooLongError: a slope or value, or the common denominator of a row, is longer than
            its limit, by more than a quarter.
    """
    edits = sorted(heights)
    padded, targets = _pad(list(positions), {i: heights[i] for i in edits}, band, columns)
    folding = fold(padded, sorted(targets), columns, restart_every)
    builder = _Builder(padded, targets, band, folding, limits)
    lines: list[list[Line]] = []
    starts = [k for k in range(len(folding.groups)) if folding.fresh(k)]
    for start, end in zip(starts, [*starts[1:], len(folding.groups)], strict=True):
        lines += builder.chain(start, end)
    rows = [folding.pre_activation([group[j] for group in lines], limits) for j in range(columns)]
    second = ([row for row, _ in rows], [bias for _, bias in rows])
    return [folding.first_layer, second], list(islice(cycle([fmpq(1), fmpq(-1)]), columns))


def _pad(
    positions: list[fmpq], heights: dict[int, fmpq], band: fmpq, columns: int
) -> tuple[list[fmpq], dict[int, fmpq]]:
    """Dummy edits right of the data fill the last group."""
    spread = positions[-1] - positions[0]
    step = power_of_two_at_least(spread / len(heights) if spread > 0 else fmpq(1))
    beyond = (positions[-1] / step).floor() * step
    for i in range(1, -len(heights) % columns + 1):
        heights[len(positions)] = band / 2
        positions.append(beyond + i * step)
    return positions, heights


@dataclass(frozen=True)
class _Builder:
    x: list[fmpq]
    heights: dict[int, fmpq]
    band: fmpq
    folding: Folding
    limits: Limits | None

    def chain(self, start: int, end: int) -> list[list[Line]]:
        """The lines of the groups `start..end-1`, the first of them free, for the least `e`."""
        works, fails, best = None, -1, None
        while works is None or works - fails > 1:
            e = max(fails + 1, 2 * fails) if works is None else (fails + works) // 2
            try:
                lines = self._try(start, end, e)
            except NumbersTooLongError as error:  # a smaller `e` may still do
                works, too_long = e, error
                continue
            if lines is None:
                fails = e
            else:
                works, best = e, lines
        if best is None:
            raise too_long
        return best

    def _try(self, start: int, end: int, e: int) -> list[list[Line]] | None:
        lines: list[list[Line]] = []
        for group in range(start, end):
            before = lines[-1] if lines else None
            found = self._group(group, rising=(group - start) % 2 == 0, before=before, e=e)
            if found is None:
                return None
            lines.append(found)
        return lines

    def _group(self, group: int, *, rising: bool, before: list[Line] | None, e: int) -> list[Line] | None:
        lines: list[Line] = []
        slope = at_zero = fmpq(0)  # of the signed sum of `lines`
        places = self.folding.groups[group]
        step = 1 if rising else -1
        for j, place in enumerate(places if rising else reversed(places)):
            sign = 1 if j % 2 == 0 else -1
            t = self.x[place]
            # positive: the column before has brought S to the other side of the band, and further
            need = sign * (self.heights[place] - at_zero - slope * t)
            earlier, later = self._neighbours(group, place, step)
            # S must reach `band` (after a positive column) or 0 (after a negative one) at `later`
            missing = fmpq(0)
            if later is not None:
                goal = self.band if sign > 0 else fmpq(0)
                missing = sign * (goal - at_zero - slope * later) - need
            if before is None:
                least = fmpq(0) if earlier is None else need / (t - earlier)
                if later is not None:
                    least = max(least, missing / (later - t))
                least = least if least > 0 else need
                line = Line(power_of_two_at_least(least) * (1 << e), t, need)
            else:
                knot = self.folding.knots[group - 1][0]
                line = Line.through(knot, before[j](knot), t, need)
                if line.slope * step <= 0:
                    return None
                if earlier is not None and line(earlier) > 0:
                    return None
                if later is not None and line.slope * (later - t) < missing:
                    return None
            self._measure(line)
            lines.append(line)
            slope += sign * line.slope
            at_zero += sign * (line.y - line.slope * line.t)
        return lines

    def _neighbours(self, group: int, place: int, step: int) -> tuple[fmpq | None, fmpq | None]:
        """The data next to a place, against and along the order of handling.

        Beyond a knot the lines are others, and no data lie between a knot and these neighbours
        that the other group does not check itself.
        """
        around: list[fmpq | None] = []
        for neighbour in (place - step, place + step):
            around.append(self.x[neighbour] if 0 <= neighbour < len(self.x) else None)
        knots, x = self.folding.knots, around[1]
        if x is not None:
            beyond_next = group < len(knots) and x > knots[group][0]
            beyond_previous = group > 0 and x < knots[group - 1][-1]
            if beyond_next or beyond_previous:
                around[1] = None
        return around[0], around[1]

    def _measure(self, line: Line) -> None:
        if self.limits is not None:
            for number in (line.slope, line.y):
                # a weight is a difference of slopes and may be shorter: some room is left
                if 4 * max(int(number.p).bit_length(), int(number.q).bit_length()) > 5 * self.limits.reduced:
                    raise NumbersTooLongError(f"a slope or value has more than {self.limits.reduced} bits")
