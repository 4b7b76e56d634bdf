"""Everything that follows from one definition: gradient, its textbook form, tangent, second order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from derive.calculus.adjoint import Adjoint
from derive.calculus.facts import Fact
from derive.calculus.forward import Tangent, forward
from derive.calculus.reverse import reverse
from derive.calculus.steps import Step
from derive.calculus.textbook import textbook
from derive.notation import expr as x
from derive.notation.errors import placed
from derive.notation.expr import Num
from derive.notation.layer import Equation, Layer, Tensor


@dataclass(frozen=True)
class Second:
    """The gradient of the backward pass.

    Attributes:
        layer: the backward pass as a layer.
        adjoint: its gradient as the scatter rule gives it.
        equations: the definition, the backward pass and its gradient in textbook form.
        tensors: all that they mention.
        names: a cotangent's or differentiable input's name to that of its second gradient, where it has one.
    """

    layer: Layer
    adjoint: Adjoint
    equations: tuple[Equation, ...]
    tensors: dict[str, Tensor]
    names: dict[str, str]


@dataclass(frozen=True)
class Derivation:
    """A layer and what was derived from it.

    Attributes:
        layer: the definition.
        adjoint: the gradient exactly as the scatter rule gives it.
        backward: the gradient in textbook form: what the page shows and the kernel computes. Every right side uses
            the definition's tensors, cotangents, auxiliary tensors and adjoints defined by an earlier equation
            (or, in a recurrence, a later step of the same one).
        steps: how one came from the other.
        facts: identities that hold by definition, found on the way (sum of x_hat is 0).
    """

    layer: Layer
    adjoint: Adjoint
    backward: tuple[Equation, ...]
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """What forward computes."""
        return self.layer.equations

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The definition's tensors, the cotangents and the adjoints, in an order in which they can be computed."""
        cotangents = {
            c: replace(self.layer.tensors[o], name=c, role="input") for o, c in self.adjoint.cotangents.items()
        }
        return {**self.layer.tensors, **cotangents, **self.adjoint.tensors, **cotangents}

    @cached_property
    def auxiliary(self) -> tuple[Equation, ...]:
        """The adjoint's auxiliary equations that the gradient reads; where a maximum is cancels with its shift."""
        read = {t for e in self.backward for t in x.tensors(e.body)}
        return tuple(e for e in self.adjoint.auxiliary if e.target in read)

    @property
    def gradients(self) -> dict[str, str]:
        """A differentiable input's name to the name of its adjoint; inputs that reach no output are left out."""
        return {t.name: self.adjoint.names[t.name] for t in self.layer.differentiable if t.name in self.adjoint.names}

    @cached_property
    def tangent(self) -> Tangent:
        """Forward mode, in textbook form but for elementwise layers, whose derivative is accurate as it is."""
        found = forward(self.layer)
        if self.layer.elementwise:
            return found
        given = {t.name: found.names[t.name] for t in self.layer.differentiable}
        as_adjoint = Adjoint(found.equations, found.names, given, found.auxiliary, found.tensors, ())
        return replace(found, equations=textbook(self.layer, as_adjoint).equations)

    @cached_property
    def second(self) -> Second:
        """The backward of the backward.

        Raises:
            CalculusError: it cannot be derived.
        """
        layer = self.backward_layer()
        adjoint = reverse(layer)
        return self.twice(layer, adjoint, layer.equations + adjoint.auxiliary + textbook(layer, adjoint).equations)

    def twice(self, layer: Layer, adjoint: Adjoint, equations: tuple[Equation, ...]) -> Second:
        """The gradient of the backward pass from its adjoint and all equations it takes."""
        tensors = {**layer.tensors, **adjoint.tensors}
        tensors |= {c: Tensor(c, layer.tensors[o].axes) for o, c in adjoint.cotangents.items()}
        wanted = [*self.adjoint.cotangents.values(), *(t.name for t in self.layer.differentiable)]
        zero = {e.target for e in equations if e.body == x.ZERO and len(e.indices) == len(e.left)}
        names = {w: adjoint.names[w] for w in wanted if w in adjoint.names and adjoint.names[w] not in zero}
        return Second(layer, adjoint, equations, tensors, names)

    def backward_layer(self) -> Layer:
        """The backward pass as a layer of its own, to be differentiated again."""
        tensors = {
            n: replace(t, role="intermediate") if t.role == "output" and n in self.layer.tensors else t
            for n, t in self.tensors.items()
        }
        tensors |= {c: replace(tensors[c], role="input") for c in self.adjoint.cotangents.values()}
        tensors |= {g: replace(tensors[g], role="output") for g in self.gradients.values()}
        read = {t for e in self.layer.equations for t in x.tensors(e.body)}
        given = set(self.adjoint.cotangents.values())
        needed = tuple(e for e in self.layer.equations if e.target not in self.layer.state_outputs or e.target in read)
        early = {e.target for e in needed if any(isinstance(i, Num) and i.value < 0 for i in e.left)}
        return replace(
            self.layer,
            name=f"{self.layer.name}_backward",
            tensors=tensors,
            steps=needed + self.adjoint.auxiliary + self.backward,
            outputs=tuple(self.gradients.values()),
            state_outputs=(),
            begins_early=tuple(a for n, a in self.adjoint.names.items() if n in early and a not in given),
        )


def derive(layer: Layer, known: dict[int, Derivation] | None = None) -> Derivation:
    """Differentiate a layer and bring its gradient into textbook form.

    Args:
        layer: the layer.
        known: what was derived of the layers it uses, by their identity.

    Raises:
        DefinitionError: it cannot be derived; says which statement stands in the way.
    """
    from derive.calculus.composite import composite  # it stands on this module

    with placed(layer, "its gradient is derived"):
        if layer.calls:
            return composite(layer, {} if known is None else known)
        adjoint = reverse(layer)
        found = textbook(layer, adjoint)
    return Derivation(layer, adjoint, found.equations, adjoint.steps + found.steps, found.facts)
