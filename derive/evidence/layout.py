"""Between arrays as a caller passes them and elements as equations name them.

An equation's ``...`` is one axis here, its sizes multiplied; a slot ``g * c`` is two axes; softmax's axis
comes last; a list of arrays is one tensor whose first index counts the entries.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from derive.evidence.domain import chained
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Size
from derive.notation.layer import Layer, Tensor

Elements = dict[tuple[int, ...], Any]
Shape = tuple[int, ...]
Value = Any  # an array, a list of arrays, or None for a mask that was left out


@dataclass(frozen=True, repr=False)
class Case:
    """A layer (one variant of it) with arguments.

    Attributes:
        tensors: every input by name, as a caller passes it.
        options: every option by name.
        words: what is special about it.
        known: what was computed from it and is asked for again (derive.evidence.world.forward).
    """

    layer: Layer
    tensors: dict[str, Value]
    options: dict[str, Any] = field(default_factory=dict)
    words: str = ""
    known: dict[str, Any] = field(default_factory=dict, init=False, compare=False)

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={v!r}" for n, v in {**self.tensors, **self.options}.items())
        return f"{self.layer.name}({shown})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How Hypothesis shows it: the call, not the definition."""
        printer.text(repr(self))

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The length of each axis; axes whose length differs between the arrays of a list are missing."""
        return axis_sizes(self)

    @cached_property
    def leading(self) -> dict[int | None, Shape]:
        """The shape that ``...`` stands for; by entry where it is an axis of a list's arrays."""
        return {
            entry: bound[(ELLIPSIS,)]
            for tensor, entry, shape in _shapes(self)
            if (ELLIPSIS,) in (bound := dict(bind(tensor.name, slots(self.layer, tensor), shape)))
        }


def flat(value: Value) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def listed(layer: Layer, tensor: Tensor) -> bool:
    """Whether a caller passes or gets a list of arrays: an input is none that is declared as an array as long."""
    if tensor.sequence or (tensor.slots and tensor.role != "output"):
        return tensor.sequence
    return layer.sequence_axis is not None and tensor.axes[:1] == (layer.sequence_axis,)


def slots(layer: Layer, tensor: Tensor) -> tuple[tuple[str, ...], ...]:
    """The axes of one array as a caller sees them. An output's axes are put together where an input's are."""
    if tensor.slots:
        parts = tuple(s.parts for s in tensor.slots)
        return parts[1:] if listed(layer, tensor) else parts
    products = [s.parts for t in layer.inputs for s in t.slots if len(s.parts) > 1]
    rest = tensor.axes[1:] if listed(layer, tensor) else tensor.axes
    found: list[tuple[str, ...]] = []
    while rest:
        found.append(next((p for p in products if rest[: len(p)] == p), rest[:1]))
        rest = rest[len(found[-1]) :]
    return tuple(found)


def moved(case: Case, tensor: Tensor) -> tuple[int, int] | None:
    """Where an option names the position of an axis: that position, and the axis's place in the equations."""
    for option in case.layer.options:
        if option.kind == "Axis" and option.axis in tensor.axes:
            return int(case.options[option.name]), tensor.axes.index(option.axis) - len(tensor.axes)
    return None


def _moved_shape(case: Case, tensor: Tensor, shape: Shape, back: bool = False) -> Shape:
    move = moved(case, tensor)
    if move is None:
        return shape
    rest = list(shape)
    n = rest.pop(move[1] if back else move[0])
    position = (move[0] if back else move[1]) % len(shape)
    rest.insert(position, n)
    return tuple(rest)


def bind(name: str, parts: tuple[tuple[str, ...], ...], shape: Shape) -> list[tuple[tuple[str, ...], Shape]]:
    """Which part of a shape each slot takes; an axis may stand twice."""
    spare = len(shape) - (len(parts) - 1)
    found: list[tuple[tuple[str, ...], Shape]] = []
    at = 0
    for part in parts:
        width = spare if part == (ELLIPSIS,) else 1
        found.append((part, shape[at : at + width]))
        at += width
    if at != len(shape) or spare < 0:
        raise ValueError(f"{name} of shape {shape} does not fit its axes {parts}")
    return found


def _shapes(case: Case) -> Iterator[tuple[Tensor, int | None, Shape]]:
    for tensor in case.layer.inputs:
        value = case.tensors[tensor.name]
        if value is None:
            continue
        for entry, array in enumerate(value) if tensor.sequence else [(None, value)]:
            yield tensor, entry, _moved_shape(case, tensor, np.shape(array))


