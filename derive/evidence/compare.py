"""Kernels against the definition: the legs definition, differences, duality and second order.

Kernels are generic over the number type, so they are run on Arb balls of more than 60 digits: what comes back
is a proven enclosure of what the kernel's formula gives at exactly these inputs. The definition is evaluated by
the interpreter, in balls or to 60 digits. No tolerance is chosen by hand:

* Values and second gradients are enclosures on both sides (derive.evidence.truth), which must meet. Where a kernel
  has a float for a constant that is no binary fraction, it is a ball that holds the constant (derive.evidence.operand).
* The error of a central difference d(h) is estimated by d(2h) - d(h), three times its leading error, and by
  what rounding at 60 digits can contribute, |f| 10**-57 / h.
* In float64 the rounding part comes from running error analysis (derive.evidence.enclosure) of the
  definition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import domain, inputs, kernels, layout, world
from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import DIGITS, MP
from derive.evidence.operand import WAYS, moved
from derive.evidence.result import Result, Tally
from derive.evidence.truth import truth
from derive.notation.layer import Equation

STEP = MP.exact(10) ** -20
MARGIN = 8  # of what constants change in each of WAYS ways, for ways that are not among them
ROUNDING = MP.exact(10) ** (3 - DIGITS)
PLAN = inputs.Plan((2, 3, 4, 5), ((2,), (1, 3), ()), (2, 3))


def central(f: Callable[[Any], Any], step: Any = STEP) -> tuple[Any, Any]:
    """The central difference of f at 0 and a bound on its error."""
    one, other = f(step), f(-step)
    near, far = (one - other) / (2 * step), (f(2 * step) - f(-2 * step)) / (4 * step)
    return near, abs(far - near) + ROUNDING * (abs(one) + abs(other) + abs(step)) / step


def balls(case: Case) -> Case:
    return kernels.over(case, kernels.to_operand)


def balls_of(arrays: Arrays) -> Arrays:
    return {n: kernels.convert(v, kernels.to_operand) for n, v in arrays.items()}


def enclosed(
    case: Case, compute: Callable[[], Arrays], anew: Callable[[], Arrays] | None = None
) -> dict[str, Elements]:
    """What a kernel gives, in balls.

    In a layer put together from others the balls of constants may hold everything by then (derive.evidence.operand).
    There they are moved, in WAYS ways, and what that changes is taken MARGIN times: an estimate, some 1e-14 of a
    result. ``anew`` computes it so where ``compute`` rests on what was computed before.
    """
    found = kernels.elements(case, compute(), kernels.to_ball)
    if not inputs.composed(case.layer) or all(v.is_finite() for own in found.values() for v in own.values()):
        return found
    middle, *others = (_moved_constants(case, anew or compute, way) for way in range(-1, WAYS))
    return {n: {i: _widened(v, [other[n][i] for other in others]) for i, v in own.items()} for n, own in middle.items()}


def _moved_constants(case: Case, compute: Callable[[], Arrays], way: int) -> dict[str, Elements]:
    with moved(way):
        return kernels.elements(case, compute(), kernels.to_ball)


def _widened(ball: Any, others: Iterable[Any]) -> Any:
    import flint

    return ball + flint.arb(0, sum((abs(o - ball) * MARGIN).abs_upper() for o in others))


def decimals(
    case: Case, compute: Callable[[], Arrays], anew: Callable[[], Arrays] | None = None
) -> dict[str, dict[tuple[int, ...], tuple[Any, Any]]]:
    """Midpoints and radii of what a kernel gives in decimal arithmetic, element by element."""
    return {
        n: {i: kernels.arb_to_decimal(v, MP.exact) for i, v in own.items()}
        for n, own in enclosed(case, compute, anew).items()
    }


def contracted(left: dict[str, Any], right: Arrays, case: Case) -> tuple[Any, Any]:
    """The sum of products of enclosures with exact numbers, and its radius."""
    middle, radius = MP.exact(0), MP.exact(0)
    for name, values in left.items():
        along = layout.elements(case, name, right[name], MP.exact)
        for i, (m, r) in values.items():
            middle, radius = middle + m * along[i], radius + r * abs(along[i])
    return middle, radius


def definition(derivation: Derivation, kernel: Any, seed: int = 0) -> Result:
    """The kernel's forward against the interpreter, in balls and, where the equations allow, in fractions."""
    layer = derivation.layer
    tally = Tally("definition", layer.name, 0.0, unit="digits 60 and beyond")
    for case in inputs.every(layer, seed, PLAN):
        true = truth(case).forward
        with kernels.precision():
            got = enclosed(case, partial(_outputs, kernel, balls(case)))
            meet(got, true, case, tally)
        if domain.exact_inside(layer, case.options):
            _fractions(kernel, case, tally)
    return tally.result()


