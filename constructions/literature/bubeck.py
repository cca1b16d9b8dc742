"""Real values at points in general position with `4 ceil(N/d)` neurons [Bubeck2020], after [Baum1988]."""

from __future__ import annotations

from constructions.general_position import Places, joined
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem

__all__ = ["slabs"]


def slabs(problem: FineTuningProblem) -> ReLUNetwork:
    """Two layers, four neurons for each group of `d` edits, as `constructions.general_position` makes them.

    Raises:
        ValueError: a point lies on every hyperplane through a group of others, or a group is affinely
            dependent: the points are not in general position.

    >>> square = FineTuningProblem([[0, 0], [0, 1], [1, 0], [3, 2]], edits={0: 1, 1: -2, 2: 3})
    >>> net = slabs(square)
    >>> net.neurons, net(square.points) == [1, -2, 3, 0]
    (8, True)
    """
    places, values = Places.of(problem)
    edits, signed = list(values), []
    for start in range(0, len(edits), problem.d):
        bump = places.bump({k: values[k] for k in edits[start : start + problem.d]})
        if bump is None:
            raise ValueError(
                "not in general position: a group of points is affinely dependent, or a point lies on every "
                "hyperplane through a group of others"
            )
        signed.append((bump, 0))
    return joined(signed, problem.d)
