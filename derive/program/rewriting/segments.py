"""Sums of exponentials over segments: which row an exponential belongs to is data.

In ``Z[g] = sum(n, exp(f[n]) if t[n] == g else 0)`` the exponentials are computed as ``E[n] = exp(f[n] - m[t[n]])``,
where m[g] is the largest exponent of a segment, and 0 of one that has none. Where t[n] is g the factor
``exp(-m[t[n]])`` is ``exp(-m[g])``; see derive.program.rewriting.sums for how it is followed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.calculus.monomials import named_index
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation
from derive.program.outside import checked
from derive.program.rewriting.chosen import is_exp, parts_of
from derive.program.rewriting.sums import SHIFTED, Scale, Shift


@dataclass
class Segments(Shift):
    """One sum of exponentials over segments.

    Attributes:
        floor: the name of m.
    """

    floor: str = ""

    def run(self, target: str) -> bool:
        total = self.definition(target)
        if total is None or not isinstance(total.body, Reduce):
            return False
        match total.body.body:
            case Op("where", (c, Op("exp", (f,)), other)) if other == x.ZERO:
                conditions = parts_of(c)
            case Op("mul", (Op("iverson", (c,)), Op("exp", (f,)))) | Op("mul", (Op("exp", (f,)), Op("iverson", (c,)))):
                conditions = parts_of(c)
            case _:
                return False
        at = {g: t for t, g in places(conditions) if {*x.free(t)} <= {*total.body.over}}
        others = {i for i in total.indices if i not in at}
        if not at or not {*x.free(f)} <= {*total.body.over, *others} or others - {*x.free(f)}:
            return False
        return self.shifted(total, x.where(c, f, x.neg(x.INF)), f, at)

    def shifted(self, total: Equation, chosen: Expr, exponent: Expr, at: dict[str, Ref]) -> bool:
        """Whether everything stays equal with the exponentials divided by the largest of their segments."""
        assert isinstance(total.body, Reduce)
        axes = total.indices + total.body.over
        raised = Equation(self.fresh(f"exponent_{total.target}", axes), tuple(map(Pos, axes)), chosen)
        largest = Equation(
            self.fresh(f"max_{total.target}", total.indices), total.left, Reduce("max", total.body.over, raised.lhs)
        )
        lowest = Op(">", (largest.lhs, x.neg(x.INF)))
        self.floor = self.fresh(f"shift_{total.target}", total.indices)
        shift = Equation(self.floor, total.left, x.where(lowest, largest.lhs, x.ZERO))
        own = tuple(i for i in axes if i in x.free(exponent))
        row = tuple(at.get(x.plain(i) or "", i) for i in total.left)
        of = "_".join(dict.fromkeys(r.tensor for r in x.refs(exponent)))
        body: Expr = Op("exp", (x.sub(exponent, Ref(self.floor, row)),))
        for g, t in at.items():
            if t.tensor not in checked(self.layer):  # of no segment: it may be larger than all that are of one
                inside = Op("and", (Op(">=", (t, x.ZERO)), Op("<", (t, x.Size(g)))))
                body = x.where(inside, body, x.ZERO)
        made = Equation(self.fresh(f"exp_{of}", own), tuple(map(Pos, own)), body)
        pattern = Op("exp", (exponent,))
        self.flat = [replace(e, body=x.transform(e.body, lambda n: self.instance(pattern, made, n))) for e in self.flat]
        place = min(n for n, e in enumerate(self.flat) if made.target in x.tensors(e.body))
        self.flat[place:place] = [raised, largest, shift, made]
        self.scales[made.target] = {row: Fraction(1)}
        if not self.cancels({made.target}):
            return False
        self.flat = [replace(e, body=self.logarithms(e.body, shift)) for e in self.flat]
        self.notes.append(SHIFTED)
        return True

    def scale(self, e: Expr) -> Scale | None:
        match e:
            case Op("where", (c, _, _)):
                return under(super().scale(e), parts_of(c))
            case Op("mul", args):
                conditions = [c for a in args if isinstance(a, Op) and a.fn == "iverson" for c in parts_of(a.args[0])]
                return under(super().scale(e), conditions)
            case Reduce(op, over, body) if op in ("sum", "max", "argmax"):
                found = self.scale(body)
                pairs = equal(conditions_in(body))
                known = {a: b for p in pairs for a, b in (p, p[::-1]) if not {*x.free(b)} & {*over}}
                outside: Scale = {}
                for row, p in (found or {}).items():
                    there = tuple(known.get(i, i) if {*x.free(i)} & {*over} else i for i in row)
                    if {j for i in there for j in x.free(i)} & {*over}:
                        return None
                    outside[there] = outside.get(there, Fraction(0)) + p
                left = {row: p for row, p in outside.items() if p and op != "argmax"}
                return None if found is None else left
        return super().scale(e)


def places(conditions: Iterable[Expr]) -> list[tuple[Ref, str]]:
    """``t[n]`` and ``g`` of every condition that is ``t[n] == g``."""
    known = (named_index(x.iverson(c)) for c in conditions)
    return [(t, g) for t, g in filter(None, known) if isinstance(t, Ref)]


def equal(conditions: Iterable[Expr]) -> list[tuple[Expr, Expr]]:
    """Both sides of every condition that is an equation."""
    return [(c.args[0], c.args[1]) for c in conditions if isinstance(c, Op) and c.fn == "=="]


def conditions_in(e: Expr) -> list[Expr]:
    """The conditions without which an expression is 0."""
    match e:
        case Op("where", (c, _, other)) if other == x.ZERO:
            return list(parts_of(c))
        case Op("iverson", (c,)):
            return list(parts_of(c))
        case Op("mul", args):
            return [c for a in args if not is_exp(a) for c in conditions_in(a)]
    return []


def under(scale: Scale | None, conditions: Iterable[Expr]) -> Scale | None:
    """A factor where some conditions hold: t[n] is g."""
    known: dict[Expr, Expr] = {t: Pos(g) for t, g in places(conditions)}
    if scale is None or not known:
        return scale
    out: Scale = {}
    for row, p in scale.items():
        there = tuple(known.get(i, i) for i in row)
        out[there] = out.get(there, Fraction(0)) + p
    return {row: p for row, p in out.items() if p}
