"""Comparisons of positions that always hold, and those that do not."""

from __future__ import annotations

import pytest

from derive.calculus.plain import plain
from derive.calculus.within import Within
from derive.notation.define import REGISTRY, load_file, load_project
from derive.notation.text import show_equation

OWN = """from derive import layer

@layer(cites="")
def windows(x: Real[b, p], window: Count = 2, stride: Count = 1, before: Natural = 0, shift: Integer = 0):
    \"\"\"How many elements of each window are where a comparison says.\"\"\"
    k = axis(window)
    i = axis((size(p) + before - window) // stride + 1)
    n[i] = sum(k, x[0, 0] if {} else 0)
    return n
"""
#: Positions in windows that fit at the end, and lie ``before`` elements early at the beginning.
HOLDS = {
    "stride * i + k >= 0": True,
    "0 <= stride * i + k": True,
    "-1 < stride * i + k": True,
    "stride * i + k < size(p) + before": True,
    "stride * i + k <= size(p) + before - 1": True,
    "size(p) + before > stride * i + k": True,
    "stride * i <= size(p) + before - window": True,
    "stride * i + k < size(p)": False,
    "stride * i + k + 1 < size(p) + before": False,
    "stride * i + k - before >= 0": False,
    "stride * i + k > 0": False,
    "i + k < size(p) + before": False,  # it does hold, as stride is not 0; that is not seen
    "k * i + k <= size(p)": False,
    "stride * i + k + shift >= 0": False,
    "stride * i + k == 0": False,
    "i * k >= 0": False,  # nothing is seen of an index times an index
}


@pytest.mark.parametrize("comparison", HOLDS)
def test_what_always_holds(comparison: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("own") / "own_layers.py"
    file.write_text(OWN.format(comparison))
    known = dict(REGISTRY)
    try:
        (layer,) = load_file(file)["windows"]
    finally:
        REGISTRY.clear()
        REGISTRY.update(known)
    condition = layer.equations[0].body.body.args[0]  # type: ignore[union-attr]
    assert Within(layer).always(condition) == HOLDS[comparison]


def test_windows_that_fit_have_all_their_elements() -> None:
    case = plain(load_project()["avg_pool2d"][0])
    assert case
    assert show_equation(case.derivation.layer.equations[0]) == "n[i, j] = window[0] * window[1]"
