"""Whole numbers for which every order of summation is exact: what then differs is no rounding that is excused.

Where a definition and its gradients add and multiply whole numbers alone, and the sum of all magnitudes on the way is
below 2**p, p the digits of the format, no order of the operations rounds, fused or not. A narrower format on the
way shows with certainty, however long the sums are.

Where a definition rounds to whole numbers, fractions of few digits are as exact, and among them the halves, which are
as near to one whole number as to the next: anywhere else rounding before it may decide to which they go.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case
from derive.evidence.numbers import FRACTION, Numbers, Unsupported
from derive.evidence.truth import traced
from derive.judge.arithmetic import UNITS, Arithmetic
from derive.notation.expr import Op, walk
from derive.notation.layer import Layer

SMALL = (1 << 20, 1 << 16, 1 << 12, 1 << 10, 1 << 8, 1 << 6, 1 << 4, 4, 2)  # magnitudes tried, the largest first
QUARTERS = 16  # the largest of fractions
FEW = 2  # of the others, where one input has many digits


def digits(arithmetic: Arithmetic) -> int:
    """The digits that whole numbers may have; 0 where results, factors or what is kept may be rounded."""
    if arithmetic.products or arithmetic.working != arithmetic.storage:
        return 0
    return -UNITS[arithmetic.storage]


class Rounded(ArithmeticError):
    """Something on the way is no whole number, or too large."""


def exact(case: Case, cotangents: Arrays, arithmetic: Arithmetic) -> bool:
    """Whether nothing on the way to results and gradients is rounded, in any order of the operations."""
    most = Fraction(2) ** digits(arithmetic)
    if most == 1:
        return False
    try:
        traced(case, cotangents, None, _fractions(most) if rounds(case.layer) else _magnitudes(most))
    except (Rounded, Unsupported, Undecided, ArithmeticError, KeyError, TypeError, ValueError):
        return False
    return True


def _magnitudes(most: Fraction) -> Numbers:
    """Sums of magnitudes: no number on the way is larger than what this arithmetic makes of it."""

    def kept(value: Any) -> Fraction:
        found = abs(Fraction(value))
        if found.denominator != 1 or found >= most:
            raise Rounded
        return found

    def power(a: Any, b: Fraction) -> Any:
        if b.denominator != 1 or b < 0:
            raise Rounded
        return kept(a ** int(b))

    return Numbers(
        "magnitudes",
        exact=kept,
        functions={"abs": abs, "max": max},
        power=power,
        raised=lambda a, b: power(a, Fraction(b)),
        add=lambda a, b: kept(a + b),
        mul=lambda a, b: kept(a * b),
        truth=lambda op, a, b: None,
        total=lambda values: kept(sum(values)),
        either=max,
    )


def rounds(layer: Layer) -> bool:
    """Whether a definition rounds to whole numbers, ties to even ones."""
    return any(isinstance(n, Op) and n.fn == "round" for e in layer.equations for n in walk(e.body))


def _fractions(most: Fraction) -> Numbers:
    """Numbers of so many binary digits; what has more is rounded."""

    def kept(value: Fraction) -> Fraction:
        if value.denominator & (value.denominator - 1) or abs(value.numerator) >= most or value.denominator >= most:
            raise Rounded
        return value

    return replace(
        FRACTION,
        exact=lambda v: kept(FRACTION.exact(v)),
        power=lambda a, b: kept(Fraction(a) ** int(b)) if b.denominator == 1 else FRACTION.power(a, b),
        add=lambda a, b: kept(a + b),
        mul=lambda a, b: kept(a * b),
    )


def quarters(value: Any, rng: np.random.Generator) -> Any:
    """Fractions of the shape of a value, half of them odd multiples of a half or of a quarter."""
    if value is None or isinstance(value, list):
        return None if value is None else [quarters(v, rng) for v in value]
    return np.asarray(rng.integers(-QUARTERS, QUARTERS + 1, np.shape(value)) / 4.0)


def scaled(value: Any, most: int, rng: np.random.Generator) -> Any:
    """Whole numbers of the shape of a value, those of many digits odd."""
    if value is None or isinstance(value, list):
        return None if value is None else [scaled(v, most, rng) for v in value]
    found = rng.integers(-most, most + 1, np.shape(value))
    return np.asarray(found | 1 if most > FEW else found, np.float64)


def whole(
    case: Case, cotangents: Arrays, arithmetic: Arithmetic, wide: int | None, rng: np.random.Generator
) -> tuple[Case, Arrays] | None:
    """The case in whole numbers as large as can be; None where no numbers are exact.

    Args:
        wide: which of the real inputs and cotangents has as many digits as can be, the others few; None: all alike.
    """
    names = [t.name for t in case.layer.inputs if t.kind == "real"]
    if rounds(case.layer):
        tensors = {n: quarters(v, rng) if n in names else v for n, v in case.tensors.items()}
        found = Case(case.layer, tensors, case.options, case.words)
        u = {n: scaled(v, FEW, rng) for n, v in cotangents.items()}
        return (found, u) if exact(found, u, arithmetic) else None
    for most in SMALL:
        given = [*names, *(f"d{n}" for n in cotangents)]
        sizes = {
            n: most if wide is None else (most * most // 16 + 3 if k == wide % len(given) else FEW)
            for k, n in enumerate(given)
        }
        tensors = {n: scaled(v, sizes[n], rng) if n in names else v for n, v in case.tensors.items()}
        u = {n: scaled(v, sizes[f"d{n}"], rng) for n, v in cotangents.items()}
        found = Case(case.layer, tensors, case.options, case.words)
        if exact(found, u, arithmetic):
            return found, u
    return None
