"""Arithmetic modulo P = 2**61 - 1, with models of the functions that are not rational; see
derive.calculus.prove.

A value carries, beside its residue, its image under exp where that follows from how the value came about. A
value that did not come about by addition has an image drawn at random for its residue, so equal values have
equal images.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b

P = 2**61 - 1


class Retry(ArithmeticError):
    """This point cannot be used: a root of what is no square, a division by zero, an empty axis."""


@dataclass(frozen=True, slots=True)
class Value:
    """A residue, and the residue of its exponential where that is known."""

    r: int
    e: int | None


def whole_power(base: int, exponent: int) -> int:
    if base == 0 and exponent < 0:
        raise Retry
    return pow(base, exponent, P)


class Field:
    """One random model: the seed decides every function's values."""

    zero, one = Value(0, 1), Value(1, None)

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.logs: dict[int, Value] = {}
        self.keys: dict[tuple[str | int, ...], int] = {}

    def key(self, *what: str | int) -> int:
        """A random residue for a name and numbers, always the same for the same ones."""
        if what not in self.keys:
            digest = blake2b("|".join(map(str, (self.seed, *what))).encode(), digest_size=16).digest()
            self.keys[what] = int.from_bytes(digest, "big") % (P - 1) + 1
        return self.keys[what]

    def sign(self, r: int) -> int:
        """1 for squares, -1 for the others, 0 for 0: multiplicative, and odd because P = 3 mod 4."""
        return 0 if r == 0 else (1 if pow(r, (P - 1) // 2, P) == 1 else -1)

    def image(self, v: Value) -> int:
        if v.e is not None:
            return v.e
        return pow(self.key("exp", v.r), 2, P) if v.r else 1

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

    def number(self, value: Fraction) -> Value:
        return self.scaled(self.one, value)

    def plus(self, values: list[Value]) -> Value:
        r, e = 0, 1
        for v in values:
            r = (r + v.r) % P
            e = e * self.image(v) % P
        return values[0] if len(values) == 1 else Value(r, e)

    def times(self, a: Value, b: Value) -> Value:
        if a is self.one or b is self.one:
            return b if a is self.one else a
        return Value(a.r * b.r % P, None)

    def scaled(self, v: Value, c: Fraction) -> Value:
        r = v.r * c.numerator * whole_power(c.denominator, -1) % P
        if c.denominator & (c.denominator - 1):
            return Value(r, None)
        return Value(r, self.root_power(self.image(v), c))

    def power(self, v: Value, q: Fraction) -> Value:
        return Value(self.root_power(v.r, q), None)

    def exp(self, v: Value) -> Value:
        out = Value(self.image(v), None)
        self.logs.setdefault(out.r, v)
        return out

    def log(self, v: Value) -> Value:
        if v.r in self.logs:
            return self.logs[v.r]
        return Value(self.key("log", v.r), v.r)

    def abs(self, v: Value) -> Value:
        return v if self.sign(v.r) >= 0 else self.scaled(v, Fraction(-1))
