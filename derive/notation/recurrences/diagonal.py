"""Recurrences over two axes as ones over the diagonals.

What ``y[s, t]`` reads, ``y[s - 1, t]``, ``y[s, t - 1]`` and ``y[s - 1, t - 1]``, lies on the one or two diagonals
before its own, ``d = s + t``. So a whole diagonal is found at once, ``r[d, s] = y[s, d - s]``, from
``r[d - 1, s - 1]``, ``r[d - 1, s]`` and ``r[d - 2, s - 1]``; at the edges stands what the recurrence begins with. A
diagonal has as many places as s has, those outside the array are 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Pos, Ref, Size
from derive.notation.layer import Equation, Layer, Tensor
from derive.notation.recurrences.places import (
    Step,
    begins,
    changed,
    collected,
    free_name,
    in_order,
    put,
    shift,
    targets,
    tidied,
    together,
)


@dataclass(frozen=True)
class Square:
    """Where a tensor's two steps stand among its indices, and what they are called in its equation."""

    at: tuple[int, int]
    indices: tuple[str, str]
    diagonal: str = ""


def along_diagonals(layer: Layer) -> Layer:
    """Recurrences over two axes as ones along one."""
    early: dict[str, set[int]] = {}
    for s in layer.steps:
        if isinstance(s, Equation):
            early.setdefault(s.target, set()).update(n for n, i in enumerate(s.left) if x.plain(i) is None)
    double = sorted(n for n, places in early.items() if len(places) > 1)
    for name in double:
        if name in layer.tensors and name in {r.tensor for s in layer.steps for r in targets(s)}:
            layer = Diagonals(layer, name).run()
    return layer


