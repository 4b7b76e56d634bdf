"""The normal form in which gradients are compared: sums of monomials.

A monomial is a product of powers of atoms; an atom is a reference, a size, an option, a condition ``[c]``, a
function, a sum over indices whose summand is again one monomial, or a sum of terms under a negative or
fractional power. A case ``a if c else b`` is ``[c] a + [not c] b``, where a factor that cannot be evaluated
while its condition fails is printed as a case again (``Printer`` in derive.calculus.collect).

SymPy does none of this: its sums capture indices, and its ``expand`` is slower than these dictionaries.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from itertools import product as cartesian
from math import gcd, lcm

from derive.calculus.monomials import (
    ONE,
    Mono,
    Poly,
    integer_root,
    is_condition,
    is_sum,
    named_index,
    negated,
    plus,
    product,
    scaled,
    text,
)
from derive.calculus.scalars import POSITIVE_KINDS
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref, Size
from derive.notation.functions import sign_of
from derive.notation.layer import Layer

LIMIT = 400
DIVIDED = 12  #: terms of what is divided by a sum that it may be a multiple of


class TooLarge(ValueError):
    """An expression whose normal form has more than LIMIT terms; it is left as it is."""


class Exhausted(Exception):
    """The work allowed is done."""


class Algebra:
    """Arithmetic on normal forms for one layer: it says where an index runs and what is positive."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.allowed = float("inf")
        self.positive = {e for o in layer.options if o.kind in POSITIVE_KINDS for e in o.elements}
        self.known: dict[Expr, Poly] = {}
        self.forms: dict[frozenset[tuple[Mono, Fraction]], Expr] = {}
        names = [a for t in layer.tensors.values() for a in t.axes] + list(layer.sizes)
        self.order = {a: n for n, a in reversed(list(enumerate(names)))}
        nodes = [n for e in layer.equations for n in x.walk(e.body)]
        self.exponentials = [n for n in dict.fromkeys(nodes) if isinstance(n, Op) and n.fn == "exp" and x.tensors(n)]
        self.guarded = {t for n in nodes if isinstance(n, Op) and n.fn == "where" for t in x.tensors(n.args[0])}

    def spend(self, work: int) -> None:
        """Count work: factors multiplied, pairs of terms looked at.

        Raises:
            Exhausted: more than is allowed.
        """
        self.allowed -= work
        if self.allowed < 0:
            raise Exhausted

    def axis(self, index: str) -> str:
        """Bound indices of normal forms are called ``i#0``."""
        return self.layer.axis(index.split("#")[0])

    def times(self, *polys: Poly) -> Poly:
        out: Poly = {(): ONE}
        for poly in polys:
            if len(out) * len(poly) > LIMIT:
                raise TooLarge
            self.spend(sum(map(len, out)) * len(poly) + sum(map(len, poly)) * len(out))
            new: Poly = {}
            for a, c in out.items():
                for b, d in poly.items():
                    k, mono = product(a + b)
                    if k:
                        new[mono] = new.get(mono, Fraction(0)) + c * d * k
            out = {m: c for m, c in new.items() if c}
        return out

    def power(self, poly: Poly, q: Fraction) -> Poly:
        if q == 1:
            return poly
        if not poly:
            return {((x.ZERO, q),): ONE}
        whole = q.denominator == 1
        if len(poly) > 1 and whole:  # a power of a sum stays one: expanded, it would be a difference of large terms
            common = self.common(poly)
            rest, c = self.divide(poly, common)
            if rest[min(rest, key=lambda m: text(self.term(ONE, m)))] < 0:
                rest, c = scaled(rest, Fraction(-1)), -c
            k, out = product([*((a, e * q) for a, e in common), (self.back(rest), q)])
            return {out: c**q.numerator * k}
        ((mono, c),) = poly.items() if len(poly) == 1 else (((), Fraction(0)),)
        if len(poly) == 1 and (whole or (c > 0 and self.splits(mono))):
            pairs = [(a, e * q) for a, e in mono]
            if whole:
                k, out = product(pairs)
                return {out: c**q.numerator * k}
            k, roots = integer_root(c, q)
            k2, out = product(pairs + roots)
            return {out: k * k2}
        k, out = product([(self.back(poly), q)])
        return {out: k}

    def splits(self, mono: Mono) -> bool:
        """Whether a fractional power of the product is the product of fractional powers."""
        unknown = [q for a, q in mono if not (isinstance(a, Size | Num) or a in self.positive)]
        return len(unknown) <= 1 and all(q.numerator % 2 for q in unknown)

    def fragile(self, atom: Expr, q: Fraction) -> bool:
        """Whether a factor can be infinite, so that no condition may be multiplied with it."""
        if isinstance(atom, Size | Num | Pos) or atom in self.positive:
            return False
        return q < 0 or (isinstance(atom, Op) and atom.fn in ("exp", "log"))

    def common(self, poly: Poly) -> Mono:
        """The largest monomial that divides every term."""
        first, *others = (dict(m) for m in poly)
        out = []
        for atom, q in first.items():
            exponents = [q, *(m.get(atom, Fraction(0)) for m in others)]
            if all(e > 0 for e in exponents):
                out.append((atom, min(exponents)))
            elif all(e < 0 for e in exponents):
                out.append((atom, max(exponents)))
        return tuple(out)

    def divide(self, poly: Poly, common: Mono) -> tuple[Poly, Fraction]:
        """The polynomial without a common monomial and without its rational content, and the content."""
        content = Fraction(gcd(*(c.numerator for c in poly.values())), lcm(*(c.denominator for c in poly.values())))
        if all(c < 0 for c in poly.values()):
            content = -content
        drop = dict(common)
        out: Poly = {}
        for mono, c in poly.items():
            rest = tuple((a, q - drop.get(a, 0)) for a, q in mono if q != drop.get(a, 0))
            out[rest] = c / content
        return out, content

    def quotient(self, poly: Poly, by: Poly) -> Poly | None:
        """The polynomial over another one where nothing is left: ``s**2 + 2 s + 1`` over ``s + 1``."""
        atoms = sorted({a for m in by for a, _ in m}, key=text)
        if len(by) < 2 or len(poly) > DIVIDED or any(is_condition(a) for a in atoms):
            return None

        def order(mono: Mono) -> tuple[Fraction, ...]:
            powers = dict(mono)
            return tuple(powers.get(a, Fraction(0)) for a in atoms)

        lead = max(by, key=order)
        found: Poly = {}
        left = dict(poly)
        while left:
            self.spend(len(left) + len(by))
            first = max(left, key=lambda m: (order(m), text(self.term(ONE, m))))
            powers = dict(first)
            if len(found) > DIVIDED or any(powers.get(a, Fraction(0)) < q for a, q in lead):
                return None
            for a, q in lead:
                powers[a] -= q
            mono = tuple((a, q) for a, q in powers.items() if q)
            c = left[first] / by[lead]
            found = plus(found, {mono: c})
            left = plus(left, scaled(self.times({mono: c}, by), Fraction(-1)))
            if len(left) > 2 * DIVIDED:
                return None
        return found

    # ---- from expressions ---------------------------------------------------------------------------------

    def to(self, e: Expr) -> Poly:
        if e not in self.known:
            self.known[e] = self.convert(e)
        return self.known[e]

    def convert(self, e: Expr) -> Poly:
        match e:
            case Num(value):
                return {(): value} if value else {}
            case Op("add", args):
                return plus(*(self.to(a) for a in args))
            case Op("mul", args):
                return self.times(*(self.to(a) for a in args))
            case Op("pow", (a, Num(q))):
                return self.power(self.to(a), q)
            case Op("exp", (a,)):
                return self.exponential(self.to(a))
            case Op("where", _) if sign_of(e) is not None:  # one factor, and no sum over its cases
                return self.atom(e)
            case Op("where", (c, a, b)):
                holds, fails = (self.atom(x.iverson(k)) for k in (c, negated(c)))
                return plus(self.times(holds, self.to(a)), self.times(fails, self.to(b)))
            case Size(axis):
                return self.atom(Size(self.axis(axis)))
            case Reduce("sum", over, body):
                return self.total(over, self.to(body))
        return self.atom(e)

    def atom(self, e: Expr) -> Poly:
        return {((e, ONE),): ONE}

    def exponential(self, poly: Poly) -> Poly:
        """exp of a sum, as a power of the exp of a sum without common factor; exp(log a) is a.

        It is not the product of exp of the terms: one of them may be out of range where their sum is not.
        """
        pairs: list[tuple[Expr, Fraction]] = []
        apart = {m: c for m, c in poly.items() if not m or all(isinstance(a, Op) and a.fn == "log" for a, _ in m)}
        together = {m: c for m, c in poly.items() if m not in apart}
        if len(together) > 1:
            whole, content = self.divide(together, ())
            if whole[min(whole, key=lambda m: text(self.term(ONE, m)))] < 0:
                whole, content = scaled(whole, Fraction(-1)), -content
            pairs.append((Op("exp", (self.back(whole),)), content))
            poly = apart
        for mono, c in poly.items():
            if len(mono) == 1 and mono[0][1] == 1 and isinstance(a := mono[0][0], Op) and a.fn == "log":
                inner = self.power(self.to(a.args[0]), c)
                if len(inner) != 1:
                    pairs.append((a.args[0], c))
                    continue
                ((m, k),) = inner.items()
                pairs += [*m, (Num(k), ONE)]
            else:
                pairs.append((Op("exp", (self.term(ONE, mono),)), c))
        k, out = product(pairs)
        return {out: k} if k else {}

    # ---- sums ---------------------------------------------------------------------------------------------

    def total(self, over: tuple[str, ...], poly: Poly) -> Poly:
        """The sum of a normal form over indices."""
        out: list[Poly] = []
        for mono, c in poly.items():
            k, m = self.total_of(list(over), mono)
            out.append({m: c * k})
        return plus(*out)

    def factors_of(self, sum_atom: Expr) -> Mono:
        """The summand of a sum in normal form; a factor that is a sum, which cancelling left one, is an atom."""
        assert isinstance(sum_atom, Reduce)
        whole = self.to(sum_atom.body)
        if len(whole) == 1:
            return next(iter(whole))
        each = [(f, self.to(f)) for f in x.factors(sum_atom.body)]
        return product(pair for f, own in each for pair in (next(iter(own)) if len(own) == 1 else ((f, ONE),)))[1]

    def total_of(self, over: list[str], mono: Mono) -> tuple[Fraction, Mono]:
        """Sum one monomial: merge inner sums, take out constants, split what is independent."""
        coefficient = ONE
        names = {i for a, _ in mono for i in (*x.free(a), *x.bound(a))} | set(over)
        merging = True
        while merging:
            merging = False
            for n, (atom, q) in enumerate(mono):
                if q == 1 and is_sum(atom) and set(over) & set(x.free(atom)):
                    assert isinstance(atom, Reduce)
                    moved = {}
                    for i in atom.over:
                        count = 0
                        while (name := f"{self.axis(i)}#{count}") in names:
                            count += 1
                        moved[i] = name
                        names.add(name)
                    places: dict[str, Expr] = {k: Pos(v) for k, v in moved.items()}
                    inner = [(x.rename(a, places), p) for a, p in self.factors_of(atom)]
                    over = over + list(moved.values())
                    c, mono = product((*mono[:n], *inner, *mono[n + 1 :]))
                    coefficient *= c
                    merging = True
                    break
        for atom, _ in mono:
            known = named_index(atom)
            if known is None or known[1] not in over or set(over) & set(x.free(known[0])):
                continue
            if self.in_range(known[0], mono):
                rest = [(x.rename(a, {known[1]: known[0]}), q) for a, q in mono if a != atom]
                c, mono = product(rest)
                c2, mono = self.total_of([i for i in over if i != known[1]], mono)
                return coefficient * c * c2, mono
        outside: list[tuple[Expr, Fraction]] = []
        groups: list[tuple[set[str], list[tuple[Expr, Fraction]]]] = [({i}, []) for i in over]
        for pair in mono:
            used = set(over) & set(x.free(pair[0])) or self.kept_inside(pair, over, mono)
            if not used:
                outside.append(pair)
                continue
            hit = [g for g in groups if g[0] & used]
            merged = ({i for g in hit for i in g[0]}, [p for g in hit for p in g[1]] + [pair])
            groups = [g for g in groups if g not in hit] + [merged]
        for bound, inside in groups:
            if inside:
                outside.append((self.canonical(bound, inside), ONE))
            else:
                outside += [(Size(self.axis(i)), ONE) for i in bound]
        c, mono = product(outside)
        return coefficient * c, mono

    def kept_inside(self, pair: tuple[Expr, Fraction], over: list[str], mono: Mono) -> set[str]:
        """The indices of ``[t[n] == g]`` where a factor divides at g, which may be by 0 where no t is g."""
        if pair[1] > 0 or not self.fragile(*pair):
            return set()
        known = (named_index(a) for a, _ in mono)
        return {i for k in known if k and k[1] in x.free(pair[0]) for i in x.free(k[0]) if i in over}

    def in_range(self, position: Expr, mono: Mono) -> bool:
        """Whether an integer tensor is surely inside its axis: no condition of the layer asks about it."""
        assert isinstance(position, Ref)
        asked = {t for a, _ in mono if is_condition(a) and named_index(a) is None for t in x.tensors(a)}
        return position.tensor not in self.guarded or position.tensor in asked

    def canonical(self, bound: set[str], pairs: list[tuple[Expr, Fraction]]) -> Expr:
        """The sum of a product, with bound indices named by their axes and counted, and factors sorted."""
        taken = {i for a, _ in pairs for i in (*x.free(a), *x.bound(a))} - bound
        axes: dict[str, list[str]] = {}
        for i in sorted(bound):
            axes.setdefault(self.axis(i), []).append(i)
        order = sorted(axes, key=lambda a: (self.order.get(a, len(self.order)), a))
        slots: dict[str, list[str]] = {}
        for a in order:
            count, slots[a] = 0, []
            while len(slots[a]) < len(axes[a]):
                if (name := f"{a}#{count}") not in taken:
                    slots[a].append(name)
                count += 1
        best: tuple[str, Mono] | None = None
        for choice in cartesian(*(permutations(axes[a]) for a in order)):
            moved: dict[str, Expr] = {}
            for a, chosen in zip(order, choice, strict=True):
                moved |= {i: Pos(n) for i, n in zip(chosen, slots[a], strict=True)}
            _, mono = product((x.rename(a, moved), q) for a, q in pairs)
            key = " ".join(f"{text(a)}^{q}" for a, q in mono)
            if best is None or key < best[0]:
                best = key, mono
        assert best is not None
        return Reduce("sum", tuple(n for a in order for n in slots[a]), self.term(ONE, best[1]))

    # ---- back to expressions, as plainly as possible ------------------------------------------------------

    def term(self, c: Fraction, mono: Mono) -> Expr:
        return x.mul(Num(c), *(self.raised(a, q) for a, q in mono))

    def raised(self, atom: Expr, q: Fraction) -> Expr:
        """A power of an atom; exp(-x), not 1 / exp(x), which overflows sooner."""
        if isinstance(atom, Op) and atom.fn == "exp":
            return Op("exp", (x.mul(Num(q), atom.args[0]),))
        return x.power(atom, Num(q))

    def back(self, poly: Poly) -> Expr:
        parts = sorted((self.term(c, m) for m, c in poly.items()), key=lambda e: (text(e).startswith("-"), text(e)))
        return x.add(*parts)
