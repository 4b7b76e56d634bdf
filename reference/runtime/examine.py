"""Examines a kernel's arguments: their kinds, and their shapes against the index patterns, with errors that teach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from reference.runtime.patterns import OPTIONS, REST, Array, Dims, Pattern
from reference.runtime.wider import working

UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


class Examiner:
    """Checks what a caller passes and brings it into the layout a kernel computes in.

    Args:
        layer: the kernel's name, for errors.
        inputs, outputs: patterns.
        options: name to (kind, default, choices).
        given: axes whose size an option or a number fixes: axis to option name or integer.
        moved: the axis that the option ``axis`` moves.
        outputs_by_choice: output patterns for values of the option that chooses equations, where they differ.
        chain: (a, b): axis a of a list's entry is as long as axis b of the entry before it.
        elementwise: every tensor has the axes ``...`` and no other, which then stay as they are.
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
        elementwise: bool = False,
    ) -> None:
        self.layer, self.inputs, self.outputs = layer, inputs, outputs
        self.options = options or {}
        self.given = given or {}
        self.moved = moved
        self.outputs_by_choice = outputs_by_choice or {}
        self.chain = chain
        self.elementwise = elementwise
        self.choice = next((name for name, (kind, _, _) in self.options.items() if kind == "Choice"), None)

    def examine(self, arguments: Sequence[Any], options: dict[str, Any]) -> tuple[list[Any], Dims]:
        """Check arguments, whose shapes, dtypes and options are new, and return them in the kernel's layout.

        Raises:
            TypeError: an argument is not of its kind (real, integer or boolean), or an option is not of its kind.
            ValueError: shapes do not fit the index patterns, or an option is out of range.
        """
        for name, value in options.items():
            self.check_option(name, value)
        dims = Dims()
        dims.axis = None if options.get("axis") == -1 else options.get("axis")
        dims.choice = options[self.choice] if self.choice else ""
        for axis, size in self.given.items():
            dims[axis] = size if isinstance(size, int) else int(options[size])
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
        given = kinds[0] if len(set(kinds)) == 1 else np.result_type(*kinds) if kinds else np.dtype(float)
        dims.dtype = working(given, options.values())
        dims.result = given if given != dims.dtype else None
        dims.zero = np.zeros((), dims.dtype)
        for n, (pattern, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            if pattern.optional:
                continue
            if pattern.sequence:
                axis = pattern.slots[0][0]
                if dims.setdefault(axis, len(array)) != len(array):
                    raise ValueError(
                        f"{self.layer}: {pattern} has {len(array)} entries, but axis {axis} is {dims[axis]} long"
                    )
                dims.shapes[pattern.name] = [a.shape for a in array]
                arrays[n] = [self.entry(pattern, a, dims, k) for k, a in enumerate(array)]
            else:
                arrays[n] = self.place(pattern, array, dims)
        for n, (pattern, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            if pattern.optional:
                arrays[n] = self.mask(pattern, array, dims)
            if pattern.below:
                self.check_range(pattern, arrays[n], dims)
        dims.inner = [a.shape if isinstance(a, np.ndarray) else None for a in arrays]
        dims.direct = all(map(self.unchanged, arguments, arrays))
        plain = not any(p.sequence or p.optional or p.below for p in self.inputs) and dims.axis is None
        if plain and all(type(a) is np.ndarray and a.dtype == b.dtype for a, b in zip(arguments, arrays, strict=True)):
            dims.reshaped = [(n, b.shape) for n, (a, b) in enumerate(zip(arguments, arrays, strict=True)) if a is not b]
        dims.direct_outputs = dims.direct and all(
            len(p.slots) > p.sequence and all(len(s) == 1 and (s[0] in dims or self.elementwise) for s in p.slots)
            for p in self.outputs_by_choice.get(dims.choice, self.outputs)
        )
        return arrays, dims

    def unchanged(self, argument: Any, array: Any) -> bool:
        """Whether an argument came through the examination as it was."""
        if isinstance(array, list):
            return all(map(self.unchanged, argument, array))
        return argument is array and (array is None or array.ndim > 0)

    def check_option(self, name: str, value: Any) -> None:
        kind, _, choices = self.options[name]
        if kind in ("Choice", "Activation"):
            if value not in choices:
                raise ValueError(
                    f"{self.layer}: {name} is {value!r}; it must be one of {', '.join(map(repr, choices))}"
                )
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
        a = argument if type(argument) is np.ndarray else np.asarray(argument)
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
                dims[REST] = math.prod(rest)
            elif dims.rest != rest:
                self.misfit(pattern, a, f"the axes ... are {dims.rest} in another argument")
            shape = (*shape[:at], dims[REST], *shape[at + extra :])
        elif len(shape) != len(slots):
            self.misfit(pattern, a, f"it needs {len(slots)} axes")
        inner: list[int] = []
        for slot, size in zip(slots, shape, strict=True):
            if len(slot) == 1:
                known = dims.setdefault(slot[0], size)
                if known != size:
                    self.misfit(pattern, a, f"axis {slot[0]} is {known} long elsewhere, {size} here")
                inner.append(size)
            else:
                inner += self.split(pattern, a, slot, size, dims)
        if self.elementwise and a.ndim:
            inner = list(a.shape)
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
        unknown = [axis for axis in slot if axis not in dims]
        known = math.prod(dims[axis] for axis in slot if axis in dims)
        if len(unknown) > 1:
            self.misfit(pattern, a, f"the sizes of {' and '.join(unknown)} are not known")
        if unknown:
            if known == 0 or size % known:
                self.misfit(pattern, a, f"{'*'.join(slot)} is {size}, not a multiple of {known}")
            dims[unknown[0]] = size // known
        elif known != size:
            self.misfit(pattern, a, f"{'*'.join(slot)} is {known} elsewhere, {size} here")
        return [dims[axis] for axis in slot]

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
            if not self.elementwise or not a.ndim:
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
        slots = ", ".join(s[0] for s in pattern.slots[1:])
        label = f"{self.layer}: {pattern.name}[{position}][{slots}] has shape {a.shape}"
        if self.chain and axis == self.chain[0]:
            known = dims.get(axis) if position == 0 else dims.entries.get((position - 1, self.chain[1]))
            where = (
                f"the input's axis {axis} is" if position == 0 else f"axis {self.chain[1]} of entry {position - 1} is"
            )
            if known is not None and known != size:
                raise ValueError(f"{label}, but {where} {known} long")
            return
        known = dims.entries.setdefault((position, axis), size)
        if known != size:
            raise ValueError(f"{label}, but axis {axis} of entry {position} is {known} long elsewhere")
        dims[axis] = size

    def mask(self, pattern: Pattern, a: Array | None, dims: Dims) -> Array | None:
        """Broadcast a mask to its pattern; None stays None."""
        if a is None:
            return None
        inner = tuple(dims[axis] for slot in pattern.slots for axis in slot)
        outer = (dims.rest or ()) + inner[1:] if (REST,) in pattern.slots else inner
        try:
            return np.broadcast_to(a, outer).reshape(inner)
        except ValueError:
            raise ValueError(
                f"{self.layer}: {pattern} has shape {a.shape}, which does not broadcast to {outer}"
            ) from None

    def check_range(self, pattern: Pattern, a: Array, dims: Dims) -> None:
        size = dims[pattern.below]
        if a.size and np.maximum.reduce(a.view(UNSIGNED[a.itemsize]), axis=None) >= size:  # below 0 is huge, unsigned
            wrong = int(a.min()) if a.min() < 0 else int(a.max())
            raise ValueError(
                f"{self.layer}: {pattern} holds {wrong}; it indexes axis {pattern.below}, "
                f"so 0 <= {pattern.name} < {size}"
            )

    def misfit(self, pattern: Pattern, a: Array, why: str) -> NoReturn:
        raise ValueError(f"{self.layer}: {pattern} has shape {a.shape}, but {why}; pass {self.expected()}")

    def expected(self) -> str:
        return " ".join(str(p) for p in self.inputs)
