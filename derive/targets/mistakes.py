"""The section of a page on the mistakes that people make: equations right and wrong, an input, and both numbers.

The pages' own reader (tests/page) evaluates the page's equations, and the printed wrong one, at the printed input.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Pos, Ref
from derive.targets.latex import Latex, is_call, with_values
from derive.targets.numpy.header import of_the_project
from derive.targets.symbols import Symbols
from derive.targets.words import code, literal

if TYPE_CHECKING:  # the judge is asked by who makes the page
    from derive.judge.mistakes import Mistake

DIGITS = 4
TITLES = {
    "as written": "Evaluated as it is written",
    "term of a gradient": "A term of the gradient left out",
    "divided by N - 1": "Divided by one less than the length",
    "epsilon beside the root": "The small number added to the root, and not under it",
    "sum for mean": "A sum in the place of a mean",
    "not divided by the root of N": "Not divided by the root of the length",
    "option ignored": "{what} ignored",
    "mean for sum": "A mean over the examples in the place of a sum",
    "condition left out": "A condition left out",
    "no cotangent": "The incoming gradient left out",
    "transposed": "A matrix transposed",
    "equality on the other side": "Equality on the other side",
    "half at a tie": "Half the slope at the kink",
    "cases exchanged": "The two cases exchanged",
    "constant left out": "A constant left out",
    "factor of a gradient": "A factor of the gradient left out",
    "sign": "A wrong sign",
}
WORDS = {math.inf: "infinity", -math.inf: "minus infinity"}
ACCEPTED = {
    (): "A usual check sees it.",
    ("ones",): "A usual check along a cotangent of ones accepts it.",
    ("values",): "A usual check along a random cotangent accepts it.",
}
CONVENTION = ("equality on the other side", "half at a tie")


def mistakes_section(mistakes: tuple[Mistake, ...], symbols: Symbols) -> Iterator[str]:
    """The section's blocks; none where there is nothing to get wrong."""
    mistakes = tuple(m for m in mistakes if named_alike(m, symbols))
    if not mistakes:
        return
    layer = mistakes[0].at.case.layer
    yield "## Common mistakes { #mistakes }"
    linked = "[judge](../judge-a-kernel.md)" if of_the_project(layer.file) else "judge"
    yield (
        f"Each is one change to an equation above, with a small input that shows it; `gradbook judge {layer.name}` "
        f"({linked}) says which one a kernel has. A *usual check* is `allclose` to 0.01 at normal numbers, every size "
        f"{mistakes[0].usual}, options at their defaults; of gradients along a random cotangent, and along ones as in "
        "`y.sum().backward()`. A wrong forward pass has a gradient of its own, with which a gradient check agrees."
    )
    for n, mistake in enumerate(mistakes, 1):
        yield from Printed(mistake, symbols).blocks(n)


def named_alike(mistake: Mistake, symbols: Symbols) -> bool:
    """Whether values have names in the wrong equation where they have in the right one: of i (1 - i), the slope of
    i = sigmoid(a + b), nobody leaves out b."""
    if mistake.part == "forward":
        return True
    before, after = (
        sum(is_call(node) for node in x.walk(with_values(e.body, symbols.layer, symbols)))
        for e in (mistake.before, mistake.after)
    )
    return after <= before


class Printed:
    """A mistake in the symbols of a page."""

    def __init__(self, mistake: Mistake, symbols: Symbols) -> None:
        self.mistake, self.symbols = mistake, symbols

    def blocks(self, number: int) -> Iterator[str]:
        m = self.mistake
        yield f"**{number}. {TITLES[m.kind].format(what=code(m.what))}.** {self.checks()}".rstrip()
        if m.before != m.after:
            latex = Latex(self.symbols)
            for word, equation in (("right", m.before), ("wrong", m.after)):
                if m.part == "backward":
                    equation = replace(equation, body=with_values(equation.body, self.symbols.layer, self.symbols))
                yield f'<div class="gb-{word}" markdown>\n\n$${latex.equation(equation)}$$\n\n</div>'
        place = f"${self.element()} = {number_tex(m.right)}$"
        if math.isfinite(m.wrong):
            yield f"At {code(self.arguments())}: {place}, and by the mistake ${number_tex(m.wrong)}$."
        else:
            wrong = WORDS.get(m.wrong, "NaN")
            yield f"In double precision, at {code(self.arguments())}: {place}, and as it is written {wrong}."

    def checks(self) -> str:
        """What usual checks see of it."""
        m = self.mistake
        first = {"as written": "Right on paper. ", **dict.fromkeys(CONVENTION, "A convention at ties and kinks. ")}
        everything = ("values",) if m.part == "forward" else ("values", "ones")
        return first.get(m.kind, "") + (ACCEPTED[m.accepted] if m.accepted != everything else "Usual checks accept it.")

    def element(self) -> str:
        """The element of the result that is looked at."""
        m = self.mistake
        derivation = self.symbols.derivations[0]
        name = m.name if m.part == "forward" else derivation.gradients[m.name]
        case = m.at.case
        tensor = case.layer.tensors[m.name]
        index: list[Expr] = []
        for axis, place in zip(tensor.axes, m.index, strict=True):
            entry = m.index[0] if tensor.sequence else None
            none = axis == ELLIPSIS and case.leading.get(entry, case.leading.get(None)) == ()
            index.append(Pos(ELLIPSIS) if none else x.num(place))
        return Latex(self.symbols).expression(Ref(name, tuple(index)))

    def arguments(self) -> str:
        """Python that says what the arguments are: inputs, options that are not at their defaults, cotangents."""
        m = self.mistake
        case, derivation = m.at.case, self.symbols.derivations[0]
        said = {n: v for n, v in case.tensors.items() if v is not None}
        said |= {o.name: case.options[o.name] for o in case.layer.options if case.options[o.name] != o.default}
        if m.part == "backward":
            said |= {derivation.adjoint.cotangents[o]: v for o, v in m.at.cotangents.items()}
        return "; ".join(f"{name} = {python(value)}" for name, value in said.items())


def python(value: Any) -> str:
    """Numbers, arrays and lists of arrays as Python has them, whole numbers without a point."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, list):
        return f"[{', '.join(map(python, value))}]"
    if isinstance(value, np.ndarray):
        return python(value.tolist())
    return str(int(value)) if isinstance(value, float) and value == int(value) else repr(value)


def number_tex(value: float) -> str:
    """DIGITS significant digits, without zeros at the end; nearly nothing is 0."""
    if abs(value) < 1e-9:
        return "0"
    text = f"{value:.{max(0, DIGITS - 1 - math.floor(math.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
