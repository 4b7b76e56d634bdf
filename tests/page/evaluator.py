"""Brute force: the value of every element that the equations of a page define, one element at a time.

An element is computed when it is asked for and remembered, so equations may stand in any order and a
recurrence runs in the order its references need. What the page's conventions say and nothing else:

* a reference outside its array is 0, and within `max` and `argmax` it is skipped (not within a sum inside of
  them);
* a whole number outside its array compares with nothing: a condition on it does not hold;
* an exact quotient in an index is outside unless it divides; a data-dependent index may be outside too;
* a factor of zero makes its product zero whatever the others are (0 log 0 = 0); division by zero is an error;
* `argmax` is the row-major position of the first maximum; the maximum of nothing is minus infinity;
* a tensor has, besides the positions of its shape, those at which an equation names it with a constant
  (`h_{-1,n}`); under a dot, those that it has without;
* of two equations for one element, the one with a constant index is meant (`h_{0,n}` beside `h_{t,n}`).

An index runs along the axes on which it stands alone; they must agree in length. One that stands alone
nowhere runs along the axis of its own name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from tests.page.arithmetic import FLOAT, EvaluationError, Numbers, UnknownSize
from tests.page.codes import Code, Env
from tests.page.compiler import Compiler
from tests.page.sizes import Sizes
from tests.page.symbols import Row, Symbols
from tests.page.tree import Equation, Index, Reduce, Ref, Size, walk

_ABSENT = object()


@dataclass(frozen=True)
class _Target:
    """An equation for (some of) a tensor's elements: constant positions on its left, and free ones."""

    equation: Equation
    constants: tuple[tuple[int, int], ...]
    free: tuple[int, ...]


