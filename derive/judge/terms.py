"""Expressions at many positions at once: elements of tensors, conditions and integers by the array.

An index of the environment is an integer or an array of them; arrays are broadcast with one another, and each loop
puts its axis in front of those that there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.evidence.clauses import Env
from derive.evidence.integers import is_whole
from derive.evidence.interpret import Interpreter
from derive.evidence.numbers import COMPARE
from derive.evidence.scalar import ARGUMENT, is_sum, scalar_body
from derive.judge.vectors import Balls, Rules, Unsupported, sides
from derive.notation import expr as x
from derive.notation.define import REGISTRY
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size

KEPT = 1 << 24  # numbers of tensors that are kept
Tests = tuple[Any, Any]  # where a condition holds for sure, and where it does not
WHOLE: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "max": np.maximum,
}  # fmt: skip


class Everywhere(dict[Any, Any]):
    """The elements of a mask that was left out."""

    def __init__(self, lengths: tuple[int, ...]) -> None:
        super().__init__()
        self.lengths = lengths

    def get(self, index: Any, default: Any = None) -> Any:
        return True if index in self else default

    def __getitem__(self, index: Any) -> Any:
        return True

    def __contains__(self, index: object) -> bool:
        return isinstance(index, tuple) and all(0 <= i < n for i, n in zip(index, self.lengths, strict=True))


@dataclass(frozen=True)
class Whole:
    """Integers, and where they lie inside arrays; None: everywhere."""

    value: Any
    inside: Any = None


class Terms(Interpreter):
    """The interpreter, which evaluates expressions at many positions, too.

    Attributes:
        rules: the arithmetic of balls by the array that goes with that of single numbers.
    """

    def __init__(self, *args: Any, rules: Rules, **more: Any) -> None:
        self.rules = rules
        self.kept: dict[Any, tuple[Balls, Any]] = {}
        self.held = 0
        self.begun: set[str] = set()
        super().__init__(*args, **more)

    def reduced(self, e: Reduce, env: Env, rank: int) -> Balls:
        """A sum or maximum at indices of which some may be arrays."""
        raise Unsupported(e.op)

    def lengths_of(self, over: tuple[str, ...]) -> tuple[int, ...] | None:
        sizes = [self.case.sizes.get(self.case.layer.axis(i)) for i in over]
        return None if None in sizes else tuple(n for n in sizes if n is not None)

    # ---- expressions ---------------------------------------------------------------------------------------------

    def several(self, e: Expr, env: Env, rank: int) -> Balls:
        """An expression at indices of which some are arrays."""
        rules = self.rules
        match e:
            case Opt(name) if name.startswith("%"):
                found: Balls = env[name]
                return found
            case Num(v) if v in (1, -1, 0):
                return replace(rules.exact(int(v)), whole=True)
        if not any(isinstance(env.get(i), np.ndarray) for i in x.free(e)) and not _of_argument(e):
            single = self.number(e)({i: v for i, v in env.items() if isinstance(v, int | np.integer)})
            if single is self.outside:
                return Balls(np.zeros((), rules.kind), np.zeros(()), np.asarray(False), True)
            return rules.ball(single)
        match e:
            case Pos() | Size() | Op("floordiv", _):
                whole = self.whole(e, env)
                return rules.exact(whole.value, whole.inside)
            case Ref(tensor, index):
                return self.elements(tensor, index, env)
            case Reduce():
                return self.reduced(e, env, rank)
            case Op("add", args):
                return self.added(args, env, rank)
            case Op("mul", args):
                found = self.several(args[0], env, rank)
                for a in args[1:]:
                    found = rules.mul(found, self.several(a, env, rank))
                return found
            case Op("pow", (a, b)):
                return self.powered(a, b, env, rank)
            case Op("where", (c, a, b)):
                return self.either(self.test(c, env), a, b, env, rank)
            case Op("iverson", (c,)):
                true, false = self.test(c, env)
                sure = np.asarray(true | false)
                mid = np.where(sure, np.where(true, 1, 0), 0.5).astype(rules.kind)
                return Balls(mid, np.where(sure, 0.0, 0.5), ~np.asarray(false), bool(sure.all()))
            case Op("xlogy" | "xdivy" as fn, (a, b)):
                p, q = self.several(a, env, rank), self.several(b, env, rank)
                other = rules.function("log", q) if fn == "xlogy" else rules.power(q, Fraction(-1))
                found = rules.mul(p, other)
                none = (p.mid == 0) & (p.rad == 0) & (q.mid == 0) & (q.rad == 0)
                return replace(found, mid=np.where(none, 0, found.mid), rad=np.where(none, 0.0, found.rad))
            case Op(fn, args) if fn in self.numbers.functions:
                return rules.function(fn, *(self.several(a, env, rank) for a in args))
            case Op(fn, (a, *given)):
                return self.called(fn, a, tuple(given), env, rank)
        raise Unsupported(repr(e))

    def added(self, args: tuple[Expr, ...], env: Env, rank: int) -> Balls:
        """Addends; where there are sums among them, the others may be rounded with each of their terms."""
        parts = [self.several(a, env, rank) for a in args]
        found, sums = self.rules.add(*parts), [inner_sum(a) for a in args]
        if not any(sums) or not self.rules.unit:
            return found
        terms = [math.prod(self.lengths_of(s.over) or (1,)) if s else 1 for s in sums]
        lost = sum(
            (p.most if s is None or p.size is None else p.size) * (sum(terms) - n)
            for p, s, n in zip(parts, sums, terms, strict=True)
        )
        return replace(found, rad=found.rad + lost * self.rules.unit)

    def powered(self, a: Expr, b: Expr, env: Env, rank: int) -> Balls:
        base = self.several(a, env, rank)
        if isinstance(b, Num):
            return self.rules.power(base, b.value)
        if any(isinstance(env.get(i), np.ndarray) for i in x.free(b)):
            raise Unsupported("a power that is an array")
        if is_whole(self, b):
            return self.rules.power(base, Fraction(int(self.index(b)(env))))
        exponent = self.number(b)({i: v for i, v in env.items() if isinstance(v, int | np.integer)})
        if exponent.is_integer():
            return self.rules.power(base, Fraction(int(exponent.unique_fmpz())))
        middle = float(exponent.mid())
        if exponent != middle:  # an option that was rounded once more: its neighbours, too
            low, high = (self.rules.raised(base, middle * (1 + s * 2 * self.rules.unit)) for s in (-1, 1))
            return self.rules.hull(low, high)
        return self.rules.raised(base, middle)

    def either(self, tests: Tests, a: Expr, b: Expr, env: Env, rank: int) -> Balls:
        true, false = tests
        if np.all(true):
            return self.several(a, env, rank)
        if np.all(false):
            return self.several(b, env, rank)
        then, other = self.several(a, env, rank), self.several(b, env, rank)
        mid, rad = np.where(true, then.mid, other.mid), np.where(true, then.rad, other.rad)
        if not np.all(true | false):
            both = self.rules.hull(then, other)
            sure = true | false
            mid, rad = np.where(sure, mid, both.mid), np.where(sure, rad, both.rad)
        if then.inside is None and other.inside is None:
            return Balls(mid, rad)
        inside = [np.asarray(True) if v.inside is None else v.inside for v in (then, other)]
        return Balls(mid, rad, np.where(true, inside[0], np.where(false, inside[1], inside[0] | inside[1])))

    def called(self, fn: str, argument: Expr, given: tuple[Expr, ...], env: Env, rank: int) -> Balls:
        """An elementwise layer by its name, or its derivative."""
        name, order = fn.rstrip("'"), len(fn) - len(fn.rstrip("'"))
        name = str(self.case.options.get(name, name))
        if name not in REGISTRY:
            raise Unsupported(fn)
        layer = REGISTRY[name][0]
        body = scalar_body(layer.inputs[0].ref(), layer.equations[0].body, tuple(layer.options), order, given)
        inner = self.several(argument, env, rank)
        found = self.several(body, {ARGUMENT.name: inner}, rank)
        return self.rules.sloped(found) if order else found

    # ---- elements ------------------------------------------------------------------------------------------------

    def elements(self, name: str, index: tuple[Expr, ...], env: Env) -> Balls:
        """Elements of a tensor at indices of which some are arrays."""
        places = [self.whole(i, env) for i in index]
        if name in self.given:
            values, inside = self.gathered(name, places)
            if self.tensors[name].kind != "real":
                return self.rules.exact(values.astype(np.int64), inside)
            return self.rules.given(values, inside)
        key = name, tuple(id(p.value) if isinstance(p.value, np.ndarray) else int(p.value) for p in places)
        inside = _inside([p.inside for p in places])
        if inside is None and key in self.kept:
            return self.kept[key][0]
        found = self.computed(name, places)
        if found is None:
            return Balls(np.zeros((), self.rules.kind), np.zeros(()), np.asarray(False), True)
        if inside is None:
            self.held += np.size(found.mid)
            if self.held > KEPT:
                self.kept.clear()
                self.held = np.size(found.mid)
            self.kept[key] = found, [p.value for p in places]  # held, for they are known by their identity
            return found
        return _masked(found, inside)

    def computed(self, name: str, places: list[Whole]) -> Balls | None:
        clauses = self.clauses_of(name)
        if not clauses:
            return None
        box = self.boxes[name] if name in self.boxes else self.box(name)
        if len(clauses) > 1 or clauses[0].constants or box is None or name in self.begun or name in self.backwards:
            raise Unsupported(f"{name} is computed step by step")
        values = [p.value for p in places]
        inside = _inside([_between(v, *b) for v, b in zip(values, box, strict=True)])
        if inside is not None:
            values = [np.clip(v, low, high - 1) for v, (low, high) in zip(values, box, strict=True)]
        clause = clauses[0]
        env = dict(zip(clause.names, [values[p] for p in clause.places], strict=True))
        rank = max((np.ndim(v) for v in values), default=0)
        self.begun.add(name)
        try:
            found = self.rules.stored(self.several(clause.equation.body, env, rank))
        finally:
            self.begun.discard(name)
        return found if inside is None else _masked(found, inside)

    def gathered(self, name: str, places: list[Whole]) -> tuple[Any, Any]:
        """Elements of an argument, and where they lie inside it."""
        store = self.store[name]
        if isinstance(store, Everywhere):
            inside = _inside([_between(p.value, 0, n) for p, n in zip(places, store.lengths, strict=True)])
            return np.asarray(True), _inside([inside, *(p.inside for p in places)])
        array = getattr(store, "array", None)
        if array is None:
            raise Unsupported(f"{name} is no single array")
        inside = _inside([_between(p.value, 0, n) for p, n in zip(places, array.shape, strict=True)])
        inside = _inside([inside, *(p.inside for p in places)])
        values = [p.value for p in places]
        if inside is not None:
            values = [np.clip(v, 0, max(0, n - 1)) for v, n in zip(values, array.shape, strict=True)]
            if not all(array.shape):
                return np.zeros((), array.dtype), inside & False
        found = np.asarray(array[tuple(values)])
        return (found, None) if inside is None else (np.where(inside, found, np.zeros((), found.dtype)), inside)

    # ---- integers and conditions ---------------------------------------------------------------------------------

    def whole(self, e: Expr, env: Env) -> Whole:
        match e:
            case Num(v) if v.denominator == 1:
                return Whole(int(v))
            case Opt():
                return Whole(int(e.of(self.options)))
            case Pos(index):
                return Whole(env[index])
            case Size(axis) if self.case.layer.axis(axis) in self.case.sizes:
                return Whole(self.case.sizes[self.case.layer.axis(axis)])
            case Op("add" | "mul" | "max" as fn, args):
                parts = [self.whole(a, env) for a in args]
                found = parts[0].value
                for p in parts[1:]:
                    found = WHOLE[fn](found, p.value)
                return Whole(found, _inside([p.inside for p in parts]))
            case Op("floordiv", (a, b)):
                p, q = self.whole(a, env), self.whole(b, env)
                return Whole(p.value // q.value, _inside([p.inside, q.inside]))
            case Op("exactdiv", (a, b)):
                p, q = self.whole(a, env), self.whole(b, env)
                return Whole(p.value // q.value, _inside([p.inside, q.inside, p.value % q.value == 0]))
            case Op("abs", (a,)):
                p = self.whole(a, env)
                return Whole(abs(p.value), p.inside)
            case Ref(tensor, index) if tensor in self.given:
                values, inside = self.gathered(tensor, [self.whole(i, env) for i in index])
                return Whole(values.astype(np.int64), inside)
        if not any(isinstance(env.get(i), np.ndarray) for i in x.free(e)):
            found = self.index(e)(env)
            return Whole(0, np.asarray(False)) if found is None else Whole(int(found))
        raise Unsupported(f"not an integer: {e!r}")

    def test(self, e: Expr, env: Env | None = None) -> Any:
        """Where a condition holds for sure, and where it does not; without indices the interpreter's closure."""
        if env is None:
            return super().test(e)
        match e:
            case Ref(tensor, index) if tensor in self.given:
                values, inside = self.gathered(tensor, [self.whole(i, env) for i in index])
                true = np.asarray(values != 0) if inside is None else (values != 0) & inside
                return true, ~true
            case Opt(name):
                true = np.asarray(bool(self.options[name]))
                return true, ~true
            case Op("and" | "or" as fn, args):
                parts = [self.test(a, env) for a in args]
                true, false = parts[0]
                for t, f in parts[1:]:
                    true, false = (true & t, false | f) if fn == "and" else (true | t, false & f)
                return true, false
            case Op("not", (a,)):
                true, false = self.test(a, env)
                return false, true
            case Op(op, (a, b)) if op in COMPARE:
                if is_whole(self, a) and is_whole(self, b):
                    p, q = self.whole(a, env), self.whole(b, env)
                    true = np.asarray(COMPARE[op](p.value, q.value))
                    inside = _inside([p.inside, q.inside])
                    true = true if inside is None else true & inside
                    return true, ~true
                return self.compared(op, a, b, env)
        raise Unsupported(f"not a condition: {e!r}")

    def compared(self, op: str, a: Expr, b: Expr, env: Env) -> Tests:
        rank = max((np.ndim(v) for v in env.values() if isinstance(v, np.ndarray)), default=0)
        (low, high), (least, most) = sides(self.several(a, env, rank)), sides(self.several(b, env, rank))
        below, above = high < least, low > most
        equal = (low == high) & (least == most) & (low == least)
        if isinstance(a, Ref) and isinstance(b, Ref) and a.tensor == b.tensor and a.tensor in self.given:
            one, two = ([self.whole(i, env).value for i in r.index] for r in (a, b))
            alike = _inside([np.asarray(i == j) for i, j in zip(one, two, strict=True)])
            equal = equal | (np.asarray(True) if alike is None else alike)
        not_above, not_below = (high <= least) | equal, (low >= most) | equal
        return {
            "<": (below, not_below), "<=": (not_above, above), ">": (above, not_above), ">=": (not_below, below),
            "==": (equal, below | above), "!=": (below | above, equal),
        }[op]  # fmt: skip


def inner_sum(e: Expr) -> Reduce | None:
    """The sum that an addend is, or that it takes away."""
    if not is_sum(e):
        return None
    inner = e if isinstance(e, Reduce) else e.args[1]  # type: ignore[union-attr]
    return inner if isinstance(inner, Reduce) else inner_sum(inner)


def _inside(parts: Iterable[Any]) -> Any:
    found = None
    for p in parts:
        if p is not None:
            found = p if found is None else found & p
    return found


def _between(value: Any, low: int, high: int) -> Any:
    """Where integers are in a range; None: everywhere."""
    inside = np.asarray((value >= low) & (value < high))
    return None if inside.all() else inside


def _masked(found: Balls, inside: Any) -> Balls:
    both = inside if found.inside is None else found.inside & inside
    return Balls(np.where(both, found.mid, 0), np.where(both, found.rad, 0.0), both, found.whole)


def _of_argument(e: Expr) -> bool:
    return any(isinstance(n, Opt) and n.name.startswith("%") for n in x.walk(e))
