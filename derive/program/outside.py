"""Where an element may lie that a program reads: in its array for sure, or maybe outside, where 0 stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.notation import expr as x
from derive.notation.affine import from_end
from derive.notation.expr import Expr, Num, Op, Pos, Ref, Size
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
    if within(s.index, s.axis, 0, layer):
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


def length(axis: str, layer: Layer) -> str:
    """The axis that says how long an axis is."""
    match layer.sizes.get(axis):
        case Size(same):
            return layer.axis(same)
    return axis
