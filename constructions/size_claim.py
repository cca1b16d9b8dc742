"""Claims about constructions: how many neurons and weights they need, and for which problems."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import fmpq, fmpq_mat

from constructions.exact import exact_array
from constructions.network import Layer, ReLUNetwork
from constructions.problem import FineTuningProblem
from constructions.size_formula import SizeFormula

__all__ = [
    "ALL_EDITED",
    "DISTINCT",
    "GENERAL_POSITION",
    "ONE_SIGN",
    "Failure",
    "Hypothesis",
    "Layers",
    "SizeClaim",
    "Trial",
    "few_values",
    "separation",
]

Layers = Sequence[tuple[Any, Any]]
"""Weights `(m, n)` and biases `(m,)` of every layer, exact numbers; a float is the rational of its bits."""


@dataclass(frozen=True)
class Hypothesis:
    """What a claim asks of a problem."""

    name: str
    text: str
    holds: Callable[[FineTuningProblem], bool]


@dataclass(frozen=True)
class Failure:
    """How a claim fails at a problem: what was expected and got, at a point if it is about one."""

    what: str
    expected: str
    got: str
    point: int | None = None


@dataclass(frozen=True)
class Trial:
    """What a construction made of one problem: `network` is None if it made none."""

    network: ReLUNetwork | None
    allowed: int
    failure: Failure | None


@dataclass(frozen=True)
class SizeClaim:
    """For every problem that meets the `hypotheses`, `construct(problem)` is a network that solves it with
    at most `neurons(N, K, d)` hidden neurons in all layers together, and `layers` layers (None: any number).

    If `weights(N, K, d)` is given, it has at most so many weights too, as `ReLUNetwork.weights` counts.
    `construct` may return a `ReLUNetwork` or plain `(weight, bias)` layers. `source` is a citation key.

    >>> def average(problem):
    ...     return [([], []), ([[]], [sum(problem.delta.values()) / problem.K])]
    >>> claim = SizeClaim("average", "nobody", average, "0", 2)
    >>> claim.on_trial(FineTuningProblem([[0], [1]], edits={1: 1})).failure
    Failure(what='output', expected='0', got='1/2', point=0)
    """

    name: str
    source: str
    construct: Callable[[FineTuningProblem], ReLUNetwork | Layers]
    neurons: SizeFormula | str
    layers: int | None
    hypotheses: tuple[Hypothesis, ...] = ()
    weights: SizeFormula | str | None = None

    def unmet(self, problem: FineTuningProblem) -> list[Hypothesis]:
        """The hypotheses that the problem does not meet: the claim says nothing about it if there are any."""
        return [hypothesis for hypothesis in self.hypotheses if not hypothesis.holds(problem)]

    def allowed(self, problem: FineTuningProblem) -> int:
        """The claimed number of neurons, rounded down."""
        return self._neurons.floor(problem.N, problem.K, problem.d)

    def allowed_weights(self, problem: FineTuningProblem) -> int | None:
        """The claimed number of weights, rounded down; None if there is no such claim."""
        weights = self._weights
        return None if weights is None else weights.floor(problem.N, problem.K, problem.d)

    @cached_property
    def _neurons(self) -> SizeFormula:
        return SizeFormula.parse(self.neurons) if isinstance(self.neurons, str) else self.neurons

    @cached_property
    def _weights(self) -> SizeFormula | None:
        return SizeFormula.parse(self.weights) if isinstance(self.weights, str) else self.weights

    def on_trial(self, problem: FineTuningProblem) -> Trial:
        """Build, count and evaluate exactly, whatever the hypotheses say. What `construct` raises, and what
        is no network, fails. It gets a copy of the problem, and only the numbers of a network count."""
        allowed, weights = self.allowed(problem), self.allowed_weights(problem)
        try:
            made = self.construct(copy.deepcopy(problem))
            network = _network(made, problem.d)
            outputs = network(problem.points)
        except Exception as error:
            return Trial(None, allowed, Failure("network", "one", f"{type(error).__name__}: {error}"))
        for i, got in enumerate(outputs):
            wanted = problem.delta.get(i, Fraction(0))
            if got != wanted:
                return Trial(network, allowed, Failure("output", str(wanted), str(got), i))
        if self.layers is not None and network.depth != self.layers:
            return Trial(network, allowed, Failure("layers", str(self.layers), str(network.depth)))
        if network.neurons > allowed:
            return Trial(network, allowed, Failure("neurons", f"at most {allowed}", str(network.neurons)))
        if weights is not None and network.weights > weights:
            return Trial(network, allowed, Failure("weights", f"at most {weights}", str(network.weights)))
        return Trial(network, allowed, None)


def _checked(made: ReLUNetwork, inputs: int) -> ReLUNetwork:
    """The network without what a class of its own may add, if shapes and entries are as `Layer` says: numpy
    would repeat a bias that is too short, and neurons are counted by biases."""
    layers, width = [], inputs
    for number, layer in enumerate(made.layers):
        arrays = layer.weight, layer.bias, layer.denominator
        count = len(layer.bias)
        if [array.shape for array in arrays] != [(count, width), (count,), (count,)]:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ValueError(f"layers[{number}] has shapes {shapes}, which do not fit to {width} inputs")
        whole = all(type(entry) is int for array in arrays for entry in array.flat)
        if not whole or any(common < 1 for common in layer.denominator):
            raise ValueError(f"layers[{number}] is not of integers, over positive ones")
        layers.append(Layer(*arrays))
        width = count
    if width != 1:
        raise ValueError(f"the network has {width} outputs: expected one")
    return ReLUNetwork(tuple(layers))


def _network(made: ReLUNetwork | Layers, inputs: int) -> ReLUNetwork:
    if isinstance(made, ReLUNetwork):
        return _checked(made, inputs)
    rows, width = [], inputs
    for weight, bias in made:
        offsets = [fmpq(x.numerator, x.denominator) for x in _fractions(bias)]
        table = [[fmpq(x.numerator, x.denominator) for x in _fractions(row)] for row in weight]
        if len(table) != len(offsets) or any(len(row) != width for row in table):
            raise ValueError(f"a layer with {len(offsets)} biases does not fit to {width} inputs")
        rows.append((table, offsets))
        width = len(offsets)
    if width != 1:
        raise ValueError(f"the network has {width} outputs: expected one")
    return ReLUNetwork.of(rows, inputs)


def _fractions(values: Any) -> list[Fraction]:
    array = exact_array(values, "entries") if len(values) else None
    return [] if array is None else [array[k] for k in range(len(values))]


def _distinct(problem: FineTuningProblem) -> bool:
    return len(set(map(tuple, problem.points.numerators.tolist()))) == problem.K


def _general_position(problem: FineTuningProblem) -> bool:
    """No `d+1` points on a hyperplane: every `min(K, d+1)` points are affinely independent."""
    rows = [[*row, problem.points.denominator] for row in problem.points.numerators.tolist()]
    size = min(problem.K, problem.d + 1)
    return all(
        fmpq_mat([[fmpq(x) for x in row] for row in some]).rank() == size
        for some in itertools.combinations(rows, size)
    )


DISTINCT = Hypothesis("distinct points", "no two points are equal", _distinct)
ONE_SIGN = Hypothesis("one sign", "all changes have one sign", lambda problem: problem.one_sign)
ALL_EDITED = Hypothesis("N = K", "every point changes (memorization)", lambda problem: problem.N == problem.K)
GENERAL_POSITION = Hypothesis("general position", "no d+1 points lie on a hyperplane", _general_position)


def few_values(most: int) -> Hypothesis:
    """The edited points fall into at most `most` classes of equal changes.

    >>> few_values(1).holds(FineTuningProblem([[0], [1]], edits={0: 1, 1: 2}))
    False
    """
    return Hypothesis(
        f"at most {most} values",
        f"the changes take at most {most} values",
        lambda problem: len(set(problem.delta.values())) <= most,
    )


def separation(ratio: int) -> Hypothesis:
    """The largest distance of two points is at most `ratio` times the least distance of different ones;
    exact, by squares.

    >>> [separation(ratio).holds(FineTuningProblem([[0], [1], [9], [9]])) for ratio in (8, 9)]
    [False, True]
    """

    def holds(problem: FineTuningProblem) -> bool:
        points = problem.points.numerators
        if points.dtype == object or problem.d * (2 * abs(points.astype(object)).max()) ** 2 >= 1 << 63:
            points = points.astype(object)
        squares: set[int] = set()
        for i in range(1, len(points)):
            to_earlier = ((points[:i] - points[i]) ** 2).sum(axis=1)
            different = to_earlier[to_earlier > 0]
            if len(different):
                squares |= {int(different.min()), int(different.max())}
        return not squares or max(squares) <= ratio**2 * min(squares)

    return Hypothesis(f"separation {ratio}", f"no distance is above {ratio} times another", holds)
