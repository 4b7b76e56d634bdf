"""Recurrence and attention compared with PyTorch: its own functions where it has them, its arithmetic elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.peers.row import Row, normal

T, B, I, N, R = 5, 3, 4, 6, 2  # steps, examples, features, units, units of the projection


def sequence(gates: int, states: int = 1, biases: int = 1) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """A sequence, its first states, and weights in PyTorch's layout."""
    return normal((T, B, I), *[(B, N)] * states, (gates * N, I), (gates * N, N), *[(gates * N,)] * biases)


def step(gates: int, states: int = 1, biases: int = 1) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """The same for one step."""
    return normal((B, I), *[(B, N)] * states, (gates * N, I), (gates * N, N), *[(gates * N,)] * biases)


def over(function: str, *weights: Any, state: Any) -> Any:
    """A function of PyTorch over a sequence, of one layer and one direction; of one bias, the other is 0."""
    import torch

    x, *weights = weights
    if len(weights) == 3:
        weights.append(torch.zeros_like(weights[2]))
    return getattr(torch, function)(x, state, weights, True, 1, 0.0, False, False, False)[0]


def over_cell(function: str, *given: Any) -> Any:
    """A function of PyTorch for one step."""
    import torch

    return getattr(torch, function)(*given)


def long_memory(x: Any, h: Any, c: Any, W: Any, U: Any, b: Any, P: Any, peeping: bool) -> Any:
    """An LSTM with peepholes or a projection, step by step."""
    import torch

    hs, cs = [], []
    for x_t in x:
        i, f, g, o = (x_t @ W.T + h @ U.T + b).chunk(4, -1)
        if peeping:
            i, f = i + P[0] * c, f + P[1] * c
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = (o + P[2] * c if peeping else o).sigmoid() * c.tanh()
        h = h if peeping else h @ P.T
        hs.append(h)
        cs.append(c)
    return torch.stack(hs), torch.stack(cs)


def reset_before(F: Any, x: Any, h: Any, W: Any, U: Any, b: Any) -> Any:
    """A gated unit step by step, as ONNX has it by default: the reset gate weighs the state."""
    (Wr, Wz, Wn), (Ur, Uz, Un), (br, bz, bn) = (each.chunk(3) for each in (W, U, b))

    def step(h: Any, x: Any) -> Any:
        r, z = (x @ Wr.T + h @ Ur.T + br).sigmoid(), (x @ Wz.T + h @ Uz.T + bz).sigmoid()
        return (1 - z) * (x @ Wn.T + (r * h) @ Un.T + bn).tanh() + z * h

    return scanned(step, h, x)


def both_ways(F: Any, x: Any, h: Any, W: Any, U: Any, b: Any, *other: Any) -> Any:
    """PyTorch's network in both directions; of two biases, one is 0."""
    import torch

    weights = (W, U, b, 0 * b, *other[1:], 0 * b)
    return torch.rnn_tanh(x, torch.stack([h, other[0]]), weights, True, 1, 0.0, False, True, False)[0]


def scanned(step: Callable[..., Any], h: Any, *sequences: Any) -> Any:
    """The states of a recurrence."""
    import torch

    states = []
    for at in zip(*sequences, strict=True):
        h = step(h, *at)
        states.append(h)
    return torch.stack(states)


def selective(F: Any, x: Any, delta: Any, A: Any, B: Any, C: Any, D: Any, h0: Any) -> Any:
    """Algorithm 2 of Gu and Dao 2023, after its discretisation."""
    h = scanned(lambda h, x, d, B: (d[..., None] * A).exp() * h + (d * x)[..., None] * B[:, None], h0, x, delta, B)
    return (h * C[:, :, None]).sum(-1) + D * x


def hidden(F: Any, e: Any, s: Any, A: Any, of: str = "logsumexp") -> Any:
    """Log-likelihood of a hidden Markov model, or the score of its best path; s are states before the first step."""
    f = s
    for e_t in e:
        f = getattr(f[..., None] + A, of)(-2) + e_t
    return getattr(f, of)(-1)


