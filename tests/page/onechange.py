"""Whether two expressions differ by one change: the mistakes that a page may show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from tests.page.tree import (
    Add,
    Cases,
    Compare,
    Frac,
    Index,
    Int,
    Iverson,
    Mul,
    Neg,
    Node,
    Pow,
    Reduce,
    Ref,
    Size,
    Sqrt,
    children,
    map_children,
)  # fmt: skip

NEXT = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


def one_place(before: Node, after: Node) -> bool:
    """Something is left out or put in, or one thing stands for another, in one place of two expressions, whatever
    the indices of sums are called, where the minus before a sum stands, for the whole or for its term, and whether
    a sum in a sum is one over the indices of both."""
    before, after = called(before), called(after)
    return any(one_part(form(before), form(after)) for form in (lambda e: e, inside, merged))


def one_part(before: Node, after: Node) -> bool:
    """The same for expressions whose sums have indices of their own, letter for letter."""
    if everywhere(before, after):
        return True
    while not (one_rule(before, after) or one_rule(after, before, put_in=True)):
        if (exponents := powers(before, after) or powers(after, before)) is not None:
            before, after = exponents
            continue
        before, after = as_beside(before, after), as_beside(after, before)
        (kind, one), (other, two) = parts(before), parts(after)
        if kind != other:
            return False
        if kind in ("sum", "product"):
            gone, new = minus(one, two), minus(two, one)
        else:
            gone, new = unequal(one, two), unequal(two, one)
        if kind in ("sum", "product") and 1 in (len(gone), len(new)) and len(gone) * len(new) > 1:
            # c (a + b) as a + b, in a sum: one term and what stands for it
            whole = Add if kind == "sum" else Mul
            inner, outer = (whole(tuple(e)) if len(e) > 1 else e[0] for e in (gone, new))
            if (inner, outer) != (before, after) and one_place(inner, outer):
                return True
        if len(gone) != 1 or len(new) != 1:
            left = kind == "product" and (term_left(gone, new) or term_left(new, gone))
            beside = kind == "sum" and (beside_root(gone, new) or beside_root(new, gone))
            return left or beside or case_left(kind, gone, new) or case_left(kind, new, gone)
        if (gone[0], new[0]) == (before, after):  # one over something
            if not (isinstance(before, Frac) and isinstance(after, Frac)):  # minus one, which is a product too
                return False
            before, after = before.bottom, after.bottom
        else:
            before, after = gone[0], new[0]
    return True


def as_beside(e: Node, beside: Node) -> Node:
    """``[c]`` beside cases as 1 if c and 0 otherwise, and minus a sum beside a sum as one of what has that sign."""
    match e, beside:
        case Iverson(condition), Cases():
            return Cases(((Int(1), condition),), Int(0))
        case Neg(Reduce("sum", over, body)), Reduce("sum"):
            return Reduce("sum", over, Neg(body))
    return e


def powers(one: Node, two: Node) -> tuple[Node, Node] | None:
    """The exponents of two powers of the same, of which the second is written as what it is or over one."""
    if not isinstance(one, Pow):
        return None
    if two == one.base:
        return one.exponent if isinstance(one.exponent, Add) else Mul((Int(1), one.exponent)), Int(1)
    return (one.exponent, Int(-1)) if isinstance(two, Frac) and two == Frac(Int(1), one.base) else None


def called(e: Node, names: Mapping[str, str] | None = None) -> Node:
    """The indices of sums by how many sums are around, which one sum more or fewer inside does not change."""
    names = names or {}
    match e:
        case Index(name):
            return Index(names.get(name, name))
        case Reduce(op, over, body):
            own = {i: f"{len(names) + n}" for n, i in enumerate(over)}
            return Reduce(op, tuple(own.values()), called(body, {**names, **own}))
    return map_children(e, lambda c: called(c, names))


def inside(e: Node) -> Node:
    """With the minus that stands before a sum as that of its term."""
    if isinstance(e, Neg) and isinstance(e.of, Reduce) and e.of.op == "sum":
        return inside(Reduce("sum", e.of.over, Neg(e.of.body)))
    return map_children(e, inside)


def merged(e: Node) -> Node:
    """A sum of a product of which one factor is a sum as a sum over the indices of both."""
    match e:
        case Reduce("sum", over, Mul(several)) if len(sums := [f for f in several if is_sum(f)]) == 1:
            rest = (f for f in several if f is not sums[0])
            return merged(Reduce("sum", (*over, *sums[0].over), Mul((*rest, *factors(sums[0].body)))))
    return map_children(e, merged)


def is_sum(e: Node) -> TypeGuard[Reduce]:
    return isinstance(e, Reduce) and e.op == "sum"


def one_rule(a: Node, b: Node, put_in: bool = False) -> bool:
    """Whether b is a with less in it, or what people take for it. A term is not ``put_in``, 1/N or a minus may be."""
    a, b = unit(a), unit(b)
    (kind, inner), (other, rest) = parts(a), parts(b)
    whole = rest if kind == other else [b]
    less = minus(inner, whole)
    quotient = len(less) == 2 and Int(-1) not in less and any(isinstance(e, Frac) for e in less)  # t / y
    slope = len(less) == 2 and (stands_in(*less) or stands_in(*less[::-1]))  # s (1 - s)
    numeral = len(less) == 2 and Int(-1) in less and all(map(is_number, less)) and not put_in  # -1/2
    few = len(less) == 1 or quotient or slope or numeral or (less and all(map(one_over_n, less)))
    if kind in (("product",) if put_in else ("sum", "product")) and few and not minus(whole, inner):
        return True
    match a, b:
        case Iverson(), Int(1):
            return True
        case Cases(), _ if b in children(a):
            return True
        case Cases(((first, c),), second), Cases(((d, e),), f):
            return (first, c, second) == (f, e, d)
        case Add((one, two)), Size():
            return one == b and two == Int(-1)  # N - 1
        case Add(more), Add(fewer):
            lengths = any(isinstance(t, Size) for t in fewer)
            return lengths and Counter(more) == Counter(fewer) + Counter([Int(-1)])  # N - c - 1
        case Compare(op, left, right), Compare(next_, l, r):
            return (left, right) == (l, r) and NEXT.get(op) == next_
        case Ref(name, accent, index), Ref(n, c, i):
            return (name, accent) == (n, c) and exchanged(index, i)
        case Add(several), Sqrt():
            return beside_root(several, [b])
        case Pow(Add(several), Int(n)), Pow(v, Frac(Int(m), Int(2))):
            return n == m and beside_root(several, [Sqrt(v)])
        case Iverson(), _ if kind != other:
            return halved(a, rest)
    return False


def unit(e: Node) -> Node:
    """Minus one in one spelling, also as a term and as what a case gives."""
    match e:
        case Neg(Int(1)):
            return Int(-1)
        case Add(terms):
            return Add(tuple(map(unit, terms)))
        case Cases(rows, other):
            return Cases(tuple((unit(v), c) for v, c in rows), unit(other))
    return e


def stands_in(a: Node, b: Node) -> bool:
    return any(a == c or stands_in(a, c) for c in children(b))


def one_over_n(e: Node) -> bool:
    return isinstance(e, Frac) and isinstance(e.bottom, Size)


def is_number(e: Node) -> bool:
    return isinstance(e, Int) or (isinstance(e, Frac) and isinstance(e.top, Int) and isinstance(e.bottom, Int))


def exchanged(one: Sequence[Node], two: Sequence[Node]) -> bool:
    """Whether two indices are exchanged."""
    places = [n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b]
    plain = all(isinstance(i, Index) for i in (*one, *two))
    return plain and len(places) == 2 and [one[n] for n in places] == [two[n] for n in reversed(places)]


def everywhere(before: Node, after: Node) -> bool:
    """Whether one change is made wherever something stands: s (1 - s) has s twice, and so has what a slope is of."""
    pairs: dict[tuple[Node, Node], int] = {}

    def differ(a: Node, b: Node) -> None:
        if a == b:
            return
        inner, other = children(a), children(b)
        same = type(a) is type(b) and len(inner) == len(other) > 0 and not isinstance(a, Ref)
        if same and map_children(a, lambda _: Int(0)) == map_children(b, lambda _: Int(0)):
            for one, two in zip(inner, other, strict=True):
                differ(one, two)
        else:
            pairs[a, b] = pairs.get((a, b), 0) + 1

    differ(before, after)
    return len(pairs) == 1 < max(pairs.values()) and one_place(*next(iter(pairs)))


def halved(bracket: Node, factors: Sequence[Node]) -> bool:
    """Whether a product is half of a bracket and of the one that has equality too."""
    rest = minus(factors, [Frac(Int(1), Int(2))])
    if len(rest) != 1 or len(factors) != 2 or not isinstance(rest[0], Add) or bracket not in rest[0].terms:
        return False
    others = minus(rest[0].terms, [bracket])
    return (
        len(others) == 1 and isinstance(others[0], Iverson) and one_rule(children(bracket)[0], children(others[0])[0])
    )


def term_left(gone: Sequence[Node], new: Sequence[Node]) -> bool:
    """Whether factors are those of one term of a sum of two: r (a - b c) as r a."""
    match gone:
        case [Add((one, two))]:
            return any(Counter(factors(t)) == Counter(new) for t in (one, two))
    return False


def beside_root(apart: Sequence[Node], root: Sequence[Node]) -> bool:
    """Whether a term of a root stands beside it: sqrt(v + epsilon) as sqrt(v) + epsilon."""
    match root:
        case [Sqrt(Add(inside))] if len(apart) == 2:
            return any(isinstance(r, Sqrt) and Counter(inside) == Counter((r.of, e)) for r, e in (apart, apart[::-1]))
    return False


def case_left(kind: Any, gone: Sequence[Node], new: Sequence[Node]) -> bool:
    """Whether factors, or terms, are those of one case: r (a b if c else d) as r a b."""
    of = factors if kind == "product" else terms if kind == "sum" else None
    match gone:
        case [Cases(rows, other)] if of:
            return any(Counter(of(v)) == Counter(new) for v in (*(value for value, _ in rows), other))
    return False


def terms(e: Node) -> list[Node]:
    return list(e.terms) if isinstance(e, Add) else [e]


def minus(one: Sequence[Node], two: Sequence[Node]) -> list[Node]:
    """What the first has and the second has not, as often as it has it more."""
    return list((Counter(one) - Counter(two)).elements())


def unequal(one: Sequence[Node], two: Sequence[Node]) -> list[Node]:
    return [a for a, b in zip(one, two, strict=False) if a != b] if len(one) == len(two) else [*one]


def parts(e: Node) -> tuple[Any, list[Node]]:
    """What kind of node it is and what it is made of: factors, also those below a line; terms."""
    match e:
        case Mul() | Frac() | Neg() | Int(-1):
            return "product", factors(e)
        case Add(terms):
            return "sum", list(terms)
    own = tuple(v for n in e.__dataclass_fields__ if not holds_nodes(v := getattr(e, n)))  # type: ignore[attr-defined]
    return (type(e), own), children(e)


def holds_nodes(value: Any) -> bool:
    return isinstance(value, Node) or (isinstance(value, tuple) and any(map(holds_nodes, value)))


def factors(e: Node) -> list[Node]:
    match e:
        case Neg(Int(1)):
            return [Int(-1)]
        case Neg(of):
            return [Int(-1), *factors(of)]
        case Mul(several):
            return [f for one in several for f in factors(one)]
        case Frac(Int(1), Mul() as bottom):
            return [Frac(Int(1), f) for f in factors(bottom)]
        case Frac(Int(1), _):
            return [e]
        case Frac(top, bottom):
            return [*(f for f in factors(top) if f != Int(1)), *factors(Frac(Int(1), bottom))]
    return [e]
