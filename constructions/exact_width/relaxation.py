"""Networks of two layers without their only nonlinear part, as a linear program.

Of `m` neurons with given signs `s_j`, `z_j(x) = w_j . x + b_j` and `u_j = relu(z_j)`. The relaxation asks

    value:  c + sum_j s_j u_j(x_i) = delta_i          zero:   u_j(x_i) >= 0
    line:   u_j(x_i) >= z_j(x_i)                      convex: sum l_k u_j(x_k) >= u_j(x_i) sum l_k
    order:  z_j(x_0) >= z_(j+1)(x_0) if s_j = s_(j+1)

and, once a neuron is split at a point, `u_j(x_i) <= z_j(x_i)` (active) or `u_j(x_i) <= 0` (inactive). HiGHS
solves it in floats; what it finds counts only after exact arithmetic has found the like.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from constructions.exact_width.instance import Instance, Mean
from constructions.linear import near
from constructions.network import ReLUNetwork

try:
    import highspy
except ImportError:
    raise ImportError("exact widths need HiGHS: pip install 'fine-tuning-capacity[width]'") from None

__all__ = ["Floats", "Relaxation", "Row", "Split", "Term"]

Split = tuple[int, int]
"""A neuron and a point."""
Term = list[Any]
"""The name of a row, its indices, and its multiplier, as certificates write it."""
Floats = NDArray[np.float64]
_TOLERANCES = (1e-9, 1e-7, 1e-5)
_INFINITY = highspy.kHighsInf


@dataclass(frozen=True)
class Row:
    """`sum factors x = right` for the name `value`, and `>= right = 0` for all others."""

    name: str
    indices: tuple[int, ...]
    factors: dict[int, fmpq]
    right: fmpq


class Relaxation:
    """`neurons` neurons, of which the first `positive` have a positive sign. Columns: `c`, then for each
    neuron its weights and bias, then `u_j(x_i)`."""

    def __init__(self, instance: Instance, means: list[Mean], neurons: int, positive: int) -> None:
        self.instance, self.neurons = instance, neurons
        self.signs = [1] * positive + [-1] * (neurons - positive)
        self.sides: dict[Split, bool] = {}
        self._width = len(instance.columns) + 1
        self.first_u = 1 + neurons * self._width
        self.columns = self.first_u + neurons * len(instance.rows)
        self._totals = [sum(n for _, n in weights) for _, weights in means]
        self.rows = self._all_rows(means)
        self._line = {row.indices: k for k, row in enumerate(self.rows) if row.name == "line"}
        self._rights = np.array([_float(row.right) for row in self.rows])
        self._points = np.array([[_float(x) for x in row] for row in instance.rows])
        self._program = self._linear_program()

    def _u(self, j: int, i: int) -> int:
        return self.first_u + j * len(self.instance.rows) + i

    def split_of(self, column: int) -> Split:
        """The neuron and the point of a column `u_j(x_i)`."""
        return divmod(column - self.first_u, len(self.instance.rows))

    def _z(self, j: int, i: int, sign: int = 1) -> dict[int, fmpq]:
        return {1 + j * self._width + k: sign * x for k, x in enumerate(self.instance.rows[i]) if x}

    def _all_rows(self, means: list[Mean]) -> list[Row]:
        one, zero, signs = fmpq(1), fmpq(0), self.signs
        out = [
            Row("value", (i,), {0: one} | {self._u(j, i): fmpq(s) for j, s in enumerate(signs)}, change)
            for i, change in enumerate(self.instance.changes)
        ]
        for j in range(self.neurons):
            for i in range(len(self.instance.rows)):
                out.append(Row("line", (j, i), {self._u(j, i): one} | self._z(j, i, -1), zero))
            for k, (b, weights) in enumerate(means):
                total = self._totals[k]
                factors = {self._u(j, a): fmpq(n, total) for a, n in weights} | {self._u(j, b): -one}
                out.append(Row("convex", (j, k), factors, zero))
            if j + 1 < self.neurons and signs[j] == signs[j + 1]:
                out.append(Row("order", (j,), self._z(j, 0) | self._z(j + 1, 0, -1), zero))
        return out

    def _linear_program(self) -> Any:
        model: Any = highspy.Highs.__base__()  # type: ignore[misc]  # the class itself greets on stdout
        options = {"output_flag": False, "presolve": "off", "solver": "simplex", "threads": 1}
        for name, value in options.items():
            model.setOptionValue(name, value)
        low, high = np.full(self.columns, -_INFINITY), np.full(self.columns, _INFINITY)
        low[self.first_u :] = 0.0
        model.addVars(self.columns, low, high)
        outputs = np.arange(self.first_u, self.columns, dtype=np.int32)
        if len(outputs):
            model.changeColsCost(len(outputs), outputs, np.ones(len(outputs)))
        for row in self.rows:
            right = _float(row.right)
            where = np.array(list(row.factors), dtype=np.int32)
            factors = np.array([_float(x) for x in row.factors.values()])
            model.addRow(right, right if row.name == "value" else _INFINITY, len(where), where, factors)
        return model

    def decide(self, split: Split, side: bool | None) -> None:
        """Active, inactive, or not split (any more)."""
        self.sides.pop(split, None)
        if side is not None:
            self.sides[split] = side
        self._program.changeRowBounds(self._line[split], 0.0, 0.0 if side else _INFINITY)
        self._program.changeColBounds(self._u(*split), 0.0, 0.0 if side is False else _INFINITY)

    def side(self, row: Row) -> bool | None:
        """What is decided of the neuron and point of a row `line`."""
        return self.sides.get((row.indices[0], row.indices[1])) if row.name == "line" else None

    def solve(self) -> tuple[list[Term] | None, Floats | None]:
        """An exact contradiction, or columns that look like a solution; neither, if floats do not tell."""
        for _ in range(2):
            self._program.run()
            if self._program.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                return None, np.array(self._program.getSolution().col_value)
            _, found, ray = self._program.getDualRay()
            for tolerance in _TOLERANCES if found else ():
                multipliers = self._multipliers(ray, tolerance)
                terms = None if multipliers is None else self.terms(multipliers)
                if terms is not None:
                    return terms, None
            self._program.clearSolver()  # once more, from a basis that fewer steps have led to
        return None, None

    def _multipliers(self, ray: Floats, tolerance: float) -> dict[int, fmpq] | None:
        """Exact multipliers of rows near those of HiGHS; the right sides sum to 1."""
        ray = ray / (float(ray @ self._rights) or 1.0)
        limit = tolerance * max(1.0, float(np.abs(ray).max(initial=0.0)))
        guess = {k: float(y) for k, y in enumerate(ray) if abs(y) > limit}
        sums = self._sums(guess)
        equations = [({k: self.rows[k].right for k in guess if self.rows[k].right}, fmpq(1))]
        for column, factors in sums.items():
            if column < self.first_u or abs(sum(guess[k] * _float(x) for k, x in factors.items())) <= limit:
                equations.append((factors, fmpq(0)))
        return near(equations, guess)

    def _sums(self, rows: Mapping[int, Any]) -> dict[int, dict[int, fmpq]]:
        """The factors of each column in some rows."""
        sums: dict[int, dict[int, fmpq]] = defaultdict(dict)
        for k in rows:
            for column, factor in self.rows[k].factors.items():
                sums[column][k] = factor
        return sums

    def terms(self, multipliers: Mapping[int, fmpq]) -> list[Term] | None:
        """What a certificate says, in integers, if these multipliers of rows make a contradiction."""
        out: list[tuple[str, tuple[int, ...], fmpq]] = []
        for k, y in multipliers.items():
            row = self.rows[k]
            if row.name == "convex" and y > 0:
                out.append((row.name, row.indices, y / self._totals[row.indices[1]]))
            elif row.name == "value" or y > 0:
                out.append((row.name, row.indices, y))
            elif self.side(row) is True:
                out.append(("split", row.indices, -y))
            elif y:
                return None
        for column, factors in self._sums(multipliers).items():
            rest = sum((multipliers[k] * x for k, x in factors.items()), fmpq(0))
            if rest == 0:
                continue
            if column < self.first_u:
                return None
            split = self.split_of(column)
            if rest < 0:
                out.append(("zero", split, -rest))
            elif self.sides.get(split) is False:
                out.append(("split", split, rest))
            else:
                return None
        if sum((y * self.rows[k].right for k, y in multipliers.items()), fmpq(0)) <= 0:
            return None
        common = math.lcm(*(int(y.q) for _, _, y in out))
        shared = math.gcd(*(int(y.p) * (common // int(y.q)) for _, _, y in out))
        places = self.instance.indices

        def written(name: str, indices: tuple[int, ...]) -> list[int]:
            """Points by their index in the problem."""
            return [*indices] if name in ("convex", "order") else [*indices[:-1], places[indices[-1]]]

        return [
            [name, *written(name, indices), str(int(y.p) * (common // int(y.q)) // shared)]
            for name, indices, y in out
            if y
        ]

    def gaps(self, columns: Floats) -> Floats:
        """How far `u_j(x_i)` lies above `relu(z_j(x_i))`, for all neurons and points."""
        u, z = self._outputs(columns)
        gap: Floats = u - np.maximum(z, 0.0)
        return gap

    def _outputs(self, columns: Floats) -> tuple[Floats, Floats]:
        u = columns[self.first_u :].reshape(self.neurons, -1)
        z = columns[1 : self.first_u].reshape(self.neurons, -1) @ self._points.T
        return u, z

    def network(self, columns: Floats) -> ReLUNetwork | None:
        """An exact network that is active where this solution is, if that is one."""
        _, z = self._outputs(columns)
        size = max(1.0, float(np.abs(z).max(initial=0.0)))
        for tolerance in _TOLERANCES:
            solution = self._exact_solution(columns, z, tolerance * size)
            if solution is not None:
                return solution
        return None

    def _exact_solution(self, columns: Floats, z: Floats, limit: float) -> ReLUNetwork | None:
        equations = []
        for i, change in enumerate(self.instance.changes):
            factors = {0: fmpq(1)}
            for j, sign in enumerate(self.signs):
                if z[j, i] > limit:
                    factors |= self._z(j, i, sign)
                elif z[j, i] >= -limit:
                    equations.append((self._z(j, i), fmpq(0)))
            equations.append((factors, change))
        found = near(equations, {k: float(x) for k, x in enumerate(columns[: self.first_u])})
        return None if found is None else self.made_of([found[k] for k in range(self.first_u)])

    def made_of(self, numbers: list[fmpq]) -> ReLUNetwork | None:
        """The network of these first columns, if it makes the changes."""
        w = self._width
        neurons = [numbers[1 + j * w : 1 + (j + 1) * w] for j in range(self.neurons)]
        for row, change in zip(self.instance.rows, self.instance.changes, strict=True):
            outputs = (sum((a * x for a, x in zip(neuron, row, strict=True)), fmpq(0)) for neuron in neurons)
            value = sum((s * max(z, fmpq(0)) for s, z in zip(self.signs, outputs, strict=True)), numbers[0])
            if value != change:
                return None
        return self.instance.network(numbers[0], list(zip(self.signs, neurons, strict=True)))


def _float(x: fmpq) -> float:
    return int(x.p) / int(x.q)
