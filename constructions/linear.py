"""Exact solutions of linear equations near approximate ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat

__all__ = ["near", "pivots"]

_SHORT = 1000  # the largest denominator of what the equations leave open


def pivots(reduced: fmpq_mat) -> list[int]:
    """The columns of the leading ones of a matrix in reduced row echelon form."""
    out: list[int] = []
    for r in range(reduced.nrows()):
        column = next((k for k in range(out[-1] + 1 if out else 0, reduced.ncols()) if reduced[r, k]), None)
        if column is None:
            break
        out.append(column)
    return out


def near(
    equations: Sequence[tuple[Mapping[int, fmpq], fmpq]], guess: Mapping[int, float]
) -> dict[int, fmpq] | None:
    """A solution of equations `(factors, right side)` in the unknowns of `guess`; what the equations leave
    open is taken from there, as short numbers. None if there is no solution.

    >>> near([({0: fmpq(3), 1: fmpq(1)}, fmpq(1))], {0: 0.3, 1: 0.5})
    {0: 1/6, 1: 1/2}
    """
    unknowns = list(guess)
    place = {name: k for k, name in enumerate(unknowns)}
    table = fmpq_mat(len(equations), len(unknowns) + 1)
    for r, (factors, right) in enumerate(equations):
        for name, factor in factors.items():
            table[r, place[name]] = factor
        table[r, len(unknowns)] = right
    table, _ = table.rref()
    leading = pivots(table)
    if leading and leading[-1] == len(unknowns):
        return None
    values = [fmpq(0)] * len(unknowns)
    free = sorted(set(range(len(unknowns))) - set(leading))
    for k in free:
        short = Fraction(guess[unknowns[k]]).limit_denominator(_SHORT)
        values[k] = fmpq(short.numerator, short.denominator)
    for r, k in enumerate(leading):
        values[k] = table[r, len(unknowns)] - sum((table[r, f] * values[f] for f in free), fmpq(0))
    return dict(zip(unknowns, values, strict=True))
