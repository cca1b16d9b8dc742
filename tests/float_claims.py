"""The claims `deployed` and `robust` in `Fraction`s: naive judges after `verify/CERTIFICATE.md`, networks as
IEEE 754 evaluates them, and certificates. No code is shared with the checker.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from networks import Layers, text_array

import verify

Row = list[Fraction]
ZERO = Fraction(0)
FORMATS = {"float32": (24, 127), "float64": (53, 1023)}
"""Digits of the significand, and the exponent of the largest numbers."""


# Certificates


def document(
    layers: Layers, points: Sequence[Row], base: Sequence[Row], edits: dict[int, Any], *claims: dict[str, Any]
) -> dict[str, Any]:
    """`edits` are rows of values, or labels; none are values if there is one output."""
    index = sorted(edits)
    wanted: dict[str, Any] = {"index": index}
    if all(isinstance(edits[i], int) for i in index) and len(base[0]) > 1:
        wanted["label"] = [edits[i] for i in index]
    else:
        wanted["value"] = text_array([edits[i] for i in index])
        wanted["value"]["shape"] = [len(index), len(base[0])]
    network = []
    inputs = len(points[0])
    for weight, bias in layers:
        rows = (
            {"shape": [0, inputs], "denominators": [], "numerators": []} if not weight else text_array(weight)
        )
        rows["shape"][1] = inputs
        network.append({"weight": rows, "bias": text_array(bias)})
        inputs = len(bias)
    return {
        "format": "ftc-certificate",
        "version": 1,
        "claims": list(claims),
        "points": text_array([list(point) for point in points]),
        "base": text_array([list(row) for row in base]),
        "edits": wanted,
        "network": network,
    }


def deployed(dtype: str, total: str, **more: Any) -> dict[str, Any]:
    return {"kind": "deployed", "dtype": dtype, "sum": total, **more}


def judged(content: dict[str, Any], folder: Path) -> verify.Verdict:
    path = folder / "claim.json"
    path.write_text(json.dumps(content))
    verdict = verify.check(path)
    assert verdict.status != "malformed", verdict.text()
    return verdict


def accepted(content: dict[str, Any], folder: Path) -> bool:
    return judged(content, folder).status == "accepted"


# IEEE 754


def power(x: Fraction) -> int:
    """The exponent of the largest power of two that is at most `|x|`, for `x` other than 0."""
    k = abs(x.numerator).bit_length() - x.denominator.bit_length()
    return k if abs(x) >= Fraction(2) ** k else k - 1


def rounded(x: Fraction, name: str) -> Fraction | None:
    """The nearest float, ties to even; None on overflow."""
    digits, largest = FORMATS[name]
    if not x:
        return x
    step = Fraction(2) ** (max(power(x), 1 - largest) + 1 - digits)
    out = round(x / step) * step  # Python rounds ties to even, too
    return None if abs(out) >= Fraction(2) ** (largest + 1) else out


class Overflow(Exception):  # noqa: N818 - it is no error
    """A result is infinite."""


def finite(x: Fraction, name: str) -> Fraction:
    out = rounded(x, name)
    if out is None:
        raise Overflow
    return out


def some_sum(rng: random.Random, products: Row, bias: Fraction, name: str) -> Fraction:
    """Products and a bias, added in some order, in pieces of any size, with FMA here and there."""
    order, fused = rng.choice(("first", "last", "anywhere")), rng.choice((0.0, 0.5, 1.0))
    terms: list[tuple[Fraction, bool]] = [(p, True) for p in products]  # and whether it is not rounded yet
    rng.shuffle(terms)
    chain = rng.random() < 0.5
    if order == "first":
        terms.insert(0, (bias, False))
    elif order == "anywhere":
        terms.insert(rng.randrange(len(terms) + 1), (bias, False))
    while len(terms) > 1:
        i = 0 if chain else rng.randrange(len(terms) - 1)
        (x, raw), (y, also) = terms[i], terms[i + 1]
        fma = rng.random() < fused  # then one product stays exact
        x = finite(x, name) if raw and (also or not fma) else x
        y = finite(y, name) if also and not fma else y
        terms[i : i + 2] = [(finite(x + y, name), False)]
    total = finite(terms[0][0], name) if terms else ZERO
    return finite(total + bias, name) if order == "last" else total


def some_evaluation(rng: random.Random, layers: Layers, x: Row, name: str) -> Row:
    """The network as floats, in one of the ways that `deployed` is about."""
    for k, (weight, bias) in enumerate(layers):
        if k:
            x = [max(z, ZERO) for z in x]
        x = [
            some_sum(rng, [w * z for w, z in zip(row, x, strict=True)], b, name)
            for row, b in zip(weight, bias, strict=True)
        ]
    return x


# The judge of `deployed`


def _low_bit(x: Fraction) -> Fraction:
    """The largest power of two of which a number with a power of two below is a multiple."""
    return Fraction(x.numerator & -x.numerator, x.denominator)


Sum = tuple[Fraction, Fraction, Counter[Any]]
"""An exact value, how far its float may be off, and the same as multiples of terms between -1 and 1."""


def rounding_of(products: Row, bias: Fraction, slack: Row, name: str) -> Fraction | None:
    """How far rounding may take a sum off; None if it may overflow."""
    digits, largest = FORMATS[name]
    least = Fraction(2) ** (2 - largest - digits)
    terms = [*products, bias]
    sizes, passed_on = sum(map(abs, terms), ZERO), sum(slack, ZERO)
    off = ZERO
    unit = min((_low_bit(t) for t in terms if t), default=Fraction(1))
    larger = max(sum(t for t in terms if t > 0), -sum(t for t in terms if t < 0))
    if passed_on or unit < least or larger > unit * 2**digits:
        n = sum(1 for t, s in zip(terms, [*slack, ZERO], strict=True) if t or s)
        u = Fraction(1, 2**digits)
        if 2 * n * u > 1:
            return None
        off = n * u / (1 - n * u) * (sizes + passed_on) + n * least
    return None if sizes + passed_on + off >= Fraction(2) ** (largest + 1) else off


def combined(weights: Row, parts: list[Sum], bias: Fraction) -> Sum:
    noise: Counter[Any] = Counter()
    for w, (_, _, terms) in zip(weights, parts, strict=True):
        for term, size in terms.items():
            noise[term] += w * size
    value = sum((w * v for w, (v, _, _) in zip(weights, parts, strict=True)), bias)
    one_by_one = sum((abs(w) * e for w, (_, e, _) in zip(weights, parts, strict=True)), ZERO)
    return value, min(one_by_one, sum(map(abs, noise.values()), ZERO)), noise


def rectified(part: Sum, term: Any) -> Sum:
    value, error, _ = part
    if value - error >= 0:
        return part
    if value + error <= 0:
        return ZERO, ZERO, Counter()
    error = value + error if value < 0 else error
    return max(value, ZERO), error, Counter({term: error})


def output_sums(layers: Layers, x: Row, name: str) -> list[Sum] | None:
    """The outputs; None if something may overflow."""
    state: list[Sum] = [(z, ZERO, Counter()) for z in x]
    for k, (weight, bias) in enumerate(layers):
        if k:
            state = [rectified(part, ("relu", k, j)) for j, part in enumerate(state)]
        sums = []
        for j, (row, b) in enumerate(zip(weight, bias, strict=True)):
            off = rounding_of(
                [w * v for w, (v, _, _) in zip(row, state, strict=True)], b,
                [abs(w) * e for w, (_, e, _) in zip(row, state, strict=True)], name,
            )  # fmt: skip
            if off is None:
                return None
            value, error, noise = combined(row, state, b)
            noise[k, j] = off
            sums.append((value, error + off, noise))
        state = sums
    return state


def lost(one: Sum, other: Sum, name: str) -> Fraction:
    """What two sums may lose on each other by being rounded."""
    digits, largest = FORMATS[name]
    sizes = sum((abs(v) + e for v, e, _ in (one, other)), ZERO)
    return sizes / 2**digits + Fraction(2) ** (2 - largest - digits)


def surely_ahead(one: Sum, other: Sum, name: str) -> bool:
    value, error, _ = combined([Fraction(1), Fraction(-1)], [one, other], ZERO)
    return value - error > lost(one, other, name)


def holds_as_floats(
    claim: dict[str, Any], layers: Layers, points: list[Row], base: list[Row], wanted: dict[int, Any]
) -> bool:
    dtype, total = claim["dtype"], claim["sum"]
    if any(rounded(x, dtype) != x for weight, bias in layers for row in [*weight, bias] for x in row):
        return False
    for i, (x, frozen) in enumerate(zip(points, base, strict=True)):
        if any(rounded(z, dtype) != z for z in x) or any(rounded(b, total) != b for b in frozen):
            return False
        outputs = output_sums(layers, x, dtype)
        if outputs is None:
            return False
        if i not in wanted:
            if any(z or e for z, e, _ in outputs):
                return False
            continue
        low = [rounded(b + z - e, total) for b, (z, e, _) in zip(frozen, outputs, strict=True)]
        high = [rounded(b + z + e, total) for b, (z, e, _) in zip(frozen, outputs, strict=True)]
        if None in low or None in high:
            return False
        if isinstance(wanted[i], int):
            logits = [(b + z, e, noise) for b, (z, e, noise) in zip(frozen, outputs, strict=True)]
            for k, most in enumerate(high):
                if k == wanted[i] or low[wanted[i]] > most:
                    continue
                if not surely_ahead(logits[wanted[i]], logits[k], total):
                    return False
        else:
            near = Fraction(claim.get("tolerance", 0))
            if any(abs(r - v) > near for row in (low, high) for r, v in zip(row, wanted[i], strict=True)):
                return False
    return True


# The judge of `robust`

Ball = tuple[Fraction, Counter[Any], Fraction, Fraction]
"""Middle, factors of terms between -1 and 1, least and greatest value."""


def _sum_of(weights: Row, balls: list[Ball], bias: Fraction) -> Ball:
    middle, factors, ends = bias, Counter[Any](), [(bias, bias)]
    for w, (m, terms, low, high) in zip(weights, balls, strict=True):
        middle += w * m
        for term, factor in terms.items():
            factors[term] += w * factor
        ends.append((min(w * low, w * high), max(w * low, w * high)))
    spread = sum(map(abs, factors.values()), ZERO)
    low, high = (sum(end, ZERO) for end in zip(*ends, strict=True))
    return middle, factors, max(low, middle - spread), min(high, middle + spread)


def _relu_of(ball: Ball, name: Any) -> Ball:
    middle, factors, low, high = ball
    if high <= 0:
        return ZERO, Counter(), ZERO, ZERO
    if low >= 0:
        return ball
    slope = high / (high - low)
    most = -slope * low  # of `relu(z) - slope z`
    scaled = Counter({term: slope * factor for term, factor in factors.items()})
    scaled[name] = most / 2
    return slope * middle + most / 2, scaled, ZERO, high


def balls_of(layers: Layers, x: Row, radius: Fraction) -> list[Ball]:
    balls: list[Ball] = [(z, Counter({("x", k): radius}), z - radius, z + radius) for k, z in enumerate(x)]
    for k, (weight, bias) in enumerate(layers):
        if k:
            balls = [_relu_of(ball, (k, j)) for j, ball in enumerate(balls)]
        balls = [_sum_of(row, balls, b) for row, b in zip(weight, bias, strict=True)]
    return balls


def holds_in_balls(
    claim: dict[str, Any], layers: Layers, points: list[Row], base: list[Row], wanted: dict[int, int]
) -> bool:
    for i, (x, frozen) in enumerate(zip(points, base, strict=True)):
        balls = balls_of(layers, x, Fraction(claim["radius"]))
        if i not in wanted:
            if any(low or high for *_, low, high in balls):
                return False
            continue
        label = wanted[i]
        for k in range(len(frozen)):
            if k != label:
                lead = _sum_of(
                    [Fraction(1), Fraction(-1)], [balls[label], balls[k]], frozen[label] - frozen[k]
                )
                if lead[2] <= 0:
                    return False
    return True
