"""The terms of a sum whose factors may lie inside their arrays: those of others are not looked at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TypeGuard

from derive.evidence.clauses import Closure, Env
from derive.evidence.evaluation import Evaluation
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Pos, Ref

Check = tuple[Closure, int, int]  # an index, from where to below where there are elements


def turns(world: Evaluation, over: tuple[str, ...], body: Expr) -> Callable[[Env], Iterable[Env]]:
    """Every assignment of a sum's indices but those that an index of a factor rules out alone, in the same order."""
    axes = [world.case.layer.axis(i) for i in over]
    if len(over) < 2 or world.numbers.beyond is not None or not all(a in world.case.sizes for a in axes):
        return world.turns(over, body)
    checks = {i: _checks(world, i, set(over), body) for i in over}
    if not any(checks.values()):
        return world.turns(over, body)
    ranges = [(i, range(world.case.sizes[a]), checks[i]) for i, a in zip(over, axes, strict=True)]

    def run(env: Env) -> Iterator[Env]:
        here = dict(env)
        places = [_places(here, *one) for one in ranges]
        for at in itertools.product(*places):
            here.update(zip(over, at, strict=True))
            yield here

    return run


def _places(env: Env, index: str, every: range, checks: list[Check]) -> Iterable[int]:
    if not checks:
        return every
    found = []
    for env[index] in every:
        for at, low, high in checks:
            i = at(env)
            if i is None or not low <= i < high:
                break
        else:
            found.append(env[index])
    return found


def _checks(world: Evaluation, index: str, over: set[str], body: Expr) -> list[Check]:
    """The indices of a term's factors that say alone where there is something; of several addends those of all."""
    found = [set(_alone(index, over, part)) for part in (body.args if _is(body, "add") else (body,))]
    limits = ((e, p, box(world, tensor)) for tensor, p, e in _common(world, found))
    return [(world.index(e), *own[p]) for e, p, own in limits if own is not None]


def _is(e: Expr, fn: str) -> TypeGuard[Op]:
    return isinstance(e, Op) and e.fn == fn


def _alone(index: str, over: set[str], product: Expr) -> Iterator[tuple[str, int, Expr]]:
    """The tensors, places and indices of a product's factors in which of a sum's indices this one stands alone."""
    for factor in product.args if _is(product, "mul") else (product,):
        if isinstance(factor, Ref):
            for p, e in enumerate(factor.index):
                if over & set(x.free(e)) == {index} and not isinstance(e, Pos) and not x.tensors(e):
                    yield factor.tensor, p, e


def _common(world: Evaluation, found: list[set[tuple[str, int, Expr]]]) -> Iterator[tuple[str, int, Expr]]:
    """Those of the first that every other has, of a tensor of the same lengths."""
    first, *others = found
    for tensor, p, e in first:
        own = box(world, tensor)
        alike = (any(e == f and own and (b := box(world, t)) and b[q] == own[p] for t, q, f in o) for o in others)
        if all(alike):
            yield tensor, p, e


def box(world: Evaluation, name: str) -> tuple[tuple[int, int], ...] | None:
    """From where to below where each index of a tensor's elements runs at most."""
    if name not in world.given:
        return world.boxes[name] if name in world.boxes else world.box(name)
    return tuple((min(at), max(at) + 1) for at in zip(*world.store[name], strict=True)) or None
