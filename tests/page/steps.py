"""The derivation on a page, read: its steps as trees.

    **n. Through** equation
    Name the sum: s = ... .                      where the derivative passes through one
    The derivative of Z with respect to A is D, so for all INDICES
    adjoint of A += adjoint of Z times D         a display
    ... counts as zero before the first element. where it does, see tests.page.outside
    Gathered at one element:                     where that says it otherwise
    adjoint of A += sum                          a display

    Collected, each adjoint is the sum ...:      displays, an equation for each adjoint

    **n. Rule.** words                           and a display, an equation for what an equation before is about; where
                                                 none is, that stands before it

The derivative may be one of several, ``of Z with respect to s is ..., that of s with respect to A is ...``; sums that A
stands in as well are ``held fixed``, and so may be ``other places of A``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from tests.page.blocks import Block, Formula
from tests.page.dialect import DialectError
from tests.page.outside import WORDS as OUTSIDE
from tests.page.parser import expression, index_list, parse, relation
from tests.page.symbols import PageError, Row, Symbols, tokens
from tests.page.tree import Equation, Index, Node, Ref

F = r"⟦\d+⟧"
NUMBER = r"(?P<n>\d+)\. "
THROUGH = re.compile(rf"{NUMBER}Through {F}")
NAME = re.compile(rf"Name the (sum|maximum): {F}\.")
LINK = (
    rf"of {F} with respect to {F}(?:, with {F}(?: and {F})* held fixed)?(?:, other places of {F} held fixed)?,? is {F}"
)
DERIVATIVE = re.compile(rf"The derivative {LINK}(?:, that {LINK})*, so(?: for all {F})?")
GATHERED = re.compile(r"Gathered at one element:")
COLLECTED = re.compile(r"Collected, each adjoint is the sum of all that is added to it:")
RULE = re.compile(rf"{NUMBER}(?!Through)[A-Z][a-z ]*\. .*")
PLUS = (r"\mathrel{+}", "=")


@dataclass(frozen=True)
class Link:
    """``of``'s derivative with respect to ``by`` is ``slope``; see the sentence for the rest."""

    of: Node
    by: Node
    slope: Node
    fixed: tuple[Node, ...] = ()
    alone: str = ""


@dataclass(frozen=True)
class Through:
    """One step of differentiation.

    Attributes:
        names: local names of sums, in order; their symbols are rows of ``symbols`` called "local ...".
        loops: the indices bound by "for all".
        scattered: left and right of the accumulation.
        gathered: the same as an equation at each element, where it is there.
    """

    symbols: Symbols
    heading: Equation
    names: tuple[Equation, ...] = ()
    links: tuple[Link, ...] = ()
    loops: tuple[str, ...] = ()
    scattered: tuple[Node, Node] | None = None
    gathered: Equation | None = None


@dataclass(frozen=True)
class Rewritten:
    """One step of rewriting: the same equation twice. ``found``: the first stands further above on the page."""

    symbols: Symbols
    lines: tuple[Equation, ...] = ()
    found: bool = False


@dataclass
class Piece:
    """A formula of a step and where in the step it is read: a path of field names and numbers."""

    formula: Formula
    path: tuple[str | int, ...]


@dataclass
class Step:
    """A step and its formulas. ``where`` names it."""

    where: str
    content: Through | Rewritten
    pieces: list[Piece] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def local(symbols: Symbols, tex: str) -> Symbols:
    """The table with a row for the local name that an equation begins with. Raises PageError where it is taken."""
    found = re.match(r"([A-Za-z])(?:_\{([^{}]*)\})?\s*=", tex)
    if not found:
        raise PageError(f"no name for a sum: {tex}")
    name, under = found[1], found[2] or ""
    if any(tokens(r.tex) == (name,) for r in symbols.rows):
        raise PageError(f"the name of a sum, {name}, is that of something else on the page")
    rank = len(under.split(",")) if under else 0
    row = Row(name, f"local {name}", tuple((f"local {n}",) for n in range(rank)))
    return replace(symbols, rows=(*symbols.rows, row))


def read_steps(found: Sequence[Block], symbols: Symbols, page: str) -> list[Step]:
    """The steps of a page's derivation. Raises PageError at a block that has no place in one."""
    steps: list[Step] = []
    known: dict[Node, Equation] = {}
    expected = ""
    for block in found:
        where = steps[-1].where if steps else page
        try:
            if THROUGH.fullmatch(block.text) or RULE.fullmatch(block.text):
                expected = _begin(block, symbols, steps, page)
            elif steps and COLLECTED.fullmatch(block.text):
                expected = "collected"
                continue
            elif not steps or not (block.formulas or GATHERED.fullmatch(block.text)) or OUTSIDE.fullmatch(block.text):
                continue
            elif expected == "collected" and block.text == "⟦0⟧":
                line = parse(block.formulas[0].tex, symbols)
                known[line.left] = line
                continue
            else:
                expected = _go_on(block, steps[-1], expected, known)
        except DialectError as error:
            raise PageError(f"{where}: {error}") from None
        except PageError as error:
            raise PageError(f"{where}: {error}") from None
        steps[-1].blocks.append(block)
    for step in steps:
        done = step.content.scattered if isinstance(step.content, Through) else len(step.content.lines) == 2
        if not done:
            raise PageError(f"{step.where}: it ends before its last line")
    return steps


