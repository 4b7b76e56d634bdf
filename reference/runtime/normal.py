"""The error function, the normal distribution and gelu, to the last few bits over the whole line.

Every function is within 4 units in the last place wherever the true value is a normal number: the left tail
to x = -37.7 and the root of gelu's derivative near x = -0.75 included. They work on float16, float32,
float64 and longdouble arrays of any layout, keep the dtype, and never write to an argument; on object
arrays of `flint.arb` the textbook formula is evaluated in ball arithmetic. What is not promised: longdouble
is as good as the C library's own exp, and to 64 bits at most. Inside one block of elements the faster of
two fits is used if all are small, so the last bit of an element may depend on its neighbours.

With a = |x|, the upper tail is Q(a) = phi(a) M(a); the density is phi(a) = r exp(-a^2/2) with r = 1/sqrt(2
pi), and Mills' ratio M is smooth. With s = (a0 - a)/(a + k), where a0 is the root of M(a) = a,

    r M(a)       = (n0 + s P(s))/(a + kappa)                          P a polynomial: `coefficients.py`
    r (M(a) - a) = (a0 - a) (r + (r a0 + P(s)/(a + k))/(a + kappa))
    gelu(x)  = max(x, 0) - a Q(a)
    gelu'(x) = phi(a) (M(a) - a) for x <= 0, and 1 minus that for x > 0

none of which cancels. In exp(-a^2/2) the rounding of a^2 alone would cost a^2/2 units, so the square is
kept in two parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from reference.runtime import coefficients
from reference.runtime.layout import least, memory_order, most
from reference.runtime.storage import empty

Array = np.ndarray[Any, np.dtype[Any]]
Rows = list[Array]  # working arrays

BLOCK = 16384  # elements a block: the working arrays of one stay in the second-level cache
ROWS = 9  # working arrays a block
SMALL = 1024  # elements of float32 up to which float64 costs less than the calls it saves
_NARROW = (np.dtype(np.float32), np.dtype(np.float64))


class _Table(NamedTuple):
    """A fit of Mills' ratio on [0, limit]; see the module's docstring.

    Arrays of no axes, because a ufunc converts any other scalar at every call, which takes 0.2 us.
    """

    limit: Array
    k: Array
    kappa: Array
    root: Array  # a0
    root_rest: Array  # what rounding a0 left
    r: Array  # 1/sqrt(2 pi)
    r_root: Array
    n0: Array
    p: tuple[Array, ...]  # lowest power first


class _Constants(NamedTuple):
    """What the functions need for one dtype."""

    wide: bool  # results are rounded to fewer bits than the working arrays have, so that a^2 may be rounded
    near: _Table  # good for a <= near.limit
    far: _Table  # good wherever the result is a normal number
    erf: tuple[Array, ...]  # erf(x)/x in powers of x^2 for |x| <= 1/2
    zero: Array
    one: Array
    half: Array
    sqrt_2: Array
    grid: Array  # adding and subtracting it leaves half of the significand's bits of a number below 256
    floor: Array  # exp(floor) is well inside the normal numbers


@cache
def _constants(dtype: np.dtype[Any], wide: bool = False) -> _Constants:
    """The constants for results of a dtype; wide: in float64, for results of float32."""
    work = np.dtype(np.float64) if wide else dtype

    def array(value: Any) -> Array:
        return np.array(value, work) if work in _NARROW else np.array(np.longdouble(value))

    def table(raw: tuple[Any, ...]) -> _Table:
        *numbers, p = raw
        return _Table._make([*(array(v) for v in numbers), tuple(array(c) for c in p)])

    c = coefficients
    near, far, erf_series, floor = {
        np.dtype(np.float32): (c.NORMAL_SINGLE, c.NORMAL_SINGLE, c.ERF_SINGLE, -80.0),
        np.dtype(np.float64): (c.NORMAL_DOUBLE_NEAR, c.NORMAL_DOUBLE, c.ERF_DOUBLE, -690.0),
    }.get(dtype, (c.NORMAL_LONG, c.NORMAL_LONG, c.ERF_LONG, -11000.0))
    bits = np.finfo(dtype).nmant
    grid = math.ldexp(1.5, bits - bits // 2 + 6)
    scalars = (array(v) for v in (0.0, 1.0, 0.5, np.sqrt(np.longdouble(2)), grid, floor))
    return _Constants(wide, table(near), table(far), tuple(array(v) for v in erf_series), *scalars)


def _horner(p: tuple[Array, ...], s: Array, out: Array) -> Array:
    """The polynomial p, lowest power first, at s."""
    add, multiply = np.add, np.multiply
    multiply(s, p[-1], out)
    for c in p[-2:0:-1]:
        add(out, c, out)
        multiply(out, s, out)
    return add(out, p[0], out)


def _gauss(a: Array, factor: Array, rows: Rows, const: _Constants) -> list[Array]:
    """Factors, one or two, whose product is exp(-factor a^2), for 0 <= a < 256; rows 4 to 7 are overwritten.

    `factor` is a power of two. The second factor is there where the exponential alone would be subnormal:
    its product with something large need not be.
    """
    first, second, lo, r = rows[4:8]
    if const.wide:
        np.multiply(a, a, first)
        np.multiply(first, -factor, first)
        np.exp(first, first)
        return [first]
    if a.dtype == np.float32:  # the square of 24 bits is exact in float64
        wide = np.multiply(a, a, dtype=np.float64)
        np.multiply(wide, float(-factor), wide)
        low = least(wide) < const.floor
        if low:
            np.exp(np.minimum(wide - const.floor, 0.0), second, casting="same_kind")
            np.maximum(wide, const.floor, out=wide)
        np.exp(wide, wide)
        np.copyto(first, wide, casting="same_kind")
        return [first, second] if low else [first]
    hi = second
    np.add(a, const.grid, hi)
    np.subtract(hi, const.grid, hi)
    np.subtract(a, hi, lo)
    np.add(a, hi, r)
    np.multiply(lo, r, lo)  # a^2 - hi^2
    np.multiply(hi, hi, hi)  # exact
    np.add(hi, lo, r)
    np.subtract(r, hi, hi)
    np.subtract(hi, lo, hi)  # minus the rounding error of r = a^2
    if factor != 1:
        np.multiply(hi, factor, hi)
        np.multiply(r, factor, r)
    np.negative(r, r)
    low = least(r) < const.floor
    if low:
        np.subtract(r, const.floor, lo)
        np.minimum(lo, const.zero, out=lo)
        np.exp(lo, lo)
        np.maximum(r, const.floor, out=r)
    np.exp(r, first)
    np.multiply(hi, first, hi)
    np.add(first, hi, first)
    return [first, lo] if low else [first]


def _mills(a: Array, rows: Rows, const: _Constants) -> tuple[_Table, Array, Array, Array, Array]:
    """The table used, and in rows 1 to 4: s, a + k, P(s) and a0 - a. Clips a to where the table ends."""
    s, shifted, p, left = rows[1:5]
    near, table = const.near, const.far
    if most(a) <= near.limit:
        table = near
    else:
        np.minimum(a, table.limit, out=a)
    np.subtract(table.root, a, left)
    np.add(left, table.root_rest, left)
    np.add(a, table.k, shifted)
    np.divide(left, shifted, s)
    return table, s, shifted, _horner(table.p, s, p), left


def _reflect(x: Array, below: Array, out: Array, sign: Array, const: _Constants) -> None:
    """1 - below where x > 0, below elsewhere."""
    np.copysign(const.one, x, sign)
    np.multiply(below, sign, below)
    np.maximum(sign, const.zero, out=sign)
    np.subtract(sign, below, out)


def _gelu_block(x: Array, y: Array | None, slope: Array | None, rows: Rows, const: _Constants) -> None:
    a, over = rows[0], rows[8]
    np.absolute(x, a)
    table, s, shifted, p, left = _mills(a, rows, const)
    np.add(a, table.kappa, over)
    if slope is not None:
        np.divide(p, shifted, shifted)
        np.add(shifted, table.r_root, shifted)
        np.divide(shifted, over, shifted)
        np.add(shifted, table.r, shifted)
        np.multiply(shifted, left, shifted)  # r (M(a) - a)
    if y is not None:
        np.multiply(p, s, p)
        np.add(p, table.n0, p)
        np.divide(p, over, p)
        np.multiply(p, a, p)  # r a M(a)
    for gauss in _gauss(a, const.half, rows, const):
        if slope is not None:
            np.multiply(shifted, gauss, shifted)
        if y is not None:
            np.multiply(p, gauss, p)
    if slope is not None:
        _reflect(x, shifted, slope, s, const)
    if y is not None:
        np.maximum(x, const.zero, out=s)
        np.subtract(s, p, y)


def _cdf_block(x: Array, y: Array, rows: Rows, const: _Constants) -> None:
    a = rows[0]
    np.absolute(x, a)
    table, s, shifted, p, _ = _mills(a, rows, const)
    np.multiply(p, s, p)
    np.add(p, table.n0, p)
    np.add(a, table.kappa, s)
    np.divide(p, s, p)
    for gauss in _gauss(a, const.half, rows, const):
        np.multiply(p, gauss, p)
    _reflect(x, p, y, shifted, const)


def _pdf_block(x: Array, y: Array, rows: Rows, const: _Constants) -> None:
    a = rows[0]
    np.absolute(x, a)
    np.minimum(a, const.far.limit, out=a)
    first, *rest = _gauss(a, const.half, rows, const)
    np.multiply(first, const.far.r, y)
    for gauss in rest:
        np.multiply(y, gauss, y)


def _erf_block(x: Array, y: Array, rows: Rows, const: _Constants) -> None:
    a = rows[0]
    np.absolute(x, a)
    np.minimum(a, 8.0, out=a)  # where erf is 1 to the last bit
    small = rows[8]
    np.copyto(small, a)
    np.multiply(a, const.sqrt_2, a)
    table, s, shifted, p, _ = _mills(a, rows, const)
    np.multiply(p, s, p)
    np.add(p, table.n0, p)
    np.add(a, table.kappa, a)
    np.divide(p, a, p)  # r M(sqrt(2) |x|)
    p *= 2.0
    for gauss in _gauss(small, const.one, rows, const):
        np.multiply(p, gauss, p)  # erfc(|x|)
    np.subtract(const.one, p, shifted)
    np.copysign(shifted, x, y)
    inner = small < 0.5
    np.minimum(small, const.half, out=small)
    np.multiply(small, small, small)
    np.multiply(_horner(const.erf, small, s), x, y, where=inner)


def _blocked(kernel: Callable[..., None], x: Array, wanted: tuple[bool, ...], name: str) -> list[Array | None]:
    """Run kernel(x, *outputs, rows, constants) over blocks of x; outputs that are not wanted are None."""
    x = np.asarray(x)
    if x.dtype == np.float16:
        return _narrowed(_blocked(kernel, x.astype(np.float32), wanted, name), x.dtype)
    if x.dtype.kind != "f":
        raise TypeError(f"{name}: x has dtype {x.dtype}, but real floating-point numbers (or flint.arb objects) fit")
    dtype = x.dtype
    const = _constants(dtype, dtype.char == "f" and x.size <= SMALL)
    if const.wide:
        x = x.astype(np.float64)
    order = memory_order(x)
    outs = [empty(x.shape, x.dtype, order) if want else None for want in wanted]
    flat = x.transpose(order).reshape(-1)  # as the elements lie
    flats = [None if out is None else out.transpose(order).reshape(-1) for out in outs]
    rows = list(np.empty((ROWS, min(flat.size, BLOCK)), x.dtype))
    if flat.size <= BLOCK:
        if flat.size:
            kernel(flat, *flats, rows, const)
        return _narrowed(outs, dtype) if const.wide else outs
    for start in range(0, flat.size, BLOCK):
        part = slice(start, min(start + BLOCK, flat.size))
        if part.stop - start < len(rows[0]):
            rows = [row[: part.stop - start] for row in rows]
        kernel(flat[part], *(None if out is None else out[part] for out in flats), rows, const)
    return outs


def _narrowed(outs: list[Array | None], dtype: np.dtype[Any]) -> list[Array | None]:
    return [None if out is None else out.astype(dtype) for out in outs]


def _objects(formula: Callable[[Any], Any], x: Array) -> Array:
    return np.asarray(np.frompyfunc(formula, 1, 1)(x), dtype=object)


def _arb_cdf(v: Any) -> Any:
    return (-v / type(v)(2).sqrt()).erfc() / 2


def _arb_pdf(v: Any) -> Any:
    return (-v * v / 2).exp() / (2 * type(v).pi()).sqrt()


def _is_object(x: Any) -> bool:
    return bool(getattr(x, "dtype", None) == np.dtype(object))


def erf(x: Array) -> Array:
    """The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x, of every element."""
    if _is_object(x):
        return _objects(lambda v: v.erf(), x)
    return _only(_blocked(_erf_block, x, (True,), "erf"))


def normal_cdf(x: Array) -> Array:
    """(1 + erf(x/sqrt(2)))/2: the probability that a standard normal variable is below x."""
    if _is_object(x):
        return _objects(_arb_cdf, x)
    return _only(_blocked(_cdf_block, x, (True,), "normal_cdf"))


def normal_pdf(x: Array) -> Array:
    """exp(-x^2/2)/sqrt(2 pi), the density of a standard normal variable."""
    if _is_object(x):
        return _objects(_arb_pdf, x)
    return _only(_blocked(_pdf_block, x, (True,), "normal_pdf"))


def gelu(x: Array) -> Array:
    """x normal_cdf(x)."""
    if _is_object(x):
        return np.asarray(x * normal_cdf(x))
    return _only(_blocked(_gelu_block, x, (True, False), "gelu"))


def gelu_derivative(x: Array) -> Array:
    """normal_cdf(x) + x normal_pdf(x)."""
    if _is_object(x):
        return np.asarray(normal_cdf(x) + x * normal_pdf(x))
    return _only(_blocked(_gelu_block, x, (False, True), "gelu"))


def gelu_with_derivative(x: Array) -> tuple[Array, Array]:
    """`gelu(x)` and `gelu_derivative(x)` for little more than the price of one."""
    if _is_object(x):
        return gelu(x), gelu_derivative(x)
    y, slope = _blocked(_gelu_block, x, (True, True), "gelu")
    assert y is not None
    assert slope is not None
    return y, slope


def _only(outs: list[Array | None]) -> Array:
    found = [out for out in outs if out is not None]
    return found[0]
