"""Which indices and arrays stand in a piece of a definition's text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from derive.text.parse import DOTS, Definition, Statement, parts
from derive.text.words import REDUCTIONS

if TYPE_CHECKING:
    from derive.text.evaluate import Run


def are_indices(text: Definition, node: ast.expr) -> bool:
    return all(text.index(n) is not None for n in parts(node))


def free(text: Definition, node: ast.AST) -> list[str]:
    """The indices of an expression that nothing in it reduces over, as they come."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "size":
            return []
        if node.func.id in REDUCTIONS and len(node.args) == 2 and are_indices(text, node.args[0]):
            bound = {text.index(i) for i in parts(node.args[0])}
            return [i for i in free(text, node.args[1]) if i not in bound]
        children: list[ast.AST] = [*node.args, *node.keywords]
    elif isinstance(node, ast.Subscript):
        children = list(parts(node.slice))
    else:
        children = list(ast.iter_child_nodes(node))
    own = text.index(node)
    found = [own] if own is not None else [i for child in children for i in free(text, child)]
    return [i for i in dict.fromkeys(found) if i not in ("pi", "inf")]


def kept(run: Run, s: Statement) -> tuple[ast.expr, ...]:
    """On the left: the indices of ``loss = reduced(reduction, L[...])`` where nothing is reduced."""
    match s.value:
        case ast.Call(func=ast.Name(id="reduced"), args=[ast.Name(id=word), body]) if run.options.get(word) == "none":
            return tuple(
                ast.Constant(value=Ellipsis) if i == DOTS else ast.Name(id=i, ctx=ast.Load())
                for i in free(run.text, body)
            )
    return ()


def reads(text: Definition, place: Statement) -> Iterator[tuple[str, tuple[ast.expr, ...], bool]]:
    """Every array that a statement reads, with its indices; in a call those in front only."""
    for node in ast.walk(place.value):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in text.tensors:
            yield node.value.id, tuple(parts(node.slice)), bool(place.part)
