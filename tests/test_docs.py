"""What the documentation says is so: references resolve, theorems have evidence, pages do what they show."""

from __future__ import annotations

import base64
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pages import run_page

pytest.importorskip("mkdocs", reason="the documentation needs the extra `docs`")
pytest.importorskip("latex2mathml", reason="the documentation needs the extra `docs`")

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from constructions import CONSTRUCTIONS, SPATIAL, FineTuningProblem, build
from constructions.literature import CLAIMS
from docs.hooks import project, references
from docs.hooks.formulas import mathml, with_mathml
from docs.hooks.project import modules, notebook_page
from docs.hooks.references import BIB, citations, entries, listed
from docs.hooks.theorems import THEOREMS, verdict
from verify.symbolic import LEMMAS

ROOT = Path(__file__).parent.parent
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in ("constructions", "verify", "ftc", "benchmarks", "notebooks", "docs", "README.md")
    for path in ([ROOT / folder] if folder.endswith(".md") else sorted((ROOT / folder).rglob("*")))
    if path.suffix in (".py", ".md")
}
REFERENCES = entries(BIB.read_text(encoding="utf-8"))


@pytest.mark.parametrize("place", [place for place, text in TEXTS.items() if citations([text])])
def test_citations_resolve(place: str) -> None:
    assert citations([TEXTS[place]]) <= REFERENCES.keys()


def test_sources_of_claims_resolve() -> None:
    """In the names of claims too: `zhang2017`."""
    sources = {claim.source for claim in CLAIMS.values()}
    assert sources - REFERENCES.keys() == {"this project"}
    named = {name for name in CLAIMS if re.search(r"\d{4}$", name)}
    assert {name.capitalize() for name in named} <= REFERENCES.keys()


def test_references_are_whole_and_used() -> None:
    assert citations(TEXTS.values()) | {claim.source for claim in CLAIMS.values()} >= REFERENCES.keys()
    for key, fields in REFERENCES.items():
        assert {"author", "title", "year"} <= fields.keys(), key
        assert fields["year"] == key[-4:]
        first = fields["author"].split(" and ")[0].split()[-1]
        assert key.startswith(first), key


