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
Name = tuple[str | int, ...]
"""A term without its multiplier."""
Mean = tuple[int, list[tuple[int, int]]]
"""A point, and weights of others whose mean it is."""


def claim(
    points: Sequence[Sequence[Number]],
    changes: Sequence[Number],
    neurons: int,
    ordered: int | None = None,
    order: Sequence[int] | None = None,
    convex: Sequence[Mean] = (),
) -> dict[str, Any] | None:
    """The claim that `neurons` are needed, or None if fewer do. Points are split in the given order."""
    trees = [_tree(points, changes, neurons - 1, q, ordered, order, convex) for q in range(neurons)]
    if None in trees:
        return None
    out: dict[str, Any] = {"kind": "farkas-obstruction", "neurons": neurons, "trees": trees}
    if convex:
        out["convex"] = [[b, [[i, str(n)] for i, n in weights]] for b, weights in convex]
    return out if ordered is None else {**out, "ordered": ordered}


def _tree(
    points: Sequence[Sequence[Number]],
    changes: Sequence[Number],
    m: int,
    positive: int,
    ordered: int | None,
    order: Sequence[int] | None,
    convex: Sequence[Mean],
) -> list[Any] | None:
    splits = [(j, i) for i in order or range(len(points)) for j in range(m)]
    total, width = len(points), len(points[0]) + 1

    def row(c: int = 0, u: Sequence[Any] = (), z: Sequence[Any] = (), right: Number = 0) -> Row:
        """Factors of `c`, of each `u_j(x_i)`, of `w_j, b_j` for each neuron, and the right side."""
        out: Row = [c, *[0] * (m * total + m * width), right]
        for j, i, n in u:
            out[1 + j * total + i] += n
        for j, i, n in z:
            for k, x in enumerate((*points[i], 1)):
                out[1 + m * total + j * width + k] += n * x
        return out

    always: dict[Name, Row] = {}
    for i, change in enumerate(changes):
        signs = [(j, i, 1 if j < positive else -1) for j in range(m)]
        always["value", i] = row(c=1, u=signs, right=change)
    for j in range(m):
        for i in range(total):
            always["zero", j, i] = row(u=[(j, i, 1)])
            always["line", j, i] = row(u=[(j, i, 1)], z=[(j, i, -1)])
        for k, (b, weights) in enumerate(convex):
            always["convex", j, k] = row(u=[u for i, n in weights for u in ((j, i, n), (j, b, -n))])
        if ordered is not None and j + 1 not in (positive, m):
            always["order", j] = row(z=[(j, ordered, 1), (j + 1, ordered, -1)])

    def subtree(path: dict[tuple[int, int], bool]) -> Iterator[Any]:
        rows = dict(always)
        for (j, i), active in path.items():
            rows["split", j, i] = row(u=[(j, i, -1)], z=[(j, i, 1)] if active else ())
        combination = contradiction(rows, {name for name in rows if name[0] == "value"})
        if combination is not None:
            yield ["close", [[*name, str(n)] for name, n in combination.items()]]
            return
        if len(path) == len(splits):
            raise LookupError("a network that meets all that is asked")
        split = splits[len(path)]
        yield ["split", *split]
        yield from subtree({**path, split: True})
        yield from subtree({**path, split: False})

    try:
        return list(subtree({}))
    except LookupError:
        return None


def contradiction(rows: dict[Name, Row], free: set[Name]) -> dict[Name, int] | None:
    """Integers whose sum of rows is 0 but for right sides of a positive sum; from 0, but for `free` rows."""
    signed = [(name, sign) for name in rows for sign in ((1, -1) if name in free else (1,))]
    columns: list[Row] = [[sign * x for x in rows[name]] for name, sign in signed]
    goal = [0] * (len(columns[0]) - 1) + [1]
    found = _not_negative(columns, goal)
    if found is None:
        return None
    sums: dict[Name, Fraction] = {}
    for column, n in found.items():
        name, sign = signed[column]
        sums[name] = sums.get(name, Fraction(0)) + sign * n
    common = math.lcm(*(n.denominator for n in sums.values()))
    return {name: int(sums[name] * common) for name in rows if sums.get(name)}


def _not_negative(columns: list[Row], goal: Sequence[Number]) -> dict[int, Fraction] | None:
    """Numbers from 0 whose sum of columns is `goal >= 0`: the first phase of the simplex method, with
    Bland's rule. The rows of the table are integers, each over a positive number that does not matter."""
    count = len(columns)
    table = [_integers([*(c[r] for c in columns), g]) for r, g in enumerate(goal)]
    table.append([sum(column) for column in zip(*table, strict=True)])  # what is missing
    basis = list(range(count, count + len(goal)))
    while True:
        enter = next((k for k, n in enumerate(table[-1][:-1]) if n > 0), None)
        if enter is None:
            break
        rows = enumerate(zip(table, basis, strict=False))
        leave = min((Fraction(row[-1], row[enter]), b, r) for r, (row, b) in rows if row[enter] > 0)[2]
        pivot = table[leave]
        for r, row in enumerate(table):
            if r != leave and row[enter]:
                p, q = pivot[enter], row[enter]
                table[r] = _integers([p * x - q * y for x, y in zip(row, pivot, strict=True)])
        basis[leave] = enter
    if table[-1][-1]:
        return None
    return {b: Fraction(row[-1], row[b]) for b, row in zip(basis, table, strict=False) if b < count}


def _integers(row: Sequence[Number]) -> list[int]:
    """The shortest integers in the same ratios."""
    common = math.lcm(*(x.denominator for x in row))
    out = [int(x * common) for x in row]
    shared = math.gcd(*out)
    return [x // shared for x in out] if shared > 1 else out
