"""Which changes to an equation are mistakes that people make: the kinds of them, the commonest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from derive.calculus.derivation import Derivation
from derive.calculus.parts import by_parts
from derive.evidence import inputs
from derive.evidence.mutate import Mutant, mutants
from derive.judge.changes import difference, known_mistakes
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.functions import sign_of
from derive.notation.layer import Equation

WRITTEN = "as written"

#: Kinds of mistakes, what people make most first.
RANKS = (
    WRITTEN,
    "term of a gradient",
    "divided by N - 1",
    "epsilon beside the root",
    "sum for mean",
    "not divided by the root of N",
    "option ignored",
    "mean for sum",
    "condition left out",
    "no cotangent",
    "transposed",
    "equality on the other side",
    "half at a tie",
    "cases exchanged",
    "constant left out",
    "factor of a gradient",
    "sign",
)
#: Of one kind there may be two in a layer.
TWICE = ("term of a gradient", "factor of a gradient", "condition left out")
#: What the changes to an equation are called here, where that does not depend on what is changed.
NAMED = {
    "forgot option": "option ignored",
    "forgot 1/N": "sum for mean",
    "epsilon beside the root": "epsilon beside the root",
    "condition left out": "condition left out",
    "dropped bracket": "condition left out",
    "a tie on the other side": "equality on the other side",
    "half at a tie": "half at a tie",
    "exchanged cases": "cases exchanged",
    "dropped constant": "constant left out",
}


@dataclass(frozen=True)
class Candidate:
    """A change to one of a layer's equations, of a kind that people make."""

    kind: str
    what: str
    part: str
    place: int
    mutant: Mutant
    hidden: bool  # whether a term that is left out goes through a sum or a function, which is forgotten more often

    @property
    def rank(self) -> tuple[int, bool, bool]:
        return RANKS.index(self.kind), not self.hidden, self.part == "forward"


def equations(derivation: Derivation, part: str) -> tuple[Equation, ...]:
    return derivation.layer.equations if part == "forward" else derivation.backward


def candidates(derivation: Derivation) -> Iterator[Candidate]:
    """All of them; of a layer that is put together from others those of what it adds to their gradients."""
    composed = inputs.composed(derivation.layer)
    own = {e.lhs for e in by_parts(derivation).adjoint.equations} if composed else set()
    for part in ("backward",) if composed else ("forward", "backward"):
        for n, equation in enumerate(equations(derivation, part)):
            if composed and equation.lhs not in own:
                continue
            for rule in (None, known_mistakes):
                for mutant in mutants(equation, rule):
                    kind, what = kind_of(derivation, part, mutant)
                    if kind:
                        yield Candidate(kind, what, part, n, mutant, _hidden(lost(mutant)))


def signs(e: Expr) -> int:
    return sum(sign_of(n) is not None for n in x.walk(e))


def cases(e: Expr) -> int:
    """How many cases an expression has that are no sign, and in none."""
    return sum(isinstance(n, Op) and n.fn == "where" for n in x.walk(e)) - 2 * signs(e)


