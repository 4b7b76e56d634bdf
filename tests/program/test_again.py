"""What jvp and double_backward take from forward: the same statements on the same arguments, and no others."""

from __future__ import annotations

import pytest

from derive.calculus.derivation import derive
from derive.notation.define import load_project
from derive.program.again import from_forward
from derive.program.compile import compile
from derive.program.ir import names
from derive.targets.numpy.costs import COSTS

#: What is taken by both functions.
TAKEN = {
    "layer_norm": {"inv_std", "x_hat"},
    "softmax": {"y"},
    "max_pool2d": {"argmax_y"},
    "linear": set(),  # nothing is computed twice
    "lstm": set(),  # a recurrence is computed in other parts
}


@pytest.mark.parametrize("function", ["jvp", "double_backward"])
@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken(name: str, function: str) -> None:
    functions = compile([derive(v) for v in load_project()[name]], COSTS).variants[0].functions
    taken, left = from_forward(functions[function], functions["forward"], COSTS)
    assert set(taken) == TAKEN[name]
    assert not set(taken) & set(names(left.statements))
    assert set(taken) <= set(functions["forward"].needed)
