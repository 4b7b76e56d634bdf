"""Where a probability rounds to 1, gradients keep their digits, in layers and in definitions of one's own.

Differences of scores are exact here. A result may be off by UNITS units of itself and of what changing each of the
other arguments by a unit does to it: its condition, which is that of the function and not of a formula. Truth is the
same kernel on balls of so many bits that 1 - p is exact enough, and for one case a formula.
"""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.command.kernels import kernel_source
from derive.evidence import kernels
from derive.notation.define import REGISTRY, load_file
from reference import attention, softmax

UNITS = 8  # half as many in the last place of a result
BITS = 1500
STEP = 2.0**-200
GAPS = {np.float16: (0, 6, 9), np.float32: (0, 6, 18, 40), np.float64: (0, 6, 37.25, 40, 300)}

OWN = {
    "softmax times something": (
        "z: Real[..., i], v: Real[..., i]",
        "y[..., i] = v[..., i] * exp(z[..., i]) / sum(j, exp(z[..., j]))",
    ),
    "an average under softmax": (
        "z: Real[..., i], v: Real[..., i]",
        "p[..., i] = exp(z[..., i]) / sum(j, exp(z[..., j]))\n    y[...] = sum(i, p[..., i] * v[..., i])",
    ),
    "softmax along an axis that is not last": (
        "z: Real[i, ...], v: Real[i, ...]",
        "p[i, ...] = exp(z[i, ...]) / sum(j, exp(z[j, ...]))\n    y[i, ...] = p[i, ...] * v[i, ...]",
    ),
    "its logarithm times something": (
        "z: Real[..., i], v: Real[..., i]",
        "p[..., i] = z[..., i] - log(sum(j, exp(z[..., j])))\n    y[..., i] = p[..., i] * v[..., i]",
    ),
    "dense cross-entropy": (
        "z: Real[..., i], v: Real[..., i]",
        "y[...] = -sum(i, v[..., i] * (z[..., i] - log(sum(j, exp(z[..., j])))))",
    ),
}


def own(name: str, folder: Path) -> Any:
    file = folder / "own.py"
    signature, body = OWN[name]
    text = f'@layer(cites="x")\ndef odd({signature}):\n    """Words."""\n    {body}\n    return y\n'
    file.write_text("from __future__ import annotations\nfrom derive import layer\n\n\n" + text)
    try:
        source = kernel_source(tuple(map(derive, load_file(file)["odd"])))
    finally:
        REGISTRY.pop("odd", None)
    module = types.ModuleType("odd")
    exec(compile(source, "odd", "exec"), module.__dict__)
    return module


def flat(found: Any) -> list[Any]:
    return [v for a in (found if isinstance(found, tuple | list) else [found]) for v in np.asarray(a).reshape(-1)]


def everything(kernel: Any, primals: Any, cotangent: Any, along: Any, options: dict[str, Any]) -> dict[str, list[Any]]:
    _, saved = kernel.forward(*primals, **options)
    found = {"backward": kernel.backward(cotangent, saved), "jvp": kernel.jvp(primals, along, **options)}
    found["double_backward"] = kernel.double_backward(cotangent, primals, along, **options)
    return {n: flat(f) for n, f in found.items()}


def compare(
    kernel: Any, primals: list[Any], cotangent: Any, along: list[Any], dtype: Any, left_out: str = "", **options: Any
) -> None:
    narrow = [np.asarray(a, dtype) if np.asarray(a).dtype.kind == "f" else a for a in (*primals, cotangent, *along)]
    n, info = len(primals), np.finfo(dtype)
    with kernels.precision(BITS):
        balls = [kernels.convert(a, kernels.to_arb) if a.dtype.kind == "f" else a for a in narrow]
        got, true = (everything(kernel, a[:n], a[n], a[n + 1 :], options) for a in (narrow, balls))
        reach = {f: [abs(_ball(t)) for t in values] for f, values in true.items()}
        for k, a in enumerate(balls[1:], 1):  # the scores are exact
            for place in np.ndindex(*a.shape) if a.dtype == object else ():
                changed = a.copy()
                changed[place] *= 1 + kernels.to_arb(STEP)
                moved = everything(kernel, (b := [*balls[:k], changed, *balls[k + 1 :]])[:n], b[n], b[n + 1 :], options)
                for f, values in moved.items():
                    reach[f] = [
                        r + abs(_ball(m) - _ball(t)) / STEP for r, m, t in zip(reach[f], values, true[f], strict=True)
                    ]
        for f, values in true.items():
            if f in left_out:
                continue
            for k, (g, t, r) in enumerate(zip(got[f], values, reach[f], strict=True)):
                off, least = abs(kernels.to_arb(g) - _ball(t)), float(info.smallest_subnormal)
                assert off <= UNITS * float(info.eps) / 2 * r + 2 * least, f"{f}, number {k}: {g} for {_ball(t).str(8)}"


