"""Wrong kernels, made on purpose: every one must be killed by some leg of the ladder.

    python -m tests.evidence.wrong_kernels            all of them, by class, and how many are killed
    python -m tests.evidence.wrong_kernels WORD ...   those whose class, layer or words hold one of these

A wrong kernel is either what the generator prints for a definition with a mistake in it, or a right kernel with one
of its functions wrapped. Legs run from the quickest on until one is red.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from functools import cache
from importlib import import_module

from derive.evidence import verify
from derive.evidence.result import together
from tests.evidence.shared import LAYERS, derived
from tests.evidence.wrong.definitions import wrong_definitions
from tests.evidence.wrong.kernel import SINGLE, Wrong
from tests.evidence.wrong.results import wrappers

for module in ("accuracy", "memory", "single"):  # which register their kernels in SINGLE
    import_module(f"tests.evidence.wrong.{module}")

LADDER = ("definition", "duality", "second order", "differences", "generic", "enclosure")


@cache
def wrong_kernels() -> tuple[Wrong, ...]:
    return (*wrong_definitions(), *wrappers(), *SINGLE)


def killed_by(wrong: Wrong) -> str:
    """The first leg that is red, and what it says; nothing if the kernel survives."""
    kernel = wrong.make()
    variants = [derived(wrong.layer, n) for n in range(len(LAYERS[wrong.layer]))]
    for leg in LADDER:
        if not verify.applies(leg, variants[0].layer, kernel):
            continue
        result = together(verify.leg(leg, d, kernel) for d in variants)
        if not result.passed:
            return f"{leg}: {result.detail}"
    return ""


def main(words: Iterable[str] = ()) -> int:
    """Try them, print what becomes of each and how many are killed; the number of survivors."""
    asked = list(words)
    chosen = [w for w in wrong_kernels() if not asked or any(a in f"{w.kind} {w}" for a in asked)]
    classes: dict[str, list[bool]] = {}
    for wrong in chosen:
        begin = time.perf_counter()
        by = killed_by(wrong)
        classes.setdefault(wrong.kind, []).append(bool(by))
        print(
            f"{'killed' if by else 'SURVIVED':9}{wrong.kind:16}{wrong} {time.perf_counter() - begin:.1f} s  {by[:90]}",
            flush=True,
        )
    print()
    for kind, found in classes.items():
        print(f"{kind:18}{sum(found)} of {len(found)}")
    killed = sum(map(sum, classes.values()))
    print(f"\n{killed} of {len(chosen)} killed")
    return len(chosen) - killed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
