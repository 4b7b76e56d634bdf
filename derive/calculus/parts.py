"""The derivation of a layer that uses others: calls stay calls.

The algebra closes: the reverse of ``forward`` is ``backward``, its tangent ``jvp``, and the reverse of ``backward`` is
``double_backward``. To the scatter rule a call is cut out: its results are inputs, its arguments are outputs, and the
cotangents of these are what the part gives for the adjoints of those. So what a layer's own equations do is all that
is derived, however much its parts do. A kernel calls the parts' kernels; derive.calculus.composite puts in what the
parts' derivations say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from derive.calculus.adjoint import Adjoint
from derive.calculus.derivation import Derivation, Second, derive
from derive.calculus.facts import Fact
from derive.calculus.forward import Tangent, forward
from derive.calculus.reverse import reverse
from derive.calculus.sites import Box, Refs, Site, Use, read, saved_tensor, site_of, unused, whole
from derive.calculus.steps import Rewrite, Step
from derive.calculus.textbook import textbook
from derive.notation import expr as x
from derive.notation.expr import ZERO, Expr, Pos, Ref
from derive.notation.layer import Equation, Layer, Tensor


@dataclass(frozen=True)
class Cut:
    """A layer differentiated with boxes cut out.

    Attributes:
        adjoint: of the layer; its equations are without those that a box's results are, its tensors include the
            boxes' gradients.
        equations: the adjoint's in textbook form.
        into: for each box, the tensors that the gradients of its arguments are, by field.
        copies: the arguments of boxes that have a name of their own, and the names of their gradients.
        steps: how the equations came from the layer's.
        facts: what holds by definition.
    """

    adjoint: Adjoint
    equations: tuple[Equation, ...]
    into: tuple[dict[str, Ref], ...]
    copies: dict[str, tuple[Tensor, str]]
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]

    @cached_property
    def defining(self) -> dict[str, list[Equation]]:
        """The equations by what they define."""
        found: dict[str, list[Equation]] = {}
        for e in self.equations:
            found.setdefault(e.target, []).append(e)
        return found

    def cotangent(self, site: Site, ref: Ref) -> Expr:
        """The adjoint of a box's result; 0 where it reaches no output."""
        name = self.adjoint.names.get(ref.tensor)
        if name is None:
            return ZERO
        match self.defining.get(name):
            case [Equation(left=left, body=Ref() as other)] if left == ref.index:
                loops = len(site.loops)
                if len(other.index) == len(left) and other.index[loops:] == left[loops:]:
                    return other  # an array as it is, at this or another position of the loop
        return Ref(name, ref.index)


def cut(layer: Layer, equations: tuple[Equation, ...], boxes: tuple[Box, ...]) -> Cut:
    """Differentiate a layer of these equations and boxes.

    A box that no output of the layer depends on is given nothing, and gives nothing.
    """
    needed = reaching(layer, equations, boxes)
    made = {ref.tensor for box in boxes for ref in box.made}
    tensors = {n: replace(t, role="input") if n in made else t for n, t in layer.tensors.items()}
    copies: dict[str, Equation] = {}
    placed: list[dict[str, Ref]] = []
    for box in boxes:
        placed.append({})
        for name, (formal, argument) in box.read.items() if box.made_among(needed) else ():
            tensor, copy = box.site.array(unused(f"{name}_of_{box.name}", tensors), formal)
            tensors[copy.tensor] = tensor
            copies[copy.tensor] = Equation(copy.tensor, copy.index, argument)
            placed[-1][name] = copy
    begun = (  # the scatter rule has to see that a recurrence begins where a box computes it
        Equation(ref.tensor, ref.index, ZERO) for box in boxes for ref in box.made if not all(map(x.free, ref.index))
    )
    whole = replace(
        layer,
        tensors=tensors,
        steps=(*equations, *begun, *copies.values()),
        outputs=(*layer.differentiable_outputs, *copies),
        state_outputs=(),
    )
    adjoint = reverse(whole)
    names = {name: adjoint.cotangents[name] for name in copies}
    found = textbook(replace(whole, steps=equations), adjoint, apart=True)
    known = sole(adjoint.equations, frozenset(names.values()))
    names = {name: known.get(c, c) for name, c in names.items()}
    own = replace(
        adjoint,
        equations=renamed(adjoint.equations, known),
        cotangents={o: c for o, c in adjoint.cotangents.items() if o not in copies},
        names={n: a for n, a in adjoint.names.items() if n not in copies},
        tensors={c: replace(tensors[n], name=c) for n, c in names.items()}
        | {a: t for a, t in adjoint.tensors.items() if a not in known},
    )
    into = tuple({f: Ref(names[copy.tensor], copy.index) for f, copy in place.items()} for place in placed)
    apart = {n: (tensors[n], c) for n, c in names.items() if c == adjoint.cotangents[n]}
    steps = (*(told(s, known) for s in adjoint.steps), *(told(s, known) for s in found.steps))
    return Cut(own, renamed(found.equations, known), into, apart, tuple(filter(None, steps)), found.facts)


