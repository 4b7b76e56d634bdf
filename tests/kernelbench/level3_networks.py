"""KernelBench, level 3, in PyTorch; with several normalisations a network gives its output and what they move along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

Lengths = dict[str, int | tuple[int, ...]]  #: of each axis; of a list's entries, where they differ


def batch_norm(h: Any, t: Any, n: int = 0) -> Any:
    """The n-th normalisation, which moves its running statistics along, in place."""
    mean, var, gamma, beta = (getattr(t, f"{name}{n}") for name in ("mean", "var", "gamma", "beta"))
    return F.batch_norm(h, mean, var, gamma, beta, training=True)


def basic_block(t: Any) -> Any:
    h = batch_norm(F.conv2d(F.relu(batch_norm(F.conv2d(t.x, t.W1, padding=1), t, 1)), t.W2, padding=1), t, 2)
    return F.relu(h + batch_norm(pointwise(t.x, t.W3), t, 3))


def mb_conv(t: Any) -> Any:
    h = F.relu6(batch_norm(pointwise(t.x, t.W1), t, 1))
    h = F.conv2d(h, t.W2[:, None], None, t.stride, t.padding, groups=len(t.W2))
    return batch_norm(pointwise(F.relu6(batch_norm(h, t, 2)), t.W3), t, 3)


def alexnet(t: Any) -> Any:
    h = F.max_pool2d(F.relu(F.conv2d(t.x, t.W1, t.b1, 4, 2)), 3, 2)
    h = F.max_pool2d(F.relu(F.conv2d(h, t.W2, t.b2, 1, 2)), 3, 2)
    for W, b in ((t.W3, t.b3), (t.W4, t.b4), (t.W5, t.b5)):
        h = F.relu(F.conv2d(h, W, b, padding=1))
    return linears(F.max_pool2d(h, 3, 2), t)


def vgg(t: Any, stages: tuple[int, ...]) -> Any:
    """Stages of so many convolutions."""
    h, n = t.x, 0
    for count in stages:
        for _ in range(count):
            n += 1
            h = F.relu(F.conv2d(h, getattr(t, f"W{n}"), getattr(t, f"b{n}"), padding=1))
        h = F.max_pool2d(h, 2)
    return linears(h, t)


def linears(h: Any, t: Any) -> Any:
    h = F.relu(F.linear(h.flatten(1), t.U, t.u0))
    return F.linear(F.relu(F.linear(h, t.V, t.v0)), t.W, t.w0)


def lenet5(t: Any) -> Any:
    h = F.max_pool2d(F.relu(F.conv2d(t.x, t.W1, t.b1)), 2)
    h = F.max_pool2d(F.relu(F.conv2d(h, t.W2, t.b2)), 2)
    h = F.relu(F.linear(h.flatten(1), t.V, t.v))
    return F.linear(F.relu(F.linear(h, t.W, t.w)), t.U, t.u)


def pointwise(x: Any, W: Any, b: Any = None) -> Any:
    return F.conv2d(x, W[:, :, None, None], b)


def inception(t: Any) -> Any:
    three = F.conv2d(pointwise(t.x, t.R3, t.r3), t.W3, t.b3, padding=1)
    five = F.conv2d(pointwise(t.x, t.R5, t.r5), t.W5, t.b5, padding=2)
    pool = pointwise(F.max_pool2d(t.x, 3, 1, 1), t.Wp, t.bp)
    return torch.cat([pointwise(t.x, t.W1, t.b1), three, five, pool], 1)


def fire(t: Any) -> Any:
    h = F.relu(pointwise(t.x, t.S, t.s))
    return torch.cat([F.relu(pointwise(h, t.W1, t.b1)), F.relu(F.conv2d(h, t.W3, t.b3, padding=1))], 1)


def heads(x: Any, t: Any) -> tuple[Any, ...]:
    """Queries, keys and values of each head, of one projection."""
    return F.linear(x, t.W, t.b).unflatten(-1, (3, t.heads, -1)).permute(2, 0, 3, 1, 4).unbind()


def causal_attention(x: Any, t: Any) -> Any:
    O = F.scaled_dot_product_attention(*heads(x, t), is_causal=True)
    return F.linear(O.transpose(1, 2).flatten(2), t.P, t.c)


def gpt_block(t: Any) -> Any:
    r = t.x + causal_attention(F.layer_norm(t.x, t.x.shape[-1:], t.gamma1, t.beta1), t)
    m = F.layer_norm(r, r.shape[-1:], t.gamma2, t.beta2)
    return r + F.linear(F.gelu(F.linear(m, t.W1, t.b1), approximate="tanh"), t.W2, t.b2)


def rnn(x: Any, h: Any, t: Any) -> Any:
    return torch.tanh(F.linear(torch.cat([x, h], 1), torch.cat([t.W, t.U], 1), t.b))


def unrolled(t: Any) -> Any:
    h, out = t.h0, []
    for x in t.x:
        h = rnn(x, h, t)
        out.append(F.linear(h, t.V, t.d))
    return torch.stack(out)


def lstm(t: Any) -> Any:
    zero = torch.zeros_like(t.b[0])
    weights = [w for each in zip(t.W, t.U, t.b, strict=True) for w in (*each, zero)]
    start = torch.stack(t.h0), torch.stack(t.c0)
    return torch.lstm(t.x, start, weights, True, len(t.W), 0.0, True, False, True)


def gru(t: Any) -> Any:
    weights = [w for each in zip(t.W, t.U, t.b, t.c, strict=True) for w in each]
    return torch.gru(t.x, torch.stack(t.h0), weights, True, len(t.W), 0.0, True, False, False)


def segment_sums(x: Any) -> Any:
    """Of x[k+1] to x[i] at [i, k], minus infinity after the diagonal."""
    sums = x.cumsum(-1)
    return (sums[..., :, None] - sums[..., None, :]).masked_fill(
        ~torch.ones(x.shape[-1:] * 2).tril().bool(), -torch.inf
    )


def mamba2_y(t: Any) -> Any:
    """All pairs of steps at once, and what the first state gives."""
    decay = segment_sums(t.A.transpose(1, 2)).exp()
    y = torch.einsum("nthz,nshz,nhts,nshp->nthp", t.C, t.B, decay, t.X)
    return y + torch.einsum("nthz,nth,nhpz->nthp", t.C, t.A.cumsum(1).exp(), t.S0)


def mamba2_state(t: Any) -> Any:
    left = (t.A.sum(1, keepdim=True) - t.A.cumsum(1)).exp()
    return t.A.sum(1).exp()[..., None, None] * t.S0 + torch.einsum("nth,nthp,nths->nhps", left, t.X, t.B)


def vlad(t: Any) -> Any:
    p = F.softmax(batch_norm((t.x @ t.C).flatten(0, 1), t, 1), 1).unflatten(0, t.x.shape[:2])
    v = (p.mT @ t.x).mT - p.sum(1, keepdim=True) * t.D
    return F.normalize(F.normalize(v).flatten(1)).view_as(v)


def ghosts(t: Any) -> Any:
    p = F.softmax(batch_norm((t.x @ t.C).flatten(0, 1), t, 1), 1).unflatten(0, t.x.shape[:2])[..., : -t.ghosts]
    v = (p.mT @ t.x).mT - p.sum(1, keepdim=True) * t.D
    return F.normalize(F.normalize(v).flatten(1)).view_as(v)


def image_attention(t: Any) -> Any:
    x = t.x.flatten(2).mT
    O = F.scaled_dot_product_attention(*heads(x, t)).transpose(1, 2).flatten(2)
    return F.layer_norm(x + F.linear(O, t.P, t.c), x.shape[-1:], t.gamma, t.beta).mT.view_as(t.x)


def encoder(x: Any, t: Any) -> Any:
    """PyTorch's layers of a transformer, not batch_first: attention along the first axis."""
    for n, W in enumerate(t.W):
        one = torch.nn.TransformerEncoderLayer(W.shape[1], t.heads, len(t.W1[n]), 0.0).double()
        weights = W, t.b[n], t.P[n], t.p[n], t.W1[n], t.b1[n], t.W2[n], t.b2[n]
        weights += t.gain1[n], t.c1[n], t.gain2[n], t.c2[n]
        given = dict(zip((name for name, _ in one.named_parameters()), weights, strict=True))
        x = torch.func.functional_call(one, given, (x,))
    return x


