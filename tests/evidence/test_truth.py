"""The truth that kernels are compared with: the definition's derivatives, made without its derivation."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.evidence import compare, inputs, kernels, operand, truth, world
from derive.evidence.balls import exactly, rounding
from derive.evidence.layout import Elements
from derive.evidence.numbers import FLOAT, FRACTION, MP
from derive.evidence.operand import Operand
from derive.evidence.traced import Node, Tape
from tests.evidence.shared import LAYERS, derived
from tests.evidence.shared import own as own_layers


def middles(balls: dict[str, Elements]) -> dict[str, Elements]:
    """The midpoints of balls, to 60 digits."""
    return {n: {i: kernels.arb_to_decimal(v, MP.exact)[0] for i, v in own.items()} for n, own in balls.items()}


@pytest.mark.parametrize("name", ["attention", "layer_norm", "lstm", "max_pool2d", "mlp", "softmax_cross_entropy"])
def test_gradients_are_the_slopes_of_the_definition(name: str) -> None:
    case = inputs.cases(LAYERS[name][0], 3, 2, compare.PLAN)[1]
    u, v = inputs.cotangents(case, 4), inputs.tangents(case, 5)
    true = truth.truth(case, u, v)
    weights = {o: kernels.elements(case, {o: a}, MP.exact)[o] for o, a in u.items()}

    def objective(step: Any) -> Any:
        run = world.forward(case, MP, world.shifted(case, v, step))
        return world.contracted(weights, {o: run.values(o, o) for o in weights})

    slope, error = compare.central(objective)
    along = kernels.elements(case, v, MP.exact)
    back = middles(true.backward)
    got = sum(back[n][i] * along[n][i] for n in along for i in along[n])
    assert abs(got - slope) <= error + MP.exact(10) ** -50
    tangent = middles(true.jvp)
    assert abs(sum(tangent[o][i] * w for o, own in weights.items() for i, w in own.items()) - slope) <= error * 2


@pytest.mark.parametrize("name", ["layer_norm", "lstm", "mlp", "softmax"])
def test_second_gradients_are_the_slopes_of_gradients(name: str) -> None:
    case = inputs.cases(LAYERS[name][0], 3, 2, compare.PLAN)[1]
    u, v = inputs.cotangents(case, 4), inputs.tangents(case, 5)
    derivation = derived(name)

    def gradients(step: Any) -> Any:
        run = world.backward(derivation, case, u, MP, given=world.shifted(case, v, step))
        return world.gradients(derivation, run)

    ahead, behind = gradients(compare.STEP), gradients(-compare.STEP)
    for n, own in middles(truth.truth(case, u, v).double_backward).items():
        for i, m in own.items() if n in ahead else ():
            assert abs(m - (ahead[n][i] - behind[n][i]) / (2 * compare.STEP)) < 1e-30 * max(1, abs(m))


def swept(f: Any, *values: Any, base: Any = FLOAT) -> list[Any]:
    """A function's value and its derivatives."""
    tape = Tape(base)
    leaves = [tape.leaf(base.exact(v)) for v in values]
    out = f(tape.numbers, *leaves)
    tape.sweep([(out, base.exact(1))])
    return [out.value, *(n.bar for n in leaves)]


@pytest.mark.parametrize(
    ("f", "at", "slope"),
    [
        (lambda n, a: n.functions["exp"](a), 0.3, math.exp(0.3)),
        (lambda n, a: n.functions["log"](a), 0.3, 1 / 0.3),
        (lambda n, a: n.functions["erf"](a), 0.3, 2 / math.sqrt(math.pi) * math.exp(-0.09)),
        (lambda n, a: n.functions["abs"](a), -0.3, -1.0),
        (lambda n, a: n.power(a, Fraction(1, 2)), 0.3, 0.5 / math.sqrt(0.3)),
        (lambda n, a: n.power(a, Fraction(-2)), 0.3, -2 / 0.3**3),
        (lambda n, a: n.raised(a, n.exact(2.5)), 0.3, 2.5 * 0.3**1.5),
        (lambda n, a: n.raised(n.exact(2), a), 0.3, math.log(2) * 2**0.3),
        (lambda n, a: n.mul(a, a), 0.3, 0.6),
    ],
)
def test_rules(f: Any, at: float, slope: float) -> None:
    assert swept(f, at)[1] == pytest.approx(slope, rel=1e-14)


def test_the_first_of_equals_has_the_gradient() -> None:
    assert swept(lambda n, a, b: n.functions["max"](a, b), 2, 2, base=FRACTION)[1:] == [1, None]
    assert swept(lambda n, a: n.functions["abs"](a), 0, base=FRACTION)[1] == 0


