"""Definitions as users would type them: each builds and agrees with PyTorch, or is refused with what to write instead.

``tests/generality/probes`` holds the definitions, the references and what is expected of each.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derive.notation.errors import DefinitionError
from tests.generality.probes import figures
from tests.generality.probes.cases import CASES, in_torch
from tests.generality.probes.expected import KNOWN, RED, REFUSED
from tests.generality.probes.probe import built, definitions, measured, names

PROBES = sorted(definitions())
WIDEST = 120  #: characters in a line of a kernel
KNOWN_TO_FAIL = [
    pytest.param(p, marks=pytest.mark.xfail(reason=KNOWN[p], strict=True) if p in KNOWN else ()) for p in PROBES
]


def test_every_row_is_a_probe() -> None:
    unknown = (REFUSED.keys() | KNOWN.keys() | RED.keys() | CASES.keys()) - set(PROBES)
    assert not unknown


def test_every_probe_that_builds_has_a_reference() -> None:
    """No probe passes by being compared with nothing."""
    assert not set(PROBES) - CASES.keys() - REFUSED.keys()
    assert {p: len(own) for p, own in CASES.items()} == {p: len(own) for p, own in figures.stored().items()}


@pytest.mark.parametrize("probe", KNOWN_TO_FAIL)
def test_probe(probe: str, tmp_path: Path) -> None:
    if probe in REFUSED:
        with pytest.raises(DefinitionError, match=re.compile(REFUSED[probe], re.DOTALL)), built(probe, tmp_path):
            pass
        return
    with built(probe, tmp_path) as made:
        long = [line for line in Path(made.kernel.__file__).read_text().splitlines() if len(line) > WIDEST]
        assert not long, "\n".join(long)
        wrong = [line for case in CASES[probe] for line in figures.compared(case, measured(case, made.kernel))]
    assert not wrong, "\n".join(wrong[:10])


@pytest.mark.parametrize("group", sorted({p.partition("-")[0] for p in CASES}))
def test_figures_are_what_pytorch_says(group: str) -> None:
    pytest.importorskip("torch", reason="the figures were computed with it; the kernels are compared with the figures")
    for probe in CASES:
        if probe.partition("-")[0] == group:
            for case in CASES[probe]:
                assert not figures.compared(case, in_torch(case, names(probe)))
