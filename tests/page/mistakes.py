"""The section on mistakes, executed: an equation of the page, the mistake made in it, and what both give at an input.

    **n. words**
    an equation of the page                                 a display; neither where it is the arithmetic that fails
    the same with the mistake                               a display
    At ARGUMENTS: element = number, and by the mistake number.
    In double precision, at ARGUMENTS: element = number, and as it is written NaN.

ARGUMENTS are assignments in Python. The numbers have DIGITS significant digits: the first is what the page's equations
give, the second what they give with the wrong one in its place. That differs from the right one in one place.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import cached_property, reduce
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.page.arithmetic import FLOAT, PRECISE, EvaluationError, Numbers
from tests.page.blocks import Block
from tests.page.compare import functions
from tests.page.compiler import Compiler
from tests.page.dialect import DialectError
from tests.page.evaluator import Evaluator
from tests.page.formulas import Item
from tests.page.misprints import misprinted_equation, symbols_misprinted
from tests.page.onechange import one_place
from tests.page.parser import expression, parse
from tests.page.symbols import PageError
from tests.page.tree import Equation, Int, Ref
from tests.page.world import ABOUT

if TYPE_CHECKING:
    from tests.page.reading import Reading

F = r"⟦\d+⟧"
SHOWN = re.compile(rf"At (?P<arguments>.+): {F}, and by the mistake {F}\.")
WRITTEN = re.compile(
    rf"In double precision, at (?P<arguments>.+): {F}, and as it is written (?P<bad>NaN|infinity|minus infinity)\."
)
TITLE = re.compile(r"\d+\. .+")
DIGITS = 4
NUMERAL = re.compile(r"(?!-0\Z)-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?")


@dataclass
class Group:
    """One mistake: its displays and its sentence."""

    reading: Reading
    displays: list[Block] = field(default_factory=list)
    sentence: Block | None = None

    @cached_property
    def values(self) -> dict[str, Any]:
        """What the sentence's arguments say, and what the table says of the others. Raises PageError."""
        assert self.sentence is not None
        match = SHOWN.fullmatch(self.sentence.text) or WRITTEN.fullmatch(self.sentence.text)
        assert match is not None
        return values(self.reading, match["arguments"])

    @cached_property
    def right(self) -> Equation | None:
        return self.parsed(0)

    @cached_property
    def wrong(self) -> Equation | None:
        return self.parsed(1)

    def parsed(self, n: int) -> Equation | None:
        return parse(self.displays[n].formulas[0].tex, self.reading.symbols) if self.displays else None

    def value(self, element: str, wrong: Equation | None = None, numbers: Numbers = FLOAT) -> float:
        """An element by the page's equations, with a wrong one in the place of one of them. Raises EvaluationError."""
        known = self.reading.variant.equations
        used = [wrong if wrong is not None and e == self.right else e for e in known]
        evaluator = Evaluator(used, self.reading.symbols, self.values, numbers)
        ref = expression(element, self.reading.symbols, ("...",))
        if not isinstance(ref, Ref):
            raise EvaluationError(f"{element} is no element")
        compiler = Compiler(evaluator, guarded=True)
        index = tuple(compiler.index(i, {"...": 0})([0]) for i in ref.index)
        if ref.key not in evaluator.targets or None in index or not self.whole(ref, evaluator):
            raise EvaluationError(f"{element} is no element of a result")
        if not evaluator.inside(ref.key, evaluator.symbols.by_name[ref.name], index):
            raise EvaluationError(f"{element} lies outside")
        return float(evaluator.element(ref.key, index))

    def whole(self, ref: Ref, evaluator: Evaluator) -> bool:
        """Whether an index that stands for leading axes stands for none of them."""
        row = evaluator.symbols.by_name[ref.name]
        entry = ref.index[0].value if row.sequence and isinstance(ref.index[0], Int) else None
        free = [n for n, i in enumerate(ref.index) if row.axes[n] == "..." and not isinstance(i, Int)]
        return all(evaluator.extent(row, n, entry) == 1 for n in free)


