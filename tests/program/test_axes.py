"""Axes as a definition means them: parts of an axis, axes whose names end in digits, what lies outside an array,
and options of elementwise layers called inside an equation. Truth is typed in NumPy; gradients are differences of it.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.command.kernels import kernel_source
from derive.notation.define import REGISTRY, load_project, read_source

Array = Any
HEAD = "from derive import layer\n\n\n"
ELU = HEAD + "@layer()\ndef elu(x: Real[...], a: Positive = 1.0):\n"
ELU += "    y[...] = x[...] if x[...] > 0 else a * (exp(x[...]) - 1)\n    return y\n\n\n"

#: Signature, body, the shape of each input, and the function.
CASES: dict[str, tuple[str, str, list[tuple[int, ...]], Callable[..., Any]]] = {
    "the first two, and the rest": (
        "x: Real[..., n], first: Count = 2",
        "i = axis(first)\nj = axis(size(n) - first)\na[..., i] = x[..., i] ** 2\n"
        "b[..., j] = x[..., j + first]\nreturn a, b",
        [(2, 5)],
        lambda x: (x[:, :2] ** 2, x[:, 2:]),
    ),
    "more than there are": (
        "x: Real[..., n], first: Count = 7",
        "i = axis(first)\na[..., i] = x[..., i] ** 2\nreturn a",
        [(2, 5)],
        lambda x: np.pad(x**2, ((0, 0), (0, 2))),
    ),
    "a sum of the first two": (
        "x: Real[..., n], first: Count = 2",
        "i = axis(first)\na[...] = sum(i, x[..., i] ** 2)\nreturn a",
        [(2, 5)],
        lambda x: (x[:, :2] ** 2).sum(1),
    ),
    "one behind the other": (
        "a: Real[..., i], b: Real[..., j]",
        "k = axis(size(i) + size(j))\ny[..., k] = a[..., k] ** 2 + b[..., k - size(i)]\nreturn y",
        [(2, 5), (2, 3)],
        lambda a, b: np.concatenate([a**2, b], 1),
    ),
    "one behind the other, by cases": (
        "a: Real[..., i], b: Real[..., j]",
        "k = axis(size(i) + size(j))\ny[..., k] = a[..., k] if k < size(i) else b[..., k - size(i)] ** 2\nreturn y",
        [(2, 5), (2, 3)],
        lambda a, b: np.concatenate([a, b**2], 1),
    ),
    "a part of an intermediate": (
        "x: Real[n], w: Real[i]",
        "k = axis(3)\nc[k] = x[k] * x[k + 1]\ny[i] = w[i] * c[i]\nreturn y",
        [(6,), (2,)],
        lambda x, w: w * (x[:3] * x[1:4])[:2],
    ),
    "more than an intermediate has": (
        "x: Real[n], w: Real[i]",
        "k = axis(3)\nc[k] = x[k] * x[k + 1]\ny[i] = w[i] * c[i]\nreturn y",
        [(6,), (5,)],
        lambda x, w: w * np.append(x[:3] * x[1:4], [0, 0]),
    ),
    "axes i and i2": (
        "x: Real[i], z: Real[i2]",
        "y = mean(i, x[i] ** 2) * mean(i2, z[i2])\nreturn y",
        [(3,), (4,)],
        lambda x, z: np.mean(x**2) * np.mean(z),
    ),
    "axes c1 and c2": (
        "x: Real[c1, c2], w: Real[c2]",
        "y[c1] = exp(x[c1, 0]) / sum(c2, w[c2] ** 2 * exp(x[c1, c2]))\nreturn y",
        [(3, 4), (4,)],
        lambda x, w: np.exp(x[:, 0]) / (np.exp(x) @ w**2),
    ),
    "an index that is summed and free": (
        "x: Real[..., i]",
        "y[..., i] = exp(x[..., i]) / sum(i, exp(x[..., i]))\nreturn y",
        [(2, 5)],
        lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    ),
    "the last but one of one": (
        "x: Real[i]",
        "y = x[size(i) - 2] ** 2 + sum(i, x[i])\nreturn y",
        [(1,)],
        lambda x: x.sum(),
    ),
    "the last but one of five": (
        "x: Real[i]",
        "y = x[size(i) - 2] ** 2 + sum(i, x[i])\nreturn y",
        [(5,)],
        lambda x: x[-2] ** 2 + x.sum(),
    ),
    "the fourth of two": ("x: Real[i]", "y = x[3] ** 2 + sum(i, x[i])\nreturn y", [(2,)], lambda x: x.sum()),
    "a square matrix": (
        "A: Real[n, n], x: Real[n]",
        "y[n] = x[n] * A[n, n] + sum(m, A[n, m] * x[m] ** 2)\nreturn y",
        [(3, 3), (3,)],
        lambda A, x: x * np.diag(A) + A @ x**2,
    ),
    "the square of a matrix": (
        "A: Real[n, n]",
        "y[n, m] = sum(k, A[n, k] * A[k, m])\nreturn y",
        [(3, 3)],
        lambda A: A @ A,
    ),
    "an option of an elementwise layer": (
        "x: Real[..., i]",
        "y[..., i] = leaky_relu(x[..., i], alpha=0.2) ** 2\nreturn y",
        [(2, 5)],
        lambda x: np.where(x > 0, x, 0.2 * x) ** 2,
    ),
    "two calls with different options": (
        "x: Real[..., i]",
        "y[..., i] = elu(x[..., i], a=0.5) * elu(2 * x[..., i])\nreturn y",
        [(2, 5)],
        lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)) * np.where(x > 0, 2 * x, np.expm1(2 * x)),
    ),
    "an option handed on": (
        "x: Real[..., i], w: Real[i], s: Positive = 0.3",
        "y[..., i] = elu(w[i] * x[..., i], a=s) ** 2\nreturn y",
        [(2, 5), (5,)],
        lambda x, w: np.where(w * x > 0, w * x, 0.3 * np.expm1(w * x)) ** 2,
    ),
}


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    """Puts the registry of definitions back."""
    before = dict(load_project())
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def listed(result: Any) -> tuple[Array, ...]:
    return tuple(result) if isinstance(result, tuple) else (result,)


def built(signature: str, body: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The kernel of a definition, beside that of elu."""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    found = read_source(f"{ELU}@layer()\ndef odd({signature}):\n{lines}", "mine.py")
    package = types.ModuleType("mine")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "mine", package)
    for name in ("elu", "odd"):
        source = kernel_source(tuple(derive(v) for v in found[name]))
        module = types.ModuleType(f"mine.{name}")
        module.__package__ = "mine"
        monkeypatch.setitem(sys.modules, f"mine.{name}", module)
        exec(compile(source, f"{name}.py", "exec"), module.__dict__)
        setattr(package, name, module)
    return module


