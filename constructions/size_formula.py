"""Formulas for a number of neurons, in N, K and d, evaluated exactly.

sympy holds a value as an exact expression; balls of python-flint at growing precision decide its sign or
its integer part. Where a ball stays around an integer, sympy must prove that this is the value.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from math import comb, prod
from typing import Any

import flint
import sympy
from flint import arb, fmpq

__all__ = ["SizeFormula"]

_PRECISIONS = (64, 512, 4096, 32768, 262144)
_MAX_BITS = 1 << 22
_MAX_ROOT_BITS = 1 << 11
_MAX_TERMS = 2000
_MAX_LENGTH = 300
_LITERAL = re.compile(r"(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_ALLOWED = "numbers, N, K, d, + - * / // % **, sqrt, log, log2, exp, floor, ceil, min and max"


@dataclass(frozen=True)
class SizeFormula:
    """A claimed number of neurons as an expression in the number of edits `N`, of points `K` and the
    dimension `d`; a value that is no integer allows as many neurons as fit below it.

    >>> formula = SizeFormula.parse("3.9*sqrt(N) + log2(K)")
    >>> formula.names == {"N", "K"}, formula.value(16, 8), formula.floor(16, 8)
    (True, 93/5, 18)
    """

    text: str
    names: frozenset[str]
    _tree: ast.expr = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> SizeFormula:
        """Read an expression of decimal numbers (exact: 3.9 is 39/10), `N`, `K`, `d`, `+ - * / // % **`,
        parentheses, `sqrt`, `log` (natural), `log2`, `exp`, `floor`, `ceil`, `min` and `max`.

        Raises:
            ValueError: it is anything else; the message names the part.

        >>> SizeFormula.parse("__import__('os')")
        Traceback (most recent call last):
        ValueError: formula: "__import__('os')" is not among numbers, N, K, d, + - * / // % **, sqrt, log, \