def told(step: Step, names: dict[str, str]) -> Step | None:
    """A step with what has another name; none where a box's result is all of an adjoint."""

    def called(e: Expr) -> Expr:
        return in_names(e, names)

    if isinstance(step, Rewrite):
        return replace(step, before=called(step.before), after=called(step.after))
    after = called(step.after)
    if after == Ref(step.name, step.left) and step.equation.body == step.ref:
        return None
    return replace(
        step,
        coefficient=called(step.coefficient),
        cotangent=called(step.cotangent),
        after=after,
        given=called(step.given),
        through=tuple(replace(i, slope=called(i.slope), at=called(i.at)) for i in step.through),
    )


def reaching(layer: Layer, equations: tuple[Equation, ...], boxes: tuple[Box, ...]) -> set[str]:
    """The tensors that an output with a gradient depends on."""
    found, size = set(layer.differentiable_outputs), 0
    while len(found) > size:
        size = len(found)
        found |= {t for e in equations if e.target in found for t in x.tensors(e.body)}
        found |= {ref.tensor for box in boxes if box.made_among(found) for _, ref in box.read.values()}
    return found


def sole(equations: tuple[Equation, ...], results: frozenset[str]) -> dict[str, str]:
    """The boxes' results that an adjoint is all of: they are called by its name."""
    targets = [e.target for e in equations]
    names: dict[str, str] = {}
    for e in equations:
        match e.body:
            case Ref(name, index) if name in results and index == e.left and targets.count(e.target) == 1:
                if all(isinstance(i, Pos) for i in index):
                    names.setdefault(name, e.target)
    return names


def renamed(equations: tuple[Equation, ...], names: dict[str, str]) -> tuple[Equation, ...]:
    after = (replace(e, body=in_names(e.body, names)) for e in equations)
    return tuple(e for e in after if e.body != e.lhs)


def in_names(e: Expr, names: dict[str, str]) -> Expr:
    def visit(e: Expr) -> Expr | None:
        return Ref(names[e.tensor], e.index) if isinstance(e, Ref) and e.tensor in names else None

    return x.transform(e, visit) if names else e


