"""Two layers: `FTC_2(N, K) = min(3N, K-2)` for all `K >= 5`, by three constructions on a line.

- `tents`: three neurons an edit, whatever else lies around it;
- `memorizer`: all `K` values by `K-2` neurons, from the five-point lemma;
- `fewest_breakpoints`: the piecewise linear interpolant with the least number of breakpoints.

The definition of FTC is from [Sohn2024]; the exact value and its proof are this project's own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from flint import fmpq

from constructions.line import LineProblem, power_of_two_at_least
from constructions.network import ReLUNetwork

__all__ = [
    "Interpolant",
    "Neuron",
    "fewest_breakpoints",
    "five_points",
    "least_breakpoints",
    "memorizer",
    "tents",
]


class Neuron(NamedTuple):
    """`jump * relu(t - breakpoint)`, or `jump * relu(breakpoint - t)` if it faces left."""

    breakpoint: fmpq
    jump: fmpq
    faces_left: bool = False

    def __call__(self, t: fmpq) -> fmpq:
        reach = self.breakpoint - t if self.faces_left else t - self.breakpoint
        return self.jump * max(reach, fmpq(0))


class Interpolant(NamedTuple):
    """A continuous piecewise linear function: its slope jumps by `slopes[k+1] - slopes[k]` at
    `breakpoints[k]`, and its value at `t` is `y`."""

    breakpoints: list[fmpq]
    slopes: list[fmpq]
    t: fmpq
    y: fmpq

    def neurons(self, left: Collection[int]) -> list[Neuron]:
        """One neuron a breakpoint, those in `left` facing left: the same slope jumps."""
        jumps = [b - a for a, b in zip(self.slopes, self.slopes[1:], strict=False)]
        return [
            Neuron(point, jump, k in left)
            for k, (point, jump) in enumerate(zip(self.breakpoints, jumps, strict=True))
        ]


def _network(neurons: Sequence[Neuron], t: fmpq, y: fmpq) -> ReLUNetwork:
    """The sum of the neurons, with the output bias that gives the value `y` at `t`.

    The size of a jump goes into the hidden row (`relu(a z) = a relu(z)` for `a > 0`), so that
    output weights are signs and every row has a denominator of its own.
    """
    weight, bias, signs = [], [], []
    for neuron in neurons:
        slope = -abs(neuron.jump) if neuron.faces_left else abs(neuron.jump)
        weight.append([slope])
        bias.append(-slope * neuron.breakpoint)
        signs.append(fmpq(1 if neuron.jump > 0 else -1))
    offset = y - sum((neuron(t) for neuron in neurons), fmpq(0))
    return ReLUNetwork.of([(weight, bias), ([signs], [offset])], inputs=1)


def tents(line: LineProblem) -> ReLUNetwork:
    """`3N` neurons: for each edit a tent that vanishes outside a window free of other points.

    `tent(t) = delta/e (relu(t - t_i + e) - 2 relu(t - t_i) + relu(t - t_i - e))` is `delta` at
    `t_i` and 0 for `|t - t_i| >= e`. With `e` a power of two, dyadic data give dyadic weights.

    >>> net = tents(LineProblem([fmpq(0), fmpq(1), fmpq(2)], [fmpq(0), fmpq(5), fmpq(0)]))
    >>> net.neurons, net([[0], [1], [2], [7]]) == [0, 5, 0, 0]
    (3, True)
    """
    neurons = []
    for i in line.edits:
        t, e = line.positions[i], power_of_two_at_least(line.gap(i))
        if e > line.gap(i):
            e /= 2
        slope = line.values[i] / e
        neurons += [Neuron(t - e, slope), Neuron(t, -2 * slope), Neuron(t + e, slope)]
    return _network(neurons, line.positions[0], line.values[0])


def _secants(t: Sequence[fmpq], y: Sequence[fmpq]) -> list[fmpq]:
    return [(y[i + 1] - y[i]) / (t[i + 1] - t[i]) for i in range(len(t) - 1)]


def _interpolant(t: Sequence[fmpq], y: Sequence[fmpq]) -> Interpolant:
    """The interpolant with the least number of breakpoints.

    Two neighbouring second differences of one sign share the point where the secants on either
    side of them meet; so a run of `n` of them costs `ceil(n/2)` breakpoints, and the 1st, 3rd,
    5th, .. window of each run shows that fewer do not suffice.
    """
    s = _secants(t, y)
    breakpoints: list[fmpq] = []
    slopes = s[:1] or [fmpq(0)]
    i = 1
    while i < len(s):
        bend = s[i] - s[i - 1]
        if bend == 0:
            i += 1
            continue
        if i + 1 < len(s) and (s[i + 1] - s[i]) * bend > 0:
            # the secant left of place i and the one right of place i+1 meet between the two
            meet = t[i] + (y[i + 1] - y[i] - s[i + 1] * (t[i + 1] - t[i])) / (s[i - 1] - s[i + 1])
            breakpoints.append(meet)
            slopes.append(s[i + 1])
            i += 2
        else:
            breakpoints.append(t[i])
            slopes.append(s[i])
            i += 1
    return Interpolant(breakpoints, slopes, t[0], y[0])


def least_breakpoints(line: LineProblem) -> int:
    """The least number of breakpoints of an interpolant: no two-layer network has fewer neurons.

    >>> least_breakpoints(LineProblem([fmpq(i) for i in range(4)], [fmpq(v) for v in (0, 1, 1, 0)]))
    1
    """
    x, y = line.positions, line.values
    near = {j for i in line.edits for j in (i - 1, i, i + 1) if 0 < j < len(x) - 1}
    bends = [
        (j, (y[j + 1] - y[j]) * (x[j] - x[j - 1]) - (y[j] - y[j - 1]) * (x[j + 1] - x[j]))
        for j in sorted(near)
    ]
    count, last, free = 0, fmpq(0), -1
    for j, bend in bends:
        # the second of two neighbours of one sign shares the breakpoint of the first
        shares = free == j and bend * last > 0
        if bend != 0 and not shares:
            count, last, free = count + 1, bend, j + 1
    return count


def _from_interpolant(line: Interpolant, start: fmpq) -> list[Neuron]:
    """`p` neurons if some piece is flat (neurons face away from it), else `p + 1`."""
    flat = next((k for k, slope in enumerate(line.slopes) if slope == 0), None)
    if flat is not None:
        return line.neurons(range(flat))
    return [Neuron(start, line.slopes[0]), *line.neurons(())]


def fewest_breakpoints(line: LineProblem) -> ReLUNetwork:
    """The interpolant with the least number `p` of breakpoints, by `p` or `p + 1` neurons.

    `p` is the sum of `ceil(n/2)` over the maximal runs of `n` consecutive nonzero second
    differences of one sign, and no piecewise linear interpolant along the line has fewer.

    >>> ramp = LineProblem([fmpq(i) for i in range(6)], [fmpq(v) for v in (0, 0, 1, 2, 3, 3)])
    >>> fewest_breakpoints(ramp).neurons
    2
    """
    function = _interpolant(line.positions, line.values)
    neurons = _from_interpolant(function, line.positions[0])
    return _network(neurons, function.t, function.y)


def five_points(t: Sequence[fmpq], y: Sequence[fmpq]) -> list[Neuron]:
    """Five-point lemma: any 5 values at 5 points are a constant plus at most 3 neurons.

    If the three second differences do not strictly alternate in sign, two breakpoints
    interpolate. If they do, say `s2 - s1 > 0 > s3 - s2` and `s4 - s3 > 0`, then
    `s3 - s4 <= s1` or `s2 - s1 >= s4`, for otherwise `s2 < (s2 - s1) - (s4 - s3) < s3`.
    In the first case start with slope `s3 - s4`, break where this line meets the secant of
    points 2 and 3, at point 3 and at point 4, the last neuron facing left; the second case is
    the mirror image.

    >>> points, values = [fmpq(i) for i in range(5)], [fmpq(v) for v in (0, 1, -1, 2, 0)]
    >>> neurons = five_points(points, values)
    >>> len(neurons), {v - sum(n(t) for n in neurons) for t, v in zip(points, values)}
    (3, {15})
    """
    function = _interpolant(t, y)
    if len(function.breakpoints) <= 2:
        return _from_interpolant(function, t[0])
    s1, s2, s3, s4 = _secants(t, y)
    if s2 < s1:
        return [n._replace(jump=-n.jump) for n in five_points(t, [-v for v in y])]
    if s3 - s4 > s1:
        mirrored = five_points([-x for x in reversed(t)], list(reversed(y)))
        return [Neuron(-n.breakpoint, n.jump, not n.faces_left) for n in reversed(mirrored)]
    start = s3 - s4
    first = t[1] - (y[1] - y[0] - start * (t[1] - t[0])) / (s2 - start)
    lemma = Interpolant([first, t[2], t[3]], [start, s2, s3, s4], t[0], y[0])
    return lemma.neurons({2})


def memorizer(line: LineProblem) -> ReLUNetwork:
    """All values at `K >= 5` positions by at most `K - 2` neurons.

    The first five points cost 3 neurons, and every further point to the right one neuron that
    starts at its left neighbour. With fewer than 5 positions: `fewest_breakpoints`.
    """
    t, y = line.positions, line.values
    if len(t) < 5:
        return fewest_breakpoints(line)
    neurons = five_points(t[:5], y[:5])
    slope = sum((n.jump for n in neurons if not n.faces_left), fmpq(0))
    # right of point 4 no neuron bends: the breakpoints of the lemma lie in [t_1, t_5)
    for i, secant in enumerate(_secants(t, y)[4:], start=4):
        if secant != slope:
            neurons.append(Neuron(t[i], secant - slope))
            slope = secant
    return _network(neurons, t[0], y[0])
