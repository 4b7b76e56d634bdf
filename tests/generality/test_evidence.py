"""Every leg of the evidence on every probe that builds: asked for by ``--evidence``, for it takes half an hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive import verify
from derive.calculus.derivation import derive
from derive.evidence import verify as evidence
from tests.generality.probes.expected import KNOWN, RED, REFUSED
from tests.generality.probes.probe import built, definitions


@pytest.mark.parametrize("probe", [p for p in sorted(definitions()) if p not in REFUSED.keys() | KNOWN.keys()])
def test_evidence(probe: str, tmp_path: Path) -> None:
    """Every leg is green, or is known to be red: those that are red no more are an error too."""
    with built(probe, tmp_path) as made:
        derivations = [derive(v) for v in made.variants]
        legs = [leg for leg in evidence.LEGS if evidence.applies(leg, made.variants[0], made.kernel)]
        verdicts = [verify.run_leg(leg, derivations, made.kernel) for leg in legs]
    red = {v.leg: v.detail for v in verdicts if v.passed is False}
    assert red.keys() == set(RED.get(probe, ())), "\n".join(f"{leg}: {detail}" for leg, detail in red.items())
