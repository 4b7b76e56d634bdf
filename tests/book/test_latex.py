"""What derive prints for the pages is in the dialect: read by the pages' own parser, which shares no code
with it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.calculus.derivation import derive
from derive.notation import expr as x
from derive.notation.define import load_project
from derive.notation.expr import Expr, Op, Pos, Reduce, Ref, num
from derive.notation.layer import Equation
from derive.notation.text import shortest
from derive.targets.displayed import backward_equations, forward_equations, shown
from derive.targets.latex import Latex
from derive.targets.symbols import Symbols
from tests.page.parser import parse
from tests.page.symbols import Symbols as Table

REGISTRY = load_project()


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", REGISTRY)
def test_every_equation_parses(name: str) -> None:
    for variant in REGISTRY[name]:
        derivation = derive(variant)
        symbols = Symbols((derivation,))
        printer = Latex(symbols)
        forward = forward_equations(derivation, printer)
        lengths = [line[3] for line in forward if line.startswith("N_{")]
        table = Table.read([(r.tex, r.code, f"{r.shape} {r.meaning}") for r in symbols.rows()], lengths)
        for line in [*forward, *backward_equations(derivation, printer)]:
            parse(line, table)


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", REGISTRY)
def test_symbols_are_unique(name: str) -> None:
    symbols = Symbols(tuple(derive(v) for v in REGISTRY[name]))
    rows = symbols.rows()
    assert len({r.tex for r in rows}) == len(rows)
    assert len({r.code for r in rows}) == len(rows)


def a(*index: str) -> Ref:
    return Ref("x", tuple(Pos(i) for i in index))


def printed(body: Expr, left: tuple[str, ...] = ("...", "i")) -> str:
    """The right side as layer_norm's page would print it."""
    printer = Latex(Symbols((derive(REGISTRY["layer_norm"][0]),)))
    return printer.equation(Equation("y", tuple(Pos(i) for i in left), body)).split(" = ", 1)[1]


X, MU = a("...", "i"), Ref("mu", (Pos("..."),))
VAR = Ref("var", (Pos("..."),))


@pytest.mark.parametrize(
    ("body", "tex"),
    [
        (x.sub(x.ONE, X), r"1 - x_{\ast,i}"),
        (x.sub(x.neg(X), MU), r"-x_{\ast,i} - \mu_{\ast}"),
        (x.mul(X, x.add(X, MU)), r"x_{\ast,i} \left(x_{\ast,i} + \mu_{\ast}\right)"),
        (x.power(VAR, num(2)), r"\left(\sigma^{2}_{\ast}\right)^{2}"),
        (x.power(X, num(2)), r"x_{\ast,i}^{2}"),
        (x.div(X, x.sqrt(VAR)), r"\frac{x_{\ast,i}}{\sqrt{\sigma^{2}_{\ast}}}"),
        # the sum comes last, so that nothing after it reads as its body
        (x.mul(Reduce("sum", ("k",), a("...", "k")), X), r"x_{\ast,i} \sum_{k} x_{\ast,k}"),
        (Reduce("sum", ("k",), x.neg(a("...", "k"))), r"-\sum_{k} x_{\ast,k}"),
        (Reduce("sum", ("k",), x.add(a("...", "k"), MU)), r"\sum_{k} \left(x_{\ast,k} + \mu_{\ast}\right)"),
        # an index bound twice gets a letter of its own
        (x.mul(X, Reduce("sum", ("i",), a("...", "i"))), r"x_{\ast,i} \sum_{j} x_{\ast,j}"),
        (Op("xdivy", (X, MU)), r"\frac{x_{\ast,i}}{\mu_{\ast}}"),
        (
            x.add(x.where(Op(">", (X, x.ZERO)), X, x.ZERO), MU),
            r"\left(\begin{cases} x_{\ast,i} & \text{if } x_{\ast,i} > 0 \\ 0 & \text{otherwise} "
            r"\end{cases}\right) + \mu_{\ast}",
        ),
    ],
)
def test_spelling(body: Expr, tex: str) -> None:
    assert printed(body) == tex


def test_two_upright_names_are_kept_apart() -> None:
    """As one word they would be another name: loss strength, not lossstrength."""
    symbols = Symbols((derive(REGISTRY["adam"][0]),))
    rest, one, x_ = (Ref(name, ()) for name in ("rest", "strength", "W"))
    assert Latex(symbols).expression(x.mul(rest, one)) == r"\mathrm{rest} \, \mathrm{strength}"
    assert Latex(symbols).expression(x.mul(x_, rest)) == r"W \mathrm{rest}"


def test_a_slope_is_said_by_the_value_that_has_a_name() -> None:
    """For i = sigmoid(s) it is i (1 - i)."""
    derivation = derive(REGISTRY["lstm_cell"][0])
    symbols = Symbols((derivation,))
    lines = backward_equations(shown(derivation, symbols), Latex(symbols))
    assert any(r"i_{\ast,n} \left(1 - i_{\ast,n}\right)" in line for line in lines), lines
    assert not any("sigmoid" in line for line in lines)
    before = backward_equations(derivation, Latex(symbols))
    assert sum("sigmoid" in line for line in before) == 3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Fraction(1e-5), "1/100000"),
        (1 - Fraction(0.1), "9/10"),
        (Fraction(1, 3), "1/3"),
        (Fraction(1, 1 << 20), "1/1048576"),
    ],
)
def test_a_number_is_said_as_somebody_types_it(value: Fraction, said: str) -> None:
    assert str(shortest(value)) == said
