"""Closures for the scalar expressions of the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from fractions import Fraction
from functools import cache
from operator import itemgetter
from typing import Any

from derive.calculus.scalars import Derivative, Scalars
from derive.evidence.clauses import Closure, Env
from derive.evidence.evaluation import Evaluation
from derive.evidence.inside import turns
from derive.evidence.integers import Text, is_whole
from derive.notation import expr as x
from derive.notation.define import REGISTRY
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.functions import STOP
from derive.notation.layer import Option

CHEAP = ("add", "mul", "pow", "where", "iverson", "abs", "max", "floordiv")
ARGUMENT = Opt("%x")  # of an elementwise layer called by name
HELD = "%held"  # that argument before it moved


def compile_number(world: Evaluation, e: Expr) -> Closure:
    """A closure that computes the expression's value from the values of its indices."""
    shared = world.shared.get(e)
    if shared is not None:
        return shared
    value = _number(world, e)
    if costly(e):
        world.shared[e] = value = remembered(world, e, value)
    return value


def costly(e: Expr) -> bool:
    """Whether an expression is worth to be remembered: a sum or a function, but not of a formula's argument."""
    if not (isinstance(e, Reduce) or (isinstance(e, Op) and e.fn not in CHEAP)):
        return False
    return not any(isinstance(n, Opt) and n.name.startswith("%") for n in x.walk(e))


def remembered(world: Evaluation, e: Expr, value: Closure) -> Closure:
    """The value at each position of the indices that it depends on, computed once: elements do not change."""
    known: dict[Any, Any] = {}
    world.memories.append((frozenset(x.tensors(e)), known))
    indices = x.free(e)
    if len(indices) > 1:
        key = itemgetter(*indices)

        def look_up(env: Env) -> Any:
            try:
                at = key(env)
            except KeyError:  # an index of a list's entries that is not bound here
                return look(env)
            found = known.get(at)
            if found is None:
                known[at] = found = value(env)
            return found

    def look(env: Env) -> Any:
        at = tuple([env.get(i) for i in indices])
        found = known.get(at)
        if found is None:
            known[at] = found = value(env)
        return found

    return look_up if len(indices) > 1 else look


def _number(world: Evaluation, e: Expr) -> Closure:
    numbers = world.numbers
    match e:
        case Num(value):
            number = numbers.exact(int(value) if value.denominator == 1 else value)
            return lambda env: number
        case Opt("pi"):
            return lambda env: numbers.pi
        case Opt("inf"):
            return lambda env: numbers.inf
        case Opt(name) if name.startswith("%"):
            return lambda env: env[name]
        case Opt():
            option = (numbers.option or numbers.exact)(e.of(world.options))
            return lambda env: option
        case Pos() | Size() | Op("floordiv", _) | Reduce("argmax", _, _):
            whole = world.index(e)
            return lambda env: numbers.exact(whole(env))
        case Ref(tensor, index):
            return reference(world, tensor, index)
        case Reduce("sum", over, body):
            return summation(world, over, body)
        case Reduce("max", over, body):
            return world.extreme(over, body, position=False)
        case Op("add", args):
            if numbers.total is not None and numbers.addends is None and any(is_sum(a) for a in args):
                return one_sum(world, args)
            parts = [world.number(a) for a in args]
            if (total := numbers.addends or numbers.total) is not None and len(parts) > 2:
                return lambda env: total([p(env) for p in parts])
            return added(parts, numbers.add)
        case Op("mul", args):
            return product(world, args)
        case Op("pow", (a, b)):
            return powered(world, a, b)
        case Op("where", (c, a, b)):
            return piecewise(world, world.test(c), world.number(a), world.number(b))
        case Op("iverson", (c,)):
            return piecewise(world, world.test(c), lambda env: world.one, lambda env: world.outside)
        case Op("xlogy" | "xdivy" as fn, (a, b)):
            return guarded(world, fn, a, b)
        case Op("stop_gradient", (a,)) if world.anchor is not None:
            return held(world.anchor, a)
        case Op(fn, args) if fn in numbers.functions:
            function = numbers.functions[fn]
            if len(args) == 1:
                inner = world.number(args[0])
                return lambda env: function(inner(env))
            several = [world.number(a) for a in args]
            return lambda env: function(*(p(env) for p in several))
        case Op(fn, (a, *given)):
            return named(world, fn, a, tuple(given))
    raise TypeError(f"the interpreter has no rule for {e!r}")