def _ball(value: Any) -> Any:
    return value if hasattr(value, "mid") else kernels.to_arb(value)


def case(shape: tuple[int, ...], gap: float, dtype: Any) -> tuple[Any, ...]:
    """Scores whose largest is the gap above the others, and far apart numbers for all else."""
    z = np.zeros(shape, dtype)
    z[..., 1] = gap
    v = np.broadcast_to(np.array([3, 1, -1][: shape[-1]], dtype), shape).copy()
    return z, v


@pytest.mark.parametrize("dtype", GAPS)
@pytest.mark.parametrize("name", OWN)
def test_a_definition_of_ones_own(name: str, dtype: Any, tmp_path: Path) -> None:
    kernel = own(name, tmp_path)
    for gap in GAPS[dtype]:
        z, v = case((2, 3), gap, dtype)
        if "not last" in name:
            z, v = z.T.copy(), v.T.copy()
        y, _ = kernel.forward(z, v)
        dy = np.array([1, 4], dtype) if y.ndim == 1 else np.where(v == 1, 0.5, v)
        tangent = np.where(v == 3, -0.25, np.where(v == 1, 1, 2)).astype(dtype)
        # where the quotient has no name of its own, second derivatives have other forms than the two
        left_out = "double_backward" if name == "softmax times something" else ""
        compare(kernel, [z, v], dy, [tangent, 0 * v], dtype, left_out)


@pytest.mark.parametrize("dtype", GAPS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmax_cross_entropy", "softmax_cross_entropy_labels"])
def test_the_projects_layers(name: str, dtype: Any) -> None:
    kernel = kernels.kernel_of(name)
    for gap in GAPS[dtype]:
        z, v = case((2, 3), gap, dtype)
        along = [np.where(v == 3, -0.25, np.where(v == 1, 1, 2)).astype(dtype)]
        if name == "softmax_cross_entropy":
            for reduction in ("sum", "none"):
                cotangent = np.ones(() if reduction == "sum" else 2, dtype)
                compare(kernel, [z, (v == 1).astype(dtype)], cotangent, [*along, 0 * v], dtype, reduction=reduction)
        elif name == "softmax_cross_entropy_labels":
            compare(kernel, [z, np.array([1, 1])], np.ones((), dtype), along, dtype, reduction="sum")
        else:
            compare(kernel, [z], np.where(v == 1, 0.5, v).astype(dtype), along, dtype)


@pytest.mark.parametrize("dtype", GAPS)
def test_attention(dtype: Any) -> None:
    """One key that is far ahead; values that are far apart."""
    for gap in GAPS[dtype]:
        Q, K, V = ([[gap], [gap]], [[0], [1], [0]], [[3], [1], [-4]])
        dO, along = [[1], [2]], [[[0.5], [-1]], [[0], [0], [0]], [[0], [0], [0]]]
        compare(
            attention,
            [np.array(a, dtype) for a in (Q, K, V)],
            np.array(dO, dtype),
            [np.array(a, dtype) for a in along],
            dtype,
        )


def test_by_the_formula() -> None:
    """Two scores: the gradient is p (1 - p) times the cotangents' difference."""
    for gap in (0.5, 6, 37.4, 40, 700):
        _, saved = softmax.forward(np.array([[gap, 0.0]]))
        e = np.exp(-np.longdouble(gap))
        true = e / (1 + e) ** 2
        np.testing.assert_allclose(softmax.backward(np.array([[1.0, 0]]), saved).z, [[true, -true]], rtol=1e-15)


def test_nothing_changes_where_no_probability_is_large_or_a_row_is_masked() -> None:
    z = np.linspace(-1, 1, 12).reshape(3, 4)
    _, saved = softmax.forward(z)
    y, dy = softmax.forward(z)[0], np.cos(np.arange(12.0)).reshape(3, 4)
    assert np.array_equal(softmax.backward(dy, saved).z, y * (dy - np.vecdot(dy, y)[:, None]))
    masked = np.array([[True, True], [False, False]])
    Q = np.array([[9.0], [9]])
    O, saved = attention.forward(Q, np.array([[9.0], [0]]), np.array([[1.0], [2]]), masked)
    assert O[1] == 0
    assert attention.backward(np.ones((2, 1)), saved).Q[1] == 0
