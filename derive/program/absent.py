"""Sums of products in which a condition has left out a factor: what stands beside it takes no part.

``E[q, k] = exp(S[q, k]) if mask[q, k] else 0`` is 0 where the mask does not hold, and so is ``P = E / total``. In
``sum_k P[q, k] V[k, v]`` 0 times a NaN in V would be NaN, though no element that the mask allows is one. Where an array
is 0 by a condition is followed from statement to statement; the sum then says which of its terms there are:
``sum_k there(P[q, k] V[k, v], mask[q, k])``. Conditions on real data are left out: they are not known before. Of an
array of several parts, as the gates of a recurrent unit are, what holds for all of them is known. In a recurrence,
where a sum is one step's and cannot say so, its arrays are chosen where they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.functions import together
from derive.notation.layer import Equation, Tensor
from derive.program.cases import safe

Conditions = tuple[Expr, ...]
MINUS_INFINITY = x.neg(x.INF)


def with_absent(flat: Iterable[Equation], tensors: dict[str, Tensor], results: Iterable[str]) -> list[Equation]:
    """The equations, with sums of products marked, and results chosen; one reduction each at most."""
    flat = list(flat)
    made: dict[str, list[Equation]] = {}
    for e in flat:
        made.setdefault(e.target, []).append(e)
    known = Absent({name: own for name, own in made.items() if alike(own)}, tensors, {*results, *recurrent(flat)})
    for e in flat:
        known.visit(e)  # what is known of arrays that stand further down
    return [known.visit(e) for e in flat]


def words(e: Equation) -> tuple[str, ...]:
    """The indices that an equation writes its target at, by position; numbers have no name."""
    return tuple(x.plain(i) or "" for i in e.left)


def alike(own: list[Equation]) -> bool:
    """Whether equations write all of one array, or its slices at numbers along the same axes, in the same words."""
    return all(x.plain(i) or isinstance(i, Num) for e in own for i in e.left) and len({*map(words, own)}) == 1


def recurrent(flat: Iterable[Equation]) -> Iterator[str]:
    """The arrays that are made of themselves, step by step; a loop's sum cannot say which terms there are."""
    reads: dict[str, set[str]] = {}
    for e in flat:
        reads.setdefault(e.target, set()).update(x.tensors(e.body))
    for target in reads:
        reached, left = set[str](), [target]
        while left:
            new = reads.get(left.pop(), set()) - reached
            reached |= new
            left += new
        if target in reached:
            yield target


def parts(body: Expr) -> tuple[Expr, Conditions]:
    """The body of a sum, and under which conditions its terms are there."""
    match body:
        case Op("there", (inside, *conditions)):
            return inside, tuple(conditions)
    return body, ()


def stated(body: Expr) -> set[Expr]:
    """The conditions under which a product is there that stand in it, and so are chosen by."""
    found = (f.args[0] for f in x.factors(body) if isinstance(f, Op) and f.fn in ("iverson", "where"))
    return {part for c in found for part in (c.args if isinstance(c, Op) and c.fn == "and" else (c,))}


