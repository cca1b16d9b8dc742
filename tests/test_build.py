"""Every construction solves every problem: exact values, exact widths, through the trusted kernel."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import verify
from constructions import (
    CONSTRUCTIONS,
    FineTuningProblem,
    Layer,
    ReLUNetwork,
    build,
    certificate,
    write_certificate,
)
from constructions.bounds import upper

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ENTRIES = {
    "floats of any size": FINITE,
    "huge range": st.sampled_from([1e-300, -1e-300, 1e300, -1e300, 5e-324, 0.0, -0.0, 1.0]),
    "nearly equal": st.integers(0, 40).map(lambda k: 1.0 + k * 2.0**-52),
    "clustered": st.builds(
        lambda c, k: c + k * 2.0**-30, st.sampled_from([0.0, 1.0, 1000.0]), st.integers(0, 9)
    ),
    "integers": st.integers(-30, 30),
    "few integers": st.integers(0, 2),
    "fractions": st.fractions(max_denominator=50),
}
VALUES = st.one_of(st.integers(-3, 3), st.fractions(max_denominator=20), st.floats(-1e6, 1e6), st.just(1))


@st.composite
def problems(draw: st.DrawFn, most: int = 16) -> FineTuningProblem:
    """Arbitrary point sets in up to 3 dimensions; equal points are changed alike."""
    entry = ENTRIES[draw(st.sampled_from(sorted(ENTRIES)))]
    d = draw(st.integers(1, 3))
    points = draw(st.lists(st.lists(entry, min_size=d, max_size=d), min_size=1, max_size=most))
    if draw(st.booleans()) and d > 1:
        points = [[row[0]] * d for row in points]  # collinear
    if draw(st.booleans()):
        points.append(list(points[0]))
    k = len(points)
    base = draw(st.none() | st.lists(st.integers(-9, 9).map(lambda v: v / 4), min_size=k, max_size=k))
    count = draw(st.integers(0, k))
    chosen = draw(st.permutations(range(k)))[:count]
    one_sign = draw(st.booleans())
    change: dict[tuple[Fraction, ...], Fraction] = {}
    edits = {}
    for i in chosen:
        key = tuple(Fraction(x) for x in points[i])
        value = Fraction(draw(VALUES))
        change.setdefault(key, abs(value) if one_sign else value)
    for i, row in enumerate(points):
        key = tuple(Fraction(x) for x in row)
        if key in change:
            edits[i] = change[key] + Fraction(0 if base is None else base[i])
    return FineTuningProblem(points, base, edits)


def judge(solution, folder: Path) -> dict:
    path = folder / "certificate.json"
    write_certificate(solution, path)
    verdict = verify.check(path)
    assert verdict.status == "accepted", verdict.text()
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


RELAXED = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@RELAXED
@given(problem=problems(), depth=st.integers(2, 6))
def test_the_smallest_network_is_accepted_and_keeps_the_bound(problem, depth, folder) -> None:
    solution = build(problem, depth)
    document = judge(solution, folder)
    assert solution.network.depth == depth
    claim = document["claims"][0]
    assert "bound" in claim or solution.problem.N == 0
    if solution.restart_every is None:
        most = upper(depth, problem.N, problem.K, one_sign=problem.one_sign)
        assert solution.network.neurons <= most


@pytest.mark.parametrize("name", sorted(CONSTRUCTIONS))
@settings(RELAXED, max_examples=40)
@given(problem=problems(), every=st.none() | st.integers(1, 3), numbers=st.booleans())
def test_every_construction_is_accepted(name, problem, every, numbers, folder) -> None:
    construction = CONSTRUCTIONS[name]
    moderate = numbers and construction.dyadic
    every = every if construction.restarts else None
    solution = build(
        problem,
        construction.depth,
        construction=name,
        restart_every=None if moderate else every,
        numbers="moderate" if moderate else "fewest",
    )
    judge(solution, folder)
    if moderate and problem.points.denominator & (problem.points.denominator - 1) == 0:
        dyadic_changes = all(q & (q - 1) == 0 for q in (c.denominator for c in problem.delta.values()))
        assert solution.network.dyadic or not dyadic_changes


@pytest.mark.parametrize(
    ("depth", "one_sign", "neurons"),
    [(3, False, 40), (3, True, 35), (4, False, 24), (4, True, 23), (5, False, 25), (7, False, 27)],
)
def test_known_widths_for_a_hundred_edits(depth, one_sign, neurons) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3))
    chosen = rng.choice(500, size=100, replace=False)
    values = rng.normal(size=100)
    edits = dict(zip(chosen.tolist(), abs(values) if one_sign else values, strict=True))
    solution = build(FineTuningProblem(points, edits=edits), depth)
    assert solution.network.neurons == neurons
    assert solution.restart_every is None


def test_moderate_numbers_for_a_hundred_edits() -> None:
    rng = np.random.default_rng(0)
    edits = {int(i): float(v) for i, v in zip(rng.choice(500, 100, False), rng.normal(size=100), strict=True)}
    problem = FineTuningProblem(rng.normal(size=(500, 3)), edits=edits)
    solution = build(problem, 4, numbers="moderate")
    assert solution.network.neurons == 32
    assert solution.network.dyadic
    assert solution.bound == {"name": "four-layer-moderate"}


@pytest.mark.parametrize("k", range(5, 18))
def test_alternating_values_need_exactly_k_minus_2(k) -> None:
    problem = FineTuningProblem([[i] for i in range(k)], edits={i: (-1) ** i for i in range(k)})
    assert build(problem, 2).network.neurons == k - 2


@pytest.mark.parametrize("n", range(1, 6))
def test_the_adversarial_pattern_needs_exactly_3n(n) -> None:
    edits = {3 * j + 2: (-1) ** j for j in range(n)}
    problem = FineTuningProblem([[i] for i in range(3 * n + 2)], edits=edits)
    assert build(problem, 2).network.neurons == 3 * n


@pytest.mark.parametrize(
    ("values", "most"), [([3], 0), ([0, 1], 1), ([0, 1, 0], 2), ([0, 1, 0, 0], 2), ([1, 0, 1, 0], 3)]
)
def test_small_cases(values, most) -> None:
    edits = {i: v for i, v in enumerate(values) if v}
    problem = FineTuningProblem([[i] for i in range(len(values))], edits=edits)
    assert build(problem, 2).network.neurons == most


def test_long_numbers_get_restarts_and_say_so() -> None:
    rng = random.Random(0)
    edits = {i: Fraction(rng.randrange(1, 10**6), 7) for i in range(0, 300, 2)}
    problem = FineTuningProblem([[rng.random()] for _ in range(300)], edits=edits)
    plain = build(problem, 3)
    short = build(problem, 3, bit_limit=plain.network.bits // 2)
    assert plain.restart_every is None
    assert short.restart_every is not None
    assert short.network.bits <= plain.network.bits // 2
    assert short.network.neurons > short.plain_neurons == plain.network.neurons
    assert short.bound is not None
    assert short.bound["restart_every"] >= short.restart_every  # the least restarts that it keeps to
    assert short.network(problem.points) == plain.network(problem.points)


def test_auto_takes_the_fewest_neurons() -> None:
    problem = FineTuningProblem([[i] for i in range(300)], edits={3 * i: (-1) ** i for i in range(50)})
    assert build(problem).network.neurons == min(build(problem, depth).network.neurons for depth in (2, 3, 4))


def test_equal_projections_of_protected_points_are_fine() -> None:
    points = [[x, y] for x in range(6) for y in range(6)]
    problem = FineTuningProblem(points, edits={7: 1, 22: -2})
    for depth in (2, 3, 4):
        assert build(problem, depth).network(points) == [problem.delta.get(i, 0) for i in range(36)]


def test_the_same_seed_gives_the_same_certificate() -> None:
    rng = np.random.default_rng(1)
    problem = FineTuningProblem(rng.integers(0, 9, size=(60, 4)), edits={3: 1, 9: 2.5})
    assert certificate(build(problem, 3, seed=5)) == certificate(build(problem, 3, seed=5))


@pytest.mark.parametrize(
    ("points", "base", "edits", "message"),
    [
        ([[0.0], [float("nan")]], None, {}, r"points\[1, 0\] is nan"),
        (np.array([[1.0, np.inf]]), None, {}, r"points\[0, 1\] is inf"),
        ([], None, {}, "points is empty"),
        ([1, 2], None, {}, r"points has shape \(2,\)"),
        ([[1], [2, 3]], None, {}, "rows of different lengths"),
        ([[1], [2]], [1], {}, r"base has shape \(1,\)"),
        ([[1], [2]], None, {2: 1}, "edit index 2 is out of range"),
        ([[1], [2]], None, {-1: 1}, "edit index -1 is out of range"),
        ([[1], [2]], None, [(0, 1), (0, 2)], "edit index 0 is given twice"),
        ([[1], [2]], None, {0: float("inf")}, "the value of edit 0 is inf"),
        ([[1], [1]], None, {0: 5}, "points 0 and 1 are equal but need different changes: 5 and 0"),
    ],
)  # fmt: skip
def test_bad_problems_name_the_place(points, base, edits, message) -> None:
    with pytest.raises(ValueError, match=message):
        FineTuningProblem(points, base, edits)


def test_numbers_are_exact() -> None:
    assert FineTuningProblem([[1]], [0.1], {0: 0.3}).delta[0] == Fraction(0.3) - Fraction(0.1)
    assert FineTuningProblem([[1]], [0], {0: sympy.Rational(1, 3)}).delta[0] == Fraction(1, 3)
    assert FineTuningProblem(np.array([[5e-324]])).points[0, 0] == Fraction(1, 2**1074)
    assert FineTuningProblem(np.array([[255]], dtype=np.uint8)).points[0, 0] == 255
    assert FineTuningProblem(np.array([[0.1]], dtype=np.float32)).points[0, 0] == Fraction(
        float(np.float32(0.1))
    )
    for wrong in (True, "1", sympy.Float(0.5), object()):
        with pytest.raises(TypeError, match="edit 0"):
            FineTuningProblem([[1]], None, {0: wrong})


def test_a_folder_certificate_keeps_the_arrays(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    solution = build(FineTuningProblem(points, np.ones(40), {3: 2.5}), 3)
    write_certificate(solution, tmp_path / "patch")
    assert (np.load(tmp_path / "patch" / "points.npy") == points).all()
    assert verify.check(tmp_path / "patch").status == "accepted"
    with pytest.raises(FileExistsError, match="exists already"):
        write_certificate(solution, tmp_path / "patch")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["patch"]


def test_unrelated_denominators_fit_into_a_certificate(folder: Path) -> None:
    rng = random.Random(0)
    points = [[Fraction(rng.randrange(10**9), rng.getrandbits(32) | 1)] for _ in range(2500)]
    edits = {7: Fraction(1, 3), 9: 5e-324}
    judge(build(FineTuningProblem(points, None, edits), 2), folder)


def test_a_number_beyond_the_format_is_named(tmp_path: Path) -> None:
    solution = build(FineTuningProblem([[Fraction(1, 10**20_000)], [0]], edits={1: 1}), 2)
    with pytest.raises(ValueError, match=r"points: an integer has 20001 digits, more than the 20000"):
        write_certificate(solution, tmp_path / "c.json")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=30)
@given(st.integers(0, 2), st.data())
def test_a_neuron_taken_out_is_one_that_is_silent(layer: int, data: st.DataObject) -> None:
    """What is left equals the network whose neuron has weights and bias 0."""
    points = [[i] for i in range(12)]
    network = build(FineTuningProblem(points, edits={1: 1, 4: -2, 5: 3, 9: -1}), 4).network
    neuron = data.draw(st.integers(0, network.widths[layer] - 1))
    silent = list(network.layers)
    weight, bias = silent[layer].weight.copy(), silent[layer].bias.copy()
    weight[neuron, :], bias[neuron] = 0, 0
    silent[layer] = Layer(weight, bias, silent[layer].denominator)
    less = network.without(layer, neuron)
    assert less.neurons == network.neurons - 1
    assert less.widths[layer] == network.widths[layer] - 1
    assert less(points) == ReLUNetwork(tuple(silent))(points) != network(points)


@pytest.mark.parametrize(
    ("layer", "neuron", "message"),
    [
        (-1, 0, "layer is -1: expected one of the 3"),
        (3, 0, "layer is 3"),
        (2, 4, "neuron is 4: expected one of the 4"),
        (0, -1, "neuron is -1"),
    ],
)
def test_only_a_hidden_neuron_can_be_taken_out(layer: int, neuron: int, message: str) -> None:
    network = build(FineTuningProblem([[i] for i in range(12)], edits={1: 1, 4: -2, 5: 3, 9: -1}), 4).network
    with pytest.raises(ValueError, match=message):
        network.without(layer, neuron)
