"""What a page's equations cost at given sizes, counted from its own trees: the number that a cost formula must give.

The rules are the page's: a subexpression counts once for each value of the indices it depends on, and once however
often it is written; a sum of N terms is N - 1 additions, a difference an addition; what leaves the fewest indices is
combined first; signs, sizes, options and conditions are free, but a product with a constant is one multiplication and a
quotient by one is too. Of cases the longer one is counted, of equally long ones the first or the last. Numerals of a
product are one constant, which stands above or below the line, wherever the fewest indices are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tests.page.arithmetic import EvaluationError
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
    children,
    map_children,
    walk,
)  # fmt: skip
from tests.page.world import World, renamed

INDEX = re.compile(r"Index\(name='[^']*'\)|over=\([^)]*\)")
KINDS = ("multiplications", "additions", "divisions", "functions")


@dataclass(frozen=True)
class Number(Node):
    """A numeral of a product."""

    value: Fraction


@dataclass
class Counter:
    """Counts one pass after the other equation; ``found`` has the totals."""

    world: World
    case: str = "longest"
    apart: bool = True
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    seen: set[Node] = field(default_factory=set)
    equation: Equation = field(init=False)
    begin: dict[str, int] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    known: dict[tuple[frozenset[str], tuple[str, ...]], int] = field(default_factory=dict)

    def passes(self, equations: Iterable[Equation]) -> dict[str, int]:
        for equation in equations:
            if isinstance(equation.left, Ref):
                self.equation, self.known = equation, {}
                listed = self.world.sequence(equation.indices, Add((equation.left, equation.right)))
                places = self.world.evaluator.named
                early = {i for n, i in enumerate(equation.indices) if -1 in places.get((equation.key, n), ())}
                self.begin = {i: -1 for i in listed if i in early}  # before the first entry of a list
                self.count(equation.right)
        return self.found

    # how many

    def number(self, indices: Iterable[str], among: Iterable[str] = ()) -> int:
        """How many values some indices take together, where the others of ``among`` have any."""
        names = frozenset(i for i in indices if i not in self.skipped)
        every = sorted(names | {i for i in among if i not in self.skipped})
        key = names, tuple(every)
        if key not in self.known:
            sides = (self.equation.left, self.equation.right)
            points = self.world.points(every, *sides, most=10**9, begin=self.begin)
            self.known[key] = len({tuple(v for n, v in zip(every, p, strict=True) if n in names) for p in points})
        return self.known[key]

    def tally(self, kind: str, indices: Iterable[str], times: int = 1) -> None:
        self.found[kind] += times * self.number(indices)

    # nodes

    def data(self, e: Node) -> bool:
        return any(isinstance(n, Ref) and not self.world.evaluator.symbols.by_name[n.name].option for n in walk(e))

    def count(self, e: Node) -> None:
        while isinstance(e, Neg):
            e = e.of
        key = numbered(e)
        if key in self.seen or not self.data(e):
            return
        self.seen.add(key)
        match e:
            case Add(terms):
                self.combine([t for t in terms if not self.gated(t)], "additions")
                self.each(terms)
            case Mul() | Frac():
                self.product(e)
            case Pow(base, exponent):
                self.power(base, exponent)
                self.count(base)
            case Sqrt(of) | Abs(of):
                self.tally("functions", free(of))
                self.count(of)
            case Call(_, args):
                self.tally("functions", free(e))
                self.each(args)
            case Cases(rows, otherwise):
                self.each(c for _, c in rows)
                values = [*(v for v, _ in rows), otherwise]
                pick = min if self.case == "shortest" else max
                self.count(pick(values[:: -1 if self.case == "last" else 1], key=lambda v: len(list(walk(v)))))
            case Reduce(op, over, body):
                self.reduction(op, over, body)
            case Iverson() | Compare() | And() | Or() | Not() | Floor():
                self.each(children(e))

    def each(self, parts: Iterable[Node]) -> None:
        for part in parts:
            self.count(part)

    def reduction(self, op: str, over: tuple[str, ...], body: Node) -> None:
        self.count(body)
        outer, before = free(body) - set(over), self.skipped
        fixed = self.picked(body, over) if op == "sum" else frozenset()
        self.skipped = before | fixed
        self.known = {}
        every, results = self.number(outer | set(over)), self.number(outer, over)
        self.found["additions" if op == "sum" else "functions"] += every if fixed - before else every - results
        self.skipped, self.known = before, {}

    def picked(self, body: Node, over: Sequence[str]) -> frozenset[str]:
        """Indices that a condition t = i fixes, for an i that is not summed over: each place is visited once."""
        conditions = [f.condition for f in factors(body)[0] if isinstance(f, Iverson)]
        equal = [c for c in conditions if isinstance(c, Compare) and c.op == "="]
        pairs = [(c.left, c.right) for c in equal if isinstance(c.left, Ref) or isinstance(c.right, Ref)]
        return frozenset(a.name for p in pairs for a in p if isinstance(a, Index) and a.name not in over)

    def combine(self, parts: Sequence[Node], kind: str) -> frozenset[str]:
        """Operands one after the other: those without data first, then what leaves the fewest indices."""
        indices: frozenset[str] = frozenset()
        started = data = False
        waiting = sorted(parts, key=lambda p: (self.data(p), len(free(p))))
        while waiting:
            part = min(waiting, key=lambda p: (self.data(p), len(indices | free(p))))
            waiting.remove(part)
            indices |= free(part)
            data = data or self.data(part)
            if started and data:
                self.tally(kind, indices)
            started = True
        return indices

    def product(self, e: Node) -> None:
        above, below = factors(e)
        above, below = [a for a in above if not selects(a)], [b for b in below if not selects(b)]
        if not self.apart and not all(map(self.data, below)):  # x / (2 N) is one quotient
            above = [a for a in above if not isinstance(a, Number)]
        top_free, bottom_free = (frozenset(i for p in side for i in free(p)) for side in (above, below))
        if below and all(map(self.data, below)) and any(map(self.data, above)) and len(bottom_free) < len(top_free):
            below += [a for a in above if isinstance(a, Number)]  # what leaves the fewest indices
            above = [a for a in above if not isinstance(a, Number)]
        top, bottom = self.combine(above, "multiplications"), self.combine(below, "multiplications")
        if any(map(self.data, below)):
            self.tally("divisions", top | bottom)
        elif below and any(map(self.data, above)):
            self.tally("multiplications", top)
        self.each(f for part in factors(e) for f in part)

    def power(self, base: Node, exponent: Node) -> None:
        value = value_of(exponent)
        if value is not None and value.denominator == 1:
            self.tally("multiplications", free(base), int(value) - 1)
        else:
            self.tally("functions", free(base) | free(exponent))
            if value is not None and value.numerator > 1:
                self.tally("multiplications", free(base), value.numerator - 1)

    def gated(self, term: Node) -> bool:
        """A term that a condition puts in the place of the others: nothing is added."""
        return any(map(selects, factors(term)[0]))


def selects(e: Node) -> bool:
    return isinstance(e, Iverson) or (isinstance(e, Cases) and (e.rows[0][0], e.otherwise) == (Int(1), Int(0)))


def factors(e: Node) -> tuple[list[Node], list[Node]]:
    """What a product multiplies and what it divides by; signs left out, numerals as one."""
    above: list[Node] = []
    below: list[Node] = []

    def go(node: Node, up: list[Node], down: list[Node]) -> None:
        match node:
            case Neg(of):
                go(of, up, down)
            case Mul(parts):
                for part in parts:
                    go(part, up, down)
            case Frac(top, bottom):
                go(top, up, down)
                go(bottom, down, up)
            case _:
                up.append(node)

    go(e, above, below)
    numeral = Fraction(1)
    for part in above:
        numeral *= part.value if isinstance(part, Int) else 1
    for part in below:
        numeral /= part.value if isinstance(part, Int) else 1
    above = [a for a in above if not isinstance(a, Int)]
    below = [b for b in below if not isinstance(b, Int)]
    if numeral != 1:
        above.append(Number(numeral))
    return above, below


def value_of(e: Node) -> Fraction | None:
    match e:
        case Int(value):
            return Fraction(value)
        case Frac(Int(a), Int(b)):
            return Fraction(a, b)
    return None


def free(e: Node) -> frozenset[str]:
    """The indices that an expression depends on."""
    match e:
        case Index(name):
            return frozenset({name})
        case Reduce(_, over, body):
            return free(body) - set(over)
    return frozenset(i for child in children(e) for i in free(child))


def numbered(e: Node) -> Node:
    """The same tree, factors and terms sorted, with its indices numbered in the order in which they appear."""
    names: dict[str, str] = {}

    def go(node: Node) -> Node:
        match node:
            case Index(name):
                return Index(names.setdefault(name, f"#{len(names)}"))
            case Reduce(op, over, body):
                inner = {i: Index(f"%{n}.{len(names)}") for n, i in enumerate(over)}
                for index in inner.values():
                    names[index.name] = index.name
                return Reduce(op, tuple(i.name for i in inner.values()), go(renamed(body, inner)))
        return map_children(node, go)

    return go(ordered(e))


def ordered(e: Node) -> Node:
    """A tree whose factors and terms are sorted, by what they are but for the names of their indices."""
    inside = map_children(e, ordered)
    match inside:
        case Mul(parts):
            return Mul(tuple(sorted(parts, key=nameless)))
        case Add(parts):
            return Add(tuple(sorted(parts, key=nameless)))
    return inside


def nameless(e: Node) -> str:
    return INDEX.sub("Index()", repr(e))


def amount(e: Node, world: World, entry: int | None = None) -> int:
    """A cost formula's value: integers, sizes, sums over the entries of a list. Raises EvaluationError."""
    sizes = world.evaluator.sizes
    match e:
        case Int(value):
            return value
        case Size(axis):
            if entry is not None and axis in sizes.ragged:
                return sizes.ragged[axis][entry]
            return world.evaluator.length(axis)
        case Ref(name, "", ()):
            return int(world.evaluator.options[name])
        case Neg(of):
            return -amount(of, world, entry)
        case Add(terms):
            return sum(amount(t, world, entry) for t in terms)
        case Mul(parts):
            product = 1
            for part in parts:
                product *= amount(part, world, entry)
            return product
        case Pow(base, Int(power)):
            return int(amount(base, world, entry) ** power)
        case Reduce("sum", (_,), body):
            length = max(map(len, sizes.ragged.values()), default=0)
            return sum(amount(body, world, n) for n in range(length))
    raise EvaluationError(f"not a number of operations: {e}")
