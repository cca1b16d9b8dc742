"""The lemmas about values: tents, bumps, output stages, lifts and steps.

Each function returns a checked `Proof`, or raises `ProofError`. Keywords are constants of the statement; what
they are by default is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from verify.symbolic.proof import Proof
from verify.symbolic.search import goal, prove
from verify.symbolic.terms import (
    Expr,
    above,
    at_least,
    at_most,
    equal,
    parameters,
    relu,
)

__all__ = [
    "band_stage",
    "carry",
    "decoder_step",
    "four_neuron_bump",
    "one_sign_stage",
    "piecewise_linear",
    "positive_homogeneity",
    "sign_lift",
    "steep_enough",
    "tent",
    "three_neuron_bump",
]


def piecewise_linear(t: Expr, bends: Sequence[Expr], jumps: Sequence[Any]) -> Expr:
    """`sum jump * relu(t - bend)`.

    >>> piecewise_linear(*parameters("t"), [0, 1], [1, -1])
    Traceback (most recent call last):
    TypeError: cannot unpack non-iterable Symbol object
    """
    return sum((jump * relu(t - bend) for bend, jump in zip(bends, jumps, strict=True)), sp.S.Zero)
