"""Long sums by the array: the same balls as one term after another, of every definition; and single elements of sums of
hundreds of thousands of terms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest

from derive import judge
from derive.evidence import kernels, layout
from derive.evidence.evaluation import Undecided
from derive.evidence.inputs import NoArguments, Plan
from derive.judge import large as big
from derive.judge import plan as plans
from derive.judge import wide
from derive.judge.arithmetic import Arithmetic
from derive.judge.asked import derived, variants_of
from derive.judge.isolate import Limits
from derive.judge.vectors import Balls, Rules
from derive.notation.expr import Reduce, walk
from tests.evidence.shared import LAYERS

SUMS = [n for n in LAYERS if any(isinstance(e, Reduce) for q in variants_of(n)[0].equations for e in walk(q.body))]
FEW = 2  # elements from each end of a result
SLACK = 0.9  # of the bound one by one: a sum that is one of two is rounded apart here


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", SUMS)
@pytest.mark.parametrize("pieces", [False, True], ids=["whole", "in pieces and matrix products"])
def test_balls_are_those_of_one_term_after_another(layer: str, pieces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide, "LONG", 2)
    if pieces:
        monkeypatch.setattr(wide, "CHUNK", 4)
        monkeypatch.setattr(wide, "TIMES", 1)
    variant, arithmetic = variants_of(layer)[0], Arithmetic("float32")
    d = derived(variant, 0)
    design = next(iter(plans.designs(variant, arithmetic)))
    try:
        trial = plans.trial(variant, 0, 0, design, arithmetic, 5, Plan())
    except NoArguments:
        pytest.skip("no case of this design")
    for manner in (None, arithmetic.manner):
        with kernels.precision(160):
            own = (d, trial.case, trial.cotangents, manner, -24)
            together, single = (big.interpreter(*own, big.Left(), np.float64) for _ in range(2))
            monkeypatch.setattr(single, "is_long", lambda e: False)
            for name, tensor in {**{o: o for o in variant.outputs}, **d.gradients}.items():
                every = list(layout.every(trial.case, name))
                for i in every[:FEW] + every[-FEW:]:
                    try:
                        true, ball = (flint.arb(run.element(tensor, i)) for run in (single, together))
                    except Undecided:
                        continue
                    if true.is_finite():
                        assert ball.is_finite(), (name, i, true)
                        assert ball.overlaps(true), (name, i, ball, true)
                        assert manner is None or ball.rad() >= true.rad() * SLACK, (name, i, ball, true)


RULES = {"float64": Rules(np.float64), "longdouble": Rules(np.longdouble)}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize(
    "name", ["exp", "log", "sin", "cos", "erf", "abs", "sqrt", "**3", "**-1", "**-2", "**1.5", "**0.3"]
)
def test_a_ball_holds_the_function_of_every_number_in_it(rules: Rules, name: str) -> None:
    if name == "erf" and rules.kind is not np.float64:
        pytest.skip("there is none of NumPy's: computed one by one")
    rng = np.random.default_rng(3)
    mid = np.abs(rng.normal(size=200)) * 10.0 ** rng.integers(-3, 2, 200)
    rad = mid * 10.0 ** rng.integers(-17, -1, 200)
    a = Balls(mid.astype(rules.kind), rad)
    with np.errstate(all="ignore"):
        if name.startswith("*") or name == "sqrt":
            power = Fraction(1, 2) if name == "sqrt" else Fraction(name[2:])
            found = rules.power(a, power)
            of = lambda v: v ** (flint.arb(power.numerator) / power.denominator)  # noqa: E731
        else:
            found = rules.function(name, a)
            of = (lambda v: abs(v)) if name == "abs" else (lambda v: getattr(v, name)())
    with kernels.precision(200):
        for n in range(200):
            own = rules.arb(Balls(found.mid[n], np.broadcast_to(found.rad, 200)[n]))
            for share in (-1, -0.3, 0, 1):
                assert own.overlaps(of(flint.arb(mid[n]) + flint.arb(rad[n]) * share)), (mid[n], rad[n], share)


@pytest.mark.parametrize("value", [1 / 3, 1e300, 0.0, -7.0])
def test_a_ball_of_arb_is_held_by_the_one_that_it_becomes(value: float) -> None:
    for rules in RULES.values():
        for ball in (flint.arb(value), flint.arb(value) / 3, flint.arb(value, 1e-20)):
            assert rules.arb(rules.ball(ball)).contains(ball)
    assert float(RULES["float64"].ball(flint.arb(value)).rad) == 0.0  # what is exact stays so
    assert float(RULES["float64"].ball(flint.arb(value, 1e-300)).rad) > 0.0


# ---- at size --------------------------------------------------------------------------------------------------------


def softmax(z: Any, axis: int = -1) -> Any:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(dy: Any, z: Any, axis: int = -1) -> Any:
    y = softmax(z, axis)
    return y * (dy - (dy * y).sum(axis, keepdims=True))


def matmul(A: Any, B: Any) -> Any:
    return A @ B


def matmul_backward(dC: Any, A: Any, B: Any) -> Any:
    return dC @ B.swapaxes(-1, -2), A.swapaxes(-1, -2) @ dC


def without_last(A: Any, B: Any) -> Any:
    n = A.shape[-1] - (A.shape[-1] > 4096)
    return A[..., :n] @ B[..., :n, :]


def last_of_tail(z: Any, axis: int = -1) -> Any:
    y = softmax(z, axis)
    if z.shape[axis] > 4096:
        y[-1, -1] = 0
    return y


@pytest.mark.parametrize(
    ("layer", "right", "backward", "wrong", "shape"),
    [
        ("softmax", softmax, softmax_backward, last_of_tail, {"...": 3, "i": 393_216}),
        ("matmul", matmul, matmul_backward, without_last, {"...": 1, "i": 3, "k": 524_288, "j": 2}),
    ],
)
def test_what_reads_hundreds_of_thousands_of_numbers_is_enclosed(
    layer: str, right: Any, backward: Any, wrong: Any, shape: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of ours stands beside it."""
    monkeypatch.setattr(big, "own", lambda layer: None)
    how: dict[str, Any] = {"dtype": "float32", "shape": shape, "replay": f"{layer}.0.large.float32.2"}
    how |= {"limits": Limits(seconds=100), "budget": 20.0}
    found = judge(layer, forward=right, backward=backward, **how)
    assert found.ok, str(found)
    assert all(m.elements >= 2 and not m.unclaimed for m in found.margins.values())
    assert judge(layer, forward=wrong, **how).verdict == "wrong"
