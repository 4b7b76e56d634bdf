"""Sums in which a condition leaves one position: an element is read there, and nothing is summed.

``sum((c, p, k), W[c, o, k] * x[b, c, p] * [stride * p + dilation * k - padding == i])``, a transposed convolution, goes
over every p and leaves one, ``(i + padding - dilation * k) / stride``; it is

``sum((c, k), W[c, o, k] * x[b, c, (i + padding - dilation * k) / stride])``,

for an element outside its array is 0, and so is one at a place that is no whole number. What divides by such an element
keeps the condition that it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from derive.calculus.indices import tidy_indices
from derive.notation import expr as x
from derive.notation.affine import affine
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.layer import Layer, Tensor
from derive.notation.text import split_sign
from derive.program.absent import parts
from derive.program.adjoints import before_the_first, known
from derive.program.draft import Draft

WHOLE = {"add", "mul", "floordiv", "exactdiv", "abs", "max", "group"}


def selected(draft: Draft) -> Draft:
    """A sum over positions of which a condition leaves one reads the element that is there."""
    select, early = Select(draft.layer, draft.tensors), draft.places_of_steps

    def one(e: Expr) -> Expr:
        if not (isinstance(e, Reduce) and e.op == "sum"):
            return e
        found = select.sum(e)  # the case that is not taken may lie before an array
        return known(found, early) if found is not e and before_the_first(found, early) else found

    return draft.each_body(one)


@dataclass(frozen=True)
class Found:
    """A summed index that a condition decides.

    Attributes:
        condition: an equation.
        index: the index, which is ``above / below``.
        rank: how good it is not to sum over this one.
    """

    condition: Expr
    index: str
    above: Expr
    below: Expr
    rank: tuple[int, ...]

    @property
    def place(self) -> Expr:
        return self.above if self.below == x.ONE else Op("exactdiv", (self.above, self.below))

    def inside(self, size: Expr) -> Iterator[Expr]:
        """The conditions under which the place is one."""
        yield Op(">=", (self.above, x.ZERO))
        yield Op("<", (self.above, x.mul(self.below, size)))
        if self.below != x.ONE:
            yield Op("==", (x.mul(self.below, Op("floordiv", (self.above, self.below))), self.above))


@dataclass
class Select:
    """Solves conditions for indices of a layer."""

    layer: Layer
    tensors: dict[str, Tensor]

    def sum(self, e: Reduce) -> Expr:
        inside, there = parts(e.body)
        factors, tests = opened(inside)
        given, over, before = [t for t in there if t not in tests], e.over, tests
        factors, tests, marks = self.divided(factors, tests)
        kept: list[Expr] = []
        while (found := self.best(factors, tests, over)) is not None:
            put = {found.index: found.place}
            added = tuple(self.known(found.inside(Size(self.layer.axis(found.index)))))
            true = {found.condition: added[0] if len(added) == 1 else Op("and", added)} if added else {}
            same = dict(sides(found.condition))
            factors = [tidy_indices(x.rename(with_sides(replaced(f, true), same), put)) for f in factors]
            tests = [x.rename(t, put) for t in tests if t != found.condition]
            given, kept, marks = (
                self.known(x.rename(with_sides(t, same), put) for t in every) for every in (given, kept, marks)
            )
            alone = all(isinstance(f, Ref) and found.place in f.index for f in factors if x.refs(f))
            if self.needs(factors, found):
                kept += [c for c in added if c not in kept]
            elif not alone:  # 0 times what another factor has there would be NaN if that is
                marks += [c for c in added if c not in marks]
            over = tuple(i for i in over if i != found.index)
        if tests == before:
            return e
        body = x.mul(*factors, *map(x.iverson, tests))
        body = x.where(both(kept), body, x.ZERO) if kept else body
        marks = [*given, *marks, *(t for t in tests if marks)]
        if not over:
            return x.where(both(marks), body, x.ZERO) if marks else body
        return Reduce("sum", over, Op("there", (body, *marks)) if marks else body)

    def known(self, conditions: Iterable[Expr]) -> list[Expr]:
        """The conditions that may not hold."""
        return [c for c in dict.fromkeys(conditions) if not self.holds(c)]

    def holds(self, c: Expr) -> bool:
        """Whether a condition surely holds: a sum of what is never negative is not negative."""
        counted = {o.name for o in self.layer.options if o.kind in ("Count", "Natural")}

        def natural(e: Expr) -> bool:
            match e:
                case Num(value):
                    return value >= 0
                case Opt(name):
                    return name in counted
                case Op("add" | "mul" | "floordiv", args):
                    return all(map(natural, args))
            return isinstance(e, Pos | Size)

        match c:
            case Op("<", (Pos(index), Size(axis))):
                return self.layer.axis(index) == self.layer.axis(axis)
            case Op(">=", (a, x.ZERO)):
                return natural(a)
        return False

    def best(self, factors: list[Expr], tests: list[Expr], over: tuple[str, ...]) -> Found | None:
        """The index that it is best not to sum over."""
        every = (f for c in tests for f in self.solutions(c, factors, over))
        return max(every, key=lambda f: f.rank, default=None)

    def solutions(self, condition: Expr, factors: list[Expr], over: tuple[str, ...]) -> Iterator[Found]:
        """The indices that an equation may be solved for."""
        if not (isinstance(condition, Op) and condition.fn == "==" and all(map(self.whole, condition.args))):
            return
        difference = x.sub(*condition.args)
        for index in over:
            found = affine(difference, index) if index in x.free(difference) else None
            if found is None or not self.positive(found[0]) or self.guard(index, factors) is None:
                continue
            negative, below = split_sign(found[0])
            above = found[1] if negative else x.neg(found[1])
            others = {self.layer.axis(i) for i in x.free(above)}
            rank = self.rank(condition, index, below, others, factors, over)
            yield Found(condition, index, above, below, rank)

    def rank(
        self, condition: Op, index: str, below: Expr, others: set[str], factors: list[Expr], over: tuple[str, ...]
    ) -> tuple[int, ...]:
        """Of several indices it is the long one, so that what is left is the sum over the positions of a window."""
        sizes = [n for n in x.walk(self.layer.sizes.get(self.layer.axis(index), x.ZERO)) if isinstance(n, Size)]
        computed = any(self.layer.axis(n.axis) in others for n in sizes)
        of_options = self.layer.axis(index) in self.layer.sizes and not sizes
        guard = self.guard(index, factors)
        own = {i for i in x.free(guard) if i not in over} if guard is not None else set()
        inputs = [self.layer.axis(a) for t in self.layer.inputs for a in t.axes]
        order = inputs.index(self.layer.axis(index)) if self.layer.axis(index) in inputs else len(inputs)
        return (
            below == x.ONE and (computed or Pos(index) in condition.args),
            not of_options,
            below != x.ONE,
            len(own),
            -order,
        )

    def guard(self, index: str, factors: Iterable[Expr]) -> Ref | None:
        """A factor that is 0 wherever the index is outside its range."""
        for f in factors:
            if isinstance(f, Ref) and Pos(index) in f.index:
                axis = self.tensors[f.tensor].axes[f.index.index(Pos(index))]
                if self.layer.axis(axis) == self.layer.axis(index) and not self.tensors[f.tensor].sequence:
                    return f
        return None

    def needs(self, factors: list[Expr], found: Found) -> bool:
        """Whether something stands in a product that may be infinite where the place is outside, or no number."""
        there = (f for f in factors if not isinstance(f, Ref) and found.place in x.walk(f))
        return any(isinstance(n, Op) and singular(n) for f in there for n in x.walk(f))

    def whole(self, e: Expr) -> bool:
        """Whether an expression is a whole number for sure."""
        match e:
            case Num(value):
                return value.denominator == 1
            case Opt(name):
                return any(o.name == name and o.kind in ("Count", "Natural", "Integer") for o in self.layer.options)
            case Ref(tensor, index):
                return self.tensors[tensor].kind == "integer" and all(map(self.whole, index))
            case Op("where", (_, a, b)):
                return self.whole(a) and self.whole(b)
            case Op(fn, args):
                return fn in WHOLE and all(map(self.whole, args))
        return isinstance(e, Pos | Size)

    def place(self, test: Expr) -> tuple[str, Expr] | None:
        """``place == index``, where what gives the place is a whole number: the index, and the place."""
        if isinstance(test, Op) and test.fn == "==":
            for a, b in sides(test):
                if isinstance(b, Pos) and b.index not in x.free(a) and self.whole(a):
                    return b.index, a
        return None

    def positive(self, coefficient: Expr) -> bool:
        """Whether an index's coefficient is surely not 0, and its size positive."""
        counts = {o.name for o in self.layer.options if o.kind == "Count"}
        return all(
            (isinstance(f, Num) and f.value != 0) or isinstance(f, Size) or (isinstance(f, Opt) and f.name in counts)
            for f in x.factors(coefficient)
        )

    def divided(self, factors: list[Expr], tests: list[Expr]) -> tuple[list[Expr], list[Expr], list[Expr]]:
        """``x[e // s]`` where ``s * (e // s) == e`` holds as ``x[e / s]``, and ``e // s == p`` as ``e == s * p``."""
        tests = self.joined(tests)
        for test in [t for t in tests if isinstance(t, Op) and t.fn == "=="]:
            for a, b in sides(test):
                match [f for f in x.factors(a) if isinstance(f, Op) and f.fn == "floordiv"]:
                    case [Op(args=(above, below)) as whole] if above == b and a == x.mul(below, whole):
                        exact = Op("exactdiv", (above, below))
                        others = [t for t in tests if t != test]
                        solved = [multiplied(t, whole, above, below) for t in others]
                        read = any(isinstance(f, Ref) and whole in f.index for f in factors)
                        if read or solved != others:
                            factors = [replaced(f, {whole: exact}) for f in factors]
                            return factors, solved, [test] * (solved == others and len(factors) > 1)
        return factors, tests, []

    def joined(self, tests: list[Expr]) -> list[Expr]:
        """``e // s == p`` and ``e - s * (e // s) == r``, quotient and remainder, as ``e == s * p + r``."""
        for test, (found, whole) in ((t, f) for t in tests if (f := self.place(t)) is not None):
            if not (isinstance(whole, Op) and whole.fn == "floordiv" and self.positive(whole.args[1])):
                continue
            above, below = whole.args
            for other, (rest, less) in ((t, f) for t in tests if (f := self.place(t)) is not None):
                if less == x.sub(above, x.mul(below, whole)):
                    one = Op("==", (above, x.add(x.mul(below, Pos(found)), Pos(rest))))
                    fits = [] if self.layer.sizes.get(self.layer.axis(rest)) == below else [Op("<", (Pos(rest), below))]
                    return self.joined([one, *fits, *(t for t in tests if t not in (test, other))])
        return tests


