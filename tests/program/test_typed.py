"""The checker refuses programs that are not sound, and says what is wrong with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Opt, Pos, Ref
from derive.program.compile import compile
from derive.program.ir import Array, Fold, KernelProgram, Map, Statement
from derive.program.typed import TypeFault, check
from tests.program.programs import derivation

TEXT = """
def small(x: Real[t, n], k: Integer[n], m: Boolean[n], p: Scalar = 2):
    h[-1, n] = 0
    h[t, n] = h[t - 1, n] * p + x[t, n] * m[n] + k[n]
    return h
"""
I, J, T = Pos("n"), Pos("j"), Pos("t")
X, K, M, H = Ref("x", (T, I)), Ref("k", (I,)), Ref("m", (I,)), Ref("h", (T, I))


def program(*statements: Statement) -> KernelProgram:
    """The program with other statements in forward."""
    found = compile((derivation(TEXT),))
    (variant,) = found.variants
    forward = variant.functions["forward"]
    arrays = {**forward.arrays, "a": Array("a", ("n",), "real", (0,)), "b": Array("b", ("n",), "boolean", (0,))}
    changed = replace(forward, statements=(*forward.statements, *statements), arrays=arrays)
    return replace(found, variants=(replace(variant, functions={**variant.functions, "forward": changed}),))


def made(body: Expr, name: str = "a") -> Map:
    return Map(name, (I,), ("n",), body)


GOOD = {
    "an integer for a real number": made(K),
    "a count of truths": made(Op("iverson", (M,))),
    "what is before the first step": made(Ref("h", (x.num(-1), I))),
    "a choice of truths": made(x.where(M, Op("not", (M,)), M), "b"),
    "the largest of a row": Fold("a", (I,), ("n",), "max", ("t",), X),
    "a place that data says": made(Ref("a", (K,))),
}
BAD = {
    "y is not declared": made(Ref("y", (I,))),
    "a is read before it is made": made(Ref("b", (I,)), "b"),
    "position -1 of x, which begins at 0, is outside": made(Ref("x", (x.num(-1), I))),
    "position -2 of h, which begins at -1, is outside": made(Ref("h", (x.num(-2), I))),
    "position t -1 of x, which begins at 0, is written": Map("x", (x.sub(T, x.ONE), I), ("t", "n"), X),
    "x has 2 axes, and 1 indices are given": made(Ref("x", (I,))),
    "the index j runs along nothing": made(Ref("k", (J,))),
    "mul takes a number": made(x.mul(K, M)),
    "where takes a condition": made(Op("where", (K, K, x.ONE))),
    "and takes a condition": made(Op("iverson", (Op("and", (M, K)),))),
    "a is real, and is given what is boolean": made(M),
    "b is boolean, and is given what is real": made(Opt("p"), "b"),
    "there is no function sinc": made(Op("sinc", (K,))),
    "q is no option": made(Opt("q")),
    "is no position of x": made(Ref("x", (I, Opt("p")))),
    "not takes boolean, and 2 arguments are given": made(Op("iverson", (Op("not", (M, M)),))),
    "is no expression of a statement": made(x.reduce("sum", ["t"], X)),
}


@pytest.mark.parametrize("statement", GOOD.values(), ids=GOOD)
def test_sound(statement: Statement) -> None:
    first = made(x.ONE) if isinstance(statement, Map) else statement
    check(program(first, statement), ())


@pytest.mark.parametrize(("reason", "statement"), BAD.items(), ids=BAD)
def test_unsound(reason: str, statement: Map) -> None:
    with pytest.raises(TypeFault, match=r"in small\.forward:") as fault:
        check(program(statement), ())
    assert reason.replace("a is read", f"{statement.name} is read") in str(fault.value)
