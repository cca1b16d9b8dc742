"""The picture of one hidden layer: the pre-activation of each of its neurons along the direction."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

from matplotlib.figure import Figure

from constructions import Solution
from ftc.plots.direction import Profile
from ftc.plots.signals import Signal, pre_activations, scale
from ftc.plots.style import BLUE, EDITED, FOLDS, figure_of, legend_below, panels, styled

__all__ = ["plot_pre_activations"]

_FINE = 600
_STEEP = 20


@styled
def plot_pre_activations(solution: Solution, layer: int = 1, *, columns: int = 4) -> Figure:
    """Draw a panel for every neuron of a hidden layer, `columns` in a row, with its pre-activation; the
    figure. It is grey where the neuron is active; edited points are marked at the bottom. Where values are
    far above those of the edits, the scale is logarithmic and the title says so: steep functions can be seen
    beside flat ones, and straight lines look bent.

    Raises:
        ValueError: there is no such hidden layer, or the network is no function along one direction.

    >>> from constructions import FineTuningProblem, build
    >>> problem = FineTuningProblem([[t] for t in range(5)], edits={2: 3})
    >>> figure = plot_pre_activations(build(problem, 2, construction="tents"), columns=3)
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['neuron 1', 'neuron 2', 'neuron 3']
    """
    profile, network = Profile.of(solution), solution.network
    if not 1 <= layer < network.depth:
        raise ValueError(f"layer is {layer}: expected a hidden layer, 1 to {network.depth - 1}")
    neurons = pre_activations(network, solution.direction or (), layer)
    low, high = profile.span()
    steps = [low + (high - low) * k / _FINE for k in range(_FINE + 1)]
    rows = -(-len(neurons) // columns)
    grid = panels(rows, columns, size=(2.6 * columns, 1.6 * rows + 0.8), sharex=True)
    x, x_label = scale(low, high, "t = direction · x")
    edits = [x(t) for t in profile.edited]
    flat = max(map(abs, profile.values)) or Fraction(1)
    for k, (axes, z) in enumerate(zip(grid.flat, neurons, strict=False)):
        places = sorted({*steps, *(t for t in z.breakpoints if low < t < high)})
        largest = max(abs(z(t)) for t in places) or Fraction(1)
        y, _ = scale(-largest, largest, "")
        ts, ys = [x(t) for t in places], [y(z(t)) for t in places]
        bound = 2 * y(largest)
        spans = [(x(a), x(b) - x(a)) for a, b in _active(z, low, high)]
        axes.broken_barh(spans, (-bound, 2 * bound), color="0.88", lw=0, zorder=0, label="active")
        for knot in profile.knots:
            axes.axvline(x(knot), label="knots of the first layer", **FOLDS)
        axes.axhline(0, color="0.5", lw=0.6)
        axes.plot(ts, ys, color=BLUE, label="pre-activation")
        axes.plot(edits, [-bound] * len(edits), **{**EDITED, "marker": "^", "clip_on": False})
        steep = largest > _STEEP * flat
        if steep:
            axes.set_yscale("symlog", linthresh=max(y(3 * flat), 1e-6 * bound))
        power = math.floor(math.log10(y(largest)))
        tick = 10.0**power if steep else y(largest)
        size = f"$10^{{{power}}}$" if steep and power else f"{tick:.3g}"
        axes.set(xlim=(x(low), x(high)), ylim=(-bound, bound))
        axes.set_yticks([-tick, 0, tick], [f"−{size}", "0", size], minor=False)
        axes.set_yticks([], minor=True)
        axes.set_title(f"neuron {k + 1}{', log scale' if steep else ''}")
        if k % columns == 0:
            axes.set_ylabel("z")
        if k + columns >= len(neurons):  # the lowest of its column
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(x_label)
    for axes in grid.flat[len(neurons) :]:
        axes.set_axis_off()
    figure = figure_of(grid[0, 0])
    legend_below(figure, grid[0, 0], ncols=4)
    return figure


def _active(z: Signal, low: Fraction, high: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Where it is positive."""
    zeros = [-value / slope for slope, value in z.affine if slope]
    ends = sorted({low, high, *(t for t in [*zeros, *z.breakpoints] if low < t < high)})
    return [(a, b) for a, b in pairwise(ends) if z((a + b) / 2) > 0]
