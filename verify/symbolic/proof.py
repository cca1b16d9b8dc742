"""Proofs by cases, as trees that are checked anew: what a proof means, whoever found it.

A `Goal` is a claim about all real parameters under hypotheses. Its proof splits on the signs of
pre-activations. In each case either a `Contradiction` shows that the case cannot be, or the claim is left
without `relu` and holds: both sides are the same polynomial, or each way in which it could fail contradicts
the hypotheses. Checking needs expansion of polynomials, and no search.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy as sp

from verify.symbolic.terms import (
    Expr,
    Fact,
    Relation,
    cleared,
    denominators,
    holds,
    inspected,
    relu,
)

__all__ = [
    "Case",
    "Contradiction",
    "Forced",
    "Goal",
    "Identity",
    "Impossible",
    "Part",
    "Proof",
    "ProofError",
    "Refuted",
    "Split",
]


class ProofError(ValueError):
    """A claim is not proven: it is false, or it cannot be decided.

    `lemma` and `goal` say what was claimed; `case` has the facts on the way to the open case, `remaining`
    what is compared with 0 there; `counterexample` is a point where all hypotheses hold and the claim does
    not, if one was found.
    """

    def __init__(
        self,
        message: str,
        lemma: str = "",
        goal: Goal | None = None,
        case: tuple[Fact, ...] = (),
        remaining: tuple[Expr, ...] = (),
        counterexample: dict[Any, Fraction] | None = None,
    ) -> None:
        super().__init__(message)
        self.lemma, self.goal, self.case, self.remaining = lemma, goal, case, remaining
        self.counterexample = counterexample


@dataclass(frozen=True)
class Goal:
    """Under the hypotheses, at least one of the relations in `claim` holds.

    `example` is a point where the hypotheses hold, for goals where none is found.
    """

    hypotheses: tuple[Relation, ...]
    claim: tuple[Relation, ...]
    title: str = ""
    example: tuple[tuple[Expr, Fraction], ...] = ()

    @property
    def relations(self) -> tuple[Relation, ...]:
        return self.hypotheses + self.claim

    @property
    def plain(self) -> list[Relation]:
        """The hypotheses without `relu` and denominators, which may say that denominators are positive."""
        return [r for r in self.hypotheses if not r.difference.has(relu) and not r.denominators]

    @property
    def denominators(self) -> list[Expr]:
        return list(dict.fromkeys(base for r in self.relations for base in r.denominators))

    @property
    def symbols(self) -> list[Expr]:
        found = {s for r in self.relations for s in r.left.free_symbols | r.right.free_symbols}
        return sorted(found, key=str)


@dataclass(frozen=True)
class Contradiction:
    """`sum coefficient * (product of facts) = 0` identically, while the facts make it positive.

    A term whose facts are inequalities has a positive rational coefficient, so it is at least 0; one with an
    equality among its facts is 0, whatever polynomial its coefficient is; and in at least one term all facts
    are strict (the empty product, 1, counts as such).
    """

    terms: tuple[tuple[Expr, tuple[Fact, ...]], ...]

    def check(self, facts: Collection[Fact]) -> None:
        """Raises ProofError if it does not follow from these facts."""
        positive = False
        for number, product in self.terms:
            coefficient = inspected(number)
            if coefficient.has(relu, sp.Abs) or denominators(coefficient):
                raise ProofError(f"a contradiction multiplies by {coefficient}, which is no polynomial")
            for used in product:
                if used not in facts:
                    raise ProofError(f"{used.polynomial} {used.sign} 0 is used, and not given")
            if any(used.sign == "=" for used in product):
                continue
            if not (coefficient.is_Rational and coefficient > 0):
                raise ProofError(f"a contradiction multiplies an inequality by {coefficient}")
            positive |= all(used.sign == ">" for used in product)
        if not positive:
            raise ProofError("a contradiction has no positive term")
        if (rest := sp.expand(self.total)) != 0:
            raise ProofError(f"a contradiction leaves {rest}")

    @property
    def total(self) -> Expr:
        terms = (c * sp.Mul(*(used.polynomial for used in product)) for c, product in self.terms)
        return sum(terms, sp.S.Zero)


@dataclass(frozen=True)
class Impossible:
    """The facts contradict each other."""

    because: Contradiction


@dataclass(frozen=True)
class Identity:
    """The two sides of one of the claim's relations are the same."""

    which: int = 0


