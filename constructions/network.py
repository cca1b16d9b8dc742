"""ReLU networks with exact rational weights: integers and one denominator a row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq, fmpz
from numpy.typing import NDArray

from constructions.exact import ExactArray, exact_array

__all__ = ["Layer", "ReLUNetwork"]

Row = Sequence[fmpq]


@dataclass(frozen=True)
class Layer:
    """The affine map `x -> (weight x + bias) / denominator`, row by row.

    `weight` has shape `(out, in)`, `bias` and `denominator` have shape `(out,)`; all are object
    arrays of Python integers, and the denominators are positive. One denominator a row (and not
    one for the layer) keeps rows short whose denominators have nothing in common.
    """

    weight: NDArray[Any]
    bias: NDArray[Any]
    denominator: NDArray[Any]

    def __post_init__(self) -> None:
        for array in (self.weight, self.bias, self.denominator):
            if array.dtype != object:  # int64 would overflow in silence
                raise TypeError(f"a layer holds Python integers, in object arrays, and not {array.dtype}")

    @classmethod
    def of(cls, weight: Sequence[Row], bias: Row, inputs: int) -> Layer:
        """From rational rows; `inputs` is needed when there is no row."""
        out = cls(*(np.empty(shape, dtype=object) for shape in ((len(bias), inputs),) + 2 * ((len(bias),),)))
        for k, (row, offset) in enumerate(zip(weight, bias, strict=True)):
            common = math.lcm(int(offset.q), *(int(entry.q) for entry in row))
            out.weight[k, :] = [int(entry.p) * (common // int(entry.q)) for entry in row]
            out.bias[k] = int(offset.p) * (common // int(offset.q))
            out.denominator[k] = common
        # rationals are reduced already: no need to find that out again
        entries = itertools.chain(bias, *weight)
        out.__dict__["bits"] = max((max(_bits(x.p), _bits(x.q)) for x in entries), default=0)
        return out

    @cached_property
    def bits(self) -> int:
        """The longest reduced numerator or denominator of a weight or bias, in bits."""
        longest = 0
        for row, offset, common in zip(self.weight, self.bias, self.denominator, strict=True):
            for entry in {*row.tolist(), offset}:
                if max(entry.bit_length(), common.bit_length()) <= longest:
                    continue  # a gcd makes them only shorter
                shared = math.gcd(entry, common)
                longest = max(longest, (entry // shared).bit_length(), (common // shared).bit_length())
        return longest

    @property
    def weights(self) -> int:
        """The nonzero weights and biases, where equal rows of `weight / denominator` count once."""
        rows = set()
        for row, common in zip(self.weight.tolist(), self.denominator.tolist(), strict=True):
            shared = math.gcd(common, *row)
            rows.add((common // shared, *(entry // shared for entry in row)))
        return int(np.count_nonzero(self.bias)) + sum(bool(entry) for _, *row in rows for entry in row)

    @property
    def written_bits(self) -> int:
        """The longest integer as it is written: the entries of a row share a denominator."""
        arrays = (self.weight, self.bias, self.denominator)
        entries = (int(entry) for array in arrays for entry in array.flat)
        return max((entry.bit_length() for entry in entries), default=0)


def _bits(x: fmpz) -> int:
    return int(x.height_bits())


@dataclass(frozen=True)
class ReLUNetwork:
    """Affine layers with a ReLU after each but the last; `network(points)` evaluates exactly.

    >>> one, zero = fmpq(1), fmpq(0)
    >>> net = ReLUNetwork.of([([[one], [-one]], [zero, zero]), ([[one, one]], [zero])], inputs=1)
    >>> net.widths, net.neurons, net.depth, net([[-3], [fmpq(1, 2)]])
    ((2,), 2, 2, [Fraction(3, 1), Fraction(1, 2)])
    """

    layers: tuple[Layer, ...]

    @classmethod
    def of(cls, layers: Sequence[tuple[Sequence[Row], Row]], inputs: int) -> ReLUNetwork:
        """From rational `(weight, bias)` pairs."""
        widths = [inputs] + [len(bias) for _, bias in layers]
        return cls(tuple(Layer.of(w, b, n) for (w, b), n in zip(layers, widths, strict=False)))

    @classmethod
    def constant(cls, value: fmpq, depth: int, inputs: int) -> ReLUNetwork:
        """A network without neurons: hidden layers of width 0 and an output bias."""
        hidden: list[tuple[Sequence[Row], Row]] = [([], []) for _ in range(depth - 1)]
        return cls.of([*hidden, ([[fmpq(0)] * (0 if depth > 1 else inputs)], [value])], inputs)

    @property
    def inputs(self) -> int:
        return int(self.layers[0].weight.shape[1])

    @property
    def depth(self) -> int:
        """The number of layers: hidden layers and the output layer."""
        return len(self.layers)

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        return tuple(len(layer.bias) for layer in self.layers[:-1])

    @property
    def neurons(self) -> int:
        return sum(self.widths)

    @property
    def weights(self) -> int:
        """The number of nonzero weights and biases, where neurons of a layer with equal rows of weights
        share them: such a row counts once.

        >>> rows = [[fmpq(1), fmpq(2)], [fmpq(1), fmpq(2)]], [fmpq(0), fmpq(5)]
        >>> ReLUNetwork.of([rows, ([[fmpq(1), fmpq(3)]], [fmpq(0)])], inputs=2).weights
        5
        """
        return sum(layer.weights for layer in self.layers)

    @property
    def bits(self) -> int:
        """The longest reduced numerator or denominator of the network, in bits."""
        return max(layer.bits for layer in self.layers)

    @property
    def written_bits(self) -> int:
        """The longest integer of the network over the common denominator of its row, in bits."""
        return max(layer.written_bits for layer in self.layers)

    @property
    def dyadic(self) -> bool:
        """Whether every weight and bias is an integer over a power of two."""
        for layer in self.layers:
            for row, b, q in zip(layer.weight, layer.bias, layer.denominator, strict=True):
                odd = q // (q & -q)
                if any(entry % odd for entry in {*row.tolist(), b}):
                    return False
        return True

    def __call__(self, points: Any) -> list[Fraction]:
        """The exact outputs at `points`, shape `(K, inputs)`, of a network with one output."""
        values = self.hidden(points)[-1]
        return [Fraction(int(value), values.denominator) for value in values.numerators[:, 0]]

    def hidden(self, points: Any) -> list[ExactArray]:
        """The exact pre-activations of every layer, each of shape `(K, width)`."""
        x = exact_array(points, "points")
        a, scale = x.numerators.astype(object), x.denominator
        out = []
        for layer in self.layers:
            common = math.lcm(1, *layer.denominator.tolist())
            factor = common // layer.denominator if len(layer.bias) else layer.denominator
            no_inputs = np.zeros((len(a), len(layer.bias)), dtype=object)
            z = a @ layer.weight.T if layer.weight.shape[1] else no_inputs
            z = (z + layer.bias * scale) * factor  # last: rows are shorter without the other denominators
            scale *= common
            out.append(ExactArray(z, scale))
            a = np.maximum(z, 0)
        return out

    def along(self, direction: Sequence[int]) -> ReLUNetwork:
        """A network of one input `t` as a network of `x` with `t = direction . x`."""
        first = self.layers[0]
        u = np.array([int(entry) for entry in direction], dtype=object)
        weight = first.weight * u[None, :] if len(first.bias) else np.empty((0, len(u)), object)
        if self.depth == 1:
            raise ValueError("a network along a direction needs a hidden layer")
        return ReLUNetwork((Layer(weight, first.bias, first.denominator), *self.layers[1:]))

    def without(self, layer: int, neuron: int) -> ReLUNetwork:
        """The network that is left when one neuron of a hidden layer (both from 0) is taken out: all other
        weights and biases stay as they are. To see what a neuron is good for.

        Raises:
            ValueError: there is no such hidden layer or neuron.

        >>> one, zero = fmpq(1), fmpq(0)
        >>> net = ReLUNetwork.of([([[one], [-one]], [zero, zero]), ([[one, one]], [zero])], inputs=1)
        >>> net.without(0, 1).widths, net.without(0, 1)([[-3], [2]]) == [0, 2]
        ((1,), True)
        """
        if not 0 <= layer < self.depth - 1:
            raise ValueError(f"layer is {layer}: expected one of the {self.depth - 1} hidden layers, from 0")
        if not 0 <= neuron < self.widths[layer]:
            raise ValueError(f"neuron is {neuron}: expected one of the {self.widths[layer]} there, from 0")
        layers = list(self.layers)
        rows = (layers[layer].weight, layers[layer].bias, layers[layer].denominator)
        layers[layer] = Layer(*(np.delete(array, neuron, axis=0) for array in rows))
        layers[layer + 1] = replace(
            layers[layer + 1], weight=np.delete(layers[layer + 1].weight, neuron, axis=1)
        )
        return ReLUNetwork(tuple(layers))

    def deepened(self, depth: int, floor: Fraction | fmpq | int) -> ReLUNetwork:
        """The same outputs from `depth` layers, wherever they are at least `-floor`.

        Every new layer has one neuron: `g = relu(g + floor) - floor`.
        """
        extra = depth - self.depth
        if extra < 0:
            raise ValueError(f"the network has {self.depth} layers already, more than {depth}")
        if extra == 0:
            return self
        *hidden, last = self.layers
        if self.neurons == 0:
            value = fmpq(last.bias[0], last.denominator[0])
            return ReLUNetwork.constant(value, depth, self.inputs)
        low = fmpq(floor.numerator, floor.denominator) if isinstance(floor, Fraction) else fmpq(floor)
        row = [fmpq(w, last.denominator[0]) for w in last.weight[0]]
        offset = fmpq(last.bias[0], last.denominator[0]) + low
        carry = Layer.of([[fmpq(1)]], [fmpq(0)], 1)
        return ReLUNetwork(
            (
                *hidden,
                Layer.of([row], [offset], len(row)),
                *[carry] * (extra - 1),
                Layer.of([[fmpq(1)]], [-low], 1),
            )
        )
