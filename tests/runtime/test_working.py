"""Float16 is computed in float32 and rounded once; options that a format does not hold widen the arithmetic alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.evidence import inputs, kernels
from derive.evidence.layout import Case
from reference import batch_norm_inference, leaky_relu, sgd
from tests.evidence.shared import LAYERS, derived

F2, F4, F8 = np.float16, np.float32, np.float64


def everything(name: str, case: Case, dtype: Any) -> dict[str, Any]:
    """What all functions of a kernel give for a case's numbers in a format."""
    kernel = kernels.kernel_of(name)
    own = kernels.cast(case, dtype)
    u, v = ({n: _cast(a, dtype) for n, a in f(case, 3, F2).items()} for f in (inputs.cotangents, inputs.tangents))
    y, saved = kernels.forward(kernel, own)
    found = {"forward": y, "backward": kernels.backward(kernel, own, u, saved), "jvp": kernels.jvp(kernel, own, v)}
    if hasattr(kernel, "double_backward"):
        found["double_backward"] = kernels.double_backward(kernel, derived(name), own, u, v)
    return {f"{f} {n}": a for f, arrays in found.items() for n, a in arrays.items()}


def _cast(value: Any, dtype: Any) -> Any:
    return [_cast(v, dtype) for v in value] if isinstance(value, list) else value.astype(dtype)


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_float16_is_float32_rounded_once(name: str) -> None:
    for case in inputs.cases(LAYERS[name][0], 5, 3, dtype=F2):
        half, single = everything(name, case, F2), everything(name, case, F4)
        for what, got in half.items():
            several = (got, single[what]) if isinstance(got, list) else ([got], [single[what]])
            for a, b in zip(*several, strict=True):
                assert np.asarray(a).dtype == F2, what
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b).astype(F2), what)


@pytest.mark.parametrize("dtype", [F2, F4])
@pytest.mark.parametrize("exponent", [-60, -42, -9, 9, 30])
def test_an_option_beyond_the_format(dtype: Any, exponent: int) -> None:
    """A rate that the format rounds to 0 or infinity, times gradients that bring it back."""
    alpha, g = 1.5 * 10.0**exponent, np.array([6e4, -3, 0.25], dtype)
    true = -alpha * g.astype(F8)
    fits = np.abs(true) < float(np.finfo(dtype).max)
    with np.errstate(over="ignore"):
        (got,), saved = sgd.forward([np.zeros(3, dtype)], [g], alpha=alpha)
        (back,) = sgd.backward([g], saved).dW
        y, saved = leaky_relu.forward(-g, alpha=alpha)
        (x,) = leaky_relu.backward(g, saved)
    info = np.finfo(dtype)
    for computed in (got, back, np.where(g > 0, y, true), np.where(g > 0, x, -true) * -1):
        assert computed[fits].dtype in (dtype, F8)
        np.testing.assert_allclose(computed[fits], true[fits], rtol=info.eps, atol=info.smallest_subnormal)
    assert got.dtype == back.dtype == y.dtype == x.dtype == dtype


def test_an_option_whose_square_is_beyond_the_format() -> None:
    """1e-30 beside a variance of 0 is a number of float32; what the derivative divides by, its cube, is not."""
    one, zero = np.ones(1, F4), np.zeros(1, F4)
    _, saved = batch_norm_inference.forward(np.zeros((1, 1), F4), one, zero, zero, zero, epsilon=1e-30)
    got = batch_norm_inference.backward(np.full((1, 1), 1e-20, F4), saved)
    assert got.x.dtype == F4
    np.testing.assert_allclose(got.x, 1e-5, rtol=1e-6)
