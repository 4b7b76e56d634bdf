"""Tables and trees for the tests of this folder."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.page import tree as T
from tests.page.arithmetic import FLOAT, Numbers
from tests.page.evaluator import Evaluator
from tests.page.parser import parse
from tests.page.symbols import Symbols


def table(text: str) -> Symbols:
    """One row a line: `TeX | code name | shape and meaning`."""
    return Symbols.read(tuple(c.strip() for c in line.split("|")) for line in text.strip().splitlines())  # type: ignore[misc]


def evaluate(symbols: Symbols, equations: str, numbers: Numbers = FLOAT, **values: Any) -> Evaluator:
    """One equation a line; a cotangent is passed as bar_y."""
    parsed = [parse(line.strip(), symbols) for line in equations.strip().splitlines()]
    given = {k.replace("bar_", "bar ", 1) if k.startswith("bar_") else k: v for k, v in values.items()}
    return Evaluator(parsed, symbols, given, numbers)


MANY = table(
    r"""
    x             | x       | x[..., i] input
    \hat{x}       | x_hat   | x_hat[..., i]
    \sigma^{2}    | var     | var[...]
    W             | W       | W[o, i]
    E             | E       | E[v, d]
    t             | t       | t[...] integer below v
    m             | m       | m[...] boolean
    \mathrm{bias} | bias    | bias[o]
    \epsilon      | epsilon | option a positive number; default 1e-5
    s             | stride  | option a positive integer
    R             | R       | R[] output
    y             | y       | y[..., o] output
    """
)


def equations() -> st.SearchStrategy[T.Equation]:
    """Trees over MANY, in the form that the parser gives: y on the left, indices bound once."""
    left = T.Ref("y", "", (T.Index("..."), T.Index("o")))
    return expressions(("...", "o"), 3).map(lambda right: T.Equation(left, right))


def _ref(name: str, accent: str, *index: T.Node) -> T.Ref:
    return T.Ref(name, accent, index)


def affine(scope: tuple[str, ...]) -> st.SearchStrategy[T.Node]:
    plain = st.sampled_from(scope).map(T.Index)
    stride, ints = st.just(T.Ref("stride", "", ())), st.integers(0, 3).map(T.Int)
    product = st.tuples(stride, plain).map(T.Mul)
    total = st.tuples(product, plain | plain.map(T.Neg) | ints).map(T.Add)
    return plain | ints | product | total | st.tuples(total, stride).map(lambda p: T.Frac(*p))


def references(scope: tuple[str, ...]) -> st.SearchStrategy[T.Node]:
    accents, a = st.sampled_from(["", "bar", "dot"]), affine(scope)
    labels = st.builds(_ref, st.just("t"), st.just(""), a)
    return (
        st.builds(_ref, st.sampled_from(["x", "x_hat", "W"]), accents, a, a)
        | st.builds(_ref, st.sampled_from(["var", "bias"]), accents, a)
        | st.builds(_ref, st.just("E"), accents, labels | a, a)
        | st.builds(_ref, st.sampled_from(["epsilon", "stride"]), st.just(""))
        | st.builds(_ref, st.just("R"), accents)
    )


def conditions(scope: tuple[str, ...], depth: int) -> st.SearchStrategy[T.Node]:
    e = expressions(scope, depth - 1)
    leaf = st.builds(T.Compare, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), e, e) | st.builds(
        _ref, st.just("m"), st.just(""), affine(scope)
    )
    return st.recursive(
        leaf,
        lambda c: c.map(T.Not) | st.lists(c, min_size=2, max_size=3).map(lambda a: T.And(tuple(a)))
        | st.lists(c, min_size=2, max_size=3).map(lambda a: T.Or(tuple(a))),
        max_leaves=3,
    )  # fmt: skip


def expressions(scope: tuple[str, ...], depth: int) -> st.SearchStrategy[T.Node]:
    leaves = (
        references(scope)
        | st.integers(0, 12).map(T.Int)
        | st.sampled_from([T.Const("pi"), T.Const("inf"), T.Size("i"), T.Size("...")])
        | st.sampled_from(scope).map(T.Index)
    )
    if depth == 0:
        return leaves
    e = st.deferred(lambda: expressions(scope, depth - 1))
    free = [i for i in ("i", "k", r"\beta", "j2", "...2", "l", "q", "a", "b") if i not in scope]
    reductions: list[st.SearchStrategy[T.Node]] = []
    for over in [(free[0],), (free[1], free[2])]:
        inner = st.deferred(lambda over=over: expressions((*scope, *over), depth - 1))
        reductions.append(st.builds(T.Reduce, st.sampled_from(["sum", "max", "argmax"]), st.just(over), inner))

    def product(parts: tuple[T.Node, T.Node]) -> T.Node:
        return T.Mul(parts) if not all(isinstance(p, T.Int) for p in parts) else T.Mul((T.Const("pi"), *parts[1:]))

    c = st.deferred(lambda: conditions(scope, depth))
    cases = st.builds(lambda r, o: T.Cases(tuple(r), o), st.lists(st.tuples(e, c), min_size=1, max_size=2), e)
    return st.one_of(
        leaves,
        st.lists(e, min_size=2, max_size=3).map(lambda a: T.Add(tuple(a))),
        e.map(T.Neg),
        st.tuples(e, e).map(product),
        st.builds(T.Frac, e, e),
        st.builds(T.Pow, e, st.sampled_from([T.Int(2), T.Neg(T.Int(1)), T.Frac(T.Int(1), T.Int(2))])),
        e.map(T.Sqrt) | e.map(T.Abs) | e.map(T.Floor),
        st.builds(lambda f, a: T.Call(f, (a,)), st.sampled_from(["exp", "log", "erf", "sigmoid"]), e),
        st.builds(lambda f, a, b: T.Call(f, (a, b)), st.sampled_from(["max"]), e, e),
        c.map(T.Iverson),
        cases,
        *reductions,
    )
