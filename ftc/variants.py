"""Problems near a problem: ones that meet the hypotheses of a claim, and smaller ones."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

from constructions.problem import FineTuningProblem
from constructions.size_claim import Hypothesis, SizeClaim

__all__ = ["Instance", "fitted", "shrunk"]

_GREEDY, _CHANCES = 12, 300
Variant = Callable[["Instance"], "Instance"]


@dataclass(frozen=True)
class Instance:
    """A problem as plain numbers; a change of 0 is a protected point."""

    points: tuple[tuple[Fraction, ...], ...]
    base: tuple[Fraction, ...]
    changes: tuple[Fraction, ...]

    @classmethod
    def of(cls, record: dict[str, Any]) -> Instance:
        """From a record of `verify.strategies.problems`."""
        base, edits = record["base"], record["edits"]
        changes = (edits[i] - old if i in edits else Fraction(0) for i, old in enumerate(base))
        return cls(tuple(record["points"]), tuple(base), tuple(changes))

    def problem(self) -> FineTuningProblem:
        """
        Raises:
            ValueError: no points, or equal points with different changes.
        """
        pairs = enumerate(zip(self.base, self.changes, strict=True))
        edits = {i: old + change for i, (old, change) in pairs if change}
        return FineTuningProblem(self.points, self.base, edits)

    @property
    def size(self) -> tuple[int, int, int, int]:
        """What `shrunk` makes small: points, edits, dimensions, and the digits of all numbers."""
        numbers = (*(x for point in self.points for x in point), *self.base, *self.changes)
        edits = sum(map(bool, self.changes))
        return len(self.points), edits, len(self.points[0]), sum(map(_length, numbers))

    def keep(self, places: Iterable[int]) -> Instance:
        """Some of the points."""
        chosen = list(places)
        return Instance(
            tuple(self.points[i] for i in chosen),
            tuple(self.base[i] for i in chosen),
            tuple(self.changes[i] for i in chosen),
        )


def _length(x: Fraction) -> int:
    """Denominators count thrice, and the sign a little."""
    return 2 * abs(x.numerator).bit_length() + 6 * (x.denominator.bit_length() - 1) + (x < 0)


def fitted(claim: SizeClaim, drawn: Instance) -> tuple[FineTuningProblem | None, list[Hypothesis]]:
    """The problem, changed as little as one of few ways allows so that it meets the hypotheses, or None; and
    the hypotheses that it did not meet before.

    Raises:
        ValueError: a hypothesis raises.

    >>> from constructions.literature import CLAIMS
    >>> two, zero = (Fraction(2),), Fraction(0)
    >>> drawn = Instance((two, two, (zero,)), (zero, zero, zero), (Fraction(5), Fraction(5), zero))
    >>> problem, broken = fitted(CLAIMS["zhang2017"], drawn)
    >>> problem.N, problem.K, [hypothesis.name for hypothesis in broken]
    (1, 1, ['distinct points', 'N = K'])
    """
    problem = drawn.problem()
    broken = unmet = _unmet(claim, problem)
    for change in (_once, _edited, _one_sign, _integers, _ranks, _first_that_fit(claim)):
        if not unmet:
            break
        variant = change(drawn)
        if variant == drawn or not variant.points:
            continue
        other = variant.problem()
        left = _unmet(claim, other)
        if len(left) < len(unmet):
            drawn, problem, unmet = variant, other, left
    return None if unmet else problem, broken


def _unmet(claim: SizeClaim, problem: FineTuningProblem) -> list[Hypothesis]:
    try:
        return claim.unmet(problem)
    except Exception as error:
        raise ValueError(f"a hypothesis of {claim.name} raises {type(error).__name__}: {error}") from error


def _once(instance: Instance) -> Instance:
    first = {point: i for i, point in reversed(list(enumerate(instance.points)))}
    return instance.keep(sorted(first.values()))


def _edited(instance: Instance) -> Instance:
    return instance.keep(i for i, change in enumerate(instance.changes) if change)


def _one_sign(instance: Instance) -> Instance:
    return replace(instance, changes=tuple(map(abs, instance.changes)))


def _integers(instance: Instance) -> Instance:
    """Rounded away from 0."""
    changes = (Fraction(math.ceil(abs(x)) * (1 if x > 0 else -1)) for x in instance.changes)
    return replace(instance, changes=tuple(changes))


def _ranks(instance: Instance) -> Instance:
    """Every coordinate is its rank among those of the other points: at least 1 apart."""
    columns = []
    for column in zip(*instance.points, strict=True):
        rank = {x: Fraction(k) for k, x in enumerate(sorted(set(column)))}
        columns.append([rank[x] for x in column])
    return replace(instance, points=tuple(zip(*columns, strict=True)))


def _first_that_fit(claim: SizeClaim) -> Variant:
    """Of the first points those that, together with the ones before, meet most hypotheses."""

    def some(instance: Instance) -> Instance:
        kept: list[int] = []
        fewest = math.inf
        for i in range(min(_GREEDY, len(instance.points))):
            unmet = len(_unmet(claim, instance.keep([i, *kept]).problem()))
            if unmet <= fewest:
                kept, fewest = [i, *kept], unmet
        return instance.keep(sorted(kept))

    return some


def shrunk(
    instance: Instance,
    fails: Callable[[FineTuningProblem], bool],
    *,
    tries: int = 2000,
    until: float = math.inf,
) -> Instance:
    """The smallest problem that still fails, in the order of `Instance.size`, among those reached by dropping
    points, edits and coordinates, by plainer numbers, and by chance, one success after another.

    Hypothesis shrinks what it drew, before a problem is changed to meet the hypotheses of a claim; here the
    problem itself shrinks, and stays within them.

    Args:
        fails: asked at most `tries` times, and not after the time `until` of `time.monotonic`, nor after an
            interruption (Ctrl-C).

    >>> ramp = Instance(tuple((Fraction(i, 3),) for i in range(9)), (Fraction(1),) * 9, (Fraction(5),) * 9)
    >>> small = shrunk(ramp, lambda problem: problem.N >= 2)
    >>> small.points, small.base == (0, 0), small.changes == (1, 1)
    (((Fraction(0, 1),), (Fraction(0, 1),)), True, True)
    """
    seen = {instance}
    shorter = True
    while shorter:
        shorter = False
        for moves in (_drop_points, _protect, _drop_coordinates, _plainer_all, _plainer_one, _at_random):
            for move in moves(instance):
                candidate = move(instance)
                if candidate in seen or not candidate.points or candidate.size >= instance.size:
                    continue
                if len(seen) > tries or time.monotonic() > until:
                    return instance
                seen.add(candidate)
                try:
                    failing = fails(candidate.problem())
                except Exception:  # equal points need different changes, or a hypothesis raises
                    continue
                except KeyboardInterrupt:
                    return instance
                if failing:
                    instance, shorter = candidate, True
    return instance


def _chunks(length: int) -> Iterator[range]:
    """Halves, quarters, .. and single places, each from the right: what is left of one keeps its place."""
    size = length
    while size := size // 2:
        yield from (range(max(0, end - size), end) for end in range(length, 0, -size))


def _drop_points(instance: Instance) -> Iterator[Variant]:
    for chunk in _chunks(len(instance.points)):
        yield lambda x, chunk=chunk: x.keep(i for i in range(len(x.points)) if i not in chunk)  # type: ignore[misc]


def _protect(instance: Instance) -> Iterator[Variant]:
    def protected(x: Instance, places: range) -> Instance:
        changes = (Fraction(0) if i in places else change for i, change in enumerate(x.changes))
        return replace(x, changes=tuple(changes))

    for chunk in _chunks(len(instance.points) + 1):
        yield lambda x, chunk=chunk: protected(x, chunk)  # type: ignore[misc]


def _drop_coordinates(instance: Instance) -> Iterator[Variant]:
    """Leave a coordinate out, or add a small multiple of the last one to the first."""
    d = len(instance.points[0])
    for k in reversed(range(d if d > 1 else 0)):
        yield lambda x, k=k: replace(x, points=tuple(p[:k] + p[k + 1 :] or p for p in x.points))  # type: ignore[misc]
    for c in (1, -1, 2, -2, 3, -3, 10) if d > 1 else ():
        yield lambda x, c=c: replace(x, points=tuple(_folded(p, c) for p in x.points))  # type: ignore[misc]


def _folded(point: tuple[Fraction, ...], c: int) -> tuple[Fraction, ...]:
    first, *others = point
    return (first + c * others[-1], *others[:-1]) if others else point


def _plainer_all(_: Instance) -> Iterator[Variant]:
    yield lambda x: replace(x, base=(Fraction(0),) * len(x.base))
    yield lambda x: replace(x, changes=tuple(Fraction((c > 0) - (c < 0)) for c in x.changes))
    yield _one_sign
    yield _ranks
    yield lambda x: replace(x, points=tuple(tuple(map(abs, point)) for point in x.points))


def _plainer_one(instance: Instance) -> Iterator[Variant]:
    """Each number, and equal ones together with it, by a plainer one."""
    for name in ("points", "changes", "base"):
        rows = getattr(instance, name)
        for number in dict.fromkeys(x for row in rows for x in (row if name == "points" else (row,))):
            for plainer in _plainer(number):
                if _length(plainer) < _length(number):
                    yield lambda x, name=name, to=(number, plainer): replace(  # type: ignore[misc]
                        x, **{name: _exchanged(getattr(x, name), *to)}
                    )


def _at_random(instance: Instance) -> Iterator[Variant]:
    """A point or an edit fewer, with other numbers: what is not reached in one step of another kind."""
    random, count, (_, edits, d, _) = Random(0), len(instance.points), instance.size
    places = [
        *{x for point in instance.points for x in point},
        *map(Fraction, range(count + 1)),
        Fraction(1, 2),
    ]
    values = [*filter(bool, instance.changes), Fraction(1), Fraction(-1), Fraction(2), Fraction(1, 3)]
    for _ in range(_CHANCES):
        k = count - random.choice((0, 1, 1))
        n = min(edits - (k == count), k)
        if k < 1 or n < 0:
            continue
        changes = random.sample([random.choice(values) for _ in range(n)] + [Fraction(0)] * (k - n), k)
        points = tuple(tuple(random.choice(places) for _ in range(d)) for _ in range(k))
        yield lambda _, x=Instance(points, (Fraction(0),) * k, tuple(changes)): x  # type: ignore[misc]


def _exchanged(values: Any, old: Fraction, new: Fraction) -> Any:
    return tuple(
        _exchanged(x, old, new) if isinstance(x, tuple) else (new if x == old else x) for x in values
    )


def _plainer(x: Fraction) -> list[Fraction]:
    whole = [Fraction(y) for y in (0, 1, 2, -1, math.trunc(x), round(x))] + [Fraction(1, 2), Fraction(1, 3)]
    shorter = [Fraction(math.trunc(x / 2**k)) for k in (1, 2, 4, 8, 64, 512) if abs(x) > 2**k]
    near = [x.limit_denominator(10**k) for k in (1, 2, 4, 9, 18, 40, 80)]
    return [*whole, -x, *reversed(shorter), *near]
