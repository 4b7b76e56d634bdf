"""The functions that programs call, on one number or one row at a time, as plainly as they can be written.

Any numbers will do that have Python's operators and, where floats have functions of `math`, methods of these names:
fractions, balls of `flint`. A row is a list.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

pi, inf = math.pi, math.inf


def exp(x: Any) -> Any:
    if hasattr(x, "exp"):
        return x.exp()
    return math.exp(x) if x < 709 or x != x else inf


def log(x: Any) -> Any:
    if hasattr(x, "log"):
        return x.log()
    return math.log(x) if x > 0 else -inf if x == 0 else math.nan


def log1p(x: Any) -> Any:
    return x.log1p() if hasattr(x, "log1p") else math.log1p(x) if x > -1 else log(1 + x)


def expm1(x: Any) -> Any:
    return x.expm1() if hasattr(x, "expm1") else math.expm1(x) if x < 709 or x != x else inf


def sqrt(x: Any) -> Any:
    return x.sqrt() if hasattr(x, "sqrt") else math.sqrt(x) if x >= 0 else math.nan


def erf(x: Any) -> Any:
    return x.erf() if hasattr(x, "erf") else math.erf(x)


def sin(x: Any) -> Any:
    return x.sin() if hasattr(x, "sin") else math.sin(x) if math.isfinite(x) else math.nan


def cos(x: Any) -> Any:
    return x.cos() if hasattr(x, "cos") else math.cos(x) if math.isfinite(x) else math.nan


def floor(x: Any) -> Any:
    if hasattr(x, "floor"):
        return x.floor()
    return math.floor(x) if math.isfinite(x) else x


def sign(x: Any) -> Any:
    """1 of a positive number, -1 of a negative one, 0 of 0 and of NaN."""
    return (x > 0) - (x < 0)


def nearest(x: Any) -> Any:
    """The nearest whole number; of two, the even one."""
    if hasattr(x, "unique_fmpz"):
        above = (x + 1 / type(x)(2)).floor()
        return above - 1 if above - x == 1 / type(x)(2) and above.unique_fmpz() % 2 else above
    return round(x) if math.isfinite(x) else x


def tanh(x: Any) -> Any:
    return x.tanh() if hasattr(x, "tanh") else math.tanh(x)


def sinh(x: Any) -> Any:
    return x.sinh() if hasattr(x, "sinh") else math.sinh(x) if abs(x) < 710 or x != x else copysign(inf, x)


def cosh(x: Any) -> Any:
    return x.cosh() if hasattr(x, "cosh") else math.cosh(x) if abs(x) < 710 or x != x else inf


def asinh(x: Any) -> Any:
    """``log(x + sqrt(x**2 + 1))``."""
    return x.asinh() if hasattr(x, "asinh") else math.asinh(x)


def hypot(a: Any, b: Any) -> Any:
    """``sqrt(a**2 + b**2)``."""
    return math.hypot(a, b) if isinstance(a, float) else sqrt(a * a + b * b)


def power(base: Any, exponent: Any) -> Any:
    """``base ** exponent``; of a negative base only to a whole power."""
    if isinstance(base, float) and base < 0 and exponent != int(exponent):
        return math.nan
    return base**exponent


def powered(base: Any, exponent: Any, order: int = 0) -> Any:
    """``p (p - 1) ... base ** (p - order)``: 0 where the factors in front are, whatever the power is."""
    factor: Any = 1
    for n in range(order):
        factor = factor * (exponent - n)
    return factor * power(base, exponent - order) if factor != 0 else 0


def xlogy(a: Any, b: Any) -> Any:
    """``a log b``, and 0 where a is 0."""
    return a * log(b) if a != 0 else 0


def xdivy(a: Any, b: Any) -> Any:
    """``a / b``, and 0 where a is 0."""
    return a / b if a != 0 else 0


def greater(a: Any, b: Any) -> Any:
    """The greater of two numbers; NaN if one is."""
    return a if a >= b or a != a else b


def copysign(a: Any, b: Any) -> Any:
    """``|a|`` with the sign of b."""
    return abs(a) if b >= 0 else -abs(a)


def negative_part(x: Any) -> Any:
    return x if x < 0 else 0


def within(x: Any) -> Any:
    """x, cut off where ``exp(-x**2 / 2)`` is 0."""
    return min(200.0, max(-200.0, x)) if isinstance(x, float) else x


# ---- exponentials --------------------------------------------------------------------------------------------------


def exp_decay(x: Any, step: int = 1) -> Any:
    return exp(-step * abs(x))


def expm1_decay(x: Any, step: int = 1) -> Any:
    return expm1(-step * abs(x))


def unbounded_exp(x: Any) -> Any:
    return exp(x)


def logistic(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return 1 / (1 + exp(-x))


def logistic_slope(x: Any, step: int = 1, times: Any = 1) -> Any:
    """``times e / (1 + e)**2`` with ``e = exp(-step |x|)``."""
    e = exp(-step * abs(x))
    return times * e / (1 + e) ** 2


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``."""
    return greater(x, 0) + log1p(exp(-abs(x)))