@pytest.mark.parametrize("case", CASES)
def test_axes_and_options_are_what_the_text_says(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signature, body, shapes, function = CASES[case]
    kernel = built(signature, body, monkeypatch)
    rng = np.random.default_rng(0)
    x, t = ([rng.standard_normal(s) for s in shapes] for _ in range(2))
    ahead, behind = ([a + s * 1e-6 * b for a, b in zip(x, t, strict=True)] for s in (1, -1))
    y, saved = kernel.forward(*x)
    for got, want in zip(listed(y), listed(function(*x)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)
    dy = tuple(rng.standard_normal(np.shape(v)) for v in listed(y))
    given = dy if len(dy) > 1 else dy[0]

    def value(arguments: list[Array]) -> float:
        return sum(float(np.sum(c * v)) for c, v in zip(dy, listed(function(*arguments)), strict=True))

    def slope(arguments: list[Array]) -> float:
        gradients = kernel.backward(given, kernel.forward(*arguments)[1])
        return sum(float(np.sum(g * b)) for g, b in zip(gradients, t, strict=True))

    truth = (value(ahead) - value(behind)) / 2e-6
    np.testing.assert_allclose(slope(x), truth, rtol=1e-6, atol=1e-8)
    tangent = sum(float(np.sum(c * v)) for c, v in zip(dy, listed(kernel.jvp(x, t)), strict=True))
    np.testing.assert_allclose(tangent, truth, rtol=1e-6, atol=1e-8)
    for gradient, a in zip(kernel.backward(given, saved), x, strict=True):
        assert gradient.shape == a.shape
    second = kernel.double_backward(given, x, t)
    curve = (slope(ahead) - slope(behind)) / 2e-6
    np.testing.assert_allclose(
        sum(float(np.sum(g * b)) for g, b in zip(second[len(dy) :], t, strict=True)), curve, rtol=1e-5, atol=1e-7
    )


FITS = {
    "as long as another": ("A: Real[n, m]", "m = axis(size(n))\ny[n] = sum(m, A[n, m])", [(2, 2)], [(2, 5)]),
    "read as another": (
        "A: Real[n, m], x: Real[n]",
        "m = axis(size(n))\ny[n] = sum(m, A[n, m] * x[m])",
        [(2, 2), (2,)],
        [(2, 5), (2,)],
    ),
    "one after another": (
        "A: Real[a, b, c]",
        "b = axis(size(a))\nc = axis(size(b))\ny[a] = sum((b, c), A[a, b, c])",
        [(2, 2, 2)],
        [(2, 2, 3)],
    ),
    "computed": (
        "A: Real[m], x: Real[n]",
        "m = axis(2 * size(n))\ny = sum((m, n), A[m] * x[n])",
        [(4,), (2,)],
        [(5,), (2,)],
    ),
    "computed from an option": ("A: Real[m], k: Count = 3", "m = axis(k + 1)\ny = sum(m, A[m])", [(4,)], [(5,)]),
    "an option": ("A: Real[m], k: Count[m] = 3", "y = sum(m, A[m])", [(3,)], [(4,)]),
    "a number": ("A: Real[m]", "m = axis(3)\ny = sum(m, A[m])", [(3,)], [(1,)]),
    "a square": ("A: Real[n, n]", "y = sum((n, m), A[n, m])", [(3, 3)], [(3, 1)]),
}


@pytest.mark.parametrize("case", FITS)
def test_a_kernel_takes_no_axis_of_another_length_than_its_definition_says(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature, body, right, wrong = FITS[case]
    kernel = built(signature, f"{body}\nreturn y", monkeypatch)
    kernel.forward(*map(np.ones, right))
    with pytest.raises(ValueError, match=r"odd: .*axis"):
        kernel.forward(*map(np.ones, wrong))
    with pytest.raises(ValueError, match=r"odd: .*axis"):
        kernel.jvp([np.ones(s) for s in wrong], [np.ones(s) for s in wrong])
