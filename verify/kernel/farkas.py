"""The claim `farkas-obstruction`: no two-layer network with fewer neurons solves this instance.

A network is `c + sum_j s_j relu(z_j(x))` with `z_j(x) = w_j . x + b_j` and signs `s_j`. Once it is
known which neurons are active at which points, all that is asked of `c`, `w_j` and `b_j` is linear, and
a combination of these rows that contradicts itself shows that nothing meets them all (Farkas). For
each number of positive signs a tree of cases leaves no network out.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from verify.kernel.certificate import Certificate, Progress
from verify.kernel.edit import Violation, changes, ratio
from verify.kernel.reader import Row, fields, integer, is_count, need, shown

__all__ = ["FarkasObstruction"]

Split = tuple[int, int]
"""A neuron and a point: the cases "active" (`z_j(x_i) >= 0`) and "inactive" (`z_j(x_i) <= 0`)."""
Combination = list[tuple[int, int]]
"""Rows and their multipliers."""


@dataclass
class FarkasObstruction:
    """Tree `q` is about `neurons - 1` neurons, of which the first `q` have a positive sign."""

    certificate: Certificate
    facts: dict[str, Any]
    trees: list[list[Split | Combination]]
    ordered: int | None
    points: dict[int, list[int]] = field(default_factory=dict, init=False)
    """`[q x, q, q delta]` with `q > 0` and only integers, for each point that the trees use."""

    @classmethod
    def read(cls, raw: dict[str, Any], place: str, certificate: Certificate) -> FarkasObstruction:
        fields(raw, place, ("kind", "neurons", "trees"), ("ordered",))
        neurons, trees, ordered = raw["neurons"], raw["trees"], raw.get("ordered", 0)
        total = certificate.points.shape[0]
        fine = is_count(neurons)
        need(fine, f"{place}.neurons", f"expected an integer from 0, got {shown(neurons)}")
        fine = is_count(ordered) and ordered < total
        need(fine, f"{place}.ordered", f"expected an index in 0..{total - 1}")
        need(certificate.network is None, "network", "an obstruction is about all networks")
        need(not certificate.by_label, place, "farkas-obstruction needs edits.value")
        need(certificate.outputs == 1, place, "farkas-obstruction needs one output")
        fine = type(trees) is list and all(type(tree) is list for tree in trees)
        need(fine, f"{place}.trees", "expected a list of lists of nodes")
        nodes = [
            [_read_node(node, f"{place}.trees[{q}][{k}]", total) for k, node in enumerate(tree)]
            for q, tree in enumerate(trees)
        ]
        return cls(certificate, dict(raw), nodes, raw.get("ordered"))

    @property
    def proved(self) -> str:
        cases = sum(isinstance(node, list) for tree in self.trees for node in tree)
        return (
            f"no network of 2 layers with fewer than {self.facts['neurons']} neurons solves this instance; "
            f"{cases} cases, exactly"
        )

    def judge(self, progress: Progress) -> Violation | None:
        """The first violated obligation: the number of trees, then their nodes in order."""
        self._collect(progress)
        count, neurons = len(self.trees), self.facts["neurons"]
        if count != neurons:
            return Violation("trees", f"{neurons}, one for each number of positive signs", str(count))
        return next(filter(None, map(self._tree, range(count))), None)

    def _collect(self, progress: Progress) -> None:
        """One pass over all points, which checks their digests; those of the trees are kept."""
        nodes = [node for tree in self.trees for node in tree]
        used = {node[1] for node in nodes if isinstance(node, tuple)} | {self.ordered}
        if len(self.trees) == 1:  # no neurons: row i is the equality of point i
            used |= {row for node in nodes if isinstance(node, list) for row, _ in node}
        for i, (x, q), base in self.certificate.samples(progress):
            if i in used:
                wanted = cast(Row, self.certificate.edits.get(i, base))
                ((change, below),) = changes(wanted, base)
                common = math.lcm(q, below)
                self.points[i] = [*(n * (common // q) for n in x), common, change * (common // below)]

    def _tree(self, positive: int) -> Violation | None:
        """The first bad node of the tree for so many positive signs. Each list is one whole tree."""
        case, complete = _Case(len(self.trees) - 1), False
        for k, node in enumerate(self.trees[positive]):
            place = f"trees[{positive}][{k}]"
            if complete:
                return Violation(place, "the end: every case is closed", "one more node")
            if isinstance(node, tuple):
                j, i = node
                if j >= case.neurons:
                    return Violation(place, f"one of {case.neurons} neurons", f"neuron {j}", i)
                if node in case.active:
                    return Violation(place, "a split that is new on its path", f"neuron {j} again", i)
                case.enter(node)
            else:
                violation = self._contradiction(case, positive, node, place)
                if violation is not None:
                    return violation
                complete = not case.advance()
        if not complete:
            return Violation(f"trees[{positive}]", "a node for every case", "the end, with a case open")
        return None

    def _contradiction(
        self, case: _Case, positive: int, combination: Combination, place: str
    ) -> Violation | None:
        """What is wrong, unless the left sides cancel and the right sides have a positive sum."""
        neurons, total = case.neurons, self.certificate.points.shape[0]
        decided: Sequence[int] = case.decided if neurons else range(total)
        alike = [] if self.ordered is None else [*range(positive - 1), *range(positive, neurons - 1)]
        first, last = len(case.splits), len(case.splits) + len(decided)  # of the equalities
        seen: set[int] = set()
        factor: defaultdict[Split, int] = defaultdict(int)  # of z_j(x_i)
        equal: dict[int, int] = {}
        for row, n in combination:
            if row >= last + len(alike):
                return Violation(place, f"one of {last + len(alike)} rows", f"row {row}")
            if row in seen:
                return Violation(place, "each row once", f"row {row} again")
            seen.add(row)
            if first <= row < last:
                i = decided[row - first]
                equal[i] = n
                for j in range(neurons):
                    if case.active[j, i]:
                        factor[j, i] += n if j < positive else -n
                continue
            if n < 0:
                return Violation(place, f"a multiplier from 0 of the inequality {row}", ratio(n, 1))
            if row < first:
                split = case.splits[row]
                factor[split] += n if case.active[split] else -n
            else:
                j, i = alike[row - last], cast(int, self.ordered)
                factor[j, i] += n
                factor[j + 1, i] -= n
        common = math.lcm(*(self.points[i][-2] for i in {i for _, i in factor}.union(equal)))
        sums = {j: [0] * (self.certificate.points.shape[1] + 1) for j, _ in factor}
        for (j, i), n in factor.items():
            *x, _ = self.points[i]
            scale = n * (common // x[-1])
            sums[j] = [s + scale * y for s, y in zip(sums[j], x, strict=True)]
        left = {"c": [sum(equal.values())]} | {f"neuron {j}": sums[j] for j in sorted(sums)}
        for name, entries in left.items():
            if any(entries):
                return Violation(place, "left sides that cancel", f"a rest of {name}")
        right = sum(n * self.points[i][-1] * (common // self.points[i][-2]) for i, n in equal.items())
        if right <= 0:
            return Violation(place, "right sides of a positive sum", ratio(right, common))
        return None


class _Case:
    """A case of a tree: the splits on the path to it, and the points where every neuron is decided."""

    def __init__(self, neurons: int) -> None:
        self.neurons = neurons
        self.splits: list[Split] = []
        self.active: dict[Split, bool] = {}
        self.decided: list[int] = []
        self._counts: defaultdict[int, int] = defaultdict(int)

    def enter(self, split: Split) -> None:
        """Go into the active case of a split."""
        self.splits.append(split)
        self.active[split] = True
        i = split[1]
        self._counts[i] += 1
        if self._counts[i] == self.neurons:
            insort(self.decided, i)

    def advance(self) -> bool:
        """Go from a closed case to the next one, if there is one."""
        while self.splits:
            split = self.splits[-1]
            if self.active[split]:
                self.active[split] = False
                return True
            self.splits.pop()
            del self.active[split]
            i = split[1]
            if self._counts[i] == self.neurons:
                self.decided.pop(bisect_left(self.decided, i))
            self._counts[i] -= 1
        return False


def _read_node(raw: Any, place: str, points: int) -> Split | Combination:
    size = len(raw) if type(raw) is list else 0
    if size == 3 and raw[0] == "split":
        fine = is_count(raw[1]) and is_count(raw[2]) and raw[2] < points
        need(fine, place, f"expected a neuron and a point in 0..{points - 1}")
        return raw[1], raw[2]
    fine = size == 2 and raw[0] == "close" and type(raw[1]) is list
    need(fine, place, "expected ['split', neuron, point] or ['close', rows]")
    for pair in raw[1]:
        fine = type(pair) is list and len(pair) == 2 and is_count(pair[0])
        need(fine, place, "expected rows as [row, multiplier]")
    return [(row, integer(text, place)) for row, text in raw[1]]