@dataclass(frozen=True)
class Refuted:
    """The claim cannot fail: one contradiction for each of `Case.failures`."""

    because: tuple[Contradiction, ...]


@dataclass(frozen=True)
class Split:
    """`relu(z)` is `z` where `z` is positive and 0 where it is negative; `up` is the former case. The place
    `z = 0` belongs to `up` if `zero_up`, else to `down`."""

    unit: Expr
    zero_up: bool
    up: Node
    down: Node


@dataclass(frozen=True)
class Forced:
    """`g >= 0` is known and `g > 0` is contradictory: `then` may use `g = 0`."""

    given: Fact
    because: Contradiction
    then: Node


Node = Impossible | Identity | Refuted | Split | Forced


@dataclass(frozen=True)
class Case:
    """What is known on the way to a node: `facts`, and hypotheses and claim as far as `relu` is still in them
    (pairs of difference and sign)."""

    facts: tuple[Fact, ...]
    pending: tuple[tuple[Expr, str], ...]
    claim: tuple[tuple[Expr, str], ...]
    bases: frozenset[Expr]
    path: tuple[Fact, ...] = ()

    @classmethod
    def of(cls, goal: Goal) -> Case:
        """The start: every denominator counts as positive (see `Part.check`)."""
        start = cls(
            tuple(Fact(sp.expand(base), ">") for base in goal.denominators),
            tuple((r.difference, r.direction) for r in goal.hypotheses),
            tuple((r.difference, r.direction) for r in goal.claim),
            frozenset(goal.denominators),
        )
        return start._settled()

    def _settled(self) -> Case:
        """Hypotheses without `relu` become facts."""
        new = (self.fact(*r) for r in self.pending if not r[0].has(relu))
        facts = dict.fromkeys((*self.facts, *new))
        return replace(self, facts=tuple(facts), pending=tuple(r for r in self.pending if r[0].has(relu)))

    def fact(self, difference: Expr, sign: str) -> Fact:
        """A relation without `relu`, as one of polynomials: its denominators are among the positive ones."""
        if not self.bases.issuperset(denominators(difference)):
            raise ProofError(f"a denominator of {difference} is not shown to be positive")
        if difference.has(relu):
            raise ProofError(f"{difference} is not settled")
        return Fact(cleared(difference), sign)

    def side(self, unit: Expr, up: bool, zero_up: bool) -> Fact:
        """The fact of one side of a split."""
        z = unit.args[0]
        return self.fact(z if up else -z, ">=" if up == zero_up else ">")

    def enter(self, unit: Expr, up: bool, zero_up: bool) -> Case:
        """One side of a split."""
        if not isinstance(inspected(unit), relu):
            raise ProofError(f"a split on {unit}, which is no relu")
        new = self.side(unit, up, zero_up)
        rule = {unit: unit.args[0] if up else sp.S.Zero}
        pending, claim = (
            tuple((expr.xreplace(rule), sign) for expr, sign in part) for part in (self.pending, self.claim)
        )
        return replace(self.know(new), pending=pending, claim=claim)._settled()

    def know(self, new: Fact) -> Case:
        if new in self.facts:
            return self
        return replace(self, facts=(*self.facts, new), path=(*self.path, new))

    @property
    def units(self) -> list[Expr]:
        """The `relu`s that can be split: of hypotheses first; nothing is left to be settled inside."""
        found: dict[Expr, None] = {}
        for expr, _ in self.pending + self.claim:
            ready = (unit for unit in expr.atoms(relu) if not unit.args[0].has(relu))
            found.update(dict.fromkeys(sorted(ready, key=_order)))
        return list(found)

    @property
    def identity(self) -> int | None:
        """The place of a relation of the claim that is true because its sides are the same."""
        return next((k for k in range(len(self.claim)) if self.same(k)), None)

    def same(self, which: int) -> bool:
        """Whether the sides of a relation of the claim are the same, and that is enough."""
        expr, sign = self.claim[which]
        return sign != ">" and bool(cleared(expr) == 0)

    def failures(self) -> list[tuple[Fact, ...]]:
        """The ways in which the claim, without `relu`, could fail: all of its relations at once."""
        ways = []
        for expr, sign in self.claim:
            lower = self.fact(-expr, ">" if sign != ">" else ">=")
            ways.append([lower, self.fact(expr, ">")] if sign == "=" else [lower])
        return list(itertools.product(*ways))


