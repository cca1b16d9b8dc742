"""The grid along a line as an encoder: codes at some points and 0 at all others, by weights that are floats.

In few dimensions slabs hold few points each, and the grid needs fewer neurons: about `2 sqrt(6 N)` whatever
the dimension. Its terms are large and cancel, so that float32 hardly ever carries it; float64 does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.build import build
from constructions.cloud import Cloud, Floats
from constructions.problem import FineTuningProblem
from constructions.rounding import rounding
from constructions.slabs import TOLERANCE

__all__ = ["LineEncoder", "line_encoder"]

_AT_ONCE = 2**22  # numbers that say how noise spreads


@dataclass(frozen=True, eq=False)
class LineEncoder:
    """Hidden layers of numbers of a dtype, and output weights. How far it goes around points is not known."""

    hidden: list[tuple[NDArray[Any], NDArray[Any]]]
    out: NDArray[Any]
    reach: None = None


def line_encoder(
    cloud: Cloud, codes: Floats, dtype: np.dtype[Any], fewer_than: int, seed: int = 0
) -> LineEncoder | None:
    """Codes within `TOLERANCE` at all points, as `slab_encoder` gives them; None if floats do not carry
    them, or if that takes `fewer_than` neurons or more.

    >>> points, codes = np.arange(20.0)[:, None], np.arange(20.0) % 2
    >>> found = line_encoder(Cloud(points), codes, np.dtype(np.float64), 30)
    >>> [len(bias) for _, bias in found.hidden]
    [9, 6]
    """
    edits = {i: int(codes[i]) for i in np.flatnonzero(codes).tolist()}
    if not edits:
        return None
    problem = FineTuningProblem(cloud.points, edits=edits)
    network = build(problem, 3, construction="grid", numbers="moderate", seed=seed).network
    if network.neurons >= fewer_than or network.written_bits > 1000:
        return None
    with np.errstate(over="ignore"):
        layers = [
            (
                (layer.weight / layer.denominator[:, None]).astype(dtype),
                (layer.bias / layer.denominator).astype(dtype),
            )
            for layer in network.layers
        ]
    if not all(np.isfinite(weight).all() and np.isfinite(bias).all() for weight, bias in layers):
        return None
    layers[-1] = (layers[-1][0], np.array([-TOLERANCE], dtype))  # as in the decoder's first layer
    step = max(1, _AT_ONCE // network.neurons**2)
    for start in range(0, len(codes), step):
        rows = slice(start, start + step)
        values, noise, own = rounding(layers, cloud.points[rows], dtype)
        errors = np.abs(noise[:, 0]).sum(axis=1) + own[:, 0]
        off = np.abs(values[:, 0] + TOLERANCE - codes[rows]) + 2 * errors
        if not off.max() <= TOLERANCE:
            return None
    return LineEncoder(layers[:-1], layers[-1][0][0])
