"""TeX in Markdown to MathML, at build time: a Python-Markdown extension.

    markdown_extensions:
      - gradbook_math

``$...$`` within a line is an inline formula, a block that starts and ends with ``$$`` is a display formula; with
``{ #name }`` after it, one that links can lead to.
The result needs no JavaScript; the TeX stays beside it in an ``<annotation encoding="application/x-tex">``,
which is what the page leg of the evidence reads. A dollar sign is written ``\\$``.

What ``\\textcolor{red}{...}`` sets off gets a class instead of the colour, and is no part of the annotation.

An unknown command, an unclosed ``$$`` or anything else that math-core cannot convert raises FormulaError,
which fails the build and names page and formula. Whether the picture a browser draws is right is not checked
here.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as etree
from functools import cache
from html import escape
from typing import Any

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.util import AtomicString
from math_core import LatexError, LatexToMathML

from derive.targets.latex import MARK

# Found wrong in browsers: (what math-core 0.9 writes, what it should be, why)
REPAIRS: tuple[tuple[str, str, str], ...] = (
    (
        '<mo stretchy="true">\u0332</mo>',
        '<mo stretchy="true">\u203e</mo>',
        "a bar above, not a combining low line",
    ),
    (' style="color:#FF0000;"', ' class="gb-new"', "a mark that a style sheet draws, in both schemes"),
    (">\u2299</mo>", ' largeop="false">\u2299</mo>', "the operator dictionary draws the dot product large"),
    ("<math", "<math data-search-exclude", "formulas are noise in a search index"),
)

# as in Pandoc: no space after the opening sign, none before the closing one, and no digit after that
INLINE = r"(?<![\\$])\$(?![\s$])([^$\n]*?[^\s$\\])\$(?![\d$])"
TAG = re.compile(r"<[^>]*>")
BEGIN = MARK.partition("%s")[0]  # of what is set off
LONG = 24  # characters within a line that a narrow screen may not hold: assets/math.css lets them scroll
WIDER = 100  # characters that no screen holds
OUTER = "<semantics><mrow>"
WIDE = '<mspace width="2em"/>'
DISPLAY = re.compile(r"\A\s*\$\$(.*?)\$\$[ \t]*(?:\{ #([\w-]+) \})?[ \t]*(?:\n|\Z)", re.DOTALL)


class FormulaError(ValueError):
    """A formula that cannot be shown: says which, on which page, and why."""

    def __init__(self, tex: str, reason: str, page: str) -> None:
        where = f"{page}: " if page else ""
        super().__init__(f"{where}cannot convert the formula\n    {tex}\n{reason}")


@cache
def _converter() -> Any:
    return LatexToMathML(annotation=True, fancy_error=False)


def mathml(tex: str, *, display: bool = False, page: str = "") -> str:
    """Return MathML for one formula, its TeX annotated. ``page`` only serves the FormulaError."""
    tex = " ".join(tex.split())
    try:
        html: str = _converter().convert_with_local_state(tex, displaystyle=display)
    except LatexError as error:
        raise FormulaError(tex, str(error).strip(), page) from None
    for wrong, right, _ in REPAIRS:
        html = html.replace(wrong, right)
    html = html.replace(escape(tex, quote=False), escape(unmarked(tex), quote=False)) if BEGIN in tex else html
    return in_parts(html) if display else html


def in_parts(html: str) -> str:
    """A formula of several relations with wide spaces between, each in a row of its own: a narrow screen puts one below
    the other (assets/math.css), for a browser breaks no line within a formula.
    """
    begin = html.find(OUTER)
    end = html.rfind("</mrow><annotation")
    if min(begin, end) < 0:
        return html
    start, depth, found = begin + len(OUTER), 0, []
    for tag in TAG.finditer(html, start, end):
        if tag[0] == WIDE and depth == 0:
            found.append(html[start : tag.end()])
            start = tag.end()
        depth += 0 if tag[0].endswith("/>") else -1 if tag[0].startswith("</") else 1
    if not found:
        return html
    parts = "".join(f"<mrow>{part}</mrow>" for part in (*found, html[start:end]))
    return f'{html[:begin]}<semantics><mrow class="gb-parts">{parts}{html[end:]}'


def unmarked(tex: str) -> str:
    """TeX without the marks, what they are on without its braces."""
    while (start := tex.find(BEGIN)) >= 0:
        begin, depth = start + len(BEGIN), 1
        end = begin
        while depth:
            depth += {"{": 1, "}": -1}.get(tex[end], 0)
            end += 1
        tex = tex[:start] + tex[begin : end - 1] + tex[end:]
    return tex


def _page(md: Markdown) -> str:
    """The page that MkDocs is converting; empty outside MkDocs."""
    relpath = md.treeprocessors["relpath"] if "relpath" in md.treeprocessors else None  # noqa: SIM401
    return str(getattr(getattr(relpath, "file", None), "src_uri", ""))


class _Inline(InlineProcessor):  # type: ignore[misc]
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:
        html = mathml(m[1], page=_page(self.md))
        length = len(TAG.sub("", html.partition("<annotation")[0]))
        if length > LONG:
            html = f'<span class="gb-long{" gb-wide" * (length > WIDER)}">{html}</span>'
        return self.md.htmlStash.store(html), m.start(0), m.end(0)


class _Display(BlockProcessor):  # type: ignore[misc]
    def test(self, parent: etree.Element, block: str) -> bool:
        return block.lstrip().startswith("$$")

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        block = blocks.pop(0)
        page, md = _page(self.parser.md), self.parser.md
        m = DISPLAY.match(block)
        if m is None:
            raise FormulaError(block.strip(), "a block that starts with $$ must end with $$, without blank lines", page)
        div = etree.SubElement(parent, "div", {"class": "math"} | ({"id": m[2]} if m[2] else {}))
        div.text = AtomicString(md.htmlStash.store(mathml(m[1], display=True, page=page)))
        if m[2]:  # the sign is in the style sheet: the page's text is the formula alone
            etree.SubElement(
                div, "a", {"class": "gb-anchor", "href": f"#{m[2]}", "aria-label": "link to this equation"}
            )
        if rest := block[m.end() :].strip("\n"):
            blocks.insert(0, rest)


class MathExtension(Extension):  # type: ignore[misc]
    """Registers both: inline after code spans and before backslash escapes, display before other blocks."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.ESCAPED_CHARS = [*md.ESCAPED_CHARS, "$"]
        md.inlinePatterns.register(_Inline(INLINE, md), "gradbook_math", 185)
        md.parser.blockprocessors.register(_Display(md.parser), "gradbook_math", 95)


def makeExtension(**kwargs: Any) -> MathExtension:
    """Markdown's way to an extension by module name."""
    return MathExtension(**kwargs)
