"""Statements of an array program as lines of NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.calculus.reverse import linear
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Ref, Size
from derive.notation.layer import Layer, Tensor
from derive.notation.text import TEXT
from derive.program.ir import Contract, Fold, Loop, Map, Program, Rows, Scatter, Statement, names
from derive.program.lower import expressions
from derive.targets.numpy.expressions import ATOM, LOW, PRODUCT, SUM, UNARY, Printer, size_name

REDUCERS = {"sum": "np.add.reduce", "max": "np.maximum.reduce"}


@dataclass
class Body:
    """Prints the statements of one function.

    Attributes:
        keep: names needed after the statements: results and what is saved.
        prefix, label: what a function for some rows is called, and what is added where the name is taken.
        helpers: these functions, by name.
        into: results that the function being printed can put into given arrays.
    """

    layer: Layer
    tensors: dict[str, Tensor]
    program: Program
    keep: frozenset[str]
    printer: Printer
    lines: list[str] = field(default_factory=list)
    indent: str = "    "
    prefix: str = "rows"
    label: str = ""
    helpers: dict[str, str] = field(default_factory=dict)
    into: frozenset[str] = frozenset()
    declared: set[str] = field(default_factory=set)

    def run(self) -> list[str]:
        self.uses = self.count_uses()
        self.block(self.program.statements)
        return self.lines

    def count_uses(self) -> dict[str, int]:
        uses: dict[str, int] = dict.fromkeys(self.keep, 2)
        for s in self.program.statements:
            for e in expressions(s):
                for node in x.walk(e):
                    if isinstance(node, Ref):
                        uses[node.tensor] = uses.get(node.tensor, 0) + 1
        return uses

    def emit(self, line: str) -> None:
        self.lines.append(self.indent + line)

    def block(self, statements: tuple[Statement, ...]) -> None:
        for n, s in enumerate(statements):
            first, last = statements[n], statements[min(n + 1, len(statements) - 1)]
            if self.half(first, "second"):
                continue
            if self.half(first, "first") and isinstance(last, Map) and isinstance(first, Map):
                assert isinstance(first.body, Op)
                function = self.printer.function(first.body.fn.removeprefix("first of "))
                argument = self.printer.show(first.body.args[0], first.axes)
                self.emit(f"{first.name}, {last.name} = {function}({argument})")
            elif isinstance(s, Loop):
                self.loop(s, statements[n + 1 :])
            elif isinstance(s, Rows):
                self.rows(s)
            elif self.can_inline(s, statements[n + 1 :]):
                code, level, axes = self.value(s)
                self.printer.inline[s.name] = (code, level, axes)
            else:
                self.assign(s)

    def half(self, s: Statement, word: str) -> bool:
        """Whether a statement is the first or second result of a function that has two."""
        return isinstance(s, Map) and isinstance(s.body, Op) and s.body.fn.startswith(f"{word} of ")

    def can_inline(self, s: Statement, rest: tuple[Statement, ...]) -> bool:
        """A reduction that is used once, by the next statement, is printed there."""
        if isinstance(s, Loop | Rows | Map | Scatter) or self.uses.get(s.name, 0) != 1 or not rest:
            return False
        if self.printer.loop is not None and self.printer.loop not in s.axes:
            return False
        if any(isinstance(e, Num) for e in s.left):
            return False
        following = rest[0]
        return isinstance(following, Map) and any(
            isinstance(n, Ref) and n.tensor == s.name for n in x.walk(following.body)
        )

    # ---- values ----------------------------------------------------------------------------------------------------

    def value(self, s: Statement) -> tuple[str, int, tuple[str, ...]]:
        """Code, level and axes of what a statement computes, without the loop's axis."""
        p = self.printer
        axes = tuple(a for a in s.axes if a != p.loop) if not isinstance(s, Loop | Rows) else ()
        match s:
            case Map(body=body):
                code, level = p.node(body, axes)
                if len([a for a in axes if a not in x.free(body)]) and axes:
                    code, level = self.broadcast(code, axes), ATOM
                return code, level, axes
            case Fold():
                return self.fold(s, axes)
            case Contract():
                return self.contract(s, axes)
            case Scatter(axis=axis, index=index, over=over, values=values):
                rest = tuple(a for a in axes if a != axis)
                p.functions.add("scatter_add")
                code = f"scatter_add({p.show(values, over + rest)}, {p.show(index, over)}, {p.size(axis)})"
                return self.permuted(code, (axis, *rest), axes), ATOM, axes
        raise TypeError(s)

    def broadcast(self, code: str, axes: tuple[str, ...]) -> str:
        sizes = ", ".join(self.printer.size(a) for a in axes)
        self.printer.functions.add("filled")
        return f"filled({code}, ({sizes}{',' if len(axes) == 1 else ''}), dims.dtype)"

    def permuted(self, code: str, now: tuple[str, ...], wanted: tuple[str, ...]) -> str:
        return code if now == wanted else self.printer.align(code, now, wanted)

    def fold(self, s: Fold, axes: tuple[str, ...]) -> tuple[str, int, tuple[str, ...]]:
        p = self.printer
        over = tuple(a for a in s.over if p.axis(a) != p.loop)
        if s.op in ("norm", "squares"):
            assert isinstance(s.body, Ref)
            function = {"norm": "global_norm", "squares": "sum_of_squares"}[s.op]
            p.functions.add(function)
            whole = s.body.tensor if s.body.tensor in p.lists else f"[{s.body.tensor}]"
            return f"{function}({whole})", ATOM, axes
        p.fill = "-np.inf" if s.op in ("max", "argmax") else "0"
        if not over:
            code, level = p.node(s.body, axes)
            p.fill = "0"
            return code, level, axes
        if s.op in ("square_sum", "inverse_root"):
            return self.squares(s, axes, over), ATOM, axes
        if s.op == "sum" and isinstance(s.body, Op) and s.body.fn == "mul" and len(over) == 1 and axes:
            frame = axes + over
            if len(s.body.args) == 2 and all(isinstance(a, Ref) and p.view(a)[1] == frame for a in s.body.args):
                p.functions.add("row_dot")
                return f"row_dot({', '.join(p.show(a, frame) for a in s.body.args)})", ATOM, axes
        if s.op == "sum":
            scattered = self.overlap(s, axes, over)
            if scattered is not None:
                return scattered, ATOM, axes
        by_rows = {"positive_sum": "positive_sum", "log_sum": "log_sum"}
        frame = axes + over if s.op == "argmax" or s.op in by_rows else p.frame(s.body, axes + over)
        terms = s.body.args[0] if isinstance(s.body, Op) and s.body.fn == "of" else s.body
        code = p.show(terms, frame)
        missing = [a for a in frame if a not in x.free(terms)]
        if missing:
            code = self.broadcast(code, frame)
        p.fill = "0"
        if s.op == "argmax":
            p.functions.add("argmax")
            return f"argmax({code}, {len(over)})", ATOM, axes
        places = [frame.index(a) for a in over]
        if s.op in by_rows:
            p.functions.add(by_rows[s.op])
            flat = f".reshape({', '.join(p.size(a) for a in axes)}, -1)" if len(over) > 1 else ""
            more = ""
            if isinstance(s.body, Op) and s.body.fn == "of":
                more = f", {p.show(s.body.args[1], (*axes, '%'))}"
            return f"{by_rows[s.op]}({code}{flat}{more})[..., 0]", ATOM, axes
        axis = str(places[0]) if len(places) == 1 else f"({', '.join(map(str, sorted(places)))})"
        if len(places) == len(frame):
            axis = "None"
        initial = ", initial=-np.inf" if s.op == "max" else ""
        left = tuple(a for a in frame if a not in over)
        if s.op == "max" and code.startswith("windows("):
            p.functions.add("window_max")
            comma = "," if len(places) == 1 else ""
            code = f"window_max({code}, ({', '.join(map(str, sorted(places)))}{comma}))"
            return self.permuted(code, left, axes), ATOM, axes
        return self.permuted(f"{REDUCERS[s.op]}({code}, axis={axis}{initial})", left, axes), ATOM, axes

    def squares(self, s: Fold, axes: tuple[str, ...], over: tuple[str, ...]) -> str:
        """``square_sum(e, axis)``, or ``inverse_root(e, axis, sum, number, constant)``."""
        p = self.printer
        inside, *more = s.body.args if isinstance(s.body, Op) and s.body.fn == "of" else (s.body,)
        frame = p.frame(inside, axes + over)
        places = sorted(frame.index(a) for a in over)
        rest = "".join(f", {p.show(e, axes)}" for e in more)
        word = "inverse_root" if more else "square_sum"
        p.functions.add(word)
        where = str(places[0]) if len(places) == 1 else f"({', '.join(map(str, places))})"
        return f"{word}({p.show(inside, frame)}, {where}{rest})"

    def overlap(self, s: Fold, axes: tuple[str, ...], over: tuple[str, ...]) -> str | None:
        """A sum over a window's positions, read at ``(p + padding - k) / stride``, as one addition a position."""
        p = self.printer
        places: dict[Expr, str] = {}
        for ref in x.walk(s.body):
            if isinstance(ref, Ref):
                for e, axis in zip(ref.index, self.tensors[ref.tensor].axes, strict=True):
                    if isinstance(e, Op) and e.fn == "exactdiv" and places.setdefault(e, axis) != axis:
                        return None
        spans = []
        targets: dict[str, str] = {}
        for e, axis in places.items():
            assert isinstance(e, Op)
            above, stride = e.args
            target = [i for i in x.free(above) if i in axes]
            tap = [i for i in x.free(above) if i in over]
            if len(target) != 1 or len(tap) != 1 or target[0] in targets:
                return None
            unit, rest = linear(above, target[0])
            step, offset = linear(rest, tap[0])
            if unit != x.ONE:
                return None
            targets[target[0]] = axis
            numbers = [Size(p.axis(target[0])), Size(p.axis(tap[0])), stride, x.neg(step), x.neg(offset)]
            spans.append((axes.index(target[0]), tap[0], ", ".join(p.show(n) for n in numbers)))
        if not spans or {tap for _, tap, _ in spans} != set(over):
            return None
        body = x.transform(s.body, lambda e: Pos(places[e]) if e in places else None)
        if any(t in x.free(body) for t in targets):
            return None
        before, p.taps = p.taps, frozenset(over)
        code = p.show(body, tuple(targets.get(a, a) for a in axes))
        p.taps = before
        p.functions.add("overlap_add")
        taps = ", ".join(tap for _, tap, _ in spans)
        table = ", ".join(f"{place}: ({numbers})" for place, _, numbers in spans)
        return f"overlap_add(lambda {taps}: {code}, {{{table}}})"

    def contract(self, s: Contract, axes: tuple[str, ...]) -> tuple[str, int, tuple[str, ...]]:
        p = self.printer
        over = [a for a in s.over if p.axis(a) != p.loop]
        ia = p.frame(s.a, [i for i in x.free(s.a) if p.axis(i) != p.loop])
        ib = p.frame(s.b, [i for i in x.free(s.b) if p.axis(i) != p.loop])
        a, b = p.show(s.a, ia, UNARY), p.show(s.b, ib, UNARY)
        code = self.matmul(a, ia, b, ib, axes, over) or self.matmul(b, ib, a, ia, axes, over)
        level = PRODUCT
        if code is None:
            letters = self.letters(ia + ib + axes)
            pattern = f"{letters(ia)},{letters(ib)}->{letters(axes)}"
            p.functions.add("contract")
            code, level = f'contract("{pattern}", {p.show(s.a, ia)}, {p.show(s.b, ib)})', ATOM
        if s.scale != x.ONE:
            p.inline["%"] = (code, level, axes)
            stand_in = Ref("%", tuple(Pos(i) for i in axes))
            self.tensors["%"] = Tensor("%", axes)
            code, level = p.node(x.mul(s.scale, stand_in), axes)
            del p.inline["%"]
        return code, level, axes

    def matmul(
        self, a: str, ia: tuple[str, ...], b: str, ib: tuple[str, ...], axes: tuple[str, ...], over: list[str]
    ) -> str | None:
        """``a @ b`` where at most transposing the last two axes makes it one."""
        if len(over) != 1 or len(ia) != len(ib) or len(axes) != len(ia) or len(ia) not in (2, 3):
            return None
        batch = axes[:-2]
        if ia[:-2] != batch or ib[:-2] != batch:
            return None
        m, n = axes[-2:]
        k = over[0]
        if {*ia[-2:]} != {m, k} or {*ib[-2:]} != {k, n}:
            return None
        flip = ".T" if not batch else ".swapaxes(-1, -2)"
        left = a if ia[-2:] == (m, k) else a + flip
        right = b if ib[-2:] == (k, n) else b + flip
        return f"{left} @ {right}"

    def letters(self, indices: tuple[str, ...]):  # type: ignore[no-untyped-def]
        table: dict[str, str] = {}
        free = iter("abcdefghijklmnopqrstuvwxyz")
        for i in indices:
            if i in table:
                continue
            first = i[0] if i[0].isalpha() and i[0] not in table.values() else None
            table[i] = first or next(c for c in free if c not in table.values() and c not in {j[0] for j in indices})
        return lambda names: "".join(table[i] for i in names)

    # ---- assignments -----------------------------------------------------------------------------------------------

    def target(self, name: str, left: tuple[Expr, ...]) -> str:
        p = self.printer
        tensor = self.tensors[name]
        slots = []
        for place, (e, axis) in enumerate(zip(left, tensor.axes, strict=True)):
            if place == 0 and name in p.local and p.loop in tensor.axes[:1]:
                continue
            if x.plain(e) is not None and x.plain(e) != p.loop:
                slots.append(":")
            else:
                slots.append(p.show(x.add(e, x.ONE) if p.extended.get(name) == axis else e))
        while slots and slots[-1] == ":":
            slots.pop()
        if not slots:
            return name
        return f"{name}[{', '.join(slots)}]"

    def assign(self, s: Statement) -> None:
        assert not isinstance(s, Loop | Rows)
        target = self.target(s.name, s.left)
        if isinstance(s, Fold | Contract | Scatter) and self.printer.loop is not None and self.printer.loop not in s.axes:
            code, _, _ = self.value(s)
            self.emit(f"{s.name} += {code}")
            return
        if isinstance(s, Map) and isinstance(s.body, Op) and s.body.fn == "add" and s.body.args[0] == Ref(s.name, s.left):
            rest = Map(s.name, s.left, s.axes, x.add(*s.body.args[1:]))
            if target != s.name and s.name not in self.declared:
                self.declare(s.name)
            if s.name in self.printer.lists:
                self.emit(f"{target} = {target} + {self.text(rest)}")
            else:
                self.emit(f"{target} += {self.text(rest)}")
            return
        if target != s.name and s.name not in self.declared:
            self.declare(s.name)
        if s.name in self.into and target == s.name and isinstance(s, Map):
            code = self.printer.into(s.body, tuple(a for a in s.axes if a != self.printer.loop), s.name)
            if code is not None:
                self.emit(f"{target} = {code}")
                return
        self.into -= {s.name}
        self.emit(f"{target} = {self.text(s)}")

    def text(self, s: Statement) -> str:
        code, level, _ = self.value(s)
        return code if level > LOW else f"({code})"

    def declare(self, name: str, zero: bool = True) -> None:
        """Make the array, or the list, that a loop fills."""
        p = self.printer
        tensor = self.tensors[name]
        self.declared.add(name)
        if name in p.lists:
            size = p.size(tensor.axes[0]) + (" + 1" if name in p.extended else "")
            self.emit(f"{name}: list[Any] = [0] * ({size})" if "+" in size else f"{name}: list[Any] = [0] * {size}")
            return
        sizes = [p.size(a) + (" + 1" if p.extended.get(name) == a else "") for a in tensor.axes]
        comma = "," if len(sizes) == 1 else ""
        self.emit(f"{name} = np.zeros(({', '.join(sizes)}{comma}), dtype=dims.dtype)")

    # ---- rows ------------------------------------------------------------------------------------------------------

    def rows(self, s: Rows) -> None:
        """A call of a function that computes some rows, and that function."""
        p = self.printer
        lines, sizes = self.lines, p.sizes
        self.lines, p.sizes = [], {}
        deepest = max(len(self.tensors[n].axes) for n in s.results)
        self.into = frozenset(
            n for n, join in zip(s.results, s.joins, strict=True)
            if join is not None and len(self.tensors[n].axes) == deepest
        )  # fmt: skip
        self.indent = "    "
        self.block(s.body)
        body, own = self.lines, p.sizes
        self.lines, p.sizes = lines, {**sizes, **own}
        given = sorted(s.given, key=lambda g: (g[1] is None, -len(self.tensors[g[0]].axes), g[0]))
        cuts = [f"{place}" for _, place in given]
        parameters = [name for name, _ in given]
        options = dict.fromkeys(n.name for e in expressions(s) for n in x.walk(e) if isinstance(n, Opt))
        functions = {n.fn.rstrip("'") for e in expressions(s) for n in x.walk(e) if isinstance(n, Op)}
        parameters += [o.name for o in self.layer.options if o.name in options or o.name in functions]
        parameters += [size_name(a) for a in own]
        if any("dims." in line for line in body):
            parameters.append("dims")
        cuts += ["None"] * (len(parameters) - len(cuts))
        out = [n if n in self.into else "" for n in s.results]
        self.into = frozenset()
        results = ", ".join(s.results)
        joins = f"({', '.join(map(str, s.joins))})" if len(s.results) > 1 else f"{s.joins[0]}"
        flat = ", flat=True" if all(len(self.tensors[n].axes) <= 1 for n, c in given if c is not None) else ""
        last = f"{s.results[0]} = "
        if len(s.results) == 1 and body[-1].startswith(f"    {last}"):
            body[-1] = "    return " + body[-1].strip().removeprefix(last)
        else:
            body.append(f"    return {results}")
        p.functions.add("in_blocks")
        taken = f", out=({', '.join(map(repr, out))},)".replace("'", '"') if any(out) else ""
        extra = "".join(f", {n}: Any = None" for n in out if n)
        text = [
            f"@in_blocks(cut=({', '.join(cuts)}{',' if len(cuts) == 1 else ''}), join={joins}{flat}{taken})",
            f"def {{name}}({', '.join(f'{n}: Any' for n in parameters)}{extra}) -> Any:",
            f'    """{self.prefix.split("_")[0].capitalize()}, for some positions of the axis {s.axis}."""',
            *body,
        ]
        name = self.named("\n".join(text))
        self.emit(f"{results} = {name}({', '.join(parameters)})")

    def named(self, text: str) -> str:
        """The name of a function, new or the same as one before."""
        for name in (self.prefix, f"{self.prefix}_{self.label}"):
            if self.helpers.setdefault(name, text.replace("{name}", name)) == text.replace("{name}", name):
                return name
        raise ValueError(f"two functions are called {name}")

    # ---- loops -----------------------------------------------------------------------------------------------------

    def loop(self, s: Loop, rest: tuple[Statement, ...]) -> None:
        p = self.printer
        inside = names((s,))
        outside = {
            n.tensor for other in self.program.statements if other is not s for e in expressions(other)
            for n in x.walk(e) if isinstance(n, Ref)
        }  # fmt: skip
        shifted = {
            n.tensor for e in expressions(s) for n in x.walk(e)
            if isinstance(n, Ref) and n.tensor in inside and (not n.index or n.index[0] != Pos(s.axis))
        }  # fmt: skip
        partial = {b.name for b in s.body if not isinstance(b, Loop) and any(x.plain(e) is None for e in b.left)}
        made_outside = set(names(tuple(o for o in self.program.statements if o is not s)))
        local = {
            n for n in inside
            if n not in outside | shifted | partial | self.keep | made_outside and self.tensors[n].axes[:1] == (s.axis,)
        }  # fmt: skip
        for name in inside:
            if name in local or name in self.declared:
                continue
            if s.axis in self.tensors[name].axes:
                self.declare(name)
            else:
                self.declared.add(name)
                shape = ", ".join(p.size(a) for a in self.tensors[name].axes)
                comma = "," if len(self.tensors[name].axes) == 1 else ""
                self.emit(f"{name} = np.zeros(({shape}{comma}), dtype=dims.dtype)" if shape else f"{name} = dims.dtype.type(0)")
        size = p.size(s.axis)
        ranged = f"reversed(range({size}))" if s.backwards else f"range({size})"
        self.emit(f"for {s.axis} in {ranged}:")
        before, p.local, p.loop, indent = p.local, p.local | local, s.axis, self.indent
        self.indent += "    "
        self.block(s.body)
        p.local, p.loop, self.indent = before, None, indent


def comment(e: Expr) -> str:
    return TEXT.show(e)


__all__ = ["SUM", "Body", "comment"]
