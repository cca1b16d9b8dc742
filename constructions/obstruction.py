"""Lower bounds for a given instance: windows that force breakpoints, along lines that hold data.

A window is three points of a line whose second difference is not 0: every piecewise linear
interpolant bends there, in the direction of its sign. The largest set of windows that are disjoint
among equal signs is as large as the least number of breakpoints: the two are dual.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from constructions.bounds import ceil_two_sqrt, least_width_product
from constructions.problem import FineTuningProblem

__all__ = ["FarkasObstruction", "Obstruction", "obstruct", "windows"]

Window = tuple[int, int, int]
Signed = list[tuple[Window, bool]]
"""Windows, each with whether it is convex."""


@dataclass(frozen=True)
class Obstruction:
    """No network of `layers` layers with fewer than `neurons` neurons solves `problem`: the `windows` on
    a line along `direction` show it; of three layers the first `split` may lie in a half of one sign."""

    problem: FineTuningProblem
    layers: int
    neurons: int
    direction: tuple[int, ...]
    windows: list[Window]
    split: int | None = None


@dataclass(frozen=True)
class FarkasObstruction:
    """No network of two layers with fewer than `neurons` neurons solves `problem`: one tree of cases for
    each number of positive signs, each case with a contradiction, as `verify/CERTIFICATE.md` writes it.
    `convex` lists points that are means of others, with weights; neurons of one sign are in the order of
    their values at point 0."""

    problem: FineTuningProblem
    neurons: int
    trees: list[list[list[Any]]]
    convex: list[tuple[int, list[tuple[int, int]]]]


def windows(positions: list[Fraction], values: list[Fraction]) -> Signed:
    """The largest set of windows on a line that are disjoint among equal signs, from left to right, as
    places in `positions` (distinct, increasing), each with whether it is convex.

    In every run of neighbouring second differences of one sign the 1st, 3rd, 5th, ..: their number
    is that of the breakpoints of the best interpolant, so no set is larger.

    >>> positions, values = [Fraction(i) for i in range(5)], [Fraction(v) for v in (0, 0, 1, 0, 0)]
    >>> [window for window, _ in windows(positions, values)]
    [(0, 1, 2), (1, 2, 3), (2, 3, 4)]
    """
    out: list[tuple[Window, bool]] = []
    last, free = 0, -1
    for j in range(1, len(positions) - 1):
        left, right = positions[j] - positions[j - 1], positions[j + 1] - positions[j]
        bend = (values[j + 1] - values[j]) * left - (values[j] - values[j - 1]) * right
        sign = (bend > 0) - (bend < 0)
        if sign and not (free == j and sign == last):
            out.append(((j - 1, j, j + 1), sign > 0))
            last, free = sign, j + 1
    return out


def obstruct(problem: FineTuningProblem, layers: int) -> Obstruction:
    """The strongest obstruction from the lines that pass through an edited point and other points.

    If all points are collinear there is one line, and for two layers the number is the least number of
    breakpoints; then the least width is this number or one more. Points that are not collinear cost
    about `N K` exact steps, collinear ones about `K`.

    Raises:
        ValueError: fewer than two layers.

    >>> from constructions.adversarial import worst_case
    >>> [obstruct(worst_case(100, layers), layers).neurons for layers in (2, 3, 4)]
    [300, 38, 18]
    """
    if layers < 2:
        raise ValueError(f"layers is {layers}: expected an integer from 2")
    best = Obstruction(problem, layers, 0, (1,) + (0,) * (problem.d - 1), [])
    for direction, line in _lines(problem):
        positions = [t for t, _ in line]
        values = [problem.delta.get(i, Fraction(0)) for _, i in line]
        found = windows(positions, values)
        if not found:
            continue
        neurons, split = least_width_product(len(found) + 1, layers - 1), None
        if layers == 3:
            mirror = windows([-t for t in reversed(positions)], values[::-1])
            last = len(line) - 1
            from_right = [((last - c, last - b, last - a), sign) for (a, b, c), sign in reversed(mirror)]
            halves = _best_halves(found, from_right)
            if halves[0] > neurons:
                neurons, split, found = halves
        if neurons > best.neurons:
            indices = [(line[a][1], line[b][1], line[c][1]) for (a, b, c), _ in found]
            best = Obstruction(problem, layers, neurons, direction, indices, split)
    return best


def _best_halves(from_left: Signed, from_right: Signed) -> tuple[int, int, Signed]:
    """Windows of one sign left of a cut and of the other sign right of it, for the cut with the largest
    bound: the bound, the number of the former, and all of them. As many as can be end before a cut if they
    are chosen from the left, and as many as can be begin after it if chosen from the right."""
    best = (0, 0, 0, True)
    for convex in (True, False):
        left = [(w, sign) for w, sign in from_left if sign == convex]
        right = [(w, sign) for w, sign in from_right if sign != convex]
        after = 0
        for count, ((_, _, end), _) in enumerate(left, start=1):
            while after < len(right) and right[after][0][0] < end:
                after += 1
            bound = ceil_two_sqrt(count + 1) + ceil_two_sqrt(len(right) - after + 1) - 4
            best = max(best, (bound, count, after, convex))
    bound, count, after, convex = best
    left = [(w, sign) for w, sign in from_left if sign == convex][:count]
    return bound, count, left + [(w, sign) for w, sign in from_right if sign != convex][after:]


def _lines(problem: FineTuningProblem) -> Iterator[tuple[tuple[int, ...], list[tuple[Fraction, int]]]]:
    """Lines through an edited point and at least two others: a direction, and positions with indices in
    increasing order, one index for equal points. No line comes twice."""
    points = [tuple(row) for row in problem.points.numerators.tolist()]
    seen: set[tuple[int, tuple[int, ...]]] = set()
    first_at: dict[tuple[int, ...], int] = {}
    for i, point in enumerate(points):
        first_at.setdefault(point, i)
    for i in problem.delta:
        if first_at[points[i]] != i:
            continue
        lines: dict[tuple[int, ...], list[tuple[Fraction, int]]] = defaultdict(list)
        for point, j in first_at.items():
            step = [b - a for a, b in zip(points[i], point, strict=True)]
            length = math.gcd(*step)
            if length == 0:
                continue
            if next(s for s in step if s) < 0:
                length = -length
            lines[tuple(s // length for s in step)].append((Fraction(length), j))
        for direction, others in lines.items():
            line = sorted([*others, (Fraction(0), i)])
            if len(line) > 2 and (line[0][1], direction) not in seen:
                seen.add((line[0][1], direction))
                yield direction, line
            if len(line) == len(first_at):  # all points: there is no other line
                return
