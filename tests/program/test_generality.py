"""Definitions that no layer of the project has: every kind of index pattern goes through calculus and kernel.

Nothing here knows a derivative: each definition is derived, generated, loaded and put to the legs of the evidence.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from derive.calculus.derivation import derive
from derive.command.kernels import kernel_source
from derive.evidence.compare import definition, differences, duality, second
from derive.evidence.exact import exact
from derive.evidence.steps import steps
from derive.notation.define import load_file, load_project

ODD = {
    "the same tensor twice in a product": (
        "A: Real[..., i, j]",
        "y[..., i, k] = sum(j, A[..., i, j] * A[..., k, j])",
        "y",
    ),
    "a square": ("A: Real[i, j], x: Real[..., j]", "y[..., i] = sum(j, A[i, j] ** 2 * x[..., j])", "y"),
    "an outer product": ("u: Real[..., i], v: Real[..., j]", "y[..., i, j] = u[..., i] * v[..., j]", "y"),
    "three factors": (
        "a: Real[..., i], B: Real[i, j], c: Real[..., j]",
        "y[...] = sum((i, j), a[..., i] * B[i, j] * c[..., j])",
        "y",
    ),
    "reductions inside reductions": (
        "x: Real[..., i, j]",
        "y[..., i] = sum(j, x[..., i, j]) / sqrt(1 + sum((k, l), x[..., k, l] ** 2))",
        "y",
    ),
    "a one-dimensional convolution": (
        "x: Real[b, q], w: Real[k], stride: Count = 2",
        "i = axis((size(q) - size(k)) // stride + 1)\n    y[b, i] = sum(k, w[k] * x[b, stride * i + k])",
        "y",
    ),
    "average pooling": (
        "x: Real[b, q], window: Count = 2, stride: Count = 2",
        "k = axis(window)\n    i = axis((size(q) - window) // stride + 1)\n    y[b, i] = mean(k, x[b, stride * i + k])",
        "y",
    ),
    "an array mirrored at its ends": (
        "x: Real[..., i], left: Natural = 2, right: Natural = 1",
        "j = axis(size(i) + left + right)\n    y[..., j] = x[..., size(i) - 1 - abs(size(i) - 1 - abs(j - left))]",
        "y",
    ),
    "a length that an option rounds up": (
        "x: Real[b, q], window: Count = 2, stride: Count = 2, up: Flag = False",
        "k = axis(window)\n    i = axis((size(q) - window + (stride - 1 if up else 0)) // stride + 1)\n"
        "    y[b, i] = max(k, x[b, stride * i + k])",
        "y",
    ),
    "a maximum over an axis": (
        "x: Real[..., i]",
        "m[...] = max(j, x[..., j])\n    y[..., i] = x[..., i] - m[...]",
        "y",
    ),
    "a triangular sum": ("x: Real[..., i]", "y[..., i] = sum(j, x[..., j] if j <= i else 0)", "y"),
    "a gather by two kinds of index": (
        "E: Real[v, d], t: Integer[...], u: Real[..., d]",
        "y[...] = sum(d, E[t[...], d] * u[..., d])",
        "y",
    ),
    "a smooth activation": ("x: Real[...]", "y[...] = x[...] / (1 + exp(-x[...]))", "y"),
    "a function of exponentials of two arguments": (
        "x: Real[..., i], c: Real[i]",
        "y[..., i] = log(1 + exp(x[..., i])) * exp(-c[i])",
        "y",
    ),
    "a running sum": (
        "x: Real[t, ..., i], h0: Real[..., i]",
        "h[-1, ..., i] = h0[..., i]\n    h[t, ..., i] = tanh(h[t - 1, ..., i] / 2 + x[t, ..., i])",
        "h",
    ),
    "a recurrence of what a whole array holds": (
        "x: Real[t, i], c: Real[i], h0: Real[i]",
        "a[t, i] = x[t, i] + c[i]\n    h[-1, i] = h0[i]\n    h[t, i] = a[t, i] + h[t - 1, i] / 2",
        "h",
    ),
    "a sum over the steps of a recurrence": (
        "x: Real[t, i], h0: Real[i]",
        "h[-1, i] = h0[i]\n    h[t, i] = h[t - 1, i] * x[t, i]\n    y[i] = sum(t, h[t, i] ** 2)",
        "y",
    ),
    "two recurrences that need each other": (
        "x: Real[t, i], p0: Real[i], q0: Real[i]",
        "p[-1, i] = p0[i]\n    q[-1, i] = q0[i]\n    p[t, i] = q[t - 1, i] * x[t, i]\n"
        "    q[t, i] = p[t - 1, i] + q[t - 1, i] / 2 + p[t, i] ** 2",
        "p, q",
    ),
    "root mean square": (
        "x: Real[..., i], g: Real[i], epsilon: Positive = 1e-6",
        "r[...] = 1 / sqrt(mean(i, x[..., i] ** 2) + epsilon)\n    y[..., i] = g[i] * x[..., i] * r[...]",
        "y",
    ),
    "a weighted log-sum-exp": (
        "z: Real[..., i], w: Real[i]",
        "s[...] = sum(i, exp(z[..., i]))\n    y[...] = log(s[...]) + sum(i, w[i] * exp(z[..., i]) / s[...])",
        "y",
    ),
}


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    load_project()

    def made(case: str) -> tuple[Any, Any]:
        signature, body, result = ODD[case]
        path = tmp_path / "odd_layers.py"
        path.write_text(
            "from derive import layer\n\n\n@layer(cites='a test')\n"
            f"def odd({signature}):\n    '''Odd.'''\n    {body}\n    return {result}\n"
        )
        derivations = tuple(derive(v) for v in load_file(path)["odd"])
        source = kernel_source(derivations)
        module = types.ModuleType("odd")
        monkeypatch.setitem(sys.modules, "odd", module)
        exec(compile(source, "odd.py", "exec"), module.__dict__)
        return derivations[0], module

    return made


@pytest.mark.parametrize("case", ODD)
def test_every_index_pattern(case: str, build: Any) -> None:
    derivation, kernel = build(case)
    found = [exact(derivation), steps(derivation)]
    found += [leg(derivation, kernel) for leg in (definition, differences, duality)]
    if hasattr(kernel, "double_backward"):
        found.append(second(derivation, kernel))
    assert not [r for r in found if not r.passed], [str(r) for r in found if not r.passed]
