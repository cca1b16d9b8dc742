"""Formats of IEEE 754, and layers as they evaluate them: proven error bounds, by integers alone.

Rows of dyadic numbers are integers over a power of two: `n` with `exponent` stands for `n 2^-exponent`.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.kernel.reader import Row

__all__ = ["FORMATS", "FloatLayer", "Format", "lowest"]

_GUARD = 64  # bits below those of the exact values, for the error bounds


@dataclass(frozen=True)
class Format:
    """A binary format: `digits` of the significand; finite numbers are multiples of `2^-below`, and smaller
    than `2^top` in size."""

    name: str
    digits: int
    below: int
    top: int

    def scaled(self, row: Row) -> list[int] | None:
        """A row in units of `2^-below`; None if some entry is no number of this format."""
        numerators, q = row
        out = []
        for p in numerators:
            n, rest = divmod(p << self.below, q)
            size = n.bit_length()
            if rest or size - (n & -n).bit_length() >= self.digits or size > self.top + self.below:
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


FORMATS = {form.name: form for form in (Format("float32", 24, 149, 128), Format("float64", 53, 1074, 1024))}


@dataclass(frozen=True)
class FloatLayer:
    """Rows of integers over `2^exponent`, the bias last."""

    format: Format
    rows: list[list[int]]
    exponent: int

    @classmethod
    def of(cls, format: Format, rows: list[list[int]]) -> FloatLayer:
        """From rows in units of `2^-below`."""
        shift = min(format.below, lowest([entry for row in rows for entry in row]))
        return cls(format, [[entry >> shift for entry in row] for row in rows], format.below - shift)

    def __call__(
        self, values: list[int], errors: list[int], exponent: int
    ) -> tuple[list[int], list[int], int] | None:
        """Exact pre-activations, how far their floats may be off, and the exponent of both; the inputs are
        given alike. None if it is not sure that no sum overflows.

        Let `n` products and biases of a row be other than 0, and `u = 2^-digits`. In any order of summation,
        with or without FMA, a product passes at most `n` roundings, each a factor `1 + t`, `|t| <= u`, and
        the bias fewer: adding 0 is exact. A product or an FMA that underflows is off by at most
        `2^-below / 2` besides, before further roundings. So the float differs from the sum over the inputs as
        they are in floats by at most `g s + n 2^-below`, where `s` is the sum of the sizes of products and
        bias, and `g = n u / (1 - n u)`, as long as `g <= 1`. No sum on the way is larger than `s` and that.

        Nothing is rounded if the inputs are exact, products and bias are multiples of one power of two that
        is at least `2^-below`, and neither the positive ones nor the negative ones sum to more than
        `2^digits` times as much: every sum on the way lies between.
        """
        form, results, bounds = self.format, [], []
        out = exponent + self.exponent + _GUARD
        for row in self.rows:
            terms = [*map(int.__mul__, row, values), row[-1] << exponent]  # the bias is the last entry
            slack = [*map(int.__mul__, map(abs, row), errors), 0]
            reach = [*map(int.__add__, map(abs, terms), slack)]
            total, passed_on = sum(terms), sum(slack)
            sizes, zeros = sum(reach) - passed_on, lowest(terms)
            larger = (sizes + abs(total)) // 2  # of the sums of positive and of negative terms
            unrounded = zeros >= out - _GUARD - form.below and larger <= 1 << zeros + form.digits
            bound = 0
            if passed_on or (sizes and not unrounded):
                n = len(reach) - reach.count(0)
                rest = (1 << form.digits) - n
                if n > rest:
                    return None
                rounded = -(-(sizes + passed_on << _GUARD) * n // rest)
                bound = (passed_on << _GUARD) + rounded - (-n << out >> form.below)
            if (sizes << _GUARD) + bound >= 1 << form.top + out:
                return None
            results.append(total << _GUARD)
            bounds.append(bound)
        return results, bounds, out


def lowest(entries: list[int]) -> int:
    """How many zero bits all entries end in; 0 if there is nothing but zeros."""
    bits = 0
    for entry in entries:
        bits |= entry
    return max(0, (bits & -bits).bit_length() - 1)
