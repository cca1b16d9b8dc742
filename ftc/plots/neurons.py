"""The picture of two layers: every neuron with its output weight, and their sum."""

from __future__ import annotations

from fractions import Fraction

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from constructions import Solution
from ftc.plots.direction import Profile
from ftc.plots.signals import clipped, pre_activations, scale
from ftc.plots.style import BLUE, EDITED, LOOKS, PROTECTED, place, styled

__all__ = ["plot_neurons"]


@styled
def plot_neurons(solution: Solution, axes: Axes | None = None) -> Figure:
    """Draw the terms `w relu(a t + b)` of a network of two layers along its direction, dashed, and `g`, which is
    their sum with the output bias; the figure.

    Raises:
        ValueError: the network has more layers, or is no function along one direction.

    >>> from constructions import FineTuningProblem, build
    >>> problem = FineTuningProblem([[t] for t in range(5)], edits={2: 3})
    >>> axes = plot_neurons(build(problem, 2, construction="tents")).axes[0]
    >>> [line.get_label() for line in axes.lines[:4]]
    ['neuron 1', 'neuron 2', 'neuron 3', 'g = sum + bias']
    """
    if solution.network.depth != 2:
        raise ValueError(f"the network has {solution.network.depth} layers: expected 2")
    profile = Profile.of(solution)
    axes, figure = place(axes, (7, 4))
    low, high = min(profile.positions), max(profile.positions)
    margin = (high - low) / 12 or Fraction(1)
    low, high = low - margin, high + margin
    z = pre_activations(solution.network, solution.direction or (), 1)
    last = solution.network.layers[-1]
    out = [Fraction(w, last.denominator[0]) for w in last.weight[0]]
    largest = max((abs(profile(t)) for t in profile.positions), default=Fraction(0)) or Fraction(1)
    x, x_label = scale(low, high, "t = direction · x")
    y, y_label = scale(-largest, largest, "output")
    for k, (signal, weight) in enumerate(zip(z, out, strict=True)):
        slope, value = signal.affine[0]
        zero = [] if slope == 0 else [t for t in (-value / slope,) if low < t < high]
        ts, ys = clipped(lambda t: weight * max(signal(t), Fraction(0)), [low, *zero, high], 4 * largest)  # noqa: B023
        color, marker, dashes = LOOKS[1 + k % (len(LOOKS) - 1)]
        line = axes.plot([x(t) for t in ts], [y(v) for v in ys], color=color, ls=dashes if k else "--", lw=1.1)
        line[0].set_label(f"neuron {k + 1}")
        axes.plot([x(t) for t in zero], [0] * len(zero), color=color, marker=marker, ms=4, ls="none")
    bends = [t for t in profile.breakpoints if low < t < high]
    ts, ys = clipped(profile, sorted({low, high, *bends, *profile.positions}), 4 * largest)
    axes.plot([x(t) for t in ts], [y(v) for v in ys], color=BLUE, lw=2, label="g = sum + bias")
    for look, edited in ((PROTECTED, False), (EDITED, True)):
        chosen = [t for t, v in zip(profile.positions, profile.values, strict=True) if (v != 0) == edited]
        axes.plot([x(t) for t in chosen], [y(profile(t)) for t in chosen], **look)
    axes.axhline(0, color="0.6", lw=0.6, zorder=0)
    axes.set(
        xlim=(x(low), x(high)), ylim=(-2.4 * y(largest), 2.4 * y(largest)), xlabel=x_label, ylabel=y_label
    )
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
