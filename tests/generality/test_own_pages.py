"""The page of a definition of one's own is read and executed as the project's pages are, whatever its indices do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from derive.command import build
from derive.command.pageleg import missing, outside
from tests.generality.probes.probe import HEAD, made
from tests.generality.support import own_registry

DEFINITIONS = {
    # a list of numbers has one for each array of another
    "list_sq": """
def list_sq(h: Real[l][...]):
    y[l] = sum(..., h[l, ...] ** 2)
    return y
""",
    # an array, too, which is no list of numbers
    "list_weighted": """
def list_weighted(h: Real[l][i], w: Real[l]):
    y = sum(l, w[l] * sum(i, h[l, i]))
    return y
""",
    # sums in a sum are written as one in a plain case, which there is none
    "total_squares": """
def total_squares(h: Real[l][...]):
    y = sum(l, sum(..., h[l, ...] ** 2))
    return y
""",
    # an index whose length an equation states stands alone on an axis that is longer
    "variation": """
def variation(x: Real[b, n]):
    i = axis(size(n) - 1)
    y[b] = sum(i, abs(x[b, i + 1] - x[b, i]))
    return y
""",
    # the slope of a sum binds an index that the sentence is about
    "additive": """
def additive(q: Real[b, g], k: Real[b, g], W: Real[h, g], U: Real[h, g], v: Real[h]):
    y[b] = sum(h, v[h] * tanh(sum(g, W[h, g] * q[b, g]) + sum(g, U[h, g] * k[b, g])))
    return y
""",
    # a slope without indices stands in a sentence about two along one axis
    "share": """
def share(x: Real[n, k]):
    q[n, k] = 1 + x[n, k] ** 2
    y[n, k] = q[n, k] / sum(k, q[n, k])
    return y
""",
    # an exponent has indices that its base has not, and factors with the same indices stand apart
    "discounted": """
def discounted(q: Real[h, t, d], k: Real[h, s, d], gamma: Real[h], v: Real[h, s, e]):
    y[h, t, e] = sum(s, sum(d, q[h, t, d] * k[h, s, d]) * gamma[h] ** (t + s + 2) * v[h, s, e])
    return y
""",
    # not every number that an intermediate may be has a value
    "rooted": """
def rooted(x: Real[b, i], mu: Real[i], P: Real[i, j]):
    j = axis(size(i))
    r[b, i] = x[b, i] - mu[i]
    y[b] = sqrt(sum((i, j), r[b, i] * P[i, j] * r[b, j]))
    return y
""",
    # a mean within an equation runs along the axis of its element by another index
    "standardised": """
def standardised(x: Real[b, i]):
    y[b, i] = (x[b, i] - mean(i, x[b, i])) / std(i, x[b, i])
    return y
""",
    # an option above the line and below it; terms that differ in sign alone are counted once
    "smooth": """
def smooth(C: Real[i, j], u: Real[i], eps: Positive = 0.3):
    v[j] = -eps * log(sum(i, exp((u[i] - C[i, j]) / eps)))
    w[i] = -eps * log(sum(j, exp((v[j] - C[i, j]) / eps)))
    return v, w
""",
    # a plain case without strides and padding, and one without an axis of heads
    "filtered": """
