"""Whether what a definition computes on the way is beyond the range of a format: its own formula, not another one.

Where every operator's result is kept in float16, a square of 300 is infinite, and what comes of it is lost in every
composition that follows the definition. Exponentials are no excuse: a kernel must know to scale them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from derive.calculus.derivation import Derivation
from derive.evidence import world
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case
from derive.evidence.numbers import FLOAT

LARGE = 700.0  # whose exponential is a number of float64


class Scaled(float):
    """An exponential beyond the format, and what is made of it and is, too."""


def beyond(derivation: Derivation, case: Case, cotangents: Arrays, part: str, largest: float) -> bool:
    """Whether the result of an operator of a part is larger in magnitude, or no number; gradients may be computed from
    results."""
    found = [False]

    def seen(f: Callable[..., float]) -> Callable[..., float]:
        def apply(*args: Any) -> float:
            try:
                value = f(*args)
            except OverflowError:
                value = math.inf
            given = args[0] if isinstance(args[0], list) else args
            fits = abs(value) <= largest
            if any(isinstance(a, Scaled) for a in given):
                return value if fits else Scaled(value)
            found[0] |= not fits
            return value

        return apply

    def exponential(a: float) -> float:
        value = math.exp(a) if a < LARGE else math.inf
        return value if value <= largest else Scaled(value)

    numbers = replace(
        FLOAT,
        add=seen(FLOAT.add),
        mul=seen(FLOAT.mul),
        power=seen(FLOAT.power),
        raised=seen(FLOAT.raised),
        total=seen(math.fsum),
        functions={n: seen(f) for n, f in FLOAT.functions.items()} | {"exp": exponential},
    )
    try:
        run = world.forward(case, numbers)
        for name in case.layer.outputs:
            run.values(name, name)
        if part == "backward":
            world.gradients(derivation, world.backward(derivation, case, cotangents, numbers))
    except ArithmeticError:
        return True
    except ValueError:
        return found[0]
    return found[0]
