"""Derivation takes time in proportion to what is typed, or ends with a message.

Products of many factors, chains of equations and functions of functions have textbook forms whose search, or whose
size, grows exponentially. The search is given up after a fixed amount of work, and what is built then is right too.
"""

from __future__ import annotations

import importlib
import sys
import time
import types
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from string import ascii_lowercase
from typing import Any

import numpy as np
import pytest

from derive.calculus import textbook
from derive.calculus.derivation import derive
from derive.calculus.textbook import Search
from derive.command.kernels import kernel_source
from derive.notation import errors
from derive.notation.define import load_project, read_source
from derive.notation.errors import SECONDS, DefinitionError

Array = Any
LETTERS = [c for c in ascii_lowercase if c != "i"]


def layer(signature: str, *body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body)
    return f"from derive import layer\n\n@layer()\ndef odd({signature}):\n{lines}\n    return y\n"


def product(n: int) -> str:
    names = LETTERS[:n]
    return layer(", ".join(f"{a}: Real[i]" for a in names), "y[i] = " + " * ".join(f"{a}[i]" for a in names))


def chain(n: int, step: str) -> str:
    names = ["x", *(f"a{k}" for k in range(n)), "y"]
    return layer("x: Real[i]", *(f"{b}[i] = {step.replace('@', f'{a}[i]')}" for a, b in pairwise(names)))


def nested(n: int, step: str) -> str:
    e = "x[i]"
    for _ in range(n):
        e = step.replace("@", e)
    return layer("x: Real[i]", f"y[i] = {e}")


