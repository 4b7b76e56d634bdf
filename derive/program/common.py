"""What is the same is computed once: up to the names of indices and the order of factors and terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Part, Pos, Reduce, Ref
from derive.notation.functions import COMPARISONS, LOGIC
from derive.notation.layer import Equation, Tensor
from derive.program.draft import Draft
from derive.program.ir import Contract, Fold, Map, Statement, names
from derive.program.once import blocks

COMMUTE = ("add", "mul", "max", "and", "or")


def canonical(e: Expr, axis: Callable[[str], str]) -> tuple[Expr, tuple[str, ...]]:
    """A form that expressions share only where they are the same, and the free indices in that form's order.

    Args:
        axis: the axis that an index runs along: indices of different axes are different ones.
    """
    blank = ordered(e, lambda n: repr(x.transform(n, lambda i: Pos("") if isinstance(i, Pos) else None)))
    names: dict[str, str] = {}
    for node in x.walk(blank):
        for i in (node.index,) if isinstance(node, Pos) else node.over if isinstance(node, Reduce | Part) else ():
            names.setdefault(i, f"%{len(names)} {axis(i)}")
    free = set(x.free(blank))
    return ordered(called(blank, names), repr), tuple(i for i in names if i in free)


@dataclass
class Named:
    """What reductions are called, whatever their indices are.

    Attributes:
        axis: as for `canonical`.
        known: by the form of a reduction, the array, and the places of its indices among those of the form.
    """

    axis: Callable[[str], str]
    known: dict[Expr, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def note(self, e: Reduce, target: str, left: tuple[str, ...]) -> None:
        """What a reduction is called; the first name counts."""
        form, order = canonical(e, self.axis)
        self.known.setdefault(form, (target, tuple(order.index(i) for i in left)))

    def defined(self, e: Equation) -> None:
        """What a reduction is called that is an equation's whole right side, with plain indices."""
        if isinstance(e.body, Reduce) and len(e.indices) == len(e.left) and {*e.indices} == {*x.free(e.body)}:
            self.note(e.body, e.target, e.indices)

    def called(self, e: Reduce) -> Ref | None:
        """The array that a reduction is an element of."""
        form, order = canonical(e, self.axis)
        if form not in self.known:
            return None
        target, places = self.known[form]
        return Ref(target, tuple(Pos(order[n]) for n in places))


def ordered(e: Expr, key: Callable[[Expr], str]) -> Expr:
    """An expression in which the order of terms and factors says nothing."""
    e = x.rebuild(e, lambda child: ordered(child, key))
    return Op(e.fn, tuple(sorted(e.args, key=key))) if isinstance(e, Op) and e.fn in COMMUTE else e


def called(e: Expr, names: dict[str, str]) -> Expr:
    """An expression with other names for its indices, the bound ones too."""
    match e:
        case Pos(index):
            return Pos(names[index])
        case Reduce(op, over, body):
            return Reduce(op, tuple(sorted(names[i] for i in over)), called(body, names))
    return x.rebuild(e, lambda child: called(child, names))


# ---- functions of the same elements --------------------------------------------------------------------------------

CHEAP = frozenset(
    {"add", "mul", "max", "abs", "where", "iverson", "group", "floordiv", "exactdiv", "and", "or", "not"}
    | {"==", "!=", "<", "<=", ">", ">="}
)


def computed_once(draft: Draft) -> Draft:
    """A function that two statements take of the same elements gets an array of its own.

    A matrix product reads an array in any case. What is summed as it is computed needs none: a sum reads the array that
    is made for others.
    """
    tensors, options = dict(draft.tensors), draft.taken
    found = draft.each_function(lambda f: blocks(f.statements, lambda block, axis: once(block, tensors, axis, options)))
    return replace(found, tensors=tensors)


def once(
    block: tuple[Statement, ...], tensors: dict[str, Tensor], axis: str, taken: frozenset[str]
) -> tuple[Statement, ...]:
    """The statements of a run, with what is needed again computed before its first use."""
    while (found := repeated(block, axis)) is not None:
        e, users = found
        first, made = block[users[0]], tuple[Statement, ...]()
        if isinstance(first, Map) and first.body == e and {*first.left} == {*map(Pos, x.free(e))}:
            new, users = Ref(first.name, first.left), users[1:]
        else:
            places = dict.fromkeys(i for n in users for i in axes_of(block[n]) if i in x.free(e))
            order = (*places, *(i for i in x.free(e) if i not in places))
            words = [n.fn.split()[-1].replace("'", "_slope") for n in x.walk(e) if isinstance(n, Op) and costly(n)]
            name = x.numbered("_".join([words[0], *x.tensors(e)[:2]]), taken | tensors.keys())
            tensors[name] = Tensor(name, order, kind="boolean" if is_condition(e) else "real")
            new, made = Ref(name, tuple(map(Pos, order))), (Map(name, tuple(map(Pos, order)), order, e),)
        changed = [written(s, e, new) if n in users else s for n, s in enumerate(block)]
        block = (*changed[: users[0]], *made, *changed[users[0] :])
    return block


def repeated(block: tuple[Statement, ...], axis: str) -> tuple[Expr, list[int]] | None:
    """The largest expression with a costly function that occurs again, and which statements it is in."""
    users: dict[Expr, list[int]] = {}
    for n, s in enumerate(block):
        for e in (part for body in computed(s) for part in always(body)):
            users.setdefault(e, []).append(n)
    for e, places in sorted(users.items(), key=lambda item: -x.size(item[0])):
        if (
            len(places) > 1
            and not all(isinstance(block[n], Fold) for n in places[1:])
            and ({axis} if axis else {*x.free(e)}) & {*x.free(e)}
            and any(isinstance(n, Op) and costly(n) for n in x.walk(e))
        ):
            changed = {name for s in block[places[0] : places[-1]] for name in names((s,))}
            if not changed & {*x.tensors(e)}:
                return e, sorted(set(places))
    return None


def computed(s: Statement) -> tuple[Expr, ...]:
    """What a statement computes element by element."""
    match s:
        case Map() | Fold(op="sum"):
            return (s.body,)
        case Contract():
            return (s.a, s.b)
    return ()


def is_condition(e: Expr) -> bool:
    """Whether an expression is a truth and no number."""
    match e:
        case Op("where", (_, first, _)):
            return is_condition(first)
    return isinstance(e, Op) and e.fn in {*COMPARISONS, *LOGIC}


def always(e: Expr) -> Iterator[Expr]:
    """The parts of an expression that are computed in any case."""
    if isinstance(e, Op) and not e.fn.startswith(("first of", "second of")):
        yield e
        for child in e.args[:1] if e.fn == "where" else e.args:
            yield from always(child)


def costly(e: Op) -> bool:
    """Whether a function takes longer than arithmetic."""
    match e:
        case Op("pow", (_, exponent)):
            return not isinstance(exponent, Num) or exponent.value.denominator > 1
    return e.fn not in CHEAP


def axes_of(s: Statement) -> tuple[str, ...]:
    return s.axes if isinstance(s, Map) else ()


def written(s: Statement, e: Expr, new: Ref) -> Statement:
    """A statement that reads an array in place of an expression."""

    def read(body: Expr) -> Expr:
        return x.transform(body, lambda n: new if n == e else None)

    match s:
        case Map() | Fold(op="sum"):
            return replace(s, body=read(s.body))
        case Contract():
            return replace(s, a=read(s.a), b=read(s.b))
    return s
