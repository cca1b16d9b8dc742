"""From a problem to the smallest network that the theorems give for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from constructions.bounds import crossing_width, least_width, two_layer_exact
from constructions.direction import best_projection
from constructions.folding import Limits, NumbersTooLongError
from constructions.four_layer import band_crossing, sign_lift
from constructions.general_position import general_position, general_position_lift
from constructions.line import LineProblem, to_line
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem
from constructions.three_layer import grid, three_layer_memorizer
from constructions.two_layer import fewest_breakpoints, least_breakpoints, memorizer, tents

__all__ = ["BIT_LIMIT", "CONSTRUCTIONS", "SPATIAL", "Construction", "Solution", "build"]

BIT_LIMIT = 4096
"""Restarts are added when a reduced numerator or denominator would be longer than this."""

_WRITTEN = 2**16
_ALL_WRITTEN = 2**28
"""And when an integer, over the common denominator of its row, would be longer than a certificate may
hold, or `N` of them longer than a file should be: more than 2^16 bits, or `2^28 / N`."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Construction:
    """A theorem as a builder: its depth, its width on a given line problem (a lower bound of it
    where only building tells), and the function that makes the network of one input. `whole`
    says that it needs a line that is not thinned."""

    depth: int
    width: Callable[[LineProblem, int | None], int]
    make: Callable[[LineProblem, int | None, Limits | None], ReLUNetwork]
    restarts: bool = True
    dyadic: bool = True
    whole: bool = False


def _cost(line: LineProblem) -> int:
    return 3 if line.one_sign else 4


def _make_grid(line: LineProblem, every: int | None, limits: Limits | None) -> ReLUNetwork:
    columns = least_width(len(line.edits), _cost(line), every)[1]
    return grid(line, columns, every, limits)


def _make_three_memorizer(line: LineProblem, every: int | None, limits: Limits | None) -> ReLUNetwork:
    columns = crossing_width(line.count, every)[1]
    return three_layer_memorizer(line, columns, every, limits)


def _make_crossing(line: LineProblem, every: int | None, limits: Limits | None) -> ReLUNetwork:
    return band_crossing(line, crossing_width(len(line.edits), every)[1], every, limits)


def _make_sign_lift(line: LineProblem, every: int | None, limits: Limits | None) -> ReLUNetwork:
    return sign_lift(line, least_width(len(line.edits), 3, every)[1], every, limits)


CONSTRUCTIONS: dict[str, Construction] = {
    "fewest-breakpoints": Construction(
        2, lambda line, _: least_breakpoints(line), lambda line, *_: fewest_breakpoints(line), False, False
    ),
    "tents": Construction(2, lambda line, _: 3 * len(line.edits), lambda line, *_: tents(line), False),
    "memorizer": Construction(
        2, lambda line, _: least_breakpoints(line), lambda line, *_: memorizer(line), False, False, True
    ),
    "grid": Construction(3, lambda line, s: least_width(len(line.edits), _cost(line), s)[0], _make_grid),
    "three-layer-memorizer": Construction(
        3, lambda line, s: crossing_width(line.count, s)[0], _make_three_memorizer, whole=True
    ),
    "band-crossing": Construction(
        4, lambda line, s: crossing_width(len(line.edits), s)[0] + _cost(line), _make_crossing
    ),
    "sign-lift": Construction(4, lambda line, s: least_width(len(line.edits), 3, s)[0] + 2, _make_sign_lift),
}
"""Every construction by name. Shallower ones serve greater depths with one neuron a layer."""


SPATIAL: dict[str, tuple[int, Callable[[FineTuningProblem], ReLUNetwork]]] = {
    "general-position": (2, general_position),
    "general-position-lift": (3, general_position_lift),
}
"""Constructions that see the points in `R^d`, and no line: the depth, and the function that makes the
network. Their sizes depend on the points, so that they are built when they are asked for by name."""


@dataclass(frozen=True)
class Solution:
    """A network that solves `problem`, and how it was made.

    `bound` is the width formula that the network keeps, as a certificate states it (or None, if a
    construction was asked for that is wider); `restart_every` is the restart distance that was used
    (None: no restarts); `plain_neurons` is the width that would do with numbers of any length; the
    network is a function of the inputs along `direction`, if there is one.
    """

    problem: FineTuningProblem
    network: ReLUNetwork
    direction: tuple[int, ...] | None
    construction: str
    restart_every: int | None
    plain_neurons: int
    bound: dict[str, Any] | None
    seed: int


