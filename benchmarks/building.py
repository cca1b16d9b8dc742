"""What building costs, as a ratio to its floor: projecting the points and sorting them.

    python benchmarks/building.py [--quick]

Every ratio is taken within one run (build and floor one after the other on the same data); the
table shows medians over the runs and their spread.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from constructions import FineTuningProblem, build

SIZES = [(1_000, 20, 100), (10_000, 20, 100), (100_000, 20, 1_000)]


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def problem_data(k: int, d: int, n: int, seed: int) -> tuple[np.ndarray, dict[int, float]]:
    rng = np.random.default_rng(seed)
    chosen = rng.choice(k, size=n, replace=False)
    return rng.normal(size=(k, d)), {
        int(i): float(v) for i, v in zip(chosen, rng.normal(size=n), strict=True)
    }


def main(quick: bool) -> None:
    runs = 1 if quick else 5
    table = Table(title=f"building, {runs} run(s), d = 20")
    for heading in ("K", "N", "layers", "neurons", "bits", "seconds", "over project + sort"):
        table.add_column(heading, justify="right")
    for k, d, n in SIZES[: 1 if quick else None]:
        for depth in (2, 3, 4):
            times, ratios = [], []
            for seed in range(runs):
                points, edits = problem_data(k, d, n, seed)
                floor = seconds(lambda points=points, d=d: np.argsort(points @ np.ones(d)))
                problem = FineTuningProblem(points, edits=edits)
                started = time.perf_counter()
                solution = build(problem, depth)
                times.append(time.perf_counter() - started)
                ratios.append(times[-1] / floor)
            network = solution.network
            table.add_row(
                f"{k:,}", f"{n:,}", str(depth), str(network.neurons), str(network.bits),
                f"{statistics.median(times):.2f} ({min(times):.2f}-{max(times):.2f})",
                f"{statistics.median(ratios):.0f}x ({min(ratios):.0f}-{max(ratios):.0f})",
            )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
