"""The enclosure leg: floating-point kernels against proven enclosures, in units of a derived bound.

Truth. The same kernel is run on Arb balls at more than 60 digits, started from the very floating-point
numbers: an enclosure of what its formula gives, narrower than any float. (That this is the definition's value
is what the legs definition and differences show.)

Bound. Running error analysis (Wilkinson 1963; Higham 2002, section 3.3) of the equations, done in ball
arithmetic. In a format with unit roundoff u, every operation obeys fl(a op b) = (a op b)(1 + d), |d| <= u. So
if balls A and B hold every value that a and b may have been rounded to, the ball A op B, widened by u times
its largest magnitude, holds every value that the computed result may have; by induction over the equations
the last ball holds every possible computed result, second-order terms included. Three additions, a choice and
not a theorem, make it a yardstick for other ways to evaluate the same formula than this order of operations:

* A sum of n terms is widened by (n - 1) u times the sum of magnitudes, which holds for any order of
  summation, blocked and pairwise ones included (Higham, equation 4.4).
* Inputs, cotangents and options are widened by u relatively, as if each had been rounded once more: a kernel
  may subtract the largest score before it exponentiates, or scale before it squares.
* Functions (exp, log, erf) count 4 units in the last place.

Underflow costs a result one smallest subnormal number. Where that does not explain an error, the analysis is
made once more with one for every product, quotient, root and function on the way; its bound holds unless it
is infinite, as it is where the equations, taken literally, would divide by what has underflowed (softmax of
very negative scores): there a kernel must do better. Of a result below the smallest normal number no more is
asked than that it is below it, too: 0 will do.

Overflow is no excuse where the true result is a number of the format. Only where there is no wider format (longdouble
is no wider than float64 on some platforms) nothing is claimed if a tensor that the definition names is beyond it.

``worst`` is |computed - truth| / bound, at most 1. Where a comparison of data is undecided within the bound
both cases are kept. Where the bound is infinite (a denominator that rounding could make zero) nothing is
claimed; the share of such elements is in the detail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import inputs, kernels, layout, world
from derive.evidence.interpret import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import Numbers, rounding
from derive.evidence.result import Result, Tally
from reference.runtime.wider import WIDER

WORKING = 160
PLAN = inputs.Plan((2, 3, 4, 5), ((2,), (1, 3), ()), (2, 3))


@dataclass(frozen=True)
class Format:
    """A floating-point format.

    Attributes:
        exponent: of its unit roundoff.
        spreads: standard deviation and mean of the inputs tried.
    """

    dtype: Any
    exponent: int
    spreads: tuple[tuple[float, float], ...]

    @property
    def tiny(self) -> float:
        return float(np.finfo(self.dtype).smallest_subnormal)

    @property
    def largest(self) -> float:
        return float(np.finfo(self.dtype).max)

    @property
    def normal(self) -> float:
        return float(np.finfo(self.dtype).smallest_normal)


FORMATS = (
    Format(np.float64, -53, ((1, 0), (1e-4, 0), (50, 0), (1e5, 0), (1, 1e6), (1e160, 0), (1e-170, 0))),
    Format(np.float32, -24, ((1, 0), (1e-3, 0), (30, 0), (1, 1e6), (1e30, 0), (1e-30, 0))),
    Format(np.float16, -11, ((1, 0), (0.1, 0), (5, 0), (1, 100), (3000, 0))),
)


def seeded(numbers: Numbers, exponent: int) -> Any:
    """Numbers of the caller, as if rounded once more."""
    import flint

    def seed(value: Any) -> Any:
        v = numbers.exact(float(value))
        return v + flint.arb(0, (abs(v) * flint.arb(2) ** exponent).abs_upper())

    return seed


def bounds_forward(case: Case, exponent: int, smallest: float = 0.0) -> dict[str, Elements]:
    """For every output element, the ball that holds whatever rounding may give."""
    numbers = rounding(exponent, smallest)
    seed = seeded(numbers, exponent)
    given = {t.name: layout.elements(case, t.name, case.tensors[t.name], seed) for t in _real(case)}
    run = world.forward(case, numbers, given)
    return {o: run.values(o, o) for o in case.layer.outputs}


def bounds_backward(
    derivation: Derivation, case: Case, cotangents: Arrays, exponent: int, smallest: float = 0.0
) -> dict[str, Elements]:
    """The same for every gradient's elements."""
    numbers = rounding(exponent, smallest)
    seed = seeded(numbers, exponent)
    given = {t.name: layout.elements(case, t.name, case.tensors[t.name], seed) for t in _real(case)}
    given |= {derivation.adjoint.cotangents[o]: layout.elements(case, o, v, seed) for o, v in cotangents.items()}
    run = world.backward(derivation, case, cotangents, numbers, given=given)
    return world.gradients(derivation, run)


def _real(case: Case) -> list[Any]:
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


