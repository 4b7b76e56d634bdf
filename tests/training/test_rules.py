"""Schedules, rules of thumb and stopping criteria, by themselves."""

import math
import warnings
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.training.advice import RECOMMENDED, AdviceWarning, advise, geometric_sizes, remarks
from reference.training.schedule import SCHEDULES, Constant, Cosine, OneCycle, Step, WarmUp
from reference.training.stopping import Criteria, Epoch


def test_schedules_at_known_times():
    assert [Constant(0.1)(e) for e in (0, 7.5, 1e6)] == [0.1] * 3
    assert [Step(0.8, every=10)(e) for e in (0, 9.9, 10, 25)] == [0.8, 0.8, 0.4, 0.2]
    cosine = Cosine(0.1, 10, floor=0.02)
    assert [cosine(e) for e in (0, 5, 10, 99)] == pytest.approx([0.1, 0.06, 0.02, 0.02])


def test_what_rises_is_there_when_it_was_said_to_be():
    assert [WarmUp(Constant(0.2), 4)(e) for e in (0, 1, 4, 9)] == pytest.approx([0, 0.05, 0.2, 0.2])
    cycle = OneCycle(0.5, 10, rise=0.4)
    assert [cycle(e) for e in (0, 2, 4, 7, 10, 99)] == pytest.approx([0.02, 0.26, 0.5, 0.250001, 2e-6, 2e-6])


@pytest.mark.parametrize("name", ["cosine", "one-cycle", "step", "warm-up"])
def test_rates_are_those_of_torch(name):
    """Over 20 steps of one epoch; torch's one cycle has its largest rate one step before 30 % of them are done."""
    torch = pytest.importorskip("torch", reason="PyTorch is an optional peer: pip install 'gradbook[peers]'")
    schedulers, many = torch.optim.lr_scheduler, 20
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs, ours = {
        "cosine": lambda o: (schedulers.CosineAnnealingLR(o, many), Cosine(0.1, many)),
        "step": lambda o: (schedulers.StepLR(o, 6, 0.3), Step(0.1, 6, 0.3)),
        "warm-up": lambda o: (schedulers.LinearLR(o, 1e-12, 1.0, 8), WarmUp(Constant(0.1), 8)),
        "one-cycle": lambda o: (
            schedulers.OneCycleLR(o, 0.1, many + 1, 0.3),
            OneCycle(0.1, many, (0.3 * 21 - 1) / many),
        ),
    }[name](optimizer)
    for epoch in range(many):
        assert ours(epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9, abs=1e-12)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("name", ["constant", "cosine", "step"])
def test_schedules_begin_at_alpha_and_never_rise(name):
    schedule = SCHEDULES[name](0.1, 20)
    rates = [schedule(k / 7) for k in range(20 * 7)]
    assert rates[0] == 0.1
    assert all(a >= b > 0 for a, b in pairwise(rates))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(0),
        lambda: Constant(math.nan),
        lambda: Step(0.1, every=0),
        lambda: Step(0.1, every=5, factor=-1),
        lambda: Cosine(0.1, 0),
        lambda: Cosine(0.1, 5, floor=0.2),
        lambda: WarmUp(Constant(0.1), 0),
        lambda: OneCycle(0.1, 5, rise=1.0),
    ],
)
def test_bad_schedules_are_refused(make):
    with pytest.raises(ValueError, match="must"):
        make()


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 8))
def test_hidden_sizes_are_geometric_means(inputs, outputs, layers):
    sizes = geometric_sizes(inputs, outputs, layers)
    assert (sizes[0], sizes[-1], len(sizes)) == (inputs, outputs, layers + 1)
    # before rounding d_l^2 = d_{l-1} d_{l+1}; each size is at most 1/2 away from the value before rounding
    for before, here, after in zip(sizes, sizes[1:], sizes[2:], strict=False):
        assert (here - 0.501) ** 2 <= (before + 0.5) * (after + 0.5)
        assert (here + 0.501) ** 2 >= (before - 0.5) * (after - 0.5)


