"""`a1 a2` points by two hidden layers of widths `a1` and `a2`, the statement of [Inoue2019]."""

from __future__ import annotations

from constructions.bounds import crossing_width
from constructions.direction import best_projection
from constructions.line import to_line
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem
from constructions.three_layer import three_layer_memorizer

__all__ = ["best_widths", "memorize"]


def memorize(problem: FineTuningProblem, a1: int, a2: int) -> ReLUNetwork:
    """All points, edited or not, by hidden widths at most `a1` and `a2`, if there are at most `a1 a2`.

    The statement is Inoue's, who proved it with a construction of his own; the network is this project's
    `three_layer_memorizer`. His two-layer statement, proven in Coq (`H` hidden neurons memorize at least
    `H + 1` and at most `H + 2` points), is settled by `constructions.two_layer`: `memorizer` has `K - 2`
    neurons for `K >= 5` points, so it is `H + 2` for `H >= 3`.

    Raises:
        ValueError: more different projections than `a1 a2`; widths below 1.

    >>> problem = FineTuningProblem([[i] for i in range(6)], edits={i: (-2) ** i for i in range(6)})
    >>> net = memorize(problem, 2, 3)
    >>> net.widths, net(problem.points) == [(-2) ** i for i in range(6)]
    ((2, 3), True)
    """
    projection = best_projection(problem)
    line = to_line(problem, projection)
    if a1 < 1 or a2 < 1 or a1 * a2 < line.count:
        raise ValueError(
            f"a1 a2 is {a1} * {a2}: expected at least the {line.count} points, and widths from 1"
        )
    return three_layer_memorizer(line, min(a2, line.count)).along(projection.direction)


def best_widths(problem: FineTuningProblem) -> ReLUNetwork:
    """`ceil(2 sqrt K)` neurons: `memorize` with widths that differ by one at most, or nearly so.

    >>> best_widths(FineTuningProblem([[i] for i in range(6)], edits={3: 1})).neurons
    5
    """
    total, a2 = crossing_width(problem.K)
    return memorize(problem, total - a2, a2)
