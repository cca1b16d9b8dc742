"""Two hidden layers that memorize with `2 sqrt(3N) + 1` neurons, after [Huang2003]."""

from __future__ import annotations

from flint import fmpq

from constructions.bounds import least_width
from constructions.direction import best_projection
from constructions.line import LineProblem, power_of_two_at_least, to_line
from constructions.network import Layer, ReLUNetwork
from constructions.problem import FineTuningProblem
from constructions.three_layer import grid

__all__ = ["memorize"]


def memorize(problem: FineTuningProblem) -> ReLUNetwork:
    """`ceil(N/r) + 3r` neurons for the best `r`: at most `2 sqrt(3N) + 1`, for `N = K`.

    Huang's network has sigmoids, an arbitrarily small error and `2 sqrt((m + 2) N)` neurons for `m` outputs:
    `L` groups of `N/L` points and `L` pairs that gate the groups. The closest exact ReLU network is the grid
    for changes of one sign (`constructions.three_layer`), whose gates stand in the second layer; an output
    bias lifts all values above 0.

    For the count let `m` be the integer in `(2 sqrt(3N), 2 sqrt(3N) + 1]`, so that `m^2 >= 12N + 1`, and `r`
    next to `m/6`. Then `r (m - 3r) = m^2/12 - 3 (r - m/6)^2 >= (12N + 1)/12 - 3/4 > N - 1`; being an integer
    it is at least `N`, so `ceil(N/r) <= m - 3r`. Without rounding, `2 sqrt(3N)` allows 3 neurons for one
    point, less than the `1 + 3` of this form.

    >>> net = memorize(FineTuningProblem([[0], [1], [3]], edits={0: 5, 1: -1, 2: 2}))
    >>> net.widths, net([[0], [1], [3]]) == [5, -1, 2]
    ((3, 3), True)
    """
    projection = best_projection(problem)
    line = to_line(problem, projection)
    lift = 2 * power_of_two_at_least(line.largest or fmpq(1))
    lifted = LineProblem(line.positions, [value + lift for value in line.values])
    *hidden, last = grid(lifted, least_width(len(lifted.edits), 3)[1]).layers
    lowered = Layer.of([[fmpq(entry) for entry in last.weight[0]]], [-lift], len(last.weight[0]))
    return ReLUNetwork((*hidden, lowered)).along(projection.direction)
