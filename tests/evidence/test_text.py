"""The leg text is red when a definition is read as something else, and when any function of a kernel is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation import Derivation, derive
from derive.command.build import printed
from derive.evidence import kernels, verify
from derive.evidence.text import text
from derive.notation.define import REGISTRY, read_source
from derive.text.validate import Kernels
from tests.evidence.shared import broken, derived

X, XW = "x: Real[..., i]", "x: Real[..., i], w: Real[..., i]"
LEAKY = "y[..., i] = leaky_relu(x[..., i])"

#: What is written, and what a reader that is wrong takes it for: signature, body, and the body understood.
MISREAD = {
    "a length that is dropped": ("x: Real[n]", "i = axis(2)\ny[i] = x[i] ** 2", "y[n] = x[n] ** 2"),
    "two axes that are merged": ("x: Real[i, j]", "y[i] = sum(k, x[i, k])", "y[j] = sum(k, x[k, j])"),
    "an axis of the same length": (
        "x: Real[i, j]",
        "y = sum((i, j), x[i, j]) / size(j)",
        "y = sum((i, j), x[i, j]) / size(i)",
    ),
    "a keyword that is dropped": (X, LEAKY.replace("])", "], alpha=2)"), LEAKY),
    "a keyword of a layer": (
        "x: Real[..., i], g: Real[i], c: Real[i]",
        "y = layer_norm(x, g, c, epsilon=0.5)",
        "y = layer_norm(x, g, c)",
    ),
    "a step that is turned round": ("x: Real[i]", "y[i] = x[i] * x[i - 1]", "y[i] = x[i] * x[i + 1]"),
    "a comparison": (X, "y[..., i] = x[..., i] if i <= 1 else 0", "y[..., i] = x[..., i] if i < 1 else 0"),
    "a sign": (XW, "y[..., i] = x[..., i] - w[..., i]", "y[..., i] = x[..., i] + w[..., i]"),
    "an operand": (XW, "y[..., i] = x[..., i] / w[..., i]", "y[..., i] = w[..., i] / x[..., i]"),
    "a mean for a sum": (X, "y[...] = sum(i, x[..., i] ** 2)", "y[...] = mean(i, x[..., i] ** 2)"),
    "an option that is not used": (
        f"{X}, a: Scalar = 1.0",
        "y[..., i] = a * x[..., i] ** 2",
        "y[..., i] = x[..., i] ** 2 + 0 * a",
    ),
    "a precedence": (X, "y[..., i] = -(x[..., i] ** 2)", "y[..., i] = (-x[..., i]) ** 2"),
}


def source(signature: str, body: str) -> str:
    result = body.splitlines()[-1].split(" = ")[0].split("[")[0]
    lines = "\n".join(f"    {line}" for line in [*body.splitlines(), f"return {result}"])
    return f"from derive import layer\n\n\n@layer(cites='x')\ndef odd({signature}):\n    '''Odd.'''\n{lines}\n"


def made(signature: str, body: str) -> tuple[Derivation, Any]:
    """A definition's derivation and its kernel, not written anywhere."""
    derivation = derive(read_source(source(signature, body), "odd.py")["odd"][0])
    return derivation, Kernels({"odd": printed((derivation,))[0]})["odd"]


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    REGISTRY.pop("odd", None)


@pytest.mark.parametrize("case", MISREAD)
def test_a_definition_read_as_another(case: str) -> None:
    signature, written, understood = MISREAD[case]
    derivation, kernel = made(signature, understood)
    said = source(signature, written).partition("\n\n\n")[2]
    result = text(replace(derivation, layer=replace(derivation.layer, source=said)), kernel)
    assert not result.passed, str(result)
    assert "the text says" in result.detail
    assert text(derivation, kernel).passed, "the kernel is right for what was understood"


#: Functions that have one slope where the case taken has another: 1 and 0.
TIES = {
    "a case": ("x[..., i] if abs(x[..., i]) > 0 else 0", "jvp"),
    "a case in a case": ("x[..., i] if x[..., i] > 0 else 1 * x[..., i] if x[..., i] < 0 else 0", "jvp"),
    "an absolute value": ("abs(x[..., i]) ** 2 / 2", "double_backward"),
}