def log1mexp(x: Any) -> Any:
    """``log(1 - exp(x))`` of x below 0."""
    return log(-expm1(x))


def log_add(a: Any, b: Any) -> Any:
    """``log(exp(a) + exp(b))``."""
    return greater(a, b) + log1p(exp(-abs(a - b) if a != b else a * 0))


def log_cosh(x: Any) -> Any:
    """``log((exp(x) + exp(-x)) / 2)``; near 0 ``log(1 + 2 sinh(x / 2)**2)``."""
    if hasattr(x, "cosh"):
        return x.cosh().log()
    return log1p(2 * sinh(x / 2) ** 2) if abs(x) < 1 else abs(x) + log1p(exp(-2 * abs(x))) - math.log(2)


def less_tanh(x: Any) -> Any:
    """``x - tanh(x)``; near 0 it is ``x k / (1 + k)`` with ``k = x**2 / (3 + x**2 / (5 + ...))``."""
    if hasattr(x, "tanh") or abs(x) > 1:
        return x - tanh(x)
    k = 0.0
    for odd in range(31, 1, -2):
        k = x * x / (odd + k)
    return x * (k / (1 + k))


def expm1_less(x: Any) -> Any:
    """``exp(x) - 1 - x``; near 0 ``x**2/2 (1 + x/3 (1 + x/4 (1 + ...)))``."""
    if hasattr(x, "exp") or abs(x) > 1:
        return exp(x) - 1 - x
    total = 1.0
    for n in range(24, 2, -1):
        total = 1 + x / n * total
    return x * x / 2 * total


def less_log1p(x: Any) -> Any:
    """``x - log(1 + x)``; near 0 ``x s - 2 s**3 (1/3 + s**2/5 + ...)`` with ``s = x / (2 + x)``."""
    if hasattr(x, "log") or abs(x) > 0.5:
        return x - log1p(x)
    s, total = x / (2 + x), 0.0
    for odd in range(49, 1, -2):
        total = 1 / odd + s * s * total
    return x * s - 2 * s**3 * total


def log1p_power(base: Any, exponent: Any) -> Any:
    """``log(1 + base ** exponent)``."""
    return log1p(base**exponent)


def power_share(base: Any, exponent: Any, order: int) -> Any:
    """The derivative of some order of ``base ** exponent``, divided by ``1 + base ** exponent``."""
    return powered(base, exponent, order) / (1 + base**exponent)


def log_cdf(x: Any) -> Any:
    """The logarithm of the normal distribution function."""
    if hasattr(x, "erf"):
        return log(normal_cdf(x))
    if x > -30:
        return log(normal_cdf(x)) if x < 0 else log1p(-normal_cdf(-x))
    total = 1.0
    for odd in range(19, 0, -2):
        total = 1 - odd / x / x * total
    return log(total) - log(-x) - math.log(2 * math.pi) / 2 - x / 2 * x


def normal_cdf(x: Any) -> Any:
    return (1 + erf(x / sqrt_2(x))) / 2 if hasattr(x, "erf") else math.erfc(-x / math.sqrt(2)) / 2


def normal_pdf(x: Any) -> Any:
    return exp(-x * x / 2) / sqrt_2(x) / (sqrt(x * 0 + x.pi()) if hasattr(x, "pi") else math.sqrt(pi))


