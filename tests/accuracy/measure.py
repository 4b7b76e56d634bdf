"""Measures a function's value and slope against Arb.

The truth and its derivatives come from the definition alone, evaluated in ball arithmetic with as many digits as it
takes (derive.evidence.truth). With u the unit roundoff, the error of a value g at x is measured in

    u (|g(x)| + |x g'(x)|)

which is what rounding the argument once and the result once may cost: so a zero crossing is judged by its
conditioning. Where g' is 0, as on top of a wave that is many periods away, rounding costs u^2 x^2 |g''(x)|. A slope is
measured likewise, with g' and g'' in the places of g and g'. Functions that promise more are
measured in units in the last place. Where the truth is no normal number nothing is measured, but that what is below
the smallest one stays there.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from derive.evidence import kernels
from derive.evidence.balls import exactly
from derive.evidence.layout import Case
from derive.evidence.truth import SHARP, traced
from tests.accuracy.functions import Found

Array = np.ndarray[Any, Any]
LIMIT = 4.0
#: Within 4 units in the last place, wherever the truth is a normal number.
PLAIN = ("project-sigmoid", "project-tanh", "project-gelu")
BITS = (200, 1200, 4000, 16000)
TOGETHER = 16  # points in one call, for the second measurement: what one overflows, others do not see
EDGES = (0, 0.5, 1, 2, 3, 6, 20, 30, 45)  # kinks, and where exp(-x) disappears beside 1
SIZES = (1e-300, 1e-160, 1e-77, 1e-20, 1e-9, 1e-4, 1e-3, 1e9, 1e20, 1e77, 1e122, 1e160, 1e250, 1e307)


@dataclass(frozen=True)
class Worst:
    """The largest error, in the unit asked for, and where; how many points were measured."""

    error: float = 0.0
    at: float = float("nan")
    measured: int = 0

    def __str__(self) -> str:
        return f"{self.error:.3g} at {self.at:.17g}" if self.error else "0"

    def __or__(self, other: Worst) -> Worst:
        first = self if self.error >= other.error else other
        return Worst(first.error, first.at, self.measured + other.measured)


def points(found: Found, options: dict[str, Any], count: int, dtype: Any, seed: int = 0) -> Array:
    """About ``count`` numbers of both signs, from the smallest normal one to the largest, dense where functions change,
    and on both sides of whole numbers and of options; only those in the function's domain."""
    random = np.random.default_rng(seed)
    info = np.finfo(dtype)
    n = max(4, count // 8)
    size = [
        np.exp(random.uniform(np.log(float(info.tiny)), 0, n)),
        np.exp(random.uniform(np.log(1e-3), 0, n)),
        random.uniform(0, 45, n),
        random.uniform(45, 750, n // 2),
        np.exp(random.uniform(np.log(750.0), np.log(float(info.max)), n // 2)),
    ]
    edges = [float(v) for v in options.values() if isinstance(v, int | float)]
    size.append(np.array([v for v in SIZES if info.tiny <= v <= info.max]))
    for edge in (*EDGES, *map(abs, edges), *(1 / abs(v) for v in edges if v)):
        at = np.array(edge, dtype)
        size.append(np.array([at, np.nextafter(at, dtype(np.inf)), np.nextafter(at, dtype(-np.inf))], float))
    x = np.abs(np.concatenate(size)).astype(dtype)
    x = np.unique(np.concatenate([x, -x]))
    (tensor,) = found.layer.inputs
    if tensor.domain is not None and tensor.domain.high is not None:  # the numbers near its ends
        low, high = float(tensor.domain.low or 0), float(tensor.domain.high)
        near = np.exp(random.uniform(-36, 0, n)) * (high - low) / 2
        x = np.unique(np.concatenate([x, (low + near).astype(dtype), (high - near).astype(dtype)]))
    finite = x[np.isfinite(x)]
    return finite if tensor.domain is None else finite[[tensor.domain.holds(float(v)) for v in finite]]


def truths(found: Found, x: Array, options: dict[str, Any]) -> list[tuple[Any, Any, Any] | None]:
    """g, g' and g'' at every point, as balls; None where there is no value or slope, or none that Arb can tell."""
    out: list[tuple[Any, Any, Any] | None] = [None] * len(x)
    (tensor,), (y,) = found.layer.inputs, found.layer.outputs
    for bits in BITS:
        left = [n for n, v in enumerate(out) if v is None]
        if not left:
            break
        for n in left:
            out[n] = at_point(found, float(x[n]), options, bits, tensor.name, y)
    return out


def at_point(found: Found, x: float, options: dict[str, Any], bits: int, name: str, y: str) -> Any:
    case = Case(found.layer, {name: np.array(x)}, options)
    one = {y: np.array(1.0)}, {name: np.array(1.0)}
    with kernels.precision(bits):
        try:
            run = traced(case, *one, exactly(), lambda v: bool(v.is_finite()))
        except (ArithmeticError, ValueError):
            return None
        balls = tuple(next(iter(own[n].values())) for own, n in (
            (run.forward, y), (run.backward, name), (run.double_backward, name)))  # fmt: skip
        return balls if all(map(sharp, balls)) and not run.singular else None


def sharp(ball: Any) -> bool:
    """Narrower than any format, or surely below all numbers of it."""
    if not ball.is_finite():
        return False
    radius = ball.rad()
    return bool(radius <= abs(ball.mid()) * 2.0**SHARP) or bool(abs(ball) < flint.arb(2) ** -1200)


def measured(found: Found, kernel: Any, options: dict[str, Any], x: Array) -> tuple[Worst, Worst]:
    """The worst errors of value and slope."""
    known = truths(found, x, options)
    both = computed(kernel, x, options)
    apart = [computed(kernel, x[n : n + TOGETHER], options) for n in range(0, len(x), TOGETHER)]
    worst = []
    for which in (0, 1):
        again = np.concatenate([part[which] for part in apart])
        plain = found.name in PLAIN
        total = Worst()
        for got in (both[which], again):
            own = Worst()
            for n, ball in enumerate(known):
                if ball is not None:
                    own |= error(got[n], x[n], ball[which:], plain)
            total = Worst((total | own).error, (total | own).at, own.measured)
        worst.append(total)
    return worst[0], worst[1]


def computed(kernel: Any, x: Array, options: dict[str, Any]) -> tuple[Array, Array]:
    """Value and slope: backward with a cotangent of 1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # overflow of what overflows; that nothing else warns is seen in the evidence
        y, saved = kernel.forward(x, **options)
        (slope,) = kernel.backward(np.ones_like(x), saved)
    return np.asarray(y), np.broadcast_to(np.asarray(slope), x.shape)


def error(got: Any, x: Any, truths: Sequence[Any], plain: bool) -> Worst:
    """One point's error, from the truth and its derivatives there; of a truth that is no normal number only that the
    result is none either, or is what rounding the argument makes of a zero (of a sine at a whole multiple of pi).
    """
    info = np.finfo(got.dtype)
    truth, slope, curve = (*truths, flint.arb(0))[:3]
    size = abs(truth)
    if size >= flint.arb(float(info.max)):
        return Worst()
    if not np.isfinite(got):
        return Worst(float("inf"), float(x), 1)
    with kernels.precision(300):
        u, at = float(info.eps) / 2, flint.arb(float(x))
        moved = abs(slope * at) * u + abs(curve * at * at) * u * u  # by what one rounding of x costs
        far = abs(flint.arb(float(got)) - truth)
        if size < flint.arb(float(info.tiny)):
            good = abs(got) <= info.tiny or far <= flint.arb(LIMIT) * moved
            return Worst() if good else Worst(float("inf"), float(x), 1)
        unit = flint.arb(float(np.spacing(np.asarray(float(size.mid())).astype(got.dtype))))
        if not plain:
            unit = size * u + moved
        return Worst(float((far / unit).mid()), float(x), 1)
