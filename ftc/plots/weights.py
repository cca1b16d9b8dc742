"""The picture of a network's weights: a square for each, whose size tells its magnitude."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from constructions import Layer, ReLUNetwork
from ftc.plots.style import BLUE, RED, figure_of, panels, styled

__all__ = ["plot_weights"]


_CELL = 0.21  # inches


@styled
def plot_weights(network: ReLUNetwork, block: int = 0) -> Figure:
    """Draw all weights and biases, a panel a layer: filled squares are positive, hollow ones negative, an
    empty place is 0, and the side of a square grows with the logarithm of the magnitude; the figure.

    Args:
        block: a line after every so many neurons of the second layer: 4 for the columns of a grid, 3 if all
            its changes have one sign.

    >>> from constructions import FineTuningProblem, build
    >>> problem = FineTuningProblem([[t] for t in range(5)], edits={2: 3})
    >>> figure = plot_weights(build(problem, 2, construction="tents").network)
    >>> [axes.get_title(loc="left") for axes in figure.axes[:2]]
    ['layer 1: 3 × 1', 'layer 2: 1 × 3']
    """
    sizes = [abs(x) for layer in network.layers for row in _rows(layer) for x in row if x]
    logs = [_log(x) for x in sizes]
    low, high = (min(logs), max(logs)) if logs else (0.0, 0.0)
    shapes = [layer.weight.shape for layer in network.layers]
    tallest, widths = max(5, *(rows for rows, _ in shapes)), [columns + 2 for _, columns in shapes]
    size = (_CELL * sum(widths) + 0.9 * len(shapes) + 1.2 * bool(block), _CELL * tallest + 2)
    grid = panels(1, len(shapes), size, width_ratios=widths)[0]
    for k, (axes, layer) in enumerate(zip(grid, network.layers, strict=True), start=1):
        _draw(axes, layer, low, high)
        rows, columns = layer.weight.shape
        axes.set_title(f"layer {k}: {rows} × {columns}")
        axes.set(
            xlabel="input" if k == 1 else f"neuron of layer {k - 1}",
            ylabel="output" if k == len(shapes) else "neuron",
        )
        if k == 2 and block:
            for first in range(0, rows, block):
                if first:
                    axes.axhline(first - 0.5, color="0.3", lw=0.7)
                axes.text(columns + 1.4, first + (block - 1) / 2, f"column {first // block + 1}", va="center")
    figure = figure_of(grid[0])
    handles = [Rectangle((0, 0), 1, 1, **_look(positive)) for positive in (True, False)]
    figure.legend(
        handles,
        ["positive", f"negative (side: magnitude, from $2^{{{low:.0f}}}$ to $2^{{{high:.0f}}}$; b: bias)"],
        loc="outside lower center",
        ncols=2,
    )
    return figure


def _look(positive: bool) -> dict[str, Any]:
    return {
        "facecolor": BLUE if positive else "white",
        "edgecolor": BLUE if positive else RED,
        "linewidth": 1.0,
    }


def _rows(layer: Layer) -> list[list[Fraction]]:
    """The weights, the bias last."""
    rows = zip(layer.weight.tolist(), layer.bias.tolist(), layer.denominator.tolist(), strict=True)
    return [[Fraction(x, q) for x in (*row, b)] for row, b, q in rows]


def _log(x: Fraction) -> float:
    """To the base 2, of numbers of any length."""
    return math.log2(x.numerator) - math.log2(x.denominator)


def _draw(axes: Axes, layer: Layer, low: float, high: float) -> None:
    rows, columns = layer.weight.shape
    for positive in (True, False):
        squares = []
        for i, row in enumerate(_rows(layer)):
            for j, x in enumerate(row):
                if x and (x > 0) == positive:
                    side = 0.25 + 0.6 * ((_log(abs(x)) - low) / (high - low) if high > low else 1.0)
                    center = j + (0.6 if j == columns else 0.0)  # the bias stands apart
                    squares.append(Rectangle((center - side / 2, i - side / 2), side, side))
        collection = PatchCollection(squares, **_look(positive))
        collection.set_label("positive" if positive else "negative")
        axes.add_collection(collection)
    axes.axvline(columns - 0.2, color="0.6", lw=0.7)
    axes.set(xlim=(-0.7, columns + 1.2), ylim=(max(rows, 1) - 0.3, -0.7), aspect="equal", anchor="N")
    step = max(1, columns // 8)
    ticks = [*range(0, columns, step)] if columns else []
    axes.set_xticks([*ticks, columns + 0.6], [*(str(j + 1) for j in ticks), "b"])
    ticks = [*np.arange(0, rows, max(1, rows // 8)).tolist()]
    axes.set_yticks(ticks, [str(i + 1) for i in ticks])
    axes.tick_params(length=2)
    axes.spines[["left", "bottom"]].set_visible(False)
