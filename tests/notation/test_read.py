"""Definitions: what is read, and what an error says."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from derive.notation.define import REGISTRY, load_file, load_project
from derive.notation.expr import Expr, Num, Op, mul, num, power, rebuild
from derive.notation.layer import Equation, Layer
from derive.notation.read import DefinitionError
from derive.notation.text import show, show_equation


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definitions of a test are forgotten after it."""
    load_project()


def defined(tmp_path: Path, body: str, signature: str = "x: Real[..., i]", name: str = "mine") -> Layer:
    path = tmp_path / "layers.py"
    text = f"from derive import layer\n\n@layer(cites='me')\ndef {name}({signature}):\n    '''Mine.'''\n"
    path.write_text(text + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n")
    return load_file(path)[name][0]


WRITTEN_OUT = [
    name
    for name, variants in load_project().items()
    # xlogy is shown as a product with a logarithm, a call as the equations it stands for
    if not any("xlogy" in str(e.body) for e in variants[0].equations)
    and all(isinstance(step, Equation) for step in variants[0].steps)
    and not variants[0].choice
]


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_every_equation_reads_as_it_is_shown(name: str, tmp_path: Path) -> None:
    """The text of an equation is a definition again, and reading it gives the same equation."""
    layer = load_project()[name][0]
    lines = layer.source.splitlines()
    end = next(n for n, line in enumerate(lines) if line.rstrip().endswith(":"))
    signature = "\n".join(line for line in lines[: end + 1] if not line.startswith("@")).replace(
        f"def {name}", "def again"
    )
    body = [f"{axis} = axis({show(size)})" for axis, size in layer.sizes.items() if f"Count[{axis}]" not in signature]
    body += [show_equation(e) for e in layer.equations]
    inner = [o for o in layer.outputs if o not in layer.state_outputs]
    inner += [f"state({', '.join(layer.state_outputs)})"] if layer.state_outputs else []
    body.append(f"return {', '.join(inner)}")
    path = tmp_path / "again.py"
    path.write_text(
        f"from derive import layer\n\n\n@layer()\n{signature}\n" + textwrap.indent("\n".join(body), "    ") + "\n"
    )
    again = load_file(path)["again"][0]
    assert [(e.target, e.left, unordered(e.body)) for e in again.equations] == [
        (e.target, e.left, unordered(e.body)) for e in layer.equations
    ]


def unordered(e: Expr) -> Expr:
    """Factors and terms in one order: a text does not tell ``1 / a * b`` from ``b / a``."""
    e = rebuild(e, unordered)
    match e:
        case Op("pow", (Op("mul", args), Num(value))) if value == -1:
            return unordered(mul(*(power(a, num(-1)) for a in args)))
        case Op("add" | "mul" as fn, args):
            return Op(fn, tuple(sorted(args, key=repr)))
    return e


def test_nested_reductions_and_names(tmp_path: Path) -> None:
    layer = defined(tmp_path, "y[..., i] = x[..., i] / sqrt(sum(j, x[..., j] ** 2))\nreturn y")
    assert show_equation(layer.equations[0]) == "y[..., i] = x[..., i] / sqrt(sum(j, x[..., j]**2))"
    assert layer.same == {"j": "i"}
    assert [t.name for t in layer.differentiable] == ["x"]


ERRORS = {
    "an index that is nowhere bound": ("y[...] = x[..., i]\nreturn y", "reduce over it: sum(i, ...)"),
    "a tensor that is not defined": ("y[..., i] = w[i] * x[..., i]\nreturn y", "w is not defined yet"),
    "too few indices": ("y[..., i] = x[i]\nreturn y", "x has 2 axes but 1 indices"),
    "a tensor without indices": ("y[..., i] = x * 2\nreturn y", "x stands without its indices"),
    "an unknown function": ("y[..., i] = sinc(x[..., i])\nreturn y", "sinc is not a function of the notation"),
    "an input that is assigned": ("x[..., i] = 2 * x[..., i]\nreturn x", "x is an input"),
    "no return": ("y[..., i] = x[..., i]", "end the definition with: return y"),
    "a statement": ("print(x)\nreturn x", "not an equation"),
    "a step that is not before": (
        "h[-1, ...] = sum(j, x[..., j])\nh[i, ...] = h[i + 1, ...] + x[..., i]\nreturn h",
        "at another step than one before",
    ),
    "an index without a size": ("y[..., i, k] = x[..., i]\nreturn y", "k = axis(...)"),
    "a call of too few tensors": ("z = linear(x)\nreturn z", "call it as linear(x, W, b)"),
    "a call with no tensor": ("z = softmax(2)\nreturn z", "pass tensors defined above"),
    "a call of other axes": ("s[...] = sum(i, x[..., i])\nz = softmax(s)\nreturn z", "softmax takes z[..., i]"),
    "a call of too many results": ("p, q = softmax(x)\nreturn p", "softmax gives y only"),
    "a call with an unknown option": ("z = softmax(x, slope=2)\nreturn z", "softmax has no option 'slope'"),
    "a call of another kind": ("y = embedding(x, x)\nreturn y", "embedding's t integer"),
    "an unknown result": ("y[..., i] = x[..., i]\nreturn z", "z is returned but never defined"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_where_and_how_to_mend_it(case: str, tmp_path: Path) -> None:
    body, words = ERRORS[case]
    with pytest.raises(DefinitionError) as caught:
        defined(tmp_path, body)
    message = str(caught.value)
    assert words in message
    assert "layers.py:" in message
    assert "^" in message  # the place is marked


def test_axes_that_a_part_needs_to_be_of_one_length_are_said_to_be(tmp_path: Path) -> None:
    signature = "x: Real[..., n], U: Real[n, m], b: Real[n]"
    with pytest.raises(DefinitionError, match=r"say so above: m = axis\(size\(n\)\)"):
        defined(tmp_path, "z = linear(x, U, b)\nreturn z", signature)
    layer = defined(tmp_path, "m = axis(size(n))\nz = linear(x, U, b)\nreturn z", signature)
    assert show_equation(layer.equations[0]) == "z[..., n2] = sum(n, U[n2, n] * x[..., n]) + b[n2]"


def test_unknown_annotations_are_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="unknown kind"):
        defined(tmp_path, "y[..., i] = x[..., i]\nreturn y", "x: Tensor[..., i]")
    with pytest.raises(DefinitionError, match="no annotation"):
        defined(tmp_path, "y[..., i] = x[..., i]\nreturn y", "x")


def test_a_name_belongs_to_one_file_of_a_users(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    defined(tmp_path / "a", "y[..., i] = x[..., i]\nreturn y", name="twice_defined")
    with pytest.raises(DefinitionError, match=r"is defined in .* already"):
        defined(tmp_path / "b", "y[..., i] = x[..., i]\nreturn y", name="twice_defined")


def test_a_users_layer_may_be_called_as_one_of_the_project(tmp_path: Path) -> None:
    project = load_project()["softmax"]
    own = defined(tmp_path, "y[..., i] = x[..., i]\nreturn y", name="softmax")
    assert REGISTRY["softmax"] == (own,)
    assert load_project()["softmax"] is project
    defined(tmp_path, "y[..., i] = x[..., i]\nreturn y", name="another")  # the file without it
    assert REGISTRY["softmax"] is project


@pytest.mark.parametrize("text", ["nowhere\n", "def f(:\n", "import not_installed_anywhere\n"])
def test_a_file_that_python_cannot_run_is_an_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(DefinitionError, match=r"(?s)broken.py: \w*Error: .*broken.py:1\n.*\^"):
        load_file(path)


def test_a_file_without_layers_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("x = 1\n")
    with pytest.raises(DefinitionError, match="defines no layer"):
        load_file(path)


def test_definitions_are_short() -> None:
    """A new layer is one function of at most about a dozen lines."""
    for name, variants in load_project().items():
        body = [
            line
            for line in variants[0].source.splitlines()
            if line.strip() and not line.strip().startswith(("@", '"""'))
        ]
        signature = next(n for n, line in enumerate(body) if line.rstrip().endswith(":"))
        lines = len(body) - signature - 1
        equations = len(ast.parse(textwrap.dedent(variants[0].source)).body[0].body)  # type: ignore[attr-defined]
        assert equations <= 15, name  # the docstring and the return with it; an lstm with peepholes names four gates
        assert lines <= 22, name  # of three axes: the style has each index and each length on lines of its own
