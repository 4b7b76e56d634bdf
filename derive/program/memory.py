"""Where arrays are made that statements write to in parts, and which live for one step of a loop only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import UnionType

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Layer
from derive.program.draft import Draft
from derive.program.in_place import references, terms_of
from derive.program.ir import (
    Array,
    Both,
    Contract,
    Fold,
    Function,
    Invoke,
    Loop,
    Make,
    Map,
    Rows,
    Single,
    Statement,
    names,
)
from derive.program.rows import Costs


def allocated(draft: Draft) -> Draft:
    """An array that is written to in parts is made before the first of them; one that lives for a step is not."""
    return draft.each_function(lambda f: tuple(Allocation(draft.layer, f, f.arrays).run()))


def with_room(draft: Draft, costs: Costs | None) -> Draft:
    """A result says in whose memory it may be, or in memory like whose.

    What is one operation on arrays of the largest shape takes memory such as one of them has. To a product that is a
    term of the only sum that reads it, and as large as that, the rest is added.
    """
    return draft.each_function(lambda f: tuple(Room(f, costs).placed(s) for s in f.statements))


@dataclass(frozen=True)
class Room:
    """Finds memory for the results of one function."""

    function: Function
    costs: Costs | None

    def placed(self, s: Statement, inside: bool = False, looped: bool = False) -> Statement:
        match s:
            case Loop() | Rows():
                looped = looped or isinstance(s, Loop)
                return replace(s, body=tuple(self.placed(b, isinstance(s, Rows), looped) for b in s.body))
            case Map() if s.left == tuple(map(Pos, s.axes)):
                return replace(s, like=("" if inside else self.room(s)) or ("" if looped else self.product(s)))
        return s

    def room(self, s: Map) -> str:
        """The array like which memory is found for a result; empty where there is none."""
        f, arrays = self.function, self.function.arrays
        largest = len(s.axes) == max(len(a.axes) for a in arrays.values())
        if self.costs is None or f.name not in self.costs.in_blocks or s.name not in f.needed or not largest:
            return ""
        single = [e for e in cases(s.body) if self.costs.passes(replace(s, body=e)) == 1]
        read = (r.tensor for e in single for r in x.refs(e) if r.index == s.left and arrays[r.tensor].axes == s.axes)
        return next((n for n in read if arrays[n].kind == "real" and n not in self.inline(Fold | Contract)), "")

    def product(self, s: Map) -> str:
        """The product in whose memory a result may be."""
        own = self.inline(Contract)
        terms = (t for t in terms_of(s) if isinstance(t, Ref) and t.index == s.left)
        return next((t.tensor for t in terms if t.tensor in own and own[t.tensor].axes == s.axes), "")

    def inline(self, kind: type[Fold] | type[Contract] | UnionType) -> dict[str, Single]:
        """What is read once, by the next statement."""
        every = (w for s in self.function.statements for w in singles(s))
        return {w.name: w for w in every if isinstance(w, kind) and isinstance(w, Fold | Contract) and w.inline}


def cases(e: Expr) -> tuple[Expr, ...]:
    """What a condition without axes decides between, or the expression as it is."""
    match e:
        case Op("where", (condition, a, b)) if not x.free(condition):
            return a, b
    return (e,)


@dataclass
class Allocation:
    """Goes through the statements of a function.

    Attributes:
        made: the arrays that are there as a whole.
    """

    layer: Layer
    function: Function
    arrays: Mapping[str, Array]
    made: set[str] = field(default_factory=set)

    def run(self) -> Iterator[Statement]:
        for s in self.function.statements:
            if isinstance(s, Loop):
                s = replace(s, local=self.local(s))
                if not self.is_list_of_entries(s):
                    yield from (self.make(n) for n in names((s,)) if n not in self.made | s.local)
            else:
                yield from (self.make(n) for n in dict.fromkeys(self.parts(s)) if n not in self.made)
            self.made |= {*names((s,))} - {*self.parts(s)}
            yield s

    def parts(self, s: Statement) -> list[str]:
        """The arrays of which a statement outside loops writes a part."""
        written = [r for r in targets(s) if not all(map(x.plain, r.index)) or self.arrays[r.tensor].early]
        return [r.tensor for r in written]

    def local(self, s: Loop) -> frozenset[str]:
        """The arrays of which a loop needs the element of its own position only, and nothing else needs any."""
        others = [o for o in self.function.statements if o is not s]
        elsewhere = {r.tensor for r in references(others)}.union(names(tuple(others)), self.function.needed)
        shifted = {r.tensor for r in references([s]) if r.index[:1] != (Pos(s.axis),)}
        partial = {r.tensor for b in s.body if not isinstance(b, Invoke) for r in targets(b)
                   if not all(map(x.plain, r.index))}  # fmt: skip
        along = {n for n in names((s,)) if self.arrays[n].axes[:1] == (s.axis,)}
        return frozenset(along - elsewhere - shifted - partial)

    def is_list_of_entries(self, s: Loop) -> bool:
        """Whether a loop makes lists, entry by entry, and no entry needs another one."""
        inside = {*names((s,))}
        shifted = any(r.tensor in inside and r.index[:1] != (Pos(s.axis),) for r in references([s]))
        every = all(
            isinstance(b, Map) and self.arrays[b.name].listed and b.name not in self.made and all(map(x.plain, b.left))
            for b in s.body
        )
        return every and not (shifted or s.local or s.backwards)

    def make(self, name: str) -> Make:
        """What an array holds before: nothing, if statements write to every place of it."""
        self.made.add(name)
        if self.arrays[name].listed:
            return Make(name, "zeros")
        writes = [w for s in self.function.statements for w in singles(s) if name in names((w,))]
        maps = [w for w in writes if isinstance(w, Map)]
        if len(maps) == len(writes) and not any(w.adds for w in maps) and self.everywhere(name, [w.left for w in maps]):
            return Make(name, "nothing")
        handed = any(not w.adds and x.free(w.left[0]) and x.plain(w.left[0]) is None for w in maps if w.left)
        return Make(name, "zeros at the end" if handed else "zeros")

    def everywhere(self, name: str, writes: list[tuple[Expr, ...]]) -> bool:
        """Whether the places that are written to are all of an array."""
        apart = 0
        array = self.arrays[name]
        for axis, start, *indices in zip(array.axes, array.starts, *writes, strict=True):
            places = {int(i.value) for i in indices if isinstance(i, Num)}
            plain = [i for i in indices if x.plain(i)]
            size = self.layer.sizes.get(axis)
            each = isinstance(size, Num) and places == set(range(int(size.value)))
            if len(plain) + sum(isinstance(i, Num) for i in indices) < len(indices) or not (
                each or (plain and places == ({start} if start else set()))
            ):
                return False
            apart += bool(places)
        return apart < 2


def singles(s: Statement) -> Iterator[Single | Invoke]:
    """Statements that compute arrays, those inside others too."""
    match s:
        case Loop() | Rows():
            yield from (w for b in s.body for w in singles(b))
        case Both(first, second):
            yield from (first, second)
        case Make():
            pass
        case _:
            yield s


def targets(s: Statement) -> Iterable[Ref]:
    """What a statement writes to."""
    for w in singles(s):
        yield from (ref for _, ref in w.results) if isinstance(w, Invoke) else [Ref(w.name, w.left)]
