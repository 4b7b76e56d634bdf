"""Arrows go one way: what importing each package brings with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import reference

ROOT = Path(__file__).parents[1]
LINES = 400
#: Modules that are still longer: none may be added, and one that has been split leaves the list.
#: A network has an argument for every weight.
LONGER = {"reference/layers/peephole_lstm.py", "reference/networks/resnet.py", "reference/networks/transformer.py"}


def brought(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running the code."""
    script = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*(set(sys.modules) - before))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return {name.split(".")[0] for name in out.split()}


def test_reference_needs_numpy_alone() -> None:
    everything = "import reference\n" + "\n".join(f"reference.{name}" for name in reference.__all__)
    loaded = brought(everything)
    assert "numpy" in loaded
    assert not loaded & {"sympy", "derive", "scipy", "flint", "mpmath", "rich", "sklearn", "matplotlib"}


def test_derive_is_light_until_a_definition_is_read() -> None:
    assert not brought("import derive, derive.cli") & {"sympy", "numpy"}


def test_a_program_that_builds_imports_it_from_the_package() -> None:
    from derive import build
    from derive.command.build import generate

    assert build.generate is generate


def test_a_kernel_is_no_longer_than_what_it_says() -> None:
    """Of a kernel that a person reads first, the length is a promise; every equation stands in its functions, too."""
    text = (ROOT / "reference" / "layers" / "layer_norm.py").read_text(encoding="utf-8")
    assert text.count("\n") <= 120
    assert max(map(len, text.splitlines())) <= 120
    head, _, code = text.partition("import numpy")
    equations = [line.strip() for line in head.splitlines() if line.startswith("    ")]
    assert len(equations) == 5
    assert [e for e in equations if f"# {e}" not in code] == []


def test_an_unknown_layer_is_named() -> None:
    with pytest.raises(AttributeError, match=r"it has .*attention, "):
        _ = reference.sofmax


def test_no_module_is_long() -> None:
    files = [p for top in ("derive", "reference", "benchmarks", "tests") for p in (ROOT / top).rglob("*.py")]
    lines = {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8").count("\n") for p in files}
    long = {name: n for name, n in lines.items() if n > LINES}
    assert not {name: n for name, n in long.items() if name not in LONGER}
    assert not LONGER - long.keys(), "short enough by now: take them from the list"
