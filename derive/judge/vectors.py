"""Balls by the array: what derive.evidence.balls does to one number, done to many at once in NumPy.

A middle in float64 or longdouble and a radius in float64 hold every number that they stand for. Each operation rounds
its middle once, NumPy's functions at most FUNCTION times, which the radius takes up; radii are rounded upwards by UP.
With a unit roundoff given, an operation is widened by that, too, as derive.evidence.balls.rounding widens it: the same
analysis. A number that is not finite has a radius that is not: nothing is claimed of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.evidence.balls import FUNCTION_UNITS
from derive.evidence.running import TWICE, Manner

UP = 1 + 2.0**-40  # more than what a radius, made of a few operations of float64, may lose
PARTS = 2.0**-4
TINY = 5e-324  # what underflow takes
FUNCTION = 4  # units of the last place of NumPy's exp, log, sin, cos and powers
SLOPE_OF_ERF = 2 / math.sqrt(math.pi) * UP


class Unsupported(TypeError):
    """Nothing is known of how to do that to arrays."""


@dataclass(frozen=True)
class Balls:
    """Numbers that are broadcast with others from their last axis on.

    Attributes:
        inside: where they lie inside their arrays; None: everywhere. What lies outside is 0.
        whole: whether multiplying by them rounds nothing: they are 1, -1 and 0 alone.
        size: of sums the sums of magnitudes.
    """

    mid: Any
    rad: Any
    inside: Any = None
    whole: bool = False
    size: Any = None

    @property
    def most(self) -> Any:
        """The largest magnitudes, as float64."""
        return np.abs(self.mid).astype(np.float64) * UP + self.rad


@dataclass(frozen=True)
class Rules:
    """An arithmetic of balls.

    Attributes:
        kind: the type of the middles. exponent: of the unit roundoff that is analysed; None: of what is true.
        manner: how else numbers are rounded.
    """

    kind: Any
    exponent: int | None = None
    manner: Manner | None = None

    @property
    def own(self) -> float:
        """What an operation on middles loses at most, of its result."""
        return float(np.finfo(self.kind).eps)

    @property
    def unit(self) -> float:
        return 0.0 if self.exponent is None else 2.0**self.exponent

    @property
    def kept(self) -> float:
        """What every operator's result loses besides."""
        kept = self.manner.kept if self.manner is not None else None
        return 0.0 if kept is None else 2.0 ** (kept + TWICE)

    def of_terms(self, count: Any) -> Any:
        """What so many additions lose at most, of a sum of magnitudes. One after another, more than 2**20 of float32
        would lose more than a sixteenth: whoever adds up so many adds up parts of them first."""
        lost = np.maximum(count, 0) * self.unit
        return np.minimum(lost, PARTS) if self.unit <= 2.0**-24 else lost

    def exact(self, value: Any, inside: Any = None) -> Balls:
        """Numbers that the type of middles holds."""
        return Balls(np.asarray(value, self.kind), np.zeros(()), inside)

    def given(self, value: Any, inside: Any = None) -> Balls:
        """Numbers of the caller, as if rounded once more."""
        found = self.exact(value, inside)
        moved = self.manner is not None and self.manner.moved
        return self.wider(found, self.kept or self.unit) if moved and self.unit else found

    def ball(self, value: Any) -> Balls:
        """One ball of Arb's."""
        if not value.is_finite():
            return Balls(np.zeros((), self.kind), np.asarray(np.inf))
        first = float(value.mid())
        mid = np.asarray(first, self.kind) + self.kind(float(value.mid() - first))
        away = value - first - float(mid - self.kind(first))
        exact = away.is_exact() and away == 0
        return Balls(np.asarray(mid), np.asarray(0.0 if exact else float(away.abs_upper()) * UP + TINY))

    def arb(self, value: Balls) -> Any:
        """One of these as a ball of Arb's."""
        import flint

        mid, rad = self.kind(value.mid), float(value.rad)
        if not (np.isfinite(mid) and np.isfinite(rad)):
            return flint.arb(0, float("inf"))
        first = float(mid)
        return flint.arb(first) + flint.arb(float(mid - self.kind(first))) + flint.arb(0, rad)

    def made(self, mid: Any, rad: Any, units: float = 1, lost: float = 1) -> Balls:
        """A result of one operation: ``units`` of the roundoff analysed, ``lost`` of the middles' own."""
        size = np.abs(mid).astype(np.float64)
        rad = rad + size * (self.own * lost)
        if self.unit:
            rad = rad + (size + rad) * (units * self.unit + self.kept)
        return Balls(mid, rad * UP + TINY)

    def wider(self, a: Balls, share: float) -> Balls:
        """Numbers rounded once more, to a share of them."""
        return replace(a, rad=(a.rad + a.most * share) * UP + TINY)

    def stored(self, a: Balls) -> Balls:
        stored = self.manner.stored if self.manner is not None else None
        return a if stored is None else self.wider(a, 2.0**stored)

    def sloped(self, a: Balls) -> Balls:
        slopes = self.manner.slopes if self.manner is not None else 0
        return Balls(a.mid, a.rad + slopes * (self.kept or self.unit)) if slopes else a  # of what is 0, too

    # ---- arithmetic ------------------------------------------------------------------------------------------

    def add(self, *parts: Balls) -> Balls:
        mid, rad, size = parts[0].mid, parts[0].rad, parts[0].most
        for p in parts[1:]:
            mid, rad, size = mid + p.mid, rad + p.rad, size + p.most
        if len(parts) == 2:
            return self.made(mid, rad, 1)
        return Balls(mid, (rad + size * ((self.own + self.unit + self.kept) * (len(parts) - 1))) * UP + TINY)

    def mul(self, a: Balls, b: Balls) -> Balls:
        inside = a.inside if b.inside is None else b.inside if a.inside is None else a.inside & b.inside
        products = self.manner.products if self.manner is not None else None
        if products is not None and not (a.whole or b.whole):
            a, b = (self.wider(v, 2.0**products) for v in (a, b))
        mid = a.mid * b.mid
        rad = np.abs(a.mid).astype(np.float64) * b.rad + np.abs(b.mid).astype(np.float64) * a.rad + a.rad * b.rad
        found = Balls(mid, rad * UP) if a.whole or b.whole else self.made(mid, rad * UP)
        if inside is None:
            return found
        return Balls(np.where(inside, found.mid, 0), np.where(inside, found.rad, 0.0), inside)

    def power(self, a: Balls, b: Fraction) -> Balls:
        if b == Fraction(1, 2):
            return self._root(a)
        if b.denominator == 2:
            root, times = self._root(a), int(2 * b)
            return self._whole(root, times, abs(times) + 1)
        if b.denominator == 1:
            return self._whole(a, int(b), max(1, abs(int(b))))
        return self.raised(a, self.kind(b.numerator) / self.kind(b.denominator))

    def raised(self, a: Balls, b: Any) -> Balls:
        """A power of positive numbers, between those of the ends; the exponent may be rounded."""
        mid = np.power(a.mid, self.kind(b))
        low, high = a.mid - a.rad, a.mid + a.rad
        ends = [np.abs(np.power(np.where(low > 0, v, np.nan), self.kind(b)) - mid) for v in (low, high)]
        moved = np.abs(mid * b * np.log(a.mid)).astype(np.float64) * (2 * self.own)
        rad = (np.maximum(*ends).astype(np.float64) + moved) * UP
        return self.made(mid, rad, 2 * FUNCTION_UNITS, 3 * FUNCTION)

    def _root(self, a: Balls) -> Balls:
        mid = np.sqrt(a.mid)
        low = np.sqrt(np.where(a.mid >= a.rad, a.mid - a.rad, np.nan))
        away = np.asarray(a.rad / np.where(low + mid > 0, low + mid, 1)).astype(np.float64)
        return self.made(mid, away * (1 + 8 * self.own))

    def _whole(self, a: Balls, n: int, units: float) -> Balls:
        size = np.abs(a.mid).astype(np.float64)
        if n < 0:
            least = np.where(size > a.rad, size - a.rad, 0) * (2 - UP)
            a = Balls(1 / a.mid, a.rad / (size * least) * UP + TINY)
            a = self._lost(a, 1)
            size, n = np.abs(a.mid).astype(np.float64), -n
        rad = n * a.rad * (size * UP + a.rad) ** (n - 1)
        return self.made(a.mid**n, rad * (1 + 1e-15 * n), units, n)

    def _lost(self, a: Balls, times: float) -> Balls:
        return replace(a, rad=(a.rad + np.abs(a.mid).astype(np.float64) * (self.own * times)) * UP)

    def function(self, name: str, *a: Balls) -> Balls:
        """A function of derive.notation.functions.

        Raises:
            Unsupported: there is none such.
        """
        if name not in FUNCTIONS or (name == "erf" and self.kind is not np.float64):
            raise Unsupported(name)
        return FUNCTIONS[name](self, *a)

    def _exp(self, a: Balls) -> Balls:
        mid = np.exp(a.mid)
        return self.made(mid, mid.astype(np.float64) * np.expm1(a.rad) * UP, 2 * FUNCTION_UNITS, FUNCTION)

    def _log(self, a: Balls) -> Balls:
        least = np.where(a.mid > a.rad, a.mid - a.rad, 0).astype(np.float64)
        return self.made(np.log(a.mid), a.rad / least * UP, 2 * FUNCTION_UNITS, FUNCTION)

    def _sin(self, a: Balls) -> Balls:
        return self.made(np.sin(a.mid), np.minimum(a.rad, 2.0), 2 * FUNCTION_UNITS, FUNCTION)

    def _cos(self, a: Balls) -> Balls:
        return self.made(np.cos(a.mid), np.minimum(a.rad, 2.0), 2 * FUNCTION_UNITS, FUNCTION)

    def _erf(self, a: Balls) -> Balls:
        mid = np.asarray(_erf(a.mid), np.float64)
        return self.made(mid, a.rad * SLOPE_OF_ERF, 2 * FUNCTION_UNITS, FUNCTION)

    def _abs(self, a: Balls) -> Balls:
        return replace(a, mid=np.abs(a.mid))

    def _max(self, a: Balls, b: Balls) -> Balls:
        return Balls(np.maximum(a.mid, b.mid), np.maximum(a.rad, b.rad))

    def hull(self, a: Balls, b: Balls) -> Balls:
        """What holds both."""
        low, high = np.minimum(a.mid - a.rad, b.mid - b.rad), np.maximum(a.mid + a.rad, b.mid + b.rad)
        mid = (low + high) / 2
        lost = np.maximum(np.abs(low), np.abs(high)).astype(np.float64) * (4 * self.own)
        return Balls(mid, ((high - low).astype(np.float64) / 2 + lost) * UP + TINY)

    # ---- sums and maxima over the first axes -------------------------------------------------------------------

    def largest(self, a: Balls, axes: tuple[int, ...]) -> Balls:
        out = None if a.inside is None else ~a.inside
        low, high = a.mid - a.rad, a.mid + a.rad
        if out is not None:
            low, high = (np.where(out, -np.inf, v) for v in (low, high))
        low, high = low.max(axis=axes), high.max(axis=axes)
        lost = np.maximum(np.abs(low), np.abs(high)).astype(np.float64) * (4 * self.own)
        inexact = (high != low) | np.any(np.asarray(a.rad) != 0)
        return Balls((low + high) / 2, np.where(inexact, ((high - low).astype(np.float64) / 2 + lost) * UP, 0.0))


def sides(a: Balls) -> tuple[Any, Any]:
    """The least and the greatest that numbers may be; the middle itself where that is exact."""
    slack = np.where(np.asarray(a.rad) > 0, a.rad + np.abs(a.mid) * (4 * np.finfo(np.asarray(a.mid).dtype).eps), 0.0)
    return a.mid - slack, a.mid + slack


_erf = np.frompyfunc(math.erf, 1, 1)
FUNCTIONS: dict[str, Callable[..., Balls]] = {
    "exp": Rules._exp, "log": Rules._log, "sin": Rules._sin, "cos": Rules._cos, "erf": Rules._erf, "abs": Rules._abs,
    "max": Rules._max,
}  # fmt: skip
