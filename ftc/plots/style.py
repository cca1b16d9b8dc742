"""One style for all pictures: colours that the colour-blind tell apart, markers and dashes that grey does."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from constructions.files import write_whole

__all__ = [
    "AMBER", "BLUE", "EDITED", "FOLDS", "GREEN", "KNOTS", "LOOKS", "PROTECTED", "PURPLE", "RED", "Picture",
    "figure_of", "legend_below", "panels", "refuse_picture", "save", "styled", "written",
]  # fmt: skip

BLUE, RED, GREEN, PURPLE, AMBER = "#0072B2", "#D55E00", "#009E73", "#AA3377", "#B8860B"

LOOKS: tuple[tuple[str, str, Any], ...] = (
    (BLUE, "o", "-"),
    (RED, "s", (0, (7, 1.5))),
    (GREEN, "^", (0, (5, 1, 1, 1))),
    (PURPLE, "D", (0, (7, 1, 1, 1, 1, 1))),
    (AMBER, "v", (0, (3, 1))),
)
"""Colour, marker and dashes of the first, second, .. of several lines."""

PROTECTED: dict[str, Any] = {
    "ls": "none", "marker": "|", "ms": 8, "mew": 1, "color": "0.35", "zorder": 3, "label": "protected points",
}  # fmt: skip
EDITED: dict[str, Any] = {
    "ls": "none", "marker": "o", "ms": 5.5, "mfc": RED, "mec": "black", "mew": 0.6, "zorder": 4,
    "label": "edited points",
}  # fmt: skip
KNOTS: dict[str, Any] = {
    "ls": "none", "marker": "^", "ms": 4, "color": GREEN, "zorder": 3, "label": "breakpoints",
}  # fmt: skip
FOLDS: dict[str, Any] = {"color": GREEN, "lw": 0.9, "ls": ":", "zorder": 0.5}
"""Upright lines at the knots of the first layer."""

_STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.prop_cycle": cycler(color=[color for color, *_ in LOOKS]),
    "figure.titlesize": "large",
    "hatch.linewidth": 0.6,
    "legend.fontsize": "small",
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "svg.fonttype": "path",  # the same letters everywhere
    "svg.hashsalt": "fine-tuning-capacity",  # the same bytes every time
}
_META: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
}

styled = matplotlib.rc_context(_STYLE)  # type: ignore[arg-type]
"""Decorates what draws."""


class Panel(Axes):
    """Axes that keep the style when a legend or a title comes later."""

    legend = styled(Axes.legend)
    set_title = styled(Axes.set_title)


class Picture(Figure):
    """A figure that a notebook shows as it is, sharp at any size."""

    def _repr_svg_(self) -> str:
        return written(self, "svg").decode()


@styled
def panels(rows: int = 1, columns: int = 1, size: tuple[float, float] = (7, 3), **how: Any) -> NDArray[Any]:
    """Empty axes of a new figure, shape `(rows, columns)`."""
    figure = Picture(figsize=size, layout="constrained")
    kind = {"axes_class": Panel}
    return np.asarray(figure.subplots(rows, columns, squeeze=False, subplot_kw=kind, **how))


def figure_of(axes: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes belong to no figure")
    return figure


@styled
def legend_below(figure: Figure, *axes: Axes, ncols: int = 3) -> None:
    """One legend for all that has a name in some axes, each name once."""
    named: dict[str, Any] = {}
    for one in axes:
        for handle, name in zip(*one.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    figure.legend(named.values(), named, loc="outside lower center", ncols=ncols)


@styled
def written(figure: Figure, form: str) -> bytes:
    """A figure as svg, pdf or png: no date is in it, and the same figure gives the same bytes."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=150, format=form, metadata=_META[form])
    return picture.getvalue()


def refuse_picture(path: Path) -> None:
    """Ask before the work whether a picture can be written there.

    Raises:
        ValueError: the name ends in none of .png, .svg, .pdf, or its folder does not exist.
    """
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ValueError(f"{path}: expected a name that ends in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is not a folder")


def save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all."""
    write_whole(path, written(figure, path.suffix[1:].lower()))
