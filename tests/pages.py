"""Running what a page shows: its programs and commands, in a folder of their own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path


def run_page(page: str, folder: Path) -> tuple[list[str], list[str]]:
    """Programs are run and files with a title written, in order, between the commands; what these print, and
    what the page says that they do."""
    found, said = "", ""
    for language, name, text in re.findall(
        r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```', page, flags=re.DOTALL | re.MULTILINE
    ):
        if name or language == "python":
            (folder / (name or "program.py")).write_text(text, encoding="utf-8")
        if language == "python" and not name:
            run = subprocess.run(
                [sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, check=False
            )
            assert run.returncode == 0, run.stderr
        if language == "console":
            found, said = found + run_commands(text, folder), said + text
    return plain(found), plain(said)


def run_commands(shown: str, folder: Path) -> str:
    """The commands of a block, each with what it prints."""
    found = []
    for command in re.findall(r"^\$ (.*)$", shown, flags=re.MULTILINE):
        run = subprocess.run(
            re.sub("^ftc ", f"{shlex.quote(sys.executable)} -m ftc ", command), shell=True,
            cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80"},
        )  # fmt: skip
        assert run.returncode in (0, 3), run.stderr
        found.append(f"$ {command}\n{run.stdout}")
    return "".join(found)


def plain(text: str) -> list[str]:
    """Lines without times; of a patch its verdicts and files, without numbers: these hang on how a processor
    rounds when a model is fitted and slabs are found."""
    lines, fitted = [], False
    for line in text.splitlines():
        if line.startswith("$ "):
            fitted = line.startswith("$ ftc patch") or "--model" in line
        if not fitted:
            lines.append(re.sub(r"\d\.\d\d s|^ seconds .*", "", line).rstrip())
        elif line.startswith(("$ ", "accepted", "edits with", "wrote")):
            lines.append(re.sub(r"\d[\d.,e/-]*", "#", line))
    return lines
