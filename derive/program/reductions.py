"""Gives every reduction an equation of its own, named after what it reduces: nothing is reduced twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Pos, Reduce, Ref, Size
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.contraction import pair
from derive.program.draft import Draft


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
    known: dict[tuple[tuple[Expr, ...], Expr], str] = field(default_factory=dict)
    flat: list[Equation] = field(default_factory=list)

    def hoist(self, equation: Equation) -> None:
        """Give every reduction inside an equation an equation of its own, innermost first."""
        body = self.reductions(equation.body, equation, top=True)
        self.flat.append(Equation(equation.target, equation.left, body, equation.line))
        if isinstance(body, Reduce):
            self.known.setdefault(self.key(equation.left, body), equation.target)

    def key(self, left: tuple[Expr, ...], body: Reduce) -> tuple[tuple[Expr, ...], Expr]:
        canonical = {i: Pos(f"%{n}") for n, i in enumerate(body.over)}
        return left, Reduce(body.op, tuple(f"%{n}" for n in range(len(body.over))), x.rename(body.body, canonical))

    def split(self, e: Expr) -> Expr:
        """A sum of sums where one of them is a matrix product; nothing else is expanded, for terms may cancel."""
        if not (isinstance(e, Reduce) and e.op == "sum"):
            return e
        parts = x.terms(e.body)
        if len(parts) > 1:
            products = any(pair([f for f in x.factors(p) if x.free(f)], (), e.over) for p in parts)
            if products:
                return x.add(*(self.split(x.reduce("sum", e.over, p)) for p in parts))
            return e
        outside = [f for f in x.factors(e.body) if not set(x.free(f)) & set(e.over)]
        if outside and len(outside) < len(x.factors(e.body)):
            inside = x.mul(*(f for f in x.factors(e.body) if f not in outside))
            return x.mul(*outside, x.reduce("sum", e.over, inside))
        idle = [i for i in e.over if i not in x.free(e.body)]
        if idle:
            rest = x.reduce("sum", [i for i in e.over if i not in idle], e.body)
            return x.mul(*(Size(self.layer.axis(i)) for i in idle), rest)
        return e

    def reductions(self, e: Expr, equation: Equation, top: bool = False) -> Expr:
        whole = self.split(e)
        if whole != e:
            return self.reductions(whole, equation, top)
        if isinstance(e, Reduce):
            e = Reduce(e.op, e.over, self.reductions(e.body, equation))
            if top:
                return e
            free = x.free(e)
            order = [i for e2 in equation.left for i in x.free(e2) if i in free]
            left = tuple(Pos(i) for i in order + [i for i in free if i not in order])
            key = self.key(left, e)
            if key in self.known and self.known[key] != equation.target:
                return Ref(self.known[key], left)
            name = self.name(e)
            axes = tuple(x.plain(i) or "" for i in left)
            self.tensors[name] = Tensor(name, axes, kind="integer" if e.op == "argmax" else "real")
            self.flat.append(Equation(name, left, e))
            self.known[key] = name
            return Ref(name, left)
        if isinstance(e, Ref):
            return e
        return x.rebuild(e, lambda child: self.reductions(child, equation))

    def name(self, e: Reduce) -> str:
        """sum_g_x_hat: the reduction and what it reduces."""
        parts = [e.op, *dict.fromkeys(r.tensor for r in x.refs(e.body))][:4]
        name = "_".join(parts)
        count = 2
        while name in self.tensors:
            name = f"{'_'.join(parts)}_{count}"
            count += 1
        return name
