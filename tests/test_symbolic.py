"""The symbolic prover proves what is true and nothing else; its lemmas are about the networks built here."""

from __future__ import annotations

import itertools
import math
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import fmpq
from matplotlib.mathtext import MathTextParser

import ftc.cli
from constructions import two_layer
from constructions.classifier import patch_classifier
from constructions.folding import Line, fold
from constructions.four_layer import band_crossing, sign_lift
from constructions.labels import LabelProblem
from constructions.line import LineProblem
from constructions.three_layer import grid as three_layer_grid
from verify.symbolic import (
    LEMMAS,
    Contradiction,
    Goal,
    Part,
    Proof,
    ProofError,
    Relation,
    above,
    at_least,
    at_most,
    below,
    equal,
    goal,
    heights,
    lines,
    parameters,
    prove,
    relu,
)
from verify.symbolic.proof import Forced, Identity, Impossible, Refuted, Split
from verify.symbolic.simplex import combination
from verify.symbolic.terms import Fact

x, y, z, a = parameters("x y z a")
HALF = sp.Rational(1, 2)


def number(expr: Any, point: dict[Any, Fraction]) -> Fraction:
    """The value at a point, by other code than the prover's."""
    match expr:
        case sp.Symbol():
            return point[expr]
        case sp.Rational():
            return Fraction(int(expr.p), int(expr.q))
        case sp.Pow():
            return number(expr.base, point) ** int(expr.exp)
    parts = [number(part, point) for part in expr.args]
    match expr:
        case relu():
            return max(parts[0], Fraction(0))
        case sp.Abs():
            return abs(parts[0])
        case sp.Add():
            return sum(parts, Fraction(0))
    return Fraction(math.prod(parts))


def true_at(relation: Relation, point: dict[Any, Fraction]) -> bool:
    gap = number(relation.left, point) - number(relation.right, point)
    return {"=": gap == 0, ">": gap > 0, ">=": gap >= 0, "<": gap < 0, "<=": gap <= 0}[relation.sign]


def meets(relations: Iterable[Relation], point: dict[Any, Fraction]) -> bool:
    return all(true_at(relation, point) for relation in relations)


def refutes(wanted: Goal, point: dict[Any, Fraction]) -> bool:
    return meets(wanted.hypotheses, point) and not any(true_at(relation, point) for relation in wanted.claim)


def proven(*arguments: Any) -> Proof:
    return prove("x", "", [goal(*arguments)])


def refused(*arguments: Any) -> ProofError:
    with pytest.raises(ProofError) as caught:
        proven(*arguments)
    return caught.value


@pytest.fixture(scope="module", params=LEMMAS)
def lemma(request: pytest.FixtureRequest) -> Proof:
    return LEMMAS[request.param]()


# --- the lemmas


def test_lemmas_are_proven_and_no_part_is_empty(lemma: Proof) -> None:
    assert lemma.name in LEMMAS
    for part in lemma.parts:
        point = dict(part.example)
        assert all(true_at(relation, point) for relation in part.goal.relations)


FALSE = [
    (lines.tent, {"window": HALF}, "Outside"),
    (lines.tent, {"window": sp.Rational(999, 1000)}, "Outside"),
    (lines.five_points_one_of_two, {"bends": (1, 1, 1)}, ""),
    (lines.five_points_first_case, {"slack": HALF}, "not right of point 2"),
    (lines.five_points_second_case, {"slack": HALF}, "not left of point 4"),
    (lines.five_points_two_breakpoints, {"shift": HALF}, "First two up, point 3"),
    (lines.five_points_two_breakpoints, {"shift": -HALF}, "First two up, point"),
    (lines.further_point, {"lag": HALF}, "The new point"),
    (lines.further_point, {"lag": -HALF}, "Earlier points"),
    (lines.window, {"jump": -1}, "Any convex breakpoint"),
    (lines.restart, {"reach": HALF}, "Behind"),
    (heights.three_neuron_bump, {"margin": HALF}, "Elsewhere"),
    (heights.four_neuron_bump, {"margin": HALF}, "Elsewhere"),
    (heights.steep_enough, {"share": HALF}, ""),
    (heights.sign_lift, {"lift": 1}, "At the edits"),
    (heights.sign_lift, {"lift": sp.Rational(199, 100)}, "At the edits"),
    (heights.band_stage, {"reach": 2}, "At the edits"),
    (heights.one_sign_stage, {"reach": 2}, "At the edits"),
    (heights.carry, {"below": 1}, ""),
    (heights.decoder_step, {"error": HALF}, "Codes from c on"),
    (heights.decoder_step, {"error": sp.Rational(251, 1000)}, "Codes from c on"),
    (heights.two_neuron_decoder, {"lead": sp.Rational(51, 100)}, "Over classes without a code"),
    (heights.two_neuron_decoder, {"gap": HALF}, "Over larger codes"),
    (heights.two_neuron_decoder, {"reach": HALF}, "Protected points"),
    (heights.positive_homogeneity, {"least": -1}, ""),
]


