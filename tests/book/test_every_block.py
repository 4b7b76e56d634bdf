"""Every code block of README, CONTRIBUTING and the book is run by a test, which is named here; what no other runs, runs
here."""

from __future__ import annotations

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
HERE = "tests/book/test_every_block.py"
#: Of which page which blocks (by their first word) are run, or compared with what is printed, by which test.
RUN_BY = {
    ("README.md", "# my_layers.py"): "tests/command/test_wheel.py",
    ("README.md", "from"): "tests/command/test_wheel.py",
    ("README.md", "$ gradbook build"): "tests/command/test_wheel.py",
    ("README.md", "$ make"): "tests/book/test_readme.py",
    ("README.md", ">>> linear"): "tests/book/test_readme.py",
    ("README.md", "gradbook build"): "tests/book/test_readme.py",
    ("CONTRIBUTING.md", "gradbook build my_layer"): HERE,
    ("add-a-layer.md", ""): "tests/book/test_code_blocks.py",
    ("how-it-works.md", ""): "tests/book/test_code_blocks.py",
    ("index.md", ""): "tests/book/test_code_blocks.py",
    ("how-a-layer-is-compiled.md", ""): "tests/book/test_compiled.py",
    ("judge-a-kernel.md", "gradbook judge"): HERE,
    ("judge-a-*.md", ""): "tests/judge/test_pages.py",
    ("judge-any-language.md", ""): "tests/vectors/test_vectors.py",
    ("judge-findings.md", ""): "tests/peers/test_findings.py",
}


def blocks(page: Path) -> list[str]:
    return [code for _, code in BLOCK.findall(page.read_text(encoding="utf-8"))]


def runner(page: str, code: str) -> str | None:
    """The test that runs a block: of the rows that are about it, the first."""
    return next(
        (test for (name, words), test in RUN_BY.items() if fnmatch(page, name) and code.startswith(words)), None
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_block_is_run(page: Path) -> None:
    lost = [code for code in blocks(page) if runner(page.name, code) is None]
    assert not lost, f"no test runs these blocks of {page.name}: {lost}"


def test_a_new_block_is_noticed() -> None:
    assert runner("README.md", "import torch\n") is None
    assert runner("speed.md", "gradbook build\n") is None


@pytest.mark.parametrize(("page", "words"), RUN_BY)
def test_what_runs_it_reads_the_page(page: str, words: str) -> None:
    """The test is there and names the page; a row that is about no block goes."""
    text = (ROOT / RUN_BY[page, words]).read_text(encoding="utf-8")
    assert page.removesuffix(".md").replace("index", "home") in text.replace('blocks("index")', "home")
    assert any(code.startswith(words) for p in PAGES if fnmatch(p.name, page) for code in blocks(p))


def gradbook(line: str, place: Path) -> subprocess.CompletedProcess[str]:
    words = line.split("#")[0].split()
    assert words[0] == "gradbook"
    command = [sys.executable, "-m", "derive.cli", *words[1:]]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


BACKWARD = """
from reference import layer_norm
def backward(dy, x, gamma, beta, epsilon=1e-5):
    return layer_norm.backward(dy, layer_norm.forward(x, gamma, beta, epsilon=epsilon)[1])
"""


def test_the_commands_of_judging_run(tmp_path: Path) -> None:
    """The function of the page's first block is wrong, said by the exit status; PyTorch's softmax is right."""
    function, *_, commands = blocks(ROOT / "docs" / "judge-a-kernel.md")
    (tmp_path / "mine.py").write_text(function.split("print(")[0] + BACKWARD)
    ours, torchs = commands.strip().split("\n")
    done = gradbook(ours, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "epsilon beside the root" in done.stdout
    pytest.importorskip("torch", reason="torch is an optional peer")
    done = gradbook(torchs, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_for_a_new_layer_run() -> None:
    """In the project, for a layer that is there: nothing is written that was not so. Two are the main job's."""
    build, verify, make = blocks(ROOT / "CONTRIBUTING.md")[0].strip().split("\n")
    done = gradbook(build.split("#")[0].replace("my_layer", "relu --check"), ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"/{verify.split(' my_layer')[0]} " in makefile
    assert f"\n{make.removeprefix('make ')}: " in makefile