def of_lengths(F: Any, x: Any, length: Any, h: Any, *weights: Any) -> Any:
    """PyTorch's network over each example alone; its last state is repeated to the end."""
    import torch

    found = []
    for b, steps in enumerate(length.tolist()):
        read = over("rnn_tanh", x[:steps, b : b + 1], *weights, state=h[None, b : b + 1])
        found.append(torch.cat([read, read[-1:].expand(len(x) - steps, -1, -1)]))
    return torch.cat(found, 1)


def remembered_lengths(F: Any, x: Any, length: Any, h: Any, c: Any, *weights: Any) -> Any:
    """The same of long short-term memory, whose cell PyTorch gives for the last step alone."""
    import torch

    found = []
    for b, steps in enumerate(length.tolist()):
        hs, cs, at = [], [], (h[b : b + 1], c[b : b + 1])
        for t in range(len(x)):
            at = over_cell("lstm_cell", x[t, b : b + 1], at, *weights, 0 * weights[-1]) if t < steps else at
            hs.append(at[0])
            cs.append(at[1])
        found.append((torch.stack(hs), torch.stack(cs)))
    return tuple(torch.cat(each, 1) for each in zip(*found, strict=True))


def driven(rng: np.random.Generator) -> tuple[Any, ...]:
    """A sequence, steps above 0, coefficients below, and what goes in and out of two states for each feature."""
    shapes = ((T, B, I), (T, B, I), (I, R), (T, B, R), (T, B, R), (I,), (B, I, R))
    x, delta, A, *others = normal(*shapes)(rng)
    return x, np.abs(delta) + 0.1, -np.abs(A) - 0.1, *others


ROWS: dict[str, Row] = {
    "rnn_cell": Row(
        lambda F, x, h, W, U, b: over_cell("rnn_tanh_cell", x, h, W, U, b, 0 * b),
        step(1),
    ),
    "gru_cell": Row(lambda F, *given: over_cell("gru_cell", *given), step(3, 1, 2)),
    "lstm_cell": Row(
        lambda F, x, h, c, W, U, b: over_cell("lstm_cell", x, (h, c), W, U, b, 0 * b),
        step(4, 2),
    ),
    "rnn": Row(lambda F, x, h, *weights: over("rnn_tanh", x, *weights, state=h[None]), sequence(1)),
    "reverse_rnn": Row(
        lambda F, x, h, *weights: over("rnn_tanh", x.flip(0), *weights, state=h[None]).flip(0), sequence(1)
    ),
    "gru": Row(lambda F, x, h, *weights: over("gru", x, *weights, state=h[None]), sequence(3, 1, 2)),
    "linear_recurrence": Row(
        lambda F, a, x, h: scanned(lambda h, a, x: a * h + x, h, a, x), normal((T, B, 2), (T, B, 2), (B, 2))
    ),
    "projected_lstm": Row(
        lambda F, *given: long_memory(*given, peeping=False),
        normal((T, B, I), (B, R), (B, N), (4 * N, I), (4 * N, R), (4 * N,), (R, N)),
    ),
    "peephole_lstm": Row(
        lambda F, *given: long_memory(*given[:-1], given[-1].reshape(3, -1), peeping=True),
        normal((T, B, I), *[(B, N)] * 2, (4 * N, I), (4 * N, N), (4 * N,), (3 * N,)),
    ),
    "gru_reset_before": Row(reset_before, sequence(3)),
    "bidirectional_rnn": Row(
        both_ways,
        normal((T, B, I), *[(B, N), (N, I), (N, N), (N,)] * 2),
    ),
    "rnn_lengths": Row(of_lengths, lambda rng: (*sequence(1)(rng)[:1], np.array([2, 5, 3]), *sequence(1)(rng)[1:])),
    "lstm_lengths": Row(
        remembered_lengths, lambda rng: (*sequence(1)(rng)[:1], np.array([2, 5, 3]), *sequence(4, 2)(rng)[1:])
    ),
    "hmm_forward": Row(hidden, normal((T, B, N), (B, N), (N, N))),
    "selective_scan": Row(selective, driven),
    "viterbi": Row(lambda F, *given: hidden(F, *given, of="amax"), normal((T, B, N), (B, N), (N, N))),
}


