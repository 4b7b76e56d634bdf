"""From a normal form back to what a person would write: common factors out, differences kept together."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations
from math import gcd, prod

from derive.calculus.monomials import (
    ONE,
    Mono,
    Poly,
    condition_of,
    is_condition,
    is_sum,
    negated,
    plus,
    product,
    scaled,
    text,
)
from derive.calculus.polynomials import Algebra
from derive.calculus.price import OPERATION, price
from derive.calculus.scalars import factor_order, term_order
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Size

CANDIDATES = 3  # factors tried at each level of grouping; trying all takes seconds on second derivatives


def collect(algebra: Algebra, poly: Poly) -> Expr:
    """The cheapest form found by taking out common factors, joining sums and joining cases."""
    return x.transform(Collector(algebra).form(poly), lambda e: as_typed(algebra, e))


def as_typed(algebra: Algebra, e: Expr) -> Expr | None:
    """An exponential that is one of the definition's, as the definition writes it: a reader, and what adds them up,
    know it by its text."""
    if not (isinstance(e, Op) and e.fn == "exp"):
        return None
    at, form = x.free(e), algebra.to(e)
    for own in algebra.exponentials:
        axes = [algebra.axis(i) for i in x.free(own)]
        if len(axes) == len(at) and {*x.tensors(own)} == {*x.tensors(e)}:
            for places in permutations(at):
                if [algebra.axis(i) for i in places] == axes:
                    typed = x.rename(own, dict(zip(x.free(own), map(Pos, places), strict=True)))
                    if typed == e or algebra.to(typed) == form:
                        return typed
    return None


class Collector:
    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra

    def form(self, poly: Poly) -> Expr:
        key = frozenset(poly.items())
        if key not in self.algebra.forms:
            self.algebra.forms[key] = self.find(poly)
        return self.algebra.forms[key]

    def find(self, poly: Poly) -> Expr:
        if not poly:
            return x.ZERO
        self.algebra.spend(len(poly) * sum(x.size(a) for m in poly for a, _ in m))
        poly = self.join_sums(poly)
        common = self.algebra.common(poly)
        if len(poly) == 1:
            ((mono, c),) = poly.items()
            return self.monomial(c, mono)
        rest, content = self.algebra.divide(poly, common)
        if content.denominator != 1:
            rest, content = {m: c / content.denominator for m, c in rest.items()}, Fraction(content.numerator)
        less = self.cancelled(rest, common)
        if less is not None:
            return self.form(scaled(less, content))
        shorter = self.over_one(rest)
        if shorter is not None:
            return self.form(self.algebra.times({common: content}, shorter))
        inner = self.cases(rest)
        return self.guarded(content, common, inner, self.asked(poly))

    def cancelled(self, rest: Poly, common: Mono) -> Poly | None:
        """What is left where a sum that all is divided by is a factor of the rest."""
        for n, (a, q) in enumerate(common):
            if q <= -1 and isinstance(a, Op) and a.fn == "add":
                less = self.algebra.quotient(rest, self.algebra.to(a))
                if less is not None:
                    raised = ((a, q + 1),) if q != -1 else ()
                    return self.algebra.times({(*common[:n], *raised, *common[n + 1 :]): ONE}, less)
        return None

    def over_one(self, poly: Poly) -> Poly | None:
        """``1 - u / (1 + u)`` as ``1 / (1 + u)``: over one denominator, where that leaves a single term.

        Not where u is an exponential: the slope of a logistic function is looked for as a polynomial in its value.
        """
        below = {(a, q): None for m in poly for a, q in m if q == -1 and isinstance(a, Op) and a.fn == "add"}
        for a, q in below:
            if any(isinstance(n, Op) and n.fn == "exp" for n in x.walk(a)):
                continue
            whole: Poly = {((a, -q),): ONE}
            above = [
                self.algebra.times({m: c}, whole if dict(m).get(a) == q else self.algebra.to(a))
                for m, c in poly.items()
            ]
            if len(numerator := plus(*above)) == 1:
                return self.algebra.times(numerator, {((a, q),): ONE})
        return None

    def cases(self, poly: Poly) -> Expr:
        """``[c] A + [not c] B`` is a case."""
        conditions = sorted({a for m in poly for a, _ in m if is_condition(a)}, key=text)
        for condition in conditions:
            assert isinstance(condition, Op)
            other = Op("iverson", (negated(condition.args[0]),))
            yes = self.without(condition, poly)
            no = self.without(other, poly)
            if yes and no and len(yes) + len(no) == len(poly):
                if isinstance(condition.args[0], Op) and condition.args[0].fn == "not":
                    yes, no, condition = no, yes, other
                return x.where(condition.args[0], self.form(yes), self.form(no))
        return self.group(poly)

    def without(self, condition: Expr, poly: Poly) -> Poly:
        """The terms that have a condition as a factor, without it."""
        return {tuple(p for p in m if p[0] != condition): c for m, c in poly.items() if (condition, ONE) in m}

    def group(self, poly: Poly) -> Expr:
        """Take one more factor out of some of the terms, where that is cheaper."""
        plain = self.terms(poly)
        best, least = plain, price(plain)
        counts: dict[Expr, int] = {}
        for m in poly:
            for a, q in m:
                if q > 0 and not isinstance(a, Num):
                    counts[a] = counts.get(a, 0) + 1
        shared = [a for a, n in counts.items() if 1 < n < len(poly)]
        shared.sort(key=lambda a: (-counts[a] * len(x.free(a)), -counts[a], text(a)))
        for a in shared[:CANDIDATES]:
            inside = {m: c for m, c in poly.items() if any(b == a and q > 0 for b, q in m)}
            outside = {m: c for m, c in poly.items() if m not in inside}
            candidate = self.ordered(common_sums([self.form(inside), *x.terms(self.form(outside))]))
            if price(candidate) < least - OPERATION // 2:
                best, least = candidate, price(candidate)
        return best

    def terms(self, poly: Poly) -> Expr:
        return self.ordered([self.monomial(c, m) for m, c in poly.items()])

    def ordered(self, parts: list[Expr]) -> Expr:
        return x.add(*sorted(parts, key=term_order))

    # ---- sums ---------------------------------------------------------------------------------------------

    def join_sums(self, poly: Poly) -> Poly:
        """``a sum_i(u v) - b sum_i(u w)`` is ``sum_i u (a v - b w)`` where that is not dearer."""
        joined = True
        while joined and len(poly) > 1:
            joined = False
            for first, second in combinations(poly, 2):
                new = self.joined(first, poly[first], second, poly[second])
                if new is not None:
                    rest = {m: c for m, c in poly.items() if m not in (first, second)}
                    poly = plus(rest, new)
                    joined = True
                    break
        return poly

    def joined(self, first: Mono, c: Fraction, second: Mono, d: Fraction) -> Poly | None:
        if c * d > 0:
            return None
        common = dict(self.algebra.common({first: c, second: d}))
        rest = [[(a, q - common.get(a, 0)) for a, q in m if q != common.get(a, 0)] for m in (first, second)]
        sums = [[a for a, q in r if is_sum(a) and q == 1] for r in rest]
        if len(sums[0]) != 1 or len(sums[1]) != 1:
            return None
        (s,), (t,) = sums
        assert isinstance(s, Reduce)
        assert isinstance(t, Reduce)
        if s.over != t.over or len(self.algebra.to(s.body)) != 1 or len(self.algebra.to(t.body)) != 1:
            return None
        outer = [[(a, q) for a, q in r if a != u] for r, u in zip(rest, (s, t), strict=True)]
        shared = self.algebra.common({self.algebra.factors_of(s): ONE, self.algebra.factors_of(t): ONE})
        if not shared:
            return None
        inside: Poly = {}
        for own, u, k in ((outer[0], s, c), (outer[1], t, d)):
            k2, mono = product([*own, *self.algebra.factors_of(u)])
            inside[mono] = inside.get(mono, Fraction(0)) + k * k2
        whole = Reduce("sum", s.over, self.form(inside))
        head = tuple(common.items())
        apart = x.add(*(self.monomial(k, m) for k, m in ((c, first), (d, second))))
        together = self.monomial(ONE, product([*head, (whole, ONE)])[1])
        if price(together) > price(apart) + OPERATION // 2:
            return None
        return {product([*head, (whole, ONE)])[1]: ONE}

    # ---- one term -----------------------------------------------------------------------------------------

    def monomial(self, c: Fraction, mono: Mono) -> Expr:
        return self.guarded(c, mono, x.ONE, self.asked({mono: c}))

    def asked(self, poly: Poly) -> set[Expr]:
        """What every term asks, also those that are sums: ``sum_n [Z[g] > 0 and t[n] == g] x[n]`` asks ``Z[g] > 0``."""
        found: set[Expr] | None = None
        for mono in poly:
            own: set[Expr] = set()
            for a, q in mono:
                if is_condition(a):
                    condition = condition_of(a)
                    own.update(condition.args if isinstance(condition, Op) and condition.fn == "and" else [condition])
                elif is_sum(a) and q == 1:
                    assert isinstance(a, Reduce)
                    inside = self.asked(self.algebra.to(a.body))
                    own.update(c for c in inside if not set(a.over) & set(x.free(c)))
            found = own if found is None else found & own
            if not found:
                break
        return found or set()

    def guarded(self, c: Fraction, mono: Mono, inner: Expr, asked: set[Expr]) -> Expr:
        """The product; a case where a factor may not be evaluated while a condition fails.

        Args:
            asked: conditions without which it is 0.
        """
        conditions = [a for a, _ in mono if is_condition(a)]
        rest = tuple(p for p in mono if not is_condition(p[0]))
        breaking = [a for a, q in rest if self.algebra.fragile(a, q)]
        fragile = bool(breaking) or any(map(self.fragile_inside, x.walk(inner)))
        if breaking and asked:  # what the conditions of sums say of a factor outside of them
            said = {p for a in conditions for p in self.asked({((a, ONE),): ONE})}
            read = {t for a in breaking for t in x.tensors(a)}
            conditions += [x.iverson(t) for t in sorted(asked - said, key=text) if read & {*x.tensors(t)}]
        if conditions and fragile:
            tests = [condition_of(a) for a in conditions]
            test = tests[0] if len(tests) == 1 else Op("and", tuple(tests))
            return x.where(test, self.times(c, rest, inner), x.ZERO)
        return self.times(c, mono, inner)

    def fragile_inside(self, e: Expr) -> bool:
        match e:
            case Op("exp" | "log", _):
                return True
            case Op("pow", (a, Num(q))):
                return self.algebra.fragile(a, q)
        return False

    def times(self, c: Fraction, mono: Mono, inner: Expr) -> Expr:
        exponent: list[Expr] = []
        parts: list[Expr] = []
        means: dict[Expr, list[Expr]] = {}
        sums = [a for a, q in mono if is_sum(a) and q == 1]
        for a, q in mono:
            if isinstance(a, Op) and a.fn == "exp" and isinstance(u := a.args[0], Op) and u.fn == "add":
                whole = q > 0 and q.denominator == 1  # it may be one that a sum adds up
                parts.append(x.power(a, Num(q)) if whole else Op("exp", (x.mul(Num(q), u),)))
            elif isinstance(a, Op) and a.fn == "exp":
                exponent.append(x.mul(Num(q), a.args[0]))
            elif isinstance(a, Size) and q == -1:
                owner = next((s for s in sums if self.runs_over(s, a.axis)), None)
                if owner is None:
                    parts.append(x.power(a, Num(q)))
                else:
                    means.setdefault(owner, []).append(x.power(a, Num(q)))
            elif a not in sums:
                parts.append(x.power(a, Num(q)))
        if exponent:
            parts.append(Op("exp", (self.ordered(exponent),)))
        parts.sort(key=factor_order)
        for s in sums:
            parts += [*means.get(s, []), self.sum_form(s)]
        return x.mul(Num(c), *parts, inner)

    def runs_over(self, s: Expr, axis: str) -> bool:
        return isinstance(s, Reduce) and axis in {self.algebra.axis(i) for i in s.over}

    def sum_form(self, s: Expr) -> Expr:
        assert isinstance(s, Reduce)
        if any(isinstance(f, Op) and f.fn == "add" for f in x.factors(s.body)):
            return s  # joined from several sums, and collected then
        poly = self.algebra.to(s.body)
        return Reduce("sum", s.over, self.form(poly)) if len(poly) == 1 else s


def numbers_out(e: Expr) -> Expr:
    """``(2 a - 2 b) c / 2`` is ``(a - b) c``, wherever it stands."""
    e = x.rebuild(e, numbers_out)
    if not (isinstance(e, Op) and e.fn == "mul"):
        return e
    parts: list[Expr] = []
    for f in e.args:
        if isinstance(f, Op) and f.fn == "add":
            terms = [split(t) for t in f.args]
            common = gcd(*(c.numerator for c, _ in terms)) if all(c.denominator == 1 for c, _ in terms) else 1
            parts += [x.num(common), x.add(*(x.mul(Num(c / common), t) for c, t in terms))]
        else:
            parts.append(f)
    return x.mul(*parts)


def split(term: Expr) -> tuple[Fraction, Expr]:
    """A term's numeral, and the rest."""
    numbers = [f.value for f in x.factors(term) if isinstance(f, Num)]
    return prod(numbers, start=ONE), x.mul(*(f for f in x.factors(term) if not isinstance(f, Num)))


