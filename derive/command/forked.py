"""Work in several processes, forked from this one: what was read, derived and loaded is there in all of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from derive.command.ending import interrupts_ignored

T = TypeVar("T")
MOST = 4  # processes: each has the engine and its caches in memory

_own: list[Callable[[], Any]] = []  # in a forked process: the tasks of the pool that it belongs to


def cores() -> int:
    """How many processes may work at a time."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(found, MOST)


def _begin(tasks: Sequence[Callable[[], Any]]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _own[:] = tasks


def _run(n: int) -> Any:
    return _own[n]()


def ended() -> None:
    """End the processes of pools, whatever they are at."""
    for child in multiprocessing.active_children():
        child.terminate()


def results(tasks: Sequence[Callable[[], T]], costly: Callable[[int], Any]) -> Iterator[T]:
    """What tasks return, in their order; those of which ``costly`` says most are begun first.

    One after another, in this process, where there is one core, one task, or a system whose libraries do not survive a
    fork (any but Linux). What a task returns must be able to be pickled.
    """
    if sys.platform != "linux" or cores() < 2 or len(tasks) < 2:
        yield from (task() for task in tasks)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(cores(), mp_context=context, initializer=_begin, initargs=(tasks,)) as pool:
        try:
            with interrupts_ignored(), warnings.catch_warnings():  # Ctrl-C is for the command, which ends its processes
                warnings.simplefilter("ignore", DeprecationWarning)  # of threads: those of BLAS survive a fork
                order = sorted(range(len(tasks)), key=costly, reverse=True)
                running = {n: pool.submit(_run, n) for n in order}
            for n in range(len(tasks)):
                yield running[n].result()
        except BaseException:  # an interrupt ends them, and does not wait for what they are at
            ended()
            raise
