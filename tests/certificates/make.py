"""Write the corpus of certificates that the tests of the checker read: `python make.py [FOLDER]`.

It stands alone, with the standard library only, as does `farkas_trees.py`, which it uses: a third
writer of the format beside `constructions` and the checker. Three folders come out: `accepted`,
`rejected` and `malformed`. A certificate is `NAME.json` or a folder `NAME`; beside each bad one,
`NAME.expected` holds a part of the verdict's text.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import shutil
import struct
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import farkas_trees

Document = dict[str, Any]
Files = dict[str, bytes]


class Corpus:
    """The files to write, by their path in the corpus."""

    def __init__(self) -> None:
        self.files: Files = {}

    def add(self, verdict: str, name: str, content: Document | str | bytes, expected: str = "") -> None:
        """A certificate in one file."""
        self._new(f"{verdict}/{name}.json", content if isinstance(content, bytes) else encode(content))
        if expected:
            self._new(f"{verdict}/{name}.expected", expected.encode() + b"\n")

    def folder(
        self, verdict: str, name: str, document: Document | None, files: Files, expected: str = ""
    ) -> None:
        """A certificate in a folder, with files beside it."""
        if document is not None:
            files = {"certificate.json": encode(document), **files}
        for file, content in files.items():
            self._new(f"{verdict}/{name}/{file}", content)
        if expected:
            self._new(f"{verdict}/{name}.expected", expected.encode() + b"\n")

    def _new(self, path: str, content: bytes) -> None:
        if path in self.files:
            raise ValueError(f"{path} is written twice")
        self.files[path] = content

    def write(self, target: Path) -> None:
        """Replace the three folders in `target`."""
        for verdict in ("accepted", "rejected", "malformed"):
            shutil.rmtree(target / verdict, ignore_errors=True)
        for path, content in self.files.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)


# Encoding


def encode(document: Document | str) -> bytes:
    """One line for each key at the top."""
    if isinstance(document, str):
        return document.encode()
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def array(shape: Sequence[int], values: Sequence[int | Fraction], denominator: int = 1) -> Document:
    """An inline array; `values` are multiplied by the denominator."""
    numerators = [Fraction(v) * denominator for v in values]
    if any(v.denominator != 1 for v in numerators):
        raise ValueError("the denominator does not serve all values")
    texts = [decimal(v.numerator) for v in numerators]
    return {"shape": list(shape), "denominator": decimal(denominator), "numerators": texts}


def by_rows(shape: Sequence[int], numerators: Sequence[int], denominators: Sequence[int]) -> Document:
    """An inline array with one denominator for each entry of the first axis."""
    return {
        "shape": list(shape),
        "denominators": [decimal(q) for q in denominators],
        "numerators": [decimal(v) for v in numerators],
    }


def decimal(value: int) -> str:
    """`str(value)`, also for numbers that are longer than Python's limit."""
    if abs(value) < 10**600:
        return str(value)
    high, low = divmod(abs(value), 10**600)
    return "-" * (value < 0) + decimal(high) + str(low).zfill(600)


def npy(descr: str, shape: str, content: bytes, *, fortran: bool = False, version: int = 1) -> bytes:
    """A `.npy` file by hand, so that headers can be wrong in every way."""
    header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    size = {1: "<H", 2: "<I"}[version]
    prefix = 8 + struct.calcsize(size)
    header += " " * (-(prefix + len(header) + 1) % 64) + "\n"
    start = b"\x93NUMPY" + bytes([version, 0])
    return start + struct.pack(size, len(header)) + header.encode() + content


def doubles(shape: str, *values: float) -> bytes:
    return npy("'<f8'", shape, struct.pack(f"<{len(values)}d", *values))


def float_of_bits(bits: int, fraction_bits: int, exponent_bits: int) -> Fraction:
    """The value of an IEEE 754 number from its bits, written out."""
    fraction = bits & ((1 << fraction_bits) - 1)
    exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1)
    sign = -1 if bits >> (fraction_bits + exponent_bits) else 1
    if exponent:
        fraction += 1 << fraction_bits
    power = max(exponent, 1) - (1 << (exponent_bits - 1)) + 1 - fraction_bits
    return sign * Fraction(fraction) * Fraction(2) ** power


def without_entries(rows: int | str, columns: int | str) -> Document:
    return {"shape": [rows, columns], "denominator": "1", "numerators": []}


def sidecar(name: str, content: bytes) -> Document:
    return {"file": name, "sha256": hashlib.sha256(content).hexdigest()}


# Changing a document: paths are written with dots


def put(document: Document, path: str, value: Any) -> Document:
    """A copy with one entry set."""
    out, box, key = _at(document, path)
    box[key] = value
    return out


def drop(document: Document, path: str) -> Document:
    """A copy without one entry."""
    out, box, key = _at(document, path)
    del box[key]
    return out


def _at(document: Document, path: str) -> tuple[Document, Any, Any]:
    out: Any = copy.deepcopy(document)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    box = out
    for step in way:
        box = box[step]
    return out, box, last


def text(document: Document, old: str, new: str) -> str:
    """The document's JSON with one piece of text replaced."""
    whole = encode(document).decode()
    if whole.count(old) != 1:
        raise ValueError(f"{old} stands {whole.count(old)} times")
    return whole.replace(old, new)


# Good documents


def document(
    claims: list[Document], points: Document, edits: Document, network: list[Document], **more: Any
) -> Document:
    head = {"format": "ftc-certificate", "version": 1, "claims": claims, "points": points}
    return {**head, "edits": edits, "network": network, **more}


def layer(weight: Document, bias: Document) -> Document:
    return {"weight": weight, "bias": bias}


def affine(rows: Sequence[Sequence[int | Fraction]], bias: Sequence[int | Fraction], q: int = 1) -> Document:
    entries = [x for row in rows for x in row]
    return layer(array((len(rows), len(rows[0])), entries, q), array((len(bias),), bias, q))


def claim(kind: str, neurons: int, layers: int, **more: Any) -> Document:
    return {"kind": kind, "neurons": neurons, "layers": layers, **more}


HALF, TENT = Fraction(1, 2), affine([[1], [1], [1]], [-1, -2, -3])

# A tent of height 3/2 over the point 2 among 0, 1, .., 5; the others are protected.
EDIT = document(
    [claim("edit", 3, 2, bound={"name": "two-layer"})],
    array((6, 1), range(6)),
    {"index": [2], "value": array((1,), [3])},
    [TENT, affine([[Fraction(3, 2), -3, Fraction(3, 2)]], [0], 2)],
    base=array((6,), [HALF, -HALF, 3 * HALF, 0, 5 * HALF, 1], 2),
    direction=["1"],
    notes={"construction": "tents", "seed": 0},
)

# Three logits; point 1 gets label 2, with leads 1 over label 0 and 2 over label 1.
LABEL = document(
    [claim("label-edit", 3, 2)],
    array((4, 2), [0, 5, 1, -2, 2, 0, 3, 1]),
    {"index": [1], "label": [2]},
    [
        affine([[1, 0], [1, 0], [1, 0]], [0, -1, -2]),
        affine([[0, 0, 0], [0, 0, 0], [3, -6, 3]], [0, 0, 0]),
    ],
    base=array((4, 3), [1, 0, 0, 2, 1, 0, 0, 7, 0, 0, 0, 9]),
)

# Two outputs; both change at point 2.
COLUMNS = document(
    [claim("edit", 3, 2)],
    array((4, 1), range(1, 5)),
    {"index": [1], "value": array((1, 2), [6, -1])},
    [TENT, affine([[5, -10, 5], [-3, 6, -3]], [0, 0])],
    base=array((4, 2), [0, 1, 1, 2, 2, 3, 3, 4]),
)


def identity(points: Document, values: Document, index: list[int]) -> Document:
    """`g(x) = x`, in one layer."""
    return document([claim("edit", 0, 1)], points, {"index": index, "value": values}, [affine([[1]], [0])])


def in_folder(points: bytes) -> Document:
    """`EDIT` with its points in a file."""
    return put(EDIT, "points", sidecar("points.npy", points))


SIX = doubles("(6, 1)", *range(6))


# Width formulas: a piecewise linear function on 0, 1, .., K-1, padded to the wanted width


def bounded(
    values: Sequence[int], layers: int, neurons: int, bound: Document, idle: Sequence[int] = ()
) -> Document:
    """Takes the integer `values`; the indices `idle` are listed as edits though they change nothing."""
    slopes = [b - a for a, b in zip(values, values[1:], strict=False)]
    jumps = [(i, s - before) for i, (before, s) in enumerate(zip([0, *slopes], slopes, strict=False))]
    jumps = [(i, jump) for i, jump in jumps if jump]
    dead = neurons - (layers - 2) - len(jumps)
    if dead < 0:
        raise ValueError("too few neurons for these values")
    jumps += [(0, 0)] * dead
    first = layer(array((len(jumps), 1), [1] * len(jumps)), array((len(jumps),), [-i for i, _ in jumps]))
    out = array((1, len(jumps)), [jump for _, jump in jumps])
    lift = max(0, -min(values)) if layers > 2 else 0
    network = [first, layer(out, array((1,), [values[0] + lift]))]
    for _ in range(layers - 2):
        network.append(affine([[1]], [0]))
    network[-1]["bias"] = array((1,), [values[0]] if layers == 2 else [-lift])
    index = [i for i, v in enumerate(values) if v or i in idle]
    edits = {"index": index, "value": array((len(index),), [values[i] for i in index])}
    points = array((len(values), 1), range(len(values)))
    return document([claim("edit", neurons, layers, bound=bound)], points, edits, network)


ONE = [0, 0, 1, 1, 1, 1] + [0] * 14  # 4 edits of one sign, 20 points
TWO = [0, 0, 1, 1, -1, -1] + [0] * 14
SIX_POINTS = [0, 1, 1, 1, 1, 0]


def named(name: str, every: int | None = None) -> Document:
    return {"name": name} if every is None else {"name": name, "restart_every": every}


# name, values, layers, bound, and the neurons that it allows, worked out by hand
BOUNDS: list[tuple[str, list[int], int, Document, int]] = [
    ("two-layer-3n", [0, 0, 1] + [0] * 7, 2, named("two-layer"), 3),
    ("two-layer-k-minus-2", SIX_POINTS, 2, named("two-layer"), 4),
    ("two-layer-four-points-one-edit", [0, 0, 1, 0], 2, named("two-layer"), 2),
    ("two-layer-four-points-two-edits", [1, 0, 1, 0], 2, named("two-layer"), 3),
    ("two-layer-three-points", [0, 1, 0], 2, named("two-layer"), 2),
    ("two-layer-two-points", [0, 1], 2, named("two-layer"), 1),
    ("two-layer-one-point", [3], 2, named("two-layer"), 0),
    ("two-layer-no-change", [0] * 6, 2, named("two-layer"), 0),
    ("three-layer-one-sign", ONE, 3, named("three-layer"), 4 + 3),
    ("three-layer-two-signs", TWO, 3, named("three-layer"), 4 + 4),
    ("three-layer-six-points", SIX_POINTS, 3, named("three-layer"), 5),
    ("three-layer-six-points-restart-1", SIX_POINTS, 3, named("three-layer", 1), 2 + 3 + 1),
    ("three-layer-one-sign-restart-1", ONE, 3, named("three-layer", 1), 2 + 6 + 1),
    ("three-layer-one-sign-restart-2", ONE, 3, named("three-layer", 2), 4 + 3 + 1),
    ("three-layer-two-signs-restart-1", TWO, 3, named("three-layer", 1), 4 + 4 + 3),
    ("four-layer-one-sign", ONE, 4, named("four-layer"), 4 + 3),
    ("four-layer-minus-signs", [-v for v in ONE], 4, named("four-layer"), 4 + 3),
    ("four-layer-two-signs", TWO, 4, named("four-layer"), 4 + 4),
    ("four-layer-one-sign-restart-1", ONE, 4, named("four-layer", 1), 5 + 3),
    ("four-layer-two-signs-restart-1", TWO, 4, named("four-layer", 1), 5 + 4),
    ("four-layer-five-layers", TWO, 5, named("four-layer"), 4 + 4 + 1),
    ("moderate-one-sign", ONE, 4, named("four-layer-moderate"), 2 * 2 + 2 + 3 - 1),
    ("moderate-two-signs", TWO, 4, named("four-layer-moderate"), 2 * 2 + 2 + 4 - 1),
    ("moderate-six-layers", TWO, 6, named("four-layer-moderate"), 2 * 2 + 2 + 4 - 1 + 2),
    ("sign-lift", TWO, 4, named("sign-lift"), 4 + 3 + 2),
    ("sign-lift-one-sign", ONE, 4, named("sign-lift"), 4 + 3 + 2),
    ("sign-lift-restart-1", TWO, 4, named("sign-lift", 1), 2 + 6 + 2 + 1),
    ("sign-lift-restart-2", TWO, 4, named("sign-lift", 2), 2 + 6 + 2),
    ("sign-lift-five-layers", TWO, 5, named("sign-lift"), 4 + 3 + 2 + 1),
]


