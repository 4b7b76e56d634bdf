"""Linear algebra, reductions and structure compared with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.peers.row import Row, normal

MATRICES = normal((2, 3, 4), (2, 4, 5))
VECTORS = normal((2, 3, 5), (2, 3, 5))
AXES: tuple[Mapping[str, Any], ...] = ({}, {"axis": 0}, {"axis": 1})


def along(f: Callable[[Any, int], Any]) -> Row:
    """A function along one axis."""
    return Row(lambda F, x, axis=-1: f(x, axis), normal((2, 3, 4)), AXES)


def with_places(shape: tuple[int, ...], places: tuple[int, ...], length: int) -> Callable[..., tuple[Any, ...]]:
    """Numbers, and whole numbers below a length."""
    return lambda rng: (rng.standard_normal(shape), rng.integers(0, length, places))


def torch() -> Any:
    """PyTorch, which may not be installed where rows are only counted."""
    import torch

    return torch


def with_mask(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.standard_normal((2, 3, 5)), rng.random((2, 3, 5)) < 0.6


ROWS = {
    "matmul": Row(lambda F, A, B: A @ B, MATRICES),
    "matmul_left_transposed": Row(lambda F, A, B: A.mT @ B, normal((2, 4, 3), (2, 4, 5))),
    "matmul_right_transposed": Row(lambda F, A, B: A @ B.mT, normal((2, 3, 4), (2, 5, 4))),
    "matmul_shared": Row(lambda F, A, B: A @ B, normal((2, 3, 4), (4, 5))),
    "matvec": Row(lambda F, A, x: (A @ x[..., None])[..., 0], normal((2, 3, 4), (2, 4))),
    "dot": Row(lambda F, x, y: (x * y).sum(-1), VECTORS),
    "outer": Row(lambda F, x, y: x[..., None] * y[..., None, :], normal((2, 3, 4), (2, 3, 5))),
    "bilinear": Row(lambda F, x, y, W, b: F.bilinear(x, y, W, b), normal((2, 3, 4), (2, 3, 5), (6, 4, 5), (6,))),
    "quadratic_form": Row(lambda F, x, A: ((x @ A) * x).sum(-1), normal((2, 3, 4), (4, 4))),
    "diagonal_matmul": Row(lambda F, a, B: a.diag_embed() @ B, normal((2, 3), (2, 3, 4))),
    "lower_triangular_matmul": Row(lambda F, A, B: A.tril() @ B, MATRICES),
    "upper_triangular_matmul": Row(lambda F, A, B: A.triu() @ B, MATRICES),
    "tril": Row(lambda F, x, diagonal=0: x.tril(diagonal), normal((2, 4, 5)), ({}, {"diagonal": 2}, {"diagonal": -1})),
    "triu": Row(lambda F, x, diagonal=0: x.triu(diagonal), normal((2, 4, 5)), ({}, {"diagonal": 2}, {"diagonal": -1})),
    "transpose": Row(lambda F, x: x.mT * 1, normal((2, 3, 4))),
    "flatten": Row(lambda F, x: x.flatten(1) * 1, normal((2, 3, 4, 5))),
    "split_heads": Row(
        lambda F, x, heads=2: x.unflatten(-1, (heads, -1)).transpose(-3, -2) * 1,
        normal((2, 3, 12)),
        ({}, {"heads": 3}, {"heads": 1}),
    ),
    "merge_heads": Row(lambda F, x: x.transpose(-3, -2).flatten(-2) * 1, normal((2, 3, 4, 5))),
    "patches": Row(
        lambda F, x, size=2: F.unfold(x, size, stride=size).mT * 1,
        normal((2, 3, 12, 6)),
        ({}, {"size": 3}, {"size": 1}),
    ),
    "trace": Row(lambda F, A: A.diagonal(dim1=-2, dim2=-1).sum(-1), normal((2, 4, 4))),
    "diagonal": Row(lambda F, A: A.diagonal(dim1=-2, dim2=-1), normal((2, 4, 4))),
    "pairwise_distance": Row(
        lambda F, x, y, epsilon=1e-6: F.pairwise_distance(x, y, eps=epsilon), VECTORS, ({}, {"epsilon": 0.3})
    ),
    "cdist_squared": Row(
        lambda F, x, y: ((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1), normal((2, 3, 4), (2, 5, 4))
    ),
    "reduce_sum": along(lambda x, axis: x.sum(axis)),
    "reduce_mean": along(lambda x, axis: x.mean(axis)),
    "reduce_max": along(lambda x, axis: x.max(axis).values),
    "reduce_min": along(lambda x, axis: x.min(axis).values),
    "argmax": along(lambda x, axis: x.argmax(axis) + 0 * x.sum(axis)),
    "argmin": along(lambda x, axis: x.argmin(axis) + 0 * x.sum(axis)),
    "reduce_logsumexp": along(lambda x, axis: x.logsumexp(axis)),
    "reduce_l2": along(lambda x, axis: x.norm(dim=axis)),
    "reduce_sum_square": along(lambda x, axis: (x * x).sum(axis)),
    "reduce_log_sum": Row(lambda F, x, axis=-1: x.sum(axis).log(), lambda rng: (rng.random((2, 3, 4)) + 0.1,), AXES),
    "cumsum": along(lambda x, axis: x.cumsum(axis)),
    "reverse_cumsum": along(lambda x, axis: x.flip(axis).cumsum(axis).flip(axis)),
    "exclusive_cumsum": along(lambda x, axis: x.cumsum(axis) - x),
    "masked_cumsum": Row(lambda F, x, mask: (x * mask).cumsum(-1), with_mask),
    "cumprod": Row(lambda F, x: x.cumprod(0), normal((4, 2, 3))),
    "gather": Row(lambda F, x, t: x.gather(-1, t), with_places((2, 3, 4), (2, 3, 7), 4)),
    "gather_rows": Row(lambda F, x, t: x.index_select(0, t), with_places((4, 2, 3), (7,), 4)),
    "flip": along(lambda x, axis: x.flip(axis)),
    "roll": Row(
        lambda F, x, shift=1, axis=-1: x.roll(shift, axis),
        normal((2, 3, 4)),
        ({}, {"shift": -2}, {"shift": 7, "axis": 0}, {"shift": 2, "axis": 1}),
    ),
    "split": Row(
        lambda F, x, first=1: (x[..., :first], x[..., first:]), normal((2, 3, 5)), ({}, {"first": 3}, {"first": 4})
    ),
    "concatenate": Row(lambda F, a, b: torch().cat((a, b), -1), normal((2, 3, 5), (2, 3, 4))),
    "stack": Row(lambda F, a, b: torch().stack((a, b), -2), VECTORS),
    "pad_constant": Row(
        lambda F, x, before=1, after=1, value=0.0: F.pad(x, (before, after), value=value),
        normal((2, 3, 4)),
        ({}, {"before": 0, "after": 3, "value": 0.7}, {"before": 2, "after": 0, "value": -1.5}),
    ),
    "pad_circular": Row(
        lambda F, x, before=1, after=1: F.pad(x, (before, after), mode="circular"),
        normal((2, 3, 4)),
        ({}, {"before": 3, "after": 0}, {"before": 2, "after": 4}),
    ),
    "pad_replicate": Row(
        lambda F, x, before=1, after=1: F.pad(x, (before, after), mode="replicate"),
        normal((2, 3, 4)),
        ({}, {"before": 3, "after": 0}, {"before": 0, "after": 6}),
    ),
    "pad_reflect": Row(
        lambda F, x, before=1, after=1: F.pad(x, (before, after), mode="reflect"),
        normal((2, 3, 4)),
        ({}, {"before": 3, "after": 0}, {"before": 2, "after": 3}),
    ),
    "diagonal_matrix": Row(lambda F, x: x.diag_embed(), normal((2, 3, 4))),
    "reduce_l1": along(lambda x, axis: x.abs().sum(axis)),
    "reduce_var": Row(
        lambda F, x, correction=0, axis=-1: x.var(axis, correction=correction),
        normal((2, 3, 4)),
        (*AXES, {"correction": 1}, {"correction": 2, "axis": 1}),
    ),
    "reduce_std": Row(
        lambda F, x, correction=0, axis=-1: x.std(axis, correction=correction),
        normal((5, 3, 4)),  # of two elements the slope is constant
        (*AXES, {"correction": 1}, {"correction": 2, "axis": 1}),
    ),
    "reduce_prod": Row(lambda F, x: x.prod(0), normal((4, 2, 3))),
    "difference": Row(lambda F, x: x.diff(), normal((2, 3, 5))),
    "center": along(lambda x, axis: x - x.mean(axis, keepdim=True)),
}
