"""The rival that adds no neuron: refit the last layer by a linear program, protected labels as constraints.

Least is the change of its weights, in the L1 or the maximum norm. At an edit the wanted score must lead by
`slack`; at a protected point the frozen label must, by `slack`, or by half of what it led before if that is
less. Only constraints that are violated are added, until there are none. If no weights do, protected labels
stay as constraints, edits are added one by one, and each is kept with which the solver finds a solution. How
many these are depends on the order, so that several are tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
from numpy.typing import NDArray

from benchmarks.patching.cases import Case, LastLayer
from benchmarks.patching.repairs import Refitted

__all__ = ["SLACKS", "Norm", "Some", "refit", "refit_one_by_one"]

SLACKS = (1e-3, 0.1, 1.0)
Norm = Literal["L1", "maximum"]
_TOLERANCE = 1e-7  # of the solver, in scores
_SHORT = 1e-6  # so much may a constraint lack that is not in the program
_AT_ONCE = 2000
_ROUNDS = 60


@dataclass(frozen=True)
class Some:
    """A refitted layer that makes some edits; for `undecided` other ones the solver could not tell."""

    repair: Refitted
    undecided: int


def refit(case: Case, norm: Norm, slack: float) -> Refitted:
    """The refitted layer that makes all edits.

    Raises:
        ValueError: the model has no linear last layer, or no weights will do, or the solver gives up.
    """
    program = _Program(case, norm, slack)
    program.add(case.edited)
    change = program.solve()
    if change is None:
        raise ValueError(program.status)
    return program.refitted(change)


def refit_one_by_one(case: Case, norm: Norm, slack: float, seed: int) -> Some:
    """The refitted layer after edits were added one by one: as they are listed, or in a random order for a
    seed that is not 0.

    Raises:
        ValueError: the model has no linear last layer, or the solver gives up.
    """
    program, undecided = _Program(case, norm, slack), 0
    program.free(True)  # whether there is a solution is found sooner without an aim
    found = program.solve()
    for edit in np.random.default_rng(seed).permutation(case.edited).tolist() if seed else case.edited:
        rows = program.add([edit])
        change = program.solve()
        if change is None:
            undecided += program.status != "infeasible"
            program.remove(rows)
        else:
            found = change
    program.free(False)
    least = program.solve()
    found = found if least is None else least
    if found is None:
        raise ValueError(program.status)
    return Some(program.refitted(found), undecided)


class _Program:
    """Variables: the change, row by row of the weight with its bias, as a difference of two for the L1 norm,
    or with the maximum. Edits are no constraints before they are added."""

    def __init__(self, case: Case, norm: Norm, slack: float) -> None:
        if case.last is None or case.data.features is None:
            raise ValueError("no linear last layer")
        last = self.last = case.last
        features = np.asarray(case.data.features, dtype=np.float64)
        self.inputs = np.column_stack([features, np.ones(len(features))])
        self.frozen = features @ last.weight.T.astype(np.float64) + last.bias
        self.wanted = case.data.labels
        self.wanted[case.edited] = case.labels
        lead, safe = self._leads(self.frozen), case.protected
        self.need = np.full(lead.shape, slack)
        self.need[safe] = np.minimum(slack, lead[safe] / 2)
        self.need[np.arange(len(lead)), self.wanted] = -np.inf
        self.there = np.isneginf(self.need)  # what needs no constraint any more
        self.there[case.edited] = True
        self.shape = last.weight.shape[0], self.inputs.shape[1]
        self.norm, self.status = norm, ""
        self.solver = self._start(self.shape[0] * self.shape[1])
        self.prices = np.array(self.solver.getLp().col_cost_)

    def add(self, edits: Iterable[int]) -> range:
        """The rows that these edits add."""
        start = self.solver.getNumRow()
        self._add((i, c) for i in edits for c in range(self.shape[0]) if np.isfinite(self.need[i, c]))
        return range(start, self.solver.getNumRow())

    def remove(self, rows: range) -> None:
        """Take rows out again that `add` gave."""
        self.solver.deleteRows(len(rows), np.array(rows, dtype=np.int32))

    def free(self, free: bool) -> None:
        """Whether any change is as good as another."""
        columns = np.arange(len(self.prices), dtype=np.int32)
        self.solver.changeColsCost(len(columns), columns, self.prices * (not free))

    def refitted(self, change: NDArray[Any]) -> Refitted:
        after = LastLayer(self.last.weight + change[:, :-1], self.last.bias + change[:, -1])
        return Refitted(self.last, after)

    def solve(self) -> NDArray[Any] | None:
        """The change, shape `(C, h + 1)`, or None if there is none or the solver gives up."""
        for _ in range(_ROUNDS):
            for _ in range(2):  # if it stumbles from the last basis, then from none
                self.solver.run()
                status = self.solver.getModelStatus()
                if status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible):
                    break
                self.solver.clearSolver()
            self.status = self.solver.modelStatusToString(status).lower()
            if status != highspy.HighsModelStatus.kOptimal:
                return None
            size, values = self.shape[0] * self.shape[1], self._values()
            change = values[:size] - values[size : 2 * size] if self.norm == "L1" else values[:size]
            change = change.reshape(self.shape)
            leads = self._leads(self.frozen + self.inputs @ change.T)
            short = np.where(self.there, -np.inf, self.need - leads)
            worst = np.argsort(-short, axis=None)[:_AT_ONCE]
            worst = worst[short.reshape(-1)[worst] > _SHORT]
            if not len(worst):
                return np.asarray(change)
            self._add(zip(*(axis.tolist() for axis in np.unravel_index(worst, short.shape)), strict=True))
        self.status = f"not done in {_ROUNDS} rounds"
        return None

    def _leads(self, scores: NDArray[Any]) -> NDArray[Any]:
        """By how much the wanted score is above each."""
        return np.asarray(scores[np.arange(len(scores)), self.wanted][:, None] - scores)

    def _values(self) -> NDArray[np.float64]:
        return np.array(self.solver.getSolution().col_value)

    def _start(self, size: int) -> Any:
        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        solver.setOptionValue("output_flag", False)  # first: it talks else
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("primal_feasibility_tolerance", _TOLERANCE)
        solver.setOptionValue("dual_feasibility_tolerance", _TOLERANCE)
        infinite = highspy.kHighsInf
        if self.norm == "L1":
            for _ in range(2 * size):
                solver.addCol(1.0, 0, infinite, 0, [], [])
        else:
            for _ in range(size):
                solver.addCol(0, -infinite, infinite, 0, [], [])
            solver.addCol(1.0, 0, infinite, 0, [], [])
            for k in range(size):
                for sign in (1.0, -1.0):
                    solver.addRow(0, infinite, 2, np.array([k, size]), np.array([sign, 1.0]))
        return solver

    def _add(self, constraints: Iterable[tuple[int, int]]) -> None:
        """Point `i`: the wanted score leads that of class `c` by what is needed."""
        width, block = self.shape[1], np.arange(self.shape[1])
        size, lead = self.shape[0] * width, self._leads(self.frozen)
        for i, c in constraints:
            index = np.concatenate([self.wanted[i] * width + block, c * width + block])
            value = np.concatenate([self.inputs[i], -self.inputs[i]])
            index, value = index[value != 0], value[value != 0]
            if self.norm == "L1":
                index, value = np.concatenate([index, index + size]), np.concatenate([value, -value])
            self.solver.addRow(
                self.need[i, c] - lead[i, c], highspy.kHighsInf, len(index), index.astype(np.int32), value
            )
            self.there[i, c] = True