def add_bounds(corpus: Corpus) -> None:
    for name, values, layers, bound, most in BOUNDS:
        idle = (5,) if len(values) in (6, 20) else ()
        corpus.add("accepted", f"bound-{name}", bounded(values, layers, most, bound, idle))
        over = f"claim 0 (edit): bound: expected at most {most} neurons by {bound['name']}, got {most + 1}"
        corpus.add("rejected", f"bound-{name}", bounded(values, layers, most + 1, bound, idle), over)
    for name, layers in (
        ("two-layer", 1), ("two-layer", 3), ("three-layer", 2), ("three-layer", 4),
        ("four-layer", 3), ("four-layer-moderate", 3), ("sign-lift", 3),
    ):  # fmt: skip
        if layers == 1:
            content = identity(array((2, 1), range(2)), array((1,), [1]), [1])
            content = put(content, "claims.0.bound", named(name))
        else:
            content = bounded(ONE, layers, layers + 2, named(name))
        reason = f"claim 0 (edit): bound: expected a network of the depth of {name}, got {layers} layers"
        corpus.add("rejected", f"depth-{layers}-for-{name}", content, reason)


# Accepted


def add_accepted(corpus: Corpus) -> None:
    def good(name: str, content: Document | str | bytes) -> None:
        corpus.add("accepted", name, content)

    good("edit", EDIT)
    good("label", LABEL)
    good("columns", COLUMNS)
    good("label-margin-reached", put(LABEL, "claims.0.margin", "1"))
    good("label-margin-zero", put(LABEL, "claims.0.margin", "0"))
    good("label-without-base", drop(LABEL, "base"))
    good("two-claims", put(EDIT, "claims", [claim("edit", 3, 2), EDIT["claims"][0]]))
    margins = [claim("label-edit", 3, 2, margin=margin) for margin in ("1/3", "1")]
    good("two-label-claims", put(LABEL, "claims", margins))
    good("without-base", drop(put(EDIT, "edits.value", array((1,), [3 * HALF], 2)), "base"))
    good("without-notes-and-direction", drop(drop(EDIT, "notes"), "direction"))
    good("indices-in-any-order", identity(array((3, 1), [0, 7, 9]), array((2,), [9, 7]), [2, 1]))
    good("spaces-and-line-ends", json.dumps(EDIT, indent="\t").replace("\n", " \r\n"))
    good("notes-are-free", text(EDIT, '"seed": 0', r'"x": [null, true, -0, 1e999, "\ud800", {"": {}}, "é"]'))
    good("notes-nested-64", put(EDIT, "notes", nested(63)))
    none = put(put(EDIT, "edits", {"index": [], "value": array((0,), [])}), "network", constant())
    good("no-neuron-and-no-edit", put(none, "claims", [claim("edit", 0, 3, bound=named("three-layer"))]))
    values = put(EDIT, "edits.value", by_rows((1,), [6], [2]))
    values = put(values, "network.0", layer(by_rows((3, 1), [2, 3, 5], [2, 3, 5]), TENT["bias"]))
    values = put(values, "network.1", layer(by_rows((1, 3), [3, -6, 3], [2]), by_rows((1,), [0], [7])))
    good("denominators", put(values, "base", by_rows((6,), [1, -2, 9, 0, 5, 6], [2, 4, 6, 8, 2, 6])))
    long = 10**20000 - 1
    content = identity(array((1, 1), [-long]), array((1,), [long]), [0])
    good("integers-of-20000-digits", put(content, "network.0", affine([[-1]], [0])))

    bits = [1, 0x8000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x7FEFFFFFFFFFFFFF,
            0xFFEFFFFFFFFFFFFF, 0x3FB999999999999A, 0xBFF0000000000001]  # fmt: skip
    exact = [float_of_bits(b, 52, 11) for b in bits]
    add_floats(corpus, "float64", "'<f8'", struct.pack("<8Q", *bits), exact)
    bits = [1, 0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3DCCCCCD, 0xBF800001]
    exact = [float_of_bits(b, 23, 8) for b in bits]
    add_floats(corpus, "float32", "'<f4'", struct.pack("<8I", *bits), exact)
    integers = [1, -1, 2**63 - 1, -(2**63), 2**53 + 1, -(2**53) - 1, 10, 255]
    add_floats(corpus, "int64", "'<i8'", struct.pack("<8q", *integers), [Fraction(v) for v in integers])
    integers = [1, 2, 127, 128, 254, 255, 10, 200]
    add_floats(corpus, "uint8", "'|u1'", bytes(integers), [Fraction(v) for v in integers])

    points, zero = doubles("(4, 1)", 0.0, -0.0, 5e-324, 0.5), npy("'<i8'", "(1,)", bytes(8))
    files = {"points.npy": points, "base_1.npy": doubles("(4,)", 0.1, 0.2, 0.3, 0.25), "bias.npy": zero}
    files |= {"weight.npy": npy("'<f4'", "(1, 1)", struct.pack("<f", 0.5))}
    content = document(
        [claim("edit", 0, 1)],
        sidecar("points.npy", points),
        {"index": [3, 2], "value": by_rows((2,), [2, float_of_bits(0x3FD3333333333333, 52, 11) * 2**1075 + 1],
                                           [4, 2**1075])},
        [layer(sidecar("weight.npy", files["weight.npy"]), sidecar("bias.npy", zero))],
        base=sidecar("base_1.npy", files["base_1.npy"]),
    )  # fmt: skip
    corpus.folder("accepted", "every-array-in-a-file", content, files)


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def constant() -> list[Document]:
    """Three layers without a neuron: `g = 0`."""
    none = layer(array((0, 1), []), array((0,), []))
    return [none, layer(array((0, 0), []), array((0,), [])), layer(array((1, 0), []), array((1,), [0]))]


def add_floats(corpus: Corpus, name: str, descr: str, content: bytes, values: list[Fraction]) -> None:
    """`g(x) = x` at entries of a type, whose exact values stand inline; and one of them a little off."""
    points = npy(descr, f"({len(values)}, 1)", content)
    index = list(range(len(values)))
    exact = by_rows((len(values),), [v.numerator for v in values], [v.denominator for v in values])
    whole = identity(sidecar("points.npy", points), exact, index)
    corpus.folder("accepted", name, whole, {"points.npy": points})
    wrong = put(whole, f"edits.value.numerators.{len(values) - 1}", decimal(values[-1].numerator + 1))
    expected = f"claim 0 (edit): point {len(values) - 1}: g[0] at an edited point"
    corpus.folder("rejected", f"{name}-last-value", wrong, {"points.npy": points}, expected)
    wrong = put(put(whole, "edits.index", index[1:]), "edits.value", by_rows(
        (len(values) - 1,), [v.numerator for v in values[1:]], [v.denominator for v in values[1:]]
    ))  # fmt: skip
    expected = "claim 0 (edit): point 0: g[0] at a protected point: expected 0"
    corpus.folder("rejected", f"{name}-first-edit-dropped", wrong, {"points.npy": points}, expected)


# Rejected


def add_rejected(corpus: Corpus) -> None:
    at, still = "g[0] at an edited point: expected", "g[0] at a protected point: expected 0, got"
    out, numerators = "network.1.weight.numerators", "points.numerators"
    dropped = {"index": [], "value": array((0,), [])}
    added = {"index": [2, 5], "value": array((2,), [3, 2])}
    three = [claim("edit", 3, 2), claim("edit", 3, 3), claim("edit", 3, 2)]
    # fmt: off
    for name, path, value, reason in (
        ("weight-off-by-one-unit", f"{out}.0", "4", f"point 2: {at} 3/2, got 2"),
        ("weight-of-other-sign", f"{out}.1", "6", f"point 3: {still} 6"),
        ("last-weight-off", f"{out}.2", "4", f"point 4: {still} 1/2"),
        ("bias-off-by-one-unit", "network.0.bias.numerators.2", "-2", f"point 3: {still} 3/2"),
        ("output-bias-off", "network.1.bias.numerators.0", "-1", f"point 0: {still} -1/2"),
        ("denominator-changed", "network.1.weight.denominator", "3", f"point 2: {at} 3/2, got 1"),
        ("edit-dropped", "edits", dropped, f"point 2: {still} 3/2"),
        ("edit-added", "edits", added, f"point 5: {at} 1, got 0"),
        ("edit-index-off-by-one", "edits.index", [3], f"point 2: {still} 3/2"),
        ("value-changed", "edits.value.numerators.0", "4", f"point 2: {at} 5/2, got 3/2"),
        ("base-changed-at-edit", "base.numerators.2", "4", f"point 2: {at} 1, got 3/2"),
        ("points-swapped", numerators, ["0", "1", "3", "2", "4", "5"], f"point 2: {at} 3/2, got 0"),
        ("last-point-moved", f"{numerators}.5", "2", f"point 5: {still} 3/2"),
        ("neurons-too-few", "claims.0.neurons", 2, "neurons: expected 3 as counted, got 2"),
        ("neurons-too-many", "claims.0.neurons", 4, "neurons: expected 3 as counted, got 4"),
        ("neurons-negative", "claims.0.neurons", -3, "neurons: expected 3 as counted, got -3"),
        ("layers-too-few", "claims.0.layers", 1, "layers: expected 2 as counted, got 1"),
        ("layers-too-many", "claims.0.layers", 3, "layers: expected 2 as counted, got 3"),
    ):
        corpus.add("rejected", name, put(EDIT, path, value), f"claim 0 (edit): {reason}")

    hair, lead = f"{2**52 + 1}/{2**52}", "point 1: lead of label 2 over"
    tie = ["0"] * 6 + ["2", "-4", "2"]
    last = ["0"] * 6 + ["3", "-6", "2"]
    for name, path, value, reason in (
        ("label-tie", out, tie, f"{lead} 0: expected above 0, got 0"),
        ("label-tie-with-the-second", "base.numerators.4", "3", f"{lead} 1: expected above 0, got 0"),
        ("label-behind", "base.numerators.4", "4", f"{lead} 1: expected above 0, got -1"),
        ("label-other", "edits.label", [1], "point 1: lead of label 1 over 0: expected above 0, got -1"),
        ("label-margin-missed-by-a-hair", "claims.0.margin", hair,
         f"{lead} 0: expected at least {hair} and above 0, got 1"),
        ("label-protected-moves", "network.1.bias.numerators.0", "1",
         "point 0: g[0] at a protected point: expected 0, got 1"),
        ("label-last-point-moves", out, last, "point 3: g[2] at a protected point: expected 0, got -1"),
        ("label-edit-dropped", "edits", {"index": [], "label": []},
         "point 1: g[2] at a protected point: expected 0, got 3"),
        ("label-bound", "claims.0.bound", named("two-layer"),
         "bound: expected at most 2 neurons by two-layer, got 3"),
    ):
        corpus.add("rejected", name, put(LABEL, path, value), f"claim 0 (label-edit): {reason}")
    # fmt: on
    with_margin = put(put(LABEL, out, tie), "claims.0.margin", "0")
    tied = f"claim 0 (label-edit): {lead} 0: expected above 0, got 0"
    corpus.add("rejected", "label-tie-with-margin-zero", with_margin, tied)

    edit = "claim 0 (edit): "
    corpus.add("rejected", "base-left-out", drop(EDIT, "base"), f"{edit}point 2: {at} 3, got 3/2")
    idle = put(put(EDIT, "network", constant()), "claims.0", claim("edit", 0, 3))
    corpus.add("rejected", "network-of-no-neuron", idle, f"{edit}point 2: {at} 3/2, got 0")

    second = put(COLUMNS, f"{out}.5", "-4")
    moved = f"{edit}point 3: g[1] at a protected point: expected 0, got -1"
    corpus.add("rejected", "second-column-moves", second, moved)
    second = put(COLUMNS, "edits.value.numerators.1", "-2")
    wrong = f"{edit}point 1: g[1] at an edited point: expected -4, got -3"
    corpus.add("rejected", "second-column-value", second, wrong)

    counted = "rejected: claim 1 (edit): layers: expected 2 as counted, got 3"
    corpus.add("rejected", "second-of-three-claims", put(EDIT, "claims", three), counted)
    both = [claim("label-edit", 3, 2, margin="2"), claim("label-edit", 3, 2)]
    first = f"rejected: claim 0 (label-edit): {lead} 0: expected at least 2 and above 0, got 1"
    corpus.add("rejected", "first-of-two-claims", put(LABEL, "claims", both), first)

    # g(x) = relu(x) moves a protected point only if it is above 0: by 2^-1074 is enough
    points = doubles("(3, 1)", -1.0, 5e-324, 1.0)
    edits = {"index": [2], "value": array((1,), [1])}
    relu = [affine([[1]], [0]), affine([[1]], [0])]
    content = document([claim("edit", 1, 2)], sidecar("points.npy", points), edits, relu)
    least = f"{edit}point 1: {still} a rational of 1 bits over 1075 bits"
    corpus.folder("rejected", "protected-point-at-the-least-float", content, {"points.npy": points}, least)


