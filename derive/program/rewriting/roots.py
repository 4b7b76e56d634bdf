"""Rows for roots: sums of squares that overflow, and differences of roots that cancel."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import ONE, ZERO, Op
from derive.program.rewriting.row import HALF, C, Row, U, V, f, positive_number, squared

ROOT = x.sqrt(x.add(squared(U), C))
ONE_ROOT = f("runtime hypot", U, ONE)
LONG = x.add(f("abs", U), f("runtime hypot", U, x.sqrt(C)))
AND_ROOT = x.where(Op(">", (U, ZERO)), LONG, x.div(C, LONG))
BUT_ROOT = x.where(Op(">", (U, ZERO)), x.div(C, LONG), LONG)

HYPOT = "sqrt(u**2 + v**2) is computed as hypot(u, v): squares neither overflow nor underflow"
ROOTS = "sqrt(a**2 + b) - a is computed as b / (sqrt(a**2 + b) + a): no two close numbers are subtracted"

OF_ROOTS = (
    Row(
        "root less its number",
        x.sub(x.sqrt(x.add(squared(U), squared(C))), C),
        x.mul(U, f("group", x.div(U, x.add(f("runtime hypot", U, C), C)))),
        ROOTS,
        positive_number,
        through=True,
        early=True,
    ),
    Row(
        "root less 1",
        x.sub(x.sqrt(x.add(squared(U), ONE)), ONE),
        x.mul(U, f("group", x.div(U, x.add(f("runtime hypot", U, ONE), ONE)))),
        ROOTS,
        through=True,
        early=True,
    ),
    Row(
        "root of 1 + v less 1",
        x.sub(x.sqrt(x.add(V, ONE)), ONE),
        x.div(V, x.add(x.sqrt(x.add(V, ONE)), ONE)),
        ROOTS,
        through=True,
    ),
    Row(
        "1 less 1/ root",
        x.sub(ONE, x.power(x.add(squared(U), ONE), x.neg(HALF))),
        x.mul(x.div(U, ONE_ROOT), f("group", x.div(U, x.add(ONE_ROOT, ONE)))),
        ROOTS,
        through=True,
        early=True,
    ),
    Row(
        "two reciprocal roots",
        x.sub(x.power(x.add(U, C), x.neg(HALF)), x.power(U, x.neg(HALF))),
        x.neg(
            x.div(
                x.div(C, x.mul(x.sqrt(U), x.sqrt(x.add(U, C)))),
                x.add(x.sqrt(x.add(U, C)), x.sqrt(U)),
            )
        ),
        ROOTS,
        through=True,
    ),
    *(
        Row(name, before, after, ROOTS, positive_number, through=True)
        for name, before, after in (
            ("u and its root", x.add(U, ROOT), AND_ROOT),
            ("u less its root", x.sub(U, ROOT), x.neg(BUT_ROOT)),
            ("1 and u over its root", x.add(ONE, x.div(U, ROOT)), x.div(AND_ROOT, f("runtime hypot", U, x.sqrt(C)))),
            ("1 less u over its root", x.sub(ONE, x.div(U, ROOT)), x.div(BUT_ROOT, f("runtime hypot", U, x.sqrt(C)))),
        )
    ),
    Row(
        "two roots",
        x.sub(x.sqrt(x.add(U, C)), x.sqrt(U)),
        x.div(C, x.add(x.sqrt(x.add(U, C)), x.sqrt(U))),
        ROOTS,
        through=True,
    ),
    Row(
        "hypot",
        x.sqrt(x.add(squared(U), squared(V))),
        f("runtime hypot", U, V),
        HYPOT,
    ),
    Row(
        "1/ hypot",
        x.power(x.add(squared(U), squared(V)), x.neg(HALF)),
        x.power(f("runtime hypot", U, V), x.num(-1)),
        HYPOT,
    ),
)
