"""The notebooks: numbered, titled, paired, without outputs. `make notebooks` runs them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

jupytext = pytest.importorskip("jupytext")

FOLDER = Path(__file__).parent.parent / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))
each = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def cells(file: Path) -> list[Any]:
    return list(jupytext.read(file).cells)


def text(file: Path, kind: str) -> str:
    return "\n\n".join(cell.source for cell in cells(file) if cell.cell_type == kind)


def test_every_notebook_has_its_pair() -> None:
    assert SOURCES
    assert {path.stem for path in SOURCES} == {path.stem for path in FOLDER.glob("*.ipynb")}


@each
def test_pairs_agree(source: Path) -> None:
    mine, other = (
        [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in cells(file)]
        for file in (source, source.with_suffix(".ipynb"))
    )
    assert mine == other, f"make pairs: {source.name} has changed"


@each
def test_no_outputs_are_committed(source: Path) -> None:
    for cell in cells(source.with_suffix(".ipynb")):
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@each
def test_titles_are_numbered_verbs(source: Path) -> None:
    number, verb = source.stem.split("_")[:2]
    first = cells(source)[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {int(number)}. {verb.capitalize()} ")


def test_no_number_comes_twice() -> None:
    numbers = [source.stem.split("_")[0] for source in SOURCES]
    assert len(set(numbers)) == len(numbers)


@each
def test_a_notebook_states_a_theorem_and_asserts_it(source: Path) -> None:
    assert "**Theorem" in text(source, "markdown")
    assert "**Break it.**" in text(source, "markdown")
    code = ast.parse(re.sub(r"^%.*$", "", text(source, "code"), flags=re.MULTILINE))
    asserted = [ast.unparse(node) for node in ast.walk(code) if isinstance(node, ast.Assert)]
    assert len(asserted) >= 10
    assert any("accepted" in test for test in asserted)
    assert any("rejected" in test or "Refut" in test for test in asserted)


@each
def test_every_exercise_has_a_collapsed_solution_that_asserts(source: Path) -> None:
    all_cells = cells(source)
    (start,) = (k for k, cell in enumerate(all_cells) if cell.source.startswith("## Exercises"))
    asked = re.findall(r"^(\d)\. ", all_cells[start].source, flags=re.MULTILINE)
    solutions = all_cells[start + 1 :]
    assert 2 <= len(asked) <= 3
    assert len(solutions) == len(asked)
    for number, cell in zip(asked, solutions, strict=True):
        assert cell.source.startswith(f"# Solution {number}:")
        assert cell.metadata["tags"] == ["solution"]
        assert cell.metadata["jupyter"] == {"source_hidden": True}
        assert "assert " in cell.source


@each
def test_a_notebook_is_read_in_ten_minutes(source: Path) -> None:
    """At 200 words a minute, formulas as words; and a line of code takes three seconds."""
    words, lines = len(text(source, "markdown").split()), len(text(source, "code").splitlines())
    assert words / 200 + lines / 20 <= 12


@each
def test_links_between_notebooks_lead_somewhere(source: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text(source, "markdown")):
        assert (FOLDER / target).exists(), target
