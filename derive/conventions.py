"""Conventions: what happens at kinks, on empty axes, outside arrays and at infinities, as data.

Rendered as docs/conventions.md and, row by row, on the pages of the layers concerned; tests and other
people's kernels are judged by it. ``check`` names what shows it: a Python expression that is true, evaluated
by tests/ledger with the kernels and NumPy in scope, where one line can.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.notation.layer import Layer


@dataclass(frozen=True)
class Convention:
    """One row.

    Attributes:
        layers: the layers concerned.
        where: the argument at which something has to be decided.
        what: what is decided.
        others: which framework does what.
        check: an expression that is true of the generated kernels, with ``np``, ``inf`` and every layer in
            scope.
    """

    layers: tuple[str, ...]
    where: str
    what: str
    others: str
    check: str = ""


LOSSES = ("cross_entropy", "softmax_cross_entropy", "softmax_cross_entropy_labels", "mse")
SOFTMAXES = ("softmax", "log_softmax", "softmax_cross_entropy", "softmax_cross_entropy_labels")

SUMS = ("linear", "conv2d", "mse", "batch_norm", "layer_norm", "l2_penalty", "clip_by_global_norm", "attention", "lstm")

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
    ),
    Convention(
        ("sigmoid", "tanh", "gelu"),
        "a value or derivative below the smallest normal number",
        "may be 0",
        "XLA (JAX, TensorFlow) sets subnormal numbers to 0",
        "0 <= sigmoid.forward(np.array([-740.0]))[0][0] < np.finfo(float).smallest_normal",
    ),
    Convention(
        ("relu",),
        "x = 0",
        "value 0, gradient 0",
        "PyTorch, TensorFlow and JAX give 0; automatic differentiation of `max(x, 0)` gives 1/2 in JAX and autograd",
        "grad(relu, np.zeros(1)).x[0] == 0",
    ),
    Convention(
        ("leaky_relu",),
        "x = 0",
        "value 0, gradient alpha",
        "PyTorch and TensorFlow give alpha; JAX gives 1",
        "grad(leaky_relu, np.zeros(1)).x[0] == 0.01",
    ),
    Convention(
        ("max_pool2d",),
        "several largest elements in a window",
        "the first one, row by row, gets the whole gradient",
        "PyTorch: the first; JAX: the first; autograd of `max` shares it evenly",
        "grad(max_pool2d, np.zeros((1, 1, 2, 2))).x.ravel().tolist() == [1, 0, 0, 0]",
    ),
    Convention(
        ("max_pool2d",),
        "outside the array",
        "never the largest: as minus infinity",
        "PyTorch and JAX the same; zero padding by hand would win over negative inputs",
        "max_pool2d.forward(-np.ones((1, 1, 2, 2)), padding=1)[0].max() == -1",
    ),
    Convention(
        ("conv2d",),
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
    ),
    Convention(
        LOSSES,
        'reduction="mean"',
        "divides by the number of examples (all leading axes), for `mse` by the number of elements",
        "PyTorch: the same; its mean over labels with class weights divides by the sum of weights",
        "mse.forward(np.ones((2, 3)), np.zeros((2, 3)))[0] == 1",
    ),
    Convention(
        SOFTMAXES,
        "an axis of length 0",
        "an empty result; there is nothing to normalise",
        "PyTorch the same",
        "softmax.forward(np.zeros((2, 0)))[0].shape == (2, 0)",
    ),
    Convention(
        ("softmax_cross_entropy",),
        "targets that do not sum to 1",
        "the gradient is y Σt − t, which is y − t only where Σt = 1",
        "PyTorch the same; hand-written kernels often give y − t",
        "np.allclose(grad(softmax_cross_entropy, np.zeros(2), np.array([3.0, 1.0])).z, [-1, 1])",
    ),
    Convention(
        ("attention",),
        "a row that may look nowhere",
        "zeros, and no gradient",
        "PyTorch gives NaN with an additive mask, and zeros in its newer fused kernels; JAX gives the mean of V",
        "not grad(attention, *[np.ones((1, 2))] * 3, np.zeros((1, 1), bool)).V.any()",
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
        ("batch_norm", "layer_norm"),
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
    ),
    Convention(
        ("linear", "xavier", "he"),
        "weights",
        "stored [out, in]",
        "PyTorch the same; TensorFlow and Flax store [in, out]",
        "linear.forward(np.ones(3), np.ones((2, 3)), np.zeros(2))[0].shape == (2,)",
    ),
    Convention(
        ("lstm",),
        "order of the gates",
        "input, forget, cell, output",
        "PyTorch the same, with two biases; Keras the same; ONNX: input, output, forget, cell",
        "lstm.forward(np.zeros((1, 1)), np.zeros(1), np.ones(1), *[np.zeros((4, 1))] * 2, "
        "np.array([-99.0, 99, 0, 0]))[0].c[0, 0] == 1",
    ),
    Convention(
        ("gelu",),
        "which gelu",
        "the exact one, with erf",
        "PyTorch the same by default; JAX and the original code default to the tanh approximation",
        "abs(gelu.forward(np.ones(1))[0][0] - 0.8413447460685429) < 1e-15",
    ),
)


def for_layer(layer: Layer) -> tuple[Convention, ...]:
    """The rows that concern a layer."""
    return tuple(row for row in CONVENTIONS if layer.name in row.layers)
