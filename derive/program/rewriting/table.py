"""The table: what loses digits, overflows or is undefined, and what is computed in its place.

A row is a claim, that both sides are equal for all numbers in place of the letters for which its condition holds, and
is proved as one: the tests evaluate both sides in 60 digits, see it fire, and see digits lost without it. Whoever adds
a function adds rows, and where no row's right side can say it a word to derive.program.rewriting.words.
"""

from __future__ import annotations

from derive.notation import expr as x
from derive.notation.expr import ONE, ZERO, Num, Op
from derive.program.rewriting.powers import OF_POWERS
from derive.program.rewriting.roots import OF_ROOTS
from derive.program.rewriting.row import (
    BEND,
    HALF,
    TWO,
    C,
    D,
    Row,
    U,
    V,
    W,
    always,
    data,
    exp,
    f,
    in_order,
    log,
    logistic,
    positive_number,
    slope,
    softplus,
    squared,
    tanh,
)
from derive.program.rewriting.totals import OF_TOTALS

GROWN = x.add(exp(U), ONE)
BELOW = x.power(GROWN, x.num(-1))
SIGN = x.where(Op(">", (U, ZERO)), ONE, x.where(Op("<", (U, ZERO)), x.num(-1), ZERO))
MINUS_SIGN = x.where(Op(">", (U, ZERO)), x.num(-1), x.iverson(Op("<", (U, ZERO))))

SOFT = "log(1 + exp(u)) is computed as max(u, 0) + log1p(exp(-|u|)), which neither overflows nor loses a small result"
SIGMA = "exp(u) / (1 + exp(u)) is computed as 1 / (1 + exp(-u)), which does not overflow"
UNDERFLOW = "log(exp(f) / s) is computed as f - log(s): a probability that underflows has no logarithm"
ODDS = "log(s / (1 - s)) of the logistic function s of u is u: 1 - s may be 0"
QUOTIENT = "s (1 - s) / s of the logistic function s is 1 - s: where s is 0 there is no quotient"
ITSELF = "nothing is divided by itself: it may underflow"
LESS = "1 minus the logistic function is that of -u: no two close numbers are subtracted"
TANH = "1 plus or minus tanh(u) is twice the logistic function of 2 u or -2 u: no two close numbers are subtracted"
COSINES = "1 + cos(u) is 2 cos(u/2)**2, and 1 - cos(u) is 2 sin(u/2)**2: no two close numbers are subtracted"
SIGNS = "c u has the sign of u where c is positive: c u may underflow to 0"
CUT = "exp(u) - 1 has the sign of u: where it is cut off at 0, the exponential is not computed and does not overflow"
LESS_LOG = "u - log(1 + u) is computed from its series where u is small: no two close numbers are subtracted"
CDF = "of the normal distribution function the logarithm is computed as such: far below 0 it underflows"
RAMPS = "of two ramps the part between them is computed by cases: no two large numbers are subtracted"

