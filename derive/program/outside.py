"""Where an element may lie that a program reads: in its array for sure, or maybe outside, where 0 stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.notation import expr as x
from derive.notation.affine import from_end
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Ref, Size
from derive.notation.layer import Layer
from derive.program.ir import Array, Scatter


def may_lie_outside(ref: Ref, arrays: Mapping[str, Array], layer: Layer) -> bool:
    """Whether an element may lie outside its array, as far as its indices say."""
    array = arrays[ref.tensor]
    return not all(within(i, a, start, layer) for i, a, start in zip(ref.index, array.axes, array.starts, strict=True))


def within(i: Expr, axis: str, start: int, layer: Layer) -> bool:
    """Whether an index surely is a position of an axis that begins at ``start``."""
    axis = layer.axis(axis)
    if (back := from_end(i)) is not None:  # read from the end, an array has as many positions
        return back[2] == -1 and layer.axis(back[0]) == layer.axis(back[1]) == axis
    match i:
        case Pos(index):  # inputs that share an index have the same length there
            own = layer.axis(index)
            return own == axis or not {own, axis} & {*layer.sizes}
        case Num(value):
            return value >= start
        case Ref(
            tensor
        ):  # what a definition reads at is looked at where it comes in; a program's own positions are right
            known = layer.tensors.get(tensor)
            return known is None or length(checked(layer).get(tensor, ""), layer) == length(axis, layer)
        case Op("add", (Pos(index), Num(value))):
            return start <= value <= 0 and layer.axis(index) == axis
        case Op("add", (Size(other), Num(value))):
            return value == -1 and layer.axis(other) == axis
    return False


def landing(s: Scatter, layer: Layer) -> tuple[Scatter, Expr]:
    """A scatter that adds 0 for an index outside, and where: at 0 then."""
    ignored = isinstance(s.index, Ref) and s.index.tensor in spared(layer)
    if within(s.index, s.axis, 0, layer) and not ignored:
        return s, s.index
    there = Op("and", (Op(">=", (s.index, x.ZERO)), Op("<", (s.index, Size(s.axis)))))
    return replace(s, values=x.where(there, s.values, x.ZERO)), x.where(there, s.index, x.ZERO)


def checked(layer: Layer) -> dict[str, str]:
    """The inputs that are looked at where they come in: they hold positions of an axis and nothing else."""
    integers = {t.name for t in layer.inputs if t.kind == "integer"}
    every = (n for e in layer.equations for n in x.walk(e.body) if isinstance(n, Ref))
    read = ((i, a) for n in every for i, a in zip(n.index, layer.tensors[n.tensor].axes, strict=True))
    found = {i.tensor: layer.axis(a) for i, a in read if isinstance(i, Ref) and i.tensor in integers}
    return {t.name: layer.axis(t.domain.below) for t in layer.inputs if t.domain and t.domain.below} | found


def spared(layer: Layer) -> dict[str, str]:
    """Of those inputs the ones that may hold the value of an option besides, and the option.

    Nothing is read at a position that is that value, as in ``w[t[...]] if t[...] != ignore else 0``, and all that is
    asked of a label is which position it is, and whether it is ignored.
    """
    found: dict[str, set[str]] = {}
    lost: set[str] = set()  # labels that are read or computed with where they may be ignored, options that are numbers

    def visit(e: Expr, ignored: frozenset[str]) -> None:
        if (pair := compared(e)) is not None:
            found.setdefault(pair[0].tensor, set()).add(pair[1])
            return
        match e:
            case Op("==" | "!=", (Ref(), Pos()) | (Pos(), Ref())):
                return
            case Op("where", (c, a, b)):
                visit(c, ignored)
                visit(a, ignored | told(c, "!="))
                visit(b, ignored | told(c, "=="))
                return
            case Opt(name) | Ref(name):
                lost.add(name)
        for child in x.children(e):
            if not (isinstance(e, Ref) and isinstance(child, Ref) and child.tensor in ignored):
                visit(child, ignored)

    for e in layer.equations:
        visit(e.body, frozenset())
    usual = {o.name for o in layer.options if o.kind == "Integer"} - lost
    looked_at = checked(layer).keys() - lost
    return {t: next(iter(o)) for t, o in found.items() if t in looked_at and len(o) == 1 and o <= usual}


def compared(e: Expr) -> tuple[Ref, str] | None:
    """The label and the option of ``t[...] == ignore`` or ``!=``."""
    match e:
        case Op("==" | "!=", (Ref() as label, Opt(option, ())) | (Opt(option, ()), Ref() as label)):
            return label, option
    return None


def told(c: Expr, word: str) -> frozenset[str]:
    """Labels that are not ignored where a condition holds, for ``!=``, or where it does not, for ``==``."""
    both = {"!=": "and", "==": "or"}[word]
    parts = c.args if isinstance(c, Op) and c.fn == both else (c,)
    pairs = (compared(p) for p in parts if isinstance(p, Op) and p.fn == word)
    return frozenset(pair[0].tensor for pair in pairs if pair is not None)


def length(axis: str, layer: Layer) -> str:
    """The axis that says how long an axis is."""
    match layer.sizes.get(axis):
        case Size(same):
            return layer.axis(same)
    return axis
