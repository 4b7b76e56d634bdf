"""The ladder's wrong kernels (tests.evidence.wrong_kernels), judged from outside as a stranger's.

python -m tests.judge.wrong            all of them, with what the judge says
python -m tests.judge.wrong WORD ...   those whose class, layer or words hold one of these
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from derive.judge.decide import judge
from derive.judge.report import Report
from tests.evidence.wrong.kernel import Wrong
from tests.evidence.wrong_kernels import wrong_kernels

#: Mistakes in functions that a judge does not ask for.
BEYOND = ("jvp", "angents", "econd", "The tangent", "double_backward", "exact numbers", "fractions")


def strangers() -> list[Wrong]:
    """Those that are wrong in values or gradients of ordinary numbers."""
    return [w for w in wrong_kernels() if not any(b in f"{w.kind} {w.words}" for b in BEYOND)]


def judged(wrong: Wrong, seed: int = 1, **how: object) -> Report:
    return judge(wrong.layer, wrong.make(), framework="module", seed=seed, **how)


def main(words: Iterable[str] = ()) -> int:
    """Judge them; the number that pass as right."""
    asked = list(words)
    chosen = [w for w in strangers() if not asked or any(a in f"{w.kind} {w}" for a in asked)]
    escaped = 0
    for wrong in chosen:
        begin = time.perf_counter()
        report = judged(wrong)
        escaped += report.ok
        seconds = time.perf_counter() - begin
        print(
            f"{'ESCAPED' if report.ok else 'caught':8}{wrong.kind:16}{wrong} {seconds:.1f} s  {report.diagnosis}",
            flush=True,
        )
    print(f"\n{len(chosen) - escaped} of {len(chosen)} caught")
    return escaped


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
