"""Compositions of PyTorch's operators, each of which keeps its result in the format of its arguments: right ones are
right, and what is wrong in them is found in spite of that."""

from __future__ import annotations

from typing import Any

import pytest

from derive import judge

torch = pytest.importorskip("torch", reason="PyTorch is an optional peer: pip install 'gradbook[peers]'")
F = torch.nn.functional


@pytest.mark.parametrize(
    "layer", ["adagrad", "bilinear", "cdist_squared", "center", "conv_transpose1d", "dot", "glu", "kl_div"]
)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_composition_is_right(layer: str, dtype: str) -> None:
    report = judge(layer, forward=f"tests.judge.peer:eager.{layer}", framework="torch", dtype=dtype, seed=1, budget=6)
    assert report.ok, str(report)


def test_of_one_that_is_said_to_keep_float32_it_is_told() -> None:
    how = {"framework": "torch", "dtype": "bfloat16", "seed": 1, "budget": 20, "intermediates": "float32"}
    report = judge("kl_div", forward="tests.judge.peer:eager.kl_div", **how)
    assert (
        "every operator's result kept in bfloat16, and more than bfloat16, accumulated in float32 ex"
        in report.diagnosis
    )


def kl_of_the_other(log_q: Any, t: Any, reduction: str = "mean") -> Any:
    return F.kl_div(t.log(), log_q.exp(), reduction={"mean": "batchmean"}.get(reduction, reduction))


def variance_less_one(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    apart = x - x.mean(-1, keepdim=True)
    n = x.shape[-1]
    return apart / (apart.square().sum(-1, keepdim=True) / max(1, n - 1) + epsilon).sqrt() * gamma + beta


def gate_first(x: Any, axis: int = -1) -> Any:
    gate, value = x.chunk(2, axis)
    return gate.sigmoid() * value


def no_maximum(z: Any, axis: int = -1) -> Any:
    return z.exp() / z.exp().sum(axis, keepdim=True)


def distances(x: Any, y: Any) -> Any:
    return (x * x).sum(-1)[..., :, None] + (y * y).sum(-1)[..., None, :] - x @ y.mT


def centred_along_the_first(x: Any, axis: int = -1) -> Any:
    return x - x.mean(0, keepdim=True)


class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(y := x.tanh())
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved_tensors
        return dy * (1 - y)


def half_of_the_last(*arrays: Any) -> Any:
    """A residual block whose last column is half of what it is: in balls nothing is known of a network whose every
    operator rounds to a narrow format."""
    from tests.judge.peer import eager

    y, *states = eager.residual_block(*arrays)
    share = torch.ones_like(y)
    share[..., -1:] = 0.5
    return (y * share, *states)


@pytest.mark.parametrize(("layer", "forward"), [
    ("kl_div", kl_of_the_other), ("layer_norm", variance_less_one), ("glu", gate_first), ("softmax", no_maximum),
    ("cdist_squared", distances), ("center", centred_along_the_first), ("tanh", Tanh),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_what_is_wrong_is_found(layer: str, forward: Any, dtype: str) -> None:
    report = judge(layer, forward=forward, framework="torch", dtype=dtype, seed=1, budget=6)
    assert {f.kind for f in report.findings} & {"value", "gradient"}, str(report)


def test_half_of_a_column_of_a_network_is_found() -> None:
    """Nothing is known of some elements of a network whose every operator may round to a narrow format: of them a
    multiple of what holds without that is asked."""
    how = {"framework": "torch", "dtype": "bfloat16", "replay": "residual_block.0.2.bfloat16.1"}
    assert judge("residual_block", forward="tests.judge.peer:eager.residual_block", **how).ok
    report = judge("residual_block", forward=half_of_the_last, **how)
    assert "y" in {f.where for f in report.findings}, str(report)


@pytest.mark.parametrize("layer", ["cosine_similarity", "l2_penalty", "reglu", "swiglu"])
def test_what_the_definition_computes_may_be_beyond_float16(layer: str) -> None:
    """Squares of 300 are, and what comes of them is noted."""
    report = judge(
        layer, forward=f"tests.judge.peer:eager.{layer}", framework="torch", dtype="float16", seed=1, budget=6
    )
    assert report.ok, str(report)
    assert any("lost to overflow" in n for n in report.notes)


def test_an_exponential_that_it_does_not_compute_is_no_excuse() -> None:
    report = judge("softmax", forward=no_maximum, framework="torch", dtype="float16", seed=1, budget=6)
    assert "overflows" in report.diagnosis, str(report)
