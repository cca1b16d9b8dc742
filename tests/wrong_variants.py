"""Wrong variants of the zoo's constructions, for a hunter to find: one ingredient of each is exchanged."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from typing import Any
from unittest import mock

from flint import fmpq

from constructions import FineTuningProblem, ReLUNetwork
from constructions.build import CONSTRUCTIONS
from constructions.direction import best_projection
from constructions.line import LineProblem, to_line
from constructions.literature import CLAIMS, zhang
from constructions.size_claim import SizeClaim

crossing, folding, four_layer, general_position, hyperplanes, three_layer, two_layer = (
    import_module(f"constructions.{name}")  # some functions have the names of their modules
    for name in (
        "crossing", "folding", "four_layer", "general_position", "hyperplanes", "three_layer", "two_layer",
    )
)  # fmt: skip

NEURONS = {
    "tents": ("3*N", 2), "memorizer": ("max(3, K - 2)", 2), "grid": ("4*sqrt(N) + 1", 3),
    "sign-lift": ("2*sqrt(3*N) + 3", 4), "band-crossing": ("ceil(2*sqrt(N)) + 4", 4),
}  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """A wrong claim, and the edits and points of the smallest problem that refutes it."""

    claim: SizeClaim
    edits: int
    points: int


def build(name: str, problem: FineTuningProblem) -> ReLUNetwork:
    """What a construction on a line makes of a problem."""
    if not problem.delta:
        return ReLUNetwork.constant(fmpq(0), CONSTRUCTIONS[name].depth, problem.d)
    projection = best_projection(problem)
    network = CONSTRUCTIONS[name].make(to_line(problem, projection), None, None)
    return network.along(projection.direction)


def exchanged(
    construct: Callable[[FineTuningProblem], Any], module: Any, name: str, wrong: Any
) -> Callable[[FineTuningProblem], Any]:
    def variant(problem: FineTuningProblem) -> Any:
        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(module, name, wrong))
            return construct(problem)

    return variant


def of_ours(name: str, module: Any, ingredient: str, wrong: Any, edits: int, points: int) -> Variant:
    neurons, layers = NEURONS[name]
    construct = exchanged(lambda problem: build(name, problem), module, ingredient, wrong)
    return Variant(SizeClaim(f"wrong {name}", "planted", construct, neurons, layers), edits, points)


def of_the_zoo(name: str, module: Any, ingredient: str, wrong: Any, edits: int, points: int) -> Variant:
    claim = CLAIMS[name]
    construct = exchanged(claim.construct, module, ingredient, wrong)
    return Variant(replace(claim, name=f"wrong {name}", construct=construct), edits, points)


column_functions, steepness = three_layer.column_functions, three_layer._steepness
five_points, null_space, power = (
    two_layer.five_points,
    hyperplanes.null_space,
    four_layer.power_of_two_at_least,
)
neighbours = crossing._Builder._neighbours


def without_last_group(line: LineProblem, fold: Any, column: int) -> Any:
    """In an incomplete last group no value is set."""
    h, v, largest = column_functions(line, fold, column)
    if len(fold.groups[-1]) < len(fold.groups[0]):
        v[-1] = v[-1]._replace(slope=fmpq(0), y=fmpq(0))
    return h, v, largest


def plain(network: ReLUNetwork) -> list[tuple[list[list[Fraction]], list[Fraction]]]:
    return [
        (
            [[Fraction(w, q) for w in row] for row, q in zip(layer.weight, layer.denominator, strict=True)],
            [Fraction(b, q) for b, q in zip(layer.bias, layer.denominator, strict=True)],
        )
        for layer in network.layers
    ]


def rounded(problem: FineTuningProblem) -> Any:
    """The band crossing in doubles."""

    def near(x: Fraction) -> Any:
        return float(x) if abs(x) < 2**1000 else x

    layers = plain(build("band-crossing", problem))
    return [([list(map(near, row)) for row in weight], list(map(near, bias))) for weight, bias in layers]


def one_too_many(problem: FineTuningProblem) -> Any:
    """An idle neuron where N is a square and one, from 10 on."""
    n, network = problem.N, build("band-crossing", problem)
    if n < 10 or math.isqrt(n - 1) ** 2 != n - 1:
        return network
    *hidden, (weight, bias), (out, offset) = plain(network)
    return [*hidden, ([*weight, [0] * len(weight[0])], [*bias, 0]), ([[*out[0], 0]], offset)]


def no_check_in_falling_groups(self: Any, group: int, place: int, step: int) -> Any:
    return neighbours(self, group, place, step) if step > 0 else (None, None)


VARIANTS: dict[str, Variant] = {
    "grid-without-last-group": of_ours("grid", three_layer, "column_functions", without_last_group, 7, 7),
    "grid-half-as-steep": of_ours(
        "grid", three_layer, "_steepness", lambda *arguments: steepness(*arguments) / 2, 1, 2
    ),
    "grid-knot-on-an-edit": of_ours("grid", folding, "dyadic_between", lambda low, high: low, 2, 2),
    "grid-three-columns-for-two-signs": of_ours("grid", LineProblem, "one_sign", True, 2, 2),
    "band-without-padding": of_ours(
        "band-crossing", crossing, "_pad", lambda positions, heights, *_: (positions, heights), 5, 5
    ),
    "band-with-equal-signs": of_ours("band-crossing", crossing, "cycle", lambda signs: [signs[0]] * 99, 2, 2),
    "band-unchecked-when-falling": of_ours(
        "band-crossing", crossing._Builder, "_neighbours", no_check_in_falling_groups, 4, 4
    ),
    "band-in-doubles": Variant(SizeClaim("wrong", "planted", rounded, *NEURONS["band-crossing"]), 1, 1),
    "band-one-too-many": Variant(
        SizeClaim("wrong", "planted", one_too_many, *NEURONS["band-crossing"]), 10, 10
    ),
    "lift-too-low": of_ours("sign-lift", four_layer, "power_of_two_at_least", lambda x: power(x) / 4, 1, 1),
    "memorizer-of-few-points": Variant(replace(CLAIMS["memorizer"], neurons="max(2, K - 2)"), 2, 4),
    "memorizer-faces-right": of_ours(
        "memorizer", two_layer, "five_points",
        lambda t, y: [neuron._replace(faces_left=False) for neuron in five_points(t, y)], 1, 5,
    ),
    "tents-too-wide": of_ours("tents", two_layer, "power_of_two_at_least", lambda x: 4 * power(x), 1, 2),
    "zhang-first-axis": of_the_zoo(
        "zhang2017", zhang, "choose_direction", lambda problem: (1,) + (0,) * (problem.d - 1), 2, 2
    ),
    "slabs-first-hyperplane": of_the_zoo(
        "bubeck2020", general_position, "vanishing", lambda group, others, heights: null_space(group)[0], 1, 2
    ),
    "slabs-anywhere": Variant(replace(CLAIMS["bubeck2020"], name="wrong", hypotheses=()), 2, 3),
}  # fmt: skip
