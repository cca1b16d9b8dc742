"""Progress bars: on a terminal, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["steps"]


@contextmanager
def steps() -> Iterator[tuple[Any, Any]]:
    """`say(text)` names the running step, `count(done, total)` moves its bar; only on terminals."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("reading", total=None)
        yield (
            lambda text: bar.update(task, description=text, total=None),
            lambda done, total: bar.update(task, completed=done, total=total),
        )
