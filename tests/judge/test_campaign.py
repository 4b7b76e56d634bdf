"""Campaigns: nothing is lost when a process is killed, a journal is gone on with, a stranger's file is left alone."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from derive.cli import main
from derive.judge.campaign import Other, Task, processes, run

HERE = "tests.judge.test_campaign"


def square(n: int, marker: str = "") -> dict[str, Any]:
    """A task; one with a marker kills its process the first time."""
    if marker and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if n < 0:
        raise ValueError("no square")
    return {"square": n * n}


def always(n: int) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {"n": n}


def slow(n: int) -> dict[str, Any]:
    time.sleep(0.05)
    return {"n": n, "pid": os.getpid()}


def squares(count: int, **of: str) -> list[Task]:
    return [Task(str(n), f"{HERE}:square", {"n": n, "marker": of.get(f"n{n}", "")}) for n in range(count)]


def threads() -> Executor:
    return ThreadPoolExecutor(2)


def test_any_executor_does() -> None:
    assert [r["result"]["square"] for r in run(squares(5), threads).values()] == [0, 1, 4, 9, 16]


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "j.jsonl"
    found = run(squares(8, n3=str(tmp_path / "marker")), processes(2), journal)
    assert [r["result"]["square"] for r in found.values()] == [n * n for n in range(8)]
    assert len(journal.read_text().splitlines()) == 9


def test_a_task_that_ends_its_process_again_is_lost_and_no_other() -> None:
    found = run([*squares(3), Task("bad", f"{HERE}:always", {"n": 1})], processes(2))
    assert "lost" in found.pop("bad")
    assert [r["result"]["square"] for r in found.values()] == [0, 1, 4]


def test_an_error_is_the_tasks_own() -> None:
    found = run([*squares(2), Task("bad", f"{HERE}:square", {"n": -1})], threads)
    assert found["bad"]["error"] == "ValueError: no square"


def test_a_journal_is_gone_on_with(tmp_path: Path) -> None:
    journal = tmp_path / "j.jsonl"
    run(squares(4), threads, journal)
    whole = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(whole[:3]) + whole[3][:7])  # ended in the middle of a line
    done: list[str] = []
    found = run(squares(4), threads, journal, lambda n, of, record: done.append(record["id"]))
    assert len(found) == 4
    assert sorted(done) == sorted({str(n) for n in range(4)} - {json.loads(w)["id"] for w in whole[1:3]})
    assert len(journal.read_text().splitlines()) == 5


@pytest.mark.parametrize("text", ["hello\n", "a,b\n1,2\n", '{"campaign": "other"}\n', "no end of a line", "[1]\n"])
def test_what_is_no_journal_of_it_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(text)
    with pytest.raises(Other, match="give another file"):
        run(squares(2), threads, path)
    assert path.read_text() == text


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["campaign", "relu", "identity", "--cases", "20", "--jobs", "1", "--dtype", "float64"]
    out = tmp_path / "found.json"
    assert main([*words, "--journal", str(tmp_path / "j.jsonl"), "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert set(rows) == {f"{n}/module:reference.layers.{{layer}}/float64" for n in ("relu", "identity")}
    assert all(r["cases"] >= 20 and not r["alarms"] for r in rows.values())
    begin = time.perf_counter()
    assert main([*words, "--journal", str(tmp_path / "j.jsonl")]) == 0  # nothing is left to do
    assert time.perf_counter() - begin < 2
    assert main(["campaign", "rleu"]) == 2
    assert "did you mean relu" in capsys.readouterr().err


def test_an_alarm_is_told_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = "numpy:tests.judge.test_campaign:wrong"
    assert main(["campaign", "relu", "--candidate", wrong, "--cases", "5", "--jobs", "1", "--dtype", "float64"]) == 1
    assert "--replay relu.0.0.float64" in capsys.readouterr().out


def wrong(x: Any) -> Any:
    return abs(x)


def test_dask_loses_nothing_when_a_worker_is_killed(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is optional: pip install 'gradbook[campaign]'")
    with (
        distributed.LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        killed: list[int] = []

        def progress(done: int, of: int, record: dict[str, Any]) -> None:
            if done == 5 and not killed:
                killed.append(record["result"]["pid"])
                os.kill(killed[0], signal.SIGKILL)

        tasks = [Task(str(n), f"{HERE}:slow", {"n": n}) for n in range(40)]
        found = run(tasks, lambda: client.get_executor(pure=False, retries=2), tmp_path / "j.jsonl", progress)
    assert killed
    assert [r["result"]["n"] for r in found.values()] == list(range(40))
    assert killed[0] not in {found[str(n)]["result"]["pid"] for n in range(30, 40)}
