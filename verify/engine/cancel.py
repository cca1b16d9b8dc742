"""Hidden layers whose outputs cancel in the next layer, whatever enters them.

Neurons whose rows are parallel see the same linear form `z` of what enters their layer: neuron `j` is
`relu(l_j z + b_j)`. Which neurons are active decides what they add to the next pre-activation `k`:

    sum over the active j of  W[k, j] (l_j z + b_j).

If `sum active_j W[k, j] l_j = sum active_j W[k, j] b_j = 0` for all `k`, this is 0 for every `z`. If it
holds for every class of parallel rows, the next layer gets nothing but its bias. So tents and other
windows vanish outside of themselves. The conditions are linear in the 0/1 vector of active neurons;
their reduced row echelon form has the same solutions and short integers, however long the weights
are, so that one float64 product decides them exactly.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from flint import fmpz_mat

from verify.engine.block import Bools, Floats
from verify.kernel import Network

__all__ = ["cancellation", "vanish"]


def cancellation(network: Network) -> dict[int, Floats]:
    """For hidden layers of which this can settle a point: a matrix `C` with integer entries so that
    all outputs are 0 wherever `C active = 0`, for the activity of the neurons of that layer.

    >>> tent = Network([[[1, 1], [1, 0], [1, -1]], [[1, -2, 1, 0]]], [1])
    >>> cancellation(tent)[0].tolist()
    [[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]]
    """
    out = {}
    for depth in range(len(network.layers) - 1):
        rows, after = network.layers[depth : depth + 2]
        if _output_of_biases(network, depth + 1):
            continue
        conditions = _conditions(rows, after)
        if len(conditions) < len(rows):  # else: if no neuron is active, and floats see that
            out[depth] = np.array(conditions, dtype=np.float64).reshape(len(conditions), len(rows))
    return out


def vanish(conditions: Floats, active: Bools) -> Bools:
    """At which points the conditions hold, given the active neurons `(m, c)`."""
    zero: Bools = (conditions @ active.astype(np.float64) == 0).all(axis=0)
    return zero


def _output_of_biases(network: Network, depth: int) -> bool:
    """Whether any output is not 0 if layer `depth` gets 0 from all neurons."""
    z = [row[-1] for row in network.layers[depth]]
    for rows in network.layers[depth + 1 :]:
        a = [*(max(0, x) for x in z), 1]
        z = [sum(map(int.__mul__, row, a)) for row in rows]
    return any(z)


def _conditions(rows: list[list[int]], after: list[list[int]]) -> list[list[int]]:
    classes: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
    for j, (*weights, _) in enumerate(rows):
        factor = math.gcd(*weights)
        if next((w for w in weights if w), 0) < 0:
            factor = -factor
        classes[tuple(w // factor if factor else 0 for w in weights)].append((j, factor))
    out = []
    weights_of = [[row[j] for row in after] for j in range(len(rows))]
    for members in classes.values():
        columns = [j for j, _ in members]
        reached = _echelon(list(zip(*(weights_of[j] for j in columns), strict=True)))
        slopes = [[w * factor for w, (_, factor) in zip(row, members, strict=True)] for row in reached]
        values = [[w * rows[j][-1] for w, j in zip(row, columns, strict=True)] for row in reached]
        conditions = _echelon(slopes + values)
        if max((sum(map(abs, row)) for row in conditions), default=0) >= 2**53:
            conditions = [[int(i == j) for j in columns] for i in columns]  # none of them is active
        for condition in conditions:
            full = [0] * len(rows)
            for j, entry in zip(columns, condition, strict=True):
                full[j] = entry
            out.append(full)
    return out


def _echelon(table: Sequence[Sequence[int]]) -> list[list[int]]:
    """The nonzero rows of the reduced row echelon form, as primitive integer rows."""
    table = [row for row in table if any(row)]
    if not table or len(table[0]) == 1:
        return [[1]] * bool(table)
    reduced, _, rank = fmpz_mat(table).rref()
    out = []
    for row in reduced.tolist()[:rank]:
        integers = [int(x) for x in row]
        shared = math.gcd(*integers)
        out.append([x // shared for x in integers])
    return out
