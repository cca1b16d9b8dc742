"""The hyperplane through the origin that stays furthest from given points, on whatever sides they lie.

For fixed sides it is the one whose normal is the point nearest to the origin in the convex hull of the
points, each times the sign of its side [Wolfe1976]. Sides are searched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["nearest_in_hull", "widest_direction"]

Floats = NDArray[np.float64]

_DRAWN, _TRIED, _FLIPS = 1024, 4, 24
_BUDGET = 10**7  # entries of `rows` times tries, or times random vectors by 40
_AT_ONCE = 512  # points of which the nearest in the hull is sought, before all are looked at
_CLOSE, _ZERO = 1e-9, 1e-12
_ROUNDS = 50
_WORK = 2 * 10**9


def widest_direction(rows: Floats, rng: np.random.Generator, leave: int = 0) -> tuple[Floats, float]:
    """A unit vector `a` with a large least `|row . a|`, and this number; 0 if every one that was found is
    orthogonal to some row. `leave` rows, fewer than all, do not count: the nearest to the best of many random
    hyperplanes.

    The sides of the best of many random vectors, and one side for all, are tried; then single rows that
    hold the best one back change their side, as long as this helps.

    >>> rows = np.array([[1.0, 1.0], [1.0, -1.0], [-3.0, 0.5]])
    >>> vector, least = widest_direction(rows, np.random.default_rng(0))
    >>> round(least, 6), bool(np.isclose(np.abs(rows @ vector).min(), least))
    (1.0, True)
    """
    budget = _BUDGET // rows.size
    count = min(_DRAWN, max(64, 40 * budget)) if rows.shape[1] > 1 else 1
    drawn = rng.normal(size=(rows.shape[1], count))
    drawn /= np.linalg.norm(drawn, axis=0)
    if leave:
        rows = _without(rows, drawn, leave)
    least = np.full(drawn.shape[1], np.inf)
    for k in range(0, len(rows), 4096):
        np.minimum(least, np.abs(rows[k : k + 4096] @ drawn).min(axis=0), out=least)
    starts = [rows @ drawn[:, k] for k in np.argsort(-least)[: max(1, min(_TRIED, budget) - 1)]]
    starts.append(np.ones(len(rows)))
    best: tuple[Floats, float, Floats, list[int]]
    best = drawn[:, least.argmax()], float(least.max()), np.ones(len(rows)), []
    for start in starts:
        found = _within(rows, np.where(start < 0, -1.0, 1.0), (), best[1])
        best = max(best, found, key=lambda one: one[1])
    flips = 0
    while flips < min(_FLIPS, budget):
        _, width, side, holding = best
        for k in holding:
            flips += 1
            other = side.copy()
            other[k] *= -1
            found = _within(rows, other, [j for j in holding if j != k], width)
            if found[1] > width * (1 + _CLOSE):
                best = found
                break
        else:
            break
    return best[0], best[1]


def _without(rows: Floats, drawn: Floats, leave: int) -> Floats:
    """Rows less the `leave` that are nearest to the hyperplane, of those drawn, that has the others
    furthest."""
    best, kept = -1.0, rows
    for vector in drawn.T:
        away = np.abs(rows @ vector)
        order = np.argpartition(away, leave)
        if away[order[leave]] > best:
            best, kept = float(away[order[leave]]), rows[order[leave:]]
    return kept


def _within(
    rows: Floats, side: Floats, start: Sequence[int], below: float
) -> tuple[Floats, float, Floats, list[int]]:
    """The widest unit vector for given sides, its width, the sides, and the rows that hold it back."""
    turned = rows * side[:, None]
    point, holding = nearest_in_hull(turned, start, below)
    size = float(np.linalg.norm(point))
    if size == 0:
        return np.eye(rows.shape[1])[0], 0.0, side, []
    return point / size, max(0.0, float((turned @ point).min()) / size), side, holding


def nearest_in_hull(
    points: Floats, start: Sequence[int] = (), below: float = 0.0
) -> tuple[Floats, list[int]]:
    """The point nearest to the origin in the convex hull, and the few points that it is a mean of
    [Wolfe1976]. `start` may name points that are likely among these; one nearer than `below` will do.

    >>> nearest_in_hull(np.array([[1.0, 1.0], [1.0, -1.0], [3.0, 0.0]]))[0].tolist()
    [1.0, 0.0]
    """
    if len(points) > 2 * _AT_ONCE:
        return _in_parts(points, start, below)
    scale = np.abs(points).max() or 1.0
    points = points / scale
    chosen = list(start) or [int(np.einsum("ij,ij->i", points, points).argmin())]
    shares = np.full(len(chosen), 1 / len(chosen))
    width = points.shape[1]
    for _ in range(min(10 * (width + 10), max(50, _WORK // width**3))):  # fewer in very many dimensions
        while True:  # the nearest point of the affine hull, unless a share is negative there
            some = points[chosen]
            gram = some @ some.T + 1
            gram.flat[:: len(gram) + 1] += _ZERO
            wanted = np.linalg.solve(gram, np.ones(len(gram)))
            wanted /= wanted.sum()
            low = wanted <= _ZERO
            if not low.any():
                shares = wanted
                break
            step = min(1.0, float((shares[low] / np.maximum(shares[low] - wanted[low], _ZERO)).min()))
            shares = (1 - step) * shares + step * wanted
            keep = shares > _ZERO
            if keep.all():
                keep[shares.argmin()] = False
            chosen = [k for k, kept in zip(chosen, keep, strict=True) if kept]
            shares = shares[keep] / shares[keep].sum()
        nearest = shares @ points[chosen]
        along = points @ nearest
        new, size = int(along.argmin()), nearest @ nearest
        if along[new] >= size * (1 - _CLOSE) or size < max(_ZERO, below / scale) ** 2 or new in chosen:
            break
        chosen, shares = [*chosen, new], np.append(shares, 0.0)
    return nearest * scale, chosen


def _in_parts(points: Floats, start: Sequence[int], below: float) -> tuple[Floats, list[int]]:
    """The same for many points: of a few, until no other is nearer along what was found."""
    sizes = np.einsum("ij,ij->i", points, points)
    few = np.union1d(np.argpartition(sizes, _AT_ONCE)[:_AT_ONCE], np.array(start, dtype=np.intp))
    inside = np.searchsorted(few, np.array(start, dtype=np.intp)).tolist()
    for _ in range(min(_ROUNDS, max(3, _WORK // (10 * points.shape[1] ** 3)))):
        nearest, holding = nearest_in_hull(points[few], inside, below)
        chosen = few[holding]
        along = points @ nearest
        if along.argmin() in few or nearest @ nearest < below**2:  # as near as floats tell, or near enough
            break
        few = np.union1d(np.argpartition(along, _AT_ONCE)[:_AT_ONCE], chosen)
        inside = np.searchsorted(few, chosen).tolist()
    return nearest, chosen.tolist()
