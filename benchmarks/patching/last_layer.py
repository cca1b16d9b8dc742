"""The rival that adds no neuron: refit the last layer by a linear program, protected labels as constraints.

Least is the change of its weights, in the L1 or the maximum norm. At an edit the wanted score must lead by
`slack`; at a protected point the frozen label must, by `slack` or by half of what it led before if that is
less. Only constraints that are violated are added, until there are none. If no weights do, the sum of what
is missing at the edits is made least instead, and protected labels stay as constraints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
from numpy.typing import NDArray

from benchmarks.patching.cases import Case, LastLayer
from benchmarks.patching.repairs import Refitted

__all__ = ["SLACKS", "Solved", "refit"]

SLACKS = (1e-3, 0.1, 1.0)
Norm = Literal["L1", "maximum"]
_TOLERANCE = 1e-9
_AT_ONCE = 2000
_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Solved:
    """A refitted layer; `feasible`: with all edits as constraints, as the solver tells."""

    repair: Refitted
    feasible: bool
    constraints: int
    note: str = ""


def refit(case: Case, norm: Norm, slack: float, seconds: float = 60.0) -> Solved:
    """The refitted layer that the program gives.

    Raises:
        ValueError: the model has no linear last layer.
    """
    if case.last is None or case.data.features is None:
        raise ValueError("no linear last layer")
    program = _Program(case, norm, slack, seconds)
    found = program.solve(elastic=False)
    feasible = found is not None
    if found is None:
        program = _Program(case, norm, slack, seconds)
        found = program.solve(elastic=True)
    if found is None:
        raise ValueError(f"the solver gives up: {program.status}")
    classes, width = case.last.weight.shape
    change = found[: classes * (width + 1)].reshape(classes, width + 1)
    after = LastLayer(case.last.weight + change[:, :-1], case.last.bias + change[:, -1])
    return Solved(Refitted(case.last, after), feasible, program.rows, program.status)


class _Program:
    def __init__(self, case: Case, norm: Norm, slack: float, seconds: float) -> None:
        self.norm, self.seconds, self.status, self.rows = norm, seconds, "", 0
        features = np.asarray(case.data.features, dtype=np.float64)
        self.inputs = np.column_stack([features, np.ones(len(features))])
        last = case.last
        assert last is not None  # noqa: S101
        self.frozen = features @ last.weight.T.astype(np.float64) + last.bias
        points, self.classes = self.frozen.shape
        self.wants = case.data.labels.copy()
        self.wants[case.edited] = case.labels
        lead = self._leads(self.frozen)
        self.need = np.full(lead.shape, slack)
        safe = case.protected
        self.need[safe] = np.minimum(slack, lead[safe] / 2)
        self.need[np.arange(points), self.wants] = -np.inf
        self.edited = np.zeros(points, dtype=bool)
        self.edited[case.edited] = True
        self.order = {i: k for k, i in enumerate(case.edited)}

    def _leads(self, scores: NDArray[Any]) -> NDArray[Any]:
        """By how much the wanted score is above each."""
        return np.asarray(scores[np.arange(len(scores)), self.wants][:, None] - scores)

    def solve(self, elastic: bool) -> NDArray[Any] | None:
        """The change of the weights, row by row with the bias, or None if the constraints contradict."""
        width = self.inputs.shape[1]
        size = self.classes * width
        solver = highspy.Highs()
        for option, value in (
            ("output_flag", False), ("threads", 1), ("time_limit", self.seconds),
            ("primal_feasibility_tolerance", _TOLERANCE), ("dual_feasibility_tolerance", _TOLERANCE),
        ):  # fmt: skip
            solver.setOptionValue(option, value)
        infinite = highspy.kHighsInf
        price = 1e-3 if elastic else 1.0
        if self.norm == "L1":
            for _ in range(2 * size):
                solver.addCol(price, 0, infinite, 0, [], [])
        else:
            for _ in range(size):
                solver.addCol(0, -infinite, infinite, 0, [], [])
            solver.addCol(price, 0, infinite, 0, [], [])
            for k in range(size):
                for sign in (1.0, -1.0):
                    solver.addRow(0, infinite, 2, np.array([k, size]), np.array([sign, 1.0]))
        extra = solver.getNumCol()
        if elastic:
            for _ in self.order:
                solver.addCol(1.0, 0, infinite, 0, [], [])
        there = np.isneginf(self.need)  # constraints that are in the program, or none
        fresh = ~there & self.edited[:, None]
        for _ in range(_ROUNDS):
            self._add(solver, fresh, extra if elastic else None)
            there |= fresh
            solver.run()
            status = solver.getModelStatus()
            self.status = solver.modelStatusToString(status)
            if status != highspy.HighsModelStatus.kOptimal:
                return None
            values = np.array(solver.getSolution().col_value)
            change = values[:size] - values[size : 2 * size] if self.norm == "L1" else values[:size]
            scores = self.frozen + self.inputs @ change.reshape(self.classes, width).T
            short = np.where(there, -np.inf, self.need - self._leads(scores))
            fresh = short > 1e-7 * np.maximum(1, np.abs(self.need))
            if not fresh.any():
                return change
            if fresh.sum() > _AT_ONCE:
                fresh &= short >= np.partition(short[fresh], -_AT_ONCE)[-_AT_ONCE]
        self.status = f"not solved in {_ROUNDS} rounds"
        return None

    def _add(self, solver: highspy.Highs, fresh: NDArray[Any], elastic: int | None) -> None:
        """One row for each constraint `lead >= need`."""
        width = self.inputs.shape[1]
        size, lead = self.classes * width, self._leads(self.frozen)
        block = np.arange(width)
        for i, c in np.argwhere(fresh).tolist():
            index = np.concatenate([self.wants[i] * width + block, c * width + block])
            value = np.concatenate([self.inputs[i], -self.inputs[i]])
            index, value = index[value != 0], value[value != 0]
            if self.norm == "L1":
                index, value = np.concatenate([index, index + size]), np.concatenate([value, -value])
            if elastic is not None and self.edited[i]:
                index, value = np.append(index, elastic + self.order[i]), np.append(value, 1.0)
            solver.addRow(self.need[i, c] - lead[i, c], highspy.kHighsInf, len(index), index, value)
            self.rows += 1
