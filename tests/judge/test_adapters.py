"""The same kernels through every adapter and the command: torch, C, a program, names, layouts, exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive import cli, judge
from derive.notation.define import REGISTRY, load_project

PROGRAM = """
import sys
import numpy as np
part, given, out = sys.argv[1:]
with np.load(given, allow_pickle=False) as f:
    a, b, dloss = f["y"], f["t"], f.get("dloss")
    reduction = str(f["reduction"])
loss = (a - b) ** 2
scale = {"mean": 1 / max(1, a.size), "sum": 1.0, "none": 1.0}[reduction]
if part == "forward":
    np.savez(out, loss=loss if reduction == "none" else loss.sum() * scale)
else:
    d = 2 * (a - b) * dloss * scale
    np.savez(out, dy=d, dt=FACTOR * d)
"""


def layer_norm(x: Any, weight: Any, bias: Any, eps: float = 1e-5) -> Any:
    x_hat = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
    return x_hat * weight + bias


def test_other_names() -> None:
    rename = {"gamma": "weight", "beta": "bias", "epsilon": "eps"}
    assert judge("layer_norm", forward=layer_norm, rename=rename, seed=1).ok
    wrong = judge(
        "layer_norm", forward=layer_norm, rename={"gamma": "bias", "beta": "weight", "epsilon": "eps"}, seed=1
    )
    assert "exchanged" in wrong.diagnosis


def test_another_layout() -> None:
    def forward(x: Any, W: Any, b: Any) -> Any:  # W is [i, o]
        return x @ W + b

    def backward(dz: Any, x: Any, W: Any, b: Any) -> Any:
        rows = dz.reshape(-1, dz.shape[-1])
        return dz @ W.T, x.reshape(-1, x.shape[-1]).T @ rows, rows.sum(0)

    assert judge("linear", forward=forward, backward=backward, layout={"W": "i o"}, seed=1).ok
    assert judge("linear", forward=forward, backward=backward, layout={"W": (1, 0)}, seed=1).ok
    assert not judge("linear", forward=forward, backward=backward, seed=1).ok
    assert "axes o i" in judge("linear", forward=forward, layout={"W": "i k"}).diagnosis


def test_an_option_that_is_fixed_is_not_varied() -> None:
    def forward(x: Any, gamma: Any, beta: Any, epsilon: float = 0.5) -> Any:
        assert epsilon == 0.5
        return layer_norm(x, gamma, beta, epsilon)

    assert judge("layer_norm", forward=forward, epsilon=0.5, seed=1).ok
    assert "did you mean epsilon" in judge("layer_norm", forward=forward, epsilom=0.5).diagnosis


def test_only_a_backward_and_a_gradient_that_is_not_given() -> None:
    def backward(dz: Any, x: Any, W: Any, b: Any) -> Any:
        return dz @ W, None, dz.reshape(-1, dz.shape[-1]).sum(0)

    report = judge("linear", backward=backward, seed=1)
    assert report.ok, str(report)
    assert set(report.margins) == {"dx", "db"}
    assert any("dW" in n for n in report.notes)


def test_a_module_of_ours() -> None:
    from reference import mse

    assert judge("mse", mse, dtype="float16", seed=1).ok
    assert judge("mse", forward="reference.layers.mse", framework="module", seed=1).ok


def test_a_program(tmp_path: Path) -> None:
    for factor, ok in (("-1", True), ("1", False)):
        path = tmp_path / f"program{ok}.py"
        path.write_text(PROGRAM.replace("FACTOR", factor))
        command = f"{sys.executable} {path}"
        report = judge("mse", forward=command, backward=command, framework="exec", seed=1, budget=3)
        assert report.ok == ok, str(report)
        if not ok:
            assert "dt: it is ours times -1" in report.diagnosis


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_function_in_c(tmp_path: Path) -> None:
    source = """
    #include <stdint.h>
    void he(const double *noise, double *W, const int64_t *sizes, const double *options) {
      int64_t n = sizes[0] * sizes[1];
      double a = 2.0 / (double) sizes[1], r = 1.0;
      for (int k = 0; k < 60; k++) r = 0.5 * (r + a / r);
      for (int64_t i = 0; i < n; i++) W[i] = r * noise[i];
    }
    void outside(const double *noise, double *W, const int64_t *sizes, const double *options) {
      he(noise, W, sizes, options);
      W[sizes[0] * sizes[1]] = 1;
    }
    void short_of_one(const double *noise, double *W, const int64_t *sizes, const double *options) {
      int64_t n = sizes[0] * sizes[1];
      double a = 2.0 / (double) sizes[1], r = 1.0;
      for (int k = 0; k < 60; k++) r = 0.5 * (r + a / r);
      for (int64_t i = 0; i + 1 < n; i++) W[i] = r * noise[i];
    }
    """
    (tmp_path / "k.c").write_text(source)
    library = tmp_path / "k.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, tmp_path / "k.c"], check=True)
    report = judge("he", forward=f"{library}:he", framework="c", dtype="float64", seed=1)
    assert report.ok, str(report)
    assert (
        "writes outside its result W"
        in judge("he", forward=f"{library}:outside", framework="c", dtype="float64").diagnosis
    )
    assert judge("he", forward=f"{library}:short_of_one", framework="c", dtype="float64").verdict == "wrong"
    assert "could not judge" in judge("he", forward=f"{library}:nothing", framework="c").verdict


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy as np\n\ndef right(x):\n    return np.maximum(x, 0)\n\ndef wrong(x):\n    return np.abs(x)\n\n"
        "def gradient(dy, x):\n    return dy * (x > 0)\n"
    )
    assert cli.main(["judge", "relu", f"{path}:right", "--backward", f"{path}:gradient", "--dtype", "float32"]) == 0
    assert "relu: right" in capsys.readouterr().out
    assert cli.main(["judge", "relu", f"{path}:wrong", "--json", "--seed", "1"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "wrong"
    again = ["judge", "relu", f"{path}:wrong", "--json", "--replay", report["findings"][0]["replay"]]
    assert cli.main(again) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0] == report["findings"][0]
    for words, said in (
        (["rleu", f"{path}:right"], "did you mean relu"),
        (["relu", f"{path}:rihgt"], "has no 'rihgt'"),
        (["relu", f"{path}:right", "--budget", "soon"], "no time"),
        (["relu", f"{path}:right", "--option", "alpha"], "NAME=VALUE"),
        (["relu", f"{path}:right", "--dtype", "float31"], "no format"),
        (["relu", f"{path}:right", "--replay", "xyz"], "no id of a case"),
        (["relu"], "nothing to judge"),
    ):
        assert cli.main(["judge", *words]) == 2
        assert said in capsys.readouterr().err


def test_a_layer_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "my_layers.py"
    path.write_text(
        "from derive import layer\n\n\n@layer(cites='a test')\ndef half(x: Real[...]):\n"
        "    '''Half of it.'''\n    y[...] = x[...] / 2\n    return y\n"
    )
    before = dict(load_project())
    try:
        report = judge(f"{path}:half", forward=lambda x: x / 2, backward=lambda dy, x: dy / 2, seed=1)
        assert report.ok, str(report)
        assert "times 2" in judge(f"{path}:half", backward=lambda dy, x: dy.copy(), seed=1).diagnosis
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)
