"""The exact width of two layers: a network and a proof that meet, whatever the points are like."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import verify
from constructions import FineTuningProblem, write_certificate
from constructions.bounds import two_layer_exact
from constructions.exact_width import Width, least_width, relaxation, worst_patterns
from constructions.exact_width.relaxation import Relaxation
from constructions.linear import near
from constructions.obstruction import obstruct
from ftc.cli import app

Points = list[list[Any]]
ULP = 2.0**-52

GRID = [[x, y] for x in range(3) for y in range(3)]
KNOWN: list[tuple[str, Points, dict[int, Any], int]] = [
    ("nothing", [[1], [2]], {}, 0),
    ("one-point", [[5, 7]], {0: 3}, 0),
    ("all-alike", [[1], [2], [4]], {0: 2, 1: 2, 2: 2}, 0),
    ("slope", [[0], [1], [5]], {1: 1, 2: 5}, 1),
    ("four-alternate", [[0], [1], [2], [3]], {0: 1, 2: 1}, 3),
    ("five-alternate", [[i] for i in range(5)], {0: 1, 2: 1, 4: 1}, 3),
    ("tents", [[i] for i in range(8)], {2: 1, 5: -1}, 6),
    ("line-in-space", [[t, 2 - t, Fraction(t, 3)] for t in (0, 1, 2, 3)], {0: 1, 2: 1}, 3),
    ("equal-points", [[0, 2], [0, 2], [1, 1], [2, 0], [2, 0]], {2: 1}, 2),
    ("square", [[0, 0], [0, 1], [1, 0], [1, 1]], {1: 1, 2: 1}, 2),
    ("corner", [[0, 0], [0, 1], [1, 0], [1, 1]], {0: 1}, 1),
    ("grid-middle", GRID, {4: 1}, 3),
    ("cube-parity", list(map(list, itertools.product((0, 1), repeat=3))), {1: 1, 2: 1, 4: 1, 7: 1}, 3),
    ("an-ulp-apart", [[1.0 - ULP], [1.0], [1.0 + ULP]], {1: 1}, 2),
    ("two-scales", [[0], [1], [1 + ULP], [1e9]], {1: 1}, 2),
]


def accepted(width: Width, folder: Path) -> None:
    """The kernel accepts both halves."""
    for name, content in (("network", width.solution), ("obstruction", width.obstruction)):
        verdict = verify.check(write_certificate(content, folder / f"{name}.json"))
        assert verdict.status == "accepted", verdict.text()
    assert width.lower == width.obstruction.neurons
    assert width.upper == width.solution.network.neurons


@pytest.mark.parametrize(("points", "edits", "least"), [k[1:] for k in KNOWN], ids=[k[0] for k in KNOWN])
def test_known_widths(tmp_path: Path, points: Points, edits: dict[int, Any], least: int) -> None:
    width = least_width(FineTuningProblem(points, edits=edits))
    accepted(width, tmp_path)
    assert (width.lower, width.upper, width.open) == (least, least, None)


def instance(rng: random.Random) -> FineTuningProblem:
    """A few points of a grid of a few dimensions, some of them equal, and small changes."""
    d, size = rng.choice((1, 2, 2, 3)), rng.choice((2, 4, 30))
    points = [[rng.randint(0, size) for _ in range(d)] for _ in range(rng.randint(2, 7))]
    changes = {tuple(x): rng.choice((0, 0, 1, -1, Fraction(2, 3))) for x in points}
    return FineTuningProblem(points, edits={i: changes[tuple(x)] for i, x in enumerate(points)})


@pytest.mark.parametrize("seed", range(60))
def test_network_and_proof_meet(tmp_path: Path, seed: int) -> None:
    problem = instance(random.Random(seed))
    width = least_width(problem)
    accepted(width, tmp_path)
    assert width.lower == width.upper
    windows = obstruct(problem, 2).neurons
    assert windows <= width.lower <= two_layer_exact(problem.N, problem.K)
    if problem.d == 1:  # breakpoints, and the condition on which way they face
        assert width.upper <= windows + 1


@pytest.mark.parametrize("seed", range(40))
def test_the_width_is_at_most_that_of_a_network_that_is_there(seed: int) -> None:
    rng = random.Random(seed)
    d, m = rng.choice((1, 2, 3)), rng.choice((1, 2, 2, 3))
    points = [[rng.randint(-4, 4) for _ in range(d)] for _ in range(rng.randint(3, 8))]
    neurons = [([rng.randint(-2, 2) for _ in range(d + 1)], rng.choice((-1, 1))) for _ in range(m)]
    changes = {
        i: 1 + sum(s * max(0, sum(a * t for a, t in zip(w, [*x, 1], strict=True))) for w, s in neurons)
        for i, x in enumerate(points)
    }
    width = least_width(FineTuningProblem(points, edits=changes))
    assert width.lower == width.upper <= m


@pytest.mark.parametrize("seed", range(15))
def test_what_does_not_change_the_width(seed: int) -> None:
    """Affine maps of points, factors and signs of changes, a constant, the order, and equal points."""
    rng = random.Random(f"same {seed}")
    problem = instance(rng)
    points = problem.points.numerators.tolist()
    shear = [[rng.randint(-3, 3) if k < r else rng.choice((-2, 1)) if k == r else 0 for k in range(problem.d)]
             for r in range(problem.d)]  # fmt: skip
    moved = [[7 + sum(a * x for a, x in zip(row, point, strict=True)) for row in shear] for point in points]
    factor, constant = rng.choice((-1, Fraction(1, 7), 10**20)), rng.choice((0, 5))
    order = [rng.randrange(len(points)) for _ in range(3)] + rng.sample(range(len(points)), len(points))
    other = FineTuningProblem(
        [moved[i] for i in order],
        edits={k: factor * problem.delta.get(i, Fraction(0)) + constant for k, i in enumerate(order)},
    )
    assert least_width(problem).upper == least_width(other).lower


@pytest.mark.parametrize("points", [*range(1, 8), *(pytest.param(k, marks=pytest.mark.slow) for k in (8, 9))])
def test_the_worst_patterns_are_as_bad_as_the_theorem_says(points: int) -> None:
    found = worst_patterns(points)
    assert {n: worst.width for n, worst in found.items()} == {
        n: two_layer_exact(n, points) for n in range(1, points + 1)
    }
    for n, worst in found.items():
        assert sum(map(abs, worst.changes)) == n


def test_z3_settles_what_floats_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relaxation, "solve", lambda self: (None, None))
    for name, points, edits, least in KNOWN:
        if name in ("four-alternate", "square", "an-ulp-apart", "equal-points"):
            width = least_width(FineTuningProblem(points, edits=edits))
            accepted(width, tmp_path)
            assert width.lower == width.upper == least


def test_without_z3_what_is_open_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relaxation, "solve", lambda self: (None, None))
    monkeypatch.setitem(sys.modules, "z3", None)
    width = least_width(FineTuningProblem([[0], [1], [2], [3]], edits={0: 1, 2: 1}))
    accepted(width, tmp_path)
    assert (width.lower, width.upper) == (2, 3)
    assert "pip install 'fine-tuning-capacity[smt]'" in str(width.open)


@pytest.mark.parametrize("noise", [1e-12, 1e-6, 0.1])
def test_wrong_floats_cost_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: float
) -> None:
    """Solutions and rays that are off: what is not exact is refused, and z3 asked."""
    rng = random.Random(str(noise))
    solve = Relaxation.solve

    def shaken(x: float) -> float:
        return x + noise * rng.uniform(-1, 1)

    def off(self: Relaxation) -> Any:
        terms, columns = solve(self)
        return terms, None if columns is None else np.array([shaken(x) for x in columns])

    monkeypatch.setattr(Relaxation, "solve", off)
    monkeypatch.setattr(
        relaxation, "near", lambda e, guess: near(e, {k: shaken(x) for k, x in guess.items()})
    )
    for name, points, edits, least in KNOWN:
        if name in ("four-alternate", "square", "tents", "grid-middle", "equal-points"):
            width = least_width(FineTuningProblem(points, edits=edits))
            accepted(width, tmp_path)
            assert width.lower == width.upper == least


class Interrupted(Exception):  # noqa: N818 - no error
    pass


HARD = FineTuningProblem(
    [[0, 0], [1, 7], [3, 2], [4, -5], [6, 1], [-7, 3], [-2, -6], [5, 5], [-4, 2]],
    edits={0: 1, 2: -2, 4: Fraction(1, 3), 8: 1},
)


def test_a_search_is_taken_up_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after every seven cases, which alone would never do."""
    solve, left = Relaxation.solve, [0]

    def counted(self: Relaxation) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Interrupted
        return solve(self)

    once = least_width(HARD)
    monkeypatch.setattr(Relaxation, "solve", counted)
    whole: Width | None = None
    file, runs = tmp_path / "progress.json", 0
    while whole is None:
        left[0], runs = 7, runs + 1
        assert runs < 1000
        try:
            whole = least_width(HARD, resume=file)
        except Interrupted:
            continue
    assert runs > 5
    assert (whole.lower, whole.upper) == (once.lower, once.upper)
    assert whole.lower == whole.upper
    accepted(whole, tmp_path)
    left[0] = 1000
    again = least_width(HARD, resume=file)  # the proof is in the file
    assert again.obstruction == whole.obstruction


