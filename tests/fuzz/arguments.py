"""Calls every layer with arguments in every form, right and wrong: ``python -m tests.fuzz.arguments [LAYER ...]``.

A right call has the numbers of a plain one in other clothes, and must give the plain one's results: the same shapes,
dtypes and numbers, in memory of their own, without writing to an argument, warning, or changing a context. A wrong
call has one thing in it that is no argument, and must end in a TypeError or ValueError which names the layer and that
thing. Layers run in a process of their own, so that one which reads foreign memory is heard of.
"""

from __future__ import annotations

import argparse
import decimal
import faulthandler
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from derive.evidence import inputs, kernels
from derive.evidence.layout import Case
from derive.notation.layer import Tensor
from reference.runtime.values import OPTIONS
from tests.evidence.shared import LAYERS
from tests.fuzz.guises import DOUBLES, INTEGERS, LAYOUTS, LISTS, NO_LISTS, WRONG, Rng, pick, whole
from tests.runtime.test_options import OUT_OF_RANGE
from tests.runtime.test_options import WRONG as WRONG_OPTIONS

FLOATS = (np.float16, np.float32, np.float64, np.float64, np.longdouble)
FUNCTIONS = ("forward", "backward", "jvp", "double_backward")
ROUNDING = 256  # units of the largest result: in another layout, sums of some dozen terms are added in another order


@dataclass
class Call:
    """One call of a function.

    Attributes:
        wrong: what is wrong with it: the words one of which an error must have; empty where nothing is.
    """

    function: str
    inputs: list[Any]
    options: dict[str, Any]
    cotangents: Any = None
    along: list[Any] = field(default_factory=list)
    primals: Any = None
    saved: Any = None
    wrong: tuple[str, ...] = ()

    def made(self, module: Any) -> Any:
        run = getattr(module, self.function)
        primals = self.inputs if self.primals is None else self.primals
        match self.function:
            case "forward":
                return run(*self.inputs, **self.options)
            case "backward":
                saved = module.forward(*self.inputs, **self.options)[1] if self.saved is None else self.saved
                return run(self.cotangents, saved)
            case "jvp":
                return run(primals, self.along, **self.options)
        return run(self.cotangents, primals, self.along, **self.options)


@cache
def cases(name: str) -> list[Case]:
    return [c for layer in LAYERS[name] for c in inputs.cases(layer)]


def plain(name: str, rng: Rng, dtype: Any) -> Call:
    """A call with arrays as NumPy makes them, and options of Python's own types."""
    case: Case = kernels.cast(pick(rng, cases(name)), dtype)
    module = kernels.kernel_of(name)
    u, v = (f(case, dtype=dtype) for f in (inputs.cotangents, inputs.tangents))
    return Call(
        pick(rng, [f for f in FUNCTIONS if hasattr(module, f)]),
        kernels.arguments(case),
        dict(case.options),
        kernels._joined(case, u),
        [v[t.name] for t in case.layer.differentiable],
    )


# ---- right -----------------------------------------------------------------------------------------------------------


def dressed(value: Any, kind: str, rng: Rng) -> Any:
    """An argument in another form."""
    if value is None:
        return None
    if isinstance(value, list):
        return pick(rng, LISTS)([dressed(v, kind, rng) for v in value])
    a = np.asarray(value)
    if kind == "integer":
        return whole(a, rng)
    if kind == "boolean":
        return pick(rng, [*LAYOUTS, np.ndarray.tolist])(a)
    return pick(rng, DOUBLES if a.dtype == np.float64 else LAYOUTS)(a)


def disguised(kind: str, value: Any, rng: Rng) -> Any:
    """An option in another type, of the same value or near it."""
    own = OPTIONS[kind].own
    if own is int:
        fitting = [t for t in INTEGERS if np.iinfo(t).min <= value <= np.iinfo(t).max]
        return pick(rng, [int, np.array, *fitting])(value)
    if own is float:
        forms = [float, Fraction, Decimal, np.float32, np.float64, np.longdouble, np.array]
        other = pick(rng, [*forms, np.float16] if np.float16(value) else forms)(value)
        return other if OPTIONS[kind].holds(float(other)) else value
    return pick(rng, [bool, np.bool_, np.array] if own is bool else [str, np.str_, np.array])(value)


def right(name: str, rng: Rng) -> tuple[Call, Call]:
    """A call, and a plain one that means the same."""
    dtype = pick(rng, FLOATS)
    meant = plain(name, rng, dtype)
    kinds = [t.kind for t in LAYERS[name][0].inputs]
    kind = {o.name: o.kind for o in LAYERS[name][0].options}
    options = {n: disguised(kind[n], o, rng) for n, o in meant.options.items()}
    meant.options = {n: OPTIONS[kind[n]].own(o) for n, o in options.items()}
    dressed_inputs = [dressed(a, k, rng) for a, k in zip(meant.inputs, kinds, strict=True)]
    along, cotangents = meant.along, meant.cotangents
    if rng.random() < 0.2:  # None stands for zeros
        n = int(rng.integers(len(along)))
        meant.along = [zeros(a) if k == n else a for k, a in enumerate(along)]
        along = [None if k == n else a for k, a in enumerate(along)]
    along = [dressed(a, "cotangent", rng) for a in along]
    several = isinstance(cotangents, tuple)
    cotangents = (
        tuple(dressed(c, "cotangent", rng) for c in cotangents) if several else dressed(cotangents, "cotangent", rng)
    )
    call = replace(
        meant, inputs=dressed_inputs, options=options, cotangents=cotangents, along=pick(rng, [list, tuple])(along),
        primals=pick(rng, [list, tuple])(dressed_inputs),
    )  # fmt: skip
    return call, meant


