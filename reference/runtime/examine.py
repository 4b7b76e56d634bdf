"""Examines a kernel's arguments: their kinds, and their shapes against the index patterns, with errors that teach."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from reference.runtime import blocks
from reference.runtime.layout import moved_last
from reference.runtime.patterns import REST, Array, Dims, Pattern, parsed
from reference.runtime.reading import OBJECT, cast, names, read
from reference.runtime.values import as_float, kind_of, like, number_types, shown, typed
from reference.runtime.wider import working


def patterns(given: Iterable[Pattern | str]) -> tuple[Pattern, ...]:
    return tuple(p if isinstance(p, Pattern) else parsed(p) for p in given)


def value_of(option: str | tuple[Any, ...], values: dict[str, Any]) -> int:
    """The value of an option, or of one of its numbers: ``window``, or ``("window", 0)``."""
    if isinstance(option, str):
        return int(values[option])
    name, *places = option
    value = values[name]
    for n in places:
        value = value[n]
    return int(value)


class Examiner:
    """Checks what a caller passes and brings it into the layout a kernel computes in.

    Args:
        layer: the kernel's name, for errors.
        inputs, outputs: patterns, or their texts.
        options: name to (kind, default) or (kind, default, words): what may be chosen, of kinds that choose.
        given: axes whose size an option or a number fixes: axis to option name, or a tuple of it and the place of one
            of several numbers, or integer.
        moved: the axis that the option ``axis`` moves.
        outputs_by_choice: output patterns for values of the option that chooses equations, where they differ.
        chain: (a, b): axis a of a list's entry is as long as axis b of the entry before it.
        elementwise: every tensor has the axes ``...`` and no other, which then stay as they are.
        same: axes that are as long as another one.

    Attributes:
        sized: a function of the sizes and the options that finds those of computed axes.
        out: the names of results that functions can put into given arrays, which are none in most calls.
    """

    def __init__(
        self,
        layer: str,
        inputs: Iterable[Pattern | str],
        outputs: Iterable[Pattern | str],
        options: dict[str, tuple[Any, ...]] | None = None,
        given: dict[str, str | int | tuple[Any, ...]] | None = None,
        moved: str = "",
        outputs_by_choice: dict[Any, Iterable[Pattern | str]] | None = None,
        chain: tuple[str, str] | None = None,
        elementwise: bool = False,
        same: dict[str, str] | None = None,
    ) -> None:
        self.layer, self.inputs, self.outputs = layer, patterns(inputs), patterns(outputs)
        self.options: dict[str, tuple[str, object, Collection[str]]] = {
            name: (kind, default, *(rest or [()])) for name, (kind, default, *rest) in (options or {}).items()
        }
        self.given = given or {}
        self.moved = moved
        self.outputs_by_choice = {key: patterns(found) for key, found in (outputs_by_choice or {}).items()}
        self.chain = chain
        self.elementwise = elementwise
        self.same = same or {}
        single = [p for p in self.inputs if not p.sequence]
        self.shared = {*self.given, *(axis for p in single for slot in p.slots for axis in slot)}
        counts = {p.slots[0] for p in self.inputs if p.sequence}
        self.stacked = any(p.slots[:1] == (axis,) for p in single if p.differentiable for axis in counts)
        self.choice = tuple(sorted(name for name, (kind, _, _) in self.options.items() if kind == "Choice"))
        self.sized: Callable[..., None] | None = None
        self.out: dict[str, Array | None] = {}

    def examine(self, arguments: Sequence[Any], options: Sequence[Any]) -> tuple[list[Any], list[Any], Dims]:
        """Check arguments, whose shapes, dtypes and options are new.

        Returns:
            The tensors in the kernel's layout, the options as plain values, and the sizes.

        Raises:
            TypeError: an argument is not of its kind (real, integer or boolean), or an option is not of its kind.
            ValueError: shapes do not fit the index patterns, or an option is out of range.
        """
        values = {name: self.option(name, value) for name, value in zip(self.options, options, strict=True)}
        dims = Dims()
        dims.layer = self.layer
        axis = next((values[name] for name, (kind, *_) in self.options.items() if kind == "Axis"), None)
        dims.axis = None if axis == -1 else axis
        chosen = tuple(values[name] for name in self.choice)
        dims.choice = chosen[0] if len(chosen) == 1 else chosen
        for axis, size in self.given.items():
            dims[axis] = size if isinstance(size, int) else value_of(size, values)
        arrays: list[Any] = []
        for pattern, argument in zip(self.inputs, arguments, strict=True):
            if pattern.sequence:
                arrays.append([self.array(pattern, entry, f"{pattern.name}[{n}]") for n, entry in enumerate(argument)])
            else:
                arrays.append(None if argument is None and pattern.optional else self.array(pattern, argument))
        self.set_dtype(arrays, dims)
        options = [self.option(name, value, dims) for name, value in values.items()]
        given, dims.dtype = dims.dtype, working(dims.dtype, options)
        dims.result = given if given != dims.dtype else None
        dims.zero = np.array(typed(0, dims.number), dims.dtype)
        dims.out = self.out
        order = list(range(len(arrays)))
        for turn, n in enumerate(order):
            pattern, array = self.inputs[n], arrays[n]
            if pattern.optional:
                continue
            if turn < len(arrays) and any(sum(i not in dims for i in slot) > 1 for slot in pattern.slots):
                order.append(n)  # a product of axes, of which later arguments may tell all but one
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
        if self.sized is not None:
            self.sized(dims, **values)
        for n, (pattern, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            if pattern.optional:
                arrays[n] = self.mask(pattern, array, dims)
            if pattern.below and not pattern.unless:
                self.check_range(pattern, arrays[n], dims)
        dims.inner = [a.shape if isinstance(a, np.ndarray) else None for a in arrays]
        # the gradient of an array with a row for every entry of a list is computed as a list, too, and made an array
        dims.direct = not self.stacked and all(map(self.unchanged, arguments, arrays))
        plain = not any(p.sequence or p.optional or p.below for p in self.inputs) and dims.axis is None
        if plain and all(type(a) is np.ndarray and a.dtype == b.dtype for a, b in zip(arguments, arrays, strict=True)):
            dims.reshaped = [(n, b.shape) for n, (a, b) in enumerate(zip(arguments, arrays, strict=True)) if a is not b]
        dims.direct_outputs = (
            dims.direct
            and not self.choice
            and all(
                len(p.slots) > p.sequence and all(len(s) == 1 and (s[0] in dims or self.elementwise) for s in p.slots)
                for p in self.outputs_by_choice.get(dims.choice, self.outputs)
            )
        )
        outputs = self.outputs_by_choice.get(dims.choice, self.outputs)
        sizes = [math.prod(dims.get(a, 1) for slot in p.slots for a in slot) * dims.dtype.itemsize for p in outputs]
        if dims.dtype is not OBJECT:
            dims.large = any(a.nbytes > blocks.WHOLE for a in arrays if isinstance(a, np.ndarray))
            dims.large_back = dims.large or max(sizes, default=0) > blocks.WHOLE
        return arrays, options, dims

    def set_dtype(self, arrays: Sequence[Any], dims: Dims) -> None:
        """The dtype that all real numbers of a call have, and the type of those in object arrays."""
        real = [
            (f"{pattern.name}[{n}]" if pattern.sequence else pattern.name, a)
            for pattern, array in zip(self.inputs, arrays, strict=True)
            if pattern.kind == "real"
            for n, a in enumerate(array if pattern.sequence else (array,))
        ]
        kinds = {a.dtype for _, a in real}
        dims.dtype = np.dtype(np.result_type(*kinds).type if kinds else float)  # the one object that `is` compares
        if dims.dtype is OBJECT:
            types = {name: number_types(a.flat) - {float} for name, a in real if a.dtype is OBJECT}
            found = set().union(*types.values())
            if len(found) > 1:
                mix = ", ".join(f"{name} holds {names(t)}" for name, t in types.items() if t)
                raise TypeError(f"{self.layer}: {mix}; convert them to one type of numbers")
            dims.number = found.pop() if found else None

    def unchanged(self, argument: Any, array: Any) -> bool:
        """Whether an argument came through the examination as it was."""
        if isinstance(array, list):
            return all(map(self.unchanged, argument, array))
        return argument is array and (array is None or array.ndim > 0)

    def option(self, name: str, value: Any, dims: Dims | None = None) -> Any:
        """An option as a plain Python value; a number as one that goes with the arrays of a call, if given.

        Raises:
            TypeError: it is of another kind.
            ValueError: it is out of range.
        """
        kind, _, words = self.options[name]
        wanted = kind_of(kind)

        def problem() -> str:
            what = f"one of {', '.join(map(repr, words))}" if wanted.own is str else wanted.words
            return f"{self.layer}: {name} is {shown(value)}; it must be {what}"

        try:
            plain = wanted.read(value)
            if dims is not None and wanted.own is float:
                exact, number = dims.dtype is OBJECT, dims.number
                plain = wanted.each(lambda v: like(v, number) if exact else as_float(v), plain)
        except (TypeError, ValueError, ArithmeticError):
            raise TypeError(problem()) from None
        try:
            holds = wanted.holds(plain) and (wanted.own is not str or plain in words)
        except (TypeError, ValueError, ArithmeticError):  # a number beyond all floats, or that compares with none
            holds = False
        if not holds:
            raise ValueError(problem())
        return plain

    def array(self, pattern: Pattern, argument: Any, label: str = "") -> Array:
        return read(argument, pattern.kind, f"{self.layer}: {label or pattern}")

    def place(self, pattern: Pattern, a: Array, dims: Dims) -> Array:
        """Match shape against slots, then flatten, split and move."""
        slots = pattern.slots
        moved = self.moved and (self.moved,) in slots and dims.axis is not None
        given = a
        if moved:
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
                known = dims.setdefault(self.same.get(slot[0], slot[0]), size)
                dims[slot[0]] = known
                if known != size:
                    said = "has to be {} long, and is {}" if slot[0] in self.given else "is {} long elsewhere, {} here"
                    self.misfit(pattern, a, f"axis {slot[0]} {said.format(known, size)}")
                inner.append(size)
            else:
                inner += self.split(pattern, a, slot, size, dims)
        if self.elementwise and a.ndim:
            inner = list(a.shape)
        if tuple(inner) != a.shape:
            a = moved_last(given, dims.axis, tuple(inner)) if moved and dims.axis is not None else a.reshape(inner)
        if pattern.kind == "real" and a.dtype != dims.dtype:
            a = cast(a, dims.dtype, dims.number)
        return a

    def move(self, pattern: Pattern, a: Array, dims: Dims) -> Array:
        axis = dims.axis
        assert axis is not None
        if not -a.ndim <= axis < a.ndim:
            option = next(name for name, (kind, *_) in self.options.items() if kind == "Axis")
            raise ValueError(
                f"{self.layer}: {option} is {axis}, but {pattern.name} of shape {a.shape} has {a.ndim} axes"
            )
        return np.moveaxis(a, axis, -1)

    def split(self, pattern: Pattern, a: Array, slot: tuple[str, ...], size: int, dims: Dims) -> list[int]:
        unknown = [axis for axis in slot if axis not in dims]
        known = math.prod(dims[axis] for axis in slot if axis in dims)
        if len(unknown) > 1:
            self.misfit(pattern, a, f"the sizes of {' and '.join(unknown)} are not known")
        if unknown:
            if size % known if known else size:
                self.misfit(pattern, a, f"{'*'.join(slot)} is {size}, not a multiple of {known}")
            dims[unknown[0]] = size // known if known else 0  # 0 times anything is 0
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
            inner: list[int] = []
            for slot, size in zip(slots, a.shape, strict=True):
                for axis, length in zip(slot, self.split_entry(pattern, a, slot, size, dims, position), strict=True):
                    self.fit_entry(pattern, a, axis, length, dims, position)
                    inner.append(length)
            a = a if a.shape == (*inner,) else a.reshape(inner)  # the array itself where nothing is to be done
        return a if a.dtype == dims.dtype else cast(a, dims.dtype, dims.number)

    def split_entry(
        self, pattern: Pattern, a: Array, slot: tuple[str, ...], size: int, dims: Dims, position: int
    ) -> list[int]:
        """The lengths of the axes that are one in an entry of a list; what other arrays and entries say is known."""
        if len(slot) == 1:
            return [size]
        lengths = [dims.entries.get((position, i), dims.get(i) if i in self.shared else None) for i in slot]
        known, unknown = math.prod(n for n in lengths if n is not None), lengths.count(None)
        if unknown > 1 or (unknown and (not known or size % known)) or (not unknown and known != size):
            label = f"{self.layer}: {pattern.name}[{position}] has shape {a.shape}"
            raise ValueError(f"{label}, where {'*'.join(slot)} is {size}; it must be {known}{' times n' * unknown}")
        return [size // known if n is None else n for n in lengths]

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
        axes = [axis for slot in pattern.slots for axis in slot]
        own = (1,) * len(axes) + a.shape  # the length of an axis that the kernel computes is not known yet
        inner = tuple(dims.get(axis, own[n - len(axes)]) for n, axis in enumerate(axes))
        outer = (dims.rest or ()) + inner[1:] if (REST,) in pattern.slots else inner
        try:
            return np.broadcast_to(a, outer).reshape(inner)
        except ValueError:
            raise ValueError(
                f"{self.layer}: {pattern} has shape {a.shape}, which does not broadcast to {outer}"
            ) from None

    def spared(self, pattern: Pattern, a: Array, value: int, dims: Dims) -> tuple[Array, int]:
        """Labels some of which may be what an option says, and the option; where that is no position, both as -1.

        What is read at -1 is of no account, and nothing is equal to it.

        Raises:
            ValueError: other labels are no positions.
        """
        if a.size == 0 or np.maximum.reduce(a.view(np.uintp), axis=None) < dims[pattern.below]:
            return a, value
        ignored = (a == value) & (dims[pattern.below] > 0)  # of an empty axis nothing can be read
        self.check_range(pattern, np.where(ignored, 0, a), dims)
        return np.where(ignored, -1, a), -1

    def check_range(self, pattern: Pattern, a: Array, dims: Dims) -> None:
        size = dims[pattern.below]
        if np.any(a.view(np.uintp) >= size):  # below 0 is huge, unsigned
            wrong = int(a.min()) if a.min() < 0 else int(a.max())
            raise ValueError(
                f"{self.layer}: {pattern} holds {wrong}; it indexes axis {pattern.below}, "
                f"so 0 <= {pattern.name} < {size}" + (f", or it is {pattern.unless}" if pattern.unless else "")
            )

    def misfit(self, pattern: Pattern, a: Array, why: str) -> NoReturn:
        raise ValueError(f"{self.layer}: {pattern} has shape {a.shape}, but {why}; pass {self.expected()}")

    def expected(self) -> str:
        return " ".join(str(p) for p in self.inputs)
