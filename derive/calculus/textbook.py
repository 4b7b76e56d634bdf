"""Finds the textbook form of a gradient.

The scatter rule gives one equation per adjoint. Each is brought to normal form, rewritten by what the
definitions say (names, inversions, facts; see derive.calculus.facts), folded into sums that have a name, and
collected. Adjoints that are cheaper written into the equations that use them disappear. Nothing here knows
any layer, and every change is recorded as a step whose two sides are equal wherever the definitions hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from derive.calculus.adjoint import Adjoint
from derive.calculus.collect import collect, name_bound, numbers_out
from derive.calculus.elementwise import eliminate
from derive.calculus.facts import Fact, Knowledge, recurrent
from derive.calculus.fold import Folder
from derive.calculus.monomials import Poly, is_sum
from derive.calculus.patterns import Rewriter, Rule
from derive.calculus.polynomials import Algebra, Exhausted, TooLarge
from derive.calculus.price import OPERATION, price
from derive.calculus.singular import divided_by_root, is_root
from derive.calculus.slopes import Slopes
from derive.calculus.steps import Rewrite, Said, joined, put_in, sentence
from derive.notation import expr as x
from derive.notation.errors import at
from derive.notation.expr import Expr, Op, Ref, Size
from derive.notation.layer import Equation, Layer

#: Work (see Algebra.spend) that the search for one layer's form may take: some twice what any of the project's
#: layers takes. Beyond it no adjoint is written into another, and what one equation may take is EACH.
WORK, EACH = 200_000, 10_000
QUOTIENTS = ("The slope of the function is a product of factors, of which a quotient cancels one.",)
CANCELLED = ("A positive number above the line and below it cancels.",)
SHARE = "ake out of every sum what does not depend on its indices, and out of all terms what they share."
STEP = 50  #: what rewriting an equation costs, however small it is


@dataclass(frozen=True)
class Textbook:
    """Equations in textbook form, the rewrites that led there, and the facts that hold by definition."""

    equations: tuple[Equation, ...]
    steps: tuple[Rewrite, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Stage:
    """One rewrite of a body: the rule, what came out, and in words why it is equal."""

    rule: str
    after: Expr
    said: Said


@dataclass(frozen=True)
class Forms:
    """Right sides where some adjoints are written into the others.

    Attributes:
        inlined: those adjoints.
        final: every equation's right side, by its number.
        made: what is put in for an adjoint that is written into others.
        cost: of every equation that is left; total: of all.
    """

    inlined: frozenset[str]
    final: dict[int, Expr]
    made: dict[str, tuple[Equation, Expr]]
    cost: dict[int, int]
    total: int


@dataclass
class Search:
    layer: Layer
    adjoint: Adjoint
    apart: bool = False
    known: dict[tuple[int, Expr], list[Stage]] = field(default_factory=dict)
    bounded: bool = False

    def __post_init__(self) -> None:
        self.algebra = Algebra(self.layer)
        self.knowledge = Knowledge(self.algebra, self.layer.equations)
        self.equations = self.adjoint.equations
        self.cycles = recurrent(self.equations)
        self.roles = {n: t.role for n, t in self.adjoint.tensors.items()}
        self.places = {e.target: n for n, e in enumerate(self.equations)}
        self.uses: dict[str, list[Ref]] = {}
        self.readers: dict[str, list[int]] = {}
        for n, e in enumerate(self.equations):
            for node in x.walk(e.body):
                if isinstance(node, Ref):
                    self.uses.setdefault(node.tensor, []).append(node)
            for t in x.tensors(e.body):
                self.readers.setdefault(t, []).append(n)
        self.pinned = {e.target for e in self.equations if self.stays(e)} | self.cycles
        lines = {e.target: e.line for e in self.layer.equations}
        self.rows = {name: lines[t] for t, name in self.adjoint.names.items() if t in lines}
        self.slopes = Slopes(self.algebra, self.layer.equations)
        self.roots = {e.target for e in self.layer.equations if is_root(e.body)}
        self.folder = Folder(self.algebra)
        for e, body in self.knowledge.bodies:
            self.folder.learn(e, body)

    # ---- which adjoints stay ------------------------------------------------------------------------------

    def stays(self, e: Equation) -> bool:
        """Gradients, adjoints read at a shifted index, rescaled cotangents, and contractions."""
        if self.roles.get(e.target) == "output" or None in map(x.plain, e.left):
            return True
        uses = self.uses.get(e.target, ())
        if any(not self.whole(i, own) for ref in uses for i, own in zip(ref.index, e.left, strict=True)):
            return True
        if isinstance(e.body, Ref):
            return False
        if set(x.tensors(e.body)) <= set(self.adjoint.cotangents.values()):
            return True
        try:
            return any(self.contraction(a) for m in self.algebra.to(e.body) for a, _ in m if is_sum(a))
        except TooLarge:
            return True

    def whole(self, index: Expr, own: Expr) -> bool:
        """Whether an index runs along all of the axis where it stands; entries of lists have lengths of their own."""
        i, axis = x.plain(index), x.plain(own)
        if i is None or axis is None:
            return False
        return self.layer.axis(i) == self.layer.axis(axis) or self.layer.sequence_axis is not None

    def contraction(self, s: Expr) -> bool:
        """Whether two factors of a sum have free indices of their own, as in a product of matrices."""
        free = [set(x.free(a)) & set(x.free(s)) for a, _ in self.algebra.factors_of(s)]
        own = [f - set().union(*(g for g in free if g is not f)) for f in free]
        return sum(1 for f in own if f) >= 2

    # ---- one equation -------------------------------------------------------------------------------------

    def stages(self, n: int, body: Expr) -> list[Stage]:
        if (n, body) not in self.known:
            with at(self.rows.get(self.equations[n].target, 0)):
                self.known[n, body] = list(self.within_bounds(n, body) if self.bounded else self.rewrite(n, body))
        return self.known[n, body]

    def within_bounds(self, n: int, body: Expr) -> Iterator[Stage]:
        """The rewrites of one equation that are found with little work."""
        self.algebra.allowed = EACH
        with suppress(Exhausted):
            yield from self.rewrite(n, body)
        self.algebra.allowed = float("inf")

    def shown(self, poly: Poly, e: Equation) -> Expr:
        return name_bound(self.algebra, collect(self.algebra, poly), frozenset(e.indices))

    def rewrite(self, n: int, body: Expr) -> Iterator[Stage]:
        e = self.equations[n]
        self.algebra.spend(STEP + x.size(body))
        if (plain := self.cancelled(body)) != body:
            yield Stage("cancel", plain, CANCELLED)
            body = plain
        alone: Stage | None = None  # taking out is a step by itself where no other rule follows on it
        try:
            start = self.algebra.to(body)
            if e.target in self.cycles:
                tidy = self.shown(start, e)
                if price(tidy) < price(body):
                    yield Stage("collect", tidy, ("Take out what the terms have in common.",))
                return
            poly, last = start, body
            for rule, change in (
                ("pull out of the sum", self.same),
                ("use a definition", self.use_names),
                ("cancel a slope", lambda p: (self.without_quotients(p, e), QUOTIENTS)),
                ("invert a definition", self.invert),
                ("fact", self.use_facts),
                ("fold", lambda p: self.folder(p, n)),
            ):
                after, words = change(poly)
                if after == poly and rule != "pull out of the sum":
                    continue
                poly, now = after, self.shown(after, e)
                if rule == "pull out of the sum" and price(now) >= price(body):
                    continue
                if now != last and rule == "pull out of the sum":
                    alone = Stage(rule, now, words)
                elif now != last:
                    yield Stage(rule, now, (*words, " Then t" + SHARE) if alone else words)
                    alone = None
                last = now
            if alone:
                yield alone
            plain = name_bound(self.algebra, numbers_out(last), frozenset(e.indices))
            if price(plain) < price(last):
                yield Stage(
                    "take numbers out", plain, ("Take out of every difference what its numbers have in common.",)
                )
            self.knowledge.imply(e, poly)
        except TooLarge:
            if alone:
                yield alone

    def same(self, poly: Poly) -> tuple[Poly, Said]:
        return poly, ("T" + SHARE,)

    def cancelled(self, e: Expr) -> Expr:
        """``eps u / (eps v)`` is ``u / v``, wherever it stands, for an eps that is positive."""
        e = x.rebuild(e, self.cancelled)
        if not (isinstance(e, Op) and e.fn == "mul"):
            return e
        parts = list(e.args)
        for f in e.args:
            if (f in self.algebra.positive or isinstance(f, Size)) and f in parts and x.power(f, x.num(-1)) in parts:
                parts.remove(f)
                parts.remove(x.power(f, x.num(-1)))
        return x.mul(*parts)

    def without_quotients(self, poly: Poly, e: Equation) -> Poly:
        """Slopes of functions without the factors that something is divided by, if that is no dearer."""
        return min((poly, *self.slopes(poly)[::-1]), key=lambda p: price(self.shown(p, e)))

    def rewriter(self, rules: list[Rule], protect: bool = True) -> Rewriter:
        known = self.knowledge
        return Rewriter(self.algebra, rules, known.protected if protect else [], known.carried)

    def use_names(self, poly: Poly) -> tuple[Poly, Said]:
        rewriter = self.rewriter(self.knowledge.names)
        return self.knowledge.settle(rewriter(poly)), reasons(rewriter)

    def invert(self, poly: Poly) -> tuple[Poly, Said]:
        rewriter = self.rewriter(self.knowledge.inversions)
        return self.knowledge.settle(rewriter(poly)), reasons(rewriter)

    def use_facts(self, poly: Poly) -> tuple[Poly, Said]:
        rewriter = self.rewriter([rule for rule, _ in self.knowledge.facts], protect=False)
        return self.knowledge.settle(rewriter(poly)), reasons(rewriter)

    # ---- all equations ------------------------------------------------------------------------------------

    def run(self, inlined: frozenset[str]) -> tuple[dict[int, Expr], list[Rewrite]]:
        """Final right sides, by equation, where these adjoints are written into the others."""
        final: dict[int, Expr] = {}
        forms: dict[str, tuple[Equation, Expr]] = {}
        steps: list[Rewrite] = []
        for n, e in enumerate(self.equations):
            body = x.transform(e.body, lambda node: written_in(node, forms))
            if body != e.body:
                gone = [t for t in x.tensors(e.body) if t in forms]
                steps.append(Rewrite(e.lhs, "substitute", e.body, body, put_in([forms[t][0].lhs for t in gone])))
            last = body
            for stage in self.stages(n, body):
                steps.append(Rewrite(e.lhs, stage.rule, last, stage.after, stage.said))
                last = stage.after
            final[n] = last
            if e.target in inlined:
                forms[e.target] = e, last
        return final, steps

    def shorter(self, now: Forms, t: str) -> Forms | None:
        """The forms with one adjoint written into the others, or kept where it was, if they are cheaper together.

        Only equations that read it, itself or through what is written into them, are looked at. Nothing comes to be
        divided by a root that is 0 somewhere: ``r exp(-r) (x - z) / r`` stays together.
        """
        inlined = now.inlined ^ {t}
        made = dict(now.made)
        total = now.total - now.cost[self.places[t]]
        cost = {self.places[t]: 0 if t in inlined else self.cost(now.final[self.places[t]])}
        final: dict[int, Expr] = {}
        if t in inlined:
            made[t] = self.equations[self.places[t]], now.final[self.places[t]]
        else:
            del made[t]
        open_ = [n for n in self.readers.get(t, ()) if n > self.places[t]]
        self.algebra.spend(STEP * (1 + len(open_)) // 2)
        while open_:
            n = heappop(open_)
            e = self.equations[n]
            if n in final:
                continue
            final[n] = self.formed(n, made)
            if final[n] == now.final[n]:
                continue
            if self.divided(final[n]) and not self.divided(now.final[n]):  # what was 0/0 has cancelled
                return None
            total -= now.cost[n]
            cost[n] = 0 if e.target in inlined else self.cost(final[n])
            if e.target in inlined:
                made[e.target] = e, final[n]
                for reader in self.readers.get(e.target, ()):
                    if reader > n:
                        heappush(open_, reader)
        total += sum(cost.values())
        if total >= now.total:
            return None
        return Forms(inlined, {**now.final, **final}, made, {**now.cost, **cost}, total)

    def formed(self, n: int, made: dict[str, tuple[Equation, Expr]]) -> Expr:
        """What an equation comes to where these adjoints are written into it."""
        body = x.transform(self.equations[n].body, lambda node: written_in(node, made))
        stages = self.stages(n, body)
        return stages[-1].after if stages else body

    def divided(self, body: Expr) -> bool:
        return divided_by_root(body, self.roots)

    def cost(self, body: Expr) -> int:
        return price(body) + OPERATION // 2

    def cheapest(self, inlined: frozenset[str], free: list[str], aliases: set[str]) -> frozenset[str]:
        """Which adjoints to write into the equations that use them."""
        now = Forms(inlined, {}, {}, {}, 0)
        for n, e in enumerate(self.equations):
            self.algebra.spend(STEP // 2)
            now.final[n] = self.formed(n, now.made)
            if e.target in inlined:
                now.made[e.target] = e, now.final[n]
            now.cost[n] = 0 if e.target in inlined else self.cost(now.final[n])
        now = replace(now, total=sum(now.cost.values()))
        improved = True
        while improved:
            improved = False
            for t in free:
                found = None if t in aliases else self.shorter(now, t)
                if found is not None:
                    now, improved = found, True
        return now.inlined

    def best(self) -> Textbook:
        free = list(dict.fromkeys(e.target for e in self.equations if e.target not in self.pinned))
        aliases = {e.target for e in self.equations if isinstance(e.body, Ref) and e.target in free}
        for n, e in enumerate(self.equations):
            if self.roles.get(e.target) == "output" or e.target in self.pinned:
                self.folder.learn_adjoint(n, e)
        try:
            self.algebra.allowed = WORK
            inlined = self.cheapest(frozenset(aliases if self.apart else free), free, aliases)
        except Exhausted:
            inlined, self.bounded, self.algebra.allowed = frozenset(aliases), True, float("inf")
        final, steps = self.run(inlined)
        equations = tuple(
            Equation(e.target, e.left, final[n], e.line)
            for n, e in enumerate(self.equations)
            if e.target not in inlined
        )
        return Textbook(equations, tuple(steps), tuple(fact for _, fact in self.knowledge.facts))


def written_in(node: Expr, forms: dict[str, tuple[Equation, Expr]]) -> Expr | None:
    if isinstance(node, Ref) and node.tensor in forms:
        e, form = forms[node.tensor]
        return x.rename(form, dict(zip(e.indices, node.index, strict=True)))
    return None


def reasons(rewriter: Rewriter) -> Said:
    return sentence(joined(list(rewriter.used), "; "))


def eliminated(layer: Layer, adjoint: Adjoint) -> Textbook | None:
    """An elementwise layer's derivative as a polynomial in its value, where there is one that is cheaper."""
    (e,) = adjoint.equations
    (cotangent,) = adjoint.cotangents.values()
    found = eliminate(layer, e.body, Ref(cotangent, e.left))
    if found is None:
        return None
    after = collect(Algebra(layer), found)
    if price(after) >= price(e.body):
        return None
    y, source = layer.outputs[0], layer.inputs[0].name
    rational = (Ref(y, e.left), " and its derivative are rational in ", Op("exp", (Ref(source, e.left),)))
    said = ("Both ", *rational, "; without it, one is a polynomial in the other.")
    step = Rewrite(e.lhs, "eliminate", e.body, after, said)
    return Textbook((Equation(e.target, e.left, after, e.line),), (step,), ())


def textbook(layer: Layer, adjoint: Adjoint, apart: bool = False) -> Textbook:
    """Find the textbook form of every gradient of a layer.

    Args:
        layer: the layer.
        adjoint: the gradient as the scatter rule gives it.
        apart: begin with adjoints as they are, and not with all of them written into one another: where the layer
            is a long chain with others between its equations, what is written out grows along it.
    """
    found = eliminated(layer, adjoint) if layer.elementwise and len(adjoint.equations) == 1 else None
    return found or Search(layer, adjoint, apart).best()
