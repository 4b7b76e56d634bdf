"""Checks a kernel's arguments against its index patterns and brings arrays into the layout kernels compute in.

Inside a kernel every axis is one axis: the leading ``...`` of a pattern is flattened to one, a product ``g*c`` is split
in two, a movable axis is moved last. ``bind`` goes in, ``restore`` comes back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
REST = "..."
PLANS = 256  # layouts remembered for each kernel

#: What an option of each kind must satisfy, and how an error says so.
OPTIONS: dict[str, tuple[Any, str]] = {
    "Positive": (lambda v: _number(v) and v > 0, "a positive number"),
    "Scalar": (lambda v: _number(v), "a finite number"),
    "Probability": (lambda v: _number(v) and 0 < v <= 1, "a number in (0, 1]"),
    "Fraction": (lambda v: _number(v) and 0 <= v <= 1, "a number in [0, 1]"),
    "Count": (lambda v: _whole(v) and v >= 1, "a positive integer"),
    "Natural": (lambda v: _whole(v) and v >= 0, "an integer >= 0"),
    "Integer": (lambda v: _whole(v), "an integer"),
    "Axis": (lambda v: _whole(v), "an integer"),
    "Flag": (lambda v: isinstance(v, bool | np.bool_), "True or False"),
}


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _number(value: object) -> bool:
    if isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, bool):
        return math.isfinite(value)
    return not isinstance(value, bool | str | complex | np.ndarray | None.__class__) and hasattr(value, "__mul__")


@dataclass(frozen=True)
class Pattern:
    """One tensor of a signature: ``Pattern("x", (("b",), ("g", "c"), (REST,)))``.

    Attributes:
        slots: the axes a caller passes; a slot of two names is their product.
        kind: real, integer or boolean.
        below: the axis an integer tensor indexes.
        sequence: the argument is a list of arrays; the first slot counts its entries.
        optional: may be None, which stands for True everywhere.
    """

    name: str
    slots: tuple[tuple[str, ...], ...]
    kind: str = "real"
    below: str = ""
    sequence: bool = False
    optional: bool = False
    differentiable: bool = True
    plain: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        if self.sequence:
            return f"{self.name}[{'*'.join(self.slots[0])}][{', '.join('*'.join(s) for s in self.slots[1:])}]"
        return f"{self.name}[{', '.join('*'.join(s) for s in self.slots)}]"


@dataclass
class Dims:
    """Sizes of the axes of one call, and what is needed to give results their outer shape again."""

    sizes: dict[str, int] = field(default_factory=dict)
    rest: tuple[int, ...] | None = None
    rests: list[tuple[int, ...]] = field(default_factory=list)
    shapes: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    entries: dict[tuple[int, str], int] = field(default_factory=dict)
    choice: str = ""
    dtype: Any = None
    axis: int | None = None
    layout: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)

    def __getitem__(self, axis: str) -> int:
        return self.sizes[axis]


class Signature:
    """What a kernel takes and gives, as data.

    Args:
        layer: the kernel's name, for errors.
        inputs, outputs: patterns.
        options: name to (kind, default, choices).
        given: axes whose size an option or a number fixes: axis to option name or integer.
        moved: the axis that the option ``axis`` moves.
        outputs_by_choice: output patterns for values of the option that chooses equations, where they differ.
        chain: (a, b): axis a of a list's entry is as long as axis b of the entry before it.
    """

    def __init__(
        self,
        layer: str,
        inputs: tuple[Pattern, ...],
        outputs: tuple[Pattern, ...],
        options: dict[str, tuple[str, object, tuple[str, ...]]] | None = None,
        given: dict[str, str | int] | None = None,
        moved: str = "",
        outputs_by_choice: dict[str, tuple[Pattern, ...]] | None = None,
        chain: tuple[str, str] | None = None,
    ) -> None:
        self.layer, self.inputs, self.outputs = layer, inputs, outputs
        self.options = options or {}
        self.given = given or {}
        self.moved = moved
        self.outputs_by_choice = outputs_by_choice or {}
        self.chain = chain
        self.plans: dict[Any, tuple[Dims, list[Any]]] = {}
        mixed = sum(p.kind == "real" for p in inputs) > 1
        for p in inputs:
            simple = not (p.sequence or p.optional or p.below or self.moved) and p.kind == "real"
            object.__setattr__(p, "plain", simple and not mixed)
        self.choice = next((name for name, (kind, _, _) in self.options.items() if kind == "Choice"), None)

    # ---- going in --------------------------------------------------------------------------------------------------

    def bind(self, arguments: Sequence[Any], options: dict[str, Any]) -> tuple[list[Any], Dims]:
        """Check arguments and return them in the kernel's layout, with the sizes found.

        Raises:
            TypeError: an argument is not of its kind (real, integer or boolean), or an option is not of its kind.
            ValueError: shapes do not fit the index patterns, or an option is out of range.
        """
        key = self.key(arguments, options)
        plan = self.plans.get(key) if key is not None else None
        if plan is None:
            arrays, dims = self.examine(arguments, options)
            if key is not None:
                if len(self.plans) >= PLANS:
                    self.plans.clear()
                self.plans[key] = (dims, [None if type(a) is list else a.shape for a in arrays])
            return arrays, dims
        dims, shapes = plan
        arrays = []
        for pattern, a, shape in zip(self.inputs, arguments, shapes, strict=True):
            if pattern.plain:
                arrays.append(a if a.shape == shape else a.reshape(shape))
            else:
                arrays.append(self.again(pattern, a, shape, dims))
        return arrays, dims

    def key(self, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        """What layout depends on: shapes, dtypes, options. None where it cannot be looked up."""
        try:
            kinds = [
                tuple([(e.shape, e.dtype) for e in a]) if p.sequence else None if a is None else (a.shape, a.dtype)
                for p, a in zip(self.inputs, arguments, strict=True)
            ]
            return (*kinds, *options.values(), *map(type, options.values())) if options else tuple(kinds)
        except (AttributeError, TypeError):
            return None

    def again(self, pattern: Pattern, a: Any, shape: tuple[int, ...] | None, dims: Dims) -> Any:
        """An argument of shapes and dtypes that were examined before."""
        if pattern.sequence:
            return [self.entry(pattern, e, dims, n) for n, e in enumerate(a)]
        if pattern.optional:
            return self.mask(pattern, a, dims)
        if self.moved and dims.axis is not None and (self.moved,) in pattern.slots:
            a = np.moveaxis(a, dims.axis, -1)
        if a.shape != shape:
            a = a.reshape(shape)
        if pattern.kind == "real" and a.dtype != dims.dtype:
            a = a.astype(dims.dtype)
        if pattern.below:
            self.check_range(pattern, a, dims)
        return a

    def examine(self, arguments: Sequence[Any], options: dict[str, Any]) -> tuple[list[Any], Dims]:
        """bind, for shapes, dtypes and options that are new."""
        for name, value in options.items():
            self.check_option(name, value)
        dims = Dims()
        dims.axis = None if options.get("axis") == -1 else options.get("axis")
        dims.choice = options[self.choice] if self.choice else ""
        for axis, size in self.given.items():
            dims.sizes[axis] = size if isinstance(size, int) else int(options[size])
        arrays: list[Any] = []
        for pattern, argument in zip(self.inputs, arguments, strict=True):
            if pattern.sequence:
                arrays.append([self.array(pattern, entry, f"{pattern.name}[{n}]") for n, entry in enumerate(argument)])
            else:
                arrays.append(None if argument is None and pattern.optional else self.array(pattern, argument))
        kinds = [
            a.dtype
            for pattern, array in zip(self.inputs, arrays, strict=True)
            if pattern.kind == "real"
            for a in (array if pattern.sequence else (array,))
        ]
        dims.dtype = kinds[0] if len(set(kinds)) == 1 else np.result_type(*kinds) if kinds else np.dtype(float)
        for n, (pattern, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            if pattern.optional:
                continue
            if pattern.sequence:
                axis = pattern.slots[0][0]
                if dims.sizes.setdefault(axis, len(array)) != len(array):
                    raise ValueError(
                        f"{self.layer}: {pattern} has {len(array)} entries, but axis {axis} is {dims.sizes[axis]} long"
                    )
                dims.shapes[pattern.name] = [a.shape for a in array]
                arrays[n] = [self.entry(pattern, a, dims, k) for k, a in enumerate(array)]
            else:
                arrays[n] = self.place(pattern, array, dims)
        for n, (pattern, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            if pattern.optional:
                arrays[n] = self.mask(pattern, array, dims)
            if pattern.below:
                self.check_range(pattern, array, dims)
        return arrays, dims

    def check_option(self, name: str, value: Any) -> None:
        kind, _, choices = self.options[name]
        if kind in ("Choice", "Activation"):
            if value not in choices:
                raise ValueError(f"{self.layer}: {name} is {value!r}; it must be one of {', '.join(map(repr, choices))}")
            return
        holds, words = OPTIONS[kind]
        try:
            fine = holds(value)
        except (TypeError, ValueError):
            fine = False
        if not fine:
            wrong_type = isinstance(value, str | bool | complex | np.ndarray) or value is None
            error = TypeError if wrong_type and kind != "Flag" else ValueError
            raise error(f"{self.layer}: {name} is {value!r}; it must be {words}")

    def array(self, pattern: Pattern, argument: Any, label: str = "") -> Array:
        a = argument if isinstance(argument, np.ndarray) else np.asarray(argument)
        kind = a.dtype.kind
        fits = {"real": "fO", "integer": "iuO", "boolean": "b"}[pattern.kind]
        if kind not in fits:
            words = {
                "real": "real: pass a float16, float32, float64 or longdouble array, or an object array of numbers",
                "integer": "of integers",
                "boolean": "boolean",
            }[pattern.kind]
            raise TypeError(f"{self.layer}: {label or pattern} has dtype {a.dtype}; it must be {words}")
        return a

    def place(self, pattern: Pattern, a: Array, dims: Dims) -> Array:
        """Match shape against slots, then flatten, split and move."""
        slots = pattern.slots
        if self.moved and (self.moved,) in slots:
            a = self.move(pattern, a, dims)
        shape = a.shape
        if (REST,) in slots:
            at = slots.index((REST,))
            extra = len(shape) - len(slots) + 1
            if extra < 0:
                self.misfit(pattern, a, f"it needs at least {len(slots) - 1} axes")
            rest = shape[at : at + extra]
            if dims.rest is None:
                dims.rest = rest
                dims.sizes[REST] = math.prod(rest)
            elif dims.rest != rest:
                self.misfit(pattern, a, f"the axes ... are {dims.rest} in another argument")
            shape = shape[:at] + (dims.sizes[REST],) + shape[at + extra :]
        elif len(shape) != len(slots):
            self.misfit(pattern, a, f"it needs {len(slots)} axes")
        inner: list[int] = []
        for slot, size in zip(slots, shape, strict=True):
            if len(slot) == 1:
                known = dims.sizes.setdefault(slot[0], size)
                if known != size:
                    self.misfit(pattern, a, f"axis {slot[0]} is {known} long elsewhere, {size} here")
                inner.append(size)
            else:
                inner += self.split(pattern, a, slot, size, dims)
        if tuple(inner) != a.shape:
            a = a.reshape(inner)
        if pattern.kind == "real" and a.dtype != dims.dtype:
            a = a.astype(dims.dtype)
        return a

    def move(self, pattern: Pattern, a: Array, dims: Dims) -> Array:
        axis = dims.axis
        if axis is None:
            return a
        if not -a.ndim <= axis < a.ndim:
            raise ValueError(f"{self.layer}: axis is {axis}, but {pattern.name} of shape {a.shape} has {a.ndim} axes")
        return np.moveaxis(a, axis, -1)

    def split(self, pattern: Pattern, a: Array, slot: tuple[str, ...], size: int, dims: Dims) -> list[int]:
        unknown = [axis for axis in slot if axis not in dims.sizes]
        known = math.prod(dims.sizes[axis] for axis in slot if axis in dims.sizes)
        if len(unknown) > 1:
            self.misfit(pattern, a, f"the sizes of {' and '.join(unknown)} are not known")
        if unknown:
            if known == 0 or size % known:
                self.misfit(pattern, a, f"{'*'.join(slot)} is {size}, not a multiple of {known}")
            dims.sizes[unknown[0]] = size // known
        elif known != size:
            self.misfit(pattern, a, f"{'*'.join(slot)} is {known} elsewhere, {size} here")
        return [dims.sizes[axis] for axis in slot]

    def entry(self, pattern: Pattern, a: Array, dims: Dims, position: int) -> Array:
        """One array of a list: its own sizes, ``...`` flattened."""
        slots = pattern.slots[1:]
        if slots == ((REST,),):
            if position < len(dims.rests):
                if dims.rests[position] != a.shape:
                    raise ValueError(
                        f"{self.layer}: {pattern.name}[{position}] has shape {a.shape}, "
                        f"but the entry {position} of another list has shape {dims.rests[position]}"
                    )
            else:
                dims.rests.append(a.shape)
            a = a.reshape(-1)
        elif a.ndim != len(slots):
            raise ValueError(
                f"{self.layer}: {pattern.name}[{position}] has shape {a.shape}; {pattern} needs {len(slots)} axes"
            )
        else:
            for (axis, *_), size in zip(slots, a.shape, strict=True):
                self.fit_entry(pattern, a, axis, size, dims, position)
        return a if a.dtype == dims.dtype else a.astype(dims.dtype)

    def fit_entry(self, pattern: Pattern, a: Array, axis: str, size: int, dims: Dims, position: int) -> None:
        """Axes of a list's entries fit the other lists at the same position, and the entry before."""
        label = f"{self.layer}: {pattern.name}[{position}][{', '.join(s[0] for s in pattern.slots[1:])}] has shape {a.shape}"
        if self.chain and axis == self.chain[0]:
            known = dims.sizes[axis] if position == 0 else dims.entries.get((position - 1, self.chain[1]))
            where = f"the input's axis {axis} is" if position == 0 else f"axis {self.chain[1]} of entry {position - 1} is"
            if known is not None and known != size:
                raise ValueError(f"{label}, but {where} {known} long")
            return
        known = dims.entries.setdefault((position, axis), size)
        if known != size:
            raise ValueError(f"{label}, but axis {axis} of entry {position} is {known} long elsewhere")
        dims.sizes[axis] = size

    def pattern(self, name: str, dims: Dims) -> Pattern:
        """The pattern of an output or input in one call."""
        outputs = self.outputs_by_choice.get(dims.choice, self.outputs)
        return next(p for p in outputs + self.inputs if p.name == name)

    def mask(self, pattern: Pattern, a: Array | None, dims: Dims) -> Array:
        inner = tuple(dims.sizes[axis] for slot in pattern.slots for axis in slot)
        if a is None:
            return np.broadcast_to(np.True_, inner)
        outer = (dims.rest or ()) + inner[1:] if (REST,) in pattern.slots else inner
        try:
            return np.broadcast_to(a, outer).reshape(inner)
        except ValueError:
            raise ValueError(
                f"{self.layer}: {pattern} has shape {a.shape}, which does not broadcast to {outer}"
            ) from None

    def check_range(self, pattern: Pattern, a: Array, dims: Dims) -> None:
        size = dims.sizes[pattern.below]
        if a.size and (a.min() < 0 or a.max() >= size):
            wrong = int(a.min()) if a.min() < 0 else int(a.max())
            raise ValueError(
                f"{self.layer}: {pattern} holds {wrong}; it indexes axis {pattern.below}, so 0 <= {pattern.name} < {size}"
            )

    def misfit(self, pattern: Pattern, a: Array, why: str) -> None:
        raise ValueError(f"{self.layer}: {pattern} has shape {a.shape}, but {why}; pass {self.expected()}")

    def expected(self) -> str:
        return " ".join(str(p) for p in self.inputs)

    # ---- coming back -----------------------------------------------------------------------------------------------

    def cotangent(self, name: str, argument: Any, dims: Dims) -> Any:
        """Bring the cotangent of an output, or the tangent of an input, into the kernel's layout.

        Raises:
            ValueError: its shape is not the shape of what it belongs to.
        """
        plan = dims.layout.get(name)
        if plan is not None and type(argument) is np.ndarray and argument.shape == plan[0] and argument.dtype == dims.dtype:
            return argument if plan[0] == plan[1] else argument.reshape(plan[1])
        pattern = self.pattern(name, dims)
        if pattern.sequence:
            flat = pattern.slots[1:] == ((REST,),)
            arrays = [np.asarray(a, dtype=dims.dtype) for a in argument]
            shapes = dims.shapes.get(name) or dims.rests
            if [a.shape for a in arrays] != shapes:
                found = [a.shape for a in arrays]
                raise ValueError(f"{self.layer}: the cotangent or tangent of {pattern} has shapes {found}; they must be {shapes}")
            return [a.reshape(-1) for a in arrays] if flat else arrays
        shape = self.shape(pattern, dims)
        a = np.asarray(argument)
        if a.dtype != dims.dtype:
            a = a.astype(dims.dtype)
        if a.shape != shape:
            raise ValueError(f"{self.layer}: the cotangent or tangent of {pattern} has shape {a.shape}; it must be {shape}")
        if self.moved and dims.axis is not None and (self.moved,) in pattern.slots:
            return np.moveaxis(a, dims.axis, -1).reshape(self.inner(pattern, dims))
        dims.layout[name] = shape, self.inner(pattern, dims)
        return a.reshape(dims.layout[name][1])

    def inner(self, pattern: Pattern, dims: Dims) -> tuple[int, ...]:
        """The shape a kernel computes in."""
        return tuple(dims.sizes[axis] for slot in pattern.slots for axis in slot)

    def shape(self, pattern: Pattern, dims: Dims) -> tuple[int, ...]:
        """The outer shape of a tensor."""
        shape: list[int] = []
        for slot in pattern.slots:
            if slot == (REST,):
                shape += dims.rest or ()
            else:
                shape.append(math.prod(dims.sizes[axis] for axis in slot))
        if self.moved and dims.axis is not None and (self.moved,) in pattern.slots:
            shape.insert(dims.axis % len(shape), shape.pop())
        return tuple(shape)

    def restore(self, name: str, a: Any, dims: Dims) -> Any:
        """Give a result the shape its pattern promises."""
        plan = dims.layout.get(name)
        if plan is not None and type(a) is np.ndarray and a.dtype == dims.dtype:
            return a if a.shape == plan[0] else a.reshape(plan[0])
        pattern = self.pattern(name, dims)
        if pattern.sequence:
            if pattern.slots[1:] == ((REST,),):
                return [entry.reshape(rest) for entry, rest in zip(a, dims.rests, strict=True)]
            return a
        shape = self.shape(pattern, dims)
        if self.moved and dims.axis is not None and (self.moved,) in pattern.slots:
            axis = dims.axis % len(shape)
            inner = shape[:axis] + shape[axis + 1 :] + (shape[axis],)
            return np.moveaxis(np.reshape(a, inner), -1, axis)
        dims.layout[name] = shape, self.inner(pattern, dims)
        a = np.asarray(a, dtype=dims.dtype)
        return a if a.shape == shape else a.reshape(shape)
