"""Programs of small definitions, as text after each pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.calculus.derivation import Derivation, derive
from derive.calculus.parts import by_parts
from derive.notation.define import read_source
from derive.program import compile as compiler
from derive.program.draft import Draft
from derive.program.rows import Costs
from derive.program.show import lines_of

ALL = Costs(in_blocks=frozenset({"forward", "backward"}))


def derivation(text: str) -> Derivation:
    """The last definition of some, derived, in the form that kernels are made of; its body may be one equation."""
    definitions = (f"@layer(cites='none')\n{d}\n" for d in text.strip().split("\n\n"))
    source = "from derive import layer\n\n" + "\n".join(definitions)
    return by_parts(derive([*read_source(source, "small.py").values()][-1][0]))


def drafts(d: Derivation) -> list[Draft]:
    """What the passes begin with, function by function."""
    every = [*compiler.first_order(d), compiler.second_order(d)]
    named = (*compiler.same_file(d.layer), "sigmoid", "tanh")
    return [replace(draft, unit_rows=compiler.unit_rows(d), elementwise=named) for draft in every]


def stages(d: Derivation, function: str, costs: Costs = ALL) -> Iterator[tuple[str, Draft]]:
    (draft,) = (draft for draft in drafts(d) if draft.functions[0].name == function)
    yield "", draft
    yield from compiler.stages(draft, costs)


def around(text: str, name: str, function: str = "forward") -> tuple[list[str], list[str]]:
    """The program of a definition before and after a pass."""
    before: list[str] = []
    for found, draft in stages(derivation(text), function):
        if found == name:
            return before, lines_of(draft)
        before = lines_of(draft)
    raise KeyError(name)


def changed(text: str, name: str, function: str = "forward") -> tuple[list[str], list[str]]:
    """The lines that a pass takes away, and those that it puts there."""
    before, after = around(text, name, function)
    return [line for line in before if line not in after], [line for line in after if line not in before]