@pytest.mark.parametrize(("points", "edits", "least"), [k[1:] for k in KNOWN], ids=[k[0] for k in KNOWN])
def test_twice_with_one_progress_file(
    tmp_path: Path, points: Points, edits: dict[int, Any], least: int
) -> None:
    problem, file = FineTuningProblem(points, edits=edits), tmp_path / "progress.json"
    first, second = (least_width(problem, resume=file) for _ in range(2))
    assert first.lower == second.lower == second.upper == least
    accepted(second, tmp_path)


def test_a_file_is_not_lost_while_it_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decide, left = Relaxation.decide, [40]

    def stopped(self: Relaxation, split: Any, side: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Interrupted
        decide(self, split, side)

    file = tmp_path / "progress.json"
    monkeypatch.setattr(Relaxation, "decide", stopped)
    with pytest.raises(Interrupted):
        least_width(HARD, resume=file)
    content = json.loads(file.read_text())
    assert len(content["trees"][-1]) > 10
    left[0] = 5
    with pytest.raises(Interrupted):
        least_width(HARD, resume=file)
    assert json.loads(file.read_text()) == content


def test_no_time_gives_an_honest_interval(tmp_path: Path) -> None:
    width = least_width(HARD, budget=0, resume=tmp_path / "progress.json")
    accepted(width, tmp_path)
    assert width.lower < width.upper
    assert "the time is over" in str(width.open)
    done = least_width(HARD, resume=tmp_path / "progress.json")
    assert width.lower <= done.lower == done.upper <= width.upper


def test_bad_arguments(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    least_width(HARD, budget=0, resume=file)
    other = FineTuningProblem([[i] for i in range(8)], edits={0: 1})
    with pytest.raises(ValueError, match="no progress file of this problem: it is about another"):
        least_width(other, resume=file)
    content = json.loads(file.read_text())
    nodes = [
        '["split", 0, 99]',
        '["split", 9, 0]',
        '["close", [["value", 0]]]',
        '["close", [["what", 0, "1"]]]',
    ]
    nodes += ['["close", [["convex", 0, 1000000, "1"]]]', '["close", [["split", 0, 99, "1"]]]', "5", "[]"]
    for key in ("trees", "proved"):
        for odd in ("{}", "5", "[5]", *(f"[[{node}]]" for node in nodes)):
            file.write_text(json.dumps({**content, key: json.loads(odd)}))
            with pytest.raises(ValueError, match="no progress file of this problem"):
                least_width(HARD, resume=file)
    file.write_text("[]")
    with pytest.raises(ValueError, match="no progress file"):
        least_width(HARD, resume=file)
    with pytest.raises(ValueError, match="budget is -1"):
        least_width(HARD, budget=-1)


def test_highs_is_an_extra() -> None:
    """The command to install it is in the message; nothing else needs it."""
    code = "import sys; sys.modules['highspy'] = None; import ftc.cli, constructions.obstruction\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "import constructions.exact_width"], capture_output=True, text=True
    )
    assert "ImportError: exact widths need HiGHS: pip install 'fine-tuning-capacity[width]'" in done.stderr


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["width", *arguments])


