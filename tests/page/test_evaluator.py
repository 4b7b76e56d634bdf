# ruff: noqa: E501  (equations are not broken)
"""The brute-force evaluator against straightforward NumPy, and its conventions."""

from __future__ import annotations

import time
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest

from tests.page.arithmetic import EXACT, PRECISE, EvaluationError
from tests.page.support import evaluate, table
from tests.page.symbols import Symbols

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def same(a: object, b: object) -> None:
    np.testing.assert_allclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-12, atol=1e-12)


LINEAR = table(
    """
    x | x | x[..., i] input
    W | W | W[o, i] input
    b | b | b[o] input
    y | y | y[..., o] output
    """
)
LINEAR_TEX = r"""
    y_{\ast,o} = \sum_{i} W_{o,i} x_{\ast,i} + b_{o}
    \overline{W}_{o,i} = \sum_{\ast} \overline{y}_{\ast,o} x_{\ast,i}
    \overline{x}_{\ast,i} = \sum_{o} W_{o,i} \overline{y}_{\ast,o}
    \overline{b}_{o} = \sum_{\ast} \overline{y}_{\ast,o}
"""


def test_linear_and_its_gradients_over_several_leading_axes() -> None:
    x, W, b, g = normal(2, 5, 3), normal(4, 3), normal(4), normal(2, 5, 4)
    e = evaluate(LINEAR, LINEAR_TEX, x=x, W=W, b=b, bar_y=g)
    same(e.array("y"), (x @ W.T + b).reshape(10, 4))
    same(e.array("bar W"), np.einsum("abo,abi->oi", g, x))
    same(e.array("bar x"), (g @ W).reshape(10, 3))
    same(e.array("bar b"), g.sum((0, 1)))


def test_exact_fractions_and_sixty_digits() -> None:
    frac = np.vectorize(Fraction, otypes=[object])
    x, W, b = (
        frac(rng.integers(-9, 9, (2, 3))),
        frac(rng.integers(-9, 9, (4, 3))),
        frac(rng.integers(-9, 9, 4)),
    )
    y = evaluate(LINEAR, LINEAR_TEX, EXACT, x=x / 7, W=W, b=b).array("y")
    assert (y == (x / 7) @ W.T + b).all()
    s = table("x | x | x[...] input\ny | y | y[...] output")
    with mpmath.workdps(60):
        got = evaluate(
            s, r"y_{\ast} = \frac{\exp\left(x_{\ast}\right)}{3}", PRECISE, x=np.array([mpmath.mpf(1)], object)
        )
        assert abs(got.element("y", (0,)) - mpmath.e / 3) < mpmath.mpf(10) ** -58


def test_softmax_forward_and_backward() -> None:
    s = table("z | z | z[..., i] input\ny | y | y[..., i] output")
    z, g = normal(4, 3), normal(4, 3)
    tex = r"""
        y_{\ast,i} = \frac{\exp\left(z_{\ast,i}\right)}{\sum_{j} \exp\left(z_{\ast,j}\right)}
        \overline{z}_{\ast,i} = y_{\ast,i} \left(\overline{y}_{\ast,i} - \sum_{j} \overline{y}_{\ast,j} y_{\ast,j}\right)
    """
    e = evaluate(s, tex, z=z, bar_y=g)
    y = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    same(e.array("y"), y)
    same(e.array("bar z"), y * (g - (g * y).sum(-1, keepdims=True)))


