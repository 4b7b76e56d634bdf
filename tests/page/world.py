"""Values for everything that a page has a symbol for, and expressions evaluated in them at given indices."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from typing import Any

from tests.page.arithmetic import EvaluationError
from tests.page.codes import Outside, _beyond
from tests.page.compare import Trial
from tests.page.compiler import Compiler
from tests.page.evaluator import Evaluator
from tests.page.parser import expression
from tests.page.reader import Variant
from tests.page.sizes import Flat
from tests.page.symbols import Row, Symbols
from tests.page.tree import (
    Add,
    And,
    Call,
    Compare,
    Equation,
    Index,
    Int,
    Iverson,
    Mul,
    Neg,
    Node,
    Reduce,
    Ref,
    map_children,
    walk,
)  # fmt: skip
from tests.page.vanishing import vanishes

ABOUT = re.compile(r"(cotangent|gradient|adjoint) of (\w+)")
TRIED = 4000  # index tuples among which those are looked for that are inside
MOST = 400  # elements or index tuples looked at for one claim


def adjoints(variant: Variant) -> dict[str, Ref]:
    """By a tensor's code name, what stands for its adjoint: over all paths, where the cotangent is another."""
    found: dict[str, Ref] = {}
    for tex, _, cell in variant.cells:
        if about := ABOUT.search(cell):
            ref = expression(tex, _scalars(variant.symbols), ())
            if isinstance(ref, Ref) and not (about[1] == "cotangent" and about[2] in found):
                found[about[2]] = ref
    return found


def _scalars(symbols: Symbols) -> Symbols:
    """The table with every symbol without axes, so that it can be read alone."""
    return Symbols(tuple(Row(r.tex, r.name) for r in symbols.rows), symbols.along, symbols.sized)


class World:
    """A trial's values, those of intermediates and adjoints included.

    Args:
        equations: of the page's forward and backward sections, and more that define what these leave out.
    """

    def __init__(self, equations: Sequence[Equation], symbols: Symbols, trial: Trial) -> None:
        nudge = Row("nudge", "nudge")
        self.evaluator = Evaluator(
            equations,
            Symbols((*symbols.rows, nudge), symbols.along, symbols.sized),
            {**trial.values, "nudge": 0.0},
            memo=trial.memo,
        )
        self.nudge: Flat = self.evaluator.sizes.arrays["nudge"]
        self.random = random.Random(7)
        self.known: dict[Any, list[tuple[int, ...]]] = {}
        self.landed: dict[Any, dict[tuple[int | None, ...], float]] = {}  # what accumulations add, by what is printed

    def compiled(self, e: Node, scope: Sequence[str]) -> Callable[[Sequence[int]], float]:
        """An expression as a function of the values of its free indices. Raises EvaluationError."""
        code = Compiler(self.evaluator, guarded=True).compile(e, {name: n for n, name in enumerate(scope)}, False)
        deep = sum(len(n.over) for n in walk(e) if isinstance(n, Reduce))

        def value(at: Sequence[int]) -> float:
            try:
                return float(code([*at, *[0] * deep]))
            except Outside:
                raise EvaluationError("a maximum of nothing but places outside") from None

        return value

    def points(
        self, scope: Sequence[str], *within: Node, most: int = MOST, begin: Mapping[str, int] | None = None
    ) -> list[tuple[int, ...]]:
        """Values of the indices of a claim, from the axes on which they stand alone in its trees; some, if many.

        ``begin`` has the indices that begin at another place than 0.
        """
        key = tuple(scope), within, most, tuple((begin or {}).items())
        if key not in self.known:
            self.known[key] = self.draw(scope, within, most, begin or {})
        return self.known[key]

    def places(self, scope: Sequence[str], read: Node, *within: Node, most: int) -> list[tuple[int, ...]]:
        """The same, and as many at which everything that ``read`` has at a computed index is inside: of a convolution
        with a stride and padding these are few among any."""
        key = tuple(scope), read, within, most
        if key not in self.known:
            any_ = self.points(scope, *within, most=most)
            self.known[key] = [*any_, *(self.inside(scope, read, within, most) if len(any_) >= most else ())]
        return self.known[key]

    def inside(self, scope: Sequence[str], read: Node, within: Sequence[Node], most: int) -> list[tuple[int, ...]]:
        compiler = Compiler(self.evaluator)
        slots = {name: n for n, name in enumerate(scope)}
        refs = [n for n in walk(read) if isinstance(n, Ref)]
        known = [(i, n) for r in refs for i, n in vanishes(r, self.evaluator)]
        tests = [
            _beyond(compiler.index(i, slots), length)
            for i, length in dict.fromkeys(known)
            if all(n.name in slots for n in walk(i) if isinstance(n, Index))
        ]
        around = Add((Int(0), *within))
        if not tests or self.sequence(scope, around):
            return []
        counts = [range(self.length(compiler, name, around, {})([0] * len(scope))) for name in scope]
        total, random_ = prod(map(len, counts)), random.Random(11)
        tried = (nth(counts, n) for n in random_.sample(range(total), min(total, TRIED)))
        return list(islice((at for at in tried if not any(test([*at]) for test in tests)), most))

    def draw(
        self, scope: Sequence[str], within: Sequence[Node], most: int, begin: Mapping[str, int]
    ) -> list[tuple[int, ...]]:
        around = Add((Int(0), *within))
        listed = self.sequence(scope, around)
        compiler = Compiler(self.evaluator)
        slots = {name: n for n, name in enumerate(scope)}
        ordered = sorted(scope, key=lambda name: name not in listed)
        ranges: list[tuple[int, int, Callable[[list[int]], int]]] = []
        for name in ordered:
            known = {n: slots[n] for n in listed} if name not in listed else {}
            ranges.append((slots[name], begin.get(name, 0), self.length(compiler, name, around, known)))
        if not listed:  # lengths depend on nothing: of many tuples those that are looked at alone are made
            counts = [range(first, length([0] * len(scope))) for _, first, length in ranges]
            total = prod(map(len, counts))
            if total > most:
                return [nth(counts, n) for n in self.random.sample(range(total), most)]
        found = list(islice(_tuples(ranges, [0] * len(scope)), 200_000))
        return found if len(found) <= most else self.random.sample(found, most)

    def length(
        self, compiler: Compiler, name: str, around: Node, known: Mapping[str, int]
    ) -> Callable[[list[int]], int]:
        """How many values an index has: along the arrays of a list as many as that entry's has, where it has any."""
        rows = self.evaluator.symbols.by_name
        refs = (n for n in walk(around) if isinstance(n, Ref) and Index(name) in n.index[1:] and rows[n.name].sequence)
        whole = compiler.range(name, around, None, known)
        listed = tuple(refs) if known else ()
        if not listed:
            return whole
        own = compiler.range(name, Add((Int(0), *listed)), None, known)
        return lambda env: own(env) or whole(env)

    def sequence(self, scope: Sequence[str], around: Node) -> list[str]:
        """Indices that count the entries of a list."""
        rows = self.evaluator.symbols.by_name
        refs = [n for n in walk(around) if isinstance(n, Ref) and n.index and rows[n.name].sequence]
        return [s for s in scope if any(r.index[0] == Index(s) for r in refs)]

    def holds(self, ref: Ref, at: Sequence[int | None]) -> bool:
        """Whether a tensor has an element there."""
        row = self.evaluator.symbols.by_name[ref.name]
        if None in at:
            return False
        if ref.key in self.evaluator.targets:
            return self.evaluator.inside(ref.key, row, tuple(at))
        entry = at[0] if row.sequence else None
        extents = [self.evaluator.extent(row, n, entry) for n in range(len(at))]
        return all(i is not None and 0 <= i < (e or 0) for i, e in zip(at, extents, strict=True))

    def place(self, ref: Ref, scope: Sequence[str]) -> Callable[[Sequence[int]], tuple[int | None, ...]]:
        """The element that a reference reads, from the values of its indices."""
        compiler = Compiler(self.evaluator, guarded=True)
        codes = [compiler.index(i, {name: n for n, name in enumerate(scope)}) for i in ref.index]
        return lambda at: tuple(c(list(at)) for c in codes)


