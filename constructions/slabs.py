"""Slabs around hyperplanes: codes at a group of points, and 0 at all others.

A slab is a hyperplane `h(x) = 0` and an affine function `v`: `relu(h + v) + relu(h - v) - 2 relu(h)` is
`max(0, |v| - |h|)`, three neurons. With the wanted codes as `v` at points on the hyperplane, and all others
outside, one slab does. It goes on along its hyperplane for ever, however. So a group can ask for several
slabs at once: further ones through the same points, of one height, are an "and" in the next layer.

What is found here is near the truth and no more: whoever uses it needs a decoder that forgives an error of
`TOLERANCE`, and a checker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.cloud import Cloud, Floats
from constructions.margin import widest_direction

__all__ = ["TOLERANCE", "Group", "Slab", "group_in_slabs"]

TOLERANCE = 0.25
"""How far a code may be off, at every point."""

_RANK = 1e-9


@dataclass(frozen=True)
class Slab:
    """`max(0, |v| - |h|)`: weights of the inputs, the bias last, both of shape `(d + 1,)`."""

    h: Floats
    v: Floats

    @property
    def steepness(self) -> float:
        """By how much `|v| - |h|` changes at most, for a change of 1 in every input."""
        return float(np.abs(self.h[:-1]).sum() + np.abs(self.v[:-1]).sum())

    def thinner(self, factor: float) -> Slab:
        with np.errstate(over="ignore"):  # of which more is found with the rounded weights
            return Slab(factor * self.h, self.v)

    def rows(self, dtype: np.dtype[Any]) -> NDArray[np.floating]:
        """The three neurons, the bias last: infinite where `dtype` has no such number."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array([self.h + self.v, self.h - self.v, self.h]).astype(dtype)

    def outside(self, points: Floats) -> Floats:
        """`|h| - |v|` at points of shape `(K, d)`: the slab is 0 where this is not negative."""
        h, v = (points @ f[:-1] + f[-1] for f in (self.h, self.v))
        return np.asarray(np.abs(h) - np.abs(v))


@dataclass(frozen=True)
class Group:
    """Points that lie in all of some slabs, and no other point does: `relu(sum of slabs - spare)` is the code
    at members and 0 elsewhere. `v` of the first slab is the code, `height` that of all others, no less than
    what the first slab is at any point; `spare` is the sum of these heights.

    Every other point has `|h| - |v| >= TOLERANCE` for one slab, up to rounding, and `nearest` has equality
    for the last.
    """

    members: NDArray[np.intp]
    slabs: tuple[Slab, ...]
    height: float
    nearest: int | None

    @property
    def spare(self) -> float:
        return (len(self.slabs) - 1) * self.height

    @property
    def steepness(self) -> float:
        """By how much the code of a member changes at most, for a change of 1 in every input."""
        return sum(slab.steepness for slab in self.slabs)

    @property
    def reach(self) -> float:
        """How far every input may move: codes of members are off by no more than the tolerance then, and
        other points are not in all slabs."""
        return TOLERANCE / self.steepness if self.steepness else np.inf

    def thinner(self, factor: float) -> Group:
        """The `h` of all slabs times a factor from 1 on."""
        slabs = tuple(slab.thinner(factor) for slab in self.slabs)
        return Group(self.members, slabs, self.height, self.nearest)

    def factor(self, reach: float) -> float:
        """The factor, at least 1, for which the reach is this or less."""
        turned = sum(float(np.abs(slab.h[:-1]).sum()) for slab in self.slabs)
        return max(1.0, (TOLERANCE / reach - (self.steepness - turned)) / (turned or 1.0))

    def room(self, points: Floats) -> Floats:
        """How far every input of a point may move, at least, before it can come into all slabs: shape
        `(K,)`, 0 in all of them."""
        room = np.zeros(len(points))
        for slab in self.slabs:
            with np.errstate(divide="ignore", invalid="ignore"):
                one = slab.outside(points) / slab.steepness
            room = np.maximum(room, np.nan_to_num(one, nan=0.0, posinf=np.inf))
        return room


def group_in_slabs(
    cloud: Cloud, members: NDArray[np.intp], codes: Floats, count: int, rng: np.random.Generator
) -> Group | None:
    """`count` slabs, or fewer if these do or have no more directions, for all copies of some points; None if
    there are none that floats can tell.

    Each but the last is the widest that is found around the hyperplanes through the members which leaves
    `K^(1 - j/count)` other points inside, the last one leaves none.
    """
    inside = cloud.coordinates[members]
    left, sizes, right = np.linalg.svd(inside)
    rank = int((sizes > _RANK * sizes[0]).sum())
    v = right[:rank].T @ ((left.T @ codes)[:rank] / sizes[:rank])
    if np.abs(inside @ v - codes).max() > TOLERANCE / 64:
        return None
    others = np.setdiff1d(np.arange(len(cloud.points)), members)
    height = float(codes.max())
    if not len(others):
        return Group(members, (Slab(cloud.affine(0 * v), cloud.affine(v)),), height, None)
    null = right[rank:]
    if not len(null):
        return None
    count = min(count, len(null))
    outside, sizes = cloud.coordinates[others] @ null.T, np.abs(cloud.coordinates[others] @ v)
    slabs: list[Slab] = []
    still = np.arange(len(others))
    for j in range(1, count + 1):
        heights = np.full(len(others), height) if slabs else sizes
        ratios = outside[still] / (heights[still] + TOLERANCE)[:, None]
        leave = min(int(len(others) ** (1 - j / count)), len(still) // 2) if j < count else 0
        direction, least = widest_direction(ratios, rng, leave)
        if least <= _RANK * np.abs(ratios).max():
            return None
        away = np.abs(ratios @ direction)
        nearest = int(others[still[np.argmin(np.where(away < least * (1 - _RANK), np.inf, away))]])
        flat = np.append(np.zeros(len(v) - 1), height / cloud.coordinates[0, -1])
        slabs.append(Slab(cloud.affine(direction @ null / least), cloud.affine(flat if slabs else v)))
        if len(slabs) == 1:
            height = max(height, float((sizes - np.abs(outside @ direction) / least).max()))
        still = still[away < least * (1 - _RANK)]
        if not len(still):
            break
    return Group(members, tuple(slabs), height, nearest)