def groups(reading: Reading) -> list[Group]:
    """The mistakes of a page, in order."""
    found: list[Group] = []
    for block in reading.found:
        if block.heading == "mistakes" and TITLE.fullmatch(block.text):
            found.append(Group(reading))
        elif block.heading == "mistakes" and block.formulas and found:
            if block.text == "⟦0⟧":
                found[-1].displays.append(block)
            else:
                found[-1].sentence = block
    return found


def group_of(reading: Reading, block: Block) -> Group:
    """The mistake that a block is about. Raises PageError."""
    for group in groups(reading):
        if any(b is block for b in (*group.displays, group.sentence)):
            if group.sentence is None or len(group.displays) != (0 if WRITTEN.fullmatch(group.sentence.text) else 2):
                raise PageError(f"no two equations and a sentence: {block}")
            return group
    raise PageError(f"a formula of no mistake: {block}")


def equations(reading: Reading, block: Block) -> Iterator[Item]:
    """A display: the equation of the page, or the one with the mistake."""
    group = group_of(reading, block)
    (formula,) = block.formulas
    first = block is group.displays[0]
    known = group.right if first else group.wrong
    assert known is not None

    def check(tex: str) -> str:
        try:
            equation = parse(tex, reading.symbols)
        except (DialectError, PageError) as error:
            return f"not read: {error}"
        if first:
            return "" if equation in reading.variant.equations else "no equation of the page"
        assert group.right is not None
        if equation.left != group.right.left:
            return "about something else than the right equation"
        if equation == group.right or not one_place(group.right.right, equation.right):
            return "not one change to the right equation"
        assert group.sentence is not None
        element, _, _ = group.sentence.formulas[0].tex.rpartition(" = ")
        return rounded(group.sentence.formulas[1].tex, lambda: group.value(element, equation))

    yield Item("mistake", reading.name, formula, check, lambda: misprinted_equation(known, reading.symbols))


def numbers(reading: Reading, block: Block) -> Iterator[Item]:
    """The sentence: an element and its number; another number by the mistake."""
    group = group_of(reading, block)
    written = WRITTEN.fullmatch(block.text)
    first = block.formulas[0]
    element, _, numeral = first.tex.rpartition(" = ")

    def of_right(tex: str) -> str:
        place, _, number = tex.rpartition(" = ")
        said = rounded(number, lambda: group.value(place, None, PRECISE if written else FLOAT))
        if not said and written:
            try:
                bad = group.value(place)
            except EvaluationError as error:
                return f"no value: {error}"
            words = "NaN" if math.isnan(bad) else "infinity" if bad > 0 else "minus infinity"
            if math.isfinite(bad) or words != written["bad"]:
                return f"as it is written it is {bad}"
        return said

    def misprints() -> Iterator[str]:
        yield from (f"{element} = {m}" for m in number_misprinted(numeral))
        yield from (f"{m} = {numeral}" for m in symbols_misprinted(element, reading.symbols))

    yield Item("shown", reading.name, first, of_right, misprints)
    for formula in block.formulas[1:]:
        yield Item(
            "shown",
            reading.name,
            formula,
            lambda tex: rounded(tex, lambda: group.value(element, group.wrong)),
            lambda tex=formula.tex: number_misprinted(tex),  # type: ignore[misc]
        )


def rounded(numeral: str, value: Callable[[], float]) -> str:
    """What is wrong with a numeral that says a value to DIGITS significant digits."""
    if not NUMERAL.fullmatch(numeral):
        return f"{numeral} is no numeral"
    try:
        found = value()
    except (ArithmeticError, EvaluationError, DialectError, KeyError, ValueError, TypeError, IndexError) as error:
        return f"no value: {error!r}"
    if not math.isfinite(found):
        return f"it is {found}"
    near = {to_digits(found * (1 + e)) for e in (0, 1e-12, -1e-12)}
    return "" if Decimal(numeral) in near else f"it is {found}"