def test_the_command(tmp_path: Path) -> None:
    points, edits, out = tmp_path / "p.csv", tmp_path / "e.csv", tmp_path / "out"
    points.write_text("0,0\n0,1\n1,0\n1,1\n")
    edits.write_text("index,value\n1,1\n2,1\n")
    done = run(str(points), str(edits), "-o", str(out))
    assert done.exit_code == 0
    assert done.output.startswith("least width 2\n2 neurons do")
    for name in ("certificate.json", "obstruction.json"):
        assert verify.check(out / name).status == "accepted"
    facts = json.loads(run(str(points), str(edits), "--json").output)
    assert (facts["lower"], facts["upper"], facts["exact"]) == (2, 2, True)
    deep = json.loads(run(str(points), str(edits), "--json", "--layers", "3").output)
    assert deep["lower"] <= deep["upper"]
    assert "no search for 3 layers" in deep["open"]
    assert isinstance(run(str(points), str(edits), "-o", str(out)).exception, FileExistsError)
    assert "expected a folder" in str(run(str(points), str(edits), "-o", str(tmp_path / "x.json")).exception)
    lost = run(str(points), str(edits), "--resume", str(tmp_path / "no" / "x"))
    assert "is not a folder" in str(lost.exception)
    no = run(str(points), str(edits), "--layers", "3", "--resume", str(tmp_path / "x"))
    assert "--resume" in str(no.exception)


def test_a_wrong_theorem_is_reported_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "t.csv"
    done = CliRunner().invoke(app, ["table", "--exact", "5", "--csv", str(table)])
    assert (done.exit_code, "DISAGREES" in done.output) == (0, False)
    assert table.read_text().splitlines()[:2] == ["K,N,width,theorem,patterns,worst", "1,1,0,0,1,1"]
    monkeypatch.setattr("ftc.width.two_layer_exact", lambda n, k: two_layer_exact(n, k) - (k == 5 and n == 2))
    done = CliRunner().invoke(app, ["table", "--exact", "5"])
    assert done.exit_code == 3
    assert "DISAGREES: the theorem says 2 for K = 5, N = 2; " in done.output
    no = CliRunner().invoke(app, ["table", "--exact", "5", "--one-sign"])
    assert "--exact goes with no other option" in str(no.exception)
