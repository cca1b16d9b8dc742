"""Bounds against brute force, known values and each other."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest

from constructions import bounds


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


@pytest.mark.parametrize("target", range(1, 120))
def test_ceil_two_sqrt_is_least_sum(target: int) -> None:
    assert bounds.ceil_two_sqrt(target) == min(x + ceil_div(target, x) for x in range(1, 200))


@pytest.mark.parametrize("hidden", [1, 2, 3, 4])
def test_least_width_product_brute_force(hidden: int) -> None:
    widths = list(product(range(1, 9), repeat=hidden))
    best: dict[int, int] = {}
    for w in widths:
        size = prod(i + 1 for i in w)
        best[size] = min(best.get(size, sum(w)), sum(w))
    for target in range(1, 10 if hidden == 1 else 80):
        expected = min(total for size, total in best.items() if size >= target)
        assert bounds.least_width_product(target, hidden) == expected


def test_least_width_product_is_fast_for_large_arguments() -> None:
    assert bounds.least_width_product(10**300, 3) == 3 * 10**100 - 3
    assert bounds.least_width_product(10**6, 10**6) == 10**6


@pytest.mark.parametrize("every", [None, 1, 2, 3, 7])
@pytest.mark.parametrize("cost", [1, 3, 4])
def test_least_width_brute_force(cost: int, every: int | None) -> None:
    for n in [*range(1, 150), 997, 3000]:
        options = []
        for r in range(1, n + 1):
            groups = ceil_div(n, r)
            extra = 0 if every is None else (groups - 1) // every
            options.append((groups + cost * r + extra, -r))
        width, r = min(options)
        assert bounds.least_width(n, cost, every) == (width, -r)


@pytest.mark.parametrize("every", [None, 1, 5, 10**6])
@pytest.mark.parametrize("cost", [1, 4, 50])
def test_least_width_walks_few_steps(cost: int, every: int | None) -> None:
    """At 10^12 edits, against the exact width at many places and the real minimum."""
    n = 10**12 + 39
    width, r = bounds.least_width(n, cost, every)

    def at(r: int) -> int:
        groups = ceil_div(n, r)
        return groups + cost * r + (0 if every is None else (groups - 1) // every)

    assert at(r) == width < min(at(s) for s in range(r + 1, r + 5000))
    assert width <= min(at(s) for s in (*range(max(r - 5000, 1), r), *(2**j for j in range(40))))
    assert bounds.least_width(10**16, 4) == (4 * 10**8, 5 * 10**7)


def test_crossing_width_closed_forms() -> None:
    for n in range(1, 400):
        assert bounds.crossing_width(n)[0] == bounds.ceil_two_sqrt(n)
        moderate = bounds.crossing_width(n, restart_every=1)
        assert moderate[0] == min(2 * ceil_div(n, r) - 1 + r for r in range(1, n + 1))
        assert moderate == bounds.least_width(n, 1, 1)
    assert bounds.crossing_width(10**8) == (20000, 10000)


def strict_windows(values: list[int]) -> int:
    """Greedy count of disjoint windows of each sign among neighbouring triples at 0, 1, 2, ..."""
    ends = {1: 0, -1: 0}
    count = 0
    for a in range(len(values) - 2):
        bend = values[a] - 2 * values[a + 1] + values[a + 2]
        sign = (bend > 0) - (bend < 0)
        if sign and a >= ends[sign]:
            ends[sign] = a + 2
            count += 1
    return count


def test_windows_one_sign_pattern_exists() -> None:
    for n in range(1, 6):
        for k in range(2 * n + 3, 4 * n + 4):
            left = min((k - 2 * n - 3) // 2, n - 1)
            gaps = [3] * left + [1] * (n - 1 - left)
            values = [0, 0]
            for gap in gaps:
                values += [1] + [0] * gap
            values += [1, 0, 0]
            assert len(values) <= k
            assert strict_windows(values) == bounds.windows(n, k, one_sign=True)


def test_windows_any_sign_pattern_exists() -> None:
    for n in range(1, 7):
        values = [0, 0]
        for _ in range(n):
            values += [1 if (len(values)) % 2 == 0 else -1, 0, 0]
        for k in range(2, 3 * n + 3):
            assert strict_windows(values[:k]) == bounds.windows(n, k) == k - 2
        assert strict_windows(values) == bounds.windows(n) == 3 * n


@pytest.mark.parametrize("one_sign", [False, True])
def test_windows_is_monotone(one_sign: bool) -> None:
    for n in range(1, 12):
        for k in range(n + 1, 60):
            here = bounds.windows(n, k, one_sign)
            assert bounds.windows(n, k + 1, one_sign) >= here
            assert bounds.windows(n + 1, k, one_sign) >= here
    assert bounds.windows(7, 29, True) == bounds.windows(7, None, True) == 21


def test_lower_halves_brute_force() -> None:
    def half(target: int) -> int:
        pairs = product(range(1, target + 1), range(target + 1))
        return min(p + q for p, q in pairs if p * (q + 1) >= target)

    halves = [half(windows + 1) for windows in range(80)]
    for windows in range(1, 80):
        expected = max(halves[y] + halves[windows - y] for y in range(windows + 1)) - 2
        for k in (2 * windows + 1, 2 * windows + 2):
            assert bounds.lower_halves(windows, k) == bounds.lower_halves(k, k) == expected
        if windows % 2 == 0:
            n = windows // 2
            assert bounds.lower_halves(n) == bounds.lower_halves(n, 4 * n + 1) == expected
    assert bounds.lower_halves(9, 2) == bounds.lower_halves(0) == 0


def test_lower_parameters_brute_force() -> None:
    for n in range(1, 200):
        three = min(p + q for p, q in product(range(40), repeat=2) if (p + 1) * (q + 1) >= n)
        assert bounds.lower_parameters(3, n) == three
        four = next(m for m in range(99) if (m + 1) ** 2 // 4 + 1 >= n)
        assert bounds.lower_parameters(4, n) == four
        deep = next(m for m in range(99) if (m + 2) ** 2 >= 4 * n)
        assert bounds.lower_parameters(5, n) == bounds.lower_parameters(11, n) == deep


def test_known_values() -> None:
    assert [bounds.upper(2, 1, k) for k in range(1, 8)] == [0, 1, 2, 2, 3, 3, 3]
    assert [bounds.upper(2, 2, k) for k in range(2, 10)] == [1, 2, 3, 3, 4, 5, 6, 6]
    assert [bounds.upper(4, n) for n in (100, 400, 10**4)] == [24, 44, 204]
    assert bounds.upper(3, 100, 100) == 20
    assert bounds.upper(3, 1) == bounds.upper(3, 1, one_sign=True) == 4
    assert bounds.lower(3, 10**4) == 398  # sharper by one than 4 sqrt(N+1) - 4
    assert bounds.lower(3, 100, 401) == 38
    assert bounds.lower(3, 100, one_sign=True) == 33
    assert bounds.lower(2, 2, 4, one_sign=True) == 3


@pytest.mark.parametrize("one_sign", [False, True])
@pytest.mark.parametrize("layers", [2, 3, 4, 5, 6, 9])
def test_lower_at_most_upper_and_monotone(layers: int, one_sign: bool) -> None:
    for n in range(26):
        top, bottom = bounds.upper(layers, n, None, one_sign), bounds.lower(layers, n, None, one_sign)
        assert bottom <= top
        assert bounds.upper(layers + 1, n, None, one_sign) <= top + 1 or n == 0
        for k in range(max(n, 1), 4 * n + 8):
            up, low = bounds.upper(layers, n, k, one_sign), bounds.lower(layers, n, k, one_sign)
            assert low <= up <= top
            assert low <= bottom
            assert low >= (layers - 1 if n and k > 1 else 0)
            assert bounds.upper(layers, n, k, True) <= bounds.upper(layers, n, k)
            assert bounds.lower(layers, n, k, True) <= bounds.lower(layers, n, k)
            assert bounds.lower(layers, n, k + 1, one_sign) >= low
            assert bounds.upper(layers, n, k + 1, one_sign) >= up
        assert bounds.upper(layers, n, 10**6, one_sign) == top
        assert bounds.lower(layers, n, 10**6, one_sign) == bottom


def test_two_layers_any_signs_is_exact() -> None:
    for n in range(12):
        for k in range(max(n, 1), 50):
            assert bounds.lower(2, n, k) == bounds.upper(2, n, k)


def test_four_layers_beat_three() -> None:
    assert all(bounds.lower(3, n) > bounds.upper(4, n) for n in [12, *range(14, 3000)])
    assert bounds.lower(3, 13) <= bounds.upper(4, 13)


def test_gap_between_bounds_is_constant_in_depth_four() -> None:
    for n in [1, 10, 99, 10**4, 10**8 + 1]:
        assert bounds.upper(4, n) - bounds.lower(4, n) <= 6


def test_nothing_to_do() -> None:
    for layers in range(2, 7):
        assert bounds.upper(layers, 0) == bounds.lower(layers, 0, 5) == 0
        assert bounds.upper(layers, 1, 1) == bounds.lower(layers, 1, 1) == 0


@pytest.mark.parametrize("arguments", [(1, 3, None), (2, -1, None), (2, 5, 4), (3, 0, 0)])
def test_bad_arguments(arguments: tuple[int, int, int | None]) -> None:
    for function in (bounds.upper, bounds.lower):
        with pytest.raises(ValueError):
            function(*arguments)


def test_bad_helper_arguments() -> None:
    with pytest.raises(ValueError):
        bounds.restarts(3, 0)
    with pytest.raises(ValueError):
        bounds.least_width(-1, 4)
    with pytest.raises(ValueError):
        bounds.least_width(3, 4, 0)
    with pytest.raises(ValueError):
        bounds.two_layer_small(1, 5)
