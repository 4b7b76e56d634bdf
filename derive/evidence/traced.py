"""Derivatives of a definition without its derivation: numbers that remember how they were computed.

A number of this system is a node: its value and its slope along one direction (forward mode), and which nodes it
was made from with which partial derivatives (reverse mode; Griewank and Walther 2008, chapters 3 and 5). The
interpreter evaluates the definition's equations over them and nothing else: the gradients are then one sweep back
over the nodes, their slopes (forward over reverse) are the second gradients. Over balls all of them are proven
enclosures, over fractions they are exact.

The rules are those of arithmetic and of exp, log, erf and abs; what floor, round and stop_gradient give is constant;
a choice (a maximum, a case) hands its derivative to what was chosen, the first of equals. Where a partial derivative is
infinite or undefined (a root at 0) the definition has no derivative, and ``singular`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from derive.evidence.numbers import Numbers
from derive.notation.functions import FLAT

Partial = tuple["Node", Any, Any]  # what it was made from, the partial derivative, and that one's slope


class Node:
    """A value, its slope along a direction (None for 0), and what it was made from; nothing for a constant."""

    __slots__ = ("bar", "made", "slope", "swing", "value")

    def __init__(self, value: Any, slope: Any = None, made: tuple[Partial, ...] | None = None) -> None:
        self.value, self.slope, self.made = value, slope, made
        self.bar: Any = None  # the derivative of the sum that is swept back
        self.swing: Any = None  # and its slope


class Tape:
    """Numbers over a base system, and every node that depends on an input, in the order in which they were made.

    Attributes:
        numbers: what the interpreter is given.
        singular: whether the sweep met a partial derivative that is no number.
    """

    def __init__(self, base: Numbers, finite: Callable[[Any], bool] = lambda v: True) -> None:
        self.base, self.finite = base, finite
        self.nodes: list[Node] = []
        self.one = base.exact(1)
        self.singular = False
        functions: dict[str, Callable[..., Any]] = {n: self.flat(n) for n in FLAT}
        functions |= {"exp": self.exp, "log": self.log, "erf": self.erf, "sin": self.sin, "cos": self.cos}
        functions |= {"abs": self.abs, "max": self.max}
        self.numbers = Numbers(
            f"traced {base.name}",
            exact=lambda v: Node(base.exact(v)),
            functions=functions,
            power=self.power,
            raised=self.raised,
            pi=None if base.pi is None else Node(base.pi),
            inf=None if base.inf is None else Node(base.inf),
            add=lambda a, b: self.total([a, b]),
            mul=self.mul,
            truth=lambda op, a, b: base.truth(op, a.value, b.value),
            total=self.total,
            option=None if base.option is None else self.option,
            either=None if base.either is None else self.either,
            beyond=None if base.beyond is None else Node(base.beyond),
        )

    # ---- what the nodes are made of --------------------------------------------------------------------------

    def leaf(self, value: Any, slope: Any = None) -> Node:
        """An input."""
        return self.keep(Node(value, slope, ()))

    def keep(self, node: Node) -> Node:
        self.nodes.append(node)
        return node

    def node(self, value: Any, slope: Any, made: Iterable[Partial]) -> Node:
        own = tuple(p for p in made if p[0].made is not None)
        return self.keep(Node(value, slope, own)) if own else Node(value, slope)

    def option(self, value: Any) -> Node:
        assert self.base.option is not None
        return Node(self.base.option(value))

    def times(self, a: Any, b: Any) -> Any:
        """A product in which None is 0."""
        return None if a is None or b is None else self.base.mul(a, b)

    def plus(self, a: Any, b: Any) -> Any:
        """A sum in which None is 0."""
        return b if a is None else a if b is None else self.base.add(a, b)

    # ---- arithmetic ------------------------------------------------------------------------------------------

    def total(self, parts: list[Node]) -> Node:
        value, slope = parts[0].value, parts[0].slope
        for p in parts[1:]:
            value, slope = self.base.add(value, p.value), self.plus(slope, p.slope)
        return self.node(value, slope, [(p, self.one, None) for p in parts])

    def mul(self, a: Node, b: Node) -> Node:
        slope = self.plus(self.times(a.slope, b.value), self.times(a.value, b.slope))
        return self.node(self.base.mul(a.value, b.value), slope, [(a, b.value, b.slope), (b, a.value, a.slope)])

    def apply(self, a: Node, value: Any, first: Callable[[], Any], second: Callable[[], Any]) -> Node:
        """A function of one number, from its value and its two derivatives there, asked for where they matter."""
        if a.made is None and a.slope is None:
            return Node(value)
        partial = first()
        swing = None if a.slope is None else self.times(second(), a.slope)
        return self.node(value, self.times(partial, a.slope), [(a, partial, swing)])

    def power(self, a: Node, b: Fraction) -> Node:
        return self.raise_to(a, lambda less: self.base.power(a.value, b - less), self.base.exact(b))

    def raised(self, a: Node, b: Node) -> Node:
        if b.made is not None or b.slope is not None:
            return self.exp(self.mul(b, self.log(a)))
        minus = self.base.exact(-1)

        def lowered(less: int) -> Any:
            exponent = b.value
            for _ in range(less):
                exponent = self.base.add(exponent, minus)
            return self.base.raised(a.value, exponent)

        return self.raise_to(a, lowered, b.value)

    def raise_to(self, a: Node, lowered: Callable[[int], Any], b: Any) -> Node:
        """a**b for a constant b; ``lowered(n)`` is a**(b - n)."""
        mul, add = self.base.mul, self.base.add

        def first() -> Any:
            return self.base.zero if b == 0 else b if b == 1 else mul(b, lowered(1))

        def second() -> Any:
            if b == 0 or b == 1:
                return self.base.zero
            factor = mul(b, add(b, self.base.exact(-1)))
            return factor if b == 2 else mul(factor, lowered(2))

        return self.apply(a, lowered(0), first, second)

    # ---- functions -------------------------------------------------------------------------------------------

    def exp(self, a: Node) -> Node:
        value = self.base.functions["exp"](a.value)
        return self.apply(a, value, lambda: value, lambda: value)

    def log(self, a: Node) -> Node:
        def inverse(n: int) -> Any:
            return self.base.power(a.value, Fraction(-n))

        value = self.base.functions["log"](a.value)
        return self.apply(a, value, lambda: inverse(1), lambda: self.base.mul(self.base.exact(-1), inverse(2)))

    def erf(self, a: Node) -> Node:
        base = self.base

        def bell() -> Any:
            scale = base.mul(base.exact(2), base.power(base.pi, Fraction(-1, 2)))
            square = base.mul(base.exact(-1), base.mul(a.value, a.value))
            return base.mul(scale, base.functions["exp"](square))

        def slope() -> Any:
            return base.mul(base.exact(-2), base.mul(a.value, bell()))

        return self.apply(a, base.functions["erf"](a.value), bell, slope)

    def sin(self, a: Node) -> Node:
        value, slope = (self.base.functions[f](a.value) for f in ("sin", "cos"))
        return self.apply(a, value, lambda: slope, lambda: self.base.mul(self.base.exact(-1), value))

    def cos(self, a: Node) -> Node:
        value, minus_slope = (self.base.functions[f](a.value) for f in ("cos", "sin"))
        minus = self.base.exact(-1)
        return self.apply(a, value, lambda: self.base.mul(minus, minus_slope), lambda: self.base.mul(minus, value))

    def abs(self, a: Node) -> Node:
        """Its derivative at 0 is 0, which is a factor like others: beside an infinite one there is no derivative."""
        zero = self.base.zero
        positive = self.base.truth(">", a.value, zero)
        if positive is None:
            return self.either(a, self.mul(Node(self.base.exact(-1)), a))
        if not positive and a.value == 0:
            return self.apply(a, zero, lambda: zero, lambda: zero)
        return a if positive else self.mul(Node(self.base.exact(-1)), a)

    def flat(self, name: str) -> Callable[[Node], Node]:
        """A function without slope: what it gives is a constant."""
        return lambda a: Node(self.base.functions[name](a.value))

    def max(self, a: Node, b: Node) -> Node:
        first = self.base.truth("<=", b.value, a.value)
        if first is None:
            return self.either(a, b, self.base.functions["max"](a.value, b.value))
        return a if first else b

    def either(self, a: Node, b: Node, value: Any = None) -> Node:
        """What a choice that cannot be told may be: each partial derivative is 0 or 1."""
        assert self.base.either is not None
        zero = self.base.zero
        half = self.base.either(zero, self.one)

        def both(p: Any, q: Any) -> Any:
            assert self.base.either is not None
            if p is None and q is None:
                return None
            return self.base.either(zero if p is None else p, zero if q is None else q)

        slope = both(a.slope, b.slope)
        value = self.base.either(a.value, b.value) if value is None else value
        return self.node(value, slope, [(a, half, None), (b, half, None)])

    # ---- the sweep -------------------------------------------------------------------------------------------

    def sweep(self, seeds: Iterable[tuple[Node, Any]]) -> None:
        """Derivatives of the sum of nodes times numbers: every node's ``bar``, and its slope, ``swing``."""
        for node, weight in seeds:
            node.bar = self.plus(node.bar, weight)
        for node in reversed(self.nodes):
            if node.bar is None and node.swing is None:
                continue
            for origin, partial, swing in node.made or ():
                if not self.finite(partial) or not (swing is None or self.finite(swing)):
                    self.singular = True
                origin.bar = self.plus(origin.bar, self.times(node.bar, partial))
                more = self.plus(self.times(node.swing, partial), self.times(node.bar, swing))
                origin.swing = self.plus(origin.swing, more)
