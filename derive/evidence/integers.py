"""Closures for the integer expressions and the conditions of the interpreter.

Each is one Python expression of the environment ``e``, put together as text and compiled: an index of a sum is worked
out for every term, and a call for every node of it took a third of the evidence's time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from types import CodeType
from typing import Any

from derive.evidence import layout
from derive.evidence.clauses import Closure, Env
from derive.evidence.evaluation import Evaluation
from derive.evidence.numbers import COMPARE
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size

WHOLE_OPTIONS = {"Count", "Natural", "Integer", "Flag", "Axis"}


def is_whole(world: Evaluation, e: Expr) -> bool:
    match e:
        case Num(value):
            return value.denominator == 1
        case Opt(name):
            kinds = {o.name: o.kind for o in world.case.layer.options}
            return kinds.get(name) in WHOLE_OPTIONS
        case Pos() | Size():
            return True
        case Ref(tensor, _):
            return world.tensors[tensor].kind == "integer"
        case Reduce(op, _, _):
            return op == "argmax"
        case Op("add" | "mul" | "floordiv" | "exactdiv" | "abs" | "max", args) | Op("where", (_, *args)):
            return all(is_whole(world, a) for a in args)
    return False


class Text:
    """Python text of integers and conditions in the environment ``e``, for one closure.

    Attributes:
        names: what the text calls by a name of its own: what is no arithmetic.
        outside: conditions in which an integer is outside, to be asked in this order before it is worked out.
    """

    def __init__(self, world: Evaluation) -> None:
        self.world = world
        self.names: dict[str, Any] = {}
        self.outside: list[str] = []

    def closure(self, value: str, outside: str = "None") -> Callable[[Env], Any]:
        """What computes a value, or is ``outside`` where an integer in it is."""
        body = f"{outside} if {' or '.join(self.outside)} else {value}" if self.outside else value
        found: Callable[[Env], Any] = eval(_code(f"lambda e: {body}"), self.names)
        return found

    def called(self, closure: Closure) -> str:
        """The name of a closure."""
        name = f"f{len(self.names)}"
        self.names[name] = closure
        return name

    def asked(self, closure: Closure) -> str:
        """What a closure says, which may be None for outside."""
        name = self.called(closure)
        self.outside.append(f"(v{name} := {name}(e)) is None")
        return f"v{name}"

    def whole(self, e: Expr) -> str:
        """An integer."""
        world = self.world
        match e:
            case Num(value):
                return f"({int(value)})"
            case Opt():
                return f"({int(e.of(world.options))})"
            case Pos(index):
                return f"e[{index!r}]"
            case Size(axis) if world.case.layer.axis(axis) in world.case.sizes:
                return str(world.case.sizes[world.case.layer.axis(axis)])
            case Size(axis):
                return self.asked(length_in_entry(world, axis))
            case Ref(tensor, index):
                at = compile_position(world, index)

                def look(env: Env) -> int | None:
                    i = at(env)
                    value = None if i is None else world.element(tensor, i)
                    return None if value is world.outside else value

                return self.asked(look)
            case Op("add" | "mul" | "floordiv" as fn, args):
                return f"({SIGNS[fn].join(map(self.whole, args))})"
            case Op("exactdiv", (a, b)):
                p, q = self.whole(a), self.whole(b)
                self.outside.append(f"{p} % {q}")
                return f"({p} // {q})"
            case Op("max" | "abs" as fn, args):
                own = [self.whole(a) for a in args]
                return f"{fn}({', '.join(own)})" if fn == "abs" or len(own) > 1 else own[0]
            case Op("where", (c, a, b)):
                test, then, other = compile_test(world, c), compile_index(world, a), compile_index(world, b)
                return self.asked(lambda env: then(env) if test(env) else other(env))
            case Reduce("argmax", over, body):
                return self.asked(world.extreme(over, body, position=True))
        raise TypeError(f"not an integer: {e!r}")

    def position(self, index: tuple[Expr, ...]) -> str:
        """An element's index."""
        return f"({''.join(f'{self.whole(i)}, ' for i in index)})"

    def test(self, e: Expr) -> str | None:
        """A condition that can always be told; None for another."""
        match e:
            case Ref(tensor, index):
                at, element = compile_position(self.world, index), self.world.element
                look = self.called(lambda env: (i := at(env)) is not None and bool(element(tensor, i)))
                return f"{look}(e)"
            case Opt(name):
                return str(bool(self.world.options[name]))
            case Op("and" | "or" as fn, args):
                own = [self.test(a) for a in args]
                return None if None in own else f"({f' {fn} '.join(map(str, own))})"
            case Op("not", (a,)):
                inner = self.test(a)
                return None if inner is None else f"(not {inner})"
            case Op(op, (a, b)) if op in COMPARE and is_whole(self.world, a) and is_whole(self.world, b):
                around, self.outside = self.outside, []
                compared = f"{self.whole(a)} {op} {self.whole(b)}"
                inside = "".join(f"not {o} and " for o in map("({})".format, self.outside))
                self.outside = around
                return f"({inside}{compared})"
        return None


