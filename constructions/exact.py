"""Exact arrays: every input entry as the rational number that it denotes.

A float is the dyadic rational of its bits, an integer is itself, a `Fraction`, `Decimal` or sympy
`Rational` is its value. Arrays carry one common denominator, so all later work is on integers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

__all__ = ["ExactArray", "exact_array", "exact_scalar"]

_SIDECAR_DTYPES = ("<f8", "<f4", "<i8", "|u1")


@dataclass(frozen=True)
class ExactArray:
    """The rationals `numerators / denominator`, and the numpy array they came from if it was one.

    `numerators` has dtype int64 or object (Python integers); `denominator` is positive.
    """

    numerators: NDArray[Any]
    denominator: int
    source: NDArray[Any] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.numerators.shape

    def __getitem__(self, index: Any) -> Fraction:
        return Fraction(int(self.numerators[index]), self.denominator)


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
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return _from_floats(array, name)
    if array.dtype.kind in "iu":
        wide = array.dtype.itemsize == 8 and array.dtype.kind == "u"
        numerators = array.astype(object) if wide else array.astype(np.int64)
        return ExactArray(numerators, 1, _sidecar(array))
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


def _from_floats(array: NDArray[Any], name: str) -> ExactArray:
    values = array.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        place = f"{name}[{', '.join(map(str, index))}]"
        raise ValueError(f"{place} is {values[index]}: every number must be finite")
    mantissa, exponent = np.frexp(values)
    integers = np.ldexp(mantissa, 53).astype(np.int64)  # exact: |mantissa| < 1 has 53 bits
    above = exponent.astype(np.int64)  # |value| < 2^above
    exponent = above - 53
    nonzero = integers != 0
    low_bit = np.where(nonzero, integers & -integers, 1)
    trailing = np.frexp(low_bit.astype(np.float64))[1].astype(np.int64) - 1
    integers >>= trailing
    exponent = np.where(nonzero, exponent + trailing, 0)
    least = min(int(exponent.min(initial=0)), 0)
    shift = np.where(nonzero, exponent - least, 0)
    if int(above.max(initial=0, where=nonzero)) - least <= 62:
        numerators: NDArray[Any] = integers << shift
    else:
        numerators = np.left_shift(integers.astype(object), shift.astype(object))
    return ExactArray(numerators, 1 << -least, _sidecar(array))


def _sidecar(array: NDArray[Any]) -> NDArray[Any] | None:
    little = array.dtype.newbyteorder("<") if array.dtype.itemsize > 1 else array.dtype
    if little.str not in _SIDECAR_DTYPES:
        return None
    return np.ascontiguousarray(array.astype(little))
