"""The contest of `benchmarks/patching`: its judge is exact, its rivals keep their constraints, it runs."""

from __future__ import annotations

import copy
import doctest
import json
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks.patching import constructed, exact, lookup
from benchmarks.patching.cases import CASES, Case, LastLayer, View
from benchmarks.patching.contest import RIVALS
from benchmarks.patching.picture import picture
from benchmarks.patching.repairs import Added, Refitted, count
from benchmarks.patching.report import report

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def small() -> Case:
    return CASES["small"]()


def by_fractions(layers: list, points: np.ndarray) -> list[list[Fraction]]:
    out = []
    for point in points.tolist():
        a = [Fraction(x) for x in point]
        for k, (weight, bias) in enumerate(layers):
            a = [max(x, Fraction(0)) for x in a] if k else a
            a = [
                sum((Fraction(w) * x for w, x in zip(row, a, strict=True)), Fraction(b))
                for row, b in zip(weight.tolist(), bias.tolist(), strict=True)
            ]
        out.append(a)
    return out


@pytest.mark.parametrize("seed", range(4))
def test_the_judge_evaluates_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    widths = [3, *rng.integers(1, 5, size=seed).tolist(), 4]
    size = 10.0 ** rng.integers(-30, 30)
    layers = [(rng.normal(size=(b, a)) * size, rng.normal(size=b)) for a, b in pairwise(widths)]
    points = rng.normal(size=(6, 3)).astype(("float32", "float64")[seed % 2])
    found, wanted = exact.network(layers, points), by_fractions(layers, points)
    scale = 1 << found.exponent
    assert [[Fraction(x, scale) for x in row] for row in found.rows()] == wanted
    assert found.labels().tolist() == [row.index(max(row)) for row in wanted]
    assert np.allclose(found.largest(), [float(max(map(abs, row))) for row in wanted], rtol=1e-15)
    assert not doctest.testmod(exact).failed


def test_the_judge_sees_what_floats_do_not() -> None:
    """A change that is rounded away when it is added moves a score, exactly."""
    scores = np.ones((2, 2)) + [[0, 1e-3]] * 2
    view = View(np.array([[0.0], [1.0]]), scores, np.array([[0.0], [1.0]]))
    case = Case("", view, {1: 1}, view, np.array([1, 1]), None)
    g = Added([(np.array([[0.0], [0.0]]), np.array([1e-30, 0.0]))])
    assert count(case, g, "as it runs")["protected_moved"] == 0
    assert count(case, g, "exact")["protected_moved"] == 1
    last = LastLayer(np.zeros((2, 1)), np.array([1.0, 1.0 + 2**-40]))
    refitted = Refitted(last, LastLayer(np.zeros((2, 1)), np.array([1.0, 1.0 + 2**-41])))
    assert count(case, refitted, "exact")["fixed"] == 1
    assert count(case, refitted, "float32")["fixed"] == 0  # a tie, and so the first
    assert count(case, Refitted(last, last), "exact")["protected_moved"] == 0
    tiny = Added([(np.array([[1e-200], [0.0]]), np.zeros(2)), (np.eye(2) * 1e-200, np.zeros(2))])
    assert count(Case("", view, {0: 1}, view, np.array([1, 1]), None), tiny, "exact")["protected_moved"] == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_patches_and_lists_do_the_whole_job(small: Case, dtype: str) -> None:
    patch, found = constructed.build(small, dtype)
    assert constructed.certified(found) == "accepted"
    for repair in (patch, lookup.dictionary(small), lookup.neighbour(small)):
        for arithmetic in ("as it runs", "exact"):
            counts = count(small, repair, arithmetic)
            assert counts["fixed"] == len(small.wanted)
            assert counts["protected_changed"] == counts["protected_moved"] == 0


def test_lists_reach_as_far_as_they_say(small: Case) -> None:
    near = lookup.neighbour(small)
    safe = small.data.points[small.protected]
    for listed, squared in zip(near.points, near.squared, strict=True):
        assert 4 * squared == np.square(safe - listed).sum(axis=1).min()
    row, label, radius = near.points[0], near.labels[0], near.squared[0] ** 0.5
    toward = np.eye(len(row))[0]
    points = np.array([row, row + 0.99 * radius * toward, row + 1.01 * radius * toward])
    scores = np.tile(np.eye(small.data.scores.shape[1])[(label + 1) % 4], (3, 1))
    for arithmetic in ("as it runs", "float32", "exact"):
        labels, moved = near.outcome(View(points, scores), arithmetic)
        assert (labels == label).tolist() == [True, True, False]
        assert not moved.any()
        labels, _ = lookup.dictionary(small).outcome(View(points, scores), arithmetic)
        assert (labels == label).tolist() == [True, False, False]