def build(
    problem: FineTuningProblem,
    layers: int | Literal["auto"] = "auto",
    *,
    construction: str | None = None,
    numbers: Literal["fewest", "moderate"] = "fewest",
    restart_every: int | None = None,
    seed: int = 0,
    bit_limit: int = BIT_LIMIT,
    progress: Progress = lambda step: None,
) -> Solution:
    """The smallest network of the given depth (2 or more; `auto`: of any depth) for `problem`.

    Widths: two layers at most `min(3N, K-2)` (`K >= 5`), three at most
    `min(min_r ceil(N/r) + 4r, ceil(2 sqrt K))`, four at most `ceil(2 sqrt N) + 4`, and one more
    for every further layer, as long as no weight's reduced numerator or denominator passes
    `bit_limit` bits, and no integer in the file about `2^28 / N`; beyond that, restarts are added
    (two layers have none: their numbers are short anyway). `numbers="moderate"` takes the dyadic
    variants (a restart in every gap); `restart_every` sets the restarts by hand.

    Named constructions that need no line, `general-position` and `general-position-lift`, are never
    chosen by themselves.

    Raises:
        ValueError: an unknown construction, or one that needs more layers or cannot do what is
            asked.

    >>> problem = FineTuningProblem([[i] for i in range(500)], edits={4 * i: i for i in range(1, 101)})
    >>> [build(problem, depth).network.neurons for depth in (2, 3, 4)]
    [300, 35, 23]
    >>> net = build(problem).network
    >>> net([[8], [9]]) == [2, 0]
    True
    """
    _refuse(layers, construction, numbers, restart_every)
    if construction in SPATIAL:
        depth, make = SPATIAL[construction]
        progress(f"building {construction}")
        floor = -min([Fraction(0), *problem.delta.values()])
        network = make(problem).deepened(depth if layers == "auto" else layers, floor)
        return Solution(problem, network, None, construction, None, network.neurons, None, seed)
    chosen = _choose(layers, construction, numbers, restart_every)
    progress("choosing a direction")
    projection = best_projection(problem, seed)
    direction, line = projection.direction, to_line(problem, projection, thin=True)
    if not problem.delta:
        network = ReLUNetwork.constant(line.largest, 2 if layers == "auto" else layers, problem.d)
        return Solution(problem, network, direction, "nothing-to-do", None, 0, None, seed)
    every = 1 if numbers == "moderate" else restart_every
    limits = Limits(bit_limit, min(_WRITTEN, _ALL_WRITTEN // problem.N))
    floor = -min([Fraction(0), *problem.delta.values()])
    extra = {name: 0 if layers == "auto" else layers - c.depth for name, c in chosen.items()}
    widths = sorted((c.width(line, every) + extra[name], name) for name, c in chosen.items())
    best: tuple[ReLUNetwork, str, int | None] | None = None
    for width, name in widths:
        if best is not None and width >= best[0].neurons:
            break
        progress(f"building {name}")
        full = to_line(problem, projection) if chosen[name].whole else line
        network, used = _make(chosen[name], full, every, limits)
        network = network.deepened(network.depth + extra[name], floor)
        if best is None or network.neurons < best[0].neurons:
            best = (network, name, used)
    if best is None:
        raise ValueError(f"no construction has at most {layers} layers")
    network, name, used = best
    plain = [c.width(line, None) + extra[n] for n, c in chosen.items() if c.restarts]
    plain_neurons = min([network.neurons, *plain])
    bound = _bound(problem, network, name, numbers)
    return Solution(problem, network.along(direction), direction, name, used, plain_neurons, bound, seed)


def _refuse(layers: int | str, construction: str | None, numbers: str, restart_every: int | None) -> None:
    """Arguments that nothing can do, or not a construction without a line."""
    if layers != "auto" and (type(layers) is not int or layers < 2):
        raise ValueError(f"layers is {layers!r}: expected an integer from 2, or 'auto'")
    if numbers not in ("fewest", "moderate"):
        raise ValueError(f"numbers is {numbers!r}: expected 'fewest' or 'moderate'")
    if restart_every is not None and restart_every < 1:
        raise ValueError(f"restart_every is {restart_every}: expected a positive integer")
    if restart_every is not None and numbers == "moderate":
        raise ValueError("moderate numbers need a restart in every gap: leave restart_every out")
    if construction is not None and construction not in {**CONSTRUCTIONS, **SPATIAL}:
        names = ", ".join({**CONSTRUCTIONS, **SPATIAL})
        raise ValueError(f"unknown construction {construction!r}: expected one of {names}")
    if construction not in SPATIAL:
        return
    depth, _ = SPATIAL[construction]
    if layers != "auto" and int(layers) < depth:
        raise ValueError(f"construction {construction} has {depth} layers, more than {layers}")
    if numbers == "moderate":
        raise ValueError(f"construction {construction} has no dyadic variant")
    if restart_every is not None:
        raise ValueError(f"construction {construction} has no restarts: it needs no line")


def _choose(
    layers: int | str, construction: str | None, numbers: str, restart_every: int | None
) -> dict[str, Construction]:
    """The constructions that can do what is asked, by name."""
    chosen = {name: c for name, c in CONSTRUCTIONS.items() if construction in (None, name)}
    what = f"construction {construction}" if construction else f"a network of {layers} layers"
    if layers != "auto":
        depth = min(c.depth for c in chosen.values())
        chosen = {name: c for name, c in chosen.items() if c.depth <= int(layers)}
        if not chosen:
            raise ValueError(f"{what} has {depth} layers, more than {layers}")
    if numbers == "moderate":
        chosen = {name: c for name, c in chosen.items() if c.dyadic}
        if not chosen:
            raise ValueError(f"{what} has no dyadic variant")
    if restart_every is not None:
        chosen = {name: c for name, c in chosen.items() if c.restarts}
        if not chosen:
            raise ValueError(f"{what} has no restarts: restart_every is for three layers or more")
    return chosen


def _make(
    construction: Construction, line: LineProblem, every: int | None, limits: Limits
) -> tuple[ReLUNetwork, int | None]:
    """The network and its restart distance: the largest one found that keeps the numbers short,
    None if no gap was restarted."""
    if not construction.restarts:
        return construction.make(line, None, None), None
    if every is not None:
        return construction.make(line, every, None), every

    def short(s: int | None) -> ReLUNetwork | None:
        try:
            network = construction.make(line, s, limits)
        except NumbersTooLongError:
            return None
        fits = network.written_bits <= limits.written and network.bits <= limits.reduced
        return network if fits else None

    network = short(None)
    if network is not None:
        return network, None
    good, best, bad = 1, short(1), line.count
    if best is None:  # long already without any chain: restarts shorten what they can
        return construction.make(line, 1, None), 1
    plain = construction.width(line, None)
    while bad - good > 1 and construction.width(line, bad - 1) < best.neurons:
        middle = min((good + bad) // 2, 2 * good)  # a chain that is too long costs most
        # a distance that saves every restart is no restart at all, and that was too long
        longer = short(middle) if construction.width(line, middle) > plain else None
        if longer is None:
            bad = middle
        else:
            good, best = middle, longer
    return best, good if best.neurons > plain else None


def _bound(
    problem: FineTuningProblem, network: ReLUNetwork, name: str, numbers: str
) -> dict[str, Any] | None:
    """The named width formula of the certificate format that this network keeps, if any: without
    restarts if possible, else with as few as possible."""
    depth, n, k = network.depth, problem.N, problem.K
    cost, beyond = 3 if problem.one_sign else 4, depth - 4
    if depth == 2:
        return {"name": "two-layer"} if network.neurons <= two_layer_exact(n, k) else None
    if numbers == "moderate" and depth > 3 and name != "sign-lift":
        return {"name": "four-layer-moderate"}
    formulas: dict[str, Callable[[int | None], int]] = {
        "three-layer": lambda s: min(least_width(n, cost, s)[0], crossing_width(k, s)[0]),
        "four-layer": lambda s: crossing_width(n, s)[0] + cost + beyond,
        "sign-lift": lambda s: least_width(n, 3, s)[0] + 2 + beyond,
    }
    formula = "three-layer" if depth == 3 else "sign-lift" if name == "sign-lift" else "four-layer"
    if network.neurons <= formulas[formula](None):
        return {"name": formula}
    keeps, fails = 0, k  # the value falls with s; a restart every k gaps is none
    while fails - keeps > 1:
        s = (keeps + fails) // 2
        if network.neurons <= formulas[formula](s):
            keeps = s
        else:
            fails = s
    return {"name": formula, "restart_every": keeps} if keeps else None
