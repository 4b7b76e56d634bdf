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
    passed = min(time / total, 1)
    y[...] = least + (alpha[...] - least) * (1 + cos(pi * passed)) / 2
    return y


@layer(cites="S36; Goyal et al. 2017, arXiv:1706.02677")
def linear_warm_up(alpha: Real[...], time: Scalar = 0.0, total: Positive = 5.0):
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
    up = (1 - cos(pi * min(time / rising, 1))) / 2
    down = (1 - cos(pi * min(max(time - rising, 0) / falling, 1))) / 2
    low[...] = alpha[...] / first
    risen[...] = low[...] + (alpha[...] - low[...]) * up
    y[...] = risen[...] if time <= rising else alpha[...] + (low[...] / last - alpha[...]) * down
    return y