SIGNS = {"add": " + ", "mul": " * ", "floordiv": " // "}


@cache
def _code(text: str) -> CodeType:
    return compile(text, "<interpreter>", "eval")


def compile_index(world: Evaluation, e: Expr) -> Closure:
    """A closure for an integer; None stands for outside."""
    if isinstance(e, Pos):
        return operator.itemgetter(e.index)
    text = Text(world)
    return text.closure(text.whole(e))


def length_in_entry(world: Evaluation, axis: str) -> Closure:
    """How long an axis is in the entry of a list that the index of the list says."""
    layer, lengths = world.case.layer, layout.lengths(world.case, axis)

    def at(env: Env) -> int | None:
        entry = next(n for i, n in env.items() if layer.axis(i) == layer.sequence_axis)
        return lengths[entry] if 0 <= entry < len(lengths) else None

    return at


def compile_position(world: Evaluation, index: tuple[Expr, ...]) -> Callable[[Env], tuple[int, ...] | None]:
    """A closure for an element's index; None where it is outside for sure."""
    names = [i.index for i in index if isinstance(i, Pos)]
    if len(names) == len(index) > 1:
        return operator.itemgetter(*names)
    text = Text(world)
    return text.closure(text.position(index))


def compile_test(world: Evaluation, e: Expr) -> Closure:
    """A closure for a condition; None where the numbers cannot tell."""
    text = Text(world)
    if (told := text.test(e)) is not None:
        return text.closure(told)
    match e:
        case Op("and" | "or" as fn, args):
            tests, decisive = [compile_test(world, a) for a in args], fn == "or"

            def combine(env: Env) -> Any:
                answer: Any = not decisive
                for t in tests:
                    value = t(env)
                    if value is decisive:
                        return decisive
                    if value is None:
                        answer = None
                return answer

            return combine
        case Op("not", (a,)):
            inner = compile_test(world, a)
            return lambda env: None if (value := inner(env)) is None else not value
        case Op(op, (a, b)) if op in COMPARE:
            f, g, truth = world.number(a), world.number(b), world.numbers.truth
            if isinstance(a, Ref) and isinstance(b, Ref) and a.tensor == b.tensor and a.tensor in world.given:
                return _of_itself(op, f, g, truth)
            return lambda env: truth(op, f(env), g(env))
    raise TypeError(f"not a condition: {e!r}")


def _of_itself(op: str, f: Closure, g: Closure, truth: Callable[[str, Any, Any], Any]) -> Closure:
    """A comparison of elements of one argument: each is equal to itself, however little is known of it."""
    equal = COMPARE[op](0, 0)

    def run(env: Env) -> Any:
        a, b = f(env), g(env)
        known = a is b and (a.is_finite() if hasattr(a, "is_finite") else a == a)
        return equal if known else truth(op, a, b)

    return run
