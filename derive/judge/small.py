"""Small cases at which two formulas differ: few elements of few digits, options at their defaults if that is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from derive.evidence import inputs, layout
from derive.evidence.inputs import Array, Plan, Random
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Shape, Value
from derive.notation import expr as x
from derive.notation.domain import Domain
from derive.notation.expr import ELLIPSIS, Reduce
from derive.notation.layer import Layer

NUMBERS = (1.0, 2.0, 3.0, -1.0, 0.0, 4.0, -2.0)
#: With which the arrays of a case begin, by the case and by the array.
FIRST = (
    ((1.0, 2.0, 3.0), (2.0, 1.0, 3.0), (1.0, 3.0, 2.0)),
    ((0.0, 1.0, 2.0), (1.0, 0.0, 2.0), (2.0, 0.0, 1.0)),
    ((-1.0, 2.0, 1.0), (2.0, -1.0, 1.0), (1.0, -2.0, 3.0)),
)
PLANS = tuple(
    Plan(sizes, (leading,), depths, attempts=8, trusted=True)
    for sizes, leading, depths in (
        ((1, 2), (), (1,)),
        ((2,), (), (2,)),
        ((3,), (), (2,)),
        ((1, 3, 2), (), (2,)),
        ((1, 2), (2,), (1,)),
        ((3, 2), (2,), (2,)),
    )
)
SEEDS, MORE = 3, 12  # of each plan; of layers with windows, most of whose sizes do not go together
EACH = 60  # elements of a case, beyond which it is not small
MANY = 100  # from which on numbers are large
ALONE = 10  # elements that a sum of one term counts for: it shows nothing


@dataclass
class Whole(Random):
    """Small whole numbers, drawn; within a domain, numbers of few digits.

    Attributes:
        times: what those of the first array are multiplied with. seed: with which numbers arrays begin.
        made: how many arrays there are already.
    """

    times: float = 1.0
    seed: int = 0
    made: int = 0

    def reals(self, shape: Shape, within: Domain | None) -> Array:
        first = FIRST[self.seed % len(FIRST)][self.made % len(FIRST)]
        times = 1.0 if self.made else self.times
        self.made += 1
        if within is not None:
            unit = self.rng.choice([0.25, 0.5, 0.75], shape)
            return np.asarray(inputs.placed(within, unit)).astype(self.dtype)
        count = int(np.prod(shape))
        drawn = np.concatenate([first, self.rng.choice(NUMBERS, max(0, count - 3))])[:count]
        return np.asarray(drawn.reshape(shape) * times).astype(self.dtype)


@dataclass(frozen=True)
class Small:
    """A case with cotangents. What was evaluated at it is kept, by what is asked for."""

    case: Case
    cotangents: Arrays
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def length(self) -> tuple[int, int]:
        """How much there is to read: options that are not at their defaults; elements and their digits."""
        case, sizes = self.case, self.case.sizes
        options = sum(case.options[o.name] != o.default for o in case.layer.options)
        reduced = {n.over for e in case.layer.equations for n in x.walk(e.body) if isinstance(n, Reduce)}
        alone = sum(prod(sizes.get(case.layer.axis(a), 2) for a in over) == 1 for over in reduced)
        numbers = [n for v in (*case.tensors.values(), *self.cotangents.values()) for n in elements(v)]
        return options, ALONE * alone + len(numbers) + sum(digits(n) for n in numbers)


def elements(value: Value) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list):
        return [n for v in value for n in elements(v)]
    return [n.item() for n in np.asarray(value).reshape(-1)]


def digits(number: Any) -> int:
    """How many characters a number has beyond one; zero, at which functions have kinks, is no simple number."""
    return 0 if isinstance(number, bool) else 2 if number == 0 else len(f"{number:g}") - 1


def small(layer: Layer, times: float = 1.0) -> list[Small]:
    """Cases, the shortest first; those that are hard to find are left out."""
    found = list(_drawn(layer, times))
    return sorted(found, key=lambda s: s.length)


def _drawn(layer: Layer, times: float) -> Iterator[Small]:
    for options, absent in _settings(layer):
        for n, plan in enumerate(PLANS):
            for seed in range(MORE if layer.sizes else SEEDS):
                rng = np.random.default_rng((n, seed))
                own = replace(plan, options=options, absent=absent)
                try:
                    case = inputs.build(layer, Whole(rng, times=times, seed=seed), own, 1)
                    some = Small(case, cotangents(case, rng))
                except (inputs.NoArguments, ArithmeticError):
                    break
                if sum(len(elements(v)) for v in case.tensors.values()) <= EACH:
                    yield some


def _settings(layer: Layer) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Options at their defaults and masks left out; then masks; then one option after another at other values."""
    optional = frozenset(t.name for t in layer.inputs if t.optional)
    default = {o.name: o.default for o in layer.options if o.kind != "Choice"}
    yield default, optional
    if optional:
        yield default, frozenset()
    for option in layer.options:
        if option.kind not in ("Axis", "Choice", "Activation"):
            for value in inputs.option_values(layer, option, {})[1:3]:
                yield {**default, option.name: value}, optional


def cotangents(case: Case, rng: np.random.Generator) -> Arrays:
    def drawn(shape: Any) -> Value:
        if isinstance(shape, list):
            return [drawn(s) for s in shape]
        count = int(np.prod(shape))
        values = np.concatenate([rng.permutation(NUMBERS[:2]), rng.choice(NUMBERS, max(0, count - 2))])[:count]
        return np.asarray(values.reshape(shape))

    return {o: drawn(layout.shape_of(case, o)) for o in case.layer.differentiable_outputs}


def shrunk(one: Small, shows: Callable[[Small], bool], along: bool) -> Small:
    """The case with simpler numbers, one after another, while it still shows what it is to show.

    Args:
        along: whether the cotangents matter.
    """
    for way in ("tensors", "cotangents") if along else ("tensors",):
        for name in getattr(one, way) if way == "cotangents" else one.case.tensors:
            held = one.cotangents[name] if way == "cotangents" else one.case.tensors[name]
            rows = ELLIPSIS in one.case.layer.tensors[name].axes
            for place, number in enumerate(elements(held)):
                if isinstance(number, bool) or number in (0, 1):
                    continue
                for simpler in (1, 0) if abs(number) >= MANY else (1, 2):
                    now = elements(getattr(one if way == "cotangents" else one.case, way)[name])
                    alike = rows and abs(number) < MANY and simpler in now  # rows of one number are a special case
                    if simpler != number and not alike and shows(other := _with(one, way, name, place, simpler)):
                        one = other
                        break
    return one


def _with(one: Small, way: str, name: str, place: int, number: float) -> Small:
    def put(value: Value) -> Value:
        nonlocal place
        if isinstance(value, list):
            return [put(v) for v in value]
        new = np.array(value)
        if 0 <= place < new.size:
            new.reshape(-1)[place] = number
        place -= new.size
        return new

    if way == "cotangents":
        return Small(one.case, {**one.cotangents, name: put(one.cotangents[name])})
    return Small(replace(one.case, tensors={**one.case.tensors, name: put(one.case.tensors[name])}), one.cotangents)
