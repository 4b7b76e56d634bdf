"""The words of the notation: what each takes, and what to write in place of words that it does not have."""

from __future__ import annotations

from dataclasses import dataclass
from keyword import kwlist

from derive.notation.expr import CONSTANTS
from derive.notation.functions import FUNCTIONS, OPERATIONS

#: How an error names what a word takes.
KINDS = {
    "number": "a number",
    "indices": "indices",
    "index": "an index",
    "length": "a length",
    "choice": "an option of kind Choice",
    "names": "names of results",
}


@dataclass(frozen=True)
class Word:
    """A word that is called.

    Attributes:
        forms: what it may be given, one tuple of KINDS for each way.
        example: how it is written.
        place: where it may stand: in an equation, or as the whole right of one, or in the return.
    """

    forms: tuple[tuple[str, ...], ...]
    example: str
    place: str = "anywhere"


def _function(name: str, arguments: int) -> Word:
    letters = ", ".join(("x[..., i]", "y[..., i]")[:arguments])
    return Word((("number",) * arguments,), f"{name}({letters})")


WORDS: dict[str, Word] = {
    "sum": Word((("indices", "number"),), "sum(i, x[..., i]), or sum((i, j), x[..., i, j])"),
    "mean": Word((("indices", "number"),), "mean(i, x[..., i]), or mean((i, j), x[..., i, j])"),
    "sqrt": _function("sqrt", 1),
    "size": Word((("index",),), "size(i)"),
    **{name: _function(name, len(f.partials) or 1) for name, f in FUNCTIONS.items()},
    "log": Word((("number",),), "log(x[..., i]), or to another base log(a) / log(b)"),
    "max": Word((("indices", "number"), ("number", "number")), "max(i, x[..., i]), or max(a, b) of two numbers"),
    "reduced": Word((("choice", "number"),), "loss = reduced(reduction, L[...])", "right"),
    "axis": Word((("length",),), "i = axis(3), or i = axis(size(j) + 1)", "right"),
    "state": Word((("names",),), "return y, state(new_mean)", "return"),
}

#: What a kernel's functions are called.
KERNEL = ("forward", "backward", "jvp", "double_backward")

#: Names that mean something where functions are called: no layer can have them, and no option that is one.
RESERVED = frozenset({*WORDS, *CONSTANTS, "layer", *KERNEL, *(o for o in OPERATIONS if o.isidentifier())} - set(kwlist))

#: What people write, and how it is written here.
INSTEAD = {
    "min": "-max(-a, -b), or -max(i, -x[..., i])",
    "prod": "a recurrence: p[-1, ...] = 1, then p[i, ...] = p[i - 1, ...] * x[i, ...]",
    "cumsum": "sum(j, x[..., j] if j <= i else 0)",
    "cumprod": "a recurrence: p[-1, ...] = 1, then p[i, ...] = p[i - 1, ...] * x[i, ...]",
    "argmax": "there is no position of a maximum; max(i, ...) gives its value and its gradient",
    "pow": "a ** b",
    "power": "a ** b",
    "square": "a ** 2",
    "where": "a if c else b",
    "maximum": "max(a, b)",
    "minimum": "-max(-a, -b)",
    "clip": "max(low, -max(-high, -x[..., i]))",
    "sign": "1 if a > 0 else -1 if a < 0 else 0",
    "log2": "log(a) / log(2)",
    "log10": "log(a) / log(10)",
    "log1p": "log(1 + a)",
    "expm1": "exp(a) - 1",
    "erfc": "1 - erf(a)",
    "sinh": "(exp(a) - exp(-a)) / 2",
    "cosh": "(exp(a) + exp(-a)) / 2",
    "norm": "sqrt(sum(i, x[..., i] ** 2))",
    "var": "mu[...] = mean(i, x[..., i]), then mean(i, (x[..., i] - mu[...]) ** 2)",
    "std": "the square root of a variance: sqrt(mean(i, (x[..., i] - mu[...]) ** 2))",
    "dot": "sum(i, x[..., i] * y[..., i])",
    "matmul": "sum(k, A[..., i, k] * B[..., k, j])",
    "einsum": "sum(k, A[..., i, k] * B[..., k, j])",
    "len": "size(i), where i is the axis",
    "range": "an index: it runs over its whole axis",
    "arange": "the index itself, which is a number: i",
    "float": "the number itself",
    "int": "a // b for whole numbers",
    "floor": "a // b for whole numbers",
    "mod": "a - b * (a // b) for whole numbers",
    "any": "max(i, 1 if c else 0) > 0",
    "all": "max(i, 0 if c else 1) == 0",
    "zeros": "0",
    "ones": "1",
    "concatenate": "an axis k = axis(size(i) + size(j)): y[k] = a[k] if k < size(i) else b[k - size(i)]",
    "transpose": "the indices in another order: y[..., j, i] = x[..., i, j]",
    "reshape": "a product of axes in the signature: x: Real[b, g * c]",
}
