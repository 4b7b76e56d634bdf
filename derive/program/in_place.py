"""Lets a loop add to an array that is there already, and assign where it would add to zeros.

``a[t, n] = f(...)`` for all t, then ``s[t, n] = a[t, n] + g(s[t - 1, ...])`` in a loop: if nothing else reads a, the
loop adds to it in place, under the name s. ``dh[t - 1, n] += f(...)`` in a loop that goes backwards is the first that
dh[t - 1, n] gets: it is assigned, and only the last position begins as zeros.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Pos, Ref
from derive.program.dependence import position, shift_of
from derive.program.ir import Contract, Function, Loop, Map, Statement, expressions, names


def accumulated(function: Function) -> tuple[Statement, ...]:
    """The statements with such arrays under the loop's name."""
    reads = Counter(r.tensor for r in references(function.statements))
    before = {
        s.name: s.left for s in function.statements
        if isinstance(s, Map | Contract) and is_new(s) and reads[s.name] == 1 and s.name not in function.needed
    }  # fmt: skip
    renamed: dict[str, str] = {}

    def visit(s: Statement, loop: Loop) -> Statement:
        terms = terms_of(s)
        if not (isinstance(s, Map) and terms):
            return s
        if any(r.tensor == s.name and position(r, loop.axis) != 0 for r in references([loop])):
            return s
        for term in terms:
            if isinstance(term, Ref) and term.index == s.left == before.get(term.tensor):
                renamed[term.tensor] = s.name
                return replace(s, body=Op("add", (Ref(s.name, s.left), *(t for t in terms if t != term))))
        return s

    statements = [
        replace(s, body=tuple(visit(b, s) for b in s.body)) if isinstance(s, Loop) else s for s in function.statements
    ]
    return tuple(
        replace(s, name=renamed[s.name]) if isinstance(s, Map | Contract) and s.name in renamed else s
        for s in statements
    )


def begun(function: Function) -> tuple[Statement, ...]:
    """The statements with the first of what a backward loop hands to the position before assigned to it."""
    alone = Counter(name for s in function.statements for name in names((s,)))

    def visit(loop: Loop) -> Loop:
        body: list[Statement] = []
        for s in loop.body:
            if isinstance(s, Map) and s.adds and hands_back(s) and alone[s.name] == 1:
                earlier = any(b.name == s.name and b.left == s.left for b in body if isinstance(b, Map))
                s = s if earlier else replace(s, body=x.add(*x.terms(s.body)[1:]))
            body.append(s)
        return replace(loop, body=tuple(body))

    return tuple(visit(s) if isinstance(s, Loop) and s.backwards else s for s in function.statements)


def hands_back(s: Map) -> bool:
    """Whether a statement of a loop along its array's first axis writes to all of the position before."""
    shift = shift_of(s.left[0]) if s.left else None
    return shift is not None and shift[1] == -1 and all(map(x.plain, s.left[1:]))


def terms_of(s: Statement) -> tuple[Expr, ...]:
    """The terms of a whole array that is a sum; none of any other statement."""
    match s:
        case Map(left=left, axes=axes, body=Op("add", terms)) if left == tuple(map(Pos, axes)):
            return terms
    return ()


def is_new(s: Map | Contract) -> bool:
    """Whether a statement makes a whole array whose memory is surely no other's."""
    return bool(terms_of(s)) or (isinstance(s, Contract) and s.left == tuple(map(Pos, s.axes)))


def references(statements: Iterable[Statement]) -> list[Ref]:
    """What statements read, repeated where it is read again."""
    return [n for s in statements for e in expressions(s) for n in x.walk(e) if isinstance(n, Ref)]
