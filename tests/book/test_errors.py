"""The pictures of errors are those of the definitions as they are, and kernels are as accurate as is drawn."""

from __future__ import annotations

import re

import pytest

from derive.command.build import KERNELS, ROOT, fingerprint
from derive.command.record import kernel_digest
from derive.notation.define import load_project
from derive.targets.errors import BINS, ERRORS, load, picture
from tests.accuracy.functions import functions
from tests.accuracy.record import EXACT, entry

RECORD = load(ROOT / ERRORS)
FUNCTIONS = {f.layer.name: f for f in functions(project=True) if f.layer.name not in EXACT}
ALWAYS = ("silu",)  # measured again; the others where their kernel is another than the one that was measured
SLACK = 1.5  # elementary functions of another machine round otherwise


def test_every_function_was_measured_as_it_is_defined() -> None:
    wanted = {n: fingerprint(f.layer) for n, f in FUNCTIONS.items() if len(f.layer.inputs) == 1}
    assert {n: e["definition"] for n, e in RECORD.items()} == wanted, "python -m tests.accuracy.record"


@pytest.mark.parametrize("name", sorted(RECORD))
def test_a_kernel_that_has_changed_is_no_worse(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name not in ALWAYS and kernel_digest(name, ROOT / KERNELS) == RECORD[name]["kernel"]:
        return
    monkeypatch.setattr("tests.accuracy.record.torch_function", lambda name: None)
    now, then = entry(FUNCTIONS[name])["errors"]["gradbook"], RECORD[name]["errors"]["gradbook"]
    for what in ("value", "slope"):
        assert len(then[what]) == BINS
        assert max(now[what]) <= SLACK * max(then[what]) + 0.5, "python -m tests.accuracy.record"


def test_the_picture_says_the_worst_and_shows_both() -> None:
    layer = load_project()["silu"][0]
    drawn = picture("silu", fingerprint(layer), RECORD)
    ours, theirs = (RECORD["silu"]["errors"][who]["slope"] for who in ("gradbook", "torch"))
    assert (
        f"slope of silu in units in the last place: here at most {max(ours):.2g}, in PyTorch {max(theirs):.2g}" in drawn
    )
    assert [len(p.split()) for p in re.findall(r'points="([^"]*)"', drawn)] == [2 * BINS] * 4
    assert picture("silu", "00000000", RECORD) == ""
    page = (ROOT / "docs" / "layers" / "silu.md").read_text(encoding="utf-8")
    assert drawn in page
