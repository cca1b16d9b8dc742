"""Hypothesis strategies for point sets, problems, networks and forged certificates (extra `hunt`).

They yield plain exact data and need nothing else of this project. Examples shrink towards few points with
small integers, few edits and the value 1; families that are told by name come from simple to nasty.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError("strategies need Hypothesis: pip install 'fine-tuning-capacity[hunt]'") from None

__all__ = ["POINTS", "VALUES", "mutated_certificates", "networks", "point_sets", "problems"]

Point = tuple[Fraction, ...]
Problem = dict[str, Any]
"""`points` (K tuples of d fractions), `base` (K fractions) and `edits` (index: wanted output)."""
Layers = list[tuple[list[list[Fraction]], list[Fraction]]]

_TINY = Fraction(1, 2**1074)
_small = st.integers(-4, 4).map(Fraction)
_ratio = st.builds(Fraction, st.integers(-99, 99), st.integers(1, 12))
_double = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: Fraction(*x.as_integer_ratio()))
_power = st.builds(lambda m, e: m * Fraction(2) ** e, st.integers(-9, 9), st.integers(-1070, 1020))


def _vector(entry: st.SearchStrategy[Fraction], d: int) -> st.SearchStrategy[Point]:
    return st.tuples(*[entry] * d)


def _moved(x: Point, step: Sequence[Fraction | int], factor: Fraction | int) -> Point:
    return tuple(a + factor * b for a, b in zip(x, step, strict=True))


def _neighbour(x: Fraction, steps: int) -> Fraction:
    """The double so many doubles above the double `x`."""
    number = float(x)
    for _ in range(abs(steps)):
        number = math.nextafter(number, math.copysign(math.inf, steps))
    return Fraction(*number.as_integer_ratio())


def _some(point: st.SearchStrategy[Point], count: int) -> st.SearchStrategy[list[Point]]:
    return st.lists(point, min_size=count, max_size=count)


@st.composite
def _collinear(draw: st.DrawFn, d: int, count: int) -> list[Point]:
    start, step = draw(_vector(_small, d)), draw(_vector(_small, d).filter(any))
    return draw(_some(_ratio.map(lambda t: _moved(start, step, t)), count))


@st.composite
def _clusters(draw: st.DrawFn, d: int, count: int) -> list[Point]:
    places = draw(st.lists(_vector(_small, d), min_size=1, max_size=3))
    scales = [Fraction(1, 10**e) for e in (1, 3, 9, 30, 300)]
    near = st.builds(_moved, st.sampled_from(places), _vector(_small, d), st.sampled_from(scales))
    return draw(_some(near, count))


@st.composite
def _one_ulp_apart(draw: st.DrawFn, d: int, count: int) -> list[Point]:
    x = draw(_vector(_ratio.map(lambda r: Fraction(*float(r).as_integer_ratio())), d))
    steps = st.tuples(*[st.integers(-2, 2)] * d)
    return draw(_some(steps.map(lambda s: tuple(map(_neighbour, x, s))), count))


@st.composite
def _equal_projections(draw: st.DrawFn, d: int, count: int) -> list[Point]:
    """The second half stands across a direction of small integers from the first."""
    points = draw(_some(_vector(_small, d), (count + 1) // 2))
    a, b = draw(st.tuples(*[st.integers(-3, 3)] * 2).filter(any))
    across = (Fraction(b), Fraction(-a), *[Fraction(0)] * (d - 2))[:d]
    steps = draw(st.lists(st.integers(-3, 3).filter(bool), min_size=count // 2, max_size=count // 2))
    return points + [_moved(x, across, t) for x, t in zip(points, steps, strict=False)]


@st.composite
def _tiny_gap(draw: st.DrawFn, d: int, count: int) -> list[Point]:
    middle: list[Point] = [(k * _TINY, *[Fraction(0)] * (d - 1)) for k in (0, -1, 1)]
    return (middle + draw(_some(_vector(_small, d), max(0, count - 3))))[:count]


def _each(entry: st.SearchStrategy[Fraction]) -> Any:
    return lambda d, count: _some(_vector(entry, d), count)


POINTS: dict[str, Any] = {
    "grid": _each(_small),
    "rational": _each(_ratio),
    "collinear": _collinear,
    "equal-projections": _equal_projections,
    "clusters": _clusters,
    "one-ulp-apart": _one_ulp_apart,
    "dynamic-range": _each(st.one_of(_power, _double)),
    "tiny-gap": _tiny_gap,
}
"""Families of point sets, each with `(d, count)`:

