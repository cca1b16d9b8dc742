"""The route for any dense network: a float filter that knows its own error, then exact arithmetic.

1. A float64 pass with a proven error bound decides the sign of almost every pre-activation. Where
   everything fits into 53 bits its error is 0, and an output 0 is 0.
2. What a hidden layer puts out may cancel whatever enters it (`verify.engine.cancel`).
3. Points with the same signs from some hidden layer on share one affine function of what enters that
   layer. Where few such patterns occur, each is computed once, exactly; a function that is zero
   settles all of its protected points at once.
4. Otherwise the affine function of each point's own signs is computed modulo primes, in float64 products
   that are exact. With enough primes to cover the largest that it can be, one that vanishes modulo
   all of them is 0 (`verify.engine.gradients`).
5. Or else the output itself is. By step 1 it is small where it is not provably different from 0, and
   the primes must cover that bound (`verify.engine.residues`).

What is left over is undecided, and goes to exact arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from verify.engine.block import Block, Bools, Floats, Places
from verify.engine.cancel import cancellation, vanish
from verify.engine.gradients import Gradients
from verify.engine.modular import Modular
from verify.engine.residues import Residues
from verify.kernel import Network

__all__ = ["STEPS", "Dense"]

_U = 2.0**-53
_UP = 1 + 2.0**-40  # covers the roundings in the bounds themselves
_LONG = 1 << 15  # bits of an output: longer ones are left to exact arithmetic
_TRIES = 1024  # points before a step is dropped

STEPS = ("cancellation", "patterns", "gradients", "residues")


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


@dataclass(frozen=True)
class _Filtered:
    """What floats tell about `c` points: signs `(m, c)` of the hidden pre-activations and whether
    those of a layer are all proven, outputs `(outputs, c)` in units of the last layer, their error."""

    signs: list[Bools]
    sure: list[Bools]
    y: Floats
    error: Floats
    undecided: int

    @cached_property
    def small(self) -> Bools:
        """Where all signs are known, and the outputs cannot be told from 0."""
        out: Bools = (self.error < np.inf) & (np.abs(self.y) <= self.error).all(axis=0)
        for sure in self.sure:
            out &= sure
        return out


@dataclass
class Dense:
    """A network prepared for blocks of points, with the patterns that were settled so far; `keep` is
    the memory in bytes for tables of primes."""

    network: Network
    layers: list[_Layer]
    route: str
    keep: int
    patterns: dict[tuple[int, bytes], bool] = field(default_factory=dict)
    tried: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, inputs: int, route: str = "auto", keep: int = 1 << 28) -> Dense:
        network = _without_idle(network)
        layers, below = [], [0] * inputs
        for rows in network.layers:
            weight, bias = np.zeros((len(rows), len(below))), np.zeros((len(rows), 1))
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
        return cls(network, layers, route, keep)

    @cached_property
    def modular(self) -> Modular:
        return Modular(self.network, self.inputs, self.keep)

    @cached_property
    def residues(self) -> Residues:
        return Residues(self.modular)

    @cached_property
    def gradients(self) -> Gradients:
        layers = [(layer.weight, layer.bias, layer.exponent) for layer in self.layers]
        return Gradients(self.modular, layers)

    @cached_property
    def cancellation(self) -> dict[int, Floats]:
        return cancellation(self.network, self.keep)

    @property
    def inputs(self) -> int:
        return int(self.layers[0].weight.shape[1])

    def prepare(self) -> None:
        """Whatever the steps need, here and now: forked processes inherit it."""
        if self._uses("cancellation"):
            _ = self.cancellation
        if self._uses("gradients"):
            _ = self.gradients
        if self._uses("residues"):
            _ = self.residues

    def settled(self, block: Block, wanted: Bools) -> tuple[Bools, dict[str, int], int]:
        """Which of the wanted points of a block have output 0, proven; how many each step took; and how
        many pre-activations of the block have a sign that floats cannot tell."""
        out = np.zeros(len(wanted), dtype=np.bool_)
        if self.route == "exact":
            return out, {}, 0
        floats = self._filter(block)
        counts = {}
        zero = (floats.error == 0) & (floats.y == 0).all(axis=0)
        left = wanted
        for name in ("floats", *STEPS):
            if name != "floats" and not self._uses(name):
                continue
            if name == "cancellation":
                zero = self._by_cancellation(floats, left)
            elif name == "patterns":
                zero = self._by_patterns(floats, left)
            elif name == "gradients":
                zero = self._by_gradients(floats, block, left)
            elif name == "residues":
                zero = self._by_residues(floats, block, left)
            zero &= left
            counts[name] = int(zero.sum())
            self._note(name, int(left.sum()), counts[name])
            out |= zero
            left = left & ~zero
            if not left.any():
                break
        return out, counts, floats.undecided

    def _uses(self, name: str) -> bool:
        """A step that does not pay for this network is dropped by and by."""
        if self.route != "auto":
            return self.route == name.split()[0]
        tried, settled = self.tried.get(name, (0, 0))
        return tried < _TRIES or 4 * settled >= tried or name == "residues"

    def _note(self, name: str, tried: int, settled: int) -> None:
        before = self.tried.get(name, (0, 0))
        self.tried[name] = (before[0] + tried, before[1] + settled)

    def _by_cancellation(self, floats: _Filtered, left: Bools) -> Bools:
        zero = np.zeros(len(left), dtype=np.bool_)
        for depth, conditions in self.cancellation.items():
            # the signs of this layer alone matter: what lies before it enters with its error
            zero |= floats.sure[depth] & vanish(conditions, floats.signs[depth])
            if zero[left].all():
                break
        return zero

    def _by_patterns(self, floats: _Filtered, left: Bools) -> Bools:
        """Which points have, from some hidden layer on, a pattern of active neurons for which the
        outputs are 0 whatever enters that layer. From the last layer to the first: the deeper, the
        fewer patterns."""
        zero = np.zeros(len(left), dtype=np.bool_)
        small = left & ~(np.abs(floats.y) > floats.error).any(axis=0)
        for depth in reversed(range(len(floats.signs))):
            small &= floats.sure[depth]
            places = np.flatnonzero(small & ~zero)
            name = f"patterns {depth}"
            if len(places) and self._uses(name):
                zero[places] = self._patterns_vanish(depth, [s[:, places] for s in floats.signs[depth:]])
                self._note(name, len(places), int(zero[places].sum()))
        return zero

    def _patterns_vanish(self, depth: int, signs: list[Bools]) -> Bools:
        """New patterns are examined only where they are few."""
        count = signs[0].shape[1]
        rows = np.vstack([np.zeros((1, count), np.bool_), *signs])  # one at least
        words = np.ascontiguousarray(np.packbits(rows, axis=0).T)
        unique, inverse = np.unique(words, axis=0, return_inverse=True)
        keys = [(depth, word.tobytes()) for word in unique]
        new = [k for k, key in enumerate(keys) if key not in self.patterns]
        most = self.keep // (200 + self.network.neurons)
        known = dict(self.patterns) if len(self.patterns) + len(new) > most else self.patterns
        if len(new) <= max(4, count // 64) or self.route == "patterns":
            for k in new:
                known[keys[k]] = self._vanishes(depth, unique[k])
        zero = np.array([known.get(key, False) for key in keys])
        out: Bools = zero[inverse.reshape(-1)]
        return out

    def _by_gradients(self, floats: _Filtered, block: Block, left: Bools) -> Bools:
        """Not for many outputs: these are cheaper to compute forward."""
        zero = np.zeros(len(left), dtype=np.bool_)
        places = np.flatnonzero(left & floats.small)
        if not len(places) or not floats.signs or self.gradients.bits > _LONG:
            return zero
        forward = self._bits(floats.error[places]) + (block.fraction_bits or 0)
        if self.gradients.outputs * self.gradients.bits <= 2 * forward or self.route == "gradients":
            zero[places] = self.gradients.vanish(_at(floats.signs, places))
        return zero

    def _by_residues(self, floats: _Filtered, block: Block, left: Bools) -> Bools:
        """For points of moderate numbers."""
        zero = np.zeros(len(left), dtype=np.bool_)
        small = left & floats.small
        if small.any():
            small &= block.moderate()
        places = np.flatnonzero(small)
        bits = self._bits(floats.error[places])
        if len(places) and bits <= _LONG:
            zero[places] = self.residues.vanish(_at(floats.signs, places), block, places, bits)
        return zero

    def float_pass(self, x: Floats) -> Floats:
        """The plain forward pass of points `(c, d)`, in the units of the last layer: the yardstick of
        benchmarks."""
        for layer in self.layers[:-1]:
            x = x @ layer.weight.T
            x += layer.bias.T
            np.maximum(x, 0, out=x)
        y: Floats = x @ self.layers[-1].weight.T + self.layers[-1].bias.T
        return y

    def _filter(self, block: Block) -> _Filtered:
        signs: list[Bools] = []
        sure: list[Bools] = []
        x, exact = block.floats
        size = np.abs(x).max(axis=0)
        finite = size < 2.0**1000  # sums cannot overflow
        error = np.zeros(x.shape[1]) if exact else size * (_U * _UP) + 2.0**-1070
        undecided = 0
        for layer in self.layers[:-1]:
            x = layer.weight @ x
            x += layer.bias
            error = self._grown(error, size, layer, block)
            # an error of 0 means that the value is exact, 0 or not
            known = finite & ((np.abs(x).min(axis=0, initial=np.inf) > error) | (error == 0))
            if not known.all():
                unknown = ~known
                undecided += int((~(np.abs(x[:, unknown]) > error[unknown])).sum())
            sure.append(known)
            signs.append(x > 0)
            np.maximum(x, 0, out=x)
            size = x.max(axis=0, initial=0.0)
            error[known & (size == 0)] = 0  # no neuron is active
        layer = self.layers[-1]
        y = layer.weight @ x + layer.bias
        error = self._grown(error, size, layer, block)
        error[~finite] = np.inf
        return _Filtered(signs, sure, y, error, undecided)

    def _grown(self, error: Floats, size: Floats, layer: _Layer, block: Block) -> Floats:
        """The error behind a layer of what entered it with this error and largest absolute value."""
        reach = size + error + layer.largest
        if self._fits(error, reach, layer, block):
            return error
        grown: Floats = (error + reach * layer.unit) * _UP
        # products, weights and bounds that underflow: each by at most 2^-1075
        grown[reach > 0] += 2.0**-1060 + (layer.weight.shape[1] + 8) * 2.0**-1073
        return grown

    def _fits(self, error: Floats, reach: Floats, layer: _Layer, block: Block) -> bool:
        """Whether this layer is exact: weights and inputs are, every product and partial sum is an
        integer over `2^(s + exponent)`, and none of these integers is above 2^53
        (2^52 leaves room for rounding in the bound)."""
        s, longest = block.fraction_bits, max(layer.exponent, default=0)
        if s is None or s + longest > 1000 or longest > 53 or error.any():
            return False
        return bool(reach.max(initial=0.0) * 2.0 ** (s + longest) <= 2.0**52)

    def _vanishes(self, depth: int, word: NDArray[np.uint8]) -> bool:
        """Whether the outputs are 0 for this pattern of the hidden layers from `depth` on, as an affine
        function of what enters the first of them; exactly."""
        bits, first = np.unpackbits(word)[1:].tolist(), 0
        *hidden, last = self.network.layers[depth:]
        inputs = self.layers[depth].weight.shape[1]
        # rows over what enters and the constant 1
        a = fmpz_mat([[int(i == k) for k in range(inputs + 1)] for i in range(inputs + 1)])
        for rows in hidden:
            active = bits[first : first + len(rows)]
            first += len(rows)
            some = [row if on else [0] * len(row) for row, on in zip(rows, active, strict=True)]
            a = fmpz_mat([*some, [0] * (a.nrows() - 1) + [1]]) * a
        return not any((fmpz_mat(last) * a).entries())

    def _bits(self, error: Floats) -> int:
        """How many bits an output of a point with denominator 1 can have that floats cannot tell
        from 0: it is at most twice the error, in the units of the last layer."""
        return 2 + math.frexp(float(error.max(initial=0.0)))[1] + max(self.layers[-1].exponent)


def _at(signs: list[Bools], places: Places) -> list[Bools]:
    return [s if len(places) == s.shape[1] else s[:, places] for s in signs]


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
