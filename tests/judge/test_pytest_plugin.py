"""The pytest plugin: each case an item, a failure reads like an assertion, and nothing is imported before its time."""

from __future__ import annotations

import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from derive import judge

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]

RIGHT = """
import numpy as np
import pytest

def forward(x):
    return np.maximum(x, 0)

def backward(dy, x):
    return dy * (x > 0)

@pytest.mark.gradbook("relu", dtype="float32")
def test_relu(gradbook):
    gradbook(forward, backward)
"""
WRONG = RIGHT.replace("dy * (x > 0)", "dy * (x >= 0)")


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """A run in this process forgets what it imports: what cannot be imported twice is there before."""
    judge("relu", forward=lambda x: np.maximum(x, 0), seed=0, budget=1)


def run(pytester: pytest.Pytester, source: str, *words: str, fresh: bool = False) -> pytest.RunResult:
    """A run of a file of tests, in this process or in a fresh one."""
    pytester.makepyfile(test_kernels=source)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        # installed, it is found by its entry point; the same with and without
        plugin = ["-p", "no:gradbook", "-p", "derive.judge.pytest_plugin", "-p", "no:cacheprovider"]
        return (pytester.runpytest_subprocess if fresh else pytester.runpytest_inprocess)(*plugin, *words)


def test_every_case_is_an_item_and_a_right_kernel_passes(pytester: pytest.Pytester) -> None:
    result = run(pytester, RIGHT, "-v", fresh=True)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 15
    assert set(outcomes) == {"passed"}
    result.stdout.fnmatch_lines(
        ["*::test_relu[[]values_that_tie-0.*[]] PASSED*", "*test_relu[[]a_large_case[]] PASSED*"]
    )


def test_a_failure_reads_like_an_assertion(pytester: pytest.Pytester) -> None:
    result = run(pytester, WRONG, "-k", "tie or different")
    assert result.parseoutcomes() == {"passed": 1, "failed": 2, "deselected": result.parseoutcomes()["deselected"]}
    result.stdout.fnmatch_lines(
        [
            "*    def test_relu(gradbook):",
            ">       gradbook(forward, backward)",
            "E       AssertionError: relu, backward: dx[[]*[]] is wrong",
            "E         value      *",
            "E         truth      0.0",
            "E         error      *; * of * elements of dx are wrong",
            "E         diagnosis  dx: *convention: x = 0: value 0, gradient 0*",
            "E         case       values that tie (float32)",
            "E         repeat     --replay relu.0.*.float32.0",
            "test_kernels.py:12: AssertionError",
            "FAILED test_kernels.py::test_relu[[]values_that_tie-0.*[]] - *",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin.py:*")


def test_what_is_no_number_is_said(pytester: pytest.Pytester) -> None:
    source = RIGHT.replace("return np.maximum(x, 0)", "return np.maximum(x, 0, out=x)")
    result = run(pytester, source, "-k", "different")
    result.stdout.fnmatch_lines(["E       AssertionError: relu: forward writes to its argument x"])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (RIGHT.replace('"relu", ', '"rleu", '), "*there is no layer 'rleu'; did you mean relu*"),
        (RIGHT.replace('dtype="float32"', 'dtype="float31"'), "*there is no format 'float31'*"),
        (RIGHT.replace('dtype="float32"', 'options={"alpha": 1}'), "*relu has no option 'alpha'*"),
        (RIGHT.replace('@pytest.mark.gradbook("relu", dtype="float32")', ""), "*test_relu: say which layer*"),
        (RIGHT.replace("gradbook(forward, backward)", "gradbook()"), "*there is nothing to judge*"),
        (RIGHT.replace("gradbook(forward, backward)", "gradbook('nowhere:f')"), "*nowhere cannot be imported*"),
    ],
)
def test_what_cannot_be_judged_is_said(pytester: pytest.Pytester, source: str, words: str) -> None:
    result = run(pytester, source, "-x")
    assert result.ret != 0
    assert any(fnmatch(line, words) for line in [*result.outlines, *result.errlines]), result.outlines


def test_options_seed_and_a_module(pytester: pytest.Pytester) -> None:
    source = """
    import pytest
    from reference import layer_norm, softmax

    @pytest.mark.gradbook("layer_norm", options={"epsilon": 0.5})
    def test_layer_norm(gradbook):
        assert gradbook(layer_norm).seed == 7

    @pytest.mark.gradbook("softmax", dtype="float16")
    def test_softmax(gradbook):
        gradbook(softmax)
    """
    result = run(pytester, source, "-k", "different or ones", "--gradbook-seed", "7")
    outcomes = result.parseoutcomes()
    assert outcomes.pop("deselected")
    assert set(outcomes) == {"passed"}


def test_nothing_heavy_is_imported_before_its_time(pytester: pytest.Pytester) -> None:
    names = "{'numpy', 'sympy', 'derive.judge.decide'}"
    source = f"import sys\n\ndef test_nothing():\n    assert not {names} & set(sys.modules)\n"
    run(pytester, source, fresh=True).assert_outcomes(passed=1)
    code = "import sys, derive.judge.pytest_plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"numpy", "sympy", "flint", "mpmath", "torch"} & set(done.stdout.split())