#: Logarithms and what saturates, before sums of exponentials are looked for; innermost first, in this order.
FIRST = (
    Row("softplus", log(GROWN), softplus(U), SOFT, through=True),
    Row("softplus of 1/", log(BELOW), x.neg(softplus(U)), SOFT, through=True),
    Row("softplus of e/", log(x.mul(exp(U), BELOW)), x.neg(softplus(x.neg(U))), SOFT, through=True),
    Row("softplus of 1 - e/", log(x.sub(ONE, x.mul(exp(U), BELOW))), x.neg(softplus(U)), SOFT, through=True),
    Row("softplus of 1 - 1/", log(x.sub(ONE, BELOW)), x.neg(softplus(x.neg(U))), SOFT, through=True),
    Row("log sigmoid", log(logistic(U)), x.neg(softplus(x.neg(U))), SOFT, through=True),
    Row("log of 1 - sigmoid", log(x.sub(ONE, logistic(U))), x.neg(softplus(U)), SOFT, through=True),
    Row("softplus less that of -u", x.sub(softplus(U), softplus(x.neg(U))), U, SOFT),
    Row(
        "softplus of a multiple",
        x.div(softplus(x.mul(C, U)), C),
        x.add(f("max", U, ZERO), x.div(softplus(x.neg(f("abs", x.mul(C, U)))), C)),
        "log(1 + exp(c u))/c is computed as max(u, 0) + log1p(exp(-|c u|))/c: c u may overflow, not u",
        positive_number,
    ),
    Row("u - softplus", x.sub(U, softplus(U)), x.neg(softplus(x.neg(U))), SOFT),
    Row(
        "log cosh",
        log(x.mul(HALF, x.add(exp(U), exp(x.neg(U))))),
        f("runtime log_cosh", U),
        "log(cosh(u)) is computed from sinh(u/2) where it is small, and from |u| where it is large",
        through=True,
    ),
    Row(
        "log cosh, by softplus",
        x.add(U, softplus(x.mul(x.num(-2), U)), x.neg(log(TWO))),
        f("runtime log_cosh", U),
        "log(cosh(u)) is computed from sinh(u/2) where it is small, and from |u| where it is large",
    ),
    Row(
        "softplus less log 2",
        x.sub(softplus(U), log(TWO)),
        x.where(
            Op(">", (U, ZERO)),
            x.add(x.mul(HALF, U), f("runtime log_cosh", x.mul(HALF, U))),
            f("library log1p", x.mul(HALF, f("library expm1", U))),
        ),
        "log((1 + exp(u))/2) is u/2 + log(cosh(u/2)) and log1p(expm1(u)/2): what is small next to 0 keeps its digits",
    ),
    Row("log of two", log(x.add(exp(U), exp(V))), f("runtime log_add", U, V), SOFT, through=True),
    Row(
        "log of 1 - exp",
        log(x.sub(ONE, exp(U))),
        f("runtime log1mexp", U),
        "log(1 - exp(u)) is computed as log(-expm1(u)) or log1p(-exp(u)), whichever keeps its digits",
        through=True,
    ),
    Row(
        "log of exp - 1",
        log(x.sub(exp(U), ONE)),
        x.add(U, f("runtime log1mexp", x.neg(U))),
        "log(exp(u) - 1) is computed as u + log(1 - exp(-u)), which does not overflow",
        through=True,
    ),
    Row("1 - sigmoid", x.sub(ONE, logistic(U)), logistic(x.neg(U)), LESS),
    *(
        Row(f"log of odds{name}", log(x.div(p, q)), u, ODDS, through=True, early=True)
        for name, p, q, u in (
            ("", logistic(U), x.sub(ONE, logistic(U)), U),
            (" of 1/", BELOW, x.sub(ONE, BELOW), x.neg(U)),
            (" of e/", x.mul(exp(U), BELOW), x.sub(ONE, x.mul(exp(U), BELOW)), U),
        )
    ),
    Row("log exp", log(exp(U)), U, "log(exp(u)) is u"),
    Row("log of 1/", log(x.power(U, x.num(-1))), x.neg(log(U)), UNDERFLOW),
    Row(
        "asinh",
        log(x.add(U, x.sqrt(x.add(squared(U), ONE)))),
        f("runtime asinh", U),
        "log(u + sqrt(u**2 + 1)) is computed as asinh(u), which keeps both tails and a small result",
        through=True,
        early=True,
    ),
    Row("log of exp times", log(x.mul(exp(U), W)), x.add(U, log(W)), UNDERFLOW, through=True),
    *OF_TOTALS,
    Row(
        "atanh",
        log(x.div(x.add(ONE, U), x.sub(ONE, U))),
        x.sub(f("library log1p", U), f("library log1p", x.neg(U))),
        "log((1 + u)/(1 - u)) is computed as log1p(u) - log1p(-u), which keeps a small result",
    ),
    *OF_POWERS,
    Row(
        "log of 1 + u",
        log(x.add(U, ONE)),
        f("library log1p", U),
        "log(1 + u) is computed as log1p(u), which keeps a small u",
    ),
    Row("1 + tanh", x.add(ONE, tanh(U)), x.mul(TWO, logistic(x.mul(TWO, U))), TANH),
    Row("1 - tanh", x.sub(ONE, tanh(U)), x.mul(TWO, logistic(x.mul(x.num(-2), U))), TANH),
    Row("1 - tanh squared", x.sub(ONE, squared(tanh(U))), slope(U, 2, 4), TANH),
    Row("2 sigmoid - 1", x.sub(x.mul(TWO, logistic(U)), ONE), tanh(x.mul(HALF, U)), TANH),
    Row("sigmoid less its square", x.sub(logistic(U), squared(logistic(U))), slope(U), LESS),
    Row("sigmoid of u and of -u", x.mul(logistic(U), logistic(x.neg(U))), slope(U), LESS),
    Row(
        "tanh of softplus",
        tanh(softplus(U)),
        x.div(
            x.add(ONE, x.mul(TWO, exp(x.neg(U)))),
            x.add(ONE, x.mul(TWO, exp(x.neg(U))), x.mul(TWO, exp(x.mul(x.num(-2), U)))),
        ),
        "tanh(log(1 + exp(u))) is rational in exp(u)",
        through=True,
    ),
    Row(
        "u - tanh",
        x.sub(U, tanh(U)),
        f("runtime less_tanh", U),
        "u - tanh(u) is computed from its series where u is small: no two close numbers are subtracted",
    ),
    Row(
        "exp - 1 - u",
        x.add(exp(U), x.neg(U), x.num(-1)),
        f("runtime expm1_less", U),
        "exp(u) - 1 - u is computed from its series where u is small: no two close numbers are subtracted",
    ),
    Row(
        "exp - 1 - c u",
        x.add(exp(x.mul(C, U)), x.neg(x.mul(C, U)), x.num(-1)),
        f("runtime expm1_less", x.mul(C, U)),
        "exp(u) - 1 - u is computed from its series where u is small: no two close numbers are subtracted",
    ),
    Row(
        "u - log of 1 + u",
        x.sub(U, f("library log1p", U)),
        f("runtime less_log1p", U),
        LESS_LOG,
    ),
    Row(
        "cosh - 1",
        x.sub(x.mul(HALF, x.add(exp(U), exp(x.neg(U)))), ONE),
        x.mul(TWO, squared(f("library sinh", x.mul(HALF, U)))),
        "cosh(u) - 1 is computed as 2 sinh(u/2)**2, which keeps a small result",
        through=True,
    ),
    Row(
        "square less 1",
        x.sub(squared(x.add(U, ONE)), ONE),
        x.mul(U, x.add(U, TWO)),
        "(1 + u)**2 - 1 is computed as u (u + 2), which keeps a small u",
        early=True,
    ),
    Row(
        "exp times that of -exp",
        x.mul(exp(U), exp(x.neg(exp(U)))),
        exp(x.sub(U, f("runtime unbounded_exp", U))),
        "exp(u) exp(-exp(u)) has one exponential: infinity times 0 is none",
        early=True,
    ),
    Row("1 - tanh's slope", x.sub(ONE, slope(U, 2, 4)), squared(tanh(U)), TANH),
    Row("slope over 1 - sigmoid", x.div(slope(U), logistic(x.neg(U))), logistic(U), QUOTIENT, through=True),
    Row(
        "slope of tanh of exp",
        x.mul(exp(V), slope(exp(V), 2, 4)),
        x.mul(x.num(4), exp(x.sub(V, x.mul(TWO, exp(V)))), squared(logistic(x.mul(TWO, exp(V))))),
        "exp(v) times tanh's slope at exp(v) has one exponential: infinity times 0 is none",
    ),
    Row(
        "slope's slope and slope",
        x.add(f(BEND, U), x.mul(logistic(U), slope(U))),
        x.mul(slope(U), logistic(x.neg(U))),
        QUOTIENT,
        through=True,
    ),
    Row(
        "sigmoid less its target",
        x.sub(logistic(U), V),
        x.sub(x.mul(x.sub(ONE, V), logistic(U)), x.mul(V, logistic(x.neg(U)))),
        "s - t of the logistic function s is (1 - t) s - t (1 - s): where both are next to 1 nothing is subtracted",
        data,
        through=True,
    ),
    Row("slope over 1 - s", x.div(slope(U), x.sub(ONE, logistic(U))), logistic(U), QUOTIENT, through=True, early=True),
    Row("slope over sigmoid", x.div(slope(U), logistic(U)), logistic(x.neg(U)), QUOTIENT, through=True),
    Row("log of cdf", log(f("runtime normal_cdf", U)), f("runtime log_cdf", U), CDF, through=True, early=True),
    *(
        Row(
            f"log of {name}",
            log(x.mul(HALF, x.add(ONE, x.mul(x.num(sign), f("erf", U))))),
            f("runtime log_cdf", x.mul(x.num(sign), x.sqrt(TWO), U)),
            CDF,
            through=True,
            early=True,
        )
        for name, sign in (("half of 1 + erf", 1), ("half of 1 - erf", -1))
    ),
    Row(
        "1 - erf",
        x.sub(ONE, f("erf", U)),
        x.mul(TWO, f("runtime normal_cdf", x.mul(x.num(-1), x.sqrt(TWO), U))),
        "1 - erf(u) is twice the normal distribution function, which keeps both tails",
    ),
    Row(
        "1 + erf",
        x.add(ONE, f("erf", U)),
        x.mul(TWO, f("runtime normal_cdf", x.mul(x.sqrt(TWO), U))),
        "1 + erf(u) is twice the normal distribution function, which keeps both tails",
    ),
    *(
        Row(
            f"1 {sign} cos",
            x.add(ONE, x.mul(x.num(factor), f("cos", U))),
            x.mul(TWO, squared(f(word, x.mul(HALF, U)))),
            COSINES,
        )
        for sign, factor, word in (("+", 1, "cos"), ("-", -1, "sin"))
    ),
    Row("itself over itself", x.div(U, U), ONE, ITSELF, through=True),
    Row(
        "ramps",
        x.sub(f("max", ZERO, x.add(U, C)), f("max", ZERO, x.add(U, D))),
        x.where(Op(">", (x.add(U, D), ZERO)), x.sub(C, D), f("max", ZERO, x.add(U, C))),
        RAMPS,
        in_order,
    ),
    Row(
        "power less 1",
        x.sub(x.power(x.add(ONE, V), C), ONE),
        f("library expm1", x.mul(C, f("library log1p", V))),
        "(1 + v)**c - 1 is computed as expm1(c log1p(v)), which keeps a small result",
        lambda found, facts: not isinstance(found["%#c"], Num) and facts.is_positive(found["%v"]),
        early=True,
    ),
    Row("sign times u", x.mul(U, SIGN), f("abs", U), "u times its sign is |u|"),
    Row("minus sign times u", x.mul(U, MINUS_SIGN), x.neg(f("abs", U)), "u times its sign is |u|"),
    *OF_ROOTS,
)

