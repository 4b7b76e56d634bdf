"""Products of axes in calls: two axes of a caller stand where a part has one, and one where it has two."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from derive.text.arrays import Grid, Position, Value
from derive.text.parse import DOTS, Argument, Definition

if TYPE_CHECKING:
    from derive.text.evaluate import Run

Slot = tuple[str, ...]  #: axes of a part that are one there
Lengths = dict[Slot, Position]  #: of a caller's axes that stand on one of a part


def whole_products(text: Definition, arrays: Mapping[str, Value]) -> bool:
    """Whether arrays have products of axes as one, as a caller of a kernel has them."""
    for a in text.arguments:
        value = arrays.get(a.name)
        grids = value if isinstance(value, list) else [value] if value is not None else []
        if DOTS not in a.axes and len(a.slots) < len(a.axes) and any(len(g.shape) == len(a.slots) for g in grids):
            return True
    return False


def joined(text: Definition, name: str, value: Value) -> Value:
    """A result with products of axes as one."""
    slots = of_result(text, name, True)
    if not isinstance(value, Grid) or sum(map(len, slots)) != len(value.shape):
        return value
    return Grid(tuple(runs(value.shape, [len(slot) for slot in slots])), value.elements)


def runs(shape: Position, counts: list[int]) -> Iterator[int]:
    """A shape in which so many axes after one another are one."""
    at = 0
    for count in counts:
        yield math.prod(shape[at : at + count])
        at += count


def of_result(text: Definition, name: str, products: bool) -> list[Slot]:
    """The axes of a result, those of a product together if ``products`` is true."""
    s, place = text.targets[name][-1]
    axes = [text.index(item) or "" for item in s.targets[place][1]]
    slots: list[Slot] = []
    together = s.products or text.products
    while axes:
        found = (p for p in together if products and tuple(axes[: len(p)]) == p)
        slots.append(next(found, (axes[0],)))
        del axes[: len(slots[-1])]
    return slots


def counts(run: Run, name: str) -> list[int]:
    """How many axes of a caller's array are one to its own caller; nothing where `...` is."""
    argument = next((a for a in run.text.arguments if a.name == name), None)
    if argument is not None:
        slots = [tuple(slot) for slot in argument.slots]
    else:
        s, place = run.text.targets[name][-1]
        if s.part:
            return run.grown[s][place] if s in run.grown else []
        slots = of_result(run.text, name, True)
    return [] if (DOTS,) in slots else [len(slot) for slot in slots]


def put_together(run: Run, name: str) -> list[int]:
    """How many axes stand together where an equation, or that of a layer called, has put some: ``y[b, h * w]``."""
    for s, place in run.text.targets.get(name, ()):
        if s.products:
            return [len(slot) for slot in of_result(run.text, name, True)]
        if s.part and run.library[s.part].targets[result := run.library[s.part].results[place]][-1][0].products:
            return [len(slot) for slot in of_result(run.library[s.part], result, True)]
    return []


def fitted_to_dots(slots: list[Slot], value: Grid, own: list[int], known: Lengths) -> Grid:
    """An array whose axes have been put together, where an argument has ``...``: what that covers stays apart."""
    wide = len(own) - len(slots) + 1
    first = slots.index((DOTS,))
    shape: list[int] = []
    at = 0
    for n, count in enumerate(own):
        lengths = value.shape[at : at + count]
        at += count
        if first <= n < first + wide:
            shape += lengths
            continue
        shape.append(math.prod(lengths))
        if count > 1:
            known[slots[n] if n < first else slots[n - wide + 1]] = lengths
    return Grid(tuple(shape), value.elements)


def fitted(a: Argument, whole: bool, value: Grid, own: list[int], known: Lengths, together: list[int]) -> Grid:
    """An array with those axes as one that stand on one of the part's; ``known`` gets their lengths."""
    slots: list[Slot] = [tuple(slot) for slot in a.slots] if whole else [(axis,) for axis in a.axes]
    if (DOTS,) in slots and sum(together) == len(value.shape) and len(together) >= len(slots) - 1:
        return fitted_to_dots(slots, value, together, known)
    if DOTS in a.axes or len(value.shape) == len(slots) or len(own) != len(slots) or sum(own) != len(value.shape):
        return value
    at = 0
    for slot, count in zip(slots, own, strict=True):
        if count > 1:
            known[slot] = value.shape[at : at + count]
        at += count
    return Grid(tuple(runs(value.shape, own)), value.elements)


def grown(part: Definition, name: str, whole: bool, value: Value, known: Lengths) -> tuple[Value, list[int]]:
    """A result with the caller's axes where the part has one, and how many stand on each."""
    slots = of_result(part, name, whole)
    if not isinstance(value, Grid):
        return value, []
    dots = len(value.shape) - len(slots) + 1  # so many stand for `...`, where it is
    shape: list[int] = []
    found: list[int] = []
    for slot in slots:
        own = known.get(slot)
        if own is None:
            width = dots if slot == (DOTS,) else 1
            shape += value.shape[len(value.shape) - left(slots, slot, dots) :][:width]
            found += [1] * width
        else:
            shape += own
            found.append(len(own))
    return Grid(tuple(shape), value.elements), found


def left(slots: list[Slot], slot: Slot, dots: int) -> int:
    """How many axes a slot and those behind it have."""
    return sum(dots if s == (DOTS,) else 1 for s in slots[slots.index(slot) :])