@pytest.mark.parametrize(("function", "changed", "title"), FALSE)
def test_false_variants_fail_with_a_counterexample(
    function: Callable[..., Proof], changed: dict[str, Any], title: str
) -> None:
    with pytest.raises(ProofError) as caught:
        function(**changed)
    error = caught.value
    assert error.lemma == function.__name__.replace("_", "-")
    assert str(error).startswith(error.lemma)
    assert error.goal is not None
    assert title in error.goal.title
    assert error.counterexample is not None
    assert refutes(error.goal, error.counterexample)
    assert f"{next(iter(error.counterexample))} = " in str(error)


def test_every_lemma_has_a_false_variant() -> None:
    assert {function.__name__.replace("_", "-") for function, _, _ in FALSE} == set(LEMMAS)


def test_a_wrong_first_case_misses_a_value() -> None:
    p = lines.Points.of(5)
    alternating = [above(p.s[1], p.s[0]), below(p.s[2], p.s[1]), above(p.s[3], p.s[2])]
    given = [*p.gaps, *alternating, at_most(p.s[2] - p.s[3], (p.s[0] + p.s[1]) / 2)]
    values = [lines.five_points_first_function(place, p)[0] for place in p.x[:2]]
    proven(given, equal(values[0], p.y[0]))
    assert refused(given, equal(values[1], p.y[1])).counterexample is not None


# --- the prover: what is true is proven, what is false is not


@pytest.mark.parametrize(
    ("hypotheses", "claim"),
    [
        ([], equal(relu(x) - relu(-x), x)),
        ([], equal(relu(x + y), relu(y + x))),
        ([], equal(relu(2 * x), 2 * relu(x))),
        ([], equal(relu(x * (y + z)), relu(x * y + x * z))),
        ([], equal(relu(relu(x) - relu(-x)), relu(x))),
        ([], equal(relu(relu(x)), relu(x))),
        ([], at_least(relu(x), x)),
        ([], at_most(relu(x + y), relu(x) + relu(y))),
        ([], at_most(abs(x + y), abs(x) + abs(y))),
        ([], [at_least(x, y), at_least(y, x)]),
        ([], [above(x, y), above(y, x), equal(x, y)]),
        ([above(x, 0)], above(relu(x), 0)),
        ([above(x, 0), at_least(y, 0)], equal(relu(x * y), x * y)),
        ([above(x, 0)], equal(relu(y / x), relu(y) / x)),
        ([at_most(abs(x), 0)], equal(y * relu(x + z), y * relu(z))),
        ([at_least(x, y), at_most(x, y)], equal(a * x * z, a * y * z)),
        ([equal(x * x, 0)], equal(x, 0)),
        ([equal(x, y), equal(y, z)], equal(relu(x), relu(z))),
        ([at_least(relu(x), 1)], at_least(x, 1)),
        ([above(abs(x), 0), at_least(x, 0)], above(x, 0)),
        ([], equal(sp.S(1), 1)),
        ([], equal(relu(sp.S(-3)) + 2, 2)),
    ],
)
def test_true_claims_are_proven(hypotheses: list[Relation], claim: Any) -> None:
    proven(hypotheses, claim).check()


@pytest.mark.parametrize(
    ("hypotheses", "claim"),
    [
        ([at_least(x, 0)], above(relu(x), 0)),
        ([], above(abs(x - 3) + abs(y + 1) + abs(z), 0)),
        ([], above(relu(x - y) + relu(y - x), 0)),
        ([], [above(x, y), above(y, x)]),
        ([at_least(abs(x), 1)], above(abs(x), 1)),
        ([at_least(x, 0), at_least(y, 0)], above(x + y, 0)),
        ([at_least(x, 0)], above(relu(x + 1), 1)),
        ([at_most(x, sp.Rational(1, 1000))], equal(relu(x), 0)),
        ([equal(x, y)], [above(x, y), below(x, y)]),
        ([], equal(relu(x * y), relu(x) * relu(y))),
        ([above(x, 0)], at_least(x * x, x)),
        ([], equal(relu(x) ** 2, x**2)),
        ([], equal(sp.S(1), 0)),
        ([], equal(x, 2 * x)),
        ([above(x, 0), above(y, 0)], above(x - y, 0)),
    ],
)
def test_false_claims_are_refuted(hypotheses: list[Relation], claim: Any) -> None:
    error = refused(hypotheses, claim)
    assert error.counterexample is not None
    assert error.goal is not None
    assert refutes(error.goal, error.counterexample)


