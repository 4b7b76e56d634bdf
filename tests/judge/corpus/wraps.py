"""Right kernels inside wrong ones: mistakes that any layer can have, in what is around the formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from derive.evidence import kernels
from derive.notation.layer import Layer
from tests.evidence.shared import LAYERS
from tests.evidence.wrong.kernel import mapped, with_function
from tests.judge.corpus.wrong import Wrong

Change = Callable[[Any], Any]
TILE = 32


def first_real(layer: Layer) -> int:
    return next(n for n, t in enumerate(layer.inputs) if t.kind == "real")


def arrays(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [a for v in value for a in arrays(v)]
    return [] if value is None else [value]


# ---- of results, forward and backward -------------------------------------------------------------------------


def narrow(dtype: Any) -> Change:
    return lambda a: np.asarray(a).astype(dtype).astype(np.asarray(a).dtype) if np.asarray(a).dtype.kind == "f" else a


def bfloat16(a: Any) -> Any:
    bits = np.asarray(a, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(np.asarray(a).dtype).reshape(np.shape(a))


def tail(a: Any) -> Any:
    """What a kernel gives that stores whole tiles alone."""
    a = np.array(a)
    if a.ndim and a.shape[-1] > TILE and a.shape[-1] % TILE:
        a[..., a.shape[-1] // TILE * TILE :] = 0
    return a


def last_rows(a: Any) -> Any:
    a = np.array(a)
    if a.ndim and a.shape[0] > TILE and a.shape[0] % TILE:
        a[a.shape[0] // TILE * TILE :] = a[0]
    return a


def transposed(a: Any) -> Any:
    a = np.asarray(a)
    return np.swapaxes(a, -1, -2).copy() if a.ndim > 1 and a.shape[-1] == a.shape[-2] else a


def one_off(a: Any) -> Any:
    a = np.array(a)
    if a.ndim and a.size and a.shape[-1] > 2:
        a[..., -1] = a[..., -2]
    return a


RESULTS: tuple[tuple[str, str, Change, str], ...] = (
    ("zeros", "gives zeros", np.zeros_like, "0 everywhere"),
    ("doubled", "twice as large", lambda a: 2 * np.asarray(a), "times 2"),
    ("half precision", "computed in float16", narrow(np.float16), "float16|bfloat16|tf32"),
    ("single precision", "float64 computed in float32", narrow(np.float32), "float32"),
    ("bfloat16", "kept in bfloat16, cut off", bfloat16, "bfloat16"),
    ("NaN swallowed", "NaN replaced by 0", lambda a: np.nan_to_num(np.asarray(a)), "NaN is swallowed|swallowed"),
    (
        "tail of a tile",
        "a tail of less than 32 along the last axis is not written",
        tail,
        "tail of a tile|only in a large",
    ),
    (
        "tail of rows",
        "the rows after a multiple of 32 repeat the first",
        last_rows,
        "tail of a tile|only in a large|along \\.",
    ),
    ("transposed", "transposed where it is square", transposed, "transposed"),
    ("last repeated", "the last element repeats the one before it", one_off, "off by one"),
    ("clipped", "clipped at 2", lambda a: np.clip(a, -2, 2), "cut off"),
    ("magnitude", "the sign is lost", np.abs, "absolute|times -1"),
)


def of_result(layer: str, part: str, change: Change) -> tuple[Any, None]:
    kernel = kernels.kernel_of(layer)
    function = getattr(kernel, part)

    def wrong(*args: Any, **options: Any) -> Any:
        found = function(*args, **options)
        floats = lambda a: change(a) if np.asarray(a).dtype.kind == "f" else a  # noqa: E731
        return (mapped(found[0], floats), found[1]) if part == "forward" else mapped(found, floats)

    return with_function(kernel, **{part: wrong}), None


# ---- of cotangents, options, arguments ------------------------------------------------------------------------

COTANGENTS: tuple[tuple[str, str, Change, str], ...] = (
    ("ones", "the cotangent taken for ones", np.ones_like, "ones"),
    ("mean", "the cotangent's mean for it", lambda a: np.full_like(a, a.mean() if a.size else 0), "mean of the cot"),
    ("sign", "the cotangent's sign for it", np.sign, "sign"),
    ("flat", "read as it lies in memory", lambda a: np.ravel(a, order="K").reshape(a.shape), "strides"),
    ("first", "the first one for all", lambda a: np.full_like(a, a.reshape(-1)[0] if a.size else 0), "first cotangent"),
)


def of_cotangent(layer: str, change: Change) -> tuple[Any, None]:
    kernel = kernels.kernel_of(layer)

    def backward(dy: Any, saved: Any) -> Any:
        return kernel.backward(mapped(dy, lambda a: change(np.asarray(a))), saved)

    return with_function(kernel, backward=backward), None


def option_ignored(layer: str, option: str, default: Any) -> tuple[Any, None]:
    kernel = kernels.kernel_of(layer)

    def forward(*args: Any, **options: Any) -> Any:
        return kernel.forward(*args, **{**options, option: default})

    return with_function(kernel, forward=forward), None


def argument(layer: str, place: int, change: Change) -> tuple[Any, None]:
    kernel = kernels.kernel_of(layer)

    def forward(*args: Any, **options: Any) -> Any:
        changed = [mapped(a, change) if n == place and a is not None else a for n, a in enumerate(args)]
        return kernel.forward(*changed, **options)

    return with_function(kernel, forward=forward), None


def gradient_of(layer: str, name: str, change: Change) -> tuple[Any, None]:
    kernel = kernels.kernel_of(layer)

    def backward(dy: Any, saved: Any) -> Any:
        found = kernel.backward(dy, saved)
        return found._replace(**{name: mapped(getattr(found, name), change)})

    return with_function(kernel, backward=backward), None


# ---- of state -------------------------------------------------------------------------------------------------


def writes(layer: str, part: str) -> tuple[Any, None]:
    kernel = kernels.kernel_of(layer)
    place = first_real(LAYERS[layer][0])

    def forward(*args: Any, **options: Any) -> Any:
        found = kernel.forward(*args, **options)
        for a in arrays(args[place]):
            if a.flags.writeable and a.size > 3:
                a.reshape(-1)[-1:] = 0
                a[...] = a * 0.5
        return found

    def backward(dy: Any, saved: Any) -> Any:
        found = kernel.backward(dy, saved)
        for a in arrays(dy):
            a[...] = 0
        return found

    return with_function(kernel, **{part: forward if part == "forward" else backward}), None


def one_buffer(layer: str, part: str) -> tuple[Any, None]:
    kernel, kept, turn = kernels.kernel_of(layer), dict[Any, Any](), [0]
    function = getattr(kernel, part)

    def held(a: Any) -> Any:
        a, turn[0] = np.asarray(a), turn[0] + 1
        buffer = kept.setdefault((turn[0], a.shape, a.dtype), np.empty_like(a))
        buffer[...] = a
        return buffer

    def wrong(*args: Any, **options: Any) -> Any:
        found, turn[0] = function(*args, **options), 0
        return (mapped(found[0], held), found[1]) if part == "forward" else mapped(found, held)

    return with_function(kernel, **{part: wrong}), None


def cached(layer: str, part: str) -> tuple[Any, None]:
    kernel, kept = kernels.kernel_of(layer), dict[Any, Any]()
    function = getattr(kernel, part)

    def wrong(*args: Any, **options: Any) -> Any:
        key = str([np.shape(a) for v in args[: None if part == "forward" else 1] for a in arrays(v)])
        return kept.setdefault((key, str(options)), function(*args, **options))

    return with_function(kernel, **{part: wrong}), None


def stale(layer: str) -> tuple[Any, None]:
    """Backward uses what the last forward saved, whichever call's gradient is asked for."""
    kernel, kept = kernels.kernel_of(layer), dict[str, Any]()

    def forward(*args: Any, **options: Any) -> Any:
        y, kept["saved"] = kernel.forward(*args, **options)
        return y, ()

    return with_function(kernel, forward=forward, backward=lambda dy, saved: kernel.backward(dy, kept["saved"])), None


