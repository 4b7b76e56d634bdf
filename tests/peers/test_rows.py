"""PyTorch agrees in float64 on layers that no benchmark times: values, gradients, tangents and second order."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is an optional peer: pip install 'gradbook[peers]'")

from tests.peers.rows import ROWS  # noqa: E402

TOLERANCE = 1e-11  # of an array's largest element
RUNS = [(layer, options) for layer, row in ROWS.items() for options in row.options]


@pytest.mark.sampled("layer")
@pytest.mark.parametrize(("layer", "options"), RUNS, ids=[f"{layer}-{options}" for layer, options in RUNS])
def test_four_functions_match_torch(layer: str, options: Mapping[str, Any]) -> None:
    kernel, rng = import_module(f"reference.layers.{layer}"), np.random.default_rng(11)
    given = ROWS[layer].draw(rng)
    leaves = [torch.from_numpy(a.copy()).requires_grad_() for a in given]
    y = ROWS[layer].theirs(torch.nn.functional, *leaves, **options)
    dy = rng.standard_normal(tuple(y.shape))
    tangents = [rng.standard_normal(a.shape) for a in given]
    cotangent = torch.from_numpy(dy).requires_grad_()
    gradients = torch.autograd.grad(y, leaves, cotangent, create_graph=True)
    paired = sum((g * torch.from_numpy(t)).sum() for g, t in zip(gradients, tangents, strict=True))
    along, *second = torch.autograd.grad(paired, [cotangent, *leaves], materialize_grads=True)

    found, saved = kernel.forward(*given, **options)
    close(found, y)
    for ours, theirs in zip(kernel.backward(dy, saved), gradients, strict=True):
        close(ours, theirs)
    close(kernel.jvp(given, tuple(tangents), **options), along)
    for ours, theirs in zip(
        kernel.double_backward(dy, given, tuple(tangents), **options), [along, *second], strict=True
    ):
        close(ours, theirs)


def close(ours: Any, theirs: Any) -> None:
    expected = theirs.detach().numpy()
    assert np.isfinite(expected).all()
    assert ours.shape == expected.shape
    assert np.abs(ours - expected).max() <= TOLERANCE * np.abs(expected).max()
