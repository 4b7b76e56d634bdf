"""Rows of the table for sums of exponentials, and what is made of them: their logarithms are computed first."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import ONE
from derive.program.rewriting.row import C, Row, U, V, W, exp, f, log, softplus, sums_below, totals

SUMS = "of what is made of sums of exponentials the logarithms are computed first: the sums may overflow"

OF_TOTALS = (
    *(
        Row(
            f"u less the logarithm of two{name}",
            x.sub(U, f("runtime log_add", *pair)),
            x.neg(softplus(x.sub(V, U))),
            "u - log(exp(u) + exp(v)) is computed as -log(1 + exp(v - u)): no two close numbers are subtracted",
        )
        for name, pair in (("", (U, V)), (", the other first", (V, U)))
    ),
    Row("log of two sums", log(x.add(V, W)), f("runtime log_add", log(V), log(W)), SUMS, totals),
    Row("log of 1 and a sum", log(x.add(ONE, W)), softplus(log(W)), SUMS, totals),
    Row("log of a sum over another", log(x.div(V, W)), x.sub(log(V), log(W)), SUMS, totals, through=True),
    Row("log of a multiple of a sum", log(x.mul(C, W)), x.add(log(C), log(W)), SUMS, totals, through=True),
    Row(
        "exp times a sum over 1 and a sum",
        x.div(x.mul(V, exp(U)), x.add(ONE, W)),
        exp(x.add(U, log(V), x.neg(softplus(log(W))))),
        SUMS,
        sums_below,
        through=True,
        early=True,
    ),
    Row(
        "exp over 1 and a sum",
        x.div(exp(U), x.add(ONE, W)),
        exp(x.sub(U, softplus(log(W)))),
        SUMS,
        sums_below,
        through=True,
        early=True,
    ),
    Row(
        "exp over two sums",
        x.div(exp(U), x.add(V, W)),
        exp(x.sub(U, f("runtime log_add", log(V), log(W)))),
        SUMS,
        sums_below,
        through=True,
        early=True,
    ),
    Row("log of a product of sums", log(x.mul(V, W)), x.add(log(V), log(W)), SUMS, totals, through=True),
)
