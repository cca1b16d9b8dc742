"""The patch that holds furthest around its points, by asking for more and more."""

from __future__ import annotations

from math import sqrt
from typing import Any

from constructions.classifier import ClassifierPatch, patch_classifier
from constructions.labels import LabelProblem

__all__ = ["largest_radius"]

_CLOSE = 1.125


def largest_radius(problem: LabelProblem, *, neurons: int | None = None, **asked: Any) -> ClassifierPatch:
    """A classifier patch of the largest radius that is found, within an eighth: groups are cut as long as
    that helps. It takes several times as long as one patch, and touches more unseen inputs than any other.

    Args:
        neurons: no more than so many.
        asked: `margin`, `slabs` and `seed`, see `patch_classifier`.

    Raises:
        ValueError: there is no patch, or none with so few neurons.

    >>> problem = LabelProblem([[k, k * k] for k in range(9)], [[1, 0]] * 9, {2: 1, 3: 1, 7: 1}, "float64")
    >>> few, many = largest_radius(problem, neurons=10, slabs=1), largest_radius(problem, slabs=1)
    >>> few.neurons, many.neurons, few.radius < many.radius
    (8, 11, True)
    """

    def attempt(radius: float) -> ClassifierPatch | None:
        try:
            found = patch_classifier(problem, radius=radius, reach="wide", **asked)
        except ValueError:
            return None
        return found if neurons is None or found.neurons <= neurons else None

    best = patch_classifier(problem, reach="wide", **asked)
    if neurons is not None and best.neurons > neurons:
        raise ValueError(f"a patch of {neurons} neurons was not found: {best.neurons} are the fewest")
    if best.radius is None:
        return best
    low, high = float(best.radius), None
    while high is None or high > _CLOSE * low:
        middle = 2 * low if high is None else sqrt(low * high)
        found = attempt(middle)
        if found is None or found.radius is None:
            high = middle
        else:
            best, low = found, max(middle, float(found.radius))
    return best
