"""The prover proves what is equal and refutes what is not."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.calculus.reverse import reverse
from derive.calculus.textbook import textbook
from derive.evidence.prove import prove_equal, prove_equation
from derive.evidence.residues import Field, P, Retry, Value
from derive.notation import expr as x
from derive.notation.define import load_project
from derive.notation.expr import Expr, Num, Op, Reduce, Ref
from derive.notation.layer import Equation, Layer
from derive.notation.text import show, show_equation

LAYERS = load_project()
RESIDUES = st.integers(1, P - 1)


def mutants(e: Expr) -> Iterator[Expr]:
    """One term or factor dropped, one sign flipped, one factor or sum doubled, one power turned over."""
    match e:
        case Op("add", args):
            for n, a in enumerate(args):
                yield x.add(*args[:n], *args[n + 1 :])
                yield x.add(*args[:n], x.neg(a), *args[n + 1 :])
        case Op("mul", args):
            for n, a in enumerate(args):
                rest = (*args[:n], *args[n + 1 :])
                if a != x.num(-1) and not said_by(rest, a):
                    yield x.mul(*rest)
                if a != x.num(-1) and not its_own_square(a):
                    yield x.mul(*args, a)
        case Op("pow", (a, Num(q))):
            yield x.power(a, Num(-q))
        case Reduce("sum", over, body):
            yield x.mul(x.num(2), Reduce("sum", over, body))
    if isinstance(e, Ref):
        return
    kids = x.children(e)
    for n, child in enumerate(kids):
        if isinstance(e, Op) and e.fn in ("iverson", "where") and n == 0:
            continue
        for mutant in mutants(child):
            if mutant != x.ZERO or n != divisor(e):  # 1 / 0 has no value anywhere
                yield rebuilt(e, (*kids[:n], mutant, *kids[n + 1 :]))


def its_own_square(e: Expr) -> bool:
    """What is 0 or 1: a condition, relu's slope, and one of them where another condition holds."""
    match e:
        case Op("where", (_, one, other)):
            return its_own_square(one) and its_own_square(other)
        case Num(q):
            return q in (0, 1)
    return isinstance(e, Op) and e.fn in ("iverson", "relu'")


def divisor(e: Expr) -> int | None:
    """Which child a node divides by."""
    match e:
        case Op("pow", (_, Num(q))) if q < 0:
            return 0
        case Op("xdivy", _):
            return 1
    return None


def said_by(factors: tuple[Expr, ...], a: Expr) -> bool:
    """Whether a factor is a condition beside a maximum that is 0 where it does not hold: ``max(0, a) [a > 0]``."""
    match a:
        case Op("iverson", (Op(">", (b, x.ZERO)),)):
            return any(f in (Op("max", (x.ZERO, b)), Op("max", (b, x.ZERO))) for f in factors)
    return False


def stepping(e: Expr) -> Expr:
    """An expression without the conditions that an index is a step, ``[t >= 0]``."""

    def begun(n: Expr) -> Expr | None:
        match n:
            case Op("iverson", (Op(">=", (_, x.ZERO)),)):
                return x.ONE
        return None

    return x.transform(e, begun)


def rebuilt(e: Expr, kids: tuple[Expr, ...]) -> Expr:
    """The node with other children."""
    pool = iter(kids)
    return x.rebuild(e, lambda _: next(pool))


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", [n for n in LAYERS if n != "identity"])
def test_every_wrong_form_is_refuted(name: str) -> None:
    layer = LAYERS[name][0]
    adjoint = reverse(layer)
    for e in textbook(layer, adjoint).equations:
        killed = 0
        if e.body != x.ZERO and prove_equation(layer, adjoint, Equation(e.target, e.left, x.ZERO)).equal:
            continue  # that of a bias before batch normalisation is 0, and so is twice of it
        for body in dict.fromkeys(mutants(e.body)):
            if stepping(body) == stepping(e.body):  # what counts as zero before the first step says the same
                continue
            wrong = Equation(e.target, e.left, body)
            assert not prove_equation(layer, adjoint, wrong), f"not refuted: {show_equation(wrong)}"
            killed += 1
        assert killed > 0 or isinstance(e.body, Ref) or e.body == x.ZERO


