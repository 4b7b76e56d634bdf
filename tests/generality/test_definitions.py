"""Right definitions of every kind get right kernels: forward, backward, jvp and double_backward.

Each row is a kind of index, option or case that no layer of the project has.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.generality.support import built, check, definition, own_registry

X = "x: Real[i]"
XE = "x: Real[...]"
CUBE = definition(XE, "y[...] = x[...] ** 3 + exp(x[...])\nreturn y", "cube")
ELU = definition(
    "x: Real[...], alpha: Positive = 1.0",
    "y[...] = x[...] if x[...] > 0 else alpha * (exp(x[...]) - 1)\nreturn y",
    "elu",
)

KINDS = {
    # ---- elementwise layers: their options, layers of layers, choices -----------------------------------------------
    "elu": (XE + ", a: Positive = 1.0", "y[...] = x[...] if x[...] > 0 else a * (exp(x[...]) - 1)\nreturn y"),
    "softplus with an option": (XE + ", b: Positive = 1.0", "y[...] = log(1 + exp(b * x[...])) / b\nreturn y"),
    "a bell of two options": (
        XE + ", s: Positive = 1.0, c: Scalar = 0.3",
        "y[...] = exp(-((x[...] - c) / s) ** 2)\nreturn y",
    ),
    "an elementwise choice": (
        XE + ', kind: Choice["a", "b"] = "a", s: Positive = 2.0',
        'y[...] = exp(s * x[...]) if kind == "a" else 1 / (1 + exp(-s * x[...]))\nreturn y',
    ),
    "mish": (XE, "y[...] = x[...] * tanh(log(1 + exp(x[...])))\nreturn y"),
    "functions of functions": (
        "x: Real[b, i], z: Real[b, i]",
        "y[b, i] = sigmoid(x[b, i] * z[b, i]) * sigmoid(sigmoid(x[b, i])) - relu(x[b, i])\nreturn y",
    ),
    "a layer of the same file": (XE, "y[...] = cube(x[...]) * elu(x[...])\nreturn y"),
    "a layer of the same file as an activation": (
        'x: Real[..., i], a: Activation = "cube"',
        "y[..., i] = a(x[..., i]) * x[..., i]\nreturn y",
    ),
    # ---- precedence and types ---------------------------------------------------------------------------------------
    "minus a whole quotient": (X + ", n: Count = 5", "y[i] = x[i] * (-(n // 2)) + 2 * (n // 2)\nreturn y"),
    "a fractional power": (X, "y[i] = (x[i] ** 2 + 1) ** 0.3 + (x[i] ** 2 + 2) ** (1 / 3)\nreturn y"),
    "the absolute value": (X, "y[i] = abs(x[i]) - abs(2 * x[i] - 1)\nreturn y"),
    "huber": (X, "y[i] = x[i] ** 2 / 2 if abs(x[i]) <= 1 else abs(x[i]) - 1 / 2\nreturn y"),
    "nested maxima": (X, "y[i] = max(max(x[i], 1 - x[i]), max(0, 2 - 3 * x[i]))\nreturn y"),
    "multi-class hinge": (
        "z: Real[..., i], t: Integer[...]",
        "L[...] = sum(i, max(0, z[..., i] - z[..., t[...]] + 1) if i != t[...] else 0)\nreturn L",
    ),
    "positions as numbers": (X + ", w: Real[j]", "y[i, j] = (i - j) ** 2 * x[i] - w[j] * (j + 1) * (i // 2)\nreturn y"),
    "labels as numbers": ("x: Real[b], t: Integer[b]", "y[b] = x[b] * t[b] - (1 if t[b] > 1 else 0)\nreturn y"),
    # ---- repeated and shifted axes ----------------------------------------------------------------------------------
    "a diagonal": ("x: Real[i, j]", "j = axis(size(i))\ny[i] = x[i, i] ** 2\nreturn y"),
    "a trace of cubes": ("x: Real[i, j]", "j = axis(size(i))\ny = sum(i, x[i, i] ** 3)\nreturn y"),
    "a diagonal of three axes": (
        "x: Real[b, i, j, k]",
        "j = axis(size(i))\nk = axis(size(i))\ny[b, i] = x[b, i, i, i] ** 2\nreturn y",
    ),
    "off the diagonal": (
        "x: Real[i, j], w: Real[i]",
        "y[i] = x[i, i + 1] * w[i] + x[i, 2 * i] ** 2\nreturn y",
    ),
    "constant along antidiagonals": (
        "B: Real[r], n: Count[q] = 3, m: Count[k] = 2",
        "y[q, k] = B[k + q] ** 2\nreturn y",
    ),
    "constant along diagonals": (
        "B: Real[r], x: Real[i]",
        "k = axis(size(i))\ny[i] = sum(k, B[i - k + size(i) - 1] * x[k] ** 2)\nreturn y",
    ),
    "every second place before": ("x: Real[p], W: Real[k]", "y[p] = sum(k, W[k] * x[p - 2 * k] ** 2)\nreturn y"),
    "repeated elements": ("x: Real[p], s: Count = 2", "i = axis(size(p) * s)\ny[i] = x[i // s] ** 2\nreturn y"),
    "reflected ends": (
        X + ", n: Natural = 2",
        "j = axis(size(i) + 2 * n)\ny[j] = x[n - j] ** 2 if j < n else x[j - n] if j < n + size(i) else x[0]\nreturn y",
    ),
    "ends outside": (X, "y = x[0] ** 2 + x[size(i) - 2] * x[size(i) + 1] + x[2] ** 3\nreturn y"),
    # ---- places that are data ---------------------------------------------------------------------------------------
    "rows of a bag": ("E: Real[v, d], t: Integer[b, n]", "y[b, d] = sum(n, E[t[b, n], d] ** 2)\nreturn y"),
    "rows of a bag under ...": ("E: Real[v, d], t: Integer[..., n]", "y[..., d] = sum(n, E[t[..., n], d])\nreturn y"),
    "the largest of a bag": ("E: Real[v, d], t: Integer[b, n]", "y[b, d] = max(n, E[t[b, n], d])\nreturn y"),
    "an element of each row": ("B: Real[b, v], s: Integer[b, k]", "y[b, k] = B[b, s[b, k]] ** 2\nreturn y"),
    "a place of each column": ("x: Real[i, j], t: Integer[n, j]", "y[n, j] = x[t[n, j], j] ** 2\nreturn y"),
    "two places in one product": (
        "U: Real[v, d], V: Real[v, d], s: Integer[b], t: Integer[b]",
        "y[b] = sum(d, U[s[b], d] * V[t[b], d])\nreturn y",
    ),
    "a pair of places": ("P: Real[u, v], s: Integer[b], t: Integer[b]", "y[b] = P[s[b], t[b]] ** 2\nreturn y"),
    "a place beside data": ("x: Real[b, i], t: Integer[b]", "y[b] = x[b, t[b]] * x[b, t[b] + 1]\nreturn y"),
    # ---- maxima -----------------------------------------------------------------------------------------------------
    "the maximum of all": ("x: Real[i, j]", "y = max((i, j), x[i, j])\nreturn y"),
    "the maximum of windows": (
        "x: Real[p], w: Count = 2",
        "k = axis(w)\ni = axis(size(p) - w + 1)\ny[i] = max(k, x[i + k]) ** 2\nreturn y",
    ),
    "a maximum beside other axes": ("x: Real[b, c, i]", "y[b, c] = max(i, x[b, c, i] ** 2) * x[b, c, 0]\nreturn y"),
    "a sum of maxima": ("x: Real[b, i, j]", "y[b] = sum(i, max(j, x[b, i, j]) ** 2)\nreturn y"),
    "two maxima in one equation": ("x: Real[i, j]", "y[i] = max(j, x[i, j]) * max(j, 2 - x[i, j])\nreturn y"),
    # ---- masks, choices, what is not used ---------------------------------------------------------------------------
    "masks before and between": (
        "m: Mask[i], x: Real[i], n: Mask[i]",
        "y[i] = m[i] * x[i] - (x[i] ** 2 if n[i] else 3 * x[i])\nreturn y",
    ),
    "a mask read elsewhere": (
        "x: Real[i], m: Mask[i]",
        "y[i] = x[i] if m[size(i) - 1 - i] and not m[i] else exp(x[i])\nreturn y",
    ),
    "a mask turned": ("x: Real[i, j], m: Mask[j, i]", "y[i, j] = exp(x[i, j]) if m[j, i] else 0\nreturn y"),
    "an input of which only the size is used": (
        "u: Real[k], x: Real[i], w: Real[j]",
        "y[i, j] = x[i] ** 2 * size(k)\nreturn y",
    ),
    "a constant": (X, "y[i] = 3\nreturn y"),
    "a constant of every element": (XE, "y[...] = exp(2)\nreturn y"),
    "a size": (X, "y = size(i)\nreturn y"),
    "nothing real": ("t: Integer[...], classes: Count[c] = 5", "y[..., c] = 1 if t[...] == c else 0\nreturn y"),
    "one of two outputs constant": ("x: Real[i], z: Real[j]", "y[i] = 3\nw[j] = z[j] ** 3\nreturn y, w"),
    "two choices": (
        X + ', r: Choice["a", "b"] = "a", s: Choice["p", "q"] = "p"',
        'u[i] = x[i] if r == "a" else 2 * x[i]\ny[i] = u[i] if s == "p" else u[i] ** 2\nreturn y',
    ),
    "three choices, one of shape": (
        X + ', r: Choice["mean", "none"] = "mean", s: Choice["p", "q"] = "p", t: Choice["u", "v", "w"] = "w"',
        'u[i] = x[i] ** 3 if s == "p" else x[i] ** 2\n'
        'v[i] = u[i] if t == "u" else 2 * u[i] if t == "v" else x[i] * u[i]\ny = reduced(r, v[i])\nreturn y',
    ),
    "a state that is used": (
        "x: Real[i], s: State[i], rho: Fraction = 0.3",
        "n[i] = rho * s[i] + x[i] ** 2\ny[i] = x[i] * exp(-n[i])\nreturn y, state(n)",
    ),
    # ---- recurrences ------------------------------------------------------------------------------------------------
    "a recurrence read backwards": (
        "x: Real[t, b]",
        "y[-1, b] = 0\ny[t, b] = y[t - 1, b] / 2 + x[t, b] ** 2\nr[t, b] = y[size(t) - 1 - t, b] ** 2\nreturn r",
    ),
    "a recurrence read at every second place": (
        "x: Real[t, b]",
        "u = axis((size(t) + 1) // 2)\ny[-1, b] = 0\ny[t, b] = y[t - 1, b] * x[t, b] + x[t, b]\n"
        "r[u, b] = y[2 * u, b] ** 2\nreturn r",
    ),
    "a recurrence read at a place that is data": (
        "x: Real[t, b], last: Integer[b]",
        "y[-1, b] = 0\ny[t, b] = y[t - 1, b] / 2 + x[t, b] ** 2\nr[b] = y[last[b], b] ** 2\nreturn r",
    ),
    "a recurrence with a factor of its own": (
        "x: Real[t, b], h0: Real[b], u: Real[b]",
        "h[-1, b] = h0[b]\nh[t, b] = h[t - 1, b] * u[b] + x[t, b]\nreturn h",
    ),
    "a linear recurrence": (
        "x: Real[t, n], h0: Real[n], U: Real[n, m]",
        "m = axis(size(n))\nh[-1, n] = h0[n]\nh[t, n] = sum(m, U[n, m] * h[t - 1, m]) + x[t, n]\nreturn h",
    ),
    "what a recurrence was before": (
        "x: Real[t, b]",
        "y[-1, b] = 0\ny[t, b] = y[t - 1, b] * 2 + x[t, b]\nz[t, b] = y[t - 1, b] ** 2\nreturn z",
    ),
    "a recurrence of what another was": (
        "x: Real[t, b], a: Real[b]",
        "y[-1, b] = 0\n"
        "z[-1, b] = 0\n"
        "z[t, b] = y[t - 1, b]\n"
        "y[t, b] = a[b] * y[t - 1, b] + z[t, b] * x[t, b] + x[t, b]\n"
        "return y",
    ),
    "neighbours summed over all steps": (
        "x: Real[t, b], h0: Real[b]",
        "h[-1, b] = h0[b]\nh[t, b] = h[t - 1, b] * x[t, b]\ny[b] = sum(t, h[t, b] * h[t - 1, b])\nreturn y",
    ),
    "a recurrence that looks ahead": (
        "x: Real[t, b], h0: Real[b]",
        "h[-1, b] = h0[b]\nh[t, b] = h[t - 1, b] * x[t + 1, b] + x[t, b] ** 2\nreturn h",
    ),
    "two recurrences and what comes next": (
        "x: Real[t, b], h0: Real[b]",
        "h[-1, b] = h0[b]\n"
        "z[-1, b] = h0[b] ** 2\n"
        "h[t, b] = h[t - 1, b] * x[t - 1, b] + x[t, b] ** 2\n"
        "z[t, b] = z[t - 1, b] * h[t, b] + h[t - 1, b] * x[t + 1, b]\n"
        "q[t, b] = z[t + 1, b] * h[t, b] ** 2\n"
        "return q",
    ),
    "windows over a recurrence": (
        "x: Real[t], w: Real[k]",
        "h[-1] = 1\nh[t] = h[t - 1] / 2 + sum(k, w[k] * x[t - k] ** 2)\ny[t] = sum(k, w[k] * h[t - k])\nreturn y",
    ),
    "outputs of every step": (
        "x: Real[t, i], W: Real[n, i], U: Real[n, m], V: Real[o, n], h0: Real[n]",
        "m = axis(size(n))\n"
        "h[-1, n] = h0[n]\n"
        "a[t, n] = sum(i, W[n, i] * x[t, i])\n"
        "h[t, n] = tanh(a[t, n] + sum(m, U[n, m] * h[t - 1, m]))\n"
        "y[t, o] = sum(n, V[o, n] * h[t, n])\n"
        "z[o] = sum(t, y[t, o] * t)\n"
        "return y, z",
    ),
    "the mean, the last and the largest of all steps": (
        "x: Real[t, b], h0: Real[b]",
        "h[-1, b] = h0[b]\n"
        "h[t, b] = sigmoid(h[t - 1, b]) * x[t, b]\n"
        "y[b] = mean(t, h[t, b]) * h[size(t) - 1, b] + max(t, h[t, b])\n"
        "return y",
    ),
    "a power that is an option": (
        "x: Real[i], n: Natural=3",
        "y[i] = x[i] ** n * x[i]\nreturn y",
    ),
    "a power of the absolute value": (
        "x: Real[i], p: Positive=3.0",
        "y[i] = abs(x[i]) ** p\nreturn y",
    ),
    "a norm of any order": (
        "x: Real[b, i], p: Positive=3.0",
        "y[b] = sum(i, abs(x[b, i]) ** p) ** (1 / p)\nreturn y",
    ),
    "a power of two": (
        "x: Real[i]",
        "y[i] = 2 ** x[i]\nreturn y",
    ),
    "roots of squares": (
        "x: Real[i]",
        "y[i] = sqrt(x[i] ** 2) * x[i] + (x[i] ** 2) ** 0.5\nreturn y",
    ),
    "a root in a case": (
        "x: Real[i]",
        "y[i] = sqrt(x[i]) if x[i] > 0 else 0\nreturn y",
    ),
    "logarithms and quotients in cases of cases": (
        "x: Real[i], z: Real[i]",
        "y[i] = (log(x[i]) * z[i] if z[i] > 0 else 1 / x[i]) if x[i] > 0 else exp(z[i]) ** 2\nreturn y",
    ),
    "a power with the sign of its argument": (
        "x: Real[...], p: Positive=2.5",
        "y[...] = x[...] ** p if x[...] > 0 else -((-x[...]) ** p)\nreturn y",
    ),
    "the logarithm of sigmoid, as a difference": (
        "x: Real[...]",
        "y[...] = x[...] - log(1 + exp(x[...]))\nreturn y",
    ),
    "the logarithm of a named sigmoid": (
        "x: Real[i]",
        "e[i] = exp(x[i])\ns[i] = e[i] / (1 + e[i])\ny[i] = log(s[i]) + log(1 - s[i])\nreturn y",
    ),
    "cross-entropy through sigmoid": (
        "z: Real[i], t: Real[i]",
        "p[i] = sigmoid(z[i])\ny[i] = -t[i] * log(p[i]) - (1 - t[i]) * log(1 - p[i])\nreturn y",
    ),
    "cross-entropy of logits": (
        "z: Real[i], t: Real[i]",
        "y[i] = log(1 + exp(z[i])) - t[i] * z[i]\nreturn y",
    ),
    "logistic regression": (
        "X: Real[n, d], w: Real[d], t: Real[n]",
        "f = mean(n, log(1 + exp(-t[n] * sum(d, X[n, d] * w[d]))))\nreturn f",
    ),
    "two sigmoids and one inside a function": (
        "x: Real[i], z: Real[i]",
        "y[i] = exp(x[i]) / (1 + exp(x[i])) * 1 / (1 + exp(-z[i])) + tanh(1 / (1 + exp(x[i] * z[i])))\nreturn y",
    ),
    "the logarithm of two exponentials": (
        "x: Real[i], z: Real[i]",
        "y[i] = log(exp(x[i]) + exp(z[i]))\nreturn y",
    ),
    "focal loss": (
        "z: Real[..., i], t: Integer[...], gamma: Positive=2.0",
        "y[..., i] = exp(z[..., i]) / sum(j, exp(z[..., j]))\n"
        "L[...] = -(1 - y[..., t[...]]) ** gamma * log(y[..., t[...]])\n"
        "return L",
    ),
    "a product that is the same along an axis": (
        "x: Real[..., i, k], W: Real[i, o], p: Scalar=2.0",
        "h[..., i, k] = p * x[..., i, k] ** 2\ny[..., o] = sum((i, k), h[..., i, k] * W[i, o])\nreturn y",
    ),
    "a list of products of axes": (
        "x: Real[..., i], W: Real[l][gate * n, i], b: Real[l][gate * n]",
        """
        gate = axis(2)
        h[-1, ..., i] = x[..., i]
        z[l, ..., gate, n] = sum(i, W[l, gate, n, i] * h[l - 1, ..., i]) + b[l, gate, n]
        h[l, ..., n] = sigmoid(z[l, ..., 0, n]) * tanh(z[l, ..., 1, n])
        y[..., n] = h[size(l) - 1, ..., n]
        return y
        """,
    ),
    "a list of three axes": (
        "x: Real[..., i], W: Real[l][gate, n, i]",
        """
        gate = axis(3)
        h[-1, ..., i] = x[..., i]
        z[l, ..., gate, n] = sum(i, W[l, gate, n, i] * h[l - 1, ..., i])
        h[l, ..., n] = z[l, ..., 0, n] * tanh(z[l, ..., 2, n])
        y[..., n] = h[size(l) - 1, ..., n]
        return y
        """,
    ),
    "a list of what has no second derivative": (
        "g: Real[l][...], tau: Positive=1.0",
        "y[l, ...] = max(-tau, -max(-tau, -g[l, ...]))\nreturn y",
    ),
    "a soft maximum along a recurrence": (
        "e: Real[t, i], s0: Real[i], A: Real[j, i]",
        "j = axis(size(i))\nf[-1, i] = s0[i]\nf[t, i] = log(sum(j, exp(f[t - 1, j] + A[j, i]))) + e[t, i]\nreturn f",
    ),
    "a power of a whole number": (
        "t: Integer[...], every: Count=30, factor: Positive=0.1, start: Scalar=0.1",
        "y[...] = start * factor ** (t[...] // every)\nreturn y",
    ),
    "a first position of what is no recurrence": (
        "x: Real[t, ...], start: Real[...], decay: Fraction=0.9",
        "y[-1, ...] = start[...]\ny[t, ...] = (1 - decay) * x[t, ...]\nreturn y",
    ),
    "means of segments, of which some are empty": (
        "x: Real[n, d], a: Real[n], seg: Integer[n], groups: Count[g] = 3",
        "e[n] = exp(a[n])\n"
        "Z[g] = sum(n, e[n] if seg[n] == g else 0)\n"
        "y[g, d] = sum(n, e[n] * x[n, d] if seg[n] == g else 0) / Z[g] if Z[g] > 0 else 0\n"
        "return y",
    ),
    "norms of a list's entries": (
        "W: Real[l][...], G: Real[l][...]",
        "a[l] = sqrt(sum(..., W[l, ...] ** 2))\n"
        "b[l] = sqrt(sum(..., G[l, ...] ** 2))\n"
        "r[l] = a[l] / b[l] if b[l] > 0 else 1\n"
        "y[l, ...] = W[l, ...] - r[l] * G[l, ...]\n"
        "return y",
    ),
    "a recurrence that begins with a quotient of all": (
        "x: Real[n], a: Real[t]",
        "h[-1, n] = x[n] / sqrt(sum(n, x[n] ** 2))\n"
        "h[t, n] = a[t] * h[t - 1, n] ** 2\n"
        "y[n] = h[size(t) - 1, n]\n"
        "return y",
    ),
    "roots of windows": (
        "x: Real[b, p], window: Count=2, stride: Count=2",
        "k = axis(window)\n"
        "i = axis((size(p) - window) // stride + 1)\n"
        "y[b, i] = sqrt(sum(k, x[b, stride * i + k] ** 2))\n"
        "return y",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kernel_of_every_kind_of_definition(kind: str, tmp_path: Path) -> None:
    signature, body = KINDS[kind]
    with own_registry():
        text = (CUBE + ELU if "cube" in signature + body else "") + definition(signature, body)
        check(*built(tmp_path, text))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.longdouble])
@pytest.mark.parametrize(
    "kind",
    ["positions as numbers", "labels as numbers", "minus a whole quotient", "the absolute value", "nested maxima",
     "masks before and between", "softplus with an option"],
)  # fmt: skip
def test_results_have_the_type_of_the_arguments(kind: str, dtype: type, tmp_path: Path) -> None:
    """Positions, labels, conditions and options beside float32 leave float32."""
    signature, body = KINDS[kind]
    with own_registry():
        (derivation, *_), kernel = built(tmp_path, definition(signature, body))
    shapes = {"Real": dtype, "Integer": np.int64, "Mask": bool}
    sizes = {"i": 3, "j": 4, "b": 3, "...": 5}
    arguments = tuple(
        np.ones([sizes[a] for a in t.axes], shapes[{"real": "Real", "integer": "Integer", "boolean": "Mask"}[t.kind]])
        for t in derivation.layer.inputs
    )
    real = tuple(a for a in arguments if a.dtype == dtype)
    y, saved = kernel.forward(*arguments)
    found = [y, *kernel.backward(y, saved), kernel.jvp(arguments, real), *kernel.double_backward(y, arguments, real)]
    assert {a.dtype for a in found} == {np.dtype(dtype)}
