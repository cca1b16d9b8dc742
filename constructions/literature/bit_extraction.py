"""About `8 sqrt(N log)` weights for `N` edits with few different changes: deep, by bit extraction.

The idea is that of [Park2021] and [Vardi2022]: a number holds what a whole group of points needs, and deep
layers read it bit by bit. Bits are read here by the tent map, whose layers are all alike.
"""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

from flint import fmpq

from constructions.direction import relative_gap
from constructions.line import dyadic_pair, to_line
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem

__all__ = ["bounds", "memorize", "size"]

Affine = tuple[dict[str, fmpq | int], fmpq | int]
"""Factors of named neurons of the layer before, and a bias."""

_TRIES, _MOST_TRIES = 8, 1000


def memorize(problem: FineTuningProblem, ratio: int) -> ReLUNetwork:
    """Changes of `C` different values at `N` of `K` points, no distance above `ratio` times another.

    *Place.* One neuron maps a point to its place `y` in `[0, 2]` along a direction. Cut `[0, 2]` into `2^rho`
    cells: an edited place is at least three cells away from every other one (`_direction`).

    *Word.* The edits, from left to right, stand in groups of `r`. A step function, two neurons in the
    data-free gap before a group, gives all points there the word `w` of their group, a number in `[0, 2]`.

    *Reading.* The tent map `T(w) = 2w - 4 relu(w - 1)` folds `[0, 2]` in two. `T^m` maps each of `2^m`
    cells onto `[0, 2]`, the even ones (from 0) rising. Entry by entry, the word lies in the cell `2c` of
    `2^lambda`, for the class `c = 1..C` of the edit, and then, after `lambda` tents, in its cell of place
    among `2^rho`; `rho` tents more, and the next entry begins. Each `w` has a preimage in each cell: so
    words are made from the end.

    *Testing.* After the tents for the class, `2^(lambda-1) w_before - w = 2c`, for the cell is even. In
    cells, the place and `w` are at most 1 apart at the own point, and at least 2 everywhere else, so with
    `E = max(0, |y - w| - 1)` the neuron `relu(2c - 2C E)` is `2c` at the own point and 0 at all others.
    Twice this is added to `y`, which ends in `[4c, 4c + 2]` (and then passes no more tests) or stays in
    `[0, 2]`.

    *Output.* A staircase of `C` steps between these intervals takes the wanted values.

    Size: see `size` and `bounds`. Numbers: beside those of the data and of `u`, at most about
    `r (lambda + rho) + 2 rho` bits. The integers of the deep layers are at most `2^(rho + 1)`.

    Raises:
        ValueError: no direction is found in 1000 tries: the distances must differ by a factor above `ratio`.

    >>> points = [[i] for i in range(40)]
    >>> problem = FineTuningProblem(points, edits={i: i % 3 - 5 for i in range(3, 40, 2)})
    >>> net = memorize(problem, ratio=39)
    >>> net.depth, net.neurons, net(points) == [problem.delta.get(i, 0) for i in range(40)]
    (9, 61, True)
    """
    if not problem.delta:
        return ReLUNetwork.constant(fmpq(0), 2, problem.d)
    direction, rho = _direction(problem, ratio)
    line = to_line(problem, direction)
    first, last = line.positions[0], line.positions[-1]
    scale = 2 / (last - first) if last > first else fmpq(1)
    y = [scale * (t - first) for t in line.positions]
    heights = sorted({line.values[i] for i in line.edits})
    classes = len(heights)
    r = _best(len(line.edits), classes, rho)
    groups = [line.edits[k : k + r] for k in range(0, len(line.edits), r)]
    words = [
        _word([(y[i], heights.index(line.values[i]) + 1) for i in group], classes, rho) for group in groups
    ]

    places: dict[str, Affine] = {"y": ({"y": 1}, 0)}
    steps: dict[str, fmpq | int] = {}
    for k, group in enumerate(groups[1:], start=1):
        low, high = dyadic_pair(y[group[0] - 1], y[group[0]])
        places |= {f"low{k}": ({"y": 1}, -low), f"high{k}": ({"y": 1}, -high)}
        slope = (words[k] - words[k - 1]) / (high - low)
        steps |= {f"low{k}": slope, f"high{k}": -slope}
    readers = _readers((steps, words[0]), r, classes, rho)
    stairs = readers[-1]
    output: dict[str, fmpq | int] = {}
    for c, (before, height) in enumerate(itertools.pairwise([fmpq(0), *heights]), start=1):
        output |= {f"low{c}": (height - before) / 2, f"high{c}": (before - height) / 2}
    layers = [_matrix(["t"], {"y": ({"t": scale}, -scale * first)}), _matrix(["y"], places)]
    layers += [_matrix(list(below), layer) for below, layer in itertools.pairwise([places, *readers])]
    layers.append(_matrix(list(stairs), {"g": (output, 0)}))
    return ReLUNetwork.of(layers, inputs=1).along(direction)


