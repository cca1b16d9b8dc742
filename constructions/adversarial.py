"""Worst cases: instances on a line that need as many neurons as the lower bounds say."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from constructions.bounds import ceil_two_sqrt, lower_halves, lower_windows
from constructions.problem import FineTuningProblem

__all__ = ["alternating", "halves", "one_sign", "worst_case"]

_LOW = Fraction(1, 4)  # an edit so small beside 1 that it turns no second difference with a 1 in it


def worst_case(
    edits: int, layers: int, points: int | None = None, *, positive: bool = False
) -> FineTuningProblem:
    """`N` edits among `K` points that need as many neurons as `bounds.lower_on_line` says; `obstruct`
    proves it.

    Without `points`, as many as the bound for large `K` asks for.

    Raises:
        ValueError: not `0 <= N <= K` and `K >= 1`, or fewer than two layers.

    >>> worst_case(2, 2).delta
    {2: Fraction(1, 1), 5: Fraction(-1, 1)}
    >>> sorted(worst_case(3, 2, 5, positive=True).delta.items())
    [(0, Fraction(1, 4)), (2, Fraction(1, 1)), (4, Fraction(1, 1))]
    """
    if layers < 2:
        raise ValueError(f"layers is {layers}: expected an integer from 2")
    if positive:
        return one_sign(edits, points)
    if layers == 3 and lower_halves(edits, points) >= lower_windows(3, edits, points):
        return halves(edits, points)
    return alternating(edits, points)


def alternating(edits: int, points: int | None = None) -> FineTuningProblem:
    """Points `0, 1, .., K-1`; the `i`-th wanted value is `(-1)^i` if it is edited and 0 if not, with no
    more than two protected points side by side as far as `K <= 3N + 2`, which is the default.

    All inner second differences alternate in sign, so that `min(3N, K-2)` breakpoints are needed.

    >>> alternating(2, 8).delta == {2: 1, 5: -1}, alternating(2, 5).delta == {2: 1, 4: 1}
    (True, True)
    """
    total = _total(edits, points, 3 * edits + 2)
    free, chosen, place = total - edits, [], 0
    for _ in range(edits):
        zeros = min(2, free)
        free -= zeros
        chosen.append(place + zeros)
        place += zeros + 1
    return _on_integers(total, {i: Fraction((-1) ** i) for i in chosen})


def halves(edits: int, points: int | None = None) -> FineTuningProblem:
    """Edits four apart, first some of `+1`, then others of `-1`; by default `K = 4N + 1`.

    Two convex windows lie around each `+1`, two concave ones around each `-1` (one, if it is the last
    point). The two parts are as long as each other, or as `bounds.lower_halves` makes best. Fewer points
    have room for `(K+1) // 4` of these edits; the others are `1/4`, from the left, and leave the windows.

    >>> halves(3).delta == {2: 1, 6: 1, 10: -1}, sorted(halves(4, 10).delta)
    (True, [0, 1, 2, 6])
    """
    total = _total(edits, points, 4 * edits + 1)
    used, found = min(edits, (total + 1) // 4), min(2 * edits, (total - 1) // 2)
    first = max(
        range(found // 2, -1, -1),
        key=lambda p: (ceil_two_sqrt(2 * p + 1) + ceil_two_sqrt(found - 2 * p + 1), -abs(2 * p - used)),
    )
    high = {4 * k + 2: Fraction(1 if k < first else -1) for k in range(used)}
    return _on_integers(total, _with_low(high, edits, total))


def one_sign(edits: int, points: int | None = None) -> FineTuningProblem:
    """All edits positive; by default `K = 4N + 1`, edits four apart: `3N` breakpoints are needed.

    With fewer points edits are two apart, `0 0 + 0 + 0 .. + 0 0`, and as many of them four apart as there
    is room for; below `K = 2N + 1`, where edits are left over, these are `1/4`, from the left. Up to
    `K = 2N + 3` second differences alternate in sign, so that `K-2` breakpoints are needed.

    >>> one_sign(2).delta == {2: 1, 6: 1}, one_sign(3, 9).delta == {2: 1, 4: 1, 6: 1}
    (True, True)
    """
    total = _total(edits, points, 4 * edits + 1)
    wide = max(0, (total - 2 * edits - 3) // 2)
    places = (2 * k + 2 + 2 * min(k, wide) for k in range(edits))
    return _on_integers(total, _with_low({i: Fraction(1) for i in places if i < total}, edits, total))


def _total(edits: int, points: int | None, default: int) -> int:
    total = default if points is None else points
    if not 0 <= edits <= total or total < 1:
        raise ValueError(f"{edits} edits among {total} points: expected 0 <= N <= K and K >= 1")
    return total


def _with_low(high: dict[int, Fraction], edits: int, points: int) -> dict[int, Fraction]:
    """As many small edits more, at the first free places, as make `edits`."""
    free = (i for i in range(points) if i not in high)
    return high | {i: _LOW for i, _ in zip(free, range(edits - len(high)), strict=False)}


def _on_integers(points: int, edits: Mapping[int, Fraction]) -> FineTuningProblem:
    return FineTuningProblem(np.arange(points, dtype=np.int64).reshape(-1, 1), edits=edits)
