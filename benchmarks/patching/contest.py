"""Every rival on every case: what it hands in, counted as it runs, in float32, and exactly."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.patching import constructed, lookup
from benchmarks.patching.cases import Case
from benchmarks.patching.repairs import Repair, count

__all__ = ["RIVALS", "Contest", "rows"]


@dataclass(frozen=True)
class Contest:
    """How much is tried: `runs` of what always gives the same, and the effort of training."""

    runs: int = 3
    seeds: int = 3
    adam: int = 2000
    lbfgs: int = 500
    prices: tuple[float, ...] = (1.0, 0.1, 0.01)


@dataclass(frozen=True)
class Try:
    """One repair, or None, with the reason."""

    repair: Repair | None
    seconds: float
    note: str = ""


def _timed(make: Callable[[], Repair], note: str = "") -> Try:
    started = time.perf_counter()
    repair = make()
    return Try(repair, time.perf_counter() - started, note)


def _patch(dtype: str, slabs: int, case: Case, contest: Contest) -> list[Try]:
    verdict = constructed.certified(constructed.build(case, dtype, slabs)[1])
    note = f"certificate {verdict}"
    return [_timed(lambda: constructed.build(case, dtype, slabs)[0], note) for _ in range(contest.runs)]


def _last_layer(norm: Any, case: Case, contest: Contest) -> list[Try]:
    if case.last is None:
        return [Try(None, 0.0, "not applicable: no linear last layer")]
    from benchmarks.patching.last_layer import SLACKS, refit, refit_one_by_one

    tries: list[Try] = []
    for slack in SLACKS:
        try:
            tries.append(_timed(lambda: refit(case, norm, slack), f"slack {slack:g}"))  # noqa: B023
        except ValueError as error:
            status = str(error)
    for seed in () if tries else range(contest.seeds):
        started = time.perf_counter()
        some = refit_one_by_one(case, norm, SLACKS[0], seed)
        note = f"{status}; one by one, order {seed}, {some.undecided} not decided"
        tries.append(Try(some.repair, time.perf_counter() - started, note))
    return tries


def _trained(optimizer: str, case: Case, contest: Contest) -> list[Try]:
    try:
        from benchmarks.patching.training import Effort, train
    except ModuleNotFoundError as error:
        return [Try(None, 0.0, f"not run: {error.name} is not installed")]
    layers = constructed.build(case, "float32")[0].layers
    widths = [len(bias) for _, bias in layers[:-1]]
    effort = Effort(contest.adam, contest.lbfgs)
    return [
        _timed(
            partial(train, case, hidden, optimizer, effort, seed, price),
            f"widths {'-'.join(map(str, hidden))}, price {price:g}",
        )
        for hidden in (widths, [sum(widths)])
        for price in contest.prices
        for seed in range(contest.seeds)
    ]


def _listed(make: Callable[[Case], Repair], case: Case, contest: Contest) -> list[Try]:
    return [_timed(lambda: make(case)) for _ in range(contest.runs)]


RIVALS: dict[str, Callable[[Case, Contest], list[Try]]] = {
    "patch, float32": partial(_patch, "float32", 2),
    "patch, float32, one slab": partial(_patch, "float32", 1),
    "patch, float64": partial(_patch, "float64", 2),
    "last layer, L1": partial(_last_layer, "L1"),
    "last layer, maximum": partial(_last_layer, "maximum"),
    "trained, Adam": partial(_trained, "Adam"),
    "trained, L-BFGS": partial(_trained, "L-BFGS"),
    "dictionary": partial(_listed, lookup.dictionary),
    "nearest neighbour": partial(_listed, lookup.neighbour),
}


def rows(key: str, case: Case, contest: Contest) -> list[dict[str, Any]]:
    """A row a rival. Of several tries the one counts that fixes the most edits less the protected labels
    that it changes, and then moves protected scores the least; held-out inputs have no say."""
    out = []
    for rival, attempt in RIVALS.items():
        tries = attempt(case, contest)
        row: dict[str, Any] = {
            "case": key, "rival": rival, "tries": len(tries),
            "seconds": [one.seconds for one in tries if one.repair is not None],
        }  # fmt: skip
        best: tuple[tuple[float, float], Try, dict[str, Any]] | None = None
        for one in tries:
            if one.repair is None:
                continue
            found = count(case, one.repair, "as it runs")
            rank = (found["fixed"] - found["protected_changed"], -found["protected_largest_move"])
            if best is None or rank > best[0]:
                best = rank, one, found
        if best is None:
            out.append(row | {"note": tries[0].note})
            continue
        _, one, found = best
        assert one.repair is not None
        row |= {"note": one.note, "neurons": one.repair.neurons, "parameters": one.repair.parameters}
        row["as it runs"] = found
        for arithmetic in ("float32", "exact"):
            row[arithmetic] = count(case, one.repair, arithmetic)
        out.append(row)
    return out
