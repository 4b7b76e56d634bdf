"""Bodies of a generated module's functions: one for each variant of a layer, put together in one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from derive.calculus.derivation import Derivation
from derive.calculus.parts import by_parts
from derive.calculus.reverse import Adjoint
from derive.calculus.scalars import Derivative, Scalars
from derive.notation import expr as x
from derive.notation.define import REGISTRY
from derive.notation.expr import ELLIPSIS, Num, Op, Opt, Reduce, Ref
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.dependence import reaching_back
from derive.program.in_place import accumulated, begun
from derive.program.ir import Program
from derive.program.library import TOGETHER, elementwise
from derive.program.lower import expressions, lower
from derive.program.pair import lower_pair
from derive.program.roots import shared_roots
from derive.program.rows import grouped
from derive.program.share import shared
from derive.targets.numpy.expressions import Printer
from derive.targets.numpy.names import Encoded, encoder_of
from derive.targets.numpy.statements import Body
from derive.targets.numpy.views import size_name
from derive.targets.words import identifier, literal


@dataclass
class Function:
    """The lines of one function's body for one variant, and what they use."""

    lines: list[str]
    printer: Printer
    program: Program
    used: set[str]


def used_names(program: Program) -> set[str]:
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

    def __init__(self, variants: tuple[Derivation, ...], activations: tuple[str, ...]) -> None:
        layer = variants[0].layer
        before = takewhile(lambda name: name != layer.name, REGISTRY)
        own = (n for n in before if REGISTRY[n][0].elementwise and REGISTRY[n][0].file == layer.file)
        activations = tuple(sorted({*activations, *own}))
        self.given, self.given_activations = variants, activations
        encoder = encoder_of(layer, activations)
        self.alphabet = encoder.alphabet
        self.variants = tuple(Encoded(by_parts(d), encoder) for d in variants)
        self.layer = self.variants[0].layer
        self.activations = tuple(map(self.alphabet.layer, activations))
        self.functions: set[str] = set()
        self.helpers: dict[str, str] = {}
        self.scalars = ""
        self.layers_used: set[str] = set()
        self.uses_math = self.uses_numpy = False
        self.second: list[str] = []
        self.notes: dict[str, None] = {}
        self.unit_rows = frozenset(
            f.lhs.body.tensor
            for f in self.variants[0].facts
            if f.body == x.ONE and isinstance(f.lhs, Reduce) and isinstance(f.lhs.body, Ref)
            and f.lhs.over == (x.plain(f.lhs.body.index[-1]),)
        )  # fmt: skip

    def body(
        self, layer: Layer, tensors: dict[str, Tensor], equations: Iterable[Equation], results: tuple[str, ...],
        keep: Iterable[str] = (), adjoints: tuple[Adjoint, ...] = (), rows: str = "", into: str = "",
    ) -> Function:  # fmt: skip
        """Lower equations and print them; ``rows`` is the prefix of functions that compute some rows."""
        equations = tuple(equations)
        wanted = tuple(dict.fromkeys((*results, *keep)))
        early = frozenset(reaching_back(tensors, equations, adjoints))
        program = lower(layer, tensors, equations, wanted, self.unit_rows, early, self.alphabet.layer("sigmoid"))
        return self.printed(layer, tensors, equations, program, adjoints, rows, into)

    def printed(
        self, layer: Layer, tensors: dict[str, Tensor], equations: tuple[Equation, ...], program: Program,
        adjoints: tuple[Adjoint, ...] = (), rows: str = "", into: str = "",
    ) -> Function:  # fmt: skip
        """Print a program; ``equations`` are those it was lowered from."""
        wanted = program.results
        for e in equations:
            if not e.left and not any(isinstance(n, Ref) and tensors[n.tensor].kind == "real" for n in x.walk(e.body)):
                tensors[e.target] = Tensor(e.target, (), kind="number")  # type: ignore[arg-type]
        extended = reaching_back(tensors, equations, adjoints)
        sequence = layer.sequence_axis
        lists = {
            n for n, t in tensors.items()
            if t.axes and (t.kind == "saved" or (sequence is not None and t.axes[0] == sequence))
        }  # fmt: skip
        printer = Printer(
            layer,
            tensors,
            extended,
            lists,
            as_given=self.elementwise() and not sequence,
            decode=self.alphabet.decode,
        )
        if rows and not layer.sequence_axis:
            program = grouped(program, layer, wanted)
        program = begun(accumulated(program))
        label = "_".join(identifier(value) for _, value in layer.choice)
        printed = Body(
            layer,
            tensors,
            printer,
            program,
            frozenset(wanted),
            prefix=rows,
            label=label,
            helpers=self.helpers,
            into=frozenset([into]),
        )
        lines = printed.run()
        self.functions |= printer.functions
        self.layers_used |= printer.layers_used
        self.notes.update(dict.fromkeys(program.notes))
        return Function(lines, printer, program, used_names(program))

    def forward_backward(self, d: Derivation) -> tuple[Function, Function, list[str]]:
        """Bodies of forward and backward, and the names saved in between."""
        own, back = shared_roots(d.layer, *(self.times_slope(d) or self.own_functions(d)))
        early = tuple(e.target for e in own if e.target not in d.tensors)
        equations = (*own, *d.adjoint.auxiliary, *back)
        tensors = {**d.tensors, **{e.target: Tensor(e.target, e.indices) for e in own if e.target in early}}
        if not d.layer.elementwise:
            equations = shared(d.layer, equations, self.activations, tensors)
        cotangents = frozenset(d.adjoint.cotangents.values())
        pair = lower_pair(
            d.layer,
            tensors,
            equations,
            d.layer.outputs + early,
            tuple(d.gradients.values()),
            cotangents,
            self.unit_rows,
            frozenset(reaching_back(tensors, equations, (d.adjoint,))),
            self.alphabet.layer("sigmoid"),
        )
        forward = self.printed(d.layer, dict(tensors), equations, pair.forward, rows="forward_rows")
        backward = self.printed(d.layer, tensors, equations, pair.backward, (d.adjoint,), "backward_rows")
        return forward, backward, list(pair.saved)

    def times_slope(self, d: Derivation) -> tuple[tuple[Equation, ...], tuple[Equation, ...]] | None:
        """Forward and backward where a function is its slope times its argument: both need the slope."""
        if not d.layer.elementwise or not d.backward:
            return None
        equation, back = d.layer.equations[0], d.backward[0]
        u = d.layer.inputs[0].ref()
        for factor in x.factors(back.body):
            match factor:
                case Op("where", (c, a, b)) if x.where(c, x.mul(a, u), x.mul(b, u)) == equation.body:
                    slope = Equation("slope", equation.left, factor)
                    value = Equation(equation.target, equation.left, x.mul(u, slope.lhs))
                    cotangent = x.mul(*(f for f in x.factors(back.body) if f is not factor))
                    return (slope, value), (Equation(back.target, back.left, x.mul(cotangent, slope.lhs)),)
        return None

    def own_functions(self, d: Derivation) -> tuple[tuple[Equation, ...], tuple[Equation, ...]]:
        """The definition's equations and the gradient's; or value, and the derivative in terms of x: in terms of y it
        loses digits where y is near its limits."""
        if not self.by_functions(d.layer):
            return d.equations, d.backward
        equation = d.layer.equations[0]
        u = d.layer.inputs[0].ref()
        cotangent = Ref(next(iter(d.adjoint.cotangents.values())), equation.left)
        back = d.backward[0]
        known = elementwise(equation.body, u)
        if known in TOGETHER:  # the slope costs little more where the value is computed
            first, second = (Op(f"{word} of runtime {TOGETHER[known]}", (u,)) for word in ("first", "second"))
            slope = Equation("slope", equation.left, second)
            return (
                (Equation(equation.target, equation.left, first), slope),
                (Equation(back.target, back.left, x.mul(cotangent, slope.lhs)),),
            )
        return (
            (Equation(equation.target, equation.left, self.own("value", d.layer)),),
            (Equation(back.target, back.left, x.mul(cotangent, Derivative(Scalars())(equation.body, u))),),
        )

    @staticmethod
    def by_functions(layer: Layer) -> bool:
        """Whether a layer's value and derivatives are functions of their own: elementwise, with exponentials."""
        nodes = x.walk(layer.equations[0].body) if layer.elementwise else ()
        return any(isinstance(n, Op) and n.fn in ("exp", "erf") and x.tensors(n) for n in nodes)

    @staticmethod
    def own(function: str, layer: Layer) -> Op:
        """A call of one of an elementwise layer's own functions, with its options."""
        return Op(function, (layer.inputs[0].ref(), *(Opt(o.name) for o in layer.options)))

    @staticmethod
    def every_gradient(d: Derivation) -> dict[str, str]:
        """Every differentiable input to the name of its gradient; None of one that reaches no output."""
        return {t.name: d.gradients.get(t.name, "None") for t in d.layer.differentiable}

    def slope(self, layer: Layer, target: str, factors: tuple[str, ...], order: str = "") -> Equation:
        """Tensors times a derivative of an elementwise layer, which has a function for it."""
        left = layer.equations[0].left
        slope = self.own(f"{order}derivative", layer)
        return Equation(target, left, x.mul(*(Ref(f, left) for f in factors), slope))

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
        axes = {a for d in self.variants for t in d.layer.tensors.values() for a in t.axes}
        return axes - {ELLIPSIS, self.layer.sequence_axis} == set()

    def is_list(self, t: Tensor) -> bool:
        return self.layer.sequence_axis is not None and t.axes[:1] == (self.layer.sequence_axis,)

    def cropped(self, output: str) -> str:
        """An output of a recurrence without the position -1."""
        starts = any(e.target == output and isinstance(i, Num) for e in self.variants[0].equations for i in e.left)
        return f"{output}[1:]" if starts else output