NORM = table(
    r"""
    x | x | x[..., i] input
    \gamma | gamma | gamma[i] input
    \beta | beta | beta[i] input
    \epsilon | epsilon | option a positive number; default 1e-5
    \mu | mu | mu[...]
    \sigma^{2} | var | var[...]
    \hat{x} | x_hat | x_hat[..., i]
    y | y | y[..., i] output
    """
)
NORM_TEX = r"""
    \mu_{\ast} = \frac{1}{N_{i}} \sum_{i} x_{\ast,i}
    \sigma^{2}_{\ast} = \frac{1}{N_{i}} \sum_{i} \left(x_{\ast,i} - \mu_{\ast}\right)^{2}
    \hat{x}_{\ast,i} = \frac{x_{\ast,i} - \mu_{\ast}}{\sqrt{\sigma^{2}_{\ast} + \epsilon}}
    y_{\ast,i} = \gamma_{i} \hat{x}_{\ast,i} + \beta_{i}
    \overline{\hat{x}}_{\ast,i} = \gamma_{i} \overline{y}_{\ast,i}
    \overline{x}_{\ast,i} = \left(\sigma^{2}_{\ast} + \epsilon\right)^{-\frac{1}{2}} \left(\overline{\hat{x}}_{\ast,i} - \frac{1}{N_{i}} \sum_{j} \overline{\hat{x}}_{\ast,j} - \hat{x}_{\ast,i} \frac{1}{N_{i}} \sum_{j} \overline{\hat{x}}_{\ast,j} \hat{x}_{\ast,j}\right)
    \overline{\gamma}_{i} = \sum_{\ast} \overline{y}_{\ast,i} \hat{x}_{\ast,i}
    \overline{\beta}_{i} = \sum_{\ast} \overline{y}_{\ast,i}
"""


def test_layer_norm_forward_and_backward_and_fast_enough() -> None:
    x, gamma, beta, g = normal(20, 5), normal(5), normal(5), normal(20, 5)
    start = time.perf_counter()
    e = evaluate(NORM, NORM_TEX, x=x, gamma=gamma, beta=beta, epsilon=0.3, bar_y=g)
    got = {k: e.array(k) for k in ("y", "bar x", "bar gamma", "bar beta")}
    assert time.perf_counter() - start < 0.5  # measured: about 0.01
    r = 1 / np.sqrt(x.var(-1, keepdims=True) + 0.3)
    h = (x - x.mean(-1, keepdims=True)) * r
    d = g * gamma
    same(got["y"], h * gamma + beta)
    same(got["bar x"], r * (d - d.mean(-1, keepdims=True) - h * (d * h).mean(-1, keepdims=True)))
    same(got["bar gamma"], (g * h).sum(0))
    same(got["bar beta"], g.sum(0))


CONV = table(
    """
    x | x | x[b, g*c, u, v] input
    W | W | W[g*o, c, k, l] input
    y | y | y[b, g*o, p, q] output
    s | stride | option a positive integer
    m | padding | option an integer >= 0
    d | dilation | option a positive integer
    N_{g} | groups | option a positive integer
    """
)
CONV_TEX = r"""
    N_{p} = \left\lfloor \frac{N_{u} + 2 m - d \left(N_{k} - 1\right) - 1}{s} \right\rfloor + 1
    N_{q} = \left\lfloor \frac{N_{v} + 2 m - d \left(N_{l} - 1\right) - 1}{s} \right\rfloor + 1
    y_{b,g,o,p,q} = \sum_{c,k,l} W_{g,o,c,k,l} x_{b,g,c,s p + d k - m,s q + d l - m}
    \overline{W}_{g,o,c,k,l} = \sum_{b,p,q} \overline{y}_{b,g,o,p,q} x_{b,g,c,s p + d k - m,s q + d l - m}
    \overline{x}_{b,g,c,u,v} = \sum_{o,k,l} W_{g,o,c,k,l} \overline{y}_{b,g,o,\frac{u + m - d k}{s},\frac{v + m - d l}{s}}
"""


def conv_by_loops(x: np.ndarray, W: np.ndarray, s: int, m: int, d: int, groups: int) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (0, 0), (m, m), (m, m)))
    o, c, k, l = W.shape
    p = (padded.shape[2] - d * (k - 1) - 1) // s + 1
    q = (padded.shape[3] - d * (l - 1) - 1) // s + 1
    y = np.zeros((len(x), o, p, q))
    for n in range(o):
        start = n // (o // groups) * c
        for i in range(p):
            for j in range(q):
                patch = padded[:, start : start + c, i * s : i * s + d * k : d, j * s : j * s + d * l : d][:, :, :k, :l]
                y[:, n, i, j] = (patch * W[n]).sum((1, 2, 3))
    return y


