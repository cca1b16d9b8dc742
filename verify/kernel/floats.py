"""Formats of IEEE 754, and layers as they evaluate them: proven error bounds, by integers alone.

Rows of dyadic numbers are integers over a power of two: `n` with `exponent` stands for `n 2^-exponent`.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.kernel.reader import Array, Row

__all__ = ["FORMATS", "FloatLayer", "Format", "Near", "lowest"]

_GUARD = 64  # bits below those of the exact values, for the error bounds


@dataclass(frozen=True)
class Format:
    """A binary format: `digits` of the significand; finite numbers are multiples of `2^-below`, and smaller
    than `2^top` in size."""

    digits: int
    below: int
    top: int

    def scaled(self, row: Row) -> list[int] | None:
        """A row in units of `2^-below`; None if some entry is no number of this format."""
        numerators, q = row
        out = []
        for p in numerators:
            n, rest = divmod(p << self.below, q)
            if (
                rest
                or (n // (n & -n or 1)).bit_length() > self.digits
                or n.bit_length() > self.top + self.below
            ):
                return None
            out.append(n)
        return out

    def nearest(self, p: int, q: int) -> int | None:
        """`p / q`, `q > 0`, rounded to nearest, ties to even, in units of `2^-below`; None on overflow."""
        size = abs(p) << self.below
        step = 1 << max(0, (size // q).bit_length() - self.digits)
        whole, rest = divmod(size, q * step)
        over = 2 * rest - q * step
        rounded = (whole + (over > 0 or (over == 0 and whole % 2 == 1))) * step
        if rounded.bit_length() > self.top + self.below:
            return None
        return rounded if p >= 0 else -rounded


FORMATS = {"float32": Format(24, 149, 128), "float64": Format(53, 1074, 1024)}


@dataclass(frozen=True)
class Near:
    """A float near an exact `value`: it is `value` plus all `noise` times unknown numbers between -1 and 1. A
    key of `noise` names the sum that was rounded, so that errors with one origin can cancel."""

    value: int
    noise: dict[int, int]

    @property
    def error(self) -> int:
        """How far the float may be off."""
        return sum(map(abs, self.noise.values()))

    def relu(self, key: int) -> Near:
        """The activation; `key` is new, for the case that the sign is not sure."""
        error = self.error
        if self.value + error <= 0:
            return Near(0, {})
        return self if self.value >= error else Near(max(self.value, 0), {key: error})


@dataclass(frozen=True)
class FloatLayer:
    """Rows of integers over `2^exponent`, the bias last."""

    format: Format
    rows: list[list[int]]
    exponent: int

    @classmethod
    def of(cls, format: Format, weight: Array, bias: Array) -> FloatLayer | None:
        """None if a weight or bias is no number of the format."""
        rows = []
        for w, b in zip(weight.rows(), bias.rows(), strict=True):
            entries, offset = format.scaled(w), format.scaled(b)
            if entries is None or offset is None:
                return None
            rows.append(entries + offset)
        shift = min(format.below, lowest([entry for row in rows for entry in row]))
        return cls(format, [[entry >> shift for entry in row] for row in rows], format.below - shift)

    def __call__(self, inputs: list[Near], exponent: int, key: int) -> tuple[list[Near], int] | None:
        """Pre-activations and their exponent, from inputs and theirs; None if a sum may overflow. Keys of noise
        from `key` on are new.

        With fan-in `n` and `u = 2^-digits`: in any order of summation, with or without FMA, a product passes
        at most `n + 1` roundings, each a factor `1 + t`, `|t| <= u`, and the bias fewer; a product that
        underflows is off by at most `2^-below / 2` besides, before further roundings. So the float differs
        from the sum over the float inputs by at most `g s + n 2^-below`, where `s` is the sum of the sizes
        of products and bias and `g = (n + 1) u / (1 - (n + 1) u) <= 1`.

        Nothing is rounded if all products and the bias are exact, multiples of one power of two that is at
        least `2^-below`, and the sum of their sizes is at most `2^digits` times as large.
        """
        form, roundings = self.format, len(inputs) + 1
        if 2 * roundings > 1 << form.digits:
            return None
        out = exponent + self.exponent + _GUARD
        tiny = -(-len(inputs) << out >> form.below)
        values, errors = [x.value for x in inputs], [x.error for x in inputs]
        noisy = [k for k, x in enumerate(inputs) if x.noise]
        results = []
        for number, row in enumerate(self.rows, start=key):
            terms = list(map(int.__mul__, row, values))  # one weight a value; the bias is the last entry
            terms.append(row[-1] << exponent)
            sizes = sum(map(abs, terms))
            passed_on = sum(map(int.__mul__, map(abs, row), errors))
            zeros = lowest(terms)
            unrounded = zeros >= out - _GUARD - form.below and sizes <= 1 << zeros + form.digits
            noise: dict[int, int] = {}
            for k in noisy:
                for name, size in inputs[k].noise.items():
                    noise[name] = noise.get(name, 0) + (row[k] * size << _GUARD)
            rounded = 0
            if passed_on or (sizes and not unrounded):
                rounded = (
                    -(-(sizes + passed_on << _GUARD) * roundings // ((1 << form.digits) - roundings)) + tiny
                )
                noise[number] = rounded
            if (sizes + passed_on << _GUARD) + rounded >= 1 << form.top + out:
                return None
            results.append(Near(sum(terms) << _GUARD, noise))
        return results, out


def lowest(entries: list[int]) -> int:
    """How many zero bits all entries end in; 0 if there is nothing but zeros."""
    bits = 0
    for entry in entries:
        bits |= entry
    return max(0, (bits & -bits).bit_length() - 1)
