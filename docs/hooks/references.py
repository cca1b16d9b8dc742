"""References: `references.bib` is the only list. `[Key]` in any text becomes a link to its entry."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

BIB = Path(__file__).parents[1] / "references.bib"
KEY = re.compile(r"\[([A-Z][A-Za-z]+(?:19|20)\d\d[a-z]?)\]")
"""A citation: a name and a year in brackets."""


def entries(text: str) -> dict[str, dict[str, str]]:
    """The fields of every entry, by its key.

    Raises:
        ValueError: a key occurs twice, or something is left over that is no entry.
    """
    found: dict[str, dict[str, str]] = {}
    for _, key, body in re.findall(r"@(\w+)\{(\w+),\n(.*?)\n\}", text, flags=re.DOTALL):
        if key in found:
            raise ValueError(f"references.bib has {key} twice")
        fields = re.findall(r"^  (\w+) = \{(.*)\},$", body, flags=re.MULTILINE)
        if len(fields) != body.count("\n") + 1:
            raise ValueError(f"references.bib: {key} has a line that is not `name = {{value}},`")
        found[key] = {name: re.sub(r"[{}]", "", value) for name, value in fields}
    if len(found) != text.count("@"):
        raise ValueError("references.bib has an entry that is not written as the others are")
    return found


def citations(texts: Iterable[str]) -> set[str]:
    """All keys that the texts cite."""
    return {key for text in texts for key in KEY.findall(text)}


def listed(fields: dict[str, str]) -> str:
    """An entry as a line of Markdown."""
    authors = fields["author"].split(" and ")
    if authors[-1] == "others":
        authors[-1] = "and others"
    where = fields.get("booktitle") or fields.get("journal") or ""
    parts = [", ".join(authors).replace(", and others", " and others").rstrip(".")]
    parts += [f"*{fields['title']}*", f"{where}, {fields['year']}".removeprefix(", ")]
    if "eprint" in fields:
        parts.append(f"arXiv:{fields['eprint']}")
    return ". ".join(parts) + "." + (f" ({fields['note']}.)" if "note" in fields else "")


def on_page_markdown(markdown: str, **_: Any) -> str:
    rows = [
        f'<a id="{key}"></a>**{key}**\n:   {listed(fields)}'
        for key, fields in sorted(entries(BIB.read_text(encoding="utf-8")).items())
    ]
    return markdown.replace("<!-- references -->", "\n\n".join(rows))


def on_page_content(content: str, page: Page, files: Files, **_: Any) -> str:
    known = entries(BIB.read_text(encoding="utf-8"))
    target = files.get_file_from_path("references.md")
    if target is None or page.file.src_uri == "references.md":
        return content
    url = get_relative_url(target.url, page.url)

    def link(found: re.Match[str]) -> str:
        key = found[1]
        if key not in known:
            raise ValueError(f"{page.file.src_uri} cites {key}, which is not in references.bib")
        return f'[<a href="{html.escape(url)}#{key}">{key}</a>]'

    return KEY.sub(link, content)
