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
from derive.notation.layer import Layer, Tensor  # noqa: E402
from tests.kernelbench.definitions import compositions, problems, registered  # noqa: E402
from tests.kernelbench.level3_networks import LENGTHS, Lengths  # noqa: E402
from tests.kernelbench.networks import NETWORKS, OPTIONS  # noqa: E402
from tests.kernelbench.transposed import LENGTHS as OF_TRANSPOSED  # noqa: E402

DEFINITIONS = {name: layer for level in problems() for name, layer in compositions(level).items()}
TOLERANCE = 1e-10  # of an array's largest element
SIZES: Lengths = {"n": 7, "i": 4, "o": 5, "h": 6, "v": 3, "g": 2, "d": 3, "k": 6, "j": 3}
IMAGES = SIZES | {"n": 2, "c": 3, "k": 4, "l": 6, "m": 1, "p": 12, "q": 13, "r": 7}
IMAGES |= {"i": 9, "j": 8, "h": 7}  # of a convolution of these


def test_every_definition_has_a_network_and_the_other_way_round() -> None:
    assert set(DEFINITIONS) == set(NETWORKS)
    assert set(OPTIONS) <= set(NETWORKS)


def inputs(layer: Layer) -> dict[str, Tensor]:
    return {name: t for name, t in layer.tensors.items() if t.role in ("input", "state")}


def lengths(layer: Layer) -> Lengths:
    image = {"c", "p"} <= {axis for t in inputs(layer).values() for axis in t.axes}
    return LENGTHS.get(layer.name, IMAGES if image else SIZES) | OF_TRANSPOSED.get(layer.name, {})


def shapes(tensor: Tensor, sizes: Lengths) -> list[list[int]]:
    """The shape of each entry of a list, or of the one array."""
    entries = sizes[tensor.axes[0]] if tensor.sequence else 1
    assert isinstance(entries, int)
    slots = tensor.slots[1:] if tensor.sequence else tensor.slots
    each = {a: (s,) * entries if isinstance(s, int) else s for slot in slots for a in slot.parts for s in [sizes[a]]}
    return [[prod(each[a][entry] for a in slot.parts) for slot in slots] for entry in range(entries)]


def arguments(layer: Layer, rng: np.random.Generator) -> dict[str, Any]:
    """What each input is given: a mask of zeros and ones, positive variances, other numbers normal; lists of them."""
    found: dict[str, Any] = {}
    for name, tensor in inputs(layer).items():
        arrays = [np.asarray(rng.normal(size=shape)) for shape in shapes(tensor, lengths(layer))]
        if tensor.domain:  # positive
            arrays = [np.exp(a) for a in arrays]
        if name == "mask":
            arrays = [(a < 0.5).astype(float) for a in arrays]
        elif name.startswith("var"):
            arrays = [a**2 + 0.5 for a in arrays]
        found[name] = arrays if tensor.sequence else arrays[0]
    return found


def options(layer: Layer) -> dict[str, Any]:
    given = {
        o.name: o.default * 1.25 for o in layer.options if isinstance(o.default, float) and o.kind != "Probability"
    }
    return given | OPTIONS.get(layer.name, {})


def leaf(value: Any, differentiable: bool) -> Any:
    """The same for PyTorch; what is moved along is its own."""
    if isinstance(value, list):
        return [leaf(v, differentiable) for v in value]
    return torch.tensor(value, requires_grad=differentiable)


def distance(found: Any, expected: Any) -> float:
    if isinstance(found, list):
        assert len(found) == len(expected)
        return max(distance(*pair) for pair in zip(found, expected, strict=True))
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
    states = [n for n, t in inputs(layer).items() if t.role == "state"]
    leaves = {n: leaf(a, n not in (*states, "mask")) for n, a in arrays.items()}
    defaults = {o.name: o.default for o in layer.options}
    expected = NETWORKS[name](SimpleNamespace(**defaults | given | leaves))
    y, saved = module.forward(**arrays, **given)
    if states:
        y, *moved = y
        for n, state in zip(states, moved, strict=True):
            assert distance(state, leaves[n]) < TOLERANCE, n  # the network moves its own along
    assert distance(y, expected) < TOLERANCE
    dy = rng.normal(size=expected.shape)
    expected.backward(torch.tensor(dy))
    gradients = module.backward([*dy] if isinstance(y, list) else dy, saved)._asdict()
    assert set(gradients) - {"mask"} == {n for n in leaves if n not in (*states, "mask")}
    for n in set(gradients) - {"mask"}:
        wanted = [v.grad for v in leaves[n]] if isinstance(leaves[n], list) else leaves[n].grad
        assert distance(gradients[n], wanted) < TOLERANCE, n
