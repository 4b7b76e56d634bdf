"""Equations as the interpreter looks an element of a tensor up among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from derive.notation import expr as x
from derive.notation.expr import Num, Ref
from derive.notation.layer import Equation

Env = dict[str, Any]
Closure = Callable[[Env], Any]


@dataclass(slots=True)
class Clause:
    """An equation of a tensor, as an element of it is looked up.

    Attributes:
        names: the indices on its left; places: where they stand there.
        constants: what else stands there, by place: a number or what gives one.
        closure: its body, once an element has been asked for.
    """

    equation: Equation
    names: tuple[str, ...]
    places: tuple[int, ...]
    constants: tuple[tuple[int, int | Closure], ...]
    closure: Closure | None = None


@cache
def earliest(equation: Equation) -> tuple[tuple[tuple[str, int], int], ...]:
    """The constants among the indices of an equation, by tensor and position."""
    nodes = [n for e in (equation.lhs, equation.body) for n in x.walk(e) if isinstance(n, Ref)]
    return tuple(((n.tensor, p), int(i.value)) for n in nodes for p, i in enumerate(n.index) if isinstance(i, Num))
