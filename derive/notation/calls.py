"""Reads calls: layers used inside another one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Opt, Pos, Reduce, Ref, Size
from derive.notation.layer import Call, Equation, Layer
from derive.notation.signature import Signature, items, name_of


@dataclass
class Calls(Signature):
    """Reads ``z[l] = linear(h[l - 1], W[l], b[l])``, and keeps which axes are the same."""

    steps: list[Equation | Call] = field(default_factory=list)
    parent: dict[str, str] = field(default_factory=dict)

    def value(self, node: ast.expr) -> Expr:
        """An expression of numbers."""
        raise NotImplementedError

    def index(self, node: ast.expr) -> Expr:
        """An expression in index position."""
        raise NotImplementedError

    def introduce(self, node: ast.AST, name: str, left: tuple[Expr, ...]) -> None:
        """Make the tensor on the left of an equation known."""
        raise NotImplementedError

    def call(self, node: ast.Assign, target: ast.expr, value: ast.Call) -> None:
        name = name_of(value.func)
        options = self.call_options(value, self.known[name][0])
        part = self.variant(self.known[name], dict(options))
        given = self.call_arguments(value, part)
        arguments = (*(ref for ref, _ in given), *(None for _ in part.inputs[len(given) :]))
        axes = self.matched(value, part, given)
        results = self.call_results(target, part, axes)
        call = Call(part, results, arguments, options, tuple(sorted(axes.items())), node.lineno)
        known = self.outer_axes()
        self.sizes |= {axes[a][0]: call.here(e) for a, e in part.sizes.items() if axes[a][0] not in known}
        for e in call.equations:
            self.introduce(node, e.target, e.left)
        self.steps.append(call)

    def call_results(self, target: ast.expr, part: Layer, axes: dict[str, tuple[str, ...]]) -> tuple[Ref, ...]:
        """What the part's outputs are called here."""
        found = [self.leading(node) for node in items(target)]
        if len(found) > len(part.outputs):
            self.fail(target, f"{part.name} gives {', '.join(part.outputs)} only", "name no more results")
        if len({lead for _, lead in found}) > 1:
            self.fail(target, "the results have different leading indices", "give them the same ones")
        return tuple(
            Ref(name, lead + tuple(Pos(here) for a in part.tensors[output].axes for here in axes[a]))
            for (name, lead), output in zip(found, part.outputs, strict=False)
        )

    def leading(self, node: ast.expr) -> tuple[str, tuple[Expr, ...]]:
        """A tensor's name and the indices written: ``h[l - 1]``."""
        if isinstance(node, ast.Subscript):
            return name_of(node.value), tuple(self.index(s) for s in items(node.slice))
        return name_of(node), ()

    # ---- arguments and options -------------------------------------------------------------------------------------

    def call_arguments(self, value: ast.Call, part: Layer) -> list[tuple[Ref, tuple[str, ...]]]:
        """What the part's inputs are here, and the axes that the part sees; masks at the end may be left out."""
        missing = part.inputs[len(value.args) :]
        if len(value.args) > len(part.inputs) or not all(t.optional for t in missing):
            wanted = ", ".join(t.name for t in part.inputs)
            self.fail(value, f"{part.name} takes {len(part.inputs)} tensors", f"call it as {part.name}({wanted})")
        found: list[tuple[Ref, tuple[str, ...]]] = []
        for node, formal in zip(value.args, part.inputs, strict=False):
            name, lead = self.leading(node)
            if name not in self.tensors:
                mend = "pass tensors defined above, with the leading indices if any"
                self.fail(node, "not a tensor of this definition", mend)
            own = self.tensors[name]
            spare = len(own.axes) - len(lead) - len(formal.axes)
            if spare and (ELLIPSIS not in formal.axes or spare < -1):
                self.fail(
                    node,
                    f"{name}[{', '.join(own.axes)}] does not fit {formal.name}[{', '.join(formal.axes)}]",
                    f"{part.name} takes {len(formal.axes)} axes there, after leading indices in brackets if any",
                )
            if own.kind != formal.kind:
                self.fail(node, f"{name} is {own.kind}, {part.name}'s {formal.name} {formal.kind}", "pass another")
            axes = own.axes[len(lead) :]
            found.append((Ref(name, lead + tuple(map(Pos, axes))), axes))
        return found

    def call_options(self, value: ast.Call, part: Layer) -> tuple[tuple[str, Expr | str | bool], ...]:
        kinds = {o.name: o.kind for o in part.options if o.kind != "Axis"}
        found: list[tuple[str, Expr | str | bool]] = []
        for keyword in value.keywords:
            name, node = keyword.arg or "", keyword.value
            if name not in kinds:
                self.fail(node, f"{part.name} has no option {name!r} here", f"its options are: {', '.join(kinds)}")
            found.append((name, self.option_value(node, kinds[name])))
        return tuple(found)

    def option_value(self, node: ast.expr, kind: str) -> Expr | str | bool:
        """What an option is given; a decimal is the floating-point number that the kernel is given."""
        match node:
            case ast.Constant(value=bool() | str() as value):
                return value
            case ast.Constant(value=float(value)):
                return Num(Fraction(value))
            case ast.Name(id=name) if name in self.chosen:
                return self.chosen[name]
            case ast.Name(id=name) if kind == "Activation":
                return Opt(name) if any(o.name == name for o in self.options) else name
        return self.value(node)

    def variant(self, variants: tuple[Layer, ...], options: dict[str, Expr | str | bool]) -> Layer:
        """The variant of a part for the choices that a call makes."""
        return next(v for v in variants if all(options.get(name, chosen) == chosen for name, chosen in v.choice))

    # ---- axes ------------------------------------------------------------------------------------------------------

    def matched(
        self, node: ast.Call, part: Layer, arguments: list[tuple[Ref, tuple[str, ...]]]
    ) -> dict[str, tuple[str, ...]]:
        """What every axis and index of a part is called here."""
        axes: dict[str, tuple[str, ...]] = {}
        lists = {ref.tensor for ref, _ in arguments if self.tensors[ref.tensor].sequence}
        for (ref, mine), formal in zip(arguments, part.inputs, strict=False):
            for theirs, own in aligned(formal.axes, mine):
                taken = {a for names in axes.values() for a in names}
                known = axes.setdefault(theirs, tuple(a if a not in taken else x.fresh(a, taken) for a in own))
                if len(known) != len(own) or (ELLIPSIS in known) != (ELLIPSIS in own):
                    shown = " and ".join(f"[{', '.join(names)}]" for names in (known, own))
                    self.fail(node, f"{part.name}'s axis {theirs} is both {shown} here", "make them the same")
                if theirs != ELLIPSIS and ELLIPSIS in own:
                    mend = f"{part.name} takes {formal.name}[{', '.join(formal.axes)}]"
                    self.fail(node, f"{ref.tensor}'s ... stands where {part.name} has the axis {theirs}", mend)
                if ref.tensor in lists:
                    axes[theirs] = own
                elif not lists:
                    for a, b in zip(own, known, strict=True):
                        self.one_length(node, part, a, b)
        taken = self.outer_axes() | {a for t in self.tensors.values() for a in t.axes} | {*chain(*axes.values())}
        bodies = [e for equation in part.equations for e in (equation.lhs, equation.body)]
        indices = [i for e in bodies for n in x.walk(e) for i in named(n)]
        for i in dict.fromkeys((*part.sizes, *indices)):
            along = axes.get(part.axis(i), ())
            if i not in axes and len(along) == 1:  # j runs along i: here i2, whose name says so
                axes[i] = (x.fresh(along[0], chain(*axes.values())),)
            elif i not in axes:
                name = i if i not in taken else f"{part.name}_{i}"
                while name in taken:
                    name += "_"
                axes[i] = (name,)
        return axes

    def one_length(self, node: ast.Call, part: Layer, a: str, b: str) -> None:
        """Two axes that a part takes for one: two of inputs must have been said to be equally long."""
        if a == b:
            return
        if {a, b} <= self.outer_axes():
            if self.sizes.get(a) != Size(b) and self.sizes.get(b) != Size(a):
                self.fail(node, f"{part.name} needs {a} and {b} of one length", f"say so above: {a} = axis(size({b}))")
        else:
            self.unify(a, b)

    def outer_axes(self) -> set[str]:
        """Axes whose length is known: those of inputs, and those computed."""
        return {a for t in self.tensors.values() if t.role != "intermediate" for a in t.axes} | set(self.sizes)

    def find(self, index: str) -> str:
        while index in self.parent:
            index = self.parent[index]
        return index

    def unify(self, a: str, b: str) -> None:
        a, b = self.find(a), self.find(b)
        if a == b:
            return
        declared = [i for t in self.tensors.values() if t.role in ("input", "state") for i in t.axes] + list(self.sizes)
        if a in declared and (b not in declared or declared.index(a) < declared.index(b)):
            a, b = b, a
        self.parent[a] = b


def aligned(formal: tuple[str, ...], own: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A part's axes and what an argument has there; ``...`` takes what the others leave."""
    at = 0
    for axis in formal:
        width = len(own) - len(formal) + 1 if axis == ELLIPSIS else 1
        yield axis, own[at : at + width]
        at += width


def named(e: Expr) -> tuple[str, ...]:
    """The indices that a node names."""
    return (e.index,) if isinstance(e, Pos) else e.over if isinstance(e, Reduce) else ()