def _outputs(kernel: Any, case: Case) -> Arrays:
    return kernels.forward(kernel, case)[0]


def _fractions(kernel: Any, case: Case, tally: Tally) -> None:
    """Fractions in, the very fractions of the definition out."""
    from derive.evidence.numbers import FRACTION

    run = world.forward(case, FRACTION)
    got = kernels.forward(kernel, kernels.over(case, kernels.to_fraction))[0]
    for name, values in kernels.elements(case, got).items():
        for i, v in values.items():
            same_fraction(v, run.element(name, i), case.layer.equations, f"{case.words}: {name}{list(i)}", tally)


def same_fraction(got: Any, wanted: Any, equations: Iterable[Equation], where: str, tally: Tally) -> None:
    """A kernel's result from fractions; a float is one where the equations have a constant that is no whole number."""
    if not isinstance(got, Fraction | int) and domain.constants(equations):
        tally.leave("results from fractions: a constant of the definition is a float in the kernel")
    else:
        tally.claim(bool(got == wanted), f"{where} in fractions: got {got}, wanted {wanted}")


def meet(got: dict[str, Elements], true: dict[str, Elements], case: Case, tally: Tally, what: str = "") -> None:
    """A kernel's enclosures against the definition's, which hold the same number if the kernel is right.

    Nothing is claimed where the definition has no value, or the kernel's formula cannot be enclosed there (a root of
    a ball around 0)."""
    for name, values in got.items():
        wanted = true[name]
        tally.claim(set(wanted) == set(values), f"{case.words}: {what}{name} has another shape")
        for i, v in values.items():
            if wanted[i].is_finite() and v.is_finite():
                apart = (v - wanted[i]).abs_lower()
                words = f"got {float(v)}, wanted {float(wanted[i])}, {float(apart):.2g} apart"
                tally.measure(float(apart), f"{case.words}: {what}{name}{list(i)}", words)
            elif wanted[i].is_finite():
                tally.claim(False, f"{case.words}: {what}{name}{list(i)}: got {v}, wanted {float(wanted[i])}")


def differences(derivation: Derivation, kernel: Any, seed: int = 0) -> Result:
    """The kernel's backward against central differences of the definition, one input after another."""
    tally = Tally("differences", derivation.layer.name, 1.0, unit="of the difference's own error")
    for n, case in enumerate(inputs.cases(derivation.layer, seed, plan=PLAN)):
        cotangents, tangents = inputs.cotangents(case, seed + n), inputs.tangents(case, seed + n)
        _slopes(derivation, kernel, case, cotangents, tangents, tally)
        if domain.stops(derivation.layer, case.options):
            tally.leave("differences in float64: the kernel's forward moves what is held where it is")
        else:
            _in_float(derivation, kernel, case, cotangents, tangents, tally)
    return tally.result()


def _slopes(
    derivation: Derivation, kernel: Any, case: Case, cotangents: Arrays, tangents: Arrays, tally: Tally
) -> None:
    weights = kernels.elements(case, cotangents, MP.exact)
    with kernels.precision():
        got = decimals(case, lambda: kernels.backward(kernel, balls(case), balls_of(cotangents)))

    def objective(along: Arrays, step: Any) -> Any:
        run = world.forward(case, MP, world.shifted(case, along, step))
        return world.contracted(weights, {o: run.values(o, o) for o in weights})

    for along in [tangents] if inputs.composed(case.layer) else [{name: t} for name, t in tangents.items()]:
        slope, error = central(partial(objective, along))
        own = {name: got[name] for name in along if name in got}  # none stands for zero
        value, radius = contracted(own, along, case)
        numbers = f"got {float(value)}, wanted {float(slope)}, {float(abs(value - slope)):.2g} apart"
        where = f"{case.words}: gradient of {', '.join(along)}"
        tally.within(abs(value - slope), error + radius, where, numbers)


