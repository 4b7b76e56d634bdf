"""Which axis an index runs along, and which axes are of one length."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Size
from derive.notation.layer import Call, Equation
from derive.notation.lengths import expanded, made_equal
from derive.notation.options import items, name_of
from derive.notation.signature import Signature
from derive.notation.text import show


@dataclass
class Axes(Signature):
    """Keeps which axes are the same.

    Attributes:
        steps: what has been read.
        parent: an index or axis to one that it is as long as; a forest.
        used: every index, and where it stands first.
        made: axes and indices that parts bring, and ``names``: what the definition calls them.
    """

    steps: list[Equation | Call] = field(default_factory=list)
    parent: dict[str, str] = field(default_factory=dict)
    used: dict[str, ast.AST] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)

    def part_repeated_axes(self) -> None:
        """``A: Real[n, n]`` has two axes of one length: the second is n2 to the engine, and n to a caller."""
        for name, tensor in self.tensors.items():
            axes: list[str] = []
            for axis in tensor.axes:
                axes.append(x.numbered(axis, {*axes, *self.words}) if axis in axes else axis)
                if axes[-1] != axis:
                    self.parent[axes[-1]] = axis
            self.tensors[name] = replace(tensor, axes=tuple(axes))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name that the definition's text has: what is named here takes none of them."""
        nodes = ast.walk(self.function)
        return frozenset(n.id if isinstance(n, ast.Name) else n.arg for n in nodes if isinstance(n, ast.Name | ast.arg))

    def declared(self) -> set[str]:
        """Axes whose length is known: those of inputs, and those computed."""
        return self.input_axes() | set(self.sizes)

    def input_axes(self) -> set[str]:
        return {a for t in self.tensors.values() if t.role in ("input", "state") for a in t.axes}

    def find(self, index: str) -> str:
        while index in self.parent:
            index = self.parent[index]
        return index

    def unify(self, a: str, b: str) -> None:
        """From now on two axes are one: the one that an input has first stands for both."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return
        inputs = [i for t in self.tensors.values() if t.role in ("input", "state") for i in t.axes]
        order = [*inputs, *self.sizes]
        if a in order and (b not in order or order.index(a) < order.index(b)):
            a, b = b, a
        self.parent[a] = b

    def length(self, axis: str) -> Expr:
        """How long an axis is, in lengths that are not computed."""
        axis = self.find(axis)
        size = self.sizes.get(axis)
        return self.lengths(size) if size is not None else Size(axis)

    def lengths(self, e: Expr) -> Expr:
        """An expression with every length that is computed written out; what is divided by 1 is itself."""

        def visit(n: Expr) -> Expr | None:
            if isinstance(n, Op) and n.fn == "floordiv" and self.lengths(n.args[1]) == x.ONE:
                return self.lengths(n.args[0])
            return self.length(n.axis) if isinstance(n, Size) else None

        return x.transform(e, visit)

    def lengths_in(self, e: Expr) -> set[str]:
        """Every axis whose length an expression depends on."""
        found: set[str] = set()
        open_ = [e]
        while open_:
            for n in x.walk(open_.pop()):
                if isinstance(n, Size) and n.axis not in found:
                    found.add(n.axis)
                    open_ += [self.sizes[n.axis]] if n.axis in self.sizes else []
        return found

    def called(self) -> dict[str, str]:
        """Axes that parts make, with what the definition calls them where it first has an index along each."""
        found: dict[str, str] = {}
        for index in self.used:
            axis = self.find(index)
            if axis in self.made and axis in self.sizes and index not in self.declared():
                found.setdefault(axis, index)
        return found

    def own_indices(self, node: ast.Assign) -> ast.Assign:
        """An equation with an index that an earlier one had for axes of another length, with one of its own.

        ``a[n, i] = tanh(z[n, i])``, then ``y[n, i] = tanh(u[n, i])``: where no input and no ``i = axis(...)`` says how
        long i is, each equation does: for those on its left, and those that it reduces over.
        """
        target = node.targets[0]
        left = [name_of(i) for i in items(target.slice)] if isinstance(target, ast.Subscript) else []
        calls = [n for n in ast.walk(node.value) if isinstance(n, ast.Call) and len(n.args) == 2]
        reduced = [name_of(i) for n in calls for i in items(n.args[0])]
        declared = self.input_axes() | ({*self.sizes} - {*self.names.values()})
        moved: dict[str, str] = {}
        for index in dict.fromkeys(i for i in left + reduced if i in self.used and i not in declared):
            axes = list(dict.fromkeys(self.find(a) for a in self.stood_on(index, node.value)))
            if index not in left and len(axes) > 1:  # in each of several sums it runs along an axis of its own
                continue
            if axes and self.length(self.find(index)) not in map(self.length, axes):
                axis = next((a for a in axes if a in self.sizes), axes[0])
                free = axis not in {*left, *reduced, *moved.values()}
                moved[index] = axis if free else x.numbered(index, {*self.words, *self.parent, *moved.values()})
                self.used[moved[index]] = self.used[index]
        return Moved(moved).visit(copy.deepcopy(node)) if moved else node

    def stood_on(self, index: str, value: ast.expr) -> Iterator[str]:
        """The axes of arrays on which an index stands plainly in an expression."""
        for n in ast.walk(value):
            if isinstance(n, ast.Subscript) and name_of(n.value) in self.tensors:
                axes = self.tensors[name_of(n.value)].axes
                yield from (axis for axis, item in stands(axes, items(n.slice)) if name_of(item) == index)

    def along(self, node: ast.AST, index: str, axis: str, tensor: str) -> None:
        """An index stands plainly on an axis of a tensor.

        One whose length nothing else says runs along that axis. One of another length that is computed reads a part of
        the axis, and zeros where the axis has ended.
        """
        i, a = self.find(index), self.find(axis)
        known = self.declared()
        if i == a:
            return
        whole = isinstance(node, ast.Name)  # x[i], and not x[i + 0], a part if it is one
        if whole and {i, a} & self.made and {i, a} <= known and {i, a} & self.input_axes():
            self.make_equal(node, index, axis, tensor)
            i, a = self.find(index), self.find(axis)
        if i not in known or a not in known or self.length(i) == self.length(a):
            self.unify(i, a)
        elif {i, a} <= self.input_axes() and i not in self.sizes and a not in self.sizes:
            what = f"index {index} runs along {i}, and {tensor} has the axis {axis} there"
            order = [b for t in self.tensors.values() for b in t.axes]
            first, then = sorted((i, a), key=order.index)
            self.fail(node, what, f"say so above if they are equally long: {then} = axis(size({first}))")

    def make_equal(self, node: ast.AST, index: str, axis: str, tensor: str) -> None:
        """What a part makes is added to a whole array: the two are equally long, which says how long a window is."""
        one, other = self.length(index), self.length(axis)
        if expanded(x.sub(one, other)) == x.ZERO:
            return self.unify(index, axis)
        own = {self.find(index), self.find(axis)}
        free = [a for t in self.tensors.values() for a in t.axes if a in self.input_axes() and a not in self.sizes]
        found = made_equal(one, other, [a for a in dict.fromkeys(map(self.find, free)) if a not in own])
        what = f"{index} is {show(expanded(one))} long, and {tensor} has {show(expanded(other))} there"
        part = f"or write {tensor}[{index} + 0] for the part of {tensor} that there is"
        if found is None:
            self.fail(node, what, f"say how long the axes and options are that make them equal, k = axis(3), {part}")
        window, length = found
        if isinstance(length, Num) and length.value < 1:
            self.fail(node, what, f"which no length of {window} makes equal: pad it, {part}")
        self.sizes = {window: length, **self.sizes}  # what others follow from comes first
        self.unify(index, axis)

    def check_loose(self, node: ast.Assign, name: str, left: tuple[Expr, ...], body: Expr) -> None:
        loose = [i for i in x.free(body) if x.Pos(i) not in left]
        if loose:
            i = loose[0]
            place = self.used.get(i, node)
            known = self.find(i) in self.declared() or i == ELLIPSIS
            what = f"index {i} is on the right but neither on the left nor summed over"
            mend = f"add {i} to the left of {name}, or reduce over it: sum({i}, ...)"
            self.fail(
                place, what, mend if known else f"{mend}; an option is declared in the signature: {i}: Scalar = 1.0"
            )

    def check_rest(self, node: ast.AST, index: str, axis: str, tensor: str) -> None:
        """``...`` stands where a tensor has ``...``, and nowhere else."""
        if (index == ELLIPSIS) != (axis == ELLIPSIS):
            what = f"... stands where {tensor} has the axis {axis}" if index == ELLIPSIS else f"{tensor} has ... there"
            self.fail(node, what, f"write {tensor}[{', '.join(self.tensors[tensor].axes)}]")


class Moved(ast.NodeTransformer):
    """Gives indices other names."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)


def stands(axes: Sequence[str], indices: Sequence[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    """Axes of an array and what stands on them; nothing for what `...` covers on either side."""
    dots = next((n for n, i in enumerate(indices) if isinstance(i, ast.Constant) and i.value is Ellipsis), None)
    most = len(axes) if ELLIPSIS not in axes else axes.index(ELLIPSIS)
    yield from zip(axes[:most], indices[:dots], strict=False)
    if dots is not None:
        behind = len(axes) - most - 1 if ELLIPSIS in axes else len(axes)
        pairs = zip(axes[::-1][:behind], indices[:dots:-1], strict=False)
        yield from [*pairs][::-1]
