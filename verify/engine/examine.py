"""One stretch of points, settled: by a route that proves many at once, or exactly, a few at a time.

Workers get a task, read its points, compare their digest with what the driver has seen, and send a
report. What goes wrong with a file travels as data: the driver decides what it means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from verify.engine.block import Block, Bools
from verify.engine.dense import Dense
from verify.engine.exact import ExactNetwork
from verify.engine.line import Pieces, common_direction, pieces
from verify.engine.zeros import ZeroTable
from verify.kernel import Certificate, Malformed, Network, read_certificate
from verify.kernel.edit import EditClaim
from verify.kernel.reader import Row

__all__ = ["KNOWN", "Plan", "Report", "Task", "examine", "plan_for"]

_BATCH = 64  # points that are evaluated exactly at a time
_FEWEST_STEPS, _MOST_STEPS = 100_000, 20_000_000  # of finding the pieces along a line


@dataclass(frozen=True)
class Task:
    """Points `first..last-1` of claim number `claim`: `certificate` and `points` are the digests of the
    JSON file and, of a sidecar, of its header and these rows; `base` holds the frozen outputs of the
    edited points."""

    path: str
    certificate: str
    route: str
    claim: int
    first: int
    last: int
    block: int
    keep: int
    points: str
    base: dict[int, Row]

    @property
    def plan(self) -> tuple[str, str, str, int]:
        return self.path, self.certificate, self.route, self.keep


@dataclass
class Report:
    """What a task found: the first violated point if there is one, and how the others were settled.
    `changed` names a file that is not what the driver has seen; then nothing else counts."""

    violated: int | None = None
    point: Row | None = None
    settled: int = 0
    undecided: int = 0
    routes: dict[str, int] = field(default_factory=dict)
    changed: str = ""

    def add(self, route: str, count: int) -> None:
        if count:
            self.routes[route] = self.routes.get(route, 0) + count


@dataclass(frozen=True)
class Plan:
    """Everything about a certificate that the blocks share."""

    certificate: Certificate
    network: Network
    line: Pieces | None
    zero: ZeroTable | None
    route: str
    keep: int

    @cached_property
    def dense(self) -> Dense:
        """The network for blocks of points; not needed along a line."""
        return Dense.of(self.network, self.certificate.points.shape[1], self.route, self.keep)

    @cached_property
    def exact(self) -> ExactNetwork:
        return ExactNetwork(self.network)

    @property
    def weights(self) -> int:
        return sum(len(row) for rows in self.network.layers for row in rows)

    def outputs(self, points: list[Row]) -> list[tuple[list[int], list[int]]]:
        """The exact outputs at some points, as numerators and positive denominators."""
        if self.line is None:
            return self.exact(points)
        out = []
        for numerators, q in points:
            t = fmpq(sum(x * u for x, u in zip(numerators, self.line.direction, strict=True)), q)
            values = self.line(t)
            out.append(([int(value.p) for value in values], [int(value.q) for value in values]))
        return out

    def settled(self, block: Block, wanted: Bools, report: Report) -> Bools:
        """Which of the wanted points of the block have output 0, proven."""
        if self.zero is not None:
            out = wanted & self.zero.settled(*block.floats)
            report.add("line", int(out.sum()))
            return out
        with np.errstate(all="ignore"):  # what is not finite is not settled
            out, counts, undecided = self.dense.settled(block, wanted)
        report.undecided += undecided
        for route, count in counts.items():
            report.add(route, count)
        return out


KNOWN: dict[str, Certificate] = {}
"""Certificates that this process has read already, by digest; forked processes inherit it."""


@lru_cache(maxsize=2)
def plan_for(path: str, certificate: str, route: str, keep: int) -> Plan:
    """Read the certificate (in every process once) and prepare its network.

    Raises:
        Malformed: it is not the one with this digest.
    """
    content = KNOWN.get(certificate) or read_certificate(path)
    if content.network is None or content.sha256 != certificate:
        raise Malformed("certificate", "the file changed while it was read")
    network, inputs = content.network, content.points.shape[1]
    direction = common_direction(network, inputs) if route in ("auto", "line") else None
    weights = sum(len(row) for rows in network.layers for row in rows)
    # a step costs as much as many weights
    worth = min(_FEWEST_STEPS + content.points.shape[0] * weights // 1000, _MOST_STEPS)
    line = pieces(network, direction, worth) if direction is not None else None
    plan = Plan(content, network, line, None if line is None else ZeroTable.of(line), route, keep)
    if line is None:
        plan.dense.prepare()
    return plan


def examine(task: Task) -> Report:
    """Settle the points of a task, up to the first that violates the claim.

    Raises:
        RuntimeError: floating-point numbers do not behave as IEEE 754 says.
    """
    _refuse_odd_floats()
    try:
        plan = plan_for(*task.plan)
        points = Block.read(plan.certificate.points, task.first, task.last)
    except Malformed as error:
        return Report(changed=error.place)
    if points.digest() != task.points:
        return Report(changed=points.array.place)
    claim = EditClaim.read(plan.certificate.claims[task.claim], f"claims[{task.claim}]", plan.certificate)
    report = Report()
    for first in range(task.first, task.last, task.block):
        block = points.part(first, min(first + task.block, task.last))
        for i, point, outputs in _unsettled(plan, block, task.base, report):
            if claim.violation(i, *outputs, task.base.get(i, plan.certificate.zero)) is not None:
                report.violated, report.point = i, point
                report.settled = i - task.first
                return report
    report.settled = task.last - task.first
    return report


def _refuse_odd_floats() -> None:
    """A library that was compiled for speed alone may have switched off subnormal numbers, or another
    rounding, for this thread."""
    least, ulp = np.array([2.0**-1074, 2.0**-1022]), 2.0**-52
    rounded = 1 + np.array([0.5, 0.75, -0.25, -0.4]) * ulp
    if (least * np.array([1.0, 0.5]) == 0).any() or rounded.tolist() != [1.0, 1 + ulp, 1.0, 1 - ulp / 2]:
        raise RuntimeError("floats are flushed to zero or rounded oddly in this process: use the kernel")


def _unsettled(
    plan: Plan, block: Block, edits: dict[int, Row], report: Report
) -> Iterator[tuple[int, Row, tuple[list[int], list[int]]]]:
    """The edited points of a block and those that no route settles, with their exact outputs."""
    protected = np.ones(block.last - block.first, dtype=np.bool_)
    protected[[i - block.first for i in edits if block.first <= i < block.last]] = False
    left = ~plan.settled(block, protected, report)
    report.add("edited", int((~protected).sum()))
    report.add("exact", int((protected & left).sum()))
    places: NDArray[np.intp] = np.flatnonzero(left) + block.first
    for k in range(0, len(places), _BATCH):
        some = places[k : k + _BATCH].tolist()
        points = [block.row(i) for i in some]
        yield from zip(some, points, plan.outputs(points), strict=True)
