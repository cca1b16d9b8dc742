"""Slabs around hyperplanes: codes at some points and 0 at all others, by weights that are floats.

A slab is a group of points on a hyperplane `h(x) = 0` and an affine function `v` with the wanted codes there.
`relu(h + v) + relu(h - v) - 2 relu(h)` is `max(0, v - |h|)` where `v >= 0`, and 0 wherever `|h| >= |v|`:
three neurons a group, whatever its codes. What is found here is near the truth and no more: whoever uses it
needs a decoder that forgives an error of `TOLERANCE`, and a checker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from constructions.margin import widest_direction

__all__ = ["TOLERANCE", "Cloud", "Encoder", "Reach", "Slab", "slab", "slab_encoder"]

Floats = NDArray[np.float64]
Reach = float | Literal["wide", "tight"]

TOLERANCE = 0.25
"""How far a code may be off, at every point."""

_RANK, _RANK_OF_ALL = 1e-9, 1e-12
_FLAT = 4.0  # the constant coordinate, for a typical size 1 of the others: flat functions are preferred
_FINEST = 60  # doublings of the steepness
_AT_ONCE = 8  # one slab of so many is cut, if floats do not carry them
_SPARE = 1 + 2.0**-5  # more than the radius that is asked for, which is rounded down in the end


@dataclass(frozen=True)
class Cloud:
    """Points, shape `(K, d)`, and coordinates along principal axes with a last one that is constant.

    A feature counts in units near its range, or near 1/256 of its largest size where that is more: so tiny
    and huge features are seen alike, and differences that floats hardly carry are not blown up.
    """

    points: Floats

    @cached_property
    def units(self) -> Floats:
        """Powers of two, shape `(d,)`."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        sizes = np.maximum(high / 2 - low / 2, np.maximum(np.abs(low), np.abs(high)) / 256)
        sizes[low == high] = 1.0
        return np.asarray(np.ldexp(1.0, np.clip(np.frexp(sizes)[1], -1000, 1000)))

    @cached_property
    def center(self) -> Floats:
        """In units."""
        points = self.points / self.units
        return np.asarray(np.clip(points.mean(axis=0), points.min(axis=0), points.max(axis=0)))

    @cached_property
    def axes(self) -> Floats:
        """Orthonormal rows that span the differences of points in units, as far as floats tell: shape
        `(rank, d)`."""
        moved = self.points / self.units - self.center
        values, vectors = np.linalg.eigh(moved.T @ moved)
        return np.ascontiguousarray(vectors[:, values > _RANK_OF_ALL * max(values[-1], 1e-300)].T)

    @cached_property
    def coordinates(self) -> Floats:
        """Shape `(K, rank + 1)`."""
        along = (self.points / self.units - self.center) @ self.axes.T
        size = np.sqrt(np.mean(np.sum(along**2, axis=1))) or 1.0
        return np.column_stack([along, np.full(len(along), _FLAT * size)])

    @property
    def rank(self) -> int:
        return len(self.axes)

    def affine(self, factors: Floats) -> Floats:
        """A linear function of the coordinates as weights of the inputs, the bias last."""
        weights = factors[:-1] @ self.axes
        bias = factors[-1] * self.coordinates[0, -1] - weights @ self.center
        with np.errstate(over="ignore"):  # of which more is found with the rounded weights
            return np.append(weights / self.units, bias)


@dataclass(frozen=True)
class Slab:
    """Points `members` on a hyperplane; `h` and `v` are weights of the inputs, the bias last. All other
    points have `|h| - |v| >= TOLERANCE`, up to rounding, and `nearest` has equality."""

    members: NDArray[np.intp]
    h: Floats
    v: Floats
    nearest: int | None

    def reach(self, factor: float = 1.0) -> float:
        """How far every input may move without a change of `|v| - factor |h|` by more than `TOLERANCE`."""
        steepness = self.steepness(factor)
        return TOLERANCE / steepness if steepness else np.inf

    def steepness(self, factor: float = 1.0) -> float:
        """By how much `|v| - factor |h|` changes at most, for a change of 1 in every input."""
        return float(factor * np.abs(self.h[:-1]).sum() + np.abs(self.v[:-1]).sum())

    def factor(self, reach: float) -> float:
        """The factor, at least 1, for which the reach is this or less."""
        room = TOLERANCE / reach - np.abs(self.v[:-1]).sum()
        return max(1.0, float(room / (np.abs(self.h[:-1]).sum() or 1.0)))

    def rows(self, factor: float, dtype: np.dtype[Any]) -> NDArray[np.floating]:
        """The three neurons, the bias last, for `factor` times `h`: infinite where `dtype` has no such
        number."""
        with np.errstate(over="ignore", invalid="ignore"):
            h = factor * self.h
            return np.array([h + self.v, h - self.v, h]).astype(dtype)


_OUT = np.array([1.0, 1.0, -2.0])


