"""The caller's contexts hold during a call, and are as they were after it: error states of NumPy, Decimal's, others."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from decimal import Decimal, localcontext
from typing import Any, ClassVar

import numpy as np
import pytest

from derive.evidence import inputs, kernels
from reference import clip_by_global_norm, linear, mse, sgd
from tests.evidence.shared import LAYERS

OWN: ContextVar[str] = ContextVar("OWN", default="at import")


class Watching:
    """A number that notes the context it is multiplied in."""

    seen: ClassVar[set[str]] = set()

    def __mul__(self, other: Any) -> Watching:
        Watching.seen.add(OWN.get())
        return self

    def __add__(self, other: Any) -> Watching:
        return self

    __rmul__, __radd__ = __mul__, __add__


def third(digits: int) -> Decimal:
    return Decimal("0." + "3" * digits)


def objects(*values: Any) -> list[Any]:
    return [np.array(v, object) for v in values]


def test_decimals_have_the_callers_precision() -> None:
    one = Decimal(1)
    with localcontext() as context:
        context.prec = 60
        assert linear.forward(*objects([[third(60)]], [[one]], [Decimal(0)]))[0][0, 0] == third(60)
        assert sgd.forward(objects([third(60)]), objects([one]), alpha=0.0)[0][0][0] == third(60)
        z, saved = mse.forward(*objects([third(60)], [Decimal(0)]), reduction="sum")
        assert z == third(60) ** 2
        assert mse.backward(np.array(one), saved).y[0] == 2 * third(60)
        assert clip_by_global_norm.forward(objects([one, one]), tau=10.0)[0][0].tolist() == [one, one]


def test_context_variables_are_the_callers_in_every_thread() -> None:
    def work(name: str) -> None:
        OWN.set(name)
        x = np.empty((1, 1), object)
        x[0, 0] = Watching()
        a = [x, x, x[0]]
        _, saved = linear.forward(*a)
        linear.backward(x, saved)
        linear.jvp(a, a)

    Watching.seen.clear()
    threads = [threading.Thread(target=work, args=(f"thread {n}",)) for n in range(3)]
    for t in threads:
        t.start()
        t.join()
    work("main")
    assert Watching.seen == {"thread 0", "thread 1", "thread 2", "main"}


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_error_states_are_left_as_they_were(name: str) -> None:
    case, module = next(iter(inputs.cases(LAYERS[name][0], dtype=np.float64))), kernels.kernel_of(name)
    u, v = inputs.cotangents(case, dtype=np.float64), inputs.tangents(case, dtype=np.float64)
    states = {"over": "ignore", "under": "ignore", "divide": "print", "invalid": "ignore"}
    with np.errstate(**states):
        kernels.backward(module, case, u)
        kernels.jvp(module, case, v)
        with pytest.raises((TypeError, ValueError)):
            module.forward(*[object()] * len(case.layer.inputs))
        assert np.geterr() == states


def test_what_the_caller_wants_about_underflow_is_done() -> None:
    small = [np.array(v) for v in ([[1e-200]], [[1e-200]], [0.0])]
    linear.forward(*small)
    with np.errstate(under="raise"), pytest.raises(FloatingPointError, match="underflow"):
        linear.forward(*small)
    linear.forward(*small)


def test_overflow_calls_what_the_caller_wants() -> None:
    heard: list[str] = []
    with np.errstate(over="call", call=lambda kind, flag: heard.append(kind)):
        z, _ = linear.forward(
            np.array([[3e38, 3e38]], np.float32), np.ones((1, 2), np.float32), np.zeros(1, np.float32)
        )
    assert z == np.inf
    assert heard == ["overflow"]
