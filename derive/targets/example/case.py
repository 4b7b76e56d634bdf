"""A small case of a layer in numbers of few digits, and everything that its equations say of it.

Nothing is typed for a layer: sizes, inputs and cotangents come from its signature, values from the brute-force
interpreter of its equations, to 60 digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import domain, inputs, layout, world
from derive.evidence.interpret import Interpreter
from derive.evidence.layout import Case, Elements, Shape, Value
from derive.evidence.numbers import FLOAT, MP, Numbers
from derive.notation.domain import Domain
from derive.targets.example import sizes

Array = np.ndarray[Any, np.dtype[Any]]

HALVES = tuple(Fraction(n, 2) for n in (2, -2, 4, 1, -1, 3, -4, -3, 6, -6))  # none is 0, where functions have kinks
TENTHS = tuple(Fraction(n, 10) for n in (2, 5, 3, 7, 4, 6, 1, 8, 9))
ATTEMPTS = 10
STEP = 1e-4  # of the difference that shows a kink
CLOSE = 1e-3
FEW = 0.03  # of the numbers may be hard to read
READABLE = (0.02, 100.0)  # a number outside is hard to follow


@dataclass
class Digits:
    """A source of arguments (derive.evidence.inputs.Source) of few digits."""

    rng: np.random.Generator
    turn: int = 0

    def pick(self, choices: list[Any]) -> Any:
        self.turn += 1
        return choices[(self.turn - 1) % len(choices)]

    def shuffled(self, choices: list[Any]) -> list[Any]:
        return choices

    def reals(self, shape: Shape, within: Domain | None) -> Array:
        pool = numbers_in(within)
        count = int(np.prod(shape))
        drawn = [pool[i] for _ in range(1 + count // len(pool)) for i in self.rng.permutation(len(pool))]
        return np.array([float(v) for v in drawn[:count]]).reshape(shape)

    def integers(self, shape: Shape, least: int, below: int) -> Array:
        count, span = int(np.prod(shape)), max(1, below - least)
        drawn = [least + int(i) for _ in range(1 + count // span) for i in self.rng.permutation(span)]
        return np.array(drawn[:count], dtype=np.int64).reshape(shape)

    def booleans(self, shape: Shape) -> Array:
        return np.ones(shape, bool)


def numbers_in(within: Domain | None) -> list[Fraction]:
    """Numbers of few digits in a domain."""
    if within is None:
        return list(HALVES)
    found = [v for v in (*HALVES, *TENTHS) if within.holds(v)]
    if len(found) < 3 or (within.low == 0 and within.high == 1):
        found = [v for v in TENTHS if within.holds(v)]
    if len(found) < 3:
        ends = [0 if e is None else e for e in (within.low, within.high)]
        low, high = ends[0], ends[1] if within.high is not None else ends[0] + 2
        if within.low is None:
            low = high - 2
        found = [low + (high - low) * Fraction(n, 8) for n in (3, 5, 2, 6, 4, 7)]
    return found


@dataclass
class Example:
    """A case, cotangents, and the values of every tensor there.

    Attributes:
        cotangents: by the output's name.
        run: the interpreter of forward and backward.
    """

    derivation: Derivation
    case: Case
    cotangents: dict[str, Value]
    run: Interpreter

    def elements(self, name: str) -> Elements:
        """All elements of a tensor, those at places before the first left out."""
        return {i: self.run.element(name, i) for i in self.run.indices(name) if all(n >= 0 for n in i)}

    @cached_property
    def main(self) -> tuple[str, str] | None:
        """The output and the input whose Jacobian is shown: the first that have one, and none where something is
        stopped: there the gradient is not how the value moves."""
        if domain.stops(self.case.layer, self.case.options):
            return None
        outputs, gradients = self.case.layer.differentiable_outputs, list(self.derivation.gradients)
        return (outputs[0], gradients[0]) if outputs and gradients else None

    def jacobian(self) -> list[list[float]]:
        """The derivatives of the main output's elements with respect to the main input's, a row for each output: what
        backward gives of a cotangent that is 1 there and 0 elsewhere."""
        assert self.main is not None
        output, name = self.main
        rows = []
        for at in layout.every(self.case, output):
            given = {o: layout.one_hot(self.case, o, at if o == output else None) for o in self.cotangents}
            run = world.backward(self.derivation, self.case, given, FLOAT)
            rows.append([float(v) for v in run.values(self.derivation.gradients[name], name).values()])
        largest = max((abs(v) for row in rows for v in row), default=0.0)
        return [[0.0 if abs(v) <= 1e-12 * largest else v for v in row] for row in rows]


def example(derivation: Derivation) -> Example | None:
    """The example of a layer; None where no small case has finite values.

    Of some that are drawn the one with the fewest numbers that are hard to read, away from kinks and ties.
    """
    layer = derivation.layer
    options = {o.name: dict(layer.choice).get(o.name, o.default) for o in layer.options}
    lengths = sizes.chosen(layer, derivation.tensors, options)
    if sizes.count(layer, derivation.tensors, sizes.whole(layer, options, lengths)) > 4 * sizes.MOST:
        return None
    fixed = {a: n for a, n in lengths.items() if a != "..."}
    plan = inputs.Plan((2, 3), sizes.leading(lengths), (sizes.ENTRIES,), 8, 1, True, fixed, options)
    found: tuple[float, Case, dict[str, Value]] | None = None
    for seed in range(ATTEMPTS):
        source = Digits(np.random.default_rng(seed))
        try:
            case = masked(inputs.build(layer, source, plan, turn=1))
            given = {o: cotangent(case, o, source) for o in layer.differentiable_outputs}
            hard = difficulty(derivation, case, given)
        except (ArithmeticError, ValueError, LookupError):  # none, a root of a negative number, a length nothing says
            continue
        if found is None or hard < found[0]:
            found = hard, case, given
        if hard <= FEW * sizes.count(layer, derivation.tensors, sizes.whole(layer, options, lengths)):
            break
    if found is None or found[0] == np.inf:
        return None
    _, case, given = found
    whole = Example(derivation, case, given, at(derivation, case, given, MP))
    try:
        every = [whole.elements(e.target) for e in (*layer.equations, *derivation.backward)]
    except LookupError:  # of a length that only a call inside knows
        return None
    return whole if all(every) else None


def at(derivation: Derivation, case: Case, given: dict[str, Value], numbers: Numbers) -> Interpreter:
    return world.backward(derivation, case, given, numbers) if derivation.backward else world.forward(case, numbers)


def masked(case: Case) -> Case:
    """The case, numbers rounded to what is printed of them; a mask hides one place."""
    moved: dict[str, Value] = {}
    for tensor in case.layer.inputs:
        value = case.tensors[tensor.name]
        if tensor.kind == "boolean" and value is not None and np.size(value) > 1:
            moved[tensor.name] = np.arange(np.size(value)).reshape(np.shape(value)) != np.size(value) - 1
        elif tensor.kind == "real":
            moved[tensor.name] = [np.round(v, 4) for v in value] if tensor.sequence else np.round(value, 4)
    return world.restricted(case, moved)


def cotangent(case: Case, output: str, source: Digits) -> Value:
    """1 for a single number, which makes the gradient that of the output; else numbers as inputs have."""
    shape = layout.shape_of(case, output)
    if shape == ():
        return np.ones(())
    return [source.reals(s, None) for s in shape] if isinstance(shape, list) else source.reals(shape, None)


def difficulty(derivation: Derivation, case: Case, given: dict[str, Value]) -> float:
    """How many numbers are hard to read; infinite where some are not finite, or where there is a kink.

    Raises:
        ArithmeticError: the definition has no value there.
    """
    run = at(derivation, case, given, FLOAT)
    names = [*dict.fromkeys(e.target for e in (*case.layer.equations, *derivation.backward))]
    values = [float(run.element(n, i)) for n in names for i in run.indices(n)]
    if not all(map(np.isfinite, values)):
        return np.inf
    hard = sum(v != 0 and not READABLE[0] <= abs(v) <= READABLE[1] for v in values)
    gradients = [run.values(g, n) for n, g in derivation.gradients.items()]
    hard += sum(not any(g.values()) for g in gradients)
    return float(hard) if smooth(derivation, case, given, run) else np.inf


def smooth(derivation: Derivation, case: Case, given: dict[str, Value], run: Interpreter) -> bool:
    """Whether a difference along some direction is what the gradient says: at a kink it is not."""
    if not derivation.gradients:
        return True
    rng = np.random.default_rng(1)
    along = {n: inputs.like(layout.shape_of(case, n), rng) for n in derivation.gradients}
    values = {}
    numbers = MP if domain.stops(case.layer, case.options) else FLOAT  # what is stopped is held in decimals alone
    for step in (STEP, -STEP):
        moved = world.forward(case, numbers, world.shifted(case, along, step, numbers))
        values[step] = sum(
            float(w) * float(moved.element(o, i))
            for o, v in given.items()
            for i, w in layout.elements(case, o, v, float).items()
        )
    difference = (values[STEP] - values[-STEP]) / (2 * STEP)
    slope = sum(
        float(d) * float(run.element(derivation.gradients[n], i))
        for n, v in along.items()
        for i, d in layout.elements(case, n, v, float).items()
    )
    return bool(abs(difference - slope) <= CLOSE * (1 + abs(slope)))
