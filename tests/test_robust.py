"""The claim `robust`: no point of a ball contradicts what it accepts; and it accepts what it should."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from float_claims import Row, accepted, document, holds_in_balls, judged
from networks import Layers, evaluate

ZERO, ONE, HALF = Fraction(0), Fraction(1), Fraction(1, 2)


def robust(radius: Fraction) -> dict[str, Any]:
    return {"kind": "robust", "radius": str(radius)}


def bumps(rng: random.Random, d: int, outputs: int) -> tuple[Layers, list[Row], list[Row], dict[int, int]]:
    """Labels by bumps along a direction, at times with a step behind them, and noise now and then."""
    u = [Fraction(rng.randint(-3, 3), rng.randint(1, 3)) for _ in range(d)]
    u[0] = u[0] or ONE
    points = [[Fraction(rng.randint(-20, 20)) for _ in range(d)] for _ in range(rng.randint(2, 5))]
    edited = {0: rng.randrange(outputs)}
    at = sum(a * x for a, x in zip(u, points[0], strict=True))
    wide, high = Fraction(rng.randint(2, 12), 4), Fraction(rng.randint(1, 9))
    hidden = ([u, u, u], [wide - at, -at, -wide - at])
    tent = [[high / wide, -2 * high / wide, high / wide]]
    rise = [ONE if k == edited[0] else ZERO for k in range(outputs)]
    if rng.random() < 0.5:
        layers: Layers = [hidden, ([[x * r for x in tent[0]] for r in rise], [ZERO] * outputs)]
    else:  # a step from 0 to 1 between a quarter and half of the height, or the sum of a few rectified tents
        second = ([tent[0], tent[0]], [-high / 4, -high / 2])
        layers = [hidden, second, ([[4 / high * r, -4 / high * r] for r in rise], [ZERO] * outputs)]
    if rng.random() < 0.3:
        weight = rng.choice(layers)[0]
        rng.choice(weight)[0] += Fraction(rng.randint(-1, 1), 50)
    base = [[Fraction(rng.randint(0, 3), 4) for _ in range(outputs)] for _ in points]
    return layers, points, base, edited


def anything(rng: random.Random, d: int, outputs: int) -> tuple[Layers, list[Row], list[Row], dict[int, int]]:
    """A random network whose second half takes back what the first half does, or some of it."""
    layers: Layers = []
    below = d

    def some() -> Fraction:
        return Fraction(rng.randint(-5, 5), rng.randint(1, 3))

    for _ in range(rng.randint(0, 3)):
        width = rng.randrange(4)
        layers.append(
            ([[some() for _ in range(below)] for _ in range(width)], [some() for _ in range(width)])
        )
        below = width
    last = [[some() for _ in range(below)] for _ in range(outputs)]
    if layers and rng.random() < 0.5:
        weight, bias = layers[-1]
        layers[-1] = (weight * 2, bias + [b + rng.choice((0, 0, 1)) for b in bias])
        last = [row + [-w for w in row] for row in last]
    layers.append((last, [rng.choice((ZERO, ZERO, ONE)) for _ in range(outputs)]))
    points = [[some() for _ in range(d)] for _ in range(rng.randint(1, 3))]
    base = [[4 * some() for _ in range(outputs)] for _ in points]
    wanted = {
        i: max(range(outputs), key=lambda k: base[i][k]) for i in range(len(points)) if rng.random() < 0.6
    }
    return layers, points, base, wanted


def kinks(layers: Layers, x: Row, step: Row, reach: Fraction) -> list[Fraction]:
    """All `t` within `reach` where a neuron has its kink at `x + t step`, and both ends; so every output is
    linear between neighbours. Found layer by layer: a neuron is linear between kinks of those before it."""
    places = [-reach, ZERO, reach]
    for depth in range(1, len(layers)):
        part = layers[:depth]
        rows = [evaluate(part, [a + t * s for a, s in zip(x, step, strict=True)]) for t in places]
        for (t, row), (u, other) in zip(
            list(zip(places, rows, strict=True)), list(zip(places, rows, strict=True))[1:], strict=False
        ):
            places += [t + (u - t) * y / (y - z) for y, z in zip(row, other, strict=True) if y * z < 0]
        places = sorted(set(places))
    return places


def directions(rng: random.Random, d: int) -> Iterator[Row]:
    """Axes, corners, and others, all of size 1."""
    for corner in product((-ONE, ONE), repeat=d):
        yield list(corner)
    for k in range(d):
        yield [ONE if j == k else ZERO for j in range(d)]
    for _ in range(4):
        yield [Fraction(rng.randint(-9, 9), 9) for _ in range(d)]


def contradicted(
    layers: Layers, x: Row, frozen: Row, label: int | None, radius: Fraction, rng: random.Random
) -> bool:
    """Whether some point of the ball, out of many, has another output than wanted: out of all, if `d = 1`."""
    for step in directions(rng, len(x)):
        for t in kinks(layers, x, step, radius):
            g = evaluate(layers, [a + t * s for a, s in zip(x, step, strict=True)])
            logits = [b + z for b, z in zip(frozen, g, strict=True)]
            if (
                any(g)
                if label is None
                else any(logits[label] <= z for k, z in enumerate(logits) if k != label)
            ):
                return True
    return False


@pytest.mark.parametrize("some", [bumps, anything])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_no_point_of_a_ball_contradicts_an_accepted_claim(some: Any, d: int, tmp_path: Path) -> None:
    """Random networks, the naive judge, and the kinks on lines through the point."""
    rng = random.Random(f"{some.__name__} {d}")
    seen = {True: 0, False: 0}
    provable = true = 0
    for _ in range(150):
        layers, points, base, wanted = some(rng, d, rng.randint(2, 3))
        radius = Fraction(rng.randint(1, 60), rng.choice((12, 60, 400)))
        claim = robust(radius)
        verdict = judged(document(layers, points, base, wanted, claim), tmp_path)
        good = verdict.status == "accepted"
        assert good is holds_in_balls(claim, layers, points, base, wanted), verdict.text()
        seen[good] += 1
        wrong = any(
            contradicted(layers, x, frozen, wanted.get(i), radius, rng)
            for i, (x, frozen) in enumerate(zip(points, base, strict=True))
        )
        assert not (good and wrong)
        provable, true = provable + good, true + (not wrong)
    assert min(seen.values()) >= 15, seen
    assert provable > 0.7 * true, (provable, true)  # most claims that seem true are proved


@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_radius_of_a_tent(d: int, tmp_path: Path) -> None:
    """A tent of width `e` and height `h` along `u` leads by `h (1 - r |u| / e)`, `|u|` the sum of sizes: the
    radius where a frozen lead of `b` is caught up with is known, and so is that of a protected point."""
    rng = random.Random(d)
    for _ in range(15):
        u = [Fraction(rng.choice((-2, -1, 1, 3)), rng.randint(1, 3)) for _ in range(d)]
        size = sum(map(abs, u))
        e, h = Fraction(rng.randint(1, 9), 3), Fraction(rng.randint(2, 9))
        b = h * Fraction(rng.randint(1, 9), 10)
        tent = [h / e, -2 * h / e, h / e]
        layers: Layers = [([u] * 3, [e, ZERO, -e]), ([[ZERO] * 3, tent], [ZERO, ZERO])]
        for edits, limit, points, tie in (
            ({0: 1}, e * (1 - b / h) / size, [[ZERO] * d], False),
            (
                {},
                e / size,
                [
                    [2 * e * a / sum(x * x for x in u) for a in u],
                    [-2 * e * a / sum(x * x for x in u) for a in u],
                ],
                True,
            ),
        ):
            base = [[b, ZERO]] * len(points)
            hair = limit / 2**40
            for radius, good in ((limit - hair, True), (limit, tie), (limit + hair, False)):
                assert accepted(document(layers, points, base, edits, robust(radius)), tmp_path) is good


def test_three_neurons_that_are_all_active_cancel(tmp_path: Path) -> None:
    """`relu(a + v) + relu(a - v) - 2 relu(a)`, in the first or in a later layer."""
    rows = [[ONE, HALF], [ONE, -HALF], [ONE, ZERO]]
    out = [[ZERO] * 3, [ONE, ONE, Fraction(-2)]]
    points = [[Fraction(10), Fraction(3)]]
    alone: Layers = [(rows, [ONE] * 3), (out, [ZERO] * 2)]
    behind: Layers = [
        (
            [[ONE, ZERO], [ZERO, ONE], [-ONE, ZERO]],
            [ZERO, Fraction(-3), Fraction(10)],
        ),  # two with a kink there
        ([[*row, Fraction(2)] for row in rows], [Fraction(5)] * 3),
        (out, [ZERO] * 2),
    ]
    for layers in (alone, behind):
        assert accepted(document(layers, points, [[ZERO] * 2], {}, robust(Fraction(5))), tmp_path)
        assert not accepted(document(layers, points, [[ZERO] * 2], {}, robust(Fraction(50))), tmp_path)


def by_intervals(layers: Layers, x: Row, radius: Fraction) -> list[tuple[Fraction, Fraction]]:
    ends = [(a - radius, a + radius) for a in x]
    for k, (weight, bias) in enumerate(layers):
        if k:
            ends = [(max(low, ZERO), max(high, ZERO)) for low, high in ends]
        ends = [
            (
                sum((min(w * a, w * z) for w, (a, z) in zip(row, ends, strict=True)), b),
                sum((max(w * a, w * z) for w, (a, z) in zip(row, ends, strict=True)), b),
            )
            for row, b in zip(weight, bias, strict=True)
        ]
    return ends


def test_never_worse_than_intervals(tmp_path: Path) -> None:
    rng = random.Random(4)
    proved = 0
    for _ in range(300):
        layers, (x, *_), _, _ = anything(rng, 2, 2)
        radius = Fraction(rng.randint(1, 30), 12)
        (low, _), (_, high) = by_intervals(layers, x, radius)
        if (low, high) == (ZERO, ZERO):
            continue
        base = [[high - low + Fraction(1, 1000), ZERO]]  # label 0 leads, as intervals show
        assert accepted(document(layers, [x], base, {0: 0}, robust(radius)), tmp_path)
        proved += 1
    assert proved > 100


def test_a_sign_that_only_intervals_tell(tmp_path: Path) -> None:
    """`relu(-relu(x))` is 0, though a line above `relu(x)` is not."""
    layers: Layers = [([[ONE]], [ZERO]), ([[-ONE]], [ZERO]), ([[ONE], [ZERO]], [ZERO, ZERO])]
    assert accepted(document(layers, [[ONE]], [[ZERO] * 2], {}, robust(Fraction(7))), tmp_path)


def test_rows_with_denominators_of_their_own(tmp_path: Path) -> None:
    """Logits over 3 and over 7: `x / 3` leads `x / 7 + 1` from 21/4 on."""
    layers: Layers = [([[Fraction(1, 3)], [Fraction(1, 7)]], [ZERO, ONE])]
    for radius, good in ((Fraction(19, 4), False), (Fraction(19, 4) - Fraction(1, 2**30), True)):
        content = document(layers, [[Fraction(10)]], [[ZERO] * 2], {0: 0}, robust(radius))
        assert accepted(content, tmp_path) is good
        content = document(layers, [[Fraction(10)]], [[HALF, HALF]], {0: 0}, robust(radius))
        assert accepted(content, tmp_path) is good
