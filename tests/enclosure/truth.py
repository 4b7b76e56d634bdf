"""Certified truth: Arb enclosures, and the distance of a computed number from one in units in the last place.

    exact = enclose(x, bits)                  an object array of flint.arb, each exactly x's element
    truth = kernel(exact)                     the same kernel in ball arithmetic: a proven enclosure of the
    exact result worst(kernel(x), truth)                   how far off the kernel is, at most

The unit is that of the true value rounded to the computed dtype: 2^(e - p + 1) for 2^e <= |truth| < 2^(e+1)
and a significand of p bits. It says nothing where the true value is not a normal number of the dtype
(`Error.counted` is False there), nor where the enclosure is too wide to tell (`ulp_error` raises: evaluate
at more bits).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from flint import arb, ctx

Array = np.ndarray[Any, np.dtype[Any]]


class Error(NamedTuple):
    """Distances and where they mean something."""

    ulp: Array  # float64, an upper bound; 0 where not counted; inf for NaN or a wrong infinity
    counted: Array  # bool: the true value is a normal number of the dtype


class Worst(NamedTuple):
    """The largest distance, and where."""

    ulp: float
    index: tuple[int, ...]
    computed: float
    counted: int  # how many elements were compared

    def __str__(self) -> str:
        return f"{self.ulp:.2f} ulp at {self.index} (computed {self.computed!r}; {self.counted} compared)"


@contextlib.contextmanager
def precision(bits: int) -> Iterator[None]:
    """Arb's working precision, in bits, inside the block."""
    saved, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = saved


def to_arb(value: Any) -> arb:
    """The ball of radius 0 at a finite floating-point number: exact at any working precision."""
    value = np.asarray(value)[()]
    bits = int(np.finfo(value.dtype).nmant) + 1
    significand, exponent = np.frexp(value if value.dtype != np.float16 else np.float32(value))
    return arb((int(np.ldexp(significand, bits)), int(exponent) - bits))


def enclose(x: Array) -> Array:
    """An object array of flint.arb, element for element exactly the finite floating-point array x."""
    x = np.asarray(x)
    if not np.isfinite(x).all():
        raise ValueError("enclose: only finite numbers have an enclosure")
    out = np.empty(x.shape, object)
    for index in np.ndindex(x.shape):
        out[index] = to_arb(x[index])
    return out


def _exponent(value: arb) -> int | None:
    """e with 2^e <= |value| < 2^(e+1); None where the ball holds 0 or straddles a power of two."""
    low, high = abs(value).abs_lower(), abs(value).abs_upper()
    if not low > 0:
        return None
    found = []
    for end in (low, high):
        mantissa, exponent = end.man_exp()  # mantissa odd, so its length places the number
        found.append(int(mantissa).bit_length() - 1 + int(exponent))
    if found[0] != found[1] and found[0] + 1 == found[1] and high == arb((1, found[1])):
        return found[0]
    return found[0] if found[0] == found[1] else None


def ulp_error(computed: Array, truth: Array, dtype: Any = None) -> Error:
    """Upper bounds of |computed - truth| in units in the last place of the true value.

    Args:
        computed: floating-point array.
        truth: object array of flint.arb of the same shape.
        dtype: whose units; computed's own if not given.

    Raises:
        ValueError: the shapes differ, or an enclosure is wider than a thousandth of a unit.
    """
    computed, truth = np.asarray(computed), np.asarray(truth, object)
    if computed.shape != truth.shape:
        raise ValueError(f"ulp_error: computed has shape {computed.shape}, truth {truth.shape}")
    info = np.finfo(dtype or computed.dtype)
    ulp, counted = np.zeros(computed.shape), np.zeros(computed.shape, bool)
    with precision(max(ctx.prec, 300)):  # the ruler must be finer than what it measures
        for index in np.ndindex(computed.shape):
            ball = arb(truth[index])
            if abs(ball) < arb((1, int(info.minexp))):  # subnormal or zero
                continue
            exponent = _exponent(ball)
            if exponent is None:
                exponent = _exponent(ball.mid())  # straddles a power of two: the midpoint's, if the ball is thin
            if exponent is None or exponent < info.minexp or exponent >= info.maxexp:
                if exponent is None or ball.rad() > abs(ball):
                    raise ValueError(f"ulp_error: the enclosure {ball} at {index} is too wide: use more bits")
                continue
            unit = arb((1, exponent - int(info.nmant)))
            if ball.rad() > unit / 1000:
                raise ValueError(f"ulp_error: the enclosure {ball} at {index} is too wide: use more bits")
            counted[index] = True
            value = computed[index]
            ulp[index] = float((abs(to_arb(value) - ball) / unit).abs_upper()) if np.isfinite(value) else np.inf
    return Error(ulp, counted)


def worst(computed: Array, truth: Array, dtype: Any = None) -> Worst:
    """The largest distance; comparing nothing is an error, because it would prove nothing."""
    error = ulp_error(computed, truth, dtype)
    if not error.counted.any():
        raise ValueError("worst: nothing was compared; no true value is a normal number")
    index = np.unravel_index(int(np.argmax(error.ulp)), error.ulp.shape)
    place = tuple(int(i) for i in index)
    return Worst(float(error.ulp[place]), place, float(np.asarray(computed)[place]), int(error.counted.sum()))


def measure(function: Callable[[Array], Array], x: Array, bits: int = 160) -> Worst:
    """Run a function of one array on x and on its enclosure, and compare."""
    with precision(bits):
        return worst(function(x), function(enclose(x)))
