"""The elements of a case's tensors, computed when asked for: what every closure of the interpreter works on."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from derive.evidence import layout
from derive.evidence.clauses import Clause, Closure, Env, earliest
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import Numbers
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref, Size
from derive.notation.layer import Equation, Tensor
from derive.notation.recurrences.places import behind


class Undecided(ArithmeticError):
    """The numbers cannot tell which position a maximum is at."""


class Circular(ArithmeticError):
    """An element needs itself."""


class Evaluation(ABC):
    """Elements, lengths and loops of equations at one case; turning expressions into closures is left to Interpreter.

    Args:
        case: the layer and its arguments. equations: the layer's, and any others: adjoints, tangents,
        cotangents' definitions. tensors: every tensor that the equations mention. numbers: the number system.
        given: elements known beforehand, by tensor: cotangents, or what another interpreter has computed. The
        layer's
            inputs are taken from the case where they are not given.
    """

    def __init__(
        self,
        case: Case,
        equations: Iterable[Equation],
        tensors: dict[str, Tensor],
        numbers: Numbers,
        given: dict[str, Elements] | None = None,
    ) -> None:
        self.case, self.numbers, self.tensors = case, numbers, tensors
        self.anchor: Evaluation | None = None  # at arguments that have not moved, where these have
        self.outside = numbers.exact(0)  # the object, not the value, marks what lies outside
        self.one, self.zero = numbers.exact(1), numbers.exact(0)
        self.options = {n: v for n, v in case.options.items() if not isinstance(v, str)}
        self.store: dict[str, Elements] = dict(given or {})
        for tensor in case.layer.inputs:
            if tensor.name not in self.store:
                self.store[tensor.name] = self.read(tensor)
        self.given = set(self.store)
        self.equations: dict[str, list[Equation]] = {}
        for e in equations:
            if e.target not in self.given:
                self.equations.setdefault(e.target, []).append(e)
        self.lowest, self.behind = self.lower_bounds(), self.upper_bounds()
        self.backwards = {name for name, _ in self.behind if name not in self.given}
        self.clauses: dict[str, list[Clause]] = {}
        self.boxes: dict[str, tuple[tuple[int, int], ...] | None] = {}
        self.busy: set[tuple[str, tuple[int, ...]]] = set()
        self.scalars: dict[Expr, Closure] = {}
        self.shared: dict[Expr, Closure] = {}  # of expressions that are computed once
        self.memories: list[tuple[frozenset[str], dict[Any, Any]]] = []  # their values, and what those are made of
        self.lengths: dict[tuple[str, int, int | None], int | None] = {}
        self.listed: dict[tuple[str, int | None], tuple[int, ...]] = {}

    def read(self, tensor: Tensor) -> Elements:
        value = self.case.tensors[tensor.name]
        if value is None:  # a mask that was left out
            sizes = [self.case.sizes.get(a, 1) for a in tensor.axes]
            return dict.fromkeys(itertools.product(*(range(n) for n in sizes)), True)
        convert: Any = {"real": self.numbers.exact, "integer": int, "boolean": bool}[tensor.kind]
        return layout.elements(self.case, tensor.name, value, convert)

    def lower_bounds(self) -> dict[tuple[str, int], int]:
        """Recurrences begin before 0: the first position is the least constant that anything mentions."""
        found: dict[tuple[str, int], int] = {}
        for equations in self.equations.values():
            for equation in equations:
                for key, value in earliest(equation):
                    found[key] = min(found.get(key, 0), value)
        return found

    # ---- elements ------------------------------------------------------------------------------------------

    def element(self, name: str, index: tuple[int, ...]) -> Any:
        """One element; the zero that marks the outside where there is none."""
        known = self.store.setdefault(name, {})
        value = known.get(index)
        if value is None and name in self.backwards:  # from the end on, so that no element waits for many others
            self.backwards.discard(name)
            for i in reversed(list(self.indices(name))):
                self.element(name, i)
            value = known.get(index)
        if value is None:
            if name in self.given or not self.within(name, index):
                return self.outside
            clause = self.clause_at(name, index)
            if clause is None:
                return self.outside
            whole = self.tensors[name].kind == "integer"
            if clause.closure is None:
                body = clause.equation.body
                clause.closure = self.index(body) if whole else self.number(body)
            key = name, index
            if key in self.busy:
                raise Circular(f"{self.case.layer.name}: {name}{list(index)} needs itself")
            self.busy.add(key)
            try:
                at = index if len(clause.places) == len(index) else [index[p] for p in clause.places]
                value = clause.closure(dict(zip(clause.names, at, strict=True)))
            finally:  # what is interrupted may be asked for again
                self.busy.discard(key)
            keep = self.numbers.stored
            if keep is not None and value is not self.outside and not whole:
                value = keep(value)
            known[index] = value
        return value

    def clauses_of(self, name: str) -> list[Clause]:
        """The equations of a tensor."""
        found = self.clauses.get(name)
        if found is None:
            found = self.clauses[name] = []
            for e in self.equations.get(name, ()):
                free = [(i.index, p) for p, i in enumerate(e.left) if isinstance(i, Pos)]
                constants = tuple(
                    (p, int(i.value) if isinstance(i, Num) else self.index(i))
                    for p, i in enumerate(e.left)
                    if not isinstance(i, Pos)
                )
                found.append(Clause(e, tuple(i for i, _ in free), tuple(p for _, p in free), constants))
        return found

    def clause_at(self, name: str, index: tuple[int, ...]) -> Clause | None:
        """The equation with the most constants of those whose constants are this element's.

        Along an edge of a recurrence over two axes its beginning says what is there, and not what is beyond.
        """
        clauses = self.clauses_of(name)
        if len(clauses) == 1 and not clauses[0].constants:
            return clauses[0]
        best, most = None, 0
        for clause in clauses:
            constants = clause.constants
            if constants and any(index[p] < 0 for p in clause.places):
                continue
            here = all((c if isinstance(c, int) else c({})) == index[p] for p, c in constants)
            if here and (best is None or (constants and len(constants) >= most)):
                best, most = clause, len(constants)
        return best

    def values(self, name: str, like: str) -> Elements:
        """Every element of a tensor with the axes of an input or output, as numbers."""
        return {i: self.value(name, i) for i in layout.every(self.case, like)}

    def value(self, name: str, index: tuple[int, ...]) -> Any:
        """One element as a number, of a result that says where something is too."""
        found = self.element(name, index)
        return self.numbers.exact(found) if isinstance(found, int) and name not in self.given else found

    def indices(self, name: str) -> Iterable[tuple[int, ...]]:
        """Every index of a tensor, in arrays or computed."""
        if name in self.given:
            return list(self.store[name])
        found: list[tuple[int, ...]] = [()]
        for p in range(len(self.tensors[name].axes)):
            longer = []
            for i in found:
                first = i[0] if i else None
                low = self.lowest.get((name, p), 0)
                longer += [(*i, n) for n in range(low, self.length(name, p, first) or 0)]
            found = longer
        return found

    def upper_bounds(self) -> dict[tuple[str, int], int]:
        """How many positions behind its end an array has: those where a recurrence begins that runs from there."""
        found: dict[tuple[str, int], int] = {}
        for e in (e for equations in self.equations.values() for e in equations):
            for p, i in enumerate(e.left):
                if isinstance(i, Op | Size):
                    found[e.target, p] = max(found.get((e.target, p), 0), behind(i))
        return found

    def within(self, name: str, index: tuple[int, ...]) -> bool:
        if name in self.given:
            return index in self.store[name]
        box = self.boxes[name] if name in self.boxes else self.box(name)
        if box is not None:
            for i, (low, high) in zip(index, box, strict=True):  # noqa: SIM110 - in a generator it takes twice as long
                if not low <= i < high:
                    return False
            return True
        for p, i in enumerate(index):
            if i < self.lowest.get((name, p), 0):
                return False
            length = self.length(name, p, index[0])
            if length is None or i >= length + self.behind.get((name, p), 0):
                return False
        return True

    def box(self, name: str) -> tuple[tuple[int, int], ...] | None:
        """From where to below where each index of a tensor runs; None where that depends on its first index."""
        axes = [self.case.layer.axis(a) for a in self.tensors[name].axes]
        fixed = all(a in self.case.sizes for a in axes) and not hasattr(self.store.get(name), "lengths")
        self.boxes[name] = found = (
            tuple(
                (self.lowest.get((name, p), 0), self.case.sizes[a] + self.behind.get((name, p), 0))
                for p, a in enumerate(axes)
            )
            if fixed
            else None
        )
        return found

    def begin(self, name: str) -> int:
        """The first position of a tensor's first axis."""
        if name in self.given:
            return min((i[0] for i in self.store[name]), default=0)
        return self.lowest.get((name, 0), 0)

    # ---- lengths -------------------------------------------------------------------------------------------

    def length(self, name: str, position: int, first: int | None) -> int | None:
        """The length of a tensor's axis; in a list of arrays it may depend on the first index."""
        key = name, position, first
        if key not in self.lengths:
            self.lengths[key] = None  # while it is looked for: an equation that needs itself says nothing
            found = self._length(name, position, first)
            if found is None:
                del self.lengths[key]
            else:
                self.lengths[key] = found
        return self.lengths.get(key)

    def _length(self, name: str, position: int, first: int | None) -> int | None:
        if (own := getattr(self.store.get(name), "lengths", None)) is not None:  # read where it lies
            return int(own[position])
        if name in self.given:
            ragged = len(self.tensors[name].axes) > 1 and self.case.layer.sequence_axis == self.tensors[name].axes[0]
            key = name, first if ragged and position else None
            if key not in self.listed:
                own = [i for i in self.store[name] if key[1] is None or i[0] == first]
                self.listed[key] = tuple(max(c) + 1 for c in zip(*own, strict=True)) if own else ()
            lengths = self.listed[key]
            if lengths:
                return lengths[position]
        axis = self.case.layer.axis(self.tensors[name].axes[position])
        if axis in self.case.sizes:
            return self.case.sizes[axis]
        if name in self.given:
            return 0
        for equation in self.equations.get(name, ()):
            head = equation.left[0]
            if isinstance(head, Num) and head.value != first:
                continue
            index = equation.left[position]
            if isinstance(index, Pos):
                env = {head.index: first} if isinstance(head, Pos) else {}
                found = self.range_of(index.index, equation.body)(env)
                if found is not None:
                    return int(found)
        if first is not None and position and self.tensors[name].axes[0] == self.case.layer.sequence_axis:
            with suppress(KeyError):  # a gradient that is the same all along an axis of entries
                own = layout.lengths(self.case, axis)
                return own[first] if 0 <= first < len(own) else None
        return None

    def range_of(self, index: str, *bodies: Expr) -> Closure:
        """How many values an index takes: its axis's length, or that of an array it is a plain index of."""
        axis = self.case.layer.axis(index)
        if axis in self.case.sizes:
            n = self.case.sizes[axis]
            return lambda env: n
        uses = []
        for body in bodies:
            for node in x.walk(body):
                if isinstance(node, Ref) and Pos(index) in node.index:
                    p = node.index.index(Pos(index))
                    listed = p > 0 and self.tensors[node.tensor].axes[0] == self.case.layer.sequence_axis
                    uses.append((node.tensor, p, self.index(node.index[0]) if listed else None))

        def search(env: Env) -> int | None:
            for tensor, p, head in uses:
                try:
                    first = head(env) if head else None
                except KeyError:  # the list's index is not bound here
                    continue
                if head and (first is None or not self.begin(tensor) <= first < (self.length(tensor, 0, None) or 0)):
                    continue  # the entry before the first or after the last says nothing
                found = self.length(tensor, p, first)
                if found is not None:
                    return found
            return None

        return search

    def loops(self, over: tuple[str, ...], *bodies: Expr) -> Callable[[Env], Iterable[Env]]:
        """Every assignment of the indices; a new environment each."""
        ranges = [(i, self.range_of(i, *bodies)) for i in over]

        def run(env: Env) -> Iterable[Env]:
            envs = [dict(env)]
            for i, f in ranges:
                envs = [{**e, i: n} for e in envs for n in range(f(e) or 0)]
            return envs

        return run

    def turns(self, over: tuple[str, ...], *bodies: Expr) -> Callable[[Env], Iterable[Env]]:
        """The same in one environment that changes from turn to turn."""
        axes = [self.case.layer.axis(i) for i in over]
        if not all(a in self.case.sizes for a in axes):
            return self.loops(over, *bodies)
        ranges = [range(self.case.sizes[a]) for a in axes]
        if len(over) == 1:
            (index,), (places,) = over, ranges

            def single(env: Env) -> Iterable[Env]:
                here = dict(env)
                for n in places:
                    here[index] = n
                    yield here

            return single

        every = [dict(zip(over, at, strict=True)) for at in itertools.product(*ranges)]

        def several(env: Env) -> Iterable[Env]:
            here = dict(env)
            for at in every:
                here.update(at)
                yield here

        return several

    # ---- closures ------------------------------------------------------------------------------------------

    @abstractmethod
    def index(self, e: Expr) -> Closure:
        """A closure for an integer; None stands for outside."""

    @abstractmethod
    def position(self, index: tuple[Expr, ...]) -> Callable[[Env], tuple[int, ...] | None]:
        """A closure for an element's index; None where it is outside for sure."""

    @abstractmethod
    def test(self, e: Expr) -> Closure:
        """A closure for a condition; None where the numbers cannot tell."""

    @abstractmethod
    def number(self, e: Expr) -> Closure:
        """A closure for a number."""

    def extreme(self, over: tuple[str, ...], body: Expr, position: bool) -> Closure:
        """The largest value inside the arrays, or its first position counted row by row."""
        envs, value = self.turns(over, body), self.number(body)
        inside = [(r.tensor, self.position(r.index)) for r in x.refs(body)]
        lowest = self.numbers.exact(0) if self.numbers.inf is None else self.numbers.inf

        def run(env: Env) -> Any:
            best, where = None, 0
            for n, here in enumerate(envs(env)):
                if any((i := at(here)) is None or not self.within(t, i) for t, at in inside):
                    continue
                v = value(here)
                larger = True if best is None else self.numbers.truth(">", v, best)
                if larger is None:
                    if position:
                        raise Undecided("two values of a maximum are too close to tell apart")
                    best = self.numbers.functions["max"](best, v)
                elif larger:
                    best, where = v, n
            if position:
                return where
            return self.numbers.mul(self.numbers.exact(-1), lowest) if best is None else best

        return run
