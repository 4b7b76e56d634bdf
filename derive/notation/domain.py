"""Where an argument's numbers lie, as a definition declares it: ``x: Real[...] > 0``, ``p: 0 <= Real[...] <= 1``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Domain:
    """A set of numbers. All that is False, None or empty says nothing.

    Attributes:
        low, high: bounds.
        low_open, high_open: whether the bound itself is left out.
        below: an axis; the numbers are positions along it, 0 to its size less one.
        simplex: an axis of the tensor; the numbers are at least 0 and sum to 1 along it.
        signs: whether the integers are -1 and 1, and not 0.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False
    below: str = ""
    simplex: str = ""
    signs: bool = False

    @property
    def empty(self) -> bool:
        """Whether no number is in it."""
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    @property
    def positive(self) -> bool:
        """Whether every number in it is above 0."""
        return self.low is not None and (self.low > 0 or (self.low == 0 and self.low_open))

    @property
    def nonnegative(self) -> bool:
        """Whether no number in it is below 0."""
        return self.low is not None and self.low >= 0

    def holds(self, value: Fraction | float | int) -> bool:
        """Whether one number is within the bounds; ``below`` and ``simplex`` are not looked at."""
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        beneath = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return above and beneath and not (self.signs and abs(value) != 1)

    def __str__(self) -> str:
        """In words for docstrings and pages: ``> 0``, ``in [0, 1)``, ``>= 0 and below size(v)``."""
        if self.signs:
            return "-1 or 1"
        if self.simplex:
            return f">= 0, summing to 1 along {self.simplex}"
        if self.below:
            return f"{'>' if self.low_open else '>='} {self.low or 0} and below size({self.below})"
        if self.low is not None and self.high is not None:
            return f"in {'(' if self.low_open else '['}{self.low}, {self.high}{')' if self.high_open else ']'}"
        if self.low is not None:
            return f"{'>' if self.low_open else '>='} {self.low}"
        return f"{'<' if self.high_open else '<='} {self.high}"
