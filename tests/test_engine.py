"""The engine gives the kernel's verdict, by every route: on the corpus, on random and on nasty networks."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from networks import Layers, evaluate, fractions, network, points_of, text_array, write

from verify.engine import ROUTES, Statistics, check
from verify.kernel import check as kernel_check

CORPUS = Path(__file__).parent / "certificates"
CERTIFICATES = [path for path in sorted(CORPUS.glob("[arm]*ed/*")) if path.suffix != ".expected"]


@pytest.mark.parametrize("route", ROUTES)
def test_the_corpus_is_judged_alike(route: str) -> None:
    for path in CERTIFICATES:
        assert check(path, route=route) == kernel_check(path), path


def agree(folder: Path, path: Path, truth: int | None) -> None:
    """Every route gives the kernel's verdict, and both name the first false point."""
    verdict = kernel_check(path)
    violation = verdict.findings[0].violation
    assert (violation.point if violation else None) == truth
    for route in ROUTES:
        assert check(path, route=route) == verdict, (route, folder)


KINDS = ["small", "rational", "30 bits", "long", "far apart"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "seed", [*range(25), *(pytest.param(k, marks=pytest.mark.slow) for k in range(25, 100))]
)
def test_kernel_engine_and_flint_agree(tmp_path: Path, kind: str, seed: int) -> None:
    """Values, of four networks each: 500 networks by default, 1,500 more in the slow tests."""
    rng = random.Random(f"{kind} {seed}")
    for number in range(4):
        inputs, outputs = rng.randint(1, 3), rng.choice([1, 1, 2])
        layers, points = network(rng, kind, inputs, outputs), points_of(rng, inputs)
        exact = [[Fraction(x.item() if hasattr(x, "item") else x) for x in row] for row in points]
        right = [evaluate(layers, point) for point in exact]
        values = {i: value for i, value in enumerate(right) if any(value) or rng.random() < 0.1}
        path = write(tmp_path / str(number), layers, points, values)
        agree(tmp_path, path, None)
        if values:  # one wanted value off by the least bit, or one edit forgotten
            i = rng.choice(sorted(values))
            wrong = dict(values)
            if rng.random() < 0.5 and any(values[i]):
                del wrong[i]
            else:
                wrong[i] = [wrong[i][0] + Fraction(1, 2**1200), *wrong[i][1:]]
            agree(tmp_path, write(tmp_path / str(number), layers, points, wrong), i)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(k, marks=pytest.mark.slow) for k in range(12, 40))]
)
def test_kernel_and_engine_agree_on_labels_and_margins(tmp_path: Path, kind: str, seed: int) -> None:
    """Several claims with margins; leads that are just enough, and too small by the least bit."""
    rng = random.Random(f"label {kind} {seed}")
    inputs, outputs = rng.randint(1, 3), rng.randint(2, 3)
    layers, points = network(rng, kind, inputs, outputs), points_of(rng, inputs)
    exact = [[Fraction(x.item() if hasattr(x, "item") else x) for x in row] for row in points]
    right = [evaluate(layers, point) for point in exact]
    edits = {i: rng.randrange(outputs) for i, value in enumerate(right) if any(value) or rng.random() < 0.1}
    if edits and rng.random() < 0.2:
        del edits[rng.choice(sorted(edits))]
    folder = write(tmp_path / "a", layers, points, {})
    document = json.loads((folder / "certificate.json").read_text())
    margin, least = Fraction(rng.randint(0, 3), rng.choice([1, 3])), Fraction(1, 2**600)
    base = [[Fraction(0)] * outputs for _ in right]
    for i, label in edits.items():  # base + g leads by the margin, or by a little more or less
        lead = margin + rng.choice([0, 0, 0, least, least, 1, -least])
        base[i] = [(lead if k == label else 0) - value for k, value in enumerate(right[i])]
    document["base"] = text_array(base)
    document["edits"] = {"index": sorted(edits), "label": [edits[i] for i in sorted(edits)]}
    claim = {**document["claims"][0], "kind": "label-edit"}
    margins = [margin, margin + least, Fraction(0), margin]
    document["claims"] = [{**claim, "margin": str(m)} for m in margins[: rng.randint(1, 4)]]
    (folder / "certificate.json").write_text(json.dumps(document))
    verdict = kernel_check(folder)
    assert verdict.status != "malformed", verdict.text()
    for route in ROUTES:
        assert check(folder, route=route) == verdict, route


@pytest.mark.parametrize("route", ["auto", "cancellation", "gradients", "residues", "patterns"])
def test_edited_points_on_kinks_are_exact(tmp_path: Path, route: str) -> None:
    """Bumps in the plane whose kinks pass through data points: floats decide nothing there."""
    layers: Layers = [
        (fractions([[1, 2], [1, 2], [1, 2], [3, -1]]), fractions([[1, 0, -1, 0]])[0]),
        (fractions([[1, -2, 1, 0]]), [Fraction(0)]),
    ]
    points = np.array([[x, y] for x in range(-9, 10) for y in range(-9, 10)], dtype=np.float64)
    exact = [[Fraction(x), Fraction(y)] for x, y in points]
    values = {i: v for i, p in enumerate(exact) if any(v := evaluate(layers, p))}
    assert len(values) == 9
    path = write(tmp_path / "a", layers, points, values)
    statistics = Statistics()
    assert check(path, route=route, statistics=statistics).status == "accepted"
    assert statistics.settled == len(points)


