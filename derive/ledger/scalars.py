"""What shows S01 to S11: shapes, activation functions, softmax and the loss."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import sympy

from derive.calculus.derivation import derive
from derive.calculus.scalars import Scalars
from derive.notation import expr as x
from derive.notation.define import load_project
from derive.notation.expr import Ref


def near(got: Any, wanted: Any, tolerance: float = 1e-12) -> None:
    """Assert that arrays agree relative to the largest element."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, f"shape {got.shape}, wanted {wanted.shape}"
    scale = float(np.max(np.abs(wanted), initial=1e-300))
    error = float(np.max(np.abs(got - wanted), initial=0.0)) / scale
    assert error <= tolerance, f"relative error {error:.3g}"


def refuses(call: Callable[[], object], *words: str) -> None:
    """Assert that a call raises a ValueError that has these words in it."""
    said = ""
    try:
        call()
    except ValueError as error:
        said = str(error)
    assert said, "no ValueError"
    missing = [w for w in words if w not in said]
    assert not missing, f"{missing} not in {said}"


def slope(layer: ModuleType, at: Any) -> Any:
    """The derivative of an elementwise kernel."""
    at = np.asarray(at, dtype=np.float64)
    _, saved = layer.forward(at)
    return layer.backward(np.ones_like(at), saved).x


def ulps(got: float, wanted: mpmath.mpf) -> float:
    """Distance in units in the last place of the true value."""
    return abs(float((mpmath.mpf(float(got)) - wanted) / math.ulp(float(wanted))))


def derived_slope(name: str) -> tuple[sympy.Expr, sympy.Expr, sympy.Symbol]:
    """An elementwise layer's function and derived slope, as SymPy sees them: y stands for itself in
    neither."""
    derivation = derive(load_project()[name][0])
    layer = derivation.layer
    (equation,) = layer.equations
    found = next(e for e in derivation.backward if e.target == derivation.gradients[layer.inputs[0].name])
    cotangent = derivation.adjoint.cotangents[layer.outputs[0]]

    def visit(e: x.Expr) -> x.Expr | None:
        if isinstance(e, Ref) and e.tensor == cotangent:
            return x.ONE
        return equation.body if isinstance(e, Ref) and e.tensor == layer.outputs[0] else None

    scalars = Scalars()
    argument = scalars.symbol(layer.inputs[0].ref())
    return scalars.to(equation.body), scalars.to(x.transform(found.body, visit)), argument


def s01() -> None:
    from reference import linear, mlp

    rng = np.random.default_rng(0)
    a, W, b = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    assert linear.forward(a, W, b)[0].shape == (5, 4)
    refuses(lambda: linear.forward(a, W[:, :2], b), "axis i", "3", "2")
    refuses(lambda: mlp.forward(a, [W, rng.normal(size=(2, 5))], [b, np.zeros(2)]), "axis o", "4", "5")


def s02() -> None:
    from reference import mlp

    rng = np.random.default_rng(1)
    for widths in [(3, 2), (4, 7, 3), (2, 5, 3, 4, 1)]:
        W = [rng.normal(size=(o, i)) for i, o in itertools.pairwise(widths)]
        b = [rng.normal(size=o) for o in widths[1:]]
        a = rng.normal(size=(6, widths[0]))
        h = a
        for W_l, b_l in zip(W, b, strict=True):
            h = np.tanh(h @ W_l.T + b_l)
        near(mlp.forward(a, W, b, activation="tanh", output="tanh")[0], h)


def s03() -> None:
    from reference import sigmoid

    for at in (-700.0, -40.0, -1.0, 0.0, 0.5, 36.0, 40.0, 700.0):
        with mpmath.workdps(60):
            truth = 1 / (1 + mpmath.exp(-mpmath.mpf(at)))
            error = ulps(sigmoid.forward(np.array([at]))[0][0], truth)
        assert error <= 4, f"{error} units at {at}"


