"""Counts from the equations, beside counts made while the equations are evaluated element by element."""

from __future__ import annotations

import pytest

from derive.calculus.derivation import derive
from derive.notation.define import load_project
from derive.targets.cost import Cost, cost, kept

REGISTRY = load_project()
SIZES = {"...": 5, "i": 7, "o": 3, "q": 2, "k": 4, "d": 6, "v": 11}


@pytest.mark.parametrize(
    ("name", "multiply", "add", "divide", "function"),
    [
        ("linear", 5 * 7 * 3, 5 * 7 * 3, 0, 0),
        ("softmax", 0, 5 * 6, 5 * 7, 5 * 7),
        ("mse", 5 + 1, 5 + 4, 0, 0),  # y - t, its square; 1/N once
        # mu: N - 1 additions, one product with 1/N; var: N differences, N squares, N - 1 additions, one
        # product;
        # inv_std: one addition, root and quotient; x_hat: N products, its differences are there; y: N of both
        ("layer_norm", 5 * (1 + 7 + 1 + 7 + 7), 5 * (6 + 7 + 6 + 1 + 7), 5, 5),
    ],
)
def test_forward_counts(name: str, multiply: int, add: int, divide: int, function: int) -> None:
    layer = REGISTRY[name][0]
    found = cost(layer, layer.equations)
    assert found.multiply.value(SIZES) == multiply
    assert found.add.value(SIZES) == add
    assert found.divide.value(SIZES) == divide
    assert found.function.value(SIZES) == function


def test_backward_of_linear_is_twice_forward() -> None:
    derivation = derive(REGISTRY["linear"][0])
    back = cost(derivation.layer, derivation.backward, derivation.tensors)
    assert back.multiply.value(SIZES) == 2 * 5 * 7 * 3


def test_embedding_gradient_visits_each_token_once() -> None:
    derivation = derive(REGISTRY["embedding"][0])
    back = cost(derivation.layer, derivation.backward, derivation.tensors)
    assert back.add.value(SIZES) == 5 * 6
    assert back.multiply.value(SIZES) == 0


def test_what_is_kept() -> None:
    names, amount = kept(derive(REGISTRY["linear"][0]))
    assert names == ["x", "W"]
    assert amount.value(SIZES) == 5 * 7 + 3 * 7


def test_polynomials_are_printed_in_the_dialect() -> None:
    layer = REGISTRY["mlp"][0]
    text = Cost.tex(cost(layer, layer.equations).multiply, lambda i: r"\ast" if i == "..." else i)
    assert text == r"\sum_{l} N_{\ast} N_{i} N_{o}"