def both(conditions: list[Expr]) -> Expr:
    """That all of some conditions hold."""
    return conditions[0] if len(conditions) == 1 else Op("and", tuple(conditions))


def replaced(e: Expr, table: dict[Expr, Expr]) -> Expr:
    return x.transform(e, table.get) if table else e


def opened(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """The factors of a product, and the conditions under which it is not 0."""
    factors: list[Expr] = []
    tests: list[Expr] = []
    for f in x.factors(e):
        match f:
            case Op("iverson", (c,)):
                tests += c.args if isinstance(c, Op) and c.fn == "and" else [c]
            case Op("where", (c, a, x.ZERO)):
                inner, more = opened(a)
                factors += inner
                tests += [*(c.args if isinstance(c, Op) and c.fn == "and" else [c]), *more]
            case _:
                factors.append(f)
    return factors, list(dict.fromkeys(tests))


def sides(equation: Expr) -> list[tuple[Expr, Expr]]:
    """An equation, from the left and from the right."""
    assert isinstance(equation, Op)
    a, b = equation.args
    return [(a, b), (b, a)]


def with_sides(e: Expr, same: dict[Expr, Expr]) -> Expr:
    """An expression in which a place that is equal to an index is that index."""

    def visit(node: Expr) -> Expr | None:
        other = same.get(node)
        return other if isinstance(other, Pos) and not isinstance(node, Pos) else None

    return x.transform(e, visit)


def multiplied(test: Expr, whole: Expr, above: Expr, below: Expr) -> Expr:
    """``e // s == p`` as ``e == s * p``, where the division leaves nothing."""
    if isinstance(test, Op) and test.fn == "==":
        for a, b in sides(test):
            if a == whole:
                return Op("==", (above, x.mul(below, b)))
    return test


def singular(e: Op) -> bool:
    """Whether an expression may be infinite, or no number, where its argument is 0."""
    match e:
        case Op("pow", (_, Num(value))):
            return value < 0
    return e.fn in ("pow", "log", "xdivy", "xlogy", "exp")
