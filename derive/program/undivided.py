"""Quotients that everything multiplies by their denominator again: ``q = t / p`` where only ``p q`` is needed.

The gradient of ``log P[b, b]`` for a probability is a quotient by it, and softmax's gradient multiplies it by P: where
P is 0 that is 0 times infinity, not t. So ``P q`` gets a name and an equation of its own, in which nothing is divided.
What is made of q before it is multiplied, ``q2[b, c] = q[b, c] f[b, c] + g[b, c]``, is multiplied there. The reverse,
``t / P`` of ``t = P r``, is a row of the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Ref
from derive.notation.layer import Equation
from derive.program.draft import Draft

Same = Mapping[str, Expr]  #: what indices are, under the conditions around


def undivided(draft: Draft) -> Draft:
    """What is divided by a probability, and multiplied by it wherever it is used, is not divided."""
    divided = {name for e in draft.equations for name in denominators(e)}
    for below in [e.target for e in draft.equations if e.target in divided and of_exponentials(e, draft.equations)]:
        found = Undivided.of(draft, below)
        changed = found.run()
        if changed is not None:
            named = {found.names[q]: replace(draft.tensors[q], name=found.names[q]) for q in found.names}
            draft = replace(draft, equations=tuple(changed), tensors=draft.tensors | named)
    return draft


def denominators(e: Equation) -> Iterator[str]:
    """The arrays that terms of an equation are divided by."""
    for n in x.walk(e.body):
        match n:
            case Op("pow", (Ref(name, index), Num(minus))) if minus < 0 and index:
                yield name


class Used(Exception):
    """A quotient is used without its denominator."""


@dataclass(frozen=True)
class Undivided:
    """Multiplies by one array.

    Attributes:
        below: the array.
        names: quotients by it, in a wide sense, and what their products with it are called.
        own: the indices that these have.
    """

    draft: Draft
    below: str
    names: Mapping[str, str]
    own: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, draft: Draft, below: str) -> Undivided:
        """What a program divides by an array."""
        made: dict[str, list[Equation]] = {}
        for e in draft.equations:
            made.setdefault(e.target, []).append(e)
        own: dict[str, tuple[str, ...]] = {}
        for e in draft.equations:
            axes = draft.tensors[e.target].axes == draft.tensors[below].axes
            plain = axes and len(made[e.target]) == 1 and all(map(x.plain, e.left)) and e.target not in draft.results
            if plain and isinstance(e.body, Op) and (below in denominators(e) or sums_up(e.body, own)):
                own[e.target] = e.indices
        taken = set(draft.taken)
        names = {}
        for q in own:
            names[q] = x.numbered(f"{below}_{q}", taken)
            taken.add(names[q])
        return cls(draft, below, names, own)

    def run(self) -> list[Equation] | None:
        """The equations without the quotients; None where one of them is needed."""
        try:
            return [self.changed(e) for e in self.draft.equations]
        except Used:
            return None

    def changed(self, e: Equation) -> Equation:
        if e.target not in self.names:
            return replace(e, body=self.visit(e.body))
        body = self.times(e.left, e.body, {})
        return replace(e, target=self.names[e.target], body=body)

    def visit(self, e: Expr) -> Expr:
        """An expression in which products of the array and a quotient are read by name.

        Raises:
            Used: there is a quotient that is not multiplied.
        """
        match e:
            case Ref(name) if name in self.names:
                raise Used
            case Op("mul", args):
                for f in args:
                    rest = [g for g in args if g is not f]
                    if isinstance(f, Ref) and f.tensor == self.below and any(map(self.needs, rest)):
                        return self.times(f.index, x.mul(*rest), {})
        return x.rebuild(e, self.visit)

    def needs(self, e: Expr) -> bool:
        """Whether it is divided by the array, or made of a quotient."""
        return any(
            (isinstance(n, Ref) and n.tensor in self.names) or (is_inverse(n) and n.args[0].tensor == self.below)  # type: ignore[union-attr]
            for n in x.walk(e)
        )

    def times(self, at: Sequence[Expr], e: Expr, same: Same) -> Expr:
        """An expression times the element ``at`` of the array.

        Raises:
            Used: it is divided by another element, or what is divided is inside a function.
        """
        if not self.needs(e):
            return x.mul(Ref(self.below, tuple(at)), self.visit(e))
        match e:
            case Ref(name, index) if self.equal([*map(Pos, self.own[name])], at, same, self.own[name], index):
                return Ref(self.names[name], index)
            case Op("pow", (Ref(name, index), Num(minus))) if minus < 0 and name == self.below:
                if self.equal(index, at, same):
                    return x.power(Ref(name, index), Num(minus + 1))
            case Op("add", args):
                return x.add(*(self.times(at, a, same) for a in args))
            case Op("where", (c, a, b)):
                return x.where(c, self.times(at, a, {**same, **equalities(c)}), self.times(at, b, same))
            case Op("mul", args):
                for f in args:
                    if isinstance(f, Op) and f.fn == "iverson":
                        same = {**same, **equalities(f.args[0])}
                found = next(f for f in args if self.needs(f))
                rest = [self.visit(f) for f in args if f is not found]
                return x.mul(*rest[:1], self.times(at, found, same), *rest[1:])
        raise Used

    def equal(
        self, own: Sequence[Expr], at: Sequence[Expr], same: Same, left: Sequence[str] = (), index: Sequence[Expr] = ()
    ) -> bool:
        """Whether two places are the same; the first in the indices ``left``, which stand for ``index``."""
        here = dict(zip(left, index, strict=True))
        return [x.rename(x.rename(i, here), same) for i in own] == [x.rename(i, same) for i in at]


def equalities(c: Expr) -> dict[str, Expr]:
    """What indices are where a condition holds."""
    match c:
        case Op("and", args):
            return {name: e for a in args for name, e in equalities(a).items()}
        case Op("==", (a, b)):
            for one, other in ((a, b), (b, a)):
                if isinstance(other, Pos) and other.index not in x.free(one):
                    return {other.index: one}
    return {}


def is_inverse(e: Expr) -> bool:
    """Whether it is one over an array, or over a power of it."""
    match e:
        case Op("pow", (Ref(), Num(n))):
            return n < 0
    return False


def sums_up(e: Expr, own: Mapping[str, object]) -> bool:
    """Whether a sum has a term in which one of some arrays is a factor."""
    if isinstance(e, Op) and e.fn == "where":
        return any(sums_up(side, own) for side in e.args[1:])
    factors = [f for t in x.terms(e) for f in x.factors(t)] if isinstance(e, Op) and e.fn == "add" else []
    return any(isinstance(f, Ref) and f.tensor in own for f in factors)


def of_exponentials(e: Equation, equations: Sequence[Equation]) -> bool:
    """Whether an array is an exponential over a sum: positive, and 0 only by underflow."""

    def exponential(f: Expr) -> bool:
        made = [d.body for d in equations if isinstance(f, Ref) and d.target == f.tensor]
        return (isinstance(f, Op) and f.fn == "exp") or any(isinstance(b, Op) and b.fn == "exp" for b in made)

    match x.factors(e.body):
        case (above, Op("pow", (Ref(), Num(minus)))):
            return minus == -1 and exponential(above)
    return False
