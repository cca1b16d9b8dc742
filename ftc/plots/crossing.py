"""The picture of four layers: one steep crossing of a band for each edit."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from matplotlib.figure import Figure

from constructions import Solution
from ftc.plots.direction import Profile
from ftc.plots.signals import clipped, pre_activations
from ftc.plots.style import BLUE, EDITED, FOLDS, PROTECTED, PURPLE, figure_of, panels, styled

__all__ = ["plot_crossing"]


@styled
def plot_crossing(solution: Solution) -> Figure:
    """Draw a band crossing: the function `S` with the band `(0, H)` around its edits, the output stage `D`
    beside it, and `g = D(S)`; the figure.

    `S` is below 0 or above `H` at every protected point, where `D` is 0, and crosses the band at every edit,
    at the height where `D` is the wanted change. It is clipped beyond the band.

    Raises:
        ValueError: the construction is no band crossing.

    >>> from constructions import FineTuningProblem, build
    >>> problem = FineTuningProblem([[t] for t in range(24)], edits={2 + 5 * k: (-1) ** k for k in range(4)})
    >>> len(plot_crossing(build(problem, 4, construction="band-crossing")).axes)
    4
    """
    if solution.construction != "band-crossing" or solution.network.depth != 4 or not solution.problem.N:
        raise ValueError(f"{solution.construction} of {solution.network.depth} layers is no band crossing")
    profile = Profile.of(solution)
    stage = pre_activations(solution.network, solution.direction or (), 3)
    s, last = stage[0], solution.network.layers[-1]
    anchor = profile.positions[0]
    bends = [s(anchor) - one(anchor) for one in stage]  # 0, .., H
    out = [Fraction(w, last.denominator[0]) for w in last.weight[0]]
    band = bends[-1]

    def d(height: Fraction) -> Fraction:
        return sum((w * max(height - b, Fraction(0)) for w, b in zip(out, bends, strict=True)), Fraction(0))

    grid = panels(2, 2, (8, 4.6), width_ratios=[3.4, 1], height_ratios=[1.25, 1], sharex="col", sharey="row")
    (above, right), (below, corner) = grid
    low, high = profile.span()
    inner = [t for t in s.breakpoints if low < t < high]
    ts, ys = clipped(s, sorted({low, high, *inner, *profile.positions}), 4 * band)
    above.axhspan(0, float(band), color="0.9", lw=0, zorder=0, label="the band (0, H)")
    above.plot([float(t) for t in ts], [float(y) for y in ys], color=PURPLE, label="S (clipped)")
    for k, t in enumerate(profile.knots):
        above.axvline(float(t), label="_" if k else "knots between groups", **FOLDS)
    least, most = -band / 2, 3 * band / 2
    for axes, f in ((above, s), (below, profile)):
        for look, places in ((PROTECTED, profile.protected), (EDITED, profile.edited)):
            shown = [max(least, min(most, f(t))) if axes is above else f(t) for t in places]
            axes.plot([float(t) for t in places], [float(y) for y in shown], **look)
    ts = [t for t in sorted({low, high, *profile.breakpoints, *profile.positions}) if low <= t <= high]
    below.plot([float(t) for t in ts], [float(profile(t)) for t in ts], color=BLUE, label="g = D(S)")
    right.axhspan(0, float(band), color="0.9", lw=0, zorder=0)
    heights = sorted({least, *bends, most})
    right.plot([float(d(h)) for h in heights], [float(h) for h in heights], color=BLUE)
    right.plot([float(d(s(t))) for t in profile.edited], [float(s(t)) for t in profile.edited], **EDITED)
    corner.set_axis_off()
    above.set(ylim=(float(1.15 * least), float(band * 1.6)), ylabel="S(t)", title=profile.title)
    above.set_yticks([0, float(band)], ["0", "H"])
    right.set(xlabel="D(height)", title="output stage D")
    right.tick_params(labelbottom=True)
    below.set(xlim=(float(low), float(high)), xlabel="t = direction · x", ylabel="g(t)")
    named: dict[str, Any] = {}
    for axes in (above, below):
        named |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    corner.legend(named.values(), named, loc="center left")
    return figure_of(above)
