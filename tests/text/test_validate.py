"""A kernel that does not compute what its definition says is never written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derive.command import build
from derive.notation.define import REGISTRY, load_project
from derive.notation.errors import DefinitionError
from derive.text.validate import Kernels, validate

HEAD = "from derive import layer\n\n\n"
ODD = """@layer(cites="a test")
def odd(x: Real[..., i], w: Real[i], alpha: Scalar = 0.5):
    '''Odd.'''
    s[...] = sum(i, w[i] * x[..., i] ** 2)
    y[..., i] = alpha * x[..., i] / (1 + s[...] ** 2)
    return y
"""
EVEN = """

@layer(cites="a test")
def even(x: Real[..., i], w: Real[i]):
    '''Even.'''
    z = odd(x, w, alpha=2)
    y[..., i] = z[..., i] ** 2
    return y
"""
#: What a fault of the printer could do to a kernel: a pattern of its text, and what stands there instead.
FAULTS: dict[str, tuple[str, Callable[[re.Match[str]], str]]] = {
    "an option that is lost": (r"def forward(?s:.*?)\n    \"\"\"\n", lambda m: f"{m[0]}    alpha = 0.5\n"),
    "a name that is not there": (r"(?s)(def backward.*?return )", lambda m: m[1].replace("= saved", "= unsaved")),
    "a sign in jvp": (r"(?s)(def jvp.*?return )", lambda m: f"{m[1]}-"),
    "text that is no Python": (r"def jvp\(", lambda m: "def jvp(("),
    "a second gradient that is zero": (r"(?s)(def double_backward.*Second\(\w+, )", lambda m: f"{m[1]}0 * "),
}


@pytest.fixture(autouse=True)
def forget() -> Any:
    yield
    for name in ("odd", "even"):
        REGISTRY.pop(name, None)


def definitions(tmp_path: Path, text: str = ODD) -> Path:
    file = tmp_path / "odds.py"
    file.write_text(HEAD + text)
    return file


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_kernel_is_not_written(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern, change = FAULTS[fault]
    right = build.printed

    def wrong(*arguments: Any) -> Any:
        source, notes = right(*arguments)
        broken, count = re.subn(pattern, change, source)
        assert count, f"{pattern} is not in the kernel"
        return broken, notes

    monkeypatch.setattr(build, "printed", wrong)
    out = tmp_path / "out"
    with pytest.raises(DefinitionError, match=r"(?s)^odd: internal error: its kernel does not compute .*\^.*report it"):
        build.write(build.generate(file=definitions(tmp_path), out=out))
    assert not out.exists()


def test_a_kernel_and_the_kernels_it_calls_are_compared_before_they_are_written(tmp_path: Path) -> None:
    plan = build.generate(file=definitions(tmp_path, ODD + EVEN), out=tmp_path / "out")
    assert {p.stem for p in plan.files if p.suffix == ".py"} == {"__init__", "odd", "even"}


def test_what_is_there_already_was_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, out = definitions(tmp_path), tmp_path / "out"
    build.write(build.generate(file=file, out=out))
    monkeypatch.setattr("derive.text.validate.validate", lambda *arguments: pytest.fail("compared again"))
    build.generate(file=file, out=out)


def test_fresh_kernels_call_fresh_kernels() -> None:
    """A kernel of the project that is about to change is not taken from the disk."""
    project = {name: variants[0].source for name, variants in load_project().items()}
    import reference.layers.relu as on_disk

    text = Path(str(on_disk.__file__)).read_text(encoding="utf-8")
    fresh = Kernels({"relu": text, "residual": Path(str(on_disk.__file__)).with_name("residual.py").read_text()})
    assert fresh["residual"].ACTIVATIONS["relu"] is fresh["relu"]
    assert fresh["relu"] is not on_disk
    assert not validate("residual", project, fresh, turns=range(1)).wrong


def test_what_cannot_be_read_is_said() -> None:
    verdict = validate("relu", {"relu": "def relu(x: Real[...]):\n    return zeta(x)"}, Kernels({}))
    assert not verdict.wrong
    assert "not compared" in verdict.notes[0]
