"""The derivation that kernels are made of where a layer uses others: calls stay calls.

The page differentiates the equations with every call written out. A kernel calls the part's kernel instead, and the
algebra closes: the reverse of ``forward`` is ``backward``, its tangent ``jvp``, and the reverse of ``backward`` is
``double_backward``. To the scatter rule a call is cut out: its results are inputs, its arguments are outputs, and the
cotangents of these are what the part's kernel gives for the adjoints of those.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from derive.calculus.derivation import Derivation, Second
from derive.calculus.forward import Tangent, forward
from derive.calculus.reverse import Adjoint, Reverse, reverse
from derive.calculus.textbook import textbook
from derive.notation import expr as x
from derive.notation.expr import ZERO, Expr, Part, Pos, Ref, Slots
from derive.notation.layer import Call, Equation, Layer, Tensor

Refs = Mapping[str, Ref]


@dataclass(frozen=True)
class Site:
    """One call, as its kernel's functions see it.

    Attributes:
        name: what names are made of: the first result's.
        inputs, outputs: the part's tensors in the caller's.
        saved: what forward keeps for backward.
    """

    call: Call
    name: str
    inputs: dict[str, Ref]
    outputs: dict[str, Ref]
    saved: Ref

    @property
    def part(self) -> Layer:
        return self.call.part

    @property
    def loops(self) -> tuple[Expr, ...]:
        """The positions in loops at which the call is made."""
        return tuple(e for e in self.call.lead if x.free(e))

    @cached_property
    def over(self) -> tuple[str, ...]:
        """The indices of whole arrays."""
        outside = {i for e in self.loops for i in x.free(e)}
        refs = (*self.inputs.values(), *self.outputs.values())
        return tuple(i for i in dict.fromkeys(i for ref in refs for i in x.free(ref)) if i not in outside)

    @property
    def smooth(self) -> dict[str, Ref]:
        """The outputs that have a cotangent."""
        return {o: self.outputs[o] for o in self.part.differentiable_outputs}

    @cached_property
    def cotangents(self) -> dict[str, str]:
        """The part's outputs to what its functions call their cotangents."""
        return Reverse(self.part, frozenset()).cotangents

    @cached_property
    def gradients(self) -> tuple[str, ...]:
        """The part's inputs that its backward has gradients of."""
        inputs = tuple(t.name for t in self.part.differentiable)
        active = Reverse(self.part, frozenset(inputs)).active()
        return tuple(name for name in inputs if name in active)

    def array(self, name: str, tensor: str) -> tuple[Tensor, Ref]:
        """An array at this site with the axes of one of the part's tensors."""
        own = (self.inputs | self.outputs)[tensor]
        width = len(self.call.spread(self.part.tensors[tensor].axes))
        index = (*self.loops, *own.index[len(own.index) - width :])
        return Tensor(name, tuple(x.plain(e) or "" for e in index)), Ref(name, index)

    def slots(self, tensor: str) -> Slots:
        """The axes of one of the part's tensors where it has two of them as one."""
        found = self.part.split(self.part.tensors[tensor]) if tensor else ()
        if not any(len(slot) > 1 for slot in found):
            return ()
        spread = self.call.spread
        return tuple(s for slot in found for s in ([spread(slot)] if len(slot) > 1 else [(a,) for a in spread(slot)]))

    def results(
        self, function: str, fields: dict[str, str], groups: Iterable[dict[str, Expr]], into: Refs, options: bool
    ) -> list[Equation]:
        """An equation for each result of a function that is wanted; ``fields`` have the axes of tensors."""
        given = tuple(tuple((self.slots(tensor), e) for tensor, e in group.items()) for group in groups)
        every = tuple((field, self.slots(tensor)) for field, tensor in fields.items())
        own = self.call.options if options else ()
        return [
            Equation(
                into[field].tensor,
                into[field].index,
                Part(self.part.name, function, field, every, given, own, self.over),
                self.call.line,
            )
            for field in fields
            if field in into
        ]

    def forward(self) -> list[Equation]:
        fields = {o: o for o in self.part.outputs} | {"saved": ""}
        into = {**self.outputs, "saved": self.saved}
        return self.results("forward", fields, (dict(self.inputs),), into, options=True)

    def backward(self, cotangents: Mapping[str, Expr], into: Refs) -> list[Equation]:
        fields = {t.name: t.name for t in self.part.differentiable}
        return self.results("backward", fields, (dict(cotangents), {"": self.saved}), into, options=False)

    def jvp(self, tangents: Mapping[str, Expr], into: Refs) -> list[Equation]:
        fields = {o: o for o in self.part.differentiable_outputs}
        return self.results("jvp", fields, (dict(self.inputs), dict(tangents)), into, options=True)

    def double_backward(self, cotangents: Mapping[str, Expr], along: Mapping[str, Expr], into: Refs) -> list[Equation]:
        fields = {c: o for o, c in self.cotangents.items()} | {t.name: t.name for t in self.part.differentiable}
        groups: tuple[dict[str, Expr], ...] = (dict(cotangents), dict(self.inputs), dict(along))
        return self.results("double_backward", fields, groups, into, options=True)


