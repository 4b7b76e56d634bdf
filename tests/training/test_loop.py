"""The loop: every criterion is seen to stop it, clipping bounds the step, equal seeds give equal runs."""

from dataclasses import replace

import numpy as np
import pytest

from reference.training.data import Examples
from reference.training.loop import DivergedError, Settings, batches, global_norm, objective, train
from reference.training.network import Network
from reference.training.schedule import Constant, Cosine
from reference.training.stopping import Criteria


def blobs(seed=0, examples=60, spread=0.3):
    """Three clouds in the plane, one a class."""
    rng = np.random.default_rng(seed)
    t = rng.integers(0, 3, examples)
    centres = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    return Examples(centres[t] + spread * rng.standard_normal((examples, 2)), t)


TRAINING, VALIDATION = blobs(0), blobs(1)


def start(keep=1.0, dtype=np.float64):
    return Network.initialise([2, 8, 3], np.random.default_rng(0), keep=keep, dtype=dtype)


def settings(**criteria):
    return Settings(batch_size=16, schedule=Constant(0.1), criteria=Criteria(**criteria))


def test_stops_when_the_loss_is_low():
    result = train(start(), TRAINING, VALIDATION, settings(max_epochs=500, loss_below=0.2))
    assert result.stop.criterion == "loss"
    assert result.history[-1].loss < 0.2
    assert all(e.loss >= 0.2 for e in result.history[:-1])
    assert result.stop.epoch == len(result.history) < 500
    assert "below 0.2" in result.stop.reason


def test_stops_when_the_gradient_is_small():
    result = train(start(), TRAINING, VALIDATION, settings(max_epochs=500, gradient_below=0.05))
    assert result.stop.criterion == "gradient norm"
    assert result.history[-1].gradient_norm < 0.05
    assert all(e.gradient_norm >= 0.05 for e in result.history[:-1])
    # and that is the norm of the whole gradient of the network that stopped
    _, gradient = objective(result.last, TRAINING, weight_decay=1e-4)
    norm = np.sqrt(sum((g**2).sum() for g in gradient))
    assert result.history[-1].gradient_norm == pytest.approx(norm, rel=1e-12)


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_stops_when_validation_no_longer_improves(monitor):
    shuffled = Examples(VALIDATION.x, np.random.default_rng(5).permutation(VALIDATION.t))  # nothing to be learnt
    result = train(start(), TRAINING, shuffled, settings(max_epochs=500, patience=4, monitor=monitor))
    assert result.stop.criterion == "validation"
    assert result.stop.epoch == result.best.epoch + 4
    assert str(result.best.epoch) in result.stop.reason


def test_stops_after_the_last_epoch():
    result = train(start(), TRAINING, VALIDATION, settings(max_epochs=3))
    assert result.stop.criterion == "max epochs"
    assert [e.epoch for e in result.history] == [1, 2, 3]


def test_keeps_the_network_of_the_best_epoch():
    shuffled = Examples(VALIDATION.x, np.random.default_rng(5).permutation(VALIDATION.t))
    result = train(start(), TRAINING, shuffled, settings(max_epochs=6))
    assert result.best.epoch < 6
    shorter = train(start(), TRAINING, shuffled, settings(max_epochs=result.best.epoch))
    assert_equal(result.network, shorter.last)
    assert result.best.validation_loss == min(e.validation_loss for e in result.history)


def assert_equal(one, other):
    for a, b in zip(one.parameters, other.parameters, strict=True):
        np.testing.assert_array_equal(a, b)


def test_equal_seeds_give_equal_runs_and_others_do_not():
    first, again, other = (
        train(start(keep=0.7), TRAINING, VALIDATION, replace(settings(max_epochs=4), seed=seed)) for seed in (1, 1, 2)
    )
    assert first.history == again.history
    assert_equal(first.last, again.last)
    assert first.history != other.history


def test_nothing_that_was_passed_in_is_changed():
    network = start()
    kept = [p.copy() for p in network.parameters]
    x, t = TRAINING.x.copy(), TRAINING.t.copy()
    train(network, TRAINING, VALIDATION, replace(settings(max_epochs=2), clip=0.1))
    assert all(np.array_equal(a, b) for a, b in zip(network.parameters, kept, strict=True))
    assert np.array_equal(TRAINING.x, x)
    assert np.array_equal(TRAINING.t, t)


