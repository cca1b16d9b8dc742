"""The parts of the engine keep their promises: blocks, filter, steps, the table of zeros."""

from __future__ import annotations

import itertools
import math
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq, fmpz, fmpz_mat
from networks import Layers, entry, fractions, network, points_of, random_certificate, write

from verify.engine import Statistics, check
from verify.engine.block import LIMB, Block
from verify.engine.cancel import _implying, cancellation, vanish
from verify.engine.dense import Dense
from verify.engine.exact import ExactNetwork
from verify.engine.line import Pieces
from verify.engine.modular import Modular
from verify.engine.residues import Residues
from verify.engine.zeros import ZeroTable
from verify.kernel import Network, read_certificate
from verify.kernel import check as kernel_check


@pytest.mark.parametrize("route", ["cancellation", "gradients", "residues"])
def test_dense_networks_are_settled_without_the_slow_way(tmp_path: Path, route: str) -> None:
    path = random_certificate(tmp_path / "a", 3000)
    statistics = Statistics()
    assert check(path, route=route, statistics=statistics).status == "accepted"
    assert statistics.routes[route] >= 2990
    assert statistics.routes.get("exact", 0) <= 10


@pytest.mark.parametrize("seed", range(30))
def test_the_float_filter_never_lies(tmp_path: Path, seed: int) -> None:
    """Signs that the filter calls sure are the signs, whatever it knows of the layers before; outputs
    lie within its error, and are exact where this is 0."""
    rng = random.Random(seed)
    kind = rng.choice(["small", "small", "rational", "30 bits", "far apart"])
    layers = network(rng, kind, 2, 1)
    points = points_of(rng, 2)
    path = write(tmp_path / "a", layers, points, {})
    certificate = read_certificate(str(path))
    assert certificate.network is not None
    dense = Dense.of(certificate.network, 2)
    with np.errstate(all="ignore"):
        floats = dense._filter(Block.read(certificate.points, 0, len(points)))
    scale = Fraction(2) ** dense.layers[-1].exponent[0]
    for i, (numerators, q) in enumerate(certificate.points.rows()):
        a = [Fraction(x, q) for x in numerators]
        for rows, sign, sure in zip(dense.network.layers[:-1], floats.signs, floats.sure, strict=True):
            z = [sum((w * v for w, v in zip(row, [*a, 1], strict=True)), Fraction(0)) for row in rows]
            assert not sure[i] or [v > 0 for v in z] == sign[:, i].tolist()
            a = [max(v, Fraction(0)) for v in z]
        (row,) = dense.network.layers[-1]
        z_out = sum((w * v for w, v in zip(row, [*a, 1], strict=True)), Fraction(0)) / scale
        if floats.error[i] < math.inf:
            assert abs(Fraction(float(floats.y[0, i])) - z_out) <= Fraction(float(floats.error[i]))


def test_short_numbers_make_the_float_pass_exact(tmp_path: Path) -> None:
    """On a grid of integers most kinks are hit; with short weights nothing is undecided."""
    layers: Layers = [
        (fractions([[1, 2], [1, 2], [1, 2], [3, -1], [2, 1]]), fractions([[1, 0, -1, 0, -2]])[0]),
        (fractions([[1, -2, 1, 0, 0], [0, 0, 0, 0, 0]]), [Fraction(0), Fraction(0)]),
        (fractions([[1, 1]]), [Fraction(0)]),
    ]
    points = np.array([[x, y] for x in range(-30, 31) for y in range(-30, 31)]) / 4
    exact = [[Fraction(x), Fraction(y)] for x, y in points.tolist()]
    values = {i: [1 - abs(x + 2 * y)] for i, (x, y) in enumerate(exact) if abs(x + 2 * y) < 1}
    statistics = Statistics()
    path = write(tmp_path / "a", layers, points, values)
    assert check(path, statistics=statistics).status == "accepted"
    assert set(statistics.routes) == {"floats", "edited"}
    assert statistics.undecided == 0
    wide: Layers = [([[2**60 * w for w in row] for row in layers[0][0]], layers[0][1]), *layers[1:]]
    statistics = Statistics()
    verdict = check(write(tmp_path / "b", wide, points, values), statistics=statistics)
    assert verdict == kernel_check(tmp_path / "b")
    assert statistics.undecided > 0


