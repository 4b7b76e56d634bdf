"""Activations at infinity: the limits of value and derivatives, in every format, long and short, without a warning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.evidence.kernels import kernel_of

LIMITS = {  # at -inf and inf: value, slope, slope's slope
    "sigmoid": ((0, 1), (0, 0), (0, 0)),
    "tanh": ((-1, 1), (0, 0), (0, 0)),
    "gelu": ((0, np.inf), (0, 1), (0, 0)),
    "relu": ((0, np.inf), (0, 1), (0, 0)),
    "leaky_relu": ((-np.inf, np.inf), (0.01, 1), (0, 0)),
    "identity": ((-np.inf, np.inf), (1, 1), (0, 0)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 5000])  # one block, and several
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str, dtype: Any, count: int) -> None:
    layer = kernel_of(name)
    x = np.repeat(np.array([-np.inf, np.inf], dtype), count)
    one = np.ones_like(x)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        y, saved = layer.forward(x)
        second = layer.double_backward(one, (x,), (one,))
        found = y, layer.backward(one, saved).x, second.x
        assert np.array_equal(layer.jvp((x,), (one,)), found[1])
    assert np.array_equal(second.dy, found[1])
    for values, limits in zip(found, LIMITS[name], strict=True):
        np.testing.assert_array_equal(values, np.repeat(np.array(limits, dtype), count))
