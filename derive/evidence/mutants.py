"""The strength of the evidence: wrong gradients must be noticed.

Every mutant of every equation of a backward pass (derive.evidence.mutate) is evaluated by the interpreter and
compared, one input after another, with central differences of the definition to 60 digits, along random
tangents and for random cotangents: the comparison that the property tests make. One that is noticed at none of
the first points is tried at more of them, and then evaluated at all of them to 60 digits, element by element. If
it equals the unchanged equation everywhere it is listed as equivalent, which the points make certain but for a
coincidence of probability zero where the equations are analytic; otherwise it has survived, and the leg fails.

Of a layer that is put together from others (derive.evidence.inputs.composed) some mutants are drawn, those of its own
equations first, and gradients that are taken for one another; all inputs are moved at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.calculus.parts import by_parts
from derive.evidence import inputs, world
from derive.evidence.altered import alterable, altered
from derive.evidence.interpret import Interpreter
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements, elements
from derive.evidence.mutate import Mutant, mutants
from derive.evidence.numbers import FLOAT, MP, Numbers
from derive.evidence.result import Result
from derive.notation.expr import tensors
from derive.notation.layer import Equation

STEP = MP.exact(10) ** -20
LIMIT_FLOAT, LIMIT = 1e-6, 1e-30
TANGENTS = 2
MORE_POINTS = 3
SOME = 15  # of each kind of mutant, in a layer that is put together from others


@dataclass(frozen=True)
class Score:
    """How many mutants there were and what became of them."""

    layer: str
    killed: int
    equivalent: tuple[Mutant, ...]
    survivors: tuple[Mutant, ...]

    @property
    def total(self) -> int:
        """Without the equivalent ones, which are no mistakes."""
        return self.killed + len(self.survivors)

    def result(self) -> Result:
        text = f"{self.killed}/{self.total} killed, {len(self.equivalent)} equivalent"
        detail = "; ".join([text, *(f"survived: {m}" for m in self.survivors)])
        worst = len(self.survivors) / max(1, self.total)
        return Result("mutants", self.layer, not self.survivors, worst, "share that survived", self.total, detail)


@dataclass
class Point:
    """One case with everything that does not depend on the mutant."""

    derivation: Derivation
    case: Case
    seed: int

    def __post_init__(self) -> None:
        self.cotangents = inputs.cotangents(self.case, self.seed)
        self.tangents = [inputs.tangents(self.case, self.seed + 7 + n) for n in range(TANGENTS)]
        names = tuple(self.derivation.gradients)
        self.groups = [names] if inputs.composed(self.derivation.layer) else [(name,) for name in names]
        self.along = {
            numbers.name: [{n: elements(self.case, n, v, numbers.exact) for n, v in t.items()} for t in self.tangents]
            for numbers in (FLOAT, MP)
        }
        # found where they are asked for: most changes are noticed at once
        self.slopes: dict[tuple[tuple[str, ...], int], Any] = {}
        self.forward: dict[str, dict[str, Elements]] = {}  # by the numbers' name
        self.runs: dict[str, Interpreter] = {}  # of the unchanged equations, by the numbers' name

    def slope(self, group: tuple[str, ...], n: int) -> Any:
        """The slope of the definition along the n-th tangents of some inputs.

        Raises:
            AssertionError: the unchanged equations have another one.
        """
        if (group, n) not in self.slopes:
            self.slopes[group, n] = slope = self.difference({name: self.tangents[n][name] for name in group})
            words = f"{self.derivation.layer.name}: unchanged equations fail"
            assert not self.apart(self.unchanged(MP), group, n, MP, LIMIT, slope), words
        return self.slopes[group, n]

    def difference(self, along: Arrays) -> Any:
        """The central difference of the definition along some inputs."""
        weights = {o: elements(self.case, o, v, MP.exact) for o, v in self.cotangents.items()}
        sides = []
        for step in (STEP, -STEP):
            run = world.forward(self.case, MP, world.shifted(self.case, along, step))
            sides.append(world.contracted(weights, {o: run.values(o, o) for o in weights}))
        return (sides[0] - sides[1]) / (2 * STEP)

    def everything(self, numbers: Numbers) -> dict[str, Elements]:
        """All that the definition computes."""
        run = world.backward(self.derivation, self.case, self.cotangents, numbers, ())
        for name in list(run.equations):
            for index in run.indices(name):
                run.element(name, index)
        return {name: run.store[name] for name in run.equations}

    def run(self, equations: tuple[Equation, ...], numbers: Numbers) -> Interpreter:
        if numbers.name not in self.forward:
            self.forward[numbers.name] = self.everything(numbers)
        forward = self.forward[numbers.name]
        return world.backward(self.derivation, self.case, self.cotangents, numbers, equations, forward)

    def unchanged(self, numbers: Numbers) -> Interpreter:
        """The unchanged equations, all that they compute computed."""
        if numbers.name not in self.runs:
            run = self.runs[numbers.name] = self.run(self.derivation.backward, numbers)
            for name in dict.fromkeys(e.target for e in self.derivation.backward):
                for index in run.indices(name):
                    run.element(name, index)
        return self.runs[numbers.name]

    @contextmanager
    def changed(self, n: int, after: Equation, reached: set[str], numbers: Numbers) -> Iterator[Interpreter]:
        """The equations with another one for the n-th; of what they compute only ``reached`` is computed again."""
        before = self.derivation.backward
        if alterable(before[n], after):
            run = self.unchanged(numbers)
            with altered(run, before[n], after, reached):
                yield run
        else:
            yield self.run((*before[:n], after, *before[n + 1 :]), numbers)

    def notices(self, n: int, after: Equation, reached: set[str], numbers: Numbers, limit: float) -> bool:
        """Whether the property tests' comparison fails with another equation for the n-th.

        ``reached`` are the tensors that the change reaches.
        """
        gradients = self.derivation.gradients
        groups = [g for g in self.groups if reached & {gradients[name] for name in g}]
        for t in range(TANGENTS):
            slopes = [self.slope(g, t) for g in groups]
            try:
                with self.changed(n, after, reached, numbers) as run:
                    if any(self.apart(run, g, t, numbers, limit, s) for g, s in zip(groups, slopes, strict=True)):
                        return True
            except (ArithmeticError, ValueError):
                return True  # a kernel that divides by zero is noticed
        return False

    def apart(
        self, run: Interpreter, group: tuple[str, ...], n: int, numbers: Numbers, limit: float, slope: Any
    ) -> bool:
        """Whether the gradients of some inputs, along the n-th tangents, are not that slope."""
        wanted = numbers.exact(slope)
        values = {name: run.values(self.derivation.gradients[name], name) for name in group}
        along = self.along[numbers.name][n]
        got = world.contracted(values, along, numbers)
        terms = (abs(v * along[name][i]) for name, own in values.items() for i, v in own.items())
        return not abs(got - wanted) <= limit * max(1, abs(wanted), *terms)

    def same(self, n: int, after: Equation, reached: set[str]) -> bool:
        """Whether the equations with another one for the n-th give the same gradients, element by element."""
        adjoints = {name: a for name, a in self.derivation.gradients.items() if a in reached}
        run = self.unchanged(MP)
        before = {name: run.values(a, name) for name, a in adjoints.items()}
        try:
            with self.changed(n, after, reached, MP) as run:
                for name, adjoint in adjoints.items():
                    own = run.values(adjoint, name)
                    if any(not abs(v - before[name][i]) <= LIMIT * max(1, abs(v)) for i, v in own.items()):
                        return False
            return True
        except (ArithmeticError, ValueError):
            return False


def readers(equations: tuple[Equation, ...]) -> dict[str, set[str]]:
    """Which tensors are computed from each."""
    found: dict[str, set[str]] = {}
    for e in equations:
        for name in tensors(e.body):
            found.setdefault(name, set()).add(e.target)
    return found


def reach(read_by: dict[str, set[str]], changed: str) -> set[str]:
    """The tensors that a change to one of them reaches."""
    found, open_ = {changed}, [changed]
    while open_:
        new = read_by.get(open_.pop(), set()) - found
        found |= new
        open_ += new
    return found


def points(derivation: Derivation, seed: int, count: int | None = None) -> list[Point]:
    plan = inputs.Plan((2, 3, 4, 5) if derivation.layer.sizes else (2, 3, 4), ((2,), (3,)), (3, 2), least=2)
    found = [Point(derivation, c, seed + n) for n, c in enumerate(inputs.cases(derivation.layer, seed, count, plan))]
    return sorted(found, key=lambda p: math.prod(p.case.sizes.values()))  # most changes are noticed at the first


def score(derivation: Derivation, seed: int = 0) -> Score:
    """Try every mutant of a layer's backward equations.

    Raises:
        AssertionError: the unchanged equations do not pass their own comparison.
    """
    at = points(derivation, seed)
    unchanged = derivation.backward
    for group in at[0].groups:
        at[0].slope(group, 0)
    killed = 0
    equivalent: list[Mutant] = []
    survivors: list[Mutant] = []
    spare: list[Point] = []
    read_by = readers(unchanged)
    for n, mutant in chosen(derivation, seed):
        reached = reach(read_by, mutant.after.target)
        change = n, mutant.after, reached
        if any(p.notices(*change, FLOAT, LIMIT_FLOAT) for p in at) or any(p.notices(*change, MP, LIMIT) for p in at):
            killed += 1
            continue
        spare = spare or points(
            derivation, seed + 100, 1 if inputs.composed(derivation.layer) else MORE_POINTS * len(at)
        )
        if any(p.notices(*change, MP, LIMIT) for p in spare):
            killed += 1
        else:
            (equivalent if all(p.same(*change) for p in at + spare) else survivors).append(mutant)
    return Score(derivation.layer.name, killed, tuple(equivalent), tuple(survivors))


def chosen(derivation: Derivation, seed: int) -> Iterator[tuple[int, Mutant]]:
    """The mutants that are tried, with the number of their equation."""
    every = [(n, m) for n, e in enumerate(derivation.backward) for m in mutants(e)]
    if not inputs.composed(derivation.layer):
        yield from every
        return
    rng = np.random.default_rng(seed)
    own = {e.lhs for e in by_parts(derivation).adjoint.equations}
    wires = list(exchanged(derivation.backward))
    of_parts = [(n, m) for n, m in every if m.before.lhs not in own]
    for some in ([(n, m) for n, m in every if m.before.lhs in own], wires, of_parts):
        yield from (some[i] for i in sorted(rng.permutation(len(some))[:SOME].tolist()))


def exchanged(equations: tuple[Equation, ...]) -> Iterator[tuple[int, Mutant]]:
    """Each equation with the right side of the next one that has the same axes: a part's gradient for another's."""
    last: dict[tuple[Any, ...], int] = {}
    for n, e in enumerate(equations):
        before = last.get(e.left)
        if before is not None and equations[before].body != e.body and e.target not in tensors(equations[before].body):
            yield n, Mutant("wrong wire", e, replace(e, body=equations[before].body))
        last[e.left] = n
