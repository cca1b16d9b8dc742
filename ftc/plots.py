"""Pictures: the network along its direction, and how many neurons are needed at each depth."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib
from flint import fmpq

from constructions import bounds
from constructions.files import write_whole
from verify.engine.line import Pieces

matplotlib.use("Agg")
import matplotlib.pyplot as plt

__all__ = ["Profile", "plot_along_direction", "plot_bounds", "refuse_picture", "save"]


@dataclass(frozen=True)
class Profile:
    """A network as a function of `t = direction . x`, with the data and the edits on the line."""

    pieces: Pieces
    positions: list[Fraction]
    values: list[Fraction]
    title: str

    def __call__(self, t: Fraction) -> Fraction:
        """The exact output at `t`."""
        value = self.pieces(fmpq(t.numerator, t.denominator))[0]
        return Fraction(int(value.p), int(value.q))

    @property
    def breakpoints(self) -> list[Fraction]:
        """All points where the slope jumps, exact, in increasing order."""
        return [Fraction(int(t.p), int(t.q)) for t in self.pieces.bounds]


def plot_along_direction(profile: Profile, path: Path) -> None:
    """Draw `g` along its direction: data, edited points and breakpoints; the picture is a file.

    With more than six edits a second panel shows the five that lie closest together. Numbers are
    rounded to floats for the picture only; a range that floats cannot show is scaled.
    """
    positions = profile.positions
    edits = sorted({t for t, value in zip(positions, profile.values, strict=True) if value != 0})
    spans = [(min(positions), max(positions))]
    if len(edits) > 6:
        spans.append(min(zip(edits, edits[4:], strict=False), key=lambda span: span[1] - span[0]))
    knots = profile.breakpoints
    figure, panels = plt.subplots(
        len(spans), figsize=(9, 3.5 * len(spans)), layout="constrained", squeeze=False
    )
    for axes, (low, high) in zip(panels[:, 0], spans, strict=True):
        margin = (high - low) / 20 or Fraction(1)
        _draw(axes, profile, knots, low - margin, high + margin)
    panels[0, 0].set_title(profile.title)
    panels[0, 0].legend(loc="upper right", ncols=3, frameon=False)
    if len(spans) > 1:
        panels[1, 0].set_title("five edits that lie close together", fontsize="medium")
    save(figure, path)


def refuse_picture(path: Path) -> None:
    """Ask before the work whether a picture can be written there.

    Raises:
        ValueError: the name ends in none of .png, .svg, .pdf, or its folder does not exist.
    """
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ValueError(f"{path}: expected a name that ends in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is not a folder")


def save(figure: Any, path: Path) -> None:
    """Write a figure, whole or not at all, and close it."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=150, format=path.suffix[1:].lower())
    plt.close(figure)
    write_whole(path, picture.getvalue())


def _draw(axes: Any, profile: Profile, knots: list[Fraction], low: Fraction, high: Fraction) -> None:
    points = {
        t: value for t, value in zip(profile.positions, profile.values, strict=True) if low <= t <= high
    }
    bends = [t for t in knots if low <= t <= high]
    grid = sorted({low, high, *bends, *points})
    at = {t: profile(t) for t in grid}
    largest = max((abs(at[t]) for t in points), default=Fraction(0)) or Fraction(1)
    x, x_label = _scale(low, high, "t = direction · x")
    y, y_label = _scale(-largest, largest, "g")
    axes.plot([x(t) for t in grid], [y(at[t]) for t in grid], color="#0072B2", lw=1)
    style: dict[str, Any] = {"zorder": 3, "ls": "none"}
    for chosen, look in (
        (
            [t for t in points if points[t] == 0],
            {"marker": "|", "ms": 7, "color": "0.35", "label": "protected points"},
        ),
        (
            [t for t in points if points[t] != 0],
            {"marker": "o", "ms": 5, "mfc": "#D55E00", "mec": "black", "mew": 0.5, "label": "edited points"},
        ),
    ):
        axes.plot([x(t) for t in chosen], [y(at[t]) for t in chosen], **look, **style)
    bottom = -1.6 * y(largest)
    axes.plot(
        [x(t) for t in bends], [bottom * 0.94] * len(bends),
        marker="^", ms=3, color="#009E73", label="breakpoints", **style,
    )  # fmt: skip
    axes.set_xlim(x(low), x(high))
    axes.set_ylim(bottom, -bottom)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)


