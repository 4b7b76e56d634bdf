"""A place to work in: definition files, what is there, the command in this process or in one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from derive.cli import main
from derive.notation.define import REGISTRY, load_project

ROOT = Path(__file__).resolve().parents[2]
HEAD = "from __future__ import annotations\n\nfrom derive import layer\n\n\n"
LAYER = (
    '@layer(cites="nobody")\ndef {name}(x: Real[i]):\n    """Multiply."""\n    y[i] = {factor} * x[i]\n    return y\n'
)


def interruptible() -> None:
    """In a new process: SIGINT has its effect, even if this one ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Place:
    """A folder of somebody's own."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def define(self, file: str, *names: str, factor: int = 2, head: str = "", tail: str = "") -> Path:
        """Write a definition file with such layers."""
        path = self.folder / file
        path.write_text(head + HEAD + "\n\n".join(LAYER.format(name=n, factor=factor) for n in names) + tail)
        return path

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit status, output and errors of a command in this process."""
        for name in set(REGISTRY) - set(load_project()):
            del REGISTRY[name]
        self.capsys.readouterr()
        status = main(list(words))
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    def start(self, *words: str, **settings: object) -> subprocess.Popen[str]:
        """A command in a process of its own, to which signals mean what they mean to one in a terminal.

        A shell lets what it starts in the background ignore Ctrl-C, and so does everything started from there.
        """
        return subprocess.Popen(
            [sys.executable, "-B", "-m", "derive.cli", *words],
            **{
                "cwd": self.folder,
                "env": os.environ | {"PYTHONPATH": str(ROOT)},
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                "preexec_fn": interruptible,
                **settings,
            },
        )

    def there(self) -> dict[str, bytes]:
        """Every file and what is in it."""
        return {p.relative_to(self.folder).as_posix(): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    yield Place(tmp_path, capsys)
    for name in set(REGISTRY) - set(load_project()):
        del REGISTRY[name]
