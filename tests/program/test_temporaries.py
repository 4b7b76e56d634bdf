"""No function makes an array over pairs of positions that its arguments and results do not have.

A condition on positions says which elements meet: one for each place, a run of them, or a computed place. A mask of all
pairs would be a hundred times what is given; windows laid out for a matrix product are as many times as they have
positions. Bytes held at once are counted, in multiples of all arguments and results.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.generality.support import built, definition, own_registry
from tests.specials.test_memory import peak, size

RANDOM = np.random.default_rng(2)
WINDOWS = 9  #: of three positions on each of two axes
FEW = 4.5

Shape = tuple[int, ...]
#: Signature, equations, shapes of inputs (of integers with what they are below), options, and the bound.
CASES: dict[str, tuple[str, str, list[Shape | tuple[Shape, int]], dict[str, Any], float]] = {
    "transposed convolution": (
        "x: Real[b, c, p], W: Real[c, o, k], stride: Count = 1, padding: Natural = 0, dilation: Count = 1",
        """
        i = axis((size(p) - 1) * stride - 2 * padding + dilation * (size(k) - 1) + 1)
        y[b, o, i] = sum((c, p, k), W[c, o, k] * x[b, c, p] if stride * p + dilation * k - padding == i else 0)
        return y
        """,
        [(3, 8, 200), (8, 8, 3)],
        {"stride": 2, "padding": 1},
        WINDOWS,
    ),
    "transposed convolution, by what divides": (
        "x: Real[b, c, p], W: Real[c, o, k], stride: Count = 1",
        """
        i = axis((size(p) - 1) * stride + size(k))
        y[b, o, i] = sum((c, k),
            W[c, o, k] * x[b, c, (i - k) // stride] if stride * ((i - k) // stride) == i - k else 0)
        return y
        """,
        [(3, 8, 200), (8, 8, 3)],
        {"stride": 2},
        WINDOWS,
    ),
    "windows added up": (
        "x: Real[b, k, l, i, j], stride: Count = 1",
        """
        p = axis((size(i) - 1) * stride + size(k))
        q = axis((size(j) - 1) * stride + size(l))
        y[b, p, q] = sum((k, l, i, j), x[b, k, l, i, j] if stride * i + k == p and stride * j + l == q else 0)
        return y
        """,
        [(3, 3, 3, 20, 22)],
        {"stride": 2},
        FEW,
    ),
    "norms of windows": (
        "x: Real[b, p], window: Count = 3, stride: Count = 2",
        """
        k = axis(window)
        i = axis((size(p) - window) // stride + 1)
        y[b, i] = sqrt(sum(k, x[b, stride * i + k] ** 2))
        return y
        """,
        [(3, 1000)],
        {},
        WINDOWS,
    ),
    "a running sum": (
        "x: Real[b, t], w: Real[t]",
        "y[b, t] = sum(s, w[s] * x[b, s] if s <= t else 0)\nreturn y",
        [(3, 1000), (1000,)],
        {},
        FEW,
    ),
    "a moving mean": (
        "x: Real[b, t], width: Count = 5",
        "y[b, t] = sum(s, x[b, s] if s <= t and s > t - width else 0) / width\nreturn y",
        [(3, 1000)],
        {},
        FEW,
    ),
    "adaptive pooling": (
        "x: Real[b, p, q], n: Count[i] = 20, m: Count[j] = 24",
        """
        w[i] = sum(p, 1 if p >= i * size(p) // n and p < ((i + 1) * size(p) + n - 1) // n else 0)
        v[j] = sum(q, 1 if q >= j * size(q) // m and q < ((j + 1) * size(q) + m - 1) // m else 0)
        y[b, i, j] = sum((p, q), x[b, p, q] if p >= i * size(p) // n and p < ((i + 1) * size(p) + n - 1) // n
            and q >= j * size(q) // m and q < ((j + 1) * size(q) + m - 1) // m else 0) / (w[i] * v[j])
        return y
        """,
        [(3, 50, 70)],
        {},
        FEW,
    ),
    "nearest neighbours": (
        "x: Real[b, p, q], scale: Count = 2",
        """
        i = axis(size(p) * scale)
        j = axis(size(q) * scale)
        y[b, i, j] = x[b, i // scale, j // scale]
        return y
        """,
        [(3, 40, 44)],
        {},
        FEW,
    ),
    "channels to space": (
        "x: Real[b, r * s, p, q], factor: Count[r] = 2",
        """
        s = axis(factor)
        i = axis(size(p) * factor)
        j = axis(size(q) * factor)
        y[b, i, j] = x[b, i - factor * (i // factor), j - factor * (j // factor), i // factor, j // factor]
        return y
        """,
        [(3, 4, 20, 22)],
        {},
        FEW,
    ),
    "mirrored ends": (
        "x: Real[b, p, q], pad: Natural = 2",
        """
        i = axis(size(p) + 2 * pad)
        j = axis(size(q) + 2 * pad)
        y[b, i, j] = x[b, size(p) - 1 - abs(size(p) - 1 - abs(i - pad)), size(q) - 1 - abs(size(q) - 1 - abs(j - pad))]
        return y
        """,
        [(3, 40, 44)],
        {},
        FEW,
    ),
    "rows by one-hot": (
        "E: Real[v, d], t: Integer[b, n]",
        "y[b, n, d] = sum(v, E[v, d] if t[b, n] == v else 0)\nreturn y",
        [(300, 8), ((20, 30), 310)],
        {},
        FEW,
    ),
    "a matrix with a vector": (
        "A: Real[b, m, n], x: Real[b, n], w: Real[m]",
        "y[b] = sum((m, n), w[m] * A[b, m, n] * x[b, n])\nreturn y",
        [(5, 40, 60), (5, 60), (40,)],
        {},
        FEW,
    ),
    "a bilinear form": (
        "x: Real[b, i], A: Real[k, i, j], v: Real[b, j]",
        "y[b, k] = sum((i, j), x[b, i] * A[k, i, j] * v[b, j])\nreturn y",
        [(30, 40), (20, 40, 50), (30, 50)],
        {},
        2 * FEW,  # of all three arrays, 27 times what is given
    ),
    "the size of each element": (
        "x: Real[b, i], gamma: Real[i], p: Positive = 3.0",
        "m[b] = mean(i, abs(x[b, i]) ** p)\ny[b, i] = gamma[i] * x[b, i] / (m[b] + 1) ** (1 / p)\nreturn y",
        [(60, 70), (70,)],
        {},
        2 * FEW,
    ),
    "one array behind another": (
        "x: Real[b, i], z: Real[b, j]",
        "k = axis(size(i) + size(j))\ny[b, k] = x[b, k] + z[b, k - size(i)]\nreturn y",
        [(30, 40), (30, 50)],
        {},
        FEW,
    ),
    "places from data": (
        "x: Real[b, i], t: Integer[b, i], n: Count[p] = 300",
        "y[b, p] = sum(i, x[b, i] if t[b, i] == p else 0)\nreturn y",
        [(5, 200), ((5, 200), 310)],
        {},
        FEW,
    ),
}


def of_shape(shape: Shape | tuple[Shape, int]) -> np.ndarray[Any, Any]:
    if isinstance(shape[0], tuple):
        return RANDOM.integers(-3, shape[1], shape[0])
    return RANDOM.standard_normal(shape)


@pytest.mark.parametrize("case", CASES)
def test_no_mask_of_pairs(case: str, tmp_path: Path) -> None:
    signature, body, shapes, options, bound = CASES[case]
    with own_registry():
        _, kernel = built(tmp_path, definition(signature, body))
        assert "room(windows(" not in Path(kernel.__file__).read_text()  # made to be looked at
        inputs = tuple(map(of_shape, shapes))
        along = tuple(map(of_shape, (s for s in shapes if not isinstance(s[0], tuple))))
        y, saved = kernel.forward(*inputs, **options)
        dy = RANDOM.standard_normal(y.shape)
        calls: dict[str, Callable[[], Any]] = {
            "forward": partial(kernel.forward, *inputs, **options),
            "backward": partial(kernel.backward, dy, saved),
            "jvp": partial(kernel.jvp, inputs, along, **options),
            "double_backward": partial(kernel.double_backward, dy, inputs, along, **options),
        }
        given = size([*inputs, y])
        held = {name: round(peak(call)[0] / given, 1) for name, call in calls.items()}
    assert max(held.values()) <= bound, held
