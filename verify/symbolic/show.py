"""Proofs as numbered steps, in plain text and in LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy as sp

from verify.symbolic.proof import (
    Case,
    Contradiction,
    Forced,
    Identity,
    Impossible,
    Node,
    Part,
    Proof,
    Refuted,
    Split,
)
from verify.symbolic.terms import Expr, Fact, Relation

__all__ = ["as_latex", "as_text", "positive_sum"]


class _Text:
    """How formulas look in plain text."""

    signs: Mapping[str, str] = {sign: sign for sign in ("=", ">", ">=", "<", "<=")}
    times, brackets = "*", "({})"

    def expr(self, expr: Expr) -> str:
        return str(expr).replace("Abs(", "abs(")

    def formula(self, text: str) -> str:
        return text

    def compared(self, left: Expr, sign: str, right: Expr) -> str:
        return self.formula(f"{self.expr(left)} {self.signs[sign]} {self.expr(right)}")

    def relation(self, relation: Relation) -> str:
        return self.compared(relation.left, relation.sign, relation.right)

    def fact(self, given: Fact) -> str:
        """Against 0, and by `<` if its polynomial begins with a minus sign."""
        polynomial, sign = given
        if polynomial.could_extract_minus_sign():
            polynomial, sign = -polynomial, sign.replace(">", "<")
        return self.compared(polynomial, sign, sp.S.Zero)

    def sum(self, found: Contradiction) -> str:
        parts = []
        for coefficient, product in found.terms:
            factors = [self.brackets.format(self.expr(used.polynomial)) for used in product]
            if coefficient != 1 or not factors:
                number = self.expr(coefficient)
                factors.insert(0, number if coefficient.is_positive else self.brackets.format(number))
            parts.append(self.times.join(factors))
        return self.formula(f"0 = {' + '.join(parts)} {self.signs['>']} 0")


class _LaTeX(_Text):
    """How they look in LaTeX."""

    signs: Mapping[str, str] = {**_Text.signs, ">=": r"\geq", "<=": r"\leq"}
    times, brackets = " ", r"\left({}\right)"

    def expr(self, expr: Expr) -> str:
        return str(sp.latex(expr))

    def formula(self, text: str) -> str:
        return f"${text}$"


def _steps(
    style: _Text, case: Case, node: Node, number: str, right: tuple[Expr, ...]
) -> Iterator[tuple[str, str]]:
    """For each step the number of its case and a sentence; `right` has the right sides of the claim."""
    match node:
        case Impossible(because):
            yield number, f"This case is impossible: {style.sum(because)}."
        case Identity(which):
            yield number, f"Now both sides are {style.formula(style.expr(sp.expand(right[which])))}."
        case Refuted(because):
            for way, found in zip(case.failures(), because, strict=True):
                against = " and ".join(style.fact(one) for one in way)
                yield number, f"{against} is impossible: {style.sum(found)}."
            yield number, "So the claim holds."
        case Forced(given, because, then):
            equality = Fact(given.polynomial, "=")
            yield number, f"{style.fact(equality)}, for otherwise {style.sum(because)}."
            yield from _steps(style, case.know(equality), then, number, right)
        case Split(unit, zero_up, up, down):
            sides = {True: up, False: down}
            closed = [side for side, below in sides.items() if isinstance(below, Impossible)]
            for side in (True, False):
                inside = case.enter(unit, side, zero_up)
                value = unit.args[0] if side else sp.S.Zero
                becomes = style.compared(unit, "=", value)
                now = tuple(expr.xreplace({unit: value}) for expr in right)
                below, other = sides[side], sides[not side]
                if closed == [not side] and isinstance(other, Impossible):
                    against = style.fact(case.side(unit, not side, zero_up))
                    yield number, f"{becomes}, for {against} is impossible: {style.sum(other.because)}."
                    yield from _steps(style, inside, below, number, now)
                elif len(closed) != 1:
                    deeper = f"{number}.{1 if side else 2}"
                    yield deeper, f"Case {style.fact(case.side(unit, side, zero_up))}: {becomes}."
                    yield from _steps(style, inside, below, deeper, now)


def _part(style: _Text, part: Part, number: int) -> Iterator[tuple[str, str]]:
    goal = part.goal
    names = ", ".join(style.formula(style.expr(symbol)) for symbol in goal.symbols)
    given = ", ".join(map(style.relation, goal.hypotheses))
    claim = " or ".join(map(style.relation, goal.claim))
    title = f"{goal.title}. " if goal.title else ""
    yield str(number), f"{title}For all real {names}{' with ' * bool(given)}{given}: {claim}."
    if goal.hypotheses:
        point = ", ".join(style.compared(symbol, "=", sp.Rational(value)) for symbol, value in part.example)
        yield str(number), f"The hypotheses can be met, for instance by {point}."
    for base, found in part.positive:
        shown = style.compared(base, ">", sp.S.Zero)
        yield str(number), f"The denominator is positive, {shown}, for otherwise {style.sum(found)}."
    yield from _steps(style, Case.of(goal), part.tree, str(number), tuple(r.plain_right for r in goal.claim))


def positive_sum(found: Contradiction) -> str:
    """A contradiction in plain text.

    >>> x = sp.Symbol("x", real=True)
    >>> positive_sum(Contradiction(((sp.S(2), (Fact(x, ">"),)), (sp.S(1), (Fact(-2 * x, ">="),)))))
    '0 = 2*(x) + (-2*x) > 0'
    """
    return _Text().sum(found)


def as_text(proof: Proof) -> str:
    """A heading and a line for each step, indented by the depth of its case."""
    style = _Text()
    lines = [f"{proof.name}: {proof.text}"]
    for number, part in enumerate(proof.parts, start=1):
        lines.append("")
        lines += [f"{'  ' * place.count('.')}{place}. {text}" for place, text in _part(style, part, number)]
    return "\n".join(lines)


def as_latex(proof: Proof) -> str:
    """Paragraphs with formulas in dollars; needs amsmath."""
    style = _LaTeX()
    name = proof.name.replace("_", r"\_")
    lines = [rf"\paragraph{{{name}.}} {proof.text}"]
    for number, part in enumerate(proof.parts, start=1):
        lines += [rf"\par\noindent\textbf{{{place}.}} {text}" for place, text in _part(style, part, number)]
    return "\n".join(lines)