# Malformed: one table for each way to spoil a good certificate

# fmt: off
CANONICAL = "is not a canonical integer"
INTEGERS = [  # in place of a numerator
    ("plus", "+1", f"'+1' {CANONICAL}"),
    ("minus-zero", "-0", f"'-0' {CANONICAL}"),
    ("leading-zero", "01", f"'01' {CANONICAL}"),
    ("space-before", " 1", f"' 1' {CANONICAL}"),
    ("space-after", "1 ", f"'1 ' {CANONICAL}"),
    ("line-end", "1\n", rf"'1\n' {CANONICAL}"),
    ("underscore", "1_0", f"'1_0' {CANONICAL}"),
    ("empty", "", f"'' {CANONICAL}"),
    ("minus-alone", "-", f"'-' {CANONICAL}"),
    ("point", "1.0", f"'1.0' {CANONICAL}"),
    ("exponent", "1e3", f"'1e3' {CANONICAL}"),
    ("fraction", "1/2", f"'1/2' {CANONICAL}"),
    ("arabic-indic", "\u0661", rf"'\u0661' {CANONICAL}"),
    ("full-width", "\uff11", rf"'\uff11' {CANONICAL}"),
    ("true-minus", "\u22121", rf"'\u22121' {CANONICAL}"),
    ("20001-digits", "1" * 20001, "the integer has over 20000 digits"),
    ("20001-digits-and-minus", "-" + "9" * 20001, "the integer has over 20000 digits"),
    ("number", 1, "expected a decimal string, got 1"),
    ("true", True, "expected a decimal string, got True"),
    ("null", None, "expected a decimal string, got None"),
]

LOWEST = "is not in lowest terms"
MARGINS = [
    ("not-lowest", "2/4", f"'2/4' {LOWEST}"),
    ("over-one", "2/1", f"'2/1' {LOWEST}"),
    ("zero-over-five", "0/5", f"'0/5' {LOWEST}"),
    ("over-zero", "1/0", f"'1/0' {LOWEST}"),
    ("over-negative", "1/-2", f"'1/-2' {LOWEST}"),
    ("negative", "-1/2", "the margin is negative"),
    ("minus-zero", "-0", f"'-0' {CANONICAL}"),
    ("two-slashes", "1/2/3", f"'2/3' {CANONICAL}"),
    ("half-empty", "1/", f"'' {CANONICAL}"),
    ("decimal", "0.5", f"'0.5' {CANONICAL}"),
    ("number", 1, "expected a string 'p' or 'p/q', got 1"),
]

JSON = [  # a piece of text of EDIT, and what takes its place
    ("two-values", "}\n}\n", "}\n}{}\n", "certificate: not JSON"),
    ("truncated", "}\n}\n", "}\n", "certificate: not JSON"),
    ("trailing-comma", '"seed": 0', '"seed": 0,', "certificate: not JSON"),
    ("control-character", "tents", "te\nnts", "certificate: not JSON"),
    ("bad-escape", "tents", r"\x41", "certificate: not JSON"),
    ("number-with-leading-zero", '"seed": 0', '"seed": 01', "certificate: not JSON"),
    ("number-other-digits", '"seed": 0', '"seed": 1\u0661', "certificate: not JSON"),
    ("number-of-20001-digits", '"seed": 0', '"seed": ' + "1" * 20001,
     "certificate: the integer has over 20000 digits"),
    ("nan", '"seed": 0', '"seed": NaN', "certificate: NaN is not JSON"),
    ("infinity", '"seed": 0', '"seed": Infinity', "certificate: Infinity is not JSON"),
    ("minus-infinity", '"seed": 0', '"seed": -Infinity', "certificate: -Infinity is not JSON"),
    ("nested-65", '"seed": 0', '"seed": ' + "[" * 63 + "]" * 63, "certificate: nesting over 64"),
    ("nested-objects", '"seed": 0', '"seed": ' + '{"a": ' * 65 + "1" + "}" * 65,
     "certificate: nesting over 64"),
    ("nested-4000", '"seed": 0', '"seed": ' + "[" * 4000 + "]" * 4000, "certificate: nesting over 64"),
    ("shape-minus-zero", '"shape": [6, 1]', '"shape": [6, -0]', "points.shape: expected a list of integers"),
    ("index-minus-zero", '"index": [2]', '"index": [-0]', "edits.index[0]: not an integer in 0..5"),
]

TWICE = [  # likewise; the key
    ("top", '"version": 1', '"version": 1, "version": 1', "version"),
    ("escaped", '"version": 1', r'"version": 1, "\u0076ersion": 1', "version"),
    ("claim", '"neurons": 3', '"neurons": 9, "neurons": 3', "neurons"),
    ("bound", '"name": "two-layer"', '"name": "two-layer", "name": "sign-lift"', "name"),
    ("edits", '"index": [2]', '"index": [1], "index": [2]', "index"),
    ("array", '"shape": [6, 1]', '"shape": [6, 1], "shape": [6, 1]', "shape"),
    ("layer", '{"weight": {"shape": [3, 1]', '{"weight": 0, "weight": {"shape": [3, 1]', "weight"),
    ("notes", '"seed": 0', '"seed": 0, "seed": 0', "seed"),
    ("deep-in-notes", '"seed": 0', '"seed": [[{"": 1, "": 2}]]', ""),
]

MISSING = [  # the place, its path, the key
    ("certificate", "", "format"),
    ("certificate", "", "version"),
    ("certificate", "", "claims"),
    ("certificate", "", "points"),
    ("certificate", "", "edits"),
    ("claims[0]", "claims.0.", "neurons"),
    ("claims[0]", "claims.0.", "layers"),
    ("claims[0].bound", "claims.0.bound.", "name"),
    ("points", "points.", "shape"),
    ("base", "base.", "numerators"),
    ("edits", "edits.", "index"),
    ("edits", "edits.", "value"),
    ("network[1]", "network.1.", "bias"),
]

UNKNOWN = [  # the place, its path, a key
    ("top", "certificate", "", "comment"),
    ("surrogate", "certificate", "", "\ud800"),
    ("long", "certificate", "", "k" * 1000),
    ("claim", "claims[0]", "claims.0.", "comment"),
    ("margin-of-an-edit", "claims[0]", "claims.0.", "margin"),
    ("bound", "claims[0].bound", "claims.0.bound.", "comment"),
    ("points", "points", "points.", "comment"),
    ("edits", "edits", "edits.", "comment"),
    ("layer", "network[0]", "network.0.", "comment"),
    ("bias", "network[1].bias", "network.1.bias.", "comment"),
]

