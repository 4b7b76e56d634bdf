"""Layers made of layers: their kernels call the parts' kernels, and pass every leg.

Nothing here knows a derivative. Each composite is built like a user's own file and put to the legs of the evidence, all
of which read the equations with every call written out: kernel by parts against mathematics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from derive.calculus import parts
from derive.calculus.derivation import Derivation, derive
from derive.command import build
from derive.command.build import generate, write
from derive.command.verify import outside_kernels
from derive.evidence.verify import LEGS, applies, leg
from derive.notation.define import REGISTRY, load_file, load_project
from derive.notation.errors import DefinitionError
from derive.notation.expr import ZERO, Part
from derive.notation.layer import Equation

EVERY = ("forward", "backward", "jvp", "double_backward")

FEED_FORWARD = """
def feed_forward(
    x: Real[..., i], gamma: Real[i], beta: Real[i], W1: Real[h, i], b1: Real[h], W2: Real[i, h], b2: Real[i]
):
    '''A pre-norm feed-forward block.'''
    n = layer_norm(x, gamma, beta, epsilon=1e-3)
    u = linear(n, W1, b1)
    a[..., h] = gelu(u[..., h])
    v = linear(a, W2, b2)
    y[..., i] = x[..., i] + v[..., i]
    return y
"""

#: Definitions, the last one of which is tested, and the parts that its kernel calls.
COMPOSITES = {
    "a feed-forward block": (FEED_FORWARD, {"layer_norm": EVERY, "linear": EVERY}),
    "a composite of a composite": (
        """
def block(x: Real[..., i], W: Real[h, i], b: Real[h], V: Real[i, h], d: Real[i]):
    '''Two linear layers and a connection that skips them.'''
    u = linear(x, W, b)
    v = linear(u, V, d)
    y[..., i] = x[..., i] + tanh(v[..., i])
    return y

def two_blocks(x: Real[..., i], W: Real[h, i], b: Real[h], V: Real[i, h], d: Real[i], z: Real[..., i]):
    '''The same block twice.'''
    first = block(x, W, b, V, d)
    second = block(first, W, b, V, d)
    y[..., i] = second[..., i] * z[..., i]
    return y
""",
        {"block": EVERY},
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
        {"linear": EVERY, "softmax": EVERY},
    ),
    "one tensor for three arguments": (
        """
def self_attention(x: Real[..., t, d], scale: Scalar = 0.5):
    '''Attention of a sequence to itself.'''
    o = attention(x, x, x, causal=True)
    y[..., t, d] = x[..., t, d] + scale * o[..., t, d]
    return y
""",
        {"attention": EVERY},
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
        {"attention": EVERY},
    ),
    "shared weights": (
        """
def twice(x: Real[..., i], W: Real[o, i], b: Real[o]):
    '''The same weights twice: their gradients add up.'''
    i = axis(size(o))
    u = linear(x, W, b)
    a[..., o] = tanh(u[..., o])
    y = linear(a, W, b)
    return y
""",
        {"linear": EVERY},
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
        {"linear": EVERY},
    ),
    "a recurrence": (
        """
def rnn(x: Real[t, ..., n], h0: Real[..., n], U: Real[n, m], b: Real[n]):
    '''A recurrent layer.'''
    m = axis(size(n))
    h[-1, ..., n] = h0[..., n]
    a[t] = linear(h[t - 1], U, b)
    h[t, ..., n] = tanh(a[t, ..., n] + x[t, ..., n])
    return h
""",
        {"linear": EVERY},
    ),
    "a recurrence that begins with a call": (
        """
def unrolled(x: Real[..., i], V: Real[n, i], c: Real[n], s: Real[t, n], U: Real[n, m], b: Real[n]):
    '''The state begins as a function of the input.'''
    m = axis(size(n))
    h[-1] = linear(x, V, c)
    a[t] = linear(h[t - 1], U, b)
    h[t, ..., n] = tanh(a[t, ..., n]) * s[t, n]
    y[..., n] = sum(t, h[t, ..., n] / 2)
    return y
""",
        {"linear": EVERY},
    ),
    "a loop that is no recurrence": (
        """
def each(x: Real[t, ..., i], W: Real[t, o, i], b: Real[o]):
    '''Weights of its own for every step.'''
    z[t] = linear(x[t], W[t], b)
    y[..., o] = sum(t, z[t, ..., o] ** 2)
    return y
""",
        {"linear": EVERY},
    ),
    "a part with lists": (
        """
def deep(x: Real[..., i], W: Real[l][o, i], b: Real[l][o]):
    '''A network that classifies.'''
    z = mlp(x, W, b, activation=tanh)
    p = softmax(z)
    y[..., o] = p[..., o] * z[..., o]
    return y
""",
        {"mlp": EVERY, "softmax": EVERY},
    ),
    "several outputs, two axes in one": (
        """
def summed(
    x: Real[t, ..., i], h0: Real[..., n], c0: Real[..., n], W: Real[gate * n, i], U: Real[gate * n, m],
    b: Real[gate * n],
):
    '''The states and cells of an LSTM.'''
    gate = axis(4)
    m = axis(size(n))
    h, c = lstm(x, h0, c0, W, U, b)
    y[..., n] = sum(t, h[t, ..., n] * c[t, ..., n])
    return y
""",
        {"lstm": EVERY},
    ),
    "computed sizes, different ones": (
        """