@dataclass(frozen=True)
class Part:
    """A goal with its proof; `positive` shows for each denominator that it is positive."""

    goal: Goal
    positive: tuple[tuple[Expr, Contradiction], ...]
    example: tuple[tuple[Expr, Fraction], ...]
    tree: Node

    def check(self) -> None:
        """Check every step anew.

        Raises:
            ProofError: a step is wrong, or the example does not meet the hypotheses: without one, the claim
                might be empty.
        """
        goal, point = self.goal, dict(self.example)
        if set(point) != set(goal.symbols) or not all(isinstance(x, Fraction) for x in point.values()):
            raise ProofError("the example is no point for these parameters")
        plain = [r.fact for r in goal.plain]
        shown = dict(self.positive)
        for base in goal.denominators:
            if base not in shown:
                raise ProofError(f"the denominator {base} is not shown to be positive")
            shown[base].check({*plain, Fact(sp.expand(-base), ">=")})
        for relation in goal.hypotheses:
            if not holds(relation)(point):
                raise ProofError(f"the example does not meet {relation}")
        for case, node in walk(Case.of(goal), self.tree):
            match node:
                case Impossible(because):
                    because.check(set(case.facts))
                case Identity(which):
                    if not case.same(which):
                        raise ProofError(f"no identity: {case.claim[which][0]} remains")
                case Refuted(because):
                    if len(because) != len(case.failures()):
                        raise ProofError("some way in which the claim could fail is left out")
                    for way, contradiction in zip(case.failures(), because, strict=True):
                        contradiction.check({*case.facts, *way})
                case Forced(given, because):
                    if given.sign != ">=" or given not in case.facts:
                        raise ProofError(f"{given.polynomial} >= 0 is not given")
                    because.check({*case.facts, Fact(given.polynomial, ">")})
                case Split():  # both sides follow
                    pass
                case _:
                    raise ProofError(f"{node} is no step of a proof")


def _order(unit: Expr) -> Any:
    return unit.args[0].could_extract_minus_sign(), sp.default_sort_key(unit)


def walk(case: Case, node: Node) -> Iterator[tuple[Case, Node]]:
    """All nodes with the cases that they are about."""
    yield case, node
    if isinstance(node, Split):
        for up, below in ((True, node.up), (False, node.down)):
            yield from walk(case.enter(node.unit, up, node.zero_up), below)
    elif isinstance(node, Forced):
        yield from walk(case.know(Fact(node.given.polynomial, "=")), node.then)


@dataclass(frozen=True)
class Proof:
    """A lemma: a name, what it says in words, and the proof of each of its parts."""

    name: str
    text: str
    parts: tuple[Part, ...]

    def check(self) -> None:
        """Check every step of every part anew; raises ProofError."""
        if not self.parts:
            raise ProofError(f"{self.name}: nothing is claimed", self.name)
        for part in self.parts:
            try:
                part.check()
            except ValueError as error:
                raise ProofError(f"{self.name}: {error}", self.name) from error

    @property
    def cases(self) -> int:
        """The number of cases, the impossible ones included."""
        leaves = (Impossible, Identity, Refuted)
        nodes = (node for part in self.parts for _, node in walk(Case.of(part.goal), part.tree))
        return sum(isinstance(node, leaves) for node in nodes)

    def __str__(self) -> str:
        from verify.symbolic.show import as_text

        return as_text(self)

    def latex(self) -> str:
        """The same for LaTeX (amsmath)."""
        from verify.symbolic.show import as_latex

        return as_latex(self)
