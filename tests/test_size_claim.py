"""Claims hold on problems that meet their hypotheses, and wrong ones are told how they fail."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from constructions import FineTuningProblem, ReLUNetwork
from constructions.literature import CLAIMS
from constructions.network import Layer
from constructions.size_claim import (
    ALL_EDITED,
    DISTINCT,
    GENERAL_POSITION,
    ONE_SIGN,
    Failure,
    SizeClaim,
)


def problem(rng: random.Random, claim: SizeClaim) -> FineTuningProblem:
    """A problem that meets the hypotheses of the claim, with few distinct coordinates where it may."""
    while True:
        d, count = rng.choice((1, 2, 3)), rng.randint(1, 9)
        size = rng.choice((2, 5, 1000))
        points = [
            [Fraction(rng.randint(-size, size), rng.choice((1, 3))) for _ in range(d)] for _ in range(count)
        ]
        values = (1, Fraction(1, 7), 100) if ONE_SIGN in claim.hypotheses else (1, -1, Fraction(2, 3), 10**9)
        changed = rng.choice((0.2, 0.6, 1.0))
        same = {tuple(x): rng.choice(values) if rng.random() < changed else 0 for x in points}
        found = FineTuningProblem(points, edits={i: same[tuple(x)] for i, x in enumerate(points)})
        if found.N and not claim.unmet(found):
            return found


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("seed", range(25))
def test_claims_hold(name: str, seed: int) -> None:
    instance = problem(random.Random(f"{name} {seed}"), CLAIMS[name])
    trial = CLAIMS[name].on_trial(instance)
    assert trial.failure is None
    assert trial.network is not None
    assert trial.network.neurons <= trial.allowed


def on_trial(construct: Any, neurons: str = "9", layers: int = 2) -> Failure | None:
    claim = SizeClaim("x", "nobody", construct, neurons, layers)
    return claim.on_trial(FineTuningProblem([[0], [1], [3]], edits={1: 2})).failure


def test_wrong_claims_fail() -> None:
    relu = ([[1], [1], [1]], [0, -1, -3]), ([[2, -3, 1]], [0])
    assert on_trial(lambda _: relu) is None
    assert on_trial(lambda _: relu, "3") is None
    assert on_trial(lambda _: relu, "2.9") == Failure("neurons", "at most 2", "3")
    assert on_trial(lambda _: relu, layers=3) == Failure("layers", "3", "2")
    off = ([[1.0], [1.0], [1.0]], [0, -1, -3]), ([[2, -3.0000000001, 1]], [0])
    failure = on_trial(lambda _: off)
    assert failure is not None
    assert (failure.what, failure.expected, failure.point) == ("output", "0", 2)
    for broken, text in (
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: [([[1, 2]], [0]), ([[1]], [0])], "does not fit to 1 inputs"),
        (lambda _: [([[1]], [0]), ([[1], [1]], [0, 0])], "2 outputs"),
        (lambda _: [([[float("nan")]], [0]), ([[1]], [0])], "nan"),
        (lambda _: None, "TypeError"),
    ):
        failure = on_trial(broken)
        assert failure is not None
        assert failure.what == "network"
        assert text.lower() in failure.got.lower()


def test_hypotheses() -> None:
    line = FineTuningProblem([[0, 0], [1, 1], [2, 2]], edits={0: 1, 1: 2})
    bent = FineTuningProblem([[0, 0], [1, 1], [2, 3]], edits={0: 1, 1: -2, 2: 1})
    twice = FineTuningProblem([[0, 0], [0, 0]])
    asked = (DISTINCT, ONE_SIGN, ALL_EDITED, GENERAL_POSITION)
    assert [h.holds(line) for h in asked] == [True, True, False, False]
    assert [h.holds(bent) for h in asked] == [True, False, True, True]
    assert [h.holds(twice) for h in (DISTINCT, GENERAL_POSITION)] == [False, False]


def test_a_network_may_be_returned_too() -> None:
    network = ReLUNetwork.constant(fmpq(0), 2, 1)
    assert on_trial(lambda _: network) == Failure("output", "2", "0", 1)


def integers(rows: Any) -> Any:
    return np.array(rows, dtype=object)


def test_only_the_numbers_of_a_network_count() -> None:
    class Liar(ReLUNetwork):
        def __call__(self, _: Any) -> list[Fraction]:
            return [Fraction(0), Fraction(2), Fraction(0)]

        @property
        def neurons(self) -> int:
            return 0

    liar = Liar(ReLUNetwork.constant(fmpq(0), 2, 1).layers)
    assert on_trial(lambda _: liar) == Failure("output", "2", "0", 1)
    out = Layer.of([[fmpq(1)]], [fmpq(0)], 1)
    # one bias that numpy repeats: three neurons that count as one
    repeated = Layer(integers([[1], [1], [1]]), integers([0]), integers([1]))
    summed = Layer(integers([[2, -3, 1]]), integers([0]), integers([1]))
    floats = Layer(integers([[0.5]]), integers([0]), integers([1]))
    negative = Layer(integers([[1]]), integers([0]), integers([-1]))
    two = Layer.of([[fmpq(0)], [fmpq(0)]], [fmpq(0), fmpq(0)], 1)
    for layers, text in (
        ((repeated, summed), "shapes (3, 1), (1,), (1,)"),
        ((floats, out), "not of integers"),
        ((negative, out), "not of integers, over positive ones"),
        ((two,), "2 outputs"),
    ):
        failure = on_trial(lambda _, layers=layers: ReLUNetwork(layers))
        assert failure is not None
        assert (failure.what, text in failure.got) == ("network", True)


def test_a_construction_cannot_change_what_is_asked() -> None:
    def steal(asked: FineTuningProblem) -> Any:
        asked.delta.clear()
        asked.points.numerators.flags.writeable = True
        asked.points.numerators[:] = 0
        return [([], []), ([[]], [0])]

    claim = SizeClaim("x", "nobody", steal, "9", 2)
    asked = FineTuningProblem([[Fraction(1, 3)], [1], [3]], edits={1: 2})
    assert claim.on_trial(asked).failure == Failure("output", "2", "0", 1)
    assert asked.delta == {1: 2}
    assert asked.points[2, 0] == 3
