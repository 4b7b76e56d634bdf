"""Bodies of a generated module's functions: one for each variant of a layer, put together in one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Num, Op, Opt, Ref
from derive.notation.layer import Tensor
from derive.program import ir
from derive.program.again import from_forward
from derive.program.ir import KernelProgram, Variant, expressions
from derive.program.own import SCALAR
from derive.targets.numpy.costs import COSTS
from derive.targets.numpy.expressions import Printer
from derive.targets.numpy.names import encoder_of
from derive.targets.numpy.statements import Body
from derive.targets.numpy.views import size_name
from derive.targets.numpy.weak import weak
from derive.targets.words import identifier, literal


@dataclass
class Function:
    """The lines of one function's body for one variant, what they use, and whether they may run block by block."""

    lines: list[str]
    printer: Printer
    program: ir.Function
    used: set[str]
    blocked: bool = False
    out: tuple[str, ...] = ()


@dataclass
class Folding:
    """How a function runs for some rows after another, as a whole.

    Attributes:
        axis: the rows are positions of.
        saved: the place of the axis in what forward saves beside inputs; a sum where it has none.
        out: results that the function puts into given arrays.
        results: all of them, in order.
    """

    axis: str
    saved: dict[str, int]
    out: tuple[str, ...] = ()
    results: list[str] = field(default_factory=list)

    def arguments(self) -> list[str]:
        """As the decorator takes them."""
        places = ", ".join(f'"{n}": {place}' for n, place in self.saved.items())
        names = [n if n in self.out else "" for n in self.results]
        while names and not names[-1]:
            names.pop()
        return [
            f'rows="{self.axis}"',
            *([f"saved={{{places}}}"] if places else []),
            *(
                [f"out=({', '.join(f'{n!r}' for n in names)}{',' * (len(names) == 1)})".replace("'", '"')]
                if names
                else []
            ),
        ]


def used_names(program: ir.Function) -> set[str]:
    """Tensors and options that a program reads."""
    found: set[str] = set()
    for s in program.statements:
        for e in expressions(s):
            for node in x.walk(e):
                if isinstance(node, Ref):
                    found.add(node.tensor)
                elif isinstance(node, Opt):
                    found.add(node.name)
                elif isinstance(node, Op):
                    found.add(node.fn.rstrip("'"))
    return found


def statements_of(lines: list[str]) -> list[tuple[str, ...]]:
    """Lines with those that are indented below them, or end them."""
    found: list[list[str]] = []
    for line in lines:
        if found and (line.startswith("     ") or line[4:5] in ")]}"):
            found[-1].append(line)
        else:
            found.append([line])
    return [tuple(unit) for unit in found]


