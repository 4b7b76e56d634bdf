"""Rows of the table for powers whose exponents are no numerals, beside 1: they may be beyond every number."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import ONE, Expr
from derive.program.rewriting.row import TWO, Row, U, V, exp, exponent, f, log, logistic, softplus, squared

POWERS = "log(1 + u**p) is p log(u) and u**p/(1 + u**p) is 1 where u**p is beyond every number"
GROWTH = "(1 + exp(u))**v is computed as exp(v log(1 + exp(u))): neither overflows where the power does not"
RAISED = x.add(ONE, x.power(U, V))


def raised(order: int) -> Expr:
    """The derivative of ``u**v`` by u of some order: ``v (v - 1) u**(v - 2)``."""
    less = [x.add(V, x.num(-n)) for n in range(order + 1)]
    return x.mul(*less[:order], x.power(U, less[order]))


def share(order: int) -> Expr:
    return f("runtime power_share", U, V, x.num(order))


GROWN = x.add(exp(U), ONE)

OF_POWERS = (
    Row(
        "exp and 1 + exp to a power",
        x.mul(exp(U), x.power(GROWN, V)),
        x.mul(logistic(U), x.power(GROWN, x.add(V, ONE))),
        GROWTH,
        exponent,
        early=True,
    ),
    Row(
        "exp squared and 1 + exp to a power",
        x.mul(exp(x.mul(TWO, U)), x.power(GROWN, V)),
        x.mul(squared(logistic(U)), x.power(GROWN, x.add(V, TWO))),
        GROWTH,
        exponent,
        early=True,
    ),
    Row("1 + exp to a power", x.power(GROWN, V), exp(x.mul(V, softplus(U))), GROWTH, exponent, early=True),
    Row("log of 1 + power", log(RAISED), f("runtime log1p_power", U, V), POWERS, exponent, early=True),
    *(
        Row(
            f"slope {order} of power over 1 + it, squared",
            x.mul(raised(order), raised(1), x.power(RAISED, x.num(-2))),
            x.mul(share(order), share(1)),
            POWERS,
            exponent,
            early=True,
        )
        for order in (0, 1)
    ),
    *(
        Row(
            f"slope {order} of power over 1 + it",
            x.mul(raised(order), x.power(RAISED, x.num(-1))),
            share(order),
            POWERS,
            exponent,
            early=True,
        )
        for order in (0, 1, 2)
    ),
)