ENTRIES = [  # a path in EDIT, and what takes its place
    ("format", "format", "ftc-certificates", "format: expected 'ftc-certificate'"),
    ("version-two", "version", 2, "version: expected 1"),
    ("version-true", "version", True, "version: expected 1"),
    ("version-float", "version", 1.0, "version: expected 1"),
    ("claims-empty", "claims", [], "claims: expected a list of at least one claim"),
    ("claims-object", "claims", {}, "claims: expected a list of at least one claim"),
    ("claim-string", "claims.0", "edit", "claims[0]: unknown kind of claim None"),
    ("kind-missing", "claims.0", {"neurons": 3, "layers": 2}, "claims[0]: unknown kind of claim None"),
    ("kind-unknown", "claims.0.kind", "perhaps", "claims[0]: unknown kind of claim 'perhaps'"),
    ("kind-of-other-case", "claims.0.kind", "Edit", "claims[0]: unknown kind of claim 'Edit'"),
    ("kind-list", "claims.0.kind", ["edit"], "claims[0]: unknown kind of claim list"),
    ("kind-of-the-second", "claims", [claim("edit", 3, 2), claim("edits", 3, 2)],
     "claims[1]: unknown kind of claim 'edits'"),
    ("neurons-true", "claims.0.neurons", True, "claims[0].neurons: expected an integer, got True"),
    ("neurons-string", "claims.0.neurons", "3", "claims[0].neurons: expected an integer, got '3'"),
    ("neurons-float", "claims.0.neurons", 3.0, "claims[0].neurons: expected an integer, got 3.0"),
    ("layers-true", "claims.0.layers", True, "claims[0].layers: expected an integer, got True"),
    ("layers-null", "claims.0.layers", None, "claims[0].layers: expected an integer, got None"),
    ("claim-needs-labels", "claims.0", claim("label-edit", 3, 2), "claims[0]: label-edit needs edits.label"),
    ("bound-null", "claims.0.bound", None, "claims[0].bound: expected an object, got None"),
    ("bound-unknown", "claims.0.bound.name", "one-layer", "claims[0].bound.name: unknown bound 'one-layer'"),
    ("bound-list", "claims.0.bound.name", ["two-layer"], "claims[0].bound.name: unknown bound list"),
    ("restarts-two-layer", "claims.0.bound", named("two-layer", 1),
     "claims[0].bound: the bound two-layer knows no restarts"),
    ("restarts-moderate", "claims.0.bound", named("four-layer-moderate", 1),
     "claims[0].bound: the bound four-layer-moderate knows no restarts"),
    ("restarts-zero", "claims.0.bound", {"name": "sign-lift", "restart_every": 0},
     "claims[0].bound.restart_every: expected an integer from 1"),
    ("restarts-true", "claims.0.bound", {"name": "sign-lift", "restart_every": True},
     "claims[0].bound.restart_every: expected an integer from 1"),
    ("restarts-float", "claims.0.bound", {"name": "sign-lift", "restart_every": 1.0},
     "claims[0].bound.restart_every: expected an integer from 1"),

    ("array-list", "points", ["1"], "points: expected an object, got list"),
    ("array-null", "points", None, "points: expected an object, got None"),
    ("shape-negative", "points.shape", [-6, -1], "points.shape: expected a list of integers from 0"),
    ("shape-true", "points.shape", [6, True], "points.shape: expected a list of integers from 0"),
    ("shape-string", "points.shape", ["6", 1], "points.shape: expected a list of integers from 0"),
    ("shape-no-list", "points.shape", 6, "points.shape: expected a list of integers from 0"),
    ("shape-of-points", "points.shape", [6], "points.shape: the shape has 1 dimensions"),
    ("shape-of-base", "base.shape", [6, 1, 1], "base.shape: the shape has 3 dimensions"),
    ("shape-of-value", "edits.value.shape", [], "edits.value.shape: the shape has 0 dimensions"),
    ("shape-of-weight", "network.0.weight.shape", [3], "network[0].weight.shape: the shape has 1 dimensions"),
    ("shape-of-bias", "network.0.bias.shape", [3, 1], "network[0].bias.shape: the shape has 2 dimensions"),
    ("shape-beyond-memory", "points.shape", [10**17, 10**17], "points.numerators: expected a list of"),
    ("numerators-too-few", "points.numerators", ["0"] * 5, "points.numerators: expected a list of 6"),
    ("numerators-too-many", "points.numerators", ["0"] * 7, "points.numerators: expected a list of 6"),
    ("numerators-no-list", "points.numerators", "012345", "points.numerators: expected a list of 6"),
    ("denominator-zero", "base.denominator", "0", "base.denominator"),
    ("denominator-negative", "base.denominator", "-2", "base.denominator"),
    ("denominator-number", "base.denominator", 2, "base.denominator"),
    ("denominators-and-denominator", "base.denominators", ["2"] * 6, "base: expected one of the keys"),
    ("denominators-none", "base", {"shape": [1], "numerators": ["0"]}, "base: expected one of the keys"),
    ("denominators-too-few", "base", by_rows((6,), [1] * 6, [2] * 5), "base.denominators: expected one"),
    ("denominators-too-many", "base", by_rows((6,), [1] * 6, [2] * 7), "base.denominators: expected one"),
    ("denominators-no-list", "base", by_rows((6,), [1] * 6, []) | {"denominators": "222222"},
     "base.denominators: expected one for each entry of the first axis"),
    ("denominators-with-zero", "base", by_rows((6,), [1] * 6, [2, 2, 2, 2, 2, 0]),
     "base.denominators: a denominator is not positive"),

    ("points-none", "points", array((0, 1), []), "points: no points, or points without coordinates"),
    ("points-without-coordinates", "points", array((6, 0), []), "points: no points, or points without"),
    ("base-too-short", "base", array((5,), [0] * 5), "base: 5 entries for 6 points"),
    ("base-without-columns", "base", array((6, 0), []), "edits.value: the rows have not the shape"),
    ("value-not-like-base", "edits.value", array((1, 1), [3]), "edits.value: the rows have not the shape"),
    ("network-empty", "network", [], "network: expected a list of at least one layer"),
    ("network-object", "network", {}, "network: expected a list of at least one layer"),
    ("layer-list", "network.0", [], "network[0]: expected an object, got list"),
    ("weight-of-two-columns", "network.0.weight", array((3, 2), [1] * 6), "network[0].weight: 2 columns"),
    ("weight-of-next-layer", "network.1.weight", array((1, 2), [1, 1]), "network[1].weight: 2 columns"),
    ("bias-too-short", "network.0.bias", array((2,), [0, 0]), "network[0].bias: 2 entries for 3 rows"),
    ("network-without-output", "network.1", layer(array((0, 3), []), array((0,), [])),
     "network: the last layer has no output"),
    ("network-of-two-outputs", "network.1", affine([[1, 1, 1], [0, 0, 0]], [0, 0]),
     "network: 2 outputs, while base has 1"),

    ("edits-list", "edits", [2], "edits: expected an object, got list"),
    ("edits-value-and-label", "edits.label", [0], "edits: unknown key 'value'"),
    ("index-no-list", "edits.index", "2", "edits.index: expected a list"),
    ("index-negative", "edits.index", [-1], "edits.index[0]: not an integer in 0..5"),
    ("index-beyond", "edits.index", [6], "edits.index[0]: not an integer in 0..5"),
    ("index-true", "edits.index", [True], "edits.index[0]: not an integer in 0..5"),
    ("index-string", "edits.index", ["2"], "edits.index[0]: not an integer in 0..5"),
    ("index-without-value", "edits.index", [2, 3], "edits: 2 indices for 1 wanted outputs"),
    ("value-without-index", "edits.index", [], "edits: 0 indices for 1 wanted outputs"),
    ("index-repeated", "edits", {"index": [2, 2], "value": array((2,), [3, 3])},
     "edits.index[1]: the index 2 is repeated"),
    ("direction-too-long", "direction", ["1", "0"], "direction: expected a list of 1 decimal strings"),
    ("direction-string", "direction", "1", "direction: expected a list of 1 decimal strings"),
    ("direction-number", "direction", [1], "direction[0]: expected a decimal string, got 1"),
    ("direction-minus-zero", "direction", ["-0"], f"direction[0]: '-0' {CANONICAL}"),
]

LABEL_ENTRIES = [  # likewise in LABEL
    ("no-list", "edits.label", 2, "edits.label: expected a list of integers"),
    ("string", "edits.label", ["2"], "edits.label: expected a list of integers"),
    ("true", "edits.label", [True], "edits.label: expected a list of integers"),
    ("negative", "edits.label", [-1], "edits.label[0]: not a column of base: 0..2"),
    ("beyond", "edits.label", [3], "edits.label[0]: not a column of base: 0..2"),
    ("without-index", "edits.index", [], "edits: 0 indices for 1 wanted outputs"),
    ("claim-needs-values", "claims.0", claim("edit", 3, 2), "claims[0]: edit needs edits.value"),
    ("network-of-one-output", "network.1", affine([[0, 0, 0]], [0]), "network: 1 outputs, while base has 3"),
]

NO_LAYER = layer(array((0, 1), []), array((0,), []))
HUGE = [  # nothing to read, and a size of 5001 digits, which Python does not write out by itself
    ("points", "points", without_entries("huge", 0), "points"),
    ("base", "base", without_entries("huge", 0), "base"),
    ("value", "edits", {"index": [], "value": without_entries(0, "huge")}, "edits.value"),
    ("columns", "network.0.weight", without_entries(0, "huge"), "network[0].weight"),
    ("rows", "network", [NO_LAYER, layer(without_entries("huge", 0), array((1,), [0]))], "network[1].weight"),
    ("neither", "points", without_entries("huge", "huge"), "points"),
]

FILE_NAMES = [
    ("in-parent", "../points.npy"),
    ("absolute", "/points.npy"),
    ("in-subfolder", "sub/points.npy"),
    ("backslash", "..\\points.npy"),
    ("hidden", ".points.npy"),
    ("other-ending", "points.txt"),
    ("empty", ""),
    ("nul", "points\0.npy"),
    ("line-end", "points.npy\n"),
    ("number", 1),
]

DATA = SIX[-48:]
PICKLED = b"\x80\x04\x95\x08\x00\x00\x00\x00\x00\x00\x00\x5d\x94(K\x00K\x01e."
KIND = "points.npy is not a C-order .npy file of dtype <f8, <f4, <i8, |u1"
NAN, INFINITY = float("nan"), float("inf")
POINT_FILES = [
    ("fortran-order", npy("'<f8'", "(6, 1)", DATA, fortran=True), f"points: {KIND}"),
    ("big-endian", npy("'>f8'", "(6, 1)", struct.pack(">6d", *range(6))), f"points: {KIND}"),
    ("int32", npy("'<i4'", "(6, 1)", bytes(24)), f"points: {KIND}"),
    ("uint64", npy("'<u8'", "(6, 1)", bytes(48)), f"points: {KIND}"),
    ("bool", npy("'|b1'", "(6, 1)", bytes(6)), f"points: {KIND}"),
    ("complex", npy("'<c8'", "(6, 1)", bytes(48)), f"points: {KIND}"),
    ("objects", npy("'|O'", "(6, 1)", PICKLED), f"points: {KIND}"),
    ("structure", npy("[('x', '<f8')]", "(6, 1)", DATA), f"points: {KIND}"),
    ("version-2", npy("'<f8'", "(6, 1)", DATA, version=2), f"points: {KIND}"),
    ("empty", b"", f"points: {KIND}"),
    ("header-cut", SIX[:40], f"points: {KIND}"),
    ("header-beyond-end", SIX[:8] + b"\xff\xff" + SIX[10:], f"points: {KIND}"),
    ("shape-with-leading-zero", npy("'<f8'", "(06, 1)", DATA), f"points: {KIND}"),
    ("shape-of-20-digits", npy("'<f8'", f"({10**19}, 1)", DATA), f"points: {KIND}"),
    ("shape-beyond-memory", npy("'<f8'", f"({10**17}, {10**17})", DATA), "points: points.npy does not hold"),
    ("truncated", SIX[:-1], "points: points.npy does not hold 6 entries"),
    ("without-data", SIX[:-48], "points: points.npy does not hold 6 entries"),
    ("trailing-byte", SIX + b"\0", "points: points.npy does not hold 6 entries"),
    ("trailing-entry", SIX + bytes(8), "points: points.npy does not hold 6 entries"),
    ("of-one-dimension", doubles("(6,)", *range(6)), "points: the shape has 1 dimensions"),
    ("of-no-dimension", doubles("()", 1.0), "points: the shape has 0 dimensions"),
    ("of-five-points", doubles("(5, 1)", *range(5)), "base: 6 entries for 5 points"),
    ("of-no-points", doubles("(0, 1)"), "points: no points, or points without coordinates"),
    ("with-nan", doubles("(6, 1)", 0, 1, 2, 3, 4, NAN), "points[5]: NaN or infinity"),
    ("with-infinity", doubles("(6, 1)", INFINITY, 1, 2, 3, 4, 5), "points[0]: NaN or infinity"),
    ("with-minus-infinity", doubles("(6, 1)", 0, -INFINITY, 2, 3, 4, 5), "points[1]: NaN or infinity"),
    ("with-float32-nan", npy("'<f4'", "(6, 1)", struct.pack("<6f", 0, 1, 2, NAN, 4, 5)),
     "points[3]: NaN or infinity"),
]

OTHER_FILES = [  # in place of other arrays: each is looked at
    ("base", "base", doubles("(6,)", 0.5, -0.5, 1.5, 0, 2.5, 1), "base"),
    ("value", "edits.value", doubles("(1,)", 3.0), "edits.value"),
    ("weight", "network.0.weight", doubles("(3, 1)", 1, 1, 1), "network[0].weight"),
    ("bias", "network.0.bias", doubles("(3,)", -1, -2, -3), "network[0].bias"),
]
# fmt: on


