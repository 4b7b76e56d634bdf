"""The functions of a generated module: forward, backward, jvp, double_backward and those of elementwise layers."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from itertools import takewhile

from derive.notation.layer import Option, Tensor
from derive.notation.options import described
from derive.program import ir
from derive.program.overflow import may_overflow_on_the_way
from derive.program.underflow import may_underflow_on_the_way
from derive.targets.numpy.bodies import Bodies, Function
from derive.targets.numpy.layout import WIDTH
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


def option_type(o: Option) -> str:
    return "Each" if o.shape else OPTION_TYPES.get(o.kind, "float")


def tensor_type(t: Tensor) -> str:
    return "Sequence[Array]" if t.sequence else "Array | None" if t.optional else "Array"


def quoted(value: object) -> str:
    return literal(value) if isinstance(value, str) else repr(value)


def unpacked(names: list[str], nested: bool = False) -> str:
    """A tuple of names, to be taken apart or put together: ``a, b``, or ``(a,)``, or ``()``."""
    if nested and len(names) > 1:
        return f"({', '.join(names)})"
    return ", ".join(names) if len(names) > 1 else f"({names[0]},)" if names else "()"


def taken(names: list[str], source: str, lines: list[str]) -> list[str]:
    """The line that takes a tuple apart, of whose entries those have names that other lines read."""
    words = set(re.findall(r"\w+", "\n".join(lines)))
    read = words.intersection(names)
    return [f"    {unpacked([n if n in read else '_' for n in names])} = {source}"] if read else []


def summary(text: str) -> list[str]:
    """A docstring of one sentence."""
    lines = textwrap.wrap(f'"""{text}"""', WIDTH - 4)
    return [f"    {line}" for line in lines]


def returning(what: str, lines: list[str]) -> list[str]:
    """The lines that return something: the last one does, if that is what it computes."""
    head = f"    {what} = "
    if lines and what.isidentifier() and lines[-1].startswith(head):
        return [*lines[:-1], f"    return {lines[-1].removeprefix(head)}"]
    return [*lines, f"    return {what}"]


def zeros(functions: Iterable[ir.Function]) -> list[str]:
    """What results are 0 over nothing, as a decorator takes it: those that are it in every variant."""
    first, *others = [dict(f.zeros) for f in functions]
    both = {of: tuple(a for a in axes if all(a in o.get(of, ()) for o in others)) for of, axes in first.items()}
    rows = [f'"{of}": ({", ".join(map(quoted, axes))}{"," * (len(axes) == 1)})' for of, axes in both.items() if axes]
    return [f"zeros={{{', '.join(rows)}}}"] if rows else []


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
        options = "".join(f", {o.name}: {option_type(o)} = {quoted(o.default)}" for o in self.layer.options)
        return f", *{options}" if options and star else options

    def decorator(self, function: str, bodies: Iterable[Function], before: Iterable[Function] = ()) -> str:
        """The line above a function, which says whether it may overflow, or underflow, on the way to its results."""
        bodies = list(bodies)
        own = [body.program.statements for body in bodies]
        earlier = [f.program.statements for f in before] or [()] * len(own)
        wide = any(map(may_overflow_on_the_way, own))
        deep = wide and any(map(may_underflow_on_the_way, own, earlier))
        folding = {"forward": self.forward_rows, "backward": self.backward_rows}.get(function)
        arguments = ["Saved"] * (function == "forward")
        arguments += ['wide="underflow"' if deep else "wide=True"] * wide
        arguments += folding.arguments() if folding else []
        arguments += zeros(body.program for body in bodies)
        return f"@SIGNATURE.{function}({', '.join(arguments)})"

    def sizes_function(self, function: Function) -> list[str]:
        """The function that finds the sizes of computed axes, if there are any."""
        used, function.printer.sizes = function.printer.sizes, {}
        lines = self.computed(function)
        given = {a for t in self.layer.inputs if not t.optional and not t.sequence for a in t.axes}
        computed = {a for a, e in self.layer.sizes.items() if not self.is_given(a)} - given
        own, function.printer.sizes = [a for a in function.printer.sizes if a not in computed], used
        if not lines:
            return []
        options = "".join(f", {o.name}: {option_type(o)}" for o in self.layer.options)
        head = ["@SIGNATURE.sizes", f"def sizes(dims: Dims{options}) -> None:"]
        return ["\n".join([*head, '    """Sizes that follow from others."""', *self.sizes(own), *lines])]

    def keeps(
        self, bodies: list[tuple[Function, Function, list[str]]], saved: list[str], options: list[str]
    ) -> list[tuple[str, str, tuple[str, ...]]]:
        """What forward saves: names, types and axes."""
        found = []
        for name in saved:
            known = [f.printer.tensors.get(name) for f, _, names in bodies if name in names]
            t = next(t for t in (*known, self.layer.tensors.get(name)) if t is not None)
            lists = any(name in f.printer.lists for f, _, _ in bodies)
            kind = "Sequence[Any]" if lists else "Any" if t.kind == "saved" else "Array" if t.axes else "float"
            given = any(i.name == name for i in self.layer.inputs)
            absent = t.optional or (not given and len(known) < len(bodies))
            found.append((name, f"{kind} | None" if absent and kind != "Any" else kind, t.axes))
        kinds = {o.name: option_type(o) for o in self.layer.options}
        return [*found, *((o, kinds[o], ()) for o in options)]

    def forward(self, bodies: list[tuple[Function, Function, list[str]]], saved: list[str], options: list[str]) -> str:
        output = self.layer.tensors[self.layer.outputs[0]]
        result = "Outputs" if len(self.layer.outputs) > 1 else "list[Array]" if self.is_list(output) else "Array"
        lines = [self.decorator("forward", (f for f, _, _ in bodies))]
        lines += [
            f"def forward(dims: Dims, {self.arguments()}) -> tuple[{result}, Any]:",
            *self.forward_doc(),
        ]
        lines += self.prelude([f for f, _, _ in bodies])
        lines += self.merge([f.lines for f, _, _ in bodies])
        outputs = ", ".join(self.cropped(o, "forward") for o in self.layer.outputs)
        outputs = f"Outputs({outputs})" if len(self.layer.outputs) > 1 else outputs
        lines.append(f"    return {outputs}, {unpacked([*saved, *options, 'dims'], nested=True)}")
        return "\n".join(lines)

    def forward_doc(self) -> list[str]:
        layer = self.layer
        outputs = ", ".join(f"{o}[{', '.join(layer.tensors[o].axes)}]" for o in layer.outputs)
        first = textwrap.wrap(f'"""Return {outputs} and what backward needs.', WIDTH - 4)
        lines = [*(f"    {line}" for line in first), "", "    Args:"]
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
            what = described(o)
            if o.choices:
                what += ": " + docstring(", ".join(map(visible, o.choices)))
            lines.append(f"        {o.name}: {what}.")
        return [*lines, '    """']

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

    def backward(self, bodies: list[tuple[Function, Function, list[str]]], saved: list[str], options: list[str]) -> str:
        cot = list(self.cotangents().values())
        argument = cot[0] if len(cot) == 1 else "cotangents"
        wrt = list(dict(self.variants[0].functions["backward"].results)) or ["nothing: no input has a gradient"]
        total = " + ".join(f"sum({c} * {o})" for o, c in self.cotangents().items())
        gradients = self.named_alike([b for _, b, _ in bodies], self.results("backward"))
        lines = self.prelude([b for _, b, _ in bodies])
        lines += self.merge([b.lines for _, b, _ in bodies])
        lines.append(f"    return Gradients({', '.join(gradients.values())})")
        head = [
            self.decorator("backward", (b for _, b, _ in bodies), (f for f, _, _ in bodies)),
            f"def backward({argument}: {self.cotangent_type()}, saved: Saved) -> Gradients:",
            *summary(f"Return the gradients of {total} with respect to {', '.join(wrt)}."),
            *taken([*saved, *options, "dims"], "saved", lines),
            *(taken(cot, "cotangents", lines) if len(cot) != 1 else []),
        ]
        return "\n".join([*head, *lines])

    def jvp(self) -> str:
        bodies = self.bodies("jvp")
        inputs = [t.name for t in self.layer.inputs]
        options = self.option_arguments()
        wrt = [t.name for t in self.layer.differentiable]
        along = [*self.variants[0].functions["jvp"].given("tangent").values()]
        results = self.named_alike(bodies, self.results("jvp"))
        lines = self.prelude(bodies)
        lines += self.merge([b.lines for b in bodies])
        tangents = ", ".join(self.cropped(name, "jvp") for name in results.values())
        lines = returning(tangents, lines)
        head = [
            self.decorator("jvp", bodies),
            f"def jvp(dims: Dims, primals: Arrays, tangents: Arrays{options}) -> Any:",
            *summary(
                f"Return the derivative of forward at primals ({', '.join(inputs)}) along tangents of {', '.join(wrt)}."
            ),
            *taken(inputs, "primals", lines),
            *taken(along, "tangents", lines),
        ]
        return "\n".join([*head, *lines])

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
        gradients = self.named_alike(bodies, self.results("double_backward"))
        lines = self.prelude(bodies)
        lines += self.merge([b.lines for b in bodies])
        lines.append(f"    return Second({', '.join(gradients.values())})")
        head = [
            self.decorator("double_backward", bodies),
            f"def double_backward(dims: Dims, {argument}: Any, primals: Arrays, cotangents: Arrays"
            f"{options}) -> Second:",
            *summary(
                f"Return the gradients of the sum of cotangents times backward's ({', '.join(given)}) for "
                f"{', '.join(wanted)}."
            ),
            *(taken(cot, argument, lines) if len(cot) > 1 else []),
            *taken([t.name for t in self.layer.inputs], "primals", lines),
            *taken(u, "cotangents", lines),
        ]
        self.second = wanted
        return "\n".join([*head, *lines])

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
