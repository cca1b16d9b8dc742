"""What rivals hand in: something that gives labels and scores, as it runs, in float32, and exactly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.patching.cases import Case, LastLayer, View
from benchmarks.patching.exact import Dyadic, network, squared_distances

__all__ = ["Added", "Arithmetic", "Overridden", "Refitted", "Repair", "count"]

Arithmetic = Literal["as it runs", "float32", "exact"]
Outcome = tuple[NDArray[np.intp], NDArray[np.float64]]


class Repair(Protocol):
    """A repaired model. `neurons` and `parameters`: what it adds to the frozen one."""

    @property
    def neurons(self) -> int: ...

    @property
    def parameters(self) -> int: ...

    def outcome(self, view: View, arithmetic: Arithmetic) -> Outcome:
        """The label of every input, and by how much the score moved that moved most, compared with the
        frozen model in the same arithmetic."""
        ...


@dataclass(frozen=True, eq=False)
class Added:
    """A ReLU network whose outputs are added to the frozen scores; it runs in the dtype of its layers."""

    layers: list[tuple[NDArray[Any], NDArray[Any]]]

    @property
    def neurons(self) -> int:
        return sum(len(bias) for _, bias in self.layers[:-1])

    @property
    def parameters(self) -> int:
        return sum(weight.size + bias.size for weight, bias in self.layers)

    def outcome(self, view: View, arithmetic: Arithmetic) -> Outcome:
        dtype = np.dtype("float32") if arithmetic == "float32" else self.layers[0][0].dtype
        points, scores = view.points.astype(dtype), view.scores
        if arithmetic == "exact":
            g = network(self.layers, points)
            return (Dyadic.of(scores) + g).labels(), g.largest()
        with np.errstate(over="ignore", invalid="ignore"):
            a: NDArray[Any] = points
            for k, (weight, bias) in enumerate(self.layers):
                a = (np.maximum(a, 0) if k else a) @ weight.T.astype(dtype) + bias.astype(dtype)
        before = scores.astype(dtype) if arithmetic == "float32" else scores
        return _compared(before, before + a)


@dataclass(frozen=True, eq=False)
class Refitted:
    """The last layer with other weights; as it runs in float64."""

    before: LastLayer
    after: LastLayer
    neurons: int = 0
    parameters: int = 0

    def outcome(self, view: View, arithmetic: Arithmetic) -> Outcome:
        if view.features is None:
            raise ValueError("a model without features has no last layer")
        if arithmetic == "exact":
            numbers = Dyadic.of(view.features)
            before, after = (numbers.affine(x.weight, x.bias) for x in (self.before, self.after))
            return after.labels(), (after - before).largest()
        dtype = "float32" if arithmetic == "float32" else "float64"
        features = view.features.astype(dtype)
        old, new = (
            features @ x.weight.T.astype(dtype) + x.bias.astype(dtype) for x in (self.before, self.after)
        )
        return _compared(old, new)


@dataclass(frozen=True, eq=False)
class Overridden:
    """Labels by a list: an input gets the label of the nearest listed point if that is within its squared
    radius, 0 for equal points only, and else the frozen one. Scores stay as they are."""

    points: NDArray[Any]
    labels: NDArray[np.intp]
    squared: NDArray[np.float64]

    @property
    def neurons(self) -> int:
        return 0

    @property
    def parameters(self) -> int:
        """The numbers that are kept."""
        return int(self.points.size + len(self.labels) + (len(self.squared) if self.squared.any() else 0))

    def outcome(self, view: View, arithmetic: Arithmetic) -> Outcome:
        if arithmetic == "exact":
            table, exponent = squared_distances(view.points, self.points)
            limits = [Fraction(r) * (1 << exponent) for r in self.squared.tolist()]
            far = np.array(table, dtype=object)
        else:
            dtype = "float32" if arithmetic == "float32" else "float64"
            listed = self.points.astype(dtype)
            far = np.array([np.square(listed - row).sum(axis=1) for row in view.points.astype(dtype)])
            limits = self.squared.tolist()
        out = view.labels.copy()
        for i, row in enumerate(far):
            inside = [k for k, limit in enumerate(limits) if row[k] <= limit]
            if inside:
                out[i] = self.labels[min(inside, key=lambda k: row[k])]
        return out, np.zeros(len(out))


def _compared(before: NDArray[Any], after: NDArray[Any]) -> Outcome:
    moved = np.abs(after.astype(np.float64) - before.astype(np.float64)).max(axis=1)
    return after.argmax(axis=1), np.where(np.isfinite(moved), moved, np.inf)


def count(case: Case, repair: Repair, arithmetic: Arithmetic) -> dict[str, Any]:
    """What the repair does to the case: counts."""
    labels, moved = repair.outcome(case.data, arithmetic)
    safe = case.protected
    held, held_moved = repair.outcome(case.held, arithmetic)
    return {
        "fixed": int((labels[case.edited] == case.labels).sum()),
        "protected_changed": int((labels[safe] != case.data.labels[safe]).sum()),
        "protected_moved": int((moved[safe] != 0).sum()),
        "protected_largest_move": float(moved[safe].max(initial=0)),
        "held_changed": int((held != case.held.labels).sum()),
        "held_moved": int((held_moved != 0).sum()),
        "held_accuracy": float((held == case.truth).mean()),
    }
