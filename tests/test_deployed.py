"""The claim `deployed`: what it accepts, every evaluation in floats does; and it accepts what it should."""

from __future__ import annotations

import hashlib
import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_claims import (
    FORMATS,
    Overflow,
    Row,
    accepted,
    combined,
    deployed,
    document,
    holds_as_floats,
    judged,
    lost,
    output_sums,
    rounded,
    rounding_of,
    some_evaluation,
    some_sum,
)
from networks import Layers, entry

import verify
from verify import engine
from verify.engine import Statistics
from verify.kernel import floats

KINDS = ["integers", "dyadic", "near one", "tiny", "huge", "far apart"]


def number(rng: random.Random, kind: str, name: str) -> Fraction:
    """A finite number of the format."""
    digits, largest = FORMATS[name]
    sign = rng.choice((-1, 1))
    if kind == "integers":
        return Fraction(rng.randint(-6, 6))
    if kind == "dyadic":
        return Fraction(rng.randint(-40, 40), 2 ** rng.randint(0, 6))
    if kind == "near one":  # products and sums that are a little above powers of two round the worst
        return sign * (1 + Fraction(rng.randrange(2 ** (digits // 2)), 2 ** (digits - 1)))
    if kind == "tiny":
        return sign * Fraction(rng.randrange(2**digits), 2 ** rng.randint(largest // 2, largest + digits - 2))
    if kind == "huge":
        return sign * Fraction(2) ** rng.randint(largest // 2 - 2, largest // 2 + 1) * rng.randint(1, 7)
    return rounded(rng.randint(-9, 9) * Fraction(2) ** rng.randint(-largest, largest - 4), name) or Fraction(
        0
    )


def network(rng: random.Random, kind: str, inputs: int, outputs: int, name: str) -> Layers:
    """Up to three layers, some with pairs that cancel."""
    layers: Layers = []
    below = inputs
    for _ in range(rng.randrange(3)):
        width = rng.randrange(4)
        weight = [[number(rng, kind, name) for _ in range(below)] for _ in range(width)]
        layers.append((weight, [number(rng, kind, name) for _ in range(width)]))
        below = width
    last = [[number(rng, kind, name) for _ in range(below)] for _ in range(outputs)]
    if layers and rng.random() < 0.6:
        weight, bias = layers[-1]
        layers[-1] = (weight * 2, bias * 2)
        last = [row + [-w for w in row] for row in last]
    bias = [number(rng, kind, name) if rng.random() < 0.3 else Fraction(0) for _ in range(outputs)]
    return [*layers, (last, bias)]


def case(rng: random.Random) -> tuple[dict[str, Any], Layers, list[Row], list[Row], dict[int, Any], str]:
    """A claim, and what it is about; the last entry is the kind of numbers."""
    dtype, total = rng.choice(list(FORMATS)), rng.choice(list(FORMATS))
    kind = rng.choice(KINDS)
    d, outputs = rng.randint(1, 4), rng.randint(2, 3)
    layers = network(rng, kind, d, outputs, dtype)
    points = [[number(rng, kind, dtype) for _ in range(d)] for _ in range(rng.randint(1, 4))]
    small = min((dtype, total), key=lambda name: FORMATS[name][0])
    base = [[number(rng, kind, small) for _ in range(outputs)] for _ in points]
    claim = deployed(dtype, total)
    if rng.random() < 0.5:
        wanted: dict[int, Any] = {i: rng.randrange(outputs) for i in range(len(points)) if rng.random() < 0.7}
        return claim, layers, points, base, wanted, kind
    wanted = {}
    for i, x in enumerate(points):
        if rng.random() < 0.7:
            try:
                g = some_evaluation(rng, layers, x, dtype)
            except Overflow:
                g = base[i]
            wanted[i] = [rounded(b + z, total) or Fraction(0) for b, z in zip(base[i], g, strict=True)]
    if not wanted:
        wanted[0] = base[0]
    sizes = [abs(v) for row in wanted.values() for v in row]
    claim["tolerance"] = str(max(sizes) * Fraction(rng.randrange(9), 2 ** rng.choice((1, 20, 50, 52))))
    return claim, layers, points, base, wanted, kind


def test_no_evaluation_contradicts_an_accepted_claim(tmp_path: Path) -> None:
    """Random networks, the naive judge, and evaluations in random orders, all by exact arithmetic."""
    rng = random.Random(1)
    seen: dict[tuple[str, bool], int] = {}
    for _ in range(900):
        claim, layers, points, base, wanted, kind = case(rng)
        verdict = judged(document(layers, points, base, wanted, claim), tmp_path)
        good = verdict.status == "accepted"
        assert good is holds_as_floats(claim, layers, points, base, wanted), verdict.text()
        seen[kind, good] = seen.get((kind, good), 0) + 1
        if not good:
            continue
        for _ in range(4):
            for i, x in enumerate(points):
                g = some_evaluation(rng, layers, x, claim["dtype"])  # no overflow
                total = [rounded(b + z, claim["sum"]) for b, z in zip(base[i], g, strict=True)]
                if i not in wanted:
                    assert not any(g)
                elif isinstance(wanted[i], int):
                    assert all(total[wanted[i]] > z for k, z in enumerate(total) if k != wanted[i])
                else:
                    near = Fraction(claim["tolerance"])
                    assert all(abs(r - v) <= near for r, v in zip(total, wanted[i], strict=True))
    for kind in KINDS:
        assert min(seen[kind, True], seen[kind, False]) >= 10, seen


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("inputs", [1, 2, 3, 8])
@pytest.mark.parametrize("kind", ["near one", "tiny"])
def test_a_tolerance_that_some_evaluation_misses_is_too_small(
    kind: str, inputs: int, bias: bool, tmp_path: Path
) -> None:
    """And a few times as much is enough: the bounds are of the right size."""
    rng = random.Random(f"{kind} {inputs} {bias}")

    def some() -> Fraction:
        if kind == "tiny":  # products between 2^-152 and 2^-148
            return Fraction(rng.randrange(2**23, 2**24), 2**98)
        return abs(number(rng, kind, "float32"))

    layers = [([[some() for _ in range(inputs)] for _ in range(5)], [bias * some() for _ in range(5)])]
    if kind == "tiny":
        layers[0] = (layers[0][0], [Fraction(int(bias), 2**149)] * 5)
    points = [[some() for _ in range(inputs)] for _ in range(60)]
    worst, exact = Fraction(0), {}
    for i, x in enumerate(points):
        exact[i] = [
            sum((w * z for w, z in zip(row, x, strict=True)), b) for row, b in zip(*layers[0], strict=True)
        ]
        for _ in range(6):
            g = some_evaluation(rng, layers, x, "float32")
            worst = max([worst, *(abs(z - v) for z, v in zip(g, exact[i], strict=True))])
    content = document(layers, points, [[Fraction(0)] * 5] * 60, exact)
    # values are doubles, or the sum in float64 is a little off besides
    for factor, good in ((1 - Fraction(1, 2**20), False), (Fraction(8 if inputs < 8 else 16), True)):
        content["claims"] = [deployed("float32", "float64", tolerance=str(worst * factor))]
        assert accepted(content, tmp_path) is good
    assert worst > 0


def test_errors_of_a_layer_reach_the_next(tmp_path: Path) -> None:
    """`4096 relu(w x) - 4095 relu(w x)`: the rounding of the hidden layer counts 8191 times."""
    rng = random.Random(5)
    w = [number(rng, "near one", "float32") for _ in range(2)]
    first = ([[abs(w[0])], [abs(w[0])]], [abs(w[1]), abs(w[1])])
    layers = [first, ([[Fraction(4096), Fraction(-4095)]], [Fraction(0)])]
    points = [[abs(number(rng, "near one", "float32"))] for _ in range(40)]
    exact = {i: [abs(w[0]) * x[0] + abs(w[1])] for i, x in enumerate(points)}
    some = [
        abs(some_evaluation(rng, layers, x, "float32")[0] - exact[i][0])
        for i, x in enumerate(points)
        for _ in range(9)
    ]
    content = document(layers, points, [[Fraction(0)]] * 40, exact)
    for factor, good in ((1 - Fraction(1, 2**20), False), (4, True)):
        content["claims"] = [deployed("float32", "float64", tolerance=str(max(some) * factor))]
        assert accepted(content, tmp_path) is good


@pytest.mark.parametrize("kind", ["near one", "tiny", "dyadic", "far apart"])
def test_the_bounds_are_those_of_the_format(kind: str, tmp_path: Path) -> None:
    """A little less tolerance is refused, a little more is enough: terms of second order count, too."""
    rng = random.Random(kind)
    count = 0
    while count < 40:
        layers, x = network(rng, kind, 2, 1, "float32"), [number(rng, kind, "float32") for _ in range(2)]
        if kind == "near one" and rng.random() < 0.5:  # a neuron that is 0 but for rounding
            w, sign = number(rng, kind, "float32"), rng.choice((-1, 1))
            layers = [
                ([[w, -w]], [Fraction(0)]),
                ([[1 + Fraction(sign, 2**23)]], [Fraction(rng.randrange(2))]),
            ]
            x = [x[0], x[0]]
        bounds = output_sums(layers, x, "float32")
        if bounds is None or not bounds[0][1]:
            continue
        count += 1
        ((value, error, _),) = bounds
        hair = Fraction(1, 2**27) if kind != "tiny" else Fraction(1, 2**20)
        for factor, good in ((1 - hair, False), (1 + hair, True)):
            claim = deployed("float32", "float64", tolerance=str(error * factor))
            assert accepted(document(layers, [x], [[Fraction(0)]], {0: [value]}, claim), tmp_path) is good


def tents(rng: random.Random, unit: Fraction) -> tuple[Layers, list[Row], list[Row], dict[int, int]]:
    """A label by tents along a line, all numbers multiples of a power of two."""
    places = rng.sample(range(-30, 30), 12)
    edited = {i: rng.randrange(3) for i in range(4)}
    weight, bias, out = [], [], [[] for _ in range(3)]  # type: ignore[var-annotated]
    for i, label in edited.items():
        for shift, factor in ((1, 8), (0, -16), (-1, 8)):
            weight.append([Fraction(1)])
            bias.append((shift - places[i]) * unit)
            for k in range(3):
                out[k].append(Fraction(factor if k == label else 0))
    base = [[Fraction(rng.randint(-2, 2)) * unit for _ in range(3)] for _ in places]
    return [(weight, bias), (out, [Fraction(0)] * 3)], [[t * unit] for t in places], base, edited


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("unit", [0, 20, -20, -100, 100])
def test_dyadic_tents_are_exact(dtype: str, unit: int, tmp_path: Path) -> None:
    layers, points, base, edited = tents(random.Random(unit), Fraction(2) ** unit)
    count = {"kind": "label-edit", "neurons": 12, "layers": 2}
    claims = [count, deployed(dtype, "float32"), deployed(dtype, "float64")]
    verdict = judged(document(layers, points, base, edited, *claims), tmp_path)
    assert verdict.status == "accepted", verdict.text()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_does_what_is_accepted(dtype: Any, tmp_path: Path) -> None:
    """A patch with weights like 0.1: labels hold and protected outputs are 0 in numpy, columns in any order,
    products added by BLAS, pairwise or one after the other."""
    rng = np.random.default_rng(3)
    d, k = 5, 60
    points = rng.normal(size=(k, d)).astype(dtype)
    u = rng.normal(size=d).astype(dtype)
    t = np.sort(points.astype(float) @ u.astype(float))
    knot = dtype((t[-4] + t[-5]) / 2)  # the last four are edited
    first = (np.tile(u, (2, 1)).astype(dtype), np.array([-knot, -knot - dtype(0.3)], dtype))
    second = (rng.normal(size=(3, 2)).astype(dtype), np.zeros(3, dtype))
    second[0][1] = 1e6
    layers: Layers = [
        ([[Fraction(float(x)) for x in row] for row in w], [Fraction(float(x)) for x in b])
        for w, b in (first, second)
    ]
    edited = {int(i): 1 for i in np.flatnonzero(points.astype(float) @ u.astype(float) > float(knot))}
    base = rng.normal(size=(k, 3)).astype(np.float32)
    rows, frozen = ([[Fraction(float(x)) for x in row] for row in a] for a in (points, base))
    assert len(edited) == 4
    claims = [deployed(dtype.__name__, total) for total in FORMATS]
    verdict = judged(document(layers, rows, frozen, edited, *claims), tmp_path)
    assert verdict.status == "accepted", verdict.text()
    labels = np.array([edited.get(i, -1) for i in range(k)])

    def fits(g: np.ndarray) -> None:
        assert g.dtype == dtype
        assert not g[labels < 0].any()
        for total in (np.float32, np.float64):
            summed = (base.astype(np.float64) + g).astype(total) if dtype is np.float32 else None
            summed = base.astype(total) + g.astype(total) if summed is None else summed
            assert (summed.argmax(axis=1)[labels >= 0] == 1).all()

    for _ in range(20):
        order, inner = rng.permutation(d), rng.permutation(2)
        h = np.maximum(points[:, order] @ first[0][:, order].T + first[1], 0)
        fits(h[:, inner] @ second[0][:, inner].T + second[1])
        z = np.add.reduce(points[:, None, order] * first[0][None, :, order], axis=2) + first[1]
        fits(np.maximum(z, 0) @ second[0].T)
        z = np.tile(first[1], (k, 1))
        for j in order:
            z = z + points[:, j : j + 1] * first[0][:, j]
        fits(np.maximum(z, 0) @ second[0].T)


@pytest.mark.parametrize(("digits", "name"), [(24, "float32"), (53, "float64")])
def test_the_limit_of_exact_sums(digits: int, name: str, tmp_path: Path) -> None:
    """Sums that are 0 in any order, and sums whose order decides."""
    largest = Fraction(2**digits)

    def zero(*weights: Fraction) -> bool:
        points = [[Fraction(1)] * len(weights)]
        layers = [([list(weights)], [Fraction(0)])]
        return accepted(document(layers, points, [[Fraction(0)]], {}, deployed(name, name)), tmp_path)

    assert zero(largest, -largest)
    assert zero(largest - 1, Fraction(1), -largest)
    assert zero(largest - 2, Fraction(2), Fraction(-1), 1 - largest)
    # (largest + 2) + 1 is no float: then - (largest + 2) and - 1 leave 1 or -1
    assert not zero(largest + 2, Fraction(1), -largest - 2, Fraction(-1))
    assert not zero(largest, Fraction(1), -largest, Fraction(-1))
    assert zero(*(4 * x for x in (largest - 1, Fraction(1), -largest)))
    least = Fraction(2) ** (2 - FORMATS[name][1] - digits)
    assert zero(least, -least)
    assert zero(least * (largest - 1), least, -least * largest)


def test_an_overflow_that_only_rounding_makes(tmp_path: Path) -> None:
    """The product `w x` is below the largest float and is rounded up to it; with half a unit more, the exact
    sum is still below, but the sum of the floats is halfway to the next power of two: infinite."""
    largest, half = Fraction(2**128 - 2**104), Fraction(2**103)
    m = next(m for m in range(2**23 + 1, 2**24) if (2**47 - 2**23 - 1) % m < 2**21)
    w, x = Fraction(m * 2**41), Fraction((2**47 - 2**23 - 1) // m * 2**40)
    assert largest - half < w * x < largest
    for bias, good in ((Fraction(0), True), (half, False)):
        layers: Layers = [([[w]], [bias])]
        rng, infinite = random.Random(0), 0
        for _ in range(50):
            try:
                some_evaluation(rng, layers, [x], "float32")
            except Overflow:
                infinite += 1
        assert (infinite == 0) is good
        assert infinite < 50
        claim = deployed("float32", "float64", tolerance=str(2**110))
        content = document(layers, [[x]], [[Fraction(0)]], {0: [largest]}, claim)
        assert accepted(content, tmp_path) is good


def test_zeros_add_no_rounding(tmp_path: Path) -> None:
    """Thousands of inputs that are 0, or have weight 0, loosen no bound."""
    near = 1 - Fraction(1, 2**24)
    for weight, x in ((1, 0), (0, 1)):
        layers = [([[near] + [Fraction(weight)] * 3000], [Fraction(0)])]
        points = [[near] + [x] * 3000]
        value = {0: [1 - Fraction(1, 2**23)]}
        claim = deployed("float32", "float32", tolerance=str(Fraction(1, 2**24)))
        assert accepted(document(layers, points, [[Fraction(0)]], value, claim), tmp_path)


@pytest.mark.parametrize(("below", "also", "good"), [(3, 3, True), (1, 1, False), (3, 0, True), (0, 0, True)])
def test_a_neuron_that_is_surely_off_is_0(below: int, also: int, good: bool, tmp_path: Path) -> None:
    """`relu(w x - 1)` is 0 if the product is so far below 1 that no rounding brings it above, or exact."""
    w, x = 1 - Fraction(below, 2**24), 1 - Fraction(also, 2**24)
    layers: Layers = [([[w]], [Fraction(-1)]), ([[Fraction(1)]], [Fraction(0)])]
    content = document(layers, [[x]], [[Fraction(0)]], {}, deployed("float32", "float32"))
    assert accepted(content, tmp_path) is good


def test_a_network_that_can_only_be_rounded_to_zero_is_not_protected(tmp_path: Path) -> None:
    """`relu(x) - relu(x)` after an inexact product is exactly 0 in rationals; floats with FMA may differ."""
    layers: Layers = [
        ([[Fraction(1)], [Fraction(1)]], [Fraction(0)] * 2),
        ([[Fraction(2**24 - 1, 2**24), Fraction(1 - 2**24, 2**24)]], [Fraction(0)]),
    ]
    point = [Fraction(2**24 - 3, 2**24)]
    rng = random.Random(0)
    assert {some_evaluation(rng, layers, point, "float32")[0] == 0 for _ in range(50)} == {True, False}
    content = document(layers, [point], [[Fraction(0)]], {})
    for dtype, good in (("float32", False), ("float64", True)):
        content["claims"] = [deployed(dtype, "float32")]
        assert accepted(content, tmp_path) is good


def doubles(rng: random.Random) -> float:
    """Subnormal, ordinary, near the ends of float32, and halfway between two of its numbers."""
    x = np.float32(rng.uniform(1, 2)) * np.float32(2.0) ** np.float32(rng.randint(-148, 127))
    half = (float(x) + float(np.nextafter(x, np.float32(np.inf)))) / 2
    with np.errstate(over="ignore"):
        near = rng.choice((float(x), half, half * (1 + 2.0**-52), half * (1 - 2.0**-53), 2.0**128 - 2.0**103,
                           2.0**128 - 2.0**103 - 2.0**75, 2.0**-150, 3 * 2.0**-150, 2.0**-151, 2.0**128,
                           rng.gauss(0, 1), rng.uniform(1, 2) * 2.0 ** rng.randint(-1074, 1022)))  # fmt: skip
    return rng.choice((-1, 1)) * near


def test_formats_are_those_of_numpy() -> None:
    """`nearest` is numpy's cast, and `scaled` refuses what a cast changes."""
    rng = random.Random(7)
    form = floats.FORMATS["float32"]
    refused = 0
    for _ in range(4000):
        x = doubles(rng)
        if not np.isfinite(x):
            continue
        with np.errstate(over="ignore", under="ignore"):
            cast = float(np.float32(x))
        p, q = x.as_integer_ratio()
        found, scaled = form.nearest(p, q), form.scaled(([p], q))
        if np.isinf(cast):
            assert found is None
        else:
            assert found is not None
            assert Fraction(found, 2**149) == Fraction(cast)
        assert (scaled is None) is (cast != x)
        assert scaled is None or scaled == [found]
        refused += scaled is None
        assert floats.FORMATS["float64"].scaled(([p], q)) == [int(Fraction(x) * 2**1074)]
    assert 500 < refused < 3900


def test_float64_is_that_of_python() -> None:
    """Python's quotient of integers is rounded once, and correctly."""
    rng = random.Random(8)
    form = floats.FORMATS["float64"]
    for _ in range(4000):
        k, shift = rng.choice((1, 53, 54, 55, 80)), rng.choice((0, 60, 900, 1020, 1074, 1075, 1080))
        p, q = rng.choice((-1, 1)) * rng.getrandbits(k), rng.choice((1, 3, rng.getrandbits(50) + 1)) << shift
        found = form.nearest(p, q)
        assert found is not None
        assert Fraction(found, 2**1074) == Fraction(p / q)
        assert (form.scaled(([p], q)) is None) is (Fraction(p / q) != Fraction(p, q))
    top = 2**1024 - 2**970
    assert form.nearest(top, 1) is None
    assert form.nearest(-top, 1) is None
    assert form.nearest(2 * top - 1, 2) == (2**1024 - 2**971) << 1074
    assert form.scaled(([top], 1)) is None
    assert form.scaled(([-(2**1024) + 2**971, 0], 1)) == [(-(2**1024) + 2**971) << 1074, 0]


def test_any_rational_is_rounded_as_the_definition_says() -> None:
    rng = random.Random(9)
    for name, form in floats.FORMATS.items():
        for _ in range(1000):
            x = entry(rng, rng.choice(("rational", "far apart", "30 bits")))
            x *= Fraction(rng.randint(1, 9), rng.randint(1, 9)) * Fraction(2) ** rng.randint(-300, 300)
            found, expected = form.nearest(x.numerator, x.denominator), rounded(x, name)
            assert found == (None if expected is None else expected * 2**form.below)


@pytest.mark.parametrize("kind", ["deployed", "robust"])
@pytest.mark.parametrize("array", ["points", "base"])
def test_a_violation_ends_no_pass_over_a_file(kind: str, array: str, tmp_path: Path) -> None:
    """Both claims fail at the first point; the end of a file that changes before the second still counts."""
    layers: Layers = [([[Fraction(1)], [Fraction(1)]], [Fraction(0)] * 2)]
    claim = deployed("float32", "float32") if kind == "deployed" else {"kind": "robust", "radius": "1"}
    ones = [[Fraction(1)]] * 3
    content = document(layers, ones, [[Fraction(1)] * 2] * 3, {}, claim, claim)
    for name, columns in (("points", 1), ("base", 2)):
        np.save(tmp_path / f"{name}.npy", np.ones((3, columns)))
        digest = hashlib.sha256((tmp_path / f"{name}.npy").read_bytes()).hexdigest()
        content[name] = {"file": f"{name}.npy", "sha256": digest}
    (tmp_path / "certificate.json").write_text(json.dumps(content))
    changed = np.load(tmp_path / f"{array}.npy")
    changed[-1, 0] = 2

    def progress(done: int, total: int) -> None:
        if done == total:
            np.save(tmp_path / f"{array}.npy", changed)

    assert [f.violation is None for f in verify.check(tmp_path).findings] == [False, False]
    verdict = verify.check(tmp_path, progress)
    assert verdict.status == "malformed"
    assert "SHA-256 differs" in verdict.text()


def test_a_format_of_three_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of numbers from 2^-4 to 14: wrong by a lot, often too large, and soon of too many terms."""
    monkeypatch.setitem(FORMATS, "toy", (3, 3))
    toy = floats.Format("toy", 3, 4, 4)
    numbers = [Fraction(n, 16) for n in range(-255, 256) if toy.scaled(([n], 16)) is not None]
    assert numbers == [x for x in (Fraction(n, 16) for n in range(-255, 256)) if rounded(x, "toy") == x]
    assert numbers[-1] == 14
    rng = random.Random(10)
    proved = {True: 0, False: 0}
    worst = Fraction(0)
    for _ in range(3000):
        n = rng.choice((1, 1, 2, 2, 3, 4, 5))
        few = numbers if rng.random() < 0.3 else [x for x in numbers if abs(x) <= 2]
        row, x = [rng.choice(few) for _ in range(n + 1)], [rng.choice(few) for _ in range(n)]
        products = [w * z for w, z in zip(row, x, strict=False)]
        layer = floats.FloatLayer.of(toy, [[int(w * 16) for w in row]])
        found = layer([floats.Near(int(z * 16)) for z in x], 4, 0)
        expected = rounding_of(products, row[-1], [Fraction(0)] * n, "toy")
        assert (found is None) is (expected is None)
        proved[found is not None] += 1
        if found is None or expected is None:
            continue
        (near,), exponent = found
        unit, total = Fraction(1, 2**exponent), sum(products, row[-1])
        error = near.error * unit
        assert near.value * unit == total
        assert 0 <= error - expected < unit * 4  # rounded up
        for _ in range(6):
            off = abs(some_sum(rng, products, row[-1], "toy") - total)
            assert off <= error
            worst = max(worst, off / error) if error else worst
    assert min(proved.values()) > 300
    assert worst > Fraction(2, 5)


def shared(rng: random.Random) -> tuple[Layers, Row, Row]:
    """A neuron that is off by much, which both logits multiply; they differ by little. `base` is 0."""
    x = [number(rng, "near one", "float32") for _ in range(6)]
    first = ([[abs(w) if z > 0 else -abs(w) for w, z in zip(x[::-1], x, strict=True)]], [Fraction(0)])
    much = Fraction(rng.choice((1, 2**10, 2**20)))
    second = ([[much], [much]], [Fraction(0), Fraction(0)])
    return [first, second], x, [Fraction(0), Fraction(0)]


def test_errors_with_one_origin_cancel(tmp_path: Path) -> None:
    """The lead is less than what either logit may be off by, and more than what their difference may be."""
    rng = random.Random(3)
    claim = deployed("float32", "float64")
    for _ in range(20):
        layers, x, base = shared(rng)
        ((value, _, _), (_, error, noise)) = output_sums(layers, x, "float32") or []
        origin = noise[0, 0]  # of the neuron
        own = error - origin
        for lead, good in ((4 * own, True), (Fraction(own, 4), False)):
            lead = rounded(lead, "float32") or lead
            assert lead < origin
            found = [layers[0], (layers[1][0], [Fraction(0), lead])]
            assert accepted(document(found, [x], [base], {0: 1}, claim), tmp_path) is good
        assert value > 0


def test_an_unsure_sign_is_a_new_origin(tmp_path: Path) -> None:
    """Neurons that are 0 but for rounding, in both hidden layers, beside others that share their errors: what
    cancels is what the naive judge says, and evaluations keep to it."""
    rng = random.Random(6)

    def signs(rows: int, columns: int) -> tuple[list[Row], Row]:
        weight = [[Fraction(rng.choice((-1, 0, 1))) for _ in range(columns)] for _ in range(rows)]
        return weight, [Fraction(rng.choice((0, 0, -1, 1)), 2**23) for _ in range(rows)]

    count = 0
    while count < 150:
        w, z = abs(number(rng, "near one", "float32")), abs(number(rng, "near one", "float32"))
        rows, bias = signs(3, 2)
        layers: Layers = [([[w * s for s in row] for row in rows], bias), signs(3, 3), signs(1, 3)]
        bounds = output_sums(layers, [z, z], "float32")
        if bounds is None or not bounds[0][1]:
            continue
        count += 1
        ((value, error, _),) = bounds
        for _ in range(4):
            assert abs(some_evaluation(rng, layers, [z, z], "float32")[0] - value) <= error
        for factor, good in ((1 - Fraction(1, 2**20), False), (1 + Fraction(1, 2**20), True)):
            claim = deployed("float32", "float64", tolerance=str(error * factor))
            content = document(layers, [[z, z]], [[Fraction(0)]], {0: [value]}, claim)
            assert accepted(content, tmp_path) is good


def test_what_is_ahead_is_ahead_in_every_evaluation(tmp_path: Path) -> None:
    """Leads of the size of the last bits: whatever is accepted holds in hundreds of evaluations."""
    rng = random.Random(4)
    claim = deployed("float32", "float32")
    seen = {True: 0, False: 0}
    for _ in range(150):
        layers, x, base = shared(rng)
        ((value, _, _), _) = output_sums(layers, x, "float32") or []
        lead = rounded(value * Fraction(rng.randrange(1, 200), 2**27), "float32")
        assert lead is not None
        found = [layers[0], (layers[1][0], [Fraction(0), lead])]
        good = accepted(document(found, [x], [base], {0: 1}, claim), tmp_path)
        seen[good] += 1
        for _ in range(40 if good else 0):
            zero, one = (rounded(g, "float32") for g in some_evaluation(rng, found, x, "float32"))
            assert zero is not None
            assert one is not None
            assert one > zero
    assert min(seen.values()) > 20


@pytest.mark.parametrize("unit", [0, -140])
@pytest.mark.parametrize("total", list(FORMATS))
@pytest.mark.parametrize("dtype", list(FORMATS))
def test_leads_a_little_below_and_above_the_bound(dtype: str, total: str, unit: int, tmp_path: Path) -> None:
    """Two logits share a neuron, sometimes one that is 0 but for rounding; `2^-140` is subnormal."""
    rng = random.Random(f"{dtype} {total} {unit}")
    zero = Fraction(0)
    seen = {True: 0, False: 0}
    for _ in range(10):
        w, x = ([abs(number(rng, "near one", dtype)) for _ in range(4)] for _ in range(2))
        if rng.random() < 0.5:
            w, x = [w[0], -w[0]], [x[0]] * 2
        much = Fraction(rng.choice((1, 2**10)))
        w, x = ([z * Fraction(2) ** (unit // 2) for z in row] for row in (w, x))
        first = ([w], [zero])
        lead = zero
        for _ in range(3):  # it counts among the sizes itself
            one, other = output_sums([first, ([[much], [much]], [lead, zero])], x, dtype) or []
            bound = combined([Fraction(1), Fraction(-1)], [one, other], zero)[1] + lost(one, other, total)
            lead = rounded(bound, dtype) or zero
        for factor in (Fraction(1, 4), 1 - Fraction(1, 2**10), 1 + Fraction(1, 2**10), Fraction(2)):
            layers = [first, ([[much], [much]], [rounded(factor * bound, dtype) or zero, zero])]
            claim, base = deployed(dtype, total), [[zero, zero]]
            good = accepted(document(layers, [x], base, {0: 0}, claim), tmp_path)
            assert good is holds_as_floats(claim, layers, [x], base, {0: 0})
            seen[good] += 1
            for _ in range(10 * good):
                g = [rounded(z, total) or zero for z in some_evaluation(rng, layers, x, dtype)]
                assert g[0] > g[1]
    assert min(seen.values()) > 2, seen


def test_the_engine_asks_the_kernel(tmp_path: Path) -> None:
    """It settles one `label-edit`, hands over two other claims, and then files are read again."""
    path = Path(__file__).parent / "certificates" / "accepted" / "robust-three-claims.json"
    statistics = Statistics()
    assert engine.check(path, statistics=statistics) == verify.check(path)
    assert (statistics.by_kernel, statistics.settled) == (2, 3)
    content = json.loads(path.read_text())
    np.save(tmp_path / "points.npy", np.array([[0.0], [4.0], [8.0]]))
    digest = hashlib.sha256((tmp_path / "points.npy").read_bytes()).hexdigest()
    content["points"] = {"file": "points.npy", "sha256": digest}
    (tmp_path / "certificate.json").write_text(json.dumps(content))
    assert engine.check(tmp_path).status == "accepted"

    def progress(done: int, total: int) -> None:
        if done == total:
            np.save(tmp_path / "points.npy", np.array([[0.0], [4.0], [9.0]]))

    verdict = engine.check(tmp_path, progress)
    assert verdict.status == "malformed"
    assert "SHA-256 differs" in verdict.text()
