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


exact = pytest.mark.parametrize(
    ("points", "changes", "least"), [e[1:] for e in EXACT], ids=[e[0] for e in EXACT]
)


def means(points: Points) -> list[farkas_trees.Mean]:
    """Every point that lies between two others, or is equal to another."""
    out: list[farkas_trees.Mean] = []
    for b, (a, c) in itertools.product(range(len(points)), itertools.combinations(range(len(points)), 2)):
        along = [Fraction(y) - x for x, y in zip(points[a], points[c], strict=True)]
        t = next(((Fraction(y) - x) / u for x, y, u in zip(points[a], points[b], along, strict=True) if u), 0)
        there = [x + t * u for x, u in zip(points[a], along, strict=True)]
        if b not in (a, c) and 0 <= t <= 1 and list(points[b]) == there:
            t = Fraction(t)
            out.append((b, [(a, t.denominator - t.numerator), (c, t.numerator)]))
    return out


@exact
@pytest.mark.parametrize(("ordered", "convex"), [(None, False), (1, False), (None, True)])
def test_the_least_number_of_neurons_can_be_certified(
    tmp_path: Path, points: Points, changes: Values, least: int, ordered: int | None, convex: bool
) -> None:
    some = means(points) if convex else ()
    for neurons in range(least + 1):
        claim = farkas_trees.claim(points, changes, neurons, ordered, convex=some)
        assert claim is not None
        verdict = judge(document(points, changes, claim), tmp_path)
        assert verdict.status == "accepted", verdict.text()
        assert f"fewer than {neurons} neurons" in verdict.text()
    if least < 3:  # all cases of three neurons take a while
        assert farkas_trees.claim(points, changes, least + 1, ordered, convex=some) is None


@exact
def test_every_node_and_every_row_counts(tmp_path: Path, points: Points, changes: Values, least: int) -> None:
    """No proof holds if a node or a row of it is left out, or if a value moves far enough."""
    rng = random.Random(least)
    for convex in ((), means(points)):
        claim = farkas_trees.claim(points, changes, least, 0, convex=convex)
        assert claim is not None
        lists = [
            *claim["trees"],
            *(node[1] for tree in claim["trees"] for node in tree if node[0] == "close"),
        ]
        for some in rng.sample(lists, min(len(lists), 5)):
            for k in rng.sample(range(len(some)), min(len(some), 5)):
                kept = some.pop(k)
                assert judge(document(points, changes, claim), tmp_path).status == "rejected"
                some.insert(k, kept)
        if least:
            for i in {term[1] for some in lists for term in some if term[0] == "value"}:
                moved = [value + (k == i) * 10**9 for k, value in enumerate(changes)]
                lower = [value - (k == i) * 10**9 for k, value in enumerate(changes)]
                verdicts = {judge(document(points, some, claim), tmp_path).status for some in (moved, lower)}
                assert "rejected" in verdicts


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


@pytest.mark.parametrize("seed", range(25))
def test_no_small_network_solves_what_is_obstructed(tmp_path: Path, seed: int) -> None:
    """Of random instances: all networks of small integers, of as many neurons as do not suffice."""
    rng = random.Random(seed)
    points = random_points(rng)
    changes = [rng.randint(-2, 2) for _ in points]
    ordered = rng.choice((None, rng.randrange(len(points))))
    order = rng.sample(range(len(points)), len(points))
    convex = rng.choice(((), means(points)))
    for neurons in (1, 2, 3 if len(points) < 4 else 2):
        claim = farkas_trees.claim(points, changes, neurons, ordered, order, convex)
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
            rest = [change - value(x, 0, chosen) for x, change in zip(points, changes, strict=True)]
            assert len(set(rest)) > 1  # no constant `c` serves all points


