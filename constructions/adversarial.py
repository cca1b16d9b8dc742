"""Worst cases: instances on a line that need as many neurons as the lower bounds say."""

from __future__ import annotations

import numpy as np

from constructions.problem import FineTuningProblem

__all__ = ["alternating", "halves", "one_sign", "worst_case"]


def worst_case(
    edits: int, layers: int, points: int | None = None, *, positive: bool = False
) -> FineTuningProblem:
    """The instance with the largest known lower bound for networks of this depth; further points, if
    `points` asks for more than the instance has, are protected ones to the right.

    Raises:
        ValueError: fewer points than the instance has, where it cannot do with fewer.

    >>> worst_case(2, 2).delta
    {2: Fraction(1, 1), 5: Fraction(-1, 1)}
    """
    if positive:
        return one_sign(edits, points)
    if layers == 3 and (points is None or points > 4 * edits):
        return halves(edits, points)
    return alternating(edits, 3 * edits + 2 if points is None else points)


def alternating(edits: int, points: int) -> FineTuningProblem:
    """Points `0, 1, .., K-1`; the `i`-th wanted value is `(-1)^i` if it is edited and 0 if not, with no
    more than two protected points side by side as far as `K <= 3N + 2` (THEORY 1).

    All inner second differences alternate in sign, so that `min(3N, K-2)` breakpoints are needed.

    >>> alternating(2, 8).delta == {2: 1, 5: -1}, alternating(2, 5).delta == {2: 1, 4: 1}
    (True, True)
    """
    if not 0 <= edits <= points or points < 1:
        raise ValueError(f"{edits} edits among {points} points: expected 0 <= N <= K and K >= 1")
    free, chosen, place = points - edits, [], 0
    for _ in range(edits):
        zeros = min(2, free)
        free -= zeros
        chosen.append(place + zeros)
        place += zeros + 1
    return _on_integers(points, {i: (-1) ** i for i in chosen})


def halves(edits: int, points: int | None = None) -> FineTuningProblem:
    """`K = 4N + 1` points, edits four apart, the first half `+1`, the second half `-1` (THEORY 2).

    >>> halves(3).delta == {2: 1, 6: 1, 10: -1}
    True
    """
    total = _at_least(4 * edits + 1, points)
    return _on_integers(total, {4 * k + 2: 1 if 2 * k < edits else -1 for k in range(edits)})


def one_sign(edits: int, points: int | None = None) -> FineTuningProblem:
    """`K = 4N + 1` points, edits four apart, all `+1`: `3N` breakpoints are needed (THEORY 2).

    >>> one_sign(2).delta == {2: 1, 6: 1}
    True
    """
    return _on_integers(_at_least(4 * edits + 1, points), {4 * k + 2: 1 for k in range(edits)})


def _at_least(needed: int, points: int | None) -> int:
    if points is not None and points < needed:
        raise ValueError(f"points is {points}: this instance has {needed}")
    return needed if points is None else points


def _on_integers(points: int, edits: dict[int, int]) -> FineTuningProblem:
    return FineTuningProblem(np.arange(points, dtype=np.int64).reshape(-1, 1), edits=edits)
