"""A certificate as read: points, frozen outputs, edits, network; every shape agrees with the others."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

from verify.kernel.npy import sidecar
from verify.kernel.reader import Array, Row, fields, inline, integer, need, open_regular, parse

__all__ = ["Certificate", "Network", "Progress", "read_certificate"]

MAX_JSON = 1 << 30
Progress = Callable[[int, int], None]
"""Called with the number of points that are settled, and of all points."""


@dataclass(frozen=True)
class Network:
    """Integer layers: rows of integers, the bias last; output `k` is an integer over
    `denominators[k]`. It equals the rational network because `relu(a z) = a relu(z)`, `a > 0`."""

    layers: list[list[list[int]]]
    denominators: list[int]

    @classmethod
    def of(cls, layers: list[tuple[Array, Array]]) -> Network:
        """Push every denominator into the next layer, and the last ones to the outputs."""
        below = [1] * layers[0][0].shape[1]
        out = []
        for weight, bias in layers:
            common = math.lcm(*below)
            rows, denominators = [], []
            for (w, q), (b, r) in zip(weight.rows(), bias.rows(), strict=True):
                row = [x * r * (common // p) for x, p in zip(w, below, strict=True)]
                row.append(b[0] * q * common)
                # this only shortens numbers, and takes long where they are very long
                shared = math.gcd(q * r * common, *row) if common.bit_length() < 10_000 else 1
                rows.append([x // shared for x in row])
                denominators.append(q * r * common // shared)
            out.append(rows)
            below = denominators
        return cls(out, below)

    @property
    def neurons(self) -> int:
        """The number of hidden neurons."""
        return sum(len(rows) for rows in self.layers[:-1])

    def __call__(self, point: Row) -> list[int]:
        """The outputs at a point: integers over `denominators[k]` times the point's denominator."""
        a, scale = point
        for rows in self.layers[:-1]:
            a = [max(0, z) for z in _affine(rows, a, scale)]
        return _affine(self.layers[-1], a, scale)


def _affine(rows: list[list[int]], a: list[int], scale: int) -> list[int]:
    a = [*a, scale]
    return [sum(map(int.__mul__, row, a)) for row in rows]


@dataclass(frozen=True)
class Certificate:
    """`edits[i]` is the wanted value (a row) or, if `by_label`, the wanted label of point `i`."""

    points: Array
    base: Array | None
    edits: dict[int, Row | int]
    by_label: bool
    direction: list[int] | None
    layers: list[tuple[Array, Array]]
    """Weights and biases as they stand; none if there is no network."""
    outputs: int
    claims: list[Any]
    sha256: str
    """The digest of the JSON file."""

    @cached_property
    def network(self) -> Network | None:
        """The layers as integers."""
        return Network.of(self.layers) if self.layers else None

    @property
    def zero(self) -> Row:
        """A row of base that is left out."""
        return [0] * self.outputs, 1

    def samples(self, progress: Progress) -> Iterator[tuple[int, Row, Row]]:
        """Index, point and frozen outputs of every point; reading to the end checks the digests."""
        total = self.points.shape[0]
        base = repeat(self.zero) if self.base is None else self.base.rows()
        for i, point in enumerate(self.points.rows()):
            yield i, point, next(base)
            if i % 256 == 255 or i == total - 1:
                progress(i + 1, total)
        if self.base is not None:
            for _ in base:  # not one row is left: this checks the digest of base
                pass

    def validate(self) -> None:
        """Read every streamed array once: finite, whole, and with the digest that was named."""
        for data in (self.points, self.base):
            for _ in data.rows() if data is not None else ():
                pass