def patches(t: Any) -> Any:
    m = t.x.unfold(2, t.patch, t.patch).unfold(3, t.patch, t.patch)
    m = F.linear(m.reshape(len(m), -1, t.patch**2 * m.shape[1]), t.E, t.e)
    m = torch.cat([t.cls.expand(len(m), 1, -1), m], 1) + t.positions
    return F.linear(F.gelu(F.linear(encoder(m, t)[:, 0], t.V1, t.v1)), t.V2, t.v2)


def convolved_patches(t: Any) -> Any:
    m = F.linear(F.conv2d(t.x, t.K, t.b0, t.patch).flatten(1), t.E, t.e0)
    return F.linear(encoder(torch.stack([t.cls.expand_as(m), m], 1), t)[:, 0], t.V, t.v)


def gru_both_ways(t: Any) -> Any:
    each = zip(t.W0, t.U0, t.b0, t.c0, t.W1, t.U1, t.b1, t.c1, strict=True)
    start = torch.stack([s for pair in zip(t.h0, t.h1, strict=True) for s in pair])
    return torch.gru(t.x, start, [w for layer in each for w in layer], True, len(t.W0), 0.0, True, True, False)


def lstm_both_ways(t: Any) -> Any:
    zero = torch.zeros_like(t.b0[0])
    each = zip(t.W0, t.U0, t.b0, t.W1, t.U1, t.b1, strict=True)
    weights = [w for W, U, b, V, Z, d in each for w in (W, U, b, zero, V, Z, d, zero)]
    h = torch.stack([s for pair in zip(t.h0, t.h1, strict=True) for s in pair])
    c = torch.stack([s for pair in zip(t.c0, t.c1, strict=True) for s in pair])
    out = torch.lstm(t.x, (h, c), weights, True, len(t.W0), 0.0, True, True, True)[0]
    return F.linear(out[:, -1], t.V, t.v)


