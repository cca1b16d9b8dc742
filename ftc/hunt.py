"""Hunting for problems that refute a size claim: Hypothesis searches, and shrinks what it finds."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from constructions.literature import CLAIMS
from constructions.problem import FineTuningProblem
from constructions.size_claim import Failure, SizeClaim, Trial

__all__ = ["Refuted", "Survived", "hunt", "load_claim"]


@dataclass(frozen=True)
class Refuted:
    """The smallest problem found that meets the hypotheses of the claim, and how the claim fails there."""

    claim: SizeClaim
    problem: FineTuningProblem
    trial: Trial
    failure: Failure
    tried: int

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
            "verdict": "refuted", "claim": self.claim.name, "source": self.claim.source,
            "N": self.problem.N, "K": self.problem.K, "d": self.problem.d, "tried": self.tried,
            "failure": asdict(self.failure),
        }  # fmt: skip


@dataclass
class Survived:
    """What was tried: problems by family of points and of changes, the worst number of neurons over the
    claimed one, the longest numbers, and how often problems did not meet a hypothesis."""

    claim: SizeClaim
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    unmet: Counter[str] = field(default_factory=Counter)
    worst: tuple[float, int, int] = (0.0, 0, 0)
    bits: int = 0
    largest: tuple[int, int, int] = (0, 0, 0)

    def text(self) -> str:
        total = sum(self.tried.values())
        points, values = (Counter[str](), Counter[str]())
        for (place, change), count in self.tried.items():
            points[place] += count
            values[change] += count
        n, k, d = self.largest
        lines = [
            f"survived: {self.claim.name} [{self.claim.source}]: {total} problems, the largest with N = {n}, "
            f"K = {k}, d = {d}",
            f"points: {_listed(points)}",
            f"changes: {_listed(values)}",
            f"most neurons: {self.worst[1]} of {self.worst[2]} claimed; longest number: {self.bits} bits",
        ]
        if self.unmet:
            lines.append(f"problems that did not meet a hypothesis: {_listed(self.unmet)}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON-ready dict."""
        return {
            "verdict": "survived", "claim": self.claim.name, "source": self.claim.source,
            "tried": {" ".join(kinds): count for kinds, count in self.tried.items()},
            "unmet": dict(self.unmet), "neurons": self.worst[1], "claimed": self.worst[2], "bits": self.bits,
        }  # fmt: skip


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def load_claim(name: str) -> SizeClaim:
    """A claim of `constructions.literature` by name, or an object of a Python file, `path/to/file.py:object`.

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
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    claim = getattr(module, attribute, None)
    if not isinstance(claim, SizeClaim):
        raise ValueError(f"{path} has no SizeClaim named {attribute}")
    return claim


def hunt(
    claim: SizeClaim,
    *,
    examples: int = 1000,
    seconds: float | None = None,
    seed: int = 0,
    max_points: int = 10,
    max_dimension: int = 3,
    database: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Refuted | Survived:
    """Try the claim on many problems, nasty ones first among equals, and steer towards wide networks, long
    numbers and large errors; a failure is shrunk.

    Args:
        examples: how many problems, at most.
        seconds: no new problem after that; shrinking what was found may take longer.
        database: a folder of Hypothesis's that remembers failures, for the next run.

    >>> hunt(load_claim("tents"), examples=30).text().splitlines()[0][:24]
    'survived: tents [this pr'
    """
    try:
        import hypothesis
        from hypothesis import strategies as st
        from hypothesis.database import DirectoryBasedExampleDatabase
    except ImportError:
        raise ImportError("a hunt needs Hypothesis: pip install 'fine-tuning-capacity[hunt]'") from None
    from verify import strategies

    end = math.inf if seconds is None else time.monotonic() + seconds
    done = Survived(claim)
    found: list[tuple[FineTuningProblem, Trial]] = []

    @st.composite
    def instances(draw: st.DrawFn) -> tuple[str, str, FineTuningProblem]:
        points, values = (
            draw(st.sampled_from(list(kinds))) for kinds in (strategies.POINTS, strategies.VALUES)
        )
        places = strategies.point_sets(max_points=max_points, max_dimension=max_dimension, families=[points])
        record = draw(strategies.problems(points=places, values=[values]))
        return points, values, FineTuningProblem(record["points"], record["base"], record["edits"])

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None if database is None else DirectoryBasedExampleDatabase(database),
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        verbosity=hypothesis.Verbosity.quiet,
        print_blob=False,
    )
    @hypothesis.given(instances())
    def attempt(instance: tuple[str, str, FineTuningProblem]) -> None:
        points, values, problem = instance
        if time.monotonic() > end and not found:
            return
        unmet = claim.unmet(problem)
        done.unmet.update(hypothesis.name for hypothesis in unmet)
        hypothesis.assume(not unmet)
        trial = claim.on_trial(problem)
        done.tried[points, values] += 1
        progress(sum(done.tried.values()), examples)
        _note(done, problem, trial)
        if trial.network is not None:
            hypothesis.target(float(trial.network.neurons - trial.allowed), label="neurons over the claim")
            hypothesis.target(float(trial.network.bits), label="bits")
        if trial.failure is not None:
            found.append((problem, trial))
            raise AssertionError

    with contextlib.suppress(AssertionError):
        attempt()
    if not found:
        return done
    problem, trial = found[-1]  # Hypothesis shows the smallest one last
    if trial.failure is None:
        raise RuntimeError("a failure without a reason")
    return Refuted(claim, problem, trial, trial.failure, sum(done.tried.values()))


def _note(done: Survived, problem: FineTuningProblem, trial: Trial) -> None:
    done.largest = max(done.largest, (problem.N, problem.K, problem.d))
    if trial.network is not None:
        built, allowed = trial.network.neurons, trial.allowed
        ratio = built / allowed if allowed else float(bool(built))
        done.worst = max(done.worst, (ratio, built, allowed))
        done.bits = max(done.bits, trial.network.bits)
