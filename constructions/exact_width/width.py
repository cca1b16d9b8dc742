"""The least width of two-layer networks for a given instance: a network and a proof that meet."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from constructions.build import Solution, build
from constructions.exact_width.instance import Instance, Mean
from constructions.exact_width.relaxation import Relaxation
from constructions.exact_width.search import Node, search
from constructions.exact_width.smt import UndecidedError
from constructions.files import write_whole
from constructions.network import ReLUNetwork
from constructions.obstruction import FarkasObstruction, Obstruction, obstruct
from constructions.problem import FineTuningProblem

__all__ = ["Width", "least_width"]

_MOST = 20_000  # neurons times points of a linear program
_EVERY = 5.0  # seconds between two writes of the progress file


@dataclass(frozen=True)
class Width:
    """`lower <= w <= upper` for the least width `w`: `solution` has `upper` neurons, `obstruction` shows that
    fewer than `lower` do not suffice. `open` says why the two do not meet, if they do not."""

    lower: int
    upper: int
    solution: Solution
    obstruction: Obstruction | FarkasObstruction
    open: str | None = None


def least_width(
    problem: FineTuningProblem,
    *,
    budget: float | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Width:
    """The least number of neurons of a two-layer network that solves `problem`, for few points.

    Windows on lines give a first lower bound and the constructions a first upper bound; then a search
    over activation patterns, for one number of neurons after the other, ends with a network or with a
    Farkas obstruction. The work grows fast with the width: ten points and four neurons take seconds.

    Args:
        budget: seconds, after which an interval is returned; None for as long as it takes.
        resume: a progress file, taken up if it is there, and kept up to date.
        progress: called with a line about the state of the search.

    Raises:
        ValueError: `budget` is negative, or `resume` is no progress file of this problem.
        ImportError: HiGHS (extra `width`) is not installed.

    >>> square = FineTuningProblem([[0, 0], [0, 1], [1, 0], [1, 1]], edits={1: 1, 2: 1})
    >>> width = least_width(square)
    >>> width.lower, width.upper, width.solution.network([[0, 1], [1, 1]]) == [1, 0]
    (2, 2, True)
    """
    if budget is not None and not budget >= 0:
        raise ValueError(f"budget is {budget}: expected seconds from 0")
    end = None if budget is None else time.monotonic() + budget
    first, solution = obstruct(problem, 2), build(problem, 2)
    instance = Instance.of(problem)
    journal = _Journal.open(resume, problem, first.neurons)
    obstruction: Obstruction | FarkasObstruction = first
    lower, reason = max(first.neurons, journal.neurons), None
    means = instance.means() if lower < solution.network.neurons else []
    run = _Run(problem, instance, means, end, journal, progress)
    if lower > first.neurons:
        obstruction = run.obstruction(lower, journal.proved)
    try:
        while lower < solution.network.neurons:
            network = run.try_width(lower)
            if network is not None:
                solution = Solution(problem, network, None, "least-width", None, network.neurons,
                                    {"name": "two-layer"}, 0)  # fmt: skip
                break
            obstruction, lower = run.obstruction(lower + 1, journal.trees), lower + 1
            journal.next()
    except (_Stop, UndecidedError) as stop:
        reason = str(stop)
    finally:
        journal.save()
    return Width(lower, solution.network.neurons, solution, obstruction, reason)


class _Stop(Exception):  # noqa: N818 - no error
    """The search ends without an answer."""


@dataclass
class _Run:
    problem: FineTuningProblem
    instance: Instance
    means: list[Mean]
    end: float | None
    journal: _Journal
    progress: Callable[[str], None]
    cases: int = 0

    def try_width(self, neurons: int) -> ReLUNetwork | None:
        """A network of so many neurons, or None: then the journal holds a tree for each number of
        positive signs."""
        if neurons * len(self.instance.rows) > _MOST:
            raise _Stop(f"a search over {neurons} neurons at {len(self.instance.rows)} points is too large")
        trees = self.journal.trees
        for positive in range(neurons + 1):
            if positive + 1 < len(trees):
                continue
            if positive == len(trees):
                trees.append([])
            self.progress(f"{neurons} neurons, {positive} of them positive")
            network = search(
                Relaxation(self.instance, self.means, neurons, positive), trees[positive], self._tick
            )
            if network is not None:
                return network
        return None

    def _tick(self) -> None:
        self.cases += 1
        if self.end is not None and time.monotonic() > self.end:
            raise _Stop(f"the time is over after {self.cases} cases")
        self.journal.keep()

    def obstruction(self, neurons: int, trees: list[list[Node]]) -> FarkasObstruction:
        """With those of the means that it uses."""
        terms = [term for tree in trees for kind, *rest in tree if kind == "close" for term in rest[0]]
        used = sorted({term[2] for term in terms if term[0] == "convex"})
        number = {k: n for n, k in enumerate(used)}
        trees = [[_renumbered(node, number) for node in tree] for tree in trees]
        places = self.instance.indices
        convex = [(places[self.means[k][0]], [(places[i], n) for i, n in self.means[k][1]]) for k in used]
        return FarkasObstruction(self.problem, neurons, trees, convex)


def _renumbered(node: Node, number: dict[int, int]) -> Node:
    if node[0] == "split":
        return node
    return ["close", [[*t[:2], number[t[2]], t[3]] if t[0] == "convex" else t for t in node[1]]]


@dataclass
class _Journal:
    """What has been found: `proved` shows that `neurons` are needed, unless windows do (then it is empty);
    `trees`, the last of which may be unfinished, are about `neurons` neurons."""

    path: Path | None
    digest: str
    neurons: int
    proved: list[list[Node]] = field(default_factory=list)
    trees: list[list[Node]] = field(default_factory=list)
    saved: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None, problem: FineTuningProblem, neurons: int) -> _Journal:
        points, changes = problem.points, sorted(problem.delta.items())
        content = [points.numerators.tolist(), points.denominator, [[i, str(x)] for i, x in changes]]
        digest = hashlib.sha256(repr(content).encode()).hexdigest()
        journal = cls(None if path is None else Path(path), digest, neurons)
        if journal.path is None or not journal.path.exists():
            return journal
        try:
            found = json.loads(journal.path.read_bytes())
            if found["format"] != "ftc-width-progress":
                raise ValueError("another format")
            if found["problem"] != digest:
                raise ValueError("it is about another problem")
            journal.neurons, journal.proved, journal.trees = (found[key] for key in _KEPT)
        except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
            raise ValueError(f"{path} is no progress file of this problem: {error}") from None
        return journal

    def next(self) -> None:
        """The trees are complete."""
        self.neurons, self.proved, self.trees = self.neurons + 1, self.trees, []

    def keep(self) -> None:
        if self.path is not None and time.monotonic() - self.saved > _EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        if self.path is None:
            return
        content: dict[str, Any] = {"format": "ftc-width-progress", "problem": self.digest}
        content |= {key: getattr(self, key) for key in _KEPT}
        write_whole(self.path, json.dumps(content).encode())
        self.saved = time.monotonic()


_KEPT = ("neurons", "proved", "trees")