def relu_attention(t: Any) -> Any:
    q, k, v = heads(t.x, t)
    scores = F.relu(q @ k.mT / k.shape[-1] ** 0.5).tril()
    return (scores @ v).transpose(1, 2)


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "lenet5": lenet5,
    "res_net_basic_block": basic_block,
    "efficient_net_mb_conv": mb_conv,
    "alex_net": alexnet,
    "vgg16": lambda t: vgg(t, (2, 2, 3, 3, 3)),
    "vgg19": lambda t: vgg(t, (2, 2, 4, 4, 4)),
    "google_net_inception_module": inception,
    "densenet121_transition_layer": lambda t: F.avg_pool2d(pointwise(F.relu(batch_norm(t.x, t, 1)), t.W), 2),
    "squeeze_net_fire_module": fire,
    "vanilla_rnn": lambda t: F.linear(rnn(t.x, t.h0, t), t.V, t.d),
    "vanilla_rnn_hidden": unrolled,
    "lstm_": lambda t: F.linear(lstm(t)[0][:, -1], t.V, t.v),
    "lstm_hn": lambda t: lstm(t)[1],
    "lstm_cn": lambda t: lstm(t)[2],
    "gru_": lambda t: gru(t)[0],
    "gru_hidden": lambda t: gru(t)[1],
    "lstm_bidirectional": lstm_both_ways,
    "gru_bidirectional": lambda t: gru_both_ways(t)[0],
    "gru_bidirectional_hidden": lambda t: gru_both_ways(t)[1].unflatten(0, (-1, 2)),
    "mamba2_return_y": mamba2_y,
    "mamba2_return_final_state": mamba2_state,
    "min_gpt_causal_attention": lambda t: causal_attention(t.x, t),
    "mini_gpt_block": gpt_block,
    "net_vlad_no_ghost_clusters": vlad,
    "net_vlad_with_ghost_clusters": ghosts,
    "vision_attention": image_attention,
    "vision_transformer": patches,
    "convolutional_vision_transformer": convolved_patches,
    "relu_self_attention": relu_attention,
}