def _begin(block: Block, symbols: Symbols, steps: list[Step], page: str) -> str:
    number = int(block.text.partition(".")[0])
    if number != len(steps) + 1:
        raise PageError(f"step {number} follows step {len(steps)}")
    where = f"{page}, step {number}"
    if THROUGH.fullmatch(block.text):
        (formula,) = block.formulas
        steps.append(Step(where, Through(symbols, parse(formula.tex, symbols))))
        steps[-1].pieces.append(Piece(formula, ("heading",)))
        return "derivative"
    steps.append(Step(where, Rewritten(symbols)))
    return "line"


def _go_on(block: Block, step: Step, expected: str, known: dict[Node, Equation]) -> str:
    content = step.content
    if isinstance(content, Rewritten):
        if expected != "line" or block.text != "⟦0⟧" or (len(content.lines) == 2 and not content.found):
            raise PageError(f"not a line of a rewriting: {block}")
        line = parse(block.formulas[0].tex, content.symbols)
        before = content.lines[1:] if content.found else content.lines
        if content.found:  # what was taken for the line after it is the one before
            step.pieces[0].path = ("lines", 0)
        found = not before and line.left in known
        step.content = replace(content, lines=(*([known[line.left]] if found else before), line), found=found)
        step.pieces.append(Piece(block.formulas[0], ("lines", len(step.content.lines) - 1)))
        known[line.left] = line
        return "line"
    if expected == "derivative" and NAME.fullmatch(block.text):
        symbols = local(content.symbols, block.formulas[0].tex)
        named = parse(block.formulas[0].tex, symbols)
        step.content = replace(content, symbols=symbols, names=(*content.names, named))
        step.pieces.append(Piece(block.formulas[0], ("names", len(content.names))))
        return "derivative"
    if expected == "derivative" and DERIVATIVE.fullmatch(block.text):
        step.content = _derivative(block, step, content)
        return "scattered"
    if expected == "scattered" and block.text == "⟦0⟧":
        step.content = replace(content, scattered=relation(block.formulas[0].tex, content.symbols, content.loops, PLUS))
        step.pieces.append(Piece(block.formulas[0], ("scattered",)))
        return "gathered"
    if expected == "gathered" and GATHERED.fullmatch(block.text):
        return "gathered line"
    if expected == "gathered line" and block.text == "⟦0⟧":
        tex = block.formulas[0].tex.replace(r"\mathrel{+}=", "=", 1)
        if tex == block.formulas[0].tex:
            raise PageError(f"not an accumulation: {tex}")
        step.content = replace(content, gathered=parse(tex, content.symbols))
        step.pieces.append(Piece(block.formulas[0], ("gathered",)))
        return ""
    raise PageError(f"not a sentence of a derivation: {block}")


def _derivative(block: Block, step: Step, content: Through) -> Through:
    numbers = [int(n) for n in re.findall(r"⟦(\d+)⟧", block.text)]
    assert numbers == list(range(len(block.formulas)))
    at = lambda n: block.formulas[n]  # noqa: E731
    symbols = content.symbols
    loops: tuple[str, ...] = ()
    text = block.text
    if head := re.search(r", so for all ⟦(\d+)⟧$", text):
        loops = index_list(at(int(head[1])).tex, symbols)
        step.pieces.append(Piece(at(int(head[1])), ("loops",)))
    links: list[Link] = []
    for n, found in enumerate(re.finditer(LINK, text)):
        words = found[0]
        of, by, slope = (
            int(m[1]) for p in (r"of ⟦(\d+)⟧ with", r"respect to ⟦(\d+)⟧", r"is ⟦(\d+)⟧$") if (m := re.search(p, words))
        )
        held = re.search(r", with (⟦.*?) held fixed", words)
        fixed = [int(m) for m in re.findall(r"⟦(\d+)⟧", held[1])] if held else []
        other = re.search(r"other places of ⟦(\d+)⟧", words)

        def tree(k: int) -> Node:
            return expression(at(k).tex, symbols, loops)

        links.append(
            Link(tree(of), tree(by), tree(slope), tuple(map(tree, fixed)), at(int(other[1])).tex if other else "")
        )
        step.pieces += [Piece(at(of), ("links", n, "of")), Piece(at(by), ("links", n, "by"))]
        step.pieces += [Piece(at(k), ("links", n, "fixed", m)) for m, k in enumerate(fixed)]
        step.pieces += [Piece(at(int(other[1])), ("links", n, "alone"))] if other else []
        step.pieces.append(Piece(at(slope), ("links", n, "slope")))
    return replace(content, links=tuple(links), loops=loops)


def plain_indices(node: Node) -> Iterator[str]:
    """The indices of a reference that stand alone."""
    for i in node.index if isinstance(node, Ref) else ():
        if isinstance(i, Index):
            yield i.name