@pytest.mark.parametrize("slope", [0.0, 1.0, 0.5])
@pytest.mark.parametrize("case", TIES)
def test_at_a_tie_the_slope_of_the_function_and_that_of_the_case_are_right(case: str, slope: float) -> None:
    body, function = TIES[case]
    derivation, kernel = made(X, f"y[..., i] = {body}")
    assert text(derivation, kernel).passed

    def jvp(primals: Any, tangents: Any) -> Any:
        return np.where(primals[0] == 0, slope * tangents[0], kernel.jvp(primals, tangents))

    def double_backward(dy: Any, primals: Any, along: Any) -> Any:
        ddy, dx = kernel.double_backward(dy, primals, along)
        return kernel.Second(ddy, np.where(primals[0] == 0, slope * dy * along[0], dx))

    changed = {"jvp": jvp} if function == "jvp" else {"double_backward": double_backward}
    result = text(derivation, SimpleNamespace(**{**vars(kernel), **changed}))
    assert result.passed == (slope in (0, 1)), str(result)


def test_a_gradient_in_another_shape() -> None:
    derivation, kernel = made(X, "y[..., i] = x[..., i] ** 2")

    def flat(dy: Any, saved: Any) -> Any:
        return kernel.Gradients(*(g.reshape(-1) for g in kernel.backward(dy, saved)))

    result = text(derivation, SimpleNamespace(**{**vars(kernel), "backward": flat}))
    assert not result.passed
    assert "has shape" in result.detail


def test_an_index_that_wraps_round() -> None:
    """What NumPy makes of x[i - 1] at i = 0."""
    derivation, _ = made("x: Real[i]", "y[i] = x[i] + x[i - 1]")

    def forward(x: Any) -> Any:
        return x + np.roll(x, 1), x

    result = text(derivation, SimpleNamespace(forward=forward))
    assert not result.passed
    assert "element 0" in result.detail


def negated(value: Any) -> Any:
    if isinstance(value, tuple):
        parts = [negated(v) if isinstance(v, tuple | np.ndarray | float) else v for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return -value


@pytest.mark.parametrize("function", ["forward", "backward", "jvp", "double_backward"])
@pytest.mark.parametrize("name", ["softmax", "linear", "lstm"])
def test_a_sign_in_any_function(name: str, function: str) -> None:
    own: Callable[..., Any] = getattr(kernels.kernel_of(name), function)

    def wrong(*args: Any, **options: Any) -> Any:
        result = own(*args, **options)
        return (negated(result[0]), result[1]) if function == "forward" else negated(result)

    result = text(derived(name), broken(name, **{function: wrong}))
    assert not result.passed
    assert result.detail.startswith(function)


@pytest.mark.parametrize(
    ("name", "field", "function"),
    [
        ("linear", "W", "backward"),
        ("linear", "W", "double_backward"),
        ("conv2d", "x", "backward"),
        ("lstm", "U", "backward"),
    ],
)
def test_one_element_of_one_gradient(name: str, field: str, function: str) -> None:
    own: Callable[..., Any] = getattr(kernels.kernel_of(name), function)

    def wrong(*args: Any, **options: Any) -> Any:
        result = own(*args, **options)
        changed = np.array(getattr(result, field))
        changed.flat[-1] *= 1 + 2.0**-20
        changed.flat[-1] += 2.0**-20
        return result._replace(**{field: changed})

    assert not text(derived(name), broken(name, **{function: wrong})).passed


def test_nothing_but_a_number_agrees() -> None:
    own = kernels.kernel_of("relu").forward

    def wrong(x: Any) -> Any:
        y, saved = own(x)
        return np.full_like(y, np.nan), saved

    assert not text(derived("relu"), broken("relu", forward=wrong)).passed


def test_what_it_cannot_read_it_says() -> None:
    derivation, kernel = made(X, "y[..., i] = x[..., i] ** 2")
    unknown = derivation.layer.source.replace("x[..., i] ** 2", "zeta(x[..., i])")
    result = text(replace(derivation, layer=replace(derivation.layer, source=unknown)), kernel)
    assert not result.compared
    assert "zeta" in result.notes[0]


def test_slopes_at_kinks_are_counted() -> None:
    result = text(derived("relu"), kernels.kernel_of("relu"))
    assert result.passed
    assert "at kinks" in result.detail
    assert verify.leg("text", derived("relu")).passed
