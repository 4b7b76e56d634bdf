"""Calls printed loops as a caller of kernels would: arrays of any number of leading axes, options by name."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any

from derive.notation.define import load_project
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Size
from derive.notation.layer import Layer, Tensor
from derive.notation.several import spread
from derive.program.ir import KernelProgram, Variant
from derive.targets.loops import words
from derive.targets.loops.printer import SCALAR, name_of, source

NUMBER = "number'"  # no printed name is like it
Shape = tuple[int, ...]
#: Arithmetic on sizes.
WHOLE: dict[str, Callable[[list[int]], int]] = {
    "add": sum,
    "mul": math.prod,
    "floordiv": lambda known: known[0] // known[1],
    "pow": lambda known: known[0] ** known[1],
    "max": max,
}


def shape(a: Any) -> Shape:
    """The lengths of nested lists; what an empty list would hold is 0 long."""
    found = []
    while isinstance(a, list):
        found.append(len(a))
        a = a[0] if a else None
    return tuple(found)


def flat(a: Any) -> Iterator[Any]:
    if isinstance(a, list):
        for inner in a:
            yield from flat(inner)
    else:
        yield a


def nested(values: Iterator[Any], lengths: Sequence[int]) -> Any:
    return [nested(values, lengths[1:]) for _ in range(lengths[0])] if lengths else next(values)


def reshaped(a: Any, *lengths: int) -> Any:
    """The same elements in nested lists of other lengths."""
    return nested(flat(a), lengths)


def moved(a: Any, source: int, target: int) -> Any:
    """Nested lists with one axis at another place."""
    own = shape(a)
    order = [n for n in range(len(own)) if n != source % len(own)]
    order.insert(target % len(own), source % len(own))

    def element(index: Sequence[int]) -> Any:
        found = a
        for n in range(len(own)):
            found = found[index[order.index(n)]]
        return found

    lengths = [own[n] for n in order]
    return nested((element(i) for i in product(*map(range, lengths))), lengths)


class Bound:
    """Arguments of one call in the layout of printed loops: sizes, and what ``...`` stands for."""

    def __init__(self, layer: Layer, options: Mapping[str, Any], number: Callable[[int], int]) -> None:
        self.layer, self.options, self.number = layer, options, number
        self.sizes: dict[str, int] = {}
        self.rest: dict[int | None, Shape] = {}
        self.lengths: dict[tuple[str, ...], int] = {}  # of axes that are one for a caller
        self.like: dict[str, Any] = {}  # inputs in the layout of printed loops

    def entries(self, t: Tensor, value: Any) -> list[tuple[int | None, Any]]:
        """The arrays of a list, or the one array; with the moved axis at its place in the equations."""
        value = value.tolist() if hasattr(value, "tolist") else value
        if self.listed(t):
            return [(n, v.tolist() if hasattr(v, "tolist") else v) for n, v in enumerate(value)]
        move = self.move(t)
        return [(None, moved(value, *move) if move else value)]

    def listed(self, t: Tensor) -> bool:
        return t.sequence or (self.layer.sequence_axis is not None and t.axes[:1] == (self.layer.sequence_axis,))

    def move(self, t: Tensor) -> tuple[int, int] | None:
        for o in self.layer.options:
            if o.kind == "Axis" and o.axis in t.axes:
                return int(self.options[o.name]), t.axes.index(o.axis) - len(t.axes)
        return None

    def slots(self, t: Tensor) -> tuple[tuple[str, ...], ...]:
        return self.layer.split(t)[self.listed(t) :]

    def read(self, t: Tensor, value: Any) -> None:
        """Note the sizes that an input has."""
        if t.sequence:
            self.sizes[t.axes[0]] = len(value)
        for entry, a in self.entries(t, value):
            left = list(shape(a))
            slots = self.slots(t)
            spare = len(left) - len(slots) + 1
            for slot in slots:
                if slot == (ELLIPSIS,):
                    self.rest[entry], left = tuple(left[:spare]), left[spare:]
                    own = math.prod(self.rest[entry])
                else:
                    own = left.pop(0)
                if entry is None:
                    (self.sizes if len(slot) == 1 else self.lengths)[slot[0] if len(slot) == 1 else slot] = own  # type: ignore[index]

    def complete(self) -> None:
        """Sizes that follow from others."""
        for _ in range(2):
            for axis, e in self.layer.sizes.items():
                if (n := self.whole(e)) is not None:
                    self.sizes[axis] = n
            for slot, n in self.lengths.items():
                missing = [a for a in slot if a not in self.sizes]
                if len(missing) == 1:
                    self.sizes[missing[0]] = n // max(1, math.prod(self.sizes[a] for a in slot if a in self.sizes))
        self.sizes = {a: self.number(n) for a, n in self.sizes.items()}

    def whole(self, e: Expr) -> int | None:
        match e:
            case Num(value):
                return int(value)
            case Opt():
                return int(e.of(self.options))
            case Size(axis):
                return self.sizes.get(self.layer.axis(axis))
            case Op(fn, args):
                known = [n for a in args if (n := self.whole(a)) is not None]
                if len(known) == len(args) and fn in WHOLE:
                    return WHOLE[fn](known)
        return None

    def inside(self, t: Tensor, value: Any) -> Any:
        """A tensor in the layout of printed loops; None stands for zeros, or for a mask that is left out."""
        if value is None:
            if t.optional:
                return None
            if t.name in self.like:
                return words.zeros_like(self.like[t.name])
            return words.zeros(*(self.sizes[self.layer.axis(a)] for a in t.axes))
        found = []
        for _, a in self.entries(t, value):
            left, lengths = list(shape(a)), []
            slots = self.slots(t)
            spare = len(left) - len(slots) + 1
            for slot in slots:
                if slot == (ELLIPSIS,):
                    lengths.append(math.prod(left[:spare]))
                    left = left[spare:]
                elif len(slot) == 1:
                    lengths.append(left.pop(0))
                else:
                    left.pop(0)
                    lengths += [self.sizes[self.layer.axis(a)] for a in slot]
            found.append(reshaped(a, *lengths))
        return found if self.listed(t) else found[0]

    def outside(self, t: Tensor, value: Any) -> Any:
        """A result as a caller sees it."""
        value = self.inside(t, None) if value is None else value
        found = []
        for n, a in enumerate(value) if self.listed(t) else [(None, value)]:
            left, lengths = list(shape(a)), []
            for slot in self.slots(t):
                own = [left.pop(0) for _ in slot]
                lengths += list(self.rest.get(n, ())) if slot == (ELLIPSIS,) else [math.prod(own)]
            found.append(reshaped(a, *lengths))
        if self.listed(t):
            return found
        move = self.move(t)
        return moved(found[0], move[1], move[0]) if move else found[0]


class Quotients(ast.NodeTransformer):
    """Writes a quotient of two numbers with a number of the caller's kind on its left: Python's own is rounded."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        above = node.left.operand if isinstance(node.left, ast.UnaryOp) else node.left
        if isinstance(node.op, ast.Div) and isinstance(above, ast.Constant) and isinstance(node.right, ast.Constant):
            node.left = ast.Call(ast.Name(NUMBER, ast.Load()), [node.left], [])
        return node


