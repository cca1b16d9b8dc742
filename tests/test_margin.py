"""The widest direction and the nearest point of a hull, against brute force and against what defines them."""

from __future__ import annotations

import numpy as np
import pytest

from constructions.margin import nearest_in_hull, widest_direction


@pytest.mark.parametrize("seed", range(20))
def test_the_plane_by_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(int(rng.integers(1, 9)), 2)) + rng.normal(size=2)
    angles = np.linspace(0, np.pi, 20001)
    best = np.abs(rows @ np.array([np.cos(angles), np.sin(angles)])).min(axis=0).max()
    vector, least = widest_direction(rows, rng)
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert np.abs(rows @ vector).min() == pytest.approx(least)
    assert least >= best * (1 - 1e-3)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("count", "d"), [(40, 8), (30, 10), (60, 12)])
def test_no_single_row_on_the_other_side_makes_it_wider(count: int, d: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(count, d))
    vector, least = widest_direction(rows, np.random.default_rng(seed))
    turned = rows * np.sign(rows @ vector)[:, None]
    for k in range(count):
        other = turned.copy()
        other[k] *= -1
        nearest, _ = nearest_in_hull(other)
        assert (other @ nearest).min() <= least * (1 + 1e-6) * np.linalg.norm(nearest)


@pytest.mark.parametrize(
    ("points", "nearest"),
    [
        ([[3, 4]], [3, 4]),
        ([[1, 1], [1, -1]], [1, 0]),
        ([[1, 1], [2, 2]], [1, 1]),
        ([[1, 0], [0, 1]], [0.5, 0.5]),
        ([[1, 0], [-1, 1], [-1, -1]], [0, 0]),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1], [5, 5, 5]], [1 / 3] * 3),
        ([[1e-30, 1e-30], [1e-30, -1e-30]], [1e-30, 0]),
        ([[0, 0], [1, 1]], [0, 0]),
    ],
)
def test_small_hulls(points: list, nearest: list) -> None:
    array = np.array(points, dtype=float)
    found, holding = nearest_in_hull(array)
    assert found == pytest.approx(np.array(nearest), rel=1e-6, abs=1e-9 * np.abs(array).max())
    assert set(holding) <= set(range(len(points)))


@pytest.mark.parametrize(("count", "d"), [(5, 3), (40, 10), (300, 5), (3000, 6)])
def test_no_point_is_nearer_along_the_nearest(count: int, d: int) -> None:
    rng = np.random.default_rng(count)
    points = rng.normal(size=(count, d)) * np.array([1, *[100] * (d - 1)])
    points[:, 0] += 6
    found, holding = nearest_in_hull(points)
    assert (points @ found).min() >= found @ found * (1 - 1e-6)
    shares = np.linalg.lstsq(np.vstack([points[holding].T, np.ones(len(holding))]), np.append(found, 1))[0]
    assert (shares > -1e-6).all()
    assert shares @ points[holding] == pytest.approx(found)


def test_a_row_of_zeros_has_no_width() -> None:
    rows = np.array([[1.0, 2.0], [0.0, 0.0]])
    assert widest_direction(rows, np.random.default_rng(0))[1] == 0
