"""`python -m tests.against_torch [--json FILE]`: what kernels of one's own cost beside PyTorch's, forward and backward.

The layers are those whose equations name positions: written as the mathematics has them, they are sums over pairs of
positions or products with masks; the kernels are to be slices, windows and matrix products. The project has none of
them: each is a definition as anyone would write it, printed on the spot.

Both take turns in one process, on one thread; times are the processor's, the fastest of many. Exit status 0; 2 if the
results differ.
"""

from __future__ import annotations

import benchmarks.one_thread  # noqa: F401  # isort: skip  (has to come before NumPy)

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.generality.support import built, definition, own_registry

Shape = tuple[int, ...]
SECONDS = 0.8
#: Signature, equations, shapes of inputs (of integers with what they are below), options, and PyTorch's expression.
CASES: dict[str, tuple[str, str, list[Any], dict[str, Any], str]] = {
    "transposed convolution": (
        "x: Real[b, c, p], W: Real[c, o, k], stride: Count = 1, padding: Natural = 0",
        """
        i = axis((size(p) - 1) * stride - 2 * padding + size(k))
        y[b, o, i] = sum((c, p, k), W[c, o, k] * x[b, c, p] if stride * p + k - padding == i else 0)
        return y
        """,
        [(16, 64, 256), (64, 64, 4)],
        {"stride": 2, "padding": 1},
        "F.conv_transpose1d(x, W, stride=2, padding=1)",
    ),
    "fold": (
        "x: Real[b, k, l, i, j], stride: Count = 1",
        """
        p = axis((size(i) - 1) * stride + size(k))
        q = axis((size(j) - 1) * stride + size(l))
        y[b, p, q] = sum((k, l, i, j), x[b, k, l, i, j] if stride * i + k == p and stride * j + l == q else 0)
        return y
        """,
        [(64, 3, 3, 63, 63)],
        {"stride": 2},
        "F.fold(x.reshape(64, 9, -1), (127, 127), 3, stride=2)[:, 0]",
    ),
    "depthwise convolution": (
        "x: Real[b, c, p, q], W: Real[c, k, l], padding: Natural = 0",
        """
        i = axis(size(p) + 2 * padding - size(k) + 1)
        j = axis(size(q) + 2 * padding - size(l) + 1)
        y[b, c, i, j] = sum((k, l), W[c, k, l] * x[b, c, i + k - padding, j + l - padding])
        return y
        """,
        [(16, 64, 32, 32), (64, 3, 3)],
        {"padding": 1},
        "F.conv2d(x, W[:, None], padding=1, groups=64)",
    ),
    "adaptive pooling": (
        "x: Real[b, p, q], n: Count[i] = 7, m: Count[j] = 7",
        """
        w[i] = sum(p, 1 if p >= i * size(p) // n and p < ((i + 1) * size(p) + n - 1) // n else 0)
        v[j] = sum(q, 1 if q >= j * size(q) // m and q < ((j + 1) * size(q) + m - 1) // m else 0)
        y[b, i, j] = sum((p, q), x[b, p, q] if p >= i * size(p) // n and p < ((i + 1) * size(p) + n - 1) // n
            and q >= j * size(q) // m and q < ((j + 1) * size(q) + m - 1) // m else 0) / (w[i] * v[j])
        return y
        """,
        [(1024, 28, 28)],
        {},
        "F.adaptive_avg_pool2d(x, 7)",
    ),
    "global pooling": (
        "x: Real[b, c, p, q]",
        "y[b, c] = sum((p, q), x[b, c, p, q]) / (size(p) * size(q))\nreturn y",
        [(32, 64, 28, 28)],
        {},
        "x.mean(dim=(2, 3))",
    ),
    "cumulative sum": (
        "x: Real[b, t]",
        "y[b, t] = sum(s, x[b, s] if s <= t else 0)\nreturn y",
        [(1024, 1024)],
        {},
        "x.cumsum(1)",
    ),
    "padding": (
        "x: Real[b, c, p, q], pad: Natural = 2",
        """
        i = axis(size(p) + 2 * pad)
        j = axis(size(q) + 2 * pad)
        y[b, c, i, j] = x[b, c, i - pad, j - pad]
        return y
        """,
        [(32, 64, 28, 28)],
        {},
        "F.pad(x, (2, 2, 2, 2))",
    ),
    "concatenation": (
        "x: Real[b, i], z: Real[b, j]",
        """
        k = axis(size(i) + size(j))
        y[b, k] = x[b, k] + z[b, k - size(i)]
        return y
        """,
        [(4096, 128), (4096, 128)],
        {},
        "torch.cat((x, z), 1)",
    ),
    "gather": (
        "x: Real[b, i], t: Integer[b, n]",
        "y[b, n] = x[b, t[b, n]]\nreturn y",
        [(4096, 256), ((4096, 256), 256)],
        {},
        "x.gather(1, t)",
    ),
    "matrix and vector": (
        "A: Real[b, m, n], x: Real[b, n]",
        "y[b, m] = sum(n, A[b, m, n] * x[b, n])\nreturn y",
        [(64, 128, 128), (64, 128)],
        {},
        "(A @ x[..., None])[..., 0]",
    ),
}


