"""Options that name an elementwise layer: found when first asked for, among the project's layers and no others."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.command.kernels import kernel_source
from derive.notation.define import REGISTRY, load_project, read_source
from reference.layers import mlp, relu
from reference.runtime.activations import NAMES, Activations
from tests.evidence.shared import own

CUBE = """
def {name}(x: Real[...]):
    y[...] = 8 * x[...] ** 3
    return y
"""
USE = """
def uses(x: Real[..., i], W: Real[o, i], b: Real[o], f: Activation = "tanh"):
    z = linear(x, W, b)
    y[..., o] = f(z[..., o])
    return y
"""


def elementwise() -> list[str]:
    return sorted(n for n, variants in load_project().items() if variants[0].elementwise)


def test_the_names_are_those_of_the_elementwise_layers() -> None:
    found = Activations()
    assert not dict.keys(found)
    assert list(found) == elementwise()
    assert found["relu"] is relu


@pytest.mark.parametrize(
    "name", ["softmax", "rely", "os", "", "__init__", "relu.value", "../layers/relu", "reference.layers.relu", 3, None]
)
def test_nothing_else_is_found_or_imported(name: object, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    import_module = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", lambda n: asked.append(n) or import_module(n))
    found = Activations()
    assert name not in found
    with pytest.raises(KeyError):
        found[name]  # type: ignore[index]
    assert set(asked) <= {f"reference.layers.{n}" for n in NAMES}


def test_an_error_says_which_there_are() -> None:
    one = np.ones((1, 1))
    with pytest.raises(ValueError, match=r"mlp: activation is 'os'; it must be one of .*'gelu', .*'relu', .*'tanh'"):
        mlp.forward(one, [one], [one[0]], activation="os")


@pytest.mark.parametrize("name", ["mlp", "residual"])
def test_a_kernel_is_the_same_however_many_there_are(name: str) -> None:
    before = dict(REGISTRY)
    text = kernel_source(tuple(map(derive, load_project()[name])))
    try:
        read_source(f"from derive import layer\n\n\n@layer(cites='a test'){CUBE.format(name='cube')}", "others.py")
        assert kernel_source(tuple(map(derive, REGISTRY[name]))) == text
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)


@pytest.mark.parametrize("name", ["cube", "relu"])
def test_ones_own_stands_in_front_of_the_projects(name: str, tmp_path: Path) -> None:
    """In the kernel of a layer that stands beside it; the project's kernels do not know of it."""
    with own(tmp_path, f"{CUBE.format(name=name)}\n{USE}") as found:
        _, kernel = found["uses"]
        x = np.array([[2.0]])
        assert kernel.forward(x, x, x[0], f=name)[0].item() == 8 * 6**3
        assert kernel.forward(x, x, x[0], f="identity")[0].item() == 6
        assert name in kernel.ACTIVATIONS
    assert mlp.ACTIVATIONS["relu"] is relu
