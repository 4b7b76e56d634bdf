"""A pytest plugin that notes which of the engine's functions each test runs: ``-p tests.mutation.reach``.

For each test a line of JSON goes to the file that REACHED names (one for each worker): its name, its seconds, the
functions, each as ``path:Class.method``. Given the file ORDERED, it runs the tests that stand there, in that order.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from types import CodeType, FrameType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = tuple(f"{ROOT}/{p}/" for p in ("derive", "reference/runtime"))
FAILED = pytest.StashKey[bool]()


class Functions:
    """The functions of the engine that are called while it listens."""

    def __init__(self) -> None:
        self.codes: dict[CodeType, None] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """A trace of calls alone: it returns nothing that would be called for each line."""
        self.codes[frame.f_code] = None

    def names(self) -> list[str]:
        own = (c for c in self.codes if c.co_filename.startswith(PARTS))
        plain = (f"{c.co_filename[len(str(ROOT)) + 1 :]}:{c.co_qualname.replace('.<locals>', '')}" for c in own)
        return sorted({name.split(".<")[0] for name in plain})


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    target = os.environ.get("REACHED")
    if not target:
        yield
        return
    functions, begin = Functions(), process_time()
    sys.settrace(functions)
    yield
    sys.settrace(None)
    if item.stash.get(FAILED, False):  # it would fail of every change
        return
    with Path(target + os.environ.get("PYTEST_XDIST_WORKER", "")).open("a", encoding="utf-8") as file:
        line = {"test": item.nodeid, "seconds": round(process_time() - begin, 3), "functions": functions.names()}
        file.write(json.dumps(line) + "\n")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    if outcome.get_result().failed:  # type: ignore[attr-defined]
        item.stash[FAILED] = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("ORDERED"):
        wanted = {n: i for i, n in enumerate(Path(os.environ["ORDERED"]).read_text(encoding="utf-8").split("\n"))}
        items[:] = sorted((i for i in items if i.nodeid in wanted), key=lambda i: wanted[i.nodeid])
