"""Immutable expressions in index notation.

An expression is a tree of the eight node types below and nothing else. Indices are ordinary expressions in index
position: ``x[b, stride*i + k]`` is ``Ref("x", (Pos("b"), add(mul(Opt("stride"), Pos("i")), Pos("k"))))``, and
``E[t[b], d]`` has a ``Ref`` as an index. The multi-index ``...`` is the index called ``"..."``.

Canonical by construction: sums and products are flat and carry at most one numeral, quotients are powers with exponent
-1, differences are products with -1. The order of terms is the author's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from operator import is_
from typing import Any

from derive.notation import several
from derive.notation.errors import CLOCK
from derive.notation.node import Node, hash_once

ELLIPSIS = "..."
Slots = tuple[tuple[str, ...], ...]  #: axes; some are two in one


@dataclass(frozen=True, slots=True)
class Num(Node):
    """An exact rational."""

    __hash__ = hash_once

    value: Fraction


@dataclass(frozen=True, slots=True)
class Opt(Node):
    """A scalar that is not indexed: an option (``epsilon``) or a named constant (``pi``, ``inf``).

    Attributes:
        at: which number of an option of several: ``stride[0]``, ``padding[0, 1]``.
    """

    __hash__ = hash_once

    name: str
    at: tuple[int, ...] = ()

    def of(self, options: Mapping[str, Any]) -> Any:
        """Its value among those of all options."""
        value = options[self.name]
        for n in self.at:
            value = value[n]
        return value


@dataclass(frozen=True, slots=True)
class Size(Node):
    """The number of positions along an axis."""

    __hash__ = hash_once

    axis: str


@dataclass(frozen=True, slots=True)
class Pos(Node):
    """An index, as a number."""

    __hash__ = hash_once

    index: str


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """One element of a tensor."""

    __hash__ = hash_once

    tensor: str
    index: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Op(Node):
    """A scalar function of scalars; ``FUNCTIONS`` in derive.notation.functions lists the names."""

    __hash__ = hash_once

    fn: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Reduce(Node):
    """``sum``, ``max`` or ``argmax`` of the body over indices bound here."""

    __hash__ = hash_once

    op: str
    over: tuple[str, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Part(Node):
    """One result of another layer's kernel, a whole array: only what a kernel is made of has it, no definition.

    ``layer.function(*arguments, **options)`` gives several results at once.

    Attributes:
        layer: the name of the part.
        function: forward, backward, jvp or double_backward.
        field: the result taken.
        fields: every result, and its axes where the part has two of them as one.
        groups: the function's arguments, likewise; in all functions but forward a group is a tuple. 0 is zeros.
        options: keyword arguments; a name as a string.
        over: indices that run over whole arrays, and so are bound here; one that is left is the position in a loop.
    """

    __hash__ = hash_once

    layer: str
    function: str
    field: str
    fields: tuple[tuple[str, Slots], ...]
    groups: tuple[tuple[tuple[Slots, Expr], ...], ...]
    options: tuple[tuple[str, Given], ...]
    over: tuple[str, ...]


Expr = Num | Opt | Size | Pos | Ref | Op | Reduce | Part
#: What an option is given in a call: a number, a word, a truth value, or a tuple of such for one of several numbers.
Given = Expr | str | bool | tuple[Any, ...]
LEAVES = (Num, Opt, Size, Pos)

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
PI, INF = Opt("pi"), Opt("inf")
CONSTANTS = {"pi", "inf"}


def num(value: int | Fraction) -> Num:
    return Num(Fraction(value))


def add(*terms: Expr) -> Expr:
    constant = Fraction(0)
    rest: list[Expr] = []
    for term in terms:
        for part in term.args if isinstance(term, Op) and term.fn == "add" else (term,):
            if isinstance(part, Num):
                constant += part.value
            else:
                rest.append(part)
    if constant:
        rest.append(Num(constant))
    if not rest:
        return ZERO
    return rest[0] if len(rest) == 1 else Op("add", tuple(rest))


def mul(*factors: Expr) -> Expr:
    constant = Fraction(1)
    rest: list[Expr] = []
    for factor in factors:
        for part in factor.args if isinstance(factor, Op) and factor.fn == "mul" else (factor,):
            if isinstance(part, Num):
                constant *= part.value
            else:
                rest.append(part)
    if constant == 0:
        return ZERO
    if constant == -1 and len(rest) == 1 and isinstance(rest[0], Op) and rest[0].fn == "add":
        return add(*(mul(Num(constant), term) for term in rest[0].args))
    if constant != 1 or not rest:
        rest.insert(0, Num(constant))
    return rest[0] if len(rest) == 1 else Op("mul", tuple(rest))


def neg(a: Expr) -> Expr:
    return mul(num(-1), a)


def sub(a: Expr, b: Expr) -> Expr:
    return add(a, neg(b))


def power(a: Expr, b: Expr) -> Expr:
    if isinstance(b, Num):
        if b.value == 0:
            return ONE
        if b.value == 1:
            return a
        if isinstance(a, Num) and b.value.denominator == 1 and (a.value != 0 or b.value > 0):
            return Num(a.value ** int(b.value))
        if isinstance(a, Op) and a.fn == "pow" and isinstance(a.args[1], Num) and b.value == -1:
            return power(a.args[0], Num(-a.args[1].value))
    return Op("pow", (a, b))


def div(a: Expr, b: Expr) -> Expr:
    return mul(a, power(b, num(-1)))


def sqrt(a: Expr) -> Expr:
    return power(a, Num(Fraction(1, 2)))


def where(condition: Expr, then: Expr, other: Expr) -> Expr:
    """A piecewise case: ``then`` where the condition holds. Nothing is evaluated in the case not taken."""
    return then if then == other else Op("where", (condition, then, other))


def iverson(condition: Expr) -> Expr:
    """1 where the condition holds, else 0."""
    return Op("iverson", (condition,))


def reduce(op: str, over: Iterable[str], body: Expr) -> Expr:
    over = tuple(over)
    if not over or (op == "sum" and body == ZERO):
        return ZERO if op == "argmax" else body
    if op == "sum" and isinstance(body, Reduce) and body.op == "sum":
        return Reduce("sum", over + body.over, body.body)
    return Reduce(op, over, body)


def given(option: Given, f: Callable[[Expr], Expr]) -> Given:
    """What an option is given, with every expression in it replaced."""
    return several.changed(option, lambda e: e if isinstance(e, str | bool) else f(e))  # type: ignore[no-any-return]


def children(e: Expr) -> tuple[Expr, ...]:
    if isinstance(e, LEAVES):
        return ()
    match e:
        case Ref(_, index):
            return index
        case Op(_, args):
            return args
        case Reduce(_, _, body):
            return (body,)
        case Part(groups=groups, options=options):
            numbers = (e for _, value in options for e in several.numbers(value) if not isinstance(e, str | bool))
            return (*(e for group in groups for _, e in group), *numbers)


def walk(e: Expr) -> Iterator[Expr]:
    """Every node, the root first."""
    pending = [e]
    while pending:
        node = pending.pop()
        yield node
        pending += children(node)[::-1]


CANONICAL: dict[str, Callable[..., Expr]] = {"add": add, "mul": mul, "pow": power, "where": where}


def rebuild(e: Expr, f: Callable[[Expr], Expr]) -> Expr:
    """The node with f applied to its children, brought back to canonical form; where f changes none it is the node."""
    if isinstance(e, LEAVES):
        return e
    CLOCK.tick()
    if isinstance(e, Part):
        return replace(
            e,
            groups=tuple(tuple((slots, f(a)) for slots, a in group) for group in e.groups),
            options=tuple((name, given(o, f)) for name, o in e.options),
        )
    before = children(e)
    after = tuple([f(child) for child in before])
    if all(map(is_, after, before)):  # most are: what is known of a node stays known
        return e
    match e:
        case Ref(tensor, _):
            return Ref(tensor, after)
        case Op(fn, _):
            return CANONICAL[fn](*after) if fn in CANONICAL else Op(fn, after)
        case Reduce(op, over, _):
            return reduce(op, over, *after)


def transform(e: Expr, f: Callable[[Expr], Expr | None]) -> Expr:
    """Replace nodes, the root first; where f returns None, go on below."""
    found = f(e)
    return found if found is not None else rebuild(e, lambda child: transform(child, f))


def refs(e: Expr) -> list[Ref]:
    """References to tensors outside index positions, distinct, in order of appearance."""
    return list(dict.fromkeys((e,) if isinstance(e, Ref) else (r for child in children(e) for r in refs(child))))


def tensors(e: Expr) -> list[str]:
    """Names of all tensors, those in index positions included, in order of appearance."""
    try:
        return list(e._tensors)
    except AttributeError:
        inner = (t for child in children(e) for t in tensors(child))
        found = tuple(dict.fromkeys((e.tensor, *inner) if isinstance(e, Ref) else inner))
        object.__setattr__(e, "_tensors", found)
        return list(found)


def free(e: Expr) -> list[str]:
    """Indices that are not bound inside, in order of appearance."""
    try:
        return list(e._free)
    except AttributeError:
        found = tuple(_free(e))
        object.__setattr__(e, "_free", found)
        return list(found)


def _free(e: Expr) -> Iterable[str]:
    match e:
        case Pos(index):
            return (index,)
        case Reduce(_, over, body):
            return (i for i in free(body) if i not in over)
        case Part(over=over):
            return dict.fromkeys(i for child in children(e) for i in free(child) if i not in over)
    return dict.fromkeys(i for child in children(e) for i in free(child))


def size(e: Expr) -> int:
    """How many nodes an expression has."""
    try:
        return e._size
    except AttributeError:
        object.__setattr__(e, "_size", 1 + sum(map(size, children(e))))
        return e._size


def bound(e: Expr) -> set[str]:
    return {i for node in walk(e) if isinstance(node, Reduce) for i in node.over}


PRIME = "'"  #: marks an index that was derived from another one; no name in a definition has it


def fresh(name: str, taken: Iterable[str]) -> str:
    """A name for an index that is not taken and runs along the same axis: i, i', i'', ..."""
    taken = set(taken)
    while name in taken:
        name += PRIME
    return name