def filtered(x: Real[b, t], w: Real[k], stride: Count = 1, padding: Natural = 0):
    n = axis((size(t) + 2 * padding - size(k)) // stride + 1)
    y[b, n] = sum(k, w[k] * x[b, stride * n + k - padding])
    return y
""",
    "projected": """
def projected(x: Real[..., heads * d], W: Real[heads * e, d], count: Count[heads] = 1):
    y[..., heads, e] = sum(d, x[..., heads, d] * W[heads, e, d])
    return y
""",
    # a mistake leaves out minus one half
    "factorised": """
def factorised(x: Real[..., i], w: Real[i], V: Real[i, f]):
    a[..., f] = sum(i, V[i, f] * x[..., i])
    b[..., f] = sum(i, V[i, f] ** 2 * x[..., i] ** 2)
    y[...] = sum(i, w[i] * x[..., i]) + 1 / 2 * sum(f, a[..., f] ** 2 - b[..., f])
    return y
""",
    # a mistake leaves an option out of an exponent
    "robust": """
def robust(x: Real[...], a: Scalar = 1.3, c: Positive = 0.7):
    q[...] = (x[...] / c) ** 2 / abs(a - 2) + 1
    L[...] = abs(a - 2) / a * (q[...] ** (a / 2) - 1)
    return L
""",
    # where a maximum is cancels with its shift; a mistake leaves a bracket of cases
    "smoothed": """
def smoothed(z: Real[b, k], t: Integer[b] < k, s: Fraction = 0.1):
    m[b] = max(k, z[b, k])
    l[b] = m[b] + log(sum(k, exp(z[b, k] - m[b])))
    p[b, k] = (1 - s if k == t[b] else 0) + s / size(k)
    loss = mean(b, sum(k, p[b, k] * (l[b] - z[b, k])))
    return loss
""",
    # an exponential and the sum that it is divided by have one exponent; two numbers that are one constant
    "density": """
def density(x: Real[n, d], z: Real[m, d], h: Positive = 0.5):
    r[n, m] = sum(d, (x[n, d] - z[m, d]) ** 2)
    y[n] = log(mean(m, exp(-r[n, m] / (2 * h ** 2))))
    return y
""",
    # a number above the line or below it, where it costs least
    "mixed": """
def mixed(x: Real[b], mu: Real[k], s: Real[k]):
    u[b, k] = -(x[b] - mu[k]) ** 2 / (2 * exp(2 * s[k])) - s[k]
    return u
""",
    # an input that is only read where it is held has a gradient of 0, which an equation says
    "baseline": """
def baseline(r: Real[b], v: Real[b], logp: Real[b]):
    a[b] = stop_gradient(r[b] - v[b])
    loss = -mean(b, logp[b] * a[b]) + mean(b, (stop_gradient(r[b]) - v[b]) ** 2)
    return loss
""",
    # entries of a list read what is stopped of the one before; a product with what relu left nothing of is at a kink
    "frozen": """
def frozen(x: Real[..., i], W: Real[l][o, i]):
    h[-1, ..., i] = x[..., i]
    z[l, ..., o] = sum(i, W[l, o, i] * stop_gradient(h[l - 1, ..., i]))
    h[l, ..., o] = relu(z[l, ..., o])
    return h
""",
    # a sum that a condition asks about in its own term; p stands outside of the sum that has x ** (p - 1), at x of 0
    "rational": """
def rational(x: Real[...], a: Real[p], b: Real[q]):
    P[...] = sum(p, a[p] * x[...] ** p)
    Q[...] = 1 + abs(sum(q, b[q] * x[...] ** (q + 1)))
    y[...] = P[...] / Q[...]
    return y
""",
    # a sign does not move with what it is of
    "signed": """
def signed(W: Real[...], g: Real[...], m: State[...], lr: Scalar = 0.1, beta: Fraction = 0.9):
    u[...] = sign(beta * m[...] + (1 - beta) * g[...])
    V[...] = W[...] - lr * u[...]
    return V
""",
    # an axis that is given is as long as one that is given later
    "rayleigh": """
def rayleigh(A: Real[i, j], x: Real[j]):
    i = axis(size(j))
    R = sum((i, j), x[i] * A[i, j] * x[j]) / sum(i, x[i] ** 2)
    return R
""",
    # a plain case of a recurrence
    "leaking": """
def leaking(x: Real[t, b], mask: Mask[t, b], r: Real[b]):
    s[-1, b] = 0
    s[t, b] = r[b] * s[t - 1, b] + (x[t, b] if mask[t, b] else 0)
    return s
""",
}


def with_words(text: str) -> str:
    """With what a definition must say of itself."""
    head, rest = text.strip().split("\n", 1)
    return f'@layer(cites="test")\n{head}\n    """An example."""\n{rest}\n'


@pytest.mark.skipif(bool(missing()), reason="the pages' own reader is not here")
@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_page_of_an_own_definition_holds(name: str, tmp_path: Path) -> None:
    file, out = tmp_path / f"{name}_definition.py", tmp_path / "kernels"
    file.write_text(HEAD + with_words(DEFINITIONS[name]), encoding="utf-8")
    with own_registry():
        build.write(build.generate(file=file, out=out))
    ((_, passed, number, said, _),) = outside([name], out)
    assert passed, said
    read, _, formulas = number.partition(" ")[0].partition("/")
    assert read == formulas


def test_what_is_positive_above_and_below_the_line_cancels(tmp_path: Path) -> None:
    file, out = tmp_path / "smooth_definition.py", tmp_path / "kernels"
    file.write_text(HEAD + with_words(DEFINITIONS["smooth"]), encoding="utf-8")
    with own_registry():
        build.write(build.generate(file=file, out=out))
    page = (out / "smooth.md").read_text(encoding="utf-8")
    backward = page[page.index("## Backward") : page.index("## Symbols")]
    assert "exp" in backward
    assert r"\overline{w}_{i} \mathrm{eps}" not in backward


SPATIAL = """
def spatial(x: Real[b, c, h, w]):
    z[b, c] = sum((h, w), exp(x[b, c, h, w]))
    y[b, c] = sum((h, w), w * exp(x[b, c, h, w])) / z[b, c]
    return y
"""


def test_a_sum_of_exponentials_over_two_axes_runs_in_blocks(tmp_path: Path) -> None:
    """A block has fewer rows than the call says."""
    with made("spatial", with_words(SPATIAL), tmp_path) as built:
        x = np.random.default_rng(0).standard_normal((13334, 3, 5, 7))
        y, saved = built.kernel.forward(x)
        e = np.exp(x)
        np.testing.assert_allclose(y, (e * np.arange(7)).sum((2, 3)) / e.sum((2, 3)), rtol=1e-12)
        whole = built.kernel.backward(y, saved)[0]
        few, saved = built.kernel.forward(x[-9:])
        np.testing.assert_allclose(built.kernel.backward(few, saved)[0], whole[-9:], rtol=1e-12)
        assert built.kernel.forward(x[:0])[0].shape == (0, 3)
