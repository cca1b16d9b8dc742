"""The claims `edit` and `label-edit`: the network makes exactly these edits and moves nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from verify.kernel.bounds import bound_value, read_bound
from verify.kernel.certificate import Certificate, Network, Progress
from verify.kernel.reader import MAX_COUNT, Malformed, Row, fields, need, rational, shown

__all__ = ["EditClaim", "Violation", "changes"]


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
        first = self.miscount()
        if first is not None:
            return first
        for i, point, base in self.certificate.samples(progress):
            if first is None:  # later points are only read on: the digest counts
                self.note(i, base)
                below = [q * point[1] for q in self.network.denominators]
                first = self.violation(i, self.network(point), below, base)
        return first or self.excess()

    @property
    def proved(self) -> str:
        facts, total, edits = self.facts, self.certificate.points.shape[0], len(self.certificate.edits)
        bound = facts.get("bound")
        within = f", at most {bound['value']} by the bound {bound['name']}" if bound else ""
        return (
            f"{facts['neurons']} neurons, {facts['layers']} layers{within}; "
            f"{edits} edits and {total - edits} protected points, exactly"
        )

    def miscount(self) -> Violation | None:
        """The stated number of neurons or layers, if it is wrong."""
        counts = {"neurons": self.network.neurons, "layers": len(self.network.layers)}
        for name, count in counts.items():
            if count != self.facts[name]:
                return Violation(name, f"{count} as counted", shown(self.facts[name]))
        return None

    def note(self, i: int, base: Row) -> None:
        """Count the edit of point `i`, if it has one that changes something, and its signs."""
        wanted = self.certificate.edits.get(i)
        if isinstance(wanted, int):
            self.edits += 1
        elif wanted is not None:
            signs = {p > 0 for p, _ in changes(wanted, base) if p}
            self.edits += bool(signs)
            self.signs |= signs

    def violation(self, i: int, g: list[int], below: list[int], base: Row) -> Violation | None:
        """What is wrong at point `i`, where output `k` of the network is `g[k] / below[k]`."""
        wanted = self.certificate.edits.get(i)
        if isinstance(wanted, int):
            return self._label(i, g, below, base, wanted)
        if wanted is None:
            for k, value in enumerate(g):
                if value:
                    return Violation(f"g[{k}] at a protected point", "0", ratio(value, below[k]), i)
            return None
        for k, (p, q) in enumerate(changes(wanted, base)):
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

    def excess(self) -> Violation | None:
        """The bound, if the network is above it; needs `note` of every edited point."""
        if self.bound is None:
            return None
        one_sign = not self.certificate.by_label and len(self.signs) < 2
        layers, name = self.facts["layers"], self.bound["name"]
        value = bound_value(self.bound, layers, self.edits, self.certificate.points.shape[0], one_sign)
        if value is None:
            return Violation("bound", f"a network of the depth of {name}", f"{layers} layers")
        self.facts["bound"] = {**self.bound, "value": value}
        if self.facts["neurons"] > value:
            return Violation("bound", f"at most {value} neurons by {name}", str(self.facts["neurons"]))
        return None


def changes(wanted: Row, base: Row) -> list[tuple[int, int]]:
    """Wanted output minus base, as numerators and positive denominators."""
    below = wanted[1] * base[1]
    return [(v * base[1] - b * wanted[1], below) for v, b in zip(wanted[0], base[0], strict=True)]


def ratio(p: int, q: int) -> str:
    """A short text for `p / q`, for messages."""
    if p.bit_length() + q.bit_length() > 4000:
        return f"a rational of {p.bit_length()} bits over {q.bit_length()} bits"
    shared = math.gcd(p, q)
    p, q = p // shared, q // shared
    if p.bit_length() + q.bit_length() > 400:
        return f"a rational of {p.bit_length()} bits over {q.bit_length()} bits"
    return str(p) if q == 1 else f"{p}/{q}"