@pytest.mark.parametrize("shift", range(49, 58))
def test_the_exact_float_pass_knows_its_limit(tmp_path: Path, shift: int) -> None:
    """`relu(2^30 x + y) - relu(2^30 x)` is `y = 1`, and 0 in floats if `2^30 x = 2^shift` is too long."""
    steep = Fraction(2**30)
    layers: Layers = [
        ([[steep, Fraction(1)], [steep, Fraction(0)]], [Fraction(0), Fraction(0)]),
        (fractions([[1, -1]]), [Fraction(0)]),
    ]
    path = write(tmp_path / "a", layers, np.array([[2.0 ** (shift - 30), 1.0]]), {})
    assert kernel_check(path).status == "rejected"
    for route in ("auto", "patterns", "gradients", "residues", "cancellation"):
        assert check(path, route=route) == kernel_check(path)


def test_points_too_large_for_the_filter_are_left_to_exact_arithmetic(tmp_path: Path) -> None:
    """`g(x) = x`, which vanishes modulo the first prime."""
    prime = Modular(Network([[[1, 0]]], [1]), 1, 0).primes.beyond(1)[0]
    layers: Layers = [(fractions([[1]]), [Fraction(0)])]
    path = write(tmp_path / "a", layers, np.array([[0.0], [prime * 2.0**990]]), {})
    for route in ("auto", "patterns", "gradients", "residues", "cancellation"):
        assert check(path, route=route) == kernel_check(path)
    assert kernel_check(path).status == "rejected"


def test_integers_of_a_block_are_its_points(tmp_path: Path) -> None:
    rng = random.Random(0)
    largest = 1.7976931348623157e308
    nasty = [[largest, 5e-324, 0.0], [-largest, 1.0, 0.5]]
    nasty += [[2.0**bits - 1, 1.0, -(2.0**bits) + 1] for bits in (25, 26, 27, 51, 52, 53)]
    nasty_late = np.array([[1.0, 2.0, 3.0]] * 20 + [[2.0**-10, 1.0, 0.0]])
    some = [nasty_late, *(np.array([row]) for row in nasty)] + [points_of(rng, 3) for _ in range(40)]
    for number, points in enumerate(some):
        path = write(tmp_path / str(number), network(rng, "small", 3, 1), points, {})
        array = read_certificate(str(path)).points
        block = Block.read(array, 0, len(points))
        places = np.array(sorted(rng.sample(range(len(points)), rng.randint(1, len(points)))))
        integers = block.integers(places)
        rows = list(array.rows())
        for c, i in enumerate(places.tolist()):
            numerators, q = rows[i]
            assert block.row(i) == rows[i]
            below = integers.denominators[c % len(integers.denominators)]
            assert below.bit_length() <= integers.bits
            for k, p in enumerate(numerators):
                limbs = [int(limb[k, c]) for limb in integers.limbs]
                assert all(abs(limb) < 2 ** (52 if len(limbs) == 1 else LIMB + 1) for limb in limbs)
                value = sum(x << (LIMB * j) for j, x in enumerate(reversed(limbs)))
                assert value * q == p * below


