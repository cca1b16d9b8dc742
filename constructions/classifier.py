"""Patches for classifiers: encode which label a point should get as one number, then decode it to scores.

The encoder is near `code(label)` at edited points and near 0 at all others. The decoder forgives an error of
1/4: at protected points every unit of it is inactive, so the patch is exactly 0 there in any float
evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from constructions.cloud import Cloud
from constructions.encoder import Encoder
from constructions.labels import LabelProblem
from constructions.line_encoder import LineEncoder, line_encoder
from constructions.rounding import rounding
from constructions.slab_encoder import Reach, slab_encoder
from constructions.slab_radius import Moves

__all__ = ["ClassifierPatch", "patch_classifier"]

FloatLayer = tuple[NDArray[Any], NDArray[Any]]
Floats = NDArray[np.float64]
Layer64 = tuple[Floats, Floats]

_SHARE = 2.0**-8  # of the largest score, as a lead
_AT_ONCE = 64  # points whose noise is held


@dataclass(frozen=True, eq=False)
class ClassifierPatch:
    """A network that solves `problem`: `layers` of the problem's dtype, with a lead of at least `margin` at
    every edit. Where every input moves by at most `radius`, `g` is still 0 around protected points, and its
    labels lead at edited ones with the frozen scores there, in exact arithmetic."""

    problem: LabelProblem
    layers: list[FloatLayer]
    margin: Fraction
    radius: Fraction | None
    encoder: Encoder | LineEncoder
    decoder: str

    @property
    def encoding(self) -> str:
        return "slabs" if isinstance(self.encoder, Encoder) else "grid along a line"

    @property
    def empty(self) -> bool:
        """Whether every edit has its label already, so that `g` is 0."""
        return not len(self.encoder.out)

    @property
    def neurons(self) -> int:
        return sum(len(bias) for _, bias in self.layers[:-1])

    @property
    def parameters(self) -> int:
        """Weights and biases, as they are stored."""
        return sum(weight.size + bias.size for weight, bias in self.layers)


def patch_classifier(
    problem: LabelProblem,
    *,
    margin: float = 0.0,
    radius: float = 0.0,
    reach: Reach = "wide",
    slabs: int = 2,
    encode: Literal["slabs", "smallest"] = "slabs",
    seed: int = 0,
) -> ClassifierPatch:
    """A patch of `7 G + 2` neurons in four layers, where `G` groups of edits lie in two slabs at once each,
    or of `3 G + 2` in three layers if one slab is to do: at least `ceil(N / (rank - 1))` groups, or `ceil(N /
    rank)`; more if floats, the radius or the reach ask for it.

    A slab goes on along its hyperplane for ever and meets inputs that nobody has seen; few of them lie in two
    slabs at once.

    *Decoder.* `s` is the code, one number. `p = relu(s - 1/4)`, `q = relu(s - 3/4)`: both are 0 for `s <=
    1/4`, and `p - q = 1/2`, `s = p + 1/4` for `s >= 3/4`. Class number `c` gets `B (2 c s - c^2)`, which is
    `B (s^2 - (s - c)^2)`: linear in `p` and `q`. If `|s - c| <= 1/4`, this is above all other classes by at
    least `B / 2`, be they coded or not. So two neurons decode any number of classes.

    If that many classes make numbers too long for the floats, two neurons a class do instead:
    `B (step_c - step_(c+1))` with `step_c = relu(2s - 2c + 3/2) - relu(2s - 2c + 1/2)`.

    Args:
        margin: at least so far is the wanted label ahead of all others, in exact arithmetic.
        radius: within at least so much in every coordinate, `g` is 0 around protected points, and lifts
            the wanted label as it must at edited ones; the largest radius that is found is claimed.
        reach: see `slab_encoder`.
        slabs: in so many at once a group of edits lies. One takes the fewest neurons; with more of them, `g`
            is 0 at more unseen inputs, and `wide` ones have a larger radius.
        encode: `smallest` takes a grid along a line if that has fewer neurons, as in few dimensions, and no
            radius, nor a number as reach, is asked for; nothing is claimed around points then.

    Raises:
        ValueError: a margin, radius or reach that cannot be had; the message names the points in the way.

    >>> corners = [[x, y] for x in range(4) for y in range(4)]
    >>> problem = LabelProblem(corners, [[1, 0, 0]] * 16, {5: 1, 6: 2, 10: 1})
    >>> patch = patch_classifier(problem, slabs=1)
    >>> patch.neurons <= 3 * 3 + 2
    True
    """
    if not 0 <= margin < np.inf or not 0 <= radius < np.inf:
        raise ValueError(f"margin is {margin} and radius {radius}: expected finite numbers from 0")
    if isinstance(slabs, bool) or not isinstance(slabs, int | np.integer) or slabs < 1:
        raise ValueError(f"slabs is {slabs!r}: expected an integer from 1")
    needy = _needy(problem, Fraction(margin))
    classes = sorted({problem.labels[i] for i in needy})
    codes = np.zeros(problem.K)
    codes[list(needy)] = [classes.index(problem.labels[i]) + 1 for i in needy]
    cloud = Cloud(problem.points.astype(np.float64), radius)
    if encode not in ("slabs", "smallest"):
        raise ValueError(f"encode is {encode!r}: expected 'slabs' or 'smallest'")
    within = slab_encoder(cloud, codes, problem.dtype, slabs=slabs, radius=radius, reach=reach, seed=seed)
    found = Moves(within, cloud, codes).radius() if within.groups else None
    line = None
    if encode == "smallest" and not radius and isinstance(reach, str):
        line = line_encoder(cloud, codes, problem.dtype, within.neurons, seed)
    encoder, found = (within, found) if line is None else (line, None)
    need = 2 * (max(needy.values(), default=Fraction(0)) + Fraction(margin))
    for name, decoder in DECODERS.items():
        for size in _sizes(problem, need, list(needy)):
            with np.errstate(over="ignore", invalid="ignore"):
                rest = decoder(problem, encoder.out.astype(np.float64), classes, size)
                layers = [*encoder.hidden, *rest]
                layers = [(w.astype(problem.dtype), b.astype(problem.dtype)) for w, b in layers]
            if not all(np.isfinite(w).all() and np.isfinite(b).all() for w, b in layers):
                break  # nor can a larger size be had
            if _leads(problem, layers, margin, list(needy)):
                return ClassifierPatch(problem, layers, Fraction(margin), found, encoder, name)
    raise ValueError(
        f"{problem.dtype} is too coarse for scores of this size: the wanted labels would not lead"
    )


def _needy(problem: LabelProblem, margin: Fraction) -> dict[int, Fraction]:
    """The edits that need a code, and by how much their label is behind: it does not lead by the margin,
    there or at an equal point."""
    behind = problem.deficit
    wrong = {problem.points[i].tobytes() for i, lack in behind.items() if lack > -margin or lack == 0}
    return {i: lack for i, lack in behind.items() if problem.points[i].tobytes() in wrong}


def _sizes(problem: LabelProblem, need: Fraction, edited: list[int]) -> list[float]:
    """Powers of two to try: from what is needed, or what is plain to see beside the scores, on."""
    beside = _SHARE * float(np.abs(problem.base[edited]).max(initial=0))
    least = max(need, Fraction(beside), Fraction(1, 2**100))
    first = least.numerator.bit_length() - least.denominator.bit_length()  # 2^first is above half of it
    return [2.0**k for k in range(first, first + 6) if 2**k >= least and k < 1024]


def _two_neurons(problem: LabelProblem, code: Floats, classes: list[int], size: float) -> list[Layer64]:
    """`p` and `q` from the code, whose output weights are given."""
    return [(np.stack([code, code]), np.array([-0.25, -0.75])), _squares(problem, classes, size)]


def _three_neurons(problem: LabelProblem, code: Floats, classes: list[int], size: float) -> list[Layer64]:
    """The code less 1/4 first, once, so that `p` and `q` are off together."""
    split = (np.array([[1.0], [1.0]]), np.array([0.0, -0.5]))
    return [(code[None], np.array([-0.25])), split, _squares(problem, classes, size)]


def _squares(problem: LabelProblem, classes: list[int], size: float) -> Layer64:
    out = np.zeros((problem.C, 2))
    for k, label in enumerate(classes, start=1):
        out[label] = size * (3 * k - 2 * k * k), size * (2 * k * k - k)
    return out, np.zeros(problem.C)


def _steps(problem: LabelProblem, code: Floats, classes: list[int], size: float) -> list[Layer64]:
    """A step of two neurons before each class."""
    out = np.zeros((problem.C, 2 * len(classes)))
    for k, label in enumerate(classes):
        out[label, 2 * k : 2 * k + 4] = [size, -size, -size, size][: 2 * (len(classes) - k)]
    bias = np.array([b for c in range(1, len(classes) + 1) for b in (0.75 - c, 0.25 - c)])
    return [(np.tile(2 * code, (len(bias), 1)), 2 * bias), (out, np.zeros(problem.C))]


def _leads(problem: LabelProblem, layers: list[FloatLayer], margin: float, edited: list[int]) -> bool:
    """Whether the labels of edited points lead, as far as floats tell; elsewhere the encoder sees to a
    patch of 0."""
    for start in range(0, len(edited), _AT_ONCE):
        some = edited[start : start + _AT_ONCE]
        labels = np.array([problem.labels[i] for i in some], dtype=np.intp)
        with np.errstate(over="ignore", invalid="ignore"):
            values, noise, own = rounding(layers, problem.points[some], problem.dtype)
            each = np.arange(len(some))
            sums = problem.base[some] + values
            own = own + np.finfo(problem.sum).eps * (np.abs(sums) + np.abs(noise).sum(axis=2) + own)
            lead = sums[each, labels][:, None] - sums - own - own[each, labels][:, None]
            lead -= np.abs(noise[each, labels][:, None] - noise).sum(axis=2)
        lead[each, labels] = np.inf
        largest = np.abs(sums).max(initial=0)
        if not (lead > margin).all() or not largest < float(np.finfo(problem.sum).max) / 2:
            return False
    return True


DECODERS = {"two neurons": _two_neurons, "three neurons": _three_neurons, "steps": _steps}
"""From the code to scores, the fewest neurons first."""
