"""Right kernels of definitions of all kinds pass every leg: what a leg cannot compare it says, and is not red."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.evidence import inputs, layout
from derive.evidence.domain import Range
from derive.evidence.result import Result, Tally, together
from derive.evidence.verify import LEGS, applies, leg
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


@pytest.mark.parametrize("within", [Range(0.0), Range(None, 2.0), Range(-1.0, 3.0), Range()])
def test_numbers_lie_in_their_range(within: Range) -> None:
    values = inputs.placed(within, inputs.Random(inputs.np.random.default_rng(0)).rng.uniform(0.05, 0.95, 50))
    assert (values > (-float("inf") if within.low is None else within.low)).all()
    assert (values < (float("inf") if within.high is None else within.high)).all()
