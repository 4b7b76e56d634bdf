"""The network: its gradient, its two readings (derived, walked), its masks, its first weights."""

import math

import numpy as np
import pytest

from reference.training.data import Examples
from reference.training.loop import objective
from reference.training.network import ACTIVATIONS, Network

SIZES = [5, 7, 4, 3]  # all different: a transposed matrix can't fit


def problem(activation="tanh", keep=1.0, seed=0, batch=6):
    rng = np.random.default_rng(seed)
    network = Network.initialise(SIZES, rng, activation=activation, keep=keep)
    network = network.with_parameters([p + 0.1 * rng.standard_normal(p.shape) for p in network.parameters])
    examples = Examples(rng.standard_normal((batch, SIZES[0])), rng.integers(0, SIZES[-1], batch))
    return network, examples, rng


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("keep", [1.0, 0.6])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_gradient_is_the_limit_of_central_differences(activation, keep, weight_decay):
    """The error falls with the square of the step: not only small, but of the right order."""
    network, examples, rng = problem(activation, keep)
    masks = network.masks(len(examples.t), rng)
    _, gradient = objective(network, examples, weight_decay, masks)
    direction = [rng.standard_normal(p.shape) for p in network.parameters]
    slope = sum(float(np.vdot(g, d)) for g, d in zip(gradient, direction, strict=True))

    def error(step):
        ends = [
            objective(
                network.with_parameters([p + s * d for p, d in zip(network.parameters, direction, strict=True)]),
                examples,
                weight_decay,
                masks,
            )[0]
            for s in (step, -step)
        ]
        return abs((ends[0] - ends[1]) / (2 * step) - slope)

    assert abs(slope) > 1e-2
    assert error(1e-4) < 1e-6
    if activation in ("tanh", "sigmoid", "gelu"):  # smooth: the error is the third derivative's, step^2 / 6
        assert error(1e-2) / error(1e-3) == pytest.approx(100, rel=0.2)