def add_malformed(corpus: Corpus) -> None:
    def bad(name: str, content: Document | str | bytes, reason: str) -> None:
        corpus.add("malformed", name, content, f"malformed: {reason}")

    for name, value, reason in INTEGERS:
        bad(f"integer-{name}", put(EDIT, "points.numerators.1", value), f"points.numerators[1]: {reason}")
    for name, value, reason in MARGINS:
        bad(f"margin-{name}", put(LABEL, "claims.0.margin", value), f"claims[0].margin: {reason}")
    for name, old, new, reason in JSON:
        bad(f"json-{name}", text(EDIT, old, new), reason)
    for name, old, new, key in TWICE:
        reason = f"certificate: the key '{key}' stands twice in one object"
        bad(f"key-twice-{name}", text(EDIT, old, new), reason)
    for place, path, key in MISSING:
        name = "key-missing-" + (path + key).replace(".", "-")
        bad(name, drop(EDIT, path + key), f"{place}: the key '{key}' is missing")
    for name, place, path, key in UNKNOWN:
        bad(f"key-unknown-{name}", put(EDIT, path + key, ""), f"{place}: unknown key {ascii(key)[:70]}")
    for name, path, value, reason in ENTRIES:
        bad(name, put(EDIT, path, value), reason)
    for name, path, value, reason in LABEL_ENTRIES:
        bad(f"label-{name}", put(LABEL, path, value), reason)
    for name, path, value, place in HUGE:
        content = encode(put(EDIT, path, value)).replace(b'"huge"', b"1" + b"0" * 5000)
        bad(f"shape-huge-{name}", content, f"{place}.shape: expected a list of integers from 0")
    huge = drop(put(EDIT, "edits", {"index": [], "value": without_entries(0, "huge")}), "base")
    content = encode(huge).replace(b'"huge"', b"1" + b"0" * 5000)
    bad("shape-huge-value-without-base", content, "edits.value.shape: expected a list of integers from 0")
    content = text(EDIT, '"neurons": 3', '"neurons": 1' + "0" * 5000)
    bad("neurons-huge", content, "claims[0].neurons: expected an integer, got an integer of")
    bad("value-of-many-empty-rows", put(EDIT, "edits.value", without_entries(10**5, 0)), "edits")

    whole = encode(EDIT)
    bad("json-empty", b"", "certificate: not JSON")
    bad("json-byte-order-mark", b"\xef\xbb\xbf" + whole, "certificate: not JSON")
    bad("json-latin-1", whole.replace(b"tents", b"caf\xe9"), "certificate: not UTF-8 text")
    bad("json-utf-16", whole.decode().encode("utf-16-le"), "certificate: ")
    bad("json-encoded-surrogate", whole.replace(b"tents", b"\xed\xa0\x80"), "certificate: not UTF-8 text")
    bad("json-list", "[]", "certificate: expected an object, got list")
    bad("json-string", '"ftc-certificate"', "certificate: expected an object, got 'ftc-certificate'")

    bad("claim-without-network", drop(EDIT, "network"), "network: the claim edit needs a network")
    bad(
        "label-claim-without-network", drop(LABEL, "network"), "network: the claim label-edit needs a network"
    )
    nothing = drop(drop(LABEL, "network"), "base")
    bad("label-without-columns", nothing, "edits.label: labels need base or a network")
    one = put(put(EDIT, "edits", {"index": [2], "label": [0]}), "claims.0", claim("label-edit", 3, 2))
    bad("label-of-one-column", one, "edits.label: labels need at least two columns of base")
    none = put(one, "edits", {"index": [], "label": []})
    bad("label-of-one-column-and-no-edit", none, "edits.label: labels need at least two columns of base")
    columns = put(put(EDIT, "base", array((6, 0), [])), "edits.value", array((1, 0), []))
    bad("base-and-value-without-columns", columns, "base: 0 outputs")
    wider = drop(put(EDIT, "edits.value", array((1, 3), [1, 2, 3])), "base")
    bad("network-not-like-value", wider, "network: 1 outputs, while edits.value has 3")


def add_malformed_folders(corpus: Corpus) -> None:
    def bad(name: str, content: Document | None, files: Files, reason: str) -> None:
        corpus.folder("malformed", name, content, files, f"malformed: {reason}")

    good, files = in_folder(SIX), {"points.npy": SIX}
    for name, file in FILE_NAMES:
        reason = f"points: {file!a} is not the name of a .npy file in the folder"
        bad(f"file-name-{name}", put(good, "points.file", file), files, reason)
    for name, content, reason in POINT_FILES:
        bad(f"file-{name}", in_folder(content), {"points.npy": content}, reason)
    differs = "the file is not the one that was certified (SHA-256 differs)"
    for name, path, content, place in OTHER_FILES:
        other = sidecar(f"{name}.npy", content) | {"sha256": "0" * 64}
        bad(f"digest-of-{name}", put(EDIT, path, other), {f"{name}.npy": content}, f"{place}: {differs}")
    digest = good["points"]["sha256"]
    for name, value in (("upper-case", digest.upper()), ("short", digest[:-1]), ("number", 0)):
        reason = "points: sha256 is not 64 lower-case hexadecimal digits"
        bad(f"digest-{name}", put(good, "points.sha256", value), files, reason)
    other = put(good, "points.sha256", "0" * 64)
    bad("digest-of-points", other, files, f"points: {differs}")
    # a changed file is no certificate, whatever else is wrong with the claim
    bad("digest-before-verdict", put(other, "claims.0.neurons", 4), files, f"points: {differs}")
    flipped = {"points.npy": SIX[:-1] + bytes([SIX[-1] ^ 0x80])}
    bad("digest-after-one-bit", good, flipped, f"points: {differs}")
    base = doubles("(6,)", 0, 1, 2, 3, 4, NAN)
    bad(
        "file-with-nan-in-base",
        put(EDIT, "base", sidecar("base.npy", base)),
        {"base.npy": base},
        "base[5]: NaN",
    )
    bad("file-missing", good, {}, "points: cannot read ")
    bad("file-is-a-folder", good, {"points.npy/points.npy": SIX}, "points: ")
    bad("file-and-shape", put(good, "points.shape", [6, 1]), files, "points: unknown key 'shape'")
    bad("file-without-digest", drop(good, "points.sha256"), files, "points: the key 'sha256' is missing")
    bad("folder-without-certificate", None, files, "certificate: cannot read ")


def halves() -> Document:
    """Eight edits along (1, 2), four of each sign, and what shows that three layers need 8 neurons."""
    values = [1, 1, 1, 1, -1, -1, -1, -1]
    windows = [[4 * k + j, 4 * k + j + 1, 4 * k + j + 2] for k in range(8) for j in (0, 2)]
    whole = document(
        [claim("line-obstruction", 8, 3, windows=windows, split=8)],
        array((33, 2), [x for i in range(33) for x in (i, 2 * i)]),
        {"index": [4 * k + 2 for k in range(8)], "value": array((8,), values)},
        [],
        direction=["1", "2"],
    )
    return drop(whole, "network")


def add_obstructions(corpus: Corpus) -> None:
    good = halves()
    corpus.add("accepted", "obstruction-halves", good)
    turned = [window[::-1] for window in reversed(good["claims"][0]["windows"])]
    backwards = put(put(good, "direction", ["-1", "-2"]), "claims.0.windows", turned)
    corpus.add("accepted", "obstruction-backwards", backwards)
    tent = document(
        [claim("line-obstruction", n, layers, windows=[[0, 1, 2], [1, 2, 3], [2, 3, 4]])
         for n, layers in ((3, 2), (2, 3), (2, 2), (3, 4), (9, 10))],
        array((5, 1), [Fraction(x, 2) for x in (0, 1, 2, 3, 7)], 2),
        {"index": [2], "value": array((1,), [3])},
        [],
        base=array((5,), [0, 0, 1, 0, 0]),
        direction=["3"],
    )  # fmt: skip
    tent = drop(tent, "network")
    corpus.add("accepted", "obstruction-tent", tent)

    def bad(name: str, change: Document, expected: str, k: int = 0) -> None:
        corpus.add("rejected", f"obstruction-{name}", change, f"claim {k} (line-obstruction): {expected}")

    at = "claims.0"
    windows = good["claims"][0]["windows"]
    bad("too-high", put(good, f"{at}.neurons", 9), "neurons: expected at most 8, as proven, got 9")
    bad(
        "overlapping",
        put(good, f"{at}.windows", [*windows, windows[3]]),
        "windows[16]: expected disjoint from windows[3]",
    )
    bad(
        "flat",
        put(drop(good, f"{at}.split"), f"{at}.windows", [[4, 8, 20]]),
        "point 8: windows[0]: expected a second difference",
    )
    bad(
        "backwards-window",
        put(good, f"{at}.windows.1", [4, 3, 2]),
        "point 4: windows[1]: expected points in increasing order",
    )
    bad(
        "beside",
        put(good, "points.numerators.3", "3"),
        "point 1: windows[0]: expected points on the line, got point 1 beside it",
    )
    bad("early-split", put(good, f"{at}.split", 7), "split: expected two halves of opposite signs")
    bad("late-halves", put(good, f"{at}.windows", [*windows[2:], *windows[:2]]), "split: expected")
    mixed = put(good, "edits.index", [2, 6, 10, 30, 18, 22, 26, 14])
    order = [0, 1, 2, 3, 4, 5, 14, 15, 6, 7, 8, 9, 10, 11, 12, 13]
    bad(
        "halves-that-mix",
        put(mixed, f"{at}.windows", [windows[k] for k in order]),
        "split: expected a first half",
    )
    bad("one-layer", drop(put(good, f"{at}.layers", 1), f"{at}.split"), "layers: expected at least 2, got 1")
    bad("tent-too-high", put(tent, "claims.1.neurons", 3), "neurons: expected at most 2, as proven, got 3", 1)

    def odd(name: str, change: Document, expected: str) -> None:
        corpus.add("malformed", f"obstruction-{name}", change, f"malformed: {expected}")

    odd("negative", put(good, f"{at}.neurons", -1), "claims[0].neurons: expected an integer from 0")
    odd("with-network", put(good, "network", [affine([[1, 1]], [0])]), "network: an obstruction is about")
    odd("without-direction", drop(good, "direction"), "direction: needed, and not zero")
    odd("direction-zero", put(good, "direction", ["0", "0"]), "direction: needed, and not zero")
    odd("no-list", put(good, f"{at}.windows", {}), "claims[0].windows: expected a list of windows")
    odd(
        "two-indices",
        put(good, f"{at}.windows.2", [1, 2]),
        "claims[0].windows[2]: expected three indices in 0..32",
    )
    odd(
        "index-beyond",
        put(good, f"{at}.windows.2", [1, 2, 33]),
        "claims[0].windows[2]: expected three indices in 0..32",
    )
    odd("split-beyond", put(good, f"{at}.split", 17), "claims[0].split: there are 16 windows")
    odd("split-of-four-layers", put(good, f"{at}.layers", 4), "claims[0].split: a split is for three layers")
    labels = put(put(good, "edits", {"index": [0], "label": [0]}), "base", array((33, 2), [0] * 66))
    odd("labels", labels, "claims[0]: line-obstruction needs edits.value")
    two = put(good, "edits", {"index": [0], "value": array((1, 2), [0, 1])})
    odd("two-outputs", two, "claims[0]: line-obstruction needs one output")


def needed(points: Document, changes: Sequence[int | Fraction], wanted: Document, **more: Any) -> Document:
    """All points whose wanted output changes are edited; a claim about all networks."""
    index = [i for i, change in enumerate(changes) if change]
    low = [Fraction(changes[i]) for i in index]
    value = by_rows((len(index),), [v.numerator for v in low], [v.denominator for v in low])
    whole = document([wanted], points, {"index": index, "value": value}, [], **more)
    return drop(whole, "network")


def farkas(
    rows: Sequence[Sequence[int | Fraction]], changes: Sequence[int | Fraction], neurons: int, **how: Any
) -> Document:
    """What shows that so many neurons are needed; each point has its own denominator."""
    below = [math.lcm(*(Fraction(x).denominator for x in row)) for row in rows]
    numerators = [int(x * q) for row, q in zip(rows, below, strict=True) for x in row]
    points = by_rows((len(rows), len(rows[0])), numerators, below)
    return needed(points, changes, required(farkas_trees.claim(rows, changes, neurons, **how)))


def required(found: Document | None) -> Document:
    if found is None:
        raise ValueError("fewer neurons do")
    return found


# At 0, 1, 3 the values 0, 1, 0 bend down: no single neuron does that.
TENT3 = [[0], [1], [3]]
SQUARE = [[0, 0], [0, 1], [1, 0], [1, 1]]
FOUR = [[0], [1], [2], [3]]
CORNERS = [[x, y, z] for x in (HALF, 2) for y in (0, Fraction(1, 3)) for z in (-1, 1)]
PARITY = [0, 5, 5, 0, 5, 0, 0, 5]


