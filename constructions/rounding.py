"""How far float evaluation of a network may be from the exact one, estimated in float64.

For choosing designs only: what a certificate claims is proven by its checker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FloatLayers", "rounding"]

FloatLayers = Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]]
"""Weights `(out, in)` and biases `(out,)` of every layer."""


def rounding(
    layers: FloatLayers, points: NDArray[np.floating], dtype: np.dtype[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Outputs at points of shape `(K, d)`, shape `(K, outputs)`; their errors in any order of summation in
    `dtype` by the hidden sums in which they arise, shape `(K, outputs, sums)`; and their own, shape `(K,
    outputs)`. An output is off by at most the sum of sizes of its errors, and those with one origin cancel in
    differences. `n` products that are not 0 give `n + 1` roundings of relative size `u` in a sum.

    >>> layers = [(np.ones((1, 2)), np.array([-1.0])), (np.ones((1, 1)), np.zeros(1))]
    >>> values, noise, own = rounding(layers, np.array([[0.1, 0.2], [3.0, 4.0]]), np.dtype(np.float32))
    >>> values.tolist(), bool(noise[0].any() or own[0].any()), bool(0 < np.abs(noise[1]).sum() < 1e-5)
    ([[0.0], [6.0]], False, True)
    """
    unit, tiny = np.finfo(dtype).eps / 2, float(np.finfo(dtype).smallest_subnormal)
    a = points.astype(np.float64)
    noise: NDArray[np.float64] = np.zeros((*a.shape, 0))
    rounded: NDArray[np.float64] = np.zeros(a.shape)
    for k, (weight, bias) in enumerate(layers):
        rows, offsets = weight.astype(np.float64), bias.astype(np.float64)
        if k:
            noise = np.concatenate([noise, rounded[..., None] * np.eye(rounded.shape[1])], axis=2)
        errors = np.abs(noise).sum(axis=2)
        if k:
            noise = np.where((a >= errors)[..., None], noise, 0)
            own = np.where((a < errors) & (a + errors > 0), errors, 0)
            noise = np.concatenate([noise, own[..., None] * np.eye(own.shape[1])], axis=2)
            a, errors = np.where(a + errors > 0, np.maximum(a, 0), 0), np.where(a + errors > 0, errors, 0)
        sizes = np.abs(a) @ np.abs(rows.T) + np.abs(offsets) + errors @ np.abs(rows.T)
        terms = ((np.abs(a) + errors) > 0).astype(np.float64) @ (rows != 0).T  # zeros add no rounding
        share = (terms + 1) * unit
        rounded = np.where(sizes > 0, share / (1 - share) * sizes + terms * tiny, 0)
        a = a @ rows.T + offsets
        noise = rows @ noise
    return a, noise, rounded
