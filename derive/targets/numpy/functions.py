"""The functions of a generated module: forward, backward, jvp, double_backward and those of elementwise layers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from derive.notation.layer import Tensor
from derive.notation.read import OPTION_KINDS
from derive.program.overflow import may_overflow_on_the_way
from derive.targets.numpy.bodies import Bodies, Function
from derive.targets.numpy.sharing import met
from derive.targets.numpy.views import size_name
from derive.targets.words import docstring, literal, visible

OPTION_TYPES = {
    "Count": "int",
    "Natural": "int",
    "Integer": "int",
    "Axis": "int",
    "Flag": "bool",
    "Choice": "str",
    "Activation": "str",
}


def tensor_type(t: Tensor) -> str:
    return "Sequence[Array]" if t.sequence else "Array | None" if t.optional else "Array"


def quoted(value: object) -> str:
    return literal(value) if isinstance(value, str) else repr(value)


def unpacked(names: list[str]) -> str:
    """A tuple of names, to be taken apart or put together: ``a, b``, or ``(a,)``, or ``()``."""
    return ", ".join(names) if len(names) > 1 else f"({names[0]},)" if names else "()"


class Functions(Bodies):
    """Prints the functions, each as a text."""

    def arguments(self) -> str:
        last = self.left_out()
        tensors = ", ".join(f"{t.name}: {tensor_type(t)}" + (" = None" if t in last else "") for t in self.layer.inputs)
        return tensors + self.option_arguments()

    def left_out(self) -> list[Tensor]:
        """The inputs that a call may leave out: masks that come last. A mask before another input is given as None."""
        return list(takewhile(lambda t: t.optional, reversed(self.layer.inputs)))[::-1]

    def option_arguments(self, star: bool = True) -> str:
        """``, *, epsilon: float = 1e-05``."""
        options = "".join(
            f", {o.name}: {OPTION_TYPES.get(o.kind, 'float')} = {quoted(o.default)}" for o in self.layer.options
        )
        return f", *{options}" if options and star else options

    def bind(self) -> list[str]:
        """The line that checks arguments and brings them into layout."""
        names = ", ".join([*(t.name for t in self.layer.inputs), *(o.name for o in self.layer.options)])
        return [f"    {names}, dims = SIGNATURE.bind({names})"]

    def restored(self, results: dict[str, str]) -> str:
        """Results in their outer shapes; None stands for zeros."""
        return f"SIGNATURE.restore(dims, {', '.join(f'{name}={code}' for name, code in results.items())})"

    def may_be_direct(self) -> bool:
        """Whether outputs can have the shapes they are computed in."""
        known = {a for t in self.layer.inputs for a in t.axes}
        axes = [self.layer.tensors[o].axes for o in self.layer.outputs]
        products = any(len(s.parts) > 1 for t in self.layer.inputs for s in t.slots)
        chosen = any(o.kind == "Choice" for o in self.layer.options)
        return not products and not chosen and all(a and {*map(self.layer.axis, a)} <= known for a in axes)

    def decorator(self, bodies: Iterable[Function]) -> list[str]:
        """The line above a function that may overflow on the way to its results."""
        if not any(may_overflow_on_the_way(body.program.statements) for body in bodies):
            return []
        self.functions.add("wider")
        return ["@wider"]

    def forward(self, bodies: list[tuple[Function, Function, list[str]]], saved: list[str], options: list[str]) -> str:
        output = self.layer.tensors[self.layer.outputs[0]]
        result = "Outputs" if len(self.layer.outputs) > 1 else "list[Array]" if self.is_list(output) else "Array"
        lines = self.decorator(f for f, _, _ in bodies)
        lines += [f"def forward({self.arguments()}) -> tuple[{result}, tuple[Any, ...]]:", *self.forward_doc()]
        lines += self.bind()
        lines += self.prelude([f for f, _, _ in bodies])
        lines += self.merge([f.lines for f, _, _ in bodies])
        lines.append(f"    saved = {unpacked([*saved, *options, 'dims'])}")
        outputs = self.owned(lines, {o: self.cropped(o) for o in self.layer.outputs}, saved)
        if len(outputs) == 1:
            direct, through = next(iter(outputs.values())), f"{self.restored(outputs)}[0]"
        else:
            direct, through = f"Outputs({', '.join(outputs.values())})", f"Outputs(*{self.restored(outputs)})"
        if self.may_be_direct():
            lines += ["    if dims.direct_outputs:", f"        return {direct}, saved"]
        lines.append(f"    return {through}, saved")
        return "\n".join(lines)

    def forward_doc(self) -> list[str]:
        layer = self.layer
        first, *more = docstring(layer.doc).split("\n")
        lines = [f'    """{first}', *(f"    {line}" if line else "" for line in more), "", "    Args:"]
        words = {"real": "real", "integer": "integers", "boolean": "boolean"}
        words = {t.name: words[t.kind] + (f", {t.domain}" if t.domain else "") for t in layer.inputs}
        for t in layer.inputs:
            shape = ", ".join(str(s) for s in t.slots)
            if t.sequence:
                shape = f"a list; each [{', '.join(str(s) for s in t.slots[1:])}]"
                lines.append(f"        {t.name}: {shape}, {words[t.name]}.")
            else:
                optional = "; None is True everywhere" if t.optional else ""
                lines.append(f"        {t.name}: [{shape}], {words[t.name]}{optional}.")

        for o in layer.options:
            what = OPTION_KINDS[o.kind]
            if o.choices:
                what += ": " + docstring(", ".join(map(visible, o.choices)))
            lines.append(f"        {o.name}: {what}.")
        outputs = ", ".join(f"{o}[{', '.join(layer.tensors[o].axes)}]" for o in layer.outputs)
        lines += ["", "    Returns:", f"        {outputs}, and what backward needs.", "", "    Raises:"]
        lines += ["        ValueError: shapes do not fit the index patterns, or an option is out of range."]
        lines += ["        TypeError: an argument has the wrong kind of numbers.", '    """']
        return lines

    def cotangent_arguments(self) -> tuple[str, list[str]]:
        """The parameter of backward and the lines that bring cotangents into layout."""
        cot = self.cotangents()
        lines = [f'    {c} = SIGNATURE.cotangent("{o}", {c}, dims)' for o, c in cot.items()]
        if len(cot) == 1:
            if self.layer.state_outputs:
                only = next(iter(cot.values()))
                return only, [f"    {only} = {only}[0] if isinstance({only}, tuple) else {only}", *lines]
            return next(iter(cot.values())), lines
        return "cotangents", [self.each(cot.values(), "cotangents", cot), *lines]

    def cotangent_type(self) -> str:
        outputs = [self.layer.tensors[o] for o in self.cotangents()]
        if len(outputs) > 1 or self.layer.state_outputs:
            return "Any"
        return "Sequence[Array]" if self.is_list(outputs[0]) else "Array"

    def cotangents(self) -> dict[str, str]:
        """Every output that has one to the name of its cotangent."""
        backward = self.program.variants[0].functions["backward"]
        return backward.given("cotangent")

    def results(self, function: str) -> list[dict[str, str]]:
        """What each variant of a function returns, as code; None stands for zeros."""
        return [{field: name or "None" for field, name in f.results} for f in self.program.each(function)]

    def unpack_saved(self, saved: list[str], options: list[str]) -> list[str]:
        fields = [*saved, *options, "dims"]
        return [f"    {unpacked(fields)} = SIGNATURE.kept(saved, {len(fields)})"]

    def backward(self, bodies: list[tuple[Function, Function, list[str]]], saved: list[str], options: list[str]) -> str:
        argument, lines_in = self.cotangent_arguments()
        wrt = [name for name, _ in self.variants[0].functions["backward"].results] or [
            "nothing: no input has a gradient"
        ]
        total = " + ".join(f"sum({c} * {o})" for o, c in self.cotangents().items())
        lines = [
            *self.decorator(b for _, b, _ in bodies),
            f"def backward({argument}: {self.cotangent_type()}, saved: tuple[Any, ...]) -> Gradients:",
            f'    """Return the gradients of {total} with respect to {", ".join(wrt)}.',
            "",
            "    Raises:",
            "        ValueError: the cotangent has not the shape of the output.",
            '    """',
            *self.unpack_saved(saved, options),
            *lines_in,
        ]
        sizes: dict[str, None] = {}
        for _, b, _ in bodies:
            sizes |= b.printer.sizes
        bodies[0][1].printer.sizes = sizes
        axes = list(sizes)
        if axes:
            lines.append(f"    {', '.join(size_name(a) for a in axes)} = " + ", ".join(f'dims["{a}"]' for a in axes))
        gradients = self.named_alike([b for _, b, _ in bodies], self.results("backward"))
        lines += self.merge([b.lines for _, b, _ in bodies])
        gradients = self.owned(lines, gradients)
        if "None" not in gradients.values():
            lines += ["    if dims.direct:", f"        return Gradients({', '.join(gradients.values())})"]
        lines.append(f"    return Gradients(*{self.restored(gradients)})")
        return "\n".join(lines)

    def jvp(self) -> str:
        bodies = self.bodies("jvp")
        inputs = [t.name for t in self.layer.inputs]
        options = self.option_arguments()
        lines = [
            *self.decorator(bodies),
            f"def jvp(primals: Sequence[Any], tangents: Sequence[Any]{options}) -> Any:",
            f'    """Return the directional derivative of forward at primals ({", ".join(inputs)}) along tangents.',
            "",
            f"    tangents has one array for each of {', '.join(t.name for t in self.layer.differentiable)}.",
            '    """',
            *self.primals(),
            *self.bind(),
        ]
        wrt = [t.name for t in self.layer.differentiable]
        names_ = [*self.variants[0].functions["jvp"].given("tangent").values()]
        lines.append(self.each(names_, "tangents", wrt))
        lines += [f'    {t} = SIGNATURE.cotangent("{n}", {t}, dims)' for n, t in zip(wrt, names_, strict=True)]
        lines += self.prelude(bodies)
        outputs = self.layer.differentiable_outputs
        results = self.named_alike(bodies, self.results("jvp"))
        lines += self.merge([b.lines for b in bodies])
        tangents = self.owned(lines, {o: self.cropped_tangent(o, name) for o, name in results.items()})
        through = self.restored(tangents)
        lines.append(f"    return {through}[0]" if len(outputs) == 1 else f"    return tuple({through})")
        return "\n".join(lines)

    def cropped_tangent(self, output: str, name: str) -> str:
        return self.cropped(output).replace(output, name, 1)

    def primals(self) -> list[str]:
        """The line that takes the primals apart; a mask may be missing."""
        return [f"    {unpacked([t.name for t in self.layer.inputs])} = SIGNATURE.primals(primals)"]

    @staticmethod
    def each(names: Iterable[str], argument: str, of: Iterable[str]) -> str:
        """The line that takes an argument apart, which has one value for each of some tensors."""
        words = "".join(f', "{name}"' for name in of)
        return f'    {unpacked([*names])} = SIGNATURE.each("{argument}", {argument}{words})'

    def owned(self, lines: list[str], results: dict[str, str], saved: Iterable[str] = ()) -> dict[str, str]:
        """Code of results, each in memory of its own; ``lines`` are those of the function so far."""
        helpers = [*self.helpers.values(), self.scalars]
        found = met(lines, results, saved, helpers)
        if found:
            self.functions.add("own")
        return {name: f"own({code}, {found[name]})" if name in found else code for name, code in results.items()}

    def double_backward(self) -> str:
        """The gradient of <cotangents, backward(dy)>, where it can be derived."""
        if self.program.without_second:
            return self.left_out_second(self.program.without_second)
        bodies, cotangents = self.bodies("double_backward"), self.cotangents()
        wanted = [*cotangents.values(), *(t.name for t in self.layer.differentiable)]
        options = self.option_arguments()
        cot = list(cotangents.values())
        along = [f.given("direction") for f in self.program.each("double_backward")]
        given = {
            t.name: next((c for names in along if (c := names.get(t.name))), "_") for t in self.layer.differentiable
        }
        u = list(given.values())
        argument = cot[0] if len(cot) == 1 else "cotangents_of_outputs"
        lines = [
            *self.decorator(bodies),
            f"def double_backward({argument}: Any, primals: Sequence[Any], cotangents: Sequence[Any]"
            f"{options}) -> Second:",
            '    """Return the gradients of the sum of cotangents times backward\'s gradients.',
            "",
            f"    cotangents has one array for each of {', '.join(given)}. The result has a gradient for each",
            f"    of {', '.join(wanted)}.",
            '    """',
            *self.primals(),
            *self.bind(),
        ]
        if len(cot) > 1:
            lines.append(self.each(cot, argument, cotangents))
        lines += self.prelude(bodies)
        lines += [f'    {c} = SIGNATURE.cotangent("{o}", {c}, dims)' for o, c in cotangents.items()]
        lines.append(self.each(u, "cotangents", given))
        lines += [f'    {c} = SIGNATURE.cotangent("{n}", {c}, dims)' for n, c in given.items() if c != "_"]
        gradients = self.named_alike(bodies, self.results("double_backward"))
        lines += self.merge([b.lines for b in bodies])
        gradients = self.owned(lines, gradients)
        lines.append(f"    return Second(*{self.restored(gradients)})")
        self.second = wanted
        return "\n".join(lines)

    def left_out_second(self, reason: str) -> str:
        """No double_backward: the module says so, and the page."""
        self.notes[f"there is no `double_backward`: {reason}"] = None
        return f"# There is no double_backward: {reason}."

    def scalar_functions(self) -> str:
        """value, derivative and second_derivative of an elementwise layer, on arrays as they are."""
        u = self.layer.inputs[0].ref()
        options = self.option_arguments(star=False)
        parts = []
        for name, what in (
            ("value", "The function"),
            ("derivative", "Its derivative"),
            ("second_derivative", "Its second derivative"),
        ):
            bodies = self.bodies(name)
            lines = [f'    """{what}, element by element."""', *self.merge([b.lines for b in bodies])]
            blocked = bodies[0].blocked
            extra = ", out: Array | None = None" if blocked else ""
            lines.insert(0, f"def {name}({u.tensor}: Array{options}{extra}) -> Any:")
            if blocked:
                self.functions.add("in_blocks")
                lines.insert(0, '@in_blocks(cut=(0,), join=0, flat=True, out=("out",))')
            parts.append("\n".join(lines))
        return "\n\n\n".join(parts)
