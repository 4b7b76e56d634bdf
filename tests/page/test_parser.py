"""The dialect's parser: what it accepts, what it refuses, and that printing is its inverse."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.page import tree as T
from tests.page.dialect import DialectError
from tests.page.parser import parse
from tests.page.printer import Printer
from tests.page.support import MANY, equations, table
from tests.page.symbols import PageError, Symbols


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(equations())
def test_printing_and_parsing_are_inverse(equation: T.Equation) -> None:
    tex = Printer(MANY).equation(equation)
    assert parse(tex, MANY) == equation
    assert Printer(MANY).equation(parse(tex, MANY)) == tex


def test_a_variance_is_one_symbol_and_its_square_needs_parentheses() -> None:
    e = parse(r"R = \sum_{\ast} \left(\sigma^{2}_{\ast}\right)^{2} + \overline{\sigma^{2}}_{0}^{2}", MANY)
    var = T.Ref("var", "", (T.Index("..."),))
    assert e.right == T.Add(
        (
            T.Reduce("sum", ("...",), T.Pow(var, T.Int(2))),
            T.Pow(T.Ref("var", "bar", (T.Int(0),)), T.Int(2)),
        )
    )


def test_a_reduction_takes_the_rest_of_its_term() -> None:
    e = parse(r"y_{\ast,o} = 2 \sum_{i} W_{o,i} x_{\ast,i} - R", MANY)
    assert isinstance(e.right, T.Add)
    assert isinstance(e.right.terms[0], T.Mul)
    assert isinstance(e.right.terms[0].factors[1], T.Reduce)
    assert e.right.terms[1] == T.Neg(T.Ref("R", "", ()))
    assert e.indices == ("...", "o")


def test_max_is_a_function_with_parentheses_and_a_reduction_with_a_subscript() -> None:
    assert parse(r"R = \max\left(1, \pi\right)", MANY).right == T.Call("max", (T.Int(1), T.Const("pi")))
    assert isinstance(parse(r"y_{\ast,o} = \max_{i} x_{\ast,i}", MANY).right, T.Reduce)


def test_an_index_may_be_an_absolute_value_and_a_maximum() -> None:
    e = parse(r"y_{\ast,o} = x_{\ast,\max\left(\left|o - 1\right|, 2\right)}", MANY)
    away = T.Abs(T.Add((T.Index("o"), T.Neg(T.Int(1)))))
    assert e.right == T.Ref("x", "", (T.Index("..."), T.Call("max", (away, T.Int(2)))))


@pytest.mark.parametrize(
    ("tex", "why"),
    [
        (r"y_{\ast,o} = x_{\ast}", "takes 2 indices, 1 given"),
        (r"y_{\ast,o} = x", "takes 2 indices, none given"),
        (r"y_{\ast,o} = x_{\ast,i}", "i is no symbol of the table, and as an index it is not bound"),
        (r"y_{\ast,\ast} = 1", "already bound"),
        (r"y_{\ast,o} = \sum_{o} W_{o,o}", "already bound"),
        (r"y_{\ast,s} = 1", "both an index and 'stride'"),
        (r"y_{\ast,o} = \sum_{i} x_{\ast,i} + W_{o,i}", "not bound here"),
        (r"y_{\ast,o} = z_{\ast}", "z is no symbol"),
        (r"y_{\ast,o} = \hat{y}_{\ast,o}", r"\\hat is no symbol"),
        (r"y_{\ast,o} = \sigma_{\ast}", "not bound"),
        (r"y_{\ast,o} = \sigma^{2}_{\ast}^{2}", "second superscript"),
        (r"y_{\ast,o} = \frac{1}{2}^{2}", "must be in parentheses"),
        (r"y_{\ast,o} = 2 3", "a number next to a number"),
        (r"y_{\ast,o} = 0.5", "expected an expression, found 0.5"),
        (r"y_{\ast,o} = (1 + 2)", "expected an expression"),
        (r"y_{\ast,o} = R \cdot R", r"\\cdot is no symbol"),
        (r"y_{\ast,o} = R \odot R", r"\\odot is no symbol"),
        (r"y_{\ast,o} = 1 = 2", "unexpected ="),
        (r"y_{\ast,o} =", "found the end"),
        (r"y_{\ast,o} = 1 +", "found the end"),
        (r"y_{\ast,o} = R -- R", "expected an expression"),
        (r"y_{\ast,o} = \exp R", "no symbol"),
        (r"y_{\ast,o} = \exp\left(R, R\right)", "takes 1 arguments"),
        (r"y_{\ast,o} = \left(R\right]", r"expected \)"),
        (r"y_{\ast,o} = \left[ R + R \right]", "a condition is"),
        (r"y_{\ast,o} = N_{z}", "axis z"),
        (r"y_{\ast,o} = x_{\ast,\exp\left(o\right)}", "an index is made of"),
        (r"y_{\ast,o} = \begin{cases} 1 & \text{otherwise} \end{cases}", "single row"),
        (
            r"y_{\ast,o} = \begin{cases} 1 & \text{when } R > 0 \\ 2 & \text{otherwise} \end{cases}",
            "expected",
        ),
        (r"\epsilon = 1", "an option"),
        (r"2 = 2", "begins with a symbol"),
        (r"y_{\ast,o} = R % comment", "'%'"),
        (r"y_{\ast,o} = R^2", "expected {"),
    ],
)
def test_what_is_outside_the_dialect_is_an_error(tex: str, why: str) -> None:
    with pytest.raises(DialectError, match=why):
        parse(tex, MANY)


def test_an_error_shows_the_place() -> None:
    with pytest.raises(DialectError) as caught:
        parse(r"y_{\ast,o} = R \cdot R", MANY)
    line, mark = str(caught.value).splitlines()[1:]
    assert line[mark.index("^") :].startswith(r"\cdot")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("x", "x", "z[i]"), "neither a shape"),
        (("x", "x", "a tensor"), "neither a shape"),
        (("x", "x", "x[i] complex"), "no role"),
        (("x", "x", "option a funny number"), "an option is one of"),
        (("", "x", "x[i]"), "no TeX symbol"),
    ],
)
def test_a_table_row_outside_the_conventions_is_an_error(row: tuple[str, str, str], why: str) -> None:
    with pytest.raises(PageError, match=why):
        Symbols.read([row])


def test_two_rows_cannot_share_a_symbol() -> None:
    with pytest.raises(PageError, match="stands for both"):
        table("x | a | a[i]\nx | b | b[i]")


def test_rows() -> None:
    s = table(
        r"""
        W | W | W[l][o, i] input; a list
        x | x | x[b, g*c, p]
        N_{g} | groups | option a positive integer
        k | k | index along p
        """
    )
    assert s.by_name["W"].axes == ("l", "o", "i")
    assert s.by_name["x"].axes == ("b", "g", "c", "p")
    assert "groups" not in s.by_name
    assert s.axis("k") == "p"
    assert s.axis("i2") == "i"
    assert s.axes == frozenset("loibgcp")
