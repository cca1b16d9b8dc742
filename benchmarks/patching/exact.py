"""Scores in exact arithmetic: every finite float is an integer over a power of two, so no float decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

__all__ = ["Dyadic", "network", "squared_distances"]


@dataclass(frozen=True)
class Dyadic:
    """The matrix `numerators / 2^exponent`."""

    numerators: fmpz_mat
    exponent: int

    @staticmethod
    def of(array: NDArray[Any]) -> Dyadic:
        """Shape `(n, m)`; a vector counts as one row.

        >>> Dyadic.of(np.array([0.5, 3.0]))
        Dyadic(numerators=[1, 6], exponent=1)
        """
        table = np.atleast_2d(array)
        pairs = [float(x).as_integer_ratio() for x in table.reshape(-1).tolist()]
        exponent = max((q.bit_length() - 1 for _, q in pairs), default=0)
        return Dyadic(
            fmpz_mat(table.shape[0], table.shape[1], [(p << exponent) // q for p, q in pairs]), exponent
        )

    def __add__(self, other: Dyadic) -> Dyadic:
        top = max(self.exponent, other.exponent)
        return Dyadic(self._over(top) + other._over(top), top)

    def __sub__(self, other: Dyadic) -> Dyadic:
        return self + Dyadic(-other.numerators, other.exponent)

    def affine(self, weight: NDArray[Any], bias: NDArray[Any]) -> Dyadic:
        """`self @ weight.T + bias`."""
        w = Dyadic.of(weight)
        product = Dyadic(self.numerators * w.numerators.transpose(), self.exponent + w.exponent)
        return product + Dyadic.of(np.tile(bias, (self.numerators.nrows(), 1)))

    def relu(self) -> Dyadic:
        rows, columns = self.numerators.nrows(), self.numerators.ncols()
        return Dyadic(
            fmpz_mat(rows, columns, [x if x > 0 else 0 for x in self.numerators.entries()]), self.exponent
        )

    def rows(self) -> list[list[int]]:
        """The numerators."""
        return [[int(x) for x in row] for row in self.numerators.tolist()]

    def labels(self) -> NDArray[np.intp]:
        """In every row the column of the largest number, the first of them if there are several."""
        return np.array([row.index(max(row)) for row in self.rows()], dtype=np.intp)

    def largest(self) -> NDArray[np.float64]:
        """The largest absolute value of every row, rounded: 0 for a row of zeros, and for no other."""
        tops = [max(map(abs, row)) for row in self.rows()]
        tiny = float(np.finfo(float).smallest_subnormal)
        return np.array([max(_quotient(top, self.exponent), tiny) if top else 0.0 for top in tops])

    def _over(self, exponent: int) -> fmpz_mat:
        return self.numerators * (1 << (exponent - self.exponent))


def _quotient(top: int, exponent: int) -> float:
    try:
        return top / (1 << exponent)
    except OverflowError:
        return float("inf")


def network(layers: list[tuple[NDArray[Any], NDArray[Any]]], points: NDArray[Any]) -> Dyadic:
    """A ReLU network of floats at points of floats."""
    a = Dyadic.of(points)
    for k, (weight, bias) in enumerate(layers):
        a = (a.relu() if k else a).affine(weight, bias)
    return a


def squared_distances(points: NDArray[Any], others: NDArray[Any]) -> tuple[list[list[int]], int]:
    """Integers and an exponent: those of every point, to each of the others, times `2^exponent`.

    >>> squared_distances(np.array([[0.5, 0.0]]), np.array([[0.0, 0.0], [2.0, 2.0]]))
    ([[1, 25]], 2)
    """
    both = Dyadic.of(np.vstack([points, others]))
    rows = both.rows()
    near, far = rows[: len(points)], rows[len(points) :]
    products = (fmpz_mat(near) * fmpz_mat(far).transpose()).tolist()
    norms, others_norms = ([sum(x * x for x in row) for row in part] for part in (near, far))
    table = [
        [n - 2 * int(xy) + m for xy, m in zip(row, others_norms, strict=True)]
        for row, n in zip(products, norms, strict=True)
    ]
    return table, 2 * both.exponent