class Absent:
    """Under which conditions arrays are not 0 (zeros) and not minus infinity (floors), in their own indices."""

    def __init__(self, whole: dict[str, list[Equation]], tensors: dict[str, Tensor], results: Container[str]) -> None:
        self.whole, self.tensors, self.results = whole, tensors, results
        self.zeros: dict[str, tuple[tuple[str, ...], Conditions]] = {}
        self.floors: dict[str, tuple[tuple[str, ...], Conditions]] = {}
        self.clean: dict[str, tuple[tuple[str, ...], Conditions]] = {}  # chosen by a condition, in an array's own words

    def visit(self, e: Equation) -> Equation:
        """Note what is known of an equation's target, and mark its sum."""
        match e.body:
            case Reduce("sum", over, Op("mul", _) as body):
                conditions = self.beside(body)
                if conditions:
                    return replace(e, body=Reduce("sum", over, Op("there", (body, *conditions))))
            case Reduce("sum", over, Ref() | Op("add", _) as body):
                return replace(e, body=Reduce("sum", over, self.left_out(body, self.unclean(body))))
            case Reduce():
                pass
            case body if e.target in self.whole:
                bodies = [one.body for one in self.whole[e.target]]
                self.zeros[e.target] = words(e), common(self.zero, bodies)
                self.floors[e.target] = words(e), common(self.floor, bodies)
                made = [self.chosen(e.target, body) for body in bodies]
                self.clean[e.target] = words(e), common(self.chooses, made)
                return replace(e, body=self.chosen(e.target, body))
        return e

    def beside(self, product: Expr) -> Conditions:
        """The conditions that a sum of products has to say; beside an array alone, not those that it is chosen by."""
        alone = [f for f in x.factors(product) if not (isinstance(f, Op) and f.fn == "iverson")]
        conditions = self.zero(product)
        if len(alone) == 1 and isinstance(alone[0], Ref):
            own = self.at(self.clean, alone[0])
            return tuple(c for c in conditions if c not in own)
        return conditions

    def chosen(self, target: str, body: Expr) -> Expr:
        """What is left out of a row's mean or sum with its probabilities, and of a product that is a result."""
        match body:
            case Op("less_mean" | "less_share" as fn, (f, p, Pos() as along)):
                return Op(fn, (f, p, along, *(self.zero(p) if fn == "less_mean" else self.zero(f))))
            case Op("mul" | "add", _) if target in self.results:
                return self.left_out(body, self.unclean(body))
        return body

    def chooses(self, e: Expr) -> Conditions:
        """By what an expression is chosen, whatever NaN it is made of."""
        match e:
            case Ref():
                return self.at(self.clean, e)
            case Op("add", terms):
                return common(self.chooses, terms)
        return tuple(stated(e))

    def left_out(self, body: Expr, conditions: Conditions) -> Expr:
        """An expression that is chosen where conditions hold."""
        if not conditions:
            return body
        return safe(x.where(together(conditions), body, x.ZERO))

    def unclean(self, e: Expr) -> Conditions:
        """The conditions by which an expression is 0 but for NaN: those of a product, which nothing has chosen."""
        chosen = self.chooses(e)
        return tuple(c for c in self.zero(e) if c not in chosen)

    def zero(self, e: Expr) -> Conditions:
        """What has to hold for an expression not to be 0, as far as it is known."""
        match e:
            case Ref():
                return self.at(self.zeros, e)
            case Op("where", (c, a, b)) if b == x.ZERO:
                return self.also(c, self.zero(a))
            case Op("where", (c, a, b)) if a == x.ZERO:
                return self.also(Op("not", (c,)), self.zero(b))
            case Op("where", (_, a, b)):
                return common(self.zero, (a, b))
            case Op("iverson", (c,)):
                return self.also(c, ())
            case Op("add", args):
                return common(self.zero, args)
            case Op("mul", args):
                return tuple(dict.fromkeys(c for a in args for c in self.zero(a)))
            case Op("pow", (a, Num(value))) if value > 0:
                return self.zero(a)
            case Op("exp", (a,)) | Op("row_exp", (a, *_)):
                return self.floor(a)
            case Op("less_share", (f, p, *_)):
                return tuple(c for c in self.zero(f) if c in self.zero(p))
            case Op("group" | "abs", (a,)):
                return self.zero(a)
        return ()

    def floor(self, e: Expr) -> Conditions:
        """What has to hold for an expression not to be minus infinity."""
        match e:
            case Ref():
                return self.at(self.floors, e)
            case Op("where", (c, a, b)) if b == MINUS_INFINITY:
                return self.also(c, self.floor(a))
            case Op("where", (c, a, b)) if a == MINUS_INFINITY:
                return self.also(Op("not", (c,)), self.floor(b))
            case Op("where", (_, a, b)):
                return common(self.floor, (a, b))
        return ()

    def at(self, table: dict[str, tuple[tuple[str, ...], Conditions]], ref: Ref) -> Conditions:
        """What is known of a tensor, at the indices of a reference."""
        own, conditions = table.get(ref.tensor, ((), ()))
        if not all(map(x.plain, ref.index)):
            return ()
        return tuple(x.rename(c, dict(zip(own, ref.index, strict=True))) for c in conditions)

    def also(self, c: Expr, others: Conditions) -> Conditions:
        """Conditions and one more, if it asks for nothing that is real data."""
        parts = c.args if isinstance(c, Op) and c.fn == "and" else (c,)
        plain = (p for p in parts if not any(self.tensors[t].kind == "real" for t in x.tensors(p)))
        return tuple(dict.fromkeys((*plain, *others)))


def common(known: Callable[[Expr], Conditions], parts: Iterable[Expr]) -> Conditions:
    """Conditions that hold for all of several expressions."""
    first, *rest = (known(p) for p in parts)
    return tuple(c for c in first if all(c in r for r in rest))
