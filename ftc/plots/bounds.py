"""The picture of the theorems: how many neurons are built at each depth, and how many are needed."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from constructions import bounds
from ftc.plots.style import LOOKS, figure_of, panels, styled

__all__ = ["plot_bounds"]


@styled
def plot_bounds(most: int = 1000, depths: Sequence[int] = (2, 3, 4, 5), one_sign: bool = False) -> Figure:
    """Draw, for up to `most` edits, what is built at each depth (lines with markers) and what is needed in
    the worst case (the dotted lower edges of the bands); the figure.

    With three layers or more there is a second panel, divided by `sqrt(N)`; with three and four it says from
    where on the latter provably need fewer neurons.

    >>> figure = plot_bounds(100, (2, 3))
    >>> [line.get_label() for line in figure.axes[0].lines[1::2]]
    ['2 layers', '3 layers']
    """
    most = max(most, 100)
    numbers = sorted({*range(1, 101), *(int(most ** (j / 300)) for j in range(301))})
    deep = [depth for depth in depths if depth > 2]
    grid = panels(1, 1 + bool(deep), (5.5 * (1 + bool(deep)), 4.5))[0]
    roots = [float(n) ** 0.5 for n in numbers]
    for panel, scale in zip(grid, ([1.0] * len(numbers), roots), strict=False):
        for k, depth in enumerate(depths):
            if depth in deep or scale is not roots:
                _draw_band(panel, numbers, scale, depth, one_sign, k)
        panel.set(xscale="log", xlim=(1, most), xlabel="N (edits)", ylabel="neurons")
        panel.grid(which="major", color="0.9", lw=0.6)
    grid[0].set(yscale="log", ylim=(1, None))
    grid[0].legend(loc="upper left")
    figure = figure_of(grid[0])
    if deep:
        grid[1].set(ylim=(0, 7), ylabel="neurons / sqrt(N)")
        if {3, 4} <= set(depths):
            _mark_where_four_beat_three(grid, most, one_sign)
    figure.suptitle(
        f"Neurons for N edits{' of one sign' if one_sign else ''} among any number of points: "
        "built (lines), needed in the worst case (dotted)"
    )
    return figure


def _draw_band(
    axes: Axes, numbers: list[int], scale: list[float], depth: int, one_sign: bool, k: int
) -> None:
    color, marker, line = LOOKS[k % len(LOOKS)]
    low, high = (
        [bound(depth, n, None, one_sign) / s for n, s in zip(numbers, scale, strict=True)]
        for bound in (bounds.lower, bounds.upper)
    )
    axes.fill_between(numbers, low, high, color=color, alpha=0.13, lw=0)
    axes.plot(numbers, low, color=color, lw=1.1, ls=":")
    axes.plot(
        numbers, high, color=color, lw=1.4, ls=line, marker=marker, ms=5, mec="black", mew=0.4,
        markevery=(0.03 * (k % 4 + 1), 0.14), label=f"{depth} layers",
    )  # fmt: skip


def _mark_where_four_beat_three(grid: Sequence[Axes], most: int, one_sign: bool) -> None:
    """A line at the least `N` from which on it holds, as far as 10,000 edits or the picture show."""
    start = 1 + max(
        n
        for n in range(1, min(most, 10_000) + 1)
        if bounds.upper(4, n, None, one_sign) >= bounds.lower(3, n, None, one_sign)
    )
    if start <= most:
        for axes in grid:
            axes.axvline(start, color="0.3", lw=0.8)
        text = f"N = {start} and more:\nfour layers are built with fewer neurons\nthan three layers must have"
        grid[1].annotate(text, (start * 1.08, 0.15), fontsize="small")