Range = tuple[int, int, Callable[[list[int]], int]]  # slot, first value, one after the last


def nth(ranges: Sequence[range], n: int) -> tuple[int, ...]:
    """The tuple at a place of the row-major order."""
    found: list[int] = []
    for values in reversed(ranges):
        n, at = divmod(n, len(values))
        found.append(values[at])
    return tuple(reversed(found))


def _tuples(ranges: Sequence[Range], env: list[int]) -> Iterator[tuple[int, ...]]:
    if not ranges:
        yield tuple(env)
        return
    (slot, first, length), *rest = ranges
    for value in range(first, length(env)):
        env[slot] = value
        yield from _tuples(rest, env)


# ---- changing trees ----------------------------------------------------------------------------------------


def substituted(e: Node, names: Mapping[str, Equation]) -> Node:
    """An expression with what local names stand for."""

    def go(node: Node) -> Node:
        if isinstance(node, Ref) and node.name in names:
            definition = names[node.name]
            return go(renamed(definition.right, dict(zip(definition.indices, node.index, strict=True))))
        return map_children(node, go)

    return go(e)


def renamed(e: Node, mapping: Mapping[str, Node]) -> Node:
    """An expression with other trees for its free indices."""

    def go(node: Node) -> Node:
        if isinstance(node, Index):
            return mapping.get(node.name, node)
        if isinstance(node, Reduce):
            inner = {k: v for k, v in mapping.items() if k not in node.over}
            return Reduce(node.op, node.over, renamed(node.body, inner))
        return map_children(node, go)

    return go(e)


def alike(e: Node, definition: Equation) -> bool:
    """Whether a tree is what a local name stands for, at the same indices."""
    right = definition.right
    while isinstance(e, Neg) and isinstance(right, Neg):  # what every term of a sum has is printed in front of it
        e, right = e.of, right.of
    if not isinstance(e, Reduce) or not isinstance(right, Reduce) or len(e.over) != len(right.over):
        return False
    moved = renamed(e.body, {a: Index(b) for a, b in zip(e.over, right.over, strict=True)})
    return e.op == right.op and moved == right.body


def nudged(e: Node, where: Callable[[Node], Node | None], stop: Callable[[Node], bool]) -> Node:
    """An expression in which some nodes are larger by ``nudge``, under the condition that ``where`` gives."""

    def go(node: Node) -> Node:
        if stop(node) or (isinstance(node, Call) and node.fn == "sg"):  # it is held where it is
            return node
        condition = where(node)
        if condition is not None:
            return Add((node, Mul((Ref("nudge", "", ()), Iverson(condition)))))
        return node if isinstance(node, Ref) else map_children(node, go)

    return go(e)


def same_places(index: Sequence[Node], wanted: Sequence[Node]) -> Node:
    """The condition that two lists of indices are equal."""
    pairs = [Compare("=", a, b) for a, b in zip(index, wanted, strict=True)]
    return pairs[0] if len(pairs) == 1 else And(tuple(pairs)) if pairs else Compare("=", Int(0), Int(0))
