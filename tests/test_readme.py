"""What the README shows is what happens."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import run_page

import verify

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


def parts() -> list[str]:
    """The sections on patches, which share their files, and every later one that shows commands."""
    _, *sections = README.split("\n## ")
    first = next(k for k, section in enumerate(sections) if section.startswith("How many neurons"))
    return ["\n".join(sections[:first]), *(part for part in sections[first:] if "```console" in part)]


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.splitlines()[0])
def test_commands_print_what_the_readme_says(part: str, tmp_path: Path) -> None:
    found, said = run_page(part, tmp_path)
    assert len(said) > 2
    assert found == said


def test_links_and_modules_of_the_readme_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    for name in re.findall(r"`constructions\.([a-z_]+)`", README):
        assert importlib.util.find_spec(f"constructions.{name}"), name


@pytest.mark.slow
def test_benchmarks_run(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "report.py"
    subprocess.run([sys.executable, script, "--quick", "--to", tmp_path], check=True, capture_output=True)
    assert {file.name for file in tmp_path.iterdir()} == {
        "README.md",
        "results.json",
        "building.svg",
        "checking.svg",
    }


def test_the_example_of_the_format_page_is_accepted(tmp_path: Path) -> None:
    page = (ROOT / "verify" / "CERTIFICATE.md").read_text(encoding="utf-8")
    (tmp_path / "example.json").write_text(re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)[0])
    verdict = verify.check(tmp_path / "example.json")
    assert verdict.status == "accepted", verdict.text()


def test_the_kernel_imports_the_standard_library_alone() -> None:
    for source in [*(ROOT / "verify" / "kernel").glob("*.py"), ROOT / "verify" / "__main__.py"]:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            for name in names:
                assert name.startswith("verify.kernel") or name.split(".")[0] in sys.stdlib_module_names


@pytest.mark.slow
def test_the_check_on_a_cluster(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    subprocess.run([sys.executable, "-c", block("python")], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "cluster.py").write_text(block("py"))
    run = subprocess.run(
        [sys.executable, "cluster.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.stdout == block("text").splitlines(keepends=True)[-1], run.stderr
