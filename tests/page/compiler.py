"""One side of an equation to a closure: from the numbers of its indices to its value.

The environment is a list: the indices of the left-hand side first, then those bound on the way down.
Conventions are in tests/page/evaluator.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.page.arithmetic import EvaluationError
from tests.page.codes import Code, Env, Outside, _beyond, _positions, _product, _strided, _sum
from tests.page.symbols import Row
from tests.page.tree import (
    Abs,
    Add,
    And,
    Call,
    Cases,
    Compare,
    Const,
    Floor,
    Frac,
    Index,
    Int,
    Iverson,
    Mul,
    Neg,
    Node,
    Not,
    Or,
    Pow,
    Reduce,
    Ref,
    Size,
    Sqrt,
    walk,
)  # fmt: skip
from tests.page.vanishing import vanishes

if TYPE_CHECKING:
    from tests.page.evaluator import Evaluator


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Compiler:
    """Compiles for one evaluator.

    ``guarded`` is for elements beyond the ends of a shape: there a plain index may be outside too.
    """

    def __init__(self, values: Evaluator, guarded: bool = False) -> None:
        self.values, self.guarded = values, guarded

    # what an index runs over

    def range(self, name: str, body: Node, left: Node | None = None, slots: Mapping[str, int] | None = None) -> Code:
        """The number of values of an index: what an equation of the page says, or the axes on which it stands alone."""
        if left is None and name in self.values.symbols.sized:
            stated = self.values.length(name)
            return lambda env: stated
        fixed: int | None = None
        ragged: list[tuple[Row, int, Code]] = []
        at = ""
        plain = Index(name)
        refs = [n for n in ([*walk(left)] if left else []) + [*walk(body)] if isinstance(n, Ref) and plain in n.index]
        rows = self.values.symbols.by_name
        own = any(not self.elsewhere(name, rows[n.name], at) for n in refs for at in places_of(plain, n))
        for node in refs:
            row = rows[node.name]
            for n in places_of(plain, node):
                if own and node is not left and self.elsewhere(name, row, n):
                    continue  # what is defined has its elements along it, and no others
                length = self.values.extent(row, n)
                if length is None:
                    free = {e.name for e in walk(node.index[0]) if isinstance(e, Index)}
                    if slots is not None and free <= set(slots):
                        ragged.append((row, n, self.index(node.index[0], slots)))
                elif fixed is not None and length != fixed:
                    raise EvaluationError(
                        f"index {name} runs along {at}, which is {fixed} long, and along axis {row.axes[n]} "
                        f"of {node.key}, which is {length} long"
                    )
                else:
                    fixed, at = length, f"axis {row.axes[n]} of {node.key}"
        if fixed is not None:
            return lambda env: fixed
        if ragged:

            def longest(env: Env) -> int:
                lengths = {self.values.extent(row, n, entry(env)) or 0 for row, n, entry in ragged} - {0}
                if len(lengths) > 1:
                    raise EvaluationError(f"index {name} runs along axes of different lengths {sorted(lengths)}")
                return max(lengths, default=0)

            return longest
        if left is not None:
            return lambda env: 0
        own = self.values.length(self.values.symbols.axis(name))
        return lambda env: own

    # compiling to closures

    def compile(self, e: Node, slots: Mapping[str, int], skip: bool) -> Code:
        numbers = self.values.numbers

        def sub(child: Node) -> Code:
            return self.compile(child, slots, skip)

        match e:
            case Int(value):
                return lambda env: value
            case Const(name):
                if name not in numbers.constants:
                    raise EvaluationError(f"{name} has no exact value")
                constant = +numbers.constants[name]
                return lambda env: constant
            case Size(axis):
                size = self.values.length(axis)
                return lambda env: size
            case Index(name):
                s = slots[name]
                return lambda env: env[s]
            case Ref():
                return self.reference(e, slots, skip)
            case Add(terms):
                codes = [sub(t) for t in terms]
                return lambda env: sum([c(env) for c in codes])
            case Neg(of):
                inner = sub(of)
                return lambda env: -inner(env)
            case Mul(factors):
                return _product([sub(f) for f in factors])
            case Frac(top, bottom):
                a, b, quotient = sub(top), sub(bottom), numbers.quotient
                return lambda env: quotient(a(env), b(env))
            case Pow(base, Int(2)):
                inner = sub(base)

                def square(env: Env) -> Any:
                    v = inner(env)
                    return v * v

                return square
            case Pow(base, exponent):
                a, b, power = sub(base), sub(exponent), numbers.power
                return lambda env: power(a(env), b(env))
            case Sqrt(of):
                inner, sqrt = sub(of), numbers.sqrt
                return lambda env: sqrt(inner(env))
            case Abs(of):
                inner = sub(of)
                return lambda env: abs(inner(env))
            case Floor(Frac(top, bottom)):
                a, b = sub(top), sub(bottom)

                def floor(env: Env) -> Any:
                    divisor = b(env)
                    if divisor == 0:
                        raise EvaluationError("division by zero")
                    return a(env) // divisor

                return floor
            case Floor(of):
                inner = sub(of)
                return lambda env: int(inner(env) // 1)
            case Call("sg", (a,)) if self.values.rest is not None:
                return Compiler(self.values.rest).compile(a, slots, skip)
            case Call(fn, args):
                f, codes = self.function(fn), [sub(a) for a in args]
                if len(codes) == 1:
                    only = codes[0]
                    return lambda env: f(only(env))
                return lambda env: f(*[c(env) for c in codes])
            case Iverson(condition):
                test = sub(condition)
                return lambda env: 1 if test(env) else 0
            case Cases(rows, otherwise):
                pairs, last = [(sub(c), sub(v)) for v, c in rows], sub(otherwise)

                def cases(env: Env) -> Any:
                    for test, value in pairs:
                        if test(env):
                            return value(env)
                    return last(env)

                return cases
            case Compare(op, left, right):
                a, b, compare = self.side(left, slots, skip), self.side(right, slots, skip), _COMPARE[op]
                return lambda env: (p := a(env)) is not None and (q := b(env)) is not None and compare(p, q)
            case And(args):
                codes = [sub(a) for a in args]
                return lambda env: all(c(env) for c in codes)
            case Or(args):
                codes = [sub(a) for a in args]
                return lambda env: any(c(env) for c in codes)
            case Not(of):
                inner = sub(of)
                return lambda env: not inner(env)
            case Reduce():
                return self.reduction(e, slots)
        raise TypeError(e)

    def side(self, e: Node, slots: Mapping[str, int], skip: bool) -> Code:
        """One side of a comparison: None for a whole number outside its array, which compares with nothing."""
        if not isinstance(e, Ref) or self.values.symbols.by_name[e.name].kind != "integer":
            return self.compile(e, slots, skip)
        inside = self.compile(e, slots, True)

        def number(env: Env) -> Any:
            try:
                return inside(env)
            except Outside:
                return None

        return number

    def function(self, name: str) -> Callable[..., Any]:
        """A function of the dialect; one that an option chooses, or the derivative of that."""
        stem = name.rstrip("'")
        if name in self.values.symbols.by_name:
            if stem not in self.values.options:
                raise EvaluationError(f"no value for the option {stem}")
            name = str(self.values.options[stem]) + name[len(stem) :]
        if name in self.values.functions:
            return self.values.functions[name]
        if name not in self.values.numbers.functions:
            raise EvaluationError(f"{name} is not a function known here")
        return self.values.numbers.functions[name]

    def reduction(self, e: Reduce, slots: Mapping[str, int]) -> Code:
        inner = dict(slots)
        ranges: list[tuple[int, Code]] = []
        depth = max(slots.values(), default=-1) + 1  # an index that is bound again has a place of its own
        for name in e.over:
            ranges.append((depth, self.range(name, e.body, None, inner)))
            inner[name] = depth
            depth += 1
        body = self.compile(e.body, inner, e.op != "sum")
        if e.op == "sum":
            bound = [slot for slot, _ in ranges]
            outside: list[list[Code]] = [[] for _ in ranges]  # at the first loop that knows where an index is
            for at, length in vanishes(e.body, self.values):
                names = {inner[n.name] for n in walk(at) if isinstance(n, Index)}
                level = max((n for n, slot in enumerate(bound) if slot in names), default=0)
                outside[level].append(_beyond(self.index(at, inner), length))
            return _sum(ranges, body, outside)

        def best(env: Env) -> Any:
            top, at, position = self.values.numbers.constants["inf"] * -1, -1, -1
            for _ in _positions(ranges, env):
                position += 1
                try:
                    value = body(env)
                except Outside:
                    continue
                if at < 0 or value > top:
                    top, at = value, position
            return top if e.op == "max" else at

        return best

    def reference(self, e: Ref, slots: Mapping[str, int], skip: bool) -> Code:
        row, key = self.values.symbols.by_name[e.name], e.key
        if row.option:
            if key not in self.values.options:
                raise EvaluationError(f"no value for the option {key}")
            option = self.values.options[key]
            return lambda env: option
        codes = [self.index(i, slots) for i in e.index]

        def miss() -> int:
            if skip:
                raise Outside
            return 0

        if key in self.values.sizes.lists:
            entries = self.values.sizes.lists[key]

            def entry(env: Env) -> Any:
                at = [c(env) for c in codes]
                inside = None not in at and 0 <= at[0] < len(entries)
                value = entries[at[0]].get(at[1:]) if inside else None
                return miss() if value is None else value

            return entry
        places = [slots[i.name] if isinstance(i, Index) else None for i in e.index]
        guarded = self.guarded or any(self.reaches_out(i, row, n) for n, i in enumerate(e.index))
        if key in self.values.sizes.arrays:
            flat = self.values.sizes.arrays[key]
            if None not in places and not guarded:
                return _strided(flat.data, places, flat.shape)  # type: ignore[arg-type]

            def looked_up(env: Env) -> Any:
                at = [c(env) for c in codes]
                value = None if None in at else flat.get(at)
                return miss() if value is None else value

            return looked_up
        if key not in self.values.targets:
            raise EvaluationError(f"{key} is neither an input nor defined by an equation")
        memo, element = self.values.memo[key], self.values.element
        if None not in places and not guarded:

            def computed(env: Env) -> Any:
                at = tuple([env[s] for s in places])  # type: ignore[index]
                value = memo.get(at)
                return element(key, at) if value is None else value

            return computed

        def reached(env: Env) -> Any:
            at = tuple([c(env) for c in codes])
            if None in at:
                return miss()
            value = memo.get(at)
            if value is not None:
                return value
            return element(key, at) if self.values.inside(key, row, at) else miss()

        return reached

    def reaches_out(self, i: Node, row: Row, n: int) -> bool:
        """Whether an index may be beyond the end of a tensor's axis."""
        if not isinstance(i, Index) or not self.elsewhere(i.name, row, n):
            return False
        own = self.values.sizes.known.get(self.values.symbols.axis(i.name))
        return own is None or own > (self.values.extent(row, n) or 0)

    def elsewhere(self, index: str, row: Row, n: int) -> bool:
        """Whether an index stands at another axis than its own, and an equation states how long one of the two is."""
        own, there = self.values.symbols.axis(index), row.axes[n]
        return own != there and bool({own, there} & self.values.symbols.sized)

    def index(self, e: Node, slots: Mapping[str, int]) -> Callable[[Env], int | None]:
        """An index expression: None where a quotient is not exact."""
        match e:
            case Index(name):
                s = slots[name]
                return lambda env: env[s]
            case Int(value):
                return lambda env: value
            case Add(parts) | Mul(parts):
                codes = [self.index(p, slots) for p in parts]
                adding = isinstance(e, Add)

                def combine(env: Env) -> int | None:
                    total = 0 if adding else 1
                    for c in codes:
                        v = c(env)
                        if v is None:
                            return None
                        total = total + v if adding else total * v
                    return total

                return combine
            case Neg(of):
                inner = self.index(of, slots)
                return lambda env: None if (v := inner(env)) is None else -v
            case Frac(top, bottom):
                a, b = self.index(top, slots), self.index(bottom, slots)

                def exact(env: Env) -> int | None:
                    v, w = a(env), b(env)
                    return None if v is None or not w or v % w else v // w

                return exact
        code = self.compile(e, slots, False)
        return lambda env: int(code(env))


def places_of(index: Index, ref: Ref) -> list[int]:
    return [n for n, i in enumerate(ref.index) if i == index]
