"""Legs of a layer that ask for the same cases get the same ones, and say what they say of cases of their own."""

from __future__ import annotations

import numpy as np

from derive.calculus.derivation import derive
from derive.evidence import inputs, verify
from derive.evidence.compare import PLAN
from derive.evidence.kept import kept
from tests.evidence.shared import LAYERS


def test_cases_are_made_once_meanwhile() -> None:
    layer = LAYERS["softmax"][0]
    with kept():
        first = inputs.cases(layer, 3, 2, PLAN)
        assert all(a is b for a, b in zip(first, inputs.cases(layer, 3, 2, PLAN), strict=True))
        assert inputs.cases(layer, 3, 2, PLAN, dtype=np.float64, scale=1, offset=0)[0] is first[0]
        with kept():
            assert inputs.cases(layer, 3, 2, PLAN)[0] is not first[0]
        assert inputs.cases(layer, 3, 2, PLAN)[0] is first[0]
    assert inputs.cases(layer, 3, 2, PLAN)[0] is not first[0]


def test_who_asks_for_others_gets_others() -> None:
    layer, other = LAYERS["softmax"][0], LAYERS["log_softmax"][0]
    with kept():
        first = inputs.cases(layer, 3, 2, PLAN)
        for also in (
            inputs.cases(other, 3, 2, PLAN),
            inputs.cases(layer, 4, 2, PLAN),
            inputs.cases(layer, 3, 3, PLAN),
            inputs.cases(layer, 3, 2),
            inputs.cases(layer, 3, 2, PLAN, ties=True),
            inputs.cases(layer, 3, 2, PLAN, scale=2),
            inputs.cases(layer, 3, 2, PLAN, offset=1),
            inputs.cases(layer, 3, 2, PLAN, dtype=np.float32),
        ):
            assert also[0] is not first[0]
        first.clear()
        assert len(inputs.cases(layer, 3, 2, PLAN)) == 2


def test_legs_say_the_same_of_kept_cases() -> None:
    variants = LAYERS["reduce_max"]
    known = {v.name: derive(v) for v in variants}
    alone = verify.verify(variants, derived=lambda v: known[v.name])
    with kept():
        together = verify.verify(variants, derived=lambda v: known[v.name])
    assert [str(r) for r in together] == [str(r) for r in alone]
