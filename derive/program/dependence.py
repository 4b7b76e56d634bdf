"""How equations refer to one another: order, groups that need each other, positions along an axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from derive.calculus.adjoint import Adjoint
from derive.calculus.order import groups
from derive.notation import expr as x
from derive.notation.affine import affine
from derive.notation.expr import Expr, Num, Op, Opt, Part, Pos, Reduce, Ref, Size
from derive.notation.layer import Equation, Tensor
from derive.program.draft import Draft


def constants_inlined(draft: Draft) -> Draft:
    """Write a tensor that is the same at every index where it is used, instead of filling an array with it."""
    equations, results = draft.equations, draft.results
    whole = {name for e in equations if isinstance(e.body, Part) for name in x.tensors(e.body)}
    times = Counter(e.target for e in equations)
    constant = {
        e.target: e.body
        for e in equations
        if e.left
        and not x.free(e.body)
        and not isinstance(e.body, Part)
        and e.target not in whole.union(results)
        and times[e.target] == 1
    }

    def visit(e: Expr) -> Expr | None:
        if isinstance(e, Ref) and e.tensor in constant:
            return x.transform(constant[e.tensor], visit)
        return None

    if not constant:
        return draft
    kept = [e for e in equations if e.target not in constant]
    return draft.with_equations(replace(e, body=x.transform(e.body, visit)) for e in kept)


def reaching_back(
    tensors: dict[str, Tensor], equations: Iterable[Equation], adjoints: Iterable[Adjoint]
) -> dict[str, str]:
    """Tensors that begin at position -1 of an axis, and the axis: those of recurrences, and their adjoints."""
    found = {
        e.target: tensors[e.target].axes[place]
        for e in equations
        for place, i in enumerate(e.left)
        if isinstance(i, Num) and i.value < 0
    }
    for pairs in adjoints:
        given = pairs.cotangents.values()
        found |= {a: found[n] for n, a in pairs.names.items() if n in found and a not in given}
    return found


def call(e: Part) -> Part:
    """What the results of one call of a part's function have in common."""
    return replace(e, field="")


def mentions(e: Equation, axis: str) -> bool:
    return axis in x.free(e.lhs) or axis in x.free(e.body) or (isinstance(e.body, Reduce) and axis in e.body.over)


def position(ref: Ref, axis: str) -> int | None:
    """How far from the loop's position a reference stands; None where the axis does not occur."""
    return next((s[1] for i in ref.index if (s := shift_of(i)) and s[0] == axis), None)


def is_push(e: Equation, axis: str) -> bool:
    return bool(position(e.lhs, axis))


def shifts_in(term: Expr, axis: str, tensors: set[str] | None = None) -> set[int]:
    """How far from the loop's position the references in a term stand."""
    return {
        s[1]
        for n in x.walk(term)
        if isinstance(n, Ref) and (tensors is None or n.tensor in tensors)
        for i in n.index
        if (s := shift_of(i)) and s[0] == axis
    }


def condition_at(term: Expr, axis: str) -> tuple[Expr, Expr] | None:
    """``[t == c] * rest`` as (c, rest); where the rest may not be computed elsewhere, it is a case."""
    inside: Expr
    for factor in x.factors(term):
        match factor:
            case Op("iverson", (condition,)):
                inside = x.ONE
            case Op("where", (condition, inside, other)) if other == x.ZERO:
                pass
            case _:
                continue
        conditions = condition.args if isinstance(condition, Op) and condition.fn == "and" else (condition,)
        for asked in conditions:
            match asked:
                case Op("==", (Pos(index), c)) if index == axis and not x.free(c):
                    others = [x.iverson(o) for o in conditions if o is not asked]
                    if others and inside != x.ONE:
                        left = tuple(o for o in conditions if o is not asked)
                        inside = x.where(left[0] if len(left) == 1 else Op("and", left), inside, x.ZERO)
                        others = []
                    return c, x.mul(*others, inside, *(f for f in x.factors(term) if f is not factor))
    return None


def without_start(term: Expr, axis: str) -> Expr:
    """Drop ``[t >= 0]``, which holds inside the loop."""
    start = x.iverson(Op(">=", (Pos(axis), x.ZERO)))
    return x.transform(
        term, lambda e: x.mul(*(f for f in x.factors(e) if f != start)) if start in x.factors(e) else None
    )


def opened(term: Expr, axis: str) -> Iterator[Expr]:
    """A product as a sum of products, as far as factors are sums with a condition on where an axis stands."""
    for factor in x.factors(term):
        apart = x.terms(factor)
        if len(apart) > 1 and any(condition_at(t, axis) is not None for t in apart):
            rest = [f for f in x.factors(term) if f is not factor]
            for one in apart:
                yield from opened(x.mul(one, *rest), axis)
            return
    yield term


def shift_of(index: Expr) -> tuple[str, int] | None:
    """``t - 1`` is (t, -1); None for anything but an index plus a whole number."""
    names = x.free(index)
    if len(names) != 1 or any(isinstance(n, Ref | Size | Opt) for n in x.walk(index)):
        return None
    match affine(index, names[0]):
        case x.ONE, Num(rest):
            return names[0], int(rest)
    return None


def components(equations: list[Equation]) -> list[list[Equation]]:
    """Strongly connected groups of equations, each after what it needs; otherwise in the order given."""
    makers: dict[str, list[int]] = {}
    calls: dict[Part, list[int]] = {}
    together: list[list[int]] = []  # those of one call, for each equation
    for n, e in enumerate(equations):
        makers.setdefault(e.target, []).append(n)
        together.append(calls.setdefault(call(e.body), []) if isinstance(e.body, Part) else [])
        together[-1].append(n)
    needs = [
        sorted({m for t in x.tensors(e.body) for m in makers.get(t, ())} | {*makers[e.target], *together[n]} - {n})
        for n, e in enumerate(equations)
    ]
    return [[equations[n] for n in group] for group in groups(needs)]


def recurrence(group: list[Equation]) -> tuple[str | None, bool]:
    """The axis along which a group of equations refers to itself at another position, and the direction.

    Along another axis a step may read neighbours, too (``a[t - 1, s - 1]``): it is the axis along which no array needs
    itself where it stands.
    """
    targets = {e.target for e in group}
    own = [(e, n) for e in group for n in x.walk(e.body) if isinstance(n, Ref) and n.tensor in targets]

    def ahead(e: Equation, node: Ref, axis: str) -> int:
        return (position(node, axis) or 0) - (position(e.lhs, axis) or 0)

    found: dict[str, int] = {}
    for e, node in own:
        for index in (*node.index, *e.left):
            shift = shift_of(index)
            if shift is not None and shift[1] and (by := ahead(e, node, shift[0])):
                found.setdefault(shift[0], by)
    # an adjoint is added to where another step stands: along that axis the equation is written
    found = dict(sorted(found.items(), key=lambda along: not any(position(e.lhs, along[0]) for e in group)))
    names = sorted(targets) if len(found) > 1 else []
    for axis, by in found.items():
        here = [(e.target, n.tensor) for e, n in own if n != e.lhs and not ahead(e, n, axis)]
        needs = [[names.index(b) for a, b in here if a == name] for name in names]
        if all(len(g) == 1 and g[0] not in needs[g[0]] for g in groups(needs)):
            return axis, by > 0
    return next(((axis, by > 0) for axis, by in found.items()), (None, False))
