"""Exact outputs at points, modulo primes."""

from __future__ import annotations

import numpy as np

from verify.engine.block import LIMB, Block, Bools, Floats, Integers, Places
from verify.engine.modular import Modular, Table, centred, reduce, reduced

__all__ = ["Residues"]


class Residues:
    """Outputs at points, modulo primes."""

    def __init__(self, modular: Modular) -> None:
        self._modular = modular

    def vanish(self, signs: list[Bools], block: Block, places: Places, bits: int) -> Bools:
        """Whether every output is 0 at these places of the block, given the signs `(m, c)` of all hidden
        pre-activations and that the integers that stand for the outputs have at most `bits` bits,
        not counting the points' denominators."""
        out = np.zeros(len(places), dtype=np.bool_)
        left = np.arange(len(places))
        active = [sign.astype(np.float64) for sign in signs]
        points = block.integers(places)
        primes = self._modular.primes.beyond(bits + points.bits)
        for prime, table in self._modular.tables(primes):
            zero = _vanish(table, active, points, prime)
            if not zero.all():
                left = left[zero]
                active = [on[:, zero] for on in active]
                points = block.integers(places[left])
            if len(left) == 0:
                break
        out[left] = bool(primes)
        return out


def _vanish(table: Table, active: list[Floats], points: Integers, prime: int) -> Bools:
    a, below = _points(points, prime)
    for (weight, bias), on in zip(table, [*active, None], strict=True):
        z = weight @ a
        z += reduced(bias * below, prime)
        reduce(z, prime)
        if on is not None:
            z *= on
        a = z
    zero: Bools = (a == 0).all(axis=0)
    return zero


def _points(points: Integers, prime: int) -> tuple[Floats, Floats]:
    """Numerators `(d, c)` and denominators `(1,)` or `(c,)`: congruent modulo the prime and so
    small that no sum of the first layer passes 2^53."""
    below = np.array([centred(q % prime, prime) for q in points.denominators])
    a, half = points.limbs[0], prime / 2 + 2
    if len(points.limbs) == 1 and points.largest * half * len(a) + half <= 2**53 - prime:
        return a, below
    a = reduced(a, prime)
    step = centred((1 << LIMB) % prime, prime)
    for limb in points.limbs[1:]:
        a = reduced(a * step + limb, prime)
    return a, below