def read_certificate(path: str) -> Certificate:
    """Read the file `path`, or `certificate.json` in the folder `path`.

    Raises:
        Malformed: it is no certificate.
    """
    file = os.path.join(path, "certificate.json") if os.path.isdir(path) else path
    with open_regular(file, "certificate") as stream:
        content = stream.read(min(MAX_JSON, os.fstat(stream.fileno()).st_size) + 1)
    need(len(content) <= MAX_JSON, "certificate", "the JSON file has over 1 GiB")
    raw = parse(content, "certificate")
    required = ("format", "version", "claims", "points", "edits")
    fields(raw, "certificate", required, ("base", "direction", "network", "notes"))
    need(raw["format"] == "ftc-certificate", "format", "expected 'ftc-certificate'")
    need(type(raw["version"]) is int and raw["version"] == 1, "version", "expected 1")
    claims = raw["claims"]
    need(type(claims) is list and claims != [], "claims", "expected a list of at least one claim")
    folder = os.path.dirname(file) or "."
    points = _read_array(raw["points"], "points", folder, (2,))
    need(0 not in points.shape, "points", "no points, or points without coordinates")
    layers = _read_network(raw["network"], points.shape[1], folder) if "network" in raw else []
    base = _read_array(raw["base"], "base", folder, (1, 2)) if "base" in raw else None
    edits, by_label, shape = _read_edits(raw["edits"], points.shape[0], folder)
    outputs = _count_outputs(points, base, shape, layers)
    if by_label:
        need(outputs > 1, "edits.label", "labels need at least two columns of base")
        for k, label in enumerate(raw["edits"]["label"]):
            need(0 <= label < outputs, f"edits.label[{k}]", f"not a column of base: 0..{outputs - 1}")
    direction = _read_direction(raw["direction"], points.shape[1]) if "direction" in raw else None
    sha256 = hashlib.sha256(content).hexdigest()
    return Certificate(points, base, edits, by_label, direction, layers, outputs, claims, sha256)


def _read_array(value: Any, place: str, folder: str, dims: tuple[int, ...]) -> Array:
    if type(value) is dict and "file" in value:
        return sidecar(value, place, folder, dims)
    return inline(value, place, dims)


def _read_network(raw: Any, inputs: int, folder: str) -> list[tuple[Array, Array]]:
    need(type(raw) is list and raw != [], "network", "expected a list of at least one layer")
    layers = []
    for k, layer in enumerate(raw):
        place = f"network[{k}]"
        fields(layer, place, ("weight", "bias"))
        weight = _read_array(layer["weight"], f"{place}.weight", folder, (2,))
        bias = _read_array(layer["bias"], f"{place}.bias", folder, (1,))
        rows, columns = weight.shape
        need(columns == inputs, f"{place}.weight", f"{columns} columns for {inputs} inputs")
        need(bias.shape == (rows,), f"{place}.bias", f"{bias.shape[0]} entries for {rows} rows")
        layers.append((weight, bias))
        inputs = rows
    need(inputs > 0, "network", "the last layer has no output")
    return layers


def _read_edits(
    raw: Any, points: int, folder: str
) -> tuple[dict[int, Row | int], bool, tuple[int, ...] | None]:
    by_label = type(raw) is dict and "label" in raw
    fields(raw, "edits", ("index", "label" if by_label else "value"))
    index, labels = raw["index"], raw.get("label", [])
    need(type(index) is list, "edits.index", "expected a list of integers")
    fine = type(labels) is list and all(type(label) is int for label in labels)
    need(fine, "edits.label", "expected a list of integers")
    wanted = None if by_label else _read_array(raw["value"], "edits.value", folder, (1, 2))
    count = len(labels) if wanted is None else wanted.shape[0]
    need(count == len(index), "edits", f"{len(index)} indices for {count} wanted outputs")
    values = labels if wanted is None else list(wanted.rows())
    shape = None if wanted is None else wanted.shape[1:]
    edits: dict[int, Row | int] = {}
    for k, (i, value) in enumerate(zip(index, values, strict=True)):
        place = f"edits.index[{k}]"
        need(type(i) is int and 0 <= i < points, place, f"not an integer in 0..{points - 1}")
        need(i not in edits, place, f"the index {i} is repeated")
        edits[i] = value
    return edits, by_label, shape


def _count_outputs(
    points: Array, base: Array | None, values: tuple[int, ...] | None, layers: list[tuple[Array, Array]]
) -> int:
    """The number of outputs, on which base, values and network must agree."""
    counts = {}
    if base is not None:
        need(
            base.shape[0] == points.shape[0], "base", f"{base.shape[0]} entries for {points.shape[0]} points"
        )
        same = values is None or base.shape[1:] == values
        need(same, "edits.value", "the rows have not the shape of the rows of base")
        counts["base"] = base.width
    if values is not None:
        counts["edits.value"] = math.prod(values)
    if layers:
        counts["network"] = layers[-1][1].shape[0]
    need(counts != {}, "edits.label", "labels need base or a network")
    first, outputs = next(iter(counts.items()))
    for place, count in counts.items():
        need(count == outputs > 0, place, f"{count} outputs, while {first} has {outputs}")
    return outputs


def _read_direction(raw: Any, d: int) -> list[int]:
    need(type(raw) is list and len(raw) == d, "direction", f"expected a list of {d} decimal strings")
    return [integer(entry, f"direction[{k}]") for k, entry in enumerate(raw)]
