"""Search for a two-layer network with given signs, which leaves the proof if there is none.

Depth first over the cases of `verify/CERTIFICATE.md`: where the relaxation is impossible, a case is
closed; where its solution is no network, the neuron and point that it is furthest from are split. A split
that the proof of one of its cases does not use was not needed: that proof takes its place.
The nodes found so far, in the order of the certificate, say all about where the search stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from constructions.exact_width import smt
from constructions.exact_width.relaxation import Floats, Relaxation, Split
from constructions.network import ReLUNetwork

__all__ = ["Node", "search"]

Node = list[Any]
"""`["split", neuron, point]` or `["close", terms]`, as certificates write them."""
_FLAT = 1e-7


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
    """
    places = {index: k for k, index in enumerate(relaxation.instance.indices)}
    stack: list[_Frame] = []
    known, nodes[:] = nodes[:], []
    for kind, *rest in known:
        if kind == "split":
            _open(relaxation, stack, nodes, (rest[0], places[rest[1]]))
        elif _close(relaxation, stack, nodes, rest[0], places):
            return None
    while True:
        tick()
        terms, columns = relaxation.solve()
        split, network = _furthest(relaxation, columns), None
        if columns is not None and relaxation.gaps(columns).max(initial=0.0) < _FLAT:
            network = relaxation.network(columns)
        if terms is None and network is None and (columns is None or split is None):
            terms, network = smt.settle(relaxation)
        if network is not None:
            return network
        if terms is not None:
            if _close(relaxation, stack, nodes, terms, places):
                return None
        elif split is not None:
            _open(relaxation, stack, nodes, split)
        else:
            raise RuntimeError("all neurons are decided, yet there is neither network nor contradiction")


def _furthest(relaxation: Relaxation, columns: Floats | None) -> Split | None:
    count = len(relaxation.instance.rows)
    gaps = np.zeros((relaxation.neurons, count)) if columns is None else relaxation.gaps(columns)
    for j, i in relaxation.sides:
        gaps[j, i] = -np.inf
    if gaps.max(initial=-np.inf) == -np.inf:
        return None
    return divmod(int(gaps.argmax()), count)


def _open(relaxation: Relaxation, stack: list[_Frame], nodes: list[Node], split: Split) -> None:
    stack.append(_Frame(split, len(nodes)))
    nodes.append(["split", split[0], relaxation.instance.indices[split[1]]])
    relaxation.decide(split, True)


def _close(
    relaxation: Relaxation, stack: list[_Frame], nodes: list[Node], terms: list[Any], places: dict[int, int]
) -> bool:
    """Close a case and go to the next one; whether there is none."""
    nodes.append(["close", terms])
    used = {(term[1], places[term[2]]) for term in terms if term[0] == "split"}
    while stack:
        frame = stack[-1]
        if frame.split in used and frame.second < 0:
            frame.second, frame.used = len(nodes), used
            relaxation.decide(frame.split, False)
            return False
        if frame.split in used:
            used = (used | frame.used) - {frame.split}
        elif frame.second < 0:
            del nodes[frame.start]
        else:
            nodes[frame.start : frame.second] = []
        stack.pop()
        relaxation.decide(frame.split, None)
    return True