def looking(F: Any, Q: Any, K: Any, V: Any, mask: Any, **options: Any) -> Any:
    """PyTorch's attention under a boolean mask, of rows that all look somewhere, causal or not."""
    causal = options.pop("causal", False)
    if causal:
        mask = mask & mask.new_ones(mask.shape[-2:]).tril()
    return F.scaled_dot_product_attention(Q, K, V, mask, **options)


def weighed(F: Any, scores: Any, V: Any) -> Any:
    """Values weighed by the softmax of scores."""
    return F.softmax(scores, -1) @ V


def scores(Q: Any, K: Any) -> Any:
    return Q @ K.mT / Q.shape[-1] ** 0.5


def distances(like: Any) -> Any:
    """k - q for each place of an array of scores."""
    import torch

    return torch.arange(like.shape[-1]) - torch.arange(like.shape[-2])[:, None]


def nearby(F: Any, Q: Any, K: Any, V: Any, mask: Any, window: Any = 1) -> Any:
    """Attention to a window, of which no row is empty; the mask leaves every row itself."""
    before, behind = window if isinstance(window, tuple) else (window, window)
    k = distances(scores(Q, K))
    return F.scaled_dot_product_attention(Q, K, V, mask & (k >= -before) & (k <= behind))


def capped(F: Any, Q: Any, K: Any, V: Any, mask: Any, cap: float = 50.0, causal: bool = False) -> Any:
    """Gemma's scores."""
    S = cap * (scores(Q, K) / cap).tanh()
    there = mask & (distances(S) <= 0) if causal else mask
    return weighed(F, S.masked_fill(~there, -np.inf), V)


def in_groups(F: Any, Q: Any, K: Any, V: Any, mask: Any, **options: Any) -> Any:
    return looking(F, Q, K, V, mask[:, None], enable_gqa=True, **options)


def with_slopes(F: Any, Q: Any, K: Any, V: Any, mask: Any) -> Any:
    """ALiBi, of slopes 2^(-8 / n), 2^(-16 / n), ... for n heads."""
    import torch

    S, heads = scores(Q, K), Q.shape[1]
    slopes = 2.0 ** (-8 * torch.arange(1, heads + 1, dtype=S.dtype) / heads)
    k = distances(S)
    return weighed(F, (S + slopes[:, None, None] * k).masked_fill((k > 0) | ~mask[:, None], -np.inf), V)


def by_distance(F: Any, Q: Any, K: Any, V: Any, B: Any, reach: int = 2) -> Any:
    S = scores(Q, K)
    return weighed(F, S + B[:, distances(S).clamp(-reach, reach) + reach], V)


def angles(steps: int, features: int, base: float, first: int = 0) -> Any:
    import torch

    powers = base ** (-torch.arange(features, dtype=torch.float64) / features)
    return torch.outer(torch.arange(first, first + steps, dtype=torch.float64), powers)


def turned(F: Any, x: Any, base: float = 10000.0, first: int = 0) -> Any:
    """Rotary positions, by complex numbers."""
    import torch

    a, b = x.chunk(2, -1)
    angle = angles(x.shape[-2], a.shape[-1], base, first)
    z = torch.complex(a, b) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([z.real, z.imag], -1)


def positions(F: Any, x: Any, base: float = 10000.0) -> Any:
    import torch

    angle = angles(x.shape[-2], x.shape[-1] // 2, base)
    return x + torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)


def decoded(F: Any, q: Any, K: Any, V: Any, key: Any, value: Any) -> Any:
    import torch

    K, V = torch.cat([K, key[..., None, :]], -2), torch.cat([V, value[..., None, :]], -2)
    return F.scaled_dot_product_attention(q[..., None, :], K, V)[..., 0, :], K, V


def summed(first: Any, of: Any) -> Any:
    """Sums of what comes first and of all up to each step."""
    return first + of.cumsum(0)


def by_features(F: Any, Q: Any, K: Any, V: Any, epsilon: float = 1e-6) -> Any:
    """Linear attention as attention of unusual probabilities."""
    A = (F.elu(Q) + 1) @ (F.elu(K) + 1).mT
    return A / (A.sum(-1, keepdim=True) + epsilon) @ V


