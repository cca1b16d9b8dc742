"""The site as it is built: no warnings, no dead links, nothing from outside, all pictures and citations;
and as Chromium shows it. With the variable SITE_MUST_BE_SEEN, as in the gate, nothing of this is left out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from ftc.figures import FIGURES

ROOT = Path(__file__).parent.parent
LEAST_PAGES = 100
MUST_BE_SEEN = "SITE_MUST_BE_SEEN" in os.environ
CITATION = re.compile(r"\[([A-Z][A-Za-z]+(?:19|20)\d\d[a-z]?)\]")


class Links(HTMLParser):
    """What a page offers (`ids`), points to (`links`), and loads (`loaded`)."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        if "href" in given and (tag == "a" or given.get("rel") in ("next", "prev", "canonical")):
            self.links.append(given["href"])
        else:
            self.loaded += [given[name] for name in ("src", "href", "data", "poster") if name in given]


def built(folder: Path) -> list[Path]:
    """All pages of the site, built strictly."""
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr, run.stderr
    return sorted(folder.rglob("*.html"))


def dead_links(pages: list[Path]) -> list[str]:
    """Links of pages that lead nowhere, or that load something from elsewhere."""
    found, known = [], {page: Links(page) for page in pages}
    for page, links in known.items():
        for target in (*links.links, *links.loaded):
            parts = urlsplit(target)
            if parts.scheme == "data" or (parts.scheme in ("http", "https") and target in links.links):
                continue
            place = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            there = not parts.scheme and not parts.netloc and place.is_file()
            if not there or (place in known and unquote(parts.fragment) not in known[place].ids):
                found.append(f"{page.name}: {target}")
    return found


def pictures_of(notebook: Path) -> int | None:
    """How many outputs of a notebook are pictures, if it has been run as it is."""
    run = ROOT / "build/notebooks" / notebook.name
    if not run.exists():
        return None
    cells, executed = (json.loads(path.read_text(encoding="utf-8"))["cells"] for path in (notebook, run))
    if [cell["source"] for cell in cells] != [cell["source"] for cell in executed]:
        return None
    outputs = [output for cell in executed for output in cell.get("outputs", [])]
    return sum(any(kind.startswith("image/") for kind in output.get("data", {})) for output in outputs)


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


RENDERED = r"""() => ({
  title: document.querySelector("h1") !== null,
  formulas: [...document.querySelectorAll("math")].filter(math => {
    const box = math.getBoundingClientRect()
    return box.width > 0 && box.height > 0 && math.namespaceURI.endsWith("MathML")
  }).length,
  hidden: document.querySelectorAll("math").length,
  flat: [...document.querySelectorAll("msub")].filter(indexed => {
    const [base, index] = [...indexed.children].map(part => part.getBoundingClientRect())
    return index.width > 0 && /^\w/.test(indexed.children[1].textContent) && index.bottom < base.bottom + 1
  }).map(indexed => indexed.textContent),
  raw: document.querySelectorAll(".arithmatex, merror").length,
  broken: [...document.images].filter(image => !image.naturalWidth).map(image => image.src.slice(0, 80)),
})"""


def seen(pages: list[Path], executable: str) -> tuple[list[str], int]:
    """What goes wrong when the pages are looked at, and how many formulas are shown."""
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    formulas = 0
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=executable,
            args=[
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        )  # fmt: skip
        tab = browser.new_page()

        def note(what: str) -> None:
            wrong.append(f"{tab.url}: {what}")

        def asked(request: Any) -> None:
            if not request.url.startswith(("file:", "data:", "blob:")):
                note(f"asks for {request.url}")

        tab.on(
            "console", lambda message: note(message.text) if message.type in ("error", "warning") else None
        )
        tab.on("pageerror", lambda error: note(str(error)))
        # what is asked for when the next page comes is aborted
        tab.on("requestfailed", lambda r: note(f"cannot load {r.url}") if "ABORT" not in r.failure else None)
        tab.on("request", asked)
        for page in pages:
            tab.goto(page.as_uri(), wait_until="load")
            state = tab.evaluate(RENDERED)
            formulas += state["formulas"]
            flat = state["flat"] if MUST_BE_SEEN else []  # an index not below its base: no font for formulas
            failed = state["raw"] or state["broken"] or flat
            if not state["title"] or failed or state["formulas"] != state["hidden"]:
                note(str(state))
        tab.goto(next(page for page in pages if page.name == "start.html").as_uri())
        tab.keyboard.press("f")
        tab.keyboard.type("certificate")
        tab.wait_for_selector(".md-search-result__item", timeout=10_000)
        browser.close()
    return wrong, formulas


def all_is_shown(site: Path, pages: list[Path]) -> None:
    """Every figure, every picture that a notebook makes, and a link for every citation."""
    shown = Links(site / "figures.html").loaded
    assert {f"figures/{name}.svg" for name in FIGURES} <= {*shown}
    assert len(shown) == len({*shown})
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        wanted = pictures_of(notebook)
        assert wanted is not None or not MUST_BE_SEEN, f"{notebook.name} is not run: `make notebooks`"
        loaded = Links(site / "notebooks" / f"{notebook.stem}.html").loaded
        assert sum(target.startswith("data:image/") for target in loaded) == (wanted or 0), notebook.name
    linked = set()
    for page in pages:
        assert not CITATION.findall(page.read_text(encoding="utf-8")), page
        linked |= {urlsplit(link).fragment for link in Links(page).links if "references.html#" in link}
    texts = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.py")]
    cited = {key for text in texts for key in CITATION.findall(text.read_text(encoding="utf-8"))}
    assert cited
    assert cited <= linked


@pytest.mark.slow
def test_the_site(tmp_path: Path) -> None:
    if not MUST_BE_SEEN:
        pytest.importorskip("mkdocs", reason="the documentation needs the extra `docs`")
    pages = [page for page in built(tmp_path / "site") if page.name != "404.html"]
    assert len(pages) > LEAST_PAGES
    assert not dead_links(pages)
    all_is_shown(tmp_path / "site", pages)
    executable = chromium()
    if not MUST_BE_SEEN:
        if executable is None:
            pytest.skip("built without warnings, and no link is dead; not looked at: there is no Chromium")
        pytest.importorskip("playwright", reason="built without warnings; not looked at: no playwright")
    assert executable, "there is no Chromium to look at the site with"
    modules = [page for page in pages if "api" in page.relative_to(tmp_path).parts]
    others = [page for page in pages if page not in modules]
    wrong, formulas = seen([*others, *modules[::6]], executable)  # modules are shown all alike
    assert not wrong, "\n".join(wrong)
    assert formulas > 50
