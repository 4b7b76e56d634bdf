"""Arguments for a layer, made from its signature alone.

Axes get sizes that are all different (square shapes hide transposes), and in other cases all the same; options take
each of their interesting values, integer tensors stay inside the axis they point into, a boolean mask has a row
without a single True. Domains that a definition declares are respected; where it declares none, what must be positive
is read off the equations (derive.evidence.domain). Numbers come from a Source: NumPy's
generator here, Hypothesis in derive.evidence.strategies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Any, Protocol, TypeVar

import numpy as np

from derive.evidence import domain, layout
from derive.evidence.kept import once
from derive.evidence.layout import Case, Shape, Value
from derive.evidence.many import results, terms
from derive.evidence.shapes import Shapes
from derive.notation.define import REGISTRY
from derive.notation.domain import Domain
from derive.notation.expr import ELLIPSIS
from derive.notation.layer import Layer, Option, Tensor
from derive.notation.several import coarse, filled, short

T = TypeVar("T")
FEW = 4  # inputs or axes that are looked at by themselves in a layer put together from others

Array = np.ndarray[Any, np.dtype[Any]]


class NoArguments(ValueError):
    """No arguments were found at which a definition has values."""


def placed(within: Domain, unit: Array) -> Array:
    """Numbers between 0 and 1, moved into a domain; one without an end is a unit long."""
    low, high = (None if end is None else float(end) for end in (within.low, within.high))
    high = (low or 0.0) + 1 if high is None else high
    low = high - 1 if low is None else low
    return np.asarray(low + (high - low) * unit)


def few(within: Domain) -> Array:
    """Numbers between 0 and 1 that tie, the ends among them where they are in the domain."""
    open_low, open_high = within.low is None or within.low_open, within.high is None or within.high_open
    ends = [0.0] * (not open_low) + [1.0] * (not open_high)
    return np.array([*ends, 0.25, 0.5])


class Source(Protocol):
    """Where choices and numbers come from."""

    def pick(self, choices: list[Any]) -> Any:
        """One of the choices."""

    def shuffled(self, choices: list[Any]) -> list[Any]:
        """All of them, in some order."""

    def reals(self, shape: Shape, within: Domain | None) -> Array:
        """An array of real numbers, any if no domain is given."""

    def integers(self, shape: Shape, least: int, below: int) -> Array:
        """An array of integers between two ends, the first included."""

    def booleans(self, shape: Shape) -> Array:
        """An array of True and False."""


@dataclass
class Random:
    """Normal numbers (or whole ones, which tie) from a seeded generator."""

    rng: np.random.Generator
    dtype: Any = np.float64
    ties: bool = False
    scale: float = 1.0
    offset: float = 0.0

    def pick(self, choices: list[Any]) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def shuffled(self, choices: list[Any]) -> list[Any]:
        return [choices[i] for i in self.rng.permutation(len(choices))]

    def reals(self, shape: Shape, within: Domain | None) -> Array:
        values = (
            self.rng.integers(-1, 3, shape) * 1.0
            if self.ties
            else self.rng.normal(size=shape) * self.scale + self.offset
        )
        if within is not None:
            unit = self.rng.uniform(0.05, 0.95, shape)
            values = placed(within, self.rng.choice(few(within), shape) if self.ties else unit)
        return np.asarray(values).astype(self.dtype)

    def integers(self, shape: Shape, least: int, below: int) -> Array:
        return np.asarray(self.rng.integers(least, max(least + 1, below), shape))

    def booleans(self, shape: Shape) -> Array:
        return np.asarray(self.rng.random(shape) < 0.7)


MOST, TERMS = 1000, 4000  # elements of results in a case, steps of all its loops: what more would show, others do
KEPT, AT_ONCE = 20, 12  # attempts with a turn's options; cases with more terms before options are drawn freely


@dataclass(frozen=True)
class Plan:
    """How large: the sizes axes may have, the shapes of ``...``, the number of arrays in a list.

    Attributes:
        least: the smallest length of an axis that the definition computes (a convolution's output).
        trusted: whether a case is taken without a look at the definition's values there.
        fixed: lengths of axes that are not to be drawn.
        options: values of options that are not to be drawn. absent: masks that are left out.
        depth: how far inside an option of several numbers may differ; see derive.notation.several.coarse.
        most, terms: elements of results and steps of loops that a case keeps to where it can.
    """

    sizes: tuple[int, ...] = (2, 3, 4, 5, 6)
    leading: tuple[Shape, ...] = ((2,), (3,), (1, 2), ())
    depths: tuple[int, ...] = (2, 1, 3)
    attempts: int = 200
    least: int = 1
    trusted: bool = False
    fixed: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    depth: Mapping[str, int] = field(default_factory=dict)
    most: float = MOST
    terms: float = TERMS


def finite(case: Case) -> bool:
    """Whether the definition has finite values there: no window of a pooling lies all outside.

    Raises:
        ArithmeticError: it has no real value.
    """
    from derive.evidence import world
    from derive.evidence.numbers import MP

    run = world.forward(case, MP)
    return all(abs(v) < MP.inf for o in case.layer.outputs for v in run.values(o, o).values())


USUAL = Plan()
SMALL = Plan((1, 2, 3), ((2,), (1,)), (2,))
PATIENCE = 8  # attempts without a value before ranges are tried


def option_values(layer: Layer, option: Option, sizes: dict[str, int]) -> list[Any]:
    """The values of an option worth trying, the default first; of several numbers each another one."""
    default: Any = option.default
    if option.shape:
        first = option.elements[0].of({option.name: default})
        few = option_values(layer, replace(option, default=first, shape=()), sizes)
        other = cycle([*few[1:], *few[:0:-1]])  # each place takes another number than the default, and than the next
        turned = (filled(option.shape, islice(cycle(few), n, None)) for n in range(2, max(3, len(few))))
        return [default, filled(option.shape, other), *turned]
    match option.kind:
        case "Positive":
            return [default, 0.25, 40.0]
        case "Scalar":
            return [default, 0.3, -0.6]
        case "Probability":
            return [default, 0.8]
        case "Fraction":
            return [default, 0.7]
        case "Count":
            return [default, *(n for n in (1, 2, 3) if n != default)]
        case "Natural":
            return [default, 1, 2]
        case "Integer":
            tensor = domain.compared_with(layer, option.name)
            axes = domain.index_ranges(layer, tensor) if tensor else ()
            if axes:
                return [default, *range(min(sizes.get(a, 0) for a in axes))]
            return list(dict.fromkeys((default, -2, 7, 1)))
        case "Flag":
            return [default, not default]
        case "Axis":
            return [default, 0, 1, -2]
        case "Choice":
            return [dict(layer.choice).get(option.name, default)]
        case "Activation":
            return [default, *sorted(n for n, v in REGISTRY.items() if v[0].elementwise and n != default)]
    raise TypeError(f"{layer.name}: no values for an option of kind {option.kind}")


def build(layer: Layer, source: Source, plan: Plan = Plan(), turn: int | None = None) -> Case:
    """One case. ``turn`` walks through the values of every option; without it they are drawn.

    Values that do not go together (a padding as large as the window) are given up one after another. Where the
    definition has no value at any numbers (a root of a negative one), ranges are tried. Of many TERMS axes are shorter.

    Raises:
        NoArguments: none were found that the definition accepts.
    """
    undefined, large = 0, list[Case]()
    sizes = sorted(plan.sizes) if len(plan.sizes) > 1 else [min(2, *plan.sizes)]  # those that are left in the end
    for attempt in range(plan.attempts):
        shorter = replace(plan, sizes=tuple(sizes[: max(2, len(sizes) - len(large) // 2)])) if large else plan
        freely = len(large) >= AT_ONCE  # with the turn's options there are many
        case = _attempt(layer, source, shorter, turn, attempt + KEPT * freely, undefined >= PATIENCE)
        try:
            if case is None:
                continue
            if len(large) < 2 * AT_ONCE and terms(case) > plan.terms * (1 + 3 * freely):
                large.append(case)
                if len(large) < 2 * AT_ONCE:
                    continue
                case = min(large, key=terms)
            elif not large and results(case) > plan.most and attempt < plan.attempts // 2:
                continue
            if plan.trusted or finite(case):
                return case
        except ArithmeticError:
            undefined += 1
    raise NoArguments(f"{layer.name}: no arguments with finite values were found in {plan.attempts} attempts")


def _attempt(layer: Layer, source: Source, plan: Plan, turn: int | None, attempt: int, careful: bool) -> Case | None:
    sizes = _sizes(layer, source, plan) | dict(plan.fixed)
    leading = source.pick(list(plan.leading))
    options: dict[str, Any] = {}
    for n, option in enumerate(layer.options):
        own = option.name in plan.options
        values = [plan.options[option.name]] if own else option_values(layer, option, sizes)
        if option.name in plan.depth:
            values = [coarse(v, plan.depth[option.name]) for v in values]
        if option.kind == "Axis":
            rank = len(leading) + 1
            values = [v for v in values if -rank <= v < rank]
        kept = attempt < KEPT or (attempt < plan.attempts // 2 and n == attempt % len(layer.options))
        if turn is None or not kept:
            options[option.name] = source.pick(values)
        else:
            options[option.name] = values[(turn + n * (turn // 2)) % len(values)]
        if option.kind == "Count" and option.axis:
            sizes[option.axis] = options[option.name]
    for axis, length in layer.sizes.items():
        if (known := layout.whole(length, sizes, options)) is not None:
            if known < 0:
                return None
            sizes[axis] = known
    shapes = Shapes(layer, source, plan, sizes, leading)
    must = domain.domains(layer)
    tensors: dict[str, Value] = {}
    for tensor in layer.inputs:
        if tensor.optional and (
            tensor.name in plan.absent or (turn % 3 == 0 if turn is not None else source.pick([False, False, True]))
        ):
            tensors[tensor.name] = None
            continue
        within = must.get(tensor.name)
        if careful and tensor.domain is None:
            within = source.pick(list(domain.ATTEMPTS))
        values = [_values(layer, tensor, source, s, sizes, within) for s in shapes.of(tensor)]
        if (move := layout.moved(Case(layer, {}, options), tensor)) is not None:
            values = [np.moveaxis(v, move[1], move[0]) for v in values]
        tensors[tensor.name] = values if tensor.sequence else values[0]
    case = Case(layer, tensors, options, ", ".join(f"{k}={short(v)}" for k, v in options.items()))
    given = {o.axis for o in layer.options if o.kind == "Count"}
    if any(n < plan.least for a, n in case.sizes.items() if a in layer.sizes and a not in given):
        return None
    return case


def _sizes(layer: Layer, source: Source, plan: Plan) -> dict[str, int]:
    """Sizes that are all different, as far as they go."""
    axes = [a for t in layer.inputs for a in (t.axes[1:] if t.sequence else t.axes)]
    names = [a for a in dict.fromkeys(axes) if a != ELLIPSIS and a not in layer.sizes]
    pool = source.shuffled(list(plan.sizes))
    while len(pool) < len(names):
        pool += source.shuffled(list(plan.sizes))
    return dict(zip(names, pool, strict=False)) | {
        a: n
        for a in layer.sizes
        if (n := layout.whole(layer.sizes[a], dict(zip(names, pool, strict=False)), _DEFAULT)) is not None
    }


class _Default(dict[str, Any]):
    """Options that are 1 everywhere, in each of their places too."""

    def __missing__(self, key: str) -> Any:
        return _Ones(1)


class _Ones(int):
    def __getitem__(self, place: int) -> _Ones:
        return self


_DEFAULT = _Default()


def _values(
    layer: Layer, tensor: Tensor, source: Source, shape: Shape, sizes: dict[str, int], within: Domain | None
) -> Array:
    if tensor.kind == "boolean":
        mask = source.booleans(shape)
        if mask.ndim > 1 and mask.shape[-2] > 1:  # a row that may look nowhere
            mask[..., -1, :] = False
        return mask
    if tensor.kind == "integer":
        if tensor.domain is not None and tensor.domain.signs:
            return 2 * source.integers(shape, 0, 2) - 1
        return source.integers(shape, *_whole_range(layer, tensor, sizes))
    values = source.reals(shape, within)
    if within is not None and within.simplex:
        along = tensor.axes.index(within.simplex) - len(tensor.axes)
        total = values.astype(np.float64).sum(axis=along, keepdims=True)
        values = (values / total).astype(values.dtype)
    return values


def _whole_range(layer: Layer, tensor: Tensor, sizes: dict[str, int]) -> tuple[int, int]:
    """From where to below where the integers of a tensor lie: as declared, or along the axes they point into."""
    declared = tensor.domain
    axes = {*domain.index_ranges(layer, tensor.name), *([declared.below] if declared and declared.below else [])}
    least, below = 0, min((sizes[a] for a in axes), default=3)
    if declared is not None:
        if declared.low is not None:
            least = math.floor(declared.low) + 1 if declared.low_open else math.ceil(declared.low)
        if declared.high is not None:
            below = math.ceil(declared.high) if declared.high_open else math.floor(declared.high) + 1
        elif not axes:
            below = least + 3
    return least, below


def composed(layer: Layer) -> bool:
    """Whether a layer is put together from several others.

    They have evidence of their own, over all their options and all numbers. What is left to show is that they are put
    together as the definition says: a wrong wire, a term left out, arguments exchanged show at any random numbers, so
    few cases are enough, and inputs need not be moved one after another. What that costs grows with the number of
    parts, not with its square.
    """
    return len(layer.calls) > 1


def some(layer: Layer, things: Sequence[T], rng: np.random.Generator) -> Iterator[T]:
    """All of them; a few, where the layer is put together from others."""
    if not composed(layer) or len(things) <= FEW:
        yield from things
        return
    yield from (things[i] for i in sorted(rng.permutation(len(things))[:FEW].tolist()))


def cases(layer: Layer, seed: int = 0, count: int | None = None, plan: Plan = Plan(), **how: Any) -> list[Case]:
    """Enough seeded cases that every option takes each of its values, by default."""
    if composed(layer):  # along an axis of one position a softmax has no gradient, and hides a wrong wire
        plan = replace(plan, sizes=tuple(n for n in plan.sizes if n > 1))
    longest = max((len(option_values(layer, o, dict.fromkeys("v", 3))) for o in layer.options), default=1)
    count = count or max(2, longest)
    source = Random(np.random.default_rng(seed), **how)
    drawn = np.dtype(source.dtype).str, source.ties, float(source.scale), float(source.offset)
    return once(layer, (seed, count, repr(plan), *drawn), lambda: [build(layer, source, plan, n) for n in range(count)])


def every(layer: Layer, seed: int = 0, plan: Plan = Plan(), **how: Any) -> list[Case]:
    """Those cases, and what they leave out: ties, axes that are all equal, leading shapes of two long axes."""
    if composed(layer):
        return cases(layer, seed, plan=plan, **how)
    square = replace(plan, sizes=(3,), leading=((3,), (3, 3)), depths=(2,))
    return [
        *cases(layer, seed, plan=plan, **how),
        *cases(layer, seed + 1, 2, plan, **{**how, "ties": True}),
        *cases(layer, seed + 2, 2, square, **how),
        *cases(layer, seed + 3, 1, replace(plan, leading=((2, 3),)), **how),
    ]


def like(value: Value, rng: np.random.Generator, dtype: Any = np.float64) -> Value:
    """Normal numbers of an array's shape, or of each array's in a list."""
    if isinstance(value, list):
        return [like(v, rng, dtype) for v in value]
    shape = value if isinstance(value, tuple) else np.shape(value)
    return np.asarray(rng.normal(size=shape)).astype(dtype)


def cotangents(case: Case, seed: int = 1, dtype: Any = np.float64) -> dict[str, Value]:
    """A random cotangent for every output that has a gradient, by the output's name."""
    rng = np.random.default_rng(seed)
    return {o: like(layout.shape_of(case, o), rng, dtype) for o in case.layer.differentiable_outputs}


def tangents(case: Case, seed: int = 2, dtype: Any = np.float64) -> dict[str, Value]:
    """A random tangent for every input that has a gradient."""
    rng = np.random.default_rng(seed)
    return {t.name: like(layout.shape_of(case, t.name), rng, dtype) for t in case.layer.differentiable}