def noisy(layer: str, part: str) -> tuple[Any, None]:
    rng = np.random.default_rng()
    return of_result(layer, part, lambda a: np.asarray(a) + 1e-6 * rng.normal(size=np.shape(a)))


def accumulates(layer: str) -> tuple[Any, None]:
    kernel, kept = kernels.kernel_of(layer), dict[Any, Any]()

    def backward(dy: Any, saved: Any) -> Any:
        def added(a: Any) -> Any:
            a = np.asarray(a)
            kept[a.shape] = kept.get(a.shape, 0) + a
            return np.array(kept[a.shape])

        return mapped(kernel.backward(dy, saved), added)

    return with_function(kernel, backward=backward), None


def global_state(layer: str, change: Callable[[], Any]) -> tuple[Any, None]:
    kernel = kernels.kernel_of(layer)

    def forward(*args: Any, **options: Any) -> Any:
        change()
        return kernel.forward(*args, **options)

    return with_function(kernel, forward=forward), None


def shares_first_shape(layer: str) -> tuple[Any, None]:
    """A workspace of the first shape, grown never: later results are cut to it and filled up."""
    kernel, kept = kernels.kernel_of(layer), dict[str, int]()

    def cut(a: Any) -> Any:
        a = np.array(a)
        size = kept.setdefault("size", max(a.size, 1))
        a.reshape(-1)[size:] = 0
        return a

    def forward(*args: Any, **options: Any) -> Any:
        y, saved = kernel.forward(*args, **options)
        return mapped(y, cut), saved

    return with_function(kernel, forward=forward), None


def wraps(layer: str) -> list[Wrong]:
    """All that apply to a layer and are wrong there."""
    return list(_every(layer, LAYERS[layer][0]))


