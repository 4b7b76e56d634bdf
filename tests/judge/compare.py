"""What other checks make of the corpus's wrong kernels: how many they catch, and what the judge does beside.

python -m tests.judge.compare --sample 10              the other checks
python -m tests.judge.compare --sample 10 --journal F  and the judge's verdicts, from a journal of tests.judge.escapes
python -m tests.judge.compare ... --record             written down, and into docs/judge-compared.md

The other checks are written as they are used, and get the right results from a kernel that is right:

* allclose: one shape, options at their defaults, values within 1e-2 (KernelBench).
* assert_close: the same with torch.testing's tolerances for float64, and gradients.
* gradcheck: central differences of the candidate's own values against its own gradients, at one case.
* many shapes: assert_close at several shapes, options, ranks and memory layouts, and gradcheck (OpInfo).
* table: values and gradients at the same shapes against a float64 reference, within tolerances of a table by format, in
  float64 and float32 (gpucheck).
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

from derive import judge
from derive.evidence import generic, inputs, kernels
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case
from tests.evidence.shared import LAYERS
from tests.judge.escapes import corpus, tasks

STEP, GRADCHECK = 1e-6, (1e-5, 1e-3)  # of differences; absolute and relative, torch.autograd.gradcheck's defaults
SHAPES = 6
LOOSE, CLOSE = (1e-2, 1e-2), (1e-7, 1e-7)
TABLE = {np.float64: (1e-10, 1e-7), np.float32: (1e-5, 1e-4)}  # absolute and relative, by format
ROOT = Path(__file__).parents[2]
RECORD, PAGE = Path(__file__).parent / "comparison.json", ROOT / "docs" / "judge-compared.md"
BEGIN, END = "<!-- python -m tests.judge.compare --record writes this table -->\n", "<!-- end of the table -->"
GROUPS = ("forward", "backward", "state", "all")
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

    def by_table(case: Case, u: Arrays) -> bool:
        true = right(case, u)
        return all(
            same(a, b, tolerance)
            for form, tolerance in TABLE.items()
            for a, b in zip(mine(kernels.cast(case, form), narrowed(u, form)), true, strict=True)
        )

    shapes = refused(lambda: all(both(c, w) for c, w in many(layer)))
    differences = refused(lambda: gradcheck(mine, case, u))
    return {
        "allclose": refused(lambda: same(mine(case, {})[0], right(case, {})[0], LOOSE)),
        "assert_close": refused(lambda: both(case, u)),
        "gradcheck": differences,
        "many shapes": shapes or differences,
        "table": refused(lambda: all(by_table(c, w) for c, w in many(layer))),
    }


def narrowed(u: Arrays, form: Any) -> Arrays:
    return {n: [np.asarray(a, form) for a in v] if isinstance(v, list) else np.asarray(v, form) for n, v in u.items()}


def table(record: dict[str, Any]) -> str:
    """The record as a table in Markdown."""
    lines = [f"| check | {' | '.join(GROUPS)} | right ones refused |", f"|---|{'---|' * (len(GROUPS) + 1)}"]
    for name, rows in sorted(record["checks"].items(), key=lambda c: (c[1]["all"][1], c[0])):
        shares = [f"{rows[g][1] / rows[g][0]:.0%} of {rows[g][0]}" if g in rows else "" for g in GROUPS]
        lines.append(f"| {name} | {' | '.join(shares)} | {record['refused'][name]} of {record['right']} |")
    return "\n".join(lines) + "\n"


def written(page: str, text: str) -> str:
    """A page with another table."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.judge.compare", description=__doc__.split("\n")[0])
    parser.add_argument("--sample", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--record", action="store_true")
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
    alarms: dict[str, int] = dict.fromkeys(counts, 0)
    for layer in LAYERS:
        for name, refused in checks(layer, kernels.kernel_of(layer), None, "module").items():
            alarms[name] += refused
        if "judge" in counts:
            report = judge(layer, kernels.kernel_of(layer), framework="module", seed=given.seed)
            alarms["judge"] += not report.ok
    record = {"checks": counts, "refused": alarms, "right": len(LAYERS), "sample": given.sample, "seed": given.seed}
    print(table(record), end="")
    if given.record:
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table(record)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
