"""The claim `farkas-obstruction`: no two-layer network with fewer neurons solves this instance.

A network is `c + sum_j s_j u_j(x)` with signs `s_j`, `u_j = relu(z_j)` and `z_j(x) = w_j . x + b_j`. What is
asked of `c`, `w_j`, `b_j` and the numbers `u_j(x_i)` is linear, but for one thing: `u_j(x_i)` is at most
`z_j(x_i)` or at most 0. For each number of positive signs a tree of such cases leaves no network out, and in
each case a combination of linear rows contradicts itself, so that nothing meets them all (Farkas).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, cast

from verify.kernel.certificate import Certificate, Progress
from verify.kernel.edit import Violation, changes, ratio
from verify.kernel.reader import Row, fields, integer, is_count, need, shown

__all__ = ["FarkasObstruction"]

Split = tuple[int, int]
"""A neuron and a point: the cases "active", `u_j(x_i) <= z_j(x_i)`, and "inactive", `u_j(x_i) <= 0`."""
Term = tuple[str, tuple[int, ...], int]
"""The name of a row, its indices, and its multiplier."""
Mean = tuple[int, list[tuple[int, int]]]
"""A point, and weights of other points whose weighted mean it is."""

INDICES = {"value": 1, "zero": 2, "line": 2, "split": 2, "convex": 2, "order": 1}
"""How many indices the rows have."""
NAMES = ", ".join(INDICES)


@dataclass
class FarkasObstruction:
    """Tree `q` is about `neurons - 1` neurons, of which the first `q` have a positive sign."""

    certificate: Certificate
    facts: dict[str, Any]
    trees: list[list[Split | list[Term]]]
    convex: list[Mean]
    ordered: int | None
    points: dict[int, list[int]] = field(default_factory=dict, init=False)
    """`[q x, q, q delta]` with `q > 0` and only integers, for each point that the trees use."""

    @classmethod
    def read(cls, raw: dict[str, Any], place: str, certificate: Certificate) -> FarkasObstruction:
        fields(raw, place, ("kind", "neurons", "trees"), ("convex", "ordered"))
        neurons, trees = raw["neurons"], raw["trees"]
        convex, ordered = raw.get("convex", []), raw.get("ordered", 0)
        total = certificate.points.shape[0]
        need(is_count(neurons), f"{place}.neurons", f"expected an integer from 0, got {shown(neurons)}")
        fine = is_count(ordered) and ordered < total
        need(fine, f"{place}.ordered", f"expected an index in 0..{total - 1}")
        need(certificate.network is None, "network", "an obstruction is about all networks")
        need(not certificate.by_label, place, "farkas-obstruction needs edits.value")
        need(certificate.outputs == 1, place, "farkas-obstruction needs one output")
        need(type(convex) is list, f"{place}.convex", "expected a list of means")
        means = [_read_mean(mean, f"{place}.convex[{k}]", total) for k, mean in enumerate(convex)]
        fine = type(trees) is list and all(type(tree) is list for tree in trees)
        need(fine, f"{place}.trees", "expected a list of lists of nodes")
        nodes = [
            [_read_node(node, f"{place}.trees[{q}][{k}]", total) for k, node in enumerate(tree)]
            for q, tree in enumerate(trees)
        ]
        facts = {"kind": raw["kind"], "neurons": neurons}
        return cls(certificate, facts, nodes, means, raw.get("ordered"))

    @property
    def proved(self) -> str:
        cases = sum(isinstance(node, list) for tree in self.trees for node in tree)
        return (
            f"no network of 2 layers with fewer than {self.facts['neurons']} neurons solves this instance; "
            f"{cases} cases, exactly"
        )

    def judge(self, progress: Progress) -> Violation | None:
        """The first violated obligation: means, the number of trees, then their nodes in order."""
        self._collect(progress)
        for k, (b, weights) in enumerate(self.convex):
            if any(self._sum([*weights, (b, -sum(n for _, n in weights))])):
                return Violation(f"convex[{k}]", "weights whose mean is the point", "another mean", b)
        count, neurons = len(self.trees), self.facts["neurons"]
        if count != neurons:
            return Violation("trees", f"{neurons}, one for each number of positive signs", str(count))
        return next(filter(None, map(self._tree, range(count))), None)

    def _collect(self, progress: Progress) -> None:
        """One pass over all points, which checks their digests; those of the claim are kept."""
        used = {self.ordered} | {i for b, weights in self.convex for i in (b, *dict(weights))}
        for node in (node for tree in self.trees for node in tree if isinstance(node, list)):
            used |= {indices[-1] for name, indices, _ in node if name not in ("convex", "order")}
        for i, (x, q), base in self.certificate.samples(progress):
            if i in used:
                wanted = cast(Row, self.certificate.edits.get(i, base))
                ((change, below),) = changes(wanted, base)
                common = math.lcm(q, below)
                self.points[i] = [*(n * (common // q) for n in x), common, change * (common // below)]

    def _tree(self, positive: int) -> Violation | None:
        """The first bad node of the tree for so many positive signs. Each list is one whole tree."""
        neurons, complete = len(self.trees) - 1, False
        path: list[Split] = []
        active: dict[Split, bool] = {}  # the sides of the splits on the path
        for k, node in enumerate(self.trees[positive]):
            place = f"trees[{positive}][{k}]"
            if complete:
                return Violation(place, "the end: every case is closed", "one more node")
            if isinstance(node, tuple):
                j, i = node
                if j >= neurons:
                    return Violation(place, f"one of {neurons} neurons", f"neuron {j}", i)
                if node in active:
                    return Violation(place, "a split that is new on its path", f"neuron {j} again", i)
                path.append(node)
                active[node] = True
                continue
            violation = self._contradiction(active, positive, node, place)
            if violation is not None:
                return violation
            while path and not active[path[-1]]:
                del active[path.pop()]
            if path:
                active[path[-1]] = False
            complete = not path
        if not complete:
            return Violation(f"trees[{positive}]", "a node for every case", "the end, with a case open")
        return None

    def _contradiction(
        self, active: dict[Split, bool], positive: int, terms: list[Term], place: str
    ) -> Violation | None:
        """What is wrong, unless the left sides cancel and the right sides have a positive sum."""
        sums = _Sums()
        for term in terms:
            violation = self._add(sums, active, positive, term, place)
            if violation is not None:
                return violation
        rests = {"c": sum(sums.values.values())} | {f"u[{j}][{i}]": n for (j, i), n in sums.u.items()}
        for j in sorted({j for j, _ in sums.z}):
            vector = self._sum([(i, n) for (k, i), n in sums.z.items() if k == j])
            rests[f"neuron {j}"] = any(vector)
        for name, rest in rests.items():
            if rest:
                return Violation(place, "left sides that cancel", f"a rest of {name}")
        common = math.lcm(*(self.points[i][-2] for i in sums.values))
        changes = {i: self.points[i][-1] * (common // self.points[i][-2]) for i in sums.values}
        right = sum(n * changes[i] for i, n in sums.values.items())
        if right <= 0:
            return Violation(place, "right sides of a positive sum", ratio(right, common))
        return None

    def _add(
        self, sums: _Sums, active: dict[Split, bool], positive: int, term: Term, place: str
    ) -> Violation | None:
        """Add a row times its multiplier, unless there is no such row."""
        (name, indices, n), neurons = term, len(self.trees) - 1
        j, i = indices[0], indices[-1]  # the neuron, if the row has one, and the point or the mean
        if name == "value":
            sums.values[i] += n
            for k in range(neurons):
                sums.u[k, i] += n if k < positive else -n
            return None
        if n < 0:
            return Violation(place, f"a multiplier from 0 of '{name}'", ratio(n, 1))
        if j >= neurons:
            return Violation(place, f"one of {neurons} neurons", f"neuron {j} in '{name}'")
        if name == "convex":
            if i >= len(self.convex):
                return Violation(place, f"one of {len(self.convex)} means", f"number {i}")
            b, weights = self.convex[i]
            for a, weight in weights:
                sums.u[j, a] += n * weight
                sums.u[j, b] -= n * weight
        elif name == "order":
            if self.ordered is None or j + 1 in (positive, neurons):
                return Violation(place, "an order of neurons of one sign", f"neurons {j} and {j + 1}")
            sums.z[j, self.ordered] += n
            sums.z[j + 1, self.ordered] -= n
        elif name == "split":
            if (j, i) not in active:
                return Violation(place, "a split on the path", f"neuron {j}", i)
            sums.u[j, i] -= n
            sums.z[j, i] += n if active[j, i] else 0
        else:
            sums.u[j, i] += n
            sums.z[j, i] -= n if name == "line" else 0
        return None

    def _sum(self, factors: list[tuple[int, int]]) -> list[int]:
        """`sum n (x_i, 1)` over pairs `(i, n)`, times a positive number."""
        common = math.lcm(*(self.points[i][-2] for i, _ in factors))
        out = [0] * (self.certificate.points.shape[1] + 1)
        for i, n in factors:
            *x, _ = self.points[i]
            scale = n * (common // x[-1])
            out = [s + scale * y for s, y in zip(out, x, strict=True)]
        return out


@dataclass
class _Sums:
    """Left sides: the factors of `u_j(x_i)`, of `z_j(x_i)`, and of the values, which are those of `c`."""

    u: defaultdict[Split, int] = field(default_factory=lambda: defaultdict(int))
    z: defaultdict[Split, int] = field(default_factory=lambda: defaultdict(int))
    values: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))


def _read_node(raw: Any, place: str, points: int) -> Split | list[Term]:
    size = len(raw) if type(raw) is list else 0
    if size == 3 and raw[0] == "split":
        fine = is_count(raw[1]) and is_count(raw[2]) and raw[2] < points
        need(fine, place, f"expected a neuron and a point in 0..{points - 1}")
        return raw[1], raw[2]
    fine = size == 2 and raw[0] == "close" and type(raw[1]) is list
    need(fine, place, "expected ['split', neuron, point] or ['close', terms]")
    return [_read_term(term, place, points) for term in raw[1]]


def _read_term(raw: Any, place: str, points: int) -> Term:
    fine = type(raw) is list and len(raw) > 2 and type(raw[0]) is str and raw[0] in INDICES
    need(fine, place, f"expected terms as [one of {NAMES}, indices, multiplier]")
    name, *indices, multiplier = raw
    fine = len(indices) == INDICES[name] and all(map(is_count, indices))
    need(fine, place, f"expected '{name}' with indices: {INDICES[name]}")
    fine = name in ("convex", "order") or indices[-1] < points
    need(fine, place, f"expected a point in 0..{points - 1} after '{name}'")
    return name, tuple(indices), integer(multiplier, place)


def _read_mean(raw: Any, place: str, points: int) -> Mean:
    fine = type(raw) is list and len(raw) == 2 and type(raw[1]) is list
    fine = fine and all(type(pair) is list and len(pair) == 2 for pair in raw[1])
    need(fine, place, "expected [point, [[point, weight], ...]]")
    for i in (raw[0], *(i for i, _ in raw[1])):
        need(is_count(i) and i < points, place, f"expected points in 0..{points - 1}")
    weights = [(i, integer(text, place)) for i, text in raw[1]]
    need(all(n >= 0 for _, n in weights), place, "a weight is negative")
    return raw[0], weights
