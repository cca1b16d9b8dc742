"""Exact points that meet conditions, found by trying: examples for hypotheses, and counterexamples."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from verify.symbolic.terms import Relation, holds

__all__ = ["find_point", "shown"]

Point = dict[Any, Fraction]
_SMALL = [Fraction(text) for text in ["0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "1/4"]]


def find_point(
    symbols: Sequence[Any],
    true: Sequence[Relation],
    false: Sequence[Relation] = (),
    hints: Sequence[Mapping[Any, Fraction]] = (),
    tries: int = 4000,
) -> Point | None:
    """A point where the first relations hold and the second ones do not, or None if none was found.

    Small rationals are tried, and points that differ from a hint in some places. Nothing rests on the search:
    what it returns is evaluated exactly.

    >>> from verify.symbolic.terms import above, equal, parameters
    >>> x, y = parameters("x y")
    >>> find_point([x, y], [above(x, 2), equal(y, 1)])
    {x: Fraction(3, 1), y: Fraction(1, 1)}
    """
    wanted = [(holds(relation), True) for relation in true] + [(holds(relation), False) for relation in false]

    def good(point: Point) -> bool:
        try:
            return all(test(point) is expected for test, expected in wanted)
        except ZeroDivisionError:
            return False

    rng = random.Random(0)
    full = [{symbol: hint.get(symbol, Fraction(0)) for symbol in symbols} for hint in hints]
    for point in full:
        if good(point):
            return point
    most = len(_SMALL) ** min(len(symbols), 6)
    for k in range(min(tries, 4 * most)):
        if full and k % 2:
            point = dict(full[k // 2 % len(full)])
            changed = rng.sample(symbols, rng.randint(1, len(symbols))) if symbols else []
        else:
            point, changed = {}, list(symbols)
        point |= {symbol: rng.choice(_SMALL) for symbol in changed}
        if good(point):
            return point
    return None


def shown(point: Mapping[Any, Fraction]) -> str:
    """`x = 1, y = 1/2`."""
    return ", ".join(f"{symbol} = {value}" for symbol, value in point.items())