def zeros(value: Any) -> Any:
    return [np.zeros_like(v) for v in value] if isinstance(value, list) else np.zeros_like(value)


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Every array in lists and tuples."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for v in value:
            yield from arrays(v)


def numbers(value: Any) -> list[Any]:
    """Arrays and scalars, in lists and tuples: the result of forward without what it saved."""
    return [n for v in value for n in numbers(v)] if isinstance(value, list | tuple) else [value]


def check_right(module: Any, call: Call, meant: Call) -> None:
    """What holds of a right call."""
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always")
        true = meant.made(module)
    passed = [*arrays([call.inputs, call.cotangents, call.along])]
    before = [a.tobytes() for a in passed if not a.dtype.hasobject]
    states, context = np.geterr(), repr(decimal.getcontext())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = call.made(module)
    assert (np.geterr(), repr(decimal.getcontext())) == (states, context), "a context is another one"
    assert len(said) <= len(expected), f"warned: {said[0].message}"
    assert before == [a.tobytes() for a in passed if not a.dtype.hasobject], "an argument was written to"
    kept = [passed]
    if call.function == "forward":
        (found, saved), (true, _) = found, true
        kept.append(saved)
    for a in arrays(found):
        assert not any(np.shares_memory(a, b) for b in arrays(kept)), "a result shares memory"
    assert not any(np.shares_memory(a, b) for a, b in combinations(arrays(found), 2)), "results share memory"
    for a, b in zip(numbers(found), numbers(true), strict=True):
        assert type(a) is type(b), f"a {type(a).__name__} for a {type(b).__name__}"
        assert (a.dtype.str, a.shape) == (b.dtype.str, b.shape), f"{a.dtype.str} {a.shape} for {b.dtype.str} {b.shape}"
        finite = np.isfinite(b)
        scale = np.abs(b[finite]).max(initial=0) if finite.any() else 0
        np.testing.assert_allclose(a, b, rtol=0, atol=float(ROUNDING * np.finfo(b.dtype).eps * scale))


# ---- wrong -----------------------------------------------------------------------------------------------------------


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
    """One axis more, where that cannot be one of ``...``."""
    patterns = kernels.kernel_of(name).SIGNATURE.inputs
    fixed = [
        n for n, p in enumerate(patterns) if ("...",) not in p.slots and not p.sequence and call.inputs[n] is not None
    ]
    if not fixed:
        return spoil_input(call, name, rng)
    n = pick(rng, fixed)
    a = np.asarray(call.inputs[n])
    call.inputs[n] = a[..., None] if rng.random() < 0.5 or not a.ndim else a[0]
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


def check_wrong(module: Any, name: str, call: Call) -> None:
    """What holds of a wrong call."""
    assert call.wrong
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = call.made(module)
        except (TypeError, ValueError) as error:
            said = str(error)
            assert said.startswith(f"{name}: "), f"the error does not name the layer: {said}"
            assert any(w in said for w in call.wrong), f"the error names none of {call.wrong}: {said}"
            return
    raise AssertionError(f"accepted: {found!r:.300}")


# ---- running ---------------------------------------------------------------------------------------------------------


def run(name: str, calls: int, seed: int, module: Any = None, stop: bool = False) -> list[str]:
    """What went wrong with one layer's module, each with the words that repeat it; at most one, to stop there."""
    module = module or kernels.kernel_of(name)
    faults = []
    for n in range(calls):
        if stop and faults:
            break
        rng = np.random.default_rng([seed, n, *name.encode()])
        call: Call | None = None
        try:
            if n % 2:
                call = spoiled(name, rng)
                check_wrong(module, name, call)
            else:
                call, meant = right(name, rng)
                check_right(module, call, meant)
        except Exception as error:
            what = call.function if call else "?"
            faults.append(f"{name}.{what} call {n} seed {seed}: {type(error).__name__}: {error}\n    {call!r:.600}")
    return faults


def child(names: list[str], calls: int, seed: int) -> int:
    faulthandler.enable()
    bad = 0
    for name in names:
        print(f"at {name}", flush=True)
        if os.environ.get("GRADBOOK_FUZZ_DIES_AT") == name:  # for the test of this program
            os.abort()
        for fault in (faults := run(name, calls, seed)):
            print("fault", fault.replace("\n", " | "), flush=True)
        bad += bool(faults)
    print("done", flush=True)
    return bad


def fuzz(names: list[str], calls: int, seed: int) -> list[str]:
    """All faults of some layers, from processes that may die."""
    faults: list[str] = []
    left = list(names)
    while left:
        command = [sys.executable, "-m", "tests.fuzz.arguments", "--child", "--calls", str(calls), "--seed", str(seed)]
        done = subprocess.run([*command, *left], capture_output=True, text=True, check=False)
        faults += [line[6:] for line in done.stdout.splitlines() if line.startswith("fault ")]
        reached = [line[3:] for line in done.stdout.splitlines() if line.startswith("at ")]
        if done.stdout.endswith("done\n"):
            break
        last = reached[-1] if reached else left[0]
        faults.append(f"{last}: the process ended with {done.returncode}: {done.stderr[-1500:]}")
        left = left[left.index(last) + 1 :]
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.arguments", description=__doc__)
    parser.add_argument("layers", nargs="*", metavar="LAYER", help="all, if none is named")
    parser.add_argument("--calls", type=int, default=200, help="for each layer (200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    words = parser.parse_args()
    names = words.layers or list(LAYERS)
    if words.child:
        child(names, words.calls, words.seed)
        return 0
    faults = fuzz(names, words.calls, words.seed)
    print("\n".join(faults))
    print(f"{len(names)} layers, {words.calls} calls each: {len(faults)} faults")
    return min(len(faults), 1)


if __name__ == "__main__":
    raise SystemExit(main())
