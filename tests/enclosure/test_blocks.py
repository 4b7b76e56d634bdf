"""Kernels run block by block give what they give at once; ordinary tests are too small to reach that path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.evidence import inputs, kernels
from reference.runtime import blocks, signature
from tests.evidence.shared import LAYERS

CASES = [(name, variant) for name, variants in LAYERS.items() for variant in range(len(variants))]
#: Layers of which forward and backward run in blocks as a whole; others call functions that do, or none.
FOLDED = ("layer_norm", "batch_norm", "softmax", "mse", "attention", "conv2d", "max_pool2d")


def flat(value: Any) -> list[np.ndarray[Any, Any]]:
    """The arrays in lists and tuples, dims left out."""
    if isinstance(value, list | tuple):
        return [a for v in value for a in flat(v)]
    return [np.asarray(value)] if isinstance(value, np.ndarray | np.generic) else []


@pytest.mark.sampled("name")
@pytest.mark.parametrize(("name", "variant"), CASES)
def test_blocks_change_nothing(name: str, variant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results and what is saved."""
    kernel, counts = kernels.kernel_of(name), [0]
    in_parts = signature.in_parts

    def counted(*arguments: Any) -> Any:
        counts[0] += 1
        return in_parts(*arguments)

    for case in inputs.cases(LAYERS[name][variant], dtype=np.float64):
        if any(0 in np.shape(a) for a in flat(kernels.arguments(case))):
            continue
        dy = kernels._joined(case, inputs.cotangents(case, dtype=np.float64))

        def both(case: Any = case, dy: Any = dy) -> tuple[list[type], list[np.ndarray[Any, Any]]]:
            kernel.SIGNATURE.plans.clear()
            kernel.SIGNATURE.last[0] = (), None
            y, saved = kernel.forward(*kernels.arguments(case), **dict(case.options))
            found = [y, saved, kernel.backward(dy, saved)]
            return [type(value) for value in found], flat(found)

        kinds, at_once = both()
        with monkeypatch.context() as patch:
            patch.setattr(blocks, "WHOLE", 0)
            patch.setattr(blocks, "BLOCK", 40)
            patch.setattr(signature, "in_parts", counted)
            counts[0] = 0
            kinds_in_blocks, in_blocks = both()
            if name in FOLDED:
                assert counts[0] == 2
        assert kinds_in_blocks == kinds
        for a, b in zip(at_once, in_blocks, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
    kernel.SIGNATURE.plans.clear()
    kernel.SIGNATURE.last[0] = (), None
