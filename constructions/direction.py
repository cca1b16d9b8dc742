"""A direction that keeps apart what must be told apart: the reduction to a line.

The reduction is that of [Sohn2024]; small integer entries keep the numbers of the network short.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.problem import FineTuningProblem

__all__ = ["choose_direction", "relative_gap"]

_TRIES = 8


def relative_gap(problem: FineTuningProblem, direction: tuple[int, ...]) -> Fraction:
    """Least gap around an edited projection over the range of all projections; exact.

    0 means that two points with different changes fall together: the direction is of no use.

    >>> relative_gap(FineTuningProblem([[0, 0], [1, 0], [4, 0]], edits={1: 1}), (1, 0))
    Fraction(1, 4)
    """
    return _gap(problem.project(direction).numerators, _kinds(problem))


def _kinds(problem: FineTuningProblem) -> NDArray[np.int64]:
    """A number for each point: 0 where nothing changes, equal where the changes are equal."""
    numbers = {change: k for k, change in enumerate(dict.fromkeys(problem.delta.values()), start=1)}
    kinds = np.zeros(problem.K, dtype=np.int64)
    for i, change in problem.delta.items():
        kinds[i] = numbers[change]
    return kinds


def _gap(projections: NDArray[Any], kind: NDArray[np.int64]) -> Fraction:
    order = np.argsort(projections, kind="stable")
    t, k = projections[order], kind[order]
    steps = t[1:] - t[:-1]
    together = steps == 0
    if bool(np.any(together & (k[1:] != k[:-1]))):
        return Fraction(0)
    near_edit = ((k[1:] != 0) | (k[:-1] != 0)) & ~together
    if not bool(near_edit.any()):
        return Fraction(1)
    return Fraction(int(steps[near_edit].min()), int(t[-1] - t[0]))


def choose_direction(problem: FineTuningProblem, seed: int = 0) -> tuple[int, ...]:
    """An integer vector `u` with `u.x_i != u.x_j` whenever the changes at `i` and `j` differ.

    Entries are drawn from `-b..b` with `b = 1, 3, 7, ..`; of the candidates of the first range
    that holds a valid one, and of the next range, the one with the largest `relative_gap` wins.
    A random vector fails for a given pair with probability at most `1/(2b+1)`, so the search
    ends. All comparisons are exact; the result depends on the problem and the seed alone.

    >>> choose_direction(FineTuningProblem([[5], [6]], edits={0: 1}))
    (1,)
    """
    d = problem.d
    if d == 1 or not problem.delta:
        return (1,) + (0,) * (d - 1)
    rng = np.random.default_rng(seed)
    kinds = _kinds(problem)
    best: tuple[Fraction, tuple[int, ...]] | None = None
    bound = 1
    while True:
        found = best
        for _ in range(_TRIES):
            u = tuple(int(entry) for entry in rng.integers(-bound, bound, size=d, endpoint=True))
            gap = _gap(problem.project(u).numerators, kinds)
            if gap > 0 and (best is None or gap > best[0]):
                best = (gap, u)
        if best is not None and found is not None:  # one range more than the first that served
            return best[1]
        bound = 2 * bound + 1
