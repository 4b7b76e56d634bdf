"""Layers made of layers: their kernels call the parts' kernels, and pass every leg.

Nothing here knows a derivative. Each composite is built like a user's own file and put to the legs of the evidence, all
of which read the equations with every call written out: kernel by parts against mathematics.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from derive.build import generate, write
from derive.calculus import parts
from derive.calculus.derivation import derive
from derive.evidence.verify import LEGS, applies, leg
from derive.notation import define
from derive.notation.define import load_file, load_project
from derive.verify import outside_kernels

FUNCTIONS = ("forward", "backward", "jvp", "double_backward")

FEED_FORWARD = """
def feed_forward(
    x: Real[..., i], gamma: Real[i], beta: Real[i], W1: Real[h, i], b1: Real[h], W2: Real[i, h], b2: Real[i]
):
    '''A pre-norm feed-forward block.'''
    n = layer_norm(x, gamma, beta)
    u = linear(n, W1, b1)
    a[..., h] = gelu(u[..., h])
    v = linear(a, W2, b2)
    y[..., i] = x[..., i] + v[..., i]
    return y
"""

#: Definitions, the last one of which is tested, and the parts that its kernel calls.
COMPOSITES = {
    "a feed-forward block": (FEED_FORWARD, ("layer_norm", "linear")),
    "a composite of a composite": (
        FEED_FORWARD
        + """
def two_blocks(
    x: Real[..., i], g: Real[i], c: Real[i], W: Real[h, i], b: Real[h], V: Real[i, h], d: Real[i], z: Real[..., i]
):
    '''The same block twice.'''
    first = feed_forward(x, g, c, W, b, V, d)
    second = feed_forward(first, g, c, W, b, V, d)
    y[..., i] = second[..., i] * z[..., i]
    return y
""",
        ("feed_forward",),
    ),
    "a part whose index runs along another": (
        """
def gate(x: Real[..., i], W: Real[j, i], b: Real[j]):
    '''Scores, their softmax, and what they weigh.'''
    z = linear(x, W, b)
    p = softmax(z)
    y[...] = sum(j, p[..., j] * z[..., j])
    return y, p
""",
        ("linear", "softmax"),
    ),
    "one tensor for three arguments": (
        """
def self_attention(x: Real[..., t, d], scale: Scalar = 0.5):
    '''Attention of a sequence to itself.'''
    o = attention(x, x, x, causal=True)
    y[..., t, d] = x[..., t, d] + scale * o[..., t, d]
    return y
""",
        ("attention",),
    ),
    "a mask and a flag handed on": (
        """
def masked(
    Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], m: Mask[..., q, k], causal: Flag = False
):
    '''Attention, squared.'''
    o = attention(Q, K, V, m, causal=causal)
    y[..., q, v] = o[..., q, v] ** 2
    return y
""",
        ("attention",),
    ),
    "shared weights": (
        """
def twice(x: Real[..., i], W: Real[o, i], b: Real[o]):
    '''The same weights twice: their gradients add up.'''
    u = linear(x, W, b)
    a[..., o] = tanh(u[..., o])
    y = linear(a, W, b)
    return y
""",
        ("linear",),
    ),
    "a result used twice, an argument used in equations too": (
        """
def used(x: Real[..., i], W: Real[o, i], b: Real[o]):
    '''The result is returned, squared and multiplied with the weights' sum.'''
    z = linear(x, W, b)
    s[...] = sum(i, x[..., i])
    y[..., o] = z[..., o] ** 2 * s[...] + sum(i, W[o, i])
    return z, y
""",
        ("linear",),
    ),
    "a recurrence": (
        """
def rnn(x: Real[t, ..., n], h0: Real[..., n], U: Real[n, m], b: Real[n]):
    '''A recurrent layer.'''
    h[-1, ..., n] = h0[..., n]
    a[t] = linear(h[t - 1], U, b)
    h[t, ..., n] = tanh(a[t, ..., n] + x[t, ..., n])
    return h
""",
        ("linear",),
    ),
    "a recurrence that begins with a call": (
        """
def unrolled(x: Real[..., i], V: Real[n, i], c: Real[n], s: Real[t, n], U: Real[n, m], b: Real[n]):
    '''The state begins as a function of the input.'''
    h[-1] = linear(x, V, c)
    a[t] = linear(h[t - 1], U, b)
    h[t, ..., n] = tanh(a[t, ..., n]) * s[t, n]
    y[..., n] = h[size(t) - 1, ..., n]
    return y
""",
        ("linear",),
    ),
    "a loop that is no recurrence": (
        """