class Diagonals:
    """One recurrence over two axes, and what it needs on the way.

    Attributes:
        squares: the tensors that are part of it.
        names: what they are called by diagonals.
        first: by tensor and which of the two axes begins, what is there, without that axis; both for the corner.
    """

    def __init__(self, layer: Layer, name: str) -> None:
        self.layer = layer
        own = {r.tensor: r for s in layer.steps if not begins(s) for r in targets(s)}
        starts = [s for s in layer.steps if isinstance(s, Equation) and s.target == name and begins(s)]
        at = sorted({n for s in starts for n, i in enumerate(s.left) if x.plain(i) is None})
        indices = [x.plain(own[name].index[n]) or "" for n in at]
        axes = tuple(map(layer.axis, indices))
        self.squares: dict[str, Square] = {}
        for n in sorted({name} | together(layer, [name])):
            along = [layer.axis(x.plain(i) or "") for i in own[n].index]
            if all(a in along for a in axes):
                places = along.index(axes[0]), len(along) - 1 - along[::-1].index(axes[1])
                named = tuple(x.plain(own[n].index[p]) or "" for p in places)
                self.squares[n] = Square(places, (named[0], named[1]))
        self.axes = axes
        self.names = {n: free_name(layer, f"{n}_diagonal") for n in self.squares}
        words = {i for t in layer.tensors.values() for i in t.axes} | {*layer.tensors, *layer.sizes, *layer.same}
        self.d = x.numbered("diagonal", words | {o.name for o in layer.options})
        self.first: dict[tuple[str, tuple[bool, bool]], tuple[tuple[Expr, ...], Expr]] = {}

    def run(self) -> Layer:
        layer, steps = self.layer, list[Step]()
        tensors = dict(layer.tensors)
        for s in layer.steps:
            if isinstance(s, Equation) and s.target in self.squares:
                if begins(s):
                    steps += self.beginning(s, tensors)
                else:
                    steps += self.by_diagonals(s, tensors)
            else:
                steps.append(changed(s, self.outside))
        n = x.add(*map(Size, self.axes), x.num(-1))
        layer = replace(layer, steps=tuple(steps), sizes={**layer.sizes, self.d: n})
        return replace(layer, tensors=in_order(layer, tensors.values()))

    def beginning(self, s: Equation, tensors: dict[str, Tensor]) -> list[Step]:
        """What is there before one of the axes, as an array of its own; a number is written where it is used."""
        square = self.squares[s.target]
        edge = tuple(x.plain(s.left[n]) is None for n in square.at)
        key = s.target, (edge[0], edge[1])
        left = tuple(i for i in s.left if x.plain(i) is not None)
        if not x.tensors(s.body) and not x.free(s.body):
            self.first[key] = left, s.body
            return []
        name = x.numbered(f"{s.target}_first", {*tensors, *self.names.values()})
        tensors[name] = Tensor(name, tuple(x.plain(i) or "" for i in left))
        self.first[key] = left, Ref(name, left)
        return [Equation(name, left, self.outside(s.body), s.line)]

    def by_diagonals(self, s: Equation, tensors: dict[str, Tensor]) -> list[Step]:
        """A step's equation along the diagonals, and the array itself."""
        square, name = self.squares[s.target], self.names[s.target]
        q, (i, j) = square.at[1], square.indices
        column = x.sub(Pos(self.d), Pos(i))
        body = tidied(x.rename(self.inside(s.body, (i, j)), {j: column}))
        there = Op("and", (Op(">=", (column, x.ZERO)), Op("<", (column, Size(self.axes[1])))))
        left = (Pos(self.d), *(e for n, e in enumerate(s.left) if n != q))
        tensor = tensors[s.target]
        axes = (self.d, *(a for n, a in enumerate(tensor.axes) if n != q))
        tensors[name] = Tensor(name, axes)
        whole = Ref(name, (x.add(Pos(i), Pos(j)), *(e for n, e in enumerate(s.left) if n != q)))
        return [
            Equation(name, put(left, 0, x.num(-1)), x.ZERO, s.line),
            Equation(name, left, x.where(there, body, x.ZERO), s.line),
            Equation(s.target, s.left, whole),
        ]

    def inside(self, e: Expr, steps: tuple[str, str]) -> Expr:
        """An expression that reads the arrays along their diagonals, which is where two steps add up."""

        def visit(node: Expr) -> Expr | None:
            if not isinstance(node, Ref) or node.tensor not in self.squares:
                return None
            p, q = self.squares[node.tensor].at
            index = tuple(self.inside(i, steps) for i in node.index)
            rest = tuple(i for n, i in enumerate(index) if n != q)
            back = x.sub(x.add(index[p], index[q]), x.add(*map(Pos, steps)))
            there = Ref(self.names[node.tensor], (collected(x.add(Pos(self.d), back)), *rest))
            return self.at_edges(node.tensor, index, there)

        return x.transform(e, visit)

    def outside(self, e: Expr) -> Expr:
        """An expression in which what is read before the first place is what the recurrence begins with."""

        def visit(node: Expr) -> Expr | None:
            if not isinstance(node, Ref) or node.tensor not in self.squares:
                return None
            index = tuple(map(self.outside, node.index))
            return self.at_edges(node.tensor, index, Ref(node.tensor, index))

        return x.transform(e, visit)

    def at_edges(self, name: str, index: tuple[Expr, ...], there: Expr) -> Expr:
        """An element, or what the recurrence begins with where an index is -1."""
        at = self.squares[name].at
        for n in (1, 0):
            before = self.first_of(name, (n == 0, n == 1), index)
            if before is None or not may_be_before(index[at[n]]):
                continue
            if may_be_before(index[at[1 - n]]):
                corner = self.first_of(name, (True, True), index) or x.ZERO
                before = chosen(index[at[1 - n]], corner, before)
            there = chosen(index[at[n]], before, there)
        return there

    def first_of(self, name: str, edge: tuple[bool, bool], index: tuple[Expr, ...]) -> Expr | None:
        """What a recurrence begins with along an edge, at the other indices."""
        if (name, edge) not in self.first:
            return None
        left, body = self.first[name, edge]
        at = self.squares[name].at
        rest = [i for n, i in enumerate(index) if not (n in at and edge[at.index(n)])]
        return x.rename(body, {x.plain(i) or "": e for i, e in zip(left, rest, strict=True)})


def may_be_before(i: Expr) -> bool:
    """Whether an index may be -1."""
    names = x.free(i)
    if not names:
        return i == x.num(-1)
    if len(names) == 1 and (by := shift(i, names[0])) is not None:
        return by < 0
    return True


def chosen(i: Expr, before: Expr, there: Expr) -> Expr:
    """One thing where an index is -1, another where it is not."""
    if not x.free(i):
        return before if i == x.num(-1) else there
    return x.where(Op("==", (collected(x.add(i, x.ONE)), x.ZERO)), before, there)
