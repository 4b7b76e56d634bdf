"""The enclosure leg: floating-point kernels against proven enclosures, in units of a derived bound.

Truth. The interpreter evaluates the definition, started from the very floating-point numbers, and differentiates it
as it goes (derive.evidence.truth): an enclosure narrower than any float, in which neither the derivation nor the
kernel has a part. The bound comes from the derived equations; that its balls hold the truth is checked, too.

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
made once more with one for every product, quotient, root and function called by a layer's name on the way, and
then with the reciprocal of the largest number for such a function, which is 0 where exp(-x) overflows; a bound
holds unless it is infinite. Exponentials lose nothing: a softmax of very negative scores must do better than its
equations, taken literally. Of a result below the smallest normal number no more is asked than that it is below
it, too: 0 will do.

Overflow is no excuse where the true result is a number of the format and rounding alone cannot take it beyond
the format (what 16 digits leave of numbers of 1e60 that cancel is too large for float32). Only where longdouble
is no wider than float64 nothing is claimed in float64 if a tensor that the definition names is beyond it.

Float16 is computed in float32 (reference.runtime.wider): its bound is that of float32 arithmetic and one rounding.

Condition. The running analysis forgives what a formula cannot help: of y (dy - sum dy y), where y is next to 1, it asks
nothing. So a second bound does not look at formulas: STABLE units of a result and of its condition, of what changing
each argument by a unit does to the true result (derive.evidence.condition). It is asked of the functions in CLAIMED,
which are componentwise stable, above the numbers that are next to underflow; the smaller bound counts. It is that of
the side that the true numbers are on: where a comparison of data is within rounding of a tie, computed numbers may be
on the other, so it is left out there, and the leg says so.

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
from derive.evidence import domain, inputs, kernels, world
from derive.evidence.condition import MOST, STABLE, TIE, Conditions, Ties, claimed, conditions, size_of
from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.large import running
from derive.evidence.layout import Case, Elements
from derive.evidence.result import Result, Tally
from derive.evidence.running import (
    WORKING,
    Pool,
    bounds_backward,
    bounds_forward,
    bounds_second,
    bounds_tangent,
    real_inputs,
)
from derive.evidence.truth import truth
from derive.notation.expr import Reduce, free, walk
from reference.runtime.wider import WIDER

FACTORS = 4  # numbers of the inputs' size in one product, as in the gradients of attention
PLAN = inputs.Plan((2, 3, 4, 5), ((2,), (1, 3), ()), (2, 3))
SMALL = inputs.Plan((2, 3), ((2,), (1, 2), ()), (2,))  # two steps of a recurrence show what five do
MANY = 2000  # terms of a recurrence, with axes of 3 positions, from which on the small plan is taken
MOST_TERMS = 100_000  # and of any other layer


@dataclass(frozen=True)
class Format:
    """A floating-point format.

    Attributes:
        exponent: of its unit roundoff.
        spreads: standard deviation and mean of the inputs tried.
        arithmetic: the format that is computed in.
        limits: the smallest subnormal number, the smallest normal one and the largest, where NumPy has no such type.
    """

    dtype: Any
    exponent: int
    spreads: tuple[tuple[float, float], ...]
    arithmetic: Format | None = None
    limits: tuple[float, float, float] | None = None

    @property
    def working(self) -> Format:
        return self.arithmetic or self

    @property
    def tiny(self) -> float:
        return self.limits[0] if self.limits else float(np.finfo(self.dtype).smallest_subnormal)

    @property
    def largest(self) -> float:
        return self.limits[2] if self.limits else float(np.finfo(self.dtype).max)

    @property
    def normal(self) -> float:
        return self.limits[1] if self.limits else float(np.finfo(self.dtype).smallest_normal)


DOUBLE = Format(np.float64, -53, ((1, 0), (1e-4, 0), (50, 0), (1, -8), (1e5, 0), (1, 1e6), (1e160, 0), (1e-170, 0)))
SINGLE = Format(np.float32, -24, ((1, 0), (1e-3, 0), (30, 0), (1, -5), (1, 1e6), (1e30, 0), (1e-30, 0)))
HALF = Format(np.float16, -11, ((1, 0), (0.1, 0), (5, 0), (1, 100), (3000, 0)), SINGLE)
FORMATS = (DOUBLE, SINGLE, HALF)


def enclosure(derivation: Derivation, kernel: Any, seed: int = 0) -> Result:
    """Everything a kernel computes, in every format, against its enclosure."""
    layer = derivation.layer
    tally = Tally("enclosure", layer.name, 1.0, unit="of the derived bound")
    vacuous = 0
    many = terms(derivation) > (MANY if running(layer) else MOST_TERMS)
    plan = SMALL if many else PLAN
    for form in FORMATS:
        for n, (scale, offset) in enumerate(form.spreads[: 1 if inputs.composed(layer) else None]):
            how = {"dtype": form.dtype, "scale": scale, "offset": offset}
            try:
                more = n or (inputs.composed(layer) and form is not DOUBLE)
                count = 1 if inputs.composed(layer) or many else 2
                cases = (
                    inputs.cases(layer, seed + n, count, plan, **how)
                    if more
                    else inputs.every(layer, seed, plan, **how)
                )
            except inputs.NoArguments:
                tally.leave(
                    f"{np.dtype(form.dtype)} inputs around {max(scale, abs(offset)):g}: the definition is not finite"
                )
                continue
            for turn, case in enumerate(cases):
                cotangents = inputs.cotangents(case, seed + turn, form.dtype)
                tangents = inputs.tangents(case, seed + turn, form.dtype)
                vacuous += check(derivation, kernel, case, cotangents, tangents, form, tally)
                if claimed(layer):
                    single = unit_rows(cotangents, turn)
                    vacuous += check(derivation, kernel, case, single, tangents, form, tally)
    share = vacuous / max(1, vacuous + tally.checks)
    return tally.result(f"nothing claimed about {share:.0%} of the elements" if vacuous else "")


def terms(derivation: Derivation) -> int:
    """How many terms the sums of the second order have, where every axis has 3 positions."""
    found = 0
    for e in derivation.second.equations if domain.smooth(derivation.layer) else derivation.backward:
        sums = [n for n in walk(e.body) if isinstance(n, Reduce)]
        found += sum(3 ** len({*e.indices, *free(n), *n.over}) for n in sums)
    return found


def unit_rows(cotangents: Arrays, turn: int) -> Arrays:
    """The cotangents at one place of each row, and 0 elsewhere, where sums hide nothing."""

    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(v) for v in value]
        array = np.asarray(value)
        width = array.shape[-1] if array.ndim else 1
        return np.where(np.arange(width) == turn % max(1, width), array, 0).astype(array.dtype).reshape(array.shape)

    return {name: one(value) for name, value in cotangents.items()}


@dataclass(frozen=True)
class Part:
    """One of a kernel's functions: what it computes, and the balls that its equations give.

    Attributes:
        compute: from a case, cotangents and tangents of any number type.
        bounds: from the exponent of the unit roundoff, and what operations and functions lose to underflow.
    """

    compute: Callable[[Case, Arrays, Arrays], Arrays]
    bounds: Callable[..., dict[str, Elements]]


def parts(derivation: Derivation, kernel: Any, case: Case, u: Arrays, v: Arrays) -> dict[str, Part]:
    """The functions that a kernel offers, along cotangents u and tangents v."""
    pool = Pool()
    back, along = partial(bounds_backward, derivation, case, u), partial(bounds_tangent, derivation, case, v)
    found = {
        "forward": Part(lambda c, u, v: kernels.forward(kernel, c)[0], partial(bounds_forward, case, pool=pool)),
        "backward": Part(lambda c, u, v: kernels.backward(kernel, c, u), partial(back, pool=pool)),
        "jvp": Part(lambda c, u, v: kernels.jvp(kernel, c, v), partial(along, pool=pool)),
    }
    if hasattr(kernel, "double_backward"):
        found["double_backward"] = Part(
            lambda c, u, v: kernels.double_backward(kernel, derivation, c, u, v),
            partial(bounds_second, derivation, case, u, v, pool=pool),
        )
    return found


def check(
    derivation: Derivation, kernel: Any, case: Case, cotangents: Arrays, tangents: Arrays, form: Format, tally: Tally
) -> int:
    """One case in one format. Returns how many elements had no finite bound."""
    if np.dtype(form.dtype) not in WIDER and overflows(case, form):
        return 1
    vacuous = 0
    fits = True  # whether all that is computed up to here is in the format's range
    try:
        everything = truth(case, cotangents, tangents)
    except Undecided:
        return 1
    for name, part in parts(derivation, kernel, case, cotangents, tangents).items():
        true = everything.of(name)
        few = size_of(case, cotangents, tangents) <= MOST and name in claimed(case.layer)
        asked = partial(conditions, case, cotangents, tangents) if few else None
        analysis = Analysis(part, form, size_of_inputs(case), name, asked)
        try:
            analysis.bounds()
        except Undecided:
            return vacuous + 1
        if analysis.ties.met and few:
            tally.leave(TIE)
        fits &= all(analysis.claimed(n, i, b) for n, own in true.items() for i, b in own.items())
        # a warning is a failure where the true results are numbers
        quiet: Literal["raise", "ignore"] = "raise" if fits else "ignore"
        label = f"{np.dtype(form.dtype)} {name} {case.words}, inputs up to {analysis.size:.1e}"
        with np.errstate(over=quiet, invalid=quiet, divide=quiet, under="ignore"):
            try:
                got = kernels.elements(case, part.compute(case, cotangents, tangents))
            except FloatingPointError as error:
                tally.claim(False, f"{label}: {error}")
                continue
        for n, own in got.items():
            if name == "jvp":  # log(0) has no tangent
                own = {i: v for i, v in own.items() if everything.forward[n][i].is_finite()}
            vacuous += sum(not _element(v, true[n][i], analysis, n, i, label, tally) for i, v in own.items())
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
    """The balls of one part, without and (where they are asked for) with underflow on the way.

    Attributes:
        size: the largest of the inputs. undecided: whether underflow may make a tie of what a maximum is of.
        asked, units: what tells the condition, and how many units of it are allowed.
        least: units of a result that any formula may lose, however few operations ours has.
    """

    def __init__(
        self,
        part: Part,
        form: Format,
        size: float,
        name: str = "",
        asked: Callable[[], Conditions] | None = None,
        units: int = STABLE,
        least: int = 0,
    ) -> None:
        self.part, self.form, self.size, self.name = part, form, size, name
        self.asked, self.units, self.least = asked, units, least
        self.conditions: Conditions | None = None
        self.known: dict[tuple[float, ...], dict[str, Elements]] = {}
        self.ties = Ties()
        self.undecided = False

    def bounds(self, *lost: float) -> dict[str, Elements]:
        if lost not in self.known:
            with kernels.precision(WORKING):
                ties = None if lost else self.ties  # of rounding alone
                self.known[lost] = self.part.bounds(self.form.working.exponent, *lost, ties=ties)
        return self.known[lost]

    def ball(self, name: str, index: tuple[int, ...], *lost: float) -> Any:
        """An element of a result; one that no equation is for is 0."""
        try:
            return _ball(self.bounds(*lost).get(name, {}).get(index, 0))
        except Undecided:
            self.undecided = True
            return _ball(float("nan"))

    def stable(self, name: str, index: tuple[int, ...], true: Any, error: Any) -> Any:
        """The bound by the condition, where it is asked for and the error is not below it whatever that is."""
        working = self.form.working
        unit = _ball(2) ** working.exponent
        if self.asked is None or self.ties.met or not true.abs_lower() > working.normal / unit:
            return None
        own = abs(true) * self.units * unit + self.rounding(true)
        if error <= own.abs_upper():
            return None
        if self.conditions is None:
            self.conditions = self.asked()
        return (own + self.conditions[self.name][name][index] * self.units * unit).abs_upper()

    def rounding(self, true: Any) -> Any:
        """What a result of a wider format loses in the end: half of the unit in the last place, and more than half."""
        return abs(true) * _ball(2) ** self.form.exponent if self.form.arithmetic else _ball(0)

    def claimed(self, name: str, index: tuple[int, ...], true: Any) -> bool:
        """Whether an element must be a number: the true one is, and rounding alone cannot take it out of the range.

        Where the bound is infinite, what the wider format's rounding leaves of FACTORS numbers like the inputs.
        """
        ball, dtype = self.ball(name, index), np.dtype(self.form.dtype)
        if not ball.is_finite():
            ball = _ball(self.size) ** FACTORS * float(np.finfo(WIDER.get(dtype, dtype)).eps)
        return _fits(true, self.form) and _fits(ball, self.form)


def _ball(value: Any) -> Any:
    import flint

    return value if hasattr(value, "mid") else flint.arb(value)


def _fits(ball: Any, form: Format) -> bool:
    return bool(ball.is_finite() and ball.abs_upper() < form.largest)


def size_of_inputs(case: Case) -> float:
    """The magnitude of the inputs, for messages."""
    values = [case.tensors[t.name] for t in real_inputs(case)]
    arrays = [a for v in values for a in (v if isinstance(v, list) else [v])]
    return max((float(np.max(np.abs(a))) for a in arrays if a.size), default=0.0)


def outcome(v: Any, true: Any, analysis: Analysis, name: str, index: tuple[int, ...]) -> tuple[float, str] | None:
    """The error of one element in units of its bound, and in words; None where nothing is claimed about it.

    Where the truth is a number that rounding alone cannot take out of the format, another value than a number is
    infinitely wrong.
    """
    import flint

    true, form = _ball(true), analysis.form  # a place is a whole number
    if not analysis.claimed(name, index, true):
        return None
    with kernels.precision():
        if not np.isfinite(v):
            return float("inf"), f"{v}, but the true value is {true.str(8)}"
        derived = analysis.ball(name, index)
        if derived.is_finite() and not derived.overlaps(true):
            return float("inf"), f"the derived equations give {derived.str(8)}, the definition {true.str(8)}"
        final = analysis.rounding(true)
        reach = ((analysis.ball(name, index) - true).abs_upper() + final).abs_upper()
        error = (flint.arb(float(v)) - true).abs_lower()
        stable = analysis.stable(name, index, true, error)
        if not reach.is_finite() and stable is None:
            return None
        if not error <= reach + form.tiny and true.abs_upper() < form.normal and abs(float(v)) <= form.normal:
            return 0.0, ""
        for flushed in (form.working.tiny, 1 / form.working.largest):
            if not error <= reach + form.tiny:
                wider = (
                    (analysis.ball(name, index, form.working.tiny, flushed) - true).abs_upper() + final
                ).abs_upper()
                if analysis.undecided:
                    return None
                reach = wider if wider.is_finite() else reach
        if stable is not None and not reach <= stable:
            reach = stable
        if analysis.least:
            reach = reach.max((abs(true) * analysis.least * _ball(2) ** form.working.exponent).abs_upper() + final)
        return float(error / (reach + form.tiny)), f"got {v}, true value {true.str(8)}, bound {reach.str(3)}"


def _element(
    v: Any, true: Any, analysis: Analysis, name: str, index: tuple[int, ...], label: str, tally: Tally
) -> bool:
    """One element; False where there is no bound. A number where the truth is one may be claimed even there."""
    found = outcome(v, true, analysis, name, index)
    if found is not None:
        tally.measure(found[0], f"{label}: {name}{list(index)}", found[1])
    return found is not None
