"""The page of what was found in other libraries: every block runs and prints what stands below it, in the version that
the page names; in another version what was mended there is no fault here."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "judge-findings.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^### (.*?)\n.*?^```python\n(.*?)^```\n\n^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOUND = BLOCK.findall(TEXT)
VERSIONS = dict(re.findall(r"(torch|jax|onnx) (\d+\.\d+)", TEXT.split("## ")[0]))


def test_every_finding_has_a_reproducer() -> None:
    assert len(FOUND) == TEXT.count("\n### ") == TEXT.count("```python")


@pytest.mark.parametrize(("title", "code", "output"), FOUND, ids=[f[0][:40] for f in FOUND])
def test_a_finding_is_so(title: str, code: str, output: str, tmp_path: Path) -> None:
    (peer,) = [p for p in VERSIONS if f"import {p}\n" in code]
    pytest.importorskip(peer, reason=f"{peer} is an optional peer")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    if done.stdout != output and not version(peer).startswith(VERSIONS[peer] + "."):
        pytest.skip(f"the page is about {peer} {VERSIONS[peer]}")
    assert done.stdout == output, done.stderr