def common(a: list[tuple[str, ...]], b: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The longest sequence of entries that both have."""
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return [unit for block in blocks for unit in a[block.a : block.a + block.size]]


class Bodies:
    """What the parts of a module share: a layer's variants, the default one first, and what is used."""

    def __init__(self, program: KernelProgram) -> None:
        encoder = encoder_of(program)
        self.alphabet = encoder.alphabet
        self.program: KernelProgram = encoder(program)
        self.variants, self.layer = self.program.variants, self.program.layer
        self.functions: set[str] = set()
        self.helpers: dict[str, str] = {}
        self.scalars = ""
        self.layers_used: set[str] = set()
        self.uses_math = self.uses_numpy = False
        self.second: list[str] = []
        self.kept: list[tuple[str, str, tuple[str, ...]]] = []
        self.forward_rows: Folding | None = None
        self.backward_rows: Folding | None = None
        self.notes: dict[str, None] = {}

    def folding(self, name: str) -> Folding | None:
        """How a function runs in blocks, if nothing of it stands outside of them, in any variant."""
        saved: dict[str, int] = {}
        axes = set()
        for v in self.variants:
            *before, rows = v.functions[name].statements or (None,)
            if not isinstance(rows, ir.Rows) or any(not isinstance(s, ir.Map) or s.axes for s in before):
                return None
            axes.add(rows.axis)
            kept = set(v.functions["forward"].saved)
            gradients = {made: of for of, made in v.functions["backward"].results}
            of = {p.name: p.of for p in v.functions[name].parameters} | (gradients if name == "backward" else {})
            for n, place in (*rows.given, *zip(rows.results, rows.joins, strict=True)):
                owner = of.get(n, n)
                tensor = v.layer.tensors.get(owner)
                if tensor is not None and (owner in v.layer.outputs or tensor in v.layer.inputs):
                    inside = [a for slot in v.layer.split(tensor) for a in slot]
                    if place != (inside.index(rows.axis) if rows.axis in inside else None):
                        return None
                    if n not in kept or tensor in v.layer.inputs:
                        continue
                if n in kept and place is not None and saved.setdefault(n, place) != place:
                    return None
        return Folding(axes.pop(), saved) if len(axes) == 1 else None

    def folded(self, name: str) -> tuple[list[Function], Folding | None]:
        """One function of every variant, and how it runs in blocks."""
        folding = self.folding(name)
        if folding is not None:
            bodies = [self.body(v, name, folded=True) for v in self.variants]
            if not any(b.printer.masks for b in bodies):  # which would be made for all rows
                folding.out = tuple(dict.fromkeys(n for b in bodies for n in b.out))
                folding.results = self.in_order(name)
                return bodies, folding
        return self.bodies(name), None

    def in_order(self, name: str) -> list[str]:
        """The arrays that a function returns: results, and what is saved beside the inputs."""
        given = {t.name for t in self.layer.inputs}
        results = dict(next(iter(self.program.each(name))).results)
        found = [next((m for f in self.program.each(name) if (m := dict(f.results).get(r))), "") for r in results]
        saved = dict.fromkeys(n for f in self.program.each(name) for n in f.saved if n not in {*given, *found})
        return [*found, *saved] if name == "forward" else found

    def body(self, variant: Variant, name: str, folded: bool = False) -> Function:
        """Print one function of a variant; ``folded`` for some rows after another."""
        original = program = variant.functions[name]
        taken: tuple[str, ...] = ()
        if name in ("jvp", "double_backward"):
            taken, program = from_forward(program, variant.functions["forward"], COSTS)
        printer = Printer(
            variant.layer,
            program.arrays,
            {a.name: a.early for a in program.arrays.values() if a.early},
            {a.name for a in program.arrays.values() if a.listed},
            as_given=self.elementwise() and not variant.layer.sequence_axis,
            own=variant.layer.inputs[0].name if name in SCALAR else "",
            decode=self.alphabet.decode,
            weak=weak([*variant.functions["forward"].statements, *program.statements] if name not in SCALAR else []),
        )
        scalar = dict.fromkeys(program.returned, self.memory(program)) if name in SCALAR else {}
        printed = Body(
            variant.layer,
            program.arrays,
            printer,
            program,
            frozenset(program.needed),
            prefix=f"{name}_rows" if name in ("forward", "backward") else "",
            label="_".join(identifier(value) for _, value in variant.layer.choice),
            helpers=self.helpers,
            into=dict(scalar),
            last=program.statements[-1] if scalar else None,  # type: ignore[arg-type]
            folded=folded,
        )
        lines = printed.run()
        if taken:
            self.functions.add("inside")
            lines.insert(0, f"    {self.from_forward(taken)} = inside(forward)(dims, {self.passed()})")
        self.functions |= printer.functions
        self.layers_used |= printer.layers_used
        self.notes.update(dict.fromkeys(program.notes))
        blocked = scalar.keys() <= printed.into.keys() and "out" in scalar.values()
        if scalar and printed.into and not blocked:
            self.functions.add("room")
        out = tuple(sorted(printed.into)) if folded else ()
        return Function(lines, printer, original, used_names(program), blocked, out)

    def memory(self, program: ir.Function) -> str:
        """Where a function of arrays as they are puts its result: where blocks belong, or in memory that is free."""
        worth = sum(map(COSTS.passes, program.statements)) >= COSTS.worth and len(self.variants) == 1
        return "out" if worth else f"room({self.layer.inputs[0].name})"

    def from_forward(self, taken: tuple[str, ...]) -> str:
        """Names for what forward returns, ``_`` for what is not taken."""
        fields = [name if name in taken else "_" for name, _, _ in (*self.kept, ("dims", "", ()))]
        outputs = [o if o in taken and o not in fields else "_" for o in self.layer.outputs]
        saved = "_" if {*fields} == {"_"} else f"({', '.join(fields)}{',' if len(fields) == 1 else ''})"
        results = f"({', '.join(outputs)})" if len(outputs) > 1 and {*outputs} != {"_"} else outputs[0]
        return f"{results}, {saved}"

    def passed(self) -> str:
        """The arguments of forward."""
        return ", ".join([*(t.name for t in self.layer.inputs), *(f"{o.name}={o.name}" for o in self.layer.options)])

    def bodies(self, name: str) -> list[Function]:
        """One function of every variant."""
        return [self.body(v, name) for v in self.variants]

    def sizes(self, used: Iterable[str]) -> list[str]:
        """The line that names the sizes a body uses."""
        axes = [a for a in used if a != "%"]
        if not axes:
            return []
        left = ", ".join(size_name(a) for a in axes)
        right = ", ".join(f'dims["{a}"]' for a in axes)
        return [f"    {left} = {right}"]

    def is_given(self, axis: str) -> bool:
        return isinstance(self.layer.sizes.get(axis), Opt | Num)

    def computed(self, function: Function) -> list[str]:
        """Sizes that follow from others: an output's height from the input's and the stride."""
        lines = []
        of_outputs = {self.layer.axis(a) for o in self.layer.outputs for a in self.layer.tensors[o].axes}
        of_inputs = {self.layer.axis(a) for t in self.layer.inputs for a in t.axes}
        for axis, e in self.layer.sizes.items():
            if isinstance(e, x.Size) and axis in of_outputs - of_inputs:  # no argument says how long it is
                lines.append(f'    dims["{axis}"] = {function.printer.show(e)}')
            if self.is_given(axis) or isinstance(e, x.Size):
                continue
            code = function.printer.show(e)
            own = [t for t in self.layer.inputs if axis in t.axes and not t.sequence]
            if own:
                self.functions.add("given_size")
                there = f'dims.setdefault("{axis}", {code})' if all(t.optional for t in own) else f'dims["{axis}"]'
                lines.append(f'    given_size("{self.layer.name}", "{axis}", {there}, {code})')
                continue
            self.functions.add("output_size")
            divided = (n.args[0] for n in x.walk(e) if isinstance(n, Op) and n.fn == "floordiv")
            room = "".join(f", {function.printer.show(d)}" for d in divided)
            sizes = (n for other in self.layer.sizes.values() for n in x.walk(other) if isinstance(n, x.Size))
            read = axis in {self.layer.axis(n.axis) for n in sizes}
            name = f"{size_name(axis)} = " if read else ""
            lines.append(f'    {name}dims["{axis}"] = output_size("{self.layer.name}", "{axis}", {code}{room})')
        return lines

    def prelude(self, functions: list[Function]) -> list[str]:
        sizes: dict[str, None] = {}
        for f in functions:
            sizes |= f.printer.sizes
        return self.sizes(sizes)

    def merge(self, bodies: list[list[str]]) -> list[str]:
        """One body for all variants: what they share once, the rest under the option that chooses."""
        units = [statements_of(b) for b in bodies]
        shared = units[0]
        for other in units[1:]:
            shared = common(shared, other)
        lines: list[str] = []
        for unit in (*shared, None):
            parts = []
            for own in units:
                at = own.index(unit) if unit is not None else len(own)
                parts.append([line for u in own[:at] for line in u])
                del own[: at + 1]
            lines += self.chosen(parts) + list(unit or ())
        return lines

    def chosen(self, parts: list[list[str]]) -> list[str]:
        """The lines that each variant has for itself, under the values of the option that chooses."""
        groups: list[tuple[list[str], list[str]]] = []
        for variant, part in zip(self.variants, parts, strict=True):
            test = " and ".join(f"{name} == {literal(value)}" for name, value in variant.layer.choice)
            same = next((tests for tests, known in groups if known == part), None)
            if same is None:
                groups.append(([test], part))
            else:
                same.append(test)
        if len(groups) == 1:
            return parts[0]
        groups.sort(key=lambda g: not g[1])
        lines = []
        for n, (tests, part) in enumerate(groups):
            last = n == len(groups) - 1
            if last and not part:
                break
            test = " or ".join(f"({t})" if " and " in t and len(tests) > 1 else t for t in tests)
            lines.append("    else:" if last else f"    {'elif' if n else 'if'} {test}:")
            lines += [f"    {line}" for line in part] or ["        pass"]
        return lines

    def named_alike(self, bodies: list[Function], results: list[dict[str, str]]) -> dict[str, str]:
        """What the results of a function are called by their fields in all variants: lines that rename are added."""
        common: dict[str, str] = {}
        for of in dict.fromkeys(f for found in results for f in found):
            names = [found.get(of, "None") for found in results]
            common[of] = next((n for n in names if n != "None"), "None")
            if common[of].isidentifier() and common[of] != "None":
                for body, name in zip(bodies, names, strict=True):
                    if name != common[of]:
                        body.lines.append(f"    {common[of]} = {name}")
        return common

    def elementwise(self) -> bool:
        """Whether no tensor has an axis of its own beside ``...`` (and the one along a list)."""
        axes = {a for v in self.variants for t in v.layer.tensors.values() for a in t.axes}
        return axes - {ELLIPSIS, self.layer.sequence_axis} == set()

    def is_list(self, t: Tensor) -> bool:
        return self.layer.sequence_axis is not None and t.axes[:1] == (self.layer.sequence_axis,)

    def cropped(self, name: str, function: str) -> str:
        """A result of a recurrence without the position -1."""
        every = (v.functions[function].arrays for v in self.variants)
        starts = next((arrays[name].starts for arrays in every if name in arrays and arrays[name].early), ())
        return f"{name}[{':, ' * starts.index(-1)}1:]" if starts else name