| family | points |
| --- | --- |
| `grid` | integers from -4 to 4 |
| `rational` | fractions with denominators up to 12 |
| `collinear` | on one line |
| `equal-projections` | half of them fall together with others along a direction of small integers |
| `clusters` | close to at most three places, at distances from `1/10` to `10^-300` |
| `one-ulp-apart` | doubles, in every coordinate at most two doubles away from one place |
| `dynamic-range` | doubles of any size, and small multiples of `2^-1070` to `2^1020` |
| `tiny-gap` | the first three at `0, -2^-1074, 2^-1074` along the first axis |
"""

VALUES = ("any", "all-edited", "none-edited", "one-edited", "one-sign", "alternating", "cancelling")
"""Families of changes: `any` of any points; `all-edited`; `none-edited`; `one-edited`, the first point alone
(at a tiny gap the middle one of three, and those beside it are protected); `one-sign`; `alternating`, 1 and
-1 in the order of the points; `cancelling`, pairs of opposite numbers, with sum 0."""


def _counts(most: int) -> st.SearchStrategy[int]:
    """Three quarters are at most 8."""  # one_of takes equal strategies for one
    limits = st.sampled_from((8, 8, 8, most))
    return limits.flatmap(lambda limit: st.integers(1, min(limit, most)))


@st.composite
def point_sets(
    draw: st.DrawFn,
    *,
    max_points: int = 8,
    max_dimension: int = 3,
    families: Sequence[str] = tuple(POINTS),
    distinct: bool = False,
) -> tuple[Point, ...]:
    """Point sets of `1..max_points` points, mostly at most 8, in up to `max_dimension` dimensions, of some of
    `POINTS`. With `distinct`, each point once.

    >>> from hypothesis import find
    >>> points = find(point_sets(distinct=True), lambda points: len(points) > 1)
    >>> len(set(points)) == len(points), {type(x) for point in points for x in point}
    (True, {<class 'fractions.Fraction'>})
    """
    family, count = draw(st.sampled_from(list(families))), draw(_counts(max_points))
    points = draw(POINTS[family](draw(st.integers(1, max_dimension)), count))
    return tuple(dict.fromkeys(points) if distinct else points)


@st.composite
def problems(
    draw: st.DrawFn,
    *,
    points: st.SearchStrategy[tuple[Point, ...]] | None = None,
    values: Sequence[str] = VALUES,
) -> Problem:
    """Problems on point sets, with changes of some of `VALUES`; equal points get equal changes.

    >>> from hypothesis import find
    >>> found = find(problems(values=["all-edited"]), lambda problem: len(problem["points"]) == 3)
    >>> sorted(found), len(found["base"]), list(found["edits"])
    (['base', 'edits', 'points'], 3, [0, 1, 2])
    """
    places = draw(point_sets() if points is None else points)
    family = draw(st.sampled_from(list(values)))
    several = list(dict.fromkeys(places))
    size = st.one_of(st.just(Fraction(1)), _ratio, _double).map(abs).filter(bool)
    if family in ("none-edited", "one-edited"):
        chosen = several[: int(family == "one-edited")]
    elif family == "all-edited":
        chosen = several
    else:
        chosen = [x for x in several if draw(st.booleans())]
    if family == "alternating":
        changes = {x: Fraction((-1) ** k) for k, x in enumerate(sorted(chosen))}
    elif family == "cancelling":
        heights = [draw(size) for _ in chosen[1::2]]
        pairs = zip(chosen[::2], chosen[1::2], heights, strict=False)
        changes = {x: change for a, b, height in pairs for x, change in ((a, height), (b, -height))}
    elif family == "one-sign":
        sign = draw(st.sampled_from((1, -1)))
        changes = {x: draw(size) * sign for x in chosen}
    else:
        changes = {x: draw(size) * draw(st.sampled_from((1, -1))) for x in chosen}
    base = draw(st.lists(_small, max_size=len(places)))
    base += [Fraction(0)] * (len(places) - len(base))
    edits = {i: base[i] + changes[x] for i, x in enumerate(places) if x in changes}
    return {"points": places, "base": tuple(base), "edits": edits}


@st.composite
def networks(
    draw: st.DrawFn, *, inputs: int = 2, max_width: int = 4, max_hidden: int = 3, outputs: int = 1
) -> Layers:
    """Dense ReLU networks as `(weight, bias)` layers, with widths from 0.

    >>> from hypothesis import find
    >>> layers = find(networks(inputs=1), lambda layers: len(layers) == 2 and len(layers[0][1]) == 3)
    >>> [len(bias) for _, bias in layers]
    [3, 1]
    """
    widths = [inputs, *draw(st.lists(st.integers(0, max_width), min_size=1, max_size=max_hidden)), outputs]
    entry = st.one_of(_small, _ratio, _double, st.just(_TINY))
    return [
        (
            draw(st.lists(st.lists(entry, min_size=n, max_size=n), min_size=m, max_size=m)),
            draw(st.lists(entry, min_size=m, max_size=m)),
        )
        for n, m in zip(widths, widths[1:], strict=False)
    ]


@st.composite
def mutated_certificates(draw: st.DrawFn, documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One of the certificates, with one or two values somewhere replaced, dropped or doubled.

    >>> from hypothesis import find
    >>> good = {"version": 1}
    >>> find(mutated_certificates([good]), lambda document: document != good) != good
    True
    """
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(list(documents))))
    for _ in range(draw(st.integers(1, 2))):
        box: Any = document
        while True:
            keys = list(box) if isinstance(box, dict) else list(range(len(box)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            deeper = isinstance(box[key], (dict, list)) and box[key]
            if deeper and draw(st.integers(0, 9)):
                box = box[key]
                continue
            _mutate(draw, box, key)
            break
    return document


def _mutate(draw: st.DrawFn, box: Any, key: Any) -> None:
    value = box[key]
    how = draw(st.sampled_from(["replace", "drop", "double"]))
    if how == "drop":
        del box[key]
    elif how == "double" and isinstance(box, list):
        box.insert(key, copy.deepcopy(value))
    elif isinstance(value, bool) or not isinstance(value, (int, str)):
        box[key] = draw(st.sampled_from([None, [], {}, "0", 0, -1, 1.5, True]))
    elif isinstance(value, int):
        box[key] = value + draw(st.sampled_from([1, -1, 10**18, -value]))
    else:
        box[key] = draw(st.sampled_from(["0", "1", f"-{value}", f"{value}0", f"0{value}", value[:-1], "1/2"]))
