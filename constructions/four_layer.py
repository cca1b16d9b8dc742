"""Four layers: `ceil(2 sqrt N) + 4` neurons for any `K`, one crossing of a band for each edit.

Also the sign lift, a smaller idea with shorter numbers. Both are this project's own; the lower
bound `2 sqrt(N) - 2` of `constructions.bounds` shows that no depth does essentially better.
"""

from __future__ import annotations

from flint import fmpq

from constructions.crossing import crossing
from constructions.folding import Limits
from constructions.line import LineProblem, power_of_two_at_least
from constructions.network import ReLUNetwork
from constructions.three_layer import grid

__all__ = ["band_crossing", "lowered", "sign_lift"]


def band_crossing(
    line: LineProblem, columns: int, restart_every: int | None = None, limits: Limits | None = None
) -> ReLUNetwork:
    """`ceil(N/r) + r + 4` neurons (`+ 3` if all changes have one sign).

    The output stage `D` is piecewise linear through `(0,0), (M,M), (3M,-M), (4M,0)` and 0
    outside, `M = max |delta|`; the crossing function takes the height `2M - delta` at the edits.
    For one sign it is the tent `(0,0), (M,M), (2M,0)`, and the height is `|delta|`. So `|g|` is
    at most `M` everywhere, also off the data.

    >>> points = [fmpq(i) for i in range(40)]
    >>> line = LineProblem(points, [fmpq(i % 2 * (i - 20)) for i in range(40)])
    >>> net = band_crossing(line, columns=4)
    >>> net.widths, net([[t] for t in points]) == [i % 2 * (i - 20) for i in range(40)]
    ((5, 4, 4), True)
    """
    largest = line.largest
    if line.one_sign:
        sign = fmpq(1 if line.values[line.edits[0]] > 0 else -1)
        band = 2 * largest
        heights = {i: abs(line.values[i]) for i in line.edits}
        bends, output = [fmpq(0), largest, band], [sign, -2 * sign, sign]
    else:
        band = 4 * largest
        heights = {i: 2 * largest - line.values[i] for i in line.edits}
        bends = [fmpq(0), largest, 3 * largest, band]
        output = [fmpq(1), fmpq(-2), fmpq(2), fmpq(-1)]
    hidden, signs = crossing(line.positions, heights, band, columns, restart_every, limits)
    stage = ([signs] * len(bends), [-bend for bend in bends])
    return ReLUNetwork.of([*hidden, stage, ([output], [fmpq(0)])], inputs=1)


def sign_lift(
    line: LineProblem, columns: int, restart_every: int | None = None, limits: Limits | None = None
) -> ReLUNetwork:
    """`ceil(N/r) + 3r + 2` neurons: a one-sign grid of heights `delta + B`, lifted down again.

    With `B > 2 max |delta|`, `D(s) = 3 relu(s - B/2) - 2 relu(s - B/4)` is `s - B` at every
    height and 0 around `s = 0`.

    >>> points = [fmpq(i) for i in range(12)]
    >>> line = LineProblem(points, [fmpq(i % 2 * (-1) ** (i // 2)) for i in range(12)])
    >>> net = sign_lift(line, columns=1)
    >>> net.widths, net([[t] for t in points]) == [i % 2 * (-1) ** (i // 2) for i in range(12)]
    ((6, 3, 2), True)
    """
    lift = 4 * power_of_two_at_least(line.largest or fmpq(1))
    edits = set(line.edits)
    heights = [v + lift if i in edits else fmpq(0) for i, v in enumerate(line.values)]
    encoder = grid(LineProblem(line.positions, heights), columns, restart_every, limits)
    return lowered(encoder, lift)


def lowered(encoder: ReLUNetwork, lift: fmpq) -> ReLUNetwork:
    """`D(s)` for the output `s` of a network whose values are 0, or from `lift / 2` on: `s - lift` there."""
    *hidden, last = encoder.layers
    row = [fmpq(w, last.denominator[0]) for w in last.weight[0]]
    decoder = ReLUNetwork.of(
        [([row, row], [-lift / 4, -lift / 2]), ([[fmpq(-2), fmpq(3)]], [fmpq(0)])], len(row)
    )
    return ReLUNetwork((*hidden, *decoder.layers))
