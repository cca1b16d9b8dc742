"""The claim `robust`: the labels at edited points, and `g = 0` at protected ones, in a ball around each.

Over a ball in the maximum norm every neuron is a linear form of the offset and of noise terms between -1 and
1. A neuron that has one sign in the whole ball is linear or 0 there, exactly. Otherwise, with `z` in
`[low, high]` and any `0 <= s <= 1`, `relu(z) - s z` is convex and 0 at `z = 0`: it lies between 0 and the
larger of its values at the ends, `-s low` and `(1 - s) high`; a new noise term stands for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from verify.kernel.certificate import Certificate, Network, Progress
from verify.kernel.edit import Violation, ratio
from verify.kernel.reader import Malformed, Row, fields, need, rational

__all__ = ["RobustClaim"]

_ONE = 1 << 16  # slopes `s` are even multiples of `1 / _ONE`


@dataclass(frozen=True)
class Form:
    """`middle + factors . offset + noise . (terms between -1 and 1)` for all offsets of at most `reach` in every
    coordinate; the keys of `noise` say which neuron a term is from."""

    middle: int
    factors: list[int]
    noise: dict[tuple[int, int], int]

    def range(self, reach: int) -> tuple[int, int]:
        """Bounds of its values."""
        spread = reach * sum(map(abs, self.factors)) + sum(map(abs, self.noise.values()))
        return self.middle - spread, self.middle + spread

    def relu(self, reach: int, neuron: tuple[int, int]) -> Form | None:
        """The activation times `_ONE`; None if it is 0."""
        low, high = self.range(reach)
        if high <= 0:
            return None
        slope = _ONE if low >= 0 else high * _ONE // (high - low) // 2 * 2
        factors = [slope * factor for factor in self.factors]
        noise = {key: slope * factor for key, factor in self.noise.items()}
        half = 0
        if low < 0:
            half = noise[neuron] = max(-slope * low, (_ONE - slope) * high) // 2  # both are even
        return Form(slope * self.middle + half, factors, noise)


def _combined(terms: list[tuple[int, Form]], bias: int, inputs: int) -> Form:
    """The sum of forms times weights, and a bias."""
    factors = [sum(w * form.factors[k] for w, form in terms) for k in range(inputs)]
    noise: Counter[tuple[int, int]] = Counter()
    for w, form in terms:
        for key, factor in form.noise.items():
            noise[key] += w * factor
    return Form(bias + sum(w * form.middle for w, form in terms), factors, noise)


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
        forms, unit = self._around(point)
        reach, wanted = self.radius[0], self.certificate.edits.get(i)
        below = [q * unit for q in self.network.denominators]
        if not isinstance(wanted, int):
            for k, form in enumerate(forms):
                ends = form.range(reach)
                if ends != (0, 0):
                    got = f"values from {ratio(ends[0], below[k])} to {ratio(ends[1], below[k])}"
                    return Violation(f"g[{k}] around a protected point", "0", f"possibly {got}", i)
            return None
        for k, form in enumerate(forms):
            lead = _combined([(below[k], forms[wanted]), (-below[wanted], form)], 0, len(form.factors))
            least, over = lead.range(reach)[0], below[wanted] * below[k]
            frozen = base[0][wanted] - base[0][k]
            if k != wanted and least * base[1] + frozen * over <= 0:
                got = ratio(least * base[1] + frozen * over, over * base[1])
                return Violation(
                    f"lead of label {wanted} over {k} around the point", "above 0", f"possibly {got}", i
                )
        return None

    def _around(self, point: Row) -> tuple[list[Form], int]:
        """The outputs in the ball, times their denominators and a unit; an offset of the radius counts as
        its numerator."""
        x, scale = point
        below = self.radius[1]
        first, *others = self.network.layers
        unit = scale * below
        forms = [
            Form(below * (sum(map(int.__mul__, row, x)) + row[-1] * scale), [w * scale for w in row[:-1]], {})
            for row in first
        ]
        for layer, rows in enumerate(others):
            active = [(k, form.relu(self.radius[0], (layer, k))) for k, form in enumerate(forms)]
            unit *= _ONE
            forms = [
                _combined([(row[k], form) for k, form in active if form], row[-1] * unit, len(x))
                for row in rows
            ]
        return forms, unit
