"""Farkas obstructions: true ones are accepted, and none that some network refutes."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import farkas_trees
import numpy as np
import pytest
from networks import text_array

import verify
from verify.engine import check as engine

Points = Sequence[Sequence[int | Fraction]]
Values = Sequence[int | Fraction]
Document = dict[str, Any]


def document(points: Points, changes: Values, *claims: Document) -> Document:
    """Every point is edited, those too where nothing changes."""
    return {
        "format": "ftc-certificate",
        "version": 1,
        "claims": list(claims),
        "points": text_array([list(row) for row in points]),
        "edits": {"index": list(range(len(points))), "value": text_array(list(changes))},
    }


def judge(content: Document, folder: Path) -> verify.Verdict:
    """The kernel's verdict, and the engine agrees."""
    path = folder / "certificate.json"
    path.write_text(json.dumps(content))
    verdict = verify.check(path)
    assert engine(path) == verdict
    return verdict


def line(*places: int | Fraction) -> Points:
    return [[t] for t in places]


SQUARE = [[0, 0], [0, 1], [1, 0], [1, 1]]
CUBE = [list(corner) for corner in itertools.product((0, 1), repeat=3)]
EXACT: list[tuple[str, Points, Values, int]] = [  # points, changes, and the least number of neurons
    ("constant", line(0, 1, 5), [2, 2, 2], 0),
    ("slope", line(0, 1, 5), [0, 1, 5], 1),
    ("tent-of-three", line(0, 1, 3), [0, 1, 0], 2),
    # two breakpoints do, and windows show no more than that; yet two neurons do not
    ("four-alternate", line(0, 1, 2, 3), [1, 0, 1, 0], 3),
    ("four-unevenly", line(0, Fraction(1, 3), 2, 7), [1, 0, 1, 0], 3),
    ("tent-in-space", [[1 - t, 2 * t, Fraction(t, 3)] for t in range(3)], [0, -1, 0], 2),
    ("square", SQUARE, [0, 1, 1, 0], 2),
    ("square-of-two-values", SQUARE, [0, 1, 2, 3], 1),
    ("corner-of-a-cube", CUBE, [0, 0, 0, 0, 0, 0, 0, 1], 1),
]


@pytest.mark.parametrize(("points", "changes", "least"), [e[1:] for e in EXACT], ids=[e[0] for e in EXACT])
@pytest.mark.parametrize("ordered", [None, 1])
def test_the_least_number_of_neurons_can_be_certified(
    tmp_path: Path, points: Points, changes: Values, least: int, ordered: int | None
) -> None:
    for neurons in range(least + 1):
        claim = farkas_trees.claim(points, changes, neurons, ordered)
        assert claim is not None
        verdict = judge(document(points, changes, claim), tmp_path)
        assert verdict.status == "accepted", verdict.text()
        assert f"fewer than {neurons} neurons" in verdict.text()
    if least < 3:  # all cases of three neurons take a while
        assert farkas_trees.claim(points, changes, least + 1, ordered) is None


def random_points(rng: random.Random) -> list[list[int | Fraction]]:
    d, count = rng.choice((1, 1, 2, 3)), rng.randint(1, 4)
    below = rng.choice((1, 1, 3))
    rows: list[list[int | Fraction]] = [
        [Fraction(rng.randint(-3, 3), below) for _ in range(d)] for _ in range(count)
    ]
    return rows + rng.sample(rows, rng.choice((0, 0, 1)))  # sometimes a point twice


def value(x: Sequence[int | Fraction], c: int, neurons: Sequence[tuple[int, ...]]) -> int | Fraction:
    """`neurons` are weights, a bias and a sign."""
    return c + sum(s * max(0, b + sum(a * t for a, t in zip(w, x, strict=True))) for *w, b, s in neurons)


