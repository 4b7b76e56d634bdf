"""Definitions that no layer of the project has: what a condition leaves out stays out, memory is bounded."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.command.kernels import kernel_source
from derive.evidence import kernels
from derive.evidence.inputs import cotangents, tangents
from derive.notation.define import load_file, load_project
from tests.specials.arguments import made
from tests.specials.participation import INSTEAD, Calls, faults
from tests.specials.test_memory import BOUND, peak, size

BELOW = tuple(-n for n in INSTEAD)
SIZES = {"...": 2, "b": 1, "h": 2, "q": 3, "k": 4, "d": 2, "v": 3, "i": 5, "r": 2}
CHOSEN = {
    "a case that is 0": ("x: Real[...]", "y[...] = x[...] if x[...] > -2 else 0"),
    "a case that is 0, the other way round": ("x: Real[...]", "y[...] = 0 if x[...] < -2 else x[...] ** 2"),
    "cases of numbers": ("x: Real[...], m: Mask[...]", "y[...] = x[...] * (2 if m[...] else 0)"),
    "nested cases": (
        "x: Real[...], z: Real[...], m: Mask[...]",
        "y[...] = (x[...] * z[...] if m[...] else 3 * z[...]) if x[...] > -2 else 0",
    ),
    "one of two inputs": (
        "x: Real[...], z: Real[...], m: Mask[...]",
        "y[...] = exp(x[...]) if m[...] else z[...] ** 2",
    ),
    "a maximum with a number": ("x: Real[...]", "y[...] = max(-2, x[...]) * x[...]"),
    "a sum under a mask": ("x: Real[..., i], m: Mask[..., i]", "y[...] = sum(i, x[..., i] ** 2 if m[..., i] else 0)"),
    "a mean of what a mask has": (
        "x: Real[..., i], m: Mask[..., i]",
        "n[...] = sum(i, 1 if m[..., i] else 0)\n"
        "    mu[...] = sum(i, x[..., i] if m[..., i] else 0) / n[...] if n[...] > 0 else 0\n"
        "    y[..., i] = (x[..., i] - mu[...]) ** 2 if m[..., i] else 0",
    ),
    "a triangular sum of products": (
        "x: Real[..., i], W: Real[i, k]",
        "y[..., k] = sum(i, W[i, k] * x[..., i] if i <= k else 0)",
    ),
    "a softmax under a mask that may choose nothing": (
        "z: Real[..., q, k], m: Mask[..., q, k]",
        "e[..., q, k] = exp(z[..., q, k]) if m[..., q, k] else 0\n"
        "    t[..., q] = sum(k, e[..., q, k])\n"
        "    y[..., q, k] = e[..., q, k] / (1 + t[..., q]) if m[..., q, k] else 0",
    ),
    "attention of several heads": (
        "Q: Real[b, h, q, d], K: Real[b, h, k, d], V: Real[b, h, k, v], m: Mask[b, q, k]",
        "E[b, h, q, k] = exp(sum(d, Q[b, h, q, d] * K[b, h, k, d])) if m[b, q, k] else 0\n"
        "    t[b, h, q] = sum(k, E[b, h, q, k])\n"
        "    P[b, h, q, k] = E[b, h, q, k] / t[b, h, q] if t[b, h, q] != 0 else 0\n"
        "    y[b, h, q, v] = sum(k, P[b, h, q, k] * V[b, h, k, v])",
    ),
    "linear attention under a mask": (
        "Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], m: Mask[..., q, k]",
        "A[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) if m[..., q, k] else 0\n"
        "    y[..., q, v] = sum(k, A[..., q, k] * V[..., k, v])",
    ),
    "a running sum of what a mask has": (
        "x: Real[..., i], m: Mask[..., i]",
        "k[..., i] = x[..., i] if m[..., i] else 0\n    y[..., i] = sum(j, k[..., j] if j <= i else 0)",
    ),
    "labels that are ignored": (
        "z: Real[..., i], t: Integer[...], ignored: Integer = 1",
        "p[..., i] = exp(z[..., i]) / sum(j, exp(z[..., j]))\n"
        "    y[...] = -log(p[..., t[...]]) if t[...] != ignored else 0",
    ),
}
WINDOWS = {
    "a convolution of sequences": (
        "x: Real[b, c, p], W: Real[o, c, k], stride: Count = 1, padding: Natural = 0",
        "i = axis((size(p) + 2 * padding - size(k)) // stride + 1)\n"
        "    y[b, o, i] = sum((c, k), W[o, c, k] * x[b, c, stride * i + k - padding])",
    ),
    "one for each channel": (
        "x: Real[b, c, p], W: Real[c, k]",
        "i = axis(size(p) - size(k) + 1)\n    y[b, c, i] = sum(k, W[c, k] * x[b, c, i + k])",
    ),
}


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    load_project()

    def made_of(signature: str, body: str) -> tuple[Any, Any]:
        path = tmp_path / "odd_layers.py"
        path.write_text(
            "from derive import layer\n\n\n@layer(cites='a test')\n"
            f"def odd({signature}):\n    '''Odd.'''\n    {body}\n    return y\n"
        )
        derivations = tuple(derive(v) for v in load_file(path)["odd"])
        module = types.ModuleType("odd")
        monkeypatch.setitem(sys.modules, "odd", module)
        exec(compile(kernel_source(derivations), "odd.py", "exec"), module.__dict__)
        return derivations[0], module

    return made_of


@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_left_out(name: str, build: Any) -> None:
    derivation, kernel = build(*CHOSEN[name])
    calls = Calls(kernel, derivation, made(derivation.layer, SIZES))
    for special in (np.nan, np.inf):
        below = np.isnan(special) and "x[...] > -2" in CHOSEN[name][1]  # NaN is above nothing: the other case
        assert not faults(calls, BELOW if below else INSTEAD, special)


def test_memory_of_a_masked_running_sum(build: Any) -> None:
    """No function has an array over pairs of positions."""
    derivation, kernel = build(*CHOSEN["a running sum of what a mask has"])
    case = made(derivation.layer, {"...": 4, "i": 1000})
    dy, t = cotangents(case), tangents(case)
    given = size([*case.tensors.values(), *dy.values(), *t.values()])
    most, results = peak(lambda: [*kernels.double_backward(kernel, derivation, case, dy, t).values()])
    assert most < BOUND * (given + results)


@pytest.mark.parametrize("name", WINDOWS)
def test_memory_of_windows(name: str, build: Any) -> None:
    """The second gradient has no sum over places times places."""
    derivation, kernel = build(*WINDOWS[name])
    case = made(derivation.layer, {"b": 1, "c": 3, "p": 1500, "k": 3, "o": 4})
    dy, t = cotangents(case), tangents(case)
    given = size([*case.tensors.values(), *dy.values(), *t.values()])
    most, results = peak(lambda: [*kernels.double_backward(kernel, derivation, case, dy, t).values()])
    assert most < BOUND * (given + results)
