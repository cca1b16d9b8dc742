"""A block of points, read once: as floats, as integers of bounded length, and row by row."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.kernel.npy import DTYPES, Sidecar
from verify.kernel.reader import Array, Inline, Malformed, Row

__all__ = ["LIMB", "Block", "Bools", "Floats", "Integers"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

LIMB = 26  # bits
_LONG = 500  # bits of a point: longer ones are left to exact arithmetic
_NUMPY = {code: np.dtype(name) for name, code in DTYPES.items()}


@dataclass(frozen=True)
class Integers:
    """Points as integers over one positive denominator each: `sum_k limbs[k] 2^(26 (L-1-k))`, in
    float64 arrays `(d, c)`. A single limb stays below 2^52, several below 2^27 each. There is one
    denominator for all points, or one for each."""

    limbs: list[Floats]
    denominators: list[int]

    @cached_property
    def largest(self) -> float:
        """The largest absolute value of a first limb."""
        return float(np.abs(self.limbs[0]).max(initial=0.0))

    @property
    def bits(self) -> int:
        """Bits of the largest denominator."""
        return max(q.bit_length() for q in self.denominators)


@dataclass(frozen=True)
class Block:
    """Points `first..last-1` of an array; `raw` holds the rows of a sidecar as they are in the file."""

    array: Array
    first: int
    last: int
    raw: NDArray[Any] | None

    @classmethod
    def read(cls, array: Array, first: int, last: int) -> Block:
        """Read these rows, from the file alone.

        Raises:
            Malformed: the file has become shorter.
        """
        if not isinstance(array, Sidecar):
            return cls(array, first, last, None)
        dtype = _NUMPY[array.code]
        start = len(array.header) + first * array.width * dtype.itemsize
        data = np.fromfile(array.path, dtype, (last - first) * array.width, offset=start)
        if data.size != (last - first) * array.width:
            raise Malformed(array.place, "the file changed while it was read")
        return cls(array, first, last, data.reshape(last - first, array.width))

    def digest(self) -> str:
        """Of the header of the sidecar, which tells what the bytes mean, and of these rows."""
        if self.raw is None or not isinstance(self.array, Sidecar):
            return ""
        sha256 = hashlib.sha256(self.array.header)
        sha256.update(self.raw.data)
        return sha256.hexdigest()

    def row(self, i: int) -> Row:
        """Point `i` (counted from the first of the array) exactly, as the kernel reads it."""
        if self.raw is not None:
            values = self.raw[i - self.first].tolist()
            if self.raw.dtype.kind != "f":
                return values, 1
            ratios = [value.as_integer_ratio() for value in values]
            common = max(q for _, q in ratios)
            return [p * (common // q) for p, q in ratios], common
        if not isinstance(self.array, Inline):
            raise TypeError(f"unknown kind of array: {type(self.array).__name__}")
        w, below = self.array.width, self.array.denominators
        return self.array.numerators[i * w : (i + 1) * w], below[i % len(below)]

    @cached_property
    def floats(self) -> tuple[Floats, bool]:
        """The points as columns `(d, c)`, and whether they are exact.

        An entry that is not exact has a relative error of at most 2^-53, or an absolute one of 2^-1075; one
        that floats cannot hold is NaN, so that no comparison settles it.
        """
        if self.raw is not None:
            x = np.ascontiguousarray(self.raw.T, dtype=np.float64)
            return x, self.raw.dtype.kind != "i" or bool((np.abs(x) < 2.0**53).all())
        exact = True
        x = np.empty((self.array.width, self.last - self.first))
        for i in range(self.first, self.last):
            numerators, q = self.row(i)
            for k, p in enumerate(numerators):
                try:
                    value = p / q
                    n, m = value.as_integer_ratio()
                    exact &= n * q == p * m
                except OverflowError:
                    value, exact = float("nan"), False
                x[k, i - self.first] = value
        return x, exact

    @cached_property
    def fraction_bits(self) -> int | None:
        """Some `s >= 0` (mostly the least) for which all `x 2^s` are integers; None if floats do not
        hold the points exactly."""
        x, exact = self.floats
        if not exact:
            return None
        if self.raw is not None and self.raw.dtype.kind != "f":
            return 0
        s = _fraction_bits(x[:, :16])
        scaled = _times(x, s)
        return s if bool((scaled == np.rint(scaled)).all()) else _fraction_bits(x)

    def moderate(self) -> Bools:
        """Which points have numbers so short that integers for them take few limbs."""
        out = np.ones(self.last - self.first, dtype=np.bool_)
        if self.fraction_bits is not None:
            x = np.abs(self.floats[0])
            if self.fraction_bits + math.frexp(float(x.max(initial=0.0)))[1] > _LONG:
                out = (((x > 2.0**-150) | (x == 0)) & (x < 2.0**150)).all(axis=0)
        elif self.raw is None:
            for i in range(self.first, self.last):
                numerators, q = self.row(i)
                out[i - self.first] = max(q, *map(abs, numerators)).bit_length() <= _LONG
        return out

    def integers(self, places: Places) -> Integers:
        """The points at these places of the block as integers."""
        everything = len(places) == self.last - self.first
        s = self.fraction_bits
        if s is not None:
            x = self.floats[0] if everything else self.floats[0][:, places]
            return Integers(_limbs(x, s), [1 << s])
        if self.raw is not None:
            k = self.raw[places].T
            return Integers([((k >> shift) & mask).astype(np.float64) for shift, mask in _cuts(63)], [1])
        rows = [self.row(self.first + int(i)) for i in places]
        longest = max((p.bit_length() for row, _ in rows for p in row), default=0)
        limbs = [
            np.array([[(p >> shift) & mask for p in row] for row, _ in rows], dtype=np.float64).T
            for shift, mask in _cuts(longest + 1)
        ]
        return Integers(limbs, [q for _, q in rows])

    def part(self, first: int, last: int) -> Block:
        """Some of its points."""
        raw = None if self.raw is None else self.raw[first - self.first : last - self.first]
        return Block(self.array, first, last, raw)


def _cuts(bits: int) -> list[tuple[int, int]]:
    """Shifts and masks that cut signed integers of so many bits into limbs; the first keeps the sign."""
    shifts = range(LIMB * ((bits - 1) // LIMB), -1, -LIMB)
    return [(shift, -1 if k == 0 else (1 << LIMB) - 1) for k, shift in enumerate(shifts)]


def _times(x: Floats, k: int) -> Floats:
    """`x 2^k`; what overflows is infinite."""
    with np.errstate(over="ignore", under="ignore"):
        out: Floats = x * 2.0**k if abs(k) <= 1000 else np.ldexp(x, k)
    return out


def _fraction_bits(x: Floats) -> int:
    """The least `s >= 0` for which all `x 2^s` are integers."""
    fraction, exponent = np.frexp(x)
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    trailing = np.frexp((mantissa & -mantissa).astype(np.float64))[1] - 1
    lowest = np.where(mantissa == 0, 0, exponent - 53 + trailing)
    return max(0, -int(lowest.min(initial=0)))


def _limbs(x: Floats, s: int) -> list[Floats]:
    """The integers `x 2^s` in limbs; what is cut off is exact."""
    bits = s + math.frexp(float(np.abs(x).max(initial=0.0)))[1]
    if bits <= 52:
        return [_times(x, s)]
    limbs, rest = [], x
    for k in range((bits - 1) // LIMB, -1, -1):
        limb = np.trunc(_times(rest, s - LIMB * k))
        rest = rest - _times(limb, LIMB * k - s)
        limbs.append(limb)
    return limbs