def _in_float(
    derivation: Derivation, kernel: Any, case: Case, cotangents: Arrays, tangents: Arrays, tally: Tally
) -> None:
    """The same in float64 alone: the kernel's backward against its own forward."""
    from derive.evidence.running import radii, radius_of_gradients

    step = 2.0**-17  # about the cube root of the unit roundoff

    def f(h: float) -> float:
        there = world.restricted(case, {n: _moved(case.tensors[n], t, h) for n, t in tangents.items()})
        out = kernels.forward(kernel, there)[0]
        return sum(_dot(out[o], cotangents[o]) for o in cotangents)

    got = kernels.backward(kernel, case, cotangents)
    value = sum(_dot(got[n], tangents[n]) for n in got)
    near, far = (f(step) - f(-step)) / (2 * step), (f(2 * step) - f(-2 * step)) / (4 * step)
    try:
        noise = sum(radii(case, cotangents).values()) / step
        noise += radius_of_gradients(derivation, case, cotangents, tangents)
    except Undecided:
        tally.leave("float64: where two values of a maximum are equal up to rounding")
        return
    if inputs.composed(case.layer) and not math.isfinite(noise):  # the bound doubles with every part
        tally.leave("differences in float64: rounding has no bound through so many parts, which have theirs each")
        return
    tally.within(abs(value - near), abs(far - near) + noise, f"{case.words}: float64", f"got {value}, wanted {near}")


def _moved(value: Any, tangent: Any, h: float) -> Any:
    if isinstance(value, list):
        return [v + h * t for v, t in zip(value, tangent, strict=True)]
    return value + h * tangent


def _dot(a: Any, b: Any) -> float:
    if isinstance(a, list):
        return sum(_dot(p, q) for p, q in zip(a, b, strict=True))
    return float(np.sum(np.asarray(a, np.float64) * b))


def duality(derivation: Derivation, kernel: Any, seed: int = 0) -> Result:
    """<J v, u> = <v, J^T u> for the kernel's own jvp and backward; backward is linear in the cotangent."""
    layer = derivation.layer
    tally = Tally("duality", layer.name, 0.0, unit="digits 60 and beyond")
    for n, case in enumerate(inputs.every(layer, seed, PLAN)):
        u, w = inputs.cotangents(case, seed + 2 * n), inputs.cotangents(case, seed + 2 * n + 1)
        v = inputs.tangents(case, seed + n)
        with kernels.precision():
            exact, mixed = balls(case), {o: _combined(u[o], w[o]) for o in u}
            saved = kernels.forward(kernel, exact)[1]
            forwards = decimals(case, partial(kernels.jvp, kernel, exact, balls_of(v)))
            pull = partial(kernels.backward, kernel, exact)
            back, other, both = (
                decimals(case, partial(pull, along, saved), partial(pull, along))
                for along in (balls_of(u), balls_of(w), mixed)
            )
        (a, ra), (b, rb) = contracted(forwards, u, case), contracted(back, v, case)
        if a != a or b != b:  # compared with the definition elsewhere
            tally.leave("products at points where the definition has no derivative")
            continue
        _zero(tally, a - b, ra + rb, abs(a), f"{case.words}: <J v, u> = {float(a)} but <v, J^T u> = {float(b)}")
        for name, values in both.items():
            for i, (m, r) in values.items():
                (p, rp), (q, rq) = back[name][i], other[name][i]
                _zero(
                    tally,
                    m - 2 * p + 3 * q,
                    r + 2 * rp + 3 * rq,
                    abs(m) + abs(p) + abs(q),
                    f"{case.words}: {name}{list(i)} is not linear",
                )
    return tally.result()


def _combined(u: Any, w: Any) -> Any:
    """2 u - 3 w, in balls."""
    if isinstance(u, list):
        return [_combined(p, q) for p, q in zip(u, w, strict=True)]
    return 2 * kernels.convert(u, kernels.to_operand) - 3 * kernels.convert(w, kernels.to_operand)


def _zero(tally: Tally, value: Any, radius: Any, scale: Any, words: str) -> None:
    tally.measure(max(abs(value) - radius - ROUNDING * (1 + scale), 0), words)


def second(derivation: Derivation, kernel: Any, seed: int = 0) -> Result:
    """The kernel's double_backward against the definition, differentiated twice as it is evaluated."""
    layer = derivation.layer
    tally = Tally("second order", layer.name, 0.0, unit="digits 60 and beyond")
    for n, case in enumerate(inputs.every(layer, seed, PLAN)):
        cotangents, along = inputs.cotangents(case, seed + n), inputs.tangents(case, seed + n)
        true = truth(case, cotangents, along)
        with kernels.precision():
            u, w = balls_of(cotangents), balls_of(along)
            got = enclosed(case, partial(kernels.double_backward, kernel, derivation, balls(case), u, w))
            missing = {n: dict.fromkeys(own, kernels.to_ball(0)) for n, own in true.double_backward.items()}
            meet({**missing, **got}, true.double_backward, case, tally, "second gradient of ")
    return tally.result()
