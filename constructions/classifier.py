"""Patches for classifiers: encode which label a point should get as one number, then decode it to scores.

The encoder is near `code(label)` at edited points and near 0 at all others. The decoder forgives an error of
1/4: at protected points every unit of it is inactive, so the patch is exactly 0 there in any float evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.labels import LabelProblem
from constructions.rounding import rounding
from constructions.slabs import TOLERANCE, Cloud, Encoder, Reach, slab_encoder

__all__ = ["ClassifierPatch", "patch_classifier"]

FloatLayer = tuple[NDArray[Any], NDArray[Any]]
Floats = NDArray[np.float64]
Layer64 = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class ClassifierPatch:
    """A network that solves `problem`: `layers` of the problem's dtype, with a lead of at least `margin` at every
    edit, and labels that hold within `radius` in every coordinate."""

    problem: LabelProblem
    layers: list[FloatLayer]
    margin: Fraction
    radius: Fraction | None
    encoder: Encoder
    decoder: str

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
    seed: int = 0,
) -> ClassifierPatch:
    """A patch of `3 G + 2` neurons in three layers, where `G` groups of edits lie on a hyperplane each: at least
    `ceil(N / rank)` of them; more if floats, the radius or the reach ask for it.

    *Decoder.* `s` is the code, one number. `p = relu(s - 1/4)`, `q = relu(s - 3/4)`: both are 0 for `s <= 1/4`, and
    `p - q = 1/2`, `s = p + 1/4` for `s >= 3/4`. Class number `c` gets `B (2 c s - c^2)`, which is
    `B (s^2 - (s - c)^2)`: linear in `p` and `q`. If `|s - c| <= 1/4`, this is above all other classes by at least
    `B / 2`, be they coded or not. So two neurons decode any number of classes.

    If that many classes make numbers too long for the floats, two neurons a class do instead:
    `B (step_c - step_(c+1))` with `step_c = relu(2s - 2c + 3/2) - relu(2s - 2c + 1/2)`.

    Args:
        margin: at least so far is the wanted label ahead of all others, in exact arithmetic.
        radius: labels hold, and `g` is 0 around protected points, within at least so much in every coordinate;
            the largest radius that is found is claimed.
        reach: see `slab_encoder`.

    Raises:
        ValueError: a margin, radius or reach that cannot be had; the message names the points in the way.

    >>> corners = [[x, y] for x in range(4) for y in range(4)]
    >>> problem = LabelProblem(corners, [[1, 0, 0]] * 16, {5: 1, 6: 2, 10: 1})
    >>> patch = patch_classifier(problem)
    >>> patch.neurons <= 3 * 3 + 2
    True
    """
    if not margin >= 0 or not radius >= 0 or np.isinf([margin, radius]).any():
        raise ValueError(f"margin is {margin} and radius {radius}: expected finite numbers from 0")
    deficit = {i: lack for i, lack in problem.deficit.items() if lack > -margin or lack == 0}
    classes = sorted({problem.labels[i] for i in deficit})
    codes = np.zeros(problem.K)
    for i in deficit:
        codes[i] = classes.index(problem.labels[i]) + 1
    cloud = Cloud(problem.points.astype(np.float64))
    encoder = slab_encoder(cloud, codes, problem.dtype, radius=radius, reach=reach, seed=seed)
    need = 2 * (max(deficit.values(), default=0.0) + margin)
    for name, decoder in DECODERS.items():
        for doubling in range(3):
            size = 2.0 ** (np.ceil(np.log2(max(need, 2.0**-100))) + doubling)
            code = encoder.out.astype(np.float64)
            rest = decoder(problem, code, classes, size)
            layers = [(encoder.weight, encoder.bias), *rest]
            layers = [(weight.astype(problem.dtype), bias.astype(problem.dtype)) for weight, bias in layers]
            if _leads(problem, layers, margin):
                found = _radius(encoder, cloud, codes)
                return ClassifierPatch(problem, layers, Fraction(margin), found, encoder, name)
    raise ValueError(
        f"{problem.dtype} is too coarse for scores of this size: the wanted labels would not lead"
    )


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


def _leads(problem: LabelProblem, layers: list[FloatLayer], margin: float) -> bool:
    """Whether floats give 0 at protected points and the wanted leads at edits, as far as floats tell."""
    protected = np.setdiff1d(np.arange(problem.K), list(problem.labels))
    values, noise = rounding(layers, problem.points[protected], problem.dtype)
    if values.any() or noise.any():
        return False
    edited = np.array(list(problem.labels), dtype=np.intp)
    labels = np.array([problem.labels[i] for i in edited], dtype=np.intp)
    values, noise = rounding(layers, problem.points[edited], problem.dtype)
    each = np.arange(len(edited))
    sums = problem.base[edited] + values
    sizes = np.finfo(problem.sum).eps * (np.abs(sums) + np.abs(noise).sum(axis=2))
    lead = sums[each, labels][:, None] - sums - sizes - sizes[each, labels][:, None]
    lead -= np.abs(noise[each, labels][:, None] - noise).sum(axis=2)
    lead[each, labels] = np.inf
    return bool((lead > margin).all())


def _radius(encoder: Encoder, cloud: Cloud, codes: Floats) -> Fraction | None:
    """How far every input may move: around its members a slab may lose the tolerance, elsewhere it stays 0."""
    least = np.inf
    off = encoder.off(cloud, codes).max(initial=0)
    for k, slab in enumerate(encoder.slabs):
        up, down, h = encoder.rows[3 * k : 3 * k + 3].astype(np.float64)
        v = (up - down) / 2
        steepness = float(np.abs(h[:-1]).sum() + np.abs(v[:-1]).sum())
        room = np.abs(cloud.points @ h[:-1] + h[-1]) - np.abs(cloud.points @ v[:-1] + v[-1])
        room[slab.members] = TOLERANCE - off
        least = min(least, float(room.min()) / steepness if steepness else np.inf)
    if not 0 < least < np.inf:
        return None
    mantissa, exponent = np.frexp(least * (1 - 2.0**-6))
    return Fraction(int(mantissa * 256)) * Fraction(2) ** (int(exponent) - 8)


DECODERS = {"two neurons": _two_neurons, "three neurons": _three_neurons, "steps": _steps}
"""From the code to scores, the fewest neurons first."""
