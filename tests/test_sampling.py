"""Samples of layers: what changed is always among them, and the others have their turn."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from derive.command import build, record
from derive.notation.define import load_project
from tests import sampling

PROJECT = load_project()
NAMES = [f"layer{n}" for n in range(50)]


def test_of_many_layers_a_few_are_drawn_and_all_have_their_turn() -> None:
    days = [sampling.drawn("a test", NAMES, (), f"day {n}") for n in range(60)]
    assert {len(found) for found in days} == {sampling.FEW}
    assert set.union(*days) == set(NAMES)
    assert sampling.drawn("a test", NAMES, (), "ci") == sampling.drawn("a test", reversed(NAMES), (), "ci")
    assert sampling.drawn("a test", NAMES, (), "ci") != sampling.drawn("another", NAMES, (), "ci")


def test_what_changed_is_never_sampled_away() -> None:
    assert all("layer7" in sampling.drawn("a test", NAMES, {"layer7", "elsewhere"}, f"day {n}") for n in range(60))


def evidence(folder: Path) -> Path:
    """The kernels, with a record of them that is complete and green."""
    (folder / "docs/assets").mkdir(parents=True)
    shutil.copytree(build.ROOT / build.KERNELS, folder / build.KERNELS, ignore=shutil.ignore_patterns("__pycache__"))
    legs = [record.entry(leg, True, "") for leg in sampling.LEGS]
    found = {n: (build.fingerprint(v[0]), legs) for n, v in PROJECT.items()}
    kernels = {n: record.kernel_digest(n, folder / build.KERNELS) for n in PROJECT}
    record.store(folder / record.RECORD, found, kernels=kernels)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sampling, "ROOT", tmp_path)
    return evidence(tmp_path)


def now() -> set[str]:
    return set(sampling.changed.__wrapped__())


def test_a_layer_changed_whose_kernel_or_a_kernel_that_it_calls_did(folder: Path) -> None:
    assert now() == set()
    kernel = folder / build.KERNELS / "linear.py"
    kernel.write_text(kernel.read_text() + "\n# another text\n")
    calling = {file.stem for file in kernel.parent.glob("*.py") if re.search(r"\blinear\.forward\(", file.read_text())}
    assert {"mlp", "encoder_block"} <= calling
    assert now() == calling | {"linear"}
    some = [record.entry("exact", True, "")]
    record.store(
        folder / record.RECORD,
        {"linear": (build.fingerprint(PROJECT["linear"][0]), some)},
        kernels={"linear": record.kernel_digest("linear", folder / build.KERNELS)},
    )
    assert "linear" in now(), "one leg run again is no evidence that the others hold"
    (folder / record.RECORD).unlink()
    assert now() == set(PROJECT)


@pytest.mark.parametrize(
    ("part", "value"), [("definition", "00000000"), ("kernel", ""), ("kernel", "00000000"), ("legs", [])]
)
def test_a_layer_changed_whose_record_is_another(folder: Path, part: str, value: object) -> None:
    kept = json.loads((folder / record.RECORD).read_text())
    kept["softmax"][part] = value
    (folder / record.RECORD).write_text(json.dumps(kept))
    assert now() == {"softmax"}


def test_a_leg_that_failed_is_run_again(folder: Path) -> None:
    kept = json.loads((folder / record.RECORD).read_text())
    kept["softmax"]["legs"][3]["passed"] = False
    (folder / record.RECORD).write_text(json.dumps(kept))
    assert now() == {"softmax"}


class Asked:
    """pytest's configuration, as far as the hook looks at it."""

    def __init__(self, keyword: str = "", every: bool = False, args: tuple[str, ...] = ("tests",)) -> None:
        self.options, self.args, self.hook = {"keyword": keyword, "every_layer": every}, args, self
        self.left_out = 0

    def getoption(self, name: str) -> object:
        return self.options[name]

    def pytest_deselected(self, items: list[object]) -> None:
        self.left_out += len(items)


class One:
    """A test of one layer and of one leg of it."""

    def __init__(self, layer: str, leg: str) -> None:
        self.nodeid, self.callspec = f"tests/a.py::test_a[{layer}-{leg}]", self
        self.params = {"name": layer, "leg": leg}

    def get_closest_marker(self, name: str) -> pytest.Mark:
        return pytest.Mark(name, ("name", "leg"), {}, _ispytest=True)


def test_the_hook_leaves_out_what_is_not_drawn_and_nothing_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "changed", lambda: {"softmax"})
    every = [One(name, leg) for name in [*PROJECT, "no_layer"] for leg in ("exact", "text")]
    for asked in (Asked(keyword="relu"), Asked(every=True), Asked(args=("tests/a.py::test_a",))):
        items: list[object] = [*every]
        sampling.select(asked, items)  # type: ignore[arg-type]
        assert items == every
    asked, items = Asked(), [*every]
    sampling.select(asked, items)  # type: ignore[arg-type]
    assert asked.left_out == len(every) - len(items)
    for leg in ("exact", "text"):
        found = {i.params["name"] for i in items if i.params["leg"] == leg}  # type: ignore[attr-defined]
        assert {"softmax", "no_layer"} <= found
        assert len(found) == sampling.FEW + 2
