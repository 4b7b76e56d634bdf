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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.calculus.parts import by_parts
from derive.evidence import inputs, world
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
        self.slopes = [{g: self.slope({n: t[n] for n in g}) for g in self.groups} for t in self.tangents]
        self.forward = {numbers.name: self.everything(numbers) for numbers in (FLOAT, MP)}
        self.along = {
            numbers.name: [{n: elements(self.case, n, v, numbers.exact) for n, v in t.items()} for t in self.tangents]
            for numbers in (FLOAT, MP)
        }
        self.unchanged: dict[str, dict[str, Elements]] = {}

    def slope(self, along: Arrays) -> Any:
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

    def run(
        self, equations: tuple[Equation, ...], numbers: Numbers, given: dict[str, Elements] | None = None
    ) -> Interpreter:
        known = {**self.forward[numbers.name], **(given or {})}
        return world.backward(self.derivation, self.case, self.cotangents, numbers, equations, known)

    def before(self, numbers: Numbers) -> dict[str, Elements]:
        """All that the unchanged equations compute."""
        if numbers.name not in self.unchanged:
            run = self.run(self.derivation.backward, numbers)
            for name in dict.fromkeys(e.target for e in self.derivation.backward):
                for index in run.indices(name):
                    run.element(name, index)
            self.unchanged[numbers.name] = {e.target: run.store[e.target] for e in self.derivation.backward}
        return self.unchanged[numbers.name]

    def notices(
        self,
        equations: tuple[Equation, ...],
        numbers: Numbers,
        limit: float,
        reached: set[str] | None = None,
    ) -> bool:
        """Whether the property tests' comparison fails for these equations, of which one was changed.

        ``reached`` are the tensors that the change reaches; all, if it is left out.
        """
        try:
            kept = {} if reached is None else {n: v for n, v in self.before(numbers).items() if n not in reached}
            run, gradients = self.run(equations, numbers, kept), self.derivation.gradients
            for group in self.groups:
                if reached is not None and not reached & {gradients[name] for name in group}:
                    continue
                values = {name: run.values(gradients[name], name) for name in group}
                for along, slopes in zip(self.along[numbers.name], self.slopes, strict=True):
                    wanted = numbers.exact(slopes[group])
                    got = world.contracted(values, along, numbers)
                    terms = (abs(v * along[n][i]) for n, own in values.items() for i, v in own.items())
                    if not abs(got - wanted) <= limit * max(1, abs(wanted), *terms):
                        return True
        except (ArithmeticError, ValueError):
            return True  # a kernel that divides by zero is noticed
        return False

    def same(self, equations: tuple[Equation, ...], reached: set[str]) -> bool:
        """Whether these equations give the gradients of the unchanged ones, element by element."""
        before = self.before(MP)
        try:
            run = self.run(equations, MP, {n: v for n, v in before.items() if n not in reached})
            for name, adjoint in self.derivation.gradients.items():
                if adjoint in reached:
                    own = run.values(adjoint, name)
                    if any(not abs(v - before[adjoint][i]) <= LIMIT * max(1, abs(v)) for i, v in own.items()):
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
    return [Point(derivation, c, seed + n) for n, c in enumerate(inputs.cases(derivation.layer, seed, count, plan))]


def score(derivation: Derivation, seed: int = 0) -> Score:
    """Try every mutant of a layer's backward equations.

    Raises:
        AssertionError: the unchanged equations do not pass their own comparison.
    """
    at = points(derivation, seed)
    unchanged = derivation.backward
    assert not any(p.notices(unchanged, MP, LIMIT) for p in at), f"{derivation.layer.name}: unchanged equations fail"
    killed = 0
    equivalent: list[Mutant] = []
    survivors: list[Mutant] = []
    spare: list[Point] = []
    read_by = readers(unchanged)
    for n, mutant in chosen(derivation, seed):
        changed = (*unchanged[:n], mutant.after, *unchanged[n + 1 :])
        reached = reach(read_by, mutant.after.target)
        if any(p.notices(changed, FLOAT, LIMIT_FLOAT, reached) for p in at) or any(
            p.notices(changed, MP, LIMIT, reached) for p in at
        ):
            killed += 1
            continue
        spare = spare or points(
            derivation, seed + 100, 1 if inputs.composed(derivation.layer) else MORE_POINTS * len(at)
        )
        if any(p.notices(changed, MP, LIMIT, reached) for p in spare):
            killed += 1
        else:
            (equivalent if all(p.same(changed, reached) for p in at + spare) else survivors).append(mutant)
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
