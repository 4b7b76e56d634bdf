"""The form of a scalar function that a kernel evaluates, chosen for accuracy."""

from __future__ import annotations

from dataclasses import dataclass

from derive.calculus.derivation import Derivation
from derive.calculus.scalars import Derivative, Scalars
from derive.notation.expr import Expr


@dataclass(frozen=True)
class Form:
    """One function of an elementwise layer's module.

    Attributes:
        name: value, derivative or second_derivative.
        doc: its docstring.
        lets: names given to parts, in order.
        body: the expression, in the layer's input and the names.
    """

    name: str
    doc: str
    lets: tuple[tuple[str, Expr], ...]
    body: Expr


def scalar_forms(d: Derivation) -> list[Form]:
    layer = d.layer
    equation = layer.equations[0]
    u = layer.inputs[0].ref()
    derivative = Derivative(Scalars())
    first = derivative(equation.body, u)
    second = derivative(first, u)
    return [
        Form("value", "The function itself, element by element.", (), equation.body),
        Form("derivative", "Its derivative, element by element.", (), first),
        Form("second_derivative", "Its second derivative, element by element.", (), second),
    ]