def test_the_readme_has_the_same_references() -> None:
    described = TEXTS["README.md"].split("## References")[1]
    for key, text in re.findall(
        r"^- \[(\w+)\] (.*?)(?=\n- |\n\n)", described, flags=re.DOTALL | re.MULTILINE
    ):
        words, fields = " ".join(text.split()), REFERENCES[key]
        assert fields["year"] in words
        assert all(author.split()[-1] in words for author in fields["author"].split(" and "))
        assert fields.get("eprint", "") in words


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@misc{A2000,\n  title = {x},\n}\n@misc{A2000,\n  title = {y},\n}\n", "A2000 twice"),
        ("@misc{A2000,\n  title = x,\n}\n", "A2000 has a line"),
        ("@misc{A2000, title = {x}}\n", "not written as the others"),
    ],
)
def test_a_bad_bibliography(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        entries(text)


def test_a_reference_in_words() -> None:
    fields = {"author": "G. Katz and others", "title": "A", "booktitle": "CAV", "year": "2019", "note": "B"}
    assert listed(fields) == "G. Katz and others. *A*. CAV, 2019. (B.)"


def test_every_theorem_has_evidence_that_exists() -> None:
    assert len({theorem.key for theorem in THEOREMS}) == len(THEOREMS)
    for theorem in THEOREMS:
        assert theorem.executed or theorem.obstructed
        module = importlib.import_module(theorem.module)
        for name in (*theorem.executed, *theorem.obstructed):
            assert name in {**CONSTRUCTIONS, **SPATIAL} or hasattr(module, name) or name == "obstruct"
        assert set(theorem.hunted) <= CLAIMS.keys()
        assert set(theorem.symbolic) <= LEMMAS.keys()


def test_all_evidence_is_in_the_theorems() -> None:
    executed = {name for theorem in THEOREMS for name in theorem.executed}
    assert executed >= {*CONSTRUCTIONS, *SPATIAL}
    ours = {name for name, claim in CLAIMS.items() if claim.source == "this project"}
    assert {name for theorem in THEOREMS for name in theorem.hunted} == ours
    assert {name for theorem in THEOREMS for name in theorem.symbolic} == LEMMAS.keys()


def test_evidence_is_judged() -> None:
    problem = FineTuningProblem([[0], [1], [2]], edits={1: 1})
    solution = build(problem, 2)
    assert verdict(lambda: solution).startswith("`edit`: 2 neurons")
    object.__setattr__(solution, "problem", FineTuningProblem([[0], [1], [2]], edits={1: 2}))
    with pytest.raises(ValueError, match="rejected: claim 0"):
        verdict(lambda: solution)


def test_every_public_module_has_a_page() -> None:
    found = modules()
    assert {"constructions.bounds", "verify.kernel.check", "ftc.torch.patching", "ftc"} <= found.keys()
    assert not [name for name in found if "._" in name]
    assert all(text.endswith((".", "?")) for text in found.values()), found


def page_of(place: str, *others: str) -> tuple[Page, Files, MkDocsConfig]:
    """A page among others, as MkDocs has them."""
    config = MkDocsConfig()
    config.load_dict({"site_name": "", "use_directory_urls": False})
    config.validate()
    files = Files([File(name, "docs", "site", use_directory_urls=False) for name in (place, *others)])
    return Page("", files.src_uris[place], config), files, config


def test_citations_become_links() -> None:
    page, files, _ = page_of("howto/a.md", "references.md")
    shown = references.on_page_content("by [Yun2019] and [Sohn2024]", page, files)
    assert shown.count("<a href=") == 2
    assert '[<a href="../references.html#Yun2019">Yun2019</a>]' in shown
    with pytest.raises(ValueError, match="cites Nobody2001"):
        references.on_page_content("by [Nobody2001]", page, files)
    assert 'id="Yun2019"' in references.on_page_markdown("<!-- references -->")


def test_a_figure_that_is_not_made_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    page, files, config = page_of("howto/a.md", "figures/grid.svg")
    shown = project.on_page_markdown("<!-- figure grid -->", page, config, files)
    assert "](../figures/grid.svg)" in shown
    assert not caplog.records
    assert project.on_page_markdown("<!-- figure bounds -->", page, config, files) == ""
    [record] = caplog.records  # an error in a strict build
    assert record.levelname == "WARNING"
    assert "howto/a.md shows figures/bounds.svg, which is not made" in record.getMessage()


def test_a_notebook_shows_the_outputs_of_these_cells_alone(tmp_path: Path) -> None:
    def written(name: str, source: str, outputs: list[dict[str, Any]]) -> Path:
        cell = {"cell_type": "code", "metadata": {}, "execution_count": None}
        cells = [{**cell, "source": source, "outputs": outputs}]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        (tmp_path / name).write_text(json.dumps(notebook))
        return tmp_path / name

    def shown(data: dict[str, str]) -> dict[str, Any]:
        return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "<Figure>", **data}}

    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": "14 neurons\n"},
        {"output_type": "stream", "name": "stderr", "text": "a warning\n"},
        shown({"image/svg+xml": "<svg/>"}),
        shown({"image/png": "iVBORw0K\n"}),
    ]
    path, run = written("a.ipynb", "draw()", []), written("run.ipynb", "draw()", outputs)
    page = notebook_page(path, run)
    assert page.startswith("```python\ndraw()\n```\n\n```text\n14 neurons\n```")
    assert f"](data:image/svg+xml;base64,{base64.b64encode(b'<svg/>').decode()})" in page
    assert "](data:image/png;base64,iVBORw0K)" in page
    assert "warning" not in page
    assert "<Figure>" not in page
    for stale in (written("stale.ipynb", "draw(1)", outputs), tmp_path / "absent.ipynb"):
        assert notebook_page(path, stale) == "```python\ndraw()\n```"


def test_formulas_become_mathml() -> None:
    page = (
        '<p><span class="arithmatex">\\(a &lt; \\sqrt{N}\\)</span></p><div class="arithmatex">\\[x\\]</div>'
    )
    made = with_mathml(page)
    assert "arithmatex" not in made
    assert "&#x0003C;" in made  # less than
    assert made.count("<math") == 2
    assert made.count('display="block"') == 1
    assert "<msqrt>" in made
    assert "<munder>" in mathml(r"\min_r x", block=True)
    assert "<msub>" in mathml(r"\min_r x")
    assert "<mtable" in mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}")
    for wrong in (r"\nosuch x", "a & b"):
        with pytest.raises(ValueError, match="becomes no MathML"):
            mathml(wrong)


SLOW = ("model", "hunt", "cluster", "scikit-learn", "pytorch", "onnx")


@pytest.mark.parametrize(
    "page",
    ["start", "howto/check", *(pytest.param(f"howto/{name}", marks=pytest.mark.slow) for name in SLOW)],
)
def test_pages_do_what_they_show(page: str, tmp_path: Path) -> None:
    found, said = run_page(TEXTS[f"docs/{page}.md"], tmp_path)
    assert found == said
    assert bool(found) == ("```console" in TEXTS[f"docs/{page}.md"])


def test_every_how_to_is_run() -> None:
    names = {path.stem for path in (ROOT / "docs" / "howto").glob("*.md")}
    assert names == {"check", *SLOW}
