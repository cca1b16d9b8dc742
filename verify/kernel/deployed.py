"""The claim `deployed`: what IEEE 754 arithmetic makes of the network, whatever the order of summation.

`g` runs in the format `dtype` on points that are numbers of it, each layer by sums of products in any order,
with or without FMA, without flush-to-zero; `base + g` is rounded once, to the format `sum`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verify.kernel.certificate import Certificate, Progress
from verify.kernel.edit import Violation, ratio
from verify.kernel.floats import FORMATS, FloatLayer, Format, lowest
from verify.kernel.reader import Row, fields, need, rational, shown

__all__ = ["DeployedClaim"]


@dataclass
class DeployedClaim:
    """Every evaluation gives exactly 0 at protected points; at edited ones `base + g`, rounded, has the
    wanted label, strictly above all others, or is within `tolerance` of the wanted value."""

    certificate: Certificate
    facts: dict[str, Any]
    dtype: Format
    sum: Format
    tolerance: tuple[int, int]

    @classmethod
    def read(cls, raw: dict[str, Any], place: str, certificate: Certificate) -> DeployedClaim:
        fields(raw, place, ("kind", "dtype", "sum"), () if certificate.by_label else ("tolerance",))
        for key in ("dtype", "sum"):
            known = type(raw[key]) is str and raw[key] in FORMATS
            need(known, f"{place}.{key}", f"expected one of {', '.join(FORMATS)}, got {shown(raw[key])}")
        tolerance = rational(raw["tolerance"], f"{place}.tolerance") if "tolerance" in raw else (0, 1)
        need(tolerance[0] >= 0, f"{place}.tolerance", "the tolerance is negative")
        need(certificate.layers != [], "network", "the claim deployed needs a network")
        return cls(certificate, dict(raw), FORMATS[raw["dtype"]], FORMATS[raw["sum"]], tolerance)

    @property
    def proved(self) -> str:
        edits, total = len(self.certificate.edits), self.certificate.points.shape[0]
        what = "keep their label" if self.certificate.by_label else "have the wanted value"
        p, q = self.tolerance
        near = f" within {ratio(p, q)}" if p else ""
        return (
            f"in {self.dtype.name} arithmetic, sums in {self.sum.name}, {edits} edits {what}{near} "
            f"and g is exactly 0 at {total - edits} protected points, in every order of summation"
        )

    def judge(self, progress: Progress) -> Violation | None:
        """The first violated obligation: the weights, then the points in order."""
        first, layers = self._read_weights()
        for i, point, base in self.certificate.samples(progress):
            if first is None:  # later points are only read on: the digest counts
                first = self._violation(i, point, base, layers)
        return first

    def _read_weights(self) -> tuple[Violation | None, list[FloatLayer]]:
        layers, first = [], None
        for k, (weight, bias) in enumerate(self.certificate.layers):
            rows = []
            for j, both in enumerate(zip(weight.rows(), bias.rows(), strict=True)):
                entries = [self.dtype.scaled(row) for row in both]
                for name, row, found in zip(("weight", "bias"), both, entries, strict=True):
                    if first is None and found is None:
                        first = _foreign(self.dtype, row, f"{name} of layer {k}, row {j}")
                rows.append([n for found in entries for n in found or ()])
            layers.append(FloatLayer.of(self.dtype, rows))
        return first, layers

    def _violation(self, i: int, point: Row, base: Row, layers: list[FloatLayer]) -> Violation | None:
        x = self.dtype.scaled(point)
        if x is None:
            return _foreign(self.dtype, point, "point", i)
        if self.sum.scaled(base) is None:
            return _foreign(self.sum, base, "base", i)
        shift = min(self.dtype.below, lowest(x))
        values, errors, exponent = [n >> shift for n in x], [0] * len(x), self.dtype.below - shift
        for k, layer in enumerate(layers):
            if k:  # ReLU: what is surely not positive is 0, and no error grows
                errors = [max(0, error + min(0, value)) for value, error in zip(values, errors, strict=True)]
                values = [max(0, value) for value in values]
            sums = layer(values, errors, exponent)
            if sums is None:
                return Violation(f"sums of layer {k}", "no overflow", "it cannot be excluded", i)
            values, errors, exponent = sums
        wanted = self.certificate.edits.get(i)
        if wanted is None:
            for k, (value, error) in enumerate(zip(values, errors, strict=True)):
                if value or error:
                    got = f"{ratio(value, 1 << exponent)} +- {ratio(error, 1 << exponent)}"
                    return Violation(f"g[{k}] as floats at a protected point", "0", got, i)
            return None
        low, high = (
            [
                self.sum.nearest((b << exponent) + (value + side * error) * base[1], base[1] << exponent)
                for b, value, error in zip(base[0], values, errors, strict=True)
            ]
            for side in (-1, 1)
        )  # rounding is monotone: all floats that `base + g` may be lie between
        return self._off(i, wanted, low, high)

    def _off(
        self, i: int, wanted: Row | int, low: list[int | None], high: list[int | None]
    ) -> Violation | None:
        unit = 1 << self.sum.below
        for k, (least, most) in enumerate(zip(low, high, strict=True)):
            if least is None or most is None:
                return Violation(f"base + g as floats, output {k}", "no overflow", "it cannot be excluded", i)
            if isinstance(wanted, int):
                floor = low[wanted]
                if k != wanted and floor is not None and floor <= most:
                    lead = f"lead as floats of label {wanted} over {k}"
                    return Violation(lead, "above 0", f"possibly {ratio(floor - most, unit)}", i)
                continue
            (p, q), target, below = self.tolerance, wanted[0][k], wanted[1]
            for value in (least, most):  # |value / unit - target / below| <= p / q
                if abs(value * below - target * unit) * q > p * unit * below:
                    expected = f"{ratio(target, below)} within {ratio(p, q)}"
                    got = f"possibly {ratio(value, unit)}"
                    return Violation(f"base + g as floats, output {k}", expected, got, i)
        return None


def _foreign(form: Format, row: Row, what: str, i: int | None = None) -> Violation:
    """The first entry that is no number of the format."""
    k = next(k for k, p in enumerate(row[0]) if form.scaled(([p], row[1])) is None)
    return Violation(f"{what}, entry {k}", f"a number of {form.name}", ratio(row[0][k], row[1]), i)
