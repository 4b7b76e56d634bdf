"""Conventions: what happens at kinks, on empty axes, outside arrays and at infinities, as data.

Rendered as docs/conventions.md and, row by row, on the pages of the layers concerned; tests and other
people's kernels are judged by it. ``check`` names what shows it: a Python expression that is true, evaluated
by tests/ledger with the kernels and NumPy in scope, where one line can.
"""

from __future__ import annotations

from derive.convention import Convention
from derive.conventions_of_losses import OF_LOSSES
from derive.conventions_of_resampling import OF_RESAMPLING
from derive.conventions_of_sequences import CONVENTIONS_OF_SEQUENCES, OF_SEQUENCES
from derive.conventions_of_steps import OF_NORMS_AND_STEPS
from derive.conventions_of_structure import OF_STRUCTURE, PRODUCTS, SUMS_ALONG
from derive.conventions_of_windows import OF_WINDOWS
from derive.kinks import KINKS
from derive.notation.layer import Layer

SMOOTH_LOSSES = (
    *("binary_cross_entropy", "bce_with_logits", "nll_loss", "weighted_nll", "weighted_cross_entropy", "kl_div"),
    *("focal", "soft_margin", "log_cosh", "poisson_nll", "gaussian_nll", "dice", "tversky"),
    *("multi_label_soft_margin", "info_nce"),
)
MARGINS = ("hinge", "hinge_embedding", "margin_ranking", "multi_margin", "triplet_margin", "cosine_embedding")
KINKED_LOSSES = ("l1_loss", "huber", "smooth_l1", "pinball", *MARGINS)
SOFTMAX_LOSSES = ("softmax_cross_entropy", "softmax_cross_entropy_labels")
LOSSES = ("cross_entropy", "mse", *SOFTMAX_LOSSES, *SMOOTH_LOSSES, *KINKED_LOSSES)
SOFTMAXES = ("softmax", "log_softmax", *SOFTMAX_LOSSES)

GATED = ("glu", "swiglu", "geglu")
SMOOTH = ("silu", "swish", "softplus", "mish", "log_sigmoid", "tanh_shrink", "gelu_tanh")

NORMS = (
    *(
        "layer_norm_nd",
        "rms_norm",
        "group_norm",
        "instance_norm",
        "local_response_norm",
        "weight_norm",
        "spectral_norm",
    ),
    *("l2_normalize", "l1_normalize", "frobenius_normalize"),
)
BLOCKS = ("residual_block", "dense_layer", "encoder_block")
SCHEDULES = ("step_decay", "cosine_annealing", "linear_warm_up", "one_cycle")
STEPS = ("momentum", "nesterov", "rmsprop", "adagrad", "adadelta", "adam", "adamw", "ema")

PLAIN = (
    *SMOOTH,
    *GATED,
    *NORMS,
    *STEPS,
    *BLOCKS,
    *SCHEDULES,
    *SMOOTH_LOSSES,
    *OF_SEQUENCES,
    *PRODUCTS[:-2],
    *SUMS_ALONG,
    *("sigmoid", "tanh", "gelu", "identity", "linear", "residual", "mlp", "mse", "batch_norm", "batch_norm_inference"),
    *("layer_norm", "sgd", "xavier", "he", "dropout", "inverted_dropout", "l2_penalty", *SOFTMAXES),
)
OF_GROUPS = ("layer_norm_nd", "group_norm", "instance_norm")
MEANS = (*LOSSES, "batch_norm", "layer_norm", "attention", "rms_norm", *OF_GROUPS)

CONVOLUTIONS = ("conv2d", "conv1d", "depthwise_conv2d", "depthwise_conv1d", "conv3d")
LARGEST = ("max_pool2d", "max_pool1d", "max_pool3d")
AVERAGES = (
    *("avg_pool1d", "avg_pool2d", "avg_pool3d", *(f"global_avg_pool{n}d" for n in (1, 2, 3)), "adaptive_avg_pool2d"),
    "pointwise_conv2d",
)
SUMS = (
    "linear",
    *CONVOLUTIONS,
    *AVERAGES,
    "mse",
    "batch_norm",
    "layer_norm",
    "l2_penalty",
    "clip_by_global_norm",
    "attention",
    "lstm",
    *NORMS,
    *PRODUCTS,
    *SUMS_ALONG,
)

CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        SUMS,
        "a sum, square or product on the way is beyond the format",
        "computed again in float64, in float64 in longdouble where that is wider (not on Windows and macOS), so that "
        "a result in range comes out; not where BLAS shares a large product among threads and another than the "
        "caller's overflows",
        "PyTorch, TensorFlow and JAX give infinity or NaN",
        "linear.forward(*(np.array(v, np.float32) for v in ([3e38, 3e38, -3e38], np.ones((1, 3)), [0])))[0][0] "
        "== np.float32(3e38)",
        at="range",
    ),
    Convention(
        ("sigmoid", "tanh", "gelu"),
        "a value or derivative below the smallest normal number",
        "may be 0",
        "XLA (JAX, TensorFlow) sets subnormal numbers to 0",
        "0 <= sigmoid.forward(np.array([-740.0]))[0][0] < np.finfo(float).smallest_normal",
    ),
    Convention(
        (*PLAIN, "avg_pool3d", "adaptive_avg_pool2d", "pointwise_conv2d"),
        "NaN or infinity in an argument, a cotangent or a tangent",
        "in every result that depends on it NaN, or what the equations make of infinity; nowhere else",
        "PyTorch and JAX the same",
        "np.isnan(linear.forward(np.array([[np.nan, 1], [1, 1]]), np.ones((1, 2)), np.zeros(1))[0]).tolist() "
        "== [[True], [False]]",
    ),
    Convention(
        ("sigmoid", "tanh", "gelu"),
        "x = inf or -inf",
        "the limits, of derivatives too, and no warning",
        "PyTorch and JAX give NaN for gelu, where 0 times infinity occurs on the way",
        "gelu.forward(np.array([-inf, inf]))[0].tolist() == [0, inf] "
        "and grad(gelu, np.array([-inf, inf])).x.tolist() == [0, 2]",
    ),
    Convention(
        ("relu", *LARGEST, *(f"global_max_pool{n}d" for n in (1, 2, 3))),
        "NaN",
        "is the largest: the result is NaN, and the gradient goes to it; of several in a window, to the first",
        "PyTorch the same for relu, and the last in a window; JAX gives relu's NaN no gradient",
        "grad(relu, np.array([np.nan, -1])).x.tolist() == [1, 0] "
        "and grad(max_pool2d, np.array([[[[1, np.nan], [np.nan, 2]]]])).x.ravel().tolist() == [0, 1, 0, 0]",
    ),
    Convention(
        ("leaky_relu",),
        "NaN",
        "is not above 0: value NaN, gradient alpha",
        "PyTorch the same",
        "grad(leaky_relu, np.array([np.nan])).x[0] == 0.01",
    ),
    Convention(
        ("relu", *LARGEST, "embedding", "attention"),
        "a cotangent of NaN or infinity where no gradient goes",
        "leaves nothing: elements are chosen, not multiplied by 0",
        "PyTorch the same for all but attention",
        "(relu.backward(np.array([inf]), relu.forward(np.array([-1.0]))[1]).x == 0).all()",
    ),
    Convention(
        LARGEST,
        "a window of -inf at the border",
        "the first element inside the array gets the gradient",
        "PyTorch the same",
        "grad(max_pool2d, np.full((1, 1, 1, 1), -inf), padding=1).x.item() == 1",
    ),
    Convention(
        ("embedding",),
        "NaN in the row of the padding token, or in one that no token has",
        "stays out of values and gradients",
        "PyTorch returns the stored row, NaN, of the padding token",
        "embedding.forward(np.array([[2], [np.nan]]), np.array([1, 0]), padding_index=1)[0].ravel().tolist() == [0, 2]",
    ),
    Convention(
        ("cross_entropy",),
        "t = 0 and y is NaN or infinite",
        "0: where the target is 0 nobody looks at y; a cotangent or tangent there is multiplied by 0",
        "SciPy's `xlogy` gives NaN for NaN",
        "cross_entropy.forward(np.array([np.nan, 1]), np.array([0.0, 1]))[0] == 0",
    ),
    Convention(
        SOFTMAXES,
        "-inf among the scores; only -inf, +inf or NaN among them",
        "probability 0; NaN in the whole row",
        "PyTorch the same",
        "softmax.forward(np.array([0, -inf]))[0].tolist() == [1, 0]",
    ),
    Convention(
        ("clip_by_global_norm",),
        "NaN or infinity in a gradient",
        "NaN everywhere, for the norm is NaN; with infinity, the norm, NaN in its place and 0 elsewhere",
        "PyTorch the same",
        "np.isnan(clip_by_global_norm.forward([np.array([np.nan, 1]), np.ones(1)])[0][1]).all()",
    ),
    Convention(
        ("dropout", "inverted_dropout"),
        "m = 0 and x is NaN or infinite",
        "NaN: the mask is an argument, and multiplied",
        "PyTorch the same",
        "np.isnan(dropout.forward(np.array([np.nan]), np.zeros(1))[0]).all()",
    ),
    Convention(
        ("residual", "mlp"),
        "a slope of 0 and a cotangent of NaN or infinity",
        "NaN: the activation is an option, and its slope multiplied",
        "PyTorch chooses for relu, and multiplies otherwise",
        "np.isnan(residual.backward(np.array([np.nan]), "
        "residual.forward(*map(np.array, ([1.0], [0.0], [[-1.0]], [0.0])))[1]).x).all()",
    ),
    Convention(
        CONVOLUTIONS,
        "NaN or infinity in W, or in a cotangent, over the border",
        "NaN: outside is the number 0, and multiplied; elsewhere as the equations say",
        "PyTorch the same",
        "np.isnan(conv2d.forward(np.ones((1, 1, 1, 1)), np.full((1, 1, 3, 3), np.nan), np.zeros(1), padding=1)[0])"
        ".all()",
    ),
    Convention(
        MEANS,
        "an empty batch, or any mean of nothing",
        "NaN, as 0 / 0 is, without a warning; sums are 0, and arrays over the batch empty",
        "PyTorch the same",
        "np.isnan(mse.forward(np.ones(0), np.ones(0))[0]) "
        "and mse.forward(np.ones(0), np.ones(0), reduction='sum')[0] == 0",
        at="empty",
    ),
    Convention(
        ("batch_norm",),
        "an empty batch",
        "running statistics stay as they are",
        "PyTorch the same",
        "batch_norm.forward(np.zeros((0, 1)), *[np.full(1, 7.0)] * 4)[0].new_var.tolist() == [7]",
        at="empty",
    ),
    Convention(
        ("relu",),
        "x = 0",
        "value 0, gradient 0",
        "PyTorch, TensorFlow and JAX give 0; automatic differentiation of `max(x, 0)` gives 1/2 in JAX and autograd",
        "grad(relu, np.zeros(1)).x[0] == 0",
        at="tie",
    ),
    Convention(
        ("leaky_relu",),
        "x = 0",
        "value 0, gradient alpha",
        "PyTorch and TensorFlow give alpha; JAX gives 1",
        "grad(leaky_relu, np.zeros(1)).x[0] == 0.01",
        at="tie",
    ),
    Convention(
        LARGEST,
        "several largest elements in a window",
        "the first one, row by row, gets the whole gradient",
        "PyTorch: the first; JAX: the first; autograd of `max` shares it evenly",
        "grad(max_pool2d, np.zeros((1, 1, 2, 2))).x.ravel().tolist() == [1, 0, 0, 0]",
        at="tie",
    ),
    Convention(
        LARGEST,
        "outside the array",
        "never the largest: as minus infinity",
        "PyTorch and JAX the same; zero padding by hand would win over negative inputs",
        "max_pool2d.forward(-np.ones((1, 1, 2, 2)), padding=1)[0].max() == -1",
    ),
    Convention(
        CONVOLUTIONS,
        "outside the array",
        "zero",
        "PyTorch, TensorFlow and JAX the same; none of them flips the kernel, nor do we",
        "conv2d.forward(np.ones((1, 1, 1, 2)), np.array([[[[5.0, 7.0]]]]), np.zeros(1), padding=1)"
        "[0][0, 0, 1].tolist() == [7, 12, 5]",
    ),
    Convention(
        ("cross_entropy",),
        "t = 0 and y = 0",
        "0 log 0 = 0, and the gradient for y there is 0",
        "PyTorch has no loss on probabilities with dense targets; SciPy's `rel_entr` and `xlogy` do the same",
        "cross_entropy.forward(np.array([0.0, 1.0]), np.array([0.0, 1.0]))[0] == 0",
        at="nothing",
    ),
    Convention(
        LOSSES,
        'reduction="mean"',
        "divides by the number of examples (all leading axes), where each number is a loss by that of elements",
        "PyTorch: the same; its mean over labels with class weights divides by the sum of weights",
        "mse.forward(np.ones((2, 3)), np.zeros((2, 3)))[0] == 1",
    ),
    Convention(
        SOFTMAXES,
        "an axis of length 0",
        "an empty result; there is nothing to normalise",
        "PyTorch the same",
        "softmax.forward(np.zeros((2, 0)))[0].shape == (2, 0)",
        at="empty",
    ),
    Convention(
        ("softmax_cross_entropy",),
        "targets that do not sum to 1",
        "the gradient is y Σt − t, which is y − t only where Σt = 1",
        "PyTorch the same; hand-written kernels often give y − t",
        "np.allclose(grad(softmax_cross_entropy, np.zeros(2), np.array([3.0, 1.0])).z, [-1, 1])",
    ),
    Convention(
        ("embedding",),
        "the token equals padding_index",
        "a row of zeros, and no gradient",
        "PyTorch returns the stored row and gives no gradient",
        "embedding.forward(np.ones((2, 1)), np.array([1, 0]), padding_index=1)[0].ravel().tolist() == [0, 1]",
    ),
    Convention(
        ("embedding",),
        "a token that occurs twice",
        "its row collects both gradients",
        "all frameworks the same",
        "grad(embedding, np.ones((2, 1)), np.array([1, 1])).E.ravel().tolist() == [0, 3]",
    ),
    Convention(
        ("batch_norm", "layer_norm", *OF_GROUPS),
        "variance",
        "divided by N in the normalisation",
        "all frameworks the same",
        "np.allclose(layer_norm.forward(np.array([3.0, 1.0]), np.ones(2), np.zeros(2), epsilon=1e-300)[0], [1, -1])",
    ),
    Convention(
        ("batch_norm",),
        "running variance",
        "divided by N − 1, or by 1 where there is one value",
        "PyTorch: N − 1; TensorFlow and Flax: N",
        "batch_norm.forward(np.array([[3.0], [1.0]]), *[np.ones(1)] * 4, momentum=1)[0].new_var[0] == 2",
    ),
    Convention(
        ("batch_norm",),
        "momentum",
        "new = (1 − momentum) running + momentum batch; default 0.1",
        "PyTorch the same; TensorFlow and Flax call the other weight momentum, default 0.99",
        "np.isclose(batch_norm.forward(np.zeros((2, 1)), *[np.ones(1)] * 4, momentum=0.1)[0].new_mean[0], 0.9)",
    ),
    Convention(
        ("dropout", "inverted_dropout"),
        "p",
        "the probability to keep; the mask is an input",
        "the source document and the original paper keep with p; PyTorch, TensorFlow and JAX's Flax drop with p",
        "inverted_dropout.forward(np.ones(1), np.ones(1), p=0.25)[0][0] == 4",
    ),
    Convention(
        ("dropout",),
        "inference",
        "scale by p; `inverted_dropout` divides by p while training instead and needs nothing",
        "PyTorch, TensorFlow and Flax: the inverted form",
        "dropout.forward(np.ones(1), np.ones(1))[0][0] == 1",
    ),
    Convention(
        ("clip_by_global_norm",),
        "norm = 0, or norm = tau",
        "nothing is changed; the gradient is that of the identity",
        "PyTorch divides by norm + 1e-6, so it always changes something near tau; Optax as here",
        "clip_by_global_norm.forward([np.array([3.0, 4.0])], tau=5.0)[0][0].tolist() == [3, 4]",
        at="tie",
    ),
    *OF_NORMS_AND_STEPS,
    *OF_LOSSES,
    *CONVENTIONS_OF_SEQUENCES,
    *OF_STRUCTURE,
    *OF_RESAMPLING,
    Convention(
        ("linear", "xavier", "he"),
        "weights",
        "stored [out, in]",
        "PyTorch the same; TensorFlow and Flax store [in, out]",
        "linear.forward(np.ones(3), np.ones((2, 3)), np.zeros(2))[0].shape == (2,)",
    ),
    Convention(
        ("gelu",),
        "which gelu",
        "the exact one, with erf",
        "PyTorch the same by default; JAX and the original code default to the tanh approximation",
        "abs(gelu.forward(np.ones(1))[0][0] - 0.8413447460685429) < 1e-15",
    ),
    *KINKS,
    *OF_WINDOWS,
)


def for_layer(layer: Layer) -> tuple[Convention, ...]:
    """The rows that concern a layer."""
    return tuple(row for row in CONVENTIONS if layer.name in row.layers)
