"""The page leg from the outside: build the book, let the pages' own reader judge it, take its answer.

The reader (tests/page) shares no code with this package and is run as a program. It is part of a checkout, not of an
installation; without it, or without MkDocs, there is no page leg, and `missing` says why.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import accumulate, groupby
from pathlib import Path

from derive.command import forked
from derive.command.build import ROOT
from derive.evidence.extras import lacking
from derive.targets.html.extensions import rendered

SETTINGS = ROOT / "mkdocs.yml"
SCORE = re.compile(r"^([\w/-]+) +(\d+)/(\d+) caught, (\d+) equivalent, (\d+)/(\d+) formulas$", re.MULTILINE)
FORMULAS = re.compile(r"^(\d+)/(\d+) formulas, ")  # at the beginning of a number for the badge
SAMPLE = 300  # misprints of a user's page that are tried, of its equations and of the rest; a long page has thousands
ENOUGH = 0.99  # of the misprints; what survives is named
ENOUGH_OF_SAMPLE = 0.97  # of some hundreds: where 1 in 100 survives of all, three standard deviations of 300 are 1.7


def missing() -> str:
    """Why there is no page leg here; nothing where there is one."""
    if not (ROOT / "tests" / "page" / "score.py").exists() or not SETTINGS.exists():
        return "the pages' own reader is part of a checkout, not of an installation"
    return lacking(["mkdocs", "material", "math_core", "markdown"])


Answer = tuple[str, bool, str, str, float]
PARTS = 24  # of the pages that are read at a time: the last of them keeps one core waiting


def page_leg(names: Iterable[str], whole: bool = False, most: int | None = None) -> Iterator[Answer]:
    """Build the site and compare every page with its kernel, misprints included.

    Args:
        names: layers.
        whole: whether the site's other pages are executed too, those of them that have formulas.
        most: about how many misprints of a page's equations are tried, and as many of the rest; None for all.

    Yields:
        layer, whether it passed, the number for the badge, what was compared, and seconds.
    """
    names = list(names)
    with tempfile.TemporaryDirectory() as folder:
        with start("mkdocs", "build", "--strict", "--quiet", "--site-dir", folder) as built:
            said = built.communicate()[0]
        if built.returncode:
            yield from ((name, False, "FAILED", last(said), 0.0) for name in names)
            return
        options, enough = ((), ENOUGH) if most is None else (("--most", str(most)), ENOUGH_OF_SAMPLE)
        parts = divided(names, partial(length, folder))
        work = [partial(read_back, folder, part, options=options, enough=enough) for part in parts]
        yield from at_a_time([*([partial(prose, folder)] if whole else []), *work])


def divided(names: list[str], length: Callable[[str], int]) -> list[list[str]]:
    """The names in order, in parts that are not much longer than a PARTS-th of all."""
    lengths = [length(n) for n in names]
    ends = accumulate(lengths)
    part = {
        name: PARTS * (end - own // 2) // (sum(lengths) + 1)
        for name, own, end in zip(names, lengths, ends, strict=True)
    }
    return [list(group) for _, group in groupby(names, part.__getitem__)]


def length(site: str, name: str) -> int:
    """How long a built page is, as a measure of how long it takes to be read."""
    page = Path(site, "layers", name, "index.html")
    return page.stat().st_size if page.exists() else 0


class Programs:
    """Programs that are at work for this one."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[str]] = []
        self.ended = False

    def began(self, program: subprocess.Popen[str]) -> None:
        self.running.append(program)
        if self.ended:
            program.kill()

    def end(self) -> None:
        """End them; what begins after that ends at once."""
        self.ended = True
        for program in self.running:
            program.kill()


def at_a_time(work: Sequence[Callable[[Programs], Iterator[Answer]]]) -> Iterator[Answer]:
    """The answers of all, in their order, of which as many are at work at a time as there are cores."""
    programs = Programs()
    with ThreadPoolExecutor(forked.cores()) as pool:
        running = [pool.submit(lambda one=one: list(one(programs))) for one in work]  # type: ignore[misc]
        try:
            for one in running:
                yield from one.result()
        except BaseException:  # an interrupt ends the programs, and does not wait for what they are at
            pool.shutdown(wait=False, cancel_futures=True)
            programs.end()
            raise


def prose(site: str, programs: Programs | None = None) -> Iterator[Answer]:
    """Let the reader of prose execute what is no layer's page: home, the ledger, chapters."""
    pages = [file.relative_to(site).as_posix().removesuffix("/index.html") for file in Path(site).rglob("*.html")]
    names = ["home", *(page for page in pages if not re.fullmatch(r"layers/\w+|\w+\.html", page))]
    with start("tests.page.prose", site, "--misprints") as program:
        if programs:
            programs.began(program)
        yield from answers(program, names, enough=ENOUGH)


def outside(names: Iterable[str], out: Path) -> Iterator[Answer]:
    """The same for the pages and kernels in a folder of the user's own, where a misprint may say the same."""
    with begun_outside(names, out) as answered:
        yield from answered


