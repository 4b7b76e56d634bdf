"""How a learning rate changes while training goes on: the rate at some time, of the rate that is given."""

from __future__ import annotations

from derive import layer


@layer(cites="S36; torch.optim.lr_scheduler.StepLR")
def step_decay(alpha: Real[...], step: Natural = 0, every: Count = 10, factor: Positive = 0.5):
    """A rate that is multiplied by a factor after every so many steps."""
    y[...] = alpha[...] * factor ** (step // every)
    return y


@layer(cites="S36; Loshchilov and Hutter 2016, arXiv:1608.03983, equation 5 without restarts")
def cosine_annealing(alpha: Real[...], time: Scalar = 0.0, total: Positive = 100.0, least: Scalar = 0.0):
    """Half a cosine from a first rate down to the least, which stays from then on."""
    part = (1 + cos(pi * time / total)) / 2 if time < total else 0
    y[...] = least + (alpha[...] - least) * part
    return y


@layer(cites="S36; Goyal et al. 2017, arXiv:1706.02677")
def linear_warm_up(alpha: Real[...], time: Scalar = 1.0, total: Positive = 5.0):
    """A rate that rises in proportion to time until it is there."""
    y[...] = alpha[...] * min(time / total, 1)
    return y


@layer(cites="S36; Smith and Topin 2017, arXiv:1708.07120, with cosines as torch.optim.lr_scheduler.OneCycleLR")
def one_cycle(
    alpha: Real[...],
    time: Scalar = 0.0,
    rising: Positive = 30.0,
    falling: Positive = 70.0,
    first: Positive = 25.0,
    last: Positive = 10000.0,
):
    """Half a cosine from a part of the largest rate up to it, and another down to a part of where it began."""
    low = 1 / first
    end = low / last
    up = low + (1 - low) * (1 - cos(pi * time / rising)) / 2
    down = end + (1 - end) * (1 + cos(pi * (time - rising) / falling)) / 2
    part = up if time < rising else down if time < rising + falling else end
    y[...] = alpha[...] * part
    return y
