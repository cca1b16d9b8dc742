"""Hypothesis strategies for point sets, problems, networks and forged certificates (extra `hunt`).

They yield plain exact data and need nothing else of this project. Examples shrink towards few points with
small integers, few edits and the value 1; families that are told by name come from simple to nasty.
"""

from __future__ import annotations

import copy
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


def _vector(entry: st.SearchStrategy[Fraction], d: int) -> st.SearchStrategy[Point]:
    return st.tuples(*[entry] * d)


def _moved(x: Point, step: Sequence[Fraction | int], factor: Fraction | int) -> Point:
    return tuple(a + factor * b for a, b in zip(x, step, strict=True))


def _next_double(x: Fraction, ulps: int) -> Fraction:
    """So many doubles further, on a grid of the size of `x`."""
    return x + ulps * Fraction(2) ** (max(abs(x.numerator // x.denominator).bit_length(), 1) - 53)


def _some(point: st.SearchStrategy[Point], most: int) -> st.SearchStrategy[list[Point]]:
    return st.lists(point, min_size=1, max_size=most)


@st.composite
def _collinear(draw: st.DrawFn, d: int, most: int) -> list[Point]:
    start, step = draw(_vector(_small, d)), draw(_vector(_small, d))
    return draw(_some(_ratio.map(lambda t: _moved(start, step, t)), most))


@st.composite
def _clusters(draw: st.DrawFn, d: int, most: int) -> list[Point]:
    """Close to few places, at distances of several scales."""
    places = draw(_some(_vector(_small, d), 3))
    scales = [Fraction(1, 10**e) for e in (1, 3, 9, 30, 300)]
    near = st.builds(_moved, st.sampled_from(places), _vector(_small, d), st.sampled_from(scales))
    return draw(_some(near, most))


@st.composite
def _one_ulp_apart(draw: st.DrawFn, d: int, most: int) -> list[Point]:
    x = draw(_vector(_ratio.map(lambda r: Fraction(*float(r).as_integer_ratio())), d))
    steps = st.tuples(*[st.integers(-2, 2)] * d)
    return draw(_some(steps.map(lambda s: tuple(map(_next_double, x, s))), most))


@st.composite
def _equal_projections(draw: st.DrawFn, d: int, most: int) -> list[Point]:
    """Some pairs fall together along a direction of small integers."""
    points = draw(_some(_vector(_small, d), most))
    u = draw(st.tuples(*[st.integers(-3, 3)] * d))
    across = (Fraction(u[1]), Fraction(-u[0]), *[Fraction(0)] * (d - 2)) if d > 1 else (Fraction(0),)
    steps = draw(st.lists(st.integers(-3, 3), max_size=most - len(points)))
    return points + [_moved(points[0], across, t) for t in steps]


@st.composite
def _tiny_gap(draw: st.DrawFn, d: int, most: int) -> list[Point]:
    """Points at `-2^-1074, 0, 2^-1074` along the first axis, and others further away."""
    middle: list[Point] = [(k * _TINY, *[Fraction(0)] * (d - 1)) for k in (0, -1, 1)]
    return (middle + draw(st.lists(_vector(_small, d), max_size=max(0, most - 3))))[:most]


def _each(entry: st.SearchStrategy[Fraction]) -> Any:
    return lambda d, most: _some(_vector(entry, d), most)


POINTS: dict[str, Any] = {
    "grid": _each(_small),
    "rational": _each(_ratio),
    "collinear": _collinear,
    "equal-projections": _equal_projections,
    "clusters": _clusters,
    "one-ulp-apart": _one_ulp_apart,
    "dynamic-range": _each(_double),
    "tiny-gap": _tiny_gap,
}
"""Families of point sets."""

VALUES = ("any", "all-edited", "none-edited", "one-sign", "alternating", "cancelling")
"""Families of changes."""


@st.composite
def point_sets(
    draw: st.DrawFn,
    *,
    max_points: int = 8,
    max_dimension: int = 3,
    families: Sequence[str] = tuple(POINTS),
    distinct: bool = False,
) -> tuple[Point, ...]:
    """Point sets of `1..max_points` points in up to `max_dimension` dimensions, of some of `POINTS`. With
    `distinct`, each point once."""
    d, family = draw(st.integers(1, max_dimension)), draw(st.sampled_from(list(families)))
    points = draw(POINTS[family](d, max_points))
    return tuple(dict.fromkeys(points) if distinct else points)


@st.composite
def problems(
    draw: st.DrawFn,
    *,
    points: st.SearchStrategy[tuple[Point, ...]] | None = None,
    values: Sequence[str] = VALUES,
) -> Problem:
    """Problems on point sets, with changes of some of `VALUES`; equal points get equal changes."""
    places = draw(point_sets() if points is None else points)
    family = draw(st.sampled_from(list(values)))
    several = list(dict.fromkeys(places))
    size = st.one_of(st.just(Fraction(1)), _ratio, _double).map(abs).filter(bool)
    if family == "none-edited":
        chosen = []
    elif family == "all-edited":
        chosen = several
    else:
        chosen = [x for x in several if draw(st.booleans())]
    if family == "alternating":
        changes = {x: Fraction((-1) ** k) for k, x in enumerate(sorted(chosen))}
    elif family == "cancelling":  # up and down by the same number, side by side
        height = draw(size)
        changes = {x: height * draw(st.sampled_from((1, -1))) for x in chosen}
    elif family == "one-sign":
        changes = {x: draw(size) for x in chosen}
    else:
        changes = {x: draw(size) * draw(st.sampled_from((1, -1))) for x in chosen}
    base = tuple(draw(_small) for _ in places)
    edits = {i: base[i] + changes[x] for i, x in enumerate(places) if x in changes}
    return {"points": places, "base": base, "edits": edits}


@st.composite
def networks(
    draw: st.DrawFn, *, inputs: int = 2, max_width: int = 4, max_hidden: int = 3, outputs: int = 1
) -> Layers:
    """Dense ReLU networks as `(weight, bias)` layers, with widths from 0."""
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
    """One of the certificates, with one or two values somewhere replaced, dropped or doubled."""
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
