"""Exact functions of one number: what a network, or one of its neurons, does along a direction."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from constructions import FineTuningProblem, ReLUNetwork
from verify.engine.line import Pieces, pieces
from verify.kernel import Network

__all__ = ["Signal", "clipped", "positions", "pre_activations", "scale", "signals", "wider"]


@dataclass(frozen=True)
class Signal:
    """A continuous piecewise linear function of `t`: `slope * t + value` by `affine[i]` between
    `breakpoints[i-1]` and `breakpoints[i]`, exact, with a change of the slope at every breakpoint."""

    breakpoints: list[Fraction]
    affine: list[tuple[Fraction, Fraction]]

    def __call__(self, t: Fraction) -> Fraction:
        slope, value = self.affine[bisect_right(self.breakpoints, t)]
        return slope * t + value


def signals(found: Pieces) -> list[Signal]:
    """One for each output.

    >>> network = Network([[[1, 0], [1, -2]], [[1, -1, 0]]], [2])  # (relu(t) - relu(t - 2)) / 2
    >>> [ramp] = signals(pieces(network, [1]))
    >>> ramp.breakpoints, ramp(Fraction(1)), ramp(Fraction(7))
    ([Fraction(0, 1), Fraction(2, 1)], Fraction(1, 2), Fraction(1, 1))
    >>> both = Network([[[1, 0], [1, -2]], [[1, 0, 0], [0, 1, 0]]], [1, 1])  # relu(t) and relu(t - 2)
    >>> [one.breakpoints for one in signals(pieces(both, [1]))]
    [[Fraction(0, 1)], [Fraction(2, 1)]]
    """
    bounds = [Fraction(int(t.p), int(t.q)) for t in found.bounds]
    out = []
    for column in zip(*found.affine, strict=True):
        affine = [(Fraction(int(a.p), int(a.q)), Fraction(int(b.p), int(b.q))) for a, b in column]
        bends = [k for k in range(len(bounds)) if affine[k + 1] != affine[k]]
        out.append(Signal([bounds[k] for k in bends], [affine[0], *(affine[k + 1] for k in bends)]))
    return out


def pre_activations(network: ReLUNetwork, direction: Sequence[int], layer: int) -> list[Signal]:
    """Of all neurons of a layer, from 1; the last layer has the outputs. All first-layer rows must be
    multiples of the direction.

    Raises:
        ValueError: there is no such layer, the network is no function along the direction, or it has too many
            pieces.

    >>> from constructions import build
    >>> problem = FineTuningProblem([[t] for t in range(5)], edits={2: 3})
    >>> network = build(problem, 2, construction="tents").network
    >>> [g] = pre_activations(network, (1,), 2)
    >>> [str(t) for t in g.breakpoints], str(g(Fraction(2)))
    (['1', '2', '3'], '3')
    """
    if not 1 <= layer <= network.depth:
        raise ValueError(f"layer is {layer}: expected 1 to {network.depth}")
    if len(direction) != network.inputs or not any(direction):
        raise ValueError(f"direction is {tuple(direction)}: expected {network.inputs} integers, not all 0")
    pivot = next(k for k, u in enumerate(direction) if u)
    for row in network.layers[0].weight.tolist():
        if any(w * direction[pivot] != row[pivot] * u for w, u in zip(row, direction, strict=True)):
            raise ValueError(f"the first layer is not a function along the direction {tuple(direction)}")
    found = pieces(_integers(network, layer, pivot, direction[pivot]), [1])
    if found is None:
        raise ValueError("the network has too many pieces to draw")
    return signals(found)


def _integers(network: ReLUNetwork, depth: int, pivot: int, entry: int) -> Network:
    """The first layers as functions of `t`: every denominator goes into the next layer."""
    below, rows = [entry], network.layers[0].weight[:, [pivot]]
    layers = []
    for k, layer in enumerate(network.layers[:depth]):
        common = math.lcm(*below)
        weight = rows if k == 0 else layer.weight
        layers.append(
            [
                [w * (common // q) for w, q in zip(row, below, strict=True)] + [b * common]
                for row, b in zip(weight.tolist(), layer.bias.tolist(), strict=True)
            ]
        )
        below = [q * common for q in layer.denominator.tolist()]
    return Network(layers, below)


def positions(problem: FineTuningProblem, direction: Sequence[int]) -> list[Fraction]:
    """`direction . x` of every point, exactly.

    >>> positions(FineTuningProblem([[1, 0.5], [2, 0]]), (1, -2))
    [Fraction(0, 1), Fraction(2, 1)]
    """
    points = problem.points
    rows = points.numerators.tolist()
    return [
        Fraction(sum(x * u for x, u in zip(row, direction, strict=True)), points.denominator) for row in rows
    ]


def clipped(
    f: Callable[[Fraction], Fraction], places: Sequence[Fraction], limit: Fraction
) -> tuple[list[Fraction], list[Fraction]]:
    """The graph of a function that is linear between places: `t` and `y`, where what is beyond `-limit` or
    `limit` is moved there. What lies between is as it was.

    >>> t, y = clipped(lambda t: 8 * t, [Fraction(-1), Fraction(1)], Fraction(4))
    >>> [str(x) for x in t], [str(x) for x in y]
    (['-1', '-1/2', '1/2', '1'], ['-4', '-4', '4', '4'])
    """
    values = [f(t) for t in places]
    line = list(zip(places, values, strict=True))
    out = line[:1]
    for (a, p), (b, q) in pairwise(line):
        for level in (-limit, limit) if p < q else (limit, -limit):
            if min(p, q) < level < max(p, q):
                out.append((a + (b - a) * (level - p) / (q - p), level))
        out.append((b, q))
    return [t for t, _ in out], [max(-limit, min(limit, y)) for _, y in out]


def wider(low: Fraction, high: Fraction, part: int = 25) -> tuple[Fraction, Fraction]:
    """An interval with a margin of one `part` of it at each end, or of 1 if it is a point.

    >>> [str(t) for t in wider(Fraction(0), Fraction(10), 20)]
    ['-1/2', '21/2']
    """
    margin = (high - low) / part or Fraction(1)
    return low - margin, high + margin


def scale(low: Fraction, high: Fraction, label: str) -> tuple[Callable[[Fraction], float], str]:
    """How numbers of an interval become floats, and the label of the axis: as they are, or from 0 to 1 (from
    -1 to 1, if the interval is symmetric) where floats are too coarse, too short or too small for them."""
    size = max(abs(low), abs(high))
    if size < 10**300 and high - low > Fraction(1, 10**300) and (high - low) * 10**10 > size:
        return lambda t: t.numerator / t.denominator, label
    if low == -high:
        return lambda t: float(t / size), f"{label} (1 = the largest)"
    return lambda t: float((t - low) / (high - low)), f"{label} (scaled to 0..1)"