@pytest.mark.parametrize("norm", ["L1", "maximum"])
def test_the_last_layer_keeps_its_constraints(small: Case, norm: str) -> None:
    pytest.importorskip("highspy")
    from benchmarks.patching.last_layer import refit

    sizes = []
    for slack in (0.01, 1.0):
        solved = refit(small, norm, slack)
        after = solved.after
        scores = small.data.features @ after.weight.T + after.bias
        edited = scores[small.edited]
        others = edited.copy()
        others[np.arange(len(edited)), small.labels] = -np.inf
        lead = edited[np.arange(len(edited)), small.labels] - others.max(axis=1)
        assert lead.min() >= slack - 1e-5
        for arithmetic in ("as it runs", "exact"):
            counts = count(small, solved, arithmetic)
            assert (counts["fixed"], counts["protected_changed"]) == (len(small.wanted), 0)
        change = np.abs(np.column_stack([after.weight - small.last.weight, after.bias - small.last.bias]))
        sizes.append(change.sum() if norm == "L1" else change.max())
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("norm", ["L1", "maximum"])
def test_edits_that_contradict_protected_labels(norm: str) -> None:
    """Of two edits one has the features of a protected point: it stays, and the other is fixed."""
    pytest.importorskip("highspy")
    from benchmarks.patching.contradiction import contradiction
    from benchmarks.patching.last_layer import refit, refit_one_by_one

    points = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [3.0, -2.0]])
    last = LastLayer(np.array([[1.0, 1.0], [0.0, 0.0]]), np.zeros(2))
    view = View(points, points @ last.weight.T, points)
    case = Case("", view, {1: 1, 2: 1}, view, np.zeros(4, dtype=np.intp), last)
    with pytest.raises(ValueError, match="infeasible"):
        refit(case, norm, 0.1)
    for seed in range(4):
        some = refit_one_by_one(case, norm, 0.1, seed)
        counts = count(case, some.repair, "exact")
        assert (counts["fixed"], counts["protected_changed"], some.undecided) == (1, 0, 0)
    assert contradiction(case) == 2


def test_what_floats_propose_is_checked() -> None:
    pytest.importorskip("highspy")
    from benchmarks.patching.contradiction import adds_up_to_nothing

    assert adds_up_to_nothing(np.array([[1.0, -0.5], [3.0, -1.5]]))
    assert not adds_up_to_nothing(np.array([[1.0, -0.5], [3.0, -1.5 - 2**-50]]))
    assert not adds_up_to_nothing(np.array([[1.0, 0.5], [3.0, 1.5]]))  # only with a negative factor
    assert not adds_up_to_nothing(np.zeros((2, 1)))


def test_no_contradiction_is_claimed_where_a_last_layer_will_do(small: Case) -> None:
    pytest.importorskip("highspy")
    from benchmarks.patching.contradiction import contradiction

    assert contradiction(small) is None
    x = np.array([[1.0], [2.0], [3.0], [4.0]])
    last = LastLayer(np.array([[0.0], [1.0]]), np.array([0.0, -2.5]))
    view = View(x, x @ last.weight.T + last.bias, x)
    found = [contradiction(Case("", view, wanted, view, np.zeros(4, int), last)) for wanted in
             ({}, {1: 1}, {0: 1}, {0: 1, 1: 1}, {1: 1, 2: 0})]  # fmt: skip
    assert [n is not None for n in found] == [False, False, True, False, True]  # thresholds do no more


def test_protected_leads_may_shrink_to_half() -> None:
    """As far as an edit needs it, and no further."""
    pytest.importorskip("highspy")
    from benchmarks.patching.last_layer import refit

    points = np.array([[1.0, 0.25], [1.0, -0.25]])
    last = LastLayer(np.array([[0.0, 1.0], [0.0, 0.0]]), np.zeros(2))
    view = View(points, points @ last.weight.T, points)
    case = Case("", view, {1: 0}, view, np.zeros(2, dtype=np.intp), last)  # point 0 leads by 1/4
    after = refit(case, "L1", 1.0).after
    leads = (points @ after.weight.T + after.bias) @ [1, -1]
    assert leads[0] >= 0.125 - 1e-6
    assert leads[1] >= 1 - 1e-6


