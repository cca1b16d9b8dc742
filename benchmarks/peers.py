"""The same evaluation by others: what a point costs, over numpy's float64 pass of the same network.

The network is `mirrored` 20-64-64-1 with weights of 30 bits. `Fractions`: sums and products of
Python's `Fraction`. `sympy`: matrices of `Rational`. `flint`: `fmpq_mat`. `kernel`: this project's
trusted checker; `engine`: its fast one. Others get fewer points, as many as they can do.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cases
import numpy as np
import sympy
from flint import fmpq, fmpq_mat
from measure import in_fresh_process, seconds

import verify
from verify.engine import check, float_pass

Matrices = list[tuple[list[list[int]], list[int]]]


def by_fractions(network: Matrices, points: np.ndarray) -> None:
    for point in points.tolist():
        a = [Fraction(x) for x in point]
        for k, (weight, bias) in enumerate(network):
            a = [
                sum((w * x for w, x in zip(row, a, strict=True)), Fraction(b))
                for row, b in zip(weight, bias, strict=True)
            ]
            if k < len(network) - 1:
                a = [max(x, Fraction(0)) for x in a]
        _refuse(any(a))


def by_sympy(network: Matrices, points: np.ndarray) -> None:
    layers = [(sympy.Matrix(weight), sympy.Matrix(bias)) for weight, bias in network]
    for point in points.tolist():
        a = sympy.Matrix([sympy.Rational(*x.as_integer_ratio()) for x in point])
        for k, (weight, bias) in enumerate(layers):
            a = weight * a + bias
            if k < len(layers) - 1:
                a = a.applyfunc(lambda x: max(x, sympy.Integer(0)))
        _refuse(any(a))


def by_flint(network: Matrices, points: np.ndarray) -> None:
    count = len(points)
    layers = [
        (fmpq_mat(len(bias), len(weight[0]), [w for row in weight for w in row]), bias)
        for weight, bias in network
    ]
    columns = [fmpq(*x.as_integer_ratio()) for x in points.T.reshape(-1).tolist()]
    a = fmpq_mat(points.shape[1], count, columns)
    for k, (weight, bias) in enumerate(layers):
        a = weight * a + fmpq_mat(len(bias), count, [b for b in bias for _ in range(count)])
        if k < len(layers) - 1:
            a = fmpq_mat(len(bias), count, [x if x > 0 else 0 for x in a.entries()])
    _refuse(any(a.entries()))


def _refuse(wrong: bool) -> None:
    if wrong:
        raise ValueError("an output is not 0")


PEERS: dict[str, Callable[[Matrices, np.ndarray], None]] = {
    "Fractions": by_fractions,
    "sympy": by_sympy,
    "flint": by_flint,
}


def measure(peer: str, K: int, runs: int) -> dict[str, Any]:  # noqa: N803
    times, floors = [], []
    with tempfile.TemporaryDirectory() as name:
        path = cases.mirrored(Path(name) / "certificate", K, 20, 64, 30)
        points = np.load(path / "points.npy")
        content = json.loads((path / "certificate.json").read_text())
        network = [
            (np.load(path / layer["weight"]["file"]).tolist(), np.load(path / layer["bias"]["file"]).tolist())
            for layer in content["network"]
        ]
        for _ in range(runs):
            floors.append(float_pass(path, runs=3))
            if peer in PEERS:
                times.append(seconds(lambda: PEERS[peer](network, points)))
            else:
                times.append(
                    seconds(
                        lambda: _refuse({"kernel": verify.check, "engine": check}[peer](path).exit_code != 0)
                    )
                )
    return {"seconds": times, "floor": floors}


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    sizes = {"sympy": 100, "Fractions": 100, "kernel": 1_000, "flint": 10_000, "engine": 100_000}
    todo = [(peer, 10 if quick else size) for peer, size in sizes.items()]
    return (in_fresh_process(measure, peer=peer, K=k, runs=1 if quick else 5) for peer, k in todo)
