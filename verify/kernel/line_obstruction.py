"""The claim `line-obstruction`: no network of a depth solves this instance with fewer neurons.

Three points `t_a < t_b < t_c` on a line with a positive second difference of the wanted values force
every piecewise linear interpolant to have a convex breakpoint in the open interval `(t_a, t_c)`; a
negative one forces a concave breakpoint. So windows that are disjoint among equal signs count
breakpoints, and a network of given widths has only so many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from verify.kernel.certificate import Certificate, Progress
from verify.kernel.edit import Violation, changes
from verify.kernel.reader import Row, fields, is_count, need, shown

__all__ = ["LineObstruction", "least_neurons", "least_neurons_split"]

Ratio = tuple[int, int]
"""Numerator and positive denominator."""


@dataclass
class LineObstruction:
    """Windows of three points each, on a line; `split` of them in the first half, if it is given."""

    certificate: Certificate
    facts: dict[str, Any]
    windows: list[list[int]]
    split: int | None
    values: dict[int, Ratio] = field(default_factory=dict, init=False)
    points: dict[int, Row] = field(default_factory=dict, init=False)

    @classmethod
    def read(cls, raw: dict[str, Any], place: str, certificate: Certificate) -> LineObstruction:
        fields(raw, place, ("kind", "neurons", "layers", "windows"), ("split",))
        for key in ("neurons", "layers", "split"):
            need(
                is_count(raw.get(key, 0)),
                f"{place}.{key}",
                f"expected an integer from 0, got {shown(raw.get(key))}",
            )
        need(certificate.network is None, "network", "an obstruction is about all networks")
        need(not certificate.by_label, place, "line-obstruction needs edits.value")
        need(certificate.outputs == 1, place, "line-obstruction needs one output")
        need(
            certificate.direction is not None and any(certificate.direction),
            "direction",
            "needed, and not zero",
        )
        windows, total = raw["windows"], certificate.points.shape[0]
        need(type(windows) is list, f"{place}.windows", "expected a list of windows")
        for k, window in enumerate(windows):
            three = (
                type(window) is list and len(window) == 3 and all(is_count(i) and i < total for i in window)
            )
            need(three, f"{place}.windows[{k}]", f"expected three indices in 0..{total - 1}")
        split = raw.get("split")
        if split is not None:
            need(split <= len(windows), f"{place}.split", f"there are {len(windows)} windows")
            need(raw["layers"] == 3, f"{place}.split", "a split is for three layers")
        facts = {key: value for key, value in raw.items() if key != "windows"}
        return cls(certificate, facts, windows, split)

    @property
    def proved(self) -> str:
        return (
            f"no network of {self.facts['layers']} layers with fewer than {self.facts['neurons']} neurons "
            f"solves this instance; {len(self.windows)} windows, exactly"
        )

    def judge(self, progress: Progress) -> Violation | None:
        """The first violated obligation: the depth, the windows in order, disjointness, the number."""
        self._collect(progress)
        if self.facts["layers"] < 2:
            return Violation("layers", "at least 2", str(self.facts["layers"]))
        ends: dict[bool, list[tuple[int, int, int]]] = {True: [], False: []}
        signs = []
        for k, window in enumerate(self.windows):
            for i in window:
                if i not in self._places:
                    return Violation(f"windows[{k}]", "points on the line", f"point {i} beside it", i)
            a, b, c = (self._places[i] for i in window)
            if not a < b < c:
                return Violation(f"windows[{k}]", "points in increasing order", str(window), window[0])
            u, v, w = (self.values[i] for i in window)
            # over one denominator: (w - v) / (c - b) against (v - u) / (b - a)
            common = math.lcm(u[1], v[1], w[1])
            x, y, z = (p * (common // q) for p, q in (u, v, w))
            bend = (z - y) * (b - a) - (y - x) * (c - b)
            if bend == 0:
                return Violation(f"windows[{k}]", "a second difference that is not 0", "0", window[1])
            signs.append(bend > 0)
            ends[bend > 0].append((a, c, k))
        return self._overlap(ends) or self._unsplit(signs) or self._excess(ends)

    def _collect(self, progress: Progress) -> None:
        """One pass over all points, which checks their digests; those of the windows are kept."""
        used = {i for window in self.windows for i in window}
        for i, point, base in self.certificate.samples(progress):
            if i in used:
                wanted = cast(Row, self.certificate.edits.get(i, base))
                self.points[i], self.values[i] = point, changes(wanted, base)[0]

    @cached_property
    def _places(self) -> dict[int, int]:
        """Integers in the order of the points of the windows on the line through the first of them; a
        point beside the line has none."""
        if not self.points:
            return {}
        direction = self.certificate.direction or []
        pivot = next(k for k, u in enumerate(direction) if u)
        origin, below = self.points[self.windows[0][0]]
        places = {}
        for i, (x, q) in self.points.items():
            v = [p * below - o * q for p, o in zip(x, origin, strict=True)]
            if all(p * direction[pivot] == v[pivot] * u for p, u in zip(v, direction, strict=True)):
                places[i] = v[pivot] * (1 if direction[pivot] > 0 else -1), q
        common = math.lcm(*(q for _, q in places.values()))
        return {i: p * (common // q) for i, (p, q) in places.items()}

    def _overlap(self, ends: dict[bool, list[tuple[int, int, int]]]) -> Violation | None:
        for some in ends.values():
            some.sort()
            for (_, end, k), (start, _, other) in zip(some, some[1:], strict=False):
                if start < end:
                    return Violation(
                        f"windows[{other}]", f"disjoint from windows[{k}] of its sign", "overlapping"
                    )
        return None

    def _unsplit(self, signs: list[bool]) -> Violation | None:
        """What is wrong with the halves: each of one sign, and the first ends before the second begins."""
        if self.split is None:
            return None
        first, second = signs[: self.split], signs[self.split :]
        if len(set(first)) > 1 or len(set(second)) > 1 or (first and second and first[0] == second[0]):
            return Violation("split", "two halves of opposite signs", "other signs")
        end = max((self._places[c] for _, _, c in self.windows[: self.split]), default=None)
        start = min((self._places[a] for a, _, _ in self.windows[self.split :]), default=None)
        if end is not None and start is not None and start < end:
            return Violation("split", "a first half that ends before the second begins", "overlapping")
        return None

    def _excess(self, ends: dict[bool, list[tuple[int, int, int]]]) -> Violation | None:
        count, layers = len(ends[True]) + len(ends[False]), self.facts["layers"]
        if self.split is None:
            proven = least_neurons(count, layers)
        else:
            proven = least_neurons_split(self.split, count - self.split)
        if self.facts["neurons"] > proven:
            return Violation("neurons", f"at most {proven}, as proven", str(self.facts["neurons"]))
        return None


def least_neurons(breakpoints: int, layers: int) -> int:
    """The least sum of the widths `w_1, .., w_(L-1)` with `(w_1+1) .. (w_(L-1)+1) >= breakpoints + 1`.

    Without a neuron in some layer the function is constant: with a breakpoint all widths are positive.
    A layer of width `w` bends a function of `n` pieces at most `w` times in each piece, so that it has
    at most `n (w + 1)` pieces then.

    >>> [least_neurons(300, layers) for layers in (2, 3, 4)]
    [300, 33, 18]
    """
    hidden, fails, works = layers - 1, -1, breakpoints
    while works - fails > 1:
        total = (fails + works) // 2
        low, more = divmod(total, hidden)
        # with a given sum the product is largest if the widths differ by 1 at most
        if (low + 2) ** more * (low + 1) ** (hidden - more) > breakpoints:
            works = total
        else:
            fails = total
    return max(works, hidden) if breakpoints else 0


def least_neurons_split(first: int, second: int) -> int:
    """The least width of three layers, if the first half of the line needs `first` breakpoints of one
    sign and the second half `second` of the other.

    With `p` knots the halves meet `P_1 + P_2 <= p + 2` pieces, and only neurons of the second hidden layer
    with the right output sign bend the right way: `P_1 (q_1 + 1) > first`, `P_2 (q_2 + 1) > second`.

    >>> least_neurons_split(100, 100)
    38
    """
    return max(_least_half(first) + _least_half(second) - 2, 0)


def _least_half(breakpoints: int) -> int:
    """Least `P + q` with `P >= 1` and `P (q + 1) > breakpoints`."""
    root = math.isqrt(breakpoints + 1)
    return min(p + breakpoints // p for p in range(max(1, root - 1), root + 3))
