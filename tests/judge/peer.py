"""PyTorch's and JAX's own functions as candidates, by the layer's name: the rows of tests/peers, and of the benchmarks.

gradbook campaign --candidate 'torch:tests.judge.peer:eager.{layer}' --dtype float32,bfloat16
gradbook campaign --candidate 'torch:tests.judge.peer:compiled.{layer}'
gradbook campaign --candidate 'jax:tests.judge.peer:in_jax.{layer}'
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from derive.notation.expr import ELLIPSIS

#: Whose row is written for one leading axis: others are made one before it, and taken apart behind it.
ONE_AXIS = (
    "gru", "gru_cell", "kl_div", "local_response_norm", "lstm", "lstm_cell", "reverse_rnn", "rnn", "rnn_cell",
    "selective_scan",
)  # fmt: skip
#: Whose row is no candidate: why.
NOT = {
    "alibi_attention": "written for a mask, and for rows that look somewhere",
    "biased_attention": "written for rows that look somewhere",
    "exclusive_cumsum": "written as a difference, which cancels",
    "focal": "written in float64",
    "grouped_query_attention": "written for a mask, and for rows that look somewhere",
    "layer_norm_nd": "PyTorch normalises over an axis at least",
    "multi_margin": "asserts that its two ways agree",
    "causal_linear_attention": "written with elu(x) + 1, which cancels",
    "cosine_annealing": "written as a + (least - a) s, which cancels",
    "cosine_embedding": "written for one axis of examples",
    "mlp": "written for the activations of the benchmarks",
    "multi_head_attention": "written for as many values as queries",
    "multi_label_soft_margin": "written in float64, for an axis of examples",
    "residual": "written for the activations of the benchmarks",
    "rnn_lengths": "PyTorch takes no sequence of no steps",
    "softplus": "written without a threshold, so that it overflows",
    "dice": "written for two axes of each example",
    "tversky": "written for two axes of each example",
    "linear_attention": "written with elu(x) + 1, which cancels",
    "log_cosh": "written as cosh, which overflows",
    "rotary_embedding": "written in float64",
    "sinusoidal_positions": "written in float64",
    "sliding_window_attention": "written for a mask, and for rows that look somewhere",
    "softcap_attention": "written for a mask, and for rows that look somewhere",
}


def eager_of(layer: str) -> Any:
    import torch

    from benchmarks import in_torch
    from tests.peers.rows import ROWS

    if layer in ROWS:  # for any options; those of the benchmarks are for their own
        found: Any = partial(ROWS[layer].theirs, torch.nn.functional)
    elif layer in in_torch.LAYERS:
        found = in_torch.LAYERS[layer]
    else:
        raise AttributeError(layer)
    return of_one_axis(layer, found) if layer in ONE_AXIS else found


def of_one_axis(layer: str, function: Any) -> Any:
    """A function of arrays of one leading axis, for any number of them."""
    from derive.notation.define import load_project

    definition = load_project()[layer][0]

    def place(name: str) -> tuple[int, int]:
        axes = definition.tensors[name].axes
        return (axes.index(ELLIPSIS), len(axes) - 1) if ELLIPSIS in axes else (-1, 0)

    def called(*arrays: Any, **options: Any) -> Any:
        flat, lead = [], ()
        for t, a in zip(definition.inputs, arrays, strict=True):
            at, rest = place(t.name)
            if at >= 0:
                lead = tuple(a.shape[at : a.ndim - rest + at])
                a = a.reshape(*a.shape[:at], math.prod(lead), *a.shape[a.ndim - rest + at :])
            flat.append(a)
        found = function(*flat, **options)
        several = found if isinstance(found, tuple) else (found,)
        out = []
        for name, y in zip(definition.outputs, several, strict=True):
            at, rest = place(name)
            at = max(at, 0)  # a loss of each row, too
            out.append(y.reshape((*y.shape[:at], *lead, *y.shape[at + 1 :])) if y.ndim == rest + 1 else y)
        return tuple(out) if isinstance(found, tuple) else out[0]

    return called


class Eager:
    """PyTorch, operator by operator."""

    def __getattr__(self, layer: str) -> Any:
        return eager_of(layer)


class Compiled:
    """The same, compiled."""

    def __getattr__(self, layer: str) -> Any:
        import torch

        return torch.compile(eager_of(layer))


class Jax:
    """JAX, where the benchmarks have it."""

    def __getattr__(self, layer: str) -> Any:
        from tests.peers import in_jax

        if layer not in in_jax.LAYERS:
            raise AttributeError(layer)
        return in_jax.LAYERS[layer]


eager, compiled, in_jax = Eager(), Compiled(), Jax()
