"""What needs what: groups that need one another, each after those that it needs. Linear in the number of needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def groups(needs: Sequence[Iterable[int]]) -> list[list[int]]:
    """Strongly connected groups, each sorted and after what it needs; otherwise in the order given.

    Tarjan's algorithm with a stack of its own: chains may be as long as a definition.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in range(len(needs)):
        if root in index:
            continue
        path = [(root, iter(needs[root]))]
        while path:
            n, rest = path[-1]
            if n not in index:
                index[n] = low[n] = len(index)
                stack.append(n)
                on_stack.add(n)
            for m in rest:
                if m not in index:
                    path.append((m, iter(needs[m])))
                    break
                if m in on_stack:
                    low[n] = min(low[n], index[m])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[n])
                if low[n] == index[n]:
                    group = stack[position(stack, n) :]
                    del stack[len(stack) - len(group) :]
                    on_stack.difference_update(group)
                    found.append(sorted(group))
    return found


def position(stack: list[int], n: int) -> int:
    """Where a number stands, looked for from the end."""
    return next(i for i in range(len(stack) - 1, -1, -1) if stack[i] == n)
