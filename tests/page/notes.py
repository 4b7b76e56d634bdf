"""Checks of the formulas in a page's words: lengths, leading axes, the objective, symbols, what a count counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.page.arithmetic import EvaluationError
from tests.page.blocks import Block, Formula
from tests.page.dialect import ACCENTS, GREEK, DialectError, tokenize
from tests.page.evaluator import Evaluator
from tests.page.misprints import indices_misprinted, misprinted
from tests.page.parser import expression, index_list, parse
from tests.page.reader import Variant
from tests.page.symbols import PageError, Row, Symbols, tokens
from tests.page.tree import Equation, Int, Node, Ref, Size
from tests.page.world import ABOUT, World

if TYPE_CHECKING:
    from tests.page.reading import Reading

F = r"⟦\d+⟧"
AXES = rf"{F} stands for any number of leading axes, \.\.\. in code"
LENGTH = rf"{F} is the length of axis {F}"
BAR = rf"A bar marks the gradient of {F} with respect to what is under it\."
WORDS = rf"(?:{AXES}(?:; {LENGTH})?\. |{LENGTH}\. )?{BAR}"
TERMS = rf".*a sum of {F} terms as {F} additions, .*"
STEP = 1e-6


def open_indices(tex: str, symbols: Symbols) -> tuple[str, ...]:
    """The indices that an identity is for: those that it uses and does not bind."""
    under = {
        m for found in re.findall(r"\\(?:sum|max|operatorname\{argmax\})_\{([^}]*)\}", tex) for m in found.split(",")
    }
    found: list[str] = []
    for token in tokenize(tex):
        letter = token.text == r"\ast" or token.text in GREEK or re.fullmatch(r"[A-Za-z]", token.text)
        known = (token.text,) in symbols.by_tokens or token.text == "N"
        if letter and not known and token.text not in under:
            name = "..." if token.text == r"\ast" else token.text
            if name in symbols.axes or len(name) == 1:
                found.append(name)
    return tuple(dict.fromkeys(found))


def symbol_or_element(tex: str, symbols: Symbols) -> Node:
    """A symbol alone as a reference without indices, or an element. Raises DialectError."""
    try:
        return expression(tex, replace(symbols, rows=tuple(Row(r.tex, r.name) for r in symbols.rows)), ())
    except DialectError:
        return expression(tex, symbols, open_indices(tex, symbols))


def elements(world: World, keys: set[str]) -> Iterator[list[Any]]:
    """The elements of tensors in a world."""
    for key in sorted(keys):
        sizes = world.evaluator.sizes
        if key in sizes.arrays:
            yield sizes.arrays[key].data
        elif key in sizes.lists:
            yield from (flat.data for flat in sizes.lists[key])
        else:
            yield world.evaluator.indices(key)


# ---- notes ---------------------------------------------------------------------------------------------------------


def check_of(reading: Reading, block: Block, n: int) -> Callable[[str], str]:
    """The check of the n-th formula of a note."""
    text = block.text
    here = f"⟦{n}⟧"
    if re.search(rf"{here} stands for", text):
        return lambda tex: leading(tex, reading)
    if re.search(rf"{here} is the length of axis", text):
        axis = block.formulas[n + 1].tex
        return lambda tex: length(tex, axis, reading)
    if re.search(rf"length of axis {here}", text):
        size = block.formulas[n - 1].tex
        return lambda tex: length(size, tex, reading)
    return lambda tex: objective(tex, reading)


def misprints(reading: Reading, formula: Formula) -> Iterator[str]:
    symbols = reading.symbols
    try:
        names = index_list(formula.tex, symbols)
    except DialectError:
        yield from misprinted(expression(formula.tex, symbols, ()), (), symbols)
    else:
        yield from indices_misprinted(names, symbols)


def leading(tex: str, reading: Reading) -> str:
    """The index of the leading axes: it is in a shape of the table, and what is computed has as many as are given."""
    try:
        names = index_list(tex, reading.symbols)
    except DialectError as error:
        return f"not read: {error}"
    if names != ("...",) or "..." not in reading.symbols.axes:
        return "not the index of any number of leading axes"
    for world in reading.quick.worlds:
        for key, row in world.evaluator.sizes.rows.items():
            if row.slots and ("...",) in row.slots and not row.sequence:
                at = row.slots.index(("...",))
                given = np.asarray(world.evaluator.sizes.values[key])
                split = given.reshape(*given.shape[:at], 1, given.shape[at], *given.shape[at + 1 :])
                known = world.evaluator.sizes.known
                lengths = [Equation(Size(a), Int(n)) for a, n in known.items() if a in row.inner and a != "..."]
                flat = Evaluator(lengths, reading.symbols, {key: split}).sizes.arrays[key]
                if flat.shape != world.evaluator.sizes.arrays[key].shape:
                    return f"{key} with another leading axis is read otherwise"
    return ""


def length(size: str, axis: str, reading: Reading) -> str:
    """The size of an axis, as long as the arrays are along it."""
    try:
        (name,) = index_list(axis, reading.symbols)
        found = expression(size, reading.symbols, ())
    except (DialectError, ValueError) as error:
        return f"not read: {error}"
    if found != Size(name) or name not in reading.symbols.axes:
        return "not the length of that axis"
    for world in reading.quick.worlds:
        for key, row in world.evaluator.sizes.rows.items():
            if (name,) in row.slots and not row.sequence:
                given = np.asarray(world.evaluator.sizes.values[key])
                at = row.slots.index((name,)) - (
                    len(row.slots) if ("...",) in row.slots[: row.slots.index((name,))] else 0
                )
                if given.shape[at] != world.evaluator.length(name):
                    return f"{key} is {given.shape[at]} long along {name}"
    return ""


def objective(tex: str, reading: Reading) -> str:
    """What is differentiated: its central difference by an element of each input, against the kernel's gradient."""
    try:
        tree = expression(tex, reading.symbols, ())
    except DialectError as error:
        return f"not read: {error}"
    symbols = replace(reading.symbols, rows=(*reading.symbols.rows, Row("objective", "objective")))
    equations = [*reading.variant.equations, Equation(Ref("objective", "", ()), tree)]
    for trial in reading.runs:
        rest = Evaluator(equations, symbols, trial.values)
        for key in [k for k in trial.kernel if k.startswith("bar ")]:
            name = key.removeprefix("bar ")
            given, gradient = trial.values[name], trial.kernel[key]
            several = isinstance(given, list)
            flat = np.ravel(gradient[0] if several else gradient)
            if not (count := flat.size):
                continue
            most = np.argsort(-np.abs(np.asarray(flat, dtype=float)))[:2]  # of a maximum most places have none
            # at both ends all places are alike
            for place in dict.fromkeys((0, 2 * count // 5, count - 1, *map(int, most))):
                found = []
                for h in (STEP, -STEP):
                    moved = [np.array(a, dtype=float) for a in given] if several else np.array(given, dtype=float)
                    (moved[0] if several else moved).flat[place] += h
                    try:
                        evaluator = Evaluator(equations, symbols, {**trial.values, name: moved}, rest=rest)
                        found.append(float(evaluator.element("objective", ())))
                    except (EvaluationError, KeyError, ArithmeticError, TypeError) as error:
                        return f"no value: {error!r}"
                difference, truth = (found[0] - found[1]) / (2 * STEP), flat[place]
                if abs(difference - truth) > 2e-5 * max(1.0, abs(truth), abs(found[0]) * 1e-3):
                    return f"its derivative by an element of {name} is {difference}, the gradient there {truth}"
    return ""


def symbol_wrong(variant: Variant, known: str, tex: str, code: str, cell: str) -> str:
    """What is wrong with a symbol in the table: the page read with it."""
    cells = [(tex, c, m) if (t, c) == (known, code) else (t, c, m) for t, c, m in variant.cells]
    try:
        if len({t for t, _, _ in cells}) != len(cells):
            return "one symbol for two things"
        symbols = Symbols.read(cells, variant.symbols.sized)
        if about := ABOUT.search(cell):
            own, was = adjoint_of(tex, symbols), adjoint_of(known, symbols)
            if (own is None) != (was is None) or (own and (own.accent, own.name) != ("bar", about[2])):
                return f"not the bar of {about[2]}"
        for claim in variant.claims:
            parse(claim.tex, symbols)
    except (DialectError, PageError, ValueError) as error:
        return f"not read: {error}"
    used = any(tokens(known)[0] in claim.tex for claim in variant.claims)
    if not about and tex != known and (not used or r"\overline" in tex):
        return "a bar over what is no adjoint" if used else "no equation has it, and it is not its name"
    return ""


def adjoint_of(tex: str, symbols: Symbols) -> Ref | None:
    """What a symbol with a bar is a bar of; None for a symbol of the table."""
    alone = replace(symbols, rows=tuple(Row(r.tex, r.name) for r in symbols.rows))
    if not tex.startswith(tuple(ACCENTS)):
        return None
    found = expression(tex, alone, ())
    return found if isinstance(found, Ref) and found.accent else None


# ---- counting ------------------------------------------------------------------------------------------------------


def counting(block: Block, n: int) -> Callable[[str], str]:
    """``a sum of N terms as N - 1 additions``: as many as there are signs between them."""
    if not re.fullmatch(TERMS, block.text):
        return lambda tex: "no sentence about a sum"
    terms, additions = (f.tex for f in block.formulas)

    def check(tex: str) -> str:
        said = (tex, additions) if n == 0 else (terms, tex)
        symbols = Symbols((Row("N", "N", option=True),))
        for count in range(2, 6):
            try:
                values = [number(expression(t, symbols, ()), count) for t in said]
            except (DialectError, EvaluationError) as error:
                return f"not read: {error}"
            signs = "+".join(["x"] * count).count("+")
            if values != [count, signs]:
                return f"{count} terms have {signs} additions"
        return ""

    return check


def number(e: Node, value: int) -> int:
    evaluator = Evaluator(
        [Equation(Ref("it", "", ()), e)], Symbols((Row("it", "it"), Row("N", "N", option=True))), {"N": value}
    )
    return int(evaluator.element("it", ()))


def number_misprinted(formula: Formula) -> Iterator[str]:
    symbols = Symbols((Row("N", "N", option=True),))
    yield from misprinted(expression(formula.tex, symbols, ()), (), symbols)
    yield f"{formula.tex} + 1"
