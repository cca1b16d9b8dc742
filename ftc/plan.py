"""`ftc plan`: what a number of fixes will cost, before anything is built."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from constructions import bounds
from ftc.lower_bounds import Json

__all__ = ["COMMANDS", "Offer", "plan"]


@dataclass(frozen=True)
class Offer:
    """A construction: its hidden widths, from which its costs for `d` inputs and `outputs` outputs follow.

    `needed` is the proven least number of neurons of as many layers in the worst case, None where none is
    known: of any points and values, or of any values at points in general position, where these are asked
    for; `floats`: whether it runs in floats with a proof; `places`: for which points the neurons suffice.
    """

    construction: str
    places: str
    widths: tuple[int, ...]
    d: int
    outputs: int
    needed: int | None
    floats: bool

    @property
    def neurons(self) -> int:
        return sum(self.widths)

    @property
    def multiply_adds(self) -> int:
        """Of one input, every layer dense."""
        sizes = (self.d, *self.widths, self.outputs)
        return sum(a * b for a, b in zip(sizes, sizes[1:], strict=False))

    @property
    def parameters(self) -> int:
        """Weights and biases, every layer dense."""
        return self.multiply_adds + self.neurons + self.outputs

    @property
    def bytes(self) -> dict[str, int] | None:
        """By dtype; None where only exact numbers do."""
        return {"float32": 4 * self.parameters, "float64": 8 * self.parameters} if self.floats else None

    def as_dict(self) -> dict[str, object]:
        derived = {key: getattr(self, key) for key in ("neurons", "parameters", "multiply_adds", "bytes")}
        return asdict(self) | derived


def plan(n: int, k: int, d: int, classes: int, rank: int | None = None) -> list[Offer]:
    """What `n` edits among `k` points in `R^d` cost. All but the last two change one output to any values;
    these change the labels of a classifier.

    Args:
        rank: of the points less their mean; `min(d, k - 1)` if None.

    Raises:
        ValueError: a number that cannot be.

    >>> [offer.neurons for offer in plan(100, 1000, 64, 10)]
    [300, 40, 24, 6, 8, 8, 16, 8]
    """
    if not 1 <= n <= k:
        raise ValueError(f"{n} edits among {k} points: expected 1 <= edits <= points")
    most = min(d, k - 1)
    rank = max(1, most) if rank is None else rank
    if not 1 <= rank <= max(1, most):
        raise ValueError(f"rank is {rank}: expected 1 to {max(1, most)}, the least of d and K - 1")
    pairs = -(-n // max(1, rank - 1))
    twice = (6 * pairs, pairs, 2) if rank > 1 else (3 * pairs, 2)
    groups, lines, exact = -(-n // rank), "any", bounds.two_layer_exact(n, k)
    counted = parameters_needed(n, k, rank)
    return [
        Offer("two layers, along a line", lines, (exact,), d, 1, exact, False),
        Offer("three layers, along a line", lines, _three(n, k), d, 1, bounds.lower(3, n, k), False),
        Offer("four layers, along a line", lines, _four(n), d, 1, bounds.lower(4, n, k), False),
        Offer("two layers, one sign", "general position", (3 * groups,), d, 1, counted, False),
        Offer("two layers", "general position", (4 * groups,), d, 1, counted, False),
        Offer("three layers, lifted", "general position", (3 * groups, 2), d, 1, None, False),
        Offer("classifier patch", "general position", twice, d, classes, None, True),
        Offer("classifier patch, one slab", "general position", (3 * groups, 2), d, classes, None, True),
    ]  # fmt: skip


def parameters_needed(n: int, k: int, rank: int) -> int:
    """Neurons that two layers need for some changes, of one sign too, at any `n` of `k` points of this rank:
    `m (rank + 1) + 1 >= n`.

    On the flat of the points a neuron has `rank` weights and a bias, and its output weight is 1 or -1 up to
    scaling; with the output bias these are `m (rank + 1) + 1` parameters, from which the `n` changes are
    computed piecewise by polynomials. Fewer parameters than changes reach only a null set of them, whatever
    the points are. (One edit among several points needs a neuron.)

    >>> [parameters_needed(n, 1000, 61) for n in (1, 63, 64, 122)], parameters_needed(1, 1, 1)
    ([1, 1, 2, 2], 0)
    """
    return max(-(-(n - 1) // (rank + 1)), int(k > 1))


def _three(n: int, k: int) -> tuple[int, ...]:
    """The grid, or the memorizer of all points if that is smaller."""
    cost = 3 if n == 1 else 4
    width, r = bounds.least_width(n, cost)
    whole, columns = bounds.crossing_width(k)
    return (width - cost * r, cost * r) if width <= whole else (whole - columns, columns)


def _four(n: int) -> tuple[int, ...]:
    width, r = bounds.crossing_width(n)
    return width - r, r, 3 if n == 1 else 4


def show_plan(
    edits: Annotated[int, typer.Option(min=1, max=10**9, help="Number of edits N.")],
    points: Annotated[int, typer.Option(min=1, max=10**12, help="Number of points K, edited ones too.")],
    dim: Annotated[int, typer.Option(min=1, max=10**9, help="Number of inputs d.")],
    classes: Annotated[int, typer.Option(min=2, max=10**6, help="Number of classes C.")] = 2,
    rank: Annotated[int | None, typer.Option(min=1, help="Rank of the points; d or K-1 if absent.")] = None,
    as_json: Json = False,
) -> None:
    """What N fixes will cost: neurons, parameters, bytes and multiply-adds, before anything is built.

    All but the last two rows change one output to any values. `needed` is proven for the worst case of any
    points and values; general position goes below it because it is not the worst case. There, it is what a
    count of parameters tells for two layers, of some values at whatever points of this rank.
    """
    offers = plan(edits, points, dim, classes, rank)
    if as_json:
        facts = {"N": edits, "K": points, "d": dim, "C": classes, "rank": rank}
        print(json.dumps({**facts, "plan": [offer.as_dict() for offer in offers]}))
        return
    table = Table(title=f"{edits} edits among {points} points, d = {dim}, {classes} classes")
    table.add_column("construction")
    for heading in ("neurons", "needed", "parameters", "multiply-adds"):
        table.add_column(heading, justify="right")
    for offer in offers:
        star = "" if offer.places == "any" else " *"
        needed = "-" if offer.needed is None else offer.needed
        cells = (offer.neurons, needed, f"{offer.parameters:,}", f"{offer.multiply_adds:,}")
        table.add_row(offer.construction + star, *map(str, cells))
    Console().print(table)
    sizes = next(offer.bytes for offer in offers if offer.bytes)
    print("* if the points are in general position for the rank; more where groups must be cut")
    print(
        f"The classifier patch takes {sizes['float32']:,} bytes in float32, {sizes['float64']:,} in float64. "
        "All other constructions change one output to any values, by exact numbers that floats do not hold."
    )
    print(
        "needed: proven for the worst case of any points and values, with as many layers; with *, for some "
        "values at any points of the rank, by a count of parameters"
    )


COMMANDS: dict[str, Callable[..., None]] = {"plan": show_plan}
