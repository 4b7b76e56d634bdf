"""Kernels run block by block give what they give at once; ordinary tests are too small to reach that path."""

from __future__ import annotations

import numpy as np
import pytest

from reference import attention, batch_norm, conv2d, layer_norm, max_pool2d, mse, softmax
from reference.runtime import blocks

CASES = {
    "layer_norm": (layer_norm, [(7, 5), (5,), (5,)]),
    "batch_norm": (batch_norm, [(3, 4, 5), (4,), (4,), (4,), (4,)]),
    "softmax": (softmax, [(2, 3, 5)]),
    "mse": (mse, [(6, 4), (6, 4)]),
    "attention": (attention, [(3, 4, 2), (3, 5, 2), (3, 5, 3)]),
    "conv2d": (conv2d, [(3, 2, 5, 6), (4, 2, 3, 2), (4,)]),
    "max_pool2d": (max_pool2d, [(3, 2, 6, 4)]),
}


@pytest.mark.parametrize("name", CASES)
def test_blocks_change_nothing(name, monkeypatch):
    kernel, shapes = CASES[name]
    random = np.random.default_rng(5)
    tensors = [random.random(shape) for shape in shapes]

    def both():
        y, saved = kernel.forward(*tensors)
        first = y[0] if isinstance(y, tuple) else y
        return [first, *kernel.backward(np.ones_like(first) * 0.7, saved)]

    at_once = both()
    monkeypatch.setattr(blocks, "WHOLE", 0)
    monkeypatch.setattr(blocks, "BLOCK", 40)
    for a, b in zip(at_once, both(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
