"""The derivative that a step of reverse mode uses, so that what is printed of it is true of the equation itself.

An equation ``Z = f(A, s, ...)`` with ``s = sum(k, g(A, ...))`` inside reaches A by more than one path. Along one of
them, the derivative of Z with respect to A is a product: of Z with respect to s, of s with respect to A. A sum that
Z is linear in and that is the only place of A needs no name: ``Z = c * sum(k, A[k])`` has the derivative c. Any other
is given one, and then each factor is the derivative of one thing with respect to another.

Terms of a sum that do not depend on what is differentiated by are added up: the derivative of ``sum(k, (A[k] - m)**2)``
with respect to m is a sum over k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from derive.calculus.steps import Scatter
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Opt, Pos, Reduce, Ref

STAND_IN = Opt("%")


@dataclass(frozen=True)
class Link:
    """``of``'s derivative with respect to ``by`` is ``slope``.

    Attributes:
        fixed: named sums that ``by``'s tensor stands in as well, not meant here.
        alone: whether other places of the tensor, in the same terms or in others, are not meant either.
    """

    of: Ref
    by: Ref
    slope: Expr
    fixed: tuple[Ref, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class Chain:
    """A step's derivatives from the equation's left side to the reference.

    Attributes:
        names: what is given a name, first.
        links: the last one's ``by`` is the step's reference.
        loops: the indices that the product of the links depends on.
        product: the adjoint of the left side times all slopes.
    """

    names: tuple[tuple[Ref, Reduce], ...]
    links: tuple[Link, ...]
    loops: tuple[str, ...]
    product: Expr


def chain(step: Scatter, axis: Callable[[str], str]) -> Chain:
    """Break a step down; ``axis`` says along what an index runs."""
    names: list[tuple[Ref, Reduce]] = []
    links: list[Link] = []
    tensor, inside = step.ref.tensor, list[str]()
    of, body = Ref(step.equation.target, step.equation.left), step.equation.body
    slope: Expr = x.ONE

    def link(by: Ref, derivative: Expr, fixed: tuple[Ref, ...] = (), alone: bool = False) -> None:
        over = [i for i in inside if i not in (*x.free(of), *x.free(by))]
        links.append(Link(of, by, added_up(derivative, over, axis), fixed, alone))

    for inner in step.through:
        linear = STAND_IN not in x.walk(replaced(inner.slope, inner.reduction, STAND_IN))
        if linear and tensor not in x.tensors(replaced(body, inner.reduction, STAND_IN)):
            slope = x.mul(slope, inner.slope, inner.at)
        else:
            name = named(inner.reduction, names)
            link(name, x.mul(slope, inner.slope))
            of, slope, inside = name, inner.at, []
        inside += inner.reduction.over
        body = inner.reduction.body
    others = [r for r in outermost(body) if r.op != "argmax" and tensor in x.tensors(r)]
    alone = any(may_meet(r, step.ref, inside) for r in outside(body)) or repeats(step.ref, inside)
    link(step.ref, x.mul(slope, step.coefficient), tuple(named(r, names) for r in others), alone)
    links = [Link(k.of, k.by, with_names(k.slope, names), k.fixed, k.alone) for k in links]
    product = x.mul(step.given, *(k.slope for k in links))
    kept = {*x.free(step.equation.lhs), *x.free(product), *x.free(step.ref)}
    return Chain(tuple(names), tuple(links), tuple(i for i in step.loops if i in kept), product)


def added_up(e: Expr, over: list[str], axis: Callable[[str], str]) -> Expr:
    """The sum of a product over indices; what has none of them stands in front."""
    apart = [f for f in x.factors(e) if not set(over) & set(x.free(f))]
    within = [f for f in x.factors(e) if f not in apart]
    summed = tuple(i for i in over if any(i in x.free(f) for f in within))
    count = [x.Size(axis(i)) for i in over if i not in summed]
    return x.mul(*apart, *count, x.reduce("sum", summed, x.mul(*within)))


def repeats(ref: Ref, over: list[str]) -> bool:
    """Whether terms of a sum over these indices may read the same element: no place tells which term it is."""
    plain = {i for e in ref.index if (i := x.plain(e)) is not None}
    for e in ref.index:
        unknown = [i for i in x.free(e) if i in over and i not in plain]
        if len(unknown) > 1 or (unknown and any(isinstance(n, Ref | Op) and not affine(n) for n in x.walk(e))):
            return True
    return False


def may_meet(other: Ref, ref: Ref, over: list[str]) -> bool:
    """Whether another reference may read the same element as this one, in this term of a sum or in another."""
    if other.tensor != ref.tensor or other == ref:
        return False
    for a, b in zip(other.index, ref.index, strict=True):
        gap = x.sub(a, b)
        if isinstance(gap, x.Num) and gap.value != 0 and not set(over) & {*x.free(a), *x.free(b)}:
            return False
    return True


def affine(e: Expr) -> bool:
    return isinstance(e, Op) and e.fn in ("add", "mul")


# ---- names for sums ----------------------------------------------------------------------------------------


def named(reduction: Reduce, names: list[tuple[Ref, Reduce]]) -> Ref:
    """The name of a sum: one that it has, or a new one."""
    for name, known in names:
        if alike(reduction, known):
            return name
    name = Ref(f"%{len(names)}", tuple(map(Pos, x.free(reduction))))
    names.append((name, reduction))
    return name


def with_names(e: Expr, names: list[tuple[Ref, Reduce]]) -> Expr:
    for name, reduction in names:
        e = replaced(e, reduction, name)
    return e


def replaced(e: Expr, reduction: Reduce, by: Expr) -> Expr:
    """An expression with something else for a sum, whatever its indices are called."""
    return x.transform(e, lambda node: by if alike(node, reduction) else None)


def alike(e: Expr, reduction: Reduce) -> bool:
    if not isinstance(e, Reduce) or e.op != reduction.op or len(e.over) != len(reduction.over):
        return False
    return x.rename(e.body, dict(zip(e.over, map(Pos, reduction.over), strict=True))) == reduction.body


def outermost(e: Expr) -> list[Reduce]:
    """The sums and maxima in an expression, not those inside of them."""
    return list(dict.fromkeys([e] if isinstance(e, Reduce) else [r for c in x.children(e) for r in outermost(c)]))


def outside(e: Expr) -> Iterator[Ref]:
    """References that stand in no sum."""
    if isinstance(e, Ref):
        yield e
    elif not isinstance(e, Reduce):
        for child in x.children(e):
            yield from outside(child)