@dataclass(frozen=True)
class Box:
    """One function of a part as the scatter rule sees it.

    Attributes:
        name: what the names of its gradients end in.
        made: its results.
        read: the arguments that it has gradients of: by field, the part's tensor of that shape, and the argument.
    """

    site: Site
    name: str
    made: tuple[Ref, ...]
    read: dict[str, tuple[str, Ref]]

    def made_among(self, tensors: set[str]) -> bool:
        return any(ref.tensor in tensors for ref in self.made)


@dataclass(frozen=True)
class Cut:
    """A layer differentiated with boxes cut out.

    Attributes:
        adjoint: of the layer; its tensors include the boxes' gradients.
        equations: the adjoint's in textbook form, without those that a box's results are.
        into: for each box, the tensors that the gradients of its arguments are, by field.
    """

    adjoint: Adjoint
    equations: tuple[Equation, ...]
    into: tuple[dict[str, Ref], ...]

    def cotangent(self, site: Site, ref: Ref) -> Expr:
        """The adjoint of a box's result; 0 where it reaches no output."""
        name = self.adjoint.names.get(ref.tensor)
        if name is None:
            return ZERO
        match [e for e in self.equations if e.target == name]:
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
    found = textbook(replace(whole, steps=equations), adjoint).equations
    known = sole(adjoint.equations, frozenset(names.values()))
    found = renamed(found, known)
    names = {name: known.get(c, c) for name, c in names.items()}
    own = replace(
        adjoint,
        cotangents={o: c for o, c in adjoint.cotangents.items() if o not in copies},
        names={n: a for n, a in adjoint.names.items() if n not in copies},
        tensors={**{c: replace(tensors[n], name=c) for n, c in names.items()}, **adjoint.tensors},
    )
    into = tuple({f: Ref(names[copy.tensor], copy.index) for f, copy in place.items()} for place in placed)
    return Cut(own, found, into)


def reaching(layer: Layer, equations: tuple[Equation, ...], boxes: tuple[Box, ...]) -> set[str]:
    """The tensors that an output with a gradient depends on."""
    found, size = set(layer.differentiable_outputs), 0
    while len(found) > size:
        size = len(found)
        found |= {t for e in equations if e.target in found for t in x.tensors(e.body)}
        found |= {ref.tensor for box in boxes if box.made_among(found) for _, ref in box.read.values()}
    return found


def unused(name: str, taken: Container[str]) -> str:
    while name in taken or f"d{name}" in taken:
        name += "_"
    return name


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
    def visit(e: Expr) -> Expr | None:
        return Ref(names[e.tensor], e.index) if isinstance(e, Ref) and e.tensor in names else None

    after = (replace(e, body=x.transform(e.body, visit)) for e in equations)
    return tuple(e for e in after if e.body != e.lhs)