def add_farkas(corpus: Corpus) -> None:
    def good(name: str, content: Document) -> None:
        corpus.add("accepted", f"farkas-{name}", content)

    tent, one = farkas(TENT3, [0, 1, 0], 2), farkas([[HALF, 3, -1], [2, 2, 2]], [0, -HALF], 1)
    convex = farkas(TENT3, [0, 1, 0], 2, order=[0, 2, 1], convex=[(1, [(0, 2), (2, 1)])])
    means = [(1, [(0, 1), (2, 1)]), (2, [(1, 1), (3, 1)])]
    four = farkas(FOUR, [1, 0, 1, 0], 3, order=[1, 2, 0, 3], ordered=0)
    nothing = put(tent, "claims.0", {"kind": "farkas-obstruction", "neurons": 0, "trees": []})
    twice = put(convex, "claims", [tent["claims"][0], convex["claims"][0]])
    at, trees = "claims.0.trees", tent["claims"][0]["trees"]
    half = [*trees[0][4][1][:2], ["zero", 0, 1, "1"], ["split", 0, 2, "2"], ["zero", 0, 1, "1"]]
    half[:2] = [["value", 1, "3"], ["value", 2, "-2"], ["value", 1, "-1"]]
    good("tent", tent)
    good("no-neuron", one)
    good("square", farkas(SQUARE, [0, 1, 1, 0], 2))
    good("corners", put(farkas(CORNERS, PARITY, 2), "direction", ["0", "0", "0"]))
    good("four-points", four)
    good("four-points-convex", farkas(FOUR, [1, 0, 1, 0], 3, order=[0, 3, 1, 2], convex=means))
    good("equal-points", farkas([[0, 2], [0, 2], [1, 1]], [0, 1, 0], 3, ordered=1))
    good("equal-points-convex", farkas([[0, 2], [0, 2]], [0, 1], 3, convex=[(0, [(1, 1)]), (1, [(0, 1)])]))
    good("nothing", nothing)
    good("two-claims", twice)
    good("convex", convex)
    good("rows-twice", put(tent, f"{at}.0.4.1", half))
    good("idle-means", put(tent, "claims.0.convex", [[0, []], [1, [[1, "5"]]], [2, [[0, "0"], [1, "0"]]]]))
    elevenths = [[Fraction(x, 11)] for (x,) in TENT3]
    good("values-over-7-2-5", farkas(elevenths, [Fraction(1, 7), HALF, Fraction(1, 5)], 2))
    # each of the points 3, .., 7 stands in one place, where it does nothing
    idle = farkas([*TENT3, [4], [5], [6], [7], [8]], [0, 1] + [0] * 6, 1)
    idle["claims"] = [
        {**copy.deepcopy(tent["claims"][0]), "ordered": 3, "convex": [[4, []], [0, [[5, "0"]]]]}
    ]
    idle["claims"][0]["trees"][0][3][1] += [["zero", 0, 6, "0"], ["line", 0, 7, "0"]]
    good("idle-points", idle)
    # an instance in files: the numbers 0.1, 0.2, 0.3 that floats denote are no arithmetic progression
    x, base = (0.1, 0.2, 0.3), (-0.5, 0.1, 1e-300)
    changes = [Fraction(0), 3 * HALF - Fraction(0.1), Fraction(0)]
    files = {"points.npy": doubles("(3, 1)", *x), "base.npy": doubles("(3,)", *base)}
    in_files = needed(
        sidecar("points.npy", files["points.npy"]),
        changes,
        farkas([[Fraction(t)] for t in x], changes, 2)["claims"][0],
        base=sidecar("base.npy", files["base.npy"]),
    )
    in_files = put(in_files, "edits.value", array((1,), [3 * HALF], 2))
    corpus.folder("accepted", "farkas-files", in_files, files)

    def bad(name: str, change: Document, expected: str, k: int = 0) -> None:
        corpus.add("rejected", f"farkas-{name}", change, f"claim {k} (farkas-obstruction): {expected}")

    point, mean = "edits.value.numerators.0", "claims.0.convex.0"
    three = put(tent, "claims.0.neurons", 3)
    rest, positive = (
        "expected left sides that cancel, got a rest of",
        "expected right sides of a positive sum, got",
    )
    new = "expected a split that is new on its path, got neuron 0 again"
    unknown, other = (
        "expected one of 1 neurons, got neuron 1",
        "expected weights whose mean is the point, got another",
    )
    least, order = "expected a multiplier from 0 of", "expected an order of neurons of one sign, got neurons"
    of = "trees[1][0]: expected one of"
    first, second, _ = four["claims"][0]["trees"]
    k = next(k for k, node in enumerate(first) if "order" in str(node))
    row = next(n for n, term in enumerate(first[k][1]) if term[0] == "order")
    line = next(k for k, node in enumerate(first) if "['line', 1" in str(node))
    one_line = next(n for n, term in enumerate(first[line][1]) if term[:2] == ["line", 1])
    closed = next(k for k, node in enumerate(second) if node[0] == "close")
    # fmt: off
    for name, content, expected in (
        ("too-high", three, "trees: expected 3, one for each number of positive signs, got 2"),
        ("trees-too-many", put(tent, "claims.0.neurons", 1), "trees: expected 1, one for each"),
        ("no-tree", put(nothing, "claims.0.neurons", 1), "trees: expected 1, one for each"),
        ("tree-repeated", put(three, at, [*trees, trees[1]]), f"trees[0][3]: {rest} u[1][0]"),
        ("trees-swapped", put(tent, at, trees[::-1]), f"trees[0][2]: {rest} u[0][0]"),
        ("missing-case", drop(tent, f"{at}.1.6"), "trees[1]: expected a node for every case, got the end,"),
        ("empty-tree", put(tent, f"{at}.0", []), "trees[0]: expected a node for every case, got the end,"),
        ("surplus-node", put(tent, f"{at}.0", [*trees[0], ["close", []]]), "trees[0][9]: expected the end"),
        ("surplus-split", put(one, f"{at}.0", [*one["claims"][0]["trees"][0], ["split", 0, 0]]),
         "trees[0][1]: expected the end: every case is closed, got one more node"),
        ("repeated-split", put(tent, f"{at}.0.2", ["split", 0, 1]), f"point 1: trees[0][2]: {new}"),
        ("repeated-split-inactive", put(tent, f"{at}.0.5", ["split", 0, 1]), f"point 1: trees[0][5]: {new}"),
        ("unknown-neuron", put(tent, f"{at}.1.1", ["split", 1, 1]), f"point 1: trees[1][1]: {unknown}"),
        ("neuron-of-none", put(one, f"{at}.0.0", ["split", 0, 0]),
         "point 0: trees[0][0]: expected one of 0 neurons, got neuron 0"),
        ("cases-swapped", put(put(tent, f"{at}.0.3", trees[0][4]), f"{at}.0.4", trees[0][3]),
         f"trees[0][3]: {rest} neuron 0"),
        ("split-not-on-path", put(tent, f"{at}.0.8", trees[0][4]),
         "point 2: trees[0][8]: expected a split on the path, got neuron 0"),
        ("split-of-another-case", put(tent, f"{at}.0", [["split", 0, 2], trees[0][3], trees[0][4]]),
         "point 0: trees[0][1]: expected a split on the path, got neuron 0"),
        ("split-left-behind", put(tent, f"{at}.0.8.1.3", ["split", 0, 1, "1"]),
         "point 1: trees[0][8]: expected a split on the path, got neuron 0"),
        ("zero-of-unknown-neuron", put(tent, f"{at}.0.4.1.2.1", 1), f"trees[0][4]: {unknown} in 'zero'"),
        ("line-of-unknown-neuron", put(tent, f"{at}.0.3.1.3.1", 1), f"trees[0][3]: {unknown} in 'line'"),
        ("split-of-unknown-neuron", put(tent, f"{at}.0.3.1.4.1", 1), f"trees[0][3]: {unknown} in 'split'"),
        ("convex-of-unknown-neuron", put(convex, f"{at}.1.0.1.3.1", 1),
         f"trees[1][0]: {unknown} in 'convex'"),
        ("order-of-unknown-neuron", put(tent, f"{at}.0.3.1.3", ["order", 1, "1"]),
         f"trees[0][3]: {unknown} in 'order'"),
        ("zero-negative", put(tent, f"{at}.0.4.1.2.3", "-1"), f"trees[0][4]: {least} 'zero', got -1"),
        ("line-negative", put(tent, f"{at}.0.3.1.3.3", "-3"), f"trees[0][3]: {least} 'line', got -3"),
        ("split-negative", put(tent, f"{at}.0.3.1.5.3", "-1"), f"trees[0][3]: {least} 'split', got -1"),
        ("convex-negative", put(convex, f"{at}.1.0.1.3.3", "-1"), f"trees[1][0]: {least} 'convex', got -1"),
        ("order-negative", put(four, f"{at}.0.{k}.1.{row}.2", "-1"),
         f"trees[0][{k}]: {least} 'order', got -1"),
        ("value-left-out", drop(tent, f"{at}.0.3.1.2"), f"trees[0][3]: {rest} c"),
        ("value-twice", put(tent, f"{at}.0.3.1.1.1", 0), f"trees[0][3]: {rest} u[0][0]"),
        ("value-off", put(tent, f"{at}.0.3.1.2.2", "-2"), f"trees[0][3]: {rest} c"),
        ("zero-left-out", drop(tent, f"{at}.0.4.1.2"), f"trees[0][4]: {rest} u[0][1]"),
        ("zero-elsewhere", put(tent, f"{at}.0.4.1.2.2", 0), f"trees[0][4]: {rest} u[0][1]"),
        ("zero-for-line", put(tent, f"{at}.0.3.1.3.0", "zero"), f"trees[0][3]: {rest} neuron 0"),
        ("bias-left", put(tent, f"{at}.1.2.1.3.0", "zero"), f"trees[1][2]: {rest} neuron 0"),
        ("second-neuron-left", put(four, f"{at}.0.{line}.1.{one_line}.0", "zero"),
         f"trees[0][{line}]: {rest} neuron 1"),
        ("line-for-zero", put(tent, f"{at}.0.4.1.2.0", "line"), f"trees[0][4]: {rest} neuron 0"),
        ("split-off", put(tent, f"{at}.0.3.1.5.3", "2"), f"trees[0][3]: {rest} u[0][2]"),
        ("split-for-line", put(tent, f"{at}.0.3.1.3.0", "split"), f"trees[0][3]: {rest} u[0][1]"),
        ("no-row", put(tent, f"{at}.0.7.1", []), f"trees[0][7]: {positive} 0"),
        ("zeros", put(tent, f"{at}.0.7.1", [["value", 1, "0"], ["line", 0, 1, "0"]]),
         f"trees[0][7]: {positive} 0"),
        ("nothing-wanted", put(tent, f"{at}.0.7.1", [["value", 1, "1"], ["value", 1, "-1"]]),
         f"trees[0][7]: {positive} 0"),
        ("no-neuron-negative-sum", put(one, f"{at}.0.0.1", [["value", 1, "1"], ["value", 0, "-1"]]),
         f"trees[0][0]: {positive} -1/2"),
        ("no-neuron-constant-left", put(one, f"{at}.0.0.1", [["value", 1, "-1"]]), f"trees[0][0]: {rest} c"),
        ("value-of-other-sign", put(tent, point, "-1"), f"trees[0][3]: {positive} -3"),
        ("value-unchanged", put(tent, point, "0"), f"trees[0][3]: {positive} 0"),
        ("base-equal-to-value", {**tent, "base": array((3,), [5, 1, 5])}, f"trees[0][3]: {positive} 0"),
        ("point-moved", put(tent, "points.numerators.2", "2"), f"trees[0][3]: {rest} neuron 0"),
        ("point-over-two", put(tent, "points.denominators.2", "2"), f"trees[0][3]: {rest} neuron 0"),
        ("mean-off", put(convex, f"{mean}.1.0.1", "1"), f"point 1: convex[0]: {other} mean"),
        ("mean-of-others", put(convex, f"{mean}.1.0.0", 1), f"point 1: convex[0]: {other} mean"),
        ("mean-elsewhere", put(convex, f"{mean}.0", 0), f"point 0: convex[0]: {other} mean"),
        ("mean-point-moved", put(convex, "points.numerators.2", "2"), f"point 1: convex[0]: {other} mean"),
        ("mean-unused", put(tent, "claims.0.convex", [[0, []], [2, [[1, "3"]]]]),
         f"point 2: convex[1]: {other} mean"),
        ("mean-unknown", put(convex, f"{at}.1.0.1.3.2", 1), f"{of} 1 means, got number 1"),
        ("mean-left-out", drop(convex, "claims.0.convex"), f"{of} 0 means, got number 0"),
        ("mean-in-one-coordinate", put(farkas(SQUARE, [0, 1, 1, 0], 2), "claims.0.convex", [[0, [[1, "1"]]]]),
         f"point 0: convex[0]: {other} mean"),
        ("mean-on-the-wrong-side", put(convex, f"{at}.0", convex["claims"][0]["trees"][1]),
         f"trees[0][0]: {rest} u[0][0]"),
        ("order-left-out", drop(four, "claims.0.ordered"), f"trees[0][{k}]: {order} 0 and 1"),
        ("order-elsewhere", put(four, "claims.0.ordered", 3), f"trees[0][{k}]: {rest} neuron 0"),
        ("order-across-signs", put(four, f"{at}.1.{closed}.1", [["order", 0, "0"]]),
         f"trees[1][{closed}]: {order} 0 and 1"),
        ("order-of-the-last", put(four, f"{at}.0.{k}.1", [["order", 1, "0"]]),
         f"trees[0][{k}]: {order} 1 and 2"),
        ("order-of-one", put(tent, "claims.0", {**tent["claims"][0], "ordered": 0, "trees": [
            [["close", [["order", 0, "1"]]]], trees[1]]}), f"trees[0][0]: {order} 0 and 1"),
    ):
        bad(name, content, expected)
    # fmt: on
    bad("second-claim", put(twice, "claims.1.trees.1.0.1.3.3", "2"), f"trees[1][0]: {rest} u[0][0]", 1)
    # one unit in the last place: the weights of this proof do not fit any more
    off = {**files, "points.npy": doubles("(3, 1)", 0.1, 0.2, 0.1 + 0.2)}
    changed = put(in_files, "points", sidecar("points.npy", off["points.npy"]))
    reason = f"claim 0 (farkas-obstruction): trees[0][3]: {rest} neuron 0"
    corpus.folder("rejected", "farkas-files-off", changed, off, reason)

    def odd(name: str, change: Document, expected: str) -> None:
        corpus.add("malformed", f"farkas-{name}", change, f"malformed: {expected}")

    index = "expected a neuron and a point in 0..2"
    kinds = "expected ['split', neuron, point] or ['close', terms]"
    terms = (
        "trees[0][3]: expected terms as [one of value, zero, line, split, convex, order, indices, multiplier]"
    )
    beyond, pair = (
        "trees[0][3]: expected a point in 0..2 after",
        "convex[0]: expected [point, [[point, weight], ...]]",
    )
    takes, text = "with indices:", "expected a decimal string, got 1"
    # fmt: off
    for name, path, value, expected in (
        ("neurons-negative", "neurons", -1, "neurons: expected an integer from 0, got -1"),
        ("neurons-true", "neurons", True, "neurons: expected an integer from 0, got True"),
        ("ordered-null", "ordered", None, "ordered: expected an index in 0..2"),
        ("ordered-beyond", "ordered", 3, "ordered: expected an index in 0..2"),
        ("trees-object", "trees", {}, "trees: expected a list of lists of nodes"),
        ("tree-text", "trees.1", "split", "trees: expected a list of lists of nodes"),
        ("node-text", "trees.0.1", "close", f"trees[0][1]: {kinds}"),
        ("node-empty", "trees.0.1", [], f"trees[0][1]: {kinds}"),
        ("node-of-two", "trees.0.1", ["split", 0], f"trees[0][1]: {kinds}"),
        ("node-of-other-kind", "trees.1.2", ["branch", 0, 1], f"trees[1][2]: {kinds}"),
        ("node-of-list", "trees.1.2", [[], 0, 1], f"trees[1][2]: {kinds}"),
        ("point-beyond", "trees.0.0", ["split", 0, 3], f"trees[0][0]: {index}"),
        ("neuron-negative", "trees.0.0", ["split", -1, 0], f"trees[0][0]: {index}"),
        ("point-true", "trees.0.0", ["split", 0, True], f"trees[0][0]: {index}"),
        ("neuron-text", "trees.0.0", ["split", "0", 0], f"trees[0][0]: {index}"),
        ("close-alone", "trees.0.3", ["close"], f"trees[0][3]: {kinds}"),
        ("close-object", "trees.0.3", ["close", {}], f"trees[0][3]: {kinds}"),
        ("term-text", "trees.0.3.1.0", "value", terms),
        ("term-empty", "trees.0.3.1.0", [], terms),
        ("term-short", "trees.0.3.1.0", ["value", "1"], terms),
        ("term-unknown", "trees.0.3.1.0.0", "values", terms),
        ("term-of-list", "trees.0.3.1.0.0", [], terms),
        ("term-of-a-number", "trees.0.3.1.0", [3, 1, "1"], terms),
        ("value-of-two", "trees.0.3.1.0", ["value", 0, 1, "1"], f"trees[0][3]: expected 'value' {takes} 1"),
        ("zero-of-one", "trees.0.3.1.0", ["zero", 0, "1"], f"trees[0][3]: expected 'zero' {takes} 2"),
        ("line-of-three", "trees.0.3.1.3", ["line", 0, 1, 1, "1"], f"trees[0][3]: expected 'line' {takes} 2"),
        ("order-of-two", "trees.0.3.1.3", ["order", 0, 0, "1"], f"trees[0][3]: expected 'order' {takes} 1"),
        ("index-negative", "trees.0.3.1.0.1", -1, f"trees[0][3]: expected 'value' {takes} 1"),
        ("index-true", "trees.0.3.1.3.1", False, f"trees[0][3]: expected 'line' {takes} 2"),
        ("index-text", "trees.0.3.1.3.2", "0", f"trees[0][3]: expected 'line' {takes} 2"),
        ("value-beyond", "trees.0.3.1.0.1", 3, f"{beyond} 'value'"),
        ("line-beyond", "trees.0.3.1.3.2", 3, f"{beyond} 'line'"),
        ("split-beyond", "trees.0.3.1.4.2", 10**18 - 1, f"{beyond} 'split'"),
        ("multiplier-number", "trees.0.3.1.0.2", 1, f"trees[0][3]: {text}"),
        ("multiplier-minus-zero", "trees.1.2.1.0.2", "-0", f"trees[1][2]: '-0' {CANONICAL}"),
        ("convex-object", "convex", {}, "convex: expected a list of means"),
        ("convex-null", "convex", None, "convex: expected a list of means"),
        ("mean-text", "convex", ["0"], pair),
        ("mean-alone", "convex", [[1]], pair),
        ("mean-of-object", "convex", [[1, {}]], pair),
        ("mean-of-numbers", "convex", [[1, [0, 2]]], pair),
        ("mean-without-weight", "convex", [[1, [[0]]]], pair),
        ("mean-beyond", "convex", [[3, []]], "convex[0]: expected points in 0..2"),
        ("mean-true", "convex", [[True, []]], "convex[0]: expected points in 0..2"),
        ("mean-of-beyond", "convex", [[1, []], [1, [[3, "0"]]]], "convex[1]: expected points in 0..2"),
        ("mean-of-list", "convex", [[1, [[[], "0"]]]], "convex[0]: expected points in 0..2"),
        ("weight-number", "convex", [[1, [[1, 1]]]], f"convex[0]: {text}"),
        ("weight-fraction", "convex", [[1, [[1, "1/2"]]]], f"convex[0]: '1/2' {CANONICAL}"),
        # 2 * 0 = 3 * 1 - 1 * 3: a mean but for the sign
        ("weight-negative", "convex", [[0, [[1, "3"], [2, "-1"]]]], "convex[0]: a weight is negative"),
        ("layers", "layers", 2, "unknown key 'layers'"),
    ):
        place = "claims[0]: " if name == "layers" else "claims[0]."
        odd(name, put(tent, f"claims.0.{path}", value), place + expected)
    # fmt: on
    # a wrong type is found before a wrong proof
    odd("after-a-violation", put(three, f"{at}.0.0.0", 0), f"claims[0].trees[0][0]: {kinds}")
    odd("without-trees", drop(tent, at), "claims[0]: the key 'trees' is missing")
    odd("with-network", put(tent, "network", [affine([[1]], [0])]), "network: an obstruction is about all")
    labels = put(put(tent, "edits", {"index": [0], "label": [0]}), "base", array((3, 2), [0] * 6))
    odd("labels", labels, "claims[0]: farkas-obstruction needs edits.value")
    two = put(tent, "edits", {"index": [0], "value": array((1, 2), [0, 1])})
    odd("two-outputs", two, "claims[0]: farkas-obstruction needs one output")


