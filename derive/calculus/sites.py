"""Calls as the calculus sees them: what a part's functions are given, and what their results are here."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from derive.calculus.derivation import Derivation
from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Part, Ref, Slots
from derive.notation.layer import Call, Equation, Layer, Tensor

Refs = Mapping[str, Ref]


@dataclass(frozen=True)
class Site:
    """One call, as its kernel's functions see it.

    Attributes:
        derivation: the part's.
        name: what names are made of: the first result's.
        inputs, outputs: the part's tensors in the caller's.
        saved: what forward keeps for backward.
    """

    call: Call
    derivation: Derivation
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

    @property
    def cotangents(self) -> dict[str, str]:
        """The part's outputs to what its functions call their cotangents."""
        return self.derivation.adjoint.cotangents

    @property
    def gradients(self) -> tuple[str, ...]:
        """The part's inputs that its backward has gradients of."""
        return tuple(self.derivation.gradients)

    def array(self, name: str, tensor: str) -> tuple[Tensor, Ref]:
        """An array at this site with the axes of one of the part's tensors."""
        own = (self.inputs | self.outputs)[tensor]
        width = len(self.call.spread(self.part.tensors[tensor].axes))
        index = (*self.loops, *own.index[len(own.index) - width :])
        return Tensor(name, tuple(x.plain(e) or "" for e in index)), Ref(name, index)

    def slots(self, tensor: str) -> Slots:
        """The axes of one of the part's tensors where it has two of ours as one."""
        found = self.part.split(self.part.tensors[tensor]) if tensor else ()
        spread = self.call.spread
        if not any(slot != (ELLIPSIS,) and len(spread(slot)) > 1 for slot in found):
            return ()
        return tuple(
            s for slot in found for s in ([(a,) for a in spread(slot)] if slot == (ELLIPSIS,) else [spread(slot)])
        )

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
class Use:
    """One of a part's functions, called at a site.

    Attributes:
        cotangents: what it is given for the part's outputs' cotangents, by output; jvp is given none.
        along: what it is given for tangents, or for the cotangents of gradients, by the part's input.
        into: what its results are here, by field.
    """

    site: Site
    function: Function
    cotangents: Mapping[str, Expr]
    along: Mapping[str, Expr]
    into: Refs

    def whole(self) -> list[Equation]:
        """An equation for each result, in which the function is one expression."""
        site = self.site
        match self.function:
            case "backward":
                return site.backward(self.cotangents, self.into)
            case "jvp":
                return site.jvp(self.along, self.into)
        return site.double_backward(self.cotangents, self.along, self.into)


Function = Literal["backward", "jvp", "double_backward"]


def whole(uses: Iterable[Use]) -> tuple[Equation, ...]:
    return tuple(e for use in uses for e in use.whole())


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


def unused(name: str, taken: Container[str]) -> str:
    while name in taken or f"d{name}" in taken:
        name += "_"
    return name


def read(site: Site) -> dict[str, tuple[str, Ref]]:
    return {f: (f, site.inputs[f]) for f in site.gradients}


def saved_tensor(site: Site) -> Tensor:
    return Tensor(site.saved.tensor, tuple(x.plain(e) or "" for e in site.saved.index), kind="saved")


def site_of(layer: Layer, call: Call, derivation: Derivation) -> Site:
    tensors, part = call.tensors, call.part
    name = call.results[0].tensor + ("" if all(map(x.free, call.lead)) else "_first")
    loops = tuple(e for e in call.lead if x.free(e))
    return Site(
        call,
        derivation,
        name,
        {t.name: tensors[t.name] for t in part.inputs if t.name in tensors},
        {o: tensors[o] for o in part.outputs},
        Ref(unused(f"saved_{name}", layer.tensors), loops),
    )
