"""Changes the engine's own code at random, and asks whether anything notices: `python -m tests.engine_mutants`.

A change is an operator, a condition, a constant, a returned value or a dropped statement of notation, calculus,
program, the NumPy target or the runtime (tests.mutation.changes). It is made in a copy of the tree, in a temporary
folder. The drift check is run first, then the tests that run the changed function, the quickest first, until one fails.
Which tests those are is recorded once (``--record``), and once more when tests have changed much; a change of what no
test and no layer runs is not noticed.

Results are kept and looked up the next time, by the change and the module's text, so that a run that was broken off
goes on, and a sample of more takes only what is new. Changes that no run can tell from the code as it is stand in
EQUIVALENT with the reason. Ends with 1 if less than ASKED of the others are noticed.

    python -m tests.engine_mutants --record            # some minutes
    python -m tests.engine_mutants --sample 150 --seed 1 --jobs 2
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import Queue
from random import Random
from time import monotonic

from tests.mutation.changes import KINDS, Change, changes

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("derive/notation", "derive/calculus", "derive/program", "derive/targets/numpy", "reference/runtime")
KEPT = ROOT / ".gradbook" / "mutants"  # ignored by git
LIMIT = 300  # seconds of tests for one change; a run that takes twice as long hangs, which is noticed
ASKED = 0.97
#: Tests that build the book or install what others have written, which say little of the engine for their time.
WITHOUT = ("tests/peers", "tests/page", "tests/command/test_wheel.py", "tests/training", "tests/ledger")

#: What no run can tell from the code as it is: the change's diff, without its line numbers, and the reason.
EQUIVALENT: dict[str, str] = {}


@dataclass(frozen=True)
class Outcome:
    """What became of a change.

    Attributes:
        by: the test that noticed it, or "drift check"; nothing if none did.
        tests: how many tests were to be run.
    """

    key: str
    by: str
    diff: str
    tests: int
    seconds: float

    @property
    def noticed(self) -> bool:
        return bool(self.by)


# ---- what is changed -----------------------------------------------------------------------------------------------


def sources() -> dict[str, str]:
    """The engine's modules by path."""
    files = sorted(p for part in PARTS for p in (ROOT / part).rglob("*.py"))
    return {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in files}


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


def environment(tree: Path, **more: str) -> dict[str, str]:
    own = {"PYTHONPATH": str(tree), "HYPOTHESIS_PROFILE": "ci", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **own, **more}


def pytest_command(*words: str) -> list[str]:
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.mutation.reach"]
    return [sys.executable, "-m", "pytest", *options, *words]


def record(jobs: int, paths: list[str]) -> None:
    """Note which functions the drift check and each test run; of some tests, beside what is known of the others."""
    if not paths:
        shutil.rmtree(KEPT / "reach", ignore_errors=True)
    (KEPT / "reach").mkdir(parents=True, exist_ok=True)
    drift = [sys.executable, "-m", "tests.mutation.drift"]
    subprocess.run(drift, cwd=ROOT, env=environment(ROOT, REACHED=str(KEPT / "reach" / "drift")), check=True)
    left = [f"--ignore={path}" for path in WITHOUT]
    workers = ["-n", str(jobs)] if jobs > 1 else []
    command = pytest_command(*(paths or ["tests"]), *workers, *left)
    target = KEPT / "reach" / ("-".join(p.replace("/", ".") for p in paths) or "tests")
    subprocess.run(command, cwd=ROOT, env=environment(ROOT, REACHED=str(target)), check=False)


@dataclass
class Reach:
    """Which tests run a function, the quickest first, and whether the drift check does."""

    tests: dict[str, list[tuple[float, str]]]
    drift: set[str]

    @classmethod
    def load(cls) -> Reach:
        found = cls({}, set())
        for path in sorted((KEPT / "reach").glob("*")):
            for line in path.read_text(encoding="utf-8").splitlines():
                test = json.loads(line)
                if test["test"] == "drift":
                    found.drift = {*test["functions"], *(f.split(":")[0] + ":" for f in test["functions"])}
                else:
                    names = test["functions"]
                    for name in {*names, *(f.split(":")[0] + ":" for f in names)}:
                        found.tests.setdefault(name, []).append((test["seconds"], test["test"]))
        return found

    def by_drift(self, change: Change) -> bool:
        """Whether the drift check runs what is changed: what stands outside of functions, it does."""
        return not change.scope or f"{change.path}:{change.scope}" in self.drift

    def of(self, change: Change) -> list[str]:
        chosen, spent = [], 0.0
        for seconds, test in sorted(self.tests.get(f"{change.path}:{change.scope}", [])):
            spent += seconds
            if spent > LIMIT:
                break
            chosen.append(test)
        return chosen


