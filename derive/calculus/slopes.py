"""Cancels what a function's slope and a quotient by the function have in common: sigmoid'(u) / sigmoid(u).

The slope of a function that is rational in ``exp(u)`` is a polynomial in its value p, a product of factors ``p - r``:
``p (1 - p)`` of sigmoid, ``(1 - p) (1 + p)`` of tanh. Where a quotient by such a factor stands beside the slope the
factor cancels, and nothing is divided by a p that is next to 0 or by a ``1 - p`` that is: ``dL (p - t)`` is the
gradient of the cross-entropy of sigmoid, in any spelling. If p is a quotient of two sums ``a exp(u) + b``, so are
exponentials that stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import sympy

from derive.calculus.elementwise import EXP, VALUE, rational_in_exp, slope_of_value
from derive.calculus.monomials import ONE, Mono, Poly, is_sum, plus, product, text
from derive.calculus.polynomials import Algebra, TooLarge
from derive.calculus.scalars import Derivative, Scalars, prime
from derive.notation import expr as x
from derive.notation.define import REGISTRY
from derive.notation.expr import Expr, Num, Op, Opt, Ref
from derive.notation.layer import Equation

ARGUMENT, NAME, MIRRORED = Opt("%argument"), Opt("%value"), Opt("%mirrored")


@dataclass(frozen=True)
class Shape:
    """A function of one argument whose slope is a polynomial in its value.

    Attributes:
        scale, roots: the slope is ``scale (p - r) (p - s) ...``.
        value: the function, rational in exp(argument).
    """

    scale: Fraction
    roots: tuple[Fraction, ...]
    value: sympy.Expr

    @cached_property
    def exponential(self) -> sympy.Expr | None:
        """exp(argument) as a quotient of two factors ``p - r``; None where it is none."""
        above, below = sympy.fraction(sympy.cancel(self.value))
        equation = sympy.Poly(VALUE * below - above, EXP)
        return sympy.cancel(-equation.nth(0) / equation.nth(1)) if equation.degree() == 1 else None

    @cached_property
    def mirrored(self) -> sympy.Expr | None:
        """The function of minus the argument, ``a p + b`` in its value: ``1 - p`` of sigmoid; None where it is not."""
        if self.exponential is None:
            return None
        found = sympy.cancel(self.value.subs(EXP, 1 / self.exponential))
        return found if found.is_polynomial(VALUE) and sympy.degree(found, VALUE) == 1 else None


@dataclass(frozen=True)
class Value:
    """A function's value: what it is called, its argument, and what it is."""

    name: Expr
    argument: Expr
    shape: Shape
    function: str


def shape_of(body: Expr, argument: Expr) -> Shape | None:
    """The shape of a function of one argument; None where its slope is no such product."""
    body = x.transform(body, lambda e: ARGUMENT if e == argument else None)
    nodes = list(x.walk(body))
    if ARGUMENT not in nodes or any(isinstance(n, Ref) or (isinstance(n, Opt) and n != ARGUMENT) for n in nodes):
        return None
    if any(isinstance(n, Op) and n.fn not in ("add", "mul", "pow", "exp") for n in nodes):
        return None
    scalars = Scalars()
    symbol = scalars.symbol(ARGUMENT)
    try:
        slope = scalars.to(Derivative(Scalars())(body, ARGUMENT))
        value, slope = (rational_in_exp(s, symbol) for s in (scalars.to(body), slope))
    except (TypeError, sympy.PolynomialError):
        return None
    if value is None or slope is None or not value.has(EXP):
        return None
    found = slope_of_value(value, slope)
    if found is None:
        return None
    scale, factors = sympy.factor_list(found, VALUE)
    if any(sympy.degree(f, VALUE) != 1 for f, _ in factors):
        return None
    roots: list[Fraction] = []
    for f, times in factors:
        a, b = (Fraction(int(c.p), int(c.q)) for c in sympy.Poly(f, VALUE).all_coeffs())
        scale *= sympy.Rational(a.numerator, a.denominator) ** times
        roots += [-b / a] * times
    return Shape(Fraction(int(scale.p), int(scale.q)), tuple(roots), value)


