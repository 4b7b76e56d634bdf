"""How many wrong kernels the judge lets pass, and of how many it names the cause: the corpus, judged and counted.

python -m tests.judge.escapes                    all of it, by layer and by group
python -m tests.judge.escapes WORD ...           what has one of these words in its id or kind
python -m tests.judge.escapes --journal FILE     begun, or continued
python -m tests.judge.escapes --record           and the table kept in tests/judge/recorded/escapes.json
python -m tests.judge.escapes --record --sample 12 --journal FILE    of a sample; it may be ended and goes on

The corpus: printed kernels with one thing in their source changed (edits), right kernels inside wrong ones (wraps),
bugs from public trackers (history), kernels as people write them (candidates), and those made for the ladder.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from derive.judge.campaign import Other, Task, processes, run
from derive.judge.decide import judge
from derive.judge.diagnose import NONE_FITS
from tests.evidence.shared import LAYERS
from tests.judge.candidates import MAKERS, WRONG
from tests.judge.corpus.edits import edits
from tests.judge.corpus.history import HISTORY
from tests.judge.corpus.subtle_forms import RECENT
from tests.judge.corpus.wraps import wraps
from tests.judge.corpus.wrong import Wrong
from tests.judge.wrong import strangers

RECORD = Path(__file__).parent / "recorded" / "escapes.json"
#: Right to a judge: numbers that are right but for a warning, and an error where there is nothing to add up, which is
#: noted and not held against a candidate.
WARNS = ("1 / (1 + exp(-x)) as it is written", "The sum over nothing is an error")
STATE = ("writes to", "earlier", "shares", "again")
FORMATS = ("float64", "float32", "float16")


@cache
def corpus(layer: str) -> dict[str, Wrong]:
    """The wrong kernels of one layer, by id."""
    every = [*edits(layer), *wraps(layer), *(w for w in (*HISTORY, *RECENT) if w.layer == layer)]
    for _, mistake, cause in (w for w in WRONG if w[0] == layer):
        group = "state" if any(s in cause for s in STATE) else "forward"
        every.append(
            Wrong(f"{layer}/candidate/{mistake}", layer, group, "as people write", mistake, re.escape(cause) or ".",
                  partial(MAKERS[layer], mistake), "numpy")
        )  # fmt: skip
    for n, w in enumerate(w for w in strangers() if w.layer == layer):
        if w.words in WARNS:
            continue
        group = "state" if w.kind in ("earlier result", "shared memory", "written to", "saved") else "forward"
        group = "backward" if "gradient" in w.words or "backward" in w.words else group
        every.append(Wrong(f"{layer}/ladder/{n}", layer, group, w.kind, w.words, ".", partial(made, w)))
    return {w.id: w for w in every}


def made(wrong: Any) -> tuple[Any, None]:
    return wrong.make(), None


def judged(id: str, seed: int = 1, budget: float = 10.0) -> dict[str, Any]:
    """What the judge says of one of them, within its default budget."""
    wrong = corpus(id.split("/")[0])[id]
    forward, backward = wrong.make()
    for dtype in (
        FORMATS if "/ladder/" in id else (wrong.dtype,)
    ):  # some of the ladder's are wrong in narrower ones alone
        how: dict[str, Any] = {"framework": wrong.framework, "dtype": dtype, "seed": seed, "budget": budget}
        report = judge(wrong.layer, forward=forward, backward=backward, **how)
        if not report.ok:
            break
    said = report.diagnosis.split(NONE_FITS)[0] if wrong.group != "state" else report.diagnosis
    named = bool(re.search(wrong.cause, said))
    told = {"group": wrong.group, "kind": wrong.kind, "words": wrong.words, "thread": wrong.thread}
    told |= {"verdict": report.verdict, "caught": report.verdict == "wrong", "named": named and not report.ok}
    return {**told, "diagnosis": report.diagnosis[:600], "took": round(report.seconds, 2)}


def tasks(words: Iterable[str], seed: int = 1, sample: int = 0, budget: float = 10.0) -> list[Task]:
    """What is to be judged; of each layer a sample, the same one for the same seed."""
    asked = list(words)
    layers = [n for n in sorted(LAYERS) if not asked or any(n == a.split("/")[0] for a in asked)] or sorted(LAYERS)
    chosen = [w for n in layers for w in corpus(n).values()]
    chosen = [w for w in chosen if not asked or any(a in f"{w.id} {w.kind} {w.group}" for a in asked)]
    if sample:
        rng = np.random.default_rng(seed)
        own = [[w for w in chosen if w.layer == n] for n in layers]
        chosen = [some[i] for some in own for i in sorted(rng.permutation(len(some))[:sample].tolist())]
    return [Task(w.id, "tests.judge.escapes:judged", {"id": w.id, "seed": seed, "budget": budget}) for w in chosen]


def table(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Caught and named, by group, by source and by layer."""
    counts: dict[str, dict[str, list[int]]] = {"group": {}, "source": {}, "layer": {}}
    for id, record in found.items():
        result = record.get("result", {"group": "lost", "caught": False, "named": False})
        layer, source = id.split("/")[:2]
        for by, key in (("group", result["group"]), ("source", source), ("layer", layer)):
            row = counts[by].setdefault(key, [0, 0, 0])
            row[0] += 1
            row[1] += result["caught"]
            row[2] += result["named"]
    return counts


def escaped(found: dict[str, dict[str, Any]]) -> list[str]:
    return [i for i, r in found.items() if not r.get("result", {}).get("caught")]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.judge.escapes", description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="of each layer; all of them otherwise")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds each; more where the machine is shared")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="every diagnosis")
    given = parser.parse_args(argv)

    def progress(done: int, of: int, record: dict[str, Any]) -> None:
        result = record.get("result", {"caught": False, "diagnosis": str(record), "words": "", "named": False})
        mark = "ESCAPED" if not result["caught"] else "caught" if result["named"] else "unnamed"
        if given.verbose or mark != "caught":
            print(f"{done}/{of} {mark:8}{record['id']}: {result['words']} -> {result['diagnosis'][:200]}", flush=True)

    todo = tasks(given.words, given.seed, given.sample, given.budget)
    try:
        found = run(todo, processes(given.jobs), given.journal, progress)
    except Other as error:
        parser.error(str(error))
    counts = table(found)
    for by, rows in counts.items():
        print(f"\n{by:30}{'wrong':>7}{'caught':>8}{'named':>8}")
        for key, (every, caught, named) in rows.items():
            print(f"{key:30}{every:7}{caught:8}{named:8}{caught / every:9.1%}{named / every:8.1%}")
    if given.record and not given.words:
        RECORD.parent.mkdir(exist_ok=True)
        of = {"judged": len(found), "corpus": len(tasks([])), "seed": given.seed}
        RECORD.write_text(json.dumps({**counts, **of, "escaped": escaped(found)}, indent=1, sort_keys=True) + "\n")
    return 1 if escaped(found) else 0


if __name__ == "__main__":
    sys.exit(main())
