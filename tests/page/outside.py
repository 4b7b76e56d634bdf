"""What an equation reads where there is no element, and what is said of it beside the equation.

    x counts as zero before the first and behind the last element.
    x is left out of the maximum behind the last element.
    x and y count as zero between two elements.
    Nothing is added to x between two elements.

The indices of every reference are gone through in the worlds drawn; all that is read before the first element of an
array, behind the last or between two must be said, and nothing else. What stands in cases or beside a bracket is read
where these are reached, as far as indices and options say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.page.blocks import Block
from tests.page.parser import expression
from tests.page.symbols import PageError, Symbols
from tests.page.tree import Cases, Equation, Index, Int, Iverson, Mul, Node, Not, Reduce, Ref, children, walk
from tests.page.world import World

PLACES = ("before the first", "behind the last", "between two")
_PLACE = f"(?:{'|'.join(PLACES)})"
_WHERE = rf"({_PLACE}(?:, {_PLACE})*(?: and {_PLACE})?) elements?"
_REFS = r"(⟦\d+⟧(?:, ⟦\d+⟧)*(?: and ⟦\d+⟧)?)"
VERBS = ("count as zero", "are left out of the maximum", "Nothing is added to")
SENTENCE = re.compile(
    rf"(?:{_REFS} (counts? as zero|(?:is|are) left out of the maximum)|({VERBS[2]}) {_REFS}) {_WHERE}\."
)
_ONE = re.sub(r"\((?!\?)", "(?:", SENTENCE.pattern)
WORDS = re.compile(f"{_ONE}(?: {_ONE})*")
Said = Mapping[tuple[Node, str], frozenset[str]]  # reference and verb: where


@dataclass(frozen=True)
class Read:
    """A reference, the indices bound around it, and the conditions under which it is reached."""

    ref: Ref
    over: tuple[str, ...]
    when: tuple[Node, ...]
    verb: str


def said(block: Block | None, texs: Sequence[str], symbols: Symbols, scope: Sequence[str]) -> Said:
    """What sentences say, with this TeX in place of their formulas. Raises DialectError and PageError."""
    found: dict[tuple[Node, str], frozenset[str]] = {}
    for m in SENTENCE.finditer(block.text) if block else ():
        verb = (m[2] or m[3]).replace("counts", "count").replace("is ", "are ", m[3] is None)
        for n in re.findall(r"\d+", m[1] or m[4]):
            ref = expression(texs[int(n)], symbols, tuple(scope))
            if not isinstance(ref, Ref) or (ref, verb) in found:
                raise PageError("no reference, or one of which it was said")
            found[ref, verb] = frozenset(p for p in PLACES if p in m[5])
    return found


def scope_of(e: Equation) -> tuple[str, ...]:
    bound = (i for n in walk(e.right) if isinstance(n, Reduce) for i in n.over)
    return tuple(dict.fromkeys((*e.indices, *bound)))


def reaches(e: Equation, worlds: Sequence[World]) -> bool:
    """Whether an equation may read outside: with an index that is computed, or from before the first position on."""
    assert isinstance(e.left, Ref)
    return bool(first(e.left, worlds)) or any(not plain(r.ref) for r in readings(e.right))


def read_outside(e: Equation, worlds: Sequence[World]) -> Said:
    """What the right side of an equation reads outside."""
    assert isinstance(e.left, Ref)
    begin = first(e.left, worlds)
    reads = [r for r in readings(e.right) if begin or not plain(r.ref)]
    return collected((e.left, e.right), e.indices, reads, worlds, begin)


def added_outside(
    left: Ref, right: Node, loops: Sequence[str], around: Sequence[Node], worlds: Sequence[World]
) -> Said:
    """Where an accumulation has nothing to add to."""
    if plain(left):
        return {}
    when = sure(*(n.condition for n in beside(right)))
    return collected(around, loops, [Read(left, (), when, VERBS[2])], worlds, {})


def collected(
    around: Sequence[Node],
    scope: Sequence[str],
    reads: Sequence[Read],
    worlds: Sequence[World],
    begin: Mapping[str, int],
) -> Said:
    found: dict[tuple[Node, str], set[str]] = {}
    for world in worlds if reads else ():
        for read in reads:
            names = (*scope, *(i for i in read.over if i not in scope))
            place = world.place(read.ref, names)
            tests = [world.compiled(Iverson(c), names) for c in read.when]
            for at in world.points(names, *around, most=3000, begin=begin):
                element = place(at)
                if world.holds(read.ref, element) or not all(test(at) for test in tests):
                    continue
                outside = 2 if None in element else 0 if any(i is not None and i < 0 for i in element) else 1
                found.setdefault((read.ref, read.verb), set()).add(PLACES[outside])
    return {key: frozenset(where) for key, where in found.items()}


def first(left: Ref, worlds: Sequence[World]) -> dict[str, int]:
    """The indices of a left side that begin before 0: where a recurrence does, its adjoint too."""
    found: dict[str, int] = {}
    for world in worlds:
        for (key, n), places in world.evaluator.named.items():
            given = {value for t in world.evaluator.targets[left.key] for p, value in t.constants if p == n}
            if key == left.key and isinstance(i := left.index[n], Index) and min(places - given, default=0) < 0:
                found[i.name] = min(places - given)
    return found


def plain(ref: Ref) -> bool:
    return all(isinstance(i, Index | Int | Ref) for i in ref.index)


def sure(*conditions: Node) -> tuple[Node, ...]:
    """Those conditions that speak of indices and options alone."""
    return tuple(c for c in conditions if not any(isinstance(n, Ref) and n.index for n in walk(c)))


def beside(e: Node) -> Iterator[Iverson]:
    """The brackets that a product has as factors."""
    if isinstance(e, Iverson):
        yield e
    for f in e.factors if isinstance(e, Mul) else ():
        yield from beside(f)


def readings(e: Node, over: tuple[str, ...] = (), when: tuple[Node, ...] = (), verb: str = VERBS[0]) -> Iterator[Read]:
    """Every reference outside index positions."""
    match e:
        case Ref():
            yield Read(e, over, when, verb)
        case Reduce(op, bound, body):
            yield from readings(body, (*over, *bound), when, VERBS[0] if op == "sum" else VERBS[1])
        case Cases(rows, otherwise):
            before: tuple[Node, ...] = ()
            for value, condition in rows:
                yield from readings(condition, over, (*when, *before), verb)
                yield from readings(value, over, (*when, *before, *sure(condition)), verb)
                before = (*before, *sure(Not(condition)))
            yield from readings(otherwise, over, (*when, *before), verb)
        case Mul(factors):
            for f in factors:
                own = sure(*(b.condition for g in factors if g is not f for b in beside(g)))
                yield from readings(f, over, (*when, *own), verb)
        case _:
            for child in children(e):
                yield from readings(child, over, when, verb)


__all__ = ["WORDS", "Said", "added_outside", "reaches", "read_outside", "said", "scope_of"]
