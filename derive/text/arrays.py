"""Arrays of the second reader: lengths and elements row by row, and what an evaluation of them meets on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from derive.text.annotations import Mismatch, Unread
from derive.text.numbers import MP, Real, real
from derive.text.parse import DOTS, Argument

CLOSE = MP.mpf(2) ** -36  #: two numbers this close to one another are alike after rounding

Env = dict[str, Any]
Position = tuple[int, ...]
Slots = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Grid:
    """An array: its lengths, and its elements row by row."""

    shape: Position
    elements: tuple[Any, ...]

    def place(self, index: Position) -> int | None:
        """Where leading indices begin; None outside."""
        place = 0
        for i, n in zip(index, self.shape, strict=False):
            if not 0 <= i < n:
                return None
            place = place * n + i
        return place

    def of(self, lead: Position) -> Grid:
        """The array at leading indices."""
        place, shape = self.place(lead), self.shape[len(lead) :]
        if place is None or len(lead) > len(self.shape):
            raise Mismatch(f"no entry {list(lead)}")
        each = math.prod(shape)
        return Grid(shape, self.elements[place * each : (place + 1) * each])


Value = Grid | list[Grid] | None


class Datum(int):
    """An integer of an array, which remembers where it came from."""

    origin: str


@dataclass
class Meter:
    """What an evaluation meets on the way.

    Attributes:
        left: elements that may still be evaluated.
        reach: the largest number on the way: what rounding errors are relative to.
        close: whether a comparison was too close for rounded numbers to decide.
        singular: whether something without a slope was met: a root of zero, a negative number to a power that moves.
        below: for integer arrays that are used as indices, the length of what they point into.
        held: whether what is moved a little stays on the side of a tie where it was: two numbers of a comparison that
            are nearly equal count as equal, so that a slope is that of the case taken.
    """

    left: int = 300_000
    reach: float = 0.0
    close: bool = False
    singular: bool = False
    below: dict[str, int] = field(default_factory=dict)
    held: bool = False

    def note(self, value: Any) -> None:
        """Remember a number on the way."""
        if self.reach == math.inf:  # nobody asks
            return
        try:
            size = abs(float(value))
        except OverflowError:
            return
        if self.reach < size < math.inf:
            self.reach = size

    def compare(self, a: Any, b: Any) -> None:
        """Remember a comparison that rounded numbers may decide otherwise."""
        if (isinstance(a, Real) or isinstance(b, Real)) and not isinstance(a, str):
            x, y = real(a), real(b)
            if MP.isfinite(x - y) and abs(x - y) <= CLOSE * (abs(x) + abs(y)):
                self.close = True

    def ties(self, a: Any, b: Any) -> bool:
        """Whether two numbers are taken for equal, as they were before they were moved."""
        if not self.held:
            return False
        x, y = real(a), real(b)
        return bool(MP.isfinite(x - y) and abs(x - y) <= CLOSE * (1 + abs(x) + abs(y)))


def element_of(value: Value, index: Position) -> Any:
    """An element of an array or a list; None outside."""
    if isinstance(value, list):
        if not index or not 0 <= index[0] < len(value):
            return None
        value, index = value[index[0]], index[1:]
    if value is None or len(index) != len(value.shape):
        raise Unread(f"{len(index)} indices of an array with {len(value.shape) if value else 0} axes")
    place = value.place(index)
    return None if place is None else value.elements[place]


def shape_of(value: Value, lead: Position) -> Position:
    """The lengths of an array's axes, or of a list's, behind leading indices."""
    if isinstance(value, list) and lead:
        if not 0 <= lead[0] < len(value):
            raise Mismatch(f"no entry {lead[0]}")
        return value[lead[0]].shape[len(lead) - 1 :]
    if isinstance(value, list):
        shapes = {g.shape for g in value}
        if len(shapes) != 1:
            raise Unread("the entries of a list differ")
        return (len(value), *shapes.pop())
    if value is None:
        raise Unread("the shape of nothing")
    return value.shape[len(lead) :]


def within(value: Any, length: Any) -> bool:
    if isinstance(value, tuple):
        return all(0 <= i < n for i, n in zip(value, length, strict=True))
    return bool(0 <= value < length)


def spread(a: Argument, lengths: Mapping[str, Any]) -> Position:
    """An array's shape with products split."""
    return tuple(n for axis in a.axes for n in (lengths[axis] if axis == DOTS else (lengths[axis],)))


def bound_lengths(
    a: Argument, slots: Slots, shape: Position, known_length: Callable[[str, Mapping[str, Any]], int | None]
) -> dict[str, Any]:
    """The length of each axis of an array; a product of axes may have one that nothing else says."""
    spare = len(shape) - len(slots) + 1
    if spare != 1 and (((DOTS,) not in slots) or spare < 0):
        raise Mismatch(f"{a.name} has {len(shape)} axes, not {len(slots)}")
    lengths: dict[str, Any] = {}
    at = 0
    for slot in slots:
        if slot == (DOTS,):
            lengths[DOTS] = shape[at : at + spare]
            at += spare
            continue
        n = shape[at]
        at += 1
        known = {axis: n if len(slot) == 1 else known_length(axis, lengths) for axis in slot}
        unknown = [axis for axis, length in known.items() if length is None]
        product = math.prod(length for length in known.values() if length is not None)
        if len(unknown) > 1 or (unknown and (not product or n % product)):
            raise Mismatch(f"{a.name}: {n} is no product of {' and '.join(slot)}")
        known |= dict.fromkeys(unknown, n // max(product, 1))
        if math.prod(length or 0 for length in known.values()) != n:
            raise Mismatch(f"{a.name}: {n} is not {' times '.join(map(str, known.values()))}")
        for axis, length in known.items():
            if lengths.setdefault(axis, length) != length:
                raise Mismatch(f"axis {axis} of {a.name} is both {lengths[axis]} and {length}")
    return lengths
