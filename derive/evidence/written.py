"""SymPy expressions with a value: the arithmetic in which equations are written out, to be differentiated by SymPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from derive.evidence.numbers import COMPARE, MP, Numbers


@dataclass(frozen=True, slots=True)
class Written:
    """An expression written out, and its value at the point, which decides every comparison on the way."""

    text: sympy.Expr
    value: Any


def _written(f: Callable[..., Any], name: str) -> Callable[..., Written]:
    def apply(*args: Written) -> Written:
        return Written(f(*(a.text for a in args)), MP.functions[name](*(a.value for a in args)))

    return apply


def _exact_written(value: Any) -> Written:
    number = MP.exact(value)
    if not isinstance(value, int | Fraction):
        value = Fraction(float(value))
    return Written(sympy.Rational(value.numerator, value.denominator), number)


def _written_abs(a: Written) -> Written:
    return a if a.value >= 0 else Written(-a.text, -a.value)


def _constant(value: Any) -> Written:
    return _exact_written(int(value))


class Held(sympy.Function):  # type: ignore[misc]
    """What is held where it is: its value is its argument's, and its derivative 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.Integer(0)


WRITTEN = Numbers(
    "SymPy",
    exact=_exact_written,
    functions={
        "exp": _written(sympy.exp, "exp"),
        "log": _written(sympy.log, "log"),
        "erf": _written(sympy.erf, "erf"),
        "sin": _written(sympy.sin, "sin"),
        "cos": _written(sympy.cos, "cos"),
        "abs": _written_abs,
        "max": lambda a, b: a if a.value >= b.value else b,
        "floor": lambda a: _constant(MP.functions["floor"](a.value)),
        "round": lambda a: _constant(MP.functions["round"](a.value)),
        "stop_gradient": lambda a: Written(Held(a.text), a.value),
    },
    power=lambda a, b: Written(a.text ** sympy.Rational(b.numerator, b.denominator), MP.power(a.value, b)),
    raised=lambda a, b: Written(a.text**b.text, MP.raised(a.value, b.value)),
    pi=Written(sympy.pi, MP.pi),
    inf=Written(sympy.oo, MP.inf),
    add=lambda a, b: Written(a.text + b.text, a.value + b.value),
    mul=lambda a, b: Written(a.text * b.text, a.value * b.value),
    truth=lambda op, a, b: bool(COMPARE[op](a.value, b.value)),
    total=lambda values: Written(sympy.Add(*(v.text for v in values)), MP.total([v.value for v in values])),  # type: ignore[misc]
)


def symbol(name: str, value: Any) -> Written:
    """A real unknown standing for a number."""
    return Written(sympy.Symbol(name, real=True), MP.exact(value))


def _sign(a: Any) -> Any:
    return MP.exact((a > 0) - (a < 0))


#: What SymPy calls functions; ``Abs`` and ``sign`` are what it makes of the root of a square.
SYMPY: dict[type, Callable[..., Any]] = {
    sympy.exp: MP.functions["exp"],
    sympy.log: MP.functions["log"],
    sympy.erf: MP.functions["erf"],
    sympy.sin: MP.functions["sin"],
    sympy.cos: MP.functions["cos"],
    sympy.Abs: abs,
    sympy.sign: _sign,
    Held: lambda a: a,
}


def evaluate(e: sympy.Expr, point: dict[sympy.Symbol, Any], known: dict[sympy.Expr, Any]) -> Any:
    """A SymPy expression at a point, to 60 digits. What was seen before is looked up in ``known``."""
    if e in known:
        return known[e]
    if isinstance(e, sympy.Symbol):
        value = point[e]
    elif isinstance(e, sympy.Rational):
        value = MP.exact(Fraction(int(e.p), int(e.q)))
    elif e is sympy.pi:
        value = MP.pi
    elif e is sympy.E:
        value = MP.functions["exp"](MP.exact(1))
    elif isinstance(e, sympy.Pow):
        base, exponent = evaluate(e.base, point, known), e.exp
        if isinstance(exponent, sympy.Rational):
            value = MP.power(base, Fraction(int(exponent.p), int(exponent.q)))
        else:
            value = MP.raised(base, evaluate(exponent, point, known))
    else:
        args = [evaluate(a, point, known) for a in e.args]
        if isinstance(e, sympy.Add):
            value = sum(args[1:], args[0])
        elif isinstance(e, sympy.Mul):
            value = args[0]
            for a in args[1:]:
                value = value * a
        else:
            value = SYMPY[type(e)](*args)
    known[e] = value
    return value
