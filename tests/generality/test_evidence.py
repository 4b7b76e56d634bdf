"""Every leg of the evidence on every probe that builds: asked for by ``--evidence``, for it takes half an hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.evidence.verify import LEGS
from tests.generality.everyday.legs import DEFINITIONS, failing, red
from tests.generality.probes.expected import KNOWN, RED, REFUSED
from tests.generality.probes.probe import built, definitions


@pytest.mark.parametrize("probe", [p for p in sorted(definitions()) if p not in REFUSED.keys() | KNOWN.keys()])
def test_probes(probe: str, tmp_path: Path) -> None:
    """Every leg is green, or is known to be red: those that are red no more are an error too."""
    with built(probe, tmp_path) as made:
        found = failing(made)
    assert found.keys() == RED.get(probe, {}).keys() & {*LEGS}, "\n".join(
        f"{leg}: {detail}" for leg, detail in found.items()
    )


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_everyday(name: str, tmp_path: Path) -> None:
    assert not red(name, tmp_path)