#: What has the sign of u.
LESS_ONE = (
    ("exp - 1", f("library expm1", U), always),
    ("c (exp - 1)", x.mul(C, f("library expm1", U)), positive_number),
)

#: Exponentials that no rule for a whole expression has taken.
LAST = (
    Row("sigmoid", x.mul(exp(U), BELOW), logistic(U), SIGMA, early=True),
    Row("sigmoid of -u", x.mul(exp(U), logistic(x.neg(U))), logistic(U), SIGMA),
    Row("of two", x.div(exp(U), x.add(exp(U), exp(V))), logistic(x.sub(U, V)), SIGMA, early=True),
    Row("1 - 1/", x.sub(ONE, BELOW), logistic(U), LESS, early=True),
    Row("1/", BELOW, logistic(x.neg(U)), SIGMA),
    Row(
        "exp - 1",
        x.sub(exp(U), ONE),
        f("library expm1", U),
        "exp(u) - 1 is computed as expm1(u), which keeps a small result",
    ),
    *(
        Row(
            f"{name} below 0",
            f("max", ZERO, x.neg(grown)),
            x.where(Op(">=", (U, ZERO)), ZERO, x.neg(grown)),  # NaN where u is
            CUT,
            when,
        )
        for name, grown, when in LESS_ONE
    ),
    *(
        Row(f"sign of c u: {op}{left}", Op(op, order(x.mul(C, U))), Op(op, order(U)), SIGNS, positive_number)
        for op in ("<", "<=", ">", ">=")
        for left, order in (("", lambda e: (e, ZERO)), (" from 0", lambda e: (ZERO, e)))
    ),
    *(
        Row(f"sign of {name}: {op}{sign}", Op(op, (x.mul(x.num(sign), grown), ZERO)), own, CUT, when)
        for name, grown, when in LESS_ONE
        for op, other in (("<=", ">="), (">", "<"))
        for sign, own in ((1, Op(op, (U, ZERO))), (-1, Op(other, (U, ZERO))))
    ),
    *(
        Row(f"sign of {name}: 0 {op}{sign}", Op(op, (ZERO, x.mul(x.num(sign), grown))), own, CUT, when)
        for name, grown, when in LESS_ONE
        for op, other in (("<=", ">="), (">", "<"))
        for sign, own in ((1, Op(op, (ZERO, U))), (-1, Op(other, (ZERO, U))))
    ),
    Row("1/ squared", x.power(GROWN, x.num(-2)), squared(logistic(x.neg(U))), SIGMA),
    Row(
        "tanh of exponentials",
        x.div(x.sub(exp(U), exp(x.neg(U))), x.add(exp(U), exp(x.neg(U)))),
        tanh(U),
        "(exp(u) - exp(-u))/(exp(u) + exp(-u)) is computed as tanh(u), which does not overflow",
        early=True,
    ),
    Row(
        "sinh",
        x.sub(exp(U), exp(x.neg(U))),
        x.mul(TWO, f("library sinh", U)),
        "exp(u) - exp(-u) is computed as 2 sinh(u), which keeps a small result",
    ),
    Row(
        "one root",
        x.mul(x.sqrt(C), x.power(D, x.neg(HALF))),
        x.sqrt(x.div(C, D)),
        "sqrt(a)/sqrt(b) of numbers is one root, which is rounded once",
        lambda found, facts: facts.is_positive(found["%#d"]) and x.PI not in found.values(),
    ),
    Row("cosh", x.add(exp(U), exp(x.neg(U))), x.mul(TWO, f("library cosh", U)), "exp(u) + exp(-u) is 2 cosh(u)"),
)
_AGAIN = ("1 + tanh", "1 - tanh", "1 - tanh squared", "2 sigmoid - 1", "1 - sigmoid", "u - tanh", "1 - tanh's slope")
#: Those for what exponentials have turned out to be.
AGAIN = tuple(row for row in FIRST if row.name in _AGAIN)
