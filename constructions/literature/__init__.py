"""Published constructions, and this project's own, as claims that can be put on trial.

Each is exact and written from the mathematics: the papers were not at hand, and where a published statement
leaves a constant or a case open, the module says what was chosen. `source` names where a claim is from; those
of this project are proven in its modules. `inoue2019` is Inoue's statement with this project's construction.
"""

from __future__ import annotations

from collections.abc import Callable

from flint import fmpq

from constructions.build import CONSTRUCTIONS
from constructions.direction import best_projection
from constructions.line import to_line
from constructions.literature import bit_extraction, bubeck, huang, inoue, yun, zhang
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem
from constructions.size_claim import (
    ALL_EDITED,
    DISTINCT,
    GENERAL_POSITION,
    ONE_SIGN,
    SizeClaim,
    few_values,
    separation,
)

__all__ = ["CLAIMS"]

OURS = "this project"
ALL = (DISTINCT, ALL_EDITED)
CLASSES, RATIO = 7, 1000  # what is asked for bit extraction: any other numbers would do


def _by_bits(problem: FineTuningProblem) -> ReLUNetwork:
    return bit_extraction.memorize(problem, RATIO)


_NEURONS, _WEIGHTS = bit_extraction.bounds(CLASSES, RATIO)
_BIT_CLAIM = _NEURONS, None, (few_values(CLASSES), separation(RATIO)), _WEIGHTS


def _ours(name: str) -> Callable[[FineTuningProblem], ReLUNetwork]:
    """A construction of this project, with numbers of any length."""

    def construct(problem: FineTuningProblem) -> ReLUNetwork:
        if not problem.delta:
            return ReLUNetwork.constant(fmpq(0), CONSTRUCTIONS[name].depth, problem.d)
        projection = best_projection(problem)
        network = CONSTRUCTIONS[name].make(to_line(problem, projection), None, None)
        return network.along(projection.direction)

    return construct


CLAIMS: dict[str, SizeClaim] = {
    claim.name: claim
    for claim in (
        SizeClaim("zhang2017", "Zhang2017", zhang.memorize, "N", 2, ALL, "2*N + d"),
        SizeClaim("bubeck2020", "Bubeck2020", bubeck.slabs, "4*ceil(N/d)", 2, (GENERAL_POSITION,)),
        SizeClaim("huang2003", "Huang2003", huang.memorize, "2*sqrt(3*N) + 1", 3, ALL),
        SizeClaim("yun2019", "Yun2019", yun.best_widths, "2*ceil(2*sqrt(N))", 3, ALL),
        SizeClaim("inoue2019", "Inoue2019", inoue.best_widths, "ceil(2*sqrt(N))", 3, ALL),
        SizeClaim("bit-extraction", "Vardi2022", _by_bits, *_BIT_CLAIM),
        SizeClaim("tents", OURS, _ours("tents"), "3*N", 2),
        SizeClaim("memorizer", OURS, _ours("memorizer"), "max(3, K - 2)", 2),
        SizeClaim("grid", OURS, _ours("grid"), "4*sqrt(N) + 1", 3),
        SizeClaim("three-layer-memorizer", OURS, _ours("three-layer-memorizer"), "ceil(2*sqrt(K))", 3),
        SizeClaim("band-crossing", OURS, _ours("band-crossing"), "ceil(2*sqrt(N)) + 4", 4),
        SizeClaim(
            "band-crossing-one-sign", OURS, _ours("band-crossing"), "ceil(2*sqrt(N)) + 3", 4, (ONE_SIGN,)
        ),
    )
}
"""Every claim by name."""
