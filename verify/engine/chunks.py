"""Rows of a certificate's arrays as numpy blocks, with exact access to single rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.kernel.npy import DTYPES, Sidecar
from verify.kernel.reader import Array, Inline, Row

__all__ = ["approximate", "raw_rows", "row"]

_NUMPY = {code: np.dtype(name) for name, code in DTYPES.items()}


def raw_rows(array: Array, first: int, last: int) -> NDArray[Any]:
    """Rows of a sidecar in its own dtype, read from the file alone."""
    if not isinstance(array, Sidecar):
        raise TypeError("only sidecars have rows of numbers")
    dtype = _NUMPY[array.code]
    start = len(array.header) + first * array.width * dtype.itemsize
    data = np.fromfile(array.path, dtype, (last - first) * array.width, offset=start)
    return data.reshape(last - first, array.width)


def approximate(array: Array, first: int, last: int) -> tuple[NDArray[np.float64], bool]:
    """Rows `first..last-1` in float64, and whether they are exact.

    An entry that is not exact has a relative error of at most 2^-53, or an absolute one of 2^-1075; one
    that floats cannot hold is NaN, so that no comparison settles it.
    """
    if isinstance(array, Sidecar):
        raw = raw_rows(array, first, last)
        exact = raw.dtype.kind != "i" or bool((np.abs(raw.astype(np.float64)) < 2.0**53).all())
        return raw.astype(np.float64), exact
    if not isinstance(array, Inline):
        raise TypeError(f"unknown kind of array: {type(array).__name__}")
    out = np.empty((last - first, array.width))
    exact = True
    for i in range(first, last):
        numerators, q = row(array, i)
        for k, p in enumerate(numerators):
            try:
                value = p / q
            except OverflowError:
                value = float("nan")
            out[i - first, k] = value
            exact = exact and q == 1 and -(2**53) < p < 2**53
    return out, exact


def row(array: Array, i: int) -> Row:
    """Row `i` exactly, as the kernel reads it."""
    if isinstance(array, Sidecar):
        values = raw_rows(array, i, i + 1)[0].tolist()
        if array.code in "qB":
            return values, 1
        ratios = [value.as_integer_ratio() for value in values]
        common = max(q for _, q in ratios)
        return [p * (common // q) for p, q in ratios], common
    if not isinstance(array, Inline):
        raise TypeError(f"unknown kind of array: {type(array).__name__}")
    w = array.width
    return array.numerators[i * w : (i + 1) * w], array.denominators[i % len(array.denominators)]