def forged_by(rule: str, rng: random.Random, points: Points, m: int) -> Any:
    """`farkas_trees.contradiction` of a forger who breaks one rule."""
    honest, total, width = farkas_trees.contradiction, len(points), len(points[0]) + 1
    w = 1 + m * total  # the first column of the weights
    hidden = {
        "blind-to-c": [0],
        "blind-to-u": range(1, 1 + total),  # of neuron 0
        "blind-to-w": [k for k in range(w, w + m * width) if (k - w) % width < width - 1],
        "blind-to-b": range(w + width - 1, w + m * width, width),
    }.get(rule, ())

    def forged(rows: dict[Any, Any], free: set[Any]) -> Any:
        found = honest(rows, free)
        if found is not None:
            return found
        rows = {name: [0 if k in hidden else x for k, x in enumerate(row)] for name, row in rows.items()}
        if rule == "negative":
            free = {name for name in rows if rng.random() < 0.5 or name in free}
        elif rule == "split":  # of other cases: inactive
            for j, i in itertools.product(range(m), range(total)):
                if ("split", j, i) not in rows:
                    rows["split", j, i] = [-x for x in rows["zero", j, i]]
        elif rule == "values":  # right sides that nobody asked for
            rows = {name: [*row[:-1], row[-1] + rng.randint(-1, 1)] for name, row in rows.items()}
        elif rule == "concave":
            rows = {name: [-x if name[0] == "convex" else x for x in row] for name, row in rows.items()}
        return honest(rows, free)

    return forged


RULES = ["negative", "split", "values", "mean", "weight-sign", "concave"]
RULES += ["blind-to-c", "blind-to-u", "blind-to-w", "blind-to-b"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rule", RULES)
def test_a_network_refutes_every_forgery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, rule: str
) -> None:
    """A network of `m` neurons makes the changes; a forger who breaks one rule shows that it takes more."""
    rng = random.Random(f"{rule} {seed}")
    forgeries = 0
    for _ in range(100):
        points = random_points(rng)[:4]
        m = rng.choice((1, 1, 1, 2)) if len(points) < 4 else 1
        neurons = [
            (*(rng.randint(-2, 2) for _ in points[0]), rng.randint(-4, 4), rng.choice((1, -1)))
            for _ in range(m)
        ]
        changes, convex = [value(x, 1, neurons) for x in points], means(points)
        if rule == "mean":
            some = range(len(points))
            convex = [(b, [(rng.choice(some), rng.randint(0, 3)), (0, 1)]) for b in some]
        elif rule == "weight-sign":
            convex = [(b, [(a, -n) for a, n in weights]) for b, weights in convex]
        with monkeypatch.context() as patch:
            patch.setattr(farkas_trees, "contradiction", forged_by(rule, rng, points, m))
            claim = farkas_trees.claim(points, changes, m + 1, convex=convex)
        if claim is not None:
            forgeries += 1
            assert judge(document(points, changes, claim), tmp_path).status != "accepted"
            if forgeries == 3:
                break
    assert forgeries


