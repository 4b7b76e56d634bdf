"""Calls of kernels with arguments: what is called, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from derive.evidence import inputs, kernels
from derive.evidence.layout import Case
from tests.evidence.shared import LAYERS
from tests.fuzz.guises import Rng, pick

FUNCTIONS = ("forward", "backward", "jvp", "double_backward")


@dataclass
class Call:
    """One call of a function.

    Attributes:
        wrong: what is wrong with it: the words one of which an error must have; empty where nothing is.
    """

    function: str
    inputs: list[Any]
    options: dict[str, Any]
    cotangents: Any = None
    along: list[Any] = field(default_factory=list)
    primals: Any = None
    saved: Any = None
    wrong: tuple[str, ...] = ()

    def made(self, module: Any) -> Any:
        run = getattr(module, self.function)
        primals = self.inputs if self.primals is None else self.primals
        match self.function:
            case "forward":
                return run(*self.inputs, **self.options)
            case "backward":
                saved = module.forward(*self.inputs, **self.options)[1] if self.saved is None else self.saved
                return run(self.cotangents, saved)
            case "jvp":
                return run(primals, self.along, **self.options)
        return run(self.cotangents, primals, self.along, **self.options)


#: Of two numbers a normalisation makes 1 and -1, whose second derivatives are what rounding leaves.
PLAN = inputs.Plan(leading=((3,), (2, 3), ()))


@cache
def cases(name: str) -> list[Case]:
    return [c for layer in LAYERS[name] for c in inputs.cases(layer, plan=PLAN)]


def plain(name: str, rng: Rng, dtype: Any) -> Call:
    """A call with arrays as NumPy makes them, and options of Python's own types."""
    case: Case = kernels.cast(pick(rng, cases(name)), dtype)
    module = kernels.kernel_of(name)
    u, v = (f(case, dtype=dtype) for f in (inputs.cotangents, inputs.tangents))
    return Call(
        pick(rng, [f for f in FUNCTIONS if hasattr(module, f)]),
        kernels.arguments(case),
        dict(case.options),
        kernels._joined(case, u),
        [v[t.name] for t in case.layer.differentiable],
    )
