"""A step of a derivation, executed: its equation, its derivatives, and what they add to an adjoint.

A derivative is compared with the central difference of what the sentence names, at places drawn at random: the element
that is differentiated by is moved wherever the equation reads it, unless the sentence holds some of them fixed. What is
accumulated is the adjoint of the left side times the derivatives, at every place; gathered at an element it is the sum
of all that lands there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.page.steps import Link, Rewritten, Through
from tests.page.tree import Equation, Index, Mul, Node, Reduce, Ref, walk
from tests.page.world import World, alike, nudged, renamed, same_places, substituted

STEP = 1e-6
SLOPE_TOLERANCE = 2e-5  # relative; the difference's own error is below 1e-7 where a third derivative is below 1e5
FINER = 0.25  # of the step, for a second difference, where the third derivative may be larger
SMALL = 1e-3  # what is moved by a step that is relative to it, if need be
FINEST = 2e-9  # rounding costs 1e-16 of what is subtracted over it
TOLERANCE = 1e-9
ELSEWHERE = "elsewhere"  # everything but the equation itself, which need not hold there
LOOPS = 60_000  # places of an accumulation that are added up, once for all misprints of what is gathered


@dataclass(frozen=True)
class Context:
    """What a step is checked in: values, and which symbol is the adjoint of a tensor.

    ``ties`` are worlds with equal values and zeros, where there are no differences, but what is printed holds.
    """

    worlds: tuple[World, ...]
    adjoint: Mapping[str, Ref]
    ties: tuple[World, ...] = ()
    whole: bool = False  # whether these are all the worlds there are

    @property
    def all(self) -> tuple[World, ...]:
        return (*self.worlds, *self.ties)


def close(a: float, b: float, tolerance: float, scale: float = 0.0) -> bool:
    return a == b or abs(a - b) <= tolerance * max(1.0, abs(a), abs(b), scale)  # infinities are equal


def check_equation(e: Equation, context: Context) -> Iterator[str]:
    """An equation at every place of its left side. Raises EvaluationError."""
    for world in context.all:
        left, right = world.compiled(e.left, e.indices), world.compiled(e.right, e.indices)
        for at in world.points(e.indices, e.left, e.right, most=80):
            if isinstance(e.left, Ref) and not world.holds(e.left, world.place(e.left, e.indices)(at)):
                continue
            a, b = left(at), right(at)
            if not close(a, b, TOLERANCE):
                yield f"{e.key} at {at} is {a}, the line says {b}"
                return


def check_rewritten(step: Rewritten, context: Context) -> Iterator[str]:
    for line in step.lines:
        yield from check_equation(line, context)
    if step.lines[0].left != step.lines[1].left:
        yield "the two lines are not about the same"


def check_through(step: Through, context: Context, changed: Sequence[str | int] = ()) -> Iterator[str]:
    """Everything that is wrong with one step, one after the other; where one formula is another, what it has a say in.

    Raises EvaluationError.
    """
    part = changed[0] if changed else ""
    if part == "gathered":
        yield from check_gathered(step, named(step), context)
        return
    yield from structure(step, context)
    if part in ("", "heading"):
        yield from check_equation(step.heading, context)
    names = named(step)
    for name, definition in names.items() if part in ("", "heading", "names") else ():
        within = [n for e in (step.heading, *step.names) if e is not definition for n in walk(e.right)]
        if not any(alike(n, definition) for n in within):
            yield f"{name} names nothing that is in the equation"
    if part == "loops":
        return
    for n, link in enumerate(step.links):
        if part in ("", "heading", "names", ELSEWHERE) or changed[:2] == ("links", n):
            seen = False
            for world in context.worlds:
                seen = (yield from check_link(link, step, names, world)) or seen
            if context.whole and not seen:
                yield "no place at which the derivative can be compared"
    for world in context.all:
        yield from check_scattered(step, names, context, world)
    if step.gathered and part in ("", "heading", ELSEWHERE):
        yield from check_gathered(step, names, context)


def named(step: Through) -> dict[str, Equation]:
    return {e.left.name: e for e in step.names if isinstance(e.left, Ref)}


def structure(step: Through, context: Context) -> Iterator[str]:
    """The links make a chain from the equation's left side to what is differentiated by."""
    left: Node = step.heading.left
    for link in step.links:
        if link.of != left:
            yield "the derivative is of something else than the equation's left side or the sum before"
        left = link.by
    for link in step.links[:-1]:
        if not (isinstance(link.by, Ref) and link.by.name.startswith("local ")):
            yield "a derivative in between that is not with respect to a sum"
    by = step.links[-1].by
    assert step.scattered is not None
    target = step.scattered[0]
    if not isinstance(by, Ref) or not isinstance(target, Ref) or by.accent or by.name.startswith("local "):
        yield "no derivative with respect to a tensor"
        return
    wanted = context.adjoint.get(by.name)
    if wanted is None or (target.name, target.accent) != (wanted.name, wanted.accent) or target.index != by.index:
        yield "what is added to is not the adjoint of what is differentiated by"
    trees = [step.heading.left, *step.scattered]
    if {n.name for t in trees for n in walk(t) if isinstance(n, Index)} - bound(trees) != set(step.loops):
        yield "the indices of the accumulation are others than those it is said to be for"
    if any(link.alone and not tensor_is(link, step) for link in step.links):
        yield "the other places held fixed are those of another tensor"


