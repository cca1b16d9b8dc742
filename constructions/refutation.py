"""Claimed numbers of neurons on trial: refuted by a certified instance, or consistent with all bounds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property, partial
from typing import Any

import numpy as np

from constructions import bounds
from constructions.adversarial import worst_case
from constructions.obstruction import Obstruction, obstruct
from constructions.problem import FineTuningProblem
from constructions.size_formula import SizeFormula

__all__ = ["FAR", "Consistent", "Distance", "Refutation", "default_edits", "refute"]

FAR = 10**9
"""Distances from a bound are told up to here."""


@dataclass(frozen=True)
class Refutation:
    """Some instance with `N` edits among `K` points in `R^d` needs `needed` neurons; only `allowed` are
    claimed. Without `certified` no instance is known: a bound says so (a count of parameters, or an exact
    small case of two layers)."""

    formula: SizeFormula
    layers: int
    N: int
    K: int
    d: int
    one_sign: bool
    allowed: int
    needed: int
    certified: bool

    def text(self) -> str:
        """The verdict in one line or two."""
        text = (
            f"refuted: {self.formula.text} allows {self.allowed} neurons in {self.layers} layers at "
            f"N = {self.N}, K = {self.K}; "
        )
        if self.certified:
            return f"{text}an instance needs {self.needed}"
        return (
            f"{text}a proven bound says that {self.needed} are needed\n"
            "(no certificate: no single instance is known that needs so many)"
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON-ready dict."""
        facts = {**vars(self), "formula": self.formula.text}
        return {"verdict": "refuted", **{field.name: facts[field.name] for field in fields(self)}}

    @cached_property
    def obstruction(self) -> Obstruction | None:
        """The instance with the proof that it needs so many neurons, if there is one; made on demand.

        Raises:
            RuntimeError: the proof shows fewer than `needed`: an error of this library.
        """
        if not self.certified:
            return None
        line = worst_case(self.N, self.layers, self.K, positive=self.one_sign)
        points = np.zeros((self.K, self.d), dtype=np.int64)
        points[:, :1] = line.points.numerators
        found = obstruct(FineTuningProblem(points, edits=line.values), self.layers)
        if found.neurons < self.needed:
            raise RuntimeError(
                f"the instance with N = {self.N}, K = {self.K} shows that {found.neurons} neurons are needed "
                f"in {self.layers} layers: expected {self.needed}"
            )
        return found


@dataclass(frozen=True)
class Distance:
    """How far the claimed number is from a bound at its closest; `K` is None for any number of points."""

    neurons: int
    N: int
    K: int | None

    def text(self, exact: str = "") -> str:
        """In words; `exact` is added to a distance of 0."""
        if self.neurons >= FAR:
            return f"more than {FAR:,} above"
        where = f"N = {self.N}" + ("" if self.K is None else f", K = {self.K}")
        if self.neurons < 0:
            return f"{-self.neurons} below at {where}, which is open"
        return f"{self.neurons} above at {where}{'' if self.neurons else exact}"


@dataclass(frozen=True)
class Consistent:
    """No bound is above the formula at any of the `tried` pairs `N`, `K`. `above_lower` is 0 if the claim
    is the best possible somewhere; `above_upper` is negative where it claims more than can be built here."""

    formula: SizeFormula
    layers: int
    tried: int
    above_lower: Distance
    above_upper: Distance

    def text(self) -> str:
        """The verdict in two lines."""
        return (
            f"consistent: no bound for {self.layers} layers is above {self.formula.text} "
            f"({self.tried} choices of N and K)\n"
            f"closest to what is needed: {self.above_lower.text(', the best possible')}; "
            f"closest to what can be built: {self.above_upper.text()}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON-ready dict."""
        return {"verdict": "consistent", **asdict(self), "formula": self.formula.text}


def default_edits(formula: SizeFormula) -> list[int]:
    """`N` that `refute` tries: 1..2000 and the powers of two to 2^20; 1..64 if the formula needs `K`."""
    return list(range(1, 65)) if "K" in formula.names else [*range(1, 2001), *(1 << j for j in range(11, 21))]


def refute(
    formula: SizeFormula | str,
    layers: int,
    edits: Iterable[int] | None = None,
    points: Iterable[int] | None = None,
    *,
    d: int = 1,
    one_sign: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Refutation | Consistent:
    """Put the claim "`formula(N, K, d)` neurons in `layers` layers suffice for any `N` edits among any `K`
    points in `R^d`" on trial.

    The first refutation with a certified instance (least `N`, then least `K`) among `edits` (see
    `default_edits`) and `points`; failing that, the first without one. If `points` is left out, any `K` is
    meant: `N <= K <= 4N + 1` are tried, beyond which the lower bounds do not grow. Values that are no
    integers are rounded down: 38.2 neurons are 38.

    Raises:
        ValueError: what `SizeFormula` raises; fewer than two layers; `N`, `K` or `d` below 1; no pair
            `N <= K` to try.

    >>> found = refute("3*N - 1", 2)
    >>> found.N, found.K, found.allowed, found.needed, found.obstruction.neurons
    (1, 5, 2, 3, 3)
    >>> found = refute("3.9*sqrt(N)", 3)
    >>> found.N, found.K, found.allowed, found.needed
    (410, 1641, 78, 79)
    >>> refute("3*N", 2).above_lower
    Distance(neurons=0, N=1, K=None)
    """
    formula = SizeFormula.parse(formula) if isinstance(formula, str) else formula
    chosen = sorted(set(default_edits(formula) if edits is None else edits))
    listed = None if points is None else sorted(set(points))
    for name, value in (("layers", layers - 1), ("d", d), ("N", min(chosen, default=1))):
        if value < 1:
            raise ValueError(f"{name} is too small: expected at least {2 if name == 'layers' else 1}")
    first: Refutation | None = None
    lowest: Distance | None = None
    highest: Distance | None = None
    tried = 0
    for done, n in enumerate(chosen):
        progress(done, len(chosen))
        places: Sequence[int] = range(n, 4 * n + 2)
        if listed is not None:
            places = listed[bisect_right(listed, n - 1) :]
        everywhere: list[int | None] = [None] if listed is None else [*places[-1:]]
        for k in places if "K" in formula.names else everywhere:
            tried += 1
            upper = bounds.upper(layers, n, k, one_sign)
            allowed = formula.floor(n, k, d, most=upper + FAR)
            for certified, bound in ((True, bounds.lower_on_line), (False, bounds.lower)):
                if bound(layers, n, k, one_sign) <= allowed or (first and not certified):
                    continue
                at = k
                if at is None or "K" not in formula.names:  # the least one: bounds grow with K
                    needs = partial(bound, layers, n, one_sign=one_sign)
                    at = places[bisect_right(places, allowed, key=needs)]
                needed = bound(layers, n, at, one_sign)
                found = Refutation(formula, layers, n, at, d, one_sign, allowed, needed, certified)
                if certified:
                    return found
                first = found
            lowest = _closer(lowest, Distance(allowed - bounds.lower(layers, n, k, one_sign), n, k))
            highest = _closer(highest, Distance(allowed - upper, n, k))
    if lowest is None or highest is None:
        raise ValueError("no N and K to try: expected some with 1 <= N <= K")
    return first or Consistent(formula, layers, tried, lowest, highest)


def _closer(old: Distance | None, new: Distance) -> Distance:
    return new if old is None or new.neurons < old.neurons else old
