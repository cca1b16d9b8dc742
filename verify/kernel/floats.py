"""Formats of IEEE 754, and layers as they evaluate them: proven error bounds, by integers alone.

Rows of dyadic numbers are integers over a power of two: `n` with `exponent` stands for `n 2^-exponent`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from verify.kernel.reader import Row

__all__ = ["FORMATS", "FloatLayer", "Format", "Near", "lowest", "mixed"]

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


Origin = tuple[str, int, int]
"""What made an error: the rounded sums or the ReLU of a layer, and the neuron."""


@dataclass(frozen=True)
class Near:
    """A float near an exact `value`: off by at most `error`, and by all `noise` times unknown numbers between
    -1 and 1, one for each origin. So errors that have one origin can cancel. Both hold at once, in every
    evaluation, for all floats and one choice of these numbers; no noise means no error."""

    value: int
    error: int = 0
    noise: dict[Origin, int] = field(default_factory=dict)

    def relu(self, origin: Origin) -> Near:
        """The activation; `origin` is for an error that is not linear: where both signs are possible."""
        if self.value >= self.error:
            return self
        error = max(0, self.error + min(0, self.value))
        return Near(max(0, self.value), error, {origin: error} if error else {})


def mixed(weights: list[int], parts: list[Near], bias: int = 0) -> Near:
    """The sum of floats times weights, and a bias, before it is rounded."""
    noise: dict[Origin, int] = {}
    for w, part in zip(weights, parts, strict=True):
        if w:
            for origin, size in part.noise.items():
                noise[origin] = noise.get(origin, 0) + w * size
    value = bias + sum(w * part.value for w, part in zip(weights, parts, strict=True))
    error = sum(abs(w) * part.error for w, part in zip(weights, parts, strict=True))
    return Near(value, min(error, sum(map(abs, noise.values()))), noise)


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

    def __call__(self, inputs: list[Near], exponent: int, layer: int) -> tuple[list[Near], int] | None:
        """Pre-activations as floats and their exponent, from inputs and theirs. None if it is not sure that
        no sum overflows. `layer` names the origin of what is rounded.

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
        form, results = self.format, []
        out = exponent + self.exponent + _GUARD
        values, errors = [x.value for x in inputs], [x.error for x in inputs]
        noisy = [k for k, x in enumerate(inputs) if x.error]
        for j, row in enumerate(self.rows):
            terms = [*map(int.__mul__, row, values), row[-1] << exponent]  # the bias is the last entry
            slack = [*map(int.__mul__, map(abs, row), errors), 0]
            reach = [*map(int.__add__, map(abs, terms), slack)]
            total, passed_on = sum(terms), sum(slack)
            sizes, zeros = sum(reach) - passed_on, lowest(terms)
            larger = (sizes + abs(total)) // 2  # of the sums of positive and of negative terms
            unrounded = zeros >= out - _GUARD - form.below and larger <= 1 << zeros + form.digits
            rounded = 0
            if passed_on or (sizes and not unrounded):
                n = len(reach) - reach.count(0)
                rest = (1 << form.digits) - n
                if n > rest:
                    return None
                rounded = -(-(sizes + passed_on << _GUARD) * n // rest) - (-n << out >> form.below)
            if (sizes + passed_on << _GUARD) + rounded >= 1 << form.top + out:
                return None
            before = mixed([row[k] << _GUARD for k in noisy], [inputs[k] for k in noisy])
            noise = before.noise | ({("sum", layer, j): rounded} if rounded else {})
            results.append(Near(total << _GUARD, before.error + rounded, noise))
        return results, out


def lowest(entries: list[int]) -> int:
    """How many zero bits all entries end in; 0 if there is nothing but zeros."""
    bits = 0
    for entry in entries:
        bits |= entry
    return max(0, (bits & -bits).bit_length() - 1)
