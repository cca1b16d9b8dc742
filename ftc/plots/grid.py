"""The picture of three layers: how knots fold the line so that one column of neurons serves many edits."""

from __future__ import annotations

from fractions import Fraction

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from constructions import Solution
from ftc.plots.direction import Profile
from ftc.plots.signals import Signal, clipped, pre_activations
from ftc.plots.style import (
    BLUE,
    EDITED,
    FOLDS,
    PROTECTED,
    PURPLE,
    RED,
    figure_of,
    legend_below,
    panels,
    styled,
)

__all__ = ["plot_grid"]


@styled
def plot_grid(solution: Solution) -> Figure:
    """Draw a grid: for every column its `M h`, its `v` and the band of half-width `c` within which the column
    gives `v`, and in the last panel `g`, the sum of the columns; the figure.

    `M h` is 0 at the column's edit of every group, and outside the band at every other data point. It may
    bend at the knots between groups alone, and is clipped beyond twice the band.

    Raises:
        ValueError: the construction is no grid, or its changes have one sign, so that there is no band.

    >>> from constructions import FineTuningProblem, build
    >>> problem = FineTuningProblem([[t] for t in range(24)], edits={2 + 5 * k: (-1) ** k for k in range(4)})
    >>> len(plot_grid(build(problem, 3, construction="grid")).axes)  # two columns of two, and g
    2
    """
    rows = len(solution.network.layers[1].bias) if solution.network.depth == 3 else 0
    if solution.construction != "grid" or solution.problem.one_sign or not rows:
        raise ValueError(f"{solution.construction} is no grid of columns for changes of both signs")
    profile = Profile.of(solution)
    direction = solution.direction or ()
    z = pre_activations(solution.network, direction, 2)
    grid = panels(rows // 4 + 1, size=(8, 1.45 * (rows // 4 + 1) + 0.8), sharex=True)[:, 0]
    served: list[list[Fraction]] = []
    for column, axes in enumerate(grid[:-1]):
        above, plain, _, below = z[4 * column : 4 * column + 4]  # M h + c + v, M h + c, M h - c + v, M h - c
        served.append([t for t in profile.edited if plain(t) == -below(t)])
        _draw_column(axes, profile, above, plain, below, served[-1])
        axes.set_ylabel(f"column {column + 1}")
    axes = grid[-1]
    low, high = profile.span()
    ts = sorted({low, high, *profile.breakpoints, *profile.positions})
    ts = [t for t in ts if low <= t <= high]
    axes.plot(
        [float(t) for t in ts], [float(profile(t)) for t in ts], color=BLUE, label="g, the sum of all columns"
    )
    for look, places in ((PROTECTED, profile.protected), (EDITED, profile.edited)):
        axes.plot([float(t) for t in places], [float(profile(t)) for t in places], **look)
    for column, places in enumerate(served):
        for t in places:
            axes.annotate(
                str(column + 1), (float(t), float(profile(t))), textcoords="offset points",
                xytext=(0, 6 if profile(t) > 0 else -12), ha="center", fontsize="small",
            )  # fmt: skip
    size = max(abs(float(v)) for v in profile.values)
    axes.set(ylim=(-1.6 * size, 1.6 * size), xlabel="t = direction · x", ylabel="g")
    figure = figure_of(axes)
    grid[0].set_title(
        f"{profile.title}: {solution.network.widths[0]} in the first layer, 4 in each of {rows // 4} columns"
    )
    legend_below(figure, grid[0], axes)
    return figure


def _draw_column(
    axes: Axes,
    profile: Profile,
    above: Signal,
    plain: Signal,
    below: Signal,
    served: list[Fraction],
) -> None:
    low, high = profile.span()
    c = (plain(low) - below(low)) / 2

    def h(t: Fraction) -> Fraction:
        return (plain(t) + below(t)) / 2

    ts, ys = clipped(h, sorted({low, high, *profile.knots, *profile.positions}), 4 * c)
    axes.axhspan(-float(c), float(c), color="0.9", lw=0, zorder=0, label="the band: |M h| below c")
    axes.axhline(0, color="0.6", lw=0.6)
    axes.plot([float(t) for t in ts], [float(y) for y in ys], color=PURPLE, label="M h (clipped)")
    ts, ys = clipped(lambda t: above(t) - plain(t), sorted({low, high, *profile.knots}), 4 * c)
    axes.plot(
        [float(t) for t in ts], [float(y) for y in ys], color=RED, ls=(0, (4, 1.5)), lw=1, label="v (clipped)"
    )
    for k, t in enumerate(profile.knots):
        axes.axvline(float(t), label="_" if k else "knots: here M h and v may bend", **FOLDS)
    size = float(c)
    others = [t for t in profile.positions if t not in served]
    shown = [max(-2 * c, min(2 * c, h(t))) for t in others]
    axes.plot(
        [float(t) for t in others], [float(y) for y in shown], **(PROTECTED | {"label": "_", "color": "0.55"})
    )
    axes.plot([float(t) for t in served], [0] * len(served), **(EDITED | {"label": "_"}))
    axes.set(xlim=(float(low), float(high)), ylim=(-2.4 * size, 2.4 * size))
    axes.set_yticks([-size, 0, size], ["-c", "0", "c"])
