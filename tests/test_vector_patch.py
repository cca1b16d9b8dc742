"""Patches for several outputs are exact, by the trusted kernel, on points and changes of every kind."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import verify
from constructions import VectorProblem, patch_vectors, write_certificate
from constructions.vector_patch import VectorPatch


def judged(problem: VectorProblem, folder: Path) -> VectorPatch:
    patch = patch_vectors(problem)
    path = write_certificate(patch, folder / "certificate.json")
    verdict = verify.check(path)
    assert verdict.status == "accepted", verdict.text()
    return patch


def random_problem(seed: int) -> VectorProblem:
    rng = random.Random(seed)
    count, d, outputs = rng.randint(1, 25), rng.randint(1, 4), rng.randint(1, 4)
    scale = rng.choice([1, Fraction(1, 3), 10**30, 2.0**-60])
    points = [[rng.randint(-4, 4) * scale for _ in range(d)] for _ in range(count)]
    base = [[rng.choice([0, 0.25, Fraction(2, 7), 1e200]) for _ in range(outputs)] for _ in range(count)]
    few = [[rng.randint(-3, 3) for _ in range(outputs)] for _ in range(rng.randint(1, 5))]
    change: dict[tuple, list] = {}
    for i in rng.sample(range(count), rng.randint(0, count)):
        row = rng.choice(few) if rng.random() < 0.7 else [Fraction(rng.gauss(0, 1)) for _ in range(outputs)]
        change[tuple(points[i])] = row
    edits = {
        i: [Fraction(b) + z for b, z in zip(base[i], change[tuple(p)], strict=True)]
        for i, p in enumerate(points)
        if tuple(p) in change
    }
    return VectorProblem(points, base, edits)


@pytest.mark.parametrize("seed", range(60))
def test_every_problem_is_solved(seed: int, tmp_path: Path) -> None:
    problem = random_problem(seed)
    patch = judged(problem, tmp_path)
    assert patch.network.neurons <= 3 * problem.N
    assert (patch.network.neurons == 0) == (problem.N == 0)


def test_the_size_in_general_position(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points, base = rng.normal(size=(80, 10)), rng.normal(size=(80, 3))
    few = np.array([[1, 0, -2], [0, 0, 5], [3, 3, 3]])
    changed = {i: few[i % 3].tolist() for i in range(30)}
    edits = {i: [Fraction(b) + z for b, z in zip(base[i], row, strict=True)] for i, row in changed.items()}
    patch = judged(VectorProblem(points, base, edits), tmp_path)
    assert patch.network.widths == (9, 3)
    assert patch.construction == "general position and a curve"
    values = patch.network.hidden(points)[-1]
    for i in range(80):
        assert [values[i, k] for k in range(3)] == changed.get(i, [0, 0, 0])


def test_sidecars(tmp_path: Path) -> None:
    points, base = np.arange(12.0).reshape(6, 2), np.zeros((6, 2))
    target = write_certificate(patch_vectors(VectorProblem(points, base, {2: [1, 2]})), tmp_path / "patch")
    assert {path.name for path in target.iterdir()} == {"certificate.json", "points.npy", "base.npy"}
    assert verify.check(target).status == "accepted"


@pytest.mark.parametrize(
    ("edits", "error", "text"),
    [
        ({0: [1]}, ValueError, r"the values of edit 0 have shape \(1,\): expected \(2,\)"),
        ({3: [1, 2]}, ValueError, "edit index 3 is out of range: there are 3 points"),
        ({-1: [1, 2]}, ValueError, "edit index -1 is out of range"),
        ({True: [1, 2]}, TypeError, "edit index True is not an integer"),
        ({0.5: [1, 2]}, TypeError, "edit index 0.5 is not an integer"),
        ({0: [1, float("nan")]}, ValueError, "the values of edit 0"),
        ({0: [1, 2]}, ValueError, r"points 0 and 2 are equal but need different changes"),
    ],
)
def test_errors(edits: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        VectorProblem([[0], [1], [0]], [[0, 0]] * 3, edits)


def test_wrong_shapes() -> None:
    with pytest.raises(ValueError, match=r"base has shape \(2,\): expected \(K, C\)"):
        VectorProblem([[0], [1]], [0, 0], {})
    with pytest.raises(ValueError, match=r"base has shape \(2, 1\): expected \(3, C\)"):
        VectorProblem([[0], [1], [2]], [[0], [0]], {})
