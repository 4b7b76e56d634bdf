"""Roots of sums of squares: numbers whose squares are beyond the format or lost give what their multiples give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reference.runtime.tails import row_norm
from tests.generality.support import built, definition, own_registry

X, XZ = "x: Real[b, i]", "x: Real[b, i], z: Real[b, i]"
#: Equations and the power of a common factor of the arguments that the result has.
NORMS = {
    "rows": (X, "y[b] = sqrt(sum(i, x[b, i] ** 2))", 1),
    "columns": (X, "y[i] = sqrt(sum(b, x[b, i] ** 2))", 1),
    "unit": (X, "y[b, i] = x[b, i] / sqrt(sum(j, x[b, j] ** 2))", 0),
    "distance": (XZ, "y[b] = sqrt(sum(i, (x[b, i] - z[b, i]) ** 2))", 1),
    "deviation": (X, "mu[b] = mean(i, x[b, i])\ny[b] = sqrt(mean(i, (x[b, i] - mu[b]) ** 2))", 1),
    "cosine": (
        XZ,
        "y[b] = sum(i, x[b, i] * z[b, i]) / (sqrt(sum(i, x[b, i] ** 2)) * sqrt(sum(i, z[b, i] ** 2)))",
        0,
    ),
    "windows": (X, "k = axis(2)\nj = axis(size(i) - 1)\ny[b, j] = sqrt(sum(k, x[b, j + k] ** 2))", 1),
    "strided windows": (X, "k = axis(2)\nj = axis(size(i) // 2)\ny[b, j] = sqrt(sum(k, x[b, 2 * j + k] ** 2))", 1),
    "of a sample": (X, "mu[b] = mean(i, x[b, i])\ny[b] = sqrt(sum(i, (x[b, i] - mu[b]) ** 2) / (size(i) - 1))", 1),
    "Rayleigh": (XZ, "y = sum((b, i), x[b, i] * z[b, i]) / sum((b, i), x[b, i] ** 2)", 0),
    "projection": (XZ, "y[b, i] = sum(j, x[b, j] * z[b, j]) / sum(j, z[b, j] ** 2) * z[b, i]", 1),
    "weight norm": (XZ, "n[b] = sqrt(sum(i, x[b, i] ** 2))\ny[b, i] = z[b, i] * x[b, i] / n[b]", 1),
    "Frobenius": (XZ, "y = sqrt(sum((b, i), x[b, i] * x[b, i] + z[b, i] * z[b, i]))", 1),
    "harmonic": (XZ, "y[b, i] = x[b, i] * z[b, i] / (x[b, i] ** 2 + z[b, i] ** 2)", 0),
    "geometric": (XZ, "y[b] = sqrt(sum(i, x[b, i] ** 2) * sum(i, z[b, i] ** 2))", 2),
}
SCALES = (2.0**-560, 2.0**-200, 2.0**530)


@pytest.mark.parametrize("name", NORMS)
def test_of_large_and_small_numbers(name: str, tmp_path: Path) -> None:
    signature, body, power = NORMS[name]
    with own_registry():
        _, kernel = built(tmp_path, definition(signature, body + "\nreturn y"))
    random = np.random.default_rng(3)
    arguments = random.standard_normal((1 + ("z" in signature), 3, 4))
    y, saved = kernel.forward(*arguments)
    dy = random.standard_normal(np.shape(y))
    back = kernel.backward(dy, saved)
    for factor in SCALES if power < 2 else (2.0**-280, 2.0**265):
        scaled, saved = kernel.forward(*(a * factor for a in arguments))
        np.testing.assert_allclose(scaled / factor**power, y, rtol=1e-13)
        for one, other in zip(kernel.backward(dy, saved), back, strict=True):
            np.testing.assert_allclose(one * factor ** (1 - power), other, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_row_norm(dtype: type) -> None:
    info = np.finfo(dtype)
    with np.errstate(all="raise", under="ignore"):
        for unit in (dtype(1), info.smallest_normal, info.max / dtype(8)):
            rows = np.array([[3, 4, 0], [0, 0, 0], [-4, 0, 3]], dtype) * unit
            found, expected = row_norm(rows, 1), np.array([5, 0, 5], dtype) * unit
            assert (np.abs(found - expected) <= 2 * info.eps * expected).all()
    assert row_norm(np.zeros((2, 0), dtype), 1).tolist() == [0, 0]
    assert np.isnan(row_norm(np.array([[np.nan, 1]], dtype), 1)).all()
    assert np.isinf(row_norm(np.array([[np.inf, 1]], dtype), 1)).all()


AT_ZERO = {
    **{n: NORMS[n][:2] for n in ("rows", "columns", "distance", "deviation")},
    "of all": (X, "y = sqrt(sum((b, i), x[b, i] ** 2))"),
    "scaled": (X, "n[b] = sqrt(sum(i, x[b, i] ** 2) / 3)\ny[b, i] = n[b] * x[b, i]"),
    "pairs": (
        "x: Real[..., b, i], z: Real[..., c, i]",
        "y[..., b, c] = sqrt(sum(i, (x[..., b, i] - z[..., c, i]) ** 2))",
    ),
    "in a loss": (XZ, "n[b] = sqrt(sum(i, (x[b, i] - z[b, i]) ** 2))\ny = mean(b, max(0, n[b] - 1) + n[b] ** 2)"),
}


@pytest.mark.parametrize("name", AT_ZERO)
def test_the_gradient_at_0_is_0(name: str, tmp_path: Path) -> None:
    """In all orders, where every element is the same, and nothing is said of it; NaN stays NaN."""
    signature, body = AT_ZERO[name]
    with own_registry():
        _, kernel = built(tmp_path, definition(signature, body + "\nreturn y"))
    same = tuple(np.zeros((3, 3)) for _ in range(1 + ("z" in signature)))
    along = tuple(np.random.default_rng(2).standard_normal((len(same), 3, 3)))
    with np.errstate(all="raise"):
        y, saved = kernel.forward(*same)
        dy = np.random.default_rng(3).standard_normal(np.shape(y))
        first = kernel.backward(dy, saved)
        tangent = kernel.jvp(same, along)
        second = kernel.double_backward(dy, same, along)
    assert not any(np.any(a) for a in (y, tangent))
    assert not any(np.any(g) for g in first)
    assert all(np.isfinite(g).all() for g in second)
    broken = (np.full((3, 3), np.nan), *same[1:])
    _, saved = kernel.forward(*broken)
    assert np.isnan(kernel.backward(dy, saved)[0]).all()


def test_what_a_definition_divides_by_a_norm_is_left_as_it_is(tmp_path: Path) -> None:
    """A unit vector of nothing is no number, and neither is its gradient."""
    with own_registry():
        _, kernel = built(tmp_path, definition(X, NORMS["unit"][1] + "\nreturn y"))
    with np.errstate(invalid="ignore"):
        y, saved = kernel.forward(np.zeros((2, 3)))
        assert np.isnan(y).all()
        assert np.isnan(kernel.backward(np.ones((2, 3)), saved).x).all()
