"""Lemmas about what few neurons make of a value: bumps, output stages, lifts and steps.

Each lemma returns a checked `Proof`, or raises `ProofError`. A keyword is a constant of the statement; its
default makes the statement true, and the tests show that other values make it false.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from verify.symbolic.proof import Proof
from verify.symbolic.search import goal, prove
from verify.symbolic.terms import Expr, above, at_least, at_most, equal, parameters, relu

__all__ = [
    "band",
    "band_stage",
    "bump_of_four",
    "bump_of_three",
    "carry",
    "decoder_step",
    "four_neuron_bump",
    "lift_down",
    "one_sign_band",
    "one_sign_stage",
    "positive_homogeneity",
    "sign_lift",
    "steep_enough",
    "squares",
    "step",
    "three_neuron_bump",
    "two_neuron_decoder",
]

QUARTER = sp.Rational(1, 4)


def positive_homogeneity(least: Any = 0) -> Proof:
    """`relu(a z) = a relu(z)` for `a >= 0`: a positive factor moves through a neuron."""
    a, z = parameters("a z")
    return prove(
        "positive-homogeneity",
        "A factor that is not negative moves through a neuron, so that denominators can be cleared.",
        [goal([at_least(a, least)], equal(relu(a * z), a * relu(z)))],
    )


def bump_of_three(z: Expr, v: Expr) -> Expr:
    return relu(z + v) + relu(z - v) - 2 * relu(z)


def three_neuron_bump(margin: Any = 1) -> Proof:
    """`relu(z + v) + relu(z - v) - 2 relu(z)` is `|v|` at `z = 0`, and 0 where `|z| >= |v|`."""
    z, v = parameters("z v")
    bump = bump_of_three(z, v)
    return prove(
        "three-neuron-bump",
        "Three neurons give the size of v where a function is 0, and nothing where it is large.",
        [
            goal([equal(z, 0)], equal(bump, abs(v)), "At the edits"),
            goal([at_least(abs(z), margin * abs(v))], equal(bump, 0), "Elsewhere"),
        ],
    )


def bump_of_four(z: Expr, v: Expr, c: Expr) -> Expr:
    return relu(z + c + v) - relu(z + c) - relu(z - c + v) + relu(z - c)


def four_neuron_bump(margin: Any = 1) -> Proof:
    """`relu(z+c+v) - relu(z+c) - relu(z-c+v) + relu(z-c)` is `v` where `|z| <= c - |v|`, and 0 where
    `|z| >= c + |v|`, `c >= 0`."""
    z, v, c = parameters("z v c")
    bump = bump_of_four(z, v, c)
    return prove(
        "four-neuron-bump",
        "Four neurons give v, whatever its sign, where a function is small, and nothing where it is large.",
        [
            goal([at_most(abs(z), c - abs(v))], equal(bump, v), "At the edits"),
            goal([at_least(c, 0), at_least(abs(z), c + margin * abs(v))], equal(bump, 0), "Elsewhere"),
        ],
    )


def steep_enough(share: Any = 1) -> Proof:
    """On a line with an edit, `z = k u` and `v(u) = v + w u` at distance `u` from it: if `|u| >= gap`
    and `(|k| - |w|) gap >= c + |v|`, then `|z| >= c + |v(u)|`, as the bumps ask."""
    k, u, v, w, c, gap = parameters("k u v w c gap")
    given = [
        above(gap, 0), at_least(c, 0), at_least(abs(u), gap),
        at_least((abs(k) - abs(w)) * gap, share * (c + abs(v))),
    ]  # fmt: skip
    return prove(
        "steep-enough",
        "A steepness that clears the nearest data point clears all others on its line.",
        [goal(given, at_least(abs(k * u), c + abs(v + w * u)))],
    )


def lift_down(s: Expr, b: Expr) -> Expr:
    return 3 * relu(s - b / 2) - 2 * relu(s - b / 4)


def sign_lift(lift: Any = 2) -> Proof:
    """`D(s) = 3 relu(s - B/2) - 2 relu(s - B/4)` is `delta` at `s = delta + B` if `B >= 2 |delta|`, and 0 for
    `s <= B/4`, so also around `s = 0`."""
    s, b, delta = parameters("s B delta")
    return prove(
        "sign-lift",
        "Two neurons take heights of one sign back to values of both.",
        [
            goal([at_least(b, lift * abs(delta))], equal(lift_down(delta + b, b), delta), "At the edits"),
            goal([at_least(b, 0), at_most(s, b / 4)], equal(lift_down(s, b), 0), "Elsewhere"),
        ],
    )


def band(s: Expr, m: Expr) -> Expr:
    return relu(s) - 2 * relu(s - m) + 2 * relu(s - 3 * m) - relu(s - 4 * m)


def band_stage(reach: Any = 1) -> Proof:
    """The output stage through `(0, 0), (M, M), (3M, -M), (4M, 0)`, 0 outside: `D(2M - delta) = delta` if
    `|delta| <= M`, and `|D| <= M` everywhere."""
    s, m, delta = parameters("s M delta")
    return prove(
        "band-stage",
        "Four neurons give a value of any sign inside of a band, and nothing outside of it.",
        [
            goal([at_most(abs(delta), reach * m)], equal(band(2 * m - delta, m), delta), "At the edits"),
            goal([at_least(m, 0), at_most(s, 0)], equal(band(s, m), 0), "Below"),
            goal([at_least(m, 0), at_least(s, 4 * m)], equal(band(s, m), 0), "Above"),
            goal([at_least(m, 0)], at_most(band(s, m), m), "From above"),
            goal([at_least(m, 0)], at_least(band(s, m), -m), "From below"),
        ],
    )


def one_sign_band(s: Expr, m: Expr) -> Expr:
    return relu(s) - 2 * relu(s - m) + relu(s - 2 * m)


def one_sign_stage(reach: Any = 1) -> Proof:
    """The tent through `(0, 0), (M, M), (2M, 0)`, 0 outside: `D(delta) = delta` if `0 <= delta <= M`, and
    `0 <= D <= M` everywhere."""
    s, m, delta = parameters("s M delta")
    given = [at_least(delta, 0), at_most(delta, reach * m)]
    return prove(
        "one-sign-stage",
        "Three neurons give a value that is not negative inside of a band, and nothing outside of it.",
        [
            goal(given, equal(one_sign_band(delta, m), delta), "At the edits"),
            goal([at_least(m, 0), at_most(s, 0)], equal(one_sign_band(s, m), 0), "Below"),
            goal([at_least(m, 0), at_least(s, 2 * m)], equal(one_sign_band(s, m), 0), "Above"),
            goal([at_least(m, 0)], at_most(one_sign_band(s, m), m), "From above"),
            goal([at_least(m, 0)], at_least(one_sign_band(s, m), 0), "From below"),
        ],
    )


def step(s: Expr, c: Expr) -> Expr:
    return relu(2 * s - 2 * c + sp.Rational(3, 2)) - relu(2 * s - 2 * c + sp.Rational(1, 2))


def decoder_step(error: Any = QUARTER) -> Proof:
    """`relu(2s - 2c + 3/2) - relu(2s - 2c + 1/2)` is 1 if `s` is wrong by at most 1/4 about a code that is at
    least `c`, and 0 if the code is at most `c - 1`."""
    s, c, code = parameters("s c k")
    near = at_most(abs(s - code), error)
    return prove(
        "decoder-step",
        "A step tells codes from c on from those below, whatever error up to 1/4 the encoder makes.",
        [
            goal([near, at_least(code, c)], equal(step(s, c), 1), "Codes from c on"),
            goal([near, at_most(code, c - 1)], equal(step(s, c), 0), "Codes below"),
        ],
    )


def squares(s: Expr, c: Expr) -> Expr:
    """The score of class `c` for the code `s`: `2 c s - c^2` from 3/4 on."""
    return (3 * c - 2 * c**2) * relu(s - QUARTER) + (2 * c**2 - c) * relu(s - 3 * QUARTER)


def two_neuron_decoder(lead: Any = QUARTER * 2, gap: Any = 1, reach: Any = QUARTER) -> Proof:
    """`(3c - 2c^2) relu(s - 1/4) + (2c^2 - c) relu(s - 3/4)` is 0 for all `c` if `s <= 1/4`; if `s` is within
    1/4 of `c >= 1`, it is at least 1/2, and by at least 1/2 above that of any `k >= 1` with `|c-k| >= 1`."""
    s, c, k = parameters("s c k")
    near = at_most(abs(s - c), QUARTER)
    ahead = at_least(squares(s, c) - squares(s, k), lead)
    return prove(
        "two-neuron-decoder",
        "Two neurons decode any number of classes, whatever error up to 1/4 the encoder makes.",
        [
            goal([at_most(s, reach)], equal(squares(s, c), 0), "Protected points"),
            goal([near, at_least(c, 1)], at_least(squares(s, c), lead), "Over classes without a code"),
            goal([near, at_least(c, 1), at_least(k, c + gap)], ahead, "Over larger codes"),
            goal([near, at_least(c, k + gap), at_least(k, 1)], ahead, "Over smaller codes"),
        ],
    )


def carry(below: Any = 0) -> Proof:
    """`relu(g + floor) - floor = g` if `g >= -floor`: a further layer costs one neuron."""
    g, floor = parameters("g floor")
    return prove(
        "carry",
        "One neuron that is always active carries a value through a further layer.",
        [goal([at_least(g, -floor - below)], equal(relu(g + floor) - floor, g))],
    )
