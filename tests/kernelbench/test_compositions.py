"""Every definition of examples/kernelbench/ gives PyTorch's values and gradients, in float64 to 1e-10.

All sizes are distinct, and numbers that are options are away from their defaults.
"""

from __future__ import annotations

from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is an optional peer: pip install 'gradbook[peers]'")

from derive.command.kernels import kernel  # noqa: E402
from derive.notation.layer import Layer  # noqa: E402
from tests.kernelbench.definitions import compositions, problems, registered  # noqa: E402
from tests.kernelbench.networks import NETWORKS, OPTIONS  # noqa: E402

DEFINITIONS = {name: layer for level in problems() for name, layer in compositions(level).items()}
TOLERANCE = 1e-10  # of an array's largest element
SIZES = {"n": 7, "i": 4, "o": 5, "h": 6, "v": 3, "g": 2, "d": 3, "k": 6, "j": 3}
IMAGES = SIZES | {"n": 2, "c": 3, "k": 4, "l": 6, "m": 1, "p": 12, "q": 13, "r": 7}
IMAGES |= {"i": 9, "j": 8, "h": 7}  # of a convolution of these


def test_every_definition_has_a_network_and_the_other_way_round() -> None:
    assert set(DEFINITIONS) == set(NETWORKS)
    assert set(OPTIONS) <= set(NETWORKS)


def arguments(layer: Layer, rng: np.random.Generator) -> dict[str, Any]:
    """An array for each input: a mask of zeros and ones, positive variances, other numbers normal."""
    found = {}
    inputs = {name: t for name, t in layer.tensors.items() if t.role in ("input", "state")}
    lengths = IMAGES if {"c", "p"} <= {axis for t in inputs.values() for axis in t.axes} else SIZES
    for name, tensor in inputs.items():
        found[name] = np.asarray(rng.normal(size=[prod(lengths[a] for a in slot.parts) for slot in tensor.slots]))
        if tensor.domain:  # positive
            found[name] = np.exp(found[name])
        if name == "mask":
            found[name] = (found[name] < 0.5).astype(float)
        elif name == "var0":
            found[name] = found[name] ** 2 + 0.5
    return found


def options(layer: Layer) -> dict[str, Any]:
    given = {
        o.name: o.default * 1.25 for o in layer.options if isinstance(o.default, float) and o.kind != "Probability"
    }
    return given | OPTIONS.get(layer.name, {})


def distance(found: Any, expected: Any) -> float:
    expected = expected.detach().numpy()
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-3))


@pytest.mark.parametrize("name", NETWORKS)
def test_values_and_gradients(name: str) -> None:
    rng = np.random.default_rng(0)
    layer = DEFINITIONS[name]
    with registered(layer):
        module = kernel(layer)
    arrays, given = arguments(layer, rng), options(layer)
    leaves = {n: torch.tensor(a, requires_grad=n not in ("mean0", "var0", "mask")) for n, a in arrays.items()}
    defaults = {o.name: o.default for o in layer.options}
    peer = SimpleNamespace(**defaults | given | leaves)
    expected = NETWORKS[name](peer)
    y, saved = module.forward(**arrays, **given)
    if "mean0" in arrays:
        y, mean1, var1 = y
        assert distance(mean1, peer.mean1) < TOLERANCE
        assert distance(var1, peer.var1) < TOLERANCE
    assert distance(y, expected) < TOLERANCE
    dy = rng.normal(size=y.shape)
    expected.backward(torch.tensor(dy))
    gradients = module.backward(dy, saved)._asdict()
    assert set(gradients) - {"mask"} == {n for n, leaf in leaves.items() if leaf.requires_grad}
    for n in set(gradients) - {"mask"}:
        assert distance(gradients[n], leaves[n].grad) < TOLERANCE, n
