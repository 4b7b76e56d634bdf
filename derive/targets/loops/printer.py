"""The functions of a program as loops over nested lists.

In a printed function ``...`` is one axis, and so is every other; arrays are nested lists of their elements in the order
of the definition's indices, a list of arrays is a list of such. ``sizes`` says how long axes are; an axis that every
array of a list has in another length is as long as that array. A function returns its results by name, forward also
what backward is given: ``saved``.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from derive.notation import expr as x
from derive.notation.define import REGISTRY
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Ref, Size, Slots
from derive.notation.text import ATOM, LOGIC_LEVEL, POWER, PRODUCT, SUM, Text, plus_first, show_equation, split_sign
from derive.program import ir
from derive.program.memory import singles
from derive.program.outside import landing, may_lie_outside
from derive.targets.loops import words
from derive.targets.words import docstring

ROWS = {"row_exp", "less_mean", "less_share", "less_one_hot"}  #: functions that give a row, of a row
SCALAR = ("value", "derivative", "second_derivative")
WORDS = {name for name in vars(words) if not name.startswith("_")}
TAKEN = {*keyword.kwlist, *dir(builtins), *WORDS, *SCALAR, "sizes", "found", "kernel", "reshaped"}
CALLED = {"max": "greater", "exactdiv": "exactly", "pow": "power", "xlogy": "xlogy", "xdivy": "xdivy"}
CALLED |= {"round": "nearest"}
OF_ROWS, WIDTH = {"max": "largest", "squares": "square_sum"}, 110
Code = list[str]  #: parts of an expression, between which a line may be broken


class Printer(Text):
    """Prints one function of one variant.

    Attributes:
        sizes: the axes whose length is used.
        parts: the kernels that are called.
        bound, made: the indices of the loops around, and the arrays that there are.
        outside: what stands outside an array.
    """

    def __init__(self, function: ir.Function, variant: ir.Variant) -> None:
        self.function, self.layer, self.arrays = function, variant.layer, function.arrays
        self.scalar = function.name in SCALAR  # of one number: there are no indices
        kept = variant.functions["forward"].saved if function.name == "backward" else ()
        self.given = list(dict.fromkeys((*(p.name for p in function.parameters), *kept)))
        self.of_entries = {self.layer.axis(a) for t in self.layer.inputs if t.sequence for a in t.axes[1:]}
        self.lines, self.depth, self.bound, self.made, self.outside = list[str](), 1, list[str](), {*self.given}, "0"
        self.sizes, self.parts, self.names = dict[str, None](), set[str](), dict[tuple[str, str], str]()
        for name in (*(n for f in variant.functions.values() for n in f.arrays), *(o.name for o in self.layer.options)):
            self.name(name)

    def emit(self, left: str, code: Code | None = None) -> None:
        """A line, or several if it is too long for one."""
        indent, code = "    " * self.depth, code or []
        line = indent + left + " ".join(code)
        broken = [f"{indent}{left}(", *(f"{indent}    {part}" for part in code), f"{indent})"]
        self.lines += [line] if len(line) <= WIDTH or len(code) < 2 else broken

    def open(self, *heads: str) -> None:
        """The beginning of loops; see nested."""
        for head in heads:
            self.emit(f"{head}:")
            self.depth += 1

    @contextmanager
    def nested(self) -> Iterator[None]:
        """What is opened and bound inside ends with it."""
        before = self.depth, list(self.bound)
        yield
        self.depth, self.bound = before

    # ---- the function ----------------------------------------------------------------------------------------------

    def source(self, name: str) -> str:
        """The function's text."""
        for s in self.function.statements:
            self.statement(s)
        second = self.function.given("cotangent") if self.function.name == "double_backward" else {}
        results = {second.get(field, field): self.whole(n) if n else "None" for field, n in self.function.results}
        if self.function.name == "forward":
            results["saved"] = f"[{', '.join(map(self.name, self.function.saved))}]"
        every = "{" + ", ".join(f'"{field}": {code}' for field, code in results.items()) + "}"
        self.emit(f"return {next(iter(results.values())) if self.scalar else every}")
        options = [f"{self.name(o.name)}={o.default!r}" for o in self.layer.options if o.kind != "Choice"]
        head = ", ".join([*["sizes"] * (not self.scalar), *map(self.name, self.given), *options])
        return "\n".join([f"def {name}({head}):", *self.prelude(), *self.lines])

    def whole(self, name: str, lead: tuple[Expr, ...] = ()) -> str:
        """An array, at places of its first axes, without its position -1."""
        return self.place(Ref(name, lead)) + "[1:]" * (self.arrays[name].starts[len(lead) :][:1] == (-1,))

    def prelude(self) -> list[str]:
        """Sizes that are given, and those that follow from others, which come first in the definition."""
        sizes = {
            a: e for a, e in self.layer.sizes.items() if not (isinstance(e, Size) and self.layer.axis(e.axis) == a)
        }
        computed = [f"    {self.size(a)} = {self.show(e)}" for a, e in reversed(sizes.items()) if a in self.sizes]
        given = [axis for axis in self.sizes if axis not in sizes]
        every = f"    {', '.join(map(self.size, given))} = " + ", ".join(f'sizes["{axis}"]' for axis in given)
        return [*[every] * bool(given), *reversed(computed)]

    # ---- statements ------------------------------------------------------------------------------------------------

    def statement(self, s: ir.Statement) -> None:
        match s:  # a Make is made where it is written to first
            case ir.Loop():
                self.loop(s)
            case ir.Both():
                self.statement(s.first)
                self.statement(s.second)
            case ir.Invoke():
                self.invoke(s)
            case ir.Scatter():
                s, place = landing(s, self.layer)
                left = tuple(x.rename(e, {s.axis: place}) for e in s.left)
                self.assign(s, left, [i for i in (*s.axes, *s.over) if i != s.axis], adds=True)
            case ir.Map() if self.at_once(s):
                self.assign(s, s.left[:-1], s.axes[:-1])
            case ir.Map():
                self.assign(s, s.left, s.axes, s.adds)
            case ir.Fold() | ir.Contract():
                self.assign(s, s.left, s.axes, bool({*s.over} & {*self.bound}))

    def assign(self, s: ir.Single, left: tuple[Expr, ...], free: Iterable[str], adds: bool = False) -> None:
        """``name[left] = value``, or ``+=``, for every place of some indices; arrays of lists are made as a whole."""
        free, inner, ragged = [i for i in free if i not in self.bound], list[str](), self.ragged(s.name)
        if ragged:
            left = left[: int(self.arrays[s.name].listed)]
            free, inner = ([i for i in free if (left == (Pos(i),)) is outer] for outer in (True, False))
        if left or not ragged:
            self.make(s.name, zero=adds)
        self.made.add(s.name)
        with self.nested():
            self.open(*self.heads(free, s))
            heads = self.heads(inner, s)
            code, place = self.value(s), self.place(Ref(s.name, left))
            for head in reversed(heads):
                code = [f"[{' '.join(code)}", f"{head}]"]
            if ragged and adds:
                code = [f"plus({place}, {code[0]}", *code[1:-1], f"{code[-1]})"]
            self.emit(f"{place} {'+=' if adds and not ragged else '='} ", code)

    def value(self, s: ir.Single) -> Code:
        """What a statement computes for one element, or at once."""
        match s:
            case ir.Fold(op="mean"):
                *parts, last = self.reduced("sum", s, s.body)
                return [*parts, f"{last} / {self.show(s.count, POWER)}"]
            case ir.Fold():
                return self.reduced(OF_ROWS.get(s.op, s.op), s, s.body)
            case ir.Contract():
                first, *rest = self.reduced("sum", s, x.mul(s.a, s.b))
                return [first if s.scale == x.ONE else f"{self.show(s.scale, PRODUCT)} * {first}", *rest]
            case ir.Scatter():
                return [self.show(s.values)]
            case ir.Map() if self.at_once(s):
                return [self.row(s.body)]
        body = x.add(*x.terms(s.body)[1:]) if s.adds else s.body
        (negative, start), *others = map(split_sign, plus_first(x.terms(body)))
        if not others:
            return [self.show(body)]
        shown = [f"{'-' if minus else '+'} {self.show(t, PRODUCT)}" for minus, t in others]
        return ["-" * negative + self.show(start, PRODUCT), *shown]

    def reduced(self, word: str, s: ir.Fold | ir.Contract, body: Expr) -> Code:
        """``word(body for k in range(n_k) ...)``."""
        with self.nested():
            heads = self.heads([i for i in s.over if i not in self.bound], s)
            tests = [f"if {self.every(s.there)}"] if s.there else []
            self.outside = "-inf" if word in ("largest", "argmax") else "0"
            code = self.show(body.args[0] if isinstance(body, Op) and body.fn == "of" else body)
            self.outside = "0"
        if not heads:
            return [code, *tests, "else 0"] if tests else [code]
        opened, closed = ("(", ")") if word in ("sum", "largest") else ("([", "])")
        *parts, last = [code, *heads, *tests]
        return [f"{word}{opened}{parts[0]}", *parts[1:], last + closed]

    # ---- expressions -----------------------------------------------------------------------------------------------

    def name(self, name: str, kind: str = "") -> str:
        """What an array, option or layer is called, an index or a size: as nothing else is."""
        if (kind, name) not in self.names:
            plain = name.replace(x.PRIME, "2").replace(ELLIPSIS, "rows" if kind == "size" else "row")
            plain = "n_" * (kind == "size" and name != ELLIPSIS) + plain
            while plain in TAKEN or plain in self.names.values():
                plain += "_"
            self.names[kind, name] = plain
        return self.names[kind, name]

    def size(self, axis: str) -> str:
        self.sizes.setdefault(self.layer.axis(axis))
        return self.name(self.layer.axis(axis), "size")

    def node(self, e: Expr) -> tuple[str, int]:
        match e:
            case Opt(name, at) if name not in x.CONSTANTS:
                return self.name(name) + "".join(f"[{n}]" for n in at), ATOM
            case Size(axis):
                return self.size(axis), ATOM
            case Pos(index):
                return self.name(index, "index"), ATOM
            case Ref():
                return self.element(e), ATOM
            case Op("mul", factors) if tests := [f for f in factors if isinstance(f, Op) and f.fn == "iverson"]:
                rest = x.mul(*(f for f in factors if f not in tests))  # 0 is chosen, not multiplied by
                return f"({self.show(rest)} if {self.every(t.args[0] for t in tests)} else 0)", ATOM
            case Op("run", (body, *bounds)):
                place, low, high = (self.show(b, SUM) for b in bounds)
                return f"({self.show(body)} if {low} <= {place} < {high} else 0)", ATOM
            case Op("iverson", (c,)):
                return f"(1 if {self.show(c, LOGIC_LEVEL)} else 0)", ATOM
            case Op(fn, args) if fn in CALLED and not (fn == "pow" and halves(args[1])):
                return f"{CALLED[fn]}({', '.join(map(self.show, args))})", ATOM
            case Op(fn, _) if fn in ROWS:
                return self.element_of_row(e), ATOM
        code, level = super().node(e)
        if isinstance(e, Op) and code.startswith(f"{e.fn}("):
            code = self.callee(e.fn, code.removeprefix(e.fn))
        return code, level

    def callee(self, fn: str, arguments: str) -> str:
        """A word with its arguments, a function of another layer's kernel, or of one that an option chooses."""
        name = fn.rstrip(x.PRIME)
        if " " in name or (name not in REGISTRY and name in {*WORDS, *SCALAR, "abs"}):
            return name.split()[-1] + arguments + {"first": "[0]", "second": "[1]"}.get(name.split()[0], "")
        kernel = self.name(name) if any(o.name == name for o in self.layer.options) else self.part(name)
        return f"{kernel}.{SCALAR[len(fn) - len(name)]}{arguments}"

    def part(self, name: str) -> str:
        self.parts.add(name)
        return self.name(name)

    def every(self, conditions: Iterable[Expr]) -> str:
        return " and ".join(self.show(c, SUM) for c in conditions)

    def element(self, ref: Ref) -> str:
        """What is read."""
        name, code = self.name(ref.tensor), self.place(ref)
        if not self.scalar and (may_lie_outside(ref, self.arrays, self.layer) or not self.filled(ref.tensor)):
            code = f"at({name}, {', '.join(map(self.show, self.stored(ref)))}"
            code += ")" if self.outside == "0" else f", outside={self.outside})"
        return f"({name} is None or {code})" if self.arrays[ref.tensor].optional else code

    def place(self, ref: Ref) -> str:
        """An element, or an array without its last axes."""
        return self.name(ref.tensor) + "".join(f"[{self.show(i)}]" for i in self.stored(ref) if not self.scalar)

    def stored(self, ref: Ref) -> list[Expr]:
        """Where an element is in nested lists: position -1 comes first."""
        starts = self.arrays[ref.tensor].starts
        return [x.add(i, x.num(-start)) for i, start in zip(ref.index, starts, strict=False)]

    # ---- places ----------------------------------------------------------------------------------------------------

    def make(self, name: str, zero: bool) -> None:
        """Memory for an array, before the first statement that writes to it; ``zero``: one that adds."""
        array = self.arrays[name]
        axes = array.axes[:1] if array.listed else array.axes
        if name in self.made or self.scalar or not (axes or zero):
            return
        self.made.add(name)
        lengths = [f"{self.size(a)}{' + 1' * bool(start)}" for a, start in zip(axes, array.starts, strict=False)]
        made = f"[None for _ in range({lengths[0]})]" if array.listed else f"zeros({', '.join(lengths)})"
        self.emit(f"{self.name(name)} = {made if axes else 0}" + "  # the first is position -1" * bool(array.early))

    def ragged(self, name: str) -> bool:
        """Whether an array is a list, or as long as one of a list's arrays."""
        return not self.scalar and bool({*map(self.layer.axis, self.arrays[name].axes)} & self.of_entries)

    def filled(self, name: str) -> bool:
        """Whether every entry of a list is written to."""
        every = (w for s in self.function.statements for w in singles(s) if isinstance(w, ir.Single))
        return not self.arrays[name].listed or all(isinstance(w.left[0], Pos | Num) for w in every if w.name == name)

    def heads(self, indices: Iterable[str], s: ir.Single) -> list[str]:
        """``for i in range(n_i)``; from now on the indices are bound."""
        found = []
        for i in () if self.scalar else indices:
            found.append(f"for {self.name(i, 'index')} in range({self.length(i, s)})")
            self.bound.append(i)
        return found

    def length(self, index: str, s: ir.Single) -> str:
        """How many values an index takes."""
        if self.layer.axis(index) not in self.of_entries:
            return self.size(index)
        refs = [r for e in ir.expressions(s) for r in x.walk(e) if isinstance(r, Ref) and Pos(index) in r.index]
        for ref in sorted(refs, key=lambda r: (r.tensor == s.name, not self.filled(r.tensor))):
            before = ref.index[: ref.index.index(Pos(index))]
            if {i for b in before for i in x.free(b)} <= {*self.bound}:
                return f"len({self.place(Ref(ref.tensor, before))})"
        given = [a for p in self.function.parameters if (a := self.arrays.get(p.name)) and a.listed and index in a.axes]
        return f"len({self.place(Ref(given[0].name, tuple(map(Pos, self.bound[: given[0].axes.index(index)]))))})"

    # ---- rows ------------------------------------------------------------------------------------------------------

    def at_once(self, s: ir.Map) -> bool:
        """Whether a statement makes one row after another, each as a whole."""
        return self.along(s.body) == s.axes[-1:] != () and s.left[-1:] == (Pos(s.axes[-1]),)

    def along(self, e: Expr) -> tuple[str, ...]:
        """The indices along which a function of rows runs; none for any other expression."""
        match e:
            case Op("row_exp", (_, *over)):
                return tuple(i.index for i in over if isinstance(i, Pos))
            case Op("less_mean" | "less_share", (_, _, Pos(i), *_)) | Op("less_one_hot", (Ref(index=(*_, Pos(i))), _)):
                return (i,)
        return ()

    def row(self, e: Expr) -> str:
        """A function of a row, as the row that it gives."""
        assert isinstance(e, Op)
        heads = "".join(f" for {self.name(i, 'index')} in range({self.size(i)})" for i in self.along(e))
        first, *others = map(self.show, e.args)
        if e.fn == "row_exp":
            others = []
        elif e.fn != "less_one_hot":
            first += f" if {self.every(e.args[3:])} else 0" * bool(e.args[3:])
            others = [f"[{others[0]}{heads}]"]
        return f"{e.fn}({', '.join([f'[{first}{heads}]', *others])})"

    def element_of_row(self, e: Op) -> str:
        place: Expr = x.ZERO
        for i in self.along(e):
            place = x.add(x.mul(place, Size(self.layer.axis(i))), Pos(i))
        return f"{self.row(e)}[{self.show(place)}]"

    # ---- loops and calls -------------------------------------------------------------------------------------------

    def loop(self, s: ir.Loop) -> None:
        """One position after another."""
        for name in ir.names((s,)):
            if self.arrays[name].listed or not self.ragged(name):
                self.make(name, zero=True)
        order = f"reversed(range({self.size(s.axis)}))" if s.backwards else f"range({self.size(s.axis)})"
        with self.nested():
            self.open(f"for {self.name(s.axis, 'index')} in {order}")
            self.bound.append(s.axis)
            for inner in s.body:
                self.statement(inner)

    def invoke(self, s: ir.Invoke) -> None:
        """A call of a part's function, and the results that are wanted; whole arrays, None for zeros."""
        call = s.call

        def array(slots: Slots, e: Expr) -> str:
            if not isinstance(e, Ref):
                return "None"
            code, sizes = self.whole(e.tensor, lead(e)), (" * ".join(map(self.size, slot)) for slot in slots)
            return f"reshaped({code}, {', '.join(sizes)})" if slots else code

        def lead(ref: Ref) -> tuple[Expr, ...]:
            return tuple(i for i in ref.index if not (isinstance(i, Pos) and i.index in call.over))

        groups = [", ".join(array(*given) for given in group) for group in call.groups]
        tuples = {"forward": 0, "backward": 1}.get(call.function, len(groups))
        groups = [f"[{g}]" if n < tuples else g for n, g in enumerate(groups)]
        options = [f"{n}={self.option(v)}" for n, v in call.options]
        self.emit(f"found = {self.part(call.layer)}.{call.function}({', '.join([*groups, *options])})")
        for field, ref in s.results:
            first, code = lead(ref), f'found["{field}"]'
            if first:
                self.make(ref.tensor, zero=False)
            self.made.add(ref.tensor)
            if dict(call.fields)[field]:
                code = f"reshaped({code}, {', '.join(self.size(x.plain(i) or '') for i in ref.index[len(first) :])})"
            self.emit(f"{self.place(Ref(ref.tensor, first))} = {code}")


