"""What is 0 because an axis has no positions, although the kernel's formula is 0 times what there is none of.

A sum over no positions is 0, whatever its terms are made of. With r of a row taken out of ``sum(c, x[c] r)`` it is 0
times r, and where r itself is made of a mean over c, or divided by the length of nothing, that is NaN. Both are looked
at with an axis that is empty: the equations, in which nothing has been taken out yet, and the statements. Where the
first say 0 and the second may not be a number, the function says so (`Function.zeros`), and its caller puts the 0.
A mean's gradient, divided by the length of an axis along which it is the same, is divided by 1 where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Ref, Size
from derive.notation.layer import Equation, Layer
from derive.program.draft import Draft
from derive.program.ir import Array, Both, Contract, Fold, Invoke, Loop, Make, Map, Rows, Scatter, Statement

ZERO_SUMS = ("sum", "norm", "squares", "square_sum", "exp_sum")


class Value(Enum):
    """What an array is where an axis has no positions: none, 0, some number, or maybe no number."""

    NOTHING = 0
    ZERO = 1
    NUMBER = 2
    UNKNOWN = 3


def over_nothing(draft: Draft) -> Draft:
    """Results that are 0 where an axis is empty, and would not be computed as that."""
    layer, before, functions = draft.layer, list[Statement](), []
    equations = [e for f in draft.functions for e in f.equations]
    axes = [a for t in layer.inputs if not t.sequence for a in t.axes if a != ELLIPSIS and a not in layer.sizes]
    for f in draft.functions:
        found: dict[str, tuple[str, ...]] = {}
        for axis in dict.fromkeys(axes) if f.equations and not layer.sequence_axis else ():
            empty = Empty(layer, axis, f.arrays, {})
            empty.run((*before, *f.statements))
            for of, name in f.results:
                array = f.arrays.get(name or "")
                if (
                    array is None
                    or axis in map(layer.axis, array.axes)
                    or empty.values.get(array.name) != Value.UNKNOWN
                ):
                    continue
                if Vanishing(layer, axis, by_target(equations), f.name == "forward").zero(Ref(array.name, ())):
                    found[of] = (*found.get(of, ()), axis)
        before += f.statements
        functions.append(replace(f, zeros=tuple(found.items()), statements=tuple(map(undivided, f.statements))))
    return replace(draft, functions=tuple(functions))


def undivided(s: Statement) -> Statement:
    """A number divided by the length of an axis, and given to all of it: by 1, where nobody is there to be given it."""
    if not isinstance(s, Map):
        return s
    given = {a for a in s.axes if a not in x.free(s.body)}

    def visit(e: Expr) -> Expr | None:
        match e:
            case Op("pow", (Size(axis), Num(n))) if n < 0 and axis in given:
                return x.power(Op("max", (Size(axis), x.ONE)), x.num(n))
        return None

    return replace(s, body=x.transform(s.body, visit)) if given else s


def by_target(equations: Iterable[Equation]) -> dict[str, list[Equation]]:
    found: dict[str, list[Equation]] = {}
    for e in equations:
        found.setdefault(e.target, []).append(e)
    return found


@dataclass
class Vanishing:
    """Which expressions of equations are 0 because an axis is empty.

    Attributes:
        strict: whether 0 times what is no number is none. In backward it is 0: the factors are a cotangent, and what an
            output that is not there depends on.
    """

    layer: Layer
    axis: str
    equations: Mapping[str, list[Equation]]
    strict: bool
    known: dict[str, bool] = field(default_factory=dict)
    open: dict[str, bool] = field(default_factory=dict)

    def zero(self, e: Expr) -> bool:
        match e:
            case Num(value):
                return value == 0
            case Ref(name):
                if name not in self.known:
                    self.known[name] = False  # of what is made of itself nothing is said
                    made = self.equations.get(name, ())
                    self.known[name] = bool(made) and all(self.zero(equation.body) for equation in made)
                return self.known[name]
            case x.Reduce("sum", over, body):
                return any(self.layer.axis(i) == self.axis for i in over) or self.zero(body)
            case Size(axis):
                return self.layer.axis(axis) == self.axis
            case Op("mul", args):
                return any(map(self.zero, args)) and not (self.strict and any(map(self.undefined, args)))
            case Op("add", args):
                return all(map(self.zero, args))
            case Op("where", (_, a, b)):
                return self.zero(a) and self.zero(b)
            case Op("group", (a,)):
                return self.zero(a)
            case Op("pow", (a, Num(n))):
                return n > 0 and self.zero(a)
        return False

    def undefined(self, e: Expr) -> bool:
        """Whether it may be no number: divided by 0, or the logarithm of it."""
        match e:
            case Ref(name):
                if name not in self.open:
                    self.open[name] = False
                    self.open[name] = any(self.undefined(made.body) for made in self.equations.get(name, ()))
                return self.open[name]
            case x.Reduce(_, over, body):
                return not any(self.layer.axis(i) == self.axis for i in over) and self.undefined(body)
            case Op("pow", (a, Num(n))) if n < 0:
                return self.zero(a) or self.undefined(a)
            case Op("log", (a,)):
                return self.zero(a) or self.undefined(a)
        return any(map(self.undefined, x.children(e)))


@dataclass
class Empty:
    """The arrays of a program, with an axis that is empty."""

    layer: Layer
    axis: str
    arrays: Mapping[str, Array]
    values: dict[str, Value]

    def run(self, statements: Iterable[Statement]) -> None:
        for s in statements:
            match s:
                case Loop() | Rows():
                    self.run(s.body)
                case Both(first, second):
                    self.run((first, second))
                case Invoke():
                    self.values |= {ref.tensor: Value.NUMBER for _, ref in s.results}
                case Make():
                    pass
                case _:
                    found = self.of(s)
                    worse = max(found, self.values.get(s.name, found), key=lambda v: v.value)
                    self.values[s.name] = worse

    def is_along(self, indices: Iterable[str]) -> bool:
        return any(self.layer.axis(i) == self.axis for i in indices)

    def of(self, s: Map | Fold | Contract | Scatter) -> Value:
        """What a statement makes."""
        if self.is_along(s.axes):
            return Value.NOTHING
        match s:
            case Map():
                return self.at(s.body)
            case Fold():
                if self.is_along(s.over):
                    return Value.ZERO if s.op in ZERO_SUMS else Value.UNKNOWN
                inside = self.at(s.body)
                return inside if inside != Value.NUMBER and s.op in ("sum", "mean", "norm") else self.other(inside)
            case Contract():
                zero = Value.ZERO if self.is_along(s.over) else product((self.at(s.a), self.at(s.b)))
                return product((zero, self.at(s.scale)))
            case Scatter():
                return Value.ZERO if self.is_along(s.over) else self.at(s.values)

    def other(self, v: Value) -> Value:
        return v if v == Value.UNKNOWN else Value.NUMBER

    def at(self, e: Expr) -> Value:
        match e:
            case Num(value):
                return Value.NUMBER if value else Value.ZERO
            case Size(axis):
                return Value.ZERO if self.layer.axis(axis) == self.axis else Value.NUMBER
            case Ref(name):
                return self.values.get(name, Value.NUMBER)
            case Op("mul" | "there", args):
                return product(map(self.at, args))
            case Op("add", args):
                found = {self.at(a) for a in args}
                return max(found, key=lambda v: v.value) if found else Value.ZERO
            case Op("pow", (a, Num(n))):
                inside = self.at(a)
                return Value.UNKNOWN if n < 0 and inside != Value.NUMBER else inside
            case Op("log", (a,)):
                return Value.UNKNOWN if self.at(a) != Value.NUMBER else Value.NUMBER
            case Op("group" | "abs", (a,)):
                return self.at(a)
        found = {self.at(c) for c in x.children(e)}
        return Value.UNKNOWN if Value.UNKNOWN in found else Value.NUMBER


def product(factors: Iterable[Value]) -> Value:
    found = set(factors)
    if Value.UNKNOWN in found:
        return Value.UNKNOWN
    return Value.ZERO if Value.ZERO in found else Value.NUMBER