@dataclass(frozen=True)
class Encoder:
    """Slabs as one hidden layer of numbers of a dtype, `weight` of shape `(3 slabs, d)`, with output weights:
    the code is `out . relu(weight x + bias)`. The `h` of every slab is multiplied by a factor from 1 on."""

    slabs: list[Slab]
    factors: list[float]
    dtype: np.dtype[Any]
    inputs: int

    @cached_property
    def rows(self) -> NDArray[np.floating]:
        pairs = zip(self.slabs, self.factors, strict=True)
        rows = [slab.rows(factor, self.dtype) for slab, factor in pairs]
        return np.concatenate([np.empty((0, self.inputs + 1), self.dtype), *rows])

    @property
    def weight(self) -> NDArray[np.floating]:
        return self.rows[:, :-1]

    @property
    def bias(self) -> NDArray[np.floating]:
        return self.rows[:, -1]

    @property
    def hidden(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        return [(self.weight, self.bias)]

    @property
    def out(self) -> NDArray[np.floating]:
        return np.tile(_OUT.astype(self.dtype), len(self.slabs))

    def off(self, cloud: Cloud, codes: Floats) -> Floats:
        """How far the code, as floats give it, may be from the wanted one, at every point."""
        pairs = zip(self.slabs, self.factors, strict=True)
        parts = [_part(cloud, slab, factor, self.dtype) for slab, factor in pairs]
        return _off(parts, codes, self.dtype)

    @property
    def reach(self) -> float:
        """The least reach of a slab."""
        pairs = zip(self.slabs, self.factors, strict=True)
        return min((slab.reach(factor) for slab, factor in pairs), default=np.inf)


Part = tuple[Floats, Floats, Floats]


def _part(cloud: Cloud, slab: Slab, factor: float, dtype: np.dtype[Any]) -> Part:
    """What a slab adds to the code, the errors of its neurons, and the sizes of the terms that it adds: each
    of shape `(K,)`. Fan-in `n` gives `n + 1` roundings of relative size `u` in each sum."""
    rows = slab.rows(factor, dtype).astype(np.float64)
    if not np.isfinite(rows).all():
        return (np.full(len(cloud.points), np.inf),) * 3
    n = rows.shape[1]  # with the bias
    with np.errstate(over="ignore", invalid="ignore"):  # infinite then
        z = cloud.points @ rows[:, :-1].T + rows[:, -1]
        sizes = np.abs(cloud.points) @ np.abs(rows[:, :-1].T) + np.abs(rows[:, -1])
        errors = _share(n, dtype) * sizes + n * float(np.finfo(dtype).smallest_subnormal) * (sizes > 0)
        a, errors = np.maximum(z, 0), np.where(z + errors > 0, errors, 0)
        return a @ _OUT, errors @ np.abs(_OUT), (a + errors) @ np.abs(_OUT)


def _off(parts: list[Part], codes: Floats, dtype: np.dtype[Any]) -> Floats:
    """How far the sum of parts may be off, or be behind the tolerance in a sum with it."""
    value, error, size = (sum(part[k] for part in parts) + np.zeros(len(codes)) for k in range(3))
    with np.errstate(invalid="ignore"):
        off = np.abs(value - codes) + error + _share(3 * len(parts) + 1, dtype) * (size + TOLERANCE)
    return np.asarray(np.where(np.isnan(off), np.inf, off)) if parts else np.abs(codes)


def _share(roundings: int, dtype: np.dtype[Any]) -> float:
    """The relative error of so many roundings in `dtype`; twice that where the estimate is no finer
    itself."""
    most = roundings * float(np.finfo(dtype).eps) / 2
    return (2 if dtype == np.float64 else 1) * most / (1 - most)


def slab_encoder(
    cloud: Cloud,
    codes: Floats,
    dtype: np.dtype[Any],
    *,
    radius: float = 0.0,
    reach: Reach = "wide",
    seed: int = 0,
) -> Encoder:
    """Codes within `TOLERANCE` at all points of the cloud, as floats of `dtype` give them in any order of
    summation, with few slabs.

    Groups start as large as the rank of the points allows. One without a slab, or whose slab is too steep for
    what is asked, is cut in two.

    Args:
        codes: shape `(K,)`, not negative, equal at equal points; 0 where nothing may change.
        radius: how far every input may move, at least, before a code is off by twice the tolerance.
        reach: how far a code goes around its points, in every coordinate: `wide` is as far as the other
            points allow, `tight` as little as floats allow; a number asks for at least `radius`.

    Raises:
        ValueError: what is asked cannot be had; the message names the points in the way.
    """
    if reach not in ("wide", "tight") and not (isinstance(reach, int | float) and 0 < reach < np.inf):
        raise ValueError(f"reach is {reach!r}: expected 'wide', 'tight' or a positive number")
    rng = np.random.default_rng(seed)
    asked = max(radius, 0.0 if isinstance(reach, str) else reach)
    least = max(radius * _SPARE, asked)
    waiting = _groups(cloud, codes)
    done: list[tuple[list[NDArray[np.intp]], Slab, float, Part]] = []
    while True:
        while waiting:
            group = waiting.pop()
            members = np.concatenate(group)
            found = slab(cloud, members, codes[members], rng)
            if found is not None and found.reach() >= least:
                factor = 1.0 if isinstance(reach, str) else found.factor(asked)
                done.append((group, found, factor, _part(cloud, found, factor, dtype)))
            elif len(group) > 1:
                waiting += [group[: len(group) // 2], group[len(group) // 2 :]]
            else:
                raise ValueError(_in_the_way(cloud, int(members[0]), found, asked))
        off = _off([part for *_, part in done], codes, dtype)
        if off.max(initial=0) <= TOLERANCE:
            encoder = Encoder([x[1] for x in done], [x[2] for x in done], dtype, cloud.points.shape[1])
            return _tight(encoder, cloud, codes, least) if reach == "tight" else encoder
        # a slab that is thinner than it must be does not gain from fewer points
        steep = [k for k, (group, _, factor, _) in enumerate(done) if len(group) > 1 and factor == 1]
        if not steep:
            worst = int(off.argmax())
            raise ValueError(
                f"{dtype} is too coarse for this: the code at point {worst} may be off by {off[worst]:.2g}"
            )
        steep.sort(key=lambda k: done[k][1].reach())
        for k in sorted(steep[: max(1, len(done) // _AT_ONCE)], reverse=True):  # of many, several at once
            group, *_ = done.pop(k)
            waiting += [group[: len(group) // 2], group[len(group) // 2 :]]


def _groups(cloud: Cloud, codes: Floats) -> list[list[NDArray[np.intp]]]:
    """Points with a code in the order of codes, copies of a point together, in groups of at most the rank."""
    coded = np.flatnonzero(codes)
    _, first, inverse = np.unique(cloud.points[coded], axis=0, return_index=True, return_inverse=True)
    copies = [coded[inverse.reshape(-1) == k] for k in range(len(first))]
    copies.sort(key=lambda same: (codes[same[0]], same[0]))
    count = -(-len(copies) // max(1, cloud.rank))
    cuts = [len(copies) * k // count for k in range(count + 1)] if count else []
    return [copies[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]


def _tight(encoder: Encoder, cloud: Cloud, codes: Floats, least: float) -> Encoder:
    """All slabs thinner by the largest power of two that floats, and the reach that is asked for, allow."""
    for _ in range(_FINEST):
        thinner = replace(encoder, factors=[2 * factor for factor in encoder.factors])
        if thinner.reach < least or not thinner.off(cloud, codes).max(initial=0) <= TOLERANCE:
            break
        encoder = thinner
    return encoder


def _in_the_way(cloud: Cloud, i: int, found: Slab | None, least: float) -> str:
    if found is None or found.nearest is None:
        gaps = np.abs(cloud.points - cloud.points[i]).max(axis=1)
        gaps[gaps == 0] = np.inf
        near = int(gaps.argmin())
        return f"point {i} cannot be told from point {near}, at distance {gaps[near]:.2g}, by floats"
    gap = np.abs(cloud.points[found.nearest] - cloud.points[i]).max()
    return (
        f"{least:g} around every point cannot be had: between points {i} and {found.nearest}, "
        f"at distance {gap:.3g}, {found.reach() / _SPARE:.3g} was found"
    )


def slab(cloud: Cloud, members: NDArray[np.intp], codes: Floats, rng: np.random.Generator) -> Slab | None:
    """A slab for all copies of some points; None if there is none that floats can tell.

    `h` vanishes at the members, and its least `|h| / (|v| + TOLERANCE)` over all other points is large.
    """
    inside = cloud.coordinates[members]
    left, sizes, right = np.linalg.svd(inside)
    rank = int((sizes > _RANK * sizes[0]).sum())
    v = right[:rank].T @ ((left.T @ codes)[:rank] / sizes[:rank])
    if np.abs(inside @ v - codes).max() > TOLERANCE / 64:
        return None
    others = np.setdiff1d(np.arange(len(cloud.points)), members)
    if not len(others):
        return Slab(members, cloud.affine(0 * v), cloud.affine(v), None)
    null = right[rank:]
    if not len(null):
        return None
    outside = cloud.coordinates[others]
    ratios = (outside @ null.T) / (np.abs(outside @ v) + TOLERANCE)[:, None]
    direction, least = widest_direction(ratios, rng)
    if least <= _RANK * np.abs(ratios).max():
        return None
    nearest = int(others[np.argmin(np.abs(ratios @ direction))])
    return Slab(members, cloud.affine(direction @ null / least), cloud.affine(v), nearest)
