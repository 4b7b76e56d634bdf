"""The expressions of a definition's text as functions of the indices: what each piece of Python syntax means."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.text import numbers
from derive.text.annotations import Unread
from derive.text.kinks import AT_REST, SHORT, absolute, larger
from derive.text.numbers import MP, Real
from derive.text.parse import DOTS, Definition, Statement, parts
from derive.text.reductions import reduced
from derive.text.several import one_of_several
from derive.text.standing import are_indices, free
from derive.text.words import OVER_INDICES, PLACES, REDUCTIONS

if TYPE_CHECKING:
    from derive.text.arrays import Env, Position, Value
    from derive.text.evaluate import Run

    Closure = Callable[[Run, Env, Statement | None], Any]

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: numbers.add,
    ast.Sub: numbers.subtract,
    ast.Mult: numbers.multiply,
    ast.Div: numbers.divide,
    ast.FloorDiv: numbers.floor_divide,
    ast.Mod: numbers.remainder,
    ast.Pow: numbers.power,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: bool(a == b),
    ast.NotEq: lambda a, b: bool(a != b),
    ast.Lt: lambda a, b: bool(a < b),
    ast.LtE: lambda a, b: bool(a <= b),
    ast.Gt: lambda a, b: bool(a > b),
    ast.GtE: lambda a, b: bool(a >= b),
}
#: Reductions of what lies inside the arrays; the others count zeros outside.
SKIPPING = ("max", "min", *PLACES)
NO_INDEX = (bool, str, Real)


def number(text: Definition, node: ast.expr) -> Closure:
    """An expression as a function of a run, the indices and the statement it stands in.

    Raises:
        Unread: there is no such expression.
    """
    if node not in text.code:
        text.code[node] = _number(text, node)
    return text.code[node]  # type: ignore[no-any-return]


def _number(text: Definition, node: ast.expr) -> Closure:
    match node:
        case ast.Constant(value=bool() | int() | str() as value):
            return lambda run, env, place: value
        case ast.Constant(value=float(value)):
            if not math.isfinite(value):
                raise Unread(f"{text.name}: the number {value}")
            exact = Fraction(repr(value))
            return lambda run, env, place: exact
        case ast.Name(id=name):
            return _name(text, name)
        case ast.Subscript(value=ast.Name(id=name), slice=inner) if text.option(name) is not None:
            return one_of_several(text, node, name, parts(inner))
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            return _read(text, name, [position(text, item) for item in parts(inner)])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _apply(lambda a: numbers.subtract(0, a), number(text, operand))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return number(text, operand)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _apply(lambda a: not truth(a), number(text, operand))
        case ast.BoolOp(op=op, values=values):
            return _logic(isinstance(op, ast.And), [number(text, v) for v in values])
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _rooted(numbers.power, number(text, left), number(text, right), _moves(text, right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _apply(OPERATORS[type(op)], number(text, left), number(text, right))
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in COMPARISONS for op in ops):
            return _compare([type(op) for op in ops], [number(text, n) for n in (left, *rest)])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            c, a, b = number(text, test), number(text, body), number(text, orelse)
            return lambda run, env, place: (a if truth(c(run, env, place)) else b)(run, env, place)
        case ast.Call(func=ast.Name(id=name)):
            return _call(text, name, node)
    raise Unread(f"{text.name}: {ast.unparse(node)}")


def truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unread(f"a condition that is {value}")
    return value


def _apply(f: Callable[..., Any], *arguments: Closure) -> Closure:
    if len(arguments) == 1:
        (only,) = arguments
        return lambda run, env, place: f(only(run, env, place))
    first, second = arguments
    return lambda run, env, place: f(first(run, env, place), second(run, env, place))


def _moves(text: Definition, node: ast.expr) -> bool:
    """Whether an expression depends on real arrays."""
    whole = {a.name for a in text.arguments if a.sort not in ("Real", "State")}
    return any(isinstance(n, ast.Name) and n.id in text.tensors and n.id not in whole for n in ast.walk(node))


def _rooted(f: Callable[[Any, Any], Any], base: Closure, exponent: Closure, moves: bool = False) -> Closure:
    """A power; it remembers what has no slope: a root of zero, and a negative base where the exponent moves."""

    def run_rooted(run: Run, env: Env, place: Statement | None) -> Any:
        a, b = base(run, env, place), exponent(run, env, place)
        value = f(a, b)
        if (a == 0 and b != 0 and b < 1) or (moves and (a < 0 or a == b == 0)):
            run.meter.singular = True
        return value

    return run_rooted


def _logic(every: bool, values: list[Closure]) -> Closure:
    def run_logic(run: Run, env: Env, place: Statement | None) -> bool:
        for value in values:
            if truth(value(run, env, place)) != every:
                return not every
        return every

    return run_logic


def _compare(ops: list[type[ast.cmpop]], values: list[Closure]) -> Closure:
    def run_compare(run: Run, env: Env, place: Statement | None) -> bool:
        a = values[0](run, env, place)
        for op, value in zip(ops, values[1:], strict=True):
            b = value(run, env, place)
            if isinstance(a, str) != isinstance(b, str):
                raise Unread(f"{a} compared with {b}")
            run.meter.compare(a, b)
            tied = not isinstance(a, str) and run.meter.ties(a, b)
            if not COMPARISONS[op](*((a, b) if isinstance(a, str) else (a, a) if tied else numbers.pair(a, b))):
                return False
            a = b
        return True

    return run_compare


def _name(text: Definition, name: str) -> Closure:
    declared = text.option(name)
    if declared is not None:
        if declared.counts:
            raise Unread(f"{text.name}: {name}, which is several numbers")
        return lambda run, env, place: option(run, name)
    if name in text.tensors:
        return _read(text, name, [])
    constant = {"pi": +MP.pi, "inf": MP.inf}.get(name)

    def index(run: Run, env: Env, place: Statement | None) -> Any:
        if name in env:
            return env[name]
        if constant is not None:
            return constant
        raise Unread(f"{text.name}: {name} is nothing that is known here")

    return index


def option(run: Run, name: str) -> Any:
    """The value of an option, exactly."""
    value = run.options[name]
    return Fraction(value) if isinstance(value, float) else value


def position(text: Definition, node: ast.expr) -> Callable[[Run, Env, Statement | None], Position]:
    """What stands in index position; ``...`` is several. A fraction is outside of every array."""
    if text.index(node) == DOTS:

        def dots(run: Run, env: Env, place: Statement | None) -> Position:
            if DOTS not in env:
                raise Unread(f"{text.name}: ... is nothing that is known here")
            return env[DOTS]  # type: ignore[no-any-return]

        return dots
    value = number(text, node)

    def one(run: Run, env: Env, place: Statement | None) -> Position:
        i = value(run, env, place)
        if type(i) is int:
            return (i,)
        if isinstance(i, NO_INDEX):
            raise Unread(f"{text.name}: the index {ast.unparse(node)} is {i}")
        return (i if isinstance(i, int) else int(i) if i.denominator == 1 else -(10**9),)

    return one


def _read(text: Definition, name: str, items: list[Callable[[Run, Env, Statement | None], Position]]) -> Closure:
    if name not in text.tensors:
        raise Unread(f"{text.name}: {name} is no array")

    def read(run: Run, env: Env, place: Statement | None) -> Any:
        index: Position = ()
        for item in items:
            index += item(run, env, place)
        for i in index:
            if type(i) is not int:
                _pointed(run, name, index)
                break
        value = run.element(name, index)
        if value is None:
            run.outside = True
            return 0
        return value

    return read


def _pointed(run: Run, name: str, index: Position) -> None:
    """Remember how far an integer that is data points."""
    for n, i in enumerate(index):
        origin = getattr(i, "origin", "")
        if origin:
            length = run.shape(name, index[:n])[0]
            run.meter.below[origin] = min(length, run.meter.below.get(origin, length))


# ---- calls ---------------------------------------------------------------------------------------------------------


def _call(text: Definition, name: str, node: ast.Call) -> Closure:
    args = node.args
    if any(isinstance(a, ast.Starred) for a in args) or any(k.arg is None for k in node.keywords):
        raise Unread(f"{text.name}: {ast.unparse(node)}")
    words = {str(k.arg): number(text, k.value) for k in node.keywords}
    option = text.option(name)
    activation = option is not None and option.kind == "Activation"  # an option that is a number is called nowhere
    if not activation:
        if name in REDUCTIONS and len(args) == 2 and not words and are_indices(text, args[0]):
            return _reduce(text, name, [str(text.index(i)) for i in parts(args[0])], number(text, args[1]))
        if name in ("max", "min") and len(args) == 2 and not words:
            return _larger(name == "max", number(text, args[0]), number(text, args[1]))
        if name == "size" and len(args) == 1 and not words and (axis := text.index(args[0])):
            return lambda run, env, place: math.prod(run.spread([axis], env, place))
        if name == "reduced" and len(args) == 2 and not words and isinstance(args[0], ast.Name):
            return _reduced(text, args[0].id, args[1])
        if name == "sqrt" and len(args) == 1 and not words:
            return _rooted(lambda a, _: numbers.root(a), _checked(number(text, args[0])), lambda *_: Fraction(1, 2))
        if name == "abs" and len(args) == 1 and not words:
            argument = _checked(number(text, args[0]))
            return lambda run, env, place: absolute(run, argument(run, env, place))
        if name in numbers.FUNCTIONS and not words and len(args) == numbers.FUNCTIONS[name][0]:
            return _apply(numbers.FUNCTIONS[name][1], *(_checked(number(text, a)) for a in args))
        if name in (*OVER_INDICES, "reduced", "axis", "state", *numbers.FUNCTIONS):
            raise Unread(f"{text.name}: {ast.unparse(node)}")
    if not args:
        raise Unread(f"{text.name}: {ast.unparse(node)}")
    values = [number(text, a) for a in args]

    def elementwise(run: Run, env: Env, place: Statement | None) -> Any:
        layer = str(run.options[name]) if activation else name
        if not activation and layer not in run.library and layer in SHORT and not words:
            count, function = SHORT[layer]
            if count != len(values):
                raise Unread(f"{text.name}: {ast.unparse(node)}")
            at = run.anchor if layer in AT_REST and run.anchor is not None else run
            return function(run, *(v(at, env, place) for v in values))
        if layer not in run.library or layer == text.name or not run.library[layer].elementwise:
            raise Unread(f"{text.name}: {layer} is no function of one number")
        options = [o.name for o in run.library[layer].options]
        if len(values) - 1 > len(options) or not set(words) <= set(options):
            raise Unread(f"{text.name}: {ast.unparse(node)}")
        given = dict(zip(options, values[1:], strict=False)) | words
        rest, first = run.anchor, values[0]
        held = None if rest is None else lambda: first(rest, env, place)
        return run.scalar(layer, first(run, env, place), {k: v(run, env, place) for k, v in given.items()}, held)

    return elementwise


def _checked(value: Closure) -> Closure:
    """A number, and no word."""

    def run_checked(run: Run, env: Env, place: Statement | None) -> Any:
        found = value(run, env, place)
        if isinstance(found, str):
            raise Unread(f"the word {found} where a number stands")
        return found

    return run_checked


def each(run: Run, env: Env, indices: list[str], place: Statement | None) -> Iterator[None]:
    """Set indices to everything they run over, one after another."""
    if not indices:
        yield
        return
    first, rest = indices[0], indices[1:]
    before = env.get(first)
    length = run.length(first, env, place)
    for i in itertools.product(*map(range, length)) if first == DOTS else range(length):
        env[first] = i
        yield from each(run, env, rest, place)
    if before is None:
        env.pop(first, None)
    else:
        env[first] = before


def _reduce(text: Definition, name: str, over: list[str], body: Closure) -> Closure:
    if len(set(over)) < len(over):
        raise Unread(f"{text.name}: {name} over one index twice")
    over = sorted(over, key=lambda i: i not in text.entries)  # the entries of lists first: shapes depend on them

    def run_reduce(run: Run, env: Env, place: Statement | None) -> Any:
        before, values = run.outside, []
        for _ in each(run, env, over, place):
            run.outside = False
            value = body(run, env, place)
            if name not in SKIPPING or not run.outside:
                values.append(value)
            elif name in PLACES:
                values.append(None)
        run.outside = before
        return reduced(run, name, values)

    return run_reduce


def _larger(largest: bool, first: Closure, second: Closure) -> Closure:
    return lambda run, env, place: larger(run, largest, first(run, env, place), second(run, env, place))


def _reduced(text: Definition, word: str, body: ast.expr) -> Closure:
    over = free(text, body)
    value, mean, sum_ = number(text, body), *(_reduce(text, name, over, number(text, body)) for name in ("mean", "sum"))
    ways = {"mean": mean, "sum": sum_, "none": value}

    def run_reduced(run: Run, env: Env, place: Statement | None) -> Any:
        chosen = run.options.get(word)
        if chosen not in ways:
            raise Unread(f"{text.name}: reduced by {chosen}")
        return ways[chosen](run, env, place)

    return run_reduced


def passed(run: Run, s: Statement, part: Definition, env: Env) -> tuple[dict[str, Value], dict[str, Any]]:
    """The arrays and options that a statement passes to a layer."""
    call = s.value
    assert isinstance(call, ast.Call)
    if len(call.args) > len(part.arguments):
        raise Unread(f"{run.text.name}: {ast.unparse(call)} passes more than {part.name} takes")
    arrays: dict[str, Value] = {}
    for node, a in zip(call.args, part.arguments, strict=False):
        match node:
            case ast.Name(id=name):
                items: list[ast.expr] = []
            case ast.Subscript(value=ast.Name(id=name), slice=inner):
                items = parts(inner)
            case _:
                raise Unread(f"{run.text.name}: {ast.unparse(node)} as an array of {part.name}")
        if name not in run.text.tensors:
            raise Unread(f"{run.text.name}: {name} is no array")
        lead = tuple(i for item in items for i in position(run.text, item)(run, env, s))
        arrays[a.name] = run.whole(name, lead, bool(a.entries))
    options = {o.name: o.default for o in part.options}
    for keyword in call.keywords:
        name = keyword.arg or ""
        chosen = part.option(name)
        if chosen is None or chosen.kind == "Axis":
            raise Unread(f"{run.text.name}: {part.name} has no option {name} here")
        match keyword.value:
            case ast.Name(id=word) if chosen.kind == "Activation" and run.text.option(word) is None:
                options[name] = word
            case value:
                options[name] = _given(run, env, s, value)
    return arrays, options


def _given(run: Run, env: Env, s: Statement, node: ast.expr) -> Any:
    """What an option is given: a number, or several of them."""
    match node:
        case ast.Tuple(elts=elts):
            return tuple(_given(run, env, s, e) for e in elts)
        case ast.Name(id=name) if (own := run.text.option(name)) is not None and own.counts:
            return run.options[name]
    return number(run.text, node)(run, env, s)
