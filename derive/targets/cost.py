"""What equations cost: multiplications, additions, divisions and functions as polynomials in the sizes.

Counting rules: a subexpression counts once for each value of the indices it depends on, and once however
often it is written; of factors and terms those are combined first that leave the fewest
indices; a sum of N terms is N - 1
additions; a difference is an addition, a sign and a constant are free; a condition selects, it does not
multiply; a sum under ``[t == v]`` visits each position once. An element outside its array counts like any
other, so padding and strides give an upper bound.

Where sizes differ from entry to entry of a list (a network's widths), a count is a sum over the entries:
``Amount.each``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction

import sympy

from derive.calculus.derivation import Derivation
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.functions import COMPARISONS, sign_of
from derive.notation.layer import Equation, Layer, Tensor

ZERO = sympy.Integer(0)
MINUS = Num(Fraction(-1))
FREE = {"iverson", "and", "or", "not", *COMPARISONS}


def size(axis: str) -> sympy.Symbol:
    """The symbol for the length of an axis."""
    return sympy.Symbol(f"N[{axis}]", integer=True, nonnegative=True)


@dataclass(frozen=True)
class Amount:
    """``once + sum over the entries of a list of each``; both are polynomials in ``size(axis)``."""

    once: sympy.Expr = ZERO
    each: sympy.Expr = ZERO
    axis: str = ""

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.once + other.once, self.each + other.each, self.axis or other.axis)

    def value(self, sizes: Mapping[str, int], lists: Mapping[str, list[int]] | None = None) -> int:
        """The number at given sizes; ``lists`` has the sizes that differ by entry."""
        lists = lists or {}
        total = self.once.subs({size(a): n for a, n in sizes.items()})
        for n in range(max((len(v) for v in lists.values()), default=0)):
            here = {**sizes, **{a: v[n] for a, v in lists.items()}}
            total += self.each.subs({size(a): v for a, v in here.items()})
        return int(total)


@dataclass
class Cost:
    multiply: Amount = field(default_factory=Amount)
    add: Amount = field(default_factory=Amount)
    divide: Amount = field(default_factory=Amount)
    function: Amount = field(default_factory=Amount)

    @staticmethod
    def tex(amount: Amount, letter: Callable[[str], str]) -> str:
        """An amount in the dialect of the pages."""
        parts = []
        if amount.each != 0:
            body = _polynomial(amount.each, letter)
            many = len(sympy.expand(amount.each).as_ordered_terms()) > 1
            parts.append(rf"\sum_{{{letter(amount.axis)}}} " + (rf"\left({body}\right)" if many else body))
        if amount.once != 0 or not parts:
            once = _polynomial(amount.once, letter)
            parts.append(once if not parts else f" - {once[1:].strip()}" if once.startswith("-") else f" + {once}")
        return "".join(parts)


def _polynomial(e: sympy.Expr, letter: Callable[[str], str]) -> str:
    """Monomials of high degree first, their factors in the order of their names."""
    out = ""
    poly = sympy.expand(e).as_coefficients_dict()
    ordered = sorted(poly.items(), key=lambda item: (-_degree(item[0]), str(item[0])))
    for monomial, coefficient in ordered:
        factors = []
        for base, exponent in sorted(monomial.as_powers_dict().items(), key=lambda item: _place(str(item[0]))):
            if base != 1:
                name = f"N_{{{letter(str(base)[2:-1])}}}"
                factors.append(name if exponent == 1 else f"{name}^{{{exponent}}}")
        number = abs(coefficient)
        text = " ".join(([str(number)] if number != 1 or not factors else []) + factors)
        sign = ("-" if not out else " - ") if coefficient < 0 else ("" if not out else " + ")
        out += sign + text
    return out or "0"


def _degree(monomial: sympy.Expr) -> int:
    return sum(int(v) for k, v in monomial.as_powers_dict().items() if k != 1)


def _place(name: str) -> tuple[bool, str]:
    return "..." not in name, name


@dataclass
class _Counter:
    layer: Layer
    tensors: Mapping[str, Tensor]
    found: dict[str, list[Amount]] = field(default_factory=lambda: {f.name: [] for f in fields(Cost)})
    seen: set[Expr] = field(default_factory=set)
    axes: dict[str, str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()

    # ---- sizes ---------------------------------------------------------------------------------------------

    def lengths(self, equation: Equation) -> dict[str, str]:
        """The axis of each index: in a list of matrices, the one at whose place it stands."""
        found: dict[str, str] = {}
        for node in (n for e in (equation.lhs, equation.body) for n in x.walk(e)):
            if isinstance(node, Ref) and node.tensor in self.tensors and self.tensors[node.tensor].sequence:
                axes = self.tensors[node.tensor].axes
                found |= {i: a for e, a in zip(node.index, axes, strict=True) if (i := x.plain(e)) is not None}
        return found

    def number(self, indices: Iterable[str]) -> Amount:
        """How many values a set of indices takes."""
        listed = self.layer.sequence_axis
        names = [i for i in indices if i not in self.skipped]
        axes = [self.axes.get(i, self.layer.axis(i)) for i in names]
        product = sympy.Mul(*(size(a) for a in axes if a != listed))
        return Amount(each=product, axis=listed) if listed and listed in axes else Amount(once=product)

    def tally(self, kind: str, indices: Iterable[str], times: int = 1) -> None:
        amount = self.number(indices)
        self.found[kind].append(Amount(times * amount.once, times * amount.each, amount.axis))

    # ---- nodes ---------------------------------------------------------------------------------------------

    def count(self, e: Expr) -> None:
        if isinstance(e, Op) and e.fn == "mul" and MINUS in e.args:  # what only the sign is another of is known
            e = x.mul(*(a for a in e.args if a != MINUS))
        key = canonical(e)
        if key in self.seen or not _has_data(e):
            return
        self.seen.add(key)
        match e:
            case Reduce(op, over, body):
                self.reduction(op, over, body)
            case Op("add", args):
                self.combine([a for a in args if not _gated(a)], "add")
                self.each(args)
            case Op("mul", args):
                self.product(args)
            case Op("pow", (base, Num(value))) if value < 0:
                self.tally("divide", x.free(base))
                self.count(x.power(base, Num(-value)))
            case Op("pow", (base, exponent)):
                self.power(base, exponent)
                self.count(base)
            case Op("where", _) if (of := sign_of(e)) is not None:
                self.tally("function", x.free(of))
                self.count(of)
            case Op("where", (c, a, b)):
                self.count(c)
                self.count(max(a, b, key=lambda branch: len(list(x.walk(branch)))))
            case Op("xlogy" | "xdivy" as fn, args):
                self.tally("multiply" if fn == "xlogy" else "divide", x.free(e))
                if fn == "xlogy":
                    self.count(Op("log", (args[1],)))
                self.each(args)
            case Op(fn, args):
                if fn not in FREE:
                    self.tally("function", x.free(e))
                self.each(args)

    def each(self, args: Iterable[Expr]) -> None:
        for a in args:
            self.count(a)

    def reduction(self, op: str, over: tuple[str, ...], body: Expr) -> None:
        self.count(body)
        before = self.skipped
        if op == "sum":
            self.skipped = before | picked(body, over)
        outer = x.free(Reduce(op, over, body))
        every, results = self.number([*outer, *over]), self.number(outer)
        amount = Amount(every.once - results.once, every.each - results.each, every.axis or results.axis)
        if self.skipped != before:  # scattered: each value is added to what is there
            amount = every
        kind = "add" if op == "sum" else "function"
        self.found[kind].append(amount)
        self.skipped = before

    def combine(self, parts: list[Expr], kind: str) -> frozenset[str]:
        """Chain operands, what leaves the fewest indices first; returns the indices of the result."""
        indices: frozenset[str] = frozenset()
        started = data = False
        waiting = sorted(parts, key=lambda p: (_has_data(p), len(x.free(p))))
        while waiting:
            part = min(waiting, key=lambda p: (_has_data(p), len(indices.union(x.free(p)))))
            waiting.remove(part)
            indices |= frozenset(x.free(part))
            data = data or _has_data(part)
            if started and data:
                self.tally(kind, sorted(indices))
            started = True
        return indices

    def product(self, args: tuple[Expr, ...]) -> None:
        selecting = [a for a in args if _selects(a)]
        above, below, number = parted(a for a in args if a not in selecting)
        if number not in (x.ONE, MINUS) and all(map(_has_data, below)):  # else x / (2 N) is one quotient
            indices = [len({i for a in side for i in x.free(a)}) for side in (above, below)]
            shorter = below if any(map(_has_data, above)) and below and indices[1] < indices[0] else above
            shorter.append(number)
        top = self.combine(above, "multiply")
        bottom = self.combine(below, "multiply")
        if any(_has_data(a) for a in below):
            self.tally("divide", sorted(top | bottom))
        elif below and any(_has_data(a) for a in above):
            self.tally("multiply", sorted(top))  # by a constant's inverse
        self.each((*above, *below, *selecting))

    def power(self, base: Expr, exponent: Expr) -> None:
        indices = sorted({*x.free(base), *x.free(exponent)})
        value = abs(exponent.value) if isinstance(exponent, Num) else Fraction(0)
        if value.denominator == 1 and value > 0:
            self.tally("multiply", indices, int(value) - 1)
        else:
            self.tally("function", indices)
            if value.numerator > 1:
                self.tally("multiply", indices, value.numerator - 1)


def parted(args: Iterable[Expr]) -> tuple[list[Expr], list[Expr], Expr]:
    """What a product multiplies, what it divides by, and its numerals as one."""
    above: list[Expr] = []
    below: list[Expr] = []
    numbers: list[Expr] = []
    for a in args:
        if isinstance(a, Num):
            numbers.append(a)
        elif _inverse(a):
            assert isinstance(a, Op)
            base, exponent = a.args
            own = parted(x.factors(base) if exponent == MINUS else [x.power(base, x.neg(exponent))])
            above += own[1]
            below += own[0]
            numbers.append(x.power(own[2], MINUS))
        else:
            above.append(a)
    return above, below, x.mul(*numbers)


def picked(body: Expr, over: tuple[str, ...]) -> frozenset[str]:
    """Indices that a condition ``[t == i]`` fixes, for an i that is not summed over."""
    found = set()
    for factor in x.factors(body):
        if isinstance(factor, Op) and factor.fn == "iverson" and isinstance(factor.args[0], Op):
            condition = factor.args[0]
            if condition.fn == "==" and any(isinstance(a, Ref) for a in condition.args):
                found |= {a.index for a in condition.args if isinstance(a, Pos) and a.index not in over}
    return frozenset(found)


def canonical(e: Expr) -> Expr:
    """The same expression, its terms in one order and its indices numbered: equal where the values are."""
    names: dict[str, str] = {}

    def visit(node: Expr) -> Expr | None:
        match node:
            case Pos(index):
                return Pos(names.setdefault(index, f"#{len(names)}"))
            case Reduce(op, over, body):
                before = dict(names)
                for i in over:  # bound here: not the index of that name outside
                    names[i] = f"%{len(names)}{len(over)}"
                inside = x.transform(body, visit)
                moved = tuple(names[i] for i in over)
                names.clear()
                names.update(before)
                return Reduce(op, moved, inside)
        return None

    return x.transform(in_order(e), visit)


def in_order(e: Expr) -> Expr:
    """An expression whose factors and terms are sorted, whatever their indices are called: a/b is 1/b times a."""
    made = x.rebuild(e, in_order)
    if isinstance(made, Op) and made.fn in ("add", "mul"):
        return Op(made.fn, tuple(sorted(made.args, key=lambda a: repr(unnamed(a)))))
    return made


def unnamed(e: Expr) -> Expr:
    """An expression without the names of its indices."""
    match e:
        case Pos():
            return Pos("")
        case Reduce(op, over, body):
            return Reduce(op, ("",) * len(over), unnamed(body))
    return x.rebuild(e, unnamed)


def _has_data(e: Expr) -> bool:
    return any(isinstance(node, Ref) for node in x.walk(e))


def _gated(e: Expr) -> bool:
    """A term that a condition on positions puts in place of the others: nothing is added."""
    return any(_selects(f) for f in x.factors(e))


def _selects(e: Expr) -> bool:
    """A factor that is 1 or 0 by a condition."""
    return isinstance(e, Op) and (e.fn == "iverson" or (e.fn == "where" and e.args[1:] == (x.ONE, x.ZERO)))


def _inverse(e: Expr) -> bool:
    return isinstance(e, Op) and e.fn == "pow" and isinstance(e.args[1], Num) and e.args[1].value < 0


def cost(layer: Layer, equations: Iterable[Equation], tensors: Mapping[str, Tensor] | None = None) -> Cost:
    """Count the equations of one pass; ``tensors`` where there are more than the definition's."""
    counter = _Counter(layer, {**layer.tensors, **(tensors or {})})
    for equation in equations:
        counter.axes = counter.lengths(equation)
        counter.count(equation.body)
    return Cost(**{kind: total(amounts) for kind, amounts in counter.found.items()})


def total(amounts: Iterable[Amount]) -> Amount:
    """All of them together, added up once."""
    given = list(amounts)
    once, each = sympy.Add(*(a.once for a in given)), sympy.Add(*(a.each for a in given))
    return Amount(once, each, next((a.axis for a in given if a.axis), ""))


def kept(derivation: Derivation) -> tuple[list[str], Amount]:
    """The definition's tensors that the backward equations read, and how many elements they have together."""
    layer = derivation.layer
    used = [n for e in (*derivation.auxiliary, *derivation.backward) for n in x.tensors(e.body)]
    names = [n for n in layer.tensors if n in used]
    return names, elements(layer, names)


def elements(layer: Layer, names: Iterable[str]) -> Amount:
    """How many numbers some tensors hold."""
    counter = _Counter(layer, layer.tensors)
    total = Amount()
    for name in names:
        total = total + counter.number(layer.tensors[name].axes)
    return total
