"""Formulas become MathML when the site is built: browsers need no script for them."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(span|div) class="arithmatex">\s*(?:\\\((.*?)\\\)|\\\[(.*?)\\\])\s*</\1>', flags=re.DOTALL
)


def on_page_content(content: str, **_: Any) -> str:
    def mathml(found: re.Match[str]) -> str:
        inline, block = found[2], found[3]
        if inline is not None:
            return convert(html.unescape(inline).strip())
        return convert(html.unescape(block).strip(), display="block")

    return _FORMULA.sub(mathml, content)