def test_of_several_tries_the_best_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.patching import contest

    points = np.arange(3.0)[:, None]
    view = View(points, np.array([[0.0, 1.0]] * 3))
    case = Case("", view, {2: 0}, view, np.ones(3, dtype=np.intp), None)
    spike = np.array([[1.0]]), np.array([-1.0])  # relu(t - 1): 1 at point 2, and 0 at the others
    tries = [contest.Try(None, 0.0, "failed")]
    for note, height, move in (("idle", 0, 0), ("far", 2, 0.5), ("near", 2, 0.25), ("wrong", 4, -2)):
        repair = Added([spike, (np.array([[height], [0.0]]), np.array([0.0, move]))])
        tries.append(contest.Try(repair, 1.0, note))
    monkeypatch.setattr(contest, "RIVALS", {"fake": lambda *_: tries})
    (row,) = contest.rows("fake", case, contest.Contest())
    assert row["note"] == "near"
    assert (row["exact"]["fixed"], row["exact"]["protected_changed"]) == (1, 0)
    assert row["tries"] == 5
    assert len(row["seconds"]) == 4


def test_one_slab_has_fewer_neurons(small: Case) -> None:
    one, two = (constructed.build(small, "float32", slabs)[0] for slabs in (1, 2))
    assert one.neurons < two.neurons


def test_the_page_says_who_is_better() -> None:
    def row(rival: str, fixed: int, moved: int, neurons: int) -> dict:
        counts = {
            "fixed": fixed, "protected_changed": 0, "protected_moved": moved, "protected_largest_move": moved,
            "held_changed": 0, "held_accuracy": 0.5,
        }  # fmt: skip
        return {
            "case": "c", "title": "t", "N": 4, "protected": 9, "d": 2, "held": 5, "accuracy": 0.5,
            "contradiction": None, "rival": rival, "tries": 1, "seconds": [1.0], "note": "",
            "neurons": neurons, "parameters": neurons,
            **dict.fromkeys(("as it runs", "float32", "exact"), counts),
        }  # fmt: skip

    width = {"N": 1, "K": 2, "d": 1, "layers": 2, "widths": [1], "built": 1, "always_enough": 1,
             "worst_case_needs": 1, "nothing_learned": 1.0, "optimizer": None}  # fmt: skip
    rows = [row("patch, float32", 4, 0, 7), row("last layer, L1", 3, 9, 0), row("trained, Adam", 4, 2, 7)]
    about = {"date": "", "machine": "", "software": ""}
    page = report({"about": about, "contest": rows, "widths": [width], "left out": {}})
    assert (
        "- **last layer, L1** against patch, float32, 1 cases. Better: neurons added (1), "
        "parameters added (1). Worse: edits left wrong (1), protected scores moved (1), "
        "largest move of a protected score (1), mistakes in float32 (1), mistakes in exact arithmetic (1)."
    ) in page
    lines = page.splitlines()
    for start, counts in (
        ("| patch, float32 | 1 |", "1 | 1 | 1 | 1"),
        ("| last layer, L1 | 1 |", "0 | 0 | 0 | 0"),
        ("| trained, Adam | 1 |", "1 | 1 | 1 | 0"),
    ):
        (line,) = (line for line in lines if line.startswith(start))
        assert line.startswith(f"{start} {counts} |")


def test_the_published_page_is_of_the_published_results() -> None:
    results = ROOT / "benchmarks/results"
    measured = json.loads((results / "patching.json").read_text())
    assert report(measured) == (results / "patching.md").read_text()
    labels = {label for axes in picture(measured).axes for label in axes.get_legend_handles_labels()[1]}
    assert labels >= RIVALS.keys()


@pytest.mark.slow
def test_the_contest_runs(tmp_path: Path) -> None:
    for module in ("highspy", "torch"):
        pytest.importorskip(module)
    command = [sys.executable, "-m", "benchmarks.patching", "--quick", "--to", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert {file.name for file in tmp_path.iterdir()} == {"patching.md", "patching.json", "patching.svg"}
    measured = json.loads((tmp_path / "patching.json").read_text())
    rows = {row["rival"]: row for row in measured["contest"]}
    assert list(rows) == list(RIVALS)
    assert all("as it runs" in row for row in rows.values())
    page = report(measured)
    assert page == (tmp_path / "patching.md").read_text()
    other = copy.deepcopy(measured)  # what the page says follows what was measured
    for row in other["contest"]:
        row["as it runs"]["fixed"] = 8 if row["rival"] == "trained, Adam" else 3
    line = f"| edits left wrong | {' | '.join(str(int(rival == 'trained, Adam')) for rival in RIVALS)} |"
    assert line in report(other)
    assert line not in page
    assert "Not among them" not in page
    assert "*forest* (sklearn is not installed)" in report(
        measured | {"left out": {"forest": "sklearn is not installed"}}
    )
