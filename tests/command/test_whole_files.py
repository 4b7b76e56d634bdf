"""Whatever stops a build, every file is whole, nothing lies about, and the next build goes through."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from derive.command import build, files
from derive.command.ending import Ended
from tests.command.conftest import Place

STOPS = {
    "full disk": OSError(errno.ENOSPC, "No space left on device"),
    "permission": PermissionError(errno.EACCES, "Permission denied"),
    "Ctrl-C": KeyboardInterrupt(),
    "SIGTERM": Ended(),
}
BUILD = ("build", "d.py", "--out", "k", "--no-verify")


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
@pytest.mark.parametrize("function", ["replace", "open", "unlink"])
def test_stopped_anywhere(place: Place, monkeypatch: pytest.MonkeyPatch, function: str, stop: BaseException) -> None:
    """The n-th call that changes a file fails, for every n."""
    place.define("d.py", "odd", "gone")
    assert place.run(*BUILD)[0] == 0
    old = place.there()
    place.define("d.py", "odd", factor=3)
    changed = {"Ctrl-C": 130, "SIGTERM": 143}.get(next(n for n, s in STOPS.items() if s is stop), 2)
    stopped = 0
    for n in range(20):
        calls = 0
        original = {"replace": os.replace, "open": open, "unlink": Path.unlink}[function]

        def fails(*arguments: object, original: object = original, n: int = n, **words: object) -> object:
            nonlocal calls
            calls += 1
            if calls == n + 1:
                raise stop
            return original(*arguments, **words)  # type: ignore[operator]

        with monkeypatch.context() as patch:
            if function == "replace":
                patch.setattr(os, "replace", fails)
            elif function == "open":
                patch.setattr(files, "open", fails, raising=False)
            else:
                patch.setattr(Path, "unlink", fails)
            status, _, err = place.run(*BUILD)
        if calls <= n:
            break
        stopped += 1
        if function != "unlink":  # one that tidies up may fail without a word
            assert status == changed
            assert len(err.splitlines()) == 1
            assert not [name for name in place.there() if name.endswith(".part")]
        assert place.run(*BUILD)[0] == 0, "what was stopped is no stranger to the next build"
        new = place.there()
        assert "k/gone.py" not in new
        for name, text in old.items():  # back to the beginning
            (place.folder / name).write_bytes(text)
        place.define("d.py", "odd", factor=3)
    assert stopped >= (2 if function == "unlink" else 4)


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_every_file_is_old_or_new(place: Place, monkeypatch: pytest.MonkeyPatch, stop: BaseException) -> None:
    place.define("d.py", "odd")
    assert place.run(*BUILD)[0] == 0
    old = place.there()
    file = place.define("d.py", "odd", factor=3)
    new = {p.name: text.encode() for p, text in build.generate(file=Path(file.name), out=Path("k")).files.items()}
    replace = os.replace

    def once(a: Path, b: Path) -> None:
        if b.name == "odd.md":
            raise stop
        replace(a, b)

    monkeypatch.setattr(os, "replace", once)
    place.run(*BUILD)
    now = place.there()
    assert now["k/odd.py"] in (old["k/odd.py"], new["odd.py"])
    assert now["k/odd.md"] == old["k/odd.md"]


def test_two_at_once_wait_for_one_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.define("d.py", "odd")
    (place.folder / "k").mkdir()
    handle = os.open(place.folder / "k", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    monkeypatch.setattr(files, "WAIT", 0.2)
    status, _, err = place.run(*BUILD)
    os.close(handle)
    assert status == 2
    assert "another build" in err
    assert place.run(*BUILD)[0] == 0


def test_two_at_once_of_two_files(place: Place) -> None:
    for name in ("one", "two"):
        place.define(f"{name}s.py", name)
    both = [place.start("build", f"{n}s.py", "--no-verify") for n in ("one", "two")]
    assert [p.communicate()[1] for p in both] == ["", ""]
    assert {"kernels/one.py", "kernels/two.py", "kernels/one.md", "kernels/two.md"} < set(place.there())
    for name in ("one", "two"):
        assert place.run("build", f"{name}s.py", "--check")[0] == 0


def test_a_limit_on_sizes(place: Place) -> None:
    """As a disk that is full: the system takes the first 2000 bytes of a kernel."""
    place.define("d.py", "odd")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # noqa: E731
    program = place.start(*BUILD, preexec_fn=limit)
    _, err = program.communicate(timeout=60)
    assert program.returncode == 2
    assert len(err.splitlines()) == 1
    assert "k/odd" in err
    assert set(place.there()) <= {"d.py", "k/.gradbook.json", "k/__init__.py"}
    assert place.run(*BUILD)[0] == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system without a device that is always full")
@pytest.mark.parametrize("words", [("list",), ("show", "relu"), BUILD])
def test_output_that_cannot_be_written(place: Place, words: tuple[str, ...]) -> None:
    place.define("d.py", "odd")
    with open("/dev/full", "w") as full:
        program = place.start(*words, stdout=full)
        _, err = program.communicate(timeout=60)
    assert program.returncode == 2
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("words", [("list",), ("show", "relu", "--steps"), ("--help",), BUILD])
def test_output_that_nobody_reads_to_its_end(place: Place, words: tuple[str, ...]) -> None:
    place.define("d.py", "odd")
    with place.start(*words) as program:
        assert program.stdout
        program.stdout.read(1)
        program.stdout.close()
        assert program.stderr
        assert program.stderr.read() == ""
        assert program.wait(60) == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", ["build", "verify"])
def test_signals(place: Place, command: str, number: int, status: int) -> None:
    """To the whole group, as a terminal sends it: the workers of verify and the readers of pages end too."""
    place.define("d.py", "odd", tail="import time\n\nprint('here', flush=True)\ntime.sleep(60)\n")
    words = ("build", "d.py") if command == "build" else ("verify", "--no-record", "conv2d", "lstm", "mlp", "attention")
    with place.start(*words, start_new_session=True) as program:
        if command == "build":
            assert program.stdout
            assert program.stdout.readline() == "here\n"
        else:
            time.sleep(4)  # enough to start workers; too early is as good a test
        os.killpg(program.pid, number)
        try:
            _, err = program.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            raise
    assert program.returncode == status
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("out", ["file", "file/under", "d.py", "/proc/nothing/k"])
def test_out_that_cannot_be_a_folder(place: Place, out: str) -> None:
    place.define("d.py", "odd")
    (place.folder / "file").write_text("hi")
    before = place.there()
    status, _, err = place.run("build", "d.py", "--out", out, "--no-verify")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert place.there() == before