def test_what_cannot_be_decided_is_no_proof() -> None:
    error = refused([], at_least(x**4 - 2 * x * x * y + y * y, 0))  # a square: true, but out of reach
    assert error.counterexample is None
    assert "cannot be decided" in str(error)


@pytest.mark.parametrize(
    "hypotheses",
    [
        [above(x, 0), below(x, 0)],
        [above(x, 0), at_most(x, 0)],
        [at_most(abs(x), -1)],
        [at_least(relu(x), 1), at_most(x, 0)],
        [at_least(x, y + 1), at_least(y, z + 1), at_least(z, x + 1)],
        [above(x * y, 0), above(x, 0), at_most(y, 0)],
        [equal(x * x, -1)],  # no contradiction of two facts, and no point
        [above(sp.S(0), 0)],
    ],
)
def test_nothing_follows_from_contradictory_hypotheses(hypotheses: list[Relation]) -> None:
    for claim in (equal(x, x + 1), equal(x, x)):
        text = str(refused(hypotheses, claim))
        assert "contradict each other" in text or "no point was found" in text


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: equal(x, 0.5), "no rational number"),
        (lambda: equal(x, sp.sqrt(2)), "no integer"),
        (lambda: equal(x, sp.sqrt(x**2 + 1)), "no integer"),
        (lambda: equal(x, sp.pi), "not allowed"),
        (lambda: equal(x, sp.oo), "not allowed"),
        (lambda: equal(x, x / sp.S(0)), "not allowed"),
        (lambda: equal(x, sp.Max(x, 0)), "not allowed"),
        (lambda: equal(x, sp.sign(x)), "not allowed"),
        (lambda: equal(x, 1 / relu(x)), "denominator"),
        (lambda: equal(x, 1 / (1 + 1 / x)), "denominator"),
        (lambda: equal(sp.Symbol("p", positive=True), 1), "a parameter is"),
        (lambda: equal(sp.Symbol("p", integer=True), 1), "a parameter is"),
        (lambda: equal(sp.Symbol("p"), 1), "a parameter is"),
        (lambda: equal(sp.Dummy("p", real=True), 1), "a parameter is"),
        (lambda: equal(x, relu(x, y)), "argument"),
        (lambda: equal(x, type("relu", (relu,), {})(x)), "not allowed"),  # its values may be others
        *((lambda sign=sign: Relation(x, y, sign), "is not among") for sign in ("==", "!=", "=>", "=<", "")),
    ],
)
def test_what_is_not_of_the_language_is_refused(build: Callable[[], Any], text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=text):
        build()


def test_denominators_must_be_positive_by_the_hypotheses() -> None:
    text = str(refused([], equal(x / y, x / y)))
    assert "denominator y is positive" in text
    assert "for instance, at" in text
    refused([at_least(y, 0)], equal(relu(x / y), relu(x) / y))
    refused([above(abs(y), 0)], equal(x / y, x / y))
    refused([above(1 / y, 0)], equal(x / y, x / y))  # the hypothesis needs y > 0 itself
    proven([above(y, 0), above(z, y)], equal(relu(x / (z - y)) * (z - y), relu(x)))


@pytest.mark.parametrize("seed", range(30))
def test_sampling_never_contradicts_a_proof_and_linear_claims_are_decided(seed: int) -> None:
    rng = random.Random(seed)

    def affine() -> Any:
        return sum((rng.randint(-2, 2) * symbol for symbol in (x, y)), sp.Rational(rng.randint(-2, 2), 2))

    def bent() -> Any:
        return sum((rng.choice((-2, -1, 1, 2)) * relu(affine()) for _ in range(rng.randint(1, 2))), affine())

    kinds = (equal, at_least, above, at_most, below)
    hypotheses = [rng.choice(kinds[1:])(bent(), affine()) for _ in range(rng.randint(0, 2))]
    left = bent()
    # the same function in other words, or another one
    rewritten = left.replace(relu, lambda inner: inner + relu(-2 * inner) / 2)
    claim = rng.choice(kinds)(left, rng.choice((rewritten, rewritten, bent(), affine())))
    wanted = goal(hypotheses, claim)
    error = None
    try:
        prove("random", "", [wanted]).check()
    except ProofError as caught:
        error = caught
    empty = error is not None and "contradict each other" in str(error)
    if empty or error is None:
        assert not any(meets(hypotheses, point) and (empty or not meets([claim], point)) for point in grid())
    else:
        assert error.counterexample is not None, error
        assert refutes(wanted, error.counterexample)


