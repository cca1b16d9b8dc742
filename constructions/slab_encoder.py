"""Codes at some points and 0 at all others, by few groups of points in slabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from constructions.cloud import Cloud, Floats
from constructions.encoder import Encoder, Part, off_by, part_of
from constructions.slab_radius import Moves
from constructions.slabs import TOLERANCE, Group, group_in_slabs

__all__ = ["Reach", "slab_encoder"]

Reach = float | Literal["wide", "tight"]

_FINEST = 60  # doublings of the steepness
_AT_ONCE = 8  # one group of so many is cut, if floats do not carry them
_MORE = 1 + 2.0**-4  # reach than the radius that is asked for, if it takes more

Places = list[NDArray[np.intp]]
"""Of some points, each with all its copies."""


@dataclass(frozen=True, eq=False)
class _Done:
    """A group that is found; `widest`: its slabs are as wide as its members allow."""

    places: Places
    group: Group
    widest: bool
    part: Part


def slab_encoder(
    cloud: Cloud,
    codes: Floats,
    dtype: np.dtype[Any],
    *,
    slabs: int = 1,
    radius: float = 0.0,
    reach: Reach = "wide",
    seed: int = 0,
) -> Encoder:
    """Codes within `TOLERANCE` at all points of the cloud, as floats of `dtype` give them in any order of
    summation, with few groups.

    Groups start with `rank + 1 - slabs` points, the most that leave a hyperplane for each slab. One without
    slabs, or whose slabs are too steep for what is asked, is cut in two.

    Args:
        codes: shape `(K,)`, not negative, equal at equal points; 0 where nothing may change.
        slabs: in so many at once a group lies.
        radius: how far every input may move, at least, before a code is off by more than the tolerance.
        reach: how far a code goes around its points, in every coordinate: `wide` is as far as the other
            points allow, `tight` as little as floats allow; a number asks for at least `radius`.

    Raises:
        ValueError: what is asked cannot be had; the message names the points in the way.
    """
    if reach not in ("wide", "tight") and not (isinstance(reach, int | float) and 0 < reach < np.inf):
        raise ValueError(f"reach is {reach!r}: expected 'wide', 'tight' or a positive number")
    rng = np.random.default_rng(seed)
    least = asked = max(radius, 0.0 if isinstance(reach, str) else reach)
    waiting, done = _groups(cloud, codes, slabs), list[_Done]()
    while True:
        while waiting:
            places = waiting.pop()
            members = np.concatenate(places)
            found = group_in_slabs(cloud, members, codes[members], slabs, rng)
            if found is not None and found.reach >= least:
                factor = 1.0 if isinstance(reach, str) else found.factor(least)
                found = found.thinner(factor) if factor > 1 else found
                done.append(_Done(places, found, factor == 1, part_of(cloud, found, dtype)))
            elif len(places) > 1:
                waiting += _halves(places)
            else:
                raise ValueError(_in_the_way(cloud, int(members[0]), found, asked, least))
        off = off_by([one.part for one in done], codes, dtype)
        encoder = Encoder([one.group for one in done], dtype, cloud.points.shape[1])
        if off.max(initial=0) <= TOLERANCE:
            if not radius or Moves(encoder, cloud, codes).kept(radius):
                return _tight(encoder, cloud, codes, radius, least) if reach == "tight" else encoder
            least *= _MORE
            cut = [one for one in done if one.group.reach < least]
        else:
            cut = [one for one in done if one.widest and len(one.places) > 1]
            cut = sorted(cut, key=lambda one: one.group.reach)[: max(1, len(done) // _AT_ONCE)]
            if not cut:
                worst = int(off.argmax())
                what = "this" if isinstance(reach, str) else f"a reach of {reach:g}"
                raise ValueError(
                    f"{dtype} is too coarse for {what}: the code at point {worst} may be off by "
                    f"{off[worst]:.2g}" + ("; float64 may do" if dtype == np.float32 else "")
                )
        done = [one for one in done if one not in cut]
        waiting += [part for one in cut for part in (_halves(one.places) if one.widest else [one.places])]


def _groups(cloud: Cloud, codes: Floats, slabs: int) -> list[Places]:
    """Points with a code in the order of codes, copies of a point together, in groups that leave a direction
    for each slab."""
    coded = np.flatnonzero(codes)
    _, first, inverse = np.unique(cloud.seen[coded], axis=0, return_index=True, return_inverse=True)
    copies = [coded[inverse.reshape(-1) == k] for k in range(len(first))]
    copies.sort(key=lambda same: (codes[same[0]], same[0]))
    count = -(-len(copies) // max(1, cloud.rank + 1 - slabs))
    cuts = [len(copies) * k // count for k in range(count + 1)] if count else []
    return [copies[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]


def _halves(places: Places) -> list[Places]:
    return [part for part in (places[: len(places) // 2], places[len(places) // 2 :]) if part]


def _tight(encoder: Encoder, cloud: Cloud, codes: Floats, radius: float, least: float) -> Encoder:
    """All slabs thinner by the largest power of two that floats, and the radius that is asked for, allow."""
    for _ in range(_FINEST):
        thinner = Encoder([group.thinner(2.0) for group in encoder.groups], encoder.dtype, encoder.inputs)
        if thinner.reach < least or not thinner.off(cloud, codes).max(initial=0) <= TOLERANCE:
            break
        if radius and not Moves(thinner, cloud, codes).kept(radius):
            break
        encoder = thinner
    return encoder


def _in_the_way(cloud: Cloud, i: int, found: Group | None, asked: float, least: float) -> str:
    if found is None or found.nearest is None:
        gaps = np.abs(cloud.points - cloud.points[i]).max(axis=1)
        gaps[gaps == 0] = np.inf
        near = int(gaps.argmin())
        if not asked:
            return f"point {i} cannot be told from point {near}, at distance {gaps[near]:.2g}, by floats"
        return (
            f"{asked:g} around every point was not found: point {near} is at distance {gaps[near]:.3g} of {i}"
        )
    gap = np.abs(cloud.points[found.nearest] - cloud.points[i]).max()
    return (
        f"{asked:g} around every point was not found: between points {i} and {found.nearest}, "
        f"at distance {gap:.3g}, there is {found.reach * (asked / least):.3g}"
    )
