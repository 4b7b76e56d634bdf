"""The pages about judging: what stands there is saved, run, and says what stands below it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"(?:# |/\* )(\w+\.(?:py|c))")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
NEEDS = {"judge-a-pytorch-module": "torch", "judge-a-triton-kernel": "triton"}


def said(words: list[str], place: Path) -> str:
    """What a command prints, numbers left out, for they are those of another case."""
    path = os.pathsep.join([str(ROOT), str(place), *filter(None, [os.environ.get("PYTHONPATH")])])
    clean = {**os.environ, "PYTHONPATH": path, "TRITON_INTERPRET": "1"}
    done = subprocess.run(words, cwd=place, env=clean, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return plain(done.stdout + done.stderr)


def plain(text: str) -> str:
    return "\n".join(re.sub(r"\s+", " ", NUMBER.sub("#", line)).strip() for line in text.splitlines())


def command(line: str) -> list[str]:
    words = shlex.split(line.removeprefix("$ "))
    if words[0] == "gradbook":
        return [sys.executable, "-m", "derive.cli", *words[1:]]
    if words[0] == "pytest":
        plugin = ["-p", "no:gradbook", "-p", "derive.judge.pytest_plugin", "-p", "no:cacheprovider"]
        return [sys.executable, "-m", "pytest", *plugin, *words[1:]]
    return words


@pytest.mark.parametrize("page", sorted(p.stem for p in PAGES.glob("judge-a-*.md")))
def test_what_stands_on_a_page_is_so(page: str, tmp_path: Path) -> None:
    if page in NEEDS:
        pytest.importorskip(NEEDS[page], reason=f"{NEEDS[page]} is an optional peer")
    if page == "judge-a-c-function" and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    output, ran = "", 0
    for language, text in BLOCK.findall((PAGES / f"{page}.md").read_text(encoding="utf-8")):
        if name := NAME.match(text):
            (tmp_path / name[1]).write_text(text)
        elif language == "python":
            (tmp_path / "snippet.py").write_text(text)
            output, ran = said([sys.executable, "snippet.py"], tmp_path), ran + 1
        elif language == "console":
            for line in text.splitlines():
                if line.startswith("$ "):
                    output, ran = said(command(line), tmp_path), ran + 1
                else:
                    assert plain(line) in output, output
        elif not text.startswith("gradbook "):
            for line in text.splitlines():
                assert plain(line) in output, output
    assert ran
