"""Where a function of one number is zero, as a table that floats can be looked up in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import fmpq

from verify.engine.block import Bools, Floats
from verify.engine.line import Pieces

__all__ = ["ZeroTable"]

_U = 2.0**-53


@dataclass(frozen=True)
class ZeroTable:
    """Where the output is zero along the line, in floats: `direction` and the ends of the pieces are
    divided by one power of two, and every end is rounded down (`low`) and up (`high`)."""

    direction: Floats
    low: Floats
    high: Floats
    zero: Bools

    @classmethod
    def of(cls, line: Pieces) -> ZeroTable:
        """Neighbouring zero pieces become one: at the point between them the output is 0 as well."""
        flags = line.zero
        bounds, zero = [], flags[:1]
        for bound, flag in zip(line.bounds, flags[1:], strict=True):
            if not (flag and zero[-1]):
                bounds.append(bound)
                zero.append(flag)
        shift = max(0, max(u.bit_length() for u in line.direction) - 500)
        return cls(
            np.array([u / (1 << shift) for u in line.direction]),
            np.array([_rounded(bound, shift, -1) for bound in bounds]),
            np.array([_rounded(bound, shift, 1) for bound in bounds]),
            np.array(zero),
        )

    def settled(self, x: Floats, exact: bool) -> Bools:
        """Whether `t = u . x`, for the columns of `x`, certainly lies in the interior of a zero piece,
        rounding included."""
        # inputs, entries of u, products, sum, and the difference to an end: n + 3 roundings
        unit = (len(self.direction) + 5) * _U * (1 + 2.0**-40)
        size = np.abs(self.direction) + 2.0**-1021  # entries of u that underflow are wrong by 2^-1075
        # what underflows: products and sums, and inputs that are not exact, by 2^-1075 an entry
        least = 2.0**-1000 + (0.0 if exact else 2.0**-1073 * float(size.sum()))
        with np.errstate(all="ignore"):  # what is not finite is not settled
            t = self.direction @ x
            error = float(np.abs(x).max(initial=0.0)) * float(size.sum()) * unit + least
            out = self._inside(t, error)
            unsure = np.flatnonzero(~out)
            if len(unsure):  # again, with the error of each point
                out[unsure] = self._inside(t[unsure], size @ np.abs(x[:, unsure]) * unit + least)
        return out

    def _inside(self, t: Floats, error: Floats | float) -> Bools:
        piece = np.searchsorted(self.high, t, side="left")
        left = np.concatenate([[-np.inf], self.high])[piece]
        right = np.concatenate([self.low, [np.inf]])[piece]
        inside: Bools = self.zero[piece] & (t - error > left) & (t + error < right)
        return inside


def _rounded(value: fmpq, shift: int, way: int) -> float:
    try:
        nearest = int(value.p) / (int(value.q) << shift)
    except OverflowError:
        nearest = math.inf if value > 0 else -math.inf
    return math.nextafter(nearest, way * math.inf)
