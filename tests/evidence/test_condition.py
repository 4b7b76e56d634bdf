"""The bound by the condition condemns what lost its digits without need, and right kernels stay below it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.evidence import enclosure, inputs, kernels
from derive.evidence.condition import CLAIMED, FIRST, TIE, conditions
from derive.evidence.enclosure import DOUBLE, HALF, SINGLE, Format
from derive.evidence.layout import Case
from reference import (
    batch_norm,
    linear,
    log_softmax,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    tanh,
)
from reference.runtime import wider
from tests.evidence.shared import LAYERS, broken, derived

Array = np.ndarray[Any, Any]


def given(z: Array, axis: int = -1) -> tuple[Array, Array]:
    z = np.moveaxis(np.asarray(z), axis, -1)
    e = np.exp(z - z.max(-1, keepdims=True))
    return z, e / e.sum(-1, keepdims=True)


def softmax_backward(dy: Any, saved: Any) -> Any:
    """y (dy - sum dy y), as every book has it."""
    y, dims = saved
    dy = softmax.SIGNATURE.cotangent("y", dy, dims)
    dz = y * (dy - np.vecdot(dy, y)[..., None])
    return softmax.Gradients(*softmax.SIGNATURE.restore(dims, z=dz))


def log_softmax_backward(dy: Any, saved: Any) -> Any:
    """dy - exp(y) sum dy."""
    y, dims = saved
    dy = log_softmax.SIGNATURE.cotangent("y", dy, dims)
    dz = dy - np.exp(y) * dy.sum(-1, keepdims=True)
    return log_softmax.Gradients(*log_softmax.SIGNATURE.restore(dims, z=dz))


def log_of_softmax(z: Any, *, axis: int = -1) -> Any:
    """log(exp(z)/sum exp(z)), of which 1 - y is left where y is next to 1."""
    _, saved = log_softmax.forward(z, axis=axis)
    _, y = given(z, axis)
    return np.moveaxis(np.log(y), -1, axis), saved


def dense_backward(dloss: Any, saved: Any) -> Any:
    """y sum t - t."""
    found = softmax_cross_entropy.backward(dloss, saved)
    z, t, *_, reduction, dims = saved
    scale = np.asarray(dloss)[..., None] if reduction == "none" else dloss / (dims["..."] if reduction == "mean" else 1)
    dz = scale.reshape(-1, 1) * (given(z)[1] * t.sum(-1, keepdims=True) - t)
    return found._replace(z=dz.reshape(found.z.shape).astype(found.z.dtype))


def sigmoid_backward(dy: Any, saved: Any) -> Any:
    """y (1 - y)."""
    found = sigmoid.backward(dy, saved)
    x = next(a for a in saved if isinstance(a, np.ndarray))
    y = 1 / (1 + np.exp(-x))
    return found._replace(x=(np.reshape(dy, y.shape) * y * (1 - y)).reshape(found.x.shape).astype(found.x.dtype))


def tanh_backward(dy: Any, saved: Any) -> Any:
    """1 - y^2."""
    found = tanh.backward(dy, saved)
    y = np.tanh(next(a for a in saved if isinstance(a, np.ndarray)))
    return found._replace(x=(np.reshape(dy, y.shape) * (1 - y * y)).reshape(found.x.shape).astype(found.x.dtype))


def variance(x: Any, *rest: Any, momentum: float = 0.1, epsilon: float = 1e-5) -> Any:
    """E[x^2] - E[x]^2."""
    out, saved = batch_norm.forward(x, *rest, momentum=momentum, epsilon=epsilon)
    x = np.asarray(x).reshape(*np.shape(x)[:2], -1)
    n = x.shape[0] * x.shape[2]
    var = (x * x).mean((0, 2)) - x.mean((0, 2)) ** 2
    return out._replace(new_var=rest[3] * (1 - momentum) + momentum * var * n / max(1, n - 1)), saved


def unshifted(z: Any, *, axis: int = -1) -> Any:
    """exp(z) as it is."""
    _, saved = softmax.forward(z, axis=axis)
    e = np.exp(z)
    return e / e.sum(axis, keepdims=True), saved


def in_half(x: Any, W: Any, b: Any) -> Any:
    """Float16 numbers added up in float16, one after another."""
    z, saved = linear.forward(x, W, b)
    total = np.broadcast_to(b, z.shape).astype(z.dtype)
    for i in range(np.shape(x)[-1]):
        total = total + x[..., i, None] * W[:, i]
    return total, saved


FAR = ((50.0, 0.0), (5.0, 0.0))
TAMPERED: dict[str, tuple[str, dict[str, Any], Format, tuple[tuple[float, float], ...]]] = {
    "softmax's gradient as in books": ("softmax", {"backward": softmax_backward}, DOUBLE, FAR),
    "the same in float32": ("softmax", {"backward": softmax_backward}, SINGLE, ((30.0, 0.0),)),
    "log_softmax's gradient as in books": ("log_softmax", {"backward": log_softmax_backward}, DOUBLE, FAR),
    "the logarithm of softmax": ("log_softmax", {"forward": log_of_softmax}, DOUBLE, ((5.0, 0.0),)),
    "dense cross-entropy as in books": ("softmax_cross_entropy", {"backward": dense_backward}, DOUBLE, FAR),
    "y (1 - y)": ("sigmoid", {"backward": sigmoid_backward}, DOUBLE, FAR),
    "1 - y^2": ("tanh", {"backward": tanh_backward}, DOUBLE, ((5.0, 0.0),)),
    "the mean of squares less the square of the mean": ("batch_norm", {"forward": variance}, DOUBLE, ((1.0, 1e6),)),
    "exponentials that are not shifted": ("softmax", {"forward": unshifted}, DOUBLE, ((1e5, 0.0),)),
    "float16 added up in float16": ("linear", {"forward": in_half}, HALF, ((1.0, 0.0),)),
}


def score(name: str, kernel: Any, form: Format, spreads: Any) -> Any:
    tally = enclosure.Tally("enclosure", name, 1.0)
    derivation = derived(name)
    for n, (scale, offset) in enumerate(spreads):
        for turn, case in enumerate(
            inputs.cases(LAYERS[name][0], n, 3, SMALL, dtype=form.dtype, scale=scale, offset=offset)
        ):
            u, v = (f(case, turn, form.dtype) for f in (inputs.cotangents, inputs.tangents))
            with np.errstate(all="ignore"):
                for cotangents in (u, enclosure.unit_rows(u, turn)):
                    enclosure.check(derivation, kernel, case, cotangents, v, form, tally)
    return tally.result()


SMALL = inputs.Plan((2, 3), ((2,), (3,)), (2,))


@pytest.mark.parametrize("how", TAMPERED)
def test_what_lost_its_digits_is_condemned(how: str) -> None:
    name, replaced, form, spreads = TAMPERED[how]
    assert score(name, kernels.kernel_of(name), form, spreads).passed
    assert not score(name, broken(name, **replaced), form, spreads).passed


def test_the_condition_is_that_of_the_derivative() -> None:
    """Of a matrix product, the sum of magnitudes, once for each factor; of a bias, itself."""
    x, W, b = np.array([[1.0, -2]]), np.array([[3.0, 4]]), np.array([5.0])
    u, v = {"z": np.ones((1, 1))}, {"x": x, "W": W, "b": b}
    found = conditions(Case(LAYERS["linear"][0], {"x": x, "W": W, "b": b}, {}), u, v)
    assert float(found["forward"]["z"][0, 0]) == pytest.approx(2 * (3 + 8) + 5)
    assert float(found["backward"]["W"][0, 1]) == pytest.approx(2 * 2)


def test_every_claim_is_about_a_function_of_a_layer() -> None:
    for name, functions in CLAIMED.items():
        assert name in LAYERS
        assert set(functions) <= {"forward", "backward", "jvp", "double_backward"}
    assert wider.COMPUTED[np.dtype(HALF.dtype)] == HALF.working.dtype


#: A norm that is tau to rounding: in the format, where the definition is just above it.
TIES = [(DOUBLE, 1e-8), (DOUBLE, 1e-9), (SINGLE, 1e-4), (SINGLE, 1e-8)]


def clipped(unit: float, form: Format, kernel: Any) -> enclosure.Tally:
    g = [np.array([a], form.dtype) for a in (unit, 1.0)]
    case = Case(LAYERS["clip_by_global_norm"][0], {"g": g}, {"tau": 1.0})
    tally = enclosure.Tally("enclosure", "clip_by_global_norm", 1.0)
    u, v = (f(case, 1, form.dtype) for f in (inputs.cotangents, inputs.tangents))
    enclosure.check(derived("clip_by_global_norm"), kernel, case, u, v, form, tally)
    return tally


@pytest.mark.parametrize(("form", "unit"), TIES)
def test_a_comparison_within_rounding_of_a_tie_is_no_mistake_on_either_side(
    form: Format, unit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides' gradients are right, and the leg says what it has not compared; what neither side gives is wrong."""
    monkeypatch.setitem(CLAIMED, "clip_by_global_norm", (*FIRST, "double_backward"))
    kernel = kernels.kernel_of("clip_by_global_norm")
    found = clipped(unit, form, kernel)
    assert found.checks
    assert not found.wrong, found.wrong[0]
    assert TIE in found.notes
    wrong = broken(
        "clip_by_global_norm",
        backward=lambda dy, saved: kernel.Gradients(g=[a + 2 for a in kernel.backward(dy, saved).g]),
    )
    assert clipped(unit, form, wrong).wrong


@pytest.mark.parametrize("unit", [0.25, 0.001])
def test_away_from_a_tie_nothing_is_left_out(unit: float) -> None:
    found = clipped(unit, DOUBLE, kernels.kernel_of("clip_by_global_norm"))
    assert found.checks
    assert not found.wrong
    assert not found.notes
