"""The scalar functions of the notation: how each is written and, where SymPy has it, which one it is.

SymPy differentiates what it knows. Functions with a declared convention carry their partial derivatives here, as
expressions in the same notation, so that the convention at every kink is a row of this table and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy

from derive.notation.expr import (
    ONE,
    ZERO,
    Expr,
    Op,
    Opt,
    Pos,
    Reduce,
    Size,
    add,
    bound,
    free,
    fresh,
    iverson,
    mul,
    neg,
    num,
    power,
    rename,
    sqrt,
    sub,
    tensors,
    transform,
    where,
)


@dataclass(frozen=True)
class Function:
    """A scalar function.

    Attributes:
        tex: how the page writes it, a command of the TeX dialect.
        sympy: the SymPy function, where SymPy's derivative is the one wanted.
        partials: derivative with respect to each argument, where a convention is declared.
        note: the convention, in words, for the page.
    """

    tex: str
    sympy: Callable[..., sympy.Expr] | None = None
    partials: tuple[Callable[..., Expr], ...] = ()
    note: str = ""


def cmp(op: str, a: Expr, b: Expr) -> Expr:
    return Op(op, (a, b))


def conjuncts(e: Expr) -> tuple[Expr, ...]:
    """The conditions that hold where one does."""
    return e.args if isinstance(e, Op) and e.fn == "and" else (e,)


def together(tests: tuple[Expr, ...]) -> Expr:
    """The condition that holds where all do."""
    every = tuple(dict.fromkeys(t for test in tests for t in conjuncts(test)))
    return every[0] if len(every) == 1 else Op("and", every)


def _max_partials() -> tuple[Callable[..., Expr], ...]:
    return (lambda a, b: iverson(cmp("<=", b, a)), lambda a, b: iverson(cmp(">", b, a)))


FUNCTIONS: dict[str, Function] = {
    "exp": Function(r"\exp", sympy.exp),
    "log": Function(r"\log", sympy.log),
    "erf": Function(r"\operatorname{erf}", sympy.erf),
    "sin": Function(r"\sin", sympy.sin),
    "cos": Function(r"\cos", sympy.cos),
    "floor": Function(
        r"\operatorname{floor}",
        partials=(lambda a: ZERO,),
        note="the derivative of floor(x) is 0, at whole numbers too",
    ),
    "round": Function(
        r"\operatorname{round}",
        partials=(lambda a: ZERO,),
        note="what is as near to two whole numbers is rounded to the even one; the derivative of round(x) is 0",
    ),
    "stop_gradient": Function(
        r"\operatorname{sg}",
        partials=(lambda a: ZERO,),
        note="sg(x) is x, and its derivative is 0: it is held where it is while everything else moves",
    ),
    "abs": Function(
        "|",
        partials=(lambda a: sign(a),),
        note="the derivative of |x| at 0 is 0",
    ),
    "max": Function(
        r"\max", partials=_max_partials(), note="where both arguments of max are equal the first one gets the gradient"
    ),
    "xlogy": Function(
        r"\log",
        partials=(lambda a, b: Op("log", (b,)), lambda a, b: Op("xdivy", (a, b))),
        note="0 log 0 = 0, and its derivative with respect to the second argument is 0",
    ),
    "xdivy": Function(
        r"\frac",
        partials=(
            lambda a, b: power(b, num(-1)),
            lambda a, b: Op("mul", (num(-1), Op("xdivy", (a, power(b, num(2)))))),
        ),
        note="0 / 0 = 0 where the numerator is a target of zero",
    ),
}


def sign(a: Expr) -> Expr:
    return where(cmp(">", a, ZERO), ONE, where(cmp("<", a, ZERO), num(-1), ZERO))


def sign_of(e: Expr) -> Expr | None:
    """What an expression is the sign of, if it is one."""
    match e:
        case Op("where", (Op(">", (a, _)), _, _)) if e == sign(a):
            return a
    return None


def _least(a: Expr, b: Expr) -> Expr:
    return neg(Op("max", (neg(a), neg(b))))


def _half(a: Expr, b: Expr) -> Expr:
    return mul(num(Fraction(1, 2)), add(a, b))


def _exp(a: Expr) -> Expr:
    return Op("exp", (a,))


#: Words for what the notation has without them: how many numbers each takes, and what it is. A layer may have such a
#: name, and is meant then.
SHORT: dict[str, tuple[int, Callable[..., Expr]]] = {
    "sign": (1, sign),
    "clip": (3, lambda a, low, high: _least(Op("max", (a, low)), high)),
    "log1p": (1, lambda a: Op("log", (add(ONE, a),))),
    "expm1": (1, lambda a: sub(_exp(a), ONE)),
    "ceil": (1, lambda a: neg(Op("floor", (neg(a),)))),
    "sinh": (1, lambda a: _half(_exp(a), neg(_exp(neg(a))))),
    "cosh": (1, lambda a: _half(_exp(a), _exp(neg(a)))),
}


def _logsumexp(over: tuple[str, ...], e: Expr) -> Expr:
    return Op("log", (Reduce("sum", over, _exp(e)),))


def _mean(over: tuple[str, ...], e: Expr) -> Expr:
    return mul(*(power(Size(i), num(-1)) for i in over), Reduce("sum", over, e))


def _variance(over: tuple[str, ...], e: Expr) -> Expr:
    again = {i: fresh(i, {*free(e), *bound(e), *over}) for i in over}
    inner = rename(e, {i: Pos(to) for i, to in again.items()})
    average = mul(*(power(Size(i), num(-1)) for i in over), Reduce("sum", tuple(again.values()), inner))
    return _mean(over, power(sub(e, average), num(2)))


#: Words for reductions that the notation has without them.
SHORT_REDUCTIONS: dict[str, Callable[[tuple[str, ...], Expr], Expr]] = {
    "mean": _mean,
    "min": lambda over, e: neg(Reduce("max", over, neg(e))),
    "argmax": lambda over, e: Reduce("argmax", over, e),
    "argmin": lambda over, e: Reduce("argmax", over, neg(e)),
    "var": _variance,
    "std": lambda over, e: sqrt(_variance(over, e)),
    "logsumexp": _logsumexp,
}
#: Reductions that give a whole number of whole numbers.
WHOLE_REDUCTIONS = ("sum", "max", "min")
#: Reductions that give a whole number: where an element is.
PLACES = ("argmax", "argmin")

#: The function whose value is its argument's and which has no slope; all whose slope is 0 wherever they have one.
STOP = "stop_gradient"
FLAT = ("floor", "round", STOP)


def moved(e: Expr) -> Expr:
    """An expression without what it does not move with: what it reads in a flat function or in a condition alone, or
    where it asks for the place of something."""
    nothing = Opt("%")

    def still(n: Expr) -> Expr | None:
        match n:
            case Op("where", (_, *cases)):
                return Op("where", (nothing, *(transform(c, still) for c in cases)))
            case Op("iverson", _) | Reduce("argmax", _, _):
                return nothing
        return nothing if isinstance(n, Op) and n.fn in FLAT else None

    return transform(e, still)


def moving(e: Expr) -> list[str]:
    """Names of the tensors with which an expression moves."""
    return tensors(moved(e))


#: Functions that give a whole number of whole numbers.
WHOLE = ("abs", "max", "min", "sign", "clip")

COMPARISONS = {"==": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}
LOGIC = {"and": r"\land", "or": r"\lor", "not": r"\lnot"}

#: Operations that are written with signs; in expressions they have these names, which nothing else may have.
OPERATIONS = frozenset({"add", "mul", "pow", "where", "iverson", "floordiv", "exactdiv", *COMPARISONS, *LOGIC})