def enclosure(derivation: Derivation, kernel: Any, seed: int = 0) -> Result:
    """Outputs and gradients in every format against their enclosures."""
    layer = derivation.layer
    tally = Tally("enclosure", layer.name, 1.0, unit="of the derived bound")
    vacuous = 0
    for form in FORMATS:
        for n, (scale, offset) in enumerate(form.spreads):
            how = {"dtype": form.dtype, "scale": scale, "offset": offset}
            for turn, case in enumerate(inputs.cases(layer, seed + n, None if n == 0 else 2, PLAN, **how)):
                cotangents = inputs.cotangents(case, seed + turn, form.dtype)
                vacuous += check(derivation, kernel, case, cotangents, form, tally)
    share = vacuous / max(1, vacuous + tally.checks)
    return tally.result(f"nothing claimed about {share:.0%} of the elements" if vacuous else "")


def check(derivation: Derivation, kernel: Any, case: Case, cotangents: Arrays, form: Format, tally: Tally) -> int:
    """One case in one format. Returns how many elements had no finite bound."""
    if np.dtype(form.dtype) not in WIDER and overflows(case, form):
        return 1
    with kernels.precision():
        exact = kernels.over(case, kernels.to_arb)
        truth, saved = kernels.forward(kernel, exact)
        gradients = kernels.backward(
            kernel, exact, {o: kernels.convert(v, kernels.to_arb) for o, v in cotangents.items()}, saved
        )
    analysis = Analysis(derivation, case, cotangents, form)
    try:
        analysis.bounds(0.0)
    except Undecided:
        return 1
    results = [kernels.elements(case, a, _ball) for a in (truth, gradients)]
    representable = all(_fits(b, form) for own in results for values in own.values() for b in values.values())
    # a warning is a failure where the true results are numbers
    quiet: Literal["raise", "ignore"] = "raise" if representable else "ignore"
    label = f"{np.dtype(form.dtype)} {case.words}, inputs up to {_size(case):.1e}"
    with np.errstate(over=quiet, invalid=quiet, divide=quiet, under="ignore"):
        try:
            got, saved = kernels.forward(kernel, case)
            back = kernels.backward(kernel, case, cotangents, saved)
        except FloatingPointError as error:
            tally.claim(False, f"{label}: {error}")
            return 0
    vacuous = 0
    for n, (arrays, true) in enumerate(zip((got, back), results, strict=True)):
        for name, value in arrays.items():
            for i, v in layout.elements(case, name, value).items():
                where = f"{label}: {name}{list(i)}"
                vacuous += not _element(v, true[name][i], partial(analysis.ball, n, name, i), form, where, tally)
    return vacuous


def overflows(case: Case, form: Format) -> bool:
    """Whether an intermediate tensor of the definition is beyond the format."""
    run = world.forward(case)
    for equation in case.layer.equations:
        name = equation.target
        own = case.layer.tensors[name].role == "intermediate"
        if own and any(abs(run.element(name, i)) >= form.largest for i in run.indices(name)):
            return True
    return False


class Analysis:
    """The balls of one case, without and (where they are asked for) with underflow on the way."""

    def __init__(self, derivation: Derivation, case: Case, cotangents: Arrays, form: Format) -> None:
        self.derivation, self.case, self.cotangents, self.form = derivation, case, cotangents, form
        self.known: dict[float, tuple[dict[str, Elements], dict[str, Elements]]] = {}

    def bounds(self, smallest: float) -> tuple[dict[str, Elements], dict[str, Elements]]:
        if smallest not in self.known:
            with kernels.precision(WORKING):
                own = self.case, self.form.exponent, smallest
                back = bounds_backward(self.derivation, self.case, self.cotangents, self.form.exponent, smallest)
                self.known[smallest] = bounds_forward(*own), back
        return self.known[smallest]

    def ball(self, part: int, name: str, index: tuple[int, ...], smallest: float) -> Any:
        """An element of the outputs (part 0) or gradients (part 1)."""
        try:
            return _ball(self.bounds(smallest)[part][name][index])
        except Undecided:
            return _ball(float("nan"))


def _ball(value: Any) -> Any:
    import flint

    return value if hasattr(value, "mid") else flint.arb(value)


def _fits(ball: Any, form: Format) -> bool:
    return bool(ball.is_finite() and ball.abs_upper() < form.largest)


def _size(case: Case) -> float:
    """The magnitude of the inputs, for messages."""
    values = [case.tensors[t.name] for t in _real(case)]
    arrays = [a for v in values for a in (v if isinstance(v, list) else [v])]
    return max((float(np.max(np.abs(a))) for a in arrays if a.size), default=0.0)


def _element(v: Any, wanted: Any, ball: Callable[[float], Any], form: Format, where: str, tally: Tally) -> bool:
    """One element; False where there is no bound. A number where the truth is one is claimed even there."""
    import flint

    if not _fits(wanted, form):
        return False
    with kernels.precision():
        if not tally.claim(bool(np.isfinite(v)), f"{where}: {v}, but the true value is {wanted.str(8)}"):
            return True
        reach = (ball(0.0) - wanted).abs_upper()
        if not reach.is_finite():
            return False
        error = (flint.arb(float(v)) - wanted).abs_lower()
        if not error <= reach + form.tiny and wanted.abs_upper() < form.normal and abs(float(v)) <= form.normal:
            return True
        if not error <= reach + form.tiny:
            wider = (ball(form.tiny) - wanted).abs_upper()
            reach = wider if wider.is_finite() else reach
        words = f"got {v}, true value {wanted.str(8)}, bound {reach.str(3)}"
        tally.measure(float(error / (reach + form.tiny)), where, words)
    return True
