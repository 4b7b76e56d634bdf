"""Errors over the input's range for the pages: ``python -m tests.accuracy.record`` writes docs/assets/accuracy.json.

Every elementwise function of the project at POINTS numbers in each of BINS equal parts of [-REACH, REACH], options at
their defaults, in float64: the largest error of value and slope in units in the last place of the truth, which Arb
gives; the same of PyTorch's function where it has one. An entry says which definition and which kernel it is of.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from typing import Any

import flint
import numpy as np

from derive.command.build import KERNELS, ROOT, fingerprint
from derive.command.files import replace
from derive.command.record import kernel_digest
from derive.evidence import kernels
from derive.targets.errors import BINS, ERRORS, REACH
from tests.accuracy.functions import Found, functions
from tests.accuracy.measure import computed, truths

POINTS = 6
Array = np.ndarray[Any, Any]
#: PyTorch's names, where they differ.
TORCH = {"log_sigmoid": "logsigmoid", "tanh_shrink": "tanhshrink", "gelu_tanh": "gelu"}
SETTINGS = {"gelu_tanh": {"approximate": "tanh"}, "threshold": {"threshold": 1.0, "value": 0.0}}
EXACT = ("dropout", "identity", "inverted_dropout")  # without an error


def entry(found: Found) -> dict[str, Any]:
    """One function's record."""
    layer = found.layer
    options = {o.name: o.default for o in layer.options}
    rng = np.random.default_rng(0)
    edges = np.linspace(-REACH, REACH, BINS + 1)
    x = np.concatenate([rng.uniform(a, b, POINTS) for a, b in itertools.pairwise(edges)])
    known = truths(found, x, options)
    with found.kernel() as kernel:
        errors = {"gradbook": worst(computed(kernel, x, options), known)}
    if (other := torch_function(layer.name)) is not None:
        errors["torch"] = worst(other(x), known)
    return {
        "definition": fingerprint(layer),
        "kernel": kernel_digest(layer.name, ROOT / KERNELS),
        "errors": errors,
    }


def worst(got: tuple[Array, Array], known: list[Any]) -> dict[str, list[float]]:
    """The largest error of each bin, of value and slope."""
    found = {}
    for which, name in enumerate(("value", "slope")):
        each = [0.0 if t is None else ulps(got[which][n], t[which]) for n, t in enumerate(known)]
        found[name] = [round(max(each[n : n + POINTS]), 2) for n in range(0, len(each), POINTS)]
    return found


def ulps(got: Any, truth: Any) -> float:
    """The distance in units in the last place of the truth; of the smallest normal number below that."""
    with kernels.precision(300):
        size = float(abs(truth).mid())
        unit = float(np.spacing(max(size, float(np.finfo(np.float64).tiny))))
        return float((abs(flint.arb(float(got)) - truth) / flint.arb(unit)).mid())


def torch_function(name: str) -> Callable[[Array], tuple[Array, Array]] | None:
    """Value and slope as PyTorch computes them; None where it has no such function."""
    import torch

    function = getattr(torch.nn.functional, TORCH.get(name, name), None)
    if function is None:
        return None

    def both(x: Array) -> tuple[Array, Array]:
        at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        y = function(at, **SETTINGS.get(name, {}))
        y.backward(torch.ones_like(y))
        assert at.grad is not None
        return y.detach().numpy(), at.grad.numpy()

    return both


def main() -> int:
    record = {}
    for found in functions(project=True):
        if found.layer.name not in EXACT and len(found.layer.inputs) == 1:
            record[found.layer.name] = entry(found)
            print(found.layer.name, {n: max(v) for n, v in record[found.layer.name]["errors"]["gradbook"].items()})
    lines = ",\n".join(f" {json.dumps(n)}: {json.dumps(e)}" for n, e in sorted(record.items()))
    replace({ROOT / ERRORS: f"{{\n{lines}\n}}\n".encode()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
