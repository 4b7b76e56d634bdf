"""A layer in a notebook: what it shows, `%%layer`, the kernel in memory, and the notebook that is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive import kernel
from derive.command import kernels
from derive.command.notebook import bring, define
from derive.layers.losses import mse
from derive.layers.normalization import layer_norm
from derive.notation.define import REGISTRY, load_project
from derive.notation.errors import DefinitionError

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "own_layer.ipynb"
SCALED = "def scaled(x: Real[..., i], a: Real[i]):\n    y[..., i] = a[i] * x[..., i] ** 2\n    return y\n"
TWICE = "\n\ndef twice(x: Real[..., i], a: Real[i]):\n    z = scaled(x, a)\n"
TWICE += "    y[..., i] = z[..., i] + x[..., i]\n    return y\n"


class Shell:
    """What an IPython shell does with a magic."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {}
        self.errors: list[BaseException] = []
        bring(self)

    def register_magic_function(self, function: Any, magic_kind: str, magic_name: str) -> None:
        assert (magic_kind, magic_name) == ("cell", "layer")
        self.run = function

    def push(self, found: dict[str, object]) -> None:
        self.names |= found

    def showtraceback(self, error: tuple[Any, BaseException, Any], exception_only: bool) -> None:
        assert exception_only
        self.errors.append(error[1])


def test_a_layer_shows_equations_gradient_and_kernel() -> None:
    shown = layer_norm._repr_html_()
    assert shown.count("<math") == 9  # five equations; the gradients of x hat, x, gamma, beta
    assert "def backward(" in shown
    tex = layer_norm._repr_latex_()
    assert tex.startswith("$$\\begin{aligned}\n\\mu_{\\ast} &= ")
    assert tex.count(" &= ") == 9


def test_what_a_user_wrote_is_text_in_html() -> None:
    found = define('def plain(x: Real[i]):\n    """Less than <b>five</b> & more."""\n    y[i] = 5 * x[i]\n    return y')
    assert "&lt;b&gt;five&lt;/b&gt; &amp; more" in found["plain"]._repr_html_()


def test_a_cell_defines_layers_and_shows_the_last() -> None:
    shell = Shell()
    shown = shell.run("Somebody 2026", SCALED + TWICE)
    assert list(shell.names) == ["scaled", "twice"]
    assert shown is shell.names["twice"]
    assert shown.cites == "Somebody 2026"


def test_a_cell_is_read_and_not_run() -> None:
    shell = Shell()
    assert shell.run("", SCALED + "raise SystemExit\n") is None
    assert "an isolated build runs nothing" in str(shell.errors[0])
    assert not shell.names
    assert "scaled" not in REGISTRY


def test_a_cell_run_again_replaces_and_a_wrong_one_leaves_what_was_there() -> None:
    first = define(SCALED)["scaled"]
    second = define(SCALED.replace("** 2", "** 3"))["scaled"]
    assert REGISTRY["scaled"] == (second,)
    assert first != second
    with pytest.raises(DefinitionError, match="det is not a function") as caught:
        define(SCALED.replace("x[..., i] ** 2", "det(x[..., i])"))
    assert "<notebook scaled>:2" in str(caught.value)  # the cell's own line
    assert REGISTRY["scaled"] == (second,)


def test_a_name_of_the_project_is_the_cells_own_and_stays_the_projects_elsewhere() -> None:
    own = define(SCALED.replace("scaled", "mse") + TWICE.replace("scaled", "mse"))
    assert REGISTRY["mse"] == (own["mse"],)
    assert load_project()["mse"][0] is mse
    x, a = np.random.default_rng(0).normal(size=(2, 4))
    scaled = define(SCALED)["scaled"]
    assert np.allclose(kernel(own["mse"]).forward(x, a)[0], kernel(scaled).forward(x, a)[0])
    assert np.allclose(kernel(own["twice"]).forward(x, a)[0], kernel(scaled).forward(x, a)[0] + x)


def test_kernels_in_memory_call_one_another() -> None:
    twice = kernel(define(SCALED + TWICE)["twice"])
    x, a, dy = np.random.default_rng(0).normal(size=(3, 4))
    y, saved = twice.forward(x, a)
    assert np.allclose(y, a * x**2 + x, rtol=1e-14)
    assert np.allclose(twice.backward(dy, saved).x, dy * (2 * a * x + 1), rtol=1e-14)


def test_a_kernel_of_a_project_layer_has_its_choices() -> None:
    made = kernel(mse)
    x, t = np.random.default_rng(0).normal(size=(2, 3))
    assert np.isclose(made.forward(x, t, reduction="sum")[0], ((x - t) ** 2).sum(), rtol=1e-14)


def test_what_is_no_layer_has_no_kernel() -> None:
    with pytest.raises(TypeError, match="takes a layer, as @layer makes one, not str"):
        kernel("mse")  # type: ignore[arg-type]


def test_a_kernel_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = kernels.source
    monkeypatch.setattr(kernels, "source", lambda layer: right(layer).replace("np.square(x)", "np.exp(x)", 1))
    layer = define(SCALED)["scaled"]
    assert right(layer) != kernels.source(layer)
    with pytest.raises(DefinitionError, match=r"does not compute what the definition says") as caught:
        kernel(layer)
    assert "please report it" in str(caught.value)


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_the_notebook_that_is_shipped_runs() -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(EXAMPLE, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    NotebookClient(notebook, timeout=120).execute()
    outputs = [cell.outputs[-1].data if cell.get("outputs") else {} for cell in notebook.cells]
    assert sum("<math" in o.get("text/html", "") and "aligned" in o.get("text/latex", "") for o in outputs) == 2
    assert "array([" in outputs[5]["text/plain"]