def common_sums(parts: list[Expr]) -> list[Expr]:
    """``a (u - v)`` and ``b (v - u)`` are ``(a - b) (u - v)``: a difference is kept, not multiplied out."""
    for p, q in combinations(parts, 2):
        for s in x.factors(p):
            if not (isinstance(s, Op) and s.fn == "add"):
                continue
            for sign, other in ((1, s), (-1, x.neg(s))):
                same = next((f for f in x.factors(q) if {*x.terms(f)} == {*x.terms(other)}), None)
                if same is not None:
                    one, two = (x.mul(*(f for f in x.factors(e) if f != g)) for e, g in ((p, s), (q, same)))
                    both = x.mul(x.add(one, x.mul(x.num(sign), two)), s)
                    return common_sums([both, *(r for r in parts if r not in (p, q))])
    return parts


def name_bound(algebra: Algebra, e: Expr, taken: frozenset[str]) -> Expr:
    """Name bound indices (``i#0``) as a reader expects: the axis, another index along it, i2, i3."""
    layer = algebra.layer
    axes = layer.axes

    def visit(node: Expr, used: frozenset[str]) -> Expr:
        if isinstance(node, Reduce):
            moved: dict[str, Expr] = {}
            own = used | {i for i in x.free(node.body) if i not in node.over}
            names: list[str] = []
            for i in node.over:
                axis = algebra.axis(i)
                others = [k for k, a in sorted(layer.same.items()) if a == axis and k not in axes]
                name = next((k for k in [axis, *others] if k not in own), None) or x.fresh(axis, own)
                own |= {name}
                names.append(name)
                moved[i] = Pos(name)
            return Reduce(node.op, tuple(names), visit(x.rename(node.body, moved), own))
        return x.rebuild(node, lambda child: visit(child, used))

    return visit(e, taken | frozenset(i for i in x.free(e)))


__all__ = ["Collector", "collect", "name_bound"]
