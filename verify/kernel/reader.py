"""The strict reader: bytes from outside become exact integers, or `Malformed` with the place.

Nothing here trusts its input: every size, type, key and digit is checked before it is used.
"""

from __future__ import annotations

import array
import hashlib
import json
import math
import os
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

__all__ = ["Array", "Malformed", "Row", "fields", "integer", "parse", "rational", "read_array", "shown"]

MAX_DIGITS, MAX_NESTING, MAX_JSON, CHUNK = 20_000, 64, 1 << 30, 1 << 16
DTYPES = {"<f8": "d", "<f4": "f", "<i8": "q", "|u1": "B"}
CANONICAL = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
HEADER = re.compile(
    rb"\{'descr': '([<|][fiu][148])', 'fortran_order': (False|True), "
    rb"'shape': \(((?:0|[1-9][0-9]{0,17})(?:, (?:0|[1-9][0-9]{0,17}))*|),?\),? ?\} *\n"
)

Row = tuple[list[int], int]
"""Integers over one positive denominator."""


class Malformed(Exception):  # noqa: N818 - the name of the verdict
    """The input is no certificate: `place` says where, `reason` why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


def shown(value: object) -> str:
    """Printable and short, whatever `value` is: for messages."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    text = ascii(value) if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
    return text if len(text) <= 80 else text[:77] + "..."


def integer(text: Any, place: str) -> int:
    """The integer that a canonical decimal string denotes."""
    if type(text) is not str:
        raise Malformed(place, f"expected a decimal string, got {shown(text)}")
    if not CANONICAL.fullmatch(text):
        raise Malformed(place, f"{shown(text)} is not a canonical integer")
    if len(text) > MAX_DIGITS + text.startswith("-"):
        raise Malformed(place, f"the integer has over {MAX_DIGITS} digits")
    return _convert(text)