@contextmanager
def copies(count: int) -> Iterator[Queue[Path]]:
    """Copies of the tree, each for one change at a time."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    with tempfile.TemporaryDirectory(prefix="gradbook-mutants-") as folder:
        trees: Queue[Path] = Queue()
        for n in range(count):
            for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
                target = Path(folder) / str(n) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target)
            trees.put(Path(folder) / str(n))
        yield trees


def failing(command: list[str], tree: Path, env: dict[str, str]) -> str | None:
    """What a command says when it fails; None when it does not."""
    try:
        out = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, timeout=2 * LIMIT)
    except subprocess.TimeoutExpired:
        return "takes too long"
    return None if out.returncode in (0, 5) else out.stdout + out.stderr  # 5: no test was collected


def tried(change: Change, source: str, trees: Queue[Path], reach: Reach) -> Outcome:
    """Make a change in a copy, and see who notices."""
    begin, tree, by = monotonic(), trees.get(), ""
    tests = reach.of(change)
    path = tree / change.path
    try:
        path.write_text(change.applied(source), encoding="utf-8")
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)  # it may be as long and as old as before
        if reach.by_drift(change) and failing([sys.executable, "-m", "tests.mutation.drift"], tree, environment(tree)):
            by = "drift check"
        elif tests:
            order = tree.parent / f"{tree.name}.order"
            order.write_text("\n".join(tests), encoding="utf-8")
            files = sorted({t.split("::")[0] for t in tests})
            said = failing(pytest_command("-x", *files), tree, environment(tree, ORDERED=str(order)))
            if said is not None:
                failed = [line for line in said.split("\n") if line.startswith(("FAILED", "ERROR"))]
                by = failed[0].split(" - ")[0].split(" ", 1)[1] if failed else said.strip().split("\n")[-1] or "a crash"
    finally:
        path.write_text(source, encoding="utf-8")
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        trees.put(tree)
    return Outcome(change.key(source), by, change.diff(source), len(tests), round(monotonic() - begin, 1))


# ---- many of them --------------------------------------------------------------------------------------------------


def known() -> dict[str, Outcome]:
    path = KEPT / "results.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {o.key: o for o in (Outcome(**json.loads(line)) for line in lines)}


def run(sample: list[Change], jobs: int, reach: Reach) -> list[Outcome]:
    """Try what has not been tried, and tell of each."""
    texts, before = sources(), known()
    found = [before[k] for c in sample if (k := c.key(texts[c.path])) in before]
    todo = [c for c in sample if c.key(texts[c.path]) not in before]
    with copies(min(jobs, max(1, len(todo)))) as trees, ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(tried, c, texts[c.path], trees, reach) for c in todo]
        for future in as_completed(futures):
            outcome = future.result()
            with (KEPT / "results.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
            found.append(outcome)
            print(f"{len(found)}/{len(sample)}  {outcome.seconds:6.1f} s  {outcome.by or 'NOT NOTICED'}", flush=True)
            if not outcome.noticed:
                print(outcome.diff, flush=True)
    return found


def failing_anyway(tests: set[str]) -> set[str]:
    """Tests that have noticed something, and that fail without a change too."""
    named = sorted(t for t in tests if t.startswith("tests/"))
    if not named or failing(pytest_command(*named), ROOT, environment(ROOT)) is None:
        return set()
    return {t for t in named if failing(pytest_command(t), ROOT, environment(ROOT)) is not None}


def report(found: list[Outcome]) -> int:
    """Tell what was not noticed; 1 if that is too much."""
    equal = [o for o in found if not o.noticed and essence(o.diff) in EQUIVALENT]
    missed = [o for o in found if not o.noticed and o not in equal]
    others = len(found) - len(equal)
    drift = sum(o.by == "drift check" for o in found)
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
        "--record",
        nargs="*",
        metavar="PATH",
        help="note which functions each test runs (or those of PATH alone), and end",
    )
    parser.add_argument("--sample", type=int, default=150, metavar="N", help="changes (150)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="at once (2)")
    parser.add_argument("--only", default="", metavar="PATH", help="modules whose path begins so")
    parser.add_argument("--list", action="store_true", help="show the changes, and end")
    words = parser.parse_args()
    if words.record is not None:
        record(words.jobs, words.record)
        return 0
    sample = drawn(words.sample, words.seed, words.only)
    if words.list:
        texts = sources()
        for change in sample:
            print(change.diff(texts[change.path]))
        return 0
    if not (KEPT / "reach").is_dir():
        parser.error("nothing is known of what tests run: --record first")
    found = run(sample, words.jobs, Reach.load())
    wrong = failing_anyway({o.by for o in found})
    if wrong:
        print(f"these fail without any change, and say nothing: {', '.join(sorted(wrong))}")
    return report([replace(o, by="") if o.by in wrong else o for o in found])


if __name__ == "__main__":
    sys.exit(main())
