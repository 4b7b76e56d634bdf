"""Results lie in memory of their own: not in an argument's, not in what backward needs, not in another result's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.command.build import generate, write
from derive.command.verify import outside_kernels
from derive.evidence import inputs, kernels
from derive.notation.define import REGISTRY, load_file, load_project
from reference import linear
from reference.runtime import storage
from tests.evidence.shared import LAYERS

CHOSEN = [(name, variant) for name, variants in LAYERS.items() for variant in range(len(variants))]


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Every array in lists and tuples, dims left out."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for v in value:
            yield from arrays(v)


def apart(results: Any, *others: Any) -> None:
    """Results share memory with nothing else, nor with each other."""
    found = list(arrays(results))
    for a in found:
        assert not any(np.shares_memory(a, b) for b in arrays(others))
    assert not any(np.shares_memory(a, b) for a, b in combinations(found, 2))


def copies(value: Any) -> list[np.ndarray[Any, Any]]:
    return [a.copy() for a in arrays(value)]


def same(value: Any, before: list[np.ndarray[Any, Any]]) -> None:
    for a, b in zip(arrays(value), before, strict=True):
        np.testing.assert_array_equal(a, b)


def scribble(value: Any) -> None:
    for a in arrays(value):
        if a.flags.writeable:
            a[...] = 7.5


def check(module: Any, arguments: list[Any], options: dict[str, Any], cotangents: Any, along: list[Any]) -> None:
    """Every function of a kernel."""
    y, saved = module.forward(*arguments, **options)
    apart(y, arguments, saved)
    back = module.backward(cotangents, saved)
    apart(back, arguments, saved, cotangents, y)
    first, gradients = copies(y), copies(back)
    scribble(y)
    again = module.backward(cotangents, saved)
    same(again, gradients)
    scribble(back)
    same(again, gradients)
    same(module.forward(*arguments, **options)[0], first)
    others = [module.jvp(arguments, along, **options)]
    if hasattr(module, "double_backward"):
        others.append(module.double_backward(cotangents, arguments, along, **options))
    for result in others:
        apart(result, arguments, along, cotangents)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.sampled("name")
@pytest.mark.parametrize(("name", "variant"), CHOSEN)
def test_results_are_the_callers_own(name: str, variant: int, dtype: Any) -> None:
    for case in inputs.cases(LAYERS[name][variant], dtype=dtype):
        u, v = inputs.cotangents(case, dtype=dtype), inputs.tangents(case, dtype=dtype)
        along = [v[t.name] for t in case.layer.differentiable]
        check(kernels.kernel_of(name), kernels.arguments(case), dict(case.options), kernels._joined(case, u), along)


OWN = {
    "a result that is an argument": "def own(x: Real[i]):\n    y[i] = x[i]\n    return y\n",
    "transposed": "def own(x: Real[i, j]):\n    y[j, i] = x[i, j]\n    return y\n",
    "reversed": "def own(x: Real[i]):\n    y[i] = x[size(i) - 1 - i]\n    return y\n",
    "two sums": "def own(a: Real[i], b: Real[i]):\n    y[i] = a[i] + b[i]\n    return y\n",
    "an output that another needs": (
        "def own(x: Real[i]):\n    e[i] = exp(x[i])\n    y[i] = e[i] * e[i]\n    return e, y\n"
    ),
    "one array twice": "def own(x: Real[i]):\n    y[i] = x[i]\n    z[i] = x[i]\n    return y, z\n",
    "a row": "def own(x: Real[j, i]):\n    y[i] = x[0, i] + 0\n    return y\n",
    "a part's own result": (
        "def own(x: Real[..., i], W: Real[o, i], b: Real[o]):\n"
        "    z = linear(x, W, b)\n    y[..., o] = z[..., o]\n    return y\n"
    ),
}


@pytest.fixture
def registry() -> Iterator[None]:
    """Puts the registry of definitions back."""
    before = dict(load_project())
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize("case", OWN)
@pytest.mark.usefixtures("registry")
def test_kernels_of_ones_own(case: str, tmp_path: Path) -> None:
    path, out = tmp_path / "mine.py", tmp_path / "kernels"
    text = OWN[case].replace("):\n", "):\n    'Of my own.'\n", 1)
    path.write_text(f"from derive import layer\n\n\n@layer(cites='a test')\n{text}")
    (layer,) = load_file(path)["own"]
    write(generate(file=path, out=out))
    module = outside_kernels(out)("own")
    for c in inputs.cases(layer):
        u, v = inputs.cotangents(c), inputs.tangents(c)
        along = [v[t.name] for t in layer.differentiable]
        check(module, kernels.arguments(c), dict(c.options), kernels._joined(c, u), along)


@pytest.mark.parametrize("name", ["conv2d", "gelu", "layer_norm", "leaky_relu", "linear", "mse", "relu", "tanh"])
def test_what_nothing_else_refers_to_is_not_copied(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a result is seen to be alone, nothing is searched."""
    monkeypatch.setattr(storage, "copied", lambda a: pytest.fail("copied"))
    monkeypatch.setattr(storage, "_memory", lambda a: pytest.fail("searched"))
    (case, *_) = inputs.cases(LAYERS[name][0], dtype=np.float64)
    kernels.backward(kernels.kernel_of(name), case, inputs.cotangents(case, dtype=np.float64))


def test_arguments_are_kept_as_they_are_and_may_be_changed_by_whoever_says_so() -> None:
    """What the conventions say: backward reads the arrays that forward was given; a copy is the caller's to make."""
    x, W, b, dz = np.ones((1, 2)), np.ones((3, 2)), np.zeros(3), np.ones((1, 3))
    _, saved = linear.forward(x, W, b)
    x *= 5
    assert linear.backward(dz, saved).W.tolist() == [[5, 5]] * 3
    _, saved = linear.forward(x.copy(), W, b)
    x *= 5
    assert linear.backward(dz, saved).W.tolist() == [[5, 5]] * 3
