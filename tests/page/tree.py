"""The syntax tree of one equation as a page prints it. Immutable; equality is structural.

Indices are called by their letter; the leading multi-index is "...". Products and sums keep the order and the
grouping of the page, so that printing a tree and parsing it again gives the same tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache, cached_property
from operator import is_
from typing import Any


class Node:
    """Any node; see the classes below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Int(Node):
    value: int


@dataclass(frozen=True, slots=True)
class Const(Node):
    name: str  # pi or inf


@dataclass(frozen=True, slots=True)
class Index(Node):
    """An index as a number, or as the plain index of a reference."""

    name: str


@dataclass(frozen=True, slots=True)
class Size(Node):
    """N_{i}: how many positions the axis has."""

    axis: str


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """One element of a tensor, or an option. ``accent`` is "", "bar" (adjoint) or "dot" (tangent)."""

    name: str
    accent: str
    index: tuple[Node, ...]

    @property
    def key(self) -> str:
        return f"{self.accent} {self.name}" if self.accent else self.name


@dataclass(frozen=True, slots=True)
class Add(Node):
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Neg(Node):
    of: Node


@dataclass(frozen=True, slots=True)
class Mul(Node):
    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Frac(Node):
    top: Node
    bottom: Node


@dataclass(frozen=True, slots=True)
class Pow(Node):
    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Sqrt(Node):
    of: Node


@dataclass(frozen=True, slots=True)
class Abs(Node):
    of: Node


@dataclass(frozen=True, slots=True)
class Floor(Node):
    of: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    fn: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Cases(Node):
    """``rows``: (value, condition) pairs, tried in order."""

    rows: tuple[tuple[Node, Node], ...]
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Iverson(Node):
    """1 where the condition holds, else 0."""

    condition: Node


@dataclass(frozen=True, slots=True)
class Reduce(Node):
    op: str  # sum, max or argmax
    over: tuple[str, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    op: str  # = != < <= > >=
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    of: Node


@dataclass(frozen=True)
class Equation:
    """``left`` is a reference whose indices are plain or free of indices, or a size."""

    left: Node
    right: Node

    @cached_property
    def indices(self) -> tuple[str, ...]:
        """The free indices, those of the left-hand side."""
        return tuple(i.name for i in getattr(self.left, "index", ()) if isinstance(i, Index))

    @cached_property
    def key(self) -> str:
        return self.left.key if isinstance(self.left, Ref) else f"size {self.left.axis}"  # type: ignore[attr-defined]

    @cached_property
    def reads(self) -> frozenset[str]:
        """The keys of what stands on the right."""
        return frozenset(n.key for n in walk(self.right) if isinstance(n, Ref))

    @cached_property
    def fixed(self) -> tuple[tuple[str, int, Node], ...]:
        """Where a tensor is named with a constant: its key, the axis, and the constant."""
        return tuple(
            (node.key, n, i)
            for side in (self.left, self.right)
            for node in walk(side)
            if isinstance(node, Ref)
            for n, i in enumerate(node.index)
            if not isinstance(i, Index) and not any(isinstance(part, (Index, Ref)) for part in walk(i))
        )


@cache
def parts(kind: type[Node]) -> tuple[str, ...]:
    """The names of a node's fields, in order."""
    return tuple(x.name for x in fields(kind))  # type: ignore[arg-type]


def map_children(node: Node, f: Callable[[Node], Node]) -> Node:
    """The node with f applied to each child; itself where f changes none."""

    def go(value: Any) -> Any:
        if isinstance(value, Node):
            return f(value)
        if not isinstance(value, tuple):
            return value
        after = tuple([go(v) for v in value])
        return value if all(map(is_, value, after)) else after

    kind = type(node)
    before = [getattr(node, name) for name in parts(kind)]
    after = [go(value) for value in before]
    return node if all(map(is_, before, after)) else kind(*after)


@cache
def places(kind: type[Node]) -> tuple[str, ...]:
    """The names of the fields in which a node has others, in order."""
    return tuple(x.name for x in fields(kind) if "Node" in str(x.type))  # type: ignore[arg-type]


def children(node: Node) -> list[Node]:
    found: list[Node] = []
    for name in places(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        else:
            for v in value:
                if isinstance(v, Node):
                    found.append(v)
                else:
                    found += v
    return found


def walk(node: Node) -> Iterator[Node]:
    """Every node, the root first."""
    open_ = [node]
    while open_:
        node = open_.pop()
        yield node
        open_ += children(node)[::-1]
