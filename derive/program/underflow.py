"""Whether a program may lose its digits to underflow on the way to a result that is far from it.

The square of 1e-170 is 0 in float64, and a quotient or a root of such squares is a number as good as any other: a norm,
a Rayleigh quotient, ``g v / |v|``. Underflow costs nothing where nothing is divided by what it has made small, nor a
root or a logarithm taken of it: not where a constant is added below the line, as in layer norm. An exponential
underflows in every softmax, and nothing is wrong with it: of a program that has one nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Ref
from derive.program.ir import Contract, Fold, Invoke, Map, Scatter, Statement
from derive.program.overflow import CHOICES, flat

#: Functions that underflow only where their arguments, or products of them, are small.
PLAIN = {*CHOICES, "add", "mul", "pow", "abs", "group", "max", "log", "negative_part", "floordiv", "exactdiv", "run"}
PLAIN |= {"there", "runtime copysign", "runtime hypot", "library log1p"}
SUMS = ("sum", "mean", "max", "argmax", "largest", "norm", "squares", "square_sum")
SQUARES = ("norm", "squares", "square_sum")

Bodies = Mapping[str, list[Expr]]


def may_underflow_on_the_way(statements: Iterable[Statement], before: Iterable[Statement] = ()) -> bool:
    """Whether a result may be in range although something before it is next to 0.

    Args:
        before: what has made the arrays that the statements are given.
    """
    own, bodies = list(flat(statements)), dict[str, list[Expr]]()
    for s in (*flat(before), *own):
        if isinstance(s, Invoke) or (isinstance(s, Fold) and s.op not in SUMS):
            return False
        if any(isinstance(n, Op) and n.fn not in PLAIN for e in parts(s) for n in x.walk(e)):
            return False
        bodies.setdefault(s.name, []).extend(map(kept_apart, parts(s)))
    products = any(isinstance(s, Contract) or (isinstance(s, Fold) and s.op in SQUARES) for s in own)
    nodes = [n for s in own for e in parts(s) for n in x.walk(kept_apart(e)) if isinstance(n, Op) and x.tensors(n)]
    return (products or any(map(multiplies, nodes))) and any(divides(n, bodies) for n in nodes)


def parts(s: Statement) -> tuple[Expr, ...]:
    """What a statement adds up, or what its elements are; a product as one."""
    match s:
        case Contract():
            return (x.mul(s.scale, s.a, s.b),)
        case Scatter():
            return (s.values,)
        case Fold():
            return (s.body, s.count)
        case Map():
            return (s.body,)
    return ()


def kept_apart(e: Expr) -> Expr:
    """An expression in which what a case keeps above a number has that number added: it is not next to 0 there."""

    def visit(n: Expr) -> Expr | None:
        match n:
            case Op("where", (Op(">" | ">=", (Ref() as r, c)) | Op("not", (Op("<" | "<=", (Ref() as r, c)),)), a, b)):
                sides = [x.transform(a, lambda m: x.add(m, c) if m == r else None), b]
            case Op("where", (Op("<" | "<=", (Ref() as r, c)) | Op("not", (Op(">" | ">=", (Ref() as r, c)),)), a, b)):
                sides = [a, x.transform(b, lambda m: x.add(m, c) if m == r else None)]
            case _:
                return None
        return None if x.tensors(c) or c == x.ZERO else x.where(n.args[0], *map(kept_apart, sides))

    return x.transform(e, visit)


def multiplies(e: Op) -> bool:
    """Whether it is a product of data, or a power that is smaller than a small number."""
    match e:
        case Op("mul", args):
            return sum(bool(x.tensors(a)) and not is_reciprocal(a) for a in args) > 1
        case Op("pow", (_, exponent)):
            return not isinstance(exponent, Num) or abs(exponent.value) > 1
    return False


def is_reciprocal(e: Expr) -> bool:
    match e:
        case Op("pow", (_, Num(n))):
            return n < 0
    return False


def divides(e: Op, bodies: Bodies) -> bool:
    """Whether it is large, or has digits, where what it is made of is next to 0."""
    match e:
        case Op("pow", (base, Num(n))) if n < 0 or n.denominator > 1:
            return vanishes(base, bodies)
        case Op("log", (inside,)):
            return vanishes(inside, bodies)
    return False


def vanishes(e: Expr, bodies: Bodies, seen: frozenset[str] = frozenset()) -> bool:
    """Whether it may be next to 0 because data is: not with a constant added to it."""
    match e:
        case Ref(name) if name in bodies:
            return name not in seen and any(vanishes(b, bodies, seen | {name}) for b in bodies[name])
        case Ref():
            return True
        case Op("add" | "max", args):
            return all(bool(x.tensors(a)) and vanishes(a, bodies, seen) for a in args if a != x.ZERO)
        case Op("mul" | "runtime hypot", args):
            return any(vanishes(a, bodies, seen) for a in args)
        case Op("pow", (base, Num(n))):
            return n > 0 and vanishes(base, bodies, seen)
        case Op("where", (_, a, b)):
            return vanishes(a, bodies, seen) or vanishes(b, bodies, seen)
        case Op("abs" | "group" | "there" | "negative_part" | "run", (inside, *_)):
            return vanishes(inside, bodies, seen)
    return False
