"""Formulas become MathML when the site is built: browsers need no script for them."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.pages import Page

_FORMULA = re.compile(
    r'<(span|div) class="arithmatex">\s*(?:\\\((.*?)\\\)|\\\[(.*?)\\\])\s*</\1>', flags=re.DOTALL
)


_IN_TITLE = re.compile(r"\\\((.*?)\\\)")


def on_page_content(content: str, page: Page, **_: Any) -> str:
    """In the text, and in the table of contents beside it."""
    entries = list(page.toc)
    for entry in entries:
        entry.title = _IN_TITLE.sub(lambda found: mathml(html.unescape(found[1])), entry.title)
        entries += entry.children
    return with_mathml(content)


def with_mathml(content: str) -> str:
    """HTML with MathML in place of what the Markdown extension `arithmatex` marks as LaTeX."""

    def made(found: re.Match[str]) -> str:
        inline, block = found[2], found[3]
        return mathml(html.unescape(block if inline is None else inline), block=inline is None)

    return _FORMULA.sub(made, content)


def mathml(latex: str, *, block: bool = False) -> str:
    """A formula as MathML. In a block, what is below `min` and `max` stands under them.

    Raises:
        ValueError: a command in it is not known.
    """
    if block:
        latex = re.sub(r"\\(min|max)\s*_", r"\\\1\\limits_", latex)
    found = convert(latex.strip().replace("{aligned}", "{align*}"), display="block" if block else "inline")
    if unknown := re.search(r">(\\\w+|&)<", found):
        raise ValueError(f"the formula {latex} has {unknown[1]}, which becomes no MathML")
    return str(found)
