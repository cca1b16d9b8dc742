"""The symbolic prover proves what is true and nothing else, and its lemmas are about the networks built here."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp

from verify.symbolic import (
    LEMMAS,
    Contradiction,
    Goal,
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
from verify.symbolic.proof import Identity, Impossible, Refuted, Split
from verify.symbolic.simplex import combination

x, y, z, a = parameters("x y z a")
HALF = sp.Rational(1, 2)


def true_at(relation: Relation, point: dict[Any, Any]) -> bool:
    """By sympy's own Max and Abs, not by what the prover evaluates with."""
    numbers = {symbol: sp.Rational(value.numerator, value.denominator) for symbol, value in point.items()}
    left, right = (
        side.replace(relu, lambda inner: sp.Max(inner, 0)).subs(numbers, simultaneous=True)
        for side in (relation.left, relation.right)
    )
    return bool(
        {"=": left == right, ">": left > right, ">=": left >= right, "<": left < right}.get(
            relation.sign, left <= right
        )
    )


def refutes(wanted: Goal, point: dict[Any, Any]) -> bool:
    hypotheses = all(true_at(relation, point) for relation in wanted.hypotheses)
    return hypotheses and not any(true_at(relation, point) for relation in wanted.claim)


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
    lemma.check()
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
    (lines.five_points_two_breakpoints, {"shift": -HALF}, "First two up, point 3"),
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
    missed = []
    for k in range(5):
        value, _ = lines.five_points_first_function(p.x[k], p)
        try:
            proven(given, equal(value, p.y[k]))
        except ProofError as error:
            assert error.counterexample is not None
            missed.append(k + 1)
    assert missed == [2]


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


@pytest.mark.parametrize("seed", range(60))
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
    try:
        prove("random", "", [wanted]).check()
    except ProofError as error:
        if "contradict each other" in str(error):
            assert not any(meets(hypotheses, point) for point in grid())
        else:
            assert error.counterexample is not None, error
            assert refutes(wanted, error.counterexample)
    else:
        assert not any(meets(hypotheses, point) and not claim_at(claim, point) for point in grid())


def grid() -> Iterator[dict[Any, Fraction]]:
    for u, v in itertools.product(range(-6, 7), repeat=2):
        yield {x: Fraction(u, 4), y: Fraction(v, 4)}


def number(expr: Any, point: dict[Any, Fraction]) -> Fraction:
    if isinstance(expr, relu):
        return max(number(expr.args[0], point), Fraction(0))
    if expr.is_Add:
        return sum((number(part, point) for part in expr.args), Fraction(0))
    if expr.is_Mul:
        first, *rest = (number(part, point) for part in expr.args)
        for factor in rest:
            first *= factor
        return first
    return point[expr] if expr.is_Symbol else Fraction(int(expr.p), int(expr.q))


def claim_at(relation: Relation, point: dict[Any, Fraction]) -> bool:
    gap = number(relation.left, point) - number(relation.right, point)
    return {"=": gap == 0, ">": gap > 0, ">=": gap >= 0, "<": gap < 0, "<=": gap <= 0}[relation.sign]


def meets(hypotheses: list[Relation], point: dict[Any, Fraction]) -> bool:
    return all(claim_at(relation, point) for relation in hypotheses)


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
            for wrong in (coefficient + 1, -coefficient, sp.S.Zero, sp.Float(coefficient), x * coefficient):
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
        with pytest.raises((ProofError, AttributeError, IndexError, TypeError)):
            changed.check()
            pytest.fail(what)
    assert count > 15


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
    with pytest.raises(ProofError, match="example"):
        moved = tuple((symbol, Fraction(0)) for symbol, _ in tent.parts[1].example)
        replace(tent, parts=(replace(tent.parts[1], example=moved),)).check()
    with pytest.raises(ProofError, match="nothing"):
        replace(tent, parts=()).check()