def _scale(low: Fraction, high: Fraction, label: str) -> tuple[Callable[[Fraction], float], str]:
    """How numbers of an interval become floats: as they are, or from 0 to 1 where floats are too
    coarse, too short or too small for them."""
    size = max(abs(low), abs(high))
    if size < 10**300 and high - low > Fraction(1, 10**300) and (high - low) * 10**10 > size:
        return lambda t: _float(max(min(t, 4 * size), -4 * size)), label
    if low == -high:
        return lambda t: _float(max(min(t / size, Fraction(4)), Fraction(-4))), f"{label} (1 = the largest)"
    return lambda t: _float((t - low) / (high - low)), f"{label} (scaled to 0..1)"


def _float(value: Fraction) -> float:
    return value.numerator / value.denominator


# blue, vermilion, green, purple, amber; without colours markers and dashes tell them apart
_LOOKS: tuple[tuple[str, str, Any], ...] = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", (0, (7, 1.5))),
    ("#009E73", "^", (0, (5, 1, 1, 1))),
    ("#AA3377", "D", (0, (1, 1))),
    ("#B8860B", "v", (0, (3, 1))),
)


def plot_bounds(path: Path, most: int, depths: list[int], one_sign: bool = False) -> None:
    """Draw, for up to `most` edits, what is built at each depth (lines with markers) and what is needed in
    the worst case (the dotted lower edges of the bands), as numbers and over `sqrt(N)`; with three and four
    layers also from where on the latter provably need fewer neurons."""
    most = max(most, 100)
    numbers = sorted({*range(1, 101), *(int(most ** (j / 300)) for j in range(301))})
    deep = [depth for depth in depths if depth > 2]
    figure, panels = plt.subplots(
        1, 1 + bool(deep), figsize=(6.5 * (1 + bool(deep)), 5.5), layout="constrained", squeeze=False
    )
    roots = [float(n) ** 0.5 for n in numbers]
    for axes, scale in zip(panels[0], ([1.0] * len(numbers), roots), strict=False):
        for k, depth in enumerate(depths):
            if depth in deep or scale is not roots:
                _draw_band(axes, numbers, scale, depth, one_sign, k)
        axes.set(xscale="log", xlim=(1, most), xlabel="N (edits)", ylabel="neurons")
        axes.grid(which="major", color="0.9", lw=0.6)
    panels[0, 0].set(yscale="log", ylim=(1, None))
    panels[0, 0].legend(loc="lower right", frameon=False)
    if deep:
        panels[0, 1].set(ylim=(0, 7), ylabel="neurons / sqrt(N)")
        if {3, 4} <= set(depths):
            _mark_where_four_beat_three(panels[0], most, one_sign)
    figure.suptitle(
        f"Neurons for N edits{' of one sign' if one_sign else ''} among any number of points: "
        "built (lines), needed in the worst case (dotted)"
    )
    save(figure, path)


def _draw_band(axes: Any, numbers: list[int], scale: list[float], depth: int, one_sign: bool, k: int) -> None:
    color, marker, line = _LOOKS[k % len(_LOOKS)]
    low, high = (
        [bound(depth, n, None, one_sign) / s for n, s in zip(numbers, scale, strict=True)]
        for bound in (bounds.lower, bounds.upper)
    )
    axes.fill_between(numbers, low, high, color=color, alpha=0.13, lw=0)
    axes.plot(numbers, low, color=color, lw=1, ls=":")
    axes.plot(
        numbers, high, color=color, lw=1.4, ls=line, marker=marker, ms=5, mec="black", mew=0.4,
        markevery=(0.03 * (k % 4 + 1), 0.14), label=f"{depth} layers",
    )  # fmt: skip


def _mark_where_four_beat_three(panels: Any, most: int, one_sign: bool) -> None:
    """A line at the least `N` from which on it holds, as far as 10,000 edits or the picture show."""
    start = 1 + max(
        n
        for n in range(1, min(most, 10_000) + 1)
        if bounds.upper(4, n, None, one_sign) >= bounds.lower(3, n, None, one_sign)
    )
    if start <= most:
        for axes in panels:
            axes.axvline(start, color="0.3", lw=0.8)
        text = f"N = {start} and more:\nfour layers are built with fewer neurons\nthan three layers must have"
        panels[1].annotate(text, (start * 1.08, 0.15), fontsize="small")
