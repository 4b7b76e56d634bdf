"""Sums of exponentials beside numbers: in ``1 + s`` every term is taken times ``exp(-m)``.

``s[r] = sum(k, exp(f[r, k]))`` in ``1 + s[r]`` has no factor in common with 1, unless 1 is given it: ``exp(-m[r]) +
sum(k, exp(f[r, k] - m[r]))``, where m is the largest exponent or 0 if that is larger: so neither overflows. An
exponential in the place of 1, as in ``exp(g[r]) + s[r]``, is one of the sum's: m is no less than g. A logarithm of s
alone is computed from exponents less their own largest, for exponentials of much less than 0 underflow beside 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation
from derive.program.rewriting.chosen import is_exp
from derive.program.rewriting.sums import REST, Scale, Shift, exponent_of, match

BESIDE = "1 beside a sum of exponentials is divided by the largest of them as they are: none overflows"


def raised_of(exponent: Expr) -> Expr:
    """The exponent where it is not minus infinity."""
    return exponent.args[1] if isinstance(exponent, Op) and exponent.fn == "where" else exponent


def written_out(e: Expr) -> Expr:
    """An exponent as a sum of products."""
    e = x.rebuild(e, written_out)
    if isinstance(e, Op) and e.fn == "mul":
        for n, f in enumerate(e.args):
            if isinstance(f, Op) and f.fn == "add":
                return x.add(*(written_out(x.mul(*e.args[:n], t, *e.args[n + 1 :])) for t in f.args))
    return e


@dataclass
class Beside(Shift):
    """One sum of exponentials to which others are added.

    Attributes:
        zero: whether m is 0 at least; if not, only other exponentials are beside the sum, and m is no less than these.
        floor: the name of m.
        unknown: whether a factor stands beside an exponential that is none of the sum's: these may overflow together.
    """

    zero: bool = False
    floor: str = ""
    unknown: bool = False

    def run(self, target: str) -> bool:
        total = self.definition(target)
        if total is not None and isinstance(total.body, Reduce):
            for factor in x.factors(total.body.body):
                self.in_one_form(total, factor)
        return super().run(target)

    def in_one_form(self, total: Equation, factor: Expr) -> None:
        """Exponentials of the exponent of a sum, however it is multiplied out, with the exponent as it is there."""
        if isinstance(factor, Op) and factor.fn == "where":
            factor = factor.args[1]
        if not is_exp(factor) or not isinstance(factor, Op):
            return
        assert isinstance(total.body, Reduce)
        indices, pattern = (*total.indices, *total.body.over), written_out(factor.args[0])

        def visit(e: Expr) -> Expr | None:
            if isinstance(e, Op) and is_exp(e) and e.args[0] != factor.args[0]:
                at = match(pattern, written_out(e.args[0]), indices, False)
                return None if at is None else x.rename(factor, at)
            return None

        self.flat = [replace(e, body=x.transform(e.body, visit)) for e in self.flat]

    def shift(self, total: Equation, made: Equation, rest: list[Expr]) -> bool:
        exponent = exponent_of(made.body)
        assert exponent is not None
        assert isinstance(total.body, Reduce)
        if rest or any(x.plain(i) is None for i in made.left) or {*made.indices} - {*x.free(raised_of(exponent))}:
            return False
        over = total.body.over
        row = tuple(i for i in made.left if x.plain(i) not in over)
        if {*row} != {*total.left}:
            return False
        raised = Equation(self.fresh(f"exponent_{made.target}", made.indices), made.left, exponent)
        axes = tuple(x.plain(i) or "" for i in row)
        largest = Equation(self.fresh(f"max_{made.target}", axes), row, Reduce("max", over, raised.lhs))
        self.floor = x.numbered("shift", {*self.tensors, *(o.name for o in self.layer.options)})
        self.tensors[self.floor] = replace(self.tensors[largest.target], name=self.floor)
        others = self.others(total, {i for i in made.indices if i not in over})
        if not others and not self.zero:
            return False
        floor: Expr = largest.lhs
        for other in (*others, *([x.ZERO] if self.zero else [])):
            floor = Op("max", (floor, other))
        shift = Equation(self.floor, row, floor)
        less = Op("exp", (x.sub(raised.lhs, shift.lhs),))
        scaled = replace(made, body=x.transform(made.body, lambda n: less if is_exp(n) else None))
        place = self.place(made.target)
        self.flat[place : place + 1] = [raised, largest, shift, scaled]
        self.logs(total, raised, largest)
        known = {made.target, *(self.alone(other, shift) for other in others)}
        self.scales.update({name: {row: Fraction(1)} for name in known})
        if not self.cancels(known):
            return False
        flat = [replace(e, body=self.given(e.body)) for e in self.flat]
        if self.unknown:
            return False
        self.flat = [replace(e, body=self.raised(e.body, None)) if e.target in self.results else e for e in flat]
        self.notes.append(BESIDE)
        return True

    def others(self, total: Equation, row: set[str]) -> list[Expr]:
        """The exponents of what is added to the sum and is an exponential itself."""
        found: dict[Expr, None] = {}
        for n in (n for e in self.flat for n in x.walk(e.body) if isinstance(n, Op) and n.fn == "add"):
            parts = [f for t in n.args for f in x.factors(t)]
            index = next((f.index for f in parts if isinstance(f, Ref) and f.tensor == total.target), None)
            if index is None or not all(map(x.plain, index)) or len({*index}) < len(index):
                continue
            at = {x.plain(i) or "": Pos(own) for i, own in zip(index, total.indices, strict=True)}
            for f in parts:
                if isinstance(f, Op) and is_exp(f) and {*x.free(f)} <= at.keys():
                    found[x.rename(f.args[0], at)] = None
        return [e for e in found if {*x.free(e)} <= row]

    def alone(self, exponent: Expr, shift: Equation) -> str:
        """An exponential that is added to the sum, with its factor, wherever it is; its name."""
        axes = tuple(x.plain(i) or "" for i in shift.left)
        name = self.fresh("exp_" + "_".join(dict.fromkeys(r.tensor for r in x.refs(exponent))), axes)
        pattern = Op("exp", (exponent,))
        made = Equation(name, shift.left, Op("exp", (x.sub(exponent, shift.lhs),)))
        self.flat = [replace(e, body=x.transform(e.body, lambda n: self.instance(pattern, made, n))) for e in self.flat]
        self.flat.insert(self.place(shift.target) + 1, made)
        return name

    def logs(self, total: Equation, raised: Equation, largest: Equation) -> None:
        """Logarithms of the sum itself."""
        assert isinstance(total.body, Reduce)
        log = self.fresh(f"log_{total.target}", total.indices)

        def visit(e: Expr) -> Expr | None:
            match e:
                case Op("log", (Ref(tensor, index),)) if tensor == total.target:
                    at = dict(zip(total.indices, index, strict=True))
                    return x.add(Ref(largest.target, tuple(x.rename(i, at) for i in largest.left)), Ref(log, index))
            return None

        before, self.flat = self.flat, [replace(e, body=x.transform(e.body, visit)) for e in self.flat]
        if before == self.flat:
            return
        least = x.where(Op(">", (largest.lhs, x.neg(x.INF))), largest.lhs, x.ZERO)
        below = Equation(self.fresh(f"below_{raised.target}", raised.indices), raised.left, x.sub(raised.lhs, least))
        body = Reduce("log_sum_exp", total.body.over, Op("of", (below.lhs, raised.lhs)))
        place = self.place(total.target)
        self.flat[place:place] = [below, Equation(log, total.left, body)]
        self.notes.append(REST)

    # ---- the factor ------------------------------------------------------------------------------------------------

    def one(self, parts: Iterable[Expr]) -> Scale | None:
        """The factor that all terms will be given: of each row the largest power that one has."""
        total: Scale | None = None
        for part in parts:
            scale = self.scale(part)
            if scale is None:
                return None
            rows = dict.fromkeys((*scale, *(total or {})))
            before = scale if total is None else total
            if total is not None and total != scale and not self.zero:
                return None
            total = {r: max(scale.get(r, Fraction(0)), before.get(r, Fraction(0))) for r in rows}
        return None if total is None else {row: p for row, p in total.items() if p}

    def cancels(self, known: set[str]) -> bool:
        """Whether what leaves the program has no factor, or one that it may be given: it is less than 1."""
        for _ in range(3):
            before = dict(self.scales)
            for e in self.flat:
                scale = self.scales[e.target] if e.target in known else self.scale(e.body)
                if scale is None or (scale and self.definition(e.target) is None):
                    return False
                if e.target in self.results:
                    if any(p > 0 or not self.zero for p in scale.values()):
                        return False
                elif scale:
                    self.scales[e.target] = scale
            if self.scales == before:
                break
        return True

    def given(self, e: Expr) -> Expr:
        """An expression whose terms all have the factor that one of them has."""
        e = x.rebuild(e, self.given)
        match e:
            case Op("add", args):
                return x.add(*(self.raised(a, e) for a in args))
            case Op("where", (c, a, b)):
                return x.where(c, *(p if p == x.ZERO else self.raised(p, e) for p in (a, b)))
        return e

    def raised(self, e: Expr, to: Expr | None) -> Expr:
        """An expression times as much as gives it the factor of another, or none."""
        has, wanted = self.scale(e), {} if to is None else self.scale(to)
        assert has is not None
        assert wanted is not None
        self.unknown |= has != wanted and any(map(is_exp, x.factors(e)))
        missing = {r: wanted.get(r, Fraction(0)) - has.get(r, Fraction(0)) for r in dict.fromkeys((*has, *wanted))}
        return x.mul(*(x.power(self.decay(row), Num(p)) for row, p in missing.items() if p), e)

    def decay(self, row: tuple[Expr, ...]) -> Expr:
        return Op("runtime exp_decay", (Ref(self.floor, row),))
