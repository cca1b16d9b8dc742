"""The picture of the contest: what each rival does to each case, and what training gets to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ftc.plots.style import AMBER, BLUE, GREEN, PURPLE, RED, Picture, styled

__all__ = ["picture", "widths"]

LOOKS = {
    "patch, float32": (BLUE, "o"),
    "patch, float32, one slab": (BLUE, "D"),
    "patch, float64": (BLUE, "s"),
    "last layer, L1": (RED, "^"),
    "last layer, maximum": (AMBER, "v"),
    "trained, Adam": (GREEN, "P"),
    "trained, L-BFGS": (PURPLE, "X"),
    "dictionary": ("#000000", "+"),
    "nearest neighbour": ("#777777", "x"),
}
PANELS: dict[str, Callable[[dict[str, Any]], float]] = {
    "edits fixed, %": lambda row: 100 * row["as it runs"]["fixed"] / row["N"],
    "protected labels\nchanged": lambda row: row["as it runs"]["protected_changed"],
    "largest move of a\nprotected score": lambda row: row["as it runs"]["protected_largest_move"],
    "held-out accuracy,\nchange in points": lambda row: (
        100 * (row["as it runs"]["held_accuracy"] - row["accuracy"])
    ),
}


@styled
def picture(measured: dict[str, Any]) -> Figure:
    """Both parts, one below the other, as far as they were measured."""
    parts = {_contest: measured["contest"], widths: measured["widths"]}
    there = [(draw, rows) for draw, rows in parts.items() if rows]
    figure = Picture(figsize=(12, 5.6 * len(there)), layout="constrained")
    for place, (draw, rows) in zip(figure.subfigures(len(there), 1, squeeze=False).flat, there, strict=True):
        draw(place, rows)
    return figure


def _contest(figure: Any, rows: list[dict[str, Any]]) -> None:
    cases = list(dict.fromkeys(row["case"] for row in rows))
    titles = {row["case"]: row["title"].replace(": ", "\n").replace(", ", ",\n", 1) for row in rows}
    names = [name for name in LOOKS if any(row["rival"] == name for row in rows)]
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (label, value) in zip(panels, PANELS.items(), strict=True):
        for k, name in enumerate(names):
            colour, marker = LOOKS[name]
            mine = [row for row in rows if row["rival"] == name and "as it runs" in row]
            heights = [cases.index(row["case"]) + 0.09 * (k - (len(names) - 1) / 2) for row in mine]
            axes.plot(
                [value(row) for row in mine], heights, marker, color=colour, markersize=6.5,
                markeredgewidth=1.6 if marker in "+x" else 0.5,
                markeredgecolor=colour if marker in "+x" else "black", label=name, clip_on=False,
            )  # fmt: skip
        for k in range(1, len(cases)):
            axes.axhline(k - 0.5, color="0.85", linewidth=0.8)
        axes.set(xlabel=label, ylim=(len(cases) - 0.5, -0.5))
        axes.set_yticks(range(len(cases)), [titles[case] for case in cases], fontsize=8)
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_xlim(-4, 104)
    panels[1].set_xscale("symlog", linthresh=1)
    panels[1].set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    panels[2].set_xscale("symlog", linthresh=1e-3)
    panels[2].set_xticks([0, 1e-2, 1, 100, 1e4], ["0", "0.01", "1", "100", "10,000"])
    for axes, least, value in zip(panels[1:3], (-0.15, -3e-4), list(PANELS.values())[1:3], strict=True):
        axes.set_xlim(least, 3 * max([100.0, *(value(row) for row in rows if "as it runs" in row)]))
    panels[3].axvline(0, color="0.5", linewidth=0.8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, fontsize=9)


def widths(figure: Any, rows: list[dict[str, Any]]) -> None:
    """Draw what training gets to against the width, for two and three layers, beside what is built and
    proven."""
    first = rows[0]
    figure.suptitle(
        f"training: new values for {first['N']} random ones of {first['K']} points in R^{first['d']}",
        fontsize=10,
    )
    panels = figure.subplots(1, 2, sharey=True)
    least = 1e-16
    for axes, layers in zip(panels, (2, 3), strict=True):
        mine = [row for row in rows if row["layers"] == layers]
        for row, (colour, marker) in zip(mine, ((GREEN, "P"), (PURPLE, "X")), strict=False):
            if row["optimizer"] is None:
                continue
            losses = np.maximum(row["losses"], least)
            axes.plot(
                row["widths"], np.median(losses, axis=1), color=colour, marker=marker,
                markeredgecolor="black", markeredgewidth=0.5,
                label=f"{row['optimizer']}: median, least to largest of {losses.shape[1]}",
            )  # fmt: skip
            axes.fill_between(
                row["widths"], losses.min(axis=1), losses.max(axis=1), color=colour, alpha=0.2, linewidth=0
            )
        about = mine[0]
        axes.plot(
            [about["built"]], [least], "o", color=BLUE, markersize=9, markeredgecolor="black",
            label=f"built here: {about['built']} neurons, 0 exactly", zorder=5, clip_on=False,
        )  # fmt: skip
        axes.axvline(about["built"], color=BLUE, linewidth=1)
        axes.axvline(about["always_enough"], color="black", linestyle="--", linewidth=1,
                     label=f"always enough: {about['always_enough']}")  # fmt: skip
        axes.axvline(about["worst_case_needs"], color="black", linestyle=":", linewidth=1.6,
                     label=f"needed in the worst case: {about['worst_case_needs']}")  # fmt: skip
        axes.axhline(about["nothing_learned"], color="0.6", linewidth=0.8)
        axes.set(xscale="log", yscale="log", xlabel=f"neurons, {layers} layers", ylim=(least, 1))
        axes.set_xticks(about["widths"], [str(width) for width in about["widths"]], fontsize=8)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, framealpha=1, loc="center left")
    panels[0].set_ylabel("mean squared error")
