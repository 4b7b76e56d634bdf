"""Values with their axes named: what an equation's reference to an input reads.

An array is kept flat with strides for the axes of its shape pattern: `...` flattened to one axis, a product
slot such as `g*c` split in two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tests.page.arithmetic import EvaluationError
from tests.page.symbols import Row, Symbols


@dataclass(frozen=True)
class Flat:
    """One array: its elements in row-major order, and the length of each axis."""

    data: list[Any]
    shape: tuple[int, ...]

    def get(self, index: Iterable[int]) -> Any:
        """An element; None outside."""
        at = 0
        for i, n in zip(index, self.shape, strict=True):
            if not 0 <= i < n:
                return None
            at = at * n + i
        return self.data[at]


def split(row: Row, shape: tuple[int, ...], known: Mapping[str, int]) -> tuple[int, ...]:
    """Lengths of the pattern's axes for an array of this shape. Raises EvaluationError where it does not fit.

    A product slot with more than one unknown part gives -1 for each of them.
    """
    slots = row.slots
    pattern = f"{row.name}[{', '.join('*'.join(s) for s in slots)}]"
    ellipsis = [n for n, slot in enumerate(slots) if slot == ("...",)]
    extra = len(shape) - len(slots)
    if (ellipsis and extra < -1) or (not ellipsis and extra):
        raise EvaluationError(f"{pattern} does not fit the shape {shape}")
    if ellipsis:
        at = ellipsis[0]
        shape = (*shape[:at], prod(shape[at : at + extra + 1]), *shape[at + extra + 1 :])
    lengths: list[int] = []
    for slot, length in zip(slots, shape, strict=True):
        parts = [int(p) if p.isdigit() else known.get(p, -1) for p in slot]
        rest = prod(p for p in parts if p >= 0)
        if parts.count(-1) == 1 and rest and length % rest == 0:
            parts[parts.index(-1)] = length // rest
        elif len(slot) == 1 and slot[0] in known and not slot[0].isdigit():
            parts = [length]
        elif -1 not in parts and rest != length:
            raise EvaluationError(f"{pattern}: an axis of length {length} is not {'*'.join(slot)} = {rest}")
        lengths += parts
    return tuple(lengths)


class Sizes:
    """The length of each axis letter. ``ragged[letter]`` lists it by the entry of a list."""

    def __init__(self, symbols: Symbols, values: Mapping[str, Any]) -> None:
        self.known: dict[str, int] = {}
        self.ragged: dict[str, list[int]] = {}
        self.source: dict[str, str] = {}
        self.arrays: dict[str, Flat] = {}
        self.lists: dict[str, list[Flat]] = {}
        self.rows = {key: r for key in values if (r := symbols.by_name.get(key.split()[-1])) and not r.option}
        self.values = {
            key: [np.asarray(v) for v in values[key]] if r.sequence else np.asarray(values[key])
            for key, r in self.rows.items()
        }
        for r in symbols.rows:
            axis = symbols.size_axis(r)
            if axis and r.name in values:
                self.known[axis] = int(values[r.name])
                self.source[axis] = f"the option {r.name}"

    def read(self) -> None:
        """Take in the arrays; again once more sizes are known, as a slot with two unknown parts waits."""
        for key, row in self.rows.items():
            if row.sequence:
                self._list(key, row, self.values[key])
            else:
                array = self.values[key]
                shape = split(row, array.shape, self.known)
                self._learn(key, row.inner, shape)
                self.arrays[key] = Flat(array.ravel().tolist(), shape)

    def _learn(self, key: str, axes: tuple[str, ...], shape: tuple[int, ...]) -> None:
        for axis, length in zip(axes, shape, strict=True):
            if length < 0 or axis.isdigit():
                continue
            if self.known.setdefault(axis, length) != length:
                before = self.source.get(axis, "another array")
                raise EvaluationError(f"axis {axis} is {length} long in {key} and {self.known[axis]} in {before}")
            self.source.setdefault(axis, key)

    def _list(self, key: str, row: Row, arrays: list[np.ndarray]) -> None:
        shapes = [split(row, a.shape, {}) for a in arrays]
        self._learn(key, (row.sequence,), (len(arrays),))
        self.lists[key] = [Flat(a.ravel().tolist(), s) for a, s in zip(arrays, shapes, strict=True)]
        for n, axis in enumerate(row.inner):
            lengths = [s[n] for s in shapes]
            if self.ragged.setdefault(axis, lengths) != lengths:
                raise EvaluationError(f"axis {axis} has lengths {lengths} in {key} and {self.ragged[axis]} elsewhere")
