"""A rule of derive.program.stable: where a probability is next to 1, what is multiplied by 1 minus it keeps its digits.

For rows p that sum to 1 along an index k, however they are spelled (`probability`), two forms hide a factor 1 - p:

* ``f[i] - sum(k, p[k] f[k])`` does not change when all of a row's f grow by the same number, for sum p = 1. So f may be
  taken relative to its value at the surest k, where both terms are nearly the same: `less_mean`.
* ``g[i] - p[i] sum(k, g[k])`` sums to 0 over i, so its element at the surest i is minus the sum of the others:
  `less_share`.

Both are equal to what was written in exact arithmetic; a row of zeros, which a mask leaves, is as it was. A mean of f
under p may hide: as a factor of a sum of weights, ``sum(t) mean(f) - sum(t f)``, which is minus the sum of t times
the first form; in a sum over rows as well; and where f is a sum itself, whose order was changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Protocol

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref
from derive.notation.layer import Equation
from derive.program.rewriting.pattern import less
from derive.program.terms import LARGE, Term, permuted, place_of, references, same, split


class Rules(Protocol):
    """What is used of derive.program.stable.Stabiliser."""

    flat: list[Equation]

    def definition(self, name: str) -> Equation | None: ...
    def at(self, equation: Equation, ref: Ref) -> Expr: ...
    def fresh(self, name: str, axes: tuple[str, ...]) -> str: ...
    def note(self, text: str) -> None: ...


Match = Callable[[Expr, Expr, tuple[str, ...]], dict[str, Expr] | None]


@dataclass
class Saturation:
    """Applies the rule to one program.

    Attributes:
        match: indices under which a pattern is an expression.
        made: the equations that were added, by what they compute.
        before: those that the equation at hand needs.
        units, logs: tensors whose rows, or whose rows' exponentials, sum to 1 along the index at this place.
    """

    rules: Rules
    match: Match
    made: dict[Expr, Equation] = field(default_factory=dict)
    before: list[Equation] = field(default_factory=list)
    units: dict[str, int] = field(default_factory=dict)
    logs: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        out: list[Equation] = []
        self.units = {e.target: place for e in self.rules.flat if (place := self.unit(e)) is not None}
        self.logs = self.logarithms()
        for e in self.rules.flat:
            self.before = []
            body = x.transform(e.body, self.visit)
            out += [*self.before, replace(e, body=body)]
        self.rules.flat = out

    # ---- probabilities ---------------------------------------------------------------------------------------------

    def unit(self, e: Equation) -> int | None:
        """The place of the index along which a tensor's rows sum to 1 (or to 0, where a mask leaves nothing)."""
        body = e.body
        if isinstance(body, Op) and body.fn == "where" and body.args[2] == x.ZERO:
            body = body.args[1]
        match x.factors(body):
            case (Ref() as above, Op("pow", (Ref() as total, Num(minus)))) if minus == -1:
                over = self.summed(above, total)
                return None if over is None else place_of(e, over)
        return None

    def summed(self, above: Ref, total: Ref) -> str | None:
        """The index of a reference over which another one is its sum."""
        made = self.rules.definition(total.tensor)
        match made.body if made else None:
            case Reduce("exp_sum" | "sum", (over,), Ref(name)) if name == above.tensor:
                assert made is not None
                found = self.match(self.rules.at(made, total).body, above, (over,))  # type: ignore[union-attr]
                return x.plain(found[over]) if found else None
        return None

    def logarithms(self) -> dict[str, int]:
        """Logarithms of softmax, with the place of the index along which their exponentials sum to 1."""
        found = {}
        for e in self.rules.flat:
            for below, minus in permuted(x.terms(e.body)) if len(x.terms(e.body)) == 2 else ():
                match minus:
                    case Op("mul", (Num(value), Ref() as log)) if value == -1:
                        over = self.normalised(below, log)
                        if over is not None and (place := place_of(e, over)) is not None:
                            found[e.target] = place
        return found

    def normalised(self, below: Expr, log: Ref) -> str | None:
        """The index along which exp(below - log) sums to 1."""
        made = self.rules.definition(log.tensor)
        if made is None or not isinstance(made.body, Reduce) or len(made.body.over) != 1:
            return None
        (over,), body = made.body.over, self.rules.at(made, log)
        assert isinstance(body, Reduce)
        match made.body.op, body.body:
            case "log_sum_exp", Op("of", (own, _)):
                found = self.match(own, below, (over,))
                return x.plain(found[over]) if found else None
        return None

    def probability(self, factors: list[Expr], along: str) -> tuple[Expr, list[Expr]] | None:
        """A factor that sums to 1 along an index, and the rest."""
        for n, f in enumerate(factors):
            rest = factors[:n] + factors[n + 1 :]
            match f:
                case Ref(name, index) if name in self.units and x.plain(index[self.units[name]]) == along:
                    return f, rest
                case Op("exp", (Ref(name, index),)) if name in self.logs and x.plain(index[self.logs[name]]) == along:
                    return f, rest
                case Ref():
                    for m, total in enumerate(rest):
                        match total:
                            case Op("pow", (Ref() as below, Num(minus))) if minus == -1:
                                if self.summed(f, below) == along:
                                    return self.guarded(f, total, below), rest[:m] + rest[m + 1 :]
        return None

    def guarded(self, f: Ref, total: Expr, below: Ref) -> Expr:
        """``f / below``, a row of zeros where a mask leaves nothing: the condition that says so stands elsewhere."""
        share = x.mul(f, total)
        made = self.rules.definition(f.tensor)
        exponents = (self.rules.definition(r.tensor) for r in x.refs(made.body)) if made else ()
        if not any(n == Opt("inf") for e in exponents if e for n in x.walk(e.body)):
            return share
        return Op("where", (Op("!=", (below, x.ZERO)), share, x.ZERO))

    # ---- sums of terms ---------------------------------------------------------------------------------------------

    def visit(self, e: Expr) -> Expr | None:
        if not (isinstance(e, Op) and e.fn == "add"):
            return None
        terms, changed = [split(t) for t in e.args], False
        while (found := self.paired(terms)) is not None:
            n, m, new = found
            terms = [t for k, t in enumerate(terms) if k not in (n, m)] + new
            changed = True
        if not changed:
            return None
        self.rules.note("where a probability is next to 1, what is left of 1 is summed from the others")
        return x.transform(x.add(*(x.mul(*t[1], t[0]) for t in terms)), self.visit)

    def paired(self, terms: list[Term]) -> tuple[int, int, list[Term]] | None:
        """Two terms that are one of the forms, and what stands for them."""
        for n, m in permutations(range(len(terms)), 2):
            for form in (self.mean, self.weighted, self.over_rows, self.under_sums, self.share):
                for one in self.opened(terms[n]):
                    new = form(one, terms[m])
                    if new is not None:
                        return n, m, new
        return None

    def opened(self, term: Term) -> Iterator[Term]:
        """A term, and what it is with a factor that has a name of its own multiplied out."""
        yield term
        for r, rest in references(term[1]):
            made = self.rules.definition(r.tensor)
            inner = self.rules.at(made, r) if made else r
            if isinstance(inner, Op) and inner.fn == "mul" and made and made.target not in self.units:
                number, factors = split(inner)
                yield Num(term[0].value * number.value), [*rest, *factors]

    def mean(self, total: Term, other: Term) -> list[Term] | None:
        """``c f[i] - c sum(k, p[k] f[k])``; of a larger multiple of the sum the rest is left."""
        rest = total[0].value + other[0].value
        if total[0].value * other[0].value >= 0 or abs(total[0].value) < abs(other[0].value):
            return None
        for s, factors in references(total[1]):
            for p, f, over, common in self.means(s, factors, other[1]):
                left = less(other[1], common)
                found = self.matched(f, left, over) if left and set(x.free(f)) <= set(x.free(p)) else None
                if found is not None and isinstance(found.get(over), Pos | Ref):  # see over_rows
                    new = (other[0], [*common, self.relative(s, p, f, over, found[over])])
                    return [new, (Num(rest), total[1])] if rest else [new]
        return None

    def means(self, s: Ref, factors: list[Expr], other: list[Expr]) -> Iterator[tuple[Expr, Expr, str, list[Expr]]]:
        """What a sum, maybe divided, is the mean of: p, f, the index, and the factors that are left beside it.

        Where the order of sums was changed, f is what another term has.
        """
        made = self.rules.definition(s.tensor)
        body = self.rules.at(made, s) if made else None
        if not isinstance(body, Reduce) or body.op != "sum" or len(body.over) != 1:
            return
        own, (over,) = list(x.factors(body.body)), body.over
        found = self.probability(own, over)
        if found is not None and found[1]:
            yield found[0], x.mul(*found[1]), over, factors
        for n, f in enumerate(factors):  # sum(k, e[k] f[k]) / sum(k, e[k])
            found = self.probability([*own, f], over) if isinstance(f, Op) and f.fn == "pow" else None
            if found is not None and f not in found[1] and found[1]:
                yield found[0], x.mul(*found[1]), over, factors[:n] + factors[n + 1 :]
        left = less(other, factors)
        if left is not None and len(left) == 1 and isinstance(left[0], Ref):
            ref = left[0]
            for name, place in self.units.items():
                unit = self.rules.definition(name)
                if unit is None or len(unit.left) != len(ref.index) or (along := x.plain(ref.index[place])) is None:
                    continue
                p = Ref(name, ref.index)
                if same(self.expanded(body), self.expanded(Reduce("sum", (along,), x.mul(p, ref)))):
                    yield p, ref, along, factors

    def expanded(self, e: Reduce) -> tuple[tuple[str, ...], Counter[Expr]]:
        """A sum of products with the sums among its factors multiplied out: its indices and factors."""
        over, found = list(e.over), list[Expr]()
        for f in x.factors(e.body):
            made = self.rules.definition(f.tensor) if isinstance(f, Ref) else None
            match made.body if made else None:
                case Reduce("sum"):
                    assert made is not None
                    assert isinstance(f, Ref)
                    inner = self.rules.at(made, f)
                    assert isinstance(inner, Reduce)
                    new = {i: f"{i} of {len(over)}" for i in inner.over}
                    over += new.values()
                    found += x.factors(x.rename(inner.body, {i: Pos(n) for i, n in new.items()}))
                case _:
                    found.append(f)
        return tuple(over), Counter(found)

    def weighted(self, total: Term, other: Term) -> list[Term] | None:
        """``c sum(t) sum(k, p[k] f[k]) - c sum(k, t[k] f[k])``."""
        if total[0].value != -other[0].value:
            return None
        for s, rest in references(total[1]):
            for weights, common in references(rest):
                left = less(other[1], common)
                if left is None or len(left) != 1 or not isinstance(left[0], Ref):
                    continue
                w, u = (self.sum_of(r) for r in (left[0], weights))
                if w is None or u is None:
                    continue
                for p, f, over, _ in self.means(s, [], []):
                    own = less(self.multiplied(w, over), list(x.factors(f)))
                    narrow = set(x.free(f)) <= set(x.free(p))  # nothing is as large as f with p's other axes
                    if narrow and own is not None and Counter(own) == Counter(self.multiplied(u, over)):
                        at = Pos(w.over[0])
                        body = x.mul(*(x.rename(t, {over: at}) for t in own), self.relative(s, p, f, over, at))
                        return [(other[0], [*common, self.named("sum", left[0].index, Reduce("sum", w.over, body))])]
        return None

    def multiplied(self, total: Reduce, over: str) -> list[Expr]:
        """The factors under a sum, over the index given, with those that are products themselves multiplied out."""
        found: list[Expr] = []
        for f in x.factors(x.rename(total.body, {total.over[0]: Pos(over)})):
            made = self.rules.definition(f.tensor) if isinstance(f, Ref) else None
            inner = self.rules.at(made, f) if made and isinstance(f, Ref) else f
            product = isinstance(inner, Op) and inner.fn == "mul" and all(isinstance(g, Ref) for g in inner.args)
            found += inner.args if product and isinstance(inner, Op) else [f]
        return found

    def sum_of(self, r: Ref) -> Reduce | None:
        """The sum over one index that a tensor is."""
        made = self.rules.definition(r.tensor)
        body = self.rules.at(made, r) if made else None
        return body if isinstance(body, Reduce) and body.op == "sum" and len(body.over) == 1 else None

    def over_rows(self, total: Term, other: Term) -> list[Term] | None:
        """``c sum((r, k), p[r, k] f[r, k]) - c sum(r, f[r, i])``."""
        if total[0].value != -other[0].value:
            return None
        for s, common in references(total[1]):
            left = less(other[1], common)
            made = self.rules.definition(s.tensor)
            body = self.rules.at(made, s) if made else None
            if left is None or len(left) != 1 or not isinstance(left[0], Ref) or not isinstance(body, Reduce):
                continue
            own = self.rules.definition(left[0].tensor)
            single = self.rules.at(own, left[0]) if own else None
            if not isinstance(single, Reduce) or (single.op, body.op) != ("sum", "sum"):
                continue
            (over, *more) = [i for i in body.over if i not in single.over] or [""]
            found = self.probability(list(x.factors(body.body)), over)
            if more or found is None or not found[1] or {*single.over, over} != set(body.over):
                continue
            f = x.mul(*found[1])
            if not {*x.free(f)} <= {*body.over}:  # a row for each place of the result would be another tensor
                continue
            at = self.matched(f, list(x.factors(single.body)), over)
            if at is None or not isinstance(at.get(over), Pos | Ref):  # i - 2: outside f is 0, less its mean it is not
                continue
            rows = Ref(s.tensor, tuple(Pos(i) for i in single.over))
            inner = replace(single, body=self.relative(rows, found[0], f, over, at[over]))
            return [(other[0], [*common, self.named("sum", left[0].index, inner)])]
        return None

    def under_sums(self, total: Term, other: Term) -> list[Term] | None:
        """``c sum(r, a[r]) - c sum(r, b[r])`` where a - b is the first form."""
        for s, common in references(total[1]):
            left = less(other[1], common)
            if left is None or len(left) != 1 or not isinstance(left[0], Ref):
                continue
            one, two = self.sum_of(s), self.sum_of(left[0])
            if one is None or two is None:
                continue
            at = two.over[0]
            new = self.mean((total[0], self.multiplied(one, at)), (other[0], self.multiplied(two, at)))
            if new is not None and len(new) == 1:
                return [
                    (
                        x.ONE,
                        [*common, self.named("sum", s.index, Reduce("sum", two.over, x.mul(*new[0][1], new[0][0])))],
                    )
                ]
        return None

    def share(self, part: Term, other: Term) -> list[Term] | None:
        """``c g[i] - c p[i] sum(k, g[k])``, and ``c g[i] - c p[i] (sum(k, g[k]) + ...)``."""
        for total, rest, more in self.totals(part[1]):
            if total[0].value * part[0].value != -other[0].value:
                continue
            g = self.sum_of(total[1])
            for along in {i for f in rest for i in x.free(f)} if g is not None else ():
                found = self.probability(rest, along)
                left = less(other[1], found[1]) if found else None
                if not found or not left or g is None:
                    continue
                at = self.matched(g.body, left, g.over[0])
                if at is not None and at.get(g.over[0]) == Pos(along):
                    index = tuple(i for i in x.free(x.mul(*left, found[0])) if i != along)
                    own = Op("less_share", (x.mul(*left), found[0], Pos(along)))
                    new = self.named("rest", (*map(Pos, index), Pos(along)), own)
                    others = [(part[0], [*rest, x.add(*more)])] if more else []
                    return [(other[0], [*found[1], new]), *others]
        return None

    def totals(self, factors: list[Expr]) -> Iterator[tuple[tuple[Num, Ref], list[Expr], list[Expr]]]:
        """A factor that is a reference, or a sum with one as a term, the other factors, and the other terms."""
        for n, f in enumerate(factors):
            rest = factors[:n] + factors[n + 1 :]
            for k, t in enumerate(x.terms(f)):
                sign, own = split(t)
                if len(own) == 1 and isinstance(own[0], Ref):
                    yield (sign, own[0]), rest, [*x.terms(f)[:k], *x.terms(f)[k + 1 :]]

    def matched(self, pattern: Expr, factors: list[Expr], over: str) -> dict[str, Expr] | None:
        """The index at which a product is another one, whose order does not matter."""
        if len(factors) != len(x.factors(pattern)) or len(factors) > LARGE:
            return None
        orders = (self.match(pattern, x.mul(*order), (over,)) for order in permutations(factors))
        return next((found for found in orders if found is not None), None)

    # ---- what is added ---------------------------------------------------------------------------------------------

    def relative(self, rows: Ref, p: Expr, f: Expr, over: str, at: Expr) -> Expr:
        """``f - sum(p f)`` at an index, for the rows of a sum."""
        own = next((r for r in x.refs(p) if r.tensor in {**self.units, **self.logs}), None)
        made = self.rules.definition(own.tensor) if own else None
        if own and made:  # the same name for the index wherever it is needed
            name = made.indices[{**self.units, **self.logs}[own.tensor]]
            if name not in x.free(rows):
                f, p, over = (*(x.rename(e, {over: Pos(name)}) for e in (f, p)), name)
        index = (*(i for i in rows.index if isinstance(i, Pos)), Pos(over))
        return x.rename(self.named("relative", index, Op("less_mean", (f, p, Pos(over)))), {over: at})

    def named(self, word: str, index: tuple[Expr, ...], body: Expr) -> Ref:
        """The name of an expression, which is added to the program."""
        known = self.made.get(body)
        if known is None:
            of = "_".join(dict.fromkeys(r.tensor for r in x.refs(body.args[0] if isinstance(body, Op) else body)))
            axes = tuple(x.plain(i) or "" for i in index)
            known = self.made[body] = Equation(self.rules.fresh(f"{word}_{of}", axes), index, body)
            self.before.append(known)
        return known.lhs
