"""A case that is not taken is not evaluated: what could fail there is given an argument that is harmless.

``sqrt(x) if x > 0 else 0`` over arrays is computed for all elements and chosen from. So it is written
``sqrt(x if x > 0 else 1) if x > 0 else 0``: nothing overflows or is undefined in an element that is not chosen.
"""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.functions import sign_of, together
from derive.program.draft import Draft

OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}

HARMLESS = {
    "exp": x.ZERO,
    "library expm1": x.ZERO,
    "log": x.ONE,
    "library log1p": x.ZERO,
    "pow": x.ONE,
    "runtime powered": x.ONE,
}


def safe(e: Expr, tests: tuple[Expr, ...] = ()) -> Expr:
    """An expression in which every case is harmless where it is not taken.

    Args:
        e: the expression.
        tests: the conditions under which it is needed.
    """
    match e:
        case Op("where", (c, a, b)) if by_element(c):
            negated = c.args[0] if isinstance(c, Op) and c.fn == "not" else Op("not", (c,))
            return x.where(safe(c, tests), quotient(a, (*tests, c), b), safe(b, (*tests, negated)))
        case Op("mul", factors):
            chosen = [f for f in factors if isinstance(f, Op) and f.fn == "iverson" and by_element(f.args[0])]
            rest = [f for f in factors if f not in chosen]
            if chosen and any(fragile(n) for f in rest for n in x.walk(f)):
                conditions = tuple(f.args[0] for f in chosen if isinstance(f, Op))
                return safe(x.where(together(conditions), x.mul(*rest), x.ZERO), tests)
        case Op(fn, (argument, *others)) if tests and fragile(e):
            inner = safe(argument, tests)
            return Op(fn, (x.where(together(tests), inner, HARMLESS[fn]), *others))
    return x.rebuild(e, lambda child: safe(child, tests))


def quotient(e: Expr, tests: tuple[Expr, ...], other: Expr) -> Expr:
    """A case beside another one; beside 0 a target divides only where it is taken."""
    brackets = any(isinstance(f, Op) and f.fn == "iverson" and by_element(f.args[0]) for f in x.factors(e))
    if other != x.ZERO or len(tests) > 1 or brackets:
        return safe(e, tests)
    parts = []
    for f in x.factors(e):
        match f:
            case Op("pow", (base, Num(value))) if value < 0:
                parts.append(x.power(safe(x.power(base, Num(-value)), tests), x.num(-1)))
            case _:
                parts.append(safe(f, tests))
    return x.mul(*parts)


def fragile(e: Expr) -> bool:
    """Whether a function of data can be undefined, or overflow."""
    match e:
        case Op("pow", (a, Num(value))):
            return bool(x.tensors(a)) and (value < 0 or value.denominator != 1)
        case Op(fn, (a, *_)):
            return fn in HARMLESS and bool(x.tensors(a))
    return False


def by_element(condition: Expr) -> bool:
    """Whether a condition is one of arrays, of which all elements are computed."""
    return any(isinstance(n, Ref | Pos) and x.free(n) for n in x.walk(condition))


def unless(draft: Draft) -> Draft:
    """``[a <= b]`` of real data as ``[not a > b]``: NaN, for which no comparison holds, is chosen, not 0.

    So it is the largest wherever the largest is wanted. A comparison that the definition itself makes holds or not as
    it stands.
    """
    cases = (n for e in draft.layer.equations for n in x.walk(e.body) if isinstance(n, Op) and n.fn == "where")
    own = {without_indices(n) for case in cases for n in x.walk(case.args[0])}

    def turned(c: Expr) -> Expr | None:
        match c:
            case Op(fn, (a, b)) if fn in OPPOSITE and x.free(c) and without_indices(c) not in own:
                if any(draft.tensors[r.tensor].kind == "real" for r in x.refs(c)):
                    return Op("not", (Op(OPPOSITE[fn], (a, b)),))
        return None

    def visit(e: Expr) -> Expr | None:
        match e:
            case Op("iverson", (c,)) if other := turned(c):
                return x.iverson(other)
            case Op("where", _) if sign_of(e) is not None:
                return e  # that of NaN is 0
            case Op("where", (c, chosen, x.ZERO)) if other := turned(c):
                return x.where(other, within(chosen, c, other), x.ZERO)
        return None

    def within(e: Expr, c: Expr, other: Expr) -> Expr:
        """What is harmless where the case is not taken is so where NaN is not chosen either."""

        def turn(n: Expr) -> Expr | None:
            match n:
                case Op("where", (found, a, b)) if found == c:
                    return x.where(other, a, b)
            return None

        return x.transform(e, turn)

    return draft.each_body(lambda body: x.transform(body, visit))


def without_indices(e: Expr) -> Expr:
    """An expression whatever the elements it is of."""
    return x.transform(e, lambda n: Ref(n.tensor, ()) if isinstance(n, Ref) else None)
