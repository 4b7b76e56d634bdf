"""The command as a stranger meets it: mistyped words, odd terminals, pipes, files that are something else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import derive
from derive.cli import main, parser
from derive.targets.numpy.kernel import Kernel
from tests.command.conftest import Place

COMMANDS = ("build", "list", "show", "verify", "train")


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    try:
        status = main(words)
    except SystemExit as end:  # argparse
        status = int(end.code or 0)
    assert status == 2
    return capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"gradbook {derive.__version__}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_mistyped_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"did you mean {command}" in refused([command[:-1] + command[-1] * 2], capsys)


@pytest.mark.parametrize("command", ["build", "show", "verify"])
def test_mistyped_layer(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean softmax" in refused([command, "sofmax"], capsys)


def options() -> list[tuple[list[str], str]]:
    """Every option of every command."""
    from reference.training.cli import _parser

    made = dict(parser().commands()) | {"train digits": dict(_parser(type(parser())).commands())["digits"]}
    return [(name.split(), o) for name, p in made.items() for a in p._actions for o in a.option_strings if len(o) > 4]


@pytest.mark.parametrize(("command", "option"), options())
def test_mistyped_option(command: list[str], option: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*command, *(["relu"] if command == ["show"] else []), option[:3] + option[4:] + "e"]
    err = refused(words, capsys)
    assert option in err[err.index("did you mean") :]


def test_mistyped_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean cosine" in refused(["train", "digits", "--schedule", "cosin"], capsys)
    assert "did you mean digits" in refused(["train", "digit"], capsys)


def test_mistyped_file(place: Place) -> None:
    place.define("my_layers.py", "odd")
    assert "did you mean my_layers.py" in place.run("build", "my_layer.py")[2]
    assert "did you mean odd" in place.run("show", "my_layers.py:ood")[2]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00bad", b"\x00", b"", b"\x89PNG\r\n\x1a\n", "ß".encode("latin-1"), b"def f(:\n", b"1/0\n"]
)
def test_file_that_is_none(place: Place, content: bytes) -> None:
    (place.folder / "thing.py").write_bytes(content)
    status, _, err = place.run("build", "thing.py")
    assert status == 2
    assert "thing.py" in err
    assert "internal" not in err


@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "exit()", "raise KeyError('x')", "import nowhere"])
def test_file_that_cannot_be_run(place: Place, ending: str) -> None:
    place.define("d.py", "odd", tail=f"\n\n{ending}\n")
    status, _, err = place.run("build", "d.py")
    assert status == 2
    assert "d.py" in err
    assert not (place.folder / "kernels").exists()


def test_a_folder_is_no_file(place: Place) -> None:
    (place.folder / "d.py").mkdir()
    assert place.run("build", "d.py")[0] == 2


def test_show_of_ones_own_layers(place: Place) -> None:
    place.define("d.py", "odd", "even")
    assert place.run("build", "d.py", "--no-verify")[0] == 0
    for word, names in (("d.py:odd", ("odd",)), ("d.py", ("odd", "even"))):
        status, out, _ = place.run("show", word)
        assert status == 0
        assert [n for n in ("odd", "even") if f"{n}   Multiply." in out] == list(names)
        assert out.count("def forward(") == len(names)


TERMINALS: dict[str, dict[str, str]] = {
    "no colour": {"NO_COLOR": "1"},
    "dumb": {"TERM": "dumb"},
    "narrow": {"COLUMNS": "40"},
    "ASCII": {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
    "none": {"TERM": ""},
}


@pytest.mark.parametrize("settings", TERMINALS.values(), ids=TERMINALS)
def test_odd_terminals(place: Place, settings: dict[str, str]) -> None:
    """No colour goes into a pipe, no line is lost, whatever the terminal can show."""
    place.define("d.py", "odd")
    for words, wanted in ((("show", "relu"), "def forward"), (("build", "d.py", "--no-verify"), "odd.md")):
        with place.start(
            *words, env=os.environ | {"PYTHONPATH": str(Path(derive.__file__).parents[1])} | settings
        ) as p:
            out, err = p.communicate(timeout=60)
        assert (p.returncode, err) == (0, "")
        assert wanted in out
        assert "\x1b" not in out


def test_a_kernel_that_cannot_be_imported_fails_and_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.define("d.py", "odd")
    monkeypatch.setattr(Kernel, "source", lambda self: "def forward(:\n")
    monkeypatch.setattr("derive.build.check_kernel", lambda *rest: None)
    status, out, err = place.run("build", "d.py")
    assert (status, err) == (1, "")
    assert "odd: kernel" in out
    assert "SyntaxError" in out


def test_isolated_runs_nothing(place: Place) -> None:
    place.define("d.py", "odd")
    assert place.run("build", "d.py", "--isolated", "--no-verify")[0] == 0
    plain = place.there()
    place.define("d.py", "odd", tail="\n\nopen('ran', 'w').close()\n")
    status, _, err = place.run("build", "d.py", "--isolated")
    assert status == 2
    assert "open('ran'" in err
    assert not (place.folder / "ran").exists()
    assert place.run("build", "d.py", "--no-verify")[0] == 0
    assert (place.folder / "ran").exists(), "without it, a definition file is Python and is run"
    assert place.there()["kernels/odd.py"] == plain["kernels/odd.py"]


def test_isolated_evidence_runs_nothing_either(place: Place) -> None:
    """The whole command, in a process whose audit hook sees every text that is compiled and run."""
    place.define("d.py", "odd")
    watch = (
        "import sys\nseen = []\n"
        "sys.addaudithook(lambda event, a: seen.append(a[0].co_filename) if event == 'exec' else None)\n"
        "from derive.cli import main\n"
        "status = main(['build', 'd.py', '--isolated'])\n"
        "print('ran', [name for name in seen if name.split('/')[-1] == 'd.py'], status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", watch],
        cwd=place.folder,
        env=os.environ | {"PYTHONPATH": str(Path(derive.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ran [] 0" in done.stdout, done.stdout + done.stderr
