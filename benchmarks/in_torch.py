"""Every layer as PyTorch computes it: the peer of tests/peers and a contender of the benchmark.

Each function takes the layer's own arguments as torch tensors and calls PyTorch's own operator where there is
one. Where a convention differs, a comment says how, and the function states ours on top of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

Tensor = Any  # torch.Tensor; torch is an extra, so its types are not there for everybody

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,  # slope 0.01 in both
    "gelu": F.gelu,  # the erf form in both
}


def reduced(loss: Tensor, reduction: str) -> Tensor:
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x}[reduction](loss)


def softmax(z: Tensor, *, axis: int = -1) -> Tensor:
    return torch.softmax(z, dim=axis)


def log_softmax(z: Tensor, *, axis: int = -1) -> Tensor:
    return torch.log_softmax(z, dim=axis)


def leaky_relu(x: Tensor, *, alpha: float = 0.01) -> Tensor:
    return F.leaky_relu(x, negative_slope=alpha)


def cross_entropy(y: Tensor, t: Tensor, *, reduction: str = "mean") -> Tensor:
    # F.cross_entropy takes logits; on probabilities xlogy has our 0 log 0 = 0
    return reduced(-torch.xlogy(t, y).sum(dim=-1), reduction)


def softmax_cross_entropy(z: Tensor, t: Tensor, *, reduction: str = "mean") -> Tensor:
    rows = F.cross_entropy(z.reshape(-1, z.shape[-1]), t.reshape(-1, t.shape[-1]), reduction=reduction)
    return rows.reshape(z.shape[:-1]) if reduction == "none" else rows


def softmax_cross_entropy_labels(z: Tensor, t: Tensor, *, reduction: str = "mean") -> Tensor:
    rows = F.cross_entropy(z.reshape(-1, z.shape[-1]), t.reshape(-1), reduction=reduction)
    return rows.reshape(t.shape) if reduction == "none" else rows


def mse(y: Tensor, t: Tensor, *, reduction: str = "mean") -> Tensor:
    return F.mse_loss(y, t, reduction=reduction)


def layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    return F.layer_norm(x, gamma.shape, gamma, beta, epsilon)


def batch_norm(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    momentum: float = 0.1,
    epsilon: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    # PyTorch writes its buffers in place and without a gradient: hand it copies and return them
    new_mean, new_var = running_mean.detach().clone(), running_var.detach().clone()
    y = F.batch_norm(x, new_mean, new_var, gamma, beta, training=True, momentum=momentum, eps=epsilon)
    return y, new_mean, new_var


def batch_norm_inference(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    epsilon: float = 1e-5,
) -> Tensor:
    return F.batch_norm(x, running_mean, running_var, gamma, beta, training=False, eps=epsilon)


def dropout(x: Tensor, m: Tensor) -> Tensor:
    return x * m  # F.dropout draws a mask of its own; given one, this is what is left


def inverted_dropout(x: Tensor, m: Tensor, *, p: float = 0.5) -> Tensor:
    return x * m / p  # F.dropout's p is the probability to drop, ours to keep


def l2_penalty(W: Sequence[Tensor], *, weight_decay: float = 1e-4) -> Tensor:
    return weight_decay / 2 * sum(w.square().sum() for w in W)


def clip_by_global_norm(g: Sequence[Tensor], *, tau: float = 1.0) -> list[Tensor]:
    # torch.nn.utils.clip_grad_norm_ is this with 1e-6 added to the norm, which no test to 1e-12 could pass
    norm = torch.linalg.vector_norm(torch.cat([a.reshape(-1) for a in g]))
    return [a * torch.clamp(tau / norm, max=1.0) for a in g]


def sgd(W: Sequence[Tensor], dW: Sequence[Tensor], *, alpha: float = 0.01) -> list[Tensor]:
    return [torch.sub(w, d, alpha=alpha) for w, d in zip(W, dW, strict=True)]


def xavier(noise: Tensor) -> Tensor:
    # torch.nn.init.xavier_normal_ draws its own noise; this is its standard deviation
    fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(noise)
    return noise * math.sqrt(2.0 / (fan_in + fan_out))


def he(noise: Tensor) -> Tensor:
    # torch.nn.init.kaiming_normal_(mode="fan_in", nonlinearity="relu") with the noise given
    fan_in, _ = torch.nn.init._calculate_fan_in_and_fan_out(noise)
    return noise * (torch.nn.init.calculate_gain("relu") / math.sqrt(fan_in))


def mlp(
    x: Tensor, W: Sequence[Tensor], b: Sequence[Tensor], *, activation: str = "relu", output: str = "identity"
) -> Tensor:
    h = x
    for layer, (weight, bias) in enumerate(zip(W, b, strict=True)):
        h = ACTIVATIONS[output if layer == len(W) - 1 else activation](F.linear(h, weight, bias))
    return h


def residual(x: Tensor, skip: Tensor, W: Tensor, b: Tensor, *, activation: str = "relu") -> Tensor:
    return ACTIVATIONS[activation](F.linear(x, W, b)) + skip


def attention(Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Tensor:
    if causal and mask is not None:  # PyTorch takes one or the other
        mask, causal = mask & torch.ones(mask.shape[-2:], dtype=torch.bool).tril(), False
    return F.scaled_dot_product_attention(Q, K, V, attn_mask=mask, is_causal=causal)


def conv2d(
    x: Tensor,
    W: Tensor,
    bias: Tensor,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Tensor:
    return F.conv2d(x, W, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def max_pool2d(x: Tensor, *, window: int = 2, stride: int = 2, padding: int = 0) -> Tensor:
    return F.max_pool2d(x, window, stride=stride, padding=padding)


def embedding(E: Tensor, t: Tensor, *, padding_index: int = -1) -> Tensor:
    if padding_index < 0:
        return F.embedding(t, E)
    # PyTorch reads the padding row and only drops its gradient; ours is zero both ways
    rows = F.embedding(t, E, padding_idx=padding_index)
    return rows * (t != padding_index)[..., None]


def lstm(x: Tensor, h0: Tensor, c0: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    # torch.lstm returns only the last cell state: step the cell, which takes one batch axis and two biases
    zero = torch.zeros_like(b)
    h, c = h0.reshape(-1, h0.shape[-1]), c0.reshape(-1, c0.shape[-1])
    hs, cs = [], []
    for x_t in x.reshape(x.shape[0], -1, x.shape[-1]):
        h, c = torch.lstm_cell(x_t, (h, c), W, U, b, zero)
        hs.append(h)
        cs.append(c)
    shape = (x.shape[0], *h0.shape)
    return torch.stack(hs).reshape(shape), torch.stack(cs).reshape(shape)


LAYERS: dict[str, Callable[..., Any]] = {
    **ACTIVATIONS,
    "linear": F.linear,
    **{
        f.__name__: f
        for f in (
            leaky_relu,
            softmax,
            log_softmax,
            cross_entropy,
            softmax_cross_entropy,
            softmax_cross_entropy_labels,
            mse,
            layer_norm,
            batch_norm,
            batch_norm_inference,
            dropout,
            inverted_dropout,
            l2_penalty,
            clip_by_global_norm,
            sgd,
            xavier,
            he,
            mlp,
            residual,
            attention,
            conv2d,
            max_pool2d,
            embedding,
            lstm,
        )
    },
}
