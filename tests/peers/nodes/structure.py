"""Reductions, products of matrices, and operators that move elements."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from tests.peers.nodes.layers import Array, NotCovered, Row, along, at_end, exact, layer, pads, text


def reduction(name: str, **options: Any) -> Row:
    def run(
        x: Any, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0, **other: Any
    ) -> tuple[Any, ...]:
        chosen = [int(a) for a in axes] if axes is not None else []
        if not chosen and noop_with_empty_axes:
            return (x,)
        chosen = chosen or list(range(x.ndim))
        return (exact(lambda a: along(a, chosen, lambda e: layer(name, e, **options), bool(keepdims)), x),)

    return run


def matmul(a: Any, b: Any) -> tuple[Any, ...]:
    """Vectors as matrices of one row or column; leading axes are spread over each other."""
    A = a[None] if a.ndim == 1 else a
    B = b[:, None] if b.ndim == 1 else b
    lead = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    C = layer("matmul", np.broadcast_to(A, lead + A.shape[-2:]), np.broadcast_to(B, lead + B.shape[-2:]))
    C = C[..., 0] if b.ndim == 1 else C
    return (C[..., 0] if a.ndim == b.ndim == 1 else C[..., 0, :] if a.ndim == 1 else C,)


def gemm(
    a: Any, b: Any, c: Any = None, alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0
) -> tuple[Any, ...]:
    """alpha A B + beta C, of which C may have any shape that spreads."""
    x = (layer("transpose", a) if transA else a) * np.asarray(alpha, a.dtype)
    W = b if transB else layer("transpose", b)
    z = layer("linear", x, W, np.zeros(W.shape[0], a.dtype))
    return (z if c is None else z + np.asarray(beta, a.dtype) * c,)


def trilu(x: Any, k: Any = None, upper: int = 1) -> tuple[Any, ...]:
    return (exact(lambda a: layer("triu" if upper else "tril", a, diagonal=0 if k is None else int(k)), x),)


def transpose(x: Any, perm: Any = None) -> tuple[Any, ...]:
    """Any permutation, by exchanges of neighbours: each a transposition of the last two axes."""
    axes, y = list(range(x.ndim)), x
    for place, wanted in enumerate(perm if perm is not None else reversed(range(x.ndim))):
        for k in range(axes.index(wanted), place, -1):
            y = np.moveaxis(layer("transpose", np.moveaxis(y, (k - 1, k), (-2, -1))), (-2, -1), (k - 1, k))
            axes[k - 1], axes[k] = axes[k], axes[k - 1]
    return (y,)


def concat(*arrays: Any, axis: int) -> tuple[Any, ...]:
    parts = [np.moveaxis(a, axis, -1) for a in arrays]
    return (np.moveaxis(reduce(lambda a, b: layer("concatenate", a, b), parts), -1, axis),)


def split(x: Any, sizes: Any = None, axis: int = 0, num_outputs: int = 0, outputs: int = 0) -> tuple[Any, ...]:
    length = x.shape[axis]
    if sizes is None:
        each = -(-length // outputs)
        sizes = [max(0, min(each, length - each * k)) for k in range(outputs)]
    rest, parts = np.moveaxis(x, axis, -1), []
    for size in sizes[:-1]:
        part, rest = layer("split", rest, first=int(size))
        parts.append(part)
    return tuple(np.moveaxis(p, -1, axis) for p in [*parts, rest])


def gather(x: Any, t: Any, axis: int = 0) -> tuple[Any, ...]:
    t = np.where(t < 0, t + x.shape[axis], t)
    y = layer("gather_rows", np.moveaxis(x, axis, 0), t.reshape(-1))
    y = y.reshape(*t.shape, *y.shape[1:])
    axis %= x.ndim
    return (np.moveaxis(y, range(t.ndim), range(axis, axis + t.ndim)),)


def gather_elements(x: Any, t: Any, axis: int = 0) -> tuple[Any, ...]:
    t = np.where(t < 0, t + x.shape[axis], t)
    if any(n != m for k, (n, m) in enumerate(zip(x.shape, t.shape, strict=True)) if k != axis % x.ndim):
        raise NotCovered("fewer rows of places than of elements")
    return (np.moveaxis(layer("gather", np.moveaxis(x, axis, -1), np.moveaxis(t, axis, -1)), -1, axis),)


def pad(x: Any, amounts: Any, value: Any = None, axes: Any = None, mode: Any = "constant") -> tuple[Any, ...]:
    """One axis after the other."""
    name = {"constant": "pad_constant", "wrap": "pad_circular", "edge": "pad_replicate", "reflect": "pad_reflect"}
    options = {"value": 0.0 if value is None else float(value)} if text(mode) == "constant" else {}
    chosen = list(range(x.ndim)) if axes is None else [int(a) for a in axes]
    y = x
    for axis, (before, after) in zip(chosen, pads(amounts, len(chosen)), strict=True):
        if before or after:
            y = at_end(y, axis, padded(name[text(mode)], before, after, options))
    return (y,)


def padded(name: str, before: int, after: int, options: dict[str, float]) -> Callable[[Array], Array]:
    return lambda y: exact(lambda a: layer(name, a, before=before, after=after, **options), y)


ROWS: dict[str, Row] = {
    "ReduceSum": reduction("reduce_sum"),
    "ReduceMean": reduction("reduce_mean"),
    "ReduceMax": reduction("reduce_max"),
    "ReduceMin": reduction("reduce_min"),
    "ReduceL1": reduction("reduce_l1"),
    "ReduceL2": reduction("reduce_l2"),
    "ReduceSumSquare": reduction("reduce_sum_square"),
    "ReduceLogSum": reduction("reduce_log_sum"),
    "ReduceLogSumExp": reduction("reduce_logsumexp"),
    "MatMul": matmul,
    "Gemm": gemm,
    "Trilu": trilu,
    "Transpose": transpose,
    "Concat": concat,
    "Split": split,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Pad": pad,
}
