"""The picture of two layers: every neuron with its output weight, and their sum."""

from __future__ import annotations

from fractions import Fraction

from matplotlib.figure import Figure

from constructions import Solution
from ftc.plots.direction import Profile
from ftc.plots.signals import clipped, pre_activations, scale
from ftc.plots.style import BLUE, EDITED, LOOKS, PROTECTED, figure_of, legend_below, panels, styled

__all__ = ["plot_neurons"]


@styled
def plot_neurons(solution: Solution) -> Figure:
    """Draw a network of two layers along its direction: `g` above, and below the terms `w relu(a t + b)` of
    which it is the sum, with the output bias; the figure. At a breakpoint of `g` an arrow points to the side
    on which its neuron is active.

    Raises:
        ValueError: the network has more layers, or is no function along one direction.

    >>> from constructions import FineTuningProblem, build
    >>> problem = FineTuningProblem([[t] for t in range(5)], edits={2: 3})
    >>> above, below = plot_neurons(build(problem, 2, construction="tents")).axes
    >>> [line.get_label() for line in below.lines if line.get_label()[0] != "_"]
    ['neuron 1', 'neuron 2', 'neuron 3']
    """
    if solution.network.depth != 2:
        raise ValueError(f"the network has {solution.network.depth} layers: expected 2")
    profile = Profile.of(solution)
    above, below = panels(2, size=(7, 4.6), sharex=True)[:, 0]
    low, high = profile.span(12)
    neurons = pre_activations(solution.network, solution.direction or (), 1)
    last = solution.network.layers[-1]
    largest = max((abs(profile(t)) for t in profile.positions), default=Fraction(0)) or Fraction(1)
    x, x_label = scale(low, high, "t = direction · x")
    y, y_label = scale(-largest, largest, "g")
    bends = [t for t in profile.breakpoints if low < t < high]
    ts, ys = clipped(profile, sorted({low, high, *bends, *profile.positions}), 4 * largest)
    above.plot([x(t) for t in ts], [y(v) for v in ys], color=BLUE, lw=2, label="g = sum of the terms + bias")
    for look, places in ((PROTECTED, profile.protected), (EDITED, profile.edited)):
        if places:
            above.plot([x(t) for t in places], [y(profile(t)) for t in places], **look)
    for k, neuron in enumerate(neurons):
        (slope, value), weight = neuron.affine[0], Fraction(last.weight[0, k], last.denominator[0])
        turn = [] if slope == 0 else [t for t in (-value / slope,) if low < t < high]
        places = [low, *turn, high]
        term = [y(weight * max(neuron(t), Fraction(0))) for t in places]
        color, marker, dashes = LOOKS[1 + k % (len(LOOKS) - 1)]
        below.plot([x(t) for t in places], term, color=color, ls=dashes, label=f"neuron {k + 1}")
        below.plot([x(t) for t in turn], [0] * len(turn), color=color, marker=marker, ms=5, ls="none")
        for t in turn:
            above.annotate(
                "", (x(t), y(profile(t))), (26 if slope > 0 else -26, 0), textcoords="offset points",
                arrowprops={"arrowstyle": "<|-", "color": color, "lw": 1.6, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
    above.set(xlim=(x(low), x(high)), ylim=(-1.7 * y(largest), 1.7 * y(largest)), ylabel=y_label)
    above.set_title(f"{len(neurons)} neurons; an arrow points to where a neuron is active")
    below.set(xlabel=x_label, ylabel="terms")
    figure = figure_of(above)
    legend_below(figure, above, below)
    return figure
