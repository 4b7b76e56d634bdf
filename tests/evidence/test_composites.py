"""What is put together wrongly is noticed, though the evidence of the parts is not gone through again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from derive.calculus.derivation import Derivation
from derive.calculus.parts import by_parts
from derive.evidence import compare, enclosure, exact, generic, inputs, mutants, steps, text
from derive.evidence.result import Result
from derive.notation import expr as x
from derive.notation.layer import Equation
from tests.evidence.shared import LAYERS, own

STREAM = """
def stream(x: Real[..., t, i], g: Real[i], c: Real[i], Wq: Real[e, i], bq: Real[e], Wk: Real[e, i], bk: Real[e],
           Wv: Real[i, i2], bv: Real[i]):
    i2 = axis(size(i))
    n = layer_norm(x, g, c)
    Q = linear(n, Wq, bq)
    K = linear(n, Wk, bk)
    V = linear(n, Wv, bv)
    O = attention(Q, K, V)
    y[..., t, i] = x[..., t, i] + O[..., t, i]
    return y
"""


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Derivation, ModuleType]]:
    head = STREAM.replace("\n           ", " ")
    with own(tmp_path_factory.mktemp("stream"), head) as found:
        (derivation,), kernel = found["stream"]
        yield derivation, kernel


LEGS: dict[str, Callable[[Derivation, Any], Result]] = {
    "text": text.text,
    "definition": compare.definition,
    "differences": compare.differences,
    "duality": compare.duality,
    "second order": compare.second,
}
#: The line of the kernel, what is wrong in it, and the legs that must see it.
WRONG = {
    "wrong wire": ("K, saved_K = linear.forward(n, Wk, bk)", "Wk, bk", "Wq, bq", ("text", "definition", "differences")),
    "dropped residual": ("y = np.add(x, O", "x, O", "0 * x, O", ("text", "definition", "differences")),
    "wrong cotangent": ("linear.backward(dQ, saved_Q)", "dQ", "dK", ("text", "differences", "duality")),
    "another's saved": ("linear.backward(dK, saved_K)", "saved_K", "saved_Q", ("text", "differences", "duality")),
    "gradients exchanged": ("dx_of_Q, dWq, dbq =", "dWq", "dWk", ("text", "differences", "duality")),
    "dropped adjoint": ("dx = np.add(dx_of_n, dy", "dy", "0 * dy", ("text", "differences", "duality")),
    "tangents exchanged": ("(t_Q, t_K, t_V)", "t_Q, t_K", "t_K, t_Q", ("text", "duality")),
    "directions exchanged": ("(ddQ, ddK, ddV)", "ddQ, ddK", "ddK, ddQ", ("text", "second order")),
    "second term dropped": ("dWq_ = dW_of_dQ + dW_of_Q", " + dW_of_Q", "", ("text", "second order")),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_kernel_put_together_wrongly_is_noticed(fault: str, stream: tuple[Derivation, ModuleType]) -> None:
    derivation, kernel = stream
    line, before, after, legs = WRONG[fault]
    source = Path(kernel.__file__ or "").read_text()
    assert line in source
    changed = source.replace(line, line.replace(before, after))
    if fault == "gradients exchanged":
        changed = changed.replace("dx_of_K, dWk, dbk =", "dx_of_K, dWq, dbk =")
    wrong = ModuleType("wrong")
    wrong.__package__ = kernel.__package__
    exec(compile(changed, "wrong.py", "exec"), wrong.__dict__)
    for leg in legs:
        assert not LEGS[leg](derivation, wrong).passed, leg


def test_a_kernel_put_together_rightly_is_right(stream: tuple[Derivation, ModuleType]) -> None:
    """Every leg, and mutants are drawn of each kind."""
    derivation, kernel = stream
    for leg in (*LEGS.values(), enclosure.enclosure, generic.generic):
        assert (result := leg(derivation, kernel)).passed, result
    assert exact.exact(derivation).passed
    assert steps.steps(derivation).passed
    score = mutants.score(derivation)
    assert not score.survivors
    assert score.killed > mutants.SOME


def changed(derivation: Derivation, target: str, change: Callable[[x.Expr], x.Expr]) -> Derivation:
    """A derivation with another right side for one adjoint, in both forms."""

    def those(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
        found = tuple(replace(e, body=change(e.body)) if e.target == target else e for e in equations)
        assert found != equations
        return found

    adjoint = replace(derivation.adjoint, equations=those(derivation.adjoint.equations))
    return replace(derivation, adjoint=adjoint, backward=those(derivation.backward))


def renamed(one: str, other: str) -> Callable[[x.Expr], x.Expr]:
    return lambda e: x.transform(
        e, lambda n: x.Ref(other, n.index) if isinstance(n, x.Ref) and n.tensor == one else None
    )


DERIVED: dict[str, tuple[str, Callable[[x.Expr], x.Expr]]] = {
    "wrong wire": ("dWq", renamed("dQ", "dK")),
    "dropped residual": ("dx", lambda e: x.add(*x.terms(e)[1:])),
    "wrong sign": ("dn", x.neg),
    "wrong argument": ("dWk", renamed("n", "x")),
}


@pytest.mark.parametrize("fault", DERIVED)
def test_a_derivation_put_together_wrongly_is_noticed(fault: str, stream: tuple[Derivation, ModuleType]) -> None:
    derivation, _ = stream
    wrong = changed(derivation, *DERIVED[fault])
    assert not exact.exact(wrong).passed
    with pytest.raises(AssertionError, match="unchanged equations fail"):
        mutants.score(wrong)


def test_steps_of_the_wiring_are_evaluated(stream: tuple[Derivation, ModuleType]) -> None:
    derivation, _ = stream
    for n, step in enumerate(derivation.steps):
        wrong = replace(step, after=x.mul(x.num(2), step.after))
        found = replace(derivation, steps=(*derivation.steps[:n], wrong, *derivation.steps[n + 1 :]))
        assert not steps.steps(found).passed


def test_what_is_composed(stream: tuple[Derivation, ModuleType]) -> None:
    """Only layers of several parts rest on their evidence; the parts have all of it."""
    derivation, _ = stream
    assert inputs.composed(derivation.layer)
    assert by_parts(derivation).layer is derivation.layer
    blocks = {"residual_block", "dense_layer", "encoder_block", "bidirectional_rnn"}
    assert {name for name, variants in LAYERS.items() if inputs.composed(variants[0])} == blocks
