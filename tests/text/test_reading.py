"""The second reader by itself: what it imports, and small definitions whose values are known."""

from __future__ import annotations

import ast
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import derive.text
from derive.text.annotations import Mismatch, Unread
from derive.text.arrays import Grid, Meter
from derive.text.evaluate import Run
from derive.text.numbers import Outside
from derive.text.parse import Library

FIRST = ("notation", "calculus", "program", "targets", "evidence")


def test_it_imports_nothing_of_the_first_reader() -> None:
    """In its sources, wherever the import stands; and in a fresh interpreter, through whatever it imports."""
    for path in Path(derive.text.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.startswith("derive") and not n.startswith("derive.text")], path.name
    modules = ", ".join(f"derive.text.{p.stem}" for p in Path(derive.text.__path__[0]).glob("[a-z]*.py"))
    code = f"import sys, {modules}\nprint(*(m for m in sys.modules if m.startswith('derive.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [m for m in loaded if m.split(".")[1] in FIRST]


def grid(value: Any) -> Grid:
    """Nested lists as an array."""
    if not isinstance(value, list):
        return Grid((), (Fraction(value) if isinstance(value, float) else value,))
    inner = [grid(v) for v in value]
    return Grid((len(value), *(inner[0].shape if inner else ())), tuple(e for g in inner for e in g.elements))


def lists(value: Grid) -> Any:
    if not value.shape:
        return value.elements[0] if isinstance(value.elements[0], int | bool) else float(value.elements[0])
    return [lists(value.of((n,))) for n in range(value.shape[0])]


OTHERS = {
    "leaky_relu": "def leaky_relu(x: Real[...], alpha: Scalar = 0.01):\n"
    "    y[...] = x[...] if x[...] > 0 else alpha * x[...]\n    return y",
    "linear": "def linear(x: Real[..., i], W: Real[o, i], b: Real[o]):\n"
    "    z[..., o] = sum(i, W[o, i] * x[..., i]) + b[o]\n    return z",
    "sgd": "def sgd(W: Real[l][...], dW: Real[l][...], alpha: Scalar = 0.5):\n"
    "    y[l, ...] = W[l, ...] - alpha * dW[l, ...]\n    return y",
}


def evaluated(signature: str, body: str, arrays: dict[str, Any], **options: Any) -> Any:
    """A definition's results."""
    lines = "\n".join(f"    {line.strip()}" for line in body.split(";"))
    library = Library(OTHERS | {"odd": f"@layer(cites='x')\ndef odd({signature}):\n    '''Odd.'''\n{lines}\n"})
    text = library["odd"]
    made = {
        a.name: None
        if arrays.get(a.name) is None
        else [grid(v) for v in arrays[a.name]]
        if a.entries
        else grid(arrays[a.name])
        for a in text.arguments
    }
    run = Run(text, library, made, {o.name: options.get(o.name, o.default) for o in text.options}, Meter())
    found = [run.result(name) for name in text.results]
    shown = [[lists(g) for g in f] if isinstance(f, list) else lists(f) for f in found if f is not None]
    return shown[0] if len(shown) == 1 else shown