log2, exp, floor, ceil, min and max
        """
        if not text.isascii() or len(text) > _MAX_LENGTH:
            raise ValueError(f"formula: expected at most {_MAX_LENGTH} plain characters, got {text[:40]!r}")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise ValueError(f"formula: {text!r} is not an expression in {_ALLOWED}") from None
        names: set[str] = set()
        _check(tree, text.strip(), names)
        return cls(text.strip(), frozenset(names), tree)

    def value(self, n: int, k: int | None = None, d: int = 1) -> sympy.Expr:
        """The exact value, a real number as sympy writes it.

        Raises:
            ValueError: it has none (`1/0`, `sqrt(-1)`), is too large (above 2^20 digits), cannot be
                decided, or needs `K` and none is given; the message says where.
        """
        if k is None and "K" in self.names:
            raise ValueError(f"formula {self.text} needs K")
        try:
            return _value(self._tree, {"N": n, "K": k, "d": d})
        except ValueError as error:
            raise self._at(error, n, k, d) from None

    def floor(self, n: int, k: int | None = None, d: int = 1, *, most: int | None = None) -> int:
        """The largest integer that is not above the value, or `most` if that is smaller; raises as `value`.

        The value is below an integer if and only if this is.
        """
        value = self.value(n, k, d)
        try:
            return most if most is not None and _sign(value - most) >= 0 else _floor(value)
        except ValueError as error:
            raise self._at(error, n, k, d) from None

    def _at(self, error: ValueError, n: int, k: int | None, d: int) -> ValueError:
        given = {"N": n, "K": k, "d": d}
        place = ", ".join(f"{name} = {given[name]}" for name in ("N", "K", "d") if name in self.names)
        return ValueError(f"formula {self.text}{place and f' at {place}'}: {error}")


def _check(node: ast.expr, text: str, names: set[str]) -> None:
    """Refuse what is not on the list; literals become exact rationals, names are collected."""
    part = ast.get_source_segment(text, node) or ""
    match node:
        case ast.Constant() if _LITERAL.fullmatch(part):
            node.value = sympy.Rational(part.replace("_", ""))
        case ast.Name(id="N" | "K" | "d" as name):
            names.add(name)
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            _check(node.left, text, names)
            _check(node.right, text, names)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
            _check(node.operand, text, names)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            if name not in ("min", "max") and len(args) != 1:
                raise ValueError(f"formula: {name} takes one argument, got {len(args)}")
            if not args:
                raise ValueError(f"formula: {name} takes one argument or more")
            for argument in args:
                _check(argument, text, names)
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError(f"formula: {part!r}: a power is written **")
        case _:
            raise ValueError(f"formula: {part!r} is not among {_ALLOWED}")


def _value(node: ast.expr, given: dict[str, int | None]) -> sympy.Expr:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return sympy.Integer(given[node.id])
        case ast.BinOp():
            return _OPERATORS[type(node.op)](_value(node.left, given), _value(node.right, given))
        case ast.UnaryOp():
            value = _value(node.operand, given)
            return -value if isinstance(node.op, ast.USub) else value
        case ast.Call(func=ast.Name(id=name)):
            return _FUNCTIONS[name](*(_value(argument, given) for argument in node.args))
    raise TypeError(f"{type(node).__name__} is not part of a formula")


def _ratio(a: sympy.Expr, b: sympy.Expr) -> sympy.Expr:
    if _sign(b) == 0:
        raise ValueError("division by zero")
    return a / b


def _power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    if not exponent.is_Integer and _sign(base) < 0:
        raise ValueError("a root or a power of a negative number")
    if _sign(exponent) < 0 and _sign(base) == 0:
        raise ValueError("division by zero")
    size = max(int(base.p).bit_length(), int(base.q).bit_length()) if base.is_Rational else 64
    if base not in (0, 1, -1) and _sign(abs(exponent) * size - _MAX_BITS) > 0:
        raise ValueError("a power is too large")
    if base.is_Rational and not exponent.is_Integer and size > _MAX_ROOT_BITS:
        raise ValueError("a root of too long a number")
    try:
        return base**exponent
    except ValueError:  # some products of two close large factors are too much for sympy's roots
        raise ValueError("sympy cannot take a root") from None


def _log(a: sympy.Expr, *base: int) -> sympy.Expr:
    if _sign(a) <= 0:
        raise ValueError("logarithm of a number that is not positive")
    return sympy.log(a, *base)


def _rounded(a: sympy.Expr) -> sympy.Expr:
    return sympy.Integer(_floor(a))


_OPERATORS: dict[type[ast.operator], Callable[[sympy.Expr, sympy.Expr], sympy.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _ratio,
    ast.FloorDiv: lambda a, b: _rounded(_ratio(a, b)),
    ast.Mod: lambda a, b: a - b * _rounded(_ratio(a, b)),
    ast.Pow: _power,
}

_FUNCTIONS: dict[str, Callable[..., sympy.Expr]] = {
    "sqrt": lambda a: _power(a, sympy.S.Half),
    "log": _log,
    "log2": lambda a: _log(a, 2),
    "exp": sympy.exp,
    "floor": _rounded,
    "ceil": lambda a: -_rounded(-a),
    "min": lambda *values: reduce(lambda a, b: a if _sign(a - b) <= 0 else b, values),
    "max": lambda *values: reduce(lambda a, b: a if _sign(a - b) >= 0 else b, values),
}


def _sign(value: sympy.Expr) -> int:
    if value.is_Rational:
        return int((value.p > 0) - (value.p < 0))
    for ball in _balls(value):
        if ball > 0 or ball < 0:
            return 1 if ball > 0 else -1
    if _is_zero(value):
        return 0
    raise ValueError("cannot decide a sign: no proof that it is 0, too close to it or out of range")


def _floor(value: sympy.Expr) -> int:
    if value.is_Rational:
        return int(value.p // value.q)
    near = None
    for ball in _balls(value):
        if not abs(ball) < arb(2) ** _MAX_BITS:
            continue
        # not ball.unique_fmpz(): of a ball next to 0 FLINT may end the process
        below, near = ball.floor().unique_fmpz(), (ball + 0.5).floor().unique_fmpz()
        if below is not None:
            return int(below)
    if near is not None and _is_zero(value - int(near)):
        return int(near)
    raise ValueError("cannot decide an integer part: too large, or too close to an integer")


def _is_zero(value: sympy.Expr) -> bool:
    long = any(x.p.bit_length() > _MAX_ROOT_BITS for x in value.atoms(sympy.Rational))
    if (
        long or _terms(value) > _MAX_TERMS
    ):  # sympy takes logarithms apart and powers out, however long it takes
        return False
    try:
        return bool(sympy.simplify(value) == 0) or value.equals(0) is True
    except ValueError:  # numbers too long for sympy: no proof
        return False


def _terms(value: sympy.Expr) -> int:
    """The number of terms when all powers are multiplied out, told up to one above the limit."""
    parts = [_terms(part) for part in value.args]
    if isinstance(value, sympy.Pow) and value.exp.is_Rational:
        power = min(int(abs(value.exp)), _MAX_TERMS)
        parts.append(comb(parts[0] + power - 1, power))
    else:
        parts.append(sum(parts) if isinstance(value, sympy.Add) else prod(parts))
    return min(max(parts), _MAX_TERMS + 1)


def _balls(value: sympy.Expr) -> Iterator[arb]:
    """Balls that hold the value, at growing precision."""
    before = flint.ctx.prec
    try:
        for flint.ctx.prec in _PRECISIONS:
            yield _ball(value)
    finally:
        flint.ctx.prec = before


def _ball(value: sympy.Expr) -> arb:
    if value.is_Rational:
        return arb(fmpq(int(value.p), int(value.q)))
    if value is sympy.E:
        return arb(1).exp()
    parts: list[Any] = [_ball(part) for part in value.args]
    for kind, function in _BALLS.items():
        if isinstance(value, kind):
            return function(*parts)
    raise ValueError(f"cannot decide {value.func}")


_BALLS: dict[type, Callable[..., arb]] = {
    sympy.Add: lambda *parts: reduce(operator.add, parts),
    sympy.Mul: lambda *parts: reduce(operator.mul, parts),
    sympy.Pow: lambda base, exponent: base.sqrt() if exponent == fmpq(1, 2) else base**exponent,
    sympy.exp: lambda exponent: exponent.exp(),
    sympy.log: lambda positive: positive.log(),
}
