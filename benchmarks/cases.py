"""Certificates to measure checks on, each accepted: built networks, and dense ones of several kinds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from constructions import FineTuningProblem, build, write_certificate

Layers = list[tuple[np.ndarray, np.ndarray]]


def built(folder: Path, points: int, inputs: int, edits: int, layers: int) -> Path:
    """What `build` makes for random edits of both signs among random points."""
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(points, inputs)) * 2**20) / 2**20
    chosen = rng.choice(points, size=edits, replace=False)
    values = {int(i): int(v) for i, v in zip(chosen, rng.integers(1, 9, size=edits), strict=True)}
    values[int(chosen[0])] = -3
    return write_certificate(build(FineTuningProblem(x, edits=values), layers), folder)


def mirrored(folder: Path, points: int, inputs: int, width: int, bits: int, *, short: bool = True) -> Path:
    """inputs-width-width-1; the last hidden layer holds every neuron twice, with opposite signs."""
    rng = np.random.default_rng(0)
    half, bias, out = (_numbers(rng, bits, *shape) for shape in ((width // 2, width), (width // 2,), (1, width // 2)))
    layers: Layers = [
        (_numbers(rng, bits, width, inputs), _numbers(rng, bits, width)),
        (np.vstack([half, half]), np.concatenate([bias, bias]) << 20),
        (np.hstack([out, -out]), np.zeros(1, dtype=object)),
    ]
    return _write(folder, layers, points, short)


def dependent(folder: Path, points: int, inputs: int, width: int, bits: int, *, short: bool = True) -> Path:
    """inputs-width-width-1; the last hidden layer is active everywhere, and of every three rows one is
    the sum of the others: only the outputs themselves show that they are 0."""
    rng = np.random.default_rng(0)
    third = width // 3
    a, b = _numbers(rng, bits, third, width), _numbers(rng, bits, third, width)
    large = np.full(third, 1 << (2 * bits + 40), dtype=object)
    layers: Layers = [
        (_numbers(rng, bits, width, inputs), _numbers(rng, bits, width)),
        (np.vstack([a, b, a + b]), np.concatenate([large, large, 2 * large])),
        (np.concatenate([np.ones(2 * third, int), -np.ones(third, int)])[None, :].astype(object), np.zeros(1, object)),
    ]
    return _write(folder, layers, points, short)


def windows(folder: Path, points: int, inputs: int, directions: int, bits: int) -> Path:
    """Tents along many directions, beyond all points, and a second hidden layer: a kink everywhere."""
    rng = np.random.default_rng(0)
    rows, far = _numbers(rng, bits, directions, inputs), 1 << (bits + 12)
    ones = np.ones(directions, dtype=object)
    layers: Layers = [
        (np.repeat(rows, 3, axis=0), np.kron(ones, np.array([far + 1, far, far - 1], dtype=object))),
        (np.tile(np.array([1, -2, 1], dtype=object), (2, directions)), np.zeros(2, object)),
        (np.ones((1, 2), dtype=object), np.zeros(1, object)),
    ]
    return _write(folder, layers, points, short=False)


def _numbers(rng: np.random.Generator, bits: int, *shape: int) -> np.ndarray:
    """Random signed integers of so many bits."""
    out = np.zeros(shape, dtype=object)
    for _ in range(0, bits, 30):
        out = (out << 30) + rng.integers(-(2**29), 2**29, size=shape).astype(object)
    return out


def _write(folder: Path, layers: Layers, points: int, short: bool) -> Path:
    """`short`: points of 20 bits behind the binary point; else any floats."""
    folder.mkdir()
    inputs = layers[0][0].shape[1]
    x = np.random.default_rng(1).normal(size=(points, inputs))
    document = {
        "format": "ftc-certificate",
        "version": 1,
        "claims": [{"kind": "edit", "neurons": sum(len(b) for _, b in layers[:-1]), "layers": len(layers)}],
        "points": _array(folder, "points", np.round(x * 2**20) / 2**20 if short else x),
        "edits": {"index": [], "value": {"shape": [0, 1], "denominator": "1", "numerators": []}},
        "network": [
            {"weight": _array(folder, f"weight{k}", w), "bias": _array(folder, f"bias{k}", b)}
            for k, (w, b) in enumerate(layers)
        ],
    }
    (folder / "certificate.json").write_text(json.dumps(document))
    return folder


def _array(folder: Path, name: str, values: np.ndarray) -> dict[str, Any]:
    if values.dtype == object and max((abs(v) for v in values.flat), default=0) >= 2**63:
        texts = [str(v) for v in values.reshape(-1).tolist()]
        return {"shape": list(values.shape), "denominator": "1", "numerators": texts}
    file = folder / f"{name}.npy"
    np.save(file, values.astype(np.int64) if values.dtype == object else values)
    return {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
