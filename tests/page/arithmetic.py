"""The number types that equations are evaluated in: Python floats, exact fractions, mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath


class EvaluationError(ValueError):
    """No value on these inputs: a size that does not fit, a division by zero, a definition by itself."""


class UnknownSize(EvaluationError):
    """Nothing says how long an axis is."""


@dataclass(frozen=True)
class Numbers:
    """Division and functions of one number type; the rest are Python's operators."""

    div: Callable[[Any, Any], Any]
    sqrt: Callable[[Any], Any]
    functions: dict[str, Callable[..., Any]]
    constants: dict[str, Any]

    def quotient(self, a: Any, b: Any) -> Any:
        """a / b, an error where b is 0."""
        if b == 0:
            raise EvaluationError("division by zero")
        return self.div(a, b)

    def power(self, base: Any, exponent: Any) -> Any:
        """Integer and half-integer exponents, and others where the type has exp and log."""
        twice = exponent * 2
        if twice == int(twice):
            whole = int(twice)
            if whole % 2:
                root = self.sqrt(base)
                base, whole = root, whole * 2
            n = abs(whole) // 2
            value = base**n
            return self.quotient(1, value) if whole < 0 else value
        return self.functions["exp"](exponent * self.functions["log"](base))


def _guard(f: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*args: Any) -> Any:
        try:
            return f(*args)
        except OverflowError:
            return math.inf
        except ValueError:
            raise EvaluationError(f"{f.__name__}{args} is not defined") from None

    return guarded


SLOPE = "0.01"  # leaky_relu's, where a page names the function without its option


def _layer_functions(
    exp: Any, tanh: Any, erf: Any, sqrt: Any, div: Any, number: Any = float, pi: Any = math.pi
) -> dict[str, Callable[..., Any]]:
    """Functions by name; the derivative of f is called f'. Kinks as the book's conventions have them."""

    def sigmoid(a: Any) -> Any:
        return div(1, 1 + exp(-a)) if a >= 0 else div(exp(a), 1 + exp(a))

    def normal_cdf(a: Any) -> Any:
        return div(1 + erf(div(a, sqrt(2))), 2)

    def nearest(a: Any) -> Any:
        """Of two whole numbers as near, the even one."""
        twice = 2 * a + 1
        up = div(twice - twice % 2, 2)
        return up - 1 if 2 * up == twice and up % 2 else up

    return {
        "exp": exp,
        "tanh": tanh,
        "erf": erf,
        "max": lambda a, b: a if a >= b else b,
        "sigmoid": sigmoid,
        "relu": lambda a: a if a > 0 else 0,
        "gelu": lambda a: a * normal_cdf(a),
        "leaky_relu": lambda a, *slope: a if a > 0 else (*slope, number(SLOPE))[0] * a,
        "identity": lambda a: a,
        "sign": lambda a: (a > 0) - (a < 0),
        "floor": lambda a: a - a % 1,
        "round": nearest,
        "sg": lambda a: a,
        "sigmoid'": lambda a: sigmoid(a) * sigmoid(-a),
        "tanh'": lambda a: 1 - tanh(a) * tanh(a),
        "relu'": lambda a: 1 if a > 0 else 0,
        "gelu'": lambda a: normal_cdf(a) + a * div(exp(div(-a * a, 2)), sqrt(2 * pi)),
        "leaky_relu'": lambda a: 1 if a > 0 else number(SLOPE),
        "identity'": lambda a: 1,
        "sigmoid''": lambda a: sigmoid(a) * sigmoid(-a) * (sigmoid(-a) - sigmoid(a)),
        "tanh''": lambda a: -2 * tanh(a) * (1 - tanh(a) * tanh(a)),
        "relu''": lambda a: 0,
        "gelu''": lambda a: (2 - a * a) * div(exp(div(-a * a, 2)), sqrt(2 * pi)),
        "leaky_relu''": lambda a: 0,
        "identity''": lambda a: 0,
    }


def _float_div(a: Any, b: Any) -> Any:
    return a / b


FLOAT = Numbers(
    div=_float_div,
    sqrt=_guard(math.sqrt),
    functions={
        **_layer_functions(_guard(math.exp), math.tanh, math.erf, math.sqrt, _float_div),
        "log": lambda a: -math.inf if a == 0 else _guard(math.log)(a),
        "sin": _guard(math.sin),
        "cos": _guard(math.cos),
    },
    constants={"pi": math.pi, "inf": math.inf},
)


def _no(name: str) -> Callable[..., Any]:
    def missing(*args: Any) -> Any:
        raise EvaluationError(f"{name} has no exact value")

    return missing


EXACT = Numbers(
    div=lambda a, b: Fraction(a) / b,
    sqrt=_no("sqrt"),
    functions={
        **_layer_functions(_no("exp"), _no("tanh"), _no("erf"), _no("sqrt"), lambda a, b: Fraction(a) / b, Fraction),
        **{name: _no(name) for name in ("log", "sin", "cos")},
    },
    constants={"inf": math.inf},
)

PRECISE = Numbers(
    div=lambda a, b: mpmath.mpf(a) / b,
    sqrt=mpmath.sqrt,
    functions={
        **_layer_functions(
            mpmath.exp,
            mpmath.tanh,
            mpmath.erf,
            mpmath.sqrt,
            lambda a, b: mpmath.mpf(a) / b,
            mpmath.mpf,
            mpmath.pi,
        ),
        "log": lambda a: -mpmath.inf if a == 0 else mpmath.log(a),
        "sin": mpmath.sin,
        "cos": mpmath.cos,
    },
    constants={"pi": mpmath.pi, "inf": mpmath.inf},
)
