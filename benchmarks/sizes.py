"""`python -m benchmarks.sizes [LAYER ...]`: how long a step takes by the size of its inputs, kept for layers' pages.

A layer's inputs are those that are timed at the kind of shape `large`, with fewer examples. All contenders take turns
in one process, on one thread; of processor time, which other programs only add to, the fastest sample counts. Then
`gradbook build` puts the curves on the pages.
"""

from __future__ import annotations

import benchmarks.one_thread  # noqa: F401  # isort: skip  (has to come before NumPy)

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.cases import CASES
from benchmarks.timing import measure
from derive.command.build import ROOT, fingerprint
from derive.notation.define import load_project
from derive.targets.duration import FIGURES, WHO

LEADING = (1, 4, 16, 64, 256, 1024, 4096)  # examples
LAYERS = ("linear", "layer_norm", "softmax", "softmax_cross_entropy", "gelu", "relu", "mlp")
ROUNDS, SECONDS = 40, 0.4


def points(layer: str) -> list[dict[str, Any]]:
    """Elements of the inputs and seconds of each contender, for every number of examples."""
    case = CASES[layer]
    large = case.sizes["large"]
    found = []
    for n in LEADING:
        CASES[layer] = replace(case, sizes={**case.sizes, "tiny": {**large, "...": (n,)}})
        row = measure(layer, "tiny", "float32", list(WHO), ROUNDS, SECONDS)
        found.append({"elements": row.elements, "seconds": {k: float(f"{v:.3g}") for k, v in row.seconds.items()}})
    CASES[layer] = case
    return found


def main(arguments: Sequence[str]) -> int:
    place = ROOT / FIGURES
    record = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    known = load_project()
    for layer in arguments or LAYERS:
        record[layer] = {"definition": fingerprint(known[layer][0]), "points": points(layer)}
        print(layer, *(f"{p['elements']}: {p['seconds']}" for p in record[layer]["points"]), sep="\n  ", flush=True)
    place.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