X = {"x": [1, 2, 3]}
KNOWN = {
    "a length that is said": ("x: Real[n]", "i = axis(2); y[i] = x[i]; return y", X, [1, 2]),
    "and is longer": ("x: Real[n]", "i = axis(size(n) + 1); y[i] = x[i]; return y", X, [1, 2, 3, 0]),
    "before the beginning": ("x: Real[i]", "y = x[0] + 10 * x[-1]; return y", X, 1),
    "a maximum outside": ("x: Real[i]", "k = axis(2); y[i] = max(k, -x[i + k]); return y", X, [-1, -2, -3]),
    "a sum outside": ("x: Real[i]", "k = axis(2); y[i] = sum(k, x[i + k]); return y", X, [3, 5, 3]),
    "a fraction as an index": ("x: Real[i]", "j = axis(5); y[j] = x[j / 2]; return y", X, [1, 0, 2, 0, 3]),
    "the axis of a sum hides another": ("x: Real[i]", "y[i] = x[i] * 6 / sum(i, x[i]); return y", X, [1, 2, 3]),
    "an option of a layer of numbers": ("x: Real[i]", "y[i] = leaky_relu(-x[i], alpha=2); return y", X, [-2, -4, -6]),
    "a case not taken": ("x: Real[i]", "y[i] = 1 / (x[i] - 1) if x[i] > 1 else 7; return y", X, [7, 1, 0.5]),
    "a recurrence": ("x: Real[t]", "h[-1] = 10; h[t] = h[t - 1] + x[t]; return h", X, [11, 13, 16]),
    "two steps back": ("x: Real[t]", "h[-1] = 1; h[t] = h[t - 1] + h[t - 2] + x[t]; return h", X, [2, 5, 10]),
    "from the end": ("x: Real[t]", "h[size(t)] = 1; h[t] = 2 * h[t + 1] + x[t]; return h", X, [25, 12, 5]),
    "a data index": (
        "E: Real[v, d], t: Integer[...]",
        "y[..., d] = E[t[...], d]; return y",
        {"E": [[1, 2], [3, 4]], "t": [[1], [0]]},
        [[[3, 4]], [[1, 2]]],
    ),
    "a product of axes": (
        "x: Real[g * c], groups: Count[g] = 2",
        "y[c] = x[1, c] - x[0, c]; return y",
        {"x": [1, 2, 3, 5, 7, 9]},
        [4, 5, 6],
    ),
    "several leading axes": (
        "x: Real[..., i]",
        "m[...] = mean(i, x[..., i]); s = sum(..., m[...]) / size(...); return m, s",
        {"x": [[[1, 3], [2, 4]]]},
        [[[2, 3]], 2.5],
    ),
    "a mask that is left out": ("x: Real[i], m: Mask[i]", "y[i] = x[i] if m[i] else 0; return y", X, [1, 2, 3]),
    "a called layer": (
        "x: Real[b, i], W: Real[o, i], c: Real[o]",
        "y = linear(x, W, c); return y",
        {"x": [[1, 2]], "W": [[1, 1], [0, 1], [2, 0]], "c": [0, 10, 100]},
        [[3, 12, 102]],
    ),
    "a chain of layers": (
        "x: Real[i], W: Real[l][o, i], c: Real[l][o]",
        "h[-1, i] = x[i]; h[l] = linear(h[l - 1], W[l], c[l]); y[o] = h[size(l) - 1, o]; return y",
        {"x": [1, 2], "W": [[[1, 1], [0, 1], [2, 0]], [[1, 1, 1]]], "c": [[0, 0, 0], [5]]},
        [12],
    ),
    "lists handed on": (
        "W: Real[l][...], dW: Real[l][...]",
        "y = sgd(W, dW, alpha=2); return y",
        {"W": [[1, 2], [[3]]], "dW": [[1, 1], [[1]]]},
        [[-1, 0], [[1]]],
    ),
}


@pytest.mark.parametrize("case", KNOWN)
def test_values(case: str) -> None:
    signature, body, arrays, wanted = KNOWN[case]
    assert evaluated(signature, body, arrays) == wanted


@pytest.mark.parametrize(("word", "wanted"), [("mean", 2), ("sum", 6), ("none", [1, 2, 3])])
def test_reduced(word: str, wanted: Any) -> None:
    signature = 'x: Real[...], r: Choice["mean", "sum", "none"] = "mean"'
    assert evaluated(signature, "L = reduced(r, x[...]); return L", X, r=word) == wanted


REFUSED = {
    "two equations for one element": ("x: Real[i]", "y[i] = x[i]; y[i] = 2 * x[i]; return y"),
    "a word that is no reduction": ('x: Real[i], r: Choice["a"] = "a"', "L = reduced(r, x[i]); return L"),
    "a keyword of a function": ("x: Real[i]", "y[i] = exp(x[i], base=2); return y"),
    "an argument too many": ("x: Real[i]", "y[i] = log(x[i], 2); return y"),
    "a length that nothing says": ("x: Real[i]", "y[k] = 2 * k; return y"),
    "an index of one meaning and another": ("x: Real[i], i: Scalar = 2.0", "y[i] = x[i]; return y"),
    "a statement behind the return": ("x: Real[i]", "return x; y[i] = x[i]"),
    "a number as a condition": ("x: Real[i]", "y[i] = 1 if x[i] else 0; return y"),
    "an element of itself": ("x: Real[i]", "y[i] = y[i] + x[i]; return y"),
    "a function it does not know": ("x: Real[i]", "y[i] = zeta(x[i]); return y"),
    "an attribute": ("x: Real[i]", "y[i] = np.exp(x[i]); return y"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_does_not_know_it_refuses(case: str) -> None:
    with pytest.raises(Unread):
        evaluated(*REFUSED[case], X)


def test_no_value_is_no_number() -> None:
    with pytest.raises(Outside):
        evaluated("x: Real[i]", "y[i] = log(-x[i]); return y", X)
    with pytest.raises(Outside):
        evaluated("x: Real[i]", "y[i] = 1 / (x[i] - x[i]); return y", X)


def test_arrays_that_do_not_go_together() -> None:
    with pytest.raises(Mismatch):
        evaluated("x: Real[i], w: Real[i]", "y[i] = x[i] * w[i]; return y", {"x": [1, 2], "w": [1]})
