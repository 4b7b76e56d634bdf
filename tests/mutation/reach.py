"""Which lines of the engine each test runs, and each layer's part of the drift check.

As a pytest plugin (``-p tests.mutation.reach``) it records them with coverage.py, a context for each test, in the
folder that RECORDED names: for each process the lines, the tests with their seconds, and the modules as they were, so
that a line is found again when others have moved it.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from time import process_time

import coverage
import pytest

from tests.mutation.changes import Change, lines_of

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("derive/notation", "derive/calculus", "derive/program", "derive/targets/numpy", "reference/runtime")
DRIFT = "drift:"  #: what a layer's part of the drift check is called, before its name
LONGEST = 8.0  #: seconds of a test, recorded; one that takes longer is ended and not run for any change
FAILED = pytest.StashKey[bool]()
#: Tests that build the book or the wheel, and tools of their own, which say little of the engine for their time.
WITHOUT = ("tests/peers", "tests/page", "tests/command/test_wheel.py", "tests/training", "tests/ledger", "tests/judge")


def sources(root: Path = ROOT) -> dict[str, str]:
    """The engine's modules by path."""
    files = sorted(p for part in PARTS for p in (root / part).rglob("*.py"))
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in files}


class Recorder:
    """Notes the lines that run, under the name of what runs them."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name = folder, name
        included = [f"{ROOT}/{part}/*" for part in PARTS]
        self.coverage = coverage.Coverage(str(folder / f"{name}.lines"), include=included, config_file=False)
        self.coverage.set_option("run:core", "ctrace")
        self.coverage.set_option("run:relative_files", True)  # a record holds in another folder too
        self.seconds: dict[str, float] = {}
        (folder / f"{name}.sources").write_text(json.dumps(sources()), encoding="utf-8")
        self.coverage.start()

    def begin(self, name: str) -> None:
        self.coverage.switch_context(name)
        self.since = process_time()

    def end(self, name: str, keep: bool = True) -> None:
        """``keep``: a test that fails without a change would fail of every change."""
        if keep:
            self.seconds[name] = round(process_time() - self.since, 3)
        self.coverage.switch_context("")

    def save(self) -> None:
        self.coverage.stop()
        self.coverage.save()
        (self.folder / f"{self.name}.seconds").write_text(json.dumps(self.seconds), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    if folder := os.environ.get("RECORDED"):
        name = os.environ["RECORDED_AS"] + os.environ.get("PYTEST_XDIST_WORKER", "")
        config.stash[RECORDER] = Recorder(Path(folder), name)


RECORDER = pytest.StashKey[Recorder]()


class TooLongError(BaseException):
    """A test would take too much of the time that there is for a change."""


def too_long(number: int, frame: object) -> None:
    raise TooLongError


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    recorder = item.config.stash.get(RECORDER, None)
    if not recorder:
        yield
        return
    recorder.begin(item.nodeid)
    signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    recorder.end(item.nodeid, not item.stash.get(FAILED, False))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    if not outcome.get_result().passed:  # type: ignore[attr-defined]
        item.stash[FAILED] = True


def pytest_unconfigure(config: pytest.Config) -> None:
    if recorder := config.stash.get(RECORDER, None):
        recorder.save()


# ---- read again ----------------------------------------------------------------------------------------------------


class Reach:
    """What was recorded in a folder: which tests and which layers run a line, and how long they take."""

    def __init__(self, folder: Path) -> None:
        ended = sorted(folder.glob("*.seconds"))  # a record that was broken off has none
        self.lines = [coverage.CoverageData(str(p.with_suffix(".lines"))) for p in ended]
        for data in self.lines:
            data.read()
        self.then: list[dict[str, str]] = []
        self.seconds: dict[str, float] = {}
        for data in self.lines:
            path = Path(data.base_filename())
            self.then.append(json.loads(path.with_suffix(".sources").read_text(encoding="utf-8")))
            self.seconds |= json.loads(path.with_suffix(".seconds").read_text(encoding="utf-8"))

    def of(self, change: Change, source: str) -> dict[str, float]:
        """Seconds by test or layer that runs what is changed; of a table outside of functions, what runs its module."""
        first, last = lines_of(change, source)
        found = self.run(change.path, source, first, last)
        if not found and not change.scope:  # a table alone, which runs with what reads it
            package, _, name = change.path.removesuffix(".py").replace("/", ".").rpartition(".")
            for path, text in sources().items():
                if f"from {package}.{name} import" in text or f"from {package} import {name}\n" in text:
                    found |= self.run(path, text, 1, text.count("\n") + 1)
        return {name: self.seconds[name] for name in found if name in self.seconds}

    def run(self, path: str, source: str, first: int, last: int) -> set[str]:
        """What runs one of some lines."""
        found: set[str] = set()
        for data, then in zip(self.lines, self.then, strict=True):
            if path in then:
                moved = places(then[path], source)
                for line, contexts in data.contexts_by_lineno(path).items():
                    if first <= moved.get(line, 0) <= last:
                        found |= set(contexts)
        return found


@cache
def places(then: str, now: str) -> dict[int, int]:
    """Where the lines of a text are in a later one, from 1."""
    a, b = then.split("\n"), now.split("\n")
    if a == b:
        return {n: n for n in range(1, len(a) + 1)}
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return {i + n + 1: j + n + 1 for i, j, size in blocks for n in range(size)}
