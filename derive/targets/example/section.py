"""The section of a page that has the worked example: every tensor's numbers, each line linked to its equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import PurePath

from derive.evidence import layout
from derive.notation.layer import Equation
from derive.notation.text import show
from derive.targets.example import printed
from derive.targets.example.case import Example
from derive.targets.example.jacobian import picture
from derive.targets.example.printed import Nested, shape_of
from derive.targets.symbols import Symbols
from derive.targets.words import anchors, fenced

TIMES = r" \times "
LONG = 40  # numbers that are folded
SAID = (
    "A small case to follow by hand. A number of four digits or more is rounded to the last of them, a shorter one is "
    "exact; rows and columns of a matrix run along the last two axes, and a vector is a row."
)
NONE = "No small case was found at which every number of this layer is finite."


@dataclass
class Line:
    """A tensor's numbers, and where they are from: the ids of its equations, or words."""

    name: str
    array: Nested
    listed: bool
    source: str


@dataclass
class Worked:
    """An example with the symbols of a page."""

    example: Example
    symbols: Symbols

    @cached_property
    def bare(self) -> bool:
        """Whether ``...`` stands for no axis."""
        return all(shape == () for shape in self.example.case.leading.values())

    @cached_property
    def slots(self) -> dict[str, list[str]]:
        """The axes of every tensor as the symbols table says them: ``[l][..., g*n]`` is l, ..., g*n."""
        rows = {r.code: r.shape for r in self.symbols.rows() if r.shape.startswith("[")}
        return {n: [s for s in s.strip("[]").replace("][", ", ").split(", ") if s] for n, s in rows.items()}

    def array(self, name: str) -> tuple[Nested, bool]:
        """A tensor's numbers, and whether they are a list of arrays."""
        case = self.example.case
        tensor = self.example.derivation.tensors[name]
        listed = tensor.axes[:1] == (case.layer.sequence_axis,)
        widths = [-1 if s == "..." and self.bare else 1 + s.count("*") for s in self.slots[name]]
        return printed.arrays(self.example.elements(name), widths[1:] if listed else widths, listed), listed

    @cached_property
    def lines(self) -> list[Line]:
        """Inputs, what forward computes, cotangents, what backward computes."""
        derivation, layer = self.example.derivation, self.example.case.layer
        found = [self.line(t.name, "given") for t in layer.inputs]
        found += self.computed("forward", layer.equations)
        if derivation.backward:
            found += [self.line(c, "given to backward") for c in derivation.adjoint.cotangents.values()]
            found += self.computed("backward", (*derivation.auxiliary, *derivation.backward))
        return found

    def computed(self, section: str, equations: Sequence[Equation]) -> Iterator[Line]:
        ids: dict[str, list[str]] = {}
        for equation, anchor in zip(equations, anchors(section, [e.target for e in equations]), strict=True):
            ids.setdefault(equation.target, []).append(anchor)
        for name, own in ids.items():
            links = [f"[{section if n == 0 else n + 1}](#{anchor})" for n, anchor in enumerate(own)]
            yield self.line(name, ", ".join(links))

    def line(self, name: str, source: str) -> Line:
        return Line(name, *self.array(name), source)

    @cached_property
    def shapes(self) -> Mapping[str, str]:
        """What the symbols table says of each tensor: 2 × 3, or the shapes of the arrays of a list."""
        found = {}
        for line in self.lines:
            shapes = [shape_of(a) for a in line.array] if line.listed else [shape_of(line.array)]
            found[line.name] = ", ".join(f"${TIMES.join(map(str, s))}$" if s else "a number" for s in shapes)
        case = self.example.case
        options = {show(e): str(e.of(case.options)) for o in case.layer.options for e in o.elements}
        return found | {name: f"`{value}`" for name, value in options.items()}

    def program(self, kernel_path: str) -> str:
        """The same in Python, with the kernel."""
        layer, derivation = self.example.case.layer, self.example.derivation
        *package, name = PurePath(kernel_path or layer.name).with_suffix("").parts
        plain = all(part.isidentifier() for part in package)
        begin = f"from {'.'.join(package)} import {name}" if package and plain else f"import {name}"
        given = {line.name: line for line in self.lines if not line.source.startswith("[")}
        kinds = {n: t.kind for n, t in derivation.tensors.items()}
        arrays = {
            n: f"[{', '.join(f'np.array({printed.code(a, kinds[n])})' for a in line.array)}]"
            if layout.listed(layer, derivation.tensors[n])
            else f"np.array({printed.code(line.array, kinds[n])})"
            for n, line in given.items()
        }
        results = f"({', '.join(layer.outputs)})" if len(layer.outputs) > 1 else layer.outputs[0]
        names = [t.name for t in layer.inputs]
        lines = ["import numpy as np", begin, "", *(f"{n} = {arrays[n]}" for n in names)]
        lines.append(f"{results}, saved = {name}.forward({', '.join(names)})")
        if derivation.backward:
            cotangents = list(derivation.adjoint.cotangents.values())
            handed = f"({', '.join(cotangents)})" if len(cotangents) > 1 else cotangents[0]
            lines += [f"{n} = {arrays[n]}" for n in cotangents]
            lines.append(f"gradients = {name}.backward({handed}, saved)")
        return "\n".join(lines)

    def section(self, kernel_path: str) -> Iterator[str]:
        """The section's blocks."""
        yield "## In numbers { #numbers }"
        yield SAID
        count = sum(prod(shape_of(a)) for line in self.lines for a in (line.array if line.listed else [line.array]))
        rows = ["| code | numbers | from |", "| --- | --- | --- |"]
        for line in self.lines:
            formulas = " ".join(f"${t}$" for t in printed.tex(self.symbols.symbol(line.name), line.array, line.listed))
            rows.append(f"| `{line.name}` | {formulas} | {line.source} |")
        text = "\n".join([*rows, "", *fenced(self.program(kernel_path)).split("\n")])
        yield folded(f"{count} numbers, line by line", text) if count > LONG else text
        yield from picture(self.example, self.bare)


def folded(title: str, text: str) -> str:
    body = "\n".join(f"    {line}" if line else "" for line in text.split("\n"))
    return f'??? example "{title}"\n\n{body}'