@dataclass(frozen=True)
class Parted(Derivation):
    """A derivation in which the functions of parts stay whole.

    Attributes:
        sites: the calls.
        own: the equations between them.
        cut: their gradient.
    """

    sites: tuple[Site, ...]
    own: tuple[Equation, ...]
    cut: Cut

    @property
    def equations(self) -> tuple[Equation, ...]:
        return (*self.own, *(e for site in self.sites for e in site.forward()))

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {**super().tensors, **{t.name: t for t in map(saved_tensor, self.sites)}}

    @cached_property
    def tangent(self) -> Tangent:
        layer, moving = self.layer, self.moving()
        roles = {
            ref.tensor: "input" if ref.tensor in moving else "state" for s in self.sites for ref in s.outputs.values()
        }
        tensors = {n: replace(t, role=roles.get(n, t.role)) for n, t in layer.tensors.items()}
        found = forward(replace(layer, tensors=tensors, steps=self.own))

        def along(ref: Ref) -> Expr:
            return Ref(found.names[ref.tensor], ref.index) if ref.tensor in found.names else ZERO

        parts: list[Equation] = []
        for site in self.sites:
            tangents = {t.name: along(site.inputs[t.name]) for t in site.part.differentiable}
            into = {
                o: Ref(found.names[ref.tensor], ref.index) for o, ref in site.outputs.items() if ref.tensor in moving
            }
            parts += site.jvp(tangents, into)
        return replace(found, equations=(*found.equations, *parts))

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
        backward = self.backward_layer()
        forwards = tuple(Box(s, s.name, tuple(s.smooth.values()), read(s)) for s in self.sites)
        backwards = tuple(
            Box(s, f"d{s.name}", tuple(into.values()), read(s) | self.cotangents_read(s))
            for s, into in zip(self.sites, self.cut.into, strict=True)
        )
        own = (*self.own, *self.adjoint.auxiliary, *self.cut.equations)
        found = cut(backward, own, forwards + backwards)
        parts: list[Equation] = []
        for box, into in zip(forwards, found.into, strict=False):
            cotangents = {o: found.cotangent(box.site, ref) for o, ref in box.site.smooth.items()}
            parts += box.site.backward(cotangents, into)
        for box, first, into in zip(backwards, self.cut.into, found.into[len(forwards) :], strict=True):
            cotangents = {o: self.cut.cotangent(box.site, ref) for o, ref in box.site.smooth.items()}
            inputs = [t.name for t in box.site.part.differentiable]
            along = {f: found.cotangent(box.site, first[f]) if f in first else ZERO for f in inputs}
            parts += box.site.double_backward(cotangents, along, into)
        equations = (*self.equations, *self.adjoint.auxiliary, *self.backward, *found.adjoint.auxiliary)
        return self.twice(backward, found.adjoint, (*equations, *found.equations, *parts))

    def cotangents_read(self, site: Site) -> dict[str, tuple[str, Ref]]:
        """The cotangents that a part's backward is given, as arguments with a gradient."""
        found = {site.cotangents[o]: (o, self.cut.cotangent(site, ref)) for o, ref in site.smooth.items()}
        return {c: (o, ref) for c, (o, ref) in found.items() if isinstance(ref, Ref)}


def read(site: Site) -> dict[str, tuple[str, Ref]]:
    return {f: (f, site.inputs[f]) for f in site.gradients}


def saved_tensor(site: Site) -> Tensor:
    return Tensor(site.saved.tensor, tuple(x.plain(e) or "" for e in site.saved.index), kind="saved")


def site_of(layer: Layer, call: Call) -> Site:
    tensors, part = call.tensors, call.part
    name = call.results[0].tensor + ("" if all(map(x.free, call.lead)) else "_first")
    loops = tuple(e for e in call.lead if x.free(e))
    return Site(
        call,
        name,
        {t.name: tensors[t.name] for t in part.inputs if t.name in tensors},
        {o: tensors[o] for o in part.outputs},
        Ref(unused(f"saved_{name}", layer.tensors), loops),
    )


def by_parts(derivation: Derivation) -> Derivation:
    """The derivation that a layer's kernel is made of: with its calls whole, if it has any."""
    layer = derivation.layer
    if not layer.calls:
        return derivation
    sites = tuple(site_of(layer, call) for call in layer.calls)
    own = tuple(step for step in layer.steps if isinstance(step, Equation))
    boxes = tuple(Box(site, site.name, tuple(site.smooth.values()), read(site)) for site in sites)
    found = cut(layer, own, boxes)
    parts: list[Equation] = []
    for box, into in zip(boxes, found.into, strict=True):
        cotangents = {o: found.cotangent(box.site, ref) for o, ref in box.site.smooth.items()}
        parts += box.site.backward(cotangents, into)
    return Parted(layer, found.adjoint, (*found.equations, *parts), (), derivation.facts, sites, own, found)
