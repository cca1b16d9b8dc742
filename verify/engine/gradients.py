"""The affine function of each point's own activation pattern, by reverse accumulation modulo primes.

The network is `gradient x + offset` on the points with the same active neurons. Both are sums of products
of weights, whatever the points are: numbers of a proven length, over the columns of

    v_L = s_L * w,   v_l = s_l * (W_(l+1)^T v_(l+1)),   gradient = W_1^T v_1,   offset = b + sum b_l^T v_l

for the 0/1 vectors `s_l` of active neurons and a row `w` of the last layer. Where both are 0 the
output is. Small networks that patch others are 0 around most points, not only at them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from verify.engine.block import Bools, Floats
from verify.engine.modular import Modular, Table, reduce, reduced

__all__ = ["Gradients"]


class Gradients:
    """Gradients and offsets of a network with hidden layers; `layers` holds it in floats: weights and
    biases of each layer over `2^exponent[j]`, as in `verify.engine.dense`."""

    def __init__(self, modular: Modular, layers: Sequence[tuple[Floats, Floats, list[int]]]) -> None:
        self.outputs = len(layers[-1][0])
        self.bits = _bits(layers)
        self._modular = modular

    @cached_property
    def _primes(self) -> list[int]:
        return self._modular.primes.beyond(self.bits)

    def vanish(self, signs: list[Bools]) -> Bools:
        """Where every gradient and offset is 0, given the signs `(m, c)` of all hidden pre-activations."""
        active = [sign.astype(np.float64) for sign in signs]
        left = np.arange(signs[0].shape[1])
        out = np.zeros(len(left), dtype=np.bool_)
        for prime, table in self._modular.tables(self._primes):
            for k in range(self.outputs):
                zero = _vanish(table, active, k, prime)
                if not zero.all():
                    left, active = left[zero], [on[:, zero] for on in active]
                if len(left) == 0:
                    return out
        out[left] = bool(self._primes)
        return out


def _vanish(table: Table, active: list[Floats], k: int, prime: int) -> Bools:
    *hidden, (weight, bias) = table
    v = active[-1] * weight[k][:, None]
    offset = np.full((1, v.shape[1]), bias[k, 0])
    for (weight, bias), on in zip(reversed(hidden), [*reversed(active[:-1]), None], strict=True):
        offset += reduced(bias.T @ v, prime)
        v = weight.T @ v
        reduce(v, prime)
        if on is not None:
            v *= on
    reduce(offset, prime)
    zero: Bools = (v == 0).all(axis=0) & (offset[0] == 0)
    return zero


def _bits(layers: Sequence[tuple[Floats, Floats, list[int]]]) -> int:
    """No entry of a gradient and no offset has more bits than that, whichever neurons are active."""
    *hidden, (weight, bias, exponent) = layers
    offset = float(np.abs(bias).max(initial=0.0))
    above, below = weight.max(axis=0, initial=0.0), (-weight).max(axis=0, initial=0.0)
    for weight, bias, _ in reversed(hidden):  # -below <= v <= above, for all outputs
        table = np.hstack([weight, bias])
        up, down = np.maximum(table, 0), np.maximum(-table, 0)
        above, below = above @ up + below @ down, above @ down + below @ up
        offset += max(float(above[-1]), float(below[-1]))
        above, below = above[:-1], below[:-1]
    largest = max(float(above.max(initial=0.0)), float(below.max(initial=0.0)), offset)
    # rounding is far below 1 part in 2; what underflows is far below 2^-900
    return max(exponent) + 1 + math.frexp(largest + 2.0**-900)[1]
