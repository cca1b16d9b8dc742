"""How far inputs may move before an encoder of slabs is off by more than its decoder forgives."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from constructions.cloud import Cloud, Floats
from constructions.encoder import Encoder
from constructions.slabs import TOLERANCE

__all__ = ["Moves"]

_FINE = 2.0**-6  # of a radius, for what its checker cannot know


class Moves:
    """The code at points of a cloud that move. What is said holds for every way to bound the slabs one by
    one: a slab whose neurons have no sure sign may be higher by as much as it changes."""

    def __init__(self, encoder: Encoder, cloud: Cloud, codes: Floats) -> None:
        rows = iter(encoder.rows.astype(np.float64).reshape(-1, 3, encoder.inputs + 1))
        self._spare = TOLERANCE - encoder.off(cloud, codes)
        self._groups = [(group, [_Face(cloud, next(rows)) for _ in group.slabs]) for group in encoder.groups]
        self._left = sum(face.left for _, faces in self._groups for face in faces)

    def kept(self, radius: float) -> bool:
        """Whether the code is off by no more than the tolerance if every input moves by at most `radius`."""
        radius *= 1 + _FINE
        off = radius * self._left - self._spare
        for group, faces in self._groups:
            most = np.maximum(sum(face.most(radius) for face in faces) - group.spare, 0)
            most[group.members] = radius * sum(face.steepness for face in faces)
            off = off + most
        return bool((off <= 0).all())

    def radius(self) -> Fraction | None:
        """The largest, rounded down to 8 bits; None if there is none or no end."""
        low, high = 0.0, 1.0
        while high < 2.0**200 and self.kept(high):
            low, high = high, 2 * high
        while high > 2.0**-200 and (not low or high / low > 1 + 2.0**-9):
            middle = np.sqrt(low * high) if low else high / 2
            low, high = (middle, high) if self.kept(middle) else (low, middle)
        if not 0 < low < 2.0**200:
            return None
        mantissa, exponent = np.frexp(low)
        return Fraction(int(mantissa * 256)) * Fraction(2) ** (int(exponent) - 8)


class _Face:
    """A slab as its rounded neurons make it, at all points of the cloud."""

    def __init__(self, cloud: Cloud, rows: Floats) -> None:
        plus, minus, h = rows
        v = (plus - minus) / 2
        self.left = float(np.abs(plus + minus - 2 * h)[:-1].sum())
        self.level = float(np.abs(v[:-1]).sum())
        self.steepness = float(np.abs(h[:-1]).sum()) + self.level
        self.height = np.abs(cloud.points @ v[:-1] + v[-1])
        self.outside = np.abs(cloud.points @ h[:-1] + h[-1]) - self.height

    def most(self, radius: float) -> Floats:
        """Its largest value for inputs that move by `radius`: 0 where it is surely outside."""
        inside = np.minimum(
            self.height + radius * self.level + radius * self.steepness / 4,
            2 * radius * self.steepness - self.outside,
        )
        return np.where(self.outside >= radius * self.steepness, 0.0, inside)
