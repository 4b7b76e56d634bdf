"""What goes wrong behind the reader is an error of the definition too, at the statement that was being worked on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest

from derive.calculus.adjoint import CalculusError
from derive.calculus.derivation import derive
from derive.calculus.reverse import Reverse
from derive.calculus.scalars import Derivative
from derive.calculus.textbook import Search
from derive.command.build import Plan, layer_files
from derive.command.kernels import kernel_source
from derive.notation.define import load_project, read_source
from derive.notation.errors import DEBUG, DefinitionError, Place
from derive.notation.layer import Layer
from derive.targets import markdown
from derive.targets.numpy.kernel import Kernel

TEXT = '''from derive import layer


@layer()
def odd(x: Real[i], w: Real[i]):
    """Odd."""
    a[i] = x[i] * w[i]
    b[i] = exp(a[i]) + w[i]
    y[i] = b[i] ** 2
    return y
'''


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Layer:
    load_project()
    return read_source(TEXT, "mine.py")["odd"][0]


def broken(*_: Any, **__: Any) -> NoReturn:
    raise KeyError("sign")


def files(layer: Layer) -> None:
    layer_files(Plan(Path("kernels")), (layer,), Path("kernels"), Path("kernels"), {})


#: What is broken, and what the error says was being done.
STAGES = [
    (Derivative, "__call__", derive, "its gradient is derived"),
    (Reverse, "gather", derive, "its gradient is derived"),
    (Search, "rewrite", derive, "its gradient is derived"),
    (Kernel, "source", lambda layer: kernel_source((derive(layer),)), "its kernel is printed"),
    (Kernel, "source", files, "its kernel is printed"),
    (markdown, "markdown", files, "its page is printed"),
]


@pytest.mark.parametrize(("what", "name", "run", "doing"), STAGES)
def test_an_internal_error_says_so_and_where(
    what: Any, name: str, run: Any, doing: str, odd: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DEBUG, raising=False)
    monkeypatch.setattr(what, name, broken)
    with pytest.raises(DefinitionError) as caught:
        run(odd)
    first, place, line, marks, mend = str(caught.value).splitlines()
    assert first == f"odd: internal error while {doing}: KeyError: 'sign'"
    assert place.startswith("  mine.py:")
    assert TEXT.splitlines()[int(place.rpartition(":")[2]) - 1].strip() == line.strip()
    assert set(marks.strip()) == {"^"}
    assert "report it" in mend
    assert DEBUG in mend


@pytest.mark.parametrize("what", [Derivative, Reverse, Search])
def test_the_traceback_is_there_for_who_asks(what: Any, odd: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEBUG, "1")
    monkeypatch.setattr(what, {Derivative: "__call__", Reverse: "gather", Search: "rewrite"}[what], broken)
    with pytest.raises(KeyError):
        derive(odd)


@pytest.mark.parametrize(("target", "row"), [("a", 7), ("b", 8), ("y", 9)])
def test_the_place_is_the_equation_that_was_being_worked_on(
    target: str, row: int, odd: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scatter = Reverse.scatter

    def stuck(self: Reverse, equation: Any, *rest: Any) -> Any:
        if equation.target == target:
            raise CalculusError("no rule", "write another")
        return scatter(self, equation, *rest)

    monkeypatch.setattr(Reverse, "scatter", stuck)
    with pytest.raises(DefinitionError) as caught:
        derive(odd)
    text = TEXT.splitlines()[row - 1]
    assert (
        str(caught.value)
        == f"odd: no rule\n  mine.py:{row}\n    {text}\n        {'^' * len(text.strip())}\n  write another"
    )


def test_too_deep_for_the_engine(odd: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    def deep(*arguments: Any) -> Any:
        return deep(*arguments)

    monkeypatch.setattr(Derivative, "__call__", deep)
    with pytest.raises(DefinitionError, match="odd: nested too deeply"):
        derive(odd)


@pytest.mark.parametrize("text", ["", "x", "\tθ = 1 + β", "    " + "x" * 200])
@pytest.mark.parametrize("column", [0, 1, 4, 300])
@pytest.mark.parametrize("width", [0, 1, 7, 1000])
def test_a_place_is_always_marked_within_its_line(text: str, column: int, width: int) -> None:
    _, line, marks = str(Place("mine.py", 3, text, column, width)).split("\n")
    assert marks.count("^") >= 1
    assert len(marks) <= max(len(line), column) + 5
