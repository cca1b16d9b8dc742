"""The rival that adds no neuron: refit the last layer by a linear program, protected labels as constraints.

Least is the change of its weights, in the L1 or the maximum norm. At an edit the wanted score must lead by
`slack`; at a protected point the frozen label must, by `slack`, or by half of what it led before if that is
less. Only constraints that are violated are added, until there are none. If no weights do, protected labels
stay as constraints, edits are added one by one, and each is kept with which the program has a solution.
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

__all__ = ["SLACKS", "Norm", "Solved", "refit"]

SLACKS = (0.1, 1e-3, 1.0)
Norm = Literal["L1", "maximum"]
_TOLERANCE = 1e-7  # of the solver, in scores
_SHORT = 1e-6  # so much may a constraint lack that is not in the program
_AT_ONCE = 2000
_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Solved:
    """A refitted layer; `status`: what the solver says of the program with all edits as constraints."""

    repair: Refitted
    status: str
    constraints: int

    @property
    def whole(self) -> bool:
        """It makes all edits."""
        return self.status == "optimal"


def refit(case: Case, norm: Norm, slack: float) -> Solved:
    """The refitted layer that the program gives.

    Raises:
        ValueError: the model has no linear last layer, or the solver gives up.
    """
    if case.last is None or case.data.features is None:
        raise ValueError("no linear last layer")
    program = _Program(case, case.last, norm, slack)
    program.add(case.edited)
    found = program.solve()
    status = program.status.lower()
    if found is None:  # contradictory, or the solver cannot tell
        program = _Program(case, case.last, norm, slack)
        found = program.solve()
        for edit in case.edited:
            rows = program.add([edit])
            if (better := program.solve()) is None:
                program.remove(rows)
            else:
                found = better
    if found is None:
        raise ValueError(f"the solver gives up: {program.status}")
    after = LastLayer(case.last.weight + found[:, :-1], case.last.bias + found[:, -1])
    return Solved(Refitted(case.last, after), status, program.constraints)


class _Program:
    """Variables: the change, row by row of the weight with its bias, as a difference of two for the L1 norm,
    or with the maximum. Edits are no constraints before they are added."""

    def __init__(self, case: Case, last: LastLayer, norm: Norm, slack: float) -> None:
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
        self.norm, self.status, self.constraints = norm, "", 0
        self.solver = self._start(self.shape[0] * self.shape[1])

    def add(self, edits: Iterable[int]) -> range:
        """The rows that these edits add."""
        start = self.solver.getNumRow()
        self._add((i, c) for i in edits for c in range(self.shape[0]) if np.isfinite(self.need[i, c]))
        return range(start, self.solver.getNumRow())

    def remove(self, rows: range) -> None:
        """Take rows out again that `add` gave."""
        self.solver.deleteRows(len(rows), np.array(rows, dtype=np.int32))
        self.constraints -= len(rows)

    def solve(self) -> NDArray[Any] | None:
        """The change, shape `(C, h + 1)`, or None if there is none or the solver gives up."""
        for _ in range(_ROUNDS):
            for _ in range(2):  # if it stumbles from the last basis, then from none
                self.solver.run()
                status = self.solver.getModelStatus()
                if status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible):
                    break
                self.solver.clearSolver()
            self.status = self.solver.modelStatusToString(status)
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
            self.constraints += 1
