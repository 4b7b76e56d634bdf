"""Where an element may lie that a program reads: in its array for sure, or maybe outside, where 0 stands."""

from __future__ import annotations

from collections.abc import Mapping

from derive.notation.expr import Expr, Num, Op, Pos, Ref, Size
from derive.notation.layer import Layer
from derive.program.ir import Array


def may_lie_outside(ref: Ref, arrays: Mapping[str, Array], layer: Layer) -> bool:
    """Whether an element may lie outside its array, as far as its indices say."""
    array = arrays[ref.tensor]
    return not all(within(i, a, start, layer) for i, a, start in zip(ref.index, array.axes, array.starts, strict=True))


def within(i: Expr, axis: str, start: int, layer: Layer) -> bool:
    """Whether an index surely is a position of an axis that begins at ``start``."""
    axis = layer.axis(axis)
    match i:
        case Pos(index):  # inputs that share an index have the same length there
            own = layer.axis(index)
            return own == axis or not {own, axis} & {*layer.sizes}
        case Num(value):
            return value >= start
        case Ref():  # data is looked at where it comes in
            return True
        case Op("add", (Pos(index), Num(value))):
            return start <= value <= 0 and layer.axis(index) == axis
        case Op("add", (Size(other), Num(value))):
            return value == -1 and layer.axis(other) == axis
    return False
