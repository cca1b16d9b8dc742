"""The figures of the README and the documentation: `ftc figures`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from constructions import FineTuningProblem, Solution, build
from constructions.adversarial import alternating, halves
from constructions.classifier import patch_classifier
from constructions.labels import LabelProblem
from constructions.obstruction import obstruct
from ftc.progress import steps

if TYPE_CHECKING:  # the command line starts without it
    from matplotlib.figure import Figure

__all__ = ["COMMANDS", "FIGURES"]


class Format(StrEnum):
    """Of the files."""

    svg = "svg"
    pdf = "pdf"
    png = "png"


def windows() -> Figure:
    """Two layers need 3N neurons: every edit forces three windows, and a tent has three breakpoints."""
    from ftc.plots import Profile, plot_along_direction

    problem = alternating(3)
    profile = Profile.of(build(problem, 2, construction="tents"))
    return plot_along_direction(profile, windows=obstruct(problem, 2).windows)


def lower_bound() -> Figure:
    """Why three layers need about 4 sqrt(N): halves of opposite sign, two windows of one sign an edit."""
    from ftc.plots import Profile, plot_along_direction

    problem = halves(6)
    profile = Profile.of(build(problem, 3, construction="grid"))
    return plot_along_direction(profile, windows=obstruct(problem, 3).windows)


def five_points() -> Figure:
    """The five-point lemma: three neurons and a bias take any five values."""
    from ftc.plots import plot_neurons

    values = {0: 1, 1: -1, 2: 2, 3: -1, 4: 1}
    return plot_neurons(
        build(FineTuningProblem([[t] for t in range(5)], edits=values), 2, construction="memorizer")
    )


def _mixed() -> FineTuningProblem:
    """24 edits of either sign among 75 points; the largest is positive."""
    values = (2, -1, 1, 3, -2, -1, 2, 1)
    return FineTuningProblem([[t] for t in range(75)], edits={2 + 3 * k: values[k % 8] for k in range(24)})


def _grid() -> Solution:
    return build(_mixed(), 3, construction="grid")


def grid() -> Figure:
    """Three layers: a column of four neurons serves one edit of every group, and knots bend its line."""
    from ftc.plots import plot_grid

    return plot_grid(_grid())


def grid_weights() -> Figure:
    """The weights of a grid: a first layer of knots, and blocks of four rows that are nearly equal."""
    from ftc.plots import plot_weights

    return plot_weights(_grid().network, block=4)


def grid_activations() -> Figure:
    """Activation patterns of a grid: two of a block are active at its edits, all or none elsewhere."""
    from ftc.plots import plot_activations

    solution = _grid()
    return plot_activations(solution.problem, solution.network, solution.direction, block=4)


def columns() -> Figure:
    """The columns of four layers, mirrored in every other group: lines that look bent on a log scale."""
    from ftc.plots import plot_pre_activations

    return plot_pre_activations(build(_mixed(), 4, construction="band-crossing"), 2)


def crossing() -> Figure:
    """Four layers: one function crosses a band once for each edit, and the output stage reads the height."""
    from ftc.plots import plot_crossing

    return plot_crossing(build(_mixed(), 4, construction="band-crossing"))


def bounds() -> Figure:
    """How many neurons are built and needed, over N, for all depths."""
    from ftc.plots import plot_bounds

    return plot_bounds(10_000, (2, 3, 4, 5))


def _scattered(seed: int, count: int, apart: float) -> np.ndarray:
    """Points of a square, none of them close to another."""
    points: list[np.ndarray] = []
    for point in np.random.default_rng(seed).integers(-12, 13, size=(600, 2)):
        if all(np.hypot(*(point - other)) > apart for other in points):
            points.append(point)
    return np.array(points[:count])


def general_position() -> Figure:
    """In general position a line through two edits meets no other point: three neurons serve both."""
    from ftc.plots import plot_hyperplanes

    problem = FineTuningProblem(_scattered(285, 20, 3.4), edits={5: 2, 19: 3, 14: -3, 18: -2})
    network = build(problem, construction="general-position").network
    figure = plot_hyperplanes(problem, network)
    figure.axes[0].set_title(
        f"{network.neurons} neurons, 2 layers, {problem.N} edits", loc="left", fontsize="medium"
    )
    return figure


def slabs() -> Figure:
    """A classifier in the plane before and after a patch: with one slab, and with two at once."""
    from ftc.plots import plot_regions
    from ftc.plots.style import legend_below, panels

    def frozen(x: np.ndarray) -> np.ndarray:
        return np.column_stack([x[:, 0] - x[:, 1] / 2, 1.2 * x[:, 1] - 1, -x[:, 0] - x[:, 1] / 2])

    points = _scattered(25, 24, 2.8).astype(float)
    problem = LabelProblem(points, frozen(points), {4: 0})
    grid = panels(1, 3, (10, 4.4), sharey=True)[0]
    titles = ("before", "after: in one slab", "after: in two slabs at once")
    for axes, count, title in zip(grid, (1, 1, 2), titles, strict=True):
        figure = plot_regions(patch_classifier(problem, slabs=count), frozen, axes, patched=title != "before")
        axes.set_title(title, loc="left", fontsize="medium")
        axes.set_ylabel("$x_2$" if axes is grid[0] else "")
    legend_below(figure, *grid, ncols=5)
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        windows, lower_bound, five_points, grid, grid_weights, grid_activations, columns, crossing,
        bounds, general_position, slabs,
    )
}  # fmt: skip


def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Some by name; all if left out.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A folder, made if absent.")] = None,
    form: Annotated[Format, typer.Option("--format", help="Of the files.")] = Format.svg,
) -> None:
    """Draw the figures of the documentation into a folder; without --output, list them."""
    chosen = names or list(FIGURES)
    for name in chosen:
        if name not in FIGURES:
            raise ValueError(f"unknown figure {name!r}: expected one of {', '.join(FIGURES)}")
    if output is None:
        for name in chosen:
            print(f"{name}: {inspect.getdoc(FIGURES[name])}")
        return
    from ftc.plots import save

    if output.exists() and not output.is_dir():
        raise ValueError(f"{output} exists already and is no folder")
    output.mkdir(parents=True, exist_ok=True)
    with steps() as (say, count):
        for done, name in enumerate(chosen):
            say(f"drawing {name}")
            count(done, len(chosen))
            save(FIGURES[name](), output / f"{name}.{form}")
    print(f"wrote {output}: {', '.join(f'{name}.{form}' for name in chosen)}")


COMMANDS: dict[str, Callable[..., None]] = {"figures": figures}
