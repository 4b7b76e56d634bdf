"""The command as a stranger meets it: mistyped words, odd terminals, pipes, files that are something else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import derive
from derive.cli import COMMANDS, main, parser
from derive.command.files import FileError
from derive.targets.numpy.kernel import Kernel
from tests.command.conftest import Place

WORDS = ("build", "list", "show", "verify", "train")


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


@pytest.mark.parametrize("command", WORDS)
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
    words = [*command, *(["relu"] if command in (["show"], ["judge"]) else []), option[:3] + option[4:] + "e"]
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
    environment = os.environ | {"PYTHONPATH": str(Path(derive.__file__).parents[1])} | settings
    with place.start("show", "relu", env=environment) as program:
        out, err = program.communicate(timeout=120)
    assert (program.returncode, err) == (0, "")
    assert "def forward(dims: Dims, x: Array) -> tuple[Array, Any]:" in out, "lines are as long as they are"
    assert "\x1b" not in out


def test_a_kernel_that_cannot_be_imported_fails_and_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.define("d.py", "odd")
    monkeypatch.setattr(Kernel, "source", lambda self: "def forward(:\n")
    monkeypatch.setattr("derive.command.build.check_kernel", lambda *rest: None)
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


def test_a_layer_that_would_be_the_package(place: Place) -> None:
    place.define("d.py", "__init__")
    status, _, err = place.run("build", "d.py", "--no-verify")
    assert status == 2
    assert "__init__" in err
    assert not (place.folder / "kernels").exists()


def test_verify_of_a_file_says_what_does_it(place: Place) -> None:
    place.define("d.py", "odd")
    assert "gradbook build d.py" in place.run("verify", "d.py")[2]


def test_show_isolated_runs_nothing(place: Place) -> None:
    place.define("d.py", "odd", tail="\n\nopen('ran', 'w').close()\n")
    assert place.run("show", "d.py", "--isolated")[0] == 2
    assert not (place.folder / "ran").exists()


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(place: Place, closed: str) -> None:
    """As a daemon or a cron job has them."""
    command = f'exec "{sys.executable}" -B -m derive.cli list {closed}'
    done = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PYTHONPATH": str(Path(derive.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_outside_the_book_links_to_nothing_of_it(place: Place) -> None:
    text = place.define("d.py", "odd").read_text()
    (place.folder / "d.py").write_text(text.replace('cites="nobody"', 'cites="S01 and S02-S03"'))
    assert place.run("build", "d.py", "--no-verify")[0] == 0
    assert "](../" not in (place.folder / "kernels" / "odd.md").read_text()


@pytest.mark.parametrize("settings", [{"TERM": "dumb"}, {"NO_COLOR": "1", "TERM": "xterm-256color"}])
def test_on_a_terminal(place: Place, settings: dict[str, str]) -> None:
    """A terminal without colours gets none, and one without a cursor no animation."""
    place.define("d.py", "odd")
    pty = pytest.importorskip("pty", reason="Windows has no terminals of this kind")
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM")}
    environment |= {"PYTHONPATH": str(Path(derive.__file__).parents[1])} | settings
    with place.start("build", "d.py", "--check", env=environment, stdout=theirs) as program:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert program.returncode == 1
    assert b"def forward" in shown
    assert not re.search(rb"\x1b\[[0-9;]*[34][0-9]m", shown), "no colour"
    if settings["TERM"] == "dumb":
        assert b"\x1b" not in shown


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "here.py"), "no space left on device: here.py"),
        (MemoryError("1 TiB"), "not enough memory: 1 TiB"),
        (RecursionError("maximum recursion depth exceeded"), "internal error: RecursionError"),
        (ZeroDivisionError("division\nby zero"), "internal error: ZeroDivisionError: division by zero"),
        (KeyError("i"), "internal error: KeyError"),
        (ValueError("of NumPy"), "internal error: ValueError: of NumPy"),
        (FileError("k/a\x1b[2J.py is a folder"), "k/a\\x1b[2J.py is a folder"),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(
    error: Exception, said: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(arguments: object) -> int:
        raise error

    monkeypatch.setitem(COMMANDS, "list", fails)
    status, _, err = place.run("list")
    assert status == 2
    assert err.startswith(f"gradbook list: {said}")
    assert len(err.splitlines()) == 1
    assert ("please report it" in err) == ("internal" in said)
    monkeypatch.setenv("GRADBOOK_DEBUG", "1")
    assert main(["list"]) == 2
    assert "Traceback" in place.capsys.readouterr().err


def test_the_same_build_twice_at_once(place: Place) -> None:
    place.define("d.py", "odd", "even")
    both = [place.start("build", "d.py", "--no-verify") for _ in range(2)]
    assert [(p.communicate()[1], p.returncode) for p in both] == [("", 0), ("", 0)]
    assert place.run("build", "d.py", "--check")[0] == 0
