"""The least width of two-layer networks that solve a given instance, exactly."""

from constructions.exact_width.patterns import Worst, worst_patterns
from constructions.exact_width.width import Width, least_width

__all__ = ["Width", "Worst", "least_width", "worst_patterns"]
