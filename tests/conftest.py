"""The command line, for all tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import ftc.cli

Run = Callable[..., int]


def ftc_run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr("sys.argv", ["ftc", *arguments])
    with pytest.raises(SystemExit) as stop:
        ftc.cli.main()
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in an empty folder; the answer is the exit code."""
    monkeypatch.chdir(tmp_path)
    return partial(ftc_run, monkeypatch)
