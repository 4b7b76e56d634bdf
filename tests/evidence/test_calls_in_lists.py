"""Derived equations of layers that call others in a list are evaluated where each tensor begins."""

from __future__ import annotations

from pathlib import Path

from derive.calculus.derivation import derive
from derive.evidence import inputs, kernels
from derive.evidence.running import WORKING, bounds_second
from derive.evidence.truth import truth
from derive.notation import define
from tests.generality.probes.probe import HEAD, definitions
from tests.generality.support import own_registry


def test_second_order_of_a_list_of_calls(tmp_path: Path) -> None:
    """The adjoint of what a list of calls begins with has a place before the first entry, in second order, too."""
    file = tmp_path / "definitions.py"
    file.write_text(HEAD + definitions()["recurrence-lstm_stack"], encoding="utf-8")
    with own_registry(), kernels.precision(WORKING):
        derivation = derive(define.load_file(file)["lstm_stack"][0])
        case = inputs.cases(derivation.layer, 0, 1, inputs.Plan((2, 3), ((2,),), (2,)))[0]
        cotangents, tangents = inputs.cotangents(case, 0), inputs.tangents(case, 0)
        found = bounds_second(derivation, case, cotangents, tangents, -53, 0.0, 0.0)
        true = truth(case, cotangents, tangents).double_backward
    for name, own in found.items():
        assert all(ball.overlaps(true[name][i]) for i, ball in own.items()), name
