"""What building costs, as a ratio to its floor: projecting the points and sorting them.

    python benchmarks/building.py [--quick]

Every measurement has a fresh process: it makes the data, takes the floor, then builds from the
arrays (problem, direction, network) and writes a folder certificate. Ratios are taken within one
process, on the same data; the table shows medians over the runs and their spread. The peak is that
of the whole process, the data included.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from constructions import FineTuningProblem, build, write_certificate

# K, N, d, runs
CASES = [
    (10**3, 10, 20, 5),
    (10**4, 10**2, 20, 5),
    (10**5, 10**3, 2, 5),
    (10**5, 10**3, 20, 5),
    (10**5, 10**3, 100, 5),
    (10**6, 10**4, 20, 3),
    (10**7, 10**5, 20, 3),
]


def measure(k: int, n: int, d: int, layers: int, seed: int) -> dict[str, Any]:
    """One build of random data: `K` normal points, `N` normal values at random places."""
    rng = np.random.default_rng(seed)
    chosen, points = rng.choice(k, size=n, replace=False).tolist(), rng.normal(size=(k, d))
    edits = dict(zip(chosen, rng.normal(size=n).tolist(), strict=True))
    seconds: dict[str, float] = {}

    @contextmanager
    def clock(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - started

    with clock("floor"):
        np.argsort(points @ np.ones(d))
    with clock("seconds"):
        solution = build(FineTuningProblem(points, edits=edits), layers)
    with tempfile.TemporaryDirectory() as folder, clock("writing"):
        write_certificate(solution, Path(folder) / "certificate")
    network, peak = solution.network, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "neurons": network.neurons,
        "bits": network.bits,
        "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024),
        **seconds,
    }


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """One row a problem size and depth, as soon as it is measured.

    `seconds` (the build), `floor` and `writing` are lists over the runs; neurons, bits and the peak
    memory are the largest of any run.
    """
    context = multiprocessing.get_context("spawn")
    for k, n, d, runs in CASES[:2] if quick else CASES:
        for layers in (2, 3, 4):
            found = []
            for seed in range(1 if quick else runs):
                with ProcessPoolExecutor(1, context) as pool:
                    found.append(pool.submit(measure, k, n, d, layers, seed).result())
            row: dict[str, Any] = {"K": k, "N": n, "d": d, "layers": layers}
            row |= {key: max(one[key] for one in found) for key in ("neurons", "bits", "peak_bytes")}
            row |= {key: [one[key] for one in found] for key in ("seconds", "floor", "writing")}
            yield row


def main(quick: bool) -> None:
    table = Table(title="building and writing, medians (least-most); floor: project and sort")
    headings = (
        "K",
        "N",
        "d",
        "layers",
        "neurons",
        "bits",
        "build s",
        "x floor",
        "write s",
        "peak MB",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows(quick):
        build_s, write_s = row["seconds"], row["writing"]
        ratios = [a / b for a, b in zip(build_s, row["floor"], strict=True)]
        table.add_row(
            *(f"{row[key]:,}" for key in ("K", "N", "d", "layers", "neurons", "bits")),
            f"{statistics.median(build_s):.2f} ({min(build_s):.2f}-{max(build_s):.2f})",
            f"{statistics.median(ratios):.0f} ({min(ratios):.0f}-{max(ratios):.0f})",
            f"{statistics.median(write_s):.2f}",
            f"{row['peak_bytes'] / 1e6:,.0f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
