"""What loses its digits to underflow on the way is computed again in a wider format; what does not is not asked."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Ref
from derive.program.ir import Fold, Map
from derive.program.underflow import may_underflow_on_the_way
from reference.runtime.functions import sum_of_squares
from reference.runtime.wider import STRICTEST
from tests.generality.support import built, definition, own_registry

A, B, N = (Ref(name, (Pos("i"),)) for name in "abn")
SQUARE, PRODUCT, EPSILON = Op("pow", (A, x.num(2))), x.mul(A, B), Opt("epsilon")
SQUARES = Fold("n", (), (), "sum", ("i",), SQUARE)
MAY = {
    "a quotient of products": x.div(PRODUCT, A),
    "a quotient by a square": x.div(B, SQUARE),
    "a root of a square": x.sqrt(SQUARE),
    "a root of a sum of squares": x.sqrt(x.add(SQUARE, PRODUCT)),
    "a logarithm of a product": Op("log", (PRODUCT,)),
    "a quotient by a size of a product": x.div(A, Op("abs", (PRODUCT,))),
    "a quotient by one of two cases": x.div(PRODUCT, x.where(Op(">", (A, B)), x.ONE, B)),
    "a quotient by what a case does not keep large": x.where(Op("<", (B, EPSILON)), x.div(PRODUCT, B), A),
    "of several": x.div(PRODUCT, Op("max", (A, B))),
}
NOT = {
    "a product": PRODUCT,
    "a quotient": x.div(A, B),
    "a root": x.sqrt(A),
    "a quotient by what is 1 and more": x.div(PRODUCT, x.add(x.ONE, SQUARE)),
    "a root of what is epsilon and more": Op("pow", (x.add(SQUARE, EPSILON), Num(Fraction(-1, 2)))),
    "a quotient by what is at least epsilon": x.div(PRODUCT, Op("max", (A, EPSILON))),
    "a quotient by what a case keeps large": x.where(Op(">", (B, EPSILON)), x.div(PRODUCT, B), A),
    "the other case": x.where(Op("not", (Op(">", (B, EPSILON)),)), A, x.div(PRODUCT, B)),
    "a quotient by a length": x.div(PRODUCT, x.Size("i")),
    "with an exponential": x.div(x.mul(A, Op("exp", (B,))), A),
}


def said(*bodies: Expr, before: tuple[Fold, ...] = ()) -> bool:
    names = "xyz"
    own = (Map(names[n], (Pos("i"),), ("i",), body) for n, body in enumerate(bodies))
    return may_underflow_on_the_way(own, before)


@pytest.mark.parametrize("case", MAY)
def test_what_may(case: str) -> None:
    assert said(MAY[case])


@pytest.mark.parametrize("case", NOT)
def test_what_may_not(case: str) -> None:
    assert not said(NOT[case])


def test_what_has_a_name_is_what_it_is_a_name_of() -> None:
    above = Map("n", (Pos("i"),), ("i",), x.add(x.ONE, SQUARE))
    assert said(x.div(PRODUCT, N), before=(SQUARES,))
    assert not said(x.div(PRODUCT, N), before=(above,))  # type: ignore[arg-type]
    assert said(SQUARE, x.div(A, Ref("x", (Pos("i"),))))
    assert not said(x.add(SQUARE, x.ONE), x.div(A, Ref("x", (Pos("i"),))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits(dtype: type, tmp_path: Path) -> None:
    """All functions, at numbers whose squares are subnormal; a zero is none that underflows."""
    small = dtype(np.finfo(dtype).tiny) ** dtype(0.5) / dtype(64)
    with own_registry():
        _, kernel = built(
            tmp_path, definition("x: Real[i], z: Real[i]", "y[i] = x[i] * z[i] / sum(j, x[j] ** 2)\nreturn y")
        )
    x_, z, t = np.random.default_rng(3).standard_normal((3, 5)).astype(dtype)
    x_[0] = 0
    y, saved = kernel.forward(x_, z)
    little, kept = kernel.forward(x_ * small, z * small)
    rtol = 16 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(little, y, rtol=rtol)
    assert little.dtype == dtype
    for one, other in zip(kernel.backward(t, kept), kernel.backward(t, saved), strict=True):
        np.testing.assert_allclose(one * small, other, rtol=16 * rtol)
    tangents = kernel.jvp((x_ * small, z * small), (t * small, t * small)), kernel.jvp((x_, z), (t, t))
    np.testing.assert_allclose(*tangents, rtol=16 * rtol, atol=16 * rtol)


def test_a_sum_of_squares_says_so() -> None:
    """A product of vectors has no mark of the processor's that NumPy looks at."""
    with pytest.raises(FloatingPointError):
        STRICTEST.call(sum_of_squares, [np.full(3, 1e-170)])
    assert STRICTEST.call(sum_of_squares, [np.zeros(3), np.ones(2)]) == 2
