"""A page of prose: the names its formulas use, what its sentences say of them, and what is wrong with a built one."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.page import formulas
from tests.page.blocks import Block, Formula, blocks
from tests.page.dialect import DialectError
from tests.page.prose.notation import statements
from tests.page.prose.statement import EQUAL, RELATIONS, Statement, key, split
from tests.page.prose.values import same

Names = Mapping[str, Any]
Wanted = Any
SEEDS = (0, 1)
HERE = "tests.page.prose"


class _True:
    """What is wanted of a relation: that it holds."""

    def __repr__(self) -> str:
        return "a relation that holds"


TRUE = _True()


@dataclass(frozen=True)
class Says:
    """What a sentence says: words with ⟦⟧ in the places of formulas, and what each of these is worth."""

    scope: str
    words: str
    wanted: tuple[Wanted, ...]
    names: Names | Callable[[Names], Names]

    def find(self, block: Block) -> list[list[int]]:
        """The numbers of the formulas wherever the block has these words."""
        pattern = re.escape(" ".join(self.words.split())).replace(re.escape("⟦⟧"), r"⟦(\d+)⟧")
        return [[int(n) for n in m.groups()] for m in re.finditer(pattern, block.text)]


Checked = Callable[[str, str], str]
Misprinted = Callable[[str, str], Iterator[str]]


@dataclass(frozen=True)
class Elsewhere:
    """Sections whose formulas are those of another page."""

    scope: str
    page: str
    check: Checked
    misprints: Misprinted


@dataclass
class Prose:
    """The declarations of one page.

    Attributes:
        ranges: index letters and the numbers that they stand for.
    """

    ranges: Mapping[str, Sequence[int]] = field(default_factory=dict)
    worlds: list[tuple[str, Callable[[np.random.Generator], Names]]] = field(default_factory=list)
    sentences: list[Says] = field(default_factory=list)
    checks: list[Elsewhere] = field(default_factory=list)
    equivalent: dict[str, str] = field(default_factory=dict)

    def names(self, scope: str = ".*") -> Callable[[Callable[[np.random.Generator], Names]], Any]:
        """A function of random numbers that gives the names of sections (or rows) whose id matches ``scope``."""

        def add(function: Callable[[np.random.Generator], Names]) -> Callable[[np.random.Generator], Names]:
            self.worlds.append((scope, function))
            return function

        return add

    def says(
        self, scope: str, words: str, *wanted: Wanted, names: Names | Callable[[Names], Names] | None = None
    ) -> None:
        """What a sentence says. ``wanted`` has for each ⟦⟧ of the words in turn: TRUE, a relation that holds; a name of
        the page, whose value the formula has; or a function of that value and the names that says what is wrong, "" if
        nothing is. ``names`` are meant by this sentence only, or are made from the others: `names={r"\\sigma": ...}`.
        """
        if words.count("⟦⟧") != len(wanted):
            raise ValueError(f"{words}: {len(wanted)} values for {words.count('⟦⟧')} formulas")
        self.sentences.append(Says(scope, words, wanted, names or {}))

    def executed_by(self, scope: str, page: str, check: Checked, misprints: Misprinted) -> None:
        """Sections whose formulas are read with the symbols of another page of the site, by that page's own reader.

        ``check`` and ``misprints`` get a formula and the HTML of that page.
        """
        self.checks.append(Elsewhere(scope, page, check, misprints))

    def world(self, place: str, seed: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for n, (scope, function) in enumerate(self.worlds):
            if re.fullmatch(scope, place):
                found |= self._drawn(n, seed, function)
        return found

    def __hash__(self) -> int:
        return id(self)

    @cache  # noqa: B019  the pages of the book live as long as the program
    def _drawn(self, n: int, seed: int, function: Callable[[np.random.Generator], Names]) -> dict[str, Any]:
        return dict(function(np.random.default_rng([seed, n])))


@dataclass(frozen=True)
class Piece:
    """A formula of a page of prose and what is to be done with it."""

    page: Prose
    where: str
    place: str
    formula: Formula
    wanted: Wanted
    names: Names | Callable[[Names], Names]
    other: Elsewhere | None = None
    html: str = ""  # of that other page

    def read(self, tex: str, seed: int) -> tuple[list[Statement], dict[str, Any]]:
        world = self.world(seed)
        return statements(tex, world, self.page.ranges), world

    def world(self, seed: int) -> dict[str, Any]:
        found = self.page.world(self.place, seed)
        return found | dict(self.names(found) if callable(self.names) else self.names)

    def check(self, tex: str) -> str:
        """What is wrong with the formula, as printed or with a misprint in it; "" if nothing is."""
        if self.other:
            return self.other.check(tex, self.html)
        with np.errstate(all="ignore"):
            for seed in SEEDS:
                try:
                    if said := self.wrong(*self.read(tex, seed)):
                        return said
                except DialectError as error:
                    return f"not read: {error}"
                except (LookupError, ArithmeticError, ValueError, TypeError, AttributeError) as error:
                    return f"no value: {error}"
        return ""

    def wrong(self, found: list[Statement], world: dict[str, Any]) -> str:
        if self.wanted is TRUE:
            if not all(s.relations for s in found):
                return "it says nothing"
            return next((said for s in found if (said := s.wrong())), "")
        if len(found) != 1:
            return "more than one formula"
        value = found[0].value()
        if callable(self.wanted):
            said = self.wanted(value, world)
            return said if isinstance(said, str) else "" if said else f"it is {value}"
        return (
            "" if same(value, world[self.wanted]) else f"{self.wanted} is {world[self.wanted]}, the page says {value}"
        )

    def misprints(self) -> Iterator[str]:
        """Every misprint of one token; what is another spelling of the same is not one."""
        if self.other:
            yield from self.other.misprints(self.formula.tex, self.html)
            return
        tex = self.formula.tex
        names = sorted({key(n) for n in self.world(0) if not n.count(" ")} & set(ALIKE.findall(tex)))
        tokens = split(tex)
        for token, after in zip(tokens, [*tokens[1:], None], strict=True):
            end = token.at + len(token.text) if after is None else after.at
            for new in others(token.text, names):
                yield f"{tex[: token.at]} {new} {tex[end:]}".strip()


ALIKE = re.compile(r"\\[a-zA-Z]+|[A-Za-z]")
SWAPS = {
    "+": ("-",), "-": ("+", ""), "/": ("",), r"\odot": ("+",), "<": (">",), ">": ("<",), "=": (), r"\log": (r"\exp",),
    r"\tanh": (r"\cosh",), r"\cosh": (r"\tanh",), r"\max": (r"\min",), "T": ("2",), "(": ("[",), "[": ("(",),
    ")": ("]",), "]": (")",), "'": ("",), r"\le": (r"\ge",), r"\ge": (r"\le",),
    r"\sum": (r"\prod", r"\max"), r"\cdot": ("+",), r"\leftarrow": (), r"\approx": (),
}  # fmt: skip


def others(token: str, names: Sequence[str]) -> Iterator[str]:
    """What may stand in the place of a token by a slip."""
    if re.fullmatch(r"\d+(\.\d+)?", token):
        yield f"{token[:-1]}{(int(token[-1]) + 1) % 10}"
        yield "7" if token != "7" else "3"
    elif token in SWAPS:
        yield from SWAPS[token]
    elif ALIKE.fullmatch(token):
        yield from (n for n in names if n != token)


# ---- pages of the site ---------------------------------------------------------------------------------------------


def module(page: str) -> str:
    return f"{HERE}.{page.replace('-', '_').replace('/', '_')}"


def declared(page: str) -> Prose | None:
    """The declarations of a page; None where it has none."""
    if importlib.util.find_spec(module(page)) is None:
        return None
    found = importlib.import_module(module(page)).PAGE
    assert isinstance(found, Prose)
    return found


def place(block: Block) -> str:
    """Where a block is: the id of a table's row, else of the section."""
    first = block.row[0] if block.tag == "td" and block.row else ""
    return first if re.fullmatch(r"[\w-]+", first) else block.section


