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
}


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
    for factor in (2.0**-560, 2.0**-200, 2.0**530):
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
