"""Finds the textbook form of a gradient."""

from __future__ import annotations

from dataclasses import dataclass

from derive.calculus.reverse import Adjoint
from derive.calculus.steps import Rewrite
from derive.notation.layer import Equation, Layer


@dataclass(frozen=True)
class Textbook:
    """Equations in textbook form, the rewrites that led there, and the facts used."""

    equations: tuple[Equation, ...]
    steps: tuple[Rewrite, ...]
    facts: tuple[Equation, ...]


def textbook(layer: Layer, adjoint: Adjoint) -> Textbook:
    return Textbook(adjoint.equations, (), ())
