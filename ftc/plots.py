"""Pictures: the network along its direction."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from constructions import Layer, ReLUNetwork

matplotlib.use("Agg")
import matplotlib.pyplot as plt

__all__ = ["Profile", "plot_along_direction"]


@dataclass(frozen=True)
class Profile:
    """A network as a function of `t = direction . x`, with the data and the edits on the line."""

    network: ReLUNetwork
    positions: list[Fraction]
    values: list[Fraction]
    title: str

    @classmethod
    def of(
        cls,
        network: ReLUNetwork,
        direction: tuple[int, ...],
        positions: list[Fraction],
        changes: dict[int, Fraction],
        title: str,
    ) -> Profile:
        """Reduce the first layer to one input; its rows must be parallel to the direction.

        Raises:
            ValueError: they are not, so that the network is no function of `direction . x`.
        """
        u = np.array(direction, dtype=object)
        pivot = next((i for i, entry in enumerate(u) if entry), None)
        if pivot is None:
            raise ValueError("the direction is zero: there is no line to draw along")
        first = network.layers[0]
        if any(w * u[pivot] != row[pivot] * v for row in first.weight for w, v in zip(row, u, strict=True)):
            raise ValueError("the first layer is not a function of the direction alone")
        scale = abs(int(u[pivot]))
        sign = 1 if u[pivot] > 0 else -1
        weight = first.weight[:, [pivot]] * sign
        reduced = Layer(weight, first.bias * scale, first.denominator * scale)
        line = ReLUNetwork((reduced, *network.layers[1:]))
        values = [changes.get(i, Fraction(0)) for i in range(len(positions))]
        return cls(line, positions, values, title)

    def breakpoints(self) -> list[Fraction]:
        """All points where the slope of the network may jump, exact, in increasing order."""
        found: set[Fraction] = set()
        for depth in range(self.network.depth - 1):
            grid = sorted(found) or [Fraction(0)]
            probes = [grid[0] - 1, *grid, grid[-1] + 1]
            z = self.network.hidden([[t] for t in probes])[depth]
            last = len(probes) - 2
            for column in z.numerators.T:
                for i, (a, b) in enumerate(zip(column, column[1:], strict=False)):
                    if a == b:
                        continue
                    zero = probes[i] - (probes[i + 1] - probes[i]) * Fraction(a, b - a)
                    # the outer pieces go on for ever: their zero may lie beyond the probe
                    if (i == 0 or probes[i] <= zero) and (i == last or zero <= probes[i + 1]):
                        found.add(zero)
        return sorted(found)


def _decimal(value: Fraction) -> float:
    return value.numerator / value.denominator


def plot_along_direction(profile: Profile, path: Path) -> None:
    """Draw `g` along its direction: data, edited points and breakpoints; the picture is a file.

    Positions and values are rounded to floats for the picture only.
    """
    positions = profile.positions
    low, high = min(positions), max(positions)
    margin = (high - low) / 20 or Fraction(1)
    knots = [t for t in profile.breakpoints() if low - margin <= t <= high + margin]
    grid = sorted({low - margin, high + margin, *knots, *positions})
    heights = profile.network([[t] for t in grid])
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    axes.plot([_decimal(t) for t in grid], [_decimal(y) for y in heights], color="#0072B2", lw=1)
    edits = [i for i, value in enumerate(profile.values) if value != 0]
    at = dict(zip(grid, heights, strict=True))
    style: dict[str, Any] = {"zorder": 3, "ls": "none"}
    axes.plot(
        [_decimal(t) for t, v in zip(positions, profile.values, strict=True) if v == 0],
        [_decimal(at[t]) for t, v in zip(positions, profile.values, strict=True) if v == 0],
        marker="|", ms=7, color="0.35", label="protected points", **style,
    )  # fmt: skip
    axes.plot(
        [_decimal(positions[i]) for i in edits],
        [_decimal(at[positions[i]]) for i in edits],
        marker="o", ms=5, mfc="#D55E00", mec="black", mew=0.5, label="edited points", **style,
    )  # fmt: skip
    largest = max((abs(at[t]) for t in positions), default=Fraction(1)) or Fraction(1)
    bottom = -1.6 * _decimal(largest)
    axes.plot(
        [_decimal(t) for t in knots],
        [bottom * 0.94] * len(knots),
        marker="^", ms=3, color="#009E73", label="breakpoints", **style,
    )  # fmt: skip
    axes.set_ylim(bottom, -bottom)
    axes.set_xlabel("t = direction · x")
    axes.set_ylabel("g")
    axes.set_title(profile.title)
    axes.legend(loc="upper right", ncols=3, frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
