"""The worked example of a page: small, of few digits, away from kinks; its Jacobian against differences."""

from __future__ import annotations

import importlib
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.evidence import layout
from derive.notation.define import load_file, load_project
from derive.targets.example import printed, sizes
from derive.targets.example.case import Example, example
from derive.targets.example.jacobian import sentences

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(load_project())
STEP = 1e-6


def of(name: str) -> Example:
    found = example(derive(load_project()[name][0]))
    assert found is not None
    return found


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_its_inputs_have_few_digits(name: str) -> None:
    found = of(name)
    tensors = found.derivation.tensors
    most = (2.1 if found.case.layer.calls else 1.5) * sizes.MOST  # of what parts make there are more arrays
    assert sum(len(found.elements(n)) for n in tensors if n in found.run.store) <= most
    for tensor in found.case.layer.inputs:
        for value in layout.flat(found.case.tensors[tensor.name]):
            assert all(len(str(Decimal(repr(float(v))).normalize())) <= 5 for v in np.ravel(value))


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", NAMES)
def test_the_jacobian_is_that_of_the_kernel(name: str) -> None:
    found = of(name)
    if found.main is None:
        return
    output, wanted = found.main
    kernel = importlib.import_module(f"reference.layers.{name}")
    tensors = {t.name: found.case.tensors[t.name] for t in found.case.layer.inputs}

    def run(moved: Any) -> np.ndarray[Any, Any]:
        result = kernel.forward(*{**tensors, wanted: moved}.values())[0]
        first = getattr(result, output) if hasattr(result, "_fields") else result
        return np.concatenate([np.ravel(a) for a in layout.flat(first)])

    columns = []
    parts = layout.flat(tensors[wanted])
    for n, part in enumerate(parts):
        for place in range(part.size):
            sides = []
            for h in (STEP, -STEP):
                moved = [p.copy() for p in parts]
                moved[n].flat[place] += h
                sides.append(run(moved if isinstance(tensors[wanted], list) else moved[0]))
            columns.append((sides[0] - sides[1]) / (2 * STEP))
    np.testing.assert_allclose(np.array(found.jacobian()), np.array(columns).T, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["softmax", "lstm", "mlp", "attention", "mse", "embedding"])
def test_the_program_on_the_page_gives_what_is_printed(name: str) -> None:
    page = (ROOT / "docs" / "layers" / f"{name}.md").read_text(encoding="utf-8")
    section = page[page.index("## In numbers") : page.index("gb-jacobian")]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code
    space: dict[str, Any] = {}
    exec(re.sub("^    ", "", code[1], flags=re.MULTILINE), space)
    found = of(name)
    for output in found.case.layer.outputs:
        known = layout.array(found.case, output, found.run.values(output, output), float)
        np.testing.assert_allclose(space[output], known, rtol=1e-12)
    for tensor, gradient in found.derivation.gradients.items():
        known = layout.array(found.case, tensor, found.run.values(gradient, tensor), float)
        for mine, its in zip(layout.flat(getattr(space["gradients"], tensor)), layout.flat(known), strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.5", "0.5"), ("1", "1"), ("100", "100"), ("-1.0625", "-1.0625"), ("0.0003", "0.0003"), ("1e-50", "0"),
        ("0.16666666666666666666666666666667", "0.1667"), ("12345.678", "12346"), ("123456.78", "123457"),
        ("0.99996123456", "1.0000"), ("42.62499999999999", "42.625"), ("inf", r"\infty"), ("-inf", r"-\infty"),
        ("0.00001234567", "0.00001235"),
    ],
)  # fmt: skip
def test_numbers_are_printed_whole_or_to_four_digits(value: str, text: str) -> None:
    assert printed.number(mpmath.mpf(value) if "inf" in value else Decimal(value)) == text


def test_arrays_are_printed_as_matrices() -> None:
    cube = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert [*printed.tex("x", cube)] == [
        r"x_{0} = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"x_{1} = \begin{pmatrix} 5 & 6 \\ 7 & 8 \end{pmatrix}",
    ]
    assert [*printed.tex("W", [[1, 2], [3]], listed=True)] == [
        r"W_{0} = \begin{pmatrix} 1 & 2 \end{pmatrix}",
        r"W_{1} = \begin{pmatrix} 3 \end{pmatrix}",
    ]
    assert [*printed.tex("R", 3)] == ["R = 3"]


@pytest.mark.parametrize(
    ("values", "shared", "said"),
    [
        ([[1.0, 0.0], [0.0, 0.0]], False, ["Only the diagonal", "3 of 4 entries"]),
        ([[1.0, 2.0], [2.0, 3.0]], False, ["No zero", "It is symmetric"]),
        ([[1.0, -1.0], [3.0, -3.0]], False, ["No zero", "Every row adds up to zero"]),
        ([[0.0, 1.0], [1.0, 1.0]], False, ["1 of 4 entries", "It is symmetric"]),
        ([[0.0, 0.0], [0.0, 0.0]], False, ["Only the diagonal", "4 of 4 entries"]),
    ],
)
def test_what_is_said_of_a_jacobian_holds(values: list[list[float]], shared: bool, said: list[str]) -> None:
    places = [(0,), (1,)]
    found = [*sentences(values, places, places, shared)]
    assert len(found) == len(said)
    assert all(a.startswith(b) for a, b in zip(found, said, strict=True)), found


KINKS = """
from derive import layer

@layer()
def corner(x: Real[...]):
    y[...] = max(1, abs(x[...]))
    return y

@layer()
def deep(p: Real[..., i] > 0, n: Integer[...]):
    y[...] = log(p[..., n[...]] - 10) * sum(i, p[..., i])
    return y
"""


def test_inputs_are_away_from_kinks_and_where_there_are_values(tmp_path: Path) -> None:
    file = tmp_path / "kinks.py"
    file.write_text(KINKS)
    layers = load_file(file)
    corner = example(derive(layers["corner"][0]))
    assert corner is not None
    assert 1 not in np.abs(corner.case.tensors["x"])
    assert example(derive(layers["deep"][0])) is None  # no number of few digits is above 10