def halves(exponent: Expr) -> bool:
    """Whether a power is a product, a quotient or a root."""
    return isinstance(exponent, Num) and exponent.value.denominator <= 2


def source(program: ir.KernelProgram) -> tuple[str, dict[str, str]]:
    """The module of a layer, as text, and the layers whose kernels it calls, with their names there."""
    layer, functions, parts = program.layer, list[str](), dict[str, str]()
    for variant in program.variants:
        for name, function in variant.functions.items():
            printer = Printer(function, variant)
            functions.append(printer.source(name_of(name, variant)))
            parts |= {part: printer.name(part) for part in sorted(printer.parts)}
    equations = [f"    {show_equation(e)}" for e in layer.equations]
    head = ['"""' + docstring("\n".join([f"{layer.name}: {layer.summary}", "", *equations])), '"""', ""]
    head.append("from derive.targets.loops.words import *")
    if parts:
        head += ["from derive.targets.loops.call import kernel, reshaped", ""]
        head += [f'{name} = kernel("{part}")' for part, name in sorted(parts.items())]
    return "\n".join(head) + "\n\n\n" + "\n\n\n".join(functions) + "\n", parts


def name_of(function: str, variant: ir.Variant) -> str:
    """What a function is called: with the values of Choice options, where there are any."""
    return "_".join([function, *(value for _, value in variant.layer.choice)])
