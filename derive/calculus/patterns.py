"""Rules ``atom = expression`` that hold for all values of their indices, and their use in a normal form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from derive.calculus.monomials import ONE, Mono, Poly, condition_of, is_condition, is_sum, plus
from derive.calculus.polynomials import Algebra
from derive.calculus.steps import Said
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Pos, Reduce, Ref

Binding = dict[str, Expr]


def match(pattern: Expr, target: Expr, variables: frozenset[str], found: Binding) -> Iterator[Binding]:
    """Every assignment of indices to variables that makes the pattern the target."""
    match pattern, target:
        case Pos(i), _ if i in variables:
            if i in found:
                if found[i] == target:
                    yield found
            elif isinstance(target, Pos | Ref):
                yield {**found, i: target}
        case Ref(a, left), Ref(b, right) if a == b and len(left) == len(right):
            yield from match_all(left, right, variables, found)
        case Op("add" | "mul" as f, left), Op(g, right) if f == g and len(left) == len(right):
            yield from match_any(left, right, variables, found)
        case Op(f, left), Op(g, right) if f == g and len(left) == len(right):
            yield from match_all(left, right, variables, found)
        case Reduce(f, over, a), Reduce(g, over2, b) if f == g and len(over) == len(over2):
            inside = {**found, **{i: Pos(j) for i, j in zip(over, over2, strict=True)}}
            for result in match(a, b, variables | set(over), inside):
                kept = {k: v for k, v in result.items() if k not in over}
                if not any(set(x.free(v)) & set(over2) for v in kept.values()):
                    yield kept
        case _ if pattern == target:
            yield found


def match_all(
    left: tuple[Expr, ...], right: tuple[Expr, ...], variables: frozenset[str], found: Binding
) -> Iterator[Binding]:
    if not left:
        yield found
        return
    for result in match(left[0], right[0], variables, found):
        yield from match_all(left[1:], right[1:], variables, result)


def match_any(
    left: tuple[Expr, ...], right: tuple[Expr, ...], variables: frozenset[str], found: Binding
) -> Iterator[Binding]:
    """As match_all, in any order."""
    if not left:
        yield found
        return
    for n, candidate in enumerate(right):
        for result in match(left[0], candidate, variables, found):
            yield from match_any(left[1:], right[:n] + right[n + 1 :], variables, result)


@dataclass(frozen=True)
class Rule:
    """``pattern ** unit = value`` for all values of the variables, where all the conditions hold."""

    pattern: Expr
    unit: Fraction
    value: tuple[tuple[Mono, Fraction], ...]
    variables: frozenset[str]
    conditions: tuple[Expr, ...] = ()
    about: Said = ()


def renamed(algebra: Algebra, poly: Poly, binding: Binding) -> Poly:
    """The normal form with indices substituted, all at once and without capture."""
    out = []
    for mono, c in poly.items():
        parts: list[Poly] = []
        for a, q in mono:
            own = {k: v for k, v in binding.items() if k in x.free(a)}
            parts.append(algebra.power(algebra.to(x.rename(a, own)), q) if own else {((a, q),): ONE})
        out.append(algebra.times({(): c}, *parts))
    return plus(*out)


class Rewriter:
    """Applies rules once to every atom, inside sums too. ``protected`` sums stay as they are.

    ``carried`` says which conditions an atom implies: where they fail it is zero.
    """

    def __init__(
        self,
        algebra: Algebra,
        rules: list[Rule],
        protected: list[Rule],
        carried: Callable[[Expr], set[Expr]] = lambda atom: set(),
    ) -> None:
        self.algebra = algebra
        self.rules = rules
        self.protected = protected
        self.carried = carried
        self.used: dict[Said, None] = {}

    def __call__(self, poly: Poly, holds: frozenset[Expr] = frozenset()) -> Poly:
        out = []
        for mono, c in poly.items():
            conditions = holds | {condition_of(a) for a, _ in mono if is_condition(a)}
            conditions |= {k for a, q in mono if q > 0 for k in self.carried(a)}
            out.append(self.algebra.times({(): c}, *(self.atom(a, q, conditions) for a, q in mono)))
        return plus(*out)

    def atom(self, a: Expr, q: Fraction, holds: frozenset[Expr]) -> Poly:
        for rule in self.rules:
            for binding in match(rule.pattern, a, rule.variables, {}):
                if all(x.rename(c, binding) in holds for c in rule.conditions):
                    power = q / rule.unit
                    if len(rule.value) > 1 and (power.denominator != 1 or power < 0):
                        continue
                    self.used.setdefault(rule.about)
                    return self.algebra.power(renamed(self.algebra, dict(rule.value), binding), power)
        if is_sum(a):
            assert isinstance(a, Reduce)
            if any(True for p in self.protected for _ in match(p.pattern, a, p.variables, {})):
                return {((a, q),): ONE}
            before = self.algebra.to(a.body)
            after = self(before, holds)
            return {((a, q),): ONE} if after == before else self.algebra.power(self.algebra.total(a.over, after), q)
        if isinstance(a, Op) and a.fn == "add":
            before = self.algebra.to(a)
            after = self(before, holds)
            return {((a, q),): ONE} if after == before else self.algebra.power(after, q)
        return {((a, q),): ONE}
