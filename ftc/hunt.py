"""Hunting for problems that refute a size claim: Hypothesis searches, and what it finds is shrunk."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from constructions.literature import CLAIMS
from constructions.problem import FineTuningProblem
from constructions.size_claim import Failure, SizeClaim, Trial
from ftc.variants import Instance, fitted, shrunk

__all__ = ["PROFILES", "Profile", "Refuted", "Survived", "hunt", "load_claim", "shown"]


class Profile(NamedTuple):
    """The most problems and the most points of one, and no new problem after so many seconds."""

    examples: int
    points: int
    seconds: float


PROFILES = {
    "dev": Profile(1000, 20, 20),
    "ci": Profile(200, 16, 3),
    "thorough": Profile(100_000, 40, 30),
}
"""How hard to hunt."""


@dataclass(frozen=True)
class Refuted:
    """The smallest problem found that meets the hypotheses of the claim, and how the claim fails there."""

    claim: SizeClaim
    problem: FineTuningProblem
    trial: Trial
    failure: Failure
    tried: int

    @property
    def verdict(self) -> str:
        return "refuted"

    def text(self) -> str:
        failure, problem = self.failure, self.problem
        where = "" if failure.point is None else f" at point {failure.point}"
        return (
            f"refuted: {self.claim.name} [{self.claim.source}] at N = {problem.N}, K = {problem.K}, "
            f"d = {problem.d}: {failure.what}{where}: expected {failure.expected}, got {failure.got}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON-ready dict."""
        return {
            "verdict": self.verdict, "claim": self.claim.name, "source": self.claim.source,
            "N": self.problem.N, "K": self.problem.K, "d": self.problem.d, "tried": self.tried,
            "failure": asdict(self.failure),
        }  # fmt: skip


