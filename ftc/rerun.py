"""A certificate beside the model, the data and the labels that it is said to be about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ftc.formats import Place, format_of
from ftc.models import columns_of, read_edits, read_points, scores_at
from ftc.patched import seen, with_edits
from ftc.reading import read
from verify.kernel import Certificate

__all__ = ["first_difference_of_model"]

Row = tuple[list[int], int]


def first_difference_of_model(
    path: Path,
    model: Path,
    data: Path,
    protect: Sequence[Path] = (),
    labels: Path | None = None,
    place: Place = Place(),  # noqa: B008 - it is frozen
) -> str | None:
    """What the certificate says differently from the data, from the wanted labels and from the frozen model
    run on the data anew, exactly, or None. For the patched model it is the base that runs, and its network
    is compared too.

    Raises:
        ValueError: the certificate is malformed, or the model, the data or the labels cannot be used.
    """
    certificate, kind = read(path), format_of(model)
    frozen = kind.load(model, place)
    points = read_points(data, protect, shaped=kind.shaped)
    layers, below = getattr(frozen, "layers_", None), frozen
    other = None if layers is None else _network(certificate, layers)
    if layers is not None and other is None:
        below = frozen.base
    found = _of_frozen(certificate, below, points, model)
    if found is not None and other is not None:  # it is not the certificate of a patch on this patched model
        return other
    if found is None and labels is not None:
        rows = len(read_points(data, shaped=kind.shaped))
        return _of_labels(certificate, read_edits(labels, columns_of(frozen), rows), labels)
    return found


def _of_frozen(certificate: Certificate, frozen: Any, given: NDArray[Any], model: Path) -> str | None:
    inputs = with_edits(frozen, frozen.inputs(given) if hasattr(frozen, "inputs") else given)
    points = seen(frozen, inputs)
    if certificate.points.shape != points.shape:
        return f"points: the certificate has shape {certificate.points.shape}, not {points.shape}"
    for i, k, mine, theirs in _differences(_as_certified(points, certificate), certificate.points.rows()):
        return f"points: row {i}, column {k} is {theirs}, not {mine}"
    scores = scores_at(frozen, inputs, model)
    if certificate.base is None or certificate.base.shape != scores.shape:
        shape = None if certificate.base is None else certificate.base.shape
        return f"base: the certificate has shape {shape}, not {scores.shape}"
    for i, k, mine, theirs in _differences(scores, certificate.base.rows()):
        found = f"base: the score of row {i}, column {k} is {theirs}, and the model gives {mine}"
        return found + _of_two_runs(scores, scores_at(frozen, inputs, model))
    return None


def _of_two_runs(one: NDArray[Any], other: NDArray[Any]) -> str:
    off = np.argwhere(one != other)
    if not len(off):
        return ""
    i, k = off[0].tolist()
    return (
        f"; but two runs of this model differ as well, first at row {i}, column {k}: {one[i, k]} and "
        f"{other[i, k]}. Threads that add in any order (n_jobs) are the likely cause: exact scores are not "
        "to be had again then, whatever the certificate is about"
    )


def _of_labels(certificate: Certificate, wanted: dict[int, int], path: Path) -> str | None:
    for i in sorted(wanted.keys() | certificate.edits.keys()):
        mine, theirs = wanted.get(i), certificate.edits.get(i)
        if mine != theirs:
            texts = ("has no label" if k is None else f"gets the class of column {k}" for k in (theirs, mine))
            return "labels: index {} {} in the certificate, and {} in {}".format(i, *texts, path)
    return None


def _as_certified(points: NDArray[Any], certificate: Certificate) -> NDArray[Any]:
    """In the numbers in which the network runs, if a claim names them."""
    dtype = _deployed(certificate)
    with np.errstate(over="ignore"):
        return points if dtype is None else points.astype(dtype)


def _deployed(certificate: Certificate) -> str | None:
    claims = [claim for claim in certificate.claims if isinstance(claim, dict)]
    return next((str(claim["dtype"]) for claim in claims if claim.get("kind") == "deployed"), None)


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
    dtype, own = _deployed(certificate), layers[0][0].dtype
    if dtype is not None and own != dtype:
        return f"network: the patched model runs it in {own}, and the certificate is about {dtype}"
    return None
