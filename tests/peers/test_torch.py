"""PyTorch agrees in float64: values, gradients, jvp and second order to 1e-12, 200 training steps to 1e-9.

The table of equivalents is benchmarks/in_torch.py, the inputs are benchmarks/cases.py: all sizes distinct,
two leading axes, random cotangents, every option away from its default. The benchmarks' hand-written baseline
is held to the same, so that it is timed for computing the right thing.

Not seen here: float32 and float16 (the enclosure leg), inputs at the edge of overflow, where PyTorch itself
loses digits.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is an optional peer: pip install 'gradbook[peers]'")

from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402

import reference.layers  # noqa: E402
import reference.networks  # noqa: E402
from benchmarks import in_torch  # noqa: E402
from benchmarks.cases import CASES  # noqa: E402
from benchmarks.contenders import (  # noqa: E402
    Problem,
    arrays,
    by_hand,
    gather,
    generated,
    pair,
    pose,
    pytorch,
    spread,
    torch_leaves,
)
from tests.peers.rows import ROWS  # noqa: E402

TOLERANCE = 1e-12  # of an array's largest element
GENERATED = sorted(module.name for module in pkgutil.iter_modules(reference.layers.__path__))
NETWORKS = sorted(module.name for module in pkgutil.iter_modules(reference.networks.__path__))
NOT_IN_TORCH: dict[str, str] = {}  # a generated layer without a row in the table -> why there can be none
NOT_TWICE: set[str] = set()  # layers without double_backward
RUNS = [(layer, options) for layer, case in CASES.items() for options in case.variants]
SOURCES = {"generated": generated, "by hand": by_hand}


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, in units of the largest expected element (1 where that is 0)."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert np.isfinite(found).all()
    assert np.isfinite(expected).all()
    return float(np.abs(found - expected).max() / (np.abs(expected).max() or 1.0))


def test_every_generated_layer_has_a_torch_equivalent_or_a_reason() -> None:
    covered = set(in_torch.LAYERS) | set(ROWS) | set(NOT_IN_TORCH)
    every = {*GENERATED, *NETWORKS}
    assert every - covered == set(), "add a row to tests/peers/rows.py"
    assert covered - every == set(), "rows of layers that are no longer generated"
    assert set(in_torch.LAYERS) == set(CASES)
    assert not set(in_torch.LAYERS) & set(NOT_IN_TORCH)


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", CASES)
def test_case_names_the_tensors_and_gradients_of_the_kernel(layer: str) -> None:
    case = CASES[layer]
    names = list(case.tensors)
    module = import_module(f"reference.layers.{layer}")
    assert [names[position] for position in case.inputs] == list(module.Gradients._fields)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.sampled("layer")
@pytest.mark.parametrize(("layer", "options"), RUNS, ids=[f"{layer}-{options}" for layer, options in RUNS])
def test_values_and_gradients_match_torch(source: str, layer: str, options: dict[str, Any]) -> None:
    problem = pose(layer, "check", np.float64, options)
    y, gradients = map(arrays, pair(SOURCES[source](layer), problem)())
    expected_y, expected_gradients = map(arrays, pytorch(problem)())
    assert len(y) == len(expected_y)
    assert len(gradients) == len(expected_gradients)
    for position, (found, expected) in enumerate(zip(y, expected_y, strict=True)):
        assert distance(found, expected) <= TOLERANCE, f"output {position}"
    for position, (found, expected) in enumerate(zip(gradients, expected_gradients, strict=True)):
        assert distance(found, expected) <= TOLERANCE, f"gradient {position}"


def torch_backward(problem: Problem) -> tuple[list[Any], list[Any], list[Any]]:
    """PyTorch's backward pass as a differentiable function: its inputs, its cotangents and its gradients."""
    tensors, wanted, dys = torch_leaves(problem)
    for dy in dys:
        dy.requires_grad_()
    with sdpa_kernel(SDPBackend.MATH):  # the other attention kernels cannot be differentiated twice
        y = in_torch.LAYERS[problem.layer](*tensors, **problem.options)
        gradients = torch.autograd.grad(spread(y)[: len(dys)], wanted, dys, create_graph=True)
    return wanted, dys, list(gradients)


def directions(problem: Problem) -> list[Any]:
    """A random array shaped like each input that has a gradient, nested as the inputs are."""
    rng = np.random.default_rng(3)
    inputs = [problem.tensors[position] for position in problem.inputs]
    return gather([np.asarray(rng.standard_normal(np.shape(leaf))) for leaf in spread(inputs)], inputs)


def paired(gradients: list[Any], along: list[Any]) -> Any:
    """<gradients, along> as one differentiable number."""
    return sum((g * torch.from_numpy(a)).sum() for g, a in zip(gradients, spread(along), strict=True))


def second(of: Any, by: list[Any]) -> list[np.ndarray]:
    """Gradients of a number, 0 where PyTorch finds no connection."""
    if not of.requires_grad:
        return [np.zeros(leaf.shape) for leaf in by]
    found = torch.autograd.grad(of, by, allow_unused=True)
    return arrays([torch.zeros_like(b) if f is None else f for f, b in zip(found, by, strict=True)])


