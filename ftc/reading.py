"""Certificates for people: compared with their own files, or ready to draw."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from constructions import FineTuningProblem
from ftc.plots import Profile
from ftc.plots.signals import signals
from verify.engine.line import common_direction, pieces
from verify.kernel import Certificate, Malformed, read_certificate

__all__ = ["first_difference", "read", "read_profile"]


def first_difference(path: Path, problem: FineTuningProblem) -> str | None:
    """What a certificate with wanted values says differently from a problem, or None.

    Raises:
        ValueError: it is malformed.
    """
    certificate = read(path)
    if certificate.by_label:
        return "it is about labels, not values: compare it by --model M --data X --labels EDITS.csv"
    if certificate.points.shape != problem.points.shape:
        return f"points: the certificate has shape {certificate.points.shape}, not {problem.points.shape}"
    for i, (row, q) in enumerate(certificate.points.rows()):
        if any(Fraction(x, q) != problem.points[i, k] for k, x in enumerate(row)):
            return f"points: row {i + 1} differs"
    base = [(row, q) for row, q in certificate.base.rows()] if certificate.base is not None else None
    if base is not None and any(len(row) != 1 for row, _ in base):
        return f"base: the certificate has {certificate.outputs} columns"
    for i in range(problem.K):
        mine = Fraction(0) if problem.base is None else problem.base[i]
        if mine != (Fraction(0) if base is None else Fraction(base[i][0][0], base[i][1])):
            return f"base: row {i + 1} differs"
    for i in sorted(certificate.edits.keys() | problem.values.keys()):
        wanted = certificate.edits.get(i)
        if i not in problem.values or wanted is None or isinstance(wanted, int):
            return f"edits: index {i} stands in one of them only"
        if Fraction(wanted[0][0], wanted[1]) != problem.values[i]:
            return f"edits: the value of index {i} differs"
    return None


def read_profile(path: Path) -> Profile:
    """Read a certificate whose network has one output and is a function along one direction.

    Raises:
        ValueError: it is malformed, or there is nothing to draw along a line.
    """
    certificate = read(path)
    if certificate.network is None:
        raise ValueError(f"{path} holds no network")
    if certificate.outputs != 1 or certificate.by_label:
        raise ValueError(f"{path} has {certificate.outputs} outputs: a picture along a line needs one value")
    direction = common_direction(certificate.network, certificate.points.shape[1])
    if direction is None:
        raise ValueError(f"{path}: the first layer is not a function along one direction")
    if certificate.direction == [-u for u in direction]:  # the way round that the certificate names
        direction = certificate.direction
    found = pieces(certificate.network, direction)
    if found is None:
        raise ValueError(f"{path}: the network has too many pieces to draw")
    positions = [
        Fraction(sum(x * u for x, u in zip(row, direction, strict=True)), q)
        for row, q in certificate.points.rows()
    ]
    changes = _changes(certificate)
    values = [changes.get(i, Fraction(0)) for i in range(len(positions))]
    network = certificate.network
    title = (
        f"{network.neurons} neurons in {len(network.layers)} layers change {len(certificate.edits)} "
        f"of {len(positions)} outputs"
    )
    turns = set()
    if len(network.layers) > 2:
        pivot = next(k for k, u in enumerate(direction) if u)
        turns = {Fraction(-row[-1] * direction[pivot], row[pivot]) for row in network.layers[0] if row[pivot]}
    knots = sorted(t for t in turns if min(positions) < t < max(positions))
    return Profile(signals(found)[0], positions, values, title, knots)


def read(path: Path) -> Certificate:
    """A certificate whose arrays are whole.

    Raises:
        ValueError: it is malformed.
    """
    try:
        certificate = read_certificate(str(path))
        certificate.validate()
    except Malformed as error:
        raise ValueError(f"{path} is malformed: {error}") from None
    return certificate


def _changes(certificate: Certificate) -> dict[int, Fraction]:
    base: dict[int, Fraction] = {}
    if certificate.base is not None:
        rows = enumerate(certificate.base.rows())
        base = {i: Fraction(row[0], q) for i, (row, q) in rows if i in certificate.edits}
    wanted = {i: row for i, row in certificate.edits.items() if not isinstance(row, int)}
    return {i: Fraction(row[0], q) - base.get(i, Fraction(0)) for i, (row, q) in wanted.items()}
