"""The border to SymPy, which sees scalars only.

Every reference, size, option, reduction and piecewise case becomes one plain symbol before SymPy is asked anything, and
its answer is frozen into the notation again at once. Symbols are named by the text of what they stand for, so the order
of terms does not depend on the hash seed.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Ref, Size
from derive.notation.functions import FUNCTIONS
from derive.notation.text import show

SYMPY = {name: f.sympy for name, f in FUNCTIONS.items() if f.sympy is not None}
POSITIVE_KINDS = {"Positive", "Probability", "Count"}


class Scalars:
    """Translates both ways, remembering which symbol stands for what."""

    def __init__(self, positive: frozenset[Expr] = frozenset()) -> None:
        self.symbols: dict[Expr, sympy.Symbol] = {}
        self.leaves: dict[sympy.Symbol, Expr] = {}
        self.positive = positive
        self.opaque_powers = False

    def symbol(self, leaf: Expr) -> sympy.Symbol:
        if leaf not in self.symbols:
            positive = isinstance(leaf, Size) or leaf in self.positive
            name = show(leaf)
            symbol = sympy.Symbol(name, positive=True) if positive else sympy.Symbol(name, real=True)
            self.symbols[leaf] = symbol
            self.leaves[symbol] = leaf
        return self.symbols[leaf]

    def to(self, e: Expr) -> sympy.Expr:
        match e:
            case Num(value):
                return sympy.Rational(value.numerator, value.denominator)
            case Opt("pi"):
                return sympy.pi
            case Op("add", args):
                return sympy.Add(*(self.to(a) for a in args))
            case Op("mul", args):
                return sympy.Mul(*(self.to(a) for a in args))
            case Op("pow", (a, b)) if not (self.opaque_powers and is_opaque(e)):
                return sympy.Pow(self.to(a), self.to(b))
            case Op(fn, args) if fn in SYMPY:
                return SYMPY[fn](*(self.to(a) for a in args))
        return self.symbol(e)

    def back(self, s: sympy.Basic) -> Expr:
        if isinstance(s, sympy.Symbol):
            return self.leaves[s]
        if isinstance(s, sympy.Rational):
            return Num(Fraction(int(s.p), int(s.q)))
        if s is sympy.pi:
            return x.PI
        if s is sympy.E:
            return Op("exp", (x.ONE,))
        if isinstance(s, sympy.Add):
            return x.add(*sorted((self.back(a) for a in s.args), key=term_order))
        if isinstance(s, sympy.Mul):
            return x.mul(*sorted((self.back(a) for a in s.args), key=factor_order))
        if isinstance(s, sympy.Pow):
            return x.power(self.back(s.args[0]), self.back(s.args[1]))
        if isinstance(s, sympy.Abs):
            return Op("abs", (self.back(s.args[0]),))
        if isinstance(s, sympy.sign):
            return FUNCTIONS["abs"].partials[0](self.back(s.args[0]))
        for name, function in SYMPY.items():
            if isinstance(s, function):  # type: ignore[arg-type]
                return Op(name, tuple(self.back(a) for a in s.args))
        raise TypeError(f"SymPy answered with {s!r}, which the notation has no word for; add it to FUNCTIONS")


def factor_order(e: Expr) -> tuple[object, ...]:
    """Numerals, sizes, options, then tensors with fewer indices first, then what needs parentheses."""
    base = e.args[0] if isinstance(e, Op) and e.fn == "pow" else e
    rank = {Num: 0, Size: 1, Opt: 2, Pos: 3, Ref: 4, Op: 6}.get(type(base), 5)
    if isinstance(base, Op) and base.fn == "add":
        rank = 7
    return rank, len(base.index) if isinstance(base, Ref) else 0, show(e)


def term_order(e: Expr) -> tuple[object, ...]:
    """What is added first, then what is subtracted; short terms first."""
    text = show(e)
    return text.startswith("-"), isinstance(e, Num), len(x.factors(e)), len(text), text


class Derivative:
    """Partial derivatives of a flat expression (no reductions) with respect to its references.

    ``functions`` maps the name of an elementwise layer to a function giving its derivative at an argument.
    """

    def __init__(self, scalars: Scalars) -> None:
        self.scalars = scalars
        self.scalars.opaque_powers = True

    def __call__(self, e: Expr, leaf: Expr) -> Expr:
        """The derivative of e with respect to one leaf, all other leaves held fixed."""
        e = x.transform(e, logarithms_apart)
        special = [node for node in outermost(e) if leaf in set(x.walk(node))]
        s = self.scalars.to(e)
        total = [self.scalars.back(sympy.diff(s, self.scalars.symbol(leaf)))] if leaf not in special else []
        for node in special:
            outer = self.scalars.back(sympy.diff(s, self.scalars.symbol(node)))
            total.append(x.mul(outer, self.node(node, leaf)))
        return x.add(*total)

    def node(self, e: Expr, leaf: Expr) -> Expr:
        match e:
            case Op("where", (condition, a, b)):
                da, db = self(a, leaf), self(b, leaf)
                return x.iverson(condition) if (da, db) == (x.ONE, x.ZERO) else x.where(condition, da, db)
            case Op(fn, args) if fn in FUNCTIONS and FUNCTIONS[fn].partials:
                partials = FUNCTIONS[fn].partials
                return x.add(*(x.mul(p(*args), self(a, leaf)) for p, a in zip(partials, args, strict=True)))
            case Op("pow", (a, p)):
                by_base = x.mul(p, x.power(a, x.add(p, x.num(-1))), self(a, leaf))
                by_exponent = self(p, leaf)
                if by_exponent == x.ZERO:
                    return by_base
                slope = Op("xlogy", (e, a)) if x.tensors(a) else x.mul(e, Op("log", (a,)))  # 0 at 0: a**p is 0 there
                return x.add(by_base, x.mul(slope, by_exponent))
            case Op(fn, (argument, *options)) if fn not in FUNCTIONS:
                return x.mul(Op(prime(fn), (argument, *options)), self(argument, leaf))
        raise TypeError(f"no derivative for {show(e)}; add a row to FUNCTIONS")


def logarithms_apart(e: Expr) -> Expr | None:
    """``log(a / b)`` as ``log(a) - log(b)`` where one of them is a sum: in the slope ``a'/a - b'/b`` no sum is
    multiplied by another one that it is divided by."""
    match e:
        case Op("log", (Op("mul", args),)):
            powers = [(a.args[0], a.args[1]) if isinstance(a, Op) and a.fn == "pow" else (a, x.ONE) for a in args]
            sums = [b for b, q in powers if isinstance(b, Op) and b.fn == "add" and isinstance(q, Num)]
            if sums and sum(bool(x.tensors(b)) for b, _ in powers) > 1:
                return x.add(*(x.mul(q, Op("log", (x.transform(b, logarithms_apart),))) for b, q in powers))
    return None


def prime(fn: str) -> str:
    """The name of an elementwise layer's derivative."""
    return fn + "'"


def is_opaque(e: Expr) -> bool:
    """Powers that SymPy would differentiate to a quotient: p x**p / x is not a number at 0, nor is (x z)**q / x."""
    match e:
        case Op("pow", (a, Num(value))):
            return value.denominator != 1 and isinstance(a, Op) and a.fn == "mul" and bool(x.tensors(a))
        case Op("pow", _):
            return True
    return False


def outermost(e: Expr) -> list[Expr]:
    """The nodes that SymPy is not shown: piecewise cases and functions it has no derivative for."""
    if isinstance(e, Op):
        if e.fn in ("iverson",):
            return []
        if e.fn not in ("add", "mul", "pow") and e.fn not in SYMPY:
            return [e]
        if is_opaque(e):
            return [e]
        return list(dict.fromkeys(node for a in e.args for node in outermost(a)))
    return []