@pytest.mark.parametrize("entry", ["W", "b"])
def test_gradient_of_every_single_parameter(entry):
    network, examples, rng = problem("tanh", 0.6, seed=1)
    masks = network.masks(len(examples.t), rng)
    _, gradient = objective(network, examples, 0.1, masks)
    start = 0 if entry == "W" else len(network.W)
    for k in range(start, start + len(network.W)):
        for place in np.ndindex(network.parameters[k].shape):
            values = []
            for step in (1e-5, -1e-5):
                moved = [p.copy() for p in network.parameters]
                moved[k][place] += step
                values.append(objective(network.with_parameters(moved), examples, 0.1, masks)[0])
            assert (values[0] - values[1]) / 2e-5 == pytest.approx(gradient[k][place], abs=1e-8)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_walked_layer_by_layer_it_is_the_derived_recurrence(activation):
    network, examples, rng = problem(activation)
    all_kept = [np.ones((len(examples.t), d)) for d in SIZES[1:-1]]
    whole, saved_whole = network.forward(examples.x)
    walked, saved_walked = network.forward(examples.x, all_kept)
    np.testing.assert_allclose(walked, whole, rtol=1e-13, atol=1e-14)
    dz = rng.standard_normal(whole.shape)
    for mine, derived in zip(network.backward(dz, saved_walked), network.backward(dz, saved_whole), strict=True):
        for a, b in zip(mine, derived, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_dropped_units_take_no_part():
    """The weights of a unit that every example drops get no gradient, and changing them changes nothing."""
    network, examples, _ = problem("tanh", keep=0.5)
    masks = [np.ones((len(examples.t), d)) for d in SIZES[1:-1]]
    masks[0][:, 2] = 0
    loss, gradient = objective(network, examples, masks=masks)
    depth = len(network.W)
    assert not gradient[0][2].any()
    assert not gradient[1][:, 2].any()
    assert not gradient[depth][2].any()
    moved = [p.copy() for p in network.parameters]
    moved[0][2] += 5
    assert objective(network.with_parameters(moved), examples, masks=masks)[0] == loss


def test_kept_units_are_scaled_by_one_over_keep():
    network, examples, _ = problem("tanh", keep=0.25)
    masks = [np.ones((len(examples.t), d)) for d in SIZES[1:-1]]
    scaled = network.with_parameters([network.W[0], *(4 * W for W in network.W[1:]), *network.b])
    np.testing.assert_allclose(network.forward(examples.x, masks)[0], scaled.forward(examples.x)[0], rtol=1e-12)


def test_masks_keep_the_given_share():
    """Hoeffding: a mean of n coins is off by more than e with probability at most 2 exp(-2 n e^2)."""
    network = Network.initialise([3, 200, 100, 2], np.random.default_rng(0), keep=0.8, dtype=np.float32)
    masks = network.masks(1000, np.random.default_rng(1))
    assert [m.shape for m in masks] == [(1000, 200), (1000, 100)]
    for mask in masks:
        assert mask.dtype == np.float32
        assert set(np.unique(mask)) == {0, 1}
        assert abs(mask.mean() - 0.8) < math.sqrt(math.log(2e9) / (2 * mask.size))  # one in 1e9
    assert Network.initialise([3, 2], np.random.default_rng(0)).masks(5, np.random.default_rng(0)) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept_all_the_way(dtype):
    rng = np.random.default_rng(0)
    network = Network.initialise(SIZES, rng, keep=0.5, dtype=dtype)
    examples = Examples(rng.standard_normal((6, 5)).astype(dtype), rng.integers(0, 3, 6))
    for masks in (None, network.masks(6, rng)):
        _, gradient = objective(network, examples, 0.1, masks)
        assert {a.dtype for a in [*network.parameters, *gradient]} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    ("activation", "variance"),
    [("relu", lambda i, o: 2 / i), ("tanh", lambda i, o: 2 / (i + o))],
    ids=["he", "xavier"],
)
def test_first_weights_have_the_derived_variance(activation, variance):
    """Sum W^2 / variance is chi-squared with n degrees of freedom, n the number of weights.

    Laurent and Massart (2000, lemma 1) bound it: it leaves [n - 2 sqrt(n x), n + 2 sqrt(n x) + 2 x] with
    probability at most 2 exp(-x); x = ln 2e9 makes that one in 1e9. The other formula lies far outside, so
    does a swap of i and o.
    """
    i, o = 300, 500
    weights = Network.initialise([i, o], np.random.default_rng(7), activation=activation).W[0]
    assert weights.shape == (o, i)
    n, x = weights.size, math.log(2e9)
    square = float((weights**2).sum())
    low, high = n - 2 * math.sqrt(n * x), n + 2 * math.sqrt(n * x) + 2 * x
    assert low < square / variance(i, o) < high
    for wrong in (2 / i, 2 / o, 2 / (i + o), 1 / i):
        if wrong != variance(i, o):
            assert not low < square / wrong < high
    # the mean of n normals: beyond 6.2 deviations once in 1e9
    assert abs(weights.mean()) < 6.2 * math.sqrt(variance(i, o) / n)


def test_biases_begin_at_zero_and_seeds_decide():
    first, again, other = (Network.initialise(SIZES, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert not any(b.any() for b in first.b)
    assert all(np.array_equal(a, b) for a, b in zip(first.W, again.W, strict=True))
    assert not np.array_equal(first.W[0], other.W[0])
    assert first.sizes == SIZES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "step"}, "activation must be one of"),
        ({"keep": 0}, "keep is a probability"),
        ({"keep": 1.5}, "keep is a probability"),
        ({"sizes": [4]}, "at least two positive integers"),
        ({"sizes": [4, 0, 2]}, "at least two positive integers"),
    ],
)
def test_bad_networks_are_refused(change, message):
    arguments = {"sizes": SIZES, "rng": np.random.default_rng(0)} | change
    with pytest.raises(ValueError, match=message):
        Network.initialise(**arguments)