@pytest.mark.parametrize("seed", range(40))
def test_no_small_network_solves_what_is_obstructed(tmp_path: Path, seed: int) -> None:
    """Of random instances: all networks of small integers, of as many neurons as do not suffice."""
    rng = random.Random(seed)
    points = random_points(rng)
    changes = [rng.randint(-2, 2) for _ in points]
    ordered = rng.choice((None, rng.randrange(len(points))))
    order = rng.sample(range(len(points)), len(points))
    for neurons in (1, 2, 3 if len(points) < 5 else 2):
        claim = farkas_trees.claim(points, changes, neurons, ordered, order)
        if claim is None:
            break
        verdict = judge(document(points, changes, claim), tmp_path)
        assert verdict.status == "accepted", verdict.text()
        size = 2 if neurons < 3 else 1
        some = [
            (*w, b, s)
            for *w, b in itertools.product(range(-size, size + 1), repeat=len(points[0]) + 1)
            for s in (1, -1)
        ]
        for chosen in itertools.combinations(rng.sample(some, min(len(some), 60)), neurons - 1):
            for c in range(-2, 3):
                assert [value(x, c, chosen) for x in points] != changes


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("rule", ["negative", "undecided", "values", "order", "constant", "weight", "bias"])
def test_a_network_refutes_every_forgery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, rule: str
) -> None:
    """A network of `m` neurons makes the changes. A forger who breaks one rule, and then closes what is
    left when all is decided without a row, cannot show that `m + 1` are needed."""
    rng = random.Random(f"{rule} {seed}")
    points, honest = random_points(rng), farkas_trees.contradiction
    m = rng.choice((0, 1, 1, 1, 2)) if len(points) < 4 else rng.choice((0, 1))
    neurons = [
        (*(rng.randint(-2, 2) for _ in points[0]), rng.randint(-2, 2), rng.choice((1, -1))) for _ in range(m)
    ]
    changes = [value(x, 1, neurons) for x in points]

    ordered = rng.choice((None, rng.randrange(len(points))))
    width = len(points[0]) + 1
    blind = {
        "constant": [0],
        "weight": range(1, 1 + m * width, width),
        "bias": range(width, 1 + m * width, width),
    }

    def forged(rows: list[Any], right: Sequence[Any], free: range) -> Any:
        found = honest(rows, right, free)
        if found is not None:
            return found
        complete = len(free) == len(points)
        if rule == "negative":
            free = range(len(rows))
        elif rule == "undecided":  # the value of a point whose neurons are not all decided
            rows, right = [*rows, [1] + [0] * (m * width)], [*right, changes[0] + 1]
        elif rule == "values":  # right sides that nobody asked for
            right = [v + rng.randint(-1, 1) for v in right]
        elif rule == "order":  # of neurons of different signs
            if m == 2 and ordered is not None:
                z = [*points[ordered], 1]
                rows, right = [*rows, [0, *z, *(-x for x in z)]], [*right, 0]
        else:
            rows = [[0 if k in blind[rule] else x for k, x in enumerate(row)] for row in rows]
        found = honest(rows, right, free)
        return {} if found is None and complete else found

    assert farkas_trees.claim(points, changes, m + 1, ordered) is None
    monkeypatch.setattr(farkas_trees, "contradiction", forged)
    claim = farkas_trees.claim(points, changes, m + 1, ordered)
    assert claim is not None
    verdict = judge(document(points, changes, claim), tmp_path)
    assert verdict.status == "rejected"


@pytest.mark.parametrize("seed", range(30))
def test_a_proof_is_about_its_own_instance(tmp_path: Path, seed: int) -> None:
    """What a network of `m` neurons makes is not shown to need more by proofs of other instances."""
    rng = random.Random(seed)
    points, m = random_points(rng), 1
    for _ in range(20):
        changes = [rng.randint(-2, 2) for _ in points]
        claim = farkas_trees.claim(points, changes, m + 1)
        if claim is None:
            continue
        neuron = (*(rng.randint(-2, 2) for _ in points[0]), rng.randint(-2, 2), rng.choice((1, -1)))
        made = [value(x, 1, [neuron]) for x in points]
        assert judge(document(points, made, claim), tmp_path).status == "rejected"


def equal_points(depth: int, positive: bool) -> list[Any]:
    """A subtree for one neuron and the equal points 0 and 1 with the changes 0 and 1."""
    rows = [[depth + 2, "-1"], [depth + 3, "1"]]  # the first two of the points that are decided
    agree, differ = ["close", rows], ["close", [*rows, [depth if positive else depth + 1, "1"]]]
    again = ["split", 0, 1]
    return [["split", 0, 0], again, agree, differ, again, differ, agree]


