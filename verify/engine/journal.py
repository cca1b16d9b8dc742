"""The progress file: which stretches of points are settled, so that a run can be resumed."""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from verify.engine.examine import Report, Task

__all__ = ["Journal"]

_EVERY = 1.0  # seconds between two writes


@dataclass
class Journal:
    """Reports by stretch, for one claim of one certificate; `path` None keeps them in memory only."""

    path: Path | None
    heading: dict[str, Any]
    reports: dict[tuple[int, int], Report] = field(default_factory=dict)
    saved: float = 0.0

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None, key: str, claim: int, route: str) -> Journal:
        """Take up a progress file; one about another certificate, claim or route is begun anew.

        Raises:
            ValueError: the file exists and is no progress file.
        """
        heading = {"format": "ftc-progress", "certificate": key, "claim": claim, "route": route}
        journal = cls(None if path is None else Path(path), heading)
        if journal.path is None or not journal.path.exists():
            return journal
        try:
            content = json.loads(journal.path.read_text())
            known = {k: content[k] for k in heading}
            reports = {(a, b): Report(**report) for a, b, report in content["reports"]}
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise ValueError(f"{path} is no progress file: {error}") from None
        if known["format"] != heading["format"]:
            raise ValueError(f"{path} is no progress file")
        if known == heading:
            journal.reports = reports
        return journal

    def add(self, task: Task, report: Report) -> None:
        self.reports[task.first, task.last] = report
        if time.monotonic() - self.saved > _EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        if self.path is None:
            return
        reports = [[a, b, asdict(report)] for (a, b), report in sorted(self.reports.items())]
        handle, name = tempfile.mkstemp(prefix=".aside-", dir=self.path.parent)
        with os.fdopen(handle, "w") as stream:
            json.dump({**self.heading, "reports": reports}, stream)
        Path(name).replace(self.path)
        self.saved = time.monotonic()