def _readers(word: Affine, r: int, classes: int, rho: int) -> list[dict[str, Affine]]:
    """The layers that read words of `r` entries, and the stairs: neurons by name. `w` is the rest of the word
    and `over` is `relu(w - 1)`."""
    label, cells = (2 * classes).bit_length(), 1 << rho
    tests = range(label, r * (label + rho), label + rho)
    layers: list[dict[str, Affine]] = [{"y": ({"y": 1}, 0)} for _ in range(tests[-1] + 3)]
    for layer in layers[: tests[-1]]:
        layer |= {"w": word, "over": (word[0], word[1] - 1)}
        word = {"w": 2, "over": -4}, 0
    for test in tests:
        for i in range(test - label + 1, test):
            layers[i]["before"] = ({"w" if i == test - label + 1 else "before": 1}, 0)
        apart: dict[str, fmpq | int] = {"y": fmpq(cells, 2), "w": -cells, "over": 2 * cells}
        layers[test] |= {
            "class": ({"before": 1 << (label - 1), "w": -1, "over": 2}, 0),
            "right": (apart, -1),
            "left": ({name: -factor for name, factor in apart.items()}, -1),
        }
        layers[test + 1]["hit"] = ({"class": 1, "right": -2 * classes, "left": -2 * classes}, 0)
        layers[test + 2]["y"] = ({"y": 1, "hit": 2}, 0)
    ended, _ = layers[-1].pop("y")
    for c in range(1, classes + 1):
        layers[-1] |= {f"low{c}": (ended, 2 - 4 * c), f"high{c}": (ended, -4 * c)}
    return layers