def to_digits(value: float) -> Decimal:
    """Rounded to DIGITS digits, never before the point."""
    exact = Decimal(value)
    return Decimal(0) if abs(value) < 1e-9 else Context(prec=max(DIGITS, exact.adjusted() + 1)).create_decimal(exact)


def number_misprinted(numeral: str) -> Iterator[str]:
    """Every digit one more, the sign turned, a digit left out."""
    for n, c in enumerate(numeral):
        if c.isdigit():
            yield numeral[:n] + str((int(c) + 1) % 10) + numeral[n + 1 :]
            if len(numeral) > 1:
                yield numeral[:n] + numeral[n + 1 :]
    yield numeral[1:] if numeral.startswith("-") else f"-{numeral}"


# ---- arguments -------------------------------------------------------------------------------------------------------


def values(reading: Reading, code: str) -> dict[str, Any]:
    """Arguments by key: those that are assigned, other options at their defaults, masks that are left out true."""
    assigned: dict[str, Any] = {}
    for statement in ast.parse(code.replace("; ", "\n")).body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            raise PageError(f"no assignment: {ast.unparse(statement)}")
        assigned |= numbered(reading, statement.targets[0].id, ast.literal_eval(statement.value))
    found: dict[str, Any] = {}
    bars = {c: m for _, c, cell in reading.variant.cells if (m := ABOUT.search(cell)) and m[1] == "cotangent"}
    rows = {r.name: r for r in reading.symbols.rows}  # the length of an axis among them, where that is an option
    for _, name, cell in reading.variant.cells:
        row = rows.get(name)
        if name in bars and name in assigned:
            about = reading.symbols.by_name[bars[name][2]]
            found[f"bar {bars[name][2]}"] = arrays(assigned[name], bool(about.sequence), float)
        elif row is None or row.role not in ("input", "state", "") or name.endswith("'"):
            continue
        elif name in assigned:
            kind = {"integer": int, "boolean": bool}.get(row.kind, float)
            found[name] = assigned[name] if row.option else arrays(assigned[name], bool(row.sequence), kind)
        elif row.option and row.kind not in ("axis", "choice") and (default := re.search(r"default (\S+)", cell)):
            found[name] = option(default[1])
    for _, name, cell in reading.variant.cells:
        if "optional" in cell.split() and name not in found:  # a mask: as long as the tensors are along its axes
            found[name] = np.ones(shape(reading, name, found), dtype=bool)
    if unknown := set(assigned) - {*found, *bars}:
        raise PageError(f"no symbol {sorted(unknown)[0]} to assign to")
    chosen = {n: v for n, v in found.items() if isinstance(v, str)}
    draw: Any = SimpleNamespace(equations=reading.variant.equations, options=chosen)
    return {**functions(reading.layer, draw), **found}


def numbered(reading: Reading, name: str, value: Any) -> dict[str, Any]:
    """What is assigned, by the rows that there are: an option of several numbers has one for each, ``stride[0]``."""
    rows = [n for n in reading.symbols.by_name if n.startswith(f"{name}[")]
    places = {row: ast.literal_eval(f"({row[len(name) + 1 : -1]},)") for row in rows}
    return {row: reduce(lambda v, n: v[n], at, value) for row, at in places.items()} or {name: value}


def arrays(value: Any, several: bool, kind: type) -> Any:
    return [np.array(v, dtype=kind) for v in value] if several else np.array(value, dtype=kind)


def option(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except ValueError:
        return text


def shape(reading: Reading, name: str, found: dict[str, Any]) -> tuple[int, ...]:
    """Of an array that is left out; leading axes are one."""
    known = {r.name for r in reading.symbols.rows}  # an option that is the length of an axis among them
    evaluator = Evaluator((), reading.symbols, {k: v for k, v in found.items() if k in known})
    return tuple(evaluator.length(axis) for axis in reading.symbols.by_name[name].axes)
