"""Networks modulo primes, for float64 matrix products whose every sum stays below 2^53 and so is exact."""

from __future__ import annotations

import math
import threading
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpz
from numpy.typing import NDArray

from verify.engine.block import Floats
from verify.kernel import Network

__all__ = ["Modular", "centred", "reduce", "reduced"]


class Modular:
    """A network modulo primes `p`, so small that a sum of as many products as a layer has, `width + 1`, of
    numbers up to `p/2 + 2` is exact; the tables of the first primes are kept, up to `keep` bytes."""

    def __init__(self, network: Network, inputs: int, keep: int) -> None:
        widths = [inputs, *map(len, network.layers)]
        self.primes = _Primes(max(widths) + 1)
        self._shapes = [(len(rows), n + 1) for rows, n in zip(network.layers, widths, strict=False)]
        self._network, self._keep = network, keep
        self._tables: dict[int, list[tuple[Floats, Floats]]] = {}

    @cached_property
    def _integers(self) -> list[NDArray[Any]]:
        """Weights and biases `(m, n + 1)`: int64, or Python integers where they are longer."""
        out = []
        for rows, shape in zip(self._network.layers, self._shapes, strict=True):
            short = all(-(2**63) <= x < 2**63 for row in rows for x in row)
            out.append(np.array(rows, dtype=np.int64 if short else object).reshape(shape))
        return out

    def table(self, prime: int) -> list[tuple[Floats, Floats]]:
        """Weights `(m, n)` and biases `(m, 1)` of every layer modulo a prime."""
        if prime in self._tables:
            return self._tables[prime]
        table = []
        for integers in self._integers:
            row = (integers % prime).astype(np.int64)
            centred = row.astype(np.float64)
            centred[2 * row > prime] -= prime
            table.append((centred[:, :-1].copy(), centred[:, -1:].copy()))
        if sum(w.nbytes for w, _ in table) * (len(self._tables) + 1) <= self._keep:
            self._tables[prime] = table
        return table


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


def reduced(z: Floats, prime: int) -> Floats:
    z = z.copy()
    reduce(z, prime)
    return z


def reduce(z: Floats, prime: int) -> None:
    """Integers up to 2^53 - p, in place, to `|z| <= p/2 + 2`: all steps but the quotient are exact."""
    quotient = z * (1 / prime)
    np.rint(quotient, out=quotient)
    quotient *= prime
    z -= quotient
