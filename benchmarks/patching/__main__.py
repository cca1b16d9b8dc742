"""Run the contest; write results/patching.md, .json and .png.

    python -m benchmarks.patching [--quick] [--to FOLDER] [--only CASE ..] [--redraw]

All of it takes about ten minutes. `--quick` shows that everything runs, in less than a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch are there


from benchmarks.measure import machine
from benchmarks.patching import widths
from benchmarks.patching.cases import CASES
from benchmarks.patching.contest import Contest, rows
from benchmarks.patching.picture import picture
from benchmarks.patching.report import report

QUICK = Contest(runs=1, seeds=1, adam=100, lbfgs=50, prices=(0.1,))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--to", type=Path, default=Path(__file__).parents[1] / "results")
    parser.add_argument("--only", nargs="+", choices=CASES, help="these cases, and the experiment on widths")
    parser.add_argument("--redraw", action="store_true", help="measure nothing: page and picture anew")
    arguments = parser.parse_args()
    arguments.to.mkdir(exist_ok=True)
    file = arguments.to / "patching.json"
    if arguments.redraw:
        measured = json.loads(file.read_text())
    else:
        contest = QUICK if arguments.quick else Contest()
        chosen = arguments.only or (["small"] if arguments.quick else [key for key in CASES if key != "small"])
        measured = _measure(contest, chosen, arguments.quick)
        file.write_text(json.dumps(measured, indent=1) + "\n")
    (arguments.to / "patching.md").write_text(report(measured))
    picture(measured, arguments.to / "patching.png")


def _measure(contest: Contest, chosen: list[str], quick: bool) -> dict[str, Any]:
    measured: dict[str, Any] = {"about": machine(), "contest": [], "widths": []}
    for key in chosen:
        started = time.perf_counter()
        try:
            case = CASES[key]()
        except ModuleNotFoundError as error:
            print(f"{key} is left out: {error.name} is not installed", file=sys.stderr)
            continue
        about = {
            "title": case.name, "N": len(case.wanted), "protected": len(case.protected),
            "d": case.data.points.shape[1], "held": len(case.truth),
            "accuracy": float((case.held.labels == case.truth).mean()),
        }  # fmt: skip
        measured["contest"] += [about | row for row in rows(key, case, contest)]
        print(f"{key}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    started = time.perf_counter()
    measured["widths"] = list(widths.rows(contest, quick))
    print(f"widths: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return measured


if __name__ == "__main__":
    main()
