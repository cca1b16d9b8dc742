"""The published experiment: what training gets to, against the width, for two and three layers.

`N` random ones of `K` normal points in `R^d` get a new value; new and old values are uniform on [0, 1]. The
loss is the mean squared error over all `K` points. Beside it: the width that is built for these points,
with loss 0 exactly, and what is proven about the worst case of any points.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.patching.contest import Contest
from constructions import FineTuningProblem, bounds, build

__all__ = ["QUICK", "Size", "rows"]

SPATIAL = {2: "general-position", 3: "general-position-lift"}


class Size(NamedTuple):
    """Edits, points and dimensions, and the widths that are trained."""

    n: int = 20
    k: int = 100
    d: int = 10
    widths: tuple[int, ...] = (2, 4, 6, 8, 10, 12, 16, 20, 30, 45, 60, 80)


QUICK = Size(4, 16, 3, (2, 6, 12))


def rows(contest: Contest, size: Size) -> Iterator[dict[str, Any]]:
    """A row a depth and optimizer, with the losses of all seeds at every width."""
    n, k, d, widths = size
    rng = np.random.default_rng(0)
    points, old, new = rng.normal(size=(k, d)), rng.uniform(size=k), rng.uniform(size=k)
    edits = {int(i): float(new[i]) for i in rng.choice(k, n, replace=False)}
    problem = FineTuningProblem(points, base=old, edits=edits)
    target = np.zeros((k, 1))
    for i, value in edits.items():
        target[i] = value - old[i]
    for layers in (2, 3):
        built = min(
            (build(problem, layers, construction=name) for name in (None, SPATIAL[layers])),
            key=lambda solution: solution.network.neurons,
        )
        about = {
            "N": n, "K": k, "d": d, "layers": layers, "widths": widths,
            "built": built.network.neurons, "always_enough": bounds.upper(layers, n, k),
            "worst_case_needs": bounds.lower(layers, n, k), "nothing_learned": float((target**2).mean()),
        }  # fmt: skip
        try:
            import torch

            from benchmarks.patching.training import OPTIMIZERS, Effort, fit
        except ModuleNotFoundError:
            yield about | {"optimizer": None}
            continue
        inputs, wanted = torch.tensor(points), torch.tensor(target)
        effort = Effort(contest.adam, contest.lbfgs)
        for optimizer in OPTIMIZERS:
            losses = [
                [
                    fit([d, *hidden, 1], inputs, partial(_loss, wanted), optimizer, effort, seed)[1]
                    for seed in range(contest.seeds)
                ]
                for hidden in ([w] if layers == 2 else [w - w // 2, w // 2] for w in widths)
            ]
            yield about | {"optimizer": optimizer, "losses": losses}


def _loss(wanted: Any, outputs: Any) -> Any:
    return (outputs - wanted).square().mean()
