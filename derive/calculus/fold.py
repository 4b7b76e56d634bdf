"""Sums that have a name already: ``sum_k P[q, k] V[k, v]`` inside a larger sum is ``O[q, v]``.

Some of the factors of a sum must be the definition of a named sum, its bound indices must occur in no other
factor, and what comes out must not cost more. A kept adjoint that is itself a sum is written out first where
that lets something fold: ``sum_k P dP`` with ``dP = sum_v dO V`` becomes ``sum_v dO O``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from derive.calculus.collect import collect
from derive.calculus.monomials import ONE, Mono, Poly, is_sum, plus
from derive.calculus.patterns import Binding, match, renamed
from derive.calculus.polynomials import Algebra, TooLarge
from derive.calculus.price import OPERATION, price
from derive.calculus.steps import Said, joined
from derive.notation import expr as x
from derive.notation.expr import Expr, Reduce, Ref
from derive.notation.layer import Equation


@dataclass(frozen=True)
class Named:
    """``name = outer * sum_over factors``. ``number`` orders adjoint equations; definitions have -1."""

    name: Ref
    outer: tuple[tuple[Mono, Fraction], ...]
    over: tuple[str, ...]
    factors: Mono
    number: int


def embed(pattern: Mono, target: Mono, variables: frozenset[str], found: Binding) -> Iterator[tuple[Binding, Mono]]:
    """Every way to find the pattern's factors among the target's, and what is left of the target."""
    if not pattern:
        yield found, target
        return
    (a, q), *rest = pattern
    for n, (b, p) in enumerate(target):
        if p == q:
            for result in match(a, b, variables, found):
                yield from embed(tuple(rest), target[:n] + target[n + 1 :], variables, result)


class Folder:
    """Knows which sums have a name. Called with a normal form and the number of its equation."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.named: list[Named] = []
        self.said: dict[Said, None] = {}

    def learn(self, e: Equation, body: Poly, number: int = -1) -> None:
        """Remember an equation whose right side is one sum, times a factor that is not zero."""
        if len(body) != 1 or None in map(x.plain, e.left):
            return
        ((mono, c),) = body.items()
        sums = [a for a, q in mono if is_sum(a) and q == 1]
        rest = tuple(p for p in mono if p[0] not in sums)
        if len(sums) != 1 or any(x.tensors(a) or isinstance(a, Reduce) or x.free(a) for a, _ in rest):
            return
        (s,) = sums
        assert isinstance(s, Reduce)
        factors = self.algebra.factors_of(s)
        if set(e.indices) <= {i for a, _ in factors for i in x.free(a)}:
            self.named.append(Named(e.lhs, ((rest, c),), s.over, factors, number))

    def learn_adjoint(self, number: int, e: Equation) -> None:
        try:
            self.learn(e, self.algebra.to(e.body), number)
        except TooLarge:
            return

    def __call__(self, poly: Poly, number: int) -> tuple[Poly, Said]:
        self.said = {}
        changed = True
        while changed:
            changed = False
            for mono in poly:
                for n, (a, q) in enumerate(mono):
                    if q != 1 or not is_sum(a):
                        continue
                    new = self.atom(a, number)
                    if new is not None:
                        one = self.algebra.times({mono[:n] + mono[n + 1 :]: poly[mono]}, new)
                        poly = plus({m: c for m, c in poly.items() if m != mono}, one)
                        changed = True
                        break
                if changed:
                    break
        return poly, joined(list(self.said), " ")

    def atom(self, s: Expr, number: int) -> Poly | None:
        """What a sum becomes, or None."""
        least = price(s)
        for shape, said in [(s, ()), *self.unfolded(s, number)]:
            assert isinstance(shape, Reduce)
            for definition in self.named:
                if definition.number >= number:
                    continue
                for new in self.replaced(shape, definition):
                    if new == {((s, ONE),): ONE}:
                        continue
                    if price(collect(self.algebra, new)) <= least + OPERATION // 2:
                        if said:
                            self.said.setdefault(said)
                        self.said.setdefault(("The sum is that of the definition of ", definition.name, "."))
                        return new
        return None

    def replaced(self, s: Reduce, d: Named) -> Iterator[Poly]:
        variables = frozenset(x.free(d.name)) | set(d.over)
        for binding, rest in embed(d.factors, self.algebra.factors_of(s), variables, {}):
            bound = [x.plain(binding[i]) for i in d.over if i in binding]
            if len(bound) < len(d.over) or len(set(bound)) < len(bound) or not set(bound) <= set(s.over):
                continue
            if not set(x.free(d.name)) <= set(binding):  # an index that only cancels: nothing says where to read
                continue
            outside = {i for a, _ in rest for i in x.free(a)}
            outside |= {j for i in x.free(d.name) for j in x.free(binding[i])}
            if set(bound) & outside:
                continue
            name = x.rename(d.name, {i: binding[i] for i in x.free(d.name)})
            outer = self.algebra.power(dict(d.outer), -ONE)
            left = self.algebra.times({rest: ONE}, self.algebra.atom(name), outer)
            yield self.algebra.total(tuple(i for i in s.over if i not in bound), left)

    def unfolded(self, s: Expr, number: int) -> list[tuple[Expr, Said]]:
        """The sum with one factor that is a sum written out, where that gives one sum again."""
        assert isinstance(s, Reduce)
        out: list[tuple[Expr, Said]] = []
        factors = self.algebra.factors_of(s)
        for n, (a, q) in enumerate(factors):
            for d in self.named:
                if q != 1 or not isinstance(a, Ref) or a.tensor != d.name.tensor or not 0 <= d.number < number:
                    continue
                binding = dict(zip(x.free(d.name), a.index, strict=True))
                inner = renamed(self.algebra, self.algebra.total(d.over, {d.factors: ONE}), binding)
                others = {factors[:n] + factors[n + 1 :]: ONE}
                whole = self.algebra.times(others, inner, dict(d.outer))
                total = self.algebra.total(s.over, whole)
                if len(total) == 1:
                    ((mono, c),) = total.items()
                    if c == 1 and len(mono) == 1 and is_sum(mono[0][0]):
                        said = ("Write out ", d.name, " and add up in another order.")
                        out.append((mono[0][0], said))
        return out


__all__ = ["Folder", "Named", "embed"]
