"""The judge at the sizes that people run: KernelBench's level 1, of the layers that exist.

python -m tests.judge.sizes                      every problem, a right candidate and a wrong one
python -m tests.judge.sizes 23 97                these problems
python -m tests.judge.sizes --room 8             cut along the batch to where the candidate's tensors fit so many GiB
python -m tests.judge.sizes --record             kept in tests/judge/recorded/sizes.json, and on docs/judge-at-size.md

A candidate is NumPy in float32, our kernel of the layer; the wrong one is it but for the last column of a tail: of a
result that has the columns of its input the last number of all, of one that is summed over them what the last column
adds. Each is judged in a process of its own, whose memory and processor time are those of the judge; the candidate's
are not counted.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import multiprocessing
import resource
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from derive import judge
from derive.evidence import layout
from derive.evidence.inputs import Plan, Random, build
from derive.judge import large
from derive.judge.asked import known, variants_of
from derive.judge.isolate import Limits, Worker
from tests.judge.kernelbench import BY_NUMBER, Problem

RECORD = Path(__file__).parent / "recorded" / "sizes.json"
PAGE = Path(__file__).parents[2] / "docs" / "judge-at-size.md"
BEGIN, END = "<!-- python -m tests.judge.sizes --record writes this table -->", "<!-- end of the table -->"
GIB = 1 << 30
SECONDS = 20.0  # for the elements of one case


def right(problem: Problem) -> Callable[..., Any]:
    """Our kernel, as a function of a stranger's shape."""
    kernel = import_module(f"reference.layers.{problem.layer}")

    def forward(*args: Any, **options: Any) -> Any:
        found = kernel.forward(*args, **options)
        return found[0] if isinstance(found, tuple) else found

    forward.__signature__ = inspect.signature(kernel.forward)  # type: ignore[attr-defined]
    return forward


def wrong(problem: Problem) -> Callable[..., Any]:
    """The same but for the last column of a tail."""
    own = right(problem)
    names = list(inspect.signature(own).parameters)

    def forward(*args: Any, **options: Any) -> Any:
        if problem.tail is None:
            found = own(*args, **options)
            first = found[0] if isinstance(found, tuple) else found
            flat = first.reshape(-1)
            flat[-1:] += 1 + 0.5 * np.abs(flat[-1:])  # whatever stood in memory
            return found
        name, axis = problem.tail
        at = names.index(name)
        x = np.array(args[at])
        x[(slice(None),) * (axis % x.ndim) + (-1,)] = 0
        return own(*args[:at], x, *args[at + 1 :], **options)

    forward.__signature__ = inspect.signature(own)  # type: ignore[attr-defined]
    return forward


class Blank(Random):
    """Arrays of shapes alone, which take no memory."""

    def reals(self, shape: Any, within: Any) -> Any:
        return np.broadcast_to(np.float32(0.5), shape)

    def integers(self, shape: Any, least: int, below: int) -> Any:
        return np.broadcast_to(np.int64(least), shape)

    def booleans(self, shape: Any) -> Any:
        return np.broadcast_to(np.True_, shape)


def cut(problem: Problem, room: float) -> dict[str, int]:
    """The lengths at which arguments and results of a forward fit so many GiB."""
    layer, shape = variants_of(problem.layer)[0], dict(problem.shape)
    options = known(layer, problem.options, shape, {})

    def bytes_of(length: int) -> int:
        fixed = {**shape, problem.batch: length}
        leading = ((fixed.pop("..."),),) if "..." in fixed else ((2,),)
        plan = Plan((2, 3), leading, (2,), trusted=True, fixed=fixed, options=options, most=math.inf)
        case = build(layer, Blank(np.random.default_rng(1)), plan, 0)
        shapes = [np.shape(v) for v in case.tensors.values() if v is not None]
        return 4 * sum(map(math.prod, [*shapes, *(layout.shape_of(case, o) for o in layer.outputs)]))

    few = 1 if len(shape) > 1 else 1 << 16
    least = bytes_of(few)
    each = max(1.0, (bytes_of(2 * few) - least) / few)
    fits = int(few + (room * GIB - least) / each)
    return shape | {problem.batch: max(few, min(shape[problem.batch], fits))}


