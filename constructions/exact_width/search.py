"""Search for a two-layer network with given signs, which leaves the proof if there is none.

Depth first over the cases of `verify/CERTIFICATE.md`: where the relaxation is impossible, a case is
closed; where its solution is no network, a neuron is split at a point where it is far from one. A split
that the proof of one of its cases does not use was not needed: that proof takes its place.
The nodes found so far, in the order of the certificate, say all about where the search stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from constructions.exact_width import smt
from constructions.exact_width.relaxation import Floats, Relaxation, Split, Term
from constructions.network import ReLUNetwork

__all__ = ["Node", "search"]

Node = list[Any]
"""`["split", neuron, point]` or `["close", terms]`, as certificates write them."""
_FLAT = 1e-7
_FORGET = 0.95


@dataclass
class _Frame:
    """A split on the path: where its nodes begin, those of its inactive case (-1 while in the active one),
    and the splits that the proof of the active case uses."""

    split: Split
    start: int
    second: int = -1
    used: set[Split] = field(default_factory=set)


def search(relaxation: Relaxation, nodes: list[Node], tick: Callable[[], None]) -> ReLUNetwork | None:
    """A network, or None when `nodes` is a tree that shows that there is none.

    Args:
        nodes: what an earlier search had found, or empty; is added to in place.
        tick: called before each case; what it raises ends the search, and `nodes` can be gone on with.

    Raises:
        UndecidedError: whether some case can be met is not known.
    """
    tree = _Tree(relaxation, nodes)
    if tree.complete:
        return None
    while True:
        tick()
        terms, columns = relaxation.solve()
        gaps = None if columns is None else relaxation.gaps(columns)
        split = None if terms else tree.best_split(gaps)
        network = None
        if columns is not None and gaps is not None and gaps.max(initial=0.0) < _FLAT:
            network = relaxation.network(columns)
        if terms is None and network is None and (columns is None or split is None):
            terms, network = smt.settle(relaxation)
        if network is not None:
            return network
        if terms is not None:
            tree.close(terms)
            if tree.complete:
                return None
        elif split is not None:
            tree.open(split)
        else:
            raise smt.UndecidedError("neither floats nor z3 decide a case")


class _Tree:
    """The nodes, the path to the case that is next, and how often a split was used of late: those that
    contradictions need are split first, which makes proofs short."""

    def __init__(self, relaxation: Relaxation, nodes: list[Node]) -> None:
        self.complete = False
        self._relaxation, self._nodes = relaxation, list[Node]()
        self._stack: list[_Frame] = []
        self._places = {index: k for k, index in enumerate(relaxation.instance.indices)}
        self._uses = np.zeros((relaxation.neurons, len(relaxation.instance.rows)))
        for kind, *rest in nodes:
            if kind == "split":
                self.open((rest[0], self._places[rest[1]]))
            else:
                self.close(rest[0])
        nodes[:], self._nodes = self._nodes, nodes

    def best_split(self, gaps: Floats | None) -> Split | None:
        """Where the gap of the solution is large, and splits are used; None if all is decided."""
        score = 1 + self._uses
        if gaps is not None:
            score *= gaps
        for split in self._relaxation.sides:
            score[split] = -np.inf
        if score.max(initial=-np.inf) == -np.inf:
            return None
        return divmod(int(score.argmax()), score.shape[1])

    def open(self, split: Split) -> None:
        """Go into the active case of a split."""
        self._stack.append(_Frame(split, len(self._nodes)))
        self._nodes.append(["split", split[0], self._relaxation.instance.indices[split[1]]])
        self._relaxation.decide(split, True)

    def close(self, terms: list[Term]) -> None:
        """Close a case and go to the next one, if there is one."""
        self._nodes.append(["close", terms])
        used = {(term[1], self._places[term[2]]) for term in terms if term[0] == "split"}
        self._uses *= _FORGET
        for split in used:
            self._uses[split] += 1
        while self._stack:
            frame = self._stack[-1]
            if frame.split in used and frame.second < 0:
                frame.second, frame.used = len(self._nodes), used
                self._relaxation.decide(frame.split, False)
                return
            if frame.split in used:
                used = (used | frame.used) - {frame.split}
            elif frame.second < 0:
                del self._nodes[frame.start]
            else:
                self._nodes[frame.start : frame.second] = []
            self._stack.pop()
            self._relaxation.decide(frame.split, None)
        self.complete = True
