"""Kinds of definitions that the fuzzer found faults with: right ones that have right kernels now, and wrong ones."""

from __future__ import annotations

import pytest

from tests.fuzz.mutations import HEAD
from tests.fuzz.worker import Outcome, attempt

X = "x: Real[..., i]"
SOFTMAX = "y[..., i] = exp(x[..., i]) / sum(j, exp(x[..., j]))\nreturn y"

RIGHT = {
    "a number for each entry of a list": ("W: Real[l][i]", "y[l] = sum(i, W[l, i] ** 2)\nreturn y"),
    "an array for each entry, of other axes": (
        "x: Real[..., i], W: Real[l][o, i]",
        "z[l, ..., o] = sum(i, W[l, o, i] * x[..., i])\nreturn z",
    ),
    "a layer called for each entry": (
        "x: Real[..., i], W: Real[l][o, i], b: Real[l][o]",
        "z[l] = linear(x, W[l], b[l])\nreturn z",
    ),
    "a sum over the entries": (
        "x: Real[i], W: Real[l][o, i]",
        "z[l, o] = sum(i, W[l, o, i] * x[i])\ny[o] = sum(l, z[l, o] ** 2)\nreturn y",
    ),
    "entries with an axis that is split": (
        "x: Real[m], W: Real[l][h * d, m], heads: Count[h] = 2",
        "y[l, h, d] = sum(m, W[l, h, d, m] * x[m]) ** 2\nreturn y",
    ),
    "a list beside an array of as many rows": (
        "x: Real[l, i], W: Real[l][i]",
        "z[l] = sum(i, W[l, i] * x[l, i])\nreturn z",
    ),
    "a second gradient of zeros, in a list": ("g: Real[l][...]", "y[l, ...] = max(1, -g[l, ...])\nreturn y"),
    "a result with an axis that no factor has": (
        "x: Real[b, c, k, i]",
        "p = axis(size(i) + size(k))\ny[b, c, p] = sum((k, i), x[b, c, k, i] if b + k == p else 0)\nreturn y",
    ),
    "a square matrix": ("A: Real[n, n], x: Real[n]", "f = sum((i, j), x[i] * A[i, j] * x[j])\nreturn f"),
    "the length of the first entries": ("x: Real[i]", "k = axis(2)\ny = sqrt(sum(k, x[k] ** 2))\nreturn y"),
    "a window that begins before half of an odd width": (
        "x: Real[b, c], width: Count = 5",
        "n = axis(width)\ns[b, c] = sum(n, x[b, c + n - width // 2 - 1] ** 2)\nreturn s",
    ),
    "squares through a window": ("x: Real[t], w: Real[k]", "y = sum(k, x[k + 1] ** 2) + sum(k, w[k])\nreturn y"),
    "the length of a diagonal": ("A: Real[n, n]", "y = sqrt(sum(n, A[n, n] ** 2))\nreturn y"),
    "the length of some columns": ("A: Real[n, m]", "k = axis(2)\ny = sqrt(sum((k, n), A[n, k] ** 2))\nreturn y"),
    "a trace": ("x: Real[i, i]", "y = sum(i, x[i, size(i) - 1 - i])\nreturn y"),
    "shares of one row": ("x: Real[i], w: Real[i]", "y[i] = x[i] / sum(j, x[j]) * w[i]\nreturn y"),
    "cross-entropy of one row": (
        "z: Real[i], t: Real[i]",
        "y[i] = exp(z[i]) / sum(j, exp(z[j]))\nL = -sum(i, t[i] * log(y[i]))\nreturn L",
    ),
    "a quotient on a part of an axis": (
        "x: Real[p], window: Count = 2",
        "i = axis(size(p) - window + 1)\ny[i] = sqrt(x[i] ** 2 + x[i + 1] ** 2)\nreturn y",
    ),
    "norms of windows that leave something out": (
        "x: Real[p], stride: Count = 2",
        "k = axis(2)\ni = axis((size(p) - 2) // stride + 1)\ny[i] = sqrt(sum(k, x[stride * i + k] ** 2))\nreturn y",
    ),
    "a root of what lies outside": (
        "x: Real[p]",
        "i = axis(size(p) + 1)\ny[i] = sqrt(x[i] ** 2 + x[i + 1] ** 2)\nreturn y",
    ),
    "an option that moves an axis, of any name": (f"{X}, where: Axis[i] = -1", SOFTMAX),
    "a gradient that depends on the shapes of a list alone": (
        "W: Real[l][...], weight_decay: Scalar = 0.1",
        "R = weight_decay / 2 * sum((l, ...), W[l, ...])\nreturn R",
    ),
    "the same of lists whose entries are taken apart": (
        "W: Real[l][h * d], b: Real[l][o, i], heads: Count[h] = 2",
        "R = sum((l, h, d), W[l, h, d]) * sum((l, o, i), b[l, o, i])\nreturn R",
    ),
    "cross-entropy with weights of labels": (
        "z: Real[..., i], t: Integer[...], w: Real[i]",
        "y[..., i] = exp(z[..., i]) / sum(j, exp(z[..., j]))\nL[...] = -w[t[...]] * log(y[..., t[...]])\n"
        "loss = sum(..., L[...]) / sum(..., w[t[...]])\nreturn loss",
    ),
    "attention over the edges into each node": (
        "e: Real[m], t: Integer[m], x: Real[m, d], nodes: Count[n] = 3",
        "z[n] = sum(m, exp(e[m]) if t[m] == n else 0)\na[m] = exp(e[m]) / z[t[m]]\n"
        "y[n, d] = sum(m, a[m] * x[m, d] if t[m] == n else 0)\nreturn y",
    ),
    "an index along one axis in one sum and along others in the next": (
        "x: Real[n, d], y: Real[m, d], w: Real[d]",
        "a[n] = log(sum(k, exp(x[n, k])))\nb[d] = max(k, x[k, d]) + sum(k, y[k, d] ** 2)\n"
        "c = sum(k, w[k] * sum(j, x[j, k]) * sum(j, y[j, k]))\nf = c + sum(n, a[n]) + sum(d, b[d])\nreturn f",
    ),
    "a mask of pairs": (
        "x: Real[n], w: Mask[n, m]",
        "m = axis(size(n))\ny[n] = sum(m, x[m] ** 2 if w[n, m] or n == m else 0)\nreturn y",
    ),
    "edges of a graph, of which some end nowhere": (
        "x: Real[n, f], w: Real[e], s: Integer[e], t: Integer[e]",
        "y[n, f] = sum(e, w[e] * x[s[e], f] ** 2 if t[e] == n else 0)\nreturn y",
    ),
    "edges that a mask leaves out": (
        "x: Real[e, f], t: Integer[e], m: Mask[e], n: Count[k] = 3",
        "y[k, f] = sum(e, x[e, f] ** 2 if m[e] and t[e] == k else 0)\nreturn y",
    ),
    "labels along a row each": (
        "x: Real[b, e], t: Integer[b, e], n: Count[k] = 3",
        "y[b, k] = sum(e, x[b, e] ** 2 if k == t[b, e] else 0)\nreturn y",
    ),
    "a result that begins before its second axis": (
        "x: Real[b, t], s: Real[b]",
        "y[b, -1] = s[b]\ny[b, t] = y[b, t - 1] * x[b, t]\nreturn y",
    ),
    "a recurrence that no argument is in": ("x: Real[i, ...]", "y[-1, ...] = 0\ny[i, ...] = y[i - 1, ...]\nreturn y"),
    "a share of what lies outside": (X, "y[..., i] = exp(-x[..., -i]) / sum(j, exp(-x[..., j]))\nreturn y"),
    "sums of exponentials of every step and of the last": (
        "o: Integer[t, b], s: Real[b, i], B: Real[i, v]",
        "f[-1, b, i] = s[b, i]\nf[t, b, i] = log(sum(i, exp(f[t - 1, b, i]))) + B[i, o[t, b]]\n"
        "p[b] = log(sum(i, exp(f[size(t) - 1, b, i])))\nreturn p",
    ),
    "a condition of costly numbers that is needed twice": (
        "x: Real[...], a: Positive = 1.5",
        "y[...] = -max(-1 / sqrt(x[...] ** 2 + 1), -x[...] / a ** 1.5)\nreturn y",
    ),
    "a sum at labels of what depends on the place": (
        "x: Real[r, i], t: Integer[r]",
        "y[i] = sum(r, x[r, i] ** 2 if t[r] == i else 0)\nreturn y",
    ),
    "a result that is the same everywhere": (
        "W: Real[o, i], u: State[o], v: State[i]",
        "sigma = sum((o, i), u[o] * W[o, i] * v[i])\ny[o, i] = sigma\nreturn y",
    ),
    "a list that is the same everywhere": (
        "W: Real[l][...]",
        "s = sum((l, ...), W[l, ...] ** 2)\ny[l, ...] = s\nreturn y",
    ),
    "log of a sum of exponentials of what lies outside": (
        "x: Real[p], window: Count = 2",
        "k = axis(window)\ni = axis(size(p) - window + 3)\ny[i] = log(sum(k, exp(x[i + k])))\nreturn y",
    ),
    "an axis of the result alone that is as long as an input's": (
        "x: Real[p], w: Real[k]",
        "i = axis(size(p))\ny[i] = sum(k, w[k] * x[i + k])\nreturn y",
    ),
    "a product of axes, one of which a later argument tells": (
        "m: Real[i * j], x: Real[i]",
        "y[i] = sum(j, m[i, j] ** 2) * x[i]\nreturn y",
    ),
    "an elementwise layer that is the same everywhere": (
        "x: Real[...], p: Positive = 2.0",
        "y[...] = 1 + sigmoid(p)\nreturn y",
    ),
    "a curve that the page cannot draw everywhere": (
        "x: Real[...], n: Count = 512",
        "y[...] = max(-1 / sqrt(x[...]), -x[...]) / sqrt(n)\nreturn y",
    ),
    "a layer that is one number": ("x: Real[i], p: Positive = 2.0", "y = p ** 2\nreturn y"),
    "a mean of what has none of its indices": (
        "x: Real[...]",
        "y[...] = mean(..., 1) / (1 + exp(-x[...]))\nreturn y",
    ),
    "an axis of which only one entry can be": ("x: Real[i]", "k = axis(2 - size(i))\nz[k] = x[k] ** 2\nreturn z"),
    "integers that one choice takes with another sign": (
        "E: Real[v, d], t: Integer[b], mode: Choice['one', 'two'] = 'one'",
        "y[b, d] = E[t[b], d] ** 2 if mode == 'one' else E[-t[b], d]\nreturn y",
    ),
    "the same of a row from its second entry on": (X, "y[...] = log(sum(i, exp(x[..., i + 1])))\nreturn y"),
}

