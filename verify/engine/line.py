"""The route along a line: first-layer rows that are parallel make `g` a function of one number.

Then `g` is piecewise linear in `t = u . x`, and the pieces are found once, exactly, layer by layer.
A protected point is settled as soon as its `t` is known to lie in a piece where `g` is zero.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from flint import fmpq

from verify.kernel import Network

__all__ = ["Pieces", "common_direction", "pieces"]

Affine = tuple[fmpq, fmpq]
"""Slope and value at 0."""

_ZERO = fmpq(0)
_LONG = 2000  # bits of a weight


def common_direction(network: Network, inputs: int) -> list[int] | None:
    """The primitive integer vector that all rows of the first layer are multiples of, if any.

    >>> common_direction(Network([[[2, -4, 1], [-3, 6, 0]], [[1, 1, 0]]], [1]), 2)
    [1, -2]
    """
    direction: list[int] | None = None
    for *row, _ in network.layers[0]:
        common = math.gcd(*row)
        if common == 0:
            continue
        primitive = [w // common for w in row]
        if next(w for w in primitive if w) < 0:
            primitive = [-w for w in primitive]
        if direction is not None and primitive != direction:
            return None
        direction = primitive
    return direction or [1] + [0] * (inputs - 1)


@dataclass(frozen=True)
class Pieces:
    """`g` along `direction`: on the interval between `bounds[i-1]` and `bounds[i]` it is
    `affine[i]`, one affine function for each output."""

    direction: list[int]
    bounds: list[fmpq]
    affine: list[list[Affine]]

    def __call__(self, t: fmpq) -> list[fmpq]:
        """The exact outputs at `t`."""
        return [slope * t + value for slope, value in self.affine[bisect_right(self.bounds, t)]]

    @property
    def zero(self) -> list[bool]:
        """For each piece, whether all outputs are zero on it."""
        return [all(slope == 0 and value == 0 for slope, value in piece) for piece in self.affine]


@dataclass
class _Signal:
    """What the neurons of a layer put out along the line: affine functions left of all events,
    and events `(t, neuron, change of slope, change of value)` in increasing order of `t`."""

    start: list[Affine]
    events: list[tuple[fmpq, int, fmpq, fmpq]]


def _rational(layers: list[list[list[int]]], denominators: list[int]) -> list[list[list[fmpq]]]:
    """The same function in short numbers: long rows are divided by positive numbers, with which the
    columns of the next layer are multiplied."""
    out, scales = [], [fmpq(1)] * (len(layers[0][0]) - 1 if layers[0] else 0)
    for depth, rows in enumerate(layers):
        last = depth == len(layers) - 1
        divided, factors = [], []
        for k, row in enumerate(rows):
            factor = fmpq(denominators[k] if last else 1)
            if not last and max(map(int.bit_length, row)) > _LONG:
                first = next(j for j, w in enumerate(row) if w)
                factor = abs(row[first] * [*scales, fmpq(1)][first])
            divided.append([w * s / factor for w, s in zip(row, [*scales, fmpq(1)], strict=True)])
            factors.append(factor)
        out.append(divided)
        scales = factors
    return out


def pieces(network: Network, direction: list[int], most: int = 20_000_000) -> Pieces | None:
    """All pieces of `g` along the direction, exactly; None if that takes more than about `most` steps."""
    pivot = next(k for k, u in enumerate(direction) if u)
    rows = [[row[pivot] // direction[pivot], row[-1]] for row in network.layers[0]]
    signal = _Signal([(fmpq(1), _ZERO)], [])  # the line itself
    *hidden, last = _rational([rows, *network.layers[1:]], network.denominators)
    for layer in hidden:
        most -= (len(signal.events) + 1) * len(layer)
        if most < 0:
            return None
        signal = _relu(layer, signal)
    bounds, affine = _outputs(last, signal)
    return Pieces(direction, bounds, affine)


def _start(rows: list[list[fmpq]], signal: _Signal) -> list[Affine]:
    out = []
    for *weights, bias in rows:
        active = [(w, a) for w, a in zip(weights, signal.start, strict=True) if w]
        slope = sum((w * a[0] for w, a in active), _ZERO)
        out.append((slope, sum((w * a[1] for w, a in active), bias)))
    return out


def _relu(rows: list[list[fmpq]], signal: _Signal) -> _Signal:
    """One hidden layer: its pre-activations are affine between events; each crosses 0 once at most."""
    if not rows:
        return _Signal([], [])
    z = _start(rows, signal)
    columns = list(zip(*rows, strict=True))
    output: list[Affine] = [(_ZERO, _ZERO)] * len(rows)
    start: list[Affine] = []
    events: list[tuple[fmpq, int, fmpq, fmpq]] = []

    def emit(t: fmpq | None, k: int, new: Affine) -> None:
        old = output[k]
        if t is not None and new != old:
            events.append((t, k, new[0] - old[0], new[1] - old[1]))
        output[k] = new

    def interval(low: fmpq | None, high: fmpq | None) -> None:
        crossings = []
        for k, (slope, value) in enumerate(z):
            here = -slope if low is None else slope * low + value
            if here == 0:
                here = value if low is None else slope
            emit(low, k, (slope, value) if here > 0 else (_ZERO, _ZERO))
            if here * slope < 0:
                t = -value / slope
                if high is None or t < high:
                    crossings.append((t, k, here < 0))
        if low is None:
            start.extend(output)
        for t, k, rises in sorted(crossings):
            emit(t, k, z[k] if rises else (_ZERO, _ZERO))

    low: fmpq | None = None
    for place, (t, j, slope, value) in enumerate(signal.events):
        if place == 0 or t != low:
            interval(low, t)
            low = t
        for k, w in enumerate(columns[j]):
            if w:
                z[k] = (z[k][0] + w * slope, z[k][1] + w * value)
    interval(low, None)
    return _Signal(start, events)


def _outputs(rows: list[list[fmpq]], signal: _Signal) -> tuple[list[fmpq], list[list[Affine]]]:
    z = _start(rows, signal)
    bounds: list[fmpq] = []
    affine = [list(z)]
    events = signal.events
    for place, (t, j, slope, value) in enumerate(events):
        for k, row in enumerate(rows):
            z[k] = (z[k][0] + row[j] * slope, z[k][1] + row[j] * value)
        if (place + 1 == len(events) or events[place + 1][0] != t) and z != affine[-1]:
            bounds.append(t)
            affine.append(list(z))
    return bounds, affine