def kind_of(derivation: Derivation, part: str, mutant: Mutant) -> tuple[str, str]:
    """The kind of a mutant among RANKS, and the option it is about; nothing for what nobody does."""
    inside = cases(mutant.after.body) > cases(mutant.before.body) or mutant.kind == "condition left out"
    if inside and signs(mutant.after.body) < signs(mutant.before.body):
        return "", ""  # a sign is a word, and no cases that one could mix up
    before, after = difference(mutant.before.body, mutant.after.body)
    kind, backward, gone = mutant.kind, part == "backward", lost(mutant)
    option = next((e.name for e in x.walk(gone) if isinstance(e, Opt)), "") if gone is not None else ""
    adjoints = {*derivation.adjoint.cotangents.values(), *derivation.adjoint.names.values()}
    along = gone is not None and any(isinstance(e, Ref) and e.tensor in adjoints for e in x.walk(gone))
    if kind == "dropped term" and gone is not None:
        if option and all(isinstance(e, Op | Opt | Num) for e in x.walk(gone)):
            return "option ignored", option
        return ("term of a gradient", "") if backward and (along or _is_large(gone)) else ("", "")
    if kind in ("dropped factor", "dropped constant", "forgot 1/N") and gone is not None:
        if along:
            own = isinstance(gone, Ref) and gone.tensor in derivation.adjoint.cotangents.values()
            return ("no cotangent", "") if own and not _summed(mutant.before.body, gone) else ("", "")
        if isinstance(gone, Op) and gone.fn == "pow" and isinstance(gone.args[0], Size):
            return ("sum for mean" if gone.args[1] == x.num(-1) else "not divided by the root of N"), ""
        if kind == "dropped factor":
            product = any(isinstance(n, Ref) and n.tensor in adjoints for n in x.walk(before))
            slope = product and _is_slope(gone) and not _summed(mutant.before.body, gone)
            return ("factor of a gradient", "") if backward and slope else ("", "")
    match kind:
        case "N - 1 for N":
            return ("divided by N - 1", "") if not backward and _squares(mutant.before.body) else ("", "")
        case "mean for sum":
            body = mutant.before.body
            rows = derivation.layer.inputs[0].axes[:1]
            return (kind, "") if backward and isinstance(body, Reduce) and set(rows) & set(body.over) else ("", "")
        case "exchanged indices":
            if not (isinstance(before, Ref) and isinstance(after, Ref)):
                return "", ""
            moved = {a for a, b in zip(before.index, after.index, strict=True) if a != b}
            two = exchanged(derivation, before)
            return ("transposed", "") if two and moved == {*map(Pos, two)} else ("", "")
        case "condition left out":
            return ("", "") if isinstance(after, Num) else (kind, "")
        case "sign":
            inner = (
                isinstance(before, Op)
                and before.fn == "add"
                and any(isinstance(n, Ref) and n.tensor in adjoints for n in x.walk(before))
            )
            if any(isinstance(n, Op) and n.fn.endswith("'") for n in x.walk(before)):  # written out, it is another sum
                return "", ""
            return (kind, "") if backward and (inner or x.num(-1) in getattr(before, "args", ())) else ("", "")
    if kind == "forgot option" and not option:  # with it the rest is gone: 1 - p at p = 1
        return "", ""
    return NAMED.get(kind, ""), option if kind == "forgot option" else ""


def lost(mutant: Mutant) -> Expr | None:
    """The one argument that a sum or a product has lost."""
    before, after = difference(mutant.before.body, mutant.after.body)
    if not isinstance(before, Op) or before.fn not in ("add", "mul"):
        return None
    rest = list(after.args) if isinstance(after, Op) and after.fn == before.fn else [after]
    gone = [a for a in before.args if a not in rest]
    if len(gone) != 1:
        return None
    if before.fn == "mul" and mutant.kind == "dropped term" and isinstance(gone[0], Op):  # r (a - b) as r a
        left = x.mul(*(a for a in rest if a not in before.args))
        terms = [t for t in gone[0].args if t != left]
        return terms[0] if len(terms) == 1 else None
    return gone[0]


def _hidden(gone: Expr | None) -> bool:
    if isinstance(gone, Op) and gone.fn == "mul":
        parts = gone.args
    else:
        parts = () if gone is None else (gone,)
    within = any(isinstance(n, Reduce) for p in parts for n in x.walk(p))
    return within or (len(parts) > 1 and any(isinstance(p, Ref) for p in parts))


def _is_large(e: Expr) -> bool:
    """Whether it is more than an element, a number or an option with a sign."""
    return sum(isinstance(n, Ref | Reduce) or (isinstance(n, Op) and n.fn not in ("mul", "add")) for n in x.walk(e)) > 1


def _is_slope(gone: Expr) -> bool:
    """Whether a factor depends on the input, and not as a difference alone."""
    plain = isinstance(gone, Op) and gone.fn == "add" and not _is_large(gone.args[0]) and not _is_large(gone.args[-1])
    numeral = isinstance(gone, Op) and any(isinstance(a, Num) for a in gone.args)  # 1 - y
    return any(x.tensors(gone)) and (not plain or numeral)


def _summed(e: Expr, inner: Expr) -> bool:
    """Whether an expression stands within a sum."""
    return any(isinstance(n, Reduce) and inner in x.walk(n.body) for n in x.walk(e))


def exchanged(derivation: Derivation, ref: Ref) -> tuple[str, str] | None:
    """The two axes of a matrix whose indices may be taken for one another; of what is no matrix none."""
    tensor = derivation.layer.tensors.get(ref.tensor) or derivation.tensors.get(ref.tensor)
    if tensor is None or any(len(s.parts) > 1 for s in tensor.slots) or not all(isinstance(i, Pos) for i in ref.index):
        return None
    rows = derivation.layer.inputs[0].axes[:1]
    axes = [i.index for i in ref.index[tensor.sequence :] if isinstance(i, Pos) and i.index != x.ELLIPSIS]
    return (axes[0], axes[1]) if len(axes) == 2 and not {*axes} & {*rows} else None


def _squares(e: Expr) -> bool:
    """Whether it is a sum of squares: a variance."""
    return any(
        isinstance(n, Reduce) and any(isinstance(p, Op) and p.fn == "pow" for p in x.walk(n.body)) for n in x.walk(e)
    )
