"""What a kernel should compute, from the definition alone.

The interpreter evaluates the definition's equations over traced numbers (derive.evidence.traced): values, tangents,
gradients and second gradients come from one run, and neither the derivation nor the kernel has a part in it. Over
Arb balls they are proven enclosures; where those are too wide they are computed once more with more digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from derive.evidence import kernels, layout, world
from derive.evidence.balls import exactly
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import FRACTION, Numbers
from derive.evidence.traced import Node, Tape

BITS = (kernels.BITS, 2000, 16000)  # tried in this order
SHARP = -64  # a ball is narrow enough if its radius is at most 2**SHARP of its middle


@dataclass(frozen=True)
class Truth:
    """Results by name, element by element.

    Attributes:
        forward: every output.
        backward: the gradient of each differentiable input.
        jvp: the tangent of each differentiable output.
        double_backward: second gradients, by an input's name, and by an output's for its cotangent.
        singular: whether some partial derivative on the way is no number: then the derivatives are not claimed.
    """

    forward: dict[str, Elements]
    backward: dict[str, Elements]
    jvp: dict[str, Elements]
    double_backward: dict[str, Elements]
    singular: bool = False

    def of(self, part: str) -> dict[str, Elements]:
        """The results of one of a kernel's functions."""
        found: dict[str, Elements] = getattr(self, part)
        return found


def traced(
    case: Case,
    cotangents: Arrays | None,
    tangents: Arrays | None,
    base: Numbers,
    finite: Callable[[Any], bool] = lambda v: True,
) -> Truth:
    """Everything at a case, over a number system: gradients along cotangents, tangents and second gradients along
    tangents. Either may be left out."""
    tape = Tape(base, finite)
    given: dict[str, Elements] = {}
    for tensor in case.layer.differentiable:
        values = layout.elements(case, tensor.name, case.tensors[tensor.name], base.exact)
        along = layout.elements(case, tensor.name, tangents[tensor.name], base.exact) if tangents else {}
        given[tensor.name] = {i: tape.leaf(v, along.get(i)) for i, v in values.items()}
    run = world.forward(case, tape.numbers, given)
    outputs: dict[str, Elements] = {o: run.values(o, o) for o in case.layer.outputs}
    differentiable = case.layer.differentiable_outputs
    zero = base.zero

    def collected(nodes: dict[str, Elements], of: Callable[[Node], Any]) -> dict[str, Elements]:
        return {n: {i: zero if (v := of(x)) is None else v for i, x in own.items()} for n, own in nodes.items()}

    chosen = {o: outputs[o] for o in differentiable}
    if cotangents is not None:
        weights = {o: layout.elements(case, o, cotangents[o], base.exact) for o in differentiable}
        tape.sweep((node, weights[o][i]) for o, own in chosen.items() for i, node in own.items())
    jvp = collected(chosen, lambda n: n.slope)
    return Truth(
        collected(outputs, lambda n: n.value),
        collected(given, lambda n: n.bar),
        jvp,
        jvp | collected(given, lambda n: n.swing),
        tape.singular,
    )


def truth(case: Case, cotangents: Arrays | None = None, tangents: Arrays | None = None) -> Truth:
    """The same as proven enclosures, as narrow as can be.

    Raises:
        derive.evidence.evaluation.Undecided: two values of an argmax are too close to tell apart.
        ArithmeticError: the definition has no value there.
    """
    for bits in BITS:
        with kernels.precision(bits):
            found = traced(case, cotangents, tangents, exactly(), lambda v: bool(v.is_finite()))
            if all(_sharp(v) for part in PARTS for own in found.of(part).values() for v in own.values()):
                break
    return found


PARTS = ("forward", "backward", "jvp", "double_backward")


def _sharp(ball: Any) -> bool:
    if not ball.is_finite():
        return False
    radius = ball.rad()
    return bool(radius <= abs(ball.mid()) * 2.0**SHARP or radius < TINY)


TINY = 2.0**-200  # of what is 0 but for the digits


def fractions(case: Case, cotangents: Arrays) -> Truth:
    """The very fractions of a definition that is arithmetic only, its gradients included."""
    return traced(case, cotangents, None, FRACTION)
