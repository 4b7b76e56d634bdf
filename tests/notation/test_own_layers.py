"""A layer of one's own works wherever one of the project does, and lists of parts go as deep as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.evidence import compare, exact, text
from tests.evidence.shared import own

FUNCTIONS = """
def my_act(x: Real[...], slope: Scalar = 0.5):
    y[...] = x[...] * sigmoid(slope * x[...])
    return y


def twice_act(x: Real[...]):
    y[...] = my_act(my_act(x[...]))
    return y
"""
USES = {
    "inline": """
def inline(x: Real[..., i], W: Real[o, i]):
    z[..., o] = sum(i, W[o, i] * x[..., i])
    y[..., o] = twice_act(z[..., o]) + my_act(z[..., o], slope=2.0) * x[..., 0]
    return y
""",
    "as_an_option": """
def as_an_option(x: Real[..., i], W: Real[o, i], b: Real[o], activation: Activation = "my_act"):
    z = linear(x, W, b)
    y[..., o] = activation(z[..., o])
    return y
""",
    "of_a_part": """
def of_a_part(x: Real[..., i], W: Real[i, i2], b: Real[i]):
    i2 = axis(size(i))
    y = residual(x, x, W, b, activation="my_act")
    return y
""",
    "passed_on": """
def passed_on(x: Real[..., i], W: Real[i, i2], b: Real[i], activation: Activation = "twice_act"):
    i2 = axis(size(i))
    h = residual(x, x, W, b, activation="tanh")
    y = residual(h, x, W, b, activation=activation)
    return y
""",
    "choices": """
def choices(z: Real[b, i], w: Real[b, i], t: Real[b, i]):
    e = mse(z, t, reduction="sum")
    f = mse(w, t, reduction="mean")
    g = softmax_cross_entropy(w, t, reduction="none")
    y = e + f + sum(b, g[b])
    return y
""",
}  # fmt: skip
LISTS = {
    "chain": """
def chain(x: Real[..., i], W: Real[l][o, i], b: Real[l][o]):
    h[-1, ..., i] = x[..., i]
    z[l] = linear(h[l - 1], W[l], b[l])
    h[l, ..., o] = z[l, ..., o] * z[l, ..., o]
    y[..., o] = h[size(l) - 1, ..., o]
    return y
""",
    "stack": """
def stack(x: Real[t, ..., n], W: Real[l][g * n, k], U: Real[l][g * n, m], b: Real[l][g * n],
          H: Real[l][..., n], C: Real[l][..., n]):
    g = axis(4)
    m = axis(size(n))
    k = axis(size(n))
    a[-1, t, ..., n] = x[t, ..., n]
    a[l], c[l] = lstm(a[l - 1], H[l], C[l], W[l], U[l], b[l])
    y[t, ..., n] = a[size(l) - 1, t, ..., n]
    return y
""",
    "heads": """
def heads(x: Real[..., m], W: Real[l][h * d, m], count: Count[h] = 2):
    y[l, ..., h, d] = sum(m, W[l, h, d, m] * x[..., m])
    return y
""",
    "entries": """
def entries(A: Real[l][o, i]):
    y[l] = sum((o, i), A[l, o, i] ** 2)
    s = sum(l, y[l])
    return s
""",
}  # fmt: skip


@pytest.mark.parametrize("name", USES)
def test_an_own_layer_stands_anywhere(name: str, tmp_path: Path) -> None:
    """Building compares every function of the kernel with the text; then the legs that differentiate by themselves."""
    with own(tmp_path, f"{FUNCTIONS}\n{USES[name]}") as found:
        (derivation, *_), kernel = found[name]
        assert hasattr(kernel, "double_backward")
        for leg in (compare.definition, compare.duality, compare.second, text.text):
            result = leg(derivation, kernel)
            assert result.passed, result
            assert result.checks, result
        assert exact.exact(derivation).passed


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_parts_and_of_products(name: str, tmp_path: Path) -> None:
    """Building compares forward, backward, jvp and double_backward with the text."""
    with own(tmp_path, LISTS[name].replace(",\n          ", ", ")) as found:
        (derivation, *_), kernel = found[name]
        assert hasattr(kernel, "double_backward")
        if name not in BY_BUILDING:
            assert compare.definition(derivation, kernel).passed
            assert compare.second(derivation, kernel).passed


#: Here the interpreter does not know the lengths of the axes of an entry that is a product.
BY_BUILDING = {"stack", "heads"}
