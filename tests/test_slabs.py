"""Slabs: codes at groups of points and 0 elsewhere, within the tolerance that floats are proven to keep."""

from __future__ import annotations

import numpy as np
import pytest

from constructions.slabs import TOLERANCE, Cloud, Encoder, slab, slab_encoder


def code_of(encoder: Encoder, points: np.ndarray, dtype: str) -> np.ndarray:
    hidden = np.maximum(points.astype(dtype) @ encoder.weight.T.astype(dtype) + encoder.bias.astype(dtype), 0)
    return hidden @ encoder.out.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(8))
def test_codes_are_within_what_is_said(seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    points = (rng.normal(size=(70, 7)) * 10.0 ** rng.integers(-3, 4, size=7)).astype(dtype).astype(np.float64)
    codes = np.where(rng.random(70) < 0.3, rng.integers(1, 5, size=70), 0).astype(float)
    cloud = Cloud(points)
    encoder = slab_encoder(cloud, codes, np.dtype(dtype), seed=seed)
    off = encoder.off(cloud, codes)
    assert off.max() <= TOLERANCE
    for run in (dtype, "longdouble"):
        assert (np.abs(code_of(encoder, points, run) - codes) <= off).all()
    assert encoder.weight.dtype == dtype
    assert len(encoder.slabs) >= -(-int((codes > 0).sum()) // 7)


def test_a_slab() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 6)) + 5
    found = slab(Cloud(points), np.arange(4), np.array([1.0, 1, 2, 3]), rng)
    assert found is not None
    h, v = (points @ f[:-1] + f[-1] for f in (found.h, found.v))
    assert h[:4] == pytest.approx(0, abs=1e-9)
    assert v[:4] == pytest.approx([1, 1, 2, 3])
    room = np.abs(h[4:]) - np.abs(v[4:])
    assert room.min() == pytest.approx(TOLERANCE)
    assert found.nearest == 4 + int(room.argmin())
    assert found.reach(found.factor(1e-3)) == pytest.approx(1e-3)
    assert found.factor(1e9) == 1


def test_points_that_cannot_be_told() -> None:
    rng = np.random.default_rng(0)
    line = Cloud(np.arange(5.0)[:, None] * np.array([[1.0, 2.0]]))
    assert line.rank == 1
    assert slab(line, np.array([1, 3]), np.ones(2), rng) is None
    assert slab(line, np.array([1]), np.ones(1), rng) is not None
    assert slab(Cloud(np.array([[0.0], [0.0]])), np.array([0]), np.ones(1), rng) is None


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
    assert len(encoder.slabs) == 1
    assert encoder.slabs[0].members.tolist() == [0, 2, 4]
