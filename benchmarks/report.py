"""Run all benchmarks; write the tables and pictures that the repository keeps.

    python benchmarks/report.py [--quick] [--to FOLDER] [--only building|checking|peers]

All of it takes about an hour. `--quick` shows that everything runs, in about a minute, and measures
nothing worth reading.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import building
import checking
import matplotlib
import numpy as np
import peers
from measure import machine, spread

matplotlib.use("Agg")
import matplotlib.pyplot as plt

Rows = list[dict[str, Any]]


def ratios(row: dict[str, Any]) -> list[float]:
    return [a / b for a, b in zip(row["seconds"], row["floor"], strict=True)]


def table(headings: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [headings, rule, *lines])


def gibibytes(row: dict[str, Any]) -> str:
    return f"{max(row['peak_bytes'], row['peak_bytes_of_a_worker']) / 2**30:.2f}"


def building_table(rows: Rows) -> str:
    headings = [
        "layers",
        "K",
        "N",
        "d",
        "neurons",
        "bits",
        "build, s",
        "project + sort, s",
        "ratio",
        "write, s",
        "peak, GiB",
    ]
    lines = [
        [
            str(row["layers"]), f"{row['K']:,}", f"{row['N']:,}", str(row["d"]),
            f"{row['neurons']:,}", f"{row['bits']:,}",
            spread(row["seconds"]), spread(row["floor"], 4), spread(ratios(row), 0),
            spread(row["writing"]), gibibytes(row),
        ]
        for row in rows
    ]  # fmt: skip
    return table(headings, lines)


def checking_table(rows: Rows) -> str:
    headings = [
        "network",
        "K",
        "d",
        "widths",
        "bits",
        "check, s",
        "float pass, s",
        "ratio",
        "by",
        "peak, GiB",
    ]
    lines = []
    for row in rows:
        bits = f"{row['bits']:,}" if "bits" in row else ""
        routes = {name: n for name, n in row["routes"].items() if name != "edited"}
        widths = "-".join(map(str, row["widths"]))
        lines.append(
            [
                row["network"], f"{row['K']:,}", str(row["d"]), widths, bits,
                spread(row["seconds"]), spread(row["floor"], 3), spread(ratios(row), 1),
                max(routes, key=lambda name: routes[name]), gibibytes(row),
            ]
        )  # fmt: skip
    return table(headings, lines)


def peers_table(rows: Rows) -> str:
    lines = [
        [
            row["peer"],
            f"{row['K']:,}",
            f"{statistics.median(row['seconds']) / row['K'] * 1e6:,.1f}",
            spread(ratios(row), 1),
        ]
        for row in rows
    ]
    return table(["by", "K", "us a point", "over the float pass"], lines)


def picture(rows: Rows, by: str, same: tuple[str, ...], label: str, floor: str, file: Path) -> None:
    """Seconds against K on logarithmic axes: a line and its dashed floor for each value of `by`, among
    the rows that are like its first in what is to be the `same`."""
    figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, len({row[by] for row in rows})))
    for colour, marker, value in zip(colours, "osD^v*", dict.fromkeys(row[by] for row in rows), strict=False):
        line = [row for row in rows if row[by] == value]
        usual = line[0]
        line = [row for row in line if all(row.get(key) == usual.get(key) for key in same)]
        line = sorted({row["K"]: row for row in reversed(line)}.values(), key=lambda row: row["K"])
        sizes = [row["K"] for row in line]
        median = [statistics.median(row["seconds"]) for row in line]
        errors = [[m - min(row["seconds"]) for m, row in zip(median, line, strict=True)],
                  [max(row["seconds"]) - m for m, row in zip(median, line, strict=True)]]  # fmt: skip
        axes.errorbar(
            sizes, median, errors, color=colour, marker=marker, capsize=2, label=label.format(value)
        )
        floors = [statistics.median(row["floor"]) for row in line]
        axes.plot(sizes, floors, color=colour, marker=marker, markersize=3, linestyle="--", linewidth=0.9)
    axes.plot([], [], color="grey", linestyle="--", linewidth=0.9, label=floor)
    axes.set(xscale="log", yscale="log", xlabel="number of points K", ylabel="seconds")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


PARTS = {"building": building.rows, "checking": checking.rows, "peers": peers.rows}


def report(measured: dict[str, Any], folder: Path) -> str:
    """Write tables and pictures of what was measured; the text of the tables."""
    about, built, checked = measured["about"], measured["building"], measured["checking"]
    text = f"""# What building and checking cost

{about["date"]}, on {about["machine"]}; {about["software"]}. Medians, with the least and the largest
value; ratios are taken pair by pair within one run. `make bench` measures anew.

## Building, over projecting the points and sorting them

{building_table(built)}

![building](building.svg)

## Checking, over numpy's float64 pass of the same network

{checking_table(checked)}

![checking](checking.svg)

## The same evaluation by others: 20-64-64-1, weights of 30 bits

{peers_table(measured["peers"])}
"""
    (folder / "README.md").write_text(text)
    picture(built, "layers", ("d",), "{} layers", "project + sort", folder / "building.svg")
    picture(
        checked, "network", ("d", "bits", "width", "layers"), "{}", "float64 pass", folder / "checking.svg"
    )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--only", choices=PARTS, help="measure one part anew, and keep the others")
    arguments = parser.parse_args()
    arguments.to.mkdir(exist_ok=True)
    file = arguments.to / "results.json"
    measured = json.loads(file.read_text()) if arguments.only else {}
    measured["about"] = machine()
    for name, rows in PARTS.items():
        if arguments.only in (None, name):
            measured[name] = []
            for row in rows(arguments.quick):
                measured[name].append(row)
                file.write_text(json.dumps(measured, indent=1))  # a long run may be interrupted
                print(name, json.dumps(row), file=sys.stderr, flush=True)
    print(report(measured, arguments.to))


if __name__ == "__main__":
    main()
