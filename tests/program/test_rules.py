"""Rows of the table are equal pairs that fire and are needed; large and small arguments, and cases not taken."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, walk
from derive.program.rewriting.pattern import Matcher, put
from derive.program.rewriting.powers import GROWTH, POWERS
from derive.program.rewriting.rewrite import Rewriter
from derive.program.rewriting.row import Row, sums_below, totals
from derive.program.rewriting.table import CUT, FIRST, LAST, SIGNS
from reference.runtime import tails
from reference.runtime.elementary import softplus as runtime_softplus
from reference.runtime.functions import erf, logistic, logistic_slope, normal_cdf
from tests.generality.support import built, definition, own_registry

EXACT: dict[str, Any] = {
    "add": lambda *a: mpmath.fsum(a),
    "mul": lambda *a: mpmath.fprod(a),
    "pow": mpmath.power,
    "runtime powered": mpmath.power,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "library log1p": lambda a: mpmath.log(1 + a),
    "library expm1": lambda a: mpmath.exp(a) - 1,
    "runtime softplus": lambda a: mpmath.log(1 + mpmath.exp(a)),
    "runtime logistic": lambda a: 1 / (1 + mpmath.exp(-a)),
    "runtime logistic_slope": lambda a, step=1, times=1: times / (2 + 2 * mpmath.cosh(step * a)),
    "second slope of logistic": lambda a: -mpmath.tanh(a / 2) / (2 + 2 * mpmath.cosh(a)),
    "library tanh": mpmath.tanh,
    "runtime log_cosh": lambda a: mpmath.log(mpmath.cosh(a)),
    "runtime log_add": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "runtime log1mexp": lambda a: mpmath.log(1 - mpmath.exp(a)),
    "runtime less_tanh": lambda a: a - mpmath.tanh(a),
    "runtime expm1_less": lambda a: mpmath.exp(a) - 1 - a,
    "runtime less_log1p": lambda a: a - mpmath.log(1 + a),
    "runtime log1p_power": lambda a, b: mpmath.log(1 + mpmath.power(a, b)),
    "runtime power_share": lambda a, b, n: mpmath.ff(b, n) * mpmath.power(a, b - n) / (1 + mpmath.power(a, b)),
    "runtime log_cdf": lambda a: mpmath.log(mpmath.erfc(-a / mpmath.sqrt(2)) / 2),
    "runtime unbounded_exp": mpmath.exp,
    "runtime asinh": mpmath.asinh,
    "runtime hypot": lambda a, b: mpmath.sqrt(a * a + b * b),
    "erf": mpmath.erf,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "runtime normal_cdf": lambda a: mpmath.erfc(-a / mpmath.sqrt(2)) / 2,
    "library sinh": mpmath.sinh,
    "library cosh": mpmath.cosh,
    "abs": abs,
    "group": lambda a: a,
    "max": max,
    "iverson": int,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "where": lambda c, a, b: a if c else b,
}
ROUNDED: dict[str, Any] = {
    "add": lambda *a: sum(a[1:], start=a[0]),
    "mul": lambda *a: np.multiply.reduce(a),
    "pow": lambda a, b: np.sqrt(a) if b == 0.5 else 1 / np.sqrt(a) if b == -0.5 else a**b,
    "runtime powered": np.power,
    "exp": np.exp,
    "log": np.log,
    "library log1p": np.log1p,
    "library expm1": np.expm1,
    "runtime softplus": lambda a: runtime_softplus(np.asarray(a)),
    "runtime logistic": lambda a: logistic(np.asarray(a)),
    "runtime logistic_slope": lambda a, step=1, times=1: logistic_slope(np.asarray(a), int(step), float(times)),
    "second slope of logistic": lambda a: -np.tanh(a / 2) * logistic_slope(np.asarray(a)),
    "library tanh": np.tanh,
    "erf": lambda a: erf(np.asarray(a)),
    "sin": np.sin,
    "cos": np.cos,
    "runtime normal_cdf": lambda a: normal_cdf(np.asarray(a)),
    "runtime unbounded_exp": np.exp,
    "library sinh": np.sinh,
    "library cosh": np.cosh,
    "abs": np.abs,
    "group": lambda a: a,
    "max": max,
    **{name: EXACT[name] for name in (">", "<", "<=", ">=", "where", "iverson")},
    "runtime power_share": lambda a, b, n: tails.power_share(a, b, int(n)),
    **{
        f"runtime {name}": getattr(tails, name)
        for name in (
            "log_add",
            "log_cosh",
            "log1mexp",
            "less_tanh",
            "asinh",
            "hypot",
            "expm1_less",
            "less_log1p",
            "log_cdf",
            "log1p_power",
        )
    },
}
#: Beyond them exp(exp(v)) is not to be computed, and 1 - erf(v) has no digit among so many.
MOST = dict.fromkeys(("slope of tanh of exp", "exp times that of -exp"), 100)
MOST |= dict.fromkeys(("log of half of 1 + erf", "log of half of 1 - erf"), 30)
DIGITS = 700  # 1 + exp(-800) has more than 350 of them, and its change by 2**-900 of a letter 270 more
#: Numbers for letters: near 0, where functions saturate, and beyond what squares or exponentials fit in.
DATA = [s * v for v in (1e-200, 1e-18, 1e-9, 0.3, 2.5, 6.0, 40.0, 800.0, 1e200) for s in (1.0, -1.0)]
TOTALS = (1e-200, 1e-18, 1e-9, 0.3, 1.0, 40.0, 700.0, 1e200)
FOR_TOTALS = (totals, sums_below)
NUMBERS = ((3.0, 0.5), (1.0, 0.25))


def value(e: Expr, at: dict[str, Any], words: dict[str, Any]) -> Any:
    match e:
        case Num(v):
            return mpmath.mpf(v.numerator) / v.denominator if words is EXACT else np.float64(v)
        case Opt(name):
            return at[name]
        case Op("where", (c, a, b)):
            return value(a if value(c, at, words) else b, at, words)
        case Op(fn, args):
            return words[fn](*(value(a, at, words) for a in args))
    raise TypeError(e)


def letters(row: Row) -> list[str]:
    return list(dict.fromkeys(n.name for n in walk(row.before) if isinstance(n, Opt)))


def points(row: Row) -> list[dict[str, float]]:
    """Numbers for the letters of a row, where its condition holds; data that two letters stand for is near or far."""
    data = [n for n in letters(row) if not n.startswith("%#")]
    numbers = [dict(zip(("%#c", "%#d"), pair, strict=True)) for pair in NUMBERS[: 1 + ("%#c" in letters(row))]]
    if row.when in FOR_TOTALS:  # they stand for sums of exponentials
        return [{**dict(zip(data, v, strict=True)), "%#c": 3.0} for v in itertools.product(TOTALS, repeat=len(data))]
    if not data:
        return [{"%#c": c, "%#d": d} for c, d in itertools.product((0.3, 2.0, 64.0, 7e5), repeat=2)]
    if row.reason == POWERS:  # of bases above 0; powers may be beyond every number, their derivatives by u are not
        return [{"%u": u, "%v": v} for u in (1e-9, 0.3, 2.5, 40.0, 800.0, 1e9) for v in (0.3, 2.5, -6.0, 40.0, 800.0)]
    if row.reason == GROWTH:
        return [{"%u": u, "%v": v} for u in DATA[4:] if abs(u) < 1e9 for v in (0.3, 2.5, -6.0, -0.5, 1e-3)]
    if row.name.startswith("power"):  # its condition: v is above 0
        return [{"%v": v, "%#c": c} for v in (*TOTALS, 0.001234) for c in (0.5, -2.5, 4e4)]
    single = [v for v in DATA if abs(v) < MOST.get(row.name, np.inf)]  # exp(exp(v)) is to be computed
    values = itertools.product(single if len(data) == 1 else DATA[::3], repeat=len(data))
    return [{**dict(zip(data, v, strict=True)), **n} for v, n in itertools.product(values, numbers)]


def true(e: Expr, at: dict[str, float]) -> Any:
    """The number an expression is; None where it is none."""
    try:
        with mpmath.workdps(DIGITS):
            exact = value(e, {n: mpmath.mpf(v) for n, v in at.items()}, EXACT)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return None if isinstance(exact, mpmath.mpc) or not mpmath.isfinite(exact) else exact


def units(e: Expr, at: dict[str, float], truth: Any) -> float:
    """How far rounded arithmetic is off, in units of roundoff of the truth and of what a unit of each letter does."""
    with np.errstate(all="ignore"):
        found = float(value(e, {n: np.float64(v) for n, v in at.items()}, ROUNDED))
    scale = abs(truth)
    with mpmath.workdps(DIGITS):
        for n, v in at.items():
            if Opt(n) in set(walk(e)):
                near = true(e, {**at, n: mpmath.mpf(v) * (1 + mpmath.mpf(2) ** -900)})
                scale += abs(near - truth) * mpmath.mpf(2) ** 900 if near is not None else 0
        return float(abs(mpmath.mpf(found) - truth) / scale * 2**53) if np.isfinite(found) and scale else np.inf


KNOWN = [Opt("c"), Ref("v", (Pos("i"),))]  # where a condition asks for positive ones
ROWS = [*FIRST, *LAST]
#: Rows that keep no digits by themselves: they make what other rows, or the rules for sums, take up, or mend 0 / 0.
SUMS = {row.name for row in ROWS if row.when in FOR_TOTALS}  # it is the sums that overflow
NO_DIGITS = {"itself over itself", "1/", "1/ squared", "log exp", "log of 1/", "sign times u", "cosh", *SUMS}
NO_DIGITS |= {"slope of tanh of exp", "minus sign times u"}
NO_DIGITS |= {"exp times that of -exp", "tanh of exponentials"}  # infinity times 0, and over infinity
NO_DIGITS |= {"tanh of softplus", "sigmoid of u and of -u"}
NO_DIGITS |= {"one root"}  # it is rounded once in place of three times, and is no quotient where a size is 0
NO_DIGITS |= {"softplus of a multiple"}  # it overflows where the result is above 1e300, which is not compared here
NO_DIGITS |= {
    row.name for row in ROWS if row.reason in (CUT, SIGNS, POWERS, GROWTH)
}  # the left side overflows or underflows
NO_DIGITS |= {"1 + cos"}  # it cancels next to odd multiples of pi, of which no number here is one
NO_DIGITS |= {"sigmoid less its target"}  # a target, which is given, is 0 or 1: rounding one is not what it may cost


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_an_equal_pair_that_keeps_digits(row: Row) -> None:
    """In many digits both sides are one number; rounded, the left side loses it somewhere, the right side nowhere."""
    compared, lost, final = 0, 0.0, Rewriter().run(row.after, FIRST)
    for at in points(row):
        before, after = true(row.before, at), true(row.after, at)
        if before is None or abs(before) < mpmath.mpf(10) ** -500 or (row.name == "log of 1 - exp" and at["%u"] > 0):
            continue
        assert after is not None
        with mpmath.workdps(DIGITS):
            assert abs(before - after) <= mpmath.mpf(10) ** -60 * abs(before), at
        if not 1e-300 < abs(before) < 1e300:
            continue
        compared += 1
        lost = max(lost, units(row.before, at, before))
        bound = 8.0
        if row.reason == GROWTH:  # the exponent's rounding error is what the slope by u or v times that of u or v is
            bound *= 1 + abs(at["%v"]) * (1 + max(at["%u"], 0.0))
        assert row.when in FOR_TOTALS or units(final, at, before) <= bound, at
    assert compared > 2
    assert lost > 1000 or row.name in NO_DIGITS


@pytest.mark.parametrize("inner", [Fraction(2), Fraction(-1), Fraction(1, 2), Fraction(-1, 2), Fraction(2, 3)])
@pytest.mark.parametrize("outer", [Fraction(2), Fraction(-1), Fraction(1, 2), Fraction(-2)])
def test_a_power_of_a_named_power_is_one_where_it_is_equal(inner: Fraction, outer: Fraction) -> None:
    """Of a root, whose base is not negative; the root of a square is not its base."""
    base, named = Ref("a", (Pos("i"),)), Ref("r", (Pos("i"),))
    matcher = Matcher(lambda r: Op("pow", (base, Num(inner))) if r.tensor == "r" else None)
    e = Op("pow", (named, Num(outer)))
    found = matcher.power(e)
    root = inner.denominator != 1
    assert (found != e) == root
    for a in (2.5,) if root else (2.5, -1.5):
        at = {"a": a, "r": a ** float(inner)}
        wanted = at["r"] ** float(outer)
        match found:
            case Ref(name, _):
                assert at[name] == pytest.approx(wanted)
            case Op("pow", (Ref(name, _), Num(n))):
                assert at[name] ** float(n) == pytest.approx(wanted)
            case _:
                pytest.fail(str(found))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_fires(row: Row) -> None:
    """In its own table, beside another term or factor, with its terms and factors in the other order."""

    def backwards(e: Expr) -> Expr:
        if isinstance(e, Op) and e.fn in ("add", "mul"):
            return Op(e.fn, tuple(backwards(a) for a in reversed(e.args)))
        return Op(e.fn, tuple(map(backwards, e.args))) if isinstance(e, Op) else e

    data: dict[str, Expr] = {n: Ref(n[1:], (Pos("i"),)) for n in letters(row)}
    data |= {"%#c": Num(Fraction(3)), "%#d": Num(Fraction(1, 4))} if "%#d" in letters(row) else {"%#c": Opt("c")}
    made = Reduce("sum", ("k",), Op("exp", (Ref("z", (Pos("k"),)),)))
    table = FIRST if row in FIRST else LAST
    for e in (put(row.before, data), backwards(put(row.before, data))):
        rewriter = Rewriter(
            lambda r: made if row.when in FOR_TOTALS and r.tensor in "vw" else None, {}, frozenset(KNOWN)
        )
        assert rewriter.run(e, table) != e
        assert row.reason in rewriter.used or row.name in NO_DIGITS


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


FAR = np.array([800.0, 40.0, 3.0, 0.0, -3.0, -40.0, -700.0])
SPELLED = {
    "runtime softplus": ("y[i] = log(1 + exp(x[i]))", softplus),
    "softplus of a multiple": ("y[i] = log(exp(2 * x[i]) + 1) / 2", lambda x: softplus(2 * x) / 2),
    "softplus, named": ("e[i] = exp(x[i])\ns[i] = 1 + e[i]\ny[i] = log(s[i])", softplus),
    "log sigmoid": ("y[i] = log(sigmoid(x[i]))", lambda x: -softplus(-x)),
    "log sigmoid, a quotient": ("y[i] = log(1 / (1 + exp(-x[i])))", lambda x: -softplus(-x)),
    "log sigmoid, a difference": ("y[i] = x[i] - log(1 + exp(x[i]))", lambda x: -softplus(-x)),
    "log of 1 - sigmoid": ("y[i] = log(1 - sigmoid(x[i]))", lambda x: -softplus(x)),
    "mish": ("y[i] = x[i] * tanh(log(1 + exp(x[i])))", lambda x: x * np.tanh(softplus(x))),
    "sigmoid": ("y[i] = exp(x[i]) / (1 + exp(x[i]))", lambda x: np.exp(-softplus(-x))),
    "1 - sigmoid": ("y[i] = 1 - sigmoid(x[i])", lambda x: np.exp(-softplus(x))),
    "sigmoids of two": (
        "y[i] = exp(x[i]) / (1 + exp(x[i])) / (1 + exp(x[i] / 2))",
        lambda x: np.exp(-softplus(-x)) * np.exp(-softplus(x / 2)),
    ),
    "a power": ("y[i] = log(1 + (1 + x[i] ** 2) ** 90)", lambda x: softplus(90 * np.log1p(x * x))),
    "a power that is data": (
        "y[i] = log(1 + 0.1 ** x[i])",
        lambda x: np.where(x < -300, -x * np.log(10), np.log1p(0.1 ** np.maximum(x, -300))),
    ),
    "logaddexp": ("y[i] = log(exp(x[i]) + exp(-x[i]))", lambda x: np.logaddexp(x, -x)),
}  # fmt: skip


U, V = np.random.default_rng(5).standard_normal((2, len(FAR)))


@pytest.mark.parametrize("spelling", SPELLED)
def test_nothing_overflows_and_small_results_keep_their_digits(spelling: str, tmp_path: Path) -> None:
    body, truth = SPELLED[spelling]
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[i]", body + "\nreturn y"))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, saved = kernel.forward(FAR)
        np.testing.assert_allclose(y, truth(FAR), rtol=1e-14)
        back, along = kernel.backward(U, saved).x, kernel.jvp((FAR,), (V,))
        found = [back, along, *kernel.double_backward(y, (FAR,), (FAR,))]
    assert all(np.isfinite(a).all() for a in found)
    np.testing.assert_allclose(back * V, U * along, rtol=1e-13)  # element by element: both are slope * U * V


@pytest.mark.parametrize("name", ["softplus", "expm1", *tails.__all__])
def test_a_layer_may_be_called_as_a_word_of_the_table_is(name: str, tmp_path: Path) -> None:
    body = "y[...] = log(1 + exp(x[...])) * log((exp(x[...]) + exp(-x[...])) / 2)"
    text = definition("x: Real[...]", body + "\nreturn y").replace("def odd(", f"def {name}(")
    with own_registry():
        _, kernel = built(tmp_path, text, name)
    x = np.array([0.5, -0.25])
    np.testing.assert_allclose(kernel.forward(x)[0], softplus(x) * np.log(np.cosh(x)), rtol=1e-14)


@pytest.mark.parametrize(
    "case",
    [
        "sqrt(x[i]) if x[i] > 0 else 0",
        "log(x[i]) if x[i] > 0 else x[i]",
        "1 / x[i] if x[i] != 0 else 0",
        "x[i] ** 0.3 if x[i] > 0 else -((-x[i]) ** 2.5)",
        "x[i] if x[i] > 0 else 2 * (exp(x[i]) - 1)",
        "(sqrt(x[i]) if x[i] > 4 else log(x[i])) if x[i] > 0 else exp(x[i])",
        "log(x[i] - 1) if x[i] > 1 else exp(-1 / x[i]) if x[i] > 0.5 else 0",
    ],
)
def test_a_case_that_is_not_taken_is_not_evaluated(case: str, tmp_path: Path) -> None:
    """Neither in the value nor in any derivative; and a derivative that is infinite there does not get in."""
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[i]", f"y[i] = {case}\nreturn y"))
    x = np.array([-900.0, -4.0, 0.0, 0.25, 2.0, 9.0, 900.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, saved = kernel.forward(x)
        found = [y, *kernel.backward(x, saved), kernel.jvp((x,), (x,)), *kernel.double_backward(x, (x,), (x,))]
    assert all(np.isfinite(a).all() for a in found)


@pytest.mark.parametrize("part", ["log(x[i])", "1 / (x[i] - x[0])", "sqrt(x[i])", "exp(1000 * abs(x[i]))"])
@pytest.mark.parametrize(
    "form", ["y = sum(i, {0} if on else x[i] ** 2)", "y = sum(i, {0}) if on else sum(i, x[i] ** 2)"]
)
def test_a_sum_in_a_case_that_is_not_taken_is_not_evaluated(part: str, form: str, tmp_path: Path) -> None:
    with own_registry():
        text = definition("x: Real[i], on: Flag = False", form.format(part) + "\nreturn y")
        _, kernel = built(tmp_path, text)
    x = np.array([-900.0, -4.0, -0.25, -2.0])
    with np.errstate(all="raise"):
        y, saved = kernel.forward(x)
        back = kernel.backward(np.float64(3), saved).x
        along, again = kernel.jvp((x,), (x,)), kernel.double_backward(np.float64(3), (x,), (x,))
    assert (y, along) == (np.sum(x * x), 2 * np.sum(x * x))
    np.testing.assert_allclose(back, 6 * x)
    np.testing.assert_allclose(again.x, 6 * x)


@pytest.mark.parametrize("shape", ["x[i] ** n", "x[i] ** n * w[i]", "abs(x[i]) ** n"])
@pytest.mark.parametrize(("n", "first", "second"), [(0, 0, 0), (1, 1, 0), (2, 0, 2), (3, 0, 0)])
def test_powers_at_zero(shape: str, n: int, first: int, second: int, tmp_path: Path) -> None:
    """n x**(n - 1) and n (n - 1) x**(n - 2) are numbers at 0, and those of the power that n is."""
    with own_registry():
        _, kernel = built(tmp_path, definition("x: Real[i], w: Real[i], n: Natural = 3", f"y[i] = {shape}\nreturn y"))
    zero, one = np.zeros(1), np.ones(1)
    with np.errstate(all="raise"):
        y, saved = kernel.forward(zero, one, n=n)
        gradient = kernel.backward(one, saved).x
        again = kernel.double_backward(one, (zero, one), (one, 0 * one), n=n).x
        along = kernel.jvp((zero, one), (one, 0 * one), n=n)
    assert y == (n == 0)
    if "abs" not in shape:  # there the derivative of the absolute value is 0 by convention
        assert (gradient, along, again) == (first, first, second)
    assert np.isfinite([gradient, again]).all()
