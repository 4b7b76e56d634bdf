"""`python -m benchmarks.growth`: how long a build takes by the number of layers, kept for docs/speed.md.

The layers are those of the project that call no others, evenly spread over its list, and no others are known meanwhile
(but for functions that they name). Each number of them is built in a process of its own, one after another on one
core; its processor time is taken. Then `gradbook build` puts the figures on the page. Exit status 1: it does not grow
as the number does.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from statistics import median
from time import process_time

from derive.calculus.derivation import derive
from derive.command import record
from derive.command.build import KERNELS, PAGES, ROOT, Plan, layer_files
from derive.notation import define
from derive.notation.expr import Op, walk
from derive.notation.layer import Layer
from derive.targets.growth import BEND, FIGURES, bend

QUARTERS = (1, 2, 3, 4)


def spread(names: list[str], quarters: int) -> list[str]:
    """So many of every four."""
    return [name for n, name in enumerate(names) if n % 4 < quarters]


def named(layer: Layer) -> set[str]:
    """The functions that a layer needs: in its equations, and as an option's default."""
    functions = {n.fn.rstrip("'") for e in layer.equations for n in walk(e.body) if isinstance(n, Op)}
    return (functions | {str(o.default) for o in layer.options if o.kind == "Activation"}) & define.REGISTRY.keys()


def with_named(chosen: list[str]) -> list[str]:
    """Layers and the functions that they need, in the project's order."""
    wanted, left = set(chosen), list(chosen)
    while left:
        found = named(define.REGISTRY[left.pop()][0]) - wanted
        wanted |= found
        left += found
    return [name for name in define.REGISTRY if name in wanted]


def built(quarters: int) -> tuple[int, float, float]:
    """How many layers, the seconds that they take to be derived and printed, and to be derived in the median."""
    define.load_project()
    chosen = with_named(spread([n for n, v in define.REGISTRY.items() if not v[0].calls], quarters))
    for known in (define.REGISTRY, define.PROJECT):
        kept = {name: known[name] for name in chosen}
        known.clear()
        known.update(kept)
    notes, plan = record.load(ROOT / record.RECORD), Plan(ROOT)
    begin = process_time()
    for name in chosen:
        layer_files(plan, define.REGISTRY[name], ROOT / KERNELS, ROOT / PAGES, notes)
    whole, times = process_time() - begin, []
    for name in chosen:
        begin = process_time()
        derive(define.REGISTRY[name][0])
        times.append(process_time() - begin)
    return len(chosen), whole, median(times)


def main() -> int:
    points = []
    for quarters in QUARTERS:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            (point,) = pool.map(built, [quarters])
        points.append(point)
        print(f"{point[0]:4} layers {point[1]:6.1f} s, derived in {1e3 * point[2]:.1f} ms in the median", flush=True)
    text = json.dumps([{"layers": n, "seconds": round(s, 2), "median": round(m, 5)} for n, s, m in points], indent=1)
    (ROOT / FIGURES).write_text(text + "\n", encoding="utf-8")
    return int(bend(json.loads(text)) > BEND)


if __name__ == "__main__":
    sys.exit(main())
