"""Truth and allowed error of one case, and what a candidate's numbers are in units of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import enclosure, layout, running
from derive.evidence.condition import MOST, Conditions, claimed, conditions, size_of
from derive.evidence.enclosure import Analysis, Part
from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.evidence.truth import Truth, truth
from derive.judge.arithmetic import STORAGE, Arithmetic
from derive.judge.beyond import beyond
from derive.notation.expr import Op, Reduce, tensors, walk

LEAST = 8  # units of a result that any formula may lose: 1 - tanh(x)^2 has two operations in ours, and others more
OTHERS = 64  # units of a result's condition that a stranger's formula may lose; ours lose 8
#: How many operators an equation has at most, each of whose roundings counts as that of its result: of networks, whose
#: balls are infinite where every operator's result is rounded to a narrow format.
OPERATORS = 16
WIDE = 1e30  # the largest number of formats that have the range of float32
RADIUS = re.compile(r"\[(\S+) \+/- \S+\]")  # a ball in words


@dataclass
class Measured:
    """One result of one case beside the truth.

    Attributes:
        part: forward or backward. name: of the output, or of the input whose gradient it is.
        worst: the largest error in units of what is allowed. at: where. words: the numbers there.
        ulps: that error in units of the last place of the true value.
        failing: the indices where more than that is allowed was found. got, true: all elements, as floats.
        compared: how many were compared, where got does not hold all of them.
        unclaimed: how many elements nothing is claimed about. lost: whether one of them is no number and
            the true one is. allowed: the error that is allowed where it is worst.
    """

    part: str
    name: str
    worst: float
    at: tuple[int, ...]
    words: str
    ulps: float
    failing: tuple[tuple[int, ...], ...]
    got: Elements
    true: Elements
    unclaimed: int = 0
    lost: bool = False
    allowed: float = 0.0
    compared: int = 0

    @property
    def ok(self) -> bool:
        return not self.failing

    @property
    def label(self) -> str:
        """``y`` for an output, ``dx`` for a gradient."""
        return self.name if self.part == "forward" else f"d{self.name}"


class Yardstick:
    """The truth at a case and, made when asked for, the bound of its parts in some arithmetic."""

    def __init__(self, derivation: Derivation, case: Case, cotangents: Arrays) -> None:
        self.derivation, self.case, self.cotangents = derivation, case, cotangents
        self.true: Truth = truth(case, cotangents)
        self.known: dict[tuple[str, Arithmetic], Analysis | None] = {}
        self.lost: dict[tuple[str, str], bool] = {}

    @property
    def condition(self) -> Callable[[], Conditions] | None:
        """What tells how much values change with the arguments, where a better formula is asked for than the bound
        forgives: of functions of one number, where few are to be changed. What sums, such as the usual loss of
        log-sum-exp, may lose what its terms lose."""
        layer = self.case.layer
        known = layer.elementwise and bool(claimed(layer))
        few = size_of(self.case, self.cotangents, {}) <= MOST
        return partial(conditions, self.case, self.cotangents, {}) if known and few else None

    def analysis(self, part: str, arithmetic: Arithmetic) -> Analysis | None:
        """None where the bound cannot be told: a comparison is too close."""
        key = part, arithmetic
        if key not in self.known:
            self.known[key] = self._analysis(part, arithmetic)
        return self.known[key]

    def _analysis(self, part: str, arithmetic: Arithmetic) -> Analysis | None:
        size = enclosure.size_of_inputs(self.case)
        for moved in (True, False):  # where numbers moved by rounding cannot tell, those of the caller may
            manner = replace(arithmetic.manner, moved=moved)
            if manner.stored is not None and manner.products is None and self.in_turn(part):
                manner = replace(manner, products=manner.stored)
            bounds: Any = partial(running.bounds_forward, self.case, manner=manner)
            if part == "backward":
                bounds = partial(running.bounds_backward, self.derivation, self.case, self.cotangents, manner=manner)
            asked = self.condition if part == "forward" and arithmetic.exact else None
            found = Analysis(Part(lambda *_: {}, bounds), arithmetic.form, size, part, asked, OTHERS, LEAST)
            try:
                found.bounds()
            except Undecided:
                continue
            return found
        return None

    def overflows(self, part: str, arithmetic: Arithmetic) -> bool:
        """Whether an operator's result of the definition's own is beyond the format that it is kept in."""
        if arithmetic.kept is None or not arithmetic.form.largest < WIDE:
            return False
        key = part, arithmetic.intermediates
        if key not in self.lost:
            args = self.derivation, self.case, self.cotangents
            self.lost[key] = beyond(*args, part, STORAGE[arithmetic.intermediates].largest)
        return self.lost[key]

    def in_turn(self, part: str) -> bool:
        """Whether products of three and more are summed: two are multiplied first, and what comes of it is stored."""
        found = self.case.layer.equations if part == "forward" else self.derivation.backward
        sums = (n for e in found for n in walk(e.body) if isinstance(n, Reduce) and n.op == "sum")
        products = (p for n in sums for p in walk(n.body) if isinstance(p, Op) and p.fn == "mul")
        return any(sum(bool(tensors(a)) for a in p.args if getattr(a, "fn", "") != "iverson") > 2 for p in products)

    def measured(self, part: str, results: Arrays, arithmetic: Arithmetic, extreme: bool) -> list[Measured]:
        """Every result of a part in units of what is allowed. At extreme values infinities and NaN are let pass."""
        if part == "backward" and self.true.singular:
            return []
        analysis = self.analysis(part, arithmetic)
        true = self.true.of(part)
        again = None
        if arithmetic.kept is not None:
            again = partial(self.analysis, part, replace(arithmetic, intermediates=""))
        return [] if analysis is None else [
            self._one(part, name, value, true[name], analysis, extreme, again) for name, value in results.items()
        ]  # fmt: skip

    def _one(
        self,
        part: str,
        name: str,
        value: Any,
        true: Elements,
        analysis: Analysis,
        extreme: bool,
        again: Callable[[], Analysis | None] | None = None,
    ) -> Measured:
        """``again``: what says something where nothing is claimed of an element."""
        got = layout.elements(self.case, name, value, float)
        found = Measured(part, name, 0.0, (), "", 0.0, (), got, {i: float(v) for i, v in true.items()})
        failing = []
        for i, v in got.items():
            if extreme and not np.isfinite(v):
                found.unclaimed += 1
                found.lost |= analysis.form.largest > abs(found.true[i])
                continue
            judged = enclosure.outcome(v, true[i], analysis, name, i)
            if judged is None and again is not None and (narrower := again()) is not None:
                judged = enclosure.outcome(v, true[i], narrower, name, i)
                judged = None if judged is None else (judged[0] / OPERATORS, judged[1])
            if judged is None:
                found.unclaimed += 1
                continue
            share, words = judged
            if share > 1:
                failing.append(i)
            if share > found.worst:
                found.worst, found.at, found.words = share, i, without_radius(words)
                found.allowed = abs(v - found.true[i]) / share if np.isfinite(v) and np.isfinite(share) else 0.0
                found.ulps = ulps(v, found.true[i], analysis)
        found.failing = tuple(failing)
        return found


def ulps(got: float, true: float, analysis: Analysis) -> float:
    """The distance in units of the last place of the true value, in the format of results."""
    if not np.isfinite(got) or not np.isfinite(true):
        return float("inf")
    unit = 2.0 ** (analysis.form.exponent + 1)
    size = max(abs(true), analysis.form.normal)
    with np.errstate(over="ignore"):
        return float(np.ldexp(abs(got - true) / unit, -int(np.floor(np.log2(size)))))


def without_radius(words: str) -> str:
    """The middle of every ball in a text."""
    return RADIUS.sub(r"\1", words)