class Evaluator:
    """Values of all targets of the equations, on demand.

    Args:
        equations: as parsed; those with a size on the left define the length of an axis.
        symbols: the page's table.
        values: inputs by code name (arrays, lists of arrays, option values), cotangents under "bar name".
        numbers: the number type; the values must be of it.
        memo: elements already known, by key; shared with the caller.
        rest: where values are inputs that have moved, those before, at which sg holds its argument.

    Raises EvaluationError from `element` and `array`.
    """

    def __init__(
        self,
        equations: Sequence[Equation],
        symbols: Symbols,
        values: Mapping[str, Any],
        numbers: Numbers = FLOAT,
        memo: Mapping[str, dict[tuple[int, ...], Any]] | None = None,
        rest: Evaluator | None = None,
    ) -> None:
        self.symbols, self.numbers, self.rest = symbols, numbers, rest
        self.sizes = Sizes(symbols, values)
        self.options = {k: v for k, v in values.items() if k in symbols.by_name and symbols.by_name[k].option}
        self.functions: dict[str, Any] = {k: v for k, v in values.items() if callable(v)}
        self.memo: dict[str, dict[tuple[int, ...], Any]] = dict(memo or {})
        self.code: dict[tuple[int, bool], tuple[Code, int]] = {}
        self.size_equations = {e.left.axis: e for e in equations if isinstance(e.left, Size)}
        self._measure()
        self.named = self._named(equations)
        self.targets: dict[str, list[_Target]] = {}
        for e in equations:
            if isinstance(e.left, Ref):
                free = tuple(p for p, i in enumerate(e.left.index) if isinstance(i, Index))
                constants = tuple((p, self._constant(i)) for p, i in enumerate(e.left.index) if p not in free)
                self.targets.setdefault(e.key, []).append(_Target(e, constants, free))
                self.memo.setdefault(e.key, {})

    # sizes

    def _measure(self) -> None:
        """Sizes from options, arrays and size equations, in the order their references need."""
        for last in (False, False, True):
            for axis, equation in list(self.size_equations.items()):
                if Size(axis) in walk(equation.right):
                    raise EvaluationError(f"the length of axis {axis} is defined by itself")
                try:
                    claimed = Compiler(self).compile(equation.right, {}, False)([0] * 9)
                except UnknownSize:
                    if last:
                        raise
                    continue
                del self.size_equations[axis]
                if self.sizes.known.setdefault(axis, int(claimed)) != claimed:
                    was = f"{self.sizes.known[axis]} in {self.sizes.source.get(axis, 'an array')}"
                    raise EvaluationError(f"axis {axis} is {claimed} long by its equation, {was}")
                self.sizes.source[axis] = "its equation"
            self.sizes.read()

    def _constant(self, index: Any) -> int:
        return Compiler(self).index(index, {})([]) or 0

    def _named(self, equations: Sequence[Equation]) -> dict[tuple[str, int], set[int]]:
        """Positions that equations name with a constant, by tensor and axis."""
        found: dict[tuple[str, int], set[int]] = {}
        for equation in equations:
            for key, n, i in equation.fixed:
                found.setdefault((key, n), set()).add(self._constant(i))
        for e in equations:
            for n in range(len(getattr(e.left, "index", ())) if e.key.startswith("dot ") else 0):
                if named := found.get((e.key.removeprefix("dot "), n)):
                    found.setdefault((e.key, n), set()).update(named)
        return found

    def length(self, axis: str) -> int:
        """The length of an axis that is the same for every entry of a list."""
        if axis not in self.sizes.known:
            raise UnknownSize(f"nothing says how long the axis {axis} is")
        return self.sizes.known[axis]

    def extent(self, row: Row, n: int, entry: int | None = None) -> int | None:
        """The length of a tensor's axis; None where it depends on the list entry and none is given."""
        axis = row.axes[n]
        if axis.isdigit():
            return int(axis)
        if n and row.sequence and axis in self.sizes.ragged:
            if entry is None:
                return None
            lengths = self.sizes.ragged[axis]
            return lengths[entry] if 0 <= entry < len(lengths) else 0
        return self.length(axis)

    # values

    def element(self, key: str, index: tuple[int, ...]) -> Any:
        """One element of a target; indices within its extents or as a constant equation has them."""
        memo = self.memo[key]
        value = memo.get(index, _ABSENT)
        if value is not _ABSENT:
            if value is None:
                raise EvaluationError(f"{key}{list(index)} is defined by itself")
            return value
        code, env = self._code(key, index)
        memo[index] = None
        try:
            value = memo[index] = code(env)
        finally:
            if memo[index] is None:
                del memo[index]
        return value

    def indices(self, key: str) -> list[tuple[int, ...]]:
        """All index tuples of a target, row-major."""
        row = self.symbols.by_name[key.split()[-1]]
        found: list[tuple[int, ...]] = [()]
        for n in range(len(row.axes)):
            found = [(*i, v) for i in found for v in range(self.extent(row, n, i[0] if i else None) or 0)]
        return found

    def array(self, key: str) -> Any:
        """A whole target: an array with `...` flattened and product slots split, or a list of such arrays."""
        row = self.symbols.by_name[key.split()[-1]]

        def one(entry: tuple[int, ...]) -> np.ndarray:
            at = range(len(entry), len(row.axes))
            shape = tuple(self.extent(row, n, entry[0] if entry else None) or 0 for n in at)
            flat = [self.element(key, entry + i) for i in product(*map(range, shape))]
            kind = object if any(not isinstance(v, (int, float)) for v in flat) else float
            return np.array(flat, dtype=kind).reshape(shape)

        return [one((n,)) for n in range(self.length(row.sequence))] if row.sequence else one(())

    def inside(self, key: str, row: Row, at: tuple[int, ...]) -> bool:
        """Within the extents or at a position named with a constant; entries beyond a list have none."""
        entry = at[0] if row.sequence else None
        for n, i in enumerate(at):
            if i in self.named.get((key, n), ()):
                if row.sequence and n == 0 and not 0 <= i < self.length(row.sequence):
                    return True
            elif not 0 <= i < (self.extent(row, n, entry) or 0):
                return False
        return True

    def _code(self, key: str, index: tuple[int, ...]) -> tuple[Code, Env]:
        """The code of the equation that defines the element, and its environment."""
        matching = [t for t in self.targets[key] if all(index[p] == value for p, value in t.constants)]
        matching = [t for t in matching if t.constants] or matching
        if len(matching) != 1:
            raise EvaluationError(
                f"{'no equation defines' if not matching else 'two equations define'} {key}{list(index)}"
            )
        (target,) = matching
        row = self.symbols.by_name[key.split()[-1]]
        entry = index[0] if row.sequence else None
        beyond = any(not 0 <= index[p] < (self.extent(row, p, entry) or 0) for p in target.free)
        right = target.equation.right
        known = self.code.get((id(target), beyond))
        if known is None:
            compiler = Compiler(self, guarded=beyond)
            slots = {name: s for s, name in enumerate(target.equation.indices)}
            for name in slots:
                compiler.range(name, right, target.equation.left)
            width = len(slots) + sum(len(e.over) for e in walk(right) if isinstance(e, Reduce))
            known = self.code[id(target), beyond] = compiler.compile(right, slots, False), width
        code, width = known
        return code, [index[p] for p in target.free] + [0] * (width - len(target.free))
