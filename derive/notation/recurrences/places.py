"""What a definition says of its recurrences: where they begin, where their steps stand, what needs what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from derive.notation import expr as x
from derive.notation.affine import affine
from derive.notation.expr import Expr, Num, Ref
from derive.notation.layer import Call, Equation, Layer, Tensor

Step = Equation | Call


@dataclass(frozen=True)
class Place:
    """Where a recurrence's step stands among a tensor's indices, and what it is called in the tensor's equation."""

    at: int
    index: str


def begins(step: Step) -> bool:
    """Whether an equation says what is there before the steps."""
    return isinstance(step, Equation) and any(x.plain(i) is None for i in step.left)


def targets(step: Step) -> tuple[Ref, ...]:
    return step.results if isinstance(step, Call) else (step.lhs,)


def reads(step: Step) -> set[str]:
    if isinstance(step, Call):
        return {name for a in step.arguments if a is not None for name in x.tensors(a)}
    return set(x.tensors(step.body))


def changed(step: Step, f: Callable[[Expr], Expr]) -> Step:
    """A step with f applied to what it reads."""
    if isinstance(step, Call):
        arguments = tuple(None if a is None else f(a) for a in step.arguments)
        return replace(step, arguments=arguments)  # type: ignore[arg-type]
    return replace(step, body=f(step.body))


def together(layer: Layer, names: Iterable[str]) -> set[str]:
    """The tensors that need one of these, and that one of these needs."""
    needs = [(r.tensor, name) for s in layer.steps for r in targets(s) for name in reads(s)]

    def reached(start: set[str], pairs: list[tuple[str, str]]) -> set[str]:
        while found := {b for a, b in pairs if a in start} - start:
            start = start | found
        return start

    names = set(names)
    return reached(names, needs) & reached(names, [(b, a) for a, b in needs])


def steps_of(layer: Layer, early: Mapping[str, int]) -> dict[str, Place]:
    """Where the step stands in each tensor of the recurrences that these are part of."""
    own = {r.tensor: r for s in layer.steps if not begins(s) for r in targets(s)}
    found = {n: Place(at, x.plain(own[n].index[at]) or "") for n, at in early.items()}
    along = {layer.axis(p.index): p.index for p in found.values()}
    for name in together(layer, early) - set(early):
        indices = [x.plain(i) or "" for i in own[name].index] if name in own else []
        same = [i for i in indices if layer.axis(i) in along]
        if same:
            i = next((i for i in same if i in along.values()), same[0])
            found[name] = Place(indices.index(i), i)
    return found


def early(layer: Layer, which: Callable[[Expr], bool]) -> dict[str, int]:
    """The tensors with a beginning of some kind, and its place among their indices."""
    return {
        s.target: n
        for s in layer.steps
        if isinstance(s, Equation)
        for n, i in enumerate(s.left)
        if x.plain(i) is None and which(i)
    }


def put(index: tuple[Expr, ...], at: int, e: Expr) -> tuple[Expr, ...]:
    return (*index[:at], e, *index[at + 1 :])


def collected(e: Expr) -> Expr:
    """A sum with equal terms as one: ``t + size(t) - t`` is ``size(t)``."""
    counts: dict[Expr, Expr] = {}
    for term in x.terms(e):
        numbers = [f for f in x.factors(term) if isinstance(f, Num)]
        rest = x.mul(*(f for f in x.factors(term) if not isinstance(f, Num)))
        counts[rest] = x.add(counts.get(rest, x.ZERO), x.mul(*numbers))
    return x.add(*(x.mul(n, rest) for rest, n in counts.items()))


def shift(e: Expr, index: str) -> int | None:
    """-2 for ``t - 2``; None for what is not the index and a number."""
    match affine(e, index):
        case x.ONE, Num(rest):
            return int(rest)
    return None


def behind(e: Expr) -> int:
    """How far behind the last position an index from the end stands: 1 for ``size(t)``, 0 for ``size(t) - 1``."""
    return 1 + sum(int(n.value) for n in x.terms(e) if isinstance(n, Num))


def free_name(layer: Layer, name: str) -> str:
    words = {*layer.tensors, *layer.sizes, *(o.name for o in layer.options)}
    words |= {a for t in layer.tensors.values() for a in t.axes}
    return x.numbered(name, words)


def in_order(layer: Layer, tensors: Iterable[Tensor]) -> dict[str, Tensor]:
    """Tensors in the order of the inputs and of the equations for all of each."""
    known = {t.name: t for t in tensors}
    order = [t.name for t in layer.inputs] + [r.tensor for s in layer.steps if not begins(s) for r in targets(s)]
    return {n: known[n] for n in dict.fromkeys((*(n for n in order if n in known), *known))}


def starts(s: Equation) -> Iterator[tuple[int, Expr]]:
    """Where a beginning stands that is before the array, or behind it."""
    for n, i in enumerate(s.left):
        if x.plain(i) is None and (i.value < 0 if isinstance(i, Num) else behind(i) > 0):
            yield n, i


def bodies(step: Step) -> tuple[Expr, ...]:
    return tuple(a for a in step.arguments if a is not None) if isinstance(step, Call) else (step.body,)


def tidied(e: Expr) -> Expr:
    """An expression with its indices collected."""
    return x.transform(
        e, lambda n: Ref(n.tensor, tuple(collected(tidied(i)) for i in n.index)) if isinstance(n, Ref) else None
    )


def called(s: Call, names: Mapping[str, str], tensors: dict[str, Tensor]) -> Call:
    """A call whose results have other names; what it has on the way is named after the first of them."""
    new = replace(s, results=tuple(replace(r, tensor=names.get(r.tensor, r.tensor)) for r in s.results))
    for name, ref in s.tensors.items():
        there = new.tensors[name].tensor
        if there != ref.tensor:
            tensors[there] = replace(tensors[ref.tensor], name=there, role="intermediate")
            if ref not in s.results:
                del tensors[ref.tensor]
    return new
