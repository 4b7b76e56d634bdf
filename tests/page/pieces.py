"""A formula of a step printed otherwise: the step read again, and the misprints of the formula."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.page.misprints import in_turn, indices_misprinted, misprinted, misprinted_equation, symbols_misprinted
from tests.page.parser import expression, index_list, parse, relation
from tests.page.steps import PLUS, Piece, Rewritten, Through
from tests.page.symbols import PageError
from tests.page.tree import Equation


def reread(step: Through | Rewritten, path: tuple[str | int, ...], tex: str) -> Through | Rewritten:
    """The step with another TeX at a place. Raises DialectError and PageError."""
    symbols = step.symbols
    if isinstance(step, Rewritten):
        lines = list(step.lines)
        lines[int(path[1])] = parse(tex, symbols)
        return replace(step, lines=tuple(lines))
    match path:
        case ("heading",):
            return replace(step, heading=parse(tex, symbols))
        case ("names", int(n)):
            return replace(step, names=(*step.names[:n], parse(tex, symbols), *step.names[n + 1 :]))
        case ("loops",):
            return replace(step, loops=index_list(tex, symbols))
        case ("scattered",):
            return replace(step, scattered=relation(tex, symbols, step.loops, PLUS))
        case ("gathered",):
            if r"\mathrel{+}=" not in tex:
                raise PageError("not an accumulation")
            return replace(step, gathered=parse(tex.replace(r"\mathrel{+}=", "=", 1), symbols))
        case ("links", int(n), "alone"):
            new: Any = replace(step.links[n], alone=tex)
        case ("links", int(n), "fixed", int(m)):
            fixed = step.links[n].fixed
            new = replace(step.links[n], fixed=(*fixed[:m], expression(tex, symbols, step.loops), *fixed[m + 1 :]))
        case ("links", int(n), str(name)):
            new = replace(step.links[n], **{name: expression(tex, symbols, step.loops)})
        case _:
            raise AssertionError(path)
    return replace(step, links=(*step.links[: int(path[1])], new, *step.links[int(path[1]) + 1 :]))


def misprints_of(step: Through | Rewritten, piece: Piece) -> Iterator[str]:
    """Every misprint of a piece of a step."""
    symbols = step.symbols
    value: Any = step
    for part in piece.path:
        value = getattr(value, part) if isinstance(part, str) else value[part]
    if isinstance(value, Equation):
        plus = piece.path == ("gathered",)
        for tex in misprinted_equation(value, symbols):
            yield tex.replace(" = ", r" \mathrel{+}= ", 1) if plus else tex
    elif piece.path == ("loops",):
        yield from indices_misprinted(value, symbols)
    elif piece.path == ("scattered",):
        left, right = piece.formula.tex.split(r" \mathrel{+}= ", 1)
        assert isinstance(step, Through)
        yield from in_turn(
            (rf"{m} \mathrel{{+}}= {right}" for m in misprinted(value[0], step.loops, symbols)),
            (rf"{left} \mathrel{{+}}= {m}" for m in misprinted(value[1], step.loops, symbols)),
        )
    elif isinstance(value, str):
        yield from symbols_misprinted(value, symbols)
    else:
        assert isinstance(step, Through)
        yield from misprinted(value, step.loops, symbols)
