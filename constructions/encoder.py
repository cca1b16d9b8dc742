"""Groups in slabs as hidden layers, by weights that are floats, and what rounding does to their code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.cloud import Cloud, Floats
from constructions.slabs import TOLERANCE, Group

__all__ = ["Encoder", "Part", "part_of", "off_by"]

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
        return off_by([part_of(cloud, group, self.dtype) for group in self.groups], codes, self.dtype)

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


def part_of(cloud: Cloud, group: Group, dtype: np.dtype[Any]) -> Part:
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


def off_by(parts: list[Part], codes: Floats, dtype: np.dtype[Any]) -> Floats:
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
