"""The rival that trains: a network of the same size, from random weights, by Adam or L-BFGS in torch.

Cross-entropy of the repaired scores at the edits, and `price` times the squared outputs at protected points.
Inputs are standardised while training; the first layer takes that over in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.patching.cases import Case
from benchmarks.patching.repairs import Added

__all__ = ["OPTIMIZERS", "Effort", "fit", "train"]

OPTIMIZERS = ("Adam", "L-BFGS")


@dataclass(frozen=True)
class Effort:
    """Steps of Adam over all points, and iterations of L-BFGS."""

    adam: int
    lbfgs: int


def fit(
    widths: list[int],
    inputs: torch.Tensor,
    loss: Callable[[torch.Tensor], torch.Tensor],
    optimizer: str,
    effort: Effort,
    seed: int,
) -> tuple[torch.nn.Sequential, float]:
    """A ReLU network `widths[0]-..-widths[-1]` that makes `loss(outputs)` small, and what it gets to."""
    torch.manual_seed(seed)
    parts: list[torch.nn.Module] = []
    for a, b in pairwise(widths):
        parts += [torch.nn.Linear(a, b, dtype=torch.float64), torch.nn.ReLU()]
    network = torch.nn.Sequential(*parts[:-1])
    if optimizer == "Adam":
        adam = torch.optim.Adam(network.parameters(), 1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, effort.adam, 1e-5)
        for _ in range(effort.adam):
            adam.zero_grad()
            loss(network(inputs)).backward()  # type: ignore[no-untyped-call]
            adam.step()
            schedule.step()
    else:
        lbfgs = torch.optim.LBFGS(
            network.parameters(), max_iter=effort.lbfgs, history_size=20, line_search_fn="strong_wolfe",
            tolerance_grad=1e-12, tolerance_change=1e-15,
        )  # fmt: skip

        def closure() -> torch.Tensor:
            lbfgs.zero_grad()
            value = loss(network(inputs))
            value.backward()  # type: ignore[no-untyped-call]
            return value

        lbfgs.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return network, float(loss(network(inputs)))


def train(case: Case, hidden: list[int], optimizer: str, effort: Effort, seed: int, price: float) -> Added:
    """A network with these hidden widths that repairs the case as far as training gets."""
    points = case.data.points.astype(np.float64)
    centre, scale = points.mean(axis=0), points.std(axis=0)
    scale[scale == 0] = 1
    frozen, wanted = (
        torch.tensor(case.data.scores[case.edited], dtype=torch.float64),
        torch.tensor(case.labels),
    )
    edited, safe = torch.tensor(case.edited), torch.tensor(case.protected)

    def loss(change: torch.Tensor) -> torch.Tensor:
        right = torch.nn.functional.cross_entropy(frozen + change[edited], wanted)
        return right + price * change[safe].square().sum(dim=1).mean()

    inputs = torch.tensor((points - centre) / scale)
    widths = [points.shape[1], *hidden, case.data.scores.shape[1]]
    network, _ = fit(widths, inputs, loss, optimizer, effort, seed)
    layers: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = [
        (part.weight.detach().numpy(), part.bias.detach().numpy())
        for part in network
        if isinstance(part, torch.nn.Linear)
    ]
    weight, bias = layers[0]
    layers[0] = (weight / scale, bias - (weight / scale) @ centre)
    return Added(layers)
