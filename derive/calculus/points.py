"""A random point at which a layer's equations are evaluated by brute force, modulo a prime.

Sizes, options and inputs are random; every other element is computed when it is asked for, so recurrences need no
order. References outside an array are zero, and skipped under ``max``; only the case taken is evaluated.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Mapping
from random import Random

from derive.calculus.facts import Fact
from derive.calculus.residues import Field, P, Retry, Value
from derive.calculus.reverse import Adjoint
from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.layer import Equation, Layer, Tensor
from derive.notation.text import show

WHOLE_KINDS = {"Count", "Natural", "Integer"}
SIGNS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class World:
    """One random point: sizes, options, tensors. Elements are computed when they are asked for."""

    def __init__(self, layer: Layer, adjoint: Adjoint | None, seed: int, assumption: Fact | None = None) -> None:
        self.layer, self.seed = layer, seed
        self.random = Random(f"{layer.name} {seed}")
        self.field = Field(seed)
        self.tensors: dict[str, Tensor] = dict(layer.tensors)
        self.equations: dict[str, list[Equation]] = {}
        given: set[str] = set()
        everything = list(layer.equations)
        if adjoint is not None:
            self.tensors |= adjoint.tensors
            for output, cotangent in adjoint.cotangents.items():
                self.tensors[cotangent] = layer.tensors[output]
                given.add(cotangent)
            everything += [*adjoint.auxiliary, *adjoint.equations]
        for e in everything:
            if e.target not in given:
                self.equations.setdefault(e.target, []).append(e)
        back = [
            (e.target, n) for e in layer.equations for n, i in enumerate(e.left) if isinstance(i, Num) and i.value < 0
        ]
        along = {self.tensors[t].axes[n] for t, n in back}
        starts = {t for t, _ in back} | set(layer.begins_early)
        if adjoint is not None:
            starts |= {a for n, a in adjoint.names.items() if n in starts and a not in given}
        self.early = {(t, n) for t in starts for n, a in enumerate(self.tensors[t].axes) if a in along}
        self.memo: dict[tuple[str, tuple[int, ...]], Value | int] = {}
        self.options = {o.name: self.option(o.kind) for o in layer.options}
        self.sizes: dict[str, int] = {}
        self.draw_sizes()
        if assumption is not None:
            self.assume(assumption)

    # ---- the point ----------------------------------------------------------------------------------------

    def option(self, kind: str) -> int:
        match kind:
            case "Count":
                return self.random.randint(1, 2)
            case "Natural" | "Flag":
                return self.random.randint(0, 1)
            case "Integer":
                return self.random.randint(-1, 1)
            case "Positive" | "Probability":
                return pow(self.random.randrange(1, P), 2, P)
        return self.random.randrange(1, P)

    def draw_sizes(self) -> None:
        feeding = {i.axis for e in self.layer.sizes.values() for i in x.walk(e) if isinstance(i, Size)}
        one = self.random.randint(1, 3)
        for t in self.layer.inputs:
            for a in t.axes:
                axis = self.layer.axis(a)
                if axis in self.layer.sizes or axis in self.sizes:
                    continue
                same = self.layer.sequence_axis is not None and axis not in (
                    self.layer.sequence_axis,
                    ELLIPSIS,
                )
                low, high = (3, 5) if a in feeding and len(feeding) > 2 else (1, 3)
                self.sizes[axis] = one if same else self.random.randint(low, high)
        for axis, e in self.layer.sizes.items():
            self.sizes[axis] = self.whole(e, {}) or 0
            if self.sizes[axis] < 1:
                raise Retry

    def size(self, index: str) -> int:
        axis = self.layer.axis(index)
        if axis not in self.sizes:
            raise KeyError(f"{self.layer.name}: nothing says how long axis {axis} is")
        return self.sizes[axis]

    def assume(self, fact: Fact) -> None:
        """Make ``sum_i t[..., i] = c`` true by its last summand, for an input t."""
        s = fact.lhs
        assert isinstance(s, Reduce)
        inputs = {t.name for t in self.layer.inputs}
        if len(s.over) != 1 or not isinstance(s.body, Ref) or s.body.tensor not in inputs:
            raise NotImplementedError(
                f"cannot draw points where {show(s)} is given; assume a sum of an input over one index"
            )
        (i,) = s.over
        free = x.free(s)
        for at in itertools.product(*(range(self.size(j)) for j in free)):
            env = dict(zip(free, at, strict=True))
            parts = [self.evaluate(s.body, {**env, i: n}) for n in range(self.size(i) - 1)]
            last = self.position(s.body, {**env, i: self.size(i) - 1})
            assert last is not None
            rest = self.field.times(Value(P - 1, None), self.field.plus(parts))
            self.memo[s.body.tensor, last] = self.field.plus([self.evaluate(fact.body, env), rest])

    # ---- elements -----------------------------------------------------------------------------------------

    def position(self, ref: Ref, env: Mapping[str, int]) -> tuple[int, ...] | None:
        """Where a reference points, or None outside its array."""
        axes = self.tensors[ref.tensor].axes
        out = []
        for n, (e, a) in enumerate(zip(ref.index, axes, strict=True)):
            i = self.whole(e, env)
            if i is None or not (-1 if (ref.tensor, n) in self.early else 0) <= i < self.size(a):
                return None
            out.append(i)
        return tuple(out)

    def element(self, name: str, at: tuple[int, ...]) -> Value | int:
        if (name, at) not in self.memo:
            self.memo[name, at] = self.compute(name, at)
        return self.memo[name, at]

    def compute(self, name: str, at: tuple[int, ...]) -> Value | int:
        for e in sorted(self.equations.get(name, ()), key=lambda e: len(e.indices)):
            fixed = [self.whole(i, {}) if x.plain(i) is None else None for i in e.left]
            if all(f is None or f == i for f, i in zip(fixed, at, strict=True)):
                env = {p: i for k, i in zip(e.left, at, strict=True) if (p := x.plain(k)) is not None}
                if isinstance(e.body, Reduce) and e.body.op == "argmax":
                    return self.extreme(e.body, env)[1]
                return self.evaluate(e.body, env)
        if name in self.equations:
            return self.field.zero
        kind = self.tensors[name].kind
        if kind == "boolean":
            return self.field.key("bool", name, *at) % 3 > 0
        if kind == "integer":
            return self.field.key("whole", name, *at) % self.reach(name)
        return Value(self.field.key("real", name, *at), None)

    def reach(self, name: str) -> int:
        """How many positions an integer tensor chooses from."""
        found = [
            self.size(self.tensors[n.tensor].axes[k])
            for e in self.layer.equations
            for n in x.walk(e.body)
            if isinstance(n, Ref)
            for k, i in enumerate(n.index)
            if isinstance(i, Ref) and i.tensor == name
        ]
        return min(found, default=3)

    # ---- whole numbers ------------------------------------------------------------------------------------

    def is_whole(self, e: Expr) -> bool:
        match e:
            case Num(value):
                return value.denominator == 1
            case Pos() | Size():
                return True
            case Opt(name):
                return any(o.name == name and o.kind in WHOLE_KINDS for o in self.layer.options)
            case Ref(tensor, _):
                return self.tensors[tensor].kind == "integer"
            case Op("add" | "mul" | "floordiv" | "exactdiv" | "max", args):
                return all(map(self.is_whole, args))
        return False

    def whole(self, e: Expr, env: Mapping[str, int]) -> int | None:
        """A whole number, or None where a division leaves a remainder or a reference is outside."""
        match e:
            case Num(value):
                return int(value)
            case Pos(index):
                return env[index]
            case Size(axis):
                return self.size(axis)
            case Opt(name):
                return self.options[name]
            case Ref(tensor, _):
                at = self.position(e, env)
                found = None if at is None else self.element(tensor, at)
                assert not isinstance(found, Value)
                return found
            case Op(fn, args):
                values = [self.whole(a, env) for a in args]
                if None in values:
                    return None
                known = [v for v in values if v is not None]
                match fn:
                    case "add":
                        return sum(known)
                    case "mul":
                        out = 1
                        for v in known:
                            out *= v
                        return out
                    case "max":
                        return max(known)
                    case "floordiv":
                        return known[0] // known[1]
                    case "exactdiv":
                        return known[0] // known[1] if known[0] % known[1] == 0 else None
        raise TypeError(f"not a whole number: {show(e)}")

    def holds(self, c: Expr, env: Mapping[str, int]) -> bool:
        match c:
            case Op("and", args):
                return all(self.holds(a, env) for a in args)
            case Op("or", args):
                return any(self.holds(a, env) for a in args)
            case Op("not", (a,)):
                return not self.holds(a, env)
            case Ref(tensor, _):
                at = self.position(c, env)
                return at is not None and bool(self.element(tensor, at))
            case Opt(name):
                return bool(self.options[name])
            case Op(fn, (a, b)):
                if self.is_whole(a) and self.is_whole(b):
                    i, j = self.whole(a, env), self.whole(b, env)
                    if i is None or j is None:
                        return False
                    sign = (i > j) - (i < j)
                else:
                    left, right = self.evaluate(a, env), self.evaluate(b, env)
                    sign = self.field.sign((left.r - right.r) % P)
                return bool(SIGNS[fn](sign, 0))
        raise TypeError(f"not a condition: {show(c)}")

    # ---- residues -----------------------------------------------------------------------------------------

    def loops(
        self, over: tuple[str, ...], env: Mapping[str, int], early: frozenset[str] = frozenset()
    ) -> Iterator[dict[str, int]]:
        for at in itertools.product(*(range(-1 if i in early else 0, self.size(i)) for i in over)):
            yield {**env, **dict(zip(over, at, strict=True))}

    def begins(self, target: Ref | None) -> frozenset[str]:
        """The indices of a target that begin at -1."""
        if target is None:
            return frozenset()
        return frozenset(
            i.index for n, i in enumerate(target.index) if isinstance(i, Pos) and (target.tensor, n) in self.early
        )

    def extreme(self, e: Reduce, env: Mapping[str, int]) -> tuple[Value, int]:
        """The first largest value and its flattened position; what lies outside an array is skipped."""
        best: tuple[Value, int] | None = None
        for n, inner in enumerate(self.loops(e.over, env)):
            if isinstance(e.body, Ref) and self.position(e.body, inner) is None:
                continue
            v = self.evaluate(e.body, inner)
            if best is None or self.field.sign((v.r - best[0].r) % P) > 0:
                best = v, n
        if best is None:
            raise Retry
        return best

    def evaluate(self, e: Expr, env: Mapping[str, int]) -> Value:
        f = self.field
        match e:
            case Num(value):
                return f.number(value)
            case Opt("pi"):
                return Value(pow(f.key("pi"), 2, P), None)
            case Pos() | Size():
                return Value((self.whole(e, env) or 0) % P, None)
            case Opt(name):
                return Value(self.options[name] % P, None)
            case Ref(tensor, _):
                at = self.position(e, env)
                found = f.zero if at is None else self.element(tensor, at)
                return found if isinstance(found, Value) else Value(int(found) % P, None)
            case Op("add", args):
                return f.plus([self.evaluate(a, env) for a in args])
            case Op("mul", args):
                for a in args:
                    if isinstance(a, Op) and a.fn == "iverson" and not self.holds(a.args[0], env):
                        return f.zero
                out = f.one
                for a in args:
                    if not isinstance(a, Num):
                        out = f.times(out, self.evaluate(a, env))
                for a in args:
                    if isinstance(a, Num):
                        out = f.scaled(out, a.value)
                return out
            case Op("pow", (a, Num(q))):
                return f.power(self.evaluate(a, env), q)
            case Op("where", (c, a, b)):
                return self.evaluate(a if self.holds(c, env) else b, env)
            case Op("iverson", (c,)):
                return f.one if self.holds(c, env) else f.zero
            case Op("max", args):
                best = self.evaluate(args[0], env)
                for a in args[1:]:
                    v = self.evaluate(a, env)
                    best = v if f.sign((v.r - best.r) % P) > 0 else best
                return best
            case Op("xlogy", (a, b)):
                left = self.evaluate(a, env)
                return f.times(left, f.log(self.evaluate(b, env))) if left.r else f.zero
            case Op("xdivy", (a, b)):
                left = self.evaluate(a, env)
                return f.times(left, f.power(self.evaluate(b, env), x.num(-1).value)) if left.r else f.zero
            case Op("exp" | "log" | "abs" as fn, (a,)):
                return getattr(f, fn)(self.evaluate(a, env))  # type: ignore[no-any-return]
            case Op(fn, args):
                return Value(f.key(fn, *(self.evaluate(a, env).r for a in args)), None)
            case Reduce("sum", over, body):
                return f.plus([self.evaluate(body, inner) for inner in self.loops(over, env)])
            case Reduce("max", _, _):
                return self.extreme(e, env)[0]
        raise TypeError(f"cannot evaluate {show(e)}")
