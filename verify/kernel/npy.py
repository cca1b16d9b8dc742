"""Arrays in `.npy` files beside the certificate, streamed in constant memory."""

from __future__ import annotations

import array
import hashlib
import math
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from verify.kernel.reader import Array, Malformed, Row, fields, need, open_regular, shown

__all__ = ["sidecar"]

CHUNK = 1 << 16
DTYPES = {"<f8": "d", "<f4": "f", "<i8": "q", "|u1": "B"}
BITS = {"d": "Q", "f": "I"}
HEADER = re.compile(
    rb"\{'descr': '([<|][fiu][148])', 'fortran_order': (False|True), "
    rb"'shape': \(((?:0|[1-9][0-9]{0,17})(?:, (?:0|[1-9][0-9]{0,17}))*|),?\),? ?\} *\n"
)


@dataclass(frozen=True)
class Sidecar(Array):
    """A `.npy` file. The digest binds every pass to the bytes that were named."""

    path: str
    sha256: str
    code: str
    header: bytes

    def rows(self) -> Iterator[Row]:
        size = self.width * array.array(self.code).itemsize
        many = max(1, CHUNK // max(1, size))
        with open_regular(self.path, self.place) as stream:
            same = stream.read(len(self.header)) == self.header
            need(same, self.place, "the file changed while it was read")
            digest = hashlib.sha256(self.header)
            for first in range(0, self.shape[0], many):
                count = min(many, self.shape[0] - first)
                content = stream.read(count * size)
                digest.update(content)
                need(len(content) == count * size, self.place, "the file is too short for its shape")
                values = array.array(BITS.get(self.code, self.code), content)
                if sys.byteorder == "big":
                    values.byteswap()
                for i in range(count):
                    row = values[i * self.width : (i + 1) * self.width].tolist()
                    yield (row, 1) if self.code in "qB" else self._exact(row, first + i)
            need(not stream.read(1), self.place, "the file is too long for its shape")
        same = digest.hexdigest() == self.sha256
        need(same, self.place, "the file is not the one that was certified (SHA-256 differs)")

    def _exact(self, row: list[int], index: int) -> Row:
        """The numbers of IEEE 754 bits, by integers alone: no setting of the processor matters."""
        width, special, unit = (52, 0x7FF, 1075) if self.code == "d" else (23, 0xFF, 150)
        numbers, shift = [], 0
        for bits in row:
            exponent, size = bits >> width & special, bits & (1 << width) - 1
            need(exponent != special, f"{self.place}[{index}]", "NaN or infinity")
            if exponent:
                size |= 1 << width
            power = max(exponent, 1) - unit  # the number is +-size 2^power
            if size:
                shift = max(shift, 1 - power - (size & -size).bit_length())
            numbers.append((-size if bits > special << width | (1 << width) - 1 else size, power))
        # exact in both ways: no bit of a number lies below 2^-shift
        return [n << (p + shift) if p + shift >= 0 else n >> -(p + shift) for n, p in numbers], 1 << shift


def sidecar(value: Any, place: str, folder: str, dims: tuple[int, ...]) -> Sidecar:
    """Read the header of the file that `value` names in `folder`."""
    fields(value, place, ("file", "sha256"))
    name, sha256 = value["file"], value["sha256"]
    named = type(name) is str and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.npy", name)
    need(bool(named), place, f"{shown(name)} is not the name of a .npy file in the folder")
    hexadecimal = type(sha256) is str and re.fullmatch("[0-9a-f]{64}", sha256)
    need(bool(hexadecimal), place, "sha256 is not 64 lower-case hexadecimal digits")
    path = os.path.join(folder, name)
    inside = os.path.dirname(os.path.realpath(path)) == os.path.realpath(folder)
    need(inside, place, f"{name} lies outside of the folder")
    with open_regular(path, place) as stream:
        start = stream.read(10)
        head = stream.read(int.from_bytes(start[8:], "little"))
        length = os.fstat(stream.fileno()).st_size
    match = HEADER.fullmatch(head) if start[:8] == b"\x93NUMPY\x01\x00" else None
    if match is None or match[1].decode() not in DTYPES or match[2] != b"False":
        raise Malformed(place, f"{name} is not a C-order .npy file of dtype {', '.join(DTYPES)}")
    shape = tuple(int(n) for n in match[3].split(b", ") if n)
    need(len(shape) in dims, place, f"the shape has {len(shape)} dimensions")
    code = DTYPES[match[1].decode()]
    size = math.prod(shape) * array.array(code).itemsize
    need(length == len(start + head) + size, place, f"{name} does not hold {math.prod(shape)} entries")
    return Sidecar(place, shape, path, sha256, code, start + head)