def fastest(steps: list[Callable[[], Any]]) -> list[float]:
    """Seconds of each step, the fastest of those taken in turn."""
    best, end, rounds = [float("inf")] * len(steps), time.perf_counter() + SECONDS, 0
    while rounds < 5 or time.perf_counter() < end:
        for n, step in enumerate(steps):
            start = time.process_time()
            step()
            best[n] = min(best[n], time.process_time() - start)
        rounds += 1
    return best


def measured(case: str, dtype: str, folder: Path) -> tuple[float, float]:
    """Seconds of the kernel's step and of PyTorch's.

    Raises:
        AssertionError: their results differ.
    """
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    signature, body, shapes, options, expression = CASES[case]
    rng = np.random.default_rng(0)
    with own_registry():
        _, kernel = built(folder, definition(signature, body))
    inputs = [
        rng.integers(0, s[1], s[0]) if isinstance(s[0], tuple) else rng.standard_normal(s).astype(dtype) for s in shapes
    ]
    names = [p.name for p in kernel.SIGNATURE.inputs]
    tensors = dict(zip(names, map(torch.from_numpy, inputs), strict=True))
    leaves = [t.requires_grad_() for t in tensors.values() if t.is_floating_point()]
    scope = {"torch": torch, "F": F, **tensors}
    y, _ = kernel.forward(*inputs, **options)
    dy = rng.standard_normal(y.shape).astype(dtype)
    cotangent = torch.from_numpy(dy)

    def ours() -> Any:
        y, saved = kernel.forward(*inputs, **options)
        return y, kernel.backward(dy, saved)

    def theirs() -> Any:
        y = eval(expression, scope)
        return y, torch.autograd.grad(y, leaves, cotangent)

    (y, gradients), (z, expected) = ours(), theirs()
    for a, b in zip((y, *gradients), (z, *expected), strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=0, atol=1e-4 * float(np.abs(a).max()))
    found = fastest([ours, theirs])
    return found[0], found[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.against_torch", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every time there, for the page on speed")
    file, rows = parser.parse_args().json, []
    print("kernel                     float32: ms, of PyTorch's    float64: ms, of PyTorch's")
    with tempfile.TemporaryDirectory() as place:
        for case in CASES:
            print(f"{case:24}", end="", flush=True)
            for dtype in ("float32", "float64"):
                folder = Path(place) / f"{case.replace(' ', '_')}_{dtype}"
                folder.mkdir()
                try:
                    ours, theirs = measured(case, dtype, folder)
                except AssertionError as error:
                    print(f"{case} in {dtype}: {error}", file=sys.stderr)
                    return 2
                rows.append({"kernel": case, "dtype": dtype, "seconds": {"gradbook": ours, "torch": theirs}})
                print(f"{ours * 1e3:12.3g}{ours / theirs:12.2f}    ", end="", flush=True)
            print()
    if file:
        file.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
