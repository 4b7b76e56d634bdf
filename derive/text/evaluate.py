"""Evaluates the text of a definition: every element by itself, every sum by a loop."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from derive.text import expressions, products, standing
from derive.text.annotations import Mismatch, NoRoom, Unread
from derive.text.arrays import (
    Env,
    Grid,
    Meter,
    Position,
    Slots,
    Value,
    bound_lengths,
    element_of,
    shape_of,
    spread,
    within,
)
from derive.text.numbers import Outside
from derive.text.parse import DOTS, Argument, Definition, Library, Statement
from derive.text.several import in_places


class Run:
    """A definition at given arrays and options.

    Args:
        text: the definition.
        library: every other one, by name.
        arrays: what is passed for each argument; None where lengths alone are asked for.
        options: the value of each option.
        split: whether products of axes are split in the arrays, as they are in a call's.
        anchor: gives the run at arguments that have not moved, where these have.

    Raises:
        Mismatch: arrays do not go together.
    """

    def __init__(
        self,
        text: Definition,
        library: Library,
        arrays: Mapping[str, Value] | None,
        options: Mapping[str, Any],
        meter: Meter | None = None,
        split: bool = False,
        anchor: Callable[[], Run] | None = None,
    ) -> None:
        self.text, self.library, self.at_rest = text, library, anchor
        self.options = dict(options) | {o.name: in_places(options[o.name], o.counts) for o in text.options if o.counts}
        self.meter = meter if meter is not None else Meter()
        self.outside = False  # whether an array was read outside since this was last set
        self.fixed: dict[str, Any] = {o.axis: options[o.name] for o in text.options if o.kind == "Count" and o.axis}
        self.entries: dict[str, list[Mapping[str, Any]]] = {}  # of each list: the lengths of axes in every entry
        self.arrays: dict[str, Value] = {}
        self.memory: dict[str, dict[Position, Any]] = {}
        self.lengths: dict[Any, Any] = {}
        self.called: dict[Any, list[Value]] = {}
        self.parts: dict[Any, Run] = {}
        self.grown: dict[Any, list[list[int]]] = {}
        self.kept: dict[Statement, tuple[Any, ...]] = {}
        self.busy: set[Any] = set()
        plain = [a for a in text.arguments if len(a.slots) == len(a.axes) or split]
        for a in [] if arrays is None else [*plain, *(a for a in text.arguments if a not in plain)]:  # products last
            self.take(a, (arrays or {}).get(a.name), tuple((axis,) for axis in a.axes) if split else a.slots)

    @cached_property
    def anchor(self) -> Run | None:
        """The run at arguments that have not moved; None where these are those."""
        return None if self.at_rest is None else self.at_rest()

    # ---- arrays ----------------------------------------------------------------------------------------------------

    def take(self, a: Argument, value: Value, slots: Slots) -> None:
        """Keep an argument, and what its shape says of the lengths of axes."""
        if isinstance(value, list):
            if not a.entries:
                raise Mismatch(f"{a.name} is no list")
            self.fix(a.entries, len(value))
            bound: list[Mapping[str, Any]] = [self.bind(a, slots, grid.shape, entry=True) for grid in value]
            self.entries[a.name] = bound
            self.arrays[a.name] = [
                Grid(spread(a, lengths), g.elements) for lengths, g in zip(bound, value, strict=True)
            ]
        elif value is None:
            if a.sort != "Mask":
                raise Mismatch(f"{a.name} is missing")
            self.arrays[a.name] = None
        else:
            if a.entries:
                raise Mismatch(f"{a.name} is a list")
            lengths = self.bind(a, slots, value.shape)
            for axis, n in lengths.items():
                self.fix(axis, n)
            self.arrays[a.name] = Grid(spread(a, lengths), value.elements)

    def fix(self, axis: str, n: Any) -> None:
        if self.fixed.setdefault(axis, n) != n:
            raise Mismatch(f"axis {axis} is both {self.fixed[axis]} and {n}")

    def bind(self, a: Argument, slots: Slots, shape: Position, entry: bool = False) -> dict[str, Any]:
        return bound_lengths(a, slots, shape, lambda axis, lengths: self.known(axis, lengths, entry))

    def known(self, axis: str, lengths: Mapping[str, Any], entry: bool) -> int | None:
        """The length of an axis that an option, ``axis(...)`` or another array says."""
        if axis in self.fixed:
            return int(self.fixed[axis])
        try:
            return int(self.length(axis, {}, None)) if axis in self.text.lengths else lengths.get(axis)
        except Unread:
            return None

    # ---- lengths ---------------------------------------------------------------------------------------------------

    def length(self, index: str, env: Env, place: Statement | None) -> Any:
        """How far an index runs in a statement; for ``...`` a shape.

        What ``axis(...)`` says comes first, then the axes of that name in the signature, then where it stands.

        Raises:
            Unread: nothing says it, or two things say different ones.
        """
        key = index, place, *map(env.get, self.text.entries)
        if key not in self.lengths:
            if key in self.busy:
                raise Unread(f"{self.text.name}: the length of {index} is said by itself")
            self.busy.add(key)
            try:
                self.lengths[key] = self.find_length(index, env, place)
            finally:
                self.busy.discard(key)
        return self.lengths[key]

    def find_length(self, index: str, env: Env, place: Statement | None) -> Any:
        if index in self.text.lengths:
            n = expressions.number(self.text, self.text.lengths[index])(self, {}, None)
            if n != int(n):
                raise Unread(f"{self.text.name}: the length of {index} is {n}")
            if n < 1:  # arguments have no empty axes, and a window that does not fit is refused, in a part too
                raise NoRoom(f"{self.text.name}: the length of {index} is {n}")
            if self.fixed.get(index, n) != n:
                raise Mismatch(f"axis {index} is {self.fixed[index]}, not {n}")
            return int(n)
        ragged = [(a.entries, a.name) for a in self.text.arguments if a.entries and index in a.axes]
        here = {
            self.entries[name][env[entries]][index]
            for entries, name in ragged
            if name in self.entries and 0 <= env.get(entries, -1) < len(self.entries[name])
        }
        if here and place:  # an entry of a list, and what else the index stands on
            here |= set(self.standing(index, env, place))
        if place and not here and index in self.fixed and index != DOTS:  # what parts give is equally long
            here = {self.fixed[index], *self.standing(index, env, place, given=True)}
        if len(here) > 1:
            raise Mismatch(f"axis {index} is {' and '.join(map(str, sorted(here)))}")
        if here or index in self.fixed:
            return here.pop() if here else self.fixed[index]
        for where in [*([place] if place else []), *(s for s in self.text.statements if s is not place)]:
            found = set(self.standing(index, env if where is place else {}, where))
            if len(found) > 1:
                raise Mismatch(f"{self.text.name}: {index} runs along axes of lengths {sorted(map(str, found))}")
            if found:
                return found.pop()
        every = {lengths[index] for _, name in ragged for lengths in self.entries.get(name, [])}
        if len(every) == 1:
            return every.pop()
        raise Unread(f"{self.text.name}: nothing says how far {index} runs")

    def standing(self, index: str, env: Env, place: Statement, given: bool = False) -> Iterator[Any]:
        """The lengths of axes on which an index stands by itself in a statement; ``given``: of what parts give."""
        for name, items, call in standing.reads(self.text, place):
            if given and not any(s.part for s, _ in self.text.targets.get(name, ())):
                continue
            for q, item in enumerate(items):
                if self.text.index(item) != index:
                    continue
                lead = self.leading(items[:q], env, place)
                try:
                    shape = self.shape(name, lead)
                except NoRoom:
                    raise
                except (Unread, Outside):
                    continue  # an entry before the first or after the last says nothing
                wide = 1 if call else len(lead) + len(shape) - len(items) + 1
                dots = next((n for n, i in enumerate(items) if self.text.index(i) == DOTS), len(items))
                at = (q if q <= dots else q - 1 + wide) - len(lead)
                if index == DOTS:
                    yield shape[max(at, 0) : at + wide]
                elif 0 <= at < len(shape):
                    yield shape[at]

    def leading(self, items: tuple[Any, ...], env: Env, place: Statement) -> Position:
        """The values of as many items as are known."""
        lead: Position = ()
        for item in items:
            try:
                lead += expressions.position(self.text, item)(self, env, place)
            except (Unread, Outside):
                break
        return lead

    def shape(self, name: str, lead: Position) -> Position:
        """The lengths of a tensor's axes behind leading indices."""
        if name in self.arrays:
            value = self.arrays[name]
            if value is None:
                a = next(a for a in self.text.arguments if a.name == name)
                return self.spread(a.axes, {}, None)[len(lead) :]
            return shape_of(value, lead)
        for s, n in self.text.targets.get(name, ()):  # none: an argument whose array is still to be drawn
            left = self.left(s, n)
            found = self.bound(s, left, lead)
            rest = [self.text.index(item) for item in left[found[1] :]] if found else [None]
            if found is None or not all(rest):
                continue
            env = found[0]
            own = self.spread([i for i in rest if i], env, s)
            if not s.part:
                return own
            head, more = lead[: len(lead) - found[2]], lead[len(lead) - found[2] :]
            heads = itertools.product(*(range(k if self.text.entries else 1) for k in own))
            shapes = {shape_of(self.results(s, head + h)[n], more) for h in heads}
            if len(shapes) != 1:
                raise Unread(f"the entries of {name} differ")
            return own + shapes.pop()
        raise Unread(f"{self.text.name}: the shape of {name} at {list(lead)}")

    def spread(self, indices: Any, env: Env, place: Statement | None) -> Position:
        """The lengths of several indices, those of ``...`` one after another."""
        return tuple(
            n for i in indices for n in (self.length(i, env, place) if i == DOTS else (self.length(i, env, place),))
        )

    def bound(self, s: Statement, left: tuple[Any, ...], lead: Position) -> tuple[Env, int, int] | None:
        """What the indices on the left are at leading positions, how many items those take, and how many are left.

        None where a constant on the left is another number.
        """
        env: Env = {}
        taken = 0
        for n, item in enumerate(left):
            index = self.text.index(item)
            wide = len(self.length(DOTS, env, s)) if index == DOTS else 1
            if taken == len(lead) and wide:
                return env, n, 0
            part = lead[taken : taken + wide]
            if len(part) < wide:
                raise Unread(f"{self.text.name}: part of ... in {s.words}")
            taken += wide
            if index is None:
                if expressions.position(self.text, item)(self, {}, s) != part:
                    return None
            elif index in env:
                raise Unread(f"{self.text.name}: {index} twice on the left of {s.words}")
            else:
                env[index] = part if index == DOTS else part[0]
        return env, len(left), len(lead) - taken

    def left(self, s: Statement, n: int) -> tuple[Any, ...]:
        """The indices on the left; ``loss = reduced("none", L[...])`` has those of what is not reduced."""
        if s not in self.kept:
            self.kept[s] = standing.kept(self, s)
        return s.targets[n][1] or self.kept[s]

    # ---- elements --------------------------------------------------------------------------------------------------

    def element(self, name: str, index: Position) -> Any:
        """One element of a tensor; None outside it."""
        if name in self.arrays:
            value = self.arrays[name]
            if value is None:
                return True
            return element_of(value, index)
        known = self.memory.setdefault(name, {})
        if index not in known:
            if (name, index) in self.busy:
                raise Unread(f"{self.text.name}: {name}{list(index)} needs itself")
            self.busy.add((name, index))
            before, self.outside = self.outside, False
            try:
                known[index] = self.compute(name, index)
            finally:
                self.busy.discard((name, index))
                self.outside = before
        return known[index]

    def compute(self, name: str, index: Position) -> Any:
        found = []
        for s, n in self.text.targets[name]:
            left = self.left(s, n)
            bound = self.bound(s, left, index)
            if bound is None:
                continue
            env, items, more = bound
            if items < len(left) or (more and not s.part):
                raise Unread(f"{self.text.name}: {len(index)} indices of {s.words}")
            if all(within(env[i], self.length(i, env, s)) for i in env):
                found.append((s, n, env, index[len(index) - more :] if more else ()))
        if len(found) > 1:  # where a recurrence begins inside the array, its step has nothing to say
            found = [f for f in found if None in map(self.text.index, self.left(*f[:2]))] or found
        if len(found) > 1:
            raise Unread(f"{self.text.name}: {name}{list(index)} is given twice")
        if not found:
            return None
        s, n, env, rest = found[0]
        self.meter.left -= 1
        if self.meter.left < 0:
            raise Unread(f"{self.text.name}: too many elements to evaluate one by one")
        if s.part:
            return element_of(self.results(s, index[: len(index) - len(rest)])[n], rest)
        value = expressions.number(self.text, s.value)(self, env, s)
        if isinstance(value, str):
            raise Unread(f"{self.text.name}: {s.words} is a word")
        self.meter.note(value)
        return value

    # ---- layers inside layers ---------------------------------------------------------------------------------------

    def results(self, s: Statement, lead: Position) -> list[Value]:
        """What a called layer gives at leading indices."""
        if (s, lead) not in self.called:
            bound = self.bound(s, s.targets[0][1], lead)
            env = bound[0] if bound else {}
            part = self.library[s.part]
            arrays, options = expressions.passed(self, s, part, env)
            whole = products.whole_products(part, arrays)
            known: products.Lengths = {}
            for node, a in zip(getattr(s.value, "args", ()), part.arguments, strict=False):
                if isinstance(node, ast.Name) and isinstance(value := arrays[a.name], Grid):
                    arrays[a.name] = products.fitted(
                        a, whole, value, products.counts(self, node.id), known, products.put_together(self, node.id)
                    )
            anchor = None if self.at_rest is None else partial(self.part_at_rest, s, lead)
            run = self.parts[s, lead] = Run(part, self.library, arrays, options, self.meter, not whole, anchor)
            found = [run.result(name) for name in part.results[: len(s.targets)]]
            if whole:
                found = [products.joined(part, name, value) for name, value in zip(part.results, found, strict=False)]
            if known:
                pairs = [products.grown(part, n, whole, v, known) for n, v in zip(part.results, found, strict=False)]
                found, self.grown[s] = [v for v, _ in pairs], [c for _, c in pairs]
            self.called[s, lead] = found
        return self.called[s, lead]

    def part_at_rest(self, s: Statement, lead: Position) -> Run:
        """A called layer at arguments that have not moved."""
        rest = self.anchor or self
        rest.results(s, lead)
        return rest.parts[s, lead]

    def whole(self, name: str, lead: Position, listed: bool) -> Value:
        """A tensor, or what is behind its leading indices, element by element; in a list where it is one."""
        if listed:
            value = self.arrays.get(name)
            if lead or not (isinstance(value, list) or self.text.listed(name)):
                raise Unread(f"{self.text.name}: {name}{list(lead) or ''} is not a list")
            if isinstance(value, list):
                return list(value)
            s, place = self.text.targets[name][-1]
            if place < len(s.lists) and s.lists[place]:
                if self.left(s, place):
                    raise Unread(f"{self.text.name}: a list of lists {name}")
                return self.results(s, ())[place]
            first = str(self.text.index(self.left(s, place)[0]))
            entries = [self.whole(name, (n,), False) for n in range(self.length(first, {}, None))]
            return [g for g in entries if isinstance(g, Grid)]
        if name in self.arrays and self.arrays[name] is None:
            return None
        shape = self.shape(name, lead)
        return Grid(shape, tuple(self.inside(name, lead + i) for i in itertools.product(*map(range, shape))))

    def inside(self, name: str, index: Position) -> Any:
        value = self.element(name, index)
        return 0 if value is None else value

    def result(self, name: str) -> Value:
        """An output: a list where its first index counts entries."""
        return self.whole(name, (), self.text.listed(name))

    def scalar(self, name: str, value: Any, options: Mapping[str, Any], held: Callable[[], Any] | None = None) -> Any:
        """An elementwise layer at one number, and what that was before it moved."""
        part = self.library[name]
        given = {o.name: options.get(o.name, o.default) for o in part.options}
        name = part.arguments[0].name

        def at(x: Any, anchor: Callable[[], Run] | None = None) -> Run:
            return Run(part, self.library, {name: Grid((), (x,))}, given, self.meter, anchor=anchor)

        run = at(value, None if held is None else lambda: at(held()))
        return run.inside(part.results[0], ())
