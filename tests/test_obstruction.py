"""Obstructions: as strong as the theory says, never stronger than the truth, and refused when forged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

import verify
from constructions import CONSTRUCTIONS, FineTuningProblem, ReLUNetwork, build, to_line, write_certificate
from constructions.adversarial import alternating, halves, one_sign, worst_case
from constructions.bounds import lower_halves, lower_on_line, two_layer_exact, upper
from constructions.obstruction import obstruct
from constructions.two_layer import least_breakpoints
from verify.kernel.line_obstruction import least_neurons, least_neurons_split


def kernel(path: Path) -> verify.Verdict:
    return verify.check(path)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 30])
@pytest.mark.parametrize("layers", [2, 3, 4, 6])
@pytest.mark.parametrize("positive", [False, True])
def test_worst_cases_are_as_hard_as_the_bounds_say(
    tmp_path: Path, n: int, layers: int, positive: bool
) -> None:
    problem = worst_case(n, layers, positive=positive)
    found = obstruct(problem, layers)
    assert n == problem.N
    assert found.neurons == lower_on_line(layers, n, None, positive)
    if layers == 2:
        assert found.neurons == 3 * n == two_layer_exact(n)
    assert kernel(write_certificate(found, tmp_path / "a")).status == "accepted"
    network = build(problem, layers).network
    assert found.neurons <= network.neurons <= upper(layers, n, problem.K, positive)


@pytest.mark.parametrize("n", range(13))
@pytest.mark.parametrize("positive", [False, True])
def test_every_formula_is_reached_by_an_instance_with_so_many_edits_and_points(
    tmp_path: Path, n: int, positive: bool
) -> None:
    for k in range(max(n, 1), 4 * n + 7):
        for layers in (2, 3, 4, 5):
            problem = worst_case(n, layers, k, positive=positive)
            assert (n, k) == (problem.N, problem.K)
            assert problem.one_sign or not positive
            found = obstruct(problem, layers)
            assert found.neurons == lower_on_line(layers, n, k, positive) <= upper(layers, n, k, positive)
            if k % 5 == 0:
                assert kernel(write_certificate(found, tmp_path / f"{k}-{layers}")).status == "accepted"


@pytest.mark.parametrize("n", range(13, 41))
def test_halves_reach_their_formula_where_points_are_few(n: int) -> None:
    for k in range(n, 4 * n + 2):
        assert obstruct(worst_case(n, 3, k), 3).neurons == lower_on_line(3, n, k)


@pytest.mark.parametrize("n", [100, 1234, 2000])
def test_the_best_halves_are_found_among_many_edits(n: int) -> None:
    for k in (n, 3 * n + 1, 4 * n - 1, 4 * n, 4 * n + 1):
        assert obstruct(worst_case(n, 3, k), 3).neurons == lower_on_line(3, n, k)


@pytest.mark.parametrize("k", range(5, 17))
def test_two_layers_for_every_number_of_points(k: int) -> None:
    for n in range(-(-(k - 2) // 3), k + 1):  # K <= 3N + 2
        problem = alternating(n, k)
        assert (n, k) == (problem.N, problem.K)
        assert obstruct(problem, 2).neurons == k - 2 == build(problem, 2).network.neurons
    assert obstruct(alternating(1, k), 2).neurons == 3


def test_the_kernel_knows_the_formulas() -> None:
    for breakpoints in range(60):
        for layers in (2, 3, 4, 5):
            widths = least_neurons(breakpoints, layers)
            assert widths == _by_trial(breakpoints, layers - 1)
    for first in range(12):
        for second in range(12):
            trial = min(
                p + q - 2 + a + b
                for p in range(1, 14) for a in range(14) if p * (a + 1) > first
                for q in range(1, 14) for b in range(14) if q * (b + 1) > second
            )  # fmt: skip
            assert least_neurons_split(first, second) == max(trial, 0)
    assert [lower_halves(n) for n in (2, 8, 9, 100)] == [
        max(least_neurons_split(first, 2 * n - first) for first in range(2 * n + 1)) for n in (2, 8, 9, 100)
    ]


def _by_trial(breakpoints: int, hidden: int) -> int:
    if breakpoints == 0:
        return 0
    if hidden == 1:
        return breakpoints
    return min(
        w + max(1, _by_trial(-(-(breakpoints + 1) // (w + 1)) - 1, hidden - 1), hidden - 1)
        for w in range(1, breakpoints + 1)
    )


def random_line_problem(rng: random.Random) -> FineTuningProblem:
    k = rng.randint(1, 14)
    step, origin = (
        [rng.randint(-3, 3) for _ in range(2)] + [1],
        [Fraction(rng.randint(-9, 9), 4) for _ in range(3)],
    )
    places = [Fraction(rng.choice([rng.randint(0, 20), rng.randint(0, 99)]), 3) for _ in range(k)]
    values = {t: Fraction(rng.choice([0, 0, 1, -1, 2, rng.randint(-9, 9)])) for t in places}
    points = [[o + t * s for o, s in zip(origin, step, strict=True)] for t in places]
    base = [Fraction(rng.randint(-3, 3), 2) for _ in places]
    edits = {i: base[i] + values[t] for i, t in enumerate(places) if values[t] or rng.random() < 0.1}
    return FineTuningProblem(points, base, edits)


@pytest.mark.parametrize("seed", range(60))
def test_no_construction_beats_a_certified_obstruction(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    problem = random_line_problem(rng)
    for layers in (2, 3, 4, 5):
        found = obstruct(problem, layers)
        for name, construction in CONSTRUCTIONS.items():
            if construction.depth <= layers:
                made = build(problem, layers, construction=name).network
                assert made.neurons >= found.neurons, name
        path = write_certificate(found, tmp_path / f"{layers}.json")
        assert kernel(path).status == "accepted", kernel(path).text()
        if layers == 2 and found.windows:  # windows and breakpoints are dual
            assert found.neurons == least_breakpoints(to_line(problem, found.direction))
        higher = json.loads(path.read_text())
        higher["claims"][0]["neurons"] += 1
        path.write_text(json.dumps(higher))
        violation = kernel(path).findings[0].violation
        assert violation is not None
        assert violation.obligation == "neurons"


@pytest.mark.parametrize("seed", range(80))
def test_no_network_solves_what_is_obstructed(seed: int) -> None:
    """Tiny networks of small integers, on lines and grids: the instance that each one solves needs no more
    neurons than it has."""
    rng = random.Random(seed)
    d = rng.choice([1, 1, 2])
    for _ in range(12):
        widths = [rng.randint(1, 3) for _ in range(rng.randint(1, 3))]
        sizes = [d, *widths, 1]
        network = ReLUNetwork.of(
            [
                (
                    [[fmpq(rng.randint(-3, 3)) for _ in range(n)] for _ in range(m)],
                    [fmpq(rng.randint(-9, 9)) for _ in range(m)],
                )
                for n, m in zip(sizes, sizes[1:], strict=False)
            ],
            inputs=d,
        )
        points = (
            [[i] for i in range(-8, 9)] if d == 1 else [[x, y] for x in range(-2, 3) for y in range(-2, 3)]
        )
        values = network(points)
        problem = FineTuningProblem(points, edits=dict(enumerate(values)))
        for layers in range(len(sizes) - 1, len(sizes) + 1):
            found = obstruct(problem, layers)
            assert found.neurons <= network.neurons + layers - len(sizes) + 1


def test_a_line_among_other_points_is_found(tmp_path: Path) -> None:
    """In the plane: an alternating pattern along (2, 1), and points around it."""
    rng = random.Random(0)
    on_line = [[2 * i, i] for i in range(11)]
    beside = [[rng.randint(-50, 50), 100 + rng.randint(0, 50)] for _ in range(30)]
    order = rng.sample(range(41), 41)
    points = [(on_line + beside)[i] for i in order]
    edits = {order.index(i): (-1) ** i for i in (2, 5, 8)}
    found = obstruct(FineTuningProblem(points, edits=edits), 2)
    assert found.direction == (2, 1)
    assert found.neurons == 9
    assert kernel(write_certificate(found, tmp_path / "a")).status == "accepted"


Document = dict[str, Any]


def overlap(c: Document) -> None:
    c["claims"][0]["windows"].append(c["claims"][0]["windows"][0])


def too_high(c: Document) -> None:
    c["claims"][0]["neurons"] += 1


def flat(c: Document) -> None:
    c["claims"][0]["windows"][0] = [85, 86, 87]


def backwards(c: Document) -> None:
    c["claims"][0]["windows"][1].reverse()


def beside(c: Document) -> None:
    c["points"]["numerators"][2 * c["claims"][0]["windows"][2][1]] = "77"


def one_layer(c: Document) -> None:
    c["claims"][0]["layers"] = 1
    del c["claims"][0]["split"]


def other_values(c: Document) -> None:
    c["edits"]["value"]["numerators"][0] = "-1"


def early_split(c: Document) -> None:
    c["claims"][0]["split"] -= 1


FORGED: list[tuple[Callable[[Document], None], str]] = [
    (overlap, "windows[40]"),
    (too_high, "neurons"),
    (flat, "windows[0]"),
    (backwards, "windows[1]"),
    (beside, "windows[2]"),
    (one_layer, "layers"),
    (other_values, "split"),
    (early_split, "split"),
]


@pytest.mark.parametrize(("forge", "place"), FORGED, ids=lambda value: getattr(value, "__name__", value))
def test_forged_obstructions_are_rejected_for_the_right_reason(
    tmp_path: Path, forge: Callable[[Document], None], place: str
) -> None:
    points = [[i, 2 * i] for i in range(88)]
    problem = FineTuningProblem(points, edits={4 * k + 2: 1 if k < 10 else -1 for k in range(20)})
    path = write_certificate(obstruct(problem, 3), tmp_path / "a.json")
    document = json.loads(path.read_text())
    assert document["claims"][0]["split"] == 20
    assert kernel(path).status == "accepted"
    forge(document)
    path.write_text(json.dumps(document))
    verdict = kernel(path)
    assert verdict.status == "rejected"
    violation = verdict.findings[0].violation
    assert violation is not None
    assert violation.obligation == place, verdict.text()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda c: c["claims"][0].update(windows=[[0, 1]]), "claims[0].windows[0]"),
        (lambda c: c["claims"][0].update(windows=[[0, 1, 99]]), "claims[0].windows[0]"),
        (lambda c: c["claims"][0].update(windows=[[0, 1, True]]), "claims[0].windows[0]"),
        (lambda c: c["claims"][0].update(windows={}), "claims[0].windows"),
        (lambda c: c["claims"][0].update(split=99), "claims[0].split"),
        (lambda c: c["claims"][0].update(layers=4), "claims[0].split"),
        (lambda c: c["claims"][0].update(neurons=-1), "claims[0].neurons"),
        (lambda c: c.pop("direction"), "direction"),
        (lambda c: c.update(direction=["0"]), "direction"),
    ],
)
def test_what_is_no_obstruction_is_malformed(
    tmp_path: Path, change: Callable[[Document], Any], place: str
) -> None:
    path = write_certificate(obstruct(halves(20), 3), tmp_path / "a.json")
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    verdict = kernel(path)
    assert (verdict.status, verdict.place) == ("malformed", place)


def test_worst_cases_of_impossible_sizes_are_refused() -> None:
    for instance in (alternating, halves, one_sign):
        for edits, points in ((3, 2), (-1, 2), (0, 0)):
            with pytest.raises(ValueError, match="expected 0 <= N <= K"):
                instance(edits, points)
    with pytest.raises(ValueError, match="layers is 1"):
        worst_case(1, 1)
    with pytest.raises(ValueError, match="layers is 1"):
        obstruct(halves(1), 1)
    assert np.array_equal(halves(1, 9).points.numerators[:, 0], np.arange(9))
