"""Options of a signature: their kinds, how many numbers they have, and their defaults."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import NoReturn

from derive.notation.constants import NotANumber, exact
from derive.notation.errors import Place, error
from derive.notation.expr import Expr, Opt
from derive.notation.layer import Layer, Option, Tensor
from derive.notation.several import spread
from derive.notation.source import Definition

Span = tuple[int, int, int | None, int | None]

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


def described(option: Option) -> str:
    """What an option must be, in words."""
    return OPTION_KINDS[option.kind] + (f", or {in_tuples(option.shape)}" if option.shape else "")


def in_tuples(shape: tuple[int, ...]) -> str:
    """How the numbers of an option that has several are given apart."""
    return f"a tuple of {shape[0]}" + (f", each a number or {in_tuples(shape[1:])}" if shape[1:] else "")


#: Options that are numbers: whether only integers are in the kind, and which numbers are.
NUMBERS: dict[str, tuple[bool, Callable[[Fraction], bool]]] = {
    "Positive": (False, lambda v: v > 0),
    "Scalar": (False, lambda v: True),
    "Probability": (False, lambda v: 0 < v <= 1),
    "Fraction": (False, lambda v: 0 <= v <= 1),
    "Count": (True, lambda v: v > 0),
    "Natural": (True, lambda v: v >= 0),
    "Integer": (True, lambda v: True),
    "Axis": (True, lambda v: True),
}
SEVERAL = 32  #: so many numbers one option may have


@dataclass
class Options:
    """What a function's signature declares, and of that the options."""

    definition: Definition
    known: dict[str, tuple[Layer, ...]]
    chosen: dict[str, str]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    options: list[Option] = field(default_factory=list)
    sizes: dict[str, Expr] = field(default_factory=dict)

    @property
    def function(self) -> ast.FunctionDef:
        return self.definition.function

    @property
    def lines(self) -> list[str]:
        return self.definition.lines

    def fail(self, node: ast.AST, what: str, mend: str) -> NoReturn:
        raise error(self.function.name, what, Place.of(node, self.definition.file, self.lines), mend)

    def text(self, node: ast.AST) -> str:
        """What is written there."""
        return ast.get_source_segment("\n".join(self.lines), node) or ast.unparse(node)

    def reserved(self) -> frozenset[str]:
        """Words that cannot name a layer, a tensor, an option or an index, because they mean something else."""
        raise NotImplementedError

    def numeral(self, node: ast.expr) -> Fraction:
        """A number that stands in the text, exactly."""
        try:
            return exact(node, self.text)
        except NotANumber as problem:
            self.fail(node, f"not a number: {problem}", "write a number such as 3, 1e-5 or 1 / 3")

    def option(self, name: str, kind: str, slices: list[ast.expr], default: ast.expr | None, node: ast.expr) -> None:
        inside = [s for part in slices for s in items(part)]
        words: tuple[str, ...] = ()
        shape: tuple[int, ...] = ()
        axis = ""
        if kind == "Choice":
            words = self.choices(inside, node)
        elif kind in ("Count", "Axis") and len(inside) == 1 and isinstance(inside[0], ast.Name):
            axis = inside[0].id
        elif kind in NUMBERS and kind != "Axis" and len(slices) == 1:
            shape = self.several(name, kind, inside, node)
        elif inside or kind == "Axis":
            mend = f"write {name}: Axis[i] = -1" if kind == "Axis" else f"write {name}: {kind} = ..."
            self.fail(node, f"{kind} is not followed by this", mend)
        if kind == "Activation" and name in self.reserved():
            self.fail(node, f"{name} is a word of the notation or of kernels", "give the option another name")
        if default is None:
            example = {"Choice": f'"{words[0] if words else "mean"}"', "Flag": "False", "Activation": '"relu"'}
            whole = kind in NUMBERS and NUMBERS[kind][0]
            shown = example.get(kind, "-1" if kind == "Axis" else "1" if whole else "1.0")
            self.fail(node, f"{name} has no default", f"write {name}: {self.text(node)} = {shown}")
        if isinstance(default, ast.Tuple) and kind in NUMBERS and not shape and not axis:
            several = f"{name}: {kind}[{len(default.elts)}] has so many, of which equations name {name}[0] and so on"
            mend = f"write a number such as {'3' if NUMBERS[kind][0] else '1.0'}; {several}"
            self.fail(default, f"{self.text(default)} is not a number, and {name} is one", mend)
        value = self.defaults(name, kind, shape, default) if shape else self.default(name, kind, words, default)
        self.options.append(Option(name, kind, value, axis, words, shape))
        if kind == "Count" and axis:
            if axis in self.sizes:
                self.fail(node, f"two options are the length of {axis}", "leave one of them out")
            self.sizes[axis] = Opt(name)

    def several(self, name: str, kind: str, inside: list[ast.expr], node: ast.expr) -> tuple[int, ...]:
        """How many numbers an option of several has: ``Count[2]``, or ``Natural[2, 2]`` for two pairs."""
        found = [s.value for s in inside if isinstance(s, ast.Constant) and type(s.value) is int and s.value > 0]
        if len(found) < len(inside):
            mend = f"write {name}: {kind} = ... for one number, and {name}: {kind}[2] = ... for two, {name}[0] and "
            mend += f"{name}[1] in equations" + (f"; {name}: Count[i] is the length of i" if kind == "Count" else "")
            self.fail(node, f"{kind} is not followed by this", mend)
        if prod(found) > SEVERAL:
            self.fail(node, f"more than {SEVERAL} numbers", f"pass them as a tensor: {name}: Real[i]")
        return tuple(found)

    def defaults(self, name: str, kind: str, shape: tuple[int, ...], node: ast.expr) -> object:
        """The default of an option of several numbers: one number for all, or a tuple with one for each."""
        if not isinstance(node, ast.Tuple):
            return spread(self.default(name, kind, (), node), shape)
        if not shape or len(node.elts) != shape[0]:
            wanted = f"one number for all, or {shape[0]} in a tuple" if shape else "one number here"
            self.fail(node, f"{name} has a default of {len(node.elts)} numbers", f"write {wanted}")
        return tuple(self.defaults(name, kind, shape[1:], e) for e in node.elts)

    def choices(self, inside: Iterable[ast.expr], node: ast.expr) -> tuple[str, ...]:
        """What may be chosen."""
        found = [s.value for s in inside if isinstance(s, ast.Constant) and isinstance(s.value, str)]
        if len(found) < len(list(inside)) or not found:
            self.fail(node, "a choice is among words", 'write Choice["mean", "sum"] = "mean"')
        if len(set(found)) < len(found):
            self.fail(node, "a word stands twice", "leave one of them out")
        return tuple(found)

    def default(self, name: str, kind: str, words: tuple[str, ...], node: ast.expr) -> object:
        """An option's default, which is of its kind."""
        wanted = OPTION_KINDS[kind] if kind != "Choice" else "one of " + ", ".join(map(repr, words))
        value = node.value if isinstance(node, ast.Constant) else None
        fine = True
        match kind:
            case "Choice":
                fine = value in words and isinstance(value, str)
            case "Flag":
                fine = isinstance(value, bool)
            case "Activation":
                fine = isinstance(value, str) and self.is_elementwise(value)
                near = difflib.get_close_matches(str(value), [n for n in self.known if self.is_elementwise(n)], 1)
                wanted += f": did you mean {near[0]!r}?" if near and not fine else ""
            case _:
                integers, holds = NUMBERS[kind]
                number = self.numeral(node)
                if not written_out(node):
                    mend = f"write it out: {float(number)!r}" if number.denominator != 1 else f"write it out: {number}"
                    self.fail(node, f"the default of {name} is not one number", mend)
                fine = holds(number) and not (integers and number.denominator != 1)
                value = int(number) if fine and (integers or written_whole(node)) else float(number)
        if not fine:
            self.fail(node, f"{name} is {self.text(node)}", f"{kind} is {wanted}")
        return value

    def is_elementwise(self, name: str) -> bool:
        return name in self.known and self.known[name][0].elementwise


def written_out(node: ast.expr) -> bool:
    """Whether a number stands there as such, perhaps with a sign."""
    while isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant)


def written_whole(node: ast.expr) -> bool:
    """Whether a number is written as an integer."""
    while isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def items(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def span(node: ast.expr) -> Span:
    """Where an expression stands: lines and columns of its beginning and its end."""
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""
