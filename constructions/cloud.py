"""Points in coordinates in which floats tell them best."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cloud", "Floats"]

Floats = NDArray[np.float64]

_RANK = 1e-12  # of eigenvalues
_DEAD = 2.0**-60  # of the largest range
_FLAT = 4.0  # the constant coordinate, for a typical size 1 of the others: flat functions are preferred


@dataclass(frozen=True)
class Cloud:
    """Points, shape `(K, d)`, and coordinates along principal axes with a last one that is constant.

    A feature counts in units near its range, or near 1/256 of its largest size where that is more: so tiny
    and huge features are seen alike, and differences that floats hardly carry are not blown up. A feature
    does not count that varies by no more than `radius` both ways, or hardly beside others, as dead units of a
    layer do, if all points differ without it.
    """

    points: Floats
    radius: float = 0.0

    @cached_property
    def units(self) -> Floats:
        """Powers of two, shape `(d,)`; infinite for a feature that does not count."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        half = high / 2 - low / 2
        sizes = np.maximum(half, np.maximum(np.abs(low), np.abs(high)) / 256)
        units: Floats = np.ldexp(1.0, np.clip(np.frexp(sizes)[1], -1000, 1000))
        units[half <= self.radius] = np.inf
        dead = (half > self.radius) & (half <= _DEAD * half.max())
        if dead.any():
            left, fewer = (self.points[:, kept] for kept in (np.isfinite(units), np.isfinite(units) & ~dead))
            if len(np.unique(fewer, axis=0)) == len(np.unique(left, axis=0)):
                units[dead] = np.inf
        return units

    @property
    def seen(self) -> Floats:
        """The points, with 0 for features that do not count."""
        return np.where(np.isfinite(self.units), self.points, 0.0)

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
        if len(moved) < moved.shape[1]:
            sizes, vectors = np.linalg.svd(moved, full_matrices=False)[1:]
            values = sizes**2
        else:
            values, columns = np.linalg.eigh(moved.T @ moved)
            vectors = columns.T
        return np.ascontiguousarray(vectors[values > _RANK * max(values.max(), 1e-300)])

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
