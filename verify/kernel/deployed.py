"""The claim `deployed`: what IEEE 754 arithmetic makes of the network, whatever the order of summation.

`g` runs in the format `dtype` on points that are numbers of it, each layer by sums of products in any order,
with or without FMA, without flush-to-zero; every neuron is computed once, and all sums of the next layer use
that float; `base + g` is rounded once, to the format `sum`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verify.kernel.certificate import Certificate, Progress
from verify.kernel.edit import Violation, ratio
from verify.kernel.floats import FORMATS, FloatLayer, Format, Near, lowest, mixed
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
        g, exponent = [Near(n >> shift) for n in x], self.dtype.below - shift
        for k, layer in enumerate(layers):
            if k:
                g = [z.relu(("relu", k, j)) for j, z in enumerate(g)]
            sums = layer(g, exponent, k)
            if sums is None:
                return Violation(f"sums of layer {k}", "no overflow", "it cannot be excluded", i)
            g, exponent = sums
        wanted = self.certificate.edits.get(i)
        if wanted is not None:
            below = base[1] << exponent
            totals = [mixed([base[1]], [z], b << exponent) for b, z in zip(base[0], g, strict=True)]
            return self._off(i, wanted, totals, below)
        for k, z in enumerate(g):
            if z.value or z.error:
                got = f"{ratio(z.value, 1 << exponent)} +- {ratio(z.error, 1 << exponent)}"
                return Violation(f"g[{k}] as floats at a protected point", "0", got, i)
        return None

    def _off(self, i: int, wanted: Row | int, totals: list[Near], below: int) -> Violation | None:
        """What is wrong with `base + g`, which is `totals / below` before it is rounded."""
        ends = []  # rounding is monotone: the float lies between these
        for k, z in enumerate(totals):
            low, high = (self.sum.nearest(z.value + side * z.error, below) for side in (-1, 1))
            if low is None or high is None:
                return Violation(f"base + g as floats, output {k}", "no overflow", "it cannot be excluded", i)
            ends.append((low, high))
        unit, (p, q) = 1 << self.sum.below, self.tolerance
        for k, (low, high) in enumerate(ends):
            if isinstance(wanted, int):
                if (
                    k != wanted
                    and ends[wanted][0] <= high
                    and not self._ahead(totals[wanted], totals[k], below)
                ):
                    lead = f"lead as floats of label {wanted} over {k}"
                    return Violation(lead, "above 0", f"possibly {ratio(ends[wanted][0] - high, unit)}", i)
                continue
            target, over = wanted[0][k], wanted[1]
            for value in (low, high):  # |value / unit - target / over| <= p / q
                if abs(value * over - target * unit) * q > p * unit * over:
                    expected = f"{ratio(target, over)} within {ratio(p, q)}"
                    got = f"possibly {ratio(value, unit)}"
                    return Violation(f"base + g as floats, output {k}", expected, got, i)
        return None

    def _ahead(self, one: Near, other: Near, below: int) -> bool:
        """Whether one sum is surely larger than another, even if both are rounded against it: by a factor
        `1 + t`, `|t| <= u`, or where subnormal by half of the least positive number."""
        lead = mixed([1, -1], [one, other])
        sizes = sum(abs(z.value) + z.error for z in (one, other))
        return lead.value - lead.error > (sizes >> self.sum.digits) + (below >> self.sum.below) + 2


def _foreign(form: Format, row: Row, what: str, i: int | None = None) -> Violation:
    """The first entry that is no number of the format."""
    k = next(k for k, p in enumerate(row[0]) if form.scaled(([p], row[1])) is None)
    return Violation(f"{what}, entry {k}", f"a number of {form.name}", ratio(row[0][k], row[1]), i)
