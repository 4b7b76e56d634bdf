"""Statements of an array program as lines of NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Ref
from derive.program.in_place import terms_of
from derive.program.ir import (
    Both,
    Contract,
    Fold,
    Function,
    Invoke,
    Loop,
    Map,
    Rows,
    Scatter,
    Single,
    Statement,
    expressions,
    names,
)
from derive.program.rows import WORTH, passes, read
from derive.targets.numpy.layout import WIDTH
from derive.targets.numpy.reductions import Values
from derive.targets.numpy.views import LOW, size_name


@dataclass
class Body(Values):
    """Prints the statements of one function.

    Attributes:
        keep: names needed after the statements: results and what is saved.
        prefix, label: what a function for some rows is called, and what is added where the name is taken.
        helpers: these functions, by name.
        into: results that the function being printed can put into given arrays.
        conditions: functions that give conditions, by what they give.
    """

    program: Function
    keep: frozenset[str]
    lines: list[str] = field(default_factory=list)
    indent: str = "    "
    prefix: str = "rows"
    label: str = ""
    helpers: dict[str, str] = field(default_factory=dict)
    into: frozenset[str] = frozenset()
    declared: set[str] = field(default_factory=set)
    in_rows: bool = False
    conditions: dict[tuple[str, ...], str] = field(default_factory=dict)

    def run(self) -> list[str]:
        self.block(self.program.statements)
        p = self.printer
        whole = []
        for name in sorted(p.masks):
            sizes = "".join(f"{p.size(a)}, " for a in self.tensors[name].axes)
            whole += [f"    if {name} is None:", f"        {name} = np.ones(({sizes.rstrip()}), dtype=bool)"]
        return whole + self.lines

    def emit(self, line: str) -> None:
        self.lines.append(self.indent + line)

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
                    if isinstance(s, Contract):
                        self.products.add(s.name)
                case _:
                    self.assign(s)

    def both(self, first: Map | Fold, second: Map | Fold) -> None:
        """Two results of one call."""
        p = self.printer
        if isinstance(second, Fold):
            code = self.value(replace(second, op="largest"))[0]
            self.into -= {first.name, second.name}
        else:
            assert isinstance(second.body, Op)
            argument = p.show(second.body.args[0], second.axes)
            code = f"{p.function(second.body.fn.removeprefix('second of '))}({argument})"
        self.emit(f"{first.name}, {second.name} = {code}")

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
        return f"{name}[{', '.join(slots)}]"

    def assign(self, s: Single) -> None:
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
            rest = Map(s.name, s.left, s.axes, x.add(*x.terms(s.body)[1:]))
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
            call = self.printer.into(s.body, tuple(a for a in s.axes if a != self.printer.loop), s.name)
            if call is not None:
                self.emit(f"{target} = {call}")
                return
        elif isinstance(s, Map) and s.name in self.keep and target == s.name and not self.in_rows:
            call = self.with_room(s)
            if call is not None:
                self.emit(f"{target} = {call}")
                return
        self.into -= {s.name}
        product = self.product_of(s) if self.printer.loop is None else None
        if product is not None:
            self.emit(f"{target} = {self.printer.inline[product.tensor][0]}")
            assert isinstance(s, Map)
            others = x.add(*(t for t in x.terms(s.body) if t != product))
            self.emit(f"{target} += {self.printer.show(others, s.axes)}")
        else:
            self.emit(f"{target} = {self.text(s)}")
        if target == s.name and self.printer.loop is None:
            self.declared.add(s.name)

    def product_of(self, s: Statement) -> Ref | None:
        """A matrix product that is a term of a statement's sum and as large as it: the rest is added to it in place."""
        if not isinstance(s, Map):
            return None
        own = (t for t in terms_of(s) if isinstance(t, Ref) and t.tensor in self.products and t.index == s.left)
        return next((t for t in own if self.printer.inline[t.tensor][2] == s.axes), None)

    def with_room(self, s: Map) -> str | None:
        """One operation on arrays of the largest shape there is, as a call that finds memory for its result."""
        p = self.printer
        if not self.prefix or passes(s) != 1 or len(s.axes) < max(len(t.axes) for t in self.tensors.values()):
            return None
        for like in x.refs(s.body):
            given = like.tensor not in p.inline and self.tensors[like.tensor].kind == "real"
            if given and like.index == s.left == tuple(map(Pos, s.axes)):
                axes = tuple(a for a in s.axes if a != p.loop)
                call = p.into(s.body, axes, f"room({p.show(like, axes)})")
                if call is not None:
                    p.functions.add("room")
                return call
        return None

    def text(self, s: Single) -> str:
        code, level, axes = self.value(s)
        if isinstance(s, Fold) and s.name in self.keep and axes and not {*axes} <= {*x.free(s.body)}:
            return self.broadcast(code, axes)  # the same along what no term has
        return code if level > LOW else f"({code})"

    def declare(self, name: str) -> None:
        """Make the array, or the list, that a loop fills; of zeros, where statements add to it or leave a place out."""
        p = self.printer
        tensor = self.tensors[name]
        self.declared.add(name)
        if name in p.lists:
            size = p.size(tensor.axes[0]) + (" + 1" if name in p.extended else "")
            self.emit(f"{name}: list[Any] = [0] * ({size})" if "+" in size else f"{name}: list[Any] = [0] * {size}")
            return
        sizes = [p.size(a) + (" + 1" if p.extended.get(name) == a else "") for a in tensor.axes]
        comma = "," if len(sizes) == 1 else ""
        inner = [b for s in self.program.statements if isinstance(s, Loop) for b in s.body]
        writes = [s for s in (*self.program.statements, *inner) if name in names((s,)) and not isinstance(s, Loop)]
        maps = [s for s in writes if isinstance(s, Map)]
        whole = len(maps) == len(writes) and not any(s.adds for s in maps) and self.everywhere(name, maps)
        handed = any(not s.adds and x.free(s.left[0]) and x.plain(s.left[0]) is None for s in maps)
        make = "empty" if whole or handed else "zeros"
        self.emit(f"{name} = np.{make}(({', '.join(sizes)}{comma}), dtype=dims.dtype)")
        if handed:
            self.emit(f"{name}[-1] = 0")

    def everywhere(self, name: str, writes: list[Map]) -> bool:
        """Whether statements write to every place of an array."""
        apart = 0
        for axis, *indices in zip(self.tensors[name].axes, *(s.left for s in writes), strict=True):
            places = {int(i.value) for i in indices if isinstance(i, Num)}
            plain = [i for i in indices if x.plain(i)]
            start = {-1} if self.printer.extended.get(name) == axis else set()
            size = self.layer.sizes.get(axis)
            each = isinstance(size, Num) and places == set(range(int(size.value)))
            if len(plain) + sum(isinstance(i, Num) for i in indices) < len(indices) or not (
                each or (plain and places == start)
            ):
                return False
            apart += bool(places)
        return apart < 2

    def invoke(self, s: Invoke) -> None:
        """A call of a part's function, and the results that are wanted."""
        p, call = self.printer, s.call
        places = {name: self.target(ref.tensor, ref.index) for name, ref in s.results}
        for name, ref in s.results:
            if places[name] != ref.tensor and ref.tensor not in self.declared:
                self.declare(ref.tensor)
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

    def rows(self, s: Rows) -> str:
        """A call of a function that computes some rows; and that function, as a helper."""
        p = self.printer
        lines, sizes, conditions = self.lines, p.sizes, self.conditions
        self.lines, p.sizes, self.conditions = [], {}, {}
        deepest = max(len(self.tensors[n].axes) for n in s.results)
        self.into = frozenset(
            n for n, join in zip(s.results, s.joins, strict=True)
            if join is not None and len(self.tensors[n].axes) == deepest
        )  # fmt: skip
        indent, self.indent, self.in_rows = self.indent, "    ", True
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
        if any("dims." in line for line in body):
            parameters.append("dims")
        cuts += ["None"] * (len(parameters) - len(cuts))
        out = [n if n in self.into else "" for n in s.results]
        self.into = frozenset()
        results = ", ".join(s.results)
        joins = f"({', '.join(map(str, s.joins))})" if len(s.results) > 1 else f"{s.joins[0]}"
        one = all(len([a for a in self.tensors[n].axes if a != p.loop]) <= 1 for n, c in given if c is not None)
        flat = ", flat=True" if one else ""
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
        inside = names((s,))
        self.inside = frozenset(inside)
        outside = {
            n.tensor for other in self.program.statements if other is not s for e in expressions(other)
            for n in x.walk(e) if isinstance(n, Ref)
        }  # fmt: skip
        shifted = {
            n.tensor for e in expressions(s) for n in x.walk(e)
            if isinstance(n, Ref) and n.tensor in inside and (not n.index or n.index[0] != Pos(s.axis))
        }  # fmt: skip
        partial = {b.name for b in s.body if isinstance(b, Single) and any(x.plain(e) is None for e in b.left)}
        made_outside = set(names(tuple(o for o in self.program.statements if o is not s)))
        local = {
            n for n in inside
            if n not in outside | shifted | partial | self.keep | made_outside and self.tensors[n].axes[:1] == (s.axis,)
        }  # fmt: skip
        if not (shifted or partial or local or s.backwards) and all(map(self.is_entry, s.body)):
            self.entries(s)
            return
        for name in inside:
            if name in local or name in self.declared:
                continue
            if s.axis in self.tensors[name].axes:
                self.declare(name)
            else:
                self.declared.add(name)
                shape = ", ".join(p.size(a) for a in self.tensors[name].axes)
                comma = "," if len(self.tensors[name].axes) == 1 else ""
                self.emit(
                    f"{name} = np.zeros(({shape}{comma}), dtype=dims.dtype)"
                    if shape
                    else f"{name} = dims.dtype.type(0)"
                )
        start = len(self.lines)
        size = p.size(s.axis)
        ranged = f"reversed(range({size}))" if s.backwards else f"range({size})"
        self.emit(f"for {s.axis} in {ranged}:")
        before, p.local, p.loop, indent = p.local, p.local | local, s.axis, self.indent
        self.indent += "    "
        self.block(s.body)
        self.lines[start:start] = [f"{indent}{n} = {c}" for n, c in self.constant.items() if n not in self.declared]
        self.declared |= set(self.constant)
        p.local, p.loop, self.indent = before, None, indent

    def is_entry(self, s: Statement) -> bool:
        """Whether a statement of a loop makes one entry of a list, element by element."""
        return isinstance(s, Map) and s.name in self.printer.lists and s.name not in self.declared

    def entries(self, s: Loop) -> None:
        """Lists whose entries do not depend on each other, one after the other."""
        p = self.printer
        p.loop = s.axis
        for b in s.body:
            assert isinstance(b, Map)
            self.declared.add(b.name)
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
        if not (self.prefix and passes(s) >= WORTH and {*s.axes} <= {p.loop, ELLIPSIS}):
            return self.with_room(s) or self.text(s)
        given = tuple((n, 0 if n in p.lists else None) for n in sorted(read((s,))))
        before, p.local = p.local, p.lists
        code = self.rows(Rows(ELLIPSIS, (s,), given, (s.name,), (0,)))
        p.local = before
        return code
