"""The claim `deployed`: what IEEE 754 arithmetic makes of the network, whatever the order of summation.

`g` runs in the format `dtype` on points that are numbers of it, each layer by sums of products in any order,
with or without FMA, without flush-to-zero; `base + g` is rounded once, to the format `sum`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verify.kernel.certificate import Certificate, Progress
from verify.kernel.edit import Violation, ratio
from verify.kernel.floats import FORMATS, FloatLayer, Format, Near, lowest
from verify.kernel.reader import Malformed, Row, fields, need, rational, shown

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
        if certificate.network is None:
            raise Malformed("network", "the claim deployed needs a network")
        return cls(certificate, dict(raw), FORMATS[raw["dtype"]], FORMATS[raw["sum"]], tolerance)

    @property
    def proved(self) -> str:
        edits, total = len(self.certificate.edits), self.certificate.points.shape[0]
        what = "keep their label" if self.certificate.by_label else "have the wanted value"
        p, q = self.tolerance
        near = f" within {ratio(p, q)}" if p else ""
        return (
            f"in {self.facts['dtype']} arithmetic, sums in {self.facts['sum']}, {edits} edits {what}{near} "
            f"and g is exactly 0 at {total - edits} protected points, in every order of summation"
        )

    def judge(self, progress: Progress) -> Violation | None:
        """The first violated obligation: the weights, then the points in order."""
        layers, dtype = [], self.facts["dtype"]
        for k, (weight, bias) in enumerate(self.certificate.layers):
            layer = FloatLayer.of(self.dtype, weight, bias)
            if layer is None:
                return Violation(f"weights of layer {k}", f"numbers of {dtype}", "one that is none")
            layers.append(layer)
        first = None
        for i, point, base in self.certificate.samples(progress):
            if first is None:  # later points are only read on: the digest counts
                first = self._violation(i, point, base, layers)
        return first

    def _violation(self, i: int, point: Row, base: Row, layers: list[FloatLayer]) -> Violation | None:
        x = self.dtype.scaled(point)
        if x is None:
            return Violation("coordinates", f"numbers of {self.facts['dtype']}", "one that is none", i)
        if self.sum.scaled(base) is None:
            return Violation("base", f"numbers of {self.facts['sum']}", "one that is none", i)
        shift, key = min(self.dtype.below, lowest(x)), 0
        g, exponent = [Near(n >> shift, {}) for n in x], self.dtype.below - shift
        for k, layer in enumerate(layers):
            if k:
                g, key = [z.relu(n) for n, z in enumerate(g, start=key)], key + len(g)
            found = layer(g, exponent, key)
            if found is None:
                return Violation(f"sums of layer {k}", "no overflow", "one is possible", i)
            (g, exponent), key = found, key + len(layer.rows)
        wanted = self.certificate.edits.get(i)
        if wanted is not None:
            return self._off(i, wanted, base, g, exponent)
        for k, z in enumerate(g):
            if z.value or z.error:
                got = f"{ratio(z.value, 1 << exponent)} +- {ratio(z.error, 1 << exponent)}"
                return Violation(f"g[{k}] as floats at a protected point", "0", got, i)
        return None

    def _off(self, i: int, wanted: Row | int, base: Row, g: list[Near], exponent: int) -> Violation | None:
        below = base[1] << exponent
        sums = [
            Near((b << exponent) + z.value * base[1], {k: e * base[1] for k, e in z.noise.items()})
            for b, z in zip(base[0], g, strict=True)
        ]
        ends = []  # of the rounded sums, since rounding is monotone
        for k, z in enumerate(sums):
            low, high = (self.sum.nearest(z.value + side * z.error, below) for side in (-1, 1))
            if low is None or high is None:
                return Violation(f"base + g, output {k}", "no overflow", "one is possible", i)
            ends.append((low, high))
        if isinstance(wanted, int):
            return self._behind(i, wanted, sums, ends, below)
        unit, (p, q) = 1 << self.sum.below, self.tolerance
        for k, pair in enumerate(ends):
            target, over = wanted[0][k], wanted[1]
            for end in pair:
                if abs(end * over - target * unit) * q > p * unit * over:
                    expected = f"{ratio(target, over)} within {ratio(p, q)}"
                    return Violation(f"base + g as floats, output {k}", expected, ratio(end, unit), i)
        return None

    def _behind(
        self, i: int, label: int, sums: list[Near], ends: list[tuple[int, int]], below: int
    ) -> Violation | None:
        """The first label over which `label` may not lead: the ranges meet, and the difference, in which noise
        cancels, is not above what rounding two sums may cost."""
        own, least = sums[label], ends[label][0]
        for k, (z, (_, most)) in enumerate(zip(sums, ends, strict=True)):
            if k == label or least > most:
                continue
            noise = {key: own.noise.get(key, 0) - z.noise.get(key, 0) for key in own.noise | z.noise}
            lead = Near(own.value - z.value, noise)
            sizes = abs(own.value) + own.error + abs(z.value) + z.error
            cost = (sizes >> self.sum.digits) + (below >> self.sum.below) + 2
            if lead.value - lead.error <= cost:
                got = f"possibly {ratio(lead.value - lead.error - cost, below)}"
                return Violation(f"lead of label {label} over {k} as floats", "above 0", got, i)
        return None
