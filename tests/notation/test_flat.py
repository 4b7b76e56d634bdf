"""floor, ceil, round and stop_gradient: values as they say, slopes of 0, in sums, recurrences and parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import derive
from derive.calculus.derivation import derive as derivation
from derive.evidence.verify import LEGS, applies, leg
from derive.notation.define import load_project, read_source
from derive.notation.layer import Layer
from tests.generality.support import own_registry
from tests.notation.reading import HEAD

torch = pytest.importorskip("torch")

DEFINITIONS = """
@layer()
def hashed(x: Real[..., i], s: Real[i]):
    y[...] = sum(i, s[i] * floor(3 * x[..., i] * s[i]) + ceil(x[..., i]) * x[..., i])
    return y


@layer()
def dithered(x: Real[t, n], w: Real[n]):
    e[-1, n] = 0
    e[t, n] = x[t, n] + w[n] * e[t - 1, n] - round(x[t, n] + w[n] * e[t - 1, n])
    y[n] = sum(t, e[t, n] ** 2)
    return y


@layer()
def teacher(x: Real[..., i], W: Real[o, i], b: Real[o]):
    z = linear(x, W, b)
    p = softmax(z)
    y[..., o] = p[..., o] * stop_gradient(1 - p[..., o]) + max(o, stop_gradient(z[..., o] ** 2))
    return y


@layer()
def truncated(x: Real[t, n], w: Real[n]):
    h[-1, n] = 0
    h[t, n] = x[t, n] + w[n] * stop_gradient(h[t - 1, n]) + 0.5 * h[t - 1, n]
    return h


@layer()
def begun(x: Real[t, n], h0: Real[n], w: Real[n]):
    h[-1, n] = h0[n]
    h[t, n] = x[t, n] + w[n] * stop_gradient(h[t - 1, n]) ** 2
    return h


@layer()
def each(x: Real[..., i], W: Real[l][o, i]):
    h[-1, ..., i] = x[..., i]
    z[l, ..., o] = sum(i, W[l, o, i] * stop_gradient(h[l - 1, ..., i]))
    h[l, ..., o] = relu(z[l, ..., o])
    return h


@layer()
def spectral(W: Real[o, i], u: Real[o]):
    a[i] = sum(o, stop_gradient(W[o, i]) * u[o])
    b[o] = sum(i, W[o, i] * stop_gradient(a[i] / sqrt(sum(i, a[i] ** 2))))
    sigma = sqrt(sum(o, b[o] ** 2))
    y[o, i] = W[o, i] / sigma
    return y


@layer()
def held_sign(x: Real[...], c: Positive = 1.5):
    y[...] = clip(x[...], -c, c) + stop_gradient(sign(x[...]) - clip(x[...], -c, c))
    return y


@layer()
def user(x: Real[..., i], W: Real[o, i], b: Real[o]):
    z = linear(x, W, b)
    y[..., o] = held_sign(z[..., o], c=2.5) * z[..., o]
    return y


@layer()
def nothing_moves(x: Real[..., i], w: Real[i]):
    y[..., i] = stop_gradient(x[..., i] * w[i])
    return y
