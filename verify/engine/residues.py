"""Exact outputs modulo primes: float64 matrix products whose every sum stays below 2^53."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.engine.chunks import raw_rows
from verify.engine.chunks import row as exact_row
from verify.kernel import Network
from verify.kernel.npy import Sidecar
from verify.kernel.reader import Array

__all__ = ["Bools", "ExactBlock", "Floats", "Residues"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class ExactBlock:
    """Points `first..last-1` as integers over one denominator a point, modulo any prime."""

    array: Array
    first: int
    last: int

    @cached_property
    def _floats(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """`x = mantissa 2^exponent / 2^shift`: integers, exponents from 0, one shift a point."""
        if isinstance(self.array, Sidecar) and self.array.code in "qB":
            mantissa = raw_rows(self.array, self.first, self.last).astype(np.int64)
            return mantissa, np.zeros_like(mantissa), np.zeros(len(mantissa), np.int64)
        fraction, power = np.frexp(raw_rows(self.array, self.first, self.last).astype(np.float64))
        mantissa = np.ldexp(fraction, 53).astype(np.int64)
        # short numbers need few primes: strip trailing zeros
        low_bit = np.maximum(mantissa & -mantissa, 1)
        trailing = np.frexp(low_bit.astype(np.float64))[1].astype(np.int64) - 1
        mantissa >>= trailing
        exponent = np.where(mantissa == 0, 0, power.astype(np.int64) - 53 + trailing)
        shift = np.maximum(0, -exponent.min(axis=1))
        return mantissa, np.where(mantissa == 0, 0, exponent + shift[:, None]), shift

    def scale_bits(self, places: Places) -> int:
        """Bits of the largest denominator of these points."""
        if isinstance(self.array, Sidecar):
            return 1 + int(self._floats[2][places].max(initial=0))
        return max((exact_row(self.array, self.first + int(i))[1].bit_length() for i in places), default=1)

    def modulo(self, places: Places, prime: int) -> tuple[Floats, Floats]:
        """Numerators `(c, d)` and denominators `(c,)` modulo a prime below 2^27, centred."""
        if isinstance(self.array, Sidecar):
            mantissa, exponent, shift = (part[places] for part in self._floats)
            powers = _powers(prime, int(max(exponent.max(initial=0), shift.max(initial=0))))
            x: NDArray[Any] = (mantissa % prime) * powers[exponent]
            s: NDArray[Any] = powers[shift]
        else:
            rows = [exact_row(self.array, self.first + int(i)) for i in places]
            x = np.array([[p % prime for p in row] for row, _ in rows], dtype=np.int64)
            s = np.array([q % prime for _, q in rows], dtype=np.int64)
        return _centred(x % prime, prime), _centred(s, prime)


def _centred(x: NDArray[np.int64], prime: int) -> Floats:
    out = x.astype(np.float64)
    out[2 * x > prime] -= prime
    return out


@lru_cache(maxsize=256)
def _powers(prime: int, most: int) -> NDArray[np.int64]:
    out = np.ones(most + 1, np.int64)
    for k in range(most):
        out[k + 1] = 2 * int(out[k]) % prime
    return out


@lru_cache(maxsize=16)
def _primes(columns: int, bits: int) -> list[int]:
    """The largest primes `p` with `columns (p/2 + 1)^2 <= 2^53`, together of more than `bits` bits."""
    candidate = 2 * (math.isqrt(2**53 // columns) - 1)
    found, product = [], 1
    while product.bit_length() <= bits:
        candidate -= 1
        if candidate < 3:
            raise ValueError("the numbers are too long for primes of this size")
        if all(candidate % f for f in range(2, math.isqrt(candidate) + 1)):
            found.append(candidate)
            product *= candidate
    return found


class Residues:
    """A network modulo primes, prepared once for each prime."""

    def __init__(self, network: Network, inputs: int) -> None:
        self.network, self.inputs = network, inputs
        self.columns = max((len(row) for rows in network.layers for row in rows), default=1)
        self.tables: dict[int, list[Floats]] = {}

    def vanish(self, signs: list[Bools], points: ExactBlock, places: Places, bits: int) -> Bools:
        """Whether every output is 0 at these points, given the signs of all hidden pre-activations
        and that the integers that stand for the outputs have at most `bits` bits."""
        zero = np.ones(len(places), dtype=np.bool_)
        active = [sign.astype(np.float64) for sign in signs]
        for prime in _primes(self.columns, max(1, bits)):
            x, s = points.modulo(places, prime)
            a = np.column_stack([x, s])
            for weight, sign in zip(self._layers(prime), [*active, None], strict=True):
                z = a @ weight
                quotient = z * (1 / prime)
                np.rint(quotient, out=quotient)
                quotient *= prime
                z -= quotient  # exact: both terms are integers up to 2^53
                if sign is None:
                    zero &= (z == 0).all(axis=1)
                else:
                    a = np.empty((len(z), z.shape[1] + 1))
                    np.multiply(z, sign, out=a[:, :-1])
                    a[:, -1] = s
        return zero

    def _layers(self, prime: int) -> list[Floats]:
        """Weights and, as the last row, biases of every layer modulo a prime."""
        if prime not in self.tables:
            inputs, out = self.inputs, []
            for rows in self.network.layers:
                table = np.array([[w % prime for w in row] for row in rows], dtype=np.int64)
                out.append(_centred(table.reshape(len(rows), inputs + 1), prime).T.copy())
                inputs = len(rows)
            self.tables[prime] = out
        return self.tables[prime]
