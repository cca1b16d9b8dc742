"""Hidden layers whose outputs cancel in the next layer, whatever enters them.

Neurons whose rows are parallel see the same linear form `z` of what enters their layer: neuron `j` is
`relu(l_j z + b_j)`. Which neurons are active decides what they add to the next pre-activation `k`:

    sum over the active j of  W[k, j] (l_j z + b_j).

If `sum active_j W[k, j] l_j = sum active_j W[k, j] b_j = 0` for all `k`, this is 0 for every `z`. If it
holds for every class of parallel rows, the next layer gets nothing but its bias. So tents and other
windows vanish outside of themselves. The conditions are linear in the 0/1 vector of active neurons.
Mostly they follow from a few conditions in short integers, however long the weights are, and one
float64 product decides these exactly. Where no short ones are found, a class must have no active
neuron at all: conditions that imply the others are all that is needed.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from flint import fmpz_mat, nmod_mat

from verify.engine.block import Bools, Floats
from verify.kernel import Network

__all__ = ["cancellation", "vanish"]

_PRIME = 2**61 - 1
_MOST_WORK = 10**6
_LONG = 1 << 15  # bits


def cancellation(network: Network, most: int = 1 << 27) -> dict[int, Floats]:
    """For hidden layers of which this can settle a point: a matrix `C` with integer entries so that
    all outputs are 0 wherever `C active = 0`, for the activity of the neurons of that layer. A
    matrix of more than `most` bytes is left out.

    >>> tent = Network([[[1, 1], [1, 0], [1, -1]], [[1, -2, 1, 0]]], [1])
    >>> cancellation(tent)[0].tolist()
    [[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]]
    """
    out, behind, work = {}, 0, 0
    for depth in reversed(range(len(network.layers) - 1)):
        rows, after = network.layers[depth : depth + 2]
        behind += sum(map(len, after))
        work += behind
        if work > _MOST_WORK:  # in very deep networks the last layers must do
            break
        if _output_of_biases(network, depth + 1):
            continue
        conditions = list(_conditions(rows, after))
        # as many as neurons: none may be active, and floats see that themselves
        if len(conditions) < len(rows) and 8 * len(conditions) * len(rows) <= most:
            matrix = np.zeros((len(conditions), len(rows)))
            for k, (columns, entries) in enumerate(conditions):
                matrix[k, columns] = entries
            out[depth] = matrix
    return out


def vanish(conditions: Floats, active: Bools) -> Bools:
    """At which points the conditions hold, given the active neurons `(m, c)`."""
    zero: Bools = (conditions @ active.astype(np.float64) == 0).all(axis=0)
    return zero


def _output_of_biases(network: Network, depth: int) -> bool:
    """Whether any output is not 0 if layer `depth` gets 0 from all neurons, or numbers become long."""
    z = [row[-1] for row in network.layers[depth]]
    for rows in network.layers[depth + 1 :]:
        if any(x.bit_length() > _LONG for x in z):
            return True
        a = [*(max(0, x) for x in z), 1]
        z = [sum(map(int.__mul__, row, a)) for row in rows]
    return any(z)


def _conditions(rows: list[list[int]], after: list[list[int]]) -> Iterator[tuple[list[int], list[int]]]:
    """Columns and entries of each."""
    classes: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
    for j, (*weights, _) in enumerate(rows):
        factor = math.gcd(*weights)
        if next((w for w in weights if w), 0) < 0:
            factor = -factor
        classes[tuple(w // factor if factor else 0 for w in weights)].append((j, factor))
    for members in classes.values():
        columns = [j for j, _ in members]
        reached = _implying([[row[j] for j in columns] for row in after], len(columns))
        slopes = [[w * factor for w, (_, factor) in zip(row, members, strict=True)] for row in reached]
        values = [[w * rows[j][-1] for w, j in zip(row, columns, strict=True)] for row in reached]
        for entries in _implying(slopes + values, len(columns)):
            yield columns, entries


def _implying(table: list[list[int]], size: int) -> list[list[int]]:
    """Short integer rows whose span contains the rows of `table`: its reduced echelon form, guessed
    modulo a prime and then proven, or else the unit vectors."""
    table = [row for row in table if any(row)]
    if not table:
        return []
    unit_vectors = [[int(i == k) for k in range(size)] for i in range(size)]
    matrix = fmpz_mat(table)
    reduced, rank = nmod_mat(matrix, _PRIME).rref()
    rows = [[_fraction(int(x)) for x in row] for row in reduced.tolist()[:rank]]
    common = 1
    for _, q in itertools.chain(*rows):
        common = math.lcm(common, q)
        if common >= 2**53:
            return unit_vectors
    guess = [[p * (common // q) for p, q in row] for row in rows]
    pivots = [next(k for k, x in enumerate(row) if x) for row in guess]
    at_pivots = fmpz_mat([[row[k] for k in pivots] for row in table])
    short = all(sum(map(abs, row)) < 2**53 for row in guess)
    return guess if short and at_pivots * fmpz_mat(guess) == common * matrix else unit_vectors


def _fraction(x: int) -> tuple[int, int]:
    """The fraction of small numerator and denominator that is `x` modulo the prime."""
    a, b, s, t = _PRIME, x, 0, 1
    while b * b * 2 > _PRIME:
        a, b, s, t = b, a % b, t, s - a // b * t
    return (b, t) if t > 0 else (-b, -t)
