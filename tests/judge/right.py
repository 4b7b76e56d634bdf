"""Right kernels that compute in other orders: sums one after another, from the last, in pairs; multiply-add fused.

``module:tests.judge.right:NAME.{layer}`` is a candidate of a campaign, NAME one of ORDERS:

gradbook campaign --candidate 'module:tests.judge.right:pairs.{layer}' --dtype float32
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from tests.judge.corpus.edits import source

Order = Callable[[Any], Any]


def forwards(terms: Any) -> Any:
    """The sum of the rows of an array, one after another."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def backwards(terms: Any) -> Any:
    return forwards(terms[::-1])


def pairwise(terms: Any) -> Any:
    if len(terms) <= 2:
        return forwards(terms)
    half = len(terms) // 2
    return pairwise(terms[:half]) + pairwise(terms[half:])


def fused(a: Any, b: Any) -> Any:
    """The sum of products of rows, each product and sum rounded once together: float32 by way of float64."""
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        if total.dtype == np.float32:
            total = (x.astype(np.float64) * y + total).astype(np.float32)
        else:
            total = x * y + total
    return total


class Ordered:
    """The printed kernels, by name, with sums of an order of their own.

    Args:
        order: of sums. multiply_add: of products that are added up, where they are fused.
    """

    def __init__(self, order: Order, multiply_add: Callable[[Any, Any], Any] | None = None) -> None:
        self.order, self.multiply_add = order, multiply_add

    def sum_over(self, a: Any, axis: Any = None) -> Any:
        axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        terms = np.moveaxis(a, axes, range(len(axes)))
        terms = terms.reshape(-1, *terms.shape[len(axes) :])
        return np.asarray(self.order(terms)).astype(a.dtype) if len(terms) else np.zeros(terms.shape[1:], a.dtype)[()]

    def mean(self, a: Any, axis: Any, count: int) -> Any:
        return (self.sum_over(a, axis) / count).astype(a.dtype)

    def dot(self, a: Any, b: Any) -> Any:
        """The sum over the last axis of a product."""
        a, b = np.broadcast_arrays(a, b)
        if self.multiply_add is None or not a.shape[-1]:
            return self.sum_over(a * b, a.ndim - 1)
        return np.asarray(self.multiply_add(np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)))

    def square_sum(self, e: Any, axis: Any) -> Any:
        return self.sum_over(e * e, axis)

    def matrix_product(self, a: Any, b: Any) -> Any:
        if b.ndim == 1:
            return self.matrix_product(a, b[:, None])[:, 0]
        return self.dot(a[..., :, None, :], b.swapaxes(-1, -2)[..., None, :, :])

    def __getattr__(self, layer: str) -> Any:
        path, tree = source(layer)
        module = ModuleType(f"ordered_{layer}")
        exec(compile(tree, path, "exec"), module.__dict__)
        own = {"sum_over": self.sum_over, "mean": self.mean, "row_dot": self.dot, "square_sum": self.square_sum}
        own |= {"matrix_product": self.matrix_product}
        module.__dict__.update({n: f for n, f in own.items() if n in module.__dict__})
        return SimpleNamespace(forward=module.__dict__["forward"], backward=module.__dict__["backward"])


ORDERS = {
    "one": Ordered(forwards), "last": Ordered(backwards), "pairs": Ordered(pairwise), "fma": Ordered(forwards, fused),
}  # fmt: skip
one, last, pairs, fma = ORDERS.values()
