"""What cannot be judged as it was asked for is said: what, where and how to mend it; it is no verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive import judge
from derive.judge import wire
from derive.judge.arithmetic import Arithmetic

Given = dict[str, Any]


def one(x: Any) -> Any:
    return np.maximum(x, 0)


def norm(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon) * gamma + beta


class Kernel:
    def __call__(self, x: Any) -> Any:
        return one(x)


ASKED: tuple[tuple[str, Given, str], ...] = (
    ("linear", {"forward": one}, "forward takes x; it is called with x, W, b of linear"),
    ("relu", {"forward": norm}, "takes x, gamma, beta, epsilon"),
    ("relu", {"forward": one, "backward": lambda: 0}, "backward takes nothing; it is called with cotangents, then x"),
    ("layer_norm", {"forward": norm, "rename": {"gamma": "weight"}}, "it has no weight"),
    ("layer_norm", {"forward": norm, "rename": {"mu": "mean"}}, "no input, output or option 'mu'"),
    ("relu", {"forward": 3}, "type int, which cannot be called"),
    ("relu", {"forward": Kernel}, "is the class Kernel: give one of its instances"),
    ("relu", {"forward": "tests.judge.right"}, "say which function of it"),
    ("relu", {"forward": one, "device": "cuda"}, "for torch alone"),
    ("softmax", {"forward": one, "axis": "foo"}, "axis is 'foo'; it must be an integer"),
    ("layer_norm", {"forward": norm, "epsilon": -1}, "epsilon is -1; it must be a positive number"),
    ("mse", {"forward": one, "reduction": "men"}, "one of 'mean'"),
    ("relu", {"forward": "./nothing here", "framework": "exec"}, "there is no program './nothing'"),
    ("relu", {"forward": f"{sys.executable} gone.py", "framework": "exec"}, "there is no file gone.py"),
    ("relu", {"forward": "'unclosed", "framework": "exec"}, "is no command"),
)


@pytest.mark.parametrize(("layer", "how", "words"), ASKED, ids=[w for *_, w in ASKED])
def test_it_is_said_what_is_wrong_with_the_question(layer: str, how: Given, words: str) -> None:
    report = judge(layer, seed=1, **how)
    assert report.verdict == "could not judge", str(report)
    assert words in report.diagnosis


@pytest.mark.parametrize(("how", "words"), [
    ({"accumulate": "tf32"}, "one of factors"), ({"dtype": "tf32"}, "one of factors"),
    ({"accumulate": "float8_e5m2"}, "not of sums"), ({"dtype": "int8"}, "no format"),
])  # fmt: skip
def test_a_format_that_is_none_there(how: Given, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        judge("relu", forward=one, **how)


def test_an_option_that_one_of_the_two_does_not_take_keeps_its_default() -> None:
    def backward(dy: Any, x: Any, gamma: Any, beta: Any) -> Any:
        return None, None, dy.sum(tuple(range(dy.ndim - 1)))

    report = judge("layer_norm", forward=norm, backward=backward, seed=1, budget=4)
    assert report.ok, str(report)
    assert any("no parameter epsilon" in n for n in report.notes)


def raising(x: Any) -> Any:
    raise ValueError(f"at {id(x)}: {x.shape}")


def many(x: Any) -> Any:
    return [*one(x).reshape(-1), *[0.0] * 5000]


@pytest.mark.parametrize("forward", [raising, many, lambda x: sys.exit(0)])
def test_the_same_trouble_is_told_once(forward: Callable[[Any], Any]) -> None:
    report = judge("relu", forward=forward, seed=1)
    assert report.verdict == "wrong"
    assert len(report.findings) == 1, str(report)
    assert report.seconds < 15


def test_a_program_is_found_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import sys, numpy as np\nx = np.load(sys.argv[2])['x']\nnp.savez(sys.argv[3], y=SOMETHING)\n"
    monkeypatch.chdir(tmp_path)
    for words, found in (
        ("np.maximum(x, 0)", ""), ("np.array([{}])", "allow_pickle"), ("np.zeros(9 ** 6)", "are enough for its shape"),
    ):  # fmt: skip
        Path("mine.py").write_text(text.replace("SOMETHING", words))
        report = judge("relu", forward=f"{sys.executable} mine.py", framework="exec", replay="relu.0.0.float64.1",
                       dtype="float64")  # fmt: skip
        assert report.ok == (not found)
        assert found in report.diagnosis


def test_arguments_that_do_not_fit_are_no_verdict() -> None:
    from derive.judge import Limits

    how: Given = {"replay": "relu.0.large.float64.2", "shape": {"...": 1 << 24}}
    report = judge("relu", forward=one, limits=Limits(memory=400 << 20), **how)
    assert report.verdict == "could not judge", str(report)
    assert "more memory than its process may have" in report.diagnosis


def test_bfloat16_is_kept_far_from_ours_where_it_may_be() -> None:
    """What loses digits on the way is far from ours in float64, and the bound says whether it may."""
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="bfloat16 in NumPy: pip install 'gradbook[formats]'")

    def forward(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
        mu = x.astype(np.float32).mean(-1, keepdims=True).astype(x.dtype)
        var = ((x - mu).astype(np.float32) ** 2).mean(-1, keepdims=True)
        return ((x - mu) / np.sqrt(var + epsilon).astype(x.dtype) * gamma + beta).astype(ml_dtypes.bfloat16)

    report = judge("layer_norm", forward=forward, dtype="bfloat16", replay="layer_norm.0.large.bfloat16.5dbc1a84")
    assert report.ok, str(report)


# ---- formats of eight bits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("format", sorted(wire.EIGHT))
def test_every_number_of_eight_bits_comes_back(format: str) -> None:
    table = wire.eights(format)
    bits = np.arange(256, dtype=np.uint8)
    finite = np.isfinite(table)
    np.testing.assert_array_equal(wire.float8_bits(table[finite], format), bits[finite])
    largest = table[finite].max()
    near = np.array([largest * 1.01, -largest * 2, np.nan, 0.0, -0.0, table[1] / 2, table[1] * 0.51, table[1] * 1.5])
    back = wire.decoded(wire.encoded(near, format), format)
    np.testing.assert_array_equal(back, [largest, -largest, np.nan, 0, -0.0, 0, table[1], table[2]])


@pytest.mark.parametrize("format", sorted(wire.EIGHT))
@pytest.mark.parametrize("of", ["ml_dtypes", "torch"])
def test_eight_bits_are_those_of_others(format: str, of: str) -> None:
    other = pytest.importorskip(of, reason=f"{of} is an optional peer")
    largest = float(np.nanmax(np.where(np.isfinite(wire.eights(format)), wire.eights(format), 0)))
    numbers = np.random.default_rng(1).normal(size=4000).astype(np.float32)
    numbers = np.concatenate([numbers, numbers / 100, np.clip(numbers * 100, -largest, largest)])
    mine = wire.decoded(wire.encoded(numbers, format), format)
    if of == "torch":
        theirs = other.from_numpy(numbers).to(getattr(other, format)).float().numpy()
    else:
        theirs = numbers.astype(getattr(other, format)).astype(np.float32)
    np.testing.assert_array_equal(mine, theirs)


def eight_bits(x: Any, W: Any, b: Any, wrong: bool = False) -> Any:
    wide = x.float() @ W.float().mT + (0 if wrong else b.float())
    return wide.to(x.dtype)


@pytest.mark.parametrize("format", sorted(wire.EIGHT))
def test_a_layer_of_eight_bits(format: str) -> None:
    pytest.importorskip("torch", reason="an optional peer")
    here = "tests.judge.test_asking:"
    report = judge("linear", forward=f"{here}right_of_eight", framework="torch", dtype=format, seed=1, budget=5)
    assert report.ok, str(report)
    report = judge("linear", forward=f"{here}wrong_of_eight", framework="torch", dtype=format, seed=1, budget=5)
    assert report.verdict == "wrong"
    assert str(Arithmetic(format)) == f"{format}, accumulated in float32"


def right_of_eight(x: Any, W: Any, b: Any) -> Any:
    return eight_bits(x, W, b)


def wrong_of_eight(x: Any, W: Any, b: Any) -> Any:
    return eight_bits(x, W, b, wrong=True)
