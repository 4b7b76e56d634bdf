"""Blocks and networks compared with PyTorch, put together from its functions."""

from __future__ import annotations

from typing import Any

from tests.peers.row import Row, normal


def normed(F: Any, x: Any, gamma: Any, beta: Any, mean: Any, var: Any) -> tuple[Any, Any, Any]:
    """Batch normalisation in training, and the running statistics after it."""
    mean, var = mean.detach().clone(), var.detach().clone()
    return F.batch_norm(x, mean, var, gamma, beta, training=True), mean, var


def residual_block(F: Any, x: Any, *a: Any) -> tuple[Any, ...]:
    n, *first = normed(F, F.conv2d(x, a[0], a[1], padding=1), *a[2:6])
    n, *then = normed(F, F.conv2d(F.relu(n), a[6], a[7], padding=1), *a[8:12])
    return F.relu(n + x), *first, *then


def resnet(F: Any, x: Any, W0: Any, b0: Any, *rest: Any) -> tuple[Any, ...]:
    *lists, V, d = rest
    h, moved = F.relu(F.conv2d(x, W0, b0, padding=1)), []
    for block in zip(*lists, strict=True):
        h, *states = residual_block(F, h, *block)
        moved.append(states)
    return F.linear(h.mean((2, 3)), V, d), *(list(each) for each in zip(*moved, strict=True))


def dense_layer(F: Any, x: Any, gamma: Any, beta: Any, mean: Any, var: Any, W: Any, bias: Any) -> tuple[Any, ...]:
    n, *moved = normed(F, x, gamma, beta, mean, var)
    z = F.conv2d(F.relu(n), W, bias, padding=1)
    y = x.new_zeros((len(x), x.shape[1] + z.shape[1], *x.shape[2:]))
    y[:, : x.shape[1]], y[:, x.shape[1] :] = x, z
    return y, *moved


def densenet(F: Any, x: Any, *a: Any) -> tuple[Any, ...]:
    h = F.conv2d(x, a[0], a[1], padding=1)
    h, *first = dense_layer(F, h, *a[2:8])
    h, *second = dense_layer(F, h, *a[8:14])
    n, *third = normed(F, h, *a[14:18])
    return F.linear(F.relu(n).mean((2, 3)), a[18], a[19]), *first, *second, *third


def encoder_block(F: Any, x: Any, *a: Any, heads: int = 1) -> Any:
    n = F.layer_norm(x, x.shape[-1:], a[0], a[1])
    Q, K, V = [F.linear(n, a[k], a[k + 1]).unflatten(-1, (heads, -1)).transpose(1, 2) for k in (2, 4, 6)]
    O = (F.softmax(Q @ K.mT / Q.shape[-1] ** 0.5, -1) @ V).transpose(1, 2).flatten(2)
    r = x + F.linear(O, a[8], a[9])
    m = F.layer_norm(r, r.shape[-1:], a[10], a[11])
    return r + F.linear(F.gelu(F.linear(m, a[12], a[13])), a[14], a[15])


def transformer(F: Any, x: Any, E: Any, P: Any, *rest: Any, heads: int = 1) -> Any:
    *lists, gamma, beta, V, c = rest
    r = F.linear(x, E) + P
    for block in zip(*lists, strict=True):
        r = encoder_block(F, r, *block, heads=heads)
    return F.linear(F.layer_norm(r, r.shape[-1:], gamma, beta).mean(1), V, c)


def twice(shapes: tuple[Any, ...]) -> tuple[Any, ...]:
    """A list of two arrays for each shape."""
    return tuple([shape, shape] for shape in shapes)


def one_dense(c: int, g: int) -> tuple[Any, ...]:
    return ((c,), (c,), (c,), (c,), (g, c, 3, 3), (g,))


def multi_head_attention(F: Any, x: Any, z: Any, *given: Any, heads: int = 1) -> Any:
    """By torch.nn.functional, whose axes are positions, examples, features."""
    import torch

    Wq, bq, Wk, bk, Wv, bv, Wo, bo, B = given
    x, z = x.transpose(0, 1), z.transpose(0, 1)
    biases = torch.cat([bq, bk, bv])
    y, _ = F.multi_head_attention_forward(
        *(x, z, z, Wq.shape[0], heads, None, biases, None, None, False, 0.0, Wo, bo),
        attn_mask=B.repeat_interleave(heads, 0),
        use_separate_proj_weight=True,
        q_proj_weight=Wq,
        k_proj_weight=Wk,
        v_proj_weight=Wv,
    )
    return y.transpose(0, 1)


# the gradients of biases before a batch normalisation and of keys are 0, what is computed of them is rounding
CANCELLED = 1e-3
I, D, W = 4, 6, 5  # of a block of an encoder: features, those of all heads together, those between two linear layers
RESIDUAL = ((3, 2, 3, 3), (3,), (3,), (3,), (3,), (3,), (2, 3, 3, 3), (2,), (2,), (2,), (2,), (2,))
ENCODER = ((I,), (I,), (D, I), (D,), (D, I), (D,), (D, I), (D,), (I, D), (I,), (I,), (I,), (W, I), (W,), (I, W), (I,))
ROWS = {
    "residual_block": Row(residual_block, normal((3, 2, 4, 5), *RESIDUAL), least=CANCELLED),
    "resnet": Row(resnet, normal((3, 1, 4, 5), (2, 1, 3, 3), (2,), *twice(RESIDUAL), (4, 2), (4,)), least=CANCELLED),
    "dense_layer": Row(dense_layer, normal((3, 2, 4, 5), *one_dense(2, 3))),
    "densenet": Row(
        densenet,
        normal(
            (3, 1, 4, 5), (2, 1, 3, 3), (2,), *one_dense(2, 3), *one_dense(5, 3), (8,), (8,), (8,), (8,), (6, 8), (6,)
        ),
        least=CANCELLED,
    ),
    "multi_head_attention": Row(
        multi_head_attention,
        normal((2, 3, D), (2, 4, I), (D, D), (D,), (D, I), (D,), (D, I), (D,), (D, D), (D,), (2, 3, 4)),
        ({}, {"heads": 2}, {"heads": 3}),
        CANCELLED,
    ),
    "encoder_block": Row(encoder_block, normal((2, 3, I), *ENCODER), ({}, {"heads": 2}, {"heads": 3}), CANCELLED),
    "transformer": Row(
        transformer,
        normal((2, 3, 5), (I, 5), (3, I), *twice(ENCODER), (I,), (I,), (7, I), (7,)),
        ({}, {"heads": 2}),
        CANCELLED,
    ),
}
