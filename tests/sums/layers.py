"""Layers that add over rows, on up to a million of them in any layout, in units of the derived bound.

The rows of a small case are repeated, so that what is added up over them grows by the number of repetitions and nothing
else changes. The bound is the running error analysis of the small case (derive.evidence.enclosure), in which a sum
loses what reference.runtime.sums promises for the long one, however many terms that has; it grows with the sum. Truth
is the kernel in float64, on the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation, derive
from derive.evidence import enclosure, inputs, kernels
from derive.evidence.enclosure import HALF, SINGLE, Format
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case
from derive.notation.define import load_project
from derive.notation.expr import ELLIPSIS
from reference.runtime import sums

Array = np.ndarray[Any, Any]
LAYERS = load_project()
#: Every layer of which some function adds over rows: the axis that rows lie along, and how many times fewer there are.
ROWS: dict[str, tuple[str, int]] = {
    "linear": (ELLIPSIS, 1),
    "layer_norm": (ELLIPSIS, 1),
    "batch_norm": ("b", 1),
    "mse": (ELLIPSIS, 1),
    "cross_entropy": (ELLIPSIS, 10),
    "softmax_cross_entropy": (ELLIPSIS, 10),
    "softmax_cross_entropy_labels": (ELLIPSIS, 10),
    "embedding": (ELLIPSIS, 10),
    "residual": (ELLIPSIS, 10),
    "mlp": (ELLIPSIS, 10),
    "batch_norm_inference": ("b", 10),
    "conv2d": ("b", 100),
    "lstm": (ELLIPSIS, 100),
}
#: Layers whose results of several axes are matrix products, of which BLAS adds up to sums.PART terms in its own order.
PRODUCTS = ("linear", "residual", "mlp", "conv2d", "lstm")
PLAN = inputs.Plan((2, 3, 4), ((3,),), (2,))
FORMATS = {"float16": HALF, "float32": SINGLE}
QUIET = 2.0**-6  # of cotangents: a million of them fit in float16 when added


def last_axis_first(a: Array) -> Array:
    """The same numbers, with the last axis slowest in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, -1, 0)), 0, -1)


def second_axis_last(a: Array) -> Array:
    """Channels last."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim > 1 else a


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "channels last": second_axis_last,
    "transposed": last_axis_first,
    "sliced": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed": lambda a: np.ascontiguousarray(a[::-1])[::-1],
}


@dataclass(frozen=True)
class Error:
    """An error in units of the bound, and where it is."""

    units: float
    where: str


@cache
def derived(name: str) -> Derivation:
    return derive(LAYERS[name][0])


def mapped(value: Any, f: Callable[[Array], Array]) -> Any:
    if value is None or isinstance(value, list):
        return value and [mapped(v, f) for v in value]
    array = np.asarray(value)
    return f(array) if array.ndim else array.copy()


def repeated(name: str, arrays: Arrays, times: int, f: Callable[[Array], Array]) -> Arrays:
    """Arrays with their rows repeated, where they have any, in a layout."""
    tensors = LAYERS[name][0].tensors

    def one(n: str, value: Any) -> Any:
        axes = tensors[n].axes
        if ROWS[name][0] not in axes or isinstance(value, list):
            return mapped(value, f)
        place = axes.index(ROWS[name][0])
        return mapped(value, lambda a: f(np.concatenate([a] * times, axis=place)))

    return {n: one(n, value) for n, value in arrays.items()}


def case_of(name: str, form: Format) -> tuple[Case, Arrays, Arrays]:
    """A small case: its numbers are positive, so that sums do not cancel."""
    (case,) = inputs.cases(LAYERS[name][0], 7, 1, PLAN, dtype=form.dtype)
    u, v = inputs.cotangents(case, 7, form.dtype), inputs.tangents(case, 7, form.dtype)
    small = {n: np.asarray(np.abs(a) * QUIET, form.dtype) for n, a in u.items()}
    return case, small, v


def errors(name: str, form: Format, layout: str, rows: int) -> Iterator[Error]:
    """The largest error of every result of every function of a layer's kernel."""
    case, u, v = case_of(name, form)
    times = max(1, rows // ROWS[name][1] // 3)
    shape = LAYOUTS[layout]
    large = replace(case, tensors=repeated(name, case.tensors, times, shape))
    big_u, big_v = repeated(name, u, times, shape), repeated(name, v, times, shape)
    kernel, derivation = kernels.kernel_of(name), derived(name)
    double = [_cast(a) for a in (large.tensors, big_u, big_v)]
    wide = replace(case, tensors=double[0])
    small = enclosure.truth(case, u, v)
    tensors = case.layer.tensors
    for function, part in enclosure.parts(derivation, kernel, case, u, v).items():
        bounds = {}
        for products in {False, name in PRODUCTS}:
            terms = sums.loss(times * 64, products)  # of rows times what else is added with them
            with kernels.precision(enclosure.WORKING):
                bounds[products] = part.bounds(form.working.exponent, 0.0, 0.0, terms)
        got, true = part.compute(large, big_u, big_v), part.compute(wide, double[1], double[2])
        for n, value in got.items():
            own = bounds[name in PRODUCTS and len(tensors[n].axes) > 1]
            reach = _reach(case, n, own, small.of(function))
            yield _worst(value, true[n], reach, form, f"{name}.{function} {n}, {np.dtype(form.dtype)} {layout}")


def _cast(arrays: Arrays) -> Arrays:
    def one(a: Array) -> Array:
        return a.astype(np.float64) if a.dtype.kind == "f" else a

    return {n: mapped(value, one) for n, value in arrays.items()}


def _reach(case: Case, name: str, bounds: Any, small: Any) -> tuple[float, float]:
    """The largest of the bounds of a small result's elements, and of the elements."""
    own = small.get(name, {})
    reach = [float((b - own[i]).abs_upper()) for i, b in bounds.get(name, {}).items() if hasattr(b, "mid")]
    size = [abs(float(v)) for v in own.values()]
    return max(reach, default=0.0), max(size, default=0.0)


def _worst(got: Any, true: Any, reach: tuple[float, float], form: Format, where: str) -> Error:
    pairs = list(zip(got, true, strict=True)) if isinstance(got, list) else [(got, true)]
    off = max((float(np.max(np.abs(np.asarray(g, np.float64) - t), initial=0)) for g, t in pairs), default=0.0)
    size = max((float(np.max(np.abs(t), initial=0)) for _, t in pairs), default=0.0)
    scale = size / reach[1] if reach[1] else 1.0  # what repeating the rows has done to the result
    bound = scale * reach[0] + size * 2.0**form.exponent + form.tiny
    return Error(off / bound, where)