# Floating point


def deployed(dtype: str, total: str, **more: Any) -> Document:
    return {"kind": "deployed", "dtype": dtype, "sum": total, **more}


ULP = Fraction(1, 2**24)  # of float32, just below 1
NEAR = 1 - ULP
LARGEST = 2**128 - 2**104  # of float32
LEAST = Fraction(1, 2**149)
SINGLE, DOUBLE = deployed("float32", "float32"), deployed("float64", "float64")

# g = (0, NEAR x), and NEAR NEAR = 1 - 2 ULP + ULP ULP leads by ULP ULP at the second point: less than what
# float32 can tell
HAIR = document(
    [SINGLE],
    array((2, 1), [0, NEAR], 2**24),
    {"index": [1], "label": [1]},
    [affine([[0], [NEAR]], [0, 0], 2**24)],
    base=array((2, 2), [0, 0, 1 - 2 * ULP, 0], 2**24),
)

# One output, NEAR x, that is wanted to be 1 - 2 ULP
NEARLY = document(
    [SINGLE],
    array((2, 1), [0, NEAR], 2**24),
    {"index": [1], "value": array((1,), [1 - 2 * ULP], 2**24)},
    [affine([[NEAR]], [0], 2**24)],
)


def largest(base: int, value: int) -> Document:
    """`g(x) = LARGEST x` at 0 and 1; `base` and `value` at 1."""
    return document(
        [SINGLE],
        array((2, 1), [0, 1]),
        {"index": [1], "value": array((1,), [value])},
        [affine([[LARGEST]], [0])],
        base=array((2,), [0, base]),
    )


# x (1 + 2 ULP) 2^52 is (1 + ULP - 2 ULP ULP) 2^103 at the second point; its bounds lie on both sides of
# 2^103, from which on the sum is infinite
PERHAPS = document(
    [SINGLE],
    array((2, 1), [0, NEAR * 2**51]),
    {"index": [1], "label": [1]},
    [affine([[0], [(1 + 2 * ULP) * 2**52]], [0, 0])],
    base=array((2, 2), [0, 0, 0, LARGEST]),
)


def cancelling(weight: Fraction | int, point: Fraction | int) -> Document:
    """`relu(weight x) - relu(weight x)`, which is 0."""
    q = 2**149
    first = affine([[weight], [weight]], [0, 0], q)
    nothing = {"index": [], "value": array((0,), [])}
    exact = claim("edit", 2, 2)
    return document([exact, SINGLE], array((1, 1), [point], q), nothing, [first, affine([[1, -1]], [0])])