@pytest.mark.sampled("layer")
@pytest.mark.parametrize(("layer", "options"), RUNS, ids=[f"{layer}-{options}" for layer, options in RUNS])
def test_forward_mode_matches_torch(layer: str, options: dict[str, Any]) -> None:
    """jvp along random tangents, which to PyTorch is the derivative of its backward pass by the cotangent."""
    problem = pose(layer, "check", np.float64, options)
    tangents = directions(problem)
    found = arrays(import_module(f"reference.layers.{layer}").jvp(problem.tensors, tuple(tangents), **options))
    _, dys, gradients = torch_backward(problem)
    expected = second(paired(gradients, tangents), dys)
    for position, (ours, theirs) in enumerate(zip(found, expected, strict=not CASES[layer].stateful)):
        assert distance(ours, theirs) <= TOLERANCE, f"output {position}"


@pytest.mark.sampled("layer")
@pytest.mark.parametrize(("layer", "options"), RUNS, ids=[f"{layer}-{options}" for layer, options in RUNS])
def test_second_order_matches_torch(layer: str, options: dict[str, Any]) -> None:
    """The gradients of <cotangents, backward(dy)>, with respect to dy and to every input."""
    module = import_module(f"reference.layers.{layer}")
    if not hasattr(module, "double_backward"):
        assert layer in NOT_TWICE
        return
    problem = pose(layer, "check", np.float64, options)
    along = directions(problem)
    found = module.double_backward(problem.cotangents, problem.tensors, tuple(along), **options)
    wanted, dys, gradients = torch_backward(problem)
    expected = second(paired(gradients, along), [*dys, *wanted])
    for position, (ours, theirs) in enumerate(zip(arrays(found), expected, strict=True)):
        assert distance(ours, theirs) <= TOLERANCE, f"gradient {position} of {found._fields}"


def test_200_training_steps_follow_torch() -> None:
    """An MLP with weight decay, clipping and SGD, trained by generated kernels and by PyTorch in step."""
    from reference import clip_by_global_norm, l2_penalty, mlp, sgd, softmax_cross_entropy_labels

    widths, steps, batch = (13, 11, 8, 5), 200, 32
    alpha, weight_decay, tau = 0.1, 1e-2, 0.8
    one = np.float64(1)
    rng = np.random.default_rng(7)
    x = rng.standard_normal((400, widths[0]))
    t = (x @ rng.standard_normal((widths[0], widths[-1]))).argmax(axis=-1)  # something to learn
    W = [rng.standard_normal((o, i)) * (2 / i) ** 0.5 for i, o in pairwise(widths)]
    b = [np.zeros(o) for o in widths[1:]]

    torch_W, torch_b = ([torch.from_numpy(a.copy()).requires_grad_() for a in group] for group in (W, b))
    optimizer = torch.optim.SGD([*torch_W, *torch_b], lr=alpha)
    clipped, losses = 0, []
    for step in range(steps):
        rows = rng.integers(len(x), size=batch)

        z, saved_mlp = mlp.forward(x[rows], W, b, activation="tanh")
        loss, saved_loss = softmax_cross_entropy_labels.forward(z, t[rows])
        penalty, saved_penalty = l2_penalty.forward(W, weight_decay=weight_decay)
        (dz,) = softmax_cross_entropy_labels.backward(one, saved_loss)
        gradients = mlp.backward(dz, saved_mlp)
        (decay,) = l2_penalty.backward(one, saved_penalty)
        dW = [g + d for g, d in zip(gradients.W, decay, strict=True)]
        updates, _ = clip_by_global_norm.forward([*dW, *gradients.b], tau=tau)
        parameters, _ = sgd.forward([*W, *b], updates, alpha=alpha)
        W, b = list(parameters[: len(W)]), list(parameters[len(W) :])

        optimizer.zero_grad()
        logits = in_torch.mlp(torch.from_numpy(x[rows]), torch_W, torch_b, activation="tanh")
        torch_loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(t[rows]))
        torch_loss = torch_loss + in_torch.l2_penalty(torch_W, weight_decay=weight_decay)
        torch_loss.backward()
        raw = [p.grad for p in (*torch_W, *torch_b)]
        torch_updates = in_torch.clip_by_global_norm(raw, tau=tau)
        clipped += float(torch_updates[0].abs().max()) < float(raw[0].abs().max())
        for p, update in zip((*torch_W, *torch_b), torch_updates, strict=True):
            p.grad = update
        optimizer.step()

        losses.append(float(loss + penalty))
        assert losses[-1] == pytest.approx(float(torch_loss.detach()), rel=1e-9, abs=0), f"loss at step {step}"
    assert max(map(distance, [*W, *b], arrays([*torch_W, *torch_b]))) <= 1e-9
    assert 0 < clipped < steps, "both branches of clipping are to be taken"
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20]), "the network is to learn something"
