"""Reads a layer's page as it was built: HTML in, symbols and claims out.

Conventions of a page:

* sections begin with a heading h2 whose id is `symbols`, `forward` or `backward`, and end at the next h1 or
  h2;
* the first table after `symbols` is the symbol table (tests/page/symbols.py has its columns);
* every display equation in forward or backward is a claim (its derivation therefore has an h2 of its own),
  read from the TeX annotation inside the MathML;
* another value of a choice is an h2 with an id `variant-...` whose text names it, With `reduction="sum"`;
  under it, h3 headings with ids `forward-...` and `backward-...` hold all claims of that variant, and a table
  under `symbols-...` holds the rows that differ. What stands before holds for the default choice;
* the plain case is an h2 with the id `plain` whose text says what is given, `mask=None`, `causal=False`; under it
  ids end in `-plain`.

What is drawn must be what is annotated: tests/page/glyphs.py compares the two.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from typing import Any

from tests.page.blocks import PLAIN
from tests.page.dialect import DialectError
from tests.page.parser import parse
from tests.page.symbols import PageError, Symbols
from tests.page.tree import Equation

SECTIONS = ("forward", "backward")
CHOICE = re.compile(r"(\w+)=(\"[^\"]*\"|-?\d+|True|False|None)")  # the value as Python writes it
SIZE = re.compile(r"N_\{(\w)\} =")


@dataclass(frozen=True)
class Claim:
    """One display equation: where it stands, its TeX and what is drawn."""

    section: str
    tex: str
    drawn: str


@dataclass
class Variant:
    """The equations of one choice, and the table they are read with.

    Attributes:
        choice: option to value, or an input to None; for the default variant, the table's defaults.
        suffix: how ids end in it.
        drawn: the trials that were made of it, by kernel (see tests.page.compare.trials).
    """

    page: str
    choice: dict[str, Any]
    suffix: str = ""
    cells: list[tuple[str, str, str]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    drawn: list[tuple[Any, list[Any]]] = field(default_factory=list, repr=False, compare=False)

    @cached_property
    def symbols(self) -> Symbols:
        return Symbols.read(self.cells, [m[1] for c in self.claims if (m := SIZE.match(c.tex))])

    @cached_property
    def equations(self) -> list[Equation]:
        """Parsed claims. Raises PageError naming the page and showing the place."""
        found = []
        for claim in self.claims:
            try:
                found.append(parse(claim.tex, self.symbols))
            except DialectError as error:
                raise PageError(f"{self}, {claim.section}: {error}") from None
        return found

    def __str__(self) -> str:
        return self.page + "".join(f" {k}={v}" for k, v in self.choice.items())


@dataclass
class Page:
    """A layer's page; the default variant comes first."""

    name: str
    variants: list[Variant]

    def variant(self, suffix: str) -> Variant:
        """The variant whose ids end so; the default one where none does."""
        return next((v for v in self.variants if v.suffix == suffix), self.variants[0])


def read(html: str, name: str) -> Page:
    """Read one built page. Raises PageError where it has no symbol table or no claims in forward."""
    reader = _Reader(name)
    reader.feed(html)
    reader.close()
    base, *others = reader.variants
    if not base.cells:
        raise PageError(f"{name}: no symbol table under a heading with the id `symbols`")
    base.choice |= {r.name: r.default for r in base.symbols.rows if r.kind == "choice" and r.default}
    for variant in others:
        differing = {cell[1]: cell for cell in variant.cells}
        known = {cell[1]: cell for cell in base.cells}  # whose order is that of the kernel's arguments
        variant.cells = list((known | differing).values())
        variant.choice = base.choice | variant.choice
    for variant in reader.variants:
        if not any(c.section == "forward" for c in variant.claims):
            raise PageError(f"{variant}: no display equation under a heading with the id `forward`")
    return Page(name, reader.variants)


class _Reader(HTMLParser):
    """Follows headings, tables of symbols and MathML."""

    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self.name = name
        self.variant = Variant(name, {})
        self.variants = [self.variant]
        self.section = self.heading = ""
        self.in_table = False
        self.tables: set[str] = set()  # sections whose table is read
        self.row: list[tuple[str, str]] = []  # (text, TeX) of the cells
        self.in_cell = self.in_annotation = self.in_math = self.display = False
        self.text = self.tex = self.drawn = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("h1", "h2"):
            self.section = self.heading = given.get("id") or ""
            self.text = ""
            self.variant = self.variants[0]
            if self.heading == PLAIN or self.heading.startswith("variant-"):
                self.variant = Variant(self.name, {}, self.heading.removeprefix("variant-"))
                self.variants.append(self.variant)
        elif tag == "h3" and self.variant.suffix:
            self.section = (given.get("id") or "").split("-")[0]
        elif tag == "table" and self.section == "symbols" and self.heading not in self.tables:
            self.in_table = True
            self.tables.add(self.heading)
        elif tag == "tr":
            self.row = []
        elif tag == "td":
            self.in_cell, self.text, self.tex = True, "", ""
        elif tag == "math":
            self.in_math, self.display, self.drawn = True, given.get("display") == "block", ""
        elif tag == "annotation" and given.get("encoding") == "application/x-tex":
            self.in_annotation, self.tex = True, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "annotation":
            self.in_annotation = False
        elif tag == "math":
            self.in_math = False
            if self.display and self.section in SECTIONS:
                self.variant.claims.append(Claim(self.section, " ".join(self.tex.split()), self.drawn))
        elif tag == "h2" and self.variant.suffix:
            self.variant.choice = {k: ast.literal_eval(v) for k, v in CHOICE.findall(self.text)}
            if not self.variant.choice:
                raise PageError(f"{self.name}: the heading {self.text!r} does not say which choice it is for")
        elif tag == "td":
            self.in_cell = False
            self.row.append((" ".join(self.text.split()), " ".join(self.tex.split())))
        elif tag == "tr" and self.in_table and self.row:
            if len(self.row) < 3:
                raise PageError(f"{self.name}: the symbol table has the columns symbol, code name, shape, meaning")
            meaning = " ".join(text for text, _ in self.row[2:4])
            self.variant.cells.append((self.row[0][1], self.row[1][0], meaning))
        elif tag == "table":
            self.in_table = False

    def handle_data(self, data: str) -> None:
        if self.in_annotation:
            self.tex += data
        elif self.in_math:
            self.drawn += data
        else:
            self.text += data
