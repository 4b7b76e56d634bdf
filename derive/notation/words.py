"""The words of the notation: what each takes, and what to write in place of words that it does not have."""

from __future__ import annotations

from dataclasses import dataclass
from keyword import kwlist

from derive.notation.expr import CONSTANTS
from derive.notation.functions import FUNCTIONS, OPERATIONS, SHORT, SHORT_REDUCTIONS

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
    "sqrt": _function("sqrt", 1),
    "size": Word((("index",),), "size(i)"),
    **{name: _function(name, len(f.partials) or 1) for name, f in FUNCTIONS.items()},
    "log": Word((("number",),), "log(x[..., i]), or to another base log(a) / log(b)"),
    "max": Word((("indices", "number"), ("number", "number")), "max(i, x[..., i]), or max(a, b) of two numbers"),
    "min": Word((("indices", "number"), ("number", "number")), "min(i, x[..., i]), or min(a, b) of two numbers"),
    **{name: _function(name, count) for name, (count, _) in SHORT.items()},
    **{
        name: Word((("indices", "number"),), f"{name}(i, x[..., i]), or {name}((i, j), x[..., i, j])")
        for name in SHORT_REDUCTIONS
        if name != "min"
    },
    "clip": Word((("number",) * 3,), "clip(x[..., i], low, high)"),
    "reduced": Word((("choice", "number"),), "loss = reduced(reduction, L[...])", "right"),
    "axis": Word((("length",),), "i = axis(3), or i = axis(size(j) + 1)", "right"),
    "state": Word((("names",),), "return y, state(new_mean)", "return"),
}

#: What a kernel's functions are called.
KERNEL = ("forward", "backward", "jvp", "double_backward")

#: Names that mean something where functions are called: no layer can have them, and no option that is one.
RESERVED = frozenset(
    {*WORDS, *CONSTANTS, "layer", *KERNEL, *(o for o in OPERATIONS if o.isidentifier())}
    - {*kwlist, *SHORT, *(SHORT_REDUCTIONS.keys() - {"mean", "min"})}
)

#: What people write, and how it is written here; a construct that there is not begins with "there is".
_ORDER = "there is no sorting: pass the order as labels, r: Integer[k], and read x[r[k]]"
_INVERSE = (
    "there is no inverse of a matrix: pass it, R: Real[m, n], and let its own rule give its gradient, or write the "
)
_INVERSE += "system as a residual r[n] = sum(m, A[n, m] * x[m]) - b[n] whose x is passed"
_FACTORS = "there is no factorisation of a matrix: pass its factors as tensors, U: Real[n, k]"
_CONSTANT = "stop_gradient(a)"
_RANDOM = "there is no chance in a layer: pass what is drawn, m: Mask[..., i]"
_RUNNING = "a recurrence: p[-1, ...] = 1, then p[i, ...] = p[i - 1, ...] * x[i, ...]"
_LENGTH = "sqrt(sum(i, x[..., i] ** 2))"
_PRODUCT = "sum(k, A[..., i, k] * B[..., k, j])"
_JOINED = "an axis k = axis(size(i) + size(j)): y[k] = a[k] if k < size(i) else b[k - size(i)]"
_SQUARE = "m = axis(size(n)), "


def _angle(name: str) -> str:
    return f"there is no {name} of a number: pass the {name}s, {name}: Real[..., i], or their table by position"


