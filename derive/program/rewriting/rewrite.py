"""Applies rows of the table to expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from derive.notation import expr as x
from derive.notation.define import PROJECT, REGISTRY
from derive.notation.expr import Expr, Op, Reduce, Ref
from derive.program.rewriting.pattern import Definitions, Matcher, nothing, put
from derive.program.rewriting.row import BEND, Row, logistic, slope, tanh
from derive.program.rewriting.sums import exponent_of

ANY = x.Opt("%")
LARGEST = 1000  #: nodes of a sum in which multiples of other sums are looked for: that takes the square of their number
#: What the project's layers of these names are, in words of the table.
CALLED: dict[str, Op] = {
    "sigmoid": logistic(ANY),
    "sigmoid'": slope(ANY),
    "sigmoid''": Op(BEND, (ANY,)),
    "tanh": tanh(ANY),
    "tanh'": slope(ANY, 2, 4),
}


def called(fn: str) -> Op | None:
    """What a function is in words of the table; a user's layer of the name of one of the project is another."""
    name = fn.rstrip("'")
    return CALLED.get(fn) if REGISTRY.get(name) is PROJECT.get(name) else None


@dataclass
class Rewriter:
    """Rewrites expressions, and remembers why.

    Attributes:
        definitions: what names are names of.
        called: what functions are in words of the table.
        positive: what is known to be positive, beside numbers.
        used: the reasons of the rows that were used.
    """

    definitions: Definitions = nothing
    called: Mapping[str, Op] = field(default_factory=dict)
    positive: frozenset[Expr] = frozenset()
    used: dict[str, None] = field(default_factory=dict)
    _words: dict[Expr, frozenset[str]] = field(default_factory=dict)
    _sizes: dict[Expr, int] = field(default_factory=dict)
    _done: dict[tuple[Row, ...], dict[Expr, Expr]] = field(default_factory=dict)

    def run(self, e: Expr, rows: Iterable[Row]) -> Expr:
        """An expression with every row applied wherever it fits, innermost first."""
        rows = tuple(rows)
        return self.everywhere(e, rows, self._done.setdefault(rows, {}))

    def everywhere(self, e: Expr, rows: tuple[Row, ...], done: dict[Expr, Expr]) -> Expr:
        """That; each expression once, for those that grow hold the same ones many times."""
        known = done.get(e)
        if known is None:
            known = self.at(e, rows, early=True)
            if known is None:
                inside = x.rebuild(e, lambda child: self.everywhere(child, rows, done))
                known = self.at(inside, rows) or inside
            done[e] = known
        return known

    def at(self, e: Expr, rows: tuple[Row, ...], early: bool = False) -> Expr | None:
        """What the first row that fits the whole expression makes of it."""
        if not isinstance(e, Op):
            return None
        for row in rows:
            if early and not row.early:
                continue
            assert isinstance(row.before, Op)
            if row.before.fn != e.fn or not self.needs(row) <= self.words(e):
                continue
            if e.fn == "add" and self.size(e) > LARGEST:
                continue
            matcher = Matcher(self.definitions if row.through else nothing, self.called)
            for found, common, rest in matcher.top(row.before, e):
                if row.when(found, self):
                    self.used[row.reason] = None
                    after = x.mul(common, put(row.after, found))
                    return self.run(x.add(after, *rest) if e.fn == "add" else x.mul(after, *rest), rows)
        return None

    def is_positive(self, e: Expr) -> bool:
        """Whether a number is known to be above 0."""
        match e:
            case x.Num(value):
                return value > 0
            case Op("mul" | "add", args):
                return all(map(self.is_positive, args))
            case Op("pow", (a, x.Num(value))):
                return self.is_positive(a)
            case Op("exp", _):
                return True
        return isinstance(e, x.Size) or e in self.positive or e == x.PI

    def is_given(self, e: Expr) -> bool:
        """Whether it is the name of an argument."""
        return isinstance(e, Ref) and self.definitions(e) is None

    def is_total(self, e: Expr) -> bool:
        """Whether it is a sum of exponentials that has a name, or made of such, exponentials and positive numbers."""
        match e:
            case Op("exp", _):
                return True
            case Op("mul" | "add", args):
                return any(map(self.is_total, args)) and all(self.is_total(a) or self.is_positive(a) for a in args)
        made = self.definitions(e) if isinstance(e, Ref) else None
        if not isinstance(made, Reduce) or made.op != "sum":
            return False
        inside = self.definitions(made.body) if isinstance(made.body, Ref) else made.body
        return inside is not None and exponent_of(inside) is not None

    def size(self, e: Expr) -> int:
        """How many nodes an expression has."""
        known = self._sizes.get(e)
        if known is None:
            known = self._sizes[e] = 1 + sum(map(self.size, x.children(e)))
        return known

    def needs(self, row: Row) -> frozenset[str]:
        return self.words(row.before)

    def words(self, e: Expr) -> frozenset[str]:
        """The functions in an expression, and in what its names are names of."""
        known = self._words.get(e)
        if known is None:
            found: set[str] = set()
            if isinstance(e, Op):
                found.add(self.called[e.fn].fn if e.fn in self.called else e.fn)
            inside = self.definitions(e) if isinstance(e, Ref) else None
            for child in (*x.children(e), *([inside] if inside is not None else [])):
                found |= self.words(child)
            known = self._words[e] = frozenset(found - {"add", "mul"})
        return known
