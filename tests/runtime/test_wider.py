"""What overflows on the way to a finite result is computed again in a wider format; nothing else is.

Warnings are errors here as everywhere: each of these inputs gave one, or NaN, or an infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derive.evidence import inputs, kernels
from reference import (
    attention,
    batch_norm,
    batch_norm_inference,
    clip_by_global_norm,
    conv2d,
    cross_entropy,
    l2_penalty,
    layer_norm,
    linear,
    lstm,
    mlp,
    mse,
    softmax_cross_entropy,
    softmax_cross_entropy_labels,
)
from reference.runtime import wider
from tests.evidence.shared import LAYERS, derived

Array = np.ndarray[Any, Any]
F2, F4, F8 = np.float16, np.float32, np.float64
WIDE64 = pytest.mark.skipif(np.dtype(F8) not in wider.WIDER, reason="longdouble has float64's range here")


def of(dtype: Any, *values: Any) -> list[Array]:
    return [np.array(v, dtype) for v in values]


def gradients(kernel: Any, cotangent: Any, *arguments: Any, **options: Any) -> Any:
    return kernel.backward(cotangent, kernel.forward(*arguments, **options)[1])


def running_variance() -> Array:
    """Nine squares of 9e4 and 4e5: their mean is 54444, their sum is not."""
    x, *rest = of(F2, [[700], [700], [700], [700], [0], [700], [700], [700], [700]], [1], [0], [0], [0])
    return batch_norm.forward(x, *rest)[0].new_var


def clipped() -> Array:
    """The scalar product of cotangent and gradients is 1e5, ten times the rest of its factor's reciprocal."""
    (g,), (dy,) = of(F2, [0, 700, 700]), of(F2, [0, 128, 0])
    return gradients(clip_by_global_norm, [dy], [g], tau=40.0).g[0]


def saturated() -> Array:
    """The adjoint of h[0] is 3e5, and the slope that it is multiplied with 0."""
    gates = np.eye(4)[:, :, None]
    x, h0, c0, W, U, b = of(F2, [[1], [0]], [0], [0], -6e4 * gates[3], 6e4 * gates[2], -6e4 * gates[1, :, 0])
    dh, dc = of(F2, [[0], [20]], [[0], [0]])
    return gradients(lstm, (dh, dc), x, h0, c0, W, U, b).b


def pooled(kernel: Any, dtype: Any, large: float) -> Array:
    """A sum whose first two terms are too much."""
    x, w, b = of(dtype, [large, large, -large], [[1, 1, 1]], [3])
    if kernel is linear:
        return linear.forward(x, w, b)[0]
    return conv2d.forward(x.reshape(1, 3, 1, 1), w.reshape(1, 3, 1, 1), b)[0].reshape(-1)


def normalised(dtype: Any, large: float) -> Array:
    x, gamma, beta = of(dtype, [large, large, -large, -large], [1, 1, 1, 1], [0, 0, 0, 0])
    return layer_norm.forward(x, gamma, beta)[0]


def inferred() -> Array:
    """x - mean is beyond the format."""
    x, gamma, beta, mean, var = of(F2, [[6e4]], [1], [0], [-6e4], [1])
    return batch_norm_inference.forward(x, gamma, beta, mean, var, epsilon=3.0)[0]


def tangent(kernel: Any, *pairs: Any, **options: Any) -> Any:
    return kernel.jvp(pairs[::2], pairs[1::2], **options)


def beside_a_zero(dtype: Any, t: float, y: float) -> Any:
    """The product of a target and a logarithm is beyond the format, its mean is not; another logarithm is infinite."""
    return cross_entropy.forward(*of(dtype, [[0, y], [1, 1], [1, 1]], [[0, t], [0, 0], [0, 0]]))[0]


