"""What building costs, as a ratio to its floor: projecting the points and sorting them.

A fresh process makes the data, takes the floor, then builds from the arrays (problem, direction,
network) and writes a folder certificate. Floor and build are taken on the same data, one after the
other; the peak is that of the whole process, the data included.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure import in_fresh_process, seconds

from constructions import FineTuningProblem, build, write_certificate

# K, N, d
SIZES = [
    (10**3, 10, 20),
    (10**4, 10**2, 20),
    (10**5, 10**3, 20),
    (10**5, 10**3, 2),
    (10**5, 10**3, 100),
    (10**6, 10**4, 20),
    (10**7, 10**5, 20),
]


def measure(*, layers: int, K: int, N: int, d: int, seed: int) -> dict[str, Any]:  # noqa: N803
    """One build of random data: `K` normal points, `N` normal values at random places."""
    rng = np.random.default_rng(seed)
    chosen, points = rng.choice(K, size=N, replace=False).tolist(), rng.normal(size=(K, d))
    edits = dict(zip(chosen, rng.normal(size=N).tolist(), strict=True))
    floor = seconds(lambda: np.argsort(points @ np.ones(d)))
    found = []
    building = seconds(lambda: found.append(build(FineTuningProblem(points, edits=edits), layers)))
    with tempfile.TemporaryDirectory() as folder:
        writing = seconds(lambda: write_certificate(found[0], Path(folder) / "certificate"))
    network = found[0].network
    size = {"neurons": network.neurons, "bits": network.bits}
    return {**size, "seconds": building, "floor": floor, "writing": writing}


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """One row a problem size and depth; times are lists over the runs, other figures the largest."""
    for k, n, d in SIZES[:2] if quick else SIZES:
        for layers in (2, 3, 4):
            runs = 1 if quick else 3 if k >= 10**6 else 5
            found = [
                in_fresh_process(measure, layers=layers, K=k, N=n, d=d, seed=seed) for seed in range(runs)
            ]
            row: dict[str, Any] = {key: max(run[key] for run in found) for key in found[0] if key != "seed"}
            yield row | {key: [run[key] for run in found] for key in ("seconds", "floor", "writing")}
