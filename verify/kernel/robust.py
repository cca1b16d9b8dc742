"""The claim `robust`: the labels at edited points, and `g = 0` at protected ones, in a ball around each.

Over a ball in the maximum norm every neuron is a linear form of terms between -1 and 1: one for each
coordinate's offset, and one for each neuron that may have both signs. A neuron of one sign in the whole ball
is linear or 0 there, exactly. Otherwise, with `z` in `[low, high]` and any `0 <= s <= 1`, `relu(z) - s z` is
convex and 0 at `z = 0`: it lies between 0 and the larger of its values at the ends, `-s low` and
`(1 - s) high`; a new term stands for it. (The forms of [Singh2018], by integers.)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from verify.kernel.certificate import Certificate, Network, Progress
from verify.kernel.edit import Violation, ratio
from verify.kernel.reader import Malformed, Row, fields, need, rational

__all__ = ["RobustClaim"]

_ONE = 1 << 64  # slopes `s` are even multiples of `1 / _ONE`


@dataclass(frozen=True)
class Form:
    """`middle` plus `factors` times terms between -1 and 1 (none is beyond); in `[low, high]` besides."""

    middle: int
    factors: list[int]
    low: int
    high: int

    @classmethod
    def of(cls, middle: int, factors: list[int]) -> Form:
        """With the range that the terms allow."""
        spread = sum(map(abs, factors))
        return cls(middle, factors, middle - spread, middle + spread)

    @classmethod
    def sum(cls, weights: list[int], forms: list[Form], bias: int) -> Form:
        """Forms times weights, and a bias; the range is what both terms and intervals allow."""
        used = [(w, form) for w, form in zip(weights, forms, strict=True) if w and (form.low or form.high)]
        columns = zip_longest(*(form.factors for _, form in used), fillvalue=0)
        some = [w for w, _ in used]
        out = cls.of(
            bias + sum(w * form.middle for w, form in used),
            [sum(map(int.__mul__, some, column)) for column in columns],
        )
        low = bias + sum(w * (form.low if w > 0 else form.high) for w, form in used)
        high = bias + sum(w * (form.high if w > 0 else form.low) for w, form in used)
        return cls(out.middle, out.factors, max(low, out.low), min(high, out.high))

    def relu(self, term: int) -> Form:
        """The activation times `_ONE`; the number of a new term is at hand."""
        low, high = self.low, self.high
        if high <= 0:
            return Form(0, [], 0, 0)
        slope = _ONE if low >= 0 else high * _ONE // (high - low) // 2 * 2
        middle, factors = slope * self.middle, [slope * factor for factor in self.factors]
        if low < 0:
            half = max(-slope * low, (_ONE - slope) * high) // 2  # both are even
            middle += half
            factors += [0] * (term - len(factors)) + [half]
        return Form(middle, factors, _ONE * max(0, low), _ONE * high)


@dataclass
class RobustClaim:
    """For all `x` within `radius` of a protected point `g(x) = 0`; for all `x` within `radius` of an edited
    one, the frozen outputs at the point plus `g(x)` have the wanted label, strictly above all others."""

    certificate: Certificate
    network: Network
    facts: dict[str, Any]
    radius: tuple[int, int]

    @classmethod
    def read(cls, raw: dict[str, Any], place: str, certificate: Certificate) -> RobustClaim:
        fields(raw, place, ("kind", "radius"))
        radius = rational(raw["radius"], f"{place}.radius")
        need(radius[0] > 0, f"{place}.radius", "the radius is not positive")
        if certificate.network is None:
            raise Malformed("network", "the claim robust needs a network")
        need(certificate.by_label, place, "robust needs edits.label")
        return cls(certificate, certificate.network, dict(raw), radius)

    @property
    def proved(self) -> str:
        edits, total = len(self.certificate.edits), self.certificate.points.shape[0]
        return (
            f"within {ratio(*self.radius)} in every coordinate, {edits} edits keep their label (with the "
            f"frozen outputs of the point) and g is 0 around {total - edits} protected points"
        )

    def judge(self, progress: Progress) -> Violation | None:
        """The first point around which the claim does not hold, as far as these bounds tell."""
        first = None
        for i, point, base in self.certificate.samples(progress):
            if first is None:  # later points are only read on: the digest counts
                first = self._violation(i, point, base)
        return first

    def _violation(self, i: int, point: Row, base: Row) -> Violation | None:
        outputs, unit = self._around(point)
        below = [q * unit for q in self.network.denominators]
        wanted = self.certificate.edits.get(i)
        if not isinstance(wanted, int):
            for k, form in enumerate(outputs):
                if form.low or form.high:
                    got = f"possibly from {ratio(form.low, below[k])} to {ratio(form.high, below[k])}"
                    return Violation(f"g[{k}] around a protected point", "0", got, i)
            return None
        for k, form in enumerate(outputs):
            if k == wanted:
                continue
            over = below[wanted] * below[k]
            lead = Form.sum([below[k], -below[wanted]], [outputs[wanted], form], 0)
            least = lead.low * base[1] + (base[0][wanted] - base[0][k]) * over
            if least <= 0:
                got = f"possibly {ratio(least, over * base[1])}"
                return Violation(f"lead of label {wanted} over {k} around the point", "above 0", got, i)
        return None

    def _around(self, point: Row) -> tuple[list[Form], int]:
        """The outputs in the ball, times their denominators and a unit."""
        (x, scale), (p, q) = point, self.radius
        unit, reach, terms = scale * q, scale * p, len(x)
        first, *others = self.network.layers
        forms = [
            Form.of(q * sum(map(int.__mul__, row, x)) + row[-1] * unit, [w * reach for w in row[:-1]])
            for row in first
        ]
        for rows in others:
            active = [form.relu(terms + k) for k, form in enumerate(forms)]
            terms, unit = terms + len(forms), unit * _ONE
            forms = [Form.sum(row[:-1], active, row[-1] * unit) for row in rows]
        return forms, unit
