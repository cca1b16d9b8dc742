"""Slabs: codes at groups of points and 0 elsewhere, within the tolerance that floats are proven to keep."""

from __future__ import annotations

import numpy as np
import pytest

from constructions.cloud import Cloud
from constructions.encoder import Encoder
from constructions.slab_encoder import slab_encoder
from constructions.slabs import TOLERANCE, group_in_slabs


def code_of(encoder: Encoder, points: np.ndarray, dtype: str) -> np.ndarray:
    a = points.astype(dtype)
    with np.errstate(invalid="ignore"):  # OpenBLAS can raise this flag for finite numbers
        for weight, bias in encoder.hidden:
            a = np.maximum(a @ weight.T.astype(dtype) + bias.astype(dtype), 0)
        return a @ encoder.out.astype(dtype)


@pytest.mark.parametrize("slabs", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(8))
def test_codes_are_within_what_is_said(seed: int, dtype: str, slabs: int) -> None:
    rng = np.random.default_rng(seed)
    points = (rng.normal(size=(70, 7)) * 10.0 ** rng.integers(-3, 4, size=7)).astype(dtype).astype(np.float64)
    codes = np.where(rng.random(70) < 0.3, rng.integers(1, 5, size=70), 0).astype(float)
    cloud = Cloud(points)
    encoder = slab_encoder(cloud, codes, np.dtype(dtype), slabs=slabs, seed=seed)
    off = encoder.off(cloud, codes)
    assert off.max() <= TOLERANCE
    for run in (dtype, "longdouble"):
        assert (np.abs(code_of(encoder, points, run) - codes) <= off).all()
    assert all(weight.dtype == bias.dtype == dtype for weight, bias in encoder.hidden)
    assert len(encoder.groups) >= -(-int((codes > 0).sum()) // 7)
    units = len(encoder.groups) * any(len(group.slabs) > 1 for group in encoder.groups)
    assert encoder.neurons == sum(3 * len(group.slabs) for group in encoder.groups) + units


def test_a_slab() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 6)) + 5
    found = group_in_slabs(Cloud(points), np.arange(4), np.array([1.0, 1, 2, 3]), 1, rng)
    assert found is not None
    (only,) = found.slabs
    h, v = (points @ f[:-1] + f[-1] for f in (only.h, only.v))
    assert h[:4] == pytest.approx(0, abs=1e-9)
    assert v[:4] == pytest.approx([1, 1, 2, 3])
    room = np.abs(h[4:]) - np.abs(v[4:])
    assert only.outside(points)[4:] == pytest.approx(room)
    assert room.min() == pytest.approx(TOLERANCE)
    assert found.nearest == 4 + int(room.argmin())
    assert found.thinner(found.factor(1e-3)).reach == pytest.approx(1e-3)
    assert found.factor(1e9) == 1


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_group_in_several_slabs(count: int) -> None:
    """Members are in all slabs, every other point is outside of one, and not outside of all."""
    rng = np.random.default_rng(count)
    points = rng.normal(size=(400, 9)) + 5
    codes = np.array([1.0, 1, 2, 3])
    found = group_in_slabs(Cloud(points), np.arange(4), codes, count, rng)
    assert found is not None
    assert len(found.slabs) == count
    outside = np.array([slab.outside(points) for slab in found.slabs])
    assert -outside[0, :4] == pytest.approx(codes)
    assert -outside[1:, :4] == pytest.approx(found.height)
    assert (outside.max(axis=0)[4:] >= TOLERANCE * (1 - 1e-6)).all()
    inside = np.logical_and.accumulate(outside[:, 4:] < TOLERANCE * (1 - 1e-6)).sum(axis=1)
    assert (inside[:-1] > 0).all()
    assert (inside <= [396 ** (1 - j / count) for j in range(1, count)] + [0]).all()
    heights = np.maximum(-outside, 0).sum(axis=0) - found.spare
    assert heights[:4] == pytest.approx(codes)
    assert (heights[4:] <= 1e-9).all()
    assert found.room(points)[:4].max() == 0
    assert found.room(points)[4:].min() >= found.reach * (1 - 1e-6)
    alone = group_in_slabs(Cloud(points), np.arange(4), codes, 1, rng)
    assert alone is not None
    assert found.reach > alone.reach


def test_points_that_cannot_be_told() -> None:
    rng = np.random.default_rng(0)
    line = Cloud(np.arange(5.0)[:, None] * np.array([[1.0, 2.0]]))
    assert line.rank == 1
    assert group_in_slabs(line, np.array([1, 3]), np.ones(2), 1, rng) is None
    assert group_in_slabs(line, np.array([1]), np.ones(1), 2, rng) is not None
    assert group_in_slabs(Cloud(np.array([[0.0], [0.0]])), np.array([0]), np.ones(1), 1, rng) is None


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1.0, 1e20, 1e200])
def test_the_rank_does_not_depend_on_units(scale: float) -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(30, 4)) * np.array([1e-6, 1, 1e4, 1]) * scale
    points[:, 3] = 0.1 * scale
    cloud = Cloud(points)
    assert cloud.rank == 3
    assert np.isfinite(cloud.coordinates).all()
    along = cloud.coordinates @ np.array([1.0, -2, 3, 4])
    weights = cloud.affine(np.array([1.0, -2, 3, 4]))
    assert points @ weights[:-1] + weights[-1] == pytest.approx(along)


def test_the_rank_of_points_near_a_line() -> None:
    rng = np.random.default_rng(2)
    points = np.outer(rng.normal(size=40), [1.0, 2, 3]) + 1e-4 * rng.normal(size=(40, 3))
    assert Cloud(points).rank == 3
    assert Cloud(points[:, :1] * np.array([[1.0, 2, 4]])).rank == 1


def test_copies_stay_together() -> None:
    points = np.array([[0.0], [1], [0], [2], [0]])
    codes = np.array([2.0, 0, 2, 0, 2])
    encoder = slab_encoder(Cloud(points), codes, np.dtype("float32"))
    assert len(encoder.groups) == 1
    assert encoder.groups[0].members.tolist() == [0, 2, 4]
