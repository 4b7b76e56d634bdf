"""Bodies of a generated module's functions: one for each variant of a layer, put together in one."""

from __future__ import annotations

from dataclasses import dataclass

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Num, Op, Opt, Ref
from derive.notation.layer import Tensor
from derive.program import ir
from derive.program.ir import KernelProgram, Variant, expressions
from derive.program.own import SCALAR
from derive.targets.numpy.costs import COSTS
from derive.targets.numpy.expressions import Printer
from derive.targets.numpy.names import encoder_of
from derive.targets.numpy.statements import Body
from derive.targets.numpy.views import size_name
from derive.targets.words import identifier, literal


@dataclass
class Function:
    """The lines of one function's body for one variant, what they use, and whether they may run block by block."""

    lines: list[str]
    printer: Printer
    program: ir.Function
    used: set[str]
    blocked: bool = False


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


class Bodies:
    """What the parts of a module share: a layer's variants, the default one first, and what is used."""

    def __init__(self, program: KernelProgram) -> None:
        encoder = encoder_of(program)
        self.alphabet = encoder.alphabet
        self.program: KernelProgram = encoder(program)
        self.variants, self.layer, self.activations = (
            self.program.variants,
            self.program.layer,
            self.program.activations,
        )
        self.functions: set[str] = set()
        self.helpers: dict[str, str] = {}
        self.scalars = ""
        self.layers_used: set[str] = set()
        self.uses_math = self.uses_numpy = False
        self.second: list[str] = []
        self.notes: dict[str, None] = {}

    def body(self, variant: Variant, name: str) -> Function:
        """Print one function of a variant."""
        program = variant.functions[name]
        printer = Printer(
            variant.layer,
            program.arrays,
            {a.name: a.early for a in program.arrays.values() if a.early},
            {a.name for a in program.arrays.values() if a.listed},
            as_given=self.elementwise() and not variant.layer.sequence_axis,
            own=variant.layer.inputs[0].name if name in SCALAR else "",
            decode=self.alphabet.decode,
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
        )
        lines = printed.run()
        self.functions |= printer.functions
        self.layers_used |= printer.layers_used
        self.notes.update(dict.fromkeys(program.notes))
        blocked = scalar.keys() <= printed.into.keys() and "out" in scalar.values()
        if printed.into and not blocked:
            self.functions.add("room")
        return Function(lines, printer, program, used_names(program), blocked)

    def memory(self, program: ir.Function) -> str:
        """Where a function of arrays as they are puts its result: where blocks belong, or in memory that is free."""
        worth = sum(map(COSTS.passes, program.statements)) >= COSTS.worth and len(self.variants) == 1
        return "out" if worth else f"room({self.layer.inputs[0].name})"

    def bodies(self, name: str) -> list[Function]:
        """One function of every variant."""
        return [self.body(v, name) for v in self.variants]

    def sizes(self, function: Function, indent: str = "    ") -> list[str]:
        """The line that names the sizes a body uses."""
        axes = [a for a in function.printer.sizes if a not in self.layer.sizes or self.is_given(a)]
        axes = [a for a in axes if a != "%"]
        if not axes:
            return []
        left = ", ".join(size_name(a) for a in axes)
        right = ", ".join(f'dims["{a}"]' for a in axes)
        return [f"{indent}{left} = {right}"]

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
            size = size_name(axis)
            if any(axis in t.axes and not t.sequence for t in self.layer.inputs):
                self.functions.add("given_size")
                lines.append(f'    {size} = given_size("{self.layer.name}", "{axis}", dims["{axis}"], {code})')
                continue
            self.functions.add("output_size")
            divided = (n.args[0] for n in x.walk(e) if isinstance(n, Op) and n.fn == "floordiv")
            room = "".join(f", {function.printer.show(d)}" for d in divided)
            lines.append(f'    {size} = dims["{axis}"] = output_size("{self.layer.name}", "{axis}", {code}{room})')
        return lines

    def prelude(self, functions: list[Function]) -> list[str]:
        computed = self.computed(functions[0])
        sizes: dict[str, None] = {}
        for f in functions:
            sizes |= f.printer.sizes
        functions[0].printer.sizes = sizes
        return self.sizes(functions[0]) + computed

    def merge(self, bodies: list[list[str]]) -> list[str]:
        """One body for all variants: what they share once, the rest under the option that chooses."""
        if all(b == bodies[0] for b in bodies):
            return bodies[0]
        head = 0
        while all(len(b) > head and b[head] == bodies[0][head] for b in bodies):
            head += 1
        tail = 0
        while all(len(b) - tail > head and b[-1 - tail] == bodies[0][-1 - tail] for b in bodies):
            tail += 1
        lines = list(bodies[0][:head])
        for n, (d, b) in enumerate(zip(self.variants, bodies, strict=True)):
            test = " and ".join(f"{name} == {literal(value)}" for name, value in d.layer.choice)
            word = "if" if n == 0 else "elif" if n < len(bodies) - 1 else "else"
            lines.append(f"    {word} {test}:" if word != "else" else "    else:")
            middle = b[head : len(b) - tail]
            lines += [f"    {line}" for line in middle] or ["        pass"]
        return lines + (bodies[0][len(bodies[0]) - tail :] if tail else [])

    def named_alike(self, bodies: list[Function], results: list[dict[str, str]]) -> dict[str, str]:
        """What the results of a function are called by their fields in all variants: lines that rename are added."""
        common: dict[str, str] = {}
        for field in dict.fromkeys(f for found in results for f in found):
            names = [found.get(field, "None") for found in results]
            common[field] = next((n for n in names if n != "None"), "None")
            if common[field].isidentifier() and common[field] != "None":
                for body, name in zip(bodies, names, strict=True):
                    if name != common[field]:
                        body.lines.append(f"    {common[field]} = {name}")
        return common

    def elementwise(self) -> bool:
        """Whether no tensor has an axis of its own beside ``...`` (and the one along a list)."""
        axes = {a for v in self.variants for t in v.layer.tensors.values() for a in t.axes}
        return axes - {ELLIPSIS, self.layer.sequence_axis} == set()

    def is_list(self, t: Tensor) -> bool:
        return self.layer.sequence_axis is not None and t.axes[:1] == (self.layer.sequence_axis,)

    def cropped(self, output: str) -> str:
        """An output of a recurrence without the position -1."""
        return f"{output}[1:]" if self.variants[0].functions["forward"].arrays[output].early else output
