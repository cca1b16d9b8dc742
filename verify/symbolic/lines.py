"""Lemmas about piecewise linear functions of one variable: tents, interpolation, restarts, windows.

Points are written by positive gaps `h` and arbitrary slopes `s` between neighbours, so that everything is a
polynomial once denominators are cleared. As in `heights`, keywords are constants of the statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from verify.symbolic.proof import Goal, Proof
from verify.symbolic.search import goal, prove
from verify.symbolic.terms import Expr, Relation, above, at_least, at_most, below, equal, parameters, relu

__all__ = [
    "Points",
    "five_points_first_case",
    "five_points_first_function",
    "five_points_one_of_two",
    "five_points_second_case",
    "five_points_second_function",
    "five_points_two_breakpoints",
    "five_points_with_breakpoints",
    "further_point",
    "restart",
    "restarted",
    "tent",
    "tent_function",
    "window",
]


def tent_function(t: Expr, place: Expr, e: Expr, delta: Expr) -> Expr:
    return delta / e * (relu(t - place + e) - 2 * relu(t - place) + relu(t - place - e))


def tent(window: Any = 1) -> Proof:
    """`delta/e (relu(t - t_i + e) - 2 relu(t - t_i) + relu(t - t_i - e))` is `delta` at `t_i` and 0 where
    `|t - t_i| >= e`."""
    t, place, e, delta = parameters("t t_i e delta")
    outside = at_least(abs(t - place), window * e)
    return prove(
        "tent",
        "Three neurons give a value at one place and nothing outside of a window around it.",
        [
            goal([above(e, 0)], equal(tent_function(place, place, e, delta), delta), "At its place"),
            goal([above(e, 0), outside], equal(tent_function(t, place, e, delta), 0), "Outside"),
        ],
    )


class Points(NamedTuple):
    """Points in increasing order with arbitrary values; `gaps` says that the gaps are positive."""

    x: list[Expr]
    y: list[Expr]
    h: list[Expr]
    s: list[Expr]
    gaps: list[Relation]

    @classmethod
    def of(cls, count: int) -> Points:
        x, y = ([start] for start in parameters("x1 y1"))
        h, s = (list(parameters(f"{name}1:{count}")) for name in "hs")
        for gap, slope in zip(h, s, strict=True):
            x.append(x[-1] + gap)
            y.append(y[-1] + slope * gap)
        return cls(x, y, h, s, [above(gap, 0) for gap in h])

    def interpolated(
        self, function: Callable[[Expr], Expr], given: list[Relation], title: str = ""
    ) -> Iterator[Goal]:
        """The function takes all the values."""
        for k, (place, value) in enumerate(zip(self.x, self.y, strict=True), start=1):
            where = f"{title}, point {k}" if title else f"Point {k}"
            yield goal([*self.gaps, *given], equal(function(place), value), where)


def five_points_one_of_two(bends: tuple[int, int, int] = (1, -1, 1)) -> Proof:
    """If the three second differences alternate, `s3 - s4 <= s1` or `s2 - s1 >= s4`."""
    s = parameters("s1:5")
    given = [above(sign * (s[k + 1] - s[k]), 0) for k, sign in enumerate(bends)]
    return prove(
        "five-points-one-of-two",
        "If the second differences of five values alternate, one of two cases holds.",
        [goal(given, [at_most(s[2] - s[3], s[0]), at_least(s[1] - s[0], s[3])])],
    )


def _alternating(s: list[Expr]) -> list[Relation]:
    return [above(s[1] - s[0], 0), below(s[2] - s[1], 0), above(s[3] - s[2], 0)]


def five_points_first_function(t: Expr, p: Points) -> tuple[Expr, Expr]:
    """The function at `t`, and its first breakpoint: it starts with slope `s3 - s4`."""
    s1, s2, s3, s4 = p.s
    start = s3 - s4
    first = p.x[1] - p.h[0] * (s1 - start) / (s2 - start)
    bias = p.y[0] - (s4 - s3) * (p.x[3] - p.x[0])
    neurons = (s2 - start) * relu(t - first) + (s3 - s2) * relu(t - p.x[2]) + (s4 - s3) * relu(p.x[3] - t)
    return bias + neurons, first


def five_points_first_case(slack: Any = 0) -> Proof:
    """Three neurons and a bias interpolate five alternating values if `s3 - s4 <= s1`."""
    p = Points.of(5)
    given = [*_alternating(p.s), at_most(p.s[2] - p.s[3], p.s[0] + slack * (p.s[1] - p.s[0]))]
    _, first = five_points_first_function(p.x[0], p)
    return prove(
        "five-points-first-case",
        "Start with slope s3 - s4, break until point 2, at point 3 and at point 4; one neuron faces left.",
        [
            goal([*p.gaps, *given], above(first, p.x[0]), "The first breakpoint is right of point 1"),
            goal([*p.gaps, *given], at_most(first, p.x[1]), "The first breakpoint is not right of point 2"),
            *p.interpolated(lambda t: five_points_first_function(t, p)[0], given),
        ],
    )


def five_points_second_function(t: Expr, p: Points) -> tuple[Expr, Expr]:
    """The function at `t`, and its last breakpoint: it ends with slope `s2 - s1`."""
    s1, s2, s3, s4 = p.s
    end = s2 - s1
    last = p.x[3] + p.h[3] * (end - s4) / (end - s3)
    bias = p.y[4] - (s2 - s1) * (p.x[4] - p.x[1])
    neurons = (s2 - s1) * relu(t - p.x[1]) + (s3 - s2) * relu(p.x[2] - t) + (end - s3) * relu(last - t)
    return bias + neurons, last


def five_points_second_case(slack: Any = 0) -> Proof:
    """Three neurons and a bias interpolate five alternating values if `s2 - s1 >= s4`: the mirror image."""
    p = Points.of(5)
    given = [*_alternating(p.s), at_least(p.s[1] - p.s[0], p.s[3] - slack * (p.s[3] - p.s[2]))]
    _, last = five_points_second_function(p.x[0], p)
    return prove(
        "five-points-second-case",
        "End with slope s2 - s1, break at point 2, at point 3 and from point 4 on; two neurons face left.",
        [
            goal([*p.gaps, *given], at_least(last, p.x[3]), "The last breakpoint is not left of point 4"),
            goal([*p.gaps, *given], below(last, p.x[4]), "The last breakpoint is left of point 5"),
            *p.interpolated(lambda t: five_points_second_function(t, p)[0], given),
        ],
    )


def five_points_with_breakpoints(t: Expr, p: Points, bends: list[tuple[Expr, Expr]]) -> Expr:
    """A neuron that starts at point 1, and one for each breakpoint and slope jump."""
    neurons = [jump * relu(t - place) for place, jump in [(p.x[0], p.s[0]), *bends]]
    return p.y[0] + sum(neurons)


def five_points_two_breakpoints(shift: Any = 0) -> Proof:
    """If the three second differences do not strictly alternate, two breakpoints do, so three neurons.
    Neighbours of one sign share the point where the outer lines meet (moved by `shift` gaps); if
    one is 0, the others keep their points."""
    p = Points.of(5)
    s1, s2, s3, s4 = p.s
    plain = [(p.x[k], p.s[k] - p.s[k - 1]) for k in (1, 2, 3)]
    ways: list[tuple[str, list[tuple[Expr, Expr]], list[Relation]]] = []
    for sign, name in ((1, "up"), (-1, "down")):
        first, second, third = (sign * jump for _, jump in plain)
        meet = p.x[1] + p.h[1] * (shift + second / (sign * (s3 - s1)))
        bends = [(meet, s3 - s1), plain[2]]
        ways.append((f"First two {name}", bends, [above(first, 0), above(second, 0)]))
        meet = p.x[2] + p.h[2] * (shift + third / (sign * (s4 - s2)))
        bends = [plain[0], (meet, s4 - s2)]
        ways.append((f"Last two {name}", bends, [above(second, 0), above(third, 0)]))
    for k, name in enumerate(("First", "Second", "Third")):
        ways.append((f"{name} is 0", plain[:k] + plain[k + 1 :], [equal(p.s[k], p.s[k + 1])]))
    return prove(
        "five-points-two-breakpoints",
        "If the second differences of five values do not strictly alternate, two breakpoints interpolate.",
        [
            wanted
            for name, bends, given in ways
            for wanted in p.interpolated(partial(five_points_with_breakpoints, p=p, bends=bends), given, name)
        ],
    )


def further_point(lag: Any = 0) -> Proof:
    """Every further point costs one neuron, which starts at its neighbour: `K - 2` neurons for `K >= 5`."""
    t, x, y, h, slope, wanted = parameters("t x y h s r")
    jump = wanted - slope
    start = x + lag * h
    value = y + slope * h + jump * relu(x + h - start)
    return prove(
        "further-point",
        "To go on with slope r where a function has slope s, one neuron is enough.",
        [
            goal([above(h, 0), at_most(t, x)], equal(jump * relu(t - start), 0), "Earlier points"),
            goal([above(h, 0)], equal(value, y + wanted * h), "The new point"),
        ],
    )


def restarted(t: Expr, p: Expr, w: Expr, before: tuple[Expr, Expr], after: tuple[Expr, Expr]) -> Expr:
    """Lines, as value and slope at the knots `p` and `p + w`, with a bridge between them."""
    (y, k), (z, m) = before, after
    bridge = (z - y) / w
    return y + k * (t - p) + (bridge - k) * relu(t - p) + (m - bridge) * relu(t - p - w)


def restart(reach: Any = 1) -> Proof:
    """Two knots take a function from any line to any other one."""
    t, p, w, y, k, z, m = parameters("t p w y k z m")
    function = restarted(t, p, w, (y, k), (z, m))
    return prove(
        "restart",
        "Two knots in a gap take a function from any line to any other one.",
        [
            goal([above(w, 0), at_most(t, p)], equal(function, y + k * (t - p)), "Before"),
            goal([above(w, 0), at_least(t, p + reach * w)], equal(function, z + m * (t - p - w)), "Behind"),
        ],
    )


def window(jump: Any = 1) -> Proof:
    """A second difference at `a < b < c` is additive; it is 0 for lines, at least 0 for `relu(t - p)`, and 0
    for it if `p` is not in `(a, c)`. So if it is positive, a convex breakpoint lies in `(a, c)`."""
    a, h1, h2, p, y, s = parameters("a h1 h2 p y s")
    gaps = [above(h1, 0), above(h2, 0)]

    def second(f: Any) -> Expr:
        at = [f(a), f(a + h1), f(a + h1 + h2)]
        return (at[2] - at[1]) * h1 - (at[1] - at[0]) * h2

    bend = second(lambda t: jump * relu(t - p))
    return prove(
        "window",
        "Where a second difference is positive, every interpolant has a convex breakpoint in between.",
        [
            goal(gaps, equal(second(lambda t: y + s * t), 0), "Lines"),
            goal([*gaps, at_most(p, a)], equal(bend, 0), "Breakpoints on the left"),
            goal([*gaps, at_least(p, a + h1 + h2)], equal(bend, 0), "Breakpoints on the right"),
            goal(gaps, at_least(bend, 0), "Any convex breakpoint"),
        ],
    )
