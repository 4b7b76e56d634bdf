"""The argument fuzzer over every layer; what it is worth, tests.removed_checks says."""

from __future__ import annotations

import decimal
import os
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from derive.evidence import kernels
from tests.evidence.shared import LAYERS
from tests.fuzz import arguments, calls


def test_every_layer_takes_what_is_right_and_refuses_what_is_not() -> None:
    assert arguments.fuzz(list(LAYERS), calls=200, seed=0) == []


def test_a_process_that_dies_is_a_fault_of_its_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADBOOK_FUZZ_DIES_AT", "tanh")
    (fault,) = arguments.fuzz(["relu", "tanh", "softmax"], calls=2, seed=0)
    assert fault.startswith("tanh: the process ended")
    assert os.environ["GRADBOOK_FUZZ_DIES_AT"] == "tanh"


def odd(x: Any) -> bool:
    """Whether an argument is not as NumPy makes them."""
    return not (type(x) is np.ndarray and x.dtype.isnative and x.flags.owndata and x.flags.c_contiguous)


def forward(x: Any) -> Any:
    return kernels.kernel_of("tanh").forward(x)


#: What a kernel may do with an argument in another form than NumPy's own.
FAULTS: dict[str, Callable[[Any], Any]] = {
    "wider": lambda x: (lambda y, s: (y.astype(np.longdouble), s))(*forward(x)),
    "swapped": lambda x: (lambda y, s: (y.astype(">f8"), s))(*forward(x)),
    "wrong": lambda x: (lambda y, s: (y * 1.5, s))(*forward(x)),
    "shared": lambda x: (lambda y, s: (s[0], s))(*forward(x)),
    "anything": lambda x: forward(np.asarray(x, np.float64)),
    "error states": lambda x: (forward(x), np.seterr(under="warn"))[0],
    "decimals": lambda x: (forward(x), decimal.getcontext().clear_flags(), setattr(decimal.getcontext(), "prec", 7))[0],
    "written": lambda x: (forward(x), x.fill(0) if isinstance(x, np.ndarray) and x.flags.writeable else None)[0],
    "warns": lambda x: (forward(x), warnings.warn("careful", stacklevel=1))[0],
    "dies": lambda x: 1 // 0,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_careless_kernel_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "FUNCTIONS", ("forward",))
    careless = SimpleNamespace(forward=lambda x: (FAULTS[fault] if odd(x) else forward)(x))
    with np.errstate(), decimal.localcontext(), warnings.catch_warnings():
        assert arguments.run("tanh", 60, 0, careless)
        assert not arguments.run("tanh", 60, 0, SimpleNamespace(forward=forward))
