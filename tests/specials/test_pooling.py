"""Pooling of NaN and infinities, against a loop over windows: NaN is the largest, and outside the array is nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference.layers import max_pool2d

SPECIAL = [np.nan, -np.inf, -np.inf, -np.inf, np.inf, 1, 2, 3]


def windows(shape: tuple[int, ...], window: int, stride: int, padding: int) -> Any:
    """The elements of each window that lie inside, in row-major order, by the window's place."""
    *_, height, width = shape
    for i in range((height + 2 * padding - window) // stride + 1):
        for j in range((width + 2 * padding - window) // stride + 1):
            cells = [(stride * i + k - padding, stride * j + m - padding) for k in range(window) for m in range(window)]
            yield (i, j), [(p, q) for p, q in cells if 0 <= p < height and 0 <= q < width]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize(
    ("window", "stride", "padding"), [(1, 1, 0), (2, 2, 0), (2, 1, 1), (3, 2, 1), (2, 3, 3), (9, 1, 4)]
)
def test_all_four_functions(window: int, stride: int, padding: int, dtype: str) -> None:
    random = np.random.default_rng([window, stride, padding])
    x = random.choice(SPECIAL, (3, 2, 5, 6)).astype(dtype)
    t = random.choice([np.inf, np.nan, 1, 2], x.shape).astype(dtype)
    y, saved = max_pool2d.forward(x, window=window, stride=stride, padding=padding)
    dy = random.choice([np.inf, np.nan, 1, 2], y.shape).astype(dtype)
    value, gradient, tangent = np.full_like(y, -np.inf), np.zeros_like(x), np.zeros_like(y)
    for at, cells in windows(x.shape, window, stride, padding):
        for n in np.ndindex(3, 2) if cells else ():
            first = cells[int(np.argmax([x[n][c] for c in cells]))]  # of NaN too, argmax gives the first
            value[n][at], tangent[n][at] = x[n][first], t[n][first]
            gradient[n][first] += dy[n][at]
    options = {"window": window, "stride": stride, "padding": padding}
    second = max_pool2d.double_backward(dy, (x,), (t,), **options)
    np.testing.assert_array_equal(y, value)
    np.testing.assert_array_equal(max_pool2d.backward(dy, saved).x, gradient)
    np.testing.assert_array_equal(max_pool2d.jvp((x,), (t,), **options), tangent)
    np.testing.assert_array_equal(second.dy, tangent)
    assert not second.x.any()