def axis_sizes(case: Case) -> dict[str, int]:
    """The length of each axis, from the arrays, the options and the definition's own sizes."""
    layer = case.layer
    found: dict[str, int] = {}
    products: list[tuple[tuple[str, ...], int]] = []
    ragged: set[str] = set()
    for tensor, entry, shape in _shapes(case):
        if entry is not None:
            found[tensor.axes[0]] = len(case.tensors[tensor.name])
        for part, size in bind(tensor.name, slots(layer, tensor), shape):
            if entry is not None:
                ragged |= set(part)
            if len(part) == 1:
                found.setdefault(part[0], math.prod(size))
            else:
                products.append((part, size[0]))

    def computed() -> None:
        for name, e in layer.sizes.items():
            if (n := whole(e, found, case.options)) is not None:
                found[name] = n

    computed()
    for part, length in products:
        unknown = [a for a in part if a not in found]
        if len(unknown) == 1:
            found[unknown[0]] = length // max(1, math.prod(found[a] for a in part if a in found))
    computed()
    given = {o.axis for o in layer.options if o.kind == "Count"} | {
        a for a, e in layer.sizes.items() if isinstance(e, Num)
    }
    given |= {a for t in layer.inputs if not t.sequence for a in t.axes} - {ELLIPSIS, *chained(layer)}
    return {a: n for a, n in found.items() if a not in ragged - given}


#: Arithmetic on sizes.
WHOLE: dict[str, Callable[[list[int]], int]] = {
    "add": sum,
    "mul": math.prod,
    "floordiv": lambda known: known[0] // known[1],
    "pow": lambda known: known[0] ** known[1],
    "max": max,
    "abs": lambda known: abs(known[0]),
    "where": lambda known: known[1] if known[0] else known[2],
    "not": lambda known: not known[0],
    "and": all,
    "or": any,
    "==": lambda known: known[0] == known[1],
    "!=": lambda known: known[0] != known[1],
    "<": lambda known: known[0] < known[1],
    "<=": lambda known: known[0] <= known[1],
    ">": lambda known: known[0] > known[1],
    ">=": lambda known: known[0] >= known[1],
}


def whole(e: Expr, sizes: dict[str, int], options: dict[str, Any]) -> int | None:
    """A size's expression as a number; None while an axis in it is not known."""
    match e:
        case Num(value):
            return int(value)
        case Opt():
            return int(e.of(options))
        case Size(axis):
            return sizes.get(axis)
        case Op(fn, args):
            known = [n for a in args if (n := whole(a, sizes, options)) is not None]
            if len(known) < len(args):
                return None
            if fn in WHOLE:
                return WHOLE[fn](known)
    raise TypeError(f"not a size: {e!r}")


def elements(case: Case, name: str, value: Value, convert: Callable[[Any], Any] = lambda v: v) -> Elements:
    """A caller's array (or list) for an input or output, element by element, at the equations' indices."""
    tensor = case.layer.tensors[name]
    entries = enumerate(value) if listed(case.layer, tensor) else [(None, value)]
    found: Elements = {}
    for entry, array in entries:
        array = np.asarray(array)
        if (move := moved(case, tensor)) is not None:
            array = np.moveaxis(array, *move)
        sizes = _inner(case, tensor, array.shape, entry)
        flat = array.reshape(sizes)
        head = () if entry is None else (entry,)
        for index in itertools.product(*(range(n) for n in sizes)):
            found[head + index] = convert(flat[index])
    return found


def inner(case: Case, name: str, value: Value) -> Any:
    """One array for an input or output with the equations' axes, in their order."""
    tensor = case.layer.tensors[name]
    array = np.asarray(value)
    if (move := moved(case, tensor)) is not None:
        array = np.moveaxis(array, *move)
    return array.reshape(_inner(case, tensor, array.shape))


