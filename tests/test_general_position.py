"""Networks from general position are exact on points of every kind, and as small as their groups allow."""

from __future__ import annotations

import csv
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq
from typer.testing import CliRunner

import verify
from constructions import SPATIAL, FineTuningProblem, build, write_certificate
from constructions.general_position import Places, bumps, general_position, general_position_lift
from constructions.hyperplanes import interpolating, null_space, vanishing
from ftc.cli import app

KINDS = ("grid", "collinear", "fractions", "huge range", "nearly equal", "floats", "copies")


def points_of(kind: str, count: int, d: int, rng: random.Random) -> list[list[Fraction]]:
    entries = {
        "grid": lambda: Fraction(rng.randint(0, 3)),
        "fractions": lambda: Fraction(rng.randint(-20, 20), rng.randint(1, 9)),
        "huge range": lambda: Fraction(rng.choice([1e-300, -1e300, 5e-324, 0.0, 1.0, -3.0])),
        "nearly equal": lambda: 1 + rng.randint(0, 9) * Fraction(1, 2**200),
        "copies": lambda: Fraction(rng.randint(0, 1)),
    }
    entry = entries.get(kind, lambda: Fraction(rng.gauss(0, 1)))
    if kind == "collinear":
        step = [Fraction(rng.randint(-3, 3)) for _ in range(d)]
        return [[7 + a * (t - 9) / 5 for a in step] for t in rng.choices(range(30), k=count)]
    return [[entry() for _ in range(d)] for _ in range(count)]


def random_problem(kind: str, seed: int) -> FineTuningProblem:
    rng = random.Random(f"{kind} {seed}")
    count, d = rng.randint(1, 18), rng.randint(1, 4)
    points = points_of(kind, count, d, rng)
    change = {
        tuple(points[i]): rng.choice(
            [Fraction(1), Fraction(-2, 7), Fraction(10) ** 20, Fraction(rng.gauss(0, 1))]
        )
        for i in rng.sample(range(count), rng.randint(0, count))
    }
    edits = {i: change[tuple(p)] for i, p in enumerate(points) if tuple(p) in change}
    return FineTuningProblem(points, edits=edits)


