"""The plain case of a layer: what it is where nothing is asked of its options and nothing is masked.

Options at the value at which they do nothing (no padding, a stride of 1, not causal, a token that none is) and masks
left out: conditions are decided, products with 1 and sums with 0 go, an axis of length 1 is an axis no more. What is
left is a layer like any other, differentiated by itself; it says the same as the whole one does there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from derive.calculus.derivation import Derivation, derive
from derive.calculus.within import Within
from derive.notation import expr as x
from derive.notation.conditions import decided
from derive.notation.errors import DefinitionError
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.layer import Equation, Layer, Option, Slot, Tensor
from derive.notation.several import numbers

#: The value at which an option of a kind does nothing; an integer that positions are compared with does, if negative.
NEUTRAL: Mapping[str, int] = {"Flag": False, "Natural": 0, "Count": 1}
SHORTER = Fraction(9, 10)  #: of the nodes, below which the plain case is worth its place


@dataclass(frozen=True)
class Plain:
    """A layer's plain case.

    Attributes:
        derivation: of it, as a layer with fewer inputs and options.
        given: what is left out (None) and the options that are set, with their values.
    """

    derivation: Derivation
    given: tuple[tuple[str, object], ...]


def plain(layer: Layer) -> Plain | None:
    """The plain case where it is shorter; None for a layer that has none, or calls others, which have theirs."""
    if layer.calls:
        return None
    options = [o for o in layer.options if neutral(o, layer)]
    masks = [t.name for t in layer.inputs if t.optional]
    case = Case(layer, {o.name: o for o in options}, frozenset(masks))
    given = [*((name, None) for name in masks), *((o.name, o.default) for o in options if case.used(o))]
    if not given:
        return None
    found = case.layer()
    if extent(found) > SHORTER * extent(layer):
        return None
    try:
        derivation = derive(found)
    except DefinitionError:
        return None
    return Plain(derivation, tuple(given))


def neutral(option: Option, layer: Layer) -> bool:
    """Whether an option does nothing where it is not given."""
    if option.kind != "Integer":
        arrays = (t for t in layer.tensors.values() if t.role in ("input", "state", "output"))
        alone = any((option.axis,) in layer.split(t) for t in arrays)  # then arrays have an axis of length 1
        return option.kind in NEUTRAL and {*numbers(option.default)} == {NEUTRAL[option.kind]} and not alone
    every = [n for e in layer.equations for n in x.walk(e.body)]
    labels = [n for n in every if isinstance(n, Op) and n.fn in ("==", "!=") and Opt(option.name) in n.args]
    others = (a for n in labels for a in n.args if a != Opt(option.name))
    compared = all(isinstance(a, Ref) and points(a.tensor, layer) for a in others)
    alone = every.count(Opt(option.name)) == len(labels)
    return isinstance(option.default, int) and option.default < 0 and alone and compared


def points(tensor: str, layer: Layer) -> bool:
    """Whether a tensor holds positions along an axis, none of which is negative."""
    within = layer.tensors[tensor].domain
    every = (n for e in layer.equations for n in x.walk(e.body) if isinstance(n, Ref))
    return (within is None or bool(within.below)) and any(
        isinstance(i, Ref) and i.tensor == tensor for n in every for i in n.index
    )


def extent(layer: Layer) -> int:
    """How many nodes equations and lengths have."""
    return sum(x.size(e) for e in layer.sizes.values()) + sum(x.size(e.lhs) + x.size(e.body) for e in layer.equations)


@dataclass(frozen=True)
class Case:
    """The values that are put into a layer."""

    whole: Layer
    options: Mapping[str, Option]
    masks: frozenset[str]

    @property
    def gone(self) -> frozenset[str]:
        """Axes of length 1, and what runs along them."""
        axes = {o.axis for o in self.options.values() if o.kind == "Count" and o.axis}
        return frozenset(axes | {i for i, a in self.whole.same.items() if a in axes})

    def used(self, option: Option) -> bool:
        return option.axis in self.whole.axes or any(
            n in option.elements for e in (*self.bodies, *self.whole.sizes.values()) for n in x.walk(e)
        )

    @property
    def bodies(self) -> list[Expr]:
        return [e.body for e in self.whole.equations]

    @cached_property
    def within(self) -> Within:
        return Within(replace(self.whole, sizes={a: self.put(e) for a, e in self.whole.sizes.items()}))

    def layer(self) -> Layer:
        whole = self.whole
        tensors = {n: self.tensor(t) for n, t in whole.tensors.items() if n not in self.masks}
        sizes = {a: self.known(self.put(e), frozenset(), {}) for a, e in whole.sizes.items() if a not in self.gone}
        positive: dict[str, frozenset[str]] = {}
        steps: list[Equation] = []
        for e in whole.equations:
            body = decided(self.known(self.put(e.body), self.axes(e.indices), positive))
            lhs = self.put(e.lhs)
            assert isinstance(lhs, Ref)
            steps.append(Equation(lhs.tensor, lhs.index, body, e.line))
            if (axes := self.positive(body, positive)) is not None:
                positive[e.target] = axes
        return replace(
            whole,
            tensors=tensors,
            sizes=sizes,
            same={i: a for i, a in whole.same.items() if i not in self.gone},
            steps=tuple(steps),
            options=tuple(o for o in whole.options if o.name not in self.options),
            written=None,
        )

    def axes(self, indices: Iterable[str]) -> frozenset[str]:
        return frozenset(map(self.whole.axis, indices))

    def tensor(self, t: Tensor) -> Tensor:
        slots = tuple(Slot(tuple(p for p in s.parts if p not in self.gone)) for s in t.slots)
        return replace(t, axes=tuple(a for a in t.axes if a not in self.gone), slots=slots)

    def put(self, e: Expr) -> Expr:
        """An expression with these values in it."""

        def visit(node: Expr) -> Expr | None:
            match node:
                case Ref(name, _) if name in self.masks:
                    return x.ONE
                case Ref(name, index):
                    axes = self.whole.tensors[name].axes
                    return Ref(name, tuple(self.put(i) for i, a in zip(index, axes, strict=True) if a not in self.gone))
                case Pos(index) if index in self.gone:
                    return x.ZERO
                case Size(axis) if axis in self.gone:
                    return x.ONE
                case Opt(name) if name in self.options:
                    return x.num(int(node.of({name: self.options[name].default})))
                case Reduce(op, over, body):
                    return x.reduce(op, (i for i in over if i not in self.gone), self.put(body))
            return None

        return decided(x.transform(e, visit))

    def known(self, e: Expr, inhabited: frozenset[str], positive: Mapping[str, frozenset[str]]) -> Expr:
        """An expression in which conditions that always hold are 1, where these axes are not empty."""

        def visit(node: Expr) -> Expr | None:
            match node:
                case Reduce(op, over, body):
                    inner = decided(self.known(body, inhabited | self.axes(over), positive))
                    if op == "sum" and isinstance(inner, Num):  # as many as there are
                        return x.mul(inner, *map(self.within.written, map(Size, over)))
                    return x.reduce(op, over, inner)
                case Op("<" | "<=" | ">" | ">=") if self.within.always(node):
                    return x.ONE
                case Op("!=" | ">", (a, Num(value))) if value == 0:
                    axes = self.positive(a, positive)
                    return x.ONE if axes is not None and axes <= inhabited else None
                case Op("!=" | "==" as fn, (Ref(name, _), Num(value)) | (Num(value), Ref(name, _))) if (
                    value < 0 and points(name, self.whole)
                ):
                    return x.ONE if fn == "!=" else x.ZERO
                case Op("floordiv", (a, Num(value))) if value == 1:
                    return self.known(a, inhabited, positive)
            return None

        return x.transform(e, visit)

    def positive(self, e: Expr, known: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
        """The axes that must not be empty for an expression to be positive; None where it may not be.

        ``known`` has those of the tensors that are.
        """
        parts: list[frozenset[str] | None] = []
        match e:
            case Num(value) if value > 0:
                return frozenset()
            case Ref(name, _):
                return known.get(name)
            case Op("exp", _):
                return frozenset()
            case Op("add" | "mul", args):
                parts = [self.positive(a, known) for a in args]
            case Op("pow", (a, Num())):
                parts = [self.positive(a, known)]
            case Reduce("sum", over, body):
                parts = [self.axes(over), self.positive(body, known)]
        found = [p for p in parts if p is not None]
        return frozenset[str]().union(*found) if found and len(found) == len(parts) else None
