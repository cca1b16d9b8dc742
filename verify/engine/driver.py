"""The driver: stretches of points go to an executor, their reports become one verdict."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from verify.engine.chunks import approximate, raw_rows, row
from verify.engine.dense import STEPS
from verify.engine.examine import Report, Task, base_row, digest, examine, plan_for
from verify.engine.journal import Journal
from verify.kernel import Certificate, Malformed, Verdict, Violation
from verify.kernel.certificate import Progress
from verify.kernel.check import Claim, conclude
from verify.kernel.edit import EditClaim
from verify.kernel.npy import Sidecar
from verify.kernel.reader import Array

__all__ = ["ROUTES", "Statistics", "check", "float_pass"]

ROUTES = ("auto", "line", *STEPS, "exact")
MEMORY = 1 << 30
WORKERS = os.cpu_count() or 1
_FEW = 200_000
_CACHE = 1 << 20  # bytes of a layer of a block


@dataclass
class Statistics:
    """How the points were settled: by which routes, and what was taken over from a progress file."""

    routes: dict[str, int] = field(default_factory=dict)
    settled: int = 0
    resumed: int = 0


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
        memory: a budget in bytes for the blocks of all workers together; `K` does not matter.
        route: `auto`, or one of `ROUTES` by force (for tests and measurements).
        resume: a progress file; stretches that it lists for the same certificate are not done again.
        statistics: filled with what each route settled.

    Raises:
        ValueError: unknown route, or a memory budget below 1 MiB.
        RuntimeError: engine and kernel disagree on a point: a bug that should be reported.
    """
    if route not in ROUTES:
        raise ValueError(f"route is {route!r}: expected one of {', '.join(ROUTES)}")
    if memory < 1 << 20:
        raise ValueError(f"memory is {memory}: expected at least 1 MiB")
    run = _Run(os.fspath(path), executor, memory, route, resume, progress, statistics or Statistics())
    return conclude(path, run.judge)


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
        key = digest(self.path)
        for data in (certificate.points, certificate.base):
            _validate(data)
        return [self._first_violation(certificate, claim, k, key) for k, claim in enumerate(claims)]

    def _first_violation(
        self, certificate: Certificate, claim: Claim, number: int, key: str
    ) -> Violation | None:
        if not isinstance(claim, EditClaim):
            return claim.judge(self.progress)
        wrong = claim.miscount()
        if wrong is not None:
            return wrong
        violated = self._first_violated(claim, number, key)
        if violated is not None:
            base = base_row(claim, violated)
            point = row(certificate.points, violated)
            below = [q * point[1] for q in claim.network.denominators]
            violation = claim.violation(violated, claim.network(point), below, base)
            if violation is None:
                raise RuntimeError(f"engine and kernel disagree on point {violated}: please report it")
            return violation
        for i in certificate.edits:
            claim.note(i, base_row(claim, i))
        return claim.excess()

    def _first_violated(self, claim: EditClaim, number: int, key: str) -> int | None:
        total = claim.certificate.points.shape[0]
        tasks = self._tasks(claim, number, key)
        journal = Journal.open(self.resume, key, number, self.route)
        done: dict[tuple[int, int], Report] = {}
        for task in tasks:
            report = journal.reports.get((task.first, task.last))
            if report is not None:
                done[task.first, task.last] = report
                self.statistics.resumed += report.settled
        open_tasks = [task for task in tasks if (task.first, task.last) not in done]
        settled = sum(report.settled for report in done.values())
        try:
            with _executor(self.executor, total) as pool:
                for task, report in _completed(pool, open_tasks):
                    done[task.first, task.last] = report
                    journal.add(task, report)
                    settled += report.settled
                    self.progress(settled, total)
        finally:
            journal.save()
        for report in done.values():
            self.statistics.settled += report.settled
            for route, count in report.routes.items():
                self.statistics.routes[route] = self.statistics.routes.get(route, 0) + count
        return min((r.violated for r in done.values() if r.violated is not None), default=None)

    def _tasks(self, claim: EditClaim, number: int, key: str) -> list[Task]:
        """Stretches of points, small enough for the memory of every worker."""
        plan_for(self.path, key, self.route)  # once, before processes are forked
        layers = claim.network.layers
        total, inputs = claim.certificate.points.shape
        widest = max(len(row) for rows in layers for row in rows)
        bytes_a_point = 16 * (2 * inputs + 4 * widest + claim.network.neurons)
        block = max(1, min(_CACHE // (8 * widest), self.memory // (WORKERS * bytes_a_point)))
        size = max(block, min(64 * block, -(-total // (4 * WORKERS))))
        return [
            Task(self.path, key, self.route, number, first, min(first + size, total), block)
            for first in range(0, total, size)
        ]


def _validate(data: Array | None) -> None:
    """What `Certificate.validate` does, for sidecars at the speed of the disk."""
    if not isinstance(data, Sidecar):
        return
    sha256 = hashlib.sha256(data.header)
    rows = max(1, (1 << 22) // max(1, data.width * 8))
    with Path(data.path).open("rb") as stream:
        if stream.read(len(data.header)) != data.header:
            raise Malformed(data.place, "the file changed while it was read")
        for first in range(0, data.shape[0], rows):
            raw = raw_rows(data, first, min(first + rows, data.shape[0]))
            if raw.dtype.kind == "f" and not np.isfinite(raw).all():
                bad = int(np.flatnonzero(~np.isfinite(raw).all(axis=1))[0])
                raise Malformed(f"{data.place}[{first + bad}]", "NaN or infinity")
            sha256.update(np.ascontiguousarray(raw).data)
    if sha256.hexdigest() != data.sha256:
        raise Malformed(data.place, "the file is not the one that was certified (SHA-256 differs)")


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
def _executor(given: Executor | None, total: int) -> Iterator[Executor]:
    if given is not None:
        yield given
    elif total < _FEW:
        yield _Here()
    else:
        with ProcessPoolExecutor(WORKERS, initializer=_one_thread) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _one_thread() -> None:
    """Two thread pools at once cost more than they bring: every process computes with one thread."""
    threadpool_limits(1)


def _completed(pool: Executor, tasks: list[Task]) -> Iterator[tuple[Task, Report]]:
    """Reports as they come, with few tasks under way; nothing behind a violation is begun."""
    waiting = iter(tasks)
    running: dict[Future[Report], Task] = {}
    violated: int | None = None
    while True:
        for task in waiting:
            if violated is not None and task.first > violated:
                break
            running[pool.submit(examine, task)] = task
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


def float_pass(path: str | os.PathLike[str], block: int = 8192, runs: int = 3) -> float:
    """Seconds of numpy's float64 forward pass of the same network over the same points, the best of
    several runs; reading the points is not counted."""
    plan = plan_for(os.fspath(path), digest(os.fspath(path)), "auto")
    total = plan.certificate.points.shape[0]
    best = float("inf")
    for _ in range(runs):
        seconds = 0.0
        for first in range(0, total, block):
            x = approximate(plan.certificate.points, first, min(first + block, total))[0]
            started = time.perf_counter()
            plan.dense.float_pass(x)
            seconds += time.perf_counter() - started
        best = min(best, seconds)
    return best
