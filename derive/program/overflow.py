"""Whether a program may overflow on the way to a result that does not.

It may where numbers are added, which cancel, where a product, a power or an exponential is multiplied, maybe by
something small, or where a function is taken of a power or a product, or the
position of the largest: log(x**2). A single product, quotient or function
that is out of range is out of range for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op
from derive.program.ir import Both, Contract, Fold, Invoke, Loop, Make, Map, Rows, Scatter, Statement

MINUS = x.num(-1)
LARGE = 1000  # a fraction is printed as a product and a quotient, one of such numbers may overflow
SUMS = {"add", "less_mean", "less_share"}
SWELLING = {"exp", "expm1", "unbounded_exp", "powered"}
CHOICES = {"where", "iverson", "and", "or", "not", "==", "!=", "<", "<=", ">", ">="}  # of numbers that are there


def may_overflow_on_the_way(statements: Iterable[Statement]) -> bool:
    """Whether a result may be in range although something before it is not."""
    made: set[str] = set()
    for s in flat(statements):
        if isinstance(s, Contract | Scatter | Invoke) or (isinstance(s, Fold) and s.op not in ("max", "argmax")):
            return True
        again = bool(made & set(x.tensors(s.body)))
        if isinstance(s, Fold) and s.op == "argmax" and (again or grows(s.body)):  # of what is infinite: the first
            return True
        if any(isinstance(n, Op) and n.fn in SUMS and x.tensors(n) for n in x.walk(s.body)):
            return True
        if products(s.body) > (not again) or any(map(comes_back, x.walk(s.body))):
            return True
        if again or any(isinstance(n, Op) and n.fn not in CHOICES for n in x.walk(s.body)):
            made.add(s.name)
    return False


def flat(statements: Iterable[Statement]) -> Iterator[Map | Fold | Contract | Scatter | Invoke]:
    """Statements one after another, those inside loops too."""
    for s in statements:
        if isinstance(s, Loop | Rows):
            yield from flat(s.body)
        elif isinstance(s, Both):
            yield from (s.first, s.second)
        elif not isinstance(s, Make):
            yield s


def products(e: Expr) -> int:
    """How many products with data are made one after another; factors that are numbers count as one, -1 as none."""
    muls = [n.args for n in x.walk(e) if isinstance(n, Op) and n.fn == "mul" and x.tensors(n)]
    swollen = sum(any(map(swells, args)) and len(args) - (MINUS in args) > 1 for args in muls)
    long = sum(isinstance(a, Num) and min(abs(a.value.numerator), a.value.denominator) > LARGE for m in muls for a in m)
    return (
        long
        + swollen
        + sum(len({bool(x.tensors(a)) and n for n, a in enumerate(args, 1) if a != MINUS}) - 1 for args in muls)
    )


def swells(e: Expr) -> bool:
    """Whether it is a power or an exponential of data, which is out of range where another factor brings it back."""
    match e:
        case Op("pow", (_, exponent)):
            return (not isinstance(exponent, Num) or abs(exponent.value) > 1) and bool(x.tensors(e))
        case Op("abs" | "group", (a,)):
            return swells(a)
        case Op(fn, _):
            return fn.removeprefix("runtime ") in SWELLING and bool(x.tensors(e))
    return False


def comes_back(e: Expr) -> bool:
    """Whether it is a function that may be in range of what is not."""
    match e:
        case Op("pow", (_, Num(n))) if n > 0 and n.denominator == 1:
            return False
        case Op(fn, args) if fn not in CHOICES and fn not in ("add", "mul", "abs", "group"):
            return any(map(grows, args))
    return False


def grows(e: Expr) -> bool:
    """Whether it is a power or product of data."""
    match e:
        case Op("pow", (_, exponent)):
            return (not isinstance(exponent, Num) or exponent.value > 1) and bool(x.tensors(e))
        case Op("mul", args):
            return sum(bool(x.tensors(a)) for a in args) > 1 or any(map(grows, args))
        case Op("add" | "abs" | "group", args):
            return any(map(grows, args))
    return False