def add_deployed(corpus: Corpus) -> None:
    def good(name: str, content: Document) -> None:
        corpus.add("accepted", f"deployed-{name}", content)

    every = [deployed(dtype, total) for dtype in ("float32", "float64") for total in ("float32", "float64")]
    good("edit", put(EDIT, "claims", every))
    good("labels", put(LABEL, "claims", [*LABEL["claims"], *every]))
    good("columns", put(COLUMNS, "claims", [*COLUMNS["claims"], SINGLE]))
    nothing = {"index": [], "value": array((0,), [])}
    good("nothing-to-do", put(put(put(EDIT, "network", constant()), "claims", every), "edits", nothing))
    good("lead-that-float64-tells", put(HAIR, "claims", [claim("label-edit", 0, 1), DOUBLE]))
    good("within-an-ulp", put(NEARLY, "claims.0.tolerance", str(ULP)))
    good("largest-float", largest(0, LARGEST))
    good("largest-float-after-rounding", largest(2**103 - 2**79, LARGEST))
    good("least-float", cancelling(LEAST, 1))
    files = {
        "points.npy": npy("'<f4'", "(2, 1)", struct.pack("<2f", 0, NEAR)),
        "base.npy": npy("'<f4'", "(2, 2)", struct.pack("<4f", 0, 0, 1 - 4 * ULP, 0)),
        "weight.npy": npy("'<f4'", "(2, 1)", struct.pack("<2f", 0, NEAR)),
        "bias.npy": npy("'<f8'", "(2,)", struct.pack("<2d", 0, 0)),
    }
    named = {name.removesuffix(".npy"): sidecar(name, content) for name, content in files.items()}
    network = [layer(named["weight"], named["bias"])]
    content = {**HAIR, "points": named["points"], "base": named["base"], "network": network}
    corpus.folder("accepted", "deployed-files", content, files)

    def bad(name: str, content: Document, expected: str) -> None:
        k = len(content["claims"]) - 1
        corpus.add("rejected", f"deployed-{name}", content, f"claim {k} (deployed): {expected}")

    third = put(put(NEARLY, "network.0.weight.denominator", "3"), "network.0.weight.numerators", ["1"])
    number, protected = "a number of float32, got", "as floats at a protected point: expected 0, got"
    sum_ = "base + g as floats, output 0"
    # fmt: off
    bad("weight-of-thirds", third, f"weight of layer 0, row 0, entry 0: expected {number} 1/3")
    bad("weight-of-25-digits", put(largest(0, 0), "network.0.weight.numerators.0", str(2**24 + 1)),
        f"weight of layer 0, row 0, entry 0: expected {number} 16777217")
    bad("weight-too-large", put(largest(0, 0), "network.0.weight.numerators.0", str(2**128)),
        f"weight of layer 0, row 0, entry 0: expected {number} {2**128}")
    bad("bias-too-small", put(put(LABEL, "claims", [SINGLE]), "network.1.bias",
                              array((3,), [0, LEAST / 2, 0], 2**150)),
        "bias of layer 1, row 1, entry 0: expected a number of float32, got 1/")
    bad("point", put(put(LABEL, "claims", [SINGLE]), "points.denominator", "10"),
        f"point 1: point, entry 0: expected {number} 1/10")
    bad("base", put(put(LABEL, "claims", [deployed("float64", "float32")]), "base.numerators.7",
                    str(2**25 + 1)), f"point 2: base, entry 1: expected {number} 33554433")
    bad("lead-below-an-ulp", put(HAIR, "claims", [claim("label-edit", 0, 1), SINGLE]),
        "point 1: lead as floats of label 1 over 0: expected above 0, got possibly -1/16777216")
    bad("lead-lost-in-the-sum", put(HAIR, "claims", [DOUBLE, deployed("float64", "float32")]),
        "point 1: lead as floats of label 1 over 0: expected above 0, got possibly 0")
    bad("value", NEARLY,
        f"point 1: {sum_}: expected 8388607/8388608 within 0, got possibly 16777213/16777216")
    bad("tolerance", put(NEARLY, "claims.0.tolerance", "1/16777217"),
        f"point 1: {sum_}: expected 8388607/8388608 within 1/16777217, got possibly 16777213/16777216")
    bad("sum-at-the-limit", largest(2**103, LARGEST),
        f"point 1: {sum_}: expected no overflow, got it cannot be excluded")
    bad("sum-that-may-overflow", PERHAPS,
        "point 1: base + g as floats, output 1: expected no overflow, got it cannot be excluded")
    bad("other-sum-that-may-overflow", put(PERHAPS, "edits.label", [0]),
        "point 1: base + g as floats, output 1: expected no overflow, got it cannot be excluded")
    bad("product-overflows", cancelling(LARGEST, 2),
        "point 0: sums of layer 0: expected no overflow, got it cannot be excluded")
    bad("partial-sum-overflows", put(cancelling(LARGEST, 1), "network.1.weight.numerators", ["2", "-2"]),
        "point 0: sums of layer 1: expected no overflow, got it cannot be excluded")
    bad("underflow", cancelling(LEAST, HALF), f"point 0: g[0] {protected} 0 +- a rational of ")
    bad("cancels-but-for-rounding", cancelling(NEAR, NEAR), f"point 0: g[0] {protected} 0 +- ")
    bad("protected-moves", put(put(LABEL, "claims", [SINGLE]), "network.1.bias.numerators.0", "1"),
        f"point 0: g[0] {protected} 1 +- 0")

    def odd(name: str, content: Document, expected: str) -> None:
        corpus.add("malformed", f"deployed-{name}", content, f"malformed: {expected}")

    for key, value, reason in (
        ("dtype", "float16", "claims[0].dtype: expected one of float32, float64, got 'float16'"),
        ("dtype", None, "claims[0].dtype: expected one of float32, float64, got None"),
        ("dtype", ["float32"], "claims[0].dtype: expected one of float32, float64, got list"),
        ("sum", 32, "claims[0].sum: expected one of float32, float64, got 32"),
        ("tolerance", "-1/2", "claims[0].tolerance: the tolerance is negative"),
        ("tolerance", 0, "claims[0].tolerance: expected a string 'p' or 'p/q', got 0"),
        ("tolerance", "2/4", "claims[0].tolerance: '2/4' is not in lowest terms"),
        ("neurons", 0, "claims[0]: unknown key 'neurons'"),
    ):
        shape = {str: "", list: "-list", int: "-number", type(None): "-null"}[type(value)]
        shape += "-fraction" if value == "2/4" else ""
        odd(f"{key}{shape}", put(NEARLY, f"claims.0.{key}", value), reason)
    # fmt: on
    odd("without-sum", drop(NEARLY, "claims.0.sum"), "claims[0]: the key 'sum' is missing")
    odd("labels-within", put(HAIR, "claims.0.tolerance", "1"), "claims[0]: unknown key 'tolerance'")
    odd(
        "without-network",
        drop(put(EDIT, "claims", [SINGLE]), "network"),
        "network: the claim deployed needs a network",
    )


# Balls


def robust(radius: str) -> Document:
    return {"kind": "robust", "radius": radius}


# A tent of height 3 over 4, from 3 to 5: at 4 + t the second label leads by 3 (1 - abs(t)) - 1.
BALL = document(
    [claim("label-edit", 3, 2), SINGLE, robust("1/2")],
    array((3, 1), [0, 4, 8]),
    {"index": [1], "label": [1]},
    [affine([[1], [1], [1]], [-3, -4, -5]), affine([[0, 0, 0], [3, -6, 3]], [0, 0])],
    base=array((3, 2), [1, 0] * 3),
)
NO_EDIT = {"index": [], "label": []}


def around(radius: str, **changes: Any) -> Document:
    return {**BALL, "claims": [robust(radius)], **changes}


def folded(inner: int, outer: int) -> list[Document]:
    """`relu(outer relu(inner x))` as the second of two outputs."""
    return [affine([[inner]], [0]), affine([[outer]], [0]), affine([[0], [1]], [0, 0])]


def add_robust(corpus: Corpus) -> None:
    def good(name: str, content: Document) -> None:
        corpus.add("accepted", f"robust-{name}", content)

    ends, origin = array((2, 1), [0, 8]), array((1, 1), [0])
    no_base = array((2, 2), [0] * 4)
    thirds = [layer(by_rows((3, 1), [1, 2, 1], [3, 3, 3]), by_rows((3,), [-1, -8, -5], [1, 3, 3])),
              affine([[0, 0, 0], [9, -9, 9]], [0, 0])]  # fmt: skip
    good("three-claims", BALL)
    good("nearly-the-largest", around("1999999997/3000000000"))  # 2/3 is too much
    good("thirds", around("1999999997/3000000000", network=thirds))
    good("up-to-the-kink", around("3", points=ends, edits=NO_EDIT, base=no_base))
    good("interval", around("5", points=origin, edits=NO_EDIT, base=array((1, 2), [0, 0]),
                            network=folded(1, -1)))  # fmt: skip
    good("one-layer", around("3", points=array((1, 1), [4]), edits={"index": [0], "label": [1]},
                             base=array((1, 2), [0, 0]), network=[affine([[0], [1]], [0, 0])]))  # fmt: skip
    good("no-neuron", around("1000", edits=NO_EDIT, network=[
        layer(without_entries(0, 1), array((0,), [])), layer(without_entries(2, 0), array((2,), [0, 0]))
    ]))  # fmt: skip
    good("rows-and-columns", put(LABEL, "claims", [*LABEL["claims"], robust("1/10")])
         | {"points": array((2, 2), [-1, 5, 1, -2]), "base": array((2, 3), [1, 0, 0, 2, 1, 0])})  # fmt: skip

    def bad(name: str, content: Document, expected: str) -> None:
        k = len(content["claims"]) - 1
        corpus.add("rejected", f"robust-{name}", content, f"claim {k} (robust): {expected}")

    lead = "lead of label 1 over 0 around the point: expected above 0, got possibly"
    moves = "around a protected point: expected 0, got possibly from"
    bad("label-tie", around("2/3"), f"point 1: {lead} 0")
    bad("label-behind", around("1"), f"point 1: {lead} -1")
    bad("second-claim", put(BALL, "claims", [robust("1/2"), robust("3/4")]), f"point 1: {lead} -1/4")
    over = around("3001/1000", points=ends, edits=NO_EDIT, base=no_base)
    bad("beyond-the-kink", over, f"point 0: g[1] {moves} 0 to 3/1000")
    wide = put(over, "points", array((2, 1), [-1, 8]))
    bad("beyond-the-kink-of-the-last", wide, f"point 1: g[1] {moves} -")
    bad("protected-moves", around("1/2", edits=NO_EDIT), f"point 1: g[1] {moves} 3/2 to 3")
    bad("edit-of-another-label", put(around("1/2"), "edits.label", [0]), "point 1: lead of label 0 over 1")

    def odd(name: str, content: Document, expected: str) -> None:
        corpus.add("malformed", f"robust-{name}", content, f"malformed: {expected}")

    odd("radius-zero", around("0"), "claims[0].radius: the radius is not positive")
    odd("radius-negative", around("-1/2"), "claims[0].radius: the radius is not positive")
    number = put(BALL, "claims", [{"kind": "robust", "radius": 1}])
    odd("radius-number", number, "claims[0].radius: expected a string 'p' or 'p/q', got 1")
    odd("without-radius", put(BALL, "claims", [{"kind": "robust"}]), "claims[0]: the key 'radius' is missing")
    odd("values", put(EDIT, "claims", [robust("1")]), "claims[0]: robust needs edits.label")
    odd("without-network", drop(around("1"), "network"), "network: the claim robust needs a network")


def corpus() -> Files:
    """Every file of the corpus, by its path."""
    out = Corpus()
    add_bounds(out)
    add_accepted(out)
    add_rejected(out)
    add_malformed(out)
    add_malformed_folders(out)
    add_obstructions(out)
    add_farkas(out)
    add_deployed(out)
    add_robust(out)
    return out.files


def main() -> None:
    out = Corpus()
    out.files = corpus()
    out.write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)


if __name__ == "__main__":
    main()
