"""Run the contest; write results/patching.md, .json and .svg.

    python -m benchmarks.patching [--quick] [--to FOLDER] [--only PART ..]

All of it takes about three quarters of an hour. `--quick` shows that everything runs, in some seconds, and
measures nothing worth reading; `--only` without a part draws page and picture anew.
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
from benchmarks.patching.contradiction import contradiction
from benchmarks.patching.picture import picture
from benchmarks.patching.report import report
from ftc.plots import save

QUICK = Contest(runs=1, seeds=1, adam=100, lbfgs=50, prices=(0.1,))


def main() -> None:
    parts = [*CASES, "widths"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--to", type=Path, default=Path(__file__).parents[1] / "results")
    parser.add_argument("--only", nargs="*", choices=parts, help="measure these anew, and keep the others")
    arguments = parser.parse_args()
    arguments.to.mkdir(exist_ok=True)
    file = arguments.to / "patching.json"
    usual = ["small", "widths"] if arguments.quick else [part for part in parts if part != "small"]
    chosen = usual if arguments.only is None else arguments.only
    measured: dict[str, Any] = {"about": {}, "contest": [], "widths": [], "left out": {}}
    if arguments.only is not None and file.exists():
        measured = json.loads(file.read_text())
    if chosen:
        measured["about"] = machine()
    for part in chosen:
        started = time.perf_counter()
        if part == "widths":
            effort = (QUICK, widths.QUICK) if arguments.quick else (Contest(), widths.Size())
            measured["widths"] = list(widths.rows(*effort))
        else:
            others = [row for row in measured["contest"] if row["case"] != part]
            measured["left out"].pop(part, None)
            try:
                others += _measure(part, QUICK if arguments.quick else Contest())
            except ModuleNotFoundError as error:
                measured["left out"][part] = f"{error.name} is not installed"
            measured["contest"] = sorted(others, key=lambda row: parts.index(row["case"]))
        file.write_text(json.dumps(measured, indent=1) + "\n")  # a long run may be interrupted
        print(f"{part}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    (arguments.to / "patching.md").write_text(report(measured))
    save(picture(measured), arguments.to / "patching.svg")


def _measure(key: str, contest: Contest) -> list[dict[str, Any]]:
    """The rows of a case.

    Raises:
        ModuleNotFoundError: a package that it needs is not installed.
    """
    case = CASES[key]()
    about = {
        "title": case.name, "N": len(case.wanted), "protected": len(case.protected),
        "d": case.data.points.shape[1], "held": len(case.truth),
        "accuracy": float((case.held.labels == case.truth).mean()),
        "contradiction": contradiction(case),
    }  # fmt: skip
    return [about | row for row in rows(key, case, contest)]


if __name__ == "__main__":
    main()
