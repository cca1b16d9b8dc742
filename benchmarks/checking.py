"""What an exact check costs, as a ratio to numpy's float64 forward pass of the same network.

    python benchmarks/checking.py [--quick]

Three networks: the grid and the band crossing that `build` makes (20 inputs, K/1000 edits), and a
dense network 20-64-64-1 with 30-bit weights whose output cancels everywhere, checked by cancellation
and, by force, by residues. Both times are taken in one run on the same data; the check includes
reading, hashing and planning, the float pass does not include reading. Medians and spread.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from constructions import FineTuningProblem, build, write_certificate
from verify.engine import check, float_pass
from verify.engine.examine import plan_for


def sparse(folder: Path, k: int, layers: int) -> Path:
    """A built network that changes `k / 1000` outputs."""
    rng = np.random.default_rng(0)
    points = np.round(rng.normal(size=(k, 20)) * 2**20) / 2**20
    chosen = rng.choice(k, size=max(10, k // 1000), replace=False)
    edits = {int(i): int(v) for i, v in zip(chosen, rng.integers(1, 9, size=len(chosen)), strict=True)}
    edits[int(chosen[0])] = -3
    return write_certificate(build(FineTuningProblem(points, edits=edits), layers), folder)


def dense(folder: Path, k: int) -> Path:
    """20-64-64-1, no two points with the same activation pattern, and 0 everywhere."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    np.save(folder / "points.npy", np.round(rng.normal(size=(k, 20)) * 2**20) / 2**20)
    sha256 = hashlib.sha256((folder / "points.npy").read_bytes()).hexdigest()

    def numbers(*shape: int) -> np.ndarray:
        return rng.integers(-(2**29), 2**29, size=shape)

    def array(values: np.ndarray) -> dict[str, Any]:
        texts = [str(value) for value in values.reshape(-1).tolist()]
        return {"shape": list(values.shape), "denominator": "1", "numerators": texts}

    half, bias, out = numbers(32, 64), numbers(32) * 2**20, numbers(1, 32)
    layers = [
        (numbers(64, 20), numbers(64)),
        (np.vstack([half, half]), np.concatenate([bias, bias])),
        (np.hstack([out, -out]), np.zeros(1, dtype=np.int64)),
    ]
    document = {
        "format": "ftc-certificate", "version": 1,
        "claims": [{"kind": "edit", "neurons": 128, "layers": 3}],
        "points": {"file": "points.npy", "sha256": sha256},
        "edits": {"index": [], "value": array(np.zeros(0, dtype=np.int64))},
        "network": [{"weight": array(w), "bias": array(b)} for w, b in layers],
    }  # fmt: skip
    (folder / "certificate.json").write_text(json.dumps(document))
    return folder


def main(quick: bool) -> None:
    runs, sizes = (1, [1_000]) if quick else (5, [10_000, 100_000, 1_000_000])
    table = Table(title=f"exact checks, {runs} run(s), d = 20")
    for heading in ("network", "route", "K", "check s", "float pass s", "ratio"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as name:
        for k in sizes:
            folder = Path(name) / str(k)
            folder.mkdir()
            cases = {
                ("grid", "auto"): sparse(folder / "grid", k, 3),
                ("band crossing", "auto"): sparse(folder / "band", k, 4),
                ("dense", "auto"): dense(folder / "dense", k),
                ("dense", "residues"): folder / "dense",
            }
            for (network, route), path in cases.items():
                seconds, floats = [], []
                for _ in range(runs):
                    floats.append(float_pass(path))
                    plan_for.cache_clear()
                    started = time.perf_counter()
                    if check(path, route=route).status != "accepted":
                        raise ValueError(f"{path} is not accepted")
                    seconds.append(time.perf_counter() - started)
                ratios = [a / b for a, b in zip(seconds, floats, strict=True)]
                low, high = min(ratios), max(ratios)
                table.add_row(
                    network, route, f"{k:,}",
                    f"{statistics.median(seconds):.3f}", f"{statistics.median(floats):.3f}",
                    f"{statistics.median(ratios):.1f}x ({low:.1f}-{high:.1f})",
                )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