WRONG = {
    "a mean over all of a list": ("W: Real[l][...]", "R = mean((l, ...), W[l, ...])\nreturn R", "how many elements"),
    "how large an entry is": ("W: Real[l][...]", "y[l, ...] = size(...) * W[l, ...]\nreturn y", "how many elements"),
    "a sum of what is no entry's": ("W: Real[l][...]", "R = sum((l, ...), 2)\nreturn R", "how many elements"),
    "reduced over a list": (
        "W: Real[l][...], r: Choice['mean', 'sum'] = 'mean'",
        "R = reduced(r, W[l, ...])\nreturn R",
        "how many elements",
    ),
    "a length that is a maximum over an axis": (
        "x: Real[i], n: Natural = 1",
        "k = axis(max(i, size(i) + n))\nz[k] = x[k]\nreturn z",
        "not one number",
    ),
    "the largest in a list": ("W: Real[l][i]", "R = max((l, i), W[l, i])\nreturn R", "no max over"),
    "the largest number of entries": (
        "W: Real[l][i], z: Real[l]",
        "n = max(l, z[l])\ny[l, i] = n * W[l, i]\nreturn y",
        "no max over",
    ),
    "a choice without a default": ('x: Real[i], m: Choice["a", "b"]', "y[i] = x[i]\nreturn y", "no default"),
    "the first entry of a list": ("W: Real[l][i]", "y[i] = W[0, i]\nreturn y", "elsewhere"),
    "the entry before": ("W: Real[l][...]", "y[l, ...] = W[l, ...] - W[l - 1, ...]\nreturn y", "elsewhere"),
    "a list backwards": ("W: Real[l][i]", "y[l] = sum(i, W[size(l) - 1 - l, i])\nreturn y", "elsewhere"),
    "another entry, handed on": (
        "x: Real[..., i], W: Real[l][o, i], b: Real[l][o]",
        "z = linear(x, W[0], b[0])\nreturn z",
        "elsewhere",
    ),
    "an axis of a mask alone": (
        "x: Real[i], m: Mask[..., i]",
        "y[..., i] = x[i] if m[..., i] else 0\nreturn y",
        "mask alone",
    ),
    "an axis that may be moved and is first": (
        "x: Real[i, ...], where: Axis[i] = -1",
        "y[i, ...] = x[i, ...] ** 2\nreturn y",
        "not the last",
    ),
    "a result in which it is first": (
        f"{X}, where: Axis[i] = -1",
        "y[i, ...] = x[..., i] ** 2\nreturn y",
        "not the last",
    ),
}


def definition(signature: str, body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{HEAD}def odd({signature}):\n{lines}"


@pytest.mark.parametrize("kind", RIGHT)
def test_right_definitions_agree(kind: str) -> None:
    assert attempt(definition(*RIGHT[kind])) == Outcome("agrees")


@pytest.mark.parametrize("layer", ["gelu", "identity", "leaky_relu", "relu", "sigmoid", "tanh"])
def test_elementwise_layers_take_a_number(layer: str) -> None:
    body = f"s = sum((o, i), W[o, i])\ny[o, i] = W[o, i] * {layer}(s)\nreturn y"
    assert attempt(definition("W: Real[o, i]", body)) == Outcome("agrees")


def test_an_axis_of_no_length_is_said_in_time() -> None:
    """Lengths are not tried for ever."""
    outcome = attempt(definition("x: Real[i]", "k = axis(-size(i))\nz[k] = x[k] ** 2\nreturn z"))
    assert outcome == Outcome("unread", "not compared: no arguments were found that go together")


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_definitions_are_refused(kind: str) -> None:
    signature, body, words = WRONG[kind]
    outcome = attempt(definition(signature, body))
    assert outcome.kind == "refused", outcome
    assert words in outcome.words
