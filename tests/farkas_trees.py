"""Small `farkas-obstruction` claims by exhaustion and an exact simplex, with the standard library only.

No part of the project: it writes the trees that the tests of the checker read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

Number = int | Fraction
Row = list[Number]


def claim(
    points: Sequence[Sequence[Number]],
    changes: Sequence[Number],
    neurons: int,
    ordered: int | None = None,
    order: Sequence[int] | None = None,
) -> dict[str, Any] | None:
    """The claim that `neurons` are needed, or None if fewer do. Points are decided in the given order."""
    trees = [_tree(points, changes, neurons - 1, q, ordered, order) for q in range(neurons)]
    if None in trees:
        return None
    more = {} if ordered is None else {"ordered": ordered}
    return {"kind": "farkas-obstruction", "neurons": neurons, "trees": trees, **more}


def _tree(
    points: Sequence[Sequence[Number]],
    changes: Sequence[Number],
    m: int,
    positive: int,
    ordered: int | None,
    order: Sequence[int] | None,
) -> list[Any] | None:
    splits = [(j, i) for i in order or range(len(points)) for j in range(m)]
    width = len(points[0]) + 1

    def z(j: int, i: int, sign: int = 1) -> Row:
        """`sign z_j(x_i)` as a row of factors of `c`, then of `w_j, b_j` for each neuron."""
        row: Row = [0] * (1 + m * width)
        row[1 + j * width : 1 + (j + 1) * width] = [sign * x for x in (*points[i], 1)]
        return row

    def subtree(path: list[tuple[int, int, bool]]) -> Iterator[Any]:
        active = {(j, i): side for j, i, side in path}
        decided = [i for i in range(len(points)) if all((j, i) in active for j in range(m))]
        rows = [z(j, i, 1 if side else -1) for j, i, side in path]
        for i in decided:
            row: Row = [1] + [0] * (m * width)
            for j in range(m):
                if active[j, i]:
                    row = [a + b for a, b in zip(row, z(j, i, 1 if j < positive else -1), strict=True)]
            rows.append(row)
        free = range(len(path), len(rows))
        for j in range(m - 1):
            if ordered is not None and j + 1 != positive:
                rows.append([a + b for a, b in zip(z(j, ordered), z(j + 1, ordered, -1), strict=True)])
        right = [0] * len(path) + [changes[i] for i in decided] + [0] * len(rows[len(path) + len(decided) :])
        combination = contradiction(rows, right, free)
        if combination is not None:
            yield ["close", [[row, str(n)] for row, n in combination.items()]]
            return
        if len(path) == len(splits):
            raise LookupError("a network that meets all that is asked")
        j, i = splits[len(path)]
        yield ["split", j, i]
        yield from subtree([*path, (j, i, True)])
        yield from subtree([*path, (j, i, False)])

    try:
        return list(subtree([]))
    except LookupError:
        return None


def contradiction(rows: list[Row], right: Sequence[Number], free: range) -> dict[int, int] | None:
    """Integers whose sum of rows is 0 and of right sides is positive; not negative but for `free` rows."""
    signed = [(k, sign) for k in range(len(rows)) for sign in ((1, -1) if k in free else (1,))]
    columns = [[sign * x for x in (*rows[k], right[k])] for k, sign in signed]
    goal = [0] * (len(columns[0]) - 1 if columns else 0) + [1]
    found = _not_negative(columns, goal) if columns else None
    if found is None:
        return None
    sums: dict[int, Fraction] = {}
    for column, n in found.items():
        k, sign = signed[column]
        sums[k] = sums.get(k, Fraction(0)) + sign * n
    common = math.lcm(*(n.denominator for n in sums.values()))
    return {k: int(n * common) for k, n in sorted(sums.items()) if n}


def _not_negative(columns: list[Row], goal: Sequence[Number]) -> dict[int, Fraction] | None:
    """Numbers from 0 whose sum of columns is `goal >= 0`: the first phase of the simplex method, with
    Bland's rule."""
    count = len(columns)
    table = [[Fraction(c[r]) for c in columns] + [Fraction(g)] for r, g in enumerate(goal)]
    basis = list(range(count, count + len(goal)))
    while True:
        missing = [row for row, b in zip(table, basis, strict=True) if b >= count]
        enter = next((k for k in range(count) if sum(row[k] for row in missing) > 0), None)
        if enter is None:
            break
        ratios = [(row[-1] / row[enter], basis[r], r) for r, row in enumerate(table) if row[enter] > 0]
        leave = min(ratios)[2]
        pivot = table[leave] = [x / table[leave][enter] for x in table[leave]]
        for r, row in enumerate(table):
            if r != leave and row[enter]:
                table[r] = [x - row[enter] * y for x, y in zip(row, pivot, strict=True)]
        basis[leave] = enter
    if any(row[-1] for row, b in zip(table, basis, strict=True) if b >= count):
        return None
    return {b: row[-1] for b, row in zip(basis, table, strict=True) if b < count}
