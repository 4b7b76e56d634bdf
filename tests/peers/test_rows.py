"""PyTorch agrees in float64 on layers that no benchmark times: values, gradients, tangents and second order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is an optional peer: pip install 'gradbook[peers]'")

from derive.calculus.derivation import derive  # noqa: E402
from derive.evidence import kernels  # noqa: E402
from derive.evidence.layout import Case  # noqa: E402
from derive.notation.define import load_file, load_project  # noqa: E402
from derive.notation.layer import Layer  # noqa: E402
from tests.generality.support import own_registry  # noqa: E402
from tests.peers.rows import ROWS  # noqa: E402

NETWORKS = Path(__file__).parents[2] / "examples" / "networks.py"
TOLERANCE = 1e-11  # of an array's largest element
RUNS = [(layer, options) for layer, row in ROWS.items() for options in row.options]


@pytest.mark.sampled("layer")
@pytest.mark.parametrize(("layer", "options"), RUNS, ids=[f"{layer}-{options}" for layer, options in RUNS])
def test_four_functions_match_torch(layer: str, options: Mapping[str, Any]) -> None:
    (definition, kernel), rng = defined(layer), np.random.default_rng(11)
    derivation = derive(definition)
    own = derivation.layer
    case = Case(own, dict(zip([t.name for t in own.inputs], ROWS[layer].draw(rng), strict=True)), dict(options))
    smooth = [t.name for t in own.differentiable]
    given = {n: each(in_torch, v, n in smooth) for n, v in case.tensors.items()}
    y = ROWS[layer].theirs(torch.nn.functional, *given.values(), **options)
    theirs = dict(zip(own.outputs, y if isinstance(y, tuple) else (y,), strict=False))
    ends = {o: theirs[o] for o in own.differentiable_outputs}
    cotangents = {o: each(lambda t: rng.standard_normal(tuple(t.shape)), v) for o, v in ends.items()}
    tangents = {n: each(lambda a: rng.standard_normal(a.shape), case.tensors[n]) for n in smooth}
    weights = {o: each(in_torch, v, True) for o, v in cotangents.items()}
    leaves = [a for n in smooth for a in entries(given[n])]
    gradients = pulled(flat(ends), leaves, flat(weights))
    paired = sum((g * torch.from_numpy(np.asarray(t))).sum() for g, t in zip(gradients, flat(tangents), strict=True))
    second = pulled([paired], [*flat(weights), *leaves], None) if paired.requires_grad else None

    found, saved = kernels.forward(kernel, case)
    close(found, flat(theirs), theirs)
    least = ROWS[layer].least
    close(kernels.backward(kernel, case, cotangents, saved), gradients, smooth, least)
    if second is None:
        return
    close(kernels.jvp(kernel, case, tangents), second[: len(flat(weights))], ends)
    close(kernels.double_backward(kernel, derivation, case, cotangents, tangents), second, [*ends, *smooth], least)


def defined(layer: str) -> tuple[Layer, Any]:
    """A layer of the project and its kernel, or one of its networks."""
    if layer in load_project():
        return load_project()[layer][0], kernels.kernel_of(layer)
    return networks()[layer], import_module(f"reference.networks.{layer}")


@cache
def networks() -> dict[str, Layer]:
    """Those of examples/networks.py by name."""
    with own_registry():
        return {name: variants[0] for name, variants in load_file(NETWORKS).items()}


def in_torch(array: Any, smooth: bool) -> Any:
    return torch.from_numpy(np.array(array)).requires_grad_(smooth)


def entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def each(f: Callable[..., Any], value: Any, *more: Any) -> Any:
    """Of an array, or of each in a list."""
    return [f(v, *more) for v in value] if isinstance(value, list) else f(value, *more)


def flat(named: Mapping[str, Any]) -> list[Any]:
    return [a for value in named.values() for a in entries(value)]


def pulled(ends: list[Any], leaves: list[Any], weights: Any) -> list[Any]:
    """Gradients, 0 of what takes no part."""
    found = torch.autograd.grad(ends, leaves, weights, create_graph=True, allow_unused=True)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves, strict=True)]


def close(ours: Mapping[str, Any], theirs: list[Any], names: Iterable[str], share: float = 0.0) -> None:
    """Arrays by name, in the order of names; one that a kernel leaves out is 0."""
    left = [t.numpy(force=True) for t in theirs]  # zeros that PyTorch keeps no memory for, too
    least = share * max(np.abs(t).max() for t in left)
    for name in names:
        for array in entries(ours[name]) if name in ours else [None]:
            expected = left.pop(0)
            assert np.isfinite(expected).all()
            array = np.zeros_like(expected) if array is None else array
            assert array.shape == expected.shape
            assert np.abs(array - expected).max() <= TOLERANCE * max(np.abs(expected).max() or 1.0, least), name
    assert not left
