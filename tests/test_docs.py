"""What the documentation says is so: references resolve, theorems have evidence, pages do what they show."""

from __future__ import annotations

import base64
import importlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pages import run_page

pytest.importorskip("mkdocs", reason="the documentation needs the extra `docs`")
pytest.importorskip("latex2mathml", reason="the documentation needs the extra `docs`")

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from constructions import CONSTRUCTIONS, SPATIAL, FineTuningProblem, bounds, build
from constructions.adversarial import worst_case
from constructions.literature import CLAIMS
from constructions.obstruction import obstruct
from constructions.size_formula import SizeFormula
from docs.hooks import project, references
from docs.hooks.formulas import mathml, with_mathml
from docs.hooks.project import modules, notebook_page
from docs.hooks.references import BIB, citations, entries, listed
from docs.hooks.theorems import THEOREMS, N, on_page_markdown, survived, verdict
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
        for name in (*theorem.executed, *(by.split()[0] for by in theorem.obstructed)):
            known = {*CONSTRUCTIONS, *SPATIAL, "obstruct", "least_width"}
            assert name in known or hasattr(module, name)
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


def test_a_false_claim_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CLAIMS, "false", replace(CLAIMS["tents"], name="false", neurons="3*N - 1"))
    with pytest.raises(ValueError, match="refuted: false"):
        survived("false")


# What a statement says, and what `bounds` says for N edits among K points; a lower bound is rounded up.
STATED: tuple[tuple[str, str, Callable[[int, int], int]], ...] = (
    ("two-layers", r"\min(3N, K-2)", bounds.two_layer_exact),
    ("three-layers", r"\min_r \lceil N/r \rceil + 4r", lambda n, k: bounds.upper_grid(n)),
    ("three-layers", r"\min_r \lceil N/r \rceil + 3r", lambda n, k: bounds.upper_grid(n, one_sign=True)),
    ("three-layers", r"\lceil 2\sqrt{K} \rceil", lambda n, k: bounds.ceil_two_sqrt(k)),
    ("three-layers", r"\lfloor 2\sqrt{4N + 1} \rfloor - 2", lambda n, k: bounds.lower_halves(n)),
    ("three-layers", r"2\sqrt{K-1} - 2", lambda n, k: bounds.lower_windows(3, k, k)),
    ("three-layers", r"2\sqrt{3N + 1} - 2", lambda n, k: bounds.lower_windows(3, n, one_sign=True)),
    ("four-layers", r"\lceil 2\sqrt{N} \rceil + 4", lambda n, k: bounds.upper_crossing(4, n)),
    ("four-layers", r"\lceil 2\sqrt{N} \rceil + 3", lambda n, k: bounds.upper_crossing(4, n, one_sign=True)),
    ("four-layers", r"2\sqrt{N} - 2", lambda n, k: bounds.lower_parameters(5, n)),
    ("four-layers", r"2\sqrt{N-1} - 1", lambda n, k: bounds.lower_parameters(4, n)),
    ("lift", r"\min_r \lceil N/r \rceil + 3r + 2", lambda n, k: bounds.least_width(n, 3)[0] + 2),
    ("short-numbers", r"\min_r 2\lceil N/r \rceil + r + 3", lambda n, k: bounds.crossing_width(n, 1)[0] + 4),
)  # fmt: skip


def plain(latex: str) -> str:
    text = re.sub(r"\\sqrt\{(.*?)\}", r"sqrt(\1)", latex)
    for tex, word in ((r"\lceil", "ceil("), (r"\lfloor", "floor("), (r"\rceil", ")"), (r"\rfloor", ")")):
        text = text.replace(tex, word)
    return re.sub(r"(?<=\d)\s*(?=[a-zA-Z(])", "*", text.replace("\\", ""))


def value(latex: str, n: int, k: int) -> int:
    """The least integer that is not below a formula of a statement."""
    if latex.startswith(r"\min_r "):
        inner = latex.removeprefix(r"\min_r ")
        return min(value(re.sub(r"(?<![a-z])r(?![a-z])", f"({r})", inner), n, k) for r in range(1, n + 1))
    return -SizeFormula.parse(f"-({plain(latex)})").floor(n, k)


@pytest.mark.parametrize(("key", "latex", "bound"), STATED)
def test_a_theorem_says_what_the_bounds_are(key: str, latex: str, bound: Callable[[int, int], int]) -> None:
    (statement,) = (theorem.statement for theorem in THEOREMS if theorem.key == key)
    assert f"{latex}$" in statement or f"{latex}," in statement or f"{latex} = " in statement
    for n in (2, 3, 7, 30, 100):
        for k in (max(5, n), 3 * n + 2, 9 * n):
            assert value(latex, n, k) == bound(n, k), (n, k)


