"""What the README and the notebooks show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_prints_what_the_readme_says(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", block("python")], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout == block("text")


def test_links_and_modules_of_the_readme_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    for name in re.findall(r"`constructions\.([a-z_]+)`", README):
        assert (ROOT / "constructions" / f"{name}.py").exists(), name


@pytest.mark.parametrize("source", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_notebooks_run(source: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, source], cwd=tmp_path, check=True, capture_output=True)


def test_benchmarks_run(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "building.py"
    subprocess.run([sys.executable, script, "--quick"], cwd=tmp_path, check=True, capture_output=True)
