"""What the definitions of a layer say besides their own words: names, inversions and facts.

A *name*: ``inv_std = (var + epsilon)**(-1/2)`` turns any power of ``var + epsilon`` into one of ``inv_std``.
An *inversion*: a quantity normalised by statistics of itself, ``x_hat = (x - mu) * inv_std`` or ``y = exp(z)
/ sum exp(z)``, is solved for what was normalised: ``x = x_hat / inv_std + mu``. Statistics are what lacks one
of the indices. A *fact*: an inversion put into the definition of a statistic. ``mu = mean x`` then says ``sum
x_hat = 0``. Facts hold wherever the definitions can be evaluated; one that needs a condition carries it,
``sum_k P = [total > 0]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.calculus.collect import collect, name_bound
from derive.calculus.monomials import ONE, Poly, condition_of, is_condition, is_sum, plus, product, scaled, text
from derive.calculus.patterns import Rewriter, Rule
from derive.calculus.polynomials import Algebra, TooLarge
from derive.calculus.steps import Equal, Said, plain
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref, Size
from derive.notation.layer import Equation


@dataclass(frozen=True)
class Fact:
    """``lhs = body`` for all values of the free indices, and why. An equation whose left side is a sum."""

    lhs: Expr
    body: Expr
    said: Said

    @property
    def words(self) -> str:
        return plain(self.said)

    @property
    def left(self) -> tuple[Expr, ...]:
        """The free indices."""
        return tuple(Pos(i) for i in x.free(self.lhs))


def is_function(atom: Expr, q: Fraction) -> bool:
    return (isinstance(atom, Op) and atom.fn == "exp") or (
        q.denominator != 1 and not isinstance(atom, Num | Size) and (is_sum(atom) or isinstance(atom, Op))
    )


def variables(left: Ref) -> frozenset[str]:
    return frozenset(i for e in left.index if (i := x.plain(e)) is not None)


def recurrent(equations: tuple[Equation, ...]) -> set[str]:
    """Tensors that depend on themselves, and those given piece by piece."""
    needs: dict[str, set[str]] = {}
    pieces: dict[str, int] = {}
    for e in equations:
        needs.setdefault(e.target, set()).update(x.tensors(e.body))
        pieces[e.target] = pieces.get(e.target, 0) + 1

    def comes_back(t: str) -> bool:
        seen: set[str] = set()
        open_ = set(needs[t])
        while open_:
            seen |= open_
            open_ = {n for other in open_ for n in needs.get(other, ())} - seen
        return t in seen

    return {t for t in needs if pieces[t] > 1 or comes_back(t)}


class Knowledge:
    """The names, inversions and facts of a layer's definitions."""

    def __init__(self, algebra: Algebra, equations: tuple[Equation, ...]) -> None:
        self.algebra = algebra
        self.equations = equations
        self.names: list[Rule] = []
        self.inversions: list[Rule] = []
        self.protected: list[Rule] = []
        self.facts: list[tuple[Rule, Fact]] = []
        self.implied: dict[str, tuple[Ref, tuple[Expr, ...]]] = {}
        self.bodies: list[tuple[Equation, Poly]] = []
        skip = recurrent(equations)
        for e in equations:
            if e.target in skip or None in map(x.plain, e.left):
                continue
            try:
                self.bodies.append((e, algebra.to(e.body)))
            except TooLarge:
                continue
        self.statistics = self.reductions_of(equations)
        for e, body in self.bodies:
            self.read(e, body)
        for e, body in self.bodies:
            self.consequences(e, body)

    def reductions_of(self, equations: tuple[Equation, ...]) -> dict[str, set[str]]:
        """A tensor's name to the tensors it is a reduction of, directly or not."""
        out: dict[str, set[str]] = {}
        for e in equations:
            inside = {t for n in x.walk(e.body) if is_sum(n) for t in x.tensors(n)}
            for t in x.tensors(e.body):
                inside |= out.get(t, set())
            out.setdefault(e.target, set()).update(inside)
        return out

    def read(self, e: Equation, raw: Poly) -> None:
        body = Rewriter(self.algebra, self.names, [])(raw)
        only = next(iter(body), ()) if len(body) == 1 else ()
        conditions = tuple(condition_of(a) for a, _ in only if is_condition(a))
        self.imply(e, body)
        if self.invert(e, body, conditions):
            return
        if len(body) != 1:
            return
        ((mono, c),) = body.items()
        rest = [(a, q) for a, q in mono if not is_condition(a) and not self.positive_number(a)]
        if len(rest) == 1 and is_function(*rest[0]) and c > 0 and set(x.free(rest[0][0])) == set(e.indices):
            (atom, unit), *_ = rest
            k, value_mono = product([(e.lhs, ONE), *((a, -q) for a, q in mono if self.positive_number(a))])
            value = ((value_mono, k / c),)
            about: Said = ("the definition of ", e.lhs)
            self.names.append(Rule(atom, unit, value, variables(e.lhs), conditions, about))

    def positive_number(self, a: Expr) -> bool:
        return isinstance(a, Size | Num) or a in self.algebra.positive

    def invert(self, e: Equation, body: Poly, conditions: tuple[Expr, ...]) -> bool:
        """Solve ``T = scale * u + offset`` for u where scale and offset are statistics of u, in every case alike."""
        full = set(e.indices)
        if not conditions and any(is_condition(a) for m in body for a, _ in m):  # another equation in each case
            return False
        for u, unit in dict.fromkeys((a, q) for m in body for a, q in m if set(x.free(a)) == full):
            exponential = isinstance(u, Op) and u.fn == "exp"  # exp(-u) is one over exp(u)
            if not (exponential or (isinstance(u, Ref) and unit == 1)):
                continue
            scale: Poly = {}
            offset: Poly = {}
            for m, c in body.items():
                rest = tuple((a, q) for a, q in m if not is_condition(a) and a != u)
                into = scale if (u, unit) in m else offset
                into[rest] = into.get(rest, Fraction(0)) + c
            others = [a for m in (*scale, *offset) for a, _ in m]
            if len(scale) != 1 or (conditions and offset) or any(full <= set(x.free(a)) for a in others):
                continue
            source = set(x.tensors(u))
            sums = [n for a in others for n in x.walk(a) if is_sum(n) and source & set(x.tensors(n))]
            refs = [a for a in others if isinstance(a, Ref)]
            named = [a for a in refs if source & self.statistics.get(a.tensor, set())]
            if not sums and not named:
                continue
            # a condition may say that a tensor is not 0; of a cotangent none does
            said = {n for c in conditions for n in x.walk(c)}
            free = [a for m in scale for a, q in m if q > 0 and not self.never_zero(a)]
            if not all(conditions and (a in said or not isinstance(a, Ref)) for a in free):
                continue
            value = self.algebra.times(
                plus({((e.lhs, ONE),): ONE}, scaled(offset, Fraction(-1))),
                self.algebra.power(scale, Fraction(-1)),
            )
            pattern: Expr = u
            if sums and isinstance(u, Ref) and Op("exp", (u,)) in self.seen_by(sums, u):
                pattern, value = Op("exp", (u,)), self.algebra.exponential(value)
            for s in sums:
                ((mono, _),) = self.algebra.to(s).items()
                for a, _ in mono:
                    if is_sum(a):
                        self.protected.append(Rule(a, ONE, (), variables(e.lhs)))
            solved = tuple(value.items())
            shown = Equal(x.power(pattern, Num(unit)), self.plain(collect(self.algebra, value)))
            about: Said = ("the definition of ", e.lhs, ", solved for ", pattern, ": ", shown)
            self.inversions.append(Rule(pattern, unit, solved, variables(e.lhs), conditions, about))
            return True
        return False

    def never_zero(self, a: Expr) -> bool:
        """Whether one may divide by a factor: a size, a root or quotient, a sum of exponentials."""
        if isinstance(a, Ref):
            bodies = [e.body for e in self.equations if e.target == a.tensor]
            return len(bodies) == 1 and all(self.never_zero(f) for f in x.factors(bodies[0]))
        if isinstance(a, Op) and a.fn == "pow" and isinstance(a.args[1], Num):
            return a.args[1].value < 0 or (a.args[1].value.denominator != 1 and not self.of_squares(a.args[0]))
        if is_sum(a):
            return all(self.never_zero(f) for f, _ in self.algebra.factors_of(a))
        return isinstance(a, Size) or (isinstance(a, Op) and a.fn == "exp") or (isinstance(a, Num) and a.value != 0)

    def of_squares(self, a: Expr) -> bool:
        """Whether it is a sum of squares and nothing else, which is 0 where all of them are."""
        poly = self.algebra.to(a)
        sums = [f for m in poly for f, _ in m if is_sum(f)]
        return len(poly) == len(sums) == 1 and all(q % 2 == 0 for _, q in self.algebra.factors_of(sums[0]))

    def seen_by(self, sums: list[Expr], u: Ref) -> set[Expr]:
        """How the summands see u: as itself or through exp, with the index of u put back."""
        out: set[Expr] = set()
        for s in sums:
            for n in x.walk(s):
                match n:
                    case Op("exp", (Ref(tensor, _),)) if tensor == u.tensor:
                        out.add(Op("exp", (u,)))
        return out

    def normalise(self, poly: Poly, holds: frozenset[Expr] = frozenset()) -> Poly:
        """Use names, then inversions."""
        named = Rewriter(self.algebra, self.names, [])(poly, holds)
        return Rewriter(self.algebra, self.inversions, self.protected)(named, holds)

    def consequences(self, e: Equation, body: Poly) -> None:
        """Facts that follow from one definition and from the unnamed sums in it."""
        claims: list[tuple[Poly, Poly, Ref | None]] = [({((e.lhs, ONE),): ONE}, body, e.lhs)]
        sums = dict.fromkeys(n for mono in body for a, _ in mono for n in x.walk(a) if is_sum(n))
        atoms = dict.fromkeys(a for n in sums for m in self.algebra.to(n) for a, _ in m)
        for s in filter(self.is_protected, atoms):
            assert isinstance(s, Reduce)
            claims.append(({((s, ONE),): ONE}, self.algebra.to(s.body), None))
        for left, right, name in claims:
            for rule in self.inversions:
                holds = frozenset(rule.conditions)
                try:
                    if name:
                        after = self.normalise(right, holds)
                    else:
                        ((mono, _),) = left.items()
                        inner = Rewriter(self.algebra, self.inversions, self.protected)(right, holds)
                        s = mono[0][0]
                        assert isinstance(s, Reduce)
                        after = self.algebra.total(s.over, inner)
                except TooLarge:
                    continue
                if after != right:
                    self.conclude(plus(left, scaled(after, Fraction(-1))), rule, name)

    def is_protected(self, s: Expr) -> bool:
        return any(True for p in self.protected if p.pattern == s)

    def conclude(self, zero: Poly, rule: Rule, name: Ref | None) -> None:
        """Solve ``0 = zero`` for the one new sum in it."""
        normalised = {
            n.tensor
            for m, _ in rule.value
            for a, _ in m
            for n in x.walk(a)
            if isinstance(n, Ref) and variables(n) == rule.variables
        }
        hits = [
            (m, n)
            for m in zero
            for n, (a, q) in enumerate(m)
            if is_sum(a) and q == 1 and normalised & set(x.tensors(a))
        ]
        if len(hits) != 1:
            return
        ((mono, n),) = hits
        s = mono[n][0]
        scale = {mono[:n] + mono[n + 1 :]: zero[mono]}
        rest = {m: c for m, c in zero.items() if m != mono}
        right = self.algebra.times(scaled(rest, Fraction(-1)), self.algebra.power(scale, Fraction(-1)))
        right = self.algebra.times(right, {product((x.iverson(c), ONE) for c in rule.conditions)[1]: ONE})
        if any(s in x.walk(a) for m in right for a, _ in m) or any(r.pattern == s for r, _ in self.facts):
            return
        if not {i for m in right for a, _ in m for i in x.free(a)} <= {*x.free(s)}:  # a condition of one term alone
            return
        source: Said = ("the definition of ", name) if name else (self.plain(self.old(zero, s)),)
        shown = Equal(self.plain(s), self.plain(self.algebra.back(right)))
        said: Said = (*rule.about[:-2], ", put into ", *source, ", gives ", shown)
        self.facts.append(
            (
                Rule(s, ONE, tuple(right.items()), frozenset(x.free(s)), (), said),
                Fact(shown.left, shown.right, said),
            )
        )

    def plain(self, e: Expr) -> Expr:
        return name_bound(self.algebra, e, frozenset(x.free(e)))

    def old(self, zero: Poly, s: Expr) -> Expr:
        return next((a for m in zero for a, _ in m if is_sum(a) and a != s), s)

    def imply(self, e: Equation, body: Poly) -> None:
        """Remember the conditions without which a tensor is zero."""
        found: set[Expr] | None = None
        for mono in body:
            here = {condition_of(a) for a, _ in mono if is_condition(a)}
            here |= {k for a, q in mono if q > 0 for k in self.carried(a)}
            found = here if found is None else found & here
        found = {k for k in found or () if set(x.free(k)) <= set(e.indices)}
        if found:
            self.implied[e.target] = e.lhs, tuple(sorted(found, key=text))

    def settle(self, poly: Poly) -> Poly:
        """Drop conditions that a factor carries (P [total > 0] = P), unless they keep another finite."""
        out: Poly = {}
        for mono, c in poly.items():
            carried = {k for a, q in mono if q > 0 for k in self.carried(a)}
            if any(self.algebra.fragile(a, q) for a, q in mono):
                k, rest = product([*mono, *((x.iverson(c), ONE) for c in carried)])
            else:
                dropped = {x.iverson(c) for c in carried}
                k, rest = ONE, tuple((a, q) for a, q in mono if a not in dropped)
            out[rest] = out.get(rest, Fraction(0)) + c * k
        return {m: c for m, c in out.items() if c}

    def carried(self, atom: Expr) -> set[Expr]:
        """The conditions without which an atom is zero."""
        if isinstance(atom, Ref) and atom.tensor in self.implied:
            lhs, conditions = self.implied[atom.tensor]
            pairs = zip(lhs.index, atom.index, strict=True)
            binding = {i: e for k, e in pairs if (i := x.plain(k)) is not None}
            return {x.rename(c, binding) for c in conditions}
        if isinstance(atom, Reduce) and is_sum(atom):
            inside = {k for a, q in self.algebra.factors_of(atom) if q > 0 for k in self.carried(a)}
            return {k for k in inside if not set(x.free(k)) & set(atom.over)}
        return set()