def sqrt_2(x: Any) -> Any:
    """The square root of 2, as the same kind of number."""
    return sqrt(x * 0 + 2)


def gelu(x: Any) -> Any:
    return x * normal_cdf(x)


def gelu_derivative(x: Any) -> Any:
    return normal_cdf(x) + x * normal_pdf(x)


def gelu_with_derivative(x: Any) -> tuple[Any, Any]:
    return gelu(x), gelu_derivative(x)


# ---- rows ----------------------------------------------------------------------------------------------------------


def largest(row: Iterable[Any]) -> Any:
    """The largest number of a row, minus infinity of none."""
    found: Any = -inf
    for v in row:
        found = greater(found, v)
    return found


def argmax(row: Sequence[Any]) -> int:
    """The position of the first of the largest numbers."""
    place = 0
    for n, v in enumerate(row):
        if v > row[place] or (v != v and row[place] == row[place]):
            place = n
    return place


def row_exp(row: Sequence[Any]) -> list[Any]:
    """The exponentials of a row, all divided by the largest one."""
    most = largest(row)
    return [exp(v - most) if v != -inf else 0 for v in row]


def exp_sum(row: Iterable[Any]) -> Any:
    """The sum of what `row_exp` gives."""
    return sum(row)


def square_sum(row: Iterable[Any]) -> Any:
    return sum(v * v for v in row)


def norm(row: Sequence[Any]) -> Any:
    """The square root of the sum of squares."""
    return math.hypot(*row) if all(isinstance(v, float) for v in row) else sqrt(square_sum(row))


def row_norm(row: Sequence[Any]) -> Any:
    return norm(row)


def log_sum(row: Sequence[Any]) -> Any:
    """The logarithm of a sum over its largest term."""
    place = argmax(row)
    if not row or row[place] == 0:
        return -inf
    return log1p(sum(v / row[place] for n, v in enumerate(row) if n != place))


def log_sum_exp(row: Sequence[Any]) -> Any:
    """The logarithm of the sum of exponentials of numbers of which the largest is 0."""
    return log_sum([exp(v) for v in row])


def less_mean(row: Sequence[Any], p: Sequence[Any]) -> list[Any]:
    """``f - sum(p f)``, for p that sum to 1 (or are all 0): relative to f where p is largest."""
    at = row[argmax(p)] if sum(p) != 0 else 0
    mean = sum(q * (v - at) for q, v in zip(p, row, strict=True))
    return [v - at - mean for v in row]


def less_share(row: Sequence[Any], p: Sequence[Any]) -> list[Any]:
    """``g - p sum(g)``, for such p: where p is largest it is minus the sum of the others."""
    total = sum(row)
    found = [v - q * total for q, v in zip(p, row, strict=True)]
    if sum(p) != 0:
        place = argmax(p)
        found[place] = -sum(v for n, v in enumerate(found) if n != place)
    return found


def less_one_hot(y: Sequence[Any], t: int) -> list[Any]:
    """``y[i] - [i == t]`` for y that sum to 1: at t it is minus the sum of the others."""
    return [-sum(y[:t]) - sum(y[t + 1 :]) if i == t else v for i, v in enumerate(y)]


# ---- arrays --------------------------------------------------------------------------------------------------------


def zeros(*shape: int) -> Any:
    """Nested lists of zeros."""
    return [zeros(*shape[1:]) for _ in range(shape[0])] if shape else 0


def zeros_like(a: Any) -> Any:
    return [zeros_like(v) for v in a] if isinstance(a, list) else 0


def plus(a: Any, b: Any) -> Any:
    """The sum of nested lists; of b alone where nothing is there yet."""
    if a is None:
        return b
    return [plus(p, q) for p, q in zip(a, b, strict=True)] if isinstance(b, list) else a + b


def at(array: Any, *index: int | None, outside: Any = 0) -> Any:
    """An element of nested lists, or what stands outside of them."""
    for i in index:
        if array is None or i is None or not 0 <= i < len(array):
            return outside
        array = array[i]
    return array if array is not None else outside


def exactly(a: int, b: int) -> int | None:
    """``a / b``, and None, which is nowhere, where that is no whole number."""
    return a // b if a % b == 0 else None
