"""How ill-conditioned an element of a result is: by how many units it changes where each argument changes by one.

For an element g and the real arguments x it is computed from, cotangents among them, the condition number is
sum |x dg/dx| / |g|, whatever formula computes g (Higham 2002, section 1.6). For an output dg/dx is the gradient along a
cotangent that is 1 at the element alone; for a gradient it is the second order along such a tangent. The definition
itself is differentiated (derive.evidence.truth), in float64: a few digits of a condition number are enough.
"""

from __future__ import annotations

import math

import numpy as np

from derive.evidence import layout
from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import FLOAT
from derive.evidence.truth import traced


def condition(case: Case, cotangents: Arrays, part: str, name: str, at: tuple[int, ...]) -> float:
    """The condition number of an element; infinite where it is 0 and its arguments change it, NaN where none is known.

    Args:
        part: forward, for an element of an output; backward, for one of the gradient of an input.
    """
    try:
        with np.errstate(all="ignore"):
            changes, value = _forward(case, name, at) if part == "forward" else _backward(case, cotangents, name, at)
    except (ArithmeticError, ValueError, KeyError, AssertionError, RecursionError, Undecided):
        return math.nan
    if not math.isfinite(changes) or not math.isfinite(value):
        return math.nan
    return changes / abs(value) if value else (math.inf if changes else 0.0)


def _forward(case: Case, name: str, at: tuple[int, ...]) -> tuple[float, float]:
    u = {o: layout.one_hot(case, o, at if o == name else None) for o in case.layer.differentiable_outputs}
    if name not in u:
        raise ValueError(f"{name} has no gradient")
    found = traced(case, u, None, FLOAT)
    given = {t.name: case.tensors[t.name] for t in case.layer.differentiable}
    return _weighed(case, given, found.backward), float(found.forward[name][at])


def _backward(case: Case, u: Arrays, name: str, at: tuple[int, ...]) -> tuple[float, float]:
    given = {t.name: case.tensors[t.name] for t in case.layer.differentiable}
    v = {n: layout.one_hot(case, n, at if n == name else None) for n in given}
    found = traced(case, u, v, FLOAT)
    return _weighed(case, {**given, **u}, found.double_backward), float(found.backward[name][at])


def _weighed(case: Case, values: Arrays, slopes: dict[str, Elements]) -> float:
    """The sum of |x dg/dx|."""
    return sum(
        abs(float(x) * float(slopes[n][i]))
        for n, v in values.items()
        if n in slopes
        for i, x in layout.elements(case, n, v).items()
    )
