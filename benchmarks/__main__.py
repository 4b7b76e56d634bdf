"""`python -m benchmarks`: time the generated kernels beside hand-written NumPy, HIPS autograd and PyTorch.

For what has become of them since, `--before DIRECTORY` adds those of another working tree (`git worktree add`).

Exit status 0: the bounds hold; 1: one does not; 2: contenders disagree about a result.
"""

from __future__ import annotations

import benchmarks.one_thread  # noqa: F401  # isort: skip  (has to come before NumPy)

import argparse
import json
import platform
import sys
import warnings
from pathlib import Path

import numpy as np

from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS, earlier
from benchmarks.report import BOUNDS, judge, print_rows
from benchmarks.shapes import REASONS, TIMED
from benchmarks.timing import TIMES, Disagreement, Row, measure

DTYPES = ("float32", "float64")


def arguments(argv: list[str] | None) -> argparse.Namespace:
    timed = [layer for layer, case in CASES.items() if case.timed]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--layers", nargs="+", default=timed, choices=timed, metavar="LAYER")
    parser.add_argument("--sizes", nargs="+", default=TIMED, choices=TIMED, help="kinds of shapes")
    parser.add_argument("--dtypes", nargs="+", default=DTYPES, choices=DTYPES)
    parser.add_argument(
        "--against",
        nargs="+",
        default=[name for name in CONTENDERS if name != "gradbook"],
        choices=[name for name in CONTENDERS if name != "gradbook"],
        help="contenders beside the generated kernels",
    )
    parser.add_argument("--quick", action="store_true", help="few rounds: some minutes, and noisier")
    parser.add_argument("--before", type=Path, metavar="DIRECTORY", help="a working tree whose kernels are timed too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every time there")
    return parser.parse_args(argv)


def processor() -> str:
    """The processor's name where the system tells, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    warnings.simplefilter("error", RuntimeWarning)  # an overflow in a contender makes its time meaningless
    names = ["gradbook", "by hand", *(name for name in options.against if name != "by hand")]
    if options.before:
        CONTENDERS["before"] = earlier(options.before.resolve())
        names.append("before")
    rounds, seconds = (9, 0.2) if options.quick else (101, 0.6)
    rows: list[Row] = []
    disagreements: list[str] = []
    kinds = {layer: [size for size in CASES[layer].kinds if size in options.sizes] for layer in options.layers}
    cells = [(layer, size, dtype) for layer, sizes in kinds.items() for size in sizes for dtype in options.dtypes]
    terminal = sys.stderr.isatty()
    erase, end = ("\r\x1b[K", "") if terminal else ("", "\n")  # a log gets a line now and then
    for done, (layer, size, dtype) in enumerate(cells, start=1):
        if terminal or done % 20 == 0:
            print(f"{erase}{done}/{len(cells)} {layer} {size} {dtype}", end=end, file=sys.stderr, flush=True)
        try:
            rows.append(measure(layer, size, dtype, names, rounds, seconds))
        except Disagreement as disagreement:
            disagreements.append(str(disagreement))
    print(erase, end="", file=sys.stderr)
    print_rows(rows, names)
    verdict = judge(rows)
    print("\n".join(verdict.lines))
    if options.json:
        machine = {
            "processor": processor(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        shapes = {kind: reason for kind, reason in REASONS.items() if any(row.size == kind for row in rows)}
        figures = {"machine": machine, "times": TIMES, "shapes": shapes, "bounds": BOUNDS}
        text = json.dumps({**figures, "rows": [row.as_dict() for row in rows]}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    if disagreements:
        print("NOT TIMED, because results differ:", *disagreements, sep="\n    ")
        return 2
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main())
