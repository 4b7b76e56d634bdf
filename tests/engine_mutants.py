"""Changes the engine's own code at random, and asks whether anything notices: `python -m tests.engine_mutants`.

A change is an operator, a condition, a constant, a returned value or a dropped statement of notation, calculus,
program, the NumPy target or the runtime (tests.mutation.changes). It is made in a copy of the tree, in a temporary
folder. First those layers of the drift check are derived that run the changed line, the quickest first, until one
differs; then the tests that run it, one of each test function before a second of any, until one fails or they have
taken LIMIT seconds. What nothing has noticed goes through the whole drift check.

Which tests and layers run a line is recorded (``--record``, with coverage.py), once, and once more when tests have
changed much; of tests that are new, beside what is known of the others (``--record PATH``). Results are kept and looked
up the next time, by the change and the module's text, so that a run that was broken off goes on, and a sample of more
takes only what is new; ``--again`` tries anew what nothing has noticed. Changes that no run can tell from the code as
it is stand in tests.mutation.equivalent with the reason. Ends with 1 if less than ASKED of the others are noticed.

Beyond the project's layers the guard is what kernels compute: `tests/generality` holds value, gradient, jvp and second
order of some 400 other definitions to references, and words and passes have tests of their own. Digests of those
definitions' kernels would notice more of these changes and tell nobody whether one is a fault: each change of the
engine that is meant records them anew, unread.

    python -m tests.engine_mutants --record            # an hour
    python -m tests.engine_mutants --sample 150 --seed 1 --jobs 2
    python -m tests.engine_mutants --sample 150 --seed 1 --list-survivors
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from time import monotonic

from tests.mutation.changes import KINDS, Change, changes
from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.forked import Batch, Tree, noticed
from tests.mutation.reach import DRIFT, ROOT, WITHOUT, Reach, sources

KEPT = ROOT / ".gradbook" / "mutants"  # ignored by git
RESULTS = KEPT / "results.jsonl"
LIMIT = 60.0  # seconds of tests for one change
FIRST = 6.0  # seconds of tests that are run before any file is read again for the rest
ASKED = 0.97


@dataclass(frozen=True)
class Outcome:
    """What became of a change.

    Attributes:
        by: the test that noticed it, or the layer of the drift check; nothing if none did.
        tests: how many tests were to be run.
    """

    key: str
    by: str
    diff: str
    tests: int
    seconds: float

    @property
    def drift(self) -> bool:
        return self.by.startswith(DRIFT)


# ---- what is changed -----------------------------------------------------------------------------------------------


def drawn(count: int, seed: int, only: str = "") -> list[Change]:
    """Different changes: each kind as often as any other, each place of a kind too."""
    random = Random(seed)
    every: dict[str, list[Change]] = {kind: [] for kind in KINDS}
    for path, source in sources().items():
        if path.startswith(only):
            for change in changes(path, source):
                every[change.kind].append(change)
    for places in every.values():
        random.shuffle(places)
    rounds = (change for places in zip(*every.values(), strict=False) for change in places)
    return [change for _, change in zip(range(count), rounds, strict=False)]


def essence(diff: str) -> str:
    """A diff without the numbers of lines and the space before them."""
    lines = [line for line in diff.split("\n") if line and not line.startswith(("@@", "---"))]
    return "\n".join(" ".join(line.split()) for line in lines)


# ---- what is run ---------------------------------------------------------------------------------------------------


def record(paths: list[str], jobs: int) -> None:
    """Note which lines each layer of the drift check and each test runs; of some tests, beside what is known."""
    folder = KEPT / "reach"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HYPOTHESIS_PROFILE": "ci", "RECORDED": str(folder)}
    if not paths:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "tests.mutation.drift"], cwd=ROOT, env=environment, check=True)
    left = [f"--ignore={path}" for path in WITHOUT]
    for path in paths or sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py")):
        # one file after the other: what is broken off keeps what it has
        own = {**environment, "RECORDED_AS": path.replace("/", ".")}
        words = ["-q", "-p", "no:cacheprovider", "-p", "tests.mutation.reach", *left, path]
        workers = ["-n", str(jobs)] if jobs > 1 else []
        subprocess.run([sys.executable, "-m", "pytest", *words, *workers], cwd=ROOT, env=own, check=False)


def batches(seconds: dict[str, float]) -> list[Batch]:
    """Tests in the order in which they are run: one of each function before a second of any, quick ones first."""
    families: Counter[str] = Counter()
    ranked = []
    for spent, name in sorted((spent, name) for name, spent in seconds.items() if not name.startswith(DRIFT)):
        ranked.append((families[name.split("[")[0]], spent, name))
        families[name.split("[")[0]] += 1
    found: dict[tuple[bool, str], Batch] = {}
    total = 0.0
    for _, spent, name in sorted(ranked):
        if total + spent > LIMIT:
            continue  # a quick one may still have time
        total += spent
        file = name.split("::")[0]
        batch = found.setdefault((total > FIRST, file), Batch(file, [], 0.0))
        batch.names.append(name)
        batch.seconds += spent
    return list(found.values())


def tried(change: Change, source: str, tree: Tree, seconds: dict[str, float], drift: dict[str, float]) -> Outcome:
    """Make a change in a copy, and see who notices.

    Args:
        seconds: by test and layer that runs what is changed.
        drift: by layer, of the whole drift check.
    """
    begin = monotonic()
    layers = {n: s for s, n in sorted((s, n.removeprefix(DRIFT)) for n, s in seconds.items() if n.startswith(DRIFT))}
    tests = batches(seconds)
    tree.write(change.path, change.applied(source))
    try:
        by = noticed(tree, layers, tests)
        if not by and layers and layers.keys() != drift.keys():  # what one layer found out is known for the next
            by = noticed(tree, drift, [])
    finally:
        tree.restore(change.path)
    count = sum(len(b.names) for b in tests)
    return Outcome(change.key(source), by, change.diff(source), count, round(monotonic() - begin, 1))


# ---- many of them --------------------------------------------------------------------------------------------------


def known() -> dict[str, Outcome]:
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {o.key: o for o in (Outcome(**json.loads(line)) for line in lines)}


def run(sample: list[Change], jobs: int, again: bool) -> list[Outcome]:
    """Try what has not been tried, and tell of each."""
    texts = sources()
    keys = {change: change.key(texts[change.path]) for change in sample}
    before = {k: o for k, o in known().items() if o.by or not again}
    todo = [change for change in sample if keys[change] not in before]
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    files = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    reach = Reach(KEPT / "reach")
    seconds = {change: reach.of(change, texts[change.path]) for change in todo}  # a fork cannot read what is recorded
    drift = {n.removeprefix(DRIFT): s for n, s in reach.seconds.items() if n.startswith(DRIFT)}
    with tempfile.TemporaryDirectory(prefix="gradbook-mutants-") as folder:
        workers = []
        for n in range(min(jobs, len(todo))):
            if not (worker := os.fork()):
                tree = Tree.copy(Path(folder) / str(n), files)
                for done, change in enumerate(todo[n::jobs], 1):
                    outcome = tried(change, texts[change.path], tree, seconds[change], drift)
                    with RESULTS.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(outcome)) + "\n")
                    count = f"{done}/{len(todo[n::jobs])}"
                    print(f"{count:>8}  {outcome.seconds:6.1f} s  {outcome.by or 'NOT NOTICED'}", flush=True)
                    if not outcome.by:
                        print(outcome.diff, flush=True)
                os._exit(0)
            workers.append(worker)
        for worker in workers:
            os.waitpid(worker, 0)
    after = known()
    return [after[key] for key in keys.values() if key in after]


def failing_anyway(found: list[Outcome]) -> set[str]:
    """Tests that have noticed something, and that fail without a change too."""
    named = sorted({o.by for o in found if "::" in o.by})

    def failed(tests: list[str]) -> bool:
        words = ["-q", "-p", "no:cacheprovider", *tests]
        return subprocess.run([sys.executable, "-m", "pytest", *words], cwd=ROOT, capture_output=True).returncode != 0

    return {t for t in named if failed([t])} if named and failed(named) else set()


def report(found: list[Outcome]) -> int:
    """Tell what was not noticed; 1 if that is too much."""
    equal = [o for o in found if not o.by and essence(o.diff) in EQUIVALENT]
    missed = [o for o in found if not o.by and o not in equal]
    others = len(found) - len(equal)
    drift = sum(o.drift for o in found)
    for outcome in missed:
        print(f"\nnot noticed by the drift check and {outcome.tests} tests:\n{outcome.diff}")
    print(
        f"\n{len(found)} changes: {drift} noticed by the drift check, {others - drift - len(missed)} by tests, "
        f"{len(equal)} that no run can tell, {len(missed)} not noticed: {1 - len(missed) / max(1, others):.1%} noticed"
    )
    return int(len(missed) > (1 - ASKED) * others)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--record", nargs="*", metavar="PATH", help="note which lines each test runs (or those of PATH alone), and end"
    )
    parser.add_argument("--sample", type=int, default=150, metavar="N", help="changes (150)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="at once (2)")
    parser.add_argument("--only", default="", metavar="PATH", help="modules whose path begins so")
    parser.add_argument("--again", action="store_true", help="try anew what nothing has noticed")
    parser.add_argument("--list", action="store_true", help="show the changes, and end")
    parser.add_argument("--list-survivors", action="store_true", help="show what is known of the sample, and end")
    words = parser.parse_args()
    if words.record is not None:
        record(words.record, words.jobs)
        return 0
    sample = drawn(words.sample, words.seed, words.only)
    texts = sources()
    if words.list:
        for change in sample:
            print(change.diff(texts[change.path]))
        return 0
    if words.list_survivors:
        before = known()
        return report([before[k] for c in sample if (k := c.key(texts[c.path])) in before])
    if not (KEPT / "reach").is_dir():
        parser.error("nothing is known of what tests run: --record first")
    found = run(sample, words.jobs, words.again)
    wrong = failing_anyway(found)
    if wrong:
        print(f"these fail without any change, and say nothing: {', '.join(sorted(wrong))}")
    return report([replace(o, by="") if o.by in wrong else o for o in found])


if __name__ == "__main__":
    sys.exit(main())
