"""What overflows, underflows or is chosen: the program decides it, so both printers give the same."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from derive.program.compile import compile
from derive.targets.loops.call import Kernel
from tests.generality.support import built, definition, own_registry

SCALES = (1e-200, 1.0, 1e200)
X, V, DY = np.random.default_rng(3).uniform(0.5, 2.0, (3, 5))
#: Functions that do not change, or change in proportion, where x is scaled: their gradients change inversely, or not.
SCALED = {
    "divided by the square of a norm": (
        "n = sqrt(sum(j, x[j] ** 2))\ny[i] = x[i] * sum(j, v[j] * x[j]) / n ** 2",
        0,
    ),
    "divided by a sum": ("s = sum(j, x[j])\ny[i] = v[i] * x[i] / s", 0),
    "a mean": ("m = sum(j, x[j]) / size(j)\ny[i] = x[i] - m * v[i]", 1),
    "roots of numbers": ("y[i] = x[i] * sqrt(size(i)) / sqrt(3) * v[i]", 1),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("what", SCALED)
def test_scaled_arguments(what: str, scale: float, tmp_path: Path) -> None:
    body, degree = SCALED[what]
    with own_registry():
        derivations, kernel = built(
            tmp_path, definition("x: Real[i], v: Real[i]", f"j = axis(size(i))\n{body}\nreturn y")
        )
        loops = Kernel(compile(derivations), lambda name: pytest.fail(name))
    x = X * scale
    with np.errstate(all="raise", under="ignore"):
        (wanted, kept), (found, saved) = kernel.forward(X, V), kernel.forward(x, V)
        slope, slopes = kernel.backward(DY, kept).x, kernel.backward(DY, saved).x
    ours = loops.forward(x.tolist(), V.tolist())
    back = loops.backward([DY.tolist()], ours["saved"])
    for y, dx in ((found, slopes), (ours["y"], back["x"])):
        np.testing.assert_allclose(np.array(y) / (scale if degree else 1), wanted, rtol=1e-14)
        np.testing.assert_allclose(np.array(dx) * (1 if degree else scale), slope, rtol=1e-13)


def test_zero_is_chosen_not_multiplied_by(tmp_path: Path) -> None:
    """A sum of products that is infinite takes no part in a case that is not chosen."""
    text = definition(
        "a: Real[i, j], b: Real[j], on: Flag = False", "y[i] = (3 if on else 0) * sum(j, a[i, j] * b[j])\nreturn y"
    )
    with own_registry():
        derivations, kernel = built(tmp_path, text)
        loops = Kernel(compile(derivations), lambda name: pytest.fail(name))
    a, b = np.full((2, 3), math.inf), np.ones(3)
    assert (kernel.forward(a, b)[0] == 0).all()
    assert loops.forward(a.tolist(), b.tolist())["y"] == [0, 0]
    u = (np.ones(2), (a, b), (np.ones((2, 3)), np.ones(3)))
    assert (kernel.double_backward(*u)[0] == 0).all()
    assert loops.double_backward([[1.0] * 2], (a.tolist(), b.tolist()), u[2])["dy"] == [0, 0]
