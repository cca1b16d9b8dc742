"""The least width of two-layer networks for a given instance: a network and a proof that meet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from constructions.build import Solution, build
from constructions.exact_width.instance import Instance, Mean
from constructions.exact_width.journal import Journal
from constructions.exact_width.relaxation import Relaxation
from constructions.exact_width.search import Node, search
from constructions.exact_width.smt import UndecidedError
from constructions.network import ReLUNetwork
from constructions.obstruction import FarkasObstruction, Obstruction, obstruct
from constructions.problem import FineTuningProblem

__all__ = ["Width", "least_width"]

_MOST = 20_000  # neurons times points of a linear program


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
        budget: seconds, after which an interval is returned, at the end of a case; None for as long as
            it takes.
        resume: a progress file, taken up if it is there, and kept up to date. It is believed; the kernel
            judges what comes of it, if it is asked.
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
    obstruction: Obstruction | FarkasObstruction = first
    wanted = resume is not None or first.neurons < solution.network.neurons
    means = instance.means() if wanted else []
    journal = Journal.open(resume, instance, means, first.neurons)
    lower, reason = journal.neurons, None
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
    journal: Journal
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
