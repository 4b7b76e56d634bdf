"""Signatures of definitions: which tensors and options a function declares, and in which range their numbers lie."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from fractions import Fraction

from derive.notation.domain import Domain
from derive.notation.expr import CONSTANTS, ELLIPSIS
from derive.notation.layer import Kind, Slot, Tensor
from derive.notation.options import OPTION_KINDS, Options, items, name_of

TENSOR_KINDS: dict[str, Kind] = {
    "Real": "real",
    "State": "real",
    "Integer": "integer",
    "Boolean": "boolean",
    "Mask": "boolean",
}
#: What a signature may say of the numbers of a tensor.
DOMAINS = "x: Real[...] > 0, p: 0 <= Real[...] <= 1, t: Integer[...] < v, t: abs(Integer[...]) == 1, "
DOMAINS += "p: sum(i, Real[..., i]) == 1"
EXAMPLE = "write for example x: Real[..., i], or epsilon: Positive = 1e-5"
MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}


@dataclass
class Signature(Options):
    """What a function's signature declares."""

    # ---- arguments -------------------------------------------------------------------------------------------------

    def signature(self) -> None:
        self.check_form()
        arguments = self.function.args
        given = arguments.posonlyargs + arguments.args
        defaults: list[ast.expr | None] = [None] * (len(given) - len(arguments.defaults))
        defaults += [*arguments.defaults, *arguments.kw_defaults]
        declared = list(zip(given + arguments.kwonlyargs, defaults, strict=True))
        for argument, default in declared:
            if argument.annotation is None:
                self.fail(argument, f"{argument.arg} has no annotation", EXAMPLE)
            self.argument(argument, argument.annotation, default)
        if not any(t.role in ("input", "state") for t in self.tensors.values()):
            self.fail(self.function, "no tensor goes in", "give the layer an input: x: Real[..., i]")
        for argument, _ in declared:
            self.check_axes(argument)

    def check_form(self) -> None:
        """What a function may have beside arguments: nothing that would not be read."""
        function, arguments = self.function, self.function.args
        for star, argument in (("*", arguments.vararg), ("**", arguments.kwarg)):
            if argument is not None:
                self.fail(argument, f"{star}{argument.arg} has no meaning here", "write every tensor and option out")
        if arguments.posonlyargs:
            place = arguments.posonlyargs[-1]
            self.fail(place, "/ has no meaning here", "leave it out: tensors are passed by place, options by keyword")
        if function.returns is not None:
            self.fail(function.returns, "-> has no meaning here", "leave it out: outputs are what the return names")
        if getattr(function, "type_params", None):
            self.fail(function, "type parameters have no meaning here", "leave them out")
        if function.name in self.reserved():
            self.fail(
                function, f"{function.name} is a word of the notation or of kernels", "give the layer another name"
            )

    def argument(self, argument: ast.arg, annotation: ast.expr, default: ast.expr | None) -> None:
        name = argument.arg
        self.check_name(argument, name)
        slices, kind, node = self.annotation(annotation)
        domain = None
        if isinstance(annotation, ast.Compare):
            node, domain = self.domain(annotation)
            slices, kind, node = self.annotation(node)
            if kind not in ("Real", "State", "Integer"):
                self.fail(annotation, f"{name} has no numbers to compare", f"write a domain as in {DOMAINS}")
            if kind == "Integer" and domain.simplex:
                self.fail(annotation, "integers do not sum to 1", "declare t: Real[..., i] for probabilities")
            if kind != "Integer" and domain.signs:
                self.fail(annotation, "only integers are -1 and 1 alone", f"declare {name}: abs(Integer[...]) == 1")
        if kind in TENSOR_KINDS and (slices or default is None):
            self.tensor(argument, kind, slices, default, node, domain)
        elif domain is not None or kind in TENSOR_KINDS.keys() - OPTION_KINDS.keys():
            self.fail(node, f"{name} has no axes", f"write {name}: {kind}[...], or an option {name}: Scalar = 1.0")
        elif kind in OPTION_KINDS:
            self.option(name, kind, slices, default, node)
        else:
            near = difflib.get_close_matches(kind, [*TENSOR_KINDS, *OPTION_KINDS], 1)
            mend = f"tensors are {', '.join(TENSOR_KINDS)}[axes]; options are {', '.join(OPTION_KINDS)}"
            self.fail(node, f"{name} has an unknown kind", f"did you mean {near[0]}? {mend}" if near else mend)

    def annotation(self, node: ast.expr) -> tuple[list[ast.expr], str, ast.expr]:
        """What stands in brackets, the word before them, and the whole."""
        slices: list[ast.expr] = []
        base = node
        while isinstance(base, ast.Subscript):
            slices.insert(0, base.slice)
            base = base.value
        return slices, name_of(base), node

    def check_name(self, node: ast.AST, name: str) -> None:
        """A name that an argument, a tensor or an index may have, which nothing else has."""
        if name in CONSTANTS:
            self.fail(node, f"{name} is a constant of the notation", "give it another name")
        if name in self.tensors or any(o.name == name for o in self.options):
            self.fail(node, f"{name} is given twice", "give one of the two another name")

    def check_field(self, node: ast.AST, name: str) -> None:
        """A gradient is called like its input, a result like its output, in named tuples."""
        if name.startswith("_"):
            self.fail(node, f"{name} begins with _", "no field of a result can be called so: give it another name")

    # ---- tensors ---------------------------------------------------------------------------------------------------

    def tensor(
        self,
        argument: ast.arg,
        kind: str,
        slices: list[ast.expr],
        default: ast.expr | None,
        node: ast.expr,
        domain: Domain | None,
    ) -> None:
        name = argument.arg
        left_out = kind == "Mask" and isinstance(default, ast.Constant) and default.value is None
        if default is not None and not left_out:
            self.fail(default, f"{name} is a tensor, which has no default", f"an option is: {name}: Scalar = 1.0")
        self.check_field(argument, name)
        if len(slices) > 2:
            self.fail(node, f"{name} has too many brackets", "a list of matrices is Real[l][o, i]")
        groups = [[self.slot(s) for s in items(part)] for part in slices]
        if len(groups) == 2 and [len(s.parts) for s in groups[0] if s.parts != (ELLIPSIS,)] != [1]:
            self.fail(slices[0], "a list has one axis", "a list of matrices is Real[l][o, i]")
        slots = [slot for group in groups for slot in group]
        axes = tuple(a for slot in slots for a in slot.parts)
        if axes.count(ELLIPSIS) > 1:
            self.fail(node, "... stands twice", "... is all leading axes; name the others")
        role = "state" if kind == "State" else "input"
        self.tensors[name] = Tensor(
            name,
            axes,
            tuple(slots),
            TENSOR_KINDS[kind],
            role,
            sequence=len(slices) == 2,
            optional=kind == "Mask",
            domain=domain,
        )

    def slot(self, node: ast.expr) -> Slot:
        mend = "an axis is a name, ... or a product of names such as g * c"
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return Slot((ELLIPSIS,))
        if isinstance(node, ast.Name):
            if node.id in CONSTANTS:
                self.fail(node, f"{node.id} is a constant of the notation", "give the axis another name")
            return Slot((node.id,))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            parts = self.slot(node.left).parts + self.slot(node.right).parts
            if ELLIPSIS in parts or len(set(parts)) < len(parts):
                self.fail(node, "not a product of axes", mend)
            return Slot(parts)
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            self.fail(node, "an axis has a name", f"name it i, and say how long it is: i = axis({node.value})")
        self.fail(node, "not an axis", mend)

    def lengths_said(self) -> set[str]:
        """The axes of which a statement says how long they are: ``q = axis(size(t))``."""
        calls = (s for s in self.function.body if isinstance(s, ast.Assign) and isinstance(s.value, ast.Call))
        return {name_of(t) for s in calls if name_of(s.value.func) == "axis" for t in s.targets}  # type: ignore[attr-defined]

    def check_axes(self, argument: ast.arg) -> None:
        """An axis has a name that nothing else has; a domain speaks of axes that there are."""
        tensor = self.tensors.get(argument.arg)
        declared = {a for t in self.tensors.values() for a in t.axes} | set(self.sizes)
        node = argument.annotation or argument
        option = next((o for o in self.options if o.name == argument.arg), None)
        for axis in tensor.axes if tensor else (option.axis,) if option and option.axis else ():
            if axis in self.tensors or any(o.name == axis for o in self.options):
                self.fail(node, f"{axis} is an argument and an axis", "give one of the two another name")
        if option is not None and option.kind == "Axis" and option.axis not in declared:
            self.fail(node, f"no tensor has the axis {option.axis}", f"write {option.name}: Axis[i] with an axis i")
        if tensor is not None and tensor.optional:
            others = {a for t in self.tensors.values() if not t.optional for a in t.axes} | set(self.sizes)
            others |= self.lengths_said()
            for axis in tensor.axes:
                if axis not in others:
                    what = f"{axis} stands on a mask alone, and without the mask nothing says how long it is"
                    mend = f"declare {argument.arg}: Boolean[...], which cannot be left out, or {axis} = axis(size(i))"
                    self.fail(node, what, mend)
        for name, own in self.tensors.items() if option is not None and option.kind == "Axis" else ():
            if option is not None and option.axis in own.axes[:-1]:
                self.fail(
                    node, f"{option.axis} is not the last axis of {name}", "write the axis that may be moved last"
                )
        domain = tensor.domain if tensor else None
        if domain is not None and domain.below and domain.below not in declared:
            self.fail(node, f"no tensor has the axis {domain.below}", "compare with a number or an axis")

    # ---- domains ---------------------------------------------------------------------------------------------------

    def domain(self, node: ast.Compare) -> tuple[ast.expr, Domain]:
        """``0 <= Real[...] < 1``: the tensor's kind, and where its numbers lie."""
        mend = f"write a domain as in {DOMAINS}"
        match node:
            case ast.Compare(ast.Call(ast.Name("abs"), [of], []), [ast.Eq()], [length]) if self.numeral(length) == 1:
                return of, Domain(Fraction(-1), Fraction(1), signs=True)
        operands = [node.left, *node.comparators]
        at = [n for n, o in enumerate(operands) if self.annotation(self.summed(o)[0])[1] in TENSOR_KINDS]
        if len(at) != 1 or len(operands) > 3 or (len(operands) == 3 and at != [1]):
            self.fail(node, "not a domain", mend)
        kind, simplex = self.summed(operands[at[0]])
        if simplex:
            one = len(operands) == 2 and isinstance(node.ops[0], ast.Eq) and self.numeral(operands[1 - at[0]]) == 1
            if not one:
                self.fail(node, "not a domain", mend)
            axes = [a for part in self.annotation(kind)[0] for s in items(part) for a in self.slot(s).parts]
            if simplex not in axes:
                self.fail(node, f"{simplex} is not among its axes", mend)
            return kind, Domain(low=Fraction(0), simplex=simplex)
        said: dict[str, tuple[Fraction, bool]] = {}
        below = ""
        for n, op in enumerate(node.ops):
            bound = operands[n] if n < at[0] else operands[n + 1]
            seen = MIRRORED.get(type(op)) if n < at[0] else type(op)
            side = "low" if seen in (ast.Gt, ast.GtE) else "high"
            if seen not in MIRRORED.values() or side in said or (side == "high" and below):
                self.fail(node, "not a domain", mend)
            if isinstance(bound, ast.Name) and bound.id not in CONSTANTS:
                if seen is not ast.Lt or self.annotation(kind)[1] != "Integer":
                    self.fail(bound, "integers lie below the length of an axis, and nothing else does", mend)
                below = bound.id
            else:
                said[side] = self.numeral(bound), seen in (ast.Gt, ast.Lt)
        low, high = said.get("low", (Fraction(0) if below else None, False)), said.get("high", (None, False))
        found = Domain(low[0], high[0], low[1], high[1], below)
        if found.empty:
            self.fail(node, "no number is in this domain", mend)
        return kind, found

    def summed(self, node: ast.expr) -> tuple[ast.expr, str]:
        """``sum(i, Real[..., i])``: what is summed, and along which axis."""
        match node:
            case ast.Call(func=ast.Name(id="sum"), args=[ast.Name(id=axis), body], keywords=[]):
                return body, axis
        return node, ""