def origin(index: str) -> str:
    """The index of a definition that a derived one comes from."""
    return index.rstrip(PRIME)


def numbered(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken: i, i2, i3, ..."""
    taken = set(taken)
    numbers = (f"{name}{n}" for n in count(2))
    return name if name not in taken else next(n for n in numbers if n not in taken)


def rename(e: Expr, mapping: Mapping[str, Expr]) -> Expr:
    """Substitute free indices by index expressions, all at once, without capture."""
    mapping = {k: v for k, v in mapping.items() if v != Pos(k)}
    if not mapping:
        return e
    match e:
        case Pos(index):
            return mapping.get(index, e)
        case Reduce(op, over, body):
            inner = {k: v for k, v in mapping.items() if k not in over}
            incoming = {i for v in inner.values() for i in free(v)}
            moved: dict[str, str] = {}
            for i in over:
                if i in incoming:
                    moved[i] = fresh(i, incoming | set(free(body)) | set(over) | set(moved.values()))
            inner |= {k: Pos(v) for k, v in moved.items()}
            return reduce(op, (moved.get(i, i) for i in over), rename(body, inner))
        case Part(over=over):
            mapping = {k: v for k, v in mapping.items() if k not in over}
    return rebuild(e, lambda child: rename(child, mapping))


def plain(e: Expr) -> str | None:
    """The index's name where an index expression is just an index."""
    return e.index if isinstance(e, Pos) else None


def factors(e: Expr) -> tuple[Expr, ...]:
    return e.args if isinstance(e, Op) and e.fn == "mul" else (e,)


def terms(e: Expr) -> tuple[Expr, ...]:
    return e.args if isinstance(e, Op) and e.fn == "add" else (e,)
