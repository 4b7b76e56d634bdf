"""More changes to one node of an equation than the ladder's mutants: mistakes that implementations are known for.

The ladder asks whether its legs notice a change (derive.evidence.mutate); here a change is asked for that gives a
candidate's numbers, so those that are no mistake (ties to the last of equals) are among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

from derive.evidence.mutate import Mutant
from derive.notation import expr as x
from derive.notation.expr import PI, Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.text import show, show_equation

NEXT = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


def known_mistakes(e: Expr, scope: set[str]) -> Iterator[tuple[str, Expr]]:
    """The changes to one node."""
    match e:
        case Op("add", args) if len(args) > 2:
            for one, two in combinations(range(len(args)), 2):
                yield "dropped term", x.add(*(a for n, a in enumerate(args) if n not in (one, two)))
        case Op("mul", args):
            for factor in args:
                if isinstance(factor, Ref):
                    yield "factor twice", x.mul(*args, factor)
            lengths = [f for f in args if _of_lengths(f)]
            if len(lengths) > 1:
                yield "forgot 1/N", x.mul(*(f for f in args if f not in lengths))
        case Op("pow", (Op("add", args), Num(value))) if value.denominator == 2:
            for option in args:  # sqrt(v + epsilon) for sqrt(v) + epsilon
                if isinstance(option, Opt):
                    rest = x.add(*(a for a in args if a != option))
                    inside = x.add(x.power(rest, Num(Fraction(1, 2))), option)
                    yield "epsilon beside the root", x.power(inside, Num(2 * value))
        case Op("pow", (Op("max", args), Num(value))) if value.denominator == 2 and any(map(_of_option, args)):
            for option in filter(_of_option, args):  # sqrt(max(s, epsilon)) for sqrt(s) + epsilon
                others = tuple(a for a in args if a != option)
                rest = x.power(Op("max", others) if others[1:] else others[0], Num(Fraction(1, 2)))
                for own in dict.fromkeys((option, option.args[0] if isinstance(option, Op) else option)):
                    yield "added to the root, and not the larger", x.power(x.add(rest, own), Num(2 * value))
        case Op("max", args) if any(map(_of_option, args)):
            yield "added, and not the larger", x.add(*args)
        case Op("where", (_, a, b)):
            yield "condition left out", a
            yield "condition left out", b
            if b == x.ZERO:  # probabilities of a row that is masked wholly
                for name in sorted(_indices(a) - _indices(e.args[0])):
                    yield (
                        "all alike where there is nothing",
                        Op("where", (e.args[0], a, x.power(Size(name), Num(Fraction(-1))))),
                    )
        case Op("iverson", (Op(fn, pair),)) if fn in NEXT and not all(_of_positions(p) for p in pair):
            half = x.mul(Num(Fraction(1, 2)), x.add(e, x.iverson(Op(NEXT[fn], pair))))
            yield "half at a tie", half
        case Op("erf", (u,)):
            cubic = x.add(u, x.mul(Num(Fraction(2 * 44715, 1000000)), u, u, u))
            yield "the form with tanh", _tanh(x.mul(Num(Fraction(2)), x.power(PI, Num(Fraction(-1, 2))), cubic))
        case Opt(name) if name not in x.CONSTANTS:
            yield "option squared", x.mul(e, e)
            yield "1 - option", x.sub(x.ONE, e)
        case Size(_):
            yield "N + 1 for N", x.add(e, x.ONE)
        case Reduce("sum", over, _):
            yield "mean for sum", x.mul(e, *(x.power(Size(a), Num(Fraction(-1))) for a in over))
        case Num(value) if value not in (0, 1, -1):
            yield "constant doubled", Num(2 * value)
            yield "constant halved", Num(value / 2)
        case Ref(tensor, index):
            for n, i in enumerate(index):
                before, after = index[:n], index[n + 1 :]
                if isinstance(i, Pos) and i.index != x.ELLIPSIS:
                    last = x.sub(x.sub(Size(i.index), x.ONE), i)
                    yield "turned round", Ref(tensor, (*before, last, *after))
                if not isinstance(i, Num) and i != Pos(x.ELLIPSIS):
                    yield "off by one", Ref(tensor, (*before, x.add(i, x.ONE), *after))
                    yield "off by one", Ref(tensor, (*before, x.sub(i, x.ONE), *after))
    if isinstance(e, Op) and e.fn in NEXT:
        yield "a tie on the other side", Op(NEXT[e.fn], e.args)


def _of_positions(e: Expr) -> bool:
    """Whether it is made of indices and lengths alone: nobody averages over which of two places comes first."""
    return not isinstance(e, Ref | Reduce) and all(map(_of_positions, x.children(e)))


def _indices(e: Expr) -> set[str]:
    """The indices that its arrays are read at."""
    found = {i.index for i in e.index if isinstance(i, Pos)} if isinstance(e, Ref) else set()
    return found.union(*map(_indices, x.children(e))) - {x.ELLIPSIS}


def _of_option(e: Expr) -> bool:
    """Whether it is an option, or a power of one."""
    return isinstance(e, Opt) or (isinstance(e, Op) and e.fn == "pow" and isinstance(e.args[0], Opt))


def _of_lengths(e: Expr) -> bool:
    """Whether it is a length to some power."""
    return isinstance(e, Size) or (isinstance(e, Op) and e.fn == "pow" and isinstance(e.args[0], Size))


def _tanh(u: Expr) -> Expr:
    up, down = Op("exp", (u,)), Op("exp", (x.neg(u),))
    return x.mul(x.sub(up, down), x.power(x.add(up, down), Num(Fraction(-1))))


def difference(before: Expr, after: Expr) -> tuple[Expr, Expr]:
    """The smallest parts of two expressions in which they differ."""
    while True:
        one, two = list(x.children(before)), list(x.children(after))
        alike = (
            type(before) is type(after) and len(one) == len(two) and getattr(before, "fn", 0) == getattr(after, "fn", 0)
        )
        unequal = [(a, b) for a, b in zip(one, two, strict=False) if a != b] if alike else []
        if len(unequal) != 1:
            return before, after
        before, after = unequal[0]


def said(mutant: Mutant) -> str:
    """What a candidate does that computes this mutant."""
    before, after = difference(mutant.before.body, mutant.after.body)
    where = show_equation(mutant.before)
    if mutant.kind in ("dropped term", "dropped factor", "dropped constant", "dropped bracket", "forgot option"):
        terms = before.args if isinstance(before, Op) else ()
        rest = (
            list(after.args) if isinstance(after, Op) and isinstance(before, Op) and after.fn == before.fn else [after]
        )
        gone = []
        for term in terms:
            if term in rest:
                rest.remove(term)
            else:
                gone.append(show(term))
        if gone:
            what = "term" if mutant.kind == "dropped term" else "factor"
            return f"without the {what}{'s' * (len(gone) > 1)} {' and '.join(gone)} of {where}"
    if mutant.kind == "forgot 1/N":
        return f"with a sum for a mean in {where}"
    return f"with {show(after)} for {show(before)} ({mutant.kind}) in {where}"
