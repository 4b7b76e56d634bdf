"""docs/onnx.md: the operators of ONNX that layers are compared with, and what is not reproduced.

``python -m tests.peers.nodes.page`` writes it; a test fails where it is not what this makes.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.peers.nodes.cases import cases
from tests.peers.nodes.reasons import REASONS

PAGE = Path(__file__).parents[3] / "docs" / "onnx.md"


def page() -> str:
    every = cases()
    total = Counter(c.operator for c in every.values())
    missing = Counter(every[name].operator for name in REASONS)
    right = len(every) - len(REASONS)
    lines = [
        "# ONNX",
        "",
        "The node tests of the [onnx](https://github.com/onnx/onnx) package state inputs and expected outputs for "
        f"each operator. Of the {len(every)} tests of the {len(total)} operators that have a layer, {right} "
        f"({100 * right / len(every):.1f} %) are reproduced at the package's own tolerance.",
        "{ .gb-lead }",
        "",
        "`python -m pytest tests/peers/test_onnx.py` compares them, through an adapter (`tests/peers/nodes`) that "
        "moves axes, splits heads and puts names and defaults in order. The expected outputs are compared with, not "
        "ONNX's evaluator. `python -m tests.peers.nodes.page` makes this page.",
        "",
        "| operator | tests | reproduced |",
        "|---|---:|---:|",
        *(f"| {o} | {total[o]} | {total[o] - missing[o]} |" for o in sorted(total)),
        "",
        "## Not reproduced",
        "",
        "| test | reason |",
        "|---|---|",
        *(f"| `{name}` | {REASONS[name]} |" for name in sorted(REASONS)),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
