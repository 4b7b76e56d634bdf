"""What is not in the notation is refused: every kind of wrong definition, and what is said of it.

A case is a signature, a body and words that the error must have: what to write instead, or what is wrong. Every
error names the layer, the file's line and the statement, and marks the place.
"""

from __future__ import annotations

import re
import textwrap

import pytest

from derive.notation.define import load_project
from derive.notation.errors import DefinitionError
from tests.notation.reading import CHOICE, HEAD, X, defined

TWO = "x: Real[i], z: Real[j]"
DENSE = "x: Real[..., i], W: Real[o, i], b: Real[o]"
STEPS = "x: Real[t, i], h0: Real[i]"
POOL = "x: Real[b, c, p, q]"


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    load_project()


def returned(body: str) -> str:
    return f"y = {body}\nreturn y"


WRONG: dict[str, tuple[str, str, str]] = {
    # ---- signatures
    "*args": ("x: Real[i], *w: Real[i]", "y[i] = x[i]\nreturn y", "*w has no meaning"),
    "**kw": ("x: Real[i], **kw: Scalar", "y[i] = x[i]\nreturn y", "**kw has no meaning"),
    "/": ("x: Real[i], /", "y[i] = x[i]\nreturn y", "/ has no meaning"),
    "no inputs": ("a: Scalar = 1.0", returned("a"), "no tensor goes in"),
    "no annotation": ("x", "y[i] = x[i]\nreturn y", "no annotation"),
    "unknown kind": ("x: Reel[i]", "y[i] = x[i]\nreturn y", "did you mean Real"),
    "a tensor with a default": ("x: Real[i] = 3", "y[i] = x[i]\nreturn y", "has no default"),
    "an axis that is a number": ("x: Real[3]", "y[i] = x[i]\nreturn y", "i = axis(3)"),
    "an axis that is a constant": ("x: Real[pi]", "y[pi] = x[pi]\nreturn y", "constant of the notation"),
    "an argument that is a constant": ("x: Real[i], pi: Scalar = 1.0", "y[i] = pi * x[i]\nreturn y", "constant"),
    "an argument that is an axis": ("x: Real[i], i: Scalar = 1.0", "y[i] = i * x[i]\nreturn y", "argument and an axis"),
    "... twice": ("x: Real[..., ...]", "y[...] = x[..., ...]\nreturn y", "... stands twice"),
    "a product with ...": ("x: Real[... * i]", "y[i] = x[i]\nreturn y", "not a product of axes"),
    "a sum of axes": ("x: Real[i + j]", "y[i] = x[i]\nreturn y", "not an axis"),
    "a list of lists": ("x: Real[k][l][i]", "y[i] = x[i]\nreturn y", "too many brackets"),
    "a list with two axes": ("x: Real[k, l][i]", "y[i] = x[i]\nreturn y", "a list has one axis"),
    "no default": ("x: Real[i], a: Positive", "y[i] = a * x[i]\nreturn y", "a: Positive = 1.0"),
    "a choice without words": ('x: Real[i], r: Choice = "a"', "y[i] = x[i]\nreturn y", 'Choice["mean", "sum"]'),
    "a choice of numbers": ("x: Real[i], r: Choice[1, 2] = 1", "y[i] = x[i]\nreturn y", "among words"),
    "a word twice": ('x: Real[i], r: Choice["a", "a"] = "a"', "y[i] = x[i]\nreturn y", "stands twice"),
    "a word it has not": ('x: Real[i], r: Choice["a", "b"] = "c"', "y[i] = x[i]\nreturn y", "one of 'a', 'b'"),
    "Scalar with brackets": ("x: Real[i], a: Scalar[i] = 1.0", "y[i] = x[i]\nreturn y", "not followed by this"),
    "numbers of numbers": ("x: Real[i], a: Count[2.5] = 1", "y[i] = x[i]\nreturn y", "a[0] and a[1] in equations"),
    "no numbers": ("x: Real[i], a: Count[0] = 1", "y[i] = x[i]\nreturn y", "not followed by this"),
    "numbers and an axis": ("x: Real[i], a: Count[i, 2] = 1", "y[i] = x[i]\nreturn y", "not followed by this"),
    "too many numbers": ("x: Real[i], a: Scalar[9, 9] = 1.0", "y[i] = x[i]\nreturn y", "a: Real[i]"),
    "two flags": ("x: Real[i], f: Flag[2] = True", "y[i] = x[i]\nreturn y", "not followed by this"),
    "three defaults of two": ("x: Real[i], a: Count[2] = (1, 2, 3)", "y[i] = x[i]\nreturn y", "2 in a tuple"),
    "a default too deep": ("x: Real[i], a: Count[2] = (1, (2, 3))", "y[i] = x[i]\nreturn y", "one number here"),
    "one default of two out of range": ("x: Real[i], a: Count[2] = (1, 0)", "y[i] = x[i]\nreturn y", "a is 0"),
    "several defaults of one": ("x: Real[i], a: Count = (1, 2)", "y[i] = x[i]\nreturn y", "a: Count[2]"),
    "several numbers as one": ("x: Real[i], a: Scalar[2] = 1.0", "y[i] = a * x[i]\nreturn y", "a[0] or a[1]"),
    "the third of two": ("x: Real[i], a: Scalar[2] = 1.0", "y[i] = a[2] * x[i]\nreturn y", "a[0] or a[1]"),
    "the last but one": ("x: Real[i], a: Scalar[2] = 1.0", "y[i] = a[-1] * x[i]\nreturn y", "a[0] or a[1]"),
    "a pair of pairs": ("x: Real[i], a: Scalar[2, 1] = 1.0", "y[i] = a[1] * x[i]\nreturn y", "a[0, 0] or a[1, 0]"),
    "chosen by an index": ("x: Real[i], a: Scalar[2] = 1.0", "y[i] = a[i] * x[i]\nreturn y", "a[0] or a[1]"),
    "one number as several": ("x: Real[i], a: Scalar = 1.0", "y[i] = a[0] * x[i]\nreturn y", "a: Scalar[2]"),
    "three given for two": (POOL, "y = max_pool2d(x, window=(1, 2, 3))\nreturn y", "a tuple with one for each"),
    "one of two out of range": (POOL, "y = max_pool2d(x, window=(1, 0))\nreturn y", "window is a positive integer"),
    "others given": (f"{POOL}, w: Count[3] = 2", "y = max_pool2d(x, window=w)\nreturn y", "window is Count[2]"),
    "Axis of nothing": ("x: Real[i], a: Axis = -1", "y[i] = x[i]\nreturn y", "Axis[i]"),
    "Axis of no axis": ("x: Real[i], a: Axis[k] = -1", "y[i] = x[i]\nreturn y", "no tensor has the axis k"),
    "a count twice": ("x: Real[i], a: Count[k] = 1, c: Count[k] = 1", "y[i] = x[i]\nreturn y", "length of k"),
    "an unknown activation": ('x: Real[i], f: Activation = "rely"', "y[i] = f(x[i])\nreturn y", "did you mean 'relu'"),
    "not elementwise": ('x: Real[i], f: Activation = "softmax"', "y[i] = f(x[i])\nreturn y", "elementwise layer"),
    "an input that no field can be called": ("_x: Real[i]", "y[i] = _x[i]\nreturn y", "begins with _"),
    "a result that no field can be called": (X, "_y[i] = x[i]\nreturn _y", "begins with _"),
    "an activation that is a word": ('x: Real[i], exp: Activation = "relu"', "y[i] = exp(x[i])\nreturn y", "word of"),
    "an activation that is an operation": (
        'x: Real[i], pow: Activation = "relu"',
        "y[i] = pow(x[i])\nreturn y",
        "word of",
    ),
    # ---- statements
    "after return": (X, "y[i] = x[i]\nreturn y\nz[i] = x[i]", "stands after the return"),
    "no return": (X, "y[i] = x[i]", "end the definition with: return y"),
    "an empty return": (X, "y[i] = x[i]\nreturn", "returns nothing"),
    "returns ()": (X, "y[i] = x[i]\nreturn ()", "returns nothing"),
    "returns an input": (X, "return x", "x is an input"),
    "returned twice": (X, "y[i] = x[i]\nreturn y, y", "returned twice"),
    "returns an expression": (X, "y[i] = x[i]\nreturn y[i] + 1", "return its name"),
    "returns what is not there": (X, "y[i] = x[i]\nreturn z", "never defined"),
    "returns state alone": (X, "y[i] = x[i]\nreturn state(y)", "returns state only"),
    "state of nothing": (X, "y[i] = x[i]\nreturn y, state()", "state takes names"),
    "state inside": (X, "y[i] = state(x[i])\nreturn y", "only in the return"),
    "an augmented assignment": (X, "y[i] = x[i]\ny[i] += 1\nreturn y", "not an equation"),
    "a loop": (X, "for k in range(3):\n    y[i] = x[i]\nreturn y", "not an equation"),
    "an annotation": (X, "y: int = 3\nreturn y", "not an equation"),
    "a string": (X, "y[i] = x[i]\n'twice'\nreturn y", "not an equation"),
    "two equations in one": (X, "y[i] = w[i] = x[i]\nreturn y", "one equation a line"),
    "an attribute on the left": (X, "y.a = x[i]\nreturn y", "left of an equation"),
    "an equation twice": (X, "y[i] = x[i]\ny[i] = 2 * x[i]\nreturn y", "y is given twice"),
    "two shapes": ("x: Real[i, j]", "y[i] = sum(j, x[i, j])\ny[i, j] = x[i, j]\nreturn y", "y is given twice"),
    "an input assigned": (X, "x[i] = 2 * x[i]\nreturn x", "x is an input"),
    "an option assigned": ("x: Real[i], a: Scalar = 1.0", "a = 2\ny[i] = a * x[i]\nreturn y", "a is an option"),
    "an index assigned": (X, "y[i] = x[i]\ni = 3\nreturn y", "i is an index"),
    "a constant assigned": (X, "pi = 3\ny[i] = pi * x[i]\nreturn y", "constant of the notation"),
    "itself": (X, "y[i] = y[i] + x[i]\nreturn y", "y is not defined yet"),
    "itself, as a recurrence": (X, "y[i] = y[i - 1] + x[i]\nreturn y", "a recurrence begins above, y[-1] = ..."),
    "an edge that is a recurrence": (
        "x: Real[i, j]",
        "h[-1, j] = h[-1, j - 1] + 1\nh[i, -1] = 0\nh[i, j] = h[i - 1, j] + h[i, j - 1] + x[i, j]\nreturn h",
        "a name of its own, edge[t] = ... edge[t - 1]",
    ),
    "a neighbour ahead": (
        "x: Real[i, j]",
        "h[-1, j] = 0\nh[i, -1] = 0\nh[i, j] = h[i - 1, j + 1] + h[i, j - 1] + x[i, j]\nreturn h",
        "may be read if h[-1, t] = ... alone begins it",
    ),
    "a number as an index": (
        X,
        "half = size(i) // 2\ny[i] = x[half]\nreturn y",
        "half = axis(size(i) // 2), size(half)",
    ),
    "a number with an index": (X, "half = size(i) // 2\ny[i] = x[i - half]\nreturn y", "not a whole number"),
    # ---- axes
    "an axis twice": (X, "j = axis(3)\nj = axis(4)\ny[j] = sum(i, x[i])\nreturn y", "given twice"),
    "an axis of nothing": (X, "j = axis()\ny[j] = sum(i, x[i])\nreturn y", "axis takes a length"),
    "an axis of two": (X, "j = axis(2, 3)\ny[j] = sum(i, x[i])\nreturn y", "axis takes a length"),
    "an axis of 1.5": (X, "j = axis(1.5)\ny[j] = sum(i, x[i])\nreturn y", "not a whole number"),
    "an axis of a quotient": (X, "j = axis(size(i) / 2)\ny[j] = sum(i, x[i])\nreturn y", "a // b"),
    "an axis of a real option": ("x: Real[i], a: Scalar = 2", "j = axis(a)\ny[j] = x[j]\nreturn y", "whole number"),
    "an axis of 0": (X, "j = axis(0)\ny[j] = sum(i, x[i])\nreturn y", "at least 1"),
    "an axis of -1": (X, "j = axis(-1)\ny[j] = sum(i, x[i])\nreturn y", "at least 1"),
    "an axis of data": ("x: Real[i], t: Integer[i]", "j = axis(t[0])\ny[j] = x[j]\nreturn y", "not one number"),
    "an axis of itself": (X, "j = axis(size(j))\ny[j] = sum(i, x[i])\nreturn y", "said by itself"),
    "axes of one another": (
        "x: Real[i, j]",
        "i = axis(size(j))\nj = axis(size(i))\ny[i, j] = x[i, j]\nreturn y",
        "used above",
    ),
    "an axis that is used above": (X, "y[j] = sum(i, x[i])\nj = axis(3)\nreturn y", "j is used above"),
    "an axis inside": (X, "y[i] = axis(3) * x[i]\nreturn y", "only as the whole right side"),
    "an axis with indices": (X, "j[i] = axis(3)\ny[j] = sum(i, x[i])\nreturn y", "an axis is one name"),
    "an axis of no length": (X, "y[i, k] = x[i]\nreturn y", "the size of index k is not known"),
    "the size of no axis": (X, "y[i] = x[i] / size(k)\nreturn y", "the size of index k is not known"),
    "the size of a tensor": (X, "y[i] = x[i] / size(x)\nreturn y", "write size(i)"),
    "the size of two": (TWO, "y[i] = x[i] / size(i, j)\nreturn y", "size takes an index"),
    "the size of a sum": (X, "y[i] = x[i] / size(i + 1)\nreturn y", "size takes an index"),
    "two axes read as one": (TWO, "y[i] = x[i] * z[i]\nreturn y", "j = axis(size(i))"),
    "two axes summed as one": (TWO, returned("sum(k, x[k] * z[k])"), "j = axis(size(i))"),
    "a diagonal of two axes": ("x: Real[i, j]", returned("sum(i, x[i, i])"), "j = axis(size(i))"),
    "transposed by accident": ("x: Real[i, j]", "c[i, j] = x[i, j]\ny[i, j] = c[j, i]\nreturn y", "axis(size("),
    "... for an axis": ("x: Real[..., i]", "y[..., i] = x[i, ...]\nreturn y", "x has ... there"),
    "leading axes of no input": (X, "y[..., i] = x[i]\nreturn y", "leave ... out"),
    # ---- recurrences
    "begun at -2": (STEPS, "h[-2, i] = h0[i]\nh[t, i] = h[t - 1, i] + x[t, i]\nreturn h", "read by no step"),
    "begun behind the end": (STEPS, "h[size(t) + 1, i] = h0[i]\nh[t, i] = h[t + 1, i]\nreturn h", "read by no step"),
    "begun at both ends": (STEPS, "h[0, i] = 0\nh[size(t), i] = 0\nh[t, i] = h[t + 1, i]\nreturn h", "both ends"),
    "begun at the end of another axis": (
        STEPS,
        "h[size(i), i] = h0[i]\nh[t, i] = h[t + 1, i]\nreturn h",
        "write size(t)",
    ),
    "begun in the middle": (STEPS, "h[t // 2, i] = h0[i]\nh[t, i] = h[t - 1, i]\nreturn h", "names"),
    "forward from the end": (STEPS, "h[size(t), i] = h0[i]\nh[t, i] = h[t - 1, i]\nreturn h", "read it at t + 1"),
    "begun twice": (STEPS, "h[-1, i] = h0[i]\nh[-1, i] = 0\nh[t, i] = h[t - 1, i]\nreturn h", "given twice"),
    "begun along two": (STEPS, "h[-1, -1] = 0\nh[t, i] = h[t - 1, i + 1]\nreturn h", "another step"),
    "begun along two at 0": (STEPS, "h[-1, i] = 0\nh[t, 0] = 0\nh[t, i] = h[t - 1, i]\nreturn h", "begins at -1"),
    "begun along a list and a step": (
        "W: Real[l][i], x: Real[t, i]",
        "h[-1, t, i] = x[t, i]\nh[l, -1, i] = 0\nh[l, t, i] = W[l, i] * h[l - 1, t, i] + h[l, t - 1, i]\n"
        "y[t, i] = h[size(l) - 1, t, i]\nreturn y",
        "along a list and another axis",
    ),
    "begun only": (STEPS, "h[-1, i] = h0[i]\nreturn h", "begins but has no steps"),
    "begun too late": (STEPS, "h[t, i] = x[t, i]\nh[-1, i] = h0[i]\nreturn h", "given twice"),
    "begun with other axes": (STEPS, "h[-1] = 0\nh[t, i] = x[t, i]\nreturn h", "axes above"),
    "a step after": (STEPS, "h[-1, i] = h0[i]\nh[t, i] = h[t + 1, i] + x[t, i]\nreturn h", "another step"),
    "this step": (STEPS, "h[-1, i] = h0[i]\nh[t, i] = h[t, i] + x[t, i]\nreturn h", "another step"),
    "a fixed step": (STEPS, "h[-1, i] = h0[i]\nh[t, i] = h[0, i] + x[t, i]\nreturn h", "another step"),
    "all steps": (STEPS, "h[-1, i] = h0[i]\nh[t, i] = sum(s, h[s - 1, i]) + x[t, i]\nreturn h", "another step"),
    # ---- indices
    "on the left twice": (X, "y[i, i] = x[i]\nreturn y", "twice on the left"),
    "on the left a sum": (X, "y[i + 1] = x[i]\nreturn y", "the indices on the left are names"),
    "on the left a tensor": (X, "y[x] = x[i]\nreturn y", "x is no index"),
    "on the left an option": ("x: Real[i], a: Count = 1", "y[a] = sum(i, x[i])\nreturn y", "a is no index"),
    "loose": ("x: Real[i, j]", "y[i] = x[i, j]\nreturn y", "reduce over it: sum(j, ...)"),
    "undeclared": (X, "y[i] = alpha * x[i]\nreturn y", "alpha: Scalar = 1.0"),
    "on the left and summed": (X, "y[i] = sum(i, x[i])\nreturn y", "use another index here"),
    "summed inside a sum": (X, returned("sum(i, sum(i, x[i]))"), "use another index here"),
    "over one twice": (X, returned("sum((i, i), x[i])"), "stands twice"),
    "over nothing": (X, returned("sum((), x[i])"), "over nothing"),
    "over a sum": (X, returned("sum(i + 1, x[i])"), "the indices come first"),
    "over a tensor": (X, returned("sum(x, x[i])"), "the indices come first"),
    "too few": ("x: Real[i, j]", "y[i] = x[i]\nreturn y", "2 axes but 1 indices"),
    "before the beginning": (X, returned("x[-1]"), "size(i) - 1"),
    "behind the end": (X, "j = axis(3)\nz[j] = sum(i, x[i])\ny = z[3]\nreturn y", "behind the end"),
    "not whole": (X, "j = axis(2)\ny[j] = x[j + 0.5]\nreturn y", "an index is not a whole number"),
    "divided": (X, "j = axis(2)\ny[j] = x[j / size(i)]\nreturn y", "a // b"),
    "squared": (X, "j = axis(2)\ny[j] = x[j * j]\nreturn y", "an index times an index"),
    "to a power": (X, "j = axis(2)\ny[j] = x[j ** 2]\nreturn y", "a power of an index"),
    "a function": (X, "j = axis(2)\ny[j] = x[exp(j)]\nreturn y", "not a whole number"),
    "real data": ("x: Real[i], p: Real[j]", "y[j] = x[p[j]]\nreturn y", "not a whole number"),
    "a slice": (X, "y[i] = x[1:]\nreturn y", "x[..., i + 1]"),
    "two brackets": ("x: Real[i, j]", "y[i, j] = x[i][j]\nreturn y", "one pair of brackets"),
    "of a sum": (X, "y[i] = (x + x)[i]\nreturn y", "equation of its own"),
    "of an option": ("x: Real[i], a: Scalar = 1.0", "y[i] = a[i] * x[i]\nreturn y", "has no axes"),
    "of a layer": (X, "y[i] = softmax[i] * x[i]\nreturn y", "statement of its own"),
    "no tensor": (X, "y[i] = xx[i]\nreturn y", "did you mean x"),
    "no indices": (X, "y[i] = x\nreturn y", "write x[i]"),
    # ---- kinds
    "a number as a condition": (X, "y[i] = x[i] if x[i] else 0\nreturn y", "compare it"),
    "a count as a condition": ("x: Real[i], n: Natural = 0", "y[i] = x[i] if n else 0\nreturn y", "compare it"),
    "a comparison as a number": (X, "y[i] = (x[i] > 0) * x[i]\nreturn y", "(1 if c else 0)"),
    "a flag as a number": ("x: Real[i], f: Flag = True", "y[i] = f * x[i]\nreturn y", "(1 if c else 0)"),
    "not a number": (X, "y[i] = not x[i]\nreturn y", "compare it"),
    "numbers joined by and": (X, "y[i] = x[i] and 1\nreturn y", "compare it"),
    "a comparison of comparisons": (X, "y[i] = x[i] if (x[i] > 0) == (x[i] < 1) else 0\nreturn y", "(1 if c else 0)"),
    "a chain": (X, "y[i] = x[i] if 0 < x[i] < 1 else 0\nreturn y", "0 < x[i] and x[i] < 1"),
    "two numbers compared": (X, "y[i] = x[i] if 1 < 2 else 0\nreturn y", "write the case that holds"),
    "in": (X, "y[i] = x[i] if x[i] in (1, 2) else 0\nreturn y", "not a comparison"),
    "True": (X, "y[i] = True * x[i]\nreturn y", "write 1"),
    "a flag compared": ("x: Real[i], f: Flag = True", "y[i] = x[i] if f == True else 0\nreturn y", "f, or not f"),
    "a word": (X, 'y[i] = "a" * x[i]\nreturn y', "a word stands where"),
    "// of reals": (X, "y[i] = x[i] // 2\nreturn y", "// is of whole numbers"),
    "a choice as a number": (CHOICE, "y[i] = r * x[i]\nreturn y", 'r == "a"'),
    "a choice <": (CHOICE, 'y[i] = x[i] if r < "b" else 2 * x[i]\nreturn y', "== or !="),
    "a choice in": (CHOICE, 'y[i] = x[i] if r in ("a",) else 2 * x[i]\nreturn y', "== or !="),
    "a choice that is never": (CHOICE, 'y[i] = x[i] if r == "c" else 2 * x[i]\nreturn y', "'a', 'b'"),
    "a choice that is a number": (CHOICE, "y[i] = x[i] if r == 1 else 2 * x[i]\nreturn y", "r is never 1"),
    "a case that is never": (CHOICE, 'y[i] = x[i] if r == "a" else 0 if r == "a" else 1\nreturn y', "never taken"),
    "a function as a number": (X, "y[i] = exp * x[i]\nreturn y", "call it"),
    "an activation as a number": ('x: Real[i], f: Activation = "relu"', "y[i] = f * x[i]\nreturn y", "call it"),
    "an axis option as a number": ("x: Real[i], a: Axis[i] = -1", "y[i] = a * x[i]\nreturn y", "position of an axis"),
    # ---- numbers
    "beyond": (X, "y[i] = 1e400 * x[i]\nreturn y", "beyond the range"),
    "below": (X, "y[i] = 1e-400 * x[i]\nreturn y", "beyond the range"),
    "complex": (X, "y[i] = 1j * x[i]\nreturn y", "integers and decimals"),
    "huge": (X, "y[i] = 10 ** 10 ** 8 * x[i]\nreturn y", "digits"),
    "huge, by products": (X, "y[i] = 10 ** 300 * 10 ** 300 * x[i]\nreturn y", "too long"),
    "a huge exponent": (X, "y[i] = x[i] ** 1000000\nreturn y", "exponent"),
    "divided by 0": (X, "y[i] = x[i] / 0\nreturn y", "division by 0"),
    "divided by 0 in the end": (X, "y[i] = x[i] / (1 - 1)\nreturn y", "division by 0"),
    "0 to -1": (X, "y[i] = 0 ** -1 * x[i]\nreturn y", "division by 0"),
    "a root of -1": (X, "y[i] = (-1) ** 0.5 * x[i]\nreturn y", "not a real number"),
    "sqrt of -1": (X, "y[i] = sqrt(-1) * x[i]\nreturn y", "not a real number"),
    "log of 0": (X, "y[i] = log(0) * x[i]\nreturn y", "not a real number"),
    # ---- words
    "a keyword": (X, "y[i] = exp(x[i], base=2)\nreturn y", "no keyword 'base'"),
    "a keyword of sum": (X, returned("sum(i, x[i], where=1)"), "no keyword 'where'"),
    "exp of nothing": (X, "y[i] = exp() * x[i]\nreturn y", "exp(x[..., i])"),
    "log of two": (X, "y[i] = log(x[i], 2)\nreturn y", "log(a) / log(b)"),
    "max of one": (X, "y[i] = max(x[i])\nreturn y", "max(a, b)"),
    "max of three": (X, "y[i] = max(x[i], 0, 1)\nreturn y", "max(a, b)"),
    "stars": (X, "y[i] = exp(*x)\nreturn y", "exp(x[..., i])"),
    "sum of one": (X, returned("sum(x[i])"), "sum(i, x[..., i])"),
    "an attribute": (X, "y[i] = np.exp(x[i])\nreturn y", "write exp(x[..., i])"),
    "a method": (X, "y = x.sum(0)\nreturn y", "write sum(i, x[..., i])"),
    "a near word": (X, "y[i] = exb(x[i])\nreturn y", "did you mean exp"),
    "a tensor called": (X, "y[i] = x(i)\nreturn y", "square brackets"),
    "a remainder": (X, "y[i] = x[i] % 2\nreturn y", "% is of whole numbers"),
    "a matrix product": (TWO, "y = x @ z\nreturn y", "write the sum"),
    "a bitwise and": (X, "y[i] = x[i] if (x[i] > 0) & (x[i] < 1) else 0\nreturn y", "a and b"),
    "a list": (X, returned("[1, 2]"), "not part of the notation"),
    "a comprehension": (X, returned("sum(x[i] for i in x)"), "sum(i, x[..., i])"),
    "a function of a function": (X, "y[i] = (lambda a: a)(x[i])\nreturn y", "not a function"),
    "reduced by nothing": (X, "y = reduced()\nreturn y", "reduced(reduction, L[...])"),
    "reduced by a number": (X, "y = reduced(1, x[i])\nreturn y", "option of kind Choice"),
    "reduced by another word": (CHOICE, "y = reduced(r, x[i])\nreturn y", '"mean", "sum" and "none"'),
    "reduced inside": (CHOICE, "y = 2 * reduced(r, x[i])\nreturn y", "whole right side"),
    "reduced with indices": (CHOICE, "y[i] = reduced(r, x[i])\nreturn y", "write y = reduced"),
    # ---- layers
    "an option it has not": (X, "y[i] = sigmoid(x[i], slope=3)\nreturn y", "no option 'slope'"),
    "an option by place": (X, "y[i] = leaky_relu(x[i], 0.3)\nreturn y", "leaky_relu(x[..., i], alpha="),
    "an option that is data": (X, "y[i] = leaky_relu(x[i], alpha=x[i])\nreturn y", "one number for all"),
    "an option that is a word": (X, "y[i] = leaky_relu(x[i], alpha='a')\nreturn y", "a word stands where"),
    "an activation with an option": (
        'x: Real[i], f: Activation = "relu"',
        "y[i] = f(x[i], alpha=2)\nreturn y",
        "no option 'alpha'",
    ),
    "an elementwise layer of whole arrays": (X, "y = relu(x)\nreturn y", "write x[i] here, and y[i] on the left"),
    "a layer inside": (X, "y[i] = 2 * softmax(x[i])\nreturn y", "y = softmax(z)"),
    "a layer of a layer": (DENSE, "z = linear(relu(x), W, b)\nreturn z", "an equation of its own"),
    "too few tensors": (DENSE, "z = linear(x, W)\nreturn z", "linear(x, W, b)"),
    "tensors by keyword": (DENSE, "z = linear(x, W, b=b)\nreturn z", "linear(x, W, b)"),
    "a result with the part's axes": (DENSE, "z[..., o] = linear(x, W, b)\nreturn z", "write z = ..."),
    "a result with an index of its own": (DENSE, "z[k] = linear(x, W, b)\nreturn z", "no argument has the index k"),
    "an argument with an index of its own": (
        "x: Real[k, i], W: Real[o, i], b: Real[o]",
        "z = linear(x[k], W, b)\nreturn z",
        "not on the left",
    ),
    "results of one name": (
        "x: Real[t, i], h: Real[n], W: Real[g * n, i], U: Real[g * n, m], b: Real[g * n]",
        "g = axis(4)\nm = axis(size(n))\nz, z = lstm(x, h, h, W, U, b)\nreturn z",
        "two results of one name",
    ),
    "a result twice": (DENSE, "z = linear(x, W, b)\nz = linear(x, W, b)\nreturn z", "z is given twice"),
    "a result that is an input": (DENSE, "x = linear(x, W, b)\nreturn x", "x is an input"),
    "a list for an array": ("x: Real[l][i]", "y = softmax(x)\nreturn y", "pass an entry of it"),
    "arrays for lists": ("w: Real[i], d: Real[i]", "y = sgd(w, d)\nreturn y", "declared Real[l][...]"),
    "the length of what differs between entries": (
        "w: Real[l][o, i]",
        "y = sum((l, o), sum(i, w[l, o, i]) / size(i))\nreturn y",
        "no one number",
    ),
    "a mean over what differs between entries": (
        "w: Real[l][o, i]",
        "m[l, o] = mean(i, w[l, o, i])\ny = sum((l, o), m[l, o] ** 2)\nreturn y",
        "no one number",
    ),
    "an option out of range": (
        "x: Real[..., i], g: Real[i]",
        "y = layer_norm(x, g, g, epsilon=-1)\nreturn y",
        "a positive number",
    ),
    "an option of another kind": (
        "x: Real[..., i], g: Real[i], e: Scalar = 1.0",
        "y = layer_norm(x, g, g, epsilon=e)\nreturn y",
        "positive",
    ),
    "a number for a flag": ("x: Real[q, d]", "y = attention(x, x, x, causal=1)\nreturn y", "True or False"),
    "a word for a choice": ("x: Real[i]", 'y = mse(x, x, reduction="max")\nreturn y', "'mean', 'sum', 'none'"),
    "stars for options": ("x: Real[i]", "y = mse(x, x, **x)\nreturn y", "write the options out"),
}