@pytest.mark.parametrize("tau", [1e-3, 0.05])
def test_clipping_bounds_the_norm_of_a_step(tau):
    """Where the gradient is longer than tau, a step moves the parameters by exactly alpha tau."""
    one_step = replace(settings(max_epochs=1), batch_size=len(TRAINING.t))
    network = start()
    unclipped = moved(network, train(network, TRAINING, VALIDATION, one_step).last)
    clipped = moved(network, train(network, TRAINING, VALIDATION, replace(one_step, clip=tau)).last)
    assert global_norm(unclipped) > 0.1 * tau * 1.5
    assert global_norm(clipped) == pytest.approx(0.1 * tau, rel=1e-9)
    for a, b in zip(clipped, unclipped, strict=True):  # shorter, but not turned
        np.testing.assert_allclose(a * global_norm(unclipped), b * global_norm(clipped), atol=1e-10)


def test_clipping_leaves_a_short_gradient_alone():
    one_step = replace(settings(max_epochs=1), batch_size=len(TRAINING.t))
    free, clipped = (train(start(), TRAINING, VALIDATION, replace(one_step, clip=c)) for c in (None, 1e3))
    assert_equal(free.last, clipped.last)


def moved(before, after):
    return [b - a for a, b in zip(before.parameters, after.parameters, strict=True)]


def test_weight_decay_makes_the_weights_shorter():
    free, penalised = (
        train(start(), TRAINING, VALIDATION, replace(settings(max_epochs=30), weight_decay=decay)).last
        for decay in (0.0, 0.1)
    )
    assert global_norm(penalised.W) < 0.8 * global_norm(free.W)


def test_the_rate_follows_the_schedule():
    cosine = replace(settings(max_epochs=4), schedule=Cosine(0.1, 4))
    rates = [e.alpha for e in train(start(), TRAINING, VALIDATION, cosine).history]
    steps = -(-len(TRAINING.t) // 16)
    assert rates == [cosine.schedule(k + (steps - 1) / steps) for k in range(4)]


def test_learns_the_clouds_in_both_number_types():
    for dtype in (np.float32, np.float64):
        parts = [Examples(part.x.astype(dtype), part.t) for part in (TRAINING, VALIDATION)]
        result = train(start(dtype=dtype), *parts, settings(max_epochs=40))
        assert result.best.validation_accuracy > 0.9
        assert {p.dtype for p in result.last.parameters} == {np.dtype(dtype)}


def test_divergence_is_one_clear_error():
    with pytest.raises(DivergedError, match=r"diverged in epoch \d+.*lower the learning rate \(1e\+20\)"):
        train(start(), TRAINING, VALIDATION, Settings(schedule=Constant(1e20), weight_decay=1.0))


def test_every_epoch_is_told():
    told = []
    result = train(start(), TRAINING, VALIDATION, settings(max_epochs=3), told.append)
    assert told == result.history


def test_batches_hold_every_row_once():
    pieces = list(batches(10, 4, np.random.default_rng(0)))
    assert [len(p) for p in pieces] == [4, 4, 2]
    assert sorted(np.concatenate(pieces)) == list(range(10))
    assert not np.array_equal(np.concatenate(pieces), np.arange(10))


def test_the_norm_does_not_overflow():
    assert global_norm([np.full(3, 3e200), np.full((2, 2), 0.0)]) == pytest.approx(3e200 * 3**0.5, rel=1e-15)
    assert global_norm([np.full(4, 1e30, np.float32)]) == pytest.approx(2e30, rel=1e-6)
    assert global_norm([np.full(4, 1e-310)]) == pytest.approx(2e-310, rel=1e-12)
    assert global_norm([np.zeros(2), np.zeros((0, 3))]) == 0
    assert global_norm([np.array([np.inf, 1])]) == np.inf
    assert np.isnan(global_norm([np.array([1.0]), np.array([np.nan])]))
    assert np.isnan(global_norm([np.array([np.nan]), np.array([1.0])]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"weight_decay": -1}, "weight_decay must be 0"),
        ({"weight_decay": float("nan")}, "weight_decay must be 0"),
        ({"clip": 0}, "clip must be None"),
    ],
)
def test_bad_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Settings(**change)


def test_an_empty_part_is_refused():
    empty = Examples(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))
    with pytest.raises(ValueError, match="the validation part has no examples"):
        train(start(), TRAINING, empty)
