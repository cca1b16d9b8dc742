"""Three layers: a grid of groups and columns, `min_r ceil(N/r) + 4r` neurons for any `K`.

The rate `Theta(sqrt N)` is from [Sohn2024]; the constants 4 and, for changes of one sign, 3 a
column are this project's own.
"""

from __future__ import annotations

from flint import fmpq

from constructions.crossing import crossing
from constructions.folding import Folding, Limits, Line, fold
from constructions.line import LineProblem, power_of_two_at_least
from constructions.network import ReLUNetwork

__all__ = ["column_functions", "grid", "three_layer_memorizer"]


def column_functions(line: LineProblem, folding: Folding, column: int) -> tuple[list[Line], list[Line], fmpq]:
    """The lines of `h` and `v` of one column, group by group, and the largest wanted value.

    `h` vanishes at the column's edit of every group and at no other data point; `v` takes the
    wanted value there. A group without an edit in this column lets both go on flat.
    """
    h: list[Line] = []
    v: list[Line] = []
    largest = fmpq(0)
    for k, group in enumerate(folding.groups):
        place = group[column] if column < len(group) else None
        t = line.positions[group[0] if place is None else place]
        value = fmpq(0) if place is None else line.values[place]
        largest = max(largest, abs(value))
        if folding.fresh(k):
            h.append(Line(fmpq(place is not None), t, fmpq(place is None)))
            v.append(Line(fmpq(0), t, value))
            continue
        knot = folding.knots[k - 1][0]
        if place is None:
            h.append(Line(fmpq(0), knot, h[-1](knot)))
            v.append(Line(fmpq(0), knot, v[-1](knot)))
        else:
            h.append(Line.through(knot, h[-1](knot), t, fmpq(0)))
            v.append(Line.through(knot, v[-1](knot), t, value))
    return h, v, largest


def _steepness(
    line: LineProblem, folding: Folding, column: int, h: list[Line], v: list[Line], c: fmpq
) -> fmpq:
    """A power of two `M` with `|M h| >= c + |v|` at every data point off the column.

    On a piece with an edit at `t`, every other data point `x` has `|x - t| >= gap`, so
    `(M |h'| - |v'|) gap >= c + |v(t)|` is enough.
    """
    bounds = []
    for k, group in enumerate(folding.groups):
        if column < len(group):
            gap = line.gap(group[column])
            reach = (c + abs(v[k].y)) / gap + abs(v[k].slope)
            bounds.append(reach / abs(h[k].slope))
        else:
            bounds.append((c + abs(v[k].y)) / abs(h[k].y))
    return power_of_two_at_least(max(bounds))


def grid(
    line: LineProblem, columns: int, restart_every: int | None = None, limits: Limits | None = None
) -> ReLUNetwork:
    """`ceil(N/r) + 4r` neurons (`+ 3r` if all changes have one sign), however large `K` is.

    With `|M h| <= c - |v|` at a column's edits (where `h = 0`) and `|M h| >= c + |v|` elsewhere,
    `relu(Mh+c+v) - relu(Mh+c) - relu(Mh-c+v) + relu(Mh-c)` is `v` at the edits and 0 elsewhere;
    for one sign `relu(Mh+v) + relu(Mh-v) - 2 relu(Mh)` is `|v|`, resp. 0. Restarts every `s`
    gaps add `floor((ceil(N/r)-1)/s)` neurons and bound the length of the numbers; with `s = 1`
    dyadic data give dyadic weights.

    >>> points = [fmpq(i) for i in range(40)]
    >>> line = LineProblem(points, [fmpq(i % 2 * (i - 20)) for i in range(40)])
    >>> net = grid(line, columns=2)
    >>> net.widths, net([[t] for t in points]) == [i % 2 * (i - 20) for i in range(40)]
    ((10, 8), True)
    """
    folding = fold(line.positions, line.edits, columns, restart_every)
    one_sign = line.one_sign
    sign = fmpq(1 if line.values[line.edits[0]] > 0 else -1)
    weight: list[list[fmpq]] = []
    bias: list[fmpq] = []
    output: list[fmpq] = []
    for column in range(columns):
        h, v, largest = column_functions(line, folding, column)
        c = fmpq(0) if one_sign else largest
        steepness = _steepness(line, folding, column, h, v, c)
        h_row, h_bias = folding.pre_activation(h, limits)
        v_row, v_bias = folding.pre_activation(v, limits)
        if one_sign:
            units = [(1, 0, sign), (-1, 0, sign), (0, 0, -2 * sign)]
        else:
            units = [(1, 1, fmpq(1)), (0, 1, fmpq(-1)), (1, -1, fmpq(-1)), (0, -1, fmpq(1))]
        for with_v, with_c, out in units:
            weight.append([steepness * a + with_v * b for a, b in zip(h_row, v_row, strict=True)])
            bias.append(steepness * h_bias + with_v * v_bias + with_c * c)
            output.append(out)
    return ReLUNetwork.of([folding.first_layer, (weight, bias), ([output], [fmpq(0)])], inputs=1)


def three_layer_memorizer(
    line: LineProblem, columns: int, restart_every: int | None = None, limits: Limits | None = None
) -> ReLUNetwork:
    """All values at all `K` positions by `ceil(K/r) + r` neurons: `ceil(2 sqrt K)` for the best r.

    Every point is an edit of the crossing function, lifted to positive heights by a bias.

    >>> points = [fmpq(i) for i in range(9)]
    >>> line = LineProblem(points, [fmpq((-1) ** i) for i in range(9)])
    >>> net = three_layer_memorizer(line, columns=3)
    >>> net.widths, net([[t] for t in points]) == [(-1) ** i for i in range(9)]
    ((3, 3), True)
    """
    lift = 2 * power_of_two_at_least(line.largest or fmpq(1))
    heights = {place: value + lift for place, value in enumerate(line.values)}
    hidden, signs = crossing(line.positions, heights, 2 * lift, columns, restart_every, limits)
    return ReLUNetwork.of([*hidden, ([signs], [-lift])], inputs=1)
