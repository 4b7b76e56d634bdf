"""Where the numbers in `reference/runtime/coefficients.py` come from: a formula, evaluated in ball
arithmetic.

The upper tail of the normal distribution is Q(a) = phi(a) M(a), with Mills' ratio M smooth and slowly
varying. With a0 the root of M(a) = a (minus the root of the derivative of gelu), s = (a0 - a)/(a + k) and r
= 1/sqrt(2 pi), the function

    N(s) = r M(a) (a + kappa)  =  n0 + s P(s),        n0 = r a0 (a0 + kappa)

is nearly constant, and P is a polynomial to within rounding. Writing N as its value at a0 plus s times
something is the point: the derivative of gelu at x = -a is phi(a) (M(a) - a), and

    r (M(a) - a) = (a0 - a) (r + (r a0 + P(s)/(a + k))/(a + kappa))

is a product of sums of positive terms, so it keeps its relative accuracy through its root, once a0 is given
in two parts.

P is interpolated at Chebyshev nodes, which is within a small factor of the best polynomial. `python -m
tests.enclosure.fit` writes the file; `certify` proves the error over a whole interval in ball arithmetic.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_series, ctx

PRECISION = 500  # bits; interpolation at 40 nodes loses about 100 of them
TARGET = pathlib.Path(__file__).parents[2] / "reference" / "runtime" / "coefficients.py"


@dataclass(frozen=True)
class Choice:
    """What was chosen by hand: the interval [0, limit], the degree of P, and the two shifts (all exact in
    binary).
    """

    name: str
    limit: float
    degree: int
    k: float
    kappa: float
    digits: int  # decimal digits that survive rounding to the type
    bits: int  # of the type's significand


CHOICES = (
    Choice("NORMAL_SINGLE", 15.0, 10, 2.75, 1.25, 9, 24),
    Choice("NORMAL_DOUBLE_NEAR", 6.0, 16, 5.0, 1.25, 17, 53),
    Choice("NORMAL_DOUBLE", 39.0, 26, 3.0, 1.25, 17, 53),
    Choice("NORMAL_LONG", 160.0, 33, 5.0, 1.25, 24, 64),
)
ERF_DEGREES = {"ERF_SINGLE": (4, 9), "ERF_DOUBLE": (9, 17), "ERF_LONG": (11, 24)}  # degree in x^2, digits
ERF_LIMIT = 0.5


def mills(a: arb) -> arb:
    """M(a) = Q(a)/phi(a), the ratio of the normal upper tail to the density."""
    return (a * a / 2).exp() * (a / arb(2).sqrt()).erfc() * (arb.pi() / 2).sqrt()


def mills_series(a: arb, order: int) -> arb_series:
    """Taylor coefficients of M about every point of the ball a, from M' = a M - 1; M decreases, so its ends
    enclose it.
    """
    terms = [mills(a.lower()).union(mills(a.upper()))]
    terms.append(a * terms[0] - 1)
    while len(terms) < order:
        terms.append((a * terms[-1] + terms[-2]) / len(terms))
    return arb_series(terms[:order], prec=order)


def density_at_0() -> arb:
    """r = 1/sqrt(2 pi)."""
    return 1 / (2 * arb.pi()).sqrt()


def root() -> arb:
    """a0 with M(a0) = a0, by Newton's method (M' = a M - 1); the last step brackets it."""
    a = arb(0.75)
    for _ in range(12):
        a = (a - (mills(a) - a) / (a * mills(a) - 2)).mid()
    radius = arb(2) ** (40 - ctx.prec)
    if not (mills(a - radius) > a - radius and mills(a + radius) < a + radius):
        raise ArithmeticError("the root of M(a) = a is not bracketed")
    return a


def interpolate(nodes: list[arb], values: list[arb]) -> list[arb]:
    """Monomial coefficients, lowest first, of the polynomial through the points (Newton's divided
    differences).
    """
    table = list(values)
    size = len(nodes)
    for order in range(1, size):
        for j in range(size - 1, order - 1, -1):
            table[j] = (table[j] - table[j - 1]) / (nodes[j] - nodes[j - order])
    coefficients = [table[-1]]
    for j in range(size - 2, -1, -1):
        shifted = [arb(0), *coefficients]
        for i, c in enumerate(coefficients):
            shifted[i] -= nodes[j] * c
        shifted[0] += table[j]
        coefficients = shifted
    return coefficients


def chebyshev(low: arb, high: arb, degree: int) -> list[arb]:
    """The degree + 1 Chebyshev nodes of [low, high]."""
    size = degree + 1
    middle, half = (low + high) / 2, (high - low) / 2
    return [(middle + half * (arb(2 * j + 1) / (2 * size)).cos_pi()).mid() for j in range(size)]


def fit_normal(choice: Choice) -> list[arb]:
    """The coefficients of P, lowest first."""
    a0, k, kappa = root(), arb(choice.k), arb(choice.kappa)
    nodes = chebyshev((a0 - arb(choice.limit)) / (arb(choice.limit) + k), a0 / k, choice.degree)
    values = []
    for s in nodes:
        a = (a0 - k * s) / (1 + s)
        values.append(density_at_0() * (mills(a) * (a + kappa) - a0 * (a0 + kappa)) / s)
    return interpolate(nodes, values)


def fit_erf(degree: int) -> list[arb]:
    """erf(x)/x as a polynomial in x^2 for |x| <= ERF_LIMIT."""
    nodes = chebyshev(arb(0), arb(ERF_LIMIT) ** 2, degree)
    return interpolate(nodes, [z.sqrt().erf() / z.sqrt() for z in nodes])


def largest(error: Callable[[arb, int], arb_series], low: float, high: float, order: int = 18) -> arb:
    """A proven bound of |error| on [low, high]: Taylor's theorem with the remainder in ball arithmetic,
    interval by interval.
    """
    bound, left = arb(0), low
    while left < high:
        half = min(0.03, 0.25 / (left + 1), (high - left) / 2)
        middle, radius = arb(left + half), arb(half) * (1 + arb(2) ** -40)
        terms = error(middle, order).coeffs()
        beyond = error(middle + arb(0, 1) * radius, order + 1).coeffs()
        total = sum((abs(c) * radius**i for i, c in enumerate(terms)), start=arb(0))
        if len(beyond) > order:
            total += abs(beyond[order]) * radius**order
        bound = bound.max(total)
        left = left + 2 * half
    return bound


def certify(choice: Choice, low: float, high: float, table: Sequence[Any], number: Callable[[Any], arb]) -> arb:
    """A proven bound of the relative error of N as tabulated (rounded numbers, exact arithmetic) on low <=
    a <= high.

    `table` is the row of `coefficients.py` and `number` turns one of its entries into the ball that the
    kernel uses.
    """
    _, k, kappa, head, rest, _, _, n0, p = table
    a0 = number(head) + number(rest)

    def error(at: arb, order: int) -> arb_series:
        a = arb_series([at, 1], prec=order)
        s = (a0 - a) / (a + arb(k))
        value = arb_series([number(p[-1])], prec=order)
        for c in p[-2::-1]:
            value = value * s + number(c)
        return (s * value + number(n0)) / (mills_series(at, order) * (a + arb(kappa)) * density_at_0()) - 1

    saved = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = 200, 40
    try:
        return largest(error, low, high)
    finally:
        ctx.prec, ctx.cap = saved


def text(value: arb, digits: int) -> str:
    """Decimal digits of the midpoint."""
    return value.mid().str(digits, radius=False)


def split(value: arb, bits: int) -> tuple[arb, arb]:
    """The nearest number of that many bits, and the rest."""
    exponent = 0
    while abs(value) * arb(2) ** exponent < arb(2) ** (bits - 1):
        exponent += 1
    head = arb((value * arb(2) ** exponent + arb(0.5)).floor().unique_fmpz()) / arb(2) ** exponent
    return head, value - head


def render() -> str:
    """The text of reference/runtime/coefficients.py."""
    saved, ctx.prec = ctx.prec, PRECISION
    try:
        a0 = root()
        lines = [
            '"""Numbers of the normal distribution; `python -m tests.enclosure.fit` computes them.',
            "",
            "Do not edit: change the script and run it again. `tests/enclosure` proves the errors.",
            '"""',
            "",
            "# limit, k, kappa, a0 and its rounding error, r, r a0, n0, P (lowest power first)",
            "# strings where a float is too short",
        ]
        for c in CHOICES:
            head, rest = split(a0, c.bits)
            quote = '"' if c.bits == 64 else ""
            r = density_at_0()
            scaled = (r, r * a0, r * a0 * (a0 + arb(c.kappa)))
            shifts = (str(c.limit), str(c.k), str(c.kappa))
            numbers = [text(head, c.digits + 4), *(text(v, c.digits) for v in (rest, *scaled))]
            lines += [f"{c.name} = (", *(f"    {v}," for v in shifts)]
            lines += [f"    {quote}{v}{quote}," for v in numbers] + ["    ("]
            lines += [f"        {quote}{text(p, c.digits)}{quote}," for p in fit_normal(c)] + ["    ),", ")"]
        lines.append(f"# erf(x)/x in powers of x^2 for |x| <= {ERF_LIMIT}, lowest first")
        for name, (degree, digits) in ERF_DEGREES.items():
            quote = '"' if name.endswith("LONG") else ""
            lines += [f"{name} = (", *(f"    {quote}{text(p, digits)}{quote}," for p in fit_erf(degree)), ")"]
        return "\n".join(lines) + "\n"
    finally:
        ctx.prec = saved


if __name__ == "__main__":
    TARGET.write_text(render())
