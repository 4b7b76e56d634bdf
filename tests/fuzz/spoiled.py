"""Calls with one thing wrong in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.evidence import kernels
from derive.notation.layer import Tensor
from tests.evidence.shared import LAYERS
from tests.fuzz.calls import Call, plain
from tests.fuzz.guises import INTEGERS, NO_LISTS, WRONG, Rng, pick
from tests.runtime.test_options import OUT_OF_RANGE
from tests.runtime.test_options import WRONG as WRONG_OPTIONS


def spoiled(name: str, rng: Rng) -> Call:
    """A call with one thing wrong."""
    call = plain(name, rng, np.float64)
    module = kernels.kernel_of(name)
    layer = LAYERS[name][0]
    ways = ["input", "input", "shape"]
    ways += ["option", "option", "range"] if layer.options else []
    ways += ["below"] if any(p.below for p in module.SIGNATURE.inputs) else []
    ways += WAYS[call.function]
    SPOIL[pick(rng, ways)](call, name, rng)
    return call


def spoiled_value(value: Any, kind: str, name: str, rng: Rng) -> tuple[Any, tuple[str, ...]]:
    """Something in the place of a tensor, and what an error calls it."""
    if isinstance(value, list):
        if rng.random() < 0.4:
            return pick(rng, NO_LISTS)(value), (name,)
        n = int(rng.integers(len(value)))
        return [pick(rng, WRONG[kind])(np.asarray(v)) if k == n else v for k, v in enumerate(value)], (
            f"{name}[{n}]",
            name,
        )
    a = np.zeros((2, 2), bool) if value is None else np.asarray(value)
    return pick(rng, WRONG[kind])(a), (name,)


def spoil_input(call: Call, name: str, rng: Rng) -> None:
    n = int(rng.integers(len(call.inputs)))
    t: Tensor = LAYERS[name][0].inputs[n]
    call.inputs[n], call.wrong = spoiled_value(call.inputs[n], t.kind, t.name, rng)


def spoil_shape(call: Call, name: str, rng: Rng) -> None:
    """One axis more, where that cannot be one of ``...``, or one less, where what is left does not stand for all."""
    patterns = kernels.kernel_of(name).SIGNATURE.inputs
    fixed = [
        n for n, p in enumerate(patterns) if ("...",) not in p.slots and not p.sequence and call.inputs[n] is not None
    ]
    if not fixed:
        return spoil_input(call, name, rng)
    n = pick(rng, fixed)
    a = np.asarray(call.inputs[n])
    whole = LAYERS[name][0].inputs[n].optional  # a mask is spread over leading axes that it has not
    call.inputs[n] = a[..., None] if rng.random() < 0.5 or not a.ndim or whole else a[0]
    call.wrong = (patterns[n].name,)


def spoil_option(call: Call, name: str, rng: Rng) -> None:
    o = pick(rng, LAYERS[name][0].options)
    call.options[o.name], call.wrong = pick(rng, WRONG_OPTIONS[o.kind]), (f"{o.name} is",)


def spoil_range(call: Call, name: str, rng: Rng) -> None:
    o = pick(rng, LAYERS[name][0].options)
    if o.kind not in OUT_OF_RANGE:
        return spoil_option(call, name, rng)
    call.options[o.name], call.wrong = pick(rng, OUT_OF_RANGE[o.kind]), (f"{o.name} is",)


def spoil_below(call: Call, name: str, rng: Rng) -> None:
    """An index beyond its axis."""
    module = kernels.kernel_of(name)
    n, p = pick(rng, [(n, p) for n, p in enumerate(module.SIGNATURE.inputs) if p.below])
    index = np.array(call.inputs[n], object)
    size = module.forward(*call.inputs, **call.options)[1][-1][p.below]
    if not index.size:
        return spoil_input(call, name, rng)
    index.reshape(-1)[-1] = pick(rng, [-1, size, size + 1, -size, -128, 255, 2**31, -(2**63), 2**63, 2**70])
    dtypes = [t for t in INTEGERS if all(np.iinfo(t).min <= v <= np.iinfo(t).max for v in index.flat)]
    dtype = pick(rng, [object, *dtypes])
    call.inputs[n] = index if dtype is object else index.astype(np.dtype(dtype).newbyteorder(pick(rng, "<>")))
    call.wrong = (p.name,)


def spoil_saved(call: Call, name: str, rng: Rng) -> None:
    module = kernels.kernel_of(name)
    y, saved = module.forward(*call.inputs, **call.options)
    other = "tanh" if name == "relu" else "relu"
    others = kernels.kernel_of(other).forward(np.ones(3))[1]
    call.saved = pick(
        rng, [(), (None,), y, saved[:-1], saved[1:], saved[::-1] if len(saved) > 1 else (), others, "saved", 1, {}]
    )
    call.wrong = ("saved",)


def spoil_cotangent(call: Call, name: str, rng: Rng) -> None:
    outputs = LAYERS[name][0].differentiable_outputs
    if isinstance(call.cotangents, tuple):
        n = int(rng.integers(len(outputs)))
        value, call.wrong = spoiled_value(call.cotangents[n], "cotangent", outputs[n], rng)
        call.cotangents = tuple(value if k == n else c for k, c in enumerate(call.cotangents))
    else:
        call.cotangents, call.wrong = spoiled_value(call.cotangents, "cotangent", outputs[0], rng)
        if call.cotangents is None:  # a list of cotangents; None stands for zeros
            call.cotangents = 1.0


def spoil_along(call: Call, name: str, rng: Rng) -> None:
    n = int(rng.integers(len(call.along)))
    t = LAYERS[name][0].differentiable[n]
    call.along[n], call.wrong = spoiled_value(call.along[n], "cotangent", t.name, rng)
    if call.along[n] is None:
        call.along[n] = 1.0


def spoil_primals(call: Call, name: str, rng: Rng) -> None:
    missing = 1 + sum(t.optional for t in LAYERS[name][0].inputs)
    call.primals = pick(
        rng, [call.inputs[:-missing], [*call.inputs, np.ones(2)], None, "x", 1.0, np.ones((1, 2)), {"x": 1}]
    )
    call.primals = object() if call.primals is None else call.primals
    call.wrong = ("primals",)


def spoil_count(call: Call, name: str, rng: Rng) -> None:
    call.along = pick(rng, [call.along[:-1], [*call.along, np.ones(2)], "x", 1.0, np.ones((1, 2)), {"x": 1}])
    call.wrong = ("tangents",)


WAYS = {
    "forward": [],
    "backward": ["saved", "cotangent", "cotangent"],
    "jvp": ["along", "along", "primals", "count"],
    "double_backward": ["along", "cotangent", "primals", "count"],
}
SPOIL = {
    "input": spoil_input,
    "shape": spoil_shape,
    "option": spoil_option,
    "range": spoil_range,
    "below": spoil_below,
    "saved": spoil_saved,
    "cotangent": spoil_cotangent,
    "along": spoil_along,
    "primals": spoil_primals,
    "count": spoil_count,
}
