"""A subexpression counts once, in whatever order its factors and terms stand."""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import Op, Pos, Reduce, Ref
from derive.targets.cost import canonical

A, B = Ref("a", (Pos("i"),)), Ref("b", (Pos("i"),))
OTHER = Ref("b", (Pos("j"),))


def test_the_order_of_factors_and_terms_is_no_difference() -> None:
    over = x.power(B, x.num(-1))
    assert canonical(Op("exp", (Op("mul", (A, over)),))) == canonical(Op("exp", (Op("mul", (over, A)),)))
    assert canonical(Op("add", (A, B))) == canonical(Op("add", (B, A)))
    assert canonical(Op("add", (A, B))) != canonical(Op("add", (A, OTHER)))
    assert canonical(Op("pow", (A, B))) != canonical(Op("pow", (B, A)))


def test_what_indices_are_called_is_no_difference() -> None:
    def both(first: str, second: str) -> Op:
        sums = (Reduce("sum", (i,), Ref(name, (Pos(i),))) for name, i in (("a", first), ("b", second)))
        return Op("add", tuple(sums))

    assert canonical(both("i", "m")) == canonical(both("z", "m"))
