"""Pages of layers that are not in the project are read back by the pages' own reader and compared with the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from derive.command import build, pageleg, verify
from derive.notation.define import REGISTRY

LAYER = '''
from __future__ import annotations

from derive import layer


@layer(cites="Zhang and Sennrich 2019, arXiv:1910.07467")
def rms_norm(x: Real[..., i], gamma: Real[i], epsilon: Positive = 1e-6):
    """Divide each example by the root mean square of its features, then scale."""
    inv_rms[...] = 1 / sqrt(mean(i, x[..., i] ** 2) + epsilon)
    y[..., i] = gamma[i] * x[..., i] * inv_rms[...]
    return y
'''


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "own.py"
    file.write_text(LAYER)
    folder = tmp_path / "kernels"
    build.write(build.generate(file=file, out=folder))
    yield folder
    REGISTRY.pop("rms_norm")  # the registry is this process's


def test_page_and_kernel_of_a_users_layer_agree(out: Path) -> None:
    ((name, passed, number, detail, _),) = pageleg.outside(["rms_norm"], out)
    assert (name, passed) == ("rms_norm", True), detail
    assert number.endswith("misprints caught")
    read, formulas = pageleg.FORMULAS.match(number).groups()  # type: ignore[union-attr]
    assert read == formulas != "0"


@pytest.mark.parametrize(("ending", "right", "wrong"), [("md", r"+ \epsilon", r"- \epsilon"), ("py", "+ epsilon", "")])
def test_a_wrong_page_or_kernel_is_seen(out: Path, ending: str, right: str, wrong: str) -> None:
    file = out / f"rms_norm.{ending}"
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong))
    ((_, passed, number, detail, _),) = pageleg.outside(["rms_norm"], out)
    assert not passed
    assert number == "FAILED"
    assert "DISAGREES" in detail


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not pageleg.missing()
    monkeypatch.setattr(pageleg, "ROOT", tmp_path)
    assert "checkout" in pageleg.missing()


def test_every_formula_has_a_check(out: Path) -> None:
    file = out / "rms_norm.md"
    text = file.read_text()
    file.write_text(text.replace("## Cost", "It is known that $x = 1$.\n\n## Cost"))
    ((_, passed, _, detail, _),) = pageleg.outside(["rms_norm"], out)
    assert not passed
    assert "no check for It is known that $x = 1$." in detail


def test_formulas_are_summed_up() -> None:
    found = [verify.Verdict("a", "page", True, "3/3 formulas, 10/10 misprints caught", "", 0.0)]
    found += [verify.Verdict("b", "page", True, "4/5 formulas, 1/1 misprints caught", "", 0.0)]
    assert verify.formulas(found) == "formulas  7 of 8 read and executed"
    assert verify.formulas([]) == ""
