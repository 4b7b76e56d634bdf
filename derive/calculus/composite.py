"""The derivation of a layer that uses others, written out: what its page shows and its evidence evaluates.

The layer's own equations are differentiated with the parts cut out (derive.calculus.parts). For what a part's function
gives there stand the equations that the part's own derivation found, in the names of the layer: a part is derived once,
however often it is used, and nothing is searched for across calls. Its steps are on the part's page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.calculus import order
from derive.calculus.derivation import Derivation, Second
from derive.calculus.forward import Tangent
from derive.calculus.indices import names_indices
from derive.calculus.parts import Parted, parted
from derive.calculus.sites import Site, Use
from derive.calculus.steps import Rewrite, Scatter, Step, put_in
from derive.notation import expr as x
from derive.notation.expr import Expr, Pos, Reduce, Ref
from derive.notation.layer import Equation, Layer, Tensor

Refs = dict[str, Ref | None]


@dataclass
class Written:
    """Equations of parts in the names of a layer.

    Attributes:
        equations: by the number of the use they come from.
        auxiliary: those that the parts' gradients need besides (the position of a maximum).
        tensors: what they introduce.
        names: what the parts' intermediates have here as an adjoint, or as a tangent.
        inner: those of them that have, position by position, the tensor's own axes.
        refs: for each use, what the part's tensors are here.
    """

    equations: list[tuple[Equation, ...]] = field(default_factory=list)
    auxiliary: list[Equation] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    inner: dict[str, str] = field(default_factory=dict)
    refs: list[Refs] = field(default_factory=list)

    @property
    def all(self) -> tuple[Equation, ...]:
        return tuple(e for own in self.equations for e in own)


@dataclass
class Writer:
    """Puts in what parts' derivations say.

    Attributes:
        tensors: those of the layer and of its own derivation.
        taken: all names that are used.
    """

    tensors: Mapping[str, Tensor]
    taken: set[str]
    found: Written = field(default_factory=Written)

    def backward(self, use: Use) -> None:
        """The gradients of a part."""
        d = use.site.derivation
        refs: Refs = {**use.site.call.tensors, **self.given(d.adjoint.cotangents, use.cotangents)}
        refs |= {own: use.into[f] for f, own in d.gradients.items() if f in use.into}
        self.name_all(use.site, refs, d.adjoint.names, d.tensors, "d{}")
        self.found.auxiliary += self.written(use.site, d.adjoint.auxiliary, refs)
        self.close(use.site, d.backward, refs)

    def jvp(self, use: Use) -> None:
        """The tangents of a part."""
        d, forms = use.site.derivation, use.site.derivation.tangent
        inputs = {t.name: forms.names[t.name] for t in d.layer.differentiable}
        refs: Refs = {**use.site.call.tensors, **self.given(inputs, use.along)}
        refs |= {forms.names[o]: ref for o, ref in use.into.items() if o in forms.names}
        self.name_all(use.site, refs, forms.names, forms.tensors, "t_{}")
        self.found.auxiliary += self.written(use.site, forms.auxiliary, refs)
        self.close(use.site, forms.equations, refs)

    def double_backward(self, use: Use, first: Refs) -> None:
        """The second gradients of a part; ``first`` says what its tensors and adjoints are here."""
        d, forms = use.site.derivation, use.site.derivation.second
        again = {f: c for f, own in d.gradients.items() if (c := forms.adjoint.cotangents.get(own))}
        refs: Refs = {**first, **self.given(again, use.along)}
        refs |= {forms.names[w]: ref for w, ref in use.into.items() if w in forms.names}
        self.name_all(use.site, refs, forms.adjoint.names, forms.tensors, "d{}")
        before = {e.target for e in forms.layer.equations}
        own = tuple(e for e in forms.equations if e.target not in before)
        nothing = tuple(Equation(r.tensor, r.index, x.ZERO) for w, r in use.into.items() if w not in forms.names)
        self.close(use.site, own, refs, nothing)

    def given(self, names: Mapping[str, str], values: Mapping[str, Expr]) -> Refs:
        """What a function is given, by the part's names for it; None for zeros."""
        found = {own: values.get(f) for f, own in names.items()}
        return {own: e if isinstance(e, Ref) else None for own, e in found.items()}

    def name_all(
        self, site: Site, refs: Refs, names: Mapping[str, str], tensors: Mapping[str, Tensor], pattern: str
    ) -> None:
        """Give what a part's derivation introduces, and has no name here, one."""
        of = {own: n for n, own in names.items()}
        left_out = {t.name for t in site.part.inputs}
        for own, tensor in tensors.items():
            if own in left_out:
                continue
            source = refs.get(of.get(own, ""))
            if own not in refs:
                total = "_total" if own.endswith("_total") else ""
                stem = pattern.format(source.tensor) + total if source else f"{own}_of_{site.name}"
                axes = (*(x.plain(e) or "" for e in site.loops), *site.call.spread(tensor.axes))
                name = self.free_name(stem)
                refs[own] = Ref(name, (*site.loops, *map(Pos, axes[len(site.loops) :])))
                role = "input" if tensor.role == "state" else "intermediate"
                self.found.tensors[name] = Tensor(name, axes, kind=tensor.kind, role=role)
            here = refs[own]
            if source and here and own in of:
                self.found.names.setdefault(source.tensor, here.tensor)
                if len(source.index) == len(here.index) and None not in map(x.plain, (*source.index, *here.index)):
                    self.found.inner.setdefault(source.tensor, here.tensor)

    def free_name(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def close(self, site: Site, equations: Iterable[Equation], refs: Refs, more: tuple[Equation, ...] = ()) -> None:
        self.found.equations.append((*self.written(site, equations, refs), *more))
        self.found.refs.append(refs)

    def written(self, site: Site, equations: Iterable[Equation], refs: Refs) -> Iterator[Equation]:
        """A part's equations here: each left side in the axes of its tensor."""
        for e in equations:
            left = site.call.here(e.lhs, refs)
            if isinstance(left, Ref):
                tensor = self.tensors.get(left.tensor) or self.found.tensors[left.tensor]
                pairs = zip(left.index, tensor.axes, strict=True)
                moved = {i: Pos(axis) for e, axis in pairs if (i := x.plain(e)) is not None and i != axis and axis}
                body = x.rename(site.call.here(e.body, refs), moved)
                yield Equation(left.tensor, tuple(x.rename(i, moved) for i in left.index), body, site.call.line)


@dataclass(frozen=True)
class Composite(Derivation):
    """A derivation in which the parts' functions are written out.

    Attributes:
        parted: the same with the parts' functions whole: what the kernel is made of.
        refs: for each call, what the part's tensors and adjoints are here.
    """

    parted: Parted
    refs: tuple[Refs, ...]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The definition's tensors, adjoints, cotangents, and what calls are given, if a step speaks of it."""
        copies = (n for n in self.parted.cut.copies if n in self.adjoint.names)
        return {**super().tensors, **{n: self.parted.cut.copies[n][0] for n in copies}}

    def writer(self, *more: Mapping[str, Tensor]) -> Writer:
        """One that knows all that has a name."""
        tensors = {n: t for known in (self.tensors, *more) for n, t in known.items()}
        return Writer(tensors, names_of(self.layer) | set(tensors) | set(self.parted.adjoint.names.values()))

    @cached_property
    def tangent(self) -> Tangent:
        own, uses = self.parted.along
        writer = self.writer(own.tensors)
        for use in uses:
            writer.jvp(use)
        found = writer.found
        return Tangent(
            (*own.equations, *found.all),
            {**found.names, **own.names},
            (*own.auxiliary, *found.auxiliary),
            {**own.tensors, **found.tensors},
        )

    @cached_property
    def second(self) -> Second:
        again = self.parted.again
        layer, adjoint = self.backward_layer(), again.cut.adjoint
        cotangents = {c: Tensor(c, again.layer.tensors[o].axes) for o, c in adjoint.cotangents.items()}
        writer = self.writer(again.layer.tensors, adjoint.tensors, cotangents)
        place = {id(site): n for n, site in enumerate(self.parted.sites)}
        for use in again.uses:
            if use.function == "backward":
                if use.into:
                    writer.backward(use)
            elif use.into:
                writer.double_backward(use, self.refs[place[id(use.site)]])
        found = writer.found
        whole = replace(
            adjoint,
            names={**found.names, **adjoint.names},
            tensors={**found.tensors, **adjoint.tensors},
            auxiliary=(*adjoint.auxiliary, *found.auxiliary),
            inner={n: a for n, a in found.inner.items() if adjoint.names.get(n, a) != a},
        )
        return self.twice(layer, whole, (*layer.equations, *whole.auxiliary, *again.cut.equations, *found.all))


def names_of(layer: Layer) -> set[str]:
    """Every name that a layer has for something."""
    bodies = [e for equation in layer.equations for e in (*equation.left, equation.body)]
    indices = {i for e in bodies for n in x.walk(e) for i in names_indices(n)}
    return {*layer.tensors, *(o.name for o in layer.options), *layer.sizes, *indices}


def composite(layer: Layer, known: dict[int, Derivation]) -> Composite:
    """Differentiate a layer that uses others; ``known`` is explained at derive.calculus.parts.parted."""
    found = parted(layer, known)
    cut = found.cut
    tensors = found.tensors | {n: t for n, (t, _) in cut.copies.items()}
    writer = Writer(tensors, names_of(layer) | set(tensors))
    for use in found.uses:
        if use.into:
            writer.backward(use)
        else:
            writer.close(use.site, (), dict(use.site.call.tensors))
    of_parts = writer.found
    raw = in_order([*((e,) for e in cut.adjoint.equations), *of_parts.equations])
    backward = in_order([*((e,) for e in cut.equations), *of_parts.equations])
    backward, put_in = without_aliases(backward, {c for _, c in cut.copies.values()})
    steps: tuple[Step, ...] = (*cut.steps, *put_in)
    mentioned = {t for s in steps if isinstance(s, Scatter) for t in (s.equation.target,)}
    copies = {n: c for n, (_, c) in cut.copies.items() if n in mentioned}
    names = {**of_parts.names, **cut.adjoint.names}
    names = {n: names[n] for n in layer.tensors if n in names} | copies
    inner = {n: a for n, a in of_parts.inner.items() if names[n] != a}
    roles = {
        a: "output" if n in layer.tensors and layer.tensors[n].role == "input" else "intermediate"
        for n, a in names.items()
    }
    backward = that_are_read(backward, {a for a, role in roles.items() if role == "output"})
    adjoint = replace(
        cut.adjoint,
        equations=raw,
        names=names,
        auxiliary=(*cut.adjoint.auxiliary, *of_parts.auxiliary),
        tensors={n: replace(t, role=roles.get(n, t.role)) for n, t in (cut.adjoint.tensors | of_parts.tensors).items()},
        steps=tuple(s for s in steps if isinstance(s, Scatter)),
        inner=inner,
    )
    return Composite(layer, adjoint, backward, steps, found.facts, found, tuple(of_parts.refs))


def that_are_read(equations: tuple[Equation, ...], results: set[str]) -> tuple[Equation, ...]:
    """The equations without those that nothing reads: an adjoint that is another one, which parts read by that name."""
    while True:
        wanted = results | {t for e in equations for t in x.tensors(e.body)}
        kept = tuple(e for e in equations if e.target in wanted)
        if kept == equations:
            return kept
        equations = kept


def in_order(groups: Iterable[tuple[Equation, ...]]) -> tuple[Equation, ...]:
    """Groups of equations, each after those that it needs, as far as they do not need one another."""
    given = [g for g in groups if g]
    makers: dict[str, list[int]] = {}
    for n, group in enumerate(given):
        for e in group:
            makers.setdefault(e.target, []).append(n)
    needs = [
        list(dict.fromkeys(m for e in group for t in x.tensors(e.body) for m in makers.get(t, ()))) for group in given
    ]
    return tuple(e for own in order.groups(needs) for n in own for e in given[n])


def without_aliases(equations: tuple[Equation, ...], results: set[str]) -> tuple[tuple[Equation, ...], list[Rewrite]]:
    """The sums that parts give written into the sum of adjoints that takes them, where that is all they are for."""
    count: dict[str, int] = {}
    for e in equations:
        for n in x.walk(e.body):
            if isinstance(n, Ref):
                count[n.tensor] = count.get(n.tensor, 0) + 1
    made: dict[str, list[Equation]] = {}
    for e in equations:
        made.setdefault(e.target, []).append(e)
    short = {
        name: own[0]
        for name in results
        if count.get(name) == 1 and len(own := made.get(name, [])) == 1 and isinstance(own[0].body, Reduce | Ref)
    }
    steps: list[Rewrite] = []
    used: set[str] = set()

    def body(e: Equation) -> Expr:
        terms = []
        for term in x.terms(e.body):
            if isinstance(term, Ref) and term.tensor in short:
                own = short[term.tensor]
                used.add(term.tensor)
                term = x.rename(own.body, dict(zip(own.indices, term.index, strict=True)))
            terms.append(term)
        return x.add(*terms)

    found = []
    for e in equations:
        after = body(e)
        if after != e.body:
            gone = [t for t in x.tensors(e.body) if t in used]
            steps.append(Rewrite(e.lhs, "substitute", e.body, after, put_in([short[t].lhs for t in gone])))
        found.append(replace(e, body=after))
    return tuple(e for e in found if e.target not in used), steps


__all__ = ["Composite", "composite"]
