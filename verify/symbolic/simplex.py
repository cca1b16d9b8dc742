"""A small exact linear program: is a vector a nonnegative combination of others?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction

__all__ = ["combination"]

Vector = Mapping[Hashable, Fraction]
_RIGHT = -1  # the place of the right side in a row


def combination(
    columns: Sequence[Vector], goal: Vector
) -> tuple[list[Fraction] | None, dict[Hashable, Fraction]]:
    """Coefficients `c >= 0` with `sum c_j columns_j = goal`, or None; entries of `goal` are not negative.

    If there are none, the second value `y` shows it: `y . columns_j >= 0` for all `j`, and `y . goal < 0`
    (Farkas). Phase one of the simplex method; rows are integers up to a positive factor, and Bland's rule
    sets in after a while, so that it ends.

    >>> one, two = Fraction(1), Fraction(2)
    >>> combination([{"x": one}, {"x": -one, "y": two}], {"y": one})[0]
    [Fraction(1, 2), Fraction(1, 2)]
    >>> combination([{"x": one}], {"y": one})
    (None, {'y': Fraction(-1, 1), 'x': Fraction(0, 1)})
    """
    names = list(dict.fromkeys([*goal, *(name for column in columns for name in column)]))
    first = len(columns)  # the artificial columns are behind the others
    entries: dict[Hashable, dict[int, Fraction]] = {
        name: {_RIGHT: goal.get(name, Fraction(0))} for name in names
    }
    for j, column in enumerate(columns):
        for name, entry in column.items():
            entries[name][j] = entry
    scales = [math.lcm(*(entry.denominator for entry in entries[name].values())) for name in names]
    rows: list[dict[int, int]] = []
    cost: dict[int, int] = {}
    unit = 1  # the reduced costs are those of `cost` over `unit`
    for k, (name, scale) in enumerate(zip(names, scales, strict=True)):
        row = {j: int(entry * scale) for j, entry in entries[name].items() if entry}
        for j, number in row.items():
            cost[j] = cost.get(j, 0) - number
        rows.append({**row, first + k: 1})
    basis = [first + k for k in range(len(names))]
    turns = 0
    while negative := [j for j, entry in cost.items() if entry < 0 and 0 <= j < first]:
        turns += 1
        entering = min(negative) if turns > 50 else min(negative, key=lambda j: (cost[j], j))
        candidates = [k for k, row in enumerate(rows) if row.get(entering, 0) > 0]
        leaving = min(
            candidates, key=lambda k: (Fraction(rows[k].get(_RIGHT, 0), rows[k][entering]), basis[k])
        )
        pivot_row = rows[leaving]
        for k, row in enumerate(rows):
            if k != leaving and entering in row:
                rows[k], _ = _eliminated(row, entering, pivot_row)
        cost, unit = _eliminated(cost, entering, pivot_row, unit)
        basis[leaving] = entering
    if any(rows[k].get(_RIGHT, 0) for k, j in enumerate(basis) if j >= first):
        dual = {name: Fraction(cost.get(first + k, 0), unit) - 1 for k, name in enumerate(names)}
        return None, {name: dual[name] * scale for name, scale in zip(names, scales, strict=True)}
    found = [Fraction(0)] * first
    for k, j in enumerate(basis):
        if j < first:
            found[j] = Fraction(rows[k].get(_RIGHT, 0), rows[k][j])
    return found, {}


def _eliminated(
    row: Mapping[int, int], column: int, pivot_row: Mapping[int, int], unit: int = 0
) -> tuple[dict[int, int], int]:
    """A positive multiple of the row plus a multiple of the pivot row, 0 in its column; `unit` along."""
    factor, pivot = row[column], pivot_row[column]
    out = {j: entry * pivot for j, entry in row.items()}
    for j, entry in pivot_row.items():
        out[j] = out.get(j, 0) - factor * entry
    common = math.gcd(unit * pivot, *out.values()) or 1
    return {j: entry // common for j, entry in out.items() if entry}, unit * pivot // common
