"""What an exact check costs, as a ratio to numpy's float64 forward pass of the same network.

Both times are taken in one run on the same data, several times; the check includes reading, hashing
and planning, the float pass includes no reading. Networks: those that `build` makes (`grid`, three
layers; `band crossing`, four), and dense ones of which every output is 0: `mirrored` (the last hidden
layer cancels), `copies` (of a network, one minus the other: no layer cancels, only the whole
function of each activation pattern is seen to be 0), `windows` (every point on kinks).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases
from measure import in_fresh_process, seconds

from verify.engine import Statistics, check, float_pass
from verify.engine.examine import plan_for
from verify.kernel import read_certificate

MAKE = {
    "grid": lambda path, c: cases.built(path, c["K"], c["d"], c["N"], 3),
    "band crossing": lambda path, c: cases.built(path, c["K"], c["d"], c["N"], 4),
    "mirrored": lambda path, c: cases.mirrored(path, c["K"], c["d"], c["width"], c["bits"], c["layers"]),
    "copies": lambda path, c: cases.copies(path, c["K"], c["d"], c["width"], c["bits"]),
    "windows": lambda path, c: cases.windows(path, c["K"], c["d"], c["width"] // 3, c["bits"]),
}


def measure(**case: Any) -> dict[str, Any]:
    """Seconds of checks and of float passes, pair by pair, and the routes that settled the points."""
    floors, times, statistics = [], [], Statistics()
    with tempfile.TemporaryDirectory() as name:
        path = MAKE[case["network"]](Path(name) / "certificate", case)
        for _ in range(case["runs"]):
            floors.append(float_pass(path, runs=1))
            plan_for.cache_clear()
            statistics = Statistics()
            verdict = None

            def run(statistics: Statistics = statistics) -> None:
                nonlocal verdict
                verdict = check(path, statistics=statistics)

            times.append(seconds(run))
            if verdict is None or verdict.status != "accepted":
                raise ValueError(f"{case} is not accepted")
        network = read_certificate(str(path)).network
    return {
        "widths": [] if network is None else [len(rows) for rows in network.layers],
        "seconds": times,
        "floor": floors,
        "routes": statistics.routes,
    }


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """All cases, each in a fresh process."""
    sizes = [10**k for k in range(3, 4 if quick else 8)]
    dense = {"d": 20, "width": 64, "bits": 30, "layers": 3}
    todo: list[dict[str, Any]] = []
    for k in sizes:
        todo += [{"network": "grid", "K": k, "d": 20, "N": max(10, k // 100)}]
        todo += [{"network": "band crossing", "K": k, "d": 20, "N": max(10, k // 1000)}] * (k <= 10**6)
        todo += [{"network": "mirrored", "K": k, **dense}]
        todo += [{"network": "copies", "K": k, **dense}]
        todo += [{"network": "windows", "K": k, **dense}]
    k = 1000 if quick else 200_000
    for d in (2, 100):
        todo += [{"network": name, "K": k, **dense, "d": d} for name in ("copies", "windows")]
        todo += [{"network": "grid", "K": k, "d": d, "N": k // 1000 or 1}]
    for layers in (2, 4, 6):
        todo += [{"network": "mirrored", "K": k, **dense, "layers": layers}]
    for bits in (300, 3000):
        few = 30 * k // bits  # its cost grows with the bits
        todo += [{"network": "copies", "K": few, **dense, "bits": bits}]
        todo += [{"network": "windows", "K": k, **dense, "bits": bits}]
        todo += [{"network": "mirrored", "K": k, **dense, "bits": bits}]
    for width in (256, 500) if quick else (500, 2000):
        todo += [{"network": "copies", "K": 500 if quick else 40_000, **dense, "width": width}]

    def runs(case: dict[str, Any]) -> int:
        return 1 if quick else 3 if case["K"] >= 10**6 or case.get("width", 0) >= 1000 else 5

    return (in_fresh_process(measure, **case, runs=runs(case)) for case in todo)
