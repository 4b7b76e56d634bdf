"""Statements of an array program as lines of NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Op, Opt, Pos, Ref
from derive.notation.layer import Equation
from derive.notation.text import show_equation
from derive.program.ir import (
    Both,
    Contract,
    Fill,
    Fold,
    Function,
    Invoke,
    Loop,
    Make,
    Map,
    Rows,
    Scatter,
    Single,
    Statement,
    expressions,
    names,
)
from derive.program.rows import read
from derive.targets.numpy.costs import COSTS
from derive.targets.numpy.layout import COMMENT, WIDTH
from derive.targets.numpy.reductions import Values
from derive.targets.numpy.views import LOW, size_name
from derive.targets.words import visible

ALIGNED = ("sum", "mean", "square_sum")  # what makes an array of its own, by a call


@dataclass
class Body(Values):
    """Prints the statements of one function.

    Attributes:
        keep: names needed after the statements: results and what is saved.
        prefix, label: what a function for some rows is called, and what is added where the name is taken.
        helpers: these functions, by name.
        into: results that the function being printed can put into given memory, and that memory.
        last: the statement whose result the function being printed returns.
        made: arrays that are made for statements to write to.
        folded: it is called for some rows as a whole: what ends the program is printed where it stands.
        conditions: functions that give conditions, by what they give.
        entries_made: entries of lists that are made in the loop being printed, for statements to write to.
    """

    program: Function
    keep: frozenset[str]
    lines: list[str] = field(default_factory=list)
    indent: str = "    "
    prefix: str = "rows"
    label: str = ""
    helpers: dict[str, str] = field(default_factory=dict)
    into: dict[str, str] = field(default_factory=dict)
    last: Single | None = None
    made: set[str] = field(default_factory=set)
    in_rows: bool = False
    folded: bool = False
    equations: dict[str, Equation] = field(default_factory=dict)
    conditions: dict[tuple[str, ...], str] = field(default_factory=dict)
    entries_made: set[str] = field(default_factory=set)

    def run(self) -> list[str]:
        self.equations = {e.target: e for e in reversed(self.program.equations)}
        self.printer.aligned = self.alignments()
        if self.folded and isinstance(rows := self.program.statements[-1], Rows):
            self.into, self.in_rows = self.places(rows), True
            self.block((*self.program.statements[:-1], *rows.body))
        else:
            self.block(self.program.statements)
        p = self.printer
        whole = []
        for name in sorted(p.masks):
            sizes = "".join(f"{p.size(a)}, " for a in self.tensors[name].axes)
            whole += [f"    if {name} is None:", f"        {name} = np.ones(({sizes.rstrip()}), dtype=bool)"]
        return whole + self.lines

    def alignments(self) -> dict[str, str]:
        """Sums that are read with the same axes of length 1 everywhere, and the index that gives them these axes."""
        flat = [s for t in self.program.statements for s in (t.body if isinstance(t, Rows) else (t,))]
        folds = {s.name: s.axes for s in flat if isinstance(s, Fold) and s.op in ALIGNED and not s.inline}
        found: dict[str, set[str]] = {n: set() for n, axes in folds.items() if axes and n not in self.keep}
        for s in flat:
            ops = {n.fn for e in expressions(s) for n in x.walk(e) if isinstance(n, Op)}
            frame = s.axes if isinstance(s, Map) and ops <= {"add", "mul", "pow", "group"} else None
            for r in (n for e in expressions(s) for n in x.walk(e) if isinstance(n, Ref) and n.tensor in found):
                axes = folds[r.tensor]
                same = frame is not None and r.index == tuple(map(Pos, axes))
                found[r.tensor].add(self.printer.align("", axes, frame) if same and frame else "")
        return {n: index for n, indices in found.items() for index in indices if index and len(indices) == 1}

    def emit(self, line: str, of: str = "") -> None:
        """Add a line; ``of`` is what it computes, whose equation stands beside it."""
        equation = self.equations.pop(of, None)
        self.lines.append(self.indent + line + (f"{COMMENT}{visible(show_equation(equation))}" if equation else ""))

    def function_of(self, codes: tuple[str, ...]) -> str:
        name = self.conditions.get(codes)
        if name is None:
            name = self.conditions[codes] = "there" + (f"_{len(self.conditions) + 1}" if self.conditions else "")
            self.emit(f"def {name}() -> tuple[Any, ...]:")
            self.emit(f"    return {', '.join(codes)}" if len(codes) > 1 else f"    return ({codes[0]},)")
        return name

    def block(self, statements: tuple[Statement, ...]) -> None:
        for s in statements:
            match s:
                case Make(name, fill):
                    self.make(name, fill)
                case Both(first, second):
                    self.both(first, second)
                case Loop():
                    self.loop(s)
                case Rows():
                    self.emit(f"{', '.join(s.results)} = {self.rows(s)}")
                case Invoke():
                    self.invoke(s)
                case Fold(inline=True) | Contract(inline=True):
                    self.printer.inline[s.name] = self.value(s)
                case _:
                    self.assign(s)

    def both(self, first: Map | Fold, second: Map | Fold) -> None:
        """Two results of one call."""
        p = self.printer
        if isinstance(second, Fold):
            code = self.value(replace(second, op="largest"))[0]
            self.into = {n: out for n, out in self.into.items() if n not in (first.name, second.name)}
        else:
            assert isinstance(second.body, Op)
            argument = p.show(second.body.args[0], second.axes)
            code = f"{p.function(second.body.fn.removeprefix('second of '))}({argument})"
        self.emit(f"{first.name}, {second.name} = {code}", first.name)

    def target(self, name: str, left: tuple[Expr, ...]) -> str:
        p = self.printer
        tensor = self.tensors[name]
        slots = []
        for place, (e, axis) in enumerate(zip(left, tensor.axes, strict=True)):
            if place == 0 and name in p.local and p.loop in tensor.axes[:1]:
                continue
            if x.plain(e) is not None and x.plain(e) != p.loop:
                slots.append("1:" if p.extended.get(name) == axis else ":")
            else:
                slots.append(p.show(x.add(e, x.ONE) if p.extended.get(name) == axis else e))
        while slots and slots[-1] == ":":
            slots.pop()
        if not slots:
            return name
        apart = len(slots) > 1 and name in p.lists - p.local
        return f"{name}[{slots[0]}][{', '.join(slots[1:])}]" if apart else f"{name}[{', '.join(slots)}]"

    def whole_entry(self, s: Single) -> None:
        """Before the first part of a list's entry is written to: the entry."""
        p = self.printer
        entry = self.target(s.name, (s.left[0], *map(Pos, self.tensors[s.name].axes[1:])))
        if entry not in self.entries_made:
            self.entries_made.add(entry)
            axes = self.tensors[s.name].axes[1:]
            comma = "," if len(axes) == 1 else ""
            self.emit(f"{entry} = np.zeros(({', '.join(map(p.size, axes))}{comma}), dtype={p.of_dims('dtype')})")

    def assign(self, s: Single) -> None:
        if self.printer.is_part_of_entry(s):
            self.whole_entry(s)
        target = self.target(s.name, s.left)
        if (
            isinstance(s, Fold | Contract | Scatter)
            and self.printer.loop is not None
            and self.printer.loop not in s.axes
        ):
            code, _, _ = self.value(s)
            self.emit(f"{s.name} += {code}")
            return
        if isinstance(s, Map) and s.adds:
            code = self.printer.show(x.add(*x.terms(s.body)[1:]), tuple(a for a in s.axes if a != self.printer.loop))
            lists = s.name in self.printer.lists
            self.emit(f"{target} = {target} + {code}" if lists else f"{target} += {code}")
            return
        lead = "return " if s is self.last else f"{target} = "
        call = self.in_memory(s) if target == s.name and isinstance(s, Map) else None
        if call is not None:
            self.emit(lead + call, s.name)
            return
        self.into.pop(s.name, None)
        if isinstance(s, Map) and s.like in self.printer.inline:
            others = x.add(*(t for t in x.terms(s.body) if t != Ref(s.like, s.left)))
            self.emit(f"{target} = {self.printer.inline[s.like][0]}", s.name)
            self.emit(f"{target} += {self.printer.show(others, s.axes)}")
            if s is self.last:
                self.emit(f"return {target}")
            return
        index = self.printer.aligned.get(s.name, "")
        self.emit(lead + (f"{self.value(s)[0]}{index}" if index else self.text(s)), s.name)

    def in_memory(self, s: Map) -> str | None:
        """A call that puts a result where it belongs; None where there is no such place, or no such call."""
        p = self.printer
        if s.name in self.into:
            return p.into(s.body, tuple(a for a in s.axes if a != p.loop), self.into[s.name])
        return None if self.in_rows else self.with_room(s)

    def with_room(self, s: Map) -> str | None:
        """A call that finds memory for its result; None where the operation is no such call."""
        p = self.printer
        if not s.like or s.like in p.inline:
            return None
        axes = tuple(a for a in s.axes if a != p.loop)
        call = p.into(s.body, axes, f"room({p.show(Ref(s.like, s.left), axes)})")
        if call is not None:
            p.functions.add("room")
        return call

    def text(self, s: Single) -> str:
        code, level, axes = self.value(s)
        if isinstance(s, Fold) and s.name in self.keep and axes and not {*axes} <= {*x.free(s.body)}:
            return self.broadcast(code, axes)  # the same along what no term has
        return code if level > LOW else f"({code})"

    def make(self, name: str, fill: Fill) -> None:
        """An array, or a list, that statements write to in parts."""
        p = self.printer
        axes = self.tensors[name].axes[: 1 if name in p.lists else None]
        self.made.add(name)
        sizes = [p.size(a) + (" + 1" if p.extended.get(name) == a else "") for a in axes]
        if name in p.lists:
            self.emit(f"{name}: list[Any] = [0] * {f'({sizes[0]})' if '+' in sizes[0] else sizes[0]}")
        elif not sizes:
            self.emit(f"{name} = {p.of_dims('dtype')}.type(0)")
        else:
            comma = "," if len(sizes) == 1 else ""
            word = "zeros" if fill == "zeros" else "empty"
            self.emit(f"{name} = np.{word}(({', '.join(sizes)}{comma}), dtype={p.of_dims('dtype')})")
        if fill == "zeros at the end":
            self.emit(f"{name}[-1] = 0")

    def invoke(self, s: Invoke) -> None:
        """A call of a part's function, and the results that are wanted."""
        p, call = self.printer, s.call
        places = {name: self.target(ref.tensor, ref.index) for name, ref in s.results}
        code = p.invoked(call)
        slots = dict(call.fields)
        left = ", ".join(places.get(name, "_") for name in slots if name != "saved")
        if "saved" in slots:
            left = f"({left})" if len(slots) > 2 else left
            self.emit(f"{left}, {places.get('saved', '_')} = {code}")
        elif len(places) == 1 and call.function != "jvp":
            ((name, place),) = places.items()
            self.emit(f"{place} = {code}.{name}")
        else:
            self.emit(f"{left} = {code}")
        for name, ref in s.results:
            if slots[name]:
                sizes = ", ".join(p.size(a) for e in ref.index if (a := x.plain(e)) and a != p.loop)
                self.emit(f"{places[name]} = {places[name]}.reshape({sizes})")

    def places(self, s: Rows) -> dict[str, str]:
        """The results that are large, and put together from those of all blocks, and where each is to go."""
        deepest = max(len(self.tensors[n].axes) for n in s.results)
        joined = (n for n, join in zip(s.results, s.joins, strict=True) if join is not None)
        large = (n for n in joined if len(self.tensors[n].axes) == deepest)
        return {n: f'dims.out["{n}"]' if self.folded else n for n in large}

    def rows(self, s: Rows) -> str:
        """A call of a function that computes some rows; and that function, as a helper."""
        p = self.printer
        lines, sizes, conditions = self.lines, p.sizes, self.conditions
        self.lines, p.sizes, self.conditions = [], {}, {}
        self.into = self.places(s)
        indent, self.indent, self.in_rows = self.indent, "    ", True
        last = s.body[-1]
        self.last = last if len(s.results) == 1 and isinstance(last, Single) and last.name == s.results[0] else None
        dims_used, p.dims_used = p.dims_used, False
        self.block(s.body)
        self.indent, self.in_rows = indent, False
        body, own = self.lines, p.sizes
        self.lines, p.sizes, self.conditions = lines, {**sizes, **own}, conditions
        optional = {t.name for t in self.layer.inputs if t.optional}  # may be None, and so does not say how many rows
        given = sorted(
            s.given,
            key=lambda g: (
                g[1] is None,
                g[0] in optional,
                -len(self.tensors[g[0]].axes),
                self.tensors[g[0]].kind != "real",
                g[0],
            ),
        )
        cuts = [f"{place}" for _, place in given]
        parameters = [name for name, _ in given]
        options = dict.fromkeys(n.name for e in expressions(s) for n in x.walk(e) if isinstance(n, Opt))
        functions = {n.fn.rstrip("'") for e in expressions(s) for n in x.walk(e) if isinstance(n, Op)}
        parameters += [o.name for o in self.layer.options if o.name in options or o.name in functions]
        parameters += [size_name(a) for a in own]
        parameters += [p.loop] if p.loop and counts(s, p.loop) else []
        parameters += ["dims"] * p.dims_used
        p.dims_used = p.dims_used or dims_used
        cuts += ["None"] * (len(parameters) - len(cuts))
        out = [n if n in self.into else "" for n in s.results]
        self.into = {}
        results = ", ".join(s.results)
        joins = f"({', '.join(map(str, s.joins))})" if len(s.results) > 1 else f"{s.joins[0]}"
        one = all(len([a for a in self.tensors[n].axes if a != p.loop]) <= 1 for n, c in given if c is not None)
        flat = ", flat=True" if one else ""
        if self.last is None:
            body.append(f"    return {results}")
        self.last = None
        p.functions.add("in_blocks")
        taken = f", out=({', '.join(map(repr, out))},)".replace("'", '"') if any(out) else ""
        extra = "".join(f", {n}: Any = None" for n in out if n)
        text = [
            f"@in_blocks(cut=({', '.join(cuts)}{',' if len(cuts) == 1 else ''}), join={joins}{flat}{taken})",
            f"def {{name}}({', '.join(f'{n}: Any' for n in parameters)}{extra}) -> Any:",
            f'    """{self.prefix.split("_")[0].capitalize()}, for some positions of the axis {s.axis}."""',
            *body,
        ]
        entries = {n for n in parameters if n in p.lists}
        name = self.named("\n".join(text), s.results[0])
        return f"{name}({', '.join(f'{n}[{p.loop}]' if n in entries else n for n in parameters)})"

    def named(self, text: str, result: str) -> str:
        """The name of a function, new or the same as one before."""
        for name in (self.prefix, f"{self.prefix}_{self.label or result}"):
            if self.helpers.setdefault(name, text.replace("{name}", name)) == text.replace("{name}", name):
                return name
        raise ValueError(f"two functions are called {name}")

    def loop(self, s: Loop) -> None:
        p = self.printer
        self.inside = frozenset(names((s,)))
        self.entries_made = set()
        if self.inside <= p.lists - self.made - s.local and not any(map(p.is_part_of_entry, s.body)):
            self.entries(s)
            return
        start = len(self.lines)
        size = p.size(s.axis)
        ranged = f"reversed(range({size}))" if s.backwards else f"range({size})"
        self.emit(f"for {s.axis} in {ranged}:")
        before, p.local, p.loop, indent = p.local, p.local | s.local, s.axis, self.indent
        self.indent += "    "
        self.block(s.body)
        self.lines[start:start] = [f"{indent}{n} = {c}" for n, c in self.constant.items() if n not in self.made]
        self.made |= set(self.constant)
        p.local, p.loop, self.indent = before, None, indent

    def entries(self, s: Loop) -> None:
        """Lists whose entries do not depend on each other, one after the other."""
        p = self.printer
        p.loop = s.axis
        for b in s.body:
            assert isinstance(b, Map)
            code, loop = self.entry(b), f"for {s.axis} in range({p.size(s.axis)})"
            line = f"{b.name} = [{code} {loop}]"
            if len(self.indent + line) <= WIDTH:
                self.emit(line)
                continue
            self.lines += [f"{self.indent}{line}" for line in (f"{b.name} = [", f"    {code}", f"    {loop}", "]")]
        p.loop = None

    def entry(self, s: Map) -> str:
        """One entry of a list: in blocks, where it takes several passes over arrays without axes of their own."""
        p = self.printer
        match s.body:
            case Op("where", (condition, a, b)) if not x.free(condition) and x.free(a) and x.free(b):
                first, second = (self.entry(replace(s, body=body)) for body in (a, b))
                return f"{first} if {p.show(condition)} else {second}"
        if not (self.prefix and COSTS.passes(s) >= COSTS.worth and {*s.axes} <= {p.loop, ELLIPSIS}):
            return self.with_room(s) or self.text(s)
        given = tuple((n, 0 if n in p.lists else None) for n in sorted(read((s,))))
        before, p.local = p.local, p.lists
        code = self.rows(Rows(ELLIPSIS, (s,), given, (s.name,), (0,)))
        p.local = before
        return code


def counts(s: Rows, loop: str) -> bool:
    """Whether rows of an entry of a list read the entry's number, otherwise than to find the entry."""

    def entry(node: Expr) -> Expr | None:
        return replace(node, index=node.index[1:]) if isinstance(node, Ref) and node.index[:1] == (Pos(loop),) else None

    return any(n == Pos(loop) for e in expressions(s) for n in x.walk(x.transform(e, entry)))