def test_convolution_with_stride_dilation_padding_and_groups() -> None:
    x, W = normal(2, 4, 7, 6), normal(6, 2, 3, 2)
    options = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    y = conv_by_loops(x, W, 2, 1, 2, 2)
    g = normal(*y.shape)
    e = evaluate(CONV, CONV_TEX, x=x, W=W, bar_y=g, **options)
    same(e.array("y").reshape(y.shape), y)
    for name, array in (("x", x), ("W", W)):  # the map is linear in each, so a difference is the derivative
        gradient = np.zeros(array.size)
        for n in range(array.size):
            unit = np.zeros(array.size)
            unit[n] = 1
            moved = {"x": x, "W": W, name: unit.reshape(array.shape)}
            gradient[n] = (conv_by_loops(moved["x"], moved["W"], 2, 1, 2, 2) * g).sum()
        same(e.array(f"bar {name}").ravel(), gradient)


def test_a_size_equation_is_a_claim() -> None:
    wrong = CONV_TEX.replace(r"N_{u} + 2 m", r"N_{u} + 3 m")
    with pytest.raises(EvaluationError, match="by its equation"):
        evaluate(CONV, wrong, x=normal(1, 2, 7, 7), W=normal(2, 1, 3, 3), bar_y=normal(1, 2, 9, 9), stride=1, padding=2,
                 dilation=1, groups=2)  # fmt: skip


def test_max_pool_takes_the_first_of_ties_and_skips_the_padding() -> None:
    s = table(
        """
        x | x | x[c, u, v] input
        a | a | a[c, p, q]
        y | y | y[c, p, q] output
        s | stride | option a positive integer
        m | padding | option an integer >= 0
        N_{k} | window | option a positive integer
        N_{l} | window | option a positive integer
        """
    )
    tex = r"""
        N_{p} = \left\lfloor \frac{N_{u} + 2 m - N_{k}}{s} \right\rfloor + 1
        N_{q} = \left\lfloor \frac{N_{v} + 2 m - N_{l}}{s} \right\rfloor + 1
        y_{c,p,q} = \max_{k,l} x_{c,s p + k - m,s q + l - m}
        a_{c,p,q} = \operatorname{argmax}_{k,l} x_{c,s p + k - m,s q + l - m}
        \overline{x}_{c,u,v} = \sum_{p,q,k,l} \left[ u = s p + k - m \land v = s q + l - m \land a_{c,p,q} = k N_{l} + l \right] \overline{y}_{c,p,q}
    """
    x = rng.integers(-3, -1, (2, 5, 4)).astype(float)  # many ties, all below zero
    y, dx = np.zeros((2, 3, 3)), np.zeros_like(x)
    g = normal(*y.shape)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    dpadded = np.zeros_like(padded)
    for c, p, q in np.ndindex(y.shape):
        window = padded[c, 2 * p : 2 * p + 2, 2 * q : 2 * q + 2]
        k, l = np.unravel_index(window.argmax(), window.shape)
        y[c, p, q] = window[k, l]
        dpadded[c, 2 * p + k, 2 * q + l] += g[c, p, q]
    dx = dpadded[:, 1:-1, 1:-1]
    e = evaluate(s, tex, x=x, bar_y=g, stride=2, padding=1, window=2)
    same(e.array("y"), y)
    same(e.array("bar x"), dx)


EMBEDDING = table("E | E | E[v, d] input\nt | t | t[...] integer below v\ny | y | y[..., d] output")


def test_embedding_and_its_gradient() -> None:
    tex = r"""
        y_{\ast,d} = E_{t_{\ast},d}
        \overline{E}_{v,d} = \sum_{\ast} \left[ t_{\ast} = v \right] \overline{y}_{\ast,d}
    """
    E, t, g = normal(5, 3), np.array([[1, 1, 4], [0, -1, 1]]), normal(2, 3, 3)
    e = evaluate(EMBEDDING, tex, E=E, t=t, bar_y=g)
    same(e.array("y"), np.where(t.ravel()[:, None] < 0, 0, E[t.ravel()]))  # outside is zero, not the last row
    dE = np.zeros_like(E)
    np.add.at(dE, t.ravel()[t.ravel() >= 0], g.reshape(6, 3)[t.ravel() >= 0])
    same(e.array("bar E"), dE)


