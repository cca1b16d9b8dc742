"""Certificates for people: the network of a certificate along its direction, ready to draw."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from constructions import Layer, ReLUNetwork
from ftc.plots import Profile
from verify.kernel import Certificate, Malformed, Network, read_certificate

__all__ = ["read_profile"]


def read_profile(path: Path) -> Profile:
    """Read a certificate with one output and a direction.

    Raises:
        ValueError: it is malformed, or there is nothing to draw along a line.
    """
    try:
        certificate = read_certificate(str(path))
        certificate.validate()
    except Malformed as error:
        raise ValueError(f"{path} is malformed: {error}") from None
    if certificate.network is None:
        raise ValueError(f"{path} holds no network")
    if certificate.direction is None:
        raise ValueError(f"{path} holds no direction to draw along")
    if certificate.outputs != 1 or certificate.by_label:
        raise ValueError(f"{path} has {certificate.outputs} outputs: a picture along a line needs one value")
    direction = certificate.direction
    positions = [
        Fraction(sum(x * u for x, u in zip(row, direction, strict=True)), q)
        for row, q in certificate.points.rows()
    ]
    network = _exact(certificate.network, certificate.points.shape[1])
    title = (
        f"{network.neurons} neurons in {network.depth} layers change {len(certificate.edits)} "
        f"of {len(positions)} outputs"
    )
    return Profile.of(network, tuple(direction), positions, _changes(certificate), title)


def _exact(network: Network, inputs: int) -> ReLUNetwork:
    """The kernel's integer layers as the builder's: the output denominators come last."""
    layers = []
    for k, rows in enumerate(network.layers):
        last = k == len(network.layers) - 1
        below = network.denominators if last else [1] * len(rows)
        weight = np.empty((len(rows), inputs), dtype=object)
        bias, denominator = np.empty(len(rows), dtype=object), np.empty(len(rows), dtype=object)
        for i, row in enumerate(rows):
            weight[i, :], bias[i], denominator[i] = row[:-1], row[-1], below[i]
        layers.append(Layer(weight, bias, denominator))
        inputs = len(rows)
    return ReLUNetwork(tuple(layers))


def _changes(certificate: Certificate) -> dict[int, Fraction]:
    base: dict[int, Fraction] = {}
    if certificate.base is not None:
        rows = enumerate(certificate.base.rows())
        base = {i: Fraction(row[0], q) for i, (row, q) in rows if i in certificate.edits}
    changes = {}
    for i, wanted in certificate.edits.items():
        if isinstance(wanted, int):
            raise ValueError("a label is no value")
        changes[i] = Fraction(wanted[0][0], wanted[1]) - base.get(i, Fraction(0))
    return changes