def grid() -> Iterator[dict[Any, Fraction]]:
    for u, v in itertools.product(range(-6, 7), repeat=2):
        yield {x: Fraction(u, 4), y: Fraction(v, 4)}


@pytest.mark.parametrize("seed", range(40))
def test_the_simplex_method_finds_coefficients_or_a_separating_vector(seed: int) -> None:
    rng = random.Random(seed)
    size = rng.randint(1, 5)
    columns = [
        {k: Fraction(rng.randint(-3, 3)) for k in range(size)} for _ in range(rng.randint(0, 2 * size))
    ]
    wanted = {k: Fraction(rng.choice((0, 0, 1, 2))) for k in range(size)}
    found, separating = combination(columns, wanted)
    if found is None:
        assert sum(separating[k] * wanted[k] for k in wanted) < 0
        assert all(sum(separating[k] * column[k] for k in column) >= 0 for column in columns)
    else:
        assert min(found, default=Fraction(0)) >= 0
        assert all(
            sum((c * column[k] for c, column in zip(found, columns, strict=True)), Fraction(0)) == wanted[k]
            for k in range(size)
        )


# --- proofs that were tampered with


def mutations(node: Any) -> Iterator[tuple[str, Any]]:
    """The same object with one thing changed, somewhere inside."""
    if isinstance(node, Contradiction):
        terms = node.terms
        for k, (coefficient, product) in enumerate(terms):
            rest = terms[:k] + terms[k + 1 :]
            yield "a term is left out", Contradiction(rest)
            for wrong in (coefficient + 1, -coefficient, sp.S.Zero, 1.0 * coefficient, x * coefficient):
                yield f"a coefficient is {wrong}", Contradiction(((wrong, product), *rest))
            yield "a term is there twice", Contradiction(((coefficient, product), *terms))
            for j, used in enumerate(product):
                bent = used._replace(polynomial=used.polynomial + 1)
                yield (
                    "a fact is not given",
                    Contradiction(((coefficient, (*product[:j], bent, *product[j + 1 :])), *rest)),
                )
                yield (
                    "a fact is not used",
                    Contradiction(((coefficient, product[:j] + product[j + 1 :]), *rest)),
                )
        return
    if isinstance(node, Split):
        yield "sides are exchanged", replace(node, up=node.down, down=node.up)
        yield "another unit", replace(node, unit=relu(node.unit.args[0] + 1))
        yield "no unit", replace(node, unit=node.unit.args[0])
    if isinstance(node, Impossible):
        yield "an identity instead", Identity()
        yield "nothing instead", None
    if isinstance(node, Refuted):
        yield "no reason", Refuted(node.because[:-1])
        yield "one reason too many", Refuted((*node.because, node.because[0]))
    if isinstance(node, tuple) and not hasattr(node, "_fields"):
        for k, part in enumerate(node):
            for what, changed in mutations(part):
                yield what, (*node[:k], changed, *node[k + 1 :])
    elif is_dataclass(node) and not isinstance(node, (Goal, Relation)):
        for field in fields(node):
            for what, changed in mutations(getattr(node, field.name)):
                yield what, replace(node, **{field.name: changed})


