"""Campaigns: many tasks on an executor, kept in a journal, and taken up again where they were left.

A task is a function's name and arguments that are JSON, its result is JSON: so any executor of concurrent.futures may
run it, processes of this machine or those of a Dask client (``client.get_executor()``), and the journal holds all that
is known. A process that is killed takes the tasks with it that were in flight; they are run again, one after another,
and one that ends its process once more is recorded as lost, and no other.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Any

WINDOW = 64  # tasks that are submitted and not done: enough to keep many workers busy, few to run again


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Attributes:
        id: unique in its campaign. function: ``module:function``. arguments: its keywords, as JSON.
    """

    id: str
    function: str
    arguments: dict[str, Any] = field(default_factory=dict)


class Other(ValueError):
    """A journal is of another campaign, or none; says what to do."""


def done(function: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A task in the process that does it: its result and how long it took."""
    begin = time.perf_counter()
    module, _, name = function.partition(":")
    try:
        found: dict[str, Any] = {"result": getattr(import_module(module), name)(**arguments)}
    except Exception as error:  # one task's trouble is not the campaign's
        found = {"error": f"{type(error).__name__}: {error}"}
    return {**found, "seconds": round(time.perf_counter() - begin, 3)}


def digest(tasks: Iterable[Task]) -> str:
    """What a campaign is known by: its tasks, in any order."""
    told = sorted(json.dumps([t.id, t.function, t.arguments], sort_keys=True) for t in tasks)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


class Journal:
    """A file with a line for each task that is done. Each is written out before the next begins.

    Raises:
        Other: the file holds something else.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        self.path, self.key = path, key
        self.known: dict[str, dict[str, Any]] = {}
        self.file: IO[str] | None = None
        if path is None:
            return
        whole = 0
        if path.exists():
            whole = self.read(path)
        self.file = path.open("r+" if path.exists() else "w", encoding="utf-8")
        self.file.seek(whole)
        self.file.truncate()  # half a line, of a campaign that was ended while it wrote
        if not whole:
            self.line({"campaign": key})

    def read(self, path: Path) -> int:
        """What is known already; how many bytes of whole lines there are."""
        data = path.read_bytes()
        lines = data.splitlines(keepends=True)
        whole = 0
        for n, line in enumerate(lines):
            if not line.endswith(b"\n"):
                break
            try:
                record = json.loads(line)
                found = record["campaign"] if n == 0 else record["id"]
            except (ValueError, KeyError, TypeError):
                raise Other(f"{path} is no journal of a campaign (line {n + 1}): give another file") from None
            if n == 0 and found != self.key:
                raise Other(f"{path} is the journal of another campaign: give another file, or remove it")
            if n:
                self.known[found] = record
            whole += len(line)
        if data and not whole:
            raise Other(f"{path} is no journal of a campaign: give another file")
        return whole

    def add(self, id: str, record: dict[str, Any]) -> None:
        self.known[id] = {"id": id, **record}
        self.line(self.known[id])

    def line(self, record: dict[str, Any]) -> None:
        if self.file is not None:
            self.file.write(json.dumps(record) + "\n")
            self.file.flush()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


Progress = Callable[[int, int, dict[str, Any]], None]


def run(
    tasks: Iterable[Task],
    executor: Callable[[], Executor],
    journal: Path | None = None,
    progress: Progress | None = None,
    window: int = WINDOW,
) -> dict[str, dict[str, Any]]:
    """Do what is not done yet; the records of all tasks, by id.

    Args:
        executor: makes one; called again when processes of the last one were killed.
        journal: a file that is begun, or continued. progress: called with how many are done, of how many, and the last.

    Raises:
        Other: the journal is of another campaign.
    """
    todo = list(tasks)
    book = Journal(journal, digest(todo))
    ids = {t.id for t in todo}
    try:
        left = deque(t for t in todo if t.id not in book.known)
        alone: deque[Task] = deque()  # were in flight when a process died
        while left or alone:
            with _opened(executor()) as pool:
                try:
                    for task, record in _stream(pool, left, alone, window):
                        book.add(task.id, record)
                        if progress:
                            progress(sum(i in book.known for i in ids), len(todo), book.known[task.id])
                except BrokenExecutor:
                    continue
    finally:
        book.close()
    return {t.id: book.known[t.id] for t in todo}


@contextmanager
def _opened(pool: Executor) -> Iterator[Executor]:
    try:
        yield pool
    finally:
        try:
            pool.shutdown(wait=False, cancel_futures=True)
        except TypeError:  # a Dask client's takes no such word
            pool.shutdown(wait=False)


def _stream(
    pool: Executor, left: deque[Task], alone: deque[Task], window: int
) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Tasks as they are done. Those that were suspected of ending their process come first, one at a time.

    Raises:
        BrokenExecutor: a process died; what was in flight is in ``alone``.
    """
    while alone:
        task = alone.popleft()
        try:
            yield task, pool.submit(done, task.function, task.arguments).result()
        except BrokenExecutor:
            yield task, {"lost": "its process ended, twice"}
            raise
    flying: dict[Future[Any], Task] = {}
    while left or flying:
        try:
            while left and len(flying) < window:
                flying[pool.submit(done, left[0].function, left[0].arguments)] = left[0]
                left.popleft()
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                try:
                    record = future.result()
                except BrokenExecutor:
                    raise
                except Exception as error:  # what an executor has to say: a worker that was lost again and again
                    record = {"lost": f"{type(error).__name__}: {error}"}
                yield flying.pop(future), record
        except BrokenExecutor:
            alone.extend(flying.values())
            raise


# ---- executors ---------------------------------------------------------------------------------------------


def processes(count: int) -> Callable[[], Executor]:
    """Processes of this machine, each fresh: what a candidate loads stays its own."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return lambda: ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def dask(address: str) -> Callable[[], Executor]:
    """The workers of a Dask scheduler, by its address.

    Raises:
        ValueError: Dask is not installed, or there is no scheduler.
    """
    try:
        from distributed import Client  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ValueError("this needs Dask: pip install 'gradbook[campaign]'") from error
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call,unused-ignore]
    except (OSError, ValueError, TimeoutError) as error:
        raise ValueError(f"there is no Dask scheduler at {address}: {error}") from error
    return lambda: client.get_executor(pure=False, retries=2)  # type: ignore[no-any-return,no-untyped-call,unused-ignore]
