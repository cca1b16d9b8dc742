"""The route for any dense network: a float filter that knows its own error, then exact arithmetic.

1. A float64 pass with a proven error bound decides the sign of almost every pre-activation.
2. Points with the same signs share one affine function. Where few patterns occur, each is computed
   once, exactly; a function that is zero settles all of its protected points at once.
3. What the last hidden layer puts out may cancel whatever enters it (`verify.engine.cancel`).
4. Otherwise the output is computed modulo primes, in float64 products that are exact. By step 1 it is
   small where it is not provably different from 0; with enough primes to cover that bound, an
   output that vanishes modulo all of them is 0.

What is left over is undecided, and goes to exact arithmetic point by point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from verify.engine.cancel import Cancellation
from verify.engine.residues import Bools, ExactBlock, Floats, Residues
from verify.kernel import Network

__all__ = ["STEPS", "Dense"]

_U = 2.0**-53
_UP = 1 + 2.0**-40  # covers the roundings in the bounds themselves


@dataclass(frozen=True)
class _Layer:
    """`weight @ a + bias` in units of `2^exponent[j]`: the absolute values of a row sum to at most 1."""

    weight: Floats
    bias: Floats
    exponent: list[int]
    largest: float  # bias, rounded up: above 0 unless every bias is 0

    @property
    def unit(self) -> float:
        """Error of one evaluation, relative to the largest input: rounding of the weights, of the
        products and of their sum in any order, `gamma_(n+2) + u`."""
        return float(self.weight.shape[1] + 6) * _U


STEPS = ("patterns", "cancellation", "residues")


@dataclass
class Dense:
    """A network prepared for blocks of points, with the patterns that were settled so far."""

    network: Network
    layers: list[_Layer]
    route: str = "auto"
    patterns: dict[bytes, bool] = field(default_factory=dict)
    idle: set[str] = field(default_factory=set)

    @cached_property
    def cancellation(self) -> Cancellation:
        return Cancellation(self.network)

    @cached_property
    def residues(self) -> Residues:
        return Residues(self.network, self.layers[0].weight.shape[1])

    @classmethod
    def of(cls, network: Network, inputs: int, route: str = "auto") -> Dense:
        network = _without_idle(network)
        layers, below = [], [0] * inputs
        for rows in network.layers:
            weight, bias = np.zeros((len(rows), len(below))), np.zeros(len(rows))
            exponents = []
            for j, (*w, b) in enumerate(rows):
                # sum |w_k| 2^below_k + |b| <= 2^exponent; exponents below 0 do not occur
                size = sum(abs(x) << e for x, e in zip(w, below, strict=True)) + abs(b)
                exponent = size.bit_length()
                weight[j] = [(x << e) / (1 << exponent) for x, e in zip(w, below, strict=True)]
                bias[j] = b / (1 << exponent)
                exponents.append(exponent)
            largest = float(np.abs(bias).max(initial=0.0))
            if any(row[-1] for row in rows):
                largest = max(largest, 2.0**-1074)  # a bias may be too small for a float
            layers.append(_Layer(weight, bias, exponents, largest))
            below = exponents
        return cls(network, layers, route)

    def settled(self, x: Floats, exact: bool, points: ExactBlock) -> tuple[Bools, dict[str, int]]:
        """Which points of a block have output 0, proven; and how many points each step took."""
        out = np.zeros(len(x), dtype=np.bool_)
        if self.route == "exact":
            return out, {}
        signs, y, decided, error = self._filter(x, exact)
        counts = {"undecided by floats": int((~decided).sum())}
        places = np.flatnonzero(decided & (np.abs(y) <= error[:, None]).all(axis=1))
        for name in STEPS if self.route == "auto" else (self.route,):
            if len(places) == 0 or name in self.idle:
                continue
            here = [s if len(places) == len(x) else s[places] for s in signs]
            if name == "patterns":
                zero = self._by_patterns(here, len(places))
            elif name == "cancellation":
                zero = self.cancellation.settled(here[-1]) if here else np.zeros(len(places), np.bool_)
            else:
                bits = self._bits(error[places]) + points.scale_bits(places)
                zero = self.residues.vanish(here, points, places, bits)
            counts[name] = int(zero.sum())
            out[places] = zero
            if name != "residues" and self.route == "auto" and 4 * counts[name] < len(places):
                self.idle.add(name)  # it does not pay for this network: go on without
            places = places[~zero]
        return out, counts

    def _by_patterns(self, signs: list[Bools], count: int) -> Bools:
        """Which points have an activation pattern whose function is zero; new patterns are examined
        only where they are few."""
        words = np.packbits(np.hstack([np.zeros((count, 1), np.bool_), *signs]), axis=1)
        unique, inverse = np.unique(words, axis=0, return_inverse=True)
        keys = [word.tobytes() for word in unique]
        new = [k for k, key in enumerate(keys) if key not in self.patterns]
        if len(new) <= max(4, count // 64) or self.route == "patterns":
            for k in new:
                self.patterns[keys[k]] = self._vanishes(unique[k])
        zero = np.array([self.patterns.get(key, False) for key in keys])
        out: Bools = zero[inverse.reshape(-1)]
        return out

    def float_pass(self, x: Floats) -> Floats:
        """The plain forward pass, in the units of the last layer: the yardstick of benchmarks."""
        for layer in self.layers[:-1]:
            x = x @ layer.weight.T
            x += layer.bias
            np.maximum(x, 0, out=x)
        y: Floats = x @ self.layers[-1].weight.T + self.layers[-1].bias
        return y

    def _filter(self, x: Floats, exact: bool) -> tuple[list[Bools], Floats, Bools, Floats]:
        """Signs of the hidden pre-activations, outputs, whether all signs are proven, and the error
        of the outputs, in the units of the last layer."""
        signs: list[Bools] = []
        size = np.abs(x).max(axis=1)
        decided = size < 2.0**1000  # sums cannot overflow
        error = np.zeros(len(x)) if exact else size * (_U * _UP) + 2.0**-1070
        for layer in self.layers[:-1]:
            x = x @ layer.weight.T
            x += layer.bias
            error = self._grown(error, size, layer)
            # an error of 0 means that nothing was active: the value is exact, 0 or not
            decided &= (np.abs(x).min(axis=1, initial=np.inf) > error) | (error == 0)
            signs.append(x > 0)
            np.maximum(x, 0, out=x)
            size = x.max(axis=1, initial=0.0)
            error[decided & (size == 0)] = 0  # all signs are proven, and no neuron is active
        layer = self.layers[-1]
        return signs, x @ layer.weight.T + layer.bias, decided, self._grown(error, size, layer)

    @staticmethod
    def _grown(error: Floats, size: Floats, layer: _Layer) -> Floats:
        reach = size + error + layer.largest
        grown: Floats = (error + reach * layer.unit) * _UP
        # products, weights and bounds that underflow: each by at most 2^-1075
        grown[reach > 0] += 2.0**-1060 + (layer.weight.shape[1] + 8) * 2.0**-1073
        return grown

    def _vanishes(self, word: NDArray[np.uint8]) -> bool:
        """Whether the affine function of a pattern is zero, exactly."""
        bits = np.unpackbits(word)[1:]
        inputs = self.layers[0].weight.shape[1]
        # functions as rows over the inputs and the constant 1; `a` holds those of one layer
        constant, first = [0] * inputs + [1], 0
        a: list[list[int]] | None = None
        for rows in self.network.layers:
            active = bits[first : first + len(rows)]
            first += len(rows)
            last = rows is self.network.layers[-1]
            a = [
                (row if a is None else _combine(row, [*a, constant])) if last or on else [0] * (inputs + 1)
                for row, on in zip(rows, [1] * len(rows) if last else active, strict=True)
            ]
        return not any(map(any, a or []))

    def _bits(self, error: Floats) -> int:
        """How many bits an output of a point with denominator 1 can have that floats cannot tell
        from 0: it is at most twice the error, in the units of the last layer."""
        return 2 + math.frexp(float(error.max(initial=0.0)))[1] + max(self.layers[-1].exponent)


def _combine(row: list[int], vectors: list[list[int]]) -> list[int]:
    used = [(w, v) for w, v in zip(row, vectors, strict=True) if w]
    return [sum(w * v[k] for w, v in used) for k in range(len(vectors[0]))]


def _without_idle(network: Network) -> Network:
    """The same function without hidden neurons whose row is zero."""
    layers, kept = [], None
    for depth, rows in enumerate(network.layers):
        if kept is not None:
            rows = [[*(row[k] for k in kept), row[-1]] for row in rows]
        if depth < len(network.layers) - 1:
            kept = [k for k, row in enumerate(rows) if any(row)]
            rows = [rows[k] for k in kept]
        layers.append(rows)
    return Network(layers, network.denominators)
