"""What makes large problems possible, held against plain arithmetic on small ones: projections in
limbs, float scores that only order, thinned lines, conflicts by fingerprints, arrays kept as they are."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import verify
from constructions import (
    CONSTRUCTIONS,
    FineTuningProblem,
    build,
    certificate,
    choose_direction,
    relative_gap,
    to_line,
    write_certificate,
)
from constructions.exact import exact_array
from constructions.projection import Projection

TINY, HUGE = 2.0**-1074, 2.0**1000


def draw(rng: np.random.Generator, *entries: float, k: int = 60) -> np.ndarray:
    return rng.choice([*entries, 0.0, -0.0], size=(k, 3)) * rng.choice([1.0, -1.0], size=(k, 3))


DATA = {
    "normal": lambda rng: rng.normal(size=(60, 3)),
    "uniform": lambda rng: rng.random(size=(60, 3)),
    "tiny beside huge": lambda rng: draw(rng, TINY, HUGE, 1.0, 1.5 * 2.0**-1022, np.finfo(float).max),
    "subnormal": lambda rng: rng.integers(-9, 10, size=(60, 3)) * TINY,
    "huge only": lambda rng: rng.normal(size=(60, 3)) * HUGE,
    "of any size": lambda rng: rng.normal(size=(60, 3)) * 2.0 ** rng.integers(-300, 300, size=(60, 3)),
    "a little wide": lambda rng: rng.normal(size=(60, 3)) * 2.0 ** rng.integers(-25, 25, size=(60, 3)),
    "one ulp apart": lambda rng: 1.0 + rng.integers(0, 9, size=(60, 3)) * 2.0**-52,
    "zeros": lambda rng: draw(rng, 0.0),
    "float32": lambda rng: rng.normal(size=(60, 3)).astype(np.float32),
    "float16": lambda rng: rng.normal(size=(60, 3)).astype(np.float16),
    "big-endian": lambda rng: rng.normal(size=(60, 3)).astype(">f8"),
    "bytes": lambda rng: rng.integers(0, 256, size=(60, 3)).astype(np.uint8),
    "int64": lambda rng: rng.integers(-(2**63), 2**63 - 1, size=(60, 3), endpoint=True),
    "uint64": lambda rng: rng.integers(0, 2**64 - 1, size=(60, 3), dtype=np.uint64, endpoint=True),
    "fractions": lambda rng: [
        [Fraction(int(p), int(q)) for p, q in zip(rng.integers(-9, 9, 3), rng.integers(1, 7, 3), strict=True)]
        for _ in range(60)
    ],
    "long fractions": lambda rng: [
        [Fraction(3**400, int(q)) for q in rng.integers(1, 7, 3)] for _ in range(9)
    ],
}
DIRECTIONS = [(1, 0, -1), (0, 0, 0), (1, 1, 1), (3, -7, 2), (2**19, -5, 1), (2**70, 1, -(3**50))]


@pytest.mark.parametrize("name", sorted(DATA))
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_projections_are_those_of_fractions(name: str, direction: tuple[int, ...]) -> None:
    data = DATA[name](np.random.default_rng(abs(direction[0]) % 97))
    points = exact_array(data, "points")
    rows = [[Fraction(x if isinstance(x, (int, Fraction)) else x.item()) for x in row] for row in data]
    expected = [sum(u * x for u, x in zip(direction, row, strict=True)) for row in rows]
    t = Projection.of(points, direction)
    assert [Fraction(n, t.denominator) for n in t.numerators(np.arange(len(rows)))] == expected
    order = sorted(range(len(rows)), key=expected.__getitem__)  # stable
    assert t.order.tolist() == order
    assert t.together.tolist() == [expected[i] == expected[j] for i, j in zip(order, order[1:], strict=False)]
    assert (t.limbs[1:] >= 0).all()
    assert (t.limbs[1:] < 2**t.width).all()
    assert [[points[i, j] for j in range(3)] for i in range(len(rows))] == rows
    common = max(x.denominator for row in rows for x in row)
    assert points.denominator == common or "fractions" in name
    assert [[Fraction(x, points.denominator) for x in row] for row in points.numerators.tolist()] == rows


def test_a_first_limb_that_ties_leaves_the_order_to_the_others() -> None:
    rng = random.Random(0)
    column = [rng.choice([1.0, 2.0, 3.0]) + rng.randrange(4) * 2.0**-52 for _ in range(400)]
    points = np.array([[x, rng.randrange(-3, 3) * 2.0**-120] for x in column])
    t = Projection.of(exact_array(points, "points"), (1, 1))
    assert len(t.limbs) > 1
    exact = [Fraction(x) + Fraction(y) for x, y in points.tolist()]
    assert t.order.tolist() == sorted(range(400), key=exact.__getitem__)


def runs(rng: random.Random) -> tuple[list[list[float]], dict[int, float]]:
    """Protected runs of any length, edits at the ends too, equal points and points one ulp apart."""
    xs, edits, x = [], {}, rng.choice([0.0, -3.0])
    one_sign = rng.random() < 0.4
    for _ in range(rng.randint(1, 12)):
        for _ in range(rng.choice([0, 1, 2, 3, 4, 5, 9, 25])):  # protected
            x = np.nextafter(x, 99) if rng.random() < 0.3 else x + rng.choice([0.0, 0.25, rng.random()])
            xs.append(x)
        for _ in range(rng.choice([1, 1, 2, 5])):
            x = float(np.nextafter(x, 99)) if rng.random() < 0.3 else x + rng.random() + 2.0**-40
            edits[len(xs)] = rng.choice([1, 2, rng.random()]) * (1 if one_sign else rng.choice([-1, 1]))
            xs.append(x)
        x = float(np.nextafter(x, 99))
    xs += [x + k for k in range(rng.choice([0, 0, 1, 2, 3, 4, 12]))]
    places = list(range(len(xs)))
    rng.shuffle(places)
    points = [[0.0]] * len(xs)
    for i, place in enumerate(places):
        points[place] = [float(xs[i])]
    return points, {places[i]: value for i, value in edits.items()}


def same(one, other) -> bool:
    arrays = [
        [
            array.tolist()
            for layer in network.layers
            for array in (layer.weight, layer.bias, layer.denominator)
        ]
        for network in (one, other)
    ]
    return arrays[0] == arrays[1]


@pytest.mark.parametrize("seed", range(60))
def test_a_thinned_line_gives_the_network_of_the_whole_line(seed: int) -> None:
    rng = random.Random(seed)
    points, edits = runs(rng)
    problem = FineTuningProblem(points, edits=edits)
    thin, whole = (to_line(problem, (1,), thin=thin) for thin in (True, False))
    assert thin.count == whole.count == len(whole.positions)
    assert len(thin.positions) <= 4 * len(thin.edits) + 3
    for construction in CONSTRUCTIONS.values():
        if not construction.whole:
            every = rng.choice([None, 1, 2, 3]) if construction.restarts else None
            assert construction.width(thin, every) == construction.width(whole, every)
            one, other = (construction.make(line, every, None) for line in (thin, whole))
            assert same(one, other)
            assert one(points) == [problem.delta.get(i, 0) for i in range(len(points))]


@pytest.mark.parametrize("seed", range(25))
def test_networks_from_thinned_lines_are_accepted_on_all_points(seed: int, tmp_path: Path) -> None:
    rng = random.Random(1000 + seed)
    line, edits = runs(rng)
    turn = random.Random(seed)  # a second column that equal points share, and a third that is constant
    shift = {x: turn.randrange(4) for (x,) in line}
    problem = FineTuningProblem([[x, shift[x], 7] for (x,) in line], edits=edits)
    for name, construction in CONSTRUCTIONS.items():
        solution = build(problem, construction.depth, construction=name)
        path = write_certificate(solution, tmp_path / f"{name}.json")
        verdict = verify.check(path)
        assert verdict.status == "accepted", verdict.text()


def test_many_points_and_few_edits_keep_a_short_line() -> None:
    points = np.random.default_rng(0).normal(size=(30_000, 4))
    problem = FineTuningProblem(points, edits={5: 1.0, 17: -2.0, 29_999: 0.5})
    line = to_line(problem, choose_direction(problem), thin=True)
    assert (line.count, len(line.positions) <= 15, len(line.edits)) == (30_000, True, 3)
    for depth in (2, 3, 4):
        assert build(problem, depth).network(points[:40]) == [problem.delta.get(i, 0) for i in range(40)]


def test_floats_never_decide_about_a_direction() -> None:
    small = 2.0**-60
    # u = (1, 1, 1): the sums are equal, in floats 0 and 2^-60; and they differ, in floats 1 and 1
    apart = np.array([[1.0, small, -1.0], [0.0, small, 0.0], [3.0, 0.0, 0.0]])
    alike = np.array([[1.0, 0.0, 0.0], [1.0, small, 0.0], [3.0, 0.0, 0.0]])
    assert relative_gap(FineTuningProblem(apart, edits={0: 1}), (1, 1, 1)) == 0
    assert relative_gap(FineTuningProblem(alike, edits={0: 1}), (1, 1, 1)) == Fraction(small) / 2
    for points in (apart, alike, apart * HUGE, draw(np.random.default_rng(1), TINY, HUGE, 1.0)):
        first = next(i for i, row in enumerate(points.tolist()) if points.tolist().count(row) == 1)
        problem = FineTuningProblem(points, edits={first: 1})
        for seed in range(40):
            assert relative_gap(problem, choose_direction(problem, seed)) > 0


def test_the_best_projection_has_the_largest_gap() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        problem = FineTuningProblem(rng.normal(size=(400, 5)), edits=dict.fromkeys(range(0, 400, 20), 1.0))
        drawn = np.random.default_rng(seed)
        pool = [
            tuple(u)
            for bound in (1, 3)
            for u in drawn.integers(-bound, bound, size=(8, 5), endpoint=True).tolist()
        ]
        best = max(relative_gap(problem, u) for u in pool)
        assert float(relative_gap(problem, choose_direction(problem, seed))) == pytest.approx(float(best))


@pytest.mark.parametrize(
    "points",
    [
        [[0.0, 1.5], [2.0, 3.0], [-0.0, 1.5]],
        np.array([[5, 2**62], [1, 1], [5, 2**62]]),
        np.array([[7, 8], [1, 1], [7, 8]], dtype=np.uint8),
        np.array([[2**64 - 1, 0], [1, 1], [2**64 - 1, 0]], dtype=np.uint64),
        np.array([[0.0, TINY], [1, 1], [-0.0, TINY]]),
        np.array([[0.5, -0.0], [1, 1], [0.5, 0.0]], dtype=np.float32),
        [[Fraction(1, 3), 0], [1, 1], [Fraction(2, 6), 0]],
    ],
)
def test_equal_points_with_different_changes_are_refused(points) -> None:
    with pytest.raises(ValueError, match="points 0 and 2 are equal but need different changes: 1 and 0"):
        FineTuningProblem(points, edits={0: 1})
    with pytest.raises(ValueError, match="points 0 and 2 are equal but need different changes: 0 and -2"):
        FineTuningProblem(points, edits={2: -2, 1: 5})
    assert FineTuningProblem(points, edits={0: 1, 2: 1}).N == 2


def test_points_that_only_share_bits_are_not_equal() -> None:
    rng = np.random.default_rng(0)
    points = rng.integers(0, 2, size=(3000, 24)).astype(np.uint8)
    unique = np.flatnonzero([np.sum((points == row).all(axis=1)) == 1 for row in points[:200]])
    problem = FineTuningProblem(points, edits=dict.fromkeys(unique.tolist(), 1))
    assert len(unique) == problem.N > 100


def test_a_read_only_array_is_kept_and_a_writeable_one_copied(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    kept = FineTuningProblem(mapped, edits={1: 2.0})
    assert np.shares_memory(kept.points.values, mapped)
    copied = FineTuningProblem(points, edits={1: 2.0})
    points[:] = 0
    assert copied.points[1, 2] == kept.points[1, 2] != 0
    assert certificate(build(copied, 3)) == certificate(build(kept, 3))


@pytest.mark.parametrize("count", [50, 70_000])  # one chunk, and several
@pytest.mark.parametrize("layout", ["fortran", "strided", "big-endian"])
def test_sidecars_are_written_in_rows_whatever_the_layout(layout: str, count: int, tmp_path: Path) -> None:
    plain = np.random.default_rng(0).normal(size=(count, 2))
    points = {
        "fortran": np.asfortranarray(plain),
        "strided": np.repeat(plain, 2, axis=1)[:, ::2],
        "big-endian": plain.astype(">f8"),
    }[layout]
    points.flags.writeable = False
    path = write_certificate(build(FineTuningProblem(points, edits={3: 1.0}), 2), tmp_path / "c")
    np.save(tmp_path / "plain.npy", plain)
    assert (path / "points.npy").read_bytes() == (tmp_path / "plain.npy").read_bytes()
    assert verify.check(path).status == "accepted"


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    edits = {0: Fraction(1, 10**20_000)}
    solution = build(FineTuningProblem(np.array([[1.0], [2.0]]), edits=edits), 2)
    with pytest.raises(ValueError, match="an integer has"):
        write_certificate(solution, tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_nan_beyond_the_first_chunk_is_named() -> None:
    points = np.zeros((100_000, 3))
    points[77_777, 1] = np.nan
    with pytest.raises(ValueError, match=r"points\[77777, 1\] is nan: every number must be finite"):
        FineTuningProblem(points)
