"""Wrong constructions, each with one bug of a kind that happens, for a hunter to find.

`right` is a correct one, tents along a line; the others differ from it in one place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from constructions import FineTuningProblem, choose_direction

Layers = list[tuple[list[list[Any]], list[Any]]]
Tents = list[tuple[Any, Any, Any]]
"""Place, half width and height of each tent."""


def project(problem: FineTuningProblem, direction: tuple[int, ...]) -> dict[Fraction, Fraction]:
    """The wanted change at each position."""
    points = problem.points
    rows = ([points[i, k] for k in range(problem.d)] for i in range(problem.K))
    places = [sum((u * x for u, x in zip(direction, row, strict=True)), Fraction(0)) for row in rows]
    return {t: problem.delta.get(i, Fraction(0)) for i, t in enumerate(places)}


def network(tents: Tents, direction: tuple[int, ...], neurons: int = 0) -> Layers:
    """Three neurons a tent, and so many idle ones."""
    rows, bias, out = [], [], []
    for t, e, height in tents:
        for shift, factor in ((e, 1), (0, -2), (-e, 1)):
            rows.append(list(direction))
            bias.append(shift - t)
            out.append(factor * height / e)
    idle = [[0] * len(direction)] * neurons
    return [(rows + idle, bias + [0] * neurons), ([out + [0] * neurons], [0])]


def half_width(t: Fraction, places: list[Fraction]) -> Fraction:
    return min((abs(t - other) for other in places if other != t), default=Fraction(1))


def tents(at: dict[Fraction, Fraction]) -> Tents:
    return [(t, half_width(t, list(at)), height) for t, height in at.items() if height]


def right(problem: FineTuningProblem) -> Layers:
    u = choose_direction(problem)
    return network(tents(project(problem, u)), u)


def first_axis(problem: FineTuningProblem) -> Layers:
    """Equal projections along a direction that nobody checked."""
    u = (1,) + (0,) * (problem.d - 1)
    return network(tents(project(problem, u)), u)


def sum_of_axes(problem: FineTuningProblem) -> Layers:
    u = (1,) * problem.d
    return network(tents(project(problem, u)), u)


def last_group(problem: FineTuningProblem) -> Layers:
    """Groups of three; what is left over is forgotten."""
    u = choose_direction(problem)
    found = tents(project(problem, u))
    return network(found[: len(found) // 3 * 3] if len(found) > 3 else found, u)


def adjacent(problem: FineTuningProblem) -> Layers:
    """Tents as wide as protected points allow: neighbouring ones overlap."""
    u = choose_direction(problem)
    at = project(problem, u)
    protected = [t for t, height in at.items() if not height]
    return network([(t, half_width(t, protected), height) for t, height in at.items() if height], u)


def cancelling(problem: FineTuningProblem) -> Layers:
    """Nothing to do if the changes sum to 0."""
    u = choose_direction(problem)
    at = project(problem, u)
    return network([] if sum(at.values()) == 0 else tents(at), u)


def square_and_one(problem: FineTuningProblem) -> Layers:
    """One neuron too many where N is a square and one."""
    u = choose_direction(problem)
    n = problem.N
    return network(tents(project(problem, u)), u, int(n > 1 and math.isqrt(n - 1) ** 2 == n - 1))


def in_floats(problem: FineTuningProblem) -> Layers:
    """Heights over widths, rounded."""
    u = choose_direction(problem)
    rows, bias, out = [], [], []
    for t, e, height in tents(project(problem, u)):
        for shift, factor in ((e, 1), (Fraction(0), -2), (-e, 1)):
            rows.append(list(u))
            bias.append(shift - t)
            slope = height / e
            out.append(factor * (float(slope) if abs(slope) < 2**1000 else slope))
    return [(rows, bias), ([out], [0])]


def wanted_value(problem: FineTuningProblem) -> Layers:
    """The wanted output, and not its difference from the frozen one."""
    u = choose_direction(problem)
    direct = FineTuningProblem(problem.points, edits=problem.values)
    return network(tents(project(direct, u)), u)


def no_sign(problem: FineTuningProblem) -> Layers:
    u = choose_direction(problem)
    return network([(t, e, abs(height)) for t, e, height in tents(project(problem, u))], u)


def fixed_width(problem: FineTuningProblem) -> Layers:
    """Tents of one width, as if points kept a distance."""
    u = choose_direction(problem)
    return network([(t, Fraction(1, 1000), height) for t, _, height in tents(project(problem, u))], u)


def half_open(problem: FineTuningProblem) -> Layers:
    """The width looks to the right only."""
    u = choose_direction(problem)
    at = project(problem, u)
    found = [
        (t, min((s - t for s in at if s > t), default=Fraction(1)), height)
        for t, height in at.items()
        if height
    ]
    return network(found, u)


def on_a_point(problem: FineTuningProblem) -> Layers:
    """The knots of a tent are put beyond the next points."""
    u = choose_direction(problem)
    return network([(t, e * Fraction(5, 4), height) for t, e, height in tents(project(problem, u))], u)


def all_edited(problem: FineTuningProblem) -> Layers:
    """Looks for a protected point that need not be there."""
    u = choose_direction(problem)
    at = project(problem, u)
    if problem.N:
        next(t for t, height in at.items() if not height)
    return network(tents(at), u)


def far_apart(problem: FineTuningProblem) -> Layers:
    """Positions as floats: what lies close falls together."""
    u = choose_direction(problem)
    at = {Fraction(float(t)) if abs(t) < 2**1000 else t: height for t, height in project(problem, u).items()}
    return network(tents(at), u)


Bug = tuple[Callable[[FineTuningProblem], Layers], int, int]
BUGS: dict[str, Bug] = {  # and the edits and points of the smallest problem that shows them
    "equal-projections": (first_axis, 1, 2),
    "equal-projections-of-a-sum": (sum_of_axes, 1, 2),
    "last-group": (last_group, 4, 4),
    "adjacent-edits": (adjacent, 2, 2),
    "values-cancel": (cancelling, 2, 2),
    "square-and-one": (square_and_one, 2, 2),
    "rounded": (in_floats, 1, 1),
    "wanted-value": (wanted_value, 1, 1),
    "no-sign": (no_sign, 1, 1),
    "fixed-width": (fixed_width, 1, 2),
    "half-open": (half_open, 1, 2),
    "knot-beyond-a-point": (on_a_point, 1, 2),
    "all-edited": (all_edited, 1, 1),
    "positions-in-floats": (far_apart, 1, 1),
}
