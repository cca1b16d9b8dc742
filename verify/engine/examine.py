"""One stretch of points, settled: by a route that proves many at once, or exactly, one by one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from verify.engine.chunks import approximate, row
from verify.engine.dense import Dense
from verify.engine.line import Pieces, common_direction, pieces
from verify.engine.residues import Bools, ExactBlock, Floats
from verify.kernel import Certificate, Network, read_certificate
from verify.kernel.edit import EditClaim
from verify.kernel.reader import Row

__all__ = ["Plan", "Report", "Task", "base_row", "digest", "examine", "plan_for"]

_U = 2.0**-53


@dataclass(frozen=True)
class Task:
    """Points `first..last-1` of claim number `claim`; `key` is the digest of the certificate."""

    path: str
    key: str
    route: str
    claim: int
    first: int
    last: int
    block: int


@dataclass
class Report:
    """What a task found: the first violated point if there is one, and how the others were settled."""

    violated: int | None = None
    settled: int = 0
    routes: dict[str, int] = field(default_factory=dict)

    def add(self, route: str, count: int) -> None:
        self.routes[route] = self.routes.get(route, 0) + count


@dataclass(frozen=True)
class Plan:
    """Everything about a certificate that the blocks share."""

    certificate: Certificate
    network: Network
    line: Pieces | None
    zero: ZeroTable | None
    route: str
    edited: NDArray[np.int64]

    @cached_property
    def dense(self) -> Dense:
        """The network for blocks of points; not needed along a line."""
        return Dense.of(self.network, self.certificate.points.shape[1], self.route)

    def outputs(self, i: int) -> tuple[list[int], list[int]]:
        """The exact outputs at point `i`, as numerators and positive denominators."""
        point = row(self.certificate.points, i)
        if self.line is None:
            return self.network(point), [q * point[1] for q in self.network.denominators]
        t = fmpq(sum(x * u for x, u in zip(point[0], self.line.direction, strict=True)), point[1])
        values = self.line(t)
        return [int(value.p) for value in values], [int(value.q) for value in values]

    def settled(self, first: int, last: int, report: Report) -> Bools:
        """Which points of the block have output 0, proven."""
        points = self.certificate.points
        x, exact = approximate(points, first, last)
        with np.errstate(all="ignore"):  # what is not finite is not settled
            if self.zero is not None:
                out = self.zero.settled(x, exact)
                report.add("line", int(out.sum()))
                return out
            out, counts = self.dense.settled(x, exact, ExactBlock(points, first, last))
        for route, count in counts.items():
            report.add(route, count)
        return out


@lru_cache(maxsize=2)
def plan_for(path: str, key: str, route: str) -> Plan:
    """Read the certificate (in every process once) and prepare its network."""
    certificate = read_certificate(path)
    if certificate.network is None or digest(path) != key:
        raise ValueError("the certificate changed while it was checked")
    network, inputs = certificate.network, certificate.points.shape[1]
    direction = common_direction(network, inputs) if route in ("auto", "line") else None
    line = pieces(network, direction) if direction is not None else None
    edited = np.array(sorted(certificate.edits), dtype=np.int64)
    zero = None if line is None else ZeroTable.of(line)
    plan = Plan(certificate, network, line, zero, route, edited)
    if line is None:
        _ = plan.dense  # here and now: forked processes inherit it
    return plan


def digest(path: str) -> str:
    """SHA-256 of the JSON file."""
    file = Path(path)
    return hashlib.sha256((file / "certificate.json" if file.is_dir() else file).read_bytes()).hexdigest()


@dataclass(frozen=True)
class ZeroTable:
    """Where the output is zero along the line, in floats: `direction` and the ends of the pieces are
    divided by one power of two, and every end is rounded down (`low`) and up (`high`)."""

    direction: Floats
    low: Floats
    high: Floats
    zero: Bools

    @classmethod
    def of(cls, line: Pieces) -> ZeroTable:
        """Neighbouring zero pieces become one: at the point between them the output is 0 as well."""
        flags = line.zero
        bounds, zero = [], flags[:1]
        for bound, flag in zip(line.bounds, flags[1:], strict=True):
            if not (flag and zero[-1]):
                bounds.append(bound)
                zero.append(flag)
        shift = max(0, max(u.bit_length() for u in line.direction) - 500)
        return cls(
            np.array([u / (1 << shift) for u in line.direction]),
            np.array([_rounded(bound, shift, -1) for bound in bounds]),
            np.array([_rounded(bound, shift, 1) for bound in bounds]),
            np.array(zero),
        )

    def settled(self, x: Floats, exact: bool) -> Bools:
        """Whether `t = u . x` certainly lies in the interior of a zero piece, rounding included."""
        # inputs, entries of u, products, sum, and the difference to an end: n + 3 roundings
        unit = (len(self.direction) + 5) * _U * (1 + 2.0**-40)
        size = np.abs(self.direction)
        # what underflows: products and sums, and inputs that are not exact, by 2^-1075 an entry
        least = 2.0**-1000 + (0.0 if exact else 2.0**-1073 * float(size.sum()))
        t = x @ self.direction
        error = float(np.abs(x).max(initial=0.0)) * float(size.sum()) * unit + least
        out = self._inside(t, error)
        unsure = np.flatnonzero(~out)
        if len(unsure):  # again, with the error of each point
            out[unsure] = self._inside(t[unsure], np.abs(x[unsure]) @ size * unit + least)
        return out

    def _inside(self, t: Floats, error: Floats | float) -> Bools:
        piece = np.searchsorted(self.high, t, side="left")
        left = np.concatenate([[-np.inf], self.high])[piece]
        right = np.concatenate([self.low, [np.inf]])[piece]
        inside: Bools = self.zero[piece] & (t - error > left) & (t + error < right)
        return inside


def _rounded(value: fmpq, shift: int, way: int) -> float:
    try:
        nearest = int(value.p) / (int(value.q) << shift)
    except OverflowError:
        nearest = np.inf if value > 0 else -np.inf
    return float(np.nextafter(nearest, way * np.inf))


def examine(task: Task) -> Report:
    """Settle the points of a task, up to the first that violates the claim."""
    plan = plan_for(task.path, task.key, task.route)
    raw = plan.certificate.claims[task.claim]
    claim = EditClaim.read(raw, f"claims[{task.claim}]", plan.certificate)
    report = Report()
    for first in range(task.first, task.last, task.block):
        last = min(first + task.block, task.last)
        protected = np.ones(last - first, dtype=np.bool_)
        within = plan.edited[np.searchsorted(plan.edited, first) : np.searchsorted(plan.edited, last)]
        protected[within - first] = False
        settled = plan.settled(first, last, report) & protected
        report.add("edited", len(within))
        report.add("one by one", int((protected & ~settled).sum()))
        for i in (first + np.flatnonzero(~settled)).tolist():
            if claim.violation(i, *plan.outputs(i), base_row(claim, i)) is not None:
                report.violated = i
                report.settled += i - first
                return report
        report.settled += last - first
    return report


def base_row(claim: EditClaim, i: int) -> Row:
    """The frozen outputs at point `i`, exactly."""
    base = claim.certificate.base
    return claim.zero if base is None else row(base, i)
