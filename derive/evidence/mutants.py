"""The strength of the evidence: wrong gradients must be noticed.

Every mutant of every equation of a backward pass (derive.evidence.mutate) is evaluated by the interpreter and
compared, one input after another, with central differences of the definition to 60 digits, along random
tangents and for random cotangents: the comparison that the property tests make. One that is noticed at none of
the first points is tried at more of them, and then evaluated at all of them to 60 digits, element by element. If
it equals the unchanged equation everywhere it is listed as equivalent, which the points make certain but for a
coincidence of probability zero where the equations are analytic; otherwise it has survived, and the leg fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.calculus.derivation import Derivation
from derive.evidence import inputs, world
from derive.evidence.interpret import Interpreter
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
        self.slopes = [
            {name: self.slope(name, tangents[name]) for name in self.derivation.gradients} for tangents in self.tangents
        ]
        self.forward = {numbers.name: self.everything(numbers) for numbers in (FLOAT, MP)}
        self.along = {
            numbers.name: [{n: elements(self.case, n, v, numbers.exact) for n, v in t.items()} for t in self.tangents]
            for numbers in (FLOAT, MP)
        }

    def slope(self, name: str, tangent: Any) -> Any:
        """The central difference of the definition along one input."""
        weights = {o: elements(self.case, o, v, MP.exact) for o, v in self.cotangents.items()}
        sides = []
        for step in (STEP, -STEP):
            run = world.forward(self.case, MP, world.shifted(self.case, {name: tangent}, step))
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
        given = self.forward[numbers.name]
        return world.backward(self.derivation, self.case, self.cotangents, numbers, equations, given)

    def notices(
        self, equations: tuple[Equation, ...], numbers: Numbers, limit: float, changed: str | None = None
    ) -> bool:
        """Whether the property tests' comparison fails for these equations, of which one was changed."""
        run = self.run(equations, numbers)
        reached = reach(equations, changed)
        try:
            for name, adjoint in self.derivation.gradients.items():
                if adjoint not in reached:
                    continue
                values = run.values(adjoint, name)
                for along, slopes in zip(self.along[numbers.name], self.slopes, strict=True):
                    wanted = numbers.exact(slopes[name])
                    got = world.contracted({name: values}, along, numbers)
                    scale = max(1, abs(wanted), *(abs(v * along[name][i]) for i, v in values.items()))
                    if not abs(got - wanted) <= limit * scale:
                        return True
        except (ArithmeticError, ValueError):
            return True  # a kernel that divides by zero is noticed
        return False

    def same(self, equations: tuple[Equation, ...]) -> bool:
        """Whether these equations give the gradients of the unchanged ones, element by element."""
        try:
            one = world.gradients(self.derivation, self.run(self.derivation.backward, MP))
            two = world.gradients(self.derivation, self.run(equations, MP))
            return all(abs(v - two[n][i]) <= LIMIT * max(1, abs(v)) for n, own in one.items() for i, v in own.items())
        except (ArithmeticError, ValueError):
            return False


def reach(equations: tuple[Equation, ...], changed: str | None) -> set[str]:
    """The tensors that a change to one of them reaches; all, if none is named."""
    if changed is None:
        return {e.target for e in equations}
    found, size = {changed}, 0
    while len(found) > size:
        size = len(found)
        found |= {e.target for e in equations if found & set(tensors(e.body))}
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
    for n, equation in enumerate(unchanged):
        for mutant in mutants(equation):
            changed = (*unchanged[:n], mutant.after, *unchanged[n + 1 :])
            target = equation.target
            if any(p.notices(changed, FLOAT, LIMIT_FLOAT, target) for p in at) or any(
                p.notices(changed, MP, LIMIT, target) for p in at
            ):
                killed += 1
                continue
            spare = spare or points(derivation, seed + 100, MORE_POINTS * len(at))
            if any(p.notices(changed, MP, LIMIT, target) for p in spare):
                killed += 1
            else:
                (equivalent if all(p.same(changed) for p in at + spare) else survivors).append(mutant)
    return Score(derivation.layer.name, killed, tuple(equivalent), tuple(survivors))
