"""JAX agrees in float64: values, gradients, jvp and second order to 1e-12.

The second independent peer, beside PyTorch: another automatic differentiation, forward mode included, which JAX
does not derive from its reverse mode. The table of equivalents is in_jax.py; inputs are benchmarks/cases.py.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="JAX is an optional peer: pip install 'gradbook[peers]'")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

from benchmarks.cases import CASES  # noqa: E402
from benchmarks.contenders import Problem, arrays, gather, generated, pair, pose, spread  # noqa: E402
from tests.peers import in_jax  # noqa: E402

TOLERANCE = 1e-12  # of an array's largest element
RUNS = [(layer, options) for layer, case in CASES.items() for options in case.variants]
NAMES = [f"{layer}-{options}" for layer, options in RUNS]
every_layer = pytest.mark.parametrize(("layer", "options"), RUNS, ids=NAMES)


def assert_close(found: Any, expected: Any) -> None:
    """Flat lists of arrays, equal to within TOLERANCE of each one's largest element."""
    for position, (ours, theirs) in enumerate(
        zip(arrays(found), [np.asarray(e) for e in spread(expected)], strict=True)
    ):
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        assert np.isfinite(theirs).all()
        error = np.abs(ours - theirs).max() / (np.abs(theirs).max() or 1.0)
        assert error <= TOLERANCE, f"array {position}: {error:.1e}"


def function_of_inputs(problem: Problem) -> tuple[Any, list[Any]]:
    """JAX's layer as a function of the inputs that have gradients, and those inputs."""

    def run(*inputs: Any) -> Any:
        tensors = list(problem.tensors)
        for position, value in zip(problem.inputs, inputs, strict=True):
            tensors[position] = value
        y = in_jax.LAYERS[problem.layer](*tensors, **problem.options)
        return y[0] if CASES[problem.layer].stateful else y

    return run, [problem.tensors[position] for position in problem.inputs]


def directions(inputs: list[Any]) -> tuple[Any, ...]:
    """A random array shaped like each input."""
    rng = np.random.default_rng(3)
    return tuple(gather([np.asarray(rng.standard_normal(np.shape(leaf))) for leaf in spread(inputs)], inputs))


def test_every_layer_has_an_equivalent() -> None:
    assert set(in_jax.LAYERS) == set(CASES)


@pytest.mark.sampled("layer")
@every_layer
def test_values_and_gradients_match_jax(layer: str, options: dict[str, Any]) -> None:
    problem = pose(layer, "check", np.float64, options)
    y, gradients = pair(generated(layer), problem)()
    assert_close(y, in_jax.LAYERS[layer](*problem.tensors, **options))
    run, inputs = function_of_inputs(problem)
    assert_close(gradients, jax.vjp(run, *inputs)[1](problem.cotangents))


@pytest.mark.sampled("layer")
@every_layer
def test_forward_mode_matches_jax(layer: str, options: dict[str, Any]) -> None:
    problem = pose(layer, "check", np.float64, options)
    run, inputs = function_of_inputs(problem)
    along = directions(inputs)
    found = import_module(f"reference.layers.{layer}").jvp(problem.tensors, along, **options)
    assert_close(found, jax.jvp(run, tuple(inputs), along)[1])


@pytest.mark.sampled("layer")
@every_layer
def test_second_order_matches_jax(layer: str, options: dict[str, Any]) -> None:
    """The gradients of <cotangents, backward(dy)>, with respect to dy and to every input."""
    problem = pose(layer, "check", np.float64, options)
    run, inputs = function_of_inputs(problem)
    along = directions(inputs)
    found = import_module(f"reference.layers.{layer}").double_backward(
        problem.cotangents, problem.tensors, along, **options
    )

    def backward(dy: Any, *inputs: Any) -> Any:
        return jax.vjp(run, *inputs)[1](dy)

    assert_close(found, jax.vjp(backward, problem.cotangents, *inputs)[1](along))
