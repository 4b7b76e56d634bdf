"""The matcher: patterns are expressions with letters, up to the order of terms and factors and the names of indices.

A letter is an option whose name begins with ``%``; it stands for any expression, the same wherever it occurs, and one
that begins with ``%#`` for a number: options, sizes, but no data. A sum or product of a pattern is found among more
terms or factors, at the top of an expression, and a sum there as a multiple: ``c - c sigmoid(u)`` is c times
``1 - sigmoid(u)``. Inside, one letter stands for all the terms or factors that nothing else takes.

A name is as good as what it is a name of, if the matcher is given its definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref

Binding = Mapping[str, Expr]
Definitions = Callable[[Ref], Expr | None]
MOST = 12  #: terms or factors of an expression that are looked through


def nothing(_: Ref) -> None:
    """No definitions: names stay names."""


def letter(e: Expr) -> bool:
    return isinstance(e, Opt) and e.name.startswith("%")


def numeric(e: Expr) -> bool:
    """Whether it is a letter for numbers."""
    return isinstance(e, Opt) and e.name.startswith("%#")


def put(e: Expr, found: Binding) -> Expr:
    """What a pattern is with its letters replaced."""
    return x.transform(e, lambda n: found.get(n.name) if isinstance(n, Opt) else None)


def open_letters(e: Expr, found: Binding) -> bool:
    """Whether a pattern has letters that stand for nothing yet."""
    return any(isinstance(n, Opt) and n.name.startswith("%") and n.name not in found for n in x.walk(e))


def parts(fn: str, e: Expr) -> tuple[Expr, ...]:
    return x.terms(e) if fn == "add" else x.factors(e)


def joined(fn: str, args: Sequence[Expr]) -> Expr:
    return x.add(*args) if fn == "add" else x.mul(*args)


def number(args: Sequence[Expr]) -> tuple[Fraction, list[Expr]]:
    """The numeral among factors, and the others."""
    value = Fraction(1)
    for a in args:
        if isinstance(a, Num):
            value *= a.value
    return value, [a for a in args if not isinstance(a, Num)]


@dataclass(frozen=True)
class Matcher:
    """Finds patterns.

    Attributes:
        definitions: what names are names of.
        called: other words for functions of patterns: what a layer of the project is called here.
    """

    definitions: Definitions = nothing
    called: Mapping[str, Op] | None = None

    def top(self, pattern: Expr, e: Expr) -> Iterator[tuple[Binding, Expr, tuple[Expr, ...]]]:
        """What letters stand for, a factor that is common to all, and the terms or factors that the pattern leaves."""
        if not (isinstance(pattern, Op) and pattern.fn in ("add", "mul")):
            yield from ((found, x.ONE, ()) for found in self.match(pattern, e, {}))
        elif isinstance(e, Op) and e.fn == pattern.fn and len(e.args) <= MOST:
            if pattern.fn == "mul":
                yield from ((f, x.ONE, tuple(rest)) for f, rest in self.factors(list(pattern.args), list(e.args), {}))
            else:
                yield from self.multiples(pattern, e)

    def multiples(self, pattern: Op, e: Op) -> Iterator[tuple[Binding, Expr, tuple[Expr, ...]]]:
        """A multiple of a sum among the terms of another one."""
        lead, *others = sorted(pattern.args, key=weight)
        own, wanted = number(x.factors(lead))
        for n, term in enumerate(e.args):
            value, factors = number(x.factors(term))
            for found, rest in self.factors(wanted, factors, {}):
                common = x.mul(Num(value / own), *rest)
                terms = list(e.args[:n] + e.args[n + 1 :])
                for more, left in self.terms([x.mul(common, o) for o in others], terms, found):
                    yield more, common, tuple(left)

    def match(self, p: Expr, e: Expr, found: Binding) -> Iterator[Binding]:
        """The letters that make a pattern the whole expression."""
        if isinstance(p, Opt) and p.name.startswith("%"):
            if p.name in found:
                if found[p.name] == e:
                    yield found
            elif not (p.name.startswith("%#") and x.tensors(e)):
                yield {**found, p.name: e}
            return
        if not isinstance(p, Op | Reduce):
            if p == e:
                yield found
            return
        if isinstance(e, Ref):
            made = self.definitions(e)
            if made is not None:
                yield from self.match(p, made, found)
            return
        if isinstance(p, Reduce):
            if isinstance(e, Reduce) and (p.op, len(p.over)) == (e.op, len(e.over)):
                for order in permutations(e.over):
                    body = x.rename(e.body, dict(zip(order, map(Pos, p.over), strict=True)))
                    yield from self.match(p.body, body, {**found, **dict(zip(p.over, map(Pos, order), strict=True))})
            return
        if p.fn in ("add", "mul"):
            search = self.terms if p.fn == "add" else self.factors
            args = list(parts(p.fn, e))
            if len(args) <= MOST:
                yield from (f for f, rest in search(list(p.args), args, found, True) if not rest)
            return
        e = self.power(e)
        if p.fn == "max" and isinstance(e, Op) and e.fn == "max":
            for swapped in permutations(e.args):
                yield from self.each(p.args, swapped, found)
            return
        if self.called and isinstance(e, Op) and e.fn in self.called:
            e = put(self.called[e.fn], {"%": e.args[0]})
        if isinstance(e, Op) and p.fn == e.fn and len(p.args) == len(e.args):
            yield from self.each(p.args, e.args, found)

    def power(self, e: Expr) -> Expr:
        """A power of what is a name of a power, as one power."""
        match e:
            case Op("pow", (Ref() as r, Num(n))):
                match self.definitions(r):
                    case Op("pow", (base, Num(m))) if m.denominator != 1:
                        return x.power(base, Num(m * n))
        return e

    def each(self, ps: Sequence[Expr], es: Sequence[Expr], found: Binding) -> Iterator[Binding]:
        if not ps:
            yield found
            return
        for f in self.match(ps[0], es[0], found):
            yield from self.each(ps[1:], es[1:], f)

    def factors(
        self, ps: list[Expr], es: list[Expr], found: Binding, whole: bool = False
    ) -> Iterator[tuple[Binding, list[Expr]]]:
        """Factors of a pattern among others; what is left of the numeral is one of the rest."""
        (own, ps), (value, es) = number(ps), number(es)
        left = [] if value == own else [Num(value / own)]
        yield from self.pick("mul", sorted(ps, key=weight), [*left, *es], found, whole)

    def terms(
        self, ps: list[Expr], es: list[Expr], found: Binding, whole: bool = False
    ) -> Iterator[tuple[Binding, list[Expr]]]:
        """Terms of a pattern among others."""
        yield from self.pick("add", sorted(ps, key=weight), es, found, whole)

    def opened(self, fn: str, es: list[Expr]) -> Iterator[list[Expr]]:
        """Terms or factors with what one of them is a name of in its place."""
        for n, e in enumerate(es):
            made = self.definitions(e) if isinstance(e, Ref) else None
            if isinstance(made, Op) and made.fn == fn:
                yield [*es[:n], *made.args, *es[n + 1 :]]

    def pick(
        self, fn: str, ps: list[Expr], es: list[Expr], found: Binding, whole: bool
    ) -> Iterator[tuple[Binding, list[Expr]]]:
        if not ps:
            yield found, es
            return
        p, *others = ps
        if not open_letters(p, found):
            gone = parts(fn, put(p, found))
            for opened in (es, *self.opened(fn, es)):
                left = less(opened, gone)
                if left is not None:
                    yield from self.pick(fn, others, left, found, whole)
                    return
        if whole and not others and letter(p):
            if es:
                yield from ((f, []) for f in self.match(p, joined(fn, es), found))
            return
        if numeric(p) and fn == "add":
            yield from self.pick(fn, others, es, {**found, p.name: x.ZERO}, whole)  # type: ignore[union-attr]
        for n, e in enumerate(es):
            rest = es[:n] + es[n + 1 :]
            for f in self.match(p, e, found):
                yield from self.pick(fn, others, rest, f, whole)
            for once, again in powers(p, e) if fn == "mul" else ():
                for f in self.match(p, once, found):
                    yield from self.pick(fn, others, [*rest, again], f, whole)


def weight(p: Expr) -> tuple[int, bool, int]:
    """Parts of a pattern in the order in which they are looked for: what is most particular first, letters last."""
    return letter(p) + (letter(p) and not numeric(p)), not isinstance(p, Op), -x.size(p)


def powers(p: Expr, e: Expr) -> Iterator[tuple[Expr, Expr]]:
    """A factor that is a power, as one that a pattern may be and what is left of it."""
    match e:
        case Op("pow", (base, Num(n))) if n.denominator == 1:
            own = p.args[1] if isinstance(p, Op) and p.fn == "pow" else x.ONE
            if isinstance(own, Num) and own.value.denominator == 1 and own.value * n > 0 and abs(own.value) < abs(n):
                yield x.power(base, own), x.power(base, Num(n - own.value))


def less(es: list[Expr], gone: Sequence[Expr]) -> list[Expr] | None:
    """Terms or factors without some of them; None where these are not among them."""
    left = list(es)
    for g in gone:
        if g not in left:
            return None
        left.remove(g)
    return left
