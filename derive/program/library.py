"""Functions of one variable that the runtime computes accurately, and how an expression is recognised as one."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import sympy

from derive.calculus.scalars import Derivative, Scalars
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Ref

U = Opt("%u")
#: Functions of the runtime that give another one's value and its derivative.
TOGETHER = {"gelu": "gelu_with_derivative"}


@cache
def table() -> dict[str, Expr]:
    """The runtime's functions as expressions in U. A derivative is derived, not written."""
    erf = Op("erf", (x.div(U, x.sqrt(x.num(2))),))
    cdf = x.mul(Num(Fraction(1, 2)), x.add(x.ONE, erf))
    gelu = x.mul(U, cdf)
    return {"gelu": gelu, "normal_cdf": cdf, "gelu_derivative": Derivative(Scalars())(gelu, U)}


def recognise(e: Expr) -> Expr | None:
    """The expression with its part in one variable replaced by a call of the runtime; None where it is none of them.

    Equality is decided by SymPy's expansion of the difference.
    """
    arguments = {r for n in x.walk(e) if isinstance(n, Op) and n.fn == "erf" for r in x.refs(n)}
    if len(arguments) != 1:
        return None
    (u,) = arguments
    inside = [f for f in x.factors(e) if u in set(x.walk(f)) or isinstance(f, Num)]
    outside = [f for f in x.factors(e) if f not in inside]
    scalars = Scalars()
    own = sympy.expand(scalars.to(x.mul(*inside)))
    for name, definition in table().items():
        known = scalars.to(x.transform(definition, lambda n: u if n == U else None))
        if sympy.expand(own - sympy.expand(known)) == 0:
            return x.mul(*outside, Op(f"runtime {name}", (u,)))
    return None


def elementwise(e: Expr, u: Ref) -> str | None:
    """The name of the runtime's function that an elementwise layer's definition is."""
    found = recognise(e)
    return found.fn.split()[1] if isinstance(found, Op) and found.args == (u,) else None
