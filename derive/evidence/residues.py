"""Numbers modulo P = 2**61 - 1, with models of the functions that are not rational; see derive.evidence.prove.

A value is a residue, a rational factor kept apart. It carries, beside, its image under exp where that follows from
how the value came about: a sum's is the product of its terms', a multiple's the power. A value that did not come
about by addition has an image drawn at random for its residue, so equal values have equal images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from typing import Any

from derive.evidence.numbers import COMPARE, Numbers

P = 2**61 - 1
WHOLE = Fraction(1)


class Retry(ArithmeticError):
    """This point cannot be used: a root of what is no square, a division by zero, an empty axis."""


@dataclass(slots=True)
class Value:
    """``by * core``.

    Attributes:
        core: a residue.
        by: a factor.
        e: the residue of ``exp(core)``, once it is known.
        terms: what the core is a sum of; nothing if it is none.
    """

    core: int
    by: Fraction = WHOLE
    e: int | None = field(default=None, compare=False)
    terms: tuple[Value, ...] = field(default=(), compare=False)

    @property
    def r(self) -> int:
        """The residue."""
        return self.core if self.by is WHOLE else self.core * whole_power(self.by, 1) % P


def whole_power(base: Fraction | int, exponent: int) -> int:
    over, under = base.numerator % P, base.denominator % P
    if exponent < 0:
        over, under, exponent = under, over, -exponent
    if under == 0:
        raise Retry
    return pow(over, exponent, P) * (pow(under, -exponent, P) if under > 1 else 1) % P


class Field:
    """One random model: the seed decides every function's values.

    Attributes:
        numbers: what the interpreter is given.
        asked: whether something depended on the order of two numbers, which the draw decides.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.asked = False
        self.logs: dict[int, Value] = {}
        self.keys: dict[tuple[str | int, ...], int] = {}
        self.numbers = Numbers(
            "residues",
            exact=self.number,
            functions={
                "exp": self.exp,
                "log": self.log,
                "abs": self.abs,
                "max": self.max,
                **{name: self.random(name) for name in ("erf", "sin", "cos", "floor", "round")},
                "stop_gradient": lambda v: v,
            },
            power=self.power,
            raised=self.raised,
            pi=self.positive("pi"),
            inf=self.positive("inf"),
            add=lambda a, b: self.plus([a, b]),
            mul=self.times,
            truth=self.truth,
            total=self.plus,
            option=lambda v: self.positive("option", str(v)) if isinstance(v, float) and v > 0 else self.number(v),
        )

    def key(self, *what: str | int) -> int:
        """A random residue for a name and numbers, always the same for the same ones."""
        if what not in self.keys:
            digest = blake2b("|".join(map(str, (self.seed, *what))).encode(), digest_size=16).digest()
            self.keys[what] = int.from_bytes(digest, "big") % (P - 1) + 1
        return self.keys[what]

    def positive(self, *what: str | int) -> Value:
        return Value(pow(self.key(*what), 2, P))

    def sign(self, r: int) -> int:
        """1 for squares, -1 for the others, 0 for 0: multiplicative, and odd because P = 3 mod 4."""
        return 0 if r == 0 else (1 if pow(r, (P - 1) // 2, P) == 1 else -1)

    def image(self, v: Value) -> int:
        """``exp(v)``: a power of ``exp(core)`` where the factor is a multiple of 1/2, 1/4, ..."""
        if v.by.denominator & (v.by.denominator - 1):
            return self.positive("exp", v.r).core
        if v.e is None:
            v.e = self.positive("exp", v.core).core if v.core else 1
            if v.terms:
                v.e = 1
                for term in v.terms:
                    v.e = v.e * self.image(term) % P
        return v.e if v.by is WHOLE else self.root_power(v.e, v.by)

    def root_power(self, r: int, q: Fraction) -> int:
        """``r ** q``. Square roots are the ones that are squares; other roots are not modelled."""
        if q.denominator == 1:
            return whole_power(r, q.numerator)
        if q.denominator & (q.denominator - 1):
            raise NotImplementedError(f"the power {q}: only square roots, fourth roots, ... are modelled")
        if r == 0 and q > 0:
            return 0
        if self.sign(r) != 1:
            raise Retry
        order = (P - 1) // 2
        return pow(r, q.numerator * pow(q.denominator, -1, order) % order, P)

    def number(self, value: Any) -> Value:
        return Value(1, Fraction(value)) if value else Value(0)

    def plus(self, values: list[Value]) -> Value:
        return values[0] if len(values) == 1 else Value(sum(v.r for v in values) % P, terms=tuple(values))

    def times(self, a: Value, b: Value) -> Value:
        by = b.by if a.by is WHOLE else a.by if b.by is WHOLE else a.by * b.by
        if a.core == 1 or b.core == 1:
            rest = b if a.core == 1 else a
            return Value(rest.core, by, rest.e, rest.terms)
        return Value(a.core * b.core % P, by)

    def power(self, v: Value, q: Fraction) -> Value:
        return Value(self.root_power(v.r, q))

    def raised(self, a: Value, b: Value) -> Value:
        """``a ** b`` of an exponent that is no number: a random residue, and ``a ** (b + n) = a ** b * a ** n``."""
        whole = [t for t in b.terms if t.core == 1 and t.by.denominator == 1] if b.by == WHOLE else []
        rest = sum(t.r for t in b.terms if t not in whole) if whole else b.r
        power = Value(self.key("power", a.r, rest % P))
        return self.times(power, self.power(a, Fraction(sum(t.by for t in whole)))) if whole else power

    def exp(self, v: Value) -> Value:
        out = Value(self.image(v))
        self.logs.setdefault(out.core, v)
        return out

    def log(self, v: Value) -> Value:
        return self.logs[v.r] if v.r in self.logs else Value(self.key("log", v.r), e=v.r)

    def random(self, name: str) -> Callable[[Value], Value]:
        """A function of which nothing is known but that equal arguments give equal values."""
        return lambda v: Value(self.key(name, v.r))

    def truth(self, op: str, a: Value, b: Value) -> bool:
        self.asked |= op not in ("==", "!=")
        return bool(COMPARE[op](self.sign((a.r - b.r) % P), 0))

    def abs(self, v: Value) -> Value:
        return v if self.truth(">=", v, self.number(0)) else self.times(self.number(-1), v)

    def max(self, a: Value, b: Value) -> Value:
        return b if self.truth(">", b, a) else a