def applied(n: int, f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def whole(x: Array) -> Array:
        for _ in range(n):
            x = f(x)
        return x

    return whole


def kernel(text: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    load_project()
    source = kernel_source(tuple(derive(v) for v in read_source(text, "mine.py")["odd"]))
    module = types.ModuleType("odd")
    monkeypatch.setitem(sys.modules, "odd", module)
    exec(compile(source, "odd.py", "exec"), module.__dict__)
    return module


GROWING = {
    "a product of 15 inputs": (product(15), lambda *x: np.prod(x, axis=0), 15),
    "a chain of 25 squares": (chain(24, "@ * @ / 2 + 1 / 4"), applied(25, lambda x: x * x / 2 + 0.25), 1),
    "a chain of 25 products": (chain(24, "exp(-@) * @"), applied(25, lambda x: np.exp(-x) * x), 1),
    "20 functions of one another": (nested(20, "exp(-@)"), applied(20, lambda x: np.exp(-x)), 1),
    "12 layers of one another": (nested(12, "sigmoid(2 * @)"), applied(12, lambda x: 1 / (1 + np.exp(-2 * x))), 1),
    "12 fractions": (nested(12, "1 / (1 + @ ** 2)"), applied(12, lambda x: 1 / (1 + x**2)), 1),
    "a product of 12 sums": (
        layer("x: Real[i]", "y[i] = " + " * ".join(f"(x[i] + {k})" for k in range(1, 13))),
        lambda x: np.prod([x + k for k in range(1, 13)], axis=0),
        1,
    ),
    "a sum of 300 terms": (
        layer("x: Real[i]", "y[i] = " + " + ".join(f"{k} * x[i]" for k in range(300))),
        lambda x: 44850 * x,
        1,
    ),
    "100 equations": (
        layer("x: Real[i]", "a0[i] = x[i]", *(f"a{k}[i] = a{k - 1}[i] + x[i]" for k in range(1, 100)), "y[i] = a99[i]"),
        lambda x: 100 * x,
        1,
    ),
}


@pytest.mark.parametrize("case", GROWING)
def test_what_grows_is_built_in_bounded_time_and_right(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, function, count = GROWING[case]
    begin = time.process_time()
    module = kernel(text, monkeypatch)
    assert time.process_time() - begin < 40  # some five times what they take alone on a slow machine
    rng = np.random.default_rng(0)
    x = [rng.uniform(0.5, 1.5, 3) for _ in range(count)]
    t = [rng.standard_normal(3) for _ in range(count)]
    dy, h = rng.standard_normal(3), 1e-6
    y, saved = module.forward(*x)
    ahead, behind = ([a + s * h * b for a, b in zip(x, t, strict=True)] for s in (1, -1))
    np.testing.assert_allclose(y, function(*x), rtol=1e-12)
    slope = (function(*ahead) - function(*behind)) / (2 * h)
    np.testing.assert_allclose(module.jvp(x, t), slope, rtol=1e-5, atol=1e-8)
    gradients = module.backward(dy, saved)
    total = sum(g * b for g, b in zip(gradients, t, strict=True))
    np.testing.assert_allclose(total, dy * slope, rtol=1e-5, atol=1e-8)

    def along(x: list[Array]) -> Array:
        return sum(g * b for g, b in zip(module.backward(dy, module.forward(*x)[1]), t, strict=True))

    second = module.double_backward(dy, x, t)
    curve = (along(ahead) - along(behind)) / (2 * h)
    found = sum(g * b for g, b in zip(second[1:], t, strict=True))
    np.testing.assert_allclose(found, curve, rtol=1e-4, atol=1e-7)


def test_the_search_takes_no_more_work_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[float] = []
    best = Search.best

    def counted(self: Search) -> Any:
        found = best(self)
        spent.append(textbook.EACH if self.bounded else textbook.WORK - self.algebra.allowed)
        return found

    monkeypatch.setattr(Search, "best", counted)
    for variants in load_project().values():
        assert derive(variants[0]).tangent
    with suppress(ValueError):
        assert derive(load_project()["batch_norm"][0]).second
    assert 0 < max(spent) < textbook.WORK * 0.75  # of 174 layers; there is room for more


@pytest.mark.parametrize("name", ["layer_norm", "softmax", "attention", "batch_norm", "softmax_cross_entropy"])
def test_what_is_built_without_the_search_is_the_same_function(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scatter rule's equations, as they are, give the gradients of the textbook form."""
    variants = load_project()[name]
    searched = importlib.import_module(f"reference.layers.{name}")
    monkeypatch.setattr(textbook, "WORK", 0)
    monkeypatch.setattr(textbook, "EACH", 0)
    source = kernel_source(tuple(derive(v) for v in variants))
    module = types.ModuleType("bare")
    monkeypatch.setitem(sys.modules, "bare", module)
    exec(compile(source, "bare.py", "exec"), module.__dict__)
    rng = np.random.default_rng(1)
    f = rng.standard_normal
    arguments = {
        "layer_norm": (f((2, 3, 4)), f(4), f(4)),
        "softmax": (f((2, 3, 4)),),
        "attention": (f((2, 3, 4)), f((2, 5, 4)), f((2, 5, 3))),
        "batch_norm": (f((5, 3, 2)), f(3), f(3), f(3), f(3) ** 2),
        "softmax_cross_entropy": (f((2, 3, 4)), rng.dirichlet(np.ones(4), (2, 3))),
    }[name]
    one, two = (m.forward(*arguments) for m in (searched, module))
    first = (r[0] if isinstance(r, tuple) and not isinstance(r, np.ndarray) else r for r in (one[0], two[0]))
    y, y2 = first
    np.testing.assert_allclose(y2, y, rtol=1e-12)
    dy = f(np.shape(y))
    for a, b in zip(searched.backward(dy, one[1]), module.backward(dy, two[1]), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)


ENDLESS = {
    "deep": (nested(70, "exp(@)"), "nested more than 60 deep"),
    "deeper than Python": (nested(300, "exp(@)"), "SyntaxError"),
    "long": (layer("x: Real[i]", *(f"a{k}[i] = {k} * x[i]" for k in range(3000)), "y[i] = x[i]"), "more than 20000"),
    "choices": (
        layer(
            "x: Real[i], " + ", ".join(f'{c}: Choice["p", "q"] = "p"' for c in LETTERS[:12]),
            "y[i] = x[i]",
        ),
        "combinations of choices",
    ),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_what_is_too_much_is_said_at_once(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, words = ENDLESS[case]
    begin = time.process_time()
    with pytest.raises(DefinitionError) as caught:
        kernel(text, monkeypatch)
    assert time.process_time() - begin < 5
    assert words in str(caught.value)
    assert "mine.py:" in str(caught.value)
    assert "^" in str(caught.value)
    assert max(map(len, str(caught.value).splitlines())) < 300


def test_a_derivation_that_takes_too_long_is_given_up_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECONDS, "0.01")
    with pytest.raises(DefinitionError) as caught:
        kernel(product(12), monkeypatch)
    message = str(caught.value)
    assert message.startswith("odd: takes more than 0.01 seconds: given up while its")
    assert "mine.py:5" in message or "mine.py:4" in message
    assert "^" in message
    assert errors.DEADLINE.get() == float("inf")
