"""Closures for the integer expressions and the conditions of the interpreter."""

from __future__ import annotations

import operator
from collections.abc import Callable
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


def compile_index(world: Evaluation, e: Expr) -> Closure:
    """A closure for an integer; None stands for outside."""
    match e:
        case Num(value):
            n = int(value)
            return lambda env: n
        case Opt():
            option = int(e.of(world.options))
            return lambda env: option
        case Pos(index):
            return operator.itemgetter(index)
        case Size(axis) if world.case.layer.axis(axis) in world.case.sizes:
            size = world.case.sizes[world.case.layer.axis(axis)]
            return lambda env: size
        case Size(axis):
            return length_in_entry(world, axis)
        case Ref(tensor, index):
            at = compile_position(world, index)

            def look(env: Env) -> int | None:
                i = at(env)
                value = None if i is None else world.element(tensor, i)
                return None if value is world.outside else value

            return look
        case Op("add", (Pos(index), Num(value))) | Op("add", (Num(value), Pos(index))):
            step = int(value)
            return lambda env: env[index] + step
        case Op("add", args):
            return _fold([compile_index(world, a) for a in args], operator.add)
        case Op("mul", args):
            return _fold([compile_index(world, a) for a in args], operator.mul)
        case Op("floordiv", (a, b)):
            return _fold([compile_index(world, a), compile_index(world, b)], operator.floordiv)
        case Op("exactdiv", (a, b)):
            return _fold([compile_index(world, a), compile_index(world, b)], lambda p, q: None if p % q else p // q)
        case Op("abs", (a,)):
            inner = compile_index(world, a)
            return lambda env: None if (value := inner(env)) is None else abs(value)
        case Op("max", args):
            return _fold([compile_index(world, a) for a in args], max)
        case Op("where", (c, a, b)):
            test, then, other = compile_test(world, c), compile_index(world, a), compile_index(world, b)
            return lambda env: then(env) if test(env) else other(env)
        case Reduce("argmax", over, body):
            return world.extreme(over, body, position=True)
    raise TypeError(f"not an integer: {e!r}")


def length_in_entry(world: Evaluation, axis: str) -> Closure:
    """How long an axis is in the entry of a list that the index of the list says."""
    layer, lengths = world.case.layer, layout.lengths(world.case, axis)

    def at(env: Env) -> int | None:
        entry = next(n for i, n in env.items() if layer.axis(i) == layer.sequence_axis)
        return lengths[entry] if 0 <= entry < len(lengths) else None

    return at


def compile_position(world: Evaluation, index: tuple[Expr, ...]) -> Callable[[Env], tuple[int, ...] | None]:
    """A closure for an element's index; None where it is outside for sure."""
    if all(isinstance(i, Pos) for i in index):
        names = tuple(i.index for i in index if isinstance(i, Pos))
        if len(names) > 1:
            return operator.itemgetter(*names)
        return lambda env: tuple([env[n] for n in names])
    parts = [compile_index(world, i) for i in index]
    if all(certain(world, i) for i in index):
        return lambda env: tuple([p(env) for p in parts])

    def at(env: Env) -> tuple[int, ...] | None:
        found = tuple([p(env) for p in parts])
        return None if None in found else found

    return at


def certain(world: Evaluation, e: Expr) -> bool:
    """Whether an integer is never outside for sure, and so never None."""
    match e:
        case Num() | Opt() | Pos():
            return True
        case Size(axis):
            return world.case.layer.axis(axis) in world.case.sizes
        case Op("add" | "mul" | "floordiv" | "max" | "abs", args):
            return all(certain(world, a) for a in args)
    return False


def compile_test(world: Evaluation, e: Expr) -> Closure:
    """A closure for a condition; None where the numbers cannot tell."""
    match e:
        case Ref(tensor, index):
            at = compile_position(world, index)

            def look(env: Env) -> bool:
                i = at(env)
                return False if i is None else bool(world.element(tensor, i))

            return look
        case Opt(name):
            option = bool(world.options[name])
            return lambda env: option
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
            if is_whole(world, a) and is_whole(world, b):
                p, q, compare = compile_index(world, a), compile_index(world, b), COMPARE[op]

                def whole(env: Env) -> bool:
                    i, j = p(env), q(env)
                    return i is not None and j is not None and bool(compare(i, j))

                return whole
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


def _fold(parts: list[Closure], op: Callable[[Any, Any], Any]) -> Closure:
    if len(parts) == 2:
        a, b = parts

        def two(env: Env) -> Any:
            p, q = a(env), b(env)
            return None if p is None or q is None else op(p, q)

        return two

    def many(env: Env) -> Any:
        total = parts[0](env)
        for part in parts[1:]:
            value = part(env)
            if total is None or value is None:
                return None
            total = op(total, value)
        return total

    return many
