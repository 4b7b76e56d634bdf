"""What a function computes as forward does, and can take from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from derive.program.ir import Both, Contract, Fold, Function, Loop, Make, Map, Rows, Statement, names
from derive.program.rows import Costs, read

MUCH = 2  # forward may go over arrays as many times as often as what is saved by calling it


def from_forward(function: Function, forward: Function, costs: Costs) -> tuple[tuple[str, ...], Function]:
    """The arrays that a function takes from forward, which saves or returns them, and what is left of it.

    A statement is forward's if it is the same and reads the same. None is taken if forward does far more.
    """
    theirs = set(flat(forward.statements))
    if any(isinstance(s, Loop | Make) for s in (*theirs, *function.statements)):  # arrays that are made in parts
        return (), function
    same = {p.name for p in function.parameters if p.role == "input"}
    for s in function.statements:
        if plain(s) in theirs and read((s,)) <= same:
            same |= set(names((s,)))
    given = same & set(forward.needed) - {p.name for p in function.parameters}
    wanted = set(function.needed)
    kept: list[Statement] = []
    dropped = 0
    for s in reversed(function.statements):
        made = set(names((s,)))
        if made & wanted and not made <= given:
            kept.insert(0, s)
            wanted |= read((s,))
        else:
            dropped += costs.passes(s)
    inner = (s.body if isinstance(s, Rows) else (s,) for s in forward.statements)
    taken = given & wanted
    if not taken or sum(costs.passes(s) for group in inner for s in group) > MUCH * dropped:
        return (), function
    return tuple(n for n in forward.needed if n in taken), replace(function, statements=tuple(kept))


def flat(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Statements with those of blocks, and those that are found in one pass one by one too."""
    for s in statements:
        match s:
            case Rows(body=body):
                yield from flat(body)
            case Both(first, second):
                yield from map(plain, (s, first, second))
            case _:
                yield plain(s)


def plain(s: Statement) -> Statement:
    """A statement, wherever its result is read, and in whatever memory it is."""
    if isinstance(s, Map):
        return replace(s, like="")
    return replace(s, inline=False) if isinstance(s, Fold | Contract) else s
