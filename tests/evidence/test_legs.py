"""Every layer climbs every leg. There is no test code per layer: the legs read the definitions."""

from __future__ import annotations

import pytest

from derive.evidence.verify import LEGS, applies, verify
from tests.evidence.shared import LAYERS, derivation_of


@pytest.mark.sampled("name", "leg")
@pytest.mark.parametrize(("name", "leg"), [(n, leg) for n, v in LAYERS.items() for leg in LEGS if applies(leg, v[0])])
def test_leg(name: str, leg: str) -> None:
    (result,) = verify(LAYERS[name], legs=[leg], derived=derivation_of)
    assert result.passed, str(result)
