"""Large cases: more elements than a block has, and no more memory than that takes."""

from __future__ import annotations

import numpy as np
import pytest

from derive.evidence import layout
from derive.evidence.inputs import NoArguments
from derive.evidence.large import MANY, large
from derive.evidence.layout import flat
from derive.notation.define import load_project, read_source

SQUARE = '''from derive import layer


@layer(cites="x")
def rowsums(A: Real[n, m], x: Real[n]):
    """Of a square matrix: both axes grow together."""
    m = axis(size(n))
    y[n] = x[n] * sum(m, A[n, m])
    return y
'''


BOTH = '''from derive import layer


@layer(cites="x")
def paths(x: Real[s, t]):
    """A recurrence over two axes."""
    y[-1, t] = 0
    y[s, -1] = 0
    y[s, t] = y[s - 1, t] + y[s, t - 1] + x[s, t]
    return y
'''


def test_no_axis_is_long_along_which_a_recurrence_runs() -> None:
    with pytest.raises(NoArguments, match="a recurrence runs along"):
        large(read_source(BOTH, "both.py")["paths"][0], 1)


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", [*load_project(), "rowsums"])
def test_a_large_case_is_large_and_not_larger(name: str) -> None:
    layers = load_project() if name != "rowsums" else read_source(SQUARE, "square.py")
    case = large(layers[name][0], 1)
    elements = [a.size for v in case.tensors.values() if v is not None for a in map(np.asarray, flat(v))]
    assert MANY // 8 < max(elements) < 16 * MANY  # the result has more than MANY where it is the larger one


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", load_project())
def test_results_that_grow_are_large_too(name: str, seed: int) -> None:
    """However the other axes are drawn: a convolution's result may have twenty times fewer elements than its images."""
    layer = load_project()[name][0]
    case = large(layer, seed)
    shapes = [layout.shape_of(case, o) for o in layer.outputs]
    sizes = [np.prod(s, dtype=int) for shape in shapes for s in (shape if isinstance(shape, list) else [shape])]
    assert max(sizes) == 1 or max(sizes) > MANY
