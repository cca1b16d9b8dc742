"""The language of the lemmas: rational functions of real parameters, `relu`, `Abs`, and relations of them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import sympy as sp

__all__ = [
    "Expr",
    "Fact",
    "Relation",
    "above",
    "at_least",
    "at_most",
    "below",
    "cleared",
    "denominators",
    "equal",
    "evaluator",
    "holds",
    "inspected",
    "parameters",
    "relu",
]

Expr = Any
"""A sympy expression."""
Point = Mapping[Any, Fraction]


class relu(sp.Function):  # type: ignore[misc]  # noqa: N801 - the name of the field
    """`max(z, 0)`. sympy is told no more than its values at numbers, so that it decides nothing by itself."""

    nargs = 1

    @classmethod
    def eval(cls, z: Expr) -> Expr | None:
        return max(z, sp.S.Zero) if z.is_Rational else None

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\operatorname{{relu}}\left({printer._print(self.args[0])}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"


class Fact(NamedTuple):
    """`polynomial sign 0` for an expanded polynomial of the parameters, sign one of `>=`, `>`, `=`."""

    polynomial: Expr
    sign: str


@dataclass(frozen=True)
class Relation:
    """`left sign right`, sign one of `>=`, `>`, `<=`, `<`, `=`.

    Raises:
        ValueError: another sign; or a side has something in it that is not exact or not of the language:
            allowed are rational numbers, symbols with `real=True` and no other assumption (what is assumed
            must be a hypothesis), sums, products, whole powers, `relu` and `Abs`; denominators without these
            two.

    >>> x = sp.Symbol("x", real=True)
    >>> at_least(abs(x), x / 2).difference == relu(x) + relu(-x) - x / 2
    True
    >>> equal(x, 0.5)
    Traceback (most recent call last):
    ValueError: 0.500000000000000 is not allowed here: it is no rational number
    """

    left: Expr
    right: Expr
    sign: str

    def __post_init__(self) -> None:
        if self.sign not in _OPERATORS:
            raise ValueError(f"sign {self.sign!r} is not among {', '.join(_OPERATORS)}")
        for name in ("left", "right"):
            object.__setattr__(self, name, inspected(getattr(self, name)))

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"

    @property
    def difference(self) -> Expr:
        """What is compared with 0, by `=`, `>` or `>=`; `|z|` as `relu(z) + relu(-z)`."""
        left, right = _without_abs(self.left), _without_abs(self.right)
        return left - right if self.sign[0] != "<" else right - left

    @property
    def fact(self) -> Fact:
        """The difference as a polynomial, if there are no `relu` and no denominators in it."""
        return Fact(sp.expand(self.difference), self.direction)

    @property
    def plain_right(self) -> Expr:
        """The right side, `|z|` as in `difference`."""
        return _without_abs(self.right)

    @property
    def denominators(self) -> list[Expr]:
        """Of both sides, those included that cancel in the difference."""
        return list(dict.fromkeys(denominators(self.left) + denominators(self.right)))

    @property
    def direction(self) -> str:
        """The sign of `difference`."""
        return self.sign.replace("<", ">")


def _without_abs(expr: Expr) -> Expr:
    return expr.replace(sp.Abs, lambda z: relu(z) + relu(-z))


def equal(left: Any, right: Any) -> Relation:
    return Relation(left, right, "=")


def at_least(left: Any, right: Any) -> Relation:
    return Relation(left, right, ">=")


def at_most(left: Any, right: Any) -> Relation:
    return Relation(left, right, "<=")


def above(left: Any, right: Any) -> Relation:
    return Relation(left, right, ">")


def below(left: Any, right: Any) -> Relation:
    return Relation(left, right, "<")


def parameters(names: str) -> Any:
    """Real symbols, without any other assumption."""
    return sp.symbols(names, real=True)


_REAL = sp.Symbol("x", real=True).assumptions0


def inspected(side: Any) -> Expr:
    """The expression, if it is of the language; ValueError if not (see `Relation`)."""
    expr = sp.sympify(side)
    for node in sp.preorder_traversal(expr):
        if isinstance(node, sp.Symbol):
            if type(node) is not sp.Symbol or node.assumptions0 != _REAL:
                raise ValueError(f"{node} is not allowed here: a parameter is a symbol that is real, no more")
        elif isinstance(node, sp.Pow):
            base, exponent = node.args
            if not exponent.is_Integer:
                raise ValueError(f"{node} is not allowed here: its exponent is no integer")
            if exponent < 0 and base.has(relu, sp.Abs, *(p for p in base.atoms(sp.Pow) if p.exp < 0)):
                raise ValueError(f"{node} is not allowed here: its denominator is no polynomial")
        elif isinstance(node, sp.Number):
            if not node.is_Rational:
                raise ValueError(f"{node} is not allowed here: it is no rational number")
        elif type(node) not in (sp.Add, sp.Mul, sp.Abs, relu):  # a kind of relu could have other values
            raise ValueError(f"{node} is not allowed here: expected sums, products, whole powers, relu, Abs")
    return expr


def denominators(expr: Expr) -> list[Expr]:
    """The bases of all negative powers, in a fixed order."""
    bases = {power.base for power in expr.atoms(sp.Pow) if power.exp < 0}
    return sorted(bases, key=sp.default_sort_key)


def cleared(expr: Expr) -> Expr:
    """The expression times powers of its `denominators`, as an expanded polynomial: if these are positive, it
    has the same sign. Each `relu` counts as a parameter.

    >>> x, e = parameters("x e")
    >>> cleared(x / e**2 - 1 / e + 3)
    3*e**2 - e + x
    """
    units = {unit: sp.Dummy() for unit in expr.atoms(relu)}
    expr = expr.xreplace(units)  # outermost first
    bases = {base: sp.Dummy() for base in denominators(expr)}
    powers = {p: bases[p.base] ** -p.exp for p in expr.atoms(sp.Pow) if p.exp < 0}
    expr = expr.xreplace(powers)
    if bases:
        inverse = sp.Poly(expr, *bases.values())
        top = [max(0, inverse.degree(symbol)) for symbol in bases.values()]
        expr = sum(
            coefficient * sp.Mul(*(base ** (n - k) for base, n, k in zip(bases, top, exponents, strict=True)))
            for exponents, coefficient in inverse.terms()
        )
    return sp.expand(expr).xreplace({symbol: unit for unit, symbol in units.items()})


_OPERATORS = {"=": operator.eq, ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


def holds(relation: Relation) -> Callable[[Point], bool]:
    """Whether the relation is true at a point, exactly; ZeroDivisionError where it has no meaning."""
    left, right, compare = evaluator(relation.left), evaluator(relation.right), _OPERATORS[relation.sign]
    return lambda point: bool(compare(left(point), right(point)))


def evaluator(expr: Expr) -> Callable[[Point], Fraction]:
    """The value at a point, in fractions.

    >>> x, y = parameters("x y")
    >>> evaluator(relu(x - y) / 3)({x: Fraction(5), y: Fraction(4)})
    Fraction(1, 3)
    """
    if expr.is_Symbol:
        return lambda point: point[expr]
    if expr.is_Rational:
        number = Fraction(int(expr.p), int(expr.q))
        return lambda point: number
    if isinstance(expr, sp.Pow):
        base, exponent = evaluator(expr.base), int(expr.exp)
        return lambda point: base(point) ** exponent
    parts = [evaluator(part) for part in expr.args]
    if isinstance(expr, relu):
        return lambda point: max(parts[0](point), Fraction(0))
    if isinstance(expr, sp.Abs):
        return lambda point: abs(parts[0](point))
    if isinstance(expr, sp.Add):
        return lambda point: sum((part(point) for part in parts), Fraction(0))

    def product(point: Point) -> Fraction:
        out = Fraction(1)
        for part in parts:
            out *= part(point)
        return out

    return product
