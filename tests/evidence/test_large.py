"""Large cases: more elements than a block has, and no more memory than that takes."""

from __future__ import annotations

import numpy as np
import pytest

from derive.evidence.use import MANY, flat, large
from derive.notation.define import load_project, read_source

SQUARE = '''from derive import layer


@layer(cites="x")
def rowsums(A: Real[n, m], x: Real[n]):
    """Of a square matrix: both axes grow together."""
    m = axis(size(n))
    y[n] = x[n] * sum(m, A[n, m])
    return y
'''


@pytest.mark.parametrize("name", [*load_project(), "rowsums"])
def test_a_large_case_is_large_and_not_larger(name: str) -> None:
    layers = load_project() if name != "rowsums" else read_source(SQUARE, "square.py")
    case = large(layers[name][0], 1)
    elements = [a.size for v in case.tensors.values() if v is not None for a in map(np.asarray, flat(v))]
    assert MANY // 8 < max(elements) < 16 * MANY  # the result has more than MANY where it is the larger one
