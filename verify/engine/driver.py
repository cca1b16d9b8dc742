"""The driver: stretches of points go to an executor, their reports become one verdict."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Collection, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from verify.engine.block import Block
from verify.engine.dense import STEPS
from verify.engine.examine import KNOWN, Report, Task, examine, plan_for
from verify.engine.journal import Journal
from verify.kernel import Certificate, Malformed, Verdict, Violation, read_certificate
from verify.kernel.certificate import Progress
from verify.kernel.check import Claim, conclude
from verify.kernel.edit import EditClaim
from verify.kernel.npy import Sidecar
from verify.kernel.reader import Array, Row

__all__ = ["ROUTES", "Statistics", "check", "float_pass"]

ROUTES = ("auto", "line", *STEPS, "exact")
MEMORY = 2 << 30
WORKERS = os.cpu_count() or 1
_FEW = 200_000  # points, or ..
_LITTLE = 10**9  # .. points times weights, for which processes do not pay
_CACHE = 1 << 20  # bytes of a layer of a block
_LEAST = 256  # points in a block, if memory allows
_READ = 1 << 22  # bytes that are read at a time


@dataclass
class Statistics:
    """How the points were settled: by which routes, how many pre-activations had a sign that floats
    could not tell, and what was taken over from a progress file. Claims that ask the same of every
    point are counted once. `by_kernel` counts the claims that the kernel judged: all kinds but edits."""

    routes: dict[str, int] = field(default_factory=dict)
    undecided: int = 0
    settled: int = 0
    resumed: int = 0
    by_kernel: int = 0


def check(
    path: str | os.PathLike[str],
    progress: Progress = lambda done, total: None,
    *,
    executor: Executor | None = None,
    memory: int = MEMORY,
    route: str = "auto",
    resume: str | os.PathLike[str] | None = None,
    statistics: Statistics | None = None,
) -> Verdict:
    """The kernel's verdict on `edit` and `label-edit` claims, in exact arithmetic at float speed.

    Args:
        path: the certificate, a `.json` file or a folder.
        progress: called with the number of settled points and of all points.
        executor: any `concurrent.futures.Executor` whose workers can read `path`; by default
            processes on this machine, or this process alone where the points are few.
        memory: a budget in bytes for points, blocks and tables of all workers together (as many as
            this machine has processors); the certificate's JSON file and network are not counted.
        route: `auto`, or one of `ROUTES` by force (for tests and measurements).
        resume: a progress file; stretches that it lists for the same certificate, route and version
            of this package are not done again. It is believed.
        statistics: filled with what each route settled.

    Raises:
        ValueError: unknown route, a memory budget below 1 MiB, or a `resume` that is no progress file.
        RuntimeError: a worker process died, or cannot be started; the progress file cannot be kept;
            a library has changed how floats are rounded; or engine and kernel disagree on a point: a
            bug to be reported.
    """
    if route not in ROUTES:
        raise ValueError(f"route is {route!r}: expected one of {', '.join(ROUTES)}")
    if memory < 1 << 20:
        raise ValueError(f"memory is {memory}: expected at least 1 MiB")
    run = _Run(os.fspath(path), executor, memory, route, resume, progress, statistics or Statistics())
    try:
        return conclude(path, run.judge)
    except BrokenExecutor as error:
        raise RuntimeError(f"a worker died, perhaps for want of memory ({error})") from error


@dataclass
class _Run:
    path: str
    executor: Executor | None
    memory: int
    route: str
    resume: str | os.PathLike[str] | None
    progress: Progress
    statistics: Statistics

    def judge(self, certificate: Certificate, claims: list[Claim]) -> list[Violation | None]:
        """The first violation of each claim. Claims of other kinds are judged by the kernel."""
        cuts = _Cuts.of(certificate, self.memory)
        points, _ = _read_through(certificate.points, cuts.size, ())
        base = dict.fromkeys(certificate.edits, certificate.zero)
        if certificate.base is not None:
            _, base = _read_through(certificate.base, cuts.size, base)
        with _no_file_of_the_certificate():
            journal = Journal.open(self.resume, certificate.sha256, self.route)
        found: dict[Fraction, Violation | None] = {}
        out: list[Violation | None] = []
        for number, claim in enumerate(claims):
            if not isinstance(claim, EditClaim):
                out.append(claim.judge(self.progress))
                self.statistics.by_kernel += 1
                continue
            violation, margin = claim.miscount(), Fraction(*claim.margin)
            if violation is None:
                if margin not in found:  # nothing else of a claim is about points
                    tasks = self._tasks(certificate, cuts, number, points, base)
                    found[margin] = self._first_violation(claim, tasks, journal)
                violation = found[margin]
            if violation is None:
                for i, row in base.items():
                    claim.note(i, row)
                violation = claim.excess()
            out.append(violation)
        return out

    def _tasks(
        self, certificate: Certificate, cuts: _Cuts, claim: int, points: list[str], base: dict[int, Row]
    ) -> list[Task]:
        total, size = certificate.points.shape[0], cuts.size
        rows: list[dict[int, Row]] = [{} for _ in range(0, total, size)]
        for i, row in base.items():
            rows[i // size][i] = row
        return [
            Task(
                self.path, certificate.sha256, self.route, claim,
                first, min(first + size, total), cuts.block, cuts.keep, points[k] if points else "", rows[k],
            )
            for k, first in enumerate(range(0, total, size))
        ]  # fmt: skip

    def _first_violation(self, claim: EditClaim, tasks: list[Task], journal: Journal) -> Violation | None:
        total = tasks[-1].last
        KNOWN[claim.certificate.sha256] = claim.certificate
        try:
            with threadpool_limits(1):  # no threads of a BLAS, since processes are forked
                plan = plan_for(*tasks[0].plan)  # which they inherit
        finally:
            KNOWN.clear()
        work = total * (1 if plan.line else plan.weights)
        alone = total < _FEW and work < _LITTLE
        known = [journal.reports.get((task.claim, task.first, task.last)) for task in tasks]
        done = {task.first: report for task, report in zip(tasks, known, strict=True) if report is not None}
        settled = sum(report.settled for report in done.values())
        self.statistics.resumed += settled
        try:
            with _executor(self.executor, alone) as pool:
                for task, report in _completed(pool, [task for task in tasks if task.first not in done]):
                    if report.changed:
                        raise Malformed(report.changed, "the file changed while it was read")
                    done[task.first] = report
                    with _no_file_of_the_certificate():
                        journal.add(task, report)
                    settled += report.settled
                    self.progress(settled, total)
        finally:
            with _no_file_of_the_certificate():
                journal.save()
        violated: Report | None = None
        for _, report in sorted(done.items()):
            self.statistics.settled += report.settled
            self.statistics.undecided += report.undecided
            for route, count in report.routes.items():
                self.statistics.routes[route] = self.statistics.routes.get(route, 0) + count
            if report.violated is not None:
                violated = report
                break
        return None if violated is None else _judged(claim, violated, tasks)


def _judged(claim: EditClaim, report: Report, tasks: list[Task]) -> Violation:
    """The kernel's own word on a point that the engine found violated."""
    i, point = report.violated, report.point
    if i is None or point is None:
        raise ValueError("the report names no point")
    base = next((task.base[i] for task in tasks if i in task.base), claim.certificate.zero)
    below = [q * point[1] for q in claim.network.denominators]
    violation = claim.violation(i, claim.network(point), below, base)
    if violation is None:
        raise RuntimeError(f"engine and kernel disagree on point {i}: please report it")
    return violation


