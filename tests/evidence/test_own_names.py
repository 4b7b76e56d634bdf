"""A user's layers that are called as layers of the project are: what calls them means the user's, in every place."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from derive.evidence.verify import leg
from derive.notation.define import load_project
from reference.layers import gelu, linear
from tests.evidence.shared import own

TEXT = """
@layer
def gelu(x: Real[...]):
    y[...] = x[...] * sigmoid(1.702 * x[...])
    return y


@layer
def linear(x: Real[..., i], w: Real[i]):
    y[...] = sum(i, w[i] * x[..., i])
    return y


@layer
def gated(x: Real[..., i], w: Real[i]):
    z = linear(x, w)
    y[...] = gelu(z[...]) + z[...]
    return y
"""


def test_what_calls_them_means_the_users(tmp_path: Path) -> None:
    project = load_project()
    x, w = np.random.default_rng(0).normal(size=(2, 4))
    with own(tmp_path, TEXT.replace("@layer\n", "")) as layers:
        assert set(layers) == {"gelu", "linear", "gated"}
        z = x @ w
        (y, _), quick = layers["gated"][1].forward(x, w), z / (1 + np.exp(-1.702 * z))
        assert np.allclose(y, quick + z)
        assert abs(quick - gelu.forward(z)[0]) > 1e-4
        for derivations, kernel in layers.values():
            for name in ("text", "definition", "differences", "second order"):
                found = leg(name, derivations[0], kernel)
                assert found.passed, str(found)
    assert load_project() == project
    assert linear.forward(x, w[None], np.zeros(1))[0].shape == (1,)
