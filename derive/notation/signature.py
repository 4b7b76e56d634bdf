"""Signatures of definitions, and errors that mark the place."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NoReturn

from derive.notation.expr import ELLIPSIS, Expr, Opt
from derive.notation.layer import Kind, Layer, Option, Slot, Tensor

#: Option annotations: kind to the words an error uses.
OPTION_KINDS = {
    "Positive": "a positive number",
    "Scalar": "a number",
    "Probability": "a number in (0, 1]",
    "Fraction": "a number in [0, 1]",
    "Count": "a positive integer",
    "Natural": "an integer >= 0",
    "Integer": "an integer",
    "Flag": "True or False",
    "Axis": "the position of an axis",
    "Choice": "one of the choices",
    "Activation": "the name of an elementwise layer",
}
TENSOR_KINDS: dict[str, Kind] = {
    "Real": "real",
    "State": "real",
    "Integer": "integer",
    "Boolean": "boolean",
    "Mask": "boolean",
}


class DefinitionError(ValueError):
    """A definition that cannot be read: says what, where (the statement, with the place marked) and how to mend it."""


@dataclass
class Signature:
    """What a function's signature declares."""

    function: ast.FunctionDef
    lines: list[str]
    file: str
    first_line: int
    known: dict[str, tuple[Layer, ...]]
    chosen: dict[str, str]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    options: list[Option] = field(default_factory=list)
    sizes: dict[str, Expr] = field(default_factory=dict)

    def fail(self, node: ast.AST, what: str, mend: str) -> NoReturn:
        row = getattr(node, "lineno", 1) - 1
        column = getattr(node, "col_offset", 0)
        width = max(1, getattr(node, "end_col_offset", column + 1) - column)
        line = self.lines[row] if row < len(self.lines) else ""
        raise DefinitionError(
            f"{self.function.name}: {what}\n  {self.file}:{self.first_line + row}\n"
            f"    {line.rstrip()}\n    {' ' * column}{'^' * min(width, max(1, len(line) - column))}\n  {mend}"
        )

    def signature(self) -> None:
        arguments = self.function.args
        defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + list(arguments.defaults)
        for argument, default in zip(
            arguments.args + arguments.kwonlyargs, defaults + list(arguments.kw_defaults), strict=True
        ):
            if argument.annotation is None:
                self.fail(argument, f"{argument.arg} has no annotation", "write for example x: Real[..., i]")
            self.argument(argument.arg, argument.annotation, default)

    def argument(self, name: str, annotation: ast.expr, default: ast.expr | None) -> None:
        slices: list[ast.expr] = []
        base = annotation
        while isinstance(base, ast.Subscript):
            slices.insert(0, base.slice)
            base = base.value
        kind = base.id if isinstance(base, ast.Name) else ""
        if kind in TENSOR_KINDS and (slices or default is None):
            slots = [self.slot(s) for part in slices for s in items(part)]
            axes = tuple(a for slot in slots for a in slot.parts)
            role = "state" if kind == "State" else "input"
            self.tensors[name] = Tensor(
                name, axes, tuple(slots), TENSOR_KINDS[kind], role, sequence=len(slices) == 2, optional=kind == "Mask"
            )
            return
        if kind not in OPTION_KINDS:
            self.fail(
                annotation,
                f"{name} has an unknown kind",
                f"tensors are {', '.join(TENSOR_KINDS)}[axes]; options are {', '.join(OPTION_KINDS)}",
            )
        words = tuple(ast.literal_eval(s) for part in slices for s in items(part) if isinstance(s, ast.Constant))
        axis = next((s.id for part in slices for s in items(part) if isinstance(s, ast.Name)), "")
        value: object = None
        if default is not None:
            value = default.id if isinstance(default, ast.Name) else ast.literal_eval(default)
        self.options.append(Option(name, kind, value, axis, words))
        if kind == "Count" and axis:
            self.sizes[axis] = Opt(name)

    def slot(self, node: ast.expr) -> Slot:
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return Slot((ELLIPSIS,))
        if isinstance(node, ast.Name):
            return Slot((node.id,))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return Slot(self.slot(node.left).parts + self.slot(node.right).parts)
        self.fail(node, "not an axis", "an axis is a name, ... or a product of names such as g * c")


def items(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""