INSTEAD = {
    # ---- functions of numbers --------------------------------------------------------------------------------------
    "tan": "sin(a) / cos(a)",
    **dict.fromkeys(("arctan", "atan", "atan2", "arcsin", "asin", "arccos", "acos"), _angle("angle")),
    **dict.fromkeys(("minimum", "fmin"), "min(a, b)"),
    "amin": "min(i, x[..., i])",
    **dict.fromkeys(("maximum", "fmax"), "max(a, b)"),
    **dict.fromkeys(("pow", "power"), "a ** b"),
    "square": "a ** 2",
    "rsqrt": "1 / sqrt(a)",
    "cbrt": "a ** (1 / 3), of what is positive",
    "reciprocal": "1 / a",
    "exp2": "2 ** a",
    **dict.fromkeys(("neg", "negative"), "-a"),
    **dict.fromkeys(("fabs", "absolute"), "abs(a)"),
    "hypot": "sqrt(a ** 2 + b ** 2)",
    "where": "a if c else b",
    "clamp": "clip(a, low, high)",
    "sgn": "sign(a)",
    **dict.fromkeys(("heaviside", "step", "indicator", "bool"), "1 if c else 0"),
    "delta": "1 if i == j else 0",
    "log2": "log(a) / log(2)",
    "log10": "log(a) / log(10)",
    "ln": "log(a)",
    "erfc": "1 - erf(a)",
    "logit": "log(a / (1 - a))",
    "normal_cdf": "(1 + erf(a / sqrt(2))) / 2",
    "lerp": "a + w * (b - a)",
    **dict.fromkeys(("lgamma", "gamma", "digamma"), "there is no gamma function: pass its values, g: Real[..., i]"),
    **dict.fromkeys(("trunc", "fix", "int"), "sign(a) * floor(abs(a)), or a // b for whole numbers"),
    "rint": "round(a), which rounds ties to even numbers",
    "ceiling": "ceil(a)",
    "frac": "a - floor(a)",
    **dict.fromkeys(("mod", "fmod", "remainder"), "a % b for whole numbers"),
    "float": "the number itself",
    **dict.fromkeys(
        ("isnan", "isinf", "isfinite", "nan_to_num"), "there is no test for what is no number: pass a mask"
    ),
    # ---- reductions ------------------------------------------------------------------------------------------------
    **dict.fromkeys(("prod", "product", "cumprod"), _RUNNING),
    "cumsum": "sum(j, x[..., j] if j <= i else 0)",
    "amax": "max(i, x[..., i])",
    **dict.fromkeys(("average", "avg"), "mean(i, x[..., i])"),
    **dict.fromkeys(("sort", "argsort", "topk", "median", "quantile"), _ORDER),
    "logaddexp": "log(exp(a) + exp(b))",
    "norm": _LENGTH,
    **dict.fromkeys(("any", "some"), "max(i, 1 if c else 0) > 0"),
    "all": "max(i, 0 if c else 1) == 0",
    # ---- matrices --------------------------------------------------------------------------------------------------
    **dict.fromkeys(("dot", "inner", "vdot"), "sum(i, x[..., i] * y[..., i])"),
    **dict.fromkeys(("matmul", "mm", "bmm", "einsum", "tensordot"), _PRODUCT),
    "mv": "sum(j, A[..., i, j] * x[..., j])",
    "outer": "y[i, j] = a[i] * b[j]",
    "trace": _SQUARE + "sum(n, A[n, n])",
    **dict.fromkeys(("diag", "diagonal"), _SQUARE + "y[n] = A[n, n], or D[n, m] = x[n] if n == m else 0"),
    **dict.fromkeys(("eye", "kronecker"), _SQUARE + "1 if n == m else 0"),
    **dict.fromkeys(("tril", "triu"), "x[i, j] if j <= i else 0"),
    **dict.fromkeys(
        ("det", "logdet", "slogdet"),
        "there is no determinant: pass it; of 2 x 2 it is written out, A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0]",
    ),
    **dict.fromkeys(("inverse", "inv", "pinv", "solve", "lstsq"), _INVERSE),
    **dict.fromkeys(("svd", "eig", "eigh", "qr", "cholesky", "expm"), _FACTORS),
    # ---- shapes ----------------------------------------------------------------------------------------------------
    "len": "size(i), where i is the axis",
    "range": "an index: it runs over its whole axis",
    **dict.fromkeys(("arange", "position", "index"), "the index itself, which is a number: i"),
    "zeros": "0",
    "ones": "1",
    **dict.fromkeys(("zeros_like", "ones_like", "full"), "the number itself, y[..., i] = 0"),
    "one_hot": "1 if i == t[...] else 0",
    **dict.fromkeys(("gather", "take", "index_select", "embedding_bag"), "a label in square brackets: E[t[...], d]"),
    **dict.fromkeys(("scatter", "scatter_add", "bincount"), "sum(n, x[n] if t[n] == i else 0)"),
    **dict.fromkeys(("concatenate", "concat", "cat", "stack", "hstack", "vstack"), _JOINED),
    **dict.fromkeys(("split", "chunk"), "a place counted from where the part begins: y[i] = x[i + n]"),
    "pad": "an axis j = axis(size(i) + 2 * n): y[j] = x[j - n], which is 0 outside",
    "roll": "x[i - n] if i >= n else x[i - n + size(i)]",
    **dict.fromkeys(("flip", "reverse"), "x[size(i) - 1 - i]"),
    **dict.fromkeys(("repeat", "repeat_interleave", "tile"), "a longer axis k = axis(size(i) * n): y[k] = x[k // n]"),
    **dict.fromkeys(("transpose", "permute", "swapaxes"), "the indices in another order: y[..., j, i] = x[..., i, j]"),
    **dict.fromkeys(
        ("reshape", "view", "flatten", "unflatten"),
        "y[b, h * w] = x[b, h, w], or a product of axes in the signature: x: Real[b, g * c]",
    ),
    **dict.fromkeys(("squeeze", "unsqueeze", "expand", "broadcast_to"), "the indices that a tensor has, and no others"),
    # ---- what a layer has not --------------------------------------------------------------------------------------
    **dict.fromkeys(("detach", "no_grad", "stopgrad", "stop_grad", "constant"), _CONSTANT),
    **dict.fromkeys(("rand", "randn", "random", "bernoulli", "normal", "uniform"), _RANDOM),
    **dict.fromkeys(
        ("fft", "rfft", "ifft"), "there is no Fourier transform: pass its matrix, F: Real[k, i], and write a sum"
    ),
    **dict.fromkeys(
        ("grad", "gradient", "diff"), "there is no derivative in an equation: write it out; layers are derived"
    ),
}