def each(x: Real[t, ..., i], W: Real[t, o, i], b: Real[o]):
    '''Weights of its own for every step.'''
    z[t] = linear(x[t], W[t], b)
    y[..., o] = sum(t, z[t, ..., o] ** 2)
    return y
""",
        ("linear",),
    ),
    "a part with lists": (
        """
def deep(x: Real[..., i], g: Real[i], c: Real[i], W: Real[l][o, i], b: Real[l][o]):
    '''A normalised network.'''
    n = layer_norm(x, g, c, epsilon=1e-3)
    z = mlp(n, W, b, activation=tanh, output=sigmoid)
    y[..., o] = z[..., o] ** 2
    return y
""",
        ("layer_norm", "mlp"),
    ),
    "several outputs, two axes in one": (
        """
def summed(
    x: Real[t, ..., i], h0: Real[..., n], c0: Real[..., n], W: Real[gate * n, i], U: Real[gate * n, m],
    b: Real[gate * n],
):
    '''The states and cells of an LSTM.'''
    gate = axis(4)
    h, c = lstm(x, h0, c0, W, U, b)
    y[..., n] = sum(t, h[t, ..., n] * c[t, ..., n])
    return y
""",
        ("lstm",),
    ),
    "windows and computed sizes": (
        """
def two_convolutions(x: Real[b, g * c, p, q], W: Real[g * o, c, k, l], bias: Real[g * o], groups: Count[g] = 1):
    '''A convolution, and its square summed over space.'''
    z = conv2d(x, W, bias, padding=1, groups=groups)
    y[b, g, o] = sum((i, j), z[b, g, o, i, j] ** 2)
    return y
""",
        ("conv2d",),
    ),
    "states and what is no real number": (
        """
def words(E: Real[v, d], t: Integer[...], W: Real[o, d], b: Real[o], s: State[..., o], padding: Integer = -1):
    '''Words, looked up and mapped; a state that softmax is taken of.'''
    e = embedding(E, t, padding_index=padding)
    z = linear(e, W, b)
    p = softmax(s)
    y[..., o] = z[..., o] * p[..., o]
    return y
""",
        ("embedding", "linear", "softmax"),
    ),
    "outputs without gradient": (
        """
def normalised(x: Real[b, c, ...], g: Real[c], h: Real[c], m: State[c], v: State[c], momentum: Fraction = 0.1):
    '''Batch normalisation with its statistics, then a square.'''
    z, mean_, var_ = batch_norm(x, g, h, m, v, momentum=momentum)
    y[b, c, ...] = z[b, c, ...] ** 2
    return y, state(mean_, var_)
""",
        ("batch_norm",),
    ),
    "a choice handed on": (
        """
def classifier(x: Real[..., i], W: Real[c, i], b: Real[c], t: Integer[...], reduction: Choice["mean", "none"] = "mean"):
    '''A linear classifier's loss.'''
    z = linear(x, W, b)
    L = softmax_cross_entropy_labels(z, t, reduction=reduction)
    return L
""",
        ("linear", "softmax_cross_entropy_labels"),
    ),
    "a result that nothing needs": (
        """
def idle(x: Real[..., i], W: Real[o, i], b: Real[o], V: Real[k, i], c: Real[k]):
    '''One of two calls is for nothing.'''
    z = linear(x, W, b)
    unused = linear(x, V, c)
    y[..., o] = z[..., o] ** 2 + sum(k, c[k])
    return y
""",
        ("linear",),
    ),
}


def built(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[Any, ...], ModuleType, str]:
    """The composite's derivations, its kernel, and the kernel's text."""
    monkeypatch.setattr(define, "REGISTRY", dict(load_project()))
    source = COMPOSITES[case][0].replace("\ndef ", "\n@layer(cites='a test')\ndef ")
    path, out = folder / "composites.py", folder / "kernels"
    path.write_text(f"from derive import layer\n\n{source}")
    layers = load_file(path)
    write(generate(file=path, out=out))
    name, variants = list(layers.items())[-1]
    return tuple(map(derive, variants)), outside_kernels(out)(name), (out / f"{name}.py").read_text()


@pytest.mark.parametrize("case", COMPOSITES)
def test_composites_pass_every_leg(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    derivations, kernel, source = built(case, tmp_path, monkeypatch)
    for function in FUNCTIONS:
        for part in COMPOSITES[case][1]:
            called = rf"(?s)def {function}\(.*?\n    .*?{part}\.{function}\((?!.*?\ndef {function}\()"
            assert re.search(called, source), f"{function} does not call {part}"
    found = [leg(name, d, kernel) for d in derivations for name in LEGS if applies(name, d.layer, kernel)]
    assert not [r for r in found if not r.passed], [str(r) for r in found if not r.passed]
