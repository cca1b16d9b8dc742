"""Memorization with two layers and `2N + d` parameters [Zhang2017]."""

from __future__ import annotations

from flint import fmpq

from constructions.direction import choose_direction
from constructions.line import to_line
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem

__all__ = ["memorize"]


def memorize(problem: FineTuningProblem) -> ReLUNetwork:
    """`sum_j w_j relu(u.x - b_j)` with one neuron a position and no output bias.

    Along a direction `u` that keeps the points apart, with `b_1 < t_1 < b_2 < t_2 < ..`, neuron `j` is 0 at
    all positions before `t_j` and positive from there on: a triangular system. The parameters are `u`,
    the `b_j` and the `w_j`.

    >>> net = memorize(FineTuningProblem([[0], [1], [3]], edits={0: 5, 1: -1, 2: 2}))
    >>> net.neurons, net([[0], [1], [3]]) == [5, -1, 2]
    (3, True)
    """
    direction = choose_direction(problem)
    line = to_line(problem, direction)
    weight, bias, out = [], [], []
    slope = offset = fmpq(0)  # the network right of the neurons so far is slope t - offset
    before = line.positions[0] - 2
    for t, value in zip(line.positions, line.values, strict=True):
        start = (before + t) / 2
        w = (value - slope * t + offset) / (t - start)
        weight.append([fmpq(1)])
        bias.append(-start)
        out.append(w)
        slope, offset, before = slope + w, offset + w * start, t
    return ReLUNetwork.of([(weight, bias), ([out], [fmpq(0)])], inputs=1).along(direction)
