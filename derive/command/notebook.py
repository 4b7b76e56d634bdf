"""``%%layer`` in a notebook: a cell that holds definitions, read and not run.

    %load_ext derive

    %%layer Zhang and Sennrich 2019
    def rms_norm(x: Real[..., i], epsilon: Positive = 1e-6):
        y[..., i] = x[..., i] / sqrt(mean(i, x[..., i] ** 2) + epsilon)
        return y

What follows ``%%layer`` is where the mathematics comes from; functions with a decorator of their own keep it. Each
name then stands for its layer, and the last one is shown. A cell that is run again replaces what it defined.
"""

from __future__ import annotations

import ast
from typing import Any

from derive.notation.define import REGISTRY, load_project, register, registered
from derive.notation.errors import DefinitionError
from derive.notation.layer import Layer
from derive.notation.source import Isolated, parse

CELL = "<notebook {}>"


def bring(shell: Any) -> None:
    """Register ``%%layer`` with an IPython shell."""

    def layer(line: str, cell: str) -> Layer | None:
        try:
            found = define(cell, line.strip())
        except DefinitionError as error:
            shell.showtraceback((type(error), error, None), exception_only=True)
            return None
        shell.push(found)
        return list(found.values())[-1]

    shell.register_magic_function(layer, magic_kind="cell", magic_name="layer")


def define(cell: str, cites: str = "") -> dict[str, Layer]:
    """Read the definitions of a cell.

    Args:
        cell: functions in the notation, with or without ``@layer(...)``.
        cites: where the mathematics comes from, for those without.

    Returns:
        The layers by name, in the order of the cell.

    Raises:
        DefinitionError: it holds something else, or a definition that cannot be read; what was there stays.
    """
    load_project()
    names = [n.name for n in parse(cell, CELL.format("cell")).body if isinstance(n, ast.FunctionDef)]
    file = CELL.format(" ".join(names))
    again = {n: v for n in names if (v := REGISTRY.get(n)) and v[0].file.startswith("<notebook ")}
    for name in again:
        del REGISTRY[name]
    try:
        with registered(file) as read:
            for definition in Cell(cell, file, cites).definitions():
                register(definition)
    except BaseException:
        REGISTRY.update(again)
        raise
    return {name: read[name][0] for name in names}


class Cell(Isolated):
    """Reads a cell: a function without a decorator is a definition too."""

    imported = True

    def __init__(self, text: str, file: str, source: str) -> None:
        super().__init__(text, file)
        self.source = source

    def cites(self, node: ast.FunctionDef) -> str:
        return super().cites(node) if node.decorator_list else self.source
