"""The claims `edit` and `label-edit`: the network makes exactly these edits and moves nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from verify.kernel.bounds import bound_value, read_bound
from verify.kernel.certificate import Certificate, Network, Progress
from verify.kernel.reader import MAX_COUNT, Malformed, Row, fields, need, rational, shown

__all__ = ["EditClaim", "Violation"]


@dataclass(frozen=True)
class Violation:
    """The first obligation that does not hold."""

    obligation: str
    expected: str
    got: str
    point: int | None = None


@dataclass
class EditClaim:
    """`base + g` is as wanted at every edited point, and `g = 0` at every other one."""

    certificate: Certificate
    network: Network
    facts: dict[str, Any]
    bound: dict[str, Any] | None
    margin: tuple[int, int] = (0, 1)
    edits: int = field(default=0, init=False)
    signs: set[bool] = field(default_factory=set, init=False)

    @classmethod
    def read(cls, raw: dict[str, Any], place: str, certificate: Certificate) -> EditClaim:
        by_label = raw["kind"] == "label-edit"
        fields(raw, place, ("kind", "neurons", "layers"), ("bound", "margin") if by_label else ("bound",))
        for key in ("neurons", "layers"):
            short = type(raw[key]) is int and abs(raw[key]) < MAX_COUNT
            need(short, f"{place}.{key}", f"expected an integer, got {shown(raw[key])}")
        if certificate.network is None:
            raise Malformed("network", f"the claim {raw['kind']} needs a network")
        wanted = "label" if by_label else "value"
        need(certificate.by_label == by_label, place, f"{raw['kind']} needs edits.{wanted}")
        margin = rational(raw["margin"], f"{place}.margin") if "margin" in raw else (0, 1)
        need(margin[0] >= 0, f"{place}.margin", "the margin is negative")
        bound = read_bound(raw["bound"], f"{place}.bound") if "bound" in raw else None
        return cls(certificate, certificate.network, dict(raw), bound, margin)

    def judge(self, progress: Progress) -> Violation | None:
        """The first violated obligation: counts, then the points in order, then the bound."""
        counts = {"neurons": self.network.neurons, "layers": len(self.network.layers)}
        for name, count in counts.items():
            if count != self.facts[name]:
                return Violation(name, f"{count} as counted", shown(self.facts[name]))
        certificate = self.certificate
        total = certificate.points.shape[0]
        zero: Row = [0] * certificate.outputs, 1
        first: Violation | None = None
        base_rows = certificate.base.rows() if certificate.base is not None else None
        for i, point in enumerate(certificate.points.rows()):
            base = zero if base_rows is None else next(base_rows)
            if first is None:  # later points are only read on: the digest counts
                first = self._point(i, point, base)
            if i % 256 == 255 or i == total - 1:
                progress(i + 1, total)
        for _ in base_rows or ():  # not one row is left: this checks the digest of base
            pass
        return first or self._within_bound(counts)

    def _point(self, i: int, point: Row, base: Row) -> Violation | None:
        g = self.network(point)
        below = [p * point[1] for p in self.network.denominators]
        wanted = self.certificate.edits.get(i)
        if wanted is None:
            for k, value in enumerate(g):
                if value:
                    return Violation(f"g[{k}] at a protected point", "0", ratio(value, below[k]), i)
            return None
        if isinstance(wanted, int):
            self.edits += 1
            return self._label(i, g, below, base, wanted)
        change = [
            (v * base[1] - b * wanted[1], wanted[1] * base[1])
            for v, b in zip(wanted[0], base[0], strict=True)
        ]
        self.edits += any(p for p, _ in change)
        self.signs |= {p > 0 for p, _ in change if p}
        for k, (p, q) in enumerate(change):
            if g[k] * q != p * below[k]:
                return Violation(f"g[{k}] at an edited point", ratio(p, q), ratio(g[k], below[k]), i)
        return None

    def _label(self, i: int, g: list[int], below: list[int], base: Row, label: int) -> Violation | None:
        # logit k is n[k] / d[k] with d[k] > 0
        d = [base[1] * q for q in below]
        n = [b * q + value * base[1] for b, q, value in zip(base[0], below, g, strict=True)]
        p, q = self.margin
        for k in range(len(n)):
            lead, over = n[label] * d[k] - n[k] * d[label], d[label] * d[k]
            if k != label and (lead <= 0 or lead * q < p * over):
                expected = f"at least {ratio(p, q)} and above 0" if p else "above 0"
                return Violation(f"lead of label {label} over {k}", expected, ratio(lead, over), i)
        return None

    def _within_bound(self, counts: dict[str, int]) -> Violation | None:
        if self.bound is None:
            return None
        one_sign = not self.certificate.by_label and len(self.signs) < 2
        layers, name = counts["layers"], self.bound["name"]
        value = bound_value(self.bound, layers, self.edits, self.certificate.points.shape[0], one_sign)
        if value is None:
            return Violation("bound", f"a network of the depth of {name}", f"{layers} layers")
        self.facts["bound"] = {**self.bound, "value": value}
        if counts["neurons"] > value:
            return Violation("bound", f"at most {value} neurons by {name}", str(counts["neurons"]))
        return None


def ratio(p: int, q: int) -> str:
    """A short text for `p / q`, for messages."""
    shared = math.gcd(p, q)
    p, q = p // shared, q // shared
    if p.bit_length() + q.bit_length() > 400:
        return f"a rational of {p.bit_length()} bits over {q.bit_length()} bits"
    return str(p) if q == 1 else f"{p}/{q}"
