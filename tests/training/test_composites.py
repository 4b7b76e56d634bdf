"""The residual, dense and attending networks: their weights, their walk in use, a short training; every optimiser."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from reference import batch_norm
from reference.training import composite
from reference.training.composite import COMPOSITES
from reference.training.data import Examples
from reference.training.digits import RECIPES, train_digits
from reference.training.loop import Settings, objective, train
from reference.training.network import Network
from reference.training.optimizer import OPTIMIZERS
from reference.training.schedule import Constant
from reference.training.stopping import Criteria


def examples(many=40, seed=0, dtype=np.float64):
    """Images of which the class is the row that is bright."""
    rng = np.random.default_rng(seed)
    t = rng.integers(0, 8, many)
    x = rng.random((many, 8, 8)) / 2
    x[np.arange(many), t] += 0.5
    return Examples(x.reshape(many, 64).astype(dtype), t)


@pytest.fixture(params=COMPOSITES)
def network(request):
    return COMPOSITES[request.param](np.random.default_rng(1), np.float64)


def test_a_short_training_makes_the_loss_smaller(network):
    criteria = Criteria(max_epochs=4)
    settings = Settings(20, Constant(0.003), criteria=criteria, optimizer=OPTIMIZERS["adam"])
    result = train(network, examples(120), examples(20, 1), settings)
    losses = [epoch.loss for epoch in result.history]
    assert losses[-1] < 0.7 * objective(network, examples(120), settings.weight_decay)[0]
    assert all(after < before for before, after in pairwise(losses))


def test_the_gradient_is_that_of_differences(network):
    batch, rng, step = examples(6), np.random.default_rng(2), 1e-6
    way = [rng.standard_normal(p.shape) for p in network.parameters]
    _, gradient = objective(network, batch, 0.01)
    ends = [
        objective(
            network.with_parameters([p + s * w for p, w in zip(network.parameters, way, strict=True)]), batch, 0.01
        )
        for s in (-step, step)
    ]
    along = sum((g * w).sum() for g, w in zip(gradient, way, strict=True))
    assert along == pytest.approx((ends[1][0] - ends[0][0]) / (2 * step), rel=1e-5)


def test_parameters_come_back_as_they_were(network):
    again = network.with_parameters(network.parameters)
    assert again.values.keys() == network.values.keys()
    for name, value in network.values.items():
        for a, b in zip(composite.flattened(value), composite.flattened(again.values[name]), strict=True):
            assert np.array_equal(a, b)
    assert network.size == sum(p.size for p in network.parameters)


def test_the_walk_is_the_kernel_with_other_statistics(network, monkeypatch):
    """With a batch's own statistics in the walk it gives what the whole network's kernel does."""
    x = examples().x
    in_training, saved = network.forward(x)
    if network.walked is None:
        assert np.array_equal(network.predict(x), in_training)
        return
    assert not np.allclose(network.predict(x), in_training)
    after = network.moved(saved)
    assert not np.allclose(after.predict(x), network.predict(x)), "the running statistics moved"
    monkeypatch.setattr(composite, "_norm", lambda *arguments: batch_norm.forward(*arguments)[0].y)
    np.testing.assert_allclose(network.predict(x), in_training, rtol=1e-10, atol=1e-10)


def test_an_example_in_use_depends_on_itself_alone(network):
    x = examples().x
    np.testing.assert_allclose(network.predict(x)[3:4], network.predict(x[3:4]), rtol=1e-9, atol=1e-9)


def test_patches_are_squares_of_pixels():
    x = np.arange(64.0)[None]
    assert composite.patches(x)[0, 0].tolist() == [0, 1, 8, 9]
    assert composite.patches(x)[0, 5].tolist() == [18, 19, 26, 27]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_makes_the_loss_smaller(name):
    start = Network.initialise([64, 12, 10], np.random.default_rng(0))
    optimizer, batch = OPTIMIZERS[name], examples(64)
    many = 300 if name in ("adadelta", "lion") else 30  # their first steps are short
    settings = Settings(64, Constant(optimizer.alpha), criteria=Criteria(max_epochs=many), optimizer=optimizer)
    result = train(start, batch, examples(16, 1), settings)
    assert result.history[-1].loss < 0.8 * result.history[0].loss


def test_an_optimiser_remembers():
    """Adam's first steps are as long as its rate, whatever the gradient; momentum goes on without one."""
    p, g = [np.array([1.0, -2.0])], [np.array([1e-3, 5.0])]
    adam, momentum = OPTIMIZERS["adam"], OPTIMIZERS["momentum"]
    first, moments = adam.step(p, g, adam.begin(p), 0.1)
    second, moments = adam.step(first, g, moments, 0.1)
    assert moments.steps == 2
    np.testing.assert_allclose(p[0] - second[0], 0.2, rtol=1e-4)
    first, moments = momentum.step(p, g, momentum.begin(p), 0.1)
    second, _ = momentum.step(first, [np.zeros(2)], moments, 0.1)
    np.testing.assert_allclose(first[0] - second[0], 0.9 * (p[0] - first[0]))


@pytest.mark.parametrize("name", COMPOSITES)
def test_the_digits_are_learnt(name):
    """Two epochs of the recipe whose full run is recorded in the book."""
    pytest.importorskip("sklearn")
    result = train_digits(replace(RECIPES[name], epochs=2))
    assert result.history[-1].loss < result.history[0].loss
    assert result.test_accuracy > 0.4