def size(n: int, d: int, classes: int, rho: int, r: int) -> tuple[int, int, int]:
    """Neurons, weights and layers for `n` edits in groups of `r`, at most; exact but for weights that happen
    to be 0.

    >>> size(19, 1, 3, 7, 1)
    (61, 118, 9)
    """
    groups, label = -(-n // r), (2 * classes).bit_length()
    tents = r * label + (r - 1) * rho
    neurons = 2 * groups + 3 * tents + r * (label + 3) + 2 * classes + 2
    weights = d + 4 * groups + 4 * tents + r * (label + 14) + 4 * classes
    return neurons, weights, tents + 6


def _best(n: int, classes: int, rho: int) -> int:
    return min(range(1, n + 1), key=lambda r: size(n, 1, classes, rho, r)[1])


def bounds(classes: int, ratio: int) -> tuple[str, str]:
    """Formulas in `N`, `K`, `d` for the neurons and the weights of `memorize`, for fewer than 2^29 classes.

    Of a vector `v` in `R^d` and a random unit vector `u`, `P(|u.v| <= e |v|) <= e sqrt(2d/pi)`. At most `N
    (2K - N - 1) / 2` pairs have an edited point, so with probability at least 1/2 the projections span at
    most `ratio N (2K - N - 1) sqrt(2d/pi)` times the least gap around an edit. Three cells a gap are

        rho = ceil(log2(2.4 ratio N (2K - N) sqrt d))

    for `sqrt(2/pi) < 0.8`. (The bound must allow for all pairs to be as close as the closest ones; among
    random points `rho` is some bits less.)

    With `lambda = ceil(log2(2C + 1))` and `A = 5 lambda + 14 + 4 rho` the weights of `size` are at most
    `d + 4C - 4 rho + 4 + 4(N-1)/r + A r`. Over the integers `r >= 1` the least `a/r + A r` is at most
    `S = sqrt(A^2 + 4aA)`: as a function of `a` it is linear between the places `a = A r (r+1)`, where it is
    equal to `S`, and `S` is concave. So

        weights <= d + 4C + 4 - 4 rho + S,    S = sqrt(A (A + 16 (N-1))).

    The best `r` has `r (r-1) <= a/A`, so `2 A r <= A + S`; the neurons are half the weights that do not
    depend on `d`, plus `2 - rho + (rho + 3 lambda/2 - 4) r`, and the factor of `r` is at most `A/4`. So

        neurons <= 2C + 4 + (5 lambda + 14)/8 + 5 (S - 4 rho)/8.

    Both grow with `rho`: `dS/drho = 4 (A + 2a)/S >= 4`. The layers are `r lambda + (r-1) rho + 6`.

    >>> from constructions.size_formula import SizeFormula
    >>> [SizeFormula.parse(text).floor(1000, 1000, 10) for text in bounds(7, 1000)]
    [963, 1547]
    """
    label = (2 * classes).bit_length()
    rho = f"ceil(log2({Fraction(12 * ratio, 5)}*max(N, 1)*(2*K - N)*sqrt(d)))"
    a = f"({5 * label + 14} + 4*{rho})"
    root = f"sqrt({a}*({a} + 16*max(N - 1, 0)))"
    fixed = 2 * classes + 4 + Fraction(5 * label + 14, 8)
    return f"{fixed} + 5*({root} - 4*{rho})/8", f"d + {4 * classes + 4} - 4*{rho} + {root}"


def _direction(problem: FineTuningProblem, ratio: int) -> tuple[tuple[int, ...], int]:
    """An integer vector and the least `rho` that goes with it, at most as large as `bounds` says: the best of
    eight with that property, or the first. Good vectors are an open set with at least half of all directions;
    entries get longer with every try."""
    n, k, d = problem.N, problem.K, problem.d
    square = (Fraction(12 * ratio, 5) * n * (2 * k - n)) ** 2 * d
    allowed = max(1, next(rho for rho in itertools.count() if 4**rho >= square))
    rng, best = random.Random(0), None
    for tries in range(_MOST_TRIES):
        if best is not None and (tries >= _TRIES or d == 1) and best[0] <= allowed:
            break
        u = (1,) if d == 1 else tuple(round(rng.gauss() * (1 << 16 + tries)) for _ in range(d))
        gap = relative_gap(problem, u)
        if gap > 0:
            rho = max(1, (-(-3 * gap.denominator // gap.numerator) - 1).bit_length())
            best = min(best or (rho, u), (rho, u))
        elif d == 1:
            break
    if best is None or best[0] > allowed:
        raise ValueError(f"no direction found: do distances differ by a factor above {ratio}?")
    return best[1], best[0]


def _word(entries: list[tuple[fmpq, int]], classes: int, rho: int) -> fmpq:
    """The number whose tents pass the cells of these places and classes."""
    w, label = fmpq(0), (2 * classes).bit_length()
    for place, c in reversed(entries):
        cell = min(int((place * (1 << rho) / 2).floor()), (1 << rho) - 1)
        w = (2 * cell + (2 - w if cell % 2 else w)) / (1 << rho)
        w = (4 * c + w) / (1 << label)
    return w


def _matrix(before: list[str], layer: dict[str, Affine]) -> tuple[list[list[fmpq]], list[fmpq]]:
    rows = [[fmpq(row.get(name, 0)) for name in before] for row, _ in layer.values()]
    return rows, [fmpq(bias) for _, bias in layer.values()]
