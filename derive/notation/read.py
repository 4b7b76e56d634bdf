"""Reads a definition: a Python function's syntax tree, taken as mathematics.

The function is never run. Its signature declares tensors and options, each statement is an equation, ``return`` names
the outputs. An error names the layer, its file, line and statement, with the place marked, and how to mend it. What is
not read is an error.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod

from derive.notation import expr as x
from derive.notation.demanded import demanded
from derive.notation.errors import DefinitionError
from derive.notation.expr import ELLIPSIS, Expr, Num, Pos, Reduce, Ref, Size
from derive.notation.expressions import Expressions
from derive.notation.layer import Call, Equation, Kind, Layer, Tensor, is_place
from derive.notation.options import Span, items, name_of, span
from derive.notation.recurrences import normal
from derive.notation.recurrences.places import behind, collected, shift
from derive.notation.source import Definition
from derive.notation.together import factors
from derive.notation.words import RESERVED

#: Deepest nesting of an equation; the engine walks expressions by recursion.
DEPTH = 60
#: Most nodes of a definition's syntax.
NODES = 20_000

#: Most combinations of what may be chosen: each is derived by itself.
VARIANTS = 64


@dataclass
class Reader(Expressions):
    """Reads one function for one set of choices.

    Attributes:
        complete: tensors of which every element is given.
        furthest: how many steps back a recurrence is read.
        beginnings: recurrences, and where they begin.
    """

    complete: set[str] = field(default_factory=set)
    furthest: dict[str, int] = field(default_factory=dict)
    beginnings: dict[str, dict[tuple[tuple[int, Expr], ...], ast.AST]] = field(default_factory=dict)

    def reserved(self) -> frozenset[str]:
        return RESERVED

    # ---- statements ------------------------------------------------------------------------------------------------

    def statements(self) -> tuple[list[str], list[str]]:
        body = list(self.function.body)
        if (
            isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            body.pop(0)
        for n, node in enumerate(body):
            if isinstance(node, ast.Return):
                if n + 1 < len(body):
                    self.fail(body[n + 1], "stands after the return", "put it before the return, or leave it out")
                return self.outputs(node)
            self.statement(node)
        self.fail(self.function, "returns nothing", "end the definition with: return y")

    def statement(self, node: ast.stmt) -> None:
        mend = "a definition holds equations, y[..., i] = expression, and a return"
        if isinstance(node, ast.AugAssign):
            self.fail(node, "not an equation", f"give the sum a name of its own; {mend}")
        if not isinstance(node, ast.Assign):
            self.fail(node, "not an equation", mend)
        if len(node.targets) != 1:
            self.fail(node, "two equations in one", "write one equation a line")
        target, value = node.targets[0], node.value
        self.target, word = "", name_of(value.func) if isinstance(value, ast.Call) else ""
        if isinstance(value, ast.Call) and word == "axis" and not self.is_activation(word):
            self.axis_statement(node, target, value)
        elif isinstance(value, ast.Call) and word in self.known and not self.in_equation(value, word):
            self.call(node, target, value)
        else:
            self.equation_statement(own := self.own_indices(node), own.targets[0], own.value)

    def axis_statement(self, node: ast.Assign, target: ast.expr, value: ast.Call) -> None:
        """``i = axis(size(p) - size(k) + 1)``."""
        if not isinstance(target, ast.Name):
            self.fail(target, "an axis is one name", "write i = axis(...)")
        name = target.id
        self.check_call(value, "axis")
        if name in self.sizes:
            self.fail(node, f"the length of {name} is given twice", "give one of the two another name")
        self.check_name(target, name)
        if name in self.used:
            self.fail(node, f"{name} is used above", f"say how long {name} is before it is used")
        size = x.transform(self.whole_number(value.args[0], "the length of an axis"), self.by_option)
        if x.free(size) or any(isinstance(n, Ref | Reduce) for n in x.walk(size)):
            self.fail(value.args[0], "a length that is not one number", "write it with size(...), options and numbers")
        if isinstance(size, Num) and size.value < 1:
            self.fail(value.args[0], f"an axis of length {size.value}", "a length is at least 1")
        if name in self.lengths_in(size):
            self.fail(value.args[0], f"the length of {name} is said by itself", "write it with other axes")
        self.sizes[name] = size

    def equation_statement(self, node: ast.Assign, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(target.value if isinstance(target, ast.Subscript) else target, ast.Name):
            self.fail(target, "the left of an equation is a tensor with its indices", "write y[..., i] = ...")
        name = name_of(target.value) if isinstance(target, ast.Subscript) else name_of(target)
        left = self.left_side(target, name) if isinstance(target, ast.Subscript) else ()
        self.target, self.left = name, [e.index for e in left if isinstance(e, Pos)]
        slots = self.slots_of(target) if isinstance(target, ast.Subscript) else ()
        if isinstance(value, ast.Call) and name_of(value.func) == "reduced" and not self.is_activation("reduced"):
            if isinstance(target, ast.Subscript):
                self.fail(target, "reduced has the axes that the choice leaves", f"write {name} = reduced(...)")
            body = self.reduced(value)
            left = tuple(Pos(i) for i in x.free(body))
        else:
            body = self.value(value)
            self.check_hidden(self.left, body)
            self.check_loose(node, name, left, body)
        self.check_steps(node, body)
        self.introduce(target, name, left, "integer" if is_place(body) else "real")
        self.put_together(target, name, slots)
        self.steps.append(Equation(name, left, body, node.lineno))

    def left_side(self, target: ast.Subscript, name: str) -> tuple[Expr, ...]:
        """The indices of an equation's left: names, each once; -1 begins a recurrence."""
        left: list[Expr] = []
        for node in items(target.slice):
            e: Expr
            match node:
                case ast.Constant(value=v) if v is Ellipsis:
                    e = Pos(ELLIPSIS)
                    self.used.setdefault(ELLIPSIS, node)
                case ast.Name(id=index):
                    if index in self.tensors or any(o.name == index for o in self.options) or index in x.CONSTANTS:
                        self.fail(node, f"{index} is no index", "an index has a name that nothing else has")
                    e = Pos(index)
                    self.used.setdefault(index, node)
                case ast.BinOp(op=ast.Mult()) if all(isinstance(n, ast.Name) for n in factors(node)):
                    left += self.left_side(ast.Subscript(target.value, ast.Tuple(factors(node))), name)
                    continue
                case _:
                    e = self.beginning(node, name)
            if e in left and isinstance(e, Pos):
                self.fail(node, "an index stands twice on the left", "give the two axes different indices")
            left.append(e)
        return tuple(left)

    def beginning(self, node: ast.expr, name: str) -> Expr:
        """Where a recurrence begins: a number, counted from the front, or from the end: ``size(t)``."""
        whole = not any(isinstance(n, ast.Subscript | ast.Attribute) for n in ast.walk(node))
        e = self.whole_number(node, "a position on the left") if whole else Pos("")
        sizes = [n for n in x.terms(e) if isinstance(n, Size)]
        rest = x.sub(e, sizes[0]) if len(sizes) == 1 else e
        if not isinstance(collected(rest), Num):
            mend = f"write the equation for the element itself; {name}[-1, ...] or {name}[0, ...] begins a recurrence "
            mend += f"that runs forward, {name}[size(t), ...] one that runs from the end"
            self.fail(node, "the indices on the left are names", mend)
        return x.add(*sizes, collected(rest))

    def introduce(self, node: ast.AST, name: str, left: tuple[Expr, ...], kind: Kind = "real") -> None:
        """Make the tensor on the left of an equation known; a constant index has no axis's name as yet."""
        axes = tuple(x.plain(e) or f"{name}.{n}" for n, e in enumerate(left))
        starts = tuple((n, e) for n, e in enumerate(left) if x.plain(e) is None)
        known = self.tensors.get(name)
        if known is not None and known.role in ("input", "state"):
            self.fail(node, f"{name} is an input", "give the result a name of its own")
        if any(o.name == name for o in self.options):
            self.fail(node, f"{name} is an option", "give the result a name of its own")
        if name in x.CONSTANTS or name in self.used or name in self.declared():
            what = "a constant of the notation" if name in x.CONSTANTS else "an index"
            self.fail(node, f"{name} is {what}", "give the result a name of its own")
        if name in self.complete:
            self.fail(node, f"{name} is given twice", "give the second one another name")
        if starts and starts in self.beginnings.get(name, {}):
            self.fail(node, f"the beginning of {name} is given twice", "leave one of them out")
        if starts:
            self.check_beginning(node, name, left)
        if known is not None and len(left) != len(known.axes):
            self.fail(
                node, f"{name} has {len(known.axes)} axes above, {len(left)} here", "give the two different names"
            )
        if known is not None and not starts:
            at = self.begun[name]
            if any(
                (i == ELLIPSIS) != (a == ELLIPSIS)
                for n, (i, a) in enumerate(zip(axes, known.axes, strict=True))
                if n not in at
            ):
                self.fail(node, f"{name} begins with other axes", "write the same indices, with -1 for the step")
            self.check_direction(node, name, left)
        self.tensors[name] = (
            replace(known, axes=axes) if known is not None and not starts else Tensor(name, axes, kind=kind)
        )
        if starts:
            self.begun[name] = self.begun.get(name, frozenset()) | {n for n, _ in starts}
            self.beginnings.setdefault(name, {})[starts] = node
        else:
            self.complete.add(name)

    def check_beginning(self, node: ast.AST, name: str, left: tuple[Expr, ...]) -> None:
        """All beginnings of one recurrence are at one index, and at one end."""
        starts = {n: e for n, e in enumerate(left) if x.plain(e) is None}
        known = {n: e for starts in self.beginnings.get(name, {}) for n, e in starts}
        if len(known | starts) > 2:
            self.fail(node, "a recurrence runs along one axis or two", "write -1 for no more than two indices")
        if len(known | starts) == 2 and {*known.values(), *starts.values()} != {x.num(-1)}:
            self.fail(
                node, "a recurrence over two axes begins at -1", f"write {name}[-1, t] = ... and {name}[s, -1] = ..."
            )
        if any(isinstance(known.get(n, e), Num) != isinstance(e, Num) for n, e in starts.items()):
            mend = f"write two recurrences, each with a name of its own; {name}[-1, ...] or {name}[0, ...] runs forward"
            self.fail(node, f"{name} begins at both ends", mend)

    def check_direction(self, node: ast.AST, name: str, left: tuple[Expr, ...]) -> None:
        """A beginning from the end counts the positions of the step's own axis; along a list all run forward."""
        for starts, place in self.beginnings[name].items():
            for n, e in starts:
                index = x.plain(left[n]) or ""
                sizes = [s.axis for s in x.walk(e) if isinstance(s, Size)]
                if sizes and self.find(sizes[0]) != self.find(index):
                    mend = f"write size({index}) for the end of the axis along which {name} runs"
                    self.fail(place, f"{name} begins at size({sizes[0]}), and its step is {index}", mend)
                along_list = any(t.sequence and t.axes[0] == index for t in self.tensors.values())
                if along_list and e != x.num(-1):
                    mend = f"write {name}[-1, ...] = ... for what the first entry is given"
                    self.fail(place, "a recurrence along a list begins at -1", mend)
                if along_list and len(self.begun[name]) > 1:
                    mend = f"make lists arrays, W[{index}, n], or call {name}[{index}] = step({name}[{index} - 1])"
                    self.fail(place, f"{name} runs along a list and another axis at once", mend)

    def check_steps(self, node: ast.AST, body: Expr) -> None:
        """A recurrence reads steps before, t - 1 and further back, and no other, until all of it is known."""
        for ref in (n for n in x.walk(body) if isinstance(n, Ref)):
            if ref.tensor not in self.begun or ref.tensor in self.complete:
                continue
            begun = {e for starts in self.beginnings[ref.tensor] for _, e in starts}
            sign = -1 if any(isinstance(e, Num) for e in begun) else 1
            back: list[int] = []
            for n in sorted(self.begun[ref.tensor]):
                index = ref.index[n]
                steps = [s * sign for i in self.left if (s := shift(index, i)) is not None]
                back.append(max(steps, default=1 if index in begun else -1))
            if min(back) < 0 or not any(back):
                what = f"{self.text_of_target(node)} reads {ref.tensor} at another step than one before"
                mend = f"read it at t {'-+'[sign > 0]} 1, where t is the step on the left; "
                mend += f"a recurrence from the end begins with {ref.tensor}[size(t), ...]"
                if len(back) > 1:
                    mend = "over two axes it reads [s - 1, t], [s, t - 1] and further back; what is ahead in t may be "
                    mend += f"read if {ref.tensor}[-1, t] = ... alone begins it"
                self.fail(node, what, mend)
            self.furthest[ref.tensor] = max(self.furthest.get(ref.tensor, 1), *back)

    def text_of_target(self, node: ast.AST) -> str:
        return self.text(node.targets[0] if isinstance(node, ast.Assign) else node)

    # ---- the end ---------------------------------------------------------------------------------------------------

    def outputs(self, node: ast.Return) -> tuple[list[str], list[str]]:
        if node.value is None or not items(node.value):
            self.fail(node, "returns nothing", "end the definition with: return y")
        names: list[str] = []
        state: list[str] = []
        for item in items(node.value):
            found = [item]
            if isinstance(item, ast.Call) and name_of(item.func) == "state":
                if item.keywords or not item.args:
                    self.fail(item, "state takes names of results", "write return y, state(new_mean)")
                found = item.args
                state += [name_of(a) for a in found]
            for name in found:
                self.check_output(name, names)
                names.append(name_of(name))
        if len(state) == len(names):
            self.fail(node, "returns state only", "return a result too: return y, state(new_mean)")
        return names, state

    def check_output(self, node: ast.expr, names: list[str]) -> None:
        name = name_of(node)
        if not name:
            self.fail(node, "the return names results", "give what is returned an equation and return its name")
        tensor = self.tensors.get(name)
        if tensor is None:
            self.fail(node, f"{name} is returned but never defined", "return the target of an equation")
        if tensor.role in ("input", "state"):
            self.fail(node, f"{name} is an input", f"write an equation for what is returned: y[...] = {name}[...]")
        self.check_field(node, name)
        if name in names:
            self.fail(node, f"{name} is returned twice", "leave one of them out")
        for option in self.options:
            if option.kind == "Axis" and option.axis in tensor.axes[:-1]:
                mend = f"write it last on the left of {name}: {option.name} says where a caller has it"
                self.fail(node, f"{option.axis}, which {option.name} moves, is not the last axis of {name}", mend)

    def check_end(self) -> None:
        """Every recurrence has its steps, and every index runs along an axis whose length is known."""
        for name, places in self.beginnings.items():
            if name not in self.complete:
                place = next(iter(places.values()))
                self.fail(place, f"{name} begins but has no steps", f"write {name}[t, ...] = ... below, or no -1 here")
            for starts, place in places.items():
                for _, e in starts:
                    back = -int(e.value) if isinstance(e, Num) else behind(e)
                    furthest = self.furthest.get(name, 1)
                    if back > furthest:
                        what = f"{self.text_of_target(place)} is read by no step, which go {furthest} back"
                        self.fail(place, what, f"begin at {'-1' if isinstance(e, Num) else 'size(t)'}")
        for i, (node, lists) in self.counted.items() if self.over_entries else ():
            names = " and ".join(lists)
            what = f"the entries of {names} are summed and have shapes of their own: size({i}) is no one number there"
            self.fail(node, what, "sum, and divide by numbers that are an input, one for each entry")
        known = self.declared()
        for i, place in self.used.items():
            if self.find(i) not in known:
                mend = f"use it on an input, or say {i} = axis(...)"
                mend = "no input has leading axes: leave ... out" if i == ELLIPSIS else mend
                self.fail(place, f"the size of index {i} is not known", mend)

    def check_form_of_body(self) -> None:
        """Bounds on what is read: the rest of the engine takes time and stack in proportion."""
        count = 0
        stack: list[tuple[ast.AST, int]] = [(node, 0) for node in self.function.body]
        while stack:
            node, depth = stack.pop()
            count += 1
            if depth > DEPTH:
                self.fail(node, f"nested more than {DEPTH} deep", "give parts of it equations of their own")
            chain = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div)
            for child in ast.iter_child_nodes(node):
                flat = chain and isinstance(child, ast.BinOp) and child is getattr(node, "left", None)
                stack.append((child, depth + (not flat)))
        if count > NODES:
            self.fail(
                self.function, f"more than {NODES} names and signs", "make it several layers that call one another"
            )

    def read(self) -> Layer:
        self.signature()
        self.part_repeated_axes()
        self.check_form_of_body()
        outputs, state = self.statements()
        self.check_end()
        for name in outputs:
            self.tensors[name] = replace(self.tensors[name], role="output")
        read = Layer(
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
        return demanded(normal(read))


def read(definition: Definition, known: dict[str, tuple[Layer, ...]]) -> tuple[Layer, ...]:
    """Read a definition: one Layer for each combination of its choices, the default first.

    Raises:
        DefinitionError: it is not in the notation.
    """
    first = Reader(definition, known, {})
    first.signature()
    choices = [o for o in first.options if o.kind == "Choice"]
    if prod(len(o.choices) for o in choices) > VARIANTS:
        first.fail(definition.function, f"more than {VARIANTS} combinations of choices", "make it several layers")

    taken: set[Span] = set()

    def one(chosen: dict[str, str]) -> Layer:
        """Read twice where a part makes an axis that the definition has a name for."""
        reader = Reader(definition, known, chosen, taken=taken)
        layer, names = reader.read(), reader.called()
        return Reader(definition, known, chosen, taken=taken, names=names).read() if names else layer

    ordered = (sorted(o.choices, key=lambda c, own=o.default: c != own) for o in choices)  # type: ignore[misc]
    layers = tuple(one({o.name: word for o, word in zip(choices, words, strict=True)}) for words in product(*ordered))
    for node in ast.walk(definition.function):
        if isinstance(node, ast.IfExp):
            for branch in (node.body, node.orelse):
                if span(branch) not in taken:
                    first.fail(branch, "this case is never taken", "leave it out, or compare with another word")
    return layers


__all__ = ["Call", "DefinitionError", "Reader", "read"]
