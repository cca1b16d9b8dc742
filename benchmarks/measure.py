"""Measuring: each case in a fresh process, so that its peak memory is its own; medians with spread; where."""

from __future__ import annotations

import datetime
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["in_fresh_process", "machine", "seconds", "spread"]

Row = dict[str, Any]


def machine() -> dict[str, str]:
    """What the figures were measured on, and when."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, {memory:.0f} GiB",
        "software": f"Python {platform.python_version()}, numpy {np.__version__}",
    }


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def in_fresh_process(measure: Callable[..., Row], **case: Any) -> Row:
    """The row that `measure(**case)` returns, with the case itself and the peak memory in bytes of its
    process and of the largest of the workers that it started."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        row, peaks = pool.submit(_measured, measure, case).result()
    return {**case, **row, "peak_bytes": peaks[0], "peak_bytes_of_a_worker": peaks[1]}


def _measured(measure: Callable[..., Row], case: Row) -> tuple[Row, list[int]]:
    multiprocessing.set_start_method(None, force=True)  # for workers, that of a usual process again
    row = measure(**case)
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return row, [1024 * resource.getrusage(who).ru_maxrss for who in whose]


def spread(values: list[float], digits: int = 2) -> str:
    """Median, and the least and the largest value if there are several."""
    median = f"{statistics.median(values):,.{digits}f}"
    return median if len(values) == 1 else f"{median} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"