@contextlib.contextmanager
def begun_outside(names: Iterable[str], out: Path) -> Iterator[Iterator[Answer]]:
    """That, at work from now on, beside what is done until somebody asks for the answers."""
    names = list(names)
    options = ("--kernels", str(out.resolve()), "--most", str(SAMPLE))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            page = Path(folder, "layers", name, "index.html")
            page.parent.mkdir(parents=True)
            page.write_text(rendered((out / f"{name}.md").read_text(encoding="utf-8")), encoding="utf-8")
        with start("tests.page.score", folder, *names, *options) as first:
            yield read_back(folder, names, options=options, enough=0, first=first)


def read_back(
    site: str,
    names: list[str],
    programs: Programs | None = None,
    options: Sequence[str] = (),
    enough: float = ENOUGH,
    first: subprocess.Popen[str] | None = None,
) -> Iterator[Answer]:
    """Let the reader judge built pages; ``programs`` is told of each that is started for it, after the ``first``."""
    while names:  # a page that cannot be read ends the program; the rest get another
        found = 0
        begun = contextlib.nullcontext(first) if first else start("tests.page.score", site, *names, *options)
        first = None
        with begun as program:
            if programs:
                programs.began(program)
            for answer in answers(program, names[:], enough, sample=bool(options)):
                yield answer
                found += 1
        if programs and programs.ended:
            return
        if not found:
            yield names[0], False, "FAILED", "no answer", 0.0
        names = names[max(found, 1) :]


def answers(program: subprocess.Popen[str], names: list[str], enough: float, sample: bool = False) -> Iterator[Answer]:
    """One answer for each page as the program gives it; what it says when it breaks down is the last.

    ``enough`` of the misprints must be caught, or known to say the same; ``sample`` says that not all were tried.
    """
    assert program.stdout is not None
    begin = time.perf_counter()
    lines: list[str] = []
    score: re.Match[str] | None = None
    for line in program.stdout:
        now = SCORE.match(line)
        if now and score:
            yield verdict(score, lines, time.perf_counter() - begin, enough, sample)
            begin, lines = time.perf_counter(), []
        if now and now[1] not in names:  # the line for all of them
            score = None
            break
        score = now or score
        lines.append(line)
    if score:
        yield verdict(score, lines, time.perf_counter() - begin, enough, sample)
    said = "".join(lines) + program.communicate()[0]
    if "Traceback" in said:
        done = names.index(score[1]) + 1 if score else 0
        yield names[done], False, "FAILED", last(said), time.perf_counter() - begin


def verdict(score: re.Match[str], lines: list[str], seconds: float, enough: float, sample: bool) -> Answer:
    name, (caught, total, same, read, formulas) = score[1], map(int, score.groups()[1:])
    detail = f"every formula of the built page executed, {formulas} of them; {total} misprints"
    detail += ", a sample of some of every formula" if sample else ""
    detail += f", {same} more that say the same" if same else ""
    wrong = [line.strip() for line in lines if "DISAGREES" in line]
    survivors = [said_of(lines[n : n + 3]) for n, line in enumerate(lines) if "SURVIVES" in line]
    passed = not wrong and caught > 0 and read == formulas and caught >= enough * total
    number = "FAILED" if wrong else f"{read}/{formulas} formulas, {caught}/{total} misprints caught"
    return name, passed, number, "; ".join([*wrong] or [detail, *survivors]), seconds


AROUND = 16  # characters of a formula to each side of what is misprinted in it


def said_of(lines: Sequence[str]) -> str:
    """A survivor in a line: where it stands, and what is changed to what, with a little of what stands around it."""
    head, *formulas = (line.strip() for line in lines)
    if [f.split(" ")[0] for f in formulas] != ["from", "to"]:
        return head
    before, after = (f.split(" ", 1)[1].strip() for f in formulas)
    same = alike(before, after)
    end = min(alike(before[::-1], after[::-1]), len(before) - same, len(after) - same)

    def part(tex: str) -> str:
        begin, stop = max(same - AROUND, 0), len(tex) - max(end - AROUND, 0)
        return "…" * (begin > 0) + tex[begin:stop] + "…" * (stop < len(tex))

    return f"{head} | {part(before)} → {part(after)}".replace(";", ",")


def alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def last(said: str) -> str:
    """What a program said in the end: the whole message of an exception, else a line."""
    lines = said.strip().splitlines()
    frames = [n for n, line in enumerate(lines) if line.startswith("  File ")]
    ends = [n for n, line in enumerate(lines) if frames and n > frames[-1] and not line.startswith(" ")]
    return "\n".join(lines[ends[0] if ends else -1 :]) if lines else "no answer"


@contextlib.contextmanager
def start(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a module of the checkout; it ends with what is done with it, an interrupt included."""
    program = subprocess.Popen(
        [sys.executable, "-u", "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.kill()
