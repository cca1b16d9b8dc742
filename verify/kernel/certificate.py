"""A certificate as read: points, frozen outputs, edits, network; every shape agrees with the others."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verify.kernel.reader import MAX_JSON, Array, Malformed, Row, fields, integer, open_regular, parse
from verify.kernel.reader import read_array as read

__all__ = ["Certificate", "Network", "Progress", "read_certificate"]

Progress = Callable[[int, int], None]
"""Called with the number of points that are settled, and of all points."""


@dataclass(frozen=True)
class Network:
    """Integer layers: rows of integers, the bias last; output `k` is an integer over
    `denominators[k]`. It equals the rational network because `relu(a z) = a relu(z)`, `a > 0`."""

    layers: list[list[list[int]]]
    denominators: list[int]
    widths: list[int]

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
                shared = math.gcd(q * r * common, *row)
                rows.append([x // shared for x in row])
                denominators.append(q * r * common // shared)
            out.append(rows)
            below = denominators
        return cls(out, below, [len(rows) for rows in out[:-1]])

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
    network: Network | None
    outputs: int
    claims: list[Any]

    @property
    def K(self) -> int:  # noqa: N802
        return self.points.shape[0]

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
    folder = os.path.dirname(file) or "."
    with open_regular(file, "certificate") as stream:
        content = stream.read(MAX_JSON + 1)
    if len(content) > MAX_JSON:
        raise Malformed("certificate", "the JSON file has over 1 GiB")
    return _read(parse(content, "certificate"), folder)


def _read(raw: Any, folder: str) -> Certificate:
    required = ("format", "version", "claims", "points", "edits")
    fields(raw, "certificate", required, ("base", "direction", "network", "notes"))
    if raw["format"] != "ftc-certificate":
        raise Malformed("format", "expected 'ftc-certificate'")
    if type(raw["version"]) is not int or raw["version"] != 1:
        raise Malformed("version", "expected 1")
    if type(raw["claims"]) is not list or not raw["claims"]:
        raise Malformed("claims", "expected a list of at least one claim")
    points = read(raw["points"], "points", folder, (2,))
    if 0 in points.shape:
        raise Malformed("points", "no points, or points without coordinates")
    layers = _read_layers(raw["network"], points.shape[1], folder) if "network" in raw else None
    network = None if layers is None else Network.of(layers)
    base = read(raw["base"], "base", folder, (1, 2)) if "base" in raw else None
    edits, by_label, shape = _read_edits(raw["edits"], points.shape[0], folder)
    outputs = _outputs(points, base, shape, network)
    if by_label:
        for place, label in enumerate(edits.values()):
            if outputs < 2:
                raise Malformed("edits.label", "labels need at least two columns of base")
            if not isinstance(label, int) or not 0 <= label < outputs:
                raise Malformed(f"edits.label[{place}]", f"not a column of base: 0..{outputs - 1}")
    direction = _read_direction(raw["direction"], points.shape[1]) if "direction" in raw else None
    return Certificate(points, base, edits, by_label, direction, network, outputs, raw["claims"])


def _read_layers(raw: Any, inputs: int, folder: str) -> list[tuple[Array, Array]]:
    if type(raw) is not list or not raw:
        raise Malformed("network", "expected a list of at least one layer")
    layers = []
    for k, layer in enumerate(raw):
        place = f"network[{k}]"
        fields(layer, place, ("weight", "bias"))
        weight = read(layer["weight"], f"{place}.weight", folder, (2,))
        bias = read(layer["bias"], f"{place}.bias", folder, (1,))
        if weight.shape[1] != inputs:
            raise Malformed(f"{place}.weight", f"{weight.shape[1]} columns for {inputs} inputs")
        if bias.shape != weight.shape[:1]:
            raise Malformed(f"{place}.bias", f"{bias.shape[0]} entries for {weight.shape[0]} rows")
        layers.append((weight, bias))
        inputs = weight.shape[0]
    if inputs == 0:
        raise Malformed("network", "the last layer has no output")
    return layers


def _read_edits(
    raw: Any, points: int, folder: str
) -> tuple[dict[int, Row | int], bool, tuple[int, ...] | None]:
    by_label = type(raw) is dict and "label" in raw
    fields(raw, "edits", ("index", "label" if by_label else "value"))
    index = raw["index"]
    if type(index) is not list:
        raise Malformed("edits.index", f"expected a list, got {type(index).__name__}")
    values: list[Any]
    shape = None
    if by_label:
        values = raw["label"]
        if type(values) is not list or not all(type(label) is int for label in values):
            raise Malformed("edits.label", "expected a list of integers")
    else:
        wanted = read(raw["value"], "edits.value", folder, (1, 2))
        values, shape = list(wanted.rows()), wanted.shape[1:]
    if len(values) != len(index):
        raise Malformed("edits", f"{len(index)} indices for {len(values)} wanted outputs")
    edits: dict[int, Row | int] = {}
    for place, (i, value) in enumerate(zip(index, values, strict=True)):
        if type(i) is not int or not 0 <= i < points:
            raise Malformed(f"edits.index[{place}]", f"not an integer in 0..{points - 1}")
        if i in edits:
            raise Malformed(f"edits.index[{place}]", f"the index {i} is repeated")
        edits[i] = value
    return edits, by_label, shape


def _outputs(
    points: Array, base: Array | None, values: tuple[int, ...] | None, network: Network | None
) -> int:
    """The number of outputs, on which base, values and network must agree."""
    if base is not None and base.shape[0] != points.shape[0]:
        raise Malformed("base", f"{base.shape[0]} entries for {points.shape[0]} points")
    if base is not None and values is not None and base.shape[1:] != values:
        raise Malformed("edits.value", "the rows have not the shape of the rows of base")
    counts = {
        "base": None if base is None else base.width,
        "edits.value": None if values is None else math.prod(values),
        "network": None if network is None else len(network.denominators),
    }
    known = {place: count for place, count in counts.items() if count is not None}
    for place, count in known.items():
        first = next(iter(known))
        if count != known[first] or count == 0:
            raise Malformed(place, f"{count} outputs, while {first} has {known[first]}")
    if not known:
        raise Malformed("edits.label", "labels need base or a network")
    return next(iter(known.values()))


def _read_direction(raw: Any, d: int) -> list[int]:
    if type(raw) is not list or len(raw) != d:
        raise Malformed("direction", f"expected a list of {d} decimal strings")
    return [integer(entry, f"direction[{k}]") for k, entry in enumerate(raw)]
