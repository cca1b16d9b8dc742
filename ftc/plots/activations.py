"""The picture of activation patterns: which neurons are active at which points."""

from __future__ import annotations

from matplotlib.figure import Figure

from constructions import FineTuningProblem, ReLUNetwork
from ftc.plots.style import BLUE, EDITED, RED, figure_of, panels, styled

__all__ = ["plot_activations"]


@styled
def plot_activations(
    problem: FineTuningProblem, network: ReLUNetwork, direction: tuple[int, ...] | None = None, block: int = 0
) -> Figure:
    """Draw a row for every hidden neuron, a panel for every hidden layer, with a bar over the points at which
    the neuron is active (its pre-activation is positive, exactly); edited points are marked; the figure.

    Args:
        direction: points stand in the order of their projections, or else of their indices.
        block: a line after every so many neurons of the second layer, as for `plot_weights`.

    >>> from constructions import build
    >>> problem = FineTuningProblem([[t] for t in range(5)], edits={2: 3})
    >>> figure = plot_activations(problem, build(problem, 2, construction="tents").network)
    >>> figure.axes[0].get_title(loc="left")
    'hidden layer 1: 3 neurons, 4 patterns'
    """
    order = list(range(problem.K))
    if direction is not None:
        rows = problem.points.numerators.tolist()
        order.sort(key=lambda i: sum(x * u for x, u in zip(rows[i], direction, strict=True)))
    active = [(z.numerators > 0)[order] for z in network.hidden(problem.points)[:-1]]
    heights = [max(3, layer.shape[1]) + 1 for layer in active]
    if not active:
        raise ValueError("the network has no hidden layer")
    grid = panels(
        len(active),
        size=(8, 0.13 * sum(heights) + 0.75 * len(active) + 0.5),
        height_ratios=heights,
        sharex=True,
    )[:, 0]
    edits = [place for place, i in enumerate(order) if i in problem.delta]
    for k, (axes, layer) in enumerate(zip(grid, active, strict=True), start=1):
        count = layer.shape[1]
        for place in edits:
            axes.axvspan(place - 0.5, place + 0.5, color=RED, alpha=0.22, lw=0)
        for j in range(count):
            axes.broken_barh(
                _runs(layer[:, j].tolist()), (j - 0.36, 0.72), facecolor=BLUE, lw=0,
            )  # fmt: skip
        if k == 2 and block:
            for edge in range(block, count, block):
                axes.axhline(edge - 0.5, color="0.3", lw=0.7)
        patterns = len({row.tobytes() for row in layer})
        axes.set_title(
            f"hidden layer {k}: {count} neuron{'s' * (count != 1)}, {patterns} pattern{'s' * (patterns != 1)}"
        )
        axes.set(
            xlim=(-0.7, problem.K - 0.3), ylim=(max(count, 1) - 0.4, -1.2 - 0.04 * count), ylabel="neuron"
        )
        axes.set_yticks(
            range(0, count, max(1, count // 8)), [str(j + 1) for j in range(0, count, max(1, count // 8))]
        )
        axes.plot(edits, [-0.85 - 0.02 * count] * len(edits), **(EDITED | {"ms": 4}))
    grid[-1].set_xlabel("points in the order of t = direction · x" if direction else "points")
    figure = figure_of(grid[0])
    bar = grid[0].barh([0], [0], color=BLUE)
    figure.legend(
        [bar, grid[0].lines[-1]],
        ["the neuron is active", "edited points"],
        loc="outside lower center",
        ncols=2,
    )
    return figure


def _runs(active: list[bool]) -> list[tuple[float, float]]:
    """The stretches of active places: where each begins and how long it is."""
    out: list[tuple[float, float]] = []
    for place, on in enumerate(active):
        if on and place and active[place - 1]:
            out[-1] = out[-1][0], out[-1][1] + 1
        elif on:
            out.append((place - 0.5, 1.0))
    return out