@dataclass(frozen=True)
class Twice:
    """The gradient of the backward pass, parts being whole.

    Attributes:
        layer: the backward pass as a layer.
        cut: the gradient of its own equations.
        uses: what parts are used for.
    """

    layer: Layer
    cut: Cut
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class Parted(Derivation):
    """A derivation in which the functions of parts stay whole.

    Attributes:
        sites: the calls.
        own: the equations between them.
        cut: their gradient.
        uses: the parts' gradients.
    """

    sites: tuple[Site, ...]
    own: tuple[Equation, ...]
    cut: Cut
    uses: tuple[Use, ...]

    @property
    def equations(self) -> tuple[Equation, ...]:
        return (*self.own, *(e for site in self.sites for e in site.forward()))

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {**super().tensors, **{t.name: t for t in map(saved_tensor, self.sites)}}

    @cached_property
    def tangent(self) -> Tangent:
        found, uses = self.along
        return replace(found, equations=(*found.equations, *whole(uses)))

    @cached_property
    def along(self) -> tuple[Tangent, tuple[Use, ...]]:
        """The tangent of the layer's own equations, and the parts' tangents."""
        layer, moving = self.layer, self.moving()
        roles = {
            ref.tensor: "input" if ref.tensor in moving else "state" for s in self.sites for ref in s.outputs.values()
        }
        tensors = {n: replace(t, role=roles.get(n, t.role)) for n, t in layer.tensors.items()}
        found = forward(replace(layer, tensors=tensors, steps=self.own))

        def along(ref: Ref) -> Expr:
            return Ref(found.names[ref.tensor], ref.index) if ref.tensor in found.names else ZERO

        uses = []
        for site in self.sites:
            tangents = {t.name: along(site.inputs[t.name]) for t in site.part.differentiable}
            into = {
                o: Ref(found.names[ref.tensor], ref.index) for o, ref in site.outputs.items() if ref.tensor in moving
            }
            uses.append(Use(site, "jvp", {}, tangents, into))
        return found, tuple(uses)

    def moving(self) -> set[str]:
        """The tensors that depend on a differentiable input."""
        found, size = {t.name for t in self.layer.differentiable}, 0
        while len(found) > size:
            size = len(found)
            found |= {e.target for e in self.own if found & set(x.tensors(e.body))}
            for site in self.sites:
                if any(site.inputs[t.name].tensor in found for t in site.part.differentiable):
                    found |= {site.outputs[o].tensor for o in site.part.differentiable_outputs}
        return found

    @cached_property
    def second(self) -> Second:
        found = self.again
        equations = (*self.equations, *self.adjoint.auxiliary, *self.backward, *found.cut.adjoint.auxiliary)
        return self.twice(found.layer, found.cut.adjoint, (*equations, *found.cut.equations, *whole(found.uses)))

    @cached_property
    def again(self) -> Twice:
        """The backward pass differentiated."""
        backward = self.backward_layer()
        forwards = tuple(Box(s, s.name, tuple(s.smooth.values()), read(s)) for s in self.sites)
        backwards = tuple(
            Box(s, f"d{s.name}", tuple(into.values()), read(s) | self.cotangents_read(s))
            for s, into in zip(self.sites, self.cut.into, strict=True)
        )
        own = (*self.own, *self.adjoint.auxiliary, *self.cut.equations)
        found = cut(backward, own, forwards + backwards)
        uses: list[Use] = []
        for box, into in zip(forwards, found.into, strict=False):
            uses.append(gradient(found, box.site, into))
        for box, first, into in zip(backwards, self.cut.into, found.into[len(forwards) :], strict=True):
            cotangents = {o: self.cut.cotangent(box.site, ref) for o, ref in box.site.smooth.items()}
            inputs = [t.name for t in box.site.part.differentiable]
            along = {f: found.cotangent(box.site, first[f]) if f in first else ZERO for f in inputs}
            uses.append(Use(box.site, "double_backward", cotangents, along, into))
        return Twice(backward, found, tuple(uses))

    def cotangents_read(self, site: Site) -> dict[str, tuple[str, Ref]]:
        """The cotangents that a part's backward is given, as arguments with a gradient."""
        found = {site.cotangents[o]: (o, self.cut.cotangent(site, ref)) for o, ref in site.smooth.items()}
        return {c: (o, ref) for c, (o, ref) in found.items() if isinstance(ref, Ref)}


def gradient(found: Cut, site: Site, into: Refs) -> Use:
    """A part's gradients, along the adjoints of its results."""
    return Use(site, "backward", {o: found.cotangent(site, ref) for o, ref in site.smooth.items()}, {}, into)


def parted(layer: Layer, known: dict[int, Derivation]) -> Parted:
    """Differentiate a layer that uses others.

    Args:
        layer: the layer.
        known: what was derived of parts, by the identity of the part: each is derived once.
    """
    for call in layer.calls:
        if id(call.part) not in known:
            known[id(call.part)] = derive(call.part, known)
    sites = tuple(site_of(layer, call, known[id(call.part)]) for call in layer.calls)
    own = tuple(step for step in layer.steps if isinstance(step, Equation))
    boxes = tuple(Box(site, site.name, tuple(site.smooth.values()), read(site)) for site in sites)
    found = cut(layer, own, boxes)
    uses = tuple(gradient(found, site, into) for site, into in zip(sites, found.into, strict=True))
    equations = (*found.equations, *whole(uses))
    return Parted(layer, found.adjoint, equations, found.steps, found.facts, sites, own, found, uses)


def by_parts(derivation: Derivation) -> Derivation:
    """The derivation that a layer's kernel is made of: with its calls whole, if it has any."""
    return getattr(derivation, "parted", derivation)
