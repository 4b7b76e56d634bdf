"""The equations of a page's forward and backward sections, each with an id and with what it reads outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from derive.calculus.derivation import Derivation
from derive.calculus.steps import Rewrite, Step
from derive.notation import expr as x
from derive.notation.expr import Opt, Size
from derive.notation.layer import Equation, Layer
from derive.targets.latex import Latex, with_values
from derive.targets.places import Places
from derive.targets.symbols import Symbols
from derive.targets.words import anchors


def shown(derivation: Derivation, symbols: Symbols) -> Derivation:
    """A derivation in which values that have a name are called by it: i (1 - i) for the slope of i = sigmoid(s)."""
    layer = derivation.layer

    def named(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
        return tuple(replace(e, body=with_values(e.body, layer, symbols)) for e in equations)

    def called(step: Step) -> Step:
        if not isinstance(step, Rewrite):
            return step
        before, after = (with_values(e, layer, symbols) for e in (step.before, step.after))
        return replace(step, before=before, after=after)

    adjoint = replace(derivation.adjoint, equations=named(derivation.adjoint.equations))
    return replace(
        derivation, adjoint=adjoint, backward=named(derivation.backward), steps=tuple(map(called, derivation.steps))
    )


def forward(derivation: Derivation, symbols: Symbols, places: Places, prefix: str = "") -> Iterator[str]:
    lines = forward_equations(derivation, Latex(symbols))
    yield from display(lines, f"{prefix}forward", derivation.layer.equations, symbols, places)


def backward(derivation: Derivation, symbols: Symbols, places: Places, prefix: str = "") -> Iterator[str]:
    equations = (*derivation.auxiliary, *derivation.backward)
    lines = backward_equations(derivation, Latex(symbols))
    yield from display(lines, f"{prefix}backward", equations, symbols, places)


def display(
    lines: Sequence[str], section: str, equations: Iterable[Equation], symbols: Symbols, places: Places
) -> Iterator[str]:
    """Lines, each with an id made of the section and of what it defines, `eq-backward-dx`; before the equations' lines
    there may be lengths of axes. After a line comes what it reads outside.
    """
    listed = [*equations]
    sizes = len(lines) - len(listed)
    names = [*(f"size{n}" for n in range(sizes)), *(e.target for e in listed)]
    for n, (line, anchor) in enumerate(zip(lines, anchors(section, names), strict=True)):
        yield f"$${line}$$ {{ #{anchor} }}"
        if n >= sizes and (e := listed[n - sizes]) and (said := places.of_equation(e.lhs, e.body, Latex(symbols))):
            yield said


def forward_equations(derivation: Derivation, printer: Latex) -> list[str]:
    """Lengths of axes that are computed, then the author's equations."""
    layer = derivation.layer
    counts = {Opt(o.name): Size(o.axis) for o in layer.options if o.kind == "Count" and o.axis}  # these are no symbols
    sizes = [
        (Size(a), x.transform(e, lambda n: counts.get(n) if isinstance(n, Opt) else None))
        for a, e in layer.sizes.items()
        if not _is_row(layer, a)
    ]
    return [printer.relation(a, e) for a, e in sizes] + [printer.equation(e) for e in derivation.layer.equations]


def _is_row(layer: Layer, axis: str) -> bool:
    """Whether the symbols table says already that an option is the length of this axis."""
    return any(o.kind == "Count" and o.axis == axis for o in layer.options)


def backward_equations(derivation: Derivation, printer: Latex) -> list[str]:
    return [printer.equation(e) for e in (*derivation.auxiliary, *derivation.backward)]
