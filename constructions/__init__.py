"""Networks from proofs: exact ReLU networks that realise given output changes and no others."""

from constructions.build import CONSTRUCTIONS, SPATIAL, Construction, Solution, build
from constructions.certificate import certificate, refuse_target, write_certificate
from constructions.crossing import crossing
from constructions.direction import choose_direction, relative_gap
from constructions.folding import NumbersTooLongError
from constructions.four_layer import band_crossing, sign_lift
from constructions.general_position import general_position, general_position_lift
from constructions.line import LineProblem, to_line
from constructions.network import Layer, ReLUNetwork
from constructions.problem import FineTuningProblem
from constructions.three_layer import grid, three_layer_memorizer
from constructions.two_layer import fewest_breakpoints, five_points, memorizer, tents
from constructions.vector_patch import VectorPatch, VectorProblem, patch_vectors

__all__ = [
    "CONSTRUCTIONS",
    "Construction",
    "FineTuningProblem",
    "Layer",
    "LineProblem",
    "NumbersTooLongError",
    "ReLUNetwork",
    "SPATIAL",
    "Solution",
    "VectorPatch",
    "VectorProblem",
    "band_crossing",
    "build",
    "certificate",
    "choose_direction",
    "crossing",
    "fewest_breakpoints",
    "five_points",
    "general_position",
    "general_position_lift",
    "grid",
    "memorizer",
    "patch_vectors",
    "refuse_target",
    "relative_gap",
    "sign_lift",
    "tents",
    "three_layer_memorizer",
    "to_line",
    "write_certificate",
]
