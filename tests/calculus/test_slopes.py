"""A quotient by a function and the function's slope cancel, in every spelling, in all orders."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from derive.calculus.derivation import Derivation, derive
from derive.calculus.steps import Rewrite
from derive.evidence.steps import steps
from derive.notation import expr as x
from derive.notation.define import read_source
from derive.notation.expr import Expr, Num, Op
from derive.notation.text import show_equation
from tests.generality.support import HEAD, built, definition, own_registry

SIGMOID = {
    "by its name": "p[...] = sigmoid(z[...])",
    "of -z": "p[...] = 1 / (1 + exp(-z[...]))",
    "of z": "p[...] = exp(z[...]) / (1 + exp(z[...]))",
    "less one": "p[...] = 1 - 1 / (1 + exp(z[...]))",
    "inlined": "",
}
LOSSES = {
    "plain": "-t[...] * log(p[...]) - (1 - t[...]) * log(1 - p[...])",
    "smoothed": "-(0.9 * t[...] + 0.05) * log(p[...]) - (0.95 - 0.9 * t[...]) * log(1 - p[...])",
    "weighted": "-w[...] * (4 * t[...] * log(p[...]) + (1 - t[...]) * log(1 - p[...]))",
    "focal": "-t[...] * (1 - p[...]) ** gamma * log(p[...]) - (1 - t[...]) * p[...] ** gamma * log(1 - p[...])",
    "mirrored": "-t[...] * log(p[...]) - (1 - t[...]) * log(sigmoid(-z[...]))",
    "logits": "log(p[...] / (1 - p[...])) * t[...]",
}


def text(spelling: str, loss: str) -> str:
    named = SIGMOID[spelling]
    body = LOSSES[loss] if named else LOSSES[loss].replace("p[...]", "sigmoid(z[...])")
    steps = [*([named] if named else []), f"L[...] = {body}", "return L"]
    return definition("z: Real[...], t: Real[...], w: Real[...], gamma: Positive = 2.0", "\n".join(steps))


def derived(source: str) -> Derivation:
    with own_registry():
        return derive(read_source(HEAD + source, "odd.py")["odd"][0])


def quotients(d: Derivation) -> list[str]:
    """Equations of gradients, tangents and second order that divide by p or 1 - p."""
    made = (*d.backward, *d.tangent.equations, *d.second.equations[len(d.layer.equations) :])
    return [show_equation(e) for e in made if any(map(divides, x.walk(e.body)))]


def divides(e: Expr) -> bool:
    return isinstance(e, Op) and e.fn == "pow" and isinstance(e.args[1], Num) and e.args[1].value < 0 and not has_exp(e)


def has_exp(e: Expr) -> bool:
    """1 + exp(-z), by which nothing becomes infinite."""
    return any(isinstance(n, Op) and n.fn == "exp" for n in x.walk(e))


@pytest.mark.parametrize(("spelling", "loss"), [*itertools.product(SIGMOID, ("plain", "smoothed", "weighted"))])
def test_nothing_is_divided_by_a_probability(spelling: str, loss: str) -> None:
    assert not quotients(derived(text(spelling, loss)))


@pytest.mark.parametrize(
    ("spelling", "loss"),
    [*itertools.product(SIGMOID, ("plain",)), ("by its name", "mirrored"), ("inlined", "mirrored")],
)
def test_the_gradient_is_the_probability_less_the_target(spelling: str, loss: str) -> None:
    (dz,) = (e for e in derived(text(spelling, loss)).backward if e.target == "dz")
    p = "p[...]" if SIGMOID[spelling] else "sigmoid(z[...])"
    assert show_equation(dz) == f"dz[...] = dL[...] * ({p} - t[...])"


@pytest.mark.parametrize(
    ("spelling", "loss"),
    # p of exponentials beside a sigmoid by its name stay two functions
    [e for e in itertools.product(("by its name", "of -z", "inlined"), LOSSES) if e != ("of -z", "mirrored")],
)
def test_gradients_are_numbers_where_probabilities_are_0_or_1(spelling: str, loss: str, tmp_path: Path) -> None:
    """Of whole numbers for targets too; elsewhere they are what differences say."""
    z = np.array([-800.0, -40.0, -3.0, -0.25, 0.5, 2.0, 40.0, 800.0] * 3)
    t = np.repeat([0.0, 1.0, 0.25], 8)
    w = np.linspace(0.5, 2, 24)
    with own_registry():
        _, kernel = built(tmp_path, text(spelling, loss))
    with np.errstate(divide="raise", invalid="raise"):
        L, saved = kernel.forward(z, t, w)
        found = kernel.backward(np.ones_like(L), saved)
        along = kernel.jvp((z, t, w), (np.ones_like(z), 0 * t, 0 * w))
    assert np.isfinite([L, found.z, along]).all()
    h = 1e-6
    slope = (kernel.forward(z + h, t, w)[0] - kernel.forward(z - h, t, w)[0]) / (2 * h)
    assert np.all(abs(found.z - slope) <= 1e-7 * (1 + abs(L)))  # L is rounded
    np.testing.assert_allclose(along, found.z, rtol=1e-12, atol=1e-300)


def test_a_tangent_is_summed_with_what_cancelling_left() -> None:
    """A factor of a sum's body that is a sum, 1 - sigmoid(z), is one where sums are taken apart, too."""
    source = definition(
        "z: Real[..., i], t: Real[..., i]", "L[...] = sum(i, t[..., i] * log(sigmoid(z[..., i])))\nreturn L"
    )
    assert not quotients(derived(source))


@pytest.mark.parametrize("word", ["log(1 + tanh(z[...]))", "log(1 - tanh(z[...]) ** 2)", "1 / (1 - sigmoid(z[...]))"])
def test_other_functions(word: str) -> None:
    """The cancelling is a step of the derivation, proved as every other one."""
    with own_registry():
        source = definition("z: Real[...], w: Real[...]", f"y[...] = w[...] * {word}\nreturn y")
        d = derive(read_source(HEAD + source, "odd.py")["odd"][0])
        assert "cancel a slope" in {s.rule for s in d.steps if isinstance(s, Rewrite)}
        assert steps(d).passed
