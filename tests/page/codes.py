"""Code of products and sums over ranges, of which compiled equations are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Env = list[int]
Code = Callable[[Env], Any]


class Outside(Exception):
    """A reference outside its array, within max or argmax."""


def _product(codes: list[Code]) -> Code:
    if len(codes) == 2:
        first, second = codes

        def pair(env: Env) -> Any:
            v = first(env)
            if v == 0:
                return 0
            w = second(env)
            return 0 if w == 0 else v * w

        return pair

    def several(env: Env) -> Any:
        value = 1
        for c in codes:
            v = c(env)
            if v == 0:
                return 0
            value = value * v
        return value

    return several


def _beyond(index: Callable[[Env], int | None], length: int) -> Code:
    """Whether an index is outside."""
    return lambda env: (at := index(env)) is None or not 0 <= at < length


def _sum(ranges: list[tuple[int, Code]], body: Code, outside: list[list[Code]]) -> Code:
    """``outside`` has for each range tests of its index and those before it: where one holds, the body is zero."""
    (slot, size), *rest = ranges
    inner = _sum(rest, body, outside[1:]) if rest else body
    tests = outside[0]

    def total(env: Env) -> Any:
        value = 0
        for env[slot] in range(size(env)):  # noqa: B020
            value += inner(env)
        return value

    def total_inside(env: Env) -> Any:
        value = 0
        for env[slot] in range(size(env)):  # noqa: B020
            for test in tests:
                if test(env):
                    break
            else:
                value += inner(env)
        return value

    return total_inside if tests else total


def _positions(ranges: list[tuple[int, Code]], env: Env) -> Iterator[None]:
    """Step the environment through all values, row-major."""
    if not ranges:
        yield None
        return
    (slot, size), *rest = ranges
    for value in range(size(env)):
        env[slot] = value
        yield from _positions(rest, env)


def _strided(data: list[Any], places: list[int], shape: tuple[int, ...]) -> Code:
    """An element of an array at plain indices, known to be inside."""
    if len(places) == 1:
        (a,) = places
        return lambda env: data[env[a]]
    if len(places) == 2:
        a, b = places
        n = shape[1]
        return lambda env: data[env[a] * n + env[b]]
    steps: list[tuple[int, int]] = []
    step = 1
    for place, length in zip(reversed(places), reversed(shape), strict=True):
        steps.append((place, step))
        step *= length
    return lambda env: data[sum([env[s] * n for s, n in steps])]
