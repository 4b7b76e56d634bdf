"""Attention and recurrent networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.nodes.layers import Array, NotCovered, Row, layer, text


def split_heads(x: Any, heads: Any) -> Any:
    """[b, t, h d] to [b, h, t, d]; an array of four axes has heads."""
    return x if x.ndim == 4 else x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def allowed(
    shape: tuple[int, ...], mask: Any, causal: bool, left: int, right: int, before: Any, lengths: Any
) -> tuple[Array, Array | None]:
    """Who may look where, and what is added to scores; a query stands `before` keys behind its own number."""
    q, k = np.arange(shape[-2])[:, None], np.arange(shape[-1])
    place = q + np.asarray(before).reshape(-1, 1, 1, 1)
    may = np.ones(shape, bool)
    if causal:
        may &= k <= place
    if left >= 0:
        may &= k >= place - left
    if right >= 0:
        may &= k <= place + right
    if lengths is not None:
        may &= k < lengths.reshape(-1, 1, 1, 1)
    if mask is None:
        return may, None
    short = shape[-1] - mask.shape[-1]  # keys that a mask does not speak of are not looked at
    edge = [(0, 0)] * (mask.ndim - 1) + [(0, short)]
    if mask.dtype == bool:
        return may & np.pad(mask, edge), None
    bias = np.pad(mask, edge, constant_values=-np.inf)
    added = np.where(np.isfinite(bias), bias, 0).astype(mask.dtype)
    return may & (bias > -np.inf), added if added.any() else None


def attention(
    Q: Any,
    K: Any,
    V: Any,
    attn_mask: Any = None,
    past_key: Any = None,
    past_value: Any = None,
    nonpad_kv_seqlen: Any = None,
    scale: float | None = None,
    is_causal: int = 0,
    q_num_heads: int = 0,
    kv_num_heads: int = 0,
    softcap: float = 0.0,
    qk_matmul_output_mode: int = 0,
    left_window_size: int = -1,
    right_window_size: int = -1,
    softmax_precision: int = 0,
) -> tuple[Any, ...]:
    flat, Q = Q.ndim == 3, split_heads(Q, q_num_heads)
    K, V = split_heads(K, kv_num_heads), split_heads(V, kv_num_heads)
    before: Any = 0
    if past_key is not None:
        before = past_key.shape[2]
        K = layer("concatenate", past_key.swapaxes(2, 3), K.swapaxes(2, 3)).swapaxes(2, 3)
        V = layer("concatenate", past_value.swapaxes(2, 3), V.swapaxes(2, 3)).swapaxes(2, 3)
    elif nonpad_kv_seqlen is not None:
        before = nonpad_kv_seqlen - Q.shape[2]
    present = (K, V)
    heads = Q.shape[1] // K.shape[1]
    K, V = np.repeat(K, heads, axis=1), np.repeat(V, heads, axis=1)
    shape = (*Q.shape[:3], K.shape[2])
    may, bias = allowed(
        shape, attn_mask, bool(is_causal), left_window_size, right_window_size, before, nonpad_kv_seqlen
    )
    if scale is not None:  # the layers divide by the root of the width
        Q = (Q * (scale * np.sqrt(Q.shape[-1]))).astype(Q.dtype)
    S = layer("matmul_right_transposed", (Q / np.sqrt(Q.shape[-1])).astype(Q.dtype), K)
    capped = (softcap * layer("tanh", S / softcap)).astype(S.dtype) if softcap else S
    summed = np.where(may, capped if bias is None else (capped + bias).astype(S.dtype), -np.inf).astype(S.dtype)
    if bias is not None and not may.any(axis=-1).all():
        raise NotCovered("a bias beside a row that may look nowhere")

    def look(values: Any) -> Any:
        if bias is None:
            name, cap = ("softcap_attention", {"cap": softcap}) if softcap else ("attention", {})
            return layer(name, Q, K, values, may, **cap)
        if softcap:
            return layer("matmul", layer("softmax", summed), values)
        return layer("biased_attention", Q, K, values, np.where(may, bias, -np.inf).astype(Q.dtype))

    O = look(V)
    if flat:
        O = O.swapaxes(1, 2).reshape(O.shape[0], O.shape[2], -1)
    if qk_matmul_output_mode == 3:  # the probabilities: what attention makes of the unit matrix as values
        return (O, *present, look(np.broadcast_to(np.eye(shape[-1], dtype=Q.dtype), (*shape[:2], *shape[-1:] * 2))))
    return (O, *present, (S, capped, summed)[qk_matmul_output_mode])


def directions(run: Any, x: Any, count: int, direction: str, layout: int) -> tuple[Any, ...]:
    """Each direction by itself: results of all steps with an axis of directions, and the last of each state."""
    x = x.swapaxes(0, 1) if layout else x
    outputs, last = [], []
    for d in range(count):
        backwards = direction == "reverse" or d == 1
        found = run(d, layer("flip", x, axis=0) if backwards else x)
        last.append([h[-1] for h in found])
        outputs.append(layer("flip", found[0], axis=0) if backwards else found[0])
    y = np.stack(outputs, axis=1)
    ends = [np.stack(states) for states in zip(*last, strict=True)]
    if layout:
        return (np.moveaxis(y, 2, 0), *(e.swapaxes(0, 1) for e in ends))
    return (y, *ends)


def gates(W: Any, order: tuple[int, ...]) -> Any:
    """Blocks of rows in another order."""
    blocks = np.split(W, len(order))
    return np.concatenate([blocks[k] for k in order])


def beginning(state: Any, d: int, x: Any, hidden: int, layout: int) -> Any:
    if state is None:
        return np.zeros((x.shape[1], hidden), x.dtype)
    return state[:, d] if layout else state[d]


def biases(B: Any, d: int, W: Any) -> Any:
    """Of the input and of the state: one after the other."""
    return np.split(B[d], 2) if B is not None else [np.zeros(W.shape[1], W.dtype)] * 2


def rnn(
    x: Any,
    W: Any,
    R: Any,
    B: Any = None,
    lengths: Any = None,
    h0: Any = None,
    hidden_size: int = 0,
    direction: Any = "forward",
    layout: int = 0,
) -> tuple[Any, ...]:
    if lengths is not None and not (lengths == x.shape[0]).all():
        raise NotCovered("a length for each example")

    def run(d: int, steps: Any) -> tuple[Any, ...]:
        b = sum(biases(B, d, W))
        return (layer("rnn", steps, beginning(h0, d, steps, hidden_size, layout), W[d], R[d], b),)

    return directions(run, x, len(W), text(direction), layout)


def lstm(
    x: Any,
    W: Any,
    R: Any,
    B: Any = None,
    lengths: Any = None,
    h0: Any = None,
    c0: Any = None,
    P: Any = None,
    hidden_size: int = 0,
    direction: Any = "forward",
    layout: int = 0,
) -> tuple[Any, ...]:
    """ONNX has input, output, forget, cell; the layer has input, forget, cell, output."""
    if P is not None:
        raise NotCovered("peepholes")
    if lengths is not None and not (lengths == x.shape[0]).all():
        raise NotCovered("a length for each example")
    order = (0, 2, 3, 1)

    def run(d: int, steps: Any) -> tuple[Any, ...]:
        begin = [beginning(s, d, steps, hidden_size, layout) for s in (h0, c0)]
        b = gates(sum(biases(B, d, W)), order)
        return tuple(layer("lstm", steps, *begin, gates(W[d], order), gates(R[d], order), b))

    return directions(run, x, len(W), text(direction), layout)


ROWS: dict[str, Row] = {"Attention": attention, "RNN": rnn, "LSTM": lstm}
