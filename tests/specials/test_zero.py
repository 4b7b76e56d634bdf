"""A cotangent of zero: second order is linear in it, so nothing may be divided by it, in any layer."""

from __future__ import annotations

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.evidence import kernels
from derive.evidence.inputs import cotangents, tangents
from derive.notation.define import load_project
from tests.specials.arguments import made
from tests.specials.participation import listed
from tests.specials.test_participation import SIZES

LAYERS = load_project()


@pytest.mark.filterwarnings("error")
@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_second_order_at_a_cotangent_of_zero(name: str) -> None:
    for layer in LAYERS[name]:
        kernel, derivation, case = kernels.kernel_of(name), derive(layer), made(layer, SIZES)
        given, along = cotangents(case), tangents(case)
        nothing = {n: [a * 0 for a in v] if isinstance(v, list) else v * 0 for n, v in given.items()}
        if not hasattr(kernel, "double_backward") or not given:
            continue
        some, none = (kernels.double_backward(kernel, derivation, case, c, along) for c in (given, nothing))
        for result, value in none.items():
            for own, other in zip(listed(value), listed(some[result]), strict=True):
                expected = other if result in given else np.zeros_like(other)
                np.testing.assert_allclose(own, expected, rtol=1e-12, atol=1e-14, err_msg=result)
