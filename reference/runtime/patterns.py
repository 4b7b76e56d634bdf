"""What a kernel's arguments look like: index patterns, and the sizes found in one call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Sequence[Any]
Each = Any  #: an option of several numbers, one for each axis: a tuple of them; a caller may give one number for all
REST = "..."
TEXT = re.compile(r"(\w+)(?:\[(\w+)\])?\[([^]]*)\](?:: (.*))?")


@dataclass(frozen=True)
class Pattern:
    """One tensor of a signature: ``Pattern("x", (("b",), ("g", "c"), (REST,)))``.

    Attributes:
        slots: the axes a caller passes; a slot of two names is their product.
        kind: real, integer or boolean.
        below: the axis an integer tensor indexes.
        unless: the option whose value it may hold besides: nothing is read there.
        sequence: the argument is a list of arrays; the first slot counts its entries.
        optional: may be None, which stands for True everywhere.
        whole: a result of integers, which say where something is.
    """

    name: str
    slots: tuple[tuple[str, ...], ...]
    kind: str = "real"
    below: str = ""
    unless: str = ""
    sequence: bool = False
    optional: bool = False
    differentiable: bool = True
    whole: bool = False

    def place(self, axis: str) -> int | None:
        """Where a kernel's array has an axis; None where it has not."""
        axes = [a for slot in self.slots for a in slot]
        return axes.index(axis) if axis in axes else None

    def __str__(self) -> str:
        if self.sequence:
            return f"{self.name}[{'*'.join(self.slots[0])}][{', '.join('*'.join(s) for s in self.slots[1:])}]"
        return f"{self.name}[{', '.join('*'.join(s) for s in self.slots)}]"


def parsed(text: str) -> Pattern:
    """A pattern as generated modules have it: ``x[b, g*c, ...]``, ``W[l][o, i]`` for a list of arrays.

    Behind a colon stand what else there is to say: ``integer``, ``boolean``, ``below i`` for positions along an axis,
    ``unless ignore`` where the value of an option may stand among them, ``optional``, ``state`` for what has no
    gradient though it is real, and ``whole`` for a result that says where something is: an integer, with a real
    cotangent and tangent.
    """
    match = TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is not a pattern")
    name, entries, axes, said = match.groups()
    words = (said or "").split()
    kind = next((k for k in ("integer", "boolean") if k in words), "real")
    below, unless = (words[words.index(w) + 1] if w in words else "" for w in ("below", "unless"))
    slots = tuple(tuple(slot.split("*")) for slot in axes.split(", ") if slot)
    return Pattern(
        name,
        ((entries,), *slots) if entries else slots,
        kind,
        below,
        unless,
        sequence=bool(entries),
        optional="optional" in words,
        differentiable=kind == "real" and "state" not in words,
        whole="whole" in words,
    )


class Dims(dict[str, int]):
    """Sizes of the axes of one call, and what is needed to give results their outer shape again.

    Attributes:
        layer: the kernel's name.
        dtype: what the call computes in, in the machine's byte order.
        result: the dtype of its results, where it is another: see reference.runtime.wider.
        number: the type of the numbers in object arrays, where they are not only integers.
        direct: the arguments are in the kernel's layout as they are, and so are gradients of them.
        direct_outputs: so are the outputs.
        inner: the shape of each argument in the kernel's layout; None for a list or a missing mask.
        reshaped: where a call differs from the layout in shapes only: positions of arguments, and their inner shapes.
        rest: the leading axes that ``...`` stands for; for the entries of lists, rests.
        shapes: the shapes of a list's entries, by the list's name.
        entries: sizes of the axes of a list's entries, by position and axis.
        choice: the value of the option that chooses between equations; of several, all of them, by the names' order.
        zero: 0 as an array of the dtype.
        axis: the axis that is moved last; None where it is there.
        layout: outer and inner shape of an output or input, by name, as far as they were needed.
        entry_shapes: of cotangents and tangents that are lists and need no change, by name.
        within: the shapes of a list's entries in the kernel's layout, by name, as far as they were needed.
        large: an argument is so large that forward runs in blocks.
        large_back: or an output is, and with it backward.
        out: arrays for results, by name; None lets NumPy make them.
    """

    def __init__(self, dtype: Any = None) -> None:
        super().__init__()
        self.layer = ""
        self.dtype = dtype
        self.number: type | None = None
        self.result: Any = None
        self.direct = False
        self.direct_outputs = False
        self.inner: list[tuple[int, ...] | None] = []
        self.reshaped: list[tuple[int, tuple[int, ...]]] | None = None
        self.rest: tuple[int, ...] | None = None
        self.rests: list[tuple[int, ...]] = []
        self.shapes: dict[str, list[tuple[int, ...]]] = {}
        self.entries: dict[tuple[int, str], int] = {}
        self.choice: Any = ""
        self.zero: Any = None
        self.axis: int | None = None
        self.layout: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self.entry_shapes: dict[str, list[tuple[int, ...]]] = {}
        self.within: dict[str, list[tuple[int, ...]]] = {}
        self.large = self.large_back = False
        self.out: dict[str, Array | None] = {}
