"""In which order products are computed: what stands in a ``group`` is computed by itself.

Where one case is 0, 0 is chosen, not multiplied by. Numbers come first, so that a large array is gone over once. A
quotient by the power of a number that was computed from arrays, a norm say, is divided by it again and again, for the
power may overflow where the quotient does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.text import split_sign
from derive.program.draft import Draft
from derive.program.ir import Array, Both, Contract, Fold, Loop, Map, Rows, Scatter, Statement

HALVES = (Num(Fraction(1, 2)), Num(Fraction(-1, 2)))
PRODUCT = "%"  #: stands for a sum of products, where its scale is put in order


def ordered(draft: Draft) -> Draft:
    """In a product, what has no axes is computed first, and nothing overflows on the way that the result does not."""
    return draft.each_function(lambda f: Order(f.arrays).statements(f.statements))


@dataclass(frozen=True)
class Order:
    """Puts the products of statements in order.

    Attributes:
        loop: the axis of the loop around.
    """

    arrays: Mapping[str, Array]
    loop: str = ""

    def statements(self, block: Iterable[Statement]) -> tuple[Statement, ...]:
        return tuple(t for s in block for t in (self.contract(s) if isinstance(s, Contract) else (self.statement(s),)))

    def statement(self, s: Statement) -> Statement:
        match s:
            case Loop():
                return replace(s, body=replace(self, loop=s.axis).statements(s.body))
            case Rows():
                return replace(s, body=self.statements(s.body))
            case Both():
                return Both(self.statement(s.first), self.statement(s.second))  # type: ignore[arg-type]
            case Map() if s.adds:
                own, *others = x.terms(s.body)
                return replace(s, body=Op("add", (own, *x.terms(self.visit(x.add(*others))))))
            case Map() | Fold():
                return replace(s, body=self.visit(s.body))
            case Scatter():
                return replace(s, values=self.visit(s.values))
        return s

    def contract(self, s: Contract) -> tuple[Statement, ...]:
        """A sum of products, with its scale in order; a scale with cases is a statement of its own."""
        s = replace(s, a=self.visit(s.a), b=self.visit(s.b))
        product = Ref(PRODUCT, tuple(map(Pos, s.axes)) or (Pos(PRODUCT),))
        whole = self.visit(x.mul(s.scale, product))
        if product in x.factors(whole):
            return (replace(s, scale=x.mul(*(f for f in x.factors(whole) if f != product))),)
        if self.loop and self.loop not in s.axes:  # what a loop adds up
            return (s,)
        own = Ref(s.name, s.left)
        body = x.transform(whole, lambda e: own if e == product else None)
        return replace(s, scale=x.ONE, inline=False), Map(s.name, s.left, s.axes, body)

    def visit(self, e: Expr) -> Expr:
        """An expression with every product in it put in order."""
        match e:
            case Ref():
                return e
            case Op("mul", factors):
                single = (g for f in factors for g in apart(f))
                return self.product(x.mul(*(self.power(f) if under(f) else self.visit(f) for f in single)))
            case Op("pow", _):
                powers, others = bases((self.power(e),))
                return divided(others, powers)
        return x.rebuild(e, self.visit)

    def power(self, e: Expr) -> Expr:
        """A power; half of an odd number of times is a product with a root."""
        match x.rebuild(e, self.visit):
            case Op("pow", (base, Num(n))) if n.denominator == 2 and abs(n) > 1 and not self.is_number(base):
                whole = x.mul(x.power(base, Num(abs(n) - Fraction(1, 2))), x.sqrt(base))
                return x.power(whole, x.num(-1)) if n < 0 else whole
            case found:
                return found

    def product(self, e: Expr) -> Expr:
        minus, e = split_sign(e)
        if not self.is_number(e) and (opened := self.opened(e)) is not None:
            return x.neg(opened) if minus else opened
        factors = x.factors(e)
        arrays = [f for f in factors if x.free(f) and not self.is_number(f)]
        small = [f for f in factors if not x.free(f) and not self.is_number(f)]
        numbers = [f for f in factors if self.is_number(f)]
        above, below = [f for f in arrays if not under(f)], [f for f in arrays if under(f)]
        computed = any(map(under, small))
        if above and not below and computed:
            e = self.over_numbers(above, numbers, small)
        elif above and not below and small and numbers:
            sign = x.num(-1 if minus else 1)
            return x.mul(grouped(x.mul(sign, *small, *numbers)), *above)
        elif above and not below and len(numbers) > 1 and any(map(rounded, numbers)):
            e = x.mul(*small, *above, grouped(x.mul(*numbers)))
        else:
            single, others = bases(factors)
            e = divided(others, single)
        return x.neg(e) if minus else e

    def over_numbers(self, arrays: list[Expr], numbers: list[Expr], small: list[Expr]) -> Expr:
        """Arrays over powers of numbers: divided first by those that no other number makes up for."""
        single, others = bases(small)
        spare = max(0, len(single) - 1 - sum(not under(f) for f in others))
        e = x.mul(*arrays)
        for base in single[:spare]:
            e = Op("group", (x.div(e, base),))
        return x.mul(e, grouped(divided(numbers + others, single[spare:])))

    def opened(self, e: Expr) -> Expr | None:
        """A product of which 0 is one case as cases of products: 0 is chosen, not multiplied by."""
        for f in x.factors(e):
            others = [g for g in x.factors(e) if g is not f]
            match f:
                case Op("where", (c, a, b)) if x.ZERO in (a, b):
                    return x.where(c, *(self.product(x.mul(*others, side)) for side in (a, b)))
                case Op("iverson", (c,)) if self.is_number(c):
                    return x.where(c, self.product(x.mul(*others)), x.ZERO)
        return None

    def is_number(self, e: Expr) -> bool:
        """Whether an expression depends on options, sizes and the position of the loop alone."""
        match e:
            case Pos(index):
                return index == self.loop
            case Ref(tensor):
                return tensor in self.arrays and self.arrays[tensor].kind == "number"
        return all(map(self.is_number, x.children(e)))


def grouped(e: Expr) -> Expr:
    """One operand."""
    return Op("group", (e,)) if isinstance(e, Op) and e.fn in ("mul", "pow") else e


def apart(e: Expr) -> list[Expr]:
    """A quotient by a product as factors."""
    match e:
        case Op("pow", (Op("mul", factors), Num(n))) if n == -1:
            return [x.power(f, x.num(-1)) for f in factors]
    return [e]


def under(e: Expr) -> bool:
    """Whether a factor stands below the line."""
    return isinstance(e, Op) and e.fn == "pow" and isinstance(e.args[1], Num) and e.args[1].value < 0


def rounded(e: Expr) -> bool:
    """Whether a number is rounded in any case: dividing it by another loses no exact quotient."""
    return any(isinstance(n, Op) and n.fn == "pow" and n.args[1] in HALVES for n in x.walk(e))


def bases(factors: Iterable[Expr]) -> tuple[list[Expr], list[Expr]]:
    """The numbers whose powers a product is divided by, each as often as its power says; and the other factors."""
    single, others = list[Expr](), list[Expr]()
    for f in factors:
        match f:
            case Op("pow", (Ref(_, ()) as base, Num(n))) if n.denominator == 1 and n < -1:
                single += [base] * int(-n)
            case _:
                others.append(f)
    return single, others


def divided(factors: list[Expr], by: list[Expr]) -> Expr:
    """A product that is divided by numbers one by one."""
    if not by:
        return x.mul(*factors)
    below = [f for f in factors if under(f)]
    e = x.mul(*(f for f in factors if not under(f)))
    for base in by if below else by[:-1]:
        e = Op("group", (x.div(e, base),))
    return x.mul(e, *below) if below else x.div(e, by[-1])
