"""Functions of numbers at whose kinks a run notes that values are compared, and words made of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.text import numbers

if TYPE_CHECKING:
    from derive.text.evaluate import Run


def absolute(run: Run, a: Any) -> Any:
    """The absolute value; its slope at 0 is held to be 0."""
    return numbers.multiply(0, a) if run.meter.ties(a, 0) else abs(a)


def beyond(run: Run, largest: bool, a: Any, b: Any) -> bool:
    """Whether the second is larger, or smaller; of equals it is not."""
    run.meter.compare(a, b)
    return not run.meter.ties(a, b) and bool(b > a if largest else b < a)


def larger(run: Run, largest: bool, a: Any, b: Any) -> Any:
    a, b = numbers.pair(a, b)
    return b if beyond(run, largest, a, b) else a


def _sign(run: Run, a: Any) -> int:
    run.meter.compare(a, 0)
    return 0 if a == 0 or run.meter.ties(a, 0) else 1 if a > 0 else -1


def _half(a: Any, b: Any) -> Any:
    return numbers.divide(numbers.add(a, b), 2)


def _less(a: Any) -> Any:
    return numbers.multiply(-1, a)


def _floor(run: Run, a: Any) -> Any:
    run.meter.compare(a, numbers.nearest(a))
    return numbers.floor(a)


def _nearest(run: Run, a: Any) -> Any:
    run.meter.compare(a, numbers.add(numbers.floor(a), Fraction(1, 2)))
    return numbers.nearest(a)


#: Words whose slope is 0 wherever they have one: they stay where they are while arguments move a little.
AT_REST = ("floor", "ceil", "round", "stop_gradient")
#: Words that a layer may have as its name too, which is meant then: how many numbers each takes, and its value.
SHORT: dict[str, tuple[int, Callable[..., Any]]] = {
    "sign": (1, _sign),
    "clip": (3, lambda run, a, low, high: larger(run, False, larger(run, True, a, low), high)),
    "log1p": (1, lambda run, a: numbers.log(numbers.add(1, a))),
    "expm1": (1, lambda run, a: numbers.subtract(numbers.exp(a), 1)),
    "floor": (1, _floor),
    "ceil": (1, lambda run, a: _less(_floor(run, _less(a)))),
    "round": (1, _nearest),
    "stop_gradient": (1, lambda run, a: a),
    "sinh": (1, lambda run, a: _half(numbers.exp(a), _less(numbers.exp(_less(a))))),
    "cosh": (1, lambda run, a: _half(numbers.exp(a), numbers.exp(_less(a)))),
}
