"""Kernels on arguments that Hypothesis draws: any sizes, layouts and options, values from subnormal to large, ties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from derive.evidence import enclosure, inputs, kernels, strategies
from derive.evidence.result import Tally
from tests.evidence.shared import LAYERS, derived


@pytest.mark.parametrize("form", enclosure.FORMATS, ids=lambda f: np.dtype(f.dtype).name)
@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_within_the_bound(name: str, form: enclosure.Format) -> None:
    variants = range(len(LAYERS[name]))

    @settings(max_examples=8, phases=[Phase.reuse, Phase.generate, Phase.shrink])
    @given(st.data())
    def run(data: Any) -> None:
        derivation = derived(name, data.draw(st.sampled_from(list(variants))))
        case = data.draw(strategies.cases(derivation.layer, form.dtype))
        cotangents = data.draw(strategies.cotangents(case, form.dtype))
        tally = Tally("enclosure", name, 1.0, "of the derived bound")
        tangents = inputs.tangents(case, data.draw(st.integers(0, 255)), form.dtype)
        enclosure.check(derivation, kernels.kernel_of(name), case, cotangents, tangents, form, tally)
        assert not tally.wrong, tally.wrong[0]

    run()
