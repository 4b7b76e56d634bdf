"""A built page as blocks of text, each with its formulas in place: what a check of a formula has to go by.

A formula is a `<math>` element: the TeX in its annotation and the characters it draws. In a block's text it stands as
⟦0⟧, ⟦1⟧, ... in order, so that a sentence is recognised as a whole. Nothing on the page is left out: a formula that is
in no paragraph, cell, heading or list item is a block of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

PLAIN = "plain"
BLOCKS = ("p", "td", "th", "li", "h1", "h2", "h3", "h4", "summary", "figcaption", "dt", "dd", "title")


@dataclass(frozen=True)
class Formula:
    tex: str
    drawn: str
    display: bool


@dataclass
class Block:
    """A paragraph, cell, heading or list item, or what stands outside of one.

    Attributes:
        heading: the id of the last h1 or h2.
        section: the id of the last heading of any level.
        text: its words, formulas as ⟦n⟧, runs of white space as one space.
        header: in a table, what stands above each column.
        row: in a table, the texts of the cells to the left in the same row.
        case: "plain" under the heading with that id; what stands there has the ids that it has elsewhere.
    """

    tag: str
    heading: str
    section: str
    text: str = ""
    formulas: list[Formula] = field(default_factory=list)
    header: tuple[str, ...] = ()
    row: tuple[str, ...] = ()
    case: str = ""

    def __str__(self) -> str:
        words = self.text
        for n, formula in enumerate(self.formulas):
            words = words.replace(f"⟦{n}⟧", f"${formula.tex}$")
        return words


def blocks(html: str) -> list[Block]:
    """All blocks of a page that have words or formulas."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Block] = []
        self.heading = self.section = self.case = ""
        self.block = Block("", "", "")
        self.header: list[str] = []
        self.row: list[str] = []
        self.silent = 0
        self.in_math = self.in_annotation = self.display = False
        self.tex = self.drawn = ""

    def begin(self, tag: str) -> None:
        self.end()
        self.block = Block(
            tag, self.heading, self.section, header=tuple(self.header), row=tuple(self.row), case=self.case
        )

    def end(self) -> None:
        self.block.text = " ".join(self.block.text.replace("\u00a0", " ").split())
        if self.block.text:
            self.found.append(self.block)
        if self.block.tag == "th":
            self.header.append(self.block.text)
        if self.block.tag == "td":
            self.row.append(self.block.text)
        self.block = Block("", self.heading, self.section, case=self.case)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "style", "svg"):
            self.silent += 1
        if tag in ("h1", "h2", "h3", "h4"):
            self.section = given.get("id") or ""
            if tag in ("h1", "h2"):
                self.heading = self.section
                self.case = self.heading if self.heading == PLAIN else ""
            elif self.case:
                self.heading = self.section = self.section.removesuffix(f"-{self.case}")
        if tag == "table":
            self.header, self.row = [], []
        if tag == "tr":
            self.row = []
        if tag in BLOCKS or tag == "div":
            self.begin(tag)
        if tag == "math":
            self.in_math, self.display, self.tex, self.drawn = True, given.get("display") == "block", "", ""
        elif tag == "annotation" and given.get("encoding") == "application/x-tex":
            self.in_annotation = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "svg"):
            self.silent -= 1
        if tag == "annotation":
            self.in_annotation = False
        elif tag == "math":
            self.in_math = False
            self.block.text += f"⟦{len(self.block.formulas)}⟧"
            self.block.formulas.append(Formula(" ".join(self.tex.split()), self.drawn, self.display))
        elif tag in BLOCKS or tag in ("div", "table", "tr"):
            self.end()

    def handle_data(self, data: str) -> None:
        if self.in_annotation:
            self.tex += data
        elif self.in_math:
            self.drawn += data
        elif not self.silent:
            self.block.text += data