def test_a_counterexample_says_where() -> None:
    layer = LAYERS["softmax"][0]
    adjoint = reverse(layer)
    right = textbook(layer, adjoint).equations[0]
    proof = prove_equation(layer, adjoint, Equation(right.target, right.left, x.mul(x.num(2), right.body)))
    assert not proof.equal
    assert "modulo" in proof.counterexample


def argument(layer: Layer) -> Ref:
    return layer.inputs[0].ref()


def exp(e: Expr) -> Expr:
    return Op("exp", (e,))


def log(e: Expr) -> Expr:
    return Op("log", (e,))


def equal(before: Expr, after: Expr, name: str = "sigmoid") -> bool:
    return bool(prove_equal(LAYERS[name][0], None, before, after))


def test_laws() -> None:
    a = argument(LAYERS["sigmoid"][0])
    assert equal(exp(x.mul(x.num(2), a)), x.power(exp(a), x.num(2)))
    assert equal(x.mul(exp(a), exp(x.neg(a))), x.ONE)
    assert equal(exp(log(a)), a)
    assert equal(log(exp(a)), a)
    assert equal(exp(x.sub(a, log(x.add(a, x.ONE)))), x.div(exp(a), x.add(a, x.ONE)))
    assert equal(x.mul(x.sqrt(a), x.sqrt(a)), a)
    assert equal(x.power(x.sqrt(a), x.num(-2)), x.power(a, x.num(-1)))
    assert equal(x.sqrt(x.power(a, x.num(2))), Op("abs", (a,)))
    assert not equal(x.sqrt(x.power(a, x.num(2))), a)
    assert not equal(exp(a), x.add(a, x.ONE))
    assert not equal(Op("erf", (a,)), x.neg(Op("erf", (a,))))


def test_blind_spots_refuse_what_is_true() -> None:
    """Stated in the module: these are identities, and the model is too general for them."""
    a = argument(LAYERS["sigmoid"][0])
    b = x.add(a, x.ONE)
    squared, product = x.power(a, x.num(2)), x.add(x.power(a, x.num(2)), a)
    assert not equal(exp(x.mul(a, b)), exp(x.add(squared, a)))
    assert not equal(log(x.mul(a, b)), x.add(log(a), log(b)))
    assert equal(x.mul(a, b), product)


def test_only_even_roots() -> None:
    a = argument(LAYERS["sigmoid"][0])
    with pytest.raises(NotImplementedError, match="square roots"):
        equal(x.power(a, Num(Fraction(1, 3))), a)


def test_an_expression_that_is_never_defined_is_not_proved() -> None:
    a = argument(LAYERS["sigmoid"][0])
    nowhere = x.power(x.sub(a, a), x.num(-1))
    with pytest.raises(ArithmeticError, match="no point"):
        equal(nowhere, nowhere)


@given(RESIDUES, RESIDUES)
def test_signs(a: int, b: int) -> None:
    f = Field(0)
    assert f.sign(a) == -f.sign(P - a)
    assert f.sign(a) * f.sign(b) == f.sign(a * b % P)


@given(RESIDUES, st.fractions(-3, 3, max_denominator=4).filter(lambda q: q.denominator != 3))
def test_roots(a: int, q: Fraction) -> None:
    f, square = Field(0), a * a % P
    root = f.root_power(square, q)
    assert pow(root, q.denominator, P) == pow(square, q.numerator, P)
    if q.denominator > 1:
        assert f.sign(root) == 1
        with pytest.raises(Retry):
            f.root_power(P - square, q)


@given(RESIDUES, RESIDUES)
def test_exp_turns_sums_into_products(a: int, b: int) -> None:
    f = Field(0)
    one, two = Value(a), Value(b)
    assert f.exp(f.plus([one, two])).r == f.exp(one).r * f.exp(two).r % P
    assert f.log(f.exp(one)) == one


def test_printing_a_mutant() -> None:
    """The mutants above are not the form itself in other clothes."""
    layer = LAYERS["softmax"][0]
    body = textbook(layer, reverse(layer)).equations[0].body
    texts = {show(m) for m in mutants(body)}
    assert len(texts) >= 8
    assert show(body) not in texts
