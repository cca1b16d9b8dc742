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
    x = rng.normal(size=(points, inputs))
    chosen = rng.choice(points, size=edits, replace=False)
    values = {int(i): int(v) for i, v in zip(chosen, rng.integers(1, 9, size=edits), strict=True)}
    values[int(chosen[0])] = -3
    return write_certificate(build(FineTuningProblem(x, edits=values), layers), folder)


def mirrored(folder: Path, points: int, inputs: int, width: int, bits: int, layers: int = 3) -> Path:
    """inputs-width-..-width-1; the last hidden layer holds every neuron twice, with opposite signs."""
    rng = np.random.default_rng(0)
    network: Layers = []
    for _ in range(layers - 2):
        network.append((_numbers(rng, bits, width, inputs), _numbers(rng, bits, width)))
        inputs = width
    half, bias, out = (
        _numbers(rng, bits, *shape) for shape in ((width // 2, inputs), (width // 2,), (1, width // 2))
    )
    network.append((np.vstack([half, half]), np.concatenate([bias, bias])))
    network.append((np.hstack([out, -out]), np.zeros(1, dtype=object)))
    return _write(folder, network, points)


def copies(folder: Path, points: int, inputs: int, width: int, bits: int) -> Path:
    """inputs-width-width-1: two copies of a network of half the width, one minus the other."""
    rng = np.random.default_rng(0)
    half = width // 2
    first, bias = _numbers(rng, bits, half, inputs), _numbers(rng, bits, half)
    second, offset = _numbers(rng, bits, half, half), _numbers(rng, bits, half)
    out, none = _numbers(rng, bits, 1, half), np.zeros((half, half), dtype=object)
    network: Layers = [
        (np.vstack([first, first]), np.concatenate([bias, bias])),
        (np.block([[second, none], [none, second]]), np.concatenate([offset, offset])),
        (np.hstack([out, -out]), np.zeros(1, dtype=object)),
    ]
    return _write(folder, network, points)


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
    return _write(folder, layers, points)


def _numbers(rng: np.random.Generator, bits: int, *shape: int) -> np.ndarray:
    """Random signed integers of so many bits."""
    out = np.zeros(shape, dtype=object)
    for _ in range(0, bits, 30):
        out = (out << 30) + rng.integers(-(2**29), 2**29, size=shape).astype(object)
    return out


def _write(folder: Path, layers: Layers, points: int) -> Path:
    """The certificate for normal points with all bits of a double."""
    folder.mkdir()
    inputs = layers[0][0].shape[1]
    x = np.random.default_rng(1).normal(size=(points, inputs))
    document = {
        "format": "ftc-certificate",
        "version": 1,
        "claims": [{"kind": "edit", "neurons": sum(len(b) for _, b in layers[:-1]), "layers": len(layers)}],
        "points": _array(folder, "points", x),
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
