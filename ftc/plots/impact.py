"""The impact of a patch as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ftc.plots.style import BLUE, GREEN, RED, figure_of, panels, styled

__all__ = ["plot_impact"]


@styled
def plot_impact(report: dict[str, Any], distances: NDArray[np.float64]) -> Figure:
    """Draw a report: leads of the wanted labels, what happens to other inputs, what noise does, and
    how far `g` is from protected samples (`distances`); the figure."""
    grid = panels(2, 2, size=(10, 6.8))
    _leads(grid[0, 0], report)
    _counts(grid[0, 1], report)
    _noise(grid[1, 0], report)
    _distances(grid[1, 1], report, distances)
    figure = figure_of(grid[0, 0])
    price = report["cost"]
    figure.suptitle(
        f"{price['neurons']} neurons ({price['parameters']:,} parameters) fix {_several(report['edits'])} "
        f"and leave {_several(report['protected'], 'protected ')} alone.\n"
        "The patch memorizes: it does not generalise."
    )
    return figure


def _several(count: int, kind: str = "") -> str:
    return f"{count} {kind}sample{'' if count == 1 else 's'}"


def _leads(axes: Axes, report: dict[str, Any]) -> None:
    axes.set_title("Edited samples: lead of the wanted label over all others")
    axes.axhline(0, color="0.3", lw=0.8)
    pairs = sorted(zip(report["lead_before"], report["lead_after"], strict=True))
    places, columns = range(1, len(pairs) + 1), list(zip(*pairs, strict=True))
    axes.vlines(places, *columns, color="0.8", lw=0.8)
    for name, color, marker, column in (("before", RED, "o", columns[0]), ("after", BLUE, "^", columns[1])):
        axes.plot(places, column, ls="none", marker=marker, ms=4, color=color, label=name)
    axes.set(xlabel="edited samples, sorted by the lead before", ylabel="lead (score)")
    before, after = (max(map(abs, column)) for column in columns)
    if after > 20 * before > 0:
        axes.set_yscale("symlog", linthresh=before)
    axes.legend()


def _counts(axes: Axes, report: dict[str, Any]) -> None:
    found = report["holdout"] or report["data"]
    what = "Held-out inputs" if report["holdout"] else "The data itself"
    bars = {
        "all": (found["samples"], "0.8"),
        "touched (g is not 0)": (found["touched"], BLUE),
        "label changed": (found["labels_changed"], BLUE),
    }
    title = f"{what}: what the patch changes"
    if report["holdout"]:
        bars |= {
            "wrong to right": (found["wrong_to_right"], GREEN),
            "right to wrong": (found["right_to_wrong"], RED),
        }
        before, after = (f"{100 * found[f'accuracy_{when}']:.2f}%" for when in ("before", "after"))
        title += f"\naccuracy {before} before, {after} after"
        if found["unseen"] < found["samples"]:
            title += f"; only {found['unseen']} of them are unseen"
    axes.set_title(title)
    names = list(bars)
    drawn = axes.barh(names, [bars[name][0] for name in names], color=[bars[name][1] for name in names])
    axes.bar_label(drawn, padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("inputs")


def _noise(axes: Axes, report: dict[str, Any]) -> None:
    around = report["neighbourhood"]
    axes.set_title("Reach: samples with random noise in every input")
    if around is None:
        axes.text(0.5, 0.5, "the model refuses inputs with noise", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    kept, touched = ([100 * share for share in around[key]] for key in ("edits_kept", "protected_touched"))
    axes.plot(
        around["noise"],
        kept,
        color=BLUE,
        marker="^",
        ms=5,
        label="edited samples with the wanted label by g",
    )
    axes.plot(
        around["noise"], touched, color=RED, marker="o", ms=5, label="protected samples that are touched"
    )
    if report["radius"] is not None and report["acts_on"] is None:
        axes.axvline(report["radius"], color="0.3", lw=0.8, ls="--", label="certified radius")
    axes.set(xscale="log", ylim=(-4, 108), xlabel="largest noise", ylabel="share in %")
    axes.legend(loc="upper right")


def _distances(axes: Axes, report: dict[str, Any], distances: NDArray[np.float64]) -> None:
    axes.set_title("Protected samples: distance to the nearest slab of g")
    moved = f"coordinate of {report['acts_on']!r}" if report["acts_on"] else "input"
    axes.set(xlabel=f"how far every {moved} may move", ylabel="protected samples")
    shown = distances[np.isfinite(distances) & (distances > 0)]
    if not len(shown):
        text = "no distances are known" if report["protected"] else "no sample is protected"
        axes.text(0.5, 0.5, text, ha="center", transform=axes.transAxes)
        return
    radius = report["radius"]
    low = min(shown.min(), radius or np.inf)
    bins = np.geomspace(low * 0.9, shown.max() * 1.1, 30)
    axes.hist(shown, bins=bins.tolist(), color=BLUE, alpha=0.7)
    axes.set_xscale("log")
    if radius is not None:
        axes.axvline(radius, color="0.3", lw=0.8, ls="--", label="certified radius: g is 0")
        axes.legend()