def _every(layer: str, first: Layer) -> Iterator[Wrong]:
    def one(group: str, kind: str, words: str, cause: str, make: Callable[[], Any]) -> Wrong:
        return Wrong(f"{layer}/wrap/{group}-{kind}".replace(" ", "-"), layer, group, kind, words, cause, make)

    for part in ("forward", "backward"):
        for kind, words, change, cause in RESULTS:
            if kind == "magnitude" and layer in UNSIGNED.get(part, ()):
                continue
            if kind in AXES and layer in SCALAR.get(part, ()):
                continue
            if kind == "transposed" and layer in SYMMETRIC.get(part, ()):
                continue
            if kind == "clipped" and layer in BOUNDED.get(part, ()):
                continue
            if kind in FORMATS and layer in EXACT.get(part, ()):
                continue
            yield one(part, kind, f"{part} {words}", cause, partial(of_result, layer, part, change))
    for kind, words, change, cause in COTANGENTS:
        if not (layer in LOSSES and kind in ("mean", "flat", "first")):
            yield one("backward", f"cotangent {kind}", words, cause, partial(of_cotangent, layer, change))
    for option in first.options:
        if not isinstance(option.default, str) and option.kind not in ("Axis",) and option.name not in ("N",):
            words = f"the option {option.name} is ignored"
            make = partial(option_ignored, layer, option.name, option.default)
            yield one("forward", f"option {option.name}", words, option.name, make)
    for n, t in enumerate(first.inputs):
        if t.kind == "boolean":
            make = partial(argument, layer, n, np.logical_not)
            yield one("forward", "mask inverted", f"{t.name} inverted", t.name, make)
        if t.kind == "real" and len(t.slots or t.axes) > 1 and not t.sequence:  # of one axis all lies in a row
            flat: Change = lambda a: np.ravel(np.asarray(a), order="K").reshape(np.shape(a))  # noqa: E731
            make = partial(argument, layer, n, flat)
            words = f"{t.name} read as it lies in memory"
            yield one("forward", f"layout of {t.name}", words, "strides", make)
    for t in first.differentiable:
        make = partial(gradient_of, layer, t.name, np.negative)
        yield one("backward", f"sign of d{t.name}", f"the sign of d{t.name}", "-1|sign", make)
    for part in ("forward", "backward"):
        for kind, words, cause, make in STATES:
            yield one("state", f"{part} {kind}", f"{part} {words}", cause, partial(make, layer, part))
    for kind, words, cause, also in WHOLE:
        if (kind == "stale" and layer == "identity") or (kind == "first shape" and layer in SCALAR["forward"]):
            continue  # nothing is saved, or nothing is longer
        yield one("state", kind, words, cause, partial(also, layer))
    for kind, words, cause, change in GLOBALS:
        yield one("state", kind, words, cause, partial(global_state, layer, change))


STATES: tuple[tuple[str, str, str, Callable[[str, str], Any]], ...] = (
    ("writes", "writes to an argument", "writes to its argument", writes),
    ("one buffer", "gives one buffer again and again", "an earlier", one_buffer),
    ("cached", "gives its first answer again", "earlier|another answer", cached),
    ("noisy", "differs from run to run", "another answer", noisy),
)
WHOLE: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
    ("stale", "backward uses the last call's saved values", "for an earlier forward", stale),
    ("accumulates", "gradients are added to those of earlier calls", "another answer|earlier", accumulates),
    ("first shape", "a workspace keeps the first shape", "earlier|shape|beyond|without", shares_first_shape),
)
GLOBALS: tuple[tuple[str, str, str, Callable[[], Any]], ...] = (
    ("seeds", "the global random state is set", "random state", partial(np.random.seed, 0)),
    ("error state", "numpy's error state is changed", "floating-point errors", partial(np.seterr, divide="raise")),
)
AXES = ("tail of a tile", "tail of rows", "last repeated", "transposed")
LOSSES = ("mse", "cross_entropy", "softmax_cross_entropy", "softmax_cross_entropy_labels", "l2_penalty")
SCALAR: dict[str, tuple[str, ...]] = {"forward": ("l2_penalty",)}
#: Diagonal matrices are their own transposes.
SYMMETRIC: dict[str, tuple[str, ...]] = {"forward": ("diagonal_matrix",), "backward": ("trace",)}
UNSIGNED: dict[str, tuple[str, ...]] = {
    "forward": ("relu", "sigmoid", "softmax", "margin_ranking", *LOSSES),
}
BOUNDED: dict[str, tuple[str, ...]] = {
    "forward": ("sigmoid", "tanh", "softmax", "lstm", "dice", "tversky", "straight_through_sign"),
    "backward": ("focal",),
}
FORMATS = ("half precision", "single precision", "bfloat16")
EXACT: dict[str, tuple[str, ...]] = {"forward": ("straight_through_sign",)}  # -1, 0 and 1 are numbers of any format