def reference(world: Evaluation, tensor: str, index: tuple[Expr, ...]) -> Closure:
    """An element; a label or a condition is the number it stands for."""
    element, outside = world.element, world.outside
    beyond = world.numbers.beyond
    exact = None if world.tensors[tensor].kind == "real" else world.numbers.exact
    text = Text(world)
    at = text.position(index)
    text.names |= {"get": world.store.setdefault(tensor, {}).get, "outside": outside}
    text.names["element"] = lambda i: element(tensor, i)
    look = text.closure(f"element(i) if (v := get(i := {at})) is None else v", "outside")
    if beyond is None and exact is None:
        return look

    def number(env: Env) -> Any:
        value = look(env)
        if value is outside:
            return value if beyond is None else beyond  # a zero like any other
        return value if exact is None else exact(int(value))

    return number


def terms(world: Evaluation, over: tuple[str, ...], body: Expr) -> Callable[[Env], list[Any]]:
    """The terms of a sum, those outside arrays left out."""
    envs, value, outside = turns(world, over, body), world.number(body), world.outside
    return lambda env: [v for here in envs(env) if (v := value(here)) is not outside]


def is_sum(e: Expr) -> bool:
    """Whether an addend is a sum over axes, or what is less one."""
    match e:
        case Op("mul", (Num(value), inner)):
            return value == -1 and is_sum(inner)
    return isinstance(e, Reduce) and e.op == "sum"


def one_sum(world: Evaluation, args: tuple[Expr, ...]) -> Closure:
    """Addends among which are sums over axes, as the one sum of all terms: a kernel may begin with any of them, so
    that a bias is rounded with every partial sum."""
    groups: list[Callable[[Env], list[Any]]] = []
    times, minus = world.numbers.mul, world.numbers.exact(-1)
    for a in args:
        inner, negative = (a.args[1], True) if isinstance(a, Op) and is_sum(a) else (a, False)
        if not isinstance(inner, Reduce) or not is_sum(inner):
            number = world.number(a)
            groups.append(lambda env, number=number: [number(env)])  # type: ignore[misc]
            continue
        own = remembered(world, inner, terms(world, inner.over, inner.body))
        groups.append((lambda env, own=own: [times(v, minus) for v in own(env)]) if negative else own)  # type: ignore[misc]
    total = world.numbers.total
    assert total is not None

    def run(env: Env) -> Any:
        parts = [v for group in groups for v in group(env)]
        return total(parts) if parts else world.zero

    return run


def summation(world: Evaluation, over: tuple[str, ...], body: Expr) -> Closure:
    parts_of, numbers = terms(world, over, body), world.numbers

    def run(env: Env) -> Any:
        parts = parts_of(env)
        if not parts:
            return world.zero
        if numbers.total is not None:
            return numbers.total(parts)
        total = parts[0]
        for part in parts[1:]:
            total = numbers.add(total, part)
        return total

    return run


def added(parts: list[Closure], add: Callable[[Any, Any], Any]) -> Closure:
    if len(parts) == 2:
        left, right = parts
        return lambda env: add(left(env), right(env))

    def run(env: Env) -> Any:
        total = parts[0](env)
        for part in parts[1:]:
            total = add(total, part(env))
        return total

    return run


def product(world: Evaluation, args: tuple[Expr, ...]) -> Closure:
    """Brackets first: where one is zero, or a factor lies outside, nothing else is evaluated."""
    brackets = [a for a in args if isinstance(a, Op) and a.fn == "iverson"]
    parts = [world.number(a) for a in [*brackets, *(a for a in args if a not in brackets)]]
    outside, mul = world.outside, world.numbers.mul
    if len(parts) == 2:
        left, right = parts

        def two(env: Env) -> Any:
            a = left(env)
            if a is outside:
                return outside
            b = right(env)
            return outside if b is outside else mul(a, b)

        return two

    def run(env: Env) -> Any:
        total = None
        for part in parts:
            value = part(env)
            if value is outside:
                return outside
            total = value if total is None else mul(total, value)
        return total

    return run


