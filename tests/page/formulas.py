"""The kinds of formulas on a layer's page, and what is done to each: the table KINDS.

A formula is of the one kind whose words its paragraph or cell has. What is of none has no check and is a problem of the
page; so is what is of two. An item's ``check`` takes the formula as printed or with a misprint in it, executes it and
says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.page import notes, worked
from tests.page.blocks import Block, Formula, blocks
from tests.page.outside import WORDS as OUTSIDE
from tests.page.steps import DERIVATIVE, NAME, RULE, THROUGH, F
from tests.page.symbols import PageError


@dataclass(frozen=True)
class Kind:
    """A row of the table: which blocks have formulas of this kind, and what is done with them.

    Attributes:
        heading: the ids of the sections.
        words: the whole text of the block.
        column: in a table, what stands above the first column.
        above: in a table, what stands above the block itself; nothing where it does not matter.
    """

    name: str
    heading: str
    words: str
    check: str
    column: str = ""
    above: str = ""

    def matches(self, block: Block) -> bool:
        inside = re.fullmatch(self.heading, block.section) and (block.header[:1] == (self.column,)) == (
            block.tag == "td"
        )
        here = block.header[len(block.row)] if len(block.row) < len(block.header) else ""
        return bool(inside) and self.above in ("", here) and re.fullmatch(self.words, block.text) is not None


LIST = rf"{F}(?:, {F})*"
RULED = RULE.pattern.replace("(?P<n>", "(?:")
RATES = rf"When the inputs move at the rates {LIST}, the results move at {LIST}\. A dot marks a rate; jvp computes it\."
BY = rf"{F} with respect to {F}"
SECONDS = rf"Given {LIST}, double_backward computes the gradient of {F}: {BY}(?:, {BY})*\."
LETTERS = "A dot over a letter marks the gradient with respect to the letter under a bar, one over a bar that with"
DOTS = rf"{LETTERS} respect to the letter without\.(?: {F} is that with respect to {F}\.)+"
KEPT = rf"The backward equations read {LIST} from the forward pass: {F} elements, .*"
MISTAKE = rf"(?:At|In double precision, at) .+: {F}, and (?:by the mistake {F}|as it is written [\w ]+)\."
STEP = "|".join(p.pattern.replace("(?P<n>", "(?:") for p in (THROUGH, NAME, DERIVATIVE))
KINDS = (
    Kind("symbol", r"symbols.*", F, "the equations read with the table, against the kernel", "symbol", "symbol"),
    Kind("size", "symbols", LIST, "the sizes of what is printed in numbers", "symbol", worked.COLUMN),
    Kind("numbers", "numbers", rf"{F}(?: {F})*", "the page's equations executed on the printed inputs", "code"),
    Kind("note", "symbols", notes.WORDS, "what it says, computed: a length, the gradient of the objective"),
    Kind("equation", r"(forward|backward).*", F, "its values against the kernel's"),
    Kind("fact", r"backward.*", rf"What holds by definition: {LIST}\.", "both sides, at every place"),
    Kind("outside", r"(forward|backward|derivation).*", OUTSIDE.pattern, "what the line before reads outside"),
    Kind("part", "derivation", F, "the lines that it is used in"),
    Kind("step", "derivation", STEP, "the equation, and a derivative against the difference of what it is of"),
    Kind("accumulation", "derivation", F, "the adjoint times the derivatives; the sum of all that lands there"),
    Kind("line", "derivation", F, "its values against those of what it is an equation of"),
    Kind("collected", "derivation", F, "both sides, the adjoint as all that is added to it"),
    Kind("tangent", "tangent", F, "what it makes of drawn rates, against the kernel's jvp"),
    Kind("rates", "tangent", RATES, "what is given and what comes out, of those equations"),
    Kind("second", "second-order", F, "what it makes of drawn rates, against the kernel's double_backward"),
    Kind("seconds", "second-order", SECONDS, "what is given and comes out; the sum, against the kernel's gradients"),
    Kind("dots", "second-order", DOTS, "a dot over an adjoint"),
    Kind("rule", "derivation", RULED, "a symbol of the table; both sides of an equation"),
    Kind("mistake", "mistakes", F, "one change to an equation of the page; what it gives at an input"),
    Kind("shown", "mistakes", MISTAKE, "the element by the page's equations, and by the mistake"),
    Kind("count", "cost", F, "operations counted from the equations, at sizes drawn", "pass"),
    Kind("counting", "cost", r"Counted from the equations: .*", "the additions of a sum, counted"),
    Kind("kept", "cost", KEPT, "what is read, and its elements"),
)  # fmt: skip


@dataclass
class Item:
    """A formula and what its kind compares it with: "" where it is true, else what is wrong."""

    kind: str
    where: str
    formula: Formula
    compared: Callable[[str], str]
    misprints: Callable[[], Iterator[str]]

    def check(self, tex: str) -> str:
        """What is wrong with a formula in this place; one with the same on both sides says nothing."""
        left, *right = tex.split(" = ")
        return "the same stands on both sides" if right == [left] else self.compared(tex)


def kind_of(block: Block, state: str) -> str:
    """The kind of a block's formulas. ``state`` says which of a derivation's displays comes. Raises PageError."""
    found = [k.name for k in KINDS if k.matches(block)]
    if block.heading == "derivation" and block.text == "⟦0⟧":
        found = [state]
    if len(found) != 1:
        raise PageError(f"no check for {block}" if not found else f"two checks, {' and '.join(found)}, for {block}")
    return found[0]


def unchecked(html: str, name: str) -> list[str]:
    """The formulas of a layer's page that no row of KINDS has, named. Nothing is executed."""
    found = []
    for block in blocks(html):
        try:
            if block.formulas:
                kind_of(block, "line")
        except PageError as error:
            found.append(f"{name}: {error}")
    return found
