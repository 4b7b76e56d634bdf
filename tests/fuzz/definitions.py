"""Mutates definitions and asks of each: refused with its place, or built with a kernel that does what the text says?

    python -m tests.fuzz.definitions [--cases N] [--seed S] [--jobs 2] [--largest NODES]

A traceback, an internal error, an error without layer, line and caret, ten seconds of computing, a kernel that cannot
be imported and one that disagrees with an independent reading of the text are faults. Each is printed with what
reproduces it; the exit status is 1 if there is one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

from tests.fuzz.mutations import mutant
from tests.fuzz.worker import LIMIT, TOO_LONG, Outcome, serve

LARGEST = 220  #: nodes of a definition that is mutated
PATIENCE = 30 * LIMIT  #: seconds on the clock for what takes LIMIT of computing on a busy machine


class Worker:
    """A process that tries definitions; it is ended and started again when one takes too long."""

    def __init__(self, *how: Any) -> None:
        self.how = how
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, *self.how), daemon=True)
        self.process.start()
        other.close()
        self.connection.recv()

    def attempt(self, text: str) -> Outcome:
        try:
            self.connection.send(text)
            if self.connection.poll(PATIENCE):
                return self.connection.recv()  # type: ignore[no-any-return]
            words = "no answer"
        except (EOFError, OSError):
            self.process.join(5)
            ended = self.process.exitcode
            words = f"more than {LIMIT} seconds" if ended == TOO_LONG else f"the process ended with {ended}"
        self.end()
        self.start()
        return Outcome("fault", words)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


@dataclass
class Summary:
    """How many definitions ended in which way, and the faults with their numbers and texts."""

    kinds: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, str, Outcome]] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        k = self.kinds
        unread = f", {k['unread']} built and not compared" if k["unread"] else ""
        built = f"{k['agrees']} built and agree, {k['fault']} faults"
        return f"{k.total()} fuzzed: {k['refused']} refused with a place, {built}{unread}"


def fuzz(cases: int, seed: int, jobs: int = 2, largest: int = LARGEST) -> Iterator[tuple[int, str, Outcome]]:
    """Every case with its text and outcome, as they come."""
    idle: Queue[Worker] = Queue()

    def run(number: int, text: str) -> tuple[int, str, Outcome]:
        worker = idle.get()
        try:
            return number, text, worker.attempt(text)
        finally:
            idle.put(worker)

    workers = [Worker() for _ in range(jobs)]
    for worker in workers:
        idle.put(worker)
    try:
        with ThreadPoolExecutor(jobs) as pool:
            # mutated in this thread: Python 3.11's parser counts its depth for all threads together
            yield from pool.map(run, range(cases), [mutant(seed, number, largest) for number in range(cases)])
    finally:
        for worker in workers:
            worker.end()


def summed(outcomes: Iterator[tuple[int, str, Outcome]]) -> Summary:
    summary = Summary()
    for number, text, outcome in outcomes:
        summary.kinds[outcome.kind] += 1
        if outcome.kind == "fault":
            summary.faults.append((number, text, outcome))
        if outcome.kind == "unread":
            summary.unread[outcome.words] += 1
    return summary


def shown(seed: int, number: int, text: str, outcome: Outcome) -> str:
    """A fault with what reproduces it."""
    return f"--- seed {seed}, case {number}\n{text.rstrip()}\n>>> {outcome.words.rstrip()}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--largest", type=int, default=LARGEST, help="nodes of the largest definition that is mutated")
    parser.add_argument("--show", choices=("refused", "agrees", "unread"), help="print these too")
    arguments = parser.parse_args()

    def told() -> Iterator[tuple[int, str, Outcome]]:
        for case in fuzz(arguments.cases, arguments.seed, arguments.jobs, arguments.largest):
            if case[2].kind in ("fault", arguments.show):
                print(shown(arguments.seed, *case), flush=True)
            yield case

    summary = summed(told())
    for words, count in summary.unread.most_common():
        print(f"not compared, {count} times: {words}")
    print(summary)
    return 1 if summary.faults else 0


if __name__ == "__main__":
    sys.exit(main())
