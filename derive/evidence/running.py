"""Running error analysis: equations in balls that hold whatever rounding may give; see derive.evidence.enclosure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from derive.calculus.derivation import Derivation
from derive.evidence import kernels, layout, world
from derive.evidence.balls import rounding
from derive.evidence.condition import Ties
from derive.evidence.interpret import Interpreter
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import Numbers
from derive.notation.layer import Equation

WORKING = 160


@dataclass(frozen=True)
class Manner:
    """How else numbers are rounded than by each operation's result.

    Attributes:
        products: the exponent of the unit roundoff that factors are rounded with first (-11 for TF32).
        stored: that of the format in which the tensors that a definition names are kept.
        moved: whether the caller's numbers are taken as if rounded once more. Without it ties stay ties.
        slopes: units of 1 that a function's slope may lose besides: 1 - tanh(x)^2 loses what rounding has taken from
            tanh(x), wherever it is computed from the rounded value.
        kept: that of the format in which the result of every operator is kept, where an operator is a function of its
            own, as in a composition of a library's: sums over axes are added up as before, and then rounded.
    """

    products: int | None = None
    stored: int | None = None
    moved: bool = True
    slopes: int = 0
    kept: int | None = None

    def unit(self, exponent: int) -> int:
        """The exponent of the unit roundoff of what is kept, where sums have that of ``exponent``."""
        return exponent if self.kept is None else self.kept


PLAIN = Manner()


class Pool:
    """Elements that the analysis of one function has computed and that of another one needs: a definition's own tensors
    are the same in all of them, and the adjoints of backward are the beginning of second order."""

    def __init__(self) -> None:
        self.known: dict[Any, dict[str, Elements]] = {}
        self.outside: dict[Any, Any] = {}

    def lend(self, run: Interpreter, *groups: Iterable[Equation], numbers: tuple[float, ...]) -> None:
        """Let an interpreter that has computed nothing find and keep elements here.

        Args:
            groups: equations whose tensors are made of arguments, cotangents and those of the groups before.
            numbers: what the arithmetic depends on.
        """
        run.outside = self.outside.setdefault(numbers, run.outside)
        targets: set[str] = set()
        for group in groups:
            targets |= {e.target for e in group}
            own = frozenset(e for t in targets for e in run.equations.get(t, ()))
            ends = frozenset((k, n) for some in (run.lowest, run.behind) for k, n in some.items() if k[0] in targets)
            if targets <= run.equations.keys():
                known = self.known.setdefault((numbers, own, ends), {})
                for t in targets:
                    run.store[t] = known.setdefault(t, run.store.get(t, {}))

    def settle(self, ties: Ties | None) -> None:
        """Forget everything where a tie was met, so that others meet it, too."""
        if ties is not None and ties.met:
            self.known.clear()


def seeded(numbers: Numbers, exponent: int, moved: bool = True) -> Any:
    """Numbers of the caller, as if rounded once more."""
    import flint

    if not moved:
        return lambda value: numbers.exact(float(value))

    def seed(value: Any) -> Any:
        v = numbers.exact(float(value))
        return v + flint.arb(0, (abs(v) * flint.arb(2) ** exponent).abs_upper())

    return seed


def arithmetic_of(exponent: int, lost: tuple[float, ...], ties: Ties | None, manner: Manner = PLAIN) -> Numbers:
    """The number system of the analysis; see derive.evidence.balls.rounding for what is lost to underflow."""
    numbers = rounding(exponent, *lost)
    if manner.kept is not None:
        numbers = _one_by_one(numbers, manner.kept)
    if manner.products is not None:
        numbers = replace(numbers, mul=_coarse_product(numbers, manner.products))
    if manner.stored is not None:
        numbers = replace(numbers, stored=_widened(manner.stored))
    if manner.slopes:
        numbers = replace(numbers, sloped=_lessened(manner.unit(exponent), manner.slopes))
    return ties.noted(numbers) if ties else numbers


def _lessened(exponent: int, units: int) -> Callable[[Any], Any]:
    """A number that has lost so many units of 1."""
    import flint

    away = flint.arb(0, (flint.arb(2) ** exponent * units).abs_upper())
    return lambda v: v + away


def _widened(exponent: int) -> Callable[[Any], Any]:
    """A number rounded once more, to a format of that unit roundoff."""
    import flint

    unit = flint.arb(2) ** exponent
    return lambda v: v + flint.arb(0, (abs(v) * unit).abs_upper())


#: The exponent of how often: an operator of ours may be two of another formula, as where x - y is taken away from what
#: has been rounded for a result before.
TWICE = 1
EXACT = ("abs", "max", "floor", "round", "stop_gradient")  # what gives one of its arguments, or a whole number


def _one_by_one(numbers: Numbers, exponent: int) -> Numbers:
    """Every operator's result rounded to a format of that unit roundoff."""
    import flint

    exponent += TWICE
    kept, total, unit = _widened(exponent), numbers.total, flint.arb(2) ** exponent
    assert total is not None

    def rounded(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *a: kept(f(*a))

    def mul(a: Any, b: Any) -> Any:
        found = numbers.mul(a, b)
        return found if a in (1, -1) or b in (1, -1) else kept(found)

    def addends(values: list[Any]) -> Any:
        size = sum((abs(v) for v in values[1:]), abs(values[0]))
        return total(values) + flint.arb(0, (size * unit * (len(values) - 1)).abs_upper())

    functions = {n: f if n in EXACT else rounded(f) for n, f in numbers.functions.items()}
    found = replace(numbers, add=rounded(numbers.add), mul=mul, functions=functions, addends=addends)
    return replace(
        found,
        power=lambda a, b: a if b == 1 else kept(numbers.power(a, b)),
        raised=rounded(numbers.raised),
        total=lambda values: total(values) if len(values) == 1 else kept(total(values)),
    )


def _coarse_product(numbers: Numbers, exponent: int) -> Callable[[Any, Any], Any]:
    """A product of factors rounded to a narrower format first."""
    narrow, mul = _widened(exponent), numbers.mul
    return lambda a, b: mul(narrow(a), narrow(b)) if a != 1 and b != 1 else mul(a, b)


def bounds_forward(
    case: Case,
    exponent: int,
    *lost: float,
    ties: Ties | None = None,
    manner: Manner = PLAIN,
    pool: Pool | None = None,
) -> dict[str, Elements]:
    """For every output element, the ball that holds whatever rounding may give.

    A ``pool`` is for analyses of one case along the same cotangents.
    """
    numbers = arithmetic_of(exponent, lost, ties, manner)
    run = world.forward(case, numbers, _seeds(case, seeded(numbers, manner.unit(exponent), manner.moved)))
    pool = pool or Pool()
    pool.lend(run, case.layer.equations, numbers=(exponent, *lost))
    found = {o: run.values(o, o) for o in case.layer.outputs}
    pool.settle(ties)
    return found


def bounds_backward(
    derivation: Derivation,
    case: Case,
    cotangents: Arrays,
    exponent: int,
    *lost: float,
    ties: Ties | None = None,
    manner: Manner = PLAIN,
    pool: Pool | None = None,
) -> dict[str, Elements]:
    """The same for every gradient's elements."""
    numbers = arithmetic_of(exponent, lost, ties, manner)
    seed = seeded(numbers, manner.unit(exponent), manner.moved)
    given = _seeds(case, seed, (cotangents, derivation.adjoint.cotangents))
    run = world.backward(derivation, case, cotangents, numbers, given=given)
    pool = pool or Pool()
    pool.lend(run, case.layer.equations, _adjoints(derivation), numbers=(exponent, *lost))
    found = world.gradients(derivation, run)
    pool.settle(ties)
    return found


def _adjoints(derivation: Derivation) -> tuple[Equation, ...]:
    return derivation.adjoint.auxiliary + derivation.backward


def bounds_tangent(
    derivation: Derivation,
    case: Case,
    tangents: Arrays,
    exponent: int,
    *lost: float,
    ties: Ties | None = None,
    pool: Pool | None = None,
) -> dict[str, Elements]:
    """The same for the elements of every output's tangent."""
    numbers = arithmetic_of(exponent, lost, ties)
    names = derivation.tangent.names
    run = world.tangent(derivation, case, numbers, _seeds(case, seeded(numbers, exponent), (tangents, names)))
    pool = pool or Pool()
    pool.lend(run, case.layer.equations, numbers=(exponent, *lost))
    found = {o: run.values(names[o], o) for o in case.layer.differentiable_outputs if o in names}
    pool.settle(ties)
    return found


def bounds_second(
    derivation: Derivation,
    case: Case,
    cotangents: Arrays,
    along: Arrays,
    exponent: int,
    *lost: float,
    ties: Ties | None = None,
    pool: Pool | None = None,
) -> dict[str, Elements]:
    """The same for every second gradient's elements, by the name of an input, or of an output for its cotangent's."""
    numbers = arithmetic_of(exponent, lost, ties)
    first, second = derivation.adjoint.cotangents, derivation.second
    again = {n: second.adjoint.cotangents[g] for n, g in derivation.gradients.items()}
    given = _seeds(case, seeded(numbers, exponent), (cotangents, first), (along, again))
    run = world.second(derivation, case, numbers, given)
    pool = pool or Pool()
    pool.lend(run, case.layer.equations, _adjoints(derivation), numbers=(exponent, *lost))
    wanted = first | {t.name: t.name for t in case.layer.differentiable}
    found = {n: run.values(second.names[w], n) for n, w in wanted.items() if w in second.names}
    pool.settle(ties)
    return found


def _seeds(case: Case, seed: Callable[[Any], Any], *more: tuple[Arrays, dict[str, str]]) -> dict[str, Elements]:
    """The real inputs as balls, and other arrays by the names that the equations have for them."""
    given = {t.name: layout.elements(case, t.name, case.tensors[t.name], seed) for t in real_inputs(case)}
    for arrays, names in more:
        given |= {names[n]: layout.elements(case, n, v, seed) for n, v in arrays.items() if n in names}
    return given


def real_inputs(case: Case) -> list[Any]:
    return [t for t in case.layer.inputs if t.kind == "real"]


def radii(case: Case, cotangents: Arrays) -> dict[str, float]:
    """What rounding may contribute to the sum of each output times its cotangent, in float64."""
    with kernels.precision(WORKING):
        found = bounds_forward(case, -53)
    out = {}
    for name, cotangent in cotangents.items():
        weight = layout.elements(case, name, cotangent, float)
        out[name] = sum(
            float(ball.rad()) * abs(weight[i]) + abs(float(ball) * weight[i]) * 2**-50
            for i, ball in found[name].items()
        )
    return out


def radius_of_gradients(derivation: Derivation, case: Case, cotangents: Arrays, tangents: Arrays) -> float:
    """What rounding may contribute to the sum of gradients times tangents, in float64."""
    with kernels.precision(WORKING):
        found = bounds_backward(derivation, case, cotangents, -53)
    total = 0.0
    for name, values in found.items():
        weight = layout.elements(case, name, tangents[name], float)
        total += sum(float(b.rad()) * abs(weight[i]) + abs(float(b) * weight[i]) * 2**-50 for i, b in values.items())
    return total
