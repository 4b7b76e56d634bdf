"""Pages of layers that are not in the project are read back by the pages' own reader and compared with the kernels."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from derive.command import build, pageleg, verify
from derive.notation.define import REGISTRY

LAYER = '''
from __future__ import annotations

from derive import layer


@layer(cites="Zhang and Sennrich 2019, arXiv:1910.07467")
def rms_norm(x: Real[..., i], gamma: Real[i], epsilon: Positive = 1e-6):
    """Divide each example by the root mean square of its features, then scale."""
    inv_rms[...] = 1 / sqrt(mean(i, x[..., i] ** 2) + epsilon)
    y[..., i] = gamma[i] * x[..., i] * inv_rms[...]
    return y
'''


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "own.py"
    file.write_text(LAYER)
    folder = tmp_path / "kernels"
    build.write(build.generate(file=file, out=folder))
    yield folder
    REGISTRY.pop("rms_norm")  # the registry is this process's


def test_page_and_kernel_of_a_users_layer_agree(out: Path) -> None:
    ((name, passed, number, detail, _),) = pageleg.outside(["rms_norm"], out)
    assert (name, passed) == ("rms_norm", True), detail
    assert number.endswith("misprints caught")
    read, formulas = pageleg.FORMULAS.match(number).groups()  # type: ignore[union-attr]
    assert read == formulas != "0"


def test_of_a_sample_some_survive_and_of_all_fewer() -> None:
    """Three in a hundred, and one: the numbers of a page of whose misprints more survive are red."""
    for caught, enough, passed in ((970, 0.97, True), (969, 0.97, False), (989, 0.99, False), (0, 0, False)):
        score = pageleg.SCORE.match(f"relu {caught}/1000 caught, 0 equivalent, 5/5 formulas")
        assert score
        assert pageleg.verdict(score, [], 0.0, enough, sample=True)[1] == passed


def test_a_survivor_is_told_with_what_is_changed_in_it() -> None:
    said = pageleg.said_of(["  SURVIVES f, line\n", f"  from {'a' * 40} = 0; 1\n", f"  to   {'a' * 40} = -0; 1\n"])
    assert said == f"SURVIVES f, line | …{'a' * 13} = 0, 1 → …{'a' * 13} = -0, 1"
    assert pageleg.said_of(["  SURVIVES home, line 3 as x = 2\n"]) == "SURVIVES home, line 3 as x = 2"
    assert pageleg.said_of(["SURVIVES f, line", "from xx", "to xxx"]) == "SURVIVES f, line | xx → xxx"


@pytest.mark.parametrize(("ending", "right", "wrong"), [("md", r"+ \epsilon", r"- \epsilon"), ("py", "+ epsilon", "")])
def test_a_wrong_page_or_kernel_is_seen(out: Path, ending: str, right: str, wrong: str) -> None:
    file = out / f"rms_norm.{ending}"
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong))
    ((_, passed, number, detail, _),) = pageleg.outside(["rms_norm"], out)
    assert not passed
    assert number == "FAILED"
    assert "DISAGREES" in detail


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not pageleg.missing()
    monkeypatch.setattr(pageleg, "ROOT", tmp_path)
    assert "checkout" in pageleg.missing()


def test_every_formula_has_a_check(out: Path) -> None:
    file = out / "rms_norm.md"
    text = file.read_text()
    file.write_text(text.replace("## Cost", "It is known that $x = 1$.\n\n## Cost"))
    ((_, passed, _, detail, _),) = pageleg.outside(["rms_norm"], out)
    assert not passed
    assert "no check for It is known that $x = 1$." in detail


def test_pages_are_divided_by_their_length_and_stay_in_order() -> None:
    lengths = {"a": 1, "b": 1, "c": 60, "d": 1, "e": 30, "f": 30, "g": 0}
    parts = pageleg.divided(list(lengths), lambda n: lengths[n] * 100)
    assert [n for part in parts for n in part] == list(lengths)
    assert parts[0] == ["a", "b"]
    assert ["c"] in parts
    assert len(parts) <= pageleg.PARTS
    assert pageleg.divided(["a"], lambda n: 0) == [["a"]]
    assert not pageleg.divided([], lambda n: 0)


def answering(names: str, waits: float = 0.0) -> Callable[[pageleg.Programs], Iterator[pageleg.Answer]]:
    """Reads pages of these names, and takes its time."""

    def work(programs: pageleg.Programs) -> Iterator[pageleg.Answer]:
        time.sleep(waits)
        yield from ((name, True, "", "", 0.0) for name in names)

    return work


def test_pages_read_at_a_time_answer_in_their_order() -> None:
    work = [answering("ab", 0.2), answering("c"), answering("de")]
    assert "".join(name for name, *_ in pageleg.at_a_time(work)) == "abcde"


def test_who_stops_listening_ends_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def silent(*_: str) -> Iterator[subprocess.Popen[str]]:
        says = [sys.executable, "-c", "import time; time.sleep(60)"]
        with subprocess.Popen(says, stdout=subprocess.PIPE, text=True) as program:
            yield program

    monkeypatch.setattr(pageleg, "start", silent)
    begin = time.perf_counter()
    found = pageleg.at_a_time([answering("a"), partial(pageleg.read_back, "site", ["b", "c"])])
    assert next(found)[0] == "a"
    found.close()  # type: ignore[attr-defined]
    assert time.perf_counter() - begin < 30


def test_a_reader_that_says_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def mute(*_: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE, text=True) as program:
            yield program

    monkeypatch.setattr(pageleg, "start", mute)
    found = list(pageleg.at_a_time([partial(pageleg.read_back, "site", ["b", "c"])]))
    assert [(name, passed) for name, passed, *_ in found] == [("b", False), ("c", False)]


def test_formulas_are_summed_up() -> None:
    found = [verify.Verdict("a", "page", True, "3/3 formulas, 10/10 misprints caught", "", 0.0)]
    found += [verify.Verdict("b", "page", True, "4/5 formulas, 1/1 misprints caught", "", 0.0)]
    assert verify.formulas(found) == "formulas  7 of 8 read and executed"
    assert verify.formulas([]) == ""
