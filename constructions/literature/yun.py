"""Two hidden layers of widths `d1 d2 >= 4N` that memorize, by clips in groups [Yun2019]."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

from constructions.bounds import crossing_width
from constructions.direction import best_projection
from constructions.line import dyadic_pair, power_of_two_at_least, to_line
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem

__all__ = ["best_widths", "memorize"]

Window = tuple[fmpq, fmpq]


def memorize(problem: FineTuningProblem, d1: int, d2: int) -> ReLUNetwork:
    """Even hidden widths, at most `d1` and exactly `d2`, if `d1 d2 >= 4N`, for values at all `N = K` points.

    A clip of [Yun2019] (hard-tanh) is the difference of two ReLUs. The sorted positions are cut into groups
    of `q = d2/2`. In the first layer, one clip a group rises on a window around the group and is constant
    outside; so a combination `P_k`, `k = 1..q`, has a free slope on each window and one free level at the
    left end. The slopes are such that `P_k = (-1)^k y` at its own point of each group: the `k`-th from the
    left in odd groups, where it rises, the `k`-th from the right in even groups, where it falls. With a
    level `-Lambda` low enough at the left end, it is steep: `|P_k| >= C >= max |y|` at all other points.
    The output is

        C + sum_k (-1)^k (relu(P_k + C) - relu(P_k - C)) = C + sum_k (-1)^k (clip(P_k) + C)

    with `clip` to `[-C, C]`. At the own point of column `k` the columns before it are clipped to `C`, those
    behind it to `-C`: together `-C` if `q` is even and 0 if it is odd, and so the output is `y` either way.

    Every level and slope is an affine function of `Lambda`; in window `(a, b)` the level is multiplied by
    `-(b - t)/(t - a)`, up to a constant. So each point asks for one lower bound on `Lambda`.

    The papers are not at hand: what [Yun2019] states with `d1 d2 >= 4N` and `4 sqrt(N)` neurons leaves the
    rounding open. Here widths are even, and the best ones have `2 ceil(2 sqrt N)` neurons together: 6 for two
    points, above `4 sqrt(2)`.

    Raises:
        ValueError: a width is odd or below 2, or `d1 d2` is less than four times the number of positions.

    >>> problem = FineTuningProblem([[i] for i in range(6)], edits={i: (-2) ** i for i in range(6)})
    >>> net = memorize(problem, 6, 4)
    >>> net.widths, net(problem.points) == [(-2) ** i for i in range(6)]
    ((6, 4), True)
    """
    for name, width in (("d1", d1), ("d2", d2)):
        if width < 2 or width % 2:
            raise ValueError(f"{name} is {width}: expected an even width from 2")
    projection = best_projection(problem)
    line = to_line(problem, projection)
    if d1 * d2 < 4 * line.count:
        raise ValueError(f"d1 d2 is {d1} * {d2}: expected at least 4 N with N = {line.count} positions")
    q = d2 // 2
    t, values = list(line.positions), list(line.values)
    step = power_of_two_at_least((t[-1] - t[0]) / len(t) if len(t) > 1 else fmpq(1))
    while len(t) % q:
        t.append(t[-1] + step)
        values.append(fmpq(0))
    groups = [range(start, start + q) for start in range(0, len(t), q)]
    inner = [dyadic_pair(t[group[0] - 1], t[group[0]]) for group in groups[1:]]
    ends = [t[0] - step, *(end for pair in inner for end in pair), t[-1] + step]
    windows = list(zip(ends[::2], ends[1::2], strict=True))
    most = power_of_two_at_least(line.largest or fmpq(1))
    weight, bias, out = [], [], []
    for k in range(q):
        sign = fmpq(1 if k % 2 else -1)
        own = [group[-1 - k if j % 2 else k] for j, group in enumerate(groups)]
        slopes, start = _column(t, windows, own, [sign * values[i] for i in own], most, q)
        row = [entry for slope in slopes for entry in (slope, -slope)]
        weight += [row, row]
        bias += [start + most, start - most]
        out += [sign, -sign]
    first = [[fmpq(1)] for _ in ends], [-end for end in ends]
    return ReLUNetwork.of([first, (weight, bias), ([out], [most])], inputs=1).along(projection.direction)


def _column(
    t: Sequence[fmpq],
    windows: Sequence[Window],
    own: Sequence[int],
    values: Sequence[fmpq],
    most: fmpq,
    size: int,
) -> tuple[list[fmpq], fmpq]:
    """The slopes of a column on the windows and its level at the left end."""
    need = fmpq(1)
    fixed, factor = fmpq(0), fmpq(-1)  # the level is `fixed + factor Lambda`
    for j, ((a, b), i, value) in enumerate(zip(windows, own, values, strict=True)):
        rises = fmpq(-1 if j % 2 else 1)
        near = [abs(t[k] - t[i]) for k in (i - 1, i + 1) if j * size <= k < (j + 1) * size]
        if near:  # the slope times `rises` is to be at least (C + |value|) / min(near)
            least = (most + abs(value)) / min(near) * (t[i] - a) - rises * (value - fixed)
            need = max(need, least / abs(factor))
        turn = (b - t[i]) / (t[i] - a)
        fixed, factor = value + (value - fixed) * turn, -factor * turn
    level = start = -power_of_two_at_least(need)
    slopes = []
    for (a, b), i, value in zip(windows, own, values, strict=True):
        slopes.append((value - level) / (t[i] - a))
        level += slopes[-1] * (b - a)
    return slopes, start


def best_widths(problem: FineTuningProblem) -> ReLUNetwork:
    """`2 ceil(2 sqrt N)` neurons: twice the least `p + q` with `p q >= N`.

    >>> best_widths(FineTuningProblem([[0], [1]], edits={0: 1, 1: 2})).neurons
    6
    """
    total, q = crossing_width(problem.N)
    return memorize(problem, 2 * (total - q), 2 * q)
