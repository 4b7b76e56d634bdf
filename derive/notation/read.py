"""Reads a definition: a Python function's syntax tree, taken as mathematics.

The function is never run. Its signature declares tensors and options, each statement is an equation, ``return`` names
the outputs. An error names the definition's file, line and statement, with the place marked.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.calls import Calls
from derive.notation.errors import DefinitionError
from derive.notation.expr import ELLIPSIS, Expr, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.functions import FUNCTIONS
from derive.notation.layer import Equation, Layer, Option, Tensor
from derive.notation.signature import OPTION_KINDS, TENSOR_KINDS, items, name_of
from derive.notation.source import Definition

BINARY: dict[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: x.add,
    ast.Sub: x.sub,
    ast.Mult: x.mul,
    ast.Div: x.div,
    ast.Pow: x.power,
}
WORDS = {"sum", "mean", "max", "reduced", "size", "sqrt", "axis", "state", "abs", *FUNCTIONS, *x.CONSTANTS}
COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


@dataclass
class Reader(Calls):
    """Reads one function for one set of choices."""

    # ---- statements ------------------------------------------------------------------------------------------------

    def statements(self) -> tuple[list[str], list[str]]:
        for node in self.function.body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            if isinstance(node, ast.Return) and node.value is not None:
                return self.outputs(node.value)
            if not isinstance(node, ast.Assign) or len(node.targets) != 1:
                self.fail(node, "not an equation", "a definition holds equations, y[..., i] = expression, and a return")
            self.statement(node, node.targets[0], node.value)
        self.fail(self.function, "returns nothing", "end the definition with: return y")

    def statement(self, node: ast.Assign, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name) and isinstance(value, ast.Call) and name_of(value.func) == "axis":
            self.sizes[target.id] = self.value(value.args[0])
            return
        called = name_of(value.func) if isinstance(value, ast.Call) else ""
        if isinstance(value, ast.Call) and called in self.known and not self.known[called][0].elementwise:
            self.call(node, target, value)
            return
        if not isinstance(target, ast.Subscript) and not isinstance(target, ast.Name):
            self.fail(target, "the left of an equation is a tensor with its indices", "write y[..., i] = ...")
        name = name_of(target.value) if isinstance(target, ast.Subscript) else name_of(target)
        left = tuple(self.index(s) for s in items(target.slice)) if isinstance(target, ast.Subscript) else ()
        body = self.value(value)
        if called == "reduced":
            left = tuple(Pos(i) for i in x.free(body))
        self.equation(node, name, left, body)

    def equation(self, node: ast.AST, name: str, left: tuple[Expr, ...], body: Expr) -> None:
        loose = [i for i in x.free(body) if Pos(i) not in left]
        if loose:
            self.fail(
                node,
                f"index {loose[0]} is on the right but neither on the left nor summed over",
                f"add {loose[0]} to the left of {name}, or reduce over it: sum({loose[0]}, ...)",
            )
        self.check_steps(node, name, body)
        self.introduce(node, name, left)
        self.steps.append(Equation(name, left, body, getattr(node, "lineno", 0)))

    def introduce(self, node: ast.AST, name: str, left: tuple[Expr, ...]) -> None:
        """Make the tensor on the left of an equation known; a constant index has no axis's name."""
        axes = tuple(x.plain(e) or f"{name}_{n}" for n, e in enumerate(left))
        known = self.tensors.get(name)
        if known is not None and known.role in ("input", "state"):
            self.fail(node, f"{name} is an input", "give the result a name of its own")
        if known is None:
            self.tensors[name] = Tensor(name, axes)
        elif not any(isinstance(e, x.Num) for e in left) and any(a.startswith(f"{name}_") for a in known.axes):
            self.tensors[name] = replace(known, axes=axes)

    def check_steps(self, node: ast.AST, name: str, body: Expr) -> None:
        """A recurrence reads the step before: t - 1, and no other."""
        begun = {
            e.target: n
            for e in self.steps
            if isinstance(e, Equation)
            for n, i in enumerate(e.left)
            if isinstance(i, x.Num)
        }
        done = {
            e.target for e in self.steps if isinstance(e, Equation) and not any(isinstance(i, x.Num) for i in e.left)
        }
        for ref in (n for n in x.walk(body) if isinstance(n, Ref) and n.tensor in begun and n.tensor not in done):
            index = ref.index[begun[ref.tensor]]
            if x.free(index) and index != x.add(Pos(x.free(index)[0]), x.num(-1)):
                self.fail(node, f"{name} reads {ref.tensor} at another step than the one before", "read it at t - 1")

    def check_sizes(self) -> None:
        """Every index runs along an axis whose size is known."""
        known = {a for t in self.tensors.values() if t.role != "intermediate" for a in t.axes} | set(self.sizes)
        for step in self.steps:
            used = (
                x.free(step.lhs) + x.free(step.body) + sorted(x.bound(step.body)) if isinstance(step, Equation) else []
            )
            for i in used:
                if self.find(i) not in known:
                    place = next(n for n in self.function.body if getattr(n, "lineno", 0) == step.line)
                    self.fail(
                        place, f"the size of index {i} is not known", f"use it on an input, or say {i} = axis(...)"
                    )

    def outputs(self, node: ast.expr) -> tuple[list[str], list[str]]:
        names, state = [], []
        for item in items(node):
            if isinstance(item, ast.Call) and name_of(item.func) == "state":
                state += [name_of(a) for a in item.args]
                names += [name_of(a) for a in item.args]
            else:
                names.append(name_of(item))
        for name in names:
            if name not in self.tensors:
                self.fail(node, f"{name} is returned but never defined", "return the target of an equation")
        return names, state

    # ---- expressions -----------------------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant(value=bool(flag)):
                return x.ONE if flag else x.ZERO
            case ast.Constant(value=int(number)):
                return x.num(number)
            case ast.Constant(value=float()):
                return x.Num(Fraction(ast.get_source_segment("\n".join(self.lines), node) or str(node.value)))
            case ast.Name(id=name):
                return self.scalar(node, name)
            case ast.Subscript():
                return self.reference(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return x.neg(self.value(operand))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Op("not", (self.value(operand),))
            case ast.BoolOp(op=op, values=values):
                return Op("and" if isinstance(op, ast.And) else "or", tuple(self.value(v) for v in values))
            case ast.BinOp(op=ast.FloorDiv(), left=left, right=right):
                return Op("floordiv", (self.value(left), self.value(right)))
            case ast.BinOp(op=op, left=left, right=right) if type(op) in BINARY:
                return BINARY[type(op)](self.value(left), self.value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARE:
                return Op(COMPARE[type(op)], (self.value(left), self.value(right)))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.case(test, body, orelse)
            case ast.Call():
                return self.function_call(node)
        self.fail(node, "not part of the notation", "use + - * / **, comparisons, a if c else b, sums and functions")

    def case(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Expr:
        """A piecewise case; a test on an option that chooses equations is decided here."""
        if isinstance(test, ast.Compare) and name_of(test.left) in self.chosen:
            wanted = ast.literal_eval(test.comparators[0])
            same = self.chosen[name_of(test.left)] == wanted
            return self.value(body if same == isinstance(test.ops[0], ast.Eq) else orelse)
        return x.where(self.value(test), self.value(body), self.value(orelse))

    def scalar(self, node: ast.AST, name: str) -> Expr:
        if name in x.CONSTANTS or any(o.name == name for o in self.options):
            return Opt(name)
        if name in self.tensors:
            if self.tensors[name].axes:
                self.fail(
                    node, f"{name} stands without its indices", f"write {name}[{', '.join(self.tensors[name].axes)}]"
                )
            return Ref(name, ())
        return Pos(name)

    def reference(self, node: ast.Subscript) -> Expr:
        name = name_of(node.value)
        tensor = self.tensors.get(name)
        index = tuple(self.index(s) for s in items(node.slice))
        if tensor is None:
            self.fail(node, f"{name} is not defined yet", "define it above, or add it to the signature")
        if len(index) != len(tensor.axes):
            self.fail(
                node,
                f"{name} has {len(tensor.axes)} axes but {len(index)} indices",
                f"its axes are {name}[{', '.join(tensor.axes)}]",
            )
        if not tensor.sequence:
            for e, axis in zip(index, tensor.axes, strict=True):
                if (i := x.plain(e)) is not None:
                    self.unify(i, axis)
        return Ref(name, index)

    def index(self, node: ast.expr) -> Expr:
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return Pos(ELLIPSIS)
        return self.value(node)

    def function_call(self, node: ast.Call) -> Expr:
        name, args = name_of(node.func), node.args
        if name in ("sum", "mean", "max") and len(args) == 2 and self.is_indices(args[0]):
            over = tuple(self.index_name(a) for a in items(args[0]))
            body = self.value(args[1])
            if name == "mean":
                return x.mul(*(x.power(Size(i), x.num(-1)) for i in over), Reduce("sum", over, body))
            return Reduce(name, over, body)
        if name == "reduced":
            return self.reduced(node)
        if name == "size":
            return Size(self.index_name(args[0]))
        if name == "sqrt":
            return x.sqrt(self.value(args[0]))
        if name == "abs" or name in FUNCTIONS:
            return Op(name, tuple(self.value(a) for a in args))
        if any(o.name == name and o.kind == "Activation" for o in self.options):
            return Op(name, tuple(self.value(a) for a in args))
        if name in self.known and self.known[name][0].elementwise:
            return Op(name, tuple(self.value(a) for a in args))
        self.fail(
            node, f"{name} is not a function of the notation", f"functions are {', '.join(sorted(FUNCTIONS))}, sqrt"
        )

    def reduced(self, node: ast.Call) -> Expr:
        """``reduced(reduction, L[...])``: the mean, the sum or the loss itself."""
        body = self.value(node.args[1])
        over = tuple(x.free(body))
        match self.chosen[name_of(node.args[0])]:
            case "mean":
                return x.mul(*(x.power(Size(i), x.num(-1)) for i in over), Reduce("sum", over, body))
            case "sum":
                return Reduce("sum", over, body)
        return body

    def is_indices(self, node: ast.expr) -> bool:
        return all(
            (isinstance(n, ast.Name) and n.id not in self.tensors and not any(o.name == n.id for o in self.options))
            or (isinstance(n, ast.Constant) and n.value is Ellipsis)
            for n in items(node)
        )

    def index_name(self, node: ast.expr) -> str:
        return ELLIPSIS if isinstance(node, ast.Constant) and node.value is Ellipsis else name_of(node)

    def reserved(self) -> frozenset[str]:
        return frozenset(WORDS)

    def read(self) -> Layer:
        self.signature()
        outputs, state = self.statements()
        self.check_sizes()
        for name in outputs:
            self.tensors[name] = replace(self.tensors[name], role="output")
        return Layer(
            name=self.function.name,
            doc=self.definition.doc,
            cites=self.definition.cites,
            tensors=self.tensors,
            options=tuple(self.options),
            steps=tuple(self.steps),
            outputs=tuple(outputs),
            state_outputs=tuple(state),
            sizes=self.sizes,
            same={i: self.find(i) for i in self.parent},
            choice=tuple(sorted(self.chosen.items())),
            source=self.definition.source,
            file=self.definition.file,
            first_line=self.definition.first,
        )


def read(definition: Definition, known: dict[str, tuple[Layer, ...]]) -> tuple[Layer, ...]:
    """Read a definition: one Layer for each combination of its choices, the default first."""
    first = Reader(definition, known, {})
    first.signature()
    choices = [o for o in first.options if o.kind == "Choice"]

    def combinations(rest: list[Option]) -> Iterator[dict[str, str]]:
        if not rest:
            yield {}
            return
        head, *tail = rest
        ordered = sorted(head.choices, key=lambda c: c != head.default)
        for chosen in ordered:
            for others in combinations(tail):
                yield {head.name: chosen, **others}

    return tuple(Reader(definition, known, chosen).read() for chosen in combinations(choices))


__all__ = ["OPTION_KINDS", "TENSOR_KINDS", "DefinitionError", "Reader", "read"]
