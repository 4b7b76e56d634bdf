"""Tries one change: who notices it?

This process has read the libraries and nothing of the engine. For each change it forks one that reads the engine from
the copy of the tree in which the change was made, and runs the layers of the drift check that reach the change. That
one forks again for each file of tests. So nothing is read twice, and nothing is left over from the change before.
Every fork has its own time, in seconds of the processor, so that a busy machine is not taken for an endless loop.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import mpmath  # noqa: F401 (read here so that no fork has to)
import numpy  # noqa: F401
import pytest
import sympy  # noqa: F401

from tests.mutation.reach import DRIFT, ROOT

ENDLESS = "takes too long"
MEMORY = 12 << 30  # bytes of addresses
WALL = 1500  # seconds: one that waits for ever uses no processor


class First:
    """A pytest plugin: runs these tests in their order, and tells the first that fails."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.order = {name: n for n, name in enumerate(tests)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.order), key=lambda i: self.order[i.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or f"{report.nodeid} cannot be read"


@dataclass
class Tree:
    """A copy of the project in which one change at a time is made."""

    folder: Path

    @classmethod
    def copy(cls, folder: Path, files: Sequence[str]) -> Tree:
        for name in files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        return cls(folder)

    def write(self, path: str, text: str) -> None:
        """With another time than any before: a compiled module is told by its time in seconds and its size."""
        (self.folder / path).write_text(text, encoding="utf-8")
        new = time.time() + 10
        os.utime(self.folder / path, (new, new))

    def restore(self, path: str) -> None:
        shutil.copy2(ROOT / path, self.folder / path)


@dataclass
class Batch:
    """Tests of one file, in the order in which they are run, and the seconds they take."""

    file: str
    names: list[str]
    seconds: float


def noticed(tree: Tree, layers: dict[str, float], batches: Sequence[Batch]) -> str:
    """Who notices the change that was made in a tree: a layer of the drift check, a test, or nobody.

    Args:
        layers: of the drift check, with their seconds; those that reach the change first.
        batches: tests, in the order in which they are run.
    """
    return forked(lambda: engine(tree, list(layers), batches), allowed(sum(layers.values())), WALL)


def allowed(seconds: float) -> float:
    """What may take so long may take longer on a busy machine, and with a change that only slows it."""
    return 4 * seconds + 60


def engine(tree: Tree, layers: Sequence[str], batches: Sequence[Batch]) -> str:
    """In the fork: the drift check, and a fork for each batch of tests."""
    enter(tree.folder)
    try:
        if layers:
            from tests.mutation.drift import differing

            for name, file in differing(layers):
                if file:
                    return f"{DRIFT}{name}"
    except BaseException as wrong:
        return f"{DRIFT}{type(wrong).__name__}"
    for batch in batches:
        if by := forked(lambda batch=batch: tested(batch), allowed(batch.seconds)):
            return by if "::" in by else f"{batch.file}: {by}"
    return ""


def tested(batch: Batch) -> str:
    first = First(batch.names)
    own = ["-p", "no:gradbook"]  # the project's plugin, which would be read from where it is installed
    words = ["-q", "-x", "-p", "no:cacheprovider", *own, "--no-header", "--tb=line", batch.file]
    code = pytest.main(words, plugins=[first])
    return first.failed or ("" if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) else str(code))


def enter(folder: Path) -> None:
    """Read everything of the project from a folder."""
    for name in [n for n in sys.modules if n.split(".")[0] in ("tests", "derive", "reference")]:
        del sys.modules[name]
    os.chdir(folder)
    sys.path[:] = [str(folder), *(p for p in sys.path if p not in ("", str(ROOT)))]
    os.environ |= {"PYTHONPATH": str(folder), "HYPOTHESIS_PROFILE": "ci"}
    sys.dont_write_bytecode = True


def forked(run: Callable[[], str], seconds: float, wall: int = 0) -> str:
    """What a function says in a fork that has so many seconds of the processor.

    Args:
        wall: seconds of the clock, after which it and all that it began are ended; 0 leaves that to who began this.
    """
    sys.stdout.flush()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            if wall:
                os.setpgid(0, 0)
            for stream in (1, 2):
                os.dup2(os.open(os.environ.get("SAID", os.devnull), os.O_WRONLY | os.O_APPEND), stream)
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, resource.RLIM_INFINITY))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
            said = run()
        except BaseException:
            said = traceback.format_exc(limit=1).strip().split("\n")[-1]
        os.write(write, json.dumps(said[:1000]).encode())
        os._exit(0)
    os.close(write)
    if wall:
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
        signal.alarm(wall)
    _, status = os.waitpid(child, 0)
    if wall:
        signal.alarm(0)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)  # what it began and left running
    text = b"" if status else os.read(read, 1 << 16)
    os.close(read)
    return str(json.loads(text)) if text else (ENDLESS if os.WIFSIGNALED(status) else "a crash")