def arguments(body: Expr) -> Iterator[Expr]:
    """What exponentials in an expression are taken of, without their sign."""
    for n in x.walk(body):
        if isinstance(n, Op) and n.fn == "exp":
            yield x.mul(*(f for f in x.factors(n.args[0]) if not isinstance(f, Num)))


class Slopes:
    """Cancels quotients by functions against their slopes, in the gradient of one layer."""

    def __init__(self, algebra: Algebra, equations: tuple[Equation, ...]) -> None:
        self.algebra = algebra
        self.named: dict[str, tuple[Equation, Value]] = {}
        self.shapes: dict[str, Shape | None] = {}
        self.present: dict[tuple[str, Expr], Value] = {}  # by function and argument, in the sum that is looked at
        targets = [e.target for e in equations]
        for e in equations:
            if targets.count(e.target) == 1 and None not in map(x.plain, e.left) and e.target not in x.tensors(e.body):
                for shape, argument, function in self.readings(e.body):
                    self.named.setdefault(e.target, (e, Value(e.lhs, argument, shape, function)))

    def readings(self, body: Expr) -> Iterator[tuple[Shape, Expr, str]]:
        match body:
            case Op(fn, (argument,)) if (shape := self.of_layer(fn)) is not None:
                yield shape, argument, fn
        for argument in dict.fromkeys(arguments(body)):
            if (found := shape_of(body, argument)) is not None:
                yield found, argument, ""

    def of_layer(self, fn: str) -> Shape | None:
        """The shape of an elementwise layer without options."""
        if fn not in self.shapes:
            self.shapes[fn] = None
            layer = REGISTRY[fn][0] if fn in REGISTRY else None
            if layer is not None and layer.elementwise and not layer.options:
                self.shapes[fn] = shape_of(layer.equations[0].body, layer.inputs[0].ref())
        return self.shapes[fn]

    def values(self, mono: Mono) -> list[Value]:
        """The functions of which something stands in a product."""
        found: dict[Expr, Value] = {}
        for atom, _ in mono:
            for n in x.walk(atom):
                match n:
                    case Ref(tensor, index) if tensor in self.named:
                        e, value = self.named[tensor]
                        at = dict(zip(e.indices, index, strict=True))
                        found[n] = Value(n, x.rename(value.argument, at), value.shape, value.function)
                    case Op(fn, (argument,)) if (own := fn.rstrip("'")) and (shape := self.of_layer(own)) is not None:
                        found.setdefault(x_of(own, argument), Value(x_of(own, argument), argument, shape, own))
        known = {(v.function, v.argument) for v in found.values() if isinstance(v.name, Ref)}
        left = [v for v in found.values() if isinstance(v.name, Ref) or (v.function, v.argument) not in known]
        return list({v.name: v for v in map(self.plain, left)}.values())

    def plain(self, value: Value) -> Value:
        """That of minus the argument, where the sum has both and this is the one with the minus."""
        other = self.present.get((value.function, x.neg(value.argument)))
        if not value.function or value.shape.mirrored is None or other is None or isinstance(value.name, Ref):
            return value
        return min((value, other), key=lambda v: (text(v.argument).startswith("-"), text(v.argument)))

    def __call__(self, poly: Poly) -> tuple[Poly, Poly]:
        """The sum with everything cancelled, and that with what is left of the slopes multiplied out."""
        if not any(self.divided(a, q) for mono in poly for a, q in mono):
            return poly, poly
        self.present = {}
        for mono in poly:
            for v in self.values(mono):
                if isinstance(v.name, Ref) or (v.function, v.argument) not in self.present:
                    self.present[v.function, v.argument] = v
        try:
            kept = self.everywhere(poly, self.cancelled)
            return kept, self.everywhere(kept, self.joined)
        except TooLarge:
            return poly, poly

    def divided(self, a: Expr, q: Fraction) -> bool:
        """Whether there is a quotient by something made of a function, or a power of it that is no number."""
        if is_sum(a):
            return any(self.divided(b, p) for m in self.algebra.to(a.body) for b, p in m)  # type: ignore[union-attr]
        return (q < 0 or power_of(a) is not None) and any(
            (isinstance(n, Ref) and n.tensor in self.named) or (isinstance(n, Op) and self.of_layer(n.fn) is not None)
            for n in x.walk(a)
        )

    def everywhere(self, poly: Poly, change: Callable[[Poly], Poly]) -> Poly:
        """What a change makes of a sum, and of what is summed in its terms."""
        out: list[Poly] = []
        for mono, c in poly.items():
            inside: list[Poly] = [{(): c}]
            for a, q in mono:
                if is_sum(a) and q == 1:
                    assert isinstance(a, x.Reduce)
                    before = self.algebra.to(a.body)
                    after = self.everywhere(before, change)
                    inside.append({((a, q),): ONE} if after == before else self.algebra.total(a.over, after))
                else:
                    inside.append({((a, q),): ONE})
            out.append(self.algebra.times(*inside))
        return change(plus(*out))

    def cancelled(self, poly: Poly) -> Poly:
        """Every product written with the factors of slopes, where one is divided by."""
        out = []
        for mono, c in poly.items():
            rest: Poly = {mono: c}
            for value in self.values(mono):
                rest = plus(*(self.of_value(m, k, value) for m, k in rest.items()))
            out.append(rest)
        return plus(*out)

    def joined(self, poly: Poly) -> Poly:
        """Products that differ in factors of one slope as one polynomial in the value, where it is one."""
        for value in {v.name: v for mono in poly for v in self.values(mono)}.values():
            groups: dict[Mono, sympy.Expr] = {}
            for mono, c in poly.items():
                quotient, rest = sympy.Rational(c.numerator, c.denominator), []
                for a, q in mono:
                    form = self.written(a, q, value) if not self.has_exponential(a) else None
                    if form is None:
                        rest.append((a, q))
                    else:
                        quotient *= rational(form[0]) * sympy.prod(
                            (VALUE - rational(r)) ** n.numerator for r, n in form[1]
                        )
                groups[tuple(rest)] = groups.get(tuple(rest), sympy.Integer(0)) + quotient
            made = {rest: sympy.cancel(q) for rest, q in groups.items()}
            if all(q.is_polynomial(VALUE) for q in made.values()):
                scalars = Scalars()
                scalars.leaves[VALUE] = value.name
                parts = (
                    self.algebra.times({rest: ONE}, self.algebra.to(scalars.back(sympy.expand(q))))
                    for rest, q in made.items()
                )
                poly = plus(*parts)
        return poly

    def of_value(self, mono: Mono, c: Fraction, value: Value) -> Poly:
        """A product, written with the factors of one function's slope."""
        factors = {r: self.factor(value.name, r) for r in {*value.shape.roots, Fraction(0)}}
        bases = {atom for r, (atom, _) in factors.items() if r in value.shape.roots}
        forms = [self.written(a, q, value) for a, q in mono]
        below = (r in value.shape.roots and n < 0 for form in forms if form for r, n in form[1])
        if not (any(below) or any(power_of(a) in bases for a, _ in mono)):
            return {mono: c}
        pairs: list[tuple[Expr, Fraction]] = []
        for (a, q), written in zip(mono, forms, strict=True):
            if written is None:
                pairs.append((a, q))
                continue
            number, roots = written
            c *= number
            for r, n in roots:
                atom, sign = factors.get(r) or self.factor(value.name, r)
                pairs.append((atom, n))
                c *= sign**n.numerator
        k, out = product(pairs)
        return {with_powers(out): c * k}

    def factor(self, name: Expr, root: Fraction) -> tuple[Expr, Fraction]:
        """The atom that ``p - r`` is, and its sign."""
        ((mono, c),) = self.algebra.power(plus(self.algebra.to(name), {(): -root}), Fraction(-1)).items()
        return mono[0][0], 1 / c

    def written(self, a: Expr, q: Fraction, value: Value) -> tuple[Fraction, list[tuple[Fraction, Fraction]]] | None:
        """A factor as a number and powers of ``p - r``; None where it is none of the function's."""
        if q.denominator != 1:
            return None
        if value.function and a == Op(prime(value.function), (value.argument,)):
            return value.shape.scale**q.numerator, [(r, q) for r in value.shape.roots]
        if a == Op(prime(value.function), (x.neg(value.argument),)) and value.shape.mirrored is not None:
            a = x.mul(Num(value.shape.scale), *(x.sub(mirror_of(value), Num(r)) for r in value.shape.roots))
        s = x.transform(a, lambda e: self.letter(e, value))
        if s == a or any(not isinstance(n, Num | Op) and n not in (ARGUMENT, NAME, MIRRORED) for n in x.walk(s)):
            return None
        if any(isinstance(n, Op) and n.fn not in ("add", "mul", "pow") for n in x.walk(s)):
            return None
        scalars = Scalars()
        scalars.symbols |= {ARGUMENT: EXP, NAME: VALUE, MIRRORED: value.shape.mirrored}
        number, parts = sympy.factor(self.in_value(scalars.to(s), value) ** q.numerator).as_coeff_Mul()
        roots: list[tuple[Fraction, Fraction]] = []
        for base, n in sympy.factor(parts).as_powers_dict().items():
            if base.is_Rational:
                number *= base**n
                continue
            if not base.is_polynomial(VALUE) or sympy.degree(base, VALUE) != 1 or not n.is_Integer:
                return None
            a1, b1 = sympy.Poly(base, VALUE).all_coeffs()
            number *= a1**n
            roots.append((Fraction(str(-b1 / a1)), Fraction(int(n))))
        return Fraction(str(number)), roots

    def in_value(self, s: sympy.Expr, value: Value) -> sympy.Expr:
        return s if value.shape.exponential is None else s.subs(EXP, value.shape.exponential)

    def has_exponential(self, e: Expr) -> bool:
        return any(isinstance(n, Op) and (n.fn == "exp" or n.fn.endswith("'")) for n in x.walk(e))

    def letter(self, e: Expr, value: Value) -> Expr | None:
        """A letter for the value itself, and for the exponential of its argument, to a power."""
        if e == value.name:
            return NAME
        if value.function and value.shape.mirrored is not None and e == mirror_of(value):
            return MIRRORED
        match e:
            case Op("exp", (inside,)) if not value.function and value.shape.exponential is not None:
                ratio = x.mul(*(f for f in x.factors(inside) if isinstance(f, Num)))
                rest = x.mul(*(f for f in x.factors(inside) if not isinstance(f, Num)))
                if rest == value.argument and isinstance(ratio, Num) and ratio.value.denominator == 1:
                    return x.power(ARGUMENT, ratio)
        return None


def rational(q: Fraction) -> sympy.Rational:
    return sympy.Rational(q.numerator, q.denominator)


def x_of(fn: str, argument: Expr) -> Expr:
    return Op(fn, (argument,))


def mirror_of(value: Value) -> Expr:
    return x_of(value.function, x.neg(value.argument))


def power_of(e: Expr) -> Expr | None:
    """The base of a power whose exponent is no number."""
    return e.args[0] if isinstance(e, Op) and e.fn == "pow" and not isinstance(e.args[1], Num) else None


def with_powers(mono: Mono) -> Mono:
    """A product with powers of one base joined where one of the exponents is no number."""
    pairs = list(mono)
    for a, q in mono:
        base = power_of(a)
        if base is None or q != 1:
            continue
        assert isinstance(a, Op)
        own = next((n for b, n in pairs if b == base), None)
        if own is not None:
            pairs = [(b, n) for b, n in pairs if b not in (a, base)]
            pairs.append((x.power(base, x.add(a.args[1], Num(own))), ONE))
    return product(pairs)[1]
