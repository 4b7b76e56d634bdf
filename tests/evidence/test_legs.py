"""Every layer climbs every leg. There is no test code per layer: the legs read the definitions."""

from __future__ import annotations

import pytest

from derive.evidence.verify import LEGS, applies, verify
from tests.evidence.shared import LAYERS, derivation_of


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("name", LAYERS)
def test_leg(name: str, leg: str) -> None:
    if not applies(leg, LAYERS[name][0]):
        pytest.skip("not smooth, and the kernel offers no second order")
    (result,) = verify(LAYERS[name], legs=[leg], derived=derivation_of)
    assert result.passed, str(result)
