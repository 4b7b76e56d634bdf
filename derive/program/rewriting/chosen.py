"""Exponentials under a sum that a condition or a weight leaves out, as ``exp(f) if c else 0`` wherever they are.

Differentiation writes ``[c] exp(f)`` where the definition has a case, and takes ``exp(f)`` out of a sum that does not
bind its indices: ``exp(f[i]) sum(k, q[k] if c[i, k] else 0)``. In the first the condition is put on the exponential; in
the second the exponential goes back under the sum, where the condition is. Both are equal to what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from derive.calculus.monomials import negated
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation
from derive.program.draft import pruned

Test = Callable[[Expr], bool]
Choice = Callable[[Expr, Expr], Expr | None]  #: an exponential where a condition holds, or more


def is_exp(e: Expr) -> bool:
    return isinstance(e, Op) and e.fn == "exp"


def nothing_last(e: Expr) -> Expr | None:
    """``0 if c else exp(f)`` as ``exp(f) if not c else 0``."""
    match e:
        case Op("where", (c, a, b)) if a == x.ZERO and any(map(is_exp, x.factors(b))):
            return x.where(negated(c), b, a)
    return None


def parts_of(c: Expr) -> tuple[Expr, ...]:
    """The conditions that hold where one does, however they are put together."""
    return tuple(p for a in c.args for p in parts_of(a)) if isinstance(c, Op) and c.fn == "and" else (c,)


def chosen_by(body: Expr) -> list[Expr]:
    """The conditions by which a product's exponential is there."""
    found: list[Expr] = []
    for f in x.factors(body):
        match f:
            case Op("iverson", (c,)):
                found += parts_of(c)
            case Op("where", (c, a, b)) if b == x.ZERO and is_exp(a):
                found += parts_of(c)
    return found


def weights_of(body: Expr) -> list[Expr]:
    """The factors of a product that have indices which its exponential has not: where they are 0, it is left out."""
    factors = x.factors(body)
    own = {i for f in factors if is_exp(f) for i in x.free(f)}
    return [f for f in factors if isinstance(f, Ref) and own and not {*x.free(f)} <= own]


def conditional(e: Expr, choice: Choice, weighs: Test) -> Expr:
    """An expression with exponentials chosen by the conditions and weights that are known."""

    def chosen(e: Expr, c: Expr) -> Expr:
        """A side of a case, its terms' exponentials chosen by the case's condition."""
        terms = (x.mul(*((choice(f, c) or f) if is_exp(f) else f for f in x.factors(t))) for t in x.terms(e))
        return x.add(*terms)

    def visit(n: Expr) -> Expr:
        n = x.rebuild(n, visit)
        match n:
            case Op("mul", args):
                conditions = [c for a in args if isinstance(a, Op) and a.fn == "iverson" for c in parts_of(a.args[0])]
                conditions += [Op("!=", (a, x.ZERO)) for a in args if weighs(a)]
                both = conditions[0] if len(conditions) == 1 else Op("and", tuple(conditions))
                for f in filter(is_exp, args) if conditions else ():
                    found = choice(f, both)
                    if isinstance(found, Op):
                        used = parts_of(found.args[0])
                        rest = (a for a in args if a is not f and not is_among(a, used))
                        return visit(x.mul(*rest, found))
            case Op("where", (c, a, b)):
                return x.where(c, a if is_exp(a) else chosen(a, c), chosen(b, negated(c)))
        return n

    return visit(e)


def is_among(e: Expr, conditions: Iterable[Expr]) -> bool:
    """Whether a factor is 1 where all of some conditions hold."""
    return isinstance(e, Op) and e.fn == "iverson" and {*parts_of(e.args[0])} <= {*conditions}


def brought_in(
    flat: list[Equation],
    totals: Collection[str],
    fresh: Callable[[str, tuple[str, ...]], str],
    results: Iterable[str],
) -> list[Equation]:
    """The equations with exponentials under the sums, divided by some totals, that they were taken out of."""
    made = {e.target: e for e in flat if isinstance(e.body, Reduce) and e.body.op == "sum" and divides(e.body, totals)}
    out: list[Equation] = []

    def sums_inside(e: Expr) -> bool:
        return any(isinstance(f, Ref) and f.tensor in made for f in x.factors(e))

    def visit(n: Expr) -> Expr | None:
        if not (isinstance(n, Op) and n.fn == "mul"):
            return None
        for total in n.args:
            terms = x.terms(total)
            if len(terms) > 1 and any(map(is_exp, n.args)) and all(map(sums_inside, terms)):
                rest = [a for a in n.args if a is not total]
                return x.add(*(x.transform(x.mul(*rest, t), visit) for t in terms))
        for r in n.args:
            grown = next((a for a in n.args if is_exp(a)), None)
            if grown is None or not isinstance(r, Ref) or r.tensor not in made or not all(map(x.plain, r.index)):
                continue
            equation = made[r.tensor]
            if len(equation.indices) != len(r.index):
                continue
            at = dict(zip(equation.indices, r.index, strict=True))
            axes = tuple(dict.fromkeys((*x.free(r), *x.free(grown))))
            inside = apart(x.rename(equation.body, at), axes)
            name = fresh(f"{r.tensor}_exp", axes)
            left = tuple(map(Pos, axes))
            out.append(Equation(name, left, replace(inside, body=times(inside.body, grown))))
            rest = [a for a in n.args if a is not grown and a is not r]
            return x.transform(x.mul(*rest, Ref(name, left)), visit)
        return None

    if made:
        for e in flat:
            changed = replace(e, body=x.transform(e.body, visit)) if e.target not in made else e
            out.append(changed)
    return list(pruned(out, results)) if made else flat


def apart(e: Expr, taken: Iterable[str]) -> Reduce:
    """A sum whose indices are none of those taken."""
    assert isinstance(e, Reduce)
    names = {i: x.fresh(i, {*taken, *x.free(e), *e.over} - {i}) for i in e.over}
    return Reduce(e.op, tuple(names.values()), x.rename(e.body, {i: Pos(n) for i, n in names.items()}))


def times(e: Expr, grown: Expr) -> Expr:
    """An expression times an exponential, which stands in its cases."""
    match e:
        case Op("where", (c, a, b)) if b == x.ZERO:
            return x.where(c, times(a, grown), b)
        case Op("add", args):
            return x.add(*(times(a, grown) for a in args))
    return x.mul(e, grown)


def divides(e: Expr, totals: Collection[str]) -> bool:
    """Whether something is divided by one of some tensors."""
    return any(isinstance(n, Op) and is_inverse(n, totals) for n in x.walk(e))


def is_inverse(e: Op, totals: Collection[str]) -> bool:
    match e:
        case Op("pow", (Ref(name), Num(n))):
            return name in totals and n < 0
    return False
