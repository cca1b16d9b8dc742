"""That no last layer at all gives the wanted and the protected labels: proven, if floats find how."""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray
from scipy.linalg import qr

from benchmarks.patching.cases import Case
from benchmarks.patching.exact import Dyadic

__all__ = ["adds_up_to_nothing", "contradiction"]


def contradiction(case: Case) -> int | None:
    """How many constraints contradict each other, or None if no contradiction is found, or no last layer.

    A label leads where `(w_a - w_c) x > 0` for every other class `c`, with weights `w` that hold the bias. If
    these rows, with factors that are not negative and not all 0, add up to 0, no weights make all of them
    positive (Gordan's theorem). HiGHS proposes which rows; their factors are solved for, and checked, in
    exact rational arithmetic.
    """
    if case.last is None or case.data.features is None:
        return None
    labels = case.data.labels
    labels[case.edited] = case.labels
    inputs = np.column_stack([case.data.features, np.ones(len(labels))])
    # the weights of class 0 are left out: what the rows add up to is 0 there if it is 0 elsewhere
    columns = []
    for x, label in zip(inputs, labels, strict=True):
        for other in range(len(case.last.bias)):
            if other != label:
                row = np.zeros((len(case.last.bias), len(x)))
                row[label], row[other] = x, -x
                columns.append(row[1:].reshape(-1))
    table = np.stack(columns, axis=1)
    table = table[table.any(axis=1)]
    factors = _proposed(table)
    if factors is None:
        return None
    chosen = table[:, factors > 1e-12]
    return chosen.shape[1] if adds_up_to_nothing(chosen) else None


def _proposed(table: NDArray[Any]) -> NDArray[Any] | None:
    """Factors from 0 with the sum 1 and `table @ factors = 0`, in floats, few of them not 0."""
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("primal_feasibility_tolerance", 1e-10)
    scaled = table / np.abs(table).max(axis=1, keepdims=True)
    rows = np.vstack([scaled / np.abs(scaled).max(axis=0), np.ones(table.shape[1])])
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = rows.shape[1], rows.shape[0]
    program.col_cost_ = np.zeros(rows.shape[1])
    program.col_lower_, program.col_upper_ = (
        np.zeros(rows.shape[1]),
        np.full(rows.shape[1], highspy.kHighsInf),
    )
    program.row_lower_ = program.row_upper_ = np.append(np.zeros(len(table)), 1.0)
    where = [np.flatnonzero(column) for column in rows.T]
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.append(0, np.cumsum([len(some) for some in where]))
    program.a_matrix_.index_ = np.concatenate(where)
    program.a_matrix_.value_ = np.concatenate([rows[some, k] for k, some in enumerate(where)])
    solver.passModel(program)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.array(solver.getSolution().col_value)


def adds_up_to_nothing(columns: NDArray[Any]) -> bool:
    """Whether there are factors from 0, the last of them 1, with which the columns add up to 0, exactly; if
    there is more than one choice, only one is looked at."""
    count = columns.shape[1] - 1
    if count < 1:
        return False
    _, _, order = qr(columns[:, :-1].T, mode="economic", pivoting=True)
    numbers = Dyadic.of(columns).rows()
    square = [numbers[i] for i in order[:count]]
    if len(square) < count:
        return False
    left = fmpq_mat(count, count, [fmpq(x) for row in square for x in row[:-1]])
    try:
        found = left.solve(fmpq_mat(count, 1, [fmpq(-row[-1]) for row in square])).entries()
    except ZeroDivisionError:
        return False
    factors = [*found, fmpq(1)]
    whole = fmpq_mat(len(numbers), count + 1, [fmpq(x) for row in numbers for x in row])
    total = (whole * fmpq_mat(count + 1, 1, factors)).entries()
    return not any(total) and all(x >= 0 for x in factors)