def test_all_of_a_line_but_the_edits_is_settled_at_once(tmp_path: Path) -> None:
    tents: Layers = [
        (fractions([[1], [1], [1], [1], [1], [1]]), fractions([[-3, -4, -5, -90, -91, -92]])[0]),
        (fractions([[1, -2, 1, 2, -4, 2]]), [Fraction(0)]),
    ]
    points = np.arange(200, dtype=np.float32).reshape(-1, 1)
    statistics = Statistics()
    path = write(tmp_path / "a", tents, points, {4: [Fraction(1)], 91: [Fraction(2)]})
    assert check(path, statistics=statistics).status == "accepted"
    assert statistics.routes["line"] == 200 - 6  # two edits, four points on kinks


def test_rounding_near_a_kink_does_not_settle_a_point(tmp_path: Path) -> None:
    """Points where floats have the wrong sign of `t = u . x`: none may pass as protected."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(4000, 3))
    x[:, 2] = (3 * x[:, 0] - 7 * x[:, 1]) / 5
    exact = [3 * Fraction(a) - 7 * Fraction(b) - 5 * Fraction(c) for a, b, c in x.tolist()]
    floats = x @ np.array([3.0, -7.0, -5.0])
    wrong = [i for i in range(4000) if exact[i] > 0 and floats[i] < 0]
    assert len(wrong) > 20
    layers: Layers = [(fractions([[3, -7, -5]]), [Fraction(0)]), (fractions([[1]]), [Fraction(0)])]
    values = {i: [t] for i, t in enumerate(exact) if t > 0}
    statistics = Statistics()
    far = np.concatenate([x, x - [10, 0, 0]])
    path = write(tmp_path / "a", layers, far, values)
    assert check(path, route="line", statistics=statistics).status == "accepted"
    assert statistics.routes["line"] >= 4000  # all that are far from the kink
    for i in wrong[:8]:
        forgotten = {k: value for k, value in values.items() if k != i}
        path = write(tmp_path / "a", layers, far, forgotten)
        for route in ("auto", "gradients", "residues", "patterns"):
            violation = check(path, route=route).findings[0].violation
            assert violation is not None
            assert violation.point == i


def test_a_bias_too_small_for_a_float_is_not_zero(tmp_path: Path) -> None:
    """In the units of its layer the last hidden bias underflows; yet it alone decides."""
    huge = Fraction(2) ** 1000
    layers: Layers = [
        (fractions([[0]]), [Fraction(-1)]),
        ([[huge]], [-1 / huge]),
        ([[huge]], [Fraction(3)]),
        (fractions([[1]]), [Fraction(0)]),
    ]
    path = write(tmp_path / "a", layers, fractions([[0], [2]]), {})
    agree(tmp_path, path, 0)


@pytest.mark.parametrize("steep", [80, 90, 499])
def test_inputs_that_underflow_are_not_taken_for_exact(tmp_path: Path, steep: int) -> None:
    least = Fraction(1, 2**1074)
    layers: Layers = [
        ([[Fraction(2**steep), Fraction(1)]], [-Fraction(12, 10) * 2**steep * least]),
        (fractions([[1]]), [Fraction(0)]),
    ]
    agree(tmp_path, write(tmp_path / "a", layers, [[Fraction(14, 10) * least, Fraction(0)]], {}), 0)


def test_long_rows_of_products_that_underflow(tmp_path: Path) -> None:
    d = 2**17
    points = np.full((1, d), 1.5 * 2.0**-1056)
    points[0, 0] = -round(1.6 * 2**16) * 2 * 2.0**-1074 * 2**18
    row, other = [Fraction(-1)] * d, [Fraction(-1)] * d
    other[1] = Fraction(-2)
    layers: Layers = [([row, other], [Fraction(0)] * 2), (fractions([[1, 0]]), [Fraction(0)])]
    path = write(tmp_path / "a", layers, points, {})
    expected = kernel_check(path)
    assert expected.status == "rejected"
    for route in ("auto", "cancellation", "gradients", "residues"):
        assert check(path, route=route) == expected


def test_entries_of_a_long_direction_that_underflow(tmp_path: Path) -> None:
    """Divided by 2^1500 the second entry of the direction is 0; at a large point it alone decides."""
    layers: Layers = [
        ([[Fraction(2**2000), Fraction(1)]], [Fraction(-(2**900))]),
        (fractions([[1]]), [Fraction(0)]),
    ]
    agree(tmp_path, write(tmp_path / "a", layers, np.array([[0.0, 2.0**1000], [0.0, 0.0]]), {}), 0)
