"""The progress file: which stretches of points are settled, so that a run can be resumed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verify.engine.examine import Report, Task

__all__ = ["Journal"]

_EVERY = 1.0  # seconds between two writes


@dataclass
class Journal:
    """Reports by claim and stretch; `path` None keeps them in memory only. Stretches with a violation
    are not kept: they are cheap to find again."""

    path: Path | None
    heading: dict[str, str]
    reports: dict[tuple[int, int, int], Report] = field(default_factory=dict)
    saved: float = 0.0

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None, certificate: str, route: str) -> Journal:
        """Take up a progress file; one about another certificate or route, or by another version of
        this package, is begun anew.

        Raises:
            ValueError: the file exists and is no progress file.
        """
        heading = {"format": "ftc-progress", "engine": _version(), "certificate": certificate, "route": route}
        journal = cls(None if path is None else Path(path), heading)
        if journal.path is None or not journal.path.exists():
            return journal
        try:
            content = json.loads(journal.path.read_bytes())
            if content["format"] != heading["format"]:
                raise ValueError("another format")
            if all(content[key] == value for key, value in heading.items()):
                journal.reports = dict(map(_entry, content["settled"]))
        except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
            raise ValueError(f"{path} is no progress file: {error}") from None
        return journal

    def add(self, task: Task, report: Report) -> None:
        if report.violated is None:
            self.reports[task.claim, task.first, task.last] = report
        if time.monotonic() - self.saved > _EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        if self.path is None:
            return
        settled = [[*key, report.undecided, report.routes] for key, report in sorted(self.reports.items())]
        handle, name = tempfile.mkstemp(prefix=".aside-", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w") as stream:
                json.dump({**self.heading, "settled": settled}, stream)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self.saved = time.monotonic()


def _entry(raw: Any) -> tuple[tuple[int, int, int], Report]:
    claim, first, last, undecided, routes = raw
    numbers = [claim, first, last, undecided, *routes.values()] if type(routes) is dict else [None]
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError(f"unexpected entry {str(raw)[:80]}")
    return (claim, first, last), Report(settled=last - first, undecided=undecided, routes=routes)


def _version() -> str:
    """A digest of the code whose word the file is: of engine and kernel."""
    here = Path(__file__).parent
    sha256 = hashlib.sha256()
    for file in sorted([*here.glob("*.py"), *here.with_name("kernel").glob("*.py")]):
        sha256.update(file.read_bytes())
    return sha256.hexdigest()
