"""Cancellation in the last hidden layer, seen without looking any deeper.

Given which neurons of the last hidden layer are active, the output is affine in what enters that
layer. Where all coefficients of this function are 0 the output is 0. The coefficients of all points
of a block are one product of a 0/1 matrix with integers, exact in float64 once these are cut into
limbs.
"""

from __future__ import annotations

import numpy as np

from verify.engine.residues import Bools, Floats
from verify.kernel import Network

__all__ = ["Cancellation"]

_MOST = 4


class Cancellation:
    """The products of output weights and rows of the last hidden layer, in limbs."""

    def __init__(self, network: Network) -> None:
        self.limbs: list[list[Floats]] | None = []
        self.bits = 0
        if len(network.layers) < 2 or not network.layers[-2]:
            self.limbs = None
            return
        last, rows = network.layers[-1], network.layers[-2]
        # a sum of limbs, and of the constant, stays below 2^53
        self.bits = 51 - (len(rows) + 1).bit_length()
        for weights in last:
            table = [[w * x for x in row] for w, row in zip(weights, rows, strict=False)]
            table.append([0] * (len(rows[0]) - 1) + [weights[-1]])
            limbs = self._cut(table)
            if limbs is None:
                self.limbs = None
                return
            self.limbs.append(limbs)

    def _cut(self, table: list[list[int]]) -> list[Floats] | None:
        half = 1 << (self.bits - 1)
        out: list[Floats] = []
        while any(any(row) for row in table):
            if len(out) == _MOST:
                return None
            low = [[(x + half) % (2 * half) - half for x in row] for row in table]
            table = [
                [(x - y) >> self.bits for x, y in zip(a, b, strict=True)]
                for a, b in zip(table, low, strict=True)
            ]
            out.append(np.array(low, dtype=np.float64))
        return out

    def settled(self, active: Bools) -> Bools:
        """Which points have an output that cancels, given the active neurons `(c, m)`."""
        zero = np.ones(len(active), dtype=np.bool_)
        if self.limbs is None:
            return ~zero
        ones = np.empty((len(active), active.shape[1] + 1))
        ones[:, :-1] = active
        ones[:, -1] = 1
        for limbs in self.limbs:
            carry: Floats | None = None
            for limb in limbs:
                low = ones @ limb
                if carry is not None:
                    low += carry
                # the limb must vanish modulo its base, and hands the rest on: all of it exact
                carry = low * 2.0**-self.bits
                zero &= (carry == np.rint(carry)).all(axis=1)
            if carry is not None:
                zero &= (carry == 0).all(axis=1)
        return zero
