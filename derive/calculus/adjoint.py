"""What differentiation gives, and what it says where it has no rule."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.calculus.steps import Scatter
from derive.notation.errors import Stuck
from derive.notation.layer import Equation, Tensor


class CalculusError(Stuck):
    """An equation that the calculus has no rule for."""

    def __init__(
        self, what: str, mend: str = "write it with other equations, or report that this one is wanted"
    ) -> None:
        super().__init__(what, mend)


@dataclass(frozen=True)
class Adjoint:
    """What differentiation gives.

    Attributes:
        equations: an equation for the adjoint of every tensor that has one, outputs first.
        names: a tensor's name to its adjoint's.
        cotangents: an output's name to the name of the cotangent that the caller passes.
        auxiliary: equations that the adjoint needs besides the definition (the position of a maximum).
        tensors: the tensors introduced.
        steps: one Scatter for every reference.
        inner: of results of parts that the parts go on with: a result's name to its adjoint inside the part.
    """

    equations: tuple[Equation, ...]
    names: dict[str, str]
    cotangents: dict[str, str]
    auxiliary: tuple[Equation, ...]
    tensors: dict[str, Tensor]
    steps: tuple[Scatter, ...]
    inner: dict[str, str] = field(default_factory=dict)