class Kernel:
    """The loops of one layer, to be called: every function returns its results by name.

    Attributes:
        text: the module.
        extra: words that replace those of derive.targets.loops.words, for other numbers than floats.
        number: what lengths and the numbers of quotients such as 1/3 are, so that these are as exact as it is.
    """

    def __init__(
        self, program: KernelProgram, kernels: Callable[[str], Kernel], extra: Mapping[str, Any] = {},
        number: Callable[[int], int] = int,
    ) -> None:  # fmt: skip
        self.program, self.kernels, self.number = program, kernels, number
        self.text, parts = source(program)
        self.scope: dict[str, Any] = {}
        code = ast.parse(self.text) if number is int else Quotients().visit(ast.parse(self.text))
        exec(compile(ast.fix_missing_locations(code), f"<loops of {program.layer.name}>", "exec"), self.scope)
        self.scope |= {NUMBER: number, **extra, **{own: kernels(part) for part, own in parts.items()}}
        for name in SCALAR:
            if name in self.scope:
                setattr(self, name, self.scope[name])

    def start(self, arguments: Sequence[Any], options: dict[str, Any]) -> tuple[Variant, Bound, dict[str, Any]]:
        layer = self.program.layer
        options = {o.name: o.default for o in layer.options} | options
        options |= {o.name: spread(options[o.name], o.shape) for o in layer.options if o.shape}
        choice = {(o.name, options[o.name]) for o in layer.options if o.kind == "Choice"}
        variant = next(v for v in self.program.variants if {*v.layer.choice} == choice)
        bound = Bound(variant.layer, options, self.number)
        given = dict(zip((t.name for t in layer.inputs), arguments, strict=False))
        for t in variant.layer.inputs:
            if given.setdefault(t.name, None) is not None:
                bound.read(t, given[t.name])
        bound.complete()
        bound.like = {t.name: bound.inside(t, given[t.name]) for t in variant.layer.inputs}
        return variant, bound, bound.like

    def run(
        self, variant: Variant, bound: Bound, function: str, given: Mapping[tuple[str, str], Any]
    ) -> dict[str, Any]:
        f = variant.functions[function]
        options = [
            self.kernels(bound.options[o.name]) if o.kind == "Activation" else bound.options[o.name]
            for o in variant.layer.options
            if o.kind != "Choice"
        ]
        values = [given[p.role, p.of] for p in f.parameters if p.role != "saved"] + given.get(("saved", ""), [])
        found: dict[str, Any] = self.scope[name_of(function, variant)](bound.sizes, *values, *options)
        back = {p.name: p.of for p in f.parameters}
        tensors = variant.layer.tensors
        return {
            n: v if n == "saved" else bound.outside(tensors[n if n in tensors else back[n]], v)
            for n, v in found.items()
        }

    def forward(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        variant, bound, own = self.start(arguments, options)
        found = self.run(variant, bound, "forward", {("input", n): v for n, v in own.items()})
        return {**found, "saved": (variant, bound, found["saved"])}

    def backward(self, cotangents: Sequence[Any], saved: Any) -> dict[str, Any]:
        variant, bound, kept = saved
        given = {("saved", ""): kept, **self.along("cotangent", variant, bound, cotangents)}
        return self.run(variant, bound, "backward", given)

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **options: Any) -> dict[str, Any]:
        variant, bound, own = self.start(primals, options)
        given = {("input", n): v for n, v in own.items()}
        return self.run(variant, bound, "jvp", given | self.along("tangent", variant, bound, tangents))

    def double_backward(
        self, cotangents: Sequence[Any], primals: Sequence[Any], directions: Sequence[Any], **options: Any
    ) -> dict[str, Any]:
        variant, bound, own = self.start(primals, options)
        given = {("input", n): v for n, v in own.items()}
        given |= self.along("cotangent", variant, bound, cotangents)
        return self.run(variant, bound, "double_backward", given | self.along("direction", variant, bound, directions))

    def along(self, role: str, variant: Variant, bound: Bound, values: Iterable[Any]) -> dict[tuple[str, str], Any]:
        layer = variant.layer
        of = layer.differentiable_outputs if role == "cotangent" else [t.name for t in layer.differentiable]
        return {(role, n): bound.inside(layer.tensors[n], v) for n, v in zip(of, values, strict=True)}


@cache
def kernel(name: str) -> Kernel:
    """The loops of a layer, by its name.

    Raises:
        KeyError: no layer is called so.
    """
    from derive.program.compile import program_of

    load_project()
    return Kernel(program_of(name), kernel)
