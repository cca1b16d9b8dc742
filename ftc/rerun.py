"""A certificate beside the model and the data that it is said to be about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ftc.models import load_model, read_points, scores_at
from ftc.patched import with_edits
from ftc.reading import read
from verify.kernel import Certificate

__all__ = ["first_difference_of_model"]

Row = tuple[list[int], int]


def first_difference_of_model(path: Path, model: Path, data: Path, protect: Sequence[Path]) -> str | None:
    """What the certificate says differently from the data and from the frozen model run on it anew, exactly,
    or None. For the patched model it is the base that runs, and its network is compared too.

    Raises:
        ValueError: the certificate is malformed, or the model or the data cannot be used.
    """
    certificate = read(path)
    points, frozen = read_points(data, protect), load_model(model)
    layers = getattr(frozen, "layers_", None)
    if layers is None:
        return _of_frozen(certificate, frozen, points, model)
    other = _network(certificate, layers)
    if other is None:
        return _of_frozen(certificate, frozen.base, points, model)
    # the certificate of a patch on this patched model?
    return None if _of_frozen(certificate, frozen, points, model) is None else other


def _of_frozen(certificate: Certificate, frozen: Any, given: NDArray[Any], model: Path) -> str | None:
    points = with_edits(frozen, given)
    if certificate.points.shape != points.shape:
        return f"points: the certificate has shape {certificate.points.shape}, not {points.shape}"
    for i, k, mine, theirs in _differences(_as_certified(points, certificate), certificate.points.rows()):
        return f"points: row {i}, column {k} is {theirs}, not {mine}"
    scores = scores_at(frozen, points, model)
    if certificate.base is None or certificate.base.shape != scores.shape:
        shape = None if certificate.base is None else certificate.base.shape
        return f"base: the certificate has shape {shape}, not {scores.shape}"
    for i, k, mine, theirs in _differences(scores, certificate.base.rows()):
        return f"base: the score of row {i}, column {k} is {theirs}, and the model gives {mine}"
    return None


def _as_certified(points: NDArray[Any], certificate: Certificate) -> NDArray[Any]:
    """In the numbers in which the network runs, if a claim names them."""
    for claim in certificate.claims:
        if isinstance(claim, dict) and claim.get("kind") == "deployed":
            with np.errstate(over="ignore"):
                return points.astype(claim["dtype"])
    return points


def _differences(
    mine: NDArray[Any], certified: Iterator[Row]
) -> Iterator[tuple[int, int, float | int, float | str]]:
    """Row, column and both entries where they differ as numbers, in order."""
    for i, (row, (numerators, q)) in enumerate(zip(mine.tolist(), certified, strict=True)):
        for k, (x, n) in enumerate(zip(row, numerators, strict=True)):
            if not np.isfinite(x):
                yield i, k, x, _shown(n, q)
                continue
            p, r = x.as_integer_ratio()
            if p * q != n * r:
                yield i, k, x, _shown(n, q)


def _shown(n: int, q: int) -> float | str:
    try:
        return n / q
    except OverflowError:
        return "a number beyond float64"


def _network(certificate: Certificate, layers: list[tuple[NDArray[Any], NDArray[Any]]]) -> str | None:
    if len(certificate.layers) != len(layers):
        return f"network: the patched model has {len(layers)} layers, not {len(certificate.layers)}"
    for depth, (ours, theirs) in enumerate(zip(layers, certificate.layers, strict=True)):
        for name, mine, array in zip(("weight", "bias"), ours, theirs, strict=True):
            if mine.shape != array.shape:
                return (
                    f"network: {name} {depth} of the patched model has shape {mine.shape}, not {array.shape}"
                )
            for i, k, x, y in _differences(mine.reshape(len(mine), -1), array.rows()):
                return f"network: {name} {depth} of the patched model, row {i}, column {k} is {x}, not {y}"
    return None