LIMITS = (
    ("three-layers", r"4\sqrt{N} + 1", lambda n: bounds.least_width(n, 4)[0]),
    ("three-layers", r"2\sqrt{3N} + 1", lambda n: bounds.least_width(n, 3)[0]),
)


@pytest.mark.parametrize(("key", "latex", "width"), LIMITS)
def test_a_limit_of_a_theorem_is_one(key: str, latex: str, width: Callable[[int], int]) -> None:
    """And no integer less would be."""
    (statement,) = (theorem.statement for theorem in THEOREMS if theorem.key == key)
    assert f"at most ${latex}$" in statement
    room = {SizeFormula.parse(plain(latex)).floor(n) - width(n) for n in range(1, 200)}
    assert min(room) == 0


@pytest.mark.parametrize(("n", "k"), [(100, 401), (100, 350), (100, 150), (3, 9)])
def test_three_layers_from_below_for_every_k(n: int, k: int) -> None:
    (theorem,) = (theorem for theorem in THEOREMS if theorem.key == "three-layers")
    w = min(2 * n, (k - 1) // 2)
    assert r"$w = \min(2N, \lfloor (K-1)/2 \rfloor)$" in theorem.statement
    assert r"$\lfloor 2\sqrt{2w + 1} \rfloor - 2$" in theorem.statement
    assert SizeFormula.parse(f"floor(2*sqrt(2*{w} + 1)) - 2").floor(n) == bounds.lower_halves(n, k)
    assert obstruct(worst_case(n, 3, k), 3).neurons >= bounds.lower_halves(n, k)


def test_the_table_has_the_numbers_of_the_statements_and_of_the_evidence() -> None:
    """Four layers need what a count of parameters says, and no instance shows."""
    found = {theorem.key: theorem for theorem in THEOREMS if theorem.numbers != (None, None)}
    latex = {
        "two-layers": (r"\min(3N, K-2)", r"\min(3N, K-2)"),
        "three-layers": (r"\lfloor 2\sqrt{4N + 1} \rfloor - 2", r"\min_r \lceil N/r \rceil + 4r"),
        "four-layers": (r"2\sqrt{N-1} - 1", r"\lceil 2\sqrt{N} \rceil + 4"),
    }
    assert latex.keys() == found.keys()
    for key, theorem in found.items():
        assert {(key, formula) for formula in latex[key]} <= {row[:2] for row in STATED}
        assert theorem.numbers == tuple(value(formula, N, 9 * N) for formula in latex[key])
        assert theorem.numbers[1] == min(make().network.neurons for make in theorem.executed.values())
        shown = max(make().neurons for make in theorem.obstructed.values())
        assert shown == theorem.numbers[0] or (key == "four-layers" and shown < theorem.numbers[0])


def test_general_position_says_what_was_built() -> None:
    spatial, vectors = (
        next(theorem for theorem in THEOREMS if theorem.key == key) for key in ("general-position", "vectors")
    )
    half, whole = -(-N // 2 // 3), -(-N // 3)  # d = 3, half of the changes are negative
    neurons = {name: make().network.neurons for name, make in spatial.executed.items()}
    assert neurons == {"general-position": 3 * half + 3 * half, "general-position-lift": 3 * whole + 2}
    for latex in (
        r"$3\lceil N_+/d \rceil + 3\lceil N_-/d \rceil$", r"$3\lceil N/d \rceil + 2$", r"$4\lceil N/d \rceil$"
    ):  # fmt: skip
        assert latex in spatial.statement
    assert CLAIMS["bubeck2020"].neurons == "4*ceil(N/d)"
    patch = vectors.executed["patch_vectors"]()
    assert patch.network.neurons == 3 * whole + len({tuple(v) for v in patch.problem.values.values()})
    assert r"$3\lceil N/d \rceil + T$ neurons, or two with $3N$" in vectors.statement


def test_sources_are_shown_with_the_theorems() -> None:
    page = on_page_markdown("<!-- evidence -->")
    for theorem in THEOREMS:
        assert f"Published before: {theorem.published}." in page
    sources = citations(theorem.published for theorem in THEOREMS)
    assert sources <= REFERENCES.keys()
    assert sources >= {"Sohn2024", "Yun2019", "Inoue2019", "Bubeck2020", "Baum1988"}


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
