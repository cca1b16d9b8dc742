"""The hunter finds every planted bug and shrinks it; what is right survives; strategies are what they say."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import planted_bugs
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import verify
from constructions import FineTuningProblem
from constructions.literature import CLAIMS
from constructions.size_claim import SizeClaim
from ftc.cli import app
from ftc.hunt import Refuted, Survived, hunt, load_claim
from verify.strategies import POINTS, VALUES, mutated_certificates, networks, point_sets, problems

quick = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def claim(construct: Any, neurons: str = "3*N") -> SizeClaim:
    return SizeClaim("planted", "nobody", construct, neurons, 2)


@pytest.mark.parametrize("bug", planted_bugs.BUGS)
def test_every_planted_bug_is_found_and_shrunk(bug: str) -> None:
    construct, edits, points = planted_bugs.BUGS[bug]
    found = hunt(claim(construct), examples=1500, seed=1)
    assert isinstance(found, Refuted)
    assert edits >= found.problem.N
    assert points >= found.problem.K
    assert claim(construct).on_trial(found.problem).failure == found.failure


def test_what_is_right_survives() -> None:
    found = hunt(claim(planted_bugs.right), examples=300, seed=1)
    assert isinstance(found, Survived)
    assert sum(found.tried.values()) == 300
    assert {points for points, _ in found.tried} == set(POINTS)
    assert {values for _, values in found.tried} == set(VALUES)


@pytest.mark.parametrize("name", CLAIMS)
def test_the_claims_of_the_zoo_survive(name: str) -> None:
    found = hunt(CLAIMS[name], examples=60, seed=2)
    assert isinstance(found, Survived), found.text()
    assert f"survived: {name}" in found.text()


def test_a_claim_that_is_one_neuron_too_low_is_refuted() -> None:
    found = hunt(claim(planted_bugs.right, "3*N - 1"), examples=100)
    assert isinstance(found, Refuted)
    assert (found.failure.what, found.problem.K) == ("neurons", 1)


def rank(points: Sequence[Sequence[Fraction]]) -> int:
    rows = [[fmpq(x.numerator, x.denominator) for x in (*point, Fraction(1))] for point in points]
    return int(fmpq_mat(rows).rank()) - 1


@pytest.mark.parametrize("family", POINTS)
def test_families_are_what_they_say(family: str) -> None:
    @quick
    @given(point_sets(families=[family], max_points=6))
    def check(points: tuple[tuple[Fraction, ...], ...]) -> None:
        assert 1 <= len(points) <= 6
        assert len({len(point) for point in points}) == 1
        if family == "collinear":
            assert rank(points) <= 1
        if family == "grid":
            assert all(x.denominator == 1 and abs(x) <= 4 for point in points for x in point)
        if family == "tiny-gap" and len(points) > 1:
            assert points[0][0] - points[1][0] == Fraction(1, 2**1074)
        if family == "one-ulp-apart":
            for a, b in itertools.pairwise(points):
                assert all(abs(x - y) <= Fraction(1, 2**40) for x, y in zip(a, b, strict=True))

    check()


@pytest.mark.parametrize("values", VALUES)
def test_families_of_changes(values: str) -> None:
    @quick
    @given(problems(values=[values]))
    def check(record: dict[str, Any]) -> None:
        problem = FineTuningProblem(record["points"], record["base"], record["edits"])
        assert values != "none-edited" or problem.N == 0
        assert values != "all-edited" or problem.N == problem.K
        assert values != "one-sign" or problem.one_sign
        assert values != "alternating" or {abs(x) for x in problem.delta.values()} <= {1}
        assert values != "cancelling" or len({abs(x) for x in problem.delta.values()}) <= 1

    check()


def test_problems_shrink_to_small_integers() -> None:
    record = find(problems(), lambda record: len(record["edits"]) >= 2, settings=quick)
    assert record["points"] in (((0,), (0,)), ((0,), (1,)))
    assert set(record["edits"].values()) == {1}


def test_networks_have_matching_layers() -> None:
    @quick
    @given(networks(inputs=3, outputs=2))
    def check(layers: Any) -> None:
        width = 3
        for weight, bias in layers:
            assert len(weight) == len(bias)
            assert all(len(row) == width for row in weight)
            width = len(bias)
        assert width == 2

    check()


CORPUS = Path(__file__).parent / "certificates" / "accepted"
DOCUMENTS = [
    json.loads((CORPUS / f"{name}.json").read_text()) for name in ("farkas-tent", "obstruction-halves")
]


@quick
@given(st.data())
def test_mutated_certificates_are_judged(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutant.json"
    path.write_text(json.dumps(data.draw(mutated_certificates(DOCUMENTS))))
    assert verify.check(path).status in ("accepted", "rejected", "malformed")


def test_claims_of_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from constructions.size_claim import SizeClaim\n"
        "zero = SizeClaim('zero', 'me', lambda problem: [([], []), ([[]], [0])], '0', 2)\n"
        "other = 5\n"
    )
    found = hunt(load_claim(f"{file}:zero"), examples=100)
    assert isinstance(found, Refuted)
    assert (found.problem.N, found.problem.K) == (1, 1)
    for name, text in (
        (f"{file}:other", "no SizeClaim named other"),
        (f"{file}:none", "no SizeClaim named none"),
        (f"{tmp_path}/no.py:zero", "is not a file"),
        ("nothing", "unknown claim 'nothing'"),
    ):
        with pytest.raises(ValueError, match=text):
            load_claim(name)
    file.write_text("1/0")
    with pytest.raises(ValueError, match="cannot be run: ZeroDivisionError"):
        load_claim(f"{file}:zero")


def ftc(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def test_the_commands(tmp_path: Path) -> None:
    kept = ftc("hunt", "tents", "--examples", "40")
    assert kept.exit_code == 0
    assert kept.output.startswith("survived: tents")
    file, out = tmp_path / "mine.py", tmp_path / "out"
    file.write_text(
        "from constructions.literature.zhang import memorize\n"
        "from constructions.size_claim import SizeClaim\n"
        "low = SizeClaim('low', 'me', memorize, 'N', 2)\n"  # it needs a neuron for each point
    )
    lost = ftc("hunt", f"{file}:low", "-o", str(out))
    assert lost.exit_code == 3
    assert "refuted: low [me]" in lost.output
    assert json.loads((out / "failure.json").read_text())["failure"]["what"] == "neurons"
    assert verify.check(out).status == "accepted"  # the network is right, but larger than claimed
    again = ftc("build", str(out / "points.csv"), str(out / "edits.csv"), "-o", str(tmp_path / "b.json"))
    assert again.exit_code == 0
    assert json.loads(ftc("hunt", f"{file}:low", "--json").output)["verdict"] == "refuted"
    assert isinstance(ftc("hunt", "tents", "-o", str(out)).exception, FileExistsError)
    assert "unknown claim" in str(ftc("hunt", "nothing").exception)
    table = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["zoo", "12", "-d", "2"])
    assert table.exit_code == 0
    assert all(name in table.output for name in CLAIMS)
    assert table.output.count("exact") == len(CLAIMS)
