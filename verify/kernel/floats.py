"""Formats of IEEE 754, and layers as they evaluate them: proven error bounds, by integers alone.

Rows of dyadic numbers are integers over a power of two: `n` with `exponent` stands for `n 2^-exponent`.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.kernel.reader import Array, Row

__all__ = ["FORMATS", "FloatLayer", "Format", "lowest"]

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

    def __call__(
        self, values: list[int], errors: list[int], exponent: int
    ) -> tuple[list[int], list[int], int]:
        """Exact pre-activations, how far their floats may be off, and the exponent of both; the inputs are
        given alike. An error of -1 says that an overflow is possible.

        With fan-in `n` and `u = 2^-digits`: in any order of summation, with or without FMA, a product passes
        at most `n + 1` roundings, each a factor `1 + t`, `|t| <= u`, and the bias fewer; a product that
        underflows is off by at most `2^-below / 2` besides, before further roundings. So the float differs
        from the sum over the rounded inputs by at most `g s + n 2^-below`, where `s` is the sum of the sizes
        of products and bias and `g = (n + 1) u / (1 - (n + 1) u) <= 1`.

        Nothing is rounded if all products and the bias are exact, multiples of one power of two that is at
        least `2^-below`, and the sum of their sizes is at most `2^digits` times as large.
        """
        form, roundings = self.format, len(values) + 1
        out = exponent + self.exponent + _GUARD
        if 2 * roundings > 1 << form.digits:
            return [0] * len(self.rows), [-1] * len(self.rows), out
        tiny = -(-len(values) << out >> form.below)
        results, bounds = [], []
        for row in self.rows:
            terms = list(map(int.__mul__, row, values))  # one weight a value; the bias is the last entry
            terms.append(row[-1] << exponent)
            sizes = sum(map(abs, terms))
            passed_on = sum(map(int.__mul__, map(abs, row), errors))
            zeros = lowest(terms)
            unrounded = zeros >= out - _GUARD - form.below and sizes <= 1 << zeros + form.digits
            bound = 0
            if passed_on or (sizes and not unrounded):
                rounded = -(-(sizes + passed_on << _GUARD) * roundings // ((1 << form.digits) - roundings))
                bound = (passed_on << _GUARD) + rounded + tiny
            fits = (sizes << _GUARD) + bound < 1 << form.top + out
            results.append(sum(terms) << _GUARD)
            bounds.append(bound if fits else -1)
        return results, bounds, out


def lowest(entries: list[int]) -> int:
    """How many zero bits all entries end in; 0 if there is nothing but zeros."""
    bits = 0
    for entry in entries:
        bits |= entry
    return max(0, (bits & -bits).bit_length() - 1)
