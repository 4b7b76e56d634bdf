"""Forms that lose digits or overflow, and what is computed in their place: a table of equal pairs.

Each row is a claim, ``before = after`` for all numbers in place of ``%u`` and ``%v``, and is proved as one: the tests
evaluate both sides in 60 digits. A sum or product in ``before`` is found among more terms or factors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt

U, V = Opt("%u"), Opt("%v")
Binding = dict[str, Expr]


@dataclass(frozen=True)
class Rule:
    """One row: what is replaced, by what, and why."""

    before: Expr
    after: Expr
    words: str


def _exp(e: Expr) -> Expr:
    return Op("exp", (e,))


def _log(e: Expr) -> Expr:
    return Op("log", (e,))


def _softplus(e: Expr) -> Expr:
    return Op("softplus", (e,))


def _logistic(e: Expr) -> Expr:
    return Op("logistic", (e,))


GROWN = x.add(_exp(U), x.ONE)
BELOW = x.power(GROWN, x.num(-1))
SOFT = "log(1 + exp(u)) is computed as max(u, 0) + log1p(exp(-|u|)), which neither overflows nor loses a small result"
SIGMA = "exp(u) / (1 + exp(u)) is computed as 1 / (1 + exp(-u)), which does not overflow"
QUOTIENT = "s (1 - s) / s of the logistic function s is 1 - s: where s is 0 there is no quotient"
LESS = "1 minus the logistic function is that of -u: no two close numbers are subtracted"


@lru_cache
def logarithms(sigmoid: str = "sigmoid") -> tuple[Rule, ...]:
    """Rows for logarithms, before anything else is done with them; the last one is for any argument.

    Args:
        sigmoid: what the layer of that name is called.
    """

    def _sigmoid(e: Expr) -> Expr:
        return Op(sigmoid, (e,))

    return (
        Rule(_log(GROWN), _softplus(U), SOFT),
        Rule(_log(BELOW), x.neg(_softplus(U)), SOFT),
        Rule(_log(x.mul(_exp(U), BELOW)), x.neg(_softplus(x.neg(U))), SOFT),
        Rule(_log(x.sub(x.ONE, x.mul(_exp(U), BELOW))), x.neg(_softplus(U)), SOFT),
        Rule(_log(x.sub(x.ONE, BELOW)), x.neg(_softplus(x.neg(U))), SOFT),
        Rule(_log(_sigmoid(U)), x.neg(_softplus(x.neg(U))), SOFT),
        Rule(_log(x.sub(x.ONE, _sigmoid(U))), x.neg(_softplus(U)), SOFT),
        Rule(x.sub(U, _softplus(U)), x.neg(_softplus(x.neg(U))), SOFT),
        Rule(x.sub(_softplus(U), U), _softplus(x.neg(U)), SOFT),
        Rule(_log(x.add(_exp(U), _exp(V))), x.add(U, _softplus(x.sub(V, U))), SOFT),
        Rule(x.sub(x.ONE, _sigmoid(U)), _sigmoid(x.neg(U)), LESS),
        Rule(_log(_exp(U)), U, "log(exp(u)) is u"),
        Rule(
            _log(x.add(U, x.ONE)),
            Op("log1p", (U,)),
            "log(1 + u) is computed as log1p(u), which keeps a small u",
        ),
    )


#: Of exponentials that no rule for a whole expression has taken.
EXPONENTIALS = (
    Rule(x.mul(_exp(U), BELOW), _logistic(U), SIGMA),
    Rule(x.sub(x.ONE, BELOW), _logistic(U), LESS),
    Rule(BELOW, _logistic(x.neg(U)), SIGMA),
    Rule(x.sub(_exp(U), x.ONE), Op("expm1", (U,)), "exp(u) - 1 is computed as expm1(u), which keeps a small result"),
    Rule(x.power(GROWN, x.num(-2)), x.power(_logistic(x.neg(U)), x.num(2)), SIGMA),
)


@lru_cache
def slopes(sigmoid: str = "sigmoid") -> tuple[Rule, ...]:
    """Rows for the slope of the layer sigmoid, which is called so here, over what it is a product of."""

    def value(e: Expr) -> Expr:
        return Op(sigmoid, (e,))

    slope = Op(f"{sigmoid}'", (U,))
    return (
        Rule(x.div(slope, x.sub(x.ONE, value(U))), value(U), QUOTIENT),
        Rule(x.div(slope, value(U)), value(x.neg(U)), QUOTIENT),
    )


def rewritten(e: Expr, rules: tuple[Rule, ...], used: dict[str, None]) -> Expr:
    """An expression with every rule applied wherever it fits, innermost first; the words of those used are noted."""
    e = x.rebuild(e, lambda child: rewritten(child, rules, used))
    for rule in rules:
        for found, rest in matches(rule.before, e):
            used[rule.words] = None
            after = put(rule.after, found)
            if isinstance(e, Op) and rest:
                after = x.add(after, *rest) if e.fn == "add" else x.mul(after, *rest)
            return rewritten(after, rules, used)
    return e


def put(e: Expr, found: Binding) -> Expr:
    """What a pattern is with its letters replaced."""
    return x.transform(e, lambda n: found.get(n.name) if isinstance(n, Opt) else None)


def matches(pattern: Expr, e: Expr) -> Iterator[tuple[Binding, tuple[Expr, ...]]]:
    """What the pattern's letters stand for, and the terms or factors that it leaves."""
    if isinstance(pattern, Op) and isinstance(e, Op) and pattern.fn == e.fn in ("add", "mul"):
        if len(e.args) > len(pattern.args) + 6:  # of so many terms few are related
            return
        for chosen in permutations(range(len(e.args)), len(pattern.args)):
            found: Binding | None = {}
            for p, n in sorted(zip(pattern.args, chosen, strict=True), key=lambda pair: isinstance(pair[0], Opt)):
                found = bound(p, e.args[n], found) if found is not None else None
            if found is not None:
                yield found, tuple(a for n, a in enumerate(e.args) if n not in chosen)
                return
    elif (found := bound(pattern, e, {})) is not None and not isinstance(pattern, Opt):
        yield found, ()


def bound(pattern: Expr, e: Expr, found: Binding) -> Binding | None:
    """The letters that make a pattern the whole expression."""
    match pattern, e:
        case Opt(name), _ if name.startswith("%"):
            return {**found, name: e} if found.get(name, e) == e else None
        case Op("mul", (Num(value), rest)), _ if value == -1 and isinstance(rest, Opt):
            return bound(rest, x.neg(e), found)
        case Op("add" | "mul", args), Op(fn, others) if pattern.fn == fn and len(args) == len(others):
            for order in permutations(others):
                here: Binding | None = found
                for p, a in zip(args, order, strict=True):
                    here = bound(p, a, here) if here is not None else None
                if here is not None:
                    return here
            return None
        case Op(fn, args), Op(other, others) if fn == other and len(args) == len(others):
            here = found
            for p, a in zip(args, others, strict=True):
                here = bound(p, a, here) if here is not None else None
            return here
    return found if pattern == e else None
