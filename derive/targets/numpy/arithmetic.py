"""Sums, products and powers as NumPy code."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Ref, Size
from derive.notation.text import floored, split_quotient, split_sign
from derive.program.rewriting.words import WORDS
from derive.targets.numpy.costs import COSTS
from derive.targets.numpy.views import ATOM, LOW, PRODUCT, SUM, UNARY, Views

UFUNCS = {
    "exp": "np.exp",
    "library expm1": "np.expm1",
    "library log1p": "np.log1p",
    "log": "np.log",
    "sin": "np.sin",
    "cos": "np.cos",
    "abs": "np.abs",
    "library tanh": "np.tanh",
    **{f"library {word}": f"np.{word}" for word, module in WORDS.items() if not module},
}
OPERATORS = ("np.add", "np.subtract", "np.multiply", "np.divide", "np.square")
PART = 1000  #: by how much is divided, rather than multiplied by a thousandth


class Arithmetic(Views):
    """Prints arithmetic so that it loses nothing and goes over arrays as seldom as it can."""

    def node(self, e: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        """Code of an expression, and how tightly it binds."""
        raise NotImplementedError

    def test(self, c: Expr, frame: tuple[str, ...], level: int = LOW) -> str:
        """Code of a condition."""
        raise NotImplementedError

    def masked(self, c: Expr, frame: tuple[str, ...], own: Iterable[str]) -> list[str] | None:
        """The conditions of a mask, each by itself."""
        raise NotImplementedError

    def into(self, e: Expr, frame: tuple[str, ...], out: str) -> str | None:
        """The expression as one call that writes its last operation's result to ``out``; None where there is none."""
        match e:
            case Op("add", args):
                *rest, (negative, last) = [split_sign(t) for t in sorted(args, key=lambda t: split_sign(t)[0])]
                first = x.add(*(x.neg(t) if minus else t for minus, t in rest))
                return self.call("np.subtract" if negative else "np.add", (first, last), frame, out)
            case Op("mul", _):
                minus, factors = split_sign(e)
                above, below = quotient(factors)
                small = [f for f in above if not x.free(f) and not self.scalar(f)]
                above.sort(key=self.scalar)
                if minus and not below and self.scalar(above[-1]):  # dy * -alpha goes over the array once
                    minus, above[-1] = False, x.neg(above[-1])
                if minus or any(isinstance(f, Op) and f.fn == "where" for f in above):
                    return None
                tests = [f for f in above if isinstance(f, Op) and f.fn == "iverson" and self.varies(f)]
                if tests:
                    whole = not below and len(above) == 2 and {*frame} == {*x.free(above[0])} & {*x.free(above[1])}
                    other = x.mul(*(f for f in above if f not in tests))
                    return self.chosen(other, tests, frame, out) if whole and isinstance(other, Ref) else None
                arrays = [f for f in above if x.free(f)]
                if arrays and not any(map(x.free, below)) and not all(map(self.scalar, (*small, *below))):
                    number = x.mul(*(f for f in above if not x.free(f)), *(x.power(f, x.num(-1)) for f in below))
                    return self.call("np.multiply", (x.mul(*arrays), number), frame, out)
                if sum(map(self.scalar, (*above, *below))) > 1:
                    return None
                if below:
                    return self.call("np.divide", (x.mul(*above), x.mul(*below)), frame, out)
                small_first(above)
                above.sort(key=self.scalar)
                return self.call("np.multiply", (x.mul(*above[:-1]), above[-1]), frame, out, last=above[-1])
            case Op("pow", (base, Num(value))) if value == 2:
                return self.call("np.square", (base,), frame, out)
            case Op("pow", (base, Num(value))) if value == -1:
                return self.call("np.divide", (x.ONE, base), frame, out)
            case Op(fn, args) if (fn in UFUNCS or fn in COSTS.long) and not self.scalar(e):
                return self.call(self.function(fn), args, frame, out)
        return None

    def function(self, fn: str) -> str:
        """What a function is called."""
        raise NotImplementedError

    def call(
        self, ufunc: str, args: tuple[Expr, ...], frame: tuple[str, ...], out: str, last: Expr | None = None
    ) -> str | None:
        """A call that writes to ``out``, and so does its last argument where that may."""
        if all(map(self.scalar, args)):
            return None
        show = self.show if ufunc in OPERATORS else self.asked
        real = any(self.kind(a) == "real" for a in args)
        shown = [
            self.test(a.args[0], frame) if real and isinstance(a, Op) and a.fn == "iverson" else show(a, frame)
            for a in args
        ]  # the comma is enough
        if isinstance(last, Op) and last.fn in COSTS.long and {*frame} <= {*x.free(last)}:
            shown[-1] = self.into(last, frame, out) or shown[-1]
        return f"{ufunc}({', '.join(shown)}, out={out})"

    def asked(self, e: Expr, frame: tuple[str, ...]) -> str:
        """An argument of a function: without data, of numbers that a function can be asked of in object arrays too."""
        if self.functional or not x.free(e) or any(self.tensors[r.tensor].kind == "real" for r in x.refs(e)):
            return self.show(e, frame)
        self.functional = True
        code = self.show(e, frame)
        self.functional = False
        return code

    def sum(self, args: Iterable[Expr], frame: tuple[str, ...]) -> str:
        ordered = sorted(args, key=lambda t: split_sign(t)[0])
        out = ""
        for n, term in enumerate(ordered):
            negative, rest = split_sign(term)
            first = ATOM if negative and floored(rest) else PRODUCT if negative else SUM
            text = self.show(rest, frame, PRODUCT if n else first)
            out += (("-" if negative else "") if n == 0 else (" - " if negative else " + ")) + text
        return out

    def product(self, e: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        negative, rest = split_sign(e)
        above, below = quotient(rest)
        tests = [f for f in above if isinstance(f, Op) and f.fn == "iverson" and self.varies(f)]
        if tests and any(not self.scalar(f) for f in (*above, *below) if f not in tests):
            left = x.mul(*(f for f in x.factors(rest) if f not in tests))
            return ("-" if negative else "") + self.chosen(left, tests, frame), UNARY if negative else ATOM
        large = [f for f in above if x.free(f)]
        above.sort(
            key=lambda f: (self.scalar(f) and not isinstance(f, Num)) or (isinstance(f, Op) and f.fn == "iverson")
        )
        if negative and not below and len(above) > 1 and self.scalar(above[-1]):
            negative, above[-1] = False, x.neg(above[-1])
        parts = [self.factor(f, frame, n == 0 and not negative) for n, f in enumerate(above)]
        text = " * ".join(parts) or "1"
        numbers = all(map(self.python, above)) and any(isinstance(n, Size) for f in below for n in x.walk(f))
        if not large and (numbers or any(isinstance(f, Ref) for f in below)) and not any(map(x.free, below)):
            self.functions.add("ratio")  # of two numbers, of which the second may be 0
            for f in below:
                text = f"ratio({text}, {self.show(f)})"
            return ("-" if negative else "") + text, UNARY if negative else ATOM
        if below:
            under = " * ".join(self.show(f, frame, UNARY) for f in below)
            text += f" / ({under})" if len(below) > 1 else f" / {under}"
        if negative:
            return f"-{text}", UNARY if len(parts) == 1 and not below else PRODUCT
        if len(parts) + len(below) == 1 and above:
            return text, self.node(above[0], frame)[1]
        return text, PRODUCT

    def chosen(self, e: Expr, tests: list[Op], frame: tuple[str, ...], out: str = "") -> str:
        """An expression where tests hold, elsewhere 0: not a product, in which 0 times infinity would be NaN."""
        (c, *more) = (t.args[0] for t in tests)
        test = Op("and", (c, *more)) if more else c
        conditions = None if out else self.masked(test, frame, x.free(e))
        if conditions is not None:
            self.functions.add("masked")
            return f"masked({self.show(e, frame)}, 0, {', '.join(conditions)})"
        self.functions.add("chosen")
        into = f", out={out}" if out else ""
        return f"chosen({self.show(e, frame)}, {self.test(test, frame)}{into})"

    def factor(self, e: Expr, frame: tuple[str, ...], first: bool) -> str:
        """A factor of a product."""
        return self.show(e, frame, ATOM if floored(e) else PRODUCT if first else UNARY)

    def varies(self, e: Expr) -> bool:
        """Whether an expression is an array here."""
        return bool(x.free(e)) and not self.scalar(e)

    def python(self, e: Expr) -> bool:
        """Whether an expression may be a number of Python's own, as a sum of everything."""
        return self.scalar(e) or (isinstance(e, Ref) and e.tensor in self.weak)

    def beside(self, e: Expr, other: Expr, frame: tuple[str, ...]) -> str:
        """An operand; 0 beside real arrays as an array of their type, for NumPy looks long at a Python number."""
        if frame and other == x.ZERO and any(self.tensors[r.tensor].kind == "real" for r in x.refs(e)):
            return self.of_dims("zero")
        return self.show(other, frame, SUM)

    def power(self, e: Expr, base: Expr, exponent: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        if not isinstance(exponent, Num):
            return f"{self.show(base, frame, ATOM)} ** {self.show(exponent, frame, ATOM)}", UNARY
        value = exponent.value
        if self.scalar(base) and value > 0 and value.denominator == 1:
            return f"{self.show(base, frame, ATOM)} ** {value}", UNARY
        if value < 0 and not x.free(base) and any(isinstance(n, Size | Ref) for n in x.walk(base)):  # it may be 0
            self.functions.add("ratio")
            return f"ratio(1, {self.show(x.power(base, Num(-value)))})", ATOM
        if value < 0:
            return f"1 / {self.show(x.power(base, Num(-value)), frame, UNARY)}", PRODUCT
        if value == Fraction(1, 2):
            if self.scalar(base):
                self.functions.add("sqrt")
                if base == x.PI:
                    return f'sqrt("pi", dtype={self.of_dims("dtype")})', ATOM
                above, below = split_quotient(base)
                parts = [self.show(x.mul(*above)), *([self.show(x.mul(*below))] if below else [])]
                return f"sqrt({', '.join(parts)}, dtype={self.of_dims('dtype')})", ATOM
            return f"np.sqrt({self.asked(base, frame)})", ATOM
        if value == 2:
            return f"np.square({self.show(base, frame)})", ATOM
        if value.denominator == 1 and value <= 4:
            code = self.show(base, frame, UNARY)
            return " * ".join([code] * int(value)), PRODUCT
        return f"{self.show(base, frame, ATOM)} ** {self.show(exponent, frame, ATOM)}", UNARY


def decimal(value: Fraction) -> bool:
    """Whether a constant is printed as 10.5 or 0.14 is: it ends, and is no small part such as 1 / 8.

    As a fraction its digits above the line may be too many for what they are multiplied by.
    """
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1 < value.denominator and (abs(value.numerator) != 1 or value.denominator > PART)


def quotient(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """A product's factors above and below the line; 21/2 is one number: 21 x may overflow where 10.5 x fits."""
    single: list[Expr] = [f for f in x.factors(e) if isinstance(f, Num) and decimal(f.value)]
    rest = [f for f in x.factors(e) if f not in single]
    above, below = split_quotient(x.mul(*rest)) if rest else ([], [])
    return single + above, below


def small_first(factors: list[Expr]) -> None:
    """Of three or more factors with indices, put those with fewest in front: a large array is gone over once."""
    if sum(bool(x.free(f)) for f in factors) > 2:
        factors.sort(key=lambda f: len(x.free(f)))
