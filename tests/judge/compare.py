"""What other checks make of the corpus's wrong kernels: how many they catch, and what the judge does beside.

python -m tests.judge.compare --sample 10              the other checks
python -m tests.judge.compare --sample 10 --journal F  and the judge's verdicts, from a journal of tests.judge.escapes

The other checks are written as they are used, and get the right results from a kernel that is right:

* allclose: one shape, options at their defaults, values within 1e-2 (KernelBench).
* assert_close: the same with torch.testing's tolerances for float64, and gradients.
* gradcheck: central differences of the candidate's own values against its own gradients, at one case.
* many shapes: assert_close at several shapes, options, ranks and memory layouts, and gradcheck (OpInfo).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from derive.evidence import generic, inputs, kernels
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case
from tests.evidence.shared import LAYERS
from tests.judge.escapes import corpus, tasks

STEP, GRADCHECK = 1e-6, (1e-5, 1e-3)  # of differences; absolute and relative, torch.autograd.gradcheck's defaults
SHAPES = 6
LOOSE, CLOSE = (1e-2, 1e-2), (1e-7, 1e-7)
Part = dict[str, Any]
Call = Callable[[Case, Arrays], tuple[Part, Part]]


@cache
def one_case(layer: str) -> tuple[Case, Arrays]:
    case = inputs.build(LAYERS[layer][0], inputs.Random(np.random.default_rng(0)), inputs.Plan((4,), ((3,),), (2,)), 0)
    return case, inputs.cotangents(case, 0)


@cache
def many(layer: str) -> list[tuple[Case, Arrays]]:
    found = [(c, inputs.cotangents(c, n)) for v in LAYERS[layer] for n, c in enumerate(inputs.every(v, 1))]
    lying = [replace(c, tensors={n: generic.changed(v, generic.transposed) for n, v in c.tensors.items()})
             for c, _ in found[:1]]  # fmt: skip
    found = found[:SHAPES]
    return [*found, *((c, u) for c, (_, u) in zip(lying, found, strict=False))]


def caller(forward: Any, backward: Any, framework: str) -> Call:
    """A candidate's values and gradients at a case, by name."""

    def call(case: Case, u: Arrays) -> tuple[Part, Part]:
        case = replace(case, tensors={n: copied(v) for n, v in case.tensors.items()})
        if framework == "module":
            values, saved = kernels.forward(forward, case)
            return values, kernels.backward(forward, case, u, saved) if hasattr(forward, "backward") and u else {}
        arguments = kernels.arguments(case)
        values = {}
        if forward is not None:
            result = forward(*arguments, **case.options)
            some = result if isinstance(result, tuple) else (result,)
            values = dict(zip(case.layer.outputs, some, strict=False))
        gradients = {}
        if backward is not None and u:
            own = list(u.values())
            result = backward(own[0] if len(own) == 1 else tuple(own), *arguments, **case.options)
            result = result if isinstance(result, tuple) else (result,)
            gradients = dict(zip((t.name for t in case.layer.inputs), result, strict=False))
        return values, gradients

    return call


def copied(value: Any) -> Any:
    if isinstance(value, list):
        return [copied(v) for v in value]
    return value if value is None else np.array(value, order="K")


def close(one: Any, two: Any, tolerance: tuple[float, float]) -> bool:
    if isinstance(two, list | tuple):
        return len(one) == len(two) and all(close(a, b, tolerance) for a, b in zip(one, two, strict=True))
    one, two = np.asarray(one), np.asarray(two)
    absolute, relative = tolerance
    return one.shape == two.shape and bool(np.allclose(one, two, rtol=relative, atol=absolute, equal_nan=True))


def same(mine: Part, right: Part, tolerance: tuple[float, float]) -> bool:
    return all(close(v, right[n], tolerance) for n, v in mine.items() if n in right and v is not None)


def gradcheck(call: Call, case: Case, u: Arrays) -> bool:
    """Whether the gradients are those of the candidate's own values, along each number."""
    values, gradients = call(case, u)
    if not values or not u:
        return True

    def total(tensors: dict[str, Any]) -> float:
        found, _ = call(replace(case, tensors=tensors), {})
        return float(
            sum(np.sum(np.asarray(v) * w) for n, w in u.items() for v in [found[n]] if not isinstance(w, list))
        )

    for name, gradient in gradients.items():
        own = case.tensors[name]
        if gradient is None or isinstance(own, list) or isinstance(gradient, list):
            continue
        for place in np.ndindex(*np.shape(own)):
            ends = []
            for step in (STEP, -STEP):
                moved = np.array(own)
                moved[place] += step
                ends.append(total({**case.tensors, name: moved}))
            slope = (ends[0] - ends[1]) / (2 * STEP)
            if np.shape(gradient) != np.shape(own) or not close(np.asarray(gradient)[place], slope, GRADCHECK):
                return False
    return True


def checks(layer: str, forward: Any, backward: Any, framework: str) -> dict[str, bool]:
    """Which of the other checks refuse a candidate."""
    right = caller(kernels.kernel_of(layer), None, "module")
    mine = caller(forward, backward, framework)
    case, u = one_case(layer)

    def refused(check: Callable[[], bool]) -> bool:
        with np.errstate(all="ignore"):
            try:
                return not check()
            except Exception:  # a candidate that raises is refused
                return True

    def both(case: Case, u: Arrays) -> bool:
        return all(same(a, b, CLOSE) for a, b in zip(mine(case, u), right(case, u), strict=True))

    shapes = refused(lambda: all(both(c, w) for c, w in many(layer)))
    differences = refused(lambda: gradcheck(mine, case, u))
    return {
        "allclose": refused(lambda: same(mine(case, {})[0], right(case, {})[0], LOOSE)),
        "assert_close": refused(lambda: both(case, u)),
        "gradcheck": differences,
        "many shapes": shapes or differences,
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.judge.compare", description=__doc__.split("\n")[0])
    parser.add_argument("--sample", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--journal", type=Path)
    given = parser.parse_args(argv)
    lines = given.journal.read_text().splitlines()[1:] if given.journal else []
    judged = {r["id"]: bool(r.get("result", {}).get("caught")) for r in map(json.loads, lines)}
    counts: dict[str, dict[str, list[int]]] = {}
    for task in tasks([], given.seed, given.sample):
        wrong = corpus(task.id.split("/")[0])[task.id]
        forward, backward = wrong.make()
        found = checks(wrong.layer, forward, backward, wrong.framework)
        if task.id in judged:
            found["judge"] = judged[task.id]
        for name, caught in found.items():
            for group in (wrong.group, "all"):
                row = counts.setdefault(name, {}).setdefault(group, [0, 0])
                row[0] += 1
                row[1] += caught
    groups = ("forward", "backward", "state", "all")
    print(f"| check | {' | '.join(groups)} | right ones refused |\n|---|{'---|' * (len(groups) + 1)}")
    alarms: dict[str, int] = {}
    for layer in LAYERS:
        for name, refused in checks(layer, kernels.kernel_of(layer), None, "module").items():
            alarms[name] = alarms.get(name, 0) + refused
    for name, rows in counts.items():
        shares = [f"{rows[g][1] / rows[g][0]:.0%} of {rows[g][0]}" if g in rows else "" for g in groups]
        print(f"| {name} | {' | '.join(shares)} | {alarms.get(name, 0)} of {len(LAYERS)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
