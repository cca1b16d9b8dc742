"""Published constructions are exact on problems of every kind, within the sizes that they claim."""

from __future__ import annotations

import itertools
import json
import math
import random
from dataclasses import replace
from fractions import Fraction

import pytest
from typer.testing import CliRunner

from constructions import FineTuningProblem, ReLUNetwork
from constructions.literature import CLAIMS, bit_extraction, huang, inoue, yun
from constructions.size_claim import (
    ALL_EDITED,
    DISTINCT,
    Failure,
    SizeClaim,
    few_values,
    separation,
)
from constructions.size_formula import SizeFormula
from ftc.cli import app

Points = list[tuple[Fraction, ...]]


def places(rng: random.Random, count: int, d: int) -> Points:
    """Different points: on a small grid, spread over many scales, or side by side."""
    kind = rng.choice(("grid", "scales", "near"))
    found: dict[tuple[Fraction, ...], None] = {}
    while len(found) < count:
        point = [Fraction(rng.randint(-6, 6)) for _ in range(d)]
        if kind == "scales":
            point = [x * Fraction(10) ** rng.randint(-9, 9) for x in point]
        if kind == "near":
            point = [x / 2**52 + 1 for x in point]
        found[tuple(point)] = None
        if kind == "grid" and len(found) == 13**d:
            break
    return list(found)


def edited(points: Points, rng: random.Random) -> FineTuningProblem:
    """All points change, by numbers of several sizes and both signs."""
    sizes = (Fraction(1), Fraction(2, 3), Fraction(10) ** 9, Fraction(1, 10**9))
    return FineTuningProblem(
        points, edits={i: rng.choice(sizes) * rng.choice((1, -1)) for i in range(len(points))}
    )


def solves(network: ReLUNetwork, problem: FineTuningProblem) -> bool:
    return network(problem.points) == [problem.delta.get(i, 0) for i in range(problem.K)]


