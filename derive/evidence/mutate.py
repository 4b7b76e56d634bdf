"""Formula-level mutants: an equation with one thing wrong in it.

The mistakes people make in a gradient: a term or a factor left out (an option, a 1/N, a bracket, a constant),
a sign, a wrong index, two indices exchanged, N - 1 for N, a wrong exponent, the two cases of a piecewise
expression exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref, Size
from derive.notation.functions import sign, sign_of
from derive.notation.layer import Equation
from derive.notation.text import show, show_equation


@dataclass(frozen=True)
class Mutant:
    """One equation of a backward pass, changed in one place."""

    kind: str
    before: Equation
    after: Equation

    def __str__(self) -> str:
        return f"{self.kind}: {show_equation(self.before)}  ->  {show(self.after.body)}"


def mutants(equation: Equation, rule: Rule | None = None) -> list[Mutant]:
    """Every mutant of one equation, each different from it and from the others; by the changes of a rule."""
    seen = {equation.body}
    found = []
    scope = set(equation.indices)
    for kind, body in variants(equation.body, scope, rule is None, rule):
        if body not in seen and set(x.free(body)) <= scope:
            seen.add(body)
            found.append(Mutant(kind, equation, replace(equation, body=body)))
    return found


Rule = Callable[[Expr, set[str]], Iterator[tuple[str, Expr]]]


def variants(e: Expr, scope: set[str], top: bool = False, rule: Rule | None = None) -> Iterator[tuple[str, Expr]]:
    """The expression with one change somewhere, and what kind of change. ``rule`` gives those of one node."""
    if rule is None and (of := sign_of(e)) is not None:  # one word, whatever it is made of
        yield from ((kind, sign(other)) for kind, other in variants(of, scope, rule=rule))
        return
    yield from (rule or here)(e, scope)
    if top and not (isinstance(e, Op) and e.fn == "add"):
        yield "sign", x.neg(e)
    inner = scope | set(e.over) if isinstance(e, Reduce) else scope
    for n, child in enumerate(x.children(e)):
        for kind, other in variants(child, inner, rule=rule):
            yield kind, _with(e, n, other)


def here(e: Expr, scope: set[str]) -> Iterator[tuple[str, Expr]]:
    """The changes to one node."""
    match e:
        case Op("add", args):
            for n, term in enumerate(args):
                yield "dropped term", x.add(*args[:n], *args[n + 1 :])
                yield "sign", x.add(*args[:n], x.neg(term), *args[n + 1 :])
        case Op("mul", args):
            for n, factor in enumerate(args):
                if factor == x.num(-1):
                    yield "sign", x.mul(*args[:n], *args[n + 1 :])
                else:
                    yield _dropped(factor), x.mul(*args[:n], *args[n + 1 :])
        case Op("pow", (base, Num(value))):
            yield "exponent", x.power(base, Num(value + 1))
        case Op("where", (condition, a, b)):
            yield "exchanged cases", Op("where", (condition, b, a))
        case Op("iverson", (condition,)):
            yield "negated bracket", x.iverson(Op("not", (condition,)))
        case Size(_):
            yield "N - 1 for N", x.sub(e, x.ONE)
        case Ref(tensor, index):
            for n, i in enumerate(index):
                if isinstance(i, Pos):
                    for other in sorted(scope - {i.index}):
                        yield "wrong index", Ref(tensor, (*index[:n], Pos(other), *index[n + 1 :]))
            for n in range(len(index) - 1):
                swapped = (*index[:n], index[n + 1], index[n], *index[n + 2 :])
                yield "exchanged indices", Ref(tensor, swapped)


def _dropped(factor: Expr) -> str:
    match factor:
        case Num(_):
            return "dropped constant"
        case Op("iverson", _):
            return "dropped bracket"
        case Op("pow", (Size(_), Num(value))) if value < 0:
            return "forgot 1/N"
        case x.Opt(_):
            return "forgot option"
    return "dropped factor"


def _with(e: Expr, position: int, child: Expr) -> Expr:
    """The node with one child replaced."""
    count = iter(range(len(x.children(e))))
    return x.rebuild(e, lambda old: child if next(count) == position else old)