def sizes(text: str) -> Lengths:
    """``n2 c3``: how long n and c are."""
    return {word[0]: int(word[1:]) for word in text.split()}


KERNELS: Lengths = {"three": 3, "five": 5}
WORDS = sizes("n2 t5 i4 h2 d3 w7") | {"three": 3}
PATCHES = WORDS | sizes("i6 n3 c3 r2 k2 s3 o2 l2 g4")
DEEP = KERNELS | {f"c{n}": 1 + (n * 5) % 4 for n in range(17)} | sizes("n2 p33 q64 g4 h3 o2")
STEPS = sizes("t6 n3 i4 h5 m5 o2")
LAYERS = STEPS | {"l": 2, "i": (4, 5), "gate": 3}
STATES = sizes("n2 t6 h3 p4 s5")
LENGTHS: dict[str, Lengths] = {
    "vgg16": DEEP | {"u": 2 * (1 + 65 % 4)},
    "vgg19": DEEP | {"u": 2 * (1 + 80 % 4)},
    "lenet5": sizes("n2 c1 p15 q19 d2 k4 l4 e3 g6 h6 f5 o4"),
    "res_net_basic_block": KERNELS | sizes("n2 c3 m4 o5 p6 q7"),
    "efficient_net_mb_conv": sizes("n2 c3 m4 o2 p6 q7 k5 l5"),
    "alex_net": KERNELS | sizes("n2 c2 p67 q99 d3 k11 l11 e2 r5 s5 f3 m2 t2 u4 g4 h3 o2"),
    "google_net_inception_module": KERNELS | sizes("n2 c3 p6 q7 d2 e4 f3 g1 h5 o2"),
    "densenet121_transition_layer": KERNELS | sizes("n2 c3 p6 q8 o4"),
    "squeeze_net_fire_module": KERNELS | sizes("n2 c3 p6 q7 d2 e4 f3"),
    "vanilla_rnn": STEPS,
    "vanilla_rnn_hidden": STEPS,
    "lstm_": LAYERS | {"gate": 4},
    "lstm_hn": LAYERS | {"gate": 4},
    "lstm_cn": LAYERS | {"gate": 4},
    "gru_": LAYERS,
    "gru_hidden": LAYERS,
    "lstm_bidirectional": LAYERS | {"gate": 4, "i": (4, 10), "d": 2},
    "gru_bidirectional": LAYERS | {"i": (4, 10)},
    "gru_bidirectional_hidden": LAYERS | {"i": (4, 10)},
    "mamba2_return_y": STATES,
    "mamba2_return_final_state": STATES,
    "min_gpt_causal_attention": WORDS,
    "mini_gpt_block": WORDS,
    "net_vlad_no_ghost_clusters": sizes("n2 m7 i4 k3"),
    "net_vlad_with_ghost_clusters": sizes("n2 m7 i4 k3 j2"),
    "vision_attention": WORDS | sizes("p2 q3"),
    "vision_transformer": PATCHES | sizes("f5 t7"),
    "convolutional_vision_transformer": PATCHES | sizes("e2"),
    "relu_self_attention": WORDS,
}
