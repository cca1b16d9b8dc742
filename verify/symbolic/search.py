"""Finding proofs: which signs to split on, and the multipliers of contradictions, by exact linear programs.

Nothing here is trusted: `prove` hands out what `Proof.check` has accepted. If all polynomials of a goal
are linear, a true claim is proven (Farkas' lemma). Otherwise products of two facts are tried as well, and
what is then still open is not decided.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp

from verify.symbolic.points import Point, find_point, shown
from verify.symbolic.proof import (
    Case,
    Contradiction,
    Forced,
    Goal,
    Identity,
    Impossible,
    Node,
    Part,
    Proof,
    ProofError,
    Refuted,
    Split,
)
from verify.symbolic.show import positive_sum
from verify.symbolic.simplex import combination
from verify.symbolic.terms import Expr, Fact, Relation, above

__all__ = ["contradiction", "goal", "prove"]

Monomials = Mapping[tuple[int, ...], Fraction]


def goal(
    hypotheses: Iterable[Relation],
    claim: Relation | Iterable[Relation],
    title: str = "",
    example: Mapping[Any, Any] | None = None,
) -> Goal:
    """A `Goal`, of one relation or of several of which at least one holds."""
    relations = (claim,) if isinstance(claim, Relation) else tuple(claim)
    point = tuple((symbol, Fraction(value)) for symbol, value in (example or {}).items())
    return Goal(tuple(hypotheses), relations, title, point)


def prove(name: str, text: str, goals: Iterable[Goal]) -> Proof:
    """A checked proof of all the goals.

    Raises:
        ProofError: a goal is false (with a counterexample, if one was found) or was not decided, its
            hypotheses contradict each other, or no point was found that meets them; the message names the
            case.

    >>> from verify.symbolic.terms import above, at_least, equal, parameters, relu
    >>> x, a = parameters("x a")
    >>> prove("homogeneity", "", [goal([at_least(a, 0)], equal(relu(a * x), a * relu(x)))]).cases
    4
    >>> prove("shift", "", [goal([], equal(relu(x - 1), relu(x)))])
    Traceback (most recent call last):
    verify.symbolic.proof.ProofError: shift: false, for instance at ...
    """
    parts = []
    for wanted in goals:
        where = f"{name} ({wanted.title})" if wanted.title else name
        try:
            parts.append(_part(wanted))
        except _OpenCaseError as error:
            raise _failure(name, where, wanted, error) from None
        except ProofError as error:
            raise ProofError(f"{where}: {error}", name) from None
    proof = Proof(name, text, tuple(parts))
    proof.check()
    return proof


@dataclass
class _OpenCaseError(Exception):
    """A case that cannot be closed, and points that look like counterexamples."""

    case: Case
    hints: list[Point]


def _failure(name: str, where: str, wanted: Goal, error: _OpenCaseError) -> ProofError:
    case = error.case
    hints = [*error.hints, dict(wanted.example)]
    there = [Relation(f.polynomial, 0, f.sign) for f in case.path]
    points = (
        find_point(wanted.symbols, [*wanted.hypotheses, *narrower], wanted.claim, hints)
        for narrower in (there, [])
    )
    point = next((point for point in points if point is not None), None)
    verdict = "cannot be decided" if point is None else f"false, for instance at {shown(point)}"
    path = ", ".join(f"{f.polynomial} {f.sign} 0" for f in case.path) or "all parameters"
    open_claims = " or ".join(f"{sp.expand(expr)} {sign} 0" for expr, sign in case.claim)
    message = f"{where}: {verdict}; open case: {path}; there it remains that {open_claims}"
    remaining = tuple(sp.expand(expr) for expr, _ in case.claim)
    return ProofError(message, name, wanted, case.path, remaining, point)


def _part(wanted: Goal) -> Part:
    plain = [r.fact for r in wanted.plain]
    positive = []
    for base in wanted.denominators:
        found, hint = contradiction([*plain, Fact(sp.expand(-base), ">=")])
        if found is None:
            at = find_point(wanted.symbols, wanted.plain, [above(base, 0)], [dict(wanted.example), hint])
            instance = "" if at is None else f"; it is not, for instance, at {shown(at)}"
            raise ProofError(f"the hypotheses do not show that the denominator {base} is positive{instance}")
        positive.append((base, found))
    start = Case.of(wanted)
    return Part(wanted, tuple(positive), tuple(_example(wanted, start).items()), _tree(start))


def _example(wanted: Goal, start: Case) -> Point:
    """A point that meets the hypotheses: from what is empty, everything would follow."""
    found, hint = contradiction(start.facts)
    if found is not None:
        raise ProofError(f"the hypotheses contradict each other: {positive_sum(found)}")
    point = find_point(wanted.symbols, wanted.hypotheses, hints=[dict(wanted.example), hint])
    if point is None:
        try:
            _tree(replace(start, claim=()))
        except _OpenCaseError as error:
            point = find_point(wanted.symbols, wanted.hypotheses, hints=error.hints)
        else:
            raise ProofError("the hypotheses contradict each other in every case")
    if point is None:
        raise ProofError("no point was found that meets the hypotheses: give an example")
    return point


def _tree(case: Case) -> Node:
    which = case.identity
    if which is not None:
        return Identity(which)
    units = case.units
    for size in (1, 2):
        for unit, zero_up in itertools.product(units, (True, False)):
            against = case.side(unit, not zero_up, zero_up)
            found, _ = contradiction([*case.facts, against], size, size)
            if found is None:
                continue
            if not any(against in product for _, product in found.terms):
                return Impossible(found)
            inside, closed = _tree(case.enter(unit, zero_up, zero_up)), Impossible(found)
            return Split(unit, zero_up, inside, closed) if zero_up else Split(unit, zero_up, closed, inside)
    if not units:
        return _leaf(case)
    found, _ = contradiction(case.facts)
    if found is not None:
        return Impossible(found)
    up, down = (_tree(case.enter(units[0], side, True)) for side in (True, False))
    return Split(units[0], True, up, down)


def _leaf(case: Case) -> Node:
    """The claim has no `relu` any more."""
    found, _ = contradiction(case.facts)
    if found is not None:
        return Impossible(found)
    reasons, hints = [], []
    for way in case.failures():
        found, hint = contradiction([*case.facts, *way])
        if found is None:
            hints.append(hint)
        else:
            reasons.append(found)
    if not hints:
        return Refuted(tuple(reasons))
    # what two inequalities force to be 0 may be multiplied by anything
    for given in case.facts:
        if given.sign == ">=" and Fact(given.polynomial, "=") not in case.facts:
            found, _ = contradiction([*case.facts, Fact(given.polynomial, ">")])
            if found is not None:
                return Forced(given, found, _leaf(case.know(Fact(given.polynomial, "="))))
    raise _OpenCaseError(case, hints)


def contradiction(
    facts: Iterable[Fact], most: int = 2, least: int = 1
) -> tuple[Contradiction | None, dict[Any, Fraction]]:
    """A contradiction from products of `least` to `most` facts, or None and a point: if all facts are linear,
    they hold there.

    >>> x = sp.Symbol("x", real=True)
    >>> contradiction([Fact(x - 1, ">="), Fact(-x, ">=")])[0].terms
    ((1, ()), (1, (Fact(polynomial=x - 1, sign='>='),)), (1, (Fact(polynomial=-x, sign='>='),)))
    """
    facts = list(dict.fromkeys(facts))
    symbols = tuple(sorted({s for f in facts for s in f.polynomial.free_symbols}, key=str))
    hint: Point = {}
    for size in range(least, most + 1):
        found, hint_of_size = _of_size(facts, symbols, size)
        if found is not None:
            return found, {}
        hint = hint or hint_of_size
    return None, hint


def _of_size(
    facts: Sequence[Fact], symbols: tuple[Expr, ...], size: int
) -> tuple[Contradiction | None, dict[Any, Fraction]]:
    """Every product is a column with a row for each monomial; strict ones sum to 1 in a row of their own."""
    one = (0,) * len(symbols)
    vectors = {f: _monomials(f.polynomial, symbols) for f in facts}
    columns: list[dict[Any, Fraction]] = []
    labels: list[tuple[Expr, tuple[Fact, ...]]] = []
    inequalities = [f for f in facts if f.sign != "="]
    for count in range(size + 1):
        for chosen in itertools.combinations_with_replacement(inequalities, count):
            vector: Monomials = {one: Fraction(1)}
            for used in chosen:
                vector = _product(vector, vectors[used])
            strict = {"strict": Fraction(1)} if all(f.sign == ">" for f in chosen) else {}
            columns.append({**vector, **strict})
            labels.append((sp.S.One, chosen))
    present = dict.fromkeys(m for vector in vectors.values() for m in vector)
    for used in (f for f in facts if f.sign == "="):
        # all that could cancel a monomial of some fact
        quotients = (tuple(map(int.__sub__, m, n)) for m in present for n in vectors[used])
        multipliers = {one: None} | {q: None for q in quotients if size > 1 and min(q, default=0) >= 0}
        for exponents, sign in itertools.product(multipliers, (1, -1)):
            columns.append(dict(_product({exponents: Fraction(sign)}, vectors[used])))
            monomial = sp.Mul(*(s**k for s, k in zip(symbols, exponents, strict=True)))
            labels.append((sign * monomial, (used,)))
    coefficients, dual = combination(columns, {"strict": Fraction(1)})
    if coefficients is None:
        unit = dual[one]
        place = ((s, tuple(int(s == t) for t in symbols)) for s in symbols)
        return None, {s: dual.get(exponents, Fraction(0)) / unit for s, exponents in place}
    common = math.lcm(*(c.denominator for c in coefficients))
    shared = math.gcd(*(int(c * common) for c in coefficients))
    terms = (
        (sp.Integer(int(c * common) // shared) * factor, chosen)
        for c, (factor, chosen) in zip(coefficients, labels, strict=True)
        if c
    )
    return Contradiction(tuple(terms)), {}


@lru_cache(maxsize=10_000)
def _monomials(polynomial: Expr, symbols: tuple[Expr, ...]) -> Monomials:
    if not symbols:
        return {(): Fraction(int(polynomial.p), int(polynomial.q))}
    terms = sp.Poly(polynomial, *symbols).terms()
    return {exponents: Fraction(int(c.p), int(c.q)) for exponents, c in terms if c}


def _product(a: Monomials, b: Monomials) -> dict[tuple[int, ...], Fraction]:
    out: dict[tuple[int, ...], Fraction] = {}
    for (x, c), (y, d) in itertools.product(a.items(), b.items()):
        exponents = tuple(map(sum, zip(x, y, strict=True)))
        out[exponents] = out.get(exponents, Fraction(0)) + c * d
    return {exponents: c for exponents, c in out.items() if c}
