"""Misprints of formulas that are no equations of their own: expressions in a sentence, lists of indices, symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, zip_longest

from tests.page.mutate import mutants
from tests.page.printer import Printer, index_tex
from tests.page.symbols import Row, Symbols
from tests.page.tree import Equation, Index, Node, Ref, Size, walk

WHOLE = r"\mathrm{whole}"  # the left side of an equation made of an expression


def misprinted_equation(equation: Equation, symbols: Symbols) -> Iterator[str]:
    """TeX of every misprint of an equation."""
    keys = sorted({n.key for side in (equation.left, equation.right) for n in walk(side) if isinstance(n, Ref)})
    yield from (m.tex for m in mutants(equation, symbols, keys))


def misprinted(e: Node, scope: Sequence[str], symbols: Symbols, sizes: bool = False) -> Iterator[str]:
    """TeX of every misprint of an expression in the indices of its sentence."""
    row = Row(WHOLE, "whole", tuple((f"whole {n}",) for n in range(len(scope))))
    within = replace(symbols, rows=(*symbols.rows, row))
    left = Ref("whole", "", tuple(map(Index, scope)))
    keys = sorted({n.key for n in walk(e) if isinstance(n, Ref)})
    for mutant in mutants(Equation(left, e), within, keys):
        if mutant.equation.left == left and not any(
            n.name == "whole" for n in walk(mutant.equation.right) if isinstance(n, Ref)
        ):
            yield Printer(within).sum(mutant.equation.right)
    if sizes and not any(isinstance(n, Size) for n in walk(e)):
        yield from (f"N_{{{index_tex(a)}}}" for a in sorted(symbols.axes))


def in_turn(*several: Iterator[str]) -> Iterator[str]:
    """The first of each, the second of each, and so on."""
    return (tex for tex in chain.from_iterable(zip_longest(*several)) if tex is not None)


def indices_misprinted(names: Sequence[str], symbols: Symbols) -> Iterator[str]:
    """TeX of a list of indices with one left out, or another in its place."""
    others = [a for a in sorted(symbols.axes) if a not in names]
    for n in range(len(names)):
        rest = [*names[:n], *names[n + 1 :]]
        if rest:
            yield ",".join(map(index_tex, rest))
        for other in others:
            yield ",".join(map(index_tex, [*names[:n], other, *names[n + 1 :]]))


def symbols_misprinted(tex: str, symbols: Symbols) -> Iterator[str]:
    """Other symbols in the place of one: those of the table, an accent more or less."""
    yield from (r.tex for r in symbols.rows if r.tex != tex)
    for accent in (r"\overline{", r"\hat{", r"\dot{"):
        if tex.startswith(accent) and tex.endswith("}"):
            yield tex[len(accent) : -1]
        else:
            yield f"{accent}{tex}}}"
