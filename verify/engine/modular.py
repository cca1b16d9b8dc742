"""Networks modulo primes, for float64 matrix products whose every sum stays below 2^53 and so is exact."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from flint import fmpz
from numpy.typing import NDArray

from verify.engine.block import Floats
from verify.kernel import Network

__all__ = ["Modular", "Table", "centred", "reduce", "reduced"]

Table = list[tuple[Floats, Floats]]
"""Weights `(m, n)` and biases `(m, 1)` of every layer modulo a prime."""

_LIMB = 16  # bits
_LIMBS = 1024  # in one product: so many limbs times residues up to 2^26 + 2 add up to 2^52 and little more
_GROUP = 32  # primes


class Modular:
    """A network modulo primes `p`, so small that a sum of as many products as a layer has, `width + 1`, of
    numbers up to `p/2 + 2` is exact; the tables of the first primes are kept, up to `keep` bytes, beside
    a copy of the network's integers."""

    def __init__(self, network: Network, inputs: int, keep: int) -> None:
        widths = [inputs, *map(len, network.layers)]
        self.primes = _Primes(max(widths) + 1)
        self._shapes = [(len(rows), n + 1) for rows, n in zip(network.layers, widths, strict=False)]
        self._network = network
        self._most = keep // sum(8 * m * n for m, n in self._shapes)
        self._group = max(1, min(_GROUP, self._most // 4))
        self._tables: dict[int, Table] = {}

    @cached_property
    def _limbs(self) -> list[list[NDArray[np.uint16]]]:
        return [[_limbs(row) for row in rows] for rows in self._network.layers]

    def tables(self, primes: list[int]) -> Iterator[tuple[int, Table]]:
        """Every prime once, in some order, with its table. Long weights are read once for a group of
        primes; the first groups are small, as most of what is not 0 is not modulo the first prime."""
        kept = {prime: self._tables[prime] for prime in primes if prime in self._tables}
        yield from kept.items()
        left, size = [prime for prime in primes if prime not in kept], 1
        while left:
            some, left = left[:size], left[size:]
            tables = self._reduced(some)
            if len(self._tables) + len(some) + self._group <= self._most:
                self._tables.update(tables)
            yield from tables.items()
            size = min(2 * size, self._group)

    def _reduced(self, primes: list[int]) -> dict[int, Table]:
        p = np.array(primes, dtype=np.float64)
        layers = [np.empty((len(primes), *shape)) for shape in self._shapes]
        powers = np.ones((max(row.shape[1] for rows in self._limbs for row in rows), len(primes)))
        for k in range(1, len(powers)):
            powers[k] = reduced(powers[k - 1] * 2.0**_LIMB, p)
        for layer, rows in zip(layers, self._limbs, strict=True):
            for j, row in enumerate(rows):
                z = np.tile(powers[row.shape[1] - 1] * -(2.0 ** (_LIMB - 1)), (len(row), 1))
                for k in range(0, row.shape[1], _LIMBS):
                    limbs = row[:, k : k + _LIMBS].astype(np.float64)
                    z += limbs @ powers[k : k + limbs.shape[1]]
                    reduce(z, p)
                layer[:, j] = z.T
        return {
            prime: [(layer[k, :, :-1], layer[k, :, -1:]) for layer in layers]
            for k, prime in enumerate(primes)
        }


def _limbs(row: list[int]) -> NDArray[np.uint16]:
    """`x + 2^(16 L - 1)`, which is not negative, for the integers `x` of a row: `(n, L)`, the least limb
    first."""
    size = max(x.bit_length() for x in row) // _LIMB + 1
    half = 1 << (_LIMB * size - 1)
    data = b"".join([(x + half).to_bytes(2 * size, "little") for x in row])
    return np.frombuffer(data, "<u2").reshape(len(row), size)


class _Primes:
    """The primes `p` with `columns (p/2 + 2)^2 <= 2^53 - p`, the largest first, as far as they were
    asked for."""

    def __init__(self, columns: int) -> None:
        self._lock = threading.Lock()
        self._found: list[int] = []
        self._next = 2 * math.isqrt(2**53 // columns)
        while columns * (self._next + 4) ** 2 > 4 * (2**53 - self._next):
            self._next -= 1

    def beyond(self, bits: int) -> list[int]:
        """As many primes as make a product of more than `bits` bits, one at least; none, which proves
        nothing, if there are not enough of them."""
        with self._lock:  # threads may share a network
            return self._beyond(bits)

    def _beyond(self, bits: int) -> list[int]:
        product, out = 1, list[int]()
        while not out or product.bit_length() <= bits:
            if len(out) == len(self._found):
                while self._next > 2 and not fmpz(self._next).is_prime():
                    self._next -= 1
                if self._next <= 2:
                    return []
                self._found.append(self._next)
                self._next -= 1
            out.append(self._found[len(out)])
            product *= out[-1]
        return out


def centred(x: int, prime: int) -> int:
    return x - prime if 2 * x > prime else x


def reduced(z: Floats, prime: int | Floats) -> Floats:
    z = z.copy()
    reduce(z, prime)
    return z


def reduce(z: Floats, prime: int | Floats) -> None:
    """Integers up to 2^53 - p, in place, to `|z| <= p/2 + 2`: all steps but the quotient are exact."""
    quotient = z * (1 / prime)
    np.rint(quotient, out=quotient)
    quotient *= prime
    z -= quotient
