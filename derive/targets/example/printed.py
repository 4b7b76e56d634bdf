"""Numbers and arrays of the worked example in the TeX of the book, and as Python has them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from math import prod
from typing import Any

from derive.evidence.layout import Elements

EXACT = 6  # digits of a number that is printed whole
ROUNDED = 4  # digits of one that is not
NOTHING = Decimal("1e-40")  # what is left of a difference that is 0, in numbers of 60 digits
HALF, TIE = Decimal("0.5"), Decimal("1e-6")  # a number so close to the middle of two has another digit
Nested = Any  # a number, or a list of nested ones


def number(value: Any) -> str:
    """A number: whole where it has few digits, else rounded to four, zeros at its end kept."""
    if isinstance(value, (bool, int)):
        return str(int(value))
    if abs(value) == float("inf"):
        return r"-\infty" if value < 0 else r"\infty"
    with localcontext() as context:
        context.prec = 80
        exact = Decimal(str(value))
        if abs(exact) < NOTHING:
            return "0"
        short = round_to(exact, EXACT)
        if abs(exact - short) <= abs(exact) * NOTHING:
            short = short.normalize()
            return f"{short.quantize(Decimal(1)) if short == short.to_integral_value() else short:f}"
        digits = ROUNDED
        while abs(abs(exact - round_to(exact, digits)) / unit(exact, digits) - HALF) < TIE:
            digits += 1
        return f"{round_to(exact, digits):f}"


def round_to(value: Decimal, digits: int) -> Decimal:
    return value.quantize(unit(value, digits))


def unit(value: Decimal, digits: int) -> Decimal:
    """One in the last of so many digits; what stands before the point is never rounded."""
    return Decimal(1).scaleb(-max(0, digits - 1 - value.adjusted()))


def nested(values: Sequence[Any], shape: Sequence[int]) -> Nested:
    """Row-major values in lists of lists."""
    if not shape:
        return values[0]
    width = prod(shape[1:])
    return [nested(values[n * width : (n + 1) * width], shape[1:]) for n in range(shape[0])]


def shape_of(array: Nested) -> tuple[int, ...]:
    return (len(array), *(shape_of(array[0]) if array else ())) if isinstance(array, list) else ()


def arrays(elements: Elements, widths: Sequence[int], listed: bool) -> Nested:
    """Elements at the equations' indices as a caller has them: nested lists; one for each array if ``listed``.

    Args:
        widths: how many of the equations' axes each of the array's own is made of, in order; one that is left out, for
            ``...`` stands for no axis, as a negative number.
    """
    if listed:
        groups = itertools.groupby(sorted(elements), key=lambda i: i[0])
        return [one({i[1:]: elements[i] for i in own}, widths) for _, own in groups]
    return one(elements, widths)


def one(elements: Elements, widths: Sequence[int]) -> Nested:
    places = sorted(elements)
    lengths = [1 + max(i[p] for i in places) for p in range(len(places[0]))]
    shape, at = [], 0
    for width in widths:
        if width > 0:
            shape.append(prod(lengths[at : at + width]))
        at += abs(width)
    return nested([elements[i] for i in places], shape)


def tex(symbol: str, array: Nested, listed: bool = False) -> Iterator[str]:
    """Equations of a symbol and its numbers: matrices of the last two axes, one for each place along the others."""
    for n, inner in enumerate(array) if listed else ((None, array),):
        for at, last in slices(inner, max(0, len(shape_of(inner)) - 2)):
            yield f"{element(symbol, at if n is None else (n, *at))} = {matrix(last)}"


def element(symbol: str, at: Sequence[int]) -> str:
    return f"{symbol}_{{{','.join(map(str, at))}}}" if at else symbol


def slices(array: Nested, depth: int) -> Iterator[tuple[tuple[int, ...], Nested]]:
    if not depth:
        yield (), array
        return
    for n, inner in enumerate(array):
        yield from (((n, *at), found) for at, found in slices(inner, depth - 1))


def matrix(array: Nested) -> str:
    """A number, a row, or a matrix."""
    if not isinstance(array, list):
        return number(array)
    rows = array if array and isinstance(array[0], list) else [array]
    lines = r" \\ ".join(" & ".join(map(number, row)) for row in rows)
    return rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"


def code(array: Nested, kind: str) -> str:
    """An array, or a list of arrays, in Python."""
    if isinstance(array, list):
        return f"[{', '.join(code(a, kind) for a in array)}]"
    return {"boolean": str(bool(array)), "integer": str(int(array))}.get(kind) or repr(float(array))