def one(number: int, candidate: str, room: float) -> dict[str, Any]:
    """One candidate judged: the verdict, and what the judge took."""
    problem = BY_NUMBER[number]
    variants_of(problem.layer)
    shape = cut(problem, room)
    waited, asked = [0.0], Worker.ask

    def timed(self: Worker, *args: Any) -> Any:
        begin, own = time.perf_counter(), time.process_time()
        try:
            return asked(self, *args)
        finally:
            waited[0] += time.perf_counter() - begin
            spent[0] += time.process_time() - own

    spent = [0.0]  # on sending and receiving
    Worker.ask = timed  # type: ignore[method-assign]
    made, drawn = [0.0], large.trial

    def counted(*args: Any, **keywords: Any) -> Any:
        begin = time.process_time()
        try:
            return drawn(*args, **keywords)
        finally:
            made[0] += time.process_time() - begin

    large.trial = counted
    forward = {"right": right, "wrong": wrong}[candidate](problem)
    begin, before = time.perf_counter(), time.process_time()
    report = judge(
        problem.layer, forward=forward, dtype="float32", shape=shape, options=problem.options, budget=SECONDS,
        replay=f"{problem.layer}.0.large.float32.1", limits=Limits(seconds=550, memory=64 * GIB),
    )  # fmt: skip
    took, seconds = time.process_time() - before, time.perf_counter() - begin
    return {
        "shape": shape, "whole": shape == problem.shape, "verdict": report.verdict, "diagnosis": report.diagnosis[:160],
        "seconds": round(seconds, 1), "candidate": round(waited[0], 1), "inputs": round(made[0], 1),
        "judge": round(took - made[0], 1), "sending": round(spent[0], 1),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "margins": {n: [f"{m.worst:.2g}", m.elements, m.unclaimed] for n, m in report.margins.items()},
    }  # fmt: skip


def _told(number: int, candidate: str, room: float, queue: Any) -> None:
    try:
        queue.put(one(number, candidate, room))
    except Exception as error:
        queue.put({"verdict": "unknown", "diagnosis": f"{type(error).__name__}: {error}"})


def judged(number: int, candidate: str, room: float, seconds: float = 240) -> dict[str, Any]:
    """One candidate judged in a process of its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_told, args=(number, candidate, room, queue))
    process.start()
    try:
        found: dict[str, Any] = queue.get(timeout=seconds)
        return found
    except Exception as error:
        return {"verdict": "unknown", "diagnosis": f"no answer: {type(error).__name__}"}
    finally:
        process.kill()
        process.join()


def table(record: dict[str, Any]) -> str:
    """What is recorded, a line for each problem: of both candidates the larger numbers."""
    lines = [
        "| problem | layer | judged at | right | wrong | elements | judge, s | process, MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, found in record.items():
        both = [found["right"], found["wrong"]]
        shape = found["right"].get("shape", {})
        lengths = ", ".join(f"{a}={n}" for a, n in shape.items())
        whole = "whole: " if found["right"].get("whole") else ""
        elements = sum(int(m[1]) for m in found["right"].get("margins", {}).values())
        most = [max(f.get(n, 0) for f in both) for n in ("judge", "memory")]
        own = BY_NUMBER[int(number)]
        words = f"{number} {own.words}" + f" ({own.note})" * bool(own.note)
        verdicts = " | ".join(f["verdict"] for f in both)
        lines.append(
            f"| {words} | `{own.layer}` | {whole}{lengths} | {verdicts} | {elements} | {most[0]} | {most[1]} |"
        )
    return "\n".join(lines)


def written(page: str, rows: str) -> str:
    """The page with that table."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{rows}\n\n{END}{rest.split(END)[1]}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.judge.sizes", description=__doc__.splitlines()[0])
    parser.add_argument("problem", nargs="*", type=int, help="numbers of problems; all")
    parser.add_argument("--room", type=float, default=8.0, help="GiB of the candidate's arguments and results")
    parser.add_argument("--record", action="store_true", help="keep what is found")
    parser.add_argument("--missing", action="store_true", help="only what is not recorded")
    asked = parser.parse_args()
    failed = 0
    for number in asked.problem or BY_NUMBER:
        record: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        if asked.missing and str(number) in record:
            continue
        found = {c: judged(number, c, asked.room) for c in ("right", "wrong")}
        bad = [c for c, f in found.items() if f["verdict"] != c]
        failed += bool(bad)
        problem = BY_NUMBER[number]
        for candidate, f in found.items():
            print(number, problem.words, candidate, json.dumps(f), "<-- !" if candidate in bad else "", flush=True)
        if asked.record:
            record[str(number)] = {"words": problem.words, "layer": problem.layer, "room": asked.room, **found}
            record = dict(sorted(record.items(), key=lambda n: int(n[0])))
            RECORD.write_text(json.dumps(record, indent=1) + "\n")
            PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table(record)), encoding="utf-8")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
