"""Networks, points and certificates at random and on purpose, shared by the tests of the engine."""

from __future__ import annotations

import hashlib
import json
import math
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat, fmpz

Layers = list[tuple[list[list[Fraction]], list[Fraction]]]


def text_array(rows: list[Any]) -> dict[str, Any]:
    """An inline array with one denominator a row."""
    shape = [len(rows), len(rows[0])] if rows and isinstance(rows[0], list) else [len(rows)]
    numerators, denominators = [], []
    for row in rows:
        entries = [Fraction(x) for x in (row if isinstance(row, list) else [row])]
        q = math.lcm(*(x.denominator for x in entries))
        numerators += [str(fmpz(x.numerator * (q // x.denominator))) for x in entries]
        denominators.append(str(fmpz(q)))
    return {"shape": shape, "denominators": denominators, "numerators": numerators}


def evaluate(layers: Layers, point: list[Fraction]) -> list[Fraction]:
    """The network by python-flint: a third opinion."""
    a = fmpq_mat(len(point), 1, [fmpq(x.numerator, x.denominator) for x in point])
    for k, (weight, bias) in enumerate(layers):
        w = fmpq_mat(len(bias), a.nrows(), [fmpq(x.numerator, x.denominator) for row in weight for x in row])
        b = fmpq_mat(len(bias), 1, [fmpq(x.numerator, x.denominator) for x in bias])
        a = w * a + b
        if k < len(layers) - 1:
            a = fmpq_mat(len(bias), 1, [max(a[i, 0], fmpq(0)) for i in range(len(bias))])
    return [Fraction(int(a[i, 0].p), int(a[i, 0].q)) for i in range(a.nrows())]


def write(
    folder: Path,
    layers: Layers,
    points: list[list[Fraction]] | np.ndarray,
    values: dict[int, list[Fraction]],
) -> Path:
    """A certificate that claims `values` at some points and 0 at all others; base is 0."""
    folder.mkdir(exist_ok=True)
    outputs = len(layers[-1][1])
    document: dict[str, Any] = {
        "format": "ftc-certificate",
        "version": 1,
        "claims": [{"kind": "edit", "neurons": sum(len(b) for _, b in layers[:-1]), "layers": len(layers)}],
        "edits": {"index": sorted(values), "value": text_array([values[i] for i in sorted(values)])},
        "network": [],
    }
    if not values:
        document["edits"]["value"] = {"shape": [0, outputs], "denominator": "1", "numerators": []}
    for weight, bias in layers:
        columns = len(weight[0]) if weight else 0
        array = (
            text_array(weight) if weight else {"shape": [0, columns], "denominators": [], "numerators": []}
        )
        document["network"].append({"weight": array, "bias": text_array(bias)})
    inputs = np.asarray(points).shape[1]
    for k, layer in enumerate(document["network"]):
        below = inputs if k == 0 else len(layers[k - 1][1])
        layer["weight"]["shape"] = [len(layers[k][1]), below]
    if isinstance(points, np.ndarray):
        np.save(folder / "points.npy", points)
        sha256 = hashlib.sha256((folder / "points.npy").read_bytes()).hexdigest()
        document["points"] = {"file": "points.npy", "sha256": sha256}
    else:
        document["points"] = text_array(points)
    path = folder / "certificate.json"
    path.write_text(json.dumps(document))
    return folder


def fractions(rows: list[list[int]]) -> list[list[Fraction]]:
    return [[Fraction(x) for x in row] for row in rows]


def entry(rng: random.Random, kind: str) -> Fraction:
    if kind == "small":
        return Fraction(rng.randint(-3, 3))
    if kind == "rational":
        return Fraction(rng.randint(-9, 9), rng.randint(1, 7))
    if kind == "30 bits":
        return Fraction(rng.randint(-(2**29), 2**29))
    if kind == "long":
        return Fraction(rng.getrandbits(rng.choice([1, 60, 700, 5000])) * rng.choice([-1, 1]))
    if kind == "far apart":
        return Fraction(rng.randint(-3, 3)) * Fraction(2) ** rng.choice([-1074, -500, 0, 500, 1000])
    raise ValueError(kind)


def network(rng: random.Random, kind: str, inputs: int, outputs: int) -> Layers:
    """Any depth; on some, the last hidden layer holds pairs that cancel, so that 0 is common."""
    widths = [rng.choice([0, 1, 2, 3, 5]) for _ in range(rng.randint(0, 3))]
    layers: Layers = []
    below = inputs
    for w in widths:
        weight = [[entry(rng, kind) for _ in range(below)] for _ in range(w)]
        layers.append((weight, [entry(rng, kind) for _ in range(w)]))
        below = w
    if layers and below and rng.random() < 0.6:
        weight, bias = layers[-1]
        layers[-1] = (weight + weight, bias + bias)
        last = [[entry(rng, kind) for _ in range(below)] for _ in range(outputs)]
        layers.append(([row + [-x for x in row] for row in last], [Fraction(0)] * outputs))
        if rng.random() < 0.3:
            layers[-1][0][0][0] += Fraction(1, 2**20)  # off by a little
        return layers
    layers.append(
        ([[entry(rng, kind) for _ in range(below)] for _ in range(outputs)], [Fraction(0)] * outputs)
    )
    return layers


def points_of(rng: random.Random, inputs: int) -> list[list[Fraction]] | np.ndarray:
    k = rng.randint(1, 40)
    kind = rng.choice(["fractions", "float64", "float32", "int64", "uint8", "grid"])
    if kind == "fractions":
        return [[Fraction(rng.randint(-9, 9), rng.randint(1, 5)) for _ in range(inputs)] for _ in range(k)]
    if kind == "grid":
        return np.array([[rng.randint(-2, 2) for _ in range(inputs)] for _ in range(k)], dtype=np.float64)
    if kind == "int64":
        return np.array(
            [
                [rng.choice([rng.randint(-5, 5), 2**62 + 1, -(2**63)]) for _ in range(inputs)]
                for _ in range(k)
            ],
            dtype=np.int64,
        )
    if kind == "uint8":
        return np.array([[rng.randrange(256) for _ in range(inputs)] for _ in range(k)], dtype=np.uint8)
    sizes = [0.0, 1.0, 1.0, 5e-324, 1e300] if kind == "float64" else [0.0, 1.0, 1.0, 1e-45, 1e37]
    rows = [[rng.gauss(0, 1) * rng.choice(sizes) for _ in range(inputs)] for _ in range(k)]
    return np.array(rows, dtype=kind)


def random_certificate(folder: Path, k: int, seed: int = 0) -> Path:
    """20-64-64-1 with 30-bit weights whose output is 0 by cancellation everywhere."""
    rng = random.Random(seed)
    first = (
        [[entry(rng, "30 bits") for _ in range(20)] for _ in range(64)],
        [entry(rng, "30 bits") for _ in range(64)],
    )
    half = [[entry(rng, "30 bits") for _ in range(64)] for _ in range(32)]
    bias = [entry(rng, "30 bits") * 2**20 for _ in range(32)]
    out = [entry(rng, "30 bits") for _ in range(32)]
    layers: Layers = [first, (half + half, bias + bias), ([out + [-w for w in out]], [Fraction(0)])]
    points = np.random.default_rng(seed).normal(size=(k, 20))
    return write(folder, layers, points, {})
