"""Sums of exponentials that something is divided by: each exponential above the line is joined with its sum below.

Where rows overlap, as windows do, an exponential has no row of its own, and no factor can be taken out of it for all
rows alike (see derive.program.rewriting.sums). There ``exp(g) / sum(k, exp(f[k]))`` is computed as ``exp(g - m) /
sum(k, exp(f[k] - m))`` with the largest f as m: for each quotient anew. Where a sum is used without as many
exponentials, everything stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.draft import pruned
from derive.program.rewriting.beside import Beside
from derive.program.rewriting.chosen import apart, brought_in, divides, is_exp, times
from derive.program.rewriting.segments import Segments
from derive.program.rewriting.sums import Shift

JOINED = "an exponential over a sum of exponentials is that of the difference to the sum's largest exponent"
KINDS: tuple[tuple[Callable[..., Shift], bool], ...] = tuple(
    (kind, weighted) for kind in (Segments, Shift, Beside, partial(Beside, zero=True)) for weighted in (True, False)
)
Fresh = Callable[[str, tuple[str, ...]], str]


class Apart(Exception):
    """A sum of exponentials is used without as many exponentials."""


@dataclass(frozen=True)
class Total:
    """A sum of exponentials: its equation, what its exponents are, minus infinity where a condition leaves one out, and
    the name of the largest in a row."""

    equation: Equation
    over: tuple[str, ...]
    exponent: Expr
    shift: str

    def at(self, index: Iterable[Expr]) -> Ref:
        own = dict(zip(self.equation.indices, index, strict=True))
        return Ref(self.shift, tuple(x.rename(i, own) for i in self.equation.left))


def shifted(
    flat: list[Equation], tensors: dict[str, Tensor], results: Iterable[str], layer: Layer
) -> tuple[list[Equation], list[str]]:
    """The equations with every sum of exponentials that may be shifted, and notes; names are added to tensors."""
    notes: dict[str, None] = {}
    left: list[str] = []
    done: set[str] = set()
    for target in [e.target for e in flat if isinstance(e.body, Reduce) and e.body.op == "sum"]:
        for kind, weighted in KINDS:
            trial = kind(list(flat), dict(tensors), frozenset(results), layer, weighted=weighted)
            if not of_shifted(target, flat, done) and trial.run(target):
                flat = trial.flat
                done |= {trial.floor} if isinstance(trial, Segments) else set()
                tensors.update(trial.tensors)
                notes.update(dict.fromkeys(trial.notes))
                break
        else:
            left.append(target)
    trial = Shift(list(flat), dict(tensors), frozenset(results), layer)
    below = [t for t in left if of_exponentials(trial.definition(t)) and any(reads(e.body, t) for e in flat)]
    if below:
        with suppress(Apart):
            flat = joined(trial.flat, below, trial.results, trial.fresh)
            tensors.update(trial.tensors)
            notes[JOINED] = None
    return flat, list(notes)


def of_shifted(target: str, flat: Iterable[Equation], done: Collection[str]) -> bool:
    """Whether a sum is one of exponentials from which some largest have been subtracted."""
    if not done:
        return False
    bodies = {e.target: e.body for e in flat}
    inside = (bodies[t] for t in x.tensors(bodies[target]) if t in bodies)
    return any(t in done for e in (bodies[target], *inside) for t in x.tensors(e))


def reads(e: Expr, total: str) -> bool:
    """Whether something is divided by a tensor, or a logarithm taken of it."""
    logs = (n.args[0] for n in x.walk(e) if isinstance(n, Op) and n.fn == "log")
    return divides(e, {total}) or any(isinstance(a, Ref) and a.tensor == total for a in logs)


def of_exponentials(e: Equation | None) -> bool:
    """Whether an equation is a sum of exponentials and nothing else."""
    return e is not None and isinstance(e.body, Reduce) and row_of(e.body.body) is not None


def joined(flat: list[Equation], totals: Collection[str], results: Collection[str], fresh: Fresh) -> list[Equation]:
    """The equations with every quotient by one of some sums of exponentials computed from differences.

    Raises:
        Apart: one of the sums is used otherwise.
    """
    flat = brought_in(flat, totals, fresh, results)
    flat = list(pruned(divided_inside(flat, totals, fresh), results))
    by_name = {e.target: e for e in flat}
    found: dict[str, Total] = {}
    for name in totals:
        e = by_name[name]
        assert isinstance(e.body, Reduce)
        exponent = row_of(e.body.body)
        assert exponent is not None
        found[name] = Total(e, e.body.over, exponent, fresh(f"shift_{name}", e.indices))
    out: list[Equation] = []
    for e in flat:
        if (total := found.get(e.target)) is not None:
            out += shifted_sum(total, fresh)
        else:
            out.append(replace(e, body=differences(e.body, found)))
    return out


def shifted_sum(total: Total, fresh: Fresh) -> list[Equation]:
    """A sum of exponentials less the largest exponent of each row."""
    e, axes = total.equation, (*total.equation.indices, *total.over)
    raised = Equation(fresh(f"exponent_{e.target}", axes), tuple(map(Pos, axes)), total.exponent)
    largest = Equation(fresh(f"max_{e.target}", e.indices), e.left, Reduce("max", total.over, raised.lhs))
    lowest = Op(">", (largest.lhs, x.neg(x.INF)))
    shift = Equation(total.shift, e.left, x.where(lowest, largest.lhs, x.ZERO))
    assert isinstance(e.body, Reduce)
    sum_ = replace(e, body=Reduce("sum", total.over, lowered(e.body.body, x.sub(raised.lhs, shift.lhs))))
    return [raised, largest, shift, sum_]


def row_of(e: Expr) -> Expr | None:
    """f of ``exp(f)``, in cases with nothing in the others, under brackets and beside weights."""
    match e:
        case Op("exp", (f,)):
            return f
        case Op("where", (c, a, b)) if b == x.ZERO:
            inside = row_of(a)
            return None if inside is None else x.where(c, inside, x.neg(x.INF))
        case Op("mul", args):
            found = [(a, g) for a in args if (g := row_of(a)) is not None]
            brackets = [a.args[0] for a in args if isinstance(a, Op) and a.fn == "iverson"]
            rest = [a for a in args if all(a is not f for f, _ in found)]
            if len(found) != 1 or any(is_exp(n) for a in rest for n in x.walk(a)):
                return None
            ((_, raised),) = found
            for c in brackets:
                raised = x.where(c, raised, x.neg(x.INF))
            return raised
    return None


def lowered(e: Expr, exponent: Expr) -> Expr:
    """A summand with another exponent."""
    return x.transform(e, lambda n: Op("exp", (exponent,)) if is_exp(n) else None)


def power_of(e: Expr, totals: Collection[str]) -> tuple[Ref, Fraction] | None:
    """A factor that is a power of one of the sums."""
    match e:
        case Ref(name) if name in totals:
            return e, Fraction(1)
        case Op("pow", (Ref(name) as r, Num(n))) if name in totals:
            return r, n
    return None


def differences(e: Expr, totals: dict[str, Total]) -> Expr:
    """An expression in which exponentials are joined with the sums that they are divided by.

    Raises:
        Apart: there are not as many of both.
    """
    match e:
        case Op("log", (Ref(name, index) as r,)) if name in totals:
            return x.add(totals[name].at(index), Op("log", (r,)))
        case Ref(name) if name in totals:
            raise Apart
        case Op("mul" | "pow"):
            factors = x.factors(e)
            for f in factors:
                match f:
                    case Op("add", terms) if any(map(is_exp, factors)) and all(divides(t, totals) for t in terms):
                        rest = [g for g in factors if g is not f]
                        return x.add(*(differences(x.mul(*rest, t), totals) for t in terms))
                    case Op("where", (c, a, b)) if b == x.ZERO and divides(a, totals) and len(factors) > 1:
                        inside = x.mul(*(g for g in factors if g is not f), a)
                        return x.where(c, differences(inside, totals), b)
            powers = [p for f in factors if (p := power_of(f, totals)) is not None]
            if powers:
                grown = [f for f in factors if is_exp(f)]
                if len(grown) != -sum(n for _, n in powers):
                    raise Apart
                rest = [f for f in factors if f not in grown and power_of(f, totals) is None]
                exponents = (f.args[0] for f in grown if isinstance(f, Op))
                less = (x.mul(Num(n), totals[r.tensor].at(r.index)) for r, n in powers)
                below = (x.power(r, Num(n)) for r, n in powers)
                together = Op("exp", (x.add(*exponents, *less),))
                return x.mul(*(differences(f, totals) for f in rest), *below, together)
    return x.rebuild(e, lambda child: differences(child, totals))


def divided_inside(flat: list[Equation], totals: Collection[str], fresh: Fresh) -> list[Equation]:
    """The equations with ``sum(k, exp(f[k])) / s`` as ``sum(k, exp(f[k]) / s)``, of sums that have a name."""
    made = {
        e.target: e
        for e in flat
        if isinstance(e.body, Reduce)
        and e.body.op == "sum"
        and e.target not in totals
        and any(map(is_exp, x.walk(e.body)))
    }
    out: list[Equation] = []

    def visit(n: Expr) -> Expr | None:
        if not (isinstance(n, Op) and n.fn == "mul"):
            return None
        below = [f for f in n.args if (p := power_of(f, totals)) is not None and p[1] < 0]
        for r in n.args:
            if not below or any(map(is_exp, n.args)) or not isinstance(r, Ref) or r.tensor not in made:
                continue
            equation = made[r.tensor]
            if not all(map(x.plain, r.index)) or len(equation.indices) != len(r.index):
                continue
            axes = tuple(dict.fromkeys(i for f in (r, *below) for i in x.free(f)))
            inside = apart(x.rename(equation.body, dict(zip(equation.indices, r.index, strict=True))), axes)
            name = fresh(f"{r.tensor}_divided", axes)
            out.append(Equation(name, tuple(map(Pos, axes)), replace(inside, body=times(inside.body, x.mul(*below)))))
            return x.mul(*(f for f in n.args if f is not r and f not in below), out[-1].lhs)
        return None

    for e in flat:
        changed = replace(e, body=x.transform(e.body, visit)) if e.target not in made else e
        out.append(changed)
    return out