def label_tangent() -> Array:
    """The probability at the label underflows; it is not divided by itself."""
    z, t_z = of(F4, [[200, 0]], [[1, 3]])
    return softmax_cross_entropy_labels.jvp((z, np.array([1])), (t_z,), reduction="none")


CASES: dict[str, tuple[Callable[[], Any], Any]] = {
    "a running variance in float16": (running_variance, [0.1 * 54444.44444]),
    "a clipped gradient in float16": (clipped, [0, 2.586, -2.586]),
    "a saturated gate in float16": (saturated, [0, 0, 5, 0]),
    "a sum in float32": (lambda: pooled(linear, F4, 3e38), [3e38]),
    "a convolution in float32": (lambda: pooled(conv2d, F4, 3e38), [3e38]),
    "a mean in float32": (lambda: normalised(F4, 3e38), [1, 1, -1, -1]),
    "a difference in float16": (inferred, [60000]),
    "squares in float16": (lambda: mse.forward(*of(F2, [250] * 9, [0] * 9))[0], 62500),
    "a quotient in float16": (
        lambda: gradients(cross_entropy, np.float16(1e-3), *of(F2, [[1e-4]], [[100]]), reduction="sum").y[0],
        [-1e-3 * 100 / 1e-4],
    ),
    "a product beside a zero in float16": (lambda: beside_a_zero(F2, 1e4, 1e-4), 1e4 * -np.log(1e-4) / 3),
    "a product beside a zero in float32": (lambda: beside_a_zero(F4, 3e37, 1e-10), 3e37 * -np.log(1e-10) / 3),
    "a tangent of attention in float32": (
        lambda: tangent(attention, *(a for q in (300, 300, 5) for a in of(F4, [[q]], [[1]])))[0],
        [1],
    ),
    "a tangent of a dense target in float32": (
        lambda: tangent(softmax_cross_entropy, *of(F4, [[200, 0]], [[1, 3]], [[0, 1]], [[0, 0]]), reduction="sum"),
        -2,
    ),
    "a tangent at a label in float32": (label_tangent, [-2]),
}
CASES |= {
    "a sum in float64": (lambda: pooled(linear, F8, 1.5e308), [1.5e308]),
    "a convolution in float64": (lambda: pooled(conv2d, F8, 1.5e308), [1.5e308]),
    "a mean in float64": (lambda: normalised(F8, 1.5e308), [1, 1, -1, -1]),
    "a scale in float64": (lambda: normalised(F8, 1e200), [1, 1, -1, -1]),
    "squares in float64": (lambda: l2_penalty.forward([np.array([3e154])], weight_decay=0.1)[0], 4.5e307),
}


@pytest.mark.parametrize(
    ("compute", "true"), [pytest.param(*c, id=n, marks=[WIDE64] * ("float64" in n)) for n, c in CASES.items()]
)
def test_a_finite_result_comes_out(compute: Callable[[], Any], true: Any) -> None:
    got = compute()
    assert np.allclose(np.asarray(got, np.longdouble), true, rtol=2e-3 if got.dtype == F2 else 1e-6)


#: A thousandth of a square, or a product of shares, is below what float16 holds.
BELOW = {("adam", F2), ("adamw", F2), ("reduce_log_sum", F2)}


@pytest.mark.sampled("name")
@pytest.mark.parametrize(("name", "dtype"), [(n, d) for d in (F2, F4, F8) for n in LAYERS if (n, d) not in BELOW])
def test_ordinary_numbers_are_computed_once(name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: Any) -> Any:
        raise AssertionError("computed again")

    monkeypatch.setattr(wider, "again", again)
    module = kernels.kernel_of(name)
    for case in inputs.cases(LAYERS[name][0], dtype=dtype):
        u, v = inputs.cotangents(case, dtype=dtype), inputs.tangents(case, dtype=dtype)
        kernels.backward(module, case, u)
        kernels.jvp(module, case, v)
        if hasattr(module, "double_backward"):
            kernels.double_backward(module, derived(name), case, u, v)