def pieces(page: str, html: str, site: Mapping[str, str]) -> tuple[list[Piece], list[str]]:
    """The formulas of a page, and those without a check, named. ``site`` has the HTML of the pages named by others."""
    prose = declared(page)
    found: list[Piece] = []
    missing: list[str] = []
    for block in blocks(html):
        for n, formula in enumerate(block.formulas):
            here = [*wanted(prose, block, n, site)] if prose else []
            if len(here) == 1:
                found.append(here[0])
            else:
                what = "no check" if not here else f"{len(here)} checks"
                missing.append(f"{page}: {what} for {formula.tex} in: {block}")
    return found, missing


def wanted(prose: Prose, block: Block, n: int, site: Mapping[str, str]) -> Iterator[Piece]:
    """What the declarations say of a formula; of a relation nothing need be said."""
    at, formula = place(block), block.formulas[n]
    where = f"{at}: {formula.tex}"
    said = False
    for other in prose.checks:
        if re.fullmatch(other.scope, at):
            yield Piece(prose, where, at, formula, None, {}, other, site.get(other.page, ""))
            said = True
    for sentence in prose.sentences:
        if not said and re.fullmatch(sentence.scope, at):
            for numbers in sentence.find(block):
                if n in numbers:
                    yield Piece(prose, where, at, formula, sentence.wanted[numbers.index(n)], sentence.names)
                    said = True
    if not said and relation(formula.tex):
        yield Piece(prose, where, at, formula, TRUE, {})


def relation(tex: str) -> bool:
    """Whether a formula is a relation, which says something by itself."""
    try:
        tokens, depth = split(tex), 0
    except DialectError:
        return False
    for token in tokens:
        depth += {"{": 1, "}": -1, "(": 1, ")": -1, "[": 1, "]": -1}.get(token.text, 0)
        if depth == 0 and token.text in (*RELATIONS, *EQUAL):
            return True
    return False


def pages(site: Path) -> dict[str, str]:
    """The pages of a built site that have formulas: name and HTML."""
    found = {}
    for file in sorted(site.rglob("*.html")):
        name = file.relative_to(site).as_posix().removesuffix("index.html").strip("/") or "home"
        if "<math" in (html := file.read_text(encoding="utf-8")):
            found[name] = html
    return found


def unchecked(site: Mapping[str, str]) -> list[str]:
    """All formulas of a site that nothing executes, named; ``site`` has a page's HTML by its name."""
    found: list[str] = []
    for name, html in site.items():
        found += formulas.unchecked(html, name) if is_layer(name) else pieces(name, html, site)[1]
    return found


def is_layer(name: str) -> bool:
    """Whether a page is a layer's, which has a reader of its own."""
    return re.fullmatch(r"layers/\w+", name) is not None
