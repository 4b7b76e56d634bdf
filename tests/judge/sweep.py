"""PyTorch, operator by operator, in every format that it computes in: which layers the judge has something to say of.

python -m tests.judge.sweep                     every layer that the peers have, in float32, bfloat16 and float16
python -m tests.judge.sweep kl_div adam         these layers
python -m tests.judge.sweep --dtype bfloat16    one format;  --budget SECONDS  of each battery, 3 unless said
python -m tests.judge.sweep --record            kept in tests/judge/recorded/alarms.json

One process: PyTorch is imported once, and every candidate runs in a fork of it.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from derive import judge
from derive.notation.define import load_project

RECORD = Path(__file__).parent / "recorded" / "alarms.json"
FORMATS = ("float32", "bfloat16", "float16")


def layers() -> list[str]:
    """Those with a row that is a candidate."""
    from benchmarks import in_torch
    from tests.judge.peer import NOT
    from tests.peers.rows import ROWS

    return sorted((set(ROWS) | set(in_torch.LAYERS)) & set(load_project()) - set(NOT))


def of_this_process(function: Any) -> Callable[..., Any]:
    """A function with the same parameters that no other process can import: it runs in a fork of this one."""

    def called(*arrays: Any, **options: Any) -> Any:
        return function(*arrays, **options)

    with suppress(TypeError, ValueError):  # what is written in C++ may have none
        called.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return called


def told(layer: str, dtype: str, budget: float = 3.0, seed: int = 1) -> dict[str, Any]:
    """What the judge says of one layer in one format."""
    from tests.judge.peer import eager

    function = of_this_process(getattr(eager, layer))
    report = judge(layer, forward=function, framework="torch", dtype=dtype, seed=seed, budget=budget)
    worst = max((m.worst for m in report.margins.values()), default=0.0)
    return {"verdict": report.verdict, "cases": report.cases, "worst": f"{worst:.3g}", "says": report.diagnosis[:160]}


def main(argv: list[str] | None = None) -> int:
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(prog="python -m tests.judge.sweep", description=__doc__.split("\n")[0])
    parser.add_argument("layers", nargs="*")
    parser.add_argument("--dtype", action="append", choices=FORMATS)
    parser.add_argument("--budget", type=float, default=3.0)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args(argv)
    found: dict[str, dict[str, Any]] = {}
    for dtype in given.dtype or FORMATS:
        for layer in given.layers or layers():
            row = told(layer, dtype, given.budget)
            found.setdefault(dtype, {})[layer] = row
            if row["verdict"] != "right":
                print(
                    f"{dtype} {layer}: {row['verdict']}, {row['worst']} times what is allowed: {row['says']}",
                    flush=True,
                )
        alarms = [n for n, row in found[dtype].items() if row["verdict"] == "wrong"]
        print(f"{dtype}: {len(alarms)} of {len(found[dtype])}: {' '.join(alarms)}", flush=True)
    if given.record:
        kept = {d: {"layers": len(rows), "alarms": alarms_of(rows)} for d, rows in found.items()}
        RECORD.write_text(json.dumps({"torch": torch.__version__, **kept}, indent=1, sort_keys=True) + "\n")
    return 0


def alarms_of(rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {n: row["says"] for n, row in rows.items() if row["verdict"] == "wrong"}


if __name__ == "__main__":
    sys.exit(main())