def test_hidden_sizes_exactly():
    assert geometric_sizes(81, 1, 4) == [81, 27, 9, 3, 1]
    assert geometric_sizes(2, 32, 4) == [2, 4, 8, 16, 32]
    assert geometric_sizes(64, 10, 1) == [64, 10]
    with pytest.raises(ValueError, match="at least 1"):
        geometric_sizes(64, 10, 0)


def test_advice_names_what_is_unusual():
    usual = {
        "layers": 3,
        "alpha": 0.1,
        "batch_size": 32,
        "weight_decay": 1e-4,
    }  # the ends belong to the ranges
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advise(**usual)
    assert remarks(alpha=0.5) == ["alpha = 0.5 is outside the usual 0.001 to 0.1 (learning rate, best with a schedule)"]
    assert len(remarks(layers=9, alpha=0.01, batch_size=1)) == 2
    with pytest.warns(AdviceWarning, match="batch_size = 1000 is outside the usual 32 to 256"):
        advise(batch_size=1000)
    with pytest.raises(TypeError, match="no recommendation for depth; there is one for layers"):
        advise(depth=3)


@pytest.mark.parametrize("name", sorted(RECOMMENDED))
def test_ranges_hold_their_ends_and_nothing_beyond(name):
    low, high, _ = usual = RECOMMENDED[name]
    assert low in usual
    assert high in usual
    assert low * 0.99 not in usual
    assert high * 1.01 not in usual
    assert math.nan not in usual


def epoch(number, loss=1.0, norm=1.0, validation_loss=1.0, accuracy=0.5):
    return Epoch(number, 0.1, loss, norm, validation_loss, accuracy)


def test_criteria_are_strict_and_zero_is_off():
    perfect = [epoch(1, loss=0.0, norm=0.0)]
    assert Criteria(max_epochs=9).check(perfect) is None
    assert Criteria(max_epochs=9, loss_below=0.5).check([epoch(1, loss=0.5)]) is None
    assert Criteria(max_epochs=9, loss_below=0.5).check([epoch(1, loss=0.49)]).criterion == "loss"
    assert Criteria(max_epochs=9, gradient_below=0.5).check([epoch(1, norm=0.5)]) is None
    assert Criteria(max_epochs=9, gradient_below=0.5).check([epoch(1, norm=0.4)]).criterion == "gradient norm"


def test_patience_counts_from_the_last_improvement():
    losses = [0.9, 0.5, 0.6, 0.5, 0.7]  # a tie is no improvement
    history = [epoch(k + 1, validation_loss=loss) for k, loss in enumerate(losses)]
    criteria = Criteria(max_epochs=99, patience=3)
    assert [criteria.check(history[:n]) is not None for n in range(1, 6)] == [
        False,
        False,
        False,
        False,
        True,
    ]
    assert criteria.check(history).criterion == "validation"
    assert criteria.best(history) is history[1]


def test_the_best_epoch_is_the_first_of_the_best():
    history = [epoch(1, accuracy=0.6), epoch(2, accuracy=0.9, validation_loss=2.0), epoch(3, accuracy=0.9)]
    assert Criteria(monitor="accuracy").best(history).epoch == 2
    assert Criteria(monitor="loss").best(history).epoch == 1


def test_the_first_criterion_of_several_is_named():
    now = [epoch(1), epoch(2, loss=0.1, norm=0.1)]
    every = {"max_epochs": 2, "loss_below": 0.5, "gradient_below": 0.5, "patience": 1}
    named = []
    for drop in ("loss_below", "gradient_below", "patience", "max_epochs"):
        named.append(Criteria(**every).check(now).criterion)
        del every[drop]
    assert named == ["loss", "gradient norm", "validation", "max epochs"]


@pytest.mark.parametrize(
    "change",
    [
        {"max_epochs": 0},
        {"loss_below": -1},
        {"gradient_below": math.nan},
        {"patience": 0},
        {"monitor": "luck"},
    ],
)
def test_bad_criteria_are_refused(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be"):
        Criteria(**change)