def test_a_recurrence_with_gates_and_its_reverse() -> None:
    s = table(
        r"""
        x | x | x[t, ..., i] input
        \mathrm{h0} | h0 | h0[..., n] input
        W | W | W[2*n, i] input
        U | U | U[2*n, n] input
        z | z | z[t, ..., 2, n]
        h | h | h[t, ..., n] output
        """
    )
    tex = r"""
        z_{t,\ast,a,n} = \sum_{i} W_{a,n,i} x_{t,\ast,i} + \sum_{m} U_{a,n,m} h_{t - 1,\ast,m}
        h_{-1,\ast,n} = \mathrm{h0}_{\ast,n}
        h_{t,\ast,n} = \operatorname{sigmoid}\left(z_{t,\ast,0,n}\right) h_{t - 1,\ast,n} + \tanh\left(z_{t,\ast,1,n}\right)
    """
    x, h0, W, U = normal(4, 2, 3), normal(2, 5), normal(10, 3), normal(10, 5)
    e = evaluate(s, tex, x=x, h0=h0, W=W, U=U)
    h, want = h0, []
    for t in range(4):
        z = x[t] @ W.T + h @ U.T
        h = h / (1 + np.exp(-z[:, :5])) + np.tanh(z[:, 5:])
        want.append(h)
    same(e.array("h"), want)
    # the adjoint of h[t] = w[t] h[t-1] runs from the end
    s = table("w | w | w[t] input\nv | v | v[] input\nh | h | h[t] output")
    tex = r"""
        h_{-1} = v
        h_{t} = w_{t} h_{t - 1}
        \overline{h}_{N_{t} - 1} = 1
        \overline{h}_{t} = w_{t + 1} \overline{h}_{t + 1}
        \overline{v} = w_{0} \overline{h}_{0}
    """
    w = normal(6)
    e = evaluate(s, tex, w=w, v=np.array(2.0))
    same(e.array("h"), 2 * np.cumprod(w))
    same(e.array("bar v"), np.prod(w))


def test_a_network_of_any_widths_is_a_recurrence_over_a_list() -> None:
    s = table(
        """
        x | x | x[..., i] input
        W | W | W[l][o, i] input
        b | b | b[l][o] input
        h | h | h[l][..., o]
        y | y | y[..., o] output
        """
    )
    tex = r"""
        h_{-1,\ast,i} = x_{\ast,i}
        h_{l,\ast,o} = \tanh\left(\sum_{i} W_{l,o,i} h_{l - 1,\ast,i} + b_{l,o}\right)
        y_{\ast,o} = h_{N_{l} - 1,\ast,o}
        \overline{h}_{N_{l} - 1,\ast,o} = \overline{y}_{\ast,o}
        \overline{h}_{l,\ast,i} = \sum_{o} W_{l + 1,o,i} \left(1 - h_{l + 1,\ast,o}^{2}\right) \overline{h}_{l + 1,\ast,o}
        \overline{W}_{l,o,i} = \sum_{\ast} \left(1 - h_{l,\ast,o}^{2}\right) \overline{h}_{l,\ast,o} h_{l - 1,\ast,i}
        \overline{x}_{\ast,i} = \sum_{o} W_{0,o,i} \left(1 - h_{0,\ast,o}^{2}\right) \overline{h}_{0,\ast,o}
    """
    widths = [3, 4, 2, 5]
    W = [normal(o, i) for i, o in pairwise(widths)]
    b = [normal(o) for o in widths[1:]]
    x, g = normal(2, 3), normal(2, 5)
    e = evaluate(s, tex, x=x, W=W, b=b, bar_y=g)
    hs = [x]
    for w, c in zip(W, b, strict=True):
        hs.append(np.tanh(hs[-1] @ w.T + c))
    same(e.array("y"), hs[-1])
    d, dW = g, []
    for w, h, before in zip(W[::-1], hs[:0:-1], hs[-2::-1], strict=True):
        d = d * (1 - h * h)
        dW.insert(0, d.T @ before)
        d = d @ w
    for got, want in zip(e.array("bar W"), dW, strict=True):
        same(got, want)
    same(e.array("bar x"), d)