def around(step: Through, names: Mapping[str, Equation]) -> list[Node]:
    """The trees that say what the indices of a step run over."""
    trees = [step.heading.left, step.heading.right, *(e.right for e in step.names), *(k.by for k in step.links)]
    return [substituted(t, names) for t in (*trees, *(step.scattered or ()))]


def tensor_is(link: Link, step: Through) -> bool:
    row = step.symbols.by_name.get(link.by.name) if isinstance(link.by, Ref) else None
    return row is not None and row.tex == link.alone


def bound(trees: list[Node]) -> set[str]:
    return {i for t in trees for n in walk(t) if isinstance(n, Reduce) for i in n.over}


def check_link(link: Link, step: Through, names: Mapping[str, Equation], world: World) -> Generator[str, None, bool]:
    """A derivative against the central difference of what it is said to be of; whether there was a place for one."""
    assert isinstance(link.of, Ref)
    assert isinstance(link.by, Ref)
    own = names.get(link.of.name)
    body = step.heading.right if own is None else own.right
    fixed = [names[f.name] for f in link.fixed if isinstance(f, Ref) and f.name in names]
    if len(fixed) != len(link.fixed) or any(f != names[f.name].left for f in link.fixed if isinstance(f, Ref)):
        yield "what is held fixed has no name"
        return True
    scope = step.loops
    marks = {i: f"{i}%" for i in scope}  # the indices of the sentence, apart from those bound in the equation
    by, local = link.by, names.get(link.by.name)
    wanted = [renamed(i, {k: Index(v) for k, v in marks.items()}) for i in by.index]

    def where(node: Node) -> Node | None:
        if local is not None:
            if not alike(node, local):
                return None
            return same_places([Index(i) for i in local.indices], [Index(marks.get(i, i)) for i in local.indices])
        if not isinstance(node, Ref) or node.key != by.key:
            return None
        if not link.alone:
            return same_places(node.index, wanted)
        if node != by:
            return None
        inner = [n.name for i in by.index for n in walk(i) if isinstance(n, Index)]
        return same_places([Index(i) for i in inner], [Index(marks[i]) for i in inner])

    moved = nudged(body, where, lambda node: any(alike(node, f) for f in fixed))
    moved = substituted(moved, names)
    both = (*scope, *marks.values())
    value = world.compiled(moved, both)
    slope = world.compiled(substituted(link.slope, names), scope)
    by_value = world.compiled(substituted(by, names), scope)
    place = world.place(by, scope) if local is None else None
    points = world.places(scope, step.heading.right, *around(step, names), most=60)
    seen = False
    for at in points:
        if place is not None and not world.holds(by, place(at)):
            continue
        if not world.holds(step.heading.left, world.place(step.heading.left, scope)(at)):
            continue
        if math.isinf(value((*at, *at))):  # the logarithm of an empty sum
            continue
        said = slope(at)
        difference, size = central(value, (*at, *at), world, STEP)
        if not close(difference, said, SLOPE_TOLERANCE, 1e-4 * size):
            if bends(value, (*at, *at), world):
                continue
            difference, size = refined(value, (*at, *at), world, said, STEP)
        seen = True
        if not close(difference, said, SLOPE_TOLERANCE, 1e-4 * size) and 0 < (small := abs(by_value(at))) < SMALL:
            difference, size = refined(value, (*at, *at), world, said, STEP * small)  # a sum of exponentials of -30
        if not close(difference, said, SLOPE_TOLERANCE, 1e-4 * size):
            yield f"the derivative at {dict(zip(scope, at, strict=True))} is {difference:.9g}, the page says {said:.9g}"
            return True
    return seen or not points


