"""The pictures of the plane: hyperplanes and slabs are lines and strips, a patch changes what it should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from constructions import FineTuningProblem, ReLUNetwork
from constructions.classifier import ClassifierPatch
from ftc.plots.style import BLUE, EDITED, LOOKS, RED, figure_of, legend_below, panels, styled

__all__ = ["plot_hyperplanes", "plot_regions"]

Floats = NDArray[np.float64]
Scores = Callable[[Floats], Floats]

_FINE = 401
# in grey: 98, 82, 68, 90, 76 and 61%
_TINTS = ("#FAFAFA", "#BCD8EE", "#D9A27E", "#DDEBDD", "#A3D2BA", "#B38BB0")
_MARKERS = "osD^vP"


@styled
def plot_regions(
    patch: ClassifierPatch, scores: Scores, axes: Axes | None = None, *, patched: bool = True
) -> Figure:
    """Draw the decision regions of a classifier of points in the plane, before or after a patch, with the
    slabs of the patch; the figure.

    A point has the marker of the label that it should have: an edited point, drawn large, the new one, any
    other the label that the frozen model gives. A slab has the number of its group at its upper end, and the
    group's colour and dashes. There are six tints and markers; further classes take them again.

    Where classes meet is drawn as exactly as a raster of 401 x 401 points tells.

    Args:
        scores: the frozen model: points of shape `(n, 2)` to scores of shape `(n, C)`.

    Raises:
        ValueError: the points have other than two inputs, or the patch has no slabs.

    >>> from constructions.classifier import patch_classifier
    >>> from constructions.labels import LabelProblem
    >>> corners = np.array([[x, y] for x in range(4) for y in range(4)], dtype=float)
    >>> frozen = lambda x: np.column_stack([x[:, 0], x[:, 1]])
    >>> patch = patch_classifier(LabelProblem(corners, frozen(corners), {7: 0}), slabs=1)
    >>> len(plot_regions(patch, frozen).axes[0].patches) > 0  # the slab
    True
    """
    problem = patch.problem
    if problem.d != 2:
        raise ValueError(f"the points have {problem.d} inputs: expected 2")
    groups = getattr(patch.encoder, "groups", None)
    if groups is None:
        raise ValueError(f"the patch is by {patch.encoding}: expected slabs")
    alone = axes is None
    axes = panels(size=(4.4, 5))[0, 0] if axes is None else axes
    points = problem.points.astype(np.float64)
    box = _box(points)
    x, y = (np.linspace(low, high, _FINE) for low, high in zip(*box, strict=True))
    raster = np.column_stack([part.ravel() for part in np.meshgrid(x, y)])
    values = scores(raster) + (_run(patch, raster) if patched else 0.0)
    labels = values.argmax(axis=1).reshape(_FINE, _FINE)
    axes.contourf(
        x, y, labels, levels=np.arange(problem.C + 1) - 0.5, colors=[_TINTS[c % 6] for c in range(problem.C)]
    )
    for c in range(problem.C - 1):
        axes.contour(x, y, (labels > c).astype(float), levels=[0.5], colors="0.35", linewidths=0.7)
    wanted = problem.base.argmax(axis=1)
    wanted[list(problem.labels)] = list(problem.labels.values())
    edited = np.isin(np.arange(problem.K), list(problem.labels))
    small: dict[str, Any] = {"ms": 4.5, "mfc": "white", "mec": "0.2"}
    large: dict[str, Any] = {"ms": 8.5, "mfc": RED, "mec": "black"}
    for name, chosen, look in (("protected", ~edited, small), ("edited", edited, large)):
        for c in np.unique(wanted).tolist():
            label = "edited: marker of the new class" if name == "edited" else f"class {c}"
            axes.plot(
                *points[(wanted == c) & chosen].T, ls="none", marker=_MARKERS[c % 6], mew=0.8, zorder=3,
                label=label, gid=f"{name}-{c}", **look,
            )  # fmt: skip
    if patched:
        for k, group in enumerate(groups, start=1):
            for j, slab in enumerate(group.slabs):
                for polygon in slab_polygons(slab.h, slab.v, box):
                    _draw_slab(axes, np.array(polygon), k).set_gid(f"slab-{k}-{j}")
    axes.set(xlim=box[:, 0], ylim=box[:, 1], xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    figure = figure_of(axes)
    if alone:
        legend_below(figure, axes, ncols=2)
    return figure


def _draw_slab(axes: Axes, corners: Floats, group: int) -> Polygon:
    color, _, dashes = LOOKS[(group - 1) % len(LOOKS)]
    [drawn] = axes.fill(
        *corners.T, facecolor="none", edgecolor=color, ls=dashes, lw=1.1, label="slabs, numbered by group"
    )
    end = corners[np.lexsort(corners.T)[-1]]  # the upmost corner, the rightmost of them
    axes.annotate(
        str(group), end, textcoords="offset points", xytext=(0, -7), ha="center", va="center", zorder=4,
        color=color, fontsize="small", bbox={"boxstyle": "circle", "fc": "white", "ec": color, "lw": 0.7},
    )  # fmt: skip
    return drawn


@styled
def plot_hyperplanes(problem: FineTuningProblem, network: ReLUNetwork) -> Figure:
    """Draw the line where each neuron of the first layer turns on, for points in the plane, and where `g` is
    positive and negative; the figure.

    Raises:
        ValueError: the points have other than two inputs.

    >>> from constructions import general_position
    >>> problem = FineTuningProblem([[0, 0], [0, 1], [1, 0], [3, 2]], edits={0: 1, 1: 2})
    >>> figure = plot_hyperplanes(problem, general_position(problem))
    >>> sum(line.get_gid() == "hyperplane" for line in figure.axes[0].lines)
    3
    """
    if problem.d != 2:
        raise ValueError(f"the points have {problem.d} inputs: expected 2")
    axes = panels(size=(4.6, 5))[0, 0]
    points = np.asarray(problem.points.numerators, dtype=object) / problem.points.denominator
    points = points.astype(np.float64)
    box = _box(points)
    x, y = (np.linspace(low, high, _FINE) for low, high in zip(*box, strict=True))
    a = np.column_stack([part.ravel() for part in np.meshgrid(x, y)])
    for k, layer in enumerate(network.layers):
        weight, bias = (part.astype(object) for part in (layer.weight, layer.bias))
        weight = (weight / layer.denominator[:, None]).astype(np.float64)
        a = (np.maximum(a, 0) if k else a) @ weight.T + (bias / layer.denominator).astype(np.float64)
        if k == 0:
            size = np.abs(weight).sum(axis=1)
            lines = np.column_stack([weight, (bias / layer.denominator).astype(np.float64)]) / size[:, None]
    g = a[:, 0].reshape(_FINE, _FINE)
    tiny = 1e-9 * np.abs(g).max() or 1.0
    axes.contourf(x, y, g, levels=[tiny, np.inf], colors=["#F3CDB5"])
    axes.contourf(x, y, g, levels=[-np.inf, -tiny], colors=["#CFE3F1"], hatches=["///"])
    for row in lines:
        ends = _segment(row, box)
        if ends is not None:
            [drawn] = axes.plot(*ends.T, color=BLUE, lw=0.8)
            drawn.set_gid("hyperplane")
            drawn.set_label("where a neuron turns on")
    edited = np.isin(np.arange(problem.K), list(problem.delta))
    axes.plot(*points[~edited].T, ls="none", marker="o", ms=3.5, mfc="white", mec="0.2", mew=0.8,
              label="protected points")  # fmt: skip
    axes.plot(*points[edited].T, **EDITED)
    for k in np.flatnonzero(edited).tolist():
        axes.annotate(
            f"{problem.delta[k]}".replace("-", "−"), points[k], textcoords="offset points", xytext=(7, 4),
            bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.8},
        )  # fmt: skip
    axes.set(xlim=box[:, 0], ylim=box[:, 1], xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    if g.max() > tiny:
        axes.fill([], [], facecolor="#F3CDB5", label="g is positive")
    if g.min() < -tiny:
        axes.fill([], [], facecolor="#CFE3F1", hatch="///", edgecolor="0.4", lw=0, label="g is negative")
    figure = figure_of(axes)
    legend_below(figure, axes, ncols=2)
    return figure


def slab_polygons(h: Floats, v: Floats, box: Floats) -> list[list[Floats]]:
    """The parts of a box where `|h| <= |v|`, for affine functions of the plane with the bias last: convex
    polygons, none to two.

    >>> box = np.array([[-2.0, -1.0], [2.0, 1.0]])
    >>> [[corner.tolist() for corner in part] for part in
    ...  slab_polygons(np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), box)]
    [[[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]]
    """
    (left, low), (right, high) = box
    out = []
    for sign in (1, -1):
        corners = [np.array(corner) for corner in ((left, low), (right, low), (right, high), (left, high))]
        for row in (sign * (v + h), sign * (v - h)):
            corners = _half(corners, row)
        if len(corners) > 2:
            out.append(corners)
    return out


def _half(corners: Sequence[Floats], row: Floats) -> list[Floats]:
    """The part of a convex polygon where an affine function is not negative."""
    out: list[Floats] = []
    for a, b in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        p, q = (float(row[:2] @ corner + row[2]) for corner in (a, b))
        if p >= 0:
            out.append(a)
        if p * q < 0:
            out.append(a + (b - a) * (p / (p - q)))
    return out


def _segment(row: Floats, box: Floats) -> Floats | None:
    """Where a line passes through a box."""
    (left, low), (right, high) = box
    ends = _half(
        [np.array(corner) for corner in ((left, low), (right, low), (right, high), (left, high))], row
    )
    on = [end for end in ends if abs(row[:2] @ end + row[2]) < 1e-9 * np.abs(box).max()]
    return np.array(on[:2]) if len(on) >= 2 else None


def _box(points: Floats) -> Floats:
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * (high - low).max() or 1.0
    return np.array([low - margin, high + margin])


def _run(patch: ClassifierPatch, points: Floats) -> Floats:
    a: NDArray[Any] = points
    for k, (weight, bias) in enumerate(patch.layers):
        a = (np.maximum(a, 0) if k else a) @ weight.T.astype(np.float64) + bias.astype(np.float64)
    return a
