"""The pytest plugin: a repository of kernels tests itself in three lines, each case an item.

    @pytest.mark.gradbook("layer_norm", dtype="float32")
    def test_layer_norm(gradbook):
        gradbook(forward, backward)

The marker takes what ``judge`` takes. The candidate's process is kept from item to item. Nothing is imported until a
test asks for the fixture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from derive.judge.isolate import Worker
    from derive.judge.report import Report

FIXTURE = "gradbook"
BUDGET = 4.0  # seconds of one item: half of them for the diagnosis
OF_THE_PROCESS = ("framework", "rename", "device", "limits")  # what of the marker a candidate's process depends on
WIDE = ("", "numpy", "module")  # frameworks of float64, where no format is given


def pytest_addoption(parser: pytest.Parser) -> None:
    own = parser.getgroup(FIXTURE, "kernels judged by their equations")
    own.addoption("--gradbook-seed", type=int, default=0, metavar="N", help="of the numbers of the cases; 0 by default")


def pytest_configure(config: pytest.Config) -> None:
    words = (
        "gradbook(layer, **how): the layer that the fixture gradbook judges, and how: dtype=, rename=, options=, ..."
    )
    config.addinivalue_line("markers", words)
    config.stash[KEPT] = Kept()


def pytest_unconfigure(config: pytest.Config) -> None:
    if KEPT in config.stash:
        config.stash[KEPT].close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if FIXTURE not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker(FIXTURE)
    if marker is None or len(marker.args) != 1:
        raise pytest.UsageError(f'{metafunc.definition.nodeid}: say which layer: @pytest.mark.gradbook("softmax")')
    seed = metafunc.config.getoption("--gradbook-seed")
    asked = list(cases(marker.args[0], dict(marker.kwargs), seed))
    metafunc.parametrize(FIXTURE, asked, indirect=True, ids=[c.name for c in asked])


@pytest.fixture
def gradbook(request: pytest.FixtureRequest) -> Asked:
    """Judges a candidate at one case: ``gradbook(forward, backward)``, or of a module ``gradbook(module)``."""
    case: Asked = request.param
    case.kept = request.config.stash[KEPT]
    request.node.user_properties.append(("gradbook_replay", case.replay))
    return case


def storage_of(how: dict[str, Any]) -> str:
    """The format of a marker's cases."""
    from derive.judge.arithmetic import format_named

    return format_named(how.get("dtype") or ("float64" if how.get("framework", "") in WIDE else "float32"))


def cases(layer: Any, how: dict[str, Any], seed: int) -> Iterator[Asked]:
    """The cases of a layer, as ``judge`` tries them.

    Raises:
        pytest.UsageError: there is no such layer, option or format.
    """
    from derive.judge import plan
    from derive.judge.arithmetic import Arithmetic
    from derive.judge.asked import known, variants_of
    from derive.judge.isolate import CannotJudge

    try:
        storage, options = storage_of(how), how.get("options", {})
        variants = variants_of(layer)
        known(variants[0], options, how.get("shape", {}), how.get("rename", {}))
    except (CannotJudge, ValueError) as error:
        raise pytest.UsageError(f"@pytest.mark.gradbook({layer!r}): {error}") from error
    offered = [(n, v) for n, v in enumerate(variants) if all(options.get(k, value) == value for k, value in v.choice)]
    name = variants[0].name
    for number, _, turn, design in plan.battery(offered, Arithmetic(storage)):
        words = design.words.replace(" ", "_")
        yield Asked(f"{words}-{number}.{turn}", f"{name}.{number}.{turn}.{storage}.{seed:x}", layer, how)
    for special, words in (("nan", "a_NaN_among_the_arguments"), ("large", "a_large_case")):
        if offered:
            yield Asked(words, f"{name}.{offered[0][0]}.{special}.{storage}.{seed:x}", layer, how)


@dataclass
class Kept:
    """The process of the candidate that was judged last."""

    key: tuple[Any, ...] = ()
    worker: Worker | None = None

    def of(self, forward: Any, backward: Any, how: dict[str, Any]) -> Worker:
        """The candidate's process.

        Raises:
            derive.judge.isolate.CannotJudge: it cannot be loaded.
        """
        from derive.judge.asked import framework_of
        from derive.judge.isolate import Candidate, Limits, Worker

        key = forward, backward, *(how.get(n) for n in OF_THE_PROCESS)
        if self.worker is None or self.key != key:
            self.close()
            framework = how.get("framework") or framework_of(forward if forward is not None else backward)
            candidate = Candidate(forward, backward, framework, how.get("rename", {}), how.get("device", "cpu"))
            self.key, self.worker = key, Worker(candidate, how.get("limits") or Limits())
        return self.worker

    def close(self) -> None:
        if self.worker is not None:
            self.worker.close()
        self.worker = None


KEPT = pytest.StashKey[Kept]()


@dataclass
class Asked:
    """One case, and what the marker says."""

    name: str
    replay: str
    layer: Any
    how: dict[str, Any]
    kept: Kept = field(default_factory=Kept)

    def __repr__(self) -> str:
        return f"<{self.replay}>"

    def __call__(self, forward: Any = None, backward: Any = None, **more: Any) -> Report:
        """Judge a candidate at this case; ``more`` is what the marker may say, too.

        Raises:
            AssertionError: it is wrong, or could not be judged.
        """
        __tracebackhide__ = True
        from derive.judge.decide import judge
        from derive.judge.isolate import CannotJudge

        how = {"budget": BUDGET, **self.how, **more, "dtype": storage_of({**self.how, **more})}
        if forward is None and backward is None:
            raise AssertionError("there is nothing to judge: gradbook(forward, backward)")
        try:
            worker = self.kept.of(forward, backward, how)
        except CannotJudge as error:
            raise AssertionError(f"{self.layer}: could not judge: {error}") from None
        report = judge(self.layer, forward=forward, backward=backward, replay=self.replay, worker=worker, **how)
        if report.nothing and not report.cases:
            pytest.skip(f"{self.replay}: the definition has no such case")
        if not report.ok and not report.nothing:  # of extreme numbers nothing is claimed but that it comes to an end
            raise AssertionError(said(report, self.replay))
        return report


def said(report: Report, replay: str) -> str:
    """What is wrong, as an assertion says it."""
    if not report.findings:
        return f"{report.layer}: {report.verdict}: {report.diagnosis}"
    first = max(report.findings, key=lambda f: (f.at is None, f.worst))
    lines = [f"{report.layer}: {first.words}"]
    if first.at is not None:
        part = "forward" if first.kind == "value" else "backward"
        size = f"{first.worst:.3g} times what is allowed" if math.isfinite(first.worst) else "a number is demanded"
        ulps = f", {first.ulps:.3g} units in the last place" if math.isfinite(first.ulps) else ""
        count = first.words.partition(":")[0]
        lines = [
            f"{report.layer}, {part}: {first.where}{list(first.at)} is wrong",
            f"value      {first.value!r}",
            f"truth      {first.truth!r}",
            f"error      {size}{ulps}; {count}",
        ]
    if report.diagnosis and report.diagnosis != first.words:
        lines.append(f"diagnosis  {report.diagnosis}")
    lines += [f"also       {f.words}" for f in report.findings if f is not first]
    lines += [f"case       {first.case} ({report.arithmetic})", f"repeat     --replay {replay}"]
    return "\n  ".join(lines)
