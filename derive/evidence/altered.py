"""An interpreter in which one equation is another for a while: what the change does not reach is not computed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from derive.evidence.clauses import earliest
from derive.evidence.evaluation import Evaluation
from derive.notation.layer import Equation


def alterable(before: Equation, after: Equation) -> bool:
    """Whether arrays begin where they did with one equation in place of the other."""
    return set(earliest(before)) == set(earliest(after))


@contextmanager
def altered(run: Evaluation, before: Equation, after: Equation, reached: set[str]) -> Iterator[None]:
    """Meanwhile the interpreter has ``after`` for ``before``; see alterable.

    Args:
        run: all elements of ``reached`` are computed. reached: the tensors that are computed from the changed one,
        itself included.
    """
    name, own = before.target, run.equations[before.target]
    kept = {n: dict(run.store[n]) for n in reached}
    backwards, clauses = run.backwards, run.clauses_of(name)

    def forget() -> None:
        for n in reached:
            run.store[n].clear()
        for tensors, known in run.memories:
            if not tensors.isdisjoint(reached):
                known.clear()
        run.lengths = {key: n for key, n in run.lengths.items() if key[0] not in reached}
        run.clauses.pop(name, None)
        run.busy.clear()

    forget()
    run.equations[name] = [after if e is before else e for e in own]
    run.backwards = {n for n, _ in run.behind if n in reached}
    try:
        yield
    finally:
        forget()
        run.equations[name], run.clauses[name], run.backwards = own, clauses, backwards
        for n, elements in kept.items():
            run.store[n].update(elements)
