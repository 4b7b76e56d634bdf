"""Index expressions: put in order, solved for an index, and the conditions that always hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from fractions import Fraction
from math import inf, prod

import sympy

from derive.calculus.adjoint import CalculusError
from derive.calculus.scalars import Scalars
from derive.notation import expr as x
from derive.notation.affine import affine
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.text import show


def tidy_indices(e: Expr) -> Expr:
    """Collect terms in index expressions, compared or as places: ``(s*i + k - k) / s`` is ``i``."""

    def visit(node: Expr) -> Expr | None:
        match node:
            case Op("<" | "<=" | ">" | ">=" | "==" | "!=" as op, (a, b)) if placed(a) and placed(b):
                return Op(op, (tidy_index(a), tidy_index(b)))
        if not isinstance(node, Ref):
            return None
        return Ref(
            node.tensor, tuple(x.transform(i, visit) if isinstance(i, Ref) else tidy_index(i) for i in node.index)
        )

    return x.transform(e, visit)


def placed(e: Expr) -> bool:
    """Whether an expression is a sum of indices and lengths."""
    return all(isinstance(n, Pos | Size | Num) for t in x.terms(e) for n in x.factors(t))


def tidy_index(e: Expr) -> Expr:
    if isinstance(e, Pos | Num | Opt):
        return e
    scalars = Scalars()
    top: Expr = e
    bottom: Expr = x.ONE
    if isinstance(e, Op) and e.fn == "exactdiv":
        top, bottom = e.args
    top = x.transform(top, multiplied_again)
    quotient = sympy.cancel(scalars.to(top) / scalars.to(bottom))
    if quotient.is_Integer or (quotient.free_symbols and whole_polynomial(quotient)):
        tidy = scalars.back(sympy.expand(quotient))
        return e if len(show(tidy)) >= len(show(e)) else tidy
    return e


def multiplied_again(e: Expr) -> Expr | None:
    """``s * ((p - k) / s)`` is ``p - k``: the quotient is a place only where it is whole."""
    if isinstance(e, Op) and e.fn == "mul":
        for f in e.args:
            if isinstance(f, Op) and f.fn == "exactdiv" and f.args[1] in e.args:
                rest = list(e.args)
                rest.remove(f)
                rest.remove(f.args[1])
                return x.mul(f.args[0], *rest)
    return None


#: A comparison and what it is where it does not hold.
OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def always(e: Expr, axis: Callable[[str], str], early: Collection[str] | None = None) -> Expr:
    """An expression without the conditions that hold wherever an index runs: it is before its end.

    Args:
        axis: says along which axis an index runs.
        early: the axes along which an index may begin before 0, as in recurrences: all of them where None is given.
            Along others ``j + size(i) >= size(i)`` holds.
    """

    def from_0(c: Expr) -> bool:
        return early is not None and not any(axis(i) in early for i in x.free(c))

    def holds(c: Expr) -> bool:
        match c:
            case Op("<", (Pos(i), Size(own))):
                return axis(i) == axis(own)
            case Op("not", (Op(fn, pair),)) if fn in OPPOSITE:
                return holds(Op(OPPOSITE[fn], pair))
            case Op("<" | "<=" | ">" | ">=" as fn, (a, b)) if from_0(c) and not x.tensors(c):
                more = x.sub(b, a) if fn in ("<", "<=") else x.sub(a, b)
                return least(more, axis) >= (fn in ("<", ">"))
            case Op("and", parts):
                return all(map(holds, parts))
        return False

    def visit(node: Expr) -> Expr | None:
        match node:
            case Op("iverson", (c,)) if holds(c):
                return x.ONE
            case Op("where", (c, a, _)) if holds(c):
                return x.transform(a, visit)
            case Op("where", (c, _, b)) if holds(Op("not", (c,))):
                return x.transform(b, visit)
            case Op("and", parts):
                rest = tuple(x.transform(p, visit) for p in parts if not holds(p))
                return rest[0] if len(rest) == 1 else Op("and", rest) if rest else None
        return None

    return x.transform(e, visit)


def least(e: Expr, axis: Callable[[str], str]) -> float:
    """A whole number that a sum of indices, lengths and numbers is never below, as far as it is seen."""
    numbers: dict[Expr, Fraction] = {}
    scalars = Scalars()
    for term in x.terms(scalars.back(sympy.expand(scalars.to(e)))):
        factors = x.factors(term)
        number = prod((f.value for f in factors if isinstance(f, Num)), start=Fraction(1))
        numbers[x.mul(*(f for f in factors if not isinstance(f, Num)))] = number
    low = numbers.pop(x.ONE, Fraction(0))
    for index in [i for i, n in numbers.items() if isinstance(i, Pos) and n < 0]:
        ends = [a for a in numbers if isinstance(a, Size) and axis(a.axis) == axis(index.index)]
        if not ends:
            return -inf
        low -= numbers[index]  # it is 1 less than its length, or more
        numbers[ends[0]] += numbers.pop(index)
    return float(low) if all(n >= 0 and isinstance(e, Pos | Size) for e, n in numbers.items() if n) else -inf


def names_indices(e: Expr) -> tuple[str, ...]:
    """The indices that a node names."""
    return (e.index,) if isinstance(e, Pos) else e.over if isinstance(e, Reduce) else ()


def whole_polynomial(s: sympy.Expr) -> bool:
    """Whether an expression is a polynomial with whole coefficients: no exact division is left in it."""
    return bool(s.is_polynomial()) and all(c.is_Integer for c in sympy.Poly(s).coeffs())


def linear(e: Expr, index: str) -> tuple[Expr, Expr]:
    """Split an affine index expression into the coefficient of one index and the rest.

    Raises:
        CalculusError: the expression is not affine in the index.
    """
    found = affine(e, index)
    if found is None:
        mend = "an index is a sum of indices, each times a number"
        raise CalculusError(f"the index {show(e)} is not affine in {index}", mend)
    return found


def spread(term: Expr, index: str) -> Iterator[Expr]:
    """A product as a sum of products, as far as factors are sums whose terms read other places along an index."""
    for factor in x.factors(term):
        apart = x.terms(factor)
        if len({places(t, index) for t in apart}) > 1:
            rest = [f for f in x.factors(term) if f is not factor]
            for one in apart:
                yield from spread(x.mul(one, *rest), index)
            return
    yield term


def places(e: Expr, index: str) -> frozenset[Expr]:
    """How far from an index the references of an expression stand."""
    refs = (n for n in x.walk(e) if isinstance(n, Ref))
    return frozenset(p for r in refs for i in r.index if x.free(i) == [index] and (p := rest_of(i, index)) is not None)


def rest_of(e: Expr, index: str) -> Expr | None:
    """What is added to an index: 1 of ``t + 1``; None for what is not the index plus something."""
    try:
        coefficient, rest = linear(e, index)
    except CalculusError:
        return None
    return rest if coefficient == x.ONE else None
