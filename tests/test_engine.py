"""The engine gives the kernel's verdict, by every route: on the corpus, on random and on nasty networks."""

from __future__ import annotations

import hashlib
import json
import math
import random
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat, fmpz

import verify.engine.driver as driver
from verify.engine import ROUTES, Statistics, check
from verify.engine.block import Block
from verify.engine.cancel import cancellation, vanish
from verify.engine.dense import Dense
from verify.engine.residues import Residues
from verify.kernel import Network, read_certificate
from verify.kernel import check as kernel_check

CORPUS = Path(__file__).parent / "certificates"
CERTIFICATES = [path for path in sorted(CORPUS.glob("[arm]*ed/*")) if path.suffix != ".expected"]

Layers = list[tuple[list[list[Fraction]], list[Fraction]]]


@pytest.mark.parametrize("route", ROUTES)
def test_the_corpus_is_judged_alike(route: str) -> None:
    for path in CERTIFICATES:
        assert check(path, route=route) == kernel_check(path), path


def text_array(rows: list[Any]) -> dict[str, Any]:
    """An inline array with one denominator a row."""
    shape = [len(rows), len(rows[0])] if rows and isinstance(rows[0], list) else [len(rows)]
    numerators, denominators = [], []
    for row in rows:
        entries = [Fraction(x) for x in (row if isinstance(row, list) else [row])]
        q = math.lcm(*(x.denominator for x in entries))
        numerators += [str(fmpz(x.numerator * (q // x.denominator))) for x in entries]
        denominators.append(str(fmpz(q)))
    return {"shape": shape, "denominators": denominators, "numerators": numerators}


def evaluate(layers: Layers, point: list[Fraction]) -> list[Fraction]:
    """The network by python-flint: a third opinion."""
    a = fmpq_mat(len(point), 1, [fmpq(x.numerator, x.denominator) for x in point])
    for k, (weight, bias) in enumerate(layers):
        w = fmpq_mat(len(bias), a.nrows(), [fmpq(x.numerator, x.denominator) for row in weight for x in row])
        b = fmpq_mat(len(bias), 1, [fmpq(x.numerator, x.denominator) for x in bias])
        a = w * a + b
        if k < len(layers) - 1:
            a = fmpq_mat(len(bias), 1, [max(a[i, 0], fmpq(0)) for i in range(len(bias))])
    return [Fraction(int(a[i, 0].p), int(a[i, 0].q)) for i in range(a.nrows())]


def write(
    folder: Path,
    layers: Layers,
    points: list[list[Fraction]] | np.ndarray,
    values: dict[int, list[Fraction]],
) -> Path:
    """A certificate that claims `values` at some points and 0 at all others; base is 0."""
    folder.mkdir(exist_ok=True)
    outputs = len(layers[-1][1])
    document: dict[str, Any] = {
        "format": "ftc-certificate",
        "version": 1,
        "claims": [{"kind": "edit", "neurons": sum(len(b) for _, b in layers[:-1]), "layers": len(layers)}],
        "edits": {"index": sorted(values), "value": text_array([values[i] for i in sorted(values)])},
        "network": [],
    }
    if not values:
        document["edits"]["value"] = {"shape": [0, outputs], "denominator": "1", "numerators": []}
    for weight, bias in layers:
        columns = len(weight[0]) if weight else 0
        array = (
            text_array(weight) if weight else {"shape": [0, columns], "denominators": [], "numerators": []}
        )
        document["network"].append({"weight": array, "bias": text_array(bias)})
    inputs = np.asarray(points).shape[1]
    for k, layer in enumerate(document["network"]):
        below = inputs if k == 0 else len(layers[k - 1][1])
        layer["weight"]["shape"] = [len(layers[k][1]), below]
    if isinstance(points, np.ndarray):
        np.save(folder / "points.npy", points)
        sha256 = hashlib.sha256((folder / "points.npy").read_bytes()).hexdigest()
        document["points"] = {"file": "points.npy", "sha256": sha256}
    else:
        document["points"] = text_array(points)
    path = folder / "certificate.json"
    path.write_text(json.dumps(document))
    return folder


def fractions(rows: list[list[int]]) -> list[list[Fraction]]:
    return [[Fraction(x) for x in row] for row in rows]


def entry(rng: random.Random, kind: str) -> Fraction:
    if kind == "small":
        return Fraction(rng.randint(-3, 3))
    if kind == "rational":
        return Fraction(rng.randint(-9, 9), rng.randint(1, 7))
    if kind == "30 bits":
        return Fraction(rng.randint(-(2**29), 2**29))
    if kind == "long":
        return Fraction(rng.getrandbits(rng.choice([1, 60, 700, 5000])) * rng.choice([-1, 1]))
    if kind == "far apart":
        return Fraction(rng.randint(-3, 3)) * Fraction(2) ** rng.choice([-1074, -500, 0, 500, 1000])
    raise ValueError(kind)


def network(rng: random.Random, kind: str, inputs: int, outputs: int) -> Layers:
    """Any depth; on some, the last hidden layer holds pairs that cancel, so that 0 is common."""
    widths = [rng.choice([0, 1, 2, 3, 5]) for _ in range(rng.randint(0, 3))]
    layers: Layers = []
    below = inputs
    for w in widths:
        weight = [[entry(rng, kind) for _ in range(below)] for _ in range(w)]
        layers.append((weight, [entry(rng, kind) for _ in range(w)]))
        below = w
    if layers and below and rng.random() < 0.6:
        weight, bias = layers[-1]
        layers[-1] = (weight + weight, bias + bias)
        last = [[entry(rng, kind) for _ in range(below)] for _ in range(outputs)]
        layers.append(([row + [-x for x in row] for row in last], [Fraction(0)] * outputs))
        if rng.random() < 0.3:
            layers[-1][0][0][0] += Fraction(1, 2**20)  # off by a little
        return layers
    layers.append(
        ([[entry(rng, kind) for _ in range(below)] for _ in range(outputs)], [Fraction(0)] * outputs)
    )
    return layers


def points_of(rng: random.Random, inputs: int) -> list[list[Fraction]] | np.ndarray:
    k = rng.randint(1, 40)
    kind = rng.choice(["fractions", "float64", "float32", "int64", "uint8", "grid"])
    if kind == "fractions":
        return [[Fraction(rng.randint(-9, 9), rng.randint(1, 5)) for _ in range(inputs)] for _ in range(k)]
    if kind == "grid":
        return np.array([[rng.randint(-2, 2) for _ in range(inputs)] for _ in range(k)], dtype=np.float64)
    if kind == "int64":
        return np.array(
            [
                [rng.choice([rng.randint(-5, 5), 2**62 + 1, -(2**63)]) for _ in range(inputs)]
                for _ in range(k)
            ],
            dtype=np.int64,
        )
    if kind == "uint8":
        return np.array([[rng.randrange(256) for _ in range(inputs)] for _ in range(k)], dtype=np.uint8)
    sizes = [0.0, 1.0, 1.0, 5e-324, 1e300] if kind == "float64" else [0.0, 1.0, 1.0, 1e-45, 1e37]
    rows = [[rng.gauss(0, 1) * rng.choice(sizes) for _ in range(inputs)] for _ in range(k)]
    return np.array(rows, dtype=kind)


def agree(folder: Path, path: Path, truth: int | None) -> None:
    """Every route gives the kernel's verdict, and both name the first false point."""
    verdict = kernel_check(path)
    violation = verdict.findings[0].violation
    assert (violation.point if violation else None) == truth
    for route in ROUTES:
        assert check(path, route=route) == verdict, (route, folder)


@pytest.mark.parametrize("kind", ["small", "rational", "30 bits", "long", "far apart"])
@pytest.mark.parametrize("seed", range(25))
def test_kernel_engine_and_flint_agree(tmp_path: Path, kind: str, seed: int) -> None:
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


@pytest.mark.parametrize("route", ["auto", "cancellation", "residues", "patterns"])
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
    assert 0 < statistics.routes["undecided entries"] < len(points) / 3


def random_certificate(folder: Path, k: int, seed: int = 0) -> Path:
    """20-64-64-1 with 30-bit weights whose output is 0 by cancellation everywhere."""
    rng = random.Random(seed)
    first = (
        [[entry(rng, "30 bits") for _ in range(20)] for _ in range(64)],
        [entry(rng, "30 bits") for _ in range(64)],
    )
    half = [[entry(rng, "30 bits") for _ in range(64)] for _ in range(32)]
    bias = [entry(rng, "30 bits") * 2**20 for _ in range(32)]
    out = [entry(rng, "30 bits") for _ in range(32)]
    layers: Layers = [first, (half + half, bias + bias), ([out + [-w for w in out]], [Fraction(0)])]
    points = np.random.default_rng(seed).normal(size=(k, 20))
    return write(folder, layers, points, {})


@pytest.mark.parametrize("route", ["cancellation", "residues"])
def test_dense_networks_are_settled_without_the_slow_way(tmp_path: Path, route: str) -> None:
    path = random_certificate(tmp_path / "a", 3000)
    statistics = Statistics()
    assert check(path, route=route, statistics=statistics).status == "accepted"
    assert statistics.routes[route] >= 2990
    assert statistics.routes.get("exact", 0) <= 10


def test_chunks_executors_and_memory_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    layers: Layers = [
        ([[Fraction(1), Fraction(2)], [Fraction(-1), Fraction(1)]], [Fraction(0), Fraction(-3)]),
        ([[Fraction(0), Fraction(1)]], [Fraction(0)]),
    ]
    points = np.concatenate(
        [rng.uniform(-1, 1, size=(20_000, 2)), [[-9.0, 9.0]], rng.uniform(-1, 1, size=(9, 2))]
    )
    path = write(tmp_path / "a", layers, points, {})
    expected = kernel_check(path)
    assert expected.findings[0].violation is not None
    assert expected.findings[0].violation.point == 20_000
    assert check(path, memory=1 << 20) == expected
    with ThreadPoolExecutor(2) as pool:
        assert check(path, executor=pool) == expected
    monkeypatch.setattr(driver, "_FEW", 1)
    assert check(path) == expected  # processes


class Broken(Executor):
    """An executor that is interrupted after some tasks."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **named))
        return future


def test_an_interrupted_run_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = random_certificate(tmp_path / "a", 4000)
    journal = tmp_path / "progress.json"
    monkeypatch.setattr(driver, "_CACHE", 8 * 65 * 100)
    with pytest.raises(KeyboardInterrupt):
        check(path, executor=Broken(5), resume=journal)
    settled = sum(report["settled"] for _, _, report in json.loads(journal.read_text())["reports"])
    assert 0 < settled < 4000
    statistics = Statistics()
    assert check(path, resume=journal, statistics=statistics).status == "accepted"
    assert statistics.resumed == settled
    assert statistics.settled == 4000
    again = Statistics()
    assert check(path, executor=Broken(0), resume=journal, statistics=again).status == "accepted"
    assert again.resumed == 4000
    other = random_certificate(tmp_path / "b", 4000, seed=1)
    fresh = Statistics()
    assert check(other, resume=journal, statistics=fresh).status == "accepted"
    assert fresh.resumed == 0  # a progress file of another certificate counts for nothing
    journal.write_text("{}")
    with pytest.raises(ValueError, match="no progress file"):
        check(path, resume=journal)


def test_bad_options_are_named(tmp_path: Path) -> None:
    path = CORPUS / "accepted" / "edit.json"
    with pytest.raises(ValueError, match="route is 'x'"):
        check(path, route="x")
    with pytest.raises(ValueError, match="memory is 5"):
        check(path, memory=5)
    assert check(tmp_path / "missing").status == "malformed"


@pytest.mark.parametrize("seed", range(20))
def test_the_float_filter_never_lies(tmp_path: Path, seed: int) -> None:
    """Signs that the filter calls decided are the signs; outputs lie within its error."""
    rng = random.Random(seed)
    kind = rng.choice(["small", "rational", "30 bits", "far apart"])
    layers = network(rng, kind, 2, 1)
    points = points_of(rng, 2)
    path = write(tmp_path / "a", layers, points, {})
    certificate = read_certificate(str(path))
    dense = Dense.of(certificate.network, 2)
    x, exact = approximate(certificate.points, 0, len(points))
    with np.errstate(all="ignore"):
        signs, low, decided, error = dense._filter(x, exact)
    scale = Fraction(2) ** dense.layers[-1].exponent[0]
    for i, (numerators, q) in enumerate(certificate.points.rows()):
        if not decided[i]:
            continue
        a = [Fraction(x, q) for x in numerators]
        for rows, sign in zip(dense.network.layers[:-1], signs, strict=True):
            z = [sum((w * v for w, v in zip(row, [*a, 1], strict=True)), Fraction(0)) for row in rows]
            assert [v > 0 for v in z] == sign[i].tolist()
            a = [max(v, Fraction(0)) for v in z]
        (row,) = dense.network.layers[-1]
        z_out = sum((w * v for w, v in zip(row, [*a, 1], strict=True)), Fraction(0)) / scale
        assert abs(Fraction(float(low[i, 0])) - z_out) <= Fraction(float(error[i]))


def test_exact_blocks_hold_the_numbers(tmp_path: Path) -> None:
    rng = random.Random(0)
    for number in range(12):
        points = points_of(rng, 3)
        path = write(tmp_path / str(number), network(rng, "small", 3, 1), points, {})
        array = read_certificate(str(path)).points
        block, prime = ExactBlock(array, 0, len(points)), 1_000_003
        places = np.arange(len(points))
        x, s = block.modulo(places, prime)
        for i, (numerators, q) in enumerate(array.rows()):
            for k, p in enumerate(numerators):
                assert (int(x[i, k]) * q - p * int(s[i])) % prime == 0
            assert q.bit_length() <= block.scale_bits(places)


@pytest.mark.parametrize("primes", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("route", ["residues", "auto"])
def test_an_output_that_vanishes_modulo_primes_is_not_taken_for_zero(
    tmp_path: Path, route: str, primes: int
) -> None:
    """The output is the product of the first primes: not 0, and far below what floats can see."""
    from verify.engine.residues import _primes

    product = math.prod(_primes(4, 500)[:primes])
    steep = Fraction(2**200)
    layers: Layers = [
        ([[steep], [steep], [Fraction(1)]], [Fraction(0), Fraction(product), Fraction(-(2**40))]),
        ([[Fraction(-1), Fraction(1), Fraction(1)]], [Fraction(0)]),
    ]
    points = np.arange(1, 300, dtype=np.int64).reshape(-1, 1)
    path = write(tmp_path / "a", layers, points, {})
    expected = kernel_check(path)
    assert expected.status == "rejected"
    assert check(path, route=route) == expected


def test_residues_see_biases_and_denominators(tmp_path: Path) -> None:
    """`relu(3x + 3) - relu(3y + 6)` is no zero function, and 0 where `x = y + 1`."""
    layers: Layers = [
        (fractions([[3, 0], [0, 3]]), [Fraction(3), Fraction(6)]),
        (fractions([[1, -1]]), [Fraction(0)]),
    ]
    y = np.arange(500) / 1024
    path = write(tmp_path / "a", layers, np.column_stack([y + 1, y]), {})
    statistics = Statistics()
    assert check(path, statistics=statistics).status == "accepted"
    assert statistics.routes["residues"] == 500


@pytest.mark.parametrize("seed", range(30))
def test_cancellation_is_exactly_that_all_coefficients_vanish(seed: int) -> None:
    rng = random.Random(seed)
    neurons, inputs = rng.randint(1, 6), rng.randint(1, 3)
    bits = rng.choice([2, 20, 47, 48, 49, 90])
    number = lambda: rng.choice([0, 1, -1, 2 ** (bits - 1), -(2**bits), rng.randint(-(2**bits), 2**bits)])  # noqa: E731
    rows = [[number() for _ in range(inputs + 1)] for _ in range(neurons)]
    rows += [[x * rng.choice([1, 1, 2]) for x in row] for row in rows]  # much cancels
    last = [rng.choice([1, -1, 2]) for _ in range(neurons)]
    net = Network([rows, [[*last, *(-w for w in last), rng.choice([0, 0, 1])]]], [1])
    active = np.array([[rng.random() < 0.5 for _ in rows] for _ in range(40)])
    active[:20, neurons:] = active[:20, :neurons]
    settled = Cancellation(net).settled(active)
    for on, claimed in zip(active, settled, strict=True):
        weights = net.layers[1][0]
        total = [sum(weights[j] * rows[j][k] for j in np.flatnonzero(on)) for k in range(inputs + 1)]
        total[-1] += weights[-1]
        assert bool(claimed) == (not any(total))


def test_a_sum_of_short_numbers_can_be_long() -> None:
    bits = Cancellation(Network([[[1, 0]] * 3, [[1, 1, 1, 0]]], [1])).bits
    half = 1 << (bits - 1)
    net = Network([[[half - 1, 0], [half - 1, 0], [2, 0]], [[1, 1, 1, 0]]], [1])
    assert not Cancellation(net).settled(np.ones((1, 3), dtype=np.bool_))[0]


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
        for route in ("auto", "residues", "patterns"):
            violation = check(path, route=route).findings[0].violation
            assert violation is not None
            assert violation.point == i


def test_the_first_of_many_violations_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_CACHE", 8 * 2 * 10)
    layers: Layers = [(fractions([[1]]), [Fraction(0)]), (fractions([[1]]), [Fraction(0)])]
    points = np.full((400, 1), 1.0)
    points[:7] = -1
    path = write(tmp_path / "a", layers, points, {})
    for _ in range(10):
        with ThreadPoolExecutor(4) as pool:
            violation = check(path, executor=pool).findings[0].violation
        assert violation is not None
        assert violation.point == 7


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
    for route in ("auto", "cancellation", "residues"):
        assert check(path, route=route) == expected
