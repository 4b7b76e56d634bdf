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
    Convention(
        ("weighted_cross_entropy",),
        "a label of ignore_index",
        "loss and gradient 0, whatever its scores; the mean divides by the sum of the weights of the others",
        "PyTorch the same, ONNX too",
        "np.isclose(np.log(2), "
        "weighted_cross_entropy.forward(np.array([[np.nan, 0], [0, 0]]), np.array([-100, 1]), np.array([9.0, 3]))[0])",
    ),
    Convention(
        ("weighted_nll",),
        "a label of ignore_index",
        "loss and gradient 0, whatever its scores, NaN too; the mean divides by the sum of the weights of the others",
        "PyTorch the same, ONNX too",
        "weighted_nll.forward(np.array([[np.nan, 0], [0, -2.0]]), np.array([-100, 1]), np.array([9.0, 3]))[0] == 2",
    ),
    Convention(
        ("weighted_cross_entropy", "weighted_nll"),
        "every label is ignored, or of weight 0",
        "a mean of nothing: 0 / 0, NaN",
        "PyTorch the same",
        at="nothing",
    ),
    Convention(
        ("weighted_cross_entropy",),
        "weights and label_smoothing together",
        "each class is smoothed with its own weight; the mean divides by the weights of the labels alone",
        "PyTorch the same",
        "np.isclose(weighted_cross_entropy.forward(np.zeros((1, 2)), np.array([0]), np.array([1.0, 3]), "
        "label_smoothing=0.5)[0], 1.5 * np.log(2))",
    ),
    Convention(
        ("nll_loss", "multi_margin"),
        "a label that is no class",
        "refused; there is no negative label either",
        "PyTorch refuses too, but `nll_loss` has an ignore_index of -100; JAX takes the last class, or clips",
        "nll_loss.forward(np.zeros((1, 2)), np.array([1]))[0] == 0",
    ),
    Convention(
        ("kl_div",),
        'reduction="mean"',
        "of the divergences of the examples, each a sum over the classes",
        "PyTorch calls that batchmean; its own mean divides by the number of classes, too",
        "kl_div.forward(np.full((3, 2), -1.0), np.tile([1.0, 0], (3, 1)))[0] == 1",
    ),
    Convention(
        ("kl_div",),
        "a target of 0",
        "0 log 0 = 0; the gradient for the target there is -inf",
        "PyTorch the same value, and NaN as gradient for the target",
        "kl_div.forward(np.array([-1.0, -2.0]), np.array([0.0, 1.0]))[0] == 2",
        at="nothing",
    ),
    Convention(
        ("focal",),
        "a logit whose exponential is beyond the format",
        "computed without it: at -800 the loss of a label of 1 is alpha times 800",
        "torchvision the same; a sigmoid and then the logarithm gives infinity",
        "focal.forward(np.full(1, -800.0), np.ones(1, int))[0] == 200",
        at="range",
    ),
    Convention(
        ("focal",),
        "alpha",
        "weighs labels of 1, and 1 - alpha those of 0",
        "torchvision the same, and a negative alpha weighs none; Keras weighs labels of 1 alone",
        "np.isclose(focal.forward(np.zeros(1), np.zeros(1, int), alpha=1.0)[0], 0)",
    ),
    Convention(
        ("poisson_nll",),
        "full, and t up to 1",
        "Stirling's approximation is left out there",
        "PyTorch the same",
        "poisson_nll.forward(np.zeros(1), np.ones(1), full=True)[0] == 1",
        at="tie",
    ),
    Convention(
        ("poisson_nll",),
        "log_input=False",
        "epsilon is added to the rate in the logarithm alone",
        "PyTorch the same; TensorFlow and Keras add 1e-7",
        "poisson_nll.forward(np.zeros(1), np.ones(1), log_input=False, epsilon=1.0)[0] == 0",
    ),
    Convention(
        ("gaussian_nll",),
        "a variance up to epsilon",
        "is epsilon, and gets no gradient below it; at epsilon itself it does",
        "PyTorch gives it the gradient that epsilon would get, as if nothing were clipped",
        "grad(gaussian_nll, np.ones(1), np.zeros(1), np.zeros(1), epsilon=0.5).var[0] == 0 "
        "and grad(gaussian_nll, np.zeros(1), np.zeros(1), np.ones(1), epsilon=1.0).var[0] == 0.5",
        at="tie",
    ),
    Convention(
        ("multi_margin", "triplet_margin"),
        "just enough of a margin",
        "loss 0, gradient 0",
        "PyTorch the same for `multi_margin`; `triplet_margin` refuses a margin of 0, which is allowed here",
        "not grad(multi_margin, np.array([[1.0, 0]]), np.array([0])).z.any() "
        "and not grad(triplet_margin, np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1)), margin=0.0).n.any()",
        at="tie",
    ),
    Convention(
        ("hinge", "hinge_embedding", "margin_ranking"),
        "just enough of a margin",
        "loss 0, gradient 0",
        "PyTorch gives the whole gradient for `hinge_embedding` and `margin_ranking`",
        "grad(hinge, np.ones(1), np.ones(1, int)).y[0] == 0 "
        "and grad(hinge_embedding, np.ones(1), -np.ones(1, int)).d[0] == 0 "
        "and grad(margin_ranking, np.ones(1), np.ones(1), np.ones(1, int)).a[0] == 0",
        at="tie",
    ),
    Convention(
        ("hinge", "hinge_embedding", "margin_ranking"),
        "NaN or infinity in an argument, a cotangent or a tangent",
        "NaN is the largest: the loss is NaN, and the gradient goes to it; infinity as the equations say",
        "PyTorch's loss is NaN too, its gradient 0",
        "np.isnan(hinge.forward(np.full(1, np.nan), np.ones(1, int))[0]) "
        "and grad(hinge, np.full(1, np.nan), np.ones(1, int)).y[0] == -1",
    ),
    Convention(
        ("soft_margin",),
        "a score whose exponential is beyond the format",
        "computed without it",
        "PyTorch gives infinity from 710 on in float64, from 89 on in float32, and NaN as its gradient",
        "soft_margin.forward(np.full(1, 800.0), -np.ones(1, int))[0] == 800",
        at="range",
    ),
    Convention(
        ("multi_margin", "triplet_margin"),
        "NaN or infinity in an argument, a cotangent or a tangent",
        "NaN is the largest: the loss is NaN, and the gradient goes to it; infinity as the equations say",
        "PyTorch the same for `triplet_margin`; its `multi_margin` takes a NaN for enough of a margin",
        "np.isnan(multi_margin.forward(np.array([[1.0, np.nan]]), np.array([0]))[0])",
    ),
    Convention(
        ("multi_margin",),
        "which classes are averaged over",
        "the sum over the other classes is divided by the number of all",
        "PyTorch the same",
        "multi_margin.forward(np.zeros((1, 4)), np.array([0]))[0] == 0.75",
    ),
    Convention(
        ("triplet_margin",),
        "a distance of 0",
        "the gradient of the root is 0 there; epsilon is added to every difference, which seldom makes it 0",
        "PyTorch the same",
        "not grad(triplet_margin, np.zeros((1, 1)), np.full((1, 1), 1e-6), np.ones((1, 1))).p.any()",
        at="nothing",
    ),
    Convention(
        ("dice", "tversky"),
        "nothing predicted and nothing there",
        "loss 0, for smooth is added above and below; per example, over all other axes",
        "the original Dice has no such term, squares the denominator's probabilities and is NaN there",
        "dice.forward(np.zeros((1, 2)), np.zeros((1, 2)))[0] == 0 == tversky.forward(*[np.zeros((1, 2))] * 2)[0]",
        at="nothing",
    ),
)
