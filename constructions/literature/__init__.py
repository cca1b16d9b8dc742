"""Published constructions, and this project's own, as claims that can be put on trial.

Each is exact and written from the mathematics. `source` names where a claim is from; those of this project
are proven in its modules.
"""

from __future__ import annotations

from collections.abc import Callable

from flint import fmpq

from constructions.build import CONSTRUCTIONS
from constructions.direction import best_projection
from constructions.line import to_line
from constructions.literature import bubeck, zhang
from constructions.network import ReLUNetwork
from constructions.problem import FineTuningProblem
from constructions.size_claim import ALL_EDITED, DISTINCT, GENERAL_POSITION, ONE_SIGN, SizeClaim

__all__ = ["CLAIMS"]

OURS = "this project"


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
        SizeClaim("zhang2017", "Zhang2017", zhang.memorize, "N", 2, (DISTINCT, ALL_EDITED)),
        SizeClaim("bubeck2020", "Bubeck2020", bubeck.slabs, "4*ceil(N/d)", 2, (GENERAL_POSITION,)),
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
