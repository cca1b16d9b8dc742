"""A small exact linear program: is a vector a nonnegative combination of others?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction

__all__ = ["combination"]

Vector = Mapping[Hashable, Fraction]


def combination(
    columns: Sequence[Vector], goal: Vector
) -> tuple[list[Fraction] | None, dict[Hashable, Fraction]]:
    """Coefficients `c >= 0` with `sum c_j columns_j = goal`, or None; `goal >= 0` has sparse entries.

    If there are none, the second value `y` shows it: `y . columns_j >= 0` for all `j`, and `y . goal < 0`
    (Farkas). Phase one of the simplex method in fractions; Bland's rule after a while, so that it ends.

    >>> one, two = Fraction(1), Fraction(2)
    >>> combination([{"x": one}, {"x": -one, "y": two}], {"y": one})[0]
    [Fraction(1, 2), Fraction(1, 2)]
    >>> combination([{"x": one}], {"y": one})
    (None, {'y': Fraction(-1, 1), 'x': Fraction(0, 1)})
    """
    names = list(dict.fromkeys([*goal, *(name for column in columns for name in column)]))
    first = len(columns)  # the artificial columns are behind the others
    place = {name: k for k, name in enumerate(names)}
    rows: list[dict[int, Fraction]] = [{first + k: Fraction(1)} for k in range(len(names))]
    right = [goal.get(name, Fraction(0)) for name in names]
    cost: dict[int, Fraction] = {}
    for j, column in enumerate(columns):
        for name, entry in column.items():
            if entry:
                rows[place[name]][j] = entry
        if total := sum(column.values()):
            cost[j] = -total
    basis = [first + k for k in range(len(names))]
    turns = 0
    while negative := [j for j, entry in cost.items() if entry < 0 and j < first]:
        turns += 1
        entering = min(negative) if turns > 50 else min(negative, key=lambda j: (cost[j], j))
        ratios = [
            (right[k] / row[entering], basis[k], k)
            for k, row in enumerate(rows)
            if row.get(entering, Fraction(0)) > 0
        ]
        _, _, leaving = min(ratios)
        pivot = rows[leaving][entering]
        row = rows[leaving] = {j: entry / pivot for j, entry in rows[leaving].items()}
        right[leaving] /= pivot
        for k, other in enumerate(rows):
            if k != leaving and entering in other:
                right[k] -= other[entering] * right[leaving]
                _subtract(other, other[entering], row)
        _subtract(cost, cost[entering], row)
        basis[leaving] = entering
    if any(right[k] for k, j in enumerate(basis) if j >= first):
        return None, {name: cost.get(first + k, Fraction(0)) - 1 for k, name in enumerate(names)}
    found = [Fraction(0)] * first
    for k, j in enumerate(basis):
        if j < first:
            found[j] = right[k]
    return found, {}


def _subtract(vector: dict[int, Fraction], factor: Fraction, other: Mapping[int, Fraction]) -> None:
    for j, entry in other.items():
        value = vector.get(j, Fraction(0)) - factor * entry
        if value:
            vector[j] = value
        else:
            vector.pop(j, None)
