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
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from derive.evidence import kernels
from reference.runtime.values import OPTIONS
from tests.evidence.shared import LAYERS
from tests.fuzz.calls import Call, plain
from tests.fuzz.guises import DOUBLES, INTEGERS, LAYOUTS, LISTS, Rng, pick, whole
from tests.fuzz.spoiled import spoiled

FLOATS = (np.float16, np.float32, np.float64, np.float64, np.longdouble)
ROUNDING = 256  # units of the largest result: in another layout, sums of some dozen terms are added in another order


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
    """An option in another type, of the same value or near it; of several numbers each."""
    if isinstance(value, tuple):
        return pick(rng, [list, tuple])(disguised(kind, v, rng) for v in value)
    own = OPTIONS[kind].own
    if own is int:
        fitting = [t for t in INTEGERS if np.iinfo(t).min <= value <= np.iinfo(t).max]
        return pick(rng, [int, np.array, *fitting])(value)
    if own is float:
        forms = [float, Fraction, Decimal, np.float32, np.float64, np.longdouble, np.array]
        other = pick(rng, [*forms, np.float16] if np.float16(value) else forms)(value)
        return other if OPTIONS[kind].holds(float(other)) else value
    return pick(rng, [bool, np.bool_, np.array] if own is bool else [str, np.str_, np.array])(value)


def plainly(own: type, value: Any) -> Any:
    """An option in Python's own type; of several numbers nested tuples."""
    return tuple(plainly(own, v) for v in value) if isinstance(value, list | tuple) else own(value)


def right(name: str, rng: Rng) -> tuple[Call, Call]:
    """A call, and a plain one that means the same."""
    dtype = pick(rng, FLOATS)
    meant = plain(name, rng, dtype)
    kinds = [t.kind for t in LAYERS[name][0].inputs]
    kind = {o.name: o.kind for o in LAYERS[name][0].options}
    options = {n: disguised(kind[n], o, rng) for n, o in meant.options.items()}
    meant.options = {n: plainly(OPTIONS[kind[n]].own, o) for n, o in options.items()}
    dressed_inputs = [dressed(a, k, rng) for a, k in zip(meant.inputs, kinds, strict=True)]
    along, cotangents = meant.along, meant.cotangents
    if rng.random() < 0.2:  # None stands for zeros
        n = int(rng.integers(len(along)))
        meant.along = [zeros(a) if k == n else a for k, a in enumerate(along)]
        along = [None if k == n else a for k, a in enumerate(along)]
    along = [dressed(a, "cotangent", rng) for a in along]
    if isinstance(cotangents, tuple):
        cotangents = tuple(dressed(c, "cotangent", rng) for c in cotangents)
    elif isinstance(cotangents, list) and len(LAYERS[name][0].outputs) > 1:  # a tuple would be one of several outputs
        cotangents = [dressed(c, "cotangent", rng) for c in cotangents]
    else:
        cotangents = dressed(cotangents, "cotangent", rng)
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
        eps = np.finfo(b.dtype).eps if b.dtype.kind == "f" else 0  # a place is a whole number
        np.testing.assert_allclose(a, b, rtol=0, atol=float(ROUNDING * eps * scale))


# ---- wrong -----------------------------------------------------------------------------------------------------------


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
