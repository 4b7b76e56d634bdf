"""Where a probability is 0 by underflow, what is multiplied by it again has not been divided by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.generality.support import built, definition, own_registry
from tests.program.programs import around

SOFTMAX = "c = axis(size(b))\nP[b, c] = exp(s[b, c]) / sum(c, exp(s[b, c]))\n"
LOSSES = {
    "diagonal": "y = -sum(b, log(P[b, b]))",
    "all of a row": "y = -sum((b, c), log(P[b, c]))",
    "reversed": "y = -sum(b, log(P[b, size(b) - 1 - b]))",
    "a part of a sum": "y = -sum(b, 3 * log(P[b, b]) + P[b, b] ** 2)",
    "a case": "y = -sum((b, c), log(P[b, c]) if b <= c else 0)",
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_where_probabilities_are_0(name: str, tmp_path: Path) -> None:
    """In all orders, without a warning: logits times 1000 have the derivatives of a limit, which are few numbers."""
    with own_registry():
        _, kernel = built(tmp_path, definition("s: Real[b, c]", f"{SOFTMAX}{LOSSES[name]}\nreturn y"))
    random = np.random.default_rng(4)
    s, along = random.permutation(16).reshape(4, 4) * 1.0, random.standard_normal((4, 4))
    with np.errstate(all="raise", under="ignore"):
        for scale, exact in ((0.5, False), (1000.0, True)):
            _, saved = kernel.forward(scale * s)
            (g,) = kernel.backward(np.float64(1), saved)
            dy_, h = kernel.double_backward(np.float64(1), (scale * s,), (along,))
            np.testing.assert_allclose(dy_, np.sum(g * along), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(kernel.jvp((scale * s,), (along,)), dy_, rtol=1e-12, atol=1e-12)
            near = [kernel.backward(np.float64(1), kernel.forward(scale * s + e * along)[1]).s for e in (1e-6, -1e-6)]
            np.testing.assert_allclose(h, (near[0] - near[1]) / 2e-6, atol=1e-6)
            assert not exact or (np.abs(g - np.round(g)) < 1e-12).all()


def test_what_is_needed_as_it_is_stays() -> None:
    """The quotient leaves the program."""
    text = """
def own(e: Real[b, c]):
    P[b, c] = exp(e[b, c]) / sum(c, exp(e[b, c]))
    Q[b, c] = 1 / P[b, c]
    return Q"""
    before, after = around(text, "undivided")
    assert before == after