def test_the_dtype_stays() -> None:
    z, saved = linear.forward(*of(F4, [[3e38, 3e38, -3e38]], np.ones((2, 3)), [0, 0]))
    assert z.dtype == F4
    assert saved[0].dtype == F8  # for backward, which may need what the narrow format cannot hold
    back = linear.backward(np.ones((1, 2), F4), saved)
    assert {g.dtype for g in back} == {np.dtype(F4)}
    assert np.array_equal(back.x, [[2, 2, 2]])


@WIDE64
def test_wider_and_wider() -> None:
    """Forward overflows in float32, backward in float64 as well."""
    x, gamma, beta = of(F4, [3e38, 3e38, -3e38, -3e38], [1, 1, 1, 1], [0, 0, 0, 0])
    _, saved = layer_norm.forward(x, gamma, beta)
    with np.errstate(all="raise", under="ignore"):
        back = layer_norm.backward(np.array([3e38, -3e38, 3e38, -3e38], F4), saved)
    assert {g.dtype for g in back} == {np.dtype(F4)}
    assert np.allclose(back.x, [1, -1, 1, -1])


def test_what_is_beyond_the_format_is_infinite_and_said() -> None:
    with pytest.warns(RuntimeWarning, match="overflow"):
        z, _ = linear.forward(*of(F4, [[3e38, 3e38]], [[1, 1]], [0]))
    assert z == np.inf


def test_infinite_arguments_are_the_callers() -> None:
    with np.errstate(invalid="ignore"):
        z, _ = linear.forward(*of(F8, [[np.inf, -np.inf]], [[1, 1]], [0]))
    assert np.isnan(z)


@WIDE64
def test_numbers_that_are_not_in_an_array() -> None:
    z, _ = linear.forward([[1e308, 1e308, -1e308]], [[1.0, 1.0, 1.0]], [0.0])
    assert z.dtype == F8
    assert z == 1e308


def scores() -> tuple[Any, ...]:
    """Scores of 1e5, whose tanh is 1."""
    return "tanh", 1, [[3e4], [1]], 1, [[1], [2], [3]]


def steep() -> tuple[Any, ...]:
    """An adjoint of 2e5 that meets slopes of 1e-3."""
    return "tanh", 1, [[1], [1]], 400, [[300], [200], [250]]


def cancelling() -> tuple[Any, ...]:
    """Adjoints of 2e5 between two parts, small beside small weights, and cancelling in the bias's gradient."""
    return "identity", 1e-2, [[1e-2], [2e-2]], 400, [[300], [-200], [-100]]


@pytest.mark.parametrize("case", [scores, steep, cancelling])
def test_what_parts_have_saved_is_widened_too(case: Callable[[], tuple[Any, ...]]) -> None:
    """A network in float16 gives what it gives in float64, forward and backward."""
    activation, size, first, second, cotangent = case()
    rng = np.random.default_rng(5)
    x, dy = of(F2, size * rng.uniform(1, 1.5, (3, 4)), np.ones((3, 2)) * cotangent)
    W = of(F2, first * rng.uniform(0.8, 1, (2, 4)), second * rng.uniform(0.5, 1, (2, 2)))
    b = of(F2, np.zeros(2), np.zeros(2))

    def run(dtype: Any) -> list[Array]:
        own = x.astype(dtype), [w.astype(dtype) for w in W], [v.astype(dtype) for v in b]
        y, saved = mlp.forward(*own, activation=activation)
        found = mlp.backward(dy.astype(dtype), saved)
        return [y, found.x, *found.W, *found.b]

    for narrow, wide in zip(run(F2), run(F8), strict=True):
        assert narrow.dtype == F2
        few = 4 * np.finfo(F2).eps  # what forward rounds on the way, where it need not be computed wider
        np.testing.assert_allclose(narrow, wide, rtol=few, atol=few * np.abs(wide).max())