@pytest.mark.parametrize("name", SPATIAL)
@pytest.mark.parametrize("kind", KINDS)
def test_every_problem_is_solved(kind: str, name: str, tmp_path: Path) -> None:
    for seed in range(12):
        problem = random_problem(kind, seed)
        solution = build(problem, random.Random(seed).choice(["auto", 3, 4]), construction=name)
        path = write_certificate(solution, tmp_path / "certificate.json")
        verdict = verify.check(path)
        assert verdict.status == "accepted", verdict.text()
        assert solution.bound is None
        most = 3 * problem.N + solution.network.depth - 2 + (name == "general-position-lift")
        assert solution.network.neurons <= most


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_sizes_in_general_position(d: int) -> None:
    rng = np.random.default_rng(d)
    points = rng.normal(size=(30, d))
    for count in (1, d, d + 1, 3 * d, 14):
        groups = -(-count // d)
        plus = FineTuningProblem(points, edits={i: i + 1 for i in range(count)})
        assert general_position(plus).widths == (3 * groups,)
        assert general_position_lift(plus).widths == (3 * groups, 2)
        mixed = FineTuningProblem(points, edits={i: (-1) ** i for i in range(count)})
        by_sign = -(-((count + 1) // 2) // d) - (-(count // 2) // d)
        assert general_position(mixed).widths == (min(4 * groups, 3 * by_sign),)
        assert general_position_lift(mixed).widths == (3 * groups, 2)
    both = FineTuningProblem(points, edits={0: 1, 1: -1})
    assert general_position(both).widths == (4 if d > 1 else 6,)


def test_a_group_that_meets_a_foreign_point_is_cut() -> None:
    points = [[0, 0, 0], [2, 0, 0], [0, 2, 0], [1, Fraction(1, 2), 0], [5, 6, 7]]
    edits = {0: 1, 1: 2, 2: 3}
    assert general_position(FineTuningProblem(points[:3] + points[4:], edits=edits)).neurons == 3
    assert general_position(FineTuningProblem(points, edits=edits)).neurons == 6
    places, values = Places.of(FineTuningProblem(points, edits=edits))
    assert places.bump(values) is None
    for bump in bumps(places, values, 3):
        assert (bump.others @ bump.h != 0).all()


def test_the_rank_of_the_points() -> None:
    rng = random.Random(0)
    plane = [[a, b, a + b + 1, 7] for a, b in ((rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(30))]
    exact = [[Fraction(a), Fraction(b), Fraction(a) + Fraction(b), Fraction(7)] for a, b, *_ in plane]
    problem = FineTuningProblem(exact, edits=dict.fromkeys(range(10), 1))
    assert Places.of(problem)[0].rank == 2
    assert general_position(problem).neurons == 15
    assert Places.of(FineTuningProblem([[3, 4]], edits={0: 1}))[0].rank == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_hyperplane_stays_away_from_other_points(seed: int) -> None:
    """Of all through two of sixty points in five dimensions, it is far from the others, relative to their
    heights."""
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.integers(-1000, 1000, size=(60, 5)), np.ones(60, dtype=int)]).astype(object)
    heights = rng.integers(1, 50, size=58).astype(object)

    def distance(h: np.ndarray) -> float:
        weights = np.linalg.norm(h[:-1].astype(float))
        return float((np.abs((points[2:] @ h).astype(float)) / heights.astype(float)).min() / weights)

    found = vanishing(points[:2], points[2:], heights)
    assert found is not None
    assert not (points[:2] @ found).any()
    drawn = null_space(points[:2]).T @ rng.integers(-1000, 1000, size=(4, 200)).astype(object)
    assert distance(found) > 0.5 * max(distance(h) for h in drawn.T)


def test_hyperplanes() -> None:
    group, others = (
        np.array(rows, dtype=object) for rows in ([[0, 0, 1], [2, 2, 1]], [[1, 0, 1], [5, 4, 1]])
    )
    found = vanishing(group, others)
    assert found is not None
    assert not (group @ found).any()
    assert (others @ found != 0).all()
    assert vanishing(group, np.array([[3, 3, 3]], dtype=object)) is None  # the point (1, 1)
    assert null_space(group).shape == (1, 3)
    assert interpolating(group, [fmpq(1), fmpq(2)]) == [fmpq(1, 2), 0, 1]
    thirds = np.array([[1, 3], [2, 3]], dtype=object)  # the points 1/3 and 2/3
    assert interpolating(thirds, [fmpq(1), fmpq(2)]) == [3, 0]
    three = np.array([[0, 0, 1], [1, 1, 1], [2, 2, 1]], dtype=object)
    assert interpolating(three, [fmpq(0), fmpq(1), fmpq(2)]) is not None
    assert interpolating(three, [fmpq(0), fmpq(1), fmpq(3)]) is None


def test_digits() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    points = datasets.load_digits().data[:898]
    rng = random.Random(0)
    edits = {i: rng.randint(1, 9) for i in rng.sample(range(898), 100)}
    network = general_position(FineTuningProblem(points, edits=edits))
    assert network.neurons <= 12
    assert network(points) == [edits.get(i, 0) for i in range(898)]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"layers": 2, "construction": "general-position-lift"}, "has 3 layers, more than 2"),
        ({"numbers": "moderate", "construction": "general-position"}, "has no dyadic variant"),
        ({"restart_every": 2, "construction": "general-position"}, "has no restarts"),
        ({"construction": "general"}, "expected one of .*general-position, general-position-lift"),
    ],
)
def test_what_does_not_fit(asked: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        build(FineTuningProblem([[0], [1]], edits={0: 1}), **asked)


def test_never_chosen_by_itself() -> None:
    points = np.random.default_rng(0).normal(size=(40, 20))
    solution = build(FineTuningProblem(points, edits=dict.fromkeys(range(20), 1)))
    assert solution.construction not in SPATIAL
    assert solution.network.neurons > 3


def test_the_command(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(20, 5)))
    with (tmp_path / "edits.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["index", "value"], *([i, i + 1] for i in range(5))])
    names = [str(tmp_path / name) for name in ("points.npy", "edits.csv", "patch.json")]
    command = ["build", *names[:2], "-o", names[2], "--construction", "general-position", "--json"]
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 0, run.output
    assert '"neurons": 3' in run.output
    assert verify.check(names[2]).status == "accepted"
