"""The interpreter's conventions, on definitions small enough to check by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from derive.evidence import inputs, layout, world
from derive.evidence.evaluation import Circular
from derive.evidence.interpret import Interpreter
from derive.evidence.layout import Case
from derive.evidence.numbers import FLOAT, FRACTION, MP, decimal
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation, Layer, Slot, Tensor
from tests.evidence.shared import LAYERS

I, T = Pos("i"), Pos("t")


def tiny(*equations: Equation, values: tuple[float, ...] = (1.0, 2.0, 4.0), **more: Tensor) -> Interpreter:
    """A layer with one input x[i] and the equations given, over floats."""
    tensors = {"x": Tensor("x", ("i",), (Slot(("i",)),), role="input")}
    tensors |= {e.target: Tensor(e.target, tuple(x.plain(p) or "i" for p in e.left)) for e in equations} | more
    layer = Layer("tiny", "", "", tensors, (), equations, (equations[-1].target,))
    return world.forward(Case(layer, {"x": np.array(values)}), FLOAT)


def at(body: Expr, index: int = 0) -> Any:
    return tiny(Equation("y", (I,), body)).element("y", (index,))


def test_outside_is_zero() -> None:
    beyond = Ref("x", (x.add(I, x.ONE),))
    assert [at(beyond, n) for n in range(3)] == [2.0, 4.0, 0.0]


def test_an_exact_division_that_leaves_a_remainder_is_outside() -> None:
    half = Ref("x", (Op("exactdiv", (I, x.num(2))),))
    assert [at(half, n) for n in range(3)] == [1.0, 0.0, 2.0]


def test_outside_is_skipped_under_max() -> None:
    window = Reduce("max", ("k",), x.neg(Ref("x", (x.add(Pos("k"), I),))))
    tensors = {"k": Tensor("k", ("k",))}
    run = tiny(Equation("y", (I,), window), **tensors)
    run.case.sizes["k"] = 2
    assert [run.element("y", (n,)) for n in range(3)] == [-1.0, -2.0, -4.0]


def test_a_tie_goes_to_the_first_position() -> None:
    argmax = Equation("p", (), Reduce("argmax", ("i",), Ref("x", (I,))))
    run = tiny(argmax, values=(1.0, 3.0, 3.0), p=Tensor("p", (), kind="integer"))
    assert run.element("p", ()) == 1


def test_only_the_case_taken_is_evaluated() -> None:
    xi = Ref("x", (I,))
    safe = x.where(Op("==", (xi, x.ZERO)), x.ZERO, x.div(x.ONE, xi))
    run = tiny(Equation("y", (I,), safe), values=(0.0, 2.0))
    assert [run.element("y", (n,)) for n in range(2)] == [0.0, 0.5]


def test_nothing_beside_a_zero_bracket_is_evaluated() -> None:
    xi = Ref("x", (I,))
    safe = x.mul(x.div(x.ONE, xi), x.iverson(Op(">", (xi, x.ZERO))))
    run = tiny(Equation("y", (I,), safe), values=(0.0, 2.0))
    assert [run.element("y", (n,)) for n in range(2)] == [0.0, 0.5]


@pytest.mark.parametrize("fn", ["xlogy", "xdivy"])
def test_zero_beside_zero_is_zero(fn: str) -> None:
    xi = Ref("x", (I,))
    run = tiny(Equation("y", (I,), Op(fn, (xi, xi))), values=(0.0,))
    assert run.element("y", (0,)) == 0


def test_a_recurrence_needs_no_order() -> None:
    before = Ref("s", (x.sub(I, x.ONE),))
    run = tiny(Equation("s", (I,), x.add(before, Ref("x", (I,)))))
    assert run.element("s", (2,)) == 7.0


def test_a_recurrence_may_begin_early() -> None:
    before = Ref("s", (x.sub(I, x.ONE),))
    start = Equation("s", (x.num(-1),), x.num(100))
    run = tiny(start, Equation("s", (I,), x.add(before, Ref("x", (I,)))))
    assert run.element("s", (2,)) == 107.0


def test_an_element_that_needs_itself_is_an_error() -> None:
    with pytest.raises(Circular, match=r"s\[0\] needs itself"):
        tiny(Equation("s", (I,), Ref("s", (I,)))).element("s", (0,))


def test_arrays_of_a_list_keep_their_own_sizes() -> None:
    case = inputs.cases(LAYERS["mlp"][0], plan=inputs.Plan((2, 3, 4), ((2,),), (3,)))[0]
    run = world.forward(case, FLOAT)
    widths = [len(b) for b in case.tensors["b"]]
    assert len(set(widths)) > 1
    assert {i[0]: i[2] + 1 for i in run.indices("z")} == dict(enumerate(widths))


def test_against_numpy() -> None:
    case = inputs.cases(LAYERS["linear"][0])[0]
    run = world.forward(case, FLOAT)
    got = layout.array(case, "z", run.values("z", "z"), float)
    own = case.tensors
    np.testing.assert_allclose(got, own["x"] @ own["W"].T + own["b"], rtol=1e-13)


def test_softmax_along_its_axis() -> None:
    for case in inputs.cases(LAYERS["softmax"][0]):
        got = layout.array(case, "y", world.forward(case, FLOAT).values("y", "y"), float)
        np.testing.assert_allclose(got.sum(axis=case.options["axis"]), 1, rtol=1e-13)


def test_grouped_convolution() -> None:
    z = LAYERS["conv2d"][0]
    rng = np.random.default_rng(0)
    x_, w, b = rng.normal(size=(1, 4, 3, 3)), rng.normal(size=(6, 2, 2, 2)), rng.normal(size=6)
    case = Case(z, {"x": x_, "W": w, "bias": b}, {o.name: o.default for o in z.options} | {"groups": 2})
    got = layout.array(case, "z", world.forward(case, FLOAT).values("z", "z"), float)
    assert got.shape == (1, 6, 2, 2)
    wanted = (w[4] * x_[0, 2:, 1:3, :2]).sum() + b[4]  # output channel 4 is in the second group
    assert got[0, 4, 1, 0] == pytest.approx(wanted)


def test_number_systems_agree() -> None:
    case = inputs.cases(LAYERS["mse"][0], ties=True)[0]
    exact = world.forward(case, FRACTION).element("loss", ())
    assert isinstance(exact, Fraction)
    assert abs(world.forward(case, MP).element("loss", ()) - MP.exact(exact)) < 1e-58
    assert world.forward(case, FLOAT).element("loss", ()) == pytest.approx(float(exact))


def test_sixty_digits() -> None:
    assert abs(decimal(60).pi - decimal(80).pi) < 1e-58


def test_no_sine_of_what_is_in_no_format() -> None:
    """Its digits of pi would take minutes: sin(exp(a) x) at a of a million."""
    for name in ("sin", "cos"):
        assert MP.functions[name](MP.exact(2) ** (10**9)) != MP.functions[name](MP.exact(2) ** (10**9))
        assert abs(MP.functions[name](MP.exact(2) ** 1000)) <= 1
