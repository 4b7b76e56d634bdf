"""Right kernels of definitions of all kinds pass every leg: what a leg cannot compare it says, and is not red."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from derive.evidence import inputs, layout
from derive.evidence.result import Result, Tally, together
from derive.evidence.verify import LEGS, applies, leg
from derive.notation.domain import Domain
from derive.notation.expr import Op, Size, num
from tests.evidence.shared import own

RIGHT = {
    "a constant no float16 holds the numerator's product of": "def odd(x: Real[i]):\n    y[i] = 10.5 * x[i]",
    "constants among fractions": "def odd(x: Real[i]):\n    y[i] = x[i] / 2 + 7 * x[i] ** 2",
    "an exponent that is an option": "def odd(x: Real[...], p: Scalar = 3.0):\n    y[...] = (x[...] ** 2 + 1) ** p",
    "the root of a square": "def odd(x: Real[..., i]):\n    y[..., i] = x[..., i] / sqrt(sum(j, x[..., j] ** 2))",
    "an embedding as a part": (
        "def odd(E: Real[v, d], t: Integer[...]):\n    p = embedding(E, t)\n    y[..., d] = p[..., d] ** 2"
    ),
    "labels along two axes": "def odd(x: Real[v, w, c], t: Integer[b]):\n    y[b, c] = x[t[b], t[b], c] ** 2",
    "labels that are ignored": (
        "def odd(w: Real[i], t: Integer[...], ignore: Integer = -100):\n"
        "    y[...] = 3 * w[t[...]] if t[...] != ignore else 0"
    ),
    "a quotient of counts, and one of lengths": (
        "def odd(x: Real[..., i]):\n    c[...] = sum(i, 1 if x[..., i] > 0 else 0)\n"
        "    y[..., i] = x[..., i] * (c[...] / size(i) - 1 / size(i))"
    ),
    "a list of which an axis is a product": (
        "def odd(x: Real[m], W: Real[l][h * d, m], heads: Count[h] = 2):\n"
        "    y = sum((l, h, d), sum(m, W[l, h, d, m] * x[m]))"
    ),
    "a loss as a part": "def odd(z: Real[..., i], t: Real[..., i]):\n    y = mse(z, t)",
    "a condition as a number": "def odd(m: Boolean[i], x: Real[i]):\n    y[i] = m[i] * x[i]",
    "a root that is not defined everywhere": "def odd(x: Real[i], a: Real[i]):\n    y[i] = a[i] * sqrt(x[i] - 1)",
    "a logarithm between two ends": "def odd(x: Real[i]):\n    y[i] = log(1 + x[i]) - log(1 - x[i])",
}


@pytest.mark.parametrize("case", RIGHT)
def test_every_leg_is_green(case: str, tmp_path: Path) -> None:
    with own(tmp_path, RIGHT[case] + "\n    return y\n") as layers:
        for derivations, kernel in layers.values():
            for name in LEGS:
                if applies(name, derivations[0].layer, kernel):
                    result = together(leg(name, d, kernel) for d in derivations)
                    assert result.passed, str(result)
                    assert result.compared, str(result)


def test_a_leg_that_finds_no_arguments_says_so(tmp_path: Path) -> None:
    with own(tmp_path, "def odd(x: Real[i]):\n    y[i] = sqrt(-1 - x[i] ** 2)\n    return y\n") as layers:
        (derivation,), kernel = layers["odd"]
        result = leg("differences", derivation, kernel)
        assert result.passed
        assert not result.compared
        assert "declare" in str(result)


def test_nothing_compared_without_a_reason_is_a_failure() -> None:
    tally = Tally("leg", "layer", 1.0)
    assert not tally.result().passed
    tally.leave("float16: there is none")
    assert tally.result().passed
    assert tally.result().text == "not compared"
    tally.claim(False, "here")
    assert not tally.result().passed


def test_notes_of_variants_are_kept_once() -> None:
    one, two = Result("leg", "layer", True, checks=3, notes=("a", "b")), Result("leg", "layer", True, notes=("b", "c"))
    assert together([one, two]).notes == ("a", "b", "c")
    assert together([one, two]).compared


def test_sizes_know_their_arithmetic() -> None:
    size = Op("max", (Size("i"), num(2)))
    assert layout.whole(size, {"i": 3}, {}) == 3
    assert layout.whole(Op("floordiv", (Size("i"), num(2))), {"i": 3}, {}) == 1
    with pytest.raises(TypeError, match="not a size"):
        layout.whole(Op("exp", (Size("i"),)), {"i": 3}, {})


ZERO, TWO = Fraction(0), Fraction(2)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(
    "within", [Domain(ZERO), Domain(None, TWO), Domain(ZERO, TWO), Domain(ZERO, TWO, True, True), Domain(), Domain(TWO)]
)
def test_numbers_lie_in_their_domain(within: Domain, ties: bool) -> None:
    values = inputs.Random(np.random.default_rng(0), ties=ties).reals((50,), within)
    assert all(within.holds(v) for v in values)
    ends = [e for e in (within.low, within.high) if e is not None and within.holds(e)]
    assert not ties or set(ends) <= set(values)


DECLARED = """
def odd(p: sum(i, Real[..., i]) == 1, s: State[i] >= 0, k: 1 <= Integer[...] <= 2, j: Integer[...] < i, q: Real[i] > 3):
    y[..., i] = p[..., i] * sqrt(s[i] * (q[i] - 3)) * k[...] + q[j[...]]
    return y
"""


def test_arguments_lie_where_the_definition_says(tmp_path: Path) -> None:
    with own(tmp_path, DECLARED) as layers:
        layer = layers["odd"][0][0].layer
        for case in inputs.cases(layer, count=6) + inputs.cases(layer, count=4, ties=True):
            p, s, k, j, q = (case.tensors[n] for n in "pskjq")
            np.testing.assert_allclose(p.sum(-1), 1)
            assert (p >= 0).all()
            assert (s >= 0).all()
            assert (q > 3).all()
            assert ((k >= 1) & (k <= 2)).all()
            assert ((j >= 0) & (j < q.size)).all()


def test_a_sum_of_quotients_is_derived_in_the_end(tmp_path: Path) -> None:
    """Numbers were drawn into sums and out of them again, without end."""
    text = (
        "def odd(x: Real[..., i]):\n    m[...] = sum(i, x[..., i])\n    v[...] = mean(i, (x[..., i] - m[...]) ** 2)\n"
        "    y[..., i] = (x[..., i] - m[...]) / sqrt(v[...] + 1)\n    return y\n"
    )
    with own(tmp_path, text) as layers:
        assert "odd" in layers


def test_a_number_that_is_0_below_a_line_gives_nan_and_ends_no_call(tmp_path: Path) -> None:
    text = "def odd(x: Real[i], w: Real[o]):\n    n = sqrt(sum(i, x[i] ** 2))\n    y[o] = w[o] / n\n    return y\n"
    with own(tmp_path, text) as layers, np.errstate(all="ignore"):
        ((_, kernel),) = layers.values()
        for x in (np.zeros(3), np.zeros(0)):
            y, saved = kernel.forward(x, np.ones(2))
            assert not np.isfinite(y).any()
            assert kernel.backward(np.ones(2), saved).x.shape == x.shape
