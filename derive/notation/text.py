"""Expressions as text: the syntax that definitions are written in, for docstrings, steps and error messages."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from derive.notation import several
from derive.notation.expr import Expr, Given, Num, Op, Opt, Pos, Reduce, Ref, Size, factors, mul, num, power, transform
from derive.notation.functions import COMPARISONS, sign_of
from derive.notation.layer import Equation

SUM, PRODUCT, POWER, ATOM = range(4)
LOGIC_LEVEL = -1
LONG = 1 << 24  #: a denominator that nobody types


def split_sign(e: Expr) -> tuple[bool, Expr]:
    """Whether a term is printed with a minus, and the term without it."""
    if isinstance(e, Num) and e.value < 0:
        return True, Num(-e.value)
    if isinstance(e, Op) and e.fn == "mul" and isinstance(e.args[0], Num) and e.args[0].value < 0:
        return True, mul(Num(-e.args[0].value), *e.args[1:])
    return False, e


def plus_first(args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The terms of a sum with one that is not subtracted in front: ``1 - y`` rather than ``-y + 1``."""
    first = next((n for n, term in enumerate(args) if not split_sign(term)[0]), 0)
    return (args[first], *args[:first], *args[first + 1 :])


def split_quotient(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """A product's factors above and below the line."""
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in factors(e):
        match factor:
            case Num(value) if value.denominator != 1:
                if value.numerator != 1:
                    above.append(num(value.numerator))
                below.append(num(value.denominator))
            case Op("pow", (base, Num(value))) if value < 0:
                below.append(power(base, Num(-value)))
            case _:
                above.append(factor)
    return above, below


class Text:
    """Prints expressions in ASCII. ``show`` is the whole interface."""

    def show(self, e: Expr, level: int = SUM) -> str:
        text, own = self.node(e)
        return f"({text})" if own < level else text

    def node(self, e: Expr) -> tuple[str, int]:
        match e:
            case Num(value):
                return str(value), ATOM if value.denominator == 1 and value >= 0 else PRODUCT
            case Opt(name, at) if at:
                return f"{name}[{', '.join(map(str, at))}]", ATOM
            case Opt(name) | Pos(name):
                return name, ATOM
            case Op("group", (a,)):
                return f"({self.show(a)})", ATOM
            case Size(axis):
                return f"size({axis})", ATOM
            case Ref(tensor, index):
                return (f"{tensor}[{', '.join(self.show(i) for i in index)}]" if index else tensor), ATOM
            case Reduce(op, over, body):
                names = over[0] if len(over) == 1 else f"({', '.join(over)})"
                return f"{op}({names}, {self.show(body)})", ATOM
            case Op("add", args):
                return self.sum(args), SUM
            case Op("mul", _):
                return self.product(e), PRODUCT
            case Op("pow", (base, Num(value))) if value < 0:
                return self.product(e), PRODUCT
            case Op("pow", (base, Num(value))) if value == Fraction(1, 2):
                return f"sqrt({self.show(base)})", ATOM
            case Op("pow", (base, exponent)):
                return f"{self.show(base, ATOM)}**{self.show(exponent, ATOM)}", POWER
            case Op("floordiv", (a, b)):
                return f"{self.show(a, PRODUCT)} // {self.show(b, POWER)}", PRODUCT
            case Op("exactdiv", (a, b)):
                return f"{self.show(a, PRODUCT)} / {self.show(b, POWER)}", PRODUCT
            case Op("where", _) if (of := sign_of(e)) is not None:
                return f"sign({self.show(of)})", ATOM
            case Op("where", (c, a, b)):
                return f"({self.show(a)} if {self.show(c, LOGIC_LEVEL)} else {self.show(b)})", ATOM
            case Op("iverson", (c,)):
                return f"[{self.show(c, LOGIC_LEVEL)}]", ATOM
            case Op("and" | "or" as fn, args):
                return f" {fn} ".join(self.show(a, SUM) for a in args), LOGIC_LEVEL
            case Op("not", (a,)):
                return f"not {self.show(a, SUM)}", SUM
            case Op(fn, (a, b)) if fn in COMPARISONS:
                return f"{self.show(a, SUM)} {fn} {self.show(b, SUM)}", SUM
            case Op("xlogy", (a, b)):
                return f"{self.show(a, PRODUCT)} * log({self.show(b)})", PRODUCT
            case Op("xdivy", (a, b)):
                return f"{self.show(a, PRODUCT)} / {self.show(b, POWER)}", PRODUCT
            case Op(fn, args):
                return f"{fn}({', '.join(self.show(a) for a in args)})", ATOM
        raise TypeError(f"not an expression: {e!r}")

    def option(self, value: Given) -> str:
        """What an option is given."""
        return several.text(value, lambda e: repr(e) if isinstance(e, str | bool) else self.show(e))

    def sum(self, args: tuple[Expr, ...]) -> str:
        args = plus_first(args)
        out = ""
        for n, term in enumerate(args):
            negative, rest = split_sign(term)
            first = ATOM if negative and floored(rest) else PRODUCT if negative else SUM
            text = self.show(rest, PRODUCT if n else first)
            out += (("-" if negative else "") if n == 0 else (" - " if negative else " + ")) + text
        return out

    def product(self, e: Expr) -> str:
        negative, rest = split_sign(e)
        above, below = split_quotient(rest)
        first = ATOM if negative and above and floored(above[0]) else PRODUCT
        text = " * ".join(self.show(f, first if n == 0 else POWER) for n, f in enumerate(above)) or "1"
        if below:
            under = " * ".join(self.show(f, POWER) for f in below)
            text += f" / ({under})" if len(below) > 1 else f" / {under}"
        return ("-" if negative else "") + text


def floored(e: Expr) -> bool:
    """Whether it is a whole quotient, of which a minus before it is no part: -(a // b) is not -a // b."""
    return isinstance(e, Op) and e.fn == "floordiv"


TEXT = Text()


@lru_cache(maxsize=50_000)
def show(e: Expr) -> str:
    """An expression in the syntax of definitions."""
    return TEXT.show(e)


def show_equation(equation: Equation) -> str:
    """An equation in the syntax of definitions."""
    return f"{show(equation.lhs)} = {show(as_typed(equation.body))}"


def shortest(value: Fraction) -> Fraction:
    """A floating-point number that a part is given, 0.00001, as it is written and not in powers of two."""
    binary = value.denominator & (value.denominator - 1) == 0 and value.denominator > LONG
    rounded = Fraction(float(value)) - value  # 1 - 0.1 is not the number next to 0.9
    return Fraction(repr(float(value))) if binary and abs(rounded) <= abs(value) / 2**52 else value


def as_typed(e: Expr) -> Expr:
    """An expression with floating-point numbers as somebody types them."""
    return transform(e, lambda node: Num(shortest(node.value)) if isinstance(node, Num) else None)
