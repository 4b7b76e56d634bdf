"""Gives every reduction an equation of its own, named after what it reduces: nothing is reduced twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Pos, Reduce, Ref, Size
from derive.notation.functions import together
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.cases import by_element, fragile
from derive.program.common import Named
from derive.program.contraction import inner, pair
from derive.program.draft import Draft
from derive.program.selected import opened


def named_reductions(draft: Draft) -> Draft:
    """``y[i] = x[i] / sum_k e[k]`` becomes ``sum_e = sum_k e[k]`` and ``y[i] = x[i] / sum_e``, innermost first."""
    naming = Naming(draft.layer, dict(draft.tensors))
    for equation in draft.equations:
        naming.hoist(equation)
    return replace(draft, equations=tuple(naming.flat), tensors=naming.tensors)


@dataclass
class Naming:
    """Goes through the equations. ``tensors`` grows by what is named."""

    layer: Layer
    tensors: dict[str, Tensor]
    flat: list[Equation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = Named(self.layer.axis)

    def hoist(self, equation: Equation) -> None:
        """Give every reduction inside an equation an equation of its own, innermost first."""
        body = self.reductions(equation.body, equation, top=True)
        self.flat.append(made := Equation(equation.target, equation.left, body, equation.line))
        self.names.defined(made)

    def split(self, e: Expr) -> Expr:
        """A sum of sums where one of them is a matrix product; nothing else is expanded, for terms may cancel."""
        if not (isinstance(e, Reduce) and e.op == "sum"):
            return e
        parts = x.terms(e.body)
        if len(parts) > 1:
            arrays = [[f for f in x.factors(p) if x.free(f)] for p in parts]
            products = any(pair(a, (), e.over) or any(inner(a, e.over)) for a in arrays)
            if products:
                return x.add(*(self.split(x.reduce("sum", e.over, p)) for p in parts))
            return e
        outside = [f for f in x.factors(e.body) if not set(x.free(f)) & set(e.over)]
        outside = [f for f in outside if x.tensors(f) or not lowered(e) & set(x.free(f))]
        if outside and len(outside) < len(x.factors(e.body)):
            inside = x.mul(*(f for f in x.factors(e.body) if f not in outside))
            return x.mul(*outside, x.reduce("sum", e.over, inside))
        nested = inside_first(e)
        if nested != e:
            return nested
        idle = [i for i in e.over if i not in x.free(e.body)]
        if idle:
            rest = x.reduce("sum", [i for i in e.over if i not in idle], e.body)
            return x.mul(*(Size(self.layer.axis(i)) for i in idle), rest)
        return e

    def reductions(self, e: Expr, equation: Equation, top: bool = False, tests: tuple[Expr, ...] = ()) -> Expr:
        """An expression with names for reductions; ``tests`` are the conditions under which it is needed."""
        whole = self.split(e)
        if whole != e:
            return self.reductions(whole, equation, top, tests)
        if isinstance(e, Op) and e.fn == "where":
            c, a, b = e.args
            if any(isinstance(n, Reduce) for n in x.walk(c)):  # a name of what is asked, where it is asked again
                c = self.reductions(c, equation)
            one = self.reductions(a, equation, tests=(*tests, c))
            other = self.reductions(b, equation, tests=(*tests, Op("not", (c,))))
            return x.where(self.reductions(c, equation), one, other)
        if isinstance(e, Op) and e.fn == "mul" and (inside := with_powers(e)) != e:
            return self.reductions(inside, equation, top, tests)
        if isinstance(e, Op) and e.fn == "mul":
            asked = {f: self.reductions(f, equation) for f in e.args if isinstance(f, Op) and f.fn == "iverson"}
            tests = (*tests, *(f.args[0] for f in asked.values() if isinstance(f, Op)))
            return x.mul(*(asked[f] if f in asked else self.reductions(f, equation, tests=tests) for f in e.args))
        if isinstance(e, Reduce):
            e = Reduce(e.op, e.over, self.needed(self.reductions(e.body, equation), e, tests))
            if top:
                return e
            free = x.free(e)
            order = [i for e2 in equation.left for i in x.free(e2) if i in free]
            order += [i for i in free if i not in order]
            left = tuple(map(Pos, order))
            known = self.names.called(e)
            if known is not None and known.tensor != equation.target:
                return known
            name = self.unused(e)
            self.tensors[name] = Tensor(name, tuple(order), kind="integer" if e.op == "argmax" else "real")
            self.flat.append(Equation(name, left, e))
            self.names.note(e, name, tuple(order))
            return Ref(name, left)
        if isinstance(e, Ref):
            return e
        return x.rebuild(e, lambda child: self.reductions(child, equation, tests=tests))

    def needed(self, body: Expr, e: Reduce, tests: tuple[Expr, ...]) -> Expr:
        """What is summed only in one case: where that is not taken nothing is evaluated that could fail."""
        own = tuple(c for c in tests if set(x.free(c)) <= set(x.free(e)))
        summed = any(fragile(n) and set(x.free(n)) & set(e.over) for n in x.walk(body))
        # as r / s[n, m] is in (r / s - q) * a[d]
        beside = any(map(by_element, own)) and any(map(fragile, x.walk(body)))
        if e.op != "sum" or not own or not (summed or beside):
            return body
        return x.where(together(own), body, x.ZERO)

    def unused(self, e: Reduce) -> str:
        """sum_g_x_hat: the reduction and what it reduces."""
        parts = [e.op, *dict.fromkeys(r.tensor for r in x.refs(e.body))][:4]
        name = "_".join(parts)
        count = 2
        while name in self.tensors or any(o.name == name for o in self.layer.options):
            name = f"{'_'.join(parts)}_{count}"
            count += 1
        return name


def lowered(e: Expr) -> set[str]:
    """Indices of exponents of powers such as ``x**(p - 1)``, infinite where p, by which they are multiplied, is 0."""
    powers = (n for n in x.walk(e) if isinstance(n, Op) and n.fn == "pow" and isinstance(n.args[1], Op))
    return {i for n in powers for i in x.free(n.args[1])}


def with_powers(e: Expr) -> Expr:
    """A product with ``p`` inside the sum that has ``x**(p - 1)``, where they are one function."""
    for r in x.factors(e):
        if isinstance(r, Reduce) and r.op == "sum" and (below := lowered(r)):
            own = [f for f in x.factors(e) if x.free(f) and not x.tensors(f) and set(x.free(f)) <= below - {*r.over}]
            if own:
                rest = (f for f in x.factors(e) if f is not r and f not in own)
                return x.mul(*rest, x.reduce("sum", r.over, x.mul(*own, r.body)))
    return e


def inside_first(e: Reduce) -> Expr:
    """``sum((m, g), [t[n] == g] * a[g] * [t[m] == g] * b[m])`` as ``sum(g, [t[n] == g] * a[g] * sum(m, ...))``.

    What is scattered to the positions of one axis is, before it is gathered from there; and of a product beside a
    condition what only some of its arrays have is summed first, as in derive.program.products.
    """
    factors, tests = opened(e.body)
    if len(e.over) < 2 or not tests:
        return e
    every = [*factors, *map(x.iverson, tests)]
    for i in e.over:
        own = [f for f in every if i in x.free(f)]
        rest = [f for f in every if f not in own]
        indices = {j for f in own for j in x.free(f)}
        asked = all(any(map(asks, part)) for part in (own, rest))
        more = any(set(x.free(f)) - indices for f in rest if asked or not is_bracket(f))
        fails = any(fragile(n) for f in own for n in x.walk(f)) and not any(map(is_bracket, own))
        placed = any(is_bracket(f) and not asks(f) for f in own)  # a window, of which derive.program.selected knows
        if more and not fails and not placed and not all(map(is_bracket, own)):
            inner = x.reduce("sum", (i,), chosen(own))
            return x.reduce("sum", [j for j in e.over if j != i], chosen([*rest, inner]))
    return e


def is_bracket(e: Expr) -> bool:
    """Whether a factor is a condition."""
    return isinstance(e, Op) and e.fn == "iverson"


def asks(e: Expr) -> bool:
    """Whether a factor is a condition on data."""
    return is_bracket(e) and bool(x.tensors(e))


def chosen(factors: list[Expr]) -> Expr:
    """A product that is 0 but where its conditions hold."""
    tests = tuple(test for f in factors if is_bracket(f) for test in x.children(f))
    rest = x.mul(*(f for f in factors if not is_bracket(f)))
    return x.where(together(tests), rest, x.ZERO) if tests else rest
