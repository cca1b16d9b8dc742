"""A direction that keeps apart what must be told apart: the reduction to a line.

The reduction is that of [Sohn2024]; small integer entries keep the numbers of the network short.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from constructions.exact import row_chunks
from constructions.problem import FineTuningProblem
from constructions.projection import Projection

__all__ = ["best_projection", "choose_direction", "relative_gap"]

_TRIES = 8
_POOL = 1 << 12  # with fewer points, threads cost more than they save


def relative_gap(problem: FineTuningProblem, direction: tuple[int, ...]) -> Fraction:
    """Least gap around an edited projection over the range of all projections; exact.

    0 means that two points with different changes fall together: the direction is of no use.

    >>> relative_gap(FineTuningProblem([[0, 0], [1, 0], [4, 0]], edits={1: 1}), (1, 0))
    Fraction(1, 4)
    """
    t = Projection.of(problem.points, direction)
    if not _keeps_apart(t, problem.kinds):
        return Fraction(0)
    edited = problem.kinds[t.order] != 0
    near = np.flatnonzero((edited[1:] | edited[:-1]) & ~t.together)
    if not len(near):
        return Fraction(1)
    steps = t.numerators(t.order[near + 1]) - t.numerators(t.order[near])
    first, last = t.numerators(t.order[[0, -1]])
    return Fraction(min(steps), last - first)


def choose_direction(problem: FineTuningProblem, seed: int = 0) -> tuple[int, ...]:
    """An integer vector `u` with `u.x_i != u.x_j` whenever the changes at `i` and `j` differ.

    Entries are drawn from `-b..b` with `b = 1, 3, 7, ..`. Every candidate has a score, its
    `relative_gap` in floating point. The candidates of the first range where some score is positive
    compete with those of the next range (where no score is, a range stands alone): in the order
    of the scores, the first that is exactly valid wins. So no verdict rests on floats, and one exact
    projection is enough as a rule. A random vector fails for a given pair with probability at most
    `1/(2b+1)`, so the search ends. The result depends on the problem and the seed alone: the
    scores are sums in a fixed order.

    >>> choose_direction(FineTuningProblem([[5], [6]], edits={0: 1}))
    (1,)
    """
    return best_projection(problem, seed).direction


def best_projection(problem: FineTuningProblem, seed: int = 0) -> Projection:
    """The projection onto `choose_direction`."""
    if problem.d == 1 or not problem.delta:
        return Projection.of(problem.points, (1,) + (0,) * (problem.d - 1))
    rng = np.random.default_rng(seed)
    waiting: list[tuple[float, tuple[int, ...]]] = []
    bound = 1
    while True:
        drawn = rng.integers(-bound, bound, size=(_TRIES, problem.d), endpoint=True).tolist()
        scores = _scores(problem, drawn)
        candidates = waiting + [(score, tuple(u)) for score, u in zip(scores, drawn, strict=True)]
        if not waiting and max(scores) > 0:
            waiting = candidates
        else:
            for _, u in sorted(candidates, key=lambda candidate: -candidate[0]):
                t = Projection.of(problem.points, u)
                if _keeps_apart(t, problem.kinds):
                    return t
            waiting = []
        bound = 2 * bound + 1


def _keeps_apart(t: Projection, kinds: NDArray[np.int32]) -> bool:
    kind = kinds[t.order]
    return not bool(np.any(t.together & (kind[1:] != kind[:-1])))


def _scores(problem: FineTuningProblem, directions: list[list[int]]) -> list[float]:
    projections = np.zeros((len(directions), problem.K))
    edited = np.array(list(problem.delta))
    with np.errstate(all="ignore"):
        for rows in row_chunks(problem.points.values):
            columns = np.ascontiguousarray(problem.points.floats(rows).T)
            for t, u in zip(projections[:, rows], directions, strict=True):
                for entry, column in zip(u, columns, strict=True):
                    if entry:
                        t += column if entry == 1 else entry * column
    if problem.K < _POOL:
        return [_score(t, t[edited], problem.kinds[edited]) for t in projections]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # sorting lets other threads run
        return list(pool.map(lambda t: _score(t, t[edited], problem.kinds[edited]), projections))


def _score(t: NDArray[np.float64], at: NDArray[np.float64], kinds: NDArray[np.int32]) -> float:
    """The relative gap of the points `t`, of which those `at` are edited; 0 if it is in doubt."""
    order = np.argsort(at)
    at, kinds = at[order], kinds[order]
    t.sort()
    first, behind = np.searchsorted(t, at, "left"), np.searchsorted(t, at, "right")
    edits = np.searchsorted(at, at, "right") - np.searchsorted(at, at, "left")
    if np.any(behind - first != edits) or np.any((at[1:] == at[:-1]) & (kinds[1:] != kinds[:-1])):
        return 0.0
    left, right = first > 0, behind < len(t)
    with np.errstate(all="ignore"):
        steps = np.append(at[left] - t[first[left] - 1], t[behind[right]] - at[right])
        score = float(steps.min() / (t[-1] - t[0])) if len(steps) else 1.0
    # rounded, so that of a vector and its multiples the first and shortest wins
    return float(f"{score:.9g}") if 0 < score <= 1 else 0.0
