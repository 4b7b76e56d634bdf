"""Conventions of losses; see derive.conventions."""

from __future__ import annotations

from derive.convention import Convention

OF_LOSSES: tuple[Convention, ...] = (
    Convention(
        ("l1_loss",),
        "y = t",
        "loss 0, gradient 0",
        "PyTorch and JAX the same",
        "grad(l1_loss, np.zeros(1), np.zeros(1)).y[0] == 0",
        at="tie",
    ),
    Convention(
        ("l1_loss", "pinball"),
        "NaN",
        "loss NaN, and a gradient as where the prediction of `l1_loss` is too low, that of `pinball` too high",
        "PyTorch gives 0 for `l1_loss`",
        "grad(l1_loss, np.array([np.nan]), np.zeros(1)).y[0] == -1 "
        "and grad(pinball, np.array([np.nan]), np.zeros(1)).y[0] == 0.5",
    ),
    Convention(
        ("huber", "smooth_l1"),
        "the error just at delta, or at beta",
        "both pieces and their slopes are equal; the second derivative is that of the square",
        "PyTorch's second derivative is that of the line in `smooth_l1`",
        "grad(huber, np.ones(1), np.zeros(1)).y[0] == 1 and huber.double_backward(np.ones(()), "
        "(np.ones(1), np.zeros(1)), (np.ones(1), np.zeros(1))).y[0] == 1",
        at="tie",
    ),
    Convention(
        ("huber", "smooth_l1"),
        "NaN or an infinite error",
        "NaN stays NaN, in the gradient too; of an infinite error the gradient is that of the line",
        "PyTorch the same",
        "np.isnan(grad(huber, np.array([np.nan]), np.zeros(1)).y[0]) "
        "and grad(smooth_l1, np.array([-inf]), np.zeros(1)).y[0] == -1",
    ),
    Convention(
        ("smooth_l1", "huber"),
        "beta, delta",
        "`smooth_l1` divides the square by beta, and its slope ends at 1; that of `huber` ends at delta",
        "PyTorch the same; TensorFlow and JAX (Optax) have `huber` alone",
        "grad(smooth_l1, np.array([9.0]), np.zeros(1), beta=3.0).y[0] == 1 "
        "and grad(huber, np.array([9.0]), np.zeros(1), delta=3.0).y[0] == 3",
    ),
    Convention(
        ("log_cosh",),
        "an error whose hyperbolic cosine is beyond the format",
        "computed without it: the size of the error less log 2",
        "Keras the same; `log(cosh(r))` as it is written is infinite from 711 on",
        "log_cosh.forward(np.array([1000.0]), np.zeros(1))[0] == 1000 - np.log(2)",
        at="range",
    ),
    Convention(
        ("pinball",),
        "y = t",
        "the gradient is that below the target: -tau",
        "automatic differentiation of a maximum shares it evenly in PyTorch and JAX",
        "grad(pinball, np.zeros(1), np.zeros(1), tau=0.9).y[0] == -0.9",
        at="tie",
    ),
    Convention(
        ("binary_cross_entropy",),
        "y = 0 where t = 0, or y = 1 where t = 1",
        "0 log 0 = 0: the loss is 0, the gradient that of the other term, -1 or 1",
        "PyTorch has 0 for the gradient: it divides y - t by y (1 - y), at least 1e-12",
        "binary_cross_entropy.forward(np.array([0.0, 1]), np.array([0.0, 1]))[0] == 0",
        at="nothing",
    ),
    Convention(
        ("binary_cross_entropy",),
        "y = 0 where t = 1, or y = 1 where t = 0",
        "infinity, as the logarithm of 0 is",
        "PyTorch stops at 100, for it bounds the logarithm; Keras keeps y 1e-7 away from 0 and 1",
        "np.isinf(binary_cross_entropy.forward(np.zeros(1), np.ones(1))[0])",
    ),
    Convention(
        ("bce_with_logits",),
        "a logit whose exponential is beyond the format",
        "computed without it: at 800 the loss is 0 or 800, the gradient 0 or 1",
        "PyTorch and JAX (Optax) the same; a sigmoid and then the logarithm gives infinity",
        "bce_with_logits.forward(np.full(1, 800.0), np.zeros(1))[0] == 800",
        at="range",
    ),
)