def convolution(x: Real[b, q], w: Real[k], stride: Count = 1):
    '''A one-dimensional convolution.'''
    i = axis((size(q) - size(k)) // stride + 1)
    y[b, i] = sum(k, w[k] * x[b, stride * i + k])
    return y

def two_convolutions(x: Real[b, q], w: Real[k], v: Real[k], step: Count = 2):
    '''One convolution after another.'''
    u = convolution(x, w)
    z = convolution(u, v, stride=step)
    y[b, j] = tanh(z[b, j])
    return y
""",
        {"convolution": EVERY},
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
        {"embedding": EVERY, "linear": EVERY, "softmax": ("forward",)},
    ),
    "outputs without gradient": (
        """
def normalised(x: Real[b, c, ...], g: Real[c], h: Real[c], m: State[c], v: State[c], momentum: Fraction = 0.1):
    '''Batch normalisation with its statistics, then tanh.'''
    z, mean_, var_ = batch_norm(x, g, h, m, v, momentum=momentum)
    y[b, c, ...] = tanh(z[b, c, ...])
    return y, state(mean_, var_)
""",
        {"batch_norm": EVERY},
    ),
    "a choice handed on": (
        """
def classifier(x: Real[..., i], W: Real[c, i], b: Real[c], t: Integer[...], reduction: Choice["sum", "none"] = "sum"):
    '''A linear classifier's loss.'''
    z = linear(x, W, b)
    L = softmax_cross_entropy_labels(z, t, reduction=reduction)
    return L
""",
        {"linear": EVERY, "softmax_cross_entropy_labels": EVERY},
    ),
    "arithmetic only": (
        """
def thinned(x: Real[..., i], m: Real[..., i], W: Real[o, i], b: Real[o], keep: Probability = 0.5):
    '''Dropout before and after a linear layer: with a number of the caller's, and with one of its own.'''
    d = inverted_dropout(x, m, p=keep)
    z = linear(d, W, b)
    s[o] = mean(..., z[..., o])
    e = inverted_dropout(s, b)
    y[o] = e[o] * b[o]
    return y
""",
        {"inverted_dropout": EVERY, "linear": EVERY},
    ),
    "a result that nothing needs": (
        """
def idle(x: Real[..., i], W: Real[o, i], b: Real[o]):
    '''One of two calls is for nothing.'''
    z = linear(x, W, b)
    unused = linear(x, W, b)
    y[..., o] = tanh(z[..., o])
    return y
""",
        {"linear": EVERY},
    ),
}


@pytest.fixture
def registry() -> Iterator[None]:
    """Puts the registry of definitions back."""
    before = dict(load_project())
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def built(case: str, folder: Path) -> tuple[tuple[Derivation, ...], ModuleType, str]:
    """The composite's derivations, its kernel, and the kernel's text."""
    source = COMPOSITES[case][0].replace("\ndef ", "\n@layer(cites='a test')\ndef ")
    path, out = folder / "composites.py", folder / "kernels"
    path.write_text(f"from derive import layer\n\n{source}")
    layers = load_file(path)
    write(generate(file=path, out=out))
    name, variants = list(layers.items())[-1]
    return tuple(map(derive, variants)), outside_kernels(out)(name), (out / f"{name}.py").read_text()


def functions(source: str) -> dict[str, str]:
    """A module's functions by name."""
    return {text.split("(")[0]: text for text in source.split("\ndef ")[1:]}


@pytest.mark.parametrize("case", COMPOSITES)
@pytest.mark.usefixtures("registry")
def test_composites_pass_every_leg(case: str, tmp_path: Path) -> None:
    derivations, kernel, source = built(case, tmp_path)
    found = [leg(name, d, kernel) for d in derivations for name in LEGS if applies(name, d.layer, kernel)]
    assert not [r for r in found if not r.passed], [str(r) for r in found if not r.passed]
    for name, text in functions(source).items():
        for part, called in COMPOSITES[case][1].items():
            assert (f"{part}.{name}(" in text) == (name in called), f"{name} and {part}"


DROPPED = (
    ("forward", "z", "definition"),
    ("backward", "x", "differences"),
    ("backward", "W", "differences"),
    ("jvp", "z", "duality"),
    ("double_backward", "W", "second order"),
    ("double_backward", "dz", "second order"),
)


@pytest.mark.parametrize(("function", "result", "noticed"), DROPPED)
@pytest.mark.usefixtures("registry")
def test_a_call_whose_contribution_is_dropped_is_noticed(
    function: str, result: str, noticed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = getattr(parts.Site, function)

    def dropped(*given: Any) -> list[Equation]:
        equations: list[Equation] = whole(*given)
        return [replace(e, body=ZERO) if isinstance(e.body, Part) and e.body.field == result else e for e in equations]

    monkeypatch.setattr(parts.Site, function, dropped)
    with pytest.raises(DefinitionError, match=f"does not compute what the definition says \\({function} at"):
        built("shared weights", tmp_path)
    monkeypatch.setattr(build, "check_kernel", lambda *given: None)  # as if nothing compared a kernel with its text
    derivations, kernel, _ = built("shared weights", tmp_path)
    assert not leg(noticed, derivations[0], kernel).passed


@pytest.mark.usefixtures("registry")
def test_the_page_names_the_parts(tmp_path: Path) -> None:
    built("a composite of a composite", tmp_path)
    assert "[`block`](block.md)" in (tmp_path / "kernels/two_blocks.md").read_text()
    assert "`linear`" in (tmp_path / "kernels/block.md").read_text()
