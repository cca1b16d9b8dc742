"""Pages from elsewhere in the project: what certificates and benchmarks say, notebooks, and a page for every
module. A page keeps its place in the project, so that its links hold.
"""

from __future__ import annotations

import ast
import base64
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from ftc.figures import FIGURES

ROOT = Path(__file__).parents[2]
SHOWN = (
    "verify/CERTIFICATE.md",
    "verify/TRUST.md",
    "benchmarks/patching/README.md",
    "benchmarks/results/README.md",
    "benchmarks/results/patching.md",
    "benchmarks/results/patching.svg",
    "benchmarks/results/building.svg",
    "benchmarks/results/checking.svg",
)
PACKAGES = ("constructions", "verify", "ftc")
LOG = get_plugin_logger("project")


def modules() -> dict[str, str]:
    """The first sentence of every public module, by name."""
    found = {}
    for source in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = source.relative_to(ROOT).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
            found[".".join(parts)] = re.split(r"(?<=\.)\s|\n\n", text)[0].replace("\n", " ")
    return dict(sorted(found.items(), key=lambda item: (PACKAGES.index(item[0].split(".")[0]), item[0])))


def notebook_page(path: Path, run: Path) -> str:
    """A notebook as Markdown: its text and its code, and the outputs if it has been run as it is."""
    import jupytext

    cells = jupytext.read(path).cells
    if run.exists():
        executed = jupytext.read(run).cells
        if [cell.source for cell in executed] == [cell.source for cell in cells]:
            cells = executed
    parts = []
    for cell in cells:
        if cell.cell_type == "markdown":
            parts.append(re.sub(r"\]\((\d\w+)\.(?:ipynb|py)\)", r"](\1.md)", cell.source))
        elif cell.cell_type == "code" and cell.source.strip():
            parts.append(fenced(cell.source, "python"))
            parts += [shown for output in cell.get("outputs", []) if (shown := output_of(output))]
    return "\n\n".join(parts)


def output_of(output: Any) -> str:
    """An output of a cell: a picture if it has one, else its text. Warnings are none."""
    if output.get("name") == "stderr":
        return ""
    data = output.get("data", {})
    if "image/svg+xml" in data:
        encoded = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
        return f"![output](data:image/svg+xml;base64,{encoded})"
    if "image/png" in data:
        return f"![output](data:image/png;base64,{''.join(data['image/png']).strip()})"
    text = "".join(output.get("text", "") or data.get("text/plain", ""))
    return fenced(text, "text") if text.strip() else ""


def fenced(text: str, language: str) -> str:
    marks = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", text))])
    return f"{marks}{language}\n{text.rstrip()}\n{marks}"


def title_of(page: str, name: str) -> str:
    found = re.search(r"^# (.+)$", page, flags=re.MULTILINE)
    return found[1] if found else name


def first_table(page: str) -> str:
    return page[page.index("\n| ") + 1 :].split("\n\n")[0]


def label_of(place: str, page: str) -> str:
    """The place in the navigation: a module without its package, a notebook by its title."""
    name = Path(place).stem
    if place.startswith("notebooks/"):
        return re.sub(r"[$\\`{}]", "", title_of(page, name))  # formulas as plain text
    return ".".join(Path(place).with_suffix("").parts[2:] or (name,)) if place.count("/") > 1 else "overview"


def made() -> dict[str, str]:
    """Every page that is made, by its place in the site."""
    pages = {
        f"api/{name.replace('.', '/')}.md": f"---\ntitle: {name}\n---\n\n::: {name}\n" for name in modules()
    }
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    runs = ROOT / "build/notebooks"  # by `make notebooks`
    return pages | {f"notebooks/{path.stem}.md": notebook_page(path, runs / path.name) for path in notebooks}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Made pages take their places in the navigation."""
    pages = made()

    def expanded(entry: Any) -> Iterator[Any]:
        if isinstance(entry, list):
            yield [found for part in entry for found in expanded(part)]
        elif isinstance(entry, dict):
            for label, inside in entry.items():
                found = list(expanded(inside))
                yield {label: found if isinstance(inside, str) and inside.endswith("/*") else found[0]}
        elif entry.endswith("/*"):
            folder = entry[:-2]
            for place, text in pages.items():
                if place == f"{folder}.md" or place.startswith(f"{folder}/"):
                    yield {label_of(place, text): place}
        else:
            yield entry

    config.nav = next(expanded(config.nav))
    config.extra["made"] = pages
    config.watch += [str(ROOT / folder) for folder in (*PACKAGES, "notebooks", "benchmarks/results")]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for place, text in config.extra["made"].items():
        files.append(File.generated(config, place, content=text))
    for place in SHOWN:
        files.append(File.generated(config, place, abs_src_path=str(ROOT / place)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lists of modules and notebooks, and figures. One that is not made is a warning: an error if strict."""
    if "<!-- modules -->" in markdown:
        rows = (
            f"| [`{name}`](api/{name.replace('.', '/')}.md) | {text} |" for name, text in modules().items()
        )
        markdown = markdown.replace("<!-- modules -->", "\n".join(("| module | |", "| --- | --- |", *rows)))
    if "<!-- notebooks -->" in markdown:
        made_here = {
            place: text for place, text in config.extra["made"].items() if place.startswith("notebooks/")
        }
        rows = (f"- [{title_of(text, place)}]({place})" for place, text in made_here.items())
        markdown = markdown.replace("<!-- notebooks -->", "\n".join(rows))

    if "<!-- contest -->" in markdown:
        results = (ROOT / "benchmarks/results/patching.md").read_text(encoding="utf-8")
        markdown = markdown.replace("<!-- contest -->", first_table(results))

    def figure(found: re.Match[str]) -> str:
        name = found[1]
        caption = (inspect.getdoc(FIGURES[name]) or "").splitlines()[0]
        if files.get_file_from_path(f"figures/{name}.svg") is None:
            LOG.warning("%s shows figures/%s.svg, which is not made: `make figures`", page.file.src_uri, name)
            return ""
        up = "../" * page.file.src_uri.count("/")
        return f"![{caption}]({up}figures/{name}.svg)\n\n*{caption}*"

    markdown = markdown.replace(
        "<!-- figures -->", "\n\n".join(f"<!-- figure {name} -->" for name in FIGURES)
    )
    return re.sub(r"<!-- figure ([\w-]+) -->", figure, markdown)
