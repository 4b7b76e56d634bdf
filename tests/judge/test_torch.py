"""PyTorch through the judge: eager functions, modules and autograd functions, right and wrong, in four formats."""

from __future__ import annotations

from typing import Any

import pytest

from derive import judge

torch = pytest.importorskip("torch", reason="PyTorch is an optional peer: pip install 'gradbook[peers]'")
F = torch.nn.functional


def layer_norm(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    return F.layer_norm(x, (x.shape[-1],), gamma, beta, epsilon)


def softmax(z: Any, axis: int = -1) -> Any:
    return F.softmax(z, axis)


RIGHT: tuple[tuple[str, Any], ...] = (
    ("layer_norm", layer_norm), ("softmax", softmax), ("linear", F.linear), ("relu", F.relu), ("gelu", F.gelu),
)  # fmt: skip


@pytest.mark.parametrize(("layer", "forward"), RIGHT, ids=lambda v: v if isinstance(v, str) else "")
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_pytorch_is_right(layer: str, forward: Any, dtype: str) -> None:
    report = judge(layer, forward=forward, framework="torch", dtype=dtype, seed=5, budget=60)
    # on a CPU, PyTorch adds up the gradients of layer norm's parameters in the narrow format itself
    known = dtype in ("float16", "bfloat16") and layer == "layer_norm"
    # its erf of many float32 numbers at once is a polynomial that is a few units off, and its gelu is x (1 + erf) / 2,
    # of which nothing is left where x is very negative
    loose = dtype == "float32" and layer == "gelu"
    tail = dtype in ("float32", "float64") and layer == "gelu"
    report.findings = [f for f in report.findings if not (loose and f.worst < 2)]
    assert not tail or "digits are lost" in report.diagnosis or loose, report.diagnosis
    wrong = {f.where for f in report.findings} - ({"dbeta", "dgamma"} if known else set()) - ({"y"} if tail else set())
    assert not wrong, str(report)
    if known and report.findings:
        assert "accumulated in float16" in report.diagnosis or f"the error is that of {dtype}" in report.diagnosis


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * dy * (x > 0)


def test_an_autograd_function() -> None:
    report = judge("relu", forward=Double, seed=1)
    assert "dx: it is ours times 2" in report.diagnosis


def test_a_module_with_its_parameters() -> None:
    class Norm(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.bias = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))

        def forward(self, x: Any) -> Any:
            return F.layer_norm(x, (x.shape[-1],), self.weight, self.bias)

    report = judge("layer_norm", Norm(), rename={"gamma": "weight", "beta": "bias"}, seed=1)
    assert report.ok, str(report)
    assert {"dx", "dgamma", "dbeta"} <= set(report.margins)


def test_a_result_without_a_graph() -> None:
    report = judge("relu", forward=lambda x: x.detach().clamp(min=0), framework="torch", seed=1)
    assert report.verdict == "wrong"
    assert "no result is connected with an input" in report.diagnosis


@pytest.mark.parametrize("make", ["torch.empty(x.shape, dtype=x.dtype)", "torch.empty_like(x)", "x.new_empty(x.shape)"])
def test_memory_that_is_never_written_to_shows(make: str, tmp_path: Any) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        f"import torch\n\ndef forward(x):\n    y = {make}\n    y[x > 0] = x[x > 0]\n    return y\n\n"
        "def zeroed(x):\n    y = torch.zeros_like(x)\n    y[x > 0] = x[x > 0]\n    return y\n"
    )
    how = {"framework": "torch", "dtype": "float32", "replay": "relu.0.0.float32.3"}
    assert judge("relu", forward=f"{path}:zeroed", **how).ok
    report = judge("relu", forward=f"{path}:forward", **how)
    assert report.verdict == "wrong"
    assert "nan" in report.findings[0].words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("torch.set_default_dtype(torch.float64)", "torch's default dtype"),
        ("torch.backends.cudnn.benchmark = True", "torch's flags of cuDNN"),
        ("torch.use_deterministic_algorithms(True)", "torch's deterministic flag"),
        ("torch.manual_seed(0)", "torch's random state"),
    ],
)
def test_what_a_call_changes_is_found(change: str, words: str, tmp_path: Any) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"import torch\n\ndef forward(x):\n    {change}\n    return torch.relu(x)\n")
    report = judge("relu", forward=f"{path}:forward", framework="torch", replay="relu.0.0.float32.3")
    assert f"a call changes {words}" in report.diagnosis


@pytest.mark.parametrize(("layer", "dtype", "replay"), [
    ("bilinear", "bfloat16", "bilinear.0.0.bfloat16.b"), ("quadratic_form", "float16", "quadratic_form.0.2.float16.b"),
])  # fmt: skip
def test_of_three_factors_two_are_multiplied_first_and_stored(layer: str, dtype: str, replay: str) -> None:
    """What PyTorch sums the second time are numbers of the narrow format."""
    name = f"tests.judge.peer:eager.{layer}"
    report = judge(layer, forward=name, framework="torch", dtype=dtype, replay=replay)
    assert report.ok, str(report)
