"""Quotients: a function that is rational in exp(u), written with the exponential that decays; one denominator for many.

With e = exp(-|u|), which lies in (0, 1] and never overflows, exp(u) is 1/e where u >= 0 and e elsewhere. A rational
function of exp(u) becomes one rational function of e on each side of 0, usually with the same denominator, whose terms
are then added, not subtracted: 1/(1 + exp(-x)) is (1 or e)/(1 + e), and its derivative e/(1 + e)**2 on both sides.
These two are functions of their own, `logistic` and `logistic_slope`, which a target computes as it can best. A factor
1 - e is written -(e - 1), from the runtime's ``expm1_decay``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod

import sympy

from derive.calculus.scalars import Scalars
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op
from derive.program.rewriting.pattern import put
from derive.program.rewriting.rewrite import called

DECAY = sympy.Symbol("decay", positive=True)
GROWTH = sympy.Symbol("growth", positive=True)
RATIONAL = ("add", "mul", "pow", "exp")
EXPANDED = 16  #: terms beyond which nobody looks whether anything cancels: a chain of products has two to their number


def _slope(u: Expr, step: Expr = x.ONE, times: Expr = x.ONE) -> Expr:
    e = Op("exp", (x.mul(x.num(-1), step, u),))
    return x.mul(times, e, x.power(x.add(x.ONE, e), x.num(-2)))


def _tanh(u: Expr) -> Expr:
    e = Op("exp", (x.mul(x.num(-2), u),))
    return x.div(x.sub(x.ONE, e), x.add(x.ONE, e))


#: Words of the table that are rational in an exponential.
MEANING: dict[str, Callable[..., Expr]] = {
    "runtime logistic": lambda u: x.power(x.add(x.ONE, Op("exp", (x.neg(u),))), x.num(-1)),
    "runtime logistic_slope": _slope,
    "library tanh": _tanh,
}


@dataclass(frozen=True)
class Decaying:
    """The rewritten function.

    Attributes:
        decay, less_one: e = exp(-step |u|), and e - 1.
        positive, negative: the function in e where u is positive and where it is not.
    """

    decay: Expr
    less_one: Expr
    u: Expr
    step: Fraction
    positive: sympy.Expr
    negative: sympy.Expr
    scalars: Scalars

    def body(self, e: Expr) -> Expr:
        """The function in terms of e."""
        top_p, bottom_p = sympy.fraction(self.positive)
        top_n, bottom_n = sympy.fraction(self.negative)
        if sympy.expand(bottom_p + bottom_n) == 0:
            top_n, bottom_n = -top_n, -bottom_n
        if sympy.expand(bottom_p - bottom_n) != 0:
            return x.where(self.nonnegative, self.freeze(self.positive, e), self.freeze(self.negative, e))
        bottom = self.freeze(sympy.factor(bottom_p), e)
        if sympy.expand(top_p - top_n) == 0:
            times, others = sympy.cancel(self.positive * (1 + DECAY) ** 2 / DECAY).as_coeff_Mul()
            if DECAY not in others.free_symbols and self.step.denominator == 1:
                scale = () if self.step == times == 1 else (Num(self.step), self.scalars.back(times))
                return x.mul(self.scalars.back(sympy.factor(others)), Op("runtime logistic_slope", (self.u, *scale)))
            return x.div(self.freeze(sympy.factor(top_p), e), bottom)
        other, own = sympy.factor(top_p).as_independent(DECAY, as_Add=False)
        if sympy.expand(top_p + top_n) == 0 and own.free_symbols == {DECAY}:
            signed = Op("runtime copysign", (self.freeze(own, e), self.u))
            if sympy.expand(own**2 - (1 - DECAY) ** 2) == 0 and sympy.expand(bottom_p - 1 - DECAY) == 0:
                half = Op("library tanh", (x.mul(Num(self.step / 2), self.u),))  # (1 - e)/(1 + e), which NumPy has
                return x.mul(self.scalars.back(other), half if sympy.expand(own + DECAY - 1) == 0 else x.neg(half))
            below_zero = own.subs(DECAY, sympy.Rational(1, 2)).is_negative
            return x.div(x.mul(self.scalars.back(other), x.neg(signed) if below_zero else signed), bottom)
        if sympy.expand(top_p - 1) == 0 and sympy.expand(top_n - DECAY) == 0:
            if sympy.expand(bottom_p - 1 - DECAY) == 0:
                return Op("runtime logistic", (x.mul(Num(self.step), self.u),))
            grown = Op("runtime unbounded_exp", (x.mul(Num(-self.step), self.u),))  # 1/(1 + infinity) is the limit, 0
            return x.div(x.ONE, self.freeze(sympy.factor(bottom_p), grown))
        if sympy.expand(top_p - DECAY) == sympy.expand(top_n - 1) == 0 and sympy.expand(bottom_p - 1 - DECAY) == 0:
            return Op("runtime logistic", (x.mul(Num(-self.step), self.u),))
        top = x.where(self.nonnegative, self.freeze(sympy.factor(top_p), e), self.freeze(sympy.factor(top_n), e))
        return x.div(top, bottom)

    @property
    def nonnegative(self) -> Expr:
        return Op(">=", (self.u, x.ZERO))

    def freeze(self, s: sympy.Expr, e: Expr) -> Expr:
        """Back to the notation, with 1 - e written as -(e - 1)."""
        self.scalars.leaves[DECAY] = e
        rest = sympy.Integer(1)
        found: list[Expr] = []
        for base, power in sympy.factor(s).as_powers_dict().items():
            sign = {1 - DECAY: -1, DECAY - 1: 1}.get(base)
            if sign is not None and power.is_positive:
                found += [x.power(x.mul(x.num(sign), self.less_one), self.scalars.back(sympy.sympify(power)))]
            else:
                rest *= base**power
        return x.mul(self.scalars.back(rest), *found)


def decaying(e: Expr) -> Decaying | None:
    """Rewrite an expression that is rational in exponentials of multiples of one argument; None where it is not."""
    e = written_out(e)
    exponents = {n.args[0] for n in shown(e) if isinstance(n, Op) and n.fn == "exp"}
    if not exponents or any(isinstance(n, Op) and n.fn in ("where", "row_exp") for n in x.walk(e)):
        return None
    split = [coefficient(a) for a in exponents]
    units = {u for _, u in split}
    if len(units) != 1:
        return None
    (u,) = units
    if isinstance(u, Op) and u.fn == "pow":  # an even power has one sign; its exponential decays as it stands
        return None
    step = common([c for c, _ in split])
    scalars = Scalars()

    def grow(node: Expr) -> Expr | None:
        if isinstance(node, Op) and node.fn == "exp":
            c, _ = coefficient(node.args[0])
            return x.power(x.Opt("growth"), Num(c / step))
        return node if isinstance(node, Op) and node.fn not in RATIONAL else None

    scalars.symbols[x.Opt("growth")] = GROWTH
    scalars.leaves[GROWTH] = x.Opt("growth")
    s = scalars.to(x.transform(e, grow))
    if not s.is_rational_function(GROWTH):
        return None
    below = sympy.fraction(sympy.cancel(s))[1]
    if len(sympy.Poly(below, GROWTH).terms()) == 1:  # exp(u) times something: nothing to gain
        return None
    positive = sympy.cancel(s.subs(GROWTH, 1 / DECAY))
    negative = sympy.cancel(s.subs(GROWTH, DECAY))
    only = even_step(positive)  # tanh has even powers only: exp(-2|x|) serves better than exp(-|x|)
    positive, negative = (sympy.cancel(f.subs(DECAY, DECAY ** sympy.Rational(1, only))) for f in (positive, negative))
    step *= only
    if step.denominator > 1:
        decay, less_one = (Op(fn, (x.mul(Num(-step), Op("abs", (u,))),)) for fn in ("exp", "library expm1"))
    else:
        decay, less_one = (
            Op(fn, (u,) if step == 1 else (u, Num(step))) for fn in ("runtime exp_decay", "runtime expm1_decay")
        )
    return Decaying(decay, less_one, u, step, positive, negative, scalars)


def shown(e: Expr) -> Iterator[Expr]:
    """The nodes of an expression that are not inside a function other than exp."""
    yield e
    if not isinstance(e, Op) or e.fn in RATIONAL:
        for child in x.children(e):
            yield from shown(child)


def apart(e: Expr) -> list[tuple[Expr, Expr]]:
    """A sum as pairs whose products are its terms: what is free of exponentials, and a sum of terms that share it.

    One pair where there is nothing to take apart.
    """
    outside: list[Expr] = []
    inside: list[Expr] = []
    for f in x.factors(e):
        (inside if any(map(is_exp, shown(f))) else outside).append(f)
    cases = [f for f in outside if isinstance(f, Op) and f.fn == "where"]  # cases have no place in a rational function
    if len(inside) != 1 or not isinstance(inside[0], Op) or inside[0].fn != "add":
        return [(x.mul(*cases), x.mul(*(f for f in x.factors(e) if f not in cases)))]
    groups: dict[Expr, list[Expr]] = {}
    for term in inside[0].args:
        free = [f for f in x.factors(term) if not isinstance(f, Num) and not any(map(is_exp, shown(f)))]
        rest = [f for f in x.factors(term) if f not in free]
        groups.setdefault(x.mul(*free), []).append(x.mul(*rest))
    if len(groups) == 1:
        return [(x.mul(*cases), x.mul(*(f for f in x.factors(e) if f not in cases)))]
    return [(x.mul(*outside, free), x.add(*rests)) for free, rests in groups.items()]


def is_exp(e: Expr) -> bool:
    """Whether it is an exponential, or a function that is rational in one."""
    return isinstance(e, Op) and (e.fn == "exp" or e.fn in MEANING or called(e.fn) is not None)


def written_out(e: Expr) -> Expr:
    """A sum of products with functions that are rational in exp(u) written as such; what is no sum as it is."""
    if not (isinstance(e, Op) and e.fn == "add"):
        return e

    def visit(n: Expr) -> Expr | None:
        if not isinstance(n, Op):
            return None
        known = called(n.fn)
        word = put(known, {"%": n.args[0]}) if known else n
        if not isinstance(word, Op) or word.fn not in MEANING:
            return n if n.fn not in RATIONAL else None
        u, *numbers = word.args
        return MEANING[word.fn](u, *numbers)

    return x.transform(e, visit)


def one_denominator(e: Expr) -> Expr:
    """Sums of quotients over one denominator, where something above the line cancels: 1/(1 + u) - 1 is -u/(1 + u)."""

    done: dict[Expr, Expr] = {}

    def visit(n: Expr) -> Expr:
        if n not in done:
            inside = x.rebuild(n, visit)
            sums = denominators(inside) if isinstance(inside, Op) and inside.fn == "add" else ()
            found = (over(base, x.terms(inside)) for base in sums)
            done[n] = next((f for f in found if f is not None), inside)
        return done[n]

    return visit(e)


def denominators(e: Expr) -> list[Expr]:
    """The sums that terms are divided by."""
    found: dict[Expr, None] = {}
    for t in x.terms(e):
        for f in x.factors(t):
            match f:
                case Op("pow", (Op("add", _) as base, Num(n))) if n < 0:
                    found[base] = None
    return list(found)


def over(base: Expr, terms: tuple[Expr, ...]) -> Expr | None:
    """A sum over powers of one denominator; None where nothing cancels."""
    split = [exponent_of(base, t) for t in terms]
    least = min(n for n, _ in split)
    if any((n - least).denominator != 1 for n, _ in split):
        return None
    if sum(spread(x.mul(rest, x.power(base, x.num(n - least)))) for n, rest in split) > EXPANDED:
        return None
    scalars = Scalars()
    below = scalars.to(base)
    expanded = [sympy.expand(scalars.to(rest) * below ** int(n - least)) for n, rest in split]
    above = sympy.expand(sum(expanded))
    if count(above) >= sum(map(count, expanded)):
        return None
    return x.mul(scalars.back(sympy.factor_terms(above)), x.power(base, Num(least)))


def exponent_of(base: Expr, term: Expr) -> tuple[Fraction, Expr]:
    """The power of a base in a term, and the other factors."""
    power, rest = Fraction(0), []
    for f in x.factors(term):
        match f:
            case Op("pow", (b, Num(n))) if b == base:
                power += n
            case _:
                rest.append(f)
    return power, x.mul(*rest)


def spread(e: Expr) -> int:
    """How many terms an expression has at most when all of it is multiplied out; beyond EXPANDED it is cut off."""
    if not isinstance(e, Op):
        return 1
    inside = [spread(a) for a in e.args]
    match e:
        case Op("add"):
            found = sum(inside)
        case Op("mul"):
            found = prod(inside)
        case Op("pow", (_, Num(n))) if n > 1:
            found = inside[0] ** min(int(n), EXPANDED)
        case _:
            found = max(inside, default=1)
    return min(found, EXPANDED + 1)


def count(s: sympy.Expr) -> int:
    """How many terms a sum has."""
    return len(sympy.Add.make_args(s)) if s != 0 else 0


def multiplied_in(e: Expr) -> Expr:
    """A sum with a term of exp(u), times the logistic function of -u: that term is one of the logistic function of u.

    Beyond the largest number exp(u) is infinite where its product with the logistic function is 1.
    """

    def visit(node: Expr) -> Expr:
        node = x.rebuild(node, visit)
        factors = list(x.factors(node))
        for small in factors:
            if not isinstance(small, Op) or small.fn != "runtime logistic":
                continue
            grown = Op("exp", (x.neg(small.args[0]),))
            for n, total in enumerate(factors):
                if any(grown in x.factors(t) for t in x.terms(total)) and total != grown:
                    rest = [f for m, f in enumerate(factors) if m != n and f is not small]
                    large = Op("runtime logistic", (x.neg(small.args[0]),))
                    return x.mul(*rest, x.add(*(times(t, grown, small, large) for t in x.terms(total))))
        return node

    return visit(e)


def times(term: Expr, grown: Expr, small: Expr, large: Expr) -> Expr:
    """A term times the logistic function of -u, which with exp(u) is that of u."""
    factors = list(x.factors(term))
    if grown not in factors:
        return x.mul(term, small)
    factors.remove(grown)
    return x.mul(*factors, large)


def bounded(e: Expr) -> Expr:
    """Sums whose every term has a factor exp(-c u**2), with u cut off where that is 0: its powers do not overflow."""

    def visit(node: Expr) -> Expr | None:
        if not (isinstance(node, Op) and node.fn == "add"):
            return None
        bells = [{b for f in x.factors(t) if (b := bell(f)) is not None} for t in x.terms(node)]
        common = set.intersection(*bells)
        if len(common) != 1:
            return None
        (u,) = common
        return x.transform(node, lambda n: Op("runtime within", (u,)) if n == u else None)

    return x.transform(e, visit)


def bell(e: Expr) -> Expr | None:
    """u of ``exp(-c u**2)`` where c is at least 1/2."""
    match e:
        case Op("exp", (Op("mul", (Num(c), Op("pow", (u, Num(two))))),)) if two == 2 and 2 * c <= -1:
            return u
    return None


def even_step(f: sympy.Expr) -> int:
    """The largest k such that only powers of e**k occur."""
    powers = [m[0] for part in sympy.fraction(f) for m in sympy.Poly(part, DECAY).monoms()]
    return gcd(*powers) or 1


def coefficient(e: Expr) -> tuple[Fraction, Expr]:
    """``-2*x`` as (-2, x)."""
    if isinstance(e, Op) and e.fn == "mul" and isinstance(e.args[0], Num):
        return e.args[0].value, x.mul(*e.args[1:])
    return Fraction(1), e


def common(values: list[Fraction]) -> Fraction:
    """The largest number that all values are whole multiples of."""
    top = gcd(*(abs(v.numerator) for v in values))
    bottom = 1
    for v in values:
        bottom = bottom * v.denominator // gcd(bottom, v.denominator)
    return Fraction(top, bottom) if len({v.denominator for v in values}) == 1 else Fraction(1, bottom)