def test_a_list_of_arrays_of_any_shape() -> None:
    s = table(
        r"""
        W | W | W[l][...] input
        \lambda | weight_decay | option a positive number
        R | R | R[] output
        """
    )
    tex = r"""
        R = \frac{\lambda}{2} \sum_{l,\ast} W_{l,\ast}^{2}
        \overline{W}_{l,\ast} = \lambda W_{l,\ast} \overline{R}
    """
    W = [normal(2, 3), normal(4), normal(1, 2, 2)]
    e = evaluate(s, tex, W=W, weight_decay=0.5, bar_R=np.array(3.0))
    same(e.array("R"), 0.25 * sum((w * w).sum() for w in W))
    for got, w in zip(e.array("bar W"), W, strict=True):
        same(got, 1.5 * w.ravel())


def test_conventions() -> None:
    s = table(
        "x | x | x[i] input\nt | t | t[i] input\nm | m | m[i] boolean input\ny | y | y[i] output\nR | R | R[] output\nj | j | index along i"
    )
    x, t, m = np.array([0.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0]), np.array([True, False, True])

    def value(tex: str) -> list[float]:
        return evaluate(s, tex, x=x, t=t, m=m).array("y").tolist()

    assert value(r"y_{i} = t_{i} \log\left(x_{i}\right)") == [0, np.log(2), 0]
    assert value(r"y_{i} = \log\left(x_{i}\right) t_{i}") == [0, np.log(2), 0]
    assert value(r"y_{i} = \begin{cases} \frac{1}{x_{i}} & \text{if } x_{i} \ne 0 \\ 7 & \text{otherwise} \end{cases}") == [
        7, 0.5, 1 / 3,
    ]  # fmt: skip
    assert value(r"y_{i} = x_{i + 1} + x_{i - 1}") == [2, 3, 2]
    assert value(r"y_{i} = \max_{j} \left(-x_{i + j}\right)") == [0, -2, -3]
    assert value(r"y_{i} = \left[ m_{i} \land \lnot x_{i} > 2 \lor i = 1 \right]") == [1, 1, 0]
    assert value(r"y_{i} = \operatorname{argmax}_{j} \left[ j \ge i \right]") == [0, 1, 2]
    with pytest.raises(EvaluationError, match="division by zero"):
        value(r"y_{i} = \frac{t_{i}}{x_{i}}")
    with pytest.raises(EvaluationError, match="defined by itself"):
        value(r"y_{i} = y_{i} + 1")
    with pytest.raises(EvaluationError, match="neither an input nor defined"):
        value(r"y_{i} = R")


def test_an_index_along_axes_of_different_length_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="index o runs along axis o of y, which is 4 long"):
        evaluate(
            LINEAR,
            r"y_{\ast,o} = \sum_{i} W_{i,o} x_{\ast,i} + b_{o}",
            x=normal(2, 3),
            W=normal(4, 3),
            b=normal(4),
        ).array("y")
    with pytest.raises(EvaluationError, match="axis i is 3 long in W and 5 in x"):
        evaluate(LINEAR, r"y_{\ast,o} = b_{o}", x=normal(2, 5), W=normal(4, 3), b=normal(4))


def test_an_index_runs_along_its_own_axis_where_a_length_is_stated() -> None:
    """x is shorter than y, whose length is an equation of the page: beyond its end x is 0."""
    symbols = Symbols.read([("x", "x", "x[i] input"), ("y", "y", "y[j] output")], sized=("j",))
    e = evaluate(symbols, "N_{j} = N_{i} + 2\n y_{j} = x_{j}", x=np.array([3.0, 4.0]))
    assert e.array("y").tolist() == [3, 4, 0, 0]
