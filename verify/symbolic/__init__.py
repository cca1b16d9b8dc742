"""Symbolic evidence: the lemmas behind the constructions, proven for arbitrary real parameters (sympy).

`LEMMAS` has a function for each; it returns a `Proof`, whose steps are printed by `str` and by `latex`.
`prove` and `goal` are there for other statements about `relu`. No verdict on a certificate rests on this.

>>> print(LEMMAS["carry"]())
carry: One neuron that is always active carries a value through a further layer.
<BLANKLINE>
1. For all real floor, g with g >= -floor: -floor + relu(floor + g) = g.
1. The hypotheses can be met, for instance by floor = 0, g = 0.
1. relu(floor + g) = floor + g, for floor + g < 0 is impossible: 0 = (floor + g) + (-floor - g) > 0.
1. Now both sides are g.
"""

from collections.abc import Callable

from verify.symbolic import heights, lines
from verify.symbolic.proof import Contradiction, Goal, Part, Proof, ProofError
from verify.symbolic.search import goal, prove
from verify.symbolic.terms import Relation, above, at_least, at_most, below, equal, parameters, relu

__all__ = [
    "LEMMAS",
    "Contradiction",
    "Goal",
    "Part",
    "Proof",
    "ProofError",
    "Relation",
    "above",
    "at_least",
    "at_most",
    "below",
    "equal",
    "goal",
    "parameters",
    "prove",
    "relu",
]

LEMMAS: dict[str, Callable[[], Proof]] = {
    lemma.__name__.replace("_", "-"): lemma
    for lemma in (
        lines.tent,
        lines.five_points_one_of_two,
        lines.five_points_first_case,
        lines.five_points_second_case,
        lines.five_points_two_breakpoints,
        lines.further_point,
        lines.window,
        lines.restart,
        heights.three_neuron_bump,
        heights.four_neuron_bump,
        heights.steep_enough,
        heights.sign_lift,
        heights.band_stage,
        heights.one_sign_stage,
        heights.carry,
        heights.decoder_step,
        heights.two_neuron_decoder,
        heights.positive_homogeneity,
    )
}
"""Every lemma by name."""