@pytest.mark.parametrize("primes", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("route", ["gradients", "residues", "auto"])
def test_an_output_that_vanishes_modulo_primes_is_not_taken_for_zero(
    tmp_path: Path, route: str, primes: int
) -> None:
    """The output is the product of the first primes: not 0, and far below what floats can see."""
    product = math.prod(
        Modular(Network([[[1, 0]] * 3, [[1, 1, 1, 0]]], [1]), 1, 0).primes.beyond(500)[:primes]
    )
    steep = Fraction(2**200)
    layers: Layers = [
        ([[steep], [steep], [Fraction(1)]], [Fraction(0), Fraction(product), Fraction(-(2**40))]),
        ([[Fraction(-1), Fraction(1), Fraction(1)]], [Fraction(0)]),
    ]
    points = np.arange(1, 300, dtype=np.int64).reshape(-1, 1)
    path = write(tmp_path / "a", layers, points, {})
    expected = kernel_check(path)
    assert expected.status == "rejected"
    assert check(path, route=route) == expected


@pytest.mark.parametrize("few", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("part", ["gradient", "offset"])
def test_a_gradient_or_offset_that_vanishes_modulo_primes_is_not_taken_for_zero(
    tmp_path: Path, part: str, few: int
) -> None:
    primes = Modular(Network([[[1, 0]] * 3, [[1, 1, 1, 0]]], [1]), 1, 0).primes.beyond(500)
    product, steep = Fraction(math.prod(primes[:few])), Fraction(2**200)
    slope, shift = (product, Fraction(0)) if part == "gradient" else (Fraction(0), product)
    layers: Layers = [
        ([[steep], [steep + slope]], [Fraction(0), shift]),
        ([[Fraction(-1), Fraction(1)]], [Fraction(0)]),
    ]
    points = np.arange(1, 300, dtype=np.int64).reshape(-1, 1)
    path = write(tmp_path / "a", layers, points, {})
    expected = kernel_check(path)
    assert expected.status == "rejected"
    assert check(path, route="gradients") == expected


@pytest.mark.parametrize("route", ["gradients", "auto"])
@pytest.mark.parametrize("part", ["gradient", "offset"])
def test_the_bound_of_gradients_and_offsets_is_that_of_the_longest(
    tmp_path: Path, part: str, route: str
) -> None:
    """A gradient of the second output, or an offset behind weights of 1, is a product of twelve primes."""
    steep = Fraction(2**600)
    if part == "gradient":
        primes = Modular(Network([[[1, 0]] * 4, [[1, 1, 1, 1, 0]]], [1]), 1, 0).primes.beyond(500)
        product = Fraction(math.prod(primes[:12]))
        layers: Layers = [
            ([[steep], [steep], [Fraction(1)], [Fraction(1)]], [Fraction(0)] * 4),
            ([*fractions([[0, 0, 1, -1]]), [Fraction(-1), Fraction(1), product, Fraction(0)]],
             [Fraction(0)] * 2),
        ]  # fmt: skip
    else:
        primes = Modular(Network([[[1, 0]] * 2, [[1, 1, 0]]], [1]), 1, 0).primes.beyond(500)
        product = Fraction(math.prod(primes[:12]))
        layers = [(fractions([[1], [1]]), [steep, steep + product]), (fractions([[-1, 1]]), [Fraction(0)])]
    path = write(tmp_path / "a", layers, np.arange(1, 30, dtype=np.int64).reshape(-1, 1), {})
    expected = kernel_check(path)
    assert expected.status == "rejected"
    assert check(path, route=route) == expected


@pytest.mark.parametrize("route", ["gradients", "residues"])
def test_a_bound_below_1_proves_zero(tmp_path: Path, route: str) -> None:
    layers: Layers = [([[Fraction(2**70)]], [Fraction(1)]), (fractions([[0]]), [Fraction(0)])]
    statistics = Statistics()
    path = write(tmp_path / "a", layers, np.random.default_rng(0).uniform(size=(50, 1)), {})
    assert check(path, route=route, statistics=statistics).status == "accepted"
    assert statistics.routes == {route: 50}


def test_denominators_count_among_the_bits_of_an_output(tmp_path: Path) -> None:
    """`relu(x) - 1` at `x = 1 + M/q`: as an integer over `q` it is `M`, a product of primes."""
    primes = Modular(Network([[[1, 0]], [[1, -1]]], [1]), 1, 0).primes.beyond(500)
    layers: Layers = [(fractions([[1]]), [Fraction(0)]), (fractions([[1]]), [Fraction(-1)])]
    for few in (1, 3, 7):
        points = [[Fraction(1)], [1 + Fraction(math.prod(primes[:few]), 2**400 + 1)]]
        path = write(tmp_path / str(few), layers, points, {})
        expected = kernel_check(path)
        assert expected.findings[0].violation is not None
        assert expected.findings[0].violation.point == 1
        assert check(path, route="residues") == expected


@pytest.mark.parametrize("seed", range(40))
def test_residues_are_those_of_the_exact_outputs(tmp_path: Path, seed: int) -> None:
    """For any activity, possible or not, and weights and points of any length."""
    rng = random.Random(seed)
    bits = rng.choice([3, 30, 60, 61, 130, 700])
    number = lambda: rng.choice([-1, 1]) * rng.getrandbits(bits)  # noqa: E731
    widths = [2, *(rng.randint(0, 4) for _ in range(rng.randint(1, 3)))]
    layers = [
        [[number() for _ in range(n + 1)] for _ in range(m)] for n, m in zip(widths, widths[1:], strict=False)
    ]
    out = [number() for _ in range(widths[-1])]
    net = Network([*layers[:-1], layers[-1] + layers[-1], [[*out, *(-w for w in out), 0]]], [1])
    points = points_of(rng, 2)
    block = Block.read(
        read_certificate(
            str(write(tmp_path / "a", [(fractions([[1, 1]]), [Fraction(0)])], points, {}))
        ).points,
        0,
        len(points),
    )
    places = np.array(sorted(rng.sample(range(len(points)), rng.randint(1, len(points)))))
    signs = [
        np.array([[rng.random() < 0.6 for _ in places] for _ in rows], dtype=bool).reshape(-1, len(places))
        for rows in net.layers[:-1]
    ]
    half = widths[-1]
    signs[-1][half:, ::2] = signs[-1][:half, ::2]  # so that every other output is 0
    modular = Modular(net, 2, rng.choice([0, 1 << 20]))
    residues, prime = Residues(modular), modular.primes.beyond(1)[0]
    below = block.integers(places).denominators
    for _ in range(2):
        zero = residues.vanish(signs, block, places, 1 - block.integers(places).bits)
        for c, i in enumerate(places.tolist()):
            numerators, q = block.row(i)
            q_here = below[c % len(below)]
            a = [x * q_here // q for x in numerators]
            for rows, on in zip(net.layers, [*signs, None], strict=True):
                a = [sum(map(int.__mul__, row, [*a, q_here])) for row in rows]
                a = a if on is None else [x if active else 0 for x, active in zip(a, on[:, c], strict=True)]
            assert zero[c] == (a[0] % prime == 0)
        assert zero[::2].all()


def test_the_moduli_are_primes_and_leave_room_in_53_bits() -> None:
    for columns in (2, 65, 2001, 10**6):
        network = Network([[[0] * columns], [[1, 0]]], [1])
        primes = Modular(network, columns - 1, 0).primes.beyond(200)
        assert len(set(primes)) == len(primes)
        assert math.prod(primes).bit_length() > 200
        for p in primes:
            assert all(p % f for f in range(2, math.isqrt(p) + 1))
            assert columns * (p / 2 + 2) ** 2 <= 2**53 - p
    assert Modular(network, columns - 1, 0).primes.beyond(10**6) == []  # there are not so many


@pytest.mark.parametrize("keep", [0, 300, 1 << 20])
@pytest.mark.parametrize("bits", [1, 15, 16, 63, 700, 16_384, 40_000])
def test_tables_are_the_network_modulo_each_prime(bits: int, keep: int) -> None:
    """Long beside short numbers, whatever is kept; asked for twice, for more, and by two at once."""
    rng = random.Random(bits)
    numbers = [0, 1, -1, 2**bits, -(2**bits), 2**bits - 1, -(2**bits) + 1]
    number = lambda: rng.choice([*numbers, rng.getrandbits(bits), -rng.getrandbits(bits)])  # noqa: E731
    layers = [[[number() for _ in range(n + 1)] for _ in range(m)] for n, m in ((2, 3), (3, 0), (0, 2))]
    modular = Modular(Network(layers, [1, 1]), 2, keep)
    for count in (2, 40):
        primes = modular.primes.beyond(24 * count)
        other = modular.tables(primes)
        tables = dict([next(other)])
        assert sorted(dict(modular.tables(primes))) == sorted(primes)
        tables.update(other)
        assert sorted(tables) == sorted(primes)
        for p, table in tables.items():
            for (weight, bias), rows in zip(table, layers, strict=True):
                residues = np.hstack([weight, bias])
                assert (np.abs(residues) <= p / 2 + 2).all()
                assert (residues.astype(np.int64) % p).tolist() == [[x % p for x in row] for row in rows]


def test_tables_of_weights_whose_residues_add_up_to_the_utmost() -> None:
    """All of the digits that count in one direction are as large as can be."""
    modular = Modular(Network([[[0, 0]]], [1]), 1, 0)
    (prime,) = modular.primes.beyond(1)
    weight = sum(0xFFFF << (16 * k) for k in range(20_000) if 2 * pow(2, 16 * k, prime) < prime)
    ((p, table),) = Modular(Network([[[weight, 1 - weight]]], [1]), 1, 0).tables([prime])
    assert [int(x.item()) % p for x in table[0]] == [weight % p, (1 - weight) % p]


@pytest.mark.parametrize("scale", [1, 2**30 - 1, 10**25])
@pytest.mark.parametrize("divisor", [3, 4, 1024])
def test_residues_see_biases_denominators_and_long_inputs(tmp_path: Path, scale: int, divisor: int) -> None:
    """`relu(3x + 3) - relu(3y + 6)` is no zero function, and 0 where `x = y + 1`."""
    layers: Layers = [
        ([[Fraction(3 * scale), Fraction(0)], [Fraction(0), Fraction(3 * scale)]],
         [Fraction(3 * scale), Fraction(6 * scale)]),
        (fractions([[1, -1]]), [Fraction(0)]),
    ]  # fmt: skip
    far = 2**30 if divisor == 4 else 0  # one limb, and too long for a product without reduction
    y = [far + Fraction(i, divisor) for i in range(500)]
    inline = [[t + 1, t] for t in y]
    exact = np.array([[float(t) + 1, float(t)] for t in y])
    for k, points in enumerate([inline, exact] if divisor != 3 else [inline]):
        path = write(tmp_path / str(k), layers, points, {})
        statistics = Statistics()
        assert check(path, route="residues", statistics=statistics).status == "accepted"
        settled = statistics.routes.get("residues", 0) + statistics.routes.get("floats", 0)
        assert settled == 500
        off = [*inline[:-1], [y[-1] + 1 + Fraction(1, 2**30), y[-1]]]
        path = write(tmp_path / f"off {k}", layers, off, {})
        assert check(path, route="residues") == kernel_check(path)


@pytest.mark.parametrize("seed", range(60))
def test_where_a_layer_cancels_the_outputs_are_zero_whatever_enters_it(seed: int) -> None:
    """Any activity of a layer, and any integers as what enters it."""
    rng = random.Random(seed)
    bits = rng.choice([2, 20, 60, 900])
    number = lambda: rng.choice([0, 1, -1, 2**bits - 1, rng.randint(-(2**bits), 2**bits)])  # noqa: E731
    inputs, classes, outputs = rng.randint(0, 3), rng.randint(1, 3), rng.randint(1, 2)
    rows, columns = [], []
    for _ in range(classes):
        form, weights = [number() for _ in range(inputs)], [rng.choice([1, -1, 3]) for _ in range(outputs)]
        e = number()
        for jump, offset in zip((1, -2, 1), (e, 0, -e), strict=True):  # a tent
            factor = rng.choice([1, 2, -1])
            rows.append([*(factor * 2 * x for x in form), factor * 2 * offset])
            columns.append([2 // factor * w * jump for w in weights])
    for _ in range(rng.randint(0, 2)):
        rows.append([number() for _ in range(inputs + 1)])
        columns.append([number() for _ in range(outputs)])
    last = [[*(column[k] for column in columns), 0] for k in range(outputs)]
    deep = rng.random() < 0.5
    tail = [[[*(1 for _ in last), rng.choice([0, -1])]], [[5, 0]]] if deep else []
    conditions = cancellation(Network([rows, last, *tail], [1] * (1 if deep else outputs))).get(0)
    active = np.array([[rng.random() < 0.5 for _ in rows] for _ in range(40)]).T
    for k in range(20):
        for c in range(classes):
            active[3 * c : 3 * c + 3, k] = rng.random() < 0.5
        active[3 * classes :, k] = False
    if conditions is None:  # all tents are flat, or what is left cancels only if nothing is active
        return
    settled = vanish(conditions, active)
    complete = bits <= 20  # longer conditions may be given up
    assert settled[:20].all() or not complete
    for on, claimed in zip(active.T, settled, strict=True):
        total = [
            [sum(row[j] * rows[j][k] for j in np.flatnonzero(on)) for k in range(inputs + 1)] for row in last
        ]
        parallel = {}
        assert not claimed or not any(map(any, total))
        for j in np.flatnonzero(on):
            common = math.gcd(*rows[j][:-1]) or 1
            key = tuple(x // common for x in rows[j][:-1])
            key = max(key, tuple(-x for x in key))
            parallel.setdefault(key, []).append(j)
        vanishes = not any(
            sum(row[j] * rows[j][k] for j in some)
            for some in parallel.values() for row in last for k in range(inputs + 1)
        )  # fmt: skip
        assert bool(claimed) == vanishes or (not claimed and not complete)


@pytest.mark.parametrize("seed", range(40))
def test_conditions_imply_those_they_stand_for(seed: int) -> None:
    rng = random.Random(seed)
    size, bits = rng.randint(1, 6), rng.choice([2, 40, 500])
    basis = [
        [rng.choice([0, 1, -1, rng.getrandbits(3)]) for _ in range(size)] for _ in range(rng.randint(1, size))
    ]
    table = [
        [sum(w * row[k] for w, row in zip(weights, basis, strict=True)) for k in range(size)]
        for weights in [[rng.getrandbits(bits) for _ in basis] for _ in range(4)]
    ]
    short = _implying(table, size)
    rank = lambda rows: fmpz_mat(rows).rank() if rows else 0  # noqa: E731
    assert rank(short + table) == rank(short)
    assert all(sum(map(abs, row)) < 2**53 for row in short)
    assert rank(short) == (rank(table) if any(map(any, table)) else 0) or bits == 500 or len(basis) > 4


def test_threads_share_the_primes() -> None:
    primes = Modular(Network([[[1, 0]], [[1, 0]]], [1]), 1, 0).primes
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(primes.beyond, [50 * k for k in range(1, 40)] * 4))
    finally:
        sys.setswitchinterval(switch)
    longest = max(found, key=len)
    assert len(set(longest)) == len(longest)
    assert all(some == longest[: len(some)] for some in found)
    assert all(fmpz(p).is_prime() for p in longest)


def test_windows_of_a_dense_network_settle_the_points_outside(tmp_path: Path) -> None:
    """Tents along 7 directions in the plane, with weights of 3,000 bits, and a second hidden layer."""
    rng = random.Random(0)
    rows, offsets, out = [], [], []
    for _ in range(7):
        w = [Fraction(rng.getrandbits(3000), 2**2990) for _ in range(2)]
        for jump, offset in ((1, 1), (-2, 0), (1, -1)):
            rows.append(w)
            offsets.append(Fraction(offset) + 40)
            out.append(Fraction(jump))
    layers: Layers = [(rows, offsets), ([out, out], [Fraction(0)] * 2), (fractions([[1, 1]]), [Fraction(0)])]
    points = np.random.default_rng(0).uniform(0, 9, size=(3000, 2))
    statistics = Statistics()
    path = write(tmp_path / "a", layers, points, {})
    assert check(path, statistics=statistics).status == "accepted"
    assert statistics.routes["cancellation"] == 3000
    assert statistics.undecided > 3000  # the second layer: 0 at every point


@pytest.mark.parametrize("bits", [30, 3000])
def test_a_pattern_of_the_last_layers_settles_points_of_many_patterns(tmp_path: Path, bits: int) -> None:
    """The second hidden layer is active everywhere, and of its three rows one is the sum of the others."""
    rng = random.Random(bits)
    number = lambda: Fraction(rng.choice([-1, 1]) * rng.getrandbits(bits), 2**bits)  # noqa: E731
    first = [[number() for _ in range(9)] for _ in range(40)]
    a, b = ([number() for _ in range(40)] for _ in range(2))
    layers: Layers = [
        (first, [number() for _ in range(40)]),
        ([a, b, [x + y for x, y in zip(a, b, strict=True)]], fractions([[9999, 9999, 2 * 9999]])[0]),
        (fractions([[1, 1, -1]]), [Fraction(0)]),
    ]
    points = np.random.default_rng(0).normal(size=(2000, 9))
    statistics = Statistics()
    assert check(write(tmp_path / "a", layers, points, {}), statistics=statistics).status == "accepted"
    assert statistics.routes["patterns"] >= 1990
    layers[1][1][0] += 1
    verdict = check(write(tmp_path / "b", layers, points, {}))
    assert verdict == kernel_check(tmp_path / "b")
    assert verdict.status == "rejected"


@pytest.mark.parametrize("seed", range(60))
def test_a_pattern_vanishes_if_and_only_if_its_affine_function_does(seed: int) -> None:
    """From any layer on, against the outputs for independent inputs."""
    rng = random.Random(seed)
    widths = [rng.randint(1, 3), *(rng.randint(0, 3) for _ in range(rng.randint(1, 3)))]
    layers = [
        [[rng.choice([0, 0, 1, -2]) for _ in range(n + 1)] for _ in range(m)]
        for n, m in zip(widths, widths[1:], strict=False)
    ]
    layers.append([[rng.choice([0, 1, -1]) for _ in range(widths[-1])] + [rng.choice([0, 0, 1])]])
    dense = Dense.of(Network(layers, [1]), widths[0])
    depth = rng.randrange(len(dense.layers) - 1)
    hidden = dense.network.layers[depth:-1]
    signs = [np.array([[rng.random() < 0.5] for _ in rows], dtype=bool).reshape(-1, 1) for rows in hidden]
    inputs = dense.layers[depth].weight.shape[1]
    zero = True
    for k in range(inputs + 1):  # the origin and the unit vectors: they tell affine functions apart
        a = [int(i == k) for i in range(inputs)]
        for rows, on in zip(hidden, signs, strict=True):
            z = [sum(map(int.__mul__, row, [*a, 1])) for row in rows]
            a = [x if active else 0 for x, active in zip(z, on[:, 0], strict=True)]
        zero &= sum(map(int.__mul__, dense.network.layers[-1][0], [*a, 1])) == 0
    dense.route = "patterns"
    assert dense._patterns_vanish(depth, signs).tolist() == [zero]


@pytest.mark.parametrize("seed", range(20))
def test_exact_networks_agree_with_the_kernel(seed: int) -> None:
    rng = random.Random(seed)
    widths = [3, *(rng.choice([0, 1, 4]) for _ in range(rng.randint(0, 3))), 2]
    layers = [
        [[int(entry(rng, "30 bits")) * rng.choice([0, 1]) for _ in range(n + 1)] for _ in range(m)]
        for n, m in zip(widths, widths[1:], strict=False)
    ]
    net = Network(layers, [3, 5])
    points = [([rng.randint(-9, 9) for _ in range(3)], rng.randint(1, 9)) for _ in range(5)]
    for point, (values, below) in zip(points, ExactNetwork(net)(points), strict=True):
        assert values == net(point)
        assert below == [q * point[1] for q in net.denominators]


@pytest.mark.parametrize("steep", [0, 60, 200, 499, 600])
@pytest.mark.parametrize("seed", range(4))
def test_the_table_of_zeros_settles_no_point_outside(steep: int, seed: int) -> None:
    """Ends of pieces next to the exact projections, subnormal inputs, very long directions."""
    rng = np.random.default_rng([steep, seed])
    direction = [int(u) << steep for u in rng.integers(-9, 10, size=3)]
    direction[0] += 1
    x = rng.normal(size=(200, 3)) * 2.0 ** rng.choice([-1074, -1060, -500, 0, 3], size=(200, 1))
    exact = [sum(u * Fraction(v) for u, v in zip(direction, row, strict=True)) for row in x.tolist()]
    some = sorted(
        {
            exact[i] + Fraction(d) * abs(exact[i]) / 2**53
            for i, d in enumerate(rng.integers(-2, 3, 200).tolist())
        }
    )
    bounds = [fmpq(t.numerator, t.denominator) for t in some]
    zero, one = (fmpq(0), fmpq(0)), (fmpq(0), fmpq(1))
    flags = (rng.random(len(bounds) + 1) < 0.6).tolist()
    line = Pieces(direction, bounds, [[zero if flag else one] for flag in flags])
    settled = ZeroTable.of(line).settled(x.T.copy(), True)
    for t, claimed in zip(exact, settled, strict=True):
        assert not claimed or line(fmpq(t.numerator, t.denominator)) == [0]
    far = ZeroTable.of(Pieces([1, 0, 0], [fmpq(-9), fmpq(9)], [[one], [zero], [one]]))
    assert far.settled(np.linspace(-8.9, 8.9, 50)[None, :] * [[1.0], [0.0], [0.0]], True).all()


def gradients_and_offsets(layers: list[list[list[int]]], inputs: int, active: list[int]) -> list[list[int]]:
    """One row for each output, for these active neurons of the hidden layers."""
    a, bits = [[int(i == k) for k in range(inputs + 1)] for i in range(inputs + 1)], iter(active)
    for depth, rows in enumerate(layers):
        z = [[sum(w * a[j][k] for j, w in enumerate(row)) for k in range(inputs + 1)] for row in rows]
        if depth < len(layers) - 1:
            z = [[on * x for x in row] for row, on in zip(z, bits, strict=False)]
        a = [*z, [0] * inputs + [1]]
    return a[:-1]


def longest_gradient_or_offset(layers: list[list[list[int]]], inputs: int) -> int:
    """Its absolute value, over all patterns of active neurons."""
    patterns = itertools.product((0, 1), repeat=sum(map(len, layers[:-1])))
    rows = (row for active in patterns for row in gradients_and_offsets(layers, inputs, list(active)))
    return max(abs(x) for row in rows for x in row)


@pytest.mark.parametrize("seed", range(20))
def test_gradients_and_offsets_vanish_where_they_do(seed: int) -> None:
    """For any activity, possible or not; neurons in pairs that cancel where both are active or none is."""
    rng = random.Random(seed)
    bits, outputs = rng.choice([3, 30, 200]), rng.randint(1, 3)
    number = lambda: rng.choice([-1, 1]) * rng.getrandbits(bits)  # noqa: E731
    first, half = ([[number() for _ in range(3)] for _ in range(2)] for _ in range(2))
    out = [[number(), number()] for _ in range(outputs)]
    layers = [first, half + half, [[*row, *(-w for w in row), 0] for row in out]]
    dense = Dense.of(Network(layers, [1] * outputs), 2, "gradients", rng.choice([0, 1 << 20]))
    active = np.array([[rng.random() < 0.7 for _ in range(6)] for _ in range(50)]).T
    active[4:, ::3] = active[2:4, ::3]
    zero = dense.gradients.vanish([active[:2], active[2:]])
    for on, claimed in zip(active.T.tolist(), zero, strict=True):
        assert claimed == (not any(map(any, gradients_and_offsets(layers, 2, on))))


@pytest.mark.parametrize("seed", range(20))
def test_no_gradient_or_offset_is_longer_than_its_bound(seed: int) -> None:
    rng = random.Random(seed)
    widths = [rng.randint(1, 3) for _ in range(rng.randint(3, 5))]
    size = 2 ** rng.choice([1, 10, 70])
    layers = [
        [[rng.randint(-size, size) for _ in range(n + 1)] for _ in range(m)]
        for n, m in zip(widths, widths[1:], strict=False)
    ]
    dense = Dense.of(Network(layers, [1] * widths[-1]), widths[0])
    assert longest_gradient_or_offset(layers, widths[0]) < 2**dense.gradients.bits


def test_nor_where_tiny_weights_meet_huge_ones_of_either_sign() -> None:
    """One neuron, two outputs: whichever of the numbers is the only long one."""
    huge = 2**600
    hidden = itertools.product((0, 1, -1, huge, -huge), repeat=2)
    outputs = itertools.product((0, -1, huge), repeat=4)
    for (w, b), (v0, c0, v1, c1) in itertools.product(hidden, outputs):
        layers = [[[w, b]], [[v0, c0], [v1, c1]]]
        dense = Dense.of(Network(layers, [1, 1]), 1)
        assert longest_gradient_or_offset(layers, 1) < 2 ** max(0, dense.gradients.bits), layers
