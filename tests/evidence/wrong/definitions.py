"""Kernels that the generator prints for definitions with a mistake in them.

They are wrong in the same way in values, gradients, tangents and second gradients, and in every number type.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from derive.calculus.derivation import derive
from derive.command.build import printed
from derive.notation.define import REGISTRY, read_source
from tests.evidence.shared import LAYERS
from tests.evidence.wrong.kernel import Wrong

HEAD = "from derive import layer\n\n\n"

#: The class of the mistake, what is wrong, the layer, and what is replaced in its definition by what.
TABLE: tuple[tuple[str, str, str, str, str], ...] = (
    ("mean and sum", "a sum for the mean", "layer_norm", "mean(i, x[..., i])", "sum(i, x[..., i])"),
    ("mean and sum", "a mean over classes for the sum", "cross_entropy", "sum(i, xlogy", "mean(i, xlogy"),
    ("mean and sum", "a mean for the sum", "l2_penalty", "sum((l, ...), W[l, ...] ** 2)",
     "sum((l, ...), W[l, ...] ** 2) / size(l)"),
    ("biased variance", "N - 1 in the layer's variance", "layer_norm", "mean(i, (x[..., i] - mu[...]) ** 2)",
     "sum(i, (x[..., i] - mu[...]) ** 2) / max(1, size(i) - 1)"),
    ("state outputs", "the running variance is the biased one", "batch_norm", "var[c] * n / max(1, n - 1)", "var[c]"),
    ("state outputs", "momentum the other way round", "batch_norm",
     "(1 - momentum) * running_mean[c] + momentum * mu[c]", "momentum * running_mean[c] + (1 - momentum) * mu[c]"),
    ("state outputs", "the running mean stands still", "batch_norm",
     "(1 - momentum) * running_mean[c] + momentum * mu[c]", "running_mean[c]"),
    ("epsilon", "epsilon beside the root", "layer_norm", "1 / sqrt(var[...] + epsilon)",
     "1 / (sqrt(var[...]) + epsilon)"),
    ("epsilon", "no epsilon", "layer_norm", "var[...] + epsilon", "var[...] + 0 * epsilon"),
    ("epsilon", "epsilon's default for its value", "batch_norm_inference", "running_var[c] + epsilon",
     "running_var[c] + 1e-5"),
    ("epsilon", "epsilon squared", "batch_norm", "var[c] + epsilon", "var[c] + epsilon ** 2"),
    ("option", "alpha's default for its value", "leaky_relu", "alpha * x[...]", "0.01 * x[...]"),
    ("option", "a maximum, right for alpha in [0, 1] only", "leaky_relu", "x[...] if x[...] > 0 else alpha * x[...]",
     "max(x[...], alpha * x[...])"),
    ("option", "p's default for its value", "inverted_dropout", "/ p", "* 2"),
    ("option", "1 - p for p", "inverted_dropout", "/ p", "/ (1 - p)"),
    ("option", "tau is taken for 1", "clip_by_global_norm", "tau / norm * g", "1 / norm * g"),
    ("option", "the rate's default for its value", "sgd", "alpha * dW", "0.01 * dW"),
    ("option", "weight decay's default for its value", "l2_penalty", "weight_decay / 2", "1e-4 / 2"),
    ("negative option", "|alpha|", "leaky_relu", "alpha * x[...]", "abs(alpha) * x[...]"),
    ("negative option", "|alpha|", "sgd", "alpha * dW", "abs(alpha) * dW"),
    ("negative option", "|weight decay|", "l2_penalty", "weight_decay / 2", "abs(weight_decay) / 2"),
    ("negative option", "max(alpha, 0)", "leaky_relu", "alpha * x[...]", "max(alpha, 0) * x[...]"),
    ("lost term", "no bias", "linear", "+ b[o]", "+ 0 * b[o]"),
    ("lost term", "no bias", "conv2d", "= bias[g, o]", "= 0 * bias[g, o]"),
    ("lost term", "no shift", "layer_norm", "+ beta[i]", "+ 0 * beta[i]"),
    ("lost term", "no bias", "lstm", "+ b[gate, n]", "+ 0 * b[gate, n]"),
    ("lost term", "the mean is not subtracted", "batch_norm_inference", "- running_mean[c]", "- 0 * running_mean[c]"),
    ("factor", "1 + gamma for gamma", "layer_norm", "gamma[i] * x_hat", "(1 + gamma[i]) * x_hat"),
    ("factor", "half of the square", "mse", "(y[...] - t[...]) ** 2", "(y[...] - t[...]) ** 2 / 2"),
    ("factor", "no half", "l2_penalty", "weight_decay / 2", "weight_decay"),
    ("factor", "no half", "gelu", "/ 2", "/ 1"),
    ("factor", "the step up the hill", "sgd", "- alpha", "+ alpha"),
    ("factor", "gain of tanh", "xavier", "sqrt(2 / (size(i) + size(o)))", "5 / 3 * sqrt(2 / (size(i) + size(o)))"),
    ("wrong size", "fan in alone", "xavier", "2 / (size(i) + size(o))", "1 / size(i)"),
    ("wrong size", "fan out", "he", "2 / size(i)", "2 / size(o)"),
    ("wrong size", "scaled by the width of the values", "attention", "sqrt(size(d))", "sqrt(size(v))"),
    ("wrong size", "scaled by d, not its root", "attention", "/ sqrt(size(d))", "/ size(d)"),
    ("off by one", "causal without the diagonal", "attention", "k <= q", "k < q"),
    ("off by one", "causal with one key too many", "attention", "k <= q", "k <= q + 1"),
    ("off by one", "the last layer is activated, too", "mlp", "if l < size(l) - 1", "if l < size(l)"),
    ("off by one", "padding one too small", "conv2d", "- padding[0, 0],", "- padding[0, 0] + 1,"),
    ("off by one", "padding after for that before", "conv2d", "- padding[1, 0]]", "- padding[1, 1]]"),
    ("off by one", "the window begins one late", "max_pool2d", "stride[0] * i +", "stride[0] * i + 1 +"),
    ("mask", "the mask the other way round", "attention", "if mask[..., q, k]", "if not mask[..., q, k]"),
    ("mask", "causal the other way round", "attention", "k <= q", "k >= q"),
    ("mask", "causal is always on", "attention", "or not causal", "or causal and k <= q"),
    ("mask", "dropped and kept exchanged", "dropout", "x[...] * m[...]", "x[...] * (1 - m[...])"),
    ("padding index", "the padding token has its row", "embedding", "E[t[...], d] if t[...] != padding_index else 0",
     "E[t[...], d] * (1 if t[...] != padding_index else 1)"),
    ("window", "dilation ignored", "conv2d", "dilation[0] * k -", "k -"),
    ("window", "stride along one axis only", "conv2d", "stride[1] * j", "j"),
    ("window", "one stride for both axes", "conv2d", "stride[1] * j", "stride[0] * j"),
    ("window", "one dilation for both axes", "max_pool2d", "dilation[1] * l", "dilation[0] * l"),
    ("window", "the filter turned round", "conv2d", "W[g, o, c, k, l]", "W[g, o, c, size(k) - 1 - k, l]"),
    ("window", "windows that do not overlap", "max_pool2d", "stride[0] * i", "window[0] * i"),
    ("window", "the smallest for the largest", "max_pool2d", "max((k, l), x", "-max((k, l), -x"),
    ("recurrence", "input and forget gate exchanged", "lstm",
     "sigmoid(s[t, ..., 1, n]) * c[t - 1, ..., n] + sigmoid(s[t, ..., 0, n])",
     "sigmoid(s[t, ..., 0, n]) * c[t - 1, ..., n] + sigmoid(s[t, ..., 1, n])"),
    ("recurrence", "the cell as it is, not its tanh", "lstm", "tanh(c[t, ..., n])", "c[t, ..., n]"),
    ("square only", "the recurrent weights transposed", "lstm", "U[gate, n, m]", "U[gate, m, n]"),
    ("activation", "the activation after the sum", "residual", "activation(z[..., o]) + skip[..., o]",
     "activation(z[..., o] + skip[..., o])"),
    ("activation", "the form with tanh", "gelu", "(1 + erf(x[...] / sqrt(2))) / 2",
     "(1 + tanh(sqrt(2 / pi) * (x[...] + 0.044715 * x[...] ** 3))) / 2"),
    ("activation", "sigmoid(1.702 x) for the normal distribution", "gelu", "(1 + erf(x[...] / sqrt(2))) / 2",
     "sigmoid(1.702 * x[...])"),
    ("activation", "a sigmoid that falls", "sigmoid", "exp(-x[...])", "exp(x[...])"),
    ("activation", "relu cut off at 6", "relu", "max(0, x[...])", "-max(-6, -max(0, x[...]))"),
    ("condition", "clipped always", "clip_by_global_norm", "g[l, ...] if norm <= tau else tau / norm * g[l, ...]",
     "tau / norm * g[l, ...]"),
    ("condition", "clipped when small", "clip_by_global_norm", "norm <= tau", "norm > tau"),
    ("condition", "the row that may look nowhere divides by 0", "attention",
     "E[..., q, k] / total[..., q] if total[..., q] != 0 else 0", "E[..., q, k] / total[..., q]"),
    ("sign", "the logarithm's sum is added", "log_softmax", "- log(", "+ log("),
    ("sign", "cross-entropy without its minus", "cross_entropy", "-sum(", "sum("),
)  # fmt: skip


def printed_for(name: str, *changes: tuple[str, str]) -> Callable[[], Any]:
    """The kernel of a layer's definition with some of its text replaced."""

    def make() -> Any:
        source = LAYERS[name][0].source
        for old, new in changes:
            assert old in source, f"{name}: {old!r} is not in its definition"
            source = source.replace(old, new)
        before = dict(REGISTRY)
        del REGISTRY[name]
        try:
            variants = read_source(HEAD + source, f"<a wrong {name}>")[name]
            text, _ = printed(tuple(map(derive, variants)))
        finally:
            REGISTRY.clear()
            REGISTRY.update(before)
        module = types.ModuleType(f"wrong_{name}")
        exec(compile(text, f"<a wrong {name}'s kernel>", "exec"), module.__dict__)
        return module

    return make


def wrong_definitions() -> Iterator[Wrong]:
    for kind, words, name, old, new in TABLE:
        yield Wrong(kind, words, name, printed_for(name, (old, new)))