TAMPERED = {
    "tent": lines.tent,
    "one-of-two": lines.five_points_one_of_two,
    "one-sign-stage": heights.one_sign_stage,
    "homogeneity": heights.positive_homogeneity,
    "forced": lambda: proven([at_most(abs(x), 0)], equal(y * relu(x + z), y * relu(z))),
    "equations": lambda: proven([equal(x, y), equal(y, z)], equal(relu(x), relu(z))),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_proof_that_was_changed_anywhere_is_refused(name: str) -> None:
    proof = TAMPERED[name]()
    count = 0
    for what, changed in mutations(proof):
        count += 1
        assert not accepted(changed), what
    assert count > 15


def accepted(proof: Proof) -> bool:
    try:
        proof.check()
    except (ProofError, AttributeError, IndexError, TypeError):
        return False
    return True


def test_a_proof_is_about_its_own_goal() -> None:
    tent = lines.tent()
    wide = tent.parts[1].goal
    for claim in (equal(wide.claim[0].left, 1), above(wide.claim[0].left, 0)):
        forged = replace(tent.parts[1], goal=replace(wide, claim=(claim,)))
        with pytest.raises(ProofError):
            replace(tent, parts=(forged,)).check()
    for k in range(len(wide.hypotheses)):
        fewer = wide.hypotheses[:k] + wide.hypotheses[k + 1 :]
        with pytest.raises(ProofError):
            replace(tent, parts=(replace(tent.parts[1], goal=replace(wide, hypotheses=fewer)),)).check()
    moved = tuple((symbol, Fraction(0)) for symbol, _ in tent.parts[1].example)
    with pytest.raises(ProofError, match="example"):
        replace(tent, parts=(replace(tent.parts[1], example=moved),)).check()
    with pytest.raises(ProofError, match="nothing"):
        replace(tent, parts=()).check()


POSITIVE, NOT_NEGATIVE, NOT_POSITIVE, ZERO = Fact(x, ">"), Fact(x, ">="), Fact(-x, ">="), Fact(x, "=")
ABOVE = Fact(y, ">")


@pytest.mark.parametrize(
    ("terms", "facts"),
    [
        ([(1, (Fact(x + 1, ">"),)), (-1, (POSITIVE,)), (-1, ())], {POSITIVE, Fact(x + 1, ">")}),
        ([(1, (NOT_NEGATIVE,)), (1, (NOT_POSITIVE,))], {NOT_NEGATIVE, NOT_POSITIVE}),
        ([(1, (ABOVE, NOT_NEGATIVE)), (1, (ABOVE, NOT_POSITIVE))], {ABOVE, NOT_NEGATIVE, NOT_POSITIVE}),
        ([(1, ()), (-1 / x, (ZERO,))], {ZERO}),
        ([(1, ()), (sp.Float(1e30), (ZERO,)), (sp.Float(-1e30), (ZERO,))], {ZERO}),
        ([(1, ()), (sp.Float(1e30), (Fact(x - 1, "="),)), (sp.Float(-1e30), (Fact(x - 1, "="),))],
         {Fact(x - 1, "=")}),
        ([(0, ())], set()),
        ([(1, (POSITIVE,)), (1, (NOT_POSITIVE,))], {POSITIVE}),
        ([], {POSITIVE}),
    ],
)  # fmt: skip
def test_facts_that_can_hold_do_not_contradict_each_other(terms: Any, facts: set[Fact]) -> None:
    """Each of these sums would pass if one of the conditions were not checked."""
    with pytest.raises(ValueError):
        Contradiction(tuple((sp.sympify(number), product) for number, product in terms)).check(facts)


ROOT = sp.sqrt(x)
NEGATIVE = Fact(-x, ">")
SQUARES = [
    Refuted((Contradiction(((sp.S(1), (NEGATIVE,)), (sp.S(1), (Fact(side, sign),) * 2))),))
    for side, sign in ((ROOT, ">="), (-ROOT, ">"))
]
FORGED = {
    "a split on a product": (
        [],
        [equal(x * y, x), equal(x * y, 0)],
        Split(x * y, True, Identity(0), Identity(1)),
    ),
    "a split on a root": ([], [at_least(x, 0)], Split(relu(ROOT), True, *SQUARES)),
    "a forced equality without its half": (
        [at_most(x, 0)],
        [equal(x, 0)],
        Forced(
            NOT_NEGATIVE,
            Contradiction(((sp.S(1), (POSITIVE,)), (sp.S(1), (NOT_POSITIVE,)))),
            Refuted(
                tuple(
                    Contradiction(((sp.S(1), (Fact(sign * x, ">"),)), (sp.S(-sign), (ZERO,))))
                    for sign in (-1, 1)
                )
            ),
        ),
    ),
    "one way to fail": (
        [at_least(x, 0)],
        [equal(x, 0)],
        Refuted((Contradiction(((sp.S(1), (NEGATIVE,)), (sp.S(1), (NOT_NEGATIVE,)))),)),
    ),
    "a strict claim from equal sides": ([], [above(x, x)], Identity()),
    "no step at all": ([], [equal(x, 1)], None),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_proofs_of_false_claims_are_refused(name: str) -> None:
    hypotheses, claim, tree = FORGED[name]
    wanted = goal(hypotheses, claim)
    point = tuple((symbol, Fraction(0)) for symbol in wanted.symbols)
    with pytest.raises(ProofError):
        Proof("forged", "", (Part(wanted, (), point, tree),)).check()


# --- the lemmas are about the networks that are built


def exact(value: Any) -> Any:
    """A flint or Python rational for sympy."""
    if hasattr(value, "p"):
        return sp.Rational(int(value.p), int(value.q))
    return sp.Rational(value.numerator, value.denominator)


def layer(weights: Any, inputs: list[Any]) -> list[Any]:
    """The pre-activations of a layer as expressions."""
    rows = zip(weights.weight.tolist(), weights.bias.tolist(), weights.denominator.tolist(), strict=True)
    return [
        (sum((w * value for w, value in zip(row, inputs, strict=True)), sp.S.Zero) + bias)
        / sp.Integer(common)
        for row, bias, common in ((row, bias, sp.Integer(common)) for row, bias, common in rows)
    ]


def expression(layers: Any, value: Any) -> Any:
    """The network, or its last layers, as an expression in what enters it."""
    *hidden, last = layers
    values = [value] if not isinstance(value, list) else value
    for weights in hidden:
        values = [relu(z) for z in layer(weights, values)]
    return layer(last, values)[0]


def rationals(rng: random.Random, count: int) -> list[fmpq]:
    return [fmpq(rng.randint(-40, 40), rng.randint(1, 9)) for _ in range(count)]


def places(rng: random.Random, count: int) -> list[fmpq]:
    gaps = [fmpq(rng.randint(1, 40), rng.randint(1, 9)) for _ in range(count)]
    return [sum(gaps[: k + 1], fmpq(-3)) for k in range(count)]


t = sp.Symbol("t", real=True)


@pytest.mark.parametrize("seed", range(2))
def test_tents_are_the_tents_of_the_lemma(seed: int) -> None:
    rng = random.Random(seed)
    positions, values = places(rng, 4), [fmpq(0), fmpq(0), *rationals(rng, 1), fmpq(0)]
    values[rng.randint(0, 1)] = fmpq(-7, 3)
    line = LineProblem(positions, values)
    tents = two_layer.tents(line)
    lemma = sp.S.Zero
    for k, i in enumerate(line.edits):
        first, second = (
            exact(-fmpq(int(b), int(w)))
            for b, w in zip(
                tents.layers[0].bias[3 * k : 3 * k + 2],
                tents.layers[0].weight[3 * k : 3 * k + 2, 0],
                strict=True,
            )
        )
        e = second - first
        assert 0 < e <= exact(line.gap(i))
        lemma += lines.tent_function(t, exact(positions[i]), e, exact(values[i]))
    proven([], equal(expression(tents.layers, t), lemma))


def instance(positions: list[fmpq], values: list[fmpq]) -> tuple[lines.Points, dict[Any, Any]]:
    """Five points, and what the parameters of the lemma are there."""
    p = lines.Points.of(5)
    h = [b - a for a, b in itertools.pairwise(positions)]
    s = [(b - a) / gap for gap, (a, b) in zip(h, itertools.pairwise(values), strict=True)]
    numbers = [positions[0], values[0], *h, *s]
    return p, dict(zip([p.x[0], p.y[0], *p.h, *p.s], map(exact, numbers), strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_five_points_are_interpolated_by_the_functions_of_the_lemma(seed: int) -> None:
    rng = random.Random(seed)
    cases = set()
    positions = places(rng, 5)
    for _ in range(3):
        values = rationals(rng, 5)
        p, at = instance(positions, values)
        s1, s2, s3, s4 = (at[s] for s in p.s)
        sign = 1 if s2 > s1 else -1
        bends = [sign * (s2 - s1), sign * (s3 - s2), sign * (s4 - s3)]
        network = expression(two_layer.memorizer(LineProblem(positions, values)).layers, t)
        if not (bends[1] < 0 < bends[0] and bends[2] > 0):
            cases.add("two breakpoints")
            jumps = [(p.x[k], p.s[k] - p.s[k - 1]) for k in (1, 2, 3)]
            if bends[0] * bends[1] > 0:
                jumps[:2] = [(p.x[1] + p.h[1] * (p.s[2] - p.s[1]) / (p.s[2] - p.s[0]), p.s[2] - p.s[0])]
            elif bends[1] * bends[2] > 0:
                jumps[1:] = [(p.x[2] + p.h[2] * (p.s[3] - p.s[2]) / (p.s[3] - p.s[1]), p.s[3] - p.s[1])]
            function = lines.five_points_with_breakpoints(t, p, jumps)
            given = [at_least(t, exact(positions[0]))]
        else:
            at = {symbol: sign * value if symbol in (*p.s, p.y[0]) else value for symbol, value in at.items()}
            first = sign * (s3 - s4) <= sign * s1
            cases.add("first" if first else "second")
            choose = lines.five_points_first_function if first else lines.five_points_second_function
            function, given = sign * choose(t, p)[0], []
        proven(given, equal(network, function.subs(at, simultaneous=True)))
    assert cases


def test_a_further_point_adds_the_neuron_of_the_lemma() -> None:
    rng = random.Random(1)
    positions, values = places(rng, 8), rationals(rng, 8)
    less, more = (
        expression(two_layer.memorizer(LineProblem(positions[:k], values[:k])).layers, t) for k in (7, 8)
    )
    slopes = [exact((values[k] - values[k - 1]) / (positions[k] - positions[k - 1])) for k in (6, 7)]
    proven([], equal(more - less, (slopes[1] - slopes[0]) * relu(t - exact(positions[6]))))


@pytest.mark.parametrize("signs", [(1, 1), (1, -1)])
def test_grids_are_made_of_the_bumps_of_the_lemmas(signs: tuple[int, int]) -> None:
    rng = random.Random(5)
    positions = places(rng, 9)
    values = [fmpq(0)] * 9
    for k, i in enumerate((1, 2, 5, 7)):
        values[i] = signs[k % 2] * fmpq(rng.randint(1, 9), 7)
    net = three_layer_grid(LineProblem(positions, values), columns=2)
    one_sign = signs[0] == signs[1]
    units = [exact(Fraction(int(w), int(net.layers[2].denominator[0]))) for w in net.layers[2].weight[0]]
    z, v, c = parameters("z v c")
    count = 3 if one_sign else 4
    bump = heights.bump_of_three(z, v) if one_sign else heights.bump_of_four(z, v, c)
    lemma = heights.three_neuron_bump() if one_sign else heights.four_neuron_bump()
    for i, place in enumerate(positions):
        first = [relu(row) for row in layer(net.layers[0], [exact(place)])]
        second = layer(net.layers[1], first)
        total = sp.S.Zero
        for k in range(0, len(second), count):
            z1, z2, z3 = second[k : k + 3]
            if one_sign:
                at = {z: z3, v: z1 - z3}
                assert z2 == z3 - at[v]
            else:
                at = {z: (z2 + second[k + 3]) / 2, v: z1 - z2, c: (z2 - second[k + 3]) / 2}
                assert z3 == at[z] - at[c] + at[v]
            value = bump.subs(at)
            assert value == sum(u * relu(n) for u, n in zip(units[k : k + count], second[k:], strict=False))
            total += value
            # the hypotheses of one part of the lemma hold, and so does what it says
            fractions = {symbol: Fraction(int(n.p), int(n.q)) for symbol, n in at.items()}
            held = [part for part in lemma.parts if meets(part.goal.hypotheses, fractions)]
            assert held
            assert all(true_at(part.goal.claim[0], fractions) for part in held)
        assert total == exact(values[i])


@pytest.mark.parametrize("one_sign", [True, False])
def test_the_output_stage_is_the_one_of_the_lemma(one_sign: bool) -> None:
    positions = places(random.Random(3), 9)
    values = [fmpq(0), fmpq(2, 3), fmpq(0), fmpq(5), fmpq(1), fmpq(0), fmpq(0), fmpq(3), fmpq(0)]
    if not one_sign:
        values[3] = fmpq(-5)
    net = band_crossing(LineProblem(positions, values), columns=2)
    s = sp.Symbol("s", real=True)
    # all units of the third layer read the same sum s
    stage = net.layers[2]
    weights = [
        row[0] * sp.S.One / common for row, common in zip(stage.weight, stage.denominator, strict=True)
    ]
    assert all(list(row) == list(stage.weight[0]) for row in stage.weight)
    assert set(weights) == {1}
    biases = [sp.Rational(int(b), int(q)) for b, q in zip(stage.bias, stage.denominator, strict=True)]
    built = layer(net.layers[3], [relu(s + bias) for bias in biases])[0]
    m = sp.Integer(5)
    proven([], equal(built, (heights.one_sign_band if one_sign else heights.band)(s, m)))
    reads = net.hidden([[place] for place in positions])[2]
    for i, value in enumerate(values):
        read = exact(Fraction(int(reads.numerators[i, 0]), reads.denominator))
        if value == 0:
            assert read <= 0 or read >= (2 if one_sign else 4) * m
        else:
            assert read == (exact(value) if one_sign else 2 * m - exact(value))


def test_the_sign_lift_is_the_one_of_the_lemma() -> None:
    positions = places(random.Random(4), 7)
    values = [fmpq(0), fmpq(2, 3), fmpq(0), fmpq(-5), fmpq(1), fmpq(0), fmpq(0)]
    net = sign_lift(LineProblem(positions, values), columns=2)
    s, stage = sp.Symbol("s", real=True), net.layers[2]
    assert list(stage.weight[0]) == list(stage.weight[1])
    biases = [sp.Rational(int(b), int(q)) for b, q in zip(stage.bias, stage.denominator, strict=True)]
    lift = -4 * biases[0]
    assert lift >= 2 * 5
    built = layer(net.layers[3], [relu(s + bias) for bias in biases])[0]
    proven([], equal(built, heights.lift_down(s, lift)))
    reads = net.hidden([[place] for place in positions])[2]
    for i, value in enumerate(values):
        read = exact(Fraction(int(reads.numerators[i, 0]), reads.denominator)) - biases[0]
        assert read == (exact(value) + lift if value else 0)


def test_restarts_are_those_of_the_lemma() -> None:
    positions = places(random.Random(6), 5)
    folding = fold(positions, [0, 2, 4], 1, restart_every=1)
    before, after = Line(fmpq(2, 3), positions[0], fmpq(5)), Line(fmpq(-9), positions[2], fmpq(1, 7))
    last = Line(fmpq(1), positions[4], fmpq(0))
    row, bias = folding.pre_activation([before, after, last])
    knots = [knot for gap in folding.knots[:1] for knot in gap]
    marks = [exact(place) for place in (folding.anchor, *knots)]
    built = exact(bias) + sum(exact(w) * relu(t - place) for w, place in zip(row, marks, strict=False))
    p, q = knots
    function = lines.restarted(
        t,
        exact(p),
        exact(q - p),
        (exact(before(p)), exact(before.slope)),
        (exact(after(q)), exact(after.slope)),
    )
    proven([at_least(t, exact(folding.anchor))], equal(built, function))


def test_a_further_layer_carries_the_value() -> None:
    net = two_layer.tents(LineProblem([fmpq(0), fmpq(1), fmpq(3)], [fmpq(0), fmpq(-2), fmpq(0)]))
    deep, floor = net.deepened(4, 2), sp.Integer(2)
    value = expression(net.layers, t)
    proven([], equal(expression(deep.layers, t), relu(relu(value + floor)) - floor))
    proven([at_least(value, -floor)], equal(expression(deep.layers, t), value))


# --- what people see


def test_patches_of_classifiers_decode_as_the_lemma_says() -> None:
    """The last two layers of a patch, as functions of the code, are the squares times one factor."""
    corners = [[x, y] for x in range(4) for y in range(4)]
    problem = LabelProblem(corners, [[1.0, 0.0, 0.25, 0.5]] * 16, {5: 1, 6: 2, 10: 3, 9: 1})
    patch = patch_classifier(problem)
    assert patch.decoder == "two neurons"
    (rows, bias), (out, _) = patch.layers[-2:]
    assert np.array_equal(rows[0], rows[1])
    size = Fraction(float(out[1, 0]))  # the factor of p for the code 1 is 3 - 2
    s = sp.Symbol("s", real=True)
    p, q = (relu(s + sp.Rational(float(b))) for b in bias)
    for code, label in enumerate((1, 2, 3), start=1):
        score = sum(
            sp.Rational(float(w)) / sp.Rational(size) * z for w, z in zip(out[label], (p, q), strict=True)
        )
        assert sp.expand(score - heights.squares(s, sp.Integer(code))) == 0
    assert not out[0].any()


def test_text_has_numbered_steps(lemma: Proof) -> None:
    head, *rows = str(lemma).splitlines()
    assert head == f"{lemma.name}: {lemma.text}"
    numbers = [re.match(r" *(\d+(\.[12])*)\. \S", line) for line in rows if line]
    assert all(numbers)
    assert {found[1].split(".")[0] for found in numbers if found} == {
        str(k) for k in range(1, len(lemma.parts) + 1)
    }


def test_latex_is_valid(lemma: Proof) -> None:
    text = lemma.latex()
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    formulas = text.split("$")
    assert len(formulas) % 2 == 1
    outside, inside = formulas[::2], list(dict.fromkeys(formulas[1::2]))
    assert not re.search(r"[_^&%#<>]|\\(?!paragraph|par|noindent|textbf)", "".join(outside))
    parser = MathTextParser("path")
    for formula in random.Random(0).sample(inside, min(12, len(inside))):
        parser.parse(f"${formula}$")


def test_the_command_lists_shows_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["ftc", "prove", *arguments])
        with pytest.raises(SystemExit) as stop:
            ftc.cli.main()
        return stop.value.code, *capsys.readouterr()

    code, out, _ = run()
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines()] == list(LEMMAS)
    assert run("carry") == (0, f"{heights.carry()}\n", "")
    target = tmp_path / "carry.tex"
    done = f"proven: carry, 1 statements, 2 cases; wrote {target}\n"
    assert run("carry", "--latex", "-o", str(target)) == (0, done, "")
    assert target.read_text() == f"{heights.carry().latex()}\n"
    for wrong in (["nothing"], ["--latex"], ["carry", "-o", str(tmp_path)]):
        code, out, err = run(*wrong)
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_checking_certificates_needs_no_sympy() -> None:
    code = "import sys, verify; raise SystemExit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