def powered(world: Evaluation, a: Expr, b: Expr) -> Closure:
    base, power = world.number(a), world.numbers.power
    if isinstance(b, Num):
        exponent = b.value
        return lambda env: power(base(env), exponent)
    if is_whole(world, b):
        whole = world.index(b)
        return lambda env: power(base(env), Fraction(whole(env)))
    raised, number = world.numbers.raised, world.number(b)
    return lambda env: raised(base(env), number(env))


def piecewise(world: Evaluation, test: Closure, then: Closure, other: Closure) -> Closure:
    either = world.numbers.either

    def run(env: Env) -> Any:
        answer = test(env)
        if answer is None:
            assert either is not None
            return either(then(env), other(env))
        return then(env) if answer else other(env)

    return run


def guarded(world: Evaluation, fn: str, a: Expr, b: Expr) -> Closure:
    """0 log 0 = 0 and 0 / 0 = 0."""
    numbers = world.numbers
    left, right = world.number(a), world.number(b)
    if fn == "xlogy":
        function = numbers.functions["log"]
    else:

        def function(v: Any) -> Any:
            return numbers.power(v, Fraction(-1))

    def run(env: Env) -> Any:
        p, q = left(env), right(env)
        if numbers.truth("==", q, world.zero) and numbers.truth("==", p, world.zero):
            return world.zero
        return numbers.mul(p, function(q))

    return run


def named(world: Evaluation, fn: str, argument: Expr, given: tuple[Expr, ...] = ()) -> Closure:
    """An elementwise layer, called by its name or chosen by an option, or its derivative; ``given`` are its options."""
    name, order = fn.rstrip("'"), len(fn) - len(fn.rstrip("'"))
    name = str(world.case.options.get(name, name))
    if name not in REGISTRY:
        raise TypeError(f"{world.case.layer.name}: the interpreter has no function {fn}")
    layer = REGISTRY[name][0]
    body = scalar_body(layer.inputs[0].ref(), layer.equations[0].body, tuple(layer.options), order, given)
    if body not in world.scalars:
        world.scalars[body] = scalar_function(world, body)
    function, inner, sloped = world.scalars[body], world.number(argument), world.numbers.sloped
    if world.anchor is not None and any(isinstance(n, Op) and n.fn == STOP for n in x.walk(body)):
        rest = world.anchor.number(argument)
        return lambda env: function({ARGUMENT.name: inner(env), HELD: rest(env)})
    if order and sloped is not None:
        return lambda env: sloped(function({ARGUMENT.name: inner(env)}))
    return lambda env: function({ARGUMENT.name: inner(env)})


def held(anchor: Evaluation, e: Expr) -> Closure:
    """What stays where it is while arguments move: its value at those that have not."""
    value = anchor.number(e)
    return lambda env: value({**env, ARGUMENT.name: env[HELD]} if HELD in env else env)


def scalar_function(world: Evaluation, body: Expr) -> Closure:
    if world.numbers.named is None:
        return world.number(body)
    other = copy(world)
    other.numbers, finish = world.numbers.named
    other.shared = {}
    formula = other.number(body)
    return lambda env: finish(formula(env))


@cache
def scalar_body(at: Ref, value: Expr, options: tuple[Option, ...], order: int, given: tuple[Expr, ...] = ()) -> Expr:
    """The n-th derivative of an elementwise layer at ARGUMENT, its options as given or at their defaults (floats).

    ``value`` is what its equation computes from its argument ``at``."""
    body = derivative(value, at, order)
    defaults: list[Any] = [o.default for o in options]
    values = dict(zip([Opt(o.name) for o in options], given or (x.num(Fraction(v)) for v in defaults), strict=True))

    def replaced(e: Expr) -> Expr | None:
        return ARGUMENT if e == at else values.get(e) if isinstance(e, Opt) else None

    return x.transform(body, replaced)


@cache
def derivative(body: Expr, at: Ref, order: int) -> Expr:
    """The n-th derivative; kept by the expression, as a name may come to mean another layer."""
    return Derivative(Scalars())(derivative(body, at, order - 1), at) if order else body