def refined(
    value: Callable[[Sequence[int]], float], at: Sequence[int], world: World, said: float, step: float
) -> tuple[float, float]:
    """The central difference, with a finer step where it is not near what is said, and how large what is subtracted
    is."""
    finest = step * FINEST / STEP
    difference, size = central(value, at, world, step)
    before = difference
    while not close(difference, said, SLOPE_TOLERANCE, 1e-4 * size) and step > finest:
        # sqrt(s) next to 0 has a third derivative of s^(-5/2): Richardson's extrapolation is free of it; a sum of
        # exponentials next to 0, or a power with a large exponent, has it only where the step is small beside them
        step *= FINER
        finer, _ = central(value, at, world, step)
        before, difference = finer, (finer - FINER**2 * before) / (1 - FINER**2)
    return difference, size


def central(
    value: Callable[[Sequence[int]], float], at: Sequence[int], world: World, step: float
) -> tuple[float, float]:
    """The central difference along the nudge, and how large what is subtracted is."""
    found = []
    for h in (step, -step):
        world.nudge.data[0] = h
        found.append(value(at))
    world.nudge.data[0] = 0.0
    return (found[0] - found[1]) / (2 * step), abs(found[0])


def bends(value: Callable[[Sequence[int]], float], at: Sequence[int], world: World) -> bool:
    """Whether there are two slopes: a product with what a relu left nothing of is 0, where the next relu bends."""
    here = value(at)

    def jump(step: float) -> float:
        slope, size = central(value, at, world, step)
        world.nudge.data[0] = step
        after = (value(at) - here) / step
        world.nudge.data[0] = 0.0
        return 2 * abs(after - slope) if abs(after - slope) > 1e-4 * max(1.0, size) else 0.0

    wide, narrow = jump(STEP), jump(STEP / 16)
    return narrow > wide / 2 > 0


def check_scattered(step: Through, names: Mapping[str, Equation], context: Context, world: World) -> Iterator[str]:
    """What is added: the adjoint of the left side times the derivatives."""
    assert step.scattered is not None
    left = step.heading.left
    assert isinstance(left, Ref)
    given = replace(context.adjoint[left.name], index=left.index)
    scope = step.loops
    said = world.compiled(substituted(step.scattered[1], names), scope)
    known = world.compiled(substituted(Mul((given, *(k.slope for k in step.links))), names), scope)
    for at in world.places(scope, step.heading.right, *around(step, names), most=60):
        if not close(a := known(at), b := said(at), TOLERANCE):
            yield f"the adjoint times the derivatives at {dict(zip(scope, at, strict=True))} is {a}, the line adds {b}"
            return


def check_gathered(step: Through, names: Mapping[str, Equation], context: Context) -> Iterator[str]:
    """Gathered at an element: the sum of all that lands there."""
    assert step.scattered is not None
    assert step.gathered is not None
    target, added = step.scattered
    assert isinstance(target, Ref)
    line = step.gathered
    if not isinstance(line.left, Ref) or line.left.key != target.key:
        yield "what is gathered is not what was added to"
        return
    scope = step.loops
    for world in context.all:
        within = around(step, names)
        points = world.points(scope, *within, most=10**9)
        if len(points) > LOOPS and world is not context.worlds[0]:
            continue
        tensor = next(r for r, a in context.adjoint.items() if a.key == target.key)
        key = (tensor, target, added, tuple(scope), *within)
        if key not in world.landed:
            world.landed[key] = landed(
                Ref(tensor, "", target.index), target, substituted(added, names), scope, points, world
            )
        total = dict(world.landed[key])
        whole = world.compiled(line.right, line.indices)
        where = world.place(line.left, line.indices)
        for at in world.points(line.indices, line.left, line.right):
            element = where(at)
            a, b = total.pop(element, 0.0), whole(at)
            if not close(a, b, TOLERANCE):
                yield f"gathered at {element} it is {a}, the line says {b}"
                return
        left_over = [e for e, v in total.items() if abs(v) > TOLERANCE and world.holds(target, e)]
        missing = [e for e in left_over if not begins_early(e)]
        if missing and any(isinstance(i, Index) for i in line.left.index):
            yield f"the line says nothing about {missing[0]}"
            return


def landed(
    tensor: Ref, target: Ref, added: Node, scope: Sequence[str], points: Sequence[Sequence[int]], world: World
) -> dict[tuple[int | None, ...], float]:
    """What is added at each element of a target, over all places of the loops."""
    place, value = world.place(target, scope), world.compiled(added, scope)
    total: dict[tuple[int | None, ...], float] = {}
    for at in points:
        element = place(at)
        if world.holds(tensor, element):
            total[element] = total.get(element, 0.0) + value(at)
    return total


def begins_early(element: tuple[int | None, ...]) -> bool:
    """A place before the first: what a recurrence starts from, which the line gives at the other places only."""
    return any(i is not None and i < 0 for i in element)
