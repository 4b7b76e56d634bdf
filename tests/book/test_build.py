"""The generator: writes what differs, keeps its hands off other files, finds orphans, is the same under any
hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from derive.cli import main, split
from derive.command import build
from derive.command.manifest import Manifest
from derive.notation.define import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = '''\
from __future__ import annotations

from derive import layer


@layer(cites="Zhang and Sennrich 2019")
def {name}(x: Real[..., i], gamma: Real[i], epsilon: Positive = 1e-6):
    """Divide by the root mean square."""
    ms[...] = mean(i, x[..., i] ** 2)
    y[..., i] = gamma[i] * x[..., i] / sqrt(ms[...] + epsilon)
    return y
'''


@pytest.fixture
def mine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, Path, str]]:
    """A file with one definition, a folder for its kernels, and the layer's name."""
    name = f"own_{abs(hash(request.node.name)) % 10**8}"
    file = tmp_path / "my_layers.py"
    file.write_text(DEFINITION.format(name=name))
    yield file, tmp_path / "my_kernels", name
    REGISTRY.pop(name, None)  # the registry is this process's


def test_layer_outside_the_project(mine: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    file, out, name = mine
    status = main(["build", str(file), "--out", str(out)])
    assert {p.name for p in out.iterdir()} == {
        "__init__.py",
        f"{name}.py",
        f"{name}.md",
        "verification.json",
        ".gradbook.json",
    }
    shown = capsys.readouterr().out
    assert "exact ✓" in shown, "the evidence is run"
    assert status == int("✗" in shown)
    assert main(["build", str(file), "--out", str(out), "--check"]) == 0


def test_check_shows_the_difference_and_the_command(
    mine: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file, out, name = mine
    assert main(["build", str(file), "--out", str(out), "--no-verify"]) == 0
    kernel = out / f"{name}.py"
    kernel.write_text(kernel.read_text().replace("def forward", "def forwards"))
    capsys.readouterr()
    assert main(["build", str(file), "--out", str(out), "--check"]) == 1
    shown = capsys.readouterr()
    assert "+def forward(" in shown.out
    assert "-def forwards(" in shown.out
    assert f"gradbook build {file} --out {out}" in shown.err


def test_orphans_are_found_and_removed(mine: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    file, out, name = mine
    text = file.read_text()
    file.write_text(text + text[text.index("@layer") :].replace(name, f"{name}_gone"))
    assert main(["build", str(file), "--out", str(out), "--no-verify"]) == 0
    file.write_text(text)
    REGISTRY.pop(f"{name}_gone")
    assert main(["build", str(file), "--out", str(out), "--check"]) == 1
    assert "gone.py" in capsys.readouterr().out
    assert main(["build", str(file), "--out", str(out), "--no-verify"]) == 0
    assert {p.name for p in out.glob("*.py")} == {"__init__.py", f"{name}.py"}


def test_unreadable_definition_marks_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.py"
    file.write_text(DEFINITION.format(name="bad").replace("mean(i, x[..., i] ** 2)", "mean(i, x[..., k] ** 2)"))
    assert main(["build", str(file)]) == 2
    assert "^" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["a.py", "b.py"], ["a.py", "softmax"]])
def test_one_file_or_names(words: list[str]) -> None:
    with pytest.raises(ValueError, match="one file"):
        split(words)


def test_unknown_layer_names_the_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "layer_nrm"]) == 2
    assert "layer_norm" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["build"], ["list"], ["show"], ["verify"], ["train", "digits"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    assert "usage: gradbook" in capsys.readouterr().out


def test_show_prints_equations_and_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "layer_norm", "--steps"]) == 0
    text = capsys.readouterr().out
    assert "gamma[i] * x_hat[..., i]" in text
    assert "def forward" in text


def test_generated_files_are_as_their_definitions_say() -> None:
    """Under one hash seed: a build of everything takes a minute. `make check`, which CI runs too, has three."""
    done = subprocess.run(
        [sys.executable, "-m", "derive.cli", "build", "--check"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_generated_file_says_so() -> None:
    made = [p for p in Manifest.load(ROOT).of(build.DEFINITIONS) if p.is_file()]
    assert len(made) > len(REGISTRY)
    for path in made:
        assert build.MARK in "\n".join(path.read_text(encoding="utf-8").splitlines()[:40]), path