@dataclass
class Survived:
    """What was tried: problems by family of points and of changes, the worst number of neurons over the
    claimed one, the longest numbers, the largest of `N`, of `K` and of `d`; how many drawn problems broke a
    hypothesis, how many of all were changed to meet them and how many were thrown away; and why the hunt
    stopped early, if it did."""

    claim: SizeClaim
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    thrown_away: int = 0
    worst: tuple[float, int, int] = (0.0, 0, 0)
    bits: int = 0
    largest: tuple[int, int, int] = (0, 0, 0)
    stopped: str | None = None
    interrupted: bool = False

    @property
    def total(self) -> int:
        """The number of problems that met the hypotheses and were tried."""
        return sum(self.tried.values())

    @property
    def verdict(self) -> str:
        """`survived`, or `nothing tried` if no problem met the hypotheses."""
        return "survived" if self.total else "nothing tried"

    @property
    def never_exercised(self) -> list[str]:
        """Hypotheses that every drawn problem met, so that nothing shows that they are needed, and
        families of points and of changes of which no problem was tried."""
        from verify.strategies import POINTS, VALUES

        points, values = ({kinds[k] for kinds in self.tried} for k in (0, 1))
        return [
            *(f"hypothesis {h.name}" for h in self.claim.hypotheses if not self.broken[h.name]),
            *(f"points {name}" for name in POINTS if name not in points),
            *(f"changes {name}" for name in VALUES if name not in values),
        ]

    def text(self) -> str:
        title = f"{self.verdict}: {self.claim.name} [{self.claim.source}]: "
        fit = f"problems that broke a hypothesis: {_listed(self.broken)}"
        if not self.total:
            why = f"; stopped: {self.stopped}" if self.stopped else ""
            return (
                f"{title}none of {self.thrown_away} problems met the hypotheses ({_listed(self.broken)}){why}"
            )
        n, k, d = self.largest
        points, values = (Counter[str](), Counter[str]())
        for (place, change), count in self.tried.items():
            points[place] += count
            values[change] += count
        ratio, built, allowed = self.worst
        lines = [
            f"{title}{self.total} problems, with up to N = {n}, K = {k}, d = {d}",
            f"points: {_listed(points)}",
            f"changes: {_listed(values)}",
            f"most neurons: {built} of {allowed} claimed ({ratio:.2f}); longest number: {self.bits} bits",
        ]
        if self.broken:
            lines.append(f"{fit}; {self.changed} were changed to meet them, {self.thrown_away} thrown away")
        if self.never_exercised:
            lines.append(f"never exercised: {', '.join(self.never_exercised)}")
        if self.stopped:
            lines.append(f"stopped: {self.stopped}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON-ready dict."""
        return {
            "verdict": self.verdict, "claim": self.claim.name, "source": self.claim.source,
            "problems": self.total, "tried": {" ".join(kinds): n for kinds, n in self.tried.items()},
            "broken": dict(self.broken), "changed": self.changed, "thrown_away": self.thrown_away,
            "never_exercised": self.never_exercised, "neurons": self.worst[1], "claimed": self.worst[2],
            "ratio": self.worst[0], "bits": self.bits, "largest": self.largest, "stopped": self.stopped,
        }  # fmt: skip


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def shown(problem: FineTuningProblem) -> str:
    """A problem in a few words, if it is small."""
    if problem.K * problem.d > 60:
        return f"{problem.K} points"
    rows = [[_short(problem.points[i, k]) for k in range(problem.d)] for i in range(problem.K)]
    points = ", ".join(f"({', '.join(row)})" for row in rows)
    changes = ", ".join(f"{_short(change)} at {i}" for i, change in problem.delta.items())
    return f"points {points}; changes {changes or 'none'}"


def _short(x: Fraction) -> str:
    bits = x.numerator.bit_length() + x.denominator.bit_length()
    return str(x) if bits < 400 else f"[a rational of {bits} bits]"


def load_claim(name: str) -> SizeClaim:
    """A claim of `constructions.literature` by name, or an object of a Python file, `path/to/file.py:object`,
    which is run and may import files beside it.

    Raises:
        ValueError: there is none, or the object is no `SizeClaim`.
    """
    path, colon, attribute = name.rpartition(":")
    if not colon:
        if name not in CLAIMS:
            raise ValueError(
                f"unknown claim {name!r}: expected a file.py:object or one of {', '.join(CLAIMS)}"
            )
        return CLAIMS[name]
    if not Path(path).is_file():
        raise ValueError(f"{path} is not a file")
    spec = importlib.util.spec_from_file_location("claim_on_trial", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file")
    module = sys.modules["claim_on_trial"] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    claim = getattr(module, attribute, None)
    if not isinstance(claim, SizeClaim):
        raise ValueError(f"{path} has no SizeClaim named {attribute}")
    return claim


class _TimeIsUp(KeyboardInterrupt):
    """Ends a run of Hypothesis, which takes it for no failure."""


def hunt(
    claim: SizeClaim,
    *,
    profile: str = "dev",
    examples: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    max_points: int | None = None,
    max_dimension: int = 3,
    database: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Refuted | Survived:
    """Try the claim on every number of edits up to `max_points`, for rounded sizes may be wrong at one alone,
    and on many problems of all families; the last quarter is steered towards wide networks, long numbers
    and many edits (an error that is not 0 refutes). A failure is shrunk. An interruption (Ctrl-C) ends the
    hunt with what was tried so far; nothing else cuts a single call of `construct` short.

    Args:
        profile: one of `PROFILES`, which gives what is left out of `examples`, `seconds` and `max_points`.
        examples: how many problems, at most.
        seconds: no new problem after that; shrinking what was found may take as long again.
        database: a folder of Hypothesis's that remembers failures: the next run tries them before it draws.

    Raises:
        ValueError: an unknown profile, a hypothesis that raises, or a construction that gives another
            answer when it is asked again.
        ImportError: Hypothesis is not there.

    >>> hunt(load_claim("tents"), examples=30).text().splitlines()[0][:24]
    'survived: tents [this pr'
    """
    try:
        import hypothesis
        import hypothesis.errors
        from hypothesis.database import DirectoryBasedExampleDatabase
    except ImportError:
        raise ImportError("a hunt needs Hypothesis: pip install 'fine-tuning-capacity[hunt]'") from None

    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}: expected one of {', '.join(PROFILES)}")
    given = PROFILES[profile]
    most = given.examples if examples is None else examples
    limit = given.seconds if seconds is None else seconds
    started = time.monotonic()
    done = Survived(claim)
    found: list[Instance] = []
    running: list[FineTuningProblem] = []
    most_points = given.points if max_points is None else max_points
    instances = _instances(most_points, max_dimension)
    sizes = range(1, min(most_points, most // 4) + 1)

    def attempt(points: str, values: str, instance: Instance, share: float, steering: bool) -> bool:
        """Whether it could be tried, in this share of the time; AssertionError if the claim fails."""
        spent = time.monotonic() - started
        if spent > limit * share and not found:
            raise _TimeIsUp
        problem, broken = fitted(claim, instance)
        done.broken.update(hypothesis.name for hypothesis in broken)
        done.thrown_away += problem is None
        if problem is None:
            return False
        running[:] = [problem]
        trial = claim.on_trial(problem)
        running.clear()
        if not found:  # Hypothesis shows a failure once more
            done.changed += bool(broken)
            done.tried[points, values] += 1
            progress(
                *max((done.total, most), (int(spent), math.ceil(limit)), key=lambda x: x[0] / max(x[1], 1))
            )
            _note(done, problem, trial)
        if steering:
            _steer(hypothesis.target, problem, trial)
        if trial.failure is not None:
            found.append(_plain(problem))
            raise AssertionError
        return True

    def search(count: int, phases: tuple[Any, ...], seed: int, share: float) -> None:
        def test(drawn: tuple[str, str, Instance]) -> None:
            hypothesis.assume(attempt(*drawn, share, hypothesis.Phase.target in phases))

        folder = (
            None if database is None else Path(database) / quote(f"{claim.source} {claim.name}", safe=" ")
        )
        settings = hypothesis.settings(
            max_examples=count,
            deadline=None,
            database=None if folder is None else DirectoryBasedExampleDatabase(folder),
            phases=phases,
            suppress_health_check=list(hypothesis.HealthCheck),
            report_multiple_bugs=False,
            verbosity=hypothesis.Verbosity.quiet,
            print_blob=False,
        )
        given: Any = hypothesis.given(instances)(test)  # type: ignore[no-untyped-call]
        seeder: Any = hypothesis.seed
        settings(seeder(seed)(given))()  # a seed switches the database off, if it comes after the settings

    def every_size() -> None:
        for n in sizes:
            attempt("every-size", "all-edited", _of_size(n, 1 + n % max_dimension), 0.25, False)

    def free() -> None:
        phases = hypothesis.Phase.reuse, hypothesis.Phase.generate
        search(most - most // 4 - len(sizes), phases, 2 * seed, 0.75)

    def steered() -> None:  # this forgets most families
        if most // 4:
            search(most // 4, (hypothesis.Phase.generate, hypothesis.Phase.target), 2 * seed + 1, 1)

    try:
        for stage in (every_size, free, steered):
            if found:
                break
            with contextlib.suppress(AssertionError, hypothesis.errors.Unsatisfiable):
                try:
                    stage()
                except _TimeIsUp:
                    done.stopped = f"{limit:g} seconds are over"
    except hypothesis.errors.Flaky:
        raise _flaky(claim, found) from None
    except SystemExit:
        raise ValueError(f"the construction of {claim.name} ends the program") from None
    except KeyboardInterrupt:
        done.interrupted = True
        done.stopped = "interrupted" + "".join(f" while it built for {shown(problem)}" for problem in running)
    if not found:
        return done

    def fails(problem: FineTuningProblem) -> bool:
        return not claim.unmet(problem) and claim.on_trial(problem).failure is not None

    smallest = shrunk(found[0], fails, until=time.monotonic() + limit).problem()
    trial = claim.on_trial(smallest)
    if trial.failure is None:
        raise _flaky(claim, found)
    return Refuted(claim, smallest, trial, trial.failure, done.total)


def _flaky(claim: SizeClaim, found: list[Instance]) -> ValueError:
    """The error to raise if the same problem gives another answer."""
    where = "".join(f": {shown(instance.problem())}" for instance in found[:1])
    return ValueError(f"{claim.name} fails at a problem, and does not when it is asked again{where}")


def _instances(max_points: int, max_dimension: int) -> Any:
    """A strategy for the names of two families and a problem of them."""
    from hypothesis import strategies as st

    from verify import strategies

    @st.composite
    def instances(draw: st.DrawFn) -> tuple[str, str, Instance]:
        points, values = (
            draw(st.sampled_from(list(kinds))) for kinds in (strategies.POINTS, strategies.VALUES)
        )
        places = strategies.point_sets(max_points=max_points, max_dimension=max_dimension, families=[points])
        return points, values, Instance.of(draw(strategies.problems(points=places, values=[values])))

    return instances()


def _of_size(n: int, d: int) -> Instance:
    """`n` edits in general position, of both signs and few sizes."""
    points = tuple(tuple(Fraction(i ** (k + 1)) for k in range(d)) for i in range(n))
    return Instance(points, (Fraction(0),) * n, tuple(Fraction((-1) ** i * (1 + i % 3)) for i in range(n)))


def _plain(problem: FineTuningProblem) -> Instance:
    count, d = problem.K, problem.d
    points = tuple(tuple(problem.points[i, k] for k in range(d)) for i in range(count))
    base = tuple(Fraction(0) if problem.base is None else problem.base[i] for i in range(count))
    return Instance(points, base, tuple(problem.delta.get(i, Fraction(0)) for i in range(count)))


def _steer(target: Callable[..., object], problem: FineTuningProblem, trial: Trial) -> None:
    """Numbers that a search makes large; no verdict depends on them."""
    target(float(problem.N), label="edits")
    if trial.network is not None:
        target(float(trial.network.neurons - trial.allowed), label="neurons over the claim")
        target(float(trial.network.weights), label="weights")
        target(float(trial.network.bits), label="bits")


def _note(done: Survived, problem: FineTuningProblem, trial: Trial) -> None:
    n, k, d = done.largest
    done.largest = max(n, problem.N), max(k, problem.K), max(d, problem.d)
    if trial.network is not None:
        built, allowed = trial.network.neurons, trial.allowed
        ratio = built / allowed if allowed else float(bool(built))
        done.worst = max(done.worst, (ratio, built, allowed))
        done.bits = max(done.bits, trial.network.bits)