"""


def in_torch(name: str, *a: Any) -> Any:
    def running(x: Any, w: Any, step: Any) -> Any:
        h, every = torch.zeros_like(w), []
        for row in x:
            h = step(row, h)
            every.append(h)
        return torch.stack(every)

    match name:
        case "hashed":
            return (a[1] * (3 * a[0] * a[1]).floor() + a[0].ceil() * a[0]).sum(-1)
        case "dithered":
            return (running(*a, lambda x, e: (v := x + a[1] * e) - v.round()) ** 2).sum(0)
        case "teacher":
            z = torch.nn.functional.linear(*a)
            p = z.softmax(-1)
            return p * (1 - p).detach() + (z**2).detach().amax(-1, keepdim=True)
        case "truncated":
            return running(*a, lambda x, h: x + a[1] * h.detach() + 0.5 * h)
        case "begun":
            h, every = a[1], []
            for row in a[0]:
                h = row + a[2] * h.detach() ** 2
                every.append(h)
            return torch.stack(every)
        case "spectral":
            v = (a[0].detach().T @ a[1]).detach()
            return a[0] / (a[0] @ (v / v.norm())).norm()
        case "held_sign":
            return a[0].clamp(-1.5, 1.5) + (a[0].sign() - a[0].clamp(-1.5, 1.5)).detach()
        case "user":
            z = torch.nn.functional.linear(*a)
            return (z.clamp(-2.5, 2.5) + (z.sign() - z.clamp(-2.5, 2.5)).detach()) * z
        case _:
            return (a[0] * a[1]).detach()


SHAPES: dict[str, tuple[Any, ...]] = {
    "hashed": ((2, 3, 5), (5,)),
    "dithered": ((6, 3), (3,)),
    "teacher": ((2, 3, 5), (4, 5), (4,)),
    "truncated": ((6, 3), (3,)),
    "begun": ((4, 3), (3,), (3,)),
    "spectral": ((4, 5), (4,)),
    "held_sign": ((3, 4),),
    "user": ((2, 3, 5), (4, 5), (4,)),
    "nothing_moves": ((2, 3), (3,)),
}


@pytest.fixture(scope="module")
def known() -> Iterator[dict[str, Layer]]:
    load_project()
    with own_registry():
        yield {n: v[0] for n, v in read_source(HEAD + DEFINITIONS, "mine.py").items()}


def drawn(rng: np.random.Generator, shape: Any) -> Any:
    return [rng.normal(size=s) for s in shape] if isinstance(shape, list) else 2 * rng.normal(size=shape)


def flat(values: Any) -> list[Any]:
    return [v for value in values for v in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("name", SHAPES)
def test_values_gradients_and_tangents_are_those_of_pytorch(name: str, known: dict[str, Layer]) -> None:
    kernel, rng = derive.kernel(known[name]), np.random.default_rng(5)
    arrays = [drawn(rng, s) for s in SHAPES[name]]
    leaves = [torch.tensor(a, requires_grad=True) for a in flat(arrays)]
    lists = iter(leaves)
    tensors = [[next(lists) for _ in a] if isinstance(a, list) else next(lists) for a in arrays]
    wanted = in_torch(name, *tensors)
    y, saved = kernel.forward(*arrays)
    np.testing.assert_allclose(y, wanted.detach().numpy(), rtol=1e-12, atol=1e-13)
    dy = rng.normal(size=y.shape)
    slopes = [torch.zeros_like(v) for v in leaves]
    if wanted.requires_grad:
        found = torch.autograd.grad(wanted, leaves, torch.tensor(dy), allow_unused=True)
        slopes = [s if f is None else f for f, s in zip(found, slopes, strict=True)]
    got = flat(kernel.backward(dy, saved))
    for g, w in zip(got, slopes, strict=True):
        np.testing.assert_allclose(g, w.numpy(), rtol=1e-11, atol=1e-12)
    along = [drawn(rng, s) for s in SHAPES[name]]
    tangent = kernel.jvp(tuple(arrays), tuple(along))
    tangent = tangent[0] if isinstance(tangent, tuple) else tangent
    total = sum((v * torch.tensor(a)).sum() for v, a in zip(slopes, flat(along), strict=True))
    np.testing.assert_allclose((tangent * dy).sum(), float(total), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ["hashed", "truncated", "begun", "each", "held_sign", "user"])
@pytest.mark.parametrize("one", [n for n in LEGS if n not in ("generic", "mutants", "enclosure")])
def test_legs_hold_what_is_stopped(name: str, one: str, known: dict[str, Layer]) -> None:
    kernel = derive.kernel(known[name])
    if applies(one, known[name], kernel):
        found = leg(one, derivation(known[name]), kernel)
        assert found.passed, found.detail


def test_a_half_is_rounded_to_the_even_number() -> None:
    layer = read_source(
        HEAD + "@layer()\ndef near(x: Real[...]):\n    y[...] = round(x[...])\n    return y\n", "mine.py"
    )
    x = np.array([-1.5, -0.5, 0.5, 1.5, 2.5, 0.49999999999999994])
    np.testing.assert_array_equal(derive.kernel(layer["near"][0]).forward(x)[0], np.rint(x))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_numbers_keep_their_type(dtype: Any, known: dict[str, Layer]) -> None:
    kernel = derive.kernel(known["hashed"])
    y, saved = kernel.forward(np.ones((2, 3), dtype), np.ones(3, dtype))
    assert y.dtype == dtype
    assert kernel.backward(y, saved)[0].dtype == dtype
