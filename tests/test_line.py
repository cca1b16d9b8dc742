"""Constructions on a line, with long chains of groups: exact values, exact widths, dyadic weights."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from constructions import (
    FineTuningProblem,
    LineProblem,
    band_crossing,
    build,
    choose_direction,
    grid,
    relative_gap,
    sign_lift,
    three_layer_memorizer,
    to_line,
)
from constructions.bounds import restarts, two_layer_exact
from constructions.two_layer import fewest_breakpoints, least_breakpoints, memorizer

POSITIONS = {
    "integers": lambda rng, k: Fraction(rng.randint(0, 4 * k)),
    "normal": lambda rng, _: Fraction(rng.gauss(0, 1)),
    "powers of two": lambda rng, _: Fraction(2) ** rng.randint(-60, 60),
    "one ulp apart": lambda rng, k: Fraction(1.0 + rng.randint(0, 3 * k) * 2.0**-52),
    "clusters": lambda rng, k: Fraction(rng.choice([0, 1, 1e6]) + rng.randint(0, k) * 2.0**-30),
}


def flint(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def line_problem(rng: random.Random, most: int) -> LineProblem:
    """Runs of edits with protected gaps of any length between them."""
    k = rng.randint(4, most)
    place = POSITIONS[rng.choice(sorted(POSITIONS))]
    positions = sorted({place(rng, k) for _ in range(k)})
    values = [Fraction(0)] * len(positions)
    one_sign, i = rng.random() < 0.5, rng.choice([0, 0, 1, 3])
    while i < len(positions):
        run = rng.choice([1, 1, 2, 3, 5])
        for j in range(i, min(len(positions), i + run)):
            size = Fraction(rng.choice([1, 2, 3, rng.randint(1, 999) / 1024]))
            values[j] = size if one_sign else rng.choice([-size, size])
        i += run + rng.choice([0, 1, 1, 2, 3, 6, 12])
    return LineProblem([flint(t) for t in positions], [flint(y) for y in values])


def exact(line: LineProblem, network) -> bool:
    values = network([[t] for t in line.positions])
    return [flint(value) for value in values] == line.values


@pytest.mark.parametrize("seed", range(60))
def test_any_columns_and_restarts_have_exactly_the_stated_width(seed: int) -> None:
    rng = random.Random(seed)
    line = line_problem(rng, most=80)
    n, k = len(line.edits), len(line.positions)
    if n == 0:
        pytest.skip("nothing to do")
    cost = 3 if line.one_sign else 4
    r, every = rng.randint(1, min(n, 10)), rng.choice([None, 1, 2, 3, 5])
    groups = -(-n // r)
    extra = restarts(groups, every)
    for network, neurons in (
        (band_crossing(line, r, every), groups + r + cost + extra),
        (grid(line, r, every), groups + cost * r + extra),
        (sign_lift(line, r, every), groups + 3 * r + 2 + extra),
        (three_layer_memorizer(line, r, every), (m := -(-k // r)) + r + restarts(m, every)),
    ):
        assert exact(line, network)
        assert network.neurons == neurons
        assert network.dyadic or every != 1


@pytest.mark.parametrize("seed", range(60))
def test_two_layers_on_a_line(seed: int) -> None:
    line = line_problem(random.Random(seed), most=40)
    k = len(line.positions)
    fewest, all_values = fewest_breakpoints(line), memorizer(line)
    assert exact(line, fewest)
    assert exact(line, all_values)
    assert least_breakpoints(line) <= fewest.neurons <= least_breakpoints(line) + 1
    assert all_values.neurons <= (k - 2 if k >= 5 else 3)


@pytest.mark.parametrize("name", ["band-crossing", "grid", "sign-lift", "three-layer-memorizer"])
@pytest.mark.parametrize("limit", [25, 60, 200])
def test_bit_limits_are_kept_or_every_gap_is_restarted(name: str, limit: int) -> None:
    rng = random.Random(limit)
    used = set()
    for _ in range(6):
        edits = {2 * i: rng.randint(1, 9) * rng.choice([-1, 1]) for i in range(1, 20)}
        problem = FineTuningProblem([[i * i] for i in range(60)], edits=edits)
        solution = build(problem, 4, construction=name, bit_limit=limit)
        network = solution.network
        used.add(solution.restart_every)
        assert network(problem.points) == [problem.delta.get(i, 0) for i in range(60)]
        assert network.bits <= limit or solution.restart_every == 1
        plain = build(problem, 4, construction=name, bit_limit=10**9)
        assert plain.network.neurons == solution.plain_neurons
        if solution.restart_every is None:
            assert network.neurons == solution.plain_neurons
        else:
            assert network.neurons > solution.plain_neurons
            assert plain.network.bits > limit
    assert used != {1} or limit == 25  # larger distances are found where they do


def test_the_limit_does_not_refuse_a_network_that_fits() -> None:
    rng = random.Random(2)
    for _ in range(20):
        edits = {i: rng.choice([-2, -1, 1, 3]) for i in rng.sample(range(12), 7)}
        problem = FineTuningProblem([[rng.random()] for _ in range(12)], edits=edits)
        free = build(problem, 4, construction="band-crossing", bit_limit=10**9)
        again = build(problem, 4, construction="band-crossing", bit_limit=free.network.bits)
        assert again.network.neurons <= free.network.neurons + 1
        if again.restart_every is None:
            assert again.network.bits <= free.network.bits


def test_smallest_two_layer_network_takes_the_memorizer_where_it_wins() -> None:
    values = [0, 1, 4, 2, 7, 12]
    problem = FineTuningProblem([[i] for i in range(6)], edits=dict(enumerate(values)))
    assert build(problem, 2).network.neurons == 3


def test_a_default_build_states_a_bound() -> None:
    rng = random.Random(31)
    for _ in range(15):
        k = rng.randint(20, 40)
        points = sorted({(rng.random() - 0.5) * 2.0 ** rng.randint(-300, 300) for _ in range(k)})
        edits = dict.fromkeys(rng.sample(range(len(points)), rng.randint(6, 10)), 1.0)
        for layers in (2, 3, 4, 5):
            solution = build(FineTuningProblem([[x] for x in points], edits=edits), layers)
            assert solution.bound is not None
            assert solution.network.neurons <= two_layer_exact(len(edits), len(points)) + layers - 2


EXTREMES = {
    "int64": np.array([[2**63 - 1, -(2**63)], [-(2**63), 2**63 - 1], [2**63 - 2, 5], [0, 0], [1, 0]]),
    "uint64": np.array([[2**64 - 1, 0], [0, 2**64 - 1], [2**64 - 2, 1], [3, 3], [4, 3]], dtype=np.uint64),
    "half of int64": np.array([[m := 2**62 - 1, m], [-m, -m], [m - 5, m - 7], [17, 3], [-m + 9, -m + 1]]),
}


@pytest.mark.parametrize("name", sorted(EXTREMES))
def test_integer_extremes_do_not_overflow(name: str) -> None:
    points = EXTREMES[name]
    edits = {0: 1, 2: -3}
    fast = FineTuningProblem(points, edits=edits)
    slow = FineTuningProblem(points.astype(object), edits=edits)
    for direction in ((1, 1), (1, -1), (0, 1), (7, -3)):
        assert relative_gap(fast, direction) == relative_gap(slow, direction)
    assert choose_direction(fast) == choose_direction(slow)
    for layers in (2, 3, 4):
        assert build(fast, layers).network(points) == [1, 0, -3, 0, 0]


def test_the_direction_is_seeded_and_the_best_of_several() -> None:
    points = np.random.default_rng(0).integers(0, 50, size=(300, 6))
    problem = FineTuningProblem(points, edits=dict.fromkeys(range(0, 300, 30), 1))
    chosen = {seed: choose_direction(problem, seed) for seed in range(6)}
    assert chosen == {seed: choose_direction(problem, seed) for seed in range(6)}
    assert len(set(chosen.values())) > 1
    rng = np.random.default_rng(0)
    first = [tuple(int(v) for v in rng.integers(-1, 1, size=6, endpoint=True)) for _ in range(8)]
    assert relative_gap(problem, chosen[0]) >= max(relative_gap(problem, u) for u in first)
    assert max(abs(v) for v in chosen[0]) <= 31


def test_the_relative_gap_is_the_definition() -> None:
    rng = random.Random(0)
    for _ in range(50):
        points = [[rng.randint(-5, 5) for _ in range(2)] for _ in range(8)]
        edits = {i: 1 for i in range(0, 8, 3) if points.count(points[i]) == 1}
        problem, u = FineTuningProblem(points, edits=edits), (rng.randint(-2, 2), rng.randint(-2, 2))
        t = [x * u[0] + y * u[1] for x, y in points]
        changes = [problem.delta.get(i, 0) for i in range(8)]
        if any(t[i] == t[j] and changes[i] != changes[j] for i in range(8) for j in range(8)):
            assert relative_gap(problem, u) == 0
            with pytest.raises(ValueError, match="the same projection"):
                to_line(problem, u)
            continue
        gaps = [abs(t[i] - t[j]) for i in range(8) for j in range(8) if changes[i] and t[i] != t[j]]
        expected = Fraction(min(gaps), max(t) - min(t)) if gaps else 1
        assert relative_gap(problem, u) == expected


@pytest.mark.parametrize("columns", [0, -1, 4])
def test_bad_columns_are_named(columns: int) -> None:
    line = LineProblem([fmpq(i) for i in range(9)], [fmpq(i in (2, 4, 6)) for i in range(9)])
    for construction in (grid, sign_lift):
        with pytest.raises(ValueError, match=f"columns is {columns}"):
            construction(line, columns)
    with pytest.raises(ValueError, match="restart_every is 0"):
        band_crossing(line, 2, 0)


def test_bad_requests_are_named() -> None:
    problem = FineTuningProblem([[0], [1], [2]], edits={1: 1})
    for arguments, message in (
        ({"layers": 1}, "layers is 1"),
        ({"layers": True}, "layers is True"),
        ({"layers": "many"}, "layers is 'many'"),
        ({"construction": "x"}, "unknown construction 'x'"),
        ({"layers": 2, "construction": "grid"}, "construction grid has 3 layers, more than 2"),
        ({"numbers": "tiny"}, "numbers is 'tiny'"),
        ({"numbers": "moderate", "construction": "memorizer"}, "no dyadic variant"),
        ({"numbers": "moderate", "restart_every": 3}, "leave restart_every out"),
        ({"restart_every": 0}, "restart_every is 0"),
        ({"restart_every": 2, "layers": 2}, "has no restarts"),
    ):
        with pytest.raises(ValueError, match=message):
            build(problem, **arguments)
