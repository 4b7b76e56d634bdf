"""Finds statements that can run for some rows at a time, so that a target can keep what they make in the cache.

A row is one position of an axis that every statement of the group has as it is: no other position of it is read.
Sums along the axis may end a group: the sums of some rows are added to those of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Ref, Size
from derive.notation.layer import Layer
from derive.program.cases import by_element
from derive.program.ir import Contract, Fold, Function, Loop, Map, Rows, Scatter, Single, Statement, expressions, names


@dataclass(frozen=True)
class Costs:
    """What a target pays for passes over arrays.

    Attributes:
        in_blocks: the functions whose statements run for some rows at a time, where it pays.
        worth: passes over an array, from which on it pays.
        windows: passes that a product of windows is worth, which are copied out before they are multiplied.
        long: functions that go over an array several times.
    """

    in_blocks: frozenset[str] = frozenset()
    worth: int = 2
    windows: int = 3
    long: tuple[str, ...] = ()

    def passes(self, s: Statement) -> int:
        """How often a statement goes over arrays of the largest shape it reads."""
        own = replace(s, there=()) if isinstance(s, Fold | Contract) else s  # seldom looked at
        inside = [(len(x.free(n)), n) for e in expressions(own) for n in x.walk(e) if isinstance(n, Op) and x.free(n)]
        largest = max((indices for indices, _ in inside), default=0)
        count = sum(self.operations(n) for indices, n in inside if indices == largest)
        windows = isinstance(s, Contract) and any(
            x.plain(i) is None for r in x.refs(s.a) + x.refs(s.b) for i in r.index
        )
        return count + (self.windows if windows else not isinstance(s, Map))

    def operations(self, e: Op) -> int:
        """How many array operations a sum, a product or a function is; what numbers come to is one operand."""
        if e.fn in self.long:
            return self.worth
        if e.fn not in ("add", "mul"):
            return not e.fn.startswith("second of")  # made with the first
        arrays = sum(bool(x.free(a)) for a in e.args)
        return arrays - 1 + (arrays < len(e.args))


def grouped(function: Function, layer: Layer, costs: Costs) -> tuple[Statement, ...]:
    """The statements with the largest group of row-wise ones put in a Rows statement, if it is worth it."""
    statements = function.statements
    made = [s.name for s in statements if isinstance(s, Single)]
    if len(set(made)) != len(made) or any(isinstance(s, Loop | Rows) for s in statements):  # an array made in parts
        return statements
    best: tuple[float, tuple[Statement, ...]] = (0, statements)
    for axis in candidates(statements):
        found = around(statements, layer, axis, frozenset(function.needed), costs)
        if found is not None and found[0] > best[0]:
            best = found
    return best[1]


def candidates(statements: tuple[Statement, ...]) -> list[str]:
    """Axes of the statements, the leading ones first."""
    axes = [s.axes for s in statements if isinstance(s, Single)]
    depth = max((len(a) for a in axes), default=0)
    found = dict.fromkeys(a[n] for n in range(depth) for a in axes if len(a) > n)
    return sorted(found, key=lambda a: a != ELLIPSIS)


def around(
    statements: tuple[Statement, ...], layer: Layer, axis: str, keep: frozenset[str], costs: Costs
) -> tuple[float, tuple[Statement, ...]] | None:
    """The group along one axis, and how much work it holds."""
    before: list[Statement] = []
    group: list[Statement] = []
    after: list[Statement] = []
    cuts: dict[str, int | None] = {}
    inside: set[str] = set()
    closed: set[str] = set()  # sums along the axis, and what comes after the group
    sums: set[str] = set()  # those of them that the group makes
    for s in statements:
        reads = read((s,))
        found = None if reads & closed else placed(s, axis, cuts, layer)
        if found is not None and isinstance(s, Single):
            group.append(s)
            cuts = found
            for names_ in [inside] if axis in s.axes else [closed, sums]:
                names_.add(s.name)
        elif isinstance(s, Map) and scales(s, sums):
            group.append(s)
            closed.add(s.name)
            sums.add(s.name)
        elif reads & (inside | closed):
            after.append(s)
            closed |= set(names((s,)))
        else:
            before.append(s)
    if sum(map(costs.passes, group)) < costs.worth:
        return None
    later = read(after) | keep
    own = names(tuple(group))
    results = tuple(n for n in own if n in later)
    joins = tuple(cuts[n] if n in inside else None for n in results)
    mine = read(group) - set(own)
    optional = {t.name for t in layer.inputs if t.optional}
    if all(cuts.get(n) is None for n in mine - optional):  # nothing is there in every call that says how many rows
        return None
    place = max((c or 0 for n, c in cuts.items() if n in mine), default=0)
    work = sum(costs.passes(s) * len(full(s)) for s in group) * (1 - place / 5)  # parts of a later axis are no slabs
    given = tuple((n, cuts.get(n)) for n in sorted(mine, key=lambda n: (cuts.get(n) is None, n)))
    rows = Rows(axis, tuple(group), given, results, joins)
    return work, (*before, rows, *after)


def scales(s: Map, made: set[str]) -> bool:
    """Whether a statement is a sum of the group times numbers: the sums of some rows may be scaled as well as all."""
    if s.axes:
        return False
    sums = [f for f in x.factors(s.body) if isinstance(f, Ref) and f.tensor in made]
    return len(sums) == 1 and not (read((s,)) - {sums[0].tensor})


def read(statements: Iterable[Statement]) -> set[str]:
    """The tensors that statements read."""
    return {r.tensor for s in statements for e in expressions(s) for r in x.walk(e) if isinstance(r, Ref)}


def full(s: Statement) -> tuple[str, ...]:
    """The axes that a statement runs over."""
    if isinstance(s, Fold | Contract | Scatter):
        return s.axes + s.over
    return s.axes if isinstance(s, Map) else ()


def placed(s: Statement, axis: str, cuts: dict[str, int | None], layer: Layer) -> dict[str, int | None] | None:
    """Where each tensor has the axis, a statement's included; None if it cannot run row by row."""
    if not isinstance(s, Map | Fold | Contract) or any(x.plain(e) is None for e in s.left):
        return None
    over = () if isinstance(s, Map) else s.over
    windows = isinstance(s, Contract) and any(x.plain(i) is None for r in x.refs(s.a) + x.refs(s.b) for i in r.index)
    if axis in over and not (isinstance(s, Fold) and s.op == "sum" and axis in x.free(s.body)) and not windows:
        return None
    if axis not in s.axes and axis not in over:
        return None
    if isinstance(s, Fold) and s.op in ("norm", "squares"):
        return None
    if isinstance(s, Contract) and not (axis in x.free(s.a) and axis in x.free(s.b)) and not windows:
        return None
    if isinstance(s, Map | Fold) and {*s.axes, *over} - set(x.free(s.body)):
        return None  # it would be filled up to its shape
    found = dict(cuts)
    if axis in s.axes:
        found[s.name] = s.axes.index(axis)
    return found if all(rowwise(e, axis, found, layer) for e in expressions(s)) else None


def rowwise(e: Expr, axis: str, cuts: dict[str, int | None], layer: Layer) -> bool:
    """Whether an expression reads one position of the axis only; notes where its tensors have it."""
    match e:
        case Pos(index):
            return index != axis and layer.axis(index) != axis  # a derived axis has primes
        case Num() | Opt() | Size():
            return True
        case Ref(tensor, index):
            place = None
            for n, i in enumerate(index):
                if isinstance(i, Ref):
                    if not rowwise(i, axis, cuts, layer):
                        return False
                elif axis in x.free(i):
                    if x.plain(i) != axis or place is not None:
                        return False
                    place = n
            return cuts.setdefault(tensor, place) == place
        case Op("where", (c, a, b)) if not by_element(c) and {*x.free(a)} != {*x.free(b)}:
            return False  # one case would be filled up to the axes of the other
    return all(rowwise(c, axis, cuts, layer) for c in x.children(e))