def _convert(text: str) -> int:
    if len(text) <= 600:  # within the limit that Python sets itself in any configuration
        return int(text)
    head, tail = text[: len(text) // 2], text[len(text) // 2 :]
    high, low = _convert(head), _convert_digits(tail)
    power: int = 10 ** len(tail)
    return high * power + (-low if text[0] == "-" else low)


def _convert_digits(digits: str) -> int:
    return _convert(digits.lstrip("0") or "0")


def rational(text: Any, place: str) -> tuple[int, int]:
    """Numerator and denominator of `"p"` or `"p/q"` in lowest terms."""
    if type(text) is not str:
        raise Malformed(place, f"expected a string 'p' or 'p/q', got {shown(text)}")
    p, slash, q = text.partition("/")
    numerator, denominator = integer(p, place), integer(q, place) if slash else 1
    if denominator < 1 + bool(slash) or math.gcd(numerator, denominator) != 1:
        raise Malformed(place, f"{shown(text)} is not in lowest terms")
    return numerator, denominator


def fields(
    value: Any, place: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """`value` if it is an object with these keys."""
    if type(value) is not dict:
        raise Malformed(place, f"expected an object, got {shown(value)}")
    for key in required:
        if key not in value:
            raise Malformed(place, f"the key '{key}' is missing")
    for key in value:
        if key not in required and key not in optional:
            raise Malformed(place, f"unknown key {shown(key)}")
    return value


def parse(content: bytes, place: str) -> Any:
    """JSON without duplicate keys, NaN or deep nesting."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, item in pairs:
            if key in out:
                raise Malformed(place, f"the key {shown(key)} stands twice in one object")
            out[key] = item
        return out

    def number(text: str) -> int | float:
        return integer(text, place) if text != "-0" else -0.0  # a float fits nowhere but in notes

    def constant(text: str) -> Any:
        raise Malformed(place, f"{text} is not JSON")

    try:
        value = json.loads(
            content.decode("utf-8"), object_pairs_hook=unique, parse_int=number, parse_constant=constant
        )
    except UnicodeDecodeError:
        raise Malformed(place, "not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise Malformed(place, f"not JSON: {error}") from None
    except RecursionError:
        raise Malformed(place, f"nesting over {MAX_NESTING}") from None
    level = [value]
    for _ in range(MAX_NESTING):
        level = [
            item
            for box in level
            if type(box) in (dict, list)
            for item in (box.values() if type(box) is dict else box)
            if type(item) in (dict, list)
        ]
    if level:
        raise Malformed(place, f"nesting over {MAX_NESTING}")
    return value


@dataclass(frozen=True)
class Array:
    """Exact rationals; `rows()` yields the entries of the first axis, one after the other."""

    place: str
    shape: tuple[int, ...]

    def rows(self) -> Iterator[Row]:
        raise NotImplementedError

    @property
    def width(self) -> int:
        """The number of integers in a row."""
        return math.prod(self.shape[1:])


@dataclass(frozen=True)
class Inline(Array):
    numerators: list[int]
    denominators: list[int]

    def rows(self) -> Iterator[Row]:
        w = self.width
        for i in range(self.shape[0]):
            yield self.numerators[i * w : (i + 1) * w], self.denominators[i % len(self.denominators)]


@dataclass(frozen=True)
class Sidecar(Array):
    """A `.npy` file, streamed. The digest binds every pass to the bytes that were named."""

    path: str
    sha256: str
    code: str
    start: int

    def rows(self) -> Iterator[Row]:
        size = array.array(self.code).itemsize
        with open(self.path, "rb") as stream:
            digest = hashlib.sha256(stream.read(self.start))
            many = max(1, CHUNK // max(1, self.width * size))
            for first in range(0, self.shape[0], many):
                count = min(many, self.shape[0] - first)
                content = stream.read(count * self.width * size)
                digest.update(content)
                values = array.array(self.code)
                if len(content) != count * self.width * size:
                    raise Malformed(self.place, "the file is too short for its shape")
                values.frombytes(content)
                if sys.byteorder == "big":
                    values.byteswap()
                for i in range(count):
                    row = values[i * self.width : (i + 1) * self.width].tolist()
                    yield (row, 1) if self.code in "qB" else self._floats(row, first + i)
            if stream.read(1):
                raise Malformed(self.place, "the file is too long for its shape")
        if digest.hexdigest() != self.sha256:
            raise Malformed(self.place, "the file is not the one that was certified (SHA-256 differs)")

    def _floats(self, row: list[Any], index: int) -> Row:
        try:
            ratios = [x.as_integer_ratio() for x in row]
        except (ValueError, OverflowError):
            raise Malformed(f"{self.place}[{index}]", "NaN or infinity") from None
        common = max((q for _, q in ratios), default=1)  # all are powers of two
        return [p * (common // q) for p, q in ratios], common


def read_array(value: Any, place: str, folder: str, dims: tuple[int, ...]) -> Array:
    """An array with `len(shape)` in `dims`, inline or from a file in `folder`."""
    if type(value) is dict and "file" in value:
        out: Array = _open(fields(value, place, ("file", "sha256")), place, folder)
    else:
        out = _inline(value, place, dims)
    if len(out.shape) not in dims:
        raise Malformed(place, f"the shape has {len(out.shape)} dimensions")
    return out


def _inline(value: Any, place: str, dims: tuple[int, ...]) -> Inline:
    fields(value, place, ("shape", "numerators"), ("denominator", "denominators"))
    shape, texts = value["shape"], value["numerators"]
    if type(shape) is not list or not all(type(n) is int and n >= 0 for n in shape):
        raise Malformed(f"{place}.shape", "expected a list of integers from 0")
    if len(shape) not in dims:
        raise Malformed(f"{place}.shape", f"the shape has {len(shape)} dimensions")
    if type(texts) is not list or len(texts) != math.prod(shape):
        raise Malformed(f"{place}.numerators", f"expected a list of {shown(math.prod(shape))} strings")
    if ("denominator" in value) == ("denominators" in value):
        raise Malformed(place, "expected one of the keys 'denominator' and 'denominators'")
    below = value["denominators"] if "denominators" in value else [value["denominator"]]
    if "denominators" in value and (type(below) is not list or not shape or len(below) != shape[0]):
        raise Malformed(f"{place}.denominators", "expected one for each entry of the first axis")
    numerators = [integer(text, f"{place}.numerators[{i}]") for i, text in enumerate(texts)]
    denominators = [integer(text, f"{place}.denominators[{i}]") for i, text in enumerate(below)]
    if any(q < 1 for q in denominators):
        raise Malformed(f"{place}.denominators", "a denominator is not positive")
    return Inline(place, tuple(shape), numerators, denominators)


def _open(value: dict[str, Any], place: str, folder: str) -> Sidecar:
    name, sha256 = value["file"], value["sha256"]
    if type(name) is not str or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.npy", name):
        raise Malformed(place, f"{shown(name)} is not the name of a .npy file in the folder")
    if type(sha256) is not str or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise Malformed(place, "sha256 is not 64 lower-case hexadecimal digits")
    path = os.path.join(folder, name)
    if os.path.dirname(os.path.realpath(path)) != os.path.realpath(folder):
        raise Malformed(place, f"{name} lies outside of the folder")
    with open_regular(path, place) as stream:
        length = int.from_bytes(stream.read(10)[8:], "little")
        stream.seek(0)
        head = stream.read(10 + length)
        match = HEADER.fullmatch(head[10:]) if head[:8] == b"\x93NUMPY\x01\x00" else None
        if match is None or match[1].decode() not in DTYPES or match[2] != b"False":
            raise Malformed(place, f"{name} is not a C-order .npy file of dtype {', '.join(DTYPES)}")
        shape = tuple(int(n) for n in match[3].split(b", ") if n)
        code = DTYPES[match[1].decode()]
        expected = len(head) + math.prod(shape) * array.array(code).itemsize
        if os.fstat(stream.fileno()).st_size != expected:
            raise Malformed(place, f"{name} does not hold {shown(math.prod(shape))} entries")
    return Sidecar(place, shape, path, sha256, code, len(head))


def open_regular(path: str, place: str) -> BinaryIO:
    """Open a regular file for reading; anything else is malformed, and nothing blocks."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Malformed(place, f"{shown(path)} is not a regular file")
        return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "unusable name"
        raise Malformed(place, f"cannot read {shown(path)}: {reason}") from None