def s04() -> None:
    from reference import sigmoid

    y, derived, _ = derived_slope("sigmoid")
    assert sympy.simplify(derived - y * (1 - y)) == 0
    rounded = 1 / (1 + math.exp(-40.0))
    assert rounded == 1
    assert rounded * (1 - rounded) == 0
    for at in (-700.0, -40.0, 40.0, 700.0):
        with mpmath.workdps(400):
            e = mpmath.exp(-abs(mpmath.mpf(at)))
            error = ulps(slope(sigmoid, [at])[0], e / (1 + e) ** 2)
        assert error <= 4, f"{error} units at {at}"


def s05() -> None:
    from reference import tanh

    for at in (-800.0, -20.0, -1e-9, 1e-300, 0.3, 20.0, 800.0):
        with mpmath.workdps(400):
            error = ulps(tanh.forward(np.array([at]))[0][0], mpmath.tanh(mpmath.mpf(at)))
        assert error <= 4, f"{error} units at {at}"


def s06() -> None:
    from reference import tanh

    y, derived, argument = derived_slope("tanh")
    assert sympy.simplify((derived - (1 - y**2)).rewrite(sympy.exp)) == 0
    assert sympy.simplify(y.subs(argument, -argument) + y) == 0  # odd
    rounded = math.tanh(20.0)
    assert 1 - rounded**2 == 0
    with mpmath.workdps(60):
        error = ulps(slope(tanh, [20.0])[0], 1 / mpmath.cosh(mpmath.mpf(20)) ** 2)
    assert error <= 4, f"{error} units at 20"


def s07() -> None:
    from reference import relu

    at = np.array([-np.inf, -3.0, -5e-324, 0.0, 5e-324, 2.0, np.inf])
    assert np.array_equal(relu.forward(at)[0], np.where(at > 0, at, 0.0))


def s08() -> None:
    from reference import mlp, relu

    assert slope(relu, [-1.0, 0.0, 1.0]).tolist() == [0.0, 0.0, 1.0]
    both = (relu.forward(np.array([1e-3]))[0] - relu.forward(np.array([-1e-3]))[0]) / 2e-3
    near(both, [0.5])  # the mean of the slopes on both sides: not the convention
    rng = np.random.default_rng(2)
    W, b = [rng.normal(size=(3, 4)), rng.normal(size=(2, 3))], [np.array([0.0, -1e3, 0.0]), np.zeros(2)]
    y, saved = mlp.forward(rng.normal(size=(50, 4)), W, b)
    g = mlp.backward(rng.normal(size=y.shape), saved)
    assert not g.W[0][1].any(), "a dead unit has no gradient"
    assert g.b[0][1] == 0
    assert g.W[0][0].any()


def s09() -> None:
    from reference import leaky_relu

    at = np.array([-2.0, -1e-9, 0.0, 1e-9, 3.0])
    near(leaky_relu.forward(at)[0], np.where(at > 0, at, 0.01 * at))
    assert slope(leaky_relu, at).tolist() == [0.01, 0.01, 0.01, 1.0, 1.0]


def s10() -> None:
    from reference import softmax

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for z in ([1e308, 0.0, -1e308], [710.0, 709.0, 0.0], [-1e4, -1e4 - 1, -1e4]):
            y = softmax.forward(np.array(z))[0]
            assert np.isfinite(y).all()
            near(y.sum(), 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        plain = np.exp([710.0, 0.0]) / np.exp([710.0, 0.0]).sum()
    assert np.isnan(plain).any(), "as written it overflows"


def s11() -> None:
    from reference import cross_entropy

    y, t = np.array([0.25, 0.75, 0.0]), np.array([0.5, 0.5, 0.0])
    loss, saved = cross_entropy.forward(y, t)
    near(loss, -(0.5 * math.log(0.25) + 0.5 * math.log(0.75)))
    with np.errstate(divide="ignore"):  # the gradient for t is -log y, which is infinite there
        assert cross_entropy.backward(np.float64(1), saved).y[2] == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(-(t * np.log(y)).sum()), "without the convention"
