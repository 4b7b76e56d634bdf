"""Annotations of a text: the word, what stands in its brackets, and where numbers lie; numbers that stand in it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.text.words import SORTS

ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class Unread(ValueError):
    """The text holds something that this reader does not know, or that can be read in two ways."""


class Mismatch(Unread):
    """Arrays whose shapes do not go together."""


class NoRoom(Mismatch):
    """An axis would have no positions: a window does not fit its array."""


@dataclass(frozen=True)
class Domain:
    """Where the numbers of an array lie: ``0 <= Real[i] < 2``, ``Integer[...] < v``, ``sum(i, Real[..., i]) == 1``.

    Attributes:
        low, high: the bounds, which are inside where they are not strict.
        strict: whether the bounds lie outside.
        below: an axis whose length integers lie below.
        simplex: an axis along which numbers sum to one.
        signs: whether they are minus one and one alone.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    strict: bool = False
    below: str = ""
    simplex: str = ""
    signs: bool = False


ANYWHERE = Domain()


def base(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """The word of an annotation, and what stands in its brackets."""
    brackets: list[ast.expr] = []
    while isinstance(node, ast.Subscript):
        brackets.insert(0, node.slice)
        node = node.value
    return (node.id if isinstance(node, ast.Name) else ""), brackets


def domain(node: ast.expr) -> tuple[ast.expr, Domain]:
    """An annotation without its comparisons, and what they say."""
    match node:
        case ast.Compare(ast.Call(ast.Name("sum"), [ast.Name(id=axis), inner], []), [ast.Eq()], [one]):
            if constant(one) == 1:
                return inner, Domain(low=Fraction(0), simplex=axis)
        case ast.Compare(ast.Call(ast.Name("abs"), [inner], []), [ast.Eq()], [one]) if constant(one) == 1:
            return inner, Domain(low=Fraction(-1), high=Fraction(1), signs=True)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            operands = [left, *rest]
            at = next((n for n, o in enumerate(operands) if base(o)[0] in SORTS), -1)
            strict = all(isinstance(op, ast.Lt | ast.Gt) for op in ops)
            said: dict[str, Fraction] = {}
            below = ""
            for n, op in enumerate(ops):
                other = operands[n] if n < at else operands[n + 1]
                if at < 0 or len(ops) > 2 or (len(ops) == 2 and at != 1) or not isinstance(op, ORDERS):
                    raise Unread(f"the domain {ast.unparse(node)}")
                side = "low" if isinstance(op, ast.Lt | ast.LtE) == (n < at) else "high"
                if isinstance(other, ast.Name):
                    below = other.id
                else:
                    said[side] = constant(other)
            low = said.get("low", Fraction(0) if below else None)
            return operands[at], Domain(low, said.get("high"), strict, below)
    return node, Domain()


def constant(node: ast.expr) -> Fraction:
    """A number that stands in the text."""
    match node:
        case ast.Constant(value=int() | float() as value) if abs(value) < float("inf"):
            return Fraction(repr(value)) if isinstance(value, float) else Fraction(int(value))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -constant(operand)
        case ast.BinOp(left=left, op=ast.Div(), right=right) if constant(right) != 0:
            return constant(left) / constant(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return constant(left) * constant(right)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return constant(left) + constant(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return constant(left) - constant(right)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))) if abs(power) < 100:
            return constant(left) ** power
    raise Unread(f"the number {ast.unparse(node)}")


def default_of(kind: str, node: ast.expr) -> Any:
    value: Any
    match node:
        case ast.Tuple(elts=elts):
            return tuple(default_of(kind, e) for e in elts)
        case ast.Name(id=value):
            pass
        case ast.Constant(value=str() | bool() as value):
            pass
        case _:
            number = constant(node)
            value = int(number) if kind in ("Count", "Natural", "Integer", "Axis") else float(number)
    return value
