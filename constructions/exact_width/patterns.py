"""The worst patterns of changes on a line, each with its exact least width of two layers."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from constructions.build import build
from constructions.exact_width.width import least_width
from constructions.obstruction import windows
from constructions.problem import FineTuningProblem

__all__ = ["Worst", "worst_patterns"]


class Worst(NamedTuple):
    """The largest least width of `patterns` patterns, and the first pattern that has it."""

    width: int
    changes: tuple[int, ...]
    patterns: int


def worst_patterns(
    points: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[int, Worst]:
    """For each number of edits `N` from 1 to `K`: the worst of all patterns of changes -1, 0, 1 at the points
    `0, 1, .., K-1`, up to reflection and sign.

    The least width of a pattern is decided where it could be larger than what was found before: where the
    best construction is. By THEORY the answer is `min(3N, K-2)` for `K >= 5` [`bounds.two_layer_exact`].

    >>> {n: worst.width for n, worst in worst_patterns(5).items()}
    {1: 3, 2: 3, 3: 3, 4: 3, 5: 3}
    """
    by_edits: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for changes in itertools.product((1, 0, -1), repeat=points):
        mirror, negative = changes[::-1], tuple(-x for x in changes)
        if any(changes) and changes == max(changes, mirror, negative, negative[::-1]):
            by_edits[sum(map(abs, changes))].append(changes)
    places = [Fraction(i) for i in range(points)]
    done, total = 0, sum(map(len, by_edits.values()))
    out: dict[int, Worst] = {}
    for edits, patterns in sorted(by_edits.items()):
        worst = Worst(-1, (), len(patterns))
        # those with many windows first: what is left then has constructions that are no wider
        patterns.sort(key=lambda changes: -len(windows(places, [Fraction(x) for x in changes])))
        for changes in patterns:
            problem = FineTuningProblem([[i] for i in range(points)], edits=dict(enumerate(changes)))
            if build(problem, 2).network.neurons > worst.width:
                width = least_width(problem)
                if width.lower != width.upper:
                    raise RuntimeError(f"the width of {changes} is not decided: {width.open}")
                if width.lower > worst.width:
                    worst = Worst(width.lower, changes, len(patterns))
            done += 1
            progress(done, total)
        out[edits] = worst
    return out