def by_features_before(F: Any, Q: Any, K: Any, V: Any, epsilon: float = 1e-6) -> Any:
    """The same to what came before, by sums over time."""
    f, g = F.elu(Q) + 1, F.elu(K) + 1
    S, Z = (g[..., None] * V[..., None, :]).cumsum(0), g.cumsum(0)
    return (f[..., None] * S).sum(-2) / ((f * Z).sum(-1, keepdim=True) + epsilon)


def with_distances(F: Any, Q: Any, K: Any, V: Any, table: Any) -> Any:
    """A bias by the distance from query to key, as far as the table goes."""
    import torch

    n = table.shape[-1]
    distance = torch.arange(K.shape[-2]) - torch.arange(Q.shape[-2])[:, None]
    return F.scaled_dot_product_attention(Q, K, V, table[:, (distance + n // 2).clamp(0, n - 1)])


def sees(*mask: int) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """Queries, keys, values, and a mask that leaves every row its first key."""

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        there = rng.random(mask) < 0.6
        there[..., 0] = True
        return *THREE(rng), there

    return draw


def itself(rng: np.random.Generator) -> tuple[Any, ...]:
    """A mask that leaves every row itself."""
    return *THREE(rng), (rng.random((2, 4, 5, 5)) < 0.6) | np.eye(5, dtype=bool)


THREE = normal((2, 4, 5, 3), (2, 4, 5, 3), (2, 4, 5, 2))
GROUPED = normal((2, 4, 5, 3), (2, 2, 6, 3), (2, 2, 6, 2))
M = 4  # features of a model
WEIGHTS = ((M, M),) * 4 + ((M,),) * 4
CAUSAL = ({}, {"causal": True})

ROWS |= {
    "biased_attention": Row(
        lambda F, *given: F.scaled_dot_product_attention(*given),
        normal((2, 4, 5, 3), (2, 4, 6, 3), (2, 4, 6, 2), (2, 4, 5, 6)),
    ),
    "relative_bias_attention": Row(with_distances, normal((2, 4, 5, 3), (2, 4, 7, 3), (2, 4, 7, 2), (4, 5))),
    "scaled_attention": Row(
        lambda F, *given, **options: F.scaled_dot_product_attention(*given, **options),
        THREE,
        ({"scale": 0.3}, {"scale": 1.7}),
    ),
    "sliding_window_attention": Row(nearby, itself, ({}, {"window": 2}, {"window": (3, 0)}, {"window": (1, 2)})),
    "softcap_attention": Row(capped, sees(2, 4, 5, 5), ({"cap": 2.0}, {"cap": 30.0, "causal": True})),
    "grouped_query_attention": Row(
        in_groups, lambda rng: (*GROUPED(rng), np.tri(5, 6, 2, bool) & np.ones((2, 1, 1), bool)), CAUSAL
    ),
    "alibi_attention": Row(with_slopes, sees(2, 5, 5)),
    "dropout_attention": Row(
        lambda F, Q, K, V, m, p=0.9: (F.softmax(scores(Q, K), -1) * m / p) @ V,
        lambda rng: (*THREE(rng), (rng.random((2, 4, 5, 5)) < 0.7).astype(float)),
        ({}, {"p": 0.6}),
    ),
    "cached_attention": Row(decoded, normal((2, 4, 3), (2, 4, 6, 3), (2, 4, 6, 2), (2, 4, 3), (2, 4, 2))),
    "fast_weights": Row(
        lambda F, Q, K, V, S: summed(S, K[..., None] * V[..., None, :]).mul(Q[..., None]).sum(-2),
        normal((T, B, 3), (T, B, 3), (T, B, 2), (B, 3, 2)),
    ),
    "linear_attention": Row(by_features, normal((2, 4, 5, 3), (2, 4, 6, 3), (2, 4, 6, 2)), ({}, {"epsilon": 0.3})),
    "causal_linear_attention": Row(by_features_before, normal((T, B, 3), (T, B, 3), (T, B, 2)), ({}, {"epsilon": 0.3})),
    "rotary_embedding": Row(turned, normal((2, 4, 5, 6)), ({}, {"base": 100.0, "first": 3})),
    "sinusoidal_positions": Row(positions, normal((2, 5, 6)), ({}, {"base": 100.0})),
}
