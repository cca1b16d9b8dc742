"""Exact arrays: every input entry as the rational number that it denotes.

A float is the dyadic rational of its bits, an integer is itself, a `Fraction`, `Decimal` or sympy
`Rational` is its value. Arrays of floats or integers stay as they are; their common denominator and
their numerators are found when they are asked for, since large arrays get by without.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

__all__ = ["ExactArray", "exact_array", "exact_scalar", "row_chunks"]

_SIDECAR_DTYPES = ("<f8", "<f4", "<i8", "|u1")
_CHUNK = 1 << 17  # entries: a chunk and what is made of it stay in the cache


@dataclass(frozen=True, eq=False)
class ExactArray:
    """The rationals `values / below`.

    `values` holds floats (then `below` is 1), integers, or Python integers as objects.
    """

    values: NDArray[Any]
    below: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def __getitem__(self, index: Any) -> Fraction:
        """One entry; nothing else is converted."""
        entry = self.values[index]
        return Fraction(entry.item() if isinstance(entry, np.generic) else entry) / self.below

    @property
    def source(self) -> NDArray[Any] | None:
        """`values`, if a certificate can hold an array of this type in a file of its own."""
        return self.values if self.below == 1 and self.values.dtype.str in _SIDECAR_DTYPES else None

    @cached_property
    def span(self) -> tuple[int, int]:
        """`(low, high)`, `low <= 0`: every value is a multiple of `2^low` and below `2^high` in size."""
        if self.values.dtype.kind != "f":
            largest = max(int(self.values.max(initial=0)), -int(self.values.min(initial=0)))
            return 0, largest.bit_length()
        spans = [_span(self.values[rows]) for rows in row_chunks(self.values)]
        return min((low for low, _ in spans), default=0), max((high for _, high in spans), default=-1074)

    @property
    def denominator(self) -> int:
        """The common denominator, positive."""
        return self.below << -self.span[0]

    @cached_property
    def numerators(self) -> NDArray[Any]:
        """All entries times `denominator`: int64 where they fit, else Python integers as objects."""
        return self.integers(slice(None))

    def integers(self, rows: slice) -> NDArray[Any]:
        """The numerators of some rows."""
        part: NDArray[Any] = self.values[rows]
        low, high = self.span
        if part.dtype.kind == "O":
            return part
        if part.dtype.kind != "f":
            return part.astype(np.int64 if high <= 63 else object)
        part = part.astype(np.float64)
        if high - low <= 62:
            return np.asarray(np.ldexp(part, -low), dtype=np.int64)
        mantissa, exponent = np.frexp(part)
        integers = np.ldexp(mantissa, 53).astype(np.int64).astype(object)  # exact: 53 bits
        shift = (exponent.astype(np.int64) - 53 - low).astype(object)
        return np.asarray(
            np.where(shift < 0, integers >> np.maximum(-shift, 0), integers << np.maximum(shift, 0))
        )

    def floats(self, rows: slice) -> NDArray[np.float64]:
        """Some rows, all entries times one positive number and rounded."""
        part = self.values[rows]
        if part.dtype.kind == "O":
            part = part >> max(0, self.span[1] - 1000)
        floats: NDArray[np.float64] = part.astype(np.float64)
        return floats


def row_chunks(array: NDArray[Any]) -> Iterator[slice]:
    """Slices of rows that cover the array, a moderate number of entries each."""
    step = max(1, _CHUNK // max(1, math.prod(array.shape[1:])))
    return (slice(k, k + step) for k in range(0, len(array), step))


def _span(values: NDArray[Any]) -> tuple[int, int]:
    """See `ExactArray.span`: the lowest bit and the length of any of the floats."""
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.int64) & ~(-1 << 63)
    exponent = bits >> 52
    mantissa = (bits & ((1 << 52) - 1)) | (np.minimum(exponent, 1) << 52)
    # 2^k as a float holds k + 1023 in its exponent; of a zero comes an exponent that is dropped
    trailing = ((mantissa & -mantissa).astype(np.float64).view(np.int64) >> 52) - 1023
    lowest = np.maximum(exponent, 1) - 1075 + trailing
    low = int(lowest.min(initial=0, where=mantissa != 0))
    return low, int(exponent.max(initial=0)) - 1022 if mantissa.any() else -1074


def exact_scalar(value: Any, place: str) -> tuple[int, int]:
    """Numerator and positive denominator of one number; `place` names it in errors.

    Raises:
        ValueError: NaN or infinity.
        TypeError: no exact number: a truth value, a string, a sympy Float, ..

    >>> exact_scalar(0.75, "x")
    (3, 4)
    >>> exact_scalar(float("nan"), "edit 3")
    Traceback (most recent call last):
    ValueError: edit 3 is nan: every number must be finite
    """
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{place} is {value!r}: a truth value is not a number")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return value, 1
    if isinstance(value, fmpq):
        return int(value.p), int(value.q)
    if isinstance(value, str) or not hasattr(value, "as_integer_ratio"):
        if getattr(value, "is_Rational", False):
            return int(value.p), int(value.q)
        raise TypeError(
            f"{place} is {value!r} of type {type(value).__name__}: expected an integer, a float, "
            "a Fraction, a Decimal or a sympy Rational"
        )
    if getattr(value, "is_Float", False):
        raise TypeError(f"{place} is the sympy Float {value!r}: use a sympy Rational")
    try:
        numerator, denominator = value.as_integer_ratio()
    except (ValueError, OverflowError):
        raise ValueError(f"{place} is {value}: every number must be finite") from None
    return int(numerator), int(denominator)


def exact_array(data: Any, name: str) -> ExactArray:
    """Convert array-like `data` exactly; errors name the entry as `name[i, j]`.

    A writeable array is copied, since it may change; a read-only one (a memory map) is kept.

    Raises:
        ValueError: NaN or infinity, rows of different lengths, or no array.
        TypeError: an entry that is no exact number, or a masked array.

    >>> exact_array([[0.5, 3.0]], "points").numerators.tolist()
    [[1, 6]]
    """
    if isinstance(data, ExactArray):
        return data
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: fill it first")
    array = data if isinstance(data, np.ndarray) else _as_array(data, name)
    if array.dtype.kind in "iu" or (array.dtype.kind == "f" and array.dtype.itemsize <= 8):
        if array.dtype.kind == "f":
            _refuse_infinite(array, name)
        little = array.dtype.newbyteorder("<")
        return ExactArray(np.asarray(array.astype(little, copy=array.flags.writeable)))
    if array.dtype.kind != "O":
        raise TypeError(
            f"{name} has dtype {array.dtype}: expected float16/32/64, integers, "
            "or an object array of exact numbers"
        )
    pairs = [
        exact_scalar(value, f"{name}[{', '.join(map(str, index))}]") for index, value in np.ndenumerate(array)
    ]
    denominator = math.lcm(*{q for _, q in pairs}) if pairs else 1
    numerators = np.empty(array.shape, dtype=object)
    numerators.reshape(-1)[:] = [p * (denominator // q) for p, q in pairs]
    return ExactArray(numerators, denominator)


def _as_array(data: Any, name: str) -> NDArray[Any]:
    """Nested sequences keep their entries as they are: numpy must not round an exact number."""
    if isinstance(data, str) or not isinstance(data, Iterable):
        raise ValueError(f"{name} is {data!r}: expected an array")
    rows = list(data)
    if any(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
        lengths = {len(row) if isinstance(row, (list, tuple, np.ndarray)) else -1 for row in rows}
        if len(lengths) > 1:
            raise ValueError(f"{name} has rows of different lengths")
        table = np.empty((len(rows), lengths.pop()), dtype=object)
        for i, row in enumerate(rows):
            table[i, :] = list(row)
        return table
    out = np.empty(len(rows), dtype=object)
    out[:] = rows
    return out


def _refuse_infinite(array: NDArray[Any], name: str) -> None:
    array = np.atleast_1d(array)
    for rows in row_chunks(array):
        finite = np.isfinite(array[rows])
        if not finite.all():
            first, *rest = (int(i) for i in np.argwhere(~finite)[0])
            place = f"{name}[{', '.join(map(str, (rows.start + first, *rest)))}]"
            value = float(array[(rows.start + first, *rest)])
            raise ValueError(f"{place} is {value}: every number must be finite")
