"""The page leg from the outside: build the book, let the pages' own reader judge it, take its answer.

The reader (tests/page) shares no code with this package and is run as a program. It is part of a checkout, not of an
installation; without it, or without MkDocs, there is no page leg.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator

from derive.build import ROOT

SCORE = re.compile(r"^(\w+) +(\d+)/(\d+) caught, (\d+) equivalent$", re.MULTILINE)


def available() -> bool:
    """Whether the book can be built and read here."""
    checkout = (ROOT / "tests" / "page" / "score.py").exists() and (ROOT / "mkdocs.yml").exists()
    return checkout and all(importlib.util.find_spec(m) for m in ("mkdocs", "material", "math_core"))


Answer = tuple[str, bool, str, str, float]


def page_leg(names: Iterable[str]) -> Iterator[Answer]:
    """Build the site and compare every page with its kernel, misprints included.

    Yields:
        layer, whether it passed, the number for the badge, what was compared, and seconds.
    """
    names = list(names)
    with tempfile.TemporaryDirectory() as folder:
        built = start("mkdocs", "build", "--strict", "--quiet", "--site-dir", folder)
        said = built.communicate()[0]
        if built.returncode:
            yield from ((name, False, "FAILED", last(said), 0.0) for name in names)
            return
        while names:  # a page that cannot be read ends the program; the rest get another
            found = 0
            for answer in answers(start("tests.page.score", folder, *names), names[:]):
                yield answer
                found += 1
            names = names[found:]


def answers(program: subprocess.Popen[str], names: list[str]) -> Iterator[Answer]:
    """One answer for each page as the program gives it; what it says when it breaks down is the last."""
    assert program.stdout is not None
    begin = time.perf_counter()
    lines: list[str] = []
    score: re.Match[str] | None = None
    for line in program.stdout:
        now = SCORE.match(line)
        if now and score:
            yield verdict(score, lines, time.perf_counter() - begin)
            begin, lines = time.perf_counter(), []
        if now and now[1] not in names:  # the line for all of them
            score = None
            break
        score = now or score
        lines.append(line)
    if score:
        yield verdict(score, lines, time.perf_counter() - begin)
    said = "".join(lines) + program.communicate()[0]
    if "Traceback" in said:
        done = names.index(score[1]) + 1 if score else 0
        yield names[done], False, "FAILED", last(said), time.perf_counter() - begin


def verdict(score: re.Match[str], lines: list[str], seconds: float) -> Answer:
    name, caught, total, same = score[1], int(score[2]), int(score[3]), int(score[4])
    detail = f"every equation of the built page against the kernel; {total} misprints"
    detail += f", {same} more that say the same" if same else ""
    survivors = [line.strip() for line in lines if "SURVIVES" in line]
    return name, caught == total, f"{caught}/{total} misprints caught", "; ".join([detail, *survivors]), seconds


def last(said: str) -> str:
    return said.strip().splitlines()[-1] if said.strip() else "no answer"


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a module of the checkout."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