@pytest.mark.parametrize("seed", range(40))
def test_all_widths_memorize(seed: int) -> None:
    """Yun, Sra, Jadbabaie: widths with `d1 d2 >= 4N`; Inoue: with `a1 a2 >= N`."""
    rng = random.Random(seed)
    n, d = rng.randint(1, 12), rng.choice((1, 2, 3))
    problem = edited(places(rng, n, d), rng)
    for second in range(1, problem.K + 2):
        first = -(-problem.K // second)
        network = yun.memorize(problem, 2 * first, 2 * second)
        assert solves(network, problem)
        assert network.depth == 3
        assert network.widths[0] <= 2 * first
        assert network.widths[1] <= 2 * second
        network = inoue.memorize(problem, first, second)
        assert solves(network, problem)
        assert network.depth == 3
        assert network.widths[0] <= first
        assert network.widths[1] <= second


def test_widths_that_do_not_fit() -> None:
    problem = FineTuningProblem([[i] for i in range(7)], edits={i: i + 1 for i in range(7)})
    for widths, text in (
        ((5, 6), "d1 is 5"),
        ((6, 0), "d2 is 0"),
        ((6, 4), "expected at least 4 N with N = 7"),
    ):
        with pytest.raises(ValueError, match=text):
            yun.memorize(problem, *widths)
    for widths, text in (((2, 3), "at least the 7 points"), ((-1, -7), "widths from 1")):
        with pytest.raises(ValueError, match=text):
            inoue.memorize(problem, *widths)


@pytest.mark.parametrize("n", range(1, 31))
def test_best_widths(n: int) -> None:
    """Widths for every N, incomplete groups and perfect squares among them."""
    problem = edited([(Fraction(i),) for i in range(n)], random.Random(n))
    assert solves(network := huang.memorize(problem), problem)
    assert network.neurons == min(-(-n // r) + 3 * r for r in range(1, n + 1)) <= 2 * math.sqrt(3 * n) + 1
    assert solves(network := yun.best_widths(problem), problem)
    assert network.neurons == 2 * math.ceil(2 * math.sqrt(n))
    assert solves(network := inoue.best_widths(problem), problem)
    assert network.neurons == math.ceil(2 * math.sqrt(n))


def test_the_counts_of_many_points() -> None:
    huang_s, yun_s, inoue_s = (
        SizeFormula.parse(str(CLAIMS[name].neurons)) for name in ("huang2003", "yun2019", "inoue2019")
    )
    for n in (*range(1, 300), 999, 1000, 5000, 12345):
        assert min(-(-n // r) + 3 * r for r in range(1, n + 1)) <= huang_s.floor(n, n, 1)
        best = min(-(-n // r) + r for r in range(1, n + 1))
        assert (yun_s.floor(n, n, 1), inoue_s.floor(n, n, 1)) == (2 * best, best)


def test_statements_as_quoted() -> None:
    """Without rounding, the quoted numbers are below what these forms need for one or two points."""
    one = FineTuningProblem([[0]], edits={0: 1})
    two = FineTuningProblem([[0], [1]], edits={0: 1, 1: -1})
    asked = (DISTINCT, ALL_EDITED)
    huang_as_quoted = SizeClaim("as quoted", "Huang2003", huang.memorize, "2*sqrt(3*N)", 3, asked)
    yun_as_quoted = SizeClaim("as quoted", "Yun2019", yun.best_widths, "4*sqrt(N)", 3, asked)
    assert huang_as_quoted.on_trial(one).failure == Failure("neurons", "at most 3", "4")
    assert yun_as_quoted.on_trial(one).failure is None
    assert yun_as_quoted.on_trial(two).failure == Failure("neurons", "at most 5", "6")


def test_zhang_shares_weights() -> None:
    points = [(i, 2 * i + 1, -i) for i in range(9)]
    problem = FineTuningProblem(points, edits={i: (-1) ** i for i in range(9)})
    trial = CLAIMS["zhang2017"].on_trial(problem)
    assert trial.network is not None
    assert trial.network.weights <= CLAIMS["zhang2017"].allowed_weights(problem) == 2 * 9 + 3
    dear = SizeClaim("low", "me", CLAIMS["zhang2017"].construct, "N", 2, (), "2*N")
    assert dear.on_trial(problem).failure == Failure("weights", "at most 18", str(trial.network.weights))


def by_bits(rng: random.Random, count: int, d: int, edits: int, classes: int) -> FineTuningProblem:
    points = places(rng, count, d)
    heights = rng.sample([Fraction(k, 3) for k in range(-20, 21) if k], classes)
    changed = rng.sample(range(len(points)), min(edits, len(points)))
    return FineTuningProblem(points, edits={i: rng.choice(heights) for i in changed})


@pytest.mark.parametrize("seed", range(60))
def test_bit_extraction(seed: int) -> None:
    rng = random.Random(seed)
    count, classes = rng.randint(1, 40), rng.choice((1, 2, 3, 7, 15))
    d = rng.choice((2, 3)) if count > 13 else rng.choice((1, 2, 3))
    problem = by_bits(rng, count, d, rng.randint(1, count), classes)
    ratio = 10**25  # all families are within that
    assert separation(ratio).holds(problem)
    neurons, weights = (SizeFormula.parse(text) for text in bit_extraction.bounds(classes, ratio))
    network = bit_extraction.memorize(problem, ratio)
    assert solves(network, problem)
    assert network.neurons <= neurons.floor(problem.N, problem.K, d)
    assert network.weights <= weights.floor(problem.N, problem.K, d)


@pytest.mark.parametrize("n", [*range(40, 60), 150, 151])
def test_bit_extraction_in_groups(n: int) -> None:
    """Side by side on a line: several edits a word, incomplete groups, protected points between."""
    rng = random.Random(n)
    changed = sorted(rng.sample(range(n + n // 4), n))
    problem = FineTuningProblem(
        [[i] for i in range(n + n // 4)], edits={i: rng.randint(1, 7) for i in changed}
    )
    network = bit_extraction.memorize(problem, 200)
    assert solves(network, problem)
    rho = (3 * (problem.K - 1) - 1).bit_length()
    best = min((bit_extraction.size(n, 1, 7, rho, r) for r in range(1, n)), key=lambda size: size[1])
    assert (network.neurons, network.depth) == (best[0], best[2])
    assert best[1] - 3 <= network.weights <= best[1]
    label = 4
    assert network.bits <= (best[2] - 6) + 3 * rho + label  # words, gaps and places


def test_bit_extraction_of_one_word() -> None:
    """All edits in one group is never best for many, but must not be wrong for few."""
    for n, last in itertools.product((1, 2, 3), (1, 7)):
        problem = FineTuningProblem([[0], [1], [2], [3], [100]], edits=dict.fromkeys(range(n), last))
        assert solves(bit_extraction.memorize(problem, 100), problem)


def test_bit_extraction_needs_separated_points() -> None:
    problem = FineTuningProblem([[0], [1], [10**9]], edits={1: 1})
    assert not separation(1000).holds(problem)
    with pytest.raises(ValueError, match="no direction found: do distances differ by a factor above 1000"):
        bit_extraction.memorize(problem, 1000)


@pytest.mark.parametrize(("classes", "ratio"), [(1, 2), (7, 1000), (100, 10**6)])
def test_formulas_of_bit_extraction(classes: int, ratio: int) -> None:
    """The counted sizes stay below the formulas for every N, and are close to them for large N."""
    neurons, weights = (SizeFormula.parse(text) for text in bit_extraction.bounds(classes, ratio))
    for n, more, d in itertools.product((1, 2, 3, 10, 50, 51, 400, 3000), (0, 7, 10**6), (1, 30)):
        k = n + more
        rho = SizeFormula.parse(f"ceil(log2({Fraction(12 * ratio, 5)}*N*(2*K - N)*sqrt(d)))").floor(n, k, d)
        for bits in (1, rho // 2 + 1, rho):
            sizes = [bit_extraction.size(n, d, classes, bits, r) for r in range(1, min(n, 300) + 1)]
            built = min(sizes, key=lambda size: size[1])
            assert built[0] <= neurons.floor(n, k, d)
            assert built[1] <= weights.floor(n, k, d)
        if n >= 3000 and classes < 100:
            assert weights.floor(n, k, d) <= 1.02 * built[1]
            assert neurons.floor(n, k, d) <= 1.1 * built[0]


def test_few_values_and_separation() -> None:
    problem = FineTuningProblem([[0, 0], [3, 4], [0, 1], [0, 0]], edits={1: 2, 2: 5})
    assert [few_values(most).holds(problem) for most in (1, 2)] == [False, True]
    # distances 5, 1 and sqrt(18): two equal points count as one
    assert [separation(ratio).holds(problem) for ratio in (4, 5)] == [False, True]
    assert separation(1).holds(FineTuningProblem([[2**70], [2**70]]))


def ftc_zoo(*arguments: str) -> str:
    run = CliRunner().invoke(app, ["zoo", *arguments])
    assert run.exit_code == 0, run.output
    return run.output


def test_the_zoo() -> None:
    shown = json.loads(ftc_zoo("30", "-d", "2", "--json"))
    assert (shown["N"], shown["K"], shown["d"]) == (30, 30, 2)
    rows = {row["claim"]: row for row in shown["claims"]}
    assert list(rows) == list(CLAIMS)
    for row in rows.values():
        assert row["verdict"] == "exact"
        assert row["neurons"] <= row["neurons claimed"]
        assert row["weights claimed"] is None or row["weights"] <= row["weights claimed"]
    assert rows["zhang2017"]["weights claimed"] == 62
    assert rows["bit-extraction"]["asks for"] == ["at most 7 values", "separation 1000"]


def test_the_zoo_with_protected_points() -> None:
    rows = json.loads(ftc_zoo("6", "-d", "1", "--points", "9", "--json"))["claims"]
    unmet = {row["claim"] for row in rows if row["verdict"] == "not here: N = K"}
    assert unmet == {"zhang2017", "huang2003", "yun2019", "inoue2019"}
    assert all(row["verdict"] == "exact" for row in rows if row["claim"] not in unmet)
    # so many points on a line cannot be well separated
    rows = json.loads(ftc_zoo("2", "-d", "1", "--points", "720", "--json"))["claims"]
    assert {row["claim"] for row in rows if "separation" in row["verdict"]} == {"bit-extraction"}
    shown = ftc_zoo("2", "--points", "3")
    assert "not here" in shown
    assert "[Bubeck2020] bubeck2020: general position (taken for granted)" in shown


def test_the_zoo_says_if_a_claim_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    low = replace(CLAIMS["tents"], neurons="3*N - 1")
    monkeypatch.setitem(CLAIMS, "tents", low)
    run = CliRunner().invoke(app, ["zoo", "4", "-d", "1", "--json"])
    assert run.exit_code == 3
    rows = {row["claim"]: row["verdict"] for row in json.loads(run.output)["claims"]}
    assert rows["tents"] == "refuted: neurons: 12"
    assert rows["grid"] == "exact"