@dataclass(frozen=True)
class _Cuts:
    """Points in a task and in a block, and bytes for a worker's tables, within the memory budget."""

    size: int
    block: int
    keep: int

    @classmethod
    def of(cls, certificate: Certificate, memory: int) -> _Cuts:
        total, inputs = certificate.points.shape
        layers = [] if certificate.network is None else certificate.network.layers
        widest = max([inputs, *map(len, layers)])
        neurons = sum(map(len, layers))
        share = memory // WORKERS
        fits = share // 2 // (8 * (4 * inputs + 6 * widest) + 10 * neurons)
        block = max(1, min(max(_LEAST, _CACHE // (8 * widest)), fits))
        size = max(block, min(64 * block, -(-total // (4 * WORKERS)), share // 4 // (8 * inputs)))
        return cls(size, block, share // 4)


def _read_through(data: Array, size: int, wanted: Collection[int]) -> tuple[list[str], dict[int, Row]]:
    """What `Certificate.validate` does, at the speed of the disk; the digests of stretches of `size`
    rows of a sidecar, and the wanted rows of the array."""
    total = data.shape[0]
    if not isinstance(data, Sidecar):
        block = Block.read(data, 0, total)
        return [], {i: block.row(i) for i in wanted}
    indices = np.array(sorted(wanted), dtype=np.int64)
    digests: list[str] = []
    rows: dict[int, Row] = {}
    whole = hashlib.sha256(data.header)
    with Path(data.path).open("rb") as stream:
        if stream.read(len(data.header)) != data.header:
            raise Malformed(data.place, "the file changed while it was read")
    step = max(1, _READ // (8 * data.width))
    with ThreadPoolExecutor(1) as other:  # two digests at a time
        for start in range(0, total, size):
            part = hashlib.sha256(data.header)
            for first in range(start, min(start + size, total), step):
                block = Block.read(data, first, min(first + step, start + size, total))
                if block.raw is None:
                    raise TypeError("a sidecar has rows of numbers")
                running = other.submit(whole.update, block.raw.data)
                if block.raw.dtype.kind == "f" and not np.isfinite(block.raw).all():
                    bad = int(np.flatnonzero(~np.isfinite(block.raw).all(axis=1))[0])
                    raise Malformed(f"{data.place}[{first + bad}]", "NaN or infinity")
                part.update(block.raw.data)
                within = indices[np.searchsorted(indices, first) : np.searchsorted(indices, block.last)]
                rows.update((i, block.row(i)) for i in within.tolist())
                running.result()
            digests.append(part.hexdigest())
    if whole.hexdigest() != data.sha256:
        raise Malformed(data.place, "the file is not the one that was certified (SHA-256 differs)")
    return digests, rows


@contextlib.contextmanager
def _no_file_of_the_certificate() -> Iterator[None]:
    """Trouble with other files says nothing about the certificate."""
    try:
        yield
    except OSError as error:
        raise RuntimeError(f"the progress file cannot be kept: {error}") from error


class _Here(Executor):
    """This process: each task is done when it is handed in."""

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


@contextlib.contextmanager
def _executor(given: Executor | None, alone: bool) -> Iterator[Executor]:
    if given is not None:
        yield given
    elif alone:
        with threadpool_limits(1):
            yield _Here()
    else:
        with ProcessPoolExecutor(WORKERS, initializer=_one_thread) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _one_thread() -> None:
    """Two thread pools at once cost more than they bring, and threads do little for small blocks: every
    process computes with one."""
    threadpool_limits(1)


def _completed(pool: Executor, tasks: list[Task]) -> Iterator[tuple[Task, Report]]:
    """Reports as they come, with few tasks under way; nothing behind a violation is begun."""
    waiting = iter(tasks)
    running: dict[Future[Report], Task] = {}
    violated: int | None = None
    try:
        while True:
            for task in waiting:
                if violated is not None and task.first > violated:
                    break
                try:
                    running[pool.submit(examine, task)] = task
                except OSError as error:  # nothing about the certificate
                    raise RuntimeError(f"no worker can be started: {error}") from error
                if len(running) >= 2 * WORKERS:
                    break
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                task, report = running.pop(future), future.result()
                if report.violated is not None:
                    violated = report.violated if violated is None else min(violated, report.violated)
                yield task, report
    finally:
        for future in running:
            future.cancel()


def float_pass(path: str | os.PathLike[str], block: int = 8192, runs: int = 3) -> float:
    """Seconds of numpy's float64 forward pass of the same network over the same points, the best of
    several runs; reading the points is not counted."""
    certificate = read_certificate(os.fspath(path))
    plan = plan_for(os.fspath(path), certificate.sha256, "auto", MEMORY // 4)
    total = certificate.points.shape[0]
    best = float("inf")
    for _ in range(runs):
        seconds = 0.0
        for first in range(0, total, block):
            x = Block.read(certificate.points, first, min(first + block, total)).floats[0].T.copy()
            started = time.perf_counter()
            plan.dense.float_pass(x)
            seconds += time.perf_counter() - started
        best = min(best, seconds)
    return best
