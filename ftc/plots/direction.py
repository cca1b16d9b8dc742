"""The picture of a network along its direction: data, edits, breakpoints, and the windows that force them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from constructions import Solution
from ftc.plots.signals import Signal, clipped, positions, pre_activations, scale, wider
from ftc.plots.style import (
    BLUE,
    EDITED,
    FOLDS,
    KNOTS,
    PROTECTED,
    PURPLE,
    RED,
    figure_of,
    legend_below,
    panels,
    styled,
)

__all__ = ["Profile", "plot_along_direction"]

_GAP: dict[str, Any] = {"color": "white", "ls": "none", "marker": "|", "ms": 8, "mew": 3}

Window = tuple[int, int, int]


@dataclass(frozen=True)
class Profile:
    """A network as a function of `t = direction . x`, with the data and the edits on the line, and the
    `knots` of three layers and more: where neurons of the first layer turn on or off between the ends of
    the data."""

    g: Signal
    positions: list[Fraction]
    values: list[Fraction]
    title: str
    knots: list[Fraction] = field(default_factory=list)

    @classmethod
    def of(cls, solution: Solution) -> Profile:
        """Raises:
            ValueError: the network of the solution is no function along one direction.

        >>> from constructions import FineTuningProblem, build
        >>> problem = FineTuningProblem([[0], [1], [2], [3], [4]], edits={2: 3})
        >>> profile = Profile.of(build(problem, 2, construction="tents"))
        >>> [str(t) for t in profile.breakpoints], str(profile(Fraction(2)))
        (['1', '2', '3'], '3')
        """
        if solution.direction is None:
            raise ValueError(f"{solution.construction} is not a function along one direction")
        problem, network = solution.problem, solution.network
        [g] = pre_activations(network, solution.direction, network.depth)
        values = [problem.delta.get(i, Fraction(0)) for i in range(problem.K)]
        title = (
            f"{network.neurons} neurons in {network.depth} layers change {problem.N} of {problem.K} outputs"
        )
        t = positions(problem, solution.direction)
        first = pre_activations(network, solution.direction, 1) if network.depth > 2 else []
        turns = {-value / slope for slope, value in (one.affine[0] for one in first) if slope}
        return cls(g, t, values, title, sorted(knot for knot in turns if min(t) < knot < max(t)))

    def __call__(self, t: Fraction) -> Fraction:
        """The exact output at `t`."""
        return self.g(t)

    @property
    def breakpoints(self) -> list[Fraction]:
        """All points where the slope jumps, exact, in increasing order."""
        return self.g.breakpoints

    @property
    def edited(self) -> list[Fraction]:
        """Where values are not 0, in increasing order."""
        return sorted({t for t, value in zip(self.positions, self.values, strict=True) if value})

    @property
    def protected(self) -> list[Fraction]:
        """Where values are 0, in increasing order."""
        return sorted({t for t, value in zip(self.positions, self.values, strict=True) if not value})

    def span(self, part: int = 25) -> tuple[Fraction, Fraction]:
        """From the first point to the last, with a margin of one `part` of that at each end."""
        return wider(min(self.positions), max(self.positions), part)


@styled
def plot_along_direction(profile: Profile, *, windows: Sequence[Window] = ()) -> Figure:
    """Draw `g` along its direction, with the data, the edited points and the breakpoints; the figure. A
    second panel shows the five edits that lie closest together if there are more than six, and no windows.

    In a window, three points whose second difference is not 0, every network that makes the edits has a
    breakpoint, convex or concave as the sign says. So windows that are disjoint among equal signs count
    breakpoints from below.

    Args:
        windows: triples of indices of points, as those of `constructions.obstruction.obstruct`.

    Numbers are rounded to floats for the picture only; a range that floats cannot show is scaled.
    """
    spans, edits = [profile.span()], profile.edited
    if len(edits) > 6 and not windows:
        spans.append(wider(*min(zip(edits, edits[4:], strict=False), key=lambda span: span[1] - span[0])))
    grid = panels(len(spans), size=(8, 3.2 * len(spans)))[:, 0]
    for axes, (low, high) in zip(grid, spans, strict=True):
        _draw(axes, profile, low, high, windows)
    forced = f"; {len(windows)} disjoint windows force as many breakpoints" if windows else ""
    grid[0].set_title(profile.title + forced)
    if len(spans) > 1:
        grid[1].set_title("five edits that lie close together")
    figure = figure_of(grid[0])
    legend_below(figure, grid[0])
    return figure


def _draw(axes: Axes, profile: Profile, low: Fraction, high: Fraction, windows: Sequence[Window]) -> None:
    bends = [t for t in profile.breakpoints if low <= t <= high]
    at = {t: profile(t) for t in profile.positions if low <= t <= high}
    largest = max(map(abs, at.values()), default=Fraction(0)) or Fraction(1)
    x, x_label = scale(low, high, "t = direction · x")
    y, y_label = scale(-largest, largest, "g")
    ts, ys = clipped(profile, sorted({low, high, *bends, *at}), 4 * largest)
    for k, t in enumerate(t for t in profile.knots if low < t < high):
        axes.axvline(x(t), label="_" if k else "knots of the first layer", **FOLDS)
    axes.plot([x(t) for t in ts], [y(v) for v in ys], color=BLUE, label="g")
    for look, places in ((PROTECTED, profile.protected), (EDITED, profile.edited)):
        shown = [t for t in places if t in at]
        axes.plot([x(t) for t in shown], [y(at[t]) for t in shown], **look)
    strip = axes.get_xaxis_transform()  # t across, shares of the height upwards
    axes.plot([x(t) for t in bends], [0.035] * len(bends), transform=strip, **KNOTS)
    signed = list(_signed(profile, windows))
    for convex, color, height, wide in ((True, RED, 0.17, 3.5), (False, PURPLE, 0.1, 1.8)):
        name = f"windows that force a {'convex' if convex else 'concave'} breakpoint"
        for a, c, sign in signed:
            if sign == convex:
                ends = [x(a), x(c)]
                axes.plot(
                    ends,
                    [height] * 2,
                    color=color,
                    lw=wide,
                    solid_capstyle="butt",
                    transform=strip,
                    label=name,
                )
                axes.plot(ends, [height] * 2, transform=strip, **_GAP)
                name = "_"  # one entry in the legend
    room = 0.25 if signed else 0.1
    bottom = -1.5 * y(largest) - (room * 3 * y(largest)) / (1 - room)
    axes.set_xlim(x(low), x(high))
    axes.set_ylim(bottom, 1.5 * y(largest))
    axes.set_yticks([tick for tick in axes.get_yticks() if abs(tick) <= 1.5 * y(largest)])
    axes.set(xlabel=x_label, ylabel=y_label)


def _signed(profile: Profile, windows: Iterable[Window]) -> Iterable[tuple[Fraction, Fraction, bool]]:
    """The ends of each window, and whether its second difference is positive."""
    for window in windows:
        (a, p), (b, q), (c, r) = sorted((profile.positions[i], profile.values[i]) for i in window)
        bend = (r - q) * (b - a) - (q - p) * (c - b)
        if bend == 0 or a == b or b == c:
            raise ValueError(f"{window} is no window: its second difference is 0")
        yield a, c, bend > 0
