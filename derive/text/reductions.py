"""What a reduction makes of the values that its indices give, one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from derive.text import numbers
from derive.text.kinks import beyond, larger
from derive.text.numbers import Outside

if TYPE_CHECKING:
    from derive.text.evaluate import Run

    Values = list[Any]


def total(run: Run, values: Values) -> Any:
    result: Any = 0
    for value in values:
        result = numbers.add(result, value)
        run.meter.note(value)
    return result


def _mean(run: Run, values: Values) -> Any:
    return numbers.divide(total(run, values), len(values))


def _variance(run: Run, values: Values) -> Any:
    middle = _mean(run, values)
    apart = (numbers.subtract(value, middle) for value in values)
    return _mean(run, [numbers.multiply(d, d) for d in apart])


def _deviation(run: Run, values: Values) -> Any:
    square = _variance(run, values)
    run.meter.singular |= square == 0
    return numbers.root(square)


def _logsumexp(run: Run, values: Values) -> Any:
    return numbers.log(total(run, [numbers.exp(value) for value in values]))


def _extreme(largest: bool) -> Callable[[Run, Values], Any]:
    def extreme(run: Run, values: Values) -> Any:
        best, *rest = values
        for value in rest:
            best = larger(run, largest, best, value)
        return best

    return extreme


def _place(largest: bool) -> Callable[[Run, Values], Any]:
    """Where the first of the largest is; None stands where nothing takes part."""

    def place(run: Run, values: Values) -> Any:
        at = -1
        for n, value in enumerate(values):
            if value is not None and (at < 0 or beyond(run, largest, *numbers.pair(values[at], value))):
                at = n
        if at < 0:
            raise Outside("the place of the largest of nothing")
        return at

    return place


REDUCED: dict[str, Callable[[Run, Values], Any]] = {
    "sum": total,
    "mean": _mean,
    "var": _variance,
    "std": _deviation,
    "logsumexp": _logsumexp,
    "max": _extreme(True),
    "min": _extreme(False),
    "argmax": _place(True),
    "argmin": _place(False),
}


def reduced(run: Run, name: str, values: Values) -> Any:
    """The values as one.

    Raises:
        Outside: there are none, and nothing is no number of that kind.
    """
    if not values and name != "sum":
        raise Outside(f"the {name} of nothing")
    return REDUCED[name](run, values)
