"""The width formulas that a claim may name, recomputed from `N`, `K`, the signs and the depth.

A formula says how many neurons always suffice for `N` edits among any `K` points. The kernel does
not rely on its proof: it computes the number and refuses a network above it.
"""

from __future__ import annotations

from typing import Any

from verify.kernel.reader import fields, is_count, need, shown

__all__ = ["NAMES", "bound_value", "read_bound"]

NAMES = ("two-layer", "three-layer", "four-layer", "four-layer-moderate", "sign-lift")
WITH_RESTARTS = ("three-layer", "four-layer", "sign-lift")


def read_bound(raw: Any, place: str) -> dict[str, Any]:
    """The bound of a claim: `{"name": NAME}`, for some names also `"restart_every": s`."""
    fields(raw, place, ("name",), ("restart_every",))
    name, every = raw["name"], raw.get("restart_every", 1)
    need(name in NAMES, f"{place}.name", f"unknown bound {shown(name)}")
    known = "restart_every" not in raw or name in WITH_RESTARTS
    need(known, place, f"the bound {name} knows no restarts")
    need(is_count(every) and every > 0, f"{place}.restart_every", "expected an integer from 1")
    return dict(raw)


def bound_value(bound: dict[str, Any], layers: int, n: int, k: int, one_sign: bool) -> int | None:
    """The number of neurons that the bound allows, or None if it is about another depth."""
    name, every = bound["name"], bound.get("restart_every")
    depth = {"two-layer": 2, "three-layer": 3}.get(name)
    if layers < 4 if depth is None else layers != depth:
        return None
    if n == 0:
        return 0
    if name == "two-layer":
        return min(3 * n, k - 2) if k >= 5 else (0, 1, 2, 2 if n == 1 else 3)[k - 1]
    if name == "three-layer":
        return min(_least(n, 3 if one_sign else 4, every), _least(k, 1, every))
    beyond = layers - 4
    if name == "sign-lift":
        return _least(n, 3, every) + 2 + beyond
    return _least(n, 1, 1 if name == "four-layer-moderate" else every) + (3 if one_sign else 4) + beyond


def _least(n: int, cost: int, every: int | None) -> int:
    """Least `G + cost r + floor((G - 1)/s)` over `r`, with `G = ceil(n/r)`; `cost = 1` without
    restarts gives `ceil(2 sqrt n)`. A larger `r` costs at least `1 + cost r`: the search ends."""
    best, r = n + cost + ((n - 1) // every if every else 0), 1
    while 1 + cost * r < best:
        groups = -(-n // r)
        best = min(best, groups + cost * r + ((groups - 1) // every if every else 0))
        r += 1
    return best