def _inner(case: Case, tensor: Tensor, shape: Shape, entry: int | None = None) -> Shape:
    """The sizes of one array along the equations' axes; of an entry of a list, where two of its own are put together,
    as they are in the list that they come from."""
    sizes: list[int] = []
    for part, size in bind(tensor.name, slots(case.layer, tensor), shape):
        if len(part) == 1:
            sizes.append(math.prod(size))
        else:
            known = [case.sizes.get(case.layer.axis(a)) for a in part]
            if known.count(None) > 1 and entry is not None:
                known = [lengths(case, a)[entry] if n is None else n for a, n in zip(part, known, strict=True)]
            rest = math.prod(size) // max(1, math.prod(n for n in known if n))  # at most one is an entry's own
            sizes += [rest if n is None else n for n in known]
    return tuple(sizes)


def shape_of(case: Case, name: str) -> Any:
    """The shape of an input or output as a caller sees it; a list of shapes for a list."""
    layer, tensor = case.layer, case.layer.tensors[name]
    if tensor.role in ("input", "state"):
        value = case.tensors[name]
        return [np.shape(v) for v in value] if tensor.sequence else np.shape(value)
    if listed(layer, tensor):
        alike = (t for t in layer.inputs if t.sequence and t.axes == tensor.axes and not tensor.slots)
        like = next(alike, None)
        if like is not None:
            return shape_of(case, like.name)
        entries = next(len(case.tensors[t.name]) for t in layer.inputs if t.sequence)
        return [tuple(chain(*(_together(case, part, e) for part in slots(layer, tensor)))) for e in range(entries)]
    shape: list[int] = []
    for part in slots(layer, tensor):
        if part == (ELLIPSIS,):
            shape += case.leading[None]
        else:
            shape.append(math.prod(_size(case, a) for a in part))
    return _moved_shape(case, tensor, tuple(shape), back=True)


def _size(case: Case, axis: str) -> int:
    """The size of an output's axis; the last array of a list decides where they differ."""
    known = case.sizes.get(case.layer.axis(axis))
    if known is not None:
        return known
    return lengths(case, axis)[-1]


def _together(case: Case, part: tuple[str, ...], entry: int) -> Shape:
    """The sizes that a slot has in an entry of a list."""
    apart = tuple(n for axis in part for n in _along(case, axis, entry))
    return apart if part == (ELLIPSIS,) else (math.prod(apart),)


def _along(case: Case, axis: str, entry: int) -> Shape:
    """The sizes that an axis has in an entry of a list: those of ``...``, or its length there."""
    if axis == ELLIPSIS:
        return case.leading[entry if entry in case.leading else None]
    known = case.sizes.get(case.layer.axis(axis))
    return (lengths(case, axis)[entry] if known is None else known,)


def lengths(case: Case, axis: str) -> list[int]:
    """How long an axis is in each entry of a list."""
    for tensor in case.layer.inputs:
        along = [case.layer.axis(a) for a in tensor.axes[1:]] if tensor.sequence else []
        if case.layer.axis(axis) in along:
            place = along.index(case.layer.axis(axis))
            return [_inner(case, tensor, np.shape(a))[place] for a in case.tensors[tensor.name]]
    raise KeyError(f"{case.layer.name}: nothing says how long axis {axis} is")


def array(case: Case, name: str, values: Elements, dtype: Any = object) -> Value:
    """Elements of an input or output put together as a caller sees them."""
    tensor = case.layer.tensors[name]
    shape = shape_of(case, name)
    if isinstance(shape, list):
        own = [{i[1:]: v for i, v in values.items() if i[0] == n} for n in range(len(shape))]
        return [_fill(v, s, dtype) for v, s in zip(own, shape, strict=True)]
    move = moved(case, tensor)
    if move is None:
        return _fill(values, shape, dtype)
    return np.moveaxis(_fill(values, _moved_shape(case, tensor, shape), dtype), move[1], move[0])


def _fill(values: Elements, shape: Shape, dtype: Any) -> Any:
    out = np.empty(math.prod(shape), dtype)
    for n, index in enumerate(sorted(values)):
        out[n] = values[index]
    return out.reshape(shape)


def one_hot(case: Case, name: str, at: tuple[int, ...] | None) -> Value:
    """An input or output as a caller sees it, 1 at one element (at none, for None) and 0 everywhere else."""
    return array(case, name, {i: float(i == at) for i in every(case, name)}, np.float64)


def every(case: Case, name: str) -> Iterator[tuple[int, ...]]:
    """Every index of an input or output, in the equations' axes."""
    shape = shape_of(case, name)
    blank = [np.empty(s, bool) for s in shape] if isinstance(shape, list) else np.empty(shape, bool)
    yield from elements(case, name, blank)
