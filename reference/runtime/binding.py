"""Brings a kernel's arguments into the layout it computes in, and results back.

Inside a kernel every axis is one axis: the leading ``...`` of a pattern is flattened to one (unless there is no
other), a product ``g*c`` is split in two, a movable axis is moved last. ``bind`` goes in, ``restore`` comes back. What
was found out about shapes, dtypes and options is remembered, so that most calls look it up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NoReturn

import numpy as np

from reference.runtime.examine import Examiner
from reference.runtime.layout import moved_last
from reference.runtime.patterns import REST, Array, Dims, Pattern
from reference.runtime.reading import OBJECT, cast, integers, read
from reference.runtime.reading import listed as listed_entries
from reference.runtime.values import kind_of, numbers, whole_numbers
from reference.runtime.wider import converted
from reference.runtime.written import LOOKED_UP, compiled, lines, listed

PLANS = 256  # layouts remembered for each kernel


class Binder(Examiner):
    """What a kernel takes and gives, as data: see Examiner for the arguments."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.plans: dict[Any, Dims] = {}
        self.lists = {p.name for p in (*self.inputs, *self.outputs) if p.sequence}
        self.several: dict[tuple[str, Any], Any] = {}  # options of several whole numbers, as they were read
        self.last: list[tuple[Any, Dims | None]] = [((), None)]
        self.known: dict[tuple[Any, str], Pattern] = {}
        self.bind = self.written()

    # ---- going in --------------------------------------------------------------------------------------------------

    def written(self) -> Callable[..., Any]:
        """The function ``bind(*tensors, *options)``.

        It returns the tensors in the kernel's layout, the options as plain Python values, and the sizes, and raises
        what Examiner.examine raises. Lists come back as lists of their own, whatever gave their entries.
        """
        inputs = [f"x{n}" for n in range(len(self.inputs))]
        options = [f"o{n}" for n in range(len(self.options))]
        bound = [f"${x}" for x in inputs]
        text = f"def $bind({listed([*inputs, *options])}):{self.looked_up(inputs, options, bound)}"
        text += f"    return {listed([*bound, *options])}$dims\n"
        return compiled("bind", text, (*inputs, *options), self.scope())

    def looked_up(self, inputs: Sequence[str], options: Sequence[str], bound: Sequence[str]) -> str:
        """The lines that bring arguments of given names into the layout, under other names, and find the sizes."""
        key, plain, checks, spared = [], [], [], []
        for n, (x, p) in enumerate(zip(inputs, self.inputs, strict=True)):
            if p.sequence:
                plain.append(f'{x} = {x}.copy() if {x}.__class__ is $list else $entries({x}, "{self.layer}: {p.name}")')
                key.append(f"$tuple([($e.__class__, $e.shape, $e.dtype) for $e in {x}])")
            elif p.optional:
                key.append(f"None if {x} is None else ({x}.__class__, {x}.shape, {x}.dtype)")
            else:
                key.append(f"{x}.__class__, {x}.shape, {x}.dtype")
            if p.unless:
                o = options[list(self.options).index(p.unless)]
                spared.append(f"{bound[n]}, {o} = $spared($patterns[{n}], {bound[n]}, {o}, $dims)")
            elif p.below:
                checks.append(f"$in_range($patterns[{n}], {x}, $dims)")
        for o, (name, (kind, *_)) in zip(options, self.options.items(), strict=True):
            found = kind_of(kind)
            plainly = f"{o}.__class__ is not ${found.own.__name__}" if not found.shape else f"{o} is not $usual_{name}"
            plain.append(f'if {plainly}: {o} = $number_of("{name}", {o}, ({listed(inputs)}))')
        return LOOKED_UP.format(
            plain=lines(plain),
            key=", ".join([*key, *options]),
            inputs=listed(inputs),
            options=listed(options),
            bound=listed(bound),
            checks=lines(checks, 2),
            spared="".join(f"    {s}\n" for s in spared),
        )

    def scope(self) -> dict[str, Any]:
        """What those lines need."""
        return {
            "plans": self.plans,
            "last": self.last,
            "examined": self.examined,
            "again": self.again,
            "in_range": self.check_range,
            "spared": self.spared,
            "patterns": self.inputs,
            "entries": listed_entries,
            "number_of": self.plain,
            **{f"usual_{name}": default for name, (_, default, _) in self.options.items()},
        }

    def plain(self, name: str, value: Any, arguments: Sequence[Any]) -> Any:
        """An option that is not of its own Python type; a number for arrays of floats as a float."""
        kind = kind_of(self.options[name][0])
        if kind.shape and kind.own is int and whole_numbers(value):  # True and 2.0 are equal to some, and refused
            found = self.several.get((name, value))
            if found is None:
                found = self.option(name, value)
                if len(self.several) < PLANS:
                    self.several[name, value] = found
            return found
        value = self.option(name, value)
        if kind.own is float and any(v.__class__ is not float for v in numbers([value])):
            entries = [e for p, a in zip(self.inputs, arguments, strict=True) for e in (a if p.sequence else (a,))]
            if all(type(e) is np.ndarray and e.dtype.kind != "O" for e in entries if e is not None):
                return self.option(name, value, Dims(np.dtype(float)))
        return value

    def examined(self, arguments: Sequence[Any], options: Sequence[Any]) -> tuple[Any, ...]:
        """bind, for shapes, dtypes and options that are new."""
        arrays, values, dims = self.examine(arguments, options)
        key: list[Any] = []
        for pattern, a in zip(self.inputs, arguments, strict=True):
            entries = a if pattern.sequence else () if a is None else (a,)
            if not all(type(e) is np.ndarray and e.dtype is not OBJECT for e in entries):  # objects are read each time
                return (*arrays, *values, dims)
            found = tuple((np.ndarray, e.shape, e.dtype) for e in entries)
            if pattern.sequence:
                key.append(found)
            elif pattern.optional:
                key.append(found[0] if found else None)
            else:
                key += found[0]
        if len(self.plans) >= PLANS:
            self.plans.clear()
        self.plans[(*key, *values)] = dims
        return (*arrays, *values, dims)

    def again(self, arguments: Sequence[Any], dims: Dims) -> list[Any]:
        """Arguments of shapes and dtypes that were examined before."""
        if dims.reshaped is None:
            return [self.one(p, a, shape, dims) for p, a, shape in zip(self.inputs, arguments, dims.inner, strict=True)]
        arrays = list(arguments)
        for n, shape in dims.reshaped:
            arrays[n] = arrays[n].reshape(shape)
        return arrays

    def one(self, pattern: Pattern, a: Any, shape: tuple[int, ...] | None, dims: Dims) -> Any:
        """One argument in the kernel's layout."""
        if pattern.sequence:
            return [self.entry(pattern, e, dims, n) for n, e in enumerate(a)]
        if pattern.optional:
            return self.mask(pattern, a, dims)
        if self.moved and dims.axis is not None and (self.moved,) in pattern.slots:
            assert shape is not None
            a = moved_last(a, dims.axis, shape)
        elif a.shape != shape:
            a = a.reshape(shape)
        if pattern.kind == "real" and a.dtype != dims.dtype:
            a = a.astype(dims.dtype)
        if pattern.kind == "integer":
            a = integers(a, f"{self.layer}: {pattern}")
        if pattern.below and not pattern.unless:
            self.check_range(pattern, a, dims)
        return a

    def cotangent(self, name: str, argument: Any, dims: Dims) -> Any:
        """Bring the cotangent of an output, or the tangent of an input, into the kernel's layout.

        Raises:
            ValueError: its shape is not the shape of what it belongs to.
        """
        try:
            outer, inner = dims.layout[name]
            if argument.shape == outer and argument.dtype is dims.dtype and argument.__class__ is np.ndarray:
                return argument if outer is inner else argument.reshape(inner)
        except (AttributeError, KeyError):  # a list, or the first of its kind
            kind, shapes = dims.dtype, dims.entry_shapes.get(name)
            if (
                shapes
                and argument.__class__ is list
                and [a.shape for a in argument if a.__class__ is np.ndarray and a.dtype is kind] == shapes
            ):
                return argument
        return self.fitted(name, argument, dims)

    def fitted(self, name: str, argument: Any, dims: Dims) -> Any:
        """cotangent, for what is new; None stands for zeros, in a list too, and so does what a sum begins with."""
        pattern = self.pattern(name, dims)
        label = f"{self.layer}: the cotangent or tangent of {pattern}"
        if argument is None or (argument.__class__ is int and argument == 0):  # beyond the last of a chain of calls
            argument = self.nothing(pattern, dims)
        if pattern.sequence:
            shapes, within = self.entries(pattern, dims)
            entries = listed_entries(argument, label)
            arrays = [
                np.zeros(shapes[n], dims.dtype)
                if a is None and n < len(shapes)
                else self.real(a, f"{label}, at {n},", dims)
                for n, a in enumerate(entries)
            ]
            if [a.shape for a in arrays] != shapes:
                found = [a.shape for a in arrays]
                raise ValueError(f"{label} has shapes {found}; they must be {shapes}")
            if shapes != within:
                return [a.reshape(shape) for a, shape in zip(arrays, within, strict=True)]
            if dims.dtype is not OBJECT:
                dims.entry_shapes[name] = shapes
            return arrays
        shape = self.shape(pattern, dims)
        a = self.real(argument, label, dims)
        if a.shape != shape:
            raise ValueError(f"{label} has shape {a.shape}; it must be {shape}")
        if self.moved and dims.axis is not None and (self.moved,) in pattern.slots:
            return moved_last(a, dims.axis, self.inner(pattern, dims))
        inner = self.planned(name, pattern, dims)[1]
        if dims.dtype is OBJECT:  # the next may hold what is no number
            del dims.layout[name]
        return a.reshape(inner)

    @staticmethod
    def real(argument: Any, label: str, dims: Dims) -> Array:
        """A cotangent or tangent as an array of the call's dtype."""
        a = read(argument, "cotangent", label)
        if a.dtype == dims.dtype:
            return a
        try:
            return cast(a, dims.dtype, dims.number)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise TypeError(f"{label} cannot be converted to {dims.dtype}: {error}") from error

    # ---- taking apart ----------------------------------------------------------------------------------------------

    def primals(self, primals: Any) -> Sequence[Any]:
        """What was passed for each input; a mask that is left out is None.

        Raises:
            TypeError, ValueError: it is not a value for each.
        """
        names = [p.name for p in self.inputs]
        if primals.__class__ is tuple or primals.__class__ is list:
            missing = self.inputs[len(primals) :]
            if missing and all(p.optional for p in missing):
                primals = [*primals, *(None for _ in missing)]
        return self.each("primals", primals, *names)

    def each(self, argument: str, values: Any, *names: str) -> Sequence[Any]:
        """Values of which there is one for each of some tensors.

        Raises:
            TypeError, ValueError: there is not.
        """
        if values.__class__ is not tuple and values.__class__ is not list:
            if isinstance(values, np.ndarray):  # its rows might be as many
                raise TypeError(f"{self.layer}: {argument} is of type {type(values).__name__}; {self.wanted(names)}")
            values = listed_entries(values, f"{self.layer}: {argument}")
        if len(values) != len(names):
            raise ValueError(f"{self.layer}: {argument} has {len(values)} entries; {self.wanted(names)}")
        if self.lists and any(isinstance(v, Iterator) for v in values):  # it may be read again, in a wider format
            taken = zip(names, values, strict=True)
            return [list(v) if n in self.lists and isinstance(v, Iterator) else v for n, v in taken]
        return values  # type: ignore[no-any-return]

    @staticmethod
    def wanted(names: Sequence[str]) -> str:
        return f"it must be a tuple with one entry for each of {', '.join(names)}"

    def refused(self, saved: Any) -> NoReturn:
        """What is passed as saved and is anything else.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"{self.layer}: saved is not what forward of {self.layer} returned beside its result")

    # ---- coming back -----------------------------------------------------------------------------------------------

    def restore(self, dims: Dims, /, **results: Any) -> list[Any]:
        """Give results, by the names of outputs or inputs, the shapes and the dtype that their patterns promise."""
        return self.brought_back(dims, results, results.values())

    def brought_back(self, dims: Dims, names: Iterable[str], values: Iterable[Any]) -> list[Any]:
        """``restore``, of values by their names."""
        layout, dtype = dims.layout, dims.dtype
        found = []
        for name, a in zip(names, values, strict=True):
            if name in layout and a.__class__ is np.ndarray and a.dtype is dtype:
                shape = layout[name][0]
                found.append(a if a.shape == shape else a.reshape(shape))
            else:
                found.append(self.restored(name, a, dims))
        return found if dims.result is None else converted(found, dims.result)

    def restored(self, name: str, a: Any, dims: Dims) -> Any:
        """One result; None stands for zeros."""
        if a is None:
            return self.nothing(self.pattern(name, dims), dims)
        pattern = self.pattern(name, dims)
        if pattern.sequence:
            outer = self.entries(pattern, dims)[0]
            return [np.asarray(e, dtype=dims.dtype).reshape(shape) for e, shape in zip(a, outer, strict=True)]
        if self.moved and dims.axis is not None and (self.moved,) in pattern.slots:
            shape = self.shape(pattern, dims)
            axis = dims.axis % len(shape)
            inner = shape[:axis] + shape[axis + 1 :] + (shape[axis],)
            return np.moveaxis(np.reshape(a, inner), -1, axis)
        shape = self.planned(name, pattern, dims)[0]
        place = pattern.whole and np.asarray(a).dtype.kind == "i"  # and not its tangent
        a = np.asarray(a, dtype=None if place else dims.dtype)
        return a if a.shape == shape else a.reshape(shape)

    def nothing(self, pattern: Pattern, dims: Dims) -> Any:
        """The gradient of an argument that the result does not depend on."""
        if pattern.sequence:
            return [np.zeros(shape, dtype=dims.dtype) for shape in self.entries(pattern, dims)[0]]
        return np.zeros(self.shape(pattern, dims), dtype=dims.dtype)

    # ---- shapes ----------------------------------------------------------------------------------------------------

    def pattern(self, name: str, dims: Dims) -> Pattern:
        """The pattern of an output or input in one call."""
        found = self.known.get((dims.choice, name))
        if found is None:
            outputs = self.outputs_by_choice.get(dims.choice, self.outputs)
            found = self.known[dims.choice, name] = next(p for p in outputs + self.inputs if p.name == name)
        return found

    def planned(self, name: str, pattern: Pattern, dims: Dims) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Outer and inner shape of a tensor, remembered; one and the same object where they are equal."""
        outer, inner = self.shape(pattern, dims), self.inner(pattern, dims)
        dims.layout[name] = outer, outer if outer == inner else inner
        return dims.layout[name]

    def entries(self, pattern: Pattern, dims: Dims) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Outer and inner shapes of a list's entries."""
        slots = pattern.slots[1:]
        if slots == ((REST,),) and dims.rests:
            return dims.rests, [s if self.elementwise and s else (math.prod(s),) for s in dims.rests]
        outer, inner = [], []
        for n in range(dims[pattern.slots[0][0]]):
            split = [[dims.entries.get((n, a), dims[a]) for a in slot] for slot in slots]
            given = dims.shapes[pattern.name][n] if pattern.name in dims.shapes else None
            if given:  # axes that no other list shares are known by this shape alone
                split = [[size] if len(axes) == 1 else axes for size, axes in zip(given, split, strict=True)]
            sizes = [dims.rest or () if s == (REST,) else (math.prod(a),) for s, a in zip(slots, split, strict=True)]
            outer.append(tuple(chain(*sizes)))
            inner.append(tuple(chain(*split)))
        return outer, inner

    def within(self, name: str, dims: Dims) -> list[tuple[int, ...]]:
        """The shapes of a list's entries in the kernel's layout, where the list itself may not be at hand."""
        if name not in dims.within:
            dims.within[name] = self.entries(self.pattern(name, dims), dims)[1]
        return dims.within[name]

    def inner(self, pattern: Pattern, dims: Dims) -> tuple[int, ...]:
        """The shape a kernel computes in."""
        if self.elementwise and (REST,) in pattern.slots and dims.rest:
            return dims.rest
        return tuple(dims[axis] for slot in pattern.slots for axis in slot)

    def shape(self, pattern: Pattern, dims: Dims) -> tuple[int, ...]:
        """The outer shape of a tensor."""
        shape: list[int] = []
        for slot in pattern.slots:
            if slot == (REST,):
                shape += dims.rest or ()
            else:
                shape.append(math.prod(dims[axis] for axis in slot))
        if self.moved and dims.axis is not None and (self.moved,) in pattern.slots:
            shape.insert(dims.axis % len(shape), shape.pop())
        return tuple(shape)
