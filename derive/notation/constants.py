"""Numbers that stand in a definition, exactly: ``0.1`` is a tenth, ``1 / 3`` a third."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from fractions import Fraction

#: The largest numerator or denominator, and exponent, that a numeral may have: float64 ends at 1.8e308.
DIGITS = 330
LIMIT = 10**DIGITS

ARITHMETIC: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class NotANumber(ValueError):
    """Arithmetic on numerals that has no finite result of reasonable length."""


def numeral(node: ast.Constant, text: str) -> Fraction:
    """One int or float of the text, a decimal taken as it is written.

    Raises:
        NotANumber: it is complex, infinite or too long.
    """
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotANumber("only integers and decimals are numbers here")
    if isinstance(value, float):
        mantissa = text.lower().partition("e")[0]
        if value == float("inf") or (value == 0 and set(mantissa) & set("123456789")):
            raise NotANumber("beyond the range of float64")
        return checked(Fraction(text.replace("_", "")))
    return checked(Fraction(value))


def checked(value: Fraction) -> Fraction:
    if abs(value.numerator) > LIMIT or value.denominator > LIMIT:
        raise NotANumber(f"a number of more than {DIGITS} digits")
    return value


def exact(node: ast.expr, text: Callable[[ast.expr], str]) -> Fraction:
    """The value of arithmetic on numerals.

    Args:
        node: the expression.
        text: the source of a node.

    Raises:
        NotANumber: it is not arithmetic on numerals, or has no finite result of reasonable length.
    """
    match node:
        case ast.Constant():
            return numeral(node, text(node))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -exact(operand, text)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return exact(operand, text)
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return power(exact(left, text), exact(right, text))
        case ast.BinOp(op=op, left=left, right=right) if type(op) in ARITHMETIC:
            a, b = exact(left, text), exact(right, text)
            if isinstance(op, ast.Div) and b == 0:
                raise NotANumber("division by 0")
            return checked(ARITHMETIC[type(op)](a, b))
    raise NotANumber("only numbers and + - * / ** of numbers may stand here")


def power(a: Fraction, b: Fraction) -> Fraction:
    """``a ** b``, where that is rational.

    Raises:
        NotANumber: it is not, or is too long.
    """
    if b.denominator != 1:
        raise NotANumber(f"{a} ** {b} is not a fraction")
    if a == 0 and b < 0:
        raise NotANumber("division by 0")
    if abs(b) * max(a.numerator.bit_length(), a.denominator.bit_length()) > 4 * DIGITS and abs(a) != 1 and a != 0:
        raise NotANumber(f"a number of more than {DIGITS} digits")
    return checked(a ** int(b))