@pytest.mark.parametrize("seed", range(3))
def test_an_order_across_signs_would_prove_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A rise, a plateau and a rise: the neuron that bends down is active left, the other one right."""
    rng, honest = random.Random(seed), farkas_trees.contradiction
    p = list(itertools.accumulate(rng.randint(1, 3) for _ in range(4)))
    sign = rng.choice((1, -1))
    changes = [sign * -rng.randint(1, 3), 0, 0, sign * rng.randint(1, 3)]
    ordered = 0 if sign == 1 else 3

    def forged(rows: dict[Any, Any], free: set[Any]) -> Any:
        rows["order", 0] = [0] * 9 + [p[ordered], 1, -p[ordered], -1] + [0]
        return honest(rows, free)

    assert farkas_trees.claim(line(*p), changes, 3, ordered) is None
    monkeypatch.setattr(farkas_trees, "contradiction", forged)
    claim = farkas_trees.claim(line(*p), changes, 3, ordered)
    assert claim is not None
    text = judge(document(line(*p), changes, claim), tmp_path).text()
    assert "trees[1][" in text
    assert "expected an order of neurons of one sign" in text


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


def equal_points(positive: int) -> list[Any]:
    """A subtree for one neuron and the equal points 0 and 1 with the changes 0 and 1."""
    low, high = (0, 1) if positive else (1, 0)  # the values of `u` there
    rows = [["value", 0, "-1"], ["value", 1, "1"], ["split", 0, high, "1"]]
    active, inactive = [*rows, ["line", 0, low, "1"]], [*rows, ["zero", 0, low, "1"]]
    return [["split", 0, high], ["close", active], ["close", inactive]]


def test_long_trees(tmp_path: Path) -> None:
    """A path of 2,000 splits: no recursion, and no case pays for the length of its path."""
    last = 2_000
    trees: list[Any] = []
    for positive in (0, 1):
        path = [["split", 0, i] for i in range(2, last + 2)]
        trees.append([*path, *(node for _ in range(last + 1) for node in equal_points(positive))])
    claim = {"kind": "farkas-obstruction", "neurons": 2, "trees": trees}
    points = [[0, 0], *([i, 7] for i in range(last + 1))]
    points[1] = points[0]
    whole = document(points, [0, 1] + [0] * last, claim)
    verdict = judge(whole, tmp_path)
    assert verdict.status == "accepted", verdict.text()
    trees[1][-1] = ["split", 0, 1]
    verdict = judge(whole, tmp_path)
    assert "trees[1][8002]: expected a split that is new on its path" in verdict.text()
    trees[1][-1:] = []
    verdict = judge(whole, tmp_path)
    assert "trees[1]: expected a node for every case" in verdict.text()


def test_long_numbers(tmp_path: Path) -> None:
    """Multipliers of 20,000 digits, and coordinates and values with denominators that share nothing."""
    points = line(Fraction(1, 3**300), Fraction(2, 3**300), 2 - Fraction(1, 7**300), 3)
    changes: Values = [Fraction(5, 11**300), Fraction(1), Fraction(-1, 13**300), 5]
    claim = farkas_trees.claim(points, changes, 2)
    assert claim is not None
    assert judge(document(points, changes, claim), tmp_path).status == "accepted"
    small = farkas_trees.claim(line(0, 1, 3), [0, 1, 0], 2, convex=[(1, [(0, 2), (2, 1)])])
    assert small is not None
    for tree in small["trees"]:
        for node in tree:
            for term in node[1] if node[0] == "close" else ():
                term[-1] += "0" * 19_990
    for pair in small["convex"][0][1]:
        pair[1] += "0" * 9_990
    whole = document(line(0, 1, 3), [0, 1, 0], small)
    (convex,) = (term for term in small["trees"][1][0][1] if term[0] == "convex")
    assert "rest of u[0][0]" in judge(whole, tmp_path).text()
    convex[-1] = convex[-1][: 10_000 + len(convex[-1]) - 19_990]
    assert judge(whole, tmp_path).status == "accepted"
    convex[-1] = convex[-1][:-1] + "1"
    assert "trees[1][0]: expected left sides that cancel" in judge(whole, tmp_path).text()
    small["convex"][0][1][0][1] = small["convex"][0][1][0][1][:-1] + "1"
    assert "convex[0]: expected weights whose mean is the point" in judge(whole, tmp_path).text()


def test_of_many_points_only_a_few_matter(tmp_path: Path) -> None:
    """Two points, of 50,000 in a file, that a constant cannot serve."""
    x = np.arange(50_000)[:, None] / 8
    np.save(tmp_path / "points.npy", x)
    terms = [["value", 7, "-1"], ["value", 49_999, "1"]]
    claim = {"kind": "farkas-obstruction", "neurons": 1, "trees": [[["close", terms]]]}
    whole = document(line(0), [0], claim)
    whole["points"] = {
        "file": "points.npy",
        "sha256": hashlib.sha256((tmp_path / "points.npy").read_bytes()).hexdigest(),
    }
    whole["edits"] = {"index": [49_999], "value": text_array([Fraction(1, 3)])}
    assert judge(whole, tmp_path).status == "accepted"
    whole["edits"]["index"] = [7]
    assert "right sides of a positive sum, got -1/3" in judge(whole, tmp_path).text()
    terms[1][1] = 50_000
    assert "a point in 0..49999" in judge(whole, tmp_path).text()
    terms[1][1] = 49_999
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