def test_a_slope_of_0_beside_an_infinite_one_is_none() -> None:
    """abs(x) ** (1 / 4) at 0."""
    with kernels.precision():
        power = swept(lambda n, a: n.raised(n.functions["abs"](a), n.exact(0.25)), 0, base=exactly())
        assert power[0] == 0
        assert not power[1].is_finite()


def test_where_there_is_no_derivative_it_says_so() -> None:
    with kernels.precision():
        tape = Tape(exactly(), lambda v: bool(v.is_finite()))
        root = tape.numbers.power(tape.leaf(tape.base.exact(0)), Fraction(1, 2))
        tape.sweep([(root, tape.one)])
        assert tape.singular


def test_what_cannot_be_told_is_either() -> None:
    with kernels.precision():
        tape = Tape(exactly())
        third = tape.base.exact(Fraction(1, 3))
        a, b = tape.leaf(third), tape.leaf(third * 1)
        out: Node = tape.numbers.functions["max"](a, b)
        tape.sweep([(out, tape.one)])
        assert a.bar.contains(0)
        assert a.bar.contains(1)
        assert b.bar.contains(0)


@pytest.mark.parametrize("f", [lambda v: 0.1 * v, lambda v: v * np.float64(0.1), lambda v: np.array([0.1]) * v])
def test_a_float_that_meets_an_operand_holds_the_constant(f: Any) -> None:
    """0.1 of a kernel stands for a tenth and not for 0.1001, and 0.25 is a quarter."""
    flint = pytest.importorskip("flint", reason="balls are of python-flint, which is optional")
    with kernels.precision():
        (got,) = np.ravel(f(Operand(flint.arb(3))))
        assert kernels.to_ball(got).contains(flint.arb(3) / 10)
        assert not kernels.to_ball(got * 0.25 * 4).contains(flint.arb(3003) / 10000)
        assert kernels.to_ball(Operand(flint.arb(3)) * 0.25).is_exact()


def test_digits_are_added_until_the_enclosure_is_narrow() -> None:
    """log(softmax) of two logits 400 apart needs more than the working precision."""
    layer = LAYERS["softmax_cross_entropy"][0]
    case = inputs.cases(layer, 0, 1)[0]
    z = case.tensors["z"] * 0
    z[..., 0] = 400
    wide = truth.truth(inputs.layout.Case(layer, {**case.tensors, "z": z}, case.options))
    (loss,) = wide.forward["loss"].values()
    assert loss.is_finite()
    assert loss.rad() <= abs(loss.mid()) * 2.0**truth.SHARP


def test_what_constants_may_change_is_found_by_moving_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a layer of many parts, whose balls of constants hold everything; here they would still do."""
    lines = [f"    a{n + 1} = layer_norm(a{n}, g, c, epsilon=0.3)" for n in range(2)]
    head = [
        "def deep(x: Real[..., i], g: Real[i], c: Real[i]):",
        "    a0[..., i] = x[..., i] * g[i] + 0.1 * x[..., i] ** 2",
    ]
    with own_layers(tmp_path, "\n".join([*head, *lines, "    return a2"])) as made:
        (derivation,), kernel = made["deep"]
        case = inputs.cases(derivation.layer, 0, 1, compare.PLAN)[0]
        with kernels.precision():
            plain = compare.enclosed(case, lambda: kernels.forward(kernel, compare.balls(case))[0])
            monkeypatch.setattr(kernels, "to_ball", unbounded(kernels.to_ball))
            found = compare.enclosed(case, lambda: kernels.forward(kernel, compare.balls(case))[0])
        monkeypatch.undo()
        true = truth.truth(case).forward
        for name, values in found.items():
            assert max(ball.rad() for ball in values.values()) > 1e-17, name
            for i, ball in values.items():
                assert ball.overlaps(true[name][i])
                assert ball.overlaps(plain[name][i])
                assert ball.rad() < 1e-11


def unbounded(to_ball: Any) -> Any:
    """Every ball holds everything, unless constants are moved."""
    import flint

    return lambda value: to_ball(value) if operand._WAY.get() is not None else to_ball(value) + flint.arb("nan")


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("numbers", [exactly(), rounding(-53)], ids=["exactly", "rounding"])
def test_a_ball_around_zero_has_powers(numbers: Any, n: int) -> None:
    """Of a mean of one number it is taken away, and what is left, 0 but for rounding, is squared."""
    import flint

    found = numbers.power(flint.arb(0, 0.5), Fraction(n))
    assert found.contains(flint.arb(0.5) ** n)
    assert found.contains(0)
    assert float(found.abs_upper()) < 1.001 * 0.5**n
