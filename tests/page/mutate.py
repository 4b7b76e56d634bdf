"""Every way to misprint one sign of an equation.

A mutant differs from its equation by one glyph or one thing a reader sees as one: a sign, a digit, an index
letter, two transposed indices, an accent, a symbol of the same rank, an operator, a comparison, a factor,
term, denominator or exponent left out, one index missing under a sum. Mutants that do not parse (an index
that nothing binds) are not counted: the parser refuses them. Nor are those that say the same by renaming
bound indices or by commutativity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import combinations, permutations, product
from random import Random
from typing import Any

from tests.page.dialect import DialectError
from tests.page.parser import parse
from tests.page.printer import Printer
from tests.page.symbols import Symbols
from tests.page.tree import (
    Abs,
    Add,
    And,
    Call,
    Cases,
    Compare,
    Equation,
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

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
FUNCTIONS = {
    "exp": ("tanh", "log"), "log": ("tanh", "exp"), "tanh": ("exp", "erf"), "erf": ("tanh", "exp"),
    "sigmoid": ("tanh", "relu"), "relu": ("sigmoid", "identity"), "gelu": ("relu", "tanh"),
    "leaky_relu": ("relu", "tanh"), "identity": ("relu", "tanh"), "sign": ("tanh", "relu"),
    "floor": ("round", "sign"), "round": ("floor", "sign"), "sg": ("sign", "exp"),
    "sin": ("cos", "tanh"), "cos": ("sin", "exp"),
}  # fmt: skip
REDUCTIONS = {"sum": ("max",), "max": ("sum",), "argmax": ("max", "sum")}


@dataclass(frozen=True)
class Mutant:
    """A misprinted equation and what was done to it."""

    equation: Equation
    tex: str
    change: str


def mutants(equation: Equation, symbols: Symbols, keys: Sequence[str] = ()) -> Iterator[Mutant]:
    """All of them, each once, in an order drawn at random: the first few are of any kind and at any place.

    Args:
        keys: what the page's equations define and use ("x", "bar x"), for accents put on or taken off.
    """
    printer = Printer(symbols)
    context = _Context(equation, symbols, frozenset(keys))
    original = canonical(equation)
    seen = {original}
    edits = list(_equation_edits(equation, context))
    Random(len(edits)).shuffle(edits)
    for changed, change in edits:
        tex = printer.equation(changed())
        try:
            parsed = parse(tex, symbols)
        except DialectError:
            continue
        form = canonical(parsed)
        if form not in seen:
            seen.add(form)
            yield Mutant(parsed, tex, change)


class _Context:
    """What there is to swap with: the letters and symbols of the equation."""

    def __init__(self, equation: Equation, symbols: Symbols, keys: frozenset[str]) -> None:
        self.symbols, self.keys = symbols, keys
        nodes = [*walk(equation.left), *walk(equation.right)]
        bound = [i for n in nodes if isinstance(n, Reduce) for i in n.over]
        self.indices = list(dict.fromkeys([*(n.name for n in nodes if isinstance(n, Index)), *bound]))
        sizes = [n.axis for n in nodes if isinstance(n, Size)]
        self.axes = [a for a in dict.fromkeys([*sizes, *self.indices]) if a in symbols.axes]
        self.refs = list(dict.fromkeys((n.name, n.accent) for n in nodes if isinstance(n, Ref)))

    def rank(self, name: str) -> int:
        return len(self.symbols.by_name[name].axes)


Edit = tuple[Any, str]
DIGITS = 9  # of a numeral, that its value may depend on where it is compared: one of 16 has others


def _equation_edits(e: Equation, context: _Context) -> Iterator[tuple[Callable[[], Equation], str]]:
    """The changed equations, each made where it is wanted: of a long one there are thousands."""

    def left(rebuild: Callable[[Node], Node], new: Node) -> Equation:
        return Equation(rebuild(new), e.right)

    def right(rebuild: Callable[[Node], Node], new: Node) -> Equation:
        return Equation(e.left, rebuild(new))

    for node, rebuild in everywhere(e.left):
        if node is not e.left or isinstance(node, Size):
            for new, change in _edits(node, context):
                yield partial(left, rebuild, new), f"left side: {change}"
    if isinstance(e.left, Ref):
        for new, change in _transpositions(e.left):
            yield partial(Equation, new, e.right), f"left side: {change}"
    yield partial(Equation, e.left, _flip(e.right)), "sign of the right side"
    for node, rebuild in everywhere(e.right):
        for new, change in _edits(node, context):
            yield partial(right, rebuild, new), change


def everywhere(node: Node) -> Iterator[tuple[Node, Callable[[Node], Node]]]:
    """Every node below and including this one, with a function that puts another in its place."""
    yield node, lambda new: new
    for f in fields(node):  # type: ignore[arg-type]
        for child, put in _within(getattr(node, f.name)):
            name = f.name
            for inner, rebuild in everywhere(child):
                yield (
                    inner,
                    lambda new, rebuild=rebuild, put=put, name=name: replace(node, **{name: put(rebuild(new))}),
                )


def _within(value: Any) -> Iterator[tuple[Node, Callable[[Any], Any]]]:
    if isinstance(value, Node):
        yield value, lambda new: new
    elif isinstance(value, tuple):
        for n, item in enumerate(value):
            for child, put in _within(item):
                yield child, lambda new, n=n, put=put: (*value[:n], put(new), *value[n + 1 :])


def _flip(node: Node) -> Node:
    return node.of if isinstance(node, Neg) else Neg(node)


def _without(items: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    return items[:n] + items[n + 1 :]


def _transpositions(e: Ref) -> Iterator[Edit]:
    for a, b in combinations(range(len(e.index)), 2):
        index = list(e.index)
        index[a], index[b] = index[b], index[a]
        yield replace(e, index=tuple(index)), f"indices {a + 1} and {b + 1} of {e.key} transposed"


def _edits(e: Node, c: _Context) -> Iterator[Edit]:
    """Changes of this node itself."""
    match e:
        case Int(value):
            unit = 10 ** max(0, len(str(value)) - DIGITS)
            yield Int(value + unit), f"{value} to {value + unit}"
            if value:
                yield Int(value - unit), f"{value} to {value - unit}"
        case Index(name):
            yield from ((Index(i), f"index {name} to {i}") for i in c.indices if i != name)
        case Size(axis):
            yield from ((Size(a), f"N of {axis} to N of {a}") for a in c.axes if a != axis)
        case Ref():
            yield from _reference(e, c)
        case Add(terms):
            for n, term in enumerate(terms):
                yield Add((*terms[:n], _flip(term), *terms[n + 1 :])), f"sign of term {n + 1}"
                rest = _without(terms, n)
                yield (rest[0] if len(rest) == 1 else Add(rest)), f"term {n + 1} left out"
        case Neg(of):
            yield of, "minus left out"
        case Mul(factors):
            for n in range(len(factors)):
                rest = _without(factors, n)
                yield (rest[0] if len(rest) == 1 else Mul(rest)), f"factor {n + 1} left out"
        case Frac(top, bottom):
            yield top, "denominator left out"
            yield Frac(bottom, top), "fraction upside down"
            if top != Int(1):
                yield Frac(Int(1), bottom), "numerator left out"
        case Pow(base, exponent):
            yield base, "exponent left out"
            yield Pow(base, _flip(exponent)), "sign of the exponent"
        case Sqrt(of):
            yield of, "root left out"
        case Abs(of):
            yield of, "absolute value left out"
        case Floor(of):
            yield of, "floor left out"
        case Call() | Reduce() | Cases():
            yield from _structure(e, c)
        case Compare(op, left, right):
            yield from ((Compare(o, left, right), f"{op} to {o}") for o in COMPARISONS if o != op)
        case And(args) | Or(args):
            other = Or if isinstance(e, And) else And
            yield other(args), "and, or exchanged"
            for n in range(len(args)):
                rest = _without(args, n)
                yield (rest[0] if len(rest) == 1 else replace(e, args=rest)), f"condition {n + 1} left out"
        case Not(of):
            yield of, "not left out"


def _reference(e: Ref, c: _Context) -> Iterator[Edit]:
    yield from _transpositions(e)
    rank = c.rank(e.name)
    others = [(n, a) for n, a in c.refs if c.rank(n) == rank]
    others += [(e.name, a) for a in ("", "bar", "bar bar") if (f"{a} {e.name}".strip()) in c.keys]
    row = c.symbols.by_name[e.name]
    others += [(n, e.accent) for n, r in c.symbols.by_name.items() if r.tex in (rf"\hat{{{row.tex}}}", row.tex[5:-1])]
    for name, accent in dict.fromkeys(others):
        if (name, accent) != (e.name, e.accent) and c.rank(name) == rank:
            yield Ref(name, accent, e.index), f"{e.key} to {Ref(name, accent, ()).key}"


def _structure(e: Node, c: _Context) -> Iterator[Edit]:
    match e:
        case Call("max", (a, b)):
            yield a, "second argument of max left out"
            yield b, "first argument of max left out"
            yield Call("max", (_flip(a), b)), "sign of the first argument"
            yield Call("max", (a, _flip(b))), "sign of the second argument"
        case Call(fn, (a,)):
            chosen = [n for n, r in c.symbols.by_name.items() if r.kind == "function"]
            for other in FUNCTIONS.get(fn, chosen):
                if other != fn:
                    yield Call(other, (a,)), f"{fn} to {other}"
            yield a, f"{fn} left out"
            yield Call(fn, (_flip(a),)), f"sign of the argument of {fn}"
        case Reduce(op, over, body):
            for other in REDUCTIONS[op]:
                yield Reduce(other, over, body), f"{op} to {other}"
            for n, i in enumerate(over):
                rest = _without(over, n)
                yield (Reduce(op, rest, body) if rest else body), f"index {i} under {op} left out"
                for other in c.indices:
                    if other != i:
                        yield (
                            Reduce(op, (*over[:n], other, *over[n + 1 :]), body),
                            f"index {i} under {op} to {other}",
                        )
            if op != "sum":
                yield Reduce(op, over, _flip(body)), f"sign of what is under {op}"
                for a, b in combinations(range(len(over)), 2):
                    swapped = list(over)
                    swapped[a], swapped[b] = swapped[b], swapped[a]
                    yield Reduce(op, tuple(swapped), body), f"indices under {op} transposed"
        case Cases(rows, otherwise):
            for n, (value, condition) in enumerate(rows):
                changed = (*rows[:n], (otherwise, condition), *rows[n + 1 :])
                yield Cases(changed, value), f"case {n + 1} and the last exchanged"
                if isinstance(condition, Ref):
                    yield (
                        Cases((*rows[:n], (value, Not(condition)), *rows[n + 1 :]), otherwise),
                        "condition negated",
                    )


# the same by renaming bound indices and by commutativity


def canonical(e: Equation) -> str:
    """Equal for equations that a reader would call the same."""
    names = {name: f"left{n}" for n, name in enumerate(e.indices)}
    return f"{_canon(e.left, names, 0)} = {_canon(e.right, names, 0)}"


def _canon(e: Node, names: dict[str, str], depth: int) -> str:
    def go(node: Node) -> str:
        return _canon(node, names, depth)

    match e:
        case Index(name):
            return names.get(name, name)
        case Neg(Int(0)):
            return go(Int(0))
        case Reduce(op, over, body):
            orders = _orders(over, body, names, depth) if op != "argmax" else [over]
            forms = []
            for order in orders:
                inner = names | {i: f"bound{depth + n}" for n, i in enumerate(order)}
                forms.append(_canon(body, inner, depth + len(over)))
            return f"{op}{len(over)}({min(forms)})"
        case Add(terms):
            return "+".join(["", *sorted(map(go, _flatten(Add, terms)))]).join("()")
        case Mul(factors):
            factors = tuple(_flatten(Mul, factors))
            brackets = [f for f in factors if equal(f, names)]
            alike = names | {k: v for f in brackets for k, v in equal(f, names).items()}
            forms = [_canon(f, names if f in brackets else alike, depth) for f in factors]
            return "*".join(["", *sorted(forms)]).join("()")
        case And(args) | Or(args):
            return type(e).__name__ + ",".join(sorted(map(go, args))).join("()")
        case Call("sg", (a,)):  # its value is that of its argument: steps and tangents look at its slope
            return go(a)
        case Call("max", args):
            return "max" + ",".join(sorted(map(go, args))).join("()")
        case Compare(op, left, right):
            if op in (">", ">="):
                return go(Compare(op.replace(">", "<"), right, left))
            a, b = go(left), go(right)
            return f"({min(a, b)}{op}{max(a, b)})" if op in ("=", "!=") else f"({a}{op}{b})"
    parts = []
    for f in fields(e):  # type: ignore[arg-type]
        value = getattr(e, f.name)
        parts.append(_canon_value(value, go))
    return f"{type(e).__name__}({';'.join(parts)})"


def equal(e: Node, names: Mapping[str, str]) -> dict[str, str]:
    """What both indices of [i = j] may be called in what is multiplied with it; nothing for anything else."""
    match e:
        case Iverson(Compare("=", Index(a), Index(b))):
            return dict.fromkeys((a, b), min(names.get(a, a), names.get(b, b)))
    return {}


def _orders(over: tuple[str, ...], body: Node, names: dict[str, str], depth: int) -> Iterator[tuple[str, ...]]:
    """The orders of bound indices of which the least form is taken: of many, those that differ in what stands at an
    index have one order."""
    if len(over) < 3:
        yield from permutations(over)
        return
    others = names | dict.fromkeys(over, "another")
    forms = {i: _canon(body, others | {i: "own"}, depth + len(over)) for i in over}
    alike = [[i for i in over if forms[i] == form] for form in sorted({*forms.values()})]
    for groups in product(*(list(permutations(group)) for group in alike)):
        yield tuple(i for group in groups for i in group)


def _canon_value(value: Any, go: Callable[[Node], str]) -> str:
    if isinstance(value, Node):
        return go(value)
    if isinstance(value, tuple):
        return ",".join(_canon_value(v, go) for v in value).join("[]")
    return str(value)


def _flatten(kind: type, parts: tuple[Node, ...]) -> Iterator[Node]:
    for part in parts:
        if isinstance(part, kind):
            yield from _flatten(kind, part.factors if kind is Mul else part.terms)  # type: ignore[attr-defined]
        else:
            yield part
