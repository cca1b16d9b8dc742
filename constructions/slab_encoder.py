"""An encoder of slabs: few groups, by weights that are floats, in whatever order they are summed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from constructions.cloud import Cloud, Floats
from constructions.slabs import TOLERANCE, Group, group_in_slabs

__all__ = ["Encoder", "Reach", "slab_encoder"]

Reach = float | Literal["wide", "tight"]

_FINEST = 60  # doublings of the steepness
_AT_ONCE = 8  # one group of so many is cut, if floats do not carry them
_SPARE = 1 + 2.0**-5  # more than the radius that is asked for, which is rounded down in the end
_OUT = np.array([1.0, 1.0, -2.0])


@dataclass(frozen=True)
class Encoder:
    """Groups in slabs as hidden layers of numbers of a dtype, with output weights: `3` neurons a slab and, if
    some group has several, one a group after them."""

    groups: list[Group]
    dtype: np.dtype[Any]
    inputs: int

    @cached_property
    def rows(self) -> NDArray[np.floating]:
        """Of the first layer, the bias last: shape `(3 slabs, d + 1)`."""
        rows = [slab.rows(self.dtype) for group in self.groups for slab in group.slabs]
        return np.concatenate([np.empty((0, self.inputs + 1), self.dtype), *rows])

    @property
    def hidden(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        first = self.rows[:, :-1], self.rows[:, -1]
        if self.plain:
            return [first]
        counts = [3 * len(group.slabs) for group in self.groups]
        each = np.repeat(np.eye(len(counts)), counts, axis=1) * np.tile(_OUT, len(self.rows) // 3)
        spare = np.array([group.spare for group in self.groups])
        return [first, (each.astype(self.dtype), -spare.astype(self.dtype))]

    @property
    def plain(self) -> bool:
        """Whether one layer does."""
        return all(len(group.slabs) == 1 for group in self.groups)

    @property
    def out(self) -> NDArray[np.floating]:
        whole = np.tile(_OUT, len(self.groups)) if self.plain else np.ones(len(self.groups))
        return whole.astype(self.dtype)

    @property
    def neurons(self) -> int:
        return sum(len(bias) for _, bias in self.hidden)

    def off(self, cloud: Cloud, codes: Floats) -> Floats:
        """How far the code, as floats give it, may be from the wanted one, at every point."""
        return _off([_part(cloud, group, self.dtype) for group in self.groups], codes, self.dtype)

    @property
    def reach(self) -> float:
        """The least reach of a group."""
        return min((group.reach for group in self.groups), default=np.inf)

    def room(self, points: Floats) -> Floats:
        """How far every input of a point may move, at least, before it can come into all slabs of a group."""
        room = np.full(len(points), np.inf)
        for group in self.groups:
            room = np.minimum(room, group.room(points))
        return room


Part = tuple[Floats, Floats, Floats]


def _part(cloud: Cloud, group: Group, dtype: np.dtype[Any]) -> Part:
    """What a group adds to the code, its errors, and the sizes of the terms that it adds: each of shape
    `(K,)`. Fan-in `n` gives `n + 1` roundings of relative size `u` in each sum."""
    rows = np.concatenate([slab.rows(dtype) for slab in group.slabs]).astype(np.float64)
    if not np.isfinite(rows).all():
        return (np.full(len(cloud.points), np.inf),) * 3
    n, out = rows.shape[1], np.tile(_OUT, len(group.slabs))
    with np.errstate(over="ignore", invalid="ignore"):  # infinite then
        z = cloud.points @ rows[:, :-1].T + rows[:, -1]
        sizes = np.abs(cloud.points) @ np.abs(rows[:, :-1].T) + np.abs(rows[:, -1])
        errors = _share(n, dtype) * sizes + n * float(np.finfo(dtype).smallest_subnormal) * (sizes > 0)
        a, errors = np.maximum(z, 0), np.where(z + errors > 0, errors, 0)
        value, error, size = a @ out, errors @ np.abs(out), (a + errors) @ np.abs(out)
        if len(group.slabs) == 1:
            return value, error, size
        value = value - group.spare
        error = error + _share(len(out) + 1, dtype) * (size + group.spare)
        error = np.where(value + error > 0, error, 0)
        return np.maximum(value, 0), error, np.maximum(value, 0) + error


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
    slabs: int = 1,
    radius: float = 0.0,
    reach: Reach = "wide",
    seed: int = 0,
) -> Encoder:
    """Codes within `TOLERANCE` at all points of the cloud, as floats of `dtype` give them in any order of
    summation, with few groups.

    Groups start as large as the rank of the points allows. One without slabs, or whose slabs are too steep
    for what is asked, is cut in two.

    Args:
        codes: shape `(K,)`, not negative, equal at equal points; 0 where nothing may change.
        slabs: in so many at once a group lies.
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
    done: list[tuple[list[NDArray[np.intp]], Group, bool, Part]] = []
    while True:
        while waiting:
            places = waiting.pop()
            members = np.concatenate(places)
            found = group_in_slabs(cloud, members, codes[members], slabs, rng)
            if found is not None and found.reach >= least:
                factor = 1.0 if isinstance(reach, str) else found.factor(asked)
                found = found.thinner(factor) if factor > 1 else found
                done.append((places, found, len(places) > 1 and factor == 1, _part(cloud, found, dtype)))
            elif len(places) > 1:
                waiting += [places[: len(places) // 2], places[len(places) // 2 :]]
            else:
                raise ValueError(_in_the_way(cloud, int(members[0]), found, asked))
        off = _off([part for *_, part in done], codes, dtype)
        if off.max(initial=0) <= TOLERANCE:
            encoder = Encoder([group for _, group, *_ in done], dtype, cloud.points.shape[1])
            return _tight(encoder, cloud, codes, least) if reach == "tight" else encoder
        # a slab that is thinner than it must be does not gain from fewer points
        steep = [k for k, (_, _, helps, _) in enumerate(done) if helps]
        if not steep:
            worst = int(off.argmax())
            what = "this" if isinstance(reach, str) else f"a reach of {reach:g}"
            raise ValueError(
                f"{dtype} is too coarse for {what}: the code at point {worst} may be off by {off[worst]:.2g}"
                + ("; float64 may do" if dtype == np.float32 else "")
            )
        steep.sort(key=lambda k: done[k][1].reach)
        for k in sorted(steep[: max(1, len(done) // _AT_ONCE)], reverse=True):  # of many, several at once
            places, *_ = done.pop(k)
            waiting += [places[: len(places) // 2], places[len(places) // 2 :]]


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
        thinner = Encoder([group.thinner(2.0) for group in encoder.groups], encoder.dtype, encoder.inputs)
        if thinner.reach < least or not thinner.off(cloud, codes).max(initial=0) <= TOLERANCE:
            break
        encoder = thinner
    return encoder


def _in_the_way(cloud: Cloud, i: int, found: Group | None, least: float) -> str:
    if found is None or found.nearest is None:
        gaps = np.abs(cloud.points - cloud.points[i]).max(axis=1)
        gaps[gaps == 0] = np.inf
        near = int(gaps.argmin())
        return f"point {i} cannot be told from point {near}, at distance {gaps[near]:.2g}, by floats"
    gap = np.abs(cloud.points[found.nearest] - cloud.points[i]).max()
    return (
        f"{least:g} around every point cannot be had: between points {i} and {found.nearest}, "
        f"at distance {gap:.3g}, {found.reach / _SPARE:.3g} was found"
    )
