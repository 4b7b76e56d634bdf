"""``gradbook campaign``: many cases of right implementations, judged on an executor, and every alarm kept."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from derive.judge.campaign import Task, dask, processes, run

CASES, ROUND = 200, 100  # of a layer, a candidate and a format; and of one task, so that little is lost with it
OURS = "module:reference.layers.{layer}"
EPILOG = """\
examples:
  gradbook campaign --journal ours.jsonl                     our kernels of every layer, 200 cases each
  gradbook campaign softmax gelu --dtype float32,bfloat16 --candidate torch:benchmarks.in_torch:{layer}
  gradbook campaign --cases 10000 --dask tcp://scheduler:8786 --journal big.jsonl --json big.json

A campaign that was ended goes on where its journal ends. Exit status: 0 no alarm; 1 an alarm; 2 a task that failed.
"""


def add(commands: Any) -> None:
    """The subcommand and its options."""
    own = commands.add_parser(
        "campaign",
        help="judge implementations of many layers in many formats, with a journal",
        description="Judge implementations that are thought to be right, layer by layer and format by format, until so "
        "many cases of each have been tried. Every alarm is kept with the id that repeats it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own.add_argument("layers", nargs="*", metavar="LAYER", help="none: all")
    own.add_argument("--candidate", action="append", default=[], metavar="FRAMEWORK:MODULE:NAME", help="{layer} stands "
                     "for the layer's name; ours by default")  # fmt: skip
    own.add_argument("--dtype", default="float64,float32", metavar="FORMAT,...", help="float64,float32 by default")
    own.add_argument("--cases", type=int, default=CASES, help=f"of each; {CASES} by default")
    own.add_argument("--seed", type=int, default=0)
    own.add_argument("--jobs", type=int, default=2, help="processes of this machine; 2 by default")
    own.add_argument("--dask", default="", metavar="ADDRESS", help="a scheduler whose workers do it")
    own.add_argument("--journal", type=Path, metavar="FILE", help="begun, or continued")
    own.add_argument("--json", type=Path, metavar="FILE", help="where the result is written")


def judged(layer: str, candidate: str, dtype: str, cases: int, seed: int, budget: float = 120.0) -> dict[str, Any]:
    """At least so many cases of one implementation, by one seed after another: how close it came, and the alarms.

    Raises:
        ValueError: it could not be judged; says why.
    """
    from derive.judge.decide import judge
    from derive.judge.report import UNKNOWN

    framework, _, name = candidate.format(layer=layer).partition(":")
    found: dict[str, Any] = {"cases": 0, "elements": 0, "unclaimed": 0, "worst": 0.0, "alarms": [], "notes": []}
    while found["cases"] < cases and not found["alarms"]:
        report = judge(layer, forward=name, framework=framework, dtype=dtype, seed=seed, budget=budget)
        if report.verdict == UNKNOWN:
            raise ValueError(report.diagnosis)
        seed += 1
        found["cases"] += report.cases
        for margin in report.margins.values():
            found["elements"] += margin.elements
            found["unclaimed"] += margin.unclaimed
            found["worst"] = max(found["worst"], min(margin.worst, 1e300))
        found["alarms"] += [{"what": f.words, "case": f.case, "replay": f.replay} for f in report.findings]
        found["notes"] = sorted({*found["notes"], *report.notes})
    return found


def tasks(layers: Iterable[str], candidates: list[str], formats: list[str], cases: int, seed: int) -> list[Task]:
    """One for every ROUND cases of each layer, candidate and format; seeds do not meet."""
    found = []
    for layer in layers:
        for candidate in candidates:
            for dtype in formats:
                for n in range(-(-cases // ROUND)):
                    told: dict[str, Any] = {"layer": layer, "candidate": candidate, "dtype": dtype}
                    told |= {"cases": min(ROUND, cases - n * ROUND), "seed": seed + n * ROUND}
                    found.append(Task(f"{layer}/{candidate}/{dtype}/{n}", "derive.judge.battery:judged", told))
    return found


def collected(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The tasks of each layer, candidate and format together."""
    rows: dict[str, dict[str, Any]] = {}
    for id, record in found.items():
        row = rows.setdefault(
            id.rpartition("/")[0], {"cases": 0, "elements": 0, "unclaimed": 0, "worst": 0.0, "alarms": [], "failed": []}
        )
        if "result" not in record:
            row["failed"].append(record.get("error") or record.get("lost"))
            continue
        result = record["result"]
        for key in ("cases", "elements", "unclaimed", "alarms"):
            row[key] += result[key]
        row["worst"] = max(row["worst"], result["worst"])
    return rows


def campaign(arguments: argparse.Namespace) -> int:
    """Run it, print a line for each layer, candidate and format, and say by the exit status what came of it."""
    from derive.command.suggest import meant
    from derive.judge.arithmetic import format_named
    from derive.notation.define import load_project

    registry = load_project()
    try:
        for name in arguments.layers:
            if name not in registry:
                there = "gradbook list shows what there is"
                raise ValueError(f"there is no layer {name!r}; {meant(name, registry, there)}")
        formats = [format_named(f) for f in arguments.dtype.split(",")]
        candidates = arguments.candidate or [OURS]
        for c in candidates:
            if c.count(":") < 1:
                raise ValueError(f"--candidate {c}: write FRAMEWORK:MODULE:NAME, as in torch:my.kernels:{{layer}}")
        if arguments.cases < 1 or arguments.jobs < 1:
            raise ValueError("--cases and --jobs are at least 1")
        executor = dask(arguments.dask) if arguments.dask else processes(arguments.jobs)
        todo = tasks(arguments.layers or sorted(registry), candidates, formats, arguments.cases, arguments.seed)

        def progress(done: int, of: int, record: dict[str, Any]) -> None:
            if sys.stderr.isatty():
                print(f"\r\033[K{done}/{of} {record['id']}", end="", file=sys.stderr, flush=True)

        rows = collected(run(todo, executor, arguments.journal, progress))
    except (ValueError, OSError) as error:
        print(f"gradbook campaign: {error}", file=sys.stderr)
        return 2
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    for name, row in rows.items():
        print(f"{name:60}{row['cases']:7} cases {row['elements']:9} elements, worst {row['worst']:.2g} of the bound, "
              f"{len(row['alarms'])} alarms")  # fmt: skip
        for alarm in row["alarms"]:
            print(f"    {alarm['what']}\n    at {alarm['case']}; repeat: --replay {alarm['replay']}")
        for failed in row["failed"]:
            print(f"    not judged: {failed}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if any(row["failed"] for row in rows.values()):
        return 2
    return int(any(row["alarms"] for row in rows.values()))