def test_long_trees(tmp_path: Path) -> None:
    """A path of 4,000 splits: no recursion, and no case pays for the length of its path."""
    last = 4_000
    trees = []
    for positive in (False, True):
        tree: list[Any] = [["split", 0, i] for i in range(2, last + 2)]
        for depth in (last, *range(last, 0, -1)):
            tree += equal_points(depth, positive)
        trees.append(tree)
    claim = {"kind": "farkas-obstruction", "neurons": 2, "trees": trees}
    points = [[0, 0], *([i, 7] for i in range(last + 1))]
    points[1] = points[0]
    whole = document(points, [0, 1] + [0] * last, claim)
    verdict = judge(whole, tmp_path)
    assert verdict.status == "accepted", verdict.text()
    trees[1][-1] = ["split", 0, 1]
    verdict = judge(whole, tmp_path)
    assert "trees[1][32006]: expected a split that is new on its path" in verdict.text()
    trees[1][-1:] = []
    verdict = judge(whole, tmp_path)
    assert "trees[1]: expected a node for every case" in verdict.text()


def test_long_numbers(tmp_path: Path) -> None:
    """Multipliers of 20,000 digits, and coordinates and values with denominators that share nothing."""
    points = [[Fraction(1, 3**300)], [Fraction(2, 3**300)], [2 - Fraction(1, 7**300)], [3]]
    changes = [Fraction(5, 11**300), Fraction(1), Fraction(-1, 13**300), 5]
    claim = farkas_trees.claim(points, changes, 2)
    assert claim is not None
    assert judge(document(points, changes, claim), tmp_path).status == "accepted"
    small = farkas_trees.claim(line(0, 1, 3), [0, 1, 0], 2)
    assert small is not None
    for node in small["trees"][0]:
        for row in node[1] if node[0] == "close" else ():
            row[1] += "0" * 19_990
    whole = document(line(0, 1, 3), [0, 1, 0], small)
    assert judge(whole, tmp_path).status == "accepted"
    row = small["trees"][0][3][1][1]
    row[1] = row[1][:-1] + "1"
    assert "trees[0][3]: expected left sides that cancel" in judge(whole, tmp_path).text()


def test_of_many_points_only_a_few_matter(tmp_path: Path) -> None:
    """Without a neuron every point is decided: a row is a point, of 50,000 in a file."""
    x = np.arange(50_000)[:, None] / 8
    np.save(tmp_path / "points.npy", x)
    claim = {"kind": "farkas-obstruction", "neurons": 1, "trees": [[["close", [[7, "-1"], [49_999, "1"]]]]]}
    whole = document(line(0), [0], claim)
    whole["points"] = {
        "file": "points.npy",
        "sha256": hashlib.sha256((tmp_path / "points.npy").read_bytes()).hexdigest(),
    }
    whole["edits"] = {"index": [49_999], "value": text_array([Fraction(1, 3)])}
    assert judge(whole, tmp_path).status == "accepted"
    whole["edits"]["index"] = [7]
    assert "right sides of a positive sum, got -1/3" in judge(whole, tmp_path).text()
    claim["trees"][0][0][1][1][0] = 50_000  # type: ignore[index]
    assert "one of 50000 rows, got row 50000" in judge(whole, tmp_path).text()
    x[5] = np.nan
    np.save(tmp_path / "points.npy", x)
    assert judge(whole, tmp_path).place == "points[5]"
    x[5] = -1
    np.save(tmp_path / "points.npy", x)
    assert "SHA-256 differs" in judge(whole, tmp_path).reason


def test_numbers_of_neurons_beyond_all_trees(tmp_path: Path) -> None:
    claim = {"kind": "farkas-obstruction", "neurons": 10**18 - 1, "trees": [[["split", 10**18 - 1, 0]]]}
    assert "trees: expected 999999999999999999" in judge(document(line(0), [1], claim), tmp_path).text()
    claim["neurons"] = 1
    assert "neuron 999999999999999999" in judge(document(line(0), [1], claim), tmp_path).text()
    claim["neurons"] = 10**18
    assert judge(document(line(0), [1], claim), tmp_path).place == "claims[0].neurons"