RIGHT = {
    "an element each": (X, "y[i] = relu(x[i])\nreturn y"),
    "a length with a name": (X, "half = axis(size(i) // 2)\ny[i] = x[size(half)]\nreturn y"),
    "what a length is": (X, "y[i] = x[i - size(i) // 2]\nreturn y"),
    "an edge with a name": (
        "x: Real[i, j]",
        "edge[-1] = 0\nedge[j] = edge[j - 1] + 1\nh[-1, j] = edge[j]\nh[i, -1] = 0\n"
        "h[i, j] = h[i - 1, j] + h[i, j - 1] + x[i, j]\nreturn h",
    ),
    "ahead along one axis": ("x: Real[i, j]", "h[-1, j] = 0\nh[i, j] = h[i - 1, j + 1] + x[i, j]\nreturn h"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_a_refusal_says_to_write_is_read(case: str) -> None:
    defined(*RIGHT[case])


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_with_its_place(case: str) -> None:
    signature, body, words = WRONG[case]
    with pytest.raises(DefinitionError) as caught:
        defined(signature, body)
    message = str(caught.value)
    what, place, line, marks, *mend = message.splitlines()
    assert what.startswith("odd: ")
    assert re.fullmatch(r"  mine\.py:\d+", place)
    row = int(place.rsplit(":", 1)[1])
    text = (HEAD + "@layer()\n" + f"def odd({signature}):\n" + textwrap.indent(body, "    ")).split("\n")
    assert line.strip() == text[row - 1].strip()
    assert set(marks.strip()) == {"^"}
    assert mend
    assert mend[0].strip()
    assert words in message
